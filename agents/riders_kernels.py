"""The riders' work as arithmetic: columns and numbers in, columns and numbers out.

`r` is the population's columns as a named tuple of arrays [row] (`agents.riders.Riders` says what they mean). Draws are
addressed by identity; nothing here knows a model. A group is a city, a district of it and a segment, numbered (city x
districts + district) x segments + segment; `shape` is (districts, segments). Rows stand by the group they had at first,
from first[group] to first[group + 1]; who has moved since counts where he is now.

`agents.riders_plain` does the same with whole columns and without a compiler.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from agents.birth_kernels import arrive, change
from agents.draws_kernels import normal, pick
from agents.mind_kernels import (
    OTHER_PROVINCE,
    WOMAN,
    appraise,
    changers,
    contribute,
    decide,
    grow,
    incline,
    insure,
    leavers,
    reviewers,
    two_draws,
)
from agents.moving_kernels import move, movers
from sim.network.ties_kernels import look_round
from sim.streams import uniform

__all__ = ["appraise", "arrive", "book", "enrolled_among", "incline", "injure", "insure", "keep_house", "look_round",
           "reflect", "set_pace", "settle", "show", "turn_out"]

BLOCK = 1024  # rows: a block's columns stay in the nearest cache
GRAIN = 256.0  # a pace is a multiple of 1/256 order: sums of such are exact, in whatever order they are taken
TABLED = 48  # rows of a group from which looking up bytes of days beats adding days


@njit(cache=True)
def turn_out(r, key, day, first, shape, capacity, riding):
    """Who works today: toss each rider's coin, note the day in his month, add up what the cities have on the road.

    key: the day's.  day: of the month, 1 to 31; before a newcomer's first day (`starts`) he does not ride.
    Adds to capacity: orders that all who work could carry in the day, in grains [group]; to riding: persons among them
    with a battery-swap subscription [city].
    """
    districts, segments = shape
    shift = np.uint32(day - 1)
    carried, rides, stray = np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64), np.empty(BLOCK, np.int64)
    for g in range(len(first) - 1):
        for start in range(first[g], first[g + 1], BLOCK):
            end = min(start + BLOCK, first[g + 1])
            here, mounted, strays = np.int64(0), np.int64(0), np.int64(0)
            for i in range(start, end):  # no branches, so that the compiler takes several riders at a time
                turns = np.uint32(uniform(key, np.uint64(r.identity[i])) < r.chance[i]) & np.uint32(r.starts[i] <= day)
                r.days[i] |= turns << shift
                works = np.int64(turns) * r.weight[i]
                away = np.int64((r.city[i] * districts + r.district[i]) * segments + r.segment[i] != g)
                load, mount = works * np.int64(r.pace[i] * GRAIN), works * r.swaps[i]
                here, mounted, strays = here + load * (1 - away), mounted + mount * (1 - away), strays + away
                carried[i - start], rides[i - start], stray[i - start] = load, mount, away
            capacity[g] += here
            riding[g // (districts * segments)] += mounted
            for i in range(start, end if strays else start):
                if stray[i - start]:
                    city = r.city[i]
                    capacity[(city * districts + r.district[i]) * segments + r.segment[i]] += carried[i - start]
                    riding[city] += rides[i - start]


@njit(cache=True)
def set_pace(r, key, mean, sigma, level):
    """Open a month: clear it, and draw what a rider carries on a working day, lognormal about his own mean.

    mean: orders [city, segment].  sigma: of the month's draw [city, segment].  level: multiple for all.
    """
    for i in range(len(r.pace)):
        c, s = r.city[i], r.segment[i]
        deviation = sigma[c, s]
        z = normal(uniform(key, np.uint64(r.identity[i])))
        usual = level * mean[c, s] * math.exp(deviation * z - 0.5 * deviation * deviation)
        r.pace[i] = np.rint(usual * r.factor[i] * GRAIN) / GRAIN
        r.days[i] = 0


@njit(cache=True)
def by_bytes(rates, table):
    """Sums of four books for every pattern of eight days: fills table [4, 256, book] from rates [day, book]."""
    for byte in range(4):
        table[byte, 0] = 0.0
        for bit in range(8):
            day, half = 8 * byte + bit, 1 << bit
            for below in range(half):  # the highest bit comes last: the sum of the others, and its own
                for k in range(4):
                    table[byte, half + below, k] = table[byte, below, k] + (rates[day, k] if day < len(rates) else 0.0)


@njit(cache=True)
def day_by_day(days, rates, total):
    """Sums of four books over the days worked, in the order of `by_bytes`: eight days together, then the four eights.

    rates: [day, book].  Fills total [book].
    """
    total[:] = 0.0
    for byte in range(4):
        a = b = c = e = 0.0
        for day in range(8 * byte, min(8 * byte + 8, len(rates))):
            worked = np.float64((days >> np.uint32(day)) & np.uint32(1))
            a += rates[day, 0] * worked
            b += rates[day, 1] * worked
            c += rates[day, 2] * worked
            e += rates[day, 3] * worked
        total[0] += a
        total[1] += b
        total[2] += c
        total[3] += e


@njit(cache=True)
def settle(r, first, shape, books, base, sums):
    """A rider's month from the days he worked: his income, whether it met the base of his city, what he carried.

    books: [group, day, book], for each order that he could carry: orders done, CNY paid for them, and two more.
    base: fen [city].  Fills sums: the books over his days [book, row].
    """
    districts, segments = shape
    table, own = np.empty((4, 256, 4)), np.empty(4)
    for g in range(len(first) - 1):
        tabled = first[g + 1] - first[g] >= TABLED
        if tabled:
            by_bytes(books[g], table)
        for i in range(first[g], first[g + 1]):
            now = (r.city[i] * districts + r.district[i]) * segments + r.segment[i]
            d, pace = r.days[i], np.float64(r.pace[i])
            if tabled and now == g:
                a, b, c, e = d & 255, (d >> 8) & 255, (d >> 16) & 255, d >> 24
                for k in range(4):
                    sums[k, i] = (table[0, a, k] + table[1, b, k] + table[2, c, k] + table[3, e, k]) * pace
            else:
                day_by_day(d, books[now], own)
                for k in range(4):
                    sums[k, i] = own[k] * pace
    for i in range(len(r.income)):
        income = _fen(max(sums[1, i], 0.0))
        r.income[i] = income
        r.met[i] = ((np.int64(r.met[i]) << 1) | np.int64(income >= base[r.city[i]])) & 255


@njit(cache=True, inline="always")
def _fen(yuan):
    """Fen of a sum that is not negative, as `sim.units.to_fen` rounds."""
    return np.int64(math.floor(yuan * 100.0 * (1 + 4e-16) + 0.5 + 1e-7))


class Shown(NamedTuple):
    """What of the riders' month is reckoned for `sim.messages.People`, by its names there; every array is [row].
    living, other, account, base, premium, chosen: fen."""

    orders: np.ndarray
    rain_orders: np.ndarray
    extreme_orders: np.ndarray
    base: np.ndarray
    premium: np.ndarray
    chosen: np.ndarray
    living: np.ndarray
    other: np.ndarray
    account: np.ndarray
    here: np.ndarray
    home: np.ndarray
    female: np.ndarray
    days: np.ndarray
    hours: np.ndarray


@njit(cache=True)
def show(r, sums, h, law, hours, shown):
    """Fill what others may see of the month. sums: of `settle`.  h: Habits.  law: lower base [place], contribution and
    chosen base [place, level], fen.  hours: of a working day [city, segment].  shown: Shown."""
    base, premium, chosen = law
    for i in range(len(r.identity)):
        city, s, place, level = r.city[i], r.segment[i], r.place[i], r.level[i]
        shown.orders[i] = np.rint(sums[0, i])
        shown.rain_orders[i], shown.extreme_orders[i] = np.rint(sums[2, i]), np.rint(sums[3, i])
        shown.base[i], shown.premium[i], shown.chosen[i] = base[place], premium[place, level], chosen[place, level]
        costs = h.living[city] + h.dependant * r.dependants[i] + h.work_cost[s] - h.replaces * r.swaps[i]
        spent = costs + r.sent[i] - r.other[i]
        shown.living[i], shown.other[i] = _fen(max(spent, 0.0)), _fen(max(-spent, 0.0))
        shown.account[i] = _fen(np.float64(r.account[i]))
        shown.here[i] = place == city
        shown.home[i] = (place == r.hukou[i]) | (r.origin[i] != OTHER_PROVINCE)
        shown.female[i] = r.traits[i] & WOMAN > 0
        days = r.days[i] - ((r.days[i] >> 1) & 0x55555555)
        days = (days & 0x33333333) + ((days >> 2) & 0x33333333)
        shown.days[i] = (((days + (days >> 4)) & 0x0F0F0F0F) * 0x01010101 & 0xFFFFFFFF) >> 24
        shown.hours[i] = shown.days[i] * hours[city, s]


@njit(cache=True)
def enrolled_among(r, busy, there, enrolled):
    """Persons in busy segments, and the enrolled ones among them; adds to there and enrolled [city]. busy: bool
    [segment]."""
    for i in range(len(r.identity)):
        persons = np.int64(r.weight[i]) * busy[r.segment[i]]
        there[r.city[i]] += persons
        enrolled[r.city[i]] += persons * r.enrolled[i]


@njit(cache=True)
def injure(r, keys, exposure, rate, cumulative, sizes, claims):
    """Who is hurt this month and the benefit due: as many claims among a row's persons as a Poisson draw of mean
    rate x exposure x persons gives, each of a size of its own.

    keys: of the number of claims and of their sizes, the month's.  exposure: orders of a person at usual risk [row].
    rate: claims per order.  cumulative, sizes: shares of claims up to a size, and the sizes in fen.
    Fills claims: fen of one person [row], the mean over the row's persons.
    """
    u = np.empty(BLOCK)
    for start in range(0, len(claims), BLOCK):
        end = min(start + BLOCK, len(claims))
        for i in range(start, end):
            u[i - start] = uniform(keys[0], np.uint64(r.identity[i]))
            claims[i] = 0
        for i in range(start, end):
            mean = rate * exposure[i] * r.weight[i]
            if u[i - start] > 1.0 - mean:  # exp(-mean) is at least that: else nobody
                claims[i] = claim(u[i - start], mean, keys[1], r.identity[i], r.weight[i], cumulative, sizes)


@njit(cache=True)
def claim(u, mean, key, identity, persons, cumulative, sizes):
    """The benefit of one person in fen where the claims of a row are Poisson of a mean and their count is drawn by
    u."""
    probability = math.exp(-mean)
    below, count, total = probability, 0, 0
    while u > below and probability > 0.0:
        count += 1
        probability *= mean / count
        below += probability
        total += sizes[pick(cumulative, uniform(key + np.uint64(count), np.uint64(identity)))]
    return (2 * total + persons) // (2 * persons)


@njit(cache=True)
def book(flow, first, identity, amount, who, sign, shifts):
    """Add a bill to the flows of the riders it names: sign x amount fen of a person; who has left is passed over.

    flow: fen [row].  who, amount: identity and fen [entry].  shifts: (bits of a life, bits of a slot) in an identity.
    """
    life, slot = np.int64(shifts[0]), np.int64(shifts[1])
    mask = (np.int64(1) << slot) - 1
    dense = len(who) == len(identity)
    for k in range(len(who)):
        i = k
        if not dense or identity[k] != who[k]:
            i = first[(who[k] >> (slot + life)) - 1] + ((who[k] >> life) & mask)
            if identity[i] != who[k]:
                continue
        flow[i] += sign * amount[k]


@njit(cache=True)
def keep_house(r, start, end, flow, h):
    """Close a month's purse: what came in and went out, what is kept and what is sent home next.

    flow: fen, received less paid but for living [row].  h: Habits.
    """
    for i in range(start, end):
        living = h.living[r.city[i]] + h.dependant * r.dependants[i]
        costs = living + h.work_cost[r.segment[i]] - h.replaces * r.swaps[i]
        surplus = flow[i] / 100.0 + r.other[i] - costs
        aim = h.target * (r.income[i] / 100.0 + r.other[i])
        kept = h.saved_below if r.cash[i] < aim else h.saved_above
        sent = max(surplus, 0.0) * (1.0 - kept)
        cash = r.cash[i] + surplus - sent
        spent = h.run_down * max(cash - aim, 0.0)
        r.cash[i] = cash - spent
        r.sent[i] = sent + spent


class Keys(NamedTuple):
    """Keys of a month's draws, by purpose; birth: of newcomers' draws, whatever the month. Two draws each come from
    look (who looks, where), review (who reviews, who leaves) and outlook (who takes root, who changes his segment)."""

    look: np.uint64
    go: np.uint64
    station: np.uint64
    review: np.uint64
    keep_taste: np.uint64
    fresh_taste: np.uint64
    outlook: np.uint64
    birth: np.ndarray


@njit(cache=True)
def reflect(r, m, p, births, country, terms, habits, leaves, keys, flow, flags, city_of, ties):
    """A month's end for every rider, block by block: he closes his purse, looks for another city, thinks about his
    pension, grows older, changes his segment, or leaves and is replaced.

    m: Mind.  p: Prospects.  leaves: multiple of the chance to leave [row].  flow: fen received less paid [row].  flags:
    bits of who paid this month's premium. city_of: where everybody worked this month [row].  ties: rows of friends
    [row, friend].
    """
    tastes = keys.keep_taste, keys.fresh_taste
    rows, moved = np.empty(BLOCK + 1, np.int64), np.empty(BLOCK, np.bool_)
    to, place, level = np.empty(BLOCK + 1, np.int16), np.empty(BLOCK, np.int16), np.empty(BLOCK, np.uint8)
    u, peers, coin, other = np.empty(BLOCK), np.empty(BLOCK, np.float32), np.empty(BLOCK), np.empty(BLOCK)
    leave = np.empty(BLOCK)
    for start in range(0, len(flow), BLOCK):
        end = min(start + BLOCK, len(flow))
        look_round(ties, start, end, flags, peers)
        keep_house(r, start, end, flow, habits)
        contribute(r, start, end, terms.saved)
        two_draws(r.identity, start, end, keys.look, coin, other)
        n = movers(r, start, end, coin, other, keys.go, country, ties, city_of, rows, to)
        moved[:] = False
        for k in range(n):
            moved[rows[k] - start] = to[k] != r.city[rows[k]]
        move(r, rows[:n], to[:n], country, keys.station)
        two_draws(r.identity, start, end, keys.review, coin, leave)
        n = reviewers(m, r, start, end, coin, terms, moved, rows)
        incline(m, p, r, rows[:n], terms, peers, start, u, place, level)
        decide(m, r, rows[:n], u, place, level, terms.premium, terms.pool, tastes)
        two_draws(r.identity, start, end, keys.outlook, coin, other)
        grow(r, start, end, m, habits, coin, terms.started, peers)
        n = changers(r, start, end, other, habits, rows)
        change(r, births, rows[:n], keys.birth[7:])
        n = leavers(r, start, end, leave, habits, leaves, rows)
        for k in range(n):
            r.identity[rows[k]] += 1
        arrive(r, m, births, rows[:n], keys.birth, habits.first_month, habits.month_days)
