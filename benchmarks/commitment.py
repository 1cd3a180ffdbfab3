"""A July and a January day of the five provinces with must-run shares, with relaxed and with whole commitment.

    .venv/bin/python -m benchmarks.commitment [--gap 1e-4]

The day's orders and conditions are those that the model itself brings to its first clearing of the day, on the second
day of a run: in July the day-ahead market, in January the dispatch with corridors held to agreements.
Must-run is the house's default: shares of what coal and gas could give, no cost of starts. Commitment takes these
shares away and asks for starts, least outputs, up and down times instead (`commitment.csv`), beginning with the blocks
that last night's output needs. Costs are those of the offers, starts included where there are any, over those of the
must-run day; prices are means over load. CPU seconds of one process, each day solved from scratch.
"""

import argparse
import time
from datetime import date, timedelta

import numpy as np

from benchmarks.record import figure, write
from sim.config import load
from sim.config.scenarios import PROJECT
from sim.engines import cooptimised
from sim.engines.commitment import CommitmentEngine, shortfall
from sim.engines.cooptimised import CooptimisedEngine
from sim.network.blocks import commitment

DAYS = (date(2025, 7, 16), date(2025, 1, 15))


def asked(on: date) -> tuple:
    """Network, fleet, orders and day of the spot market on a date, and the world's commitment."""
    from sim.model import PolicyLab

    heard = []

    class Listening(CooptimisedEngine):
        """Keeps what it was asked."""

        def clear(self, *asked):
            heard.append((self.network, self.fleet, *asked))
            return super().clear(*asked)

    config = load(PROJECT / "configs" / "scenarios" / "base_2025.yaml", set=["scale.riders=1000"],
                  start=on - timedelta(days=1), end=on)
    plain, cooptimised.CooptimisedEngine = cooptimised.CooptimisedEngine, Listening
    try:
        lab = PolicyLab(config)
        lab.step()
        heard.clear()
        lab.step()
    finally:
        cooptimised.CooptimisedEngine = plain
    world = config.world
    return *heard[0], commitment(lab.grid.units, world["blocks"], world["commitment"])


def timed(work):
    """What a call gives and the CPU seconds that it took."""
    begun = time.process_time()
    return work(), time.process_time() - begun


def main():
    """Print the table and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gap", type=float, default=1e-4, help="share of the objective at which the search ends")
    gap, figures = parser.parse_args().gap, []
    print(f"{'day':11}{'rule':10}{'cost over must-run':>20}{'starts':>10}{'price':>9}{'missing':>10}{'gap':>9}"
          f"{'CPU':>9}")
    for on in DAYS:
        network, fleet, book, day, plan = asked(on)
        base, spent = timed(lambda: CooptimisedEngine(network, fleet).clear(book, day))  # noqa: B023
        results = [("must-run", base, spent)]
        for rule, integral in (("relaxed", False), ("integer", True)):
            engine = CommitmentEngine(network, fleet, plan, integral, gap=gap)
            results.append((rule, *timed(lambda: engine.clear(book, day))))  # noqa: B023
        for rule, found, spent in results:
            price = float((found.price * day.load).sum() / day.load.sum())
            starts = getattr(found, "start_cost", 0.0)
            missing = shortfall(found, book, fleet, plan).sum() if rule != "must-run" else np.nan
            over = found.objective - base.objective
            print(f"{on!s:11}{rule:10}{over / 1e6:14.3f} M CNY{starts / 1e6:8.2f} M{price:9.1f}{missing / 1e6:8.2f} M"
                  f"{getattr(found, 'gap', 0.0):9.1e}{spent:7.2f} s")
            name = f"{on}, {rule}: "
            figures += [figure(name + "CPU", spent, "s", ["highspy"]), figure(name + "mean price", price, "CNY/MWh"),
                        figure(name + "cost over must-run", over, "CNY")]
    print(f"written to {write('commitment', figures)}")


if __name__ == "__main__":
    main()
