"""Sensitivity is known where a formula gives it: Ishigami's function, a plane, a function of one of three."""

import numpy as np
import pytest

from experiments import designs
from experiments.cli import main
from experiments.designs import Axis
from experiments.sensitivity import Cases, cases, indices, told
from experiments.sweep_folder import open_sweep
from experiments.sweeping import sweep_into
from sim.config import BadInput
from tests.experiments.sweep_files import small

PI = np.pi
AXES = [Axis(name, True, inverse=designs.uniform(-PI, PI)) for name in ("x1", "x2", "x3")]


def ishigami(unit: np.ndarray) -> np.ndarray:
    """sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1 on [-pi, pi]^3, of the values that axes make of coordinates."""
    x = np.array([[axis.value(u) for axis, u in zip(AXES, row)] for row in unit])
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


# variances of its parts, in closed form: V1 = (1 + b pi^4/5)^2 / 2, V2 = a^2/8, V13 = b^2 pi^8 (1/18 - 1/50)
V1, V2, V13 = 0.5 * (1 + 0.1 * PI**4 / 5) ** 2, 49 / 8, 0.01 * PI**8 * (1 / 18 - 1 / 50)
ALONE = np.array([V1, V2, 0]) / (V1 + V2 + V13)  # 0.314, 0.442, 0
IN_ALL = np.array([V1 + V13, V2, V13]) / (V1 + V2 + V13)  # 0.558, 0.442, 0.244


def sample(unit, outcome, **design) -> Cases:
    return Cases(["x1", "x2", "x3"][: unit.shape[1]], unit, outcome, np.nan, design)


def test_sobols_indices_of_ishigami_are_those_of_the_formula():
    unit = designs.sobol(AXES, 1024, 1)
    found, lost = indices(sample(unit, ishigami(unit), kind="sobol"), "sobol")
    assert lost == 0
    assert found["dimension"].tolist() == ["x1", "x2", "x3"]
    assert found["alone"].to_numpy() == pytest.approx(ALONE, abs=0.04)
    assert found["in all"].to_numpy() == pytest.approx(IN_ALL, abs=0.04)


def test_a_failed_run_costs_its_block_and_nothing_else():
    unit = designs.sobol(AXES, 1024, 1)
    outcome = ishigami(unit)
    outcome[7] = np.nan  # of the second block of five
    found, lost = indices(sample(unit, outcome, kind="sobol"), "sobol")
    assert lost == 5
    assert found["in all"].to_numpy() == pytest.approx(IN_ALL, abs=0.04)


def test_delta_and_pawn_rank_ishigami_from_any_sample():
    unit = designs.latin(AXES, 2000, 1)
    outcome = ishigami(unit)
    delta, _ = indices(sample(unit, outcome, kind="latin"), "delta")
    # by histograms of four million points 0.255, 0.421, 0.205; densities smoothed from 2,000 are less apart
    assert delta["moved"].to_numpy() == pytest.approx([0.255, 0.421, 0.205], abs=0.12)
    assert delta["moved"].idxmax() == 1
    pawn, _ = indices(sample(unit, outcome, kind="latin"), "pawn")
    assert pawn["moved"][1] > pawn["moved"][2]


@pytest.mark.parametrize("method", ["delta", "pawn"])
def test_what_an_outcome_does_not_depend_on_moves_it_by_noise_only(method):
    unit = designs.latin(AXES, 600, 1)
    found, _ = indices(sample(unit, unit[:, 0] ** 2, kind="latin"), method)
    assert found["moved"][0] > 0.5
    assert found["moved"][1:].max() < 0.2


def test_morris_steps_on_a_plane_are_its_slopes():
    unit = designs.morris(AXES, 10, 4, 1)
    found, _ = indices(sample(unit, unit @ [3.0, -1.0, 0.0], kind="morris", levels=4), "morris")
    assert found["effect"].to_numpy() == pytest.approx([3, 1, 0], abs=1e-9)
    assert found["spread"].to_numpy() == pytest.approx([0, 0, 0], abs=1e-9)


@pytest.mark.parametrize(("design", "outcome", "method", "words"), [
    ({"kind": "latin"}, np.arange(30.0), "sobol", "sobol needs a sweep of design sobol, this one is of design latin"),
    ({"kind": "latin"}, np.arange(30.0) * np.nan, "pawn", "0 points are whole"),
    ({"kind": "latin"}, np.ones(30), "delta", "the outcome is the same at every point")])
def test_what_cannot_be_told_is_one_line(design, outcome, method, words):
    with pytest.raises(BadInput, match=words):
        indices(sample(designs.latin(AXES, 30, 1), outcome, **design), method)


COAST = {"price": {"indicator": "price", "zones": ["COAST"], "unit": "CNY/MWh", "weight": "load"}}  # where load is shed


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """The offer cap, which makes scarce hours dear, beside a subscription fee, which prices know nothing of."""
    home = tmp_path_factory.mktemp("sensitivity")
    sweep = small(home, levers={"law.spot.offer_cap": {"range": [300, 1200]},
                                "law.swap.subscription": {"range": [249, 349]}},
                  outcomes=COAST, design={"kind": "morris", "trajectories": 7}, replicates=1)
    return sweep_into(sweep, home / "out", jobs=0, progress=False).folder


def test_prices_depend_on_the_cap_and_not_on_the_swap_fee(lived, capsys):
    found, _ = indices(cases(open_sweep(lived), "price"), "morris")
    effect = dict(zip(found["dimension"], found["effect"]))
    assert effect["law.spot.offer_cap"] > 0
    assert effect["law.swap.subscription"] == 0
    assert main(["sensitivity", str(lived), "--outcome", "price", "--method", "morris"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "price [CNY/MWh], morris, 21 points, 1 seed each"
    assert lines[3].startswith("law.spot.offer_cap")  # the most telling stands first


def test_an_outcome_that_is_not_there_is_answered_with_the_nearest(lived):
    with pytest.raises(BadInput, match=r"has no 'prise'; did you mean 'price'"):
        told(lived, "prise", "pawn")
