"""Zones that help each other: what is unserved when everything is used as well as it can be, and no better.

Numbers only: zones, arcs and plants are positions. Source: least unserved energy of a transport network, as in
multi-area reliability studies [Billinton1996].
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from sim.calendar import Day
from sim.engines.program import Program
from sim.network.grid import Grid
from sim.network.ground import Ground
from sim.units import HOURS

SHORT = 0.1  # MW: less is a solver's rounding, not a shortage
HALF = 0.5  # level of stores at both ends of a short day, as the market asks of them
FLOW, EMPTYING = 1e-4, 1e-6  # worth of a MWh sent or drawn against one unserved: no flow or cycle without a purpose


@dataclass(frozen=True)
class Transport:
    """Zones and one-way arcs between them. zone: names.  start, end: int [arc].  loss: share [arc].

    capacity: MW [arc, day].  joints: (int [member] arcs, MW), limits on the sum of what arcs send.
    """

    zone: tuple[str, ...]
    start: np.ndarray
    end: np.ndarray
    loss: np.ndarray
    capacity: np.ndarray
    joints: tuple = ()

    @classmethod
    def of(cls, grid: Grid, ground: Ground, days: list[Day]) -> "Transport":
        """The lines and links of a grid that lead from one zone to another, either way."""
        share = np.array([ground.link_share(day, grid)[:, 0] for day in days]).T.reshape(-1, len(days))
        at, whole = grid.bus_zone, np.ones(len(days))
        arcs, of_link = [], {}
        for a, b, most in zip(grid.line_from, grid.line_to, grid.line_capacity):
            arcs += [(at[a], at[b], 0.0, most * whole), (at[b], at[a], 0.0, most * whole)]
        for i, (a, b) in enumerate(zip(grid.link_from, grid.link_to)):
            of_link[i] = len(arcs)
            arcs.append((at[a], at[b], grid.link_loss[i], grid.link_capacity[i] * share[i]))
            arcs.append((at[b], at[a], grid.link_loss[i], grid.link_reverse[i] * share[i]))
        kept = [i for i, (a, b, _, most) in enumerate(arcs) if a != b and most.any()]
        place = {old: new for new, old in enumerate(kept)}
        joints = tuple((np.array([place[of_link[m]] for m in members if of_link[m] in place], int), limit)
                       for _, members, limit in grid.joints)
        start, end, loss, capacity = ([arcs[i][part] for i in kept] for part in range(4))
        return cls(grid.zone, np.array(start, int), np.array(end, int), np.array(loss, float),
                   np.array(capacity, float).reshape(-1, len(days)), joints)


@dataclass(frozen=True)
class Supply:
    """What a weather year brings, hours (H) and days (D) of the period last.

    load: MW [zone, H].  firm: MW [zone, H] that never fails.  fallible: MW [plant, H] with all sets in service, at
    fallible_zone: int [plant].  water_power: MW [group, H], water_energy: MWh [group, D] of plants whose water does not
    last the day, at water_zone.  stores at store_zone: store_power MW, store_energy MWh, store_kept: share left of a
    MWh on the way in, and on the way out [store].
    """

    load: np.ndarray
    firm: np.ndarray
    fallible: np.ndarray
    fallible_zone: np.ndarray
    water_zone: np.ndarray
    water_power: np.ndarray
    water_energy: np.ndarray
    store_zone: np.ndarray
    store_power: np.ndarray
    store_energy: np.ndarray
    store_kept: np.ndarray

    def own(self, share: np.ndarray) -> np.ndarray:
        """MW [zone, H] that each zone has without water of the day and stores. share: [plant, H] of sets in service."""
        return self.firm + by_zone(self.fallible * share, self.fallible_zone, len(self.load))

    def level(self) -> np.ndarray:
        """The day's water spread evenly over the day, MW [zone, H]."""
        even = np.repeat(self.water_energy / HOURS, HOURS, axis=1)
        return by_zone(np.minimum(even, self.water_power), self.water_zone, len(self.load))


def by_zone(rows: np.ndarray, zone: np.ndarray, zones: int) -> np.ndarray:
    """Sum of rows [row, H] by zone: [zone, H]."""
    total = np.zeros((zones, rows.shape[1]))
    np.add.at(total, zone, rows)
    return total


def direct(transport: Transport, margin: np.ndarray) -> np.ndarray:
    """What each zone still lacks when those with something left help their neighbours, MW [zone, H].

    margin: MW [zone, H]. A point that the lines allow, not the best one: no shortage here is no shortage at all.
    """
    left, lack = np.maximum(margin, 0.0), np.maximum(-margin, 0.0)
    capacity = np.repeat(transport.capacity, HOURS, axis=1)
    joints = [(members, np.full(margin.shape[1], float(limit))) for members, limit in transport.joints]
    for arc in np.argsort(transport.loss, kind="stable"):
        a, b, kept = transport.start[arc], transport.end[arc], 1.0 - transport.loss[arc]
        sent = np.minimum(np.minimum(left[a], capacity[arc]), lack[b] / kept)
        for members, rest in joints:
            if arc in members:
                sent = np.minimum(sent, rest)
        for members, rest in joints:
            if arc in members:
                rest -= sent
        left[a] -= sent
        lack[b] -= kept * sent
    return lack


class Rescue:
    """Least unserved energy of a day: one programme whose bounds and sides change from day to day.

    Columns of an hour: sent [arc], unserved [zone], water [group], emptied, filled, level [store].
    """

    def __init__(self, transport: Transport, supply: Supply):
        self.transport, self.supply = transport, supply
        zones, arcs = len(transport.zone), len(transport.start)
        groups, stores = len(supply.water_zone), len(supply.store_zone)
        marks = np.cumsum([0, arcs, zones, groups, stores, stores, stores])
        self.sent, self.unserved, self.water, self.out, self.into, self.level = map(slice, marks[:-1], marks[1:])
        self.columns, every = int(marks[-1]), sparse.eye_array(HOURS)
        put = np.zeros((zones, self.columns))
        np.add.at(put, (transport.start, np.arange(arcs)), -1.0)
        np.add.at(put, (transport.end, np.arange(arcs)), 1.0 - transport.loss)
        put[np.arange(zones), self.unserved.start + np.arange(zones)] = 1.0
        put[supply.water_zone, self.water.start + np.arange(groups)] = 1.0
        put[supply.store_zone, self.out.start + np.arange(stores)] = 1.0
        put[supply.store_zone, self.into.start + np.arange(stores)] = -1.0
        rows = (len(transport.joints), stores, stores, groups)
        joint, drawn, held, used = (np.zeros((n, self.columns)) for n in rows)
        for row, (members, _) in enumerate(transport.joints):
            joint[row, members] = 1.0
        each = np.arange(stores)
        drawn[each, self.out.start + each] = 1 / supply.store_kept
        drawn[each, self.into.start + each] = -supply.store_kept
        held[each, self.level.start + each] = 1.0
        used[np.arange(groups), self.water.start + np.arange(groups)] = 1.0
        put, joint, drawn, held, used = map(sparse.coo_array, (put, joint, drawn, held, used))
        carried = sparse.kron(held, every) - sparse.kron(held, sparse.eye_array(HOURS, k=-1))
        self.program = Program(generic=False)
        self.program.load(sparse.vstack([
            sparse.kron(put, every), sparse.kron(joint, every), carried + sparse.kron(drawn, every),
            sparse.kron(used, sparse.coo_array(np.ones((1, HOURS))))], format="csr"))
        cost = np.zeros((self.columns, HOURS))
        cost[self.unserved], cost[self.sent] = 1.0, FLOW
        cost[self.sent] += FLOW * transport.loss[:, None]
        cost[self.out] = EMPTYING
        self.program.price(cost.ravel())

    def day(self, number: int, margin: np.ndarray) -> np.ndarray:
        """Unserved, MW [zone, hour]. margin: MW [zone, hour] of the day without its water and stores."""
        supply, hours = self.supply, slice(number * HOURS, (number + 1) * HOURS)
        lower, upper = np.zeros((self.columns, HOURS)), np.zeros((self.columns, HOURS))
        upper[self.sent] = self.transport.capacity[:, [number]]
        upper[self.unserved] = supply.load[:, hours]
        upper[self.water] = supply.water_power[:, hours]
        upper[self.out] = upper[self.into] = supply.store_power[:, None]
        upper[self.level] = supply.store_energy[:, None]
        start = HALF * supply.store_energy
        lower[self.level, -1] = start
        joints = np.repeat([float(limit) for _, limit in self.transport.joints], HOURS)
        begin = np.zeros((len(start), HOURS))
        begin[:, 0] = start
        energy = supply.water_energy[:, number]
        low = [-margin.ravel(), np.full(len(joints), -np.inf), begin.ravel(), np.full(len(energy), -np.inf)]
        high = [np.full(margin.size, np.inf), joints, begin.ravel(), energy]
        self.program.bound(lower.ravel(), upper.ravel())
        self.program.bound_rows(np.concatenate(low), np.concatenate(high))
        self.program.solve()
        return self.program.x.reshape(-1, HOURS)[self.unserved]


def serve(transport: Transport, supply: Supply, share: np.ndarray, rescue: Rescue | None = None) -> np.ndarray:
    """Unserved load, MW [zone, H]. share: [plant, H] of sets in service.

    Days that neighbours can serve with the day's water spread evenly and without stores need no programme.
    """
    margin = supply.own(share) - supply.load
    lack = direct(transport, margin + supply.level())
    unserved = np.zeros_like(margin)
    short = np.flatnonzero((lack > SHORT).any(axis=0).reshape(-1, HOURS).any(axis=1))
    if len(short):
        rescue = rescue or Rescue(transport, supply)
        for number in short:
            hours = slice(number * HOURS, (number + 1) * HOURS)
            unserved[:, hours] = rescue.day(number, margin[:, hours])
    return np.where(unserved > SHORT, unserved, 0.0)
