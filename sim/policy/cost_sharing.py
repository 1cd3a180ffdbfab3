"""Who pays, beside platform and rider: tax relief on contributions, and a scheme that every order pays into."""

from typing import TYPE_CHECKING

import numpy as np
from pydantic import model_validator

from sim.calendar import Month
from sim.config import Key, Section, YearMonth, bounded
from sim.insurance.participation import begun
from sim.messages import Transfer
from sim.policy.base import Instrument
from sim.settlement.owing import owed
from sim.units import CNYPerMonth, CNYPerOrder, Share, to_fen

if TYPE_CHECKING:
    from sim.facts import Facts


class ReliefRules(Section):
    """Key `tax_relief`. exempt: of a month's income.  expense: part of it that counts as cost of earning it.
    tops, rates: upper ends of the brackets of taxable income, and the rate in each, the last without end.
    deductible: part of the rider's own contribution that is taken from taxable income.  credit: part of it that the
    state gives back, whether or not he pays tax.
    """

    exempt: bounded(CNYPerMonth, ge=0)
    expense: bounded(Share, ge=0, le=1)
    tops: list[bounded(CNYPerMonth, gt=0)]
    rates: list[bounded(Share, ge=0, le=1)]
    deductible: bounded(Share, ge=0, le=1)
    credit: bounded(Share, ge=0, le=1)

    @model_validator(mode="after")
    def _brackets_rise(self):
        if len(self.rates) != len(self.tops) + 1:
            raise ValueError(f"rates are {len(self.rates)} for {len(self.tops)} tops; expected a rate more than tops")
        for name in ("tops", "rates"):
            values = getattr(self, name)
            if any(high <= low for low, high in zip(values, values[1:])):
                raise ValueError(f"{name} do not rise; expected each above the one before")
        return self


class TaxRelief(Instrument):
    """State -> riders: the income tax that a rider's contribution saves, and a credit on it.

    Riders' incomes here are after tax, so relief is money that comes back. Judged month by month, not over the year
    [assumption]. What he contributes is the whole premium, whoever gives him a part of it later.
    Source: Individual Income Tax Law 2018, brackets of comprehensive income by the month.
    """

    key = "tax_relief"
    Rules = ReliefRules

    def apply(self, month: Month, facts: "Facts", rules: ReliefRules) -> list[Transfer]:
        """To who paid this month's premium, never more than it."""
        people = facts.people
        income, own = people.income / 100, people.premium / 100
        saves = tax(income, rules) - tax(income, rules, rules.deductible * own)
        amount = to_fen(np.minimum(saves + rules.credit * own, own)) * people.enrolled
        return owed("tax relief", "government", "riders", amount, people.identity, people.weight)


def tax(income: np.ndarray, rules: ReliefRules, deducted: np.ndarray | float = 0.0) -> np.ndarray:
    """Income tax of a month, CNY [row], on an income of which something is deducted (CNY)."""
    taxable = np.maximum(income * (1 - rules.expense) - rules.exempt - deducted, 0)
    ends = np.array([0.0, *rules.tops, np.inf])
    inside = np.clip(taxable[:, None], ends[:-1], ends[1:]) - ends[:-1]
    return inside @ np.array(rules.rates)


class OrderRules(Section):
    """Key `order_scheme`. platform, rider, government: what each pays on an order.  account: part of it that goes into
    the rider's own account, the pool has the rest.  start: month from which a city's orders pay; a city without one
    never does.
    """

    platform: bounded(CNYPerOrder, ge=0)
    rider: bounded(CNYPerOrder, ge=0)
    government: bounded(CNYPerOrder, ge=0)
    account: bounded(Share, ge=0, le=1)
    start: dict[Key("cities"), YearMonth]

    @property
    def payers(self) -> dict[str, float]:
        """CNY an order, by account that pays it."""
        return {"platform": self.platform, "riders": self.rider, "government": self.government}


class OrderScheme(Instrument):
    """A flexible scheme that every order pays into, in any month and any place, whoever else is insured where.

    Source: proposal of researchers of Yunnan University: social insurance that is not tied to stable employment.
    """

    key = "order_scheme"
    Rules = OrderRules

    def apply(self, month: Month, facts: "Facts", rules: OrderRules) -> list[Transfer]:
        """From each payer into the pool and into accounts."""
        people, transfers = facts.people, []
        covered = begun(rules.start, month, facts.cities.key)[people.city]
        for payer, rate in rules.payers.items():
            whole, own = paid(people.orders * covered, rate, rules)
            for payee, part in (("pension_accounts", own), ("pension_pool", whole - own)):
                if payer == "riders":
                    transfers += owed("order contribution", payer, payee, part, people.identity, people.weight)
                else:
                    transfers += owed("order contribution", payer, payee, int((part * people.weight).sum()))
        return transfers


def paid(orders: np.ndarray, rate: float, rules: OrderRules) -> tuple[np.ndarray, np.ndarray]:
    """Fen of one person [row] that a payer pays on his orders, and the part that goes into his account."""
    whole = to_fen(orders * rate)
    return whole, to_fen(whole / 100 * rules.account)


def on_account(orders: np.ndarray, covered: np.ndarray, rules: OrderRules) -> np.ndarray:
    """Fen [row] that a rider's own account receives in a month, from all payers. covered: bool [row]."""
    return sum(paid(orders * covered, rate, rules)[1] for rate in rules.payers.values())


def counted_months(orders: np.ndarray, premium: np.ndarray, rules: OrderRules) -> np.ndarray:
    """Part of a month [row] that counts towards the months a pension asks for: what the orders paid over what a
    flexible worker's month costs (fen), at most one."""
    return np.minimum(orders * sum(rules.payers.values()) * 100 / premium, 1.0)
