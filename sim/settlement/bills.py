"""Bills: the month's Facts become Transfers, one pure function for each kind of bill.

What enters a bill is rounded once: energy to 0.001 MWh, prices to 0.01 CNY/MWh; their product is exact and becomes fen
once a row and month. The grid company stands between all who trade energy and keeps nothing: congestion rent goes to
the rent account, and what separately rounded parts leave over goes to the rounding account.

*Source*: users pay the zonal load-weighted price, producers are paid at their bus, what remains is congestion rent
[SouthSpot2025]; price times flow difference as rent [Schweppe1988].
"""

from typing import TYPE_CHECKING

import numpy as np

from sim.calendar import Month
from sim.messages import Statement, Transfer
from sim.network.grid import NEIGHBOUR, PLANT, STORE, USER
from sim.settlement import meters
from sim.settlement.accounts import ACCOUNTS
from sim.units import to_fen

if TYPE_CHECKING:
    from sim.facts import Facts
    from sim.law import Rulebook

ACCOUNT_OF = {PLANT: "plants", STORE: "stores", USER: "smelters", NEIGHBOUR: "neighbours"}


def of(facts: "Facts", rules: "Rulebook") -> list[Transfer]:
    """All bills of the month that the Facts close, in fen. What is 0 is not billed."""
    energy = [*spot_energy(facts), *dc_fee(facts), *congestion_rent(facts), *swap_electricity(facts)]
    bills = [*energy, *rounding(energy), *pay_of_orders(facts), *living_costs(facts)]
    if "swap" in rules:
        bills += swap_fee(facts, rules["swap"])
    if "pension" in rules:
        bills += pension_contribution(facts, rules["pension"])
    return bills


def owed(bill: str, payer: str, payee: str, amount, row=None, weight=None, due: Month | None = None) -> list[Transfer]:
    """Transfers of an amount that may be negative: then the sides are turned round, row by row for a column.

    A negative price makes a seller pay; the journal knows positive sums only. Rows and sums of 0 are left out.
    amount: fen, a number, or int64 [row] with row (int64) and, where a row stands for several persons, weight (int32).
    """
    if row is None:
        ends = (payer, payee) if amount > 0 else (payee, payer)
        return [Transfer(bill, *ends, abs(amount), due=due)] if amount else []
    transfers = []
    for ends, some in (((payer, payee), amount > 0), ((payee, payer), amount < 0)):
        if some.all() and len(some):
            transfers.append(Transfer(bill, *ends, np.abs(amount), row, weight, due))
        elif some.any():
            part = None if weight is None else weight[some]
            transfers.append(Transfer(bill, *ends, np.abs(amount[some]), row[some], part, due))
    return transfers


def spot_energy(facts: "Facts") -> list[Transfer]:
    """Users pay the hourly zonal price of what they were served; units are paid, or pay, the price at their bus.

    What a store, a neighbour or a smelter takes is a bill of its own and not set off against what it gives.
    """
    grid = facts.grid
    price = meters.cents(meters.zone_price(facts))[grid.bus_zone[facts.user_bus]]
    energy = meters.kwh(facts.consumption * meters.served(facts)[facts.user_bus])
    user = np.arange(len(energy), dtype=np.int64)
    transfers = owed("spot energy", "users", "grid_company", meters.fen((energy * price).sum(axis=1)), user)

    price, energy = meters.cents(facts.price), meters.kwh(facts.output)
    for kind, account in ACCOUNT_OF.items():
        unit = grid.units.of_kind(kind).astype(np.int64)
        here = price[grid.units.bus[unit]]
        given, taken = np.maximum(energy[unit], 0), np.maximum(-energy[unit], 0)
        transfers += owed("spot energy", "grid_company", account, meters.fen((given * here).sum(axis=1)), unit)
        transfers += owed("spot energy", account, "grid_company", meters.fen((taken * here).sum(axis=1)), unit)
    return transfers


def dc_fee(facts: "Facts") -> list[Transfer]:
    """The grid company pays a link's owner the link's tariff on what the link hands over."""
    energy, fee = meters.kwh(meters.arrived(facts)), meters.cents(facts.grid.link_fee)
    link = np.arange(len(energy), dtype=np.int64)
    return owed("DC fee", "grid_company", "corridor_owners", meters.fen(energy.sum(axis=1) * fee), link)


def congestion_rent(facts: "Facts") -> list[Transfer]:
    """What lines and links earn by carrying energy to dearer buses, less the fees of their owners, is kept as rent.

    Counted from the flows, not as what is left in the account: so the account's closing tests the other bills.
    Energy disposed of at the price floor was delivered and is settled like any other, at a price that nobody pays in
    turn: that surplus (at a negative floor) stays with the rent.
    """
    energy = meters.kwh(meters.imported(facts) - facts.disposed)
    fees = meters.kwh(meters.arrived(facts)).sum(axis=1) * meters.cents(facts.grid.link_fee)
    rent = (energy * meters.cents(facts.price)).sum() - fees.sum()
    return owed("congestion rent", "grid_company", "rent", int(meters.fen(rent)))


def swap_electricity(facts: "Facts") -> list[Transfer]:
    """The swap operator buys its cabinets' electricity: at the zone's price of the city's bus, or, in a city outside
    the cleared grid, at the fixed price of a supplier there."""
    outside, bus = facts.city_bus < 0, facts.city_bus
    inside = ~outside
    price = meters.cents(meters.zone_price(facts))[facts.grid.bus_zone[bus[inside]]]
    energy = meters.kwh(facts.charging[inside] * meters.served(facts)[bus[inside]])
    transfers = owed("swap electricity", "swap_operator", "grid_company", int(meters.fen((energy * price).sum())))
    energy = meters.kwh(facts.charging[outside]).sum(axis=1)
    bought = int(meters.fen((energy * meters.cents(facts.outside_price[outside])).sum()))
    return transfers + owed("swap electricity", "swap_operator", "outside_grid", bought)


def rounding(energy: list[Transfer]) -> list[Transfer]:
    """What the bills of energy leave in the grid company's account: parts that were rounded one by one."""
    left = sum(bill.total * ((bill.payee == "grid_company") - (bill.payer == "grid_company")) for bill in energy)
    return owed("rounding", "grid_company", "rounding", left)


def pay_of_orders(facts: "Facts") -> list[Transfer]:
    """Customers pay for their deliveries, the platform passes the pay on to the riders who made them."""
    people = facts.people
    riders = owed("pay of orders", "platform", "riders", people.income, people.identity, people.weight)
    return owed("pay of orders", "customers", "platform", sum(bill.total for bill in riders)) + riders


def swap_fee(facts: "Facts", rules) -> list[Transfer]:
    """Riders with a subscription pay the swap operator the month's fee. rules: `subscription` in CNY/month."""
    people = facts.people
    who = people.swaps
    fee = np.full(np.count_nonzero(who), to_fen(rules.subscription), np.int64)
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
