"""The double auction on books crossed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.engines.double_auction import cross


def book(ask, offered, bid, wanted):
    return cross(*(np.array(values, float) for values in (ask, offered, bid, wanted)))


def test_a_book_crosses_where_the_next_pair_would_not_trade():
    """Offers 10 at 100 and 10 at 120, bids 8 at 150 and 6 at 110: 8 trade at 125, 2 at 105, 120 never meets 110."""
    found = book([100, 120], [10, 10], [150, 110], [8, 6])
    assert found.sold.tolist() == [10, 0]
    assert found.bought.tolist() == [8, 2]
    assert found.sell_value.tolist() == [8 * 125 + 2 * 105, 0]
    assert found.buy_value.tolist() == [8 * 125, 2 * 105]
    assert found.uniform == (100 + 110) / 2


def test_equal_offers_share_what_they_sell():
    """30 and 10 offered at 100 for 20 wanted: three quarters and one quarter of it."""
    found = book([100, 100], [30, 10], [140], [20])
    assert found.sold.tolist() == pytest.approx([15, 5])
    assert found.sell_value.tolist() == pytest.approx([15 * 120, 5 * 120])


def test_nothing_trades_where_every_offer_is_dearer_than_every_bid():
    found = book([200], [10], [150], [10])
    assert not found.sold.any()
    assert not found.bought.any()
    assert np.isnan(found.uniform)


@pytest.mark.parametrize("sides", [([], [], [100], [5]), ([100], [5], [], []), ([], [], [], [])])
def test_a_side_that_is_silent_leaves_the_other_alone(sides):
    found = book(*sides)
    assert not found.sold.any()
    assert not found.bought.any()


side = st.lists(st.tuples(st.integers(50, 400), st.integers(0, 30)), max_size=8)


@given(side, side)
def test_what_is_sold_is_bought_for_the_same_money_and_nobody_trades_at_a_loss(offers, bids):
    ask, offered = (np.array([o[i] for o in offers], float) for i in (0, 1))
    bid, wanted = (np.array([b[i] for b in bids], float) for i in (0, 1))
    found = cross(ask, offered, bid, wanted)
    assert found.sold.sum() == pytest.approx(found.bought.sum())
    assert found.sell_value.sum() == pytest.approx(found.buy_value.sum())
    assert (found.sold <= offered + 1e-9).all()
    assert (found.bought <= wanted + 1e-9).all()
    assert (found.sell_value >= ask * found.sold - 1e-6).all()
    assert (found.buy_value <= bid * found.bought + 1e-6).all()
    if found.sold.any():
        assert (found.sold == offered)[ask < found.ask].all()
        assert np.allclose(found.bought[bid > found.bid], wanted[bid > found.bid])
