"""Generation companies: everything is offered, at cost or at what the water is worth."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import mesa
import numpy as np
import pytest

from agents.beliefs import LEVELS, Inflow, WaterValues
from agents.desks import Desks
from agents.generator import Generator, OwnWater, by_price, companies, steps
from sim.calendar import Calendar
from sim.config import load, read_world
from sim.network.grid import PLANT
from sim.network.ground import Ground
from sim.schema import schema
from sim.streams import Streams

TOY = Path(__file__).parents[2] / "configs" / "worlds" / "toy"
SPOT, WHOLE_DAYS = SimpleNamespace(key="spot"), SimpleNamespace(engine="day")
DAY = Calendar(date(2025, 4, 1), date(2025, 4, 30)).day(0)
# value = 300 - 200 x level in every month, basin and state
LINE = np.broadcast_to((300 - 200 * np.linspace(0, 1, LEVELS))[None, None, :, None], (12, 2, LEVELS, 2))
CHAIN = Inflow(np.tile([0.5, 1.5], (2, 1)), np.eye(2), np.ones(2) / 2)
VALUES = WaterValues(SimpleNamespace(inflow=CHAIN), LINE, LINE, LINE)


def megawatts(*rows):
    """Constant power, MW [row, hour]."""
    return np.repeat(np.array(rows, float)[:, None], 24, axis=1)


def scene(available, water=(0.0, 0.0), inflow=(0.0, 0.0), stored=(0.0, 0.0)):
    conditions = SimpleNamespace(available=available, water=np.array(water), inflow=np.array(inflow))
    public = SimpleNamespace(stored_water=np.array(stored), inflow_index=np.ones(2))
    return SimpleNamespace(now=DAY, rhythm="day-ahead", conditions=conditions, public=public, rules=WHOLE_DAYS)


def company(own_level=0.5, markup=(0.0, 0.0, 0.0)):
    """Units 4 (coal at 290), 5 and 7 (water, 8 for operation; reservoirs 1 and 0 of 100 hm3, 500 and 250 MWh/hm3)."""
    water = OwnWater(place=np.array([1, 0]), basin=np.array([1, 0]), active=np.array([100.0, 100.0]),
                     per_hm3=np.array([500.0, 250.0]), full=np.array([50_000.0, 200_000.0]))
    return Generator(mesa.Model(), "x", [4, 5, 7], [290, 8, 8], markup, [1, 2], water, VALUES, own_level,
                     Desks(np.array([4, 5, 7]), np.zeros(3, int)))


def test_power_is_offered_in_what_would_be_spilled_and_two_halves_of_the_rest():
    # 1000 MW all day are 24,000 MWh, 48 hm3. 110 hm3 at hand are 10 too many: 5,000 MWh, 5/24 of the power.
    # The other 19,000 MWh are 38 hm3 below the brim; halves of them reach 9.5 and 28.5 hm3 down in their middle.
    volume, level = steps(np.array([110.0]), np.array([100.0]), np.array([500.0]), megawatts(1000))
    assert volume[:, 0, 0].tolist() == pytest.approx([5000 / 24, 9500 / 24, 9500 / 24])
    assert level[:, 0].tolist() == pytest.approx([0.905, 0.715])


def test_a_reservoir_with_room_offers_nothing_as_spill():
    volume, level = steps(np.array([60.0]), np.array([100.0]), np.array([500.0]), megawatts(1000))
    assert volume[:, 0, 0].tolist() == pytest.approx([0, 500, 500])
    assert level[:, 0].tolist() == pytest.approx([0.48, 0.24])  # 60 - 12 and 60 - 36 of 100 hm3


def test_an_emptying_reservoir_values_its_last_water_at_the_empty_level():
    _, level = steps(np.array([20.0]), np.array([100.0]), np.array([500.0]), megawatts(1000))
    assert level[:, 0].tolist() == pytest.approx([0.08, 0.0])


def test_a_flood_beyond_the_turbines_is_all_offered_as_spill():
    volume, level = steps(np.array([200.0]), np.array([100.0]), np.array([500.0]), megawatts(1000))
    assert volume[:, 0, 0].tolist() == pytest.approx([1000, 0, 0])
    assert level[:, 0].tolist() == [1, 1]


def test_turbines_in_outage_offer_nothing():
    volume, _ = steps(np.array([110.0]), np.array([100.0]), np.array([500.0]), megawatts(0))
    assert volume.max() == 0


def test_a_thermal_plant_is_offered_at_cost_and_markup():
    orders = company(markup=(0.1, 0, 0)).orders(SPOT, scene(megawatts(0, 0, 0, 0, 150, 0, 0, 0)))
    mine = orders.of([4])
    assert orders.price[mine, 0].tolist() == pytest.approx([319])  # 290 x 1.1
    assert orders.volume[mine, 0].tolist() == [150]


def test_water_is_offered_at_its_value_half_own_level_half_basins():
    # unit 5: 1000 MW from reservoir 1 with 58 + 2 hm3, levels 0.48 and 0.24; its basin is at 0.6: 0.54 and 0.42
    # 300 - 200 x 0.54 = 192, 300 - 200 x 0.42 = 216; 8 for operation
    today = scene(megawatts(0, 0, 0, 0, 0, 1000, 0, 0), water=(0, 58), inflow=(0, 2), stored=(0, 120_000))
    orders = company().orders(SPOT, today)
    assert orders.price[orders.of([5]), 0].tolist() == pytest.approx([8, 200, 224])
    dearer = company(markup=(0, 0.5, 0)).orders(SPOT, today)
    # what would be spilled stays at cost
    assert dearer.price[dearer.of([5]), 0].tolist() == pytest.approx([8, 300, 336])


def test_without_a_weight_of_its_own_a_plant_follows_its_basin():
    today = scene(megawatts(0, 0, 0, 0, 0, 1000, 0, 0), water=(0, 58), inflow=(0, 2), stored=(0, 120_000))
    orders = company(own_level=0).orders(SPOT, today)
    assert orders.price[orders.of([5]), 0].tolist() == pytest.approx([8, 188, 188])  # 300 - 200 x 0.6 + 8


def test_a_fuller_reservoir_undercuts_an_emptier_one():
    power = megawatts(0, 0, 0, 0, 0, 100, 0, 0)
    full, empty = (company().orders(SPOT, scene(power, water=(0, hand), stored=(0, 100_000))) for hand in (90, 10))
    assert np.all(full.price[full.of([5])][1:] < empty.price[empty.of([5])][1:])


def test_each_plant_reads_its_own_reservoir():
    today = scene(megawatts(0, 0, 0, 0, 0, 100, 0, 100), water=(110, 50), stored=(25_000, 100_000))
    orders = company().orders(SPOT, today)
    spill = [orders.volume[orders.of([unit])][0, 0] for unit in (5, 7)]
    # unit 7 has reservoir 0: 10 hm3 x 250 MWh too many, more than its 2,400 MWh; unit 5 has room for 50 hm3
    assert spill == pytest.approx([0, 100])


def test_everything_available_is_offered():
    rng = np.random.default_rng(1)
    available = rng.random((8, 24)) * 100
    orders = company().orders(SPOT, scene(available, water=(105, 40), inflow=(3, 3), stored=(40_000, 90_000)))
    for unit in (4, 5, 7):
        assert orders.volume[orders.of([unit])].sum(axis=0) == pytest.approx(available[unit])


def test_other_markets_hear_nothing_from_it():
    assert len(company().orders(SimpleNamespace(key="heat", surplus=False), scene(megawatts(*[10] * 8)))) == 0


@pytest.fixture(scope="module")
def toy():
    ground = Ground(read_world(TOY, schema()), Streams(1), 2025)
    grid = ground.grid(date(2025, 1, 1))
    config = load(TOY.parents[1] / "scenarios" / "toy.yaml")
    return ground, grid, companies(mesa.Model(), ground, grid, VALUES, config, Streams(1))


def test_every_plant_has_one_company_named_as_its_owner(toy):
    ground, grid, found = toy
    units = np.sort(np.concatenate([company.units for company in found]))
    assert units.tolist() == grid.units.of_kind(PLANT).tolist()
    for one in found:
        assert set(grid.units.owner[one.units]) == {one.name}


def test_reservoirs_go_with_their_plants(toy):
    ground, grid, found = toy
    valley = next(one for one in found if one.name == "valley_hydro")
    assert grid.units.key[valley.units[valley.reservoirs]].tolist() == ["upper", "lower"]
    assert valley.water.active.tolist() == [400, 20]
    assert not any(len(one.reservoirs) for one in found if one is not valley)


def test_a_company_offers_at_least_what_its_plants_must_run(toy):
    ground, grid, found = toy
    ground.rivers.open(DAY.date, ground.rivers.active / 2)
    conditions = ground.conditions(DAY, ground.typical(DAY), np.zeros((len(grid.bus), 24)), grid,
                                   np.full(len(grid.units), np.nan))
    public = SimpleNamespace(stored_water=ground.rivers.stored_energy(), inflow_index=np.ones(2))
    for one in found:
        orders = one.orders(SPOT, SimpleNamespace(now=DAY, rhythm="day-ahead", conditions=conditions, public=public,
                                                  rules=WHOLE_DAYS))
        for unit in one.units:
            assert np.all(orders.volume[orders.of([unit])].sum(axis=0) >= conditions.minimum[unit] - 1e-9)


def test_the_days_water_is_spread_by_price():
    # 100 MW of turbines, 10 MW in every hour (240 MWh) and 390 MWh in all: 150 left. Two hours expect 400 and 200, the
    # others nothing: 90 MW is all the room of the dearer, 60 are left for the other
    expected = np.zeros((1, 24))
    expected[0, 20], expected[0, 18] = 400.0, 200.0
    power = by_price(megawatts(100), megawatts(10), np.array([390.0]), expected)
    assert power[0, 20] == pytest.approx(100)
    assert power[0, 18] == pytest.approx(70, abs=0.02)
    assert np.delete(power[0], [18, 20]) == pytest.approx(np.full(22, 10), abs=0.001)
    # with 120 left, in proportion 2 to 1: 80 and 40
    power = by_price(megawatts(100), megawatts(10), np.array([360.0]), expected)
    assert power[0, [20, 18]] == pytest.approx([90, 50], abs=0.02)


def test_the_energy_of_the_day_is_used_as_far_as_the_turbines_go():
    expected = np.abs(np.sin(np.arange(24.0)))[None] * 300
    assert by_price(megawatts(100), megawatts(5), np.array([777.0]), expected).sum() == pytest.approx(777)
    assert by_price(megawatts(100), megawatts(0), np.array([9999.0]), expected) == pytest.approx(megawatts(100))


def test_before_a_price_was_seen_the_water_is_spread_evenly():
    power = by_price(megawatts(100), megawatts(10), np.array([480.0]), np.full((1, 24), np.nan))
    np.testing.assert_allclose(power, 20)
