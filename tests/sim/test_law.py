"""The law is dated, sourced and checked for every day at once."""

from datetime import date
from pathlib import Path

import pytest

from sim.calendar import Month
from sim.config import BadInput, read_world
from sim.config.sections import field_hint
from sim.config.worlds import astray
from sim.law import Law, merged, read_law
from sim.schema import schema
from tests.sim.config_fixtures import SCHEMA, write_files

SMALL, TOLL, GRANT = "scenarios/small.yaml", "law/toll.yaml", "law/grant.yaml"


@pytest.fixture
def files(tmp_path):
    return write_files(tmp_path)


@pytest.fixture
def law(files):
    return files.load().law


def refusal(files, **options) -> str:
    with pytest.raises(BadInput) as caught:
        files.load(**options)
    return str(caught.value).replace(f"{files.root}/", "")


# ------------------------------------------------------------------------------------------------- what is in force


@pytest.mark.parametrize(("day", "cap"), [
    (date(2024, 1, 1), 100), (date(2025, 6, 30), 100), (date(2025, 7, 1), 80), (date(2099, 1, 1), 80)])
def test_the_last_value_dated_on_or_before_a_day_holds(law, day, cap):
    assert law.on(day)["toll"].cap == cap


def test_a_key_is_in_force_from_its_first_date_on(law):
    assert "toll" not in law.on(date(2023, 12, 31))
    assert "toll" in law.on(date(2024, 1, 1))
    assert "grant" not in law.on(date(2025, 3, 31))
    assert set(law.on(date(2025, 4, 1))) == {"toll", "grant"}
    with pytest.raises(KeyError):
        law.on(date(2025, 3, 31))["grant"]


def test_later_mappings_are_laid_over_earlier_ones(law):
    assert law.on(date(2025, 12, 31))["grant"].begins == {"north": Month(2025, 9)}
    assert law.on(date(2026, 1, 1))["grant"].begins == {"north": Month(2025, 9), "elsewhere": Month(2026, 3)}


def test_mappings_merge_leaf_by_leaf_and_all_else_is_replaced():
    assert merged({"a": {"x": 1, "y": 2}, "b": [1]}, {"a": {"y": 3}, "b": [2]}) == {"a": {"x": 1, "y": 3}, "b": [2]}
    assert merged(1, {"a": 2}) == {"a": 2}


def test_the_rules_of_a_period_are_read_once(law):
    assert law.on(date(2025, 1, 2)) is law.on(date(2025, 3, 31))
    assert law.on(date(2025, 3, 31)) is not law.on(date(2025, 4, 1))


def test_rules_cannot_be_changed(law):
    with pytest.raises(ValueError, match="frozen"):
        law.on(date(2025, 1, 1))["toll"].cap = 1.0


def test_changes_titles_and_files_can_be_shown(law, files):
    assert law.changes == [date(2024, 1, 1), date(2025, 4, 1), date(2025, 7, 1), date(2026, 1, 1)]
    assert law.titles == {"grant": "Grant", "toll": "Road toll"}
    assert law.files["toll"] == files.law / "toll.yaml"


def test_a_value_knows_since_when_and_by_what_source_it_holds(law, files):
    book = law.on(date(2025, 12, 31))
    since = book.since("toll", "cap")
    assert (since.day, since.source) == (date(2025, 7, 1), "art. 2")
    assert since.place == f"{files.root}/{TOLL}:11"
    assert book.since("toll", "floor").day == date(2024, 1, 1)
    assert (book.since("grant", "ends").day, book.since("grant", "ends").source) == (None, "default")


# ---------------------------------------------------------------------------------------------- what a scenario changes


def patched(files, law: str):
    """The law under a scenario's patch, written as the scenario would write it."""
    files.spoil(SMALL, "law: {}", f"law: {law}")
    return files.load().law


def test_a_patch_without_a_day_holds_whenever_the_key_is_in_force(files):
    law = patched(files, "{grant.match: 0.8, toll.cap: 70}")
    assert "grant" not in law.on(date(2025, 3, 31))
    assert law.on(date(2025, 4, 1))["grant"].match == 0.8
    assert [law.on(date(year, 1, 1))["toll"].cap for year in (2024, 2025, 2026)] == [70, 70, 70]


@pytest.mark.parametrize("law", ["{toll.cap@2025-02-01: 60}", '{toll.cap: {"2025-02-01": 60}}'])
def test_a_dated_patch_holds_from_its_day_on_over_what_the_files_say_later(files, law):
    law = patched(files, law)
    assert law.on(date(2025, 1, 31))["toll"].cap == 100
    assert law.on(date(2025, 2, 1))["toll"].cap == 60
    assert law.on(date(2025, 7, 1))["toll"].cap == 60  # the files would say 80


def test_a_series_of_patches_holds_each_from_its_day(files):
    law = patched(files, '{toll.cap: {"2025-03-01": 50, "2025-02-01": 60}}')
    assert [law.on(date(2025, month, 1))["toll"].cap for month in (1, 2, 3)] == [100, 60, 50]


def test_a_patch_of_one_leaf_leaves_the_others(files):
    law = patched(files, "{grant.begins.south: \"2025-05\"}")
    assert law.on(date(2025, 4, 1))["grant"].begins == {"north": Month(2025, 9), "south": Month(2025, 5)}
    assert law.on(date(2026, 1, 1))["grant"].begins == {
        "north": Month(2025, 9), "south": Month(2025, 5), "elsewhere": Month(2026, 3)}


def test_what_is_set_outside_for_good_replaces_what_the_scenario_says_on_any_day(files):
    files.spoil(SMALL, "law: {}", "law: {toll.cap: 70, toll.cap@2025-02-01: 60, toll.floor@2025-02-01: 5}")
    law = files.load(set=["law.toll.cap=65"]).law
    assert [law.on(date(2025, month, 1))["toll"].cap for month in (1, 2, 8)] == [65, 65, 65]
    assert law.on(date(2025, 2, 1))["toll"].floor == 5


def test_what_is_set_outside_from_a_day_on_joins_what_the_scenario_says(files):
    files.spoil(SMALL, "law: {}", "law: {toll.cap: 70}")
    law = files.load(set=["law.toll.cap@2025-02-01=65"]).law
    assert [law.on(date(2025, month, 1))["toll"].cap for month in (1, 2)] == [70, 65]


def test_a_patch_carries_the_scenarios_source(files):
    since = patched(files, "{toll.cap@2025-02-01: 60}").on(date(2025, 3, 1)).since("toll", "cap")
    assert (since.day, since.source) == (date(2025, 2, 1), "invented for tests")
    assert since.place == f"{files.scenario}:11"


def test_a_value_set_outside_for_good_holds_since_the_key_does(files):
    since = files.load(set=["law.toll.cap=65"]).law.on(date(2025, 3, 1)).since("toll", "cap")
    assert (since.day, since.place) == (date(2024, 1, 1), "--set")


def test_a_key_switched_off_is_never_in_force(files):
    files.spoil(SMALL, "instruments: {}", "instruments: {grant: off}")
    config = files.load()
    assert config.instruments == {"grant": False}
    assert set(config.law.on(date(2026, 1, 1))) == {"toll"}
    assert "grant" in files.load(set=["instruments.grant=on"]).law.on(date(2026, 1, 1))


PATCH_FAULTS = [
    ("{grant.mach: 0.5}", "law.grant.mach: unknown parameter of grant; did you mean 'grant.match'?"),
    ("{grant: 0.5}", "law.grant: unknown parameter of grant; did you mean 'grant.ends'?"),
    ("{grnt.match: 0.5}", "law.grnt.match: unknown key of the law 'grnt'; did you mean 'grant'?"),
    ("{grant.match: 1.5}", "law.grant.match: 1.5 is out of range; expected share >= 0 and <= 1"),
    ("{grant.match@2026-02-30: 0.5}", "law.grant.match@2026-02-30: '2026-02-30' is not a day; expected a day like "
                                      '"2025-01-31"'),
    ('{grant.match: {"2026-02-01": 0.5, "2027-01-01": 2}}', "law.grant.match.2027-01-01: 2 is out of range; expected "
                                                            "share >= 0 and <= 1"),
    ("{grant.begins.suoth: \"2025-05\"}", "law.grant.begins.suoth: 'suoth' is not a key of nodes.csv; did you mean "
                                          "'south'?"),
    ('{grant.begins: {suoth: "2025-05"}}', "law.grant.begins.suoth: 'suoth' is not a key of nodes.csv; did you mean "
                                           "'south'?"),
    ("{grant.begins.south: soon}", "law.grant.begins.south: 'soon' is not a month; expected a month like \"2025-09\""),
    ("{grant.sizes: {smal: 0.5}}", "law.grant.sizes.smal: 'smal' is not known; expected one of small, large; did you "
                                   "mean 'small'?"),
    ("{toll.cap@2025-02-01: -5}", "law.toll.cap@2025-02-01: floor 0 is above cap -5"),
    ("{grant.match@2025-01-01: 0.5}", "grant.window: has no value on 2025-01-01, when grant is in force; "
                                      "expected whole months >= 1"),
]


@pytest.mark.parametrize(("patch", "line"), PATCH_FAULTS)
def test_a_wrong_patch_is_one_line_with_its_place(files, patch, line):
    files.spoil(SMALL, "law: {}", f"law: {patch}")
    assert refusal(files) == f"{SMALL}:11: {line}"


def test_a_patch_of_rules_that_are_nowhere_needs_a_day(files):
    (files.root / GRANT).unlink()
    files.spoil(SMALL, "law: {}", "law: {grant.match: 0.5}")
    assert refusal(files) == (f"{SMALL}:11: law.grant.match: grant is nowhere in the law; expected a day from which it "
                              "holds, as in grant.match@2025-01-01")
    files.spoil(SMALL, "{grant.match: 0.5}", '{grant.match@2025-02-01: 0.5, grant.window@2025-02-01: 3, '
                                             'grant.begins@2025-02-01: {south: "2025-05"}}')
    assert files.load().law.on(date(2025, 2, 1))["grant"].window == 3


# --------------------------------------------------------------------------------------------------- what is wrong

LAW_FAULTS = [
    (GRANT, "0.5", "1.5", "6: grant.match.values.2025-04-01: 1.5 is out of range; expected share >= 0 and <= 1"),
    (GRANT, "0.5", ".inf", "6: grant.match.values.2025-04-01: inf is not a finite number; "
                           "expected share >= 0 and <= 1"),
    (GRANT, "unit: share", "unit: MW", "4: grant.match.unit: 'MW' is the wrong unit; expected 'share'"),
    (GRANT, "unit: month\n", "unit: date\n", "12: grant.begins.unit: 'date' is the wrong unit; expected 'month'"),
    (GRANT, "    unit: share\n", "", "3: grant.match.unit: is missing; expected a text"),
    (GRANT, "  match:", "  mach:", "3: grant.mach: unknown key; did you mean 'match'?"),
    (GRANT, "grant:\n", "grnt:\n", "1: grnt: unknown key of the law; did you mean 'grant'?"),
    (GRANT, "notices 4 and 5", '""', "13: grant.begins.source: '' is too short; expected a text that is not empty"),
    (GRANT, '{"2025-04-01": 0.5}', "{2025-04-01: 0.5}", "6: grant.match.values.2025-04-01: the day 2025-04-01 stands "
                                                        'without quotes; expected "2025-04-01"'),
    (GRANT, '{"2025-04-01": 0.5}', '{"2025-04": 0.5}', "6: grant.match.values.2025-04: '2025-04' is not a day; "
                                                       'expected a day like "2025-01-31"'),
    (GRANT, '{"2025-04-01": 0.5}', "{}", "6: grant.match.values: a mapping has too few items; expected a mapping that "
                                         "is not empty"),
    (GRANT, '{"2025-04-01": 0.5}', "0.5", "6: grant.match.values: 0.5 is not a mapping; expected a mapping that is not "
                                          "empty"),
    (GRANT, '{"2025-04-01": 6}', '{"2025-05-01": 6}', "6: grant.window: has no value on 2025-04-01, when grant is in "
                                                      "force; expected whole months >= 1"),
    (GRANT, '"2026-03"', '"2026-13"', "16: grant.begins.values.2026-01-01.elsewhere: '2026-13' is not a month; "
                                      'expected a month like "2025-09"'),
    (GRANT, "title: Grant", "titel: Grant", "1: grant.title: is missing; expected a text that is not empty"),
    (GRANT, "title: Grant", "title: [Grant]", "2: grant.title: a list is no title; expected a text"),
    (TOLL, "80", "-80", "11: toll.cap.values.2025-07-01: floor 0 is above cap -80"),
    (TOLL, "market", "marked", "16: toll.mode.values.2024-01-01: 'marked' is not known; expected one of market, own; "
                               "did you mean 'market'?"),
]


@pytest.mark.parametrize(("name", "old", "new", "line"), LAW_FAULTS)
def test_a_fault_in_a_law_is_one_line_with_its_place(files, name, old, new, line):
    """Of a value of the law the line also cites what stands behind it."""
    files.spoil(name, old, new)
    said, cites, article = refusal(files).partition(" (source: ")
    assert said == f"{name}:{line}"
    assert (len(article) > 4) == bool(cites)


def test_a_value_that_is_wrong_only_years_later_is_found_when_the_law_is_read(files):
    files.spoil(TOLL, '"2025-07-01": 80', '"2093-07-01": -1')
    with pytest.raises(BadInput, match="toll.cap.values.2093-07-01: floor 0 is above cap -1"):
        Law(SCHEMA.rules, read_law(files.law, SCHEMA.rules))


def test_a_key_in_two_files_is_refused(files):
    (files.law / "zoo.yaml").write_text((files.root / TOLL).read_text())
    assert refusal(files) == f"law/zoo.yaml:1: toll: is already in {TOLL}"


def test_a_key_without_parameters_is_refused(files):
    (files.root / GRANT).write_text("grant:\n  title: Grant\n")
    assert refusal(files) == f"{GRANT}:1: grant: has no parameter; expected match, window, begins, ends, sizes"


def test_a_folder_without_law_is_refused(files):
    (files.root / GRANT).unlink()
    (files.root / TOLL).unlink()
    assert refusal(files) == "law: there is no law here; expected a folder of .yaml files"


# ------------------------------------------------------------------------------------------------- the bundled law


def test_the_bundled_law_names_nothing_that_the_bundled_world_does_not_have():
    """A law may be wider than a world, so loading does not ask this; a slip in a city's name must still be found."""
    configs, known = Path(__file__).parents[2] / "configs", schema()
    world = read_world(configs / "worlds" / "yunnan", known)
    enacted = read_law(configs / "law", known.rules)
    named = [(key, name, value) for key, params in enacted.params.items() for name, param in params.items()
             for value in param.enacted]
    lost = [(key, name, at) for key, name, value in named
            for at, _ in astray(field_hint(known.rules[key], name), value.data, world.tables)]
    assert len(named) > 20
    assert lost == []
