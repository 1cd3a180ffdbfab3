"""A pension fund's expected balance over the cohorts of those who contribute now."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import model_validator

from sim.calendar import Month
from sim.config import Section, bounded
from sim.insurance.pension import YEAR, PensionRules, geometric, saved
from sim.insurance.retirement import KINDS, Kind, RetirementRules, divisor, least_months, retirement_age
from sim.units import Ratio, Share, Years


class Actuary(Section):
    """Key `actuary`: what the fund's actuary assumes, real and a year. wage_growth, interest: of average wage and
    accounts.  discount: rate.  mortality: before retirement.  indexation: of pensions in payment.  life: years in
    pension.  density: share of the months to retirement that are paid.  spread: standard deviation of that share
    between workers, by which some reach the least months whose mean does not.
    """

    key: ClassVar[str] = "actuary"

    wage_growth: bounded(Share, ge=0, le=1)
    interest: bounded(Share, ge=0, le=1)
    discount: bounded(Share, ge=0, le=1)
    mortality: bounded(Share, ge=0, le=1)
    indexation: bounded(Share, ge=0, le=1)
    life: dict[Kind, bounded(Years, gt=0)]
    density: bounded(Share, ge=0, le=1)
    spread: bounded(Ratio, ge=0)

    @model_validator(mode="after")
    def _all_kinds(self):
        for kind in KINDS:
            if kind not in self.life:
                raise ValueError(f"life has no years for {kind!r}; expected {', '.join(KINDS)}")
        return self


@dataclass(frozen=True)
class Balance:
    """What a fund may expect of its contributors, by cohort [cohort]; CNY of today, discounted.

    cohort: year of birth.  persons: of that year who contribute now.  contributions: that they will pay, pool and
    account.  pensions: that they will draw for them.  accrued: that they will draw for months already paid.  assets: in
    their accounts now.
    """

    cohort: np.ndarray
    persons: np.ndarray
    contributions: np.ndarray
    pensions: np.ndarray
    accrued: np.ndarray
    assets: np.ndarray

    @property
    def balance(self) -> np.ndarray:
        """Contributions to come less what is promised for them, CNY [cohort]."""
        return self.contributions - self.pensions

    @property
    def cover(self) -> np.ndarray:
        """Contributions to come over what is promised for them, [cohort]; nan where nothing is."""
        return np.divide(self.contributions, self.pensions, out=np.full(len(self.cohort), np.nan),
                         where=self.pensions > 0)


def fund_balance(month: Month, age: np.ndarray, kind: np.ndarray, weight: np.ndarray, history: np.ndarray,
                 account: np.ndarray, base: np.ndarray, wage: np.ndarray, pension: PensionRules,
                 retirement: RetirementRules, actuary: Actuary) -> Balance:
    """The expected balance of those who contribute in a month; every array [row].

    age, history: months.  kind: row of `retirement.KINDS`.  weight: persons.  account: fen.  base: fen a month, chosen
    and kept as a multiple of the average `wage` (fen a month). Who does not reach the least months has his account paid
    out at retirement; what the pool keeps of him is the fund's gain. Deaths before retirement leave nothing to pay.
    """
    birth = month.number - age.astype(np.int64)
    at = retirement_age(birth, kind, retirement)
    left = np.maximum(at - age, 0)
    vest = reaches(history + actuary.density * left, least_months(birth + at, retirement), actuary.spread * left)
    index, wage_now, base_now = base / wage, wage / 100, base / 100
    alive = np.exp(-actuary.mortality * left / YEAR) * (1 + actuary.discount) ** (-left / YEAR)
    life = np.array([actuary.life[name] for name in KINDS])[kind] * YEAR
    annuity = alive * geometric(((1 + actuary.indexation) / (1 + actuary.discount)) ** (1 / YEAR), life)
    then = wage_now * (1 + actuary.wage_growth) ** (left / YEAR) * (1 + index) / 2 / (YEAR * 100)
    step = ((1 + actuary.wage_growth) / (1 + actuary.discount) * np.exp(-actuary.mortality)) ** (1 / YEAR)
    paying, some = actuary.density * base_now, left > 0
    paid = np.where(some, paying * pension.flex_rate * geometric(step, np.maximum(left, 1)), 0)
    to_come = np.where(some, saved(paying * pension.account_rate, np.maximum(left, 1), actuary.interest,
                                   actuary.wage_growth), 0)
    in_hand = account / 100 * (1 + actuary.interest) ** (left / YEAR)
    spread_over = divisor(at, retirement)

    def promised(months, saving):
        drawn = annuity * (then * months + saving / spread_over)
        return vest * drawn + (1 - vest) * alive * saving

    year, row = np.unique(birth // YEAR, return_inverse=True)
    values = (np.ones(len(age)), paid, promised(actuary.density * left, to_come), promised(history, in_hand),
              account / 100)
    return Balance(year, *(np.bincount(row, weight * value, len(year)) for value in values))


def reaches(months: np.ndarray, least: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Chance [row] that the months paid by retirement, known to `spread` months, are enough; a step where it is 0."""
    from scipy.special import ndtr

    short = months - least
    return np.where(spread > 0, ndtr(short / np.where(spread > 0, spread, 1)), short >= -1e-9)
