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
NEVER = 32767  # more months than anybody pays


@njit(cache=True, inline="always")
def pressure(m, cash, income):
    """How much a yuan of premium weighs (lambda) for who has so much cash and income, CNY and CNY a month."""
    income = max(income, 1.0)
    tight = math.exp(-max(cash, 0.0) / (m.pressure_cash * income))
    return min(1.0 + m.pressure_slope * tight * min(m.pressure_cap, m.pressure_income / income), m.pressure_most)


class Terms(NamedTuple):
    """What a month's law asks and gives. base: lower base, CNY [place]. rate: contribution, share of the base. levels:
    bases to choose, multiples of the lower one. pool: whose months count together [place]. receipt: months paid in one
    pool after which one draws there. premium, saved: contribution and what of it is one's own, CNY [place,
    level]. match: share of the contribution on the lower base that is given. qualifies: windows that meet the
    subsidy's conditions [window]. started: bool [city]. at_work, at_home: whether who comes from another province is
    subsidised if he insures there. nudge: logits that default enrolment adds [city]."""

    base: np.ndarray
    rate: float
    levels: np.ndarray
    pool: np.ndarray
    receipt: int
    premium: np.ndarray
    saved: np.ndarray
    match: float
    qualifies: np.ndarray
    started: np.ndarray
    at_work: bool
    at_home: bool
    nudge: np.ndarray


class Offer(NamedTuple):
    """What of `Terms` a rider weighs in money, by the same names; the first of the levels is 1."""

    base: np.ndarray
    rate: float
    levels: np.ndarray
    pool: np.ndarray
    receipt: int


class Habits(NamedTuple):
    """How riders keep house, settle and leave (`sim.network.conduct`). living: CNY [city]. work_cost: CNY [segment].
    exit: chance [segment, tenure]. kept: multiple of it for who was subsidised; rooted: for who has wholly taken root.
    leave_age: months. down, up: chance to go to the next and the last segment [segment]. month_days: of next month."""

    living: np.ndarray
    dependant: float
    replaces: float
    work_cost: np.ndarray
    target: float
    saved_below: float
    saved_above: float
    run_down: float
    settle_after: int
    settle: float
    settle_subsidy: float
    root_month: int
    root_receipt: int
    exit: np.ndarray
    kept: float
    rooted: float
    leave_age: int
    down: np.ndarray
    up: np.ndarray
    first_month: float
    month_days: int


class Country(NamedTuple):
    """What is known of the cities by who looks at another one. alike: their share of the riders, 0 for cities of
    another kind than one's own [city, city]; cumulative: its sum; many: it is a region of many cities [city]; province:
    [city]; better: logits by which a month there is better than usual, best: most of that in cities of one's own kind
    [city, segment]; cost: of a move, logits [city];
    friends: part of its share by which a friend makes a city greater; look: share who look; station: cumulative shares
    of districts [city, district]."""

    alike: np.ndarray
    cumulative: np.ndarray
    many: np.ndarray
    province: np.ndarray
    better: np.ndarray
    best: np.ndarray
    cost: np.ndarray
    friends: float
    look: float
    station: np.ndarray


class Prospects(NamedTuple):
    """What a month's contribution leads to, by age in months: years to retirement, years needed for a pension, and the
    present worth (k yuan, before present bias) of the pension that a month earns whatever the base (per yuan of the
    lower base), of what the base adds to it and of one's own account paid out (both per yuan of the base). replaced:
    share of the average wage of the day it is drawn that a pension is whose present worth is k yuan per yuan of the
    lower base."""

    years: np.ndarray
    need: np.ndarray
    flat: np.ndarray
    own: np.ndarray
    account: np.ndarray
    replaced: np.ndarray


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
                     today * m.annuity * (basic + saved / divisor), today * saved,
                     m.wage_ratio / (today * m.annuity * m.wage_growth**years))


@njit(cache=True, inline="always")
def vesting(m, years, need, history, temporary):
    """Chance to reach a pension: falls with the years still missing; `vest_away` of it goes where one insures away from
    the hukou."""
    vest, share = m.vest_temporary if temporary else m.vest_rooted, (years + history / 12.0) / need
    return vest * share**m.vest_power if share < 1.0 else vest


@njit(cache=True, inline="always")
def rights(flat, own, account, base, level, beta, vest):
    """What one month's contribution is worth to a rider, k yuan: beta (vest x pension + (1 - vest) x account).

    flat, own, account: Prospects at his age.  base: lower base, CNY a month.  level: multiple of it that is chosen.
    """
    return beta * base * (vest * (flat + level * own) + (1.0 - vest) * level * account)


@njit(cache=True, inline="always")
def transfer(m, temporary):
    """Cost of moving one's rights later, spread over the months one stays, k yuan a month (kappa)."""
    months = 12.0 * (m.horizon_temporary if temporary else m.horizon_rooted)
    return m.transfer_cost / 1000.0 / min(max(months, m.horizon_least), m.horizon_most)


@njit(cache=True, inline="always")
def rises(wanted, means, own, account, base, rate, beta, worth, likes, vest, weight):
    """Whether the first yuan above the lower base is worth its price: where it is not, none is. (Without a division, as
    nearly everybody is asked and few say yes.)

    wanted: CNY a month of old age.  worth: k yuan that a month on the lower base is worth; likes: k yuan that he likes
    a larger pension by, which swells beta in proportion to it. The rest as in `higher`.
    """
    gains = vest * wanted * own + (1.0 - vest) * account * means * base
    return beta * (worth + likes) * gains > weight * rate * means * worth * base


@njit(cache=True, inline="always")
def higher(need, means, paid, own, account, base, more, rate, beta, vest, weight, left):
    """What a base above the lower one adds, k yuan a month: log utility of old age and of today, so ever less.

    need: income wanted in old age; means: what one will have on the lower base, both shares of the average wage.  paid:
    shares of the average wage that a k yuan of a month's rights makes over all months one will have paid.  own,
    account: Prospects at his age.  more: multiples of the lower base above it.  left: CNY a month, today, after paying
    on the lower base.  beta: present bias, liking included. Where means equal need, the first yuan of pension counts
    as one.
    """
    dearer = rate * base * more
    if dearer >= left:
        return -1e300
    drawn = need / paid * math.log(1.0 + paid * own * more / means)
    return (beta * base * (vest * drawn + (1.0 - vest) * more * account)
            - weight * left * math.log(left / (left - dearer)))


@njit(cache=True)
def appraise(m, p, r, rows, offer, here, home, money, place, level):
    """The money side of enrolling for several riders; fills money (k yuan a month) and the better place and level.

    p: Prospects.  rows: int [rider].  offer: Offer.  here, home: what he expects to bear on the lower base, CNY a month
    [rider], where he works and in the province of his hukou; a higher base he bears himself. Only who comes from
    another province has the choice of place, and only he must move his rights later if he insures at work, until he
    has the months there that let him draw there.
    """
    base, rate, levels = offer.base, offer.rate, offer.levels
    moving = transfer(m, False), transfer(m, True)
    for k in range(len(rows)):
        i = rows[k]
        city, age, temporary = r.city[i], r.age[i], r.temporary[i]
        income = max(r.income[i] / 100.0 + r.other[i], 1.0)
        weight = pressure(m, r.cash[i], income) / 1000.0
        far = r.origin[i] == OTHER_PROVINCE
        flat, own, account = p.flat[age], p.own[age], p.account[age]
        paid = max(r.history[i] + 12.0 * m.density * p.years[age], 1.0) * p.replaced[age]
        means = m.means + paid * (flat + own)
        moves = far and (r.history[i] < offer.receipt or months_in(r, i, city, offer.pool) < offer.receipt)
        certain = vesting(m, p.years[age], p.need[age], r.history[i], temporary)
        wanted, beta = m.need * income * m.wage_ratio, r.beta[i]
        likes = m.keen * max(m.sigma * (m.const + r.taste[i]), 0.0)
        best = -1e300
        for away in range(1 + far):
            there = r.hukou[i] if away else city
            price, lower = home[k] if away else here[k], base[there]
            fears = moves and not away
            vest = certain * (1.0 - m.vest_away) if fears else certain
            value = rights(flat, own, account, lower, 1.0, beta, vest)
            worth = value - weight * price - (moving[int(temporary)] if fears else 0.0)
            if worth > best:
                best, place[k], level[k] = worth, there, 0
            if rises(wanted, means, own, account, lower, rate, beta, value, likes, vest, weight):
                keen = beta + beta * likes / value
                for step in range(1, len(levels)):
                    more = higher(wanted / lower, means, paid, own, account, lower, levels[step] - 1.0, rate, keen,
                                  vest, weight, income - price)
                    if worth + more > best:
                        best, place[k], level[k] = worth + more, there, step
        money[k] = best if r.origin[i] == LOCAL else best - m.friction


@njit(cache=True)
def reviewers(m, r, start, end, coin, terms, moved, found):
    """Who of the rows from start to end thinks again this month; fills found, gives how many.

    coin: a draw [row - start], less its chance afterwards.
    moved: works in another city since this month, and his contributions must find a new place [row - start].
    Marks who could have had the subsidy for the first time as `noticed`.
    """
    for i in range(start, end):
        served = terms.qualifies[r.met[i]] & terms.started[r.city[i]]
        chance = m.review_eligible if served and not r.noticed[i] else m.review_outside
        chance = m.review_entry if r.tenure[i] == 0 else chance
        again = 1.0 if moved[i - start] else m.review_enrolled
        chance = again if r.enrolled[i] else chance
        r.noticed[i] |= served
        coin[i - start] -= chance
    return below_zero(coin, start, end, found)


@njit(cache=True)
def two_draws(identity, start, end, key, one, other):
    """Two independent draws in (0, 1) for each row from start to end out of one hash; fills one and other [row -
    start]."""
    for i in range(start, end):
        w = word(key, np.uint64(identity[i]))
        one[i - start], other[i - start] = high(w), low(w)


@njit(cache=True)
def below_zero(coin, start, end, found):
    """Rows from start to end whose coin is below 0: fills found, gives how many."""
    n = 0
    for i in range(start, end):  # no branch: who is found is a matter of chance, and no processor guesses it
        found[n] = i
        n += coin[i - start] < 0.0
    return n


@njit(cache=True)
def incline(m, p, r, rows, terms, peers, start, u, place, level):
    """How inclined several riders are to be enrolled, before taste: fills u (logits), the better place and level.

    rows: int [rider].  peers: share of his ties who are enrolled [row - start].
    """
    here, home = np.empty(len(rows)), np.empty(len(rows))
    for k in range(len(rows)):
        i = rows[k]
        hopes = terms.match * r.trust[i] if terms.qualifies[r.met[i]] and terms.started[r.city[i]] else 0.0
        near = r.origin[i] != OTHER_PROVINCE
        here[k] = terms.rate * (1.0 - hopes * (near or terms.at_work)) * terms.base[r.city[i]]
        home[k] = terms.rate * (1.0 - hopes * (near or terms.at_home)) * terms.base[r.hukou[i]]
    offer = Offer(terms.base, terms.rate, terms.levels, terms.pool, terms.receipt)
    appraise(m, p, r, rows, offer, here, home, u, place, level)
    for k in range(len(rows)):
        i = rows[k]
        informed = (r.traits[i] & INFORMED) > 0
        felt = m.peers * peers[i - start] + m.information * informed + m.identity * 0.01 * r.roots[i]
        u[k] = m.const + u[k] / m.sigma + felt + terms.nudge[r.city[i]]


@njit(cache=True, inline="always")
def months_in(r, i, place, pool):
    """Months that a rider has paid in a place's pool, as far as they are told apart."""
    if pool[r.place[i]] == pool[place]:
        return r.stay[i]
    return r.past[i] if pool[r.former[i]] == pool[place] else np.int16(0)


@njit(cache=True)
def insure(r, rows, place, pool):
    """Riders pay at other places from now on, [rider]; of the pools where one paid before, that with most months is
    told on."""
    for k in range(len(rows)):
        insure_one(r, rows[k], place[k], pool)


@njit(cache=True, inline="always")
def insure_one(r, i, place, pool):
    """See `insure`."""
    old = r.place[i]
    r.place[i] = place
    if pool[old] == pool[place]:
        return
    stay, past = r.stay[i], r.past[i]
    back = pool[r.former[i]] == pool[place]
    r.stay[i] = past if back else 0
    if back or stay >= past:
        r.former[i], r.past[i] = old, stay


@njit(cache=True)
def decide(m, r, rows, u, place, level, premium, pool, keys):
    """Enrol or leave: the reviewers' answer, each with the taste of his life or, now and then, of the moment.

    premium: CNY [place, level]: who has less cash takes a lower base, and cannot begin where even the lowest is too
    much.  pool: of `Terms`.  keys: of the coin that keeps the old taste, of a fresh
    one.
    """
    for k in range(len(rows)):
        i = rows[k]
        who = np.uint64(r.identity[i])
        taste = r.taste[i] if uniform(keys[0], who) < m.keep_taste else logistic(uniform(keys[1], who))
        wants = u[k] + taste > 0
        while wants and level[k] > 0 and r.cash[i] < premium[place[k], level[k]]:
            level[k] -= 1
        if wants and not r.enrolled[i]:
            wants = r.cash[i] >= premium[place[k], level[k]]
        if wants:
            insure_one(r, i, place[k], pool)
            r.level[i] = level[k]
        r.enrolled[i] = wants


# ------------------------------------------------------------------------------------------------- coming and going


@njit(cache=True)
def contribute(r, start, end, saved):
    """A month's contribution of who is enrolled: months of history, there and in all, and his own account; then who
    has run out of cash pauses.

    saved: CNY that goes to the account [place, level].
    """
    for i in range(start, end):
        if r.enrolled[i]:  # few are
            r.history[i] += 1
            r.stay[i] += 1
            r.account[i] += saved[r.place[i], r.level[i]]
            r.enrolled[i] = r.cash[i] >= 0


@njit(cache=True)
def grow(r, start, end, m, habits, coin, started, peers):
    """A month passes: age, belief in the subsidy, the view of one's work, and how far one has taken root.

    started: bool [city], the subsidy is paid there.  peers: enrolled share of his ties [row - start].
    """
    for i in range(start, end):
        paid = r.subsidised[i]
        learnt = r.trust[i] + m.trust_peers * peers[i - start] * (1.0 - r.trust[i]) * started[r.city[i]]
        r.trust[i] = 1.0 if paid else learnt
        chance = habits.settle if r.tenure[i] >= habits.settle_after else 0.0
        chance += habits.settle_subsidy if paid else 0.0
        r.temporary[i] &= coin[i - start] >= chance
        r.roots[i] = min(np.int64(r.roots[i]) + habits.root_month + habits.root_receipt * paid, 100)
        r.age[i] += 1
        r.starts[i] = 1


@njit(cache=True)
def leavers(r, start, end, coin, habits, leaves, found):
    """Who of the rows from start to end leaves at this month's close; fills found, gives how many. All others' tenure
    grows by a month. leaves: multiple of his chance [row]."""
    last = habits.exit.shape[1] - 1
    for i in range(start, end):
        chance = habits.exit[r.segment[i], min(r.tenure[i], last)] * (habits.kept if r.subsidised[i] else 1.0)
        chance *= (1.0 - (1.0 - habits.rooted) * 0.01 * r.roots[i]) * leaves[i]
        chance = 1.0 if r.age[i] >= habits.leave_age else chance
        coin[i - start] -= chance
        r.tenure[i] += np.int16((coin[i - start] >= 0.0) & (r.tenure[i] < last))
    return below_zero(coin, start, end, found)


@njit(cache=True)
def changers(r, start, end, coin, habits, found):
    """Who of the rows from start to end goes to the next or the last segment of the table; fills found, gives how many.

    Newcomers stay where they are for a month. Moves them.
    """
    for i in range(start, end):
        s = r.segment[i]
        chance = habits.down[s] + habits.up[s] if r.tenure[i] > 0 else 0.0
        coin[i - start] -= chance
    n = below_zero(coin, start, end, found)
    for k in range(n):
        i = found[k]
        s = r.segment[i]
        r.segment[i] = s + 1 if coin[i - start] < -habits.up[s] else s - 1
    return n
