"""Agreements between provinces: what governments have agreed that corridors carry, year by year.

An agreement is energy of a year at the sending terminal, spread over months and hours by two shapes and over its links
by the capacity that is in service. Prices are by season, at the sending terminal: who receives bears tariff and loss.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sim.calendar import WET_MONTHS
from sim.config import BadInput, Key, Row, Table, bounded
from sim.units import HOURS, CNYPerMWh, TWh

if TYPE_CHECKING:
    from sim.config import World
    from sim.network.grid import Grid
    from sim.network.outages import Outages

MWH_PER_TWH = 1e6
MONTHS = np.arange(1, 13)
WET = np.isin(MONTHS, list(WET_MONTHS))  # [month]


class Agreement(Row):
    """A row of `agreements.csv`: a link that an agreement between two zones may use.

    seller, buyer: zones at its two ends.  month, hour: shapes of the year and of the day.  dry, wet: price of the
    season at the sending terminal.  rule_curve: energy that the seller's reservoirs should hold as each month opens,
    below which the drought clause lets the month's quantity fall; empty without such a clause.
    """

    identity: ClassVar[tuple[str, ...]] = ("key", "link")

    key: str
    link: Key("corridors")
    seller: str
    buyer: str
    month: Key("profiles_month")
    hour: Key("profiles_day")
    dry: bounded(CNYPerMWh, ge=0)
    wet: bounded(CNYPerMWh, ge=0)
    rule_curve: Key("profiles_month") | None = None
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Links lead from seller to buyer, profiles are of the right kind, and rows of one agreement agree.

        Raises: BadInput.
        """
        corridors, profiles = tables["corridors"], tables["profiles_month"]
        zone = {bus.key: bus.zone for bus in tables["buses"]}
        whole_year = {row.key for row in tables["profiles_day"] if row.season == "all"}
        first: dict[str, Agreement] = {}
        curve: dict[str, str | None] = {}
        for i, row in enumerate(table):
            link = corridors.rows[corridors.position(row.link)]
            if link.kind != "dc":
                raise BadInput(table.fault(i, "link", f"{row.link} is an AC line; expected a link"))
            for field, bus in (("seller", link.start), ("buyer", link.end)):
                if getattr(row, field) != zone[bus]:
                    raise BadInput(table.fault(i, field, f"{getattr(row, field)!r} is not at that end of {row.link}; "
                                                         f"expected {zone[bus]}"))
            for field, unit in (("month", "ratio"), ("rule_curve", "TWh")):
                key = getattr(row, field)
                if key is not None and profiles.rows[profiles.position(key)].unit != unit:
                    raise BadInput(table.fault(i, field, f"profile {key!r} is not in {unit}; expected one that is"))
            if row.hour not in whole_year:
                raise BadInput(table.fault(i, "hour", f"profile {row.hour!r} differs by season; expected one for all"))
            if profiles.rows[profiles.position(row.month)].values.sum() <= 0:
                raise BadInput(table.fault(i, "month", f"profile {row.month!r} is 0 all year; expected a season"))
            one = first.setdefault(row.key, row)
            for field in ("buyer", "month", "hour", "dry", "wet"):
                if getattr(row, field) != getattr(one, field):
                    raise BadInput(table.fault(i, field, f"{getattr(row, field)!r}; expected {getattr(one, field)!r} "
                                                         f"as in the first row of {row.key}"))
            if curve.setdefault(row.seller, row.rule_curve) != row.rule_curve:
                raise BadInput(table.fault(i, "rule_curve", f"{row.rule_curve!r}; expected {curve[row.seller]!r} as in "
                                                            f"the other agreements of {row.seller}"))


class AgreementYear(Row):
    """A row of `agreement_years.csv`: the energy of an agreement in a year, at the sending terminal."""

    identity: ClassVar[tuple[str, ...]] = ("key", "year")

    key: Key("agreements")
    year: bounded(int, ge=2000, le=2100)
    energy: bounded(TWh, ge=0, le=1000)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """The links that stand when the year ends can carry the agreement's strongest hour. Raises: BadInput."""
        tables["agreements"].row_type.check(tables["agreements"], tables)
        corridors = tables["corridors"]
        for i, row in enumerate(table):
            links = [corridors.rows[corridors.position(a.link)] for a in tables["agreements"] if a.key == row.key]
            capacity = sum(link.capacity for link in links if link.in_service.year <= row.year)
            month, hour = _shapes(tables, next(a for a in tables["agreements"] if a.key == row.key), row.year)
            peak = row.energy * MWH_PER_TWH * month.max() * hour.max()
            if peak > capacity:
                raise BadInput(table.fault(i, "energy", f"{row.energy:g} TWh ask for {peak:.0f} MW in the strongest "
                                                        f"hour; expected at most the {capacity:g} MW of its links in "
                                                        f"{row.year}"))


def _shapes(tables, row: Agreement, year: int) -> tuple[np.ndarray, np.ndarray]:
    """MW in the mean hour of each month for a MWh a year [12], and the hours of a day as multiples of its mean [24]."""
    profiles = tables["profiles_month"]
    month = profiles.rows[profiles.position(row.month)].values
    hour = next(p for p in tables["profiles_day"] if p.key == row.hour).values
    days = np.array([monthrange(year, m)[1] for m in MONTHS])
    return month / (month * days * HOURS).sum(), hour / hour.mean()


@dataclass(frozen=True)
class Agreements:
    """The agreements of a year on a grid, all [agreement] unless said otherwise.

    key: names.  seller, buyer: int, zones.  reference: int, the bus against which their contracts settle: the seller's
    reference bus, else its first.  mean: MW, the year's energy over its hours.  hours: of the year.  month:
    [agreement, 12] multiple of it.  hour: [agreement, hour] multiple of the month's mean.  price: CNY/MWh
    [agreement, 12].
    sent: MW [agreement, link, 12, hour], over the links by the capacity in service; a sum over agreements is what the
    links carry.  uses: bool [agreement, link].
    service: share [link, 12] of each link's capacity in service.  link_zones: int [link, 2], zones at its ends.
    curve: MWh [zone, 12], energy that a zone's reservoirs should hold as a month opens; nan without a drought clause.
    basins: bool [zone, basin], whose reservoirs count.
    """

    key: tuple[str, ...]
    seller: np.ndarray
    buyer: np.ndarray
    reference: np.ndarray
    mean: np.ndarray
    hours: float
    month: np.ndarray
    hour: np.ndarray
    price: np.ndarray
    sent: np.ndarray
    uses: np.ndarray
    service: np.ndarray
    link_zones: np.ndarray
    curve: np.ndarray
    basins: np.ndarray

    def __len__(self):
        return len(self.key)

    def cut(self, zone: int, month: int, stored: np.ndarray, most: float) -> float:
        """By which share the drought clause lets a zone's quantity fall in a month (1 to 12).

        stored: MWh [basin] as the month opens.  most: the largest share.  The cut is what is missing to the rule curve.
        """
        curve = self.curve[zone, month - 1]
        if not curve > 0:
            return 0.0
        return float(np.clip(1.0 - stored[self.basins[zone]].sum() / curve, 0.0, most))


def agreements(world: "World", grid: "Grid", outages: "Outages", year: int) -> Agreements:
    """The agreements of a year; one without energy in it, or without a link that stands, is none."""
    energy = {row.key: row.energy for row in world["agreement_years"] if row.year == year and row.energy > 0}
    rows: dict[str, list[Agreement]] = {}
    for row in world["agreements"]:
        if row.key in energy and row.link in grid.link:
            rows.setdefault(row.key, []).append(row)
    one = [mine[0] for mine in rows.values()]
    zone = [grid.zone.index(row.seller) for row in one]
    days = np.array([monthrange(year, m)[1] for m in MONTHS])
    shapes = [_shapes(world.tables, row, year) for row in one]
    month = np.array([shape for shape, _ in shapes]).reshape(-1, 12) * days.sum() * HOURS
    hour = np.array([shape for _, shape in shapes]).reshape(-1, HOURS)
    mean = np.array([energy[row.key] for row in one]) * MWH_PER_TWH / (days.sum() * HOURS)
    uses = np.array([[link in {row.link for row in mine} for link in grid.link] for mine in rows.values()], bool)
    uses = uses.reshape(len(one), len(grid.link))
    begun = np.array([date(year, m, 1).toordinal() for m in MONTHS])
    service = outages.in_service(grid.link_outage) * (grid.link_first[:, None] <= begun)
    open_ = np.einsum("al,lm->alm", uses, grid.link_capacity[:, None] * service)
    total = open_.sum(axis=1, keepdims=True)
    split = np.divide(open_, total, out=np.zeros_like(open_), where=total > 0)
    price = np.array([np.where(WET, row.wet, row.dry) for row in one]).reshape(-1, 12)
    return Agreements(
        tuple(rows), np.array(zone, np.int32), np.array([grid.zone.index(row.buyer) for row in one], np.int32),
        np.array([reference_bus(grid, z) for z in zone], np.int32), mean, float(days.sum() * HOURS), month, hour, price,
        split[..., None] * (mean[:, None] * month)[:, None, :, None] * hour[:, None, None, :], uses, service,
        np.stack([grid.bus_zone[grid.link_from], grid.bus_zone[grid.link_to]], axis=1), _curves(world, grid),
        _basins(world, grid))


def reference_bus(grid: "Grid", zone: int) -> int:
    """The bus of a zone against which contracts settle: an area's reference where one lies in it, else the first."""
    own = np.flatnonzero(grid.bus_zone == zone)
    return int(next((bus for bus in own if bus in grid.reference), own[0]))


def _curves(world: "World", grid: "Grid") -> np.ndarray:
    """MWh [zone, 12]."""
    profiles, curve = world["profiles_month"], np.full((len(grid.zone), 12), np.nan)
    for row in world["agreements"]:
        if row.rule_curve is not None:
            values = profiles.rows[profiles.position(row.rule_curve)].values
            curve[grid.zone.index(row.seller)] = values * MWH_PER_TWH
    return curve


def _basins(world: "World", grid: "Grid") -> np.ndarray:
    """Bool [zone, basin]: whether a zone's plants stand in a basin."""
    plants, keys = world["plants"], list(world["basins"]["key"])
    found = np.zeros((len(grid.zone), len(keys)), bool)
    for row in world["reservoirs"]:
        bus = grid.bus.index(plants.rows[plants.position(row.plant)].bus)
        found[grid.bus_zone[bus], keys.index(row.basin)] = True
    return found
