"""The network as the clearing sees it: areas, references, dates, limits."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from sim.config import BadInput, Table
from sim.network.grid import PLANT, STORE, Bus, Corridor, Grid, Joint, Units

TODAY = date(2025, 1, 1)


def table(row_type, *rows):
    made = [row_type(**row, source="test") for row in rows]
    return Table(Path("test.csv"), row_type, made, list(range(2, 2 + len(made))), "")


def bus(key, zone, **rest):
    return {"key": key, "zone": zone, "name": key, **rest}


def corridor(key, start, end, kind="ac", **rest):
    neutral = {"capacity": 100.0, "loss": 0.0, "tariff": 0.0, "minimum": 0.0, "in_service": date(2020, 1, 1),
               "owner": "grid"}
    line = {"reverse": 100.0, "reactance": 0.01} if kind == "ac" else {"reverse": 0.0, "reactance": 0.0}
    return {"key": key, "start": start, "end": end, "kind": kind, **neutral, **line, **rest}


BUSES = (bus("N1", "north"), bus("N2", "north", reference=True), bus("N3", "north"), bus("S1", "south"),
         bus("X1", "abroad", cleared=False))
CORRIDORS = (
    corridor("n12", "N1", "N2", reactance=0.05), corridor("n23", "N2", "N3"), corridor("n13", "N1", "N3"),
    corridor("sea", "N1", "S1", "dc", capacity=500.0, reverse=200.0, loss=0.06, tariff=92.0),
    corridor("oneway", "N2", "S1", "dc", capacity=300.0, minimum=0.1, owner="far", outage="dc_line"),
    corridor("planned", "S1", "X1", "dc", in_service=date(2026, 7, 1)),
)
JOINTS = ({"key": "landing", "link": "sea", "limit": 600.0}, {"key": "landing", "link": "oneway", "limit": 600.0},
          {"key": "border", "link": "planned", "limit": 50.0}, {"key": "border", "link": "oneway", "limit": 50.0})


def units():
    return Units.make(["a", "b", "c"], PLANT, [0, 3, 0], ["x", "y", "x"], "coal", [10.0, 20.0, 30.0],
                      ramp=[5.0, 6.0, 7.0])


def grid(on=TODAY, corridors=CORRIDORS):
    return Grid(table(Bus, *BUSES), table(Corridor, *corridors), table(Joint, *JOINTS), units(), on)


def test_lines_join_buses_into_areas_and_links_do_not():
    area = grid().area
    assert area[0] == area[1] == area[2]
    assert len({area[0], area[3], area[4]}) == 3


def test_prices_are_split_against_the_named_reference_else_the_first_bus_of_the_area():
    found = grid()
    assert found.bus[found.reference[found.area[0]]] == "N2"
    assert found.bus[found.reference[found.area[3]]] == "S1"
    assert found.bus[found.reference[found.area[4]]] == "X1"


def test_susceptance_is_base_power_over_reactance():
    # 100 MVA / 0.05 p.u. = 2000 MW per radian
    assert grid().line_susceptance[0] == pytest.approx(2000)


def test_a_link_carries_its_limits_loss_and_fee():
    found = grid()
    assert found.link == ("sea", "oneway")
    assert list(found.link_capacity) == [500, 300]
    assert list(found.link_reverse) == [200, 0]
    assert list(found.link_minimum) == [0, 30]  # a tenth of 300 MW
    assert found.link_loss[0] == 0.06
    assert found.link_fee[0] == 92.0
    assert found.link_owner == ("grid", "far")
    assert found.link_outage == (None, "dc_line")


def test_a_corridor_has_its_place_in_the_year_of_its_first_day_and_not_before():
    assert "planned" not in grid(date(2025, 12, 31)).link
    found = grid(date(2026, 1, 1))
    assert found.link_first[found.link.index("planned")] == date(2026, 7, 1).toordinal()


def test_the_money_of_a_zone_without_load_is_counted_in_the_nearest_that_has_some():
    found = grid()
    loaded = [found.zone[z] for z in found.cleared_zones]
    assert [found.zone[z] for z in found.home_zone[found.cleared_zones]] == loaded
    assert set(found.home_zone) <= set(found.cleared_zones)


def test_a_closed_line_splits_its_area():
    late = [c | {"in_service": date(2026, 1, 1)} if c["key"] in ("n23", "n13") else c for c in CORRIDORS]
    area = grid(corridors=late).area
    assert area[0] == area[1] != area[2]


def test_a_joint_limit_holds_its_open_links():
    landing, border = grid().joints
    assert (landing[0], list(landing[1]), landing[2]) == ("landing", [0, 1], 600)
    assert (border[0], list(border[1])) == ("border", [1])  # the planned link is not built yet
    assert list(grid(date(2027, 1, 1)).joints[1][1]) == [2, 1]


def test_zones_sum_their_buses_and_only_cleared_ones_have_load():
    found = grid()
    assert found.zone == ("north", "south", "abroad")
    assert [found.zone[z] for z in found.cleared_zones] == ["north", "south"]
    values = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0]])
    assert found.by_zone(values) == pytest.approx(np.array([[9, 12], [7, 8], [9, 10]]))


def test_units_join_in_order_and_are_found_by_kind():
    stores = Units.make(["s"], STORE, [1], ["x"], "battery", [4.0], store=8.0, efficiency=0.81)
    joined = Units.join(units(), stores)
    assert list(joined.key) == ["a", "b", "c", "s"]
    assert list(joined.owner == "x") == [True, False, True, True]
    assert list(joined.of_kind(STORE)) == [3]
    assert list(joined.store) == [0, 0, 0, 8]
    assert list(joined.ramp) == [5, 6, 7, np.inf]


def test_a_misspelt_column_of_units_is_refused():
    with pytest.raises(TypeError, match="efficency"):
        Units.make(["s"], STORE, [1], ["x"], "battery", [4.0], efficency=0.8)


@pytest.mark.parametrize(("wrong", "word"), [
    (corridor("c", "N1", "N1"), "another bus"),
    (corridor("c", "N1", "N2", reactance=0.0), "p.u. > 0"),
    (corridor("c", "N1", "N2", reverse=0.0), "either way"),
    (corridor("c", "N1", "N2", loss=0.02), "loss"),
    (corridor("c", "N1", "N2", outage="dc_line"), "outage"),
    (corridor("c", "N1", "N2", tariff=30.0), "tariff"),
    (corridor("c", "N1", "S1", "dc", reverse=100.0, minimum=0.1), "may turn"),
])
def test_a_corridor_that_contradicts_itself_is_refused_with_its_line(wrong, word):
    with pytest.raises(BadInput, match=rf"test\.csv:2: .*{word}"):
        Corridor.check(table(Corridor, wrong), {})


@pytest.mark.parametrize(("rows", "word"), [
    ([{"key": "j", "link": "n12", "limit": 10.0}], "AC line"),
    ([{"key": "j", "link": "sea", "limit": 10.0}, {"key": "j", "link": "oneway", "limit": 11.0}], "expected 10"),
    ([{"key": "j", "link": "sea", "limit": 10.0}, {"key": "j", "link": "oneway", "limit": 10.0}], "30 MW"),
])
def test_a_joint_limit_that_cannot_hold_is_refused(rows, word):
    with pytest.raises(BadInput, match=word):
        Joint.check(table(Joint, *rows), {"corridors": table(Corridor, *CORRIDORS)})
