"""What owners offer and users bid for beyond their province, by hand."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from agents.exports import Prospect, _kept_back
from agents.forecast import month_ahead
from sim.calendar import Month
from sim.messages import BUY, SELL

JULY = SimpleNamespace(month=Month(2025, 7), date=Month(2025, 7).first)
MARKET = SimpleNamespace(key="interprovincial")


class Units(SimpleNamespace):
    """Units with a length."""

    def __len__(self):
        return len(self.bus)


def prospect():
    """Zone A: a dam (80 MW in July, of 120 it can give) on a river, wind (20 MW of 40), coal (50 MW, 10 of them must
    run); users draw 64 MW. The river's reservoirs hold 50,000 MWh as a normal July opens."""
    output, least, able, stored = np.zeros((3, 12)), np.zeros((3, 12)), np.zeros((3, 12)), np.zeros((12, 1))
    output[:, 6], least[2, 6], able[:, 6], stored[6] = [80, 20, 50], 10, [120, 40, 50], 50_000
    return Prospect(output=output, free=np.array([True, True, False]), least=least, load=np.full((1, 12), 64.0),
                    price=np.full((1, 12), 200.0), basin=np.array([0, -1, -1]), able=able,
                    dam=np.array([True, False, False]), stored=stored)


def scene(beyond=(0.0, 0.0, 0.0, 0.0), home=(0.0, 0.0, 0.0, 0.0), index=1.0, mean=np.nan, rhythm="month",
          water=50_000.0):
    """Parties: the three plants and a user row. beyond, home: MW [party] sold before, out of the province and in it.
    water: MWh in store on the river."""
    one = lambda sold: SimpleNamespace(sold=np.array(sold)[:, None] * np.ones(24))  # noqa: E731
    books = {("interprovincial", 0): one(beyond), ("contracts", 0): one(home)}
    grid = SimpleNamespace(zone=("A",), bus_zone=np.array([0]), units=Units(bus=np.zeros(3, int)))
    return SimpleNamespace(
        now=JULY, rhythm=rhythm, grid=grid,
        positions=SimpleNamespace(books=books, sold=sum(b.sold for b in books.values()), bus=np.zeros(4, int)),
        public=SimpleNamespace(inflow_index=np.array([index]), zone_mean=np.array([mean]),
                               stored_water=np.array([water])))


def test_what_is_left_over_is_what_the_zone_will_not_need():
    """Sure: 0.9 x (80 + 20) = 90 MW. Home needs 64 less the 10 that coal must run: 54. So 36 of 90, 0.4 of each plant:
    0.4 x 72 = 28.8 and 0.4 x 18 = 7.2. Coal can be started for whoever pays: 50."""
    assert prospect().left_over(scene(), np.arange(3)) == pytest.approx([28.8, 7.2, 50])


def test_what_was_sent_beyond_before_is_left_out_and_nothing_is_sold_twice():
    """Of 28.8 MW the dam has sold 20 beyond; wind has sold 15 of its 20 MW at home: 5 < 7.2; coal all of it."""
    left = prospect().left_over(scene(beyond=(20, 0, 0, -20), home=(0, 15, 50, 0)), np.arange(3))
    assert left == pytest.approx([8.8, 5, 0])


def test_a_wet_month_leaves_more():
    """Flow 1.5 times the normal: 0.4 of it lasts, so the dam makes 80 x 1.2 x 0.9 = 86.4; with wind 104.4, of which
    home needs 54: 50.4 / 104.4 of 86.4 = 41.7."""
    assert prospect().left_over(scene(index=1.5), np.array([0]))[0] == pytest.approx(86.4 * 50.4 / 104.4)


def test_what_a_river_holds_beyond_a_normal_year_is_gone_by_the_months_end():
    """29,760 MWh too much in July's 744 hours are 40 MW, all of the one dam; as much too little -40 MW."""
    assert prospect().from_store(scene(water=79_760)) == pytest.approx([40, 0, 0])
    assert prospect().from_store(scene(water=20_240)) == pytest.approx([-40, 0, 0])
    assert prospect().from_store(scene()) == pytest.approx([0, 0, 0])


def test_dams_share_what_their_river_holds_by_what_they_make_and_other_plants_of_it_have_none():
    """A second dam makes 40 MW beside the 80: of 24 MW (17,856 MWh in 744 hours) 16 and 8. A plant without storage on
    the same river gets nothing."""
    one = prospect()
    output = np.vstack([one.output, np.zeros((2, 12))])
    output[3:, 6] = 40, 30
    two = replace(one, output=output, basin=np.array([0, -1, -1, 0, 0]),
                  dam=np.array([True, False, False, True, False]))
    assert two.from_store(scene(water=67_856)) == pytest.approx([16, 0, 0, 8, 0])


def test_a_full_reservoir_leaves_more_to_sell_and_an_empty_one_less_within_what_machines_can_give():
    """40 MW more from store: the dam has 0.9 x 80 + 40 = 112 sure, with wind 130, of which home needs 54: 76 / 130 of
    112 = 65.5. With 100 MW more it can give 120 only: 120 x 84 / 138. With 40 MW less 32 are sure, 50 with wind: none
    is left over."""
    dam = np.array([0])
    assert prospect().left_over(scene(water=79_760), dam)[0] == pytest.approx(112 * 76 / 130)
    assert prospect().left_over(scene(water=124_400), dam)[0] == pytest.approx(120 * 84 / 138)
    assert prospect().left_over(scene(water=20_240), dam)[0] == 0


def test_a_zone_in_need_has_nothing_left_over():
    short = prospect()
    short.load[:] = 110.0  # 100 after must-run, 90 sure
    assert short.left_over(scene(), np.array([0, 1])) == pytest.approx([0, 0])


def test_a_months_offers_ask_what_home_is_expected_to_pay_or_the_cost_if_that_is_more():
    orders = prospect().offers(MARKET, scene(), np.arange(3), np.array([8.0, 0.0, 290.0]))
    assert dict(zip(orders.unit, orders.price[:, 0])) == {0: 200, 1: 200, 2: 290}
    assert dict(zip(orders.unit, orders.volume[:, 0])) == pytest.approx({0: 28.8, 1: 7.2, 2: 50})
    assert set(orders.side) == {SELL}


def test_a_years_offers_are_the_mean_output_at_cost():
    orders = prospect().offers(MARKET, scene(rhythm="year"), np.arange(3), np.array([8.0, 0.0, 290.0]))
    assert orders.volume[:, 0] == pytest.approx([80 / 12, 20 / 12, 50 / 12])
    assert list(orders.price[:, 0]) == [8, 0, 290]


def test_users_bid_for_what_they_have_not_bought_at_the_price_they_expect():
    orders = prospect().bids(MARKET, scene(home=(40, 0, 0, -40)), np.array([64.0]))
    assert (list(orders.unit), list(orders.side)) == ([3], [BUY])
    assert (orders.volume[0, 0], orders.price[0, 0]) == (24, 200)


def test_who_expects_no_price_does_not_bid():
    blind = prospect()
    blind.price[:] = np.nan
    assert len(blind.bids(MARKET, scene(), np.array([64.0]))) == 0
    assert prospect().bids(MARKET, scene(rhythm="year"), np.array([64.0])).volume[0, 0] == 64


def test_half_of_a_departure_from_the_normal_price_lasts():
    """June was at 225 where 100 is normal: 1.5 times (the root of 2.25) the normal price is expected from then on. A
    zone without a normal price is expected to go on as it was."""
    normal = np.array([np.full(12, 100.0), np.full(12, np.nan)])
    normal[0, 6] = 80
    public = SimpleNamespace(zone_mean=np.array([225.0, 310.0]))
    found = month_ahead(public, normal, Month(2025, 7))
    assert found[0, 6] == pytest.approx(120)
    assert found[1] == pytest.approx(np.full(12, 310))
    public.zone_mean[:] = np.nan
    assert month_ahead(public, normal, Month(2025, 7))[0, 6] == 80


def test_a_reservoir_keeps_back_what_its_plan_lets_it_rise():
    """Two dams of a basin make 60 and 40 MW in January: 74,400 MWh. The plan rises by 18,600 MWh: a quarter."""
    natural, plan = np.array([[60.0] * 12, [40.0] * 12]), np.zeros((12, 1))
    plan[1:] = 18_600
    share = _kept_back(natural, np.array([0, 0]), plan)
    assert share[0, 0] == pytest.approx(0.25)
    assert share[0, 1:11] == pytest.approx(np.zeros(10))
    assert share[0, 11] == pytest.approx(-0.25)  # and in December it falls back
