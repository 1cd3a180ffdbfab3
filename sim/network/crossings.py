"""Crossings: the ways between zones that have load and neighbours' areas, and what can be matched over them."""

from typing import TYPE_CHECKING

import numpy as np

from sim.engines.matching import Curve, Ways, match
from sim.messages import SELL, Orders
from sim.network.grid import NEIGHBOUR

if TYPE_CHECKING:
    from sim.network.grid import Grid


TURN = {"spot": 0, "crossarea": 2, "crossborder": 3}
UNBOUNDED = 1e9  # MW: a border at a bus with load has no link that could be full


def outside(grid: "Grid") -> np.ndarray:
    """Where neighbours at a bus trade, int [bus], counted on from the zones: their area, or a bus that has load."""
    loaded = np.isin(grid.bus_zone, grid.cleared_zones)
    own = len(grid.reference) + np.arange(len(grid.bus))
    return len(grid.zone) + np.where(loaded, own, grid.area)


def turns(grid: "Grid", first: int, market: np.ndarray) -> np.ndarray:
    """In which turn a link opens where markets clear by turns, int [link]: 0 inside a zone and where a neighbour's
    schedule stands, 1 between zones with load, 2 across operating areas, 3 across borders.

    first: the unit of the first neighbour's step.  market: where each step is agreed on [step].
    """
    loaded, beyond = np.isin(grid.bus_zone, grid.cleared_zones), outside(grid)
    last = np.zeros(beyond.max(initial=0) + 1, int)
    for step, key in enumerate(market):
        place = beyond[grid.units.bus[first + step]]
        last[place] = max(last[place], TURN[key])
    start, end = grid.link_from, grid.link_to
    between = (grid.bus_zone[start] != grid.bus_zone[end]).astype(int)
    far = np.where(loaded[start], end, start)
    return np.where(loaded[start] & loaded[end], between, last[beyond[far]])


def crossings(grid: "Grid", month: int, hours: int) -> Ways:
    """Ways between those inside and neighbours: links to areas without load, each way in which they carry, a month's
    service counted; and, at a bus with load, a border without loss, fee and limit."""
    loaded, zone, beyond = np.isin(grid.bus_zone, grid.cleared_zones), grid.bus_zone, outside(grid)
    place = np.where(loaded, zone, beyond)
    start, end = place[grid.link_from], place[grid.link_to]
    link = np.flatnonzero(loaded[grid.link_from] != loaded[grid.link_to])
    service = grid.agreements.service[link, month - 1]
    room = np.concatenate([grid.link_capacity[link] * service, grid.link_reverse[link] * service])
    border = np.unique(grid.units.bus[grid.units.of_kind(NEIGHBOUR)])
    border = border[loaded[border]]
    free = np.zeros(2 * len(border))
    return Ways(np.concatenate([start[link], end[link], zone[border], beyond[border]]),
                np.concatenate([end[link], start[link], beyond[border], zone[border]]),
                np.repeat(np.concatenate([room, free + UNBOUNDED])[:, None], hours, axis=1),
                np.concatenate([np.tile(grid.link_loss[link], 2), free]),
                np.concatenate([np.tile(grid.link_fee[link], 2), free]))


def opened(orders: Orders, bus: np.ndarray, grid: "Grid", month: int) -> tuple[np.ndarray, np.ndarray]:
    """What of the neighbours' orders is matched with those inside: (rows of `orders`, MW [row, hour] at the border).

    bus: int [order].  A neighbour's volume counts at its own bus. Offers meet bids across each crossing, widest gap
    first.
    """
    ways, foreign = crossings(grid, month, orders.volume.shape[1]), _foreign(orders, grid)
    place = np.where(foreign, outside(grid)[bus], grid.bus_zone[bus])
    kept = np.zeros(len(grid.zone) + len(grid.reference) + len(grid.bus))
    np.maximum.at(kept, ways.end, 1.0 - ways.loss)  # of the best way to a place
    sells = orders.side == SELL
    arriving = np.where(foreign & (kept[place] > 0), kept[place], 1.0)[:, None]
    wanted = orders.volume / arriving
    found = match(Curve(place[sells], orders.price[sells], orders.volume[sells]),
                  Curve(place[~sells], orders.price[~sells], wanted[~sells]), ways, len(kept))
    matched = np.zeros(orders.volume.shape)
    matched[sells], matched[~sells] = found.sold, found.bought.sum(axis=1)
    rows = np.flatnonzero(foreign)
    return rows, np.minimum(matched * np.where(sells[:, None], 1.0, arriving), orders.volume)[rows]


def _foreign(orders: Orders, grid: "Grid") -> np.ndarray:
    """Whether an order is a neighbour's, bool [order]."""
    neighbour = np.append(grid.units.kind == NEIGHBOUR, False)
    return neighbour[np.minimum(orders.unit, len(grid.units))]
