"""What draws become: normals, logistics, picks; and two draws out of one hash."""

import math

import numpy as np
from numba import njit

from sim.streams import mix

_LOW, _HALF, _GOLD = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(0x9E3779B97F4A7C15)
_UNIT = 1.0 / 4294967296.0  # 2^-32


@njit(cache=True, inline="always")
def word(key, identity):
    """The hash of one identity under a stream's key, as in `sim.streams.uniform`; number or array of uint64."""
    return mix(mix(identity * _GOLD + key) ^ key)


@njit(cache=True, inline="always")
def high(word):
    """The draw in (0, 1) in the upper half of a hash; independent of the lower half's."""
    return ((word >> _HALF) + 0.5) * _UNIT


@njit(cache=True, inline="always")
def low(word):
    """The draw in (0, 1) in the lower half of a hash."""
    return ((word & _LOW) + 0.5) * _UNIT


@njit(cache=True)
def normal(u):
    """The standard normal of a uniform in (0, 1), to 1e-7. Source: algorithm AS 241, PPND7 [Wichura1988]."""
    q = u - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) / (
            ((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0)
    r = math.sqrt(-math.log(min(u, 1.0 - u)))
    if r <= 5.0:
        r -= 1.6
        z = (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777) / (
            (0.12021132975 * r + 0.73700164250) * r + 1.0)
    else:
        r -= 5.0
        z = (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150) / (
            (0.012258202635 * r + 0.24197894225) * r + 1.0)
    return -z if q < 0 else z


@njit(cache=True)
def logistic(u):
    """The standard logistic of a uniform in (0, 1)."""
    return math.log(u / (1.0 - u))


@njit(cache=True)
def pick(cumulative, u):
    """The first position whose cumulative share exceeds u; the last one if rounding leaves none."""
    for k in range(len(cumulative) - 1):
        if u < cumulative[k]:
            return k
    return len(cumulative) - 1
