"""Smelters and other large users whose load is a decision: blocks of constant power, each with a willingness to pay."""

import numpy as np

from sim.config import Key, Row, Table, bounded
from sim.network.grid import USER, Units
from sim.units import HOURS, MW, CNYPerMWh


class Smelter(Row):
    """A row of `smelters.csv`: a firm's block at a bus, drawn round the clock while it pays.

    willingness: at the bus, so after tariff, levies and losses.
    """

    key: str
    bus: Key("buses")
    owner: str
    capacity: bounded(MW, gt=0)
    willingness: bounded(CNYPerMWh, ge=0)
    source: str


def units(table: Table, at: dict[str, int]) -> Units:
    """The blocks as rows of the grid's table of units; at: position of each bus."""
    return Units.make(table["key"], USER, [at[bus] for bus in table["bus"]], table["owner"], "smelter",
                      table["capacity"])


def available(table: Table) -> np.ndarray:
    """Most that each block draws, MW [block, hour]."""
    return np.repeat(table["capacity"][:, None], HOURS, axis=1)
