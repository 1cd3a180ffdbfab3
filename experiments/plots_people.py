"""Figures of the riders: what they earn, who could be insured, who is; by city and tenth of income; an event study."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.drawing import (
    BLUE,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    WIDTH,
    headcount,
    headline,
    month_axis,
    note,
    styled,
)
from experiments.tongue import name_of, say

if TYPE_CHECKING:
    import pandas


@styled
def rider_income(riders: "pandas.DataFrame") -> Figure:
    """Income of a month's active riders by city: mean, median and the middle four fifths."""
    figure, axes, foot = _small_multiples(riders, say("Riders' monthly income by city"))
    for ax, (_, city) in zip(axes, riders.groupby("city", sort=False)):
        at, city = _as_line(city)
        low, high = city["income_p10"] / 1e3, city["income_p90"] / 1e3
        band = ax.fill_between(at, low, high, color=SKY, alpha=0.35, linewidth=0)
        middle, = ax.plot(at, city["income_p50"] / 1e3, color=BLUE, linestyle="--", linewidth=1.3)
        mean, = ax.plot(at, city["income"] / 1e3, color=BLUE)
    axes[0].set_ylim(0, None)
    figure.supylabel(say("platform income [1,000 CNY/month]"), fontsize=9, x=0.012)
    figure.legend([mean, middle, band], [say("mean"), say("median"), say("10th to 90th percentile of riders")],
                  loc="lower center", ncols=3, bbox_to_anchor=(0.5, foot))
    return figure


@styled
def rider_enrolment(riders: "pandas.DataFrame") -> Figure:
    """Who could have the pension subsidy and who is enrolled, by city."""
    figure, axes, foot = _small_multiples(riders, say("Pension insurance of riders by city: eligible and enrolled"))
    for ax, (_, city) in zip(axes, riders.groupby("city", sort=False)):
        at, city = _as_line(city)
        could, = ax.plot(at, city["eligible"] * 100, color=ORANGE, linestyle="--", linewidth=1.3)
        does = ax.fill_between(at, 0, city["enrolled"] * 100, color=PURPLE, alpha=0.6, linewidth=0)
        ax.plot(at, city["enrolled"] * 100, color=PURPLE)
    axes[0].set_ylim(0, None)
    figure.supylabel(say("share of the month's active riders [%]"), fontsize=9, x=0.012)
    figure.legend([could, does], [say("income met the base in enough months"), say("enrolled")], loc="lower center",
                  ncols=2, bbox_to_anchor=(0.5, foot))
    return figure


@styled
def coverage(deciles: "pandas.DataFrame") -> Figure:
    """Who could have the pension subsidy and who is enrolled in the last month, by city and tenth of income.

    deciles: city, decile (1 the poorest tenth), eligible, enrolled, by month.
    """
    last = deciles[deciles["date"] == deciles["date"].max()]
    cities = last["city"].drop_duplicates().tolist()
    figure = Figure(figsize=(WIDTH, 1.5 + 0.3 * len(cities)))
    height = figure.get_figheight()
    headline(figure, say("Coverage in the last month, by city and tenth of income"))
    axes = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.17, right=0.985, top=1 - 0.62 / height, bottom=0.55 / height, wspace=0.06)
    panels = (("eligible", say("could have the subsidy [%]"), "Oranges"),
              ("enrolled", say("enrolled [%]"), "Purples"))
    for ax, (column, title, colours) in zip(axes, panels):
        share = last.pivot_table(index="city", columns="decile", values=column, sort=False, dropna=False) * 100
        share = share.reindex(index=cities, columns=range(1, 11))
        ax.imshow(share, aspect="auto", cmap=colours, vmin=0, vmax=100)
        for (row, tenth), value in np.ndenumerate(share.to_numpy()):
            if not np.isnan(value):
                ax.text(tenth, row, f"{value:.0f}", ha="center", va="center", fontsize=7,
                        color="white" if value > 60 else "#333333")
        ax.set_xticks(np.arange(10), [str(tenth) for tenth in range(1, 11)])
        ax.set(title=title, xlabel=say("tenth of income, 1 is the poorest"))
        ax.grid(False)
        ax.spines[["left", "bottom"]].set_visible(False)
        ax.tick_params(length=0)
    axes[0].set_yticks(np.arange(len(cities)), [_titled(city) for city in cities])
    axes[0].set_ylabel(say("city"))
    return figure


@styled
def event_study(events: "pandas.DataFrame") -> Figure:
    """What an event study finds by months since the start in a city, with intervals, and what the paired world shows.

    events: columns event, effect, low, high, cities (as `experiments.event_study.Study.table`), known; shares.
    """
    figure = Figure(figsize=(WIDTH, 3.6))
    height = figure.get_figheight()
    headline(figure, say("Event study of the roll-out: riders enrolled in the pension"))
    ax = figure.add_axes((0.09, 0.98 / height, 0.885, 1 - 1.5 / height))
    at, effect = events["event"].to_numpy(), 100 * events["effect"].to_numpy()
    reach = np.abs(100 * events[["low", "high"]].to_numpy().T - effect)
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.axvline(-0.5, color=GREY, linewidth=0.8, linestyle=":")
    known, = ax.plot(at, 100 * events["known"], color=ORANGE, linewidth=2.4)
    found = ax.errorbar(at, effect, reach, color=BLUE, fmt="o", markersize=4, capsize=2.5, linewidth=1.2)
    for event, count in zip(at, events["cities"]):
        ax.annotate(str(count), (event, 0.0), xycoords=("data", "axes fraction"), xytext=(0, 3),
                    textcoords="offset points", ha="center", fontsize=7, color=GREY)
    ax.margins(y=0.14)
    ax.set_xticks(at)
    ax.set(xlabel=say("months since the subsidy began in a city; small figures: cities that are measured"),
           ylabel=say("effect on the enrolled share [points]"))
    figure.legend([found, known], [say("difference in differences, 95 % interval"),
                                   say("difference to the same world without the subsidy")],
                  loc="lower center", ncols=2, bbox_to_anchor=(0.53, 0.17 / height))
    note(figure, say("Compared with cities where it has not begun yet, from the month before the start."))
    return figure


def _small_multiples(riders: "pandas.DataFrame", title: str) -> tuple[Figure, list[Axes], float]:
    """A panel for each city with months below and its riders in the title; the place of a legend at the foot."""
    cities = riders["city"].drop_duplicates().tolist()
    rows = -(-len(cities) // 4)
    figure = Figure(figsize=(WIDTH, 1.3 + max(1.25 * rows, 2.2)))
    height = figure.get_figheight()
    headline(figure, title)
    grid = figure.subplots(rows, min(4, len(cities)), sharex=True, sharey=True, squeeze=False).ravel()
    figure.subplots_adjust(left=0.085, right=0.985, top=1 - 0.6 / height, bottom=0.75 / height, wspace=0.12,
                           hspace=0.42)
    persons = riders.groupby("city", sort=False)["persons"].mean()
    dates = riders["date"].drop_duplicates()
    for ax, city in zip(grid, cities):
        ax.set_title(f"{_titled(city)} ({headcount(persons[city])})", fontsize=8)
        month_axis(ax, dates, letters=True)
        ax.tick_params(labelbottom=True)
    for ax in grid[len(cities):]:
        ax.set_visible(False)
    return figure, list(grid[:len(cities)]), 0.12 / height


def _as_line(months: "pandas.DataFrame") -> tuple[np.ndarray, "pandas.DataFrame"]:
    """Places and rows of months for a line; a single month becomes a short level one, to be seen at all."""
    if len(months) == 1:
        return np.array([-0.3, 0.3]), months.iloc[[0, 0]]
    return np.arange(len(months)), months


def _titled(city: str) -> str:
    name = name_of(city)
    return name[:1].upper() + name[1:]
