"""Credit: scores, grades, points and guarantees worked out on paper; who is suspended, expelled and comes back."""

from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Month
from sim.config import load
from sim.credit import (
    BEHAVIOURS,
    Register,
    admitted,
    faith,
    firm_fees,
    firms,
    graded,
    guarantee,
    of_firms,
    score,
    withheld,
)
from sim.messages import BUY, SELL, Orders
from sim.network.grid import PLANT, STORE
from tests.labs import TOY


@pytest.fixture(scope="module")
def rules():
    return load(TOY).law.on(Month(2025, 7).first)["credit"]


def judged(register, month, rules, indicators=(1.0, 1.0, 1.0, 1.0, np.nan), behaviour=None, failed=False):
    """A month of one entity."""
    listed = np.array([[name == behaviour] for name in BEHAVIOURS])
    return register.live(month, np.array(indicators)[:, None], listed, np.ones(1, bool), rules, np.array([failed]))


def test_a_score_is_the_weighted_mean_of_what_is_known(rules):
    # 0.2 x 0.5 + 0.3 x 1 + 0.25 x 0 + 0.15 x 1 = 0.55 of 0.9: withheld capacity says nothing of a retailer
    found = score(np.array([[0.5], [1.0], [0.0], [1.0], [np.nan]]), rules.weights)
    assert found.tolist() == pytest.approx([100 * 0.55 / 0.9])


def test_of_whom_nothing_is_known_nothing_bad_is_said(rules):
    assert score(np.full((5, 1), np.nan), rules.weights).tolist() == [100.0]


def test_grades_begin_at_their_cuts(rules):
    names = rules.grades
    found = [names[g] for g in graded(np.array([100, 90, 89.9, 70, 61, 45, 39.9, 0.0]), rules)]
    assert found == ["AAA", "AAA", "AA", "A", "BBB", "B", "C", "C"]


def test_a_departure_inside_the_band_is_kept_faith_and_twice_the_band_none():
    assert faith(np.array([0.0, 0.1, 0.15, 0.2, -0.2, 0.5]), 0.1).tolist() == pytest.approx([1, 1, 0.5, 0, 0, 0])


def test_a_guarantee_is_energy_times_base_times_the_grades_multiplier(rules):
    # 100,000 MWh x 7.5 CNY/MWh = 750,000; AAA half of it, C twice
    assert guarantee(np.full(2, 1e5), np.array([0, 6]), rules).tolist() == [375_000.0, 1_500_000.0]


def test_a_quarters_mean_is_the_grade_and_not_before(rules):
    register = Register.of(1, rules.points, 2)
    for month, margin in ((1, 1.0), (2, 1.0), (3, 0.0)):
        assert register.grade[0] == 2
        judged(register, Month(2025, month), rules, (1.0, 1.0, margin, 1.0, np.nan))
    # 100, 100 and 100 x 0.65 / 0.9 = 72.2: their mean 90.7 is AAA
    assert register.grade[0] == 0


def test_points_go_by_severity_and_come_back_in_january(rules):
    register = Register.of(1, rules.points)
    judged(register, Month(2025, 5), rules, behaviour="departs from contracts")  # minor: 1
    judged(register, Month(2025, 6), rules, behaviour="margin below exposure")  # moderate: 3
    judged(register, Month(2025, 7), rules, behaviour="withholds capacity")  # serious: 6
    assert register.points[0] == 12 - 1 - 3 - 6
    judged(register, Month(2026, 1), rules)
    assert register.points[0] == 12


def test_who_has_no_points_left_is_suspended_and_trades_again_when_clean(rules):
    register = Register.of(1, rules.points)
    for month in (1, 2, 3, 4):
        judged(register, Month(2025, month), rules, behaviour="margin below exposure")  # 4 x 3 points
    assert register.suspended[0]
    for month in range(5, 5 + rules.repair - 1):
        judged(register, Month(2025, month), rules)
        assert register.suspended[0]
    judged(register, Month(2025, 10), rules)
    assert not register.suspended[0]
    assert register.points[0] == 6


def test_the_second_time_in_a_year_is_the_last(rules):
    register = Register.of(1, rules.points)
    register.strikes[:], register.points[:] = 1, 1
    assert judged(register, Month(2025, 8), rules, behaviour="departs from contracts") == (0, 1)
    assert register.expelled[0]


def test_who_does_not_pay_goes_and_may_come_back_when_the_bar_is_over(rules):
    register = Register.of(1, rules.points)
    judged(register, Month(2025, 8), rules, behaviour="does not pay", failed=True)
    assert register.expelled[0]
    assert not register.may_return(Month(2027, 7))[0]
    assert register.may_return(Month(2027, 8))[0]  # 24 months on
    register.admit(np.array([0]), rules.points, 2)
    assert (register.expelled[0], register.points[0], register.grade[0]) == (False, 12, 2)


def test_unenforced_credit_grades_and_sanctions_nobody(rules):
    free = rules.model_copy(update={"enforced": False})
    register = Register.of(1, rules.points)
    assert judged(register, Month(2025, 8), free, behaviour="does not pay", failed=True) == (0, 0)
    assert not register.expelled[0]
    assert register.points[0] == 0


# ------------------------------------------------------------------------------------------------------------ companies


def month(price=300.0):
    """Two hours. Firm a: a dam that makes 80 of 100 MW and has sold 100. Firm b: coal at 200 that makes 30 of 50 MW and
    has sold nothing; a battery of b is no plant."""
    units = SimpleNamespace(
        owner=np.array(["a", "b", "b"], object), kind=np.array([PLANT, PLANT, STORE], object), bus=np.array([0, 0, 0]),
        cost=np.array([np.nan, 200.0, np.nan]))
    wide = np.ones((1, 2))
    return SimpleNamespace(
        grid=SimpleNamespace(units=units), settled=np.ones(2, bool), price=price * wide,
        available=np.array([[100.0], [50], [10]]) * wide, output=np.array([[80.0], [30], [-5]]) * wide,
        positions=SimpleNamespace(sold=np.array([[100.0], [0], [0], [-100]]) * np.ones(24)))


def test_capacity_that_would_have_paid_and_stood_idle_is_withheld():
    assert withheld(month(), 30.0).tolist() == [0.0, 20.0, 0.0]  # 50 - 30; of a dam's cost nobody knows
    assert withheld(month(price=220.0), 30.0).tolist() == [0.0, 0.0, 0.0]  # 20 above cost is not enough


def test_companies_are_judged_by_what_they_sold_and_by_what_they_withheld(rules):
    names, owner = firms(month().grid)
    assert (names, owner.tolist()) == (("a", "b"), [0, 1, -1])
    shown, listed = of_firms(month(), owner, 2, rules)
    # a: 20 of 100 sold were not made: band 0.15, so 2 - 0.2 / 0.15; performance 0.8; of 100 MW none withheld
    assert shown[:, 0].tolist() == pytest.approx([2 - 0.2 / 0.15, 1, np.nan, 0.8, 1], nan_ok=True)
    # b: sold nothing; 20 of 50 MW withheld where a fifth is the most
    assert shown[:, 1].tolist() == pytest.approx([np.nan, 1, np.nan, np.nan, 0], nan_ok=True)
    assert listed.T.tolist() == [[False] * 5, [False, False, False, False, True]]


def test_a_company_of_grade_b_lodges_a_guarantee_and_one_above_does_not(rules):
    facts = month()
    grades = rules.grades
    fees = firm_fees(facts, firms(facts.grid)[1], np.array([grades.index("BB"), grades.index("B")]), rules)
    # b made 60 MWh: x 12 x 7.5 CNY x 1.5 = 8,100 CNY, of which 0.015 / 12 a month: 10.125 CNY
    assert fees.tolist() == [0, 1013, 0]


def company(register, month, rules, behaviour=None):
    """A month of one company: judged as companies are, then barred or freed."""
    judged(register, Month(2025, month), rules.model_copy(update={"enforced": False}), behaviour=behaviour)
    register.bar(np.ones(1, bool), rules)
    return bool(register.suspended[0])


def test_a_company_without_points_sells_nothing_ahead_until_it_stayed_clean_for_six_months(rules):
    """Withholding is serious: 6 of 12 points. In May 6 are left, in June none: barred. July to November are five clean
    months, December is the sixth: free, with 12 / 2 = 6 points."""
    strict, register = rules.model_copy(update={"barred_from": "C"}), Register.of(1, rules.points)
    assert not company(register, 5, strict, "withholds capacity")
    assert company(register, 6, strict, "withholds capacity")
    assert all(company(register, month, strict) for month in range(7, 12))
    assert not company(register, 12, strict)
    assert register.points[0] == 6


def test_a_listed_behaviour_begins_the_months_of_repair_anew(rules):
    strict, register = rules.model_copy(update={"barred_from": "C", "repair": 2}), Register.of(1, 6)
    assert company(register, 2, strict, "withholds capacity")
    assert company(register, 3, strict)
    assert company(register, 4, strict, "departs from contracts")
    assert company(register, 5, strict)
    assert not company(register, 6, strict)


def test_a_company_is_barred_from_the_grade_that_the_law_names_and_freed_with_the_one_above(rules):
    strict = rules.model_copy(update={"barred_from": "B", "repair": 1})
    register = Register.of(3, rules.points)
    register.grade[:] = [rules.grades.index(name) for name in ("BB", "B", "C")]
    register.bar(np.array([True, True, False]), strict)
    assert register.suspended.tolist() == [False, True, False]  # the third made and sold nothing: nobody judges it
    register.clean[:] = 1
    register.bar(np.array([True, True, False]), strict)
    assert (register.suspended[1], rules.grades[register.grade[1]]) == (False, "BB")


@pytest.mark.parametrize("change", [{"barred_from": "none"}, {"barred_from": "C", "enforced": False}])
def test_without_the_law_nobody_is_barred_and_who_was_is_free(rules, change):
    register = Register.of(1, 0, len(rules.grades) - 1)
    register.suspended[:] = True
    register.bar(np.ones(1, bool), rules.model_copy(update=change))
    assert not register.suspended[0]
    assert rules.barred_from == "none"


def test_of_a_barred_companys_orders_its_bids_stay_and_users_are_never_barred():
    """Units 0 and 1, of which 1 is barred; party 2 is a user row."""
    orders = Orders.gather([Orders.sell([0, 1, 2], 5.0, 200.0), Orders.buy([1], 4.0, 300.0)])
    found = admitted(orders, np.array([False, True]))
    assert list(zip(found.unit.tolist(), found.side.tolist())) == [(0, SELL), (1, BUY), (2, SELL)]
    assert admitted(orders, np.zeros(2, bool)) is orders


@pytest.mark.parametrize(("change", "what"), [
    ("law.credit.barred_from=AAA", "barred_from: AAA is no grade below the best"),
    ("law.credit.barred_from=D", "barred_from: D is no grade"),
    ("law.credit.multiplier.AAA=3", "a worse grade asks for less"),
    ("law.credit.weights.payment=0.5", "weights add up to 1.2"),
    ("law.credit.severity={departs from contracts: awful}", "severity")])
def test_credit_that_contradicts_itself_is_refused(change, what):
    from sim.config import BadInput

    with pytest.raises(BadInput, match=what):
        load(TOY, set=[change])
