"""What a MWh of each plant emits, and what may be emitted for nothing."""

from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field

from sim.config import Section, bounded
from sim.network.grid import NEIGHBOUR, PLANT
from sim.units import Ratio, TPerMWh

if TYPE_CHECKING:
    from sim.network.grid import Grid


class EmissionRules(Section):
    """Key `emissions`: with it, energy and its carbon are traced every month.

    factor: t CO2 of a MWh by technology, of a zone's plants on average; who is not named emits none.  imported: of a
    MWh that neighbours sell.  heat_rate: part of the spread of plants' costs within a zone and technology that is a
    spread of heat rates, and so of emissions.
    """

    key: ClassVar[str] = "emissions"

    factor: Annotated[dict[str, bounded(TPerMWh, ge=0, le=2)], Field(min_length=1)]
    imported: bounded(TPerMWh, ge=0, le=2)
    heat_rate: bounded(Ratio, ge=0, le=1)


def factors(grid: "Grid", rules: EmissionRules) -> np.ndarray:
    """t CO2 of a MWh from each unit, [unit]; 0 of stores, who pass on what they took, and of large users.

    A plant that costs a tenth more than the mean of its zone and technology (weighted by capacity) burns
    `heat_rate` x a tenth more.
    """
    units, zone = grid.units, grid.bus_zone[grid.units.bus]
    found = np.where(units.kind == NEIGHBOUR, rules.imported, 0.0)
    for technology, factor in rules.factor.items():
        for of in np.unique(zone):
            mine = np.flatnonzero((units.kind == PLANT) & (units.technology == technology) & (zone == of))
            weight = units.capacity[mine]
            if weight.sum() > 0:
                mean = (units.cost[mine] * weight).sum() / weight.sum()
                dear = units.cost[mine] / mean - 1 if mean > 0 else np.zeros(len(mine))
                found[mine] = factor * np.maximum(1 + rules.heat_rate * dear, 0.0)
            else:
                found[mine] = factor
    return found
