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


@styled
def front(found: "Found") -> Figure:
    """Every pair of objectives: all candidates by their means while breeding, and those left over with what fresh seeds
    say of them and how surely."""
    objectives = found.wanted.file.objectives
    pairs = list(combinations(range(len(objectives)), 2))
    across, down = min(len(pairs), ACROSS), -(-len(pairs) // ACROSS)
    figure = Figure(figsize=(WIDTH, 4.6 if across == 1 else 0.9 + 3.2 * down))
    headline(figure, f"{found.wanted.file.title}: what nobody beats")
    axes = np.atleast_1d(figure.subplots(down, across, squeeze=False)).ravel()
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.1, right=0.97, top=1 - 0.75 / height, bottom=0.85 / height, wspace=0.42, hspace=0.45)
    for ax, (x, y) in zip(axes, pairs):
        _pair(ax, found, x, y)
    for ax in axes[len(pairs):]:
        ax.set_visible(False)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper right", ncols=4, fontsize=7, frameon=False,
                  bbox_to_anchor=(0.98, 1 - 0.32 / height))
    note(figure, f"Bars: 95 % interval of the mean over {found.wanted.file.confirm} fresh seeds. Verdicts compare "
                 "candidates seed by seed and so are surer than the bars.")
    return figure


def _pair(ax, found: "Found", x: int, y: int):
    """Two objectives."""
    said = list(found.wanted.file.objectives.items())
    means = found.bred.mean(axis=1)
    ax.scatter(means[:, x], means[:, y], s=9, color=PALE, label="tried", zorder=1)
    for verdict, colour in COLOURS.items():
        some = found.confirmed[found.verdicts == verdict]
        if len(some):
            mean, reach = some.mean(axis=1), half_width(some, axis=1)
            ax.errorbar(mean[:, x], mean[:, y], reach[:, y], reach[:, x], fmt="o", markersize=4, color=colour,
                        elinewidth=0.8, label=verdict, zorder=3 if verdict == pareto.STANDS else 2)
    for name, place in (("x", x), ("y", y)):
        key, objective = said[place]
        way = ("right" if name == "x" else "up") if objective.goal == "most" else ("left" if name == "x" else "down")
        arrow = {"right": "→", "left": "←", "up": "↑", "down": "↓"}[way]
        getattr(ax, f"set_{name}label")(f"{key} [{objective.unit}]  {arrow} better")
