"""The riders' arithmetic: columns and numbers in, columns and numbers out.

`r` is the population's columns as a named tuple of arrays [row] (`agents.riders.Riders` says what they mean), `m` the
parameters of the enrolment decision (`sim.network.workforce.EnrolmentSettings`). Draws are addressed by identity;
nothing here knows a model. Groups are pairs of city and segment, numbered city x segments + segment.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from sim.streams import uniform

LOCAL, OTHER_CITY, OTHER_PROVINCE = 0, 1, 2


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
def turn_out(r, key, day, segments, capacity, swappers):
    """Who works today: toss each rider's coin, note the day in his month, add up what the cities have on the road.

    key: the day's.  day: of the month, 1 to 31; before a newcomer's first day (`starts`) nobody rides.
    capacity: orders [group] and swappers: persons [city], both to be added to: what all who work could carry in the
    day, and subscribers among them.
    """
    bit = np.uint32(1 << (day - 1))
    for i in range(len(r.identity)):
        if uniform(key, np.uint64(r.identity[i])) < r.chance[i] and r.starts[i] <= day:
            r.days[i] |= bit
            city = r.city[i]
            weight = r.weight[i]
            capacity[city * segments + r.segment[i]] += weight * r.pace[i]
            swappers[city] += weight * r.swaps[i]


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
def set_pace(r, key, segments, mean, sigma, level):
    """Open a month: clear it, and draw what a rider carries on a working day, lognormal about his own mean.

    mean: orders [group].  sigma: of the month's draw [group].  level: multiple for all.
    """
    for i in range(len(r.identity)):
        g = r.city[i] * segments + r.segment[i]
        z = normal(uniform(key, np.uint64(r.identity[i])))
        r.pace[i] = level * mean[g] * r.factor[i] * math.exp(sigma[g] * z - 0.5 * sigma[g] * sigma[g])
        r.days[i] = 0


@njit(cache=True)
def settle(r, segments, rate, pay, risk, earned, exposure):
    """Sum a rider's month over the days he worked.

    rate, pay, risk: [group, 32], for each order that he could carry: orders done, CNY paid for them, and orders
    weighted with the day's risk of an accident.  Fills r.carried, earned (CNY) and exposure (orders at usual risk).
    """
    for i in range(len(r.identity)):
        g = r.city[i] * segments + r.segment[i]
        days, orders, fees, danger = r.days[i], 0.0, 0.0, 0.0
        d = 0
        while days:
            if days & 1:
                orders += rate[g, d]
                fees += pay[g, d]
                danger += risk[g, d]
            days >>= 1
            d += 1
        r.carried[i] = orders * r.pace[i]
        earned[i] = fees * r.pace[i]
        exposure[i] = danger * r.pace[i]


def injuries(exposure, u, rate, cumulative, sizes):
    """Benefits due in the month, CNY [row]: one claim with probability 1 - exp(-rate x exposure), else none.

    u: a uniform draw [row]; given that a claim happens its place below the probability picks the size.
    """
    chance = -np.expm1(-rate * exposure)
    hurt = u < chance
    which = np.searchsorted(cumulative, u[hurt] / chance[hurt], side="right")
    claims = np.zeros(len(u))
    claims[hurt] = sizes[np.minimum(which, len(sizes) - 1)]
    return claims


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


@njit(cache=True)
def rights(m, account, base, beta, age, history, temporary, away):
    """What one month's contribution is worth to a rider, k yuan.

    account: share of the base that goes to his own account.  base: CNY a month.  age, history: years.
    temporary: sees the work as temporary.  away: insured where his hukou is not.

    With probability vest he reaches a pension: B = beta discount^y survival^y annuity (basic + account part), else his
    account is paid out: R = beta discount^y survival^y account. A month's basic pension: W g^y (1 + base/W) / 2 / 1200,
    one per cent a year of the mean of the average wage and one's own base.
    """
    young = age <= m.age_switch
    retire, divisor, need = (m.young_retire, m.young_divisor, m.young_need) if young else (
        m.old_retire, m.old_divisor, m.old_need)
    years = max(retire - age, 0.0)
    wage = base / m.wage_ratio
    today = beta * math.exp(years * (math.log(m.discount) - m.mortality)) / 1000.0
    saved = account * base * m.account_growth**years
    basic = wage * m.wage_growth**years * (1.0 + base / wage) / 2.0 / 1200.0
    vest = m.vest_temporary if temporary else m.vest_rooted
    vest *= min(1.0, (years + history) / need) ** m.vest_power
    if away:
        vest *= 1.0 - m.vest_away
    return today * (vest * m.annuity * (basic + saved / divisor) + (1.0 - vest) * saved)


@njit(cache=True)
def transfer(m, temporary):
    """Cost of moving one's rights later, spread over the months one stays, k yuan a month (kappa)."""
    months = 12.0 * (m.horizon_temporary if temporary else m.horizon_rooted)
    return m.transfer_cost / 1000.0 / min(max(months, m.horizon_least), m.horizon_most)


@njit(cache=True)
def weigh(m, r, i, account, base_here, base_home, price_here, price_home):
    """The money side of enrolling, k yuan a month, and whether the place of hukou is better.

    account: share of the base for one's own account.  base: CNY a month.  price: what he expects to bear, CNY a month.
    here: where he works; home: the province of his hukou. Only who comes from another province has the choice: within
    a province there is one base.
    """
    income = r.income[i] / 100.0 + r.other[i]
    weight = pressure(m, r.cash[i], income)
    age, history, temporary = r.age[i] / 12.0, r.history[i] / 12.0, r.temporary[i]
    far = r.origin[i] == OTHER_PROVINCE
    here = rights(m, account, base_here, r.beta[i], age, history, temporary, far) - weight * price_here / 1000.0
    if not far:
        return here - (m.friction if r.origin[i] != LOCAL else 0.0), False
    here -= transfer(m, temporary)
    home = rights(m, account, base_home, r.beta[i], age, history, temporary, False) - weight * price_home / 1000.0
    return max(here, home) - m.friction, home > here


@njit(cache=True)
def appraise(m, r, rows, account, base, here, home, money, place):
    """The money side of enrolling for several riders, each at his better place; fills money (k yuan a month) and place.

    rows: int [rider].  base: CNY a month [place].  here, home: what he expects to bear in either place, CNY a month
    [rider].
    """
    for k in range(len(rows)):
        i = rows[k]
        city, hukou = r.city[i], r.hukou[i]
        money[k], better = weigh(m, r, i, account, base[city], base[hukou], here[k], home[k])
        place[k] = hukou if better else city


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
        if r.temporary[i]:
            chance = settle if r.tenure[i] >= settle_after else 0.0
            if r.subsidised[i]:
                chance += settle_subsidy
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
        chance = exit[r.segment[i], min(r.tenure[i], last)]
        if r.subsidised[i]:
            chance *= kept
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
