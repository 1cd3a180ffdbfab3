"""Crossings: the ways between zones that have load and neighbours' areas, and what can be matched over them."""

from typing import TYPE_CHECKING

import numpy as np

from sim.engines.matching import Curve, Ways, match
from sim.messages import SELL, Orders
from sim.network.grid import NEIGHBOUR

if TYPE_CHECKING:
    from sim.network.grid import Grid


def places(grid: "Grid") -> np.ndarray:
    """Where each bus trades, int [bus]: its zone where it has load, else (counted on from the zones) its area."""
    inside = np.isin(grid.bus_zone, grid.cleared_zones)
    return np.where(inside, grid.bus_zone, len(grid.zone) + grid.area)


def crossings(grid: "Grid", month: int, hours: int) -> Ways:
    """Links between a zone with load and a neighbour's area, each way in which it carries, a month's service counted."""
    place, zones = places(grid), len(grid.zone)
    start, end = place[grid.link_from], place[grid.link_to]
    link = np.flatnonzero((start < zones) != (end < zones))
    service = grid.agreements.service[link, month - 1]
    room = np.concatenate([grid.link_capacity[link] * service, grid.link_reverse[link] * service])
    return Ways(np.concatenate([start[link], end[link]]), np.concatenate([end[link], start[link]]),
                np.repeat(room[:, None], hours, axis=1), np.tile(grid.link_loss[link], 2), np.tile(grid.link_fee[link], 2))


def opened(orders: Orders, bus: np.ndarray, grid: "Grid", month: int) -> tuple[np.ndarray, np.ndarray]:
    """What of the neighbours' orders is matched with those inside: (rows of `orders`, MW [row, hour] at the border).

    bus: int [order].  A neighbour's volume counts at its own bus. Offers meet bids across each crossing, widest gap
    first.
    """
    ways, place = crossings(grid, month, orders.volume.shape[1]), places(grid)[bus]
    outside = _outside(orders, grid)
    kept = np.zeros(len(grid.zone) + len(grid.reference))
    np.maximum.at(kept, ways.end, 1.0 - ways.loss)  # of the best way to a place
    sells = orders.side == SELL
    arriving = np.where(outside & (kept[place] > 0), kept[place], 1.0)[:, None]
    wanted = orders.volume / arriving
    # neighbours trade with zones inside, not with each other: no crossing joins two of them
    found = match(Curve(place[sells], orders.price[sells], orders.volume[sells]),
                  Curve(place[~sells], orders.price[~sells], wanted[~sells]), ways, len(kept))
    matched = np.zeros(orders.volume.shape)
    matched[sells], matched[~sells] = found.sold, found.bought.sum(axis=1)
    rows = np.flatnonzero(outside)
    return rows, np.minimum(matched * np.where(sells[:, None], 1.0, arriving), orders.volume)[rows]


def _outside(orders: Orders, grid: "Grid") -> np.ndarray:
    """Whether an order is a neighbour's, bool [order]."""
    neighbour = np.append(grid.units.kind == NEIGHBOUR, False)
    return neighbour[np.minimum(orders.unit, len(grid.units))]
