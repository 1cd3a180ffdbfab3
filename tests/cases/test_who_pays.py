"""Everything that anybody may be asked to pay for riders, asked at once, on the toy world's July and August 2025."""

import pytest

from sim.calendar import Month
from tests.labs import riders_alone, toy

ASKED = ("law.order_scheme.platform=0.2", "law.order_scheme.rider=0.1", "law.order_scheme.government=0.05",
         "law.tax_relief.deductible=1.0", "law.tax_relief.credit=0.1", "law.platform_budget.to_fee=0.3",
         "law.platform_budget.to_commission=0.5", "law.injury_insurance.band_low=0.8",
         "law.injury_insurance.band_high=1.2", "law.accident_insurance.rider_share=0.5")
AUGUST = Month(2025, 8)


def by_payer(months, bill) -> dict[str, int]:
    found = {}
    for transfer in (t for month in months for t in month.transfers if t.bill == bill):
        found[transfer.payer] = found.get(transfer.payer, 0) + transfer.total
    return found


@pytest.fixture(scope="module")
def lab():
    return toy(*ASKED, "law.pension_subsidy.government=0.3", days=62).run()


def test_the_books_balance_and_everybody_pays_what_he_was_asked(lab):
    balance = lab.journal.balance
    assert sum(balance.values()) == 0
    assert balance["government"] < 0
    bills = {(e.payer, e.bill) for e in lab.journal.entries}
    assert {("government", "tax relief"), ("government", "order contribution"), ("riders", "order contribution"),
            ("platform", "order contribution"), ("customers", "commission"), ("government", "pension subsidy")} <= bills


def test_customers_pay_from_the_second_month_on_half_of_what_the_first_cost(lab):
    """July's commission is nothing, the platform learns at its end; August's is half of July's cost in the pay of July,
    on August's orders at the tariff's fee."""
    entries = [e for e in lab.journal.entries if e.bill == "commission"]
    assert {str(e.month) for e in entries} == {str(AUGUST)}
    july = [e for e in lab.journal.entries if str(e.month) == "2025-07" and e.payer == "platform"]
    pay = sum(e.total for e in july if e.bill == "pay of orders")
    share = 0.5 * sum(e.total for e in july if e.bill != "pay of orders") / pay
    paid = sum(e.total for e in lab.journal.entries
               if e.month == entries[0].month and (e.payer, e.bill) == ("platform", "pay of orders"))
    # the fee of August is cut by three tenths of the cost, the commission is reckoned on the whole fee
    whole = paid / (1 - 0.6 * share)
    assert sum(e.total for e in entries) == pytest.approx(share * whole, rel=1e-6)


def test_what_the_state_takes_over_the_platform_is_spared_to_the_fen():
    """Within the first month nothing else moves: one subsidy, shared otherwise."""
    sums = [by_payer(riders_alone(toy(f"law.pension_subsidy.government={share}", start="2025-09-01", days=30)),
                     "pension subsidy") for share in (0.0, 0.3, 1.0)]
    whole = sums[0]["platform"]
    assert whole > 0
    assert sums[1]["platform"] + sums[1]["government"] == whole
    assert sums[1]["government"] == pytest.approx(0.3 * whole, rel=1e-3)
    assert sums[2] == {"government": whole}


@pytest.mark.parametrize(("lever", "values"), [
    ("pension_subsidy.match", (0.25, 0.5, 0.75)), ("order_scheme.platform", (0.1, 0.2, 0.3)),
    ("injury_insurance.city_factor.quanzhou", (0.8, 1.0, 1.2)), ("accident_insurance.premium", (0.02, 0.04, 0.06))])
def test_the_platform_pays_more_where_more_is_asked_of_it(lever, values):
    costs = [sum(t.total for month in riders_alone(toy(f"law.{lever}={value}", start="2025-09-01", days=30))
                 for t in month.transfers if t.payer == "platform") for value in values]
    assert costs[0] < costs[1] < costs[2]
