"""The market for regulation capacity: wind and sun must have it, stores and (for a while) coal sell it for a year."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from sim.calendar import Month
from sim.config import Section, bounded
from sim.markets.base import Market
from sim.messages import BUY, SELL, Orders, Scene, Trade, Transfer
from sim.network.grid import PLANT, STORE
from sim.settlement.owing import owed
from sim.units import CNYPerKWYear, Hours, Ratio, Share, to_fen

if TYPE_CHECKING:
    from sim.facts import Facts
    from sim.network.grid import Grid

KW, MONTHS = 1000.0, 12
ACCOUNT = {PLANT: "plants", STORE: "stores"}
MUST_BUY = ("wind", "wind_offshore", "solar")
CLEAN = ("hydro", *MUST_BUY)
Technology = Literal["coal", "gas", "hydro", "biomass", "nuclear", "battery", "pumped_hydro",
                     "virtual_plant"]


class RegulationCapacity(Market):
    """A product of a year: to be available for regulation, at least `least_hours` long; it stacks with energy sold.

    In each zone that has a base price wind and sun owe a duty, a share of their capacity. Sellers ask and buyers bid in
    CNY a MW and year; the cheapest seller meets the keenest buyer, and both bargain: the price lies between ask and
    bid, the nearer to the bid the less is offered for the duty (`leverage`), and always within the band. Where sellers
    ask the floor and buyers bid the cap this is the sloping price cap - (supply / duty - scarce) / (ample - scarce) x
    (cap - floor). Who owns stores and wind serves himself in the same book; what he has beyond his duty is sold on.
    Each month a twelfth is settled; what a seller could not give is not paid; what a duty lacks is charged at the
    default price, or its share of the energy is settled below the price.
    Source: [Yunnan1354] the market, its band, who may sell; the slope: [assumption].
    """

    key = "regulation_capacity"
    rhythms = ("year",)

    class Rules(Section):
        """base_price: CNY/kW-yr by zone that has the market; deals within `band` about it.
        new_share, old_share: duty of what was commissioned from `new_from` on, and before.
        eligible: share of rated capacity that a technology may sell.  lignite: share of a zone's coal that may not.
        least_hours: a store counts with the power it holds for so long.
        scarce, ample: supply over duty at which sellers, and buyers, have the last word.
        shortfall: how a duty not met is settled: default_price for the missing MW, or energy at settlement_factor."""

        base_price: dict[str, bounded(CNYPerKWYear, gt=0)]
        band: bounded(Share, gt=0, lt=1)
        new_from: date
        new_share: bounded(Share, ge=0, le=1)
        old_share: bounded(Share, ge=0, le=1)
        least_hours: bounded(Hours, gt=0)
        eligible: Annotated[dict[Technology, bounded(Share, ge=0, le=1)], Field(min_length=1)]
        lignite: dict[str, bounded(Share, ge=0, le=1)]
        scarce: bounded(Ratio, ge=0)
        ample: bounded(Ratio, ge=0)
        shortfall: Literal["default_purchase", "reduced_settlement"]
        default_price: bounded(CNYPerKWYear, ge=0)
        settlement_factor: bounded(Share, ge=0, le=1)

        def limits(self, zone: str) -> tuple[float, float]:
            """Floor and cap of a zone, CNY/kW-yr."""
            base = self.base_price[zone]
            return base * (1 - self.band), base * (1 + self.band)

        @model_validator(mode="after")
        def _scarcity_has_a_slope(self):
            if self.scarce >= self.ample:
                raise ValueError(f"scarce {self.scarce:g} is not below ample {self.ample:g}; expected a slope between")
            return self

        @model_validator(mode="after")
        def _buying_is_no_dearer_than_not_buying(self):
            for zone in self.base_price:
                cap = self.limits(zone)[1]
                if self.default_price < cap * (1 - 1e-9):
                    raise ValueError(f"default_price {self.default_price:g} is below {cap:g}, the upper end of the "
                                     f"band in {zone}; expected at least as much, or nobody need buy")
            return self

    def clear(self, orders: Orders, scene: Scene) -> Trade:
        """The year's deals, zone by zone. Price: CNY a MW and year, of all deals of an order on average."""
        rules, grid = scene.rules, scene.grid
        accepted, price = np.zeros((2, len(orders)))
        public: dict[str, float] = {}
        may, must = supply_and_duty(grid, rules)
        zone_of = np.append(grid.bus_zone[grid.units.bus], -1)[np.minimum(orders.unit, len(grid.units))]
        for zone in rules.base_price:
            if zone in grid.zone:
                here = np.flatnonzero(zone_of == grid.zone.index(zone))
                figures = self._deal(orders, here, may, must, rules, zone, accepted, price)
                public |= {f"{name}.{zone}": value for name, value in figures.items()}
        return Trade(market=self.key, rhythm=scene.rhythm, day=scene.now, orders=orders, events={}, public=public,
                     accepted=accepted[:, None], price=price[:, None])

    @staticmethod
    def _deal(orders: Orders, here: np.ndarray, may: np.ndarray, must: np.ndarray, rules: "RegulationCapacity.Rules",
              zone: str, accepted: np.ndarray, price: np.ndarray) -> dict[str, float]:
        """One zone's deals, written into `accepted` and `price` [order]; gives what everybody may see of them."""
        sell, buy = here[orders.side[here] == SELL], here[orders.side[here] == BUY]
        offered = within(orders.volume[sell, 0], orders.unit[sell], may)
        wanted = within(orders.volume[buy, 0], orders.unit[buy], must)
        floor, cap = (limit * KW for limit in rules.limits(zone))
        supply, owed_here = float(offered.sum()), float(wanted.sum())
        deals = bargains(orders.price[sell, 0], offered, orders.price[buy, 0], wanted,
                         leverage(supply, owed_here, rules.scarce, rules.ample), floor, cap)
        for side, who in ((sell, deals.seller), (buy, deals.buyer)):
            np.add.at(accepted, side[who], deals.volume)
            np.add.at(price, side[who], deals.volume * deals.price)
        sold = np.union1d(sell[deals.seller], buy[deals.buyer])
        price[sold] /= accepted[sold]
        volume = float(deals.volume.sum())
        figures = {"supply": supply, "duty": owed_here, "volume": volume}
        if volume:
            figures["price"] = float((deals.price * deals.volume).sum() / volume) / KW
        return figures

    def bill(self, month: Month, facts: "Facts", rules: "RegulationCapacity.Rules") -> list[Transfer]:
        """A twelfth of the year: buyers to sellers through the grid company, less what was not there; then what is due
        for a duty that was not met."""
        trade = facts.trades.get((self.key, "year"))
        if trade is None or not facts.days:
            return []
        grid, units = facts.grid, facts.grid.units
        part = facts.days / month.days / MONTHS
        bought, paid = by_unit(trade, BUY, len(units))
        sold, earned = by_unit(trade, SELL, len(units))
        there = np.minimum(facts.available, sold[:, None]).mean(axis=1)
        missing = np.divide(sold - there, sold, out=np.zeros(sold.shape), where=sold > 0)
        short = np.maximum(supply_and_duty(grid, rules)[1] - bought, 0.0)
        if rules.shortfall == "default_purchase":
            name, penalty = "default purchase", short * KW * rules.default_price * part
        else:
            name, penalty = "reduced settlement", reduced(facts, short, rules)
        transfers = []
        for kind, account in ACCOUNT.items():
            row = units.of_kind(kind).astype(np.int64)
            for bill, payer, payee, amount in (
                    ("yearly regulation capacity", account, "grid_company", paid * part),
                    ("yearly regulation capacity", "grid_company", account, earned * part),
                    ("yearly regulation missing", account, "grid_company", earned * part * missing),
                    (f"yearly regulation {name}", account, "grid_company", penalty)):
                transfers += owed(bill, payer, payee, to_fen(amount[row]), row)
        return transfers


@dataclass(frozen=True)
class Deals:
    """Deals of one zone, one row each. seller, buyer: int, positions of the asks and bids.  volume: MW.  price: in the
    asks' unit."""

    seller: np.ndarray
    buyer: np.ndarray
    volume: np.ndarray
    price: np.ndarray


def duty(capacity: np.ndarray, before: np.ndarray, new_share: float, old_share: float) -> np.ndarray:
    """MW [unit] owed. capacity: MW that stands.  before: MW that stood when the duty's day came."""
    old = np.minimum(capacity, before)
    return old_share * old + new_share * (capacity - old)


def offerable(technology: np.ndarray, zone: np.ndarray, capacity: np.ndarray, store: np.ndarray,
              rules: RegulationCapacity.Rules) -> np.ndarray:
    """MW [unit] that may be sold. store: MWh held when full, 0 where it is no store."""
    share = np.array([rules.eligible.get(t, 0.0) * (1 - rules.lignite.get(z, 0.0) * (t == "coal"))
                      for t, z in zip(technology, zone)], float)
    return share * np.where(store > 0, np.minimum(capacity, store / rules.least_hours), capacity)


def supply_and_duty(grid: "Grid", rules: RegulationCapacity.Rules) -> tuple[np.ndarray, np.ndarray]:
    """MW [unit] that may be sold and MW [unit] that is owed, in zones that have the market."""
    units = grid.units
    zone = np.array(grid.zone, object)[grid.bus_zone[units.bus]]
    here = np.isin(zone, list(rules.base_price))
    standing = grid.standing(grid.on)
    owes = here & np.isin(units.technology, MUST_BUY)
    before = np.minimum(standing, grid.standing(rules.new_from))
    may = np.where(here, offerable(units.technology, zone, standing, units.store, rules), 0.0)
    return may, np.where(owes, duty(standing, before, rules.new_share, rules.old_share), 0.0)


def leverage(supply: float, duty: float, scarce: float, ample: float) -> float:
    """The sellers' weight in a bargain: 1 where supply is at most `scarce` times the duty, 0 from `ample` times on."""
    if duty <= 0:
        return 0.0
    return float(np.clip((ample - supply / duty) / (ample - scarce), 0.0, 1.0))


def bargains(ask: np.ndarray, offered: np.ndarray, bid: np.ndarray, wanted: np.ndarray, weight: float, floor: float,
             cap: float) -> Deals:
    """The cheapest ask meets the highest bid until one passes the other; each pair's price lies between the two.

    ask, bid: [order], in the unit of floor and cap.  offered, wanted: MW.  weight: the sellers'. Nobody deals below his
    ask or above his bid, nor outside the band.
    """
    sellers, buyers = np.argsort(ask, kind="stable"), np.argsort(-bid, kind="stable")
    left, need = offered.astype(float), wanted.astype(float)
    deals: list[tuple[int, int, float, float]] = []
    s = b = 0
    while s < len(sellers) and b < len(buyers):
        seller, buyer = int(sellers[s]), int(buyers[b])
        low, high = max(ask[seller], floor), min(bid[buyer], cap)
        if low > high:
            break
        volume = min(left[seller], need[buyer])
        if volume > 0:
            price = float(np.clip(weight * bid[buyer] + (1 - weight) * ask[seller], low, high))
            deals.append((seller, buyer, volume, price))
        left[seller] -= volume
        need[buyer] -= volume
        s, b = s + (left[seller] <= 0), b + (need[buyer] <= 0)
    seller, buyer, volume, price = np.array(deals, float).reshape(-1, 4).T
    return Deals(seller.astype(np.intp), buyer.astype(np.intp), volume, price)


def within(volume: np.ndarray, unit: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """MW [order], cut so that no unit exceeds its limit (MW [unit]), earlier orders first."""
    cut, left = volume.astype(float), limit.astype(float)
    for i, row in enumerate(unit):
        cut[i] = min(cut[i], left[row])
        left[row] -= cut[i]
    return cut


def by_unit(trade: Trade, side: np.int8, units: int) -> tuple[np.ndarray, np.ndarray]:
    """(MW, CNY a year) [unit] that a side of the year's trade comes to."""
    mine = (trade.orders.side == side) & (trade.orders.unit < units)
    unit, volume = trade.orders.unit[mine], trade.accepted[mine, 0]
    return np.bincount(unit, volume, units), np.bincount(unit, volume * trade.price[mine, 0], units)


def reduced(facts: "Facts", short: np.ndarray, rules: RegulationCapacity.Rules) -> np.ndarray:
    """CNY [unit]: what is held back of the month's energy of those who lack capacity, in proportion to what they lack.

    The mean price is that of clean energy in the zone: output of water, wind and sun at their buses' prices.
    """
    grid, units = facts.grid, facts.grid.units
    made = np.maximum(facts.output, 0.0)
    clean = np.isin(units.technology, CLEAN)[:, None] * made
    zone = grid.bus_zone[units.bus]
    worth = np.bincount(zone, (clean * facts.price[units.bus]).sum(axis=1), len(grid.zone))
    energy = np.bincount(zone, clean.sum(axis=1), len(grid.zone))
    mean = np.divide(worth, energy, out=np.zeros_like(worth), where=energy > 0)[zone]
    owes = supply_and_duty(grid, rules)[1]
    lacking = np.divide(short, owes, out=np.zeros_like(short), where=owes > 0)
    return (1 - rules.settlement_factor) * np.maximum(mean, 0.0) * made.sum(axis=1) * lacking
