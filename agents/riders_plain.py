"""The riders' arithmetic with whole columns and no compiler: what `agents.riders_kernels` does, written a second time.

Same names, same arguments, same results: integers, booleans and draws equal, float32 columns to 1e-6. Give it to a
population (`riders.kernels = riders_plain`) to run without compiled code, or to hold one against the other.
"""

import numpy as np

from agents.birth_kernels import AT_HOME, BIRTH, CROSSED, INFORMED, WOMAN
from agents.mind_kernels import LOCAL, OTHER_CITY, OTHER_PROVINCE
from sim.streams import mix

_GOLD, _UNIT, _HALF = np.uint64(0x9E3779B97F4A7C15), 1.0 / 9007199254740992.0, 1.0 / 4294967296.0
GRAIN = 256.0


# ------------------------------------------------------------------------------------------------------------ draws


def word(key, identity: np.ndarray) -> np.ndarray:
    """The hash of identities under a stream's key."""
    key = np.full(1, key, np.uint64)
    return mix.py_func(mix.py_func(identity.astype(np.uint64) * _GOLD + key) ^ key)


def uniform(key, identity: np.ndarray) -> np.ndarray:
    """One draw in (0, 1) of each identity."""
    return ((word(key, identity) >> np.uint64(11)) + 0.5) * _UNIT


def high(words: np.ndarray) -> np.ndarray:
    """The draws in the upper halves of hashes."""
    return ((words >> np.uint64(32)) + 0.5) * _HALF


def low(words: np.ndarray) -> np.ndarray:
    """The draws in the lower halves."""
    return ((words & np.uint64(0xFFFFFFFF)) + 0.5) * _HALF


def normal(u: np.ndarray) -> np.ndarray:
    """Standard normals of uniforms. Source: algorithm AS 241, PPND7 [Wichura1988]."""
    q = u - 0.5
    r = 0.180625 - q * q
    middle = q * (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179) / (
        ((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0)
    r = np.sqrt(-np.log(np.minimum(u, 1.0 - u)))
    near, far = r - 1.6, r - 5.0
    tail = np.where(
        r <= 5.0,
        (((0.17023821103 * near + 1.3067284816) * near + 2.7568153900) * near + 1.4234372777)
        / ((0.12021132975 * near + 0.73700164250) * near + 1.0),
        (((0.017337203997 * far + 0.42868294337) * far + 3.0812263860) * far + 6.6579051150)
        / ((0.012258202635 * far + 0.24197894225) * far + 1.0))
    return np.where(np.abs(q) <= 0.425, middle, np.where(q < 0, -tail, tail))


def logistic(u: np.ndarray) -> np.ndarray:
    """Standard logistics of uniforms."""
    return np.log(u / (1.0 - u))


def pick(cumulative: np.ndarray, u: np.ndarray) -> np.ndarray:
    """First positions whose cumulative share exceeds u; the last one if rounding leaves none."""
    return np.searchsorted(cumulative[:-1], u, side="right")


def groups(r, shape) -> np.ndarray:
    """Group of city, district and segment in which everybody rides now."""
    return (r.city.astype(np.int64) * shape[0] + r.district) * shape[1] + r.segment


# -------------------------------------------------------------------------------------------------- day and month


def turn_out(r, key, day, first, shape, capacity, riding):
    """See `agents.riders_kernels.turn_out`."""
    turns = (uniform(key, r.identity) < r.chance) & (r.starts <= day)
    r.days[:] |= turns.astype(np.uint32) << np.uint32(day - 1)
    works = turns * r.weight.astype(np.int64)
    np.add.at(capacity, groups(r, shape), works * (r.pace * GRAIN).astype(np.int64))
    np.add.at(riding, r.city, works * r.swaps)


def set_pace(r, key, mean, sigma, level):
    """See `agents.riders_kernels.set_pace`."""
    at, z = (r.city, r.segment), normal(uniform(key, r.identity))
    usual = level * mean[at] * np.exp(sigma[at] * z - 0.5 * sigma[at] * sigma[at])
    r.pace[:] = np.rint(usual * r.factor * GRAIN) / GRAIN
    r.days[:] = 0


def settle(r, first, shape, books, base, sums):
    """See `agents.riders_kernels.settle`."""
    now = groups(r, shape)
    sums[:] = 0.0
    for byte in range(4):
        part = np.zeros_like(sums)
        for day in range(8 * byte, min(8 * byte + 8, books.shape[1])):
            part += books[now, day].T * (r.days >> np.uint32(day) & np.uint32(1))
        sums += part
    sums *= r.pace.astype(float)
    income = _fen(np.maximum(sums[1], 0.0))
    r.income[:] = income
    r.met[:] = r.met << 1 | (income >= base[r.city])


def show(r, sums, h, law, hours, shown):
    """See `agents.riders_kernels.show`."""
    base, premium, chosen = law
    at = (r.place, r.level)
    shown.orders[:], shown.rain_orders[:], shown.extreme_orders[:] = np.rint(sums[[0, 2, 3]])
    shown.base[:], shown.premium[:], shown.chosen[:] = base[r.place], premium[at], chosen[at]
    spent = (h.living[r.city] + h.dependant * r.dependants + h.work_cost[r.segment] - h.replaces * r.swaps
             + r.sent - r.other)
    shown.living[:], shown.other[:] = _fen(np.maximum(spent, 0.0)), _fen(np.maximum(-spent, 0.0))
    shown.account[:] = _fen(r.account.astype(float))
    shown.here[:] = r.place == r.city
    shown.home[:] = (r.place == r.hukou) | (r.origin != OTHER_PROVINCE)
    shown.female[:] = (r.traits & WOMAN) > 0
    shown.days[:] = np.bitwise_count(r.days)
    shown.hours[:] = shown.days * hours[r.city, r.segment]


def _fen(yuan: np.ndarray) -> np.ndarray:
    return np.floor(yuan * 100.0 * (1 + 4e-16) + 0.5 + 1e-7).astype(np.int64)


def enrolled_among(r, busy, there, enrolled):
    """See `agents.riders_kernels.enrolled_among`."""
    persons = r.weight.astype(np.int64) * busy[r.segment]
    np.add.at(there, r.city, persons)
    np.add.at(enrolled, r.city, persons * r.enrolled)


def injure(r, keys, exposure, rate, cumulative, sizes, claims):
    """See `agents.riders_kernels.injure`."""
    mean, u = rate * exposure * r.weight, uniform(keys[0], r.identity)
    claims[:] = 0
    for i in np.flatnonzero(u > 1.0 - mean):
        probability = np.exp(-mean[i])
        below, count, total = probability, 0, 0
        while u[i] > below and probability > 0.0:
            count += 1
            probability *= mean[i] / count
            below += probability
            draw = uniform(int(keys[1]) + count, r.identity[i:i + 1])
            total += sizes[pick(cumulative, draw)[0]]
        claims[i] = (2 * total + r.weight[i]) // (2 * r.weight[i])


def book(flow, first, identity, amount, who, sign, shifts):
    """See `agents.riders_kernels.book`."""
    life, slot = shifts
    rows = first[(who >> slot + life) - 1] + (who >> life & (1 << slot) - 1)
    here = identity[rows] == who
    np.add.at(flow, rows[here], sign * amount[here])


def look_round(ties, start, end, flags, share):
    """See `sim.network.ties_kernels.look_round`."""
    seen, rows = np.unpackbits(flags, bitorder="little"), np.arange(start, end)
    count = np.zeros(end - start, np.int64)
    for friend in ties[start:end].T:
        count += seen[friend] * (friend != rows)
    share[:end - start] = count.astype(np.float32) * np.float32(1.0 / max(ties.shape[1], 1))


def keep_house(r, start, end, flow, h):
    """See `agents.riders_kernels.keep_house`."""
    costs = h.living[r.city] + h.dependant * r.dependants + h.work_cost[r.segment] - h.replaces * r.swaps
    surplus = flow / 100.0 + r.other - costs
    aim = h.target * (r.income / 100.0 + r.other)
    sent = np.maximum(surplus, 0.0) * (1.0 - np.where(r.cash < aim, h.saved_below, h.saved_above))
    cash = r.cash + surplus - sent
    spent = h.run_down * np.maximum(cash - aim, 0.0)
    r.cash[:], r.sent[:] = cash - spent, sent + spent


# ---------------------------------------------------------------------------------------------------- the decision


def appraise(m, p, r, rows, offer, here, home, money, place, level):
    """See `agents.mind_kernels.appraise`."""
    base, rate, levels, pool, receipt = offer
    age, temporary, far = r.age[rows], r.temporary[rows], r.origin[rows] == OTHER_PROVINCE
    income = np.maximum(r.income[rows] / 100.0 + r.other[rows], 1.0)
    tight = np.exp(-np.maximum(r.cash[rows], 0.0) / (m.pressure_cash * income))
    weight = np.minimum(1.0 + m.pressure_slope * tight * np.minimum(m.pressure_cap, m.pressure_income / income),
                        m.pressure_most) / 1000.0
    vest = np.where(temporary, m.vest_temporary, m.vest_rooted)
    vest = vest * np.minimum(1.0, (p.years[age] + r.history[rows] / 12.0) / p.need[age]) ** m.vest_power
    months = np.clip(12.0 * np.where(temporary, m.horizon_temporary, m.horizon_rooted), m.horizon_least, m.horizon_most)
    moves = far & (_months_in(r, rows, r.city[rows], pool) < receipt)
    best, beta = np.full(len(rows), -np.inf), r.beta[rows].astype(float)
    flat, own, account = p.flat[age], p.own[age], p.account[age]
    paid = np.maximum(r.history[rows] + 12.0 * m.density * p.years[age], 1.0) * p.replaced[age]
    means = m.means + paid * (flat + own)
    wanted = m.need * income * m.wage_ratio
    likes = m.keen * np.maximum(m.sigma * (m.const + r.taste[rows].astype(float)), 0.0)
    for away, there, price in ((False, r.city[rows], here), (True, r.hukou[rows], home)):
        at_work, may = moves & (not away), far | (not away)
        v, lower = np.where(at_work, vest * (1.0 - m.vest_away), vest), base[there]
        moving = np.where(at_work, m.transfer_cost / 1000.0 / months, 0.0)
        rights = beta * lower * (v * (flat + own) + (1.0 - v) * account)
        first = rights - weight * price - moving
        keen = beta + beta * likes / np.maximum(rights, 1e-300)
        need, left = wanted / lower, income - price
        gains = v * wanted * own + (1.0 - v) * account * means * lower
        may_rise = may & (beta * (rights + likes) * gains > weight * rate * means * rights * lower)
        for step, multiple in enumerate(levels):
            more, dearer = multiple - 1.0, rate * lower * (multiple - 1.0)
            able = may if step == 0 else may_rise & (dearer < left)
            drawn = need / paid * np.log(1.0 + paid * own * more / means)
            today = left * np.log(left / np.where(able & (step > 0), left - dearer, left))
            worth = first + (keen * lower * (v * drawn + (1.0 - v) * more * account) - weight * today)
            better = able & (worth > best)
            best = np.where(better, worth, best)
            place[better], level[better] = there[better], step
    money[:] = np.where(r.origin[rows] == LOCAL, best, best - m.friction)


def incline(m, p, r, rows, terms, peers, start, u, place, level):
    """See `agents.mind_kernels.incline`."""
    served = terms.qualifies[r.met[rows]] & terms.started[r.city[rows]]
    hopes, near = np.where(served, terms.match * r.trust[rows].astype(float), 0.0), r.origin[rows] != OTHER_PROVINCE
    here = terms.rate * (1.0 - hopes * (near | terms.at_work)) * terms.base[r.city[rows]]
    home = terms.rate * (1.0 - hopes * (near | terms.at_home)) * terms.base[r.hukou[rows]]
    offer = terms.base, terms.rate, terms.levels, terms.pool, terms.receipt
    appraise(m, p, r, rows, offer, here, home, u, place, level)
    felt = m.peers * peers[rows - start].astype(float) + m.information * ((r.traits[rows] & INFORMED) > 0)
    u[:] = m.const + u / m.sigma + (felt + m.identity * 0.01 * r.roots[rows]) + terms.nudge[r.city[rows]]


def _months_in(r, rows, place, pool):
    """See `agents.mind_kernels.months_in`."""
    past = np.where(pool[r.former[rows]] == pool[place], r.past[rows], 0)
    return np.where(pool[r.place[rows]] == pool[place], r.stay[rows], past)


def insure(r, rows, place, pool):
    """See `agents.mind_kernels.insure`."""
    old, stay, past = r.place[rows], r.stay[rows], r.past[rows]
    r.place[rows] = place
    other, back = pool[old] != pool[place], pool[r.former[rows]] == pool[place]
    r.stay[rows] = np.where(other, np.where(back, past, 0), stay)
    keep = other & (back | (stay >= past))
    r.former[rows[keep]], r.past[rows[keep]] = old[keep], stay[keep]


def _review(r, m, p, terms, keys, peers, moved):
    """Who thinks again does so."""
    served = terms.qualifies[r.met] & terms.started[r.city]
    chance = np.where(served & ~r.noticed, m.review_eligible, m.review_outside)
    chance = np.where(r.tenure == 0, m.review_entry, chance)
    chance = np.where(r.enrolled, np.where(moved, 1.0, m.review_enrolled), chance)
    r.noticed[:] |= served
    rows = np.flatnonzero(high(word(keys.review, r.identity)) - chance < 0.0)
    u, place, level = np.zeros(len(rows)), np.zeros(len(rows), np.int16), np.zeros(len(rows), np.uint8)
    incline(m, p, r, rows, terms, peers, 0, u, place, level)
    old = uniform(keys.keep_taste, r.identity[rows]) < m.keep_taste
    wants = u + np.where(old, r.taste[rows], logistic(uniform(keys.fresh_taste, r.identity[rows]))) > 0
    for _ in terms.levels[1:]:
        level[(level > 0) & (r.cash[rows] < terms.premium[place, level])] -= 1
    wants &= r.enrolled[rows] | (r.cash[rows] >= terms.premium[place, level])
    insure(r, rows[wants], place[wants], terms.pool)
    r.level[rows[wants]] = level[wants]
    r.enrolled[rows] = wants


# ---------------------------------------------------------------------------------------------- coming and going


def _move(r, country, keys, ties, city_of) -> np.ndarray:
    """Some look at other cities and some of these go. Gives who works in another city now."""
    words = word(keys.look, r.identity)
    found, to = [], []
    for i in np.flatnonzero(high(words) - np.where(r.tenure > 0, country.look, 0.0) < 0.0):
        there = _destination(country, city_of[ties[i]], int(r.city[i]), low(words[i:i + 1])[0])
        if there >= 0:
            found.append(i)
            to.append(there)
    rows, to = np.array(found, np.int64), np.array(to, np.int64)
    city, s = r.city[rows], r.segment[rows]
    dear = logistic(uniform(keys.go, r.identity[rows])) + country.cost[city] + country.better[city, s]
    go = dear < country.better[to, s]
    rows, to = rows[go], to[go]
    moved = np.zeros(len(r.city), bool)
    moved[rows] = to != r.city[rows]
    r.traits[rows] |= np.uint8(CROSSED)
    rows, to = rows[moved[rows]], to[moved[rows]]
    r.city[rows] = to
    u = uniform(keys.station, r.identity[rows])
    r.district[rows] = (country.station[to, :-1] <= u[:, None]).cumprod(axis=1).sum(axis=1)
    near = r.hukou[rows] < len(country.province)
    rows, to = rows[near], to[near]
    home = r.hukou[rows]
    local = ((r.traits[rows] & AT_HOME) > 0) & (home == to)
    r.origin[rows] = np.where(local, LOCAL, np.where(country.province[home] == country.province[to], OTHER_CITY,
                                                     OTHER_PROVINCE))
    return moved


def _destination(country, friends_in: np.ndarray, city: int, u: float) -> int:
    """See `agents.moving_kernels.destination`."""
    share, many = country.alike[city], country.many[city]
    pull = np.where((friends_in != city) | many, country.friends * share[friends_in], 0.0)
    others = np.where((np.arange(len(share)) != city) | many, share, 0.0)
    own, total = 0.0 if many else share[city], country.cumulative[city, -1]
    known = 0.0
    for each in pull:
        known += each
    aim = u * (known + total - own)
    if aim < known:
        for there, each in zip(friends_in, pull):
            aim -= each
            if aim < 0.0:
                return int(there)
    aim -= known
    if total <= own:
        return -1
    return min(int(np.searchsorted(np.cumsum(others), aim, side="right")), len(share) - 1)


def _change(r, b, rows, keys):
    """See `agents.birth_kernels.change`."""
    who, s = r.identity[rows], r.segment[rows]
    v, w = np.empty(len(rows), np.uint64), np.empty(len(rows), np.uint64)
    for segment in np.unique(s):
        mine = s == segment
        v[mine], w[mine] = (word(int(key) + int(segment), who[mine]) for key in keys)
    r.chance[rows] = b.chance[s] * (1.0 + b.spread[s] * (2.0 * low(v) - 1.0))
    r.swaps[rows] = high(w) < b.swaps[s]
    usual = b.living[r.city[rows]] + b.dependant * r.dependants[rows]
    r.other[rows] = usual * b.other_median[s] * np.exp(b.other_sigma[s] * normal(low(w)))


def arrive(r, m, b, rows, keys, first_month, month_days):
    """See `agents.birth_kernels.arrive`."""
    w = {name: word(key, r.identity[rows]) for name, key in zip(BIRTH, keys)}
    city, s, cities = r.city[rows], r.segment[rows], len(b.living)
    sigma = b.factor_sigma[city, s]
    r.factor[rows] = np.exp(sigma * normal(high(w["factor and start"])) - 0.5 * sigma * sigma)
    r.starts[rows] = 1 + ((1.0 - np.maximum(first_month, low(w["factor and start"]))) * month_days).astype(int)
    u, origin = high(w["origin and hukou"]), np.zeros(len(rows), int)
    for c in np.unique(city):
        origin[city == c] = pick(b.origins[c], u[city == c])
    r.origin[rows], r.place[rows] = origin, city
    r.hukou[rows] = np.where(origin == OTHER_PROVINCE, cities + pick(b.hukou, low(w["origin and hukou"])), city)
    u = high(w["age and household"])
    group = pick(b.ages, u)
    below = np.where(group > 0, b.ages[group - 1], 0.0)
    part = np.minimum((u - below) / np.maximum(b.ages[group] - below, 1e-12), 1.0)
    r.age[rows] = b.age_first[group] + (part * b.age_span[group]).astype(int)
    r.dependants[rows] = b.dependants[pick(b.households, low(w["age and household"]))]
    months = b.cash_median * np.exp(b.cash_sigma * normal(high(w["cash and view"])))
    r.temporary[rows] = low(w["cash and view"]) < b.temporary
    u = high(w["history and home"])
    paid = np.where(u < b.history_share, -b.history_mean * np.log(u / b.history_share), 0.0).astype(int)
    there = (origin == OTHER_PROVINCE) & (low(w["history and home"]) < b.history_home)
    r.history[rows], r.past[rows], r.stay[rows] = paid, np.where(there, paid, 0), np.where(there, 0, paid)
    r.former[rows] = r.hukou[rows]
    r.beta[rows] = np.clip(m.beta_mean + m.beta_sd * normal(high(w["beta and taste"])), m.beta_low, m.beta_high)
    r.taste[rows] = logistic(low(w["beta and taste"]))
    r.traits[rows] = (WOMAN * (high(w["women and crossed"]) < b.women) | AT_HOME * (origin == LOCAL)
                      | CROSSED * (low(w["women and crossed"]) < b.crossed)
                      | INFORMED * (high(w["informed and days"]) < b.informed))
    r.trust[rows] = m.trust_entry
    for column in (r.sent, r.account, r.tenure, r.met, r.level, r.roots, r.enrolled, r.noticed, r.subsidised):
        column[rows] = 0
    _change(r, b, rows, keys[7:])
    r.cash[rows] = months.astype(np.float32) * (b.mean[city, s] * r.factor[rows] + r.other[rows])


def reflect(r, m, p, births, country, terms, habits, leaves, keys, flow, flags, city_of, ties):
    """See `agents.riders_kernels.reflect`."""
    h, peers = habits, np.zeros(len(flow), np.float32)
    look_round(ties, 0, len(flow), flags, peers)
    keep_house(r, 0, len(flow), flow, h)
    paid = r.enrolled.astype(np.int16)
    r.history[:] += paid
    r.stay[:] += paid
    r.account[:] = r.account + terms.saved[r.place, r.level] * paid
    r.enrolled[:] &= r.cash >= 0
    _review(r, m, p, terms, keys, peers, _move(r, country, keys, ties, city_of))
    _grow(r, m, h, terms, keys, peers)
    chance = np.where(r.tenure > 0, (h.down + h.up)[r.segment], 0.0)
    coin = low(word(keys.outlook, r.identity)) - chance
    rows = np.flatnonzero(coin < 0.0)
    r.segment[rows] = np.where(coin[rows] < -h.up[r.segment[rows]], r.segment[rows] + 1, r.segment[rows] - 1)
    _change(r, births, rows, keys.birth[7:])
    last = h.exit.shape[1] - 1
    chance = h.exit[r.segment, np.minimum(r.tenure, last)] * np.where(r.subsidised, h.kept, 1.0)
    chance = chance * ((1.0 - (1.0 - h.rooted) * 0.01 * r.roots) * leaves)
    gone = low(word(keys.review, r.identity)) - np.where(r.age >= h.leave_age, 1.0, chance) < 0.0
    r.tenure[:] += ~gone & (r.tenure < last)
    rows = np.flatnonzero(gone)
    r.identity[rows] += 1
    arrive(r, m, births, rows, keys.birth, h.first_month, h.month_days)


def _grow(r, m, h, terms, keys, peers):
    """See `agents.mind_kernels.grow`."""
    learnt = r.trust + m.trust_peers * peers.astype(float) * (1.0 - r.trust) * terms.started[r.city]
    r.trust[:] = np.where(r.subsidised, 1.0, learnt)
    chance = np.where(r.tenure >= h.settle_after, h.settle, 0.0) + np.where(r.subsidised, h.settle_subsidy, 0.0)
    r.temporary[:] &= high(word(keys.outlook, r.identity)) >= chance
    r.roots[:] = np.minimum(r.roots.astype(int) + h.root_month + h.root_receipt * r.subsidised, 100)
    r.age[:] += 1
    r.starts[:] = 1
