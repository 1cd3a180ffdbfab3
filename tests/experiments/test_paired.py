"""Two samples compared seed by seed, by hand."""

import numpy as np
import pytest

from experiments.paired import half_width, paired


def test_a_pair_is_judged_by_its_differences():
    # differences 1, 2, 3: mean 2, deviation 1, t of two degrees of freedom 4.3027, so 2 -+ 4.3027/sqrt 3 = 2 -+ 2.4841
    found = paired([10, 20, 30], [11, 22, 33])
    assert (found.before, found.after, found.difference, found.pairs) == (20, 22, 2, 3)
    assert (found.low, found.high) == (pytest.approx(-0.4841, abs=1e-4), pytest.approx(4.4841, abs=1e-4))
    assert found.effect == pytest.approx(2)
    assert found.above == 1


def test_what_seeds_share_falls_out():
    weather = np.random.default_rng(1).normal(0, 100, 8)
    found = paired(weather, weather + 1 + np.tile([-0.1, 0.1], 4))
    assert found.low > 0.9
    assert half_width(weather) > 50


def test_ties_count_half():
    assert paired([1, 1, 1, 1], [0, 1, 2, 2]).above == (0 + 0.5 + 1 + 1) / 4


def test_one_seed_gives_no_interval_and_no_chance():
    found = paired([1.0], [3.0])
    assert found.difference == 2
    assert np.isnan([found.low, found.high, found.effect, found.above]).all()


def test_a_seed_that_one_side_does_not_know_is_left_out():
    found = paired([1, np.nan, 3], [2, 5, 4])
    assert (found.before, found.after, found.pairs) == (2, 3, 2)
    assert paired([np.nan], [1]).pairs == 0


def test_a_difference_without_spread_is_as_sure_as_can_be():
    assert paired([1, 2], [2, 3]).effect == np.inf
    assert paired([2, 3], [1, 2]).effect == -np.inf
    assert paired([1, 2], [1, 2]).effect == 0


def test_intervals_hold_the_truth_nineteen_times_in_twenty():
    dice = np.random.default_rng(3)
    a, b = dice.normal(0, 1, (2000, 6)), dice.normal(0.5, 2, (2000, 6))
    found = [paired(x, y) for x, y in zip(a, b)]
    assert np.mean([one.low <= 0.5 <= one.high for one in found]) == pytest.approx(0.95, abs=0.015)
