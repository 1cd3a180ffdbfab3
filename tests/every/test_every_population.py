"""What holds for every population: its columns are finite and in range, a row is its columns, nobody is somebody."""

import importlib
import pkgutil
from typing import get_type_hints

import numpy as np
import pytest

import agents
from agents.base import Population
from sim.units import unit_of
from tests.labs import altered, cells, drop, toy

for _info in pkgutil.iter_modules(agents.__path__):
    importlib.import_module(f"agents.{_info.name}")

TYPES = sorted(Population.__subclasses__(), key=lambda cls: cls.__name__)
each = pytest.mark.parametrize("kind", TYPES, ids=lambda cls: cls.__name__)

NOT_NEGATIVE = ("ratio", "persons", "persons/row", "count", "MW", "MWh", "months", "index", "fen", "fen/month", "0.01",
                "identity", "years", "CNY/month", "CNY/MWh", "orders/day")
RANGE = {"share": (0.0, 1.0)} | dict.fromkeys(NOT_NEGATIVE, (0.0, np.inf))  # by symbol of the unit


@pytest.fixture(scope="module")
def two_months():
    """Eleven days of the toy world across the turn of a month, with accounts that buy at retail."""
    return toy("scale.users=300", start="2025-07-26", days=11).run()


def population(lab, kind) -> Population:
    found = [actor for actor in lab.actors if type(actor) is kind]
    assert len(found) == 1, f"the toy world has no {kind.__name__}: nothing is tested"
    return found[0]


def test_there_are_populations():
    assert {"Riders", "Users"} <= {kind.__name__ for kind in TYPES}


@each
def test_columns_are_of_their_units_type_and_as_long_as_the_population(kind, two_months):
    people = population(two_months, kind)
    assert len(people) > 0
    for name, unit in units(people).items():
        column = getattr(people, name)
        assert column.shape == (len(people),), name
        assert column.dtype == np.dtype(unit.dtype), name


@each
def test_columns_are_finite_and_in_the_range_of_their_units(kind, two_months):
    people = population(two_months, kind)
    for name, unit in units(people).items():
        column = getattr(people, name)
        assert np.isfinite(column).all(), name
        low, high = RANGE.get(unit.symbol, (-np.inf, np.inf))
        assert column.min() >= low, name
        assert column.max() <= high, name


@each
def test_a_row_is_its_columns(kind, two_months):
    people = population(two_months, kind)
    for row in (0, len(people) // 2, len(people) - 1):
        assert people[row] == {name: getattr(people, name)[row].item() for name in units(people)}
        assert list(people[row]) == people.columns()


def units(people) -> dict:
    """The unit of each column, in order."""
    hints = get_type_hints(type(people), include_extras=True)
    return {name: unit_of(hints[name]) for name in people.columns()}


@pytest.fixture(scope="module")
def deserted(tmp_path_factory):
    """A toy world where nobody rides and nobody uses electricity, lived for three days."""
    nobody = {"riders": "0", "orders": "0"}
    scenario = altered(tmp_path_factory.mktemp("deserted"), {
        "cities": cells(**nobody), "load_split": drop, "user_classes": drop, "demand": drop,
        "demand_years": drop, "retail_classes": drop, "green_demand": drop, "pool_members": drop, "smelters": drop,
        "foreign": drop,
        "build_out": lambda row: None if row["technology"] == "smelter" else row})
    return toy("scale.riders=0", scenario=scenario).run()


@each
def test_an_empty_population_is_still_an_actor(kind, deserted):
    people = population(deserted, kind)
    assert len(people) == 0
    assert bool(people)
    assert people in deserted.actors
    assert all(getattr(people, name).shape == (0,) for name in people.columns())


def test_a_world_of_empty_populations_runs_and_its_books_close(deserted):
    assert sum(deserted.journal.balance.values()) == 0
    assert not deserted.running
    assert deserted.journal.balance["riders"] == 0
