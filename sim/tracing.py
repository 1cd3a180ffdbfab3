"""Green tracing: whose energy came from where, hour by hour, contracts first and then along the flows.

What a party bought with its certificate, or by contract inside its area, is taken from what its sellers made in the
hour; the flows that this alone would cause are taken off the lines. What is left is shared in proportion: all that
leaves a bus is made of what comes to it, in the same parts. Stores carry on what they took in; corridors' losses have
the make of their sending end. So every MWh made is traced to one end, and none twice.

*Source*: proportional sharing upstream [Bialek1996]; the parts of a transaction's flow by the network's own factors
[Schweppe1988]. That contracts come first is the exchange's method [found: ecjie.com]; that green power is delivered in
the hours in which it is made, [assumption].
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim import certificates
from sim.calendar import Month
from sim.emissions import EmissionRules, factors
from sim.network.grid import NEIGHBOUR, PLANT, STORE, USER
from sim.settlement import meters
from sim.units import HOURS

if TYPE_CHECKING:
    from sim.facts import Facts
    from sim.network.grid import Grid

IMPORTED, BEFORE = "imported", "stored_before"  # sources that are no technology: what neighbours sold, what stores held
LOSSES, DISPOSED, STORES = "losses", "disposed", "stores"  # ends that are no user
GREEN = certificates.TECHNOLOGIES
EXACT = 1e-6  # MWh of every MWh: what a month's rounding may leave untraced


@dataclass(frozen=True)
class Traced:
    """A month's energy by who used it and what it was made from.

    month: traced.  source: names.  consumer: names of users, cities, large users and neighbours that buy, then LOSSES,
    DISPOSED, STORES. contract, flow: MWh [consumer, source], by contract and along the flows; of STORES what they hold
    more than before. carbon: t [consumer].  made: MWh [source]; emitted: t, all that was made.
    rows: the part of user rows, [way, user row, column], columns being sources (MWh) and then carbon (t); None where
    nobody looked at rows.
    """

    month: Month
    source: tuple[str, ...]
    consumer: tuple[str, ...]
    contract: np.ndarray
    flow: np.ndarray
    carbon: np.ndarray
    made: np.ndarray
    emitted: float
    rows: np.ndarray | None = None

    @property
    def energy(self) -> np.ndarray:
        """MWh [consumer, source], either way."""
        return self.contract + self.flow

    @property
    def used(self) -> np.ndarray:
        """MWh [consumer]."""
        return self.energy.sum(axis=1)

    @property
    def green(self) -> np.ndarray:
        """MWh [consumer] from what certificates are issued for."""
        return self.energy[:, [name in GREEN for name in self.source]].sum(axis=1)

    def faults(self) -> list[str]:
        """What is wrong: all that was made has one end, source by source, and so has its carbon."""
        gap, allowed = self.energy.sum(axis=0) - self.made, EXACT * max(self.made.sum(), 1.0)
        found = [f"{name}: {made:.3f} MWh were made, {made + lack:.3f} traced"
                 for name, made, lack in zip(self.source, self.made, gap) if not abs(lack) <= allowed]
        if not abs(self.carbon.sum() - self.emitted) <= EXACT * max(self.emitted, 1.0):
            found.append(f"{self.emitted:.3f} t were emitted, {self.carbon.sum():.3f} traced")
        return found


class Tracer:
    """What lasts of tracing from month to month. Empty until the law has `emissions`.

    last: the month that closed last, None before one did.  factor: t/MWh [unit].
    used, green, carbon: MWh, MWh and t of the year so far [consumer].
    """

    def __init__(self, grid: "Grid", user_class: np.ndarray, cities: tuple[str, ...]):
        """user_class: of each user row.  cities: names."""
        units = grid.units
        self.source = (*sorted(set(units.technology[units.kind == PLANT])), IMPORTED, BEFORE)
        large = dict.fromkeys(units.owner[np.isin(units.kind, (USER, NEIGHBOUR))])
        names = dict.fromkeys((*user_class, *cities, *large))
        self.consumer = (*names, LOSSES, DISPOSED, STORES)
        self._user_class, self._cities = user_class, cities
        self.last: Traced | None = None
        self.factor = np.zeros(len(units))
        self.used, self.green, self.carbon = np.zeros((3, len(self.consumer)))
        self._make: dict[str, np.ndarray] = {}  # of a MWh in each store, [source, then carbon]

    def close(self, facts: "Facts", rules: EmissionRules, green):
        """Trace the month that closes.  green: rules of the green market, None where it is not in force."""
        grid = facts.grid
        self.factor = factors(grid, rules)
        ledger = _Ledger(facts, self)
        ledger.bundles(green)
        ledger.contracts()
        self.last = ledger.flows(self._stock(facts))
        self._remember(grid, ledger.stock)
        fresh = facts.month.month == 1
        for name, value in (("used", self.last.used), ("green", self.last.green), ("carbon", self.last.carbon)):
            setattr(self, name, value + (0 if fresh else getattr(self, name)))

    def claims(self, facts: "Facts") -> np.ndarray:
        """t CO2 of the year so far that each consumer answers for when certificates count, [consumer]."""
        return claims(self.used, self.green, self.carbon, self.certified(facts))

    def certified(self, facts: "Facts") -> np.ndarray:
        """Certificates of the year so far that ended against each consumer's use, [consumer]."""
        found = np.zeros(len(self.consumer))
        party = self.of_parties(facts.grid)
        some = party >= 0
        np.add.at(found, party[some], facts.certificates.covered[some])
        return found

    def of_parties(self, grid: "Grid") -> np.ndarray:
        """The consumer of each party, int [party]; -1 of plants and stores."""
        at = {name: i for i, name in enumerate(self.consumer)}
        units = grid.units
        large = [at[owner] if kind in (USER, NEIGHBOUR) else -1 for owner, kind in zip(units.owner, units.kind)]
        return np.array([*large, *(at[name] for name in self._user_class)], np.intp)

    def of_cities(self) -> np.ndarray:
        """The consumer of each city, int [city]."""
        return np.array([self.consumer.index(name) for name in self._cities], np.intp)

    def _stock(self, facts: "Facts") -> np.ndarray:
        """MWh and t [store, column] in stores when the month opened: what they hold, of the make they kept."""
        store = facts.grid.units.of_kind(STORE)
        unknown = np.zeros(len(self.source) + 1)
        unknown[self.source.index(BEFORE)] = 1.0
        make = [self._make.get(key, unknown) for key in facts.grid.units.key[store]]
        return facts.opening.stored[store][:, None] * np.array(make).reshape(len(store), len(unknown))

    def _remember(self, grid: "Grid", stock: np.ndarray):
        """Keep the make of what is in stores, by their names; an empty store has none."""
        held = stock[:, :-1].sum(axis=1)
        keys = grid.units.key[grid.units.of_kind(STORE)]
        self._make = {key: row / total for key, row, total in zip(keys, stock, held) if total > 0}


class _Ledger:
    """A month being traced: what is made and used and not yet paired, MW [unit, H] and [party, H]."""

    def __init__(self, facts: "Facts", tracer: Tracer):
        grid, units = facts.grid, facts.grid.units
        self.facts, self.tracer, self.grid = facts, tracer, grid
        sells = np.isin(units.kind, (PLANT, NEIGHBOUR))[:, None]
        takes = np.isin(units.kind, (USER, NEIGHBOUR))[:, None]
        self.made = np.where(sells, np.maximum(facts.output, 0.0), 0.0)
        served = meters.served(facts)
        self.used = np.concatenate([np.where(takes, np.maximum(-facts.output, 0.0), 0.0),
                                    facts.consumption * served[facts.user_bus]])
        names = [IMPORTED if kind == NEIGHBOUR else name for name, kind in zip(units.technology, units.kind)]
        at = {name: i for i, name in enumerate(tracer.source)}
        self.column = np.array([at.get(name, at[BEFORE]) for name in names], np.intp)  # stores make nothing
        self.to_source = _onto(self.column, len(tracer.source))
        self.to_bus, self.from_bus = (_onto(bus, len(grid.bus)) for bus in (units.bus, facts.party_bus))
        energy = self.made.sum(axis=1)
        self.total = np.append(self.to_source @ energy, energy @ tracer.factor)
        self.shape = len(self.used), len(tracer.source) + 1
        self.contract = np.zeros(self.shape)
        self.moved = np.zeros((len(grid.bus), self.made.shape[1]))  # what contracts inject at each bus, net
        self.area = grid.area[facts.party_bus]

    def bundles(self, rules):
        """Energy sold with its certificates, zone by zone, in the hours in which it was made."""
        cleared = certificates.traded(self.facts)
        if rules is None or cleared is None:
            return
        given, taken = certificates.bundled(cleared, self.facts, rules)
        units, zone = len(self.made), self.grid.bus_zone[self.facts.party_bus]
        whole = self.made.sum(axis=1)
        rate = np.divide(given[:units], whole, out=np.zeros(units), where=whole > 0)
        for of in np.unique(zone[taken > 0]):
            sells = np.where(zone[:units] == of, np.minimum(rate, 1.0), 0.0)[:, None] * self.made
            curve = sells.sum(axis=0)
            if curve.sum() > 0:
                buys = np.where(zone == of, taken, 0)[:, None] * (curve / curve.sum())
                self.pair(sells, buys)

    def contracts(self):
        """Energy sold ahead inside a synchronous area, book by book."""
        for (_, reference), book in sorted(self.facts.positions.books.items()):
            here = self.area == self.grid.area[reference]
            sold = np.tile(book.sold * here[:, None], (1, self.made.shape[1] // HOURS))
            self.pair(np.maximum(sold[: len(self.made)], 0.0), np.maximum(-sold, 0.0))

    def pair(self, sells: np.ndarray, buys: np.ndarray):
        """Give buyers what sellers sold them, as far as it was made and used; all buyers get the same make in an hour.

        sells: MW [unit, H], buys: MW [party, H], as agreed.
        """
        sells, buys = np.minimum(sells, self.made), np.minimum(buys, self.used)
        offered, wanted = sells.sum(axis=0), buys.sum(axis=0)
        passed = np.minimum(offered, wanted)
        sells *= np.divide(passed, offered, out=np.zeros_like(passed), where=offered > 0)
        buys *= np.divide(passed, wanted, out=np.zeros_like(passed), where=wanted > 0)
        self.made, self.used = np.maximum(self.made - sells, 0.0), np.maximum(self.used - buys, 0.0)
        make = np.concatenate([self.to_source @ sells, [self.tracer.factor @ sells]])
        make = np.divide(make, passed, out=np.zeros_like(make), where=passed > 0)
        self.contract += buys @ make.T
        self.moved += self.to_bus @ sells - self.from_bus @ buys

    def flows(self, stock: np.ndarray) -> Traced:
        """Trace along the flows what no contract has paired; keeps what stores hold at the end in `stock`."""
        from sim.tracing_kernels import trace  # late: outcomes are named without the compiler

        facts, grid, tracer = self.facts, self.grid, self.tracer
        store = grid.units.of_kind(STORE)
        line = facts.line_flow - shift(grid) @ self.moved
        start, end = (np.concatenate(pair) for pair in ((grid.line_from, grid.link_from), (grid.line_to, grid.link_to)))
        hours, buses, columns = self.made.shape[1], len(grid.bus), self.shape[1]
        made = np.zeros((hours, buses, columns))
        pairs, place = np.unique(grid.units.bus * columns + self.column, return_inverse=True)
        made.reshape(hours, -1)[:, pairs] = (_onto(place, len(pairs)) @ self.made).T
        made[:, :, -1] = (self.to_bus @ (self.made * tracer.factor[:, None])).T
        mix, lost, before = np.zeros_like(made), np.zeros(columns), stock.sum(axis=0)
        self.stock = stock
        trace(made, start, end, np.concatenate([line, facts.sent]), np.concatenate([line, facts.delivered]),
              grid.units.bus[store], np.maximum(-facts.output[store], 0.0), np.maximum(facts.output[store], 0.0),
              np.sqrt(grid.units.efficiency[store]), stock, mix, lost)
        return self._traced(mix, lost, stock.sum(axis=0) - before)

    def _traced(self, mix: np.ndarray, lost: np.ndarray, kept: np.ndarray) -> Traced:
        """The month by consumer. mix: [H, bus, column].  lost, kept: [column], by corridors and stores, in stores."""
        facts, tracer, names = self.facts, self.tracer, self.tracer.consumer
        inside = facts.city_bus >= 0
        bus = np.concatenate([facts.party_bus, facts.city_bus[inside], np.arange(len(self.grid.bus))])
        charging = facts.charging[inside] * meters.served(facts)[facts.city_bus[inside]]
        power = np.concatenate([self.used, charging, facts.disposed])
        consumer = np.concatenate([tracer.of_parties(self.grid), tracer.of_cities()[inside],
                                   np.full(len(self.grid.bus), names.index(DISPOSED))])
        flow, contract = np.zeros((2, len(names), self.shape[1]))
        units, parties = len(self.made), len(self.used)
        rows = np.stack([self.contract[units:], np.zeros((parties - units, self.shape[1]))])
        for of in np.unique(bus):
            mine = np.flatnonzero((bus == of) & (consumer >= 0))
            part = power[mine] @ mix[:, of]
            np.add.at(flow, consumer[mine], part)
            of_row = (mine >= units) & (mine < parties)
            rows[1, mine[of_row] - units] = part[of_row]
        flow[names.index(LOSSES)] += lost
        flow[names.index(STORES)] += kept
        party = consumer[: len(self.used)]
        np.add.at(contract, party[party >= 0], self.contract[party >= 0])
        return Traced(facts.month, tracer.source, names, contract[:, :-1], flow[:, :-1], contract[:, -1] + flow[:, -1],
                      self.total[:-1], float(self.total[-1]), rows)


def _onto(place: np.ndarray, size: int) -> np.ndarray:
    """The matrix that sums rows by place: [size, row]. A product with it is far faster than adding row by row."""
    found = np.zeros((size, len(place)))
    found[place, np.arange(len(place))] = 1.0
    return found


def shift(grid: "Grid") -> np.ndarray:
    """MW on each line for a MW put in at each bus, [line, bus]; what is put in must sum to zero in every area."""
    lines, buses = len(grid.line), len(grid.bus)
    ends = np.zeros((lines, buses))
    ends[np.arange(lines), grid.line_from], ends[np.arange(lines), grid.line_to] = 1.0, -1.0
    weighted = grid.line_susceptance[:, None] * ends
    return weighted @ np.linalg.pinv(ends.T @ weighted)


def claims(used: np.ndarray, green: np.ndarray, carbon: np.ndarray, certified: np.ndarray) -> np.ndarray:
    """t CO2 that each consumer answers for when certificates count, [consumer]; they sum to all carbon.

    used, green: MWh.  carbon: t.  certified: certificates that ended against each one's use. They count for the own
    green energy first; further ones take the mean carbon off other MWh. That carbon does not vanish: it goes to green
    energy whose certificates its user does not have, in proportion, and where there is none to all that is not
    certified.
    """
    certified = np.clip(certified, 0.0, np.maximum(used, 0.0))
    own = np.minimum(certified, np.maximum(green, 0.0))
    other = np.maximum(used - green, 0.0)
    mean = np.divide(carbon, other, out=np.zeros_like(carbon), where=other > 0)
    taken = np.minimum(certified - own, other) * mean
    bare = np.maximum(green - own, 0.0)
    weight = bare if bare.sum() > 0 else np.maximum(used - certified, 0.0)
    share = weight / weight.sum() if weight.sum() > 0 else taken / max(taken.sum(), 1.0)
    return carbon - taken + taken.sum() * share


def account_certificates(row: np.ndarray, used: np.ndarray, bundled: np.ndarray, certified: np.ndarray) -> np.ndarray:
    """Certificates [account] of the year so far that count for each account; they sum to those of the user rows.

    row: int [account].  used: MWh [account]; bundled: MWh [account] of it under a green package.  certified:
    certificates [row] that ended against the row's use. Green packages come first, one certificate a MWh or as many as
    there are; what is left was bought for the row as a whole and goes by use.
    """
    promised, whole = (np.bincount(row, part, len(certified)) for part in (bundled, used))
    rate = np.divide(np.minimum(certified, promised), promised, out=np.zeros(len(promised)), where=promised > 0)
    rest = np.divide(np.maximum(certified - promised, 0.0), whole, out=np.zeros(len(whole)), where=whole > 0)
    return bundled * rate[row] + used * rest[row]


def account_claims(used: np.ndarray, green: np.ndarray, carbon: np.ndarray, certified: np.ndarray,
                   claimed: float) -> np.ndarray:
    """t CO2 [account] that accounts of one class answer for when certificates count; they sum to the class's.

    used, green: MWh, carbon: t, certified: certificates [account], as for `claims`, whose rule holds among the
    accounts too.  claimed: t, of the class. What certificates moved between it and others, all its accounts share in
    proportion to what they answer for.
    """
    found = claims(used, green, carbon, certified)
    weight = found if found.sum() > 0 else used
    return claimed * weight / weight.sum() if weight.sum() > 0 else np.zeros(len(used))


# ------------------------------------------------------------------------------------------- read off a closed month


def traced(facts: "Facts") -> Traced | None:
    """What was traced of the month; None while the law does not ask for it."""
    last = facts.tracer.last
    return None if last is None or last.month != facts.month else last


def of_consumers(facts: "Facts", read: Callable[[Traced], np.ndarray]) -> np.ndarray:
    """A figure of each consumer who used anything, [consumer]; nan of the others, and while nothing is traced."""
    last = traced(facts)
    none = np.full(len(facts.tracer.consumer), np.nan)
    return none if last is None else np.where(last.used != 0, read(last), none)


def energy(facts: "Facts") -> np.ndarray:
    """MWh [consumer, source]; nan where there is none."""
    last = traced(facts)
    if last is None:
        return np.full((len(facts.tracer.consumer), len(facts.tracer.source)), np.nan)
    return np.where(last.energy != 0, last.energy, np.nan)


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole [consumer]; nan where nothing was used."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


def tables(facts: "Facts", date: np.datetime64) -> dict[str, dict[str, np.ndarray]]:
    """The month as tables, none while nothing is traced: tracing/mix, a row for each consumer, way ("contract", "flow")
    and source with any energy; tracing/footprint, a row a consumer, the month's energy and carbon and the year's so
    far, with certificates and the carbon that it answers for when they count."""
    last, tracer = traced(facts), facts.tracer
    if last is None:
        return {}
    both = np.stack([last.contract, last.flow])
    way, consumer, source = np.nonzero(both)
    name = np.array(last.consumer, object)
    mix = {"date": np.repeat(date, len(way)), "consumer": name[consumer],
           "way": np.array(("contract", "flow"), object)[way], "source": np.array(last.source, object)[source],
           "MWh": both[way, consumer, source]}
    footprint = {"date": np.repeat(date, len(name)), "consumer": name, "MWh": last.used, "green": last.green,
                 "t": last.carbon, "year_MWh": tracer.used, "year_green": tracer.green, "year_t": tracer.carbon,
                 "year_certificates": tracer.certified(facts), "year_claimed": tracer.claims(facts)}
    return {"tracing/mix": mix, "tracing/footprint": footprint} | _row_tables(facts, last, date)


def _row_tables(facts: "Facts", last: Traced, date: np.datetime64) -> dict[str, dict[str, np.ndarray]]:
    """The same of each user row that retailers serve, none where there are no accounts: tracing/row_mix and
    tracing/row_footprint, with the certificates that ended against its use of the year so far."""
    if facts.retail is None or last.rows is None:
        return {}
    row, units = facts.retail.row, len(facts.grid.units)
    both, carbon = last.rows[:, row, :-1], last.rows[:, row, -1].sum(axis=0)
    way, at, source = np.nonzero(both)
    consumer = np.array(last.consumer, object)[facts.tracer.of_parties(facts.grid)[units + row]]
    mix = {"date": np.repeat(date, len(way)), "row": row[at], "consumer": consumer[at],
           "way": np.array(("contract", "flow"), object)[way], "source": np.array(last.source, object)[source],
           "MWh": both[way, at, source]}
    energy = both.sum(axis=0)
    footprint = {"date": np.repeat(date, len(row)), "row": row, "consumer": consumer,
                 "bus": np.array(facts.grid.bus, object)[facts.user_bus[row]], "MWh": energy.sum(axis=1),
                 "green": energy[:, [name in GREEN for name in last.source]].sum(axis=1), "t": carbon,
                 "year_certificates": facts.certificates.covered[units + row]}
    return {"tracing/row_mix": mix, "tracing/row_footprint": footprint}
