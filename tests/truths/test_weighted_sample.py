"""Twenty thousand weighted rows say what a million say: indicators of the full scale lie in the sample's intervals.

Half a year from July 2025. An indicator is a ratio of two sums over persons, R = sum w y / sum w x; its interval is
R +- 1.96 s with s^2 = sum w^2 (y - R x)^2 / (sum w x)^2, rows being as good as independent draws. At 95 % one of
twenty is expected outside; three or more of twenty happen once in thirteen times by chance, and not with this seed.
"""

import numpy as np
import pytest

from agents.mind_kernels import CROSSED, WOMAN
from experiments.riders_alone import RidersAlone
from sim.config import load
from tests.labs import ROOT

FULL, SAMPLE = (472_300, 175_900), (5_000, 5_000)  # rows of the named cities and of each of three rest regions
KUNMING = 0


def lived(named: int, rest: int):
    """The riders and the last month's page after half a year."""
    config = load(ROOT / "configs" / "scenarios" / "base_2025.yaml", start="2025-07-01", end="2025-12-31",
                  set=[f"scale.riders={named}", f"scale.rest_riders={rest}"])
    world, pages = RidersAlone(config), []
    world.live(lambda month: pages.__setitem__(slice(None), [month]))
    return world.riders, pages[0].people


def indicators(riders, people) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Numerator and denominator of one person, by name; arrays [row]."""
    everybody, busy = np.ones(len(people.identity)), riders.segments["high_frequency"][people.segment]
    here = people.city == KUNMING
    eligible = ((people.met & 1) > 0) & (np.bitwise_count(people.met & np.uint8(63)) >= 3)
    income = people.income / 100
    of_all = {
        "income": income, "orders": people.orders, "hours": people.hours,
        "days": people.days, "income meets the base": people.met & 1, "eligible": eligible,
        "enrolled": people.enrolled, "own account": people.account / 100, "less than 3 months": people.tenure < 3,
        "less than a year": people.tenure < 12, "age": people.age, "dependants": people.dependants,
        "swap subscription": people.swaps, "from elsewhere": riders.origin > 0, "temporary": riders.temporary,
        "two cities": riders.traits & CROSSED > 0, "women": riders.traits & WOMAN > 0}
    found = {name: (values.astype(float), everybody) for name, values in of_all.items()}
    return found | {"income of high-frequency riders": (income * busy, busy.astype(float)),
                    "take-up among the eligible": ((people.enrolled & eligible).astype(float), eligible.astype(float)),
                    "income in Kunming": (income * here, here.astype(float))}


@pytest.fixture(scope="module")
def both():
    """Of the sample: ratio and standard error by indicator; of the full scale: ratio."""
    sample, full = {}, {}
    for found, rows in ((sample, SAMPLE), (full, FULL)):
        riders, people = lived(*rows)
        weight = people.weight.astype(float)
        for name, (y, x) in indicators(riders, people).items():
            ratio, among = (weight @ y) / (weight @ x), weight @ x
            found[name] = ratio, np.sqrt((weight**2) @ (y - ratio * x) ** 2) / among
    return sample, full


def test_at_least_eighteen_of_twenty_indicators_lie_in_the_samples_intervals(both):
    sample, full = both
    named = list(sample)
    assert len(named) == 20
    outside = [name for name in named if abs(sample[name][0] - full[name][0]) > 1.96 * sample[name][1]]
    assert len(outside) <= 2, {name: (sample[name], full[name][0]) for name in outside}


def test_the_intervals_are_narrow_enough_to_say_something(both):
    sample, _ = both
    for name in ("income", "orders", "eligible", "enrolled", "age", "two cities"):
        ratio, error = sample[name]
        assert error < 0.05 * ratio, name
