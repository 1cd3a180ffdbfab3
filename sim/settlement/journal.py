"""The journal: double entry in integer fen, append only, each entry hashed with its predecessor.

`post` is the only function of the house that moves money. What is hashed is bytes that anybody can rebuild:

- a row of a mass posting is 20 bytes, little-endian: int64 identity, int64 fen of one person, int32 persons. The
  persons are part of it because a leg is fen per person x persons: without them somebody could halve the fen and
  double the persons of a row, and every sum would stand.
- a block is up to 1,024 rows; its leaf is SHA-256(0x00 || rows). The leaf of a single sum is SHA-256(0x00 || text),
  the text being "bill|payer|payee|fen" in UTF-8.
- the leg of an entry is the Merkle root over its leaves: a node is SHA-256(0x01 || left || right), an odd one out
  moves up unchanged (the tree of RFC 6962, whose prefixes keep a node from passing as a leaf).
- an entry's hash is SHA-256 of "number|month|bill|payer|payee|fen|rows|leg|previous", hashes in lower-case hex; the
  first entry's predecessor is 64 zeros. The head is the last entry's hash.
- a month's block holds the Merkle root over its entries' hashes, each a leaf SHA-256(0x00 || hash in 32 bytes).

*Source*: beancount's journal for the shape; [RFC6962] section 2.1 for the tree.
"""

import hashlib
from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np

from sim.calendar import Month
from sim.messages import Transfer
from sim.settlement.accounts import ACCOUNTS

BLOCK = 1024  # rows under one leaf
SLAB = 64 * BLOCK  # rows laid out at a time: 1.3 MB stay in the cache, whatever the population
ROW = np.dtype([("row", "<i8"), ("fen", "<i8"), ("weight", "<i4")])  # packed: 20 bytes
GENESIS = "0" * 64
LIMIT = 2**62  # fen; far beyond any money, and two of them still fit into int64


class JournalError(ValueError):
    """A transfer that cannot be posted: str() names the bill and both ends."""


class Entry(NamedTuple):
    """One line of the journal. total: fen.  rows: of the leg, 0 for a single sum.  leg, previous, hash: hex."""

    number: int
    month: str
    bill: str
    payer: str
    payee: str
    total: int
    rows: int
    leg: str
    previous: str
    hash: str


class Block(NamedTuple):
    """A month's entries: the number of the first, how many, the Merkle root over their hashes, the chain's tip."""

    month: str
    first: int
    entries: int
    root: str
    head: str


class Leg(NamedTuple):
    """What a transfer adds to the journal. leaves: hashes of its blocks of rows.  root: the tree over them, in hex."""

    transfer: Transfer
    leaves: list[bytes]
    root: str


class Posting(NamedTuple):
    """An entry of the last posted month and the leg that it posts."""

    entry: Entry
    leg: Leg


def leaf(content: bytes | memoryview) -> bytes:
    """The hash of something that is not itself made of hashes."""
    digest = hashlib.sha256(b"\x00")
    digest.update(content)
    return digest.digest()


def merkle(leaves: list[bytes]) -> bytes:
    """Root of the tree over leaves; SHA-256 of nothing where there are none."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    while len(leaves) > 1:
        pairs = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in zip(leaves[::2], leaves[1::2])]
        leaves = pairs + leaves[-1:] if len(leaves) % 2 else pairs
    return leaves[0]


def leaves_of(row: np.ndarray, fen: np.ndarray, weight: np.ndarray | None) -> list[bytes]:
    """The leaves of a mass posting, one for each 1,024 rows; weight None for ones. All [row]."""
    leaves, slab, size = [], np.empty(min(SLAB, len(row)), ROW), BLOCK * ROW.itemsize
    for start in range(0, len(row), SLAB):
        rows = slice(start, start + SLAB)
        part = slab[:len(row[rows])]
        part["row"], part["fen"] = row[rows], fen[rows]
        part["weight"] = 1 if weight is None else weight[rows]
        content = memoryview(part.view(np.uint8))
        leaves += [leaf(content[at:at + size]) for at in range(0, len(content), size)]
    return leaves


def single_leaf(bill: str, payer: str, payee: str, total: int) -> bytes:
    """The leaf of a single sum."""
    return leaf(f"{bill}|{payer}|{payee}|{total}".encode())


def entry_hash(number: int, month: str, bill: str, payer: str, payee: str, total: int, rows: int, leg: str,
               previous: str) -> str:
    """The hash that chains an entry to its predecessor, in hex."""
    text = f"{number}|{month}|{bill}|{payer}|{payee}|{total}|{rows}|{leg}|{previous}"
    return hashlib.sha256(text.encode()).hexdigest()


def month_root(hashes: Iterable[str]) -> str:
    """Merkle root over the hashes of a month's entries, in hex."""
    return merkle([leaf(bytes.fromhex(one)) for one in hashes]).hex()


class Journal:
    """Where money moves, and the only place.

    balance: fen by account; they sum to zero.  entries, blocks: all of them, oldest first.
    last: the postings of the last posted month.  pending: transfers due in a later month.
    keep: "full" gives rows to `tables`, "roots" only what is hashed from them; the head is the same.
    """

    def __init__(self, keep: Literal["full", "roots"] = "full"):
        self.keep = keep
        self.balance: dict[str, int] = dict.fromkeys(ACCOUNTS, 0)
        self.entries: list[Entry] = []
        self.blocks: list[Block] = []
        self.last: list[Posting] = []
        self.pending: list[Transfer] = []
        self._posted: Month | None = None

    @property
    def head(self) -> str:
        """The tip of the chain of entries, in hex: the fingerprint of all that was posted."""
        return self.entries[-1].hash if self.entries else GENESIS

    def post(self, month: Month, transfers: Iterable[Transfer]):
        """Post what is due in a month: today's transfers and those that earlier months put off until now.

        Raises: JournalError, before anything has moved, for an unknown account, a payer who pays himself, a negative
        amount (turn the sides round instead: `bills.owed`), rows without a mass account or a mass account without
        rows, a column of another type or length, a month already closed, a due month that has passed.
        """
        if self._posted is not None and month <= self._posted:
            raise JournalError(f"{month} cannot be posted: {self._posted} is closed")
        every = [*self.pending, *transfers]
        for transfer in every:
            _check(transfer, month)
        due = sorted((_leg(transfer) for transfer in every if transfer.due in (None, month)), key=_place)

        self.last, first = [], len(self.entries)
        for leg in due:
            self._append(str(month), leg)
        self.pending = [transfer for transfer in every if transfer.due not in (None, month)]
        written = self.entries[first:]
        self.blocks.append(Block(str(month), first, len(written), month_root(e.hash for e in written), self.head))
        self._posted = month

    def tables(self, month: Month) -> dict[str, dict[str, np.ndarray]]:
        """The last posted month as tables of columns, for the sink.

        entries: the fields of Entry.  blocks: the fields of Block.  With keep "full" also rows: entry, row, fen,
        weight, in posting order; and leaves: entry, leaf in hex, one for each 1,024 rows of an entry.
        Raises: JournalError for any other month: the journal does not keep rows over time.
        """
        if month != self._posted:
            raise JournalError(f"the rows of {month} are not kept; the last posted month is {self._posted}")
        block = self.blocks[-1]
        tables = {"entries": columns(Entry, self.entries[block.first:]), "blocks": columns(Block, [block])}
        if self.keep == "full":
            tables |= _legs([posting for posting in self.last if posting.leg.transfer.row is not None])
        return tables

    def _append(self, month: str, leg: Leg):
        """Write one entry and move its fen."""
        transfer = leg.transfer
        fields = (len(self.entries), month, transfer.bill, transfer.payer, transfer.payee, transfer.total,
                  0 if transfer.row is None else len(transfer.row), leg.root, self.head)
        entry = Entry(*fields, entry_hash(*fields))
        self.entries.append(entry)
        self.last.append(Posting(entry, leg))
        self.balance[entry.payer] -= entry.total
        self.balance[entry.payee] += entry.total


def _leg(transfer: Transfer) -> Leg:
    """The leg of a transfer."""
    if transfer.row is None:
        leaves = [single_leaf(transfer.bill, transfer.payer, transfer.payee, transfer.total)]
    else:
        leaves = leaves_of(transfer.row, transfer.amount, transfer.weight)
    return Leg(transfer, leaves, merkle(leaves).hex())


def _place(leg: Leg) -> tuple:
    """Where a leg stands in its month, whoever handed it in first; equal ones follow their hashes."""
    due = leg.transfer.due.number if leg.transfer.due else -1
    return leg.transfer.bill, leg.transfer.payer, leg.transfer.payee, due, leg.transfer.total, leg.root


def _legs(mass: list[Posting]) -> dict[str, dict[str, np.ndarray]]:
    """The tables of rows and of leaves of mass postings, in posting order."""
    number = np.array([posting.entry.number for posting in mass], np.int32)
    transfers = [posting.leg.transfer for posting in mass]
    weights = [np.ones(len(t.row), np.int32) if t.weight is None else t.weight for t in transfers]
    return {
        "rows": {"entry": np.repeat(number, [len(t.row) for t in transfers]),
                 "row": np.concatenate([np.empty(0, np.int64), *(t.row for t in transfers)]),
                 "fen": np.concatenate([np.empty(0, np.int64), *(t.amount for t in transfers)]),
                 "weight": np.concatenate([np.empty(0, np.int32), *weights])},
        "leaves": {"entry": np.repeat(number, [len(posting.leg.leaves) for posting in mass]),
                   "leaf": np.array([one.hex() for posting in mass for one in posting.leg.leaves], dtype=object)}}


def _check(transfer: Transfer, month: Month):
    """Raise JournalError for what cannot be posted."""
    name = f"{transfer.bill!r} from {transfer.payer!r} to {transfer.payee!r}"
    if not transfer.bill or set("|\n\r") & set(transfer.bill):
        raise JournalError(f"{name}: a bill needs a name without '|' and line breaks")
    for end in (transfer.payer, transfer.payee):
        if end not in ACCOUNTS:
            raise JournalError(f"{name}: the chart has no account {end!r}")
    if transfer.payer == transfer.payee:
        raise JournalError(f"{name}: nobody pays himself")
    if transfer.due is not None and transfer.due < month:
        raise JournalError(f"{name}: due in {transfer.due}, but it is {month}")
    by_row = ACCOUNTS[transfer.payer].mass + ACCOUNTS[transfer.payee].mass
    if by_row != (transfer.row is not None):
        raise JournalError(f"{name}: {by_row} ends are mass accounts; rows go with exactly one, a single sum with none")
    if transfer.row is None:
        _check_sum(name, transfer)
    else:
        _check_column(name, transfer)


def _check_sum(name: str, transfer: Transfer):
    """A single sum is one non-negative integer without weights."""
    if isinstance(transfer.amount, bool) or not isinstance(transfer.amount, int | np.integer):
        raise JournalError(f"{name}: a sum is an integer of fen, not {transfer.amount!r}")
    if transfer.weight is not None:
        raise JournalError(f"{name}: weights need rows")
    if not 0 <= transfer.amount < LIMIT:
        raise JournalError(f"{name}: {transfer.amount} fen; an amount is 0 or more, turn the sides round instead")


def _check_column(name: str, transfer: Transfer):
    """A column is int64 fen and identities, int32 persons, one each a row, none negative."""
    columns = {"row": (transfer.row, np.int64), "amount": (transfer.amount, np.int64),
               "weight": (transfer.weight, np.int32)}
    for field, (column, kind) in columns.items():
        if column is None and field == "weight":
            continue
        if not isinstance(column, np.ndarray) or column.dtype != kind or column.shape != (len(transfer.row),):
            raise JournalError(f"{name}: {field} must be {np.dtype(kind)} [{len(transfer.row)}]")
    weight = np.ones(1, np.int32) if transfer.weight is None else transfer.weight
    if transfer.amount.min(initial=0) < 0 or weight.min(initial=0) < 0:
        raise JournalError(f"{name}: a negative amount; turn the sides round for those rows instead")
    if float(transfer.amount.max(initial=0)) * float(weight.max(initial=0)) * len(transfer.row) >= LIMIT:
        raise JournalError(f"{name}: the sum may not fit into 64 bits")


def columns(record: type, rows: list) -> dict[str, np.ndarray]:
    """Records as columns: int64 for numbers, objects for text."""
    kind = {int: np.int64, str: object}
    return {field: np.array([getattr(row, field) for row in rows], dtype=kind[record.__annotations__[field]])
            for field in record._fields}
