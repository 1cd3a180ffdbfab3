"""What is paid into a pension scheme and what comes out of it: flexible workers', residents' and employees'."""

from typing import ClassVar

import numpy as np
from pydantic import model_validator

from sim.config import Section, bounded
from sim.units import CNYPerMonth, CNYPerYear, Months, Ratio, Share, to_fen

YEAR = 12
ROUNDING = 1e-9  # shares that must sum may miss it by it


class PensionRules(Section):
    """Key `pension`: what a flexible worker pays. flex_rate: of the base, of which pooled_rate goes to the pool and
    account_rate to the worker's own account.  base: lower contribution base by place of insurance.
    lower, upper: bounds of the base as multiples of the average wage.

    Source: State Council 2005 No.38; General Office 2019 No.13 (base between 60 % and 300 % of the average wage).
    """

    key: ClassVar[str] = "pension"

    flex_rate: bounded(Share, ge=0, le=1)
    pooled_rate: bounded(Share, ge=0, le=1)
    account_rate: bounded(Share, ge=0, le=1)
    base: dict[str, bounded(CNYPerMonth, gt=0)]
    lower: bounded(Ratio, gt=0) = 0.6
    upper: bounded(Ratio, gt=0) = 3.0

    @model_validator(mode="after")
    def _adds_up(self):
        if abs(self.pooled_rate + self.account_rate - self.flex_rate) > ROUNDING:
            raise ValueError(f"pooled_rate {self.pooled_rate:g} and account_rate {self.account_rate:g} do not make "
                             f"flex_rate {self.flex_rate:g}; expected their sum")
        if self.upper < self.lower:
            raise ValueError(f"upper {self.upper:g} is below lower {self.lower:g}; expected upper >= lower")
        return self


class AccountRules(Section):
    """Key `pension_account`. interest: a year, credited to individual accounts.

    Source: rates announced each year by the ministries of human resources and of finance.
    """

    key: ClassVar[str] = "pension_account"

    interest: bounded(Share, ge=0, le=1)


class ResidentRules(Section):
    """Key `resident_pension`: the scheme of residents without an employer. subsidy: what the state adds in a year, by
    the yearly tier that a resident pays (CNY, the keys).  basic: of a pension a month.  divisor: months over which the
    account is spread.  least: months that must be paid.
    """

    key: ClassVar[str] = "resident_pension"

    subsidy: dict[str, bounded(CNYPerYear, ge=0)]
    basic: bounded(CNYPerMonth, ge=0)
    divisor: bounded(Months, gt=0)
    least: bounded(Months, ge=0)

    @model_validator(mode="after")
    def _tiers_are_sums(self):
        for tier in self.subsidy:
            if not (tier.isascii() and tier.isdigit()):
                raise ValueError(f"subsidy has a tier {tier[:20]!r}; expected whole yuan a year, like \"500\"")
        return self


class EmployeeRules(Section):
    """Key `employee_pension`: what would be paid for an employee. employer, employee: shares of the wage, bounded like
    a flexible worker's base."""

    key: ClassVar[str] = "employee_pension"

    employer: bounded(Share, ge=0, le=1)
    employee: bounded(Share, ge=0, le=1)


def contributions(base: np.ndarray, rules: PensionRules) -> tuple[np.ndarray, np.ndarray]:
    """Fen of a month on bases of so many fen, [row]: to the pool, to the own account. Together they are the whole."""
    whole = to_fen(base / 100 * rules.flex_rate)
    pooled = to_fen(whole / 100 * (rules.pooled_rate / (rules.pooled_rate + rules.account_rate)))
    return pooled, whole - pooled


def allowed_base(wanted: np.ndarray, lowest: np.ndarray, rules: PensionRules) -> np.ndarray:
    """The base nearest to the wanted one that the law allows where the lower base is `lowest`; any one unit, [row]."""
    return np.clip(wanted, lowest, lowest * (rules.upper / rules.lower))


def basic_pension(wage, index, months):
    """CNY a month from the pool: one per cent a year paid of the mean of the average wage and the own indexed wage.

    wage: CNY a month, of the year before retirement.  index: mean of base over average wage.  months: paid.
    """
    return wage * (1 + index) / 2 * months / (YEAR * 100)


def monthly_pension(wage, index, months, account, divisor):
    """CNY a month of a flexible worker or employee who meets the least months.

    account: CNY in his own account.  divisor: months over which it is spread. Source: State Council 2005 No.38.
    """
    return basic_pension(wage, index, months) + account / divisor


def credited(account, paid, rate: float):
    """An account a month on: interest of a twelfth of a year on what was there, then what is paid in at the month's
    end.

    Unrounded: twelve such months make exactly the year's interest of what stood at its beginning.
    """
    return account * (1 + rate) ** (1 / YEAR) + paid


def interest_of_month(account: np.ndarray, rate: float) -> np.ndarray:
    """Fen [row] that a month adds to accounts of so many fen: what `credited` adds, in whole fen."""
    return to_fen(account / 100 * ((1 + rate) ** (1 / YEAR) - 1))


def saved(paid, months, rate: float, growth: float = 0.0):
    """What is in an account after so many month ends, the first payment of `paid` growing by `growth` a year."""
    return paid * (1 + rate) ** ((np.asarray(months, float) - 1) / YEAR) * geometric(
        ((1 + growth) / (1 + rate)) ** (1 / YEAR), months)


def geometric(ratio, terms):
    """1 + ratio + ratio^2 ... of so many terms; broadcasts."""
    ratio, terms = np.broadcast_arrays(np.asarray(ratio, float), np.asarray(terms, float))
    near = np.abs(ratio - 1) < 1e-12
    return np.where(near, terms, -np.expm1(terms * np.log(ratio)) / np.where(near, 1.0, 1 - ratio))


def resident_pension(tier: int, years: float, rules: ResidentRules) -> float:
    """CNY a month of who paid a tier (CNY a year) for so many years, without interest; 0 where they are too few.

    Raises: KeyError for a tier that the scheme does not have.
    """
    yearly = tier + rules.subsidy[str(tier)]
    return rules.basic + yearly * years / rules.divisor if years * YEAR >= rules.least else 0.0


def employee_contributions(income: np.ndarray, lowest: np.ndarray, rules: EmployeeRules,
                           pension: PensionRules) -> tuple[np.ndarray, np.ndarray]:
    """Fen of a month, [row]: the employer's part and the employee's, on an income (CNY) bounded as the law bounds
    it."""
    base = allowed_base(income, lowest, pension)
    return to_fen(base * rules.employer), to_fen(base * rules.employee)
