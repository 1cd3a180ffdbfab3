"""Old age of the riders of the published cases, under the law as it stands.

A rider of Kunming who pays on the lower base for fifteen years and draws at 60, all figures of 2025, without growth and
interest: 4,588 x 20 % = 917.60 a month, x 180 = 165,168 in all, half of it with the subsidy. The average wage is
4,588 / 60 % = 7,646.67. The pool gives (W + 0.6 W) / 2 x 15 x 1 % = 917.60, the account 4,588 x 8 % x 180 / 139 =
475.30, together 1,392.90 a month: paid back after 119 months, with the subsidy after 59.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from sim.calendar import Month
from sim.config import load
from sim.insurance.cohorts import fund_balance
from sim.insurance.pension import contributions, monthly_pension, resident_pension, saved
from sim.insurance.transfer import receipt
from sim.insurance.worth import Beliefs, internal_return, outlook, payback
from sim.units import to_fen

BASE_2025 = Path(__file__).parents[2] / "configs" / "scenarios" / "base_2025.yaml"
OCTOBER = Month(2025, 10)
STILL = Beliefs(density=1.0, wage_growth=0.0, interest=0.0)


@pytest.fixture(scope="module")
def law():
    return load(BASE_2025).law.on(date(2025, 10, 1))


@pytest.fixture(scope="module")
def kunming(law):
    return law["pension"].base["kunming"]


def test_kunmings_example(law, kunming):
    rules = law["pension"]
    pooled, own = contributions(to_fen(np.array([kunming])), rules)
    cost = (pooled + own) / 100 * 180
    pension = monthly_pension(kunming / rules.lower, rules.lower, 180, saved(own / 100, 180, 0.0), 139)
    assert cost == pytest.approx([165_168])
    assert pension == pytest.approx([1392.90], abs=0.01)
    assert payback(cost, pension).round() == 119
    assert payback(cost / 2, pension).round() == 59


def test_the_subsidy_lifts_what_it_returns_a_year_from_4_to_more_than_8_per_cent(law):
    """Twenty years in pension after fifteen of paying: at the return, 917.60 a month have grown to what 240 pensions of
    1,392.90 are worth. At 4.0 % a year they have grown to 225,232 for 232,052, at 5.3 % to 249,964 for 208,890. Half
    the cost: at 8 % to 155,890 for 171,136, at 9 % to 169,426 for 159,922."""
    one = np.ones(2)
    without, with_it = internal_return(np.array([917.6, 458.8]), 180 * one, 180 * one, 1392.9 * one, 240 * one, 0 * one)
    assert 0.040 < without < 0.053
    assert 0.08 < with_it < 0.09


def test_a_rider_of_33_draws_at_63_by_divisor_117_and_needs_20_years(law, kunming):
    see = outlook(OCTOBER, np.array([33 * 12 + 4]), np.zeros(1, int), np.zeros(1), np.zeros(1), np.array([0.6]),
                  np.array([kunming / 0.6]), law["pension"], law["retirement"], STILL)
    assert (see.age[0] / 12, see.divisor[0], see.least[0] / 12) == (63, 117, 20)


def test_a_rider_who_pays_for_fifteen_years_from_33_on_gets_his_account_back_and_no_pension(law, kunming):
    """180 of the 240 months. Under the law of before the reform he would draw 917.60 + 367.04 x 180 / 139."""
    density = 180 / (30 * 12)
    see = outlook(OCTOBER, np.array([33 * 12]), np.zeros(1, int), np.zeros(1), np.zeros(1), np.array([0.6]),
                  np.array([kunming / 0.6]), law["pension"], law["retirement"],
                  Beliefs(density=density, wage_growth=0.0, interest=0.0))
    assert not see.vested[0]
    assert see.refund == pytest.approx([367.04 * 180])


def test_the_rider_of_44_needs_20_years_and_has_19(law, kunming):
    """Niu, 44 in October 2025: born in October 1981, 60 in October 2041, (201 // 4 + 1) = 51 > 36 months: 63 in October
    2044, when 20 years are asked for; 19 years remain. Without a month paid so far he cannot reach a pension."""
    see = outlook(OCTOBER, np.array([44 * 12]), np.zeros(1, int), np.zeros(1), np.zeros(1), np.array([0.6]),
                  np.array([kunming / 0.6]), law["pension"], law["retirement"], STILL)
    assert (see.age[0], see.least[0], see.months[0]) == (63 * 12, 240, 228)
    assert not see.vested[0]
    later = outlook(OCTOBER, np.array([44 * 12]), np.zeros(1, int), np.array([12.0]), np.zeros(1), np.array([0.6]),
                    np.array([kunming / 0.6]), law["pension"], law["retirement"], STILL)
    assert later.vested[0]  # with one year paid before


def test_the_residents_scheme_gives_a_seventh_of_it(law):
    # 143 + 570 x 15 / 139 = 204.51 of 1,392.90
    assert resident_pension(500, 15, law["resident_pension"]) == pytest.approx(204.51, abs=0.01)


def test_a_rider_from_zhaotong_draws_in_yunnan_and_one_from_henan_at_home_before_ten_years(law):
    kunming, henan = 0, 1
    places, months = np.array([[kunming], [kunming]]), np.array([[119], [119]])
    assert receipt(places, months, np.array([kunming, henan]), law["pension_transfer"]).tolist() == [kunming, henan]


def test_the_fund_promises_the_young_more_than_they_pay_and_gains_by_who_cannot_vest(law, kunming):
    """Men on the lower base with three years behind them, who pay seven months in ten. At 25 and 33 they come to 355
    and 288 months, most of them above 240, and are promised more than they pay. At 40 they come to 36 + 0.7 x 276 =
    229: less than half of them vest, the others leave 12 of their 20 % to the pool."""
    ages = np.array([25, 33, 40]) * 12
    see = fund_balance(OCTOBER, ages, np.zeros(3, int), np.ones(3, int), np.full(3, 36), np.full(3, 1_300_000),
                       np.full(3, to_fen(kunming)), np.full(3, to_fen(kunming / 0.6)), law["pension"],
                       law["retirement"], law["actuary"])
    assert see.cohort.tolist() == [1985, 1992, 2000]
    assert (see.cover[1:] < 1).all()
    assert see.cover[0] > 1
