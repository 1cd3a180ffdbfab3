"""When one may retire, with how many months paid, and over how many months one's account is spread."""

import numpy as np
import pytest

from sim.calendar import Month
from sim.config import BadInput
from sim.insurance.retirement import KINDS, divisor, least_months, retirement_age
from tests.sim.insurance.law import LAW, refused

MAN, WOMAN, WORKER = (KINDS.index(kind) for kind in ("man", "woman", "woman_worker"))
RULES = LAW["retirement"]


def age(year, month, kind=MAN) -> tuple[int, int]:
    """Years and months at which somebody born in a month retires."""
    months = retirement_age(np.array([Month(year, month).number]), np.array([kind]), RULES)[0]
    return divmod(int(months), 12)


@pytest.mark.parametrize(("born", "kind", "retires"), [
    ((1964, 12), MAN, (60, 0)),  # 60 in December 2024, before the reform
    ((1965, 1), MAN, (60, 1)),  # 60 in January 2025: the first group of four months, a month later
    ((1965, 4), MAN, (60, 1)),
    ((1965, 5), MAN, (60, 2)),
    ((1976, 8), MAN, (62, 11)),  # 60 in August 2036: 139 months after January 2025, 139 // 4 + 1 = 35
    ((1976, 9), MAN, (63, 0)),  # 140 // 4 + 1 = 36: the last step
    ((1992, 7), MAN, (63, 0)),  # who is 33 in July 2025
    ((1969, 12), WOMAN, (55, 0)),
    ((1970, 1), WOMAN, (55, 1)),  # 55 in January 2025
    ((1981, 9), WOMAN, (58, 0)),
    ((1975, 1), WORKER, (50, 1)),  # a month later for every two months of birth
    ((1975, 3), WORKER, (50, 2)),
    ((1984, 11), WORKER, (55, 0)),  # 118 // 2 + 1 = 60 months
])
def test_ages_rise_month_by_month_from_2025_on(born, kind, retires):
    assert age(*born, kind) == retires


@pytest.mark.parametrize(("year", "years"), [(2025, 15), (2029, 15), (2030, 15.5), (2031, 16), (2038, 19.5), (2039, 20),
                                             (2055, 20)])
def test_the_years_one_must_have_paid_rise_by_six_months_a_year_from_2030(year, years):
    assert least_months(Month(year, 6).number, RULES) == 12 * years


def test_divisors_are_the_tables_and_between_them_on_a_line():
    # 60 and a month: 139 - (139 - 132) / 12 = 138.4167
    assert divisor(np.array([720, 756, 721]), RULES) == pytest.approx([139, 117, 138.41667])


def test_who_retires_later_has_the_account_spread_over_fewer_months():
    ages = np.arange(600, 781)
    assert (np.diff(divisor(ages, RULES)) < 0).all()
    with pytest.raises(ValueError, match="49"):
        divisor(np.array([49 * 12]), RULES)


def test_nobody_retires_earlier_than_who_was_born_before_him():
    births = np.arange(Month(1960, 1).number, Month(1990, 1).number)
    for kind in range(len(KINDS)):
        ages = retirement_age(births, np.full(len(births), kind), RULES)
        assert (np.diff(ages) >= 0).all()


def test_rules_that_contradict_themselves_are_refused_in_one_line():
    for change in ("retirement.after.man=59.0", "retirement.divisor.63=126", "retirement.least_after=170",
                   "retirement.divisor.sixty=139"):
        with pytest.raises(BadInput, match=r"expected"):
            refused(change)
