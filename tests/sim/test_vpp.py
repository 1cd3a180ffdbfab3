"""Splits of games with known answers, and coalitions of batteries worked by hand."""

import numpy as np
import pytest

from sim.engines.pooling import Pool
from sim.engines.records import Members
from sim.streams import Streams
from sim.vpp import VppRules, nucleolus, orders_of, parts, sampled_shapley, shapley, stability


def game(members, worth):
    """The game of a function of the set of members who are in."""
    inside = ({i for i in range(members) if coalition >> i & 1} for coalition in range(2**members))
    return np.array([float(worth(some)) for some in inside])


GLOVES = game(3, lambda s: min(len(s & {0}), len(s & {1, 2})))  # a left glove and two right ones
AIRPORT = game(3, lambda s: -max((i + 1 for i in s), default=0))  # runways for planes that need 1, 2 and 3
MAJORITY = game(3, lambda s: len(s) >= 2)
WEIGHTED = game(3, lambda s: sum((50, 49, 1)[i] for i in s) >= 51)


def bankruptcy(estate):
    """Claims of 100, 200 and 300: a coalition gets what the others' claims leave."""
    return game(3, lambda s: max(estate - sum((100, 200, 300)[i] for i in {0, 1, 2} - s), 0))


@pytest.mark.parametrize(("worth", "value"), [
    (GLOVES, [2 / 3, 1 / 6, 1 / 6]),  # of 6 orders the left glove makes the pair in 4, each right one in 1
    (AIRPORT, [-1 / 3, -5 / 6, -11 / 6]),  # 1/3; 1/3 + 1/2; 1/3 + 1/2 + 1: each part by those who need it
    (MAJORITY, [1 / 3, 1 / 3, 1 / 3]), (WEIGHTED, [2 / 3, 1 / 6, 1 / 6])])
def test_shapley_of_known_games(worth, value):
    assert shapley(worth) == pytest.approx(value)


@pytest.mark.parametrize(("worth", "value"), [
    (GLOVES, [1, 0, 0]), (MAJORITY, [1 / 3, 1 / 3, 1 / 3]),
    (AIRPORT, [-0.5, -0.75, -1.75]),  # Littlechild: 1/2; then (2 - 0.5)/2; the rest
    (bankruptcy(100), [100 / 3, 100 / 3, 100 / 3]),  # the three estates of the Talmud
    (bankruptcy(200), [50, 75, 75]), (bankruptcy(300), [50, 100, 150])])
def test_nucleolus_of_known_games(worth, value):
    assert nucleolus(worth) == pytest.approx(value, abs=1e-6)


def test_shapley_weighs_orders_in_a_bankruptcy():
    """Estate 200: the first adds 100 to {2, 3} short of nothing else: who comes last gets what is left. In the 6 orders
    the claims of 100, 200 and 300 come to 100, 250 and 250 in sum of thirds: 33.3, 83.3, 83.3."""
    assert shapley(bankruptcy(200)) == pytest.approx([100 / 3, 250 / 3, 250 / 3])


def test_who_can_gain_by_leaving_is_named():
    """Majority: thirds leave each pair 1 - 2/3. Gloves: all to the left glove is the core; Shapley's value lets 0 and 1
    gain a sixth."""
    found = stability(MAJORITY, np.full(3, 1 / 3))
    assert found.excess == pytest.approx(1 / 3)
    assert (found.coalition, found.in_core, found.rational) == (0b011, False, True)
    assert stability(GLOVES, np.array([1.0, 0, 0])).in_core
    found = stability(GLOVES, shapley(GLOVES))
    assert (found.coalition, found.in_core) == (0b011, False)
    assert found.excess == pytest.approx(1 / 6)
    assert not stability(GLOVES, np.array([1.1, 0, -0.1])).rational


def test_more_than_there_is_is_no_split():
    assert not stability(GLOVES, np.array([1.0, 1.0, 1.0])).in_core


@pytest.mark.parametrize("seed", range(6))
def test_splits_share_out_the_worth_of_all_and_dummies_get_their_own(seed):
    """Random superadditive games of five: four whose pairs help each other, and one who adds 3 to everybody."""
    rng = np.random.default_rng(seed)
    own, pair = rng.uniform(0, 5, 4), np.triu(rng.uniform(0, 4, (4, 4)), 1)

    def worth(s):
        some = sorted(s - {4})
        return own[some].sum() + pair[np.ix_(some, some)].sum() + 3 * (4 in s)
    whole = game(5, worth)
    for split in (shapley(whole), nucleolus(whole)):
        assert split.sum() == pytest.approx(whole[-1])
        assert split[4] == pytest.approx(3, abs=1e-6)
        assert stability(whole, split).rational
    assert stability(whole, nucleolus(whole)).in_core
    assert shapley(whole)[:4] == pytest.approx(own + (pair + pair.T).sum(axis=1) / 2)  # each pair's gain halved


def test_members_who_are_alike_get_alike():
    whole = game(6, lambda s: len(s) ** 2)
    assert shapley(whole) == pytest.approx(6.0)
    assert nucleolus(whole) == pytest.approx(6.0, abs=1e-6)


def test_sampling_comes_within_its_bound_of_the_exact_value():
    """400 orders of ten members, five seeds: the exact value lies in nearly all 95 % intervals, each sum is exact."""
    rng = np.random.default_rng(1)
    power = rng.uniform(1, 9, 10)
    whole = game(10, lambda s: max(power[list(s)].sum() - 15, 0) ** 1.2 if s else 0)
    exact, inside = shapley(whole), []
    for seed in range(5):
        draws = Streams(seed)["vpp/orders"].uniforms(np.arange(4000)).reshape(400, 10)
        mean, bound = sampled_shapley(lambda c: whole[c], orders_of(draws))
        assert mean.sum() == pytest.approx(whole[-1])
        inside.append(np.abs(mean - exact) <= bound)
        assert (bound < 0.15 * exact.mean()).all()
    assert np.mean(inside) >= 0.88


@pytest.mark.parametrize("bad", [np.zeros(3), np.array([1.0, 2.0]), np.zeros(0), np.zeros(1)])
def test_an_array_that_is_no_game_is_refused(bad):
    with pytest.raises((ValueError, IndexError), match="coalitions|out of"):
        shapley(bad)


def test_parts_by_contract_go_by_power_and_by_value_by_worth():
    power = np.array([6.0, 2.0, 2.0])
    assert parts(GLOVES, power, "contract") == pytest.approx([0.6, 0.2, 0.2])
    assert parts(GLOVES, power, "shapley") == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    assert parts(GLOVES, power, "nucleolus") == pytest.approx([1, 0, 0], abs=1e-7)
    assert parts(np.zeros(8), power, "shapley") == pytest.approx([0.6, 0.2, 0.2])


# ---------------------------------------------------------------------------------------------- coalitions of a day


def members(*rows):
    """(power in, power out, energy, efficiency, wear, daily) by member, powers alike in all hours."""
    columns = [np.array(column, float) for column in zip(*rows)]
    wide = np.ones(4)
    return Members(np.outer(columns[0], wide), np.outer(columns[1], wide), *columns[2:])


PRICE = np.array([100.0, 100, 300, 300])
NONE = np.zeros(4)
BATTERY = (4, 4, 8, 1.0, 10, np.inf)


def test_a_battery_earns_the_spread_less_its_wear():
    """8 MWh, half full in the morning and at night: there is room for 4 MWh at 100, which it gives at 300, its wear 10:
    4 x (300 - 100 - 10) = 760. A further MWh given would have to be bought back at 300."""
    assert Pool(members(BATTERY), PRICE, NONE, 0.25, 0, 1).worth(1) == pytest.approx(760)


def test_below_the_least_size_a_pool_earns_nothing():
    """4 MW for an hour each: two make 8, enough for 5 and for 4; alone each is enough for 4 only. Where power must last
    four hours each counts with 8 MWh / 4 h = 2 MW, and two are not enough for 5."""
    two = members(BATTERY, BATTERY)
    assert Pool(two, PRICE, NONE, 0.25, 5, 1).worths() == pytest.approx([0, 0, 0, 1520])
    assert Pool(two, PRICE, NONE, 0.25, 4, 1).worths() == pytest.approx([0, 760, 760, 1520])
    assert Pool(two, PRICE, NONE, 0.25, 5, 4).worths() == pytest.approx([0, 0, 0, 0])


def test_members_with_room_on_different_sides_regulate_together():
    """Flat prices of 100, regulation at 20. A source of 6 MW that costs 150 gives nothing: it has room above and none
    below, and a MW given to make room would lose 50. A store of 1 MW and 20 MWh holds 1 MW both ways: 1 x 20 x 4 h =
    80, no more with the source. A store that only takes 2 MW has room below and none above: nothing alone, 2 x 20 x 4 =
    160 with the source."""
    flat, pay = np.full(4, 100.0), np.full(4, 20.0)
    source, store, taker = (0, 6, 0, 1, 150, np.inf), (1, 1, 20, 1.0, 10, np.inf), (2, 0, 20, 1.0, 10, np.inf)
    assert Pool(members(source, store), flat, pay, 0.25, 0, 1).worths() == pytest.approx([0, 0, 80, 80])
    assert Pool(members(source, taker), flat, pay, 0.25, 0, 1).worths() == pytest.approx([0, 0, 0, 160])


def test_regulation_lasts_only_as_long_as_stores_do():
    """8 MW and 2 MWh, half full: 1 MWh to give lasts half an hour at 2 MW: 2 MW x 20 x 4 h = 160."""
    small = members((8, 8, 2, 1.0, 10, np.inf))
    assert Pool(small, np.full(4, 100.0), np.full(4, 20.0), 0.5, 0, 1).worth(1) == pytest.approx(160)


def test_load_that_is_shed_has_its_day_and_its_price():
    """2 MW of load sheds at 250 up to 3 MWh a day: 3 x (300 - 250) = 150."""
    assert Pool(members((0, 2, 0, 1, 250, 3)), PRICE, NONE, 0.25, 0, 1).worth(1) == pytest.approx(150)


def test_coalitions_in_gray_order_are_worth_what_each_is_alone():
    """The warm programme against one built for each coalition: every worth, to 1e-6."""
    rng = np.random.default_rng(5)
    rows = [(*rng.uniform(1, 4, 2), rng.choice([0, 6.0]), 0.9, rng.uniform(5, 60), 4.0) for _ in range(5)]
    pool = members(*rows)
    price, pay = rng.uniform(50, 400, 4), rng.uniform(0, 30, 4)
    warm = Pool(pool, price, pay, 0.25, 3, 1).worths()
    cold = [0.0, *(Pool(pool, price, pay, 0.25, 3, 1).worth(c) for c in range(1, 32))]
    assert warm == pytest.approx(cold, abs=1e-6)
    for c in range(1, 32):  # more members are never worth less
        assert all(warm[c] <= warm[c | 1 << i] + 1e-6 for i in range(5))


def test_rules_say_what_is_wrong():
    with pytest.raises(ValueError, match="split"):
        VppRules(least=5, lasting=1, aggregator_share=0.3, split="luck", passed_on=1)
