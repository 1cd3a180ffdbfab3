"""Who is covered because of a pension subsidy, and who would have paid anyway: a scenario lived twice, row by row.

    gridgig gain staged_2025 --out results/gain

Two worlds of the same seed live side by side, one with the subsidy and one in which a change of the scenario takes it
away. Draws are addressed, so a row holds the same person in both until a subsidy changes what he does. Of each
subsidised rider-month the other world tells whether it would have been paid for without: **additional** if the same
person did not pay there, **windfall** if he did; where another person sits in his row, because the subsidy kept him
riding, nobody knows what he would have done (**stayed**).

Subsidies also change who is covered without one: who pays in a month in which he is not eligible, or because friends do
(**spillover**), who does not though he would have (**lost**), and who has come or gone (**turned**). So

    covered - covered_without = additional + spillover - lost + turned.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.event_study import Study, known_effects, study
from experiments.riders_alone import Lived, RidersAlone
from experiments.riders_outcomes import Diary, vet
from sim.calendar import Month
from sim.config import BadInput, Config, load
from sim.outcomes import ALL, DIMENSIONS, Seen

if TYPE_CHECKING:
    import pandas

    from sim.model import PolicyLab

SUBSIDY = "pension subsidy"
WITHOUT = ("instruments.pension_subsidy=false",)
PERSONS = ("persons", "covered", "covered_without", "subsidised", "additional", "windfall", "stayed", "spillover",
           "lost", "turned")
MONEY = ("cost", "cost_additional", "cost_windfall", "cost_stayed")  # CNY, in the month that earned it


@dataclass(frozen=True)
class Gain:
    """What a subsidy did. months: a row a month and group, columns date, dimension, group, PERSONS and MONEY.
    outcomes, outcomes_without: of the two worlds, as `riders_outcomes.by_group` has them.  starts: month by city."""

    title: str
    months: "pandas.DataFrame"
    outcomes: "pandas.DataFrame"
    outcomes_without: "pandas.DataFrame"
    starts: dict[str, Month]

    def by_group(self, dimension: str = ALL) -> "pandas.DataFrame":
        """The whole period by group: means of PERSONS a month, sums of MONEY, the windfall's part of the money, and CNY
        a year for each rider more who is covered: all that was paid over all that was gained. Raises: BadInput for an
        unknown dimension."""
        vet(dimension)
        mine = self.months[self.months["dimension"] == dimension].groupby("group", sort=False)
        found = mine[list(PERSONS)].mean().join(mine[list(MONEY)].sum())
        known = found["cost_additional"] + found["cost_windfall"]
        gained = (found["covered"] - found["covered_without"]) * mine.size()
        return found.assign(windfall_share=found["cost_windfall"] / known.where(known > 0),
                            cost_a_rider_year=12 * found["cost"] / gained.where(gained > 0))

    def coverage(self, without: bool = False) -> "pandas.DataFrame":
        """Enrolled share of riders by city (index) and month (columns), with the subsidy or without."""
        outcomes = self.outcomes_without if without else self.outcomes
        mine = outcomes[outcomes["dimension"] == "city"]
        wide = mine.pivot_table(index="group", columns="date", values="coverage", sort=False)
        return wide.set_axis([Month.of(date.date()) for date in wide.columns], axis="columns")

    def study(self) -> Study:
        """The event study of the enrolled share by city, as who sees this world alone would make it. Raises: BadInput
        for a roll-out without stages."""
        return study(self.coverage(), self.starts)

    def events(self) -> "pandas.DataFrame":
        """The event study's table, and beside it, as `known`, what the other world says. Raises: as `study`."""
        found = self.study()
        known = known_effects(self.coverage(), self.coverage(without=True), self.starts, found)
        return found.table.assign(known=known)

    def table(self, dimension: str) -> list[str]:
        """The period by group, as lines of text."""
        found = self.by_group(dimension)
        shown = {"riders": found["persons"].map("{:,.0f}".format)}
        shares = {"covered %": "covered", "without %": "covered_without", "subsidised %": "subsidised"}
        for name, column in shares.items():
            shown[name] = (100 * found[column] / found["persons"]).map("{:.2f}".format)
        shown |= {"M CNY": (found["cost"] / 1e6).map("{:,.1f}".format),
                  "windfall %": (100 * found["windfall_share"]).map("{:.0f}".format),
                  "CNY a year for a rider more": found["cost_a_rider_year"].map("{:,.0f}".format)}
        return found[[]].assign(**shown).to_string().replace("nan", "  -").splitlines()

    @property
    def study_lines(self) -> list[str]:
        """The event study as lines of text, or why there is none."""
        try:
            events = self.events()
        except BadInput as reason:
            return [str(reason)]
        points = events.assign(**{name: 100 * events[name] for name in ("effect", "low", "high", "known")})
        return ["event study of the enrolled share by city, points; known: difference to the world without",
                *points.to_string(index=False, float_format="{:.2f}".format).splitlines()]

    @property
    def lines(self) -> list[str]:
        """What it comes to, in a few lines of text."""
        all_of = self.by_group().loc[ALL]
        count = self.months["date"].nunique()
        known = all_of["cost_additional"] + all_of["cost_windfall"]
        said = [f"{self.title}: {count} months, {all_of['persons']:,.0f} riders a month",
                f"covered {100 * all_of['covered'] / all_of['persons']:.2f} % of them, without the subsidy "
                f"{100 * all_of['covered_without'] / all_of['persons']:.2f} %",
                f"subsidised {all_of['subsidised']:,.0f} a month: {all_of['additional']:,.0f} additional, "
                f"{all_of['windfall']:,.0f} would have paid anyway, {all_of['stayed']:,.0f} would not ride",
                f"paid {all_of['cost'] / 1e6:,.1f} M CNY"]
        if known > 0:
            said[-1] += f", of what is known {100 * all_of['windfall_share']:.0f} % to who would have paid anyway"
        if all_of["cost_a_rider_year"] > 0:
            said.append(f"a rider more who is covered costs {all_of['cost_a_rider_year']:,.0f} CNY a year")
        return said


def gain(scenario: str | Path, changes: Sequence[str] = (), seed: int | None = None, start: str | None = None,
         end: str | None = None, without: Sequence[str] = WITHOUT) -> Gain:
    """Live the riders of a scenario with and without its subsidy.

    changes: `key=value`, of both worlds.  without: those that take the subsidy away in the other one.
    Raises: BadInput; also for a scenario that never subsidises.
    """
    config, other = (load(scenario, set=[*changes, *more], seed=seed, start=start, end=end) for more in ((), without))
    starts = _starts(config)
    one, bare = RidersAlone(config), RidersAlone(other)
    return compared(config.title, zip(one.months(), bare.months()), Diary(one), Diary(bare), starts)


def _starts(config: Config) -> dict[str, Month]:
    """The month in which each city's riders are served first. Raises: BadInput where nobody ever is."""
    rules = config.law.on(config.end).get("pension_subsidy")
    if rules is None:
        raise BadInput(f"{config.path}: pension_subsidy: is off or not in force on {config.end}; expected a subsidy to "
                       "compare with none")
    return dict(rules.start)


def whole_months(lab: "PolicyLab") -> Iterator[Lived]:
    """The months of a whole lab, electricity and all, as of riders alone; it must not have lived yet."""
    waiting: list = []
    while lab.running:
        lab.step()
        if lab.calendar.now.closes_month:
            posted = [posting.leg.transfer for posting in lab.journal.last]
            known = {id(transfer) for transfer in waiting}
            made = [transfer for transfer in (*posted, *lab.journal.pending) if id(transfer) not in known]
            waiting = list(lab.journal.pending)
            yield Lived(lab.calendar.now.month, lab.facts.people, made, posted, lab.riders.net)


def compared(title: str, months: Iterable[tuple[Lived, Lived]], diary: Diary, bare: Diary, starts: dict[str, Month]
             ) -> Gain:
    """What two worlds that live side by side differ by: of riders alone, or whole labs (`whole_months`).

    months: of both, in step.  diary, bare: theirs.  starts: month by city.
    """
    import pandas

    parts = [by_group(split(one, other), diary.take(one), bare.take(other)) for one, other in months]
    table = pandas.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return Gain(title, table, diary.outcomes, bare.outcomes, starts)


def split(one: Lived, other: Lived) -> dict[str, np.ndarray]:
    """What became of each row's persons, by column, [row] of the world with the subsidy; money in fen of one person.

    Raises: ValueError for two months, or rows of two sizes.
    """
    people, bare = one.people, other.people
    if one.month != other.month or not np.array_equal(people.weight, bare.weight):
        raise ValueError(f"{one.month} with {len(people.weight)} rows beside {other.month} with {len(bare.weight)}: "
                         "expected two worlds of one scenario in step")
    cost = np.zeros(len(people.identity), np.int64)
    for transfer in one.transfers:
        if transfer.bill == SUBSIDY:
            cost[np.searchsorted(people.identity, transfer.row)] += transfer.amount
    got, same = cost > 0, people.identity == bare.identity
    pays, paid = people.enrolled, bare.enrolled
    kinds = {"additional": got & same & ~paid, "windfall": got & same & paid, "stayed": got & ~same}
    turned = np.where(same, 0, pays.astype(int) - paid)
    return {
        "persons": np.ones(len(cost)), "covered": pays, "subsidised": got, **kinds,
        "spillover": pays & ~got & same & ~paid, "lost": ~pays & same & paid, "turned": turned, "cost": cost,
        **{f"cost_{kind}": cost * who for kind, who in kinds.items()}}


def by_group(rows: dict[str, np.ndarray], seen: Seen, bare: Seen) -> dict[str, np.ndarray]:
    """Sums over the persons of each group of each dimension; who is covered without stands in his group there."""
    weight, parts = seen.people.weight, []
    for dimension in (ALL, *DIMENSIONS):
        names = seen.labels[dimension] if dimension != ALL else (ALL,)
        nobody = np.zeros(len(weight), np.int64)
        code, there = ((nobody, nobody) if dimension == ALL else (one.codes[dimension] for one in (seen, bare)))
        sums = {name: np.bincount(code, values * weight, len(names)) for name, values in rows.items()}
        sums["covered_without"] = np.bincount(there, bare.people.enrolled * weight, len(names))
        parts.append({"date": np.repeat(np.datetime64(seen.people.month.first, "D"), len(names)),
                      "dimension": np.repeat(np.array([dimension], object), len(names)),
                      "group": np.array(names, object), **{name: sums[name] for name in PERSONS},
                      **{name: sums[name] / 100 for name in MONEY}})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def write(found: Gain, folder: Path) -> Iterator[Path]:
    """Write the tables as CSV and, where the roll-out has stages, the event study and its picture; gives the paths.
    Raises: BadInput where they cannot be written."""
    from experiments.plots_people import event_study

    tables = {name: getattr(found, name) for name in ("months", "outcomes", "outcomes_without")}
    with suppress(BadInput):  # a roll-out without stages has no event study, which `study_lines` says
        tables["event_study"] = found.events()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            table.to_csv(folder / f"{name}.csv", index=False)
            yield folder / f"{name}.csv"
        if "event_study" in tables:
            event_study(tables["event_study"]).savefig(folder / "event_study.png", dpi=160)
            yield folder / "event_study.png"
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written: {error.strerror}") from None
