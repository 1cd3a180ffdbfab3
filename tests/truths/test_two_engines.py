"""Two engines, one truth: where nothing ties hours together, both find the same cost, the same trades, the same prices.

One clears the day as a linear programme in HiGHS, the other every hour by a simplex of its own.
"""

from dataclasses import replace

import numpy as np
import pytest

from sim.config import load
from sim.engines.cooptimised import CooptimisedEngine
from sim.engines.hourly import HourlyEngine
from sim.engines.skeleton import transfer_factors
from sim.engines.steps import Steps
from sim.model import PolicyLab
from tests.labs import ROOT
from tests.sim.engines.small import Line, Link, Unit, book, day, fleet, network

HOURS = 4
NEAR = 1e-6  # MW


def world(number):
    """A random network and day: islands, rings, parallel and unlimited lines, links one-way and two-way, with losses,
    fees and least flows, joint limits, outages; empty buses, idle orders. Every other world is made of round numbers,
    so that prices tie and limits meet in a corner.
    """
    r = np.random.default_rng(number)
    some = (lambda low, high, *shape: np.round(r.uniform(low, high, *shape), -1)) if number % 2 else r.uniform
    buses = int(r.integers(1, 14))
    area, lines = np.sort(r.integers(0, 4, buses)), []
    for members in (np.flatnonzero(area == a) for a in np.unique(area)):
        ties = list(zip(members[:-1], members[1:]))
        ties += [tuple(r.choice(members, 2, replace=False)) for _ in range(len(members) // 2 * (len(members) > 1))]
        ties += ties[: int(r.integers(2))]  # a second line beside the first
        turned = 0.0 if number % 2 else 0.05 * r.integers(2)
        lines += [Line(i, j, r.choice([np.inf, some(10, 80)]), 100 if number % 2 else r.uniform(20, 200),
                       turned * r.normal()) for i, j in ties]
    links, joints = [], []
    for _ in range(int(r.integers(0, 7)) if buses > 1 else 0):
        i, j = r.choice(buses, 2, replace=False)
        capacity, two_way = some(20, 90), r.integers(2)
        links.append(Link(i, j, capacity, capacity * two_way, 0 if two_way else 0.1 * capacity * r.integers(2),
                          r.choice([0, r.uniform(0, 0.1)]), r.choice([0, r.uniform(0, 30)])))
    if links:
        joints = [("all", list(range(len(links))), 0.6 * sum(k.capacity for k in links)),
                  ("one", [0], 0.5 * links[0].capacity)]
    units = [Unit(int(r.integers(buses))) for _ in range(3 * buses)]
    orders = [(u, "sell", some(0, 70, HOURS) * r.integers(0, 2, HOURS), some(-50, 300, HOURS))
              for u in range(len(units)) for _ in range(int(r.integers(4)))]
    orders += [(u, "sell", 30, some(0, 300)) for u in range(len(units))]
    orders += [(u, "buy", some(0, 40, HOURS), some(0, 300, HOURS)) for u in range(0, len(units), 3)]
    net = network(buses, lines, links, joints)
    in_service = r.choice([0, 0.5, 1], (len(links), HOURS)) * net.link_capacity[:, None]
    asked = day(net, units, some(-5, 90, (buses, HOURS)) * r.integers(0, 2, (buses, 1)), link_available=in_service,
                minimum={0: 15, len(units) - 1: int(r.integers(30))}, floor=float(r.choice([-100, 0])))
    return net, fleet(units), book(orders, HOURS), asked


@pytest.fixture(scope="module")
def real_days():
    """Three days each of spring, high summer and autumn in Yunnan: network, fleet, orders and day, from the market."""
    days, clear = [], CooptimisedEngine.clear

    def listen(engine, orders, asked):
        days.append((engine.network, engine.fleet, orders, asked))
        return clear(engine, orders, asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CooptimisedEngine, "clear", listen)
        for month in (3, 8, 11):
            changes = ("scale.riders=2000", "scale.rest_riders=100", "law.spot.storage_scheduling=market",
                       "markets.ancillary=false")
            PolicyLab(load(ROOT / "configs/scenarios/base_2025.yaml", set=changes, start=f"2025-{month:02d}-10",
                           end=f"2025-{month:02d}-12")).run()
    assert len(days) == 9
    return days


def without_bonds(units, asked):
    """The same fleet and day with stores, budgets and ramps taken away: their orders are orders like all others."""
    free = replace(units, ramp=np.full(len(units.bus), np.inf), budgeted=np.zeros(len(units.bus), bool),
                   store=np.zeros(len(units.bus)))
    return free, replace(asked, stored=np.zeros(len(units.bus)), stored_end=np.zeros(len(units.bus)))


def leaving(s):
    """What leaves the links at either end, MW [link, hour]."""
    return np.where(s.sent < 0, -s.delivered, s.sent)


def cost(net, orders, asked, s):
    """What the day costs, CNY [hour]: orders taken, load shed, power disposed of, tolls."""
    tolls = (net.link_fee * (1 - net.link_loss))[:, None] * leaving(s)
    return ((orders.side[:, None] * orders.price * s.accepted).sum(axis=0) + tolls.sum(axis=0)
            + asked.cap * s.shed.sum(axis=0) - asked.floor * s.disposed.sum(axis=0))


def known(net, units, orders, asked, s, hour):
    """Buses whose price no other optimum has (bool [bus]).

    Prices add up from the duals of areas and of full lines and joints. What is accepted in part, or sent in part, is
    worth exactly its cost, one equation each; a price is known where these equations leave it no freedom.
    """
    factors, _ = transfer_factors(net)
    at_bus = np.concatenate([net.area == np.arange(len(net.reference))[:, None],
                             factors[np.abs(s.line_flow[:, hour]) > net.line_capacity - NEAR]])
    sent = np.maximum(s.sent[:, hour], 0)
    full = [np.isin(np.arange(len(sent)), members) for _, members, limit in net.joints
            if sent[members].sum() > limit - NEAR]
    kept, steps = 1 - net.link_loss, Steps.of(orders, asked.minimum, units.place())
    given = np.zeros_like(steps.upper)
    np.add.at(given, steps.member, s.accepted)
    part = (given > steps.lower + NEAR)[:, hour] & (given < steps.upper - NEAR)[:, hour]
    share = np.divide(asked.link_available, net.link_capacity[:, None], out=np.zeros_like(s.sent),
                      where=net.link_capacity[:, None] > 0)[:, hour]
    least, most, back = net.link_minimum * share, net.link_capacity * share, net.link_reverse * share
    ahead = (sent > least + NEAR) & (sent < most - NEAR)
    behind = (s.delivered[:, hour] < -NEAR) & (-s.delivered[:, hour] < back - NEAR)
    ends = np.zeros((2, net.buses, len(sent)))
    ends[0, net.link_from, np.arange(len(sent))] = ends[1, net.link_to, np.arange(len(sent))] = 1
    paths = np.concatenate([(kept * ends[1] - ends[0])[:, ahead], (kept * ends[0] - ends[1])[:, behind]], axis=1)
    marginal = np.concatenate([np.isin(np.arange(net.buses), steps.place[part] - len(units.bus)),
                               s.shed[:, hour] > NEAR, s.disposed[:, hour] > NEAR])
    columns = np.concatenate([at_bus @ np.tile(np.eye(net.buses), 3)[:, marginal], at_bus @ paths], axis=1)
    joint = np.zeros((len(full), columns.shape[1]))
    joint[:, marginal.sum() : marginal.sum() + ahead.sum()] = np.reshape(full, (len(full), len(sent)))[:, ahead]
    rows = np.concatenate([columns, joint])
    _, size, directions = np.linalg.svd(rows.T)
    freedom = directions[(np.pad(size, (0, len(directions) - len(size))) < 1e-9)]
    return np.abs(freedom[:, : len(at_bus)] @ at_bus).max(axis=0, initial=0.0) < 1e-9


def missed(net, units, orders, asked, s):
    """Largest gain that is left at the prices, CNY/MWh: of orders, of shedding, of links beside their shadows."""
    steps = Steps.of(orders, asked.minimum, units.place())
    gain = orders.side[:, None] * (s.price[units.bus[orders.unit]] - orders.price)
    left = np.where(s.accepted < orders.volume - NEAR, gain, 0).max(initial=0)
    lost = np.where(s.accepted > steps.least + NEAR, -gain, 0).max(initial=0)
    kept, fee = (1 - net.link_loss)[:, None], net.link_fee[:, None]
    members = np.zeros_like(s.sent)
    for shadow, (_, links, _) in zip(s.joint_shadow, net.joints):
        members[links] += shadow
    ahead = kept * (s.price[net.link_to] - fee) - s.price[net.link_from] - members
    behind = kept * (s.price[net.link_from] - fee) - s.price[net.link_to]
    over = np.where(s.sent > NEAR, ahead, np.where(s.delivered < -NEAR, behind, 0))
    shadows = np.where(np.abs(s.sent) > NEAR, s.link_shadow - s.minimum_shadow, 0)
    beyond = max((asked.floor - s.price).max(), (s.price - asked.cap).max())
    return max(left, lost, beyond, np.abs(over - shadows).max(initial=0))


def compare(net, units, orders, asked):
    """Clear by both and hold one against the other; gives the share of prices that only one optimum has."""
    one = CooptimisedEngine(net, units, asked.load.shape[1]).clear(orders, asked)
    other = HourlyEngine(net, units, asked.load.shape[1]).clear(orders, asked)
    assert other.events["fallbacks"] == 0
    np.testing.assert_allclose(cost(net, orders, asked, other), cost(net, orders, asked, one), rtol=1e-9, atol=1e-6)
    assert other.objective == pytest.approx(one.objective, rel=1e-9, abs=1e-6)
    assert other.kkt <= 1e-6
    assert missed(net, units, orders, asked, other) <= 1e-6
    assert other.imbalance <= 1e-6
    assert (np.abs(other.line_flow) <= net.line_capacity[:, None] + 1e-6).all()
    # the tie-break makes the optimum one point, so that trades and flows are the same too
    for name in ("accepted", "line_flow", "sent", "shed", "disposed"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), atol=1e-6, err_msg=name)
    sure = np.stack([known(net, units, orders, asked, other, h) for h in range(asked.load.shape[1])], axis=1)
    np.testing.assert_allclose(other.price[sure], one.price[sure], rtol=0, atol=1e-6)
    return sure.mean()


@pytest.mark.parametrize("number", range(120))
def test_on_any_network_both_engines_find_the_same_hours(number):
    compare(*world(number))


def test_most_prices_of_the_random_networks_have_no_other_optimum():
    assert np.mean([compare(*world(number)) for number in range(0, 120, 6)]) > 0.5


def test_the_random_networks_put_everything_to_the_test():
    seen = {}
    for number in range(120):
        net, units, orders, asked = world(number)
        s = HourlyEngine(net, units, HOURS).clear(orders, asked)
        for name in ("line_shadow", "link_shadow", "minimum_shadow", "joint_shadow", "shed", "disposed"):
            seen[name] = seen.get(name, 0) + int((getattr(s, name) > 1e-3).sum())
        seen["opposing"] = seen.get("opposing", 0) + s.events["opposing_flows"]
        seen["back"] = seen.get("back", 0) + int((s.sent < -1e-3).sum())
        seen["alone"] = seen.get("alone", 0) + int((np.bincount(net.area) == 1).sum())
    assert min(seen.values()) > 5, seen


def test_on_real_days_both_engines_find_the_same_hours(real_days):
    sure = []
    for net, units, orders, asked in real_days:
        free, plain = without_bonds(units, asked)
        sure.append(compare(net, free, orders, plain))
    assert np.mean(sure) > 0.5


def test_on_real_days_stores_budgets_and_ramps_are_kept_to(real_days):
    for net, units, orders, asked in real_days:
        asked = replace(asked, stored_end=np.zeros(len(units.bus)))
        s = HourlyEngine(net, units).clear(orders, asked)
        assert s.events["fallbacks"] == 0
        assert s.kkt <= 1e-6
        assert (s.stored >= 0).all()
        assert (s.stored <= units.store[:, None]).all()
        flow = np.where(s.output < 0, -s.output * units.charge_efficiency[:, None],
                        -s.output / units.discharge_efficiency[:, None])
        held = units.store > 0
        np.testing.assert_allclose(s.stored[held], (asked.stored[:, None] + flow.cumsum(axis=1))[held], atol=1e-5)
        assert (s.output.sum(axis=1) <= asked.energy + 1e-5)[units.budgeted].all()
        # no faster than the ramp, but where the must-run level rises or the volume falls
        offered = np.zeros_like(s.output)
        np.add.at(offered, orders.unit[orders.side > 0], orders.volume[orders.side > 0])
        rise = np.diff(s.output, axis=1)
        assert (rise <= np.maximum(units.ramp[:, None], asked.minimum[:, 1:] - s.output[:, :-1]) + 1e-5).all()
        kept = s.output[:, 1:] >= np.minimum(s.output[:, :-1] - units.ramp[:, None], offered[:, 1:]) - 1e-5
        assert kept[~units.budgeted & ~held].all()
