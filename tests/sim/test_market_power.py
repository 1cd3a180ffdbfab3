"""Market power of two zones, worked by hand, and what the cap does to the offers of who is pivotal."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from sim import market_power
from sim.calendar import Calendar
from sim.market_power import concentration, dependable, inward, mitigated, residual_supply
from sim.messages import Orders
from sim.network.grid import PLANT, USER, Bus, Corridor, Grid, Units

DAY = Calendar(date(2025, 7, 1), date(2025, 7, 31)).turn()
EARLY, LATE = slice(0, 12), slice(12, 24)
A, B, C, DAM, POTS = range(5)


def network() -> Grid:
    """West: plant a of x. East: b of x, c and a dam of y, a smelter. A link of 50 MW leads east, 10 MW lead back."""
    buses = [Bus(key=key, zone=key.upper(), name=key, source="paper") for key in ("west", "east")]
    link = Corridor(key="tie", start="west", end="east", kind="dc", capacity=50, reverse=10, reactance=0, loss=0,
                    tariff=0, minimum=0, in_service=date(2000, 1, 1), owner="z", source="paper")
    plants = Units.make(["a", "b", "c", "dam"], PLANT, [0, 1, 1, 1], ["x", "x", "y", "y"],
                        ["coal", "gas", "coal", "hydro"], [100, 60, 40, 30], budgeted=[False, False, False, True],
                        cost=[200.0, 300.0, 100.0, np.nan])
    pots = Units.make(["pots"], USER, [1], ["w"], "smelter", [20])
    return Grid(buses, [link], [], Units.join(plants, pots), DAY.date)


def hours(*rows) -> np.ndarray:
    """[row, hour] of constants, or of (first half, second half)."""
    return np.array([np.repeat(row, 12) if isinstance(row, tuple) else np.full(24, row) for row in rows], float)


LOAD = hours(50, (60, 80))
ABLE = hours(100, 60, 40, 30, 20)
ENERGY = np.array([np.inf, np.inf, np.inf, 360.0, np.inf])  # the dam's water lasts for 15 of its 30 MW


def test_a_limited_day_of_energy_is_spread_like_the_power():
    spread = dependable(hours(100, (10, 30)), np.array([[np.inf], [240.0]]))  # 480 MWh could be given, there are 240
    np.testing.assert_allclose(spread, hours(100, (5, 15)))
    np.testing.assert_allclose(dependable(hours(0.0), np.array([[0.0]])), 0)


def test_what_corridors_bring_in_counts_the_way_they_lead():
    assert inward(network(), np.ones((1, 1)))[:, 0].tolist() == [10, 50]
    assert inward(network(), np.full((1, 1), 0.5))[:, 0].tolist() == [5, 25]


def test_the_residual_supply_index_is_what_others_could_deliver_over_the_load():
    found = residual_supply(network(), dependable(ABLE, ENERGY[:, None]), LOAD, np.ones((1, 1)))
    index = dict(zip(zip(found.owner.tolist(), found.zone.tolist()), found.ratio))
    assert set(index) == {("x", 0), ("x", 1), ("y", 1)}
    np.testing.assert_allclose(index["x", 0], 10 / 50)  # all of the west is x's, 10 MW could come back
    np.testing.assert_allclose(index["x", 1], hours((105 / 60, 105 / 80))[0])  # c 40, dam 15, link 50
    np.testing.assert_allclose(index["y", 1], hours((110 / 60, 110 / 80))[0])  # b 60, link 50


def test_concentration_is_the_sum_of_squared_shares_of_owners():
    grid = network()
    # east: x 60 of 130, y 70 of 130; west: one owner
    np.testing.assert_allclose(concentration(grid, grid.units.capacity),
                               [10_000, 10_000 * (60**2 + 70**2) / 130**2])
    assert np.isnan(concentration(grid, np.array([0.0, 1, 1, 0, 7]))[0])


def month(**changed) -> SimpleNamespace:
    """Facts of a day. In the east c must give 10 and gives 40, b must give 20 and gives 25: above that they give 35 MW,
    30 of them c's at 100, so b's 300 is the cost of the last. The price is 400, then 240."""
    facts = dict(grid=network(), load=LOAD, price=hours(250, (400, 240)), output=hours(0, 25, 40, 10, -20),
                 available=ABLE, minimum=hours(0, 20, 10, 0, 0), budget=ENERGY[:, None])
    return SimpleNamespace(**facts | changed)


def test_the_lerner_index_is_the_margin_over_the_last_plant_needed():
    # early (400 - 300) / 400 = 0.25 on 60 MW, late (240 - 300) / 240 = -0.25 on 80 MW; in the west nothing runs
    west, east = market_power.lerner(month())
    assert np.isnan(west)
    assert east == pytest.approx((0.25 * 60 - 0.25 * 80) / 140)


def test_energy_that_a_cheaper_plant_would_have_given_is_priced_at_its_cost():
    # b gives 45, c nothing above its 10: above what they must, 25 MW, for which c's 30 at 100 would do
    _, east = market_power.lerner(month(output=hours(0, 45, 10, 10, -20)))
    assert east == pytest.approx((0.75 * 60 + 140 / 240 * 80) / 140)


def test_hours_without_a_price_are_left_out():
    _, east = market_power.lerner(month(price=hours(250, (400, -50))))
    assert east == pytest.approx(0.25)


def test_the_months_summary():
    power = market_power.of(month())
    np.testing.assert_allclose(power.rsi_min, [0.2, 105 / 80])
    np.testing.assert_allclose(power.rsi_p05, [0.2, 105 / 80])
    np.testing.assert_allclose(power.pivotal, [1, 0])  # the west cannot be served without x, the east always
    np.testing.assert_allclose(power.hhi_capacity[1], 10_000 * (60**2 + 70**2) / 130**2)
    np.testing.assert_allclose(power.hhi_output[1], 10_000 * (25**2 + 50**2) / 75**2)
    assert np.isnan(power.hhi_output[0])


# ---------------------------------------------------------------------------------------------------------- mitigation


def cut(rsi: float, markup=0.1, mitigation="cap", link_share=1.0) -> dict[int, np.ndarray]:
    """Prices after mitigation by unit, of offers at 500 and a bid of the smelter at 900."""
    offers, bid = Orders.sell([A, B, C, DAM], ABLE[:4], np.full(4, 500.0)), Orders.buy([POTS], [20.0], [900.0])
    orders = Orders.gather([offers, bid])
    today = SimpleNamespace(available=ABLE, energy=ENERGY, load=LOAD, link_share=np.full((1, 24), link_share))
    rules = SimpleNamespace(mitigation=mitigation, mitigation_rsi=rsi, mitigation_markup=markup)
    prices = mitigated(orders, SimpleNamespace(grid=network(), conditions=today), rules)
    return dict(zip(orders.unit.tolist(), prices))


def test_offers_of_the_pivotal_are_cut_to_cost_and_a_tenth_in_the_hours_in_which_they_are():
    # below 1.35: x in the west always, in the east late (1.3125, early 1.75); y late 1.375 not
    price = cut(1.35)
    np.testing.assert_allclose(price[A], 220)
    np.testing.assert_allclose(price[B], hours((500, 330))[0])
    np.testing.assert_allclose(price[C], 500)


def test_water_is_exempt_and_so_are_bids():
    price = cut(100.0)
    np.testing.assert_allclose(price[C], 110)
    np.testing.assert_allclose(price[DAM], 500)
    np.testing.assert_allclose(price[POTS], 900)


def test_a_link_in_outage_makes_more_owners_pivotal():
    # half the link: y is left with 60 + 25 MW of others in the east, 85 / 80 = 1.0625 late and 1.4167 early
    np.testing.assert_allclose(cut(1.1, link_share=0.5)[C], hours((500, 110))[0])


def test_an_offer_below_the_limit_stays():
    np.testing.assert_allclose(cut(100.0, markup=9.0)[C], 500)


def test_switched_off_it_changes_nothing():
    assert all((price == (900 if unit == POTS else 500)).all() for unit, price in cut(100.0, mitigation="none").items())
