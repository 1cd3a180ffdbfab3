"""Contracts inside a province, for a year and for a month: the ballast of the market."""

from typing import TYPE_CHECKING

import numpy as np
from pydantic import model_validator

from sim.calendar import Month
from sim.config import Section, bounded
from sim.engines.double_auction import cross
from sim.markets.base import Market
from sim.messages import BUY, SELL, Orders, Scene, Trade, Transfer
from sim.settlement import differences
from sim.units import CNYPerMWh, Ratio, Share

if TYPE_CHECKING:
    from sim.facts import Facts

OTHER = "other"  # technologies that the law gives no band of their own


class Contracts(Market):
    """Energy sold ahead between companies and users of one zone, at the zone's reference bus.

    A part of what offers and bids have in common is auctioned at one price, the rest is agreed in pairs, each halfway
    between what its two sides asked and bid. Offers outside the price band of their technology are cut to it. A
    contract is delivered on the curve of those who bought: hour by hour as they use, for a year's contract month by
    month as the law's shape says; every seller gives the same share of each hour.

    It settles by difference: sold x (contract price - the price at the reference bus), day-ahead where the spot
    settles, the administered price elsewhere. On days that the spot does not settle, who departs from its contracts by
    more than the free band pays for it, and the zone's users receive it.

    Source: NDRC 2021 No.1439 (price band about the benchmark); Yunnan 2022 No.1354 (it applies to coal); shares that
    must be covered by contract, [known: medium].
    """

    key = "contracts"
    rhythms = ("year", "month")
    closes_itself = True
    barred = ("year", "month")

    class Rules(Section):
        """What the law says of contracts.

        eligible: share of a zone's consumption that may trade.  cover_year, cover: least shares of its expected use
        that who trades must have covered by contracts of a year, and by all contracts when a month opens.
        auctioned: part of the volume that is auctioned at one price.  floor, cap: price bands by technology, `other`
        for the rest.  shape: multiple of a year's contract in each month.
        free_band: departure from contracts that costs nothing; over, short: multiples of the administered price at
        which energy beyond it is settled.
        """

        eligible: bounded(Share, ge=0, le=1)
        cover_year: bounded(Share, ge=0, le=1)
        cover: bounded(Share, ge=0, le=1)
        auctioned: bounded(Share, ge=0, le=1)
        floor: dict[str, bounded(CNYPerMWh, ge=0)]
        cap: dict[str, bounded(CNYPerMWh, ge=0)]
        shape: list[bounded(Ratio, ge=0)]
        free_band: bounded(Share, ge=0, le=1)
        over: bounded(Ratio, ge=0, le=1)
        short: bounded(Ratio, ge=1)

        @model_validator(mode="after")
        def _bands(self):
            for technology in sorted(set(self.floor) | set(self.cap)):
                if technology not in self.floor or technology not in self.cap:
                    raise ValueError(f"floor and cap: {technology} stands in one only; expected it in both")
                if self.floor[technology] > self.cap[technology]:
                    raise ValueError(f"floor of {technology} {self.floor[technology]:g} is above its cap "
                                     f"{self.cap[technology]:g}; expected a price band that is not empty")
            if OTHER not in self.floor:
                raise ValueError("floor: has no `other`; expected the band of technologies without one of their own")
            return self

        @model_validator(mode="after")
        def _cover_grows(self):
            if self.cover_year > self.cover:
                raise ValueError(f"cover_year {self.cover_year:g} is above cover {self.cover:g}; expected the year's "
                                 "contracts to be a part of all")
            return self

        @model_validator(mode="after")
        def _twelve_months(self):
            if len(self.shape) != 12 or not sum(self.shape):
                raise ValueError(f"shape has {len(self.shape)} values; expected one for each month, not all 0")
            return self

    def clear(self, orders: Orders, scene: Scene) -> Trade:
        """Match every zone's offers and bids; prices of an order are alike in all hours."""
        grid, rules = scene.grid, scene.rules
        sells, zone = orders.side == SELL, grid.bus_zone[scene.positions.bus[orders.unit]]
        accepted, price = np.zeros_like(orders.volume), np.zeros_like(orders.price)
        public: dict[str, float] = {}
        ask = np.clip(orders.price[:, 0], *self._band(orders, scene))
        quantity = orders.volume.mean(axis=1)
        for of in np.unique(zone):
            offers, bids = np.flatnonzero(sells & (zone == of)), np.flatnonzero(~sells & (zone == of))
            found = cross(ask[offers], quantity[offers], orders.price[bids, 0], quantity[bids])
            if not found.sold.sum() > 0:
                continue
            share = np.divide(found.bought, quantity[bids], out=np.zeros(len(bids)), where=quantity[bids] > 0)
            accepted[bids] = orders.volume[bids] * share[:, None]
            curve = accepted[bids].sum(axis=0)
            accepted[offers] = found.sold[:, None] * curve / curve.mean()
            for mine, some, value in ((offers, found.sold, found.sell_value), (bids, found.bought, found.buy_value)):
                paired = np.divide(value, some, out=np.zeros(len(mine)), where=some > 0)
                price[mine] = (rules.auctioned * found.uniform + (1 - rules.auctioned) * paired)[:, None]
            public[f"price.{grid.zone[of]}"] = float((found.sold * price[offers, 0]).sum() / found.sold.sum())
            public[f"power.{grid.zone[of]}"] = float(curve.mean())
        months = np.tile(self._months(scene), (len(orders), 1))
        return Trade(self.key, scene.rhythm, scene.now, orders, accepted, {}, price, months,
                     reference=reference_bus(grid)[zone], public=public)

    def bill(self, month: Month, facts: "Facts", rules: "Rules") -> list[Transfer]:
        """Differences to the reference price, and what departures from contracts cost."""
        return [*differences.settled(facts, self.key),
                *differences.departures(facts, self.key, rules.free_band, 1 - rules.over, rules.short - 1)]

    @staticmethod
    def _band(orders: Orders, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        """Least and most that each order may ask, CNY/MWh [order]; users bid what they like."""
        rules, units = scene.rules, scene.grid.units
        low, high = np.full(len(orders), -np.inf), np.full(len(orders), np.inf)
        for i in np.flatnonzero(orders.side != BUY):
            technology = units.technology[orders.unit[i]]
            key = technology if technology in rules.floor else OTHER
            low[i], high[i] = rules.floor[key], rules.cap[key]
        return low, high

    @staticmethod
    def _months(scene: Scene) -> np.ndarray:
        """Multiple of the traded power in each month, [12]."""
        if scene.rhythm == "month":
            return np.eye(12)[scene.now.date.month - 1]
        shape = np.array(scene.rules.shape)
        return shape / shape.mean()


def reference_bus(grid) -> np.ndarray:
    """Bus at which contracts of each zone settle, int [zone]: the reference of its area where it lies in the zone, else
    the zone's first bus."""
    found = np.array([int(np.flatnonzero(grid.bus_zone == zone)[0]) for zone in range(len(grid.zone))])
    for bus in grid.reference:
        found[grid.bus_zone[bus]] = bus
    return found
