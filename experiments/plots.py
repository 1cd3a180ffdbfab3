"""Figures of a run, one function each: data in, Figure out. They never run, load or show anything.

Here: prices, energy, corridors, water, adequacy. Money is drawn by `plots_money`, people by `plots_people`. Data are
the recorder's tables; every axis says its unit.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from experiments.drawing import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    RED,
    WIDTH,
    by_month,
    colour_of,
    colours_of,
    day_axis,
    headline,
    label_ends,
    month_axis,
    note,
    page,
    stack_order,
    styled,
    years,
    zones_with_load,
)
from experiments.plots_money import certificates, money_flow, packages, revenue_stack
from experiments.plots_people import coverage, rider_enrolment, rider_income
from experiments.summary import ENERGY, scale
from experiments.tongue import name_of, say

if TYPE_CHECKING:
    import pandas

    from sim.config import Table

Places = Mapping[str, tuple[float, float]]  # of buses: degrees east and north


class Tables(Protocol):
    """What figures are drawn from: a run's folder, or the sink in memory."""

    kinds: tuple[str, ...]
    indicators: "pandas.DataFrame"

    def table(self, kind: str) -> "pandas.DataFrame":
        """A table by kind."""


def figures(run: Tables, places: Places | None = None) -> Iterator[tuple[str, Figure]]:
    """Every figure that a run's tables allow, by name, one at a time. places: where buses lie, where that is known."""
    indicators = run.indicators
    kept = set(indicators["indicator"])
    if "hourly/bus" in run.kinds:
        buses = run.table("hourly/bus")
        prices = zone_prices(buses)
        if "hourly/corridor" in run.kinds:
            yield "price_map", price_map(buses, run.table("hourly/corridor"), places or {})
        yield "price_duration", price_duration(prices)
        yield "price_heat", price_heat(prices)
    yield "generation", generation(indicators)
    if "utilisation" in kept:
        yield "corridors", corridors(indicators)
    if "stored_water" in kept:
        yield "reservoirs", reservoirs(indicators)
    if any(name.startswith("revenue.") for name in kept):
        yield "revenue_stack", revenue_stack(indicators)
    if "certificates.issued" in kept:
        yield "certificates", certificates(indicators)
    if any(name.startswith("package_energy.") for name in kept):
        yield "packages", packages(indicators)
    if "income" in kept:
        riders = run.table("populations/riders")
        yield "rider_income", rider_income(riders)
        yield "rider_enrolment", rider_enrolment(riders)
    if "populations/riders_by_decile" in run.kinds:
        yield "coverage", coverage(run.table("populations/riders_by_decile"))
    yield "money_flow", money_flow(run.table("journal/entries"))


# ------------------------------------------------------------------------------------------------------------- prices


def places_of(buses: "Table") -> Places:
    """Where the buses of a world lie, of those whose table says it."""
    return {bus.key: (bus.east, bus.north) for bus in buses if bus.east is not None and bus.north is not None}


def zone_prices(buses: "pandas.DataFrame") -> "pandas.DataFrame":
    """CNY/MWh by hour (index) and zone (columns): bus prices weighted by load, of the zones that have load."""
    used = buses[buses["load"] > 0]
    weighted = used.assign(money=used["price"].astype(float) * used["load"], load=used["load"].astype(float))
    sums = weighted.pivot_table(index="time", columns="zone", values=["money", "load"], aggfunc="sum", sort=True)
    order = buses["zone"].drop_duplicates()
    prices = sums["money"] / sums["load"]
    return prices[[zone for zone in order if zone in prices.columns]]


@styled
def price_map(buses: "pandas.DataFrame", corridors: "pandas.DataFrame", places: Places) -> Figure:
    """Mean price at every bus, what flows between buses, and how often it is as much as fits.

    buses, corridors: the hourly tables.  places: where buses lie; where they do not say, buses are drawn by their ties.
    """
    mean = buses.groupby("bus", sort=False).agg(price=("price", "mean"), load=("load", "mean"))
    ties = _ties(corridors)
    known = all(bus in places for bus in mean.index)
    at = {bus: places[bus] for bus in mean.index} if known else _by_ties(list(mean.index), ties)
    figure = Figure(figsize=(WIDTH, 4.9))
    headline(figure, say("Price map: mean price at each bus and mean flow between buses"))
    ax = figure.add_axes((0.02, 0.09, 0.84, 0.83))
    size = 60 + 540 * np.sqrt(mean["load"] / max(mean["load"].max(), 1e-9))
    radius = np.sqrt(size) / 2 + 1
    most = max((abs(tie.flow) for tie in ties.itertuples()), default=0.0) or 1.0
    for tie in ties.itertuples():
        start, end = (tie.start, tie.end) if tie.flow >= 0 else (tie.end, tie.start)
        colour = RED if tie.full > 0.5 else ORANGE if tie.full > 0.1 else GREY
        ax.annotate("", at[end], at[start], annotation_clip=False, zorder=1, arrowprops=dict(
            arrowstyle="-|>", color=colour, alpha=0.75, shrinkA=radius[start], shrinkB=radius[end],
            mutation_scale=9 + 9 * abs(tie.flow) / most, linewidth=0.7 + 5.3 * abs(tie.flow) / most))
    place = np.array([at[bus] for bus in mean.index])
    low, high = (mean["price"][mean["load"] > 0].agg(end) for end in ("min", "max"))
    dots = ax.scatter(*place.T, s=size, c=mean["price"], cmap="cividis", vmin=low, vmax=max(high, low + 1), zorder=2,
                      edgecolor="white", linewidth=1.2)
    for bus, (x, y) in zip(mean.index, place):
        ax.annotate(f"{name_of(bus)} {mean['price'][bus]:.0f}", (x, y), (0, 5 + np.sqrt(size[bus]) / 2), ha="center",
                    textcoords="offset points", fontsize=8, fontweight="bold", zorder=3,
                    path_effects=[withStroke(linewidth=2.5, foreground="white")])
    ax.margins(0.13)
    if known:
        ax.set_aspect(1 / np.cos(np.radians(place[:, 1].mean())), adjustable="datalim")
    ax.axis("off")
    bar = figure.colorbar(dots, cax=figure.add_axes((0.88, 0.2, 0.016, 0.6)), extend="both")
    bar.set_label(say("mean price [CNY/MWh]"))
    bar.outline.set_visible(False)
    _map_legend(figure, most, known)
    return figure


def _map_legend(figure: Figure, most: float, known: bool):
    """What widths and colours of the price map mean."""
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=colour, linewidth=2.5) for colour in (GREY, ORANGE, RED)]
    figure.legend(lines, [say("rarely full"), say("full in 10 to 50 % of hours"), say("full in over 50 % of hours")],
                  loc="lower left", ncols=3, bbox_to_anchor=(0.01, 0.045), handlelength=1.6)
    where = "" if known else say(" Places are by ties, not by geography.")
    note(figure, say("Widest arrow: {:,.0f} MW. Circles grow with load.", most) + where)


def _ties(corridors: "pandas.DataFrame") -> "pandas.DataFrame":
    """Corridors between the same two buses as one: start, end, flow (mean MW sent), full (share of hours at limit)."""
    mean = corridors.assign(full=corridors["shadow"] > 1e-3).groupby("corridor", sort=False).agg(
        start=("start", "first"), end=("end", "first"), flow=("sent", "mean"), full=("full", "mean"))
    back = mean["start"] > mean["end"]
    mean.loc[back, ["start", "end"]] = mean.loc[back, ["end", "start"]].to_numpy()
    mean.loc[back, "flow"] *= -1
    ties = mean.groupby(["start", "end"], sort=False).agg(flow=("flow", "sum"), full=("full", "mean")).reset_index()
    return ties


def _by_ties(buses: list[str], ties: "pandas.DataFrame") -> dict[str, tuple[float, float]]:
    """Places of buses where tied ones lie near each other; always the same ones."""
    import networkx

    graph = networkx.Graph()
    graph.add_nodes_from(buses)
    graph.add_edges_from((tie.start, tie.end) for tie in ties.itertuples())
    return {bus: tuple(place) for bus, place in networkx.kamada_kawai_layout(graph).items()}


@styled
def price_duration(prices: "pandas.DataFrame") -> Figure:
    """How much of the time a zone's price was at least so high. prices: of `zone_prices`."""
    figure, ax = page(3.6, say("Price duration: how much of the time a zone's price is at least this high"))
    share = np.linspace(0, 100, len(prices))
    for zone, colour in zip(prices, colours_of(prices)):
        ax.plot(share, np.sort(prices[zone].to_numpy())[::-1], color=colour, label=zone)
    low, high = np.nanpercentile(prices.to_numpy(), [0.1, 99.9])
    margin = 0.06 * max(high - low, 1.0)
    ax.set(xlim=(0, 100), ylim=(low - margin, high + margin), xlabel=say("share of hours [%]"),
           ylabel=say("zone price, load-weighted [CNY/MWh]"))
    label_ends(ax, {name_of(zone): prices[zone].quantile(0.04) for zone in prices}, colours_of(prices))
    if prices.to_numpy().max() > high + margin or prices.to_numpy().min() < low - margin:
        note(figure, say("The outermost 0.2 % of prices lie outside the frame: {} to {} CNY/MWh.",
                         round(prices.to_numpy().min()), round(prices.to_numpy().max())))
    return figure


@styled
def price_heat(prices: "pandas.DataFrame") -> Figure:
    """Price of every hour of every day, a panel a zone. prices: of `zone_prices`."""
    zones = len(prices.columns)
    figure = Figure(figsize=(WIDTH, 1.0 + 1.2 * zones))
    headline(figure, say("Price of every hour of the period, by zone"))
    axes = figure.subplots(zones, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.085, right=0.885, top=1 - 0.6 / height, bottom=0.5 / height, hspace=0.38)
    low, high = np.nanpercentile(prices.to_numpy(), [0.5, 99.5])
    days = prices.index.to_numpy()[::24].astype("datetime64[D]")
    for ax, zone in zip(axes, prices):
        hours = prices[zone].to_numpy()[:len(days) * 24].reshape(len(days), 24).T  # [hour, day]
        image = ax.imshow(hours, aspect="auto", origin="lower", cmap="viridis", vmin=low, vmax=max(high, low + 1),
                          extent=(0, len(days), 0, 24), interpolation="nearest")
        ax.set_title(name_of(zone))
        ax.grid(False)
        ax.set_yticks([0, 8, 16, 24])
    day_axis(axes[-1], days)
    figure.supylabel(say("hour of the day, Beijing time [h]"), fontsize=9, x=0.012)
    bar = figure.colorbar(image, cax=figure.add_axes((0.905, 0.2, 0.014, 0.6)), extend="both")
    bar.set_label(say("zone price [CNY/MWh]"))
    bar.outline.set_visible(False)
    return figure


# ------------------------------------------------------------------------------------------------------------- energy


@styled
def generation(indicators: "pandas.DataFrame") -> Figure:
    """Generation by technology and month against demand (load and large users): of the zone that exports most, and of
    all zones with load."""
    loaded = zones_with_load(indicators)
    exporter = _largest_exporter(indicators, loaded)
    figure = Figure(figsize=(WIDTH, 3.8))
    headline(figure, say("Generation against demand: what stands above the line is exported"))
    axes = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.08, right=0.985, top=0.83, bottom=0.25, wspace=0.2)
    shown: dict[str, Rectangle] = {}
    for ax, zones, title in zip(axes, ([exporter], loaded), (name_of(exporter), " + ".join(map(name_of, loaded)))):
        some = indicators[indicators["zone"].isin(zones)]
        made = by_month(some, "generation.")
        one, unit = scale(made.sum(axis=1).max(), ENERGY)
        bottom = np.zeros(len(made))
        for technology in stack_order(made):
            height = made[technology].to_numpy() / one
            shown[technology] = ax.bar(np.arange(len(made)), height, 0.86, bottom, color=colour_of(technology))[0]
            bottom += height
        used = some[some["indicator"].isin(["load", "large_users"])].groupby("date")["value"].sum() / one
        line, = ax.plot(np.arange(len(used)), used, color=BLACK, marker="o", markersize=3.5, linewidth=1.2)
        ax.set_title(title)
        ax.set_ylabel(say("energy [{}/month]", unit))
        month_axis(ax, made.index, letters=True)
        ax.set_xlabel(years(made.index))
    names = stack_order(shown)
    figure.legend([line, *(shown[name] for name in names)], [say("demand"), *map(name_of, names)],
                  loc="lower center", ncols=6, handlelength=1.2)
    return figure


@styled
def corridors(indicators: "pandas.DataFrame") -> Figure:
    """How much of each corridor is used, month by month, and what it carries in the whole period."""
    used = indicators[indicators["indicator"] == "utilisation"].pivot_table(
        index="zone", columns="date", values="value", sort=False) * 100
    sent = indicators[indicators["indicator"] == "sent"].groupby("zone", sort=False)["value"].sum()[used.index]
    one, unit = scale(sent.abs().max(), ENERGY)
    sent /= one
    rows = len(used)
    figure = Figure(figsize=(WIDTH, 1.3 + 0.22 * rows))
    headline(figure, say("Corridors: how full they are by month, and what they carry"))
    heat, bars = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1.15))
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.16, right=0.97, top=1 - 0.62 / height, bottom=0.5 / height, wspace=0.05)
    heat.imshow(used, aspect="auto", cmap="YlGnBu", vmin=0, vmax=100)
    for (row, column), share in np.ndenumerate(used.to_numpy()):
        heat.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=7,
                  color="white" if share > 60 else "#333333")
    heat.set_yticks(np.arange(rows), used.index)
    heat.set_title(say("mean use of capacity [%]"))
    heat.set_ylabel(say("corridor"))
    month_axis(heat, used.columns)
    bars.barh(np.arange(rows), sent, 0.7, color=np.where(sent < 0, ORANGE, BLUE))
    for row, energy in enumerate(sent):
        bars.text(max(energy, 0) + 0.02 * max(sent.max(), 1e-9), row, f"{energy:.1f}", va="center", fontsize=7)
    bars.set(xlabel=say("sent, net [{}]", unit), xlim=(min(sent.min() * 1.1, 0), max(sent.max(), 1e-9) * 1.18))
    bars.set_title(say("whole period"))
    bars.tick_params(left=False, labelleft=False)
    for ax in (heat, bars):
        ax.grid(False)
        ax.spines[["left", "bottom"]].set_visible(False)
    return figure


@styled
def reservoirs(indicators: "pandas.DataFrame") -> Figure:
    """Energy stored behind the dams, by basin, day by day."""
    stored = indicators[indicators["indicator"] == "stored_water"].pivot_table(
        index="date", columns="zone", values="value")
    one, unit = scale(stored.sum(axis=1).max(), ENERGY)
    stored /= one
    stored = stored[stored.max()[lambda most: most > 0].sort_values(ascending=False).index]
    figure, ax = page(3.4, say("Water behind the dams: stored energy by basin at each day's end"))
    days = stored.index.to_numpy().astype("datetime64[D]")
    colours = colours_of(stored)
    ax.stackplot(np.arange(len(days)), stored.to_numpy().T, colors=colours, linewidth=0, alpha=0.9)
    ax.set(ylabel=say("stored energy [{}]", unit), ylim=(0, None), xlim=(0, max(len(days) - 1, 1)))
    day_axis(ax, days)
    last = np.cumsum(stored.iloc[-1]) - stored.iloc[-1] / 2
    label_ends(ax, {name_of(basin): level for basin, level in last.items()}, colours)
    return figure


# ----------------------------------------------------------------------------------------------------------- adequacy


@styled
def margin_duration(margins: "pandas.DataFrame") -> Figure:
    """What a zone has over its load, by share of hours, and the tightest fiftieth of them; below zero it needs others.

    margins: GW by share of hours in % (index) and zone (columns), largest first.
    """
    figure = Figure(figsize=(WIDTH, 3.6))
    headline(figure, say("Margin duration: how much of the time a zone has this much over its load"))
    whole, tight = figure.subplots(1, 2, width_ratios=(1.5, 1))
    figure.subplots_adjust(left=0.085, right=0.91, top=0.83, bottom=0.2, wspace=0.2)
    colours, last = colours_of(margins), margins[margins.index >= 98]
    for ax, data in ((whole, margins), (tight, last)):
        for zone, colour in zip(data, colours):
            ax.plot(data.index, data[zone], color=colour)
        ax.axhline(0, color=BLACK, linewidth=0.8)
        ax.margins(x=0)
        ax.set_xlabel(say("share of hours [%]"))
    whole.set(title=say("all hours"), ylabel=say("own capacity less load [GW]"))
    tight.set(title=say("the tightest fiftieth of the hours"))
    label_ends(tight, {name_of(zone): last[zone].iloc[-1] for zone in last}, colours)
    note(figure, say("Over all weather years and outage draws. Own: without stores and without what comes over lines; "
                     "the day's water spread evenly."))
    return figure




def _largest_exporter(indicators: "pandas.DataFrame", zones: list[str]) -> str:
    """The zone that sends out most, net of what arrives; the first where nobody trades."""
    def total(prefix):
        some = indicators[indicators["indicator"].str.startswith(prefix)]
        return some.groupby("zone")["value"].sum().reindex(zones).fillna(0.0)
    return (total("exports.") - total("imports.")).idxmax()
