"""The shape of the day's programme: which column stands where, and the rows that tie the columns together.

Column j of hour h stands at j * hours + h, so every quantity is an array [column, hour] and a row that holds in
every hour is a Kronecker product. Columns, in order: links forward, links backward, shed [bus], disposed [bus],
stored [store], award [award], lacking [product and group], then slots. An award is what one unit sells of one kind of
reserve. A slot is one step of one place's curve; slots are added when a day needs more.

Rows, in order: balance [area, hour], joint [joint, hour], store [store, hour], budget [unit], requirement [product and
group, hour]; then, only once they have been found violated, line [line, hour], ramp [unit, hour] and the rows that keep
a MW from being sold twice, see `holding.Holding`.

Source: the flow of a line is a fixed linear function of the injections (power transfer distribution factors);
limits are added when they bind [Stott1979].
"""

import numpy as np
from scipy import sparse

from sim.engines.holding import Holding


def transfer_factors(network) -> tuple[np.ndarray, np.ndarray]:
    """How injections drive the AC lines: factors [line, bus] and flows at rest, MW [line].

    flow = factors @ injection + at_rest, as flow = susceptance * (angle difference - shift). The factors are against
    each area's reference; flows at rest come from phase shifters.
    Raises: ValueError where a line leaves its area or a bus has no line to its reference.
    """
    lines, buses = len(network.line_from), network.buses
    if (network.area[network.line_from] != network.area[network.line_to]).any():
        raise ValueError("an AC line must stay within its area")
    ends = np.zeros((lines, buses))
    ends[np.arange(lines), network.line_from] += 1.0
    ends[np.arange(lines), network.line_to] -= 1.0
    drive = network.line_susceptance[:, None] * ends
    free = np.setdiff1d(np.arange(buses), network.reference)
    nodal = (ends.T @ drive)[np.ix_(free, free)]
    if len(free) and np.linalg.cond(nodal) > 1e14:
        raise ValueError("a bus is tied to its area's reference by no line")
    factors = np.zeros((lines, buses))
    factors[:, free] = np.linalg.solve(nodal, drive[:, free].T).T
    factors[np.abs(factors) < 1e-11] = 0.0
    pushed = -network.line_susceptance * network.line_shift
    return factors, pushed - factors @ (ends.T @ pushed)


class Skeleton:
    """Columns and rows for one network and fleet; grows by slots and by rows, never shrinks.

    place, side, number: int [slot], the step that a slot holds.  inject: [bus, column], what a unit of a column
    puts into each bus.  output: [unit, column], what it adds to a unit's output.  drawn: [store, column], MWh that it
    takes out of a store (buying puts in).
    factors, at_rest: see `transfer_factors`.  stores, budgeted: int [n], units with such rows.
    holding: who sells which reserve.
    pool: int [added row], keys of the line, ramp and holding rows that have been added, in their order. The key of a
    line's row is line * hours + hour, that of a unit's ramp (lines + unit) * hours + hour, holding rows follow.
    """

    def __init__(self, network, fleet, hours: int):
        self.network, self.fleet, self.hours = network, fleet, hours
        self.factors, self.at_rest = transfer_factors(network)
        self.stores, self.budgeted = np.flatnonzero(fleet.store > 0), np.flatnonzero(fleet.budgeted)
        self.holding = Holding(fleet, self.stores)
        links, buses = len(network.link_from), network.buses
        marks = np.cumsum([0, links, links, buses, buses, len(self.stores), self.holding.awards, self.holding.lacking])
        (self.forward, self.backward, self.shed, self.disposed, self.stored, self.award,
         self.lacking) = map(slice, marks[:-1], marks[1:])
        self.fixed = int(marks[-1])
        self.place = self.side = self.number = np.empty(0, np.int64)
        self.pool = np.empty(0, np.int64)
        self._arrange()

    @property
    def columns(self) -> int:
        """Columns of an hour."""
        return self.fixed + len(self.place)

    @property
    def static_rows(self) -> int:
        """Rows that are there from the start."""
        n = len(self.network.reference) + len(self.network.joints) + len(self.stores)
        return n * self.hours + len(self.budgeted) + self.holding.lacking * self.hours

    def find(self, steps) -> np.ndarray:
        """Column of each step (int [step]), -1 where no slot holds it yet."""
        known, asked = _code(self.place, self.side, self.number), _code(steps.place, steps.side, steps.number)
        if not len(known):
            return np.full(len(asked), -1)
        by = np.argsort(known)
        at = by[np.minimum(np.searchsorted(known[by], asked), len(by) - 1)]
        return np.where(known[at] == asked, self.fixed + at, -1)

    def add_slots(self, steps, missing: np.ndarray):
        """Add slots for the given steps (positions)."""
        self.place = np.concatenate([self.place, steps.place[missing]])
        self.side = np.concatenate([self.side, steps.side[missing]])
        self.number = np.concatenate([self.number, steps.number[missing]])
        self._arrange()

    def matrix(self) -> sparse.csr_array:
        """All rows over all columns."""
        network, hours = self.network, self.hours
        every, balance = sparse.eye_array(hours), np.zeros((len(network.reference), network.buses))
        balance[network.area, np.arange(network.buses)] = 1.0
        joint = sparse.lil_array((len(network.joints), self.columns))
        for row, (_, members, _) in enumerate(network.joints):
            joint[row, self.forward.start + np.asarray(members, int)] = 1.0
        keep = sparse.kron(self._stored_now(), every) - sparse.kron(self._stored_now(), sparse.eye_array(hours, k=-1))
        rows = [sparse.kron(sparse.csr_array(balance) @ self.inject, every), sparse.kron(joint, every),
                keep + sparse.kron(self.drawn, every),
                sparse.kron(self.output[self.budgeted], np.ones((1, hours))),
                sparse.kron(self.holding.counted(self.award, self.lacking, self.columns), every)]
        return sparse.vstack([*rows, self.pool_rows(self.pool)], format="csr")

    def pool_rows(self, keys: np.ndarray) -> sparse.csr_array:
        """Rows of the pool: what the columns put on a line, the rise of a unit's output (its output in hour 0), or
        what a unit gives and holds back."""
        now, before = self._at(self._weights, keys, 0), self._at(self._ramped, keys, -1)
        return sparse.csr_array(now - before)

    def activity(self, x: np.ndarray) -> np.ndarray:
        """What a solution [column, hour] gives each row of the pool: MW or MWh [line, unit and holding row, hour]."""
        output = self.output @ x
        return np.concatenate([self.factors @ (self.inject @ x), np.diff(output, axis=1, prepend=0.0), self._held @ x])

    def _at(self, weights, keys, shift):
        """Rows weights[key // hours] laid on the columns of hour key % hours + shift; nothing before hour 0."""
        rows = weights[keys // self.hours]
        count = np.diff(rows.indptr)
        hour, row = np.repeat(keys % self.hours, count) + shift, np.repeat(np.arange(len(keys)), count)
        real = hour >= 0
        laid = (row[real], (rows.indices * self.hours + hour)[real])
        return sparse.csr_array((rows.data[real], laid), shape=(len(keys), self.columns * self.hours))

    def _arrange(self):
        """Lay out injections and outputs for the present slots."""
        network, fleet, slots = self.network, self.fleet, len(self.place)
        units, buses, links = len(fleet.bus), np.arange(network.buses), np.arange(len(network.link_from))
        shape = (network.buses, self.columns)
        inject, received = np.zeros(shape), 1.0 - network.link_loss
        inject[network.link_from, self.forward.start + links] -= 1.0
        inject[network.link_to, self.forward.start + links] += received
        inject[network.link_to, self.backward.start + links] -= 1.0
        inject[network.link_from, self.backward.start + links] += received
        inject[buses, self.shed.start + buses] = 1.0
        inject[buses, self.disposed.start + buses] = -1.0
        own = self.place < units
        at = np.where(own, fleet.bus[np.minimum(self.place, units - 1)] if units else 0, self.place - units)
        inject[at, self.fixed + np.arange(slots)] = self.side
        self.inject = sparse.csr_array(inject)
        mine = np.flatnonzero(own)
        self.output = sparse.csr_array((self.side[mine].astype(float), (self.place[mine], self.fixed + mine)),
                                       shape=(units, self.columns))
        self.drawn = self._drawn()
        on_lines = sparse.csr_array(self.factors @ inject)
        self._held = self.holding.rows(self.output, self.stored, self.award)
        self._weights = sparse.vstack([on_lines, self.output, self._held], format="csr")
        still, idle = sparse.csr_array(on_lines.shape), sparse.csr_array(self._held.shape)
        self._ramped = sparse.vstack([still, self.output, idle], format="csr")

    def _stored_now(self):
        """[store, column]: 1 at the column of its level."""
        count = len(self.stores)
        return sparse.csr_array((np.ones(count), (np.arange(count), self.stored.start + np.arange(count))),
                                shape=(count, self.columns))

    def _drawn(self):
        out = self.output[self.stores].tocoo()
        into, back = self.fleet.charge_efficiency[self.stores], self.fleet.discharge_efficiency[self.stores]
        data = np.where(out.data > 0, 1.0 / back[out.row], -into[out.row])
        return sparse.csr_array((data, (out.row, out.col)), shape=out.shape)


def _code(place, side, number):
    """One integer for a step's place, side and number."""
    return (np.asarray(place, np.int64) * 2 + (np.asarray(side) < 0)) * (1 << 24) + number
