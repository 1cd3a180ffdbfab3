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
from sim.messages import BUY, SELL, Award
from sim.network import borders
from sim.network.borders import Step
from sim.streams import Stream

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
    return {trader.name: trader for trader in traders(mesa.Model(), table(*ROWS), FIRST, Stream(1, "deals"))}


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


# --------------------------------------------------------------------------------- what other markets open for a month

EAST = {"bus": "EC", "owner": "east", "side": "buy", "season": "all", "capacity": 600.0, "price": 430.0,
        "market": "crossarea"}
DEAL = SimpleNamespace(key="crossarea")


def east(seed=1):
    return traders(mesa.Model(), table(EAST | {"key": "ec"}), FIRST, Stream(seed, "deals"))[0]


def month(number, chance, wheeling=30.0):
    when = date(2025, number, 1)
    rules = SimpleNamespace(deal_probability=chance, wheeling=wheeling)
    available = np.full((FIRST + 1, 24), 600.0)
    now, conditions = Calendar(when, when).turn(), SimpleNamespace(available=available)
    return SimpleNamespace(now=now, rules=rules, conditions=conditions)


def award(number, accepted, paid=400.0, market="crossarea"):
    when, shape = date(2025, number, 1), (len(accepted), 24)
    unit, accepted = np.full(len(accepted), FIRST, np.int32), np.array(accepted)[:, None] * np.ones(24)
    return Award(market, "month", Calendar(when, when).turn(), unit[:1], unit, accepted, np.full(shape, paid))


def test_a_deal_is_asked_for_with_the_wheeling_fee_taken_off():
    orders = east().orders(DEAL, month(8, chance=1.0))
    assert (list(orders.side), orders.price[0, 0], orders.volume[0, 0]) == ([BUY], 400, 600)  # 430 - 30
    assert len(east().orders(DEAL, month(8, chance=0.0))) == 0


def test_deals_come_about_as_often_as_the_law_says_and_alike_in_two_runs():
    """1200 months at 0.7: 840 expected, standard deviation 15.9."""
    found = [[len(east(seed).orders(DEAL, month(m, 0.7))) for m in range(1, 13)] for seed in range(100)]
    assert abs(np.sum(found) - 840) < 4 * 15.9
    assert found[3] == [len(east(3).orders(DEAL, month(m, 0.7))) for m in range(1, 13)]


def test_the_spot_market_sees_what_was_opened_for_the_month_at_the_price_that_was_asked():
    trader = east()
    assert trader.orders(SPOT, month(8, 0.7)).volume[0, 0] == 600  # no such market has spoken: the step just stands
    trader.hear(award(8, [250.0]))
    orders = trader.orders(SPOT, month(8, 0.7))
    assert (orders.volume[0, 0], orders.price[0, 0]) == (250, 400)
    assert trader.orders(SPOT, month(9, 0.7)).volume[0, 0] == 600  # August's deal says nothing of September


def test_without_a_deal_nothing_stands():
    trader = east()
    trader.hear(award(8, []))
    assert len(trader.orders(SPOT, month(8, 0.7))) == 0


def test_listings_of_several_companies_add_up_and_other_markets_do_not_matter():
    trader = east()
    trader.hear(award(8, [100.0, 60.0, 0.0]))
    trader.hear(award(8, [999.0], market="capacity"))
    assert trader.orders(SPOT, month(8, 0.7)).volume[0, 0] == 160
