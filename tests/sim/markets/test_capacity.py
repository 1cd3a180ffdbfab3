"""The capacity price: what is declared is paid, and what was declared and not there is taken back."""

from datetime import date

import numpy as np
import pytest
from pydantic import ValidationError

from sim.config import load
from sim.markets.capacity import Capacity, deduction, failures, fee
from tests.labs import TOY

RULES = {"coal": {"HILLS": 165.0, "COAST": 100.0}, "pumped_hydro": {"COAST": 435.5},
         "deductions": [0.0, 0.1, 0.5, 1.0], "tolerance": 0.01}


def rules(**changes):
    return Capacity.Rules(**(RULES | changes))


def test_a_twelfth_of_the_yearly_price_is_paid_for_each_kilowatt_declared():
    # 141 MW at 165 CNY/kW-yr: 141,000 kW x 165 / 12 = 1,938,750 CNY; 12 days of a month of 30 are 0.4 of it
    assert fee(np.array([141.0]), np.array([165.0]), 1.0) == [193_875_000]
    assert fee(np.array([141.0]), np.array([165.0]), 12 / 30) == [77_550_000]


def test_a_failure_is_a_day_on_which_some_hour_fell_short_of_what_was_declared():
    # declared 100 MW, 1 % tolerated: 99 MW are enough, 98.9 are not; a day fails once however many hours are short
    available = np.full((2, 72), 100.0)
    available[0, 5] = 99.0
    available[0, 30:40] = 98.9
    available[1, [0, 71]] = 0.0
    assert list(failures(available, np.array([100.0, 100.0]), 0.01)) == [1, 2]
    assert list(failures(available, np.array([0.0, 0.0]), 0.01)) == [0, 0]


def test_the_second_failure_costs_a_tenth_the_third_half_the_fourth_everything():
    # the first is let pass: 0, 0, 10 %, 50 %, 100 %, and no more than everything
    assert list(deduction(np.array([0, 1, 2, 3, 4, 31]), (0.0, 0.1, 0.5, 1.0))) == [0, 0, 0.1, 0.5, 1, 1]


@pytest.mark.parametrize("wrong", [
    {"deductions": []}, {"deductions": [0.5, 0.1]}, {"deductions": [0.0, 1.1]}, {"deductions": [-0.1]},
    {"coal": {"HILLS": -1.0}}, {"tolerance": 1.0}, {"tolerance": -0.1}])
def test_rules_that_take_more_than_all_or_less_for_more_are_refused(wrong):
    assert rules().coal["HILLS"] == 165
    with pytest.raises(ValidationError):
        rules(**wrong)


def test_the_law_pays_half_the_fixed_cost_in_yunnan_until_all_of_it_is_paid_from_2026():
    law = load(TOY).law
    assert "capacity" not in law.on(date(2023, 5, 31))
    assert law.on(date(2023, 12, 31))["capacity"].coal == {}
    now, later = law.on(date(2025, 7, 1))["capacity"], law.on(date(2026, 1, 1))["capacity"]
    assert (now.coal["YN"], now.coal["GX"], now.coal["GD"]) == (165, 165, 100)
    assert (later.coal["YN"], later.coal["GX"], later.coal["GD"]) == (330, 231, 165)
    # Guangdong's plants: (1.2 x (643.98 + 595.36 + 414.88 + 338.34) + 1.28 x 409.57 + 2.4 x 324.24) / 8.48 GW
    assert now.pumped_hydro["GD"] == pytest.approx(435.5, abs=0.1)
