"""Designs put points where their definitions say, and distributions invert as their formulas do."""

from math import exp, log

import numpy as np
import pytest

from experiments import designs
from experiments.designs import Axis

TWO = [Axis("a", inverse=designs.uniform(0, 1)), Axis("b", inverse=designs.uniform(0, 1))]
THREE = [*TWO, Axis("c", inverse=designs.uniform(0, 1))]


def test_a_grid_is_every_combination_of_levels():
    axes = [Axis("x", values=(1, 2, 3)), Axis("y", values=("p", "q"))]
    points = designs.grid(axes, samples=5, seed=1)
    assert [tuple(axis.value(u) for axis, u in zip(axes, row)) for row in points] == [
        (1, "p"), (1, "q"), (2, "p"), (2, "q"), (3, "p"), (3, "q")]


def test_a_grid_puts_every_combination_under_the_same_futures():
    axes = [Axis("x", values=(1, 2)), Axis("u", sampled=True, inverse=designs.uniform(0, 1))]
    points = designs.grid(axes, samples=4, seed=1)
    assert points.shape == (8, 2)
    assert points[:4, 1].tolist() == points[4:, 1].tolist()


def test_a_latin_hypercube_has_one_point_in_each_slice_of_each_dimension():
    points = designs.latin(THREE, 10, seed=3)
    assert [sorted((column * 10).astype(int)) for column in points.T] == [list(range(10))] * 3


def test_a_dimension_more_leaves_the_others_of_a_latin_hypercube_where_they_were():
    assert designs.latin(THREE, 10, seed=3)[:, :2].tolist() == designs.latin(TWO, 10, seed=3).tolist()


def test_sobol_points_come_as_a_then_a_with_one_coordinate_of_b_each_then_b():
    blocks = designs.sobol(TWO, base=8, seed=5).reshape(8, 4, 2)
    for a, with_first, with_second, b in blocks:
        assert with_first.tolist() == [b[0], a[1]]
        assert with_second.tolist() == [a[0], b[1]]
    # the first 8 points of a scrambled net: one in each eighth of each dimension
    assert [sorted((column * 8).astype(int)) for column in blocks[:, 0].T] == [list(range(8))] * 2


def test_a_morris_trajectory_moves_each_dimension_once_by_half_the_grid():
    """Four levels: 0, 1/3, 2/3, 1; the step is 4 / (2 x 3) = 2/3."""
    paths = designs.morris(THREE, trajectories=20, levels=4, seed=2).reshape(20, 4, 3)
    assert np.allclose((paths * 3) % 1 % 1, 0, atol=1e-9) or np.allclose(np.round(paths * 3), paths * 3)
    for path in paths:
        moves = np.diff(path, axis=0)
        assert sorted(np.argmax(np.abs(moves), axis=1)) == [0, 1, 2]
        assert np.abs(moves).sum(axis=1) == pytest.approx([2 / 3] * 3)
    assert paths.min() == 0
    assert paths.max() == 1


def test_a_levelled_axis_takes_a_level_for_each_equal_part_of_its_coordinate():
    axis = Axis("x", values=("a", "b", "c"))
    assert [axis.value(u) for u in (0.0, 0.33, 0.34, 0.66, 0.67, 1.0)] == ["a", "a", "b", "b", "c", "c"]


def test_weights_make_parts_unequal():
    """Weights 1 and 3: a quarter and three quarters."""
    axis = Axis("x", values=("a", "b"), weights=(1, 3))
    assert [axis.value(u) for u in (0.24, 0.26)] == ["a", "b"]
    assert axis.levels == [0.125, 0.625]


def test_distributions_invert_as_their_formulas_say():
    """Triangular 0, 1, 4: F(1) = 1/4; below it F = x^2 / 4, so u = 1/16 gives 1/2; above 1 - F = (4 - x)^2 / 12, so
    u = 3/4 gives 4 - sqrt(3). The 97.5 % point of Gauss stands 1.959964 deviations out."""
    assert designs.uniform(2, 6)(0.25) == 3
    triangular = designs.triangular(0, 1, 4)
    assert [triangular(1 / 16), triangular(1 / 4), triangular(3 / 4)] == pytest.approx([0.5, 1, 4 - 3 ** 0.5])
    assert designs.normal(10, 2)(0.975) == pytest.approx(10 + 2 * 1.959964, abs=1e-5)
    assert designs.lognormal(3, 0.5)(0.975) == pytest.approx(exp(log(3) + 0.5 * 1.959964), abs=1e-4)


def test_whole_numbers_are_rounded():
    assert Axis("x", inverse=designs.uniform(0, 10), whole=True).value(0.26) == 3
