"""Designs: where in the unit cube a sweep looks, and what a coordinate means for a lever or an uncertainty.

A design gives coordinates in [0, 1] by point and dimension; an `Axis` makes a value of a coordinate. Draws are
addressed by dimension, so that one dimension more leaves the others where they were (not so for Sobol' points).
Source: [McKay1979] Latin hypercubes; [Saltelli2010] the order of points for Sobol' indices; [Morris1991] trajectories.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import exp, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sim.streams import Streams


@dataclass(frozen=True)
class Axis:
    """One dimension of a sweep. name: as tables call it.  sampled: whether an uncertainty, not a lever.
    values: its levels, where it has levels; of one without, a coordinate becomes a number by `inverse`.
    whole: whether the number is rounded to a whole one."""

    name: str
    sampled: bool = False
    values: tuple[Any, ...] = ()
    weights: tuple[float, ...] = ()
    inverse: Callable[[float], float] | None = None
    whole: bool = False

    def value(self, coordinate: float):
        """What a coordinate in [0, 1] means."""
        if self.values:
            share = np.cumsum(self.weights or np.ones(len(self.values)))
            return self.values[int(np.searchsorted(share[:-1] / share[-1], coordinate, side="right"))]
        number = self.inverse(coordinate)
        return round(number) if self.whole else number

    @property
    def levels(self) -> list[float]:
        """A coordinate in the middle of each level. Raises: ValueError for a dimension without levels."""
        if not self.values:
            raise ValueError(self.name)
        edge = np.concatenate([[0.0], np.cumsum(self.weights or np.ones(len(self.values)))])
        return list((edge[:-1] + edge[1:]) / 2 / edge[-1])


def grid(axes: Sequence[Axis], samples: int, seed: int) -> np.ndarray:
    """Every combination of the levers' levels, each under the same samples of what is uncertain, [point, dimension]."""
    sampled = [axis.sampled for axis in axes]
    futures = latin([axis for axis in axes if axis.sampled], samples, seed) if any(sampled) else np.zeros((1, 0))
    points = []
    for chosen in product(*(axis.levels for axis in axes if not axis.sampled)):
        for future in futures:
            of_lever, of_future = iter(chosen), iter(future)
            points.append([next(of_future) if drawn else next(of_lever) for drawn in sampled])
    return np.array(points, float).reshape(len(points), len(axes))


def latin(axes: Sequence[Axis], points: int, seed: int) -> np.ndarray:
    """A Latin hypercube, [point, dimension]: in every dimension one point in each of so many equal slices."""
    streams, who = _streams(seed), np.arange(points)
    columns = []
    for axis in axes:
        slices = np.argsort(np.argsort(streams[f"design/order/{axis.name}"].uniforms(who)))
        columns.append((slices + streams[f"design/place/{axis.name}"].uniforms(who)) / points)
    return np.stack(columns, axis=1)


def sobol(axes: Sequence[Axis], base: int, seed: int) -> np.ndarray:
    """Points for first and total Sobol' indices, [base x (dimensions + 2), dimension]: for each of `base` (a power of
    two) pairs of scrambled points A and B: A, then A with one coordinate of B for each dimension, then B."""
    from scipy.stats import qmc

    wide = qmc.Sobol(2 * len(axes), scramble=True, rng=np.random.default_rng(seed)).random(base)
    a, b = wide[:, : len(axes)], wide[:, len(axes):]
    mixed = [np.where(np.arange(len(axes)) == i, b, a) for i in range(len(axes))]
    return np.stack([a, *mixed, b], axis=1).reshape(-1, len(axes))


def morris(axes: Sequence[Axis], trajectories: int, levels: int, seed: int) -> np.ndarray:
    """Trajectories for elementary effects, [trajectories x (dimensions + 1), dimension]: from a random point of a grid
    of `levels` (even) each dimension moves once, in random order, by half the grid."""
    streams, n = _streams(seed), len(axes)
    step = levels / (2 * (levels - 1))
    rows = []
    for t in range(trajectories):
        draw = {what: streams[f"design/{what}"].uniforms(np.arange(n), t) for what in ("start", "way", "turn")}
        low = np.floor(draw["start"] * (levels // 2)) / (levels - 1)  # from where a step up stays inside
        up = draw["way"] < 0.5
        x = np.where(up, low, low + step)
        rows.append(x)
        for i in np.argsort(draw["turn"]):
            x = x.copy()
            x[i] += step if up[i] else -step
            rows.append(x)
    return np.clip(np.array(rows), 0.0, 1.0)


def _streams(seed: int) -> "Streams":
    """Addressed draws; loaded only where a design draws, with numba behind them."""
    from sim.streams import Streams

    return Streams(seed)


# ----------------------------------------------------------------------------------------- distributions, by inversion


def uniform(low: float, high: float) -> Callable[[float], float]:
    """Equally likely between two ends."""
    return lambda u: low + u * (high - low)


def triangular(low: float, mode: float, high: float) -> Callable[[float], float]:
    """Most likely at the mode, falling in straight lines to both ends."""
    turn = (mode - low) / (high - low)
    return lambda u: (low + sqrt(u * (high - low) * (mode - low)) if u < turn
                      else high - sqrt((1 - u) * (high - low) * (high - mode)))


def normal(mean: float, deviation: float) -> Callable[[float], float]:
    """Gauss; the outermost 1e-6 of either side are cut."""
    from scipy.special import ndtri

    return lambda u: float(mean + deviation * ndtri(min(max(u, 1e-6), 1 - 1e-6)))


def lognormal(median: float, sigma: float) -> Callable[[float], float]:
    """Its logarithm is Gauss with standard deviation sigma."""
    inner = normal(0.0, sigma)
    return lambda u: median * exp(inner(u))
