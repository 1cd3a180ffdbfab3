"""The verbs of the command line for a notebook: each gives a pandas table.

    from experiments.notebook import run, plan, sweep, runs, outcomes, indicators, query, by_group, gain, fit
    from experiments.notebook import compare, sensitivity, discover, calibrate, search

A file is a path, or the name of one in `configs/scenarios` or `configs/sweeps`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.marks import find_scenario
from experiments.sweep_folder import open_sweep
from experiments.sweeps import find_sweep, read_sweep

if TYPE_CHECKING:
    import pandas

    from experiments.coverage_gain import Gain


def run(scenario: str | Path, changes: dict | None = None, seed: int | None = None) -> "pandas.DataFrame":
    """Live a scenario in memory; gives its indicators: date, zone, indicator, value, unit.

    changes: values by dotted key.  Raises: BadInput; what the model raises.
    """
    from sim.config import Change, load
    from sim.model import PolicyLab

    laid = [Change(key, value, "changes") for key, value in (changes or {}).items()]
    return PolicyLab(load(find_scenario(scenario), seed=seed, changes=laid)).run().results.indicators


def plan(file: str | Path, out: str | Path | None = None, jobs: int | None = None) -> "pandas.DataFrame":
    """One row: runs of a sweep, how many are left in its folder, CPU seconds of one and of all that are left.

    Raises: BadInput.
    """
    import pandas

    from experiments.sweeping import estimate

    wanted = read_sweep(find_sweep(file))
    found = estimate(wanted, out or Path("results") / wanted.name, jobs)
    return pandas.DataFrame([{"runs": found.runs, "left": found.left, "seconds a run": found.seconds,
                              "seconds in all": found.left * found.seconds, "workers": found.jobs}])


def sweep(file: str | Path, out: str | Path | None = None, jobs: int | None = None, dask: str | None = None,
          progress: bool = True) -> "pandas.DataFrame":
    """Live the runs of a sweep that its folder does not hold yet; gives its outcomes, a row a run.

    Raises: as `experiments.sweeping.sweep_into`.
    """
    from experiments.sweeping import sweep_into

    wanted = read_sweep(find_sweep(file))
    return outcomes(sweep_into(wanted, out or Path("results") / wanted.name, jobs, dask, progress).folder)


def runs(folder: str | Path) -> "pandas.DataFrame":
    """The runs of a sweep that are over: status, head, error, what they took, their levers. Raises: BadInput."""
    return open_sweep(folder).runs


def outcomes(folder: str | Path) -> "pandas.DataFrame":
    """A sweep's outcomes: a row a run, its levers, a column for each outcome. Raises: BadInput."""
    return open_sweep(folder).outcomes


def indicators(folder: str | Path) -> "pandas.DataFrame":
    """The indicators that a sweep kept, in the order of its runs. Raises: BadInput where it kept none."""
    return query(folder, "select * from indicators order by run")


def query(folder: str | Path, sql: str) -> "pandas.DataFrame":
    """What SQL says about a run's folder or a sweep's. Raises: BadInput."""
    from experiments.store import open_run
    from experiments.sweep_records import is_sweep_folder

    return (open_sweep(folder) if is_sweep_folder(folder) else open_run(folder)).query(sql)


def compare(*sides: str | Path, seeds: int = 3, jobs: int | None = None, out: str | Path = Path("results") / "compare",
            progress: bool = True) -> "pandas.DataFrame":
    """The first side against each other one, seed by seed: a row a figure, with interval, effect size and the share of
    seeds in which it is above.

    sides: run folders, points of a sweep (`DIR:POINT`), scenarios (`NAME[,KEY=VALUE...]`), which are lived under so
    many seeds.  Raises: as `experiments.comparing.compare`.
    """
    from experiments import comparing

    return comparing.compare([str(side) for side in sides], seeds, jobs, Path(out), progress=progress)[0]


def sensitivity(folder: str | Path, outcome: str, method: str = "pawn") -> "pandas.DataFrame":
    """What an outcome of a sweep depends on: a row a dimension. method: morris, sobol, pawn, delta. Raises: BadInput.
    """
    from experiments.sensitivity import cases, indices

    return indices(cases(open_sweep(folder), outcome), method)[0]


def discover(folder: str | Path, where: str, least: float = 0.1) -> "pandas.DataFrame":
    """Boxes of a sweep in which something happens, a row a peel: points, coverage, density, limits by dimension, and
    whether it is the proposed one. Raises: BadInput."""
    import pandas

    from experiments.discovery import discovered, proposed

    boxes, _, _ = discovered(Path(folder), where, least)
    best = proposed(boxes)
    return pandas.DataFrame([{"points": int(box.inside.sum()), "coverage": box.coverage, "density": box.density,
                              "proposed": box is best, "limits": box.limits, "by_chance": box.by_chance}
                             for box in boxes])


def calibrate(file: str | Path, out: str | Path | None = None, jobs: int | None = None, progress: bool = True
              ) -> tuple["pandas.DataFrame", "pandas.DataFrame"]:
    """Parameters (best fit, what is believed afterwards) and figures (targets and held out) of a calibration.

    Raises: as `experiments.calibration.calibrate`.
    """
    from experiments import calibration

    found = calibration.calibrate(calibration.read(file), out or Path("results") / Path(file).stem, jobs, progress)
    return found.parameters(), found.figures()


def search(file: str | Path, out: str | Path | None = None, jobs: int | None = None, progress: bool = True
           ) -> "pandas.DataFrame":
    """Candidates that nobody beat, with verdict, levers and objectives under fresh seeds.

    Raises: as `experiments.policy_search.search`.
    """
    from experiments import policy_search

    wanted = policy_search.read(file)
    return policy_search.search(wanted, out or Path("results") / Path(file).stem, jobs, progress).table()


def by_group(folder: str | Path, dimension: str = "all") -> "pandas.DataFrame":
    """Outcomes of riders' insurance in a run's folder, a row a month and group of a dimension. Raises: BadInput."""
    from experiments.riders_outcomes import by_group as found

    return found(folder, dimension)


def fit(folder: str | Path, file: str | Path, month: str | None = None, plain: bool = False) -> "pandas.DataFrame":
    """A run's folder against observed prices, a row a zone, or observed riders, a row a marginal; `file` is a CSV.

    month: of riders, the run's last.  plain: means of prices without weights.  Raises: BadInput.
    """
    from experiments.fit import fit as found
    from experiments.store import open_run

    return found(open_run(folder), Path(file), month, plain).table


def gain(scenario: str | Path, changes: Sequence[str] = (), seed: int | None = None) -> "Gain":
    """A scenario's riders with and without its pension subsidy: `gain("staged_2025").by_group("city")`, `.events()`.

    changes: `key=value`.  Raises: BadInput.
    """
    from experiments.coverage_gain import gain as found

    return found(find_scenario(scenario), changes, seed)
