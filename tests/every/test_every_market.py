"""What holds for every market that dispatches (its answer is a Dispatch), on days of the toy world as it is, scarce and
plentiful; markets that trade ahead are in `test_every_trade`.

A new market is tested here without a line being written, as soon as the toy world holds it.
"""

from copy import copy
from dataclasses import dataclass, replace

import numpy as np
import pytest

from sim.messages import BUY, SELL, Clearing, Conditions, Orders, Scene
from sim.network.grid import STORE
from sim.registry import markets
from tests.labs import toy

POWER = 1e-6  # MW
MONEY = 1e-6  # CNY/MWh: prices are those of true costs, to a solver's tolerance
LEAST = 1e-4  # MW; an order that gets less has got nothing: rounding in shares of a step

KEYS = sorted(key for key, market in markets().items() if "real-time" in market.rhythms)
pytestmark = pytest.mark.parametrize("key", KEYS)


@dataclass
class Cleared:
    """A day of a market. spoken: orders, speaker by speaker.  market: the class."""

    market: type
    spoken: list[Orders]
    scene: Scene
    clearing: Clearing

    def again(self, *, spoken=None, grid=None, **conditions) -> "Cleared":
        """The same day in a market that remembers nothing, with other speakers, grid or conditions."""
        spoken = self.spoken if spoken is None else spoken
        today = replace(self.scene.conditions, **conditions)
        scene = replace(self.scene, conditions=today, grid=grid or self.scene.grid)
        return Cleared(self.market, spoken, scene, self.market().clear(Orders.gather(spoken), scene))


@pytest.fixture(scope="module")
def lived() -> dict[str, list[Cleared]]:
    """Every market's days in the toy world: a dry week across the turn of a month, a wet one, stores on their own."""
    return {key: [*days_of(key, toy(start="2025-01-29", days=5)), *days_of(key, toy(start="2025-07-01", days=3)),
                  *days_of(key, toy("law.spot.storage_scheduling=own", start="2025-07-12", days=3))] for key in KEYS}


def days_of(key: str, lab) -> list[Cleared]:
    """Live a lab and take down each day of one of its markets."""
    found, market = [], lab.markets[key]
    clear = market.clear

    def watched(orders, scene):
        scene = replace(scene, earlier=dict(scene.earlier))
        spoken = [actor.orders(market, scene) for actor in lab.actors]
        found.append(Cleared(type(market), spoken, scene, clear(orders, scene)))
        return found[-1].clearing

    market.clear = watched
    lab.run()
    assert found, f"the toy world never calls the market {key!r}"
    return found


@pytest.fixture(scope="module")
def days(lived) -> dict[str, list[Cleared]]:
    """The days as lived, and two of them with far too much load, with hardly any, and with thin links and lines."""
    return {key: every + [other for day in (every[1], every[-2]) for other in strained(day)]
            for key, every in lived.items()}


def strained(day: Cleared) -> list[Cleared]:
    """A day under strain."""
    today: Conditions = day.scene.conditions
    thin = copy(day.scene.grid)
    thin.line_capacity = 0.4 * thin.line_capacity
    return [day.again(load=1.7 * today.load), day.again(load=0.2 * today.load),
            day.again(link_share=0.5 * today.link_share, grid=thin)]


def test_the_days_show_shedding_disposal_congestion_and_stores_at_work(key, days):
    clearings = [day.clearing for day in days[key]]
    for name in ("shed", "disposed", "line_shadow", "link_shadow", "joint_shadow"):
        assert any((getattr(c, name) > 1e-3).any() for c in clearings), name
    stores = days[key][0].scene.grid.units.of_kind(STORE)
    assert any((c.output[stores] < -1).any() and (c.output[stores] > 1).any() for c in clearings)


# ------------------------------------------------------------------------------------------------------------ balance


def test_every_bus_balances_in_every_hour(key, days):
    for day in days[key]:
        grid, c = day.scene.grid, day.clearing
        gap = c.shed - c.disposed - day.scene.conditions.load
        for unit, bus in enumerate(grid.units.bus):  # generation, less what stores, users and neighbours take
            gap[bus] += c.output[unit]
        for line, (start, end) in enumerate(zip(grid.line_from, grid.line_to)):
            gap[start] -= c.line_flow[line]
            gap[end] += c.line_flow[line]
        for link, (start, end) in enumerate(zip(grid.link_from, grid.link_to)):
            gap[start] -= c.sent[link]
            gap[end] += c.delivered[link]
        assert np.abs(gap).max() <= POWER


def test_links_lose_their_share_whichever_way_they_run(key, days):
    for day in days[key]:
        c, kept = day.clearing, 1 - day.scene.grid.link_loss[:, None]
        ahead, back = c.sent > 0, c.sent < 0
        np.testing.assert_allclose(c.delivered[ahead], (kept * c.sent)[ahead], atol=POWER)
        np.testing.assert_allclose(c.sent[back], (kept * c.delivered)[back], atol=POWER)


def test_what_is_put_in_is_taken_out_lost_or_stored(key, days):
    for day in days[key]:
        grid, today, c = day.scene.grid, day.scene.conditions, day.clearing
        half = np.sqrt(grid.units.efficiency)[:, None]
        store = (grid.units.kind == STORE)[:, None]
        given, taken = np.maximum(c.output, 0), np.maximum(-c.output, 0)
        before = np.hstack([today.stored[:, None], c.stored[:, :-1]])
        kept_back = np.where(store, c.stored - before, 0).sum(axis=0)
        lost_in_stores = np.where(store, taken * (1 - half) + given * (1 / half - 1), 0).sum(axis=0)
        put_in = np.where(store, 0, given).sum(axis=0) + c.shed.sum(axis=0)
        taken_out = today.load.sum(axis=0) + np.where(store, 0, taken).sum(axis=0) + c.disposed.sum(axis=0)
        lost = np.abs(c.sent - c.delivered).sum(axis=0)
        np.testing.assert_allclose(put_in, taken_out + lost + lost_in_stores + kept_back, atol=10 * POWER)


def test_every_unit_keeps_within_what_it_can_and_must(key, days):
    for day in days[key]:
        today, c, units = day.scene.conditions, day.clearing, day.scene.grid.units
        assert (np.abs(c.output) <= today.available + POWER).all()
        assert (c.output >= np.where(today.minimum > 0, today.minimum, -np.inf) - POWER).all()
        assert (c.output.sum(axis=1) <= today.energy + 24 * POWER).all()
        assert (c.stored >= -POWER).all()
        assert (c.stored <= units.store[:, None] + POWER).all()
        net = np.zeros_like(c.output)
        np.add.at(net, c.orders.unit, c.orders.side[:, None] * c.accepted)
        np.testing.assert_allclose(net, c.output, atol=POWER)


# ------------------------------------------------------------------------------------------------------------- prices


@dataclass
class Claims:
    """Orders of a day by what the clearing promises them, all [order, hour].

    free: hour by hour its own master: no store, and the unit's output is not held by its ramp from or into the hour.
    forced: MW of a sell order that a must-run level of its unit makes, cheapest orders first.
    """

    price: np.ndarray
    asked: np.ndarray
    sells: np.ndarray
    forced: np.ndarray
    free: np.ndarray

    @classmethod
    def of(cls, day: Cleared) -> "Claims":
        c, today, units = day.clearing, day.scene.conditions, day.scene.grid.units
        orders, unit = c.orders, c.orders.unit
        before = np.where(np.isnan(today.output_before), c.output[:, 0], today.output_before)
        change = np.abs(np.diff(np.hstack([before[:, None], c.output]), axis=1))
        held = change >= units.ramp[:, None] - LEAST
        held[:, :-1] |= held[:, 1:]
        free = ~held[unit] & (units.store[unit] == 0)[:, None]
        forced = np.zeros_like(c.accepted)
        for u in np.flatnonzero((today.minimum > 0).any(axis=1)):
            left = today.minimum[u].copy()
            own = np.flatnonzero((unit == u) & (orders.side == SELL))
            for o in own[np.argsort(orders.price[own].mean(axis=1), kind="stable")]:
                forced[o] = np.minimum(left, orders.volume[o])
                left -= forced[o]
        sells = np.broadcast_to((orders.side == SELL)[:, None], c.accepted.shape)
        return cls(c.price[units.bus[unit]], limited(day), sells, forced, free)


def limited(day: Cleared) -> np.ndarray:
    """Prices asked and bid within the limits that the law sets them, CNY/MWh [order, hour]."""
    rules, orders = day.scene.rules, day.clearing.orders
    if not hasattr(rules, "offer_floor"):
        return orders.price
    buys = (orders.side == BUY)[:, None]
    return np.clip(orders.price, np.where(buys, rules.clearing_floor, rules.offer_floor),
                   np.where(buys, rules.clearing_cap, rules.offer_cap))


def test_nobody_is_paid_below_the_offer_or_pays_above_the_bid(key, days):
    """Covered: what an order gets beyond its unit's must-run level, in hours in which no ramp holds the unit, of all
    units but stores (theirs is the next claim). Daily energy limits are covered: scarce water can only be paid more."""
    seen = 0
    for day in days[key]:
        claims, accepted = Claims.of(day), day.clearing.accepted
        chosen = claims.free & (accepted > claims.forced + LEAST)
        seller, buyer = chosen & claims.sells, chosen & ~claims.sells
        assert (claims.price >= claims.asked - MONEY)[seller].all()
        assert (claims.price <= claims.asked + MONEY)[buyer].all()
        seen += int(seller.any()) + int(buyer.any())
    assert seen >= 2 * len(days[key]) - 2  # in the scarcest hours nobody's bid is taken


def test_nobody_is_left_out_who_asks_less_or_bids_more_than_the_price(key, days):
    """Covered: as above, without units that have a daily energy limit (they may keep their water for a better hour)."""
    seen = 0
    for day in days[key]:
        claims, c = Claims.of(day), day.clearing
        covered = claims.free & ~np.isfinite(day.scene.conditions.energy)[c.orders.unit][:, None]
        gain = np.where(claims.sells, claims.price - claims.asked, claims.asked - claims.price)
        wanted = covered & (gain > MONEY)
        assert (c.accepted >= c.orders.volume - LEAST)[wanted].all()
        seen += wanted.any()
    assert seen == len(days[key])


def test_no_store_loses_on_a_day_unless_it_must_fill_up(key, days):
    """Where the morning's level is already what the law asks for at midnight, standing still is free, so the day's
    schedule earns nothing less: price x (given - taken) - wear x given >= 0, in the market's own prices."""
    seen = 0
    for day in days[key]:
        c, units = day.clearing, day.scene.grid.units
        rules = day.scene.rules
        if getattr(rules, "storage_scheduling", None) != "market":
            continue
        earned = np.zeros(len(units))
        side, price = c.orders.side[:, None], c.price[units.bus[c.orders.unit]]
        np.add.at(earned, c.orders.unit, (side * (price - limited(day)) * c.accepted).sum(axis=1))
        full = day.scene.conditions.stored >= rules.storage_level * units.store - POWER
        for store in units.of_kind(STORE)[full[units.of_kind(STORE)]]:
            assert earned[store] >= -1.0
            seen += 1
    assert seen > 5


def test_prices_stay_within_floor_and_cap(key, days):
    for day in days[key]:
        c, rules = day.clearing, day.scene.rules
        assert np.isfinite(c.price).all()
        assert c.price.min() >= rules.clearing_floor - MONEY
        assert c.price.max() <= rules.clearing_cap + MONEY
        assert (c.price[c.shed > LEAST] >= rules.clearing_cap - MONEY).all()
        assert (c.price[c.disposed > LEAST] <= rules.clearing_floor + MONEY).all()


# -------------------------------------------------------------------------------------------------------------- order


@pytest.mark.parametrize("seed", range(3))
def test_it_does_not_matter_who_speaks_first(key, lived, seed):
    shuffle = np.random.default_rng(seed)
    for day in lived[key][::3]:
        pieces = [Orders(o.unit[[i]], o.side[[i]], o.price[[i]], o.volume[[i]])
                  for o in day.spoken for i in range(len(o))]
        first = day.again()
        other = day.again(spoken=[pieces[i] for i in shuffle.permutation(len(pieces))])
        for name in ("price", "output", "accepted", "line_flow", "sent", "stored", "rent"):
            np.testing.assert_array_equal(getattr(first.clearing, name), getattr(other.clearing, name), err_msg=name)


def test_without_orders_nothing_is_accepted_and_prices_are_finite(key, lived):
    """Nobody who must run may be silent, so the day has no must-run levels; stores rest at the level they must keep."""
    day = lived[key][0]
    units = day.scene.grid.units
    silent = day.again(spoken=[], minimum=np.zeros_like(day.scene.conditions.minimum), stored=units.store.copy())
    c = silent.clearing
    assert c.accepted.shape == (0, 24)
    assert not c.output.any()
    assert np.isfinite(c.price).all()
    # with nobody to serve it, all load is shed, and so is what the links' least flow loses on its way
    lost = (c.sent - c.delivered).sum()
    assert c.shed.sum() == pytest.approx(day.scene.conditions.load.sum() + lost, abs=1e-6)


def test_a_market_that_has_lived_for_days_answers_like_a_new_one(key, lived):
    for day in lived[key]:
        new = day.again().clearing
        assert new.objective == pytest.approx(day.clearing.objective, rel=1e-9)
        np.testing.assert_allclose(new.output, day.clearing.output, atol=POWER)
