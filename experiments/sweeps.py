"""Sweep files: which levers are pulled, what is uncertain, what is looked at; read into a `Sweep`, all of it validated.

    title: ...
    question: ...
    source: ...
    scenario: ../scenarios/toy.yaml            # relative to this file
    period: {start: "2025-07-01", end: "2025-07-31"}      # of the scenario when left out
    constants: {scale.riders: 2000}
    levers:
      law.pension_subsidy.match: [0, 0.25, 0.5]           # a key of a scenario with its levels
      subsidy: {keys: [law.a.b, law.c.d], range: [0, 1], steps: 5}    # several keys at once; a range
      clearing: {levels: {joint: {law.spot.clearing: joint}, alone: {law.spot.clearing: separate}}}
    uncertainties:
      law.swap.subscription: {uniform: [249, 349]}        # or triangular, normal, lognormal, choice
    outcomes:
      price: {indicator: price, zones: [HILLS], unit: CNY/MWh, aggregate: mean, weight: load}
    design: {kind: grid, samples: 10}          # or latin, sobol, morris, csv
    replicates: 5                              # seeds from the scenario's on, the same at every point

Runs are numbered point by point, the replicates of a point side by side: run = point x replicates + replicate.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from experiments import designs, measures
from experiments.designs import Axis
from experiments.measures import Measure
from experiments.runner import code
from sim.config import BadInput, Change, Config, Section, Shelf, bounded, load
from sim.config.documents import Document, place_of, read_document, validate
from sim.config.scenarios import PROJECT
from sim.config.sections import nearest
from sim.config.worlds import Period, Text

Whole = bounded(int, ge=1, le=1_000_000)
Keys = Annotated[list[Text], Field(min_length=1)]
FREE = ("law", "markets", "instruments", "strategies", "scale", "period", "world")  # what a sweep may vary
KINDS = ("indicators", "hourly/bus", "hourly/technology", "hourly/corridor", "hourly/store", "hourly/city",
         "daily/reservoir", "assets", "populations/riders", "populations/rider_outcomes", "journal/entries")
TAKEN = ("run", "point", "replicate", "seed", "status", "head", "error", "seconds", "cpu", "trace", "settings")
QUIET = {"record.journal": "roots", "record.hourly": False, "record.figures": False}


class Lever(Section):
    """What policy sets. keys: of the scenario; the lever's own name when left out.  values, or range with steps, or
    levels: by label, several keys at once.  whole: whether a range has whole numbers only."""

    keys: Keys | None = None
    values: Annotated[list[Any], Field(min_length=1)] | None = None
    range: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    steps: bounded(int, ge=2, le=10_000) = 5
    levels: Annotated[dict[str, dict[str, Any]], Field(min_length=1)] | None = None
    whole: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, given):
        return {"values": given} if isinstance(given, list) else given

    @model_validator(mode="after")
    def _says_one_thing(self):
        _one_of(self, ("values", "range", "levels"))
        if self.range and self.range[0] >= self.range[1]:
            raise ValueError(f"range runs from {self.range[0]:g} to {self.range[1]:g}; expected the lower end first")
        if self.levels and self.keys:
            raise ValueError("levels name their keys themselves; expected levels without keys")
        return self


class Uncertainty(Section):
    """What nobody sets. keys: as of a lever.  One distribution: uniform [low, high], triangular [low, mode, high],
    normal [mean, deviation], lognormal [median, sigma], choice [value, ...] with or without weights.
    whole: whether numbers are rounded to whole ones."""

    keys: Keys | None = None
    uniform: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    triangular: Annotated[list[float], Field(min_length=3, max_length=3)] | None = None
    normal: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    lognormal: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    choice: Annotated[list[Any], Field(min_length=1)] | None = None
    weights: list[bounded(float, gt=0)] | None = None
    whole: bool = False

    @model_validator(mode="after")
    def _says_one_thing(self):
        kind = _one_of(self, ("uniform", "triangular", "normal", "lognormal", "choice"))
        numbers = getattr(self, kind)
        if kind in ("uniform", "triangular") and not (sorted(numbers) == numbers and numbers[0] < numbers[-1]):
            raise ValueError(f"{kind} has its numbers out of order; expected them from low to high")
        if kind in ("normal", "lognormal") and (numbers[1] <= 0 or (kind == "lognormal" and numbers[0] <= 0)):
            raise ValueError(f"{kind} has a number that is not positive; expected a spread > 0, lognormal a median > 0")
        if self.weights and len(self.weights) != len(self.choice or ()):
            raise ValueError("weights and choice differ in length; expected a weight for each value of choice")
        return self


def _one_of(section: Section, names: tuple[str, ...]) -> str:
    """The one of these fields that is given. Raises: ValueError where it is not one."""
    given = [name for name in names if getattr(section, name) is not None]
    if len(given) != 1:
        raise ValueError(f"{' and '.join(given) or 'nothing'} is given; expected one of {', '.join(names)}")
    return given[0]


class Design(Section):
    """Where the sweep looks. kind: grid (levers' levels in full, each under the same `samples` of what is uncertain),
    latin (`points`), sobol (`base` x (dimensions + 2) points), morris (`trajectories` on `levels`), or csv (`file`, a
    column a dimension).  seed: of its draws."""

    kind: Literal["grid", "latin", "sobol", "morris", "csv"]
    samples: Whole = 10
    points: Whole = 100
    base: Whole = 64
    trajectories: Whole = 10
    levels: bounded(int, ge=2, le=100) = 4
    file: Text | None = None
    seed: bounded(int, ge=0, le=2**62) = 1

    @model_validator(mode="after")
    def _fits(self):
        if (self.kind == "csv") != (self.file is not None):
            raise ValueError("file goes with kind csv; expected both or neither")
        if self.kind == "sobol" and self.base & (self.base - 1):
            raise ValueError(f"base {self.base} is no power of two; expected one like 64")
        if self.kind == "morris" and self.levels % 2:
            raise ValueError(f"levels {self.levels} is odd; expected an even number")
        return self


class SweepFile(Section):
    """A sweep file. keep: tables kept of every run beside its outcomes, by kind, with all columns or some."""

    title: Text
    question: Text
    source: Text
    scenario: Text
    period: Period | None = None
    constants: dict[str, Any] = {}
    levers: dict[str, Lever] = {}
    uncertainties: dict[str, Uncertainty] = {}
    outcomes: Annotated[dict[str, Measure], Field(min_length=1)]
    design: Design
    replicates: Whole = 1
    keep: dict[Literal[KINDS], Annotated[list[str], Field(min_length=1)] | None] = {}


@dataclass(frozen=True)
class Dimension:
    """A dimension of a sweep: its axis, and what is laid over the scenario for a value of it.

    keys: of the scenario; for an axis of labels none.  bundles: by label, value by key.  place: `path:line`.
    """

    axis: Axis
    keys: tuple[str, ...]
    bundles: Mapping[str, Mapping[str, Any]]
    place: str

    def changes(self, value) -> list[Change]:
        """What a value changes in the scenario."""
        given = self.bundles[value] if self.bundles else dict.fromkeys(self.keys, value)
        return [Change(key, what, self.place) for key, what in given.items()]


@dataclass(frozen=True)
class Sweep:
    """A sweep, validated: everything that its runs are a function of.

    base: the scenario with what is constant.  shelf: world and law, read.  coordinates: of the design in the unit cube
    [point, dimension], nan where the design has none.  points: values by point and dimension.  seeds: by replicate.
    """

    path: Path
    file: SweepFile
    base: Config
    shelf: Shelf
    constant: tuple[Change, ...]
    dimensions: tuple[Dimension, ...]
    coordinates: np.ndarray
    points: tuple[tuple, ...]
    seeds: tuple[int, ...]

    @property
    def name(self) -> str:
        """The sweep's name: that of its file."""
        return self.path.stem

    @property
    def runs(self) -> int:
        """How many runs there are."""
        return len(self.points) * len(self.seeds)

    def of(self, run: int) -> tuple[int, int]:
        """Point and replicate of a run."""
        return divmod(run, len(self.seeds))

    def settings(self, point: int) -> dict[str, Any]:
        """What a point changes in the scenario: values by key."""
        return {change.key: change.value for change in self._changes(point)}

    def config(self, point: int) -> Config:
        """The config of a point, with the seed of the first replicate. Raises: BadInput."""
        changes = (*self.constant, *self._changes(point))
        return load(self.base.path, seed=self.seeds[0], changes=changes, shelf=self.shelf)

    def seeded(self, config: Config, replicate: int) -> Config:
        """A point's config with the seed of a replicate."""
        return replace(config, seed=self.seeds[replicate])

    def _changes(self, point: int) -> list[Change]:
        return [change for dimension, value in zip(self.dimensions, self.points[point])
                for change in dimension.changes(value)]

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """Plain data that says which sweep this is: two with the same have the same runs."""
        said = self.file.model_dump(mode="json", exclude={"scenario", "period", "constants", "design"})
        return {"name": self.name, **said, "scenario": self.base.resolved(), "seeds": list(self.seeds),
                "design": self.file.design.model_dump(exclude={"file"}), "points": len(self.points),
                "values": hashlib.sha256(json.dumps(self.points).encode()).hexdigest()[:16]}


    @cached_property
    def digest(self) -> str:
        """SHA-256 of what it is and of the code that lives it: what workers must find as well."""
        return hashlib.sha256(f"{json.dumps(self.resolved, sort_keys=True)}{code()}".encode()).hexdigest()


def sweep_names() -> list[str]:
    """Names of the sweeps that come with the project."""
    return sorted(file.stem for file in (PROJECT / "configs" / "sweeps").glob("*.yaml"))


def find_sweep(name: str | Path) -> Path:
    """The file of a sweep given as a path or a bare name. Raises: BadInput where neither leads anywhere."""
    path = Path(name)
    if path.exists() or path.name != str(name) or path.suffix:
        return path
    if str(name) not in sweep_names():
        raise BadInput(f"{name}: there is no such sweep{nearest(name, sweep_names())}")
    return PROJECT / "configs" / "sweeps" / f"{name}.yaml"


def read_sweep(path: str | Path) -> Sweep:
    """Read a sweep file with its scenario, world and law, and validate all of it: names, units, every level of every
    lever by itself, the ends of what is sampled. Raises: BadInput, one line."""
    path = find_sweep(path)
    document = read_document(path)
    file = validate(document, SweepFile)
    shelf = Shelf()
    constant = _constant(document, file)
    base = load(_scenario(path, document, file), changes=constant, shelf=shelf)
    measures.vet(file.outcomes, document, base.world)
    dimensions = _dimensions(document, file)
    coordinates, points = _points(path, document, file, dimensions)
    seeds = tuple(base.seed + i for i in range(file.replicates))
    sweep = Sweep(path, file, base, shelf, constant, dimensions, coordinates, points, seeds)
    _try_levels(sweep)
    return sweep


def _scenario(path: Path, document: Document, file: SweepFile) -> Path:
    beside = path.parent / file.scenario
    found = next((p for p in (beside, PROJECT / file.scenario) if p.is_file()), None)
    if found is None:
        raise BadInput(document.fault(("scenario",), f"there is no scenario at {place_of(beside)}; expected a file, "
                                      "relative to this one"))
    return found.resolve()


def _constant(document: Document, file: SweepFile) -> tuple[Change, ...]:
    """What all runs have in common: little is kept, the period, the constants."""
    here = document.place(("keep",))
    hourly = any(kind.startswith(("hourly/", "daily/")) for kind in file.keep)
    quiet = QUIET | {"record.hourly": hourly}
    if "journal/entries" in file.keep:
        quiet["record.journal"] = "full"
    changes = [Change(key, value, here) for key, value in quiet.items()]
    for name in ("start", "end") if file.period else ():
        day: date = getattr(file.period, name)
        changes.append(Change(f"period.{name}", day.isoformat(), document.place(("period", name))))
    for key, value in file.constants.items():
        _vary(document, ("constants", key), key)
        changes.append(Change(key, value, document.place(("constants", key))))
    return tuple(changes)


def _vary(document: Document, at: tuple, key: str):
    """Raise BadInput for a key that a sweep may not vary."""
    root = key.partition(".")[0]
    if root not in FREE:
        raise BadInput(document.fault(at, f"'{key}' is nothing that a sweep sets{nearest(root, FREE)}"))


def _dimensions(document: Document, file: SweepFile) -> tuple[Dimension, ...]:
    """Levers, then uncertainties, in the order of the file."""
    found = []
    for name, lever in file.levers.items():
        at = ("levers", name)
        bundles = lever.levels or {}
        keys = () if bundles else tuple(lever.keys or (name,))
        for key in keys:
            _vary(document, at, key)
        for label, bundle in bundles.items():
            for key in bundle:
                _vary(document, (*at, "levels", label, key), key)
        found.append(Dimension(_lever_axis(name, lever, file.design.kind), keys, bundles, document.place(at)))
    for name, unknown in file.uncertainties.items():
        at = ("uncertainties", name)
        if name in file.levers:
            raise BadInput(document.fault(at, "is a lever too; expected another name"))
        keys = tuple(unknown.keys or (name,))
        for key in keys:
            _vary(document, at, key)
        found.append(Dimension(_uncertain_axis(name, unknown), keys, {}, document.place(at)))
    for dimension in found:
        if dimension.axis.name in TAKEN:
            raise BadInput(f"{dimension.place}: {dimension.axis.name}: is a column of every sweep; expected another "
                           "name")
    if not found:
        raise BadInput(document.fault(("design",), "there is nothing to vary; expected levers or uncertainties"))
    return tuple(found)


def _lever_axis(name: str, lever: Lever, kind: str) -> Axis:
    """A lever's axis: a range has levels where the design asks for levels."""
    if lever.levels:
        return Axis(name, values=tuple(lever.levels))
    if lever.values:
        return Axis(name, values=tuple(lever.values))
    low, high = lever.range
    if kind != "grid":
        return Axis(name, inverse=designs.uniform(low, high), whole=lever.whole)
    steps = [low + (high - low) * i / (lever.steps - 1) for i in range(lever.steps)]
    return Axis(name, values=tuple(dict.fromkeys(round(x) for x in steps) if lever.whole else steps))


def _uncertain_axis(name: str, unknown: Uncertainty) -> Axis:
    if unknown.choice:
        return Axis(name, True, values=tuple(unknown.choice), weights=tuple(unknown.weights or ()))
    kind = next(k for k in ("uniform", "triangular", "normal", "lognormal") if getattr(unknown, k) is not None)
    return Axis(name, True, inverse=getattr(designs, kind)(*getattr(unknown, kind)), whole=unknown.whole)


def _points(path: Path, document: Document, file: SweepFile, dimensions) -> tuple[np.ndarray, tuple[tuple, ...]]:
    """The design's coordinates and the values they mean."""
    design, axes = file.design, [dimension.axis for dimension in dimensions]
    if design.kind == "csv":
        points = _from_csv(path, document, design, axes)
        return np.full((len(points), len(axes)), np.nan), points
    coordinates = {
        "grid": lambda: designs.grid(axes, design.samples, design.seed),
        "latin": lambda: designs.latin(axes, design.points, design.seed),
        "sobol": lambda: designs.sobol(axes, design.base, design.seed),
        "morris": lambda: designs.morris(axes, design.trajectories, design.levels, design.seed)}[design.kind]()
    return coordinates, tuple(tuple(axis.value(u) for axis, u in zip(axes, row)) for row in coordinates.tolist())


def _from_csv(path: Path, document: Document, design: Design, axes: list[Axis]) -> tuple[tuple, ...]:
    """Points from a table: a column for each dimension, under its name."""
    import csv

    from sim.config.documents import read_bytes, read_value, text_of

    file = path.parent / design.file
    lines = list(csv.reader(text_of(read_bytes(file), file).splitlines()))
    names = [axis.name for axis in axes]
    header = [cell.strip() for cell in lines[0]] if lines else []
    for name in header:
        if name not in names:
            raise BadInput(f"{place_of(file)}:1: {name}: is no dimension of {place_of(path)}{nearest(name, names)}")
    if sorted(header) != sorted(names):
        raise BadInput(f"{place_of(file)}:1: the header is {', '.join(header)}; expected {', '.join(names)}")
    points = []
    for number, cells in enumerate(lines[1:], start=2):
        if not cells:
            continue
        if len(cells) != len(header):
            raise BadInput(f"{place_of(file)}:{number}: {len(cells)} cells; expected {len(header)}, as in the header")
        row = {name: read_value(cell, f"{place_of(file)}:{number}", (name,)) for name, cell in zip(header, cells)}
        for axis in axes:
            if axis.values and row[axis.name] not in axis.values and isinstance(row[axis.name], str):
                raise BadInput(f"{place_of(file)}:{number}: {axis.name}: '{row[axis.name]}' is no level of it"
                               f"{nearest(row[axis.name], axis.values)}")
        points.append(tuple(row[name] for name in names))
    if not points:
        raise BadInput(f"{place_of(file)}: holds no point; expected a line for each")
    return tuple(points)


MANY = 50  # levels of a dimension that are tried one by one; of more only the ends are


def _try_levels(sweep: Sweep):
    """Every level of every dimension by itself, and the first point whole. Raises: BadInput where one is wrong."""
    for i, dimension in enumerate(sweep.dimensions):
        values = {json.dumps(point[i], sort_keys=True): point[i] for point in sweep.points}
        tried = list(values.values())
        if len(tried) > MANY:
            tried = [min(tried), max(tried)]
        for value in tried:
            load(sweep.base.path, changes=(*sweep.constant, *dimension.changes(value)), shelf=sweep.shelf)
    sweep.config(0)
