"""A world: a folder with `world.yaml` and one CSV table for every entry of the schema."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, create_model, model_validator

from sim.config.documents import Document, place_of, read_document, validate
from sim.config.sections import BadInput, Hint, Section, hint_of, leaves, nearest, shown
from sim.config.tables import Row, Table, check_tables, read_table

Text = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True)
class Schema:
    """What a world, a law and a scenario may contain; assembled where all rooms are known.

    settings: the sections of `world.yaml` beside its head.  tables: row type by table name.  rules: Rules by key of
    the law.  markets, instruments: keys that a scenario may switch off.
    """

    settings: type[Section]
    tables: dict[str, type[Row]]
    rules: dict[str, type[Section]]
    markets: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()


class Period(Section):
    """Days from `start` to `end`, both included."""

    start: date
    end: date

    @model_validator(mode="after")
    def _forward(self):
        if self.end < self.start:
            raise ValueError(f"the end {self.end} is before the start {self.start}; expected end >= start")
        return self


class Head(Section):
    """What every `world.yaml` says of itself.

    covers: the days its tables describe.  law: folder of the law it lives under, relative to the world's folder.
    """

    title: Text
    source: Text
    covers: Period
    law: Text = "../../law"


@dataclass(frozen=True)
class World:
    """A place and its things, as given. `world["plants"]` is a table.

    covers: the days it describes.  law: folder of the law it lives under.  settings: what `world.yaml` says for the
    rooms.  digests: SHA-256 by file name.
    """

    name: str
    path: Path
    title: str
    source: str
    covers: Period
    law: Path
    settings: Section
    tables: dict[str, Table]
    digests: dict[str, str]

    def __getitem__(self, table: str) -> Table:
        return self.tables[table]


@cache
def settings_type(settings: type[Section]) -> type[Section]:
    """The whole of `world.yaml`: its head and the settings sections of the schema."""
    return create_model("WorldFile", __base__=(Head, settings), __doc__="A world folder's world.yaml.")


def read_world(path, schema: Schema) -> World:
    """Read and validate a world's folder: settings, tables, references, each table's own rules.

    Raises: BadInput.
    """
    path = Path(path)
    if not path.is_dir():
        raise BadInput(f"{place_of(path)}: there is no such world; expected a folder with a world.yaml")
    document = read_document(path / "world.yaml")
    whole = validate(document, settings_type(schema.settings))
    settings = schema.settings(**{name: getattr(whole, name) for name in schema.settings.model_fields})
    present = sorted(file.stem for file in path.glob("*.csv"))
    for name in schema.tables:
        if name not in present:
            strays = [stem for stem in present if stem not in schema.tables]
            guess = nearest(f"{name}.csv", [f"{stem}.csv" for stem in strays])
            raise BadInput(f"{place_of(path / name)}.csv: the table is missing{guess if 'did you' in guess else ''}")
    for stem in present:
        if stem not in schema.tables:
            raise BadInput(f"{place_of(path / stem)}.csv: unknown table{nearest(stem, schema.tables)}")
    tables = {name: read_table(path / f"{name}.csv", row_type) for name, row_type in schema.tables.items()}
    check_tables(tables)
    for table in tables.values():
        table.row_type.check_period(table, whole.covers.start, whole.covers.end)
    check_references(document, type(whole), tables)
    digests = {"world.yaml": document.digest} | {f"{name}.csv": table.digest for name, table in tables.items()}
    law = (path / whole.law).resolve()
    return World(path.resolve().name, path, whole.title, whole.source, whole.covers, law, settings, tables, digests)


def check_references(document: Document, section: type[Section], tables: dict[str, Table]):
    """Texts of a YAML section that must be keys of a table.

    Raises: BadInput.
    """
    for at, message in astray(hint_of(section), document.data, tables):
        raise BadInput(document.fault(at, message))


def astray(hint: Hint, data, tables: dict[str, Table]) -> Iterator[tuple[tuple, str]]:
    """References in plain data that lead to no row of their table: where, and what is wrong."""
    for at, inner_hint, value in leaves(hint, data):
        name = inner_hint.table
        if name is None or value is None:
            continue
        if name not in tables:
            yield at, f"refers to {name}.csv, which the world does not have"
            continue
        keys = list(dict.fromkeys(row.key for row in tables[name]))
        if value not in keys:
            yield at, f"{shown(value)} is not a key of {name}.csv{nearest(value, keys)}"
