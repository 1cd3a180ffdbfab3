"""Figures of a run, one function each: data in, Figure out. They never run, load or show anything.

Data are the recorder's tables as pandas DataFrames. Colours are those of Okabe and Ito, told apart by colour-blind
readers; every axis says its unit; a figure is as wide as a page.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Protocol

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.patheffects import withStroke

from experiments.money_flow import Ribbon, lay_out
from experiments.summary import ENERGY, MONEY, scale
from sim.settlement.accounts import ACCOUNTS, BOOKS, GIG, GRID, HOUSEHOLDS, INSURANCE, NEIGHBOURS, POWER, RETAIL, USERS

if TYPE_CHECKING:
    import pandas

WIDTH = 7.2  # inches of a page's text
SEEN = 1 / 1200  # of the largest payment: what is drawn
SHORT = 62  # days: a period whose axis shows weeks, not months
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
GREY, PALE = "#6b6b6b", "#d9d9d9"
PALETTE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK, "#8a6d00")
TECHNOLOGIES = {  # bottom to top of a stack
    "nuclear": PURPLE, "coal": "#4d4d4d", "gas": "#a6a6a6", "biomass": "#8a6d00", "hydro": BLUE, "wind": GREEN,
    "wind_offshore": "#66c2a5", "solar": YELLOW, "pumped_hydro": SKY, "battery": RED}
SECTORS = {USERS: ORANGE, GRID: GREY, POWER: BLUE, NEIGHBOURS: SKY, HOUSEHOLDS: GREEN, GIG: RED, INSURANCE: PURPLE,
           BOOKS: BLACK, RETAIL: YELLOW}
STYLE = {
    "font.family": "DejaVu Sans", "font.size": 9, "axes.titlesize": 9, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": GREY,
    "axes.linewidth": 0.8, "axes.grid": True, "axes.axisbelow": True, "grid.color": "#e6e6e6", "grid.linewidth": 0.6,
    "xtick.color": GREY, "ytick.color": GREY, "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.frameon": False,
    "legend.fontsize": 8, "figure.facecolor": "white", "lines.linewidth": 1.6, "hatch.linewidth": 0.5}


class Tables(Protocol):
    """What figures are drawn from: a run's folder, or the sink in memory."""

    kinds: tuple[str, ...]
    indicators: "pandas.DataFrame"

    def table(self, kind: str) -> "pandas.DataFrame":
        """A table by kind."""


def figures(run: Tables) -> Iterator[tuple[str, Figure]]:
    """Every figure that a run's tables allow, by name, one at a time."""
    indicators = run.indicators
    if "hourly/bus" in run.kinds:
        prices = zone_prices(run.table("hourly/bus"))
        yield "price_duration", price_duration(prices)
        yield "price_heat", price_heat(prices)
    kept = set(indicators["indicator"])
    yield "generation", generation(indicators)
    if "utilisation" in kept:
        yield "corridors", corridors(indicators)
    if "stored_water" in kept:
        yield "reservoirs", reservoirs(indicators)
    if "income" in kept:
        riders = run.table("populations/riders")
        yield "rider_income", rider_income(riders)
        yield "rider_enrolment", rider_enrolment(riders)
    yield "money_flow", money_flow(run.table("journal/entries"))


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw in the house's style, whatever the caller's is."""
    @wraps(draw)
    def drawn(*data):
        with matplotlib.rc_context(STYLE):
            return draw(*data)
    return drawn


# ------------------------------------------------------------------------------------------------------------- prices


def zone_prices(buses: "pandas.DataFrame") -> "pandas.DataFrame":
    """CNY/MWh by hour (index) and zone (columns): bus prices weighted by load, of the zones that have load."""
    used = buses[buses["load"] > 0]
    weighted = used.assign(money=used["price"].astype(float) * used["load"], load=used["load"].astype(float))
    sums = weighted.pivot_table(index="time", columns="zone", values=["money", "load"], aggfunc="sum", sort=True)
    order = buses["zone"].drop_duplicates()
    prices = sums["money"] / sums["load"]
    return prices[[zone for zone in order if zone in prices.columns]]


@styled
def price_duration(prices: "pandas.DataFrame") -> Figure:
    """How much of the time a zone's price was at least so high. prices: of `zone_prices`."""
    figure, ax = _page(3.6, "Price duration: how much of the time a zone's price is at least this high")
    share = np.linspace(0, 100, len(prices))
    for zone, colour in zip(prices, _colours(prices)):
        ax.plot(share, np.sort(prices[zone].to_numpy())[::-1], color=colour, label=zone)
    low, high = np.nanpercentile(prices.to_numpy(), [0.1, 99.9])
    margin = 0.06 * max(high - low, 1.0)
    ax.set(xlim=(0, 100), ylim=(low - margin, high + margin), xlabel="share of hours [%]",
           ylabel="zone price, load-weighted [CNY/MWh]")
    _label_ends(ax, {zone: prices[zone].quantile(0.04) for zone in prices}, _colours(prices))
    if prices.to_numpy().max() > high + margin or prices.to_numpy().min() < low - margin:
        _note(figure, f"The outermost 0.2 % of prices lie outside the frame: {round(prices.to_numpy().min())} to "
                      f"{round(prices.to_numpy().max())} CNY/MWh.")
    return figure


@styled
def price_heat(prices: "pandas.DataFrame") -> Figure:
    """Price of every hour of every day, a panel a zone. prices: of `zone_prices`."""
    zones = len(prices.columns)
    figure = Figure(figsize=(WIDTH, 1.0 + 1.2 * zones))
    _headline(figure, "Price of every hour of the period, by zone")
    axes = figure.subplots(zones, 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.085, right=0.885, top=1 - 0.6 / height, bottom=0.5 / height, hspace=0.38)
    low, high = np.nanpercentile(prices.to_numpy(), [0.5, 99.5])
    days = prices.index.to_numpy()[::24].astype("datetime64[D]")
    for ax, zone in zip(axes, prices):
        hours = prices[zone].to_numpy()[:len(days) * 24].reshape(len(days), 24).T  # [hour, day]
        image = ax.imshow(hours, aspect="auto", origin="lower", cmap="viridis", vmin=low, vmax=max(high, low + 1),
                          extent=(0, len(days), 0, 24), interpolation="nearest")
        ax.set_title(zone)
        ax.grid(False)
        ax.set_yticks([0, 8, 16, 24])
    _day_axis(axes[-1], days)
    figure.supylabel("hour of the day, Beijing time [h]", fontsize=9, x=0.012)
    bar = figure.colorbar(image, cax=figure.add_axes((0.905, 0.2, 0.014, 0.6)), extend="both")
    bar.set_label("zone price [CNY/MWh]")
    bar.outline.set_visible(False)
    return figure


# ------------------------------------------------------------------------------------------------------------- energy


@styled
def generation(indicators: "pandas.DataFrame") -> Figure:
    """Generation by technology and month against demand (load and large users): of the zone that exports most, and of
    all zones with load."""
    loaded = _zones_with_load(indicators)
    exporter = _largest_exporter(indicators, loaded)
    figure = Figure(figsize=(WIDTH, 3.8))
    _headline(figure, "Generation against demand: what stands above the line is exported")
    axes = figure.subplots(1, 2)
    figure.subplots_adjust(left=0.08, right=0.985, top=0.83, bottom=0.25, wspace=0.2)
    shown: dict[str, Rectangle] = {}
    for ax, zones, title in zip(axes, ([exporter], loaded), (exporter, " + ".join(loaded))):
        some = indicators[indicators["zone"].isin(zones)]
        made = _by_month(some, "generation.")
        one, unit = scale(made.sum(axis=1).max(), ENERGY)
        bottom = np.zeros(len(made))
        for technology in _stack_order(made):
            height = made[technology].to_numpy() / one
            shown[technology] = ax.bar(np.arange(len(made)), height, 0.86, bottom, color=_colour_of(technology))[0]
            bottom += height
        used = some[some["indicator"].isin(["load", "large_users"])].groupby("date")["value"].sum() / one
        line, = ax.plot(np.arange(len(used)), used, color=BLACK, marker="o", markersize=3.5, linewidth=1.2)
        ax.set_title(title)
        ax.set_ylabel(f"energy [{unit}/month]")
        _month_axis(ax, made.index, letters=True)
        ax.set_xlabel(_years(made.index))
    names = _stack_order(shown)
    figure.legend([line, *(shown[name] for name in names)], ["demand", *(name.replace("_", " ") for name in names)],
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
    _headline(figure, "Corridors: how full they are by month, and what they carry")
    heat, bars = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1.15))
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.16, right=0.97, top=1 - 0.62 / height, bottom=0.5 / height, wspace=0.05)
    heat.imshow(used, aspect="auto", cmap="YlGnBu", vmin=0, vmax=100)
    for (row, column), share in np.ndenumerate(used.to_numpy()):
        heat.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=7,
                  color="white" if share > 60 else "#333333")
    heat.set_yticks(np.arange(rows), used.index)
    heat.set_title("mean use of capacity [%]")
    heat.set_ylabel("corridor")
    _month_axis(heat, used.columns)
    bars.barh(np.arange(rows), sent, 0.7, color=np.where(sent < 0, ORANGE, BLUE))
    for row, energy in enumerate(sent):
        bars.text(max(energy, 0) + 0.02 * max(sent.max(), 1e-9), row, f"{energy:.1f}", va="center", fontsize=7)
    bars.set(xlabel=f"sent, net [{unit}]", xlim=(min(sent.min() * 1.1, 0), max(sent.max(), 1e-9) * 1.18))
    bars.set_title("whole period")
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
    figure, ax = _page(3.4, "Water behind the dams: stored energy by basin at each day's end")
    days = stored.index.to_numpy().astype("datetime64[D]")
    colours = _colours(stored)
    ax.stackplot(np.arange(len(days)), stored.to_numpy().T, colors=colours, linewidth=0, alpha=0.9)
    ax.set(ylabel=f"stored energy [{unit}]", ylim=(0, None), xlim=(0, max(len(days) - 1, 1)))
    _day_axis(ax, days)
    last = np.cumsum(stored.iloc[-1]) - stored.iloc[-1] / 2
    _label_ends(ax, {basin.replace("_", " "): level for basin, level in last.items()}, colours)
    return figure


# ----------------------------------------------------------------------------------------------------------- adequacy


@styled
def margin_duration(margins: "pandas.DataFrame") -> Figure:
    """What a zone has over its load, by share of hours, and the tightest fiftieth of them; below zero it needs others.

    margins: GW by share of hours in % (index) and zone (columns), largest first.
    """
    figure = Figure(figsize=(WIDTH, 3.6))
    _headline(figure, "Margin duration: how much of the time a zone has this much over its load")
    whole, tight = figure.subplots(1, 2, width_ratios=(1.5, 1))
    figure.subplots_adjust(left=0.085, right=0.91, top=0.83, bottom=0.2, wspace=0.2)
    colours, last = _colours(margins), margins[margins.index >= 98]
    for ax, data in ((whole, margins), (tight, last)):
        for zone, colour in zip(data, colours):
            ax.plot(data.index, data[zone], color=colour)
        ax.axhline(0, color=BLACK, linewidth=0.8)
        ax.margins(x=0)
        ax.set_xlabel("share of hours [%]")
    whole.set(title="all hours", ylabel="own capacity less load [GW]")
    tight.set(title="the tightest fiftieth of the hours")
    _label_ends(tight, {zone: last[zone].iloc[-1] for zone in last}, colours)
    _note(figure, "Over all weather years and outage draws. Own: without stores and without what comes over lines; the "
                  "day's water spread evenly.")
    return figure


# ------------------------------------------------------------------------------------------------------------- riders


@styled
def rider_income(riders: "pandas.DataFrame") -> Figure:
    """Income of a month's active riders by city: mean, median and the middle four fifths."""
    figure, axes, foot = _small_multiples(riders, "Riders' monthly income by city")
    for ax, (_, city) in zip(axes, riders.groupby("city", sort=False)):
        at, city = _as_line(city)
        low, high = city["income_p10"] / 1e3, city["income_p90"] / 1e3
        band = ax.fill_between(at, low, high, color=SKY, alpha=0.35, linewidth=0)
        middle, = ax.plot(at, city["income_p50"] / 1e3, color=BLUE, linestyle="--", linewidth=1.3)
        mean, = ax.plot(at, city["income"] / 1e3, color=BLUE)
    axes[0].set_ylim(0, None)
    figure.supylabel("platform income [1,000 CNY/month]", fontsize=9, x=0.012)
    figure.legend([mean, middle, band], ["mean", "median", "10th to 90th percentile of riders"], loc="lower center",
                  ncols=3, bbox_to_anchor=(0.5, foot))
    return figure


@styled
def rider_enrolment(riders: "pandas.DataFrame") -> Figure:
    """Who could have the pension subsidy and who is enrolled, by city."""
    figure, axes, foot = _small_multiples(riders, "Pension insurance of riders by city: eligible and enrolled")
    for ax, (_, city) in zip(axes, riders.groupby("city", sort=False)):
        at, city = _as_line(city)
        could, = ax.plot(at, city["eligible"] * 100, color=ORANGE, linestyle="--", linewidth=1.3)
        does = ax.fill_between(at, 0, city["enrolled"] * 100, color=PURPLE, alpha=0.6, linewidth=0)
        ax.plot(at, city["enrolled"] * 100, color=PURPLE)
    axes[0].set_ylim(0, None)
    figure.supylabel("share of the month's active riders [%]", fontsize=9, x=0.012)
    figure.legend([could, does], ["income met the base in enough months", "enrolled"], loc="lower center", ncols=2,
                  bbox_to_anchor=(0.5, foot))
    return figure


def _small_multiples(riders: "pandas.DataFrame", title: str) -> tuple[Figure, list[Axes], float]:
    """A panel for each city with months below and its riders in the title; the place of a legend at the foot."""
    cities = riders["city"].drop_duplicates().tolist()
    rows = -(-len(cities) // 4)
    figure = Figure(figsize=(WIDTH, 1.3 + max(1.25 * rows, 2.2)))
    height = figure.get_figheight()
    _headline(figure, title)
    grid = figure.subplots(rows, min(4, len(cities)), sharex=True, sharey=True, squeeze=False).ravel()
    figure.subplots_adjust(left=0.085, right=0.985, top=1 - 0.6 / height, bottom=0.75 / height, wspace=0.12,
                           hspace=0.42)
    persons = riders.groupby("city", sort=False)["persons"].mean()
    dates = riders["date"].drop_duplicates()
    for ax, city in zip(grid, cities):
        ax.set_title(f"{city.replace('_', ' ').capitalize()} ({_short(persons[city])})", fontsize=8)
        _month_axis(ax, dates, letters=True)
        ax.tick_params(labelbottom=True)
    for ax in grid[len(cities):]:
        ax.set_visible(False)
    return figure, list(grid[:len(cities)]), 0.12 / height


def _as_line(months: "pandas.DataFrame") -> tuple[np.ndarray, "pandas.DataFrame"]:
    """Places and rows of months for a line; a single month becomes a short level one, to be seen at all."""
    if len(months) == 1:
        return np.array([-0.3, 0.3]), months.iloc[[0, 0]]
    return np.arange(len(months)), months


# -------------------------------------------------------------------------------------------------------------- money


@styled
def money_flow(entries: "pandas.DataFrame") -> Figure:
    """Who paid whom in the whole period: boxes are accounts, ribbons payments, both as wide as the money.

    What flows back between two accounts is set off. What only rounds books, and what is too small to see, is left out;
    the latter is said.
    """
    paid = (entries.groupby(["payer", "payee"])["total"].sum() / 100).to_dict()  # fen to yuan
    one, unit = scale(max(paid.values()), MONEY)
    net = {pair: (amount - paid.get(pair[::-1], 0)) / one for pair, amount in paid.items()
           if BOOKS not in map(_sector, pair)}
    least = max(net.values(), default=0.0) * SEEN
    between = [(*pair, amount) for pair, amount in net.items() if amount > least]
    rest = [amount for amount in net.values() if 0 < amount <= least]
    boxes, ribbons = lay_out(between)
    figure = Figure(figsize=(WIDTH, 5.6))
    _headline(figure, f"Where the money goes: net payments of the whole period [{unit}]")
    if rest:
        figure.text(0.98, 0.13, f"{len(rest)} smaller ones, {_money(sum(rest))} in all, are left out", ha="right",
                    fontsize=7, color="0.35")
    ax = figure.add_axes((0.02, 0.1, 0.96, 0.83))
    columns = max((box.column for box in boxes), default=0)
    bottom = max((box.top + box.size for box in boxes), default=1.0)
    thin = bottom / 400
    for ribbon in ribbons:
        ax.add_patch(_ribbon_patch(ribbon, thin))
    for box in boxes:
        size, colour = max(box.size, thin), _sector_colour(box.account)
        ax.add_patch(Rectangle((box.column - 0.02, box.top), 0.04, size, color=colour))
        ax.text(box.column + 0.035, box.top + size / 2, f"{box.account.replace('_', ' ')}  {_money(box.size)}",
                va="center", fontsize=8, path_effects=[withStroke(linewidth=2.5, foreground="white", alpha=0.7)])
    ax.set(xlim=(-0.1, columns + 0.85), ylim=(bottom * 1.02, -0.02 * bottom))
    ax.axis("off")
    sectors = [sector for sector in SECTORS if any(_sector(box.account) == sector for box in boxes)]
    figure.legend([Rectangle((0, 0), 1, 1, color=SECTORS[sector]) for sector in sectors], sectors, loc="lower center",
                  ncols=4, handlelength=1.0)
    return figure


def _ribbon_patch(ribbon: Ribbon, thin: float) -> PathPatch:
    """A payment as a band from one box to the other, in the colour of who pays; at least hair-thin."""
    left, right, thick = ribbon.payer.column + 0.02, ribbon.payee.column - 0.02, max(ribbon.amount, thin)
    bend = (left + right) / 2
    upper = [(left, ribbon.start), (bend, ribbon.start), (bend, ribbon.end), (right, ribbon.end)]
    lower = [(x, y + thick) for x, y in reversed(upper)]
    codes = [Outline.MOVETO, *[Outline.CURVE4] * 3, Outline.LINETO, *[Outline.CURVE4] * 3, Outline.CLOSEPOLY]
    outline = Outline([*upper, *lower, upper[0]], codes)
    return PathPatch(outline, facecolor=_sector_colour(ribbon.payer.account), alpha=0.35, linewidth=0)


def _sector(account: str) -> str:
    """Sector of an account; one that the chart does not know is of the books."""
    return ACCOUNTS[account].sector if account in ACCOUNTS else BOOKS


def _sector_colour(account: str) -> str:
    return SECTORS[_sector(account)]


def _money(amount: float) -> str:
    """An amount to two or three figures."""
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.1f}" if amount >= 1 else f"{amount:.2g}"


# --------------------------------------------------------------------------------------------------------------- parts


def _page(height: float, title: str) -> tuple[Figure, Axes]:
    """A figure as wide as a page with one pair of axes and room for labels at their right."""
    figure = Figure(figsize=(WIDTH, height))
    _headline(figure, title)
    return figure, figure.add_axes((0.09, 0.62 / height, 0.77, 1 - 1.05 / height))


def _headline(figure: Figure, text: str):
    figure.text(0.012, 1 - 0.1 / figure.get_figheight(), text, fontsize=11, fontweight="bold", va="top")


def _note(figure: Figure, text: str):
    figure.text(0.012, 0.04 / figure.get_figheight(), text, fontsize=7, color=GREY)


def _colours(columns) -> list[str]:
    """A colour for each column, in their order, round and round."""
    return [PALETTE[i % len(PALETTE)] for i in range(len(list(columns)))]


def _colour_of(technology: str) -> str:
    return TECHNOLOGIES.get(technology, PALE)


def _stack_order(technologies: Iterable[str]) -> list[str]:
    """Technologies from the bottom of a stack to its top: those that stand still below, strangers last."""
    rank = {technology: i for i, technology in enumerate(TECHNOLOGIES)}
    return sorted(technologies, key=lambda technology: (rank.get(technology, len(rank)), technology))


def _label_ends(ax: Axes, level: dict[str, float], colours: list[str]):
    """Name lines at the right edge, pushed apart where they would overlap."""
    low, high = ax.get_ylim()
    step = (high - low) * 0.055
    places = sorted((min(max(value, low), high), name, colour) for (name, value), colour in zip(level.items(), colours))
    heights = [place for place, *_ in places]
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + step)
    over = max(heights[-1] - high, 0) if heights else 0
    for height, (_, name, colour) in zip(heights, places):
        ax.annotate(name, (1.012, height - over), xycoords=("axes fraction", "data"), color=colour, va="center",
                    fontweight="bold", annotation_clip=False)


def _month_axis(ax: Axes, dates, letters: bool = False):
    """Ticks 0, 1, ... named after the months of the dates."""
    names = [f"{date:%b}"[:1 if letters else 3] for date in _timestamps(dates)]
    ax.set_xticks(np.arange(len(names)), names)
    ax.set_xlabel("" if letters else _years(dates))
    ax.tick_params(axis="x", length=0)


def _day_axis(ax: Axes, days: np.ndarray):
    """Ticks where months begin, in a short period every week, on an axis that counts days from 0."""
    months = days.astype("datetime64[M]")
    short = len(days) <= SHORT
    first = np.arange(0, len(days), 7) if short else np.flatnonzero(np.r_[True, months[1:] != months[:-1]])
    ax.set_xticks(first, [f"{date.day} {date:%b}" if short else f"{date:%b}" for date in _timestamps(days[first])])
    ax.set_xlabel(_years(days).replace("month", "day") if short else _years(days))


def _timestamps(dates):
    """Anything that holds dates, as Python dates."""
    return [date.item() for date in np.array(dates, dtype="datetime64[D]")]


def _years(dates) -> str:
    """The years that dates span: "month of 2025"."""
    years = sorted({date.year for date in _timestamps(dates)})
    return f"month of {years[0]}" if len(years) == 1 else f"month, {years[0]} to {years[-1]}"


def _by_month(indicators: "pandas.DataFrame", prefix: str) -> "pandas.DataFrame":
    """Sums by month (index) of indicators that begin with a prefix (columns: what follows it)."""
    some = indicators[indicators["indicator"].str.startswith(prefix)]
    wide = some.pivot_table(index="date", columns="indicator", values="value", aggfunc="sum").fillna(0.0)
    return wide.rename(columns=lambda name: name.removeprefix(prefix))


def _zones_with_load(indicators: "pandas.DataFrame") -> list[str]:
    load = indicators[indicators["indicator"] == "load"].groupby("zone", sort=False)["value"].sum()
    return load[load > 0].index.tolist()


def _largest_exporter(indicators: "pandas.DataFrame", zones: list[str]) -> str:
    """The zone that sends out most, net of what arrives; the first where nobody trades."""
    def total(prefix):
        some = indicators[indicators["indicator"].str.startswith(prefix)]
        return some.groupby("zone")["value"].sum().reindex(zones).fillna(0.0)
    return (total("exports.") - total("imports.")).idxmax()


def _short(count: float) -> str:
    """A number of persons in a few characters: 35,500 is "36k"."""
    return f"{count / 1e6:.1f}M" if count >= 1e6 else f"{count / 1e3:.0f}k" if count >= 1e4 else f"{count:,.0f}"

