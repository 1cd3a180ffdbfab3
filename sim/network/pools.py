"""Pools of small resources behind one bus: swap cabinets, users' batteries, load that can be moved.

To the network a pool is one store more: what its members can give and take beyond what they do anyway. Swap cabinets
and movable load are batteries in this sense: what they take later they give now. Pools stand behind all other units of
the grid, and only where the law knows virtual power plants; so without it no row of the grid is another.
"""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from sim.calendar import Day
from sim.config import BadInput, Key, Row, Table, bounded
from sim.engines.records import Members
from sim.network.grid import STORE, Units
from sim.units import HOURS, MW, CNYPerMWh, Hours, Share

if TYPE_CHECKING:
    from sim.vpp import VppRules

VIRTUAL = "virtual_plant"  # the technology of a pool
POOL = "pool"  # the name under which the ground says where pools begin among the units; there they are stores


class PoolMember(Row):
    """A row of `pool_members.csv`: what one user brings into the pool of an aggregator at a bus.

    kind: swap cabinets of a city, batteries of a class of users, or load of it that can be moved within the day.
    capacity: most that it can give, by drawing less, and take, by drawing more.  hours: what it holds, in hours of its
    capacity.  efficiency: of the round trip.  wear: cost of a MWh given.  A user has one aggregator.
    """

    identity: ClassVar[tuple[str, ...]] = ("key",)

    key: str
    aggregator: str
    bus: Key("buses")
    kind: Literal["cabinets", "battery", "load"]
    city: Key("cities") | None = None
    user_class: Key("user_classes") | None = None
    capacity: bounded(MW, gt=0)
    hours: bounded(Hours, gt=0)
    efficiency: bounded(Share, gt=0, le=1)
    wear: bounded(CNYPerMWh, ge=0)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Cabinets stand in a city at the bus, all else belongs to a class with load there; nobody has two aggregators.

        Raises: BadInput.
        """
        city_bus = {city.key: city.bus for city in tables["cities"]}
        loads, of = {(split.user_class, split.bus) for split in tables["load_split"]}, {}
        for i, member in enumerate(table):
            if member.kind == "cabinets":
                user = member.city
                if member.user_class is not None or city_bus.get(user) != member.bus:
                    raise BadInput(table.fault(i, "city", f"{user!r} has no cabinets at {member.bus}; expected a city "
                                                          "at that bus, and no class of users"))
            else:
                user = member.user_class, member.bus
                if member.city is not None or user not in loads:
                    raise BadInput(table.fault(i, "user_class", f"{member.user_class!r} has no load at {member.bus}; "
                                                                "expected a class of load_split.csv there, no city"))
            if of.setdefault(user, member.aggregator) != member.aggregator:
                raise BadInput(table.fault(i, "aggregator", f"{member.aggregator!r} is the second aggregator of its "
                                                            f"user; expected {of[user]!r}"))


class Pools:
    """All pools of a world; arrays are by pool, in the order of their first members.

    key, owner: texts.  bus: key of each bus.  members: rows of `pool_members.csv` of each pool.
    power: MW, energy: MWh, when full.  stored: MWh now.  admission: the rules on a day, None while there are none.
    """

    def __init__(self, table: Table, admission: "Callable[[date], VppRules | None]"):
        self.table, self.admission = table, admission
        groups: dict[tuple[str, str], list[int]] = {}
        for i, member in enumerate(table):
            groups.setdefault((member.aggregator, member.bus), []).append(i)
        self.owner, self.bus = [aggregator for aggregator, _ in groups], [bus for _, bus in groups]
        self.key = [f"{aggregator}_{bus}" for aggregator, bus in groups]
        self.members = [np.array(rows, np.intp) for rows in groups.values()]
        capacity, hours = table["capacity"], table["hours"]
        self.power = np.array([capacity[rows].sum() for rows in self.members])
        self.energy = np.array([(capacity * hours)[rows].sum() for rows in self.members])
        self.efficiency, self.wear = (np.array([np.average(table[name][rows], weights=capacity[rows])
                                                for rows in self.members]) for name in ("efficiency", "wear"))
        self.stored = self.energy / 2

    def __len__(self):
        return len(self.key)

    def of(self, pool: int) -> Members:
        """The members of a pool, powers alike in all hours."""
        rows, wide = self.members[pool], np.ones(HOURS)
        power, hours = self.table["capacity"][rows], self.table["hours"][rows]
        return Members(np.outer(power, wide), np.outer(power, wide), power * hours, self.table["efficiency"][rows],
                       self.table["wear"][rows], np.full(len(rows), np.inf))

    def admitted(self, day: date) -> np.ndarray:
        """Whether each pool is let in on a day: it offers the least power, for as long as the law asks [pool]."""
        rules = self.admission(day)
        if rules is None:
            return np.zeros(len(self), bool)
        lasting = [self.of(pool).lasting(rules.lasting).sum() for pool in range(len(self))]
        return np.array(lasting, float) >= rules.least - 1e-9

    def units(self, at: dict[str, int]) -> Units:
        """The pools as rows of the grid's table of units; at: position of each bus."""
        return Units.make(self.key, STORE, [at[bus] for bus in self.bus], self.owner, VIRTUAL, self.power,
                          cost=self.wear, store=self.energy, efficiency=self.efficiency)

    def available(self, day: Day) -> np.ndarray:
        """Most each pool can give or take, MW [pool, hour]; 0 while it is not let in."""
        return np.repeat((self.power * self.admitted(day.date))[:, None], HOURS, axis=1)

    def carry(self, stored: np.ndarray) -> None:
        """Take over the levels at the day's end, MWh [pool], as tomorrow's start."""
        self.stored = np.clip(stored, 0.0, self.energy)
