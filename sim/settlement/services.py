"""What ancillary services cost, who is paid and who pays; and what is kept of a month of them.

Every seller is paid for what it held back, hour by hour, at the price of its zone; the cost of a zone is borne by its
users and generators in the shares that the law sets, each by energy, to the fen.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sim.messages import Transfer
from sim.network.grid import PLANT, STORE, USER
from sim.settlement import meters
from sim.settlement.owing import ACCOUNT_OF, owed, shared
from sim.units import to_fen

if TYPE_CHECKING:
    from sim.facts import Facts
    from sim.markets.ancillary import Services

PARTS = ("regulation capacity", "regulation mileage", "spinning reserve")
PRODUCT_OF = (0, 0, 1)  # of each part: regulation, regulation, reserve
LEAST = 1e-6  # MW
ROUNDING = 1e-6  # a share closer to one is one: solvers' tolerance, not failure
COST = "cost of ancillary services"


@dataclass(frozen=True)
class Month:
    """The days of a month side by side; hours (H) of the days on which services were traded are the last axis.

    kept: share [unit, H] of what a unit held back that real time left room for.  failure: multiple of its pay that the
    rest pays back [H].  short: its `lack`.  Otherwise as `markets.ancillary.Services`, whose fields these are.
    """

    reserved: np.ndarray
    kept: np.ndarray
    failure: np.ndarray
    pay: np.ndarray
    group: np.ndarray
    value: np.ndarray
    short: np.ndarray
    asked: np.ndarray

    @classmethod
    def of(cls, facts: "Facts") -> "Month | None":
        """The month's days so far; None where none was traded."""
        days: list[Services] = facts.daily.get("ancillary", [])
        if not days:
            return None
        hourly = {name: np.concatenate([getattr(day, name) for day in days], axis=-1)
                  for name in ("reserved", "pay", "value", "lack", "asked")}
        hours = days[0].reserved.shape[-1]
        first = np.array([day.day.index - facts.opening.day.index for day in days]) * hours
        lived = (first[:, None] + np.arange(hours)).ravel()
        kept = found(hourly["reserved"], facts.output[:, lived], facts.available[:, lived], facts.grid.units.store > 0)
        return cls(group=days[0].group, short=hourly.pop("lack"), kept=kept,
                   failure=np.repeat([day.failure for day in days], hours), **hourly)

    @cached_property
    def earned(self) -> np.ndarray:
        """Fen, int64 [part, unit]: what each unit is owed for capacity, mileage and reserve; negative where it failed.

        MW are rounded to 0.001, prices to 0.01 CNY, once.
        """
        counted = self.reserved * (self.kept - self.failure * (1 - self.kept))
        power, cents = meters.kwh(counted), meters.cents(self.pay)
        return np.stack([meters.fen((power[product] * cents[part]).sum(axis=1))
                         for part, product in enumerate(PRODUCT_OF)])

    def price(self, product: int) -> np.ndarray:
        """CNY/MW (times performance) and hour [zone]: the mean weighted by what is asked; nan where nothing is."""
        asked = self.asked[product].sum(axis=1)
        paid = (self.value[product] * self.asked[product]).sum(axis=1)
        return np.divide(paid, asked, out=np.full(len(asked), np.nan), where=asked > 0)

    def volume(self, product: int) -> np.ndarray:
        """MW held back for an hour, in sum [zone]; nan where nothing is asked."""
        return self._by_zone(self.reserved[product].sum(axis=1))

    def lack(self, product: int) -> np.ndarray:
        """MW (times performance) of the requirement that were missing for an hour, in sum [zone]; nan likewise."""
        return np.where(self.asked.any(axis=(0, 2)), self.short[product].sum(axis=1), np.nan)

    def missed(self) -> np.ndarray:
        """MW held back of which real time found nothing, for an hour, in sum [zone]; nan likewise."""
        return self._by_zone((self.reserved.sum(axis=0) * (1 - self.kept)).sum(axis=1))

    def cost(self) -> np.ndarray:
        """CNY [zone]: what the zone's regulation and reserve cost; nan likewise."""
        return self._by_zone(self.earned.sum(axis=0) / 100)

    def income(self, technology: np.ndarray, technologies: tuple[str, ...]) -> np.ndarray:
        """CNY [zone, technology] that sellers earned; nan where nobody sold. technology: [unit]."""
        amount, sold = self.earned.sum(axis=0) / 100, self.reserved.any(axis=(0, 2))
        found = np.full((self.asked.shape[1], len(technologies)), np.nan)
        for t, name in enumerate(technologies):
            mine = sold & (technology == name)
            for zone in np.unique(self.group[mine]):
                found[zone, t] = amount[mine & (self.group == zone)].sum()
        return found

    def _by_zone(self, values: np.ndarray) -> np.ndarray:
        """Sum over the units of each zone that asks for anything; nan elsewhere."""
        total = np.bincount(self.group, values, self.asked.shape[1])
        return np.where(self.asked.any(axis=(0, 2)), total, np.nan)


def found(reserved: np.ndarray, output: np.ndarray, available: np.ndarray, store: np.ndarray) -> np.ndarray:
    """Share [unit, H] of what is held back (MW [product, unit, H]) that output leaves room for in real time: all of it
    above, and below, for what works both ways. store: bool [unit], can give less than nothing."""
    up, both = reserved.sum(axis=0), reserved[0]
    below = output + np.where(store[:, None], available, 0.0)
    above = np.divide(available - output, up, out=np.ones_like(up), where=up > LEAST)
    below = np.divide(below, both, out=np.ones_like(both), where=both > LEAST)
    share = np.clip(np.minimum(above, below), 0.0, 1.0)
    return np.where(share > 1 - ROUNDING, 1.0, share)


def bills(facts: "Facts", rules) -> list[Transfer]:
    """What the month's sellers are owed, and who bears it; the grid company in between keeps nothing.

    rules: those of the month's last day say who pays.
    """
    month, units, transfers = Month.of(facts), facts.grid.units, []
    if month is None:
        return []
    income = month.earned
    for part, amount in zip(PARTS, income):
        for kind in (PLANT, STORE):
            unit = units.of_kind(kind).astype(np.int64)
            transfers += owed(part, "grid_company", ACCOUNT_OF[kind], amount[unit], unit)
    cost = np.zeros(len(facts.grid.zone), np.int64)
    np.add.at(cost, month.group, income.sum(axis=0))
    return transfers + borne(cost, facts, rules.users_share)


def borne(cost: np.ndarray, facts: "Facts", users_share: float) -> list[Transfer]:
    """The cost of each zone (fen, int64 [zone]), from its users and its plants, by energy used and generated.

    Large users that bid are users. What one side has nobody for, the other bears.
    """
    grid, units = facts.grid, facts.grid.units
    parties = len(units) + len(facts.user_bus)
    zone = grid.bus_zone[facts.party_bus]
    energy = meters.kwh(facts.output).sum(axis=1)
    used, given = np.zeros((2, parties))
    large, plants = units.of_kind(USER), units.of_kind(PLANT)
    used[large], used[len(units):] = -energy[large], meters.kwh(facts.consumption).sum(axis=1)
    given[plants] = energy[plants]
    owes = np.zeros(parties, np.int64)
    for z in np.flatnonzero(cost):
        sides = [np.flatnonzero((zone == z) & (weight > 0)) for weight in (used, given)]
        of_users = to_fen(cost[z] / 100 * users_share)
        of_users = of_users if len(sides[0]) and len(sides[1]) else int(cost[z]) if len(sides[0]) else 0
        for amount, weight, mine in zip((of_users, int(cost[z]) - of_users), (used, given), sides):
            owes[mine] += shared(amount, weight[mine])
    return [transfer for kind, account in ((PLANT, "plants"), (USER, "smelters"))
            for transfer in owed(COST, account, "grid_company", owes[units.of_kind(kind)],
                                 units.of_kind(kind).astype(np.int64))] + owed(
        COST, "users", "grid_company", owes[len(units):], np.arange(len(facts.user_bus), dtype=np.int64))
