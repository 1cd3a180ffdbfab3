"""Stores: one state of charge, carried."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Calendar
from sim.config import Table
from sim.markets.spot import Spot
from sim.network.stores import Store, Stores

ROWS = (
    {"key": "battery", "bus": "A1", "owner": "a", "technology": "battery", "capacity": 50.0, "hours": 2.0,
     "efficiency": 0.86, "wear": 10.0, "initial": 0.25, "in_service": date(2020, 1, 1)},
    {"key": "pumped", "bus": "B1", "owner": "b", "technology": "pumped_hydro", "capacity": 100.0, "hours": 6.0,
     "efficiency": 0.75, "wear": 3.0, "initial": 0.5, "in_service": date(2025, 7, 1)},
)


@pytest.fixture
def stores():
    rows = [Store(**row, source="test") for row in ROWS]
    return Stores(Table(Path("stores.csv"), Store, rows, [2, 3], ""), (), (), 2025)


def test_a_run_starts_from_the_stated_levels(stores):
    assert list(stores.energy) == [100, 600]
    assert list(stores.stored) == [25, 300]


def test_the_charge_of_the_evening_is_the_charge_of_the_morning(stores):
    evening = np.array([80.0, 10.0])
    stores.carry(evening)
    assert list(stores.stored) == [80, 10]
    evening[0] = 7  # a day's array is the clearing's own; the state is not tied to it
    assert stores.stored[0] == 80


def test_rounding_beyond_full_and_empty_is_no_energy(stores):
    stores.carry(np.array([100 + 1e-9, -1e-9]))
    assert list(stores.stored) == [100, 0]


def test_a_store_takes_and_gives_nothing_before_it_is_in_service(stores):
    june, july = (Calendar(when, when).turn() for when in (date(2025, 6, 30), date(2025, 7, 1)))
    assert stores.available(june)[:, 5] == pytest.approx([50, 0])
    assert stores.available(july)[:, 5] == pytest.approx([50, 100])
    assert stores.available(july).shape == (2, 24)


def test_units_carry_energy_and_efficiency(stores):
    units = stores.units({"A1": 3, "B1": 4}, 2025)
    assert list(units.bus) == [3, 4]
    assert list(units.store) == [100, 600]
    assert list(units.efficiency) == [0.86, 0.75]
    assert set(units.kind) == {"store"}
    assert np.all(np.isinf(units.ramp))


def least_left(stores, scheduling, when):
    """What a day's clearing must leave, when the law asks for 0.6 of what a store holds."""
    day = Calendar(when, when).turn()
    scene = SimpleNamespace(
        rules=SimpleNamespace(storage_scheduling=scheduling, storage_level=0.6),
        conditions=SimpleNamespace(stored=stores.stored, available=stores.available(day)),
        grid=SimpleNamespace(units=stores.units({"A1": 0, "B1": 1}, 2025)))
    return Spot.least_left(scene)


def test_a_market_that_schedules_stores_leaves_the_laws_level_at_midnight(stores):
    assert least_left(stores, "market", date(2025, 8, 1)) == pytest.approx([60, 360])


def test_a_store_that_cannot_charge_yet_is_not_asked_for_more_than_it_holds(stores):
    assert least_left(stores, "market", date(2025, 6, 1)) == pytest.approx([60, 300])


def test_owners_who_schedule_themselves_may_end_the_day_empty(stores):
    assert list(least_left(stores, "own", date(2025, 8, 1))) == [0, 0]
