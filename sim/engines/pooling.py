"""What a coalition of small resources behind one bus earns on a day: one programme, its members switched on and off.

A member is a store (it takes and gives, what it holds ends the day as it began it) or a source (it only gives: load
that can be shed, sun that can be held back). The pool sells energy at the hour's price and regulation, which works both
ways: in an hour it can hold as much as all its members together have room above and room below for, and as their stores
could give and take for as long as the market asks. So members with room on different sides are worth more together.
Below the market's least size a coalition earns nothing beside what its members did before.

The programme is built once. Coalitions follow one another in Gray-code order, so that from one to the next a single
member comes or goes: its columns open or shut, and the last basis is a warm start.
Source: [Huangfu2018] for the solver; pools as games [Baeyens2013].
"""

import numpy as np
from scipy import sparse

from sim.engines.program import Program
from sim.engines.records import Members

SIDES = 4  # rows of an hour that bound regulation: room above, room below, energy to give, room to take


class Pool:
    """The coalitions of some members on one day.

    price: CNY/MWh [hour].  regulation: CNY/MW held for an hour [hour].  duration: h that a call for it may last.
    least, lasting: MW and hours that a pool must offer to be let in.
    """

    def __init__(self, members: Members, price: np.ndarray, regulation: np.ndarray, duration: float, least: float,
                 lasting: float):
        self.members, self.least = members, least
        self._size = members.lasting(lasting)
        self._store, self._source = np.flatnonzero(members.energy > 0), np.flatnonzero(members.energy <= 0)
        self._hours = len(price)
        self._program = Program(generic=False)
        self._build(np.asarray(price, float), np.asarray(regulation, float), duration)

    def _build(self, price: np.ndarray, regulation: np.ndarray, duration: float):
        """Columns, hour last: charge, discharge and level of each store, output of each source, regulation; rows: level
        of each store, energy of each source's day, four sides of regulation an hour."""
        m, h, stores, sources = self.members, self._hours, len(self._store), len(self._source)
        eye, root = sparse.eye_array(h, format="csr"), np.sqrt(m.efficiency[self._store])
        before = sparse.eye_array(h, k=-1, format="csr")

        def each(values):
            return sparse.kron(sparse.diags_array(np.asarray(values, float)), eye, format="csr")

        def all_of(values):
            return sparse.kron(np.asarray(values, float).reshape(1, -1), eye, format="csr")

        level = sparse.hstack([-each(root), each(1 / root),
                               each(np.ones(stores)) - sparse.kron(sparse.eye_array(stores), before),
                               sparse.csr_array((stores * h, (sources + 1) * h))])
        day = sparse.hstack([sparse.csr_array((sources, 3 * stores * h)),
                             sparse.kron(sparse.eye_array(sources), np.ones((1, h))), sparse.csr_array((sources, h))])
        one, gives, none = np.ones(stores), np.ones(sources), np.zeros(stores)
        sides = [(one, -one, none, -gives, -1.0), (-one, one, none, gives, -1.0),
                 (none, none, root, -duration * gives, -duration), (none, none, -1 / root, duration * gives, -duration)]
        rows = [sparse.hstack([all_of(part) for part in side[:4]] + [side[4] * eye]) for side in sides]
        self._program.load(sparse.vstack([level, day, *rows], format="csr"))
        charge, wear = np.tile(price, stores), np.repeat(m.wear, h)
        by_store, by_source = wear.reshape(-1, h)[self._store].ravel(), wear.reshape(-1, h)[self._source].ravel()
        self._cost = np.concatenate([charge, by_store - charge, np.zeros(stores * h),
                                     by_source - np.tile(price, sources), -regulation])
        self._program.price(self._cost)
        self._duration = duration

    def worth(self, coalition: int) -> float:
        """CNY that a coalition earns on the day beyond what its members did alone. coalition: a bit for each member."""
        here = (coalition >> np.arange(len(self.members))) & 1 > 0
        if self._size[here].sum() < self.least - 1e-9:
            return 0.0
        m, h, store, source = self.members, self._hours, self._store, self._source
        within, given = here[store][:, None], here[source][:, None]
        full = np.repeat((m.energy[store] * here[store])[:, None], h, axis=1)
        start = m.energy[store] * here[store] / 2
        least_level = np.zeros_like(full)
        least_level[:, -1] = start
        power_in, power_out = m.power_in[store] * within, m.power_out[store] * within
        output = m.power_out[source] * given
        lower = np.concatenate([np.zeros(2 * full.size), least_level.ravel(), np.zeros(output.size + h)])
        upper = np.concatenate([part.ravel() for part in (power_in, power_out, full, output, np.full(h, 1e6))])
        self._program.bound(lower, upper)
        begins = np.zeros_like(full)
        begins[:, 0] = start
        root = np.sqrt(m.efficiency[store])
        above, below = power_out.sum(axis=0) + output.sum(axis=0), power_in.sum(axis=0)
        sides = [-above, -below, -self._duration * output.sum(axis=0), np.full(h, -(full[:, 0] @ (1 / root)))]
        least = np.concatenate([begins.ravel(), np.full(len(source), -np.inf), *sides])
        of_day = np.where(here[source], m.daily[source], 0.0)
        most = np.concatenate([begins.ravel(), of_day, np.full(SIDES * h, np.inf)])
        self._program.bound_rows(least, most)
        self._program.solve()
        return max(float(-self._cost @ self._program.x), 0.0)

    def worths(self) -> np.ndarray:
        """CNY of every coalition, [2 ** members]; the position's bits say who is in."""
        found = np.zeros(2 ** len(self.members))
        for step in range(1, len(found)):
            coalition = step ^ (step >> 1)
            found[coalition] = self.worth(coalition)
        return found
