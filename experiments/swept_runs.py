"""Runs of a sweep that kept enough of themselves to be looked at like runs with a folder of their own."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.bench import DONE
from experiments.key_figures import Side
from experiments.store import Run
from experiments.sweep_folder import SweepFolder
from sim.config import BadInput
from sim.config.documents import place_of

if TYPE_CHECKING:
    import pandas

NEEDED = ("indicators", "journal/entries")  # without these nobody can be told who gains
NO_SEAL = "none: a run of a sweep"


class KeptTables:
    """The kept tables of a sweep, each read once and parted by run."""

    def __init__(self, folder: SweepFolder):
        self.folder = folder
        self._parted: dict[str, dict[int, pandas.DataFrame]] = {}

    @cached_property
    def _parts(self) -> dict:
        return self.folder.tables()

    def of(self, kind: str, run: int) -> "pandas.DataFrame":
        """A run's rows of a kind, as the run kept them. Raises: KeyError for a kind that was not kept."""
        if kind not in self._parted:
            whole = self._parts[kind.replace("/", "_")].whole().to_pandas()
            self._parted[kind] = {number: rows.drop(columns="run").reset_index(drop=True)
                                  for number, rows in whole.groupby("run", sort=False)}
        return self._parted[kind][run]


class SweptRun(Run):
    """A run of a sweep, with the tables that the sweep kept."""

    def __init__(self, tables: KeptTables, line: dict):
        folder = tables.folder
        scenario = folder.scenario(line["point"]) | {"seed": line["seed"]}
        super().__init__(folder.path, {"scenario": scenario, "head": line["head"], "seal": NO_SEAL,
                                       "versions": folder.certificate["versions"]})
        self._tables, self._line = tables, line

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of tables that the sweep kept."""
        return tuple(sorted(self._tables.folder.certificate["sweep"]["keep"]))

    def table(self, kind: str, columns: list[str] | None = None) -> "pandas.DataFrame":
        """A table, or some of its columns. Raises: KeyError for a kind that was not kept."""
        if kind not in self.kinds:
            raise KeyError(kind)
        whole = self._tables.of(kind, self._line["run"])
        return whole if columns is None else whole[columns]


def side_of(folder: SweepFolder, point: int, name: str) -> Side:
    """A point of a sweep with all its seeds as one side of a report.

    Raises: BadInput where the sweep has no such point, kept too little, or none of the point's runs ended well.
    """
    kept = folder.certificate["sweep"]["keep"]
    lacking = [kind for kind in NEEDED if kind not in kept or kept[kind] is not None]
    if lacking:
        raise BadInput(f"{place_of(folder.path)}: keeps not all of {' and '.join(lacking)}; expected a sweep that does")
    lines = lines_of(folder, point)
    tables = KeptTables(folder)
    return Side(Path(name), tuple(SweptRun(tables, line) for line in lines))


def lines_of(folder: SweepFolder, point: int) -> list[dict]:
    """The runs of a point that ended well, by seed. Raises: BadInput for no such point, or where there is none."""
    points = folder.certificate["sweep"]["points"]
    if not 0 <= point < points:
        raise BadInput(f"{place_of(folder.path)}: has no point {point}; expected 0 to {points - 1}")
    runs = folder.query(f"select run, point, seed, head from runs where point = {point} and status = '{DONE}' "
                        "order by seed")
    if not len(runs):
        raise BadInput(f"{place_of(folder.path)}: no run of point {point} ended well; see gridgig status")
    return runs.to_dict("records")
