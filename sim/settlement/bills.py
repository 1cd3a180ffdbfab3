"""Bills: the month's Facts become Transfers, one pure function for each kind of bill; and who sees which of them.

The bills of energy are in `settlement.energy`. What a market or an instrument makes the grid company pay beyond them is
closed here, by the system levy, so that it keeps nothing.
"""

from typing import TYPE_CHECKING

import numpy as np

from sim.messages import Statement, Transfer
from sim.network.grid import USER
from sim.settlement import meters
from sim.settlement.accounts import ACCOUNTS
from sim.settlement.energy import administered, outside_electricity, spot
from sim.settlement.owing import ACCOUNT_OF, owed, owed_parties, shared
from sim.units import to_fen

if TYPE_CHECKING:
    from sim.facts import Facts
    from sim.law import Rulebook

PARTIES = {*ACCOUNT_OF.values(), "users"}


def of(facts: "Facts", rules: "Rulebook") -> list[Transfer]:
    """The riders' bills of the month that the Facts close, in fen; markets bill for themselves. 0 is not billed."""
    bills = [*pay_of_orders(facts), *commission(facts), *living_costs(facts)]
    if "swap" in rules:
        bills += swap_fee(facts, rules["swap"], facts.swap_rebate)
    if "pension" in rules:
        bills += pension_contribution(facts, rules["pension"])
    return bills


def energy(facts: "Facts", rules) -> list[Transfer]:
    """All that energy moves this month. rules: the spot's."""
    bills = [*spot(facts), *administered(facts, rules), *outside_electricity(facts)]
    return bills + (returned_rent(facts, bills) if rules.rent == "returned" else [])


def returned_rent(facts: "Facts", bills: list[Transfer]) -> list[Transfer]:
    """Next month users pay less by this month's congestion rent, each by what it used where the spot settled."""
    rent = sum(bill.total * ((bill.payee == "rent") - (bill.payer == "rent")) for bill in bills)
    used = meters.kwh(facts.consumption * facts.settled).sum(axis=1)
    if not len(used):
        return []  # a world without users keeps its rent
    row = np.arange(len(used), dtype=np.int64)
    return owed("rent returned", "rent", "users", shared(rent, used), row, due=facts.month.later(1))


def levy(transfers: list[Transfer], facts: "Facts") -> list[Transfer]:
    """The system levy: what all these transfers leave in the grid company's account, from the users of the zone.

    A transfer counts in the zones of its rows, a single sum in all zones by energy used. Users and large users of a
    zone share by energy; a zone without users counts with its home.
    """
    grid, left = facts.grid, np.zeros(len(facts.grid.zone), np.int64)
    taken = meters.kwh(np.concatenate([np.maximum(-facts.output, 0), facts.consumption])).sum(axis=1)
    pays = np.concatenate([grid.units.kind == USER, np.ones(len(facts.user_bus), bool)])
    zone = grid.home_zone[grid.bus_zone[facts.party_bus]]
    weight = np.where(pays, taken, 0)
    single = 0
    for transfer in transfers:
        sign = (transfer.payee == "grid_company") - (transfer.payer == "grid_company")
        if sign and transfer.row is None:
            single += sign * transfer.total
        elif sign:
            other = transfer.payer if sign > 0 else transfer.payee
            party = transfer.row + (len(grid.units) if other == "users" else 0)
            amount = transfer.amount if transfer.weight is None else transfer.amount * transfer.weight
            np.add.at(left, zone[party] if other in PARTIES else grid.home_zone[grid.bus_zone[grid.link_to]][party],
                      sign * amount)
    used = np.bincount(zone, weight, len(grid.zone))
    left += shared(single, used)
    back = np.zeros(len(weight), np.int64)
    if not pays.any():  # a world without users: what is held for them bears it
        return owed("system levy", "grid_company", "rent", int(left.sum()))
    for of in np.flatnonzero(left):
        mine = (zone == of) & pays
        mine = mine if mine.any() else pays  # a zone where nobody could use energy counts with all
        back[mine] += shared(int(left[of]), weight[mine])
    return owed_parties("system levy", back, facts)


def pay_of_orders(facts: "Facts") -> list[Transfer]:
    """Customers pay for their deliveries, the platform passes the pay on to the riders who made them."""
    people = facts.people
    riders = owed("pay of orders", "platform", "riders", people.income, people.identity, people.weight)
    return owed("pay of orders", "customers", "platform", sum(bill.total for bill in riders)) + riders


def commission(facts: "Facts") -> list[Transfer]:
    """Customers pay, beyond the delivery of an order, what the platform asks of them for its riders' welfare."""
    return owed("commission", "customers", "platform", to_fen(float(facts.commission.sum())))


def swap_fee(facts: "Facts", rules, rebate: np.ndarray | None = None) -> list[Transfer]:
    """Riders with a subscription pay the swap operator the month's fee. rules: `subscription` in CNY/month.

    rebate: fen [city] less, for what cabinets earned in a pool; no fee is below 0.
    """
    people = facts.people
    who = people.swaps
    fee = np.full(np.count_nonzero(who), to_fen(rules.subscription), np.int64)
    if rebate is not None:
        fee = np.maximum(fee - rebate[people.city[who]], 0)
    return owed("swap fee", "riders", "swap_operator", fee, people.identity[who], people.weight[who])


def pension_contribution(facts: "Facts", rules) -> list[Transfer]:
    """Enrolled riders pay the whole contribution: a part into the pool, the rest into their own accounts.

    rules: `pooled_rate`, `account_rate`, the shares of the base that make up the whole.
    Source: flexible workers pay 20 % of a base of their choice, here the lowest: 12 % to the pool, 8 % to the account
    (State Council 2005 No.38).
    """
    people = facts.people
    who, whole = people.enrolled, people.premium[people.enrolled]
    pooled = to_fen(whole / 100 * (rules.pooled_rate / (rules.pooled_rate + rules.account_rate)))
    row, weight = people.identity[who], people.weight[who]
    return (owed("pension contribution", "riders", "pension_pool", pooled, row, weight)
            + owed("pension contribution", "riders", "pension_accounts", whole - pooled, row, weight))


def living_costs(facts: "Facts") -> list[Transfer]:
    """Riders live: their rent, food and families' keep go to households, and what else a household earns helps out."""
    people = facts.people
    return (owed("living costs", "riders", "households", people.living, people.identity, people.weight)
            + owed("other income", "households", "riders", people.other, people.identity, people.weight))


class Statements:
    """Each party's view of the month's transfers, made when asked for: `statements["huaneng"]`, `statements["riders"]`.

    A party is an account, or an owner of units or links (the account's rows that are his). What is due in a later month
    stands in that month's statement. Who had no transfer gets a statement without lines.
    """

    def __init__(self, transfers: list[Transfer], facts: "Facts"):
        self._month = facts.month
        self._transfers = [transfer for transfer in transfers if transfer.due in (None, facts.month)]
        links = np.array(facts.grid.link_owner, dtype=object)
        self._owner = dict.fromkeys(ACCOUNT_OF.values(), facts.grid.units.owner) | {"corridor_owners": links}

    def __getitem__(self, name: str) -> Statement:
        if name in ACCOUNTS and ACCOUNTS[name].mass:
            return self._of_rows(name)
        received, paid = {}, {}
        for transfer in self._transfers:
            for side, account in ((received, transfer.payee), (paid, transfer.payer)):
                amount = transfer.total if account == name else self._share(name, account, transfer)
                if amount:
                    side[transfer.bill] = side.get(transfer.bill, 0) + amount
        return Statement(self._month, received, paid)

    def _share(self, name: str, account: str, transfer: Transfer) -> int:
        """Fen of a transfer's rows that belong to an owner."""
        if account not in self._owner:
            return 0
        mine = self._owner[account][transfer.row] == name
        return int(transfer.amount[mine].sum())

    def _of_rows(self, name: str) -> Statement:
        """A population's statement: fen of one person, by identity."""
        received, paid, row = {}, {}, {}
        mine = [t for t in self._transfers if name in (t.payer, t.payee)]
        for bill in dict.fromkeys(t.bill for t in mine):
            some = [t for t in mine if t.bill == bill]
            row[bill], place = _union([t.row for t in some])
            for side, ends in ((received, [t.payee for t in some]), (paid, [t.payer for t in some])):
                if name in ends:
                    side[bill] = np.zeros(len(row[bill]), np.int64)
                    for transfer, at, end in zip(some, place, ends):
                        if end == name:
                            side[bill][at] += transfer.amount
        return Statement(self._month, received, paid, row)


def statements(transfers: list[Transfer], facts: "Facts") -> Statements:
    """The month's statements, by the name of an account or an owner."""
    return Statements(transfers, facts)


def _union(rows: list[np.ndarray]) -> tuple[np.ndarray, list]:
    """All identities of several columns, and where each column's rows stand among them."""
    first = rows[0]
    if all(row is first or np.array_equal(row, first) for row in rows):
        return first, [slice(None)] * len(rows)
    every = np.unique(np.concatenate(rows))
    return every, [np.searchsorted(every, row) for row in rows]
