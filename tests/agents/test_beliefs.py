"""Beliefs: water values against arithmetic, against brute force, and the way they must lean."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import mesa
import numpy as np
import pytest

from agents.beliefs import (
    LEVELS,
    Inflow,
    Water,
    WaterValues,
    expected_others,
    expected_output,
    normal_year,
    opening_levels,
    rouwenhorst,
    settle,
    shared_wetness,
    water_beliefs,
    water_values,
)
from agents.users import Users
from sim.calendar import Calendar
from sim.config import read_world
from sim.network.ground import Ground
from sim.schema import schema
from sim.streams import Streams

WORLDS = Path(__file__).parents[2] / "configs" / "worlds"
CERTAIN = Inflow(np.ones((1, 1)), np.ones((1, 1)), np.ones(1))


def two_stages(full=30.0, inflow=(100.0, 0.0), most=1000.0, least=0.0, reserve=0.0, chain=CERTAIN):
    """A wet and a dry day that follow one another for ever, one basin; the price of g MWh is 300 - 2 g, 0 from 150."""
    states = chain.multiple.shape[1]
    water = Water(
        days=np.ones(2), full=np.array([full]), normal=np.array(inflow)[:, None], most=np.full((2, 1), most),
        least=np.full((2, 1), least), runoff=np.zeros((2, 1)), inflow=chain, correlation=np.ones((1, 1)),
        energy=np.tile([0.0, 150.0, 1000.0], (2, 1)), price=np.tile([300.0, 0.0, 0.0], (2, 1)),
        reserve=np.array([np.zeros(LEVELS), np.full(LEVELS, reserve)]))
    none = np.zeros((2, 1, states))
    value, later, ends = settle(water, none, np.full((2, 1, LEVELS, states), 100.0))
    return water, value[:, 0], later[:, 0], ends[:, 0]


STORE = np.linspace(0, 1, LEVELS)


def test_a_store_that_is_large_enough_makes_both_seasons_prices_one():
    # 100 MWh for two days: 50 each, price 300 - 2 x 50 = 200, whatever the season
    _, value, _, ends = two_stages(full=60)
    assert value[0, 0, 0] == pytest.approx(200, abs=0.1)
    assert ends[0, 0, 0] == pytest.approx(50, abs=0.05)
    assert value[1, 25, 0] == pytest.approx(200, abs=0.1)  # 50 MWh stand at 25/30 of 60


def test_a_full_store_parts_the_seasons_prices():
    # at most 30 MWh go over: wet 70 + s at 300 - 140 - 2 s, dry what is stored at 300 - 2 s
    _, value, _, ends = two_stages(full=30)
    assert value[0, :, 0] == pytest.approx(160 - 2 * 30 * STORE, abs=0.1)
    assert value[1, :, 0] == pytest.approx(300 - 2 * 30 * STORE, abs=0.1)
    assert ends[0, :, 0] == pytest.approx(30)
    assert ends[1, :, 0] == pytest.approx(0)


def test_water_that_will_be_spilled_is_worth_nothing():
    # turbines take 60, the store 30, the wet day brings 100
    _, value, _, _ = two_stages(full=30, most=60)
    assert value[0, :, 0] == pytest.approx(0)
    assert value[1, 0, 0] == pytest.approx(300, abs=0.1)


def test_turbines_at_their_most_leave_water_its_later_value():
    # wet: 20 run, of 40 at hand 20 are kept; dry: 20 run again, price 260 at both, a MWh more is kept and run dry
    _, value, later, ends = two_stages(full=60, inflow=(40.0, 0.0), most=20)
    assert ends[0, 0, 0] == pytest.approx(20)
    assert value[0, 0, 0] == pytest.approx(later[0, 10, 0], abs=0.1)  # 20 MWh stand at 10/30 of 60


def test_the_minimum_flow_runs_even_when_it_would_pay_to_wait():
    # 10 MWh on the dry day only: half of it would be kept for the wet day, were it not for the least flow of 8
    _, _, _, free = two_stages(full=30, inflow=(0.0, 10.0))
    _, value, later, bound = two_stages(full=30, inflow=(0.0, 10.0), least=8)
    assert free[1, 0, 0] == pytest.approx(5, abs=0.05)
    assert bound[1, 0, 0] == pytest.approx(2)
    assert value[1, 0, 0] == pytest.approx(later[1, 2, 0], abs=0.1)  # 2 MWh stand at 2/30 of 30


def test_a_carry_over_is_kept_while_its_worth_is_above_the_price():
    # after the dry day a MWh is worth 280 at least: dry output falls to 10, where 300 - 2 x 10 = 280, the rest is kept
    _, value, _, ends = two_stages(full=30, reserve=280.0)
    assert ends[1, -1, 0] == pytest.approx(20, abs=0.05)
    assert value[1, -1, 0] == pytest.approx(280, abs=0.1)


def test_values_meet_brute_force_when_inflow_is_uncertain():
    """Value iteration on the sums themselves, every end level tried, against the marginal programme."""
    chain = Inflow(np.array([[0.6, 1.4]]), np.array([[0.7, 0.3], [0.3, 0.7]]), np.array([0.5, 0.5]))
    inflow = np.array([90.0, 20.0])
    water, value, _, ends = two_stages(full=60, inflow=tuple(inflow), chain=chain)
    grid = np.linspace(0, 60, 601)

    def gain(use):  # area under 300 - 2 g up to 150
        use = np.minimum(use, 150)
        return 300 * use - use ** 2

    total = np.zeros((2, 601, 2))
    for _ in range(60):
        for stage in (1, 0):
            kept = total[(stage + 1) % 2] @ chain.chance.T  # [end, state]
            for state in range(2):
                use = grid[:, None] + inflow[stage] * chain.multiple[0, state] - grid[None, :]
                tried = np.where(use >= 0, gain(np.maximum(use, 0)) + kept[None, :, state], -np.inf)
                total[stage, :, state] = tried.max(axis=1)
        total -= total[0, 0, 0]
    slope = np.gradient(total, 0.1, axis=1)[:, ::20]  # at the 31 levels
    assert value[:, 1:-1] == pytest.approx(slope[:, 1:-1], abs=1.5)
    assert 0 < ends[0].min() < ends[0].max()  # the store is used, so the comparison says something


def test_dearer_competition_makes_water_dearer_in_every_state():
    chain = Inflow(np.array([[0.6, 1.4]]), np.array([[0.7, 0.3], [0.3, 0.7]]), np.array([0.5, 0.5]))
    water, value, _, _ = two_stages(full=60, inflow=(90.0, 20.0), chain=chain)
    dearer, _, _ = settle(replace(water, price=water.price + [20.0, 20.0, 0.0]), np.zeros((2, 1, 2)), value[:, None])
    assert np.all(dearer[:, 0] >= value - 0.05)
    assert (dearer[:, 0] - value).max() == pytest.approx(20, abs=0.5)


def test_the_chain_keeps_the_stated_share_of_an_anomaly():
    chance = rouwenhorst(0.6, 5)
    states = np.linspace(-1, 1, 5)
    assert chance.sum(axis=1) == pytest.approx(1)
    assert chance @ states == pytest.approx(0.6 * states)
    # two states: stay with (1 + 0.6) / 2
    assert rouwenhorst(0.6, 2).tolist() == [pytest.approx([0.8, 0.2]), pytest.approx([0.2, 0.8])]


def test_a_months_inflow_is_the_mean_of_its_days():
    """Variance and persistence of 30-day means of an AR(1), here from the 60 x 60 correlations of its days."""
    lag = 0.97 ** np.abs(np.subtract.outer(np.arange(61), np.arange(61)))
    first, second = np.zeros(61), np.zeros(61)
    first[:30], first[30] = 1, 5 / 12  # a month of 30 5/12 days
    second[31:], second[30] = 1, 7 / 12
    first, second = first / first.sum(), second[::-1][::-1] / second.sum()
    found = Inflow.of(np.array([0.2, 0.0]), 0.97)
    log = np.log(found.multiple[0])
    variance = found.usual @ (log - found.usual @ log) ** 2
    assert variance == pytest.approx(np.log1p(0.04) * (first @ lag @ first), rel=0.01)
    kept = (found.chance[-1] @ log - found.usual @ log) / (log[-1] - found.usual @ log)
    assert kept == pytest.approx((first @ lag @ second) / (first @ lag @ first), rel=0.02)
    assert found.multiple @ found.usual == pytest.approx([1, 1])
    assert found.multiple[1] == pytest.approx(1)  # no spread, no states


def test_an_index_lies_between_the_states_around_it():
    found = Inflow(np.array([[0.5, 1.0, 2.0], [0.8, 1.0, 1.2]]), np.eye(3), np.ones(3) / 3)
    position = found.state(np.array([0, 0, 1, 1]), np.array([1.5, 9.0, 0.9, 0.1]))
    assert position.tolist() == pytest.approx([1.5, 2, 0.5, 0])


def test_what_is_expected_of_others_follows_their_correlation():
    water, *_ = two_stages(chain=Inflow(np.array([[0.5, 1.0, 1.5]]), np.eye(3), np.ones(3) / 3))
    chain = replace(water.inflow, multiple=np.tile([0.5, 1.0, 1.5], (2, 1)))
    pair = replace(water, correlation=np.array([[1.0, 0.5], [0.5, 1.0]]), full=np.array([30.0, 30.0]),
                   runoff=np.array([[0.0, 8.0]] * 2), inflow=chain)
    output = np.tile(np.array([[10.0, 20.0, 30.0], [40.0, 60.0, 100.0]]), (2, 1, 1))
    seen = expected_others(pair, output)[0]
    # the second basin's run of river swings by 8 x -0.5, 0, +0.5; from the first half of each swing is expected
    assert seen[0].tolist() == pytest.approx([(36 + 60) / 2, 60, (60 + 104) / 2])
    assert seen[1].tolist() == pytest.approx([15 - 4, 20, 25 + 4])


def test_expected_output_is_the_inflow_when_nothing_is_spilled():
    water, _, _, ends = two_stages(full=60)
    output, crowd = expected_output(water, ends[:, None])
    assert output[:, 0, 0].tolist() == pytest.approx([50, 50], abs=0.1)
    assert crowd.sum() == pytest.approx(1)


def test_a_value_is_a_straight_line_through_the_month():
    water, value, later, _ = two_stages(full=30)
    year = WaterValues(water, np.full((12, 1, LEVELS, 2), 100.0), np.full((12, 1, LEVELS, 2), 200.0), None)
    year = replace(year, water=replace(water, inflow=Inflow(np.array([[0.5, 1.5]]), np.eye(2), np.ones(2) / 2)))
    year.value[3, 0, :, 1] = 140.0
    one = np.array([0]), np.array([0.4])
    # 1 April: halfway between the states 100 and 140; 16 April: 15 of 30 days on the way to 200
    assert year.at(date(2025, 4, 1), *one, np.array([1.0])) == pytest.approx([120])
    assert year.at(date(2025, 4, 16), *one, np.array([1.0])) == pytest.approx([160])


# ------------------------------------------------------------------------------------------------ in the bundled worlds


def believe(name):
    """Ground, grid and typical year of a world as the model makes them, without riders."""
    world = read_world(WORLDS / name, schema())
    ground = Ground(world, Streams(1), 2025)
    grid = ground.grid(date(2025, 1, 1))
    users = Users(mesa.Model(), grid=grid, demand=world["demand"], years=world["demand_years"],
                  classes=world["user_classes"], splits=world["load_split"], smelters=world["smelters"],
                  build_out=world["build_out"], climate=world["climate"], profiles=ground.profiles,
                  trading=world.settings.contracts)
    days = [Calendar(when := date(2025, month, 14), when).turn() for month in range(1, 13)]
    typical = [ground.conditions(day, weather := ground.typical(day), users.by_bus(users.consume(day, weather)), grid,
                                 np.full(len(grid.units), np.nan)) for day in days]
    return ground, grid, typical


@pytest.fixture(scope="module", params=["toy", "yunnan"])
def world(request):
    ground, grid, typical = believe(request.param)
    return ground, grid, typical, water_beliefs(ground, grid, typical, -50.0, 1500.0)


def test_values_fall_with_stored_energy(world):
    *_, values = world
    assert np.all(np.diff(values.value, axis=2) <= 0.01)
    assert np.all(np.diff(values.later, axis=2) <= 0.01)


def test_more_inflow_never_raises_a_value(world):
    *_, values = world
    assert np.all(np.diff(values.value, axis=3) <= 0.01)
    wetter = replace(values.water, normal=values.water.normal * 1.2)
    assert (water_values(wetter).value - values.value).mean() < -5


def test_water_is_scarcer_before_the_rains_than_in_them(world):
    *_, values = world
    middle, usual = LEVELS // 2, values.value.shape[3] // 2
    assert values.value[1, 0, middle, usual] > values.value[7, 0, middle, usual] + 10


def test_values_lie_between_nothing_and_the_dearest_plant(world):
    *_, values = world
    assert values.value.min() >= 0
    assert values.value.max() <= max(values.water.price.max(), values.water.reserve.max())


def test_a_world_is_planned_once(world):
    ground, grid, typical, values = world
    assert water_beliefs(ground, grid, typical, -50.0, 1500.0) is values
    assert water_beliefs(ground, grid, typical, -50.0, 1400.0) is not values


def test_opening_levels_are_a_year_that_ends_as_it_began(world):
    ground, _, _, values = world
    path = normal_year(values)
    assert np.all(path >= 0)
    assert np.all(path <= ground.rivers.full)
    january, mid, february = (opening_levels(values, ground.rivers, when)
                              for when in (date(2025, 1, 1), date(2025, 1, 16), date(2025, 2, 1)))
    assert (january * ground.rivers.chain).sum() == pytest.approx(path[0].sum())
    assert mid == pytest.approx(january + 15 / 31 * (february - january))
    share = january / ground.rivers.active  # equally full within a basin
    assert all(np.ptp(share[ground.rivers.basin == basin]) < 1e-12 for basin in set(ground.rivers.basin))


def test_planners_find_their_carry_over_on_the_first_of_june(world):
    ground, _, _, values = world
    held = normal_year(values)[5].sum() / ground.rivers.full.sum()
    assert held >= ground.world.settings.water.carry_over - 1 / LEVELS


def test_wetness_is_shared_as_the_weather_has_it():
    ground, _, _ = believe("yunnan")
    found = shared_wetness(ground.rivers.basins, ground.world["weather_pairs"], ground.world.settings.weather)
    at = {key: i for i, key in enumerate(ground.rivers.basins["key"])}
    assert found[at["lancang"], at["jinsha_mid"]] == 0.7
    assert found[at["jinsha_low"], at["jinsha_mid"]] == 0.8
    assert found[at["lancang"], at["small"]] == 0.6
    assert np.array_equal(found, found.T)
    assert np.all(np.diag(found) == 1)
