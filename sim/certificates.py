"""The registry of green certificates: who holds how many of which lot, and where every one of them went.

A certificate stands for one MWh from water, wind, sun or biomass. Certificates of one kind are alike, so they are kept
as *lots*: how many of one technology, zone, month of production and tradability somebody holds. What lasts from month
to month of green trade lasts here; markets keep no memory.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from sim.calendar import Month
from sim.network.grid import PLANT, USER
from sim.settlement import meters
from sim.settlement.owing import shared

if TYPE_CHECKING:
    from sim.facts import Facts
    from sim.messages import Trade
    from sim.network.grid import Grid

TECHNOLOGIES = ("biomass", "hydro", "solar", "wind", "wind_offshore")
WEATHERED = ("solar", "wind", "wind_offshore")
BOUND, FREE, SUBSIDISED = range(3)  # kinds: cannot be traded; can; can, but the income is set off against a subsidy
KINDS = 3
KWH = 1000  # of a certificate
GREEN = "green"  # the market whose trades move certificates
CURRENT, EARLIER, BUNDLED = range(3)  # columns of an order: production of the accounting year, before it, to be made
CLASSES = {"current": CURRENT, "earlier": EARLIER, "bundled": BUNDLED}
FLOWS = ("issued", "traded", "bundled", "transferred", "retired", "expired")


@dataclass(frozen=True)
class Lots:
    """Lots of certificates, one a row, oldest first: technology: index into TECHNOLOGIES; zone: of the plant; vintage:
    number of the month of production; kind: BOUND, FREE or SUBSIDISED; holder: party; count: certificates. int64 [lot].
    key: what a lot is called, its columns in one number."""

    key: np.ndarray
    vintage: np.ndarray
    technology: np.ndarray
    kind: np.ndarray
    zone: np.ndarray
    holder: np.ndarray
    count: np.ndarray

    def __len__(self):
        return len(self.key)

    @property
    def tradable(self) -> np.ndarray:
        """Whether a lot may be traded, bool [lot]."""
        return self.kind != BOUND

    def where(self, some: np.ndarray) -> "Lots":
        """Some of the lots: bool [lot], or their rows."""
        return Lots(*(column[some] for column in vars(self).values()))

    def first(self, most: np.ndarray) -> np.ndarray:
        """Certificates [lot] that make up at most so many of each holder, oldest first. most: int64 [party]."""
        order = np.argsort(self.holder, kind="stable")
        holder, count = self.holder[order], self.count[order]
        before = np.cumsum(count) - count
        begins = np.searchsorted(holder, holder)  # the place of the holder's first lot
        taken = np.zeros(len(self), np.int64)
        taken[order] = np.clip(most[holder] - (before - before[begins]), 0, count)
        return taken


class Tally:
    """Whole numbers by key: key, count: int64 [n], keys sorted and each once, counts positive."""

    def __init__(self):
        self.key, self.count = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def add(self, key: np.ndarray, count: np.ndarray):
        """Add to the counts of some keys, or take away. Raises: ValueError where less than nothing would be left."""
        keys, place = np.unique(np.concatenate([self.key, key]), return_inverse=True)
        total = np.zeros(len(keys), np.int64)
        np.add.at(total, place, np.concatenate([self.count, count]))
        if (total < 0).any():
            raise ValueError(f"{-total.min()} more certificates of a lot are given than are there")
        self.key, self.count = keys[total > 0], total[total > 0]

    @property
    def total(self) -> int:
        """The sum of all counts."""
        return int(self.count.sum())


class Certificates:
    """Every certificate from its issue to its end. Parties are rows of `grid.units`, then user rows.

    units, parties, zones: how many.  zone: of each party.  market: bool [party], who buys energy in the market.
    issued, retired, expired: `Tally` by kind of certificate (a lot's key without its holder), since the beginning.
    rest: kWh [unit] metered that make no whole certificate yet.  used: kWh [party] of the year so far.
    covered: certificates [party] that were retired for the year so far.  metered: kWh since the beginning.
    used_last: kWh [party], issued_last: free certificates [unit] of the month that closed last.
    flows: certificates of the open month by FLOWS.  free: of those, what followed its energy for nothing, by the zone
    of who received it [zone].

    *Source*: a certificate for every 1,000 kWh, what is left over counts next month; certificates of hydropower from
    before 2023 cannot be traded; all end after two years [GecRules2024].
    """

    def __init__(self, grid: "Grid", user_bus: np.ndarray, market: np.ndarray):
        """user_bus: bus of each user row.  market: bool [user row], who buys in the market; large users do."""
        self._user_bus, self._market = user_bus, market
        self._place(grid)
        self._held, self.issued, self.retired, self.expired = (Tally() for _ in range(4))
        self.rest, self.issued_last = np.zeros(self.units, np.int64), np.zeros(self.units, np.int64)
        self.used, self.used_last, self.covered = np.zeros((3, self.parties), np.int64)
        self.metered = 0
        self.month: Month | None = None
        self.flows, self.free = dict.fromkeys(FLOWS, 0), np.zeros(self.zones, np.int64)

    def _place(self, grid: "Grid"):
        """Take the parties of a grid."""
        self._unit, self.units, self.zones = list(grid.units.key), len(grid.units), len(grid.zone)
        self.parties = self.units + len(self._user_bus)
        self.zone = grid.bus_zone[np.concatenate([grid.units.bus, self._user_bus])].astype(np.int64)
        self.market = np.concatenate([grid.units.kind == USER, self._market])

    def turn_year(self, grid: "Grid"):
        """Take this year's grid: a unit keeps what it holds under its name, wherever its row is now.

        Raises: ValueError where a unit is gone.
        """
        lots = self.lots()
        if gone := set(self._unit) - set(grid.units.key):
            raise ValueError(f"{sorted(gone)} hold certificates and are on no grid")
        row = {key: i for i, key in enumerate(grid.units.key)}
        unit = np.array([row[key] for key in self._unit], np.int64)
        self._place(grid)
        party = np.concatenate([unit, np.arange(self.units, self.parties)])
        key = self.key(lots.vintage, lots.technology, lots.kind, lots.zone, party[lots.holder])
        self._held = Tally()
        self._held.add(key, lots.count)
        for name, place, size in (("rest", unit, self.units), ("issued_last", unit, self.units),
                                  *((n, party, self.parties) for n in ("used", "used_last", "covered"))):
            column = np.zeros(size, np.int64)
            column[place] = getattr(self, name)
            setattr(self, name, column)

    # ------------------------------------------------------------------------------------------------------- looking

    def key(self, vintage, technology, kind, zone, holder) -> np.ndarray:
        """The lots' keys, int64: sorted, they go from the oldest vintage to the newest."""
        sort = (np.asarray(vintage, np.int64) * len(TECHNOLOGIES) + technology) * KINDS + kind
        return (sort * self.zones + zone) * self.parties + holder

    def lots(self) -> Lots:
        """All that is held."""
        rest, holder = np.divmod(self._held.key, self.parties)
        rest, zone = np.divmod(rest, self.zones)
        rest, kind = np.divmod(rest, KINDS)
        vintage, technology = np.divmod(rest, len(TECHNOLOGIES))
        return Lots(self._held.key, vintage, technology, kind, zone, holder, self._held.count)

    def held(self, some: np.ndarray | None = None) -> np.ndarray:
        """Certificates [party], of all lots or of some (bool [lot])."""
        lots = self.lots() if some is None else self.lots().where(some)
        return np.bincount(lots.holder, lots.count, self.parties).astype(np.int64)

    def column(self, now: Month) -> np.ndarray:
        """CURRENT or EARLIER [lot] in the trade that opens a month: whether a lot was made in the year of the month
        before, whose consumption is being accounted for, or earlier."""
        year = now.later(-1).year
        return np.where(self.lots().vintage // 12 == year, CURRENT, EARLIER)

    def faults(self) -> list[str]:
        """What is wrong with the books: every certificate issued is held by one, retired or expired, kind by kind, and
        all that were issued stand for all energy metered but what makes no whole one."""
        gone = Tally()
        for tally, key in ((self._held, self._held.key // self.parties), (self.retired, self.retired.key),
                           (self.expired, self.expired.key)):
            gone.add(key, tally.count)
        found = []
        if not (np.array_equal(gone.key, self.issued.key) and np.array_equal(gone.count, self.issued.count)):
            found.append(f"{self.issued.total} certificates were issued, {gone.total} are held, retired or expired")
        if (left := self.metered - self.issued.total * KWH - int(self.rest.sum())):
            found.append(f"{left} kWh were metered and neither certified nor carried over")
        return found

    # -------------------------------------------------------------------------------------------------- what happens

    def issue(self, month: Month, grid: "Grid", energy: np.ndarray, bound: np.ndarray, subsidised: np.ndarray):
        """Issue the month's certificates to the plants that made the energy.

        energy: kWh, int64 [unit], 0 for what is not renewable.  bound: share [unit] that cannot be traded, subsidised:
        share [unit] of the rest whose income is set off; both rounded down to whole certificates, 1 for all.
        """
        self._turn(month)
        self.metered += int(energy.sum())
        whole, self.rest = np.divmod(self.rest + energy, KWH)
        fixed = np.floor(whole * bound + 1e-9).astype(np.int64)
        set_off = np.floor((whole - fixed) * subsidised + 1e-9).astype(np.int64)
        made = np.flatnonzero(whole)
        technology = np.array([TECHNOLOGIES.index(t) for t in grid.units.technology[made]], np.int64)
        zone = grid.bus_zone[grid.units.bus[made]]
        for kind, counts in ((BOUND, fixed), (FREE, whole - fixed - set_off), (SUBSIDISED, set_off)):
            count = counts[made]
            keys = self.key(month.number, technology, kind, zone, made)[count > 0]
            self._held.add(keys, count[count > 0])
            self.issued.add(keys // self.parties, count[count > 0])
        self.issued_last = whole - fixed - set_off
        self.flows["issued"] += int(whole.sum())

    def move(self, lots: Lots, count: np.ndarray, to: np.ndarray, flow: str = "traded"):
        """Hand certificates that were sold to their buyers. lots: of which.  count, to: int64 [lot].

        Raises: ValueError for a lot that cannot be traded, or of which there is less.
        """
        if not lots.tradable.all():
            raise ValueError("certificates that cannot be traded were sold")
        self._hand(lots, count, to, flow)

    def transfer_free(self, lots: Lots, count: np.ndarray, to: np.ndarray):
        """Hand certificates that cannot be traded from their plant to who bought its energy, for nothing.

        Raises: ValueError for a lot that can be traded, that its plant no longer holds, or of which there is less.
        """
        if lots.tradable.any() or (lots.holder >= self.units).any():
            raise ValueError("only certificates that cannot be traded follow the energy, and only once")
        self._hand(lots, count, to, "transferred")
        np.add.at(self.free, self.zone[to], count)

    def _hand(self, lots: Lots, count: np.ndarray, to: np.ndarray, flow: str):
        self._held.add(np.concatenate([lots.key, lots.key - lots.holder + to]), np.concatenate([-count, count]))
        self.flows[flow] += int(count.sum())

    def retire(self, lots: Lots, count: np.ndarray):
        """End certificates that stand against their holder's consumption. Raises: ValueError where there are less."""
        self._held.add(lots.key, -count)
        self.retired.add(lots.key // self.parties, count)
        np.add.at(self.covered, lots.holder, count)
        self.flows["retired"] += int(count.sum())

    def expire(self, month: Month, validity: int):
        """End what the month's close makes too old: a certificate is valid for `validity` months, that of its
        production included."""
        old = self.lots().where(self.lots().vintage + validity - 1 <= month.number)
        self._held.add(old.key, -old.count)
        self.expired.add(old.key // self.parties, old.count)
        self.flows["expired"] += int(old.count.sum())

    def _turn(self, month: Month):
        """Begin the counters of a month, whatever is the first to happen in it."""
        if self.month != month:
            self.month, self.flows, self.free = month, dict.fromkeys(FLOWS, 0), np.zeros(self.zones, np.int64)

    # ------------------------------------------------------------------------------------------------ month by month

    def add(self, cleared: "Trade"):
        """Take down a trade: of the green market what was sold of the certificates there are changes hands, each
        seller's oldest first. Other markets sell none."""
        if cleared.market != GREEN:
            return
        month = cleared.day.month
        self._turn(month)
        orders, sold = cleared.orders, np.rint(cleared.accepted).astype(np.int64)
        lots, column = self.lots(), self.column(month)
        for vintages in (CURRENT, EARLIER):
            given, taken = by_party(orders, sold[:, vintages], self.parties)
            some = lots.where((lots.kind == FREE) & (column == vintages))
            count = some.first(given)
            if count.sum() != taken.sum():
                raise ValueError(f"{taken.sum()} certificates were sold, of which {count.sum()} are there")
            self._match(some, count, taken, self.move)

    def close(self, month: Month, facts: "Facts", rules):
        """A month closes: issue for its energy, hand over what was sold with it and what follows it, retire, expire.

        rules: of the green market.
        """
        grid, cleared = facts.grid, traded(facts)
        self.issue(month, grid, certified(facts), bound(grid, rules), subsidised(grid, rules))
        if cleared is not None:
            given, taken = bundled(cleared, facts, rules)
            lots = self.lots()
            fresh = lots.where((lots.kind == FREE) & (lots.vintage == month.number))
            for zone in range(self.zones):
                some = fresh.where(fresh.zone == zone)
                self._match(some, some.first(given), np.where(self.zone == zone, taken, 0), self.move, "bundled")
        self.used_last = consumption(facts)
        self.used = self.used_last + (0 if month.month == 1 else self.used)
        self.covered = self.covered * (month.month != 1)
        if rules.follows != "no":
            self._follow(month, facts, abroad=rules.follows == "exports")
        if rules.retirement == "month" or month.month == 12:
            lots = self.lots()
            self.retire(lots, lots.first(np.maximum(self.used // KWH - self.covered, 0)))
        self.expire(month, rules.validity)

    def _follow(self, month: Month, facts: "Facts", abroad: bool):
        """The month's certificates that cannot be traded go with the energy: to the zones where it was sold, there to
        all users by what they used. The part of those outside the market stays with the plants, and so does that of
        exports unless theirs goes abroad."""
        lots, sold, total = self.lots(), sold_to(facts), np.bincount(self.zone, self.used_last, self.zones)
        for source in range(self.zones):
            some = lots.where((lots.kind == BOUND) & (lots.vintage == month.number) & (lots.zone == source)
                              & (lots.holder < self.units))
            share = np.divide(sold[source], total, out=np.zeros(self.zones), where=total > 0)
            weight = share[self.zone] * self.used_last
            if len(some) and weight.any():
                taking = self.market & (abroad | (self.zone == source))
                owed = np.where(taking, shared(int(some.count.sum()), weight), 0)
                self._match(some, shared(int(owed.sum()), some.count), owed, self.transfer_free)

    def _match(self, lots: Lots, count: np.ndarray, taken: np.ndarray, how, *label):
        """Hand so many of each lot to those who take so many, in the order of both. taken: int64 [party]."""
        lot, party, number = matched(count, taken)
        how(lots.where(lot), number, party, *label)


def traded(facts: "Facts") -> "Trade | None":
    """The green trade that opened the month; None where the market was not in force."""
    trade = facts.trades.get((GREEN, "month"))
    return None if trade is None or trade.day.month != facts.month else trade


def flows(facts: "Facts") -> np.ndarray:
    """Certificates of the month [flow]; nan while there are none."""
    registry = facts.certificates
    return np.array([registry.flows[name] if registry.month == facts.month else np.nan for name in FLOWS], float)


def free(facts: "Facts") -> np.ndarray:
    """Certificates of the month that followed their energy for nothing, by the zone of who received them [zone]; nan
    while there are none."""
    registry = facts.certificates
    return registry.free.astype(float) if registry.month == facts.month else np.full(registry.zones, np.nan)


def prices(facts: "Facts") -> np.ndarray:
    """CNY a certificate [class] of the month's trade, mean over what was sold; nan where nothing was."""
    cleared = traded(facts)
    return np.array([np.nan if cleared is None else cleared.public.get(f"price_{name}", np.nan) for name in CLASSES])


def matched(given: np.ndarray, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of givers and takers in the order of both, and how many pass: (giver, taker, count), int64 [pair].

    given: int64 [giver], taken: int64 [taker], the same in sum. (3, 2) to (1, 4) is 1 and 2 from the first, 2 from the
    second. Raises: ValueError where the sums differ.
    """
    if given.sum() != taken.sum():
        raise ValueError(f"{given.sum()} certificates are given and {taken.sum()} taken")
    ends = np.union1d(np.cumsum(given), np.cumsum(taken))
    ends = ends[ends > 0]
    number = np.diff(ends, prepend=0)
    giver = np.searchsorted(np.cumsum(given), ends)
    taker = np.searchsorted(np.cumsum(taken), ends)
    return giver, taker, number


def by_party(orders, accepted: np.ndarray, parties: int) -> tuple[np.ndarray, np.ndarray]:
    """What each party sold and bought, int64 [party], of what was accepted, int64 [order]."""
    sells = orders.side > 0
    given, taken = np.zeros(parties, np.int64), np.zeros(parties, np.int64)
    np.add.at(given, orders.unit[sells], accepted[sells])
    np.add.at(taken, orders.unit[~sells], accepted[~sells])
    return given, taken


# ---------------------------------------------------------------------------------------------- what the meters say


def certified(facts: "Facts") -> np.ndarray:
    """kWh [unit], int64: what renewable plants gave in the month; 0 for all others."""
    units = facts.grid.units
    renewable = (units.kind == PLANT) & np.isin(units.technology, TECHNOLOGIES)
    return np.where(renewable, meters.kwh(np.maximum(facts.output, 0)).sum(axis=1), 0)


def consumption(facts: "Facts") -> np.ndarray:
    """kWh [party], int64: what user rows and large users took in the month."""
    units = facts.grid.units
    large = np.where(units.kind == USER, meters.kwh(np.maximum(-facts.output, 0)).sum(axis=1), 0)
    served = meters.kwh(facts.consumption * meters.served(facts)[facts.user_bus]).sum(axis=1)
    return np.concatenate([large, served])


def sold_to(facts: "Facts") -> np.ndarray:
    """MWh [zone from, zone to]: what the energy of a zone was used for, its own consumption and what corridors carried
    to its neighbours. Transit counts as the zone's own: energy has no name."""
    grid, zones = facts.grid, len(facts.grid.zone)
    sold = np.diag(np.bincount(grid.bus_zone[facts.party_bus], consumption(facts), zones) / KWH)
    flows = ((grid.line_from, grid.line_to, facts.line_flow, facts.line_flow),
             (grid.link_from, grid.link_to, facts.sent, facts.delivered))
    for start, end, sent, delivered in flows:
        a, b = grid.bus_zone[start], grid.bus_zone[end]
        between = a != b
        np.add.at(sold, (a[between], b[between]), np.maximum(sent, 0).sum(axis=1)[between])
        np.add.at(sold, (b[between], a[between]), np.maximum(-delivered, 0).sum(axis=1)[between])
    return sold


def bound(grid: "Grid", rules) -> np.ndarray:
    """Share [unit] of a plant's certificates that cannot be traded: all of old hydropower's, and of old wind's and
    sun's what is sold at a price that the law sets."""
    units = grid.units
    of_zone = np.array([rules.shared.get(zone, 0.0) for zone in grid.zone])[grid.bus_zone[units.bus]]
    old_water = (units.technology == "hydro") & before(units, rules.existing_before)
    old_weather = np.isin(units.technology, WEATHERED) & before(units, rules.shared_before)
    return np.where(old_water, 1.0, np.where(old_weather, of_zone, 0.0))


def subsidised(grid: "Grid", rules) -> np.ndarray:
    """Share [unit] of a plant's tradable certificates whose income is set off against its subsidy: all of biomass, a
    part of old wind and sun."""
    units = grid.units
    old_weather = np.isin(units.technology, WEATHERED) & before(units, rules.shared_before)
    return np.where(units.technology == "biomass", 1.0, np.where(old_weather, rules.subsidised, 0.0))


def before(units, day: date) -> np.ndarray:
    """Whether a unit was in service before a day, bool [unit]."""
    return np.array([first < day for first in units.first], bool)


def bundled(cleared: "Trade", facts: "Facts", rules) -> tuple[np.ndarray, np.ndarray]:
    """Certificates sold with the month's energy that were delivered, (given, taken), int64 [party].

    A plant delivers what it sold, or what it made to sell where that is less; the buyers of its zone go short in
    proportion.
    """
    parties = len(facts.grid.units) + len(facts.user_bus)
    sold = np.rint(cleared.accepted[:, BUNDLED]).astype(np.int64)
    given, wanted = by_party(cleared.orders, sold, parties)
    whole = certified(facts) // KWH  # at least so many are issued
    able = np.floor(whole * (1 - bound(facts.grid, rules)) * (1 - subsidised(facts.grid, rules)) + 1e-9)
    units = len(facts.grid.units)
    given[:units] = np.minimum(given[:units], able.astype(np.int64))
    zone, taken = facts.grid.bus_zone[facts.party_bus], np.zeros(parties, np.int64)
    for z in range(len(facts.grid.zone)):
        here = np.where(zone == z, wanted, 0)
        if here.any():
            taken += shared(int(given[zone == z].sum()), here)
    return given, taken
