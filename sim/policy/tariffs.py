"""Prices that two institutions set for riders, as dated law: what an order pays and what battery swaps cost."""

from typing import ClassVar

from sim.config import Key, Section, bounded
from sim.units import CNYPerMonth, CNYPerOrder, Share


class PlatformRules(Section):
    """Key `platform`: what the delivery platform pays its riders. fee: for an order, by tier of city, incentives
    included.  late_penalty: part of it that is kept back where the order comes late; 0 is late-delivery forgiveness."""

    key: ClassVar[str] = "platform"

    fee: dict[Key("rider_tiers"), bounded(CNYPerOrder, ge=0)]
    late_penalty: bounded(Share, ge=0, le=1)


class SwapRules(Section):
    """Key `swap`: what the operator of battery swap cabinets asks. subscription: unlimited swaps for a month."""

    key: ClassVar[str] = "swap"

    subscription: bounded(CNYPerMonth, ge=0)
