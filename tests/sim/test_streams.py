"""Draws are addressed by seed, purpose, identity and date; here they are worked out again in plain integers.

The reference below is written from the published algorithm, with Python's own integers and no numpy: SplitMix64's
finaliser, as Vigna's splitmix64.c gives it (z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9, and so on).
"""

import hashlib
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import njit
from scipy import stats

from sim.streams import Streams, mix, uniform

WORD = 2**64 - 1
GOLD = 0x9E3779B97F4A7C15
JULY = date(2025, 7, 1).toordinal()
words = st.integers(0, WORD)
# worked out by `reference` alone, in a Python without numpy
KNOWN = (0.676101787573473, 0.2568829430731115, 0.24481806117702104)


def finalise(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


def reference(seed: int, purpose: str, identity: int, day: int) -> float:
    """A draw by its address, without the code under test."""
    root = int.from_bytes(hashlib.sha256(f"{seed}|{purpose}".encode()).digest()[:8], "little")
    key = finalise((root + day * GOLD) & WORD)
    word = finalise(finalise((identity * GOLD + key) & WORD) ^ key)
    return ((word >> 11) + 0.5) / 2**53


@njit
def column(key, identities):
    """What a kernel does: one draw after the other."""
    found = np.empty(len(identities))
    for i in range(len(identities)):
        found[i] = uniform(key, np.uint64(identities[i]))
    return found


# ------------------------------------------------------------------------------------------------------ known answers


def test_the_finaliser_is_splitmix64s():
    """The first outputs of splitmix64.c from state 0 (state 0 + k x golden, finalised), as published widely."""
    known = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]
    for k, answer in enumerate(known, start=1):
        assert finalise(k * GOLD & WORD) == answer
        assert int(mix(np.uint64(k * GOLD & WORD))) == answer


@given(words)
def test_mixing_a_word_is_mixing_it_on_paper(word):
    assert int(mix(np.uint64(word))) == finalise(word)
    assert int(mix.py_func(np.array([word], np.uint64))[0]) == finalise(word)


@given(st.integers(0, 2**63 - 1), st.sampled_from(["weather/rain/YN", "riders/day", "é"]), st.integers(0, 2**62),
       st.integers(0, 10**6))
def test_a_draw_is_what_its_address_says_on_paper(seed, purpose, identity, day):
    stream = Streams(seed)[purpose]
    drawn = stream.uniforms([identity], day)
    assert drawn.tolist() == [reference(seed, purpose, identity, day)]
    assert uniform(stream.key(day), np.uint64(identity)) == drawn[0]


def test_the_draws_of_a_known_address_are_these_for_good():
    """A change of these figures is a change of every result: of weather, of people, of who works today."""
    drawn = Streams(7)["riders/day"].uniforms([0, 1, 2**40], JULY)
    assert drawn.tolist() == [reference(7, "riders/day", identity, JULY) for identity in (0, 1, 2**40)]
    assert drawn.tolist() == list(KNOWN)


# ------------------------------------------------------------------------------------------------- kernels and columns


def test_a_kernels_draws_are_the_columns_draws():
    stream, identities = Streams(3)["x"], np.concatenate([np.arange(5000), 2**50 + np.arange(5000)])
    assert np.array_equal(column(stream.key(JULY), identities), stream.uniforms(identities, JULY))


def test_draws_do_not_depend_on_order_or_company():
    stream, identities = Streams(3)["x"], np.arange(1000)
    whole = stream.uniforms(identities, 5)
    assert np.array_equal(stream.uniforms(identities[::-1], 5), whole[::-1])
    assert stream.uniforms([17], 5)[0] == whole[17]
    assert stream.uniforms(17, 5).shape == (1,)
    assert np.array_equal(Streams(3)["x"].uniforms(identities, 5), whole)


@given(words, words)
def test_draws_lie_strictly_between_nought_and_one(key, identity):
    """Even the extreme words: half a step of 2^-53 from either end."""
    assert 0 < uniform(np.uint64(key), np.uint64(identity)) < 1
    assert 0 < 0.5 / 2**53
    assert (2**53 - 1 + 0.5) / 2**53 <= 1


# --------------------------------------------------------------------------------------------------------- randomness


ADDRESSES = {  # a hundred thousand addresses that differ in one thing
    "identity": lambda: Streams(1)["u"].uniforms(np.arange(100_000), JULY),
    "identity of slots": lambda: Streams(1)["u"].uniforms((np.arange(100_000) << 12) + (5 << 36), JULY),
    "date": lambda: np.array([Streams(1)["u"].uniforms([8], day)[0] for day in range(20_000)]),
    "seed": lambda: np.array([Streams(seed)["u"].uniforms([8], JULY)[0] for seed in range(20_000)]),
    "purpose": lambda: np.array([Streams(1)[f"purpose {k}"].uniforms([8], JULY)[0] for k in range(20_000)])}


@pytest.mark.parametrize("address", ADDRESSES)
def test_draws_over_each_part_of_the_address_are_uniform(address):
    """Chi-square on a hundred bins; with fixed addresses the test passes for good or fails for good."""
    drawn = ADDRESSES[address]()
    assert stats.chisquare(np.histogram(drawn, 100, (0, 1))[0]).pvalue > 0.001
    assert stats.kstest(drawn, "uniform").pvalue > 0.001


@pytest.mark.parametrize("address", ADDRESSES)
def test_neighbouring_addresses_have_nothing_to_do_with_one_another(address):
    """Pairs of neighbours fill the square evenly (10 x 10 cells) and are not correlated (within 4 / sqrt(n))."""
    drawn = ADDRESSES[address]()
    cells = np.histogram2d(drawn[:-1:2], drawn[1::2], 10, ((0, 1), (0, 1)))[0]
    assert stats.chisquare(cells.ravel()).pvalue > 0.001
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 4 / np.sqrt(len(drawn))


@pytest.mark.parametrize(("one", "other"), [
    (("a", JULY), ("b", JULY)), (("a", JULY), ("a", JULY + 1)), (("riders/day", 24307), ("riders/pace", 24307)),
    (("a", 0), ("a", 2**31))])
def test_the_same_people_are_drawn_anew_for_another_purpose_or_date(one, other):
    identities = np.arange(100_000) << 12
    first, second = (Streams(1)[purpose].uniforms(identities, day) for purpose, day in (one, other))
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(100_000)
    cells = np.histogram2d(first, second, 10, ((0, 1), (0, 1)))[0]
    assert stats.chisquare(cells.ravel()).pvalue > 0.001


def test_another_seed_is_another_world():
    first, second = (Streams(seed)["a"].uniforms(np.arange(100_000)) for seed in (1, 2))
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(100_000)
    assert not np.isin(first, second).any()


def test_every_bit_of_an_identity_moves_about_half_of_the_words_bits():
    """Avalanche: 53 bits, so 26.5 on average; over 2,000 identities the mean lies within 0.5 of it for each bit."""
    identities, key = np.arange(2000, dtype=np.int64) * 7919, Streams(1)["u"].key(JULY)
    bits = (column(key, identities) * 2**53).astype(np.uint64)
    for bit in range(48):
        flipped = (column(key, identities ^ (1 << bit)) * 2**53).astype(np.uint64)
        assert abs(np.bitwise_count(bits ^ flipped).mean() - 26.5) < 0.5


def test_normals_are_standard_normal_and_one_draw_each():
    stream, identities = Streams(1)["u"], np.arange(100_000)
    normals = stream.normals(identities, JULY)
    assert stats.kstest(normals, "norm").pvalue > 0.001
    np.testing.assert_allclose(stats.norm.cdf(normals), stream.uniforms(identities, JULY), atol=1e-12)
