"""A year of choice of all 340,000 retail accounts, against the same arithmetic in plain numpy, which must agree.

Both live the same twelve months from the same state with the same draws: who looks, which offers each sees, which one
he takes, and what stands in contracts then (energy by contract and group). Measured in one process in CPU seconds, in
turns. The whole room (posting, choosing, bills, credit, learning) is measured beside it.
"""

import argparse
import time

import numpy as np

from agents import accounts_kernels as kernels
from benchmarks.record import figure, write
from tests.agents.retail_lab import RetailLab, walk

ACCOUNTS, MONTHS, POWER = 340_000, 12, 1300.0
GOLD, UNIT = np.uint64(0x9E3779B97F4A7C15), 2.0**-53
SEEN, TASTE = kernels.SEEN, kernels.TASTE


def uniform(key: np.uint64, identity: np.ndarray) -> np.ndarray:
    """The draws of `sim.streams.uniform`, a column at a time."""
    def mix(x):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))

    word = mix(mix(identity * GOLD + np.full(1, key)) ^ np.full(1, key))
    return ((word >> np.uint64(11)) + 0.5) * UNIT


def by_numpy(key, identity, group, size, entry, reluctance, taste, contract, left, fallen, entered, posted, owner,
             green, price, default_price, index, peers, first, offers, term, base, base_due, seen, alpha, inertia,
             liking, alarm, peer_weight, entry_factor, fallen_factor):
    """`accounts_kernels.choose` in plain numpy: whole columns instead of a loop."""
    may = np.isin(np.arange(offers), posted)
    left[contract > 0] -= 1
    mine = np.flatnonzero((contract == 0) | (left <= 0))
    own = np.where(contract[mine] > 0, (contract[mine] - 1) % offers, -1)
    gone = (own >= 0) & ~may[own]
    contract[mine[gone]], left[mine[gone]], own[gone] = 0, 0, -1
    g, has = group[mine], own >= 0
    now = np.where(has, price[g, own], default_price[g] * np.where(fallen[mine], fallen_factor, 1.0))
    z = np.where(has, base_due, base) + peer_weight * peers[g] - reluctance[mine]
    z = z + np.where(np.isnan(index[g]), 0.0, alarm * (now - index[g]))
    look = uniform(key, identity[mine]) * (1.0 + np.exp(-z)) < 1.0
    stay = mine[has & ~look]
    contract[stay], left[stay] = first + own[has & ~look], term
    mine, own, now, has = mine[look], own[look], now[look], has[look]
    word = identity[mine] * np.uint64(64)
    here = word[:, None] + np.arange(seen + 1, dtype=np.uint64)
    noise = -np.log(-np.log(uniform(key ^ TASTE, here.ravel()))).reshape(here.shape)
    offer = posted[(uniform(key ^ SEEN, here[:, 1:].ravel()) * len(posted)).astype(np.int64)].reshape(len(mine), seen)
    liked = liking * taste[mine]
    worth = price[group[mine][:, None], offer] - np.where(green[offer], liked[:, None], 0.0) \
        - np.where(has[:, None] & (owner[offer] == owner[own][:, None]), inertia, 0.0)
    first_value = np.where(has, -alpha * (now - inertia - np.where(green[own], liked, 0.0)) + noise[:, 0], -1e300)
    value = np.concatenate([first_value[:, None], -alpha * worth + noise[:, 1:]], axis=1)
    best = np.concatenate([own[:, None], offer], axis=1)[np.arange(len(mine)), value.argmax(axis=1)]
    new = ~has & ~entered[mine]
    out = new & ((now - price[group[mine], best]) * size[mine] <= entry[mine] * entry_factor)
    mine, best = mine[~out], best[~out]
    contract[mine], left[mine], fallen[mine], entered[mine] = first + best, term, False, True


def state(lab: RetailLab) -> dict:
    """A copy of what months of choice change."""
    return {name: getattr(lab.accounts, name).copy() for name in ("contract", "left", "fallen", "entered")}


def asked(lab: RetailLab, month: int, changing: dict) -> tuple:
    """The arguments of a month of choice, on a copy of the state."""
    taken = []
    choose, kernels.choose = kernels.choose, lambda *a: taken.extend(a) or (0, 0, 0, 0)
    try:
        lab.shop.shelf.first = 1 + month % lab.shop.term * lab.shop.offers
        lab.accounts.choose(month, lab.shop.shelf, lab.law.on(lab.month.first)["retail"])
    finally:
        kernels.choose = choose
    taken[7:11] = (changing[name] for name in ("contract", "left", "fallen", "entered"))
    return tuple(taken)


def by_kernel(lab: RetailLab, start: dict) -> tuple[float, dict, np.ndarray]:
    """CPU seconds of twelve months, the state after them, and what contracts hold."""
    changing = {name: column.copy() for name, column in start.items()}
    work = [asked(lab, lab.month.number + k, changing) for k in range(MONTHS)]
    begun = time.process_time()
    for one in work:
        kernels.choose(*one)
        held = kernels.held(changing["contract"], lab.accounts.group, lab.accounts.yearly, len(lab.shop.owner),
                            lab.accounts.groups)
    return time.process_time() - begun, changing, held


def by_columns(lab: RetailLab, start: dict) -> tuple[float, dict, np.ndarray]:
    """The same in plain numpy."""
    changing = {name: column.copy() for name, column in start.items()}
    work = [asked(lab, lab.month.number + k, changing) for k in range(MONTHS)]
    slots, groups = len(lab.shop.owner), lab.accounts.groups
    begun = time.process_time()
    for one in work:
        by_numpy(*one)
        cell = changing["contract"].astype(np.int64) * groups + lab.accounts.group
        held = np.bincount(cell, lab.accounts.yearly, slots * groups).reshape(slots, groups)
    return time.process_time() - begun, changing, held


def main():
    """Measure, compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    lab = RetailLab(users=given.accounts, scenario="base_2025", power=POWER)
    lab.live(walk(1, 14))  # compiled, and with contracts that end
    start, ours, theirs, rooms = state(lab), [], [], []
    for _ in range(given.repeats):
        ours_spent, one, held = by_kernel(lab, start)
        theirs_spent, other, same = by_columns(lab, start)
        if any((one[name] != other[name]).any() for name in one) or not np.allclose(held, same):
            raise SystemExit("the kernel and numpy do not choose alike")
        ours, theirs = [*ours, ours_spent], [*theirs, theirs_spent]
    for _ in range(given.repeats):
        begun = time.process_time()
        lab.live(walk(2, MONTHS))
        rooms.append(time.process_time() - begun)
    packages = ["numba", "numpy"]
    figures = [figure(f"{given.accounts} accounts, 12 months of choice", ours, "CPU s", packages),
               figure("plain numpy, the same choices", theirs, "CPU s", packages),
               figure("numpy / kernel", [b / a for a, b in zip(ours, theirs)], "ratio", packages),
               figure("the whole room, 12 months: posting, choice, bills, credit", rooms, "CPU s", packages)]
    for one in figures:
        low, high = one["range"]
        print(f"{one['figure']:<60}{one['median']:>9.3f} {one['unit']:<7} ({low:.3f} to {high:.3f})")
    print(f"reach: at most 2 CPU s for 12 months of 340,000 accounts\nwritten to {write('retail', figures)}")


if __name__ == "__main__":
    main()
