"""Scenario discovery: the ranges of levers and uncertainties in which something happens, by PRIM.

The patient rule induction method begins with all points and peels, again and again, the thin slice whose loss leaves
the largest share of cases that are looked for. What is left is a box that a sentence can say. Every peel trades
coverage (of all such cases, how many lie inside) for density (of what lies inside, how many are such cases); the whole
trade-off is given, and the box is proposed where their harmonic mean is largest. Whether a limit earns its place is
said by how probable as dense a box would be by chance if the limit did nothing.

Source: [Friedman1999] peeling; [Bryant2010] coverage, density and the quasi-p value.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.config import BadInput
from sim.config.documents import place_of
from sim.config.sections import nearest

if TYPE_CHECKING:
    import pandas

PEEL = 0.05  # share of a box that a peel of numbers takes away
CONDITION = re.compile(r"\s*(\S+)\s*(>=|<=|>|<)\s*([-+]?[0-9.]+(?:[eE][-+]?\d+)?)\s*")
TESTS = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}

Limit = tuple[float, float] | frozenset  # of a number, both ends inside; of labels, those inside


@dataclass(frozen=True)
class Box:
    """A box. limits: by dimension, of those that are limited.  inside: bool [point].  coverage, density, mass: shares.
    by_chance: by limited dimension, how probable so many hits are without its limit."""

    limits: dict[str, Limit]
    inside: np.ndarray
    coverage: float
    density: float
    mass: float
    by_chance: dict[str, float]

    @property
    def balance(self) -> float:
        """Harmonic mean of coverage and density."""
        both = self.coverage + self.density
        return 2 * self.coverage * self.density / both if both else 0.0


def prim(columns: dict[str, np.ndarray], hit: np.ndarray, least: float = 0.1) -> list[Box]:
    """Boxes from all points to the smallest, one a peel. columns: numbers or labels by dimension, [point].
    hit: bool [point].  least: share of all points that a box holds at least.  Raises: BadInput without hits or misses.
    """
    if not hit.any() or hit.all():
        raise BadInput(f"discover: {'every' if hit.all() else 'no'} point is such a case; expected some that are and "
                       "some that are not")
    box = _box(columns, hit, {})
    boxes = [box]
    while box.density < 1:
        peels = [found for name in columns for found in _peels(columns, hit, box, name) if found.mass >= least]
        peels = [found for found in peels if found.density > box.density]
        if not peels:
            break
        # gain of density for each point that is given up: labels take away more at once than numbers do
        box = max(peels, key=lambda found: (found.density - box.density) / (box.mass - found.mass))
        boxes.append(box)
    return [replace(one, by_chance=_by_chance(columns, hit, one)) for one in boxes]


def _peels(columns: dict[str, np.ndarray], hit: np.ndarray, box: Box, name: str) -> list[Box]:
    """The boxes that are left when a slice of one dimension goes: the lowest, the highest, or one label."""
    values, inside = columns[name], columns[name][box.inside]
    if values.dtype == object:
        labels = frozenset(inside)
        return [_box(columns, hit, box.limits | {name: labels - {label}}) for label in sorted(labels)
                if len(labels) > 1]
    found = []
    above = inside[inside > np.quantile(inside, PEEL)]
    below = inside[inside < np.quantile(inside, 1 - PEEL)]
    low, high = box.limits.get(name, (inside.min(), inside.max()))
    if len(above):
        found.append(_box(columns, hit, box.limits | {name: (float(above.min()), float(high))}))
    if len(below):
        found.append(_box(columns, hit, box.limits | {name: (float(low), float(below.max()))}))
    return found


def _box(columns: dict[str, np.ndarray], hit: np.ndarray, limits: dict[str, Limit]) -> Box:
    """The box of some limits."""
    inside = np.ones(len(hit), bool)
    for name, limit in limits.items():
        inside &= _within(columns[name], limit)
    caught = int((inside & hit).sum())
    return Box(limits, inside, caught / hit.sum(), caught / max(inside.sum(), 1), float(inside.mean()), {})


def _within(values: np.ndarray, limit: Limit) -> np.ndarray:
    if isinstance(limit, frozenset):
        return np.isin(values.astype(str), sorted(limit))
    return (values >= limit[0]) & (values <= limit[1])


def _by_chance(columns: dict[str, np.ndarray], hit: np.ndarray, box: Box) -> dict[str, float]:
    """Chance that as many of a box's points are hits where a limit changes nothing, by limited dimension."""
    from scipy.stats import binom

    caught, held, found = int((box.inside & hit).sum()), int(box.inside.sum()), {}
    for name in box.limits:
        wider = _box(columns, hit, {other: limit for other, limit in box.limits.items() if other != name})
        found[name] = float(binom.sf(caught - 1, held, wider.density))
    return found


def proposed(boxes: list[Box]) -> Box:
    """The box whose coverage and density are best together."""
    return max(boxes, key=lambda box: box.balance)


def condition(text: str, outcomes: list[str]) -> tuple[str, str, float]:
    """`price > 250` as outcome, comparison, number. Raises: BadInput."""
    found = CONDITION.fullmatch(text)
    if found is None:
        raise BadInput(f"--where: '{text}' is no condition; expected OUTCOME > NUMBER (or >=, <, <=)")
    if found[1] not in outcomes:
        raise BadInput(f"--where: there is no outcome '{found[1]}'{nearest(found[1], outcomes)}")
    return found[1], found[2], float(found[3])


def discovered(path: Path, where: str, least: float = 0.1) -> tuple[list[Box], dict[str, np.ndarray], np.ndarray]:
    """Boxes of a sweep's points, the points' values by dimension, and which are hits; a point is judged by the mean
    over its seeds. Raises: BadInput."""
    from experiments.sweep_folder import open_sweep

    folder = open_sweep(path)
    name, sign, limit = condition(where, list(folder.certificate["sweep"]["outcomes"]))
    mean = folder.outcomes.groupby("point")[name].mean().dropna()
    if not len(mean):
        raise BadInput(f"{place_of(folder.path)}: nothing is known of {name} at any point")
    points = folder.points.set_index("point").loc[mean.index]
    columns = {dimension: _column(points[dimension]) for dimension in folder.dimensions}
    hit = TESTS[sign](mean.to_numpy(), limit)
    return prim(columns, hit, least), columns, hit


def _column(values: "pandas.Series") -> np.ndarray:
    """Numbers as numbers, all else as labels."""
    return values.to_numpy(float) if values.dtype.kind in "fi" else values.astype(str).to_numpy(object)


def told(path: Path, where: str, least: float) -> list[str]:
    """The trade-off and the proposed box in lines of text."""
    boxes, columns, hit = discovered(path, where, least)
    best = proposed(boxes)
    lines = [f"{where}: {int(hit.sum())} of {len(hit)} points", "", "box  points  coverage  density  limited"]
    lines += [f"{i:>3}{int(box.inside.sum()):>8}{box.coverage:>10.2f}{box.density:>9.2f}  "
              f"{', '.join(box.limits) or '-'}{'   <- proposed' if box is best else ''}" for i, box in enumerate(boxes)]
    if not best.limits:
        return [*lines, "", "No box is better than all points: where this happens is not told by single ranges."]
    lines += ["", f"In the proposed box {best.density:.0%} are such cases (of all points {hit.mean():.0%}), and "
              f"{best.coverage:.0%} of all such cases lie in it:"]
    for name, limit in best.limits.items():
        chance = f"by chance {best.by_chance[name]:.2g}"
        if isinstance(limit, frozenset):
            lines.append(f"  {name}: {', '.join(sorted(limit))}  ({chance})")
        else:
            lines.append(f"  {name}: {limit[0]:.6g} to {limit[1]:.6g} of {columns[name].min():.6g} to "
                         f"{columns[name].max():.6g}  ({chance})")
    return lines
