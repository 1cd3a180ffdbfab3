"""The grid as the engines take it: whole, or with its price zones apart, each a market of its own.

Apart, a line between two zones is a link like any other: it carries what was agreed on, not what Kirchhoff's laws
would make of both zones' offers.
"""

from dataclasses import dataclass

import numpy as np

from sim.engines.records import Fleet, Network, Products
from sim.network.grid import Grid


@dataclass(frozen=True)
class Wiring:
    """A network for an engine. inner: int [line], positions of grid lines that are lines there.  tie: int [n], those
    that are links there, behind the grid's own links.  between: bool [link], of the engine's links, whether a link
    joins two zones that both have load."""

    network: Network
    inner: np.ndarray
    tie: np.ndarray
    between: np.ndarray


def fleet(grid: Grid, products: Products | None = None) -> Fleet:
    """The grid's units; a round trip's loss falls half on charging, half on discharging.

    products: the reserves that they sell beside energy.
    """
    units, half = grid.units, np.sqrt(grid.units.efficiency)
    return Fleet(bus=units.bus, ramp=units.ramp, budgeted=units.budgeted.astype(bool), store=units.store,
                 charge_efficiency=half, discharge_efficiency=half, products=products)


def wired(grid: Grid, apart: bool) -> Wiring:
    """The grid's network, whole or with its zones apart."""
    zone = grid.bus_zone
    crosses = (zone[grid.line_from] != zone[grid.line_to]) & apart
    inner, tie = np.flatnonzero(~crosses), np.flatnonzero(crosses)
    area, reference = _areas(grid, inner) if apart else (grid.area, grid.reference)
    start = np.concatenate([grid.link_from, grid.line_from[tie]])
    end = np.concatenate([grid.link_to, grid.line_to[tie]])
    free, capacity = np.zeros(len(tie)), grid.line_capacity[tie]
    network = Network(
        buses=len(grid.bus), area=area, reference=reference, line_from=grid.line_from[inner],
        line_to=grid.line_to[inner], line_capacity=grid.line_capacity[inner],
        line_susceptance=grid.line_susceptance[inner], line_shift=np.zeros(len(inner)), link_from=start, link_to=end,
        link_capacity=np.concatenate([grid.link_capacity, capacity]),
        link_reverse=np.concatenate([grid.link_reverse, capacity]),
        link_minimum=np.concatenate([grid.link_minimum, free]), link_loss=np.concatenate([grid.link_loss, free]),
        link_fee=np.concatenate([grid.link_fee, free]), joints=grid.joints)
    loaded = np.isin(zone, grid.cleared_zones)
    return Wiring(network, inner, tie, loaded[start] & loaded[end] & (zone[start] != zone[end]))


def _areas(grid: Grid, inner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Synchronous areas when only the inner lines tie buses: area [bus], reference bus [area]."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(grid.bus)
    ties = coo_array((np.ones(len(inner)), (grid.line_from[inner], grid.line_to[inner])), shape=(n, n))
    count, area = connected_components(ties, directed=False)
    reference = [next((b for b in grid.reference if area[b] == a), int(np.flatnonzero(area == a)[0]))
                 for a in range(count)]
    return area, np.array(reference, np.int32)
