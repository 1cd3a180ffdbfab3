"""The day co-optimised: 24 coupled hours of a network as one linear programme that lives from day to day.

Numbers in, numbers out: buses, lines, links and units are positions, prices are money per MWh.
Source: nodal prices as multipliers of the least-cost dispatch [Schweppe1988].
"""

from dataclasses import dataclass

import numpy as np

from sim.engines.program import NotOptimal, Program
from sim.engines.sheet import Sheet
from sim.engines.skeleton import Skeleton
from sim.engines.steps import Steps

FLOW = 1e-6  # MW: less is no flow, and less beyond a limit is no violation
WRONG = 1e-7  # CNY/MWh by which a true cost may be missed: the solver's own tolerance


class ClearingError(Exception):
    """No optimum was found; the message names the solver's status and what was asked."""


@dataclass(frozen=True)
class Network:
    """Buses in synchronous areas, AC lines within areas, controllable links anywhere.

    buses: how many.  area: int [bus].  reference: int [area], the bus against which prices are split.
    line_from, line_to: int [line]; line_capacity: MW, inf where unlimited; line_susceptance: MW/rad; line_shift: rad.
    link_from, link_to: int [link]; link_capacity, link_reverse, link_minimum: MW; link_loss: share of what is sent;
    link_fee: CNY per MWh delivered.
    joints: (name, int [member] links, MW), limits on the sum of what links send forward.
    """

    buses: int
    area: np.ndarray
    reference: np.ndarray
    line_from: np.ndarray
    line_to: np.ndarray
    line_capacity: np.ndarray
    line_susceptance: np.ndarray
    line_shift: np.ndarray
    link_from: np.ndarray
    link_to: np.ndarray
    link_capacity: np.ndarray
    link_reverse: np.ndarray
    link_minimum: np.ndarray
    link_loss: np.ndarray
    link_fee: np.ndarray
    joints: tuple


@dataclass(frozen=True)
class Fleet:
    """The units, all [unit]. bus: int.  ramp: MW/h, inf where free.  budgeted: bool, has a daily energy limit.

    store: MWh it can hold, 0 where it is no store.  charge_efficiency, discharge_efficiency: share.
    """

    bus: np.ndarray
    ramp: np.ndarray
    budgeted: np.ndarray
    store: np.ndarray
    charge_efficiency: np.ndarray
    discharge_efficiency: np.ndarray


@dataclass(frozen=True)
class Book:
    """A day's orders. unit: int [order]; side: [order], +1 sells, -1 buys; price: CNY/MWh, volume: MW [order, hour].

    A store is scheduled by the programme through its own orders: what it buys fills it, what it sells empties it.
    """

    unit: np.ndarray
    side: np.ndarray
    price: np.ndarray
    volume: np.ndarray


@dataclass(frozen=True)
class Day:
    """What the day asks.

    load: MW [bus, hour].  minimum: MW [unit, hour], must-run output.  energy: MWh [unit], budget of the day.
    stored, stored_end: MWh [unit], level at the start and least level at the end.
    link_available: MW [link, hour] forward; the reverse capacity and the minimum shrink alike.
    floor, cap: CNY/MWh at which power is disposed of and load is shed, at every bus, in any amount.
    output_before: MW [unit] in the hour before, NaN where the first hour's ramp is free.
    """

    load: np.ndarray
    minimum: np.ndarray
    energy: np.ndarray
    stored: np.ndarray
    stored_end: np.ndarray
    link_available: np.ndarray
    floor: float
    cap: float
    output_before: np.ndarray


@dataclass(frozen=True)
class Solution:
    """The day cleared; hour is the last axis, powers in MW, prices and shadows in CNY/MWh.

    accepted [order, hour].  output [unit, hour], injection less withdrawal.  price [bus, hour]; energy [bus, hour],
    the price at the area's reference; price - energy is congestion.
    line_flow, line_shadow [line, hour]: shadow >= 0, what a MW more of the binding limit saves.
    sent: leaves link_from; delivered: reaches link_to [link, hour]; both negative when the flow runs backwards.
    link_shadow [link, hour].  minimum_shadow [link, hour]: what a MW less of the binding minimum saves.
    joint_shadow [joint, hour].
    shed, disposed [bus, hour].  stored [unit, hour]: MWh at the hour's end.  energy_value [unit]: what a MWh more of
    the daily budget saves.
    rent: CNY [hour], price x (withdrawal - injection), links excluded.  residual: CNY, largest violation of
    rent = lines + links (fee + shadow) + joints.  imbalance: MW, largest at any bus and hour.
    objective: CNY, true costs.  kkt: largest relative residual of the optimality conditions under true costs.
    events: counts by name, those of `sheet.EVENTS`.
    """

    accepted: np.ndarray
    output: np.ndarray
    price: np.ndarray
    energy: np.ndarray
    line_flow: np.ndarray
    line_shadow: np.ndarray
    sent: np.ndarray
    delivered: np.ndarray
    link_shadow: np.ndarray
    minimum_shadow: np.ndarray
    joint_shadow: np.ndarray
    shed: np.ndarray
    disposed: np.ndarray
    stored: np.ndarray
    energy_value: np.ndarray
    rent: np.ndarray
    residual: float
    imbalance: float
    objective: float
    kkt: float
    events: dict


class CooptimisedEngine:
    """Clears day after day on one programme, each day starting from the basis of the last.

    tie_break: CNY/MWh per rank, added to costs so that equal offers have one order; prices and objective are those of
    the true costs. 0 switches it off.
    """

    def __init__(self, network: Network, fleet: Fleet, hours: int = 24, tie_break: float = 1e-6):
        self.network, self.fleet, self.hours, self.tie_break = network, fleet, hours, tie_break
        # a unit with rows of its own keeps its orders to itself; all others meet at their bus
        own = np.isfinite(fleet.ramp) | fleet.budgeted | (fleet.store > 0)
        self._place = np.where(own, np.arange(len(fleet.bus)), len(fleet.bus) + np.asarray(fleet.bus, np.int64))
        self.restart()

    def restart(self):
        """Forget every earlier day: what follows does not depend on what went before."""
        self._skeleton: Skeleton | None = None
        self._program: Program | None = None

    def clear(self, book: Book, day: Day) -> Solution:
        """Serve the day at least cost.

        Raises: ValueError where must-run passes the volume offered or a number is not finite; ClearingError where no
        optimum was found.
        """
        if not np.isfinite(day.load).all():
            raise ValueError("the load must be finite")
        steps = Steps.of(book, day.minimum, self._place)
        slots_added = self._fit(steps)
        sheet = Sheet.of(self._skeleton, steps, self._column, day, self.tie_break)
        sheet.events["slots_added"], begun = slots_added, self._program.iterations
        try:
            y, d = self._optimum(sheet)
        except NotOptimal as end:
            raise ClearingError(f"{end}: {self._asked(book, day)}") from end
        sheet.events["iterations"] = self._program.iterations - begun
        return self._solution(steps, book, day, sheet, y, d)

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
            if not (self._part_opposed(sheet, x) | self._add_violated(sheet, x)):
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
        """Add the rows of lines and ramps that are violated; tells whether there were any."""
        skeleton, program = self._skeleton, self._program
        activity = skeleton.activity(x)
        beyond = (activity < sheet.pool_lower - FLOW) | (activity > sheet.pool_upper + FLOW)
        keys = np.setdiff1d(np.flatnonzero(beyond), skeleton.pool)
        if not len(keys):
            return False
        program.append(skeleton.pool_rows(keys), sheet.pool_lower.ravel()[keys], sheet.pool_upper.ravel()[keys])
        skeleton.pool = np.concatenate([skeleton.pool, keys])
        sheet.events["rows_added"] += len(keys)
        return True

    def _solution(self, steps: Steps, book: Book, day: Day, sheet: Sheet, y, d) -> Solution:
        """Read the day back from the programme's solution and duals."""
        skeleton, network, fleet = self._skeleton, self.network, self.fleet
        x, d = self._program.x.reshape(-1, self.hours), d.reshape(-1, self.hours)
        accepted = steps.share(x[self._column], book.volume)
        output, stored = np.zeros_like(day.minimum), np.zeros_like(day.minimum)
        np.add.at(output, book.unit, book.side[:, None] * accepted)
        stored[skeleton.stores] = x[skeleton.stored]
        shed, disposed = x[skeleton.shed], x[skeleton.disposed]
        given = shed - disposed - day.load
        np.add.at(given, fleet.bus, output)
        forward, backward = x[skeleton.forward], x[skeleton.backward]
        kept = (1.0 - network.link_loss)[:, None]
        sent, delivered = forward - kept * backward, kept * forward - backward
        injection = given + skeleton.inject[:, : 2 * len(sent)] @ x[: 2 * len(sent)]
        flow = skeleton.factors @ injection + skeleton.at_rest[:, None]
        leaving = np.zeros_like(injection)
        np.add.at(leaving, network.line_from, flow)
        np.subtract.at(leaving, network.line_to, flow)
        price, energy, line_dual, joint_shadow, energy_value = self._read(y, day)
        against = np.where(sent < 0, d[skeleton.backward], d[skeleton.forward])
        link_shadow = np.maximum(-against, 0.0)
        minimum_shadow = np.where(forward > 0, np.maximum(against, 0.0), 0.0)
        rent = -(price * given).sum(axis=0)
        # what the network earns: lines by their duals, links by fee and shadows, joint limits by theirs
        earned = ((network.link_fee[:, None] * kept + link_shadow - minimum_shadow) * (forward + backward)).sum(axis=0)
        earned -= (line_dual * (flow - skeleton.at_rest[:, None])).sum(axis=0)
        for shadow, (_, members, _) in zip(joint_shadow, network.joints):
            earned += shadow * forward[members].sum(axis=0)
        return Solution(
            accepted=accepted, output=output, price=price, energy=energy, line_flow=flow,
            line_shadow=np.abs(line_dual), sent=sent, delivered=delivered, link_shadow=link_shadow,
            minimum_shadow=minimum_shadow, joint_shadow=joint_shadow, shed=shed, disposed=disposed, stored=stored,
            energy_value=energy_value, rent=rent, residual=float(np.abs(rent - earned).max()),
            imbalance=float(np.abs(injection - leaving).max()), objective=float((sheet.cost * x).sum()),
            kkt=self._program.kkt(y, d.ravel(), sheet.cost), events=sheet.events)

    def _read(self, y: np.ndarray, day: Day):
        """Prices [bus, hour] and their energy part, duals of lines, shadows of joints, values of budgets."""
        skeleton, network, hours = self._skeleton, self.network, self.hours
        areas, joints = len(network.reference), len(network.joints)
        line_dual = np.zeros((len(network.line_from) + len(day.minimum)) * hours)
        line_dual[skeleton.pool] = y[skeleton.static_rows:]
        line_dual = line_dual.reshape(-1, hours)[: len(network.line_from)]
        energy = y[: areas * hours].reshape(areas, hours)[network.area]
        joint = np.maximum(-y[areas * hours : (areas + joints) * hours].reshape(joints, hours), 0.0)
        value = np.zeros(len(day.minimum))
        last = skeleton.static_rows
        value[skeleton.budgeted] = np.maximum(-y[last - len(skeleton.budgeted) : last], 0.0)
        return energy + skeleton.factors.T @ line_dual, energy, line_dual, joint, value

    def _asked(self, book: Book, day: Day) -> str:
        """What the day asked, and what in it cannot be, for an error's message."""
        asked = [f"asked were {len(book.unit)} orders and {day.load.sum():g} MWh of load"]
        must, bought = day.minimum.sum(axis=1), np.zeros(len(day.minimum))
        np.add.at(bought, book.unit[book.side < 0], book.volume[book.side < 0].sum(axis=1))
        asked += [f"unit {u} must run {must[u]:g} MWh on a budget of {day.energy[u]:g} MWh"
                  for u in np.flatnonzero(self.fleet.budgeted & (must > day.energy))]
        reach = np.minimum(day.stored + bought * self.fleet.charge_efficiency, self.fleet.store)
        asked += [f"store {u} must end with {day.stored_end[u]:g} MWh but reaches {reach[u]:g} MWh at most"
                  for u in np.flatnonzero((self.fleet.store > 0) & (day.stored_end > reach))]
        asked += [f"links of joint limit {name} must send more than its {limit:g} MW" for name, members, limit
                  in self.network.joints if self.network.link_minimum[members].sum() > limit]
        return "; ".join(asked)
