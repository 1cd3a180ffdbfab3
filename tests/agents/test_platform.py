"""What the platform offers, and what it makes of what its riders' welfare costs it; worked on paper.

Of a month it has paid 10,000 yuan for orders, 400 of subsidies and 100 of premiums: welfare costs 5 % of the pay.
"""

from datetime import date

import pytest

from sim.calendar import Calendar, Month
from sim.config import BadInput
from sim.messages import Statement
from tests.labs import toy

JULY = Statement(Month(2025, 7), received={"pay of orders": 1_000_000, "commission": 7},
                 paid={"pay of orders": 1_000_000, "pension subsidy": 40_000, "injury premium": 10_000})


@pytest.fixture
def offers():
    """The offer after a month, under changed rules of the budget."""
    def of(statement=JULY, **rules):
        changes = [f"law.platform_budget.{name}={value}" for name, value in rules.items()]
        lab = toy(*changes, start="2025-08-01")
        if statement:
            lab.platform.learn(statement, None)
        return lab.platform.offers(Calendar(date(2025, 8, 1), date(2025, 8, 1)).turn())
    return of


def test_as_the_law_stands_the_platform_bears_what_it_costs(offers):
    offer, before = offers(), offers(statement=None)
    assert offer.fee.tolist() == before.fee.tolist()
    assert offer.commission.tolist() == [0, 0]
    assert offer.demand.tolist() == [1, 1]


def test_what_it_takes_from_the_fee_is_its_part_of_the_cost(offers):
    # 40 % of 5 % are 2 %: 5.40 becomes 5.292
    plain, cut = offers(), offers(to_fee=0.4)
    assert plain.fee[0] == 5.4
    assert cut.fee == pytest.approx(plain.fee * 0.98)
    assert cut.demand.tolist() == [1, 1]


def test_what_customers_pay_more_makes_them_order_less(offers):
    # 60 % of 5 % of a fee of 5.40 are 0.162 yuan on an order of 45: 0.36 %, so 1.0036^-1.2 = 0.9957 of the orders
    offer = offers(to_commission=0.6)
    assert offer.commission[0] == pytest.approx(0.162)
    assert offer.demand[0] == pytest.approx(0.995698, abs=1e-6)
    assert offer.fee[0] == 5.4


def test_a_month_without_orders_costs_nothing_to_pass_on(offers):
    empty = Statement(Month(2025, 7), received={}, paid={"pension subsidy": 40_000})
    assert offers(empty, to_fee=0.5, to_commission=0.5).demand.tolist() == [1, 1]


def test_nobody_passes_on_more_than_it_costs(offers):
    with pytest.raises(BadInput, match="expected at most 1 together"):
        offers(to_fee=0.7, to_commission=0.4)


def test_customers_pay_the_commission_on_every_order_that_was_carried():
    lab = toy("law.platform_budget.to_commission=1.0", start="2025-08-01", days=2)
    lab.platform.learn(JULY, None)
    each = lab.platform.offers(Calendar(date(2025, 8, 1), date(2025, 8, 1)).turn()).commission
    lab.run()  # and learns at its end what these days cost
    ends = "commission", "customers", "platform"
    paid = [e.total for e in lab.journal.entries if (e.bill, e.payer, e.payee) == ends]
    assert paid == [pytest.approx(float(lab.facts.done.sum(axis=1) @ each) * 100, abs=0.51)]
