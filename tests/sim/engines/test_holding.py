"""Energy and reserve out of one capacity: small days by hand, random ones against a linear programme built plainly."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from sim.engines.cooptimised import CooptimisedEngine
from sim.engines.hourly import HourlyEngine
from sim.engines.records import Products, Reserve
from tests.sim.engines.small import Line, Unit, book, clear, day, fleet, network

ONE = network(1)
approx = pytest.approx
REGULATION, SPINNING = 0, 1


def products(units, eligible, worth=None, group=None, both=(True, False), duration=(0.25, 1.0), spin=None) -> Products:
    """Two products, regulation and spinning reserve. eligible: [product][unit]; what is not given is neutral."""
    eligible = np.array(eligible, bool)
    group = np.zeros(len(units), int) if group is None else np.array(group)
    return Products(eligible=eligible, worth=np.ones(eligible.shape) if worth is None else np.array(worth, float),
                    group=group, groups=int(group.max()) + 1, both=np.array(both), duration=np.array(duration, float),
                    spin=np.full(len(units), np.inf) if spin is None else np.array(spin, float))


def reserve(units, hours, requirement, highest, lowest=0.0, price=0.0, most=1e4, shortage=(1200.0, 1200.0)) -> Reserve:
    """requirement: [product][group]; the rest numbers or [unit], prices and most [product][unit]."""
    def wide(value):
        return np.broadcast_to(np.asarray(value, float).reshape(-1, 1), (len(units), hours))

    asked = np.asarray(requirement, float)
    asked = asked[..., None] if asked.ndim == 2 else asked
    most, price = (np.broadcast_to(np.asarray(value, float), (len(asked), len(units)))[..., None].repeat(hours, axis=2)
                   for value in (most, price))
    return Reserve(requirement=np.broadcast_to(asked, (*asked.shape[:2], hours)), shortage=np.asarray(shortage),
                   price=price, most=most, highest=wide(highest), lowest=wide(lowest))


def held(net, units, orders, load, sold: Products, asked: Reserve, tie_break=1e-6, **rest):
    """Clear one day with reserve in a new engine."""
    hours = len(load[0])
    whole = replace(fleet(units), products=sold)
    today = replace(day(net, units, load, **rest), reserve=asked)
    return CooptimisedEngine(net, whole, hours=hours, tie_break=tie_break).clear(book(orders, hours), today)


# -------------------------------------------------------------------------------------------------------- by hand


def test_the_reserve_price_holds_what_the_seller_forgoes_in_energy():
    # the cheap unit alone may sell reserve: 20 of its 100 MW are held back, so the dear one gives 10 of the 90
    units, orders = [Unit(0), Unit(0)], [(0, "sell", 100, 10), (1, "sell", 100, 30)]
    sold, asked = products(units, [[0, 0], [1, 0]]), reserve(units, 1, [[0], [20]], [100, 100], price=[[0, 0], [2, 0]])
    s = held(ONE, units, orders, [[90]], sold, asked)
    assert s.output[:, 0] == approx([80, 10])
    assert s.reserved[SPINNING, :, 0] == approx([20, 0])
    assert s.price[0, 0] == approx(30)
    assert s.reserve_price[SPINNING, 0, 0] == approx(2 + (30 - 10))  # its offer and the energy it did not sell
    assert s.objective == approx(80 * 10 + 10 * 30 + 20 * 2)
    assert s.reserve_cost == approx(20 * 2)
    assert s.reserve_short == approx(0)


def test_regulation_needs_room_below_as_well():
    # must-run 60 of 100 MW at 50, another at 10 that cannot regulate: 15 both ways lift the first to 75
    units, orders = [Unit(0), Unit(0)], [(0, "sell", 100, 50), (1, "sell", 100, 10)]
    sold = products(units, [[1, 0], [0, 0]])
    asked = reserve(units, 1, [[15], [0]], [100, 100], lowest=[60, 0])
    s = held(ONE, units, orders, [[150]], sold, asked, minimum={0: 60})
    assert s.output[:, 0] == approx([75, 75])
    assert s.price[0, 0] == approx(10)
    assert s.reserve_price[REGULATION, 0, 0] == approx(50 - 10)  # a MW more of regulation: a MW at 50 in place of 10


def test_a_unit_sells_a_mw_once_over_all_products():
    units, orders = [Unit(0)], [(0, "sell", 100, 10)]
    sold = products(units, [[1], [1]])
    asked = reserve(units, 1, [[15], [30]], [100], shortage=(700.0, 400.0))
    s = held(ONE, units, orders, [[70]], sold, asked)
    # 30 MW are left: regulation, dearer to miss, takes 15, and 15 of the reserve are missing
    assert s.reserved[:, 0, 0] == approx([15, 15])
    assert s.reserve_short[:, 0, 0] == approx([0, 15])
    assert s.reserve_price[:, 0, 0] == approx([400, 400])  # a MW more of regulation is taken from the reserve
    assert s.objective == approx(70 * 10 + 15 * 400)
    assert s.reserve_cost == approx(15 * 400)


def test_load_is_not_shed_for_a_reserve_that_costs_less_to_miss():
    units, orders = [Unit(0)], [(0, "sell", 100, 10)]
    asked = reserve(units, 1, [[0], [20]], [100])
    s = held(ONE, units, orders, [[100]], products(units, [[0], [1]]), asked, cap=1500.0)
    assert s.shed == approx(0)
    assert s.reserve_short[SPINNING, 0, 0] == approx(20)
    assert s.objective == approx(100 * 10 + 20 * 1200)


def test_a_better_performance_counts_for_more_of_the_requirement():
    # 12 are asked: at worth 2 the second needs 6 MW at 9 (4.5 a unit of worth), the first would need 12 at 5
    units, orders = [Unit(0), Unit(0)], [(0, "sell", 100, 10), (1, "sell", 100, 10)]
    sold = products(units, [[1, 1], [0, 0]], worth=[[1, 2], [1, 1]])
    asked = reserve(units, 1, [[12], [0]], [100, 100], price=[[5, 9], [0, 0]])
    s = held(ONE, units, orders, [[100]], sold, asked)
    assert s.reserved[REGULATION, :, 0] == approx([0, 6])
    assert s.reserve_price[REGULATION, 0, 0] == approx(4.5)


def test_who_must_run_to_sell_sells_no_more_than_its_output_carries():
    # at a least load of 40 % each MW of output carries 1.5 of reserve: 30 MW ask for 20 MW at 50 in place of 10
    units, orders = [Unit(0), Unit(0)], [(0, "sell", 100, 50), (1, "sell", 100, 10)]
    sold = products(units, [[0, 0], [1, 0]], spin=[1.5, np.inf])
    s = held(ONE, units, orders, [[60]], sold, reserve(units, 1, [[0], [30]], [100, 100]))
    assert s.output[:, 0] == approx([20, 40])
    assert s.reserve_price[SPINNING, 0, 0] == approx((50 - 10) / 1.5)


def test_a_store_sells_the_charging_it_can_stop_and_no_more_than_its_level_carries():
    # it must give 20 MW in each of two hours, when load passes the plant; a reserve lasts an hour, out of the level at
    # its end; a reserve that is missing (500) costs less than load (1000)
    units = [Unit(0), Unit(0, store=80)]
    orders = [(0, "sell", [200, 110, 110], 10), (1, "sell", 50, 0), (1, "buy", 50, 0)]
    sold = products(units, [[0, 0], [0, 1]])
    asked = reserve(units, 3, [[[0, 0, 0]], [[90, 30, 30]]], [200, 50], lowest=[0, -50],
                    shortage=(500.0, 500.0))
    s = held(ONE, units, orders, [[100, 130, 130]], sold, asked)
    # charging 50 it could swing by 100, but its level at the hour's end, 50, carries 50 of the 90; then 20 a time go
    assert s.stored[1] == approx([50, 30, 10])
    assert s.reserved[SPINNING, 1] == approx([50, 30, 10])
    assert s.reserve_short[SPINNING, 0] == approx([40, 0, 20])


def test_each_group_meets_its_own_requirement():
    units, orders = [Unit(0), Unit(1)], [(0, "sell", 100, 10), (1, "sell", 100, 30)]
    net = network(2, [Line(0, 1)])
    sold = products(units, [[0, 0], [1, 1]], group=[0, 1])
    s = held(net, units, orders, [[60], [20]], sold, reserve(units, 1, [[0, 0], [30, 5]], [100, 100]))
    assert s.reserved[SPINNING, :, 0] == approx([30, 5])
    assert s.output[:, 0] == approx([70, 10])
    assert s.reserve_price[SPINNING, :, 0] == approx([30 - 10, 0])  # the second holds back for nothing


# ---------------------------------------------------------------------------------------------------- by another way


def some_day(seed):
    """A random network, fleet and day with reserves: stores, budgets, ramps, must-run, two groups, scarce or not."""
    rng = np.random.default_rng(seed)
    buses, hours = 3, 4
    thin, narrow = rng.uniform(20, 60), rng.uniform(20, 60)
    net = network(buses, [Line(0, 1, capacity=thin), Line(1, 2), Line(0, 2, capacity=narrow)])
    units, orders, highest, lowest, minimum, budgets = [], [], [], [], {}, {}
    for u in range(6):
        power = rng.uniform(30, 100)
        store = u >= 4
        units.append(Unit(int(rng.integers(buses)), ramp=rng.choice([np.inf, 15.0]), budgeted=bool(u == 1),
                          store=power * 2 if store else 0.0, efficiency=(0.9, 0.95) if store else (1.0, 1.0)))
        if store:
            orders += [(u, "sell", power, 5.0 + u), (u, "buy", power, 0.0)]
        else:
            orders += [(u, "sell", power * 0.6, rng.integers(5, 60)), (u, "sell", power * 0.4, rng.integers(5, 60))]
        if u == 2:
            minimum[u] = 0.3 * power
        if u == 1:
            budgets[u] = 2.5 * power
        highest.append(power)
        lowest.append(-power if store else minimum.get(u, 0.0))
    load = rng.uniform(0.3, 1.2) * rng.uniform(60, 120, (buses, hours))
    eligible = np.ones((2, 6), bool)
    eligible[:, 3] = False
    eligible[0, 0] = False
    sold = products(units, eligible, worth=np.vstack([rng.uniform(0.5, 2, 6), np.ones(6)]),
                    group=rng.permutation([0, 1, 0, 1, 0, 1]), spin=[2.0, np.inf, 1.5, np.inf, np.inf, np.inf])
    asked = reserve(units, hours, rng.uniform(0, 40, (2, 2, hours)), highest, lowest, most=rng.uniform(10, 60, (2, 6)),
                    shortage=(900.0, 700.0))
    asked = replace(asked, price=rng.uniform(0, 20, (2, 6, hours)))
    rest = dict(minimum=minimum, energy=budgets, stored={4: 20.0, 5: 30.0}, stored_end={4: 10.0}, before={0: 10.0})
    return net, units, orders, load, sold, asked, rest


def plainly(net, units, orders, load, sold, asked, rest):
    """The same day as one linear programme in angles, every row written out, solved from scratch; gives its cost.

    Ramps follow the rule of the engine: they are as wide as must-run asks.
    """
    load = np.asarray(load)
    buses, hours, n = net.buses, load.shape[1], len(units)
    names, cost, low, high = {}, [], [], []

    def column(name, c, lower, upper):
        names[name] = len(cost)
        cost.append(c), low.append(lower), high.append(upper)

    minimum, cap, floor = np.zeros(n), 1000.0, -100.0
    for u, value in rest["minimum"].items():
        minimum[u] = value
    for h in range(hours):
        for o, (_, side, volume, price) in enumerate(orders):
            column(("o", o, h), price if side == "sell" else -price, 0, volume)
        for b in range(buses):
            column(("shed", b, h), cap, 0, np.inf), column(("gone", b, h), -floor, 0, np.inf)
            column(("angle", b, h), 0, *((0, 0) if b == 0 else (-np.inf, np.inf)))
        for u in range(n):
            column(("level", u, h), 0, rest["stored_end"].get(u, 0) if h == hours - 1 else 0, units[u].store)
            for p in range(2):
                column(("r", p, u, h), asked.price[p, u, h], 0, asked.most[p, u, h] if sold.eligible[p, u] else 0)
        for p in range(2):
            for g in range(sold.groups):
                column(("lack", p, g, h), asked.shortage[p], 0, np.inf)
    below, limits, equal, sides = [], [], [], []

    def row(terms, side, kind):
        line = np.zeros(len(cost))
        for name, weight in terms:
            line[names[name]] += weight
        (below if kind == "<=" else equal).append(line)
        (limits if kind == "<=" else sides).append(side)

    def output(u, h, weight=1.0):
        return [(("o", o, h), weight * (1 if order[1] == "sell" else -1)) for o, order in enumerate(orders)
                if order[0] == u]

    for h in range(hours):
        for b in range(buses):
            flows = []
            for start, end, y in zip(net.line_from, net.line_to, net.line_susceptance):
                sign = (b == start) * -1 + (b == end) * 1
                flows += [(("angle", start, h), sign * y), (("angle", end, h), -sign * y)] if sign else []
            made = [term for u in range(n) if units[u].bus == b for term in output(u, h)]
            row([*made, *flows, (("shed", b, h), 1), (("gone", b, h), -1)], load[b, h], "=")
        for start, end, y, most in zip(net.line_from, net.line_to, net.line_susceptance, net.line_capacity):
            if np.isfinite(most):
                for sign in (1, -1):
                    row([(("angle", start, h), sign * y), (("angle", end, h), -sign * y)], most, "<=")
        for u, unit in enumerate(units):
            own = [(("r", p, u, h), 1.0) for p in range(2)]
            both = [(("r", p, u, h), -1.0) for p in range(2) if sold.both[p]]
            row([*output(u, h), *own], asked.highest[u, h], "<=")
            row([(name, -w) for name, w in (*output(u, h), *both)], -asked.lowest[u, h], "<=")
            row(output(u, h, -1.0), -minimum[u] if not unit.store else 1e6, "<=")
            if np.isfinite(sold.spin[u]):
                row([*own, *output(u, h, -sold.spin[u])], 0, "<=")
            if unit.store:
                into, back = unit.efficiency
                level = [(("level", u, h), 1.0), *([(("level", u, h - 1), -1.0)] if h else [])]
                drawn = [(name, w / back if w > 0 else w * into) for name, w in output(u, h)]
                row([*level, *drawn], 0 if h else rest["stored"].get(u, 0), "=")
                row([(("level", u, h), -1.0), *((("r", p, u, h), sold.duration[p] / back) for p in range(2))], 0, "<=")
                row([(("level", u, h), 1.0), *((("r", p, u, h), sold.duration[p] * into) for p in range(2)
                                              if sold.both[p])], unit.store, "<=")
            before = output(u, h - 1, -1.0) if h else []
            start = rest["before"].get(u) if not h else 0.0
            if np.isfinite(unit.ramp) and start is not None:
                rise = max(unit.ramp, (minimum[u] if not h else 0.0) - start)
                row([*output(u, h), *before], start + rise, "<=")
                fall = max(unit.ramp, start - asked.highest[u, h]) if not h else unit.ramp
                row([(name, -w) for name, w in (*output(u, h), *before)], fall - start, "<=")
        for p in range(2):
            for g in range(sold.groups):
                mine = [(("r", p, u, h), -sold.worth[p, u]) for u in range(n) if sold.group[u] == g]
                row([*mine, (("lack", p, g, h), -1.0)], -asked.requirement[p, g, h], "<=")
    for u, energy in rest["energy"].items():
        row([term for h in range(hours) for term in output(u, h)], energy, "<=")
    found = linprog(cost, below, limits, equal, sides, list(zip(low, high)), method="highs")
    assert found.status == 0, found.message
    return found.fun


@pytest.mark.parametrize("seed", range(40))
def test_it_costs_what_a_programme_built_plainly_costs(seed):
    whole = some_day(seed)
    net, units, orders, load, sold, asked, rest = whole
    s = held(net, units, orders, load, sold, asked, **rest)
    if s.events["opposing_storage"]:
        pytest.skip("the plain programme lets a store fill and empty at once")
    assert s.objective == approx(plainly(*whole), rel=1e-7)
    assert s.kkt < 1e-7


def test_few_of_the_random_days_are_skipped():
    parted = sum(held(*some_day(seed)[:6], **some_day(seed)[6]).events["opposing_storage"] > 0 for seed in range(40))
    assert parted <= 8


@pytest.mark.parametrize("seed", range(25))
def test_no_mw_is_sold_twice_and_what_is_missing_is_counted(seed):
    net, units, orders, load, sold, asked, rest = some_day(100 + seed)
    s = held(net, units, orders, load, sold, asked, **rest)
    every, both = s.reserved.sum(axis=0), s.reserved[sold.both].sum(axis=0)
    assert (s.output + every <= asked.highest + 1e-5).all()
    sellers = sold.eligible.any(axis=0)
    assert (s.output - both >= asked.lowest - 1e-5)[sellers].all()
    runs = np.isfinite(sold.spin)
    assert (every[runs] <= sold.spin[runs, None] * s.output[runs] + 1e-5).all()
    store = np.array([unit.store for unit in units])
    for u in np.flatnonzero(store):
        into, back = units[u].efficiency
        assert (sold.duration @ s.reserved[:, u] / back <= s.stored[u] + 1e-5).all()
        assert (s.stored[u] + (sold.duration * sold.both) @ s.reserved[:, u] * into <= store[u] + 1e-5).all()
    for g in range(sold.groups):
        counted = (sold.worth[:, :, None] * s.reserved)[:, sold.group == g].sum(axis=1)
        assert (counted + s.reserve_short[:, g] >= asked.requirement[:, g] - 1e-5).all()
    assert (s.reserved <= asked.most + 1e-6).all()
    assert not s.reserved[~sold.eligible].any()
    lacks = s.reserve_short > 1e-4
    assert s.reserve_price[lacks] == approx(np.broadcast_to(asked.shortage[:, None, None], lacks.shape)[lacks])


@pytest.mark.parametrize("seed", range(10))
def test_sellers_of_reserve_are_paid_what_they_ask_at_least(seed):
    net, units, orders, load, sold, asked, rest = some_day(200 + seed)
    s = held(net, units, orders, load, sold, asked, **rest)
    paid = sold.worth[:, :, None] * s.reserve_price[:, sold.group]
    assert (paid >= asked.price - 1e-5)[s.reserved > 1e-4].all()


# ------------------------------------------------------------------------------------------------------------ neutral


@pytest.mark.parametrize("seed", range(5))
def test_a_fleet_with_products_of_which_none_is_asked_clears_as_one_without(seed):
    net, units, orders, load, sold, asked, rest = some_day(300 + seed)
    without = clear(net, units, orders, load, **rest)
    silent = held(net, units, orders, load, sold, None, **rest)
    assert silent.objective == approx(without.objective, rel=1e-9)
    assert not silent.reserved.any()
    nothing = replace(asked, requirement=np.zeros_like(asked.requirement))
    assert held(net, units, orders, load, sold, nothing, **rest).objective == approx(without.objective, rel=1e-9)


def test_days_with_and_without_reserve_follow_each_other_on_one_programme():
    net, units, orders, load, sold, asked, rest = some_day(7)
    engine = CooptimisedEngine(net, replace(fleet(units), products=sold), hours=4)
    plain, orders = day(net, units, load, **rest), book(orders, 4)
    first, without, again = (engine.clear(orders, replace(plain, reserve=r)) for r in (asked, None, asked))
    assert without.objective < first.objective
    assert without.reserved == approx(0, abs=1e-9)
    assert again.objective == approx(first.objective, rel=1e-9)


# ------------------------------------------------------------------------------------------------------------- faults


def test_impossible_reserves_are_refused():
    units, orders = [Unit(0)], [(0, "sell", 100, 10)]
    sold = products(units, [[1], [1]])
    asked = reserve(units, 1, [[5], [5]], [100])
    with pytest.raises(ValueError, match="must-run level"):
        held(ONE, units, orders, [[50]], sold, replace(asked, highest=np.full((1, 1), 20.0)), minimum={0: 40})
    with pytest.raises(ValueError, match="most must be finite"):
        held(ONE, units, orders, [[50]], sold, replace(asked, most=-asked.most))
    with pytest.raises(ValueError, match="without products"):
        held(ONE, units, orders, [[50]], None, asked)
    with pytest.raises(ValueError, match="products and groups"):
        held(ONE, units, orders, [[50]], sold, reserve(units, 1, [[5, 5], [5, 5]], [100]))


def test_hours_cleared_alone_refuse_to_hold_reserve():
    units = [Unit(0)]
    engine = HourlyEngine(ONE, fleet(units), hours=1)
    today = replace(day(ONE, units, [[50]]), reserve=reserve(units, 1, [[5], [5]], [100]))
    with pytest.raises(ValueError, match="after energy"):
        engine.clear(book([(0, "sell", 100, 10)], 1), today)
