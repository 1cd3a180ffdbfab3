"""What changes from year to year: demand, the stock of clusters, the cost of fuel and the flow of the rivers.

Every other table describes the world as it stood in the middle of 2025; these four say how it came there and goes on. A
world whose tables lack a year that it claims to cover is refused when it is read: nothing is carried on in silence.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import ClassVar, Literal

import numpy as np

from sim.config import BadInput, Key, Row, Table, bounded, place_of
from sim.units import Ratio, TWh

Year = bounded(int, ge=1900, le=2200)
SMELTER = "smelter"


class DemandYear(Row):
    """A row of `demand_years.csv`: what a zone consumes in a year of normal weather, its own losses included."""

    identity: ClassVar[tuple[str, ...]] = ("zone", "year")

    zone: Key("climate")
    year: Year
    annual: bounded(TWh, gt=0, le=20_000)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """The zones are those of demand.csv, each with years that follow one another. Raises: BadInput."""
        _groups_are(table, ("zone",), {(row.zone,) for row in tables["demand"]}, "a zone of demand.csv")
        _follow(table, ("zone",))

    @classmethod
    def check_period(cls, table: Table, start: date, end: date) -> None:
        """Every year that the world covers is there. Raises: BadInput."""
        _every_year(table, ("zone",), start, end)


class BuildOut(Row):
    """A row of `build_out.csv`: on a day, the stock of a zone's clusters of a technology over that of the tables of
    plants, stores and smelters, which is that of the middle of 2025.

    Straight lines lead from day to day; before the first and after the last row of a kind its share stays. It is for
    plants and stores without a date of their own (`in_service` is empty) and for all smelters of a zone.
    """

    identity: ClassVar[tuple[str, ...]] = ("zone", "technology", "day")

    zone: Key("climate")
    technology: Literal["coal", "gas", "nuclear", "hydro", "wind", "wind_offshore", "solar", "biomass", "battery",
                        "pumped_hydro", "smelter"]
    day: date
    share: bounded(Ratio, ge=0, le=100)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Each kind that waits for its stock has rows, and no row is for nobody. Raises: BadInput."""
        zone = {bus.key: bus.zone for bus in tables["buses"]}
        told = {(row.zone, row.technology) for row in table}
        asked = set()
        for name in ("plants", "stores", "smelters"):
            for i, row in enumerate(tables[name]):
                kind = kind_of(row, zone)
                asked.add(kind)
                if kind is not None and kind not in told:
                    raise BadInput(tables[name].fault(i, "bus" if name == "smelters" else "in_service",
                                                      f"{kind[0]} has no row for {kind[1]} in build_out.csv; expected "
                                                      "its stock there" + ("" if name == "smelters" else ", or a day")))
        for i, row in enumerate(table):
            if (row.zone, row.technology) not in asked:
                raise BadInput(table.fault(i, "technology", f"no {row.technology} of {row.zone} follows it; expected a "
                                                            "plant or store without in_service, or a smelter"))


class FuelYear(Row):
    """A row of `fuel_years.csv`: the cost of a MWh from a technology in a zone and year, over that in plants.csv.

    A technology of a zone that is not in the table costs in every year what plants.csv says.
    """

    identity: ClassVar[tuple[str, ...]] = ("zone", "technology", "year")

    zone: Key("climate")
    technology: str
    year: Year
    cost: bounded(Ratio, gt=0, le=100)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Each row is for plants that exist; years follow one another. Raises: BadInput."""
        zone = {bus.key: bus.zone for bus in tables["buses"]}
        standing = {(zone[plant.bus], plant.technology) for plant in tables["plants"]}
        for i, row in enumerate(table):
            if (row.zone, row.technology) not in standing:
                raise BadInput(table.fault(i, "technology", f"{row.zone} has no plant of {row.technology!r}; expected "
                                                            "a technology of plants.csv there"))
        _follow(table, ("zone", "technology"))

    @classmethod
    def check_period(cls, table: Table, start: date, end: date) -> None:
        """A technology that is there has every year that the world covers. Raises: BadInput."""
        _every_year(table, ("zone", "technology"), start, end)


class InflowYear(Row):
    """A row of `inflow_years.csv`: a basin's flow in a year over that of a normal one, January to June and July to
    December.

    measured: the flow of a year that is past: weather spreads it over the days and moves none of it out of its half.
    Of a year to come the flow is what is expected, and the weather makes more or less of it.
    """

    identity: ClassVar[tuple[str, ...]] = ("basin", "year")

    basin: Key("basins")
    year: Year
    multiplier_h1: bounded(Ratio, ge=0)
    multiplier_h2: bounded(Ratio, ge=0)
    measured: bool = False
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Every basin has years that follow one another. Raises: BadInput."""
        _groups_are(table, ("basin",), {(row.key,) for row in tables["basins"]}, "a key of basins.csv")
        _follow(table, ("basin",))

    @classmethod
    def check_period(cls, table: Table, start: date, end: date) -> None:
        """Every year that the world covers is there. Raises: BadInput."""
        _every_year(table, ("basin",), start, end)


def _years(table: Table, names: tuple[str, ...]) -> dict[tuple, dict[int, int]]:
    """Row by year of each group of rows that share the named fields."""
    groups: dict[tuple, dict[int, int]] = {}
    for i, row in enumerate(table):
        groups.setdefault(tuple(getattr(row, name) for name in names), {})[row.year] = i
    return groups


def _groups_are(table: Table, names: tuple[str, ...], wanted: set[tuple], what: str):
    """Every group that is wanted has a row, and no other has. Raises: BadInput."""
    found = _years(table, names)
    for group, rows in found.items():
        if group not in wanted:
            raise BadInput(table.fault(min(rows.values()), names[-1], f"{' '.join(group)!r} is not {what}"))
    if missing := sorted(wanted - set(found)):
        raise BadInput(f"{place_of(table.path)}: has no row for {' '.join(missing[0])}; expected its years")


def _follow(table: Table, names: tuple[str, ...]):
    """Years of a group have no gap. Raises: BadInput."""
    for group, rows in _years(table, names).items():
        for year in range(min(rows), max(rows)):
            if year not in rows:
                later = min(y for y in rows if y > year)
                raise BadInput(table.fault(rows[later], "year", f"{' '.join(group)} has no row for {year}, the year "
                                                                "before; expected years without a gap"))


def _every_year(table: Table, names: tuple[str, ...], start: date, end: date):
    """Each group has a row for every year from `start` to `end`. Raises: BadInput."""
    for group, rows in _years(table, names).items():
        for year in range(start.year, end.year + 1):
            if year not in rows:
                raise BadInput(table.fault(max(rows.values()), "year", f"{' '.join(group)} has no row for {year}; "
                                           f"expected every year that the world covers, {start.year} to {end.year}"))


# ------------------------------------------------------------------------------------------------- what they mean


def kind_of(row, zone: Mapping[str, str]) -> tuple[str, str] | None:
    """Zone and technology whose build-out a row of plants, stores or smelters follows; None for one with a date.

    zone: by bus.
    """
    if getattr(row, "in_service", None) is not None:
        return None
    return zone[row.bus], getattr(row, "technology", SMELTER)


class Stock:
    """Stock of rows over that of their tables, by day.

    build_out: rows of `build_out.csv`.  kinds: zone and technology of each row, None for one that stands as it is.
    """

    def __init__(self, build_out: Iterable[BuildOut], kinds: Iterable[tuple[str, str] | None]):
        paths: dict[tuple[str, str], list] = {}
        for row in build_out:
            paths.setdefault((row.zone, row.technology), []).append((row.day.toordinal(), row.share))
        kinds = list(kinds)
        used = list(dict.fromkeys(kind for kind in kinds if kind is not None))
        self._paths = [np.array(sorted(paths[kind]), float).T for kind in used]
        self._row = np.array([len(used) if kind is None else used.index(kind) for kind in kinds], np.intp)

    def on(self, ordinal: int) -> np.ndarray:
        """Share on a day, [row]."""
        return np.array([*(np.interp(ordinal, *path) for path in self._paths), 1.0])[self._row]

    def most(self, year: int) -> np.ndarray:
        """Largest share of any day of a year, [row]."""
        first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
        found = []
        for days, share in self._paths:
            inside = share[(first <= days) & (days <= last)]
            found.append(max(*np.interp([first, last], days, share), *inside))
        return np.array([*found, 1.0])[self._row]


def demand_of(table: Iterable[DemandYear], year: int) -> dict[str, float]:
    """TWh by zone in a year."""
    return {row.zone: row.annual for row in table if row.year == year}


def fuel_of(table: Iterable[FuelYear], year: int) -> dict[tuple[str, str], float]:
    """Cost of a MWh over that in plants.csv by zone and technology in a year; what is not in it costs what it says."""
    return {(row.zone, row.technology): row.cost for row in table if row.year == year}
