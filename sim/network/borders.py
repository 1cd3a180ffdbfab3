"""What the neighbours outside the cleared grid would sell and buy: steps of price and quantity at the border."""

from datetime import date
from typing import Literal

import numpy as np

from sim.calendar import Day
from sim.config import BadInput, Key, Row, Table, bounded
from sim.network.grid import FOREVER, NEIGHBOUR, Units
from sim.units import HOURS, MW, CNYPerMWh


class Step(Row):
    """A row of `borders.csv`: a neighbour sells (into the cleared grid) or buys (from it) up to a capacity.

    season: of the settlement calendar, wet is June to October.  price: at its bus.
    first, last: days on which it stands, both included; empty: from the start, without end.
    """

    key: str
    bus: Key("buses")
    owner: str
    side: Literal["sell", "buy"]
    season: Literal["dry", "wet", "all"]
    capacity: bounded(MW, gt=0)
    price: bounded(CNYPerMWh, ge=0)
    first: date | None = None
    last: date | None = None
    source: str

    def stands(self, day: Day) -> bool:
        """Whether the neighbour sells or buys at all on a day."""
        in_season = self.season in ("all", "wet" if day.wet else "dry")
        return in_season and (self.first or date.min) <= day.date <= (self.last or FOREVER)

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """A step that ends before it begins is a fault.

        Raises: BadInput.
        """
        for i, step in enumerate(table):
            if step.first is not None and step.last is not None and step.last < step.first:
                raise BadInput(table.fault(i, "last", f"{step.last} is before {step.first}"))


def units(table: Table, at: dict[str, int]) -> Units:
    """The steps as rows of the grid's table of units; at: position of each bus."""
    steps = list(table)
    return Units.make([s.key for s in steps], NEIGHBOUR, [at[s.bus] for s in steps], [s.owner for s in steps],
                      [s.side for s in steps], [s.capacity for s in steps],
                      first=[s.first or date.min for s in steps], last=[s.last or FOREVER for s in steps])


def available(table: Table, day: Day) -> np.ndarray:
    """Most that stands on each step, MW [step, hour]; 0 outside its season and dates."""
    standing = np.array([step.capacity * step.stands(day) for step in table], float)
    return np.repeat(standing[:, None], HOURS, axis=1)
