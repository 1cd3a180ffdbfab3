"""The pension subsidy's rule, with figures worked out on paper."""

from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from sim.calendar import Month
from sim.policy.pension_subsidy import PensionSubsidy, SubsidyRules, eligible, met, remember, subsidy

SEPTEMBER = Month(2025, 9)
RULES = SubsidyRules(match=0.5, threshold_months=3, window_months=6, lag_months=1, start={"kunming": SEPTEMBER})


def people(**columns):
    """Three riders of Kunming who meet everything, as an instrument sees them; columns replace the given ones."""
    three = {"identity": np.array([11, 12, 13]), "weight": np.array([1, 5, 2], np.int32), "city": np.zeros(3, np.int16),
             "enrolled": np.ones(3, bool), "premium": np.full(3, 91760), "base": np.full(3, 458800),
             "chosen": np.full(3, 458800), "here": np.ones(3, bool), "home": np.ones(3, bool),
             "met": np.full(3, 0b111, np.uint8)}
    return SimpleNamespace(**(three | columns))


def pay(month=SEPTEMBER, rules=RULES, cities=("kunming", "qujing"), **columns):
    facts = SimpleNamespace(people=people(**columns), cities=SimpleNamespace(key=cities))
    return PensionSubsidy().apply(month, facts, rules)


def test_income_at_the_base_meets_it_and_a_fen_below_does_not():
    assert met(np.array([458800, 458799]), np.array([4588.0, 4588.0])).tolist() == [True, False]


def test_a_base_with_decimals_is_met_at_its_exact_fen():
    assert met(np.array([430620, 430619]), 4306.2).tolist() == [True, False]


@pytest.mark.parametrize(("window", "qualifies"), [
    (0b000111, True),  # this month and the two before
    (0b100101, True),  # this month, two and five months ago: three of six
    (0b000011, False),  # two of six
    (0b111110, False),  # five of six, but not this month
    (0b1000011, False),  # the third qualifying month is six months back and has left the window
    (0b11000001, False),  # so have these two
    (0, False),
])
def test_this_month_and_three_of_the_last_six_must_have_met_the_base(window, qualifies):
    assert bool(eligible(np.array([window]), 3, 6)[0]) is qualifies


def test_eligibility_is_what_counting_month_by_month_gives_for_every_window():
    for months in range(1, 9):
        for threshold in range(months + 1):
            for window in range(256):
                history = [window >> back & 1 for back in range(months)]
                expected = history[0] == 1 and sum(history) >= threshold
                assert eligible(np.array([window], np.uint8), threshold, months)[0] == expected


def test_the_window_moves_on_by_a_month_and_forgets_after_eight():
    window = remember(np.array([0b10000001, 0b1], np.uint8), np.array([True, False]))
    assert window.tolist() == [0b00000011, 0b10]
    assert window.dtype == np.uint8


def test_half_of_the_contribution_on_kunmings_base_is_458_80_yuan():
    assert subsidy(0.5, 91760) == 45880  # 4588 x 20 % = 917.60


def test_half_a_fen_is_rounded_up():
    assert subsidy(0.5, np.array([80737])).tolist() == [40369]  # 403.685


def test_the_subsidy_goes_from_the_platform_to_riders_a_month_later_by_identity():
    (transfer,) = pay()
    assert (transfer.payer, transfer.payee, transfer.due) == ("platform", "riders", Month(2025, 10))
    assert transfer.row.tolist() == [11, 12, 13]
    assert transfer.amount.tolist() == [45880] * 3
    assert transfer.total == 45880 * 8  # persons: 1 + 5 + 2


def test_december_pays_in_january():
    assert pay(Month(2025, 12))[0].due == Month(2026, 1)


def test_only_who_pays_the_months_premium_is_subsidised():
    (transfer,) = pay(enrolled=np.array([True, False, True]))
    assert transfer.row.tolist() == [11, 13]


def test_who_does_not_meet_the_conditions_is_not_subsidised():
    (transfer,) = pay(met=np.array([0b110, 0b111, 0b011], np.uint8))
    assert transfer.row.tolist() == [12]


def test_a_city_is_served_from_its_month_on():
    assert pay(Month(2025, 8)) == []
    assert len(pay(Month(2025, 9))) == 1


def test_a_city_that_the_law_does_not_name_is_not_served():
    (transfer,) = pay(city=np.array([0, 1, 0], np.int16))
    assert transfer.row.tolist() == [11, 13]


def test_the_base_of_the_place_of_insurance_makes_the_amount():
    (transfer,) = pay(premium=np.array([91760, 76620, 84000]))  # bases 4588, 3831, 4200
    assert transfer.amount.tolist() == [45880, 38310, 42000]


def test_without_a_match_nothing_is_transferred():
    assert pay(rules=RULES.model_copy(update={"match": 0.0})) == []


# --------------------------------------------------------------------------------------------------------------- levers


def test_a_higher_base_of_ones_own_choice_is_subsidised_as_the_lower_one():
    # on 7,000 yuan the contribution is 1,400; half of 20 % of 4,588 remains 458.80
    (transfer,) = pay(premium=np.full(3, 140_000), chosen=np.full(3, 700_000))
    assert transfer.amount.tolist() == [45880] * 3


@pytest.mark.parametrize(("place", "rows"), [("choice", [11, 12, 13]), ("workplace", [11, 12]), ("hukou", [11, 13])])
def test_the_law_may_ask_where_one_is_insured(place, rows):
    (transfer,) = pay(rules=RULES.model_copy(update={"place": place}), here=np.array([True, True, False]),
                      home=np.array([True, False, True]))
    assert transfer.row.tolist() == rows


def test_the_state_may_bear_a_part_of_what_riders_are_given():
    """Three tenths of 458.80 are 137.64; the platform gives the other 321.16, and riders receive the same."""
    platform, state = pay(rules=RULES.model_copy(update={"government": 0.3}))
    assert (platform.payer, state.payer) == ("platform", "government")
    assert platform.amount.tolist() == [32116] * 3
    assert state.amount.tolist() == [13764] * 3
    assert platform.due == state.due == Month(2025, 10)


def test_all_three_shares_are_the_whole_contribution_to_the_fen():
    for match in (0.0, 0.33, 0.5, 1.0):
        for government in (0.0, 0.41, 1.0):
            given = pay(rules=RULES.model_copy(update={"match": match, "government": government}))
            total = sum(transfer.total for transfer in given)
            assert total == int(subsidy(match, 91760)) * 8
            assert all(transfer.payer in ("platform", "government") for transfer in given)


def test_a_window_and_a_threshold_of_the_laws_own():
    easy = RULES.model_copy(update={"threshold_months": 1, "window_months": 1})
    (transfer,) = pay(rules=easy, met=np.array([1, 0b10, 0b111], np.uint8))
    assert transfer.row.tolist() == [11, 13]


def test_a_threshold_beyond_its_window_is_refused():
    with pytest.raises(ValidationError, match="expected at most"):
        SubsidyRules(match=0.5, threshold_months=5, window_months=4, lag_months=1, start={})
