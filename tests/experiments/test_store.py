"""A run's folder: it appears only when whole, replaces only its own kind, and reads back as it was written."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import yaml
from pyarrow import parquet

from experiments.seal import read_certificate, seal_of
from experiments.store import Folder, export_csv, is_run, open_run
from sim.calendar import Month
from sim.config import BadInput

MONTHS = (Month(2025, 1), Month(2025, 2))
HEAD = "ab" * 32
CERTIFICATE = {"scenario": {"title": "两条 roads", "world": "toy", "seed": 7,
                            "period": {"start": "2025-01-01", "end": "2025-02-28"}}}


def table(month):
    """Four rows of a month."""
    return {"date": np.repeat(np.datetime64(month.first, "D"), 4), "zone": np.array(["A", "A", "B", "B"], object),
            "indicator": np.array(["load", "price"] * 2, object), "value": np.arange(4.0) + month.month,
            "unit": np.array(["MWh", "CNY/MWh"] * 2, object)}


def bus(month):
    """Two hours of a bus."""
    times = np.datetime64(month.first, "s") + np.arange(2) * np.timedelta64(3600, "s")
    return {"time": times, "bus": np.array(["a", "a"], object), "price": np.array([1.5, 2.5], np.float32)}


def write(path, certificate=CERTIFICATE):
    """A finished run of two months."""
    with Folder(path) as folder:
        for month in MONTHS:
            folder.write("indicators", month, table(month))
            folder.write("hourly/bus", month, bus(month))
        folder.finish(certificate, HEAD)
    return path


def interrupt(path, fault):
    """A run that ends in a fault in its second month."""
    with Folder(path) as folder:
        folder.write("indicators", MONTHS[0], table(MONTHS[0]))
        raise fault


def files(path):
    """Everything below a folder, hidden things too."""
    return sorted(file.relative_to(path).as_posix() for file in path.rglob("*"))


def test_a_run_reads_back_as_it_was_written(tmp_path):
    run = open_run(write(tmp_path / "run"))
    frame = run.indicators
    assert list(frame) == ["date", "zone", "indicator", "value", "unit"]
    assert frame["value"].tolist() == [1, 2, 3, 4, 2, 3, 4, 5]
    assert [str(day) for day in frame["date"][[0, 4]]] == ["2025-01-01", "2025-02-01"]
    assert str(run.table("hourly/bus")["price"].dtype) == "float32"
    assert run.kinds == ("hourly/bus", "indicators")
    assert run.certificate["scenario"]["title"] == "两条 roads"


def test_each_month_is_a_row_group(tmp_path):
    file = parquet.ParquetFile(write(tmp_path / "run") / "hourly" / "bus.parquet")
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [2, 2]
    assert file.metadata.row_group(0).column(2).compression == "ZSTD"


def test_the_certificate_ends_in_head_and_seal_of_all_files(tmp_path):
    path = write(tmp_path / "run")
    *_, head, seal = (path / "run.yaml").read_text().splitlines()
    manifest = (path / "manifest.txt").read_bytes()
    assert head == f"head: {HEAD}"
    assert seal == f"seal: {hashlib.sha256(HEAD.encode() + manifest).hexdigest()}"
    assert read_certificate(path).seal == seal_of(HEAD, manifest)
    listed = [line.split("  ")[1] for line in manifest.decode().splitlines()]
    assert listed == ["hourly/bus.parquet", "indicators.parquet", "run.yaml"]
    assert yaml.safe_load((path / "run.yaml").read_text())["head"] == HEAD


def test_nothing_is_seen_before_the_run_is_whole(tmp_path):
    path = tmp_path / "results" / "run"
    with Folder(path) as folder:
        folder.write("indicators", MONTHS[0], table(MONTHS[0]))
        assert not path.exists()
        folder.finish(CERTIFICATE, HEAD)
    assert files(tmp_path) == ["results", "results/run", "results/run/indicators.parquet", "results/run/manifest.txt",
                               "results/run/run.yaml"]


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_run_leaves_nothing(tmp_path, fault):
    with pytest.raises(fault):
        interrupt(tmp_path / "results" / "run", fault)
    assert files(tmp_path) == []


def test_an_interrupted_run_leaves_the_earlier_one_as_it_was(tmp_path):
    path = write(tmp_path / "run")
    before = {name: (path / name).read_bytes() for name in files(path) if (path / name).is_file()}
    with pytest.raises(RuntimeError):
        interrupt(path, RuntimeError)
    assert {name: (path / name).read_bytes() for name in files(path) if (path / name).is_file()} == before
    assert files(tmp_path)[0] == "run"
    assert not [name for name in files(tmp_path) if name.startswith(".")]


def test_a_fault_while_finishing_leaves_nothing(tmp_path, monkeypatch):
    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr("experiments.store.seal", broken)
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path / "run")
    assert files(tmp_path) == []


def test_a_killed_run_is_swept_away_by_the_next(tmp_path):
    child = textwrap.dedent(f"""
        import os, signal
        from experiments.store import Folder
        with Folder({str(tmp_path / 'run')!r}):
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert subprocess.run([sys.executable, "-c", child], cwd=os.getcwd()).returncode == -signal.SIGKILL
    assert [name for name in files(tmp_path) if name.endswith(".partial")]
    write(tmp_path / "run")
    assert not [name for name in files(tmp_path) if name.endswith(".partial")]


def test_two_runs_to_one_place_do_not_disturb_each_other(tmp_path):
    child = textwrap.dedent(f"""
        import sys
        from experiments.store import Folder
        with Folder({str(tmp_path / 'run')!r}) as folder:
            print("in", flush=True)
            sys.stdin.read()
            print(folder.work.exists(), flush=True)
    """)
    other = subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "in\n"
    write(tmp_path / "run")
    assert other.communicate()[0] == "True\n"
    assert is_run(tmp_path / "run")


def test_a_run_replaces_a_run(tmp_path):
    path = write(tmp_path / "run")
    with Folder(path) as folder:
        folder.write("indicators", MONTHS[1], table(MONTHS[1]))
        folder.finish(CERTIFICATE, "cd" * 32)
    assert files(path) == ["indicators.parquet", "manifest.txt", "run.yaml"]
    assert open_run(path).certificate["head"] == "cd" * 32
    assert os.listdir(tmp_path) == ["run"]


def test_nothing_is_added_to_tables_that_were_read(tmp_path):
    with Folder(tmp_path / "run") as folder:
        folder.write("indicators", MONTHS[0], table(MONTHS[0]))
        assert len(folder.read().indicators) == 4
        with pytest.raises(ValueError, match="indicators of 2025-02: the tables are closed"):
            folder.write("indicators", MONTHS[1], table(MONTHS[1]))
        assert len(folder.read().indicators) == 4


def test_an_empty_folder_may_be_used(tmp_path):
    (tmp_path / "run").mkdir()
    assert is_run(write(tmp_path / "run"))


@pytest.mark.parametrize("stranger", ["notes.txt", "run.yaml"])
def test_what_is_not_ours_is_refused_and_stays(tmp_path, stranger):
    path = tmp_path / "mine"
    path.mkdir()
    (path / stranger).write_text("dear diary")
    with pytest.raises(BadInput, match="mine: holds other things than a run"):
        write(path)
    assert files(tmp_path) == ["mine", f"mine/{stranger}"]


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(BadInput, match="is a file"):
        Folder(tmp_path / "run")
    with pytest.raises(BadInput, match="nothing can be written"):
        Folder(tmp_path / "run" / "below")


@pytest.mark.parametrize("name", ["x" * 300, "x" * 250, "a\0b"])
def test_a_name_that_cannot_be_is_refused(tmp_path, name):
    with pytest.raises(BadInput, match="nothing can be written there"):
        write(tmp_path / "results" / name)
    assert files(tmp_path) == []


def test_a_link_to_a_run_keeps_leading_to_it(tmp_path):
    write(tmp_path / "first")
    (tmp_path / "latest").symlink_to(tmp_path / "first")
    write(tmp_path / "latest", {"scenario": {"title": "second"}})
    assert (tmp_path / "latest").is_symlink()
    assert open_run(tmp_path / "first").certificate["scenario"]["title"] == "second"


def test_an_earlier_run_survives_a_failed_exchange(tmp_path, monkeypatch):
    path, replace, calls = write(tmp_path / "run"), os.replace, []

    def fails_the_second_time(*ends):
        calls.append(ends)
        if len(calls) == 2:
            raise KeyboardInterrupt
        replace(*ends)

    monkeypatch.setattr("experiments.store.os.replace", fails_the_second_time)
    with pytest.raises(KeyboardInterrupt):
        write(path)
    assert os.listdir(tmp_path) == ["run"]
    assert open_run(path).certificate["head"] == HEAD


def test_what_somebody_put_there_meanwhile_is_not_overwritten(tmp_path):
    path = tmp_path / "run"
    with Folder(path) as folder:
        path.mkdir()
        (path / "diary.txt").write_text("dear")
        with pytest.raises(BadInput, match="holds other things"):
            folder.finish(CERTIFICATE, HEAD)
    assert files(tmp_path) == ["run", "run/diary.txt"]


def test_a_query_sees_the_tables_by_name(tmp_path):
    run = open_run(write(tmp_path / "run"))
    assert run.query("select sum(value) as v from indicators where zone = 'A'")["v"].tolist() == [1 + 2 + 2 + 3]
    assert run.query("select avg(price) as p from hourly")["p"].tolist() == [2.0]
    assert run.query("select count(*) as n from hourly_bus")["n"].tolist() == [4]
    assert run.query("select seed, head, start from runs").iloc[0].tolist() == [7, HEAD, "2025-01-01"]


@pytest.mark.parametrize("sql", ["selec 1", "select * from nowhere", "select * from read_csv('/etc/passwd')",
                                 "copy indicators to 'x.csv'", "set enable_external_access = true", ""])
def test_a_query_that_does_not_run_is_one_line(tmp_path, sql):
    with pytest.raises(BadInput, match="^query: .*hourly_bus, indicators, runs$") as caught:
        open_run(write(tmp_path / "run")).query(sql)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "x.csv").exists()


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(BadInput, match="holds no run"):
        open_run(tmp_path)


def test_a_certificate_is_only_ever_data(tmp_path):
    path = write(tmp_path / "run")
    (path / "run.yaml").write_text("gridgig: !!python/object/apply:os.system ['touch owned']\n")
    with pytest.raises(BadInput, match="cannot be read"):
        open_run(path)


def test_csv_holds_every_table(tmp_path):
    run = open_run(write(tmp_path / "run"))
    written = export_csv(run, tmp_path / "csv")
    assert files(tmp_path / "csv") == ["hourly", "hourly/bus.csv", "indicators.csv"]
    assert written == [tmp_path / "csv" / "hourly/bus.csv", tmp_path / "csv" / "indicators.csv"]
    lines = (tmp_path / "csv" / "hourly" / "bus.csv").read_text().splitlines()
    assert lines[:2] == ['"time","bus","price"', '2025-01-01 00:00:00.000,"a",1.5']
    assert len(lines) == 5


def test_csv_does_not_overwrite(tmp_path):
    run = open_run(write(tmp_path / "run"))
    with pytest.raises(BadInput, match="exists already"):
        export_csv(run, tmp_path / "run")
