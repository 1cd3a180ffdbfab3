"""What a project is worth: present value, internal rate, the payment that breaks even, the share that is started."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.appraisal import annuity, break_even, internal_rate, present_value, started_share


def test_an_annuity_is_the_sum_of_discounted_years():
    # 1/1.08 + 1/1.08^2 + 1/1.08^3 = 0.92593 + 0.85734 + 0.79383 = 2.57710; twelve years: 7.53608
    assert annuity(0.08, 3) == pytest.approx(2.57710, abs=1e-5)
    assert annuity(0.08, 12) == pytest.approx(7.53608, abs=1e-5)
    # a tenth lost each year: 0.92593 + 0.9 x 0.85734 + 0.81 x 0.79383 = 2.34054
    assert annuity(0.08, 3, 0.1) == pytest.approx(2.34054, abs=1e-5)
    assert annuity(0.0, 10) == 10  # nothing discounted


def test_a_store_of_two_hours_needs_what_the_published_example_says():
    """2,000 CNY/kW over 12 years at 8 % are 265.4 CNY/kW-yr, with 45 of upkeep 310.4. With 75 of arbitrage and 20 to 60
    of ancillary services 175 to 215 are missing: the policy's 220 closes the loop, nothing does not."""
    assert break_even(0.08, 2000.0, 45.0, 12, 0.0, 0.0) == pytest.approx(310.4, abs=0.05)
    assert break_even(0.08, 2000.0, 45.0, 12, 0.0, 75 + 60) == pytest.approx(175.4, abs=0.05)
    assert break_even(0.08, 2000.0, 45.0, 12, 0.0, 75 + 20) == pytest.approx(215.4, abs=0.05)
    assert present_value(0.08, 75 + 20 + 220.0, 2000.0, 45.0, 12, 0.0) > 0
    assert present_value(0.08, 75 + 60 + 0.0, 2000.0, 45.0, 12, 0.0) < 0


def test_the_payment_that_breaks_even_leaves_nothing_even_where_the_store_wears_out():
    needed = break_even(0.08, 2000.0, 45.0, 15, 0.012, 95.0)
    assert present_value(0.08, 95 + needed, 2000.0, 45.0, 15, 0.012) == pytest.approx(0, abs=1e-9)


def test_the_internal_rate_is_where_nothing_is_left():
    # 100 back as 60 + 60: x = 1/(1+r): 60 x + 60 x^2 = 100: x = 0.88445, r = 13.066 %
    assert internal_rate(60.0, 100.0, 0.0, 2, 0.0) == pytest.approx(0.13066, abs=1e-5)
    assert internal_rate(50.0, 100.0, 0.0, 2, 0.0) == pytest.approx(0.0, abs=1e-6)  # the money comes back, no more
    assert internal_rate(10.0, 100.0, 0.0, 2, 0.0) < -0.5
    assert internal_rate(0.0, 100.0, 10.0, 2, 0.0) == -1  # nothing ever comes back


def test_a_machine_that_ends_below_its_upkeep_has_the_higher_of_two_rates():
    # 130 of income halved every year, less 40 of upkeep: 90, 25, -7.5. With x = 1/(1+r), 90 x + 25 x^2 - 7.5 x^3 = 100
    # at x = 0.93608: 84.247 + 21.906 - 6.152 = 100.001, so r = 6.83 %; the other root, x = 5.2, loses 4/5 a year
    assert internal_rate(130.0, 100.0, 40.0, 3, 0.5) == pytest.approx(0.0683, abs=1e-4)


def test_at_the_hurdle_half_of_what_could_be_started_is_and_nothing_where_value_is_lost():
    # rate 9 % at a hurdle of 9 %: 1/2; one spread above: 1/(1+e^-1) = 0.7311; below the cost of capital: nothing
    assert started_share(0.09, 1.0, 0.09, 0.01) == pytest.approx(0.5)
    assert started_share(0.10, 1.0, 0.09, 0.01) == pytest.approx(0.7311, abs=1e-4)
    assert started_share(0.0799, -0.1, 0.09, 0.01) == 0
    assert started_share(0.5, 0.0, 0.09, 0.01) == 0


money = st.floats(0, 600)


@given(money, money, st.floats(500, 12000), st.floats(0, 200), st.integers(5, 30), st.floats(0, 0.05))
def test_more_income_is_never_worth_less_and_never_starts_less(one, more, capex, fixed, life, worn):
    low, high = sorted((one, more))
    value = [present_value(0.08, income, capex, fixed, life, worn) for income in (low, high)]
    rate = [internal_rate(income, capex, fixed, life, worn) for income in (low, high)]
    share = [started_share(r, v, 0.09, 0.01) for r, v in zip(rate, value)]
    assert value[0] <= value[1]
    assert rate[0] <= rate[1] + 1e-9
    assert share[0] <= share[1] + 1e-6
    assert 0 <= min(share) <= max(share) <= 1


@given(st.floats(1, 600), st.floats(500, 12000), st.floats(0, 100), st.integers(2, 30), st.floats(0, 0.05))
def test_value_and_internal_rate_agree_about_every_project(income, capex, fixed, life, worn):
    rate = internal_rate(income, capex, fixed, life, worn)
    value = present_value(0.08, income, capex, fixed, life, worn)
    assert np.sign(value) == np.sign(rate - 0.08) or abs(value) < 1e-3 * capex
