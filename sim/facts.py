"""Facts: the physical and market truth of the month that is open. Bills and instruments read it; only the model writes."""

from typing import Any

import numpy as np

from sim.calendar import Day, Month
from sim.messages import Clearing, Conditions, People, Public, Weather, Work
from sim.network.city import Cities
from sim.network.grid import Grid
from sim.units import HOURS

MEMORY = 28  # days of zone prices that everybody may see


class Facts:
    """One month's arrays, filled day by day; hours (H) and days (D) of the days lived are the last axis.

    price, energy: CNY/MWh [bus, H].  load, shed, disposed: MW [bus, H].  output, available, stored: [unit, H], MW
    and MWh.  line_flow: MW [line, H].  sent, delivered: MW [link, H].  rent: CNY [H].
    consumption: MW [user row, H].  charging: MW [city, H].  asked, done: orders [city, H].  pay: CNY [city].
    water: hm3 [reservoir, D] at the day's end; inflow, spilled: hm3 [reservoir, D].  water_energy: MWh [basin, D].
    temperature: degC [zone, D].  rain: [zone, D].
    people: the riders' month, set at its close.  today: the day's clearings by rhythm.
    imbalance: MW, residual: CNY, water_residual: hm3, the largest violations seen.  events: counts by name.
    """

    def __init__(self, grid: Grid, cities: Cities, reservoirs: int, basins: int, user_rows: int, user_bus):
        self.grid, self.cities, self.user_bus = grid, cities, user_bus
        self.city_bus, self.outside_price = cities.bus, cities.outside_price
        self._shape = {
            "price": len(grid.bus), "energy": len(grid.bus), "load": len(grid.bus), "shed": len(grid.bus),
            "disposed": len(grid.bus), "output": len(grid.units), "available": len(grid.units),
            "stored": len(grid.units), "line_flow": len(grid.line), "line_shadow": len(grid.line),
            "sent": len(grid.link), "delivered": len(grid.link), "link_shadow": len(grid.link), "rent": None,
            "consumption": user_rows, "charging": len(cities), "asked": len(cities), "done": len(cities)}
        self._daily = {"water": reservoirs, "inflow": reservoirs, "spilled": reservoirs, "water_energy": basins,
                       "temperature": len(grid.zone), "rain": len(grid.zone)}
        zones = len(grid.zone)
        self.public = Public(np.full((MEMORY, zones, HOURS), np.nan), np.full(zones, np.nan), np.zeros(basins),
                             np.ones(basins), np.zeros(len(cities)))
        self.month: Month | None = None
        self.today: dict[str, Clearing] = {}

    def open(self, month: Month):
        """Begin a month: empty arrays, counters at zero."""
        self.month, self.days = month, 0
        for name, rows in self._shape.items():
            shape = (month.days * HOURS,) if rows is None else (rows, month.days * HOURS)
            setattr(self, f"_{name}", np.zeros(shape))
        for name, rows in self._daily.items():
            setattr(self, f"_{name}", np.zeros((rows, month.days)))
        self.pay = np.zeros(len(self.cities))
        self.people: People | None = None
        self.imbalance = self.residual = self.water_residual = 0.0
        self.events: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._shape | self._daily:
            raise AttributeError(name)
        lived = self.days * (HOURS if name in self._shape else 1)
        return self.__dict__[f"_{name}"][..., :lived]

    def tell(self, clearing: Clearing):
        """Take down a market's answer."""
        self.today[clearing.rhythm] = clearing
        for event, count in clearing.events.items():
            self.events[event] = self.events.get(event, 0) + count
        self.imbalance = max(self.imbalance, clearing.imbalance)
        self.residual = max(self.residual, clearing.residual)

    def add(self, day: Day, weather: Weather, work: Work, conditions: Conditions, consumption, rivers):
        """Close a day: what happened goes into the month's arrays, prices become public.

        consumption: MW [user row, hour].  rivers: the reservoirs after the day's run.
        """
        cleared = self.today["real-time"]
        hours = slice(self.days * HOURS, (self.days + 1) * HOURS)
        for name in ("price", "energy", "shed", "disposed", "output", "stored", "line_flow", "line_shadow", "sent",
                     "delivered", "link_shadow", "rent"):
            self.__dict__[f"_{name}"][..., hours] = getattr(cleared, name)
        self._load[:, hours], self._available[:, hours] = conditions.load, conditions.available
        self._consumption[:, hours] = consumption
        self._charging[:, hours], self._asked[:, hours], self._done[:, hours] = work.charging, work.asked, work.done
        self.pay += work.pay
        self._water[:, self.days], self._spilled[:, self.days] = rivers.stored, rivers.spilled
        self._inflow[:, self.days], self._water_energy[:, self.days] = conditions.inflow, rivers.stored_energy()
        self._temperature[:, self.days], self._rain[:, self.days] = weather.temperature, weather.rain
        self.water_residual = max(self.water_residual, rivers.residual)
        self.days += 1
        self._publish(cleared, conditions)

    def _publish(self, cleared: Clearing, conditions: Conditions):
        """Let everybody see the day's zone prices (load-weighted over the zone's buses)."""
        weight = conditions.load + 1e-9  # a zone without load: the plain mean of its buses
        price = self.grid.by_zone(cleared.price * weight) / self.grid.by_zone(weight)
        self.public.zone_price[:-1] = self.public.zone_price[1:]
        self.public.zone_price[-1] = price

    def zone_mean(self) -> np.ndarray:
        """CNY/MWh [zone]: the month's mean price, weighted by load."""
        weight = self.load + 1e-9
        return (self.grid.by_zone((self.price * weight).sum(axis=1)) / self.grid.by_zone(weight.sum(axis=1)))
