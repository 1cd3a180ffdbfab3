"""Cities: where riders work, how many orders are asked there in which hour, and at which bus their batteries charge."""

from datetime import date
from typing import ClassVar, Literal

import numpy as np

from sim.calendar import SEASONS, Day, Month
from sim.config import BadInput, Key, Row, Section, Table, World, bounded
from sim.units import HOURS, CNYPerMWh, Count, OrdersPerDay, Persons, Ratio, Share
from sim.weather import MONTHS, Profiles

NAMED = "named"
ORIGINS = ("local", "other_city", "other_province")  # of a rider's hukou, seen from the city he works in
ROUNDING = 1e-6  # shares that must sum to one may miss it by rounding


class City(Row):
    """A row of `cities.csv`: a city, or a region of many cities (`rest`) that stands for its part of the country.

    name, province: for the reader.  tier: row of `rider_tiers`.  climate: whose weather it has.  bus: where swap
    cabinets charge; empty for a city outside the network, whose charging then costs `outside_price`.  riders: active
    in a month.  local, other_city, other_province: riders by origin.  orders: asked on a normal day, all year and all
    weather on average; spread over the year by `month_profile` and over the day by `day_profile`.
    """

    key: str
    name: str
    kind: Literal["named", "rest"]
    tier: Key("rider_tiers")
    province: str
    climate: Key("climate")
    bus: Key("buses") | None
    outside_price: bounded(CNYPerMWh, ge=0) | None
    riders: bounded(Persons, ge=0)
    local: bounded(Share, ge=0, le=1)
    other_city: bounded(Share, ge=0, le=1)
    other_province: bounded(Share, ge=0, le=1)
    orders: bounded(OrdersPerDay, ge=0)
    month_profile: Key("profiles_month")
    day_profile: Key("profiles_day")
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]):
        """Origins sum to one; a city has a bus or a price outside, and only one of them. Raises: BadInput."""
        for i, city in enumerate(table):
            total = city.local + city.other_city + city.other_province
            if abs(total - 1) > ROUNDING:
                raise BadInput(table.fault(i, "local", f"the three shares of origin sum to {total:g}; expected 1"))
            if (city.bus is None) == (city.outside_price is None):
                raise BadInput(table.fault(
                    i, "outside_price", "expected a price where the city has no bus, an empty cell where it has one"))


class OrderLevel(Row):
    """A row of `order_levels.csv`: from a day on, orders per rider as a multiple of the year behind `cities.csv`.

    Both what is asked and what a rider can carry follow it: denser orders are shorter ways. Before the first row its
    level holds; a table without rows means 1 throughout.
    """

    identity: ClassVar[tuple[str, ...]] = ("first",)

    first: date
    level: bounded(Ratio, gt=0)
    source: str


class OrderSettings(Section):
    """The section `orders` of world.yaml: what moves orders besides their profiles.

    season: exponent on the month profile, the part of the season that each rider feels; the rest of it is the number
    of riders, which the slots hold still.  rain, extreme: multiples of a dry day's orders in such weather.
    per_rider: each rider finds the usual orders, however many riders there are; false: they share the city's.
    late: share of orders that come late where as many are asked as can be carried; late_power: exponent on orders asked
    over carried elsewhere.  nearest, travel, roam, reach, customers, restaurants: `sim.network.districts`.
    """

    season: bounded(Ratio, ge=0)
    rain: bounded(Ratio, gt=0)
    extreme: bounded(Ratio, gt=0)
    per_rider: bool
    late: bounded(Share, ge=0, le=1)
    late_power: bounded(Ratio, ge=0)
    nearest: bounded(Count, ge=1)
    travel: bounded(Ratio, gt=0)
    roam: bounded(Ratio, gt=0)
    reach: bounded(Ratio, gt=0)
    customers: bounded(Ratio, ge=0)
    restaurants: bounded(Ratio, ge=0)
    source: str


class Cities:
    """All cities of a world; arrays are by row of `cities.csv`.

    key, name: texts.  bus: int32, -1 outside the network.  outside_price: CNY/MWh, nan inside.
    tier: int, row of `rider_tiers`.  districts: count [city].  province: texts.  named: bool, False for a rest
    region.  riders: persons.
    origins: share [city, origin], in the order of ORIGINS.  orders: asked on a normal day [city].
    hourly: [city, hour], mean 1, the year's mean.  season: [city, month], mean 1.
    uplift: [dry, rain, extreme].  usual_weather: share of a year's days [weather, city].
    """

    def __init__(self, world: World, profiles: Profiles):
        table, settings = world["cities"], world.settings.orders
        self.key, self.name = tuple(table["key"]), tuple(table["name"])
        at = world["buses"].position
        self.bus = np.array([-1 if city.bus is None else at(city.bus) for city in table], np.int32)
        self.outside_price = np.array([np.nan if c.outside_price is None else c.outside_price for c in table], float)
        self.tier = np.array([world["rider_tiers"].position(city.tier) for city in table], np.int64)
        self.districts = world["rider_tiers"]["districts"][self.tier]
        self.province = tuple(table["province"])
        self.named = np.array([city.kind == NAMED for city in table], bool)
        self.riders = table["riders"].astype(np.int64)
        self.origins = np.column_stack([table[origin] for origin in ORIGINS])
        self.orders = table["orders"]
        self._hourly = {season: profiles.days(table["day_profile"], season) for season in SEASONS}
        self.hourly = np.mean(list(self._hourly.values()), axis=0)
        season = np.array([[profiles.month(key, m) for m in range(1, 13)] for key in table["month_profile"]])
        season = season.reshape(-1, 12) ** settings.season
        self.season = season / season.mean(axis=1, keepdims=True)
        self.uplift = np.array([1.0, settings.rain, settings.extreme])
        self.usual_weather = usual_weather(world)
        self._usual_uplift = self.uplift @ self.usual_weather
        self._levels = sorted((row.first, row.level) for row in world["order_levels"]) or [(date.min, 1.0)]

    def __len__(self):
        return len(self.key)

    def __bool__(self):
        return True  # a world without cities still has this room

    def level(self, month: Month) -> float:
        """Orders per rider in a month as a multiple of the normal year."""
        since = [level for first, level in self._levels if first <= month.first]
        return since[-1] if since else self._levels[0][1]

    def asked(self, day: Day, rain: np.ndarray) -> np.ndarray:
        """Orders asked on a day [city, hour]. rain: 0 dry, 1 rain, 2 extreme [city]."""
        normal = self.orders * self.level(day.month) * self.season[:, day.date.month - 1]
        return (normal * self.uplift[rain] / self._usual_uplift)[:, None] * self._hourly[day.season] / HOURS


def usual_weather(world: World) -> np.ndarray:
    """Share of a year's days that are dry, rainy and extreme, [weather, city], from each city's climate."""
    climate, profiles = world["climate"], world["profiles_month"]

    def mean(profile: str | None) -> float:
        if profile is None:
            return 0.0
        row = profiles.rows[profiles.position(profile)]
        return float(np.mean([getattr(row, month) for month in MONTHS]))

    shares = []
    for city in world["cities"]:
        of = climate.rows[climate.position(city.climate)]
        wet, extreme = mean(of.rain), mean(of.extreme)
        wet = max(wet, extreme)  # extreme days are the worst of the rain days
        shares.append((1 - wet, wet - extreme, extreme))
    return np.array(shares).reshape(-1, 3).T
