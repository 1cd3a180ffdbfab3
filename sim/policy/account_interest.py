"""Interest of individual pension accounts."""

from typing import TYPE_CHECKING

from sim.calendar import Month
from sim.insurance.pension import AccountRules, interest_of_month
from sim.messages import Transfer
from sim.policy.base import Instrument
from sim.settlement.owing import owed

if TYPE_CHECKING:
    from sim.facts import Facts


class AccountInterest(Instrument):
    """Pension pool -> individual accounts: a month's interest on what stood in them when the month began.

    Accounts are claims on the fund, so their interest is the pool's cost and no money from outside.
    Source: rates announced each year by the ministries of human resources and of finance.
    """

    key = "pension_account"
    Rules = AccountRules

    def apply(self, month: Month, facts: "Facts", rules: AccountRules) -> list[Transfer]:
        """In one sum, of whole fen for each person."""
        people = facts.people
        interest = int((interest_of_month(people.account, rules.interest) * people.weight).sum())
        return owed("account interest", "pension_pool", "pension_accounts", interest)
