"""Neighbours: what stands at the border in its season, at its price."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import mesa
import numpy as np
import pytest

from agents.trader import traders
from sim.calendar import Calendar
from sim.config import BadInput, Table
from sim.messages import BUY, SELL
from sim.network import borders
from sim.network.borders import Step

FIRST = 10  # row of grid.units at which the steps begin
SPOT = SimpleNamespace(key="spot")
MYANMAR, VIETNAM = {"bus": "MM", "owner": "myanmar"}, {"bus": "VN", "owner": "vietnam"}
ROWS = (
    MYANMAR | {"key": "mm_wet", "side": "sell", "season": "wet", "capacity": 350.0, "price": 170.0},
    VIETNAM | {"key": "vn_dry", "side": "buy", "season": "dry", "capacity": 200.0, "price": 480.0},
    MYANMAR | {"key": "mm_dry", "side": "sell", "season": "dry", "capacity": 150.0, "price": 230.0},
    MYANMAR | {"key": "mm_late", "side": "buy", "season": "all", "capacity": 40.0, "price": 90.0,
               "first": date(2026, 7, 1), "last": date(2026, 7, 31)},
)


def table(*rows):
    made = [Step(**row, source="test") for row in rows]
    return Table(Path("borders.csv"), Step, made, list(range(2, 2 + len(made))), "")


def scene(when):
    day = Calendar(when, when).turn()
    available = np.concatenate([np.full((FIRST, 24), 999.0), borders.available(table(*ROWS), day)])
    return SimpleNamespace(now=day, conditions=SimpleNamespace(available=available))


@pytest.fixture
def actors():
    return {trader.name: trader for trader in traders(mesa.Model(), table(*ROWS), FIRST)}


def test_a_neighbour_is_one_trader_with_all_its_steps(actors):
    assert sorted(actors) == ["myanmar", "vietnam"]
    assert list(actors["myanmar"].units) == [10, 12, 13]


def test_a_step_is_offered_in_its_season_at_its_price(actors):
    dry = actors["myanmar"].orders(SPOT, scene(date(2025, 1, 15)))
    assert (list(dry.unit), list(dry.side)) == ([12], [SELL])
    assert np.all(dry.price == 230)
    assert np.all(dry.volume == 150)
    wet = actors["myanmar"].orders(SPOT, scene(date(2025, 8, 15)))
    assert (list(wet.unit), wet.price[0, 0]) == ([10], 170)


def test_a_buyer_bids_and_is_silent_out_of_season(actors):
    dry = actors["vietnam"].orders(SPOT, scene(date(2025, 5, 31)))
    assert (list(dry.unit), list(dry.side), dry.price[0, 7], dry.volume[0, 7]) == ([11], [BUY], 480, 200)
    assert len(actors["vietnam"].orders(SPOT, scene(date(2025, 6, 1)))) == 0


def test_a_step_stands_between_its_dates_both_included():
    steps = table(ROWS[3])
    days = [date(2026, 6, 30), date(2026, 7, 1), date(2026, 7, 31), date(2026, 8, 1)]
    assert [borders.available(steps, Calendar(d, d).turn())[0, 0] for d in days] == [0, 40, 40, 0]


def test_traders_are_silent_in_other_markets(actors):
    assert len(actors["myanmar"].orders(SimpleNamespace(key="capacity"), scene(date(2025, 1, 15)))) == 0


def test_steps_are_units_of_the_grid_in_table_order():
    units = borders.units(table(*ROWS), {"MM": 4, "VN": 2})
    assert list(units.key) == [row["key"] for row in ROWS]
    assert list(units.bus) == [4, 2, 4, 4]
    assert list(units.capacity) == [350, 200, 150, 40]
    assert set(units.kind) == {"neighbour"}


def test_a_step_that_ends_before_it_begins_is_refused_with_its_line():
    wrong = ROWS[3] | {"last": date(2026, 6, 1)}
    with pytest.raises(BadInput, match=r"borders\.csv:2: last: 2026-06-01 is before 2026-07-01"):
        Step.check(table(wrong), {})
