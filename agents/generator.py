"""Generation companies: each owns a portfolio of plants of every kind and offers all of it every day."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents import bidding
from agents.base import Institution
from agents.beliefs import WaterValues
from agents.bidding import Stand
from agents.forecast import forecast
from sim.config.strategies import Cost
from sim.market_power import inward
from sim.messages import Award, Orders
from sim.network.grid import PLANT
from sim.units import HOURS, CNYPerMWh, Ratio, Rows

if TYPE_CHECKING:
    from sim.config import Config
    from sim.network.grid import Grid
    from sim.network.ground import Ground
    from sim.streams import Streams

WORTHLESS = 1e-3  # CNY/MWh that an hour counts for at least, so that it is used when all others are full
HALVINGS = 60
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


@dataclass(frozen=True)
class Desk:
    """Who bids for a company in a zone. zone: int.  plants: int [plant], positions within the company's units."""

    zone: int
    plants: np.ndarray
    strategy: bidding.Strategy


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
    every hour alone it also decides the hours: the day's water is spread in proportion to the prices it expects.

    Source: water values, see `agents.beliefs`; that a level of one's own moves the offer: [assumption].
    """

    cost: Rows[CNYPerMWh]
    markup: Rows[Ratio]

    def __init__(self, model, name: str, units, cost, markup, reservoirs: np.ndarray, water: OwnWater,
                 values: WaterValues | None, own_level: float, desks: tuple[Desk, ...] = ()):
        """units: rows of `grid.units`.  cost: CNY/MWh, markup: ratio [unit].  reservoirs: positions within `units` that
        have one, in the order of `water`.  values: None only for a company without reservoirs.  desks: of the zones in
        which it does not bid at cost."""
        super().__init__(model, name, units)
        self.cost, self.markup = np.asarray(cost, np.float64), np.asarray(markup, np.float64)
        self.water, self.values, self.own_level = water, values, own_level
        self.reservoirs = np.asarray(reservoirs, np.intp)
        self.plain = np.setdiff1d(np.arange(len(self.units)), self.reservoirs)
        self.desks = desks
        self.stands: tuple[Stand, ...] = ()  # of the desks, when it last spoke
        self._weights: list[np.ndarray] = []  # load by bus and hour of each desk's zone, then
        self._bus = np.zeros(len(self.units), np.int32)

    def orders(self, market, scene) -> Orders:
        """Everything that can be given today, at its price."""
        if market.key != "spot":
            return Orders.none()
        available = scene.conditions.available[self.units]
        if scene.rules.engine == "hour":
            available = self._scheduled(scene, available)
        volume, value = self._water(scene, available[self.reservoirs])
        markup = self._markup(scene, available, value)
        plain = Orders.sell(self.units[self.plain], available[self.plain],
                            (self.cost[:, None] * (1 + markup))[self.plain])
        return Orders.gather((plain, self._water_orders(volume, value, markup[self.reservoirs])))

    def hear(self, award: Award):
        """What the desks' plants gave in real time, and at which prices, teaches the desks."""
        if award.market != "spot" or award.rhythm != "real-time":
            return
        for desk, stand, weight in zip(self.desks, self.stands, self._weights):
            price = award.price[self._bus[desk.plants]]
            zone_price = (award.price * weight).sum(axis=0) / weight.sum(axis=0)
            desk.strategy.hear(stand, award.output[desk.plants], price, zone_price)

    def _markup(self, scene, available: np.ndarray, value: np.ndarray) -> np.ndarray:
        """What is added to the cost of each plant, ratio [own unit, hour].  value: CNY/MWh [step, reservoir]."""
        markup = np.repeat(self.markup[:, None], HOURS, axis=1)
        if not self.desks:
            return markup
        worth = self.cost.copy()
        if len(self.reservoirs):
            worth[self.reservoirs] += value[0]
        self._bus = scene.grid.units.bus[self.units]
        self.stands = tuple(self._stand(desk, scene, available, worth) for desk in self.desks)
        self._weights = [zone_weight(scene, desk.zone) for desk in self.desks]
        for desk, stand in zip(self.desks, self.stands):
            markup[desk.plants] += desk.strategy.markup(stand)
        return markup

    def _stand(self, desk: Desk, scene, available: np.ndarray, worth: np.ndarray) -> Stand:
        """Where a desk stands this morning."""
        grid, today = scene.grid, scene.conditions
        here = grid.bus_zone[grid.units.bus] == desk.zone
        plants = here & (grid.units.kind == PLANT)
        load = today.load[grid.bus_zone == desk.zone].sum(axis=0)
        bring = today.available[plants].sum(axis=0) + inward(grid, today.link_share)[desk.zone]
        mine = self.units[desk.plants]
        sold = getattr(scene, "positions", None)  # nothing is sold ahead where there are no contracts
        cover = np.zeros(HOURS) if sold is None else sold.sold[mine].sum(axis=0)
        return Stand(day=scene.now, cost=worth[desk.plants], least=today.minimum[mine], able=available[desk.plants],
                     cover=cover, need=load - today.available[plants & (grid.units.cost == 0)].sum(axis=0),
                     tightness=load / np.maximum(bring, 1e-9))

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

    def _water_orders(self, volume: np.ndarray, value: np.ndarray, markup: np.ndarray) -> Orders:
        """The reservoirs' offers: what would be spilled at cost, the steps above it at what they are worth.

        volume: MW [1 + step, reservoir, hour].  value: CNY/MWh [step, reservoir].  markup: ratio [reservoir, hour].
        """
        cost = self.cost[self.reservoirs]
        spilled = np.repeat(cost[None, :, None], HOURS, axis=2)
        price = np.concatenate([spilled, (value + cost)[:, :, None] * (1 + markup)])
        units = np.tile(self.units[self.reservoirs], 1 + STEPS)
        return Orders.sell(units, volume.reshape(-1, HOURS), price.reshape(-1, HOURS))


def zone_weight(scene, zone: int) -> np.ndarray:
    """Weights of bus prices that make the zone's price, [bus, hour]: its load, ones in hours that have none."""
    here = (scene.grid.bus_zone == zone)[:, None]
    load = np.where(here, scene.conditions.load, 0.0)
    return np.where(load.sum(axis=0) > 0, load, here)


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


def by_price(available: np.ndarray, least: np.ndarray, energy: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Power that spreads a day's energy over its hours in proportion to the prices expected, MW [plant, hour].

    Not all of it goes to the dearest hours: an owner knows that others read the same forecast.
    least: MW [plant, hour], given in every hour.  energy: MWh [plant] of the day.  expected: CNY/MWh [plant, hour], not
    negative; where nothing is known (nan) all hours are alike. power = least + min(room, k x price), k by bisection.
    """
    room = available - least
    left = np.minimum(np.maximum(energy - least.sum(axis=1), 0.0), room.sum(axis=1))
    weight = np.where(np.isnan(expected), 1.0, expected) + WORTHLESS
    low, high = np.zeros(len(room)), (room / weight).max(axis=1, initial=0.0)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        short = np.minimum(room, middle[:, None] * weight).sum(axis=1) < left
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return least + np.minimum(room, high[:, None] * weight)


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
        found.append(Generator(model, owner, rows, plants["cost"][rows], plants["markup"][rows], within, water, values,
                               ground.world.settings.water.own_level, desks(owner, rows, grid, config, streams)))
    return found


def desks(owner: str, rows: np.ndarray, grid: "Grid", config: "Config", streams: "Streams") -> tuple[Desk, ...]:
    """The zones in which a company plays something else than cost, and what.  rows: its plants in `grid.units`."""
    played = config.strategy(owner)
    if isinstance(played, Cost):
        return ()
    zone = grid.bus_zone[grid.units.bus[rows]]
    return tuple(Desk(int(z), np.flatnonzero(zone == z), bidding.player(played, streams[f"bidding/{owner}"], int(z)))
                 for z in np.unique(zone) if played.zones is None or grid.zone[z] in played.zones)
