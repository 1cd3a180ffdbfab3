"""Cases whose answer is known on paper, cleared by the market itself: orders in, prices, flows and rent out."""

from datetime import date

import numpy as np
import pytest

from sim.calendar import Calendar
from sim.config import read_world
from sim.markets.spot import Spot
from sim.messages import Conditions, Orders, Scene
from sim.network.grid import PLANT, USER, Bus, Corridor, Grid, Units
from sim.schema import schema
from sim.settlement.energy import congestion_rent, legs
from sim.settlement.meters import imported
from tests.labs import ROOT

SOURCE = "worked by hand"
DAY = Calendar(date(2025, 7, 1), date(2025, 7, 31)).turn()
WEST, EAST = 0, 1
CHEAP, DEAR, POTS = 0, 1, 2  # units: a plant in the west, one in the east, a large user in the east


def tie(kind: str, **rest) -> Corridor:
    """The corridor between west and east: 100 MW, unless said otherwise."""
    figures = {"capacity": 100, "reverse": 100 if kind == "ac" else 0, "reactance": 0.1 if kind == "ac" else 0,
               "loss": 0, "tariff": 0, "minimum": 0} | rest
    return Corridor(key="tie", start="west", end="east", kind=kind, in_service=date(2000, 1, 1), owner="tie_company",
                    source=SOURCE, **figures)


def cleared(corridor: Corridor, load=(0.0, 150.0), offers=(100.0, 300.0), bid=None, **law):
    """A day of two buses: 1,000 MW at either end at these offers, this load at each, 20 MW of pots at a bid.

    Gives the clearing and the grid."""
    buses = [Bus(key=key, zone=key.upper(), name=key, source=SOURCE) for key in ("west", "east")]
    units = Units.join(Units.make(["cheap", "dear"], PLANT, [WEST, EAST], ["a", "b"], ["hydro", "gas"], [1000, 1000]),
                       Units.make(["pots"], USER, [EAST], ["c"], "smelter", [20]))
    grid = Grid(buses, [corridor], [], units, DAY.date)
    orders = [Orders.sell([CHEAP, DEAR], [1000.0, 1000.0], list(offers))]
    if bid is not None:
        orders.append(Orders.buy([POTS], [20.0], [bid]))
    return Spot().clear(Orders.gather(orders), scene(grid, load, **law)), grid


def scene(grid: Grid, load, **law) -> Scene:
    """The same load in every hour, under the spot law as it stands, changed."""
    units = len(grid.units)
    available = np.repeat(np.array([[1000.0], [1000.0], [20.0]]), 24, axis=1)
    conditions = Conditions(
        day=DAY, load=np.repeat(np.array(load, float)[:, None], 24, axis=1), available=available,
        minimum=np.zeros((units, 24)), energy=np.full(units, np.inf), stored=np.zeros(units),
        link_share=np.ones((len(grid.link), 24)), inflow=np.zeros(0), water=np.zeros(0),
        output_before=np.full(units, np.nan))
    limits = {"offer_floor": 0, "offer_cap": 1200, "clearing_floor": -50, "clearing_cap": 1500,
              "storage_scheduling": "market", "storage_level": 0.5, "engine": "day", "regime": "spot", "trial_days": 0,
              "ahead": False, "band": 0.1, "clearing": "joint", "exports": "free", "compare": False, "rent": "kept",
              "administered_dry": {}, "administered_wet": {}, "commitment": "must-run", "security": "none",
       "emergency": 1.2, "circuit": 2500, "coordination": "joint"}
    return Scene(now=DAY, rhythm="real-time", conditions=conditions, grid=grid, earlier={}, public=None,
                 positions=None, rules=Spot.Rules(**limits | law))


def test_over_a_full_line_spread_times_flow_is_the_rent():
    """150 MW in the east, 100 come over the line at 100 CNY/MWh, the last 50 cost 300 there.
    Prices 100 and 300; rent (300 - 100) x 100 MW = 20,000 CNY an hour; a MW more of line saves 200."""
    c, _ = cleared(tie("ac"))
    assert c.price[:, 7].tolist() == pytest.approx([100, 300])
    assert c.output[:, 7].tolist() == pytest.approx([100, 50, 0])
    assert c.line_flow[0, 7] == pytest.approx(100)
    assert c.rent.tolist() == pytest.approx([20_000] * 24)
    assert c.line_shadow[0, 7] == pytest.approx(200)
    assert c.residual < 1e-6


def test_over_a_free_line_there_is_one_price_and_no_rent():
    """80 MW in the east all come over the line: 100 CNY/MWh at both ends, nothing for the line."""
    c, _ = cleared(tie("ac"), load=(30, 80))
    assert c.price[:, 7].tolist() == pytest.approx([100, 100])
    assert c.output[:, 7].tolist() == pytest.approx([110, 0, 0])
    assert c.rent.tolist() == pytest.approx([0] * 24, abs=1e-6)
    assert c.line_shadow.max() == pytest.approx(0, abs=1e-9)


def test_a_full_lossy_link_earns_its_fee_and_its_shadow():
    """100 MW sent, 5 % lost: 95 arrive, 55 of 150 are made in the east at 300.
    Rent 300 x 95 - 100 x 100 = 18,500 CNY an hour = fee 20 x 95 = 1,900 + shadow x 100, so the shadow is 166."""
    c, _ = cleared(tie("dc", loss=0.05, tariff=20))
    assert c.price[:, 7].tolist() == pytest.approx([100, 300])
    assert (c.sent[0, 7], c.delivered[0, 7]) == pytest.approx((100, 95))
    assert c.output[DEAR, 7] == pytest.approx(55)
    assert c.rent.tolist() == pytest.approx([18_500] * 24)
    assert c.link_shadow[0, 7] == pytest.approx(166)


def test_a_free_lossy_link_leaves_loss_and_fee_between_the_prices():
    """76 MW in the east need 80 sent; a MWh more there costs 100 / 0.95 + 20 = 125.263.
    Rent 125.263 x 76 - 100 x 80 = 1,520 = the fee on 76 MW."""
    c, _ = cleared(tie("dc", loss=0.05, tariff=20), load=(0, 76))
    assert c.price[:, 7].tolist() == pytest.approx([100, 100 / 0.95 + 20])
    assert c.sent[0, 7] == pytest.approx(80)
    assert c.rent.tolist() == pytest.approx([1_520] * 24)
    assert c.link_shadow.max() == pytest.approx(0, abs=1e-9)


def test_a_bid_sets_the_price_where_it_is_the_last_to_be_served():
    """100 MW come over the line, 90 are load, the pots take 10 of their 20 MW and so set the price: their bid, 250."""
    c, _ = cleared(tie("ac"), load=(0, 90), bid=250.0)
    assert c.output[:, 7].tolist() == pytest.approx([100, 0, -10])
    assert c.price[:, 7].tolist() == pytest.approx([100, 250])
    assert c.rent.tolist() == pytest.approx([15_000] * 24)


def test_offers_beyond_their_limits_are_cut_to_them():
    """An offer of 2,000 under a cap of 1,200 counts as 1,200, and sets that price."""
    c, _ = cleared(tie("ac"), offers=(-30.0, 2000.0))
    assert c.price[:, 7].tolist() == pytest.approx([0, 1200])
    assert c.output[:, 7].tolist() == pytest.approx([100, 50, 0])


def test_what_no_plant_can_serve_is_shed_at_the_cap():
    """1,200 MW in the east: 100 come, 1,000 are made, 100 are shed, at 1,500; the line earns (1,500 - 100) x 100."""
    c, _ = cleared(tie("ac"), load=(0, 1200))
    assert c.shed[:, 7].tolist() == pytest.approx([0, 100])
    assert c.price[:, 7].tolist() == pytest.approx([100, 1500])
    assert c.rent.tolist() == pytest.approx([140_000] * 24)


# ------------------------------------------------------------------------------------------------ in a lived month


def test_every_hours_rent_in_a_lived_month_is_spread_times_flow(toy_month):
    """Over all corridors: price at the end x what arrives - price at the start x what leaves; a line loses nothing."""
    facts, grid = toy_month.facts, toy_month.facts.grid
    spread = np.zeros(31 * 24)
    for flow, start, end in zip(facts.line_flow, grid.line_from, grid.line_to):
        spread += (facts.price[end] - facts.price[start]) * flow
    for sent, delivered, start, end in zip(facts.sent, facts.delivered, grid.link_from, grid.link_to):
        spread += facts.price[end] * delivered - facts.price[start] * sent
    np.testing.assert_allclose(facts.rent, spread, atol=1e-3)
    assert facts.rent.sum() > 1e6


def test_the_rent_account_gets_the_months_rent_less_the_links_fees(toy_month):
    """The bill counts whole kWh and whole fen/MWh: of each bus and hour half a kWh at its price and half a fen/MWh of
    its energy may be missing, 744 x 3 x (0.0005 MWh x 1,500 + 0.005 CNY x 700 MWh) = 9,500 CNY at the very worst."""
    facts, grid = toy_month.facts, toy_month.facts.grid
    fees = (np.abs(facts.delivered).sum(axis=1) * grid.link_fee).sum()
    bill = sum(t.total for t in congestion_rent(facts, legs(facts))) / 100
    # what was sold ahead earned the day-ahead spread, what flowed beyond it the real-time spread
    brought, sold = imported(facts) - facts.disposed, imported(facts.ahead) - facts.ahead.disposed
    earned = (facts.ahead.price * sold + facts.price * (brought - sold)).sum()
    assert bill == pytest.approx(earned - fees, abs=2 * 9_500)
    assert bill > 1e6
    assert toy_month.journal.balance["rent"] == round(bill * 100)


def test_the_links_of_the_toy_world_split_a_spread_as_the_law_says(toy_month):
    """Of a link that is neither full nor at its least, nor held by the joint limit, the step is loss and fee alone:
    (price at the end - fee) x (1 - loss) = price at the start, with the loss and fee of the world's table."""
    facts, grid = toy_month.facts, toy_month.facts.grid
    corridors = read_world(ROOT / "configs" / "worlds" / "toy", schema())["corridors"]
    free = 0
    for k, key in enumerate(grid.link):
        link = corridors.rows[corridors.position(key)]
        sent, joint = facts.sent[k], facts.sent.sum(axis=0)
        loose = (sent > link.minimum * link.capacity + 0.1) & (sent < link.capacity * 0.99) & (joint < 159.9)
        here, there = facts.price[grid.link_from[k], loose], facts.price[grid.link_to[k], loose]
        np.testing.assert_allclose((there - link.tariff) * (1 - link.loss), here, atol=1e-6)
        free += loose.sum()
    assert free > 20
