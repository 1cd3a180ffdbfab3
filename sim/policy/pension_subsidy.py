"""The half of a flexible worker's pension contribution that a platform gives back.

The subsidy's conditions are two: this month's income met the lower contribution base of the place of work, and so did
that of at least three of the last six months, this one included. Who meets them and pays this month's premium has half
of the contribution on the lower base of his place of insurance back a month later.
"""

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import model_validator

from sim.calendar import Month
from sim.config import Key, Section, YearMonth, bounded
from sim.insurance.participation import begun
from sim.insurance.window import eligible, met, remember
from sim.messages import Transfer
from sim.policy.base import Instrument
from sim.units import Months, Share, to_fen

if TYPE_CHECKING:
    from sim.facts import Facts

__all__ = ["PensionSubsidy", "SubsidyRules", "eligible", "met", "remember", "subsidy"]


class SubsidyRules(Section):
    """Key `pension_subsidy`. match: part of the contribution that riders are given.  government: part of it that the
    state bears, the platform the rest.  threshold_months of the last window_months must have met the base.
    lag_months: from the premium to the subsidy.  start: month from which each city's riders are served; a city without
    one is not.  place: of insurance that is subsidised, of the rider's choice or one alone.
    """

    match: bounded(Share, ge=0, le=1)
    threshold_months: bounded(Months, ge=0, le=8)
    window_months: bounded(Months, ge=1, le=8)
    lag_months: bounded(Months, ge=0, le=12)
    start: dict[Key("cities"), YearMonth]
    government: bounded(Share, ge=0, le=1) = 0.0
    place: Literal["choice", "workplace", "hukou"] = "choice"

    @model_validator(mode="after")
    def _can_be_met(self):
        if self.threshold_months > self.window_months:
            raise ValueError(f"threshold_months {self.threshold_months} is more than window_months "
                             f"{self.window_months}; expected at most that, or nobody is ever eligible")
        return self


class PensionSubsidy(Instrument):
    """The pension subsidy: platform, and the state where the law says so, -> riders, by the identity of who earned it.

    Source: published rules of the scheme: income at least the workplace's lower base this month and in three of the
    last six; 50 % x 20 % of the lower base of the place of insurance; paid at the beginning of the next month.
    """

    key = "pension_subsidy"
    Rules = SubsidyRules

    def apply(self, month: Month, facts: "Facts", rules: SubsidyRules) -> list[Transfer]:
        """Due `lag_months` later, to all who paid this month's premium and meet the conditions; one transfer a
        payer."""
        people = facts.people
        who = people.enrolled & begun(rules.start, month, facts.cities.key)[people.city]
        who &= eligible(people.met, rules.threshold_months, rules.window_months)
        if rules.place != "choice":
            who &= people.here if rules.place == "workplace" else people.home
        # who chose a higher base is subsidised on the lower one
        amount = subsidy(rules.match, people.premium[who] * (people.base[who] / people.chosen[who]))
        state = to_fen(rules.government * amount / 100)
        parts = ((payer, part) for payer, part in (("platform", amount - state), ("government", state)))
        return [Transfer("pension subsidy", payer, "riders", part[part > 0], people.identity[who][part > 0],
                         people.weight[who][part > 0], month.later(rules.lag_months))
                for payer, part in parts if (part > 0).any()]


def subsidy(match: float, premium):
    """What is given back of a premium, fen of one person: 458.80 yuan for half of 917.60."""
    return to_fen(match * np.asarray(premium) / 100)
