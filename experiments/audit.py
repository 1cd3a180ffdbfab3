"""The audit of a finished run: everything that can be recomputed from its folder is, and the first bad record is named.

Journal: leaves from rows, legs from leaves, entries' hashes from their fields, the chain, the months' roots, the head;
records of the side chains from entries, side blocks from records, main blocks from side blocks, the main head.
Energy: at every bus and hour of the hourly tables what is put in and arrives is what is used and leaves. Money: each
entry's fen are its rows', the grid company closes every month at zero, what units were paid is price times energy.
Files: the digest of each, the manifest, the seal.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np
import yaml

from experiments.reading import Fault, Unreadable, first_line, groups, records, table
from experiments.seal import MANIFEST, SealError, digests, manifest_of, read_certificate, seal_of
from sim.settlement.bills import ACCOUNT_OF
from sim.settlement.chain import side_of
from sim.settlement.journal import BLOCK, GENESIS, Block, Entry, entry_hash, leaves_of, merkle, month_root, single_leaf

SPOT_BILLS = ("spot energy", "day-ahead energy", "real-time deviation")
ENERGY = 0.05  # MW at a bus and hour: what the hourly tables' 32 bits may lose of a balance that held to 1e-6
CENT = 0.01  # CNY/MWh: bills round prices to half of it, the tables keep them unrounded
FLOAT32 = 1e-6  # share of a sum of money that the tables' 32 bits may lose
# columns that are read, with numpy's kind of their type
BUS = {"time": "M", "bus": "O", "price": "f", "load": "f", "output": "f", "shed": "f", "disposed": "f",
       "ahead_price": "f", "ahead_output": "f", "settled": "f"}
CORRIDOR = {"time": "M", "start": "O", "end": "O", "sent": "f", "delivered": "f"}
ROWS = {"entry": "i", "row": "i", "fen": "i", "weight": "i"}
LEAVES = {"entry": "i", "leaf": "O"}


@dataclass
class Report:
    """What an audit found. faults: none when all is well, the most telling first.  seen: what was recomputed, a line
    each.  unseen: what the run did not keep, so that nobody can check it."""

    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def add(self, faults: list[Fault], seen: str):
        """Take down what a recomputation found; where it found nothing wrong, that it was done."""
        self.faults += faults
        if not faults:
            self.seen.append(seen)


def audit(folder: Path) -> Report:
    """Audit a run's folder. Never raises for what a folder may hold: every surprise is a fault of the report."""
    report = Report()
    entries = _audit_journal(folder, report)
    _audit_energy(folder, entries, report)
    _audit_files(folder, entries, report)
    return report


# --------------------------------------------------------------------------------------------------------- journal


def _audit_journal(folder: Path, report: Report) -> list[Entry]:
    """Recompute the journal; the entries as they stand in the file, none where they cannot be read."""
    try:
        entries = records(folder, "journal/entries", Entry)
    except Unreadable as error:
        report.faults.append(error.fault)
        return []
    broken = _chain(entries)
    report.add(broken, f"{len(entries):,} entries, each chained to its predecessor")
    report.add(_months_close(entries), "the grid company's account, closed at 0 in every month")
    try:
        blocks = records(folder, "journal/blocks", Block)
        if not broken:  # hashes that are none have no root
            report.add(_blocks(entries, blocks), f"{len(blocks)} months' blocks with their roots")
        if (folder / "journal/rows.parquet").exists() or (folder / "journal/leaves.parquet").exists():
            kept = {}
            rows, faults = _legs(folder, entries, kept)
            report.add(faults, f"{rows:,} rows of mass postings, under leaves of {BLOCK:,}")
        else:
            kept, faults = None, []
            report.unseen.append("the rows of mass postings (record.journal: roots)")
        if not (broken or faults):
            _audit_chain(folder, entries, blocks, kept, report)
    except Unreadable as error:
        report.faults.append(error.fault)
    return entries


def _audit_chain(folder: Path, entries: list[Entry], blocks: list[Block], kept: dict | None, report: Report):
    """Rebuild the side chains and the main chain; where a run has none, say so. Raises: Unreadable."""
    from experiments.audit_chain import audit_chain

    try:
        certificate = yaml.safe_load((folder / "run.yaml").read_bytes())
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return  # what is wrong with it is found with the files
    certificate = certificate if isinstance(certificate, dict) else {}
    if not (folder / "journal/main.parquet").exists() and "main" not in certificate:
        report.unseen.append("the main chain (the run has none)")
        return
    faults, seen = audit_chain(folder, entries, blocks, kept, certificate)
    report.add(faults, seen)


def _name(entry: Entry) -> str:
    """Where an entry stands, for people."""
    what = f"{entry.month}, {entry.bill}, {entry.payer} to {entry.payee}"
    return f"journal/entries.parquet, entry {entry.number} ({what})"


def _chain(entries: list[Entry]) -> list[Fault]:
    """The first entry that is not what its hash says or does not follow its predecessor."""
    previous = GENESIS
    for position, entry in enumerate(entries):
        if entry_hash(*entry[:-1]) != entry.hash:
            return [Fault(_name(entry), "its fields are not those that were hashed")]
        if entry.number != position or entry.previous != previous:
            return [Fault(_name(entry), f"does not follow what stands before it; expected entry {position}")]
        if entry.rows == 0 and entry.leg != single_leaf(*entry[2:6]).hex() and entry.leg != merkle([]).hex():
            return [Fault(_name(entry), "its leg is not the hash of its sum")]
        previous = entry.hash
    return []


def _months_close(entries: list[Entry]) -> list[Fault]:
    """The first month in which the grid company keeps something, or an amount is negative."""
    for month, some in groupby(entries, key=lambda entry: entry.month):
        left = 0
        for entry in some:
            if entry.total < 0:
                return [Fault(_name(entry), f"moves {entry.total} fen; an amount is 0 or more")]
            left += entry.total * ((entry.payee == "grid_company") - (entry.payer == "grid_company"))
        if left:
            return [Fault(f"journal/entries.parquet, {month}", f"the grid company's account closes at {left} fen")]
    return []


def _blocks(entries: list[Entry], blocks: list[Block]) -> list[Fault]:
    """The first month's block that its entries do not make."""
    first = 0
    for block in blocks:
        some = [entry for entry in entries if entry.month == block.month]
        tip = some[-1].hash if some else entries[first - 1].hash if first else GENESIS
        made = Block(block.month, first, len(some), month_root(entry.hash for entry in some), tip)
        if made != block:
            return [Fault(f"journal/blocks.parquet, block {block.month}", "is not the one that its entries make")]
        first += len(some)
    missing = sorted({entry.month for entry in entries} - {block.month for block in blocks})
    return [Fault("journal/blocks.parquet", f"no block for {missing[0]}")] if missing else []


def _legs(folder: Path, entries: list[Entry], kept: dict) -> tuple[int, list[Fault]]:
    """Rows seen, and the first entry, with its block of 1,024 rows, whose rows are not those that were hashed.

    kept: filled with the columns of entries whose rows belong to provinces, by number.
    """
    leaves = table(folder, "journal/leaves", LEAVES)
    starts = np.searchsorted(leaves["entry"], np.arange(len(entries) + 1))
    mass = [entry for entry in entries if entry.rows]
    seen = 0
    for number, column in _postings(folder):
        seen += len(column["row"])
        if not mass or mass[0].number != number:
            return seen, [Fault(f"journal/rows.parquet, entry {number}", "its rows stand where others belong")]
        entry = mass.pop(0)
        stored = list(leaves["leaf"][starts[number]:starts[number + 1]])
        if fault := _leg(entry, column, stored):
            return seen, [fault]
        if side_of(entry) is None:
            kept[number] = column
    return seen, [Fault(_name(mass[0]), f"its {mass[0].rows:,} rows are missing")] if mass else []


def _postings(folder: Path) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """The rows of each mass posting, by number of its entry, in the order of the file. Raises: Unreadable."""
    number, parts = None, []
    for group in groups(folder, "journal/rows", ROWS):
        cuts = np.flatnonzero(np.diff(group["entry"])) + 1
        for part in (slice(a, b) for a, b in zip([0, *cuts], [*cuts, len(group["entry"])]) if b > a):
            if number is not None and group["entry"][part.start] != number:
                yield number, _joined(parts)
                parts = []
            number = int(group["entry"][part.start])
            parts.append({name: column[part] for name, column in group.items()})
    if parts:
        yield number, _joined(parts)


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Parts of a posting as one."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _leg(entry: Entry, column: dict[str, np.ndarray], stored: list[str]) -> Fault | None:
    """What is wrong with the rows of an entry, if anything."""
    made = leaves_of(column["row"], column["fen"], column["weight"])
    for block in range(max(len(made), len(stored))):
        if block >= len(made) or block >= len(stored) or made[block].hex() != stored[block]:
            first, last = block * BLOCK, min((block + 1) * BLOCK, entry.rows) - 1
            return Fault(f"{_name(entry)}, block {block}", f"rows {first} to {last} are not those that were hashed")
    if merkle(made).hex() != entry.leg:
        return Fault(_name(entry), "its leg is not the root over its blocks")
    total = int((column["fen"] * column["weight"]).sum())
    if len(column["row"]) != entry.rows or total != entry.total:
        return Fault(_name(entry), f"{entry.rows:,} rows and {entry.total} fen; its rows are {len(column['row']):,} "
                                   f"and sum to {total}")
    return None


# ---------------------------------------------------------------------------------------------------------- energy


def _audit_energy(folder: Path, entries: list[Entry], report: Report):
    """Balance every bus and hour, and what units were paid against price times energy."""
    if not (folder / "hourly").is_dir():
        report.unseen.append("hourly energy (record.hourly: false)")
        return
    try:
        bus = table(folder, "hourly/bus", BUS)
        corridor = table(folder, "hourly/corridor", CORRIDOR)
    except Unreadable as error:
        report.faults.append(error.fault)
        return
    faults, worst = _balance(bus, corridor)
    report.add(faults, f"{len(bus['time']):,} hourly balances of buses, the worst off by {worst:.4f} MW")
    report.add(_paid(bus, entries), "units' pay, month by month, as price times energy")


def _balance(bus: dict[str, np.ndarray], corridor: dict[str, np.ndarray]) -> tuple[list[Fault], float]:
    """The bus and hour whose balance is worst, where that is a fault; and by how much it is off, MW."""
    names, at = np.unique(bus["bus"].astype(str), return_inverse=True)
    times, when = np.unique(bus["time"], return_inverse=True)
    once = np.bincount(at * len(times) + when, minlength=len(names) * len(times))
    known = np.isin(corridor["start"], names) & np.isin(corridor["end"], names) & np.isin(corridor["time"], times)
    if (once != 1).any() or not known.all():
        return [Fault("hourly", "the tables of buses and corridors do not cover the same buses and hours")], np.inf
    gap = np.zeros((len(names), len(times)))
    put = bus["output"].astype(float) + bus["shed"] - bus["load"] - bus["disposed"]
    np.add.at(gap, (at, when), put)
    hour = np.searchsorted(times, corridor["time"])
    np.add.at(gap, (np.searchsorted(names, corridor["end"].astype(str)), hour), corridor["delivered"].astype(float))
    np.add.at(gap, (np.searchsorted(names, corridor["start"].astype(str)), hour), -corridor["sent"].astype(float))
    size = np.where(np.isnan(gap), np.inf, np.abs(gap))
    worst = np.unravel_index(int(np.argmax(size)), gap.shape)
    if size[worst] <= ENERGY:
        return [], float(size[worst])
    place = f"hourly/bus.parquet, bus {names[worst[0]]}, {times[worst[1]].astype('datetime64[m]')}"
    return [Fault(place, f"{gap[worst]:.3f} MW unaccounted for")], float(size[worst])


def _paid(bus: dict[str, np.ndarray], entries: list[Entry]) -> list[Fault]:
    """The first month in which units were not paid, where the spot settles, for what they sold a day ahead and gave
    beyond it, at the prices of their buses."""
    units = set(ACCOUNT_OF.values())
    months = bus["time"].astype("datetime64[M]").astype(str)
    ahead, real = bus["ahead_output"].astype(float), bus["output"].astype(float)
    worth = bus["settled"] * (bus["ahead_price"] * ahead + bus["price"] * (real - ahead))
    energy = np.abs(ahead) + np.abs(real - ahead)
    for month in np.unique(months):
        here = months == month
        paid = sum(e.total * ((e.payee in units) - (e.payer in units)) for e in entries
                   if e.month == month and e.bill in SPOT_BILLS)
        allowed = CENT * energy[here].sum() + FLOAT32 * np.abs(worth[here]).sum() + 1
        if not abs(paid / 100 - worth[here].sum()) <= allowed:
            return [Fault(f"journal/entries.parquet, {month}",
                          f"units were paid {paid / 100:,.2f} CNY for energy worth {worth[here].sum():,.2f}")]
    return []


# ----------------------------------------------------------------------------------------------------------- files


def _audit_files(folder: Path, entries: list[Entry], report: Report):
    """Compare every file with the manifest, the head with the chain, the seal with both."""
    try:
        certificate = read_certificate(folder)
    except (SealError, OSError) as error:
        report.faults.append(Fault("run.yaml", first_line(error)))
        return
    try:
        found, manifest = digests(folder, certificate.body), (folder / MANIFEST).read_bytes()
    except OSError as error:
        report.faults.append(Fault(Path(error.filename).name, f"cannot be read ({error.strerror})"))
        return
    faults = []
    if certificate.head != (entries[-1].hash if entries else GENESIS):
        faults.append(Fault("run.yaml", "head is not the tip of the chain of entries"))
    if manifest != manifest_of(found) and certificate.seal == seal_of(certificate.head, manifest_of(found)):
        faults.append(Fault(MANIFEST, "is not the one that was sealed; all other files are"))
    else:
        faults += _changed(folder, found, manifest)
        if certificate.seal != seal_of(certificate.head, manifest):
            faults.append(Fault("run.yaml", "seal is not that of the head and the manifest"))
    faults = [fault for fault in faults if fault not in report.faults]  # a row group may have been named before
    report.add(faults, f"{len(found)} files as the manifest lists them, head and seal")


def _changed(folder: Path, found: dict[str, str], manifest: bytes) -> list[Fault]:
    """Files that are not as the manifest lists them."""
    if manifest == manifest_of(found):
        return []
    lines = [line.split("  ", 1) for line in manifest.decode(errors="replace").splitlines()]
    listed = {line[1]: line[0] for line in lines if len(line) == 2}
    faults = [Fault(name, "is not listed in the manifest") for name in found if name not in listed]
    faults += [Fault(name, "is listed in the manifest but missing") for name in listed if name not in found]
    faults += [_damage(folder, name) for name in found if name in listed and listed[name] != found[name]]
    return faults or [Fault(MANIFEST, "is not the sorted list of the folder's files")]


def _damage(folder: Path, name: str) -> Fault:
    """What is wrong with a file whose bytes changed: of a table the first row group that cannot be read, if any."""
    if name.endswith(".parquet"):
        try:
            for _ in groups(folder, name.removesuffix(".parquet")):
                pass
        except Unreadable as error:
            return error.fault
    return Fault(name, "its bytes are not those that were sealed")
