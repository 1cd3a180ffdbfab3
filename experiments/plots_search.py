"""The picture of a policy search: what was tried, and what nobody beats, objective against objective."""

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from experiments import pareto
from experiments.drawing import BLUE, GREY, ORANGE, PALE, WIDTH, headline, note, styled
from experiments.paired import half_width

if TYPE_CHECKING:
    from experiments.policy_search import Found

ACROSS = 3  # pictures in a row
COLOURS = {pareto.STANDS: BLUE, pareto.DOUBT: ORANGE, pareto.BEATEN: GREY}
SCALES = ((1e6, "M "), (1e3, "1000 "))
ARROWS = {("x", "most"): "→", ("x", "least"): "←", ("y", "most"): "↑", ("y", "least"): "↓"}


@styled
def front(found: "Found") -> Figure:
    """Every pair of objectives: all candidates by their means while breeding, and those left over with what fresh seeds
    say of them and how surely. What a seed does to all candidates alike is taken out."""
    objectives = found.wanted.file.objectives
    pairs = list(combinations(range(len(objectives)), 2))
    across, down = min(len(pairs), ACROSS), -(-len(pairs) // ACROSS)
    height = 4.6 if across == 1 else 1.4 + 2.5 * down
    figure = Figure(figsize=(WIDTH, height))
    headline(figure, f"{found.wanted.file.title}: what nobody beats")
    axes = np.atleast_1d(figure.subplots(down, across, squeeze=False)).ravel()
    figure.subplots_adjust(left=0.09, right=0.98, top=1 - 0.75 / height, bottom=0.9 / height, wspace=0.42, hspace=0.38)
    tried, left = levelled(found)
    for ax, (x, y) in zip(axes, pairs):
        _pair(ax, found, tried, left, x, y)
    for ax in axes[len(pairs):]:
        ax.set_visible(False)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper right", ncols=4, fontsize=7, frameon=False,
                  bbox_to_anchor=(0.99, 1 - 0.28 / height))
    note(figure, f"Bars: 95 % interval over {found.wanted.file.confirm} fresh seeds. What a seed does to all "
                 "candidates alike is taken out of points and bars: they are for comparing.")
    return figure


def levelled(found: "Found") -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of all candidates while breeding, and of those left under fresh seeds [candidate, replicate, objective],
    each less what its seed does on average to those left, more that average over fresh seeds."""
    known = found.verdicts != pareto.FAILED
    by_seed = found.confirmed[known].mean(axis=0)
    level = by_seed.mean(axis=0)
    return (found.bred - found.bred[found.left[known]].mean(axis=0) + level, found.confirmed - by_seed + level)


def _pair(ax, found: "Found", tried: np.ndarray, left: np.ndarray, x: int, y: int):
    """Two objectives."""
    scales = [_scale(tried[:, :, place]) for place in (x, y)]
    one = np.array([scale for scale, _ in scales])
    points = tried.mean(axis=1)[:, [x, y]] / one
    ax.scatter(*points.T, s=9, color=PALE, label="tried", zorder=1)
    for verdict, colour in COLOURS.items():
        some = left[found.verdicts == verdict][:, :, [x, y]] / one
        if len(some):
            mean, reach = some.mean(axis=1), half_width(some, axis=1)
            ax.errorbar(*mean.T, reach[:, 1], reach[:, 0], fmt="o", markersize=3.5, color=colour, elinewidth=0.7,
                        label=verdict, zorder=3 if verdict == pareto.STANDS else 2)
    said = list(found.wanted.file.objectives.items())
    for name, place, (_, prefix) in zip("xy", (x, y), scales):
        key, objective = said[place]
        getattr(ax, f"set_{name}label")(f"{key.replace('_', ' ')} [{prefix}{objective.unit}]  "
                                        f"{ARROWS[name, objective.goal]} better", fontsize=8)


def _scale(values: np.ndarray) -> tuple[float, str]:
    """In what an objective reads best."""
    most = np.nanmax(np.abs(values))
    return next(((scale, prefix) for scale, prefix in SCALES if most >= 10 * scale), (1.0, ""))
