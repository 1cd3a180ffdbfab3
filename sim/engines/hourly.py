"""The day hour by hour: every hour cleared alone, for markets in which actors schedule their own stores and water.

Numbers in, numbers out, as in `cooptimised`; the arithmetic is in `hourly_kernels` and `coupling_kernels`.
Source: nodal prices as multipliers of the least-cost dispatch [Schweppe1988].
"""

import numpy as np
from scipy import sparse

from sim.engines import coupling_kernels as coupling
from sim.engines import hourly_kernels as simplex
from sim.engines.coupling_kernels import Coupled
from sim.engines.hourly_kernels import Basis, Curves, Found, Net, Sheet, Work
from sim.engines.program import NotOptimal, Program
from sim.engines.reading import Optimum, solution
from sim.engines.records import Book, ClearingError, Day, Fleet, Network, Solution, asked
from sim.engines.sheet import link_limits
from sim.engines.skeleton import transfer_factors
from sim.engines.steps import SLACK, Steps

TURNS = 1000  # iterations an hour may take before HiGHS clears it; a dozen is usual
BINDING = 256  # lines and joint limits that may bind at a time before HiGHS clears the hour


class HourlyEngine:
    """Clears the hours of a day one after the other, each at least cost for itself and from the last one's basis.

    An hour never looks ahead. Stores, budgeted units and units with a ramp are scheduled by their own orders; the
    engine holds them to what is possible, hour by hour: a store's sales end at its level and its purchases at its
    room, a budgeted unit's sales at what the earlier hours and the must-run of the later ones leave of the day's
    budget, and a ramp limits each hour by the output of the last one. Where volumes are cut, the cheapest orders of
    the hour keep theirs. There is no dual of a daily budget: `energy_value` is NaN for budgeted units, 0 for others.

    tie_break: CNY/MWh per rank, added to costs so that equal offers have one order; prices and objective are those of
    the true costs. 0 switches it off.
    events: iterations; rows_added, limits that came to bind; opposing_flows, opposing_storage, ruled out;
    ramps_widened, as a unit follows its own volume or must-run; volumes_cut, sales cut by a store's level or a budget;
    true_cost_finishes, hours in which the tie-break was too coarse; fallbacks, hours that HiGHS had to clear.
    """

    def __init__(self, network: Network, fleet: Fleet, hours: int = 24, tie_break: float = 1e-6):
        self.network, self.fleet, self.hours, self.tie_break = network, fleet, hours, float(tie_break)
        self._flows = transfer_factors(network)
        self._net = _net(network, *self._flows)
        self._place = fleet.place()
        self._coupled = np.flatnonzero(self._place < len(fleet.bus))
        rows, sites = self._net.weight.shape
        slots = min(rows, self._net.areas + BINDING) + 1
        self._basis = Basis(np.zeros(1, np.int64), np.zeros(slots, np.int64), np.zeros(slots, np.int64),
                            np.zeros(slots, bool), np.zeros(rows, bool))
        self._work = Work(np.zeros((slots, slots)), np.zeros(slots, np.int64), *np.zeros((3, slots)),
                          *np.zeros((4, sites)), np.zeros(rows), np.zeros(sites + slots))

    def restart(self):
        """Forget earlier days, which is nothing to do here: every day starts from shedding, to the same last bit.

        To start from the last day's basis instead would save one iteration in ten.
        """

    def clear(self, book: Book, day: Day) -> Solution:
        """Serve every hour of the day at least cost.

        Raises: ValueError where must-run passes the volume offered, a number is not finite, a store must keep
        something for midnight or reserve is asked; ClearingError where no optimum was found, or must-run passes budget
        or store.
        """
        if not np.isfinite(day.load).all():
            raise ValueError("the load must be finite")
        if (day.stored_end[self.fleet.store > 0] > 0).any():
            raise ValueError("hours cleared alone cannot promise what a store holds at the end: ask for 0 MWh")
        if day.reserve is not None:
            raise ValueError("hours cleared alone hold nothing back: sell reserve after energy, see `reserves`")
        if (day.minimum.sum(axis=1) > day.energy + SLACK)[self.fleet.budgeted].any():
            raise ClearingError(asked(self.network, self.fleet, book, day))
        steps = Steps.of(book, day.minimum, self._place)
        sheet = self._sheet(steps, day)
        coupled, found = self._bonds(steps, day), self._empty(sheet)
        self._cold()
        fallbacks = self._run(sheet, _curves(sheet, self._net), coupled, found, book, day)
        return solution(self.network, self.fleet, self._flows, steps, book, day,
                        self._read(sheet, coupled, found, fallbacks))

    def _run(self, sheet: Sheet, curves: Curves, coupled: Coupled, found: Found, book: Book, day: Day) -> int:
        """Clear all hours; gives the number of those that HiGHS had to clear."""
        fallbacks, tied = 0, len(coupled.first) > 0
        stride = 1 if tied else self.hours
        for first in range(0, self.hours, stride):
            lower, upper, x = sheet.lower[first], sheet.upper[first], found.x[first]
            empty = coupling.cut(coupled, lower, upper, sheet.cost[first], first) if tied else -1
            if empty >= 0:
                unit = self._coupled[empty]
                raise ClearingError(f"unit {unit} must run at {day.minimum[unit, first]:g} MW in hour {first} but its "
                                    f"store holds {coupled.level[empty]:g} MWh")
            while True:
                hour, stop = first, first + stride
                while hour < stop:
                    hour = simplex.clear_hours(self._net, sheet, self.tie_break, TURNS, self._basis, curves, self._work,
                                               found, hour, stop)
                    if hour < stop:
                        self._by_highs(sheet, found, hour, book, day)
                        fallbacks, hour = fallbacks + 1, hour + 1
                if not tied or coupling.carry(coupled, lower, upper, x, first):
                    break
        return fallbacks

    def _by_highs(self, sheet: Sheet, found: Found, hour: int, book: Book, day: Day):
        """Clear an hour by HiGHS under true costs, all rows from the start; the simplex begins anew after it."""
        net, program = self._net, Program(generic=False)
        idle = net.weight @ sheet.base[hour]
        program.load(sparse.csr_array(net.weight[:, sheet.site] * sheet.side))
        program.price(sheet.cost[hour])
        program.bound_rows(net.low - idle, net.high - idle)
        while True:
            program.bound(sheet.lower[hour], sheet.upper[hour])
            try:
                program.solve()
            except NotOptimal as end:
                raise ClearingError(f"{end} in hour {hour}: {asked(self.network, self.fleet, book, day)}") from end
            found.x[hour] = program.x
            if not simplex.part_flows(net, sheet, hour, found):
                break
        found.dual[hour], against = program.duals(sheet.cost[hour])
        found.against[hour] = against[: 2 * net.links]
        found.kkt[hour] = program.kkt(found.dual[hour], against, sheet.cost[hour])
        self._cold()

    def _sheet(self, steps: Steps, day: Day) -> Sheet:
        """Bounds, costs and places of all columns."""
        network, buses, links = self.network, self.network.buses, self._net.links
        fixed = 2 * (links + buses)
        least, forward, backward = link_limits(network, day)
        # more than can ever be shed or disposed of, so that every column has two bounds
        most = 1.0 + np.abs(day.load).sum(axis=0) + sum(part.sum(axis=0) for part in (steps.upper, forward, backward))
        lower, upper, cost = np.zeros((3, self.hours, fixed + len(steps.place)))
        lower[:, :links], upper[:, :links], upper[:, links : 2 * links] = least.T, forward.T, backward.T
        upper[:, 2 * links : fixed] = most[:, None]
        lower[:, fixed:], upper[:, fixed:], cost[:, fixed:] = steps.lower.T, steps.upper.T, steps.cost.T
        cost[:, : 2 * links] = np.tile(network.link_fee * (1.0 - network.link_loss), 2)
        cost[:, 2 * links : 2 * links + buses], cost[:, 2 * links + buses : fixed] = day.cap, -day.floor
        base = np.zeros((self.hours, buses + 2 * links))
        base[:, :buses] = -day.load.T
        own, units = steps.place < len(self.fleet.bus), len(self.fleet.bus)
        at = np.where(own, self.fleet.bus[np.where(own, steps.place, 0)] if units else 0, steps.place - units)
        bus, rank = np.arange(buses), np.empty(cost.shape[1])
        rank[np.argsort(cost.sum(axis=0), kind="stable")] = np.arange(1.0, len(rank) + 1)
        side = np.concatenate([np.ones(2 * links + buses), -np.ones(buses), steps.side])
        return Sheet(base, lower, upper, cost, rank, np.concatenate([buses + np.arange(2 * links), bus, bus, at]), side)

    def _cold(self):
        """The basis of shedding at every area's reference."""
        basis, areas = self._basis, self._net.areas
        basis.size[0], basis.row[:areas] = areas, np.arange(areas)
        basis.column[:areas] = 2 * self._net.links + np.asarray(self.network.reference)
        basis.binds[:] = False
        basis.binds[:areas] = True

    def _bonds(self, steps: Steps, day: Day) -> Coupled:
        """The units whose hours hang together, with the columns of their steps."""
        units, fleet, fixed = self._coupled, self.fleet, 2 * (self._net.links + self.network.buses)
        curve = steps.place * 2 + (steps.side < 0)
        first, middle, last = (fixed + np.searchsorted(curve, 2 * units + part) for part in range(3))
        minimum = np.ascontiguousarray(day.minimum[units].T, float)
        later = np.cumsum(minimum[::-1], axis=0)[::-1] - minimum
        ramp, holds, into, back, level, left, before = (
            np.asarray(values, float)[units] for values in
            (fleet.ramp, fleet.store, fleet.charge_efficiency, fleet.discharge_efficiency,
             np.minimum(day.stored, fleet.store), day.energy, day.output_before))
        budgeted = np.asarray(fleet.budgeted, bool)[units]
        return Coupled(first, middle, last, minimum, later, ramp, holds, into, back, budgeted, level, left, before,
                       np.zeros_like(minimum), np.zeros(3, np.int64))

    def _empty(self, sheet: Sheet) -> Found:
        """Room for the optimum."""
        hours, columns = sheet.cost.shape
        return Found(np.zeros((hours, columns)), np.zeros((hours, len(self._net.low))),
                     np.zeros((hours, 2 * self._net.links)), np.zeros(hours), np.zeros(4, np.int64))

    def _read(self, sheet: Sheet, coupled: Coupled, found: Found, fallbacks: int) -> Optimum:
        """The optimum by kind of column and row, hour last."""
        links, buses, lines = self._net.links, self.network.buses, len(self.network.line_from)
        parts = np.cumsum([links, links, buses, buses])
        forward, backward, shed, disposed, given = np.split(found.x.T, parts)
        energy, line_dual, joint_dual = np.split(found.dual.T, np.cumsum([self._net.areas, lines]))
        stored = np.zeros((len(self.fleet.bus), self.hours))
        stored[self._coupled] = coupled.levels.T
        iterations, rows, flows, finishes = (int(count) for count in found.counts)
        storage, ramps, cuts = (int(count) for count in coupled.counts)
        return Optimum(
            given=given, forward=forward, backward=backward, shed=shed, disposed=disposed, stored=stored,
            energy=energy, line_dual=line_dual, joint_dual=joint_dual, against_forward=found.against.T[:links],
            against_backward=found.against.T[links:], energy_value=np.where(self.fleet.budgeted, np.nan, 0.0),
            reserved=np.zeros((0, len(self.fleet.bus), self.hours)), reserve_price=np.zeros((0, 0, self.hours)),
            reserve_short=np.zeros((0, 0, self.hours)),
            objective=float((sheet.cost * found.x).sum()), kkt=float(found.kkt.max(initial=0.0)),
            events={"iterations": iterations, "rows_added": rows, "opposing_flows": flows, "opposing_storage": storage,
                    "ramps_widened": ramps, "volumes_cut": cuts, "true_cost_finishes": finishes,
                    "fallbacks": fallbacks})


def _net(network: Network, factors: np.ndarray, at_rest: np.ndarray) -> Net:
    """Rows over sites: what a MW given at a bus, or sent over a link either way, adds to balances, lines and joints."""
    areas, links, kept = len(network.reference), len(network.link_from), 1.0 - network.link_loss
    at_bus = np.concatenate([np.zeros((areas, network.buses)), factors])
    at_bus[network.area, np.arange(network.buses)] = 1.0
    start, end = at_bus[:, network.link_from], at_bus[:, network.link_to]
    member = np.zeros((len(network.joints), network.buses + 2 * links))
    for row, (_, members, _) in enumerate(network.joints):
        member[row, network.buses + np.asarray(members, int)] = 1.0
    weight = np.ascontiguousarray(np.concatenate([np.hstack([at_bus, kept * end - start, kept * start - end]), member]))
    limit = np.array([float(limit) for _, _, limit in network.joints])
    # links never send less than nothing, so a joint's lower side is never reached
    low = np.concatenate([np.zeros(areas), -network.line_capacity - at_rest, np.full(len(limit), -1.0)])
    high = np.concatenate([np.zeros(areas), network.line_capacity - at_rest, limit])
    return Net(weight, np.ascontiguousarray(weight.T), low, high, areas, links)


def _curves(sheet: Sheet, net: Net) -> Curves:
    """The curves of all sites, places in the order of the day's mean prices; prices and widths come with the hour."""
    column, sites = np.lexsort((sheet.side * sheet.cost.sum(axis=0), sheet.site)), net.weight.shape[1]
    first = np.searchsorted(sheet.site[column], np.arange(sites + 1))
    return Curves(first, column, *np.zeros((2, len(column))), first[:-1].copy(), np.zeros(sites, bool))
