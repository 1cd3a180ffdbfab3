"""Sweeps are lived to the end whatever happens: here, by workers, by a cluster, stopped, killed, with runs that fail.

The fault campaign kills with signal 9 at moments addressed by its round: three rounds by default, twenty in a campaign.
"""

import contextlib
import gc
import os
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest
import yaml

from experiments import notebook, pool
from experiments.bench import Bench
from experiments.cli import main
from experiments.pool import Pool, PoolError
from experiments.sweep_folder import open_sweep
from experiments.sweep_records import read_heads
from experiments.sweep_status import as_scenario, status_of
from experiments.sweep_store import StoreError
from experiments.sweeping import estimate, sweep_into
from experiments.sweeps import read_sweep
from sim.streams import Streams
from tests.experiments.sweep_files import command, exported, small, written
from tests.experiments.walkthrough import walk

QUIET = {"progress": False}
BROKEN = {"spot": {"levels": {"on": {"markets.spot": True}, "off": {"markets.spot": False}}},
          "law.spot.offer_cap": [400, 1200]}  # no lab stands without a spot market: runs 4 to 7 fail


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A sweep lived in this process without a stop: its file, its folder, the bytes of its export."""
    folder = tmp_path_factory.mktemp("alone")
    file = written(folder, keep={"indicators": ["date", "zone", "indicator", "value"]})
    sweep_into(read_sweep(file), folder / "out", jobs=0, **QUIET)
    return file, folder / "out", exported(folder / "out", folder / "csv")


def test_two_workers_live_the_same_runs_as_one_process(alone, tmp_path):
    file, folder, bytes_of = alone
    sweep_into(read_sweep(file), tmp_path / "out", jobs=2, **QUIET)
    assert open_sweep(tmp_path / "out").runs["head"].tolist() == open_sweep(folder).runs["head"].tolist()
    assert exported(tmp_path / "out", tmp_path / "csv") == bytes_of


def test_a_dask_cluster_lives_the_same_runs(alone, tmp_path):
    distributed = pytest.importorskip("distributed")
    file, _, bytes_of = alone
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        swept = sweep_into(read_sweep(file), tmp_path / "out", dask=cluster.scheduler_address, **QUIET)
    assert (swept.lived, swept.failed, swept.lost) == (12, 0, [])
    assert exported(tmp_path / "out", tmp_path / "csv") == bytes_of


def test_a_dask_worker_that_vanishes_costs_nothing(alone, tmp_path):
    """The workers' keeper starts another; what it had is asked for again."""
    distributed = pytest.importorskip("distributed")
    file, _, bytes_of = alone
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        victim = next(iter(cluster.workers.values())).process.pid
        sweep = read_sweep(file)
        lived = sweep_into(sweep, tmp_path / "out", dask=cluster.scheduler_address,
                           progress=False, watch=lambda done: done == 3 and os.kill(victim, signal.SIGKILL))
    assert (lived.done, lived.lost) == (12, [])
    assert exported(tmp_path / "out", tmp_path / "csv") == bytes_of


def test_nobody_at_the_address_is_one_line(alone, tmp_path, capsys, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("experiments.cluster.PATIENCE", 0.5)
    assert main(["sweep", str(alone[0]), "--dask", "tcp://127.0.0.1:9", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("gridgig: --dask: tcp://127.0.0.1:9: no scheduler answers there")
    assert said.count("\n") == 1


def test_a_finished_sweep_lives_nothing_again(alone):
    file, folder, _ = alone
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*.parquet"))
    assert sweep_into(read_sweep(file), folder, jobs=2, **QUIET).lived == 0
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*.parquet")) == before


def test_heads_are_those_of_runs_lived_by_themselves(alone, tmp_path):
    """Run 5: the second seed of point 2, as a scenario for `gridgig run`."""
    _, folder, _ = alone
    found = open_sweep(folder)
    (tmp_path / "one.yaml").write_text(as_scenario(found, 5))
    assert main(["run", str(tmp_path / "one.yaml"), "--out", str(tmp_path / "one"), "--quiet"]) == 0
    head = yaml.safe_load((tmp_path / "one" / "run.yaml").read_text())["head"]
    assert head == found.runs["head"][5]
    assert found.runs["seed"][5] == 8


@pytest.mark.parametrize("jobs", [0, 2])
def test_a_run_that_raises_is_recorded_and_stops_nobody(tmp_path, jobs):
    swept = sweep_into(small(tmp_path, levers=BROKEN), tmp_path / "out", jobs=jobs, **QUIET)
    assert (swept.done, swept.failed, swept.lost) == (8, 4, [])
    runs = open_sweep(tmp_path / "out").runs
    assert runs["status"].tolist() == ["done"] * 4 + ["failed"] * 4
    bad = runs.iloc[5]
    assert bad["error"].startswith("BadInput: ")
    assert "markets.spot: is off" in bad["error"]
    assert (bad["seed"], bad["settings"]) == (8, '{"markets.spot": false, "law.spot.offer_cap": 400}')
    assert "model.py" in bad["trace"]
    said = "\n".join(status_of(open_sweep(tmp_path / "out")))
    assert "8 of 8 runs, 4 of them failed" in said
    assert "4, first run 4: BadInput" in said


def test_the_command_sweeps_tells_and_exports(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = str(written(tmp_path, levers=BROKEN))
    assert main(["check", file]) == 0
    assert main(["plan", file, "--jobs", "2"]) == 0
    said = capsys.readouterr().out
    assert "a sweep of 8 runs, all well" in said
    assert "runs      8, of which 8 are left" in said
    assert "on 2 workers" in said
    assert main(["sweep", file, "--jobs", "2"]) == 0  # failed runs are data
    assert "8 runs are over, 8 of them lived now; 4 failed" in capsys.readouterr().out
    assert main(["plan", file]) == 0
    assert "mean of 4 runs in results/mine" in capsys.readouterr().out
    assert main(["status", "results/mine"]) == 0
    assert main(["query", "results/mine", "select count(*) as n from outcomes where value > 0"]) == 0
    assert capsys.readouterr().out.split()[-2:] == ["n", "8"]
    assert main(["export", "results/mine"]) == 0
    assert "results/mine-csv/runs.csv" in capsys.readouterr().out
    assert main(["status", "results/mine", "--run", "8"]) == 2
    assert "8 is none of the 8 runs" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "words"), [
    (["sweep", "toy_ofer_cap"], "did you mean 'toy_offer_cap'"), (["sweep", "toy.yaml"], "no such file"),
    (["sweep", "toy_offer_cap", "--jobs", "0"], "--jobs"), (["status", "."], "holds no sweep"),
    (["sweep", "toy_offer_cap", "--part", "3/3"], "--part: '3/3'"),
    (["sweep", "toy_offer_cap", "--jobs", "1", "--dask", "tcp://x:1"], "expected one of them")])
def test_bad_input_is_one_line(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.err.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_what_a_run_made_is_gone_before_the_next_one(tmp_path):
    bench, born = Bench(small(tmp_path)), []

    class Watched(bench._lab):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            born.append(weakref.ref(self))

    bench._lab = Watched
    gc.disable()  # so that only the bench sweeps up
    try:
        for run in range(3):
            bench.live(run)
    finally:
        gc.enable()
        gc.unfreeze()
    assert [lab() for lab in born[1:]] == [None, None]


def test_workers_that_cannot_start_end_the_sweep(alone, tmp_path, monkeypatch):
    monkeypatch.setattr(pool.sys, "executable", "/bin/false")
    with pytest.raises(PoolError, match="workers end before they live anything .exit code 1."):
        sweep_into(read_sweep(alone[0]), tmp_path / "out", jobs=2, **QUIET)


def test_a_run_on_which_workers_die_is_given_up_and_lived_by_the_next_sweep(alone, tmp_path):
    """Whoever lives run 3 dies."""
    file, _, bytes_of = alone
    sweep, seen = read_sweep(file), []

    class Cursed(Pool):
        def _ask(self, worker):
            super()._ask(worker)
            if worker.asked and worker.asked[0] == 3:
                worker.process.kill()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "Pool", Cursed)
        swept = sweep_into(sweep, tmp_path / "out", jobs=2, **QUIET)
    assert swept.lost == [3]
    assert "workers died on them" in "\n".join(swept.lines)
    assert open_sweep(tmp_path / "out").missing() == [3]
    assert sweep_into(sweep, tmp_path / "out", jobs=1, watch=seen.append, **QUIET).lived == 1
    assert exported(tmp_path / "out", tmp_path / "csv") == bytes_of


def test_workers_refuse_a_file_that_changed_since_the_sweep_began(tmp_path, capfd):
    """A worker that takes another's place must not live another sweep."""
    sweep = small(tmp_path)
    written(tmp_path, constants={"scale.riders": 51})
    with pytest.raises(PoolError, match="exit code 1"):
        sweep_into(sweep, tmp_path / "out", jobs=1, **QUIET)
    assert "mine.yaml: a worker finds other files or code than the sweep began with" in capfd.readouterr().err
    assert open_sweep(tmp_path / "out").missing() == list(range(12))


def test_a_full_disk_ends_the_command_with_one_line(alone, tmp_path, monkeypatch, capsys):
    def full(*_):
        raise StoreError("out: No space left on device; 3 of 12 runs are kept, the same command goes on from there")

    monkeypatch.setattr("experiments.sweep_store.Store.add", full)
    assert main(["sweep", str(alone[0]), "--jobs", "1", "--out", str(tmp_path / "out"), "--quiet"]) == 1
    assert capsys.readouterr().err == ("gridgig: the sweep stopped: out: No space left on device; 3 of 12 runs are "
                                       "kept, the same command goes on from there\n")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_sweep_that_is_stopped_keeps_what_is_lived_and_says_so(alone, tmp_path, sent, code):
    file, _, bytes_of = alone
    run = command("sweep", file, "--jobs", 2, "--out", tmp_path / "out", "--quiet")
    _until(tmp_path / "out", 3, run)
    run.send_signal(sent)
    out, err = run.communicate()
    assert (run.returncode, out) == (code, "")
    kept = tmp_path / "out"
    assert err == f"gridgig: stopped; what is lived is kept in {kept}, the same command goes on from there\n"
    assert 3 <= len(list(read_heads(tmp_path / "out"))) < 12
    sweep_into(read_sweep(file), tmp_path / "out", jobs=2, **QUIET)
    assert exported(tmp_path / "out", tmp_path / "csv") == bytes_of


def test_a_second_sweep_into_the_folder_is_turned_away_and_a_killed_ones_lock_is_not_in_the_way(alone, tmp_path):
    file, _, bytes_of = alone
    first = command("sweep", file, "--jobs", 1, "--out", tmp_path / "out", "--quiet")
    _until(tmp_path / "out", 1, first)
    second = command("sweep", file, "--jobs", 1, "--out", tmp_path / "out", "--quiet")
    _, err = second.communicate()
    assert (second.returncode, err.count("\n")) == (2, 1)
    assert f"another sweep works on it (process {first.pid} on" in err
    first.kill()
    first.communicate()
    third = command("sweep", file, "--jobs", 2, "--out", tmp_path / "out", "--quiet")
    assert third.communicate() == ("", "")
    assert exported(tmp_path / "out", tmp_path / "csv") == bytes_of


def _until(folder: Path, runs: int, process: subprocess.Popen):
    """Wait until a sweep that a process lives has so many runs, or the process has ended."""
    while process.poll() is None:
        if (folder / "sweep.yaml").exists() and len(list(read_heads(folder))) >= runs:
            return
        time.sleep(0.005)


def _workers(process: subprocess.Popen) -> list[int]:
    """Process numbers of a coordinator's workers."""
    with contextlib.suppress(FileNotFoundError):  # it has ended meanwhile
        return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    return []


def _campaign(alone, folder: Path, turn: int):
    """One round: two to four kills -9 at addressed moments before the last runs, of a worker, of the coordinator or of
    both; then the sweep is lived to its end: nothing is lost, nothing twice, and the export is that of one without a
    stop."""
    file, _, bytes_of = alone
    draw = iter(Streams(turn)["tests/faults"].uniforms(range(20)))
    kinds, hits = ("worker", "coordinator", "both"), 0
    for kill in range(2 + int(next(draw) * 3)):
        process = command("sweep", file, "--jobs", 2, "--out", folder / "out", "--quiet")
        over = len(list(read_heads(folder / "out")))
        _until(folder / "out", over + int(next(draw) * max(9 - over, 1)), process)
        while process.poll() is None and not _workers(process):
            time.sleep(0.005)
        time.sleep(next(draw) * 0.05)
        kind, workers = kinds[(turn + kill) % 3], _workers(process)
        if process.poll() is None and workers:
            hits += 1
            if kind != "coordinator":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(workers[int(next(draw) * len(workers))], signal.SIGKILL)
            if kind != "worker":
                process.kill()
        _, err = process.communicate()
        assert process.returncode in ((0,) if kind == "worker" else (0, -signal.SIGKILL)), err
    last = command("sweep", file, "--jobs", 2, "--out", folder / "out", "--quiet")
    assert (*last.communicate(), last.returncode) == ("", "", 0)
    assert hits > 0
    assert sorted(head["run"] for head in read_heads(folder / "out")) == list(range(12))
    assert exported(folder / "out", folder / "csv") == bytes_of


@pytest.mark.skipif(sys.platform != "linux", reason="finds workers in /proc")
@pytest.mark.parametrize("turn", range(3))
def test_nothing_is_lost_and_nothing_twice_whoever_is_killed(alone, tmp_path, turn):
    _campaign(alone, tmp_path, turn)


@pytest.mark.campaign
@pytest.mark.skipif(sys.platform != "linux", reason="finds workers in /proc")
@pytest.mark.parametrize("turn", range(100, 120))
def test_twenty_rounds_of_faults(alone, tmp_path, turn):
    _campaign(alone, tmp_path, turn)


def test_workers_of_a_killed_coordinator_end(alone, tmp_path):
    process = command("sweep", alone[0], "--jobs", 2, "--out", tmp_path / "out", "--quiet")
    _until(tmp_path / "out", 1, process)
    workers = _workers(process)
    process.kill()
    process.communicate()
    assert workers
    while any(_runs(pid) for pid in workers):
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    """Whether a process exists that is no corpse."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def test_an_estimate_without_runs_lives_a_few_days(tmp_path):
    found = estimate(small(tmp_path), tmp_path / "none", jobs=2)
    assert (found.runs, found.left, found.how) == (12, 12, "from 1 days of the first run")
    assert found.seconds > 0
    assert not (tmp_path / "none").exists()


def test_the_tutorial_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    """docs/sweeps.md: its commands as a shell would, but for those of the cluster, then its Python."""
    assert walk("docs/sweeps.md", tmp_path, monkeypatch, capsys) == {"command": 7, "python": 3}


def test_parts_of_a_job_array_make_the_whole(alone, tmp_path):
    file, _, bytes_of = alone
    for which in range(3):
        out = ["--out", str(tmp_path / "out"), "--quiet"]
        assert main(["sweep", str(file), "--jobs", "1", "--part", f"{which}/3", *out]) == 0
        assert len(list(read_heads(tmp_path / "out"))) == 4 * (which + 1)
    assert exported(tmp_path / "out", tmp_path / "csv") == bytes_of


def test_the_verbs_of_a_notebook_give_tables(alone):
    _, folder, _ = alone
    assert len(notebook.runs(folder)) == 12
    assert notebook.outcomes(folder).columns.tolist() == [
        "run", "point", "replicate", "law.spot.offer_cap", "clearing", "price", "hydro"]
    kept = notebook.indicators(folder)
    assert kept["run"].is_monotonic_increasing
    assert set(kept.columns) == {"run", "date", "zone", "indicator", "value"}
    assert notebook.query(folder, "select count(*) as n from points")["n"].tolist() == [6]
    assert "price" in set(notebook.run("toy", {"period.end": "2025-07-01", "scale.riders": 50})["indicator"])
