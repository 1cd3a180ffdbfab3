"""When one may retire, with how many months paid, and over how many months the own account is spread."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import model_validator

from sim.config import Section, YearMonth, bounded
from sim.units import Months, Years

Kind = Literal["man", "woman", "woman_worker"]
KINDS = ("man", "woman", "woman_worker")  # arrays number them so; who works for himself is "man" or "woman"
YEAR = 12


class RetirementRules(Section):
    """Key `retirement`. before, after: ages before the reform and when it is complete.  reform: month from which they
    rise; each `step` months of birth later, a month more.  least_before, least_after: months that must be paid for a
    pension, before `least_rises` and in the end; they rise by `least_step` at the turn of each year, the first time in
    that month.  divisor: months over which the account is spread, by age in whole years.
    """

    key: ClassVar[str] = "retirement"

    before: dict[Kind, bounded(Years, gt=0)]
    after: dict[Kind, bounded(Years, gt=0)]
    step: dict[Kind, bounded(Months, ge=1)]
    reform: YearMonth
    least_before: bounded(Months, ge=0)
    least_after: bounded(Months, ge=0)
    least_rises: YearMonth
    least_step: bounded(Months, ge=1)
    divisor: dict[str, bounded(Months, gt=0)]

    @model_validator(mode="after")
    def _ages_rise(self):
        for kind in KINDS:
            if not (kind in self.before and kind in self.after and kind in self.step):
                raise ValueError(f"before, after and step must all name {kind!r}; expected {', '.join(KINDS)}")
            if self.after[kind] < self.before[kind]:
                raise ValueError(f"after {self.after[kind]:g} of {kind} is below before {self.before[kind]:g}; "
                                 "expected ages that do not fall")
        if self.least_after < self.least_before:
            raise ValueError(f"least_after {self.least_after} is below least_before {self.least_before}; expected at "
                             "least that")
        return self

    @model_validator(mode="after")
    def _divisors_fall(self):
        ages = [int(age) if age.isascii() and age.isdigit() else -1 for age in self.divisor]
        if not ages or -1 in ages or ages != list(range(ages[0], ages[0] + len(ages))):
            raise ValueError("divisor has ages that are not whole years in order; expected 50, 51, 52 ...")
        months = list(self.divisor.values())
        for age, one, other in zip(ages[1:], months, months[1:]):
            if other >= one:
                raise ValueError(f"divisor {other} at {age} is not below {one} at {age - 1}; expected months that fall")
        return self


def retirement_age(birth: np.ndarray, kind: np.ndarray, rules: RetirementRules) -> np.ndarray:
    """Age in months [row] at which somebody may retire.

    birth: number of the month of birth (`Month.number`) [row].  kind: row of KINDS [row]. Who reaches the old age after
    the reform began waits a month, and a month more for every `step` months.
    Source: Standing Committee of the National People's Congress, decision of 13 September 2024 [Npcsc2024].
    """
    before, after, step = (np.array([table[name] for name in KINDS])[kind] for table in
                           (rules.before, rules.after, rules.step))
    reached = birth + before * YEAR - rules.reform.number
    waits = np.where(reached < 0, 0, np.floor_divide(np.maximum(reached, 0), step) + 1)
    return (before * YEAR + np.minimum(waits, (after - before) * YEAR)).astype(np.int64)


def least_months(month: np.ndarray, rules: RetirementRules) -> np.ndarray:
    """Months that must be paid by who retires in a month (`Month.number`), of the same shape; by calendar years."""
    steps = np.asarray(month) // YEAR - rules.least_rises.year + 1
    return np.clip(rules.least_before + rules.least_step * steps, rules.least_before, rules.least_after)


def divisor(age: np.ndarray, rules: RetirementRules) -> np.ndarray:
    """Months over which the account of who retires at an age in months is spread, on a line between whole years.

    Past the table's last age its last entry holds. Raises: ValueError for an age below the table's first.
    """
    first = int(next(iter(rules.divisor)))
    if np.size(age) and np.min(age) < first * YEAR:
        raise ValueError(f"an age of {np.min(age) / YEAR:g} years has no divisor; the table begins at {first}")
    months = np.array(list(rules.divisor.values()), float)
    return np.interp(np.asarray(age) / YEAR, first + np.arange(len(months)), months)
