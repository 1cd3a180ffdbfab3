"""Markets in turn against one clearing over all: a case by hand, and never cheaper."""

from dataclasses import replace

import numpy as np
import pytest

from sim.engines.cooptimised import CooptimisedEngine
from sim.engines.hourly import HourlyEngine
from sim.engines.prioritised import cost, prioritised
from tests.sim.engines.small import Link, Unit, book, day, fleet, network

ENGINES = {"day": CooptimisedEngine, "hour": HourlyEngine}


def case():
    """Three buses: 0 has water, 1 a coal zone, 2 a neighbour who buys; 0 -> 1 (turn 1), 0 -> 2 (turn 2), 1 hour."""
    net = network(3, links=[Link(0, 1, 100, loss=0.1, fee=20), Link(0, 2, 80)])
    units = [Unit(0), Unit(1), Unit(2)]
    orders = book([(0, "sell", 200, 50), (1, "sell", 150, 300), (2, "buy", 80, 180)], 1)
    today = day(net, units, [[60], [100], [0]])
    return net, fleet(units), orders, today


@pytest.mark.parametrize("kind", ENGINES)
def test_the_case_of_three_buses(kind):
    """Joint: load at 0 takes 60 of the water (200 at 50). A MW sent to 1 saves 0.9 x (300 - 20) = 252, a MW sold to 2
    earns 180, both above 50. So 100 MW go to 1 (90 arrive), the remaining 40 to 2. Coal 10 MW.
    Cost: 200 x 50 + 10 x 300 + 90 x 20 - 40 x 180 = 10000 + 3000 + 1800 - 7200 = 7600.

    In turns: alone, 0 uses 60 MW of water, 1 burns 100 MW of coal, which stays taken. Then the link 0 -> 1 has nobody
    left to serve (100 MW of load are met); then 80 MW go to 2.
    Cost: 140 x 50 + 100 x 300 - 80 x 180 = 7000 + 30000 - 14400 = 22600. Turns cost 15000 more.
    """
    net, units, orders, today = case()
    engine = ENGINES[kind](net, units, hours=1)
    joint = engine.clear(orders, today)
    assert joint.objective == pytest.approx(7600)
    assert cost(net, orders, joint.accepted, joint, today) == pytest.approx(7600)
    turns = prioritised(engine.clear, net, units, orders, today, np.array([1, 2]))
    assert turns.turns == 3
    assert turns.solution.objective == pytest.approx(22600, rel=1e-5)
    assert turns.solution.accepted[:, 0] == pytest.approx([140, 100, 80], abs=1e-3)


def test_what_was_agreed_flows_before_its_turn():
    """60 MW to bus 1 are agreed: 54 arrive in the first turn, so that 46 MW of coal are taken instead of 100.
    Cost: (60 + 60 + 80) x 50 + 46 x 300 + 54 x 20 - 80 x 180 = 10000 + 13800 + 1080 - 14400 = 10480."""
    net, units, orders, today = case()
    engine = CooptimisedEngine(net, units, hours=1)
    turns = prioritised(engine.clear, net, units, orders, today, np.array([1, 2]), np.array([[60.0], [0.0]]))
    assert turns.solution.objective == pytest.approx(10480, rel=1e-5)


def test_one_turn_is_the_joint_clearing():
    net, units, orders, today = case()
    engine = CooptimisedEngine(net, units, hours=1)
    turns = prioritised(engine.clear, net, units, orders, today, np.array([0, 0]))
    assert turns.turns == 1
    assert turns.solution.objective == pytest.approx(7600)


@pytest.mark.parametrize("seed", range(40))
def test_turns_never_cost_less_than_one_clearing(seed):
    rng = np.random.default_rng(seed)
    buses, hours = int(rng.integers(3, 6)), 4
    links = [Link(int(a), int(b), float(rng.integers(10, 80)), float(rng.integers(0, 2) * 30), 0.0,
                  0.01 * float(rng.integers(0, 9)), float(rng.integers(0, 60)))
             for a in range(buses) for b in range(buses) if a != b and rng.random() < 0.5]
    if not links:
        links = [Link(0, 1, 50)]
    net = network(buses, links=links)
    units = [Unit(int(rng.integers(buses)), budgeted=bool(rng.random() < 0.3)) for _ in range(6)]
    units += [Unit(int(rng.integers(buses))) for _ in range(2)]
    orders = book([(u, "sell" if u < 6 else "buy", rng.integers(20, 120, hours), rng.integers(10, 400, hours))
                   for u in range(8)], hours)
    load = rng.integers(0, 80, (buses, hours))
    energy = {u: 150.0 for u in range(6) if units[u].budgeted}
    today = day(net, units, load, energy=energy)
    engine = CooptimisedEngine(net, fleet(units), hours=hours)
    joint = engine.clear(orders, today)
    turns = prioritised(engine.clear, net, fleet(units), orders, today, rng.integers(0, 3, len(links)))
    assert turns.solution.objective >= joint.objective - 1e-3
    assert turns.solution.imbalance < 1e-6
    again = cost(net, orders, turns.solution.accepted, turns.solution, today)
    assert again == pytest.approx(turns.solution.objective)


def test_schedules_of_links_that_are_shut_do_not_hold_them():
    net, units, orders, today = case()
    held = (np.array([[90.0], [np.nan]]), np.array([[90.0], [np.nan]]))
    engine = CooptimisedEngine(net, units, hours=1)
    turns = prioritised(engine.clear, net, units, orders, replace(today, link_held=held), np.array([1, 2]))
    assert turns.solution.sent[0, 0] == pytest.approx(90)
