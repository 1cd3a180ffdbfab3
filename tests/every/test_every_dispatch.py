"""What holds for every market that dispatches (its answer is a Dispatch), a day ahead and in real time, on days of the
toy world as it is, scarce and plentiful. What holds for all markets is in `test_every_market`.

A new market is tested here without a line being written, as soon as the toy world holds it.
"""

from copy import copy, deepcopy
from dataclasses import dataclass, replace

import numpy as np
import pytest

from sim.messages import BUY, SELL, Clearing, Conditions, Orders, Scene
from sim.network.grid import PLANT, STORE
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
        scene = replace(scene, earlier=dict(scene.earlier), positions=deepcopy(scene.positions))
        spoken = [actor.orders(market, scene) for actor in lab.actors]
        found.append(Cleared(type(market), spoken, scene, clear(orders, scene)))
        return found[-1].clearing

    market.clear = watched
    lab.run()
    assert found, f"the toy world never calls the market {key!r}"
    return found


@pytest.fixture(scope="module")
def days(lived) -> dict[str, list[Cleared]]:
    """The days as lived, and three of them (one without a day-ahead market, one day ahead and its real time) with far
    too much load, with hardly any, and with thin links and lines."""
    return {key: every + [other for day in (every[1], *every[-2:]) for other in strained(day)]
            for key, every in lived.items()}


def strained(day: Cleared) -> list[Cleared]:
    """A day under strain."""
    today: Conditions = day.scene.conditions
    thin = copy(day.scene.grid)
    thin.line_capacity = 0.4 * thin.line_capacity
    return [day.again(load=1.7 * today.load), day.again(load=0.2 * today.load),
            day.again(link_share=0.5 * today.link_share, grid=thin)]


def reserve(day: Cleared) -> tuple[np.ndarray, np.ndarray]:
    """MW [unit, hour] that units hold back upwards and downwards, beside this clearing: with it, or from its day-ahead
    market."""
    c, sold = day.clearing, day.scene.earlier.get(("ancillary", "day-ahead"))
    if day.scene.reserve is not None:
        return c.reserved.sum(axis=0), c.reserved[np.asarray(day.scene.reserve[0].both)].sum(axis=0)
    if day.scene.rhythm == "real-time" and sold is not None and sold.day == day.scene.now:
        return sold.reserved.sum(axis=0), sold.reserved[0]
    return np.zeros((2, *c.output.shape))


def ahead_of(day: Cleared):
    """The day-ahead clearing that a real time follows; None where there was none."""
    found = day.scene.earlier.get((day.clearing.market, "day-ahead"))
    follows = day.scene.rhythm == "real-time" and found is not None and found.day == day.scene.now
    return found if follows else None


def test_the_days_are_of_both_rhythms_and_hold_reserve(key, days):
    assert {day.scene.rhythm for day in days[key]} == set(markets()[key].rhythms)
    assert sum(ahead_of(day) is not None for day in days[key]) > 5
    assert {day.scene.rhythm for day in days[key] if reserve(day)[0].max() > 1} == {"day-ahead", "real-time"}


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
    """In real time what is available is what no reserve holds; a store that holds 5 MW because it can stop to charge
    them may charge."""
    for day in days[key]:
        today, c, units = day.scene.conditions, day.clearing, day.scene.grid.units
        held = np.where((units.kind == STORE)[:, None], reserve(day)[0], 0.0) * (day.scene.rhythm == "real-time")
        assert (c.output <= today.available + POWER).all()
        assert (-c.output <= today.available + held + POWER).all()
        assert (c.output >= np.where(today.minimum > 0, today.minimum, -np.inf) - POWER).all()
        assert (c.output.sum(axis=1) <= today.energy + 24 * POWER).all()
        assert (c.stored >= -POWER).all()
        assert (c.stored <= units.store[:, None] + POWER).all()
        net = np.zeros_like(c.output)
        np.add.at(net, c.orders.unit, c.orders.side[:, None] * c.accepted)
        np.testing.assert_allclose(net, c.output, atol=POWER)


def test_no_mw_is_energy_and_reserve_at_once(key, days):
    """Whatever the rhythm: what a unit gives and holds fits its machine, and what works both ways is running."""
    for day in days[key]:
        c, units, (up, down) = day.clearing, day.scene.grid.units, reserve(day)
        assert (c.output + up <= units.capacity[:, None] + 10 * POWER).all()
        stores = units.of_kind(STORE)
        assert (c.output - down >= -units.capacity[:, None] - 10 * POWER)[stores].all()
        if day.scene.reserve is not None:
            assert (c.output - down >= -10 * POWER)[units.of_kind(PLANT)].all()


# ---------------------------------------------------------------------------------------------------------- real time


def test_stores_keep_to_their_schedule_in_real_time(key, days):
    """Never beyond it, in neither direction."""
    seen = 0
    for day in days[key]:
        if (ahead := ahead_of(day)) is None:
            continue
        stores = day.scene.grid.units.of_kind(STORE)
        now, sold = day.clearing.output[stores], ahead.output[stores]
        assert (now <= np.maximum(sold, 0) + POWER).all()
        assert (now >= np.minimum(sold, 0) - POWER).all()
        seen += int((np.abs(now - sold) <= POWER).mean() > 0.9)
    assert seen > 3


def test_what_has_a_days_energy_only_leaves_its_schedule_by_the_bands_width_only(key, days):
    """Water gives no more than it sold and the band, less only where it cannot give it or the price is at its floor."""
    seen = 0
    for day in days[key]:
        if (ahead := ahead_of(day)) is None:
            continue
        c, today, rules, units = day.clearing, day.scene.conditions, day.scene.rules, day.scene.grid.units
        limited = np.isfinite(today.energy) & (units.kind == PLANT)
        width = rules.band * units.capacity[:, None]
        most = np.minimum(np.maximum(ahead.output + width, today.minimum), today.available)
        least = np.minimum(ahead.output - width, today.available)
        worth = c.price[units.bus] > rules.offer_floor + MONEY
        spent = (c.output.sum(axis=1) >= today.energy - LEAST)[:, None]  # nothing is left of the day's water
        calm = np.abs(np.diff(c.output, axis=1, prepend=np.nan)) < units.ramp[:, None] - LEAST
        assert (c.output <= most + POWER)[limited].all()
        assert (c.output >= least - LEAST)[limited[:, None] & worth & ~spent & calm].all()
        seen += limited.sum()
    assert seen > 5


# ------------------------------------------------------------------------------------------------------------- prices


@dataclass
class Claims:
    """Orders of a day by what the clearing promises them, all [order, hour].

    free: hour by hour its own master: no store, and the unit's output is not held by its ramp from or into the hour.
    forced: MW of a sell order that its unit must run, for its must-run level or the reserve that it holds, cheapest
    orders first.
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
        forced, least = np.zeros_like(c.accepted), today.minimum
        if day.scene.reserve is not None:  # a machine runs what it must be able to give less, and enough to give more
            up, down = reserve(day)
            least = np.maximum(least + down, up / day.scene.reserve[0].spin[:, None])
        for u in np.flatnonzero((least > 0).any(axis=1)):
            left = least[u].copy()
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
    """Covered: what an order gets beyond what its unit must run, in hours in which no ramp holds the unit, of all
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
    """Covered: as above, without units that have a daily energy limit (they may keep their water for a better hour).
    What a unit holds as reserve it may leave out of energy, and no more."""
    seen = 0
    for day in days[key]:
        claims, c = Claims.of(day), day.clearing
        covered = claims.free & ~np.isfinite(day.scene.conditions.energy)[c.orders.unit][:, None]
        gain = np.where(claims.sells, claims.price - claims.asked, claims.asked - claims.price)
        wanted = covered & (gain > MONEY)
        out = np.zeros_like(c.output)
        np.add.at(out, c.orders.unit, np.where(wanted, c.orders.volume - c.accepted, 0.0))
        held = reserve(day)[0] if day.scene.reserve is not None else 0.0
        assert (out <= held + LEAST).all()
        seen += wanted.any()
    assert seen == len(days[key])


def test_no_store_loses_on_a_day_unless_it_must_fill_up(key, days):
    """Where the morning's level is already what the law asks for at midnight, standing still is free, so the day's
    schedule earns nothing less: price x (given - taken) - wear x given >= 0, in the market's own prices, together with
    what the reserve that it holds earns beyond its offer. Covered: clearings that schedule stores, so no real time that
    follows a day-ahead market."""
    seen = 0
    for day in days[key]:
        c, units = day.clearing, day.scene.grid.units
        rules = day.scene.rules
        if getattr(rules, "storage_scheduling", None) != "market" or ahead_of(day) is not None:
            continue
        earned = np.zeros(len(units))
        side, price = c.orders.side[:, None], c.price[units.bus[c.orders.unit]]
        np.add.at(earned, c.orders.unit, (side * (price - limited(day)) * c.accepted).sum(axis=1))
        if day.scene.reserve is not None:
            sold, asked = day.scene.reserve
            paid = sold.worth[:, :, None] * c.reserve_price[:, sold.group]
            earned += ((paid - asked.price) * c.reserved).sum(axis=(0, 2))
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
def test_nor_does_it_matter_to_the_network_who_speaks_first(key, lived, seed):
    shuffle = np.random.default_rng(seed)
    for day in lived[key][::3]:
        pieces = [Orders(o.unit[[i]], o.side[[i]], o.price[[i]], o.volume[[i]])
                  for o in day.spoken for i in range(len(o))]
        first = day.again()
        other = day.again(spoken=[pieces[i] for i in shuffle.permutation(len(pieces))])
        for name in ("price", "output", "accepted", "line_flow", "sent", "stored", "rent"):
            np.testing.assert_array_equal(getattr(first.clearing, name), getattr(other.clearing, name), err_msg=name)


def test_without_orders_all_load_is_shed(key, lived):
    """Nobody who must run may be silent, so the day has no must-run levels; stores rest at the level they must keep."""
    day = lived[key][0]
    units = day.scene.grid.units
    silent = day.again(spoken=[], minimum=np.zeros_like(day.scene.conditions.minimum), stored=units.store.copy())
    c = silent.clearing
    assert not c.output.any()
    # with nobody to serve it, all load is shed, and so is what the links' least flow loses on its way
    lost = (c.sent - c.delivered).sum()
    assert c.shed.sum() == pytest.approx(day.scene.conditions.load.sum() + lost, abs=1e-6)


def test_a_market_that_has_lived_for_days_answers_like_a_new_one(key, lived):
    for day in lived[key]:
        new = day.again().clearing
        assert new.objective == pytest.approx(day.clearing.objective, rel=1e-9)
        np.testing.assert_allclose(new.output, day.clearing.output, atol=POWER)
