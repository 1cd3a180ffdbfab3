"""Pension contributions of flexible workers, and the half of them that a platform gives back.

The subsidy's conditions are two: this month's income met the lower contribution base of the place of work, and so did
that of at least three of the last six months, this one included. Who meets them and pays this month's premium has half
of the contribution on the lower base of his place of insurance back a month later.
"""

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sim.calendar import Month
from sim.config import Key, Section, YearMonth, bounded
from sim.messages import Transfer
from sim.policy.base import Instrument
from sim.units import CNYPerMonth, Months, Share, to_fen

if TYPE_CHECKING:
    from sim.facts import Facts


class SubsidyRules(Section):
    """Key `pension_subsidy`. match: part of the contribution that the platform gives.  threshold_months of the last
    window_months must have met the base.  lag_months: from the premium to the subsidy.  start: month from which each
    city's riders are served; a city without one is not."""

    match: bounded(Share, ge=0, le=1)
    threshold_months: bounded(Months, ge=0, le=8)
    window_months: bounded(Months, ge=1, le=8)
    lag_months: bounded(Months, ge=0, le=12)
    start: dict[Key("cities"), YearMonth]


class PensionSubsidy(Instrument):
    """The platform's pension subsidy: platform -> riders, by the identity of who earned it.

    Source: published rules of the scheme: income at least the workplace's lower base this month and in three of the
    last six; 50 % x 20 % of the lower base of the place of insurance; paid at the beginning of the next month.
    """

    key = "pension_subsidy"
    Rules = SubsidyRules

    def apply(self, month: Month, facts: "Facts", rules: SubsidyRules) -> list[Transfer]:
        """One transfer, due `lag_months` later, to all who paid this month's premium and meet the conditions."""
        people = facts.people
        started = np.array([city in rules.start and rules.start[city] <= month for city in facts.cities.key], bool)
        who = people.enrolled & started[people.city]
        who &= eligible(people.met, rules.threshold_months, rules.window_months)
        amount = subsidy(rules.match, people.premium[who])
        paid = amount > 0
        if not paid.any():
            return []
        return [Transfer("pension subsidy", "platform", "riders", amount[paid], people.identity[who][paid],
                         people.weight[who][paid], month.later(rules.lag_months))]


def met(income: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Whether a month's income (fen) reaches a contribution base (CNY a month); exactly at the base it does."""
    return income >= to_fen(base)


def remember(window: np.ndarray, met: np.ndarray) -> np.ndarray:
    """The window a month on: uint8, eight months, the newest in bit 0."""
    return (window.astype(np.uint8) << 1) | met


def eligible(window: np.ndarray, threshold: int, months: int) -> np.ndarray:
    """Whether the newest month of a window (uint8) met the base, and at least `threshold` of its last `months` did.

    A month without work, or before the rider's first, did not.
    """
    window = np.asarray(window, np.uint8)
    last = window & np.uint8((1 << months) - 1)
    return (window & 1).astype(bool) & (np.bitwise_count(last) >= threshold)


def subsidy(match: float, premium):
    """What is given back of a premium, fen of one person: 458.80 yuan for half of 917.60."""
    return to_fen(match * np.asarray(premium) / 100)
