"""Today's law is an earlier law and every change since: nothing is law that was not enacted by some dated line."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from sim.config import load
from sim.law import Law
from tests.labs import ROOT

BASE = ROOT / "configs" / "scenarios" / "base_2025.yaml"  # on the world that has every city the law speaks of
LAST = date(2025, 12, 31)
FILES = sorted((ROOT / "configs" / "law").glob("*.yaml"))


def enacted() -> dict[str, dict]:
    """Everything the law files say, by key."""
    return {key: body for file in FILES for key, body in yaml.safe_load(file.read_text()).items()}


def days() -> list[date]:
    """Days on which the law changes, up to the last one tested."""
    params = [param for body in enacted().values() for param in body.values() if isinstance(param, dict)]
    every = {date.fromisoformat(day) for param in params for day in param["values"]}
    return sorted(day for day in every if day <= LAST)


def split(on: date) -> tuple[dict, dict]:
    """The law as it stood on a date, as a law file; and every later line as a scenario's patch."""
    early, patch = {}, {}
    for key, body in enacted().items():
        for name, param in ((name, param) for name, param in body.items() if isinstance(param, dict)):
            for day, value in param["values"].items():
                if date.fromisoformat(day) <= on:
                    kept = early.setdefault(key, {"title": body["title"]}).setdefault(name, param | {"values": {}})
                    kept["values"][day] = value
                else:
                    patch[f"{key}.{name}@{day}"] = value
    return early, patch


def law_of(folder: Path, files: dict, patch: dict) -> Law:
    """The law that a scenario sees with these files and this patch."""
    shutil.copytree(ROOT / "configs" / "worlds" / "yunnan", folder / "worlds" / "yunnan")
    (folder / "law").mkdir()
    (folder / "law" / "early.yaml").write_text(yaml.safe_dump(files))
    (folder / "scenarios").mkdir()
    scenario = yaml.safe_load(BASE.read_text()) | {"law": patch}
    (folder / "scenarios" / "base.yaml").write_text(yaml.safe_dump(scenario))
    return load(folder / "scenarios" / "base.yaml").law


def rules_on(law: Law, day: date) -> dict:
    return {key: rules.model_dump() for key, rules in law.on(day).items()}


@pytest.fixture(scope="module")
def today() -> Law:
    return load(BASE).law


def test_the_law_changes_often_enough_to_be_tested():
    assert len(days()) >= 6


@pytest.mark.parametrize("early", days(), ids=str)
def test_an_early_law_and_each_later_change_as_a_patch_are_todays_law(early, today, tmp_path):
    files, patch = split(early)
    assert patch  # there are changes to come, in 2026 at the latest
    law = law_of(tmp_path, files, patch)
    for day in {early, *(d for d in days() if d > early), LAST}:
        assert rules_on(law, day) == rules_on(today, day), day


@pytest.mark.parametrize("early", days()[1:], ids=str)
def test_each_date_changes_something(early, today):
    """A dated line that changes nothing is not a change."""
    assert rules_on(today, early) != rules_on(today, early - timedelta(days=1))


def test_leaving_out_one_change_is_noticed(today, tmp_path):
    """So that the round trip can fail: without one of the patches the law of the last day is another."""
    files, patch = split(days()[0])
    dropped = next(name for name in patch if name.startswith("pension_subsidy.start@2025-09"))
    law = law_of(tmp_path, files, {name: value for name, value in patch.items() if name != dropped})
    assert rules_on(law, LAST) != rules_on(today, LAST)
