"""What must be true of every closed month, checked inside every run: one plain function a truth.

A truth takes the journal and the Facts and gives the faults it found, none when all is well. Together they cost a few
milliseconds a month and read nothing older than the month.
"""

from typing import TYPE_CHECKING

import numpy as np

from sim.network.grid import STORE
from sim.settlement import energy, meters
from sim.settlement.journal import GENESIS, Journal, entry_hash, month_root
from sim.units import HOURS

if TYPE_CHECKING:
    from sim.facts import Facts

POWER = 1e-6  # MW, at every bus and hour
STORED = 1e-6  # MWh, of every store and hour
WATER = 1e-6  # hm3, a cubic metre, of every reservoir and day
RENT = 0.01  # CNY, of every hour
TRACED = 1e-9  # of all carbon


class CheckError(Exception):
    """A month that cannot be true: str() names the month and every fault."""


def month(journal: Journal, facts: "Facts"):
    """Hold the month that was just posted against every truth. Raises: CheckError."""
    faults = [fault for truth in TRUTHS for fault in truth(journal, facts)]
    if faults:
        raise CheckError(f"{facts.month}: " + "; ".join(faults))


def the_books_balance(journal: Journal, facts: "Facts") -> list[str]:
    """Every fen has two ends: the balances of all accounts sum to zero."""
    total = sum(journal.balance.values())
    return [f"the accounts sum to {total} fen instead of 0"] if total else []


def the_entries_are_chained(journal: Journal, facts: "Facts") -> list[str]:
    """Each entry of the month carries its predecessor's hash and its own, and the month's root covers them all."""
    block = journal.blocks[-1]
    entries = journal.entries[block.first:]
    previous = journal.entries[block.first - 1].hash if block.first else GENESIS
    for entry in entries:
        if entry.previous != previous or entry_hash(*entry[:-1]) != entry.hash:
            return [f"entry {entry.number} ({entry.bill}) does not follow its predecessor"]
        previous = entry.hash
    return [] if month_root(e.hash for e in entries) == block.root else ["the month's root does not cover its entries"]


def the_grid_company_keeps_nothing(journal: Journal, facts: "Facts") -> list[str]:
    """What the grid company takes in a month it gives in that month, to the fen."""
    left = journal.balance["grid_company"]
    return [f"the grid company's account closes at {left} fen instead of 0"] if left else []


def rounding_is_only_rounding(journal: Journal, facts: "Facts") -> list[str]:
    """The rounding account takes what rounded prices make and no more than rounded energies can: a forgotten bill is
    not rounding."""
    moved = sum(entry.total * ((entry.payee == "rounding") - (entry.payer == "rounding"))
                for entry in journal.entries[journal.blocks[-1].first:])
    prices, energies = rounding_of_prices(facts), rounding_of_energies(facts)
    if abs(moved - prices) <= energies:
        return []
    return [f"{moved} fen were called rounding, of which prices make {prices:.0f} and energies at most {energies:.0f}"]


def rounding_of_prices(facts: "Facts") -> float:
    """Fen that the grid company gains because the price of a zone and those of its buses are rounded one by one."""
    grid, gained = facts.grid, 0.0
    for leg in energy.legs(facts):
        paid = grid.by_zone(leg.load) * meters.cents(meters.zone_price(leg.prices))
        gained += float(paid.sum() - (leg.load * meters.cents(leg.prices.price)).sum())
    return gained


def rounding_of_energies(facts: "Facts") -> float:
    """Fen: the most that rounded energies and sums can leave. Half a kWh for every row and hour at the hour's dearest
    price in each settlement (a deviation is a difference of two), half a fen for every row and contract."""
    grid = facts.grid
    rows = len(facts.consumption) + len(grid.units) + len(grid.link) + len(grid.bus) + len(facts.charging)
    dearest = sum(float(np.abs(leg.prices.price).max(axis=0).sum()) * (1 if leg.bill == "spot energy" else 2)
                  for leg in energy.legs(facts))
    return rows * (0.05 * dearest + 0.5 * (1 + len(facts.positions.books)))


def energy_balances(journal: Journal, facts: "Facts") -> list[str]:
    """At every bus and hour what is injected, imported and shed is what is used and disposed of."""
    gap = meters.injected(facts) + meters.imported(facts) + facts.shed - facts.load - facts.disposed
    faults = _worst("bus", facts.grid.bus, gap, POWER, "MW unaccounted for")
    if facts.imbalance > POWER:
        faults.append(f"the clearing itself reports an imbalance of {facts.imbalance:.3g} MW")
    return faults


def load_is_who_uses_it(journal: Journal, facts: "Facts") -> list[str]:
    """The load at a bus is what its users and its cities' swap cabinets ask for: nobody uses without a bill."""
    buses, inside = len(facts.grid.bus), facts.city_bus >= 0
    asked = (meters.by_bus(buses, facts.user_bus, facts.consumption)
             + meters.by_bus(buses, facts.city_bus[inside], facts.charging[inside]))
    return _worst("bus", facts.grid.bus, facts.load - asked, POWER, "MW of load that nobody asked for")


def rent_is_what_the_network_earns(journal: Journal, facts: "Facts") -> list[str]:
    """The rent of an hour is price times what is taken out net of what is put in, summed over the buses; and it is
    explained by shadow prices and fees (the clearing's own residual)."""
    taken = facts.load + facts.disposed - facts.shed - meters.injected(facts)
    gap = facts.rent - (facts.price * taken).sum(axis=0)
    faults = _worst("rent", ("of the network",), gap[None], RENT, "CNY unexplained")
    if facts.residual > RENT:
        faults.append(f"shadow prices and fees leave {facts.residual:.3g} CNY of an hour's rent unexplained")
    return faults


def stores_end_where_the_flows_say(journal: Journal, facts: "Facts") -> list[str]:
    """What a store holds changes by what it takes and gives, its round trip's loss half on either way."""
    units = facts.grid.units
    store = units.of_kind(STORE)
    half = np.sqrt(units.efficiency[store])[:, None]
    power, stored = facts.output[store], facts.stored[store]
    before = np.concatenate([facts.opening.stored[store][:, None], stored[:, :-1]], axis=1)
    gap = stored - before - (np.maximum(-power, 0) * half - np.maximum(power, 0) / half)
    beyond = np.maximum(np.maximum(stored - units.store[store][:, None], -stored), 0)
    return (_worst("store", units.key[store], gap, STORED, "MWh not explained by its flows")
            + _worst("store", units.key[store], beyond, STORED, "MWh beyond its limits"))


def reservoirs_end_where_the_flows_say(journal: Journal, facts: "Facts") -> list[str]:
    """A reservoir's water changes by its inflow, by what came down from above yesterday, by what its plant used and
    by what was spilled."""
    rivers, units = facts.rivers, facts.grid.units
    row = {key: i for i, key in enumerate(units.key)}
    output = facts.output[np.array([row[plant] for plant in rivers.plant], np.intp)]
    used = output.reshape(*facts.water.shape, HOURS).sum(axis=2) / rivers.per_hm3[:, None]
    outflow = used + facts.spilled
    arrived = np.where((rivers.above >= 0)[:, None], outflow[rivers.above], 0.0)[:, :-1]
    morning = np.concatenate([facts.opening.water[:, None], facts.water[:, :-1] + arrived], axis=1)
    gap = facts.water - (morning + facts.inflow - outflow)
    beyond = np.maximum(np.maximum(facts.water - rivers.active[:, None], -facts.water), 0)
    return (_worst("reservoir", rivers.key, gap, WATER, "hm3 not explained by its flows", "day")
            + _worst("reservoir", rivers.key, beyond, WATER, "hm3 beyond its limits", "day"))


def riders_are_paid_for_their_orders(journal: Journal, facts: "Facts") -> list[str]:
    """The pay of a month's work days is the month's income of the riders, to a fen a person."""
    people = facts.people
    income, persons = int((people.income * people.weight).sum()), int(people.weight.sum())
    gap = abs(income - facts.pay.sum() * 100)
    return [f"work paid {facts.pay.sum():.2f} CNY, riders earned {income / 100:.2f}"] if gap > persons else []


def contributions_are_of_the_enrolled(journal: Journal, facts: "Facts") -> list[str]:
    """Those who are enrolled, and nobody else, pay their whole contribution into both funds together."""
    people = facts.people
    whole, paid = people.premium * people.enrolled, np.zeros(len(people.identity), np.int64)
    order = np.argsort(people.identity)
    for transfer in (posting.leg.transfer for posting in journal.last if posting.entry.bill == "pension contribution"):
        at = order[np.searchsorted(people.identity, transfer.row, sorter=order) % len(order)]
        known = np.array_equal(people.identity[at], transfer.row) and np.array_equal(people.weight[at], transfer.weight)
        if not known:
            return [f"contributions to {transfer.payee} come from rows that are not this month's riders"]
        paid[at] += transfer.amount
    if (wrong := paid != whole).any():
        rider = int(np.argmax(wrong))
        return [f"{np.count_nonzero(wrong)} rows contributed something else than their premium, the first of them "
                f"rider {people.identity[rider]}: {paid[rider]} fen instead of {whole[rider]}"]
    return []


def certificates_are_somewhere(journal: Journal, facts: "Facts") -> list[str]:
    """Every certificate issued is held by one, retired or expired; they stand for all the energy that was metered."""
    return facts.certificates.faults()


def energy_is_traced_once(journal: Journal, facts: "Facts") -> list[str]:
    """Every MWh made has one end and no MWh two, source by source, and so has every tonne; claims are all that was
    emitted in the year so far."""
    tracer = facts.tracer
    if tracer.last is None:
        return []
    gap = tracer.claims(facts).sum() - tracer.carbon.sum()
    found = tracer.last.faults()
    if not abs(gap) <= TRACED * max(abs(tracer.carbon).sum(), 1.0):
        found.append(f"consumers answer for {gap:.3f} t that nobody emitted")
    return found


def the_exchange_keeps_nothing(journal: Journal, facts: "Facts") -> list[str]:
    """What buyers of certificates pay goes to those who sold them."""
    left = journal.balance["certificate_exchange"]
    return [f"the certificate exchange closes at {left} fen instead of 0"] if left else []


TRUTHS = (
    the_books_balance, the_entries_are_chained, the_grid_company_keeps_nothing, rounding_is_only_rounding,
    energy_balances, load_is_who_uses_it, rent_is_what_the_network_earns, stores_end_where_the_flows_say,
    reservoirs_end_where_the_flows_say, riders_are_paid_for_their_orders, contributions_are_of_the_enrolled,
    certificates_are_somewhere, the_exchange_keeps_nothing, energy_is_traced_once)


def _worst(what: str, names, gap: np.ndarray, allowed: float, fault: str, step: str = "hour") -> list[str]:
    """The fault at the largest gap [row, time], if it is beyond what is allowed; a gap that is no number is one."""
    if not gap.size:
        return []
    size = np.where(np.isnan(gap), np.inf, np.abs(gap))
    row, time = np.unravel_index(int(np.argmax(size)), gap.shape)
    if size[row, time] <= allowed:
        return []
    day, hour = divmod(int(time), HOURS) if step == "hour" else (int(time), None)
    when = f"day {day + 1} of those lived" + ("" if hour is None else f", hour {hour}")
    return [f"{what} {names[row]}, {when}: {gap[row, time]:.3g} {fault} (allowed {allowed:g})"]
