"""Small networks and days for the tests of the clearing, written as one would draw them."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sim.engines.cooptimised import CooptimisedEngine
from sim.engines.records import Book, Day, Fleet, Network, Solution


@dataclass(frozen=True)
class Line:
    """An AC line: buses, MW, MW/rad, rad."""

    start: int
    end: int
    capacity: float = np.inf
    susceptance: float = 100.0
    shift: float = 0.0


@dataclass(frozen=True)
class Link:
    """A controllable link: buses, MW forward, MW back, least MW, share lost, CNY per MWh delivered."""

    start: int
    end: int
    capacity: float
    reverse: float = 0.0
    minimum: float = 0.0
    loss: float = 0.0
    fee: float = 0.0


@dataclass(frozen=True)
class Unit:
    """A unit: bus, MW/h, budget or not, MWh, efficiency in and out."""

    bus: int
    ramp: float = np.inf
    budgeted: bool = False
    store: float = 0.0
    efficiency: tuple[float, float] = (1.0, 1.0)


def network(buses, lines=(), links=(), joints=()) -> Network:
    """A network whose areas are what the lines tie together; the first bus of each area is its reference."""
    of = lambda rows, name, kind=float: np.array([getattr(r, name) for r in rows], kind)  # noqa: E731
    ties = coo_array((np.ones(len(lines)), (of(lines, "start", int), of(lines, "end", int))), shape=(buses, buses))
    areas, area = connected_components(ties, directed=False)
    return Network(
        buses=buses, area=area, reference=np.array([int(np.flatnonzero(area == a)[0]) for a in range(areas)]),
        line_from=of(lines, "start", int), line_to=of(lines, "end", int), line_capacity=of(lines, "capacity"),
        line_susceptance=of(lines, "susceptance"), line_shift=of(lines, "shift"), link_from=of(links, "start", int),
        link_to=of(links, "end", int), link_capacity=of(links, "capacity"), link_reverse=of(links, "reverse"),
        link_minimum=of(links, "minimum"), link_loss=of(links, "loss"), link_fee=of(links, "fee"),
        joints=tuple((name, np.array(members), limit) for name, members, limit in joints))


def fleet(units) -> Fleet:
    """The units of a fleet."""
    return Fleet(bus=np.array([u.bus for u in units], int), ramp=np.array([u.ramp for u in units], float),
                 budgeted=np.array([u.budgeted for u in units], bool), store=np.array([u.store for u in units], float),
                 charge_efficiency=np.array([u.efficiency[0] for u in units], float),
                 discharge_efficiency=np.array([u.efficiency[1] for u in units], float))


def book(orders, hours) -> Book:
    """Orders (unit, "sell" or "buy", MW, CNY/MWh); volume and price are numbers or one value an hour."""
    wide = lambda value: np.broadcast_to(np.asarray(value, float), hours)  # noqa: E731
    return Book(unit=np.array([o[0] for o in orders], np.int32),
                side=np.array([1 if o[1] == "sell" else -1 for o in orders], np.int8),
                price=np.array([wide(o[3]) for o in orders]).reshape(-1, hours),
                volume=np.array([wide(o[2]) for o in orders]).reshape(-1, hours))


def day(net, units, load, minimum=(), energy=(), stored=(), stored_end=(), before=(), link_available=None,
        floor=-100.0, cap=1000.0) -> Day:
    """A day with this load [bus][hour]; what is not given is absent. Per-unit values come as {unit: value}."""
    load = np.array(load, float)
    hours = load.shape[1]

    def by_unit(given, empty):
        values = np.full(len(units), empty)
        for unit, value in dict(given).items():
            values[unit] = value
        return values

    least = np.zeros((len(units), hours))
    for unit, value in dict(minimum).items():
        least[unit] = value
    if link_available is None:
        link_available = np.repeat(net.link_capacity[:, None], hours, axis=1)
    return Day(load=load, minimum=least, energy=by_unit(energy, np.inf), stored=by_unit(stored, 0.0),
               stored_end=by_unit(stored_end, 0.0), link_available=np.asarray(link_available, float), floor=floor,
               cap=cap, output_before=by_unit(before, np.nan))


def clear(net, units, orders, load, tie_break=1e-6, engine=CooptimisedEngine, **rest) -> Solution:
    """Clear one day with a new engine."""
    hours = len(load[0])
    return engine(net, fleet(units), hours=hours, tie_break=tie_break).clear(
        book(orders, hours), day(net, units, load, **rest))
