"""PolicyLab: one step is one day. The only door from the world to those who decide."""

from datetime import date, timedelta

import mesa
import numpy as np

from agents.aggregator import aggregators
from agents.beliefs import WaterValues, normal_year, opening_levels, water_beliefs
from agents.capacity_desk import capacity_desks
from agents.developer import developers
from agents.exports import Prospect
from agents.foreign import Foreign
from agents.generator import companies
from agents.large_user import large_users
from agents.outlook import NoPlan
from agents.platform import Platform
from agents.retail_room import rehearsed, shop, wholesale
from agents.riders import Riders
from agents.storage import storage_companies
from agents.trader import traders
from agents.users import Users
from sim import credit, retail
from sim.calendar import Calendar, Day, Month
from sim.config import BadInput, Config
from sim.facts import Facts
from sim.markets.base import Market
from sim.messages import Conditions, Orders, Scene, Weather, Work
from sim.network.grid import NEIGHBOUR, STORE, USER
from sim.network.ground import Ground
from sim.network.pools import POOL
from sim.recorder import Memory, Recorder, Sink
from sim.registry import instruments, markets
from sim.settlement import bills, chain, checks
from sim.settlement.journal import Journal
from sim.settlement.pooled import Pooling
from sim.streams import Streams

RHYTHMS = frozenset({"year", "month", "day-ahead", "real-time"})  # at which the step calls markets


class PolicyLab(mesa.Model):
    """The laboratory: a function of config and seed, lived day by day.

    config: what `sim.config.load` gives.  seed: in place of the config's.  sink: where closed months go; without one
    they are kept in memory, as `results`.
    """

    def __init__(self, config: Config, seed: int | None = None, sink: Sink | None = None):
        self.seed = config.seed if seed is None else seed
        super().__init__(rng=self.seed)  # Mesa's own generators stay unused: draws are addressed, see sim.streams
        self._guard_steps()
        self.config, self.law = config, config.law
        self.calendar, self.streams = Calendar(config.start, config.end), Streams(self.seed)
        self.rules = self.law.on(config.start)
        if "spot" not in self.rules:
            raise BadInput(f"{config.path}: markets.spot: is off or not in force on {config.start}; expected it on, "
                           "nothing else clears energy")
        self.ground = Ground(config.world, self.streams, config.start.year, self._admission())
        self.weather, self.cities = self.ground.weather, self.ground.cities
        self.grid = self.ground.grid(config.start)
        self.markets = {key: market() for key, market in markets().items()}
        for key, market in self.markets.items():
            if not set(market.rhythms) <= RHYTHMS:
                raise ValueError(f"market {key!r} has rhythms {market.rhythms}; the step calls {sorted(RHYTHMS)}")
        self._check_rules()
        self.instruments = {key: instrument() for key, instrument in instruments().items()}
        self._people_the_world()
        self.facts = Facts(self.grid, self.ground, self.users.bus, self.streams)
        self.facts.pooling = self._pooling()
        self.journal = Journal(keep=config.record.journal)
        self.chain = chain.Chain(chain.genesis(config.resolved(), self.seed))
        self.results = sink or Memory()
        self.recorder = Recorder(self.results, hourly=config.record.hourly)

    def _admission(self):
        """The rules of virtual power plants on a day; None where no day of the run knows any."""
        days = (self.calendar.start, *(d for d in self.law.changes if self.calendar.start < d <= self.calendar.end))
        if not any("vpp" in self.law.on(day) for day in days):
            return None
        return lambda day: self.law.on(day).get("vpp")

    def _check_rules(self):
        """No two markets' rules contradict each other on any day of the run. Raises: BadInput."""
        start, end = self.calendar.start, self.calendar.end
        for day in (start, *(day for day in self.law.changes if start < day <= end)):
            book = self.law.on(day)
            for key, market in self.markets.items():
                if key in book:
                    market.check(book)

    def _people_the_world(self):
        """Everybody who decides, in the order in which they are asked."""
        world, ground = self.config.world, self.ground
        self.users = Users(self, grid=self.grid, demand=world["demand"], years=world["demand_years"],
                           classes=world["user_classes"], splits=world["load_split"], smelters=world["smelters"],
                           build_out=world["build_out"], climate=world["climate"], profiles=ground.profiles,
                           trading=world.settings.contracts, green=world["green_demand"])
        self.users.register(self.law, self.calendar.start)
        self.platform = Platform(self, world, self.law)
        self.riders = Riders(self, world, self.cities, self.config.scale, self.streams, self.law, self.calendar.start)
        values, prospect, use = self._plan(self.calendar.start.year)
        self._open_rivers(values)
        self.developers = developers(self, world, ground)
        self.companies = companies(self, ground, self.grid, values, self.config, self.streams)
        self.smelters = large_users(self, world, ground.first[USER])
        self.foreign = Foreign(
            self, table=world["foreign"], steps=world["borders"], first_unit_row=ground.first[NEIGHBOUR],
            grid=self.grid, normal=prospect.price, stream=self.streams["foreign/entry"], law=self.law,
            start=Month.of(self.calendar.start))
        self.accounts, self.retailers, self.shop = shop(self, self.config, self.users, self.streams)
        self.actors = [
            *self.companies,
            *storage_companies(self, world["stores"], ground.first[STORE], self.grid.units.bus),
            *self.smelters,
            *aggregators(self, ground.pools, ground.first[POOL], self.grid.units.bus),
            *traders(self, world["borders"], ground.first[NEIGHBOUR], self.streams["trade/deals"]),
            *capacity_desks(self, ground, self.grid, self.streams, world.settings.investment.haggling),
            *self.developers,
            self.foreign, self.platform, self.users, self.riders, self.accounts, self.retailers]
        self._tell(values, prospect, use)
        if self.shop is not None:
            rehearsed(self.shop, self.users, self.law, Month.of(self.calendar.start))

    def _plan(self, year: int) -> tuple[WaterValues | None, Prospect, np.ndarray]:
        """What the owners of reservoirs believe their water to be worth in a year, what everybody expects of it, and
        the use of a typical day of each month, MW [12, user row, hour]."""
        limits, values, stored = self.rules["spot"], None, None
        days, use = self.typical_year(year)
        try:
            if len(self.ground.rivers):
                values = water_beliefs(self.ground, self.grid, days, limits.clearing_floor, limits.clearing_cap)
                stored = normal_year(values)
        except NoPlan as reason:
            raise BadInput(f"{self.config.world.path}: nobody can plan its water in {year}: {reason}") from reason
        return values, Prospect.of(self.ground, self.grid, days, stored), use

    def _tell(self, values: WaterValues | None, prospect: Prospect, use: np.ndarray):
        """Let those who plan ahead know what a year may bring."""
        for company in self.companies:
            company.replan(self.grid, values, prospect)
        for smelter in self.smelters:
            smelter.replan(prospect)
        self.users.replan(prospect, use)

    def _open_rivers(self, values: WaterValues | None):
        """The levels at which years of the owners' plans leave the rivers."""
        rivers, start = self.ground.rivers, self.calendar.start
        if values is None:
            return
        try:
            rivers.open(start, opening_levels(values, rivers, start))
        except NoPlan as reason:
            raise BadInput(f"{self.config.world.path}: nobody can plan its water: {reason}") from reason

    def _pooling(self) -> Pooling | None:
        """Who splits what pools earn; nobody where there are none."""
        ground, splits = self.ground, self.config.world["load_split"]
        if ground.pools is None:
            return None
        rows = {(split.user_class, split.bus): row for row, split in enumerate(splits)}
        return Pooling(ground.pools, ground.first[POOL], rows, tuple(ground.cities.key), self.streams["vpp/orders"])

    def step(self):
        """Live one day: law, what is traded ahead, weather, work, clear; settle what the day closes."""
        day = self.calendar.turn()
        self.rules = self.law.on(day.date)
        if day.opens_year:
            self.open_year(day)
        if day.opens_month:
            self.open_month(day)
        self.live_day(day)
        if day.closes_month:
            self.close_month(day)
        self.running = day.date < self.calendar.end

    def open_year(self, day: Day):
        """What stands on the grid this year, what its owners make of it, what is traded for a year."""
        approved = self.rules["new_capacity"].approved if "new_capacity" in self.rules else None
        for developer in self.developers:
            for technology, power in developer.open_year(day.month, approved):
                self.ground.build(developer.zone, technology, power, day.date)
        self.grid = self.ground.grid(day.date)
        if day.index:  # the first year was planned when the rivers were opened
            self.ground.stores.turn(day.date.year)
            self._tell(*self._plan(day.date.year))
        self.facts.turn_year(self.grid)
        self.clear("year")

    def open_month(self, day: Day):
        """An empty page of facts; what is traded for a month."""
        self.facts.open(day.month)
        if self.at_retail:
            expected = self.shop.expected(self.users, self.facts.public, day.month)
            flat = self.rules["contracts"].cover_year if "contracts" in self.rules else 0.0
            self.shop.open(day.month, expected, self.rules["retail"], self.rules["credit"], flat)
        self.clear("month")

    def live_day(self, day: Day):
        """Weather, work and use make the day's conditions; markets clear a forecast of them, then what happened."""
        weather = self.weather.draw(day)  # one driver for everything outdoors
        offer = self.platform.offers(day)
        work = self.riders.work(day, weather, self.cities, offer)  # orders, pay, battery swaps
        self.facts.charge(work, offer.commission)
        use = self.users.consume(day, weather)
        today, expected = self.conditions(day, weather, work, use), None
        spot = self.rules["spot"]
        if spot.ahead and spot.settles(day.date):
            expected = self.ground.forecast.of(day, today, self.grid)
            self.clear("day-ahead", expected)
        self.clear("real-time", today if expected is None else self.left(today))
        self.ground.live(day, today, self.facts.today["spot", "real-time"])
        self.facts.add(day, weather, work, today, use, self.ground.rivers, spot, expected)

    def conditions(self, day: Day, weather: Weather, work: Work, use: np.ndarray) -> Conditions:
        """Load by bus and hour, and what plants, rivers, stores and links can do today."""
        load = self.users.by_bus(use)
        on_bus = self.cities.bus >= 0
        np.add.at(load, self.cities.bus[on_bus], work.charging[on_bus])
        return self.ground.conditions(day, weather, load, self.grid, self.facts.last_output)

    def left(self, today: Conditions) -> Conditions:
        """What a day's real time finds beside what was held back for others a day ahead."""
        for market in self.called("day-ahead"):
            today = market.leaves(today, self.facts.today[market.key, "day-ahead"], self.grid)
        return today

    def called(self, rhythm: str) -> list[Market]:
        """The markets of a rhythm that are in force, in the order in which they answer."""
        found = [market for key, market in self.markets.items() if rhythm in market.rhythms and key in self.rules]
        return sorted(found, key=lambda market: market.after_spot)

    def clear(self, rhythm: str, conditions: Conditions | None = None):
        """Every market of this rhythm, in their order: actors speak, the market answers, actors listen."""
        called, held = self.called(rhythm), None
        early = {}  # orders that the spot must know of, though their market answers after it
        for market in (market for market in called if market.after_spot):
            scene = self.scene(market, rhythm, conditions)
            early[market.key] = self.spoken(market, scene)
            held = market.holds(early[market.key], scene)
        for market in called:
            scene = self.scene(market, rhythm, conditions, held if market.key == "spot" else None)
            orders = early[market.key] if market.after_spot else self.spoken(market, scene)
            clearing = market.clear(orders, scene)
            self.facts.tell(clearing)
            for actor in self.actors:
                actor.hear(clearing.of(actor.units))

    @property
    def at_retail(self) -> bool:
        """Whether there are accounts, and law under which they buy."""
        return self.shop is not None and "retail" in self.rules and "credit" in self.rules

    def scene(self, market: Market, rhythm: str, conditions: Conditions | None, held=None) -> Scene:
        """What may be known when orders to a market are made. held: what the spot must hold back with its energy."""
        return Scene(self.calendar.now, rhythm, conditions, self.grid, earlier=self.facts.today,
                     public=self.facts.public, positions=self.facts.positions, rules=self.rules[market.key],
                     certificates=self.facts.certificates, reserve=held)

    def spoken(self, market: Market, scene: Scene) -> Orders:
        """All actors' orders to a market, but for what bad credit bars."""
        orders = Orders.gather(actor.orders(market, scene) for actor in self.actors)
        if scene.rhythm in market.barred and self.at_retail:
            orders = credit.admitted(orders, self.shop.barred(self.grid))
        return orders

    def close_month(self, day: Day):
        """What happened becomes money: bills and instruments write transfers, one line posts them, everybody learns."""
        month = day.month
        self.facts.people = self.riders.close(month, self.rules)
        if "green" in self.rules:
            self.facts.certificates.close(month, self.facts, self.rules["green"])
        if "emissions" in self.rules:
            self.facts.tracer.close(self.facts, self.rules["emissions"], self.rules.get("green"))
        transfers, services = bills.of(self.facts, self.rules), []
        for key, market in self.markets.items():
            if key in self.rules:
                billed = market.bill(month, self.facts, self.rules[key])
                (transfers if market.closes_itself else services).extend(billed)
        for key, instrument in self.instruments.items():  # no instrument reads another
            if key in self.rules:
                services += instrument.apply(month, self.facts, self.rules[key])
        if self.at_retail:
            sold = wholesale(self.shop, self.facts, transfers, self.rules["retail"])
            self.facts.retail = self.shop.close(month, sold, self.rules["retail"], self.rules["credit"])
            transfers += retail.bills(self.facts.retail)
            self.facts.firms = self.shop.judge_firms(month, self.facts, self.rules["credit"])
            transfers += retail.firm_bills(self.facts.firms)
        transfers += services + bills.levy(services, self.facts)
        if self.facts.pooling is not None:
            due = [*self.journal.pending, *transfers]
            transfers += self.facts.pooling.close(due, self.facts, self.rules.get("vpp"))
        due = [*self.journal.pending, *transfers]
        statements = bills.statements(due, self.facts)
        self.journal.post(month, transfers)  # the only line in the model that moves money
        self.chain.close(month, self.journal, chain.provinces(self.facts))
        self.facts.publish_month(self.riders.peer_share(), due)
        for actor in self.actors:
            actor.learn(statements[actor.name], self.facts.public)
        self.recorder.keep(month, self)
        checks.month(self.journal, self.facts)  # faults raise here, beside their cause

    def typical_year(self, year: int) -> tuple[list[Conditions], np.ndarray]:
        """A typical day of each month of a year, as everybody can know it: the working day nearest mid-month, average
        weather; and its use, MW [12, user row, hour]."""
        unknown, days, uses = np.full(len(self.grid.units), np.nan), [], []
        for month in range(1, 13):
            middle = date(year, month, 15)
            when = middle - timedelta(days=max(0, middle.weekday() - 4))  # a weekend's middle is the Friday before
            day = Calendar(when, when).turn()
            weather = self.ground.typical(day)
            uses.append(self.users.usual(day, weather))
            load = self.users.by_bus(uses[-1])
            days.append(self.ground.conditions(day, weather, load, self.grid, unknown))
        return days, np.stack(uses)

    def run(self, progress=None) -> "PolicyLab":
        """Live all days that are left.  progress: called with each lived day."""
        while self.running:
            self.step()
            if progress:
                progress(self.calendar.now)
        return self

    def _guard_steps(self):
        """Mesa forgets a step that raised and lets time pass; from then on every step of ours says so again."""
        self.broken: BaseException | None = None
        mesa_step = self.step

        def guarded():
            """A step, unless one has broken. Raises: RuntimeError after one that has; what the step raises."""
            if self.broken is not None:
                raise RuntimeError(f"the run broke on {self.calendar.now}") from self.broken
            try:
                mesa_step()
            except BaseException as error:
                self.broken = error
                raise

        self.step = guarded
