"""Who looks at whom, drawn row by row: columns and numbers in, rows of friends out."""

import numpy as np
from numba import njit

from sim.streams import mix

_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_GOLD = np.uint64(0x9E3779B97F4A7C15)
_UNIT = 1.0 / 4294967296.0  # 2^-32


@njit(cache=True, inline="always")
def _both(key, who):
    """Two independent draws in [0, 1) from one hash."""
    word = mix(mix(who * _GOLD + key) ^ key)
    return (word >> _HALF) * _UNIT, (word & _LOW) * _UNIT


@njit(cache=True, inline="always")
def _one_of(low, high, u, not_this):
    """A row from low to below high, another than `not_this` if there is one."""
    found = low + int(u * (high - low))
    if found == not_this:
        found = found + 1 if found + 1 < high else low
    return found


@njit(cache=True)
def workmates(ties, key, identity, first, shape, size, rewire, homophily):
    """Fill ties [row, friend] with riders of the same station.

    first: first row of each group, numbered (city x districts + district) x segments + segment, and the end. shape:
    (districts, segments).  A station is `size` neighbouring rows of a group; who is no rider of one's own segment
    stands at the like place of another segment's rows in the district; `rewire` of the ties lead anywhere in the city.
    """
    districts, segments = shape
    a_city = districts * segments
    for g in range(len(first) - 1):
        start, end, district = first[g], first[g + 1], g - g % segments
        city = g - g % a_city
        for i in range(start, end):
            own = start + (i - start) // size * size
            last = min(own + size, end)
            for k in range(ties.shape[1]):
                kind, where = _both(key + np.uint64(k) * _GOLD, np.uint64(identity[i]))
                low, high = own, last
                if kind < rewire or last - own < 2:
                    low, high = first[city], first[city + a_city]
                elif kind < rewire + (1.0 - rewire) * (1.0 - homophily):
                    low, high = first[district], first[district + segments]
                ties[i, k] = _one_of(low, high, where, i)


@njit(cache=True)
def villagers(ties, key, identity, order, province, village, size, rewire, homophily):
    """Fill ties [row, friend] with riders of the same hometown, wherever they ride.

    order: rows sorted by province of hukou, segment and chance.  province, village: first place in `order` and end of
    the riders of a row's province [place, 2], and of those of its segment as well [place, 2]. A village is `size`
    neighbours in the order; the others are anywhere in the province.
    """
    for place in range(len(order)):
        i = order[place]
        start, end = village[place]
        own = start + (place - start) // size * size
        last = min(own + size, end)
        for k in range(ties.shape[1]):
            kind, where = _both(key + np.uint64(k) * _GOLD, np.uint64(identity[i]))
            low, high = own, last
            if kind < rewire + (1.0 - rewire) * (1.0 - homophily) or last - own < 2:
                low, high = province[place]
            ties[i, k] = order[_one_of(low, high, where, place)]


@njit(cache=True)
def look_round(ties, start, end, flags, share):
    """Share of the friends of rows from start to end who carry a flag; fills share [row - start]; 0 without friends.

    ties: rows of friends [row, friend]; a tie to oneself is none.  flags: bits of all rows, eight a byte, lowest first.
    """
    friends = ties.shape[1]
    part = np.float32(1.0 / max(friends, 1))
    for i in range(start, end):
        count = np.int32(0)
        for k in range(friends):
            j = np.uint32(ties[i, k])  # unsigned: no check for places counted from the end
            count += np.int32((flags[j >> np.uint32(3)] >> np.uint8(j & np.uint32(7))) & np.uint8(1)) * np.int32(j != i)
        share[i - start] = np.float32(count) * part
