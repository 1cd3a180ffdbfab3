"""What moves with a worker between places, and where he draws his pension."""

import numpy as np
import pytest

from sim.insurance.transfer import moved, receipt
from tests.sim.insurance.law import LAW

RULES = LAW["pension_transfer"]
NATIONAL = RULES.model_copy(update={"national": True})
KUNMING, SHENZHEN, HENAN = 0, 1, 2


def where(stays, hukou, rules=RULES):
    """Place of receipt for one worker. stays: (place, months), in the order in which he contributed."""
    places, months = np.array([[place for place, _ in stays]]), np.array([[count for _, count in stays]])
    return int(receipt(places, months, np.array([hukou]), rules)[0])


def test_who_contributed_last_at_home_draws_at_home():
    assert where([(SHENZHEN, 200), (HENAN, 12)], HENAN) == HENAN


def test_ten_years_in_the_last_place_are_enough_to_draw_there():
    assert where([(HENAN, 60), (SHENZHEN, 120)], HENAN) == SHENZHEN


def test_a_month_short_of_ten_years_sends_him_back_to_the_last_place_with_ten():
    assert where([(KUNMING, 130), (SHENZHEN, 119)], HENAN) == KUNMING


def test_without_ten_years_anywhere_it_is_the_place_of_hukou():
    assert where([(KUNMING, 100), (SHENZHEN, 119)], HENAN) == HENAN
    assert where([], HENAN) == HENAN


def test_months_in_one_place_add_up_over_interruptions():
    # 70 + 55 = 125 months in Kunming, where he contributes last
    assert where([(KUNMING, 70), (SHENZHEN, 50), (KUNMING, 55)], HENAN) == KUNMING


def test_the_last_place_with_ten_years_is_the_later_one():
    assert where([(KUNMING, 125), (SHENZHEN, 121), (3, 5)], HENAN) == SHENZHEN


def test_a_stay_of_no_months_is_none():
    assert where([(KUNMING, 125), (HENAN, 0)], HENAN) == KUNMING


def test_with_one_national_pool_he_draws_where_he_contributed_last():
    assert where([(KUNMING, 100), (SHENZHEN, 1)], HENAN, NATIONAL) == SHENZHEN


def test_the_whole_account_moves_and_twelve_per_cent_of_the_bases():
    """Two years on 4,588: the account of 367.04 x 24 = 8,808.96 and 12 % x 4,588 x 24 = 13,213.44 of the pool's."""
    account, pooled = moved(np.array([880_896]), np.array([458_800 * 24]), RULES)
    assert (account.tolist(), pooled.tolist()) == ([880_896], [1_321_344])


def test_in_a_national_pool_nothing_of_it_need_move():
    account, pooled = moved(np.array([880_896]), np.array([458_800 * 24]), NATIONAL)
    assert (account.tolist(), pooled.tolist()) == ([880_896], [0])


def test_all_rows_are_judged_as_each_alone():
    rng = np.arange(600).reshape(100, 6)
    places, months, hukou = rng * 7 % 5, rng * 13 % 90, np.arange(100) % 5
    together = receipt(places, months, hukou, RULES)
    alone = [int(receipt(places[i:i + 1], months[i:i + 1], hukou[i:i + 1], RULES)[0]) for i in range(100)]
    assert together.tolist() == alone
    assert len(set(alone)) == 5
    with pytest.raises(ValueError, match="stays"):
        receipt(places, months[:, :3], hukou, RULES)
