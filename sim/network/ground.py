"""The ground: everything physical of a world, assembled from its tables, and the Conditions that a day brings."""

from collections.abc import Callable
from datetime import date

import numpy as np

from sim.calendar import Day
from sim.config import World
from sim.messages import Clearing, Conditions, Weather
from sim.network import borders
from sim.network.agreements import agreements
from sim.network.blocks import commitment
from sim.network.city import Cities
from sim.network.crossings import turns
from sim.network.forecast import Forecast
from sim.network.grid import NEIGHBOUR, PLANT, STORE, USER, Grid, Units
from sim.network.outages import Outages
from sim.network.plants import Plants
from sim.network.pools import POOL, Pools
from sim.network.rivers import Flows, Rivers
from sim.network.smelters import Smelters
from sim.network.stores import Stores
from sim.streams import Streams
from sim.units import HOURS
from sim.vpp import VppRules
from sim.weather import Profiles
from sim.weather import Weather as Driver

Admission = Callable[[date], VppRules | None]

class Ground:
    """Plants, rivers, stores, cities, weather and the network of a world.

    first: the row of the table of units where each kind begins: plants, stores, large users, neighbours, pools.
    pools: of small resources, none where the law knows no virtual power plants.
    reservoir_units: int [reservoir], the unit of each reservoir's plant.  forecast: what is expected a day ahead.
    """

    def __init__(self, world: World, streams: Streams, year: int, admission: Admission | None = None):
        """year: whose stock stands first.  admission: the rules of virtual power plants on a day; None where the law
        never knows any."""
        self.world = world
        self.profiles = Profiles(world["profiles_month"], world["profiles_day"])
        buses, basins = world["buses"], world["basins"]
        zones = tuple(dict.fromkeys(buses["zone"]))
        self.cities = Cities(world, self.profiles)
        self.weather = Driver(
            streams, zones=zones, basins=list(basins["key"]), cities=list(world["cities"]["climate"]),
            climate=world["climate"], pairs=world["weather_pairs"], profiles=self.profiles,
            settings=world.settings.weather, first=world.covers.start, last=world.covers.end)
        flows, build_out = Flows(basins, world["inflow_years"], self.weather, self.profiles), world["build_out"]
        self.plants = Plants(world["plants"], buses=buses, zones=zones, flows=flows, outages=world["outages"],
                             profiles=self.profiles, build_out=build_out, fuel=world["fuel_years"])
        self.rivers = Rivers(world["reservoirs"], flows, world["plants"], self.profiles)
        self.stores, self.outages = Stores(world["stores"], buses, build_out, year), Outages(world["outages"])
        self.smelters = Smelters(world["smelters"], buses, build_out)
        rows = [len(world[table]) for table in ("plants", "stores", "smelters", "borders")]
        self.first = dict(zip((PLANT, STORE, USER, NEIGHBOUR, POOL), np.cumsum([0, *rows]).tolist()))
        self.pools = None if admission is None else Pools(world["pool_members"], admission)
        self._stores = slice(self.first[STORE], self.first[USER])
        self._table_capacity = np.concatenate([world[table]["capacity"] for table in ("plants", "stores")])
        self._table_first = [row.in_service for table in ("plants", "stores") for row in world[table]]
        self.reservoir_units = np.array([world["plants"].position(key) for key in self.rivers.plant], np.int32)
        self.forecast = Forecast(world.settings.weather, self.rivers, self.reservoir_units, streams)

    def grid(self, on: date) -> Grid:
        """The network as it stands in the year of a date, and what has been agreed for it."""
        grid = Grid(self.world["buses"], self.world["corridors"], self.world["joint_limits"], self.units(on.year), on,
                    self.standing)
        grid.agreements = agreements(self.world, grid, self.outages, on.year)
        grid.commitment = commitment(grid.units, self.world["blocks"], self.world["commitment"])
        grid.turn = turns(grid, self.first[NEIGHBOUR], self.world["borders"]["market"])
        return grid

    def units(self, year: int) -> Units:
        """The table of units of a year: capacity at most, store and cost as they are in it."""
        at = {bus.key: i for i, bus in enumerate(self.world["buses"])}
        return Units.join(self.plants.units(at, year, frozenset(self.rivers.plant)), self.stores.units(at, year),
                          self.smelters.units(at, year), borders.units(self.world["borders"], at),
                          *([] if self.pools is None else [self.pools.units(at)]))

    def standing(self, day: date) -> np.ndarray:
        """MW of plants and stores that stand on a day, outages not counted; [plant, then store]."""
        return np.concatenate([self.plants.stood(day.toordinal()), self.stores.standing(day)])

    def build(self, zone: str, technology: str, power: float, day: date) -> None:
        """Let MW more of a technology stand in a zone from a day on (negative: less), all its clusters alike.

        Grids that are made later know of it. Days are given in their order.

        Raises: ValueError where there is nothing that could grow.
        """
        rows = self._clusters(zone, technology)
        if not len(rows):
            raise ValueError(f"{zone} has no plant or store of {technology!r} that could grow")
        share = np.zeros(self.first[USER])
        share[rows] = self._table_capacity[rows] / self._table_capacity[rows].sum()
        self.plants.added.build(power * share[: len(self.plants)], day.toordinal())
        self.stores.build(power * share[self._stores], day)

    def built(self, zone: str, technology: str) -> list[tuple[date, float]]:
        """What the tables let stand of a technology in a zone: the day of commissioning and MW of each part of it.

        What grows from day to day counts as commissioned in the middle of each year; what stood before counts with the
        first day that the tables know.
        """
        rows = self._clusters(zone, technology)
        found = [(first, self._table_capacity[row]) for row in rows
                 if (first := self._table_first[row]) is not None]
        growing = [row for row in rows if self._table_first[row] is None]
        path = [(row.day, row.share) for row in self.world["build_out"]
                if (row.zone, row.technology) == (zone, technology)]
        if growing and path:
            days, share = zip(*sorted(path))
            ends = [days[0], *(date(year, 12, 31) for year in range(days[0].year, days[-1].year + 1))]
            stood = np.interp([end.toordinal() for end in ends], [day.toordinal() for day in days], share)
            power = self._table_capacity[growing].sum() * np.diff(stood, prepend=0.0)
            dates = [days[0], *(date(end.year, 7, 1) for end in ends[1:])]
            found += [(day, float(mw)) for day, mw in zip(dates, power) if mw > 0]
        return found

    def _clusters(self, zone: str, technology: str) -> np.ndarray:
        """Rows of plants and stores (int [n]) of a technology in a zone."""
        tables = [row for name in ("plants", "stores") for row in self.world[name]]
        zone_of = {bus.key: bus.zone for bus in self.world["buses"]}
        return np.array([i for i, row in enumerate(tables)
                         if (zone_of[row.bus], row.technology) == (zone, technology)], np.intp)

    def conditions(self, day: Day, weather: Weather, load: np.ndarray, grid: Grid, before: np.ndarray) -> Conditions:
        """What the day brings.  load: MW [bus, hour], inelastic.  before: MW [unit], yesterday's last hour or nan."""
        plants, least = self.plants.available(day, weather)
        available = np.concatenate([plants, self.stores.available(day), self.smelters.available(day),
                                    borders.available(self.world["borders"], day),
                                    *([] if self.pools is None else [self.pools.available(day)])])
        minimum = np.zeros_like(available)
        minimum[: len(plants)] = least
        inflow = self.rivers.inflow(day, weather)
        energy = np.full(len(available), np.inf)
        energy[: len(plants)] = self.plants.energy(day, weather)
        energy[self.reservoir_units] = self.rivers.energy(inflow)
        flow = np.repeat(self.rivers.minimum(inflow)[:, None], HOURS, axis=1)
        minimum[self.reservoir_units] = np.minimum(flow, available[self.reservoir_units])
        stored = np.zeros(len(available))
        stored[self._stores] = self.stores.stored
        if self.pools is not None:
            stored[self.first[POOL]:] = self.pools.stored
        return Conditions(day, load, available, minimum, energy, stored, self.link_share(day, grid), inflow,
                          self.rivers.water, before)

    def link_share(self, day: Day, grid: Grid) -> np.ndarray:
        """Share of each link's capacity in service, [link, hour]; 0 before its first day."""
        share = self.outages.on(grid.link_outage, day.month) * (grid.link_first <= day.ordinal)
        return np.repeat(share[:, None], HOURS, axis=1)

    def live(self, day: Day, conditions: Conditions, cleared: Clearing):
        """Let water run and stores carry as the market cleared them."""
        self.rivers.run(day, conditions.inflow, cleared.output[self.reservoir_units].sum(axis=1))
        self.stores.carry(cleared.stored[self._stores, -1])
        if self.pools is not None:
            self.pools.carry(cleared.stored[self.first[POOL]:, -1])

    def typical(self, day: Day) -> Weather:
        """A date's weather as it is on average: mean temperature, dry, wind and sun of the month, normal rivers."""
        zones, cities = len(self.weather.zone), len(self.cities)
        return Weather(day, temperature=self.weather.mean_temperature(day), rain=np.zeros(zones, int),
                       wind=np.ones(zones), sun=np.ones(zones), wetness=np.zeros(len(self.weather.basin)),
                       city_rain=np.zeros(cities, int))
