"""How well a run fits what was observed: prices by zone, and a sample of riders by its marginals. CSV in, a table out.

    time,zone,price [CNY/MWh]          hours (2025-07-14T19, or with a blank), days (2025-07-14) or months (2025-07)
    city,segment,age [years],...       a rider a line: any of the columns of `Rider`, an empty cell says nothing

Differences are the run's value less the observed one.
"""

import csv
import re
from calendar import monthrange
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from experiments.store import Run
from sim.config import BadInput, Row, Table, bounded, place_of, read_table
from sim.config.documents import read_bytes, text_of
from sim.config.sections import nearest, shown
from sim.outcomes import AGE_FROM, AGES, ALL
from sim.units import HOURS, CNYPerMonth, CNYPerMWh, OrderCount, Years

if TYPE_CHECKING:
    import pandas

WHEN = re.compile(r"(\d{4}-\d{2})(-\d{2})?([T ]\d{2}(:00){0,2})?", re.ASCII)
RHYTHMS = {"M": "months", "D": "days", "h": "hours"}
EXPECTED = "expected an hour like 2025-07-14T19, a day like 2025-07-14 or a month like 2025-07"
PRICES, RIDERS = "hourly/bus", "populations/rider_outcomes"
GROUPED = ("city", "segment", "age", "gender", "origin")  # columns whose marginals are compared
MEANS = {"income": "income", "orders": "orders", "enrolled": "coverage", "eligible": "eligible"}  # ours by theirs


class ObservedPrice(Row):
    """A price that was observed. time: the hour's beginning, the day, or the month, all of one kind in a file."""

    time: str
    zone: str
    price: CNYPerMWh


class Rider(Row):
    """A rider who was observed in a month; every column may be absent and every cell empty.

    income, orders: of the month, from orders.  enrolled: pays into the pension.  eligible: his income met the base as
    the subsidy asks.  origin: of his hukou.  weight: how many he stands for.
    """

    city: str = ""
    segment: str = ""
    age: bounded(Years, ge=0, le=120) | None = None
    gender: Literal["man", "woman"] | None = None
    origin: Literal["local", "other city", "other province"] | None = None
    income: bounded(CNYPerMonth, ge=0) | None = None
    orders: bounded(OrderCount, ge=0) | None = None
    enrolled: bool | None = None
    eligible: bool | None = None
    weight: bounded(float, gt=0) = 1.0


@dataclass(frozen=True)
class Found:
    """A fit. table: one row a zone, or a marginal.  notes: lines that say what was compared and what was left out."""

    table: "pandas.DataFrame"
    notes: list[str]


def fit(run: Run, path: Path, month: str | None = None, plain: bool = False) -> Found:
    """The fit of a run to observed prices or to observed riders, whichever the file's header names.

    month: of the run, for riders; its last.  plain: means of prices without weights.  Raises: BadInput.
    """
    if holds_prices(path):
        if month is not None:
            raise BadInput("fit: --month goes with riders; prices say themselves of when they are")
        return price_fit(run, path, plain)
    if plain:
        raise BadInput("fit: --plain goes with prices")
    return rider_fit(run, path, month)


def holds_prices(path: Path) -> bool:
    """Whether a file's header speaks of prices, and not of riders."""
    first = next(iter(text_of(read_bytes(path), path).splitlines()), "")
    titles = next(csv.reader([first]), [])
    return bool({title.split("[")[0].strip().lower() for title in titles} & {"time", "zone", "price"})


# ------------------------------------------------------------------------------------------------------------- prices


def price_fit(run: Run, path: Path, plain: bool = False) -> Found:
    """Errors of a run's prices by zone: zone, n, observed, run, bias, mae, rmse (CNY/MWh), correlation, duration.

    A zone's price is the mean over its buses and hours, weighted by load, as the indicator `price`; plain: without
    weights, as `price_plain`.  duration: mean distance of the two duration curves, CNY/MWh: both sorted, so it asks how
    high prices are and not when.  correlation: nan for fewer than two prices, or where one side never changes.
    Raises: BadInput for a bad file, an unknown zone, or no hour in common.
    """
    import pandas

    table = read_table(path, ObservedPrice)
    when, rhythm = _times(table)
    ours = _ours(run, rhythm, plain)
    _known(table, "zone", ours.columns)
    known = ours.index.get_indexer(when)
    there = known >= 0
    if not there.any():
        raise BadInput(f"{place_of(path)}: holds no {RHYTHMS[rhythm][:-1]} that the run lived whole; expected some of "
                       f"{_text(ours.index.min(), rhythm)} to {_text(ours.index.max(), rhythm)}" if len(ours) else
                       f"{place_of(path)}: holds {RHYTHMS[rhythm]}; the run lived none whole")
    rows = []
    for zone in ours.columns:
        mine = there & (table["zone"] == zone)
        if mine.any():
            rows.append({"zone": zone} | errors(table["price"][mine], ours[zone].to_numpy()[known[mine]]))
    notes = [f"prices of {RHYTHMS[rhythm]}, mean over buses and hours {'without weights' if plain else 'by load'}; "
             "CNY/MWh, run less observed"]
    if not there.all():
        notes.append(f"left out  {int((~there).sum())} of {len(there)} prices: the run did not live their "
                     f"{RHYTHMS[rhythm]}, or not whole")
    return Found(pandas.DataFrame(rows), notes)


def _ours(run: Run, rhythm: str, plain: bool) -> "pandas.DataFrame":
    """A run's prices by time and zone, from its hours; where it keeps none, those of months from its indicators."""
    import pandas

    if PRICES in run.kinds:
        return zone_prices(run.table(PRICES, ["time", "bus", "zone", "price", "load"]), rhythm, plain)
    if rhythm != "M":
        raise BadInput(f"{place_of(run.path)}: keeps no hourly prices; expected prices of months, or a run with "
                       "record.hourly: true")
    kept, name = run.indicators, "price_plain" if plain else "price"
    kept = kept[kept["indicator"] == name]
    table = kept.assign(date=pandas.to_datetime(kept["date"])).pivot_table(
        index="date", columns="zone", values="value", sort=False)
    start, end = (pandas.Timestamp(run.certificate["scenario"]["period"][side]) for side in ("start", "end"))
    return table[(table.index >= start) & (table.index + pandas.offsets.MonthEnd(0) <= end)]


def errors(observed: np.ndarray, ours: np.ndarray) -> dict[str, float]:
    """n, means, bias, mae, rmse, correlation and distance of duration curves of two series of equal length."""
    error = ours - observed
    varies = len(error) > 1 and np.ptp(observed) > 0 and np.ptp(ours) > 0
    return {"n": len(error), "observed": float(observed.mean()), "run": float(ours.mean()), "bias": float(error.mean()),
            "mae": float(np.abs(error).mean()), "rmse": float(np.sqrt((error**2).mean())),
            "correlation": float(np.corrcoef(observed, ours)[0, 1]) if varies else np.nan,
            "duration": float(np.abs(np.sort(ours) - np.sort(observed)).mean())}


def zone_prices(hourly: "pandas.DataFrame", rhythm: str, plain: bool) -> "pandas.DataFrame":
    """Prices by time (index) and zone (columns) of the hours, days or months that were lived whole, CNY/MWh.

    hourly: columns time, zone, price, load; a row a bus and hour.  rhythm: h, D or M.
    """
    hourly = hourly.astype({"price": float, "load": float})
    weight = hourly["load"].mask(hourly["load"].groupby([hourly["zone"], hourly["time"]]).transform("sum") == 0, 1.0)
    if plain:
        weight = np.ones(len(hourly))
    period = hourly["time"].to_numpy().astype(f"datetime64[{rhythm}]").astype("datetime64[s]")
    parts = hourly.assign(weight=weight, money=hourly["price"] * weight, period=period)
    sums = parts.groupby(["period", "zone"], sort=False)[["money", "weight"]].sum()
    lived = parts.groupby("period")["time"].nunique()
    whole = [day for day, many in lived.items() if many == _hours(day, rhythm)]
    return (sums["money"] / sums["weight"]).unstack("zone").loc[whole]


def _hours(start: "pandas.Timestamp", rhythm: str) -> int:
    """Hours of a whole hour, day or month."""
    return {"h": 1, "D": HOURS, "M": HOURS * monthrange(start.year, start.month)[1]}[rhythm]


def _times(table: Table) -> tuple[np.ndarray, str]:
    """Beginnings of the hours, days or months [row], and which of them they are. Raises: BadInput."""
    when, first, seen = [], None, {}
    for i, row in enumerate(table):
        found = WHEN.fullmatch(row.time)
        try:
            if not found or (found[3] and not found[2]):
                raise ValueError
            when.append(np.datetime64(row.time.replace(" ", "T"), "s"))
        except ValueError:
            raise BadInput(table.fault(i, "time", f"{shown(row.time)} is no time; {EXPECTED}")) from None
        rhythm = "h" if found[3] else "D" if found[2] else "M"
        first = first or rhythm
        if rhythm != first:
            raise BadInput(table.fault(i, "time", f"{shown(row.time)} is one of {RHYTHMS[rhythm]}; expected "
                                                  f"{RHYTHMS[first]}, as above"))
        if (before := seen.setdefault((when[-1], row.zone), i)) != i:
            raise BadInput(table.fault(i, "time", f"{shown(row.time)} stands twice for {shown(row.zone)}, first on "
                                                  f"line {table.lines[before]}"))
    if first is None:
        raise BadInput(f"{place_of(table.path)}: holds no price; expected a line for each time and zone")
    return np.array(when), first


def _text(when: "pandas.Timestamp", rhythm: str) -> str:
    return str(np.datetime64(when.to_datetime64(), rhythm))


def _known(table: Table, field: str, names):
    """Raise BadInput where a cell names what the run does not know; an empty one names nothing."""
    names = list(names)
    for i, value in enumerate(table[field]):
        if value not in ("", None) and value not in names:
            raise BadInput(table.fault(i, field, f"{shown(value)} is no {field} of the run{nearest(value, names)}"))


# ------------------------------------------------------------------------------------------------------------- riders


def rider_fit(run: Run, path: Path, month: str | None = None) -> Found:
    """Marginals of observed riders beside a run's of a month (its last): columns quantity, dimension, group, n,
    observed, run, difference.

    quantity `persons`: share of a group in its dimension; `distance`: total variation distance of these shares, half
    the sum of their differences' sizes, 0 where they are the same and 1 where nobody is in a group of both.
    `income`, `orders` (a month), `enrolled`, `eligible` (shares): means of all, and of the groups that the file has
    somebody of.  n: lines of the file.  A run keeps groups, not riders: nothing else of them can be compared.
    Raises: BadInput for a bad file, an unknown group, a month that the run did not live.
    """
    import pandas

    table = read_table(path, Rider)
    if not len(table):
        raise BadInput(f"{place_of(path)}: holds no rider; expected a line for each")
    if RIDERS not in run.kinds:
        raise BadInput(f"{place_of(run.path)}: keeps no outcomes of riders; expected a run that does")
    kept, month = _month(run, month)
    groups = _groups(table, kept)
    rows = [row for dimension in groups for row in _shares(table, dimension, groups[dimension], kept)]
    everybody = np.full(len(table), ALL, object)
    for theirs in MEANS:
        for dimension, group in {ALL: everybody, **groups}.items():
            rows += _means(table, theirs, dimension, group, kept)
    if not rows:
        raise BadInput(f"{place_of(path)}: says nothing of its riders; expected a column of "
                       f"{', '.join([*GROUPED, *MEANS])} with something in it")
    return Found(pandas.DataFrame(rows), [f"riders of {month}: {len(table)} observed; run less observed"])


def _month(run: Run, month: str | None) -> tuple["pandas.DataFrame", str]:
    """What a run keeps of a month's riders, by dimension and group; the month's name."""
    kept = run.table(RIDERS)
    if not kept["persons"].sum() > 0:
        raise BadInput(f"{place_of(run.path)}: nobody rides in it; expected a run with scale.riders above 0")
    kept = kept.assign(orders=kept["orders"] / kept["persons"].where(kept["persons"] > 0))  # of one person
    months = kept["date"].astype(str).str[:7]
    known = list(dict.fromkeys(months))
    month = known[-1] if month is None else month
    if month not in known:
        raise BadInput(f"--month: {month} is no month of the run; expected one of {known[0]} to {known[-1]}")
    return kept[months == month].set_index(["dimension", "group"]), month


def _groups(table: Table, kept: "pandas.DataFrame") -> dict[str, np.ndarray]:
    """The group of each line in each dimension that the file speaks of; "" where its cell is empty."""
    for field in ("city", "segment"):
        _known(table, field, kept.loc[field].index)
    age = table["age"]
    of_age = np.array(AGES, object)[(age[:, None] * 12 >= np.array(AGE_FROM)).sum(axis=1)]
    found = {"age": np.where(np.isnan(age), "", of_age)}
    found |= {field: np.array([value or "" for value in table[field]], object)
              for field in ("city", "segment", "gender", "origin")}
    return {dimension: found[dimension] for dimension in GROUPED if (found[dimension] != "").any()}


def _shares(table: Table, dimension: str, group: np.ndarray, kept: "pandas.DataFrame") -> list[dict]:
    """Shares of the groups of a dimension, and their distance."""
    weight, persons = table["weight"], kept["persons"].loc[dimension]
    said, rows = weight[group != ""].sum(), []
    for name, ours in (persons / persons.sum()).items():
        theirs = weight[group == name].sum() / said
        rows.append(_row("persons", dimension, name, (group == name).sum(), theirs, ours))
    apart = sum(abs(row["difference"]) for row in rows) / 2
    rows.append({"quantity": "distance", "dimension": dimension, "group": ALL, "n": int((group != "").sum()),
                 "observed": np.nan, "run": np.nan, "difference": apart})
    return rows


def _means(table: Table, theirs: str, dimension: str, group: np.ndarray, kept: "pandas.DataFrame") -> list[dict]:
    """Means of a quantity over the groups of a dimension that somebody is in who says it."""
    values = np.array([np.nan if value is None else value for value in table[theirs]], float)
    rows = []
    for name, ours in kept[MEANS[theirs]].loc[dimension].items():
        who = (group == name) & ~np.isnan(values)
        if who.any():
            mean = np.average(values[who], weights=table["weight"][who])
            rows.append(_row(theirs, dimension, name, who.sum(), mean, ours))
    return rows


def _row(quantity: str, dimension: str, group: str, n: int, observed: float, ours: float) -> dict:
    return {"quantity": quantity, "dimension": dimension, "group": group, "n": int(n), "observed": float(observed),
            "run": float(ours), "difference": float(ours - observed)}


# ------------------------------------------------------------------------------------------------------------ showing


def lines(found: Found) -> list[str]:
    """A fit as text: a table, and what there is to say of it."""
    whole = {"n"}
    texts = {name: [_shown(value, name in whole) for value in column] for name, column in found.table.items()}
    wide = {name: max(map(len, [name, *cells])) for name, cells in texts.items()}
    left = {name for name, column in found.table.items() if column.dtype.kind not in "if"}

    def line(cells) -> str:
        return "  ".join(text.ljust(wide[name]) if name in left else text.rjust(wide[name])
                         for name, text in zip(texts, cells)).rstrip()

    return [found.notes[0], line(texts), *(line(cells) for cells in zip(*texts.values())), *found.notes[1:]]


def _shown(value, whole: bool) -> str:
    """A cell: three decimals below ten, one above; a dash where there is no number."""
    if isinstance(value, str):
        return value
    if np.isnan(value):
        return "-"
    return f"{value:d}" if whole else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def write(found: Found, path: Path):
    """Write a fit's table as CSV. Raises: BadInput."""
    try:
        path.write_text(found.table.to_csv(index=False, lineterminator="\n"), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{place_of(path)}: cannot be written: {error.strerror}") from None
