"""What was contracted ahead, as figures of a month: volumes, prices, cover."""

from typing import TYPE_CHECKING

import numpy as np

from sim.network.grid import USER
from sim.units import HOURS

if TYPE_CHECKING:
    from sim.facts import Facts

CONTRACTS = "contracts"


def sold_by(facts: "Facts", technologies: tuple[str, ...]) -> np.ndarray:
    """MWh [zone, technology] that plants sold in contracts inside their zone; nan where there are none."""
    units, zone = facts.grid.units, facts.grid.bus_zone[facts.grid.units.bus]
    energy = np.maximum(_sold(facts)[: len(units)], 0.0).sum(axis=1) * facts.days
    found = np.zeros((len(facts.grid.zone), len(technologies)))
    np.add.at(found, (zone, np.searchsorted(np.array(technologies, object), units.technology)), energy)
    return np.where(found > 0, found, np.nan)


def bought(facts: "Facts") -> np.ndarray:
    """MWh [zone] that users bought in contracts inside their zone; nan where nobody did."""
    energy = np.maximum(-_sold(facts), 0.0).sum(axis=1) * facts.days
    found = np.bincount(facts.grid.bus_zone[facts.party_bus], energy, len(facts.grid.zone))
    return np.where(found > 0, found, np.nan)


def price(facts: "Facts") -> np.ndarray:
    """CNY/MWh [zone], mean price of the contracts that deliver this month; nan where there are none."""
    zone, zones = facts.grid.bus_zone[facts.party_bus], len(facts.grid.zone)
    value = sum((np.maximum(book.value, 0).sum(axis=1) for book in _books(facts)), np.zeros(len(zone)))
    energy = np.maximum(_sold(facts), 0.0).sum(axis=1)
    worth, sold = np.bincount(zone, value, zones), np.bincount(zone, energy, zones)
    return np.divide(worth, sold, out=np.full(zones, np.nan), where=sold > 0)


def traded_share(facts: "Facts") -> np.ndarray:
    """Contracts inside the zone over all its consumption, large users included [zone]; nan where nobody trades."""
    grid = facts.grid
    large = np.where((grid.units.kind == USER)[:, None], np.maximum(-facts.output, 0), 0).sum(axis=1)
    used = grid.by_zone(facts.load.sum(axis=1)) + np.bincount(grid.bus_zone[grid.units.bus], large, len(grid.zone))
    return np.divide(bought(facts), used, out=np.full(len(used), np.nan), where=used > 0)


def _books(facts: "Facts") -> list:
    return [book for (key, _), book in facts.positions.books.items() if key == CONTRACTS]


def _sold(facts: "Facts") -> np.ndarray:
    """MW [party, hour] sold less bought in contracts inside the zone."""
    return sum((book.sold for book in _books(facts)), np.zeros((len(facts.party_bus), HOURS)))
