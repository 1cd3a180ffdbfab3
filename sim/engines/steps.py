"""Orders become steps: equal orders at one place are one step, and what a step gets is shared pro rata.

The place of an order is its unit, where the unit has rows of its own in the programme (a ramp, a daily budget, a
store); all other orders meet at their bus, where only the price tells them apart.
"""

from dataclasses import dataclass

import numpy as np

SLACK = 1e-6  # MW by which a must-run level may pass the offered volume: rounding, not power


@dataclass(frozen=True)
class Steps:
    """A day's orders as the programme sees them: the steps of supply and demand curves.

    place: int [step], unit, or number of units + bus.  side: int [step], +1 sells, -1 buys.
    number: int [step], position in the curve of its place and side, cheapest for the system first.
    cost: CNY/MWh [step, hour], the price of a sell step, minus the price of a buy step.
    lower, upper: MW [step, hour], must-run part and volume.
    member: int [order], the step of each order.  least: MW [order, hour], must-run part of each order.
    """

    place: np.ndarray
    side: np.ndarray
    number: np.ndarray
    cost: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    member: np.ndarray
    least: np.ndarray

    @classmethod
    def of(cls, book, minimum: np.ndarray, place_of_unit: np.ndarray) -> "Steps":
        """Merge the orders of a book (see `records.Book`).

        minimum: MW [unit, hour].  place_of_unit: int [unit].
        Raises: ValueError where a unit must run above the volume it offers, or orders are not finite or negative.
        """
        _check(book, minimum)
        cost, place = book.side[:, None] * book.price, place_of_unit[book.unit]
        spread = np.sqrt(np.arange(1.0, cost.shape[1] + 1))  # tells rows of one sum apart
        rank = np.lexsort(((book.volume * spread).sum(axis=1), book.unit, (cost * spread).sum(axis=1),
                           cost.sum(axis=1), -book.side, place))
        cost, place, side = cost[rank], place[rank], book.side[rank].astype(np.int64)
        volume, unit = book.volume[rank], book.unit[rank]
        least = _least(unit, side, cost, volume, minimum)

        curve = place * 2 + (side < 0)
        fresh = np.ones(len(rank), bool)
        fresh[1:] = (np.diff(curve) != 0) | (cost[1:] != cost[:-1]).any(axis=1)
        first = np.flatnonzero(fresh)
        starts = np.searchsorted(curve[first], curve[first])
        member = np.empty(len(rank), np.int64)
        member[rank] = np.cumsum(fresh) - 1
        by_order = np.empty_like(least)
        by_order[rank] = least
        return cls(place[first], side[first], np.arange(len(first)) - starts, cost[first], _sum(least, first),
                   _sum(volume, first), member, by_order)

    def share(self, given: np.ndarray, volume: np.ndarray) -> np.ndarray:
        """Divide what each step was given over its orders: must-run first, the rest pro rata.

        given: MW [step, hour].  volume: MW [order, hour].  Result: MW [order, hour].
        """
        room = self.upper - self.lower
        part = np.divide(given - self.lower, room, out=np.zeros_like(room), where=room > 0)
        return self.least + np.clip(part, 0.0, 1.0)[self.member] * (volume - self.least)


def by_position(rows: np.ndarray, position: np.ndarray, count: int) -> np.ndarray:
    """Sum the rows [row, hour] that share a position (int [row]): [count, hour]."""
    hours = rows.shape[1]
    cell = position[:, None] * hours + np.arange(hours)
    return np.bincount(cell.ravel(), rows.ravel(), count * hours).reshape(count, hours)


def _sum(rows: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Sum runs of rows that begin at the given positions."""
    return np.add.reduceat(rows, first, axis=0) if len(first) < len(rows) else rows


def _check(book, minimum):
    """Refuse what no clearing can honour."""
    if not (np.isfinite(book.price).all() and np.isfinite(book.volume).all() and (book.volume >= 0).all()):
        raise ValueError("orders need finite prices and finite volumes that are not negative")
    if not (np.isfinite(minimum).all() and (minimum >= 0).all()):
        raise ValueError("must-run levels must be finite and not negative")
    offered = by_position(book.volume[book.side > 0], book.unit[book.side > 0], len(minimum))
    if (minimum > offered + SLACK).any():
        unit, hour = np.argwhere(minimum > offered + SLACK)[0]
        raise ValueError(f"unit {unit} must run at {minimum[unit, hour]:g} MW in hour {hour} "
                         f"but offers {offered[unit, hour]:g} MW")


def _least(unit, side, cost, volume, minimum):
    """Must-run part of each order, MW [order, hour]: a unit's cheapest offers of the hour come first.

    As a unit's offers are taken cheapest first anyway, this is the must-run limit on their sum.
    """
    least = np.zeros_like(volume)
    rows = np.flatnonzero((side > 0) & (minimum[unit] > 0).any(axis=1))
    if not len(rows):
        return least
    unit, cost, volume = unit[rows], cost[rows].T, volume[rows].T
    by = np.lexsort((cost, np.broadcast_to(unit, cost.shape)))  # [hour, order]: by unit, then by cost of the hour
    sorted_unit, volume = unit[by[0]], np.take_along_axis(volume, by, axis=1)
    before = np.cumsum(volume, axis=1) - volume
    before -= before[:, np.searchsorted(sorted_unit, sorted_unit)]
    filled = np.empty_like(volume)
    np.put_along_axis(filled, by, np.clip(minimum[sorted_unit].T - before, 0.0, volume), axis=1)
    least[rows] = filled.T
    return least
