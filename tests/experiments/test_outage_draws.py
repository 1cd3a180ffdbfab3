"""Outages of sets against what is known of two-state chains."""

import numpy as np
import pytest

from experiments.outage_draws import Sets
from sim.streams import Streams

YEAR = 8760


def sets(*rows) -> Sets:
    """Rows (key, number, share out, hours of repair)."""
    key, number, out, repair = zip(*rows)
    return Sets(key, np.array(number), np.array(out), np.array(repair, float))


def drawn(many, draws, hours=YEAR, seed=3):
    return np.stack([many.in_service(Streams(seed), draw, hours) for draw in range(draws)], axis=1)  # [plant, draw, h]


def test_a_set_is_out_as_often_as_it_should_be_and_for_as_long():
    share = drawn(sets(("a", 1, 0.1, 24.0)), 60)[0]
    down = 1 - share
    assert set(np.unique(share)) == {0.0, 1.0}
    # 60 years, mean cycle 240 h: 2190 outages, a relative error of about 1.4 / sqrt(2190) = 3 %
    assert down.mean() == pytest.approx(0.1, rel=0.1)
    starts = (np.diff(down, axis=1) > 0).sum() + down[:, 0].sum()
    # read hour by hour: short ones in the middle of an hour are not seen, 1 / (1 - exp(-1 / 24)) = 24.5 h on average
    assert down.sum() / starts == pytest.approx(24.5, rel=0.08)


def test_an_outage_is_remembered_as_long_as_a_repair_takes():
    # correlation of a two-state chain at a lag t: exp(-(1 / repair + failures) t); here 1/24 + 1/216 an hour
    down = 1 - drawn(sets(("a", 1, 0.1, 24.0)), 200)[0]
    for lag in (6, 24):
        found = np.corrcoef(down[:, :-lag].ravel(), down[:, lag:].ravel())[0, 1]
        assert found == pytest.approx(np.exp(-(1 / 24 + 1 / 216) * lag), abs=0.03)


def test_the_year_begins_in_the_chains_own_mean():
    first = 1 - drawn(sets(("a", 400, 0.1, 24.0)), 25, hours=24)
    # 10,000 sets in the first hour: 0.1 +- 3 x 0.003
    assert first[0, :, 0].mean() == pytest.approx(0.1, abs=0.01)
    assert first[0, :, -1].mean() == pytest.approx(0.1, abs=0.01)


def test_sets_of_a_plant_fail_alone():
    # variance of the share of n independent sets: q (1 - q) / n
    share = drawn(sets(("a", 20, 0.1, 24.0)), 40)[0]
    assert share.var() == pytest.approx(0.1 * 0.9 / 20, rel=0.1)


def test_another_plant_changes_nobodys_outages():
    few, more = sets(("a", 3, 0.1, 24.0)), sets(("b", 5, 0.2, 50.0), ("a", 3, 0.1, 24.0))
    assert (drawn(few, 2)[0] == drawn(more, 2)[1]).all()
    # another set at the same plant leaves the first three as they are
    four = sets(("a", 4, 0.1, 24.0))
    change = 4 * (1 - drawn(four, 2)[0]) - 3 * (1 - drawn(few, 2)[0])
    assert set(np.round(change, 9).ravel()) <= {0.0, 1.0}


def test_a_longer_period_begins_like_a_shorter_one():
    many = sets(("a", 5, 0.3, 10.0))
    assert (drawn(many, 1, hours=20_000)[0, :, :500] == drawn(many, 1, hours=500)[0]).all()


def test_the_ends_of_the_scale():
    assert (drawn(sets(("a", 2, 0.0, 24.0)), 1) == 1).all()
    assert (drawn(sets(("a", 2, 1.0, 24.0)), 1) == 0).all()
