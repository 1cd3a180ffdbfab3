"""The audit of the side chains and of the main chain that anchors them: rebuilt from the journal, record by record."""

from collections.abc import Mapping
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from experiments.reading import Fault, records, table
from sim.settlement.chain import (
    MARKET,
    MainBlock,
    Parties,
    Record,
    SideBlock,
    genesis,
    main_block,
    parties_leaf,
    record_leaf,
    side_hash,
    side_of,
    split,
)
from sim.settlement.journal import GENESIS, Block, Entry, merkle

PARTIES = {"month": "O", "kind": "O", "row": "i", "province": "O"}
Columns = dict[str, np.ndarray]


def audit_chain(folder: Path, entries: list[Entry], blocks: list[Block], rows: Mapping[int, Columns] | None,
                certificate: Mapping[str, Any]) -> tuple[list[Fault], str]:
    """The first bad record of the side chains or the main chain, if any, and what was rebuilt, as a line.

    rows: columns of the postings whose rows belong to provinces, by entry; None where the run did not keep them.
    certificate: what run.yaml says.  Raises: Unreadable.
    """
    parties, stored = parties_by_month(folder), records(folder, "journal/records", Record)
    sides, main = records(folder, "journal/side_blocks", SideBlock), records(folder, "journal/main", MainBlock)
    faults = (_records(entries, stored, rows, parties) or _sides(entries, stored, sides)
              or _main(blocks, main, sides, parties, certificate))
    names = {record.side for record in stored}
    return faults, f"{len(stored):,} records in {len(names)} side chains, anchored in {len(main)} main blocks"


def parties_by_month(folder: Path) -> dict[str, Parties]:
    """Who belongs to which province, by month."""
    found = table(folder, "journal/parties", PARTIES)
    months: dict[str, dict[str, np.ndarray]] = {}
    for month in dict.fromkeys(found["month"]):
        here = found["month"] == month
        kinds = {kind: here & (found["kind"] == kind) for kind in dict.fromkeys(found["kind"][here])}
        months[month] = {kind: found["province"][some][np.argsort(found["row"][some], kind="stable")]
                         for kind, some in kinds.items()}
    return months


def _place(record: Record) -> str:
    return f"journal/records.parquet, {record.side}, record {record.number} (entry {record.entry})"


def _records(entries: list[Entry], stored: list[Record], rows: Mapping[int, Columns] | None,
             parties: dict[str, Parties]) -> list[Fault]:
    """The first record that its entry does not make, or that stands where others belong."""
    numbers: dict[str, int] = {}
    at = 0
    for entry in entries:
        mine = []
        while at < len(stored) and stored[at].entry == entry.number:
            mine.append(stored[at])
            at += 1
        if rows is None and side_of(entry) is None:
            made = _unseen(entry, mine, numbers)
        else:
            made = _made(entry, rows, parties, numbers)
        for record, found in zip_longest(made, mine):
            if found is None:
                return [Fault(_place(record), "is missing")]
            if record != found:
                return [Fault(_place(found), f"is not what entry {entry.number} of the journal makes")]
        for record in made:
            numbers[record.side] = record.number + 1
    return [Fault(_place(stored[at]), "stands where no entry of the journal puts it")] if at < len(stored) else []


def _made(entry: Entry, rows: Mapping[int, Columns], parties: dict[str, Parties],
          numbers: dict[str, int]) -> list[Record]:
    """The records that an entry makes. An entry whose rows are missing, or in no province, makes none."""
    side = side_of(entry)
    if side is not None:
        return [Record(side, numbers.get(side, 0), entry.month, entry.number, entry.rows, entry.total, entry.leg)]
    column, here = rows.get(entry.number), parties.get(entry.month, {})
    try:
        parts = split(entry, column["row"], column["fen"], column["weight"], here) if column else {}
    except (KeyError, IndexError):
        parts = {}
    return [Record(name, numbers.get(name, 0), entry.month, entry.number, count, total, merkle(leaves).hex())
            for name, (count, total, leaves) in parts.items()]


def _unseen(entry: Entry, found: list[Record], numbers: dict[str, int]) -> list[Record]:
    """What can be said without rows: the records of an entry are of provinces, numbered on, and sum to the entry."""
    made = [record._replace(number=numbers.get(record.side, 0), month=entry.month) for record in found]
    whole = sum(record.rows for record in found), sum(record.total for record in found)
    provinces = [record.side.startswith(MARKET) for record in found]
    if made and all(provinces) and whole == (entry.rows, entry.total):
        return made
    return [Record(MARKET, 0, entry.month, entry.number, entry.rows, entry.total, "")]


def _sides(entries: list[Entry], stored: list[Record], sides: list[SideBlock]) -> list[Fault]:
    """The first side block that its records do not make."""
    tips: dict[str, str] = {}
    by_month = groupby(stored, key=lambda record: record.month)
    made = []
    for month, some in by_month:
        mine: dict[str, list[Record]] = {}
        for record in some:
            mine.setdefault(record.side, []).append(record)
        for side in sorted(mine):
            leaves = [record_leaf(record, entries[record.entry].hash) for record in mine[side]]
            block = SideBlock(side, month, mine[side][0].number, len(leaves), merkle(leaves).hex(),
                              tips.get(side, GENESIS), "")
            made.append(block._replace(hash=side_hash(block)))
            tips[side] = made[-1].hash
    for block, found in zip_longest(made, sides):
        if block != found:
            where = found or block
            return [Fault(f"journal/side_blocks.parquet, {where.side}, {where.month}",
                          "is missing" if found is None else "is not the one that its records make")]
    return []


def _main(blocks: list[Block], main: list[MainBlock], sides: list[SideBlock], parties: dict[str, Parties],
          certificate: Mapping[str, Any]) -> list[Fault]:
    """The first main block that does not anchor its month; then whether the chain is this run's."""
    previous = start(certificate)
    for number, (block, found) in enumerate(zip_longest(blocks, main)):
        where = f"journal/main.parquet, block {(block or found).month}"
        if found is None or block is None:
            return [Fault(where, "is missing" if found is None else "anchors no month of the journal")]
        if number == 0 and found.previous != previous:
            return [Fault(where, "does not follow this run's scenario and seed: it is another run's")]
        here = parties.get(block.month, {})
        mine = [side for side in sides if side.month == block.month]
        made = main_block(number, block, here, mine, previous)
        if made != found:
            other = "does not follow what stands before it" if found.previous != previous else \
                "does not hold who belongs where" if found.parties != parties_leaf(here) else \
                "is not the one that its side blocks make"
            return [Fault(where, other)]
        previous = found.hash
    if certificate.get("main") != previous:
        return [Fault("run.yaml", "main is not the hash of the last main block")]
    return []


def start(certificate: Mapping[str, Any]) -> str:
    """What the first main block of a run follows. A certificate without a scenario begins nothing: 64 zeros."""
    scenario = certificate.get("scenario")
    return genesis(scenario, scenario.get("seed")) if isinstance(scenario, Mapping) else GENESIS
