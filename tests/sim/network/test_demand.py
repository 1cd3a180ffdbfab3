"""Demand: the load of zones over a year, its seasons, weather and peaks, and tables that do not add up."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from sim.config import BadInput, Table
from sim.network.demand import Curves, Demand, LoadSplit, UserClass, mean_excess
from sim.network.smelters import Smelter
from sim.network.years import DemandYear, demand_of
from sim.streams import Streams
from sim.weather import Profiles, Weather, WeatherSettings
from tests.sim.network.small_demand import (
    YEAR,
    annual,
    block,
    built,
    demand,
    split,
    table,
    tables,
    user_class,
    yunnan_tables,
)


def test_expected_excess_of_a_normal_over_a_threshold():
    # E[X+] = s phi(d) + m Phi(d): at m = 0, s = 3: 3 x 0.398942 = 1.196827; at m = s = 1: 0.241971 + 0.841345.
    assert mean_excess(np.array([0.0, 1.0, 5.0, -5.0]), np.array([3.0, 1.0, 0.0, 0.0])) == pytest.approx(
        [1.196827, 1.083316, 5.0, 0.0], abs=1e-6)


@pytest.fixture(scope="module")
def yunnan() -> SimpleNamespace:
    """Load of the five provinces in twenty years of weather, [year, zone, hour], and their annual figures."""
    own = yunnan_tables()
    profiles = Profiles(own["profiles_month"], own["profiles_day"])
    zones = list(own["demand"]["zone"])
    settings = WeatherSettings(ar1_temperature=0.75, ar1_rain=0.45, ar1_wind=0.5, ar1_wetness=0.97, rain_wind=0.15,
                               temperature_rain=-0.35, between_zones=0.3, between_basins=0.6, forecast_load=0,
                               forecast_wind=0, forecast_sun=0, forecast_inflow=0, source="test")
    curves = Curves(own["demand"], own["climate"], profiles)
    load = np.zeros((20, len(zones), 365 * 24))
    for seed in range(20):
        weather = Weather(Streams(seed), zones=zones, basins=(), cities=(), climate=own["climate"], profiles=profiles,
                          pairs=own["weather_pairs"], settings=settings, first=YEAR[0].date, last=YEAR[-1].date)
        load[seed] = np.concatenate([curves.of(day, weather.draw(day).temperature) for day in YEAR], axis=1)
    annual = np.array([demand_of(own["demand_years"], 2025)[zone] for zone in zones])
    return SimpleNamespace(tables=own, profiles=profiles, zones=zones, annual=annual,
                           load=load * (annual * 1e6 / 8760)[:, None])


def test_a_normal_year_uses_the_annual_figure(yunnan):
    # A year's temperature moves Guangdong's energy by 0.7 %, so the mean of twenty years by 0.15 %.
    energy = yunnan.load.sum(axis=2) / 1e6
    assert energy.mean(axis=0) == pytest.approx(yunnan.annual, rel=0.01)
    assert energy == pytest.approx(np.broadcast_to(yunnan.annual, energy.shape), rel=0.03)


def test_peaks_are_near_the_recorded_ones(yunnan):
    # Recorded, GW: Yunnan 46, Guangdong 164, Guangxi 42, Guizhou 35, Hainan 9; all but Guangdong's are known roughly.
    peak = dict(zip(yunnan.zones, np.median(yunnan.load.max(axis=2), axis=0) / 1000))
    recorded = {"YN": 46, "GD": 164, "GX": 42, "GZ": 35, "HI": 9}
    assert peak["GD"] == pytest.approx(164, rel=0.05)
    assert {zone: peak[zone] / recorded[zone] for zone in peak} == pytest.approx(dict.fromkeys(peak, 1.0), abs=0.12)


def test_heat_makes_guangdongs_peak_in_summer_and_cold_makes_guizhous_in_winter(yunnan):
    month = np.repeat([day.date.month for day in YEAR], 24)
    when = dict(zip(yunnan.zones, month[yunnan.load.argmax(axis=2)].T))
    assert set(when["GD"]) <= {5, 6, 7, 8, 9}
    assert set(when["GZ"]) <= {11, 12, 1}


# ------------------------------------------------------------------------------------------------------- refusals


def checked(**change):
    own = tables(**change)
    LoadSplit.check(own["load_split"], own)  # checks what it stands on as well


def classes(*rows) -> dict[str, Table]:
    return {"user_classes": table(UserClass, *rows)}


def splits(*rows) -> dict[str, Table]:
    return {"load_split": table(LoadSplit, *rows)}


FULL = {"build_out": built((date(2025, 7, 1), 1.0))}


def test_sound_tables_pass():
    checked()


def test_the_bundled_tables_are_sound(yunnan):
    for name in ("demand", "user_classes", "load_split"):
        yunnan.tables[name].row_type.check(yunnan.tables[name], yunnan.tables)


@pytest.mark.parametrize(("change", "line"), [
    ({"demand": table(Demand, demand(month="mild"))}, "Demand.csv:2: month: profile 'mild' is not in ratio"),
    ({"demand": table(Demand, demand(price="even"))}, "Demand.csv:2: price: profile 'even' is not in CNY/MWh"),
    ({"demand": table(Demand, demand(), demand(zone="X"))}, "Demand.csv:3: zone: no row of user_classes.csv draws"),
    (classes(user_class("all", 0.9)), "UserClass.csv:2: share [share]: shares of the classes of 'Z' add up to 0.9"),
    (classes(user_class("all", 1.0), user_class("b", 1.0, zone="Q")), "UserClass.csv:3: zone: 'Q' has no demand"),
    (classes(user_class("all", 1.0, deviation=0.0)), "UserClass.csv:2: deviation [ratio]: no class of 'Z' follows"),
    (classes(user_class("all", 1.0, elasticity=0.1)), "UserClass.csv:2: elasticity [ratio]: a class that responds"),
    (classes(user_class("all", 0.5, large_users=True), user_class("b", 0.5, large_users=True)), "another class"),
    (splits(split("all", "Z1", 0.5)), "LoadSplit.csv:2: share [share]: shares of 'all' add up to 0.5"),
    (splits(split("all", "X", 1.0)), "LoadSplit.csv:2: bus: 'X' is no cleared bus of 'Z', the zone of 'all'"),
    (splits(), "UserClass.csv:2: key: 'all' has no row in load_split.csv"),
    ({"smelters": table(Smelter, block("Z1", 10.0))} | FULL, "Smelter.csv:2: bus: no class at 'Z1' holds large users"),
    (classes(user_class("all", 1.0, large_users=True)) | {"smelters": table(Smelter, block("Z1", 251.0))} | FULL,
     "LoadSplit.csv:2: share [share]: the load of 'all' at 'Z1' would fall to -1 MW in 2025, with 251 MW of large"),
    # half of 2025's demand in 2026, 125 MW at Z1, but all of a block of 200 MW
    (classes(user_class("all", 1.0, large_users=True)) | {"smelters": table(Smelter, block("Z1", 200.0))} | FULL
     | {"demand_years": table(DemandYear, annual(8.76), annual(4.38, year=2026))},
     "LoadSplit.csv:2: share [share]: the load of 'all' at 'Z1' would fall to -75 MW in 2026, with 200 MW of large"),
])
def test_a_broken_table_gets_one_line(change, line):
    with pytest.raises(BadInput) as refusal:
        checked(**change)
    assert line in str(refusal.value)
