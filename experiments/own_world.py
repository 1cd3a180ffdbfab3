"""A world folder from somebody else's network: buses, ties, plants, stores and a day's load, and nothing else of ours.

What a network does not say is neutral: no weather, no water, no neighbours, no riders; every bus is a price zone of its
own. Tables that no network fills are taken over from the toy world, or are empty.
"""

import csv
from dataclasses import dataclass, field
from os.path import relpath
from pathlib import Path

import numpy as np

from sim.config import BadInput, place_of
from sim.config.scenarios import PROJECT
from sim.units import HOURS

TEMPLATE = PROJECT / "configs" / "worlds" / "toy"
YEARS = (2025, 2026)
HOURS_OF_YEAR, MWH_PER_TWH = 8760, 1e6
BEGUN = "2015-01-01"
NO_LOAD = 1e-9  # TWh a year of a bus without load, for a zone must have one: a tenth of a watt
WEATHERED = ("wind", "wind_offshore", "solar")
# rows that belong to no place of the toy world, or that a world needs whatever its network is
KEPT = ("blocks", "commitment", "build_costs", "outages", "rider_tiers", "rider_segments", "rider_incomes",
        "rider_ages", "rider_households", "rider_hukou", "order_levels", "profiles_month", "profiles_day")
TECHNOLOGIES = (  # the first part of a carrier's name that fits
    ("offwind", "wind_offshore"), ("offshore", "wind_offshore"), ("wind", "wind"), ("solar", "solar"), ("pv", "solar"),
    ("nuclear", "nuclear"), ("hydro", "hydro"), ("ror", "hydro"), ("bio", "biomass"), ("waste", "biomass"),
    ("coal", "coal"), ("lignite", "coal"), ("gas", "gas"), ("ccgt", "gas"), ("ocgt", "gas"), ("oil", "gas"))
OTHERS = "gas"


@dataclass
class Given:
    """A network as it was given. Rows are mappings by field of our tables.

    buses, corridors, plants, stores: rows.  load: MW [bus, hour].  shares: by plant, share of capacity that it can give
    [hour], where it is not always 1.  left_out: lines that say what of the network has no place in a world.
    """

    title: str
    source: str
    buses: list[dict] = field(default_factory=list)
    corridors: list[dict] = field(default_factory=list)
    plants: list[dict] = field(default_factory=list)
    stores: list[dict] = field(default_factory=list)
    load: np.ndarray = field(default_factory=lambda: np.zeros((0, HOURS)))
    shares: dict[str, np.ndarray] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def technology_of(carrier: str) -> str:
    """Our name of a technology; what has none of ours is called gas, whose name changes nothing but colours."""
    return next((ours for part, ours in TECHNOLOGIES if part in carrier.lower()), OTHERS)


def references(buses: list[str], lines: list[tuple[str, str]], slack: set[str] = frozenset()) -> set[str]:
    """One bus for each part that AC lines hold together: its slack bus if it names one, else its first."""
    part = {bus: bus for bus in buses}

    def root(bus: str) -> str:
        while part[bus] != bus:
            bus = part[bus]
        return bus

    for start, end in lines:
        part[root(start)] = root(end)
    chosen: dict[str, str] = {}
    for bus in [*(bus for bus in buses if bus in slack), *buses]:
        chosen.setdefault(root(bus), bus)
    return set(chosen.values())


def write_world(given: Given, folder: Path) -> list[str]:
    """Write a world's folder, and beside it a scenario `FOLDER.yaml` of one day. Gives the lines that tell of it.

    Raises: BadInput where the folder exists or cannot be written, or the network has no bus.
    """
    folder = Path(folder)
    if not given.buses:
        raise BadInput(f"{given.source}: has no bus; expected a network")
    tables = _tables(given)
    try:
        folder.mkdir(parents=True)
        for path in sorted(TEMPLATE.glob("*.csv")):
            _write(path, folder / path.name, tables.get(path.stem, []), given.source)
        (folder / "world.yaml").write_text(_settings(given, folder), encoding="utf-8")
        scenario = folder.with_name(f"{folder.name}.yaml")
        text = SCENARIO.format(title=_quoted(given.title), source=_quoted(given.source), world=folder.name)
        scenario.write_text(text, encoding="utf-8")
    except FileExistsError:
        raise BadInput(f"{place_of(folder)}: exists; expected a new folder") from None
    except OSError as error:
        raise BadInput(f"{place_of(folder)}: cannot be written: {error.strerror}") from None
    counts = ", ".join(f"{len(tables[name])} {name}" for name in ("buses", "corridors", "plants", "stores"))
    return [f"written   {folder}: {counts}", f"written   {scenario}",
            *(f"left out  {line}" for line in given.left_out)]


SCENARIO = """title: {title}
question: What does this network cost on a day?
source: {source}
world: {world}
period: {{start: "2025-07-01", end: "2025-07-01"}}
seed: 1
scale: {{riders: 0, rest_riders: 0}}
law: {{spot.ahead: false}}
record: {{figures: false}}
"""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "/").replace('"', "'") + '"'


def _settings(given: Given, folder: Path) -> str:
    """The toy world's settings under the network's name, and the way to the law."""
    kept = [line for line in (TEMPLATE / "world.yaml").read_text(encoding="utf-8").splitlines()
            if not line.startswith(("title:", "source:"))]
    law = _quoted(relpath((PROJECT / "configs" / "law").resolve(), folder.resolve()))
    head = [f"title: {_quoted(given.title)}", f"source: {_quoted(given.source)}", f"law: {law}"]
    return "\n".join([*head, *kept]) + "\n"


def _tables(given: Given) -> dict[str, list[dict]]:
    """Rows of all tables that the network fills."""
    keys = [row["key"] for row in given.buses]
    mean = given.load.mean(axis=1)
    months = [{"key": "as_given", "unit": "ratio"} | dict.fromkeys(_MONTHS, 1.0)]
    days = [_day(f"own_load_{key}", load / m) for key, load, m in zip(keys, given.load, mean) if m > 0]
    days.append(_day("own_load_none", np.ones(HOURS)))
    for key, share in given.shares.items():
        months.append({"key": f"own_share_{key}", "unit": "share"} | dict.fromkeys(_MONTHS, float(share.mean())))
        days.append(_day(f"own_share_{key}", share / share.mean()))
    loads = [(key, f"own_load_{key}" if m > 0 else "own_load_none") for key, m in zip(keys, mean)]
    return {
        "buses": given.buses, "corridors": given.corridors, "plants": given.plants, "stores": given.stores,
        "profiles_month": months, "profiles_day": days,
        "demand": [{"zone": key, "month": "as_given", "day": shape, "weekend": 1.0} for key, shape in loads],
        "demand_years": [{"zone": key, "year": year, "annual": max(float(m) * HOURS_OF_YEAR / MWH_PER_TWH, NO_LOAD)}
                         for key, m in zip(keys, mean) for year in YEARS],
        "user_classes": [{"key": f"users_{key}", "zone": key, "share": 1.0, "deviation": 1.0, "evening": 0.0,
                          "large_users": "false", "elasticity": 0.0, "contracts": "false"} for key in keys],
        "load_split": [{"user_class": f"users_{key}", "bus": key, "share": 1.0} for key in keys],
        "climate": [{"key": key, "temperature": "temperature_HILLS", "spread": 0, "rain": "rain_HILLS", "hot": 26,
                     "above": 0, "cold": 8, "below": 0, "wind_cv": 0, "sun_cv": 0} for key in keys],
        "basins": [{"key": "still", "cv": 0}],
        "inflow_years": [{"basin": "still", "year": year, "multiplier_h1": 1, "multiplier_h2": 1} for year in YEARS]}


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def _day(key: str, shape: np.ndarray) -> dict:
    return {"key": key, "season": "all"} | {f"h{hour:02d}": float(value) for hour, value in enumerate(shape)}


def _write(template: Path, path: Path, rows: list[dict], source: str):
    """A table with the columns of the toy world's; of what is kept, its rows first."""
    text = template.read_text(encoding="utf-8")
    lines = text.splitlines() if template.stem in KEPT else text.splitlines()[:1]
    titles = next(csv.reader(lines[:1]))
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        writer = csv.writer(file, lineterminator="\n")
        for row in rows:
            row = {"source": source} | row
            writer.writerow([row.get(title.split(" [")[0], "") for title in titles])
