"""What is paid into the three pension schemes and what comes out, worked on paper.

Kunming's lower base is 4,588 yuan, 60 % of an average wage of 7,646.67. A month costs 917.60: 550.56 to the pool (12 %)
and 367.04 to the own account (8 %).
"""

import numpy as np
import pytest

from sim.config import BadInput
from sim.insurance.pension import (
    allowed_base,
    basic_pension,
    contributions,
    credited,
    employee_contributions,
    interest_of_month,
    monthly_pension,
    resident_pension,
    saved,
)
from tests.sim.insurance.law import LAW, refused

WAGE = 4588 / 0.6


def test_a_month_on_kunmings_lower_base_is_550_56_and_367_04():
    pooled, own = contributions(np.array([458_800]), LAW["pension"])
    assert (pooled.tolist(), own.tolist()) == ([55_056], [36_704])


def test_both_parts_are_the_whole_to_the_fen():
    base = np.arange(360_000, 361_000)
    pooled, own = contributions(base, LAW["pension"])
    assert (pooled + own == np.floor(base * 0.2 + 0.5)).all()


def test_a_base_is_chosen_between_60_and_300_per_cent_of_the_average_wage():
    # lower base 4588: from 4,588 to 22,940
    wanted = np.array([3000.0, 7000.0, 30_000.0])
    assert allowed_base(wanted, np.full(3, 4588.0), LAW["pension"]) == pytest.approx([4588, 7000, 22_940])


def test_fifteen_years_on_the_lower_base_give_917_60_and_475_30_a_month():
    """(W + 0.6 W) / 2 x 15 x 1 % = 0.12 W = 917.60; 367.04 x 180 / 139 = 475.30; together 1,392.90."""
    assert basic_pension(WAGE, 0.6, 180) == pytest.approx(917.60)
    assert saved(367.04, 180, 0.0) / 139 == pytest.approx(475.30, abs=0.005)
    assert monthly_pension(WAGE, 0.6, 180, 367.04 * 180, 139) == pytest.approx(1392.90, abs=0.005)


def test_a_higher_base_gives_more_but_less_than_in_proportion():
    # on 120 % of the wage: (W + 1.2 W) / 2 x 0.15 = 0.165 W = 1,261.70 for twice the contribution
    assert basic_pension(WAGE, 1.2, 180) == pytest.approx(1261.70)
    assert basic_pension(WAGE, 1.2, 180) < 2 * basic_pension(WAGE, 0.6, 180)


def test_an_account_grows_by_the_years_interest_in_twelve_months():
    account = np.array([1_000_000.0])
    for _ in range(12):
        account = credited(account, 0, 0.0397)
    assert account == pytest.approx([1_039_700])


def test_what_is_paid_in_at_a_months_end_earns_from_the_next_on():
    # a year at 12.682503 % is 1 % a month: 100 x 1.01 + 100 = 201
    rate = 1.01**12 - 1
    assert credited(credited(np.zeros(1), 100, rate), 100, rate) == pytest.approx([201])
    assert saved(100, 2, rate) == pytest.approx(201)


def test_a_long_saving_is_the_sum_of_its_months():
    account, rate, growth = 0.0, 0.03, 0.02
    for k in range(40):
        account = credited(account, 50 * (1 + growth) ** (k / 12), rate)
    assert saved(50, 40, rate, growth) == pytest.approx(float(account))
    assert saved(50, 40, 0.02, 0.02) == pytest.approx(50 * 40 * 1.02 ** (39 / 12))  # growth and interest alike


def test_the_resident_scheme_gives_204_51_for_500_a_year():
    # 143 + (500 + 70) x 15 / 139 = 143 + 61.51
    assert resident_pension(500, 15, LAW["resident_pension"]) == pytest.approx(204.51, abs=0.005)


def test_the_resident_scheme_asks_for_fifteen_years_and_knows_its_tiers_only():
    assert resident_pension(500, 14, LAW["resident_pension"]) == 0
    with pytest.raises(KeyError):
        resident_pension(550, 15, LAW["resident_pension"])


def test_an_employee_pays_8_and_the_employer_16_per_cent_of_a_bounded_wage():
    # 3,000 counts as 4,588: 734.08 and 367.04; 7,000: 1,120 and 560; 30,000 as 22,940: 3,670.40 and 1,835.20
    employer, employee = employee_contributions(np.array([3000.0, 7000.0, 30_000.0]), np.full(3, 4588.0),
                                                LAW["employee_pension"], LAW["pension"])
    assert employer.tolist() == [73_408, 112_000, 367_040]
    assert employee.tolist() == [36_704, 56_000, 183_520]


def test_contributions_that_do_not_add_up_are_refused_in_one_line():
    for change in ("pension.pooled_rate=0.13", "pension.upper=0.5", "resident_pension.subsidy.500=-1"):
        with pytest.raises(BadInput, match="expected"):
            refused(change)


def test_a_months_interest_is_the_same_fen_for_the_account_and_for_the_fund():
    # 1.5 % a year are 1.015^(1/12) - 1 = 0.12415 % a month: 12.41 yuan on 10,000
    account = np.array([1_000_000, 0, 333])
    assert interest_of_month(account, 0.015).tolist() == [1241, 0, 0]
    assert interest_of_month(account, 0.0).tolist() == [0, 0, 0]
