"""Smelters: full power while it pays."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import mesa
import numpy as np
import pytest

from agents.large_user import large_users
from sim.calendar import Calendar
from sim.config import Table
from sim.messages import BUY
from sim.network.grid import Bus
from sim.network.smelters import Smelter, Smelters
from sim.network.years import BuildOut

FIRST = 5
ROWS = (
    {"key": "a_trim", "bus": "S", "owner": "a", "capacity": 30.0, "willingness": 317.4},
    {"key": "b_line", "bus": "N", "owner": "b", "capacity": 80.0, "willingness": 369.3},
    {"key": "a_line", "bus": "S", "owner": "a", "capacity": 70.0, "willingness": 369.3},
)
DAY = Calendar(date(2025, 8, 1), date(2025, 8, 1)).turn()
BUSES = [Bus(key=key, zone="Z", name=key, source="test") for key in "SN"]
STOCK = [BuildOut(zone="Z", technology="smelter", day=date(2025, 7, 1), share=1.0, source="test")]
TABLE = Table(Path("smelters.csv"), Smelter, [Smelter(**row, source="test") for row in ROWS], [2, 3, 4], "")


@pytest.fixture
def firms():
    return {firm.name: firm for firm in large_users(mesa.Model(), TABLE, FIRST)}


def scene():
    available = np.concatenate([np.zeros((FIRST, 24)), Smelters(TABLE, BUSES, STOCK).available(DAY)])
    return SimpleNamespace(conditions=SimpleNamespace(available=available))


def test_a_firm_bids_for_each_block_round_the_clock_at_what_it_is_worth(firms):
    bids = firms["a"].orders(SimpleNamespace(key="spot"), scene())
    assert list(bids.unit) == [5, 7]
    assert set(bids.side) == {BUY}
    assert np.all(bids.volume == np.array([[30.0], [70.0]]))
    assert np.all(bids.price == np.array([[317.4], [369.3]]))
    assert bids.price.shape == (2, 24)


def test_every_block_has_one_owner(firms):
    rows = np.concatenate([firm.units for firm in firms.values()])
    assert sorted(rows) == [5, 6, 7]


def test_a_firm_is_silent_in_other_markets(firms):
    assert len(firms["b"].orders(SimpleNamespace(key="contracts"), scene())) == 0


def test_blocks_are_units_of_the_grid_in_table_order():
    units = Smelters(TABLE, BUSES, STOCK).units({"S": 0, "N": 1}, 2025)
    assert list(units.key) == ["a_trim", "b_line", "a_line"]
    assert list(units.bus) == [0, 1, 0]
    assert set(units.kind) == {"user"}
