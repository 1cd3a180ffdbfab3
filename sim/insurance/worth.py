"""What a pension is worth to who pays for it: what he may expect, when it is paid back, what it returns a year."""

from dataclasses import dataclass

import numpy as np

from sim.calendar import Month
from sim.insurance.pension import YEAR, PensionRules, geometric, monthly_pension, saved
from sim.insurance.retirement import RetirementRules, divisor, least_months, retirement_age

HALVINGS = 60
LOWEST, HIGHEST = -0.05, 0.20  # of a month, between which an internal return is looked for


@dataclass(frozen=True)
class Beliefs:
    """What is believed of the years to come. density: share of the months to retirement in which he pays.
    wage_growth, interest: real, a year, of the average wage and of accounts."""

    density: float
    wage_growth: float
    interest: float


@dataclass(frozen=True)
class Outlook:
    """What a worker may expect, every array [row]; money of today.

    age: months, at retirement.  least: months that he must have paid by then.  divisor: months.  months: paid by then.
    vested: whether they are enough.  pension: CNY a month, 0 where not.  refund: CNY, his account, paid out where not.
    replacement: the pension over the average wage of that time.
    """

    age: np.ndarray
    least: np.ndarray
    divisor: np.ndarray
    months: np.ndarray
    vested: np.ndarray
    pension: np.ndarray
    refund: np.ndarray
    replacement: np.ndarray


def outlook(month: Month, age: np.ndarray, kind: np.ndarray, history: np.ndarray, account: np.ndarray,
            share: np.ndarray, wage: np.ndarray, pension: PensionRules, retirement: RetirementRules,
            beliefs: Beliefs) -> Outlook:
    """What workers of an age (months) [row] may expect who go on paying on a base of `share` times the average wage.

    kind: row of `retirement.KINDS`.  history: months paid so far, on the same base.  account: CNY.  wage: CNY a month,
    the average of the place where they will draw.
    """
    birth = month.number - age
    at = retirement_age(birth, kind, retirement)
    left = np.maximum(at - age, 0)
    months = history + beliefs.density * left
    needed = least_months(birth.astype(np.int64) + at, retirement)
    vested = months >= needed - 1e-9
    monthly = beliefs.density * share * wage * pension.account_rate
    whole = (account * (1 + beliefs.interest) ** (left / YEAR)
             + np.where(left > 0, saved(monthly, np.maximum(left, 1), beliefs.interest, beliefs.wage_growth), 0))
    then, months_of = wage * (1 + beliefs.wage_growth) ** (left / YEAR), divisor(at, retirement)
    drawn = np.where(vested, monthly_pension(then, share, months, whole, months_of), 0.0)
    return Outlook(at, needed, months_of, months, vested, drawn, np.where(vested, 0.0, whole), drawn / then)


def payback(paid, pension):
    """Months of pension that give back what was paid, both in CNY of one time."""
    return paid / pension


def internal_return(pay: np.ndarray, months: np.ndarray, wait: np.ndarray, pension: np.ndarray, life: np.ndarray,
                    refund: np.ndarray, growth: float = 0.0) -> np.ndarray:
    """Yearly rate [row] at which what is paid and what is drawn are worth the same; nan where either is nothing.

    pay: CNY a month, for so many months from now on, growing by `growth` a year.  wait: months until the first pension.
    pension: CNY a month for so many months of life.  refund: CNY, with the first pension. All [row]. Paying comes
    before drawing, so the worth falls with the rate and there is one such rate: found by halving.
    """
    def worth(rate):
        factor = 1 / (1 + rate)
        drawn = pension * np.where(life > 0, geometric(factor, np.maximum(life, 1)), 0) + refund
        return factor**wait * drawn - pay * geometric((1 + growth) ** (1 / YEAR) * factor, months)

    low, high = np.full(len(pay), LOWEST), np.full(len(pay), HIGHEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = worth(middle) > 0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    some = (pay > 0) & (months > 0) & ((pension * life > 0) | (refund > 0))
    return np.where(some, (1 + (low + high) / 2) ** YEAR - 1, np.nan)
