"""Ancillary services: frequency regulation and spinning reserve, traded a day ahead beside energy.

Co-optimised, the spot market clears all three products in one programme; this file says what is asked and of whom, and
what it costs. Sequential, what energy leaves free is sold after it. Either way no MW is sold twice in an hour, and what
is held back stays out of real time, see `held_back`.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import model_validator

from sim.calendar import Month
from sim.config import BadInput, Section, bounded
from sim.markets.base import Market
from sim.messages import Conditions, Dispatch, Orders, Scene, Trade, Transfer
from sim.network.grid import PLANT, STORE
from sim.settlement import services
from sim.units import MW, CNYPerMW, Hours, Ratio, Share

if TYPE_CHECKING:
    from sim.engines.records import Products, Reserve
    from sim.engines.reserves import Awards
    from sim.facts import Facts
    from sim.law import Rulebook
    from sim.network.grid import Grid

REGULATION, SPINNING = 0, 1  # products, as orders and arrays number them
NAMES = ("regulation", "reserve")
RENEWABLE = ("wind", "wind_offshore", "solar")
GOLDEN = 0.6180339887498949  # its multiples, taken modulo one, fill a band evenly however many there are
Seller = Literal["coal", "gas", "nuclear", "hydro", "biomass", "battery", "pumped_hydro",
                 "virtual_plant"]
Positive = bounded(Share, gt=0, le=1)


@dataclass(frozen=True)
class Services(Trade):
    """A day of ancillary services.

    reserved: MW held back [product, unit, hour].  group: int [unit], its zone.
    pay: CNY/MW and hour [part, unit, hour], what a MW of regulation earns by capacity and by mileage, one of reserve.
    value: CNY/MW (times performance) and hour, what a MW more would cost; lack, asked: MW (times performance) [product,
    zone, hour].  failure: multiple of its pay that a MW pays back which real time does not find.
    """

    reserved: np.ndarray | None = None
    group: np.ndarray | None = None
    pay: np.ndarray | None = None
    value: np.ndarray | None = None
    lack: np.ndarray | None = None
    asked: np.ndarray | None = None
    failure: float = 0.0


class Ancillary(Market):
    """Regulation and reserve of the zones, each bought for itself.

    An order's `product` is 0 for regulation, at a price for a MW of mileage, or 1 for reserve, at a price for a MW held
    for an hour. The requirement of regulation counts MW times performance; so offers rank by price over performance.
    One price a zone, product and hour, what a MW more would cost: of regulation, the mileage of its dearest seller is
    paid by mileage and the rest, what sellers forgo in energy, by capacity. What is held back stays out of real
    time, see `held_back`; what real time yet does not find (a store that charges less than it sold can stop less) is
    not paid, and pays back.
    Source: requirement and price in one programme [Hogan2013]; mileage, performance and limits: NDRC/NEA 2024 No.196.
    """

    key = "ancillary"
    rhythms = ("day-ahead",)
    closes_itself = True
    after_spot = True

    class Rules(Section):
        """What the law says of ancillary services.

        mode: with energy in one programme, or after it.  regulation_of_load, regulation_of_renewables, reserve_of_load,
        largest_unit, largest_unit_of_load: what each zone with load asks for.  mileage: MW of movement for a MW of
        regulation and hour.  performance: band by technology, in which the units of a technology are spread evenly in
        the order of their table, by multiples of the golden ratio: a unit keeps its factor when others are added
        behind it.
        regulation_share, reserve_share: most that a unit may sell, by technology; who is not named sells none.
        least_load: of machines that must run to sell.  regulation_hours, reserve_hours: how long a store must last.
        failure: what a MW that real time does not find pays back, as a multiple of its price.
        users_share, generators_share: who pays, by energy within the zone.
        """

        mode: Literal["co-optimised", "sequential"]
        regulation_of_load: bounded(Share, ge=0, le=1)
        regulation_of_renewables: bounded(Share, ge=0, le=1)
        reserve_of_load: bounded(Share, ge=0, le=1)
        largest_unit: bounded(MW, ge=0)
        largest_unit_of_load: bounded(Share, ge=0, le=1)
        mileage: bounded(Ratio, ge=0)
        mileage_floor: bounded(CNYPerMW, ge=0)
        mileage_cap: bounded(CNYPerMW, ge=0)
        capacity_cap: bounded(CNYPerMW, ge=0)
        reserve_cap: bounded(CNYPerMW, ge=0)
        performance_cap: bounded(Ratio, gt=0)
        performance: dict[Seller, tuple[bounded(Ratio, gt=0), bounded(Ratio, gt=0)]]
        regulation_share: dict[Seller, Positive]
        reserve_share: dict[Seller, Positive]
        least_load: dict[Seller, Positive]
        regulation_hours: bounded(Hours, ge=0)
        reserve_hours: bounded(Hours, ge=0)
        failure: bounded(Ratio, ge=0)
        users_share: bounded(Share, ge=0, le=1)
        generators_share: bounded(Share, ge=0, le=1)

        @model_validator(mode="after")
        def _limits_in_order(self):
            if self.mileage_floor > self.mileage_cap:
                raise ValueError(f"mileage_floor {self.mileage_floor:g} is above mileage_cap {self.mileage_cap:g}; "
                                 "expected mileage_floor <= mileage_cap")
            for technology, (low, high) in self.performance.items():
                if not low <= high <= self.performance_cap:
                    raise ValueError(f"performance of {technology} is {low:g} to {high:g}; expected low <= high <= "
                                     f"performance_cap {self.performance_cap:g}")
            return self

        @model_validator(mode="after")
        def _regulators_have_a_performance(self):
            for technology in self.regulation_share:
                if technology not in self.performance:
                    raise ValueError(f"regulation_share names {technology}, performance does not; expected its band")
            return self

        @model_validator(mode="after")
        def _somebody_pays_all(self):
            whole = self.users_share + self.generators_share
            if abs(whole - 1) > 1e-9:
                raise ValueError(f"users_share and generators_share sum to {whole:g}; expected 1")
            return self

        def caps(self) -> np.ndarray:
            """What a missing MW costs, CNY/MW [product]: the most that a MW held can."""
            return np.array([self.capacity_cap + self.mileage * self.mileage_cap, self.reserve_cap])

    def __init__(self):
        self._built: tuple | None = None

    def sold(self, grid: "Grid", rules: "Rules") -> "Products":
        """Who may sell what: built once for a grid and the rules in force, so that an engine can be kept."""
        if self._built is None or self._built[0] is not grid or self._built[1] is not rules:
            self._built = grid, rules, products(grid, rules)
        return self._built[2]

    def holds(self, orders: Orders, scene: Scene) -> "tuple[Products, Reserve] | None":
        """The day's requirements and offers, where the spot clears all products at once."""
        if scene.rules.mode != "co-optimised":
            return None
        sold = self.sold(scene.grid, scene.rules)
        return sold, requirements(orders, scene, sold)

    def clear(self, orders: Orders, scene: Scene) -> Services:
        """What the spot held back with its energy, or, sequential, what its energy leaves free."""
        from sim.engines.reserves import Awards, after_energy
        from sim.network.wiring import fleet

        dispatch: Dispatch = scene.earlier["spot", scene.rhythm]
        sold = self.sold(scene.grid, scene.rules)
        reserve = requirements(orders, scene, sold)
        if scene.rules.mode == "co-optimised":
            awards = Awards(dispatch.reserved, dispatch.reserve_price, dispatch.reserve_short)
        else:
            awards = after_energy(fleet(scene.grid, sold), reserve, dispatch.output, dispatch.stored)
        return trade(orders, scene, sold, reserve, awards)

    def leaves(self, conditions: Conditions, sold: Services, grid: "Grid") -> Conditions:
        """Real time without what is held back."""
        return held_back(conditions, sold, grid)

    @classmethod
    def check(cls, book: "Rulebook"):
        """Energy cleared hour by hour cannot hold reserve back in one programme. Raises: BadInput at the mode."""
        if book[cls.key].mode == "co-optimised" and book["spot"].engine == "hour":
            raise BadInput(f"{book.since(cls.key, 'mode').place}: {cls.key}.mode: co-optimised contradicts spot.engine "
                           f"hour at {book.since('spot', 'engine').place}; expected sequential, or spot.engine day")

    def bill(self, month: Month, facts: "Facts", rules: "Rules") -> list[Transfer]:
        """Capacity, mileage and reserve to who held it, from users and generators of the zone."""
        return services.bills(facts, rules)


# ------------------------------------------------------------------------------------------- what is asked, and of whom


def products(grid: "Grid", rules: Ancillary.Rules) -> "Products":
    """Who may sell what, for the engines: plants and stores of the technologies that the law names, by zone."""
    from sim.engines.records import Products

    units, zone = grid.units, grid.bus_zone[grid.units.bus]
    sells = np.isin(units.kind, (PLANT, STORE)) & np.isin(zone, grid.cleared_zones)
    shares = np.stack([by_technology(grid, share) for share in (rules.regulation_share, rules.reserve_share)])
    worth = np.ones(shares.shape)
    worth[REGULATION] = performance(grid, rules)
    least = by_technology(grid, rules.least_load)
    spin = np.divide(1.0 - least, least, out=np.full(len(units), np.inf), where=least > 0)
    return Products(eligible=sells & (shares > 0), worth=worth, group=zone.astype(np.int64), groups=len(grid.zone),
                    both=np.array([True, False]), duration=np.array([rules.regulation_hours, rules.reserve_hours]),
                    spin=spin)


def performance(grid: "Grid", rules: Ancillary.Rules) -> np.ndarray:
    """Performance factor of each unit, [unit]; 1 where the law gives none."""
    found = np.ones(len(grid.units))
    for technology, (low, high) in rules.performance.items():
        mine = np.flatnonzero(grid.units.technology == technology)
        found[mine] = low + (high - low) * np.modf(GOLDEN * np.arange(1.0, len(mine) + 1))[0]
    return found


def by_technology(grid: "Grid", shares: dict[str, float]) -> np.ndarray:
    """A law's shares by technology as [unit], 0 where it names none."""
    return np.array([shares.get(technology, 0.0) for technology in grid.units.technology])


def requirement(scene: Scene) -> np.ndarray:
    """MW [product, zone, hour] that the zones with load ask for, from the load and the wind and sun that are expected.

    Reserve covers a share of the load and the largest machine, in a small zone one that fits its load.
    """
    grid, rules, today = scene.grid, scene.rules, scene.conditions
    units, zone = grid.units, grid.bus_zone[grid.units.bus]
    load = grid.by_zone(today.load)
    green, largest = np.zeros(load.shape), np.minimum(rules.largest_unit, rules.largest_unit_of_load * load)
    weather = np.isin(units.technology, RENEWABLE) & (units.kind == PLANT)
    np.add.at(green, zone[weather], today.available[weather])
    asked = np.stack([rules.regulation_of_load * load + rules.regulation_of_renewables * green,
                      rules.reserve_of_load * load + largest])
    asked[:, np.setdiff1d(np.arange(len(grid.zone)), grid.cleared_zones)] = 0.0
    return asked


def requirements(orders: Orders, scene: Scene, sold: "Products") -> "Reserve":
    """What a day asks and is offered, for the engines.

    Offers are cut to the law's limits, in price and volume; of units that may not sell the product they are left out.
    Several offers of a unit for one product are one, at their mean price weighted by volume.
    """
    from sim.engines.records import Reserve

    grid, rules, today = scene.grid, scene.rules, scene.conditions
    shape = (2, *today.available.shape)
    most, worth = np.zeros(shape), np.zeros(shape)
    at = (orders.product, orders.unit)
    np.add.at(most, at, orders.volume)
    np.add.at(worth, at, orders.volume * limited(orders, rules))
    price = np.divide(worth, most, out=np.zeros(shape), where=most > 0)
    price[REGULATION] *= rules.mileage
    for product, shares in enumerate((rules.regulation_share, rules.reserve_share)):
        most[product] = np.minimum(most[product], by_technology(grid, shares)[:, None] * today.available)
    store = (grid.units.kind == STORE)[:, None]
    return Reserve(
        requirement=requirement(scene), shortage=rules.caps(), price=price, most=most * sold.eligible[:, :, None],
        highest=today.available, lowest=np.where(store, -today.available, today.minimum))


def limited(orders: Orders, rules: Ancillary.Rules) -> np.ndarray:
    """Offered prices within the law's limits, CNY/MW [order, hour]."""
    regulation = (orders.product == REGULATION)[:, None]
    return np.where(regulation, np.clip(orders.price, rules.mileage_floor, rules.mileage_cap),
                    np.clip(orders.price, 0.0, rules.reserve_cap))


# -------------------------------------------------------------------------------------------------------- what was sold


def trade(orders: Orders, scene: Scene, sold: "Products", reserve: "Reserve", awards: "Awards") -> Services:
    """Awards of units as a Trade of orders: a unit's award is shared by its orders by volume.

    An order is paid CNY for a MW held for an hour: the zone's value times its worth.
    """
    offered = np.zeros(reserve.most.shape)
    np.add.at(offered, (orders.product, orders.unit), orders.volume)
    share = np.divide(awards.reserved, offered, out=np.zeros(offered.shape), where=offered > 0)
    accepted = orders.volume * share[orders.product, orders.unit]
    paid = sold.worth[:, :, None] * awards.price[:, sold.group]
    movement = scene.rules.mileage * mileage_price(scene.rules, sold, reserve, awards)
    movement = sold.worth[REGULATION][:, None] * movement[sold.group]
    public = {f"{name}_price": _mean(awards.price[p], reserve.requirement[p]) for p, name in enumerate(NAMES)}
    public |= {f"{name}_lack": float(awards.short[p].sum()) for p, name in enumerate(NAMES)}
    return Services(
        market=Ancillary.key, rhythm=scene.rhythm, day=scene.now, orders=orders, accepted=accepted, events={},
        price=paid[orders.product, orders.unit], public=public, reserved=awards.reserved, group=sold.group,
        pay=np.stack([np.maximum(paid[REGULATION] - movement, 0.0), movement, paid[SPINNING]]), value=awards.price,
        lack=awards.short, asked=reserve.requirement, failure=scene.rules.failure)


def mileage_price(rules: Ancillary.Rules, sold: "Products", reserve: "Reserve", awards: "Awards") -> np.ndarray:
    """The dearest mileage taken, over its performance, CNY/MW [zone, hour]; no more than the cap or the whole value."""
    found = np.zeros(awards.price.shape[1:])
    if rules.mileage == 0:
        return found
    asked = reserve.price[REGULATION] / rules.mileage / sold.worth[REGULATION][:, None]
    taken = awards.reserved[REGULATION] > 1e-6
    np.maximum.at(found, sold.group, np.where(taken, asked, 0.0))
    return np.minimum(np.minimum(found, rules.mileage_cap), awards.price[REGULATION] / rules.mileage)


def _mean(price: np.ndarray, weight: np.ndarray) -> float:
    """Mean price weighted by what is asked; 0 where nothing is."""
    return float((price * weight).sum() / weight.sum()) if weight.sum() > 0 else 0.0


def held_back(conditions: Conditions, day: Services, grid: "Grid") -> Conditions:
    """Real time without what is held back: a unit offers what is available less all that it holds, and must run its
    least output and, above it, what it holds both ways.

    A plant that can no longer give what it must keep below (water came short of its forecast) is asked for as much of
    it as its day's energy allows. A store keeps its power; its energy it keeps by following its schedule.
    """
    up, down = day.reserved.sum(axis=0), day.reserved[REGULATION]
    available = np.maximum(conditions.available - up, conditions.minimum)
    more = np.where((grid.units.kind == PLANT)[:, None], np.minimum(down, available - conditions.minimum), 0.0)
    spare = np.maximum(conditions.energy - conditions.minimum.sum(axis=1), 0.0)
    asked = more.sum(axis=1)
    share = np.minimum(np.divide(spare, asked, out=np.ones_like(asked), where=asked > 0), 1.0)
    return replace(conditions, available=available, minimum=conditions.minimum + more * share[:, None])
