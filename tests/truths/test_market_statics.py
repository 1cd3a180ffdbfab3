"""What moves which way, in every one of twenty paired seeds, with cost-based offers unless a strategy is named.

That a higher capacity price never lowers the storage that is built is held in `tests/truths/test_capacity_statics.py`.
"""

import numpy as np
import pytest

from tests.labs import altered, toy

SEEDS = range(20)
pytestmark = pytest.mark.parametrize("seed", SEEDS)


def wetter(row):
    """Half as much flow again, in every half-year."""
    return row | {name: f"{1.5 * float(row[name]):g}" for name in row if name.startswith("multiplier")}


@pytest.fixture(scope="module")
def wet_world(tmp_path_factory):
    return altered(tmp_path_factory.mktemp("wet"), {"inflow_years": wetter})


def test_joint_clearing_never_costs_more_than_separate_with_the_same_offers(seed):
    """Day by day: what joint clearing may do, separate clearing may not; a constraint less never costs more."""
    lab, gains = toy("law.spot.compare=true", seed=seed, days=3), []
    compare = lab.facts._compare

    def watched(*given):
        before = lab.facts.gain.total
        compare(*given)
        gains.append(lab.facts.gain.total - before)

    lab.facts._compare = watched
    lab.run()
    assert len(gains) == 3
    assert min(gains) >= -1.0  # CNY of millions: a solver's tolerance
    assert max(gains) > 1000


def test_more_inflow_never_raises_the_wet_seasons_price(seed, wet_world):
    """July to the tenth: with half as much water again the hills' mean price is lower, or the same."""
    usual, wet = (toy(seed=seed, days=10, **given).run().facts for given in ({}, {"scenario": wet_world}))
    hills = usual.grid.zone.index("HILLS")
    assert wet.inflow.sum() > 1.4 * usual.inflow.sum()
    assert wet.zone_mean()[hills] <= usual.zone_mean()[hills] + 1e-6


def markup(lab) -> float:
    """Mean of what the companies of the hills added to cost, over days, hours and plants in use."""
    added = []
    for company in lab.companies:
        speak = company.desks.added

        def heard(scene, available, worth, speak=speak):
            found = speak(scene, available, worth)
            added.append(float((found * available).sum() / max(available.sum(), 1e-9)))
            return found

        object.__setattr__(company.desks, "added", heard)
    lab.run()
    return float(np.mean(added))


def test_a_stricter_cover_never_raises_the_mean_markup(seed):
    """Companies of the hills that answer with their best response, their users made to cover a tenth or nine tenths."""
    loose, strict = (markup(toy(
        "strategies={default: cost, hill_power: {kind: best_response}, county: {kind: best_response}, "
        "valley_hydro: {kind: best_response}}",
        f"law.contracts.cover_year={share}", f"law.contracts.cover={share}", "law.contracts.eligible=1.0", seed=seed,
        days=8)) for share in (0.1, 0.9))
    assert loose > 0.01, "nobody adds anything: the claim would say nothing"
    assert strict <= loose + 1e-9
