"""PRIM finds a box that is known, says what it trades, and which limits are chance."""

import numpy as np
import pytest

from experiments import discovery
from experiments.cli import main
from experiments.discovery import Box, condition, prim, proposed
from experiments.sweep_folder import open_sweep
from experiments.sweeping import sweep_into
from sim.config import BadInput
from tests.experiments.sweep_files import small

DICE = np.random.default_rng(1)
N = 1000
COLUMNS = {"x": DICE.random(N), "y": DICE.random(N), "idle": DICE.random(N),
           "kind": np.array(["a", "b", "c"], object)[DICE.integers(0, 3, N)]}
INSIDE = (COLUMNS["x"] > 0.6) & (COLUMNS["y"] < 0.5) & (COLUMNS["kind"] != "b")  # the box: 0.4 x 0.5 x 2/3


def test_the_known_box_is_found():
    best = proposed(prim(COLUMNS, INSIDE, least=0.05))
    assert best.coverage > 0.9
    assert best.density > 0.9
    assert best.limits["x"] == pytest.approx((0.6, 1), abs=0.05)
    assert best.limits["y"] == pytest.approx((0, 0.5), abs=0.05)
    assert best.limits["kind"] == {"a", "c"}
    assert max(best.by_chance[name] for name in ("x", "y", "kind")) < 1e-6


def test_peels_trade_coverage_for_density():
    boxes = prim(COLUMNS, INSIDE, least=0.05)
    assert (boxes[0].coverage, boxes[0].density) == (1, INSIDE.mean())
    assert (np.diff([box.density for box in boxes]) > 0).all()
    assert (np.diff([box.coverage for box in boxes]) <= 0).all()
    assert min(box.mass for box in boxes) >= 0.05


def test_coverage_and_density_are_what_they_are_called():
    # of 10 points 4 are hits, the upper half holds 3 of them: coverage 3/4, density 3/5
    x, hit = np.arange(10.0), np.array([1, 0, 0, 0, 0, 1, 1, 1, 0, 0], bool)
    box = discovery._box({"x": x}, hit, {"x": (5.0, 9.0)})
    assert (box.coverage, box.density, box.mass) == (0.75, 0.6, 0.5)
    # 3 or more hits of 5 where 0.4 of all are hits: 10 .4^3 .6^2 + 5 .4^4 .6 + .4^5 = 0.31744
    assert discovery._by_chance({"x": x}, hit, box)["x"] == pytest.approx(0.31744)


def test_noise_is_limited_by_chance_only():
    hit = DICE.random(N) < 0.3  # depends on nothing
    best = proposed(prim(COLUMNS, hit))
    assert best.density < 0.5
    assert not best.limits or max(best.by_chance.values()) > 1e-3


@pytest.mark.parametrize(("hit", "words"), [(np.zeros(N, bool), "no point is such a case"),
                                            (np.ones(N, bool), "every point is such a case")])
def test_nothing_to_find_is_one_line(hit, words):
    with pytest.raises(BadInput, match=words):
        prim(COLUMNS, hit)


def test_a_condition_is_read():
    assert condition("price>=2.5e2", ["price"]) == ("price", ">=", 250.0)
    with pytest.raises(BadInput, match="did you mean 'price'"):
        condition("prize > 3", ["price"])
    with pytest.raises(BadInput, match="expected OUTCOME > NUMBER"):
        condition("price", ["price"])


def test_the_box_with_the_best_balance_is_proposed():
    boxes = [Box({}, np.ones(1, bool), coverage, density, 1.0, {}) for coverage, density in
             ((1, 0.2), (0.8, 0.7), (0.1, 1))]
    assert proposed(boxes) is boxes[1]  # 0.33, 0.75, 0.18


def test_dear_days_are_found_where_the_cap_is_high(tmp_path, capsys):
    coast = {"price": {"indicator": "price", "zones": ["COAST"], "unit": "CNY/MWh", "weight": "load"}}
    sweep = small(tmp_path, outcomes=coast, replicates=1, design={"kind": "latin", "points": 24}, levers={
        "law.spot.offer_cap": {"range": [200, 1200]},
        "clearing": {"levels": {"joint": {"law.spot.clearing": "joint"},
                                "separate": {"law.spot.clearing": "separate"}}}})
    folder = sweep_into(sweep, tmp_path / "out", jobs=0, progress=False).folder
    middle = open_sweep(folder).outcomes["price"].median()
    assert main(["discover", str(folder), "--where", f"price > {middle}"]) == 0
    print(capsys.readouterr().out)
