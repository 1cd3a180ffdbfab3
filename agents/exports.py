"""What owners offer and users bid for in the markets beyond their province: from what everybody can expect of a month.

Source: owners sell ahead what they expect to have left over at home in four years of five [assumption]; asks and bids
at the price that is expected of the own zone, so that a deal leaves neither worse off than the spot market would.
"""

from calendar import monthrange
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.forecast import month_ahead
from sim.messages import Orders
from sim.network.grid import PLANT, USER
from sim.network.rivers import MWH_PER_HM3

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.messages import Conditions, Scene
    from sim.network.grid import Grid
    from sim.network.ground import Ground

BEYOND = ("interprovincial", "crossarea", "crossborder")  # markets that lead out of a province
FREE = ("hydro", "wind", "wind_offshore", "solar", "biomass")  # what is made anyway: left over, or not
SURE = 0.9  # share of it to count on in four years of five: 1 - 0.84 x the 0.11 by which a year's flow varies
LASTING = 0.4  # share of a month's anomaly of flow that is left in the next
ANY_PRICE = 1e4  # CNY/MWh bid for what governments have agreed on
HOURS_OF_DAY = 24
HM3_PER_HOUR = 0.0036  # of 1 m3/s


@dataclass(frozen=True)
class Prospect:
    """What everybody can expect of each month of a normal year.

    output: MW [unit, 12], of the mean hour: what plants that run on what nature gives will make, what others can.
    free: bool [unit], whether it is made anyway.  least: MW [unit, 12], must-run output.  load: MW [zone, 12], large
    users' blocks included.  price: CNY/MWh [zone, 12], normal; nan where nobody knows one.  basin: int [unit], -1 off
    the rivers.  able: MW [unit, 12], what machines in service can give.  dam: bool [unit], whether it has a reservoir.
    stored: MWh [12, basin], what the reservoirs hold as each month of a normal year opens.
    """

    output: np.ndarray
    free: np.ndarray
    least: np.ndarray
    load: np.ndarray
    price: np.ndarray
    basin: np.ndarray
    able: np.ndarray
    dam: np.ndarray
    stored: np.ndarray

    @classmethod
    def of(cls, ground: "Ground", grid: "Grid", days: "Sequence[Conditions]", plan: np.ndarray | None) -> "Prospect":
        """From a typical day's Conditions of each of the twelve months.

        plan: MWh [12, basin], energy that reservoirs hold as each month of a normal year opens; None where none do.
        """
        units, rivers = grid.units, ground.world["reservoirs"]
        able = np.stack([day.available.mean(axis=1) for day in days], axis=1)
        output = np.stack([np.minimum(day.available.mean(axis=1), day.energy / HOURS_OF_DAY) for day in days], axis=1)
        plants, basins, basin = ground.world["plants"], ground.world["basins"], np.full(len(units), -1)
        for i, plant in enumerate(plants):
            if plant.basin is not None:
                basin[i] = basins.position(plant.basin)
        months = np.arange(1, 13)
        dams = ground.reservoir_units
        basin[dams] = ground.rivers.basin
        natural = np.zeros((len(dams), 12))
        for i, row in enumerate(rivers):
            river = basins.rows[basins.position(row.basin)]
            shape = np.array([ground.profiles.month(river.inflow_shape, m) for m in months])
            natural[i] = row.flow * shape * HM3_PER_HOUR * row.productivity * MWH_PER_HM3
        if plan is not None:
            natural *= 1.0 - _kept_back(natural, ground.rivers.basin, plan)[ground.rivers.basin]
        output[dams] = np.minimum(natural, able[dams])
        price = np.full((len(grid.zone), 12), np.nan)
        for row in ground.world["demand"]:
            if row.price is not None:
                price[grid.zone.index(row.zone)] = [ground.profiles.month(row.price, m) for m in months]
        large = units.of_kind(USER)
        smelting = np.bincount(grid.bus_zone[units.bus[large]], units.capacity[large], len(grid.zone))
        load = np.stack([grid.by_zone(day.load).mean(axis=1) for day in days], axis=1) + smelting[:, None]
        return cls(output, np.isin(units.technology, FREE) & (units.kind == PLANT),
                   np.stack([day.minimum.mean(axis=1) for day in days], axis=1), load, price, basin, able,
                   np.isin(np.arange(len(units)), dams), np.zeros((12, len(basins))) if plan is None else plan)

    def left_over(self, scene: "Scene", units: np.ndarray) -> np.ndarray:
        """MW [unit] that can be sold beyond the province in the month that opens, what was sold before left out.

        Of what is made anyway: its part of what the zone will not need at home, less what it has sent beyond already.
        Of other plants: what they have not sold.
        """
        m, zone = scene.now.date.month - 1, scene.grid.bus_zone[scene.grid.units.bus]
        index = np.append(scene.public.inflow_index, 1.0)[self.basin]
        sure = np.where(self.free, SURE * self.output[:, m] * (1.0 + LASTING * (index - 1.0)), 0.0)
        sure = np.clip(sure + self.from_store(scene), 0.0, np.where(self.free, self.able[:, m], 0.0))
        made = np.bincount(zone, sure, len(scene.grid.zone))
        home = self.load[:, m] - np.bincount(zone, np.where(self.free, 0.0, self.least[:, m]), len(scene.grid.zone))
        part = np.divide(np.maximum(made - np.maximum(home, 0.0), 0.0), made, out=np.zeros_like(made), where=made > 0)
        beyond = sum((book.sold[units].mean(axis=1) for (market, _), book in scene.positions.books.items()
                      if market in BEYOND), np.zeros(len(units)))
        unsold = self.output[units, m] - scene.positions.sold[units].mean(axis=1)
        free = np.minimum(part[zone[units]] * sure[units] - beyond, unsold)
        return np.maximum(np.where(self.free[units], free, unsold), 0.0)

    def from_store(self, scene: "Scene") -> np.ndarray:
        """MW [unit] that dams can give beyond a normal year's output because they hold more than in one; negative where
        they hold less. What a basin holds too much or too little is to be gone by the month's end."""
        m = scene.now.date.month - 1
        surplus = (scene.public.stored_water - self.stored[m]) / (scene.now.month.days * HOURS_OF_DAY)
        made = np.where(self.dam, self.output[:, m], 0.0)
        of_basin = np.bincount(self.basin[self.dam], made[self.dam], len(surplus))
        part = np.divide(made, np.append(of_basin, 0.0)[self.basin], out=np.zeros(len(made)),
                         where=np.append(of_basin, 0.0)[self.basin] > 0)
        return np.append(surplus, 0.0)[self.basin] * part

    def offers(self, market, scene: "Scene", units: np.ndarray, cost: np.ndarray) -> Orders:
        """A company's offers beyond the province. units: rows of `grid.units`; cost: CNY/MWh [unit].

        For a year: what its plants make in the year's mean hour, at cost. For a month: what is left over, at what the
        own zone is expected to pay, not below cost.
        """
        if scene.rhythm == "year":
            return Orders.sell(units, self.output[units].mean(axis=1), cost)
        month = scene.now.month
        expected = month_ahead(scene.public, self.price, month)[:, month.month - 1]
        home = expected[scene.grid.bus_zone[scene.grid.units.bus[units]]]
        volume, ask = self.left_over(scene, units), np.fmax(cost, home)
        some = volume > 0
        return Orders.sell(units[some], volume[some], ask[some])

    def bids(self, market, scene: "Scene", mean: np.ndarray) -> Orders:
        """Users' bids for what comes from beyond. mean: MW [user row] of a normal year.

        For a year: all they use, at any price, as governments agreed for them. For a month: what they have not bought,
        at the price that their zone is expected to have; nothing while nobody can tell.
        """
        party = len(scene.grid.units) + np.arange(len(mean))
        if scene.rhythm == "year":
            return Orders.buy(party, mean, ANY_PRICE)
        month = scene.now.month
        expected = month_ahead(scene.public, self.price, month)[:, month.month - 1]
        zone = scene.grid.bus_zone[scene.positions.bus[party]]
        bought = -scene.positions.sold[party].mean(axis=1)
        season = self.load[zone, month.month - 1] / self.load[zone].mean(axis=1)
        volume = np.maximum(mean * season - bought, 0.0)
        some = (volume > 0) & np.isfinite(expected[zone])
        return Orders.buy(party[some], volume[some], expected[zone][some])


def _kept_back(natural: np.ndarray, basin: np.ndarray, plan: np.ndarray) -> np.ndarray:
    """Share of a month's flow by which a basin's reservoirs rise, [basin, 12]; negative where they fall.

    natural: MW [reservoir, 12], what the flow would make if nothing were stored.  basin: int [reservoir].
    plan: MWh [12, basin] as each month opens.
    """
    hours = np.array([monthrange(2025, m)[1] * HOURS_OF_DAY for m in range(1, 13)])
    flow = np.zeros((plan.shape[1], 12))
    np.add.at(flow, basin, natural * hours)
    rise = (np.roll(plan, -1, axis=0) - plan).T
    return np.minimum(np.divide(rise, flow, out=np.zeros_like(flow), where=flow > 0), 1.0)
