"""Candidates that are lived generation by generation, for those who look for good ones: calibration, policy search.

Each generation is a sweep of its own, whose points are a list (`generation-003.csv`): so candidates are lived like all
runs, on workers, isolated from each other's failures, under the same seeds, and kept the moment they are over. Whoever
proposes them draws from addressed or seeded dice and knows nothing but what earlier generations brought. So a search
that was killed at any moment proposes the same candidates again, finds them lived, and goes on; it needs no memory of
its own.

    search/generation-000.yaml  generation-000.csv  generation-000/    a sweep file, its points, its folder
"""

import csv
import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from experiments.designs import Axis
from experiments.marks import find_scenario
from experiments.measures import Measure, vet
from experiments.sweeps import Lever, Sweep, Uncertainty, Whole, lever_axis, read_sweep, uncertain_axis, vary
from sim.config import BadInput, Change, Section, Shelf, bounded, load
from sim.config.documents import Document, place_of
from sim.config.worlds import Period, Text

Candidate = tuple  # a value for each dimension
Live = Callable[[int, Sequence[Candidate]], np.ndarray]  # generation and candidates: [candidate, replicate, outcome]


class Quest(Section):
    """What calibration and search files have in common: what is lived. title, question, source, scenario, period,
    constants: as of a sweep.  replicates: seeds of a candidate.  seed: of the proposals."""

    title: Text
    question: Text
    source: Text
    scenario: Text
    period: Period | None = None
    constants: dict[str, Any] = {}
    replicates: Whole = 3
    seed: bounded(int, ge=0, le=2**31) = 1


@dataclass
class Trials:
    """Lives candidates and remembers them. home: of the generations' sweeps.  quest: what is lived.
    dimensions: levers or uncertainties by name.  outcomes: measures by name, in the order of what comes back."""

    home: Path
    quest: Quest
    scenario: Path
    dimensions: Mapping[str, Lever | Uncertainty]
    outcomes: Mapping[str, Measure]
    jobs: int | None = None
    progress: bool = True
    lived: int = field(default=0, init=False)

    def live(self, generation: int, candidates: Sequence[Candidate], replicates: int | None = None,
             first_seed: int | None = None) -> np.ndarray:
        """Outcomes of candidates [candidate, replicate, outcome], nan where a run failed or recorded nothing.

        replicates, first_seed: other ones than the quest's.  Raises: as `experiments.sweeping.sweep_into`.
        """
        from experiments.pool import PoolError
        from experiments.sweep_folder import open_sweep
        from experiments.sweeping import sweep_into

        sweep = self._sweep(generation, candidates, replicates or self.quest.replicates, first_seed)
        swept = sweep_into(sweep, self.home / f"generation-{generation:03}", self.jobs, progress=self.progress)
        if swept.lost:
            raise PoolError(f"{len(swept.lost)} runs are lost: workers died on them; the same command goes on")
        self.lived += swept.lived
        found = np.full((len(candidates), len(sweep.seeds), len(self.outcomes)), np.nan)
        wide = open_sweep(swept.folder).outcomes
        found[wide["point"], wide["replicate"]] = wide[list(self.outcomes)].to_numpy(float)
        return found

    def _sweep(self, generation: int, candidates: Sequence[Candidate], replicates: int,
               first_seed: int | None) -> Sweep:
        """The sweep of a generation; its files are written where they are not there yet."""
        name = f"generation-{generation:03}"
        self.home.mkdir(parents=True, exist_ok=True)
        _keep(self.home / f"{name}.csv", _table(list(self.dimensions), candidates))
        said = self.quest.model_dump(mode="json", include={"title", "question", "source", "period", "constants"},
                                     exclude_none=True)
        kinds = {"levers": Lever, "uncertainties": Uncertainty}
        said |= {key: {name: one.model_dump(mode="json", exclude_defaults=True) for name, one in self.dimensions.items()
                       if isinstance(one, kind)} for key, kind in kinds.items()}
        said |= {"scenario": str(self.scenario), "replicates": replicates,
                 "outcomes": {name: measure_of(one) for name, one in self.outcomes.items()},
                 "design": {"kind": "csv", "file": f"{name}.csv"}}
        if first_seed is not None:
            said["first_seed"] = first_seed
        file = self.home / f"{name}.yaml"
        _keep(file, yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=120))
        return read_sweep(file)


def measure_of(outcome: Measure) -> dict[str, Any]:
    """The plain measure of an outcome that says more than a sweep's outcomes do."""
    return outcome.model_dump(mode="json", include=set(Measure.model_fields), exclude_defaults=True)


def _keep(file: Path, text: str):
    """Write a file of a search, once. Raises: BadInput where it is there and says something else."""
    if file.exists():
        if file.read_text(encoding="utf-8") != text:
            raise BadInput(f"{place_of(file)}: is of another search or other code; expected the same, or a new --out")
        return
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, file)


def _table(names: list[str], candidates: Sequence[Candidate]) -> str:
    """Candidates as CSV; numbers to the last bit."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([names, *([_cell(value) for value in candidate] for candidate in candidates)])
    return out.getvalue()


def _cell(value) -> str:
    return value if isinstance(value, str) else repr(value)


def opened(path: Path, document: Document, quest: Quest, under: str, measured: Mapping[str, Mapping[str, Measure]]
           ) -> tuple[Path, list[Axis]]:
    """The scenario that a file of a quest names (relative to it, or by its name in configs/scenarios), and the axes of
    what it varies; all of it tried: both ends of a range, every level, every measure.

    under: the key that holds what it varies.  measured: measures by the key that holds them.  Raises: BadInput.
    """
    scenario = _scenario_of(path, document, quest)
    shelf, place = Shelf(), document.place
    fixed = [Change(key, value, place(("constants", key))) for key, value in quest.constants.items()]
    for key in quest.constants:
        vary(document, ("constants", key), key)
    for end in ("start", "end") if quest.period else ():
        fixed.append(Change(f"period.{end}", getattr(quest.period, end).isoformat(), place(("period", end))))
    base = load(scenario, changes=fixed, shelf=shelf)
    for key, measures in measured.items():
        vet(measures, document, base.world, key)
    axes = []
    for name, given in getattr(quest, under).items():
        at = (under, name)
        axis = lever_axis(name, given, "csv") if isinstance(given, Lever) else uncertain_axis(name, given)
        bundles = (given.levels if isinstance(given, Lever) else None) or {}
        for value in axis.values or (axis.value(0.0), axis.value(1.0)):
            keys = bundles[value] if bundles else dict.fromkeys(given.keys or (name,), value)
            for key in keys:
                vary(document, at, key)
            load(scenario, changes=[*fixed, *(Change(key, what, place(at)) for key, what in keys.items())], shelf=shelf)
        axes.append(axis)
    return scenario, axes


def _scenario_of(path: Path, document: Document, quest: Quest) -> Path:
    """The scenario's file."""
    beside = path.parent / quest.scenario
    if beside.is_file():
        return beside.resolve()
    try:
        found = find_scenario(quest.scenario)
    except BadInput as error:
        raise BadInput(document.fault(("scenario",), str(error))) from None
    if not found.is_file():
        raise BadInput(document.fault(("scenario",), f"there is no scenario at {place_of(beside)}; expected a file, "
                                      "relative to this one"))
    return found.resolve()


class Proposer:
    """Optuna's samplers, asked for candidates and told what came of them. Optuna keeps nothing on disk: the sweeps do.

    axes: one a dimension; a range is proposed in the unit cube, levels by their position.  sampler: "tpe" for one
    objective to be made small, "nsga2" for several to be made large.  population: of a generation of nsga2.
    """

    def __init__(self, axes: Sequence[Axis], sampler: str, seed: int, objectives: int = 1, population: int = 16):
        try:
            import optuna
        except ImportError:
            raise BadInput("optuna is not installed; expected it, as after pip install 'gridgig[search]'") from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._axes, self._open = axes, []
        if sampler == "tpe":
            self._study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=0))
        else:
            breeder = optuna.samplers.NSGAIISampler(seed=seed, population_size=population)
            self._study = optuna.create_study(directions=["maximize"] * objectives, sampler=breeder)

    def know(self, units: np.ndarray, losses: np.ndarray):
        """Tell of candidates that nobody here proposed: coordinates [candidate, dimension], losses; nan is not told."""
        import optuna

        spread = {axis.name: optuna.distributions.FloatDistribution(0.0, 1.0) for axis in self._axes}
        for unit, loss in zip(units, losses):
            if not np.isnan(loss):
                params = dict(zip(spread, map(float, unit)))
                self._study.add_trial(optuna.trial.create_trial(params=params, distributions=spread, value=float(loss)))

    def ask(self, count: int) -> list[Candidate]:
        """The next candidates."""
        self._open = [self._study.ask() for _ in range(count)]
        return [tuple(self._suggested(trial, axis) for axis in self._axes) for trial in self._open]

    def ask_units(self, count: int) -> np.ndarray:
        """The next candidates of axes without levels, as coordinates [candidate, dimension]."""
        self._open = [self._study.ask() for _ in range(count)]
        return np.array([[trial.suggest_float(axis.name, 0.0, 1.0) for axis in self._axes] for trial in self._open])

    def _suggested(self, trial, axis: Axis):
        if not axis.values:
            return axis.value(trial.suggest_float(axis.name, 0.0, 1.0))
        ordered = all(isinstance(value, int | float) and not isinstance(value, bool) for value in axis.values)
        last = len(axis.values) - 1
        place = (trial.suggest_int(axis.name, 0, last) if ordered
                 else trial.suggest_categorical(axis.name, list(range(last + 1))))
        return axis.values[place]

    def tell(self, values: np.ndarray):
        """What came of those asked for last: [candidate] or [candidate, objective]; one with a nan failed."""
        import optuna

        for trial, value in zip(self._open, np.asarray(values, float)):
            if np.isnan(value).any():
                self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                self._study.tell(trial, value.tolist())
