"""Developers: what they have seen they expect, what they expect decides what they start, and time does the rest."""

import numpy as np
import pytest

from agents.developer import Developer, Project
from sim.calendar import Month
from sim.markets.regulation_capacity import bargains, leverage
from sim.messages import Statement
from tests.agents.public_figures import seen

STORE = Project(technology="battery", most=100.0, lag=12, life=12.0, degradation=0.0, fixed=45.0,
                 capex={2023: 2000.0})
SUN = Project(technology="solar", most=500.0, lag=12, life=25.0, degradation=0.0, fixed=40.0, capex={2023: 3300.0})
THINKS = dict(cost_of_capital=0.08, hurdle=0.09, spread=0.01, smoothing=0.3)


def developer(*projects, standing=(), **changes):
    return Developer(None, "developers_HILLS", "HILLS", projects or (STORE,), standing, **(THINKS | changes))


def live(who: Developer, year: int, income: float, technology="battery"):
    """A year of which each month brings a twelfth of an income, CNY/kW-yr."""
    for month in range(1, 13):
        who.learn(Statement(Month(year, month)), seen("HILLS", technology, energy=1000 * income / 12))


@pytest.fixture(autouse=True)
def without_mesa(monkeypatch):
    monkeypatch.setattr("agents.base.mesa.Agent.__init__", lambda self, model: None)


def test_nothing_is_started_before_a_year_was_seen():
    who = developer()
    for month in range(1, 12):
        who.learn(Statement(Month(2025, month)), seen("HILLS", "battery", energy=1000 * 500 / 12))
    assert who.open_year(Month(2025, 12), {"battery": 1.0}) == []
    assert who.queue_of("battery") == 0


def test_what_pays_is_started_waits_a_year_and_then_stands():
    # 330 - 45 = 285 CNY/kW-yr on 2,000: twelve years must be worth 2000 / 285 = 7.0175; at 9 % they are 7.1607, at
    # 9.5 % 6.9839, so the rate is 9.405 % and the share 1 / (1 + exp(-0.405)) = 0.600 of 100 MW
    who = developer()
    live(who, 2025, 330.0)
    assert who.open_year(Month(2026, 1), {"battery": 1.0}) == []
    assert who.queue_of("battery") == pytest.approx(60.0, abs=0.1)
    started = who.queue_of("battery")
    live(who, 2026, 0.0)  # a year later nobody would; what is under way goes on
    assert who.open_year(Month(2027, 1), {"battery": 1.0}) == [("battery", pytest.approx(started))]
    assert who.queue_of("battery") == 0


def test_what_loses_money_is_not_started():
    who = developer()
    live(who, 2025, 310.0)  # less than the annual cost of 310.4
    who.open_year(Month(2026, 1), {"battery": 1.0})
    assert who.queue_of("battery") == 0


def test_without_approval_nothing_is_started_nothing_ages_and_nothing_is_built():
    who = developer(standing=[("battery", Month(2000, 1), 50.0)])
    live(who, 2025, 500.0)
    assert who.open_year(Month(2026, 1), None) == []
    assert who.queue_of("battery") == 0


def test_half_the_approval_is_half_the_start():
    whole, half = developer(), developer()
    for who, share in ((whole, 1.0), (half, 0.5)):
        live(who, 2025, 400.0)
        who.open_year(Month(2026, 1), {"battery": share})
    assert half.queue_of("battery") == pytest.approx(whole.queue_of("battery") / 2)


def test_expectations_follow_what_was_seen_by_three_tenths_a_year():
    # 300, then a year of 400: 300 + 0.3 x 100 = 330, then one of 200: 330 - 0.3 x 130 = 291
    who = developer()
    found = []
    for year, income in ((2025, 300.0), (2026, 400.0), (2027, 200.0)):
        live(who, year, income)
        who.open_year(Month(year + 1, 1), {"battery": 0.0})
        found.append(who.expected[0])
    assert found == pytest.approx([300, 330, 291])


def test_what_is_old_goes():
    # 50 MW of January 2014 with a life of 12 years go in January 2026; 80 MW of 2020 stand to 2032, planned ones longer
    who = developer(standing=[("battery", Month(2014, 1), 50.0), ("battery", Month(2020, 1), 80.0),
                              ("battery", Month(2030, 7), 10.0)])
    live(who, 2025, 0.0)
    assert who.open_year(Month(2026, 1), {"battery": 1.0}) == [("battery", -50.0)]
    assert who.open_year(Month(2031, 1), {"battery": 1.0}) == []
    assert who.open_year(Month(2032, 1), {"battery": 1.0}) == [("battery", -80.0)]


def test_what_was_built_wears_and_what_the_tables_let_stand_does_not():
    # 100 MW that come in 2026 lose a fiftieth each year: 2.0, then 1.96
    worn = developer(Project(**(vars(STORE) | {"degradation": 0.02})), standing=[("battery", Month(2020, 1), 80.0)])
    worn.queue = [("battery", Month(2026, 1), 100.0)]
    lost = [worn.open_year(Month(year, 1), {"battery": 1.0}) for year in (2026, 2027, 2028)]
    assert lost == [[("battery", 100.0)], [("battery", pytest.approx(-2.0))], [("battery", pytest.approx(-1.96))]]


def test_a_project_costs_what_building_costs_in_its_year():
    dear = Project(**(vars(STORE) | {"capex": {2023: 2000.0, 2027: 1000.0}}))
    assert [dear.cost(year) for year in (2020, 2023, 2026, 2027, 2040)] == [2000, 2000, 2000, 1000, 1000]


def test_the_break_even_is_what_must_come_beside_energy_and_ancillary_services():
    # 310.4 a year less 75 of energy = 235.4; regulation capacity received does not lower what is needed
    who = developer()
    for month in range(1, 13):
        who.learn(Statement(Month(2025, month)), seen("HILLS", "battery", energy=75000 / 12,
                                                      regulation_capacity=220000 / 12))
    assert who.break_even(2025)["battery"] == pytest.approx(235.4, abs=0.05)
    assert developer().break_even(2025)["battery"] is None  # nothing was seen yet


def grown(policy: float, *, duty: float, arbitrage: float, years: int = 12, most: float = 100.0) -> list[float]:
    """MW of storage that stand each year where the market for regulation capacity has its cap at `policy` CNY/kW-yr.

    All ask its floor and bid its cap; arbitrage falls as more stores share it.
    """
    floor = policy * 0.7 / 1.3
    who, stock, path = developer(Project(**(vars(STORE) | {"most": most}))), 10.0, []
    for year in range(2025, 2025 + years):
        stock += sum(power for _, power in who.open_year(Month(year, 1), {"battery": 1.0}))
        deals = bargains(np.array([floor]), np.array([stock]), np.array([policy]), np.array([duty]),
                         leverage(stock, duty, 0.8, 1.2), floor, policy)
        live(who, year, (deals.price * deals.volume).sum() / stock + arbitrage / (1 + stock / 500))
        path.append(stock)
    return path


@pytest.mark.parametrize("seed", range(24))
def test_a_higher_capacity_price_never_lowers_storage_built(seed):
    """Twenty-four worlds drawn at random, each under rising prices; what stands at the end of each year is compared."""
    drawn = np.random.default_rng(seed)
    world = dict(duty=float(drawn.uniform(50, 600)), arbitrage=float(drawn.uniform(20, 180)),
                 most=float(drawn.uniform(5, 400)))
    paths = [grown(policy, **world) for policy in (0.0, 150.0, 220.0, 286.0, 400.0)]
    for lower, higher in zip(paths, paths[1:]):
        assert all(h >= low - 1e-6 for low, h in zip(lower, higher))
    assert paths[-1][-1] > paths[0][-1]


def test_saturation_lowers_its_own_price_and_stops_the_building():
    path = grown(286.0, duty=200.0, arbitrage=90.0, years=20)
    growth = np.diff(path)
    assert growth[2:6].max() > 5 * max(growth[-3:].max(), 0.1)
    assert path[-1] < 2 * 200
