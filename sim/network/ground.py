"""The ground: everything physical of a world, assembled from its tables, and the Conditions that a day brings."""

from datetime import date

import numpy as np

from sim.calendar import Day
from sim.config import World
from sim.messages import Clearing, Conditions, Weather
from sim.network import borders, smelters
from sim.network.city import Cities
from sim.network.forecast import Forecast
from sim.network.grid import NEIGHBOUR, PLANT, STORE, USER, Grid, Units
from sim.network.outages import Outages
from sim.network.plants import Plants
from sim.network.rivers import Rivers
from sim.network.stores import Stores
from sim.streams import Streams
from sim.units import HOURS
from sim.weather import Profiles
from sim.weather import Weather as Driver


class Ground:
    """Plants, rivers, stores, cities, weather and the network of a world.

    units: the table of units: plants, stores, large users, neighbours.  first: the row where each kind begins.
    reservoir_units: int [reservoir], the unit of each reservoir's plant.  forecast: what is expected a day ahead.
    """

    def __init__(self, world: World, streams: Streams):
        self.world = world
        self.profiles = Profiles(world["profiles_month"], world["profiles_day"])
        buses, basins = world["buses"], world["basins"]
        zones = tuple(dict.fromkeys(buses["zone"]))
        self.cities = Cities(world, self.profiles)
        self.weather = Driver(
            streams, zones=zones, basins=list(basins["key"]), cities=list(world["cities"]["climate"]),
            climate=world["climate"], pairs=world["weather_pairs"], profiles=self.profiles,
            settings=world.settings.weather, first=world.covers.start, last=world.covers.end)
        self.plants = Plants(world["plants"], buses=buses, zones=zones, basins=basins, outages=world["outages"],
                             profiles=self.profiles)
        self.rivers = Rivers(world["reservoirs"], basins, world["plants"], self.profiles)
        self.stores, self.outages = Stores(world["stores"]), Outages(world["outages"])
        self.units = self._units()
        rows = [len(world[table]) for table in ("plants", "stores", "smelters")]
        self.first = dict(zip((PLANT, STORE, USER, NEIGHBOUR), np.cumsum([0, *rows]).tolist()))
        self._stores = slice(self.first[STORE], self.first[USER])
        self._table_capacity = self.units.capacity
        self.reservoir_units = np.array([world["plants"].position(key) for key in self.rivers.plant], np.int32)
        self.forecast = Forecast(world.settings.weather, self.rivers, self.reservoir_units, streams)

    def _units(self) -> Units:
        """The table of units with what was built so far."""
        at = {bus.key: i for i, bus in enumerate(self.world["buses"])}
        return Units.join(self.plants.units(at, frozenset(self.rivers.plant)), self.stores.units(at),
                          smelters.units(self.world["smelters"], at), borders.units(self.world["borders"], at))

    def grid(self, on: date) -> Grid:
        """The network as it stands on a date."""
        return Grid(self.world["buses"], self.world["corridors"], self.world["joint_limits"], self.units, on,
                    self.standing)

    def standing(self, day: date) -> np.ndarray:
        """MW [unit] that stand on a day, outages and seasons not counted."""
        standing = self.units.capacity.copy()
        standing[: len(self.plants)] = self.plants.standing(day.toordinal())
        standing[self._stores] = self.stores.standing(day.toordinal())
        return standing

    def clusters(self, zone: str, technology: str) -> np.ndarray:
        """Rows of `units` (int [n]) of a technology in a zone."""
        here = np.array([bus.zone == zone for bus in self.world["buses"]], bool)
        return np.flatnonzero((self.units.technology == technology) & here[self.units.bus])

    def build(self, zone: str, technology: str, power: float, day: date) -> None:
        """Let MW more of a technology stand in a zone from a day on (negative: less), all its clusters alike; grids that
        are made later know of it. Days are given in their order.

        Raises: ValueError where there is nothing that could grow.
        """
        rows = self.clusters(zone, technology)
        if not len(rows) or rows[-1] >= self.first[USER]:
            raise ValueError(f"{zone} has no plant or store of {technology!r} that could grow")
        share = np.zeros(self.first[USER])
        share[rows] = self._table_capacity[rows] / self._table_capacity[rows].sum()
        self.plants.added.build(power * share[: len(self.plants)], day.toordinal())
        self.stores.build(power * share[self._stores], day.toordinal())
        self.units = self._units()

    def built(self, zone: str, technology: str, until: date) -> list[tuple[date, float]]:
        """Day and MW of what was commissioned up to a day in the clusters of a technology in a zone."""
        rows = self.clusters(zone, technology)
        return [(self.units.first[row], self._table_capacity[row]) for row in rows if self.units.first[row] <= until]

    def conditions(self, day: Day, weather: Weather, load: np.ndarray, grid: Grid, before: np.ndarray) -> Conditions:
        """What the day brings.  load: MW [bus, hour], inelastic.  before: MW [unit], yesterday's last hour or nan."""
        plants, least = self.plants.available(day, weather)
        available = np.concatenate([plants, self.stores.available(day), smelters.available(self.world["smelters"]),
                                    borders.available(self.world["borders"], day)])
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

    def typical(self, day: Day) -> Weather:
        """A date's weather as it is on average: mean temperature, dry, wind and sun of the month, normal rivers."""
        zones, cities = len(self.weather.zone), len(self.cities)
        return Weather(day, temperature=self.weather.mean_temperature(day), rain=np.zeros(zones, int),
                       wind=np.ones(zones), sun=np.ones(zones), wetness=np.zeros(len(self.weather.basin)),
                       city_rain=np.zeros(cities, int))
