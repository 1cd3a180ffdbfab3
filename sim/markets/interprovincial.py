"""The market between provinces: what governments have agreed for a year, and what companies add month by month."""

from typing import TYPE_CHECKING

import numpy as np
from pydantic import model_validator

from sim.config import Section, bounded
from sim.engines.matching import Curve, Ways, match
from sim.markets.base import Market
from sim.messages import BUY, SELL, Orders, Scene, Trade, Transfer
from sim.network.agreements import MWH_PER_TWH, WET, reference_bus
from sim.settlement import differences
from sim.units import HOURS, CNYPerMWh, Share

if TYPE_CHECKING:
    from sim.calendar import Month
    from sim.facts import Facts
    from sim.network.agreements import Agreements
    from sim.network.grid import Grid

HYDRO = "hydro"


class Interprovincial(Market):
    """Contracts between zones, counted and priced at the sending terminal: who buys bears tariff and loss.

    As the year opens, agreed energy is assigned: to the sellers who offer, water first and then by offered output, and
    to the buyers by what they bid for. As a month opens, the drought clause takes a share back where the seller's
    reservoirs hold less than their rule curve (an opposite trade at the contract's price); then offers and bids are
    matched over what is left of the corridors (see `sim.engines.matching`), at one price for each sending zone and
    hour, halfway between the last offer and what the last bid is worth at the sending terminal. Both ends of a contract
    settle against the day-ahead price of the sending zone's reference bus, so that they cancel; the step of price to
    the buyer's zone, which holds tariff, loss and congestion, stays with the buyer.
    Source: agreements and what may be added to them [known: medium]; one price halfway [Chatterjee1983]; that who
    receives bears tariff and loss, and pairs by widest gap [known: medium].
    """

    key = "interprovincial"
    rhythms = ("year", "month")
    closes_itself = True
    barred = ("month",)  # the year's agreements are assigned by provinces

    class Rules(Section):
        """What the law says of trade between provinces.

        floor, cap: limits of incremental contracts' prices at the sending terminal; offers and bids beyond are cut.
        drought_cut: the largest share that the drought clause takes back from a month.
        """

        floor: bounded(CNYPerMWh, ge=0)
        cap: bounded(CNYPerMWh, ge=0)
        drought_cut: bounded(Share, ge=0, le=1)

        @model_validator(mode="after")
        def _band(self):
            if self.floor >= self.cap:
                raise ValueError(f"floor {self.floor:g} is not below cap {self.cap:g}; expected floor < cap")
            return self

    def bill(self, month: "Month", facts: "Facts", rules: "Rules") -> list[Transfer]:
        """Differences to the price at the sending terminal."""
        return differences.settled(facts, self.key)

    def clear(self, orders: Orders, scene: Scene) -> Trade:
        """Assign the year's agreements, or restate the month's and match what is added to it."""
        if scene.rhythm == "year":
            return assigned(orders, scene)
        return monthly(orders, scene)


def assigned(orders: Orders, scene: Scene) -> Trade:
    """The year's agreements as contracts: every order once for each agreement and season.

    Sellers who ask more than an agreement pays, in either season, are not asked. Where offers or bids do not reach the
    agreed energy, only what they reach is agreed, and scheduled.
    """
    agreed, grid = scene.grid.agreements, scene.grid
    zone, water = _zones(orders, scene), _water(orders, grid)
    sent = np.full((len(grid.link), 12, HOURS), np.nan)
    left = orders.volume.mean(axis=1)  # MW of the mean hour that are still free
    pieces: list[tuple] = []
    energy = 0.0
    for a in range(len(agreed)):
        sells = (orders.side == SELL) & (zone == agreed.seller[a])
        sells &= orders.price.max(axis=1, initial=0.0) <= agreed.price[a].min()
        buys = (orders.side == BUY) & (zone == agreed.buyer[a])
        mean = min(agreed.mean[a], left[sells].sum(), left[buys].sum())
        if mean <= 0:
            continue
        given = filled(mean, left * sells, water) + filled(mean, left * buys, np.zeros(len(left), bool))
        left = left - given
        uses = agreed.uses[a]
        sent[uses] = np.nan_to_num(sent[uses]) + agreed.sent[a][uses] * (mean / agreed.mean[a])
        energy += mean * agreed.hours / MWH_PER_TWH
        pieces += [_contract(agreed, a, season, given) for season in (WET, ~WET)]
    if not pieces:
        return Trade.none(Interprovincial.key, scene.rhythm, scene.now)
    who, accepted, price, months, reference = map(np.concatenate, zip(*pieces))
    mine = Orders(orders.unit[who], orders.side[who], orders.price[who], accepted)
    return Trade(Interprovincial.key, scene.rhythm, scene.now, mine, accepted, {}, price, months, sent, reference,
                 {"agreed": energy})


def _contract(agreed: "Agreements", a: int, season: np.ndarray, given: np.ndarray) -> tuple:
    """An agreement's contracts of a season (bool [month]): order rows, accepted, price, months, reference.

    given: MW [order] of the year's mean hour.
    """
    mine = np.flatnonzero(given > 0)
    return (mine, given[mine, None] * agreed.hour[a], np.full((len(mine), HOURS), agreed.price[a][season][0]),
            np.tile(np.where(season, agreed.month[a], 0.0), (len(mine), 1)), np.full(len(mine), agreed.reference[a]))


def filled(amount: float, volume: np.ndarray, first: np.ndarray) -> np.ndarray:
    """MW [order] that make up an amount: those that come first in proportion to their volume, then the others.

    first: bool [order].  The amount must not pass the sum of the volumes.
    """
    given = np.zeros(len(volume))
    for who in (first, ~first):
        total = volume[who].sum()
        part = min(amount - given.sum(), total)
        if part > 0:
            given[who] = volume[who] * (part / total)
    return given


def monthly(orders: Orders, scene: Scene) -> Trade:
    """What the drought clause takes back from the month, and what is added to it."""
    less, taken_back = reduction(scene)
    more, sent, public = increment(orders, scene, taken_back)
    sent = np.where(np.isnan(taken_back), sent, taken_back + np.nan_to_num(sent))
    public["reduced"] = -np.nansum(taken_back) * scene.now.month.days / MWH_PER_TWH
    who, side, accepted, price, reference = map(np.concatenate, zip(less, more))
    mine = Orders(who, side, price, accepted)
    months = np.zeros((len(who), 12))
    months[:, scene.now.date.month - 1] = 1.0
    of_month = np.full((len(sent), 12, HOURS), np.nan)
    of_month[:, scene.now.date.month - 1] = sent
    return Trade(Interprovincial.key, scene.rhythm, scene.now, mine, accepted, {}, price, months, of_month, reference,
                 public)


def reduction(scene: Scene) -> tuple[tuple, np.ndarray]:
    """The drought clause: ((party, side, accepted, price, reference) of opposite trades, MW [link, hour] taken back).

    Every contract that settles against a dry seller's reference bus is bought back in part, at its own price.
    """
    agreed, grid, month = scene.grid.agreements, scene.grid, scene.now.date.month
    back, parts = np.full((len(grid.link), HOURS), np.nan), [_NOBODY]
    for zone in np.unique(agreed.seller):
        share = agreed.cut(zone, month, scene.public.stored_water, scene.rules.drought_cut)
        mine = agreed.seller == zone
        reference = int(agreed.reference[mine][0])
        book = scene.positions.books.get((Interprovincial.key, reference))
        if share == 0 or book is None:
            continue
        party = np.flatnonzero(np.abs(book.sold).sum(axis=1) > 0)
        sold = book.sold[party]
        price = np.divide(book.value[party], sold, out=np.zeros_like(sold), where=sold != 0)
        side = np.where(sold.sum(axis=1) > 0, BUY, SELL).astype(np.int8)
        parts.append((party.astype(np.int32), side, share * np.abs(sold), price, np.full(len(party), reference)))
        links = agreed.uses[mine].any(axis=0)
        back[links] = -share * np.nan_to_num(scene.positions.schedule[links])
    return tuple(map(np.concatenate, zip(*parts))), back


def increment(orders: Orders, scene: Scene, taken_back: np.ndarray) -> tuple[tuple, np.ndarray, dict[str, float]]:
    """What is added to the agreements: (party, side, accepted, price, reference), MW [link, hour], public figures.

    taken_back: MW [link, hour], nan where nothing is. Room that the drought clause has made is room for others; a zone
    that takes energy back offers none.
    """
    grid, rules, sells = scene.grid, scene.rules, orders.side == SELL
    zone, price = _zones(orders, scene), np.maximum(orders.price, rules.floor)
    schedule = np.nan_to_num(scene.positions.schedule) + np.nan_to_num(taken_back)
    ways, link = corridors(grid, schedule, scene.now.date.month)
    dry = np.unique(grid.agreements.link_zones[~np.isnan(taken_back).all(axis=1), 0])
    offered = np.where(price[sells] <= rules.cap, orders.volume[sells], 0.0)
    offered[np.isin(zone[sells], dry)] = 0.0  # who takes agreed energy back has none to add
    bids = Curve(zone[~sells], orders.price[~sells], orders.volume[~sells])
    found = match(Curve(zone[sells], price[sells], offered), bids, ways, len(grid.zone))
    sent = np.full((len(grid.link), HOURS), np.nan)
    used = found.sent.any(axis=1)
    sent[link[used]] = found.sent[used]
    paid = np.minimum(np.nan_to_num(found.price), rules.cap)
    parts = [_NOBODY]
    for place in np.flatnonzero(paid.any(axis=1)):
        reference = reference_bus(grid, int(place))
        for who, side, power in ((orders.unit[sells], SELL, np.where((zone[sells] == place)[:, None], found.sold, 0.0)),
                                 (orders.unit[~sells], BUY, found.bought[:, place])):
            mine = np.flatnonzero(power.any(axis=1))
            parts.append((who[mine], np.full(len(mine), side), power[mine], np.tile(paid[place], (len(mine), 1)),
                          np.full(len(mine), reference)))
    volume = found.sent.sum()
    public = {"volume": volume * scene.now.month.days / MWH_PER_TWH}
    if volume > 0:
        public["price"] = float((paid[ways.start] * found.sent).sum() / volume)
    return tuple(map(np.concatenate, zip(*parts))), sent, public


def corridors(grid: "Grid", schedule: np.ndarray, month: int) -> tuple[Ways, np.ndarray]:
    """Ways between zones that have load, with the room that schedules leave, and int [way], the link of each.

    schedule: MW [link, hour].  Links are traded in their forward direction only: one that may turn is turned by the
    spot market.
    """
    agreed = grid.agreements
    start, end = agreed.link_zones.T
    link = np.flatnonzero(np.isin(start, grid.cleared_zones) & np.isin(end, grid.cleared_zones) & (start != end))
    capacity = grid.link_capacity * agreed.service[:, month - 1]
    room = np.maximum(capacity[:, None] - schedule, 0.0)
    joints = tuple((np.flatnonzero(np.isin(link, members)), np.maximum(limit - schedule[members].sum(axis=0), 0.0))
                   for _, members, limit in grid.joints)
    return Ways(start[link], end[link], room[link], grid.link_loss[link], grid.link_fee[link], joints), link


def _zones(orders: Orders, scene: Scene) -> np.ndarray:
    """Zone of each order's party, int [order]."""
    return scene.grid.bus_zone[scene.positions.bus[orders.unit]]


def _water(orders: Orders, grid: "Grid") -> np.ndarray:
    """Whether an order is of a plant that runs on water, bool [order]."""
    water = np.append(grid.units.technology == HYDRO, False)
    return water[np.minimum(orders.unit, len(grid.units))]


_NOBODY = (np.zeros(0, np.int32), np.zeros(0, np.int8), *np.zeros((2, 0, HOURS)), np.zeros(0, np.int32))
