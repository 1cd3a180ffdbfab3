"""Positions: what was sold ahead of delivery, by party and hour of the open month; and the flows that trades schedule.

The only home of contracts. The model writes it after a Trade; bills read it, and actors their own rows. A contract
delivers alike on every day of a month, so a month is one day of 24 hours. Contracts of a year stand until the next
year's are made; a month is opened from them.
"""

from dataclasses import dataclass

import numpy as np

from sim.calendar import Month
from sim.messages import Trade
from sim.units import HOURS


@dataclass(frozen=True)
class Book:
    """The contracts of one market that settle against one bus. reference: int, the bus.

    sold: MW [party, hour], what a party has sold less what it has bought.  value: CNY [party, hour], at contract
    prices.
    """

    reference: int
    sold: np.ndarray
    value: np.ndarray


class Positions:
    """What stands for the open month. books: by market and reference bus.  schedule: MW [link, hour] at the sending
    end, nan on links of which no trade says anything.  bus: int [party], where each party stands."""

    def __init__(self, parties: int, links: int):
        self.month: Month | None = None
        self.bus = np.zeros(parties, np.int32)
        self.books: dict[tuple[str, int], Book] = {}
        self._yearly: dict[str, Trade] = {}
        self.resize(parties, links)

    def resize(self, parties: int, links: int):
        """Take the sizes of a grid, once a year before anything of it is traded: what earlier years sold is over."""
        self._parties, self._yearly = parties, {}
        self.schedule = np.full((links, HOURS), np.nan)

    def open(self, month: Month):
        """Begin a month with what the contracts of the year bring it."""
        self.month, self.books = month, {}
        self.schedule[:] = np.nan
        for trade in self._yearly.values():
            self._enter(trade)

    def add(self, trade: Trade):
        """Take down a trade: of a year for every month that opens from now on, of a month for the open one."""
        if trade.months is None and trade.sent is None:
            return
        if trade.rhythm == "year":
            self._yearly[trade.market] = trade
        else:
            self._enter(trade)

    @property
    def sold(self) -> np.ndarray:
        """MW [party, hour] over all books: sold less bought; what is negative was bought."""
        return sum((book.sold for book in self.books.values()), np.zeros((self._parties, HOURS)))

    def _enter(self, trade: Trade):
        """Write a trade into the open month."""
        of_month = self.month.month - 1
        if trade.months is not None:
            power = trade.orders.side[:, None] * trade.accepted * trade.months[:, of_month, None]
            for reference in np.unique(trade.reference):
                mine = trade.reference == reference
                key = trade.market, int(reference)
                book = self.books.setdefault(key, Book(key[1], *np.zeros((2, self._parties, HOURS))))
                np.add.at(book.sold, trade.orders.unit[mine], power[mine])
                np.add.at(book.value, trade.orders.unit[mine], (power * trade.price)[mine])
        if trade.sent is not None:
            sent = trade.sent[:, of_month]
            said = ~np.isnan(sent)
            self.schedule[said] = np.nan_to_num(self.schedule[said]) + sent[said]
