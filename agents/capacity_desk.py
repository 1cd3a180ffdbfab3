"""Capacity desks: the part of a company that sells and buys being there, not energy."""

from typing import TYPE_CHECKING

import numpy as np

from agents.base import Institution
from sim.markets.regulation_capacity import supply_and_duty
from sim.messages import Orders, Scene
from sim.network.grid import PLANT, STORE
from sim.streams import Streams
from sim.units import CNYPerKWYear, Rows, Share

if TYPE_CHECKING:
    from sim.network.grid import Grid
    from sim.network.ground import Ground

KW = 1000.0  # of a MW


class CapacityDesk(Institution):
    """The capacity desk of one owner of plants or stores.

    *Decides* what to declare for the capacity price: all that its machines can be counted on to give this month,
    planned and usual outages out, because a failure costs more than a kW earns. In the market for regulation capacity
    it offers all that it may sell, asking the floor, since being available costs nothing beside the energy that it
    sells anyway; and it bids for its whole duty the cap, since not buying costs at least as much. Ask and bid are each
    off by what haggling makes of them.
    Source: [assumption]; `haggling` in world.yaml.
    """

    able: Rows[Share]

    def __init__(self, model, name: str, units, able: np.ndarray, streams: Streams, haggling: CNYPerKWYear):
        """units: rows of `grid.units`.  able: share [unit, month] of capacity that can be counted on."""
        super().__init__(model, name, units)
        self.able, self.haggling = np.asarray(able, np.float64), haggling
        self._asks, self._bids = streams["capacity/ask"], streams["capacity/bid"]

    def orders(self, market, scene: Scene) -> Orders:
        """Declare, offer and bid in the two markets for capacity; silent in all others."""
        if market.key == "capacity":
            return self._declared(scene)
        if market.key == "regulation_capacity":
            return self._regulation(scene)
        return Orders.none()

    def _declared(self, scene: Scene) -> Orders:
        """What coal and pumped hydro can be counted on to give, MW, at any price."""
        paid = scene.rules.prices(scene.grid)[self.units] > 0
        power = scene.grid.standing(scene.now.date)[self.units] * self.able[:, scene.now.date.month - 1]
        some = paid & (power > 0)
        return Orders.sell(self.units[some], power[some], np.zeros(np.count_nonzero(some)), hours=1)

    def _regulation(self, scene: Scene) -> Orders:
        """Offers of what may be sold and bids for what is owed, CNY a MW and year."""
        may, must = (power[self.units] for power in supply_and_duty(scene.grid, scene.rules))
        low, high = band(scene)
        sells, buys, year = may > 0, must > 0, scene.now.date.year
        ask = low[self.units] + self.haggling * self._asks.normals(self.units, year)
        bid = high[self.units] + self.haggling * self._bids.normals(self.units, year)
        return Orders.gather((
            Orders.sell(self.units[sells], may[sells], np.maximum(ask[sells], 0.0) * KW, hours=1),
            Orders.buy(self.units[buys], must[buys], np.maximum(bid[buys], 0.0) * KW, hours=1)))


def band(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Floor and cap of regulation capacity, CNY/kW-yr [unit]; 0 in zones without the market."""
    grid = scene.grid
    limits = [scene.rules.limits(zone) if zone in scene.rules.base_price else (0.0, 0.0) for zone in grid.zone]
    low, high = np.array(limits, float).T
    at = grid.bus_zone[grid.units.bus]
    return low[at], high[at]


def capacity_desks(model, ground: "Ground", grid: "Grid", streams: Streams,
                   haggling: CNYPerKWYear) -> list[CapacityDesk]:
    """One desk for each owner of plants or stores, in the order of units."""
    units = grid.units
    able = np.ones((len(units), 12))
    able[: len(ground.plants)] = ground.plants.machine
    mine = np.flatnonzero(np.isin(units.kind, (PLANT, STORE)))
    owners = units.owner[mine]
    return [CapacityDesk(model, owner, mine[owners == owner], able[mine[owners == owner]], streams, haggling)
            for owner in dict.fromkeys(owners)]
