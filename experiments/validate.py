"""Simulated against published figures: a history lived for several seeds, measured line by line, judged without pity.

The lines, what they must keep to and whether the drivers are enough to reach them stand in `configs/validation.yaml`;
how each is measured stands here, one function a line, over a run's indicators. A finished run is kept and used again as
long as its config and the code that made it are the same.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from experiments.audit import audit
from experiments.runner import code
from experiments.store import is_run, open_run
from sim.config import BadInput, Config, Section, load
from sim.config.documents import read_document, validate
from sim.config.scenarios import PROJECT

if TYPE_CHECKING:
    import pandas

FILE = PROJECT / "configs" / "validation.yaml"
KEPT = Path("results") / "validation"
TWH = 1e-6  # of a MWh
CARE_MONTHS = 75  # of care in critical illness, May 2019 to July 2025
OPENED, FIRST = 2014, 2021  # the market's first year; the first that is lived: before, entry and cover alone


class Line(Section):
    """A published figure. measure: name of the function that measures it.  of: the run that it is measured on.
    target: as published.

    least, most: what the mean over seeds must keep to.  reproducible: whether missing it is a failure.  reason: why it
    is or is not.
    """

    measure: str
    of: str = "history"
    unit: str
    target: str
    least: float | None = None
    most: float | None = None
    reproducible: bool
    reason: str
    source: str


class Lived(Section):
    """What is lived: a scenario (relative to this file), from its own start or another, to an end, for some seeds."""

    scenario: str
    start: str | None = None
    end: str
    seeds: Annotated[list[int], Field(min_length=1)]


class Validation(Section):
    """The file of published figures."""

    runs: dict[str, Lived]
    lines: dict[str, Line]


@dataclass(frozen=True)
class Judged:
    """A line with what was simulated. values: [seed].  verdict: met, missed, not reproducible, or stated."""

    key: str
    line: Line
    values: np.ndarray

    @property
    def met(self) -> bool:
        """Whether the mean over seeds keeps to the line's limits."""
        mean, line = float(self.values.mean()), self.line
        return (line.least is None or mean >= line.least) and (line.most is None or mean <= line.most)

    @property
    def failed(self) -> bool:
        """Whether the line was declared reproducible and is missed."""
        return self.line.reproducible and not self.met

    @property
    def verdict(self) -> str:
        """In a word or two; a line without limits only states what came out."""
        if self.line.least is None and self.line.most is None:
            return "stated"
        if self.met:
            return "met" if self.line.reproducible else "met, though not expected"
        return "MISSED" if self.line.reproducible else "not reproduced, as said"


class History:
    """One run's indicators, with what the years before it made of the market's opening."""

    def __init__(self, indicators: "pandas.DataFrame", config: Config):
        self.table = indicators.assign(year=[date.year for date in indicators["date"]])
        self.config = config

    def total(self, name: str, zone: str | None = None, years: range | None = None) -> float:
        """Sum of an indicator (or of all whose name begins with one that ends in a point) over months."""
        return float(self._some(name, zone, years)["value"].sum())

    def mean(self, name: str, zone: str, year: int) -> float:
        """Mean over the months of a year. Raises: KeyError where nothing was kept."""
        found = self._some(name, zone, range(year, year + 1))
        if not len(found):
            raise KeyError(f"{name} of {zone} in {year}")
        return float(found["value"].mean())

    def last(self, name: str, year: int, zone: str | None = None) -> float:
        """Sum over places (or of one) of the last value of a year."""
        found = self._some(name, zone, range(year, year + 1))
        return float(found[found["date"] == found["date"].max()]["value"].sum())

    def until(self, name: str, day: date) -> "pandas.DataFrame":
        """An indicator's rows up to a day."""
        return self.table[(self.table["indicator"] == name) & np.array([when <= day for when in self._days], bool)]

    def in_month(self, month: date) -> "pandas.DataFrame":
        """All rows of a month, named by its first day."""
        return self.table[[when == month for when in self._days]]

    @cached_property
    def _days(self) -> list[date]:
        return [date(when.year, when.month, when.day) for when in self.table["date"]]

    def _some(self, name: str, zone: str | None, years: range | None) -> "pandas.DataFrame":
        table = self.table
        named = table["indicator"].str.startswith(name) if name.endswith(".") else table["indicator"] == name
        mine = named & (True if zone is None else table["zone"] == zone)
        return table[mine & (True if years is None else table["year"].isin(years))]

    def contracts(self, year: int) -> float:
        """TWh traded inside Yunnan in a year: lived, or, before the run, by entry and cover alone."""
        return self.total("bought_ahead", "YN", range(year, year + 1)) * TWH if year >= FIRST else self.early[year]

    @property
    def early(self) -> dict[int, float]:
        """TWh of the years before the run: use x share of users who have registered x the cover that the law asks for,
        month by month from the market's first, with the same entry that a run lives."""
        from agents.cover import entered
        from sim.calendar import Month
        from sim.network.demand import opened

        world, found = self.config.world, {}
        classes, entry = world["user_classes"], world.settings.contracts.entry
        share = np.array([row.share * (row.zone == "YN") for row in classes])
        use = {row.year: row.annual for row in world["demand_years"] if row.zone == "YN"}
        registered, month = np.zeros(len(classes)), Month(OPENED, 1)
        while month.year < FIRST:
            rules = self.config.law.on(month.first)["contracts"]
            registered = entered(registered, opened(classes, rules.eligible), entry)
            traded = use[month.year] / 12 * float(share @ registered) * rules.cover
            found[month.year] = found.get(month.year, 0.0) + traded
            month = month.later(1)
        return found


def contracts_fyp14(h: History) -> float:
    """TWh, 2021 to 2025."""
    return sum(h.contracts(year) for year in range(2021, 2026))


def contracts_ratio(h: History) -> float:
    """2021 to 2025 over 2016 to 2020."""
    return contracts_fyp14(h) / sum(h.contracts(year) for year in range(2016, 2021))


def contracts_ever(h: History) -> float:
    """TWh, 2014 to 2025."""
    return sum(h.contracts(year) for year in range(OPENED, 2026))


def contracts_2024(h: History) -> float:
    """TWh."""
    return h.contracts(2024)


def contracts_2025(h: History) -> float:
    """TWh."""
    return h.contracts(2025)


def rises(h: History) -> float:
    """Years of 2015 to 2025 in which more was traded than the year before."""
    path = [h.contracts(year) for year in range(OPENED, 2026)]
    return float(sum(after > before for before, after in zip(path, path[1:])))


def traded_share_2025(h: History) -> float:
    """Contracts inside Yunnan over all its consumption."""
    year = range(2025, 2026)
    return h.total("bought_ahead", "YN", year) / (h.total("load", "YN", year) + h.total("large_users", "YN", year))


def clean_share_2025(h: History) -> float:
    """Energy of water, wind and sun in contracts inside Yunnan over all of it."""
    year = range(2025, 2026)
    clean = sum(h.total(f"contracted.{kind}", "YN", year) for kind in ("hydro", "wind", "solar"))
    return clean / h.total("contracted.", "YN", year)


def exports_fyp14(h: History) -> float:
    """TWh sent from Yunnan to the southern grid, 2021 to 2025."""
    return sum(h.total(f"exports.{zone}", "YN", range(2021, 2026)) for zone in ("GD", "GX", "GZ")) * TWH


def increments(h: History) -> float:
    """TWh of clean energy above what was agreed, on days that the spot settled, 2023 to 2025."""
    return h.total("increment.", "YN", range(2023, 2026)) * TWH


def cross_area_2025(h: History) -> float:
    """TWh of Yunnan's origin sent to East China."""
    return h.total("cross_area_origin", None, range(2025, 2026)) * TWH


def foreign_2025(h: History) -> float:
    """Companies registered at the year's end."""
    return h.last("foreign_entities", 2025)


def storage_break_even(h: History, year: int = 2026) -> float:
    """Capacity income at which a battery in Yunnan earns its cost of capital, CNY/kW-yr: as the year closed."""
    return h.last("break_even.battery", year, "YN")


def storage_with(h: History, year: int = 2026) -> float:
    """What a battery in Yunnan earns beyond its cost with the income of the regulation-capacity market, CNY/kW-yr."""
    return h.mean("regulation_capacity_price", "YN", year) - storage_break_even(h, year)


def storage_with_2025(h: History) -> float:
    """The same of 2025."""
    return storage_with(h, 2025)


def storage_without(h: History) -> float:
    """The same without that income."""
    return -storage_break_even(h)


def joint_gain(h: History) -> float:
    """bn CNY that joint clearing saved on all days that the spot settled."""
    return h.total("joint_gain") / 1e9


def free_certificates_2025(h: History) -> float:
    """Millions of certificates of existing hydro that went to Yunnan's buyers without a price."""
    return h.total("free_certificates", "YN", range(2025, 2026)) / 1e6


def traced_gap_2025(h: History) -> float:
    """The largest part of a technology's generation of 2025 that was traced to no user, or to more than one."""
    year = range(2025, 2026)
    names = set(h.table["indicator"][h.table["indicator"].str.startswith("generation.")])
    made = {name: h.total(name, years=year) for name in names}
    return max(abs(h.total(name.replace("generation.", "traced."), years=year) - energy) / energy
               for name, energy in made.items() if energy > 0)


def kunming_subsidy(h: History) -> float:
    """CNY a month that a rider of Kunming who is eligible gets back, by the law of November 2025."""
    rules = h.config.law.on(date(2025, 11, 1))
    pension = rules["pension"]
    return rules["pension_subsidy"].match * pension.flex_rate * pension.base["kunming"]


def injury_premium(h: History) -> float:
    """bn CNY that the platform paid by October 2025, since the pilots of July 2022."""
    return float(h.until("paid.injury_premium", date(2025, 10, 31))["value"].sum()) / 1e9


def injury_person_times(h: History, last: date = date(2025, 10, 31)) -> float:
    """Millions of persons by October 2025, each counted once for as long as he rides, when he first carries an insured
    order."""
    return float(h.until("injury_person_times", last)["value"].sum()) / 1e6


def injury_person_times_in_july(h: History) -> float:
    """The same by July 2025."""
    return injury_person_times(h, date(2025, 7, 31))


def injury_covered(h: History) -> float:
    """Share of the orders of October 2025, in the cities where the scheme has begun, on which the premium was paid."""
    month = date(2025, 10, 1)
    rules, now = h.config.law.on(date(2025, 10, 31))["injury_insurance"], h.in_month(month)
    begun = [city for city, start in rules.start.items() if start.first <= month]
    orders = now[(now["indicator"] == "orders") & now["zone"].isin(begun)]["value"].sum()
    each = sum(share * rules.premium[sector] for sector, share in rules.sectors.items())
    return float(now[now["indicator"] == "paid.injury_premium"]["value"].sum() / (orders * rules.reported * each))


def critical_illness(h: History) -> float:
    """M CNY that the platform granted from May 2019 to July 2025, months before the run at the mean of its own."""
    paid = h.until("paid.critical_illness", date(2025, 7, 31))
    return float(paid.groupby("date")["value"].sum().mean()) * CARE_MONTHS / 1e6


def share_of_riders(h: History, name: str, month: date) -> float:
    """A share of riders, mean over cities by their riders."""
    now = h.in_month(month).pivot_table(index="zone", columns="indicator", values="value")
    known = now[[name, "riders"]].dropna()
    return float(np.average(known[name], weights=known["riders"]))


def migrants(h: History) -> float:
    """Riders whose hukou is of another city, December 2025."""
    return share_of_riders(h, "migrant_share", date(2025, 12, 1))


def crossed(h: History) -> float:
    """Riders who have worked in two cities, December 2025."""
    return share_of_riders(h, "crossed_share", date(2025, 12, 1))


def temporary(h: History) -> float:
    """Riders who see their work as temporary, March 2025, before the first subsidy."""
    return share_of_riders(h, "temporary_share", date(2025, 3, 1))


def temporary_falls(h: History) -> float:
    """How much less that is in November 2026, a year after the whole country has the subsidy."""
    return temporary(h) - share_of_riders(h, "temporary_share", date(2026, 11, 1))


def eligible_enrolled(h: History, month: date) -> float:
    """Enrolled among the eligible, over all cities by their eligible riders."""
    now = h.in_month(month).pivot_table(index="zone", columns="indicator", values="value")
    known = now[["take_up", "eligible_share", "riders"]].dropna()
    return float(np.average(known["take_up"], weights=known["eligible_share"] * known["riders"]))


def take_up_before(h: History) -> float:
    """Enrolled among who will be eligible, October 2025, a month before the whole country has the subsidy."""
    return eligible_enrolled(h, date(2025, 10, 1))


def take_up_after(h: History) -> float:
    """The same in November 2026."""
    return eligible_enrolled(h, date(2026, 11, 1))


def entities(h: History) -> float:
    """Thousands of accounts that have entered the market, December 2025."""
    return h.last("accounts.entered", 2025) / 1e3


def retail_users(h: History) -> float:
    """Thousands of accounts that somebody serves, December 2025."""
    return sum(h.last(f"accounts.{state}", 2025) for state in ("default", "package", "fallen")) / 1e3


def signed(h: History) -> float:
    """TWh of packages that were delivered, 2021 to 2025."""
    return h.total("package_energy.", years=range(2021, 2026)) * TWH


def credit_saves(h: History) -> float:
    """Share of default losses that credit saves over five years of retail at the same swinging prices."""
    return _credit(h).share


def credit_costs(h: History) -> float:
    """M CNY that guarantees cost in these five years, beyond the losses that they save."""
    found = _credit(h)
    return float(found.fees.sum() - (found.lost[:, 1] - found.lost[:, 0]).sum()) / 1e6


def _credit(h: History):
    """Credit's rehearsal on the run's scenario and seed."""
    from experiments import rehearsal

    return rehearsal.credit_saves(h.config.path, (h.config.seed,))


MEASURES: dict[str, Callable[[History], float]] = {measure.__name__: measure for measure in (
    contracts_fyp14, contracts_ratio, contracts_ever, contracts_2024, contracts_2025, rises, traded_share_2025,
    clean_share_2025, exports_fyp14, increments, cross_area_2025, foreign_2025, storage_break_even, storage_with,
    storage_with_2025, storage_without, joint_gain, free_certificates_2025, traced_gap_2025,
    kunming_subsidy, injury_premium, injury_person_times, injury_person_times_in_july, injury_covered,
    critical_illness, migrants, crossed, temporary, temporary_falls, take_up_before, take_up_after,
    entities, retail_users, signed, credit_saves, credit_costs)}


# ------------------------------------------------------------------------------------------------------------- running


def read(path: Path = FILE) -> Validation:
    """The file of published figures. Raises: BadInput, also for a measure that nobody knows."""
    from sim.config.sections import nearest

    document = read_document(path)
    found = validate(document, Validation)
    for key, line in found.lines.items():
        if line.measure not in MEASURES:
            what = f"unknown measure{nearest(line.measure, MEASURES)}"
            raise BadInput(document.fault(("lines", key, "measure"), what))
        if line.of not in found.runs:
            raise BadInput(document.fault(("lines", key, "of"), f"unknown run{nearest(line.of, found.runs)}"))
    return found


def judge(wanted: Validation, path: Path = FILE, jobs: int | None = None, say=print) -> list[Judged]:
    """Live what must be lived and judge every line. say: called with a line of progress.

    Raises: BadInput; what a run raises.
    """
    asked = [(name, path.parent / lived.scenario, seed, lived.start, lived.end)
             for name, lived in wanted.runs.items() for seed in lived.seeds]
    configs = [load(scenario, seed=seed, start=start, end=end) for _, scenario, seed, start, end in asked]
    folders = [KEPT / f"{fingerprint(config)}-{config.seed}" for config in configs]
    missing = [(one[1:], folder) for one, folder in zip(asked, folders) if not is_run(folder)]
    say(f"{len(folders)} runs, {len(folders) - len(missing)} kept from before")
    with ProcessPoolExecutor(min(jobs or os.cpu_count() or 1, max(len(missing), 1))) as pool:
        for (_, folder), head in zip(missing, pool.map(_live, missing)):
            say(f"lived {folder.name}: head {head[:16]}")
    for folder in folders:
        if faults := audit(folder).faults:  # a run that was changed since is no evidence
            raise BadInput(f"{folder}: {faults[0]}; expected an unchanged run (remove the folder to live it anew)")
    histories: dict[str, list[History]] = {name: [] for name in wanted.runs}
    for (name, *_), folder, config in zip(asked, folders, configs):
        histories[name].append(History(open_run(folder).indicators, config))
    return [Judged(key, line, np.array([MEASURES[line.measure](history) for history in histories[line.of]]))
            for key, line in wanted.lines.items()]


def _live(asked: tuple) -> str:
    """Live one seed into its folder; gives the head."""
    from experiments.runner import run

    (scenario, seed, start, end), folder = asked
    return run(load(scenario, seed=seed, start=start, end=end), folder, progress=False).head


def fingerprint(config: Config) -> str:
    """What a run depends on: its config with every file of world and law, and the code of world and actors."""
    said = json.dumps(config.resolved(), sort_keys=True, default=str)
    return hashlib.sha256(f"{said}{code()}".encode()).hexdigest()[:16]


def table(judged: list[Judged]) -> Iterator[str]:
    """Lines of text: target in short, simulated mean and range, verdict; then what was missed; then targets in full
    with their sources."""
    short = {one.key: one.line.target.partition(" (")[0].partition(", ")[0] for one in judged}
    key, target, unit = (max(len(text) for text in texts) + 2 for texts in zip(
        *((one.key, short[one.key], one.line.unit) for one in judged)))
    yield f"{'line':{key}}{'target':>{target}}  {'simulated':>10}{'range':>25}  {'unit':{unit}}verdict"
    for one in judged:
        low, high = one.values.min(), one.values.max()
        yield (f"{one.key:{key}}{short[one.key]:>{target}}  {one.values.mean():10.4g}"
               f"{f'{low:.4g} .. {high:.4g}':>25}  {one.line.unit:{unit}}{one.verdict}")
    yield ""
    for one in judged:
        if not one.met or not one.line.reproducible:
            yield f"{one.key}: {one.line.target}; {one.line.reason}"
    yield ""
    for one in judged:
        yield f"source    {one.key}: {one.line.target}; {one.line.source}"
