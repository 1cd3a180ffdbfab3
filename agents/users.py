"""Users: the load of every class at every bus. A population whose only decision is how much to draw."""

from typing import TYPE_CHECKING

import numpy as np

from agents.base import Population
from agents.exports import BEYOND, Prospect
from sim.calendar import Day
from sim.config import Table
from sim.messages import Orders, Public, Statement, Weather
from sim.network.demand import Blocks, Curves, Drawn
from sim.network.years import demand_of
from sim.units import MW, CNYPerMWh, Index, Ratio, Rows, SignedRatio

if TYPE_CHECKING:
    from sim.network.grid import Grid
    from sim.weather import Profiles


class Users(Population):
    """Everybody who consumes electricity: a row is a class of users at a bus.

    *Decides* how much to draw when prices change: once a month, each class by its elasticity to the delivered price.

    load = (class curve - large users' blocks) x response, in MW; the curve is `Drawn.load` of `Curves`. The response
    is exp(-elasticity x (p - n) / (n + delivery)) with p the zone's mean price of the month that has just closed and
    n the price that the annual figure of that month goes with; 1 until a month has closed. Large users decide for
    themselves (`agents.large_user`); other provinces' demand has no elasticity and is given.

    bus, user_class: positions in the grid's buses and in `user_classes`.  mean: MW of this year in normal weather.
    deviation, evening: as in `sim.network.demand.UserClass`, scaled.  apart: MW that large users bid for today.
    elasticity, delivery (CNY/MWh): of the delivered price.  response: multiple of the load this month.

    *Source*: a constant elasticity for small changes of the price, finite for large ones; figures in the table.
    """

    bus: Rows[Index]
    user_class: Rows[Index]
    mean: Rows[MW]
    deviation: Rows[Ratio]
    evening: Rows[SignedRatio]
    apart: Rows[MW]
    elasticity: Rows[Ratio]
    delivery: Rows[CNYPerMWh]
    response: Rows[Ratio]
    prospect: "Prospect"  # what everybody can expect of a month

    def __init__(self, model, *, grid: "Grid", demand: Table, years: Table, classes: Table, splits: Table,
                 smelters: Table, build_out: Table, climate: Table, profiles: "Profiles"):
        """grid: whose buses and zones order all arrays; years: `demand_years`; the rest are tables of the world."""
        super().__init__(model, "users", len(splits))
        self._buses, self._profiles = len(grid.bus), profiles
        self._curves = Curves(demand, climate, profiles)
        self._splits, self._classes, self._years = splits, classes, years
        self._blocks = Blocks(splits, classes, smelters, build_out)
        self._drawn = Drawn(self.mean, self.deviation, self.evening)  # the columns themselves
        self._year = 0
        rows = [classes.rows[classes.position(key)] for key in splits["user_class"]]
        self.bus[:] = [grid.bus.index(key) for key in splits["bus"]]
        self.user_class[:] = [classes.position(key) for key in splits["user_class"]]
        self.elasticity[:] = [row.elasticity for row in rows]
        self.delivery[:] = [row.delivery or 0.0 for row in rows]
        self.response[:] = 1.0
        zones = list(demand["zone"])
        self._zone = np.array([zones.index(row.zone) for row in rows], np.int32)
        self._grid_zone = np.array([grid.zone.index(zone) for zone in zones], np.int32)
        self._price = [row.price for row in demand]

    def consume(self, day: Day, weather: Weather) -> np.ndarray:
        """What is drawn in each hour of a day, MW [row, hour], large users' blocks left out."""
        return self.usual(day, weather) * self.response[:, None]

    def usual(self, day: Day, weather: Weather) -> np.ndarray:
        """What would be drawn at usual prices, MW [row, hour]."""
        if day.date.year != self._year:
            self._turn(day.date.year)
        self.apart[:] = self._blocks.on(day.ordinal)
        curve = self._curves.of(day, weather.temperature[self._grid_zone])[self._zone]
        return self._drawn.load(curve, self.apart)

    def _turn(self, year: int):
        """Take the figures of another year."""
        drawn = Drawn.of(self._splits, self._classes, demand_of(self._years, year), year)
        for name in ("mean", "deviation", "evening"):
            getattr(self, name)[:] = getattr(drawn, name)
        self._year = year

    def replan(self, prospect: "Prospect"):
        """Take what everybody expects of the months of a year."""
        self.prospect = prospect

    def orders(self, market, scene) -> Orders:
        """Bids for what comes from beyond the province."""
        return self.prospect.bids(market, scene, self.mean) if market.key in BEYOND else Orders.none()

    def by_bus(self, load: np.ndarray) -> np.ndarray:
        """Sum over the classes: [row, hour] -> [bus, hour]."""
        total = np.zeros((self._buses, load.shape[1]))
        np.add.at(total, self.bus, load)
        return total

    def learn(self, statement: Statement, public: Public):
        """Compare the closed month's mean price of the own zone with the normal one and draw more or less."""
        month = statement.month.month
        for row in np.flatnonzero(self.elasticity > 0):
            zone = self._zone[row]
            mean, normal = public.zone_mean[self._grid_zone[zone]], self._profiles.month(self._price[zone], month)
            if np.isfinite(mean):
                change = (mean - normal) / (normal + self.delivery[row])
                self.response[row] = np.exp(-self.elasticity[row] * change)
