"""The injury insurance of orders, with figures worked out on paper."""

from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from sim.calendar import Month
from sim.insurance.experience import Experience, rating
from sim.policy.injury_insurance import InjuryInsurance, InjuryRules, premium

JULY = Month(2022, 7)
RULES = InjuryRules(premium={"takeaway": 0.06, "errand": 0.25}, sectors={"takeaway": 1.0, "errand": 0.0}, reported=1.0,
                    start={"haikou": JULY})


def insure(month=JULY, rules=RULES, experience=None, **columns):
    """The month's transfers for two riders of Haikou and one of Kunming."""
    given = {"identity": np.array([1, 2, 3]), "weight": np.array([10, 1, 100], np.int32), "city": np.array([0, 0, 1]),
             "orders": np.array([1000, 500, 900], np.int32), "claims": np.array([0, 80000, 2500000])}
    people, cities = SimpleNamespace(**(given | columns)), SimpleNamespace(key=("haikou", "kunming"))
    facts = SimpleNamespace(people=people, cities=cities, experience=experience)
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


# ------------------------------------------------------------------------------------------------ a premium of its own


def test_a_city_may_have_a_premium_of_its_own():
    # Haikou at 1.5 times: 10,500 x 0.09 = 945 yuan
    rules = RULES.model_copy(update={"city_factor": {"haikou": 1.5}})
    assert insure(rules=rules)[0].amount == 94500


RATED = RULES.model_copy(update={"band_low": 0.8, "band_high": 1.2, "expected": 0.0234, "full": 1_000_000.0})


def test_the_premium_follows_what_the_citys_orders_have_cost_within_a_band():
    """0.0468 yuan an order are twice what is expected: 1.2 at most. 250,000 orders at half of it are believed by half,
    as the root of their part of a million: 1 - 0.5 x 0.5 = 0.75, 0.8 at least. 10,000 orders at 1.4 times are believed
    by a tenth: 1.04. Nothing is known of a city without orders."""
    orders = np.array([1_000_000, 250_000, 10_000, 0])
    claims = np.array([46_800_00, 2_925_00, 327_60, 0])
    assert rating(orders, claims, RATED) == pytest.approx([1.2, 0.8, 1.04, 1.0])


def test_a_band_of_one_leaves_the_premium_as_it_is():
    assert rating(np.array([1_000_000]), np.array([1]), RULES).tolist() == [1.0]


def test_the_rated_premium_is_due_on_the_citys_orders():
    # twelve months of 1,000,000 orders at 0.0468 yuan: 630 yuan x 1.2
    experience = Experience(2)
    for _ in range(12):
        experience.close(SimpleNamespace(city=np.array([0]), weight=np.array([1]), orders=np.array([1_000_000]),
                                         claims=np.array([46_800_00])))
    assert insure(rules=RATED, experience=experience)[0].amount == 75600


def test_experience_is_of_twelve_months_and_forgets_the_thirteenth():
    experience = Experience(1)
    for orders in range(1, 15):
        experience.close(SimpleNamespace(city=np.array([0]), weight=np.array([2]), orders=np.array([orders]),
                                         claims=np.array([3])))
    assert experience.orders.tolist() == [2 * sum(range(3, 15))]
    assert experience.claims.tolist() == [2 * 3 * 12]


def test_a_band_that_does_not_hold_one_is_refused():
    for low, high in ((1.1, 1.2), (0.8, 0.9)):
        with pytest.raises(ValidationError, match="expected"):
            InjuryRules(**(dict(RULES) | {"band_low": low, "band_high": high}))
