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
from sim.network.demand import Trading, UserClass
from sim.network.green_demand import GreenDemand
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
CLASSES = [UserClass(key=key, zone="Z", share=share, deviation=1.0, large_users=key == "heavy", contracts=True,
                     source="test") for key, share in (("light", 0.5), ("heavy", 0.5))]


class World(dict):
    """Tables by name, and settings."""

    settings = SimpleNamespace(contracts=Trading(entry=0.25, risk=0.05, caution=0.0, source="test"))


WORLD = World(smelters=TABLE, buses=BUSES, user_classes=Table(Path("user_classes.csv"), UserClass, CLASSES, [2, 3], ""),
              green_demand=Table(Path("green_demand.csv"), GreenDemand, [], [], ""))


@pytest.fixture
def firms():
    return {firm.name: firm for firm in large_users(mesa.Model(), WORLD, FIRST)}


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
    assert len(firms["b"].orders(SimpleNamespace(key="capacity"), scene())) == 0


def test_a_firm_covers_a_years_blocks_as_far_as_the_market_is_open_to_its_class(firms):
    """Three quarters of the zone's use may trade: all of the first class, half of the second, which holds the smelters.
    Of 30 and 70 MW so 15 and 35 MW may, and eight tenths are covered: 12 and 28 MW. At the 340 CNY/MWh that are
    expected and 5 % for being sure, 357, but no more than a block is worth: 317.4 and 357."""
    units = SimpleNamespace(capacity=np.array([0.0] * FIRST + [30.0, 80.0, 70.0]))
    ahead = SimpleNamespace(
        rhythm="year", grid=SimpleNamespace(units=units, bus_zone=np.array([0, 0])),
        positions=SimpleNamespace(bus=np.array([0] * FIRST + [0, 1, 0])),
        rules=SimpleNamespace(eligible=0.75, cover_year=0.8))
    firms["a"].replan(SimpleNamespace(price=np.full((1, 12), 340.0)))
    bids = firms["a"].orders(SimpleNamespace(key="contracts"), ahead)
    assert dict(zip(bids.unit, bids.volume[:, 7])) == pytest.approx({5: 12, 7: 28})
    assert dict(zip(bids.unit, bids.price[:, 0])) == pytest.approx({5: 317.4, 7: 357})
    assert set(bids.side) == {BUY}


def test_blocks_are_units_of_the_grid_in_table_order():
    units = Smelters(TABLE, BUSES, STOCK).units({"S": 0, "N": 1}, 2025)
    assert list(units.key) == ["a_trim", "b_line", "a_line"]
    assert list(units.bus) == [0, 1, 0]
    assert set(units.kind) == {"user"}
