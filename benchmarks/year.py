"""A year of the five provinces, every market on, every day settled twice, output written: CPU seconds and memory.

    .venv/bin/python -m benchmarks.year

Two designs of the market, each as a whole process from the command line on: `hour`, in which owners schedule their own
stores and water and every hour is cleared alone, twice a day; `day`, in which the day-ahead market co-optimises 24
hours with stores, energy budgets and reserves, and real time follows hour by hour. The riders are few: they have a
benchmark of their own. The yardstick, measured in the same run on the same machine: 365 days of the common case of 60
buses and 300 plants as one linear programme in bare HiGHS, its model kept and its basis warm (`benchmarks.clearing`).
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.case60 import build
from benchmarks.clearing import by_highs, timed
from benchmarks.record import figure, write

ALWAYS = ("law.spot.regime=spot", "scale.riders=2000", "scale.rest_riders=200", "record.figures=false")
DESIGNS = {"hour": ("law.spot.engine=hour", "law.spot.storage_scheduling=own", "law.ancillary.mode=sequential"),
           "day": ()}
DAYS = 30  # of the yardstick that are measured


def lived(*changes: str) -> tuple[float, float]:
    """CPU seconds and MB of a year lived by the command line with these changes."""
    with tempfile.TemporaryDirectory() as folder:
        sets = [part for change in (*ALWAYS, *changes) for part in ("--set", change)]
        command = [sys.executable, "-m", "experiments", "run", "base_2025", *sets, "--quiet", "--out",
                   str(Path(folder) / "run")]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, after.ru_maxrss / 1024


def main():
    """Print the table and write the figures."""
    lived("period.end='2025-01-03'")  # kernels compile once
    yardstick = timed(by_highs, build(DAYS * 24), DAYS)[0] * 365 / DAYS
    print(f"yardstick: a year of the common case in bare HiGHS {yardstick:.1f} CPU s")
    figures = [figure("common case in bare HiGHS, a year", yardstick, "s", ["highspy"])]
    for name, changes in DESIGNS.items():
        spent, memory = lived(*changes)
        print(f"{name:5} {spent:6.1f} CPU s, {spent / yardstick:5.2f} of the yardstick, at most {memory:5.0f} MB")
        figures += [figure(f"{name}: CPU of a year", spent, "s", ["gridgig"]),
                    figure(f"{name}: over the yardstick", spent / yardstick, "ratio"),
                    figure(f"{name}: largest memory", memory, "MB")]
    print(f"written to {write('year', figures)}")


if __name__ == "__main__":
    main()
