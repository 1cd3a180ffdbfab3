"""What an injury leaves, and who is poor then."""

import numpy as np

from sim.insurance.poverty import left_after_injury, poor


def test_who_is_insured_in_full_has_what_he_would_have_had():
    # net 5,000 yuan hold 3,000 from the injury fund for an injury that cost 3,000: 2,000 are left, 500 more come in
    left = left_after_injury(np.array([500_000]), np.array([50_000]), np.array([300_000]), np.array([300_000]),
                             np.array([1]))
    assert left.tolist() == [250_000]


def test_who_is_not_insured_bears_it():
    left = left_after_injury(np.array([200_000]), np.array([0]), np.array([0]), np.array([300_000]), np.array([1]))
    assert left.tolist() == [-100_000]


def test_one_person_of_a_row_is_hurt_and_bears_what_the_row_s_mean_hides():
    # a row of 5 persons: 600 yuan a head are the mean of one injury of 3,000; insurance paid 60 %, 360 a head. Each
    # head earned 2,000, so net 2,360; the one who was hurt has 2,000 - 3,000 + 1,800
    left = left_after_injury(np.array([236_000]), np.array([0]), np.array([36_000]), np.array([60_000]), np.array([5]))
    assert left.tolist() == [80_000]


def test_the_line_counts_the_heads_of_a_household():
    left = np.array([80_000, 79_999, 200_000, 240_000])
    assert poor(left, np.array([0, 0, 2, 2], np.uint8), 800.0).tolist() == [False, True, True, False]
