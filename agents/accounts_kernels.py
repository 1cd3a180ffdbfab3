"""The arithmetic of retail accounts: who looks for offers, which one each takes. numpy and numba only."""

import math

import numpy as np
from numba import njit

from sim.streams import uniform

SEEN, TASTE = np.uint64(0x5851F42D4C957F2D), np.uint64(0x14057B7EF767814F)  # addresses of draws within a month's key


@njit(cache=True, inline="always")
def looks(z, key, identity):
    """Whether an account searches: a coin of the logit z."""
    return uniform(key, identity) * (1.0 + math.exp(-z)) < 1.0


@njit(cache=True)
def choose(key, identity, group, size, entry, reluctance, taste, contract, left, fallen, entered, posted, owner, green,
           price, default_price, index, peers, first, offers, term, base, base_due, seen, alpha, inertia, liking, alarm,
           peer_weight, entry_factor, fallen_factor):
    """Live a month of choice of all accounts, in place; gives how many searched, signed, renewed and entered.

    identity: uint64, group: int [account].  size: MWh a year, entry: CNY a year, reluctance: logit, taste: 0 to 1
    [account].  contract: int32, slot in the table of contracts, 0 for the default supplier; left: int16 months;
    fallen, entered: bool [account].
    posted: int [posted], offers that may be signed; owner: int [offer], retailer; green: bool [offer].
    price: CNY/MWh [group, offer], comparable and with what risk and trust weigh.  default_price, index (what who can
    see it compares with; nan where nobody can), peers (share who have signed) [group].
    first: slot of this month's first offer; offers: how many offers there are in all; slots of a month follow one
    another.  base, base_due: logit of searching in a month, and when a contract ends.
    """
    searched = signed = renewed = new = 0
    may = np.zeros(offers, np.bool_)
    for p in range(len(posted)):
        may[posted[p]] = True
    for i in range(len(identity)):
        if contract[i] > 0:
            left[i] -= 1
            if left[i] > 0:
                continue
        g = group[i]
        own = (contract[i] - 1) % offers if contract[i] > 0 else -1
        if own >= 0 and not may[own]:  # whom nobody renews falls back to the default supplier
            contract[i], left[i], own = 0, 0, -1
        now = price[g, own] if own >= 0 else default_price[g] * (fallen_factor if fallen[i] else 1.0)
        z = (base_due if own >= 0 else base) + peer_weight * peers[g] - reluctance[i]
        if not math.isnan(index[g]):
            z += alarm * (now - index[g])
        if len(posted) == 0 or not looks(z, key, identity[i]):
            if own >= 0:
                contract[i], left[i] = first + own, term
                renewed += 1
            continue
        searched += 1
        best, best_value = own, -1e300
        retailer = owner[own] if own >= 0 else -1
        word = identity[i] * np.uint64(64)
        if own >= 0:
            noise = -math.log(-math.log(uniform(key ^ TASTE, word)))
            best_value = -alpha * (now - inertia - (liking * taste[i] if green[own] else 0.0)) + noise
        for k in range(seen):
            here = word + np.uint64(k + 1)
            o = posted[int(uniform(key ^ SEEN, here) * len(posted))]
            worth = price[g, o] - (liking * taste[i] if green[o] else 0.0) - (inertia if owner[o] == retailer else 0.0)
            value = -alpha * worth - math.log(-math.log(uniform(key ^ TASTE, here)))
            if value > best_value:
                best, best_value = o, value
        if own < 0 and not entered[i]:
            if (now - price[g, best]) * size[i] <= entry[i] * entry_factor:
                continue
            new += 1
        if best == own:
            renewed += 1
        else:
            signed += 1
        contract[i], left[i], fallen[i], entered[i] = first + best, term, False, True
    return searched, signed, renewed, new


@njit(cache=True)
def held(contract, group, size, slots, groups):
    """Energy of a year of all accounts by contract and group, [slot, group]."""
    total = np.zeros((slots, groups))
    for i in range(len(contract)):
        total[contract[i], group[i]] += size[i]
    return total
