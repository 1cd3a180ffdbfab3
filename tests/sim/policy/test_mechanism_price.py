"""The mechanism price, on a day of `green_world`: two plants of wind in the west, and sun in the east."""

from datetime import date

import numpy as np
import pytest

from sim.policy.mechanism_price import MechanismPrice, MechanismRules, contract, market_price
from tests.sim.green_world import JULY, SUN, WIND, facts

RULES = MechanismRules(
    existing={"WEST": 335.8, "EAST": 450.0}, new={"EAST": 380.0}, share_existing={"wind": 0.5, "solar": 1.0},
    share_new={"wind": 0.5, "solar": 0.8}, cut=date(2025, 6, 1), term_new=12)


def paid(page, rules=RULES):
    """Fen by unit that the grid company pays; negative where the plant pays."""
    found = {}
    for t in MechanismPrice().apply(JULY, page, rules):
        assert {t.payer, t.payee} == {"grid_company", "plants"}
        sign = 1 if t.payee == "plants" else -1
        found |= dict(zip(t.row.tolist(), (sign * t.amount).tolist()))
    return found


def test_old_and_new_plants_have_their_price_and_share():
    price, share = contract(facts().grid, RULES, JULY.first)
    assert (price[WIND], share[WIND]) == (335.8, 0.5)  # of 2015
    assert (price[SUN], share[SUN]) == (380.0, 0.8)  # of 2026
    assert np.flatnonzero(share).tolist() == [WIND, SUN]


def test_the_difference_to_the_months_mean_is_settled_on_the_share():
    # wind: 486.120 MWh at 200 and 300, mean 250: 243.060 x (335.80 - 250) = 20,854.548 -> 20,854.55 yuan
    # sun: 96 MWh at 400: 76.800 x (380 - 400) = -1,536 yuan, which it pays back
    assert paid(facts()) == {WIND: 2_085_455, SUN: -153_600}


def test_who_sells_in_better_hours_keeps_what_he_gains():
    # the wind blows 30.5 MW at night (200) and 10.01 by day (300): 486.120 MWh, mean 224.71: what counts is its own
    # zone's mean for all wind, so a twin that gives the same energy flat has the same difference
    page = facts()
    page.output[WIND, :12], page.output[WIND, 12:] = 30.5, 10.01
    page.grid.units.technology[0] = "wind"  # old_dam, 60 MW in every hour
    mean = (366 * 200 + 120.12 * 300 + 720 * 200 + 720 * 300) / (366 + 120.12 + 1440)
    assert market_price(page, np.array([0, WIND])) == pytest.approx([mean, mean])
    assert paid(page)[0] == round(720 * round((335.8 - round(mean, 2)) * 100, 6))


def test_only_hours_that_the_spot_settles_count():
    page = facts()
    page.settled[:12] = False
    # 243.060 MWh in the afternoon at 300: half of it x 35.80 = 4,350.774 -> 4,350.77 yuan
    assert paid(page)[WIND] == 435_077


def test_a_plant_without_price_or_share_has_none():
    assert paid(facts(), RULES.model_copy(update={"existing": {}, "new": {}})) == {}
    assert paid(facts(), RULES.model_copy(update={"share_existing": {}, "share_new": {}})) == {}
    assert paid(facts(), RULES.model_copy(update={"existing": {"NOWHERE": 300.0}, "new": {}})) == {}


def test_a_new_plants_contract_ends():
    assert contract(facts().grid, RULES, date(2037, 12, 31))[1][SUN] == 0.8
    assert contract(facts().grid, RULES, date(2038, 1, 2))[1][SUN] == 0.0
    assert contract(facts().grid, RULES, date(2038, 1, 2))[1][WIND] == 0.5


def test_calm_air_is_owed_nothing():
    page = facts()
    page.output[WIND] = 0
    assert WIND not in paid(page)


def test_a_new_plant_does_not_have_more_than_an_old_one():
    with pytest.raises(ValueError, match=r"new 460 of EAST is above existing 450"):
        MechanismRules(existing={"EAST": 450.0}, new={"EAST": 460.0}, share_existing={}, share_new={},
                       cut=date(2025, 6, 1), term_new=12)
