"""The figures by which a run is judged first, how sure they are, and what they come to in three sentences."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.drawing import zones_with_load
from experiments.store import Run, is_run, open_run
from experiments.tongue import full_name, name_of, say
from sim.config import BadInput
from sim.config.documents import place_of
from sim.settlement.accounts import ACCOUNTS, BOOKS

if TYPE_CHECKING:
    import pandas

SURE = 0.95
SEEDS, MONTHS, NOTHING = "seeds", "months", "nothing"  # of what an interval is made
CLEAN = ("hydro", "wind", "wind_offshore", "solar", "nuclear", "biomass")


@dataclass(frozen=True)
class Side:
    """What is reported: one run, or several of one scenario that differ in their seed, by seed. The first is drawn."""

    path: Path
    runs: tuple[Run, ...]

    @classmethod
    def open(cls, path: Path) -> "Side":
        """A run's folder, or a folder of such folders. Raises: BadInput where it is neither, or scenarios differ."""
        found = [path] if is_run(path) else sorted(p for p in path.glob("*") if is_run(p)) if path.is_dir() else []
        if not found:
            raise BadInput(f"{place_of(path)}: holds no run; expected a folder of `gridgig run`, or one of those")
        runs = sorted((open_run(folder) for folder in found), key=lambda run: run.certificate["scenario"]["seed"])
        first, *others = ({k: v for k, v in run.certificate["scenario"].items() if k != "seed"} for run in runs)
        for run, scenario in zip(runs[1:], others):
            if scenario != first:
                raise BadInput(f"{place_of(run.path)}: another scenario than {place_of(runs[0].path)}; expected runs "
                               "that differ in their seed only")
        return cls(path, tuple(runs))

    @property
    def name(self) -> str:
        """What the side is called: its folder's name."""
        return self.path.resolve().name

    @property
    def run(self) -> Run:
        """The run that is drawn."""
        return self.runs[0]

    @property
    def scenario(self) -> dict:
        """The resolved scenario, as plain data."""
        return self.run.certificate["scenario"]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of its runs."""
        return tuple(run.certificate["scenario"]["seed"] for run in self.runs)


def measure(indicators: "pandas.DataFrame", entries: "pandas.DataFrame") -> dict[tuple[str, str], float]:
    """The key figures of some months, by what and unit; of what the months do not have, none."""
    sums = indicators.groupby(["indicator", "zone"], sort=False)["value"].sum()
    found: dict[tuple[str, str], float] = {}
    zones = zones_with_load(indicators)
    price = _weighted(indicators, "price", "load")
    found[say("mean price of electricity"), name_of("CNY/MWh")] = _mean(price, zones)
    for zone in zones if len(zones) > 1 else ():
        found[say("mean price in {}", full_name(zone)), name_of("CNY/MWh")] = _mean(price, [zone])
    left, months = net(entries), max(entries["month"].nunique(), 1)  # sums are of a month, so that months compare
    load = sums.get("load")[zones].sum()
    found[say("users' whole cost of electricity"), name_of("CNY/MWh")] = -left.get("users", np.nan) / load
    for account in ("plants", "stores"):
        if account in left:
            found[say("net income of {}", full_name(account)), name_of("M CNY/month")] = left[account] / 1e6 / months
    made = {name.partition(".")[2]: value for name, value in _totals(sums, "generation.").items()}
    clean = sum(made.get(technology, 0.0) for technology in CLEAN)
    found[say("clean share of generation"), "%"] = 100 * clean / max(sum(made.values()), 1e-9)
    shed = sums["shed"].sum() if "shed" in sums else np.nan
    found[say("load that was shed"), name_of("MWh/month")] = shed / months
    found |= _people(indicators, entries, months)
    return {key: float(value) for key, value in found.items() if value == value}


def _people(indicators: "pandas.DataFrame", entries: "pandas.DataFrame", months: int) -> dict[tuple[str, str], float]:
    """The key figures of the riders."""
    kept, found = set(indicators["indicator"]), {}
    if "riders" not in kept or not indicators.loc[indicators["indicator"] == "riders", "value"].sum():
        return found
    income, enrolled = (_weighted(indicators, name, "riders") for name in ("income", "enrolled_share"))
    cities = list(income.index)
    found[say("riders' mean income"), name_of("CNY/month")] = _mean(income, cities)
    found[say("riders who pay into the pension"), "%"] = 100 * _mean(enrolled, cities)
    if "take_up" in kept:
        found[say("of those entitled to the subsidy"), "%"] = 100 * _take_up(indicators)
    subsidy = entries.loc[entries["bill"] == "pension subsidy", "total"].sum() / 100
    found[say("pension subsidies paid by the platform"), name_of("M CNY/month")] = subsidy / 1e6 / months
    return found


def _weighted(indicators: "pandas.DataFrame", name: str, weight: str) -> "pandas.DataFrame":
    """Sums by place of an indicator times its weight, and of the weight, over months: columns value, weight."""
    both = indicators[indicators["indicator"].isin([name, weight])].pivot_table(
        index=["date", "zone"], columns="indicator", values="value", sort=False)
    both = both.dropna(subset=[name])
    table = both.assign(value=both[name] * both[weight], weight=both[weight])[["value", "weight"]]
    return table.groupby("zone", sort=False).sum()


def _mean(sums: "pandas.DataFrame", places: Iterable[str]) -> float:
    some = sums.loc[list(places)].sum()
    return some["value"] / some["weight"] if some["weight"] else np.nan


def _take_up(indicators: "pandas.DataFrame") -> float:
    """Enrolled share among the eligible, over cities and months."""
    wide = indicators[indicators["indicator"].isin(["take_up", "eligible_share", "riders"])].pivot_table(
        index=["date", "zone"], columns="indicator", values="value").dropna()
    could = wide["riders"] * wide["eligible_share"]
    return (could * wide["take_up"]).sum() / could.sum() if could.sum() else np.nan


def net(entries: "pandas.DataFrame") -> dict[str, float]:
    """CNY that each account received less what it paid; without those that only round books."""
    from experiments.plots_money import net_by_account

    left = net_by_account(entries)
    return {account: value for account, value in left.items()
            if account in ACCOUNTS and ACCOUNTS[account].sector != BOOKS}


def _totals(sums: "pandas.Series", prefix: str) -> dict[str, float]:
    names = sums.index.get_level_values("indicator")
    return sums[names.str.startswith(prefix)].groupby("indicator").sum().to_dict()


# ---------------------------------------------------------------------------------------------------------- intervals


def by_month(run: Run) -> list[dict[tuple[str, str], float]]:
    """The key figures of each month of a run."""
    indicators, entries = run.indicators, run.table("journal/entries")
    month = indicators["date"].astype("datetime64[s]").dt.strftime("%Y-%m")
    return [measure(indicators[month == name], entries[entries["month"] == name]) for name in entries["month"].unique()]


def whole(run: Run) -> dict[tuple[str, str], float]:
    """The key figures of a run's whole period."""
    return measure(run.indicators, run.table("journal/entries"))


def interval(values: list[float]) -> tuple[float, float, float]:
    """Mean of independent values and the ends of its 95 % interval, by Student's distribution."""
    from scipy.special import stdtrit

    sample = np.asarray(values, float)
    reach = stdtrit(len(sample) - 1, (1 + SURE) / 2) * sample.std(ddof=1) / np.sqrt(len(sample))
    return float(sample.mean()), float(sample.mean() - reach), float(sample.mean() + reach)


def key_table(sides: list[Side]) -> tuple["pandas.DataFrame", str]:
    """The key figures: columns what, unit, first, second (nan with one side), difference, low, high; and what an
    interval is made of.

    With one side the interval is that of `first`, with two that of the difference: over seeds, paired by seed, where
    there are two or more; else the lowest and the highest month; nothing where there is one month or months differ.
    """
    import pandas

    basis, rows = _basis(sides), []
    samples = [_samples(side, basis, _shared(sides)) for side in sides]
    values = [_means(found) if basis == SEEDS else whole(side.run) for side, found in zip(sides, samples)]
    for key in (key for key in values[0] if all(key in found for found in values)):
        first, second = values[0][key], values[1][key] if len(sides) == 2 else np.nan
        series = [[one.get(key, np.nan) for one in found] for found in samples]
        low, high = _ends(series[0] if len(sides) == 1 else [b - a for a, b in zip(*series)], basis)
        rows.append([*key, first, second, second - first, low, high])
    return pandas.DataFrame(rows, columns=["what", "unit", "first", "second", "difference", "low", "high"]), basis


def _shared(sides: list[Side]) -> list[int]:
    """Seeds that all sides have."""
    return sorted(set.intersection(*(set(side.seeds) for side in sides)))


def _basis(sides: list[Side]) -> str:
    """Of what intervals can be made."""
    if len(_shared(sides)) > 1:
        return SEEDS
    months = [tuple(side.run.table("journal/entries")["month"].unique()) for side in sides]
    return MONTHS if len(set(months)) == 1 and len(months[0]) > 1 else NOTHING


def _samples(side: Side, basis: str, seeds: list[int]) -> list[dict[tuple[str, str], float]]:
    """The key figures of a side by seed or by month."""
    if basis == SEEDS:
        return [whole(run) for run, seed in zip(side.runs, side.seeds) if seed in seeds]
    return by_month(side.run) if basis == MONTHS else []


def _means(found: list[dict[tuple[str, str], float]]) -> dict[tuple[str, str], float]:
    """Means over seeds of what every seed has."""
    return {key: float(np.mean([one[key] for one in found])) for key in found[0] if all(key in one for one in found)}


def _ends(values: list[float], basis: str) -> tuple[float, float]:
    """Low and high end of an interval."""
    known = [value for value in values if value == value]
    if len(known) < 2 or basis == NOTHING:
        return np.nan, np.nan
    return interval(known)[1:] if basis == SEEDS else (min(known), max(known))
