"""Increments above the schedule, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from sim import increments
from sim.calendar import Calendar, Month
from sim.messages import BUY, SELL, Orders, Trade
from sim.network.grid import PLANT, STORE

DAYS = 2


@pytest.fixture
def facts():
    """A (bus 0): 60 MW of water, 20 of coal; B (bus 1) is fed by links 0 and 1; link 2 leads to C, without load. On two
    days link 0 sends 50, then 30 MW against a schedule of 40; link 1 sends 5 and is in no contract; link 2 sends 25."""
    units = SimpleNamespace(bus=np.array([0, 0, 1, 0]), kind=np.array([PLANT, PLANT, PLANT, STORE], object),
                            technology=np.array(["hydro", "coal", "coal", "battery"], object))
    grid = SimpleNamespace(
        zone=("A", "B", "C"), bus=("a", "b", "c"), bus_zone=np.array([0, 1, 2]), cleared_zones=np.array([0, 1]),
        link_from=np.array([0, 0, 0]), link_to=np.array([1, 1, 2]), units=units, by_zone=lambda values: values)
    sent = np.repeat([[50.0, 30.0], [5.0, 5.0], [25.0, 25.0]], 24, axis=1)
    schedule = np.array([np.full(24, 40.0), np.full(24, np.nan), np.full(24, np.nan)])
    output = np.repeat([[60.0], [20.0], [10.0], [9.0]], 48, axis=1)
    return SimpleNamespace(grid=grid, days=DAYS, sent=sent, output=output, month=Month(2025, 8), trades={},
                           positions=SimpleNamespace(schedule=schedule))


def test_the_clean_share_of_what_flows_above_the_schedule(facts):
    """60 of 80 MW in A are clean (a battery makes nothing): 0.75. Link 0: 10 x 24 x 0.75 on the first day, nothing on
    the second; link 1: 5 x 48 x 0.75; a link to where nobody has load does not count."""
    found = increments.increments(facts)
    assert found[:2] == pytest.approx([180, 180])
    assert np.isnan(found[2])
    pairs = increments.by_zones(facts, found)
    assert pairs[0, 1] == pytest.approx(360)
    assert np.isnan(np.delete(pairs.ravel(), 1)).all()


def test_what_contracts_schedule_and_what_of_it_was_carried(facts):
    assert increments.scheduled(facts).sum(axis=1) == pytest.approx([40 * 48, 0, 0])
    assert increments.carried(facts).sum(axis=1) == pytest.approx([40 * 24 + 30 * 24, 0, 0])


def trade(market, orders, accepted):
    when = Calendar(Month(2025, 8).first, Month(2025, 8).first).turn()
    return Trade(market, "month", when, orders, np.array(accepted)[:, None] * np.ones(24), {}, orders.price)


def test_incremental_contracts_and_reductions_are_told_apart_by_the_plants_side(facts):
    """The dam adds 10 MW and, apart from it, buys 3 MW back; users (party 4) are not counted."""
    facts.grid.units = SimpleNamespace(**vars(facts.grid.units))
    facts.grid.units = Counted(facts.grid.units)
    orders = Orders.gather((Orders.sell([0], [10.0], 1.0), Orders.buy([0], [3.0], 1.0), Orders.buy([4], [10.0], 1.0)))
    facts.trades["interprovincial", "month"] = trade("interprovincial", orders, orders.volume[:, 0])
    sold, back = increments.contracted(facts, SELL), increments.contracted(facts, BUY)
    assert (sold[0], back[0]) == (10 * 24 * 31, 3 * 24 * 31)
    assert np.isnan(sold[1:]).all()
    facts.month = Month(2025, 9)
    assert np.isnan(increments.contracted(facts, SELL)).all()


class Counted(SimpleNamespace):
    """Units with a length."""

    def __init__(self, units):
        super().__init__(**vars(units))

    def __len__(self):
        return len(self.bus)


def test_energy_taken_across_areas_and_its_certified_part(facts):
    """Unit 3 took 9 MW for 48 hours under a deal; 0.35 of it is certified."""
    facts.output[3] *= -1
    orders = Orders.buy([3], [20.0], 400.0)
    facts.trades["crossarea", "month"] = trade("crossarea", orders, [20.0])
    rules = SimpleNamespace(origin_share=0.35)
    assert increments.across_areas(facts, rules, certified=False) == pytest.approx(432)
    assert increments.across_areas(facts, rules, certified=True) == pytest.approx(151.2)
    assert np.isnan(increments.across_areas(facts, None, certified=True))


def test_listings_at_the_border_by_zone(facts):
    orders = Orders.gather((Orders.buy([3], [20.0], 400.0), Orders.sell([2], [7.0], 1.0)))
    facts.trades["crossborder", "month"] = trade("crossborder", orders, [7.0, 5.0])
    listed, matched = increments.at_borders(facts, matched=False), increments.at_borders(facts, matched=True)
    assert listed[:2] == pytest.approx([20 * 24 * 31, 7 * 24 * 31])
    assert matched[:2] == pytest.approx([5 * 24 * 31, 7 * 24 * 31])
    assert np.isnan(listed[2])
