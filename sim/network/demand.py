"""Demand: what the users of each zone draw in a normal year, by class, bus and hour, and what the weather adds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import numpy as np

from sim.calendar import SEASONS, Day
from sim.config import BadInput, Key, Row, Section, Table, bounded
from sim.network.years import SMELTER, Stock, demand_of
from sim.units import HOURS, CNYPerMWh, Ratio, Share
from sim.weather import Profiles

EVENING = np.where((np.arange(HOURS) >= 18) & (np.arange(HOURS) < 22), 1.0, 0.0)
EVENING -= EVENING.mean()  # what is added from 18 to 22 o'clock is missing in the other hours
SHARES_ADD_UP = 1e-6
YEARS = range(2024, 2028)  # a leap year and three common ones: days of other years differ by a thousandth


class Demand(Row):
    """A row of `demand.csv`: how a zone's consumption is spread over a year; how much it is says `demand_years.csv`.

    month: its seasons.  day: the shape of its day.  weekend: load of Saturday and Sunday over that of a weekday.
    price: the wholesale price, month by month, under which users draw the annual figures; empty where users do not
    respond to prices.
    """

    identity: ClassVar[tuple[str, ...]] = ("zone",)

    zone: Key("climate")
    month: Key("profiles_month")
    day: Key("profiles_day")
    weekend: bounded(Ratio, gt=0, le=2)
    price: Key("profiles_month") | None = None
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Profiles are of the right kind, and somebody draws each zone's demand. Raises: BadInput."""
        profiles, zones = tables["profiles_month"], set(tables["user_classes"]["zone"])
        for i, row in enumerate(table):
            for field, unit in (("month", "ratio"), ("price", "CNY/MWh")):
                key = getattr(row, field)
                if key is not None and profiles.rows[profiles.position(key)].unit != unit:
                    raise BadInput(table.fault(i, field, f"profile {key!r} is not in {unit}; expected one that is"))
            if profiles.rows[profiles.position(row.month)].values.sum() <= 0:
                raise BadInput(table.fault(i, "month", f"profile {row.month!r} is 0 all year; expected a season"))
            if row.zone not in zones:
                raise BadInput(table.fault(i, "zone", f"no row of user_classes.csv draws the demand of {row.zone!r}; "
                                                      "expected at least one"))


class UserClass(Row):
    """A row of `user_classes.csv`: a class of users in a zone.

    share: of the zone's annual consumption.  deviation: how far the class follows the ups and downs of its zone
    (hours, weekends, seasons, weather) relative to the other classes; they are scaled so that the classes together
    are the zone.  evening: load added from 18 to 22 o'clock, in multiples of the class's mean.
    large_users: the blocks that smelters bid for themselves belong to this class, which draws the remainder.
    contracts: may buy ahead, once the law's opening reaches it; the market opens to the classes in the table's order.
    elasticity: of its load to its delivered price (a positive number: load falls).  delivery: what stands between the
    wholesale and the delivered price.
    """

    key: str
    zone: str
    share: bounded(Share, gt=0, le=1)
    deviation: bounded(Ratio, ge=0, le=10)
    evening: bounded(Ratio, ge=0, le=1) = 0.0
    large_users: bool = False
    contracts: bool = False
    elasticity: bounded(Ratio, ge=0, le=3) = 0.0
    delivery: bounded(CNYPerMWh, gt=0) | None = None
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Shares of a zone add up to 1, one class holds its large users, prices are there where they matter.

        Raises: BadInput.
        """
        demand, priced = tables["demand"], {row.zone for row in tables["demand"] if row.price is not None}
        last = {row.zone: i for i, row in enumerate(table)}
        for i, row in enumerate(table):
            if row.zone not in set(demand["zone"]):
                raise BadInput(table.fault(i, "zone", f"{row.zone!r} has no demand; expected a zone of demand.csv"))
            if row.elasticity > 0 and (row.zone not in priced or row.delivery is None):
                raise BadInput(table.fault(i, "elasticity", "a class that responds to its price needs `delivery` here "
                                                            "and `price` in demand.csv; expected both or 0"))
            own = [other for other in table if other.zone == row.zone]
            if row.large_users and sum(other.large_users for other in own) > 1:
                raise BadInput(table.fault(i, "large_users", f"zone {row.zone!r} has another class that holds the "
                                                             "large users; expected one"))
            if i == last[row.zone]:
                _adds_up(table, i, sum(other.share for other in own), f"shares of the classes of {row.zone!r}")
                if not any(other.deviation > 0 for other in own):
                    raise BadInput(table.fault(i, "deviation", f"no class of {row.zone!r} follows its zone; "
                                                               "expected a positive number in one of them"))


class Trading(Section):
    """The section `contracts` of world.yaml: how companies and users trade ahead.

    entry: of those who may trade and do not yet, the share who register in a month.  risk: of the expected price, what
    being sure of it is worth to either side.  caution: cover that users want beyond the required share, for each unit
    of the coefficient of variation of daily prices.
    """

    entry: bounded(Share, ge=0, le=1)
    risk: bounded(Share, ge=0, le=0.5)
    caution: bounded(Ratio, ge=0, le=20)
    source: str


def opened(classes: Table, eligible: float) -> np.ndarray:
    """Share of each class that may trade, [class], when `eligible` of a zone's consumption may: the market opens class
    by class, in the table's order."""
    found, before = np.zeros(len(classes)), {}
    for i, row in enumerate(classes):
        if row.contracts:
            start = before.get(row.zone, 0.0)
            found[i] = min(max((eligible - start) / row.share, 0.0), 1.0)
            before[row.zone] = start + row.share
    return found


class LoadSplit(Row):
    """A row of `load_split.csv`: the share of a class's consumption that is drawn at a bus."""

    identity: ClassVar[tuple[str, ...]] = ("user_class", "bus")

    user_class: Key("user_classes")
    bus: Key("buses")
    share: bounded(Share, gt=0, le=1)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Each class is drawn in its own zone, all of it, and its large users leave it something. Raises: BadInput."""
        # what the figures below stand on
        for name in ("profiles_day", "climate", "demand", "user_classes", "demand_years", "build_out"):
            tables[name].row_type.check(tables[name], tables)
        classes = {row.key: row for row in tables["user_classes"]}
        buses = {row.key: row for row in tables["buses"]}
        last = {row.user_class: i for i, row in enumerate(table)}
        for i, row in enumerate(table):
            bus, zone = buses[row.bus], classes[row.user_class].zone
            if bus.zone != zone or not bus.cleared:
                raise BadInput(table.fault(i, "bus", f"{row.bus!r} is no cleared bus of {zone!r}, the zone of "
                                                     f"{row.user_class!r}; expected one that is"))
            if i == last[row.user_class]:
                total = sum(other.share for other in table if other.user_class == row.user_class)
                _adds_up(table, i, total, f"shares of {row.user_class!r}")
        for i, row in enumerate(tables["user_classes"]):
            if row.key not in last:
                raise BadInput(tables["user_classes"].fault(i, "key", f"{row.key!r} has no row in load_split.csv"))
        _leaves_something(table, tables)


def _adds_up(table: Table, i: int, total: float, what: str):
    if abs(total - 1) > SHARES_ADD_UP:
        raise BadInput(table.fault(i, "share", f"{what} add up to {total:.6g}; expected 1"))


def _leaves_something(table: Table, tables: dict[str, Table]):
    """No load may fall below zero, with the large users' blocks taken out. Raises: BadInput."""
    smelters, classes = tables["smelters"], {row.key: row for row in tables["user_classes"]}
    homes = {row.bus for row in table if classes[row.user_class].large_users}
    for i, block in enumerate(smelters):
        if block.bus not in homes:
            raise BadInput(smelters.fault(i, "bus", f"no class at {block.bus!r} holds large users; expected one with "
                                                    "large_users in user_classes.csv and a share in load_split.csv"))
    curves = Curves(tables["demand"], tables["climate"], Profiles(tables["profiles_month"], tables["profiles_day"]))
    zone = {row.zone: z for z, row in enumerate(tables["demand"])}
    lowest = np.min([curves.least(year) for year in YEARS], axis=0)
    least = lowest[np.array([zone[classes[row.user_class].zone] for row in table], np.intp)]
    blocks = Blocks(table, tables["user_classes"], smelters, tables["build_out"])
    years = {row.year for row in tables["demand_years"]}
    for year in sorted(y for y in years if len(demand_of(tables["demand_years"], y)) == len(zone)):
        drawn = Drawn.of(table, tables["user_classes"], demand_of(tables["demand_years"], year), year)
        apart = blocks.most(year)
        low = drawn.load(np.repeat(least[:, None], HOURS, axis=1), apart).min(axis=1)
        for i in np.flatnonzero(low < 0):
            raise BadInput(table.fault(
                i, "share", f"the load of {table.rows[i].user_class!r} at {table.rows[i].bus!r} would fall to "
                f"{low[i]:.0f} MW in {year}, with {apart[i]:.0f} MW of large users taken out; expected 0 or more"))


@dataclass(frozen=True)
class Drawn:
    """What each row (a class at a bus) draws in a year, as numbers.

    mean: MW [row] of normal weather.  deviation, evening: [row], scaled so that a zone's classes add up to its curve.
    """

    mean: np.ndarray
    deviation: np.ndarray
    evening: np.ndarray

    @classmethod
    def of(cls, splits: Table, classes: Table, annual: Mapping[str, float], year: int) -> "Drawn":
        """The rows of `load_split` with the figures of their class and zone.  annual: TWh of the year by zone."""
        hours = (date(year + 1, 1, 1) - date(year, 1, 1)).days * HOURS
        by_key = {row.key: row for row in classes}
        follows = {zone: sum(c.share * c.deviation for c in classes if c.zone == zone) for zone in annual}
        evening = {zone: sum(c.share * c.evening for c in classes if c.zone == zone) for zone in annual}
        rows = [(by_key[s.user_class], s) for s in splits]
        return cls(
            mean=np.array([annual[c.zone] * 1e6 / hours * c.share * s.share for c, s in rows]),
            deviation=np.array([c.deviation / follows[c.zone] for c, s in rows]),
            evening=np.array([c.evening - evening[c.zone] for c, s in rows]))

    def load(self, curve: np.ndarray, apart: np.ndarray) -> np.ndarray:
        """MW [row, hour] beside the large users' blocks, under the curve of each row's zone [row, hour] (mean 1).

        apart: MW [row] of these blocks.

        A class draws mean x (1 + deviation (curve - 1) + evening), so a zone's classes sum to mean x curve.
        """
        swing = 1 + self.deviation[:, None] * (curve - 1) + self.evening[:, None] * EVENING
        return self.mean[:, None] * swing - apart[:, None]


class Blocks:
    """What large users bid for themselves of the rows of `load_split`, by day: as `sim.network.smelters` has it."""

    def __init__(self, splits: Table, classes: Table, smelters: Table, build_out: Table):
        by_key = {row.key: row for row in classes}
        homes = [(split.bus, by_key[split.user_class]) for split in splits]
        at = {split.bus: sum(block.capacity for block in smelters if block.bus == split.bus) for split in splits}
        self._full = np.array([at[bus] if home.large_users else 0.0 for bus, home in homes], float)
        self._stock = Stock(build_out, [(home.zone, SMELTER) if full > 0 else None
                                        for full, (_, home) in zip(self._full, homes)])

    def on(self, ordinal: int) -> np.ndarray:
        """MW [row] on a day."""
        return self._full * self._stock.on(ordinal)

    def most(self, year: int) -> np.ndarray:
        """Largest MW of any day of a year, [row]."""
        return self._full * self._stock.most(year)


class Curves:
    """The load of each zone over its annual mean: seasons, weekends, the day's shape and temperature.

    A calendar year's mean is 1 when the temperature is left out, and the expected mean is 1 with it: the effect of
    the day's temperature stands over its expectation on that date, E[(T - c)+] = s phi(d) + (m - c) Phi(d) with
    d = (m - c) / s for T normal with mean m and standard deviation s.
    """

    def __init__(self, demand: Table, climate: Table, profiles: Profiles):
        self._demand, self._profiles = list(demand), profiles
        self._climate = [climate.rows[climate.position(row.zone)] for row in self._demand]
        self._shape = np.array([profiles.days([row.day for row in self._demand], season) for season in SEASONS])
        column = {f: np.array([getattr(c, f) for c in self._climate])[:, None]
                  for f in ("hot", "above", "cold", "below", "spread")}
        self._hot, self._above, self._cold, self._below, self._spread = column.values()
        self._years: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def of(self, day: Day, temperature: np.ndarray) -> np.ndarray:
        """[zone, hour], zones in the order of `demand`.  temperature: degC [zone]."""
        level, expected = self._year(day.date.year)
        i = day.date.timetuple().tm_yday - 1
        heat = self._effect(temperature[:, None])[:, 0] / expected[:, i]
        return (level[:, i] * heat)[:, None] * self._shape[SEASONS.index(day.season)]

    def least(self, year: int) -> np.ndarray:
        """Lowest value that any hour of a year can take, [zone]."""
        level, expected = self._year(year)
        return (level / expected).min(axis=1) * self._shape.min(axis=(0, 2))

    def _effect(self, temperature):
        """Load over that of a mild day, [zone, day]."""
        return 1 + self._above * np.maximum(temperature - self._hot, 0) \
            + self._below * np.maximum(self._cold - temperature, 0)

    def _year(self, year: int) -> tuple[np.ndarray, np.ndarray]:
        """Level of each day and expected temperature effect, both [zone, day]."""
        if year not in self._years:
            days = (date(year + 1, 1, 1) - date(year, 1, 1)).days
            path = np.array([self._profiles.year(row.month, year) for row in self._demand]).reshape(-1, days)
            weekday = (date(year, 1, 1).weekday() + np.arange(days)) % 7
            weekend = np.array([row.weekend for row in self._demand])[:, None]
            level = path * np.where(weekday >= 5, weekend, 1.0)
            mean = np.array([self._profiles.year(c.temperature, year) for c in self._climate]).reshape(-1, days)
            expected = 1 + self._above * mean_excess(mean - self._hot, self._spread) \
                + self._below * mean_excess(self._cold - mean, self._spread)
            self._years[year] = level / level.mean(axis=1, keepdims=True), expected
        return self._years[year]


def mean_excess(distance, spread):
    """E[(X)+] of a normal X with this mean ("distance" over a threshold) and standard deviation; spread may be 0."""
    from scipy.special import ndtr  # only a run needs it: checking a file answers without

    with np.errstate(divide="ignore", invalid="ignore"):
        d = distance / spread
        excess = spread * np.exp(-d ** 2 / 2) / np.sqrt(2 * np.pi) + distance * ndtr(d)
    return np.where(spread > 0, excess, np.maximum(distance, 0))
