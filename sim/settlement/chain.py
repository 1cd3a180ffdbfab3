"""One main chain, many side chains: what each institution keeps of the journal, anchored month by month.

Nothing here moves money. Every entry of the journal stands in a side chain: of the province whose parties it bills (row
by row, where it bills parties of several), of the green registry, the insurance funds, the retail platform, carbon, the
delivery platform, or of the grid company. What is hashed is text or bytes that anybody can rebuild:

- a record's leaf is SHA-256(0x00 || "side|number|entry's hash|rows|fen|leg"); number: of the record in its side, from
  0; leg: root over the leaves of its rows, as in the journal; of a whole entry the entry's own leg.
- a side's block of a month is SHA-256("side|month|first|records|root|previous"): number of its first record, how many,
  the Merkle root over their leaves, the side's block before it.
- a main block is SHA-256("number|month|journal|head|parties|sides|previous"): root and head of the journal's month, the
  leaf of who belongs to which province, the Merkle root over the side blocks' hashes, sides in alphabetical order.
- the first main block's predecessor is the SHA-256 of the scenario and seed: a month of another run fits nowhere.

So the hash of the last main block, the *main head*, vouches for every row of a run.
Source: one main chain that anchors the roots of side chains is the design of the exchange's consortium chain [seed];
[RFC6962] for the tree.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.calendar import Month
from sim.settlement.accounts import ACCOUNTS, GIG, HOUSEHOLDS, INSURANCE
from sim.settlement.journal import GENESIS, Block, Entry, Journal, columns, leaf, leaves_of, merkle
from sim.settlement.owing import ACCOUNT_OF

if TYPE_CHECKING:
    from sim.facts import Facts

# whose rows belong to provinces, and what kind of party a row is
SPLIT = dict.fromkeys(ACCOUNT_OF.values(), "unit") | {"users": "user", "corridor_owners": "link"}
BILLS = {"green": "green", "certificate": "green", "pension": "insurance", "injury": "insurance", "retail": "retail",
         "carbon": "carbon"}  # side by beginning of a bill
SECTORS = {INSURANCE: "insurance", GIG: "delivery", HOUSEHOLDS: "delivery"}  # side by sector of an end
GRID, MARKET = "grid", "market/"
RUNS_ON = ("world", "period", "scale", "law", "markets", "instruments", "strategies", "files")  # of a scenario
Parties = Mapping[str, np.ndarray]  # province of each row, object [row], by kind of party


class Record(NamedTuple):
    """What a side chain holds of an entry. number: in the side.  entry: number in the journal.  rows: of its part of
    the posting, 0 for a single sum.  total: fen.  leg: hex."""

    side: str
    number: int
    month: str
    entry: int
    rows: int
    total: int
    leg: str


class SideBlock(NamedTuple):
    """A month of a side chain. first: number of its first record.  root, previous, hash: hex."""

    side: str
    month: str
    first: int
    records: int
    root: str
    previous: str
    hash: str


class MainBlock(NamedTuple):
    """A month of the main chain. journal, head: the journal's root and head of the month.  parties: leaf of who belongs
    where.  sides: root over the side blocks.  All hex."""

    number: int
    month: str
    journal: str
    head: str
    parties: str
    sides: str
    previous: str
    hash: str


def side_of(entry: Entry) -> str | None:
    """The side chain of an entry; None where its rows belong to provinces."""
    for beginning, side in BILLS.items():
        if entry.bill.startswith(beginning):
            return side
    if "certificate_exchange" in (entry.payer, entry.payee):
        return "green"
    if {entry.payer, entry.payee} & SPLIT.keys() and entry.rows:
        return None
    sectors = [SECTORS.get(ACCOUNTS[end].sector) for end in (entry.payer, entry.payee) if end in ACCOUNTS]
    return next((side for side in ("insurance", "delivery") if side in sectors), GRID)


def split(entry: Entry, row: np.ndarray, fen: np.ndarray, weight: np.ndarray | None,
          parties: Parties) -> dict[str, tuple[int, int, list[bytes]]]:
    """An entry's rows by province: of each its rows, fen and leaves, by the name of its side chain.

    row, fen, weight: the posting's columns [row].  Raises: KeyError or IndexError for a row that no province has.
    """
    kind = next(SPLIT[end] for end in (entry.payer, entry.payee) if end in SPLIT)
    province = parties[kind][row]
    found = {}
    for name in sorted(set(province)):
        mine = province == name
        weights = None if weight is None else weight[mine]
        total = int(fen[mine].sum() if weights is None else (fen[mine] * weights).sum())
        found[MARKET + name] = int(mine.sum()), total, leaves_of(row[mine], fen[mine], weights)
    return found


def record_leaf(record: Record, entry_hash: str) -> bytes:
    """The leaf of a record in its side's block."""
    return leaf(f"{record.side}|{record.number}|{entry_hash}|{record.rows}|{record.total}|{record.leg}".encode())


def side_hash(block: SideBlock) -> str:
    """The hash of a side's block, from its other fields, in hex."""
    return _sha("|".join(map(str, block[:-1])))


def main_hash(block: MainBlock) -> str:
    """The hash of a main block, from its other fields, in hex."""
    return _sha("|".join(map(str, block[:-1])))


def sides_root(blocks: list[SideBlock]) -> str:
    """Merkle root over a month's side blocks, in hex."""
    return merkle([leaf(bytes.fromhex(block.hash)) for block in sorted(blocks)]).hex()


def parties_leaf(parties: Parties) -> str:
    """The hash of who belongs to which province, in hex: lines "kind|row|province", by kind and row."""
    lines = [f"{kind}|{row}|{province}" for kind in sorted(parties) for row, province in enumerate(parties[kind])]
    return leaf("\n".join(lines).encode()).hex()


def genesis(scenario: Mapping, seed: int) -> str:
    """What the first main block follows: the hash of what a resolved scenario runs on, and the seed, in hex. What it
    keeps of its results and how it is called is no part of it."""
    text = json.dumps([{key: scenario.get(key) for key in RUNS_ON}, seed], sort_keys=True, default=str)
    return _sha(text)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Chain:
    """The main chain and its side chains, grown by a block a month from what the journal posted.

    start: what the first main block follows.  records: of the last closed month.  blocks, sides: all main blocks, and
    the side blocks of the last closed month.
    """

    def __init__(self, start: str = GENESIS):
        self.start = start
        self.blocks: list[MainBlock] = []
        self.records: list[Record] = []
        self.sides: list[SideBlock] = []
        self.parties: Parties = {}
        self._next: dict[str, int] = {}
        self._tips: dict[str, str] = {}

    @property
    def head(self) -> str:
        """The main head, in hex."""
        return self.blocks[-1].hash if self.blocks else self.start

    def close(self, month: Month, journal: Journal, parties: Parties):
        """Anchor the month that the journal posted last. Raises: ValueError for another month."""
        if not journal.blocks or journal.blocks[-1].month != str(month):
            raise ValueError(f"the journal has not just posted {month}")
        self.parties, self.records, leaves = parties, [], {}
        for entry, posted in journal.last:
            side, transfer = side_of(entry), posted.transfer
            parts = {side: (entry.rows, entry.total, None)} if side is not None else split(
                entry, transfer.row, transfer.amount, transfer.weight, parties)
            for name, (rows, total, blocks) in parts.items():
                leg = entry.leg if blocks is None else merkle(blocks).hex()
                record = Record(name, self._next.get(name, 0), str(month), entry.number, rows, total, leg)
                self._next[name] = record.number + 1
                self.records.append(record)
                leaves.setdefault(name, []).append(record_leaf(record, entry.hash))
        self.sides = [self._side(name, str(month), leaves[name]) for name in sorted(leaves)]
        self.blocks.append(main_block(len(self.blocks), journal.blocks[-1], parties, self.sides, self.head))

    def _side(self, name: str, month: str, leaves: list[bytes]) -> SideBlock:
        """The month's block of a side."""
        block = SideBlock(name, month, self._next[name] - len(leaves), len(leaves), merkle(leaves).hex(),
                          self._tips.get(name, GENESIS), "")
        block = block._replace(hash=side_hash(block))
        self._tips[name] = block.hash
        return block

    def tables(self) -> dict[str, dict[str, np.ndarray]]:
        """The last closed month as tables of columns: records, side_blocks, main, and parties (who belongs where)."""
        if not self.blocks:
            raise ValueError("no month is closed yet")
        month = self.blocks[-1].month
        kinds = sorted(self.parties)
        sizes = [len(self.parties[kind]) for kind in kinds]
        parties = {"month": np.full(sum(sizes), month, object), "kind": np.repeat(np.array(kinds, object), sizes),
                   "row": np.concatenate([np.empty(0, np.int64), *(np.arange(n, dtype=np.int64) for n in sizes)]),
                   "province": np.concatenate([np.empty(0, object), *(self.parties[kind] for kind in kinds)])}
        return {"records": columns(Record, self.records), "side_blocks": columns(SideBlock, self.sides),
                "main": columns(MainBlock, self.blocks[-1:]), "parties": parties}


def main_block(number: int, posted: Block, parties: Parties, sides: list[SideBlock], previous: str) -> MainBlock:
    """The main block of a month."""
    block = MainBlock(number, posted.month, posted.root, posted.head, parties_leaf(parties), sides_root(sides),
                      previous, "")
    return block._replace(hash=main_hash(block))


def provinces(facts: "Facts") -> Parties:
    """The province of each unit, user row and link (its receiving end): its zone, or the nearest that has load."""
    grid = facts.grid
    name = np.array(grid.zone, object)[grid.home_zone]
    return {"unit": name[grid.bus_zone[grid.units.bus]], "user": name[grid.bus_zone[facts.user_bus]],
            "link": name[grid.bus_zone[grid.link_to]]}
