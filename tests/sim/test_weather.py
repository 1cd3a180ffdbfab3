"""Weather and profiles: what a year brings, and that a date brings it whenever a run begins."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr

from sim.calendar import SEASONS, Calendar
from sim.config import BadInput, Table, read_table
from sim.config.tables import check_tables
from sim.network.grid import Bus, Corridor
from sim.network.outages import Outage
from sim.network.rivers import Basin
from sim.streams import Streams
from sim.weather import (
    DRY,
    EXTREME,
    FACTORS,
    HOUR_COLUMNS,
    MONTHS,
    RAIN,
    Climate,
    DayProfile,
    MonthProfile,
    Profiles,
    Weather,
    WeatherPair,
    WeatherSettings,
    correlations,
    innovations,
    smoothing,
)

WORLDS = Path(__file__).parents[2] / "configs" / "worlds"
ROWS = {"profiles_month": MonthProfile, "profiles_day": DayProfile, "climate": Climate, "weather_pairs": WeatherPair}
SETTINGS = WeatherSettings(ar1_temperature=0.75, ar1_rain=0.45, ar1_wind=0.5, ar1_wetness=0.97, temperature_rain=-0.35,
                           rain_wind=0.15, between_zones=0.3, between_basins=0.6, forecast_load=0, forecast_wind=0,
                           forecast_sun=0, forecast_inflow=0, source="test")
AR1 = {"temperature": 0.75, "rain": 0.45, "wind": 0.5}
YEAR = (date(2025, 1, 1), date(2025, 12, 31))


def table(row_type, *rows) -> Table:
    return Table(Path(f"{row_type.__name__}.csv"), row_type, list(rows), list(range(2, len(rows) + 2)), "")


def month_profile(key, unit, values) -> MonthProfile:
    return MonthProfile(key=key, unit=unit, source="test", **dict(zip(MONTHS, map(float, values))))


def day_profile(key, season, values) -> DayProfile:
    return DayProfile(key=key, season=season, source="test", **dict(zip(HOUR_COLUMNS, map(float, values))))


def climate(key, **change) -> Climate:
    same = {"temperature": "mild", "spread": 3.0, "rain": "third", "extreme": None, "hot": 26.0, "above": 0.03,
            "cold": 8.0, "below": 0.02, "wind_cv": 0.45, "sun_cv": 0.25, "source": "test"}
    return Climate(key=key, **(same | change))


FLAT = table(MonthProfile, month_profile("mild", "degC", [15] * 12), month_profile("third", "share", [1 / 3] * 12),
             month_profile("storms", "share", [0] * 5 + [0.02] * 5 + [0] * 2))
NO_DAYS = table(DayProfile)
NO_PAIRS = table(WeatherPair)


def weather(seed=1, zones=("A", "B"), basins=("river",), cities=("B",), pairs=NO_PAIRS, first=YEAR[0], last=YEAR[1],
            settings=SETTINGS, **change) -> Weather:
    return Weather(Streams(seed), zones=zones, basins=basins, cities=cities,
                   climate=table(Climate, *(climate(key, **change) for key in dict.fromkeys((*zones, *cities)))),
                   pairs=pairs, profiles=Profiles(FLAT, NO_DAYS), settings=settings, first=first, last=last)


def days_of(first=YEAR[0], last=YEAR[1]):
    calendar = Calendar(first, last)
    return [calendar.day(i) for i in range(len(calendar))]


@pytest.fixture(scope="module")
def many():
    """Forty years of two zones' draws: arrays [year, day, zone] or [year, day, basin]."""
    drawn = [[year.draw(day) for day in days_of()] for year in (weather(seed) for seed in range(40))]
    return {name: np.array([[getattr(w, name) for w in year] for year in drawn])
            for name in ("temperature", "rain", "wind", "sun", "wetness")}


def world(name) -> dict[str, Table]:
    kinds = ROWS | {"buses": Bus, "corridors": Corridor, "outages": Outage, "basins": Basin}
    return {key: read_table(WORLDS / name / f"{key}.csv", kind) for key, kind in kinds.items()}


# ---------------------------------------------------------------------------------------------------------- profiles


@pytest.mark.parametrize("name", ["yunnan", "toy"])
@pytest.mark.parametrize("year", [2024, 2025])
def test_the_smooth_path_keeps_every_months_mean(name, year):
    tables = world(name)
    profiles = Profiles(tables["profiles_month"], tables["profiles_day"])
    read_by_month = {row.extreme for row in tables["climate"]}
    smooth = [row for row in tables["profiles_month"] if row.key not in read_by_month]
    assert len(smooth) > 10
    for row in smooth:
        path = profiles.year(row.key, year)
        month = np.array([(date(year, 1, 1) + timedelta(days=i)).month for i in range(len(path))])
        means = [path[month == m].mean() for m in range(1, 13)]
        assert means == pytest.approx(list(row.values), abs=1e-9), row.key


def test_a_path_between_high_and_low_months_overshoots_both_means():
    # With months of one length the mean of a month is n_before/8 + 3n/4 + n_after/8 of the nodes at mid-month. Nodes
    # x, y, x, y ... for means 1.1, 0.9, 1.1 ...: 3x/4 + y/4 = 1.1 and x/4 + 3y/4 = 0.9 give x = 1.2, y = 0.8.
    # Months of 28 to 31 days move that by a hundredth or two; 16 June and 17 July are the middle of their months.
    profiles = Profiles(table(MonthProfile, month_profile("waves", "ratio", [1.1, 0.9] * 6)), NO_DAYS)
    assert profiles.on(["waves"], date(2025, 7, 16))[0] == pytest.approx(1.2, abs=0.02)
    assert profiles.on(["waves"], date(2025, 6, 15))[0] == pytest.approx(0.8, abs=0.02)
    assert profiles.month("waves", 7) == 1.1


def test_nothing_jumps_on_the_first_of_a_month():
    # A line between two nodes takes about thirty days: no day moves further than the largest node step over 28 days.
    profiles = Profiles(table(MonthProfile, month_profile("saw", "ratio", range(20, 32))), NO_DAYS)
    path = profiles.year("saw", 2025)
    first = [(date(2025, m, 1) - date(2025, 1, 1)).days for m in range(2, 13)]
    largest_step = np.abs(np.diff(path)).max()
    assert np.abs(path[first] - path[np.array(first) - 1]).max() <= largest_step
    assert largest_step < np.ptp(path) / 28


def test_a_constant_profile_stays_constant():
    assert smoothing(2025).sum(axis=1) == pytest.approx(np.ones(365))
    assert smoothing(2024).shape == (366, 12)


def test_a_path_is_held_at_the_bounds_of_its_unit():
    spike = [0] * 6 + [1] + [0] * 5
    profiles = Profiles(table(MonthProfile, month_profile("spike", "share", spike)), NO_DAYS)
    path = profiles.year("spike", 2025)
    assert path.min() == 0.0
    assert path.max() == 1.0


def test_a_day_is_given_in_multiples_of_its_mean():
    # Twelve hours of 1 and twelve of 3: mean 2, so 0.5 and 1.5.
    profiles = Profiles(FLAT, table(DayProfile, day_profile("shift", "all", [1] * 12 + [3] * 12)))
    for season in SEASONS:
        assert profiles.day("shift", season).tolist() == [0.5] * 12 + [1.5] * 12
    assert profiles.days(["shift", "shift"], "summer").shape == (2, 24)


def test_a_season_has_its_own_day():
    rows = [day_profile("sun", season, [0] * 12 + [k + 1] + [1] * 11) for k, season in enumerate(SEASONS)]
    profiles = Profiles(FLAT, table(DayProfile, *rows))
    noon = [profiles.day("sun", season)[12] for season in SEASONS]
    assert noon == pytest.approx([24 / 12, 2 * 24 / 13, 3 * 24 / 14])


# ------------------------------------------------------------------------------------------------------ the processes


def test_the_same_date_has_the_same_weather_whenever_a_run_begins():
    from_january, from_july = weather(7), weather(7)
    july = Calendar(date(2025, 7, 1), YEAR[1]).day(13)
    january = Calendar(*YEAR)
    for i in range(194):
        from_january.draw(january.day(i))
    a, b = from_january.draw(january.day(194)), from_july.draw(july)
    assert a.day.date == b.day.date == date(2025, 7, 14)
    for name in ("temperature", "rain", "wind", "sun", "wetness", "city_rain"):
        assert getattr(a, name).tolist() == getattr(b, name).tolist()


def test_a_world_that_lasts_longer_has_the_same_beginning():
    short, long = weather(3, last=date(2025, 3, 31)), weather(3, last=date(2026, 12, 31))
    assert long.z[: len(short.z)] == pytest.approx(short.z, abs=1e-12)


def test_a_world_that_begins_earlier_has_the_same_weather_from_then_on():
    early, late = weather(3, first=date(2020, 1, 1)), weather(3)
    assert early.first_day == date(2020, 1, 1)
    assert early.z[-len(late.z):] == pytest.approx(late.z, abs=1e-12)


def test_before_the_anchor_weather_is_as_wide_remembers_as_much_and_hangs_together_as_after_it():
    # 30 seeds x 1700 days before the anchor. Lag one: error sqrt((1 - a^2) / 51,000) < 0.004. Standard deviation of the
    # wetness: 1700 days of it are worth 1700 x 0.03 / 1.97 = 26 draws, 30 seeds 780: error 1 / sqrt(2 x 780) = 0.025
    pairs = table(WeatherPair, WeatherPair(first="A", second="B", correlation=0.6, source="test"),
                  WeatherPair(first="A", second="river", correlation=0.3, source="test"))
    z = np.array([weather(seed, first=date(2020, 2, 7), pairs=pairs).z[:1700] for seed in range(30)])
    assert (z.reshape(-1, 7).std(axis=0)) == pytest.approx(np.ones(7), abs=0.1)
    lag = [np.corrcoef(z[:, :-1, i].ravel(), z[:, 1:, i].ravel())[0, 1] for i in range(7)]
    assert lag == pytest.approx([0.75, 0.45, 0.5] * 2 + [0.97], abs=0.016)
    stated = correlations(("A", "B"), ("river",), pairs, SETTINGS)
    assert np.corrcoef(z.reshape(-1, 7).T) == pytest.approx(stated, abs=0.1)


def test_another_seed_is_another_year_and_the_same_seed_the_same():
    assert weather(1).z.tolist() == weather(1).z.tolist()
    assert abs(np.corrcoef(weather(1).z[:, 0], weather(2).z[:, 0])[0, 1]) < 0.25


def test_one_city_more_changes_no_zones_weather():
    one, more = weather(5, cities=("B",)), weather(5, cities=("B", "far"))
    day = days_of()[100]
    assert one.draw(day).temperature.tolist() == more.draw(day).temperature.tolist()
    assert more.draw(day).city_rain.shape == (2,)


def test_a_city_has_the_rain_of_its_climate():
    drawn = weather(2, cities=("B", "A", "B")).draw(days_of()[40])
    assert drawn.city_rain.tolist() == [drawn.rain[1], drawn.rain[0], drawn.rain[1]]


def test_a_date_outside_the_world_is_refused():
    with pytest.raises(ValueError, match="no weather on 2026-01-01: known from 2024-10-03 to 2025-12-31"):
        weather().draw(Calendar(date(2026, 1, 1), date(2026, 1, 2)).day(0))


def test_steps_keep_the_stated_correlations():
    # x(t) = a x(t-1) + e has cov(x_i, x_j) = a_i a_j S_ij + Q_ij. With Q_ij = S_ij (1 - a_i a_j) that is S_ij again.
    states, ar1 = np.array([[1.0, -0.35], [-0.35, 1.0]]), np.array([0.75, 0.45])
    step = innovations(states, ar1)
    # on paper: 1 - 0.5625 = 0.4375; 1 - 0.2025 = 0.7975; -0.35 x (1 - 0.3375) = -0.231875
    assert step == pytest.approx(np.array([[0.4375, -0.231875], [-0.231875, 0.7975]]))
    assert ar1[:, None] * states * ar1 + step == pytest.approx(states)


def test_contradicting_correlations_become_the_nearest_possible_ones():
    # Three places, each pair at -0.9: impossible (the sum would have the variance 3 - 5.4). With no persistence the
    # repair gives a matrix with unit diagonal, no negative eigenvalue and equal entries, at least -1/2 by symmetry.
    states = np.full((3, 3), -0.9) + 1.9 * np.eye(3)
    repaired = innovations(states, np.zeros(3))
    assert np.diag(repaired) == pytest.approx(np.ones(3))
    assert np.linalg.eigvalsh(repaired)[0] > 0
    assert repaired[np.triu_indices(3, 1)] == pytest.approx([-0.5] * 3, abs=1e-3)


@pytest.mark.parametrize("name", ["yunnan", "toy"])
def test_the_worlds_correlations_need_no_repair(name):
    tables = world(name)
    places, basins = list(tables["climate"]["key"]), list(tables["basins"]["key"])
    states = correlations(places, basins, tables["weather_pairs"], SETTINGS)
    ar1 = np.array([*AR1.values()] * len(places) + [0.97] * len(basins))
    assert np.linalg.eigvalsh(states)[0] > 0.01
    assert innovations(states, ar1) == pytest.approx(states * (1 - np.outer(ar1, ar1)), abs=1e-15)


def test_correlations_go_by_factor_zone_and_basin():
    # Zones A, B at 0.6; rain of A and the river at 0.3. On paper: wind of A with rain of B 0.6 x 0.15 = 0.09;
    # temperature of A with the river 0.3 x -0.35 = -0.105; rain of B with the river 0.3 x 0.6 = 0.18.
    pairs = [WeatherPair(first="A", second="B", correlation=0.6, source="test"),
             WeatherPair(first="river", second="A", correlation=0.3, source="test")]
    states = correlations(("A", "B"), ("river", "creek"), pairs, SETTINGS)
    at = {name: i for i, name in enumerate([*(f"{f} {z}" for z in "AB" for f in FACTORS), "river", "creek"])}
    expected = {("temperature A", "temperature B"): 0.6, ("wind A", "rain B"): 0.09, ("temperature A", "wind A"): 0.0,
                ("temperature A", "river"): -0.105, ("rain B", "river"): 0.18, ("rain A", "creek"): 0.0,
                ("river", "creek"): 0.6, ("rain A", "temperature A"): -0.35}
    for (a, b), value in expected.items():
        assert states[at[a], at[b]] == states[at[b], at[a]] == pytest.approx(value), (a, b)


def test_states_are_standard_normal_with_the_stated_correlations():
    # 200 seeds, one day each, 180 days after the start: independent draws, sampling error of a correlation <= 0.07,
    # of a mean 0.07, of a standard deviation 0.05; four of these are allowed.
    pairs = table(WeatherPair, WeatherPair(first="A", second="B", correlation=0.6, source="test"),
                  WeatherPair(first="A", second="river", correlation=0.3, source="test"))
    drawn = np.array([weather(seed, pairs=pairs, last=date(2025, 4, 1)).z[180] for seed in range(200)])
    assert drawn.mean(axis=0) == pytest.approx(np.zeros(7), abs=0.28)
    assert drawn.std(axis=0) == pytest.approx(np.ones(7), abs=0.20)
    stated = correlations(("A", "B"), ("river",), pairs, SETTINGS)
    assert np.corrcoef(drawn.T) == pytest.approx(stated, abs=0.28)


def test_the_first_day_is_as_wide_as_any_other():
    # The start is a stationary draw: its variance over 400 seeds is 1 within four sampling errors (4 sqrt(2/400)).
    first = np.array([weather(seed, last=YEAR[0]).z[0] for seed in range(400)])
    assert first.var(axis=0) == pytest.approx(np.ones(7), abs=0.28)


def test_yesterday_is_remembered_as_stated():
    # 40 seeds x 455 days: the error of a lag-1 correlation is sqrt((1 - a^2)/18200) < 0.007; four of these.
    z = np.concatenate([np.stack([w.z[:-1], w.z[1:]]) for w in (weather(seed) for seed in range(40))], axis=1)
    lag = [np.corrcoef(z[0, :, i], z[1, :, i])[0, 1] for i in range(7)]
    assert lag == pytest.approx([0.75, 0.45, 0.5] * 2 + [0.97], abs=0.03)


# ------------------------------------------------------------------------------------------------- what they stand for


def test_temperature_has_the_climates_mean_and_spread(many):
    # mean of 40 years: the spread of a year's mean is 3 x sqrt(7 / 365) = 0.42, of forty 0.07; four of these
    assert many["temperature"].mean(axis=(0, 1)) == pytest.approx([15, 15], abs=0.27)
    assert many["temperature"].std(axis=(0, 1)) == pytest.approx([3, 3], abs=0.15)


def test_mean_temperature_is_that_of_the_date():
    assert weather().mean_temperature(days_of()[0]).tolist() == pytest.approx([15, 15])


def test_it_rains_on_its_share_of_days(many):
    assert (many["rain"] >= RAIN).mean(axis=(0, 1)) == pytest.approx([1 / 3, 1 / 3], abs=0.02)
    assert (many["rain"] == EXTREME).sum() == 0


def test_wind_keeps_the_months_mean_and_has_its_variation(many):
    wind = many["wind"]
    assert wind.mean(axis=(0, 1)) == pytest.approx([1, 1], abs=0.03)
    assert wind.std(axis=(0, 1)) / wind.mean(axis=(0, 1)) == pytest.approx([0.45, 0.45], abs=0.03)
    assert wind.min() > 0


def test_sun_keeps_the_months_mean_and_is_low_when_it_rains(many):
    sun, rain = many["sun"], many["rain"]
    assert sun.mean(axis=(0, 1)) == pytest.approx([1, 1], abs=0.012)
    assert sun.std(axis=(0, 1)) == pytest.approx([0.25, 0.25], abs=0.01)
    # Rain on the third of days with the highest state: Phi > 2/3, so sun < 1 + sqrt(12)/4 (1/2 - 2/3) = 0.8557.
    assert sun[rain >= RAIN].max() < 0.8557
    assert sun[rain == DRY].min() > 0.8556
    assert sun.min() >= 1 - np.sqrt(3) * 0.25


def test_multiples_follow_from_the_states():
    # With cv 0 nothing varies: wind and sun are 1 on every day.
    calm = weather(4, wind_cv=0.0, sun_cv=0.0).draw(days_of()[7])
    assert calm.wind.tolist() == calm.sun.tolist() == [1.0, 1.0]
    # wind_cv with ln(1 + cv^2) = 1 gives exp(z - 1/2); sun = 1 + sqrt(12) x 0.25 x (1/2 - Phi(z))
    wide = weather(4, wind_cv=float(np.sqrt(np.e - 1)))
    drawn, z = wide.draw(days_of()[7]), wide.z[90 + 7]
    assert drawn.wind[0] == pytest.approx(np.exp(z[2] - 0.5))
    assert drawn.sun[1] == pytest.approx(1 + 0.8660254 * (0.5 - ndtr(z[4])))
    assert drawn.wetness[0] == z[6]


def test_extreme_days_come_in_their_season_only():
    # 2 % of the 153 days from June to October in two zones and 60 years: 367 expected; persistence 0.45 widens the
    # binomial error of 19 a little: between 250 and 500.
    drawn = [[w.draw(day) for day in days_of()] for w in (weather(seed, extreme="storms") for seed in range(60))]
    rain = np.array([[w.rain for w in year] for year in drawn])
    season = np.array([6 <= day.date.month <= 10 for day in days_of()])
    assert (rain[:, ~season] == EXTREME).sum() == 0
    assert 250 < (rain[:, season] == EXTREME).sum() < 500


def test_a_wet_river_stays_wet_for_weeks(many):
    # 0.97^30 = 0.401; forty years of overlapping pairs, error about 0.05
    wet = many["wetness"][:, :, 0]
    assert np.corrcoef(wet[:, :-30].ravel(), wet[:, 30:].ravel())[0, 1] == pytest.approx(0.401, abs=0.15)


def test_a_world_without_rivers_has_weather():
    drawn = weather(basins=()).draw(days_of()[0])
    assert drawn.wetness.shape == (0,)
    assert drawn.temperature.shape == (2,)


# ------------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("name", ["yunnan", "toy"])
def test_the_bundled_tables_are_sound(name):
    tables = world(name)
    check_tables(tables)
    assert {bus.zone for bus in tables["buses"]} <= set(tables["climate"]["key"])


def checked(**change):
    tables = {"profiles_month": FLAT, "profiles_day": NO_DAYS, "climate": table(Climate, climate("A"), climate("B")),
              "weather_pairs": NO_PAIRS, "basins": table(Basin), "corridors": table(Corridor), "outages": table(Outage),
              "buses": table(Bus, Bus(key="A1", zone="A", name="a", source="test"))}
    check_tables(tables | change)


def pair(first, second) -> WeatherPair:
    return WeatherPair(first=first, second=second, correlation=0.5, source="test")


def test_sound_tables_pass():
    checked(weather_pairs=table(WeatherPair, pair("A", "B")))


@pytest.mark.parametrize(("change", "line"), [
    ({"climate": table(Climate, climate("B"))}, "Bus.csv:2: zone: 'A' has no climate"),
    ({"climate": table(Climate, climate("A", rain="mild"))}, "Climate.csv:2: rain: profile 'mild' is not in share"),
    ({"climate": table(Climate, climate("A", rain="sleet"))}, "Climate.csv:2: rain: 'sleet' is not a key of profiles_"),
    ({"weather_pairs": table(WeatherPair, pair("A", "B"), pair("B", "A"))}, "WeatherPair.csv:3: second: 'B' and 'A'"),
    ({"weather_pairs": table(WeatherPair, pair("A", "Nile"))}, "WeatherPair.csv:2: second: 'Nile' is unknown"),
    ({"weather_pairs": table(WeatherPair, pair("A", "A"))}, "WeatherPair.csv:2: second: 'A' and 'A' are the same"),
    ({"profiles_day": table(DayProfile, day_profile("d", "winter", [1] * 24))}, "season: profile 'd' has the seasons"),
    ({"profiles_day": table(DayProfile, day_profile("d", "all", [0] * 24))}, "h00 [ratio]: every hour is 0"),
])
def test_a_broken_table_gets_one_line(change, line):
    with pytest.raises(BadInput) as refusal:
        checked(**change)
    assert line in str(refusal.value)


def test_a_basin_has_one_zone_at_most():
    basin = Basin.model_construct(key="river", inflow_shape="mild")
    with pytest.raises(BadInput, match="'river' has a zone already"):
        WeatherPair.check(table(WeatherPair, pair("A", "river"), pair("river", "B")),
                          {"climate": table(Climate, climate("A"), climate("B")), "basins": table(Basin, basin)})


def test_a_share_above_one_is_refused():
    with pytest.raises(ValueError, match="1.2 is out of range; expected share from 0 to 1"):
        month_profile("rain", "share", [0.5] * 11 + [1.2])
