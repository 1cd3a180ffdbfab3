"""Sets of plants: how many, what starting them costs, and what is refused."""

import numpy as np
import pytest

from sim.config import BadInput, load, read_world
from sim.config.scenarios import whole_schema
from sim.network.blocks import commitment, count
from sim.network.ground import Ground
from sim.streams import Streams
from tests.labs import TOY, altered, cells, drop


@pytest.fixture(scope="module")
def world():
    return load(TOY).world


def test_a_plant_consists_of_the_fewest_equal_sets_that_are_no_larger():
    # 9500 MW in sets of 600 at most: 16 of 593.75
    assert count(np.array([9500.0, 600, 601, 250]), np.array([600.0] * 4)).tolist() == [16, 1, 2, 1]


def test_coal_and_gas_of_the_toy_world_are_committed_with_their_starts(world):
    units = Ground(world, Streams(1), 2025).units(2025)
    plan = commitment(units, world["blocks"], world["commitment"])
    assert sorted(set(units.technology[plan.unit])) == ["coal", "gas"]
    first = list(units.key[plan.unit]).index("coal_COAST_1")
    # 200 MW in sets of 60: four of 50; 350 CNY a MW
    assert plan.blocks[first] == 4
    assert plan.start_cost[first] == pytest.approx(350 * 50)
    assert (plan.least[first], plan.up[first], plan.down[first]) == (0.4, 12, 8)


@pytest.mark.parametrize(("table", "change", "words"), [
    ("blocks", lambda row: None if row["key"] == "coal" else row, ("key", "coal")),
    ("blocks", lambda row: None if row["key"] == "nuclear" else row, ("plants.csv", "availability", "nuclear")),
    ("blocks", cells(size="0"), ("blocks.csv:2", "size")),
    ("commitment", cells(up="2.5"), ("commitment.csv:2", "up", "whole")),
    ("commitment", cells(up="25"), ("commitment.csv:2", "up", "24")),
    ("commitment", cells(least="1.2"), ("commitment.csv:2", "least")),
    ("commitment", cells(start_cost="-1"), ("commitment.csv:2", "start_cost"))])
def test_what_cannot_be_is_refused_with_file_and_line(tmp_path, table, change, words):
    altered(tmp_path, {table: change})
    with pytest.raises(BadInput) as refusal:
        read_world(tmp_path / "worlds" / "toy", whole_schema())
    assert all(word in str(refusal.value) for word in words), refusal.value


def test_a_world_may_commit_nothing(tmp_path):
    altered(tmp_path, {"commitment": drop})
    world = read_world(tmp_path / "worlds" / "toy", whole_schema())
    assert len(commitment(Ground(world, Streams(1), 2025).units(2025), world["blocks"], world["commitment"])) == 0
