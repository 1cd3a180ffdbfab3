"""Carbon allowances of power plants: free for what the benchmark grants, bought for what is emitted beyond it."""

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from sim.calendar import Month
from sim.config import Section, bounded
from sim.messages import Transfer
from sim.network.grid import PLANT
from sim.policy.base import Instrument
from sim.settlement import meters
from sim.settlement.owing import owed
from sim.units import CNYPerT, TPerMWh

if TYPE_CHECKING:
    from sim.facts import Facts


class CarbonRules(Section):
    """Key `carbon`. price: of an allowance.  benchmark: free allowances of a MWh by technology; others need none."""

    price: bounded(CNYPerT, ge=0)
    benchmark: Annotated[dict[str, bounded(TPerMWh, ge=0)], Field(min_length=1)]


class Carbon(Instrument):
    """Plants <-> carbon market: what each emits beyond its free allowances, or saves of them, at the year's price.

    A plant's free allowances follow its output, so only how it burns costs or earns, not how much. Settled month by
    month; in reality once a year [assumption]. Other sides of the national market are outside the model. Without the
    law's key `emissions` nobody knows what is emitted, and nothing is owed.

    *Source*: national carbon market of power generation, intensity benchmarks [MeeEts2021].
    """

    key = "carbon"
    Rules = CarbonRules

    def apply(self, month: Month, facts: "Facts", rules: CarbonRules) -> list[Transfer]:
        """The month's allowances, a row a plant."""
        row = np.flatnonzero(np.isin(facts.grid.units.technology, list(rules.benchmark))
                             & (facts.grid.units.kind == PLANT)).astype(np.int64)
        if not facts.tracer.factor.any():
            return []
        emitted, granted = emissions(facts, rules)
        # whole kilograms and whole fen a tonne, so that what is bought and sold is exact
        kilograms = np.rint((emitted - granted)[row] * 1000).astype(np.int64)
        return owed("carbon allowances", "plants", "carbon_market", meters.fen(kilograms * meters.cents(rules.price)),
                    row)


def emissions(facts: "Facts", rules: CarbonRules | None) -> tuple[np.ndarray, np.ndarray]:
    """t CO2 [unit] that the month emitted and that allowances were free for; 0 of what needs none."""
    units = facts.grid.units
    energy = meters.kwh(np.maximum(facts.output, 0)).sum(axis=1) / meters.MILLI
    energy = np.where(units.kind == PLANT, energy, 0.0)
    granted = np.array([rules.benchmark.get(name, 0.0) for name in units.technology]) if rules else np.zeros(len(units))
    return energy * facts.tracer.factor, energy * granted
