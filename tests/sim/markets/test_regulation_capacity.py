"""The market for regulation capacity: who must buy, who may sell, and how a deal's price slopes with scarcity."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.config import BadInput, load
from sim.markets.regulation_capacity import RegulationCapacity, bargains, duty, leverage, offerable
from tests.labs import TOY

RULES = {"base_price": {"HILLS": 220.0}, "band": 0.3, "new_from": date(2021, 1, 1), "new_share": 0.10,
         "old_share": 0.05, "least_hours": 2.0, "eligible": {"coal": 0.4, "battery": 1.0}, "lignite": {},
         "scarce": 0.8, "ample": 1.2, "default_price": 286.0, "shortfall": "default_purchase",
         "settlement_factor": 0.9}


def rules(**changes):
    return RegulationCapacity.Rules(**(RULES | changes))


def test_the_band_is_thirty_per_cent_about_the_base():
    # 220 x 0.7 = 154, 220 x 1.3 = 286
    assert rules().limits("HILLS") == pytest.approx((154, 286))


def test_the_duty_is_a_tenth_of_what_came_since_2021_and_a_twentieth_of_what_stood_before():
    # 100 MW of which 60 stood before: 0.05 x 60 + 0.10 x 40 = 7; all old: 5; shrunk below what stood: all old
    capacity, before = np.array([100.0, 100.0, 50.0]), np.array([60.0, 100.0, 60.0])
    assert duty(capacity, before, 0.10, 0.05) == pytest.approx([7, 5, 2.5])


def test_a_store_counts_with_what_it_holds_for_two_hours_and_coal_with_two_fifths():
    # 100 MW of 1 h hold 100 MWh: 50 MW for 2 h; 100 MW of 6 h: 100; 150 x 0.4 = 60, a fifth lignite: 48; wind: 0
    technology = np.array(["battery", "battery", "coal", "coal", "wind"], object)
    zone = np.array(["HILLS", "HILLS", "HILLS", "COAST", "HILLS"], object)
    capacity, store = np.array([100.0, 100, 150, 150, 80]), np.array([100.0, 600, 0, 0, 0])
    with_lignite = rules(lignite={"COAST": 0.2})
    assert offerable(technology, zone, capacity, store, with_lignite) == pytest.approx([50, 100, 60, 48, 0])
    assert offerable(technology, zone, capacity, store, rules(eligible={"battery": 1.0}))[2] == 0


def test_the_more_is_offered_for_the_duty_the_less_a_seller_can_ask():
    # supply over duty 0.8 or less: the seller takes all, 1.2 or more: the buyer; (1.2 - 1.0) / 0.4 = 0.5 between
    assert [leverage(supply, 100.0, 0.8, 1.2) for supply in (50, 80, 90, 100, 110, 120, 500)] == pytest.approx(
        [1, 1, 0.75, 0.5, 0.25, 0, 0])
    assert leverage(0.0, 0.0, 0.8, 1.2) == 0  # nobody needs it


def test_asks_at_the_floor_and_bids_at_the_cap_give_the_sloping_price():
    # p = 286 - (x - 0.8) / 0.4 x (286 - 154): x = 0.9: 253; 1.0: 220; 1.1: 187
    for supply, price in ((90.0, 253.0), (100.0, 220.0), (110.0, 187.0), (70.0, 286.0), (130.0, 154.0)):
        deals = bargains(np.array([154.0]), np.array([supply]), np.array([286.0]), np.array([100.0]),
                         leverage(supply, 100.0, 0.8, 1.2), 154.0, 286.0)
        assert deals.price == pytest.approx([price])
        assert deals.volume == pytest.approx([min(supply, 100.0)])


def test_the_cheapest_seller_meets_the_keenest_buyer_until_an_ask_passes_a_bid():
    # asks 154 (30 MW), 200 (30), 270 (30); bids 286 (40), 260 (40); even leverage, so half way
    # 30 MW at (154 + 286) / 2 = 220; 10 at (200 + 286) / 2 = 243; 20 at (200 + 260) / 2 = 230; 270 > 260: no deal
    deals = bargains(np.array([270.0, 154, 200]), np.array([30.0, 30, 30]), np.array([286.0, 260]),
                     np.array([40.0, 40]), 0.5, 154.0, 286.0)
    assert list(deals.seller) == [1, 2, 2]
    assert list(deals.buyer) == [0, 0, 1]
    assert deals.volume == pytest.approx([30, 10, 20])
    assert deals.price == pytest.approx([220, 243, 230])


def test_a_deal_outside_the_band_is_cut_to_it_or_not_made():
    # seller's word counts alone: bid 300 is cut to 286; a bid of 150 is below the floor: nobody may sell to it
    deals = bargains(np.array([160.0]), np.array([10.0]), np.array([300.0, 150.0]), np.array([5.0, 5.0]), 1.0, 154.0,
                     286.0)
    assert deals.price == pytest.approx([286])
    assert deals.volume == pytest.approx([5])
    assert len(bargains(np.array([290.0]), np.array([10.0]), np.array([300.0]), np.array([5.0]), 0.5, 154.0,
                        286.0).price) == 0


prices = st.lists(st.tuples(st.floats(100, 340), st.floats(0, 50)), max_size=8)


@given(prices, prices, st.floats(0, 1))
def test_whatever_is_said_deals_respect_words_volumes_and_band(sells, buys, weight):
    ask, offered = np.array(sells, float).reshape(-1, 2).T
    bid, wanted = np.array(buys, float).reshape(-1, 2).T
    deals = bargains(ask, offered, bid, wanted, weight, 154.0, 286.0)
    sold, bought = np.bincount(deals.seller, deals.volume, len(ask)), np.bincount(deals.buyer, deals.volume, len(bid))
    assert (sold <= offered + 1e-9).all()
    assert (bought <= wanted + 1e-9).all()
    assert (deals.price >= np.maximum(ask[deals.seller], 154) - 1e-9).all()
    assert (deals.price <= np.minimum(bid[deals.buyer], 286) + 1e-9).all()
    # nobody who could still deal is left alone with a partner
    for s in range(len(ask)):
        for b in range(len(bid)):
            room = min(offered[s] - sold[s], wanted[b] - bought[b])
            assert room < 1e-9 or max(ask[s], 154) > min(bid[b], 286)


@pytest.mark.parametrize("wrong", [
    {"band": -0.1}, {"band": 1.2}, {"band": 0.0}, {"new_share": -0.1}, {"old_share": 1.5}, {"scarce": 1.3},
    {"least_hours": 0.0}, {"eligible": {"coal": 1.4}}, {"default_price": 150.0}, {"shortfall": "forgotten"},
    {"settlement_factor": 1.1}, {"lignite": {"HILLS": -0.2}}, {"base_price": {"HILLS": -220.0}}])
def test_rules_that_contradict_themselves_are_refused(wrong):
    assert rules().new_share == 0.1
    with pytest.raises(ValidationError):
        rules(**wrong)


@pytest.mark.parametrize(("changes", "said"), [
    (["law.regulation_capacity.scarce=1.5"], "scarce 1.5 is not below ample 1.2"),
    (["law.regulation_capacity.default_price=200"], "default_price 200 is below 286"),
    (["law.regulation_capacity.band=0"], "law.regulation_capacity.band"),
    (["law.capacity.deductions=[0.5, 0.1]"], "deductions take 0.5 after failure 1 and 0.1"),
    (["law.capacity.coal.YN=-1"], "law.capacity.coal.YN"),
    (["law.new_capacity.approved.battery=1.5"], "law.new_capacity.approved.battery")])
def test_law_that_contradicts_itself_is_refused_with_its_place(changes, said):
    with pytest.raises(BadInput) as caught:
        load(TOY, set=changes)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_coal_sells_until_it_receives_the_capacity_price():
    law = load(TOY).law
    assert "regulation_capacity" not in law.on(date(2022, 12, 31))
    assert law.on(date(2023, 12, 31))["regulation_capacity"].eligible["coal"] == 0.4
    assert law.on(date(2024, 1, 1))["regulation_capacity"].eligible["coal"] == 0
    assert law.on(date(2024, 1, 1))["regulation_capacity"].eligible["battery"] == 1
