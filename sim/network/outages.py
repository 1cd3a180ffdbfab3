"""Planned outages: weeks a year, spread evenly over the months in which they are taken.

One plant stands still for weeks at a time; a cluster of plants, and a year of many plants, loses a share of its
capacity in those months. The share is what the clearing sees.
"""

from typing import Annotated

import numpy as np
from pydantic import AfterValidator

from sim.calendar import Month
from sim.config import BadInput, Row, Table, bounded
from sim.units import Weeks

DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])  # of the months of a common year


def _months(text: str) -> str:
    """Month numbers separated by blanks, each once, in a cell."""
    numbers = [int(word) if word.isdecimal() else 0 for word in text.split()]
    if not numbers or not all(1 <= number <= 12 for number in numbers) or len(set(numbers)) < len(numbers):
        raise ValueError("expected month numbers 1 to 12 separated by blanks, each once, such as '11 12 1 2 3'")
    return text


class Outage(Row):
    """A row of `outages.csv`: weeks of planned outage a year and the months, by number, in which they are taken."""

    key: str
    weeks: bounded(Weeks, ge=0, le=52)
    months: Annotated[str, AfterValidator(_months)]
    source: str

    @property
    def rows(self) -> list[int]:
        """The months as positions, 0 for January."""
        return [int(word) - 1 for word in self.months.split()]

    @property
    def share(self) -> float:
        """Share of capacity that is out in each of its months."""
        return self.weeks * 7 / DAYS[self.rows].sum()

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Weeks fit in their months. Raises: BadInput."""
        for i, outage in enumerate(table):
            if outage.share > 1:
                raise BadInput(table.fault(i, "weeks", f"{outage.weeks:g} weeks do not fit in months {outage.months}"))


class Outages:
    """What is out by calendar key and month."""

    def __init__(self, table: Table):
        self._out = {outage.key: np.zeros(12) for outage in table}
        for outage in table:
            self._out[outage.key][outage.rows] = outage.share

    def in_service(self, keys) -> np.ndarray:
        """Share of capacity in service [row, month] of rows that name an outage (None: never out)."""
        return np.array([1.0 - self._out[key] if key else np.ones(12) for key in keys]).reshape(-1, 12)

    def on(self, keys, month: Month) -> np.ndarray:
        """Share of capacity in service [row] in a month."""
        return self.in_service(keys)[:, month.month - 1]
