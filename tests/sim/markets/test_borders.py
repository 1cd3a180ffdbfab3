"""Trade across operating areas and across the border: what is opened, what is billed, what is refused."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Calendar, Month
from sim.config import BadInput, load, read_world
from sim.markets.crossarea import CrossArea
from sim.markets.crossborder import CrossBorder
from sim.messages import BUY, SELL, Orders, Trade
from sim.network.crossings import opened, outside, turns
from sim.network.grid import NEIGHBOUR, PLANT
from sim.network.ground import Ground
from sim.schema import schema
from sim.streams import Streams
from tests.labs import ROOT, altered, toy

AUGUST = Calendar(date(2025, 8, 1), date(2025, 8, 31)).turn()


class Units(SimpleNamespace):
    """The units of the small grid."""

    def __len__(self):
        return len(self.bus)

    def of_kind(self, kind):
        return np.flatnonzero(self.kind == kind)


def grid():
    """Zone G (bus 0, a plant); far away E (bus 1, buys), tied by a link of 200 MW, half of it in service in August,
    with 10 % loss and fee 20, that may turn with 50 MW; at home on bus 0 a neighbour L (buys and sells)."""
    units = Units(bus=np.array([0, 1, 1, 0, 0]), kind=np.array([PLANT] + [NEIGHBOUR] * 4, object))
    service = np.ones((1, 12))
    service[0, 7] = 0.5
    return SimpleNamespace(
        zone=("G", "E"), bus=("g", "e"), bus_zone=np.array([0, 1]), area=np.array([0, 1]), reference=np.array([0, 1]),
        cleared_zones=np.array([0]), units=units, link=("g-e",), link_from=np.array([0]), link_to=np.array([1]),
        link_capacity=np.array([200.0]), link_reverse=np.array([50.0]), link_loss=np.array([0.1]),
        link_fee=np.array([20.0]), agreements=SimpleNamespace(service=service))


def scene(**rules):
    small = grid()
    return SimpleNamespace(now=AUGUST, rhythm="month", grid=small, rules=SimpleNamespace(**rules),
                           positions=SimpleNamespace(bus=np.append(small.units.bus, 0)))


def test_both_sides_capacity_limits_a_deal():
    """E bids 400 for 150 MW at its own bus; sent that is 166.7 MW, of which the link carries 100 in August: 90 arrive.
    A MW sent is worth 0.9 x (400 - 20) = 342 > 300."""
    orders = Orders.gather((Orders.sell([0], [500.0], 300.0), Orders.buy([1], [150.0], 400.0)))
    trade = CrossArea().clear(orders, scene())
    assert list(trade.orders.unit) == [1]
    assert trade.accepted[0] == pytest.approx(np.full(24, 90.0))
    assert (trade.months, trade.sent) == (None, None)
    assert trade.public["opened"] == pytest.approx(90 * 24 * 31 / 1e6)


def test_a_bid_within_the_capacity_is_opened_whole_and_one_that_does_not_pay_not_at_all():
    orders = Orders.gather((Orders.sell([0], [500.0], 300.0), Orders.buy([1, 2], [60.0, 60.0], [400.0, 350.0])))
    trade = CrossArea().clear(orders, scene())  # 0.9 x (350 - 20) = 297 < 300
    assert dict(zip(trade.orders.unit, trade.accepted[:, 0])) == pytest.approx({1: 60.0, 2: 0.0})


def test_a_neighbour_sells_back_over_a_link_that_may_turn():
    """E offers 80 MW at 100, users of G (party 5) bid 200: 25 MW over the turned link in August, worth 0.9 x 180."""
    orders = Orders.gather((Orders.sell([1], [80.0], 100.0), Orders.buy([5], [500.0], 200.0)))
    trade = CrossBorder().clear(orders, scene())
    assert trade.accepted[0, 0] == pytest.approx(25)
    assert trade.public["import_price"] == 100
    assert trade.public["listed"] == pytest.approx(80 * 24 * 31 / 1e6)
    assert trade.public["matched"] == pytest.approx(25 * 24 * 31 / 1e6)


def test_a_border_at_a_bus_with_load_has_no_link():
    orders = Orders.gather((Orders.sell([0, 4], [30.0, 9.0], [200.0, 90.0]), Orders.buy([3], [50.0], 210.0)))
    rows, matched = opened(orders, np.array([0, 0, 0, 0, 0, 0])[orders.unit], grid(), 8)
    found = dict(zip(orders.unit[rows], matched[:, 0]))
    assert found == pytest.approx({3: 30.0, 4: 0.0})  # neighbours of one bus do not trade with each other


def test_equal_listings_share_what_the_crossing_carries():
    orders = Orders.gather((Orders.sell([0], [500.0], 300.0), Orders.buy([1, 1, 1], [60.0, 60.0, 120.0], 400.0)))
    trade = CrossBorder().clear(orders, scene())
    assert sorted(trade.accepted[:, 0]) == pytest.approx([22.5, 22.5, 45.0])


def test_without_orders_nothing_is_opened():
    for market in (CrossArea(), CrossBorder()):
        trade = market.clear(Orders.none(), scene())
        assert (len(trade.orders), trade.accepted.sum()) == (0, 0)


def test_wheeling_is_paid_by_who_takes_energy_in_a_deal_to_the_fen():
    """Unit 1 takes 60 MW for 3 hours and gives 5 MW in a fourth: 180 MWh x 30 yuan = 5,400 yuan; unit 2 has no deal."""
    orders = Orders.buy([1], [60.0], 400.0)
    trade = Trade("crossarea", "month", AUGUST, orders, orders.volume, {}, orders.price)
    output = np.zeros((5, 4))
    output[1], output[2] = [-60, -60, -60, 5], -7
    facts = SimpleNamespace(month=Month(2025, 8), trades={("crossarea", "month"): trade}, output=output)
    bills = CrossArea().bill(facts.month, facts, SimpleNamespace(wheeling=30.0))
    assert [(b.payer, b.payee, b.row.tolist(), b.amount.tolist()) for b in bills] == [
        ("neighbours", "wheelers", [1], [540_000])]
    facts.month = Month(2025, 9)
    assert CrossArea().bill(facts.month, facts, SimpleNamespace(wheeling=30.0)) == []


def test_turns_follow_the_distance_of_the_market():
    small = grid()
    small.link_from, small.link_to = np.array([0, 0]), np.array([1, 0])
    assert list(turns(small, 1, ["crossarea", "crossarea", "spot", "spot"])) == [2, 0]
    assert list(turns(small, 1, ["spot", "crossborder", "spot", "spot"])) == [3, 0]
    assert list(turns(small, 1, ["spot", "spot", "crossborder", "spot"])) == [0, 0]
    assert list(outside(small)) == [2 + 2 + 0, 2 + 1]


def test_yunnans_links_open_in_the_order_of_the_four_markets():
    world = read_world(ROOT / "configs" / "worlds" / "yunnan", schema())
    found = Ground(world, Streams(1), 2025).grid(date(2025, 1, 1))
    turn = dict(zip(found.link, found.turn))
    assert (turn["chusui"], turn["gaozhao"], turn["minyue"], turn["yn_vn"], turn["jiangcheng"]) == (1, 1, 2, 3, 0)


@pytest.mark.parametrize(("change", "words"), [
    ("law.crossarea.deal_probability=1.5", "deal_probability: 1.5 is out of range; expected share >= 0 and <= 1"),
    ("law.crossarea.wheeling=-1", "wheeling: -1 is out of range; expected CNY/MWh >= 0"),
    ("law.crossborder.admissions=-1", "admissions: -1 is out of range"),
    ("law.crossborder.cost=-1", "cost: -1 is out of range"),
    ("law.spot.coordination=first", "coordination: 'first' is not known; expected one of joint, priority"),
])
def test_bad_rules_are_refused(change, words):
    with pytest.raises(BadInput, match=words):
        toy(change)


@pytest.mark.parametrize(("table", "cell", "value", "words"), [
    ("foreign", "registered [count]", "7", "7 of 6; expected no more than there are"),
    ("foreign", "bus", "COAST", "no step of borders.csv at COAST is traded in crossborder"),
    ("borders", "market", "fair", "'fair' is not known"),
])
def test_bad_tables_are_refused_with_file_and_line(tmp_path, table, cell, value, words):
    scenario = altered(tmp_path, {table: lambda row: row | {cell: value}})
    with pytest.raises(BadInput) as refusal:
        load(scenario)
    assert f"{table}.csv:2: {cell}: " in str(refusal.value)
    assert words in str(refusal.value)


def test_without_the_border_market_neighbours_just_stand():
    """In the dry season the toy's neighbour buys 15 MW at 300 in any hour that is cheaper, market or not."""
    lab = toy("markets.crossborder=false", start="2025-01-06", days=1).run()
    unit = list(lab.grid.units.key).index("over_the_hill_buy")
    order = lab.facts.today["spot", "real-time"].orders
    assert (order.volume[order.unit == unit] == 15).all()
    assert {SELL, BUY} >= set(order.side[order.unit == unit])


def test_a_market_in_which_nobody_trades_changes_nothing_to_the_fen():
    """The toy has no neighbour under another dispatcher: with and without that market every account is the same."""
    on, off = (toy(*change, start="2025-07-01", days=2).run() for change in ((), ("markets.crossarea=false",)))
    assert on.journal.balance == off.journal.balance
    assert on.facts.trades.keys() - off.facts.trades.keys() == {("crossarea", "month")}


@pytest.mark.parametrize("day", ["2025-01-15", "2025-07-15"])
def test_markets_by_turns_cost_more_than_all_at_once_and_the_books_close(day):
    lab = toy("law.spot.coordination=priority", "law.spot.compare=true", start=day, days=2).run()
    assert lab.facts.lost > 1
    kept = lab.results.indicators.set_index("indicator")["value"]
    assert kept["lost_by_turns"] == pytest.approx(lab.facts.lost)
    assert lab.facts.imbalance < 1e-5
    assert lab.journal.balance["grid_company"] == 0
