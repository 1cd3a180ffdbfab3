"""What riders make of it all, as arithmetic: pensions weighed, reviewed and decided, time passing, ways parting.

`r` is the population's columns as a named tuple of arrays [row], `m` the parameters of the enrolment decision
(`sim.network.conduct.EnrolmentSettings`). Draws are addressed by identity.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from agents.draws_kernels import high, logistic, low, word
from sim.streams import uniform

LOCAL, OTHER_CITY, OTHER_PROVINCE = 0, 1, 2
WOMAN, AT_HOME, CROSSED, INFORMED = 1, 2, 4, 8  # bits of `traits`: AT_HOME: the hukou is of that very city
BLOCK = 1024  # rows


@njit(cache=True)
def pressure(m, cash, income):
    """How much a yuan of premium weighs (lambda) for who has so much cash and income, CNY and CNY a month."""
    income = max(income, 1.0)
    tight = math.exp(-max(cash, 0.0) / (m.pressure_cash * income))
    return min(1.0 + m.pressure_slope * tight * min(m.pressure_cap, m.pressure_income / income), m.pressure_most)


class Prospects(NamedTuple):
    """What a month's contribution leads to, by age in months: years to retirement, years needed for a pension, and the
    present worth (k yuan, before present bias) of the pension that a month earns whatever the base (per yuan of the
    lower base), of what the base adds to it and of one's own account paid out (both per yuan of the base)."""

    years: np.ndarray
    need: np.ndarray
    flat: np.ndarray
    own: np.ndarray
    account: np.ndarray


def prospects(m, account):
    """Prospects of all ages up to 100 years. account: share of the base that goes to one's own account.

    Per yuan of the base, y years before retirement: today = discount^y survival^y; account A = account (1 + growth)^y;
    pension = annuity (basic + A / divisor). A month's basic pension is one per cent a year of the mean of the average
    wage W = lower base / ratio and the base chosen: (W + base) growth^y / 2 / 1200.
    """
    age = np.arange(1201) / 12
    young = age <= m.age_switch
    years = np.maximum(np.where(young, m.young_retire, m.old_retire) - age, 0.0)
    divisor = np.where(young, m.young_divisor, m.old_divisor)
    today = m.discount**years * np.exp(-m.mortality * years) / 1000
    saved = account * m.account_growth**years
    basic = m.wage_growth**years / 2 / 1200
    need = np.where(young, m.young_need, m.old_need)
    return Prospects(years, need, today * m.annuity * basic / m.wage_ratio,
                     today * m.annuity * (basic + saved / divisor), today * saved)


@njit(cache=True)
def vesting(m, p, age, history, temporary, away):
    """Chance to reach a pension: falls with the years still missing, and where one insures away from the hukou."""
    vest = m.vest_temporary if temporary else m.vest_rooted
    vest *= min(1.0, (p.years[age] + history / 12.0) / p.need[age]) ** m.vest_power
    return vest * (1.0 - m.vest_away) if away else vest


@njit(cache=True)
def rights(p, base, level, beta, age, vest):
    """What one month's contribution is worth to a rider, k yuan: beta (vest x pension + (1 - vest) x account).

    p: Prospects.  base: lower base, CNY a month.  level: multiple of it that is chosen.  age: months.
    """
    pension = p.flat[age] + level * p.own[age]
    return beta * base * (vest * pension + (1.0 - vest) * level * p.account[age])


@njit(cache=True)
def transfer(m, temporary):
    """Cost of moving one's rights later, spread over the months one stays, k yuan a month (kappa)."""
    months = 12.0 * (m.horizon_temporary if temporary else m.horizon_rooted)
    return m.transfer_cost / 1000.0 / min(max(months, m.horizon_least), m.horizon_most)


@njit(cache=True)
def appraise(m, p, r, rows, offer, here, home, money, place, level):
    """The money side of enrolling for several riders; fills money (k yuan a month) and the better place and level.

    p: Prospects.  rows: int [rider].  offer: (lower base, CNY a month [place]; contribution, share of the base; levels
    that may be chosen, the first of which is 1).  here, home: what he expects to bear on the lower base, CNY a month
    [rider], where he works and in the province of his hukou; a higher base he bears himself. Only who comes from
    another province has the choice of place, and only he must move his rights later if he insures at work.
    """
    base, rate, levels = offer
    for k in range(len(rows)):
        i = rows[k]
        city, age, temporary = r.city[i], r.age[i], r.temporary[i]
        weight = pressure(m, r.cash[i], r.income[i] / 100.0 + r.other[i]) / 1000.0
        far = r.origin[i] == OTHER_PROVINCE
        best = -1e300
        for away in range(1 + far):
            there = r.hukou[i] if away else city
            price = home[k] if away else here[k]
            vest = vesting(m, p, age, r.history[i], temporary, far and not away)
            moving = transfer(m, temporary) if far and not away else 0.0
            for step in range(len(levels)):
                bears = price + rate * base[there] * (levels[step] - 1.0)
                worth = rights(p, base[there], levels[step], r.beta[i], age, vest) - weight * bears - moving
                if worth > best:
                    best, place[k], level[k] = worth, there, step
        money[k] = best if r.origin[i] == LOCAL else best - m.friction


@njit(cache=True)
def reviewers(m, r, key, served, moved):
    """Who thinks again this month: rows, by an addressed coin. served: bool [row], could have had the subsidy now.
    moved: bool [row], works in another city since this month; his contributions must find a new place.

    Marks who was served for the first time as `noticed`.
    """
    found = np.empty(len(served), np.int64)
    n = 0
    coin = np.empty(BLOCK)
    for start in range(0, len(served), BLOCK):
        end = min(start + BLOCK, len(served))
        for i in range(start, end):
            chance = m.review_outside
            chance = m.review_eligible if served[i] and not r.noticed[i] else chance
            chance = m.review_entry if r.tenure[i] == 0 else chance
            chance = m.review_enrolled if r.enrolled[i] else chance
            chance = 1.0 if moved[i] and r.enrolled[i] else chance
            r.noticed[i] |= served[i]
            coin[i - start] = uniform(key, np.uint64(r.identity[i])) - chance
        for i in range(start, end):
            if coin[i - start] < 0.0:
                found[n] = i
                n += 1
    return found[:n]


@njit(cache=True)
def decide(m, r, rows, u, place, level, premium, keys):
    """Enrol or leave: the reviewers' answer, each with the taste of his life or, now and then, of the moment.

    premium: CNY [rider]: who has less cash cannot begin.  keys: of the coin that keeps the old taste, of a fresh one.
    """
    for k in range(len(rows)):
        i = rows[k]
        who = np.uint64(r.identity[i])
        taste = r.taste[i] if uniform(keys[0], who) < m.keep_taste else logistic(uniform(keys[1], who))
        wants = u[k] + taste > 0
        if wants and not r.enrolled[i]:
            wants = r.cash[i] >= premium[k]
        if wants:
            r.place[i], r.level[i] = place[k], level[k]
        r.enrolled[i] = wants


# ------------------------------------------------------------------------------------------------- coming and going


@njit(cache=True)
def grow(r, m, view, key, started, peers):
    """A month passes: age, belief in the subsidy, the view of one's work, and how far one has taken root.

    view: months after which a share takes root, that share, what a subsidy adds to it; hundredths of roots that a
    month and a subsidy add.  started: bool [city], the subsidy is paid there.  peers: enrolled share of his ties [row].
    """
    settle_after, settle, settle_subsidy, month, receipt = view
    for i in range(len(r.identity)):
        paid = r.subsidised[i]
        learnt = r.trust[i] + m.trust_peers * peers[i] * (1.0 - r.trust[i]) * started[r.city[i]]
        r.trust[i] = 1.0 if paid else learnt
        chance = (settle if r.tenure[i] >= settle_after else 0.0) + (settle_subsidy if paid else 0.0)
        r.temporary[i] &= uniform(key, np.uint64(r.identity[i])) >= chance
        r.roots[i] = min(np.int64(r.roots[i]) + month + receipt * paid, 100)
        r.age[i] += 1
        r.starts[i] = 1


@njit(cache=True)
def contribute(r, cities, saved):
    """A month's contribution of who is enrolled: months of history, at home and in all, and his own account.

    cities: places of insurance that are cities.  saved: CNY that goes to the account [place, level].
    """
    for i in range(len(r.identity)):
        paid = np.int16(r.enrolled[i])
        r.history[i] += paid
        r.home[i] += paid * np.int16((r.place[i] >= cities) | (r.origin[i] == LOCAL))
        r.account[i] += saved[r.place[i], r.level[i]] * paid


@njit(cache=True)
def leavers(r, key, exit, kept, rooted, leave_age):
    """Who leaves at this month's close: rows. All others' tenure grows by a month.

    exit: chance [segment, tenure].  kept: multiple of it for who was subsidised.  rooted: for who has wholly taken
    root.  leave_age: months.
    """
    gone = np.empty(len(r.identity), np.int64)
    n = 0
    last = exit.shape[1] - 1
    coin = np.empty(BLOCK)
    for start in range(0, len(r.identity), BLOCK):
        end = min(start + BLOCK, len(r.identity))
        for i in range(start, end):
            chance = exit[r.segment[i], min(r.tenure[i], last)] * (kept if r.subsidised[i] else 1.0)
            chance *= 1.0 - (1.0 - rooted) * 0.01 * r.roots[i]
            chance = 1.0 if r.age[i] >= leave_age else chance
            coin[i - start] = uniform(key, np.uint64(r.identity[i])) - chance
            r.tenure[i] += np.int16((coin[i - start] >= 0.0) & (r.tenure[i] < last))
        for i in range(start, end):
            if coin[i - start] < 0.0:
                gone[n] = i
                n += 1
    return gone[:n]


@njit(cache=True)
def changers(r, key, down, up):
    """Who changes his segment: rows. down, up: chance to go to the next and to the last segment of the table [segment].

    Newcomers stay where they are for a month. Moves them.
    """
    found = np.empty(len(r.identity), np.int64)
    n = 0
    coin = np.empty(BLOCK)
    for start in range(0, len(r.identity), BLOCK):
        end = min(start + BLOCK, len(r.identity))
        for i in range(start, end):
            coin[i - start] = uniform(key, np.uint64(r.identity[i]))
        for i in range(start, end):
            s = r.segment[i]
            if coin[i - start] < down[s] + up[s] and r.tenure[i] > 0:
                r.segment[i] = s + 1 if coin[i - start] < down[s] else s - 1
                found[n] = i
                n += 1
    return found[:n]


class Country(NamedTuple):
    """What is known of the cities by who looks at another one. share: of the riders of its kind [city]; kind: cities
    among which one moves are alike in it [city]; many: it is a region of many cities [city]; province: [city]; better:
    logits by which a month there is better than usual [city, segment]; cost: of a move, logits [city]; friends: logits
    of an acquaintance; look: share who look; station: cumulative shares of districts [city, district]."""

    share: np.ndarray
    kind: np.ndarray
    many: np.ndarray
    province: np.ndarray
    better: np.ndarray
    cost: np.ndarray
    friends: float
    look: float
    station: np.ndarray


@njit(cache=True)
def movers(r, key, country, ties):
    """Riders who go to work in another city from next month on: rows, and the cities they go to (their own where they
    stay within a region of many cities). Only looks; `move` moves.

    key: the month's, of who looks and where, and of whether he goes.  ties: rows of friends [row, friend].
    """
    n, friends = 0, ties.shape[1]
    found, to = np.empty(len(r.identity), np.int64), np.empty(len(r.identity), np.int16)
    coin, pull = np.empty(BLOCK, np.uint64), np.empty(len(country.share))
    for start in range(0, len(r.identity), BLOCK):
        end = min(start + BLOCK, len(r.identity))
        for i in range(start, end):
            coin[i - start] = word(key[0], np.uint64(r.identity[i]))
        for i in range(start, end):
            if high(coin[i - start]) >= country.look or r.tenure[i] == 0:
                continue
            city, s = r.city[i], r.segment[i]
            known = np.exp(country.friends * friends_by_city(r.city, ties[i], len(pull)))
            total = 0.0
            for c in range(len(pull)):
                able = country.kind[c] == country.kind[city] and (c != city or country.many[c])
                total += country.share[c] * known[c] if able else 0.0
                pull[c] = total
            if total <= 0.0:
                continue
            aim = low(coin[i - start]) * total
            there = 0
            while there < len(pull) - 1 and pull[there] <= aim:
                there += 1
            gain = country.better[there, s] - country.better[city, s] - country.cost[city]
            if logistic(uniform(key[1], np.uint64(r.identity[i]))) < gain:
                found[n], to[n] = i, there
                n += 1
    return found[:n], to[:n]


@njit(cache=True)
def friends_by_city(city, friends, cities):
    """How many of a rider's friends work in each city [city]."""
    count = np.zeros(cities)
    for j in friends:
        count[city[j]] += 1.0
    return count


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
        here, r.city[i] = r.city[i], there
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
