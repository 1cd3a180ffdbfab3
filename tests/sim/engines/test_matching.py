"""Matching across corridors against figures worked by hand and against a linear programme."""

import numpy as np
import pytest
from scipy.optimize import linprog

from sim.engines.matching import Curve, Ways, match


def curve(*orders):
    """Orders (place, price, MW) of one hour."""
    place, price, volume = np.array(orders, float).reshape(-1, 3).T
    return Curve(place.astype(int), price[:, None], volume[:, None])


def ways(*rows, joints=()):
    """Ways (start, end, MW, loss, fee) of one hour."""
    start, end, room, loss, fee = np.array(rows, float).reshape(-1, 5).T
    return Ways(start.astype(int), end.astype(int), room[:, None], loss, fee,
                tuple((np.array(members), np.array([limit], float)) for members, limit in joints))


def test_the_widest_gap_goes_first_and_the_price_is_halfway_at_the_margin():
    """A (place 0) offers 100 MW at 160 and 100 MW at 190; B (place 1) bids 300 over a link of 150 MW, 6.5 % loss, fee
    92; C (place 2) bids 262 over 100 MW, 2.98 %, fee 61.

    Worth of a MW sent: to B 0.935 x (300 - 92) = 194.48; to C 0.9702 x (262 - 61) = 195.01. So C first: 100 MW at
    160 (gap 35.01); the first offer is used up. Then 190: C's link is full, B takes 100 MW (gap 4.48) until the offer
    is used up. Price: (190 + 194.48) / 2 = 192.24.
    """
    found = match(curve((0, 160, 100), (0, 190, 100)), curve((1, 300, 500), (2, 262, 500)),
                  ways((0, 1, 150, 0.065, 92), (0, 2, 100, 0.0298, 61)), 3)
    assert found.sold[:, 0] == pytest.approx([100, 100])
    assert found.bought[:, 0, 0] == pytest.approx([100, 100])
    assert found.sent[:, 0] == pytest.approx([100, 100])
    assert found.price[0, 0] == pytest.approx(192.24)
    assert np.isnan(found.price[1:, 0]).all()


def test_nothing_is_sent_when_the_worth_at_the_sending_end_is_below_the_offer():
    # 0.935 x (300 - 92) = 194.48 < 195
    found = match(curve((0, 195, 100)), curve((1, 300, 100)), ways((0, 1, 150, 0.065, 92)), 2)
    assert not found.sold.any()
    assert not found.sent.any()
    assert np.isnan(found.price).all()


def test_a_joint_limit_holds_ways_together():
    found = match(curve((0, 100, 500)), curve((1, 300, 300), (2, 200, 300)),
                  ways((0, 1, 250, 0, 0), (0, 2, 250, 0, 0), joints=[([0, 1], 320)]), 3)
    # B's bid has the wider gap: 250 MW; 320 - 250 = 70 are left for C
    assert found.sent[:, 0] == pytest.approx([250, 70])


def test_equal_offers_and_ways_that_are_alike_share_in_proportion():
    found = match(curve((0, 100, 60), (0, 100, 30)), curve((1, 300, 45)),
                  ways((0, 1, 100, 0, 0), (0, 1, 50, 0, 0)), 2)
    assert found.sold[:, 0] == pytest.approx([30, 15])
    assert found.sent[:, 0] == pytest.approx([30, 15])


def test_no_orders_no_trade():
    none = Curve(np.zeros(0, int), np.zeros((0, 3)), np.zeros((0, 3)))
    found = match(none, none, Ways(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 3)), np.zeros(0), np.zeros(0)), 2)
    assert found.sold.shape == (0, 3)
    assert found.sent.shape == (0, 3)


def random_case(seed):
    rng = np.random.default_rng(seed)
    offers = curve(*[(0, rng.integers(100, 300), rng.integers(10, 200)) for _ in range(rng.integers(1, 8))])
    bids = curve(*[(rng.integers(1, 3), rng.integers(150, 450), rng.integers(10, 300))
                   for _ in range(rng.integers(1, 6))])
    rows = [(0, place, rng.integers(20, 200), 0.01 * rng.integers(0, 9), rng.integers(0, 100))
            for place in (1, 2) for _ in range(rng.integers(1, 4))]
    return offers, bids, ways(*rows, joints=[(list(range(len(rows))), rng.integers(50, 500))])


def least_gain(offers, bids, w, found):
    """CNY: what the trade is worth if, at each place, the poorest bids were served by the ways that lose least."""
    worth = -(offers.price[:, 0] * found.sold[:, 0]).sum() - ((1 - w.loss) * w.fee * found.sent[:, 0]).sum()
    for place in (1, 2):
        own, here = np.flatnonzero(w.end == place), np.flatnonzero(bids.place == place)
        own, here = own[np.argsort(w.loss[own])], here[np.argsort(bids.price[here, 0])]
        left, want = found.sent[own, 0].copy(), found.bought[here, 0, 0].copy()
        for i, way in enumerate(own):
            for j, bid in enumerate(here):
                amount = min(left[i], want[j])
                left[i], want[j] = left[i] - amount, want[j] - amount
                worth += amount * (1 - w.loss[way]) * bids.price[bid, 0]
    return worth


def best_gain(offers, bids, w):
    """CNY: the best that a linear programme finds."""
    n, b, k = len(offers.place), len(bids.place), len(w.start)
    worth = (1 - w.loss)[:, None] * (bids.price[:, 0][None] - w.fee[:, None])
    c = np.concatenate([offers.price[:, 0], -worth.ravel()])
    fits = (w.end[:, None] == bids.place[None]).ravel()
    bounds = [(0, v) for v in offers.volume[:, 0]] + [(0, None if f else 0) for f in fits]
    rows, limit = [], []
    for way in range(k):
        rows.append(np.concatenate([np.zeros(n), np.repeat(np.arange(k) == way, b)]))
        limit.append(w.room[way, 0])
    for bid in range(b):
        rows.append(np.concatenate([np.zeros(n), np.tile(np.arange(b) == bid, k)]))
        limit.append(bids.volume[bid, 0])
    rows.append(np.concatenate([np.zeros(n), np.ones(k * b)]))
    limit.append(w.joints[0][1][0])
    equal = np.concatenate([np.ones(n), -np.ones(k * b)])
    found = linprog(c, rows, limit, equal[None], [0.0], bounds)
    return -found.fun


def test_on_random_cases_it_gains_what_a_linear_programme_gains():
    """Pairwise matching is not built to be the optimum; counted at its worst it stays within a hundredth of it."""
    total = reached = 0.0
    for seed in range(150):
        offers, bids, w = random_case(seed)
        found = match(offers, bids, w, 3)
        best = best_gain(offers, bids, w)
        # surplus at the sending end: what buyers and sellers gain over price and tariff is worth - offers of what moved
        assert found.sold.sum() == pytest.approx(found.sent.sum())
        assert found.bought.sum() == pytest.approx(found.sent.sum())
        assert (found.sent <= w.room + 1e-9).all()
        assert found.sent.sum() <= w.joints[0][1][0] + 1e-9
        price = found.price[0, 0]
        assert (offers.price[:, 0][found.sold[:, 0] > 1e-6] <= price + 1e-9).all()
        reached += least_gain(offers, bids, w, found)
        total += best
    assert total > 1e5
    assert reached >= 0.99 * total
