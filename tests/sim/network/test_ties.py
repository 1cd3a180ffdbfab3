"""Whom riders look at: stations, hometowns, and what part of one's friends is enrolled."""

import numpy as np
import pytest

from sim.network import ties_kernels as kernels
from sim.network.conduct import TieSettings
from sim.network.ties import flags, ties
from sim.streams import Streams

SHAPE = (2, 2)  # districts, segments
SIZES = np.array([100, 300, 0, 50, 80, 200, 120, 150])  # of two cities
FIRST = np.concatenate([[0], np.cumsum(SIZES)])
GROUP = np.repeat(np.arange(8), SIZES)
CITY, SEGMENT = GROUP // 4, GROUP % 2
HUKOU = np.arange(len(GROUP)) % 5
IDENTITY = np.arange(len(GROUP)) << 12


def drawn(**changes):
    settings = {"hometown": 4, "station": 4, "station_size": 20, "village_size": 30, "rewire": 0.1, "homophily": 0.7,
                "source": "[assumption]"} | changes
    return ties(TieSettings(**settings), Streams(5), IDENTITY, FIRST, SHAPE, SEGMENT, HUKOU)


def test_ties_are_other_rows_of_four_bytes():
    found = drawn()
    assert (found.shape, found.dtype) == ((1000, 8), np.int32)
    assert found.min() >= 0
    assert found.max() < 1000
    assert (found == np.arange(1000)[:, None]).mean() < 0.01


def test_workmates_are_of_the_city_and_most_of_the_segment():
    mates = drawn()[:, :4]
    assert (CITY[mates] == CITY[:, None]).all()
    # 0.9 x 0.7 for sure, and what the others find by chance among all segments of the district or the city
    assert (SEGMENT[mates] == SEGMENT[:, None]).mean() > 0.75


def test_without_rewiring_workmates_of_one_segment_share_a_station():
    mates = drawn(rewire=0, homophily=1)[:, :4]
    station = (np.arange(1000) - FIRST[GROUP]) // 20
    assert (GROUP[mates] == GROUP[:, None]).all()
    assert (station[mates] == station[:, None]).all()


def test_villagers_are_of_the_same_province_wherever_they_ride():
    villagers = drawn()[:, 4:]
    assert (HUKOU[villagers] == HUKOU[:, None]).all()
    assert 0.3 < (CITY[villagers] == CITY[:, None]).mean() < 0.7
    assert (SEGMENT[villagers] == SEGMENT[:, None]).mean() > 0.75


def test_ties_can_be_cut():
    assert drawn(hometown=0, station=0).shape == (1000, 0)
    assert drawn(hometown=0).shape == (1000, 4)


def test_the_same_seed_ties_the_same_riders():
    assert np.array_equal(drawn(), drawn())


def test_who_looks_round_sees_what_part_of_his_friends_carries_the_flag():
    # row 0 looks at rows 1, 2, 9 and himself: 1 and 9 carry it, he counts for nobody: 2 of 4
    found, share = np.zeros((10, 4), np.int32), np.zeros(10, np.float32)
    found[0] = 1, 2, 9, 0
    carried = np.isin(np.arange(10), (0, 1, 9))
    kernels.look_round(found, 0, 10, flags(carried), share)
    assert share[0] == pytest.approx(0.5)
