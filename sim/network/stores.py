"""Batteries and pumped hydro: what they can hold, and the charge they carry from hour to hour and day to day."""

from datetime import date
from typing import Literal

import numpy as np

from sim.calendar import Day
from sim.config import Key, Row, Table, bounded
from sim.network.added import Added
from sim.network.grid import STORE, Units
from sim.network.years import Stock, kind_of
from sim.units import HOURS, MW, CNYPerMWh, Hours, Share


class Store(Row):
    """A row of `stores.csv`: a battery or a pumped hydro plant.

    capacity: most it gives and takes.  hours: what it holds, in hours of its capacity.  efficiency: of the round
    trip, half of it (as a root) lost on the way in.  wear: cost of a MWh given.
    initial: level at the start of a run.  in_service: empty for a cluster, whose stock follows `build_out.csv`.
    """

    key: str
    bus: Key("buses")
    owner: str
    technology: Literal["battery", "pumped_hydro"]
    capacity: bounded(MW, gt=0)
    hours: bounded(Hours, gt=0)
    efficiency: bounded(Share, gt=0, le=1)
    wear: bounded(CNYPerMWh, ge=0)
    initial: bounded(Share, ge=0, le=1)
    in_service: date | None = None
    source: str


class Stores:
    """All stores of a world; a row keeps its place in the table.

    capacity: MW [store].  energy: MWh [store], when full.  Both are those of a year: clusters stand all year as they do
    in its middle, because a store that grew from day to day would need another network every day.
    added: what was built beyond the tables.
    stored: MWh [store] now, the one state of charge that every market and settlement reads. What is added at a year's
    turn comes empty; what goes takes along what it holds beyond the others' room.
    """

    def __init__(self, table: Table, buses: Table, build_out: Table, year: int):
        self._table = table
        zone = {bus.key: bus.zone for bus in buses}
        self._stock = Stock(build_out, [kind_of(store, zone) for store in table])
        self._first = np.array([(s.in_service or date.min).toordinal() for s in table], np.int64)
        self.added = Added(table["capacity"])
        self.capacity, self.energy = self._in(year)
        self.stored = self.energy * table["initial"]

    def _in(self, year: int) -> tuple[np.ndarray, np.ndarray]:
        """(MW, MWh) [store] of a year."""
        middle = date(year, 7, 1).toordinal()
        capacity = np.maximum(self._table["capacity"] * self._stock.on(middle) + self.added.on(middle), 0.0)
        return capacity, capacity * self._table["hours"]

    def turn(self, year: int) -> None:
        """Let another year's stock stand."""
        self.capacity, self.energy = self._in(year)
        self.stored = np.minimum(self.stored, self.energy)

    def __len__(self):
        return len(self.capacity)

    def units(self, at: dict[str, int], year: int) -> Units:
        """The stores of a year as rows of the grid's table of units; at: position of each bus."""
        table, (capacity, energy) = self._table, self._in(year)
        return Units.make(table["key"], STORE, [at[bus] for bus in table["bus"]], table["owner"], table["technology"],
                          capacity, cost=table["wear"], store=energy, efficiency=table["efficiency"],
                          first=[store.in_service or date.min for store in table])

    def standing(self, day: date) -> np.ndarray:
        """MW [store] that stand on a day."""
        return (self._first <= day.toordinal()) * self._in(day.year)[0]

    def build(self, power: np.ndarray, day: date) -> None:
        """Let MW [store] more stand from a day on (negative: less), with as many hours."""
        self.added.build(power, day.toordinal())
        self.turn(day.year)

    def available(self, day: Day) -> np.ndarray:
        """Most each store can give or take, MW [store, hour]; 0 before it is in service."""
        return np.repeat((self.capacity * (self._first <= day.ordinal))[:, None], HOURS, axis=1)

    def carry(self, stored: np.ndarray) -> None:
        """Take over the levels at the day's end, MWh [store], as tomorrow's start."""
        self.stored = np.clip(stored, 0.0, self.energy)  # a solver's 1e-9 beyond a bound is no energy
