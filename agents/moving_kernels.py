"""Riders look at other cities and go there, as arithmetic. `r`: the population's columns, see `agents.mind_kernels`."""

import numpy as np
from numba import njit

from agents.draws_kernels import logistic
from agents.mind_kernels import AT_HOME, CROSSED, LOCAL, OTHER_CITY, OTHER_PROVINCE, below_zero
from sim.streams import uniform


@njit(cache=True)
def movers(r, start, end, coin, where, key, country, ties, city_of, found, to):
    """Who of the rows from start to end goes to work in another city from next month on; fills found and to, the city
    he goes to (his own where he stays within a region of many cities), gives how many. Only looks; `move` moves.

    coin, where: draws of who looks, and at which city [row - start].  key: of whether he goes.  ties: rows of friends
    [row, friend]. city_of: where everybody worked this month [row].
    """
    n = 0
    for i in range(start, end):
        chance = country.look if r.tenure[i] > 0 else 0.0
        coin[i - start] -= chance
    looks = below_zero(coin, start, end, found)
    for k in range(looks):
        i = found[k]
        city, s, who = r.city[i], r.segment[i], np.uint64(r.identity[i])
        dear = logistic(uniform(key, who)) + country.cost[city] + country.better[city, s]
        if dear >= country.best[city, s]:
            continue  # no city that he could find is worth it
        there = destination(country.cumulative, country.alike, country.friends, city_of, ties, i, city,
                            country.many[city], where[i - start])
        found[n], to[n] = i, there
        n += dear < (country.better[there, s] if there >= 0 else -1e300)
    return n


@njit(cache=True)
def destination(cumulative, share, friends, city_of, ties, row, city, many, u):
    """The city a rider looks at: one of its kind by its riders' share, and `friends` times that more for each friend
    who works there; -1 if there is no other.

    share, cumulative: of `Country`.  many: his own region holds other cities too.  u: the draw.
    """
    known = 0.0
    for k in range(ties.shape[1]):
        there = np.uint16(city_of[np.uint32(ties[row, k])])
        known += friends * share[city, there] if there != city or many else 0.0
    own = 0.0 if many else share[city, city]
    aim = u * (known + cumulative[city, -1] - own)
    if aim < known:
        for k in range(ties.shape[1]):
            there = np.uint16(city_of[np.uint32(ties[row, k])])
            aim -= friends * share[city, there] if there != city or many else 0.0
            if aim < 0.0:
                return there
    aim -= known
    last = cumulative.shape[1] - 1
    if not many and aim >= cumulative[city, city] - own:
        aim += own  # pass over his own city
    there = 0
    while there < last and cumulative[city, there] <= aim:
        there += 1
    return there if cumulative[city, -1] > own else -1


@njit(cache=True)
def move(r, rows, to, country, key):
    """Riders work elsewhere: the city, a station there, and what their hukou now is from where they work.

    Who worked in one city only has now worked in two. key: the month's, of the new station.
    """
    for k in range(len(rows)):
        i, there = rows[k], to[k]
        r.traits[i] |= CROSSED
        if there == r.city[i]:
            continue
        r.city[i] = there
        u = uniform(key, np.uint64(r.identity[i]))
        station = 0
        while station < country.station.shape[1] - 1 and country.station[there, station] <= u:
            station += 1
        r.district[i] = station
        home = r.hukou[i]
        if home >= len(country.province):  # a province of hukou: far from every city
            continue
        if r.traits[i] & AT_HOME and home == there:
            r.origin[i] = LOCAL
        elif country.province[home] == country.province[there]:
            r.origin[i] = OTHER_CITY
        else:
            r.origin[i] = OTHER_PROVINCE
