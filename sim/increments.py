"""What the spot market carries beyond what was agreed, corridor by corridor, and what of it is clean.

An increment is the flow of an hour above the schedule that contracts have made (agreements, less what the drought
clause took back, and what companies added month by month), times the clean share of what the sending zone made in it.
Source: incremental clean deliveries as flow above plan [SouthSpot2025].
"""

from typing import TYPE_CHECKING

import numpy as np

from sim.network.grid import PLANT
from sim.settlement import meters
from sim.welfare import CLEAN

if TYPE_CHECKING:
    from sim.facts import Facts


def scheduled(facts: "Facts") -> np.ndarray:
    """MW [link, H] that contracts schedule this month; 0 on links of which none says anything."""
    return np.tile(np.nan_to_num(facts.positions.schedule), facts.days)


def carried(facts: "Facts") -> np.ndarray:
    """MW [link, H] of what contracts schedule that links did carry."""
    return np.minimum(np.maximum(facts.sent, 0.0), np.maximum(scheduled(facts), 0.0))


def increments(facts: "Facts") -> np.ndarray:
    """MWh [link] of clean energy sent beyond the schedule; nan on links that do not join two zones with load."""
    grid = facts.grid
    start, end = grid.bus_zone[grid.link_from], grid.bus_zone[grid.link_to]
    joins = np.isin(start, grid.cleared_zones) & np.isin(end, grid.cleared_zones) & (start != end)
    beyond = np.maximum(facts.sent - scheduled(facts), 0.0) * clean_by_hour(facts)[start]
    return np.where(joins, beyond.sum(axis=1), np.nan)


def by_zones(facts: "Facts", energy: np.ndarray) -> np.ndarray:
    """Sum of links' energy [link] by sending and receiving zone [zone, zone]; nan where no link has any to count."""
    grid, zones = facts.grid, len(facts.grid.zone)
    start, end, known = grid.bus_zone[grid.link_from], grid.bus_zone[grid.link_to], ~np.isnan(energy)
    total, tied = np.zeros((zones, zones)), np.zeros((zones, zones), bool)
    np.add.at(total, (start[known], end[known]), energy[known])
    tied[start[known], end[known]] = True
    return np.where(tied, total, np.nan)


def clean_by_hour(facts: "Facts") -> np.ndarray:
    """Share [zone, H] of what a zone's plants made in an hour that was clean; 0 where they made nothing."""
    units, grid = facts.grid.units, facts.grid
    made = np.where((units.kind == PLANT)[:, None], np.maximum(facts.output, 0.0), 0.0)
    whole = grid.by_zone(meters.by_bus(len(grid.bus), units.bus, made))
    clean = grid.by_zone(meters.by_bus(len(grid.bus), units.bus, made * np.isin(units.technology, CLEAN)[:, None]))
    return np.divide(clean, whole, out=np.zeros_like(clean), where=whole > 0)


def contracted(facts: "Facts", side: int) -> np.ndarray:
    """MWh [zone] of this month's trade between provinces in which a zone's plants sell (SELL: what was added to the
    agreements) or buy (BUY: what the drought clause took back); nan for zones whose plants did neither."""
    grid, trade = facts.grid, facts.trades.get(("interprovincial", "month"))
    energy = np.full(len(grid.zone), np.nan)
    if trade is None or trade.day.month != facts.month:
        return energy
    mine = np.flatnonzero((trade.orders.side == side) & (trade.orders.unit < len(grid.units)))
    zone = grid.bus_zone[grid.units.bus[trade.orders.unit[mine]]]
    total = np.bincount(zone, trade.accepted[mine].sum(axis=1), len(grid.zone)) * facts.month.days
    return np.where(np.isin(np.arange(len(grid.zone)), zone), total, np.nan)


def across_areas(facts: "Facts", rules, certified: bool) -> float:
    """MWh that neighbours took under a deal across operating areas, or what of it is certified as coming from the
    province that exports; nan while the law knows no such trade. rules: of `crossarea`, or None."""
    if rules is None:
        return np.nan
    trade = facts.trades.get(("crossarea", "month"))
    units = np.zeros(0, int) if trade is None or trade.day.month != facts.month else np.unique(trade.orders.unit)
    taken = np.maximum(-facts.output[units], 0.0).sum()
    return float(taken * (rules.origin_share if certified else 1.0))


def at_borders(facts: "Facts", matched: bool) -> np.ndarray:
    """MWh [zone] that foreign companies listed at a zone's border buses this month, or what of it was matched; nan
    where nobody listed."""
    grid, trade = facts.grid, facts.trades.get(("crossborder", "month"))
    energy = np.full(len(grid.zone), np.nan)
    if trade is None or trade.day.month != facts.month or not len(trade.orders):
        return energy
    zone = grid.bus_zone[grid.units.bus[trade.orders.unit]]
    power = trade.accepted if matched else trade.orders.volume
    total = np.bincount(zone, power.sum(axis=1), len(grid.zone)) * facts.month.days
    return np.where(np.isin(np.arange(len(grid.zone)), zone), total, np.nan)
