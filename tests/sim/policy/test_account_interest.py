"""Interest of individual accounts, booked out of the pool; worked on paper."""

from types import SimpleNamespace

import numpy as np

from sim.calendar import Month
from sim.insurance.pension import AccountRules
from sim.policy.account_interest import AccountInterest

JULY = Month(2025, 7)


def given(interest, account):
    people = SimpleNamespace(account=np.array(account), weight=np.array([1, 5, 2][:len(account)], np.int32))
    return AccountInterest().apply(JULY, SimpleNamespace(people=people), AccountRules(interest=interest))


def test_the_pool_owes_every_account_a_twelfth_of_a_year():
    # 1.5 %: 12.41 yuan on 10,000, and five times 6.21 on 5,000: 12.41 + 31.05
    (transfer,) = given(0.015, [1_000_000, 500_000, 0])
    assert (transfer.payer, transfer.payee, transfer.row) == ("pension_pool", "pension_accounts", None)
    assert transfer.amount == 1241 + 5 * 621


def test_without_accounts_or_interest_nothing_moves():
    assert given(0.015, [0, 0]) == []
    assert given(0.0, [1_000_000]) == []
