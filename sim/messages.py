"""The words everybody speaks: Orders, Clearing, Conditions, Scene, Facts, Transfer, Statement, Work.

All are records of arrays. Axes are named broad to narrow, hour last. A *unit* is a row of `grid.units`: a plant, a
storage, a large user's block or a neighbour's step; each may have orders. A *party* is whoever trades ahead: a unit,
or, counted on from the last unit, a user row (a class of users at a bus). Sides are words, not signs.
"""

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.calendar import Day, Month
from sim.units import HOURS

if TYPE_CHECKING:
    from sim.certificates import Certificates
    from sim.engines.records import Products, Reserve
    from sim.network.grid import Grid
    from sim.positions import Positions

SELL, BUY = np.int8(1), np.int8(-1)


@dataclass(frozen=True)
class Orders:
    """Offers and bids to one market: prices and volumes only (limits live on the grid, budgets in Conditions).

    unit: int32 [order], row of `grid.units`; in markets that trade ahead, the party.  side: int8 [order], SELL or BUY.
    price: CNY/MWh [order, hour].  volume: MW [order, hour], never negative. A market of quantities without hours
    (certificates, megawatts of a year) has an hour axis of length 1 and units of its own.
    product: int8 [order], which of a market's products; 0 where it has one.
    """

    unit: np.ndarray
    side: np.ndarray
    price: np.ndarray
    volume: np.ndarray
    product: np.ndarray | None = None

    def __post_init__(self):
        if self.product is None:
            object.__setattr__(self, "product", np.zeros(len(self.unit), np.int8))

    def __len__(self):
        return len(self.unit)

    @classmethod
    def _of(cls, side, unit, volume, price, hours):
        unit = np.atleast_1d(np.asarray(unit, dtype=np.int32))
        wide = (len(unit), hours)
        price, volume = np.asarray(price, np.float64), np.asarray(volume, np.float64)
        if price.ndim == 1 and len(price) == len(unit):
            price = price[:, None]
        if volume.ndim == 1 and len(volume) == len(unit):
            volume = volume[:, None]
        price, volume = (part if part.shape == wide else np.broadcast_to(part, wide) for part in (price, volume))
        return cls(unit, np.full(len(unit), side), price, volume)

    @classmethod
    def sell(cls, unit, volume, price, hours: int = HOURS) -> "Orders":
        """Offer to sell up to `volume` MW at `price` CNY/MWh or more; [order], [order, hour] or one number."""
        return cls._of(SELL, unit, volume, price, hours)

    def of_product(self, product: int) -> "Orders":
        """The same orders, of one of a market's products."""
        return replace(self, product=np.full(len(self), product, np.int8))

    @classmethod
    def buy(cls, unit, volume, price, hours: int = HOURS) -> "Orders":
        """Bid to buy up to `volume` MW at `price` CNY/MWh or less; [order], [order, hour] or one number."""
        return cls._of(BUY, unit, volume, price, hours)

    @classmethod
    @cache
    def none(cls) -> "Orders":
        """No order; always the same one, because most actors are silent in most markets every day."""
        return cls.sell(np.empty(0, np.int32), np.empty((0, HOURS)), np.empty((0, HOURS)))

    @classmethod
    def gather(cls, many) -> "Orders":
        """All orders of many speakers in an order of their own, by unit, product, side, price, whoever spoke first."""
        many = [orders for orders in many if len(orders)]
        if not many:
            return cls.none()
        unit, side = np.concatenate([o.unit for o in many]), np.concatenate([o.side for o in many])
        price, volume = np.concatenate([o.price for o in many]), np.concatenate([o.volume for o in many])
        product = np.concatenate([o.product for o in many])
        rank = np.lexsort((volume.sum(axis=1), price.sum(axis=1), side, product, unit))
        return cls(unit[rank], side[rank], price[rank], volume[rank], product[rank])

    def of(self, units) -> np.ndarray:
        """Positions of the orders of the given units (int [order])."""
        units = np.atleast_1d(np.asarray(units, np.int32))
        if not len(units) or not len(self.unit):
            return np.empty(0, np.intp)
        mine = np.zeros(max(self.unit.max(initial=-1), units.max(initial=-1)) + 1, bool)
        mine[units] = True
        return np.flatnonzero(mine[self.unit])  # every actor asks every day: a table is far cheaper than a search


@dataclass(frozen=True)
class Conditions:
    """What the day brings, before anybody trades.

    load: MW [bus, hour], inelastic.             available: MW [unit, hour], the most a unit can give or take.
    minimum: MW [unit, hour], must-run output.   energy: MWh [unit], the most of the day; inf where unbounded.
    stored: MWh [unit] at the day's start (0 where it is no store).
    link_share: [link, hour], share of a link's capacity in service.
    inflow: hm3 [reservoir], local inflow of the day.  water: hm3 [reservoir] this morning.
    output_before: MW [unit] in the last hour of the day before; nan on a run's first day.
    """

    day: Day
    load: np.ndarray
    available: np.ndarray
    minimum: np.ndarray
    energy: np.ndarray
    stored: np.ndarray
    link_share: np.ndarray
    inflow: np.ndarray
    water: np.ndarray
    output_before: np.ndarray


@dataclass(frozen=True)
class Clearing:
    """A market's answer: a Dispatch from the spot market, a Trade from every other.

    rhythm: at which the market was called.  accepted: MW (or the market's own unit) [order, hour].
    events: count by name (re-solves, reversed links, iterations).
    """

    market: str
    rhythm: str
    day: Day
    orders: Orders
    accepted: np.ndarray
    events: dict[str, int]

    def of(self, units) -> "Award":
        """What the owner of these units or parties may hear: its own awards and all prices."""
        mine = self.orders.of(units)
        return Award(self.market, self.rhythm, self.day, units, self.orders.unit[mine], self.accepted[mine],
                     self.paid()[mine])

    def paid(self) -> np.ndarray:
        """At what each order is settled, CNY per unit of the product [order, hour]."""
        raise NotImplementedError


@dataclass(frozen=True)
class Trade(Clearing):
    """What a market that trades ahead answers.

    price: CNY per unit of the product [order, hour], at which each order is settled.
    months: [order, 12], multiple of `accepted` that is delivered on every day of a calendar month (a month's product:
    1 in that month, else 0); None where no energy is sold, and so no position made.
    sent: MW [link, 12, hour] at the sending end, what the trade schedules on links; nan on links of which it says
    nothing; None where it schedules none.
    reference: int [order], bus against whose day-ahead price the contract is settled; None as for months.
    public: figures that everybody may see, by name ("price", "volume").
    """

    price: np.ndarray
    months: np.ndarray | None = None
    sent: np.ndarray | None = None
    reference: np.ndarray | None = None
    public: dict[str, float] = field(default_factory=dict)

    def paid(self) -> np.ndarray:
        """At what each order is settled, CNY per unit of the product [order, hour]."""
        return self.price

    @classmethod
    def none(cls, market: str, rhythm: str, day: Day) -> "Trade":
        """Nobody traded."""
        nothing = Orders.none()
        return cls(market, rhythm, day, nothing, nothing.volume, {}, nothing.price)


@dataclass(frozen=True)
class Dispatch(Clearing):
    """What the spot market answers.

    accepted: MW [order, hour].  output: MW [unit, hour], injection net of withdrawal.
    price: CNY/MWh [bus, hour]; energy: the part of it at the area's reference bus; price - energy is congestion.
    line_flow: MW [line, hour] from -> to; line_shadow: CNY/MWh, >= 0, what one MW more of the binding limit saves.
    sent, delivered: MW [link, hour] at `from` and at `to`, negative when the flow runs backwards.
    link_shadow, minimum_shadow: CNY/MWh [link, hour], what a MW more of capacity, or less of minimum flow, saves.
    joint_shadow: CNY/MWh [joint, hour].
    shed, disposed: MW [bus, hour].  stored: MWh [unit, hour] at the hour's end.
    rent: CNY [hour], sum of price x (withdrawal - injection) at the buses, links excluded.
    residual: largest violation of the rent identity in CNY; imbalance: largest of any bus and hour in MW.
    objective: CNY of the day, true costs.  bus: int [order], where each order stands.
    alone: the same orders cleared with every zone alone, where the law asks for the comparison.
    lost: CNY that clearing by turns cost more than clearing at once would have, where the law asks for both.
    reserved: MW [product, unit, hour]; reserve_price: CNY/MW, reserve_short: MW [product, group, hour], where reserve
    was held back with the energy, see `engines.records`; reserve_cost: CNY, its part of the objective.
    blocks: [committed, hour] that run, where plants were committed.
    """

    output: np.ndarray
    price: np.ndarray
    energy: np.ndarray
    line_flow: np.ndarray
    line_shadow: np.ndarray
    sent: np.ndarray
    delivered: np.ndarray
    link_shadow: np.ndarray
    minimum_shadow: np.ndarray
    joint_shadow: np.ndarray
    shed: np.ndarray
    disposed: np.ndarray
    stored: np.ndarray
    rent: np.ndarray
    residual: float
    imbalance: float
    objective: float
    bus: np.ndarray
    alone: "Dispatch | None" = None
    lost: float = 0.0
    reserved: np.ndarray | None = None
    reserve_price: np.ndarray | None = None
    reserve_short: np.ndarray | None = None
    reserve_cost: float = 0.0
    blocks: np.ndarray | None = None

    def paid(self) -> np.ndarray:
        """The price at the bus of each order, CNY/MWh [order, hour]."""
        return self.price[self.bus]

    def congestion(self) -> np.ndarray:
        """The part of each bus price that its area's network makes, CNY/MWh [bus, hour]: price less energy."""
        return self.price - self.energy

    def steps_over_links(self, grid: "Grid") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How the price rises over each link along its flow: (loss, fee, congestion), CNY/MWh [link, hour].

        A MW sent arrives as 1 - l and pays its fee there, so p_to - p_from = l p_to + (1 - l) fee + congestion, the
        last being what capacity, joint and minimum limits are worth.
        """
        start, end = self.price[grid.link_from], self.price[grid.link_to]
        forward = self.sent >= 0
        cheap, dear = np.where(forward, start, end), np.where(forward, end, start)
        loss = grid.link_loss[:, None] * dear
        fee = np.broadcast_to(((1 - grid.link_loss) * grid.link_fee)[:, None], dear.shape)
        return loss, fee, dear - cheap - loss - fee

    def of(self, units) -> "Award":
        """What the owner of these units (rows of `grid.units`) may hear: its own awards and all prices."""
        mine = self.orders.of(units)
        return Award(self.market, self.rhythm, self.day, units, self.orders.unit[mine], self.accepted[mine],
                     self.price[self.bus[mine]], self.output[units], self.stored[units], self.price)


@dataclass(frozen=True)
class Award:
    """One actor's part of a Clearing. unit: [own order]; accepted: MW, paid: CNY/MWh [own order, hour], in the
    market's own units; of a Dispatch also output and stored: [own unit, hour], in the order of `units`, and price:
    CNY/MWh [bus, hour], which everybody may see."""

    market: str
    rhythm: str
    day: Day
    units: np.ndarray
    unit: np.ndarray
    accepted: np.ndarray
    paid: np.ndarray
    output: np.ndarray | None = None
    stored: np.ndarray | None = None
    price: np.ndarray | None = None


@dataclass
class Public:
    """What everybody may see.

    zone_price: CNY/MWh [28, zone, hour], the last 28 days, newest last; nan before there were any.
    zone_mean: CNY/MWh [zone], mean of the last closed month, weighted by load; nan before there was one.
    stored_water: MWh [basin] this morning.  inflow_index: [basin], this month's inflow so far over the normal one.
    peer_share: [city], enrolled share among high-frequency riders last month.
    traded: figures of the last trade of each market, by market and name.
    earnings: CNY per MW that stood in the last closed month, by zone and technology and then by stream of income.
    """

    zone_price: np.ndarray
    zone_mean: np.ndarray
    stored_water: np.ndarray
    inflow_index: np.ndarray
    peer_share: np.ndarray
    traded: dict[str, dict[str, float]] = field(default_factory=dict)
    earnings: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """All that an actor and a market may know when orders are made: one market, one day.

    conditions: a forecast of them where trade is a day ahead; None where it is further ahead.
    earlier: what was cleared before, by market and rhythm.  positions: what was sold ahead (actors read own rows).
    certificates: who holds which (likewise).
    reserve: what the spot must hold back with its energy (products and the day's reserve, see `engines.records`).
    """

    now: Day
    rhythm: str
    conditions: Conditions | None
    grid: "Grid"
    earlier: dict[tuple[str, str], Clearing]
    public: Public
    positions: "Positions"
    rules: Any
    certificates: "Certificates | None" = None
    reserve: tuple["Products", "Reserve"] | None = None


@dataclass(frozen=True)
class Weather:
    """One day's weather. temperature: degC [zone]; rain: 0 dry, 1 rain, 2 extreme [zone]; wind: multiple of the
    month's mean [zone]; sun: multiple of the month's mean [zone]; wetness: standard normal anomaly [basin];
    city_rain: rain of the zone a city lies in [city]."""

    day: Day
    temperature: np.ndarray
    rain: np.ndarray
    wind: np.ndarray
    sun: np.ndarray
    wetness: np.ndarray
    city_rain: np.ndarray


@dataclass(frozen=True)
class Work:
    """One day of the riders, by city. asked, done: orders [city, hour], counted in persons (weights applied);
    charging: MW [city, hour] at swap cabinets; pay: CNY [city].  late: of the orders done, those that came late
    [city]."""

    day: Day
    asked: np.ndarray
    done: np.ndarray
    charging: np.ndarray
    pay: np.ndarray
    late: np.ndarray


@dataclass(frozen=True)
class People:
    """The riders' month as bills and instruments may see it; every array is [row].

    identity: int64; weight: int32 persons; city: int16 (worked in this month); place: int16, index into the places of
    insurance as the law lists them (`rules["pension"].base`); income, orders: fen and count of one person.
    swaps: bool, has a swap subscription.  enrolled: bool, pays this month's premium.
    base, premium: fen of one person: lower contribution base of the month at the place of insurance, and the
    flexible worker's whole contribution on it, owed where enrolled.
    met: uint8 window of months in which income met the base of the city worked in, each month the base then in
    force; this month in bit 0, five months ago in bit 5.
    living, other: fen of one person: what goes from the rider's purse to household and road this month, and what other
    income of the household adds to it; one of the two is zero.
    claims: fen of one person, injury benefits due where the city is covered.

    What follows concerns who is insured and served how; a population that does not keep it leaves it at zero (`here`,
    `home` at true, `chosen` at the lower base).
    segment: way of being a rider, worked in this month.  age, tenure, history: months lived, ridden (completed) and
    contributed in life.  female: bool.  dependants: count.
    migrant, crossed, temporary: bool, hukou of another city; has worked in two cities; sees the work as temporary.
    origin: 0 local, 1 of another city of the province, 2 of another province.  second: CNY of one person, what another
    job or the household earns this month.
    account: fen of one person in his own pension account when the month began.
    chosen: fen, the contribution base that `premium` is reckoned on, at least `base`.
    here, home: bool, insured where he works, and where his hukou is (within one province both are true).
    days: worked this month.  hours: on the road this month.  rain_orders, extreme_orders: of his orders, those carried
    in rain and in extreme weather.  penalties: fen of one person kept back for late deliveries, `income` is after them.
    """

    month: Month
    identity: np.ndarray
    weight: np.ndarray
    city: np.ndarray
    place: np.ndarray
    income: np.ndarray
    orders: np.ndarray
    swaps: np.ndarray
    enrolled: np.ndarray
    base: np.ndarray
    premium: np.ndarray
    met: np.ndarray
    living: np.ndarray
    other: np.ndarray
    claims: np.ndarray
    segment: np.ndarray | None = None
    age: np.ndarray | None = None
    tenure: np.ndarray | None = None
    history: np.ndarray | None = None
    female: np.ndarray | None = None
    migrant: np.ndarray | None = None
    origin: np.ndarray | None = None
    second: np.ndarray | None = None
    crossed: np.ndarray | None = None
    temporary: np.ndarray | None = None
    dependants: np.ndarray | None = None
    account: np.ndarray | None = None
    chosen: np.ndarray | None = None
    here: np.ndarray | None = None
    home: np.ndarray | None = None
    days: np.ndarray | None = None
    hours: np.ndarray | None = None
    rain_orders: np.ndarray | None = None
    extreme_orders: np.ndarray | None = None
    penalties: np.ndarray | None = None

    def __post_init__(self):
        for name, dtype in UNKEPT.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.zeros(len(self.identity), dtype))
        for name in ("here", "home"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.ones(len(self.identity), bool))
        if self.chosen is None:
            object.__setattr__(self, "chosen", self.base)


# columns of People that stay at zero where a population does not keep them
UNKEPT = {"segment": np.uint8, "age": np.int16, "tenure": np.int16, "history": np.int16, "female": bool,
          "migrant": bool, "origin": np.uint8, "second": np.float32, "crossed": bool, "temporary": bool,
          "dependants": np.uint8, "account": np.int64, "days": np.uint8, "hours": np.float32, "rain_orders": np.int32,
          "extreme_orders": np.int32, "penalties": np.int64}


@dataclass(frozen=True)
class Transfer:
    """Money owed by a payer to a payee, in integer fen; only the Journal moves it.

    bill: what it is for, e.g. "spot energy".  payer, payee: names in the chart of accounts.
    amount: fen; a number, or int64 [row] of fen per person where one side is a mass account.
    row: int64 [row], identities on the mass side (a plant's row, a rider's identity); None for a single sum.
    weight: int32 [row], persons a row stands for; None for ones.
    due: the month whose close posts it; None for the month that is closing.
    """

    bill: str
    payer: str
    payee: str
    amount: Any
    row: np.ndarray | None = None
    weight: np.ndarray | None = None
    due: Month | None = None

    @property
    def total(self) -> int:
        """Fen that change hands, over all rows and the persons they stand for."""
        if self.row is None:
            return int(self.amount)
        return int((self.amount * self.weight).sum() if self.weight is not None else self.amount.sum())


@dataclass(frozen=True)
class Statement:
    """One party's view of the month's Transfers: received and paid fen by bill.

    For an institution the values are numbers; for a population int64 [row] aligned with `row` (identities).
    """

    month: Month
    received: dict[str, Any] = field(default_factory=dict)
    paid: dict[str, Any] = field(default_factory=dict)
    row: dict[str, np.ndarray] = field(default_factory=dict)


__all__ = ["BUY", "SELL", "Award", "Clearing", "Conditions", "Dispatch", "Orders", "People", "Public", "Scene",
           "Statement", "Trade", "Transfer", "Weather", "Work"]
