"""Riders by the million: what a month costs, what a year costs, what it weighs, and what paired runs save.

    .venv/bin/python -m benchmarks.riders [--rows 1000000] [--most 16000000] [--pairs 30] [--growth]

Speed is CPU time of one process, ns for a rider and month, median of the months after the first (whose compilation is
left out), side by side in one run: the compiled kernels, the same in plain numpy columns, and a small reference month
that any framework can express (`reference_month`). Memory is the largest resident set of a process of its own for each
size; what it and the CPU time of a year do as rows grow is written as `results/riders_growth.csv` and `.png` (with
--growth nothing else is measured). Pairs live a year of the toy world from April 2025 under two policies: once with the
same seed, once each with a seed of its own.
"""

import argparse
import csv
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from agents import riders_kernels, riders_plain
from benchmarks.record import RESULTS, figure, write
from experiments.drawing import BLUE, ORANGE, WIDTH, headline, note, styled
from experiments.riders_alone import RidersAlone, takeup
from sim.config import load
from sim.insurance.window import eligible

BASE, TOY = "configs/scenarios/base_2025.yaml", "configs/scenarios/toy.yaml"
NAMED, REST = 472_300, 3  # riders of the named cities one to one; rest regions
PARTS = ("work", "close", "learn")
SIZES = (100_000, 250_000, 1_000_000, 4_000_000, 16_000_000)


def scale(rows: int) -> list[str]:
    """Scenario changes that give so many rows: half of them named cities', as far as these have riders."""
    named = min(rows // 2, NAMED)
    return [f"scale.riders={named}", f"scale.rest_riders={(rows - named) // REST}"]


def timed(world: RidersAlone) -> dict[str, list[float]]:
    """Let the verbs of a world's riders note their CPU seconds, by month; days of work are summed."""
    seconds = {part: [] for part in PARTS}

    def measure(part: str, verb, *arguments):
        start = time.process_time()
        result = verb(*arguments)
        spent = time.process_time() - start
        if part == "work" and not arguments[0].opens_month:
            seconds[part][-1] += spent
        else:
            seconds[part].append(spent)
        return result

    for part in PARTS:
        setattr(world.riders, part, partial(measure, part, getattr(world.riders, part)))
    return seconds


def months(rows: int, kernels, end: str) -> dict[str, float]:
    """ns for a rider and month of each verb, July 2025 to the end, median without the first month; CPU s of them
    all."""
    world = RidersAlone(load(BASE, set=scale(rows), start="2025-07-01", end=end))
    world.riders.kernels = kernels
    seconds = timed(world)
    world.live(lambda lived: None)
    size = world.riders.size
    found = {part: statistics.median(spent[1:]) / size * 1e9 for part, spent in seconds.items()}
    return found | {"year": sum(statistics.median(spent[1:]) * 12 for spent in seconds.values()), "rows": size}


def reference_month(rows: int, count: int = 6) -> float:
    """ns for a rider and month of a reference: incomes, a six-month window, peers among eight, a logistic choice,
    exits; in numpy float32 columns."""
    dice = np.random.default_rng(1)
    base = (6000 * np.exp(0.35 * dice.standard_normal(rows))).astype(np.float32)
    plan, enrolled = dice.random(rows) < 0.5, np.zeros(rows, bool)
    friends, window, spent = dice.integers(0, rows, (rows, 8), dtype=np.int32), np.zeros(rows, np.uint8), []
    for _ in range(count):
        start = time.process_time()
        income = base * np.exp(np.float32(0.2) * dice.standard_normal(rows, np.float32) - np.float32(0.02))
        ok = income >= 5000
        window = (window << 1 | ok) & 63
        eligible = ok & (np.bitwise_count(window) >= 3)
        share = enrolled[friends].mean(axis=1, dtype=np.float32)
        u = -4 + 6 * 600 / income + 3 * share - np.float32(1.5) * plan
        enrolled |= eligible & (dice.random(rows, np.float32) < 1 / (1 + np.exp(-u)))
        gone = np.flatnonzero(dice.random(rows, np.float32) < 0.06)
        base[gone] = 6000 * np.exp(0.35 * dice.standard_normal(len(gone), np.float32))
        plan[gone], window[gone], enrolled[gone] = dice.random(len(gone)) < 0.5, 0, False
        spent.append(time.process_time() - start)
    return statistics.median(spent[1:]) / rows * 1e9


def crowded(folder: Path, times: int) -> Path:
    """Write a copy of the base year's world with so many times the riders and orders; gives its scenario's path."""
    for part in ("worlds/yunnan", "law", "scenarios"):
        shutil.copytree(Path("configs") / part, folder / part)
    cities = folder / "worlds" / "yunnan" / "cities.csv"
    with cities.open(newline="") as file:
        header, *rows = csv.reader(file)
    for row in rows:
        for name in ("riders [persons]", "orders [orders/day]"):
            row[header.index(name)] = str(int(row[header.index(name)]) * times)
    with cities.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return folder / "scenarios" / "base_2025.yaml"


def weigh(rows: int):
    """Print, as JSON, what a year of so many rows takes: CPU s, largest resident set in MB, bytes of columns.

    Beyond the riders there are, in a world of ten times as many.
    """
    with tempfile.TemporaryDirectory() as folder:
        scenario = crowded(Path(folder), 10) if rows > 2_000_000 else BASE
        world = RidersAlone(load(scenario, set=scale(rows), start="2025-01-01", end="2025-12-31"))
    start = time.process_time()
    world.live(lambda lived: None)
    riders = world.riders
    columns = sum(getattr(riders, name).itemsize for name in riders.columns()) + riders.ties.nbytes / riders.size
    print(json.dumps({"rows": riders.size, "seconds": time.process_time() - start, "bytes": columns,
                      "megabytes": largest_resident_set()}))


def largest_resident_set() -> float:
    """MB that this process held at most. The system's `ru_maxrss` would begin with that of who started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def growth(most: int) -> list[dict]:
    """A year at sizes up to the most, each in a process of its own."""
    sizes = [size for size in SIZES if size <= most]
    return [json.loads(subprocess.run([sys.executable, "-m", "benchmarks.riders", "--weigh", str(size)], check=True,
                                      capture_output=True, text=True).stdout) for size in sizes]


def write_growth(sizes: list[dict]) -> list[Path]:
    """Write what sizes took as CSV and draw it; gives both paths. sizes: as `growth` gives them."""
    RESULTS.mkdir(exist_ok=True)
    table, picture = (RESULTS / f"riders_growth.{kind}" for kind in ("csv", "png"))
    with table.open("w", newline="") as file:
        lines = csv.DictWriter(file, ["rows", "seconds", "megabytes", "bytes"], lineterminator="\n")
        lines.writeheader()
        lines.writerows({name: round(one[name], 3) for name in lines.fieldnames} for one in sizes)
    drawn_growth(sizes).savefig(picture, dpi=160)
    return [table, picture]


@styled
def drawn_growth(sizes: list[dict]) -> Figure:
    """CPU time of a year and memory against rows, both axes by powers of ten, with what must be kept to."""
    rows = np.array([one["rows"] for one in sizes])
    figure = Figure(figsize=(WIDTH, 3.4))
    headline(figure, "A year of riders, bills and benefits included: what it takes as rows grow")
    left, right = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.09, right=0.975, top=0.79, bottom=0.19, wspace=0.24)
    panels = ((left, "seconds", "CPU time of one core [s]", 15, 1e6, "a million riders: 15 s"),
              (right, "megabytes", "largest resident set [MB]", 8 * 1024, 16e6, "16 million riders: 8 GB"))
    for ax, name, title, limit, at, text in panels:
        values = np.array([one[name] for one in sizes])
        ax.loglog(rows, values, color=BLUE, marker="o", markersize=4)
        for x, value in zip(rows, values):
            ax.annotate(f"{value:,.3g}" if value < 1000 else f"{value:,.0f}", (x, value), xytext=(5, -10),
                        textcoords="offset points", fontsize=7, color=BLUE)
        ax.plot([at], [limit], color=ORANGE, marker="_", markersize=16, markeredgewidth=2.5)
        ax.annotate(text, (at, limit), xytext=(-9, 6), textcoords="offset points", ha="right", fontsize=7.5,
                    color=ORANGE)
        ax.set(xlabel="rows", xlim=(7e4, 3.5e7), ylim=(values.min() / 2, 3 * max(values.max(), limit)), title=title)
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.yaxis.set_major_formatter("{x:,.0f}")
        ax.yaxis.set_minor_formatter("")
        ax.grid(True, which="major")
    note(figure, "Riders alone, base year 2025; each size in a process of its own. Orange: what must be kept to.")
    return figure


CONTRASTS = {  # two policies each
    "the subsidy or none": ([], ["instruments.pension_subsidy=false"]),
    "a match of 0.50 or 0.51": ([], ["law.pension_subsidy.match=0.51"]),
    "a match of 0.500 or 0.502": ([], ["law.pension_subsidy.match=0.502"]),
}


class After(NamedTuple):
    """Riders in March 2026: who they are, whether their window meets the subsidy's conditions, whether they paid, and
    the persons that a row stands for; arrays [row]. takeup: among the eligible."""

    identity: np.ndarray
    eligible: np.ndarray
    enrolled: np.ndarray
    weight: np.ndarray
    takeup: float


def after_a_year(seed: int, changes: list[str]) -> After:
    """The riders of the toy world after a year under a policy."""
    world, found = RidersAlone(load(TOY, set=changes, seed=seed, start="2025-04-01", end="2026-03-31")), []
    world.live(lambda lived: found.append(lived.people))
    people = found[-1]
    return After(people.identity, eligible(people.met, 3, 6), people.enrolled, people.weight,
                 takeup(world.riders, people))


def pairs(count: int, contrast: str) -> dict[str, float]:
    """Variance of the difference in take-up over seeds: of runs with different seeds over runs with the same; and what
    stands in its way.

    Draws are addressed by person and month, so both runs of a pair hold the same people (`same_person`) and nearly all
    decide alike; a share p of the eligible decides otherwise (`otherwise`) and hardly anybody against the policy
    (`against`). What is left of a paired difference is which riders happen to stand on the edge: p (1 - p) a rider,
    `floor_sd` of n eligible. An unpaired one varies by the own variances of both take-ups, a (1 - a) + b (1 - b) a
    rider. No way of pairing does better than their ratio (`most`), whatever n: fifty times if p is below a per cent,
    three times for a policy that moves an eighth of the eligible.
    """
    one, other = ([after_a_year(seed, changes) for seed in range(count)] for changes in CONTRASTS[contrast])
    takeups = np.array([[run.takeup for run in runs] for runs in (one, other)])
    paired, unpaired = takeups[1] - takeups[0], np.roll(takeups[1], 1) - takeups[0]
    least = 1e-12  # no rider at all decided otherwise
    way = np.sign(paired.mean())
    moved = np.array([_moved(a, b, way) for a, b in zip(one, other)])
    same, share, against, rows = moved.mean(axis=0)
    a, b = takeups.mean(axis=1)
    return {"difference": paired.mean(), "paired_sd": paired.std(ddof=1), "unpaired_sd": unpaired.std(ddof=1),
            "ratio": unpaired.var(ddof=1) / max(paired.var(ddof=1), least), "same_person": same, "otherwise": share,
            "against": against, "floor_sd": np.sqrt(share * (1 - share) / rows),
            "most": (a * (1 - a) + b * (1 - b)) / max(share * (1 - share), least)}


def _moved(one: After, other: After, way: float) -> tuple[float, float, float, int]:
    """Of a pair: share of slots that hold the same person; of the eligible among them, who decided otherwise, and who
    did against the way take-up went; and how many they are."""
    same = one.identity == other.identity
    asked = same & one.eligible & other.eligible
    step = other.enrolled[asked].astype(int) - one.enrolled[asked]
    return same.mean(), (step != 0).mean(), (step * way < 0).mean(), int(asked.sum())


def main():
    """Measure, print, and write `benchmarks/results/riders.json`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--most", type=int, default=16_000_000)
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--only-pairs", action="store_true", help="print the pairs and write nothing")
    parser.add_argument("--weigh", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.weigh:
        weigh(chosen.weigh)
        return
    if chosen.growth:
        print(*write_growth(growth(chosen.most)), sep="\n")
        return
    if chosen.only_pairs:
        for contrast in CONTRASTS:
            for name, value in pairs(chosen.pairs, contrast).items():
                print(f"{value:12.4g} {chosen.pairs} pairs, {contrast}: {name}")
        return
    packages, figures = ("numpy", "numba"), []
    months(20_000, riders_kernels, "2025-09-30")  # compile
    compiled = months(chosen.rows, riders_kernels, "2025-12-31")
    plain = months(chosen.rows // 10, riders_plain, "2025-09-30")
    reference = reference_month(chosen.rows)
    for name, found in (("compiled", compiled), ("plain numpy", plain)):
        figures += [figure(f"{part}, {name}", found[part], "ns a rider-month", packages) for part in PARTS]
    figures += [figure("reference month in numpy columns", reference, "ns a rider-month", packages),
                figure("a year of a million, compiled", compiled["year"] * 1e6 / compiled["rows"], "CPU s", packages),
                figure("learn over the reference month", compiled["learn"] / reference, "ratio", packages)]
    sizes = growth(chosen.most)
    print(*write_growth(sizes), sep="\n")
    for size in sizes:
        figures += [figure(f"a year of {size['rows']} rows, with bills", size["seconds"], "CPU s", packages),
                    figure(f"memory of {size['rows']} rows", size["megabytes"], "MB", packages),
                    figure(f"columns and ties of {size['rows']} rows", size["bytes"], "bytes a row", packages)]
    if chosen.pairs:
        for contrast in CONTRASTS:
            figures += [figure(f"{chosen.pairs} pairs, {contrast}: {name}", value,
                               "ratio" if name in ("ratio", "most") else "share", packages)
                        for name, value in pairs(chosen.pairs, contrast).items()]
    for one in figures:
        print(f"{one['value']:12.4g} {one['unit']:24s} {one['figure']}")
    print(write("riders", figures))


if __name__ == "__main__":
    main()
