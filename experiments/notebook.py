"""The verbs of the command line for a notebook: each gives a pandas table.

    from experiments.notebook import run, plan, sweep, runs, outcomes, indicators, query, by_group, gain

A file is a path, or the name of one in `configs/scenarios` or `configs/sweeps`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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

    path = _file(scenario)
    laid = [Change(key, value, "changes") for key, value in (changes or {}).items()]
    return PolicyLab(load(path, seed=seed, changes=laid)).run().results.indicators


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


def by_group(folder: str | Path, dimension: str = "all") -> "pandas.DataFrame":
    """Outcomes of riders' insurance in a run's folder, a row a month and group of a dimension. Raises: BadInput."""
    from experiments.riders_outcomes import by_group as found

    return found(folder, dimension)


def gain(scenario: str | Path, changes: Sequence[str] = (), seed: int | None = None) -> "Gain":
    """A scenario's riders with and without its pension subsidy: `gain("staged_2025").by_group("city")`, `.events()`.

    changes: `key=value`.  Raises: BadInput.
    """
    from experiments.coverage_gain import gain as found

    return found(_file(scenario), changes, seed)


def _file(scenario: str | Path) -> Path:
    """The file of a scenario given as a path or a bare name."""
    from sim.config.scenarios import PROJECT

    path = Path(scenario)
    named = not path.suffix and path.name == str(scenario)
    return PROJECT / "configs" / "scenarios" / f"{scenario}.yaml" if named else path
