"""The fund's expected balance over the cohorts of this month's contributors, worked on paper."""

import numpy as np
import pytest

from sim.calendar import Month
from sim.insurance.cohorts import Actuary, fund_balance
from tests.sim.insurance.law import LAW

JULY = Month(2025, 7)
STILL = Actuary(wage_growth=0.0, interest=0.0, discount=0.0, mortality=0.0, indexation=0.0,
                life={"man": 20.0, "woman": 24.0, "woman_worker": 27.0}, density=1.0, spread=0.0)


def balance(ages, actuary=STILL, weight=(1,), history=0, account=0, base=458_820, month=JULY):
    n = len(ages)
    full = lambda value, kind=np.int64: np.full(n, value, kind)  # noqa: E731
    return fund_balance(month, np.array(ages) * 12, full(0), np.resize(np.array(weight, np.int64), n), full(history),
                        full(account), full(base), full(764_700), LAW["pension"], LAW["retirement"], actuary)


def test_where_nothing_grows_the_fund_promises_four_times_what_it_is_paid():
    """A man of 33 pays 917.64 for 360 months: 330,350.40. He draws 1,835.28 + 1,129.40 = 2,964.68 for 240 months:
    711,523.9. The fund lacks 381,173.5 for him; what he pays covers 46 %."""
    see = balance([33])
    assert see.cohort.tolist() == [1992]
    assert see.contributions == pytest.approx([330_350.4], abs=0.1)
    assert see.pensions == pytest.approx([711_523.9], abs=1)
    assert see.balance == pytest.approx([-381_173.5], abs=1)
    assert see.cover == pytest.approx([0.4643], abs=1e-4)


def test_months_paid_before_are_owed_and_backed_by_the_account():
    """60 months behind him, 300 to come: the past months' rights are a sixth, their account 60 x 367.056 =
    22,023.36."""
    see = balance([38], history=60, account=2_202_336)
    assert see.accrued == pytest.approx([711_523.9 / 6], abs=1)
    assert see.pensions == pytest.approx([711_523.9 * 5 / 6], abs=1)
    assert see.assets == pytest.approx([22_023.36])


def test_who_cannot_reach_the_least_years_is_owed_his_account_only():
    """Born in July 1970, 60 in July 2030: 66 // 4 + 1 = 17 months later, at 61 and 5 months, he retires. That is in 77
    months, in December 2031, when 16 years are asked for: 77 x 367.056 are returned, the pool keeps the rest."""
    see = balance([55])
    assert see.contributions == pytest.approx([77 * 917.64], abs=0.1)
    assert see.pensions == pytest.approx([77 * 367.056], abs=0.1)


def test_persons_weigh_and_cohorts_are_years_of_birth():
    see = balance([33, 33, 40], weight=(2, 3, 10))
    assert see.cohort.tolist() == [1985, 1992]
    assert see.persons.tolist() == [10, 5]
    assert see.contributions[1] == pytest.approx(5 * 330_350.4, abs=1)


def test_the_closed_forms_are_the_sums_of_their_months():
    """Growth, interest, discount, deaths and a density of 0.8, month by month for a man of 33."""
    actuary = Actuary(wage_growth=0.025, interest=0.01, discount=0.04, mortality=0.0025, indexation=0.005,
                      life={"man": 20.0, "woman": 24.0, "woman_worker": 27.0}, density=0.8, spread=0.0)
    see = balance([33], actuary)
    month = np.arange(360) / 12
    paid = 0.8 * 917.64 * (1.025 / 1.04) ** month * np.exp(-0.0025 * month)
    account = sum(0.8 * 367.056 * 1.025 ** (k / 12) * 1.01 ** ((359 - k) / 12) for k in range(360))
    basic = 7647 * 1.025**30 * 0.8 * 288 / 1200
    drawn = (basic + account / 117) * ((1.005 / 1.04) ** (np.arange(240) / 12)).sum() * 1.04**-30 * np.exp(-0.075)
    assert see.contributions == pytest.approx([paid.sum()], rel=1e-9)
    assert see.pensions == pytest.approx([drawn], rel=1e-9)


def test_a_higher_base_lowers_the_cover_less_than_it_raises_the_contribution():
    """The pool gives back (1 + i) / 2 of a wage's per cent whatever the base: the low bases are the dear ones."""
    low, high = balance([33]), balance([33], base=764_700)
    assert high.cover[0] > low.cover[0]


def test_nobody_is_no_cohort():
    assert balance([]).cohort.tolist() == []
