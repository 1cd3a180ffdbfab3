"""Power plants: what stands where, whose it is, and what it could and must give in each hour of a day.

What a plant can give is the least of two shares of its capacity: what the machine can do (constant availability less
planned outages of the month) and what nature brings (month's capacity factor, shape of the day, weather), for the
plants that live on wind, sun or running water.
"""

from datetime import date
from typing import TYPE_CHECKING, Literal

import numpy as np

from sim.calendar import SEASONS, Day
from sim.config import BadInput, Key, Row, Table, bounded
from sim.messages import Weather
from sim.network.added import Added
from sim.network.grid import FOREVER, PLANT, Units
from sim.network.outages import Outages
from sim.network.rivers import Flows
from sim.network.years import Stock, fuel_of, kind_of
from sim.units import HOURS, MW, CNYPerMWh, Ratio, Share

if TYPE_CHECKING:
    from sim.weather import Profiles

WIND, SUN = ("wind", "wind_offshore"), ("solar",)


class Plant(Row):
    """A row of `plants.csv`: a plant, or the plants of one owner and technology at one bus.

    cost: of a MWh more (hydro: operation only, its water is valued by who owns it).  markup: what its owner adds
    in the spot, as a multiple of cost.  must_run: least output as a share of what is available; stands for unit
    commitment, heat and security.  must_run_season: key of its multiple by month.  ramp: share of capacity in an
    hour; 1 is free.  availability: constant share, unplanned outages out.
    outage: its planned outage.  profile: the month's capacity factor, shape: its hours as multiples of the day's mean;
    empty where nature sets no limit.  basin: whose wetness multiplies the profile (running water).
    pondage: keeps its water within the day, so that nature limits the day's energy and not each hour's power; its
    must_run then is a share of the day's mean.
    in_service: empty for a cluster of plants built over years: its stock follows `build_out.csv` and `capacity` is that
    of the middle of 2025.  Its cost of other years follows `fuel_years.csv`.
    """

    key: str
    bus: Key("buses")
    owner: str
    technology: Literal["coal", "gas", "nuclear", "hydro", "wind", "wind_offshore", "solar", "biomass"]
    capacity: bounded(MW, gt=0)
    cost: bounded(CNYPerMWh, ge=0)
    markup: bounded(Ratio, ge=0) = 0.0
    must_run: bounded(Share, ge=0, le=1) = 0.0
    must_run_season: Key("profiles_month") | None = None
    ramp: bounded(Share, gt=0, le=1) = 1.0
    availability: bounded(Share, gt=0, le=1) = 1.0
    outage: Key("outages") | None = None
    profile: Key("profiles_month") | None = None
    shape: Key("profiles_day") | None = None
    basin: Key("basins") | None = None
    pondage: bool = False
    in_service: date | None = None
    retires: date | None = None
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Profiles are of the right kind, wind and sun have one, a life ends after its start. Raises: BadInput."""
        profiles = tables["profiles_month"]
        for i, plant in enumerate(table):
            for field, unit in (("profile", "share"), ("must_run_season", "ratio")):
                key = getattr(plant, field)
                if key is not None and profiles.rows[profiles.position(key)].unit != unit:
                    raise BadInput(table.fault(i, field, f"profile {key!r} is not a {unit}; expected one that is"))
            weathered = plant.technology in WIND + SUN or plant.basin is not None or plant.shape is not None
            if weathered and plant.profile is None:
                raise BadInput(table.fault(i, "profile", "the cell is empty; expected the key of the month's capacity "
                                                         "factor, which wind, sun, a basin or a shape multiplies"))
            if plant.pondage and (plant.technology != "hydro" or plant.key in set(tables["reservoirs"]["plant"])):
                raise BadInput(table.fault(i, "pondage", "expected true only for hydro without a reservoir of its own"))
            if plant.retires is not None and plant.in_service is not None and plant.retires <= plant.in_service:
                raise BadInput(table.fault(i, "retires", f"{plant.retires} is not after {plant.in_service}"))


class Plants:
    """All plants of a world; a row keeps its place in the table.

    key: str [plant].  capacity: MW, cost: CNY/MWh [plant], as the table has them; what holds on a day or in a year is
    what the methods say.
    added: what was built beyond the tables.  machine: share [plant, month] of capacity that machines give, outages out.

    buses: gives each plant its zone.  zones: order of the zones in `Weather` arrays.  flows: of the basins, whose order
    is that of `Weather.wetness`.  profiles: of months and days.  build_out, fuel: how stock and cost move.
    """

    def __init__(self, table: Table, *, buses: Table, zones, flows: Flows, outages: Table, profiles: "Profiles",
                 build_out: Table, fuel: Table):
        plants = self._plants = list(table)
        self._flows, self._profiles, self._fuel = flows, profiles, fuel
        self.key, self.capacity, self.cost = table["key"], table["capacity"], table["cost"]
        zone = {bus.key: bus.zone for bus in buses}
        self._kind = [(zone[p.bus], p.technology) for p in plants]
        self._stock = Stock(build_out, [kind_of(p, zone) for p in plants])
        self._first = np.array([(p.in_service or date.min).toordinal() for p in plants], np.int64)
        self._last = np.array([(p.retires or FOREVER).toordinal() for p in plants], np.int64)
        self._must_run, self._pondage = table["must_run"], table["pondage"].astype(bool)
        self._seasonal = np.array([i for i, p in enumerate(plants) if p.must_run_season is not None], np.intp)
        self._season_keys = [plants[i].must_run_season for i in self._seasonal]
        self.added = Added(self.capacity)
        self.machine = table["availability"][:, None] * Outages(outages).in_service(table["outage"])
        self._driver = self._drivers(zone, tuple(zones), flows.basins)
        self._natural = np.array([i for i, p in enumerate(plants) if p.profile is not None], np.intp)
        self._natural_keys = [plants[i].profile for i in self._natural]
        self._shape = self._shapes()

    def _drivers(self, zone_of: dict[str, str], zones: tuple[str, ...], basins: Table) -> np.ndarray:
        """Row of (wind, sun, wetness) that drives each plant, [3, plant]; one past the end for none."""
        driver = np.full((3, len(self._plants)), len(zones), np.intp)
        driver[2] = len(basins)
        for i, plant in enumerate(self._plants):
            if plant.technology in WIND + SUN:
                driver[0 if plant.technology in WIND else 1, i] = zones.index(zone_of[plant.bus])
            if plant.basin is not None:
                driver[2, i] = basins.position(plant.basin)
        return driver

    def _shapes(self) -> dict[str, np.ndarray]:
        """Hours of plants with a profile as multiples of the day's mean, by season [natural plant, hour]."""
        flat = np.ones(HOURS)
        shapes = [self._plants[i].shape for i in self._natural]
        return {season: np.array([flat if key is None else self._profiles.day(key, season) for key in shapes]
                                 ).reshape(-1, HOURS) for season in SEASONS}

    def __len__(self):
        return len(self.capacity)

    def units(self, at: dict[str, int], year: int, budgeted=frozenset()) -> Units:
        """The plants as rows of the grid's table of units: what stands at most in a year, at that year's cost.

        at: position of each bus.  budgeted: keys of plants with a daily energy limit (they have a reservoir, so that no
        cost is registered for them).
        """
        plants = self._plants
        ramp, added = np.array([p.ramp for p in plants], float), self.added.on(date(year, 12, 31).toordinal())
        capacity = np.maximum(self.capacity * self._stock.most(year) + added, 0.0)
        return Units.make(
            self.key, PLANT, [at[p.bus] for p in plants], [p.owner for p in plants], [p.technology for p in plants],
            capacity, cost=self.cost_in(year), ramp=np.where(ramp < 1.0, ramp * capacity, np.inf),
            budgeted=[p.key in budgeted or p.pondage for p in plants],
            first=[p.in_service or date.min for p in plants], last=[p.retires or FOREVER for p in plants])

    def cost_in(self, year: int) -> np.ndarray:
        """Cost of a MWh more in a year, CNY/MWh [plant]."""
        fuel = fuel_of(self._fuel, year)
        return self.cost * np.array([fuel.get(kind, 1.0) for kind in self._kind])

    def standing(self, day: Day) -> np.ndarray:
        """MW [plant] that stand on a day, outages not counted."""
        return self.stood(day.ordinal)

    def stood(self, ordinal: int) -> np.ndarray:
        """MW [plant] that stand on a date given by its ordinal."""
        alive = (self._first <= ordinal) & (ordinal < self._last)
        return alive * np.maximum(self.capacity * self._stock.on(ordinal) + self.added.on(ordinal), 0.0)

    def available(self, day: Day, weather: Weather) -> tuple[np.ndarray, np.ndarray]:
        """Most and least that each plant can give on a day: (available, minimum), MW [plant, hour]."""
        machine, given = self._machines(day), self._given(day, weather)
        least = self._must_run.copy()
        least[self._seasonal] *= self._profiles.on(self._season_keys, day.date)
        return np.where(self._pondage[:, None], machine, given), given * np.minimum(least, 1.0)[:, None]

    def energy(self, day: Day, weather: Weather) -> np.ndarray:
        """Most energy of the day, MWh [plant]; inf where nature limits every hour by itself."""
        return np.where(self._pondage, self._given(day, weather).sum(axis=1), np.inf)

    def _machines(self, day: Day) -> np.ndarray:
        """What the machines in service could give, MW [plant, hour]."""
        return np.repeat((self.standing(day) * self.machine[:, day.date.month - 1])[:, None], HOURS, axis=1)

    def _given(self, day: Day, weather: Weather) -> np.ndarray:
        """What machines and nature give hour by hour, MW [plant, hour]; by pondage, its mean is what counts."""
        given = self._machines(day)
        natural = self.standing(day)[self._natural, None] * self._nature(day, weather)
        given[self._natural] = np.minimum(given[self._natural], natural)
        return given

    def _nature(self, day: Day, weather: Weather) -> np.ndarray:
        """Share of capacity that wind, sun and water would allow, [natural plant, hour]; may pass 1 in a storm."""
        wind, sun, water = self._driver[:, self._natural]
        multiple = (np.append(weather.wind, 1.0)[wind] * np.append(weather.sun, 1.0)[sun]
                    * np.append(self._flows.multiple(day, weather), 1.0)[water])
        return (self._profiles.on(self._natural_keys, day.date) * multiple)[:, None] * self._shape[day.season]
