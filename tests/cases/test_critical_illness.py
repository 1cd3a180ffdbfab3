"""The platform's care in critical illness: some 7,000 cases and more than 200 M yuan by July 2025 are published.

The law grants 0.33 cases a year among a thousand riders of a month: of 3.36 M riders 92.4 a month. The slots of this
world stay at their number of 2024, so national figures are multiplied with the index of riders of each quarter: 1.00
and 1.12 in the first two of 2025, 1.38 in the third, 1.30 in the fourth, 1.21 in 2026 (derived from orders). Before
2025 there were some 6,300 cases and 181 M yuan, taken as given. To July 2025: 92.4 x (3 x 1.00 + 3 x 1.12 + 1.38) = 715
more, 7,015 in all; a mean grant of 28,550 makes them 20.4 M yuan, 201.4 M in all.
"""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from sim.calendar import Month
from sim.config import load
from sim.policy.benefits import cases
from sim.streams import Streams

BASE_2025 = Path(__file__).parents[2] / "configs" / "scenarios" / "base_2025.yaml"
BEFORE, PAID_BEFORE = 6300, 181e6
INDEX = [1.00] * 3 + [1.12] * 3 + [1.38] * 3 + [1.30] * 3 + [1.21] * 2  # January 2025 to February 2026


@pytest.fixture(scope="module")
def config():
    return load(BASE_2025)


@pytest.fixture(scope="module")
def rules(config):
    return config.law.on(date(2025, 7, 1))["critical_illness"]


@pytest.fixture(scope="module")
def riders(config):
    return int(config.world["cities"]["riders"].sum())


def expected(rules, riders, months) -> float:
    return BEFORE + riders * rules.cases / 12_000 * sum(INDEX[:months])


def mean_grant(rules) -> float:
    return float(np.dot(rules.grants, rules.shares))


def test_some_7_000_cases_and_more_than_200_m_yuan_by_july_2025(rules, riders):
    found = expected(rules, riders, 7)
    assert found == pytest.approx(7015, abs=3)
    assert PAID_BEFORE + (found - BEFORE) * mean_grant(rules) == pytest.approx(201.4e6, abs=0.2e6)


def test_the_draw_of_a_month_gives_what_the_rate_says(rules, riders):
    """715 cases expected, standard deviation 27."""
    persons = np.full(3360, riders / 3360)
    count = sum(cases(Streams(1)["benefits/illness"], np.arange(3360), Month(2025, 1).later(k),
                      rules.cases / 12_000 * persons * INDEX[k]).sum() for k in range(7))
    assert count == pytest.approx(715, abs=4 * 27)


def test_by_february_2026_the_rule_gives_more_than_is_published(rules, riders):
    """92.4 x (2 x 1.38 + 3 x 1.30 + 2 x 1.21) = 839 more, 7,854 in all: 4 % above the 7,570 published. Cases did not
    follow the riders of the summer of 2025; why is open."""
    found = expected(rules, riders, 14)
    assert found == pytest.approx(7854, abs=5)
    assert 1.03 < found / 7570 < 1.05


def test_a_mean_grant_is_what_is_published_over_cases(rules):
    # 200 M / 7,000 = 28,571
    assert mean_grant(rules) == pytest.approx(28_571, rel=0.002)
