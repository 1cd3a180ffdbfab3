"""Why a price is what it is: the offer that sets it, what it costs to get here, and the limits that stand in the way.

An `Hour` holds what a clearing knew of one hour. From a bus the story walks over ties that have room left until it
finds an offer that is used in part: one MW more would come from there, at its price, and each link on the way adds its
loss and fee. Where every way is full, the bus has a price of its own. Inside an area the network's part of a price is
the sum over its full lines [Schweppe1988].
"""

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sim.config import BadInput
from sim.config.sections import nearest
from sim.messages import SELL
from sim.units import HOURS

if TYPE_CHECKING:
    from sim.facts import Facts
    from sim.messages import Dispatch
    from sim.network.grid import Grid

SAME = 0.02  # CNY/MWh: prices that differ by less are one; the engines' tie-break stays far below
USED = 1e-4  # MW
MOST = 6  # offers that are named


@dataclass(frozen=True)
class Offer:
    """An order in one hour. who: unit and owner.  bus: int.  sells: else it buys.  price: CNY/MWh.
    volume, accepted: MW.  tied: whether its unit could give more or less now, at the cost of another hour of the day:
    a store, water of a day's budget, a plant between two limits of its ramp."""

    who: str
    bus: int
    sells: bool
    price: float
    volume: float
    accepted: float
    tied: bool = False

    def __str__(self):
        verb = "asks" if self.sells else "bids"
        taken = f"{self.accepted:,.1f} of {self.volume:,.1f} MW taken"
        return f"{self.who}, which {verb} {self.price:,.2f} CNY/MWh, {taken}"


@dataclass(frozen=True)
class Line:
    """An AC line in one hour. flow, capacity: MW.  shadow: CNY/MWh >= 0.  share: [bus], MW on the line for each MW put
    in at a bus and taken out at its area's reference."""

    key: str
    start: int
    end: int
    flow: float
    capacity: float
    shadow: float
    share: np.ndarray

    def effect(self, bus: int) -> float:
        """CNY/MWh that this line's limit adds to the price at a bus."""
        return -float(np.sign(self.flow) * self.shadow * self.share[bus])


@dataclass(frozen=True)
class Link:
    """A controllable link in one hour, in the direction of its flow. sent, delivered: MW.  loss, fee, congestion:
    CNY/MWh, the parts of the step from the price at `start` to that at `end`."""

    key: str
    start: int
    end: int
    sent: float
    delivered: float
    loss: float
    fee: float
    congestion: float


@dataclass(frozen=True)
class Hour:
    """What a clearing knew of one hour. bus: names.  price, energy: CNY/MWh, load, shed, disposed: MW, area: int, all
    [bus].  reference: int [area]."""

    bus: tuple[str, ...]
    price: np.ndarray
    energy: np.ndarray
    load: np.ndarray
    shed: np.ndarray
    disposed: np.ndarray
    area: np.ndarray
    reference: np.ndarray
    offers: tuple[Offer, ...]
    lines: tuple[Line, ...]
    links: tuple[Link, ...]

    def marginal(self, area: int) -> list[Offer]:
        """Offers of an area that are used in part, at the price of their bus: where one MW more would come from."""
        return [offer for offer in self.offers
                if self.area[offer.bus] == area and USED < offer.accepted < offer.volume - USED
                and abs(offer.price - self.price[offer.bus]) <= SAME]

    def kept(self, area: int) -> list[Offer]:
        """Offers of an area that are used in part at another price than they ask, for the sake of other hours."""
        return [offer for offer in self.offers
                if self.area[offer.bus] == area and offer.tied and USED < offer.accepted < offer.volume - USED]

    def open_links(self, area: int) -> list[tuple[Link, int]]:
        """Links with room left between an area and others, and the bus at their far end."""
        room = [link for link in self.links if abs(link.congestion) <= SAME and link.sent > USED]
        return [(link, far) for link in room for near, far in ((link.start, link.end), (link.end, link.start))
                if self.area[near] == area and self.area[far] != area]


@dataclass(frozen=True)
class Reason:
    """What sets the price at a bus.

    kind: "offer", "kept" (by what stores and water are worth at other hours), "shed" (load is shed at the cap),
    "disposed" (at the floor) or "between" (no offer is used in part).
    offers: that set it; of "between" the last one used and the first one left.  share: [offer], MW that each gives of
    one MW more at `entry`; not one offer alone where lines are full.  way: links from the area where it is set to that
    of the bus, nearest to the bus first.  source: int, the bus where it is set.  entry: int, where the way enters its
    area, else the bus itself.
    """

    kind: str
    offers: tuple[Offer, ...]
    share: tuple[float, ...]
    way: tuple[Link, ...]
    source: int
    entry: int


def hour_of(dispatch: "Dispatch", grid: "Grid", day: "Facts", hour: int, apart: bool) -> Hour:
    """The hour of a day's clearing. day: facts whose last day it is.  apart: whether zones were cleared each alone."""
    from sim.engines.skeleton import transfer_factors
    from sim.network.wiring import wired

    wiring, units, orders = wired(grid, apart), grid.units, dispatch.orders
    factors, _ = transfer_factors(wiring.network)
    load, at = day.load[:, -HOURS:][:, hour], -HOURS + hour
    tied = _tied(grid, dispatch.output[:, hour], day.minimum[:, at], day.available[:, at])
    offers = tuple(
        Offer(_who(grid, unit), int(units.bus[unit]), bool(side == SELL), float(price), float(volume), float(taken),
              bool(tied[unit]))
        for unit, side, price, volume, taken in zip(orders.unit, orders.side, orders.price[:, hour],
                                                    orders.volume[:, hour], dispatch.accepted[:, hour]))
    lines = tuple(
        Line(grid.line[i], int(grid.line_from[i]), int(grid.line_to[i]), float(dispatch.line_flow[i, hour]),
             float(grid.line_capacity[i]), float(dispatch.line_shadow[i, hour]), factors[row])
        for row, i in enumerate(wiring.inner))
    return Hour(grid.bus, dispatch.price[:, hour], dispatch.energy[:, hour], load, dispatch.shed[:, hour],
                dispatch.disposed[:, hour], wiring.network.area, wiring.network.reference, offers, lines,
                tuple(_links(dispatch, grid, hour)))


def _tied(grid: "Grid", output: np.ndarray, least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Units whose hours hang together and that could give more and less in this one, bool [unit]; all MW [unit]."""
    units = grid.units
    together = units.budgeted | np.isfinite(units.ramp)
    return (units.store > 0) | (together & (output > least + USED) & (output < most - USED))


def _who(grid: "Grid", unit: int) -> str:
    """A unit in words."""
    units = grid.units
    return f"{units.key[unit]} ({str(units.technology[unit]).replace('_', ' ')}, {units.owner[unit]})"


def _links(dispatch: "Dispatch", grid: "Grid", hour: int) -> list[Link]:
    """The links of a grid in an hour, turned into the direction of their flow."""
    steps, found = [part[:, hour] for part in dispatch.steps_over_links(grid)], []
    for i, key in enumerate(grid.link):
        sent, delivered = float(dispatch.sent[i, hour]), float(dispatch.delivered[i, hour])
        start, end = int(grid.link_from[i]), int(grid.link_to[i])
        if sent < 0:
            start, end, sent, delivered = end, start, -delivered, -sent
        found.append(Link(key, start, end, sent, delivered, *(float(step[i]) for step in steps)))
    return found


def reason(hour: Hour, bus: int) -> Reason:
    """What sets the price at a bus: looked for in its own area first, then over links that have room, nearest first.

    An area may be entered at several buses; taken is the first at which its offers explain the price.
    """
    waiting, seen, kept, second = deque([(bus, ())]), {bus}, None, None
    while waiting:
        at, way = waiting.popleft()
        area = int(hour.area[at])
        found = _set_in(hour, area, at)
        if found and (found.share or found.kind != "offer"):
            return replace(found, way=way)
        kept = kept or _kept(hour, area, at, way)
        second = second or (replace(found, way=way) if found else None)
        for link, far in hour.open_links(area):
            if far not in seen and hour.area[far] != hour.area[bus]:
                seen.add(far)
                waiting.append((far, (*way, link)))
    return kept or second or _between(hour, bus)


def _set_in(hour: Hour, area: int, at: int) -> Reason | None:
    """What sets prices within an area, if anything there does: an offer used in part, load shed, power disposed of."""
    offers = sorted(hour.marginal(area), key=lambda offer: (abs(offer.price - hour.price[at]), offer.who))
    if offers:
        return Reason("offer", tuple(offers), _mixture(hour, offers, at), (), offers[0].bus, at)
    for kind, amount in (("shed", hour.shed), ("disposed", hour.disposed)):
        buses = np.flatnonzero((hour.area == area) & (amount > USED))
        if len(buses):
            return Reason(kind, (), (), (), int(buses[0]), at)
    return None


def _kept(hour: Hour, area: int, at: int, way: tuple[Link, ...]) -> Reason | None:
    """What stores and water of an area are worth at other hours, if any of them could give more now."""
    offers = sorted(hour.kept(area), key=lambda offer: (abs(offer.price - hour.price[offer.bus]), offer.who))
    return Reason("kept", tuple(offers), (), way, offers[0].bus, at) if offers else None


def _mixture(hour: Hour, offers: list[Offer], at: int) -> tuple[float, ...]:
    """MW that each offer gives of one MW more at a bus, so that no full line carries more; empty where offers used in
    part do not explain the price (load shed, or a schedule, has a part in it)."""
    if abs(offers[0].price - hour.price[at]) <= SAME:
        return (1.0, *(0.0 for _ in offers[1:]))
    first = [i for i, offer in enumerate(offers) if offer.bus not in {o.bus for o in offers[:i]}]
    full = [line for line in hour.lines if line.shadow > SAME and np.abs(line.share).max() > 0]
    rows = np.array([[1.0] * len(first), *([line.share[offers[i].bus] for i in first] for line in full)])
    wanted = np.array([1.0, *(line.share[at] for line in full)])
    part = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    price = sum(w * offers[i].price for w, i in zip(part, first))
    if np.abs(rows @ part - wanted).max() > 1e-6 or abs(price - hour.price[at]) > SAME:
        return ()
    share = np.zeros(len(offers))
    share[first] = part
    return tuple(share.tolist())


def _between(hour: Hour, bus: int) -> Reason:
    """No offer is used in part: the last one used and the first one left, of the bus's own area."""
    mine = [offer for offer in hour.offers
            if hour.area[offer.bus] == hour.area[bus] and offer.sells and offer.volume > USED]
    used = [offer for offer in mine if offer.accepted > USED and offer.price <= hour.price[bus] + SAME]
    left = [offer for offer in mine if offer.accepted <= USED and offer.price >= hour.price[bus] - SAME]
    ends = [*sorted(used, key=lambda o: -o.price)[:1], *sorted(left, key=lambda o: o.price)[:1]]
    return Reason("between", tuple(ends), (), (), bus, bus)


def story(hour: Hour, bus: int, when: str) -> list[str]:
    """Lines of text: why the price at a bus is what it is in an hour."""
    found, price = reason(hour, bus), hour.price[bus]
    lines = [f"{hour.bus[bus]}, {when}: {price:,.2f} CNY/MWh in real time, for a load of {hour.load[bus]:,.1f} MW.", ""]
    lines += [*_what_sets_it(hour, found), *_way(hour, found), *_inside(hour, bus), *_stands_in_the_way(hour, bus)]
    return lines


def _what_sets_it(hour: Hour, found: Reason) -> list[str]:
    """Where one MW more would come from."""
    at = hour.bus[found.source]
    if found.kind == "shed":
        return [f"Load is shed at {at}: one MW more could not be served, so the price is the cap, "
                f"{hour.price[found.source]:,.2f}."]
    if found.kind == "disposed":
        return [f"Power is thrown away at {at}: nobody takes one MW more, so the price is the floor, "
                f"{hour.price[found.source]:,.2f}."]
    if found.kind == "offer":
        return _offers(hour, found)
    if found.kind == "kept":
        return ["No offer is used in part at just this price. These are used in part and could give more now and less "
                "at another hour of the day (or the other way round), which is worth the difference:",
                *(f"  - {_for_other_hours(hour, offer)}" for offer in found.offers[:MOST])]
    ends = [f"  - {offer} (at {hour.bus[offer.bus]})" for offer in found.offers]
    return ["No offer here is used in part, nor can one be reached over a tie with room: what is used is used whole, "
            "and the price lies between the last offer used and the first one left, where ramps, schedules and the "
            "limits below put it.", *ends]


def _for_other_hours(hour: Hour, offer: Offer) -> str:
    """An offer at another price than that of its bus, and why it may be."""
    more = float(hour.price[offer.bus]) - offer.price
    why = (f"a MWh kept for another hour is worth {more:,.2f}" if more >= 0 else
           f"to run now makes another hour cheaper, which is worth {-more:,.2f}")
    return f"{offer}, at {hour.bus[offer.bus]} ({hour.price[offer.bus]:,.2f}): {why}"


def _offers(hour: Hour, found: Reason) -> list[str]:
    """The offers of which one MW more would be made."""
    named = [f"{offer} (at {hour.bus[offer.bus]})" for offer in found.offers]
    used, entry = [(part, name) for part, name in zip(found.share, named) if abs(part) > 1e-6], hour.bus[found.entry]
    if not used:
        return [f"No single offer sets the price at {entry}, {hour.price[found.entry]:,.2f}. Used in part, at the "
                "prices of their own buses, are:", *(f"  - {name}" for name in named[:MOST])]
    if len(used) == 1:
        others = [f"  - {name}" for part, name in zip(found.share, named) if part == 0][:MOST]
        return [f"One MW more at {entry} would be served by {used[0][1]}.",
                *(["Other offers used in part, at the prices of their own buses:", *others] if others else [])]
    return [f"Lines are full, so one MW more at {entry} ({hour.price[found.entry]:,.2f}) would be made of several "
            "offers:", *(f"  {part:+.3f} MW  {name}" for part, name in used)]


def _way(hour: Hour, found: Reason) -> list[str]:
    """Step by step from where the price is set to the area of the bus."""
    if not found.way:
        return []
    steps = [f"  {hour.bus[link.start]} {hour.price[link.start]:,.2f}  + loss {link.loss:,.2f}  + fee {link.fee:,.2f}  "
             f"= {hour.bus[link.end]} {hour.price[link.end]:,.2f}   ({link.key}: {link.sent:,.1f} MW sent, "
             f"{link.delivered:,.1f} arrive)" for link in reversed(found.way)]
    return ["Between there and here, over ties that have room:", *steps]


def _inside(hour: Hour, bus: int) -> list[str]:
    """What lines inside the area add to the price."""
    mine, reference = hour.area == hour.area[bus], int(hour.reference[hour.area[bus]])
    full = [line for line in hour.lines if line.shadow > SAME and mine[line.start]]
    if not full:
        return ["Inside its synchronous area no line is full, so the same price holds everywhere in it."
                if mine.sum() > 1 else "It is a synchronous area by itself."]
    lines = [f"Lines inside its area that are full, and what they add here to the {hour.energy[bus]:,.2f} at "
             f"{hour.bus[reference]}, the reference:"]
    for line in sorted(full, key=lambda line: -abs(line.effect(bus))):
        lines.append(f"  {line.effect(bus):+,.2f}  {line.key}, {hour.bus[line.start]} to {hour.bus[line.end]}: "
                     f"{abs(line.flow):,.1f} of {line.capacity:,.1f} MW; a MW more would save {line.shadow:,.2f}")
    return lines


def _stands_in_the_way(hour: Hour, bus: int) -> list[str]:
    """Links of the bus's area that are at a limit."""
    area, lines = hour.area[bus], []
    for link in sorted(hour.links, key=lambda link: -abs(link.congestion)):
        ends = hour.area[link.start] == area, hour.area[link.end] == area
        if abs(link.congestion) <= SAME or link.sent <= USED or ends[0] == ends[1]:
            continue
        other = link.start if ends[1] else link.end
        where = f"from {hour.bus[other]}" if ends[1] else f"to {hour.bus[other]}"
        what = ("as much as it may: one MW more would save" if link.congestion > 0 else
                "as little as it may: one MW less would save")
        lines.append(f"  {link.key} {where} (price {hour.price[other]:,.2f}) carries {link.sent:,.1f} MW, {what} "
                     f"{abs(link.congestion):,.2f} CNY for each MWh sent")
    return ["Links of its area at a limit, which keep other prices out:", *lines] if lines else []


def bus_of(hour: Hour, zones: tuple[str, ...], zone_of_bus: np.ndarray, place: str) -> int:
    """The bus that is meant: itself, or the one with most load of a zone. Raises: BadInput."""
    if place in hour.bus:
        return hour.bus.index(place)
    if place in zones:
        mine = np.flatnonzero(zone_of_bus == zones.index(place))
        return int(mine[np.argmax(hour.load[mine])])
    known = [*dict.fromkeys((*zones, *hour.bus))]
    raise BadInput(f"--price: there is no zone or bus '{place}'{nearest(place, known)}")
