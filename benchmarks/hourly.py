"""Hours cleared alone: this engine and HiGHS kept alive from hour to hour, side by side; and how fast it starts.

    .venv/bin/python -m benchmarks.hourly [--days 60] [--repeats 5]

The case: 50 buses in five areas, 84 AC lines, 11 links with loss and fee, 300 units that offer 1,604 segments, each
hour for itself. HiGHS holds the text book's formulation (angles at buses, one row per bus and line) in one model whose
bounds and sides change in place, each hour started from the last one's basis. Both must find the same objective.
Measured in one process in CPU seconds, in turns. Start-up is measured in fresh processes, once without compiled
kernels on disk and then with them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

import highspy
import numpy as np
from scipy import sparse

from benchmarks.record import figure, write
from sim.engines.hourly import HourlyEngine
from sim.engines.records import Book, Day, Fleet, Network

HOURS, AREAS, PER_AREA = 24, 5, 10
BUSES, LINES, LINKS, UNITS, SEGMENTS = 50, 84, 11, 300, 1604
FLOOR, CAP = 0.0, 1500.0
START = """
import time
begun = time.perf_counter()
from benchmarks.hourly import case, days, engine_of
the_case = case(1)
the_engine = engine_of(the_case)
ready = time.perf_counter()
the_engine.clear(*next(days(the_case, 1)))
print(time.perf_counter() - begun, time.perf_counter() - ready)
"""


def case(number: int) -> dict:
    """The case for some days: rings of ten buses with chords, links from area to area, plants with rising segments."""
    r, weather = np.random.default_rng(50), np.random.default_rng(51)  # the network is one for any number of days
    bus = np.arange(BUSES)
    ring = [(b, b + 1 if (b + 1) % PER_AREA else b + 1 - PER_AREA) for b in bus]
    chords = [tuple(i % AREAS * PER_AREA + r.choice(PER_AREA, 2, replace=False)) for i in range(LINES - len(ring))]
    areas = [(i % AREAS, (i + 1 + i // AREAS) % AREAS) for i in range(LINKS)]
    links = [(a * PER_AREA + r.integers(PER_AREA), b * PER_AREA + r.integers(PER_AREA)) for a, b in areas]
    hour = np.arange(number * HOURS)
    wave = 1 + 0.2 * np.sin((hour % HOURS - 9) / HOURS * 2 * np.pi) + 0.1 * np.sin(hour / HOURS / 58)
    kind = np.repeat(["water", "coal", "wind", "sun"], [130, 90, 50, 30])
    capacity = r.uniform(60, 400, UNITS)
    share = np.ones((UNITS, len(hour)))
    share[kind == "water"] = np.clip(0.6 + 0.25 * np.sin(hour / HOURS / 58), 0.2, 1)
    gusts = np.repeat(weather.normal(size=(len(hour) // 6, 50)), 6, axis=0).T
    share[kind == "wind"] = np.clip(0.35 + 0.2 * gusts, 0, 1)
    share[kind == "sun"] = np.clip(np.sin((hour % HOURS - 6) / 12 * np.pi), 0, 1) * r.uniform(0.4, 1, (30, 1))
    pieces = np.full(UNITS, SEGMENTS // UNITS) + (np.arange(UNITS) < SEGMENTS % UNITS)
    owner = np.repeat(np.arange(UNITS), pieces)
    place = np.concatenate([np.arange(n) for n in pieces])
    load = 29000 * r.dirichlet(np.full(BUSES, 3.0))[:, None] * wave * weather.uniform(0.95, 1.05, (len(hour), BUSES)).T
    base = np.select([kind == "water", kind == "coal"], [r.uniform(60, 260, UNITS), r.uniform(240, 420, UNITS)], 1.0)
    return {"from": np.array([a for a, _ in ring + chords]), "to": np.array([b for _, b in ring + chords]),
            "capacity": np.round(r.uniform(350, 900, LINES)), "susceptance": 100 / r.uniform(0.004, 0.02, LINES),
            "start": np.array([a for a, _ in links]), "end": np.array([b for _, b in links]),
            "most": np.round(r.uniform(300, 1200, LINKS)), "loss": r.uniform(0.02, 0.07, LINKS),
            "fee": np.round(r.uniform(5, 60, LINKS)), "at": r.integers(BUSES, size=UNITS), "owner": owner,
            "price": base[owner] * (1 + 0.06 * place) + np.round(r.uniform(0, 5, SEGMENTS), 2),
            "volume": (capacity / pieces)[owner, None] * share[owner],
            "load": load}


class Timed(HourlyEngine):
    """The engine with a clock on the hours alone, without merging orders and reading back. spent: CPU s."""

    spent = 0.0

    def _run(self, *work):
        begun = time.process_time()
        fallbacks = super()._run(*work)
        self.spent += time.process_time() - begun
        return fallbacks


def engine_of(case: dict) -> Timed:
    """A new engine for the case."""
    free = np.zeros(UNITS)
    network = Network(
        buses=BUSES, area=np.arange(BUSES) // PER_AREA, reference=np.arange(AREAS) * PER_AREA, line_from=case["from"],
        line_to=case["to"], line_capacity=case["capacity"], line_susceptance=case["susceptance"],
        line_shift=np.zeros(LINES), link_from=case["start"], link_to=case["end"], link_capacity=case["most"],
        link_reverse=case["most"], link_minimum=np.zeros(LINKS), link_loss=case["loss"], link_fee=case["fee"],
        joints=())
    return Timed(network, Fleet(case["at"], np.full(UNITS, np.inf), np.zeros(UNITS, bool), free, free, free))


def days(case: dict, number: int):
    """The days of the case, as the engine takes them."""
    side, price = np.ones(SEGMENTS, np.int8), np.repeat(case["price"][:, None], HOURS, axis=1)
    none, open_links = np.zeros(UNITS), np.repeat(case["most"][:, None], HOURS, axis=1)
    for first in range(0, number * HOURS, HOURS):
        hours = slice(first, first + HOURS)
        yield (Book(case["owner"].astype(np.int32), side, price, case["volume"][:, hours]),
               Day(load=case["load"][:, hours], minimum=np.zeros((UNITS, HOURS)), energy=np.full(UNITS, np.inf),
                   stored=none, stored_end=none, link_available=open_links, floor=FLOOR, cap=CAP,
                   output_before=np.full(UNITS, np.nan)))


def by_engine(case: dict, number: int) -> tuple[float, float, float]:
    """CPU seconds in all, those of the hours alone, and the objective."""
    engine, asked = engine_of(case), list(days(case, number))
    objective, fallbacks, begun = 0.0, 0, time.process_time()
    for day in asked:
        solution = engine.clear(*day)
        objective, fallbacks = objective + solution.objective, fallbacks + solution.events["fallbacks"]
    assert fallbacks == 0, "HiGHS cleared some of the hours"
    return time.process_time() - begun, engine.spent, objective


def programme(case: dict) -> highspy.Highs:
    """An hour in HiGHS. Columns: segments, shed, disposed, links forward, backward, angles. Rows: buses, lines."""
    lines, one, kept = np.arange(LINES), np.ones(LINES), 1 - case["loss"]
    ends = sparse.csr_array((np.r_[one, -one], (np.r_[lines, lines], np.r_[case["from"], case["to"]])), (LINES, BUSES))
    flow, link = sparse.diags_array(case["susceptance"]) @ ends, np.arange(LINKS)
    segments = sparse.csr_array((np.ones(SEGMENTS), (case["at"][case["owner"]], np.arange(SEGMENTS))),
                                (BUSES, SEGMENTS))
    here, there = ((np.r_[case[a], case[b]], np.r_[link, link]) for a, b in (("start", "end"), ("end", "start")))
    put = np.r_[-np.ones(LINKS), kept]
    over = [sparse.csr_array((put, where), (BUSES, LINKS)) for where in (here, there)]
    shed = sparse.eye_array(BUSES)
    buses = sparse.hstack([segments, shed, -shed, *over, -(ends.T @ flow)])
    matrix = sparse.vstack([buses, sparse.hstack([sparse.csr_array((LINES, buses.shape[1] - BUSES)), flow])]).tocsc()
    highs, lp = highspy.Highs(), highspy.HighsLp()
    for name, value in {"output_flag": False, "threads": 1, "presolve": "off", "solver": "simplex"}.items():
        assert highs.setOptionValue(name, value) == highspy.HighsStatus.kOk, name
    fee = case["fee"] * kept
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_ = np.r_[case["price"], np.full(BUSES, CAP), np.full(BUSES, -FLOOR), fee, fee, np.zeros(BUSES)]
    free = np.where(np.arange(BUSES) % PER_AREA, np.inf, 0.0)  # the angle of every reference is zero
    lp.col_lower_ = np.r_[np.zeros(matrix.shape[1] - BUSES), -free]
    lp.col_upper_ = np.r_[np.zeros(SEGMENTS), np.full(2 * BUSES, np.inf), case["most"], case["most"], free]
    lp.row_lower_ = np.r_[np.zeros(BUSES), -case["capacity"]]
    lp.row_upper_ = np.r_[np.zeros(BUSES), case["capacity"]]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    assert highs.passModel(lp) == highspy.HighsStatus.kOk
    return highs


def by_highs(case: dict, number: int) -> tuple[float, float]:
    """CPU seconds and the objective."""
    highs, objective = programme(case), 0.0
    columns, rows, none = np.arange(SEGMENTS, dtype=np.int32), np.arange(BUSES, dtype=np.int32), np.zeros(SEGMENTS)
    loads, volumes = np.ascontiguousarray(case["load"].T), np.ascontiguousarray(case["volume"].T)
    begun = time.process_time()
    for hour in range(number * HOURS):
        highs.changeColsBounds(SEGMENTS, columns, none, volumes[hour])
        highs.changeRowsBounds(BUSES, rows, loads[hour], loads[hour])
        highs.run()
        assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        prices = np.array(highs.getSolution().row_dual)[:BUSES]
        assert np.isfinite(prices).all()
        objective += highs.getInfo().objective_function_value
    return time.process_time() - begun, objective


def start_up() -> tuple[list[float], list[float]]:
    """Seconds from nothing to the first day cleared, and of that day alone: first compiling, then thrice from disk."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        runs = [subprocess.run([sys.executable, "-c", START], env=environment, capture_output=True, text=True,
                               check=True).stdout for _ in range(4)]
    seconds = [[float(word) for word in run.split()] for run in runs]
    return [whole for whole, _ in seconds], [first for _, first in seconds]


def main():
    """Measure, compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    the_case, hours = case(asked.days), asked.days * HOURS
    by_engine(the_case, 1)  # loading compiled kernels is start-up
    ours, alone, theirs = [], [], []
    for _ in range(asked.repeats):
        whole, spent, objective = by_engine(the_case, asked.days)
        seconds, reference = by_highs(the_case, asked.days)
        if not abs(objective - reference) <= 1e-9 * abs(reference):
            raise SystemExit(f"objective {objective:.6f}, HiGHS finds {reference:.6f}")
        ours, alone, theirs = ours + [whole], alone + [spent], theirs + [seconds]
    packages = ["numba", "numpy", "highspy"]

    def an_hour(seconds):
        return [1e3 * s / hours for s in seconds]

    whole, first = start_up()
    figures = [figure("engine, an hour, orders merged and results read back", an_hour(ours), "CPU ms", packages),
               figure("engine, an hour, clearing alone", an_hour(alone), "CPU ms", packages),
               figure("HiGHS kept alive, an hour", an_hour(theirs), "CPU ms", packages),
               figure("HiGHS / engine", [b / a for a, b in zip(ours, theirs)], "ratio", packages),
               figure("HiGHS / engine, clearing alone", [b / a for a, b in zip(alone, theirs)], "ratio", packages),
               figure("start to first day, compiling", whole[0], "s", packages),
               figure("start to first day, compiled before", whole[1:], "s", packages),
               figure("of which the first day, compiled before", first[1:], "s", packages)]
    for one in figures:
        low, high = one["range"]
        print(f"{one['figure']:<54}{one['median']:>9.3f} {one['unit']:<7} ({low:.3f} to {high:.3f})")
    print(f"reach: about 0.1 CPU ms an hour\nwritten to {write('hourly', figures)}")


if __name__ == "__main__":
    main()
