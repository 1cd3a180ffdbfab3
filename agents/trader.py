"""Traders: the neighbours outside the cleared grid, who sell and buy at their border."""

from typing import TYPE_CHECKING

import numpy as np

from agents.base import Institution
from sim.calendar import Month
from sim.config import Table
from sim.messages import Orders
from sim.units import HOURS, CNYPerMWh, Flag, Rows

if TYPE_CHECKING:
    from sim.network.borders import Step
    from sim.streams import Stream

DEAL = "crossarea"


class Trader(Institution):
    """A neighbour with steps of price and quantity.

    Decides: to offer every step that stands today (its season and dates are in Conditions) at its price; of a step that
    another market opens month by month, what that market has opened. It asks for a deal across operating areas in
    months in which its own exchange agrees, which chance decides, and takes the wheeling fee off its bid.
    Source: `borders.csv`; chance of a deal: the law.
    """

    price: Rows[CNYPerMWh]
    sells: Rows[Flag]

    def __init__(self, model, name: str, units, steps: "list[Step]", stream: "Stream"):
        """units: rows of `grid.units`, one a step.  stream: draws of deals."""
        super().__init__(model, name, units)
        self.steps, self._stream = steps, stream
        self.price = np.array([step.price for step in steps], np.float64)
        self.sells = np.array([step.side == "sell" for step in steps], bool)
        self._market = np.array([step.market for step in steps], object)
        self._opened: dict[str, Month] = {}  # the month for which a market last said what it opens
        self._open = np.zeros((len(steps), HOURS))
        self._asked = self.price.copy()

    def orders(self, market, scene) -> Orders:
        """Sell and buy what stands today; a step out of season is no order."""
        if market.key == DEAL:
            return self._deal(scene)
        if market.key != "spot":
            return Orders.none()
        volume, price = scene.conditions.available[self.units], self.price
        told = np.array([self._opened.get(key) == scene.now.month for key in self._market], bool)
        volume = np.where(told[:, None], np.minimum(volume, self._open), volume)
        price = np.where(told, self._asked, price)
        stands = volume.any(axis=1)
        sell, buy = stands & self.sells, stands & ~self.sells
        return Orders.gather((Orders.sell(self.units[sell], volume[sell], price[sell]),
                              Orders.buy(self.units[buy], volume[buy], price[buy])))

    def hear(self, award):
        """Keep what a market has opened for the month."""
        mine = self._market == award.market
        if award.market == "spot" or not mine.any():
            return
        self._opened[award.market] = award.day.month
        self._open[mine] = 0.0
        np.add.at(self._open, np.searchsorted(self.units, award.unit), award.accepted)
        self._asked[np.searchsorted(self.units, award.unit)] = award.paid[:, 0]

    def _deal(self, scene) -> Orders:
        """Bids and offers of a month in which a deal comes about, net of the wheeling fee."""
        stands = np.array([step.stands(scene.now) for step in self.steps], bool) & (self._market == DEAL)
        draw = self._stream.uniforms(self.units[:1], scene.now.month.number)
        if not stands.any() or draw[0] >= scene.rules.deal_probability:
            return Orders.none()
        capacity = np.array([step.capacity for step in self.steps])
        net = self.price + np.where(self.sells, scene.rules.wheeling, -scene.rules.wheeling)
        sell, buy = stands & self.sells, stands & ~self.sells
        return Orders.gather((Orders.sell(self.units[sell], capacity[sell], net[sell]),
                              Orders.buy(self.units[buy], capacity[buy], net[buy])))


def traders(model, table: Table, first_unit_row: int, stream: "Stream") -> list[Trader]:
    """One actor per neighbour of `borders.csv`, whose steps begin at a row of `grid.units`. stream: draws of deals."""
    owner, steps = table["owner"], list(table)
    rows = {neighbour: np.flatnonzero(owner == neighbour) for neighbour in dict.fromkeys(owner)}
    return [Trader(model, neighbour, first_unit_row + mine, [steps[i] for i in mine], stream)
            for neighbour, mine in rows.items()]
