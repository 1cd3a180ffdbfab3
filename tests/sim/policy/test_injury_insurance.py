"""The injury insurance of orders, with figures worked out on paper."""

from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Month
from sim.policy.injury_insurance import InjuryInsurance, InjuryRules, premium

JULY = Month(2022, 7)
RULES = InjuryRules(premium={"takeaway": 0.06, "errand": 0.25}, sectors={"takeaway": 1.0, "errand": 0.0}, reported=1.0,
                    start={"haikou": JULY})


def insure(month=JULY, rules=RULES, **columns):
    """The month's transfers for two riders of Haikou and one of Kunming."""
    given = {"identity": np.array([1, 2, 3]), "weight": np.array([10, 1, 100], np.int32), "city": np.array([0, 0, 1]),
             "orders": np.array([1000, 500, 900], np.int32), "claims": np.array([0, 80000, 2500000])}
    people, cities = SimpleNamespace(**(given | columns)), SimpleNamespace(key=("haikou", "kunming"))
    facts = SimpleNamespace(people=people, cities=cities)
    return InjuryInsurance().apply(month, facts, rules)


def test_six_fen_an_order_on_a_million_orders_are_60_000_yuan():
    assert premium(1_000_000, RULES.premium, RULES.sectors) == 6_000_000


def test_the_premium_follows_the_mix_of_sectors():
    # 1000 orders: 850 at 0.07 and 150 at 0.25 are 59.50 + 37.50 = 97.00 yuan
    assert premium(1000, {"takeaway": 0.07, "errand": 0.25}, {"takeaway": 0.85, "errand": 0.15}) == 9700


def test_a_sector_with_orders_needs_a_rate():
    with pytest.raises(KeyError):
        premium(1000, {"takeaway": 0.07}, {"takeaway": 0.85, "errand": 0.15})


def test_every_order_in_a_covered_city_pays_and_no_other():
    # Haikou: 10 x 1000 + 1 x 500 = 10,500 orders x 0.06 = 630 yuan
    due = [t for t in insure() if t.bill == "injury premium"]
    assert [(t.payer, t.payee, t.amount) for t in due] == [("platform", "injury_fund", 63000)]


def test_reported_orders_pay_for_each_order_that_a_rider_is_paid_for():
    rules = RULES.model_copy(update={"reported": 1.48})
    assert insure(rules=rules)[0].amount == 93240  # 10,500 x 1.48 x 0.06 = 932.40 yuan


def test_claims_are_paid_in_covered_cities_only():
    (claims,) = [t for t in insure() if t.bill == "injury claims"]
    assert (claims.payer, claims.payee) == ("injury_fund", "riders")
    assert claims.row.tolist() == [2]
    assert claims.amount.tolist() == [80000]
    assert claims.total == 80000


def test_before_a_city_begins_nothing_is_paid_there():
    assert insure(Month(2022, 6)) == []


def test_without_orders_or_claims_there_is_no_transfer():
    assert insure(orders=np.zeros(3, np.int32), claims=np.zeros(3, np.int64)) == []
