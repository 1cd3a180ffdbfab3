"""Newcomers as arithmetic: everything that is theirs, drawn from their identities; and what a new segment changes.

`r` is the population's columns as a named tuple of arrays [row], `m` the parameters of the enrolment decision.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from agents.draws_kernels import high, logistic, low, normal, pick, word
from agents.mind_kernels import AT_HOME, CROSSED, INFORMED, LOCAL, OTHER_PROVINCE, WOMAN


class Births(NamedTuple):
    """What newcomers are drawn from. [city, segment]: factor_sigma, mean (CNY a month). [segment]: chance, spread,
    swaps, other_median, other_sigma. [city]: origins (cumulative, by origin), living (CNY). The rest: cumulative shares
    of age groups, households and provinces of hukou, first and span of an age group in months, dependants of a
    household; dependant and cash in CNY and months of income; temporary, history_share, history_home; history_mean in
    months; women, crossed, informed.
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
    history_home: float
    history_mean: float
    women: float
    crossed: float
    informed: float


# purposes of a newcomer's draws, in the order of the keys that `arrive` takes: two draws from each
BIRTH = ("factor and start", "origin and hukou", "age and household", "cash and view", "history and home",
         "beta and taste", "women and crossed", "informed and days", "swaps and other")
START = BIRTH.index("factor and start")


@njit(cache=True)
def arrive(r, m, b, rows, keys, first_month, month_days):
    """New people in the slots `rows`: everything that is theirs, drawn from their identities.

    keys: one for each purpose in BIRTH.  first_month: least part of the coming month, of month_days days, that they
    work. City, district, segment and weight are those of who left.
    """
    cities = len(b.living)
    for k in range(len(rows)):
        i = rows[k]
        who, city = np.uint64(r.identity[i]), r.city[i]
        sigma = b.factor_sigma[city, r.segment[i]]
        w = word(keys[0], who)
        r.factor[i] = math.exp(sigma * normal(high(w)) - 0.5 * sigma * sigma)
        r.starts[i] = 1 + int((1.0 - max(first_month, low(w))) * month_days)
        w = word(keys[1], who)
        r.origin[i] = pick(b.origins[city], high(w))
        r.hukou[i] = cities + pick(b.hukou, low(w)) if r.origin[i] == OTHER_PROVINCE else city
        r.place[i] = city
        w = word(keys[2], who)
        r.age[i] = age_of(b.ages, b.age_first, b.age_span, high(w))
        r.dependants[i] = b.dependants[pick(b.households, low(w))]
        w = word(keys[3], who)
        months = b.cash_median * math.exp(b.cash_sigma * normal(high(w)))
        r.cash[i] = months  # of income, until other income is known
        r.temporary[i] = low(w) < b.temporary
        w = word(keys[4], who)
        u = high(w)
        r.history[i] = int(-b.history_mean * math.log(u / b.history_share)) if u < b.history_share else 0
        there = r.origin[i] == OTHER_PROVINCE and low(w) < b.history_home
        r.stay[i], r.past[i] = (0, r.history[i]) if there else (r.history[i], 0)
        r.former[i] = r.hukou[i]
        w = word(keys[5], who)
        r.beta[i] = min(max(m.beta_mean + m.beta_sd * normal(high(w)), m.beta_low), m.beta_high)
        r.taste[i] = logistic(low(w))
        w, v = word(keys[6], who), word(keys[7], who)
        r.traits[i] = ((WOMAN if high(w) < b.women else 0) | (AT_HOME if r.origin[i] == LOCAL else 0)
                       | (CROSSED if low(w) < b.crossed else 0) | (INFORMED if high(v) < b.informed else 0))
        r.trust[i], r.sent[i], r.account[i] = m.trust_entry, 0.0, 0.0
        r.tenure[i], r.met[i], r.level[i], r.roots[i] = 0, 0, 0, 0
        r.enrolled[i] = r.noticed[i] = r.subsidised[i] = False
    change(r, b, rows, keys[7:])
    for i in rows:
        r.cash[i] *= b.mean[r.city[i], r.segment[i]] * r.factor[i] + r.other[i]


@njit(cache=True)
def age_of(ages, first, span, u):
    """Age in months of a uniform: the group by its cumulative share, evenly within it."""
    group = pick(ages, u)
    below = ages[group - 1] if group > 0 else 0.0
    part = min((u - below) / max(ages[group] - below, 1e-12), 1.0)
    return first[group] + int(part * span[group])


@njit(cache=True)
def change(r, b, rows, keys):
    """Riders in new segments, or new riders in old ones: what one has by the segment. Days worked (lower half of the
    first key's hash), a swap subscription and income beside the platform's (the second's)."""
    for i in rows:
        who, s = np.uint64(r.identity[i]), r.segment[i]
        blend = np.uint64(s)  # another segment, another draw
        v, w = word(keys[0] + blend, who), word(keys[1] + blend, who)
        r.chance[i] = b.chance[s] * (1.0 + b.spread[s] * (2.0 * low(v) - 1.0))
        r.swaps[i] = high(w) < b.swaps[s]
        usual = b.living[r.city[i]] + b.dependant * r.dependants[i]
        r.other[i] = usual * b.other_median[s] * math.exp(b.other_sigma[s] * normal(low(w)))
