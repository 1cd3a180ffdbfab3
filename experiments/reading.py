"""A run's tables as an auditor reads them: nothing is trusted, and what cannot be read is a fault with a place."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Fault(NamedTuple):
    """What is wrong, and where: a file, an entry, a block of rows, a row group, a bus and hour."""

    place: str
    what: str

    def __str__(self):
        return f"{self.place}: {self.what}"


class Unreadable(Exception):
    """Bytes that are no table: carries the Fault that says where."""

    def __init__(self, fault: Fault):
        super().__init__(str(fault))
        self.fault = fault


def groups(folder: Path, kind: str, columns: dict[str, str] | None = None) -> Iterator[dict[str, np.ndarray]]:
    """The row groups of a table, one at a time, as columns of the given kinds; without them all of its columns.

    Raises: Unreadable, naming file and row group.
    """
    from pyarrow import ArrowException, parquet

    name = f"{kind}.parquet"
    broken = (ArrowException, OSError, KeyError, ValueError, MemoryError)
    try:
        file = parquet.ParquetFile(folder / name, page_checksum_verification=True)
    except broken as error:
        raise Unreadable(Fault(name, f"its footer cannot be read ({first_line(error)})")) from error
    with file:
        for group in range(file.num_row_groups):
            try:
                read = file.read_row_group(group, columns=columns and list(columns))
                found = {column: read[column].to_numpy() for column in columns or read.column_names}
                for column, letter in (columns or {}).items():
                    if found[column].dtype.kind != letter:
                        raise ValueError(f"column {column} is of another type")
            except broken as error:
                fault = Fault(f"{name}, row group {group}", f"cannot be read ({first_line(error)})")
                raise Unreadable(fault) from error
            yield found


def table(folder: Path, kind: str, columns: dict[str, str]) -> dict[str, np.ndarray]:
    """A whole table as columns. Raises: Unreadable."""
    parts = list(groups(folder, kind, columns))
    return {column: np.concatenate([np.empty(0, parts[0][column].dtype if parts else object),
                                    *(part[column] for part in parts)]) for column in columns}


def records(folder: Path, kind: str, record: type) -> list:
    """A table as records. Raises: Unreadable."""
    kinds = {int: "i", str: "O"}
    found = table(folder, kind, {name: kinds[record.__annotations__[name]] for name in record._fields})
    return [record(*(value.item() if isinstance(value, np.generic) else value for value in row))
            for row in zip(*found.values())]


def first_line(error: Exception) -> str:
    """The first line of what an error says."""
    return (str(error).splitlines() or [type(error).__name__])[0]
