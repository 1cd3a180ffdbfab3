"""The audit of a small run: it passes as written, and names what was changed afterwards, by accident or by skill."""

from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from experiments.audit import audit
from experiments.seal import read_certificate, seal, seal_of
from experiments.store import Folder
from sim.calendar import Month
from sim.messages import Transfer
from sim.settlement.journal import BLOCK, Entry, Journal, entry_hash, leaves_of, merkle, month_root, single_leaf

MONTHS = (Month(2025, 1), Month(2025, 2))
RIDERS = 2 * BLOCK + 100  # three blocks


def transfers():
    """A month of a plant at bus a, users at bus b and a lossy corridor between them; and of riders' pay."""
    one = np.zeros(1, np.int64)
    identity, fen = np.arange(RIDERS), 100_000 + np.arange(RIDERS)
    return [  # 24 x 10 MW x 100 to the plant, 24 x 9 MW x 120 from the users, 1,920 yuan of rent
        Transfer("spot energy", "grid_company", "plants", np.array([2_400_000]), one),
        Transfer("spot energy", "users", "grid_company", np.array([2_592_000]), one),
        Transfer("congestion rent", "grid_company", "rent", 192_000),
        Transfer("pay of orders", "platform", "riders", fen, identity, np.full(RIDERS, 2, np.int32))]


def hourly(month):
    """The first day's hours of two buses and their corridor."""
    time = np.datetime64(month.first, "s") + np.arange(24) * np.timedelta64(3600, "s")
    text = {name: np.full(24, name, object) for name in "ab"}
    flat = {name: np.repeat(np.array(values, np.float32), 24) for name, values in
            {"price": (100, 120), "load": (0, 9), "output": (10, 0), "shed": (0, 0), "disposed": (0, 0),
             "ahead_price": (0, 0), "ahead_output": (0, 0), "settled": (1, 1)}.items()}
    return {"hourly/bus": {"time": np.tile(time, 2), "bus": np.concatenate([text["a"], text["b"]]), **flat},
            "hourly/corridor": {"time": time, "corridor": text["a"], "start": text["a"], "end": text["b"],
                                "sent": np.full(24, 10, np.float32), "delivered": np.full(24, 9, np.float32)}}


def write(path, keep="full", energy=True):
    """A sealed run of two months."""
    journal = Journal(keep)
    with Folder(path) as folder:
        for month in MONTHS:
            journal.post(month, transfers())
            tables = {f"journal/{name}": table for name, table in journal.tables(month).items()}
            tables["populations/riders"] = {"riders": np.arange(RIDERS, dtype=float)}  # nothing of it is recomputed
            for kind, table in (tables | (hourly(month) if energy else {})).items():
                folder.write(kind, month, table)
        (folder.work / "figures").mkdir()
        (folder.work / "figures" / "price.png").write_bytes(bytes(range(256)))
        folder.finish({"title": "a small run"}, journal.head)
    return Path(path)


@pytest.fixture
def run(tmp_path):
    """A sealed run that keeps everything."""
    return write(tmp_path / "run")


def found(run) -> list[str]:
    """The audit's faults as text; it must find some."""
    faults = audit(run).faults
    assert faults
    return [str(fault) for fault in faults]


def rewrite(run, kind, change):
    """Change a table as a skilled hand would: read it, change its columns, write it well formed."""
    path = run / f"{kind}.parquet"
    table = parquet.read_table(path)
    columns = {name: table[name].to_numpy(zero_copy_only=False).copy() for name in table.column_names}
    columns = change(columns) or columns
    parquet.write_table(pyarrow.table({name: pyarrow.array(columns[name], table.schema.field(name).type)
                                       for name in table.column_names}), path)


def reseal(run, head=None):
    """Seal a changed run again, as a skilled hand would."""
    certificate = read_certificate(run)
    (run / "run.yaml").write_bytes(certificate.body)
    (run / "manifest.txt").unlink()
    seal(run, head or certificate.head)


def entries(run):
    return [Entry(**row) for row in parquet.read_table(run / "journal/entries.parquet").to_pylist()]


def store(run, some):
    """Write entries back."""
    columns = {name: [getattr(entry, name) for entry in some] for name in Entry._fields}
    rewrite(run, "journal/entries", lambda _: columns)


def chained(some):
    """Entries numbered and hashed anew, each with its predecessor."""
    made = []
    for number, entry in enumerate(some):
        entry = entry._replace(number=number, previous=made[-1].hash if made else "0" * 64)
        made.append(entry._replace(hash=entry_hash(*entry[:-1])))
    return made


def forge(run, some):
    """A whole journal made anew around changed entries: chain, blocks, head, manifest and seal."""
    some = chained(some)
    store(run, some)

    def blocks(columns):
        for i, month in enumerate(columns["month"]):
            mine = [entry for entry in some if entry.month == month]
            columns["first"][i], columns["entries"][i], columns["head"][i] = mine[0].number, len(mine), mine[-1].hash
            columns["root"][i] = month_root(entry.hash for entry in mine)
    rewrite(run, "journal/blocks", blocks)
    reseal(run, some[-1].hash)


def test_a_run_as_written_passes(run):
    report = audit(run)
    assert report.good
    assert report.faults == []
    assert report.unseen == ["the main chain (the run has none)"]
    assert report.seen == [
        "8 entries, each chained to its predecessor", "the grid company's account, closed at 0 in every month",
        "2 months' blocks with their roots",
        f"{2 * (RIDERS + 2):,} rows of mass postings, under leaves of 1,024",
        "96 hourly balances of buses, the worst off by 0.0000 MW", "units' pay, month by month, as price times energy",
        "9 files as the manifest lists them, head and seal"]


def test_what_was_not_kept_is_said_to_be_unseen(tmp_path):
    report = audit(write(tmp_path / "run", keep="roots", energy=False))
    assert report.good
    assert report.unseen == ["the rows of mass postings (record.journal: roots)", "the main chain (the run has none)",
                             "hourly energy (record.hourly: false)"]


def files(run):
    return sorted(path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file())


def test_any_changed_byte_of_any_file_is_found_and_its_file_named(run):
    names = files(run)
    assert len(names) == 10
    for name in names:
        content = (run / name).read_bytes()
        for at in sorted({int(share * (len(content) - 1)) for share in np.linspace(0, 1, 60)}):
            changed = bytearray(content)
            changed[at] ^= 0x10
            (run / name).write_bytes(changed)
            places = " ".join(found(run))
            assert name in places, (name, at)
        (run / name).write_bytes(content)
    assert audit(run).good


@pytest.mark.parametrize("kind", ["journal/rows", "journal/leaves", "journal/entries", "journal/blocks", "hourly/bus",
                                  "populations/riders"])
def test_bytes_that_cannot_be_read_are_named_by_file_and_row_group(run, kind):
    path = run / f"{kind}.parquet"
    february = parquet.ParquetFile(path).metadata.row_group(1).column(0)
    content = bytearray(path.read_bytes())
    start = february.dictionary_page_offset or february.data_page_offset
    content[start + february.total_compressed_size - 1] ^= 0xFF
    path.write_bytes(content)
    assert found(run)[0].startswith(f"{kind}.parquet, row group 1: cannot be read")


def test_a_broken_footer_is_named(run):
    path = run / "journal/rows.parquet"
    path.write_bytes(path.read_bytes()[:-10])
    assert found(run)[0].startswith("journal/rows.parquet: its footer cannot be read")


PAY = "journal/entries.parquet, entry 1 (2025-01, pay of orders, platform to riders)"


def one_fen_more(columns):
    """January's pay of the rider with identity 1100, in the second block, after the entries of bills before it."""
    at = np.flatnonzero((columns["entry"] == 1) & (columns["row"] == 1100))
    columns["fen"][at] += 1


def test_a_changed_amount_is_named_by_entry_and_block(run):
    rewrite(run, "journal/rows", one_fen_more)
    reseal(run)
    assert found(run) == [f"{PAY}, block 1: rows 1024 to 2047 are not those that were hashed"]
    assert not any("rows of mass postings" in line for line in audit(run).seen)  # what is bad is not called seen


def test_fen_and_persons_cannot_be_traded_against_each_other(run):
    def change(columns):
        at = np.flatnonzero((columns["entry"] == 1) & (columns["row"] == 100))
        columns["fen"][at] *= 2
        columns["weight"][at] //= 2
    rewrite(run, "journal/rows", change)
    reseal(run)
    assert found(run) == [f"{PAY}, block 0: rows 0 to 1023 are not those that were hashed"]


def test_a_changed_amount_with_its_leaf_hashed_anew(run):
    rewrite(run, "journal/rows", one_fen_more)
    rewrite(run, "journal/leaves", lambda columns: hash_leaves(run, columns))
    reseal(run)
    assert found(run) == [f"{PAY}: its leg is not the root over its blocks"]


def leaves_now(run, number):
    rows = parquet.read_table(run / "journal/rows.parquet").to_pydict()
    mine = np.array(rows["entry"]) == number
    return leaves_of(*(np.array(rows[name])[mine] for name in ("row", "fen", "weight")))


def hash_leaves(run, columns):
    columns["leaf"][columns["entry"] == 1] = [leaf.hex() for leaf in leaves_now(run, 1)]


def test_a_changed_amount_with_its_leg_hashed_anew(run):
    rewrite(run, "journal/rows", one_fen_more)
    rewrite(run, "journal/leaves", lambda columns: hash_leaves(run, columns))
    some = entries(run)
    some[1] = some[1]._replace(leg=merkle(leaves_now(run, 1)).hex(), total=some[1].total + 2)
    store(run, some)
    reseal(run)
    assert found(run)[0] == f"{PAY}: its fields are not those that were hashed"


def test_a_changed_amount_with_its_entry_hashed_anew(run):
    some = entries(run)
    some[0] = some[0]._replace(total=some[0].total + 2)
    some[0] = some[0]._replace(hash=entry_hash(*some[0][:-1]))
    store(run, some)
    reseal(run)
    assert any("entry 0" in fault and "its leg is not the hash of its sum" in fault for fault in found(run))
    some[0] = some[0]._replace(leg=single_leaf(*some[0][2:6]).hex())
    some[0] = some[0]._replace(hash=entry_hash(*some[0][:-1]))
    store(run, some)
    reseal(run)
    assert found(run)[0] == f"{PAY}: does not follow what stands before it; expected entry 1"


@pytest.mark.parametrize("field", ["hash", "previous", "leg", "month", "bill"])
def test_text_that_is_no_hash_and_no_month_is_a_fault_like_any_other(run, field):
    some = entries(run)
    some[1] = some[1]._replace(**{field: "nonsense"})
    store(run, some)
    reseal(run)
    assert "entry 1" in found(run)[0]
    assert "its fields are not those that were hashed" in found(run)[0]


def test_a_journal_forged_from_end_to_end_still_has_to_add_up(run):
    some = entries(run)
    some[1] = some[1]._replace(total=some[1].total + 2)
    forge(run, some)
    total = 2 * (100_000 * RIDERS + RIDERS * (RIDERS - 1) // 2)
    assert found(run) == [f"{PAY}: {RIDERS:,} rows and {total + 2} fen; its rows are {RIDERS:,} and sum to {total}"]


def test_a_forged_energy_bill_does_not_close(run):
    some = entries(run)
    some.append(some[7]._replace(number=8))
    forge(run, some)
    assert "journal/entries.parquet, 2025-02: the grid company's account closes at 2592000 fen" in found(run)


def test_a_dropped_entry_is_missed_where_it_stood(run):
    some = entries(run)
    store(run, some[:2] + some[3:])
    reseal(run)
    assert "entry 3 (2025-01, spot energy, users to grid_company): does not follow what stands before" in found(run)[0]


def test_a_dropped_last_entry_is_missed_by_head_and_block(run):
    store(run, entries(run)[:-1])
    reseal(run)
    assert any("journal/blocks.parquet, block 2025-02" in fault for fault in found(run))
    assert "run.yaml: head is not the tip of the chain of entries" in found(run)


def test_an_inserted_entry_is_named(run):
    some = entries(run)
    store(run, [*some[:4], some[2], *some[4:]])
    reseal(run)
    assert "entry 2 (2025-01, spot energy, grid_company to plants): does not follow what stands before it; expected " \
           "entry 4" in found(run)[0]


def test_reordered_entries_are_named(run):
    some = entries(run)
    store(run, [some[0], some[2], some[1], *some[3:]])
    reseal(run)
    assert "entry 2 (2025-01, spot energy, grid_company to plants): does not follow what stands before it; expected " \
           "entry 1" in found(run)[0]


def test_dropped_rows_are_missed(run):
    def drop(last):
        rewrite(run, "journal/rows", lambda columns: {name: column[:-last] for name, column in columns.items()})
        reseal(run)
    drop(1)
    assert found(run)[0].endswith("entry 7 (2025-02, spot energy, users to grid_company): its 1 rows are missing")
    drop(2)  # the plant's row, and the last of the riders'
    assert "entry 5 (2025-02, pay of orders, platform to riders), block 2: rows 2048 to 2147" in found(run)[0]


def test_rows_of_an_entry_that_has_none(run):
    def change(columns):
        columns["entry"][0] = 0  # of congestion rent, which is a single sum
    rewrite(run, "journal/rows", change)
    reseal(run)
    assert found(run) == ["journal/rows.parquet, entry 0: its rows stand where others belong"]


def test_power_from_nowhere_is_named_by_bus_and_hour(run):
    def change(columns):
        columns["load"][24 + 7] += 0.06  # bus b, 07:00 of 1 January
    rewrite(run, "hourly/bus", change)
    reseal(run)
    assert found(run) == ["hourly/bus.parquet, bus b, 2025-01-01T07:00: -0.060 MW unaccounted for"]


def test_rounding_to_32_bits_is_no_fault(run):
    def change(columns):
        columns["load"][24 + 7] += 0.04
    rewrite(run, "hourly/bus", change)
    reseal(run)
    assert audit(run).good


def test_an_hour_that_is_missing(run):
    rewrite(run, "hourly/bus", lambda columns: {name: column[1:] for name, column in columns.items()})
    reseal(run)
    assert "hourly: the tables of buses and corridors do not cover the same buses and hours" in found(run)


def test_units_that_were_not_paid_for_their_energy(run):
    def change(columns):
        columns["price"][:] *= np.float32(1.5)  # 36,000 yuan a month instead of 24,000
    rewrite(run, "hourly/bus", change)
    reseal(run)
    assert found(run) == [
        "journal/entries.parquet, 2025-01: units were paid 24,000.00 CNY for energy worth 36,000.00"]


def test_a_missing_an_added_and_an_exchanged_file_are_named(run):
    (run / "figures" / "price.png").rename(run / "figures" / "prices.png")
    (run / "notes.txt").write_text("hello")
    assert sorted(found(run)) == [
        "figures/price.png: is listed in the manifest but missing", "figures/prices.png: is not listed in the manifest",
        "notes.txt: is not listed in the manifest"]


def test_a_journal_without_rows_is_not_excused_by_taking_them_away(run):
    (run / "journal/rows.parquet").unlink()
    (run / "journal/leaves.parquet").unlink()
    assert "journal/rows.parquet: is listed in the manifest but missing" in found(run)


def test_a_folder_without_certificate_or_manifest(run):
    (run / "manifest.txt").unlink()
    assert any(fault.startswith("manifest.txt: ") for fault in found(run))
    (run / "run.yaml").unlink()
    assert any(fault.startswith("run.yaml: ") for fault in found(run))


def test_a_manifest_in_another_order_is_another_manifest(run):
    lines = (run / "manifest.txt").read_text().splitlines(keepends=True)
    (run / "manifest.txt").write_text("".join(reversed(lines)))
    assert found(run) == ["manifest.txt: is not the one that was sealed; all other files are"]
    certificate = read_certificate(run)
    forged = seal_of(certificate.head, (run / "manifest.txt").read_bytes())
    (run / "run.yaml").write_bytes(certificate.body + f"head: {certificate.head}\nseal: {forged}\n".encode())
    assert found(run) == ["manifest.txt: is not the sorted list of the folder's files"]
