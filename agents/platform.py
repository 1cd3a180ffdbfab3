"""The delivery platform: what it offers to riders."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.base import Institution
from sim.calendar import Day
from sim.config import BadInput, World

if TYPE_CHECKING:
    from sim.law import Law


@dataclass(frozen=True)
class Offer:
    """What a rider is offered on a day. fee: CNY for an order [city].  penalty: CNY kept back of an order that comes
    late [city]."""

    day: Day
    fee: np.ndarray
    penalty: np.ndarray


class Platform(Institution):
    """The delivery platform.

    *Decides*: what it pays for an order, day by day and city by city; here, the tariff of the city's tier.
    *Source*: pay per order by tier of city, `configs/law/platform.yaml`.
    """

    def __init__(self, model, world: World, law: "Law"):
        super().__init__(model, "platform")
        self._law, self._tiers = law, list(world["cities"]["tier"])

    def offers(self, day: Day) -> Offer:
        """The day's offer, under the tariff in force.

        Raises: BadInput where the tariff leaves out a tier of the world.
        """
        rules = self._law.on(day.date)["platform"]
        fee = rules.fee
        for tier in self._tiers:
            if tier not in fee:
                raise BadInput(f"platform.fee: has no fee for {tier!r}, a tier of the world's cities")
        paid = np.array([fee[tier] for tier in self._tiers])
        return Offer(day, paid, paid * rules.late_penalty)
