"""The day with commitment: which blocks of a unit run, in whole numbers or relaxed, and what starting them costs.

A committed unit is a cluster of equal blocks. A block that runs gives at least a share of its size, starting one costs
money, and what has started or stopped stays so for some hours. The must-run output that a day states for these units is
ignored: it stands in for commitment where there is none. What a unit holds back as reserve must fit between the least
and the most that its running blocks can give. All else is as in `cooptimised`: network, links, joint limits, stores,
budgets, ramps, reserve; rows of lines, ramps and holding are added when they are violated.

Numbers in, numbers out. Source: three columns a unit and hour (on, started, stopped) with minimum up and down times as
sums of starts and stops [Rajan2005]; clusters of equal units as whole numbers [Palmintier2014].
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from scipy import sparse

from sim.engines.integers import whole
from sim.engines.program import NotOptimal, Program
from sim.engines.reading import Optimum, solution
from sim.engines.records import Book, ClearingError, Day, Fleet, Network, Solution, asked
from sim.engines.sheet import Sheet
from sim.engines.skeleton import Skeleton
from sim.engines.steps import Steps, by_position

FLOW = 1e-6  # MW: less is no flow, and less beyond a limit is no violation
WRONG = 1e-7  # CNY/MWh by which a true cost may be missed: the solver's own tolerance


@dataclass(frozen=True)
class Commitment:
    """The units that are committed, all [committed].

    unit: int, row of the fleet.  blocks: int, equal parts of the unit that are started and stopped.  start_cost: CNY
    of starting one.  least: share of what a running block could give that it must give.  up, down: int hours that a
    block stays on once started, off once stopped; 1 is free.
    """

    unit: np.ndarray
    blocks: np.ndarray
    start_cost: np.ndarray
    least: np.ndarray
    up: np.ndarray
    down: np.ndarray

    def __len__(self):
        return len(self.unit)


@dataclass(frozen=True)
class States:
    """What ran before the day. blocks: [committed] on in the hour before, NaN where the first hour is free of cost.

    started, stopped: blocks [committed, hour], in the last hours before the day, as far as known.
    """

    blocks: np.ndarray
    started: np.ndarray
    stopped: np.ndarray

    @classmethod
    def of(cls, commitment: Commitment, size: np.ndarray, output: np.ndarray) -> "States":
        """The fewest blocks that could give an output, all long since on. size: MW [committed] of a block.

        output: MW [unit] in the hour before, NaN where unknown.
        """
        given = output[commitment.unit]
        on = np.ceil(np.divide(given, size, out=np.zeros_like(given), where=size > 0) - 1e-6)
        blocks = np.where(np.isnan(given), np.nan, np.clip(on, 0, commitment.blocks))
        none = np.zeros((len(commitment), 0))
        return cls(blocks, none, none)


@dataclass(frozen=True, kw_only=True)
class Committed(Solution):
    """A day cleared with commitment. The objective includes the cost of starts.

    blocks, started, stopped: [committed, hour], whole numbers unless relaxed.  start_cost: CNY of the day's starts.
    relaxed: CNY, objective of the relaxation, which no commitment can beat.  gap: share of the objective by which a
    better commitment in whole numbers may exist; 0 when relaxed.
    """

    blocks: np.ndarray
    started: np.ndarray
    stopped: np.ndarray
    start_cost: float
    relaxed: float
    gap: float

    def states(self) -> States:
        """What the next day begins from."""
        return States(self.blocks[:, -1], self.started, self.stopped)


class CommitmentEngine:
    """Clears days with commitment; takes and gives what `cooptimised.CooptimisedEngine` does.

    integral: whole blocks, found by branch and bound; prices then are those of the day with this commitment fixed.
    Relaxed, a part of a block may run and starts are part of what a MWh costs at the margin, so they are in the price.
    tie_break: CNY/MWh per rank, see there.  gap: share of the objective at which the search ends.  nodes: most branches
    it may look at, a limit that is the same on every machine.
    """

    def __init__(self, network: Network, fleet: Fleet, commitment: Commitment, integral: bool, hours: int = 24,
                 tie_break: float = 1e-6, gap: float = 1e-4, nodes: int = 20_000):
        self.network, self.fleet, self.commitment, self.integral = network, fleet, commitment, integral
        self.hours, self.tie_break, self.gap, self.nodes = hours, tie_break, gap, nodes
        own = np.zeros(len(fleet.bus), bool)
        own[commitment.unit] = True
        self._place = np.where(own, np.arange(len(own)), fleet.place())
        # ramps of committed units are those of their blocks
        self._fleet = replace(fleet, ramp=np.where(own, np.inf, fleet.ramp))

    def restart(self):
        """Nothing to forget: every day is solved from scratch, so it depends on its own data alone."""

    def clear(self, book: Book, day: Day, states: States | None = None) -> Committed:
        """Serve the day at least cost, starts included.

        states: what ran before; without them it is read off `day.output_before`, all long since on or off.
        Raises: ValueError where must-run passes the volume offered, a number is not finite or reserve is asked that no
        clearing can honour; ClearingError where no optimum was found.
        """
        if not np.isfinite(day.load).all():
            raise ValueError("the load must be finite")
        least = day.minimum.copy()
        least[self.commitment.unit] = 0.0
        day = replace(day, minimum=least)
        if day.reserve is not None:
            lowest = day.reserve.lowest.copy()
            lowest[self.commitment.unit] = 0.0  # the blocks that run set it
            day = replace(day, reserve=replace(day.reserve, lowest=lowest))
        steps = Steps.of(book, least, self._place)
        size = block_sizes(book, self.commitment, len(self.fleet.bus))
        states = states or States.of(self.commitment, size[:, 0], day.output_before)
        problem = _Problem(self, steps, day, size, states)
        try:
            return problem.solve(book)
        except NotOptimal as end:
            raise ClearingError(f"{end}: {asked(self.network, self.fleet, book, day)}") from end


def block_sizes(book: Book, commitment: Commitment, units: int) -> np.ndarray:
    """What a block of each committed unit could give, MW [committed, hour]: an equal part of what the unit offers."""
    sells = book.side > 0
    offered = by_position(book.volume[sells], book.unit[sells], units)
    return offered[commitment.unit] / commitment.blocks[:, None]


def held_to(book: Book, day: Day, commitment: Commitment, blocks: np.ndarray) -> tuple[Book, Day]:
    """Orders and day under a given commitment, for an engine that knows of none (real time, the hour engine).

    blocks: [committed, hour] that run. Committed units offer what these can give, cheapest first, and must give at
    least their minimum; reserve is held between the two.
    """
    units = len(day.minimum)
    size = block_sizes(book, commitment, units)
    most = np.zeros_like(day.minimum)
    np.add.at(most, book.unit[book.side > 0], book.volume[book.side > 0])
    most[commitment.unit] = blocks * size
    sells = (book.side > 0)[:, None]
    kept = Steps.of(book, most, np.arange(units)).least
    least = day.minimum.copy()
    least[commitment.unit] = commitment.least[:, None] * most[commitment.unit]
    day = replace(day, minimum=least)
    if day.reserve is not None:
        highest, lowest = day.reserve.highest.copy(), day.reserve.lowest.copy()
        highest[commitment.unit], lowest[commitment.unit] = most[commitment.unit], least[commitment.unit]
        day = replace(day, reserve=replace(day.reserve, highest=highest, lowest=lowest))
    return replace(book, volume=np.where(sells, kept, book.volume)), day


def shortfall(found: Committed, book: Book, fleet: Fleet, commitment: Commitment) -> np.ndarray:
    """What the day's prices leave of each committed unit's offered cost and starts, CNY [committed]; 0 if covered.

    What a side payment would have to be so that nobody runs at a loss by order of the market.
    """
    units = len(fleet.bus)
    cost = by_position(book.side[:, None] * book.price * found.accepted, book.unit, units).sum(axis=1)
    earned = (found.price[fleet.bus] * found.output).sum(axis=1)
    starts = commitment.start_cost * found.started.sum(axis=1)
    return np.maximum(starts + (cost - earned)[commitment.unit], 0.0)


class _Problem:
    """One day's programme: the columns of a `Skeleton`, then blocks, started and stopped [committed, hour]."""

    def __init__(self, engine: CommitmentEngine, steps: Steps, day: Day, size: np.ndarray, states: States):
        self.engine, self.steps, self.day, self.size, self.states = engine, steps, day, size, states
        self.skeleton = Skeleton(engine.network, engine._fleet, engine.hours)
        self.skeleton.add_slots(steps, np.arange(len(steps.place)))
        self.column = self.skeleton.find(steps)
        self.skeleton.holding.check(day)
        self.sheet = Sheet.of(self.skeleton, steps, self.column, day, engine.tie_break)
        count = len(engine.commitment)
        marks = self.skeleton.columns + np.arange(4) * count
        self.on, self.started, self.stopped = map(slice, marks[:-1], marks[1:])
        self.columns = int(marks[-1])
        self._bounds_and_costs()
        self.program = Program(engine.tie_break > 0)
        static = self._wide(self.skeleton.matrix())
        rows, low, high = self._rules()
        self.row_lower = np.concatenate([self.sheet.row_lower, low])
        self.row_upper = np.concatenate([self.sheet.row_upper, high])
        self.program.load(sparse.vstack([static, rows], format="csr"))
        self.program.bound_rows(self.row_lower, self.row_upper)
        self._lay_aside()
        self.taken = np.empty(0, np.int64)

    def solve(self, book: Book) -> Committed:
        """Relax, then if asked find whole numbers and hold them; read the day back."""
        engine, sheet = self.engine, self.sheet
        y, d = self._optimum()
        relaxed, gap = float((self.cost.ravel() * self.program.x).sum()), 0.0
        if engine.integral:
            on, gap = self._whole_blocks()
            self._hold(on)
            y, d = self._optimum()
        x = self.program.x.reshape(-1, engine.hours)
        sheet.events["iterations"] = self.program.iterations
        found = solution(engine.network, engine.fleet, (self.skeleton.factors, self.skeleton.at_rest), self.steps, book,
                         self.day, self._read(x, y, d))
        # what is held is whole; the solver gives it to its last digit
        on, starts, stops = (np.rint(x[part]) + 0.0 if engine.integral else x[part]
                             for part in (self.on, self.started, self.stopped))
        return Committed(**{f.name: getattr(found, f.name) for f in fields(Solution)}, blocks=on, started=starts,
                         stopped=stops, relaxed=relaxed, gap=gap,
                         start_cost=float((starts.sum(axis=1) * engine.commitment.start_cost).sum()))

    def _bounds_and_costs(self):
        """Bounds, true costs and tie-break of all columns, [column, hour]."""
        commitment, sheet, hours = self.engine.commitment, self.sheet, self.engine.hours
        blocks = np.repeat(commitment.blocks[:, None].astype(float), hours, axis=1)
        moves = blocks.copy()
        moves[np.isnan(self.states.blocks), 0] = 0.0  # nobody knows what ran before: nothing is started or stopped
        none = np.zeros_like(blocks)
        self.lower = np.concatenate([sheet.lower, none, none, none])
        self.upper = np.concatenate([sheet.upper, blocks, moves, moves])
        start = np.repeat(commitment.start_cost[:, None], hours, axis=1)
        self.cost = np.concatenate([sheet.cost, none, start, none])
        self.tie = np.concatenate([sheet.tie, none, none, none])

    def _wide(self, rows: sparse.csr_array) -> sparse.csr_array:
        """Rows of the skeleton over all columns."""
        return sparse.csr_array((rows.data, rows.indices, rows.indptr),
                                shape=(rows.shape[0], self.columns * self.engine.hours))

    def _parts(self):
        """[committed, column]: output, on, started, stopped of each committed unit, as matrices over one hour."""
        commitment = self.engine.commitment
        count = len(commitment)
        output = self.skeleton.output[commitment.unit]
        output = sparse.csr_array((output.data, output.indices, output.indptr), shape=(count, self.columns))
        own = [sparse.csr_array((np.ones(count), (np.arange(count), part.start + np.arange(count))),
                                shape=(count, self.columns)) for part in (self.on, self.started, self.stopped)]
        return output, *own

    def _held(self):
        """[committed, column]: reserve that each committed unit holds up, and what of it works both ways."""
        holding, award, unit = self.skeleton.holding, self.skeleton.award, self.engine.commitment.unit
        shape = (len(self.engine.fleet.bus), self.columns)
        at = (holding.unit, award.start + np.arange(holding.awards))
        return (sparse.csr_array((weight, at), shape=shape)[unit]
                for weight in (np.ones(holding.awards), holding.both.astype(float)))

    def _rules(self):
        """Rows of commitment with both sides: count, up time, down time, least and most output, [committed, hour] each.

        on(t) - on(t-1) = started(t) - stopped(t); what started in the last `up` hours is on; what stopped in the last
        `down` hours is off; output less what is held both ways is least x on at least, and with all that is held size x
        on at most.
        """
        commitment, hours, states = self.engine.commitment, self.engine.hours, self.states
        output, on, started, stopped = self._parts()
        held, turned = self._held()
        every, before = sparse.eye_array(hours), sparse.eye_array(hours, k=-1)
        count, known = len(commitment), ~np.isnan(states.blocks)
        first = np.zeros((count, hours))
        first[known, 0] = states.blocks[known]
        low = [first.copy(), _recent(states.started, commitment.up, hours)]
        high = [first, np.full((count, hours), np.inf)]
        low[0][~known, 0], high[0][~known, 0] = -np.inf, np.inf
        low.append(np.full((count, hours), -np.inf))
        high.append(commitment.blocks[:, None] - _recent(states.stopped, commitment.down, hours))
        low += [np.zeros((count, hours)), np.full((count, hours), -np.inf)]
        high += [np.full((count, hours), np.inf), np.zeros((count, hours))]
        rows = [sparse.kron(on, every) - sparse.kron(on, before) - sparse.kron(started, every)
                + sparse.kron(stopped, every),
                sparse.kron(on, every) - _windows(commitment.up, hours) @ sparse.kron(started, every),
                sparse.kron(on, every) + _windows(commitment.down, hours) @ sparse.kron(stopped, every),
                sparse.kron(output - turned, every)
                - _times(commitment.least[:, None] * self.size) @ sparse.kron(on, every),
                sparse.kron(output + held, every) - _times(self.size) @ sparse.kron(on, every)]
        return sparse.vstack(rows, format="csr"), np.concatenate(low).ravel(), np.concatenate(high).ravel()

    def _lay_aside(self):
        """Rows that wait until they are violated: lines, ramps of other units, holding of reserve, ramps of blocks."""
        lines, hours = len(self.engine.network.line_from), self.engine.hours
        low, high = self.sheet.pool_lower.ravel(), self.sheet.pool_upper.ravel()
        bounded = np.flatnonzero(np.isfinite(low) | np.isfinite(high))
        ramps, limits = self._ramps()
        self.line_keys = np.where(bounded < lines * hours, bounded, -1)
        self.line_keys = np.concatenate([self.line_keys, np.full(len(limits), -1)])
        self.aside = sparse.vstack([self._wide(self.skeleton.pool_rows(bounded)), ramps], format="csr")
        self.aside_lower = np.concatenate([low[bounded], np.full(len(limits), -np.inf)])
        self.aside_upper = np.concatenate([high[bounded], limits])

    def _ramps(self):
        """Rise and fall of clusters with a ramp: rows and upper sides.

        Blocks that stay on move by their ramp, one that starts comes to its least output at least, one that stops has
        come down to it. Where what a block could give changes by more than its ramp, the ramp is that wide.
        """
        commitment, hours, day = self.engine.commitment, self.engine.hours, self.day
        ramp = self.engine.fleet.ramp[commitment.unit] / commitment.blocks
        some = np.flatnonzero(np.isfinite(ramp))
        output, on, started, stopped = (part[some] for part in self._parts())
        every, before = sparse.eye_array(hours), sparse.eye_array(hours, k=-1)
        size, least = self.size[some], (commitment.least[:, None] * self.size)[some]
        past = np.concatenate([least[:, :1], least[:, :-1]], axis=1)
        up = np.maximum(ramp[some][:, None], least - past)
        down = np.maximum(ramp[some][:, None], -np.diff(size, axis=1, prepend=size[:, :1]))
        change = sparse.kron(output, every) - sparse.kron(output, before)
        laid = [sparse.kron(part, every) for part in (on, started, stopped)]

        def limit(step, entering, leaving, plus, minus):
            return (_times(step) @ (laid[0] - laid[1]) + _times(np.maximum(entering, step)) @ plus
                    - _times(leaving) @ minus)

        rise = change - limit(up, least, past, laid[1], laid[2])
        fall = -change - limit(down, past, least, laid[2], laid[1])
        given = day.output_before[commitment.unit][some]
        blocks = np.nan_to_num(self.states.blocks[some])
        side = np.zeros((2, len(some), hours))
        side[0, :, 0] = given + np.maximum(blocks * (least - up)[:, 0] - given, 0.0)
        side[1, :, 0] = -given + np.maximum(given - blocks * (size + down)[:, 0], 0.0)
        side[np.isnan(side)] = np.inf
        return sparse.vstack([rise, fall], format="csr"), side.ravel()

    def _optimum(self):
        """Solve; gives duals of the rows and reduced costs of the columns under true costs."""
        program, engine = self.program, self.engine
        program.bound(self.lower.ravel(), self.upper.ravel())
        program.price((self.cost + self.tie).ravel())
        self._settle()
        y, d = program.duals(self.cost.ravel())
        if engine.tie_break and program.wrong(y, d) > WRONG:
            self.sheet.events["true_cost_finishes"] += 1
            program.price(self.cost.ravel())
            self._settle()
            y, d = program.duals(self.cost.ravel())
        return y, d

    def _settle(self):
        """Solve until no row that waits is violated and no link or store works against itself."""
        while True:
            self.program.solve()
            self.sheet.events["solves"] += 1
            if not (self._take(self.program.x) or self._part_opposed()):
                return

    def _take(self, x: np.ndarray) -> bool:
        """Add the waiting rows that a point violates; tells whether there were any."""
        activity = self.aside @ x
        beyond = (activity < self.aside_lower - FLOW) | (activity > self.aside_upper + FLOW)
        keys = np.setdiff1d(np.flatnonzero(beyond), self.taken)
        if len(keys):
            self.program.append(self.aside[keys], self.aside_lower[keys], self.aside_upper[keys])
            self.row_lower = np.append(self.row_lower, self.aside_lower[keys])
            self.row_upper = np.append(self.row_upper, self.aside_upper[keys])
            self.taken = np.concatenate([self.taken, keys])
            self.sheet.events["rows_added"] += len(keys)
        return len(keys) > 0

    def _part_opposed(self) -> bool:
        """Rule out that a link sends both ways, or a store fills and empties, in one hour; tells whether it had to."""
        skeleton, x = self.skeleton, self.program.x.reshape(-1, self.engine.hours)
        sent, back = x[skeleton.forward], x[skeleton.backward]
        both = (sent > FLOW) & (back > FLOW)
        core = x[: skeleton.columns]
        emptied, filled = skeleton.drawn.maximum(0.0) @ core, -skeleton.drawn.minimum(0.0) @ core
        cycling = (emptied > FLOW) & (filled > FLOW)
        if not (both.any() or cycling.any()):
            return False
        self.sheet.events["opposing_flows"] += int(both.sum())
        self.sheet.events["opposing_storage"] += int(cycling.sum())
        shut = np.zeros_like(x, bool)
        shut[skeleton.forward], shut[skeleton.backward] = both & (sent < back), both & (sent >= back)
        side = np.concatenate([np.zeros(skeleton.fixed), skeleton.side])
        for store, hour in np.argwhere(cycling):  # keep the direction in which the level moves: it stays reachable
            wrong = -1 if emptied[store, hour] > filled[store, hour] else 1
            own = skeleton.drawn[[store]].indices
            shut[own[side[own] == wrong], hour] = True
        self.lower[shut] = self.upper[shut] = 0.0
        self.program.bound(self.lower.ravel(), self.upper.ravel())
        return True

    def _whole_blocks(self) -> tuple[np.ndarray, float]:
        """Blocks on in whole numbers [committed, hour] and the gap, with all limits in place."""
        engine, hours = self.engine, self.engine.hours
        integer = np.zeros((self.columns, hours), bool)
        integer[self.on] = True  # starts and stops follow from them
        while True:
            x, gap = whole(self.program.matrix, self.lower.ravel(), self.upper.ravel(), self.row_lower, self.row_upper,
                           self.cost.ravel(), integer.ravel(), engine.gap, engine.nodes)
            if not self._take(x):
                return np.rint(x.reshape(-1, hours)[self.on]), gap

    def _hold(self, on: np.ndarray):
        """Fix a commitment: blocks, and the starts and stops that follow from it."""
        before = np.where(np.isnan(self.states.blocks), on[:, 0], self.states.blocks)
        change = np.diff(on, axis=1, prepend=before[:, None])
        held = ((self.on, on), (self.started, np.maximum(change, 0)), (self.stopped, np.maximum(-change, 0)))
        for part, value in held:
            self.lower[part] = self.upper[part] = value

    def _read(self, x: np.ndarray, y: np.ndarray, d: np.ndarray) -> Optimum:
        """The optimum in the programme's columns and duals."""
        skeleton, network, hours = self.skeleton, self.engine.network, self.engine.hours
        areas, joints, lines = len(network.reference), len(network.joints), len(network.line_from)
        units, d = len(self.engine.fleet.bus), d.reshape(-1, hours)
        stored, energy_value = np.zeros((units, hours)), np.zeros(units)
        stored[skeleton.stores] = x[skeleton.stored]
        at = (areas + joints + len(skeleton.stores)) * hours
        energy_value[skeleton.budgeted] = np.maximum(-y[at : at + len(skeleton.budgeted)], 0.0)
        line_dual = np.zeros(lines * hours)
        key, dual = self.line_keys[self.taken], y[len(y) - len(self.taken):]
        line_dual[key[key >= 0]] = dual[key >= 0]
        holding, asked = skeleton.holding, at + len(skeleton.budgeted)
        shape = (holding.shape[0], holding.groups, hours)
        return Optimum(
            given=x[self.column], forward=x[skeleton.forward], backward=x[skeleton.backward], shed=x[skeleton.shed],
            disposed=x[skeleton.disposed], stored=stored, energy=y[: areas * hours].reshape(areas, hours),
            line_dual=line_dual.reshape(lines, hours),
            joint_dual=y[areas * hours : (areas + joints) * hours].reshape(joints, hours),
            against_forward=d[skeleton.forward], against_backward=d[skeleton.backward], energy_value=energy_value,
            reserved=holding.spread(x[skeleton.award]),
            reserve_price=np.maximum(y[asked : asked + holding.lacking * hours], 0.0).reshape(shape),
            reserve_short=np.maximum(x[skeleton.lacking], 0.0).reshape(shape),
            objective=float((self.cost * x).sum()), kkt=self.program.kkt(y, d.ravel(), self.cost.ravel()),
            events=self.sheet.events)


def _times(value: np.ndarray) -> sparse.dia_array:
    """A factor for each row [committed, hour]."""
    return sparse.diags_array(value.ravel())


def _windows(length: np.ndarray, hours: int) -> sparse.csr_array:
    """Sums over the last `length` hours of the day, [committed x hour, committed x hour]."""
    lag = np.arange(hours)[:, None] - np.arange(hours)[None, :]
    if not len(length):
        return sparse.csr_array((0, 0))
    sums = [sparse.coo_array(((lag >= 0) & (lag < own)).astype(float)) for own in length]
    return sparse.block_diag(sums, format="csr")


def _recent(past: np.ndarray, length: np.ndarray, hours: int) -> np.ndarray:
    """What of the hours before the day still counts in each of its hours, [committed, hour]: those `length` back."""
    back = past.shape[1]
    age = np.arange(hours)[:, None] + back - np.arange(back)[None, :]  # [hour, hour of the past]
    return np.einsum("cb,chb->ch", past, (age[None] < length[:, None, None]).astype(float))
