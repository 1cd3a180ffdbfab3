"""Users: their load by class and bus, and their response to prices."""

from datetime import date
from types import SimpleNamespace

import mesa
import numpy as np
import pytest

from agents.users import Users
from sim.calendar import Month
from sim.messages import Statement
from sim.network.demand import EVENING, Curves, Demand, LoadSplit, Trading, UserClass
from sim.network.smelters import Smelter, Smelters
from sim.streams import Streams
from sim.weather import MonthProfile, Profiles
from tests.sim.network.small_demand import (
    STEP,
    YEAR,
    block,
    built,
    demand,
    hot_climate,
    months,
    split,
    table,
    tables,
    user_class,
    yunnan_tables,
)

WEDNESDAY, SUNDAY = YEAR[14], YEAR[18]  # 15 and 19 January 2025
TRADING = Trading(entry=0.25, risk=0.0, caution=0.0, source="test")


def users(**change) -> Users:
    own = tables(**change)
    grid = SimpleNamespace(bus=("Z1", "Z2", "X"), zone=("X", "Z"))
    return Users(mesa.Model(rng=1), grid=grid, demand=own["demand"], years=own["demand_years"],
                 classes=own["user_classes"], splits=own["load_split"], smelters=own["smelters"],
                 build_out=own["build_out"], climate=own["climate"],
                 profiles=Profiles(own["profiles_month"], own["profiles_day"]), trading=TRADING)


def at(temperature: float):
    """Weather of zones X and Z; a temperature is all that users feel."""
    return SimpleNamespace(temperature=np.array([99.0, temperature]))


def learn(population: Users, mean: float, month: int = 5):
    population.learn(Statement(Month(2025, month)), SimpleNamespace(zone_mean=np.array([-1.0, mean])))


# ---------------------------------------------------------------------------------------------------------- energy


def test_a_flat_year_is_the_annual_figure_in_every_hour():
    load = users().consume(WEDNESDAY, at(26.0))
    assert load.shape == (2, 24)
    assert load == pytest.approx(np.repeat([[250.0], [750.0]], 24, axis=1))


def test_load_lands_on_its_bus():
    population = users()
    load = population.consume(WEDNESDAY, at(26.0))
    assert population.by_bus(load)[:, 0] == pytest.approx([250.0, 750.0, 0.0])
    assert population.bus.tolist() == [0, 1]
    assert population[1]["mean"] == pytest.approx(750.0)


def test_weekends_are_lower_and_the_year_keeps_its_energy():
    # 2025 has 104 Saturdays and Sundays: mean (261 + 0.9 x 104) / 365 = 0.971507; a weekday 1000 / 0.971507 =
    # 1029.329, a weekend 926.396 MW.
    population = users(demand=table(Demand, demand(weekend=0.9)))
    assert population.consume(WEDNESDAY, at(26.0)).sum(axis=0) == pytest.approx([1029.329] * 24, abs=1e-3)
    assert population.consume(SUNDAY, at(26.0)).sum(axis=0) == pytest.approx([926.396] * 24, abs=1e-3)
    year = sum(population.consume(day, at(26.0)).sum() for day in YEAR)
    assert year == pytest.approx(8.76e6, rel=1e-6)


def test_a_season_moves_energy_between_months_only():
    profiles = table(MonthProfile, *tables()["profiles_month"], months("cold", "ratio", [1.5] * 6 + [0.5] * 6))
    population = users(demand=table(Demand, demand(month="cold", weekend=0.95)), profiles_month=profiles)
    by_month = np.zeros(12)
    for day in YEAR:
        by_month[day.date.month - 1] += population.consume(day, at(26.0)).sum()
    assert by_month.sum() == pytest.approx(8.76e6, rel=1e-6)
    # February 1.5 and August 0.5 of the mean over 365 days (6 x 1.5 and 6 x 0.5 over 181 and 184 days: mean 0.99589);
    # how weekends fall in a month moves it by less than a hundredth
    assert by_month[1] / (28 * 24e3) == pytest.approx(1.5 / 0.99589, rel=0.01)
    assert by_month[7] / (31 * 24e3) == pytest.approx(0.5 / 0.99589, rel=0.01)


# ---------------------------------------------------------------------------------------------------- temperature


def test_a_hot_day_needs_more_than_a_normal_one_of_its_date():
    # Mean 26 = threshold, spread 3: expected effect 1 + 0.03 x 1.196827 = 1.035905. At 30 degrees 1.12: ratio 1.081180;
    # at 20 degrees 1: 0.965340.
    population = users(climate=hot_climate())
    assert population.consume(WEDNESDAY, at(30.0)).sum(axis=0) == pytest.approx([1081.180] * 24, abs=1e-3)
    assert population.consume(WEDNESDAY, at(20.0)).sum(axis=0) == pytest.approx([965.340] * 24, abs=1e-3)


def test_a_cold_day_needs_more_too():
    # Threshold 8, 0.02 a degree, mean 26, spread 3: the expected effect is 1 (six spreads away). At 3 degrees 1.10.
    population = users(climate=hot_climate(above=0.0, below=0.02))
    assert population.consume(WEDNESDAY, at(3.0)).sum(axis=0) == pytest.approx([1100.0] * 24, abs=1e-3)


def test_weather_moves_no_energy_on_average():
    population = users(climate=hot_climate())
    temperature = 26 + 3 * Streams(1)["test"].normals(np.arange(20000))
    curves = [population.consume(WEDNESDAY, at(t))[0, 0] for t in temperature[:4000]]
    # spread of the effect 0.03 x 3 x 0.58 = 0.05; of the mean of 4000 draws 0.0008; four of these
    assert np.mean(curves) / 250 == pytest.approx(1.0, abs=0.0033)


# -------------------------------------------------------------------------------------------------------- classes


def test_flat_and_peaky_classes_add_up_to_the_zone():
    # Deviations 0.5 and 2 at shares 0.6 and 0.4 follow 0.6 x 0.5 + 0.4 x 2 = 1.1; scaled 0.454545 and 1.818182. At
    # night the zone stands at 0.5: 600 (1 - 0.227273) = 463.636 and 400 (1 - 0.909091) = 36.364, together 500.
    population = users(
        demand=table(Demand, demand(day="step")),
        user_classes=table(UserClass, user_class("flat", 0.6, deviation=0.5), user_class("peaky", 0.4, deviation=2.0)),
        load_split=table(LoadSplit, split("flat", "Z1", 1.0), split("peaky", "Z2", 1.0)))
    load = population.consume(WEDNESDAY, at(26.0))
    assert load[:, 0] == pytest.approx([463.636, 36.364], abs=1e-3)
    assert load.sum(axis=0) == pytest.approx(1000 * np.array(STEP), abs=1e-3)
    assert load.mean(axis=1) == pytest.approx([600.0, 400.0], abs=1e-3)


def test_evening_load_moves_within_the_day_and_within_the_zone():
    # One class of a half has 0.1 more from 18 to 22 o'clock; that is 0.05 for the zone, so it gets 0.1 - 0.05 = 0.05
    # and the other -0.05 of their 500 MW x (1 - 4/24) = 20.833 MW in the evening, -4.167 MW in other hours.
    population = users(
        user_classes=table(UserClass, user_class("homes", 0.5, evening=0.1), user_class("works", 0.5)),
        load_split=table(LoadSplit, split("homes", "Z1", 1.0), split("works", "Z2", 1.0)))
    load = population.consume(WEDNESDAY, at(26.0))
    assert load[:, 19] == pytest.approx([520.833, 479.167], abs=1e-3)
    assert load[:, 3] == pytest.approx([495.833, 504.167], abs=1e-3)
    assert np.flatnonzero(EVENING > 0).tolist() == [18, 19, 20, 21]


def test_what_large_users_bid_for_is_not_in_the_load():
    # A class of 500 MW draws 200 of them at Z1, where large users bid for 100 + 20 MW: 80 MW are left there.
    population = users(
        user_classes=table(UserClass, user_class("smelting", 0.5, large_users=True), user_class("rest", 0.5)),
        load_split=table(LoadSplit, split("smelting", "Z1", 0.4), split("smelting", "Z2", 0.6),
                         split("rest", "Z1", 1.0)),
        smelters=table(Smelter, block("Z1", 100.0), block("Z1", 20.0)), build_out=built((date(2025, 7, 1), 1.0)))
    load = population.consume(WEDNESDAY, at(26.0))
    assert load[:, 5] == pytest.approx([200.0 - 120.0, 300.0, 500.0])
    assert population.apart.tolist() == [120.0, 0.0, 0.0]


def test_yunnans_users_and_smelters_together_use_its_annual_figure():
    own = yunnan_tables()
    profiles, zones = Profiles(own["profiles_month"], own["profiles_day"]), list(own["demand"]["zone"])
    grid = SimpleNamespace(bus=tuple(own["buses"]["key"]), zone=tuple(dict.fromkeys(own["buses"]["zone"])))
    population = Users(mesa.Model(rng=1), grid=grid, demand=own["demand"], years=own["demand_years"],
                       classes=own["user_classes"], splits=own["load_split"], smelters=own["smelters"],
                       build_out=own["build_out"], climate=own["climate"], profiles=profiles, trading=TRADING)
    blocks = Smelters(own["smelters"], own["buses"], own["build_out"])
    mild = SimpleNamespace(temperature=np.full(len(grid.zone), 20.0))
    curves = Curves(own["demand"], own["climate"], profiles)
    for day in (YEAR[20], YEAR[200]):
        zone = curves.of(day, mild.temperature[[grid.zone.index(z) for z in zones]])
        by_bus = population.by_bus(population.consume(day, mild))
        of_yunnan = [i for i, bus in enumerate(own["buses"]) if bus.zone == "YN"]
        total = by_bus[of_yunnan].sum(axis=0) + blocks.available(day).sum(axis=0)
        assert total == pytest.approx(zone[0] * 290e6 / 8760, rel=1e-6)
        assert by_bus.min() >= 0
    assert own["smelters"]["capacity"].sum() * 8760 / 290e6 == pytest.approx(0.22, abs=0.001)


# --------------------------------------------------------------------------------------------------------- prices


def responding() -> Users:
    return users(user_classes=table(UserClass, user_class("all", 1.0, elasticity=0.1, delivery=100.0)))


def test_users_are_neutral_until_a_month_has_a_price():
    population = responding()
    before = population.consume(WEDNESDAY, at(26.0))
    learn(population, float("nan"))
    assert population.consume(WEDNESDAY, at(26.0)).tolist() == before.tolist()
    assert before.sum(axis=0) == pytest.approx([1000.0] * 24)


def test_a_dear_month_lowers_the_next_months_load():
    # Normal 200, delivery 100. At 260 the delivered price is up by 60 / 300 = 0.2: exp(-0.02) = 0.980199.
    population = responding()
    learn(population, 260.0)
    assert population.consume(WEDNESDAY, at(26.0)).sum(axis=0) == pytest.approx([980.199] * 24, abs=1e-3)
    learn(population, 200.0)
    assert population.consume(WEDNESDAY, at(26.0)).sum(axis=0) == pytest.approx([1000.0] * 24, abs=1e-3)


def test_a_price_below_zero_gives_a_finite_load():
    population = responding()
    learn(population, -50.0)  # (-250 / 300) x -0.1 = 0.083333: exp = 1.086904
    assert population.consume(WEDNESDAY, at(26.0)).sum(axis=0) == pytest.approx([1086.904] * 24, abs=1e-3)


def test_the_normal_price_is_that_of_the_closed_month():
    # The year's price path has 150 in July: a July at 150 is normal, a June at 150 is cheap.
    path = [200] * 6 + [150] + [200] * 5
    profiles = table(MonthProfile, *tables()["profiles_month"], months("path", "CNY/MWh", path))
    population = users(demand=table(Demand, demand(price="path")), profiles_month=profiles,
                       user_classes=table(UserClass, user_class("all", 1.0, elasticity=0.1, delivery=100.0)))
    learn(population, 150.0, month=7)
    assert population.response.tolist() == [1.0, 1.0]
    learn(population, 150.0, month=6)  # -50 / 300 x -0.1: exp(0.016667) = 1.016806
    assert population.response == pytest.approx([1.016806] * 2, abs=1e-6)


def test_a_class_without_elasticity_ignores_prices():
    population = users()
    learn(population, 1000.0)
    assert population.response.tolist() == [1.0, 1.0]
