"""The hand in which all figures are drawn: colours, type, page, axes of months and days, labels at line ends.

Colours are those of Okabe and Ito, told apart by colour-blind readers; a figure is as wide as a page.
"""

from collections.abc import Callable, Iterable
from functools import cache, wraps
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.tongue import CHINESE, language, say
from sim.config import BadInput

if TYPE_CHECKING:
    import pandas

WIDTH = 7.2  # inches of a page's text
SHORT = 62  # days: a period whose axis shows weeks, not months
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
GREY, PALE = "#6b6b6b", "#d9d9d9"
BROWN = "#8a6d00"
PALETTE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK, BROWN)
TECHNOLOGIES = {  # bottom to top of a stack
    "nuclear": PURPLE, "coal": "#4d4d4d", "gas": "#a6a6a6", "biomass": "#8a6d00", "hydro": BLUE, "wind": GREEN,
    "wind_offshore": "#66c2a5", "solar": YELLOW, "pumped_hydro": SKY, "battery": RED}
STYLE = {
    "font.family": ["DejaVu Sans"], "font.size": 9, "axes.titlesize": 9, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": GREY,
    "axes.linewidth": 0.8, "axes.grid": True, "axes.axisbelow": True, "grid.color": "#e6e6e6", "grid.linewidth": 0.6,
    "xtick.color": GREY, "ytick.color": GREY, "xtick.labelsize": 8, "ytick.labelsize": 8, "legend.frameon": False,
    "legend.fontsize": 8, "figure.facecolor": "white", "lines.linewidth": 1.6, "hatch.linewidth": 0.5,
    "svg.hashsalt": "gridgig"}
HAN = {  # families with simplified Chinese characters, best first, and how their files may be called
    "Noto Sans CJK SC": "NotoSansCJK", "Noto Sans SC": "NotoSansSC", "Source Han Sans SC": "SourceHanSans",
    "PingFang SC": "PingFang", "Microsoft YaHei": "msyh", "WenQuanYi Micro Hei": "wqy-microhei",
    "Droid Sans Fallback": "DroidSansFallback", "SimHei": "simhei"}


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw in the house's style, whatever the caller's is, and in the language of the moment."""
    @wraps(draw)
    def drawn(*data):
        family = ["DejaVu Sans"] if language() != CHINESE else [han(), "DejaVu Sans"]
        with matplotlib.rc_context(STYLE | {"font.family": family}):
            return draw(*data)
    return drawn


@cache
def han() -> str:
    """A family of type with Chinese characters. Raises: BadInput where none is installed."""
    files = font_manager.findSystemFonts()  # not the library's own list, which may be older than the fonts
    for family, stem in HAN.items():
        mine = [file for file in files if stem.lower() in file.replace("-", "").lower() or stem.lower() in file.lower()]
        for file in mine:
            font_manager.fontManager.addfont(file)
        if any(font.name == family for font in font_manager.fontManager.ttflist):
            return family
    raise BadInput("--lang zh: no font with Chinese characters is installed, so figures cannot be labelled; expected "
                   f"{next(iter(HAN))}, on Debian and Ubuntu: apt install fonts-noto-cjk")


def page(height: float, title: str) -> tuple[Figure, Axes]:
    """A figure as wide as a page with one pair of axes and room for labels at their right."""
    figure = Figure(figsize=(WIDTH, height))
    headline(figure, title)
    return figure, figure.add_axes((0.09, 0.62 / height, 0.77, 1 - 1.05 / height))


def headline(figure: Figure, text: str):
    """What a figure shows, at its top."""
    figure.text(0.012, 1 - 0.1 / figure.get_figheight(), text, fontsize=11, fontweight="bold", va="top")


def note(figure: Figure, text: str):
    """What must be known to read a figure, at its foot."""
    figure.text(0.012, 0.04 / figure.get_figheight(), text, fontsize=7, color=GREY)


def colours_of(columns) -> list[str]:
    """A colour for each column, in their order, round and round."""
    return [PALETTE[i % len(PALETTE)] for i in range(len(list(columns)))]


def colour_of(technology: str) -> str:
    """The colour of a technology in every figure."""
    return TECHNOLOGIES.get(technology, PALE)


def stack_order(technologies: Iterable[str]) -> list[str]:
    """Technologies from the bottom of a stack to its top: those that stand still below, strangers last."""
    rank = {technology: i for i, technology in enumerate(TECHNOLOGIES)}
    return sorted(technologies, key=lambda technology: (rank.get(technology, len(rank)), technology))


def label_ends(ax: Axes, level: dict[str, float], colours: list[str]):
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


def month_axis(ax: Axes, dates, letters: bool = False):
    """Ticks 0, 1, ... named after the months of the dates."""
    names = [_month(date, letters) for date in _timestamps(dates)]
    if letters and language() == CHINESE and len(names) > 6:  # numbers of months are wider than letters
        names = [name if int(name) % 3 == 1 else "" for name in names]
    ax.set_xticks(np.arange(len(names)), names)
    ax.set_xlabel("" if letters else years(dates))
    ax.tick_params(axis="x", length=0)


def day_axis(ax: Axes, days: np.ndarray):
    """Ticks where months begin, in a short period every week, on an axis that counts days from 0."""
    months = days.astype("datetime64[M]")
    short = len(days) <= SHORT
    first = np.arange(0, len(days), 7) if short else np.flatnonzero(np.r_[True, months[1:] != months[:-1]])
    ax.set_xticks(first, [_day(date) if short else _month(date) for date in _timestamps(days[first])])
    ax.set_xlabel(years(days, say("day") if short else say("month")))


def years(dates, what: str = "") -> str:
    """The years that dates span: "month of 2025"."""
    what, found = what or say("month"), sorted({date.year for date in _timestamps(dates)})
    return say("{} of {}", what, found[0]) if len(found) == 1 else say("{}, {} to {}", what, found[0], found[-1])


def _month(date, letters: bool = False) -> str:
    """A month's name, or its first letter."""
    if language() == CHINESE:
        return f"{date.month}" if letters else f"{date.month}月"
    return f"{date:%b}"[:1 if letters else 3]


def _day(date) -> str:
    return f"{date.month}/{date.day}" if language() == CHINESE else f"{date.day} {date:%b}"


def _timestamps(dates):
    """Anything that holds dates, as Python dates."""
    return [date.item() for date in np.array(dates, dtype="datetime64[D]")]


def by_month(indicators: "pandas.DataFrame", prefix: str) -> "pandas.DataFrame":
    """Sums by month (index) of indicators that begin with a prefix (columns: what follows it)."""
    some = indicators[indicators["indicator"].str.startswith(prefix)]
    wide = some.pivot_table(index="date", columns="indicator", values="value", aggfunc="sum").fillna(0.0)
    return wide.rename(columns=lambda name: name.removeprefix(prefix))


def zones_with_load(indicators: "pandas.DataFrame") -> list[str]:
    """Zones that used anything, in the order of the table."""
    load = indicators[indicators["indicator"] == "load"].groupby("zone", sort=False)["value"].sum()
    return load[load > 0].index.tolist()


def headcount(count: float) -> str:
    """A number of persons in a few characters: 35,500 is "36k"."""
    return f"{count / 1e6:.1f}M" if count >= 1e6 else f"{count / 1e3:.0f}k" if count >= 1e4 else f"{count:,.0f}"


def brief(value: float) -> str:
    """An amount to two or three figures."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 1 else f"{value:.2g}"
