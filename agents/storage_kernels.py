"""The best day of a store at known prices, exactly: dynamic programming on the marginal value of stored energy."""

import numpy as np
from numba import njit

NEEDED = 1e9  # CNY/MWh: worth of energy below the level that must be left at the end; above any price


@njit(cache=True)
def hour_before(slope, width, segments, cost, most_in, worth, most_out):
    """Marginal value of stored energy one hour earlier, from that one hour later; changes `slope` and `width`.

    slope: CNY/MWh, falling; width: MWh; both [segment], the first `segments` in use: the value of stored energy V as
    a concave chain from empty to full. In between, up to most_in MWh may be put in for `cost` each and most_out taken
    out for `worth` each, worth <= cost. V(s) = max over x of V'(x) - spending(x - s) is a sup-convolution, which for
    concave chains is the two chains' segments merged by slope, seen from -most_in to full + most_out.
    """
    for new_slope, new_width in ((cost, most_in), (worth, most_out)):
        k = segments
        while k > 0 and slope[k - 1] < new_slope:
            slope[k], width[k] = slope[k - 1], width[k - 1]
            k -= 1
        slope[k], width[k] = new_slope, new_width
        segments += 1
    _cut(width, most_in, 0, segments, 1)
    _cut(width, most_out, segments - 1, -1, -1)


@njit(cache=True)
def _cut(width, size, first, stop, step):
    """Take `size` MWh off one end of a chain."""
    for k in range(first, stop, step):
        less = min(width[k], size)
        width[k] -= less
        size -= less


@njit(cache=True)
def schedule(price, power, energy, efficiency, wear, start, end):
    """Charge and discharge, MW [hour], that earn most at the prices; at equal worth it does nothing.

    price: CNY/MWh [hour], not negative.  power: MW.  energy: MWh when full.  efficiency: of the round trip, its root
    lost each way.  wear: CNY per MWh given.  start: MWh now.  end: least MWh after the last hour; where power does not
    reach it, as much as can be reached.  All values below are per MWh stored: one costs price / root to put in and
    earns (price - wear) x root when taken out.
    Source: dynamic programming of a price-taking store with concave value, [Sioshansi2009] section 2 for the problem.
    """
    hours, root = len(price), np.sqrt(efficiency)
    cost, worth = price / root, (price - wear) * root
    most_in, most_out = power * root, power / root
    slope, width = np.zeros((hours + 1, 2 * hours + 2)), np.zeros((hours + 1, 2 * hours + 2))
    slope[hours, 0], width[hours, 0], width[hours, 1] = NEEDED, end, energy - end
    for t in range(hours - 1, -1, -1):
        slope[t], width[t] = slope[t + 1], width[t + 1]
        hour_before(slope[t], width[t], 2 * (hours - t), cost[t], most_in, worth[t], most_out)
    charge, discharge, level = np.zeros(hours), np.zeros(hours), start
    for t in range(hours):
        chain = width[t + 1]
        fill = chain[slope[t + 1] > cost[t]].sum()  # up to here another MWh is worth more than it costs
        keep = chain[slope[t + 1] >= worth[t]].sum()  # down to here it is worth more than it earns
        if level < fill:
            charge[t] = min(fill - level, most_in)
        elif level > keep:
            discharge[t] = min(level - keep, most_out)
        level += charge[t] - discharge[t]
    return charge / root, discharge * root
