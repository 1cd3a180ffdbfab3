"""What ties hours together that are cleared one after the other: stores, daily budgets and ramps.

Before an hour its orders are cut to what the hours before have left, after it levels and budgets move on. Who schedules
for himself is thereby never sold out twice; what comes later is not looked at, but for the must-run of a budget.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

FLOW = 1e-6  # MW: less is no flow
STORES, RAMPS, CUTS = range(3)  # places of `Coupled.counts`


class Coupled(NamedTuple):
    """Units whose hours hang together, and how they stand; [unit of this list] or [hour, unit of this list].

    first, middle, last: int, their sell columns, then their buy columns.  minimum: MW [hour, ], must-run.  later: MWh
    [hour, ], must-run of later hours.  ramp: MW/h.  holds: MWh, size of a store, else 0.  into, back: efficiencies.
    budgeted: bool.  level, left: MWh, stored and left of the budget.  before: MW in the hour before, NaN where free.
    levels: MWh [hour, ], stored at its end.  counts: int, see the constants above.
    """

    first: np.ndarray
    middle: np.ndarray
    last: np.ndarray
    minimum: np.ndarray
    later: np.ndarray
    ramp: np.ndarray
    holds: np.ndarray
    into: np.ndarray
    back: np.ndarray
    budgeted: np.ndarray
    level: np.ndarray
    left: np.ndarray
    before: np.ndarray
    levels: np.ndarray
    counts: np.ndarray


@njit(cache=True)
def cut(coupled, lower, upper, cost, hour):
    """Cut an hour's orders to what store, budget and ramp leave; gives the unit whose must-run is more, or -1.

    lower, upper: MW, cost: CNY/MWh [column], those of the hour.

    What a unit sells, and what it buys, gets limits on its sum: cheapest for the system first, an order gives its part
    of the least and ends where the most is reached. Store and budget go before the ramp, which a unit passes where its
    own volume falls or its must-run level rises by more; must-run of later hours is kept back from a budget.
    """
    for u in range(len(coupled.first)):
        first, middle, last = coupled.first[u], coupled.middle[u], coupled.last[u]
        least, sells = coupled.minimum[hour, u], total(upper, first, middle)
        buys, offered = total(upper, middle, last), sells
        if coupled.holds[u] > 0:
            sells = min(sells, coupled.level[u] * coupled.back[u])
            buys = min(buys, (coupled.holds[u] - coupled.level[u]) / coupled.into[u])
        if coupled.budgeted[u]:
            sells = min(sells, coupled.left[u] - coupled.later[hour, u])
        if sells < least - FLOW:
            return u
        coupled.counts[CUTS] += sells < offered
        sells = max(sells, least)
        free = np.isnan(coupled.before[u])
        before, ramp = (0.0, np.inf) if free else (coupled.before[u], coupled.ramp[u])
        coupled.counts[RAMPS] += int(before + ramp < least - buys) + int(before - ramp > sells)
        most, floor = max(before + ramp, least - buys), min(before - ramp, sells)
        # limits on sales and on purchases whose difference cannot leave [floor, most]
        least = max(least, floor)
        buys = min(buys, max(least - floor, 0.0))
        must_buy = min(max(least - most, 0.0), buys)
        allot(lower, upper, cost, first, middle, least, max(least, min(sells, most + must_buy)))
        allot(lower, upper, cost, middle, last, must_buy, buys)
    return -1


@njit(cache=True)
def total(x, first, last):
    """Sum of some columns."""
    added = 0.0
    for column in range(first, last):
        added += x[column]
    return added


@njit(cache=True)
def allot(lower, upper, cost, first, last, least, most):
    """Give columns bounds that keep their sum within [least, most], cheapest for the system first."""
    before, done, dearest = 0.0, -1, -np.inf
    for _ in range(first, last):
        column = -1
        for other in range(first, last):
            later = cost[other] > dearest or (cost[other] == dearest and other > done)
            if later and (column < 0 or cost[other] < cost[column]):
                column = other
        done, dearest, volume = column, cost[column], upper[column]
        lower[column] = min(max(least - before, 0.0), volume)
        upper[column] = min(max(most - before, 0.0), volume)
        before += volume


@njit(cache=True)
def carry(coupled, lower, upper, x, hour):
    """Take an hour's sales and purchases to levels, budgets and the next hour's ramps.

    lower, upper, x: MW [column], those of the hour.
    Result: False, and nothing carried, where a store fills and empties in the hour: the smaller way is shut then, for
    the hour to be cleared again.
    """
    parted = False
    for u in range(len(coupled.first)):
        first, middle, last = coupled.first[u], coupled.middle[u], coupled.last[u]
        emptied, filled = total(x, first, middle) / coupled.back[u], total(x, middle, last) * coupled.into[u]
        if coupled.holds[u] > 0 and emptied > FLOW and filled > FLOW:
            # the direction in which the level moves stays open
            begin, end = (middle, last) if emptied > filled else (first, middle)
            lower[begin:end] = upper[begin:end] = 0.0
            coupled.counts[STORES] += 1
            parted = True
    if parted:
        return False
    for u in range(len(coupled.first)):
        sold = total(x, coupled.first[u], coupled.middle[u])
        bought = total(x, coupled.middle[u], coupled.last[u])
        level = coupled.level[u] + bought * coupled.into[u] - sold / coupled.back[u]
        coupled.level[u] = coupled.levels[hour, u] = min(max(level, 0.0), coupled.holds[u])
        coupled.left[u] -= sold - bought
        coupled.before[u] = sold - bought
    return True
