"""The revenue stack: every bill of every unit, and what a MW of a technology earns in a zone."""

from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Month
from sim.messages import Transfer
from sim.revenue import earnings, stack, stream_of, table

UNITS = SimpleNamespace(
    key=np.array(["sun", "coal", "battery", "battery_2"], object), owner=np.array(["a", "b", "c", "d"], object),
    kind=np.array(["plant", "plant", "store", "store"], object), bus=np.array([0, 1, 0, 1]),
    technology=np.array(["solar", "coal", "battery", "battery"], object))
GRID = SimpleNamespace(units=UNITS, zone=("HILLS", "COAST"), bus_zone=np.array([0, 1]))


def row(*units):
    return np.array(units, np.int64)


JULY = Month(2025, 7)
TRANSFERS = [
    Transfer("spot energy", "grid_company", "plants", np.array([5000, 7000]), row(0, 1)),
    Transfer("spot energy", "grid_company", "stores", np.array([900]), row(2)),
    Transfer("spot energy", "stores", "grid_company", np.array([300, 50]), row(2, 3)),
    Transfer("capacity price", "grid_company", "plants", np.array([1650]), row(1)),
    Transfer("yearly regulation capacity", "plants", "grid_company", np.array([220]), row(0)),
    Transfer("yearly regulation capacity", "grid_company", "stores", np.array([220]), row(2)),
    Transfer("spot energy", "users", "grid_company", np.array([999]), row(0)),  # a user's row is no unit's
    Transfer("capacity price", "grid_company", "plants", np.array([1]), row(1), due=Month(2025, 8)),  # not yet
    Transfer("rounding", "grid_company", "rounding", 3)]


def test_what_a_unit_receives_less_what_it_pays_stands_bill_by_bill():
    bills = stack(TRANSFERS, JULY, 4)
    assert list(bills) == ["spot energy", "capacity price", "yearly regulation capacity"]
    assert bills["spot energy"].tolist() == [5000, 7000, 600, -50]
    assert bills["capacity price"].tolist() == [0, 1650, 0, 0]
    assert bills["yearly regulation capacity"].tolist() == [-220, 0, 220, 0]


def test_the_table_has_a_line_for_each_bill_of_each_unit_that_had_one():
    lines = table(np.datetime64("2025-07-01"), stack(TRANSFERS, JULY, 4), GRID)
    assert len(lines["unit"]) == 7
    found = {(unit, bill): cny for unit, bill, cny in zip(lines["unit"], lines["bill"], lines["CNY"])}
    assert found["battery", "spot energy"] == 6.00
    assert found["coal", "capacity price"] == 16.50
    assert set(lines) == {"date", "unit", "owner", "technology", "zone", "bill", "stream", "CNY"}
    assert lines["CNY"].sum() == pytest.approx(sum(b.sum() for b in stack(TRANSFERS, JULY, 4).values()) / 100)


def test_every_bill_belongs_to_a_stream_and_a_bill_nobody_named_says_so():
    assert stream_of("spot energy") == "energy"
    assert stream_of("capacity price") == "capacity"
    assert stream_of("capacity deduction") == "penalties"
    assert stream_of("yearly regulation capacity") == "regulation_capacity"
    assert stream_of("yearly regulation default purchase") == "penalties"
    assert stream_of("regulation capacity") == "ancillary"  # for frequency, hour by hour
    assert stream_of("cost of ancillary services") == "ancillary"
    assert stream_of("high-cost generation") == "mechanism"
    assert stream_of("something new") == "other"


def test_a_megawatt_earns_what_all_of_its_technology_in_its_zone_earn_over_what_stands_there():
    # HILLS battery: 600 fen = 6 CNY of energy on 4 MW = 1.5 CNY/MW, and 2.2 / 4 = 0.55 of regulation capacity
    standing = np.array([50.0, 100.0, 4.0, 0.0])
    found = earnings(stack(TRANSFERS, JULY, 4), GRID, standing)
    assert found["HILLS", "battery"] == {"energy": 1.5, "regulation_capacity": pytest.approx(0.55)}
    assert found["COAST", "coal"] == {"energy": pytest.approx(0.7), "capacity": pytest.approx(0.165)}
    assert ("COAST", "battery") not in found  # nothing stands there
