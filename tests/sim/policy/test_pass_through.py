"""High-cost generation, on a day of `green_world`: 30 MW of coal at 200 and 300 in a province of dams."""

from types import SimpleNamespace

import numpy as np
import pytest

from sim.policy.pass_through import PassThrough, PassThroughRules, weights
from tests.sim.green_world import COAL, HOMES, JULY, METAL, SMELTER, SUN, facts

RULES = PassThroughRules(approved={"WEST": {"coal": 335.8}}, allocation="uniform")


def paid(page, rules=RULES):
    """Fen by party: received less paid."""
    found = {}
    for t in PassThrough().apply(JULY, page, rules):
        assert t.bill == "high-cost generation"
        sign, account = (1, t.payee) if t.payer == "grid_company" else (-1, t.payer)
        row = t.row + (len(page.grid.units) if account == "users" else 0)
        found |= dict(zip(row.tolist(), (sign * t.amount).tolist()))
    return found


def test_coal_is_paid_what_the_market_lacks_and_all_users_of_the_zone_share_it():
    # 720 MWh x 335.80 - 360 x 200 - 360 x 300 = 61,776 yuan, over 240 : 960 : 480 of 1680 MWh
    # = 8,825.142857.., 35,300.571428.., 17,650.285714..: the odd fen to the largest remainder
    assert paid(facts()) == {COAL: 6_177_600, SMELTER: -882_514, METAL: -3_530_057, HOMES: -1_765_029}
    # remainders: .2857, .1429, .5714 of a fen


def test_the_budget_closes_to_the_fen():
    for scale in (0.001, 0.37, 1.0, 3.3):
        found = paid(facts(scale=scale))
        assert found[COAL] > 0
        assert sum(found.values()) == 0


def test_by_the_load_curve_who_uses_when_coal_runs_pays():
    page = facts()
    page.output[COAL, :12] = 0  # it runs in the afternoon only, at 300
    page.consumption[0] = np.where(np.arange(24) < 12, 80.0, 0.0)  # metal uses in the morning, all of its 960 MWh
    found = paid(page, RULES.model_copy(update={"allocation": "load_curve"}))
    # 360 x 35.80 = 12,888 yuan over 10 : 20 of 30 MW
    assert found == {COAL: 1_288_800, SMELTER: -429_600, HOMES: -859_200}
    assert METAL in paid(page)  # uniformly it pays too


def test_both_allocations_agree_where_all_curves_are_flat():
    by_curve = paid(facts(), RULES.model_copy(update={"allocation": "load_curve"}))
    assert by_curve == paid(facts())


def test_what_the_market_pays_beyond_the_cost_is_not_taken():
    page = facts()
    page.price[0] = 400.0
    assert paid(page) == {}
    page.price[0, :12] = 100.0  # 360 x 100 + 360 x 400 = 180,000 of 241,776
    assert paid(page)[COAL] == 6_177_600


def test_a_contract_counts_as_what_the_market_pays():
    # 20 MW sold at 260 against the west's own price: 240 x (260 - 200) + 240 x (260 - 300) = 4,800 yuan
    page = facts()
    sold, value = np.zeros((2, len(page.party_bus), 24))
    sold[COAL], value[COAL] = 20.0, 20.0 * 260.0
    page.positions.books["contracts", 0] = SimpleNamespace(reference=0, sold=sold, value=value)
    assert paid(page)[COAL] == 6_177_600 - 480_000


def test_a_contract_settles_against_the_day_ahead_price_where_there_is_one():
    page = facts()
    page.ahead = SimpleNamespace(hours=np.ones(24, bool), price=np.full((2, 24), 240.0))
    sold, value = np.zeros((2, len(page.party_bus), 24))
    sold[COAL], value[COAL] = 20.0, 20.0 * 260.0
    page.positions.books["contracts", 0] = SimpleNamespace(reference=0, sold=sold, value=value)
    assert paid(page)[COAL] == 6_177_600 - 480 * 20 * 100  # 480 MWh x (260 - 240)


def test_hours_that_the_spot_does_not_settle_have_no_market_to_make_good():
    page = facts()
    page.settled[12:] = False
    assert paid(page)[COAL] == 360 * 13_580  # 335.80 - 200


def test_zones_and_technologies_without_a_cost_pass_nothing_through():
    assert paid(facts(), RULES.model_copy(update={"approved": {}})) == {}
    assert paid(facts(), RULES.model_copy(update={"approved": {"EAST": {"coal": 500.0}}})) == {}
    assert SUN not in paid(facts(), RULES.model_copy(update={"approved": {"EAST": {"coal": 500.0}, "WEST": {}}}))


def test_a_higher_cost_never_lowers_what_anybody_pays():
    steps = [paid(facts(), RULES.model_copy(update={"approved": {"WEST": {"coal": cost}}}))
             for cost in (240.0, 300.0, 335.8, 400.0)]
    assert steps[0] == {}
    for low, high in zip(steps[1:], steps[2:]):
        assert high[COAL] > low[COAL]
        assert all(high[user] <= low[user] for user in (SMELTER, METAL, HOMES))


def test_nobody_there_nobody_is_owed():
    page = facts()
    page.consumption[:2] = 0
    page.output[SMELTER] = 0
    assert paid(page) == {}


def test_weights_of_an_hour_share_what_ran_in_it():
    # hour 1: 6 MW by 2 : 1; hour 2: 3 MW by 0 : 5
    found = weights(np.array([[2.0, 0.0], [1.0, 5.0]]), np.array([6.0, 3.0]), "load_curve")
    assert found == pytest.approx([4.0, 2.0 + 3.0])
