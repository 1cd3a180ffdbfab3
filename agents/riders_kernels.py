"""The riders' arithmetic: columns and numbers in, columns and numbers out.

`r` is the population's columns as a named tuple of arrays [row] (`agents.riders.Riders` says what they mean), `m` the
parameters of the enrolment decision (`sim.network.workforce.EnrolmentSettings`). Draws are addressed by identity;
nothing here knows a model. A group is a pair of city and segment, numbered city x segments + segment; its rows stand
together, from first[group] to first[group + 1].
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from sim.streams import uniform

LOCAL, OTHER_CITY, OTHER_PROVINCE = 0, 1, 2
BLOCK = 1024  # rows
CLAIM_SHIFT = np.uint64(48)  # above the bits of an identity


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
def pick(cumulative, u):
    """The first position whose cumulative share exceeds u; the last one if rounding leaves none."""
    for k in range(len(cumulative) - 1):
        if u < cumulative[k]:
            return k
    return len(cumulative) - 1


# ---------------------------------------------------------------------------------------------------------- the day


@njit(cache=True)
def turn_out(r, key, day, first, capacity, riding):
    """Who works today: toss each rider's coin, note the day in his month, add up what the cities have on the road.

    key: the day's.  day: of the month, 1 to 31; before a newcomer's first day (`starts`) he does not ride.
    Fills, by group, capacity: orders that all who work could carry in the day, and riding: persons among them with a
    battery-swap subscription.
    """
    shift = np.uint32(day - 1)
    for i in range(len(r.days)):  # no branches, so that the compiler takes several riders at a time
        works = np.uint32(uniform(key, np.uint64(r.identity[i])) < r.chance[i]) & np.uint32(r.starts[i] <= day)
        r.days[i] |= works << shift
    for g in range(len(first) - 1):
        mine = slice(first[g], first[g + 1])
        capacity[g] = carried(r.days[mine], r.weight[mine], r.pace[mine], shift)
        riding[g] = subscribed(r.days[mine], r.weight[mine], r.swaps[mine], shift)


@njit(cache=True)
def carried(days, weight, pace, shift):
    """Orders that who works on a day (bit `shift` of days) could carry, over persons."""
    total = 0.0
    for i in range(len(days)):
        total += np.float32(weight[i] * np.int32((days[i] >> shift) & np.uint32(1))) * pace[i]
    return total


@njit(cache=True)
def subscribed(days, weight, swaps, shift):
    """Persons with a subscription who work on a day."""
    total = 0
    for i in range(len(days)):
        total += weight[i] * np.int32((days[i] >> shift) & np.uint32(1)) * np.int32(swaps[i])
    return total


def meet(asked, capacity, shift):
    """Orders asked meet riders on shift, city by city and hour by hour: Q = D K / (D^4 + K^4)^(1/4).

    asked: D, orders [city, hour].  capacity: orders of a whole shift [city, segment].  shift: part of it that falls
    into an hour [city, segment, hour].  Gives done, Q [city, hour], and rate [city, segment]: orders done by a rider
    for each order that he could carry in the day. Nobody does more than he can, and no more is done than is asked.
    """
    ready = np.einsum("cs,csh->ch", capacity, shift)
    most = np.maximum(asked, ready)
    scale = np.where(most > 0, most, 1.0)  # both sides over the larger one: fourth powers stay in range
    d, k = asked / scale, ready / scale
    busy = np.where((d > 0) & (k > 0), d / np.maximum(d**4 + k**4, 1e-300) ** 0.25, 0.0)  # Q / K
    return busy * ready, np.einsum("csh,ch->cs", shift, busy)


# -------------------------------------------------------------------------------------------------------- the month


@njit(cache=True)
def set_pace(r, key, first, mean, sigma, level):
    """Open a month: clear it, and draw what a rider carries on a working day, lognormal about his own mean.

    mean: orders [group].  sigma: of the month's draw [group].  level: multiple for all.
    """
    for g in range(len(first) - 1):
        usual = level * mean[g] * math.exp(-0.5 * sigma[g] * sigma[g])
        for i in range(first[g], first[g + 1]):
            z = normal(uniform(key, np.uint64(r.identity[i])))
            r.pace[i] = usual * r.factor[i] * math.exp(sigma[g] * z)
            r.days[i] = 0


@njit(cache=True)
def settle(r, first, books, sums):
    """Sum a rider's month over the days he worked.

    books: [3, group, day], for each order that he could carry: orders done, CNY paid for them, and orders weighted with
    the day's risk of an accident.  Fills sums: the same three [3, row].
    """
    for g in range(len(first) - 1):
        for start in range(first[g], first[g + 1], BLOCK):  # a block's columns stay in the nearest cache
            end = min(start + BLOCK, first[g + 1])
            for book in range(3):
                add_up(r.days[start:end], r.pace[start:end], books[book, g], sums[book, start:end])


@njit(cache=True)
def add_up(days, pace, rate, total):
    """Sum of a day's rates over the days worked, times pace: total [row]. rate: [day]."""
    total[:] = 0.0
    for day in range(len(rate)):
        bit, value = np.uint32(day), rate[day]
        for i in range(len(days)):
            total[i] += value * np.float64(np.int32((days[i] >> bit) & np.uint32(1)))
    for i in range(len(days)):
        total[i] *= pace[i]


@njit(cache=True)
def injure(r, keys, exposure, rate, cumulative, sizes, claims):
    """Who is hurt this month and the benefit due: as many claims among a row's persons as a Poisson draw of mean
    rate x exposure x persons gives, each of a size of its own.

    keys: of the number of claims and of their sizes, the month's.  exposure: orders of a person at usual risk [row].
    rate: claims per order.  cumulative, sizes: shares of claims up to a size, and the sizes in fen.
    Fills claims: fen of one person [row], the mean over the row's persons.
    """
    for i in range(len(r.identity)):
        claims[i] = 0
        who, persons = np.uint64(r.identity[i]), r.weight[i]
        mean = rate * exposure[i] * persons
        u = uniform(keys[0], who)
        if u <= 1.0 - mean:  # exp(-mean) is at least that: nobody
            continue
        probability = math.exp(-mean)
        below, count, total = probability, 0, 0
        while u > below and probability > 0.0:
            count += 1
            probability *= mean / count
            below += probability
            draw = uniform(keys[1], who + (np.uint64(count) << CLAIM_SHIFT))
            total += sizes[pick(cumulative, draw)]
        claims[i] = (2 * total + persons) // (2 * persons)


@njit(cache=True)
def keep_house(r, flow, costs, income, rules):
    """Close a month's purse: what came in and went out, what is kept and what is sent home next.

    flow: CNY, received less paid but for living [row].  costs: CNY, living and work beyond bills [row].
    income: CNY, platform and other [row].  rules: target, saved_below, saved_above, run_down.
    """
    target, below, above, run_down = rules
    for i in range(len(flow)):
        surplus = flow[i] + r.other[i] - costs[i]
        aim = target * income[i]
        sent = 0.0
        if surplus > 0:
            sent = surplus * (1.0 - (below if r.cash[i] < aim else above))
        cash = r.cash[i] + surplus - sent
        if cash > aim:
            spent = run_down * (cash - aim)
            cash -= spent
            sent += spent
        r.cash[i] = cash
        r.sent[i] = sent


# ---------------------------------------------------------------------------------------------------- the decision


@njit(cache=True)
def pressure(m, cash, income):
    """How much a yuan of premium weighs (lambda) for who has so much cash and income, CNY and CNY a month."""
    income = max(income, 1.0)
    tight = math.exp(-max(cash, 0.0) / (m.pressure_cash * income))
    return min(1.0 + m.pressure_slope * tight * min(m.pressure_cap, m.pressure_income / income), m.pressure_most)


class Prospects(NamedTuple):
    """What a month's contribution leads to, by age in months: years to retirement, years needed for a pension, and the
    present worth (k yuan per yuan of the base, before present bias) of a pension and of one's own account paid out."""

    years: np.ndarray
    need: np.ndarray
    pension: np.ndarray
    account: np.ndarray


def prospects(m, account):
    """Prospects of all ages up to 100 years. account: share of the base that goes to one's own account.

    Per yuan of the base, y years before retirement: today = discount^y survival^y; account A = account (1 + growth)^y;
    pension = annuity (basic + A / divisor). A month's basic pension is one per cent a year of the mean of the average
    wage W = base / ratio and the base: W growth^y (1 + base/W) / 2 / 1200.
    """
    age = np.arange(1201) / 12
    young = age <= m.age_switch
    years = np.maximum(np.where(young, m.young_retire, m.old_retire) - age, 0.0)
    divisor = np.where(young, m.young_divisor, m.old_divisor)
    today = m.discount**years * np.exp(-m.mortality * years) / 1000
    saved = account * m.account_growth**years
    basic = m.wage_growth**years / m.wage_ratio * (1 + m.wage_ratio) / 2 / 1200
    need = np.where(young, m.young_need, m.old_need)
    return Prospects(years, need, today * m.annuity * (basic + saved / divisor), today * saved)


@njit(cache=True)
def rights(m, p, base, beta, age, history, temporary, away):
    """What one month's contribution is worth to a rider, k yuan: beta (vest x pension + (1 - vest) x account).

    p: Prospects.  base: CNY a month.  age: months.  history: months paid so far.  temporary: sees his work so.
    away: insured where his hukou is not.  vest: chance to reach a pension, falling with the years still missing.
    """
    vest = m.vest_temporary if temporary else m.vest_rooted
    vest *= min(1.0, (p.years[age] + history / 12.0) / p.need[age]) ** m.vest_power
    if away:
        vest *= 1.0 - m.vest_away
    return beta * base * (vest * p.pension[age] + (1.0 - vest) * p.account[age])


@njit(cache=True)
def transfer(m, temporary):
    """Cost of moving one's rights later, spread over the months one stays, k yuan a month (kappa)."""
    months = 12.0 * (m.horizon_temporary if temporary else m.horizon_rooted)
    return m.transfer_cost / 1000.0 / min(max(months, m.horizon_least), m.horizon_most)


@njit(cache=True)
def appraise(m, p, r, rows, base, here, home, money, place):
    """The money side of enrolling for several riders; fills money (k yuan a month) and the better place of insurance.

    p: Prospects.  rows: int [rider].  base: CNY a month [place].  here, home: what he expects to bear, CNY a month
    [rider], where he works and in the province of his hukou. Only who comes from another province has the choice, and
    only he must move his rights later if he insures at work; within a province there is one base.
    """
    for k in range(len(rows)):
        i = rows[k]
        city, age, history, temporary = r.city[i], r.age[i], r.history[i], r.temporary[i]
        weight = pressure(m, r.cash[i], r.income[i] / 100.0 + r.other[i]) / 1000.0
        far = r.origin[i] == OTHER_PROVINCE
        best = rights(m, p, base[city], r.beta[i], age, history, temporary, far) - weight * here[k]
        place[k] = city
        if far:
            best -= transfer(m, temporary)
            away = rights(m, p, base[r.hukou[i]], r.beta[i], age, history, temporary, False) - weight * home[k]
            if away > best:
                best, place[k] = away, r.hukou[i]
        money[k] = best if r.origin[i] == LOCAL else best - m.friction


@njit(cache=True)
def reviewers(m, r, key, served):
    """Who thinks again this month: rows, by an addressed coin. served: bool [row], could have had the subsidy now.

    Marks who was served for the first time as `noticed`.
    """
    found = np.empty(len(served), np.int64)
    n = 0
    for i in range(len(served)):
        chance = m.review_outside
        if r.enrolled[i]:
            chance = m.review_enrolled
        elif r.tenure[i] == 0:
            chance = m.review_entry
        elif served[i] and not r.noticed[i]:
            chance = m.review_eligible
        r.noticed[i] |= served[i]
        if uniform(key, np.uint64(r.identity[i])) < chance:
            found[n] = i
            n += 1
    return found[:n]


@njit(cache=True)
def decide(m, r, rows, u, place, premium, keys):
    """Enrol or leave: the reviewers' answer, each with the taste of his life or, now and then, of the moment.

    premium: CNY, by place: who has less cash cannot begin.  keys: of the coin that keeps the old taste, of a fresh one.
    """
    for k in range(len(rows)):
        i = rows[k]
        who = np.uint64(r.identity[i])
        taste = r.taste[i] if uniform(keys[0], who) < m.keep_taste else logistic(uniform(keys[1], who))
        wants = u[k] + taste > 0
        if wants and not r.enrolled[i]:
            wants = r.cash[i] >= premium[place[k]]
        if wants:
            r.place[i] = place[k]
        r.enrolled[i] = wants


@njit(cache=True)
def logistic(u):
    """The standard logistic of a uniform in (0, 1)."""
    return math.log(u / (1.0 - u))


# ------------------------------------------------------------------------------------------------- coming and going


@njit(cache=True)
def grow(r, m, view, key, started, peers):
    """A month passes: age, contribution history, belief in the subsidy, and the view of one's work.

    view: months after which a share takes root, that share, what a subsidy adds to it.
    started: bool [city], the subsidy is paid there.  peers: enrolled share [city].
    """
    settle_after, settle, settle_subsidy = view
    for i in range(len(r.identity)):
        city = r.city[i]
        if r.subsidised[i]:
            r.trust[i] = 1.0
        elif started[city]:
            r.trust[i] += m.trust_peers * peers[city] * (1.0 - r.trust[i])
        chance = settle if r.tenure[i] >= settle_after else 0.0
        if r.subsidised[i]:
            chance += settle_subsidy
        if r.temporary[i] and chance > 0:
            r.temporary[i] = uniform(key, np.uint64(r.identity[i])) >= chance
        r.history[i] += r.enrolled[i]
        r.age[i] += 1
        r.starts[i] = 1


@njit(cache=True)
def leavers(r, key, exit, kept, leave_age):
    """Who leaves at this month's close: rows. All others' tenure grows by a month.

    exit: chance [segment, tenure].  kept: multiple of it for who was subsidised.  leave_age: months.
    """
    gone = np.empty(len(r.identity), np.int64)
    n = 0
    last = exit.shape[1] - 1
    for i in range(len(r.identity)):
        chance = exit[r.segment[i], min(r.tenure[i], last)] * (kept if r.subsidised[i] else 1.0)
        if uniform(key, np.uint64(r.identity[i])) < chance or r.age[i] >= leave_age:
            gone[n] = i
            n += 1
        elif r.tenure[i] < last:
            r.tenure[i] += 1
    return gone[:n]


class Births(NamedTuple):
    """What newcomers are drawn from. [group]: factor_sigma, mean (CNY a month). [segment]: chance, spread, swaps,
    other_median, other_sigma. [city]: origins (cumulative, by origin), living (CNY). The rest: cumulative shares of age
    groups, households and provinces of hukou, first and span of an age group in months, dependants of a household;
    dependant and cash in CNY and months of income; temporary, history_share; history_mean in months.
    """

    factor_sigma: np.ndarray
    mean: np.ndarray
    chance: np.ndarray
    spread: np.ndarray
    swaps: np.ndarray
    other_median: np.ndarray
    other_sigma: np.ndarray
    origins: np.ndarray
    living: np.ndarray
    ages: np.ndarray
    age_first: np.ndarray
    age_span: np.ndarray
    households: np.ndarray
    dependants: np.ndarray
    hukou: np.ndarray
    dependant: float
    cash_median: float
    cash_sigma: float
    temporary: float
    history_share: float
    history_mean: float


# purposes of a newcomer's draws, in the order of the keys that `arrive` takes
BIRTH = ("factor", "days", "origin", "hukou", "age", "household", "swaps", "other", "cash", "view", "history", "beta",
         "taste", "start")


@njit(cache=True)
def arrive(r, m, b, rows, keys, first_month, month_days):
    """New people in the slots `rows`: everything that is theirs, drawn from their identities.

    keys: one for each purpose in BIRTH.  first_month: least part of the coming month, of month_days days, that they
    work. City, segment and weight belong to the slot and stay.
    """
    segments, cities = len(b.chance), len(b.living)
    for k in range(len(rows)):
        i = rows[k]
        who, city, s = np.uint64(r.identity[i]), r.city[i], r.segment[i]
        g = city * segments + s
        sigma = b.factor_sigma[g]
        r.factor[i] = math.exp(sigma * normal(uniform(keys[0], who)) - 0.5 * sigma * sigma)
        r.chance[i] = b.chance[s] * (1.0 + b.spread[s] * (2.0 * uniform(keys[1], who) - 1.0))
        r.origin[i] = pick(b.origins[city], uniform(keys[2], who))
        r.hukou[i] = cities + pick(b.hukou, uniform(keys[3], who)) if r.origin[i] == OTHER_PROVINCE else city
        r.place[i] = city
        u = uniform(keys[4], who)
        group = pick(b.ages, u)
        below = b.ages[group - 1] if group > 0 else 0.0
        part = min((u - below) / max(b.ages[group] - below, 1e-12), 1.0)
        r.age[i] = b.age_first[group] + int(part * b.age_span[group])
        r.dependants[i] = b.dependants[pick(b.households, uniform(keys[5], who))]
        r.swaps[i] = uniform(keys[6], who) < b.swaps[s]
        home = b.living[city] + b.dependant * r.dependants[i]
        r.other[i] = home * b.other_median[s] * math.exp(b.other_sigma[s] * normal(uniform(keys[7], who)))
        months = b.cash_median * math.exp(b.cash_sigma * normal(uniform(keys[8], who)))
        r.cash[i] = months * (b.mean[g] * r.factor[i] + r.other[i])
        r.temporary[i] = uniform(keys[9], who) < b.temporary
        u = uniform(keys[10], who)
        r.history[i] = int(-b.history_mean * math.log(u / b.history_share)) if u < b.history_share else 0
        r.beta[i] = min(max(m.beta_mean + m.beta_sd * normal(uniform(keys[11], who)), m.beta_low), m.beta_high)
        r.taste[i] = logistic(uniform(keys[12], who))
        part = max(first_month, uniform(keys[13], who))
        r.starts[i] = 1 + int((1.0 - part) * month_days)
        r.trust[i], r.sent[i] = m.trust_entry, 0.0
        r.tenure[i], r.met[i] = 0, 0
        r.enrolled[i] = r.noticed[i] = r.subsidised[i] = False
