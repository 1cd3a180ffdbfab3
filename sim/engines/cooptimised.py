"""The day co-optimised: 24 coupled hours of a network as one linear programme that lives from day to day.

Numbers in, numbers out: buses, lines, links and units are positions, prices are money per MWh.
Source: nodal prices as multipliers of the least-cost dispatch [Schweppe1988].
"""

import numpy as np

from sim.engines.program import NotOptimal, Program
from sim.engines.reading import Optimum, solution
from sim.engines.records import Book, ClearingError, Day, Fleet, Network, Solution, asked
from sim.engines.sheet import Sheet
from sim.engines.skeleton import Skeleton
from sim.engines.steps import Steps

FLOW = 1e-6  # MW: less is no flow, and less beyond a limit is no violation
NEAR = 3  # hours to either side in which a unit that has no room for its reserve is looked at too: fewer rounds
WRONG = 1e-7  # CNY/MWh by which a true cost may be missed: the solver's own tolerance


class CooptimisedEngine:
    """Clears day after day on one programme, each day starting from the basis of the last.

    tie_break: CNY/MWh per rank, added to costs so that equal offers have one order; prices and objective are those of
    the true costs. 0 switches it off.
    """

    def __init__(self, network: Network, fleet: Fleet, hours: int = 24, tie_break: float = 1e-6):
        self.network, self.fleet, self.hours, self.tie_break = network, fleet, hours, tie_break
        self.restart()

    def restart(self):
        """Forget every earlier day: what follows does not depend on what went before."""
        self._skeleton: Skeleton | None = None
        self._program: Program | None = None

    def clear(self, book: Book, day: Day) -> Solution:
        """Serve the day at least cost.

        Reserve that the day asks for is held back out of the same capacity, see `holding`, at least total cost.
        Raises: ValueError where must-run passes the volume offered, a number is not finite or reserve is asked that no
        clearing can honour; ClearingError where no optimum was found.
        """
        if not np.isfinite(day.load).all():
            raise ValueError("the load must be finite")
        steps = Steps.of(book, day.minimum, self.fleet.place())
        slots_added = self._fit(steps)
        self._skeleton.holding.check(day)
        sheet = Sheet.of(self._skeleton, steps, self._column, day, self.tie_break)
        sheet.events["slots_added"], begun = slots_added, self._program.iterations
        try:
            y, d = self._optimum(sheet)
        except NotOptimal as end:
            raise ClearingError(f"{end}: {asked(self.network, self.fleet, book, day)}") from end
        sheet.events["iterations"] = self._program.iterations - begun
        return solution(self.network, self.fleet, (self._skeleton.factors, self._skeleton.at_rest), steps, book, day,
                        self._read(sheet, y, d))

    def _fit(self, steps: Steps) -> int:
        """Make room for the day's steps; gives the number of slots added."""
        if self._skeleton is None:
            self._skeleton, self._program = Skeleton(self.network, self.fleet, self.hours), Program(self.tie_break > 0)
        skeleton, first = self._skeleton, self._program.matrix is None
        missing = np.flatnonzero(skeleton.find(steps) < 0)
        if first or len(missing):
            skeleton.add_slots(steps, missing)
            self._program.load(skeleton.matrix())
        self._column = skeleton.find(steps)
        return len(missing)

    def _optimum(self, sheet: Sheet) -> tuple[np.ndarray, np.ndarray]:
        """Solve; gives the duals of the rows and the reduced costs of the columns under true costs."""
        program = self._program
        program.bound(sheet.lower.ravel(), sheet.upper.ravel())
        program.price((sheet.cost + sheet.tie).ravel())
        self._settle(sheet)
        y, d = program.duals(sheet.cost.ravel())
        if self.tie_break and program.wrong(y, d) > WRONG:
            # the tie-break has decided where costs differ: let true costs finish from here
            sheet.events["true_cost_finishes"] += 1
            program.price(sheet.cost.ravel())
            self._settle(sheet)
            y, d = program.duals(sheet.cost.ravel())
        return y, d

    def _settle(self, sheet: Sheet):
        """Solve until no line or ramp is violated and no link or store works against itself."""
        pool = self._skeleton.pool
        self._program.bound_rows(np.concatenate([sheet.row_lower, sheet.pool_lower.ravel()[pool]]),
                                 np.concatenate([sheet.row_upper, sheet.pool_upper.ravel()[pool]]))
        while True:
            self._program.solve()
            sheet.events["solves"] += 1
            x = self._program.x.reshape(-1, self.hours)
            # what works against itself is judged where all limits hold: without them it may go another way
            if not (self._add_violated(sheet, x) or self._part_opposed(sheet, x)):
                return

    def _part_opposed(self, sheet: Sheet, x: np.ndarray) -> bool:
        """Rule out that a link sends both ways, or a store fills and empties, in one hour; tells whether it had to."""
        skeleton = self._skeleton
        sent, back = x[skeleton.forward], x[skeleton.backward]
        both = (sent > FLOW) & (back > FLOW)
        emptied, filled = skeleton.drawn.maximum(0.0) @ x, -skeleton.drawn.minimum(0.0) @ x
        cycling = (emptied > FLOW) & (filled > FLOW)
        if not (both.any() or cycling.any()):
            return False
        sheet.events["opposing_flows"] += int(both.sum())
        sheet.events["opposing_storage"] += int(cycling.sum())
        shut = np.zeros_like(x, bool)
        shut[skeleton.forward], shut[skeleton.backward] = both & (sent < back), both & (sent >= back)
        side = np.concatenate([np.zeros(skeleton.fixed), skeleton.side])
        for store, hour in np.argwhere(cycling):  # keep the direction in which the level moves: it stays reachable
            wrong = -1 if emptied[store, hour] > filled[store, hour] else 1
            own = skeleton.drawn[[store]].indices
            shut[own[side[own] == wrong], hour] = True
        sheet.lower[shut] = sheet.upper[shut] = 0.0
        self._program.bound(sheet.lower.ravel(), sheet.upper.ravel())
        return True

    def _add_violated(self, sheet: Sheet, x: np.ndarray) -> bool:
        """Add the rows of lines, ramps and holding that are violated; tells whether there were any."""
        skeleton, program = self._skeleton, self._program
        activity = skeleton.activity(x)
        beyond = (activity < sheet.pool_lower - FLOW) | (activity > sheet.pool_upper + FLOW)
        if not len(np.setdiff1d(np.flatnonzero(beyond), skeleton.pool)):
            return False
        holding = len(self.network.line_from) + len(self.fleet.bus)
        beyond[holding:] = _neighbouring(beyond[holding:])
        keys = np.setdiff1d(np.flatnonzero(beyond), skeleton.pool)
        program.append(skeleton.pool_rows(keys), sheet.pool_lower.ravel()[keys], sheet.pool_upper.ravel()[keys])
        skeleton.pool = np.concatenate([skeleton.pool, keys])
        sheet.events["rows_added"] += len(keys)
        return True

    def _read(self, sheet: Sheet, y: np.ndarray, d: np.ndarray) -> Optimum:
        """The optimum in the programme's columns and duals."""
        skeleton, areas = self._skeleton, len(self.network.reference)
        hours, joints, lines = self.hours, len(self.network.joints), len(self.network.line_from)
        x, d = self._program.x.reshape(-1, hours), d.reshape(-1, hours)
        stored = np.zeros((len(self.fleet.bus), hours))
        stored[skeleton.stores] = x[skeleton.stored]
        line_dual, on_line = np.zeros(lines * hours), skeleton.pool < lines * hours
        line_dual[skeleton.pool[on_line]] = y[skeleton.static_rows :][on_line]
        holding = skeleton.holding
        energy_value, last = np.zeros(len(stored)), skeleton.static_rows - holding.lacking * hours
        energy_value[skeleton.budgeted] = np.maximum(-y[last - len(skeleton.budgeted) : last], 0.0)
        asked = (holding.shape[0], holding.groups, hours)
        return Optimum(
            given=x[self._column], forward=x[skeleton.forward], backward=x[skeleton.backward], shed=x[skeleton.shed],
            disposed=x[skeleton.disposed], stored=stored, energy=y[: areas * hours].reshape(areas, hours),
            line_dual=line_dual.reshape(-1, hours),
            joint_dual=y[areas * hours : (areas + joints) * hours].reshape(joints, hours),
            against_forward=d[skeleton.forward], against_backward=d[skeleton.backward], energy_value=energy_value,
            reserved=holding.spread(x[skeleton.award]),
            reserve_price=np.maximum(y[last : skeleton.static_rows], 0.0).reshape(asked),
            reserve_short=np.maximum(x[skeleton.lacking], 0.0).reshape(asked),
            objective=float((sheet.cost * x).sum()), kkt=self._program.kkt(y, d.ravel(), sheet.cost),
            events=sheet.events)


def _neighbouring(hit: np.ndarray) -> np.ndarray:
    """Hours near one that is hit, bool [row, hour]."""
    near = hit.copy()
    for step in range(1, NEAR + 1):
        near[:, step:] |= hit[:, :-step]
        near[:, :-step] |= hit[:, step:]
    return near
