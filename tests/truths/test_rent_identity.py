"""What buyers pay above what sellers get is what lines, links and joint limits earn: in every hour, on any network."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.engines.cooptimised import CooptimisedEngine
from sim.engines.hourly import HourlyEngine
from tests.sim.engines.small import Line, Link, Unit, book, day, fleet, network

HOURS = 4


def drawn(seed):
    """A random world: meshed areas, lossy links with fees, a joint limit, units of all kinds."""
    r = np.random.default_rng(seed)
    buses = int(r.integers(3, 10))
    area, turned = np.sort(r.integers(0, 3, buses)), 0.05 * r.integers(0, 2)  # half the worlds have phase shifters
    lines = []
    for a in np.unique(area):
        members = np.flatnonzero(area == a)
        ties = list(zip(members[:-1], members[1:]))
        ties += [tuple(r.choice(members, 2, replace=False)) for _ in range(len(members) // 2)]
        lines += [Line(i, j, r.choice([np.inf, r.uniform(10, 80)]), r.uniform(20, 200), turned * r.normal())
                  for i, j in ties]
    links = []
    for _ in range(int(r.integers(1, 6))):
        i, j = r.choice(buses, 2, replace=False)
        capacity, two_way = r.uniform(20, 90), r.random() < 0.5
        links.append(Link(i, j, capacity, capacity * two_way, 0 if two_way else 0.1 * capacity, r.uniform(0, 0.1),
                          r.uniform(0, 30)))
    joints = [("joint", list(range(len(links))), 0.6 * sum(k.capacity for k in links))]
    units = [Unit(int(r.integers(buses)), ramp=r.choice([np.inf, r.uniform(10, 40)])) for _ in range(2 * buses)]
    water, store = len(units), len(units) + 1
    units += [Unit(int(r.integers(buses)), budgeted=True),
              Unit(int(r.integers(buses)), store=80, efficiency=(0.9, 0.9))]
    orders = [(u, "sell", r.uniform(20, 70), r.uniform(0, 300, HOURS)) for u in range(store)]
    orders += [(u, "buy", 20, r.uniform(50, 300)) for u in range(0, store, 4)]
    orders += [(store, "sell", 30, 3), (store, "buy", 30, 0)]
    net = network(buses, lines, links, joints)
    in_service = r.choice([0.5, 1.0], (len(links), HOURS))
    asked = day(net, units, r.uniform(-5, 70, (buses, HOURS)), minimum={1: 15}, energy={water: 90}, stored={store: 40},
                stored_end={store: 40}, link_available=in_service * net.link_capacity[:, None])
    return net, units, orders, asked


def link_rents(net, s):
    """Rent of the links, CNY [hour]: as price steps, and as what fees, shadows and the joint limit earn."""
    steps = s.price[net.link_to] * s.delivered - s.price[net.link_from] * s.sent
    leaving = np.where(s.sent < 0, -s.delivered, s.sent)  # at whichever end the power leaves
    arriving = (1 - net.link_loss)[:, None] * leaving
    earned = net.link_fee[:, None] * arriving + (s.link_shadow - s.minimum_shadow) * leaving
    joint = sum(s.joint_shadow[i] * np.maximum(s.sent[members], 0).sum(axis=0)
                for i, (_, members, _) in enumerate(net.joints))
    return steps.sum(axis=0), earned.sum(axis=0) + joint


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_the_rent_of_every_hour_is_what_the_network_earns(seed):
    net, units, orders, asked = drawn(seed)
    check(net, units, asked, CooptimisedEngine(net, fleet(units), HOURS).clear(book(orders, HOURS), asked))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.integers(0, 10**6))
def test_the_rent_is_earned_where_hours_are_cleared_alone_too(seed):
    net, units, orders, asked = drawn(seed)
    asked = replace(asked, stored_end=np.zeros(len(units)))
    check(net, units, asked, HourlyEngine(net, fleet(units), HOURS).clear(book(orders, HOURS), asked))


def check(net, units, asked, s):
    """What holds of rents in every hour of a solution."""
    scale = 1e-9 * asked.cap * max(1.0, np.abs(asked.load).sum())  # CNY: rounding in sums of this size
    given_at = s.shed - s.disposed - asked.load
    np.add.at(given_at, fleet(units).bus, s.output)
    np.testing.assert_allclose(s.rent, -(s.price * given_at).sum(axis=0), atol=scale)
    assert s.residual <= scale
    assert s.imbalance <= 1e-6
    # the links: price x delivered - price x sent = fee x delivered + shadows x sent
    stepped, earned = link_rents(net, s)
    np.testing.assert_allclose(stepped, earned, atol=scale)
    # what is left of the rent is earned by the lines, at their shadow where no shifter drives them
    over_lines = ((s.price[net.line_to] - s.price[net.line_from]) * s.line_flow).sum(axis=0)
    np.testing.assert_allclose(s.rent, stepped + over_lines, atol=scale)
    if not net.line_shift.any():
        np.testing.assert_allclose(over_lines, (s.line_shadow * np.abs(s.line_flow)).sum(axis=0), atol=scale)
    for shadow in (s.line_shadow, s.link_shadow, s.minimum_shadow, s.joint_shadow):
        assert (shadow >= 0).all()
    assert ((s.sent >= 0) | (net.link_reverse > 0)[:, None]).all()
