"""Outlook: what the last MWh of a day's water earns, by arithmetic on small merit orders."""

from dataclasses import replace

import numpy as np
import pytest

from agents.outlook import BLOCK, PERIODS, Outlook, blocks, marginal_value, merged

FLOOR, CAP, OPERATION = -50.0, 1500.0, 5.0


def outlook(load, offers, ties=(), joint=(), reservoir=(100.0,)):
    """One month. load: MW [bus] or [bus][period]; offers: (bus, price, MW); ties: (start, end, most, least, loss, fee);
    joint: (members, MW); reservoir: MW [bus]."""
    load = np.array([np.broadcast_to(np.asarray(at, float), PERIODS) for at in load])
    bus, price, volume = (np.array(column, float) for column in zip(*offers)) if offers else np.zeros((3, 0))
    start, end, most, least, loss, fee = (np.array(c, float) for c in zip(*ties)) if ties else np.zeros((6, 0))
    members = np.zeros((len(joint), len(ties)), bool)
    for row, (which, _) in enumerate(joint):
        members[row, list(which)] = True
    wide = np.ones(PERIODS)
    return Outlook(load[None], bus.astype(int), np.ones(len(bus), bool), price, (volume[:, None] * wide)[None],
                   start.astype(int), end.astype(int), (most[:, None] * wide)[None], least, loss, fee, members,
                   np.array([limit for _, limit in joint], float), np.array([reservoir], float), OPERATION, FLOOR, CAP)


def worth(found, *megawatts):
    """Value of the last MWh when the reservoirs give these MW on average."""
    return marginal_value(found, 24.0 * np.array([megawatts]))[0].tolist()


def test_water_saves_the_dearest_plant_that_still_runs():
    # load 100: the first 40 MW of water save the plant at 200, the next 60 that at 100, more has no use
    found = outlook([100], [(0, 100, 60), (0, 200, 60)])
    assert worth(found, 0, 39, 41, 99) == pytest.approx([195, 195, 95, 95])
    assert worth(replace(found, reservoir=np.array([[200.0]])), 101) == [0]


def test_water_goes_to_the_dear_hours_first():
    # 12 hours of 100 MW and 12 of 50: only the former need the plant at 200, 12 x 40 = 480 MWh of it (20 MW on average)
    load = np.repeat([100.0, 50.0], PERIODS // 2)
    found = outlook([load], [(0, 100, 60), (0, 200, 60)])
    assert worth(found, 19, 21) == pytest.approx([195, 95])


def test_turbines_that_run_at_their_most_cannot_use_more_water():
    found = outlook([100], [(0, 200, 200)], reservoir=(30,))
    assert worth(found, 29, 31) == pytest.approx([195, 0])


def test_exported_water_earns_the_price_there_less_loss_and_fee():
    # a tenth is lost and 20 CNY paid on each MWh delivered: 0.9 x (200 - 20) - 5 = 157, up to the link's 50 MW
    found = outlook([0, 100], [(1, 200, 200)], ties=[(0, 1, 50, 0, 0.1, 20)], reservoir=(100, 0))
    assert worth(found, 49, 51) == pytest.approx([157, 0])


def test_a_limit_on_several_links_binds_their_sum():
    ties = [(0, 1, 50, 0, 0, 0), (0, 1, 50, 0, 0, 0)]
    found = outlook([0, 100], [(1, 200, 200)], ties=ties, joint=[((0, 1), 60)], reservoir=(100, 0))
    assert worth(found, 59, 61) == pytest.approx([195, 0])


def test_a_line_carries_both_ways_for_nothing():
    found = outlook([0, 100], [(1, 200, 200)], ties=[(1, 0, 50, -50, 0, 0)], reservoir=(100, 0))
    assert worth(found, 49, 51) == pytest.approx([195, 0])


def test_a_link_that_must_run_takes_water_even_where_it_is_worth_less():
    # 10 MW must flow away from the plant at 200 to a bus where nobody needs them: 10 MW of water are spent on it
    away = outlook([50, 0], [(0, 200, 45)], ties=[(0, 1, 20, 10, 0, 0)], reservoir=(100, 0))
    # 50 + 10 MW are wanted, 45 MW offered: with 14 MW of water 1 MW is shed, with 16 nothing
    assert worth(away, 14, 16) == pytest.approx([1495, 195])


def test_where_power_is_short_water_earns_the_cap():
    assert worth(outlook([100], []), 50) == pytest.approx([1495])


def test_who_buys_pays_for_water_until_its_demand_is_met():
    found = outlook([100], [(0, 120, 30), (0, 200, 200)])
    buying = replace(found, sells=np.array([False, True]))
    # plant at 200 until 100 MW of water serve the load, then 30 MW for the buyer at 120
    assert worth(replace(buying, reservoir=np.array([[200.0]])), 99, 101, 129, 131) == pytest.approx([195, 115, 115, 0])


def test_the_value_never_rises_with_the_energy_and_is_never_negative():
    rng = np.random.default_rng(3)
    load = 100 + 50 * rng.random(PERIODS)
    found = outlook([load, 30], [(0, price, 20) for price in rng.integers(0, 300, 8)],
                    ties=[(0, 1, 40, 4, 0.05, 30)], reservoir=(300, 0))
    value = marginal_value(found, 24.0 * np.linspace(0, 300, 25)[None])[0]
    assert np.all(np.diff(value) <= 0)
    assert np.all(value >= 0)
    assert value[0] > value[-1] == 0


def test_months_are_cleared_each_with_its_own_load():
    found = outlook([100], [(0, 100, 60), (0, 200, 60)])
    two = replace(found, load=np.concatenate([found.load, found.load * 0.5]), volume=np.repeat(found.volume, 2, axis=0),
                  most=np.repeat(found.most, 2, axis=0), reservoir=np.repeat(found.reservoir, 2, axis=0))
    assert marginal_value(two, np.full((2, 1), 24.0 * 10)).ravel().tolist() == pytest.approx([195, 95])


def test_a_blocks_figure_is_the_mean_of_its_hours():
    hours = np.arange(24.0)[None, None]
    assert blocks(hours).shape == (1, 1, PERIODS)
    assert blocks(hours)[0, 0, 1] == np.arange(24)[BLOCK: 2 * BLOCK].mean()


def test_offers_of_one_bus_side_and_price_are_one():
    volume = np.arange(8.0).reshape(1, 4, 2)
    bus, sells, price, total = merged(np.array([1, 0, 1, 1]), np.array([True, True, True, False]),
                                      np.array([10.0, 10.0, 10.0, 10.0]), volume)
    assert list(zip(bus, sells, price)) == [(0, True, 10.0), (1, False, 10.0), (1, True, 10.0)]
    assert total[0].tolist() == [[2, 3], [6, 7], [4, 6]]  # the first and third offer add up


def test_another_figure_is_another_fingerprint():
    found = outlook([100], [(0, 100, 60)])
    assert found.digest == replace(found, load=found.load.copy()).digest
    assert found.digest != replace(found, operation=OPERATION + 1).digest
    assert found.digest != replace(found, load=found.load + 1).digest
