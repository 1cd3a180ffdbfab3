"""Cities: what is asked of them, and what a table of cities may not say."""

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from sim.calendar import Calendar, Month
from sim.config import BadInput, load
from sim.network.city import Cities
from sim.weather import Profiles

SCENARIOS = Path(__file__).parents[3] / "configs" / "scenarios"


@pytest.fixture(scope="module")
def world():
    return load(SCENARIOS / "toy.yaml").world


@pytest.fixture(scope="module")
def cities(world):
    return Cities(world, Profiles(world["profiles_month"], world["profiles_day"]))


def a_day(year, month, day):
    return Calendar(when := date(year, month, day), when).turn()


def test_a_city_charges_at_its_bus_or_outside_at_a_price(cities, world):
    assert cities.bus.tolist() == [world["buses"].position("HILLS_S"), -1]
    assert np.isnan(cities.outside_price[0])
    assert cities.outside_price[1] == 650


def test_orders_of_a_year_of_usual_weather_are_the_tables(cities):
    year, usual = Calendar(date(2025, 1, 1), date(2025, 12, 31)), cities.usual_weather
    asked = np.zeros(2)
    for _ in range(len(year)):
        day = year.turn()
        asked += sum(cities.asked(day, np.full(2, rain)).sum(axis=1) * usual[rain] for rain in (0, 1, 2))
    assert np.allclose(asked / 365, cities.orders, rtol=2e-3)  # months of 28 to 31 days weigh alike in the season


def test_rain_and_extreme_weather_raise_orders_by_a_tenth_and_a_quarter(cities):
    day = a_day(2025, 7, 9)
    dry, wet, extreme = (cities.asked(day, np.full(2, rain)) for rain in (0, 1, 2))
    assert np.allclose(wet, 1.10 * dry)
    assert np.allclose(extreme, 1.25 * dry)


def test_each_city_has_its_own_weather(cities):
    day = a_day(2025, 7, 9)
    dry, mixed = cities.asked(day, np.array([0, 0])), cities.asked(day, np.array([1, 0]))
    assert np.allclose(mixed[0], 1.10 * dry[0])
    assert np.array_equal(mixed[1], dry[1])


def test_a_riders_season_is_a_part_of_the_orders_season(cities):
    # profile 1.08 in July and 0.86 in February, exponent 0.3: (1.08 / 0.86)^0.3 = 1.07073
    asked = [cities.asked(a_day(2025, month, 9), np.zeros(2, int)).sum() for month in (7, 2)]
    assert asked[0] / asked[1] == pytest.approx(1.07073, abs=1e-5)


def test_most_orders_are_asked_at_eleven(cities):
    assert int(np.argmax(cities.asked(a_day(2025, 7, 9), np.zeros(2, int))[0])) == 11


def test_the_weather_of_a_year_is_dry_rain_or_extreme(cities, world):
    assert np.allclose(cities.usual_weather.sum(axis=0), 1)
    row = world["climate"].rows[world["climate"].position("COAST")]
    profiles = Profiles(world["profiles_month"], world["profiles_day"])
    wet = np.mean([profiles.month(row.rain, month) for month in range(1, 13)])
    assert cities.usual_weather[1:, 1].sum() == pytest.approx(wet)


def test_the_level_of_orders_is_the_last_one_dated_before_the_month():
    world = load(SCENARIOS / "base_2025.yaml").world
    cities = Cities(world, Profiles(world["profiles_month"], world["profiles_day"]))
    assert [cities.level(Month(2025, month)) for month in (3, 4, 6, 7, 12)] == [1.00, 1.04, 1.04, 1.11, 1.09]
    assert cities.level(Month(2020, 1)) == 0.90  # before the first row its level holds
    assert cities.riders.sum() == 3_360_000
    assert cities.riders[cities.named].sum() == 472_300


@pytest.mark.parametrize(("old", "new", "said"), [
    (",0.18,0.7,0.12,", ",0.28,0.7,0.12,", r"cities.csv:2: local \[share\]: the three shares of origin sum to 1.1"),
    ("HILLS_S,,", "HILLS_S,650,", r"cities.csv:2: outside_price \[CNY/MWh\]: expected a price where"),
    (",650,", ",,", r"cities.csv:3: outside_price \[CNY/MWh\]: expected a price where"),
    (",6000,", ",-1,", r"cities.csv:2: riders \[persons\]: -1 is out of range; expected whole persons >= 0"),
    ("HILLS_S", "HILL_S", r"cities.csv:2: bus: 'HILL_S' is not a key of buses.csv; did you mean 'HILLS_S'"),
    (",T2,", ",T9,", r"cities.csv:2: tier: 'T9' is not a key of rider_tiers.csv"),
])
def test_a_faulty_city_is_refused_in_one_line(world, tmp_path, old, new, said):
    folder = tmp_path / "world"
    shutil.copytree(world.path, folder)
    table = folder / "cities.csv"
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new, 1))
    (folder / "world.yaml").write_text((folder / "world.yaml").read_text() + f"law: {world.law}\n")
    with pytest.raises(BadInput, match=said):
        load(SCENARIOS / "toy.yaml", set=[f"world={folder}"])
