"""Storage companies: their forecast, and a schedule that nothing beats."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import mesa
import numpy as np
import pytest
from scipy.optimize import linprog

from agents.forecast import forecast
from agents.storage import storage_companies
from agents.storage_kernels import schedule
from sim.calendar import Calendar
from sim.config import Table
from sim.messages import BUY, SELL
from sim.network.stores import Store, Stores

SPOT = SimpleNamespace(key="spot")
HOURS = 24


def profit(charge, discharge, price, wear):
    return float((discharge * (price - wear) - charge * price).sum())


def levels(charge, discharge, efficiency, start):
    root = np.sqrt(efficiency)
    return start + np.cumsum(charge * root - discharge / root)


def best_by_linear_programme(price, power, energy, efficiency, wear, start, end):
    """The same problem as a linear programme: charge and discharge within power, levels within the store."""
    n, root = len(price), np.sqrt(efficiency)
    moved = np.hstack([np.tril(np.full((n, n), root)), np.tril(np.full((n, n), -1 / root))])
    most, least = np.full(n, energy - start), np.full(n, start)
    least[-1] = start - end
    found = linprog(np.concatenate([price, wear - price]), np.vstack([moved, -moved]), np.concatenate([most, least]),
                    bounds=[(0, power)] * (2 * n))
    assert found.status == 0
    return -found.fun


def test_two_cheap_hours_fill_what_two_dear_hours_sell():
    # 10 MW, 20 MWh, no loss, wear 5: in at 100 and 120, out at 400 and 380: 10 x (400 + 380 - 100 - 120 - 2 x 5) = 5500
    price = np.array([200.0, 100, 120, 210, 400, 380, 205, 200])
    charge, discharge = schedule(price, 10.0, 20.0, 1.0, 5.0, 0.0, 0.0)
    assert charge == pytest.approx([0, 10, 10, 0, 0, 0, 0, 0])
    assert discharge == pytest.approx([0, 0, 0, 0, 10, 10, 0, 0])
    assert profit(charge, discharge, price, 5.0) == pytest.approx(5500)


def test_a_spread_that_does_not_pay_for_loss_and_wear_is_left():
    # a round trip of 0.81 returns 0.81 MWh: 0.81 x (p - 10) > 100 from p = 133.46
    flat = np.full(HOURS, 100.0)
    for peak, moves in ((133.0, False), (134.0, True)):
        price = flat.copy()
        price[19] = peak
        charge, discharge = schedule(price, 10.0, 20.0, 0.81, 10.0, 0.0, 0.0)
        assert (discharge.sum() > 0) == moves
        assert (charge.sum() > 0) == moves


def test_half_of_the_loss_falls_on_each_way():
    # root of 0.81 is 0.9: 10 MW for an hour store 9 MWh, which give 8.1 MWh
    price = np.array([0.0, 500.0])
    charge, discharge = schedule(price, 10.0, 20.0, 0.81, 0.0, 0.0, 0.0)
    assert charge == pytest.approx([10, 0])
    assert discharge == pytest.approx([0, 8.1])


def test_what_is_stored_above_the_end_level_is_sold_and_what_is_missing_bought():
    price = np.array([300.0, 280.0, 250.0])
    # ten MWh to spare go to the dearest hour; wear of 100 forbids to sell more and buy it back for 30 less
    _, discharge = schedule(price, 10.0, 20.0, 1.0, 100.0, 15.0, 5.0)
    assert discharge == pytest.approx([10, 0, 0])
    charge, _ = schedule(price, 10.0, 20.0, 1.0, 0.0, 0.0, 12.0)
    assert charge == pytest.approx([0, 2, 10])  # twelve are needed: the two cheapest hours


def test_an_end_level_out_of_reach_is_approached_as_far_as_power_goes():
    charge, discharge = schedule(np.array([900.0, 10.0]), 5.0, 40.0, 1.0, 0.0, 3.0, 30.0)
    assert charge == pytest.approx([5, 5])
    assert discharge == pytest.approx([0, 0])


def test_no_schedule_on_a_grid_of_levels_earns_more():
    """Brute force: every path over whole levels of a store of 3 MWh that moves at most 1 MWh an hour, no loss."""
    rng = np.random.default_rng(5)
    for _ in range(20):
        price = rng.integers(0, 30, 6) * 10.0
        paths = np.stack(np.meshgrid(*[[-1, 0, 1]] * 6), -1).reshape(-1, 6)
        level = 2 + np.cumsum(paths, axis=1)
        allowed = paths[(level >= 0).all(axis=1) & (level <= 3).all(axis=1) & (level[:, -1] >= 1)]
        best = max(profit(np.maximum(p, 0), np.maximum(-p, 0), price, 7.0) for p in allowed)
        charge, discharge = schedule(price, 1.0, 3.0, 1.0, 7.0, 2.0, 1.0)
        assert profit(charge, discharge, price, 7.0) == pytest.approx(best)


@pytest.mark.parametrize("case", range(40))
def test_no_linear_programme_earns_more_and_the_schedule_can_be_kept(case):
    rng = np.random.default_rng(case)
    tied = rng.integers(0, 5, HOURS) * 100.0  # many equal prices
    price = tied if case % 3 == 0 else rng.uniform(0, 500, HOURS)
    power, hours, efficiency = rng.uniform(1, 100), rng.uniform(0.3, 8), rng.uniform(0.5, 1)
    energy, wear = power * hours, rng.uniform(0, 40)
    start, end = rng.uniform(0, energy, 2)
    charge, discharge = schedule(price, power, energy, efficiency, wear, start, end)
    level = levels(charge, discharge, efficiency, start)
    assert level.min() >= -1e-9 * energy
    assert level.max() <= energy * (1 + 1e-9)
    assert level[-1] >= end - 1e-9 * energy
    assert max(charge.max(), discharge.max()) <= power * (1 + 1e-12)
    assert np.all(charge * discharge == 0)
    best = best_by_linear_programme(price, power, energy, efficiency, wear, start, end)
    assert profit(charge, discharge, price, wear) == pytest.approx(best, rel=1e-9, abs=1e-6)


def test_the_compiled_schedule_is_the_plain_one():
    price = np.random.default_rng(3).uniform(0, 500, HOURS)
    given = (price, 40.0, 80.0, 0.86, 10.0, 40.0, 40.0)
    for compiled, plain in zip(schedule(*given), schedule.py_func(*given), strict=True):
        assert np.array_equal(compiled, plain)


# ------------------------------------------------------------------------------------------------------- forecasts


def public(*days):
    """Prices of the last 28 days in one zone, all hours alike; days are the newest, oldest first."""
    price = np.full((28, 1, HOURS), np.nan)
    if days:
        price[-len(days):] = np.array(days, float)[:, None, None]
    return SimpleNamespace(zone_price=price)


def on(when):
    return Calendar(when, when).turn()


def test_a_weekday_expects_the_mean_of_the_last_weeks_weekdays():
    # Wednesday 8 January 2025; behind it Wed Thu Fri (Sat Sun) Mon Tue
    week = public(1000, 300, 310, 320, 100, 90, 330, 340)
    assert forecast(week, on(date(2025, 1, 8)))[0] == pytest.approx(np.full(HOURS, (300 + 310 + 320 + 330 + 340) / 5))


def test_a_sunday_expects_what_weekend_days_of_the_week_had():
    # Sunday 12 January 2025; behind it Sun (5th) Mon Tue Wed Thu Fri Sat (11th)
    week = public(100, 300, 300, 300, 300, 300, 120)
    assert forecast(week, on(date(2025, 1, 12)))[0] == pytest.approx(np.full(HOURS, 110))


def test_the_first_weekend_falls_back_on_the_days_there_are():
    assert forecast(public(200, 240), on(date(2025, 1, 4)))[0] == pytest.approx(np.full(HOURS, 220))


def test_nobody_forecasts_before_a_price_was_seen():
    assert np.isnan(forecast(public(), on(date(2025, 1, 1)))).all()


def test_negative_prices_are_not_planned_for():
    assert np.all(forecast(public(-40), on(date(2025, 1, 2))) == 0)


# -------------------------------------------------------------------------------------------------------- companies

FIRST = 3
BATTERY = {"bus": "A1", "technology": "battery", "hours": 2.0, "efficiency": 0.86, "wear": 10.0, "initial": 0.5,
           "in_service": date(2020, 1, 1)}
ROWS = (
    BATTERY | {"key": "x1", "owner": "x", "capacity": 50.0},
    BATTERY | {"key": "y1", "owner": "y", "capacity": 20.0},
    BATTERY | {"key": "x2", "owner": "x", "capacity": 80.0, "technology": "pumped_hydro", "hours": 6.0,
               "efficiency": 0.75, "wear": 3.0},
)
TABLE = Table(Path("stores.csv"), Store, [Store(**row, source="test") for row in ROWS], [2, 3, 4], "")


def scene(scheduling, when=date(2025, 1, 8), history=None):
    stores = Stores(TABLE, (), (), 2025)
    own = stores.units({"A1": 0}, 2025)

    def after_others(values):
        return np.concatenate([np.zeros((FIRST, *values.shape[1:])), values])

    units = SimpleNamespace(bus=after_others(own.bus).astype(int), store=after_others(own.store),
                            efficiency=after_others(own.efficiency))
    conditions = SimpleNamespace(available=after_others(stores.available(on(when))), stored=after_others(stores.stored))
    rules = SimpleNamespace(storage_scheduling=scheduling, storage_level=0.5)
    return SimpleNamespace(now=on(when), rhythm="day-ahead", conditions=conditions, public=history or public(),
                           rules=rules, grid=SimpleNamespace(bus_zone=np.array([0]), units=units))


@pytest.fixture
def company():
    companies = storage_companies(mesa.Model(), TABLE, FIRST, np.zeros(FIRST + len(TABLE), int))
    return next(company for company in companies if company.name == "x")


def two_prices(night=100.0, day=400.0):
    """A history in which every day is cheap before noon and dear after."""
    price = np.full((28, 1, HOURS), night)
    price[:, :, 12:] = day
    return SimpleNamespace(zone_price=price)


def test_a_company_has_the_stores_of_its_table_rows(company):
    assert list(company.units) == [3, 5]


def test_a_store_that_the_market_schedules_states_its_wear_and_bids_nothing(company):
    orders = company.orders(SPOT, scene("market"))
    sells, buys = orders.side == SELL, orders.side == BUY
    assert list(orders.unit[sells]) == [3, 5]
    assert orders.price[sells][:, 0] == pytest.approx([10, 3])
    assert np.all(orders.price[buys] == 0)
    assert orders.volume[buys][:, 0] == pytest.approx([50, 80])


def test_a_company_that_schedules_itself_offers_its_plan_and_no_more(company):
    orders = company.orders(SPOT, scene("own", history=two_prices()))
    battery = orders.unit == 3
    sold, bought = orders.volume[battery & (orders.side == SELL)][0], orders.volume[battery & (orders.side == BUY)][0]
    # half full at 50 of 100 MWh: in the morning the empty half is filled, in the afternoon all but 50 MWh is sold
    assert bought[:12].sum() == pytest.approx(50 / np.sqrt(0.86))
    assert sold[12:].sum() == pytest.approx(50 * np.sqrt(0.86))
    assert bought[12:].sum() == sold[:12].sum() == 0
    # it buys for at most what the dearest hour returns: 0.86 x (400 - 10)
    assert orders.price[battery & (orders.side == BUY)][0, 0] == pytest.approx(335.4)
    assert orders.price[battery & (orders.side == SELL)][0, 0] == pytest.approx(10)


def test_without_a_price_seen_a_company_does_not_trade_its_own_plan(company):
    assert len(company.orders(SPOT, scene("own"))) == 0


def test_a_flat_price_moves_nothing(company):
    assert company.orders(SPOT, scene("own", history=two_prices(200.0, 200.0))).volume.sum() == 0


def test_a_company_is_silent_in_other_markets(company):
    assert len(company.orders(SimpleNamespace(key="capacity"), scene("market"))) == 0
