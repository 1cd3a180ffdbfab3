"""Sweeping: the coordinator that has the runs of a sweep lived, here or on a cluster, and keeps what comes of them."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from experiments.bench import FAILED, Bench, Record
from experiments.runner import code, stoppable, versions
from experiments.sweep_folder import open_sweep
from experiments.sweep_records import is_sweep_folder, read_heads
from experiments.sweep_store import Store
from experiments.sweeps import Sweep
from sim.config.documents import place_of

SHORT = 10  # days of a run that is lived to learn how long runs take


@dataclass(frozen=True)
class Swept:
    """What became of a sweep. lived: runs lived this time.  lost: runs on which workers died."""

    folder: Path
    lived: int
    done: int
    failed: int
    lost: list[int]

    @property
    def lines(self) -> list[str]:
        """In a few lines."""
        lines = [f"{self.done} runs are over, {self.lived} of them lived now; {self.failed} failed",
                 f"written   {place_of(self.folder)}"]
        if self.lost:
            lines.insert(1, f"lost      runs {', '.join(map(str, self.lost[:10]))}: workers died on them")
        return lines


def sweep_into(sweep: Sweep, out: str | Path, jobs: int | None = None, dask: str | None = None,
               progress: bool = True, watch: Callable[[int], object] | None = None,
               part: tuple[int, int] | None = None) -> Swept:
    """Have all runs of a sweep lived that its folder does not hold yet.

    jobs: worker processes here, one a processor by default; 0 lives all in this process.  dask: address of a scheduler
    whose workers live them instead.  watch: called with the number of runs that are over, after each.
    part: (which, of how many): only every how-manieth run, while others live the others into the same folder.
    Raises: BadInput for a folder that may not be used; StoreError where it takes no more; PoolError where no worker
    gets to work; Stopped.
    """
    kept = Store(out, sweep, certificate(), f"{part[0]}-of-{part[1]}" if part else None)
    with stoppable() as stop_if_asked, kept as store:
        mine = range(part[0], sweep.runs, part[1]) if part else range(sweep.runs)
        missing = [run for run in mine if run not in store.done]
        lost: list[int] = []
        records = _records(sweep, missing, jobs, dask, lost)
        with _bar(store, len(mine), len(missing), progress) as tick, closing(records):
            for record in records:
                store.add(record)
                tick()
                stop_if_asked()
                if watch:
                    watch(len(store.done))
    return Swept(store.path, len(missing) - len(lost), len(store.done), store.failed, lost)


def _records(sweep: Sweep, runs: list[int], jobs: int | None, dask: str | None, lost: list[int]) -> Iterator[Record]:
    """What comes of runs, as they end. lost: gets the runs on which workers died."""
    jobs = (os.cpu_count() or 1) if jobs is None else jobs
    if not runs:
        return
    if dask is not None:
        from experiments.cluster import Cluster

        with Cluster(sweep, dask) as cluster:
            yield from cluster.records(runs)
            lost += cluster.given_up
    elif jobs == 0:
        with closing(Bench(sweep)) as bench:
            yield from (bench.live(run) for run in runs)
    else:
        from experiments.pool import Pool

        with Pool(sweep, jobs) as pool:
            yield from pool.records(runs)
            lost += pool.given_up


@contextmanager
def _bar(store: Store, total: int, left: int, show: bool):
    """A bar over the runs, where somebody looks on: done, failed, time left."""
    from tqdm import tqdm

    failed = [store.failed]
    with tqdm(total=total, initial=total - left, disable=None if show else True, file=sys.stderr, unit="run",
              dynamic_ncols=True, smoothing=0.05,
              bar_format="{desc} |{bar}| {n_fmt}/{total_fmt} done, {postfix[0]} failed, {remaining} left",
              postfix=failed) as bar:
        bar.set_description_str(store.sweep.name)

        def tick():
            failed[0] = store.failed
            bar.update()

        yield tick


def certificate() -> dict:
    """What a sweep ran on: versions, and the digest of the code of sim and agents."""
    return {"versions": versions(), "code": code()}


# ------------------------------------------------------------------------------------------------------------ planning


@dataclass(frozen=True)
class Estimate:
    """How much a sweep is. seconds: CPU of a run.  how: where that was learnt."""

    runs: int
    left: int
    seconds: float
    how: str
    jobs: int

    @property
    def lines(self) -> list[str]:
        """In words."""
        return [f"runs      {self.runs}, of which {self.left} are left",
                f"a run     {_time(self.seconds)} ({self.how})",
                f"in all    about {_time(self.left * self.seconds / self.jobs)} on {self.jobs} workers"]


def outline(sweep: Sweep) -> list[str]:
    """What a sweep is, in a few lines: its question, its dimensions, its outcomes."""
    file = sweep.file
    lines = [f"{file.title}: {sweep.base.start} to {sweep.base.end}, {file.design.kind} of {len(sweep.points)} points, "
             f"{len(sweep.seeds)} seeds from {sweep.seeds[0]}", file.question, ""]
    for i, dimension in enumerate(sweep.dimensions):
        values = list(dict.fromkeys(_shown(point[i]) for point in sweep.points))
        shown = ", ".join(values) if len(values) <= 8 else f"{len(values)} values from {_ends(sweep, i)}"
        lines.append(f"{'unknown' if dimension.axis.sampled else 'lever':<10}{dimension.axis.name}: {shown}")
    units = ", ".join(f"{name} [{measure.unit}]" for name, measure in file.outcomes.items())
    return [*lines, f"outcomes  {units}"]


def _ends(sweep: Sweep, i: int) -> str:
    """Least and largest value of a dimension."""
    values = [point[i] for point in sweep.points]
    return f"{_shown(min(values))} to {_shown(max(values))}"


def _shown(value) -> str:
    """A value as one reads it."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def estimate(sweep: Sweep, out: str | Path, jobs: int | None = None) -> Estimate:
    """Runs and time of a sweep: from the runs that its folder holds, else from a short run lived now."""
    jobs, out = jobs or os.cpu_count() or 1, Path(out)
    heads = list(read_heads(open_sweep(out).path)) if is_sweep_folder(out) else []
    took = [head["cpu"] for head in heads if head["status"] != FAILED]
    left = max(sweep.runs - len(heads), 0)
    if took:
        return Estimate(sweep.runs, left, sum(took) / len(took), f"mean of {len(took)} runs in {place_of(out)}", jobs)
    seconds, days = _short_run(sweep)
    return Estimate(sweep.runs, left, seconds, f"from {days} days of the first run", jobs)


def _short_run(sweep: Sweep) -> tuple[float, int]:
    """CPU seconds that a run takes, from the first days of the first one, and how many days these were."""
    from dataclasses import replace
    from datetime import timedelta

    from sim.model import PolicyLab

    config = sweep.config(0)
    whole = (config.end - config.start).days + 1
    days = min(whole, SHORT)
    short = replace(config, end=config.start + timedelta(days=days - 1))
    PolicyLab(replace(config, end=config.start)).run()  # kernels are compiled or loaded once, not in every run
    began = time.process_time()
    lab = PolicyLab(short)
    opened = time.process_time()
    lab.run()
    return opened - began + (time.process_time() - opened) * whole / days, days


def _time(seconds: float) -> str:
    """A duration as one reads it."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"
