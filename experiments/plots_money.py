"""Figures of money: who pays whom, what stores earn, certificates, who gains by a change and how sure that is."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from experiments.drawing import (
    BLACK,
    BLUE,
    BROWN,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PALETTE,
    PURPLE,
    RED,
    SKY,
    WIDTH,
    YELLOW,
    brief,
    by_month,
    headline,
    month_axis,
    note,
    styled,
    years,
)
from experiments.money_flow import Ribbon, lay_out
from experiments.summary import MONEY, scale
from experiments.tongue import name_of, say
from sim.settlement.accounts import (
    ACCOUNTS,
    BOOKS,
    GIG,
    GRID,
    HOUSEHOLDS,
    INSURANCE,
    NEIGHBOURS,
    POWER,
    RETAIL,
    STATE,
    USERS,
)

if TYPE_CHECKING:
    import pandas

SEEN = 1 / 1200  # of the largest payment: what is drawn
STREAMS = {  # of income, in the order of a bar, as `sim.revenue` tells them apart
    "energy": BLUE, "ancillary": ORANGE, "capacity": GREEN, "regulation_capacity": PURPLE, "green": "#66c2a5",
    "mechanism": SKY, "penalties": RED, "other": GREY}
STORES = ("battery", "pumped_hydro")
FLOWS = {"issued": GREEN, "traded": BLUE, "retired": PURPLE, "expired": GREY}  # of certificates
PACKAGES = {  # of retail, in the order of a bar: what is fixed, what follows the market, the rest
    "fixed": BLUE, "time_of_use": SKY, "mixed": PURPLE, "spread_share": YELLOW, "capped": ORANGE, "linked": RED,
    "green": GREEN}
SECTORS = {USERS: ORANGE, GRID: GREY, POWER: BLUE, NEIGHBOURS: SKY, HOUSEHOLDS: GREEN, GIG: RED, INSURANCE: PURPLE,
           BOOKS: BLACK, RETAIL: YELLOW, STATE: BROWN}


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
    headline(figure, say("Where the money goes: net payments of the whole period [{}]", name_of(unit)))
    if rest:
        left_out = say("{} smaller ones, {} in all, are left out", len(rest), brief(sum(rest)))
        figure.text(0.98, 0.13, left_out, ha="right", fontsize=7, color="0.35")
    ax = figure.add_axes((0.02, 0.1, 0.96, 0.83))
    columns = max((box.column for box in boxes), default=0)
    bottom = max((box.top + box.size for box in boxes), default=1.0)
    thin = bottom / 400
    for ribbon in ribbons:
        ax.add_patch(_ribbon_patch(ribbon, thin))
    for box in boxes:
        size, colour = max(box.size, thin), _sector_colour(box.account)
        ax.add_patch(Rectangle((box.column - 0.02, box.top), 0.04, size, color=colour))
        ax.text(box.column + 0.035, box.top + size / 2, f"{name_of(box.account)}  {brief(box.size)}",
                va="center", fontsize=8, path_effects=[withStroke(linewidth=2.5, foreground="white", alpha=0.7)])
    ax.set(xlim=(-0.1, columns + 0.85), ylim=(bottom * 1.02, -0.02 * bottom))
    ax.axis("off")
    sectors = [sector for sector in SECTORS if any(_sector(box.account) == sector for box in boxes)]
    figure.legend([Rectangle((0, 0), 1, 1, color=SECTORS[sector]) for sector in sectors], list(map(name_of, sectors)),
                  loc="lower center", ncols=4, handlelength=1.0)
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


# ------------------------------------------------------------------------------------------------- what assets are paid


@styled
def revenue_stack(indicators: "pandas.DataFrame") -> Figure:
    """What a kW of each kind of store earned in the period, by stream, what it paid to the left; a bar a zone."""
    some = indicators[indicators["indicator"].str.startswith(tuple(f"revenue.{store}." for store in STORES))]
    stream = some["indicator"].str.rpartition(".")[2]
    kind = some["indicator"].str.split(".").str[1]
    wide = some.assign(stream=stream, kind=kind).pivot_table(
        index=["kind", "zone"], columns="stream", values="value", aggfunc="sum", sort=False).fillna(0.0)
    figure = Figure(figsize=(WIDTH, 1.45 + 0.33 * max(len(wide), 1)))
    height = figure.get_figheight()
    headline(figure, say("Revenue of stores: what a kW earned in the whole period, by stream"))
    ax = figure.add_axes((0.24, 0.85 / height, 0.68, 1 - 1.35 / height))
    rows, shown = np.arange(len(wide)), [name for name in STREAMS if name in wide and wide[name].any()]
    for sign in (1, -1):
        left = np.zeros(len(wide))
        for name in shown:
            part = np.where(np.sign(wide[name]) == sign, wide[name], 0.0)
            ax.barh(rows, part, 0.68, left, color=STREAMS[name])
            left += part
    for row, total in zip(rows, wide.sum(axis=1)):
        ax.annotate(brief(total), (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=8,
                    fontweight="bold", annotation_clip=False)
    ax.axvline(0, color=BLACK, linewidth=0.8)
    ax.set_yticks(rows, [f"{name_of(kind)}, {name_of(zone)}" for kind, zone in wide.index])
    ax.set(xlabel=say("received less paid [CNY/kW]"), ylim=(len(wide) - 0.5, -0.5))
    ax.grid(False, axis="y")
    figure.text(0.995, 1 - 0.42 / height, say("in all"), fontsize=8, fontweight="bold", ha="right", va="center")
    figure.legend([Rectangle((0, 0), 1, 1, color=STREAMS[name]) for name in shown], list(map(name_of, shown)),
                  loc="lower center", ncols=5, handlelength=1.0)
    return figure


@styled
def certificates(indicators: "pandas.DataFrame") -> Figure:
    """Green certificates by month: issued, traded, retired, expired; and how many are held at the month's end."""
    flows = by_month(indicators, "certificates.").reindex(columns=list(FLOWS), fill_value=0.0) / 1e6
    held = indicators[indicators["indicator"] == "certificates_held"].groupby("date")["value"].sum() / 1e6
    held = held.reindex(flows.index)  # a registry that opened within the run
    prices = indicators[indicators["indicator"].str.startswith("certificate_price.")]
    figure = Figure(figsize=(WIDTH, 3.7))
    headline(figure, say("Green certificates: one for each MWh of clean energy"))
    moved, priced = figure.subplots(1, 2, width_ratios=(1.7, 1))
    figure.subplots_adjust(left=0.085, right=0.985, top=0.85, bottom=0.24, wspace=0.25)
    at, width = np.arange(len(flows)), 0.84 / len(FLOWS)
    bars = [moved.bar(at + (i - 1.5) * width, flows[name], width, color=colour)[0]
            for i, (name, colour) in enumerate(FLOWS.items())]
    line, = moved.plot(at, held.to_numpy(), color=BLACK, marker="o", markersize=3.5, linewidth=1.2)
    moved.set(title=say("by month"), ylabel=say("certificates [million]"), ylim=(0, None))
    moved.set_xlim(-0.6, len(flows) - 0.4)
    priced.set_xlim(-0.6, len(flows) - 0.4)
    month_axis(moved, flows.index, letters=True)
    moved.set_xlabel(years(flows.index))
    if len(prices):
        kinds = prices["indicator"].drop_duplicates()
        lines = [priced.plot(at, prices[prices["indicator"] == kind].set_index("date")["value"].reindex(flows.index),
                             color=colour, marker="o", markersize=3, linewidth=1.2)[0]
                 for kind, colour in zip(kinds, PALETTE)]
        priced.legend(lines, [name_of(kind.partition(".")[2]) for kind in kinds], fontsize=7)
    else:
        priced.text(0.5, 0.5, say("none were sold"), ha="center", va="center", transform=priced.transAxes, color=GREY)
    priced.set(title=say("price by vintage"), ylabel=say("price [CNY/certificate]"), ylim=(0, None))
    month_axis(priced, flows.index, letters=True)
    priced.set_xlabel(years(flows.index))
    figure.legend([*bars, line], [*map(name_of, FLOWS), say("held at the month's end")], loc="lower center", ncols=5,
                  handlelength=1.2)
    return figure


@styled
def packages(indicators: "pandas.DataFrame") -> Figure:
    """Retail packages' share of the energy of all accounts by month, the default supplier's among them; and how many
    retailers stand, come and go."""
    energy = by_month(indicators, "package_energy.").reindex(columns=list(PACKAGES), fill_value=0.0)
    whole = by_month(indicators, "retail_energy").iloc[:, 0].reindex(energy.index)
    share = 100 * energy.div(whole, axis=0)
    share["default"] = 100 - share.sum(axis=1)
    figure = Figure(figsize=(WIDTH, 3.9))
    headline(figure, say("Retail packages: who buys which, and how many retailers there are"))
    grid = figure.add_gridspec(2, 2, width_ratios=(1.5, 1), height_ratios=(1.6, 1), left=0.085, right=0.985, top=0.85,
                               bottom=0.25, wspace=0.22, hspace=0.22)
    sold, there, moved = (figure.add_subplot(part) for part in (grid[:, 0], grid[0, 1], grid[1, 1]))
    at, below, bars = np.arange(len(share)), np.zeros(len(share)), []
    for name, colour in (*PACKAGES.items(), ("default", PALE)):
        part = share[name].to_numpy()
        bars.append(sold.bar(at, part, 0.78, below, color=colour, edgecolor="white", linewidth=0.4)[0])
        below = below + part
    sold.set(title=say("what accounts use, by package"), ylabel=say("share of energy [%]"), ylim=(0, 100))
    standing, new, gone = (by_month(indicators, f"retailers_{name}").reindex(energy.index).fillna(0.0).sum(axis=1)
                           for name in ("standing", "admitted", "failed"))
    there.bar(at, standing, 0.78, color=GREY)
    there.set(title=say("retailers that may sign users"), ylabel=say("number"), ylim=(0, None))
    moved.bar(at, new, 0.78, color=BLUE, label=say("new"))
    moved.bar(at, -gone, 0.78, color=RED, label=say("failed"))
    most = max(new.max(), gone.max(), 1.0)
    moved.set(ylabel=say("number"), ylim=(-1.1 * most, 1.9 * most))  # room for the legend
    moved.axhline(0, color=BLACK, linewidth=0.8)
    moved.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    moved.legend(fontsize=7, ncols=2, loc="upper left", handlelength=1.0, borderaxespad=0.1)
    for ax in (sold, there, moved):
        ax.set_xlim(-0.6, len(share) - 0.4)
        month_axis(ax, share.index, letters=True)
        ax.set_xlabel(years(share.index) if ax is not there else "")
        ax.grid(False, axis="x")
    there.tick_params(labelbottom=False)
    figure.legend(bars, [*map(name_of, PACKAGES), name_of("default supplier")], loc="lower center", ncols=4,
                  handlelength=1.2)
    return figure


# --------------------------------------------------------------------------------------------------------- comparisons


def net_by_account(entries: "pandas.DataFrame") -> "pandas.Series":
    """CNY that each account received less what it paid, over all entries."""
    received, paid = (entries.groupby(side)["total"].sum() for side in ("payee", "payer"))
    return received.sub(paid, fill_value=0) / 100


@styled
def gains(first: "pandas.DataFrame", second: "pandas.DataFrame") -> Figure:
    """Who has more and who has less in the second run than in the first: change of each account's balance.

    first, second: entries of two journals.
    """
    change = net_by_account(second).sub(net_by_account(first), fill_value=0)
    change = change[[account for account in change.index if _sector(account) != BOOKS]]
    change = change[change.abs() > max(change.abs().max() * 1e-4, 0.005)].sort_values()
    one, unit = scale(change.abs().max() if len(change) else 0.0, (*MONEY, (1e3, "1,000 CNY"), (1.0, "CNY")))
    figure = Figure(figsize=(WIDTH, 1.45 + 0.27 * max(len(change), 2)))
    height = figure.get_figheight()
    headline(figure, say("Who gains, who pays: received less paid, B less A"))
    ax = figure.add_axes((0.25, 0.85 / height, 0.65, 1 - 1.3 / height))
    rows, amounts = np.arange(len(change)), change.to_numpy() / one
    ax.barh(rows, amounts, 0.7, color=[_sector_colour(account) for account in change.index])
    for row, value in zip(rows, amounts):
        ax.annotate(f"{'+' if value > 0 else '−'}{brief(abs(value))}", (value, row), (4 if value > 0 else -4, 0),
                    textcoords="offset points", ha="left" if value > 0 else "right", va="center", fontsize=8)
    ax.axvline(0, color=BLACK, linewidth=0.8)
    ax.margins(x=0.2)
    ax.set_yticks(rows, list(map(name_of, change.index)))
    ax.set_xlabel(say("change of what is left in the whole period [{}]", name_of(unit)))
    ax.grid(False, axis="y")
    if not len(change):
        ax.text(0.5, 0.5, say("nobody gains or loses anything"), ha="center", transform=ax.transAxes, color=GREY)
    sectors = [sector for sector in SECTORS if any(_sector(account) == sector for account in change.index)]
    figure.legend([Rectangle((0, 0), 1, 1, color=SECTORS[sector]) for sector in sectors], list(map(name_of, sectors)),
                  loc="lower center", ncols=5, handlelength=1.0)
    return figure


@styled
def intervals(table: "pandas.DataFrame", meaning: str) -> Figure:
    """How sure differences are: each with its interval, in per cent of the first run's value.

    table: columns what, first, difference, low, high.  meaning: what an interval holds, in words.
    """
    some = table[table["first"].abs() > 0]
    figure = Figure(figsize=(WIDTH, 1.35 + 0.27 * max(len(some), 1)))
    height = figure.get_figheight()
    headline(figure, say("How sure the differences are: B less A"))
    ax = figure.add_axes((0.36, 0.72 / height, 0.6, 1 - 1.15 / height))
    rows, whole = np.arange(len(some)), some["first"].abs().to_numpy() / 100
    middle, low, high = (some[name].to_numpy() / whole for name in ("difference", "low", "high"))
    clear = (low > 0) | (high < 0)
    for row in rows:
        ax.plot([low[row], high[row]], [row, row], color=BLUE if clear[row] else GREY, linewidth=3, alpha=0.6,
                solid_capstyle="butt")
    ax.scatter(middle, rows, color=np.where(clear, BLUE, GREY), s=26, zorder=3)
    ax.axvline(0, color=BLACK, linewidth=0.8)
    ax.set_yticks(rows, some["what"].tolist())
    ax.set(xlabel=say("difference [% of A]"), ylim=(len(some) - 0.5, -0.5))
    note(figure, say("Grey: the interval holds zero.") + " " + meaning)
    return figure
