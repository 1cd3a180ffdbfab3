"""Batteries and pumped hydro: what they can hold, and the charge they carry from hour to hour and day to day."""

from datetime import date
from typing import Literal

import numpy as np

from sim.calendar import Day
from sim.config import Key, Row, Table, bounded
from sim.network.added import Added
from sim.network.grid import STORE, Units
from sim.units import HOURS, MW, CNYPerMWh, Hours, Share


class Store(Row):
    """A row of `stores.csv`: a battery or a pumped hydro plant.

    capacity: most it gives and takes.  hours: what it holds, in hours of its capacity.  efficiency: of the round
    trip, half of it (as a root) lost on the way in.  wear: cost of a MWh given.
    initial: level at the start of a run.
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
    in_service: date
    source: str


class Stores:
    """All stores of a world; a row keeps its place in the table.

    capacity: MW [store].  energy: MWh [store], when full.  added: what was built beyond the table.
    stored: MWh [store] now, the one state of charge that every market and settlement reads.
    """

    def __init__(self, table: Table):
        self._table = table
        self.added = Added(table["capacity"])
        self.capacity, self.energy = table["capacity"], table["capacity"] * table["hours"]
        self.stored = self.energy * table["initial"]
        self._first = np.array([s.in_service.toordinal() for s in table], np.int64)

    def __len__(self):
        return len(self.capacity)

    def units(self, at: dict[str, int]) -> Units:
        """The stores as rows of the grid's table of units; at: position of each bus."""
        table = self._table
        return Units.make(table["key"], STORE, [at[bus] for bus in table["bus"]], table["owner"], table["technology"],
                          self.capacity, store=self.energy, efficiency=table["efficiency"], first=table["in_service"])

    def standing(self, ordinal: int) -> np.ndarray:
        """MW [store] that stand on a day."""
        return (self._first <= ordinal) * (self._table["capacity"] + self.added.on(ordinal))

    def build(self, power: np.ndarray, ordinal: int) -> None:
        """Let MW [store] more stand from a day on (negative: less), with as many hours. What is new comes empty, what
        goes takes along what it holds beyond the others' room."""
        self.added.build(power, ordinal)
        self.capacity = self._table["capacity"] + self.added.now
        self.energy = self.capacity * self._table["hours"]
        self.stored = np.minimum(self.stored, self.energy)

    def available(self, day: Day) -> np.ndarray:
        """Most each store can give or take, MW [store, hour]; 0 before it is in service."""
        return np.repeat(self.standing(day.ordinal)[:, None], HOURS, axis=1)

    def carry(self, stored: np.ndarray) -> None:
        """Take over the levels at the day's end, MWh [store], as tomorrow's start."""
        self.stored = np.clip(stored, 0.0, self.energy)  # a solver's 1e-9 beyond a bound is no energy
