"""Users: the load of every class at every bus. A population that decides how much to draw and what of it is green."""

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from agents import cover
from agents.base import Population
from agents.certificates import Wants
from agents.exports import BEYOND, Prospect
from sim.calendar import Day, Month
from sim.config import Table
from sim.messages import Orders, Public, Statement, Weather
from sim.network.demand import Blocks, Curves, Drawn, Trading, opened
from sim.network.years import demand_of
from sim.units import MW, CNYPerMWh, Index, Ratio, Rows, Share, SignedRatio

if TYPE_CHECKING:
    from sim.law import Law
    from sim.network.grid import Grid
    from sim.weather import Profiles

MARKET_OPENS = Month(2014, 1)  # first month in which anybody traded


class Users(Population):
    """Everybody who consumes electricity: a row is a class of users at a bus.

    *Decides* how much to draw when prices change: once a month, each class by its elasticity to the delivered price;
    whether to register for trade, once the law lets it; how much of its use to cover by contracts; and which
    certificates to bid for, see `agents.certificates`.

    load = (class curve - large users' blocks) x response, in MW; the curve is `Drawn.load` of `Curves`. The response
    is exp(-elasticity x (p - n) / (n + delivery)) with p the zone's mean price of the month that has just closed and
    n the price that the annual figure of that month goes with; 1 until a month has closed. Large users decide for
    themselves (`agents.large_user`); other provinces' demand has no elasticity and is given.

    bus, user_class: positions in the grid's buses and in `user_classes`.  mean: MW of this year in normal weather.
    deviation, evening: as in `sim.network.demand.UserClass`, scaled.  apart: MW that large users bid for today.
    elasticity, delivery (CNY/MWh): of the delivered price.  response: multiple of the load this month.  registered:
    share who trade ahead.

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
    registered: Rows[Share]
    prospect: "Prospect"  # what everybody can expect of a month

    def __init__(self, model, *, grid: "Grid", demand: Table, years: Table, classes: Table, splits: Table,
                 smelters: Table, build_out: Table, climate: Table, profiles: "Profiles", trading: Trading,
                 green: Table | tuple = ()):
        """grid: whose buses and zones order all arrays; years: `demand_years`; trading: how users trade ahead; the rest
        are tables of the world."""
        super().__init__(model, "users", len(splits))
        self._buses, self._profiles = len(grid.bus), profiles
        self._curves = Curves(demand, climate, profiles)
        self._splits, self._classes, self._years = splits, classes, years
        self._blocks = Blocks(splits, classes, smelters, build_out)
        self._drawn = Drawn(self.mean, self.deviation, self.evening)  # the columns themselves
        self._year, self._trading, self._eligible = 0, trading, None
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
        self._wants = Wants(green, splits["user_class"])
        self.at_retail = np.zeros(len(splits), bool)  # whether retailers buy ahead for a row

    @property
    def zone(self) -> np.ndarray:
        """Position of each row's zone in `demand.csv`, int [row]."""
        return self._zone

    @property
    def grid_zone(self) -> np.ndarray:
        """Position in the grid of each zone of `demand.csv`, int [zone]."""
        return self._grid_zone

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

    def replan(self, prospect: "Prospect", use: np.ndarray):
        """Take what everybody expects of the months of a year. use: MW [12, row, hour], of their typical days."""
        self.prospect, self.expected = prospect, use

    def register(self, law: "Law", until: date):
        """Who trades when a run begins: the opening of the market replayed month by month."""
        month = MARKET_OPENS
        while month.first < until:
            if "contracts" in (rules := law.on(month.first)):
                self._enter(rules["contracts"].eligible)
            month = month.later(1)

    def orders(self, market, scene) -> Orders:
        """Bids for cover of what registered users will use, for what comes from beyond the province, certificates."""
        if market.key == "green":
            return self._wants.bids(len(scene.grid.units) + np.arange(len(self)), scene)
        if market.key == "contracts":
            self._eligible = scene.rules.eligible
            party = np.arange(len(self), dtype=np.int32) + len(scene.grid.units)
            use = self.expected * (self.registered * ~self.at_retail)[None, :, None]
            return cover.bids(scene, self.prospect, self._trading, party, use)
        if market.key in BEYOND or market.surplus:
            return self.prospect.bids(market, scene, self.mean)
        return Orders.none()

    def _enter(self, eligible: float):
        """Live a month of registration."""
        may = opened(self._classes, eligible)[self.user_class]
        self.registered[:] = cover.entered(self.registered, may, self._trading.entry)

    def by_bus(self, load: np.ndarray) -> np.ndarray:
        """Sum over the classes: [row, hour] -> [bus, hour]."""
        total = np.zeros((self._buses, load.shape[1]))
        np.add.at(total, self.bus, load)
        return total

    def learn(self, statement: Statement, public: Public):
        """Compare the closed month's mean price of the own zone with the normal one and draw more or less; register."""
        if self._eligible is not None:
            self._enter(self._eligible)
        month = statement.month.month
        for row in np.flatnonzero(self.elasticity > 0):
            zone = self._zone[row]
            mean, normal = public.zone_mean[self._grid_zone[zone]], self._profiles.month(self._price[zone], month)
            if np.isfinite(mean):
                change = (mean - normal) / (normal + self.delivery[row])
                self.response[row] = np.exp(-self.elasticity[row] * change)
