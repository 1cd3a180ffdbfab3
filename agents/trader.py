"""Traders: the neighbours outside the cleared grid, who sell and buy at their border."""

import numpy as np

from agents.base import Institution
from sim.config import Table
from sim.messages import Orders
from sim.units import CNYPerMWh, Flag, Rows


class Trader(Institution):
    """A neighbour with steps of price and quantity.

    Decides: to offer every step that stands today (its season and dates are in Conditions) at its price.
    Source: `borders.csv`.
    """

    price: Rows[CNYPerMWh]
    sells: Rows[Flag]

    def __init__(self, model, name: str, units, price, sells):
        """units: rows of `grid.units`, one a step.  price: CNY/MWh [step].  sells: bool [step], else it buys."""
        super().__init__(model, name, units)
        self.price, self.sells = np.asarray(price, np.float64), np.asarray(sells, bool)

    def orders(self, market, scene) -> Orders:
        """Sell and buy what stands today; a step out of season is no order."""
        if market.key != "spot":
            return Orders.none()
        volume = scene.conditions.available[self.units]
        stands = volume.any(axis=1)
        sell, buy = stands & self.sells, stands & ~self.sells
        return Orders.gather((Orders.sell(self.units[sell], volume[sell], self.price[sell]),
                              Orders.buy(self.units[buy], volume[buy], self.price[buy])))


def traders(model, table: Table, first_unit_row: int) -> list[Trader]:
    """One actor per neighbour of `borders.csv`, whose steps begin at a row of `grid.units`."""
    owner, price, sells = table["owner"], table["price"], table["side"] == "sell"
    rows = {neighbour: np.flatnonzero(owner == neighbour) for neighbour in dict.fromkeys(owner)}
    return [Trader(model, neighbour, first_unit_row + mine, price[mine], sells[mine])
            for neighbour, mine in rows.items()]
