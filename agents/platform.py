"""The delivery platform: what it offers to riders, and who bears what their welfare costs it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.base import Institution
from sim.calendar import Day
from sim.config import BadInput, World
from sim.messages import Public, Statement

if TYPE_CHECKING:
    from sim.law import Law

PAY = "pay of orders"


@dataclass(frozen=True)
class Offer:
    """What riders and customers are offered on a day, [city]. fee: CNY for an order.  penalty: CNY kept back of an
    order that comes late.  commission: CNY that customers pay on an order beyond its delivery.  demand: multiple of the
    orders that are asked, for that reason.
    """

    day: Day
    fee: np.ndarray
    penalty: np.ndarray
    commission: np.ndarray
    demand: np.ndarray


class Platform(Institution):
    """The delivery platform.

    *Decides*: what it pays for an order, day by day and city by city; here, the tariff of the city's tier. What its
    riders' welfare cost it last month it takes, in the parts that the law's `platform_budget` says, from that pay and
    from customers; as the law stands it bears all of it.
    *Source*: pay per order by tier of city, `configs/law/platform.yaml`.
    """

    def __init__(self, model, world: World, law: "Law"):
        super().__init__(model, "platform")
        self._law, self._tiers = law, list(world["cities"]["tier"])
        self._cost = 0.0  # of riders' welfare last month, as a part of the pay of orders

    def offers(self, day: Day) -> Offer:
        """The day's offer, under the tariff in force.

        Raises: BadInput where the tariff leaves out a tier of the world.
        """
        rules = self._law.on(day.date)
        tariff, late = rules["platform"].fee, rules["platform"].late_penalty
        for tier in self._tiers:
            if tier not in tariff:
                raise BadInput(f"platform.fee: has no fee for {tier!r}, a tier of the world's cities")
        fee = np.array([tariff[tier] for tier in self._tiers])
        if "platform_budget" not in rules:
            return Offer(day, fee, fee * late, np.zeros(len(fee)), np.ones(len(fee)))
        budget = rules["platform_budget"]
        commission = fee * budget.to_commission * self._cost
        demand = (1 + commission / budget.order_value) ** budget.elasticity
        fee = fee * max(1 - budget.to_fee * self._cost, 0.0)
        return Offer(day, fee, fee * late, commission, demand)

    def learn(self, statement: Statement, public: Public):
        """See what riders' welfare cost beside the pay of orders: all other bills that it paid."""
        pay = statement.paid.get(PAY, 0)
        self._cost = (sum(statement.paid.values()) - pay) / pay if pay else 0.0
