"""What pools earn goes to their members, and a part of what swap cabinets get to the riders who charge there."""

from typing import TYPE_CHECKING

import numpy as np

from sim import revenue
from sim.config import BadInput
from sim.messages import Transfer
from sim.network.pools import Pools
from sim.settlement.owing import owed, shared
from sim.streams import Stream
from sim.units import HOURS
from sim.vpp import EXACT_MEMBERS, Stability, VppRules, orders_of, parts, sampled_shapley, stability

if TYPE_CHECKING:
    from sim.facts import Facts

ORDERS = 1000  # of arrival, drawn for a pool of more members than can be counted out
DURATION = 0.25  # h that a call for regulation may last, in the game that members play [assumption], as in the market


class Pooling:
    """How the month's income of every pool is split; arrays by pool, or by member in the order of the table.

    A pool's members play a game: each coalition is worth what it would earn on the mean day of the month, at the prices
    of their bus and the pay of regulation, see `sim.engines.pooling`. Of what the pool really earned the aggregator
    keeps its share; the rest is split as the game says. A pool that lost money leaves that to its aggregator.

    income: fen [pool] of the month that closed last.  earned: fen [member].  part: [member], its part of the pool's,
    nan where nothing was split; contract: what it would be by power.  bound: half the width of the 95 % interval of
    Shapley's value over the worth of all, [member]; 0 where it is exact.  held: by pool, whether the split holds.
    Source: [Shapley1953]; games of pools [Baeyens2013].
    """

    def __init__(self, pools: Pools, first: int, user_rows: dict[tuple[str, str], int], cities: tuple[str, ...],
                 stream: Stream):
        """first: unit of the first pool.  user_rows: row of each class and bus.  stream: orders of arrival."""
        self.pools, self._first, self._user_rows, self._cities, self._stream = pools, first, user_rows, cities, stream
        self.key, self.member = tuple(pools.key), tuple(pools.table["key"])
        self._empty()

    def _empty(self):
        self.income = np.zeros(len(self.pools), np.int64)
        self.earned = np.zeros(len(self.member), np.int64)
        self.part, self.contract, self.bound = np.full((3, len(self.member)), np.nan)
        self.held: list[Stability | None] = [None] * len(self.pools)

    def close(self, transfers: list[Transfer], facts: "Facts", rules: VppRules | None) -> list[Transfer]:
        """Split what the month's transfers bring the pools; says in `facts.swap_rebate` what next month's riders pay
        less.

        transfers: all that is due this month.  rules: None while the law knows none.
        """
        self._empty()
        facts.swap_rebate = np.zeros(len(self._cities), np.int64)
        if rules is None:
            return []
        units = len(facts.grid.units)
        bills = revenue.stack(transfers, facts.month, units)
        self.income = sum(bills.values(), np.zeros(units, np.int64))[self._first:]
        for pool in np.flatnonzero(self.income > 0):
            rows = self.pools.members[pool]
            self._split(pool, rows, facts, rules)
            theirs = int(round((1 - rules.aggregator_share) * int(self.income[pool])))
            self.earned[rows] = shared(theirs, self.part[rows])
        row = self._first + np.arange(len(self.pools), dtype=np.int64)
        self._rebate(facts, rules)
        return [*owed("pool income", "stores", "aggregator", self.income, row), *self._shares()]

    def _split(self, pool: int, rows: np.ndarray, facts: "Facts", rules: VppRules):
        """The members' parts, by the game on the month's mean day."""
        power = self.pools.table["capacity"][rows]
        self.contract[rows], self.bound[rows] = power / power.sum(), 0.0
        if rules.split == "contract":
            self.part[rows] = self.contract[rows]
            return
        from sim.engines.pooling import Pool  # a solver that only pools need

        unit = self._first + pool
        price = facts.price[facts.grid.units.bus[unit]].reshape(-1, HOURS).mean(axis=0)
        days = facts.daily.get("ancillary", [])
        pay = np.mean([day.pay[0, unit] + day.pay[1, unit] for day in days], axis=0) if days else np.zeros(HOURS)
        game = Pool(self.pools.of(pool), price, pay, DURATION, rules.least, rules.lasting)
        if len(rows) <= EXACT_MEMBERS:
            worth = game.worths()
            self.part[rows] = parts(worth, power, rules.split)
            self.held[pool] = stability(worth, self.part[rows] * worth[-1])
        elif rules.split == "shapley":
            draws = self._stream.uniforms(np.arange(ORDERS * len(rows)), facts.month.number).reshape(ORDERS, -1)
            mean, bound = sampled_shapley(game.worth, orders_of(draws))
            whole = mean.sum()
            self.part[rows] = np.maximum(mean, 0) / np.maximum(mean, 0).sum() if whole > 0 else self.contract[rows]
            self.bound[rows] = bound / whole if whole > 0 else 0.0
        else:
            raise BadInput(f"vpp.split: nucleolus, but {self.key[pool]} has {len(rows)} members; expected at most "
                           f"{EXACT_MEMBERS}, or shapley")

    def _shares(self) -> list[Transfer]:
        """What members get of the aggregator: swap cabinets' operator in one sum, users by row."""
        table, operator, users = self.pools.table, 0, {}
        for member, fen in zip(table, self.earned.tolist()):
            if member.kind == "cabinets":
                operator += fen
            else:
                row = self._user_rows[member.user_class, member.bus]
                users[row] = users.get(row, 0) + fen
        row = np.array(sorted(users), np.int64)
        amount = np.array([users[i] for i in sorted(users)], np.int64)
        return [*owed("pool share", "aggregator", "swap_operator", operator),
                *owed("pool share", "aggregator", "users", amount, row)]

    def _rebate(self, facts: "Facts", rules: VppRules):
        """Fen that each rider with a subscription pays less next month, by city."""
        people = facts.people
        subscribers = np.bincount(people.city, people.weight * people.swaps, len(self._cities))
        for member, fen in zip(self.pools.table, self.earned):
            if member.kind == "cabinets":
                city = self._cities.index(member.city)
                if subscribers[city] > 0:
                    facts.swap_rebate[city] += int(rules.passed_on * fen // subscribers[city])


# ------------------------------------------------------------------------------------------- read off a closed month


def by_pool(facts: "Facts", read) -> np.ndarray:
    """What `read(pooling)` gives of each pool; nan while the law knows none, and where it earned nothing."""
    pooling = facts.pooling
    if pooling is None:
        return np.zeros(0)
    return np.where(pooling.income != 0, np.array(read(pooling), float), np.nan)


def held(pooling: Pooling, read) -> list[float]:
    """A figure of each pool's stability; nan where it was not asked for."""
    return [np.nan if one is None else float(read(one)) for one in pooling.held]


def by_member(facts: "Facts", read) -> np.ndarray:
    """What `read(pooling)` gives of each member; nan in a month in which its pool split nothing."""
    pooling = facts.pooling
    if pooling is None:
        return np.zeros(0)
    return np.where(np.isnan(pooling.part), np.nan, np.array(read(pooling), float))


def rebate(facts: "Facts") -> np.ndarray:
    """CNY that next month's subscription costs a rider less [city]; nan where nothing."""
    return np.where(facts.swap_rebate > 0, facts.swap_rebate / 100, np.nan)
