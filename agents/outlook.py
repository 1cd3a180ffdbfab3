"""Outlook: what anybody can expect of a typical day of each month, and what a MWh more of stored water earns on it.

The public facts of the market (capacities, costs, must-run, availability, demand, corridors with their capacity, loss
and fee) make a merit order for every hour. A linear programme clears a typical day with a given energy from all
reservoirs together; the dual of that energy is what the last MWh earned, net of its operation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import highspy
import numpy as np
from scipy import sparse

from sim.messages import Conditions
from sim.network.grid import NEIGHBOUR, STORE, USER
from sim.network.pools import POOL
from sim.units import HOURS

if TYPE_CHECKING:
    from sim.network.grid import Grid
    from sim.network.ground import Ground

BLOCK = 2  # hours cleared as one: a typical day has no sharper hour
PERIODS = HOURS // BLOCK


class NoPlan(ValueError):
    """A world whose water nobody can plan: its values do not settle, or its typical day cannot be served."""


@dataclass(frozen=True)
class Outlook:
    """A typical day of every month, as everybody can know it. Month axis first, hour (or block of hours) last.

    load: MW [month, bus, period], less what must run.  bus: int [offer]; sells: bool [offer], else it buys; price:
    CNY/MWh [offer]; volume: MW [month, offer, period], what is free to run.
    start, end: int [tie], buses of a corridor; most: MW [month, tie, period] sent, least: MW [tie], negative where
    power may flow back without loss or fee (an AC line).  loss: share of what is sent [tie]; fee: CNY/MWh delivered.
    joint: bool [limit, tie], members of a limit on the sum of what is sent; joint_most: MW [limit].
    reservoir: MW [month, bus], turbines of all reservoirs; operation: CNY/MWh, their variable cost.
    floor, cap: CNY/MWh, where the market prices surplus and scarcity.
    """

    load: np.ndarray
    bus: np.ndarray
    sells: np.ndarray
    price: np.ndarray
    volume: np.ndarray
    start: np.ndarray
    end: np.ndarray
    most: np.ndarray
    least: np.ndarray
    loss: np.ndarray
    fee: np.ndarray
    joint: np.ndarray
    joint_most: np.ndarray
    reservoir: np.ndarray
    operation: float
    floor: float
    cap: float

    @property
    def digest(self) -> str:
        """Fingerprint of all its figures."""
        figures = sha256()
        for value in vars(self).values():
            figures.update(np.ascontiguousarray(value, dtype=float).tobytes())
        return figures.hexdigest()

    @classmethod
    def of(cls, ground: "Ground", grid: "Grid", days: Sequence[Conditions], floor: float, cap: float) -> "Outlook":
        """Of a typical day's Conditions for each of the twelve months and the market's price limits."""
        units, reservoirs = grid.units, ground.reservoir_units
        price, sells = public_prices(ground, grid)
        trades = np.isfinite(price)
        trades[reservoirs] = False
        lasting = [np.where(trades, _lasting(day), 1.0) for day in days]  # a reservoir's energy is what is asked for
        available = blocks([day.available * share[:, None] for day, share in zip(days, lasting)])
        must = blocks([day.minimum for day in days]) * trades[:, None]
        load = blocks([day.load for day in days])
        for month in range(len(days)):
            np.subtract.at(load[month], units.bus, must[month])
        bus, side, cost, volume = merged(units.bus[trades], sells[trades], price[trades],
                                         (available - must)[:, trades])
        turbines = np.zeros((len(days), len(grid.bus)))
        for month in range(len(days)):
            np.add.at(turbines[month], units.bus[reservoirs], available[month, reservoirs].mean(axis=1))
        weight = units.capacity[reservoirs]
        operation = float(np.average(price[reservoirs], weights=weight)) if len(reservoirs) else 0.0
        return cls(load, bus, side, cost, volume, **_ties(grid, days), reservoir=turbines, operation=operation,
                   floor=floor, cap=cap)


def public_prices(ground: "Ground", grid: "Grid") -> tuple[np.ndarray, np.ndarray]:
    """At what a unit sells or buys in the grid's year, CNY/MWh [unit], and whether it sells, bool [unit]; nan for
    stores: they do both."""
    world, first = ground.world, ground.first
    price, sells = np.full(len(grid.units), np.nan), np.ones(len(grid.units), bool)
    price[: first[STORE]] = grid.units.cost[: first[STORE]] * (1 + world["plants"]["markup"])
    price[first[USER]: first[NEIGHBOUR]] = world["smelters"]["willingness"]
    price[first[NEIGHBOUR]: first[POOL]] = world["borders"]["price"]
    sells[first[USER]: first[NEIGHBOUR]] = False
    sells[first[NEIGHBOUR]: first[POOL]] = world["borders"]["side"] == "sell"
    return price, sells


def _lasting(day: Conditions) -> np.ndarray:
    """Share of a unit's power that its energy of the day lets it give in every hour, [unit]."""
    able = day.available.sum(axis=1)
    return np.divide(np.minimum(day.energy, able), able, out=np.ones_like(able), where=able > 0)


def blocks(days: Sequence[np.ndarray]) -> np.ndarray:
    """Means over blocks of hours, one row a day: [day][row, hour] -> [day, row, period]."""
    hours = np.asarray(days, float)
    return hours.reshape(*hours.shape[:-1], PERIODS, BLOCK).mean(axis=-1)


def merged(bus, sells, price, volume):
    """Offers of one side at one bus and price as one: (bus, sells, price, volume); volume: [month, offer, period]."""
    names, row = np.unique(np.column_stack([bus, sells, price]), axis=0, return_inverse=True)
    total = np.zeros((len(volume), len(names), volume.shape[2]))
    for month in range(len(volume)):
        np.add.at(total[month], row.ravel(), volume[month])
    return names[:, 0].astype(int), names[:, 1].astype(bool), names[:, 2], total


def _ties(grid: "Grid", days: Sequence[Conditions]) -> dict:
    """Corridors as ties: lines (both ways, free), links forward, links back where they may run back."""
    back = np.flatnonzero(grid.link_reverse > 0)
    lines, links = len(grid.line), len(grid.link)
    share = blocks([day.link_share for day in days])
    still = np.ones((len(days), 1, PERIODS))
    joint = np.zeros((len(grid.joints), lines + links + len(back)), bool)
    for row, (_, members, _) in enumerate(grid.joints):
        joint[row, lines + members] = True
    return {
        "start": np.concatenate([grid.line_from, grid.link_from, grid.link_to[back]]),
        "end": np.concatenate([grid.line_to, grid.link_to, grid.link_from[back]]),
        "most": np.concatenate([still * grid.line_capacity[:, None], share * grid.link_capacity[:, None],
                                share[:, back] * grid.link_reverse[back, None]], axis=1),
        "least": np.concatenate([-grid.line_capacity, grid.link_minimum, np.zeros(len(back))]),
        "loss": np.concatenate([np.zeros(lines), grid.link_loss, grid.link_loss[back]]),
        "fee": np.concatenate([np.zeros(lines), grid.link_fee, grid.link_fee[back]]),
        "joint": joint, "joint_most": np.array([limit for _, _, limit in grid.joints], float)}


def marginal_value(outlook: Outlook, energy: np.ndarray) -> np.ndarray:
    """What one MWh more from the reservoirs is worth on a typical day, CNY/MWh [month, level].

    energy: MWh of the day from all reservoirs together [month, level], rising with the level. The value falls with
    it and is never negative: energy need not be used. Transport between buses follows capacity, loss and fee only
    (Kirchhoff's laws bend it little when the question is what a month's water is worth).
    Raises: NoPlan when a typical day has no solution.
    """
    day, value = _TypicalDay(outlook), np.empty(energy.shape)
    for month, levels in enumerate(energy):
        day.turn(month)
        value[month] = [day.value(level) for level in levels]
    return np.minimum.accumulate(np.maximum(value, 0.0), axis=1)  # equal duals may differ by a solver's rounding


class _TypicalDay:
    """One linear programme, whose figures are changed from month to month and level to level.

    Columns of a period: offers, ties, then by bus reservoirs, shedding and disposal. Rows of a period: the balance of
    each bus, then the limits on sums of ties. The last row of all is the day's energy from the reservoirs.
    """

    def __init__(self, outlook: Outlook):
        self.outlook, self.buses = outlook, outlook.load.shape[1]
        buses = sparse.eye_array(self.buses)
        balance = sparse.hstack([self._trades(), self._flows(), buses, buses, -buses])
        limits = sparse.hstack([sparse.coo_array((len(outlook.joint), len(outlook.bus))),
                                sparse.coo_array(outlook.joint.astype(float)),
                                sparse.coo_array((len(outlook.joint), 3 * self.buses))])
        period = sparse.vstack([balance, limits])
        hydro = np.zeros(period.shape[1])
        hydro[len(outlook.bus) + len(outlook.start):][:self.buses] = BLOCK
        self.solver = _solver(np.tile(self._costs(), PERIODS) * BLOCK, sparse.vstack(
            [sparse.kron(sparse.eye_array(PERIODS), period), np.tile(hydro, PERIODS)[None]], format="csc"))

    def _trades(self) -> sparse.coo_array:
        """What offers put in at their bus, or take out, [bus, offer]."""
        o = self.outlook
        return sparse.coo_array((np.where(o.sells, 1.0, -1.0), (o.bus, np.arange(len(o.bus)))),
                                shape=(self.buses, len(o.bus)))

    def _flows(self) -> sparse.coo_array:
        """What ties take out where they start and bring where they end, [bus, tie]."""
        o, tie = self.outlook, np.arange(len(self.outlook.start))
        return sparse.coo_array((np.concatenate([np.full(len(tie), -1.0), 1 - o.loss]),
                                 (np.concatenate([o.start, o.end]), np.tile(tie, 2))), shape=(self.buses, len(tie)))

    def _costs(self) -> np.ndarray:
        """CNY/MWh of each column of a period; disposal earns the floor, which is a cost when the floor is negative."""
        o = self.outlook
        return np.concatenate([np.where(o.sells, o.price, -o.price), o.fee * (1 - o.loss),
                               np.full(self.buses, o.operation), np.full(self.buses, o.cap),
                               np.full(self.buses, -o.floor)])

    def turn(self, month: int) -> None:
        """Take a month's load, volumes and capacities."""
        o = self.outlook
        turbines = np.repeat(o.reservoir[month][:, None], PERIODS, axis=1)
        open_end = np.full((2 * self.buses, PERIODS), np.inf)
        upper = np.concatenate([o.volume[month], o.most[month], turbines, open_end])
        lower = np.zeros_like(upper)
        ties = slice(len(o.bus), len(o.bus) + len(o.start))
        lower[ties] = np.minimum(o.least[:, None], o.most[month])  # a link in outage carries no minimum
        column = np.arange(upper.size, dtype=np.int32)
        self.solver.changeColsBounds(upper.size, column, lower.T.ravel(), upper.T.ravel())
        limit = np.repeat(o.joint_most[:, None], PERIODS, axis=1)
        least = np.concatenate([o.load[month], np.full(limit.shape, -np.inf)]).T.ravel()
        most = np.concatenate([o.load[month], limit]).T.ravel()
        self.solver.changeRowsBounds(least.size, np.arange(least.size, dtype=np.int32), least, most)
        self.month = month

    def value(self, energy: float) -> float:
        """What one MWh more of the day's energy saves, CNY/MWh."""
        budget = self.solver.getNumRow() - 1
        self.solver.changeRowBounds(budget, -np.inf, float(energy))
        self.solver.run()
        status = self.solver.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise NoPlan(f"typical day of month {self.month + 1} with {energy:.0f} MWh from the reservoirs: "
                             f"{self.solver.modelStatusToString(status)}")
        return -self.solver.getSolution().row_dual[budget]


def _solver(cost: np.ndarray, matrix: sparse.csc_array) -> highspy.Highs:
    """HiGHS with a minimisation of these costs under this matrix; all bounds are still zero."""
    solver = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("solver", "simplex"), ("random_seed", 0)):
        if solver.setOptionValue(option, value) != highspy.HighsStatus.kOk:  # it refuses with a status only
            raise RuntimeError(f"HiGHS refuses the option {option}")
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, np.zeros(len(cost)), np.zeros(len(cost))
    lp.row_lower_ = lp.row_upper_ = np.zeros(matrix.shape[0])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
    lp.a_matrix_.value_ = matrix.data
    solver.passModel(lp)
    return solver
