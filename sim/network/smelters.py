"""Smelters and other large users whose load is a decision: blocks of constant power, each with a willingness to pay."""

import numpy as np

from sim.calendar import Day
from sim.config import Key, Row, Table, bounded
from sim.network.grid import USER, Units
from sim.network.years import SMELTER, Stock, kind_of
from sim.units import HOURS, MW, CNYPerMWh


class Smelter(Row):
    """A row of `smelters.csv`: a firm's block at a bus, drawn round the clock while it pays.

    capacity: in the middle of 2025; other days follow `build_out.csv`, technology `smelter`.
    willingness: at the bus, so after tariff, levies and losses.
    """

    key: str
    bus: Key("buses")
    owner: str
    capacity: bounded(MW, gt=0)
    willingness: bounded(CNYPerMWh, ge=0)
    source: str


class Smelters:
    """All blocks of a world; a row keeps its place in the table.  capacity: MW [block], as the table has it."""

    def __init__(self, table: Table, buses: Table, build_out: Table):
        self._table, self.capacity = table, table["capacity"]
        zone = {bus.key: bus.zone for bus in buses}
        self._stock = Stock(build_out, [kind_of(block, zone) for block in table])

    def units(self, at: dict[str, int], year: int) -> Units:
        """The blocks as rows of the grid's table of units, as large as they get in a year; at: position of each bus."""
        table = self._table
        return Units.make(table["key"], USER, [at[bus] for bus in table["bus"]], table["owner"], SMELTER,
                          self.capacity * self._stock.most(year))

    def available(self, day: Day) -> np.ndarray:
        """Most that each block draws on a day, MW [block, hour]."""
        return np.repeat((self.capacity * self._stock.on(day.ordinal))[:, None], HOURS, axis=1)
