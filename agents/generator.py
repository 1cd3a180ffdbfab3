"""Generation companies: each owns a portfolio of plants of every kind and offers all of it every day."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents import cover
from agents.base import Institution
from agents.beliefs import WaterValues
from agents.certificates import offers
from agents.desks import Desks, desks
from agents.exports import BEYOND, Prospect
from agents.forecast import forecast
from agents.services import services
from sim.messages import Orders
from sim.network.grid import PLANT
from sim.units import HOURS, CNYPerMWh, Ratio, Rows

if TYPE_CHECKING:
    from sim.config import Config
    from sim.network.demand import Trading
    from sim.network.grid import Grid
    from sim.network.ground import Ground
    from sim.streams import Streams

CYCLING = 0.02  # of a MWh's cost, that a MW of movement wears out and a MW held at part load burns [assumption]
WORTHLESS = 1e-3  # CNY/MWh that an hour counts for at least, so that it is used when all others are full
SOME = 1e-3  # MW: less is a solver's rounding
TURN = 1.0  # CNY/MWh that leaving a schedule must earn [assumption]
STEPS = 2  # in which the water that need not be used is offered, dearer as the reservoir falls


@dataclass(frozen=True)
class OwnWater:
    """What a company knows of its reservoirs, beside the day's Conditions.

    place: int [reservoir], rows of all arrays by reservoir.  basin: int [reservoir].  active: hm3.
    per_hm3: MWh of a hm3 at the plant.  full: MWh [basin], the basin's reservoirs full.
    """

    place: np.ndarray
    basin: np.ndarray
    active: np.ndarray
    per_hm3: np.ndarray
    full: np.ndarray


class Generator(Institution):
    """A generation company.

    *Decides* the price of what each plant can give; it offers all of it, so that nothing is withheld but by price.
    Plants without a reservoir are offered at cost x (1 + markup), which is little for wind, sun and running water. The
    markup is a plant's own, of the plants table (what its owner adds whatever he plays), plus that of his strategy in
    the zone (`agents.bidding`), which changes with the hour and with what he learns.
    Stored water is offered in three parts: what would be spilled tonight at the cost of operation; then half of the
    turbines' remaining power, and the other half, at the water value of the level to which their use would bring the
    reservoir, plus operation, times (1 + markup). A full reservoir so undercuts an empty one of the same basin, and the
    more a day takes the dearer the next MWh. The level weighs the plant's own with its basin's. Where the market clears
    every hour alone it also decides the hours: the day's water is spread in proportion to the prices it expects. In
    real time it keeps to what it sold a day ahead, within the band that the law leaves it.

    Source: water values, see `agents.beliefs`; that a level of one's own moves the offer: [assumption].
    """

    cost: Rows[CNYPerMWh]
    markup: Rows[Ratio]
    prospect: "Prospect"  # what everybody can expect of a month

    def __init__(self, model, name: str, units, cost, markup, reservoirs: np.ndarray, water: OwnWater,
                 values: WaterValues | None, own_level: float, its_desks: Desks, trading: "Trading | None" = None):
        """units: rows of `grid.units`.  cost: CNY/MWh, markup: ratio [unit].  reservoirs: positions within `units` that
        have one, in the order of `water`.  values: None only for a company without reservoirs.  its_desks: who
        bids for it where it does not bid at cost.  trading: how it trades ahead."""
        super().__init__(model, name, units)
        self.desks, self.trading = its_desks, trading
        self.cost, self.markup = np.asarray(cost, np.float64), np.asarray(markup, np.float64)
        self.water, self.values, self.own_level = water, values, own_level
        self.reservoirs = np.asarray(reservoirs, np.intp)
        self.plain = np.setdiff1d(np.arange(len(self.units)), self.reservoirs)
        # today's day-ahead schedule, MW, and its price, CNY/MWh [unit, hour]; None where there was none
        self.sold: np.ndarray | None = None
        self.ahead_price: np.ndarray | None = None
        self._added = np.zeros((len(self.units), HOURS))  # by the desks, in the day's first clearing

    def replan(self, grid: "Grid", values: WaterValues | None, prospect: "Prospect"):
        """Take the costs of a year, what water is worth in it, and what everybody expects of its months."""
        self.cost, self.values, self.prospect = grid.units.cost[self.units], values, prospect

    def orders(self, market, scene) -> Orders:
        """Everything that can be given today, at its price; what is left over, beyond the province."""
        if market.key == "green":
            return offers(self.units, scene)
        if market.key == "contracts":
            return cover.offers(scene, self.prospect, self.trading, self.units, self.cost * (1 + self.markup))
        if market.key in BEYOND:
            return self._left_over(market, scene)
        if market.key == "ancillary":
            return services(scene, self.units, CYCLING * self.cost * (1 + self.markup))
        if market.key != "spot":
            return self._left_over(market, scene) if market.surplus else Orders.none()
        available = scene.conditions.available[self.units]
        if scene.rhythm == "real-time" and self.sold is not None:
            return self._following(scene, available)
        if scene.rules.engine == "hour":
            available = self._scheduled(scene, available)
        volume, value = self._water(scene, available[self.reservoirs])
        worth = self.cost.copy()
        worth[self.reservoirs] += value[0]
        self._added = self.desks.added(scene, available, worth)
        plain = Orders.sell(self.units[self.plain], available[self.plain], self._asked()[self.plain])
        return Orders.gather((plain, self._water_orders(volume, value)))

    def _left_over(self, market, scene) -> Orders:
        """What home leaves over, at what it costs or what home would pay."""
        return self.prospect.offers(market, scene, self.units, self.cost * (1 + self.markup))

    def _asked(self) -> np.ndarray:
        """What is asked of plants without water of their own, CNY/MWh [own unit, hour]."""
        return self.cost[:, None] * (1 + (self.markup[:, None] + self._added))

    def hear(self, award):
        """Keep today's schedule, and what it tells of the day's water, until the day is over."""
        if award.market == "spot":
            self.desks.hear(award)
            ahead = award.rhythm == "day-ahead"
            self.sold, self.ahead_price = (award.output, award.price[self.desks.bus]) if ahead else (None, None)

    def _following(self, scene, available: np.ndarray) -> Orders:
        """Real time after a day-ahead market: units whose energy of the day is limited keep to what they sold.

        Up to the band they give less or more where the price is below or above what the day's water was worth when it
        was sold; all other units are offered as before.
        """
        limited = np.isfinite(scene.conditions.energy[self.units])
        held, free = np.flatnonzero(limited), np.flatnonzero(~limited)
        least, most = scene.conditions.minimum[self.units][held], available[held]
        width = scene.rules.band * scene.grid.units.capacity[self.units[held], None]
        firm = np.clip(np.maximum(self.sold[held] - width, least), 0, most)
        sold = np.clip(self.sold[held], firm, most)
        worth = water_sold_at(self.sold[held], least, self.ahead_price[held])[:, None]
        worth = np.maximum(np.where(np.isnan(worth), 0, worth), (self.cost * (1 + self.markup))[held, None])
        units = self.units[held]
        return Orders.gather((
            Orders.sell(self.units[free], available[free], self._asked()[free]),
            Orders.sell(units, firm, scene.rules.offer_floor), Orders.sell(units, sold - firm, worth - TURN),
            Orders.sell(units, np.clip(sold + width, sold, most) - sold, worth + TURN)))

    def _scheduled(self, scene, available: np.ndarray) -> np.ndarray:
        """What is offered of plants whose energy of the day is limited, where nobody else chooses their hours."""
        limited = np.isfinite(scene.conditions.energy[self.units])
        mine = self.units[limited]
        expected = forecast(scene.public, scene.now)[scene.grid.bus_zone[scene.grid.units.bus[mine]]]
        least, energy = scene.conditions.minimum[mine], scene.conditions.energy[mine]
        scheduled = available.copy()
        scheduled[limited] = by_price(available[limited], least, energy, expected)
        return scheduled

    def _water(self, scene, available: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The reservoirs' power in parts, MW [1 + step, reservoir, hour], and what the water of each step is worth,
        CNY/MWh [step, reservoir]."""
        if not len(self.reservoirs):
            return np.zeros((1 + STEPS, 0, HOURS)), np.zeros((STEPS, 0))
        own, today = self.water, scene.conditions
        hand = today.water[own.place] + today.inflow[own.place]
        volume, level = steps(hand, own.active, own.per_hm3, available)
        basin = (scene.public.stored_water / np.maximum(own.full, 1e-9))[own.basin]
        level = basin + self.own_level * (level - basin)
        index = scene.public.inflow_index[own.basin]
        return volume, np.array([self.values.at(scene.now.date, own.basin, at, index) for at in level])

    def _water_orders(self, volume: np.ndarray, value: np.ndarray) -> Orders:
        """The reservoirs' offers: what would be spilled at cost, the steps above it at what they are worth and more.

        volume: MW [1 + step, reservoir, hour].  value: CNY/MWh [step, reservoir].
        """
        cost, markup = self.cost[self.reservoirs], (self.markup[:, None] + self._added)[self.reservoirs]
        spilled = np.repeat(cost[None, :, None], HOURS, axis=2)
        price = np.concatenate([spilled, (value + cost)[:, :, None] * (1 + markup)])
        units = np.tile(self.units[self.reservoirs], 1 + STEPS)
        return Orders.sell(units, volume.reshape(-1, HOURS), price.reshape(-1, HOURS))


def steps(hand: np.ndarray, active: np.ndarray, per_hm3: np.ndarray, available: np.ndarray):
    """A day's power in steps and the level each is valued at: (MW [1 + step, reservoir, hour], share [step, ...]).

    hand: hm3 [reservoir], water of the day, inflow included.  available: MW [reservoir, hour].
    The first power is what would be spilled if nothing ran, in proportion to the power available; it leaves the
    reservoir full at most. Each step is an equal part of the power left, valued at the level that stands when half of
    the step has run all day on top of those before it; where the water does not last so long, at the empty level.
    """
    able = available.sum(axis=1)
    spill = np.minimum(np.maximum(hand - active, 0.0) * per_hm3, able)
    share = np.divide(spill, able, out=np.zeros_like(able), where=able > 0)
    power = available * (1 - share)[:, None] / STEPS
    left = np.minimum(hand - spill / per_hm3, active)
    drawn = (able - spill) / per_hm3 * (np.arange(STEPS)[:, None] + 0.5) / STEPS
    level = np.clip((left - drawn) / active, 0.0, 1.0)
    return np.concatenate([(available * share[:, None])[None], np.repeat(power[None], STEPS, axis=0)]), level


def water_sold_at(sold: np.ndarray, least: np.ndarray, price: np.ndarray) -> np.ndarray:
    """What a MWh of a day's limited energy was worth when it was sold: the price of the cheapest hour in which more
    than the least was, CNY/MWh [unit]; nan where none was. In dearer hours the unit was full, in cheaper ones it kept
    still.

    sold, least: MW, price: CNY/MWh [unit, hour].
    """
    worth = np.where(sold > least + SOME, price, np.inf).min(axis=1, initial=np.inf)
    return np.where(np.isinf(worth), np.nan, worth)


def by_price(available: np.ndarray, least: np.ndarray, energy: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Power that spreads a day's energy over its hours in proportion to the prices expected, MW [plant, hour].

    Not all of it goes to the dearest hours: an owner knows that others read the same forecast.
    least: MW [plant, hour], given in every hour.  energy: MWh [plant] of the day.  expected: CNY/MWh [plant, hour], not
    negative; where nothing is known (nan) all hours are alike. power = least + min(room, k x price); what that gives
    bends where an hour is full as k rises, so k is found exactly between two such bends.
    """
    room = available - least
    left = np.minimum(np.maximum(energy - least.sum(axis=1), 0.0), room.sum(axis=1))
    weight = np.where(np.isnan(expected), 1.0, expected) + WORTHLESS
    order = np.argsort(room / weight, axis=1)
    full, open_ = np.take_along_axis(room, order, axis=1), np.take_along_axis(weight, order, axis=1)
    # with the first j hours full: what they give, and the weight of the others
    given = np.cumsum(full, axis=1) - full
    others = np.cumsum(open_[:, ::-1], axis=1)[:, ::-1]
    at_bend = given + full / open_ * others
    row = np.arange(len(room))
    j = np.minimum((at_bend < left[:, None]).sum(axis=1), room.shape[1] - 1)
    k = (left - given[row, j]) / others[row, j]
    return least + np.minimum(room, k[:, None] * weight)


def companies(model, ground: "Ground", grid: "Grid", values: WaterValues | None, config: "Config",
              streams: "Streams") -> list[Generator]:
    """One Generator for each owner of plants, in the order of the plants table.

    values: what water is worth; may be None in a world without reservoirs.  config: what each plays.
    """
    plants, units, rivers = ground.world["plants"], grid.units, ground.rivers
    owners = units.owner[units.kind == PLANT]
    reservoir_of = {int(unit): reservoir for reservoir, unit in enumerate(ground.reservoir_units)}
    found = []
    for owner in dict.fromkeys(owners):
        rows = np.flatnonzero(owners == owner)
        within = [i for i, row in enumerate(rows) if row in reservoir_of]
        place = np.array([reservoir_of[int(rows[i])] for i in within], np.intp)
        water = OwnWater(place, rivers.basin[place], rivers.active[place], rivers.per_hm3[place], rivers.full)
        found.append(Generator(model, owner, rows, units.cost[rows], plants["markup"][rows], within, water, values,
                               ground.world.settings.water.own_level, desks(owner, rows, grid, config, streams),
                               ground.world.settings.contracts))
    return found
