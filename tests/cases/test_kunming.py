"""The published case: a rider who earns some 7,000 yuan a month in Kunming and pays for her pension herself.

Her subsidy is 458.80 yuan a month; a year's contributions of more than 10,000 yuan are halved. The lower base behind it
is 458.80 / (20 % x 50 %) = 4,588 yuan, the whole contribution 4,588 x 20 % = 917.60 a month, 11,011.20 a year.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Month
from sim.config import load
from sim.policy.pension_subsidy import PensionSubsidy, met, remember
from sim.settlement.bills import pension_contribution
from sim.units import to_fen

BASE_2025 = Path(__file__).parents[2] / "configs" / "scenarios" / "base_2025.yaml"
SEPTEMBER, NOVEMBER = Month(2025, 9), Month(2025, 11)
RIDER = 17


@pytest.fixture(scope="module")
def law():
    return load(BASE_2025).law


def year(law, incomes, first, months=12, enrolled=True):
    """Contributions and subsidies of a Kunming rider, fen by month: {month: (paid, received)}.

    incomes: yuan, one a month from `first` on; before it she did not ride.
    """
    paid, received, window = {}, {}, np.zeros(1, np.uint8)
    for k in range(months):
        month = first.later(k)
        rules = law.on(month.first)
        base = rules["pension"].base["kunming"]
        window = remember(window, met(to_fen(np.array([incomes[k]])), base))
        people = SimpleNamespace(
            identity=np.array([RIDER]), weight=np.ones(1, np.int32), city=np.zeros(1, np.int16),
            place=np.array([list(rules["pension"].base).index("kunming")]), enrolled=np.array([enrolled]),
            premium=np.array([to_fen(base * rules["pension"].flex_rate)]), base=np.array([to_fen(base)]),
            chosen=np.array([to_fen(base)]), met=window)
        facts = SimpleNamespace(people=people, cities=SimpleNamespace(key=("kunming",)))
        bills = pension_contribution(facts, rules["pension"]) if enrolled else []
        paid[month] = sum(bill.total for bill in bills)
        for transfer in PensionSubsidy().apply(month, facts, rules["pension_subsidy"]):
            assert transfer.row.tolist() == [RIDER]
            received[transfer.due] = received.get(transfer.due, 0) + transfer.total
    return paid, received


def test_she_gets_458_80_yuan_for_september_october_and_november(law):
    paid, received = year(law, [7000] * 6, Month(2025, 6), months=6)
    assert paid[SEPTEMBER] == paid[NOVEMBER] == 91760
    assert received == {Month(2025, 10): 45880, Month(2025, 11): 45880, Month(2025, 12): 45880}


def test_a_year_costs_11_011_20_before_and_5_505_60_after(law):
    # the base of July 2025 holds to June 2026; she has ridden since April, so July's window holds four months
    paid, received = year(law, [7000] * 15, Month(2025, 4), months=15)
    twelve = [Month(2025, 7).later(k) for k in range(12)]
    cost = sum(paid[month] for month in twelve)
    assert cost == 1_101_120
    served = sum(45880 for month in twelve if month >= SEPTEMBER)
    assert sum(received.values()) == served == 10 * 45880  # Kunming is served from September
    assert cost - 12 * 45880 == 550_560  # a year wholly served


def test_her_third_qualifying_month_is_the_first_that_is_subsidised(law):
    _, received = year(law, [7000] * 5, Month(2025, 10), months=5)
    assert received == {Month(2026, month): 45880 for month in (1, 2, 3)}  # for December, January, February


def test_three_qualifying_months_need_not_be_in_a_row(law):
    incomes = [7000, 2000, 7000, 1000, 0, 4588]  # September, November and February meet the base
    _, received = year(law, incomes, SEPTEMBER, months=6)
    assert received == {Month(2026, 3): 45880}


def test_a_seventh_month_back_no_longer_counts(law):
    incomes = [7000, 2000, 7000, 1000, 0, 0, 4588]  # September is the seventh month when March begins
    _, received = year(law, incomes, SEPTEMBER, months=7)
    assert received == {}


def test_an_income_one_fen_below_the_base_gives_nothing_that_month(law):
    _, received = year(law, [7000, 7000, 7000, 4587.99, 4588], SEPTEMBER, months=5)
    assert received == {Month(2025, 12): 45880, Month(2026, 2): 45880}  # for November and January, not for December


def test_who_does_not_pay_the_premium_gets_nothing(law):
    assert year(law, [7000] * 6, SEPTEMBER, months=6, enrolled=False)[1] == {}


def test_from_july_2026_each_month_is_judged_against_the_new_base(law):
    # 4,588 x 1.03 = 4,725.60 from July 2026: an income of 4,700 met June's base and misses July's
    _, received = year(law, [4700] * 6, Month(2026, 2), months=6)
    assert Month(2026, 7) in received  # for June
    assert Month(2026, 8) not in received  # for July
