"""Retail rehearsed on a scenario's own accounts, prices and use."""

import numpy as np
import pytest

from experiments.rehearsal import Saved, credit_saves, lived, walk
from sim.config import BadInput, load
from tests.labs import TOY


def test_what_credit_saves_is_a_share_of_what_was_lost_without_it():
    saved = Saved(np.array([[10.0, 40.0], [0.0, 60.0]]), np.array([30.0, 50.0]), np.array([5.0, 6.0]))
    assert saved.share == pytest.approx(0.9)  # 10 of 100 are still lost
    assert np.isnan(Saved(np.zeros((1, 2)), np.zeros(1), np.zeros(1)).share)


def test_the_price_of_a_month_is_its_seeds_and_never_negative():
    assert np.array_equal(walk(3, 24, 0.2), walk(3, 24, 0.2))
    assert not np.array_equal(walk(3, 24, 0.2), walk(4, 24, 0.2))
    assert walk(3, 500, 2.0).min() == 0.4


def test_months_are_lived_on_the_scenarios_use_and_in_pairs_at_the_same_prices():
    config = load(TOY, set=["scale.users=300"])
    months = lived(config, walk(1, 14, 0.2))
    assert len(months) == 14
    assert all(month.energy.sum() > 0 for month in months)
    saved = credit_saves(TOY, (1,), months=6, set=["scale.users=300"])
    assert saved.lost.shape == (1, 2)
    assert saved.fees[0] > 0


def test_a_scenario_without_accounts_is_refused():
    with pytest.raises(BadInput, match=r"scale.users: is 0"):
        lived(load(TOY), np.ones(1))
