"""What is given is read as it stands, and what is wrong with it is said in one line."""

import hashlib
import pickle
from datetime import date
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
import yaml

from sim.config import BadInput, Key, Row, Section, Table, YearMonth, bounded, check_file, json_schema, load, read_table
from sim.config.sections import hint_of
from sim.config.tables import header
from sim.network.grid import Bus, Corridor
from sim.units import MW, Fen, Rows, Share, unit_of
from tests.sim.config_fixtures import MACHINES, SCHEMA, Machine, write_files

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL, WORLD = "scenarios/small.yaml", "worlds/mini/world.yaml"
NODES, MACHINE_TABLE = "worlds/mini/nodes.csv", "worlds/mini/machines.csv"


@pytest.fixture
def files(tmp_path):
    return write_files(tmp_path)


def refusal(files, **options) -> str:
    """The one line with which the small world is refused, paths below its folder."""
    with pytest.raises(BadInput) as caught:
        files.load(**options)
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    return line.replace(f"{files.root}/", "")


# ------------------------------------------------------------------------------------------------- what is right


def test_a_scenario_is_read_with_its_world_and_law(files):
    config = files.load()
    assert (config.start, config.end, config.seed) == (date(2025, 1, 1), date(2025, 1, 31), 7)
    assert config.scale == {"riders": 100, "rest_riders": 10, "users": 0}
    assert (config.name, config.world.name, config.world.settings.comfort.warm) == ("small", "mini", 21.5)
    assert (config.markets, config.instruments) == ({"toll": True}, {"grant": True})
    assert config.record.journal == "full"
    assert config.record.figures is False
    assert config.law.on(date(2025, 1, 1))["toll"].cap == 100
    assert config.patch == {}


def test_a_table_gives_rows_columns_positions_and_places(files):
    table = files.load().world["machines"]
    assert [row.key for row in table] == ["alpha", "beta"]
    assert len(table) == 2
    assert table["capacity"].dtype == np.float64
    assert table["capacity"].tolist() == [300.0, 150.5]
    assert table["stages"].dtype == np.int64
    assert table["twin"].tolist() == [None, "alpha"]
    assert table["last"].tolist() == [None, date(2040, 1, 1)]
    assert table["capacity"] is table["capacity"]
    assert table.position("beta") == 1
    assert table.where(1) == f"{files.root}/{MACHINE_TABLE}:3"
    assert table.fault(0, "capacity", "too small").endswith("machines.csv:2: capacity [MW]: too small")


def test_a_column_cannot_be_written_to(files):
    with pytest.raises(ValueError, match="read-only"):
        files.load().world["machines"]["capacity"][0] = 1


def test_a_column_that_is_no_field_is_a_key_error(files):
    with pytest.raises(KeyError, match="no field 'capacty'"):
        files.load().world["machines"]["capacty"]


def test_a_table_without_rows_is_still_a_table(files):
    (files.root / MACHINE_TABLE).write_text(MACHINES.splitlines()[0] + "\n")
    table = files.load().world["machines"]
    assert len(table) == 0
    assert table
    assert table["capacity"].shape == (0,)


def test_an_optional_number_is_nan_in_its_column(tmp_path):
    class Gauge(Row):
        key: str
        level: MW | None
        source: str

    path = tmp_path / "gauges.csv"
    path.write_text("key,level [MW],source\na,1.5,s\nb,,s\n")
    table = read_table(path, Gauge)
    assert table.rows[1].level is None
    np.testing.assert_array_equal(table["level"], [1.5, np.nan])


def test_a_column_with_a_default_may_be_absent(files):
    files.spoil(MACHINE_TABLE, ",share [share]", "")
    files.spoil(MACHINE_TABLE, ",0.5", "")
    files.spoil(MACHINE_TABLE, ",1,1", ",1")
    assert files.load().world["machines"]["share"].tolist() == [1.0, 1.0]


def test_columns_may_stand_in_any_order_and_files_may_come_from_a_spreadsheet(files):
    (files.root / NODES).write_bytes(b"\xef\xbb\xbfsource,cleared,key,name\r\ninvented,true,north,N\r\n\r\n"
                                     b"invented,true, south ,S\r\n")
    table = files.load().world["nodes"]
    assert table["key"].tolist() == ["north", "south"]
    assert table.lines == [2, 4]


def test_a_quoted_cell_may_run_over_lines_and_later_rows_keep_their_line(files):
    (files.root / NODES).write_text('key,name,cleared,source\nnorth,"a\nb",true,s\nsouth,S,maybe,s\n')
    assert refusal(files) == f"{NODES}:4: cleared: 'maybe' is neither true nor false; expected true or false"


def test_a_file_says_numbers_as_a_spreadsheet_would(files):
    files.spoil(SMALL, "riders: 100\n", "riders: 010\n")
    assert files.load().scale["riders"] == 10  # not octal
    files.spoil(WORLD, "warm: 21.5", "warm: 2e1")
    assert files.load().world.settings.comfort.warm == 20
    files.spoil(WORLD, "warm: 2e1", "warm: 1:30")  # not ninety
    assert refusal(files) == f"{WORLD}:5: comfort.warm: '1:30' is not a number; expected degC >= -60 and <= 60"


def test_a_bounded_unit_keeps_its_unit_in_rows_too():
    assert unit_of(bounded(MW, ge=0)).symbol == "MW"
    assert unit_of(Rows[bounded(Fen, ge=0)]).dtype == "i8"
    assert str(hint_of(bounded(Share, gt=0, lt=1))) == "share > 0 and < 1"
    assert str(hint_of(Key("buses") | None)) == "a key of buses.csv or nothing"


def test_a_choice_may_be_an_enum(tmp_path):
    class Colour(Enum):
        RED = "red"
        GREEN = "green"

    class Lamp(Row):
        key: str
        colour: Colour
        source: str

    path = tmp_path / "lamps.csv"
    path.write_text("key,colour,source\na,green,s\n")
    assert read_table(path, Lamp).rows[0].colour is Colour.GREEN
    path.write_text("key,colour,source\na,gren,s\n")
    with pytest.raises(BadInput) as caught:
        read_table(path, Lamp)
    assert str(caught.value) == (f"{path}:2: colour: 'gren' is not known; expected one of red, green; "
                                 "did you mean 'green'?")


def test_headers_carry_the_unit():
    assert [header(Machine, field) for field in Machine.model_fields] == MACHINES.splitlines()[0].split(",")


def test_a_config_survives_the_way_to_a_worker(files):
    config = pickle.loads(pickle.dumps(files.load()))
    assert config.world["machines"].position("beta") == 1
    assert config.law.on(date(2025, 5, 1))["grant"].match == 0.5


# -------------------------------------------------------------------------------------------- what can be made again


def test_a_resolved_config_makes_the_same_run_again(files):
    patch = ["scale.riders=55", "law.grant.match@2026-01-01=0.25", "law.toll.cap=90", "instruments.grant=off"]
    first = files.load(set=patch, seed=3, end="2025-02-15")
    again = files.root / "again.yaml"
    again.write_text(yaml.safe_dump(first.resolved()))
    second = load(again, schema=SCHEMA)
    assert second.resolved() == first.resolved()
    assert (second.seed, second.end, second.scale["riders"]) == (3, date(2025, 2, 15), 55)
    for day in (date(2025, 1, 1), date(2025, 8, 1), date(2026, 6, 1)):
        assert dict(second.law.on(day)) == dict(first.law.on(day))


def test_a_resolved_config_names_every_file_of_world_and_law(files):
    resolved = files.load().resolved()
    assert set(resolved["files"]) == {"world/world.yaml", "world/nodes.csv", "world/machines.csv", "law/grant.yaml",
                                      "law/toll.yaml"}
    assert resolved["files"]["world/machines.csv"] == hashlib.sha256(MACHINES.encode()).hexdigest()


def test_a_run_cannot_be_made_again_from_changed_files(files):
    again = files.root / "again.yaml"
    again.write_text(yaml.safe_dump(files.load().resolved()))
    files.spoil(NODES, "The North", "The Far North")
    with pytest.raises(BadInput, match=r"files\.world/nodes\.csv: has changed: its SHA-256 is now [0-9a-f]{16}"):
        load(again, schema=SCHEMA)


# --------------------------------------------------------------------------------------------- what is set from outside


def test_what_is_set_replaces_what_the_file_says(files):
    config = files.load(set=["scale.riders=5", "period.start=2025-01-05", "record={journal: roots}"], seed=np.int64(9))
    assert config.scale == {"riders": 5, "rest_riders": 10, "users": 0}
    assert (config.start, config.seed) == (date(2025, 1, 5), 9)
    assert (config.record.journal, config.record.hourly) == ("roots", True)
    assert config.patch == {"scale.riders": 5, "period.start": "2025-01-05", "record": {"journal": "roots"}, "seed": 9}


@pytest.mark.parametrize(("text", "line"), [
    ("scale.ridrs=5", "--set: scale.ridrs: unknown key; did you mean 'riders'?"),
    ("scal.riders=5", "--set: scal: unknown key; did you mean 'scale'?"),
    ("scale.riders=x", "--set: scale.riders: 'x' is not a whole number; expected a whole number >= 0 and <= 100000000"),
    ("scale.riders=", "--set: scale.riders: is empty; expected a whole number >= 0 and <= 100000000"),
    ("scale.riders", "--set: 'scale.riders' is no assignment; expected key=value, as in scale.riders=20000"),
    ("=5", "--set: '=5' is no assignment; expected key=value, as in scale.riders=20000"),
    ("a..b=5", "--set: 'a..b=5' is no assignment; expected key=value, as in scale.riders=20000"),
    ("seed.x=5", "--set: seed.x: seed holds 7, not a mapping"),
    ("law.grant.mach=1", "--set: law.grant.mach: unknown parameter of grant; did you mean 'grant.match'?"),
    ("law.grnt.match=1", "--set: law.grnt.match: unknown key of the law 'grnt'; did you mean 'grant'?"),
    ("law.grant.match=8", "--set: law.grant.match: 8 is out of range; expected share >= 0 and <= 1"),
    ("law.grant.match@2026=1", "--set: law.grant.match@2026: '2026' is not a day; expected a day like \"2025-01-31\""),
    ("markets.tol=off", "--set: markets.tol: there is no such market; did you mean 'toll'?"),
])
def test_what_is_set_wrongly_is_refused_with_the_nearest_name(files, text, line):
    assert refusal(files, set=[text]) == line


@pytest.mark.parametrize(("options", "line"), [
    ({"seed": -1}, "--seed: seed: -1 is out of range; expected a whole number >= 0 and < 9223372036854775808"),
    ({"start": "1.2.25"}, "--start: period.start: '1.2.25' is not a day; expected a day like \"2025-01-31\""),
    ({"end": date(2026, 1, 1)}, "--end: period.end: 2026-01-01 lies outside the world's data; "
                                "expected 2025-01-01 to 2025-12-31"),
])
def test_options_are_refused_by_their_name(files, options, line):
    assert refusal(files, **options) == line


# ------------------------------------------------------------------------------------------------- what is wrong

EXPECTED_ROWS = "expected a whole number >= 0 and <= 100000000"
SCENARIO_FAULTS = [
    ("  riders: 100", "  ridrs: 100", "8: scale.ridrs: unknown key; did you mean 'riders'?"),
    ("riders: 100\n", "riders: ten\n", f"8: scale.riders: 'ten' is not a whole number; {EXPECTED_ROWS}"),
    ("riders: 100\n", "riders: -1\n", f"8: scale.riders: -1 is out of range; {EXPECTED_ROWS}"),
    ("riders: 100\n", "riders: 1.5\n", f"8: scale.riders: 1.5 is not a whole number; {EXPECTED_ROWS}"),
    ("seed: 7", "seed: .nan", "6: seed: nan is not a whole number; expected a whole number >= 0 and "
                              "< 9223372036854775808"),
    ("seed: 7", "seed: 7\nseed: 8", "7: seed: the key stands twice, first on line 6"),
    ("seed: 7\n", "", "1: seed: is missing; expected a whole number >= 0 and < 9223372036854775808"),
    ("world: ../", "wurld: ../", "4: wurld: unknown key; did you mean 'world'?"),
    ("title: A small run", "title:", "1: title: is empty; expected a text that is not empty"),
    ("title: A small run", "title: 5", "1: title: 5 is not a text; expected a text that is not empty"),
    ('"2025-01-31"', "2025-01-31", '5: period.end: the day 2025-01-31 stands without quotes; expected "2025-01-31"'),
    ('"2025-01-31"', '"2025-02-30"', "5: period.end: '2025-02-30' is not a day; expected a day like \"2025-01-31\""),
    ('"2025-01-31"', '"86400"', "5: period.end: '86400' is not a day; expected a day like \"2025-01-31\""),
    ('"2025-01-31"', '"2024-12-31"', "5: period: the end 2024-12-31 is before the start 2025-01-01; "
                                     "expected end >= start"),
    ('"2025-01-31"', '"2026-01-31"', "5: period.end: 2026-01-31 lies outside the world's data; "
                                     "expected 2025-01-01 to 2025-12-31"),
    ("journal: full", "journal: ful", "14: record.journal: 'ful' is not known; expected one of full, roots; "
                                      "did you mean 'full'?"),
    ("hourly: true", "hourly: 1", "14: record.hourly: 1 is neither true nor false; expected true or false"),
    ("markets: {}", "markets: {tol: off}", "12: markets.tol: there is no such market; did you mean 'toll'?"),
    ("instruments: {}", "instruments: [grant]", "13: instruments: a list is not a mapping; expected a mapping"),
    ("scale:\n", "scale:\n\triders: 5\n", "8: broken YAML: while scanning for the next token found character that "
                                          "cannot start any token; expected blanks, not tabs, at the start of the "
                                          "line"),
    ("law: {}", "law: &a {}\nlow: *a", "12: low: an alias (*) is not read here; expected the value itself"),
    ("law: {}", "law: !!python/object:os.x {}", "11: law: the tag 'tag:yaml.org,2002:python/object:os.x' is not read "
                                                "here; expected a plain value"),
    ("law: {}", "law: {[a]: b}", "11: law: a key is a mapping, a list or an alias; expected a name"),
    ("../worlds/mini", "../worlds/midi", "4: world: there is no world at worlds/midi; expected a folder with a "
                                         "world.yaml, relative to this file"),
]


@pytest.mark.parametrize(("old", "new", "line"), SCENARIO_FAULTS)
def test_a_fault_in_a_scenario_is_one_line_with_its_place(files, old, new, line):
    files.spoil(SMALL, old, new)
    assert refusal(files) == f"{SMALL}:{line}"


WORLD_FAULTS = [
    ("21.5", "99", "5: comfort.warm: 99 is out of range; expected degC >= -60 and <= 60"),
    ("21.5", "-1e99", "5: comfort.warm: -1e+99 is too large; expected at most 1e+15 in size"),
    ("21.5", ".inf", "5: comfort.warm: inf is not a finite number; expected degC >= -60 and <= 60"),
    ("home: north", "home: nrth", "6: comfort.home: 'nrth' is not a key of nodes.csv; did you mean 'north'?"),
    ("comfort:", "confort:", "4: confort: unknown key; did you mean 'comfort'?"),
    ("title: Mini\n", "", "1: title: is missing; expected a text that is not empty"),
    ('start: "2025-01-01"', 'from: "2025-01-01"', "3: covers.from: unknown key; expected one of start, end"),
]


@pytest.mark.parametrize(("old", "new", "line"), WORLD_FAULTS)
def test_a_fault_in_a_world_is_one_line_with_its_place(files, old, new, line):
    files.spoil(WORLD, old, new)
    assert refusal(files) == f"{WORLD}:{line}"


TABLE_FAULTS = [
    ("300", "abc", "2: capacity [MW]: 'abc' is not a number; expected MW >= 0"),
    ("300", "-3", "2: capacity [MW]: -3 is out of range; expected MW >= 0"),
    ("300", "nan", "2: capacity [MW]: nan is not a finite number; expected MW >= 0"),
    ("300", "1e999", "2: capacity [MW]: inf is not a finite number; expected MW >= 0"),
    ("300", "1e16", "2: capacity [MW]: 1e+16 is too large; expected at most 1e+15 in size"),
    ("300", "", "2: capacity [MW]: the cell is empty; expected MW >= 0"),
    (",2,", ",2.5,", "2: stages: 2.5 is not a whole number; expected a whole number"),
    (",2,", ",9223372036854775808,", "2: stages: 9.22337e+18 is too large; expected at most 1e+15 in size"),
    ("coal", "col", "2: kind: 'col' is not known; expected one of coal, hydro; did you mean 'coal'?"),
    ("alpha,north", "alpha,nrth", "2: node: 'nrth' is not a key of nodes.csv; did you mean 'north'?"),
    ("alpha,north", "alpha,", "2: node: '' is not a key of nodes.csv; expected one of north, south"),
    ("alpha,2021", "alpah,2021", "3: twin: 'alpah' is not a key of machines.csv; did you mean 'alpha'?"),
    ("beta", "alpha", "3: key: 'alpha' stands twice, first on line 2"),
    ("alpha,north", ",north", "2: key: the cell is empty; expected a text"),
    ("2040-01-01", "2020-01-01", "3: last: 2020-01-01 is before 2021-06-01"),
    ("2021-06-01", "1.6.2021", "3: first: '1.6.2021' is not a day; expected a day like \"2025-01-31\""),
    ("2021-06-01", "2021-06-31", "3: first: '2021-06-31' is not a day; expected a day like \"2025-01-31\""),
    ("2021-06-01", "86400", "3: first: '86400' is not a day; expected a day like \"2025-01-31\""),
    (",invented\nbeta", ",\nbeta", "2: source: the cell is empty; expected a text"),
    ("stages", "stage", "1: stage: unknown column; did you mean 'stages'?"),
    ("capacity [MW]", "capacity [kW]", "1: capacity [kW]: unknown column; did you mean 'capacity [MW]'?"),
    ("capacity [MW]", "stages", "1: stages: the column stands twice in the header"),
    (",stages", "", f"1: stages: column is missing; expected {MACHINES.splitlines()[0]}"),
    ("coal,300", "coal,300,4", "2: 11 cells; expected 10, as in the header"),
    ("coal,300", "coal", "2: 9 cells; expected 10, as in the header"),
    ("alpha,north", '"alpha"s,north', "2: broken CSV: ',' expected after '\"'; expected cells parted by commas, texts "
                                      "with a comma or a quote between double quotes"),
]


@pytest.mark.parametrize(("old", "new", "line"), TABLE_FAULTS)
def test_a_fault_in_a_table_is_one_line_with_its_place(files, old, new, line):
    files.spoil(MACHINE_TABLE, old, new)
    assert refusal(files) == f"{MACHINE_TABLE}:{line}"


def test_a_fault_in_a_table_is_found_whichever_file_it_is_in(files):
    files.spoil(NODES, "true", "yes")
    files.spoil(MACHINE_TABLE, "300", "-3")
    assert refusal(files) == f"{NODES}:2: cleared: 'yes' is neither true nor false; expected true or false"


def test_a_missing_or_strange_file_is_named(files):
    (files.root / NODES).rename(files.world / "nods.csv")
    assert refusal(files) == f"{NODES}: the table is missing; did you mean 'nods.csv'?"
    (files.world / "nods.csv").rename(files.root / NODES)
    (files.world / "machine.csv").write_text("key,source\n")
    assert refusal(files) == "worlds/mini/machine.csv: unknown table; did you mean 'machines'?"
    (files.world / "machine.csv").unlink()
    (files.root / WORLD).unlink()
    assert refusal(files) == f"{WORLD}: there is no such file"
    files.scenario.unlink()
    assert refusal(files) == f"{SMALL}: there is no such file"
    files.scenario.mkdir()
    assert refusal(files) == f"{SMALL}: is a folder; expected a file"


@pytest.mark.parametrize(("raw", "line"), [
    (b"", "1: the file is empty; expected keys and values"),
    (b"# only a comment\n", "1: the file is empty; expected keys and values"),
    (b"- a\n- b\n", "1: holds a list; expected a mapping of keys to values"),
    (b"hello\n", "1: holds 'hello'; expected a mapping of keys to values"),
    (b"title: a\nsource: \xff\n", "2: byte 0xff is not UTF-8; expected the file saved as UTF-8"),
    (b"title: a\nsource: \x00\n", "2: broken YAML: control characters are not allowed; expected printable text"),
    (b"title: " + b"[" * 100_000, "1: title: is nested more than 20 levels deep"),
    (b"title: a\n---\ntitle: b\n", "2: a second document begins; expected one"),
])
def test_what_is_no_yaml_of_ours_is_said_in_one_line(files, raw, line):
    files.scenario.write_bytes(raw)
    assert refusal(files) == f"{SMALL}:{line}"


@pytest.mark.parametrize(("raw", "line"), [
    (b"", "1: the table is empty; expected a header line: key,name,cleared,source"),
    (b"key,name,cleared,source\nnorth,N\xe9,true,s\n", "2: byte 0xe9 is not UTF-8; expected the file saved as UTF-8"),
    (b"key,name,cleared,source\nnorth,N,true,\"s\n", "2: broken CSV: unexpected end of data; expected cells parted by "
                                                     "commas, texts with a comma or a quote between double quotes"),
    (b"key;name;cleared;source\n", "1: key;name;cleared;source: unknown column; expected one of key, name, cleared, "
                                    "source"),
    (b"key,,cleared,source\n", "1: an empty title: unknown column; expected one of key, name, cleared, source"),
])
def test_what_is_no_table_is_said_in_one_line(files, raw, line):
    (files.root / NODES).write_bytes(raw)
    assert refusal(files) == f"{NODES}:{line}"


def test_a_fault_of_the_rows_own_making_is_one_line(tmp_path):
    class Month(Row):
        key: str
        month: YearMonth
        source: str

    path = tmp_path / "months.csv"
    path.write_text("key,month,source\na,2025-13,s\n")
    with pytest.raises(BadInput) as caught:
        read_table(path, Month)
    assert str(caught.value) == f"{path}:2: month: '2025-13' is not a month; expected a month like \"2025-09\""


def test_a_line_stays_one_line_whatever_stands_in_the_file(files):
    files.spoil(SMALL, "  riders: 100", '  "ri\\nd\\u2028ers": 100')
    assert refusal(files) == f"{SMALL}:8: scale.ri d ers: unknown key; did you mean 'riders'?"


def test_an_unreachable_bus_is_refused(tmp_path):
    from sim.config.tables import check_tables

    (tmp_path / "buses.csv").write_text("key,zone,name,cleared,source\na,Z,A,true,s\nb,Z,B,true,s\nc,Z,C,true,s\n")
    (tmp_path / "corridors.csv").write_text(
        "key,start,end,kind,capacity [MW],reverse [MW],reactance [p.u.],loss [share],tariff [CNY/MWh],minimum [share],"
        "in_service,owner,source\nab,a,b,ac,10,10,0.1,0,0,0,2020-01-01,grid,s\n")
    tables = {"buses": read_table(tmp_path / "buses.csv", Bus),
              "corridors": read_table(tmp_path / "corridors.csv", Corridor),
              "outages": Table(tmp_path / "outages.csv", Row, [], [], "")}
    with pytest.raises(BadInput) as caught:
        check_tables(tables)
    assert str(caught.value) == (f"{tmp_path}/buses.csv:4: key: 'c' is an unreachable bus: no corridor leads to it; "
                                 "expected one in corridors.csv, or cleared false")


# ---------------------------------------------------------------------------------------- checking a file, and editors


@pytest.mark.parametrize("scenario", sorted(CONFIGS.glob("scenarios/*.yaml")), ids=lambda path: path.stem)
def test_a_bundled_scenario_loads_with_the_schema_of_the_whole_model(scenario):
    config = load(scenario)
    assert set(config.markets | config.instruments) >= {"spot", "pension_subsidy"}
    assert config.resolved()["world"].startswith("configs/worlds/")  # the same wherever the project lies


def test_a_file_is_checked_by_what_it_is(files):
    kinds = {files.world: "world", files.root / WORLD: "world", files.root / NODES: "table", files.law: "law",
             files.law / "toll.yaml": "law", files.scenario: "scenario"}
    assert {path: check_file(path, SCHEMA) for path in kinds} == kinds


@pytest.mark.parametrize(("name", "old", "new", "line"), [
    (WORLD, "21.5", "99", f"{WORLD}:5: comfort.warm: 99 is out of range; expected degC >= -60 and <= 60"),
    (NODES, "true", "yes", f"{NODES}:2: cleared: 'yes' is neither true nor false; expected true or false"),
    ("law/toll.yaml", "80", "x", "law/toll.yaml:11: toll.cap.values.2025-07-01: 'x' is not a number; expected CNY/MWh"),
    (SMALL, "seed", "sead", f"{SMALL}:6: sead: unknown key; did you mean 'seed'?"),
])
def test_a_checked_file_is_refused_as_it_would_be_in_a_run(files, name, old, new, line):
    path = files.spoil(name, old, new)
    with pytest.raises(BadInput) as caught:
        check_file(path, SCHEMA)
    assert str(caught.value).partition(" (source: ")[0] == f"{files.root}/{line}"


def test_a_table_alone_is_checked_by_its_name(tmp_path):
    (tmp_path / "machine.csv").write_text("key\n")
    with pytest.raises(BadInput, match=r"machine\.csv: unknown table; did you mean 'machines'\?"):
        check_file(tmp_path / "machine.csv", SCHEMA)


def test_the_json_schema_knows_names_units_and_ranges():
    schema = json_schema(SCHEMA)
    parts = schema["$defs"]
    assert [ref["$ref"] for ref in schema["anyOf"]] == ["#/$defs/scenario", "#/$defs/world", "#/$defs/law"]
    assert parts["scenario"]["additionalProperties"] is False
    assert parts["scenario"]["properties"]["markets"]["propertyNames"] == {"enum": ["toll"]}
    assert parts["world.Comfort"]["properties"]["warm"] == {
        "maximum": 60, "minimum": -60, "title": "Warm", "type": "number", "unit": "degC"}
    assert set(parts["law"]["properties"]) == {"toll", "grant"}
    assert parts["law.grant_match"]["properties"]["unit"]["const"] == "share"
    day, value = next(iter(parts["law.grant_match"]["properties"]["values"]["patternProperties"].items()))
    assert (day, value) == (r"^\d{4}-\d{2}-\d{2}$", {"maximum": 1, "minimum": 0, "type": "number"})


def test_every_reference_inside_the_json_schema_leads_somewhere():
    schema, seen = json_schema(SCHEMA), []

    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                seen.append(node["$ref"].removeprefix("#/$defs/"))
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(schema)
    assert len(seen) > 5
    assert set(seen) <= set(schema["$defs"])


def test_a_section_is_frozen_and_strict():
    class Part(Section):
        power: bounded(MW, ge=0)

    with pytest.raises(ValueError, match="frozen"):
        Part(power=1.0).power = 2.0
    with pytest.raises(ValueError, match="valid number"):
        Part(power="1")
