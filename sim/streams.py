"""Randomness addressed, not drawn in order: a draw is a function of (seed, purpose, identity, date).

Two runs with one seed see the same weather, the same accidents and the same coin of every rider, whatever else
differs between them, and no number of workers or threads changes a draw. The hash is itself a kernel:
`uniform` works on numbers inside numba code and `Stream.uniforms` on whole columns outside it, with equal results.

Source: the finaliser is that of SplitMix64 [Steele2014], applied to the key and the identity in turn.
"""

import hashlib

import numpy as np
from numba import njit

_M1, _M2, _GOLD = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB), np.uint64(0x9E3779B97F4A7C15)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 1.0 / 9007199254740992.0  # 2^-53


@njit(cache=True, inline="always")
def mix(x):
    """SplitMix64 finaliser: uint64 (number or array) -> uint64, every bit depending on every bit."""
    x = (x ^ (x >> _S30)) * _M1
    x = (x ^ (x >> _S27)) * _M2
    return x ^ (x >> _S31)


@njit(cache=True, inline="always")
def uniform(key, identity):
    """The draw in (0, 1) of one identity under a stream's key (`Stream.key`); number or array of uint64."""
    word = mix(mix(identity * _GOLD + key) ^ key)
    return ((word >> _S11) + 0.5) * _UNIT


class Stream:
    """The draws of one purpose: `streams["riders/review"]`."""

    def __init__(self, seed: int, purpose: str):
        digest = hashlib.sha256(f"{seed}|{purpose}".encode()).digest()
        self._root = np.frombuffer(digest[:8], "<u8")

    def key(self, date: int = 0) -> np.uint64:
        """The key of a date (any integer: a day's ordinal, a month's number) for use in kernels."""
        return mix.py_func(self._root + np.array([date], np.uint64) * _GOLD)[0]

    def uniforms(self, identities, date: int = 0) -> np.ndarray:
        """One float64 in (0, 1) per identity (integers): equal to `uniform(self.key(date), identity)`."""
        identities = np.atleast_1d(np.asarray(identities)).astype(np.uint64)
        key = np.full(1, self.key(date))
        word = mix.py_func(mix.py_func(identities * _GOLD + key) ^ key)
        return ((word >> _S11) + 0.5) * _UNIT

    def normals(self, identities, date: int = 0) -> np.ndarray:
        """One standard normal per identity, by inversion, so one draw stays one draw."""
        from scipy.special import ndtri

        return ndtri(self.uniforms(identities, date))


class Streams:
    """All streams of a seed, by purpose."""

    def __init__(self, seed: int):
        self.seed = seed

    def __getitem__(self, purpose: str) -> Stream:
        return Stream(self.seed, purpose)
