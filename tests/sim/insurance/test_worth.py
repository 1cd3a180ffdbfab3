"""What a pension is worth to who pays for it: expected pension, payback, internal return, replacement rate."""

import numpy as np
import pytest

from sim.calendar import Month
from sim.insurance.worth import Beliefs, internal_return, outlook, payback
from tests.sim.insurance.law import LAW

STILL = Beliefs(density=1.0, wage_growth=0.0, interest=0.0)  # nothing grows, every month is paid
JULY = Month(2025, 7)


def of(age, beliefs=STILL, history=0, account=0.0, share=0.6, wage=7647.0, month=JULY, kind=0):
    """Outlook of one man of an age in months."""
    one = np.ones(1)
    return outlook(month, one * age, np.array([kind]), one * history, one * account, one * share, one * wage,
                   LAW["pension"], LAW["retirement"], beliefs)


def test_who_is_33_retires_at_63_with_divisor_117_and_needs_20_years():
    see = of(33 * 12)
    assert (see.age[0], see.divisor[0], see.least[0], see.months[0]) == (63 * 12, 117, 240, 360)


def test_thirty_years_on_the_lower_base_give_2964_68_a_month():
    """0.8 x 7,647 x 30 % = 1,835.28; 8 % of 4,588.20 = 367.056, x 360 / 117 = 1,129.40."""
    see = of(33 * 12)
    assert see.pension == pytest.approx([1835.28 + 1129.403], abs=0.01)
    assert see.vested[0]
    assert see.replacement == pytest.approx([2964.683 / 7647], abs=1e-5)


def test_two_months_in_three_just_reach_twenty_years_and_a_little_less_does_not():
    """240 months: 0.8 x 7,647 x 20 % = 1,223.52; 367.056 x 240 / 117 = 752.94. Below that the account is paid out."""
    enough, short = (of(33 * 12, Beliefs(density=d, wage_growth=0.0, interest=0.0)) for d in (2 / 3, 0.66))
    assert enough.vested[0]
    assert enough.pension == pytest.approx([1976.46], abs=0.01)
    assert not short.vested[0]
    assert (short.pension[0], short.refund[0]) == (0, pytest.approx(367.056 * 360 * 0.66))


def test_months_paid_before_count():
    # 70 months behind him and half of the 340 to come are 240
    see = of(63 * 12 - 340, Beliefs(density=0.5, wage_growth=0.0, interest=0.0), history=70, account=25_000.0)
    assert (see.months[0], bool(see.vested[0])) == (240, True)
    assert see.pension == pytest.approx([1223.52 + (25_000 + 367.056 * 170) / 117], abs=0.01)


def test_wages_and_interest_grow_what_is_seen_of_it():
    """Real growth of 2.5 % for 30 years: everything of the pool is 2.0976 times as much in today's money."""
    see = of(33 * 12, Beliefs(density=1.0, wage_growth=0.025, interest=0.025))
    assert see.pension == pytest.approx([(1835.28 + 1129.403 * 1.025 ** (-1 / 12)) * 1.025**30], rel=1e-6)
    assert see.replacement == pytest.approx([0.3873], abs=5e-4)  # of the wage of that time


def test_kunmings_example_is_paid_back_in_119_months_and_with_the_subsidy_in_59():
    # 165,168 / 1,392.90 = 118.6; half of it: 59.3
    assert payback(np.array([165_168.0, 82_584.0]), 1392.9).round().tolist() == [119, 59]


def test_a_hundred_that_come_back_as_110_a_year_later_return_ten_per_cent():
    rate = internal_return(pay=np.array([100.0]), months=np.array([1]), wait=np.array([12]), pension=np.array([110.0]),
                           life=np.array([1]), refund=np.zeros(1))
    assert rate == pytest.approx([0.10], abs=1e-6)


def test_a_refund_of_what_was_paid_returns_nothing():
    rate = internal_return(np.array([50.0]), np.array([100]), np.array([120]), np.zeros(1), np.zeros(1, int),
                           np.array([5000.0]))
    assert rate == pytest.approx([0.0], abs=1e-6)


def test_at_the_internal_return_the_flows_are_worth_nothing_together():
    """Kunming's example with 20 years in pension, with and without the subsidy, flow by flow."""
    pay = np.array([917.6, 458.8])
    rate = internal_return(pay, np.full(2, 180), np.full(2, 180), np.full(2, 1392.9), np.full(2, 240), np.zeros(2))
    for i in range(2):
        flow = np.concatenate([np.full(180, -pay[i]), np.full(240, 1392.9)])
        assert flow @ (1 + rate[i]) ** (-np.arange(420) / 12) == pytest.approx(0, abs=0.01)
    assert 0.03 < rate[0] < rate[1]


def test_payments_that_grow_with_wages_are_discounted_as_they_fall_due():
    rate = internal_return(np.array([100.0]), np.array([24]), np.array([24]), np.array([150.0]), np.array([24]),
                           np.zeros(1), growth=0.05)
    flow = np.concatenate([-100 * 1.05 ** (np.arange(24) / 12), np.full(24, 150.0)])
    assert flow @ (1 + rate[0]) ** (-np.arange(48) / 12) == pytest.approx(0, abs=1e-3)


def test_who_pays_nothing_or_gets_nothing_has_no_return():
    rate = internal_return(np.array([0.0, 100.0]), np.array([10, 10]), np.array([10, 10]), np.array([100.0, 0.0]),
                           np.array([10, 10]), np.zeros(2))
    assert np.isnan(rate).all()
