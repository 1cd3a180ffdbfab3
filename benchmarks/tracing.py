"""Tracing a year of the five provinces: every hour's flows, contracts first, stores carrying what they took in.

    .venv/bin/python -m benchmarks.tracing [--start 2025-01-01] [--days 365]

A run of the base year in which every hour is cleared alone; of it only the months' tracing is timed, CPU seconds of one
process, the kernel compiled before. What is said beside it: hours, buses, corridors, stores, sources and consumers, and
the largest share of any month's energy that was not traced to exactly one end.
"""

import argparse
import time
from datetime import date, timedelta

from benchmarks.record import figure, write
from sim.config import load
from sim.config.scenarios import PROJECT
from sim.model import PolicyLab
from sim.tracing import Tracer

SET = ("law.spot.engine=hour", "law.spot.storage_scheduling=own", "law.ancillary.mode=sequential", "scale.riders=2000",
       "scale.rest_riders=200")


def main():
    """Print the figures and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", default="2025-01-01")
    parser.add_argument("--days", type=int, default=365)
    asked = parser.parse_args()
    start = date.fromisoformat(asked.start)
    config = load(PROJECT / "configs" / "scenarios" / "base_2025.yaml", set=SET, start=start,
                  end=start + timedelta(days=asked.days - 1))
    lab, spent, gaps, plain = PolicyLab(config), [], [], Tracer.close
    hours = []

    def timed(tracer, facts, rules, green):
        if not hours:
            plain(tracer, facts, rules, green)  # compiles; the month is then traced again, from the same stores
            tracer._make = {}
            tracer.used, tracer.green, tracer.carbon = 0, 0, 0
        begun = time.process_time()
        plain(tracer, facts, rules, green)
        spent.append(time.process_time() - begun)
        hours.append(facts.output.shape[1])
        last = tracer.last
        gaps.append(float(abs(last.energy.sum(axis=0) - last.made).max() / last.made.sum()))

    Tracer.close = timed
    try:
        lab.run()
    finally:
        Tracer.close = plain
    grid, tracer = lab.grid, lab.facts.tracer
    print(f"{sum(hours):,} hours, {len(grid.bus)} buses, {len(grid.line)} lines, {len(grid.link)} links, "
          f"{len(grid.units.of_kind('store'))} stores, {len(tracer.source)} sources, {len(tracer.consumer)} consumers")
    print(f"{sum(spent):.2f} CPU s, {1e6 * sum(spent) / sum(hours):.0f} us an hour; untraced at most {max(gaps):.1e}")
    figures = [figure("a year traced", sum(spent), "s", ["numpy", "numba"]), figure("hours", sum(hours), "h"),
               figure("largest share untraced", max(gaps), "share")]
    print(f"written to {write('tracing', figures)}")


if __name__ == "__main__":
    main()
