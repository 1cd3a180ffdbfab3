"""Retail packages as goods: what each costs a user in a month, and what it may be expected to cost his own profile.

A package is a kind and two terms fixed when it is signed: `level`, a price of energy, and `fee`, what is added to the
wholesale price. A month's price by period of the day (peak, flat, valley) is a pure function of both and of the month's
mean wholesale price, so that a bill is energy by period x price.

*Source*: the seven kinds and their rules of the retail platform, stylised [known: medium].
"""

from dataclasses import dataclass

import numpy as np

from sim.network.demand import mean_excess

KINDS = ("fixed", "linked", "mixed", "spread_share", "capped", "green", "time_of_use")
FIXED, LINKED, MIXED, SPREAD_SHARE, CAPPED, GREEN, TIME_OF_USE = range(len(KINDS))
PERIODS = ("peak", "flat", "valley")


@dataclass(frozen=True)
class Terms:
    """The law's frame of packages. mix: part of the mixed package that is fixed.  share: of the spread between level
    and wholesale price that the user gets.  floor, cap: of the capped package, as multiples of its level.  factors: of
    the level in peak, flat and valley hours [3]."""

    mix: float
    share: float
    floor: float
    cap: float
    factors: np.ndarray


def prices(kind, level, fee, mean, certificate: float, terms: Terms) -> np.ndarray:
    """What packages cost in a month in which the wholesale mean is known, CNY/MWh [..., period].

    kind: int, level, fee, mean: CNY/MWh, all of one shape [...]; certificate: CNY/certificate, one a MWh.
    """
    kind, level, fee, mean = np.broadcast_arrays(kind, level, fee, mean)
    linked = mean + fee
    whole = np.select(
        [kind == FIXED, kind == LINKED, kind == MIXED, kind == SPREAD_SHARE, kind == CAPPED, kind == GREEN],
        [level, linked, terms.mix * level + (1 - terms.mix) * linked, level - terms.share * (level - mean),
         np.clip(linked, terms.floor * level, terms.cap * level), linked + certificate], level)
    factor = np.where((kind == TIME_OF_USE)[..., None], terms.factors, 1.0)
    return whole[..., None] * factor


def expected(kind, level, fee, mean, spread, profile, certificate: float, terms: Terms) -> np.ndarray:
    """The comparable expected price of packages for a profile, CNY/MWh [...]: the mean over a normally distributed
    wholesale mean, weighted by when the profile uses energy.

    mean, spread: CNY/MWh, of the wholesale mean of the months ahead and its standard deviation.  profile: share of the
    energy by period [..., 3].  All but the last axis of `profile` are of one shape; the rest as for `prices`.
    """
    kind, level, fee, mean, spread = np.broadcast_arrays(kind, level, fee, mean, spread)
    known = prices(kind, level, fee, mean, certificate, terms)
    at = (known * profile).sum(axis=-1)
    low, high = terms.floor * level, terms.cap * level
    between = low + mean_excess(mean + fee - low, spread) - mean_excess(mean + fee - high, spread)
    return np.where(kind == CAPPED, between, at)


def exposure(terms: Terms) -> np.ndarray:
    """Part of a change of the wholesale mean that reaches the user's price, by kind [kind]; of the capped package one
    half, as its price is clipped on either side."""
    found = np.zeros(len(KINDS))
    found[[LINKED, GREEN]] = 1.0
    found[MIXED], found[SPREAD_SHARE], found[CAPPED] = 1 - terms.mix, terms.share, 0.5
    return found
