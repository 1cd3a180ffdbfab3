"""Allowances of two coal plants, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Month
from sim.emissions import EmissionRules, factors
from sim.network.grid import Units
from sim.policy.carbon import Carbon, CarbonRules, emissions

JULY = Month(2025, 7)
RULES = CarbonRules(price=70, benchmark={"coal": 0.79})
UNITS = Units.make(
    ["a", "b", "w", "s", "n"], kind=["plant", "plant", "plant", "store", "neighbour"], owner="x",
    bus=np.array([0, 0, 1, 0, 1]),
    technology=np.array(["coal", "coal", "wind", "battery", "sell"], object),
    capacity=np.array([100.0, 300, 50, 9, 9]), cost=np.array([380.0, 290, 0, 1, np.nan]))
GRID = SimpleNamespace(units=UNITS, bus_zone=np.array([0, 0]))


def facts(factor):
    return SimpleNamespace(grid=GRID, output=np.array([[60.0, 40], [100, 200], [9, 9], [1, -1], [5, 5]]),
                           tracer=SimpleNamespace(factor=np.array(factor, float)))


def test_who_burns_more_than_the_benchmark_buys_what_the_other_saves():
    """100 MWh at 0.85 t: 85 t less 79 free: 6 t x 70 = 420 CNY. 300 MWh at 0.77: 231 less 237: 6 t saved, 420 back."""
    bills = Carbon().apply(JULY, facts([0.85, 0.77, 0, 0, 0]), RULES)
    assert [(b.payer, b.payee, b.row.tolist(), b.amount.tolist()) for b in bills] == [
        ("plants", "carbon_market", [0], [42_000]), ("carbon_market", "plants", [1], [42_000])]


def test_where_nothing_is_known_of_emissions_nothing_is_owed():
    assert Carbon().apply(JULY, facts([0, 0, 0, 0, 0]), RULES) == []


def test_what_plants_emit_and_what_is_free():
    emitted, granted = emissions(facts([0.85, 0.77, 0, 0.5, 0.5]), RULES)
    assert emitted == pytest.approx([85, 231, 0, 0, 0])
    assert granted == pytest.approx([79, 237, 0, 0, 0])


def test_a_plant_that_costs_more_burns_more():
    """Mean cost (100 x 380 + 300 x 290) / 400 = 312.5; the first costs 21.6 % more and burns 0.5 x 21.6 % more:
    0.82 x 1.108 = 0.90856; the second 7.2 % less: 0.82 x 0.964 = 0.79048; weighted 0.82 again. Imports 0.1, stores
    0."""
    rules = EmissionRules(factor={"coal": 0.82, "gas": 0.37}, imported=0.1, heat_rate=0.5)
    found = factors(GRID, rules)
    assert found == pytest.approx([0.90856, 0.79048, 0, 0, 0.1])
    assert (found[:2] * [100, 300]).sum() / 400 == pytest.approx(0.82)
    assert factors(GRID, rules.model_copy(update={"heat_rate": 0.0}))[:2] == pytest.approx([0.82, 0.82])
