"""Buses, AC lines, DC links and the table of units: the network as the clearing sees it.

Buses of one synchronous area are tied by AC lines (power follows Kirchhoff's laws); areas are tied by links, whose
flow is chosen. A unit is whatever may have orders: a plant, a store, a large user's block, a neighbour's step.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from sim.config import BadInput, Key, Row, Table, bounded, place_of
from sim.units import MW, CNYPerMWh, Degrees, PerUnit, Share

if TYPE_CHECKING:
    from sim.network.agreements import Agreements

BASE_MVA = 100.0
FOREVER = date(9999, 12, 31)
PLANT, STORE, USER, NEIGHBOUR = "plant", "store", "user", "neighbour"


class Bus(Row):
    """A row of `buses.csv`: a node of the network.

    zone: price zone (several buses may share one). cleared: has load and a retail price of its own.
    east, north: where it lies, for maps alone.
    """

    key: str
    zone: str
    name: str
    reference: bool = False
    cleared: bool = True
    east: bounded(Degrees, ge=-180, le=180) | None = None
    north: bounded(Degrees, ge=-90, le=90) | None = None
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """There is a bus, and power can reach every one that has load. Raises: BadInput."""
        if not len(table):
            raise BadInput(f"{place_of(table.path)}:1: the table has no row; expected at least one bus")
        tied = {bus for corridor in tables["corridors"] for bus in (corridor.start, corridor.end)}
        for i, bus in enumerate(table):
            if bus.cleared and bus.key not in tied and len(table) > 1:
                raise BadInput(table.fault(i, "key", f"{bus.key!r} is an unreachable bus: no corridor leads to it; "
                                                     "expected one in corridors.csv, or cleared false"))


class Corridor(Row):
    """A row of `corridors.csv`: an AC line (`ac`, needs a reactance) or a controllable link (`dc`).

    reverse: capacity from `end` back to `start`. minimum: least flow as a share of capacity (one-way links).
    loss: share of what is sent. tariff: on delivered energy, a cost of the clearing for links; for AC lines it is
    settled outside the clearing and must be 0 here. owner: who receives the tariff.
    outage: planned outages of a link.
    """

    key: str
    start: Key("buses")
    end: Key("buses")
    kind: Literal["ac", "dc"]
    capacity: bounded(MW, ge=0)
    reverse: bounded(MW, ge=0)
    reactance: bounded(PerUnit, ge=0)
    loss: bounded(Share, ge=0, lt=1)
    tariff: bounded(CNYPerMWh, ge=0)
    minimum: bounded(Share, ge=0, le=1)
    in_service: date
    owner: str
    outage: Key("outages") | None = None
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """A corridor leads somewhere; a line is symmetric and free; a link is one-way or has no least flow.

        Raises: BadInput.
        """
        for i, corridor in enumerate(table):
            if corridor.start == corridor.end:
                raise BadInput(table.fault(i, "end", f"{corridor.end} is where it starts; expected another bus"))
            if corridor.kind == "ac":
                _check_line(table, i)
            elif corridor.minimum > 0 and corridor.reverse > 0:
                raise BadInput(table.fault(i, "minimum", f"{corridor.minimum:g} on a link that may turn; expected 0"))


def _check_line(table: Table, i: int) -> None:
    """The flow on an AC line follows from voltage angles: it has no toll, no least flow and no direction."""
    line = table.rows[i]
    if line.reactance == 0:
        raise BadInput(table.fault(i, "reactance", "0 on an AC line; expected p.u. > 0"))
    if line.reverse != line.capacity:
        raise BadInput(table.fault(i, "reverse", f"{line.reverse:g} on an AC line; expected its capacity, for it "
                                                 "carries as much either way"))
    for field in ("loss", "tariff", "minimum", "outage"):
        if getattr(line, field):
            raise BadInput(table.fault(i, field, f"{getattr(line, field)} on an AC line; expected none, only links "
                                                 "have one"))


class Joint(Row):
    """A row of `joint_limits.csv`: one link's membership in a limit on the sum of several links' sent power."""

    identity: ClassVar[tuple[str, ...]] = ("key", "link")

    key: str
    link: Key("corridors")
    limit: bounded(MW, ge=0)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Members are links whose least flows fit, and all rows of a limit state the same one. Raises: BadInput."""
        corridors, limits, least = tables["corridors"], {}, {}
        for i, joint in enumerate(table):
            link = corridors.rows[corridors.position(joint.link)]
            if link.kind != "dc":
                raise BadInput(table.fault(i, "link", f"{joint.link} is an AC line; expected a link"))
            if limits.setdefault(joint.key, joint.limit) != joint.limit:
                raise BadInput(table.fault(i, "limit", f"{joint.limit:g}; expected {limits[joint.key]:g} as in the "
                                                       f"earlier rows of {joint.key}"))
            least[joint.key] = least.get(joint.key, 0.0) + link.minimum * link.capacity
            if least[joint.key] > joint.limit:
                raise BadInput(table.fault(i, "limit", f"{joint.limit:g} is less than the {least[joint.key]:g} MW that "
                                                       "its links send at least"))


@dataclass(frozen=True)
class Units:
    """The units of a grid, one row each, in the order plants, stores, large users, neighbours.

    key: str; kind: PLANT, STORE, USER or NEIGHBOUR; bus: int; owner: str; technology: str.
    capacity: MW, the most it gives (and, for a store, takes; for a user, takes) on any day of the year.
    cost: CNY/MWh of a MWh more in this year (a store's: its wear); nan where nothing is made (users, neighbours).
    ramp: MW/h, inf where free.  budgeted: bool, has a daily energy limit (its row in the clearing).
    store: MWh it can hold, 0 where it is no store.  efficiency: round trip of a store, 1 elsewhere.
    first, last: dates between which it exists.
    """

    key: np.ndarray
    kind: np.ndarray
    bus: np.ndarray
    owner: np.ndarray
    technology: np.ndarray
    capacity: np.ndarray
    cost: np.ndarray
    ramp: np.ndarray
    budgeted: np.ndarray
    store: np.ndarray
    efficiency: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def __len__(self):
        return len(self.key)

    @property
    def registered(self) -> np.ndarray:
        """Cost of a MWh more as registered with the market, CNY/MWh [unit]; nan where none is: plants with a daily
        energy limit (what their water is worth is their owner's belief), stores, large users and neighbours."""
        return np.where((self.kind == PLANT) & ~self.budgeted, self.cost, np.nan)

    @classmethod
    def make(cls, key, kind, bus, owner, technology, capacity, cost=np.nan, ramp=np.inf, budgeted=False, store=0.0,
             efficiency=1.0, first=date.min, last=FOREVER) -> "Units":
        """Units of one kind: a column, or one value for all; what is not given takes its neutral value."""
        def column(values, kind=None):
            return np.broadcast_to(np.asarray(values, kind), len(key)).copy()

        return cls(column(key, object), column(kind, object), column(bus, np.int32), column(owner, object),
                   column(technology, object), column(capacity, np.float64), column(cost, np.float64),
                   column(ramp, np.float64), column(budgeted, bool), column(store, np.float64),
                   column(efficiency, np.float64),
                   column(first, object), column(last, object))

    @classmethod
    def join(cls, *parts: "Units") -> "Units":
        """One table of several, rows in the order given."""
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})

    def of_kind(self, kind: str) -> np.ndarray:
        """Rows of a kind (int [n])."""
        return np.flatnonzero(self.kind == kind)


class Grid:
    """The network of the year of a day: arrays by bus, line, link, joint limit and unit.

    bus, zone: names.  bus_zone, area: int [bus].  reference: int [area], the bus against which prices are split.
    line_*: AC lines; susceptance in MW per radian.  link_*: links; loss of sent power, fee on delivered MWh, key of its
    planned outage; link_first: first day in service.  on: the day whose year it is.
    joints: (name, int [member] of links, limit MW).  cleared_zones: int [n], zones that have load.
    home_zone: int [zone], the nearest zone with load: there its money is counted.
    agreements: what governments have agreed that links carry this year.  turn: int [link], when a link opens where
    markets clear by turns.  Both are set by who knows the world, None until then.
    """

    def __init__(self, buses: Table, corridors: Table, joints: Table, units: Units, on: date,
                 standing: Callable[[date], np.ndarray] | None = None):
        """standing: MW that stand on a day of the units that come first, plants and stores; all others, and all where
        it is not given, stand whole from their first day to their last."""
        from scipy.sparse import coo_array  # only a run needs it: checking a file answers without
        from scipy.sparse.csgraph import connected_components

        self.bus = tuple(b.key for b in buses)
        self.zone = tuple(dict.fromkeys(b.zone for b in buses))
        self.bus_zone = np.array([self.zone.index(b.zone) for b in buses], np.int32)
        self.units, self.on, self._standing = units, on, standing
        at = {key: i for i, key in enumerate(self.bus)}

        lines = [c for c in corridors if c.kind == "ac" and c.in_service <= on]
        self.line = tuple(c.key for c in lines)
        self.line_from = np.array([at[c.start] for c in lines], np.int32)
        self.line_to = np.array([at[c.end] for c in lines], np.int32)
        self.line_capacity = np.array([c.capacity for c in lines], float)
        self.line_susceptance = np.array([BASE_MVA / c.reactance for c in lines], float)

        # a link that is finished within the year has its columns from the start; no power until it is in service
        links = [c for c in corridors if c.kind == "dc" and c.in_service <= date(on.year, 12, 31)]
        self.link_first = np.array([c.in_service.toordinal() for c in links], np.int64)
        self.link = tuple(c.key for c in links)
        self.link_from = np.array([at[c.start] for c in links], np.int32)
        self.link_to = np.array([at[c.end] for c in links], np.int32)
        self.link_capacity = np.array([c.capacity for c in links], float)
        self.link_reverse = np.array([c.reverse for c in links], float)
        self.link_minimum = np.array([c.minimum * c.capacity for c in links], float)
        self.link_loss = np.array([c.loss for c in links], float)
        self.link_fee = np.array([c.tariff for c in links], float)
        self.link_owner = tuple(c.owner for c in links)
        self.link_outage = tuple(c.outage for c in links)

        open_links = {key: i for i, key in enumerate(self.link)}
        self.joints = tuple(
            (name, np.array([open_links[j.link] for j in joints if j.key == name and j.link in open_links], np.int32),
             next(j.limit for j in joints if j.key == name))
            for name in dict.fromkeys(j.key for j in joints))

        n = len(self.bus)
        ties = coo_array((np.ones(len(lines)), (self.line_from, self.line_to)), shape=(n, n))
        _, self.area = connected_components(ties, directed=False)
        named = {self.area[i]: i for i, b in reversed(list(enumerate(buses))) if b.reference}
        self.reference = np.array([named.get(a, int(np.flatnonzero(self.area == a)[0]))
                                   for a in range(self.area.max() + 1)], np.int32)
        self.cleared_zones = np.unique(self.bus_zone[[b.cleared for b in buses]])
        self.home_zone = self._homes()
        self.agreements: Agreements | None = None
        self.turn: np.ndarray | None = None

    def _homes(self) -> np.ndarray:
        """The nearest zone with load of each zone, over lines and links, int [zone]; its own where it has load."""
        start = self.bus_zone[np.concatenate([self.line_from, self.link_from])]
        end = self.bus_zone[np.concatenate([self.line_to, self.link_to])]
        home = np.full(len(self.zone), -1)
        home[self.cleared_zones] = self.cleared_zones
        for _ in self.zone:
            for a, b in (*zip(start, end), *zip(end, start)):
                if home[b] < 0 <= home[a]:
                    home[b] = home[a]
        return np.where(home < 0, self.cleared_zones[0] if len(self.cleared_zones) else 0, home)

    def standing(self, day: date) -> np.ndarray:
        """MW [unit] that stand on a day up to now, as everybody can know; at most what stands this year."""
        standing = np.where((self.units.first <= day) & (day < self.units.last), self.units.capacity, 0.0)
        if self._standing is not None:
            known = self._standing(day)
            standing[: len(known)] = np.minimum(known, self.units.capacity[: len(known)])
        return standing

    def by_zone(self, values: np.ndarray) -> np.ndarray:
        """Sum over the buses of each zone: [bus, ...] -> [zone, ...]."""
        total = np.zeros((len(self.zone), *values.shape[1:]))
        np.add.at(total, self.bus_zone, values)
        return total

