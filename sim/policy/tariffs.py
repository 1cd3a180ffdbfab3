"""Prices that two institutions set for riders, as dated law: what an order pays, who bears what welfare costs the
platform, and what battery swaps cost."""

from typing import ClassVar

from pydantic import model_validator

from sim.config import Key, Section, bounded
from sim.units import CNYPerMonth, CNYPerOrder, Share, SignedRatio


class PlatformRules(Section):
    """Key `platform`: what the delivery platform pays its riders. fee: for an order, by tier of city, incentives
    included.  late_penalty: part of it that is kept back where the order comes late; 0 is late-delivery forgiveness."""

    key: ClassVar[str] = "platform"

    fee: dict[Key("rider_tiers"), bounded(CNYPerOrder, ge=0)]
    late_penalty: bounded(Share, ge=0, le=1)


class BudgetRules(Section):
    """Key `platform_budget`: what the platform makes of what its riders' welfare cost it, a month later.

    to_fee: part that it takes from the pay of an order.  to_commission: part that it asks of customers; what is left
    it bears.  order_value: what a customer pays for an order.  elasticity: of orders asked by that price, 0 or below.
    """

    key: ClassVar[str] = "platform_budget"

    to_fee: bounded(Share, ge=0, le=1)
    to_commission: bounded(Share, ge=0, le=1)
    order_value: bounded(CNYPerOrder, gt=0)
    elasticity: bounded(SignedRatio, le=0)

    @model_validator(mode="after")
    def _passes_on_what_it_costs(self):
        if self.to_fee + self.to_commission > 1 + 1e-9:
            raise ValueError(f"to_fee {self.to_fee:g} and to_commission {self.to_commission:g} are more than it costs; "
                             "expected at most 1 together")
        return self


class SwapRules(Section):
    """Key `swap`: what the operator of battery swap cabinets asks. subscription: unlimited swaps for a month."""

    key: ClassVar[str] = "swap"

    subscription: bounded(CNYPerMonth, ge=0)
