"""Tables of a world: CSV with the unit in the header, one validated row a line."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Literal, get_args, get_origin

import numpy as np
from pydantic import ValidationError

from sim.config.documents import place_of, read_bytes, text_of
from sim.config.sections import DAY, BadInput, Hint, Section, faults, field_hint, nearest, outsized, parse, shown

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_SPECIAL = re.compile(r"[-+]?\.?(nan|inf|infinity)", re.IGNORECASE)


class Row(Section):
    """A line of a CSV table: `capacity: MW` is the column `capacity [MW]`, a field without a unit just its name.

    A field with a default may be absent from the header; an empty cell is None where the type allows it, and else
    only an empty text. `key` and `source` are never empty.
    identity: fields that together name a row; two lines with the same are refused.
    """

    identity: ClassVar[tuple[str, ...]] = ("key",)

    @classmethod
    def check(cls, table: "Table", tables: dict[str, "Table"]) -> None:
        """Rules across rows, called when all tables are read.

        Raises: BadInput(table.fault(i, "field", "message")).
        """

    @classmethod
    def check_period(cls, table: "Table", start: date, end: date) -> None:
        """Rules about the days that the world covers, called after `check`.

        Raises: BadInput(table.fault(i, "field", "message")).
        """


class Table:
    """Validated rows with the line each came from.

    `table["capacity"]` is the column as a read-only array [row]: float64 (None as nan), int64, bool, else object.
    """

    def __init__(self, path: Path, row_type: type[Row], rows: list[Row], lines: list[int], digest: str):
        self.path, self.row_type, self.rows, self.lines, self.digest = path, row_type, rows, lines, digest
        self._columns: dict[str, np.ndarray] = {}
        self._positions: dict[str, int] | None = None

    def __len__(self):
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __bool__(self):
        return True  # an empty table is still a table

    def __getitem__(self, field: str) -> np.ndarray:
        """A column [row]. Raises: KeyError for a field the rows do not have."""
        if field not in self._columns:
            if field not in self.row_type.model_fields:
                raise KeyError(f"{self.row_type.__name__} has no field '{field}'")
            hint = field_hint(self.row_type, field)
            dtype = _DTYPES.get(hint.bare, object)
            if hint.optional and dtype is not np.float64:
                dtype = object
            column = np.array([getattr(row, field) for row in self.rows], dtype)
            column.setflags(write=False)
            self._columns[field] = column
        return self._columns[field]

    def position(self, key: str) -> int:
        """Row number of a key, the first where several rows share it. Raises: KeyError."""
        if self._positions is None:
            self._positions = {row.key: i for i, row in reversed(list(enumerate(self.rows)))}
        return self._positions[key]

    def where(self, i: int) -> str:
        """`file:line` of a row."""
        return f"{place_of(self.path)}:{self.lines[i]}"

    def fault(self, i: int, field: str, message: str) -> str:
        """The one line that says what is wrong with a row: for `BadInput`."""
        return f"{self.where(i)}: {header(self.row_type, field)}: {message}"


_DTYPES = {float: np.float64, int: np.int64, bool: np.bool_}


def header(row_type: type[Row], field: str) -> str:
    """A field's column name: `capacity [MW]`, or just `key` where it has no unit."""
    if field not in row_type.model_fields:
        return field
    symbol = field_hint(row_type, field).symbol
    return f"{field} [{symbol}]" if symbol else field


def read_table(path, row_type: type[Row]) -> Table:
    """Read and validate a CSV table by itself (references to other tables: `check_tables`).

    Raises: BadInput, one line, for anything that is not a table of such rows.
    """
    path = Path(path)
    raw = read_bytes(path)
    lines = _split(path, text_of(raw, path))
    if not lines:
        raise BadInput(f"{place_of(path)}:1: the table is empty; expected a header line: {_titles(row_type)}")
    fields = _columns(path, row_type, *lines[0])
    rows = [_row(path, row_type, fields, line, cells) for line, cells in lines[1:]]
    table = Table(path, row_type, rows, [line for line, _ in lines[1:]], sha256(raw).hexdigest())
    _unique(table)
    return table


def _split(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """Lines that hold something, as (line number, cells stripped of blanks)."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines, start = [], 1
    try:
        for cells in reader:
            if cells:
                lines.append((start, [cell.strip() for cell in cells]))
            start = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(f"{place_of(path)}:{start}: broken CSV: {error}; expected cells parted by commas, "
                       'texts with a comma or a quote between double quotes') from None
    return lines


def _titles(row_type: type[Row]) -> str:
    return ",".join(header(row_type, field) for field in row_type.model_fields)


def _columns(path: Path, row_type: type[Row], line: int, titles: list[str]) -> list[str]:
    """Fields in the order of the header."""
    known = {header(row_type, field): field for field in row_type.model_fields}
    at = f"{place_of(path)}:{line}"
    seen = set()
    for title in titles:
        if title not in known:
            raise BadInput(f"{at}: {title or 'an empty title'}: unknown column{nearest(title, known)}")
        if title in seen:
            raise BadInput(f"{at}: {title}: the column stands twice in the header")
        seen.add(title)
    for title, field in known.items():
        if title not in seen and row_type.model_fields[field].is_required():
            raise BadInput(f"{at}: {title}: column is missing; expected {_titles(row_type)}")
    return [known[title] for title in titles]


def _row(path: Path, row_type: type[Row], fields: list[str], line: int, cells: list[str]) -> Row:
    at = f"{place_of(path)}:{line}"
    if len(cells) != len(fields):
        raise BadInput(f"{at}: {len(cells)} cells; expected {len(fields)}, as in the header")
    data = {}
    for field, cell in zip(fields, cells):
        hint = field_hint(row_type, field)
        data[field] = _value(hint, cell)
        if wrong := _refusal(field, hint, cell, data[field]):
            raise BadInput(f"{at}: {header(row_type, field)}: {wrong}")
    try:
        return parse(row_type, data)
    except ValidationError as error:
        fault = faults(error, row_type)[0]
        name = f"{header(row_type, fault.at[0])}: " if fault.at else ""
        raise BadInput(f"{at}: {name}{fault.phrase}") from None


def _value(hint: Hint, cell: str):
    """A cell as the plain value it is meant to be; what does not fit stays a text, for the validation to refuse."""
    if not cell and hint.optional:
        return None
    options = get_args(hint.bare) if get_origin(hint.bare) is Literal else ()
    whole = hint.bare is int or (options and all(type(option) is int for option in options))
    if hint.bare is bool:
        return {"true": True, "false": False}.get(cell, cell)
    if (whole or hint.bare is float) and _SPECIAL.fullmatch(cell):
        return float(cell.replace(".", ""))
    if (whole or hint.bare is float) and _NUMBER.fullmatch(cell):
        number = float(cell)
        return int(cell) if whole and abs(number) < 2**63 and cell.lstrip("+-").isdigit() else number
    return cell


def _refusal(field: str, hint: Hint, cell: str, value) -> str | None:
    """What pydantic would let pass, or would say less well."""
    if not cell and not hint.optional and (hint.bare is not str or field in ("key", "source")):
        return f"the cell is empty; expected {hint if hint.bare is not str else 'a text'}"
    if wrong := outsized(value):
        return wrong
    if hint.bare is date and value is not None and not re.fullmatch(DAY, cell, re.ASCII):
        return f"{shown(cell)} is not a day; expected {hint}"
    return None


def _unique(table: Table):
    identity = table.row_type.identity
    if not set(identity) <= set(table.row_type.model_fields):
        return
    seen: dict[tuple, int] = {}
    for i, row in enumerate(table):
        name = tuple(getattr(row, field) for field in identity)
        if name in seen:
            words = ", ".join(shown(part) for part in name)
            first = table.lines[seen[name]]
            raise BadInput(table.fault(i, identity[-1], f"{words} stands twice, first on line {first}"))
        seen[name] = i


def check_tables(tables: dict[str, Table]):
    """References between tables, then each row type's own `check`.

    Raises: BadInput.
    """
    for table in tables.values():
        for field in table.row_type.model_fields:
            target = field_hint(table.row_type, field).table
            if target is not None:
                _refer(table, field, target, tables)
    for table in tables.values():
        table.row_type.check(table, tables)


def _refer(table: Table, field: str, target: str, tables: dict[str, Table]):
    if target not in tables:
        raise BadInput(f"{place_of(table.path)}: {field}: refers to {target}.csv, which the world does not have")
    keys = dict.fromkeys(row.key for row in tables[target])
    for i, row in enumerate(table):
        value = getattr(row, field)
        if value is not None and value not in keys:
            raise BadInput(table.fault(i, field, f"{shown(value)} is not a key of {target}.csv{nearest(value, keys)}"))
