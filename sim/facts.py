"""Facts: the physical and market truth of the open month. Bills and instruments read it; only the model writes."""

from typing import TYPE_CHECKING

import numpy as np

from sim import revenue, welfare
from sim.calendar import Day, Month
from sim.certificates import Certificates
from sim.insurance.experience import Experience
from sim.messages import Clearing, Conditions, Dispatch, People, Public, Trade, Transfer, Weather, Work
from sim.network.grid import Grid
from sim.network.ground import Ground
from sim.positions import Positions
from sim.streams import Streams
from sim.tracing import Tracer
from sim.units import HOURS

if TYPE_CHECKING:
    from sim.credit import FirmMonth
    from sim.network.rivers import Rivers
    from sim.retail import RetailMonth
    from sim.settlement.pooled import Pooling

MEMORY = 28  # days of zone prices that everybody may see
CLEARED = ("price", "energy", "shed", "disposed", "output", "stored", "line_flow", "line_shadow", "sent", "delivered",
           "link_shadow", "rent")  # taken from the day's real-time clearing as they are
SOLD = ("price", "shed", "disposed", "output", "line_flow", "sent", "delivered")  # and from its day-ahead clearing
SPOT = "spot"


class Facts:
    """One month's arrays, filled day by day; hours (H) and days (D) of the days lived are the last axis.

    price, energy: CNY/MWh [bus, H].  load, shed, disposed: MW [bus, H].  output, available, minimum
    (must-run): MW, stored: MWh [unit, H].  line_flow: MW, line_shadow: CNY/MWh [line, H].  rent: CNY [H].
    sent, delivered: MW, link_shadow: CNY/MWh [link, H].
    consumption: MW [user row, H].  charging: MW [city, H].  asked, done: orders [city, H].  pay: CNY [city].
    budget: MWh [unit, D], most energy of the day, inf where there is no limit.
    water: hm3 [reservoir, D] at the day's end; inflow, spilled: hm3 [reservoir, D].  water_energy: MWh [basin, D].
    temperature: degC [zone, D].  rain: [zone, D].
    user_bus: int [user row].  city_bus: int [city], -1 outside the grid.  outside_price: CNY/MWh [city].
    settled: bool [H], whether the spot's prices settle the hour.  ahead: the day-ahead market, see `Ahead`.
    spot: the spot's rules in force.  positions: what was sold before that.  trades: the last Trade of each market and
    rhythm.  certificates: who holds which.  tracer: whose energy came from where.
    pooling: what pools earned, None where the law knows none.  swap_rebate: fen [city] that a rider's subscription
    costs less this month.  daily: this month's day-ahead Trades of each market, in order.
    gain: what joint clearing was worth, where the law asks for it.  lost: CNY, what clearing by turns cost.
    income: fen [unit] of the month by bill, set at its close.
    commission: CNY [city] that customers paid on orders beyond their delivery.  experience: of the injury insurance.
    streams: draws addressed by purpose, identity and month.
    opening: the conditions of the month's first day (levels of stores and water that morning).  rivers: the reservoirs.
    people: the riders' month, set at its close; retail, firms: that of retailers and the companies' credit (None
    without accounts).
    today: the day's clearings by market and rhythm.  public: what
    everybody may see.
    imbalance: MW, residual: CNY, water_residual: hm3, the largest violations seen.  events: counts by name.
    """

    def __init__(self, grid: Grid, ground: Ground, user_bus: np.ndarray, streams: Streams):
        self.grid, self.cities, self.user_bus, self.streams = grid, ground.cities, user_bus, streams
        self.experience = Experience(len(ground.cities))
        self.positions = Positions(len(grid.units) + len(user_bus), len(grid.link))
        market = np.isin(ground.world["load_split"]["user_class"], ground.world["green_demand"]["user_class"])
        self.certificates = Certificates(grid, user_bus, market)
        self.tracer = Tracer(grid, ground.world["load_split"]["user_class"], tuple(ground.cities.key))
        self.pooling: Pooling | None = None
        self.swap_rebate = np.zeros(len(ground.cities), np.int64)
        self.positions.bus = self.party_bus
        self.trades: dict[tuple[str, str], Trade] = {}
        self.ahead = Ahead(self)
        self.city_bus, self.outside_price = ground.cities.bus, ground.cities.outside_price
        self._reservoirs, self._basins = len(ground.rivers), len(ground.rivers.full)
        self.month: Month | None = None
        self.days = 0
        self._page: dict[str, np.ndarray] = {}
        self.today: dict[tuple[str, str], Clearing] = {}
        self.public = Public(
            zone_price=np.full((MEMORY, len(grid.zone), HOURS), np.nan), zone_mean=np.full(len(grid.zone), np.nan),
            stored_water=ground.rivers.stored_energy(), inflow_index=np.ones(self._basins),
            peer_share=np.zeros(len(self.cities)))

    def open(self, month: Month):
        """Begin a month: an empty page, counters at zero."""
        grid, hours, days = self.grid, month.days * HOURS, month.days
        buses, units, lines, links, cities = map(len, (grid.bus, grid.units, grid.line, grid.link, self.cities))
        rows = dict(price=buses, energy=buses, load=buses, shed=buses, disposed=buses, output=units, available=units,
                    minimum=units, stored=units, line_flow=lines, line_shadow=lines, sent=links, delivered=links,
                    link_shadow=links, consumption=len(self.user_bus), charging=cities, asked=cities, done=cities)
        daily = dict(water=self._reservoirs, inflow=self._reservoirs, spilled=self._reservoirs,
                     water_energy=self._basins, temperature=len(grid.zone), rain=len(grid.zone), budget=units)
        self._page = {name: np.zeros((n, hours)) for name, n in rows.items()}
        ahead = (*SOLD, "load", "consumption", "charging")
        self._page |= {f"ahead_{name}": np.zeros((rows[name], hours)) for name in ahead}
        self._page |= {"rent": np.zeros(hours), "settled": np.zeros(hours, bool), "sold_ahead": np.zeros(hours, bool)}
        self._page |= {name: np.zeros((n, days)) for name, n in daily.items()}
        self._daily = frozenset(daily)
        self.month, self.days = month, 0
        self.pay, self.commission = np.zeros((2, cities))
        self.people: People | None = None
        self.retail: RetailMonth | None = None
        self.firms: FirmMonth | None = None
        self.income: dict[str, np.ndarray] = {}
        self.opening: Conditions | None = None
        self.imbalance = self.residual = self.water_residual = 0.0
        self.gain = welfare.nothing(len(grid.zone))
        self.lost = 0.0
        self.events: dict[str, int] = {}
        self.daily: dict[str, list[Trade]] = {}
        self.positions.open(month)

    def __getattr__(self, name: str) -> np.ndarray:
        """The days lived of one of the page's arrays."""
        page = self.__dict__.get("_page", {})
        if name not in page:
            raise AttributeError(f"Facts has no {name!r}")
        return page[name][..., : self.days * (1 if name in self._daily else HOURS)]

    @property
    def party_bus(self) -> np.ndarray:
        """Bus of each party, int [party]: units, then user rows."""
        return np.concatenate([self.grid.units.bus, self.user_bus])

    def turn_year(self, grid: Grid):
        """Take this year's grid; what was sold for the year that ended is over."""
        self.grid = grid
        self.positions.resize(len(grid.units) + len(self.user_bus), len(grid.link))
        self.certificates.turn_year(grid)

    @property
    def last_output(self) -> np.ndarray:
        """MW [unit] in the last hour that was cleared; nan before there was one."""
        if (SPOT, "real-time") not in self.today:
            return np.full(len(self.grid.units), np.nan)
        return self.today[SPOT, "real-time"].output[:, -1]

    def tell(self, clearing: Clearing):
        """Take down a market's answer."""
        self.today[clearing.market, clearing.rhythm] = clearing
        for event, count in clearing.events.items():
            self.events[event] = self.events.get(event, 0) + count
        if isinstance(clearing, Dispatch):
            self.imbalance = max(self.imbalance, clearing.imbalance)
            self.residual = max(self.residual, clearing.residual)
        else:
            self.trades[clearing.market, clearing.rhythm] = clearing
            if clearing.rhythm == "day-ahead":
                self.daily.setdefault(clearing.market, []).append(clearing)
            self.positions.add(clearing)
            self.certificates.add(clearing)
            self.public.traded[clearing.market] = self.public.traded.get(clearing.market, {}) | clearing.public

    def add(self, day: Day, weather: Weather, work: Work, conditions: Conditions, use: np.ndarray, rivers: "Rivers",
            rules, expected: Conditions | None):
        """Close a day: what happened goes onto the page, what everybody may see becomes public.

        use: MW [user row, hour].  rivers: after the day's run.  rules: the spot's.  expected: on what the day-ahead
        market cleared; None where it did not.
        """
        cleared = self.today[SPOT, "real-time"]
        hourly = {name: getattr(cleared, name) for name in CLEARED}
        hourly |= dict(load=conditions.load, available=conditions.available, minimum=conditions.minimum,
                       consumption=use, charging=work.charging, asked=work.asked, done=work.done,
                       settled=rules.settles(day.date), sold_ahead=expected is not None)
        if expected is not None:
            hourly |= self._sold(conditions, expected, use, work.charging)
        daily = dict(water=rivers.stored, spilled=rivers.spilled, inflow=conditions.inflow,
                     water_energy=rivers.stored_energy(), temperature=weather.temperature, rain=weather.rain,
                     budget=conditions.energy)
        for name, values in hourly.items():
            self._page[name][..., self.days * HOURS : (self.days + 1) * HOURS] = values
        for name, values in daily.items():
            self._page[name][:, self.days] = values
        self._compare(cleared if expected is None else self.today[SPOT, "day-ahead"], expected or conditions, rules)
        self.opening, self.rivers, self.spot = self.opening or conditions, rivers, rules
        self.pay += work.pay
        self.water_residual = max(self.water_residual, rivers.residual)
        self.days += 1
        self._publish(cleared, conditions)
        self.public.stored_water = rivers.stored_energy()
        self.public.inflow_index = rivers.inflow_index(day.date, self.inflow)

    def _sold(self, conditions: Conditions, expected: Conditions, use: np.ndarray, charging: np.ndarray):
        """The day-ahead market's arrays; who uses how much of a bus's expected load follows who used what of it."""
        cleared = self.today[SPOT, "day-ahead"]
        share = np.divide(expected.load, conditions.load, out=np.ones_like(expected.load), where=conditions.load > 0)
        of_city = np.where((self.city_bus >= 0)[:, None], share[np.maximum(self.city_bus, 0)], 1.0)
        arrays = {name: getattr(cleared, name) for name in SOLD}
        arrays |= dict(load=expected.load, consumption=use * share[self.user_bus], charging=charging * of_city)
        return {f"ahead_{name}": values for name, values in arrays.items()}

    def _compare(self, first: Dispatch, conditions: Conditions, rules):
        """Take down what joint clearing gained today, and what clearing by turns lost, where they were compared."""
        self.lost += first.lost
        if first.alone is not None:
            self.gain += welfare.gain(first, conditions.load, rules.clearing_cap, rules.clearing_floor, self.grid)

    def charge(self, work: Work, commission: np.ndarray):
        """Take down what customers paid on the day's orders beyond their delivery. commission: CNY an order [city]."""
        self.commission += work.done.sum(axis=1) * commission

    def publish_month(self, peer_share: np.ndarray, transfers: list[Transfer]):
        """What the closed month lets everybody see.  peer_share: enrolled share among full-time riders [city].
        transfers: all that the month posts."""
        self.experience.close(self.people)
        self.income = revenue.stack(transfers, self.month, len(self.grid.units))
        self.public.earnings = revenue.earnings(self.income, self.grid, self.grid.standing(self.month.first))
        self.public.zone_mean = self.zone_mean()
        self.public.peer_share = peer_share

    def zone_mean(self) -> np.ndarray:
        """CNY/MWh [zone]: the month's mean price, weighted by load."""
        weight = self._weight(self.load)
        return self.grid.by_zone((self.price * weight).sum(axis=1)) / self.grid.by_zone(weight.sum(axis=1))

    def _publish(self, cleared: Dispatch, conditions: Conditions):
        """The day's zone prices, weighted by load, newest last."""
        weight = self._weight(conditions.load)
        self.public.zone_price[:-1] = self.public.zone_price[1:]
        self.public.zone_price[-1] = self.grid.by_zone(cleared.price * weight) / self.grid.by_zone(weight)

    def _weight(self, load: np.ndarray) -> np.ndarray:
        """Weights of bus prices: the load; ones in a zone that has none in that hour."""
        idle = self.grid.by_zone(load)[self.grid.bus_zone] <= 0
        return np.where(idle, 1.0, load)


class Ahead:
    """The open month's day-ahead market, under the names that Facts has for what happened: price, shed, disposed,
    output, line_flow, sent, delivered, load, consumption, charging; zero on days that it did not clear.

    hours: bool [H], whether it cleared the hour.
    """

    def __init__(self, facts: Facts):
        self._facts = facts

    @property
    def hours(self) -> np.ndarray:
        """Whether the day-ahead market cleared the hour, bool [H]."""
        return self._facts.sold_ahead

    def __getattr__(self, name: str):
        facts = self.__dict__["_facts"]
        return getattr(facts, name if name in ("grid", "user_bus", "city_bus") else f"ahead_{name}")
