"""What the live view shows of a day and of a month, as plain data. Reads public state only, and changes nothing.

A day is read off Facts, or off a stored run's hourly tables, as one record of arrays, the `DayView`; `frame` makes of
it what the page draws. A month is read off the recorder's tables, which are the same for both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from experiments.money_flow import lay_out
from sim.network.grid import STORE, Grid
from sim.units import HOURS

if TYPE_CHECKING:
    from sim.model import PolicyLab

STACK = ("nuclear", "coal", "gas", "biomass", "hydro", "wind", "wind_offshore", "solar", "pumped_hydro", "battery",
         "sell")  # bottom to top of the day's stack; `sell`: what neighbours give
SEEN = 1 / 400  # of the largest payment: what is drawn of the money
SMALL = 0.01  # of the largest basin: what holds less is a pond and no curve
FULL = 0.999  # of its capacity, from which a corridor counts as full
KEY_FIGURES = ("price", "exports", "clean_share", "shed", "curtailed", "enrolled_share",
               "eligible_share", "take_up", "income", "riders")
Data = dict[str, object]


@dataclass(frozen=True)
class DayView:
    """A day's 24 hours. price: CNY/MWh, load: MW [bus, hour]; bus, zone: names [bus].

    output: MW [technology, hour] of what gives and takes, technology by technology.
    sent, delivered: MW [corridor, hour] at `start` and `end`; capacity, reverse: MW [corridor] either way.
    stored: MWh [store, hour] in stores of a zone and technology; room: MWh [store] that they can hold.
    water: MWh [basin] tonight, full: MWh [basin].  asked, done: orders, charging: MW [city, hour].
    """

    date: date
    bus: tuple[str, ...]
    zone: tuple[str, ...]
    price: np.ndarray
    load: np.ndarray
    technology: tuple[str, ...]
    output: np.ndarray
    corridor: tuple[str, ...]
    start: tuple[str, ...]
    end: tuple[str, ...]
    sent: np.ndarray
    delivered: np.ndarray
    capacity: np.ndarray
    reverse: np.ndarray
    store: tuple[str, ...]
    stored: np.ndarray
    room: np.ndarray
    basin: tuple[str, ...]
    water: np.ndarray
    full: np.ndarray
    city: tuple[str, ...]
    asked: np.ndarray
    done: np.ndarray
    charging: np.ndarray

    @property
    def loading(self) -> np.ndarray:
        """Share of its capacity that a corridor carries, signed along its direction [corridor, hour]."""
        along = np.divide(self.sent, self.capacity[:, None], out=np.zeros(self.sent.shape),
                          where=(self.sent > 0) & (self.capacity[:, None] > 0))
        back = np.divide(self.delivered, self.reverse[:, None], out=np.zeros(self.sent.shape),
                         where=(self.delivered < 0) & (self.reverse[:, None] > 0))
        return along + back


def today(lab: "PolicyLab") -> DayView:
    """The day that a lab lived last."""
    facts, grid, world = lab.facts, lab.facts.grid, lab.config.world
    day = slice(-HOURS, None)
    technology, output = summed(grid.units.technology, facts.output[:, day])
    store, stored, room = of_stores(grid, facts.stored[:, day])
    return DayView(
        lab.calendar.now.date, bus=grid.bus, zone=tuple(grid.zone[z] for z in grid.bus_zone),
        price=facts.price[:, day], load=facts.load[:, day], technology=technology, output=output,
        **corridors_of(grid, lab.calendar.now.ordinal),
        sent=np.concatenate([facts.line_flow[:, day], facts.sent[:, day]]),
        delivered=np.concatenate([facts.line_flow[:, day], facts.delivered[:, day]]),
        store=store, stored=stored, room=room, basin=tuple(world["basins"]["key"]), water=facts.water_energy[:, -1],
        full=facts.rivers.full, city=tuple(world["cities"]["key"]), asked=facts.asked[:, day],
        done=facts.done[:, day], charging=facts.charging[:, day])


def corridors_of(grid: Grid, day: int) -> Data:
    """Names, ends and capacities of a grid's lines and links, in the order in which the recorder keeps them; a link has
    none before it is in service.  day: its ordinal."""
    def named(buses: np.ndarray) -> tuple[str, ...]:
        return tuple(grid.bus[b] for b in buses)

    open_links = grid.link_first <= day
    return dict(corridor=grid.line + grid.link, start=named(np.concatenate([grid.line_from, grid.link_from])),
                end=named(np.concatenate([grid.line_to, grid.link_to])),
                capacity=np.concatenate([grid.line_capacity, grid.link_capacity * open_links]),
                reverse=np.concatenate([grid.line_capacity, grid.link_reverse * open_links]))


def of_stores(grid: Grid, stored: np.ndarray) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Stores of the tables summed by zone and technology: names, MWh [store, hour] held and MWh [store] of room. Pools
    stand in the tables of those who run them, and are left out.

    stored: MWh [unit, hour].
    """
    rows = grid.units.of_kind(STORE)
    rows = rows[grid.units.technology[rows] != "virtual_plant"]
    names = [f"{grid.zone[grid.bus_zone[grid.units.bus[r]]]} {grid.units.technology[r]}" for r in rows]
    store, held = summed(np.array(names, object), stored[rows])
    _, room = summed(np.array(names, object), grid.units.store[rows, None])
    return store, held, room[:, 0]


def summed(names: np.ndarray, values: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Rows of one name added up: the names, sorted, and [name, ...]."""
    found, row = np.unique(names.astype(str), return_inverse=True)
    total = np.zeros((len(found), *values.shape[1:]))
    np.add.at(total, row, values)
    return tuple(found.tolist()), total


# ------------------------------------------------------------------------------------------------ what the page draws


def frame(view: DayView, cleared: tuple[str, ...]) -> Data:
    """A day as the page draws it: means over the day, shares of what is full, curves of 24 hours.

    cleared: the zones that have load, whose prices are shown as curves.
    """
    price = zone_prices(view, cleared)
    loading, zones = view.loading, dict(zip(view.bus, view.zone))
    peak = np.take_along_axis(loading, np.abs(loading).argmax(axis=1)[:, None], axis=1)[:, 0]
    stack = {name: view.output[view.technology.index(name)] for name in STACK if name in view.technology}
    return {
        "date": view.date.isoformat(),
        "bus": {bus: _plain(price) for bus, price in zip(view.bus, view.price.mean(axis=1))},
        "price": {zone: _plain(values, 1) for zone, values in zip(cleared, price)},
        "load": _plain(view.load.sum(axis=0)),
        "stack": {name: _plain(np.maximum(values, 0)) for name, values in stack.items()},
        "corridor": [
            {"key": key, "start": start, "end": end, "capacity": _plain(max(most, back)), "flow": _plain(flow),
             "loading": _plain(share, 3), "full": int(full), "inside": zones[start] == zones[end]}
            for key, start, end, most, back, flow, share, full in zip(
                view.corridor, view.start, view.end, view.capacity, view.reverse, view.sent.mean(axis=1), peak,
                (np.abs(loading) > FULL).sum(axis=1))],
        "store": {name: _plain(_share(held, room), 3) for name, held, room in zip(view.store, view.stored, view.room)
                  if room > 0},
        "water": {name: _plain(_share(held, full), 4) for name, held, full in zip(view.basin, view.water, view.full)
                  if full > SMALL * view.full.max()},
        "city": {name: {"asked": _plain(asked), "done": _plain(done), "charging": _plain(charging.mean(), 3)}
                 for name, asked, done, charging in zip(view.city, view.asked, view.done, view.charging)},
    }


def curve(drawn: Data) -> Data:
    """What of a day the curves over time keep: price by zone, water by basin, stores at their fullest."""
    return {"date": drawn["date"], "price": {zone: round(float(np.mean(values)), 2)
                                             for zone, values in drawn["price"].items()},
            "water": drawn["water"]}


def zone_prices(view: DayView, zones: tuple[str, ...]) -> np.ndarray:
    """CNY/MWh [zone, hour], weighted by load; the plain mean of its buses where a zone has none."""
    member = np.array([[own == zone for own in view.zone] for zone in zones], float)  # [zone, bus]
    weight = member @ view.load
    plain = member @ view.price / member.sum(axis=1, keepdims=True)
    return np.divide(member @ (view.price * view.load), weight, out=plain, where=weight > 0)


def _share(part: np.ndarray, whole: float) -> np.ndarray:
    return np.asarray(part) / whole


def _plain(values, digits: int = 1):
    """Numbers as JSON takes them, rounded; what is not finite is null."""
    rounded = np.round(np.asarray(values, float), digits)
    if rounded.ndim == 0:
        return float(rounded) if np.isfinite(rounded) else None
    return [float(value) if np.isfinite(value) else None for value in rounded]


# ------------------------------------------------------------------------------------------------------------- months


def month(indicators: Mapping[str, np.ndarray], entries: Mapping[str, np.ndarray]) -> Data:
    """A closed month as the page draws it: riders by city, key figures by place, and the money.

    indicators: the month's rows of the tidy table, in columns.  entries: its journal's entries, in columns.
    """
    place, name, value, unit = (indicators[column] for column in ("zone", "indicator", "value", "unit"))
    kept, monthly = {}, {}
    for where, what, number, measure in zip(place, name, value, unit):
        key, _, part = what.partition(".")
        if key not in KEY_FIGURES:
            continue
        total = kept.setdefault(key, {"unit": measure, "of": {}})["of"]
        total[where] = total.get(where, 0.0) + float(number) if part else float(number)
        monthly[what, where] = float(number)
    riders = {city: _riders(monthly, city) for city in kept.get("riders", {"of": {}})["of"]}
    first = str(np.min(indicators["date"]))[:7]
    return {"month": first, "figures": kept, "riders": riders, "money": money(entries),
            "net": net(entries)}


def _riders(monthly: Mapping[tuple[str, str], float], city: str) -> Data:
    """A city's riders in a month: persons, income, and shares of three that make the whole: enrolled, eligible but not
    enrolled, neither."""
    enrolled = monthly["enrolled_share", city]
    eligible, taken = (monthly.get((name, city)) for name in ("eligible_share", "take_up"))
    missed = None if eligible is None or taken is None else eligible * (1 - taken)
    return {"persons": monthly["riders", city], "income": monthly["income", city], "enrolled": enrolled,
            "eligible": eligible, "missed": missed, "take_up": taken}


def money(entries: Mapping[str, np.ndarray]) -> Data:
    """The month's payments as boxes and ribbons, lengths in CNY; the smallest are left out, and said to be."""
    paid: dict[tuple[str, str], float] = {}
    for payer, payee, total in zip(entries["payer"], entries["payee"], entries["total"]):
        pair = (payer, payee)
        paid[pair] = paid.get(pair, 0.0) + int(total) / 100
    most = max(paid.values(), default=0.0)
    shown = [(*pair, amount) for pair, amount in paid.items() if amount > most * SEEN]
    boxes, ribbons = lay_out(shown)
    number = {id(box): i for i, box in enumerate(boxes)}
    return {
        "boxes": [{"account": box.account, "column": box.column, "top": box.top, "size": box.size} for box in boxes],
        "ribbons": [{"payer": number[id(r.payer)], "payee": number[id(r.payee)], "amount": r.amount, "start": r.start,
                     "end": r.end} for r in ribbons],
        "left_out": len(paid) - len(shown)}


def net(entries: Mapping[str, np.ndarray]) -> dict[str, float]:
    """CNY by account: received less paid."""
    total: dict[str, float] = {}
    for payer, payee, fen in zip(entries["payer"], entries["payee"], entries["total"]):
        total[payer] = total.get(payer, 0.0) - int(fen) / 100
        total[payee] = total.get(payee, 0.0) + int(fen) / 100
    return total
