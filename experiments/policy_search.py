"""Policy search: levers that no others beat in all objectives at once, by more than the noise of the seeds.

    title: ...                                   # as a sweep: question, source, scenario, period, constants, replicates
    levers:                                      # as a sweep's: values, range or levels
      law.pension_subsidy.match: {range: [0, 1]}
    objectives:                                  # as a sweep's outcomes, with a goal
      coverage: {indicator: enrolled_share, unit: share, months: last, weight: riders, goal: most}
      cost: {indicator: fiscal_cost, unit: CNY, aggregate: sum, goal: least}
    population: 16                               # candidates of a generation
    generations: 6
    confirm: 10                                  # fresh seeds under which those that are left are lived again

Candidates breed by NSGA-II on means over seeds, the same seeds for all. Whoever is best of many on the same few seeds
is so by luck too; so those that nobody beats are lived again under fresh seeds, and what is told of them is what these
say. Source: [Deb2002], as Optuna has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from experiments import pareto
from experiments.candidates import Candidate, Live, Proposer, Quest, Trials, opened
from experiments.designs import Axis
from experiments.measures import Measure
from experiments.paired import half_width
from experiments.sweeps import Lever, Whole
from sim.config import BadInput, bounded
from sim.config.documents import place_of, read_document, validate

if TYPE_CHECKING:
    import pandas

SHOWN = 30  # candidates that are printed


class Objective(Measure):
    """What is wanted. goal: as much of it as possible, or as little."""

    goal: Literal["most", "least"]


class SearchFile(Quest):
    """A search file."""

    levers: Annotated[dict[str, Lever], Field(min_length=1)]
    objectives: Annotated[dict[str, Objective], Field(min_length=2)]
    population: bounded(int, ge=4, le=10_000) = 16
    generations: Whole = 6
    confirm: bounded(int, ge=2, le=10_000) = 10


@dataclass(frozen=True)
class Search:
    """A search, validated. axes: of levers.  fresh: the first seed that breeding does not see."""

    file: SearchFile
    scenario: Path
    axes: list[Axis]
    fresh: int

    @property
    def signs(self) -> np.ndarray:
        """1 for an objective that is to be large, -1 for one that is to be small."""
        return np.array([1.0 if one.goal == "most" else -1.0 for one in self.file.objectives.values()])


def read(path: str | Path) -> Search:
    """Read a search file with its scenario, and try all of it. Raises: BadInput, one line."""
    from sim.config import load

    path = Path(path)
    document = read_document(path)
    file = validate(document, SearchFile)
    scenario, axes = opened(path, document, file, "levers", {"objectives": file.objectives})
    return Search(file, scenario, axes, load(scenario).seed + file.replicates)


@dataclass(frozen=True)
class Found:
    """What came of a search.

    candidates: all that were lived.  bred: their outcomes while breeding [candidate, replicate, objective].
    left: positions of those that nobody beat then.  confirmed: outcomes of these under fresh seeds.
    verdicts: of these, by the fresh seeds.
    """

    wanted: Search
    candidates: list[Candidate]
    bred: np.ndarray
    left: np.ndarray
    confirmed: np.ndarray
    verdicts: np.ndarray

    def table(self) -> "pandas.DataFrame":
        """A row a candidate that was confirmed: verdict, levers, and of each objective mean and half its 95 % interval
        (`+- NAME`) under fresh seeds; by verdict, then by the first objective."""
        import pandas

        file, rows = self.wanted.file, []
        for at, values, verdict in zip(self.left, self.confirmed, self.verdicts):
            row = {"candidate": int(at), "verdict": verdict} | dict(zip(file.levers, self.candidates[at]))
            for i, name in enumerate(file.objectives):
                row |= {name: values[:, i].mean(), f"+- {name}": float(half_width(values[:, i]))}
            rows.append(row)
        order = {verdict: i for i, verdict in enumerate((pareto.STANDS, pareto.DOUBT, pareto.BEATEN, pareto.FAILED))}
        table = pandas.DataFrame(rows).assign(_order=[order[row["verdict"]] for row in rows])
        return table.sort_values(["_order", next(iter(file.objectives))]).drop(columns="_order").reset_index(drop=True)

    @property
    def lines(self) -> list[str]:
        """In lines of text."""
        return told(self)

    def write(self, home: Path) -> list[Path]:
        """Write the table as CSV and the front as a picture; gives their paths."""
        from experiments.plots_search import front

        files = [home / "front.csv", home / "front.png"]
        try:
            self.table().to_csv(files[0], index=False)
            front(self).savefig(files[1], dpi=150, metadata={"Software": None})
        except OSError as error:
            raise BadInput(f"{place_of(home)}: nothing can be written there: {error.strerror}") from None
        return files


def search(wanted: Search, home: str | Path, jobs: int | None = None, progress: bool = True) -> Found:
    """Search; runs are kept in a folder, the same call goes on from there. Raises: as `candidates.Trials.live`."""
    file = wanted.file
    trials = Trials(Path(home), file, wanted.scenario, file.levers, file.objectives, jobs, progress)
    return bred(wanted, trials.live, lambda generation, candidates: trials.live(
        generation, candidates, file.confirm, wanted.fresh))


def bred(wanted: Search, live: Live, confirm: Live) -> Found:
    """Breed generations and confirm what is left. live: gives outcomes under the seeds of breeding, confirm: under
    fresh ones. A candidate that comes again is not lived again. Raises: BadInput where no candidate can be judged."""
    file, signs = wanted.file, wanted.signs
    proposer = Proposer(wanted.axes, "nsga2", file.seed, len(file.objectives), file.population)
    known: dict[Candidate, np.ndarray] = {}
    for generation in range(file.generations):
        asked = proposer.ask(file.population)
        fresh = [candidate for candidate in dict.fromkeys(asked) if candidate not in known]
        if fresh:
            known |= zip(fresh, live(generation, fresh))
        proposer.tell(signs * np.stack([known[candidate].mean(axis=0) for candidate in asked]))
    candidates, values = list(known), np.stack(list(known.values()))
    left = unbeaten(values * signs)
    if not len(left):
        raise BadInput("search: every candidate failed; see gridgig status of generation-000")
    confirmed = confirm(file.generations, [candidates[at] for at in left])
    verdicts = pareto.verdicts(confirmed * signs)
    if (verdicts == pareto.FAILED).all():
        raise BadInput(f"search: all that were left failed under fresh seeds; see gridgig status of "
                       f"generation-{file.generations:03}")
    return Found(wanted, candidates, values, left, confirmed, verdicts)


def unbeaten(values: np.ndarray) -> np.ndarray:
    """Positions of candidates that nobody beats, in doubt or not. values: larger the better."""
    said = pareto.verdicts(values)
    return np.flatnonzero((said == pareto.STANDS) | (said == pareto.DOUBT))


def told(found: Found) -> list[str]:
    """A search in lines of text."""
    file, table = found.wanted.file, found.table()
    counts = {verdict: int((table["verdict"] == verdict).sum()) for verdict in table["verdict"].unique()}
    lines = [f"{file.title}: {len(found.candidates)} candidates in {file.generations} generations, {file.replicates} "
             f"seeds each", f"{len(found.left)} were beaten by nobody; under {file.confirm} fresh seeds "
             + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()), ""]
    names, goals = list(file.objectives), [f"{name} [{one.unit}], {one.goal}" for name, one in file.objectives.items()]
    widths = [max(len(text), 12) + 2 for text in [*file.levers, *goals]]
    heads = _row([*file.levers, *goals], widths)
    lines.append(f"{'':<9}{heads}")
    for row in table.head(SHOWN).to_dict("records"):
        cells = [_shown(row[name]) for name in file.levers]
        cells += [f"{_shown(row[name])} +- {row[f'+- {name}']:.2g}" for name in names]
        lines.append(f"{row['verdict']:<9}{_row(cells, widths)}")
    if len(table) > SHOWN:
        lines.append(f"({len(table) - SHOWN} more in front.csv)")
    return lines


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths))


def _shown(value) -> str:
    """A value as one reads it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
