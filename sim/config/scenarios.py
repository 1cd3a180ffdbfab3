"""A scenario: a world, a period, a seed, and a patch on the law; read, patched and validated into a `Config`."""

import importlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from sim import law as dated_law  # a module, not names: law reads its files with this package
from sim.config.documents import Document, dotted, place_of, read_document, read_value, validate
from sim.config.sections import BadInput, Section, bounded, field_hint, nearest
from sim.config.strategies import DEFAULT, Strategy, read_strategies
from sim.config.worlds import Period, Schema, Text, World, astray, read_world

if TYPE_CHECKING:
    from sim.law import Law

PROJECT = Path(__file__).resolve().parents[2]
MOST_ROWS = 100_000_000  # beyond any machine meant here; a slip of the keyboard stops at once


class Scale(Section):
    """Rows of the populations.

    riders: of the named cities together.  rest_riders: of each rest-of-China region.  users: accounts that may buy at
    retail, 340,000 at full scale; 0 for users who are classes at buses and nothing else.
    """

    riders: bounded(int, ge=0, le=MOST_ROWS) = 100_000
    rest_riders: bounded(int, ge=0, le=MOST_ROWS) = 5_000
    users: bounded(int, ge=0, le=MOST_ROWS) = 0


class Record(Section):
    """What a run keeps. journal: every entry, or only the roots.  hourly: the hourly tables.  figures: drawings."""

    journal: Literal["full", "roots"] = "full"
    hourly: bool = True
    figures: bool = True


class Scenario(Section):
    """A scenario file.

    world: the world's folder, relative to this file, or to the project.  law: values by `key.param` or
    `key.param@day`.  markets, instruments: off or on, by key.  strategies: how companies bid, by owner, a kind or a
    mapping with one, under `default` for all others.  files: SHA-256 by file, as a finished run states
    them; when given, world and law must be the very same.
    """

    title: Text
    question: Text
    source: Text
    world: Text
    period: Period
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    scale: Scale = Scale()
    law: dict[str, Any] = {}
    markets: dict[str, bool] = {}
    instruments: dict[str, bool] = {}
    strategies: dict[str, Any] = {}
    record: Record = Record()
    files: dict[str, str] = {}


@dataclass(frozen=True)
class Config:
    """All that a run is a function of, beside its engine.

    start, end: first and last day.  scale: rows by population.  markets, instruments: whether on, for every key
    there is.  strategies: by owner, `default` for all others.  patch: what `--set` and its like changed, by dotted key.
    path: the scenario's file.
    """

    path: Path
    title: str
    question: str
    source: str
    world: World
    law: "Law"
    start: date
    end: date
    seed: int
    scale: dict[str, int]
    markets: dict[str, bool]
    instruments: dict[str, bool]
    strategies: dict[str, Strategy]
    record: Record
    patch: dict[str, Any]
    law_patch: dict[str, Any]

    @property
    def name(self) -> str:
        """The scenario's name: that of its file."""
        return self.path.stem

    def strategy(self, owner: str) -> Strategy:
        """What a company plays."""
        return self.strategies.get(owner, self.strategies[DEFAULT])

    @property
    def files(self) -> dict[str, str]:
        """SHA-256 of every file of the world and the law."""
        world = {f"world/{name}": digest for name, digest in self.world.digests.items()}
        return world | {f"law/{name}": digest for name, digest in self.law.digests.items()}

    def resolved(self) -> dict[str, Any]:
        """Plain data from which the same run can be made: written to a file it is a scenario again."""
        world = self.world.path.resolve()
        inside = world.is_relative_to(PROJECT)
        return {
            "title": self.title,
            "question": self.question,
            "source": self.source,
            "world": (world.relative_to(PROJECT) if inside else world).as_posix(),
            "period": {"start": self.start.isoformat(), "end": self.end.isoformat()},
            "seed": self.seed,
            "scale": dict(self.scale),
            "law": self.law_patch,
            "markets": dict(self.markets),
            "instruments": dict(self.instruments),
            "strategies": {owner: played.model_dump(mode="json") for owner, played in self.strategies.items()},
            "record": self.record.model_dump(),
            "files": self.files,
        }


@dataclass(frozen=True)
class Change:
    """A value laid over a scenario. key: dotted.  value: plain data.  place: who asks for it, as `path:line`."""

    key: str
    value: Any
    place: str


class Shelf:
    """Worlds and laws that were read before: what many scenarios share is read and validated once."""

    def __init__(self):
        self._worlds: dict[Path, World] = {}
        self._laws: dict[Path, dated_law.Enacted] = {}

    def world(self, folder: Path, schema: Schema) -> World:
        """A world by its folder. Raises: BadInput."""
        if folder not in self._worlds:
            self._worlds[folder] = read_world(folder, schema)
        return self._worlds[folder]

    def law(self, folder: Path, schema: Schema) -> "dated_law.Enacted":
        """What the files of a law's folder say. Raises: BadInput."""
        if folder not in self._laws:
            self._laws[folder] = dated_law.read_law(folder, schema.rules)
        return self._laws[folder]


def load(path, set=(), seed=None, start=None, end=None, schema: Schema | None = None, changes=(),
         shelf: Shelf | None = None) -> Config:
    """Read a scenario with its world and law, and validate all of it.

    set: `key=value` texts, keys dotted, values YAML, as after `--set`.  seed, start, end: replace the scenario's
    (days as `date` or ISO text).  schema: what may be there; by default that of the whole model.  changes: values that
    another file lays over it, before the others.  shelf: what was read before; files on it are not read again.

    Raises: BadInput, one line, for anything that is wrong anywhere.
    """
    schema = schema or whole_schema()
    document = read_document(path)
    patch = {}
    laid = [(_at(change.key, change.place), change.value, change.place) for change in changes]
    for at, value, place in (*laid, *((*_assignment(text), "--set") for text in set)):
        if at[0] == "law" and len(at) == 2 and "@" not in at[1]:
            _forget_dated(document, at[1])
        document.put(at, value, place)
        patch[dotted(at)] = value
    for at, value, option in ((("seed",), None if seed is None else int(seed), "--seed"),
                              (("period", "start"), start, "--start"), (("period", "end"), end, "--end")):
        if value is not None:
            value = value.isoformat() if isinstance(value, date) else value
            document.put(at, value, option)
            patch[dotted(at)] = value
    return _config(Path(path), document, schema, patch, shelf or Shelf())


def whole_schema() -> Schema:
    """The schema of the whole model, which `sim.schema` assembles from every room."""
    # by name and only when asked for, as the registry finds markets: what is given knows no room above it
    return importlib.import_module("sim.schema").schema()


def _config(path: Path, document: Document, schema: Schema, patch: dict[str, Any], shelf: Shelf) -> Config:
    scenario = validate(document, Scenario)
    markets = _switches(document, "markets", scenario.markets, schema.markets)
    instruments = _switches(document, "instruments", scenario.instruments, schema.instruments)
    world = shelf.world(_world_folder(path, document, scenario.world), schema)
    covers = world.covers
    for name, day in (("start", scenario.period.start), ("end", scenario.period.end)):
        if not covers.start <= day <= covers.end:
            raise BadInput(document.fault(("period", name), f"{day} lies outside the world's data; "
                                          f"expected {covers.start} to {covers.end}"))
    off = {key for key, on in (markets | instruments).items() if not on}
    changes = dated_law.read_patch(document, schema.rules, scenario.source)
    for key, param, value in changes:  # only these: the law is wider than any one world and may name what is not in it
        for at, message in astray(field_hint(schema.rules[key], param), value.data, world.tables):
            raise value.fault(at, message)
    strategies = _strategies(document, scenario.strategies, world)
    law = dated_law.Law(schema.rules, shelf.law(world.law, schema), changes, off)
    config = Config(path, scenario.title, scenario.question, scenario.source, world, law, scenario.period.start,
                    scenario.period.end, scenario.seed, scenario.scale.model_dump(), markets, instruments,
                    strategies, scenario.record, patch, scenario.law)
    _same_files(document, scenario.files, config.files)
    return config


def _forget_dated(document: Document, path: str):
    """What the scenario says of a parameter by day gives way to a value set for good."""
    law = document.data.get("law")
    for name in list(law) if isinstance(law, dict) else []:
        stated, day, _ = name.partition("@")
        if stated.startswith(f"{path}.") or (day and stated == path):
            del law[name]


def _assignment(text: str) -> tuple[tuple, Any]:
    """A `key=value` of the command line as place and value; what follows `law.` is one key of the patch."""
    key, sign, value = text.partition("=")
    key = key.strip()
    if not sign or not key or not all(key.split(".")):
        raise BadInput(f"--set: '{text[:80]}' is no assignment; expected key=value, as in scale.riders=20000")
    at = _at(key, "--set")
    return at, read_value(value, "--set", at)


def _at(key: str, place: str) -> tuple[str, ...]:
    """A dotted key as steps into a scenario; what follows `law.` is one step. Raises: BadInput."""
    if not all(key.split(".")):
        raise BadInput(f"{place}: '{key[:80]}' is no key of a scenario; expected one like law.spot.offer_cap")
    return ("law", key.removeprefix("law.")) if key.startswith("law.") else tuple(key.split("."))


def _switches(document: Document, section: str, given: dict[str, bool], known: tuple[str, ...]) -> dict[str, bool]:
    for key in given:
        if key not in known:
            raise BadInput(document.fault((section, key), f"there is no such {section[:-1]}{nearest(key, known)}"))
    return {key: given.get(key, True) for key in known}


def _strategies(document: Document, given: dict[str, Any], world: World) -> dict[str, Strategy]:
    """What companies of this world play. Raises: BadInput."""
    owners = tuple(dict.fromkeys(plant.owner for plant in world.tables.get("plants", ())))
    zones = tuple(dict.fromkeys(bus.zone for bus in world.tables.get("buses", ())))
    return read_strategies(document, given, owners, zones)


def _world_folder(path: Path, document: Document, world: str) -> Path:
    """The world's folder: relative to the scenario's file, else to the project. Raises: BadInput."""
    beside = path.parent / world
    folder = next((f for f in (beside, PROJECT / world) if _is_folder(f)), None)
    if folder is None:
        raise BadInput(document.fault(("world",), f"there is no world at {place_of(beside)}; expected a folder with a "
                                      "world.yaml, relative to this file"))
    return folder.resolve()


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def _same_files(document: Document, stated: dict[str, str], found: dict[str, str]):
    for name, digest in stated.items():
        if name not in found:
            raise BadInput(document.fault(("files", name), f"there is no such file now{nearest(name, found)}"))
        if found[name] != digest:
            raise BadInput(document.fault(("files", name), f"has changed: its SHA-256 is now {found[name][:16]}...; "
                                          "expected the file as stated here"))
    missing = [name for name in found if name not in stated] if stated else []
    if missing:
        raise BadInput(document.fault(("files",), f"says nothing of {missing[0]}; expected every file, or no `files`"))
