"""Weather: one driver for load, water, wind, sun, orders and accidents; and the profiles of the year and the day.

Every day has one standard normal per zone and factor (temperature, rain and cloud, wind) and one per river basin
(wetness). They follow AR(1) processes whose innovations are correlated so that the *states* have the stated
correlations: innovation covariance Q_ij = S_ij (1 - a_i a_j) for correlations S and coefficients a. The recursion
starts from a stationary draw at a fixed date, from which it runs forwards and, by the same process seen in a mirror of
time, backwards; every innovation is addressed by (seed, factor, date). So the weather of a date is a function of seed
and date alone, whenever a run begins and whatever days a world covers.
"""

from datetime import date, timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic import ValidationInfo, field_validator

from sim import messages
from sim.calendar import SEASONS, Day
from sim.config import BadInput, Key, Row, Section, Table, bounded
from sim.units import HOURS, AsNamed, Celsius, PerCelsius, Ratio, Share

if TYPE_CHECKING:
    from sim.streams import Streams

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
HOUR_COLUMNS = tuple(f"h{hour:02d}" for hour in range(HOURS))
DRY, RAIN, EXTREME = 0, 1, 2
FACTORS = ("temperature", "rain", "wind")  # of a zone; a basin has one, its wetness
ANCHOR = date(2024, 10, 3)  # the day of the stationary draw; any day would do, as long as it stays
SUN_CV_MOST = 1 / np.sqrt(3.0)  # of a uniform multiple with mean 1 that never falls below zero

_Bounds = {"ratio": (0.0, 100.0), "share": (0.0, 1.0), "degC": (-90.0, 60.0), "CNY/MWh": (0.0, 1e5), "TWh": (0.0, 1e4)}


class MonthProfile(Row):
    """A row of `profiles_month.csv`: a value for each month, in the unit that the row names.

    A `ratio` multiplies an annual mean, a `share` is a part of a capacity or of the month's days, `degC` a
    temperature, `CNY/MWh` a price, `TWh` an energy as the month opens.
    """

    key: str
    unit: Literal["ratio", "share", "degC", "CNY/MWh", "TWh"]
    jan: AsNamed
    feb: AsNamed
    mar: AsNamed
    apr: AsNamed
    may: AsNamed
    jun: AsNamed
    jul: AsNamed
    aug: AsNamed
    sep: AsNamed
    oct: AsNamed
    nov: AsNamed
    dec: AsNamed
    source: str

    @field_validator(*MONTHS)
    @classmethod
    def _within(cls, value: float, info: ValidationInfo) -> float:
        unit = info.data.get("unit")  # absent when the unit itself was refused
        if unit is not None and not _Bounds[unit][0] <= value <= _Bounds[unit][1]:
            least, most = _Bounds[unit]
            raise ValueError(f"{value:g} is out of range; expected {unit} from {least:g} to {most:g}")
        return value

    @property
    def values(self) -> np.ndarray:
        """The twelve values, [month]."""
        return np.array([getattr(self, month) for month in MONTHS])


_Hour = bounded(Ratio, ge=0, le=100)


class DayProfile(Row):
    """A row of `profiles_day.csv`: the 24 hours of a day as multiples of the day's mean (hour 0 is 00:00-01:00).

    A key has either one row for `all` seasons or one for each of winter, spring_autumn and summer.
    """

    identity: ClassVar[tuple[str, ...]] = ("key", "season")

    key: str
    season: Literal["winter", "spring_autumn", "summer", "all"]
    h00: _Hour
    h01: _Hour
    h02: _Hour
    h03: _Hour
    h04: _Hour
    h05: _Hour
    h06: _Hour
    h07: _Hour
    h08: _Hour
    h09: _Hour
    h10: _Hour
    h11: _Hour
    h12: _Hour
    h13: _Hour
    h14: _Hour
    h15: _Hour
    h16: _Hour
    h17: _Hour
    h18: _Hour
    h19: _Hour
    h20: _Hour
    h21: _Hour
    h22: _Hour
    h23: _Hour
    source: str

    @property
    def values(self) -> np.ndarray:
        """The 24 values, [hour]."""
        return np.array([getattr(self, hour) for hour in HOUR_COLUMNS])

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]):
        """Each key covers every season once, and no day is empty. Raises: BadInput."""
        seasons: dict[str, list[str]] = {}
        for i, row in enumerate(table):
            seasons.setdefault(row.key, []).append(row.season)
            if row.values.sum() <= 0:
                raise BadInput(table.fault(i, "h00", "every hour is 0; expected a shape with a positive mean"))
        for i, row in enumerate(table):
            if sorted(seasons[row.key]) not in (["all"], sorted(SEASONS)):
                raise BadInput(table.fault(
                    i, "season", f"profile {row.key!r} has the seasons {', '.join(seasons[row.key])}; "
                    "expected either one row 'all' or one row for each season"))


class Climate(Row):
    """A row of `climate.csv`: the climate of a price zone, or of a province in which only riders live.

    temperature, rain, extreme: keys of `profiles_month` (mean temperature; share of rain days; share of days of
    extreme weather, empty where there are none). spread: standard deviation of the daily temperature.
    hot, above, cold, below: the zone's load rises by `above` per degree over `hot` and by `below` under `cold`.
    wind_cv, sun_cv: coefficients of variation of a day's wind and sun about the month's mean.
    """

    key: str
    temperature: Key("profiles_month")
    spread: bounded(Celsius, ge=0, le=20)
    rain: Key("profiles_month")
    extreme: Key("profiles_month") | None
    hot: bounded(Celsius, ge=-90, le=60)
    above: bounded(PerCelsius, ge=0, le=0.5)
    cold: bounded(Celsius, ge=-90, le=60)
    below: bounded(PerCelsius, ge=0, le=0.5)
    wind_cv: bounded(Ratio, ge=0, le=2)
    sun_cv: bounded(Ratio, ge=0, lt=float(SUN_CV_MOST))
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]):
        """Profiles are of the right kind and every zone of the grid has a climate. Raises: BadInput."""
        profiles = tables["profiles_month"]
        wanted = {"temperature": "degC", "rain": "share", "extreme": "share"}
        for i, row in enumerate(table):
            for column, unit in wanted.items():
                key = getattr(row, column)
                if key is not None and profiles.rows[profiles.position(key)].unit != unit:
                    raise BadInput(table.fault(i, column, f"profile {key!r} is not in {unit}; expected one that is"))
        known = {row.key for row in table}
        buses = tables["buses"]
        for i, bus in enumerate(buses):
            if bus.zone not in known:
                raise BadInput(buses.fault(i, "zone", f"{bus.zone!r} has no climate; expected a key of climate.csv"))


class WeatherPair(Row):
    """A row of `weather_pairs.csv`: how closely two places share their weather.

    Two zones: the correlation of each factor between them. Two basins: of their wetness. A zone and a basin: of the
    zone's rain with the basin's wetness; a basin has at most one such zone. Pairs without a row take the settings'
    value; a basin without a zone is independent of rain.
    """

    identity: ClassVar[tuple[str, ...]] = ("first", "second")

    first: str
    second: str
    correlation: bounded(Ratio, ge=-1, le=1)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]):
        """Names are known, no pair stands twice, a basin has one zone at most. Raises: BadInput."""
        zones, basins = ({row.key for row in tables[name]} for name in ("climate", "basins"))
        seen, home = set(), {}
        for i, row in enumerate(table):
            for column in ("first", "second"):
                if getattr(row, column) not in zones | basins:
                    raise BadInput(table.fault(i, column, f"{getattr(row, column)!r} is unknown; expected a key of "
                                                          "climate.csv or basins.csv"))
            pair = frozenset((row.first, row.second))
            if len(pair) < 2 or pair in seen:
                raise BadInput(table.fault(i, "second", f"{row.first!r} and {row.second!r} are the same or stand in an "
                                                        "earlier row; expected each pair once"))
            seen.add(pair)
            for basin in pair & basins:
                if pair & zones and home.setdefault(basin, pair) != pair:
                    raise BadInput(table.fault(i, "second", f"{basin!r} has a zone already; expected one at most"))


_Correlation = bounded(Ratio, ge=-1, le=1)
_Persistence = bounded(Share, ge=0, lt=1)


class WeatherSettings(Section):
    """The section `weather` of world.yaml.

    ar1_*: share of yesterday's anomaly that is left today. temperature_rain, rain_wind: correlations of factors
    within a zone. between_zones, between_basins: correlations of pairs that `weather_pairs.csv` does not name.
    forecast_*: standard deviation of what is forecast a day ahead, relative to what happens.
    """

    ar1_temperature: _Persistence
    ar1_rain: _Persistence
    ar1_wind: _Persistence
    ar1_wetness: _Persistence
    temperature_rain: _Correlation
    rain_wind: _Correlation
    between_zones: _Correlation
    between_basins: _Correlation
    forecast_load: bounded(Share, ge=0, le=0.5)
    forecast_wind: bounded(Share, ge=0, le=0.5)
    forecast_sun: bounded(Share, ge=0, le=0.5)
    forecast_inflow: bounded(Share, ge=0, le=0.5)
    source: str


class Profiles:
    """The profiles of a world as matrices.

    A month profile is read in two ways. `month` is the table's own value. `on` is the value of a day: straight lines
    between mid-months, with the values at mid-month chosen such that every month's mean over its days is the table's
    value; so nothing jumps on the first of a month and no energy is lost. Where such a line would leave the unit's
    bounds (below zero, a share above one) it is held there.

    Source: mean-preserving interpolation of monthly values as in Taylor, Williamson and Zwiers (2000), PCMDI Report 60.
    """

    def __init__(self, months: Table, days: Table):
        self._row = {row.key: i for i, row in enumerate(months)}
        self._months = np.array([row.values for row in months]).reshape(-1, 12)
        self._least, self._most = np.array([_Bounds[row.unit] for row in months]).reshape(-1, 2).T
        self._shapes: dict[str, dict[str, np.ndarray]] = {}
        for row in days:
            for season in SEASONS if row.season == "all" else (row.season,):
                self._shapes.setdefault(row.key, {})[season] = row.values / row.values.mean()
        self._years: dict[int, np.ndarray] = {}

    def month(self, key: str, month: int) -> float:
        """The table's value of a month (1 to 12)."""
        return float(self._months[self._row[key], month - 1])

    def year(self, key: str, year: int) -> np.ndarray:
        """Values of the days of a year, [day]: a smooth path with the table's monthly means."""
        return self._year(year)[self._row[key]]

    def days_of(self, keys, year: int) -> np.ndarray:
        """Values of the days of a year for several keys, [key, day]."""
        return self._year(year)[[self._row[key] for key in keys]]

    def on(self, keys, when: date) -> np.ndarray:
        """Values of a date for several keys, [key]: one day of `year`."""
        rows = [self._row[key] for key in keys]
        return self._year(when.year)[rows, when.timetuple().tm_yday - 1]

    def day(self, key: str, season: str) -> np.ndarray:
        """The 24 hours of a day in a season as multiples of the day's mean, [hour]."""
        return self._shapes[key][season]

    def days(self, keys, season: str) -> np.ndarray:
        """The same for several keys, [key, hour]."""
        return np.array([self._shapes[key][season] for key in keys]).reshape(-1, HOURS)

    def _year(self, year: int) -> np.ndarray:
        """All month profiles on all days of a year, [profile, day]."""
        if year not in self._years:
            path = self._months @ smoothing(year).T
            self._years[year] = np.clip(path, self._least[:, None], self._most[:, None])
        return self._years[year]


def smoothing(year: int) -> np.ndarray:
    """Weights [day, month] that turn twelve monthly means into a daily path with just these means.

    Nodes stand at mid-month, December's is followed by January's. W gives the path from the nodes, A = monthly means
    of W; nodes = A^-1 means, so the path is W A^-1 means.
    """
    starts = np.array([date(year, month, 1).toordinal() for month in range(1, 13)] + [date(year + 1, 1, 1).toordinal()])
    starts = starts - starts[0]
    length = starts[-1]
    centre = (starts[:-1] + starts[1:]) / 2
    centre = np.concatenate([[centre[-1] - length], centre, [centre[0] + length]])
    node = np.array([11, *range(12), 0])
    noon = np.arange(length) + 0.5
    left = np.searchsorted(centre, noon, side="right") - 1
    part = (noon - centre[left]) / (centre[left + 1] - centre[left])
    path = np.zeros((length, 12))
    days = np.arange(length)
    np.add.at(path, (days, node[left]), 1 - part)
    np.add.at(path, (days, node[left + 1]), part)
    means = np.add.reduceat(path, starts[:-1], axis=0) / np.diff(starts)[:, None]
    return path @ np.linalg.inv(means)


def correlations(zones, basins, pairs, settings: WeatherSettings) -> np.ndarray:
    """Correlations S of the daily states, [state, state]: zones in turn, each with its factors, then the basins.

    Between zones S is the Kronecker product of the zones' and the factors' correlations. A basin's wetness is tied
    to its zone's rain, and through that rain to the zone's other factors and to the other zones.
    pairs: rows of `weather_pairs`.
    """
    known = {frozenset((p.first, p.second)): p.correlation for p in pairs}

    def between(keys, other):
        return np.array([[1.0 if a == b else known.get(frozenset((a, b)), other) for b in keys] for a in keys])

    within = np.array([[1.0, settings.temperature_rain, 0.0],
                       [settings.temperature_rain, 1.0, settings.rain_wind],
                       [0.0, settings.rain_wind, 1.0]])
    zonal = between(zones, settings.between_zones)
    n = len(zones) * len(FACTORS)
    whole = np.eye(n + len(basins))
    whole[:n, :n] = np.kron(zonal, within)
    if basins:
        whole[n:, n:] = between(basins, settings.between_basins)
    for b, basin in enumerate(basins):
        for z, zone in enumerate(zones):
            if (tie := known.get(frozenset((zone, basin)))) is not None:
                whole[n + b, :n] = whole[:n, n + b] = tie * np.kron(zonal[z], within[1])
    return whole


def innovations(states: np.ndarray, ar1: np.ndarray) -> np.ndarray:
    """Covariance Q of the daily innovations under which the states keep the correlations S: S_ij (1 - a_i a_j).

    Where the stated correlations contradict one another Q has no positive spectrum; its eigenvalues are then lifted
    to a millionth and its diagonal restored, which is the nearest thing to what was stated.
    Source: spectral repair of a correlation matrix, Rebonato and Jaeckel (1999).
    """
    wanted = states * (1 - np.outer(ar1, ar1))
    scale = np.sqrt(np.diag(wanted))
    value, vector = np.linalg.eigh(wanted / np.outer(scale, scale))
    if value[0] >= 1e-6:
        return wanted
    lifted = (vector * np.maximum(value, 1e-6)) @ vector.T
    size = np.sqrt(np.diag(lifted))
    return lifted / np.outer(size, size) * np.outer(scale, scale)


class Weather:
    """The weather of every day of a world, for one seed.

    zone, basin: names, the axes of what `draw` gives.  z: standard normal states [day, state] from `first_day` on,
    which is the world's first day or the anchor, whichever comes earlier.

    temperature = month's mean + spread x z.  Rain on the month's share of days with the highest rain-and-cloud state,
    extreme weather on the top share of the `extreme` profile.  wind = lognormal multiple with mean 1 and the zone's cv.
    sun = 1 + sqrt(12) cv (1/2 - Phi(z of rain and cloud)): mean 1, that cv, never negative, lowest on rain days.
    """

    def __init__(self, streams: "Streams", *, zones, basins, cities, climate: Table, pairs: Table, profiles: Profiles,
                 settings: WeatherSettings, first: date, last: date):
        """zones: the grid's zones; basins: keys of the rivers' basins; cities: each city's key of `climate`.
        first, last: the days that the world covers."""
        self.zone, self.basin = tuple(zones), tuple(basins)
        rows = {row.key: row for row in climate}
        places = (*self.zone, *(key for key in dict.fromkeys(cities) if key not in self.zone))
        self._climate = [rows[key] for key in places]
        self._city = np.array([places.index(key) for key in cities], np.int32)
        self.first_day, last = min(first, ANCHOR), max(last, ANCHOR)
        self._days = [self.first_day + timedelta(days=i) for i in range((last - self.first_day).days + 1)]
        self._profiles = profiles
        self.z = self._states(streams, places, pairs, settings)
        self._tell()

    def draw(self, day: Day) -> messages.Weather:
        """The weather of a day. Raises: ValueError for a date outside the world's days."""
        i = (day.date - self.first_day).days
        if not 0 <= i < len(self._days):
            raise ValueError(f"no weather on {day.date}: known from {self.first_day} to {self._days[-1]}")
        n = len(self.zone)
        return messages.Weather(day, self._temperature[i, :n], self._rain[i, :n], self._wind[i, :n], self._sun[i, :n],
                                self._wetness[i], self._rain[i, self._city])

    def wetness(self, year: int) -> tuple[list[date], np.ndarray]:
        """Days of a year that are known, and their states of wetness, [day, basin]."""
        here = [i for i, day in enumerate(self._days) if day.year == year]
        return [self._days[i] for i in here], self._wetness[here]

    def mean_temperature(self, day: Day) -> np.ndarray:
        """Mean temperature of a date over all years, degC [zone]; of any date, drawn or not."""
        return self._profiles.on([climate.temperature for climate in self._climate[:len(self.zone)]], day.date)

    def _states(self, streams, places, pairs, settings) -> np.ndarray:
        """Standard normal states [day, state]: a stationary draw at the anchor, then one AR(1) step a day either way.

        Backwards the step is that of the reversed process: for covariance S and coefficients A, yesterday given today
        has the mean S A S^-1 today and the covariance S - S A S^-1 A S.
        """
        zonal = (settings.ar1_temperature, settings.ar1_rain, settings.ar1_wind)
        ar1 = np.array([*zonal * len(places), *[settings.ar1_wetness] * len(self.basin)])
        step = innovations(correlations(places, self.basin, pairs, settings), ar1)
        start = step / (1 - np.outer(ar1, ar1))  # the stationary covariance of these steps
        names = [f"weather/{factor}/{place}" for place in places for factor in FACTORS]
        names += [f"weather/wetness/{basin}" for basin in self.basin]
        ordinals = np.arange(len(self._days)) + self.first_day.toordinal()
        shock = np.column_stack([streams[name].normals(ordinals) for name in names])
        anchor = (ANCHOR - self.first_day).days
        state = shock @ np.linalg.cholesky(step).T
        state[anchor] = np.linalg.cholesky(start) @ shock[anchor]
        for today in range(anchor + 1, len(state)):
            state[today] += ar1 * state[today - 1]
        if anchor:
            back = np.linalg.solve(start, ar1[:, None] * start).T  # S A S^-1
            state[:anchor] = shock[:anchor] @ np.linalg.cholesky(start - back @ (ar1[:, None] * start)).T
            for today in range(anchor - 1, -1, -1):
                state[today] += back @ state[today + 1]
        return state

    def _tell(self):
        """What the states mean, for all days at once: [day, place]."""
        from scipy.special import ndtr, ndtri  # only a run needs it: checking a file answers without

        n = len(self._climate) * len(FACTORS)
        temperature, cloud, wind = (self.z[:, f:n:len(FACTORS)] for f in range(len(FACTORS)))
        column = {name: np.array([getattr(c, name) for c in self._climate]) for name in ("spread", "wind_cv", "sun_cv")}
        mean = self._daily("temperature")
        self._temperature = mean + column["spread"] * temperature
        rain = cloud > ndtri(1 - self._daily("rain"))
        self._rain = np.where(cloud > ndtri(1 - self._extreme()), EXTREME, np.where(rain, RAIN, DRY))
        sigma = np.sqrt(np.log1p(column["wind_cv"] ** 2))
        self._wind = np.exp(sigma * wind - sigma ** 2 / 2)
        self._sun = 1 + np.sqrt(12.0) * column["sun_cv"] * (0.5 - ndtr(cloud))
        self._wetness = self.z[:, n:]

    def _daily(self, name: str) -> np.ndarray:
        """A month profile of each climate on all days, smooth over the months: [day, place]."""
        keys, first, last = [getattr(c, name) for c in self._climate], self._days[0], self._days[-1]
        years = range(first.year, last.year + 1)
        whole = np.concatenate([self._profiles.days_of(keys, year) for year in years], axis=1)
        skipped = first.timetuple().tm_yday - 1
        return whole[:, skipped: skipped + len(self._days)].T

    def _extreme(self) -> np.ndarray:
        """Share of extreme days, [day, place]: by month as the table has it, because a season has a first day."""
        month = np.array([day.month for day in self._days])
        path = np.zeros((len(month), len(self._climate)))
        for place, climate in enumerate(self._climate):
            if climate.extreme is not None:
                path[:, place] = np.array([self._profiles.month(climate.extreme, m) for m in range(1, 13)])[month - 1]
        return path
