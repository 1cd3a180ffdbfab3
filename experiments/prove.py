"""A proof that one record of a run is what the main head vouches for: every hash on the way from the record to it.

The proof is plain JSON. `experiments/verify.py`, which shares no code with the house, checks it against a main head
that somebody has kept or published; the run's folder is not needed for that.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.audit_chain import parties_by_month
from experiments.reading import groups, records
from sim.config import BadInput
from sim.settlement.chain import MARKET, SPLIT, MainBlock, Record, SideBlock, record_leaf
from sim.settlement.journal import BLOCK, Entry, leaf, leaves_of, merkle

ROWS = {"entry": "i", "row": "i", "fen": "i", "weight": "i"}
Climb = list[tuple[str, str]]  # up a tree: ("left" or "right", the neighbour's hash in hex), from the leaf on


class Asked(NamedTuple):
    """What is to be proved: an entry of the journal, and of a mass posting one row; None for none."""

    entry: int
    row: int | None

    @classmethod
    def read(cls, text: str) -> "Asked":
        """From ENTRY or ENTRY:ROW. Raises: BadInput."""
        try:
            number, _, row = text.partition(":")
            return cls(int(number), int(row) if row else None)
        except ValueError:
            raise BadInput(f"--prove: {text!r}; expected ENTRY or ENTRY:ROW, numbers of the journal: 17:4023") from None


def climb(leaves: list[bytes], position: int) -> Climb:
    """The neighbours on the way from a leaf to the root of the tree over `leaves`."""
    if len(leaves) == 1:
        return []
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    if position < half:
        return [*climb(leaves[:half], position), ("right", merkle(leaves[half:]).hex())]
    return [*climb(leaves[half:], position - half), ("left", merkle(leaves[:half]).hex())]


def prove(folder: Path, asked: Asked) -> dict[str, Any]:
    """The proof of a record, as plain data. Raises: BadInput for one that the run does not have; Unreadable."""
    entries = records(folder, "journal/entries", Entry)
    if not 0 <= asked.entry < len(entries):
        raise BadInput(f"--prove: entry {asked.entry} of {len(entries)}; expected 0 to {len(entries) - 1}")
    entry = entries[asked.entry]
    stored, main = records(folder, "journal/records", Record), records(folder, "journal/main", MainBlock)
    mine = [record for record in stored if record.entry == entry.number]
    record, block = mine[0], None
    if asked.row is not None:
        record, block = _rows(folder, entry, mine, asked.row)
    side = [r for r in stored if (r.side, r.month) == (record.side, record.month)]
    sides = sorted(s for s in records(folder, "journal/side_blocks", SideBlock) if s.month == record.month)
    of_side = next(s for s in sides if s.side == record.side)
    first = next(i for i, m in enumerate(main) if m.month == record.month)
    return {
        "gridgig_proof": 1, "entry": entry._asdict(), "rows": block, "record": record._asdict(),
        "record_path": climb([record_leaf(r, entries[r.entry].hash) for r in side], side.index(record)),
        "side_block": of_side._asdict(),
        "side_path": climb([leaf(bytes.fromhex(s.hash)) for s in sides], sides.index(of_side)),
        "main": [m._asdict() for m in main[first:]]}


def _rows(folder: Path, entry: Entry, mine: list[Record], row: int) -> tuple[Record, dict[str, Any]]:
    """The side record that holds a row of an entry, and the block of rows in which it stands, with its way up."""
    if not entry.rows:
        raise BadInput(f"--prove: entry {entry.number} is a single sum; expected {entry.number} without a row")
    parts = [{name: column[group["entry"] == entry.number] for name, column in group.items()}
             for group in groups(folder, "journal/rows", ROWS) if (group["entry"] == entry.number).any()]
    column = {name: np.concatenate([part[name] for part in parts]) for name in ROWS}
    at = np.flatnonzero(column["row"] == row)
    if not len(at):
        raise BadInput(f"--prove: entry {entry.number} has no row {row}")
    record = mine[0]
    if record.side.startswith(MARKET):
        province = _provinces(folder, entry)
        record = next(r for r in mine if r.side == MARKET + province[row])
        some = province[column["row"]] == record.side.removeprefix(MARKET)
        column = {name: values[some] for name, values in column.items()}
        at = np.flatnonzero(column["row"] == row)
    leaves = leaves_of(column["row"], column["fen"], column["weight"])
    number = int(at[0]) // BLOCK
    place = slice(number * BLOCK, (number + 1) * BLOCK)
    content = [[int(v) for v in values] for values in zip(column["row"][place], column["fen"][place],
                                                          column["weight"][place])]
    return record, {"asked": row, "block": content, "path": climb(leaves, number)}


def _provinces(folder: Path, entry: Entry) -> np.ndarray:
    """The province of each row of the kind of party that an entry bills, in its month."""
    kind = next(SPLIT[end] for end in (entry.payer, entry.payee) if end in SPLIT)
    return parties_by_month(folder)[entry.month][kind]
