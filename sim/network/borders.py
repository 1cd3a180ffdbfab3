"""What the neighbours outside the cleared grid would sell and buy: steps of price and quantity at the border."""

from datetime import date
from typing import Literal

import numpy as np

from sim.calendar import Day
from sim.config import BadInput, Key, Row, Table, bounded
from sim.network.grid import FOREVER, NEIGHBOUR, Units
from sim.units import HOURS, MW, CNYPerMWh, Count, Ratio


class Step(Row):
    """A row of `borders.csv`: a neighbour sells (into the cleared grid) or buys (from it) up to a capacity.

    season: of the settlement calendar, wet is June to October.  price: at its bus.
    market: where what stands is agreed on month by month, before the spot market takes it up; "spot": it just stands.
    first, last: days on which it stands, both included; empty: from the start, without end.
    """

    key: str
    bus: Key("buses")
    owner: str
    side: Literal["sell", "buy"]
    season: Literal["dry", "wet", "all"]
    capacity: bounded(MW, gt=0)
    price: bounded(CNYPerMWh, ge=0)
    market: Literal["spot", "crossarea", "crossborder"] = "spot"
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


class Foreign(Row):
    """A row of `foreign.csv`: a country's companies that may trade at a border bus.

    potential: how many there are.  registered: how many of them, the largest, had registered when the market began.
    size_sigma: of the lognormal distribution of their sizes.
    """

    key: str
    bus: Key("buses")
    potential: bounded(Count, ge=0, le=10_000)
    registered: bounded(Count, ge=0)
    size_sigma: bounded(Ratio, ge=0, le=5)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """No more have registered than there are, and something stands at their border. Raises: BadInput."""
        listed = {step.bus for step in tables["borders"] if step.market == "crossborder"}
        for i, row in enumerate(table):
            if row.registered > row.potential:
                raise BadInput(table.fault(i, "registered", f"{row.registered} of {row.potential}; expected no more "
                                                            "than there are"))
            if row.bus not in listed:
                raise BadInput(table.fault(i, "bus", f"no step of borders.csv at {row.bus} is traded in crossborder; "
                                                     "expected one at least"))


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
