"""Storage companies: batteries and pumped hydro, scheduled by the market or by themselves."""

import numpy as np

from agents.base import Institution
from agents.forecast import forecast
from agents.services import services
from agents.storage_kernels import schedule
from sim.config import Table
from sim.messages import Orders, Scene
from sim.units import HOURS, CNYPerMWh, Rows

THROUGHPUT = 0.1  # MWh through a store for a MW of movement, or for a MW held ready for an hour [assumption]


class StorageCompany(Institution):
    """An owner of batteries or pumped hydro plants.

    Decides, where the law lets companies schedule their stores (`storage_scheduling: own`): the hours of charge and
    discharge, by the exact optimum at a price forecast; it then sells its plan at its wear and buys it for at most
    what its best forecast hour would return. Where the market schedules (`market`): nothing; it states its wear and
    bids nothing for what it takes in, because what that is worth is for the clearing to find.
    Source: price-taking arbitrage [Sioshansi2009].
    """

    wear: Rows[CNYPerMWh]

    def __init__(self, model, name: str, units, wear, bus):
        """units: rows of `grid.units`, one a store.  wear: CNY per MWh given [store].  bus: int [store]."""
        super().__init__(model, name, units)
        self._bus = np.asarray(bus, np.int32)
        self.wear = np.asarray(wear, np.float64)
        self.sold: tuple[np.ndarray, np.ndarray] | None = None  # today's day-ahead schedule and price [store, hour]

    def orders(self, market, scene: Scene) -> Orders:
        """Offer all of the stores to the market's scheduling, or its own plan for the day."""
        if market.key == "ancillary":
            return services(scene, self.units, THROUGHPUT * self.wear)
        if market.key != "spot":
            return Orders.none()
        available = scene.conditions.available[self.units]
        if scene.rhythm == "real-time" and self.sold is not None:
            return self._following(scene)
        if scene.rules.storage_scheduling == "market":
            return Orders.gather((Orders.sell(self.units, available, self.wear),
                                  Orders.buy(self.units, available, np.zeros(len(self.units)))))
        expected = forecast(scene.public, scene.now)[scene.grid.bus_zone[scene.grid.units.bus[self.units]]]
        if np.isnan(expected).any():
            return Orders.none()  # the first day of a run: nobody has seen a price
        charge, discharge = self.plan(expected, available.min(axis=1), scene)
        efficiency = scene.grid.units.efficiency[self.units]
        most = np.maximum(efficiency * (expected.max(axis=1) - self.wear), 0.0)
        return Orders.gather((Orders.sell(self.units, discharge, self.wear), Orders.buy(self.units, charge, most)))

    def hear(self, award):
        """Keep today's schedule and the prices it was sold at until the day is over."""
        if award.market == "spot":
            price = award.price[self._bus] if award.rhythm == "day-ahead" else None
            self.sold = None if price is None else (award.output, price)

    def _following(self, scene: Scene) -> Orders:
        """Real time after a day-ahead market: give and take what was sold and bought.

        The market's schedule is kept at any price. A company's own is kept unless the price says otherwise: it does not
        give for less than its wear, nor take for more than the dearest hour that it has sold would return.
        """
        (schedule, price), rules = self.sold, scene.rules
        if rules.storage_scheduling == "market":
            least, most = rules.offer_floor, rules.clearing_cap
        else:
            worth = scene.grid.units.efficiency[self.units] * (price.max(axis=1) - self.wear)
            least, most = self.wear, np.maximum(worth, price.min(axis=1))
        return Orders.gather((Orders.sell(self.units, np.maximum(schedule, 0), least),
                              Orders.buy(self.units, np.maximum(-schedule, 0), most)))

    def plan(self, expected: np.ndarray, power: np.ndarray, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        """Own schedule at expected prices [store, hour]: (charge, discharge), MW [store, hour]."""
        store, efficiency = scene.grid.units.store[self.units], scene.grid.units.efficiency[self.units]
        charge, discharge = np.zeros((2, len(self.units), HOURS))
        for i, unit in enumerate(self.units):
            charge[i], discharge[i] = schedule(expected[i], power[i], store[i], efficiency[i], self.wear[i],
                                               scene.conditions.stored[unit], scene.rules.storage_level * store[i])
        return charge, discharge


def storage_companies(model, table: Table, first_unit_row: int, bus: np.ndarray) -> list[StorageCompany]:
    """One actor per owner of `stores.csv`, whose stores begin at a row of `grid.units`. bus: int [unit]."""
    owner, wear = table["owner"], table["wear"]
    rows = {company: np.flatnonzero(owner == company) for company in dict.fromkeys(owner)}
    return [StorageCompany(model, company, first_unit_row + mine, wear[mine], bus[first_unit_row + mine])
            for company, mine in rows.items()]
