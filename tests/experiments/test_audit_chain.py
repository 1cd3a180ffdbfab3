"""The audit of the chains: what a skilled hand changes is named at its record; and proofs that need a head alone.

Of a month of the small run: pay of orders (entry 0, side delivery), spot energy to plants of A and B (entry 1), from
users of B (entry 2), swap rent (entry 3, delivery); so five records in three sides.
"""

import json

import numpy as np
import pytest
from pyarrow import parquet

from experiments import verify
from experiments.audit import audit
from experiments.prove import Asked, climb, prove
from experiments.seal import read_certificate
from experiments.store import Folder
from sim.calendar import Month
from sim.config import BadInput
from sim.messages import Transfer
from sim.settlement.chain import Chain, genesis
from sim.settlement.journal import BLOCK, Journal, leaf, merkle
from tests.experiments.test_audit import found, reseal, rewrite

MONTHS = (Month(2025, 1), Month(2025, 2), Month(2025, 3))
RIDERS = 2 * BLOCK + 100
PARTIES = {"unit": np.array(["A", "B", "A"], object), "user": np.array(["B"], object), "link": np.array([], object)}
SCENARIO = {"title": "a small run", "law": {"spot.cap": 3}, "seed": 7}


def transfers(paid=5):
    identity = np.arange(RIDERS)
    return [Transfer("spot energy", "grid_company", "plants", np.array([paid, 7, 11]), np.arange(3)),
            Transfer("spot energy", "users", "grid_company", np.array([paid + 18]), np.zeros(1, np.int64)),
            Transfer("pay of orders", "platform", "riders", 100 + identity, identity, np.full(RIDERS, 2, np.int32)),
            Transfer("swap rent", "platform", "rent", 5)]


def write(path, paid=5, scenario=SCENARIO, keep="full"):
    journal, chain = Journal(keep), Chain(genesis(scenario, scenario["seed"]))
    with Folder(path) as folder:
        for month in MONTHS:
            journal.post(month, transfers(paid))
            chain.close(month, journal, PARTIES)
            for name, table in (journal.tables(month) | chain.tables()).items():
                folder.write(f"journal/{name}", month, table)
        folder.finish({"scenario": scenario, "main": chain.head}, journal.head)
    return path


@pytest.fixture
def run(tmp_path):
    return write(tmp_path / "run")


def head_of(run):
    return next(line.split()[1] for line in (run / "run.yaml").read_text().splitlines() if line.startswith("main:"))


@pytest.mark.parametrize("keep", ["full", "roots"])
def test_a_run_as_written_passes(tmp_path, keep):
    report = audit(write(tmp_path / "run", keep=keep))
    assert report.faults == []
    assert "15 records in 3 side chains, anchored in 3 main blocks" in report.seen


def change(run, kind, how):
    rewrite(run, f"journal/{kind}", how)
    reseal(run)
    return found(run)


def swap(columns, a, b):
    for column in columns.values():
        column[a], column[b] = column[b], column[a]


def test_a_changed_record_is_named(run):
    def more(columns):
        columns["total"][3] += 1
    assert change(run, "records", more) == [
        "journal/records.parquet, market/B, record 1 (entry 2): is not what entry 2 of the journal makes"]


@pytest.mark.parametrize("field", ["number", "rows", "leg", "side", "month"])
def test_any_changed_field_of_a_record_is_named_with_its_entry(run, field):
    def other(columns):
        columns[field][7] = columns[field][7] + 1 if field in ("number", "rows") else "nonsense"
    assert "journal/records.parquet" in change(run, "records", other)[0]
    entry = parquet.read_table(run / "journal/records.parquet").to_pylist()[7]["entry"]
    assert f"(entry {entry})" in found(run)[0]


def test_a_dropped_record_is_missed(run):
    faults = change(run, "records", lambda c: {name: np.delete(column, 2) for name, column in c.items()})
    assert faults == ["journal/records.parquet, market/B, record 0 (entry 1): is missing"]


def test_the_last_record_dropped_is_missed(run):
    faults = change(run, "records", lambda c: {name: column[:-1] for name, column in c.items()})
    assert faults == ["journal/records.parquet, delivery, record 5 (entry 11): is missing"]


def test_an_inserted_record_is_named(run):
    faults = change(run, "records", lambda c: {name: np.insert(column, 1, column[0]) for name, column in c.items()})
    assert faults == ["journal/records.parquet, delivery, record 0 (entry 0): is not what entry 0 of the journal makes"]


def test_reordered_records_are_named(run):
    """The second record first: entry 0 finds a record of entry 1 where its own should stand."""
    assert change(run, "records", lambda columns: swap(columns, 0, 1)) == [
        "journal/records.parquet, delivery, record 0 (entry 0): is missing"]


def test_a_row_moved_to_another_province_is_named(run):
    def move(columns):
        columns["province"][0] = "B"
    assert "market/A, record 0" in change(run, "parties", move)[0]


def test_a_party_added_to_a_province_without_any_posting_is_named_by_its_main_block(run):
    def add(columns):
        return {name: np.append(column, column[-1:] + 1 if name == "row" else column[-1:])
                for name, column in columns.items()}
    assert change(run, "parties", add) == ["journal/main.parquet, block 2025-03: does not hold who belongs where"]


@pytest.mark.parametrize("field", ["first", "records", "root", "previous", "hash"])
def test_a_changed_side_block_is_named(run, field):
    def other(columns):
        columns[field][5] = columns[field][5] + 1 if field in ("first", "records") else "0" * 63 + "1"
    assert change(run, "side_blocks", other) == [
        "journal/side_blocks.parquet, market/B, 2025-02: is not the one that its records make"]


@pytest.mark.parametrize("field", ["number", "journal", "head", "parties", "sides", "previous", "hash"])
def test_a_changed_main_block_is_named(run, field):
    def other(columns):
        columns[field][1] = 9 if field == "number" else "0" * 63 + "1"
    assert change(run, "main", other)[0].startswith("journal/main.parquet, block 2025-02: ")


@pytest.mark.parametrize(("how", "block"), [
    (lambda c: {n: v[:-1] for n, v in c.items()}, "2025-03: is missing"),
    (lambda c: {n: np.append(v, v[-1:]) for n, v in c.items()}, "2025-03: anchors no month of the journal"),
    (lambda c: swap(c, 1, 2), "2025-02: does not follow what stands before it")])
def test_main_blocks_dropped_added_or_reordered_are_named(run, how, block):
    assert change(run, "main", how) == [f"journal/main.parquet, block {block}"]


def test_a_month_of_another_run_does_not_follow(run, tmp_path):
    """February's records, blocks and rows of a run in which a plant was paid a fen more, put in place of our own."""
    other = write(tmp_path / "other", paid=6)
    february = {"entries": "month", "blocks": "month", "records": "month", "side_blocks": "month", "main": "month",
                "parties": "month"}
    for kind, field in february.items():
        theirs = parquet.read_table(other / f"journal/{kind}.parquet").to_pydict()

        def replay(columns, theirs=theirs, field=field):
            mine = columns[field] == "2025-02"
            for name, column in columns.items():
                column[mine] = np.array(theirs[name], column.dtype)[mine]
        rewrite(run, f"journal/{kind}", replay)
    reseal(run)
    assert "entry 4 (2025-02" in found(run)[0]
    assert "does not follow what stands before it" in found(run)[0]


def test_a_whole_journal_of_another_run_is_not_this_runs(run, tmp_path):
    """The other run is sound in itself, head and all; its first main block follows another scenario."""
    other = write(tmp_path / "other", scenario=SCENARIO | {"law": {"spot.cap": 4}})
    assert audit(other).good
    for file in (other / "journal").iterdir():
        (run / "journal" / file.name).write_bytes(file.read_bytes())
    text = (run / "run.yaml").read_text().replace(head_of(run), head_of(other))
    (run / "run.yaml").write_text(text)
    reseal(run, read_certificate(other).head)
    assert found(run) == ["journal/main.parquet, block 2025-01: does not follow this run's scenario and seed: it is "
                          "another run's"]


def test_another_main_head_is_not_the_chains(run):
    (run / "run.yaml").write_text((run / "run.yaml").read_text().replace(head_of(run), "0" * 63 + "1"))
    reseal(run)
    assert found(run) == ["run.yaml: main is not the hash of the last main block"]


def test_a_chain_that_was_taken_away_is_missed(run):
    (run / "journal/main.parquet").unlink()
    (run / "manifest.txt").write_text("")
    reseal(run)
    assert "journal/main.parquet" in found(run)[0]


# ---------------------------------------------------------------------------------------------------------- proofs


def proof_of(run, asked, tmp_path, alter=lambda proof: None):
    proof = json.loads(json.dumps(prove(run, Asked.read(asked))))
    alter(proof)
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(proof))
    return str(path)


@pytest.mark.parametrize("asked", ["0", "0:0", "0:2047", "0:2147", "1", "1:1", "1:2", "4:1024", "6:0", "11"])
def test_every_kind_of_record_is_proved_by_the_head_alone(run, tmp_path, asked, capsys):
    assert verify.main([proof_of(run, asked, tmp_path), "--head", head_of(run)]) == 0
    assert "proved: 2025-0" in capsys.readouterr().out


def test_the_words_say_what_was_paid(run, tmp_path, capsys):
    """January's pay is entry 0 (bills are posted by name): rider 1100 earned 1,200 fen, for two persons."""
    assert verify.main([proof_of(run, "0:1100", tmp_path), "--head", head_of(run)]) == 0
    said = capsys.readouterr().out
    assert "2025-01: pay of orders, platform to riders" in said
    assert "row 1100 1200 fen x 2" in said


ALTERED = {
    "a fen more": lambda p: p["rows"]["block"][3].__setitem__(1, p["rows"]["block"][3][1] + 1),
    "another row": lambda p: p["rows"].__setitem__("asked", 5000),
    "another payee": lambda p: p["entry"].__setitem__("payee", "platform"),
    "another total": lambda p: p["entry"].__setitem__("total", 1),
    "another leg": lambda p: p["record"].__setitem__("leg", "0" * 64),
    "another side": lambda p: p["record"].__setitem__("side", "grid"),
    "another number": lambda p: p["record"].__setitem__("number", 7),
    "a shorter path": lambda p: p["record_path"].pop() if p["record_path"] else p["rows"]["path"].pop(),
    "another side block": lambda p: p["side_block"].__setitem__("first", 3),
    "another anchor": lambda p: p["side_path"].reverse() or p["side_path"].pop(),
    "a broken chain": lambda p: p["main"].pop(1),
    "a shorter chain": lambda p: p["main"].pop(),
    "another main block": lambda p: p["main"][0].__setitem__("parties", "0" * 64)}


@pytest.mark.parametrize("what", ALTERED)
def test_a_changed_proof_proves_nothing(run, tmp_path, what, capsys):
    assert verify.main([proof_of(run, "0:1100", tmp_path, ALTERED[what]), "--head", head_of(run)]) == 1
    assert capsys.readouterr().err.startswith("not proved: ")


def test_another_runs_head_proves_nothing(run, tmp_path, capsys):
    other = write(tmp_path / "other", paid=6)
    assert verify.main([proof_of(run, "0:1100", tmp_path), "--head", head_of(other)]) == 1
    assert "head" in capsys.readouterr().err


def test_a_file_that_is_no_proof(tmp_path, capsys):
    path = tmp_path / "x.json"
    for text in ("[]", "{}", "nonsense", '{"entry": 3}'):
        path.write_text(text)
        assert verify.main([str(path), "--head", "0" * 64]) == 2
    assert "is no proof" in capsys.readouterr().err


@pytest.mark.parametrize("asked", ["99", "x", "1:x", "0:5000", "-1"])
def test_what_the_run_does_not_have_cannot_be_proved(run, asked):
    with pytest.raises(BadInput, match="--prove"):
        prove(run, Asked.read(asked))


def test_a_row_of_a_single_sum_cannot_be_proved(run):
    single = next(e for e in parquet.read_table(run / "journal/entries.parquet").to_pylist() if not e["rows"])
    with pytest.raises(BadInput, match="is a single sum"):
        prove(run, Asked(single["number"], 0))


@pytest.mark.parametrize("size", range(1, 12))
def test_the_way_up_leads_to_the_root_from_every_leaf(size):
    """Our two programs agree on trees of every shape: an odd leaf out moves up unchanged."""
    leaves = [leaf(bytes([i])) for i in range(size)]
    for i in range(size):
        assert verify.climbed(leaves[i], climb(leaves, i)) == merkle(leaves).hex()


def test_the_verifier_shares_no_code_with_the_house():
    with open(verify.__file__) as file:
        imported = [line.split()[1] for line in file if line.startswith(("import ", "from "))]
    assert imported == ["argparse", "hashlib", "json", "struct", "sys"]
