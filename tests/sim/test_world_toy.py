"""The toy world: small, and everything once."""

from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from sim.config import read_world
from sim.network.grid import Grid, Units
from sim.network.plants import Plant
from sim.network.stores import Store
from sim.schema import schema

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def world():
    return read_world(ROOT / "configs" / "worlds" / "toy", schema())


def test_it_is_small(world):
    assert len(world["buses"]) == 3
    assert len(world["plants"]) <= 20


def test_it_has_every_kind_of_plant_and_store(world):
    kinds = set(get_args(Plant.model_fields["technology"].annotation))
    assert set(world["plants"]["technology"]) == kinds
    assert set(world["stores"]["technology"]) == set(get_args(Store.model_fields["technology"].annotation))


def test_it_has_two_areas_a_parallel_line_a_two_way_link_and_one_not_built_yet(world):
    none = Units.make([], "plant", [], [], [], [])
    grid = Grid(world["buses"], world["corridors"], world["joint_limits"], none, date(2025, 7, 1))
    assert len(set(grid.area)) == 2
    assert list(zip(grid.line_from, grid.line_to, strict=True)) == [(0, 1), (0, 1)]
    assert sorted(grid.link_reverse > 0) == [False, True]
    assert len(grid.link) < sum(c.kind == "dc" for c in world["corridors"])


def test_its_valley_has_a_cascade(world):
    orders = [(r.basin, r.order) for r in world["reservoirs"]]
    assert len(orders) == 2
    assert orders[0][0] == orders[1][0]
    assert sorted(order for _, order in orders) == [1, 2]


def test_it_has_a_smelter_and_a_neighbour_in_each_season(world):
    assert len(world["smelters"]) == 2
    assert set(world["borders"]["season"]) == {"dry", "wet"}
    assert set(world["borders"]["side"]) == {"sell", "buy"}
