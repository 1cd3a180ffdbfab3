"""What holds for every market that the registry finds, as the toy world calls it at a year's turn. What the network
makes true of a market that dispatches is in `test_every_dispatch`.

A new market is tested here without a line being written, as soon as the toy world holds it.
"""

from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import pytest

from sim.messages import BUY, SELL, Clearing, Orders, Scene
from sim.registry import markets
from sim.settlement.accounts import ACCOUNTS
from tests.labs import toy

VOLUME, MONEY = 1e-6, 1e-6
KEYS = sorted(markets())
AHEAD = [key for key in KEYS if "real-time" not in markets()[key].rhythms]  # their answer is a Trade
each = pytest.mark.parametrize("key", KEYS)


@dataclass
class Call:
    """A market called once. others: what markets that remember nothing answered at the same moment to the same
    speakers, in their order, from the last to the first and order by order in any.  silent: and what where nobody
    spoke."""

    answer: Clearing
    others: list[Clearing]
    silent: Clearing


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
    clear, shuffle = market.clear, np.random.default_rng(7)

    def watched(orders, scene):
        spoken = [actor.orders(market, scene) for actor in lab.actors]
        alone = [one(orders, i) for orders in spoken for i in range(len(orders))]
        shuffled = [alone[i] for i in shuffle.permutation(len(alone))]
        others = [type(market)().clear(Orders.gather(some), deepcopy(scene))
                  for some in (spoken, spoken[::-1], shuffled)]
        silent = type(market)().clear(Orders.none(), silenced(scene))
        lab.calls[key].append(Call(clear(orders, scene), others, silent))
        return lab.calls[key][-1].answer

    market.clear = watched


def one(orders: Orders, i: int) -> Orders:
    """One of the orders as if it had been spoken alone."""
    return Orders(orders.unit[[i]], orders.side[[i]], orders.price[[i]], orders.volume[[i]], orders.product[[i]])


def silenced(scene: Scene) -> Scene:
    """A scene in which everybody may be silent: nobody must run, stores rest at the level that they must keep, and no
    reserve is asked of those who do not run."""
    if scene.conditions is None:
        return scene
    quiet = replace(scene.conditions, minimum=np.zeros_like(scene.conditions.minimum),
                    stored=scene.grid.units.store.copy())
    return replace(scene, conditions=quiet, reserve=None)


@pytest.fixture
def calls(lab, key) -> list[Call]:
    found = lab.calls[key]
    assert found, f"the toy world never calls the market {key!r}"
    return found


def test_most_of_these_markets_have_something_to_trade_in_these_days(lab):
    traded = [key for key, found in lab.calls.items() if any(call.answer.accepted.any() for call in found)]
    assert 2 * len(traded) > len(KEYS)


@each
def test_it_is_called_as_often_as_its_rhythm_says(key, lab, calls):
    openings = {"year": 2, "month": 2, "day-ahead": 6, "real-time": 6}
    assert len(calls) <= sum(openings[rhythm] for rhythm in markets()[key].rhythms)
    assert {call.answer.rhythm for call in calls} <= set(markets()[key].rhythms)
    assert {call.answer.market for call in calls} == {key}


@each
def test_nobody_gets_more_than_asked_for_and_nothing_is_negative(key, calls):
    for call in calls:
        answer = call.answer
        assert answer.accepted.shape == answer.paid().shape == answer.orders.volume.shape
        assert (answer.accepted >= 0).all()
        assert (answer.accepted <= answer.orders.volume + VOLUME).all()
        assert np.isfinite(answer.paid()).all()
        assert all(np.isfinite(value) for value in getattr(answer, "public", {}).values())


@pytest.mark.parametrize("key", AHEAD)
def test_nobody_is_paid_below_the_offer_or_pays_above_the_bid(key, calls):
    """Where a market dispatches, machines that must run, ramps and stores make exceptions: see its own battery."""
    for call in calls:
        trade, got = call.answer, call.answer.accepted > VOLUME
        side = trade.orders.side[:, None]
        assert (trade.price >= trade.orders.price - MONEY)[got & (side == SELL)].all()
        assert (trade.price <= trade.orders.price + MONEY)[got & (side == BUY)].all()


@each
def test_it_does_not_matter_who_speaks_first_nor_what_the_market_did_before(key, calls):
    """To the bit who speaks first; what was lived before to a solver's tolerance."""
    for call in calls:
        first, *others = call.others
        for other in others:
            for name in ("unit", "side", "product", "volume"):
                np.testing.assert_array_equal(getattr(other.orders, name), getattr(first.orders, name))
            np.testing.assert_array_equal(other.accepted, first.accepted)
            np.testing.assert_array_equal(other.paid(), first.paid())
        exact = dict(rtol=0, atol=0) if key in AHEAD else dict(rtol=1e-9, atol=VOLUME)
        np.testing.assert_allclose(first.accepted, call.answer.accepted, **exact)
        np.testing.assert_allclose(first.paid(), call.answer.paid(), **exact)


@each
def test_where_nobody_speaks_no_more_is_traded_than_where_all_do(key, calls):
    """What has been agreed between governments is traded without a word; nothing else is, and prices stay finite."""
    for call in calls:
        assert np.isfinite(call.silent.paid()).all()
        assert np.isfinite(getattr(call.silent, "price", 0.0)).all()
        assert call.silent.accepted.sum() <= call.answer.accepted.sum() + VOLUME


def bills(lab, key):
    return lab.markets[key].bill(lab.facts.month, lab.facts, lab.law.on(lab.calendar.now.date)[key])


@each
def test_its_bills_are_between_accounts_of_the_chart_and_keep_no_memory(key, lab):
    transfers, twice = bills(lab, key), bills(lab, key)
    assert all({t.payer, t.payee} <= set(ACCOUNTS) and t.payer != t.payee for t in transfers)
    assert all(np.all(np.asarray(t.amount) > 0) for t in transfers)
    assert [t.total for t in twice] == [t.total for t in transfers]


@each
def test_its_bills_sum_to_nothing_and_leave_nothing_behind_that_the_levy_does_not_close(key, lab):
    """Over all accounts to the fen. Who closes itself leaves the grid company nothing; all others' remainder is what
    the system levy of the month took."""
    balance = dict.fromkeys(ACCOUNTS, 0)
    for transfer in bills(lab, key):
        balance[transfer.payer] -= transfer.total
        balance[transfer.payee] += transfer.total
    assert sum(balance.values()) == 0
    if markets()[key].closes_itself:
        assert balance["grid_company"] == 0
    assert lab.journal.balance["grid_company"] == 0
