"""The value of every coalition of ten small resources, and splits of what they earn.

    .venv/bin/python -m benchmarks.pools

1,024 coalitions of three batteries of users, three clusters of swap cabinets, two loads that can be moved and two that
can be shed, over 24 hours with regulation: a programme each, in Gray-code order on one model. CPU seconds of one
process; the median of five pools, each priced anew.
"""

import time

import numpy as np

from benchmarks.record import figure, write
from sim.engines.pooling import Pool
from sim.engines.records import Members
from sim.vpp import nucleolus, shapley, stability

HOURS, REPEATS = 24, 5


def members() -> Members:
    """Ten members: power MW, energy MWh, wear CNY/MWh; what sheds costs 300 and 600, for two hours a day."""
    power = np.array([4.0, 2, 3, 1.2, 0.8, 0.5, 3, 2, 2, 1])
    energy = np.array([8.0, 4, 6, 1.8, 1.2, 0.75, 3, 2, 0, 0])
    store, wide = energy > 0, np.ones(HOURS)
    return Members(np.outer(power * store, wide), np.outer(power, wide), energy,
                   np.array([0.88] * 3 + [0.92] * 3 + [1.0] * 4), np.array([10.0] * 6 + [20, 25, 300, 600]),
                   np.where(store, np.inf, 2 * power))


def main():
    """Print the figures and write them."""
    spent, split = [], []
    for seed in range(REPEATS):
        rng = np.random.default_rng(seed)
        price = 320 + 90 * np.sin((np.arange(HOURS) - 9) / 12 * np.pi) + rng.normal(0, 25, HOURS)
        pay = rng.uniform(5, 25, HOURS)
        begun = time.process_time()
        pool = Pool(members(), price, pay, 0.25, 5, 1)
        worth = pool.worths()
        value = shapley(worth)
        spent.append(time.process_time() - begun)
        begun = time.process_time()
        least = nucleolus(worth)
        split.append(time.process_time() - begun)
        print(f"worth {worth[-1]:,.0f} CNY a day; Shapley {np.round(value).astype(int).tolist()} in the core: "
              f"{stability(worth, value).in_core}; nucleolus {np.round(least).astype(int).tolist()}; "
              f"{spent[-1]:.2f} s, nucleolus {split[-1]:.2f} s")
    figures = [figure("Shapley of 10 members, coalitions by LP", spent, "s", ["highspy"]),
               figure("nucleolus of 10 members", split, "s", ["scipy"])]
    print(f"written to {write('pools', figures)}")


if __name__ == "__main__":
    main()
