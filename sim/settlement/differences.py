"""Contracts for difference: what was sold ahead, settled against the price at its reference bus.

*Source*: sold x (contract price - reference price), day-ahead where the spot settles [SouthSpot2025]; before it, energy
beyond a free band of the contract is paid less and energy that falls short is charged more, month by month
[assumption].
"""

from typing import TYPE_CHECKING

import numpy as np

from sim.messages import Transfer
from sim.settlement import meters
from sim.settlement.energy import administered_price
from sim.settlement.owing import owed, owed_parties, shared
from sim.units import HOURS, to_fen

if TYPE_CHECKING:
    from sim.facts import Facts


def settled(facts: "Facts", market: str) -> list[Transfer]:
    """The month's differences of one market's contracts; what rounding leaves goes to the rounding account.

    A party that sold is paid sold x (contract price - reference price), negative where the reference is dearer; a party
    that bought pays the same, so nobody but the two sides gains or loses.
    """
    total = np.zeros(len(facts.party_bus))
    for (key, _), book in facts.positions.books.items():
        if key == market:
            price = reference_price(facts, book.reference).reshape(-1, HOURS)
            total += facts.days * book.value.sum(axis=1) - book.sold @ price.sum(axis=0)
    amount = np.asarray(to_fen(total), np.int64)
    transfers = owed_parties("contract difference", amount, facts)
    return transfers + owed("rounding", "rounding", "grid_company", int(amount.sum()))


def reference_price(facts: "Facts", bus: int) -> np.ndarray:
    """CNY/MWh [H] against which a contract settles: day-ahead where there was such a market, real time where the spot
    settles without one, the administered price on all other days."""
    spot = np.where(facts.ahead.hours, facts.ahead.price[bus], facts.price[bus])
    return np.where(facts.settled, spot, administered_price(facts, facts.spot)[bus] / 100)


def departures(facts: "Facts", market: str, free: float, over: float, short: float) -> list[Transfer]:
    """What departing from one's contracts costs on days that the spot does not settle, and its return to the users.

    Of parties that hold such contracts: energy beyond (1 + free) x contract costs `over` of the administered price of
    the party's bus, energy short of (1 - free) x contract costs `short` of it; for who bought, using more is short and
    using less is over. What a zone's parties pay its users receive, by energy.
    """
    hours = ~facts.settled
    books = [book for (key, _), book in facts.positions.books.items() if key == market]
    if not hours.any() or not books:
        return []
    sold = sum(book.sold for book in books).sum(axis=1) * (hours.sum() / HOURS)
    given = np.concatenate([facts.output, -facts.consumption]) * hours
    gap = given.sum(axis=1) - sold
    beyond = np.sign(gap) * np.maximum(np.abs(gap) - free * np.abs(sold), 0.0)
    price = administered_price(facts, facts.spot)[facts.party_bus][:, hours].mean(axis=1) / 100
    cost = np.where(beyond > 0, over * beyond, -short * beyond) * price * (sold != 0)
    fine = -np.asarray(to_fen(cost), np.int64)
    return [*owed_parties("contract departure", fine, facts), *returned(fine, facts)]


def returned(fine: np.ndarray, facts: "Facts") -> list[Transfer]:
    """What parties paid, fen [party] (negative: paid), back to the users of their zones, by energy."""
    grid, used = facts.grid, meters.kwh(facts.consumption).sum(axis=1)
    paid = np.zeros(len(grid.zone), np.int64)
    np.add.at(paid, grid.home_zone[grid.bus_zone[facts.party_bus]], -fine)
    zone, back = grid.bus_zone[facts.user_bus], np.zeros(len(used), np.int64)
    for of in np.flatnonzero(paid):
        mine = zone == of
        back[mine] = shared(int(paid[of]), used[mine])
    return owed("departures returned", "grid_company", "users", back, np.arange(len(used), dtype=np.int64))
