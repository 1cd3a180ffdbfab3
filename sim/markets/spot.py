"""The spot market: energy by bus and hour, cleared jointly over the whole network."""

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import model_validator

from sim.config import Section, bounded
from sim.market_power import mitigated
from sim.markets.base import Market
from sim.messages import BUY, Clearing, Orders, Scene
from sim.units import CNYPerMWh, Ratio, Share

if TYPE_CHECKING:
    from sim.engines.cooptimised import CooptimisedEngine
    from sim.engines.hourly import HourlyEngine
    from sim.network.grid import Grid


class Spot(Market):
    """Joint clearing of a day: the orders that cost least serve the load within the network's limits.

    Offers outside floor and cap are cut to them, not refused. The price floor and cap act inside the clearing, as a
    disposal and a shedding column at every bus.
    Source: [SouthSpot2025] trading hours and price limits; DC power flow and nodal prices [Schweppe1988].
    """

    key = "spot"
    rhythms = ("real-time",)

    class Rules(Section):
        """What the law says of the spot market.

        engine: `day` clears 24 coupled hours at once and can schedule stores and the day's water; `hour` clears every
        hour alone, so that their owners must.
        mitigation: `cap` cuts the offers of owners whose residual-supply index is below `mitigation_rsi` to registered
        cost x (1 + `mitigation_markup`), see `sim.market_power`.
        """

        engine: Literal["day", "hour"]
        offer_floor: CNYPerMWh
        offer_cap: CNYPerMWh
        clearing_floor: CNYPerMWh
        clearing_cap: CNYPerMWh
        storage_scheduling: Literal["market", "own"]
        storage_level: bounded(Share, ge=0, le=1)
        mitigation: Literal["none", "cap"] = "none"
        mitigation_rsi: bounded(Ratio, ge=0) = 1.1
        mitigation_markup: bounded(Ratio, ge=0) = 0.1

        @model_validator(mode="after")
        def _limits_in_order(self):
            for low, high in pairwise(("clearing_floor", "offer_floor", "offer_cap", "clearing_cap")):
                if getattr(self, low) > getattr(self, high):
                    raise ValueError(f"{low} {getattr(self, low):g} is above {high} {getattr(self, high):g}; "
                                     "expected clearing_floor <= offer_floor <= offer_cap <= clearing_cap")
            return self

        @model_validator(mode="after")
        def _somebody_schedules(self):
            if self.engine == "hour" and self.storage_scheduling == "market":
                raise ValueError("a market that clears every hour alone cannot schedule stores; "
                                 "expected storage_scheduling own with engine hour")
            return self

    def __init__(self):
        self._engine: CooptimisedEngine | HourlyEngine | None = None
        self._built: tuple[Grid, str] | None = None

    def clear(self, orders: Orders, scene: Scene) -> Clearing:
        """Clear the 24 hours of a day. Raises: ClearingError that names the day when no optimum was found."""
        from sim.engines.records import Book, ClearingError, Day

        rules, conditions = scene.rules, scene.conditions
        engine = self._engine_for(scene.grid, rules.engine)
        if scene.now.opens_month:
            engine.restart()  # every month begins from the same basis, so a result depends on its month alone
        bids, asked = orders.side[:, None] == BUY, mitigated(orders, scene, rules)
        price = np.where(bids, np.clip(asked, rules.clearing_floor, rules.clearing_cap),
                         np.clip(asked, rules.offer_floor, rules.offer_cap))
        capacity = scene.grid.link_capacity[:, None] * conditions.link_share
        day = Day(load=conditions.load, minimum=conditions.minimum, energy=conditions.energy, stored=conditions.stored,
                  stored_end=self.least_left(scene), link_available=capacity, floor=rules.clearing_floor,
                  cap=rules.clearing_cap, output_before=conditions.output_before)
        try:
            found = engine.clear(Book(orders.unit, orders.side, price, orders.volume), day)
        except ClearingError as error:
            raise ClearingError(f"{self.key} on {scene.now}: {error}") from error
        return Clearing(
            market=self.key, rhythm="real-time", day=scene.now, orders=orders, accepted=found.accepted,
            output=found.output, price=found.price, energy=found.energy, line_flow=found.line_flow,
            line_shadow=found.line_shadow, sent=found.sent, delivered=found.delivered, link_shadow=found.link_shadow,
            minimum_shadow=found.minimum_shadow, joint_shadow=found.joint_shadow, shed=found.shed,
            disposed=found.disposed, stored=found.stored, rent=found.rent, residual=found.residual,
            imbalance=found.imbalance, objective=found.objective, events=found.events)

    @staticmethod
    def least_left(scene: Scene) -> np.ndarray:
        """Least level of the stores at midnight, MWh [unit]: the law's where the market schedules, else none.

        A store that cannot reach it (it is not in service yet) is asked for what it can.
        """
        units, conditions = scene.grid.units, scene.conditions
        if scene.rules.storage_scheduling == "own":
            return np.zeros(len(units))
        reach = conditions.stored + conditions.available.sum(axis=1) * np.sqrt(units.efficiency)
        return np.minimum(scene.rules.storage_level * units.store, reach)

    def _engine_for(self, grid: "Grid", kind: str) -> "CooptimisedEngine | HourlyEngine":
        """The engine that the law asks for, for this grid: built once a year, when the grid is."""
        from sim.engines.records import Fleet, Network

        if self._built is None or self._built[0] is not grid or self._built[1] != kind:
            half = np.sqrt(grid.units.efficiency)  # a round trip's loss falls half on charging, half on discharging
            fleet = Fleet(bus=grid.units.bus, ramp=grid.units.ramp, budgeted=grid.units.budgeted.astype(bool),
                          store=grid.units.store, charge_efficiency=half, discharge_efficiency=half)
            network = Network(
                buses=len(grid.bus), area=grid.area, reference=grid.reference, line_from=grid.line_from,
                line_to=grid.line_to, line_capacity=grid.line_capacity, line_susceptance=grid.line_susceptance,
                line_shift=np.zeros(len(grid.line)), link_from=grid.link_from, link_to=grid.link_to,
                link_capacity=grid.link_capacity, link_reverse=grid.link_reverse, link_minimum=grid.link_minimum,
                link_loss=grid.link_loss, link_fee=grid.link_fee, joints=grid.joints)
            if kind == "day":
                from sim.engines.cooptimised import CooptimisedEngine as Engine
            else:
                from sim.engines.hourly import HourlyEngine as Engine
            self._engine, self._built = Engine(network, fleet), (grid, kind)
        return self._engine
