"""The folder of a sweep holds what is over and nothing else, whatever dies, and whoever reads it meanwhile."""

import errno
import json
import os
import shutil

import numpy as np
import pytest
import yaml

from experiments import sweep_store
from experiments.bench import DONE, FAILED, Record, pack
from experiments.sweep_folder import open_sweep
from experiments.sweep_records import frame, frames, numbers
from experiments.sweep_store import Store, StoreError
from sim.config import BadInput
from tests.experiments.sweep_files import exported, small

ON = {"versions": {"python": "3"}, "code": "c0de"}


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Twelve runs of which nobody lives one here."""
    return small(tmp_path_factory.mktemp("sweep"), keep={"indicators": None})


def record(run: int, status: str = DONE) -> Record:
    """A made-up record: price 100 + run, one kept row."""
    head = {"run": run, "point": run // 2, "replicate": run % 2, "seed": 7 + run % 2, "status": status, "seconds": 0.5,
            "cpu": 0.25}
    if status == FAILED:
        return Record(head | {"error": "ValueError: no", "trace": "line 1", "settings": {"law.x.y": 1}}, b"")
    kept = {"zone": np.array(["A"], object), "value": np.array([1.0 * run])}
    return Record(head | {"head": f"{run:064x}", "outcomes": {"price": 100.0 + run, "hydro": None}},
                  pack({"indicators": kept}))


def filled(folder, sweep, runs):
    """A store left behind with these runs in its log and nothing sealed, as by a kill -9 after the last."""
    with Store(folder, sweep, ON) as store:
        for run in runs:
            store.add(record(run))
        copy = folder.with_name("killed")
        shutil.copytree(folder, copy)
    shutil.rmtree(folder)
    os.replace(copy, folder)


def test_what_was_added_is_read_back(tmp_path, sweep):
    with Store(tmp_path / "s", sweep, ON) as store:
        for run in (3, 0, 1):
            store.add(record(run, FAILED if run == 1 else DONE))
    found = open_sweep(tmp_path / "s")
    assert found.runs["run"].tolist() == [0, 1, 3]
    assert found.outcomes["price"].tolist() == [100, 103]
    assert found.outcomes["law.spot.offer_cap"].tolist() == [400, 400]
    assert found.query("select value from indicators order by run")["value"].tolist() == [0, 3]
    assert found.missing() == [2, *range(4, 12)]
    failed = found.runs.iloc[1]
    assert (failed["status"], failed["seed"], failed["error"]) == ("failed", 8, "ValueError: no")
    assert json.loads(failed["settings"]) == {"law.x.y": 1}


def test_a_log_is_read_before_it_is_a_shard(tmp_path, sweep):
    with Store(tmp_path / "s", sweep, ON) as store:
        store.add(record(0))
        assert numbers(tmp_path / "s" / "shards") == []
        assert open_sweep(tmp_path / "s").outcomes["price"].tolist() == [100]
        store.seal()
        store.add(record(1))
        assert open_sweep(tmp_path / "s").outcomes["price"].tolist() == [100, 101]
    assert numbers(tmp_path / "s" / "shards") == [0, 1]


def test_many_runs_share_a_shard(tmp_path, sweep, monkeypatch):
    monkeypatch.setattr(sweep_store, "MOST_RUNS", 5)
    with Store(tmp_path / "s", sweep, ON) as store:
        for run in range(12):
            store.add(record(run))
    sql = "select run // 5 as lot, count(*) as n from runs group by lot order by lot"
    found = open_sweep(tmp_path / "s").query(sql)
    assert found["n"].tolist() == [5, 5, 2]
    assert numbers(tmp_path / "s" / "shards") == [0, 1, 2]


@pytest.mark.parametrize("cut", [1, 7, 20, 200])
def test_a_record_cut_short_is_not_there_and_the_next_takes_its_place(tmp_path, sweep, cut):
    folder = tmp_path / "s"
    filled(folder, sweep, [0, 1, 2])
    log = folder / "log" / "000000.log"
    os.truncate(log, log.stat().st_size - cut)
    assert open_sweep(folder).runs["run"].tolist() == [0, 1]
    with Store(folder, sweep, ON) as store:
        assert store.done == {0, 1}
        store.add(record(2))
    assert open_sweep(folder).outcomes["price"].tolist() == [100, 101, 102]


def test_a_flipped_bit_ends_a_log(tmp_path, sweep):
    filled(tmp_path / "s", sweep, [0, 1, 2])
    log = tmp_path / "s" / "log" / "000000.log"
    data = bytearray(log.read_bytes())
    data[len(frame(record(0))) + 30] ^= 1
    log.write_bytes(data)
    assert [found.head["run"] for _, found in frames(log)] == [0]


def test_a_shard_written_in_part_is_never_read(tmp_path, sweep):
    folder = tmp_path / "s"
    filled(folder, sweep, [0, 1])
    partial = folder / "shards" / ".000000.partial"
    partial.mkdir()
    (partial / "runs.parquet").write_bytes(b"PAR1 half of it")
    assert open_sweep(folder).outcomes["price"].tolist() == [100, 101]
    with Store(folder, sweep, ON):
        assert not partial.exists()
    assert open_sweep(folder).outcomes["price"].tolist() == [100, 101]


def test_killed_between_shard_and_log_nothing_counts_twice(tmp_path, sweep):
    folder = tmp_path / "s"
    with Store(folder, sweep, ON) as store:
        store.add(record(0))
        old = (folder / "log" / "000000.log").read_bytes()
    (folder / "log" / "000000.log").write_bytes(old)  # the shard appeared, the log was not yet gone
    assert open_sweep(folder).runs["run"].tolist() == [0]
    with Store(folder, sweep, ON) as store:
        assert not (folder / "log" / "000000.log").exists()
        store.add(record(1))
    assert open_sweep(folder).runs["run"].tolist() == [0, 1]


def test_a_run_added_twice_counts_once(tmp_path, sweep):
    with Store(tmp_path / "s", sweep, ON) as store:
        store.add(record(0))
        store.add(record(0))
    assert open_sweep(tmp_path / "s").runs["run"].tolist() == [0]


def test_an_export_does_not_know_in_which_order_or_in_how_many_sittings_runs_were_lived(tmp_path, sweep):
    for name, sittings in {"a": [range(12)], "b": [(5, 11, 3), (), (0, 2, 1, 4), (10, 9, 8, 7, 6)]}.items():
        for runs in sittings:
            with Store(tmp_path / name, sweep, ON) as store:
                for run in runs:
                    store.add(record(run, FAILED if run == 4 else DONE))
    one, other = (exported(tmp_path / name, tmp_path / f"{name}-csv") for name in "ab")
    assert sorted(one) == ["indicators.csv", "outcomes.csv", "points.csv", "runs.csv"]
    assert one == other


@pytest.mark.parametrize("room", [0, 10, 150])
def test_a_full_disk_is_said_clearly_and_leaves_the_store_whole(tmp_path, sweep, monkeypatch, room):
    """The disk takes so many bytes of the second record."""
    folder, write = tmp_path / "s", os.pwrite

    def full(file, data, at):
        if room and at == len(frame(record(0))):
            return write(file, data[:room], at)
        raise OSError(errno.ENOSPC, "No space left on device")

    def fill():
        with Store(folder, sweep, ON) as store:
            store.add(record(0))
            monkeypatch.setattr(os, "pwrite", full)
            store.add(record(1))

    with pytest.raises(StoreError, match=r"s: No space left on device; 1 of 12 runs are kept, the same command"):
        fill()
    monkeypatch.undo()
    assert open_sweep(folder).runs["run"].tolist() == [0]
    with Store(folder, sweep, ON) as store:
        store.add(record(1))
    assert open_sweep(folder).outcomes["price"].tolist() == [100, 101]


def test_no_room_for_a_shard_leaves_the_log(tmp_path, sweep, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sweep_store, "write_shard", full)
    store = Store(tmp_path / "s", sweep, ON).__enter__()
    store.add(record(0))
    store.add(record(1))
    with pytest.raises(StoreError, match="2 of 12 runs are kept"):
        store.__exit__(None, None, None)
    assert list((tmp_path / "s" / "shards").iterdir()) == []
    assert open_sweep(tmp_path / "s").outcomes["price"].tolist() == [100, 101]


def test_two_sweeps_into_one_folder_exclude_each_other(tmp_path, sweep):
    with Store(tmp_path / "s", sweep, ON) as store:
        with pytest.raises(BadInput, match=rf"another sweep works on it \(process {os.getpid()} on .+ since 20"), \
                Store(tmp_path / "s", sweep, ON):
            pass
        assert [who.startswith(f"process {os.getpid()} ") for who in open_sweep(tmp_path / "s").holders()] == [True]
        store.add(record(0))
    assert open_sweep(tmp_path / "s").holders() == []
    with Store(tmp_path / "s", sweep, ON) as store:
        assert store.done == {0}


def test_another_sweep_is_refused_and_says_what_differs(tmp_path, sweep):
    with Store(tmp_path / "s", sweep, ON):
        pass
    other = small(tmp_path, keep={"indicators": None}, replicates=3)
    with pytest.raises(BadInput, match="another replicates"), Store(tmp_path / "s", other, ON):
        pass
    other = small(tmp_path, keep={"indicators": None}, constants={"scale.riders": 51})
    with pytest.raises(BadInput, match=r"scenario.scale.riders \(50, now 51\)"), Store(tmp_path / "s", other, ON):
        pass
    with pytest.raises(BadInput, match="other code"), Store(tmp_path / "s", sweep, ON | {"code": "d1ff"}):
        pass


def test_folders_of_others_are_refused(tmp_path, sweep):
    (tmp_path / "diary").mkdir()
    (tmp_path / "diary" / "monday.txt").write_text("dear")
    (tmp_path / "note").write_text("dear")
    for name, words in (("diary", "holds other things than a sweep"), ("note", "is a file"),
                        ("note/s", "nothing can be written there")):
        with pytest.raises(BadInput, match=words), Store(tmp_path / name, sweep, ON):
            pass
    assert os.listdir(tmp_path / "diary") == ["monday.txt"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_refused(tmp_path, sweep):
    tmp_path.chmod(0o500)
    with pytest.raises(BadInput, match="nothing can be written there: Permission denied"), \
            Store(tmp_path / "s", sweep, ON):
        pass


def test_a_read_only_file_system_is_said_clearly(tmp_path, sweep, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(BadInput, match="s: nothing can be written there: Read-only file system"), \
            Store(tmp_path / "s", sweep, ON):
        pass


def test_the_birth_certificate_says_what_the_sweep_is(tmp_path, sweep):
    with Store(tmp_path / "s", sweep, ON):
        pass
    certificate = yaml.safe_load((tmp_path / "s" / "sweep.yaml").read_text())
    assert certificate["versions"] == ON["versions"]
    assert certificate["sweep"]["seeds"] == [7, 8]
    assert certificate["sweep"]["scenario"]["files"] == sweep.base.files
    points = open_sweep(tmp_path / "s").points
    assert points["clearing"].tolist() == ["joint", "separate"] * 3
    assert points["unit: law.spot.offer_cap"].tolist() == pytest.approx([1 / 6, 1 / 6, 1 / 2, 1 / 2, 5 / 6, 5 / 6])


def test_a_query_sees_the_sweep_and_no_other_file(tmp_path, sweep):
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with Store(tmp_path / "s", sweep, ON) as store:
        store.add(record(0))
        store.seal()
        store.add(record(1))
        found = open_sweep(tmp_path / "s")
        assert found.query("select sum(value) as v from outcomes")["v"].tolist() == [201]
        with pytest.raises(BadInput, match="query: .*secret.csv"):
            found.query(f"select * from read_csv('{tmp_path / 'secret.csv'}')")


def test_wrong_sql_is_one_line(tmp_path, sweep):
    with Store(tmp_path / "s", sweep, ON) as store:
        store.add(record(0))
    with pytest.raises(BadInput, match=r"query: .*nowhere.*expected SQL on indicators, outcomes, points, runs"):
        open_sweep(tmp_path / "s").query("select * from nowhere")


def test_parts_of_a_sweep_are_lived_side_by_side_and_read_as_one(tmp_path, sweep):
    with Store(tmp_path / "s", sweep, ON, "0-of-2") as even, Store(tmp_path / "s", sweep, ON, "1-of-2") as odd:
        for run in range(12):
            (odd if run % 2 else even).add(record(run))
        with pytest.raises(BadInput, match=rf"another sweep works on it \(process {os.getpid()} .*; process"), \
                Store(tmp_path / "s", sweep, ON):
            pass
        with pytest.raises(BadInput, match="1-of-2: another sweep works on it"), \
                Store(tmp_path / "s", sweep, ON, "1-of-2"):
            pass
        assert open_sweep(tmp_path / "s").runs["run"].tolist() == list(range(12))
    with Store(tmp_path / "s", sweep, ON) as store:
        assert len(store.done) == 12
        with pytest.raises(BadInput, match="another sweep works on it"), Store(tmp_path / "s", sweep, ON, "0-of-2"):
            pass
    with Store(tmp_path / "whole", sweep, ON) as store:
        for run in range(12):
            store.add(record(run))
    assert exported(tmp_path / "s", tmp_path / "a") == exported(tmp_path / "whole", tmp_path / "b")
