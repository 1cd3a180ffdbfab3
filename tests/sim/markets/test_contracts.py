"""Contracts inside a province: matching by zone, price bands, decomposition, settlement; worked by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from agents import cover
from sim.calendar import Calendar, Month
from sim.config import BadInput
from sim.markets.contracts import Contracts
from sim.messages import BUY, SELL, Orders, Scene
from sim.network.demand import UserClass, opened
from sim.positions import Book
from sim.settlement import differences
from tests.labs import toy
from tests.sim.settlement.conftest import facts_of

LAW = {"eligible": 0.5, "cover_year": 0.8, "cover": 0.9, "auctioned": 0.25, "floor": {"coal": 268.6, "other": 100.0},
       "cap": {"coal": 403.0, "other": 400.0}, "shape": [1.0] * 11 + [2.0], "free_band": 0.03, "over": 0.95,
       "short": 1.1}
DAY = Calendar(Month(2025, 12).first, Month(2025, 12).first).turn()
# parties 0 and 1 (hydro) and 2 (coal) sell in zone A; 3 and 4 are user rows of A, 5 is one of B
GRID = SimpleNamespace(bus_zone=np.array([0, 1]), zone=("A", "B"), reference=np.array([0, 1]),
                       units=SimpleNamespace(technology=np.array(["hydro", "hydro", "coal"], object)))
POSITIONS = SimpleNamespace(bus=np.array([0, 0, 0, 0, 0, 1]))


def traded(offers, bids, rhythm="month", **law):
    """offers: (party, MW, CNY/MWh).  bids: (party, MW by hour, CNY/MWh)."""
    said = [Orders.sell([p], [v], [price]) for p, v, price in offers]
    said += [Orders.buy([p], np.broadcast_to(np.asarray(v, float), (1, 24)), [price]) for p, v, price in bids]
    scene = Scene(DAY, rhythm, None, GRID, {}, None, POSITIONS, Contracts.Rules(**LAW | law))
    return Contracts().clear(Orders.gather(said), scene)


def by_party(trade, values):
    return dict(zip(trade.orders.unit.tolist(), values.tolist()))


def test_a_part_is_auctioned_at_one_price_and_the_rest_agreed_in_pairs():
    """50 MW offered at 200 and 50 at 220, 80 wanted at 260: pairs at 230 for 50 and 240 for 30, one price of 240 for
    all. A quarter is auctioned: the cheaper sells at 0.75 x 230 + 0.25 x 240 = 232.5, the other at 240."""
    trade = traded([(0, 50, 200), (1, 50, 220)], [(3, 80, 260)])
    assert by_party(trade, trade.accepted[:, 0]) == {0: 50, 1: 30, 3: 80}
    price = by_party(trade, trade.price[:, 0])
    assert (price[0], price[1]) == (232.5, 240)
    assert price[3] == pytest.approx((50 * 232.5 + 30 * 240) / 80)
    assert trade.public["price.A"] == pytest.approx(price[3])
    assert trade.public["power.A"] == 80


def test_sellers_deliver_on_the_curve_of_those_who_bought():
    """Wanted: 40 MW by night and 80 by day, 60 in the mean. Two sellers of 30 give half of each hour."""
    curve = np.where(np.arange(24) < 12, 40.0, 80.0)
    trade = traded([(0, 30, 200), (1, 30, 200)], [(3, curve, 260)])
    sold = trade.accepted[trade.orders.side == SELL]
    assert sold[:, 0].tolist() == [20, 20]
    assert sold[:, 20].tolist() == [40, 40]
    np.testing.assert_allclose(sold.sum(axis=0), trade.accepted[trade.orders.side == BUY].sum(axis=0))


def test_an_offer_outside_its_technologys_band_is_cut_to_it():
    """Coal that asks 200 counts as 268.6: above a bid of 260 it sells nothing, below one of 300 it does."""
    assert not traded([(2, 50, 200)], [(3, 50, 260)]).accepted.any()
    sold = traded([(2, 50, 200)], [(3, 50, 300)])
    assert by_party(sold, sold.price[:, 0])[2] == pytest.approx((268.6 + 300) / 2)


def test_zones_do_not_trade_with_one_another():
    assert not traded([(0, 50, 200)], [(5, 50, 300)]).accepted.any()


def test_a_months_contract_is_for_its_month_and_a_years_follows_the_shape():
    """A shape of eleven ones and a two has the mean 13/12: December carries 2 x 12/13."""
    month = traded([(0, 50, 200)], [(3, 50, 260)])
    assert month.months[0].tolist() == [0.0] * 11 + [1.0]
    year = traded([(0, 50, 200)], [(3, 50, 260)], rhythm="year")
    assert year.months[0, -1] == pytest.approx(24 / 13)
    assert year.months[0].mean() == pytest.approx(1)


@pytest.mark.parametrize(("change", "says"), [
    ("law.contracts.floor={coal: 450, other: 100}", r"floor of coal 450 is above its cap 403; expected a price band"),
    ("law.contracts.floor={gas: 10}", r"floor and cap: gas stands in one only"),
    ("law.contracts.cover_year=0.95", r"cover_year 0\.95 is above cover 0\.9"),
    ("law.contracts.cover=-0.1", r"-0\.1 is out of range; expected share >= 0"),
    ("law.contracts.shape=[1, 1]", r"shape has 2 values; expected one for each month")])
def test_bad_rules_are_refused_in_one_line(change, says):
    with pytest.raises(BadInput, match=says):
        toy(change)


# ---------------------------------------------------------------------------------------------------------- settling


def facts(settled):
    """The two hours of the bills' world as a day: west at 100 and 200, sold from party 0 (upper) to user row 0."""
    found = facts_of(24)
    found.settled = np.full(24, settled)
    found.ahead = SimpleNamespace(hours=np.zeros(24, bool), price=np.zeros((2, 24)))
    found.days, found.spot = 1, SimpleNamespace(administered_wet={"WEST": 150.0, "EAST": 400.0}, administered_dry={})
    sold = np.zeros((9, 24))
    sold[0], sold[6] = 30, -30
    found.positions = SimpleNamespace(books={("contracts", 0): Book(0, sold, sold * 180.0)})
    return found


def fen(transfers, account, bill):
    return sum(t.total * ((t.payee == account) - (t.payer == account)) for t in transfers if t.bill == bill)


def test_a_contract_settles_its_price_against_the_spots():
    """30 MW for 24 hours at 180 against 100 and 200.004 in turn: 30 x 12 x (180 - 100 + 180 - 200.004) = 21,598.56."""
    found = differences.settled(facts(settled=True), "contracts")
    assert fen(found, "plants", "contract difference") == 2_159_856
    assert fen(found, "users", "contract difference") == -2_159_856
    assert fen(found, "grid_company", "contract difference") == 0


def test_before_the_spot_it_settles_against_the_administered_price():
    """30 x 24 x (180 - 150) = 21,600."""
    assert fen(differences.settled(facts(settled=False), "contracts"), "plants", "contract difference") == 2_160_000


def test_another_markets_contracts_are_not_its_business():
    assert differences.settled(facts(settled=True), "interprovincial") == []


def test_who_departs_from_its_contract_pays_for_what_passes_the_free_band():
    """Upper gave 12 x (40 + 50) = 1,080 MWh on a contract of 720: 360 - 3 % of 720 = 338.4 beyond, at 5 % of 150:
    2,538. User row 0 took 1,200 MWh: 480 - 21.6 = 458.4 short, at 10 % of 150: 6,876. Its zone's users get it
    all back."""
    found = differences.departures(facts(settled=False), "contracts", 0.03, 0.05, 0.10)
    assert fen(found, "plants", "contract departure") == -253_800
    assert fen(found, "users", "contract departure") == -687_600
    assert fen(found, "users", "departures returned") == 253_800 + 687_600
    assert sum(fen(found, "grid_company", bill) for bill in ("contract departure", "departures returned")) == 0


def test_where_the_spot_settles_departing_costs_what_the_spot_costs_and_nothing_more():
    assert differences.departures(facts(settled=True), "contracts", 0.03, 0.05, 0.10) == []


# ------------------------------------------------------------------------------------------------------------- deciding


def test_the_market_opens_class_by_class():
    """Classes of 45, 25 and 30 %, the last outside the market: an opening of 60 % reaches all of the first and 15 of 25
    points of the second."""
    rows = [UserClass(key=key, zone="A", share=share, deviation=1, contracts=may, source="paper")
            for key, share, may in (("a", 0.45, True), ("b", 0.25, True), ("c", 0.30, False))]
    assert opened(rows, 0.60).tolist() == pytest.approx([1, 0.6, 0])
    assert opened(rows, 0.0).tolist() == [0, 0, 0]


def test_half_of_those_who_may_register_in_a_month():
    registered = np.array([0.0, 0.5])
    for expected in ([0.4, 0.65], [0.6, 0.725]):
        registered = cover.entered(registered, np.array([0.8, 0.8]), 0.5)
        assert registered.tolist() == pytest.approx(expected)


def test_users_want_more_cover_the_more_prices_vary():
    """Daily means of 200 and 300 vary by 50 / 250 = 0.2: 0.9 + 2 x 0.2 x 0.1 = 0.94; a flat price asks for 0.9."""
    price = np.full((28, 1, 24), np.nan)
    price[-2], price[-1] = 200, 300
    scene = SimpleNamespace(public=SimpleNamespace(zone_price=price), rules=SimpleNamespace(cover=0.9))
    settings = SimpleNamespace(caution=2.0)
    assert cover.wanted_cover(scene, settings).tolist() == pytest.approx([0.94])
    price[-2] = 300
    assert cover.wanted_cover(scene, settings).tolist() == pytest.approx([0.9])


def test_a_lived_month_covers_what_the_law_asks_for():
    """Everybody in HILLS may trade 85 %, has done so for years, and covers at least nine tenths of its usual use."""
    lab = toy("law.spot.regime=schedule").run()
    table = lab.results.indicators.set_index(["indicator", "zone"])["value"]
    share = table["traded_share", "HILLS"]
    assert 0.85 * 0.85 < share < 0.95
    assert 150 < table["contract_price", "HILLS"] < 350
    assert "COAST" not in table.loc["traded_share"].index
