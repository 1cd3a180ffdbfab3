"""The spot market: energy by bus and hour, a day ahead on forecasts and in real time on what happened."""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import model_validator

from sim.calendar import Month
from sim.config import Section, bounded
from sim.market_power import mitigated
from sim.markets.base import Market
from sim.messages import BUY, Dispatch, Orders, Scene, Transfer
from sim.settlement import bills
from sim.units import MW, CNYPerMWh, Days, Ratio, Share

if TYPE_CHECKING:
    from sim.engines.records import Book, Day, Products, Solution
    from sim.facts import Facts
    from sim.network.wiring import Wiring

RELIEFS = 4  # rounds in which exports yield to load at home
SHED = 1e-3  # MW of load shed that is a lack
MORE = 1.02  # of a lack, by which exports are cut
FIRST_TRIAL = 11  # trial days follow one another from the 11th of a month
AHEAD, REAL = "day-ahead", "real-time"


class Spot(Market):
    """Clearing of a day over the whole network: the orders that cost least serve the load within its limits.

    On a day that the spot settles it clears twice: a day ahead, on forecasts, and in real time, hour by hour, where who
    has sold a schedule may leave it by a band only. On all other days it dispatches once, on what happened, corridors
    held to what was agreed, and its prices settle nothing. Offers outside floor and cap are cut to them, not refused.
    The price floor and cap act inside the clearing, as a disposal and a shedding column at every bus.
    Source: [SouthSpot2025] trading hours and price limits; DC power flow and nodal prices [Schweppe1988].
    """

    key = "spot"
    rhythms = (AHEAD, REAL)
    closes_itself = True

    class Rules(Section):
        """What the law says of the spot market.

        regime: `schedule` dispatches by cost with corridors held to agreements and settles nothing; `trial` does so but
        for `trial_days` of a month; `spot` frees the corridors and settles every day.
        ahead: whether settled days have a day-ahead market; without one real time settles all.
        engine: of the first clearing of a day: `day` clears 24 coupled hours at once and can schedule stores and the
        day's water; `hour` clears every hour alone, so that their owners must.
        band: share of capacity by which water may leave its day-ahead schedule in real time.
        clearing: `joint` clears all zones at once, `separate` each zone alone between corridors held to agreements.
        coordination: `joint` opens all links at once; `priority` by turns: inside zones, between them, across operating
        areas, across borders; what was taken in a turn stays taken.
        exports: on settled days agreements bind corridors not at all (`free`) or as a least flow (`floor`).
        compare: also clear every settled day separately, for what joint clearing gains.
        rent: congestion rent is `kept` or `returned` to users in the next month.
        administered_dry, administered_wet: by zone, at what energy is settled on days that the spot does not settle;
        a zone without one settles at its prices of the dispatch.
        commitment: whether shares of plants must run whatever it costs (`must-run`), or their blocks are committed by
        the first clearing of a day, in part (`relaxed`) or whole (`integer`, for case studies).
        security: `n-1` lowers limits so that the loss of any circuit, of `circuit` MW at most, or of the largest link
        leaves the rest within `emergency` times their rating.
        mitigation: `cap` cuts the offers of owners whose residual-supply index is below `mitigation_rsi` to registered
        cost x (1 + `mitigation_markup`), see `sim.market_power`.
        """

        regime: Literal["schedule", "trial", "spot"]
        trial_days: bounded(Days, ge=0, le=18)
        ahead: bool
        engine: Literal["day", "hour"]
        band: bounded(Share, ge=0, le=1)
        clearing: Literal["joint", "separate"]
        coordination: Literal["joint", "priority"]
        exports: Literal["free", "floor"]
        compare: bool
        rent: Literal["kept", "returned"]
        offer_floor: CNYPerMWh
        offer_cap: CNYPerMWh
        clearing_floor: CNYPerMWh
        clearing_cap: CNYPerMWh
        storage_scheduling: Literal["market", "own"]
        storage_level: bounded(Share, ge=0, le=1)
        administered_dry: dict[str, bounded(CNYPerMWh, ge=0)]
        administered_wet: dict[str, bounded(CNYPerMWh, ge=0)]
        commitment: Literal["must-run", "relaxed", "integer"]
        security: Literal["none", "n-1"]
        emergency: bounded(Ratio, ge=1)
        circuit: bounded(MW, gt=0)
        mitigation: Literal["none", "cap"] = "none"
        mitigation_rsi: bounded(Ratio, ge=0) = 1.1
        mitigation_markup: bounded(Ratio, ge=0) = 0.1

        def settles(self, day: date) -> bool:
            """Whether the spot's prices settle a day."""
            trial = self.regime == "trial" and FIRST_TRIAL <= day.day < FIRST_TRIAL + self.trial_days
            return self.regime == "spot" or trial

        @model_validator(mode="after")
        def _limits_in_order(self):
            for low, high in pairwise(("clearing_floor", "offer_floor", "offer_cap", "clearing_cap")):
                if getattr(self, low) > getattr(self, high):
                    raise ValueError(f"{low} {getattr(self, low):g} is above {high} {getattr(self, high):g}; "
                                     "expected clearing_floor <= offer_floor <= offer_cap <= clearing_cap")
            return self

        @model_validator(mode="after")
        def _somebody_schedules(self):
            if self.engine == "hour" and self.storage_scheduling == "market":
                raise ValueError("a market that clears every hour alone cannot schedule stores; "
                                 "expected storage_scheduling own with engine hour")
            return self

        @model_validator(mode="after")
        def _somebody_commits(self):
            if self.commitment != "must-run" and self.engine == "hour":
                raise ValueError("a market that clears every hour alone cannot commit plants; expected commitment "
                                 "must-run with engine hour")
            if self.commitment != "must-run" and self.compare:
                raise ValueError("compare counts the gain of energy alone and commitment adds costs of starts; "
                                 "expected compare false, or commitment must-run")
            return self

        @model_validator(mode="after")
        def _zones_have_both_seasons(self):
            for zone in set(self.administered_dry) ^ set(self.administered_wet):
                raise ValueError(f"administered_dry and administered_wet name different zones: {zone} stands in one "
                                 "only; expected it in both")
            return self

    def __init__(self):
        self._built: dict[tuple[str, bool], tuple] = {}

    def clear(self, orders: Orders, scene: Scene) -> Dispatch:
        """Clear the 24 hours of a day. Raises: ClearingError that names the day when no optimum was found."""
        rules = scene.rules
        settles = rules.settles(scene.now.date)
        twice = settles and rules.ahead
        # real time follows a schedule that is already coupled, so its hours can be cleared alone
        engine = "hour" if twice and scene.rhythm == REAL else rules.engine
        apart = rules.clearing == "separate"
        dispatch = self._clear(orders, scene, engine, apart, held="all" if apart or not settles else rules.exports)
        if not (rules.compare and settles and not apart and scene.rhythm == (AHEAD if twice else REAL)):
            return dispatch
        return replace(dispatch, alone=self._clear(orders, scene, engine, apart=True, held="all"))

    def bill(self, month: Month, facts: "Facts", rules: "Rules") -> list[Transfer]:
        """All that energy moves this month: spot or administered energy, fees of links, congestion rent."""
        return bills.energy(facts, rules)

    def _clear(self, orders: Orders, scene: Scene, kind: str, apart: bool, held: str) -> Dispatch:
        """One clearing. kind: of engine.  held: how corridors are held to agreements: all, floor or free."""
        from sim.engines.prioritised import prioritised
        from sim.engines.records import Book, ClearingError, Day

        rules, conditions = scene.rules, scene.conditions
        sold, reserve = scene.reserve if scene.reserve and kind == "day" else (None, None)
        engine, wiring = self._engine_for(scene, kind, apart, sold)
        if scene.now.opens_month:
            engine.restart()  # every month begins from the same basis, so a result depends on its month alone
        bids, asked = orders.side[:, None] == BUY, mitigated(orders, scene, rules)
        price = np.where(bids, np.clip(asked, rules.clearing_floor, rules.clearing_cap),
                         np.clip(asked, rules.offer_floor, rules.offer_cap))
        capacity = scene.grid.link_capacity[:, None] * conditions.link_share
        ties = np.repeat(scene.grid.line_capacity[wiring.tie, None], capacity.shape[1], axis=1)
        available = np.concatenate([capacity, ties])
        coupled = kind == "day"
        day = Day(load=conditions.load, minimum=conditions.minimum, energy=conditions.energy, stored=conditions.stored,
                  stored_end=self.least_left(scene, coupled), link_available=available, floor=rules.clearing_floor,
                  cap=rules.clearing_cap, output_before=conditions.output_before,
                  link_held=_held(scene, wiring, available, held, apart), reserve=reserve)
        book, first = Book(orders.unit, orders.side, price, orders.volume), kind == rules.engine
        book, day = _as_committed(book, day, scene, kind)
        try:
            if rules.coordination == "priority" and first and not apart:
                before = np.nan_to_num(scene.positions.schedule)  # what was agreed flows in every turn
                turns = prioritised(engine.clear, wiring.network, engine.fleet, book, day, scene.grid.turn, before)
                lost = turns.solution.objective - engine.clear(book, day).objective if rules.compare else 0.0
                return replace(_dispatch(self.key, orders, scene, wiring, turns.solution), lost=lost)
            found = _relieved(engine, book, day, wiring, scene)
        except ClearingError as error:
            raise ClearingError(f"{self.key} on {scene.now}: {error}") from error
        return _dispatch(self.key, orders, scene, wiring, found)

    @staticmethod
    def least_left(scene: Scene, coupled: bool = True) -> np.ndarray:
        """Least level of the stores at midnight, MWh [unit]: the law's where the market schedules, else none.

        A store that cannot reach it (it is not in service yet) is asked for what it can.
        """
        units, conditions = scene.grid.units, scene.conditions
        if scene.rules.storage_scheduling == "own" or not coupled:
            return np.zeros(len(units))
        reach = conditions.stored + conditions.available.sum(axis=1) * np.sqrt(units.efficiency)
        return np.minimum(scene.rules.storage_level * units.store, reach)

    def _engine_for(self, scene: Scene, kind: str, apart: bool, sold: "Products | None"):
        """The engine that is asked for and its wiring, for this grid: built once a year, when the grid is, and when
        other reserves are sold beside energy or the law asks for another kind of clearing."""
        from sim.network.wiring import fleet, wired

        grid, rules = scene.grid, scene.rules
        asked = rules.commitment, rules.security, rules.emergency, rules.circuit
        before = self._built.get((kind, apart), (None, None, None))
        if before[0] is not grid or before[1] is not sold or before[2] != asked:
            wiring = wired(grid, apart)
            if rules.security == "n-1":
                from sim.network.security import secured

                wiring = replace(wiring, network=secured(wiring.network, rules.emergency, rules.circuit))
            engine = _engine(kind, wiring.network, fleet(grid, sold), scene)
            self._built[kind, apart] = grid, sold, asked, engine, wiring
        return self._built[kind, apart][3:]


def _engine(kind: str, network, units, scene: Scene):
    """An engine for a network and its units: of whole days, with commitment or without, or of hours alone."""
    if kind == "hour":
        from sim.engines.hourly import HourlyEngine

        return HourlyEngine(network, units)
    if scene.rules.commitment == "must-run":
        from sim.engines.cooptimised import CooptimisedEngine

        return CooptimisedEngine(network, units)
    from sim.engines.commitment import CommitmentEngine

    return CommitmentEngine(network, units, scene.grid.commitment, scene.rules.commitment == "integer")


def _as_committed(book: "Book", day: "Day", scene: Scene, kind: str) -> tuple["Book", "Day"]:
    """Orders and day of a clearing that follows one in which plants were committed: only what runs can give."""
    ahead = scene.earlier.get((Spot.key, AHEAD))
    follows = kind == "hour" and scene.rhythm == REAL and ahead is not None and ahead.day == scene.now
    if not follows or ahead.blocks is None:
        return book, day
    from sim.engines.commitment import held_to

    return held_to(book, day, scene.grid.commitment, ahead.blocks)


def _held(scene: Scene, wiring: "Wiring", available: np.ndarray, held: str, apart: bool):
    """Flows to which links are held today: (least, most) MW [link, hour], nan where free; None where none is held.

    Apart, a corridor between two loaded zones of which no agreement says anything carries nothing. Flows that do not
    fit a limit on several links are cut in proportion.
    """
    if held == "free":
        return None
    schedule = np.full(available.shape, np.nan)
    schedule[: len(scene.positions.schedule)] = scene.positions.schedule
    if apart:
        schedule[wiring.between[:, None] & np.isnan(schedule)] = 0.0
    if np.isnan(schedule).all():
        return None
    least = np.minimum(schedule, available)
    for _, members, limit in wiring.network.joints:
        total = np.nan_to_num(least[members]).sum(axis=0)
        least[members] *= np.divide(limit, total, out=np.ones_like(total), where=total > limit)
    return least, np.where(np.isnan(least), np.nan, np.inf if held == "floor" else least)


def _relieved(engine, book: "Book", day: "Day", wiring: "Wiring", scene: Scene) -> "Solution":
    """Clear a day; where a zone then sheds load while it is held to exports, cut these by what is missing and clear
    again.

    No dispatcher sends power away that his own users lack: an agreement yields before the lights do, in proportion over
    the zone's held links. What links lose on the way is cut with them, so a few rounds are enough.
    """
    found = engine.clear(book, day)
    if day.link_held is None:
        return found
    zone, zones = scene.grid.bus_zone, len(scene.grid.zone)
    start, cuts = zone[wiring.network.link_from], 0
    for _ in range(RELIEFS):
        least, most = day.link_held
        sent = np.zeros((zones, least.shape[1]))
        np.add.at(sent, start, np.nan_to_num(least))
        short = np.where(sent > 0, scene.grid.by_zone(found.shed), 0.0)
        if short.max(initial=0.0) <= SHED:
            break
        kept = 1 - np.minimum(np.divide(MORE * short, sent, out=np.zeros_like(sent), where=sent > 0), 1.0)
        day = replace(day, link_held=(least * kept[start], most * kept[start]))
        found, cuts = engine.clear(book, day), cuts + int((short > SHED).sum())
    return replace(found, events=found.events | {"exports_cut": cuts})


def _dispatch(market: str, orders: Orders, scene: Scene, wiring: "Wiring", found: "Solution") -> Dispatch:
    """What an engine found, in the grid's own lines and links."""
    grid, links = scene.grid, len(scene.grid.link)
    flow, shadow = np.zeros((2, len(grid.line), found.price.shape[1]))
    flow[wiring.inner], shadow[wiring.inner] = found.line_flow, found.line_shadow
    flow[wiring.tie], shadow[wiring.tie] = found.sent[links:], found.link_shadow[links:]
    return Dispatch(
        market=market, rhythm=scene.rhythm, day=scene.now, orders=orders, accepted=found.accepted, events=found.events,
        output=found.output, price=found.price, energy=found.energy, line_flow=flow, line_shadow=shadow,
        sent=found.sent[:links], delivered=found.delivered[:links], link_shadow=found.link_shadow[:links],
        minimum_shadow=found.minimum_shadow[:links], joint_shadow=found.joint_shadow, shed=found.shed,
        disposed=found.disposed, stored=found.stored, rent=found.rent, residual=found.residual,
        imbalance=found.imbalance, objective=found.objective, bus=grid.units.bus[orders.unit],
        reserved=found.reserved, reserve_price=found.reserve_price, reserve_short=found.reserve_short,
        reserve_cost=found.reserve_cost, blocks=getattr(found, "blocks", None))
