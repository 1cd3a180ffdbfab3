"""Whole runs end as they ended before. What moves a figure here is no slip: it is wanted, explained and refreshed by
hand (`python -m tests.golden.refresh`), with a line marked RESULTS in CHANGELOG.md."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.golden.runs import FILE, KEPT, RUNS, as_at_first, figures
from tests.labs import ROOT

REFRESH = "if this is wanted: python -m tests.golden.refresh, and a line marked RESULTS in CHANGELOG.md"


@pytest.fixture(scope="module")
def ended() -> dict:
    return figures()


@pytest.fixture(scope="module")
def golden() -> dict:
    return json.loads(FILE.read_text())


def test_every_run_and_every_kept_figure_is_there(golden):
    assert set(golden) == set(RUNS)
    for run in golden.values():
        assert {tuple(key.split(" ")[2:0:-1]) for key in run["figures"]} == set(KEPT)


@pytest.mark.parametrize("name", RUNS)
def test_money_is_the_same_to_the_fen(name, ended, golden):
    assert ended[name]["balance"] == golden[name]["balance"], REFRESH


@pytest.mark.parametrize("name", RUNS)
def test_figures_are_the_same_to_nine_digits(name, ended, golden):
    now, then = ended[name]["figures"], golden[name]["figures"]
    assert {key: unit for key, (_, unit) in now.items()} == {key: unit for key, (_, unit) in then.items()}
    for key, (value, _) in now.items():
        assert value == pytest.approx(then[key][0], rel=1e-9, abs=1e-12), f"{key}; {REFRESH}"


@pytest.mark.parametrize("name", RUNS)
def test_the_head_is_the_same(name, ended, golden):
    assert ended[name]["head"] == golden[name]["head"], REFRESH


def test_with_all_that_is_not_riders_and_spot_switched_off_nothing_of_it_is_felt(tmp_path):
    """What is absent changes nothing, to the fen: the head of July 2025 with one spot market, the subsidy and injury
    insurance, from before benefits, retailers, tracing and pools were there. (Before riders had districts it was
    04a33c46, from the first run on.)"""
    head = as_at_first(tmp_path, **RUNS["a wet month"]).run().journal.head
    assert head == "b6aa5ae6ff17caaab5672db28e5726c59626b98c77df972bf5ddc8d3883d2d3f"


def test_the_changelog_says_why_results_are_as_they_are():
    """The newest entry marked RESULTS stands there with a date and a reason."""
    entries = re.findall(r"^- RESULTS (\d{4}-\d{2}-\d{2}): (.{30,})", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert entries
    assert entries == sorted(entries, key=lambda entry: entry[0], reverse=True)


def test_the_head_is_the_same_whatever_linear_algebra_the_machine_would_choose(golden):
    """A process whose environment says nothing lives as one that was told: `sim` chooses before numpy loads."""
    told = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS")}
    name, period = next(iter(RUNS.items()))
    code = f"import tests.labs as t; print(t.toy(**{period!r}).run().journal.head)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=told, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == golden[name]["head"], REFRESH
