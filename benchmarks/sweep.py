"""Sweeps: what running many costs beside the runs, what a second worker brings, whether memory stays, how fast answers.

    .venv/bin/python -m benchmarks.sweep [PART ...]       # queries, overhead, two_workers, memory; all by default

All of it on runs of one day of the toy world, the shortest there are, so that everything beside them shows.

Overhead: a sweep (one worker; log, shards, outcomes, a bar that nobody sees) against a bare process pool whose only
worker makes the same configs and lives the same labs and gives back their heads. CPU seconds of all processes: the
difference between many runs and few, so that start-up falls out; rounds alternate. Wall-clock seconds: from the end of
one run to the end of the next, the median, which a neighbour on the machine disturbs less than a mean.

Two workers: runs a second of wall-clock time with two workers over one, alternating, and the same of the bare pool,
which shows what the machine had to give. As others may use it, also what they reach where two processors are free, from
CPU seconds, which others change less: two workers and the coordinator share two processors, one worker has one: 2 x a
run's CPU with one / (a run's CPU with two + the coordinator's a run). And how busy two workers were: seconds in runs
over seconds there were.
"""

import json
import os
import resource
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import yaml

from benchmarks.record import RESULTS, figure, write
from experiments import pool
from experiments.bench import DONE, Record, pack
from experiments.sweep_folder import open_sweep
from experiments.sweep_records import read_heads
from experiments.sweep_store import Store
from experiments.sweeping import sweep_into
from experiments.sweeps import Sweep, read_sweep
from sim.config.scenarios import PROJECT

FEW, MANY, ROUNDS = 20, 100, 3
LONG = 1000  # runs through which memory is watched
QUERIED = 500  # runs of a year of hourly zone prices

_kept: dict = {}


def toy(folder: Path, runs: int) -> Sweep:
    """A sweep of so many runs of one day: two seeds at each point."""
    text = {"title": "t", "question": "q", "source": "s", "scenario": str(PROJECT / "configs/scenarios/toy.yaml"),
            "period": {"start": "2025-07-01", "end": "2025-07-01"}, "constants": {"scale.riders": 200},
            "uncertainties": {"law.swap.subscription": {"uniform": [250, 350]}},
            "outcomes": {"price": {"indicator": "price", "unit": "CNY/MWh", "weight": "load"}},
            "design": {"kind": "latin", "points": runs // 2}, "replicates": 2}
    path = folder / f"toy_{runs}.yaml"
    path.write_text(yaml.safe_dump(text))
    return read_sweep(path)


def bare(path: str, run: int) -> str:
    """A task of the bare pool: the head of a run."""
    from sim.model import PolicyLab

    if path not in _kept:
        _kept.clear()
        _kept[path] = read_sweep(Path(path))
    sweep = _kept[path]
    point, replicate = sweep.of(run)
    if _kept.get("point") != point:
        _kept["point"], _kept["config"] = point, sweep.config(point)
    return PolicyLab(sweep.seeded(_kept["config"], replicate)).run().journal.head


def by_pool(sweep: Sweep, folder: Path, jobs: int = 1) -> list[float]:
    """Live a sweep's runs in a bare pool; gives the moments at which they ended."""
    ends = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as workers:
        asked = [workers.submit(bare, str(sweep.path), run) for run in range(sweep.runs)]
        for _ in as_completed(asked):
            ends.append(time.perf_counter())
    return ends


def by_sweep(sweep: Sweep, folder: Path, jobs: int = 1, spent: list[float] | None = None) -> list[float]:
    """Live a sweep; gives the moments at which its runs ended. spent: gets this process's CPU seconds at each."""
    ends: list[float] = []

    def look(_):
        ends.append(time.perf_counter())
        if spent is not None:
            spent.append(time.process_time())

    sweep_into(sweep, folder, jobs=jobs, progress=False, watch=look)
    return ends


def cpu() -> float:
    """CPU seconds of this process and of all that it started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def a_run(live, few: Sweep, many: Sweep, folder: Path) -> tuple[float, float]:
    """CPU and wall-clock seconds of one run more."""
    spent = []
    for sweep in (few, many):
        before = cpu()
        ends = live(sweep, Path(tempfile.mkdtemp(dir=folder)) / "out")
        spent.append(cpu() - before)
    return (spent[1] - spent[0]) / (many.runs - few.runs), float(np.median(np.diff(ends[4:])))


def overhead(folder: Path) -> list[dict]:
    """A sweep against a bare pool, in alternation."""
    few, many = toy(folder, FEW), toy(folder, MANY)
    rows = []
    for _ in range(ROUNDS):
        pooled, swept = (a_run(live, few, many, folder) for live in (by_pool, by_sweep))
        rows.append((*pooled, *swept))
        print(f"a run: bare pool {1e3 * pooled[0]:6.1f} ms CPU {1e3 * pooled[1]:6.1f} ms wall; "
              f"sweep {1e3 * swept[0]:6.1f} ms CPU {1e3 * swept[1]:6.1f} ms wall")
    extra = [1e3 * (swept - pooled) for pooled, _, swept, _ in rows]
    wall = [1e3 * (swept - pooled) for _, pooled, _, swept in rows]
    print(f"overhead: {statistics.median(extra):.1f} ms CPU, {statistics.median(wall):.1f} ms wall a run")
    return [figure("a run in a bare pool", [1e3 * row[0] for row in rows], "ms CPU"),
            figure("overhead of a sweep", extra, "ms CPU a run"), figure("overhead of a sweep, wall", wall, "ms a run")]


def two_workers(folder: Path) -> list[dict]:
    """Runs a second with two workers over one, as measured and as two free processors would give."""
    sweep, ratios, pooled, free, busy = toy(folder, MANY), [], [], [], []
    for _ in range(ROUNDS):
        speed, bare_speed, cost, spent = [], [], [], []
        for jobs in (1, 2):
            out = Path(tempfile.mkdtemp(dir=folder)) / "out"
            spent.clear()
            bare_speed.append(_speed(by_pool(sweep, out, jobs)))
            speed.append(_speed(by_sweep(sweep, out, jobs, spent)))
            heads = list(read_heads(out))
            cost.append(statistics.median(head["cpu"] for head in heads))
        own = (spent[-3] - spent[10]) / (len(spent) - 13)
        ratios.append(speed[1] / speed[0])
        pooled.append(bare_speed[1] / bare_speed[0])
        free.append(2 * cost[0] / (cost[1] + own))
        busy.append(statistics.mean(head["seconds"] for head in heads[10:]) * speed[1] / 2)
        print(f"two workers: {ratios[-1]:.2f} x one (bare pool {pooled[-1]:.2f}) at load {os.getloadavg()[0]:.0f}; "
              f"{free[-1]:.2f} x by CPU ({1e3 * cost[0]:.1f} and {1e3 * cost[1]:.1f} ms a run, coordinator "
              f"{1e3 * own:.1f}); busy {busy[-1]:.3f}")
    return [figure("two workers over one, wall", ratios, "ratio"),
            figure("two workers over one, wall, bare pool", pooled, "ratio"),
            figure("two workers over one, by CPU", free, "ratio"),
            figure("two workers: share of time in runs", busy, "share")]


def _speed(ends: list[float]) -> float:
    """Runs a second, after start-up and before the last one is alone."""
    return (len(ends) - 13) / (ends[-3] - ends[10])


def resident(pid: int) -> float:
    """MB that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def memory(folder: Path) -> list[dict]:
    """What a worker and the coordinator hold after 100 runs and after 1,000."""
    held, started = {}, []
    start = pool.Worker.start.__func__

    def watched(cls, path, digest):
        started.append(start(cls, path, digest))
        return started[-1]

    pool.Worker.start = classmethod(watched)

    def look(done: int):
        if done % 100 == 0:
            held[done] = resident(started[0].process.pid), resident(os.getpid())

    sweep_into(toy(folder, LONG), folder / "long", jobs=1, progress=False, watch=look)
    pool.Worker.start = classmethod(start)
    for done, (worker, coordinator) in held.items():
        print(f"after {done:5} runs: worker {worker:6.1f} MB, coordinator {coordinator:6.1f} MB")
    return [figure(f"{who} after {done} runs", held[done][i], "MB") for i, who in enumerate(("worker", "coordinator"))
            for done in (100, LONG)]


def queries(folder: Path) -> list[dict]:
    """Questions to a folder of 500 runs with a year of hourly prices of six zones each."""
    zones = np.array(["YN", "GZ", "GX", "GD", "HI", "FJ"], object)
    times = np.datetime64("2025-01-01", "s") + np.arange(8760) * np.timedelta64(3600, "s")
    rng = np.random.default_rng(1)
    sweep = toy(folder, QUERIED)
    with Store(folder / "prices", sweep, {"code": ""}) as store:
        for run in range(QUERIED):
            price = rng.gamma(5, 50, 6 * 8760).astype("f4")
            body = pack({"hourly/zone": {"time": np.tile(times, 6), "zone": np.repeat(zones, 8760), "price": price}})
            store.add(Record({"run": run, "point": run // 2, "replicate": run % 2, "seed": 7 + run % 2, "status": DONE,
                              "head": f"{run:064x}", "outcomes": {"price": 1.0}, "seconds": 0.0, "cpu": 0.0}, body))
    found, figures = open_sweep(folder / "prices"), []
    size = sum(file.stat().st_size for file in (folder / "prices").rglob("*.parquet")) / 2**20
    asked = {"mean price by zone, all runs": "select zone, avg(price) from hourly_zone group by zone",
             "mean price by run of one zone": "select run, avg(price) from hourly_zone where zone = 'GD' group by run",
             "one run whole": "select * from hourly_zone where run = 321"}
    for name, sql in asked.items():
        took = []
        for _ in range(3):
            began = time.perf_counter()
            rows = len(found.query(sql))
            took.append(time.perf_counter() - began)
        print(f"{name}: {min(took):.2f} to {max(took):.2f} s, {rows} rows")
        figures.append(figure(name, took, "s", ["duckdb", "pyarrow"]))
    return [*figures, figure("size of 26 million hourly prices", size, "MB")]


PARTS = {part.__name__: part for part in (queries, overhead, two_workers, memory)}


def main(names: list[str]):
    """Print and write the figures; those of parts that are not asked for stay as they were written before."""
    before = json.loads((RESULTS / "sweep.json").read_text()) if (RESULTS / "sweep.json").exists() else []
    figures = {one["figure"]: one for one in before}
    with tempfile.TemporaryDirectory() as name:
        for part in names or PARTS:
            figures |= {one["figure"]: one for one in PARTS[part](Path(name))}
            print(f"written to {write('sweep', list(figures.values()))}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
