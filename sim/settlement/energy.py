"""The bills of energy: who pays and who is paid for what was bought and sold, a day ahead and in real time.

On days that the spot settles, what was sold a day ahead is paid at day-ahead prices and what was given beyond it, or
not given of it, at real-time prices. Users pay the load-weighted price of their zone, units trade at their bus, and
what remains is congestion rent. On all other days energy is settled at administered prices by zone, a zone that sends
to another is paid for it, and what a zone's bills leave over is shared by its users.

The grid company stands between all who trade energy and keeps nothing. What enters a bill is rounded once: energy to
0.001 MWh, prices to 0.01 CNY/MWh; what separately rounded parts leave goes to the rounding account.

*Source*: two settlements, zonal prices for users, congestion rent [SouthSpot2025]; price times flow difference as rent
[Schweppe1988].
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.messages import Transfer
from sim.settlement import meters
from sim.settlement.owing import ACCOUNT_OF, owed, shared

if TYPE_CHECKING:
    from sim.facts import Ahead, Facts


@dataclass(frozen=True)
class Leg:
    """One settlement of energy. bill: its name.  prices: whose prices hold (Facts, or the day-ahead market).

    given, taken: kWh [unit, H], of units; used: kWh [user row, H]; charged: kWh [city, H]; brought: kWh [bus, H], what
    the network brings to a bus less what is disposed of there; load: MW [bus, H], served. Only hours of this leg are
    not zero. Of a deviation all may be negative.
    """

    bill: str
    prices: "Facts | Ahead"
    given: np.ndarray
    taken: np.ndarray
    used: np.ndarray
    charged: np.ndarray
    brought: np.ndarray
    load: np.ndarray

    @classmethod
    def of(cls, bill: str, view: "Facts | Ahead", hours: np.ndarray) -> "Leg":
        """What a market cleared in some hours (bool [H])."""
        energy, served = np.where(hours, meters.kwh(view.output), 0), meters.served(view) * hours
        cities = view.city_bus
        charged = view.charging * np.where((cities >= 0)[:, None], served[np.maximum(cities, 0)], hours)
        return cls(bill, view, np.maximum(energy, 0), np.maximum(-energy, 0),
                   meters.kwh(view.consumption * served[view.user_bus]), meters.kwh(charged),
                   meters.kwh((meters.imported(view) - view.disposed) * hours), (view.load - view.shed) * hours)

    def beyond(self, sold: "Leg", bill: str) -> "Leg":
        """What was given, taken and carried beyond an earlier leg, at this leg's prices."""
        parts = {name: getattr(self, name) - getattr(sold, name)
                 for name in ("given", "taken", "used", "charged", "brought", "load")}
        return Leg(bill, self.prices, **parts)


def legs(facts: "Facts") -> list[Leg]:
    """The spot's settlements of the month: of days with one clearing, then of those with two."""
    ahead, once = facts.ahead.hours & facts.settled, facts.settled & ~facts.ahead.hours
    found = [Leg.of("spot energy", facts, once)] if once.any() else []
    if ahead.any():
        sold = Leg.of("day-ahead energy", facts.ahead, ahead)
        found += [sold, Leg.of("", facts, ahead).beyond(sold, "real-time deviation")]
    return found


def spot(facts: "Facts") -> list[Transfer]:
    """All that the spot settles: energy, fees of links, congestion rent, the swap operator's electricity."""
    if not facts.settled.any():
        return []
    parts = legs(facts)
    energy = [bill for leg in parts for bill in traded(facts, leg)]
    energy += [*dc_fee(facts, facts.settled), *congestion_rent(facts, parts), *swap_electricity(facts, parts)]
    return [*energy, *rounding(energy)]


def traded(facts: "Facts", leg: Leg) -> list[Transfer]:
    """Users pay the hourly zonal price of what they were served; units are paid, or pay, the price at their bus.

    What a store, a neighbour or a smelter takes is a bill of its own and not set off against what it gives.
    """
    grid = facts.grid
    price = meters.cents(meters.zone_price(leg.prices))[grid.bus_zone[facts.user_bus]]
    user = np.arange(len(leg.used), dtype=np.int64)
    transfers = owed(leg.bill, "users", "grid_company", meters.fen((leg.used * price).sum(axis=1)), user)
    price = meters.cents(leg.prices.price)
    for kind, account in ACCOUNT_OF.items():
        unit = grid.units.of_kind(kind).astype(np.int64)
        here = price[grid.units.bus[unit]]
        for ends, power in ((("grid_company", account), leg.given), ((account, "grid_company"), leg.taken)):
            transfers += owed(leg.bill, *ends, meters.fen((power[unit] * here).sum(axis=1)), unit)
    return transfers


def dc_fee(facts: "Facts", hours: np.ndarray) -> list[Transfer]:
    """The grid company pays a link's owner the link's tariff on what the link hands over. hours: bool [H]."""
    link = np.arange(len(facts.grid.link), dtype=np.int64)
    return owed("DC fee", "grid_company", "corridor_owners", meters.fen(_fees(facts, hours)), link)


def _fees(facts: "Facts", hours: np.ndarray) -> np.ndarray:
    """Thousandths of a fen, int64 [link]."""
    return (meters.kwh(meters.arrived(facts)) * hours).sum(axis=1) * meters.cents(facts.grid.link_fee)


def congestion_rent(facts: "Facts", parts: list[Leg]) -> list[Transfer]:
    """What lines and links earn by carrying energy to dearer buses, less the fees of their owners, is kept as rent.

    Counted from the flows, not as what is left in the account: so the account's closing tests the other bills.
    Energy disposed of at the price floor was delivered and is settled like any other, at a price that nobody pays in
    turn: that surplus (at a negative floor) stays with the rent.
    """
    rent = sum(int((leg.brought * meters.cents(leg.prices.price)).sum()) for leg in parts)
    rent -= int(_fees(facts, facts.settled).sum())
    return owed("congestion rent", "grid_company", "rent", int(meters.fen(np.int64(rent))))


def swap_electricity(facts: "Facts", parts: list[Leg]) -> list[Transfer]:
    """The swap operator buys its cabinets' electricity at the zone's price of the city's bus."""
    inside, bought = facts.city_bus >= 0, 0
    for leg in parts:
        price = meters.cents(meters.zone_price(leg.prices))[facts.grid.bus_zone[facts.city_bus[inside]]]
        bought += int(meters.fen((leg.charged[inside] * price).sum()))
    return owed("swap electricity", "swap_operator", "grid_company", bought)


def outside_electricity(facts: "Facts") -> list[Transfer]:
    """In a city outside the cleared grid cabinets are served at the fixed price of a supplier there."""
    outside = facts.city_bus < 0
    energy = meters.kwh(facts.charging[outside]).sum(axis=1)
    bought = int(meters.fen((energy * meters.cents(facts.outside_price[outside])).sum()))
    return owed("swap electricity", "swap_operator", "outside_grid", bought)


def rounding(energy: list[Transfer]) -> list[Transfer]:
    """What the bills of energy leave in the grid company's account: parts that were rounded one by one."""
    return owed("rounding", "grid_company", "rounding", left_over(energy))


def left_over(transfers: list[Transfer]) -> int:
    """Fen that transfers leave in the grid company's account."""
    return sum(bill.total * ((bill.payee == "grid_company") - (bill.payer == "grid_company")) for bill in transfers)


# ----------------------------------------------------------------------------------- days that the spot does not settle


def administered_price(facts: "Facts", rules) -> np.ndarray:
    """Fen/MWh [bus, H] at which energy is settled where the spot does not settle it: the law's price of the bus's zone
    and season; in a zone without one (neighbours) the dispatch's own price."""
    found = meters.cents(facts.price)
    law = rules.administered_wet if facts.month.wet else rules.administered_dry
    for zone, key in enumerate(facts.grid.zone):
        if key in law:
            found[facts.grid.bus_zone == zone] = int(meters.cents(law[key]))
    return found


def administered(facts: "Facts", rules) -> list[Transfer]:
    """Everybody's energy at administered prices, the fees of links, and what that leaves over in each zone."""
    hours = ~facts.settled
    if not hours.any():
        return []
    grid, price = facts.grid, administered_price(facts, rules)
    leg = Leg.of("administered energy", facts, hours)
    user = np.arange(len(leg.used), dtype=np.int64)
    paid = meters.fen((leg.used * price[facts.user_bus]).sum(axis=1))
    transfers = owed(leg.bill, "users", "grid_company", paid, user)
    left = np.bincount(grid.bus_zone[facts.user_bus], paid, len(grid.zone))
    for kind, account in ACCOUNT_OF.items():
        unit = grid.units.of_kind(kind).astype(np.int64)
        bus = grid.units.bus[unit]
        net = meters.fen(((leg.given - leg.taken)[unit] * price[bus]).sum(axis=1))
        transfers += owed(leg.bill, "grid_company", account, net, unit)
        left -= np.bincount(grid.bus_zone[bus], net, len(grid.zone))
    inside = facts.city_bus >= 0
    swaps = meters.fen((leg.charged[inside] * price[facts.city_bus[inside]]).sum(axis=1))
    transfers += owed("swap electricity", "swap_operator", "grid_company", int(swaps.sum()))
    left += np.bincount(grid.bus_zone[facts.city_bus[inside]], swaps, len(grid.zone))
    fees = dc_fee(facts, hours)
    transfers += fees
    left += _between_zones(facts, hours, price) - np.bincount(
        grid.bus_zone[grid.link_to], meters.fen(_fees(facts, hours)), len(grid.zone))
    return transfers + zone_remainders(facts, left, leg.used.sum(axis=1), left_over(transfers))


def _between_zones(facts: "Facts", hours: np.ndarray, price: np.ndarray) -> np.ndarray:
    """What each zone is paid for energy sent to others, less what it pays for energy received, fen [zone].

    A flow is paid at the sender's price where it leaves; what is lost on the way is the receiver's loss.
    """
    grid, total = facts.grid, np.zeros(len(facts.grid.zone))
    ends = ((grid.line_from, grid.line_to, facts.line_flow, facts.line_flow),
            (grid.link_from, grid.link_to, facts.sent, facts.delivered))
    for start, end, sent, delivered in ends:
        there, back = meters.kwh(np.maximum(sent, 0)) * hours, meters.kwh(np.maximum(-delivered, 0)) * hours
        worth = meters.fen((there * price[start] - back * price[end]).sum(axis=1)).astype(float)
        np.add.at(total, grid.bus_zone[start], worth)
        np.add.at(total, grid.bus_zone[end], -worth)
    return total


def zone_remainders(facts: "Facts", left: np.ndarray, used: np.ndarray, total: int) -> list[Transfer]:
    """What zones' energy bills leave over, back to their users by energy; a zone without users counts with its home.

    left: fen [zone].  used: kWh [user row].  total: fen, what the grid company has to give away; `left` sums to it but
    for rounding, which the largest zone bears.
    """
    grid = facts.grid
    home = np.zeros(len(grid.zone))
    np.add.at(home, grid.home_zone, left)
    whole = np.rint(home).astype(np.int64)
    whole[np.argmax(np.abs(whole))] += total - int(whole.sum())
    zone_of_user, back = grid.bus_zone[facts.user_bus], np.zeros(len(used), np.int64)
    for zone in np.flatnonzero(whole):
        mine = zone_of_user == zone
        back[mine] = shared(int(whole[zone]), used[mine])
    return owed("imbalance", "grid_company", "users", back, np.arange(len(used), dtype=np.int64))
