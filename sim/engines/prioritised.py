"""Clearing by turns: markets of nearer reach first, each later one with what the earlier left.

In its turn a market opens its links; whoever was taken in an earlier turn stays taken. The last turn's dispatch is one
that a clearing over all links at once could have chosen too, so it never costs less.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sim.engines.records import Book, Day, Fleet, Network, Solution
from sim.engines.steps import by_position

TRIM = 1e-7  # share by which a must-run level stays below what was taken, lest rounding ask for more than is offered


@dataclass(frozen=True)
class InTurns:
    """solution: the last turn's, orders as given, objective at true costs.  turns: how many clearings it took."""

    solution: Solution
    turns: int


def prioritised(clear: Callable[[Book, Day], Solution], network: Network, fleet: Fleet, book: Book, day: Day,
                turn: np.ndarray, before: np.ndarray | None = None) -> InTurns:
    """Clear a day by turns.

    clear: an engine's, e.g. `HourlyEngine.clear`.  turn: int [link], the turn in which a link opens, 0 for the first.
    before: MW [link, hour] that a link may carry before its turn (an agreed schedule); None for nothing.
    What plants sold in a turn is a must-run level in the next; what was bought is bid for at the cap. Stores are
    scheduled anew in each turn. Energy to which a least flow through a link obliges is taken from the turn's offers.
    Raises: what the engine raises.
    """
    store = fleet.store > 0
    free = ~store[book.unit]
    kept = np.zeros_like(book.volume)
    minimum, last = day.minimum, int(turn.max(initial=0))
    for now in range(last + 1):
        shut = (turn > now)[:, None]
        allowed = np.zeros_like(day.link_available) if before is None else np.minimum(before, day.link_available)
        today = replace(day, minimum=minimum, link_available=np.where(shut, allowed, day.link_available))
        if day.link_held is not None:
            today = replace(today, link_held=tuple(np.where(shut, np.nan, held) for held in day.link_held))
        asked, whose = _asked(book, kept, day.cap)
        found = clear(asked, today)
        accepted = by_position(found.accepted, whose, len(book.unit))
        buys = book.side < 0
        kept = np.where((buys & free)[:, None], np.minimum(accepted, book.volume), 0.0)
        gives = np.where((~buys & free)[:, None], accepted, 0.0)
        minimum = np.maximum(day.minimum, (1 - TRIM) * by_position(gives, book.unit, len(day.minimum)))
    return InTurns(replace(found, accepted=accepted, objective=cost(network, book, accepted, found, day)), last + 1)


def _asked(book: Book, kept: np.ndarray, cap: float) -> tuple[Book, np.ndarray]:
    """The book with what was bought before as bids at the cap, and int [order], whose order each one was."""
    rows = np.flatnonzero((kept > 0).any(axis=1))
    rest = np.maximum(book.volume - kept, 0.0)
    whose = np.concatenate([np.arange(len(book.unit)), rows])
    price = np.concatenate([book.price, np.full((len(rows), book.price.shape[1]), cap)])
    return Book(book.unit[whose], book.side[whose], price, np.concatenate([rest, kept[rows]])), whose


def cost(network: Network, book: Book, accepted: np.ndarray, found: Solution, day: Day) -> float:
    """CNY of a dispatch at true costs: offers less bids, fees on what links deliver, shedding, disposal.

    accepted: MW [order, hour] of the book; the flows, shedding and disposal are those found.
    """
    orders = (book.side[:, None] * book.price * accepted).sum()
    fees = (network.link_fee[:, None] * np.maximum(found.delivered, -found.sent)).sum()
    return float(orders + fees + day.cap * found.shed.sum() - day.floor * found.disposed.sum())
