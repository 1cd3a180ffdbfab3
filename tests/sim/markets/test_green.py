"""The green market: its auction on paper, its bills on a day of `green_world`, its rules."""

from types import SimpleNamespace

import numpy as np
import pytest

from sim.certificates import BUNDLED
from sim.config import BadInput
from sim.markets.green import Green, auction
from sim.messages import BUY, SELL, Orders
from tests.labs import toy
from tests.sim.green_world import (
    COAST,
    JULY,
    METAL,
    RULES,
    SMELTER,
    SUN,
    WIND,
    facts,
    grid,
    opening,
    registry,
    trade,
)


def book(*lines):
    """(side, price, volume) as arrays."""
    side, price, volume = zip(*lines)
    return np.array(side), np.array(price, np.int64), np.array(volume, np.int64)


# ------------------------------------------------------------------------------------------------------------- auction


def test_the_price_is_in_the_middle_of_the_last_pair():
    # 8 against 8: the last seller asks 200, the last buyer pays 250
    accepted, price = auction(*book((SELL, 100, 5), (SELL, 200, 3), (BUY, 350, 4), (BUY, 250, 4)))
    assert price == 225
    assert accepted.tolist() == [5, 3, 4, 4]


def test_a_seller_of_whom_a_part_is_taken_sets_the_price():
    # of 10 offered up to 200 the 8 that are wanted at 250 are taken; one more would be had for 200
    accepted, price = auction(*book((SELL, 100, 5), (SELL, 200, 5), (SELL, 300, 5), (BUY, 350, 4), (BUY, 250, 4),
                                    (BUY, 150, 4)))
    assert price == 200
    assert accepted.tolist() == [5, 3, 0, 4, 4, 0]


def test_a_buyer_of_whom_a_part_is_served_sets_the_price():
    accepted, price = auction(*book((SELL, 100, 5), (BUY, 350, 4), (BUY, 250, 4)))
    assert price == 250
    assert accepted.tolist() == [5, 4, 1]


def test_orders_that_must_stay_out_bound_the_price():
    # 4 for 4 between 100 and 350; a buyer at 300 stays out, so it is 300 to 350; a seller at 320 makes it 300 to 320
    accepted, price = auction(*book((SELL, 100, 4), (SELL, 320, 1), (BUY, 350, 4), (BUY, 300, 1)))
    assert price == 310
    assert accepted.tolist() == [4, 0, 4, 0]


def test_equal_orders_at_the_margin_share_what_is_left():
    # 7 are left for volumes of 6, 3 and 1: 4.2, 2.1 and 0.7 -> 4, 2 and 1
    accepted, _ = auction(*book((SELL, 100, 7), (BUY, 200, 6), (BUY, 200, 3), (BUY, 200, 1)))
    assert accepted.tolist() == [7, 4, 2, 1]


@pytest.mark.parametrize("lines", [[(SELL, 300, 5), (BUY, 200, 5)], [(SELL, 300, 5)], [(BUY, 300, 5)],
                                   [(SELL, 300, 0), (BUY, 400, 5)]])
def test_where_nobody_meets_nothing_is_traded(lines):
    assert auction(*book(*lines))[0].tolist() == [0] * len(lines)


def test_in_a_thousand_markets_the_most_is_traded_and_nobody_regrets_it():
    rng = np.random.default_rng(5)
    for _ in range(1000):
        n = rng.integers(1, 12)
        side, price, volume = rng.choice([SELL, BUY], n), rng.integers(0, 8, n), rng.integers(0, 6, n)
        accepted, at = auction(side, price, volume)
        sells, buys = side == SELL, side == BUY
        assert accepted[sells].sum() == accepted[buys].sum() == most(side, price, volume)
        assert ((accepted >= 0) & (accepted <= volume)).all()
        if accepted.any():
            taken, left = accepted > 0, accepted < volume
            assert (price[sells & taken] <= at).all()
            assert (price[buys & taken] >= at).all()
            assert (price[sells & left] >= at).all()  # who is left out did not ask less
            assert (price[buys & left] <= at).all()


def most(side, price, volume) -> int:
    """One by one: the cheapest certificate against the dearest bid, as long as they meet."""
    asks = sorted(p for s, p, v in zip(side, price, volume) if s == SELL for _ in range(v))
    bids = sorted((p for s, p, v in zip(side, price, volume) if s == BUY for _ in range(v)), reverse=True)
    return sum(ask <= bid for ask, bid in zip(asks, bids))


# ------------------------------------------------------------------------------------------------------------ clearing


def cleared(*lines, rules=RULES):
    """The market's answer to (side, party, counts, prices)."""
    orders = trade(JULY, *lines).orders
    scene = SimpleNamespace(now=opening(JULY), rules=rules, certificates=registry(), grid=grid())
    return Green().clear(orders, scene)


def test_each_class_has_a_price_and_energy_with_certificates_one_in_each_zone():
    found = cleared(("sell", WIND, [10, 10, 10], [4, 2, 3]), ("sell", SUN, [0, 0, 10], [9, 9, 7]),
                    ("buy", METAL, [10, 10, 10], [6, 3, 5]), ("buy", COAST, [0, 0, 10], [9, 9, 9]))
    # 4 and 6 -> 5; 2 and 3 -> 2.50; with energy 3 and 5 -> 4 in the west, 7 and 9 -> 8 in the east
    public = {name: found.public[name] for name in found.public if name.startswith(("volume", "price"))}
    assert public == {"volume_current": 10, "price_current": 5, "volume_earlier": 10, "price_earlier": 2.5,
                      "volume_bundled": 20, "price_bundled": 6}
    assert found.price[found.orders.unit == WIND].tolist() == [[5, 2.5, 4]]
    assert found.price[found.orders.unit == COAST, BUNDLED].tolist() == [8]


def test_energy_with_certificates_is_not_sold_to_another_zone():
    found = cleared(("sell", WIND, [0, 0, 10], [1, 1, 1]), ("buy", COAST, [0, 0, 10], [9, 9, 9]))
    assert not found.accepted.any()
    assert found.public["volume_bundled"] == 0
    assert "price_bundled" not in found.public


def test_everybody_sees_what_is_offered_and_how_much_buyers_would_pay():
    found = cleared(("sell", WIND, [50, 0, 0], [1, 1, 1]), ("buy", METAL, [10, 0, 0], [6, 0, 0]),
                    ("buy", COAST, [30, 0, 0], [2, 0, 0]), ("buy", SMELTER, [7, 0, 0], [20, 0, 0]))
    # 47 are bid for, 7 of them by somebody obliged, the others at (10 x 6 + 30 x 2) / 40 = 3 in the mean
    seen = {name: found.public[f"{name}_current"] for name in ("offered", "bids", "obliged", "willingness")}
    assert seen == {"offered": 50, "bids": 47, "obliged": 7, "willingness": 3}


def test_certificates_are_whole():
    found = cleared(("sell", WIND, [10.7, 0, 0], [1, 1, 1]), ("buy", COAST, [99.9, 0, 0], [9, 9, 9]))
    assert found.accepted[:, 0].tolist() == [10, 10]


def test_a_part_of_a_fen_is_rounded_against_the_trade():
    found = cleared(("sell", WIND, [10, 10, 0], [4.001, 3.001, 1]), ("buy", COAST, [10, 10, 0], [4.009, 3.019, 9]))
    assert found.accepted[:, 0].tolist() == [0, 0]  # 4.01 is asked, 4.00 bid
    assert found.accepted[:, 1].tolist() == [10, 10]
    assert found.price[:, 1].tolist() == [3.01, 3.01]


def test_without_orders_there_is_no_price():
    scene = SimpleNamespace(now=opening(JULY), rules=RULES, certificates=registry(), grid=grid())
    found = Green().clear(Orders.none(), scene)
    assert len(found.orders) == 0
    assert "price_current" not in found.public


# --------------------------------------------------------------------------------------------------------------- money


def billed(*lines):
    page = facts()
    page.trades["green", "month"] = trade(JULY, *lines)
    return Green().bill(JULY, page, RULES)


def by_bill(transfers):
    return {(t.bill, t.payer, t.payee): dict(zip(t.row.tolist(), t.amount.tolist())) for t in transfers}


def test_buyers_pay_sellers_through_an_exchange_that_keeps_nothing():
    # 40 at 5 and 90 at 2 are 380 yuan to the sun; metal takes 30 and 25: 200; the smelter 10 and 65: 180
    found = by_bill(billed(("sell", SUN, [40, 90, 0], [5, 2, 0]), ("buy", METAL, [30, 25, 0], [5, 2, 0]),
                           ("buy", SMELTER, [10, 65, 0], [5, 2, 0])))
    bill = "green certificates"
    assert found == {(bill, "certificate_exchange", "plants"): {SUN: 38_000},
                     (bill, "users", "certificate_exchange"): {0: 20_000},
                     (bill, "smelters", "certificate_exchange"): {SMELTER: 18_000}}


def test_the_premium_is_paid_on_what_was_delivered():
    # the wind sold 300 and delivers 243 at 3 yuan; metal gets 162 of them, the smelter 81
    found = by_bill(billed(("sell", WIND, [0, 0, 300], [9, 9, 3]), ("buy", METAL, [0, 0, 200], [9, 9, 3]),
                           ("buy", SMELTER, [0, 0, 100], [9, 9, 3])))
    bill = "green power premium"
    assert found == {(bill, "certificate_exchange", "plants"): {WIND: 72_900},
                     (bill, "users", "certificate_exchange"): {0: 48_600},
                     (bill, "smelters", "certificate_exchange"): {SMELTER: 24_300}}


def test_a_trade_of_another_month_is_not_billed_again():
    page = facts(JULY.later(1))
    page.trades["green", "month"] = trade(JULY, ("sell", SUN, [40, 0, 0], [5] * 3), ("buy", METAL, [40, 0, 0], [5] * 3))
    assert Green().bill(JULY.later(1), page, RULES) == []


# --------------------------------------------------------------------------------------------------------------- rules


@pytest.mark.parametrize(("change", "words"), [
    ("law.green.fee=30", "fee 30 is above alternative 20"),
    ("law.green.validity=6", "validity 6 months ends before the year"),
    ("law.green.subsidised=1.2", "expected share"),
    ("law.green.shared.HILLS=-1", "expected share"),
    ("law.green.bundled=-0.1", "expected share"),
])
def test_rules_that_cannot_be_meant_are_refused(change, words):
    with pytest.raises(BadInput, match=words) as caught:
        toy(change)
    assert "green" in str(caught.value)


def test_a_short_life_is_enough_where_every_month_is_accounted_for():
    toy("law.green.validity=6", "law.green.retirement=month")




def test_one_more_bid_never_lowers_the_price_and_one_more_offer_never_raises_it():
    rng, seen = np.random.default_rng(9), 0
    for _ in range(500):
        n = rng.integers(2, 10)
        side, price, volume = rng.choice([SELL, BUY], n), rng.integers(0, 20, n), rng.integers(1, 6, n)
        accepted, at = auction(side, price, volume)
        if not accepted.any():
            continue
        for extra, direction in ((BUY, 1), (SELL, -1)):
            more = auction(np.append(side, extra), np.append(price, rng.integers(0, 20)),
                           np.append(volume, rng.integers(1, 6)))[1]
            assert direction * (more - at) >= 0
            seen += more != at
    assert seen > 50
