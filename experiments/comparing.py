"""What one scenario has that another has not: figures paired by seed, and who gains and who loses.

A side is a run's folder (or a folder of runs that differ in their seed), a point of a sweep, `DIR:POINT`, or a
scenario, `SCENARIO[,KEY=VALUE...]`, which is lived. The first side is what the others are compared with.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from experiments import key_figures
from experiments.key_figures import Side
from experiments.marks import find_scenario
from experiments.paired import paired
from experiments.swept_runs import NEEDED, lines_of, side_of
from sim.config import BadInput
from sim.config.documents import read_value
from sim.settlement.accounts import ACCOUNTS, SECTORS

if TYPE_CHECKING:
    import pandas

    from experiments.sweep_folder import SweepFolder

HOME = Path("results") / "compare"
LONG = 100  # characters of a file's name
FIGURES, OUTCOMES, SECTOR, ACCOUNT, ZONE, DECILE = (
    "key figures", "outcomes", "sectors", "accounts", "zones at their prices", "riders by tenth of income")
DECILES = "populations/riders_by_decile"
KEEP = {"indicators": None, "journal/entries": None, "populations/riders": None, DECILES: None}
HOURLY = {"hourly/bus": None, "hourly/corridor": None}
COLUMNS = ("other", "group", "what", "unit", "before", "after", "difference", "low", "high", "effect", "above", "seeds")

Figures = dict[tuple[str, str, str], float]  # by group, what, unit


@dataclass(frozen=True)
class Compared:
    """One of those that are compared. figures: by seed.  side: its whole runs, None where outcomes are all there is."""

    name: str
    figures: dict[int, Figures]
    side: Side | None


def compare(arguments: Sequence[str], seeds: int = 1, jobs: int | None = None, home: Path = HOME, hourly: bool = False,
            progress: bool = True) -> tuple["pandas.DataFrame", list[Compared]]:
    """The first of the arguments against each of the others: a row a figure, columns COLUMNS; and what was compared.

    seeds: of a scenario that is lived.  home: where such runs are kept: what is there is not lived again.
    hourly: keep their hourly tables, for the report's pictures.  Raises: BadInput; what a sweep raises.
    """
    if len(arguments) < 2:
        raise BadInput("compare: one side; expected two or more")
    sides = [_open(argument, seeds, jobs, home, hourly, progress) for argument in arguments]
    return table(sides), sides


def table(sides: Sequence[Compared]) -> "pandas.DataFrame":
    """The first side against each other one, by the figures and seeds that both have. Raises: BadInput for none."""
    import pandas

    first, rows = sides[0], []
    for other in sides[1:]:
        seeds = sorted({*first.figures} & {*other.figures})
        if not seeds:
            raise BadInput(f"{first.name} and {other.name}: no seed in common; expected runs paired by seed")
        known = first.figures[seeds[0]].keys() & other.figures[seeds[0]].keys()
        for key in (key for key in first.figures[seeds[0]] if key in known):
            samples = [[side.figures[seed].get(key, np.nan) for seed in seeds] for side in (first, other)]
            rows.append((other.name, *key, *paired(*samples)))
    return pandas.DataFrame(rows, columns=COLUMNS)


# ------------------------------------------------------------------------------------------------------------- opening


def _open(argument: str, seeds: int, jobs: int | None, home: Path, hourly: bool, progress: bool) -> Compared:
    """What an argument means."""
    from experiments.sweep_folder import is_sweep_folder, open_sweep

    path, _, point = argument.rpartition(":")
    if path and point.isdigit() and is_sweep_folder(path):
        return _of_point(open_sweep(path), int(point))
    if is_sweep_folder(argument):
        raise BadInput(f"{argument}: is a sweep; expected one point of it, as {argument}:0")
    if Path(argument).is_dir():
        side = Side.open(Path(argument))
        return _of_side(side.name, side)
    return _lived(argument, seeds, jobs, home, hourly, progress)


def _of_point(folder: "SweepFolder", point: int) -> Compared:
    """A point of a sweep: its outcomes, and where it kept whole runs who gains."""
    name = f"{folder.path.name}:{point}"
    kept, wide = folder.certificate["sweep"]["keep"], folder.outcomes
    units = {key: said["unit"] for key, said in folder.certificate["sweep"]["outcomes"].items()}
    rows = wide.loc[wide["point"] == point].set_index("replicate")
    seeds = folder.certificate["sweep"]["seeds"]
    lines_of(folder, point)  # says what is wrong where there is nothing
    figures = {seeds[replicate]: {(OUTCOMES, key, unit): float(row[key]) for key, unit in units.items()}
               for replicate, row in rows.iterrows()}
    if not all(kind in kept and kept[kind] is None for kind in NEEDED):
        return Compared(name, figures, None)
    whole = _of_side(name, side_of(folder, point, name))
    return Compared(name, {seed: figures[seed] | more for seed, more in whole.figures.items()}, whole.side)


def _lived(argument: str, seeds: int, jobs: int | None, home: Path, hourly: bool, progress: bool) -> Compared:
    """A scenario, lived as a sweep of one point, so that it goes on where it was stopped."""
    from experiments.pool import PoolError
    from experiments.sweep_folder import open_sweep
    from experiments.sweeping import sweep_into
    from experiments.sweeps import read_sweep

    name, text = scenario_sweep(argument, seeds, hourly)
    home.mkdir(parents=True, exist_ok=True)
    stem = f"{_file_name(name)}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    file = home / f"{stem}.yaml"
    written = file.with_name(f".{file.name}.{os.getpid()}")
    written.write_text(text, encoding="utf-8")
    os.replace(written, file)
    sweep = read_sweep(file)
    swept = sweep_into(sweep, home / f"{stem}-{sweep.digest[:8]}", jobs, progress=progress)
    if swept.lost:
        raise PoolError(f"{name}: {len(swept.lost)} runs are lost, workers died on them; the same command goes on")
    return _of_side(name, side_of(open_sweep(swept.folder), 0, name))


def _file_name(name: str) -> str:
    """A name that a file may have; of a long one the beginning and a digest."""
    plain = re.sub(r"[^A-Za-z0-9._=-]+", "_", name)
    return plain if len(plain) <= LONG else f"{plain[:LONG]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def scenario_sweep(argument: str, seeds: int, hourly: bool = False) -> tuple[str, str]:
    """The name of `SCENARIO[,KEY=VALUE...]` and the text of a sweep file of one point that lives it. Raises: BadInput.
    """
    given, *changes = re.split(r",(?=[a-z_]+\.[^,=]+=)", argument)
    path = find_scenario(given)
    constants = {}
    for change in changes:
        key, _, value = change.partition("=")
        constants[key] = read_value(value, "compare", (key,))
    name = " ".join([path.stem, *changes])
    data = {"title": name, "question": f"What becomes of {name}?", "source": f"{path.name}, lived to be compared",
            "scenario": str(path.resolve()), "constants": constants, "levers": {"scenario": {"levels": {name: {}}}},
            "outcomes": {"entries": {"indicator": "entries", "unit": "count", "aggregate": "sum"}},
            "design": {"kind": "grid"}, "replicates": seeds, "keep": KEEP | (HOURLY if hourly else {})}
    return name, yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)


# ------------------------------------------------------------------------------------------------------------- figures


def _of_side(name: str, side: Side) -> Compared:
    """A side's figures by seed."""
    return Compared(name, {seed: figures_of(run) for run, seed in zip(side.runs, side.seeds)}, side)


def figures_of(run) -> Figures:
    """What a run comes to: key figures; what accounts and sectors have left; zones and deciles."""
    indicators, entries = run.indicators, run.table("journal/entries")
    measured = key_figures.measure(indicators, entries)
    found: Figures = {(FIGURES, what, unit): value for (what, unit), value in measured.items()}
    left = key_figures.net(entries)
    sums = {sector: sum(value for account, value in left.items() if ACCOUNTS[account].sector == sector) / 1e6
            for sector in SECTORS if any(ACCOUNTS[account].sector == sector for account in left)}
    found |= {(SECTOR, sector, "M CNY"): value for sector, value in sums.items()}
    found |= {(ACCOUNT, account, "M CNY"): value / 1e6 for account, value in left.items()}
    found |= dict(_zones(indicators))
    if DECILES in run.kinds:
        found |= dict(_deciles(run.table(DECILES)))
    return found


def _zones(indicators: "pandas.DataFrame") -> Iterator[tuple[tuple[str, str, str], float]]:
    """What users of a zone pay for its load, and its plants get for what they make, at the zone's monthly price."""
    wide = indicators[indicators["indicator"].isin(["price", "load"])].pivot_table(
        index=["date", "zone"], columns="indicator", values="value", sort=False)
    made = indicators[indicators["indicator"].str.startswith("generation.")].groupby(["date", "zone"])["value"].sum()
    wide["made"] = made.reindex(wide.index).fillna(0.0)
    for zone, some in wide.groupby("zone", sort=False):
        if some["load"].sum() > 0:
            yield (ZONE, f"{zone}: users", "M CNY"), float(-(some["price"] * some["load"]).sum() / 1e6)
        if some["made"].sum() > 0:
            yield (ZONE, f"{zone}: plants", "M CNY"), float((some["price"] * some["made"]).sum() / 1e6)


def _deciles(tenths: "pandas.DataFrame") -> Iterator[tuple[tuple[str, str, str], float]]:
    """Income of a rider, and share who pay into the pension, by tenth of income within the city."""
    for number, some in tenths[tenths["persons"] > 0].groupby("decile"):
        weight = some["persons"] / some["persons"].sum()
        yield (DECILE, f"{number}: income", "CNY/month"), float((some["income"] * weight).sum())
        yield (DECILE, f"{number}: enrolled", "%"), float(100 * (some["enrolled"] * weight).sum())


# ------------------------------------------------------------------------------------------------------------- telling

MOST = {ACCOUNT: 8}  # rows of a group that are printed: those that move most


def told(rows: "pandas.DataFrame", first: str) -> list[str]:
    """The comparison in lines of text. first: what the others are compared with."""
    lines: list[str] = []
    for other, mine in rows.groupby("other", sort=False):
        seeds = int(mine["seeds"].max())
        lines += ["", f"{first} -> {other}: {seeds} seed{'s' if seeds > 1 else ''}, paired"]
        if seeds < 2:
            lines.append("One seed is one weather: there is no interval, and no chance of one above the other.")
        for group, some in mine.groupby("group", sort=False):
            lines += _group(group, some)
        moved = int((mine["difference"] != 0).sum())
        if not moved:
            lines += ["", "Nothing differs."]
        elif seeds > 1:
            sure = int(((mine["low"] > 0) | (mine["high"] < 0)).sum())
            lines += ["", f"{sure} of {moved} intervals do not hold zero; if only chance moved these figures, "
                      f"{moved / 20:.0f} would not."]
    return lines[1:]


def _group(group: str, some: "pandas.DataFrame") -> Iterator[str]:
    """A group's rows that differ, under its heading; of accounts those that move most."""
    moved = some[some["difference"] != 0]
    if group in MOST:
        order = moved["difference"].abs().sort_values(ascending=False, kind="stable").index
        moved = moved.loc[order[:MOST[group]]]
    yield ""
    yield (f"{group:<46}{'before':>11}{'after':>11}{'difference':>12}{'95 % from':>11}{'to':>10}{'effect':>8}"
           f"{'P(above)':>10}")
    for row in moved.itertuples():
        yield (f"{f'{row.what} [{row.unit}]'[:45]:<46}{_number(row.before):>11}{_number(row.after):>11}"
               f"{_number(row.difference):>12}{_number(row.low):>11}{_number(row.high):>10}{_number(row.effect, 2):>8}"
               f"{_number(row.above, 2):>10}")
    if same := int((some["difference"] == 0).sum()):
        yield f"({same} of {len(some)} do not differ)"


def _number(value: float, digits: int | None = None) -> str:
    """A number of the table; a dash where there is none."""
    if np.isnan(value):
        return "-"
    size = abs(value)
    digits = digits if digits is not None else 0 if size >= 10_000 else 1 if size >= 100 else 3
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if not float(text.replace(",", "")) else text


def reports(sides: Sequence[Compared], home: Path, lang: str) -> list[Path]:
    """Write the page of the first side against each other one of whole runs; gives their paths."""
    from experiments.report import write

    whole = [side for side in sides if side.side is not None]
    if sides[0].side is None or len(whole) < 2:
        return []
    home.mkdir(parents=True, exist_ok=True)
    pages = []
    for other in whole[1:]:
        name = _file_name(f"{sides[0].name}-to-{other.name}")
        pages.append(write([sides[0].side, other.side], home / f"{name}.html", lang))
    return pages

