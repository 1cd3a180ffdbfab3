"""What holds for every market that trades ahead (its answer is a Trade), as the toy world calls it at a year's turn.

A new market is tested here without a line being written, as soon as the toy world holds it.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from sim.messages import BUY, SELL, Orders, Trade
from sim.registry import markets
from sim.settlement.accounts import ACCOUNTS
from tests.labs import toy

VOLUME, MONEY = 1e-9, 1e-6
KEYS = sorted(key for key, market in markets().items() if "real-time" not in market.rhythms)
pytestmark = pytest.mark.parametrize("key", KEYS)


@dataclass
class Call:
    """A market called once. others: what markets that remember nothing answered at the same moment to the same
    speakers, in their order and from the last to the first.  silent: and what where nobody spoke."""

    trade: Trade
    others: list[Trade]
    silent: Trade


@pytest.fixture(scope="module")
def lab():
    """Six days of the toy world across the turn of a year, lived to their end; `calls` has every call of a market."""
    lived = toy(start="2025-12-30", days=6)
    lived.calls = {key: [] for key in KEYS}
    for key in KEYS:
        watch(lived, key)
    return lived.run()


def watch(lab, key):
    market = lab.markets[key]
    clear = market.clear

    def watched(orders, scene):
        spoken = [actor.orders(market, scene) for actor in lab.actors]
        others = [type(market)().clear(Orders.gather(some), scene) for some in (spoken, spoken[::-1], [])]
        lab.calls[key].append(Call(clear(orders, scene), others[:2], others[2]))
        return lab.calls[key][-1].trade

    market.clear = watched


@pytest.fixture
def calls(lab, key) -> list[Call]:
    found = lab.calls[key]
    assert found, f"the toy world never calls the market {key!r}"
    return found


def test_most_of_these_markets_have_something_to_trade_in_these_days(key, lab):
    traded = [key for key, found in lab.calls.items() if any(call.trade.accepted.any() for call in found)]
    assert 2 * len(traded) > len(KEYS)


def test_it_is_called_as_often_as_its_rhythm_says(key, lab, calls):
    openings = {"year": 2, "month": 2, "day-ahead": 6}
    assert len(calls) <= sum(openings[rhythm] for rhythm in markets()[key].rhythms)


def test_nobody_gets_more_than_asked_for_and_nothing_is_negative(key, calls):
    for call in calls:
        trade = call.trade
        assert trade.accepted.shape == trade.price.shape == trade.orders.volume.shape
        assert (trade.accepted >= 0).all()
        assert (trade.accepted <= trade.orders.volume + VOLUME).all()
        assert np.isfinite(trade.price).all()
        assert all(np.isfinite(value) for value in trade.public.values())


def test_nobody_is_paid_below_the_offer_or_pays_above_the_bid(key, calls):
    for call in calls:
        trade, got = call.trade, call.trade.accepted > VOLUME
        side = trade.orders.side[:, None]
        assert (trade.price >= trade.orders.price - MONEY)[got & (side == SELL)].all()
        assert (trade.price <= trade.orders.price + MONEY)[got & (side == BUY)].all()


def test_it_does_not_matter_who_speaks_first_nor_what_the_market_did_before(key, calls):
    for call in calls:
        for other in call.others:
            np.testing.assert_array_equal(other.orders.unit, call.trade.orders.unit)
            np.testing.assert_array_equal(other.accepted, call.trade.accepted)
            np.testing.assert_array_equal(other.price, call.trade.price)


def test_where_nobody_speaks_no_more_is_traded_than_where_all_do(key, calls):
    """What has been agreed between governments is traded without a word; nothing else is."""
    for call in calls:
        assert np.isfinite(call.silent.price).all()
        assert call.silent.accepted.sum() <= call.trade.accepted.sum() + VOLUME


def test_its_bills_are_between_accounts_of_the_chart_and_keep_no_memory(key, lab):
    rules = lab.law.on(lab.calendar.now.date)[key]
    transfers = lab.markets[key].bill(lab.facts.month, lab.facts, rules)
    assert all({t.payer, t.payee} <= set(ACCOUNTS) and t.payer != t.payee for t in transfers)
    assert all(np.all(np.asarray(t.amount) > 0) for t in transfers)
    twice = lab.markets[key].bill(lab.facts.month, lab.facts, rules)
    assert [t.total for t in twice] == [t.total for t in transfers]
