"""Trade between provinces in a small grid, by hand: agreements assigned, a drought, and what companies add."""


from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Calendar
from sim.config import BadInput
from sim.markets.interprovincial import Interprovincial, filled
from sim.messages import BUY, SELL, Orders
from sim.network.agreements import WET
from sim.network.grid import PLANT
from sim.positions import Positions
from tests.labs import toy

RULES = Interprovincial.Rules(floor=50.0, cap=450.0, drought_cut=0.25)
MARKET = Interprovincial()
FULL = 1e9


def grid():
    """Zones A (bus 0: two dams, coal) and B (bus 1: users), 100 MW from A to B, 10 % lost, fee 20. 40 MW in the mean
    hour are agreed, 60 in July (1.5), flat in the day, at 270 in the dry and 215 in the wet season."""
    month = np.where(np.arange(12) == 6, 1.5, 1.0)
    sent = 40.0 * month[None, None, :, None] * np.ones((1, 1, 12, 24))
    agreed = SimpleNamespace(
        key=("A_B",), seller=np.array([0]), buyer=np.array([1]), reference=np.array([0]), mean=np.array([40.0]),
        hours=8760.0, month=month[None], hour=np.ones((1, 24)), price=np.where(WET, 215.0, 270.0)[None], sent=sent,
        uses=np.array([[True]]), service=np.ones((1, 12)), link_zones=np.array([[0, 1]]),
        cut=lambda zone, month, stored, most: min(max(1 - stored[0] / 100.0, 0.0), most))
    units = SimpleNamespace(technology=np.array(["hydro", "hydro", "coal"], object), bus=np.zeros(3, int),
                            kind=np.array([PLANT] * 3, object))
    return SimpleNamespace(
        zone=("A", "B"), bus=("a", "b"), bus_zone=np.array([0, 1]), reference=np.array([0, 1]), link=("a-b",),
        link_capacity=np.array([100.0]), link_loss=np.array([0.1]), link_fee=np.array([20.0]), joints=(),
        cleared_zones=np.array([0, 1]), agreements=agreed, units=Sized(units, 3))


class Sized(SimpleNamespace):
    """A record with a length."""

    def __init__(self, record, size):
        super().__init__(**vars(record))
        self.size = size

    def __len__(self):
        return self.size


@pytest.fixture
def scene():
    """15 July opens; parties 0, 1, 2 are the plants and 3 the users of B."""
    day = Calendar(date(2025, 7, 1), date(2025, 7, 31)).turn()
    small, positions = grid(), Positions(4, 1)
    small.agreements = Sized(small.agreements, 1)
    positions.bus = np.array([0, 0, 0, 1])
    return SimpleNamespace(now=day, rhythm="year", grid=small, positions=positions, rules=RULES,
                           public=SimpleNamespace(stored_water=np.array([FULL])))


def offered():
    """The dams offer 30 and 10 MW, coal 100 MW; the users bid for 200."""
    return Orders.gather((Orders.sell([0, 1, 2], [30.0, 10.0, 100.0], [8.0, 8.0, 300.0]),
                          Orders.buy([3], [200.0], 1e4)))


def test_agreed_energy_goes_to_water_first_and_to_each_user(scene):
    """40 MW are agreed: the dams' 40 MW make it up; coal asks 300 for what is paid 270 and 215, and gets none."""
    trade = MARKET.clear(offered(), scene)
    assert dict(zip(trade.orders.unit, trade.accepted[:, 0])) == pytest.approx({0: 30.0, 1: 10.0, 3: 40.0})
    assert sorted(set(trade.price[:, 0])) == [215, 270]
    assert trade.public["agreed"] == pytest.approx(40 * 8760 / 1e6)
    wet, dry = trade.price[:, 0] == 215, trade.price[:, 0] == 270
    assert not trade.months[np.ix_(wet, ~WET)].any()
    assert not trade.months[np.ix_(dry, WET)].any()
    assert trade.months[wet][:, 6] == pytest.approx(np.full(wet.sum(), 1.5))


def test_contracts_of_both_sides_cancel_in_every_month(scene):
    trade = MARKET.clear(offered(), scene)
    power = trade.orders.side[:, None, None] * trade.accepted[:, None] * trade.months[:, :, None]
    np.testing.assert_allclose(power.sum(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose((power * trade.price[:, None]).sum(axis=0), 0, atol=1e-6)
    buys = trade.orders.side == BUY
    np.testing.assert_allclose(-power[buys].sum(axis=0), trade.sent.sum(axis=0))


def test_what_nobody_can_deliver_is_not_agreed(scene):
    """Only 10 MW of water are offered: a quarter of the agreement, and of its flow."""
    orders = Orders.gather((Orders.sell([1], [10.0], 8.0), Orders.buy([3], [200.0], 1e4)))
    trade = MARKET.clear(orders, scene)
    assert trade.sent[0, 6] == pytest.approx(np.full(24, 15.0))
    assert trade.orders.volume.max() == pytest.approx(10)


def test_without_orders_nothing_is_agreed(scene):
    trade = MARKET.clear(Orders.none(), scene)
    assert (len(trade.orders), trade.months, trade.sent) == (0, None, None)


def opened(scene, stored):
    """July opens on the year's agreements, with this much water."""
    scene.positions.add(MARKET.clear(offered(), scene))
    scene.positions.open(scene.now.month)
    scene.rhythm = "month"
    scene.public.stored_water[:] = stored
    return scene


def test_a_drought_takes_a_share_of_the_month_back_at_the_contracts_price(scene):
    """80 of 100 MWh are in store: a fifth of July's 60 MW is taken back, 9 MW from the first dam, 3 from the second."""
    opened(scene, 80.0)
    trade = MARKET.clear(Orders.none(), scene)
    back = dict(zip(trade.orders.unit, trade.accepted[:, 0]))
    assert back == pytest.approx({0: 9.0, 1: 3.0, 3: 12.0})
    assert dict(zip(trade.orders.unit, trade.orders.side)) == {0: BUY, 1: BUY, 3: SELL}
    assert set(trade.price.ravel()) == {215.0}
    assert trade.sent[0, 6] == pytest.approx(np.full(24, -12.0))
    assert trade.public["reduced"] == pytest.approx(12 * 24 * 31 / 1e6)
    scene.positions.add(trade)
    assert scene.positions.schedule[0] == pytest.approx(np.full(24, 48.0))
    assert scene.positions.sold[:, 0] == pytest.approx([36, 12, 0, -48])


def test_the_clause_stops_at_the_largest_share(scene):
    opened(scene, 10.0)
    trade = MARKET.clear(Orders.none(), scene)
    assert trade.sent[0, 6] == pytest.approx(np.full(24, -15.0))  # a quarter of 60, though 90 % of the water is missing


def test_companies_add_what_pays_in_the_room_that_is_left(scene):
    """July: 60 of 100 MW are agreed. A MW to a bid of 300 is worth 0.9 x (300 - 20) = 252 at the sending end: 30 MW at
    150 and 10 of the 50 at 240 fit into the 40 MW of room. Price halfway between 240 and 252: 246."""
    opened(scene, FULL)
    orders = Orders.gather((Orders.sell([0, 1], [30.0, 50.0], [150.0, 240.0]), Orders.buy([3], [500.0], 300.0)))
    trade = MARKET.clear(orders, scene)
    assert dict(zip(trade.orders.unit, trade.accepted[:, 5])) == pytest.approx({0: 30.0, 1: 10.0, 3: 40.0})
    assert np.unique(trade.price) == pytest.approx([246.0])
    assert trade.sent[0, 6] == pytest.approx(np.full(24, 40.0))
    assert np.isnan(trade.sent[0, 5]).all()
    assert trade.public["volume"] == pytest.approx(40 * 24 * 31 / 1e6)
    assert trade.public["price"] == pytest.approx(246.0)
    assert set(trade.reference) == {0}


def test_nothing_is_added_that_does_not_pay(scene):
    opened(scene, FULL)
    orders = Orders.gather((Orders.sell([0], [30.0], [253.0]), Orders.buy([3], [500.0], 300.0)))
    trade = MARKET.clear(orders, scene)
    assert len(trade.orders) == 0
    assert trade.public == {"volume": 0.0, "reduced": 0.0}


def test_offers_below_the_floor_are_raised_and_offers_above_the_cap_left_out(scene):
    """Worth 252; an offer of 10 counts as 50: halfway 151. One of 451 is not admitted, even if 500 were bid."""
    opened(scene, FULL)
    low = Orders.gather((Orders.sell([0], [30.0], [10.0]), Orders.buy([3], [500.0], 300.0)))
    assert np.unique(MARKET.clear(low, scene).price) == pytest.approx([151.0])
    high = Orders.gather((Orders.sell([0], [30.0], [451.0]), Orders.buy([3], [500.0], 1000.0)))
    assert len(MARKET.clear(high, scene).orders) == 0


def test_a_zone_that_takes_energy_back_adds_none(scene):
    opened(scene, 80.0)
    orders = Orders.gather((Orders.sell([0], [30.0], [150.0]), Orders.buy([3], [500.0], 300.0)))
    trade = MARKET.clear(orders, scene)
    assert trade.public["volume"] == 0
    assert trade.sent[0, 6] == pytest.approx(np.full(24, -12.0))


def test_it_does_not_matter_who_speaks_first(scene):
    opened(scene, FULL)
    sells, buys = Orders.sell([0, 1], [30.0, 50.0], [150.0, 240.0]), Orders.buy([3], [500.0], 300.0)
    one = MARKET.clear(Orders.gather((sells, buys)), scene)
    parts = buys, Orders.sell([1], [50.0], [240.0]), Orders.sell([0], [30.0], [150.0])
    other = MARKET.clear(Orders.gather(parts), scene)
    np.testing.assert_array_equal(one.accepted, other.accepted)
    np.testing.assert_array_equal(one.price, other.price)


def test_filling_takes_the_first_in_proportion_and_then_the_others():
    given = filled(50.0, np.array([30.0, 10.0, 20.0, 80.0]), np.array([True, True, False, False]))
    assert given == pytest.approx([30, 10, 2, 8])
    assert filled(20.0, np.array([30.0, 10.0]), np.array([True, True])) == pytest.approx([15, 5])


@pytest.mark.parametrize(("change", "words"), [
    ("law.interprovincial.floor=450", r"floor 450 is not below cap 450; expected floor < cap"),
    ("law.interprovincial.drought_cut=1.2", r"drought_cut: 1.2 is out of range; expected share >= 0 and <= 1"),
])
def test_bad_rules_are_refused(change, words):
    with pytest.raises(BadInput, match=words):
        toy(change)


def test_a_lab_without_the_market_has_no_positions_and_no_schedule():
    lab = toy("markets.interprovincial=false", days=2).run()
    assert not any(key[0] == "interprovincial" for key in lab.facts.positions.books)
    assert np.isnan(lab.facts.positions.schedule).all()
    assert lab.facts.sent.any()


def test_the_toy_worlds_contracts_settle_to_zero_across_their_parties():
    lab = toy(start="2025-07-01", days=3).run()
    books = [book for (market, _), book in lab.facts.positions.books.items() if market == "interprovincial"]
    assert books
    for book in books:
        np.testing.assert_allclose(book.sold.sum(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(book.value.sum(axis=0), 0, atol=1e-3)
        assert np.abs(book.sold).max() > 1
