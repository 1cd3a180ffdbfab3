"""Bidding strategies one by one: what they add, what they learn, on figures worked by hand."""

from datetime import date
from types import SimpleNamespace

import mesa
import numpy as np
import pytest

from agents.beliefs import WaterValues
from agents.bidding import (
    BestResponse,
    Contract,
    Heard,
    Propensities,
    QLearning,
    RothErev,
    Stand,
    best_markups,
    player,
    profit,
    rising,
)
from agents.desks import Desk, Desks
from agents.generator import Generator, OwnWater
from sim.calendar import Calendar
from sim.config import strategies as told
from sim.messages import Award
from sim.network.grid import PLANT, Units
from sim.streams import Streams

DAYS = [Calendar(date(2025, 7, 1), date(2026, 6, 30)).day(i) for i in range(365)]
STREAM = Streams(5)["bidding/x"]
FLAT = np.ones(24)


def stand(day=0, cost=(100.0,), able=(50.0,), least=(0.0,), cover=0.0, need=80.0, tightness=0.5) -> Stand:
    """A company's plants, the same all day."""
    column = lambda values: np.repeat(np.array(values, float)[:, None], 24, axis=1)  # noqa: E731
    return Stand(DAYS[day], np.array(cost), column(least), column(able), cover * FLAT, need * FLAT, tightness * FLAT)


def heard(output, price, later=0.0) -> Heard:
    """One plant's output and the price, the same all day."""
    price = price * FLAT
    return Heard((output * FLAT)[None], price[None], price, later * FLAT)


def test_profit_is_output_times_margin_and_the_contracts_difference():
    # 40 MW x (150 - 100), on 30 MW sold at 10 above the market 300, and 25 in real time
    earned = profit(stand(cover=30), heard(40, 150, later=25), 10 * FLAT)
    np.testing.assert_allclose(earned, 2325)


def test_a_contract_is_worth_the_mean_price_heard():
    contract = Contract()
    np.testing.assert_allclose(contract.difference(100 * FLAT), 0)
    np.testing.assert_allclose(contract.difference(200 * FLAT), -50)  # mean of 100 and 200, less 200


def test_values_that_fall_are_pooled():
    assert rising(np.array([1.0, 3.0, 2.0, 4.0])).tolist() == [1, 2.5, 2.5, 4]
    assert rising(np.array([5.0, 3.0, 1.0])).tolist() == [3, 3, 3]


# ------------------------------------------------------------------------------------------------------- reinforcement


def learner(**rules) -> Propensities:
    return Propensities(**dict(choices=3, forgetting=0.1, experiment=0.2, strength=9.0, temperature=0.0) | rules)


def test_reinforcement_is_the_published_rule():
    # the first profit of 10 sets all to 9 x 10 / 3 = 30; then 0.9 x 30 + 10 x 0.8 = 35 and 0.9 x 30 + 30 x 0.2 / 2 = 30
    one = learner()
    one.reward(1, 10.0)
    assert one.propensity == pytest.approx([30, 35, 30])
    assert one.chances() == pytest.approx(np.array([30, 35, 30]) / 95)
    # nothing earned with choice 0: 0.9 x 30; others 0.9 x 35 + 35 x 0.1 = 35 and 30
    one.reward(0, -7.0)
    assert one.propensity == pytest.approx([27, 35, 30])


def test_a_draw_picks_by_the_chances():
    one = learner()
    assert [one.choose(u) for u in (0.1, 0.5, 0.9)] == [0, 1, 2]  # all alike before anything was earned
    one.propensity = np.array([1.0, 0.0, 3.0])
    assert [one.choose(u) for u in (0.24, 0.26, 0.999999)] == [0, 2, 2]


def test_a_low_temperature_follows_the_best():
    cold, warm = learner(temperature=0.05), learner(temperature=5.0)
    cold.propensity = warm.propensity = np.array([30.0, 35.0, 30.0])
    assert cold.chances()[1] > 0.9
    assert warm.chances()[1] == pytest.approx(1 / 3, abs=0.02)


def test_roth_erev_adds_one_markup_all_day_and_the_same_if_asked_again():
    played = told.RothErev(choices=11, most=1.0)
    one = RothErev(played, STREAM, 2)
    added = [one.markup(stand(day)) for day in range(20)]
    assert all((day == day[0]).all() and day[0] in one.menu for day in added)
    assert len({day[0] for day in added}) > 5
    assert [day[0] for day in added] == [RothErev(played, STREAM, 2).markup(stand(day))[0] for day in range(20)]
    assert [day[0] for day in added] != [RothErev(played, STREAM, 3).markup(stand(day))[0] for day in range(20)]


def lived(strategy, days=62):
    """Days in which 50 MW are sold at the company's own offer up to a markup of 0.6, and nothing above it."""
    for day in range(days):
        now = stand(day)
        markup = strategy.markup(now)
        price = 100 * (1 + markup)
        strategy.hear(now, heard(np.where(markup <= 0.61, 50.0, 0.0), price))
    return strategy


def test_roth_erev_learns_where_it_earns_most():
    """Of 0, 0.2 ... 1.0 the best is 0.6; after two months it has the largest propensity in eight of ten streams or
    more, and never has what earns nothing."""
    played = told.RothErev(choices=6)
    after = [lived(RothErev(played, Streams(seed)["bidding/x"], 0)).propensities for seed in range(10)]
    best = [propensities.propensity.argmax() for propensities in after]
    assert best.count(3) >= 8
    assert not {4, 5} & set(best)


def test_q_learning_finds_the_best_markup_of_each_state():
    one = lived(QLearning(told.QLearning(choices=6, levels=1, explore_first=1.0, cooling=20), STREAM, 0))
    wet = one.worth[1]
    assert wet.argmax() == 3
    assert np.isnan(one.worth[0]).all()  # the dry season was never seen


def test_q_learning_learns_as_watkins_says():
    # 50 MW at 150, cost 100, able to give 50: 50 a MW. At first sight all of a state is worth 50 / (1 - 0.5) = 100
    one = QLearning(told.QLearning(choices=3, levels=1, rate=0.5, discount=0.5, explore_first=0.0, explore_last=0.0),
                    STREAM, 0)
    one.hear(stand(0), heard(50, 150))
    assert one.worth[1] == pytest.approx([100, 100, 100])
    # then nothing is earned by the choice of all hours, 0; but others still promise 100: the first hour moves it to
    # 100 + 0.5 x (0 + 0.5 x 100 - 100) = 75, from then on choice 1 is what the state is worth
    one.hear(stand(1), heard(0, 150))
    assert one.worth[1, 1:] == pytest.approx([100, 100])
    assert one.worth[1, 0] == pytest.approx(50, abs=0.01)


def test_tightness_is_judged_by_the_days_before():
    one = QLearning(told.QLearning(levels=3), STREAM, 0)
    ramp = Stand(DAYS[0], *(getattr(stand(), f) for f in ("cost", "least", "able", "cover", "need")),
                 tightness=np.linspace(0, 1, 24))
    states = one._states(ramp)
    assert [np.count_nonzero(states == s) for s in (3, 4, 5)] == [8, 8, 8]  # the wet season's three levels


# ------------------------------------------------------------------------------------------------------- best response


CURVE = np.array([100.0, 200.0]), np.array([0.0, 80.0])  # others give nothing at 100, 80 MW at 200


def test_the_best_markup_weighs_price_against_quantity():
    # need 80: sold at p are 80 - 0.8 (p - 100), margin p - 100: best in the middle, p = 150, a markup of a half
    best = best_markups(np.linspace(0, 1, 101), stand(able=(100.0,)), CURVE, 0.0)
    np.testing.assert_allclose(best, 0.5)


def test_own_output_without_cost_raises_it_and_cover_lowers_it():
    # 40 MW of sun gain from every yuan: (p - 100)(80 - 0.8 (p - 100)) + 40 p, at p = 175
    menu = np.linspace(0, 1, 101)
    sunny = stand(cost=(100.0, 0.0), able=(100.0, 40.0), least=(0.0, 0.0))
    np.testing.assert_allclose(best_markups(menu, sunny, CURVE, 0.0), 0.75)
    np.testing.assert_allclose(best_markups(menu, stand(able=(100.0,), cover=40.0), CURVE, 0.0), 0.25)


def test_who_cannot_reach_the_margin_adds_nothing():
    # 10 MW of need 80: others give 70 at 187.5 whatever the company adds below that, and nothing is gained by adding
    np.testing.assert_allclose(best_markups(np.linspace(0, 0.8, 9), stand(able=(10.0,)), CURVE, 0.0), 0)


def test_more_cover_never_raises_the_best_markup():
    """A hundred companies and curves; the gain from a dearer hour falls with the energy sold ahead."""
    rng, menu, fell = np.random.default_rng(3), np.linspace(0, 1, 41), 0
    for _ in range(100):
        plants = rng.integers(1, 5)
        cost, able = rng.uniform(50, 400, plants), rng.uniform(10, 100, plants)
        curve = np.sort(rng.uniform(0, 600, 30)), rising(np.sort(rng.uniform(0, 400, 30)) + rng.normal(0, 20, 30))
        need = rng.uniform(100, 600)
        added = [best_markups(menu, stand(cost=cost, able=able, least=0.3 * able, cover=share * able.sum(), need=need),
                              curve, 0.05)[0] for share in (0.0, 0.3, 0.6, 0.9)]
        assert all(later <= earlier for earlier, later in zip(added, added[1:]))
        fell += added[-1] < added[0]
    assert fell > 20


def test_best_response_offers_at_cost_until_it_has_seen_a_price():
    one = BestResponse(told.BestResponse(), STREAM, 0)
    np.testing.assert_allclose(one.markup(stand()), 0)
    one.hear(stand(), heard(50, np.linspace(100, 200, 24)))
    assert one.markup(stand(1)).max() > 0


def test_a_company_without_costly_plants_adds_nothing():
    np.testing.assert_allclose(best_markups(np.linspace(0, 1, 5), stand(cost=(0.0,)), CURVE, 0.0), 0)


@pytest.mark.parametrize("kind", told.KINDS)
def test_every_kind_there_is_can_be_played(kind):
    played = told.KINDS[kind](**({"ratio": 0.25} if kind == "markup" else {}))
    added = player(played, STREAM, 0).markup(stand())
    assert added.shape == (24,)
    assert (added >= 0).all()
    if kind in ("cost", "markup"):
        np.testing.assert_allclose(added, {"cost": 0, "markup": 0.25}[kind])


# ------------------------------------------------------------------------------------------------- desks of a company


class Listener:
    """A strategy that adds a half and keeps what it is told."""

    def __init__(self):
        self.stands, self.heard = [], []

    def markup(self, stand):
        self.stands.append(stand)
        return np.full(24, 0.5)

    def hear(self, *told):
        self.heard.append(told)


@pytest.fixture
def company():
    """Coal at 290 with 0.1 of its own and sun in the west, coal at 300 in the east; a desk in the west only."""
    units = Units.make(["coal", "sun", "far", "other"], PLANT, [0, 0, 1, 0], "x", ["coal", "solar", "coal", "wind"],
                       [100, 50, 100, 30], cost=[290.0, 0.0, 300.0, 0.0])
    grid = SimpleNamespace(units=units, bus_zone=np.array([0, 1]), zone=("W", "E"), line_from=np.zeros(0, int),
                           line_to=np.zeros(0, int), line_capacity=np.zeros(0), link_from=np.array([1]),
                           link_to=np.array([0]), link_capacity=np.array([20.0]), link_reverse=np.zeros(1))
    able = np.repeat(np.array([[100.0], [50.0], [100.0], [30.0]]), 24, axis=1)
    conditions = SimpleNamespace(available=able, minimum=0.3 * able, load=np.repeat([[150.0], [70.0]], 24, axis=1),
                                 link_share=np.ones((1, 24)))
    rules = SimpleNamespace(engine="day", band=0.1, offer_floor=0.0, settles=lambda day: True)
    scene = SimpleNamespace(now=DAYS[0], rhythm="day-ahead", conditions=conditions, grid=grid, positions=None,
                            rules=rules)
    water = OwnWater(*np.zeros((5, 0)))
    listener = Listener()
    desks = Desks(np.array([0, 1, 2]), np.array([0, 0, 1]), (Desk(0, np.array([0, 1]), listener),))
    generator = Generator(mesa.Model(), "x", [0, 1, 2], [290, 0, 300], [0.1, 0, 0], [], water, WaterValues, 0.5, desks)
    return generator, scene, listener


SPOT = SimpleNamespace(key="spot")


def test_the_strategys_markup_comes_on_top_of_the_plants_own_where_it_is_played(company):
    generator, scene, _ = company
    orders = generator.orders(SPOT, scene)
    price = dict(zip(orders.unit.tolist(), orders.price[:, 0].tolist()))
    assert price == {0: pytest.approx(290 * 1.6), 1: 0, 2: pytest.approx(300)}


def test_a_desk_knows_its_plants_and_what_everybody_knows(company):
    generator, scene, listener = company
    generator.orders(SPOT, scene)
    now = listener.stands[0]
    assert now.cost.tolist() == [290, 0]
    assert now.need[0] == 150 - 50 - 30  # less sun and the other's wind
    assert now.tightness[0] == pytest.approx(150 / (100 + 50 + 30 + 20))
    assert (now.free[0], now.cover[0], now.least[0, 0]) == (50, 0, 30)


def test_a_desk_counts_what_its_own_plants_sold_ahead(company):
    generator, scene, listener = company
    scene.positions = SimpleNamespace(sold=np.repeat(np.array([[40.0], [5.0], [999.0], [999.0]]), 24, axis=1))
    generator.orders(SPOT, scene)
    assert listener.stands[0].cover[0] == 45


def award(rhythm, output, price, market="spot") -> Award:
    """Of all three plants; the price at the two buses, all day alike."""
    wide = [np.repeat(np.array(values, float)[:, None], 24, axis=1) for values in (output, price)]
    return Award(market, rhythm, DAYS[0], np.array([0, 1, 2]), None, None, None, wide[0], None, wide[1])


def test_a_desk_hears_of_the_day_when_it_is_over(company):
    generator, scene, listener = company
    generator.orders(SPOT, scene)
    generator.hear(award("month", [1, 1, 1], [1, 1], market="green"))
    generator.hear(award("real-time", [60, 40, 70], [310, 280]))
    [(now, told_of)] = listener.heard
    assert now is listener.stands[0]
    assert told_of.output[:, 0].tolist() == [60, 40]
    assert told_of.price[:, 0].tolist() == [310, 310]
    np.testing.assert_allclose(told_of.zone_price, 310)
    np.testing.assert_allclose(told_of.later, 0)


def test_where_the_day_ahead_settles_a_desk_learns_of_it_and_of_what_it_left(company):
    generator, scene, listener = company
    generator.orders(SPOT, scene)
    generator.hear(award("day-ahead", [60, 40, 70], [310, 280]))
    assert not listener.heard
    scene.rhythm, scene.conditions.energy = "real-time", np.full(4, np.inf)
    orders = generator.orders(SPOT, scene)
    assert orders.price[orders.of([0]), 0].tolist() == pytest.approx([290 * 1.6])  # as it was offered the day before
    generator.hear(award("real-time", [70, 35, 90], [330, 280]))
    [(_, told_of)] = listener.heard
    assert len(listener.stands) == 1
    assert told_of.output[:, 0].tolist() == [60, 40]
    np.testing.assert_allclose(told_of.zone_price, 310)
    np.testing.assert_allclose(told_of.later, 10 * (330 - 290) - 5 * 330)  # 10 MW more coal, 5 MW less sun


def test_on_days_that_the_spot_does_not_settle_desks_are_silent(company):
    generator, scene, listener = company
    scene.rules.settles = lambda day: False
    orders = generator.orders(SPOT, scene)
    assert orders.price[orders.of([0]), 0].tolist() == pytest.approx([290 * 1.1])
    generator.hear(award("real-time", [60, 40, 70], [310, 280]))
    assert not listener.stands
    assert not listener.heard
