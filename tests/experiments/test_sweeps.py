"""Sweep files: what is right becomes numbered runs, what is wrong is one line with file, line and key."""

from pathlib import Path

import numpy as np
import pytest

from experiments.marks import is_sweep
from experiments.sweeps import read_sweep, sweep_names
from sim.config import BadInput
from tests.experiments.sweep_files import BASE, small, written

PRICE = {"indicator": "price", "unit": "CNY/MWh"}


def test_runs_are_numbered_point_by_point_with_the_same_seeds_at_every_point(tmp_path):
    """3 x 2 levels, 2 seeds: 12 runs; run 7 is the second seed of point 3."""
    sweep = small(tmp_path)
    assert sweep.points == ((400, "joint"), (400, "separate"), (800, "joint"), (800, "separate"), (1200, "joint"),
                            (1200, "separate"))
    assert (sweep.runs, sweep.of(7), sweep.seeds) == (12, (3, 1), (7, 8))
    config = sweep.seeded(sweep.config(3), 1)
    rules = config.law.on(config.start)["spot"]
    assert (config.seed, rules.offer_cap, rules.clearing) == (8, 800, "separate")


def test_a_lever_may_move_several_keys_at_once(tmp_path):
    sweep = small(tmp_path, levers={"both": {"keys": ["law.capacity.coal.HILLS", "law.capacity.coal.COAST"],
                                             "values": [0, 50]}})
    coal = sweep.config(1).law.on(sweep.base.start)["capacity"].coal
    assert (coal["HILLS"], coal["COAST"]) == (50, 50)


def test_a_range_has_levels_in_a_grid_and_none_elsewhere(tmp_path):
    lever = {"cap": {"keys": ["law.spot.offer_cap"], "range": [400, 1200], "steps": 3}}
    assert [point[0] for point in small(tmp_path, levers=lever).points] == [400, 800, 1200]
    drawn = [point[0] for point in small(tmp_path, levers=lever, design={"kind": "latin", "points": 8}).points]
    assert [int((value - 400) // 100) for value in sorted(drawn)] == list(range(8))


def test_what_is_sampled_is_the_same_under_every_policy(tmp_path):
    sweep = small(tmp_path, uncertainties={"law.swap.subscription": {"uniform": [249, 349]}},
                  design={"kind": "grid", "samples": 3})
    fees = np.array([point[2] for point in sweep.points]).reshape(6, 3)
    assert (fees == fees[0]).all()
    assert len(set(fees[0])) == 3


def test_points_can_be_listed(tmp_path):
    (tmp_path / "points.csv").write_text("clearing,law.spot.offer_cap\nseparate,500\njoint,650.5\n")
    sweep = small(tmp_path, design={"kind": "csv", "file": "points.csv"})
    assert sweep.points == ((500, "separate"), (650.5, "joint"))


@pytest.mark.parametrize(("text", "words"), [
    ("clearing\njoint\n", ("points.csv:1", "expected law.spot.offer_cap, clearing")),
    ("clearing,law.spot.offer_cup\njoint,3\n", ("points.csv:1", "did you mean 'law.spot.offer_cap'")),
    ("clearing,law.spot.offer_cap\njont,300\n", ("points.csv:2", "clearing", "did you mean 'joint'")),
    ("clearing,law.spot.offer_cap\njoint\n", ("points.csv:2", "1 cells; expected 2")),
    ("clearing,law.spot.offer_cap\n", ("points.csv", "no point")),
    ("clearing,law.spot.offer_cap\njoint,-3\n", ("law.spot.offer_cap",)),
])
def test_a_wrong_list_of_points_is_one_line(tmp_path, text, words):
    (tmp_path / "points.csv").write_text(text)
    refused(written(tmp_path, design={"kind": "csv", "file": "points.csv"}), *words)


def refused(path: Path, *words: str):
    """Assert that a sweep is refused in one line with these words."""
    with pytest.raises(BadInput) as caught:
        read_sweep(path)
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value), str(caught.value)


@pytest.mark.parametrize(("changes", "words"), [
    ({"sources": "x"}, ("sources", "did you mean 'source'")),
    ({"title": ""}, ("title", "too short")),
    ({"scenario": "nowhere.yaml"}, ("scenario: there is no scenario",)),
    ({"period": {"start": "2025-07-02", "end": "2025-07-01"}}, ("period", "before the start")),
    ({"period": {"start": "1999-07-01", "end": "1999-07-01"}}, ("period.start", "outside the world's data")),
    ({"constants": {"scale.rider": 5}}, ("scale.rider", "did you mean 'riders'")),
    ({"constants": {"seed": 5}}, ("constants.seed", "nothing that a sweep sets")),
    ({"levers": {"law.spot.offer_cup": [1, 2]}}, ("law.spot.offer_cup", "offer_cap")),
    ({"levers": {"law.spot.offer_cap": [400, "much"]}}, ("law.spot.offer_cap", "'much' is not a number")),
    ({"levers": {"law.spot.offer_cap": [400, 9000]}}, ("law.spot", "clearing_cap", "9000")),
    ({"levers": {"law.spot.offer_cap": []}}, ("law.spot.offer_cap", "few items")),
    ({"levers": {"x": {"values": [1], "range": [1, 2]}}}, ("levers.x", "values and range", "expected one of")),
    ({"levers": {"x": {"keys": ["law.spot.offer_cap"], "range": [2, 1]}}}, ("levers.x", "lower end first")),
    ({"levers": {"x": {"levels": {"a": {"law.spot.clearing": "join"}}}}}, ("spot.clearing", "did you mean 'joint'")),
    ({"levers": {"run": {"keys": ["law.spot.offer_cap"], "values": [1]}}}, ("run", "a column of every sweep")),
    ({"uncertainties": {"law.swap.subscription": {"uniform": [3, 2]}}}, ("law.swap.subscription", "out of order")),
    ({"uncertainties": {"law.swap.subscription": {"normal": [3, -2]}}}, ("law.swap.subscription", "not positive")),
    ({"uncertainties": {"law.swap.subscription": {"unifrom": [3, 4]}}}, ("did you mean 'uniform'",)),
    ({"uncertainties": {"law.swap.subscription": {}}}, ("law.swap.subscription", "nothing is given")),
    ({"levers": {}}, ("design", "nothing to vary")),
    ({"outcomes": {}}, ("outcomes", "few")),
    ({"outcomes": {"p": PRICE | {"indicator": "pryce"}}}, ("outcomes.p.indicator", "did you mean 'price'")),
    ({"outcomes": {"p": PRICE | {"unit": "MWh"}}}, ("outcomes.p.unit", "expected 'CNY/MWh'")),
    ({"outcomes": {"p": PRICE | {"zones": ["HILS"]}}}, ("outcomes.p.zones.0", "did you mean 'HILLS'")),
    ({"outcomes": {"p": PRICE | {"weight": "laod"}}}, ("outcomes.p.weight", "did you mean 'load'")),
    ({"outcomes": {"p": {"indicator": "generation", "unit": "MWh"}}}, ("generation.*",)),
    ({"outcomes": {"p": PRICE | {"indicator": "price.hydro"}}}, ("expected price",)),
    ({"design": {"kind": "gird"}}, ("design.kind", "did you mean 'grid'")),
    ({"design": {"kind": "sobol", "base": 10}}, ("design", "no power of two")),
    ({"design": {"kind": "morris", "levels": 3}}, ("design", "odd")),
    ({"design": {"kind": "csv"}}, ("design", "file goes with kind csv")),
    ({"replicates": 0}, ("replicates", ">= 1")),
    ({"keep": {"hourly/buses": None}}, ("keep", "hourly/bus")),
])
def test_a_wrong_sweep_is_one_line(tmp_path, changes, words):
    refused(written(tmp_path, **changes), "mine.yaml:", *words)


def test_a_wrong_level_names_the_line_of_its_lever(tmp_path):
    path = written(tmp_path, levers=BASE["levers"] | {"law.swap.subscription": [299, -1]})
    line = 1 + next(i for i, text in enumerate(path.read_text().splitlines()) if "law.swap.subscription" in text)
    refused(path, f"mine.yaml:{line}: law.swap.subscription", "-1")


def test_files_know_whether_they_are_sweeps(tmp_path):
    assert is_sweep(written(tmp_path))
    assert not is_sweep(BASE["scenario"])


@pytest.mark.parametrize("name", sweep_names())
def test_every_sweep_that_comes_with_the_project_is_all_well(name):
    assert read_sweep(name).runs > 1


def test_a_sweep_that_nobody_knows_is_answered_with_the_nearest():
    refused(Path("toy_ofer_cap"), "no such sweep", "did you mean 'toy_offer_cap'")


def test_kept_tables_switch_on_what_records_them(tmp_path):
    assert not small(tmp_path).base.record.hourly
    assert small(tmp_path, keep={"hourly/bus": ["time", "price"]}).base.record.hourly
