"""Upstream tracing, hour by hour: what every bus's power is made of, stores carrying on what they took in."""

import numpy as np
from numba import njit


@njit(cache=True)
def solve(through, other, size, columns):
    """Solve (diag(through) - inflow) x = right side in place, by elimination without exchanging rows.

    through: [bus, bus], the matrix; other: [bus, column], right sides, then the answers. Every bus's diagonal is at
    least the sum of what flows in from others, so no pivot is small unless nothing flows.
    """
    for i in range(size):
        pivot = through[i, i]
        for j in range(i + 1, size):
            ratio = through[j, i] / pivot
            if ratio != 0.0:
                for k in range(i + 1, size):
                    through[j, k] -= ratio * through[i, k]
                for k in range(columns):
                    other[j, k] -= ratio * other[i, k]
    for i in range(size - 1, -1, -1):
        for k in range(columns):
            total = other[i, k]
            for j in range(i + 1, size):
                total -= through[i, j] * other[j, k]
            other[i, k] = total / through[i, i]


@njit(cache=True)
def trace(made, start, end, sent, delivered, store_bus, charge, discharge, half, stock, mix, lost):
    """What a MWh at each bus is made of in every hour; fills mix, stock and lost.

    made: what is put in, MW [hour, bus, column]: a column a source of energy, the last one the carbon that it carries,
    t/h.  start, end: bus [corridor].  sent, delivered: MW [corridor, hour], both negative where the flow runs
    backwards. store_bus: [store].  charge, discharge: MW [store, hour].  half: root of the round trip's efficiency
    [store]. stock: MWh and t [store, column] at the beginning, then at the end.  mix: [hour, bus, column], of a MWh.
    lost: MWh and t [column], what corridors and stores lost. A store gives in an hour of what it held when the hour
    began.
    """
    hours, buses, columns = made.shape
    sources = columns - 1
    for h in range(hours):
        right = mix[h]
        through = np.zeros((buses, buses))
        given = np.zeros((len(store_bus), columns))
        for b in range(buses):
            for k in range(columns):
                right[b, k] = made[h, b, k]
        for s in range(len(store_bus)):
            held = 0.0
            for k in range(sources):
                held += stock[s, k]
            if discharge[s, h] > 0.0 and held > 0.0:
                for k in range(columns):
                    given[s, k] = discharge[s, h] * stock[s, k] / held
                    right[store_bus[s], k] += given[s, k]
        for b in range(buses):
            for k in range(sources):
                through[b, b] += right[b, k]
        for c in range(len(start)):
            source, sink, arriving = start[c], end[c], delivered[c, h]
            if sent[c, h] < 0.0 or arriving < 0.0:
                source, sink, arriving = end[c], start[c], -sent[c, h]
            through[sink, sink] += arriving
            through[sink, source] -= arriving
        for b in range(buses):
            if through[b, b] <= 1e-9:
                for j in range(buses):
                    through[b, j] = 0.0
                through[b, b] = 1.0
        solve(through, right, buses, columns)
        for c in range(len(start)):
            source = start[c]
            if sent[c, h] < 0.0 or delivered[c, h] < 0.0:
                source = end[c]
            for k in range(columns):
                lost[k] += (sent[c, h] - delivered[c, h]) * right[source, k]
        for s in range(len(store_bus)):
            for k in range(columns):
                taken = charge[s, h] * right[store_bus[s], k]
                lost[k] += taken * (1.0 - half[s]) + given[s, k] * (1.0 / half[s] - 1.0)
                stock[s, k] = max(stock[s, k] + taken * half[s] - given[s, k] / half[s], 0.0)
