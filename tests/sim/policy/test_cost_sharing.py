"""Who pays: the state's part, tax relief, contributions by the order, and what the platform passes on; on paper."""

from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from sim.calendar import Month
from sim.policy.cost_sharing import (
    OrderRules,
    OrderScheme,
    ReliefRules,
    TaxRelief,
    counted_months,
    on_account,
    tax,
)

JULY = Month(2025, 7)


def riders(**columns):
    """Three rows for eight riders, the last not enrolled."""
    three = {"identity": np.array([11, 12, 13]), "weight": np.array([1, 5, 2], np.int32), "city": np.array([0, 0, 1]),
             "orders": np.array([1000, 500, 300], np.int32), "income": np.array([900_000, 700_000, 500_000]),
             "premium": np.full(3, 91_760), "enrolled": np.array([True, True, False])}
    return SimpleNamespace(**(three | columns))


def given(instrument, rules, month=JULY, **columns):
    facts = SimpleNamespace(people=riders(**columns), cities=SimpleNamespace(key=("kunming", "haikou")))
    return instrument().apply(month, facts, rules)


def by_end(transfers):
    found = {}
    for t in transfers:
        found[t.payer, t.payee] = found.get((t.payer, t.payee), 0) + t.total
    return found


# --------------------------------------------------------------------------------------------------------- tax relief

RELIEF = ReliefRules(exempt=5000.0, expense=0.2, tops=[3000.0, 12_000.0], rates=[0.03, 0.10, 0.20], deductible=1.0,
                     credit=0.0)


def test_income_tax_is_marginal_over_its_brackets():
    """9,000 less a fifth is 7,200, taxable 2,200: 66 yuan. 11,000: taxable 3,800: 90 + 80 = 170. 25,000: taxable
    15,000: 90 + 900 + 600 = 1,590. 6,250 is free."""
    assert tax(np.array([9000.0, 11_000.0, 25_000.0, 6250.0]), RELIEF) == pytest.approx([66, 170, 1590, 0])


def test_a_deduction_saves_the_tax_on_what_is_contributed():
    """The first pays 66 yuan; on 917.60 less his taxable income is 1,282.40: 38.47, relief 27.53. The second earns
    7,000: taxable 600, 18 yuan, nothing after it: relief 18. The third is not enrolled."""
    (transfer,) = given(TaxRelief, RELIEF)
    assert (transfer.payer, transfer.payee) == ("government", "riders")
    assert (transfer.row.tolist(), transfer.amount.tolist()) == ([11, 12], [2753, 1800])


def test_a_credit_is_paid_to_who_pays_no_tax_too_and_never_more_than_the_contribution():
    rules = RELIEF.model_copy(update={"deductible": 0.0, "credit": 0.25})
    (transfer,) = given(TaxRelief, rules, income=np.array([300_000] * 3))
    assert transfer.amount.tolist() == [22_940, 22_940]  # a quarter of 917.60
    (transfer,) = given(TaxRelief, RELIEF.model_copy(update={"credit": 1.0}))
    assert transfer.amount.tolist() == [91_760, 91_760]


def test_without_relief_nothing_is_paid():
    assert given(TaxRelief, RELIEF.model_copy(update={"deductible": 0.0})) == []


def test_brackets_must_rise_and_have_a_rate_more_than_tops():
    for change in ({"tops": [12_000.0, 3000.0]}, {"rates": [0.03, 0.1]}, {"rates": [0.03, 0.2, 0.1]}):
        with pytest.raises(ValidationError, match="expected"):
            ReliefRules(**(dict(RELIEF) | change))


# ------------------------------------------------------------------------------------------------ a scheme by the order

ORDER = OrderRules(platform=0.20, rider=0.10, government=0.05, account=0.4, start={"kunming": JULY})


def test_an_order_pays_into_the_pool_and_the_riders_account():
    """Kunming: 1,000 and 5 x 500 orders. The platform pays 200 and 5 x 100 = 700 yuan, 280 of them into accounts;
    riders 100 and 5 x 50 = 350, 140 of them; the state 175, 70 of them."""
    assert by_end(given(OrderScheme, ORDER)) == {
        ("platform", "pension_accounts"): 28_000, ("platform", "pension_pool"): 42_000,
        ("riders", "pension_accounts"): 14_000, ("riders", "pension_pool"): 21_000,
        ("government", "pension_accounts"): 7_000, ("government", "pension_pool"): 10_500}


def test_what_accounts_receive_is_what_riders_are_told():
    account = on_account(riders().orders, np.array([True, True, False]), ORDER)
    assert account.tolist() == [14_000, 7_000, 0]  # 1,000 x 0.35 x 0.4 = 140 yuan
    total = sum(t.total for t in given(OrderScheme, ORDER) if t.payee == "pension_accounts")
    assert total == int(account @ riders().weight)


def test_a_month_counts_by_the_part_of_a_months_contribution_that_orders_paid():
    # 1,000 orders pay 350 of the 917.60 that a month costs: 0.3814 of a month; never more than one
    part = counted_months(np.array([1000, 4000]), np.array([91_760, 91_760]), ORDER)
    assert part == pytest.approx([0.38143, 1.0], abs=1e-5)


def test_it_begins_city_by_city_and_asks_nothing_else():
    everywhere = ORDER.model_copy(update={"start": {"kunming": JULY, "haikou": JULY}})
    assert by_end(given(OrderScheme, everywhere))["platform", "pension_pool"] == 42_000 + 2 * 3_600
    assert given(OrderScheme, ORDER, month=Month(2025, 6)) == []
    assert given(OrderScheme, ORDER.model_copy(update={"platform": 0.0, "rider": 0.0, "government": 0.0})) == []
