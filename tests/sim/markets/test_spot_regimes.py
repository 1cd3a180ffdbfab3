"""Regimes of the spot market: corridors held to agreements, zones cleared alone, two settlements; worked by hand."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Calendar
from sim.config import BadInput
from sim.markets.spot import Spot
from sim.messages import Conditions, Orders, Scene
from sim.network.grid import PLANT, Bus, Corridor, Grid, Units
from sim.welfare import gain
from tests.labs import toy

DAY = Calendar(date(2025, 7, 1), date(2025, 7, 31)).turn()
LAW = {"offer_floor": 0, "offer_cap": 1200, "clearing_floor": -50, "clearing_cap": 1500,
       "storage_scheduling": "market",
       "storage_level": 0.5, "engine": "day", "regime": "spot", "trial_days": 0, "ahead": False, "band": 0.1,
       "clearing": "joint", "exports": "free", "compare": False, "rent": "kept", "administered_dry": {},
       "administered_wet": {}, "commitment": "must-run", "security": "none",
       "emergency": 1.2, "circuit": 2500, "coordination": "joint"}


def two_zones(kind="dc", loss=0.0, tariff=0.0):
    """West with 1,000 MW at 100, east with 1,000 MW at 300, a corridor of 100 MW from west to east."""
    buses = [Bus(key=key, zone=key.upper(), name=key, source="paper") for key in ("west", "east")]
    tie = Corridor(key="tie", start="west", end="east", kind=kind, capacity=100, reverse=100 if kind == "ac" else 0,
                   reactance=0.1 if kind == "ac" else 0, loss=loss, tariff=tariff, minimum=0,
                   in_service=date(2000, 1, 1), owner="o", source="paper")
    units = Units.make(["cheap", "dear"], PLANT, [0, 1], ["a", "b"], ["hydro", "gas"], [1000, 1000])
    return Grid(buses, [tie], [], units, DAY.date)


def cleared(grid, schedule, load=(50.0, 150.0), rhythm="real-time", **law):
    """A day of it under the law; schedule: MW on the corridor, nan where no agreement says anything."""
    available = np.full((2, 24), 1000.0)
    conditions = Conditions(
        day=DAY, load=np.repeat(np.array(load)[:, None], 24, axis=1), available=available, minimum=np.zeros((2, 24)),
        energy=np.full(2, np.inf), stored=np.zeros(2), link_share=np.ones((len(grid.link), 24)), inflow=np.zeros(0),
        water=np.zeros(0), output_before=np.full(2, np.nan))
    positions = SimpleNamespace(schedule=np.full((len(grid.link), 24), schedule))
    scene = Scene(DAY, rhythm, conditions, grid, {}, None, positions, Spot.Rules(**LAW | law))
    return Spot().clear(Orders.sell([0, 1], available, [100.0, 300.0]), scene)


def test_before_the_spot_settles_a_corridor_carries_what_was_agreed():
    """60 of its 100 MW: 110 MW in the west at 100, 90 in the east at 300, whatever more would save."""
    found = cleared(two_zones(), 60.0, regime="schedule")
    assert found.sent[0].tolist() == pytest.approx([60] * 24)
    assert found.output[:, 5].tolist() == pytest.approx([110, 90])
    assert found.price[:, 5].tolist() == pytest.approx([100, 300])


def test_a_corridor_of_which_no_agreement_speaks_is_free_even_then():
    assert cleared(two_zones(), np.nan, regime="schedule").sent[0].tolist() == pytest.approx([100] * 24)


def test_on_a_trial_day_corridors_are_freed_and_on_the_day_before_they_are_not():
    rules = Spot.Rules(**LAW | {"regime": "trial", "trial_days": 2})
    assert [rules.settles(date(2025, 5, day)) for day in (10, 11, 12, 13)] == [False, True, True, False]


def test_a_floor_lets_the_spot_add_to_what_was_agreed_and_never_take_from_it():
    """Where the east is the cheaper side the floor still sends 60; where it is dearer the spot fills the line."""
    assert cleared(two_zones(), 60.0, exports="floor").sent[0].tolist() == pytest.approx([100] * 24)
    dear_fee = two_zones(tariff=250.0)  # 100 + 250 is more than 300
    assert cleared(dear_fee, 60.0, exports="floor").sent[0].tolist() == pytest.approx([60] * 24)
    assert cleared(dear_fee, 60.0).sent[0].tolist() == pytest.approx([0] * 24, abs=1e-9)


@pytest.mark.parametrize("kind", ["dc", "ac"])
def test_zones_that_clear_alone_trade_only_what_was_agreed(kind):
    """Nothing was: each serves its own load at its own price, over a line as over a link."""
    found = cleared(two_zones(kind), np.nan, clearing="separate")
    assert found.output[:, 5].tolist() == pytest.approx([50, 150])
    assert found.price[:, 5].tolist() == pytest.approx([100, 300])
    flow = found.line_flow if kind == "ac" else found.sent
    assert np.abs(flow).max() < 1e-9


@pytest.mark.parametrize("kind", ["dc", "ac"])
def test_what_joint_clearing_gains_goes_to_sellers_users_and_the_network(kind):
    """100 MW at 100 replace 100 MW at 300 for 24 hours: 480,000 CNY. Prices stay as they were at either end, so
    all of it is rent of the line."""
    grid = two_zones(kind)
    found = cleared(grid, np.nan, compare=True)
    worth = gain(found, np.repeat([[50.0], [150.0]], 24, axis=1), 1500.0, -50.0, grid)
    assert worth.total == pytest.approx(480_000)
    assert worth.network == pytest.approx(480_000)
    assert worth.sellers.tolist() == pytest.approx([0, 0], abs=1e-6)
    assert worth.users.tolist() == pytest.approx([0, 0], abs=1e-6)
    assert worth.clean.tolist() == pytest.approx([2400, 0])


def test_where_the_line_is_not_full_joint_clearing_moves_money_from_sellers_to_users():
    """80 MW in the east all come from the west: its users pay 100 instead of 300, 80 x 200 x 24 = 384,000 CNY less; the
    eastern plant sold at its own cost and loses nothing."""
    grid = two_zones()
    found = cleared(grid, np.nan, load=(50.0, 80.0), compare=True)
    worth = gain(found, np.repeat([[50.0], [80.0]], 24, axis=1), 1500.0, -50.0, grid)
    assert worth.total == pytest.approx(384_000)
    assert worth.users.tolist() == pytest.approx([0, 384_000], abs=1e-6)
    assert worth.network == pytest.approx(0, abs=1e-6)


def test_the_parts_of_the_gain_are_the_whole_in_a_lived_month():
    worth = toy("law.spot.compare=true", "law.spot.regime=spot", days=5).run().facts.gain
    assert worth.total > 1e5
    assert worth.total == pytest.approx(worth.sellers.sum() + worth.users.sum() + worth.network, rel=1e-9)


def test_a_zone_with_a_price_for_one_season_only_is_refused():
    with pytest.raises(BadInput, match=r"administered_dry and administered_wet name different zones: NOWHERE"):
        toy("law.spot.administered_dry.NOWHERE=200")


def test_real_time_follows_the_schedule_where_the_forecast_was_right(tmp_path):
    """Without forecast errors real time repeats the day ahead, but for an hour or two in which a ramp that the whole
    day foresaw binds an hour that is cleared alone; deviations are a thousandth of what was sold."""
    from tests.labs import altered

    sure = dict.fromkeys(("forecast_load", "forecast_wind", "forecast_sun", "forecast_inflow"), 0.0)
    lab = toy(days=4, scenario=altered(tmp_path, settings={"weather": sure})).run()
    facts = lab.facts
    assert facts.ahead.hours.all()
    assert (np.abs(facts.output - facts.ahead.output) > 0.01).mean() < 0.005
    moved = sum(e.total for e in lab.journal.entries if e.bill == "real-time deviation")
    assert moved < 1e-3 * sum(e.total for e in lab.journal.entries if e.bill == "day-ahead energy")


def test_a_forecast_misses_by_what_the_world_says_and_the_same_way_in_every_run():
    lab, other = toy(days=20).run(), toy("law.spot.band=0", days=20).run()
    ratio = lab.facts.ahead.load / lab.facts.load
    assert 0.010 < ratio.std() < 0.020  # 0.015 [assumption]
    np.testing.assert_array_equal(lab.facts.ahead.load, other.facts.ahead.load)
