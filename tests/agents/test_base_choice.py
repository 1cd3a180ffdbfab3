"""On which base a rider pays who pays: what a yuan above the lower base is worth, on paper, and who finds it worth his
while."""

from datetime import date

import numpy as np
import pytest

from agents import mind_kernels as kernels
from sim.calendar import Month

START, ONE = date(2025, 7, 1), np.array([0])
LEVELS = np.array([1, 4 / 3, 5 / 3, 2.5, 10 / 3, 5])
NEUTRAL = -10.0  # a taste that adds nothing to what the law gives


@pytest.fixture
def riders(rider_lab):
    """Riders whose row 0 is as plain as can be: a local of Kunming, 33 years old, 7,000 yuan a month, no history,
    rooted, present bias 0.75, cash of 0.8 months of income, no liking for insurance of his own."""
    lab = rider_lab(start=START)
    plain = {"city": 0, "hukou": 0, "origin": 0, "age": 33 * 12, "history": 0, "temporary": False, "beta": 0.75,
             "income": 700000, "other": 0, "cash": 5600, "taste": NEUTRAL}
    for column, value in plain.items():
        getattr(lab.riders, column)[0] = value
    lab.riders.take_law(lab.law.on(START), Month.of(START))
    return lab.riders


def chosen(riders, price=458.8, levels=LEVELS):
    """Level of the base that row 0 prefers, and what enrolling is worth to him, k yuan a month."""
    worth, _, level = riders.appraise(ONE, np.array([price]), np.array([price]), levels)
    return int(level[0]), float(worth[0])


def test_the_step_from_60_to_80_per_cent_costs_the_plain_rider_309_yuan_a_month_more_than_it_is_worth(riders):
    # 30 years to go, 0.7 x 360 = 252 months paid by then. k yuan of rights a month and yuan of base (test_enrolment):
    # 0.27262e-3 x 0.23583 = 6.4292e-5 flat, x 0.29071 = 7.9253e-5 of the own base, x 0.10783 = 2.9397e-5 of the account
    # a k yuan of them is 0.6 / (0.27262e-3 x 161.9 x 1.025^30) = 6.4808 average wages, in 252 months 1633.2
    # means on the lower base 0.2 + 1633.2 (6.4292 + 7.9253)e-5 = 0.43444; need 0.7 x 7000 / (4588 / 0.6) = 0.64080
    # a third more: ln(1 + 1633.2 x 7.9253e-5 / 3 / 0.43444) = 0.094687; 0.64080 / 1633.2 x 0.094687 = 3.7151e-5
    # worth 0.75 x 4588 (0.8 x 3.7151e-5 + 0.2 x 2.9397e-5 / 3) = 0.10901 k yuan
    # it costs 305.87 of the 6082.40 that are left: 6082.40 ln(6082.40 / 5776.53) = 313.82, weighed 1.33109: 0.41773
    p, mind = kernels.prospects(riders.mind, 0.08), riders.mind
    age, paid = 33 * 12, 252 * p_replaced(riders)
    means = 0.2 + paid * (p.flat[age] + p.own[age])
    assert means == pytest.approx(0.43444, abs=2e-5)
    more = kernels.higher(0.64080, means, paid, p.own[age], p.account[age], 4588.0, 1 / 3, 0.2, 0.75, 0.8,
                          kernels.pressure(mind, 5600.0, 7000.0) / 1000, 6082.4)
    assert more == pytest.approx(0.10901 - 0.41773, abs=5e-5)


def p_replaced(riders):
    """Average wages that a k yuan of rights makes at 33."""
    found = kernels.prospects(riders.mind, 0.08).replaced[33 * 12]
    assert found == pytest.approx(6.4808, abs=2e-4)
    return found


def test_every_further_step_is_worth_less_and_costs_more(riders):
    p, age = kernels.prospects(riders.mind, 0.08), 33 * 12
    paid = 252 * p.replaced[age]
    worth = np.array([kernels.higher(0.64, 0.43, paid, p.own[age], p.account[age], 4588.0, more, 0.2, 0.75, 0.8,
                                     0.001, 12000.0) for more in np.arange(0.0, 4.1, 0.5)])
    assert worth[0] == 0
    assert (np.diff(worth, 2) < 0).all()


def test_without_the_compiler_a_higher_base_is_worth_the_same():
    given = (0.64, 0.43, 1633.0, 8e-5, 3e-5, 4588.0, 1.5, 0.2, 0.75, 0.8, 0.001, 6000.0)
    assert kernels.higher.py_func(*given) == pytest.approx(kernels.higher(*given), rel=1e-12)
    assert kernels.higher.py_func(*given[:-1], 1376.0) == -1e300  # 0.2 x 4588 x 1.5 = 1376.40 are more than he has


@pytest.mark.parametrize("weight", np.linspace(0.0003, 0.0012, 10))
def test_who_is_told_that_no_higher_base_is_worth_it_would_not_take_the_smallest_step(riders, weight):
    """With a liking of 0.3 k yuan beside a worth of 0.4: present bias 0.75 counts as 0.75 x 0.7 / 0.4."""
    p, age = kernels.prospects(riders.mind, 0.08), 33 * 12
    keen, wanted = 0.75 * 0.7 / 0.4, 0.64 * 4588
    step = kernels.higher(0.64, 0.43, 252 * p.replaced[age], p.own[age], p.account[age], 4588.0, 1e-6, 0.2, keen, 0.8,
                          weight, 6000.0)
    told = kernels.rises(wanted, 0.43, p.own[age], p.account[age], 4588.0, 0.2, 0.75, 0.4, 0.3, 0.8, weight)
    assert told == (step > 0)


def test_nobody_pays_on_a_base_that_takes_all_he_has(riders):
    riders.income[0], riders.taste[0], riders.cash[0] = 400000, 100.0, 1e6
    level, _ = chosen(riders, price=917.6)
    assert 0 < level < 5  # 4,588 yuan a month on the highest


def test_the_plain_rider_pays_on_the_lowest_base_whatever_is_offered(riders):
    assert chosen(riders) == (0, chosen(riders, levels=np.ones(1))[1])


def keen(riders):
    """Make row 0 one who leans towards insurance and finds a middle base worth his while."""
    riders.taste[0], riders.beta[0], riders.income[0], riders.cash[0] = 8.0, 0.9, 1000000, 20000
    return riders


@pytest.mark.parametrize(("column", "less", "more"), [
    ("income", 600000, 2000000), ("cash", 500, 60000), ("beta", 0.5, 1.0), ("temporary", True, False),
    ("taste", 0.0, 12.0), ("age", 22 * 12, 40 * 12)])
def test_what_makes_a_rider_pay_on_a_higher_base(riders, column, less, more):
    found = []
    for value in (less, more):
        getattr(keen(riders), column)[0] = value
        found.append(chosen(riders)[0])
    assert found[0] < found[1]


def test_a_richer_yield_of_the_account_makes_him_pay_on_a_higher_base(riders):
    mind, found = keen(riders).mind, []
    for growth in (1.0, 1.01, 1.03, 1.06):
        riders.mind = mind._replace(account_growth=growth)
        found.append(chosen(riders, levels=np.arange(1, 5, 0.05))[0])
    assert sorted(set(found)) == found


def test_who_has_an_old_age_of_other_means_pays_on_a_lower_base(riders):
    mind, found = keen(riders).mind, []
    for means in (0.05, 1.0):
        riders.mind = mind._replace(means=means)
        found.append(chosen(riders)[0])
    assert found[0] > found[1]


def test_who_lacks_the_cash_for_the_base_he_would_like_takes_a_lower_one(riders):
    riders.taste[:3], riders.enrolled[:3], riders.cash[:3] = 5.0, False, (2000.0, 1000.0, 800.0)
    premium = np.array([[900.0, 1200.0, 1500.0]])
    kernels.decide(riders.mind._replace(keep_taste=1.0), riders.rows, np.arange(3), np.zeros(3), np.zeros(3, np.int16),
                   np.full(3, 2, np.uint8), premium, np.zeros(4, np.int64),
                   (np.uint64(1), np.uint64(2)))
    assert riders.enrolled[:3].tolist() == [True, True, False]
    assert riders.level[:2].tolist() == [2, 0]


def test_some_pay_on_a_higher_base_most_do_not_and_they_earn_more(rider_lab):
    lab = rider_lab(rows=10_000, start=START)
    lab.live(date(2025, 9, 30))
    riders = lab.riders
    paying, above = riders.enrolled, riders.enrolled & (riders.level > 0)
    assert 0.01 < above.sum() / paying.sum() < 0.2
    assert len(set(riders.level[above])) > 2
    assert riders.income[above].mean() > 1.1 * riders.income[paying].mean()
