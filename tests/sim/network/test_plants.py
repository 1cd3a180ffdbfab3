"""What a plant can and must give: the least of machine and nature, worked by hand."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Calendar
from sim.config import BadInput, Row, Table, bounded
from sim.messages import Weather
from sim.network.grid import FOREVER, Bus
from sim.network.outages import Outage
from sim.network.plants import Plant, Plants
from sim.network.rivers import Flows
from sim.network.years import BuildOut, FuelYear, InflowYear
from sim.units import Ratio
from sim.weather import HOUR_COLUMNS, MONTHS, DayProfile, MonthProfile, Profiles

BUSES = ({"key": "A1", "zone": "A", "name": "a"}, {"key": "B1", "zone": "B", "name": "b"})
ZONES = ("A", "B")
DAYLIGHT = {hour: 2.0 if 6 <= i < 18 else 0.0 for i, hour in enumerate(HOUR_COLUMNS)}  # mean 1


class Stream(Row):
    """What a plant's flow reads of a basin."""

    key: str
    cv: bounded(Ratio, ge=0)
    source: str


def table(row_type, *rows):
    made = [row_type(**row, source="test") for row in rows]
    return Table(Path("test.csv"), row_type, made, list(range(2, 2 + len(made))), "")


def level(key, value, unit="share"):
    """A month profile that is the same all year, so that its smooth path is too."""
    return {"key": key, "unit": unit, **dict.fromkeys(MONTHS, value)}


MONTH_ROWS = (level("fifth", 0.2), level("half", 0.5), level("full", 0.98), level("dear", 1.4, "ratio"),
              level("more", 2.0, "ratio"))


def plant(technology="coal", **rest):
    return {"key": "plant", "bus": "A1", "owner": "owner", "technology": technology, "capacity": 100.0, "cost": 300.0,
            "in_service": date(2020, 1, 1)} | rest


def plants(*rows, basins=(), build_out=(), fuel=()):
    outages = table(Outage, {"key": "thermal", "weeks": 4.0, "months": "2 3 4 5 10 11"})
    days = table(DayProfile, {"key": "sun", "season": "all", **DAYLIGHT})
    profiles = Profiles(table(MonthProfile, *MONTH_ROWS), days)
    years = table(InflowYear, *({"basin": b["key"], "year": 2025, "multiplier_h1": 1.0, "multiplier_h2": 1.04}
                                for b in basins))
    flows = Flows(table(Stream, *basins), years, None, profiles)  # nothing measured: no driver is asked
    if not basins:
        flows = SimpleNamespace(basins=(), multiple=lambda day, weather: np.zeros(0))
    return Plants(table(Plant, *rows), buses=table(Bus, *BUSES), zones=ZONES, flows=flows,
                  build_out=table(BuildOut, *build_out), fuel=table(FuelYear, *fuel),
                  outages=outages, profiles=profiles)


def day(when):
    return Calendar(when, when).turn()


def weather(when, wind=(1.0, 1.0), sun=(1.0, 1.0), wetness=()):
    nothing = np.zeros(2)
    return Weather(day(when), nothing, nothing, np.array(wind), np.array(sun), np.array(wetness), np.zeros(0))


def available(when, *rows, basins=(), **drawn):
    return plants(*rows, basins=basins).available(day(when), weather(when, **drawn))


def test_planned_outages_lower_capacity_in_their_months_only():
    # four weeks = 28 days over February to May, October, November: 28 + 31 + 30 + 31 + 31 + 30 = 181 days
    row = plant(availability=0.94, outage="thermal", must_run=0.36)
    spring, least = available(date(2025, 2, 10), row)
    assert spring == pytest.approx(np.full((1, 24), 94 * (1 - 28 / 181)))
    assert least == pytest.approx(0.36 * spring)
    winter, _ = available(date(2025, 1, 10), row)
    assert winter == pytest.approx(np.full((1, 24), 94.0))


def test_an_outage_takes_its_weeks_out_of_the_year():
    rows = plants(plant(outage="thermal"))
    lost = sum(100 - rows.available(day(date.fromordinal(o)), weather(date.fromordinal(o)))[0][0, 0]
               for o in range(date(2025, 1, 1).toordinal(), date(2026, 1, 1).toordinal()))
    assert lost == pytest.approx(100 * 28)  # MW x days: four weeks of the whole plant


def test_sun_shines_by_shape_and_weather():
    row = plant("solar", profile="fifth", shape="sun", cost=0.0)
    clear, _ = available(date(2025, 6, 1), row)
    assert clear[0, 12] == pytest.approx(100 * 0.2 * 2)
    assert clear[0, 0] == 0
    cloudy, _ = available(date(2025, 6, 1), row, sun=(0.5, 1.0), wind=(9.0, 9.0))
    assert cloudy == pytest.approx(clear / 2)


@pytest.mark.parametrize("technology", ["wind", "wind_offshore"])
def test_wind_blows_by_zone(technology):
    rows = plant(technology, key="a", profile="fifth"), plant(technology, key="b", bus="B1", profile="fifth")
    both, _ = available(date(2025, 6, 1), *rows, wind=(0.5, 2.0), sun=(9.0, 9.0))
    assert both[:, 0] == pytest.approx([10, 40])


def test_a_storm_does_not_raise_a_plant_above_its_machine():
    both, _ = available(date(2025, 6, 1), plant("wind", profile="fifth", availability=0.9), wind=(50.0, 1.0))
    assert both == pytest.approx(np.full((1, 24), 90.0))


def test_running_water_follows_the_year_and_the_wetness_of_its_basin():
    row = plant("hydro", profile="half", basin="brook")
    brook = {"key": "brook", "cv": 0.5}
    # lognormal with mean 1 and cv 0.5: sigma^2 = ln 1.25 = 0.22314, sigma = 0.47238; at z = 1 exp(0.47238 - 0.11157)
    spring, _ = available(date(2025, 3, 1), row, basins=(brook,), wetness=(1.0,))
    assert spring[0] == pytest.approx(np.full(24, 50 * np.exp(0.47238 - 0.11157)), rel=1e-5)
    calm = brook | {"cv": 0.0}
    autumn, _ = available(date(2025, 9, 1), row, basins=(calm,), wetness=(1.0,))
    assert autumn[0] == pytest.approx(np.full(24, 52.0))
    # 0.98 x 1.04 of capacity is more than the turbines take
    flood, _ = available(date(2025, 9, 1), row | {"profile": "full"}, basins=(calm,), wetness=(0.0,))
    assert flood[0] == pytest.approx(np.full(24, 100.0))


def test_with_pondage_nature_limits_the_day_and_not_the_hour():
    # half of 100 MW all day is 1,200 MWh, to be given at up to 100 MW, and at 0.35 of the mean 50 MW in every hour
    row = plant("hydro", profile="half", pondage=True, must_run=0.35)
    most, least = available(date(2025, 3, 1), row)
    assert most == pytest.approx(np.full((1, 24), 100.0))
    assert least == pytest.approx(np.full((1, 24), 17.5))
    assert plants(row).energy(day(date(2025, 3, 1)), weather(date(2025, 3, 1))) == pytest.approx([1200.0])
    assert plants(row).units({"A1": 0, "B1": 1}, 2025).budgeted.all()


def test_without_pondage_the_day_has_no_limit_of_its_own():
    row = plant("hydro", profile="half")
    assert plants(row).energy(day(date(2025, 3, 1)), weather(date(2025, 3, 1))).tolist() == [np.inf]
    assert not plants(row).units({"A1": 0, "B1": 1}, 2025).budgeted.any()


def test_must_run_follows_its_season_and_never_exceeds_what_is_available():
    most, least = available(date(2025, 1, 1), plant(must_run=0.36, must_run_season="dear"),
                            plant(key="other", must_run=0.8, must_run_season="more"))
    assert least[:, 0] == pytest.approx([100 * 0.36 * 1.4, 100])  # 0.8 x 2.0 is held at all there is
    assert np.all(least <= most)


def test_a_plant_gives_nothing_before_it_opens_and_from_the_day_it_retires():
    row = plant(in_service=date(2025, 3, 1), retires=date(2025, 5, 1), must_run=0.5)
    given = [available(when, row)[0][0, 0] for when in
             (date(2025, 2, 28), date(2025, 3, 1), date(2025, 4, 30), date(2025, 5, 1))]
    assert given == [0, 100, 100, 0]


def test_units_carry_limits_in_megawatts():
    rows = plants(plant(key="slow", ramp=0.3), plant("hydro", key="free", bus="B1", retires=date(2030, 1, 1)))
    units = rows.units({"A1": 0, "B1": 1}, 2025, budgeted={"free"})
    assert list(units.key) == ["slow", "free"]
    assert list(units.bus) == [0, 1]
    assert list(units.ramp) == [30, np.inf]
    assert list(units.budgeted) == [False, True]
    assert list(units.last) == [FOREVER, date(2030, 1, 1)]
    assert set(units.kind) == {"plant"}


@pytest.mark.parametrize(("row", "word"), [
    (plant("wind"), "profile"),
    (plant("hydro", basin="brook"), "profile"),
    (plant("solar", profile="dear"), "not a share"),
    (plant(must_run=0.3, must_run_season="half"), "not a ratio"),
    (plant(retires=date(2019, 1, 1)), "not after"),
    (plant("coal", pondage=True), "pondage"),
    (plant("hydro", key="dam", pondage=True), "pondage"),
])
def test_a_plant_that_contradicts_itself_is_refused_with_its_line(row, word):
    months = table(MonthProfile, *MONTH_ROWS)
    with pytest.raises(BadInput, match=rf"test\.csv:2: .*{word}"):
        Plant.check(table(Plant, row), {"profiles_month": months, "reservoirs": {"plant": np.array(["dam"], object)}})
