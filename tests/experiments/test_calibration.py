"""Calibration finds what is known, says what the targets cannot tell, and never looks at what is held out."""

import os
import signal
import time

import numpy as np
import pytest
import yaml

from experiments import designs
from experiments.calibration import Calibration, CalibrationFile, Limits, fitted, keep, loss, read, verdict
from experiments.cli import main
from experiments.designs import Axis
from sim.config import BadInput
from sim.config.scenarios import PROJECT
from tests.experiments.sweep_files import command

AXES = [Axis("a", True, inverse=designs.uniform(0, 2)), Axis("b", True, inverse=designs.uniform(0, 2)),
        Axis("c", True, inverse=designs.uniform(-1, 1)), Axis("d", True, inverse=designs.uniform(0, 1))]
MEASURE = {"indicator": "price", "unit": "CNY/MWh", "least": 0.0}


def wanted(held=(0.0, 1.0), **changes) -> Calibration:
    """Targets on a + b and on c; d is in no target, only in what is held out."""
    file = CalibrationFile(**({
        "title": "t", "question": "q", "source": "s", "scenario": "toy", "samples": 400, "trials": 40, "replicates": 2,
        "parameters": {axis.name: {"uniform": [0.0, 1.0]} for axis in AXES},
        "targets": {"sum": MEASURE, "c": MEASURE}, "held_out": {"d": MEASURE}} | changes))
    return Calibration(file, PROJECT, AXES, {"sum": Limits(1.9, 2.1, 0.1, ""), "c": Limits(0.4, 0.6, 0.1, "")},
                       {"d": Limits(*held, 0.1, "")})


def world(generation, candidates):
    """Outcomes a + b, c and d with the noise of two seeds, the same for all candidates."""
    a, b, c, d = np.array(candidates).T
    noise = np.array([-0.01, 0.01])[:, None]
    return np.stack([a + b, c, d], axis=1)[:, None, :] + noise


@pytest.fixture(scope="module")
def found():
    return fitted(wanted(), world)


def test_the_best_fit_meets_the_targets(found):
    a, b, c, _ = found.parameters()["best"]
    assert found.losses[found.best] == 0
    assert 1.9 <= a + b <= 2.1
    assert 0.4 <= c <= 0.6


def test_what_the_targets_pin_down_is_told_from_what_they_do_not(found):
    table = found.parameters().set_index("parameter")
    # a sixteenth to a tenth of the range of c is inside its limits, all of d is; a and b only hold their sum
    assert table.loc["c", "spread"] < 0.5
    assert verdict(table.loc["c"]) == "pinned"
    assert table.loc["d", "spread"] == pytest.approx(1, abs=0.25)
    assert verdict(table.loc["d"]) == "not pinned"
    assert table.loc["a", "spread"] > 0.5
    assert (table.loc["a", "tied"], table.loc["b", "tied"]) == ("b", "a")
    assert table.loc["a", "tie"] < -0.8
    assert "moves with b" in verdict(table.loc["a"])


def test_the_profile_excludes_what_cannot_meet_the_targets(found):
    # c in its lower half, fifths 1 to 3 (up to 0.2), leaves a gap of 0.2/0.1 to its limits: loss at least 2/sqrt 2
    profile = found.parameters().set_index("parameter").loc["c", "profile"]
    assert min(profile[:3]) >= 2 / np.sqrt(2) - 1e-9
    assert profile[3] == 0


def test_what_is_held_out_is_told_and_never_used(found):
    other = fitted(wanted(held=(5.0, 6.0)), world)
    assert np.array_equal(other.unit, found.unit)
    assert np.array_equal(other.losses, found.losses)
    mine, theirs = found.figures().set_index("figure"), other.figures().set_index("figure")
    assert mine.loc["d", "held_out"]
    assert (mine.loc["d", "met"], theirs.loc["d", "met"]) == (True, False)


def test_gaps_are_counted_from_the_nearer_limit_in_scales():
    # means over seeds 2.3 and 0.5: gaps (2.3 - 2.1)/0.1 = 2 and 0, root mean square sqrt(4/2)
    values = np.array([[[2.2, 0.5], [2.4, 0.5]], [[2.0, np.nan], [2.0, 0.5]]])
    found = loss(values, [Limits(1.9, 2.1, 0.1, ""), Limits(0.4, 0.6, 0.1, "")])
    assert found[0] == pytest.approx(np.sqrt(2))
    assert np.isnan(found[1])  # a seed that failed is not left out in silence


def test_where_too_few_meet_all_targets_the_nearest_are_kept():
    losses = np.r_[np.zeros(3), np.arange(1, 98.0), [np.nan]]
    assert keep(losses, 0.3).sum() == 31
    assert keep(losses, 0.01).sum() == 10
    assert keep(np.zeros(50), 0.1).all()


COAST = {"indicator": "price", "zones": ["COAST"], "unit": "CNY/MWh", "weight": "load"}
TOY = {"title": "A cap for a price", "question": "Which cap makes the coast's price?", "source": "[assumption] tests",
       "scenario": "toy", "period": {"start": "2025-07-01", "end": "2025-07-01"}, "constants": {"scale.riders": 50},
       "parameters": {"law.spot.offer_cap": {"uniform": [200, 1200]}, "law.swap.subscription": {"uniform": [249, 349]}},
       "targets": {"price": COAST | {"most": 300}},
       "held_out": {"hydro": {"indicator": "generation.hydro", "unit": "MWh", "aggregate": "sum", "least": 1}},
       "samples": 50, "trials": 2, "batch": 2, "replicates": 1}


def written(folder, **changes):
    path = folder / "cap.yaml"
    path.write_text(yaml.safe_dump(TOY | changes, sort_keys=False))
    return path


@pytest.mark.campaign
def test_a_cap_is_found_for_a_price_and_a_killed_calibration_goes_on(tmp_path, capsys):
    file = written(tmp_path, constants={"scale.riders": 50, "law.spot.clearing": "separate"})
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main(["calibrate", str(file), "--jobs", "1", "--out", str(whole), "--quiet"]) == 0
    said = capsys.readouterr().out
    process = command("calibrate", file, "--jobs", "1", "--out", killed, "--quiet")
    log = killed / "generation-000" / "log" / "000000.log"
    while not (log.exists() and log.stat().st_size > 2000):  # a few runs are over
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert main(["calibrate", str(file), "--jobs", "1", "--out", str(killed), "--quiet"]) == 0
    assert capsys.readouterr().out == said
    # cleared alone the coast is short all day, its price is the cap: 200 to 300 of 200 to 1200 meets the target
    verdicts = {line.split()[0]: line for line in said.partition("spread:")[0].splitlines() if line.startswith("law.")}
    assert verdicts["law.spot.offer_cap"].endswith("  pinned")
    assert verdicts["law.swap.subscription"].endswith("  not pinned")
    assert "held out, met" in said


@pytest.mark.parametrize(("changes", "words"), [
    ({"targets": {"price": COAST | {"unit": "MWh", "most": 3}}}, "targets.price.unit: 'MWh' is the wrong unit"),
    ({"targets": {"price": COAST | {"least": 4, "most": 3}}}, "expected the lower end first"),
    ({"targets": {"price": COAST | {"line": "V3"}}}, "there is no line 'V3'"),
    ({"targets": {"price": COAST | {"least": 0}}}, "expected scale"),
    ({"held_out": {"price": COAST | {"zones": ["HILLS"], "most": 300}}}, "held_out.price: is a target too"),
    ({"parameters": {"law.spot.offer_cup": {"uniform": [1, 2]}}}, "did you mean"),
    ({"parameters": {"seed": {"uniform": [1, 2]}}}, "nothing that a sweep sets"),
    ({"parameters": {"law.spot.offer_cap": {"choice": [400, 800]}}}, "is no range"),
    ({"scenario": "toi"}, "there is no such scenario"),
    ({"samples": 3}, "expected")])
def test_a_wrong_file_is_one_line_with_its_place(tmp_path, changes, words):
    path = written(tmp_path, **changes)
    with pytest.raises(BadInput, match=words) as fault:
        read(path)
    assert str(fault.value).startswith(str(path))


def test_limits_may_be_those_of_a_published_line(tmp_path):
    path = written(tmp_path, held_out={"share": {"indicator": "traded_share", "unit": "share",
                                                 "line": "V17 take-up a year after"}})
    limits = read(path).held_out["share"]
    assert (limits.least, limits.most, limits.scale) == (0.25, 0.38, pytest.approx(0.065))
