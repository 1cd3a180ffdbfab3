"""A sweep's folder as everybody may read it, at any moment: finished, running or killed.

Tables are those of the shards and of the log behind them; what was written in part is not seen.
"""

import fcntl
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from experiments.bench import DONE, Record
from experiments.store import certificate_of
from experiments.sweep_records import LAYOUT, MARK, RUNS, SPENT, homes, is_sweep_folder, parts_of, read_heads, tables_of
from sim.config import BadInput
from sim.config.documents import place_of

if TYPE_CHECKING:
    import pandas
    import pyarrow


class SweepFolder:
    """A sweep as it lies in its folder, finished or not; tables are read when asked for.

    certificate: sweep.yaml as plain data.
    """

    def __init__(self, path: Path, certificate: dict[str, Any]):
        self.path, self.certificate = path, certificate

    @property
    def wanted(self) -> int:
        """How many runs the sweep has."""
        return self.certificate["sweep"]["points"] * len(self.certificate["sweep"]["seeds"])

    @cached_property
    def points(self) -> "pandas.DataFrame":
        """The design: point, a column for each dimension, and its coordinate in the unit cube."""
        from pyarrow import parquet

        return parquet.read_table(self.path / "points.parquet").to_pandas()

    @property
    def runs(self) -> "pandas.DataFrame":
        """A row a run that is over: run, point, replicate, seed, status, head, error, what it took, its levers."""
        return self.query("select * from runs order by run")

    @property
    def outcomes(self) -> "pandas.DataFrame":
        """A row a run that ended well: run, point, replicate, the dimensions, and a column for each outcome."""
        names = list(self.certificate["sweep"]["outcomes"])
        long = self.query("select * from outcomes order by run")
        wide = long.pivot(index="run", columns="outcome", values="value").reindex(columns=names).reset_index()
        wide.columns.name = None
        known = self.runs[self.runs["status"] == DONE].drop(columns=[*RUNS[3:], *SPENT])
        return known.merge(wide, on="run").reset_index(drop=True)

    def tables(self) -> dict[str, "Parts"]:
        """Where each table's rows are, by name: runs, outcomes, and every kept kind (indicators, hourly_bus ...).

        What a shard or the log holds counts once and only when whole.
        """
        files: dict[str, list[Path]] = {}
        loose: list[Record] = []
        for home in homes(self.path):
            shards, records = parts_of(home)
            loose += records
            for file in sorted(file for shard in shards for file in shard.glob("*.parquet")):
                files.setdefault(file.stem, []).append(file)
        fresh = tables_of(loose)
        return {name: Parts(files.get(name, []), fresh.get(name)) for name in sorted({*files, *fresh})}

    def query(self, sql: str) -> "pandas.DataFrame":
        """What SQL says about the sweep's tables: runs (with its levers), outcomes, points, and what was kept.

        It sees these files and nothing else of the machine. Raises: BadInput for SQL that does not run.
        """
        import duckdb

        tables = self.tables()
        with duckdb.connect() as base:
            allowed = ", ".join(_text(str(file)) for parts in tables.values() for file in parts.files)
            base.execute(f"SET allowed_paths = [{allowed}]")
            base.execute("SET enable_external_access = false")
            base.execute("SET lock_configuration = true")
            base.register("points", self.points)
            levers = ", ".join(f"p.{_quoted(name)}" for name in self.dimensions)
            for name, parts in tables.items():
                rows = parts.rows(base, f"_loose_{name}")
                if name == "runs":
                    rows = f"SELECT r.*, {levers} FROM ({rows}) r JOIN points p USING (point)"
                base.execute(f"CREATE VIEW {name} AS {rows}")
            try:
                answer = base.sql(sql)
                if answer is not None:
                    return answer.df()
                fault = "it answers nothing"
            except duckdb.Error as error:
                fault = str(error).strip().partition("\n")[0]
        raise BadInput(f"query: {fault}; expected SQL on {', '.join(sorted([*tables, 'points']))}")

    @property
    def dimensions(self) -> list[str]:
        """Names of levers and uncertainties: columns of `points`, `runs` and `outcomes`."""
        return [name for name in self.points.columns
                if name not in ("point", "settings") and not name.startswith("unit: ")]

    def scenario(self, point: int) -> dict[str, Any]:
        """A point's scenario as plain data, with the seed of the first replicate."""
        scenario = json.loads(json.dumps(self.certificate["sweep"]["scenario"]))
        for key, value in json.loads(self.points["settings"][point]).items():
            root, _, rest = key.partition(".")
            if root == "law":
                scenario["law"] = _without_dates(scenario["law"], rest) | {rest: value}
                continue
            into, steps = scenario, key.split(".")
            for step in steps[:-1]:
                into = into.setdefault(step, {})
            into[steps[-1]] = value
        return scenario

    def missing(self) -> list[int]:
        """Runs that are not over, in order."""
        return sorted(set(range(self.wanted)) - {head["run"] for head in read_heads(self.path)})

    def holders(self) -> list[str]:
        """Who works on it now."""
        return [text for home in homes(self.path) if (text := holder(home))]


class Parts(NamedTuple):
    """The rows of one table. files: of shards.  loose: of records that are in no shard yet."""

    files: list[Path]
    loose: "pyarrow.Table | None"

    def rows(self, base, name: str) -> str:
        """SQL that gives all rows. base: the connection, which learns the loose ones by a name."""
        some = []
        if self.files:
            some.append(f"SELECT * FROM read_parquet([{', '.join(_text(str(file)) for file in self.files)}])")
        if self.loose is not None and (len(self.loose) or not self.files):
            base.register(name, self.loose)
            some.append(f"SELECT * FROM {name}")
        return " UNION ALL BY NAME ".join(some)

    def whole(self) -> "pyarrow.Table":
        """All rows, those of a run together and in their order."""
        import pyarrow
        from pyarrow import parquet

        parts = [parquet.read_table(file) for file in self.files]
        parts += [] if self.loose is None else [self.loose]
        table = pyarrow.concat_tables(parts, promote_options="default")
        place = table.append_column("_", pyarrow.array(range(len(table)), pyarrow.int64()))
        return table.take(pyarrow.compute.sort_indices(place, [("run", "ascending"), ("_", "ascending")]))


def holder(home: Path) -> str | None:
    """Who has the lock of a home: what he wrote into it."""
    try:
        with open(home / "lock", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().strip()
    except OSError:
        return None
    return None


def _without_dates(law: dict[str, Any], path: str) -> dict[str, Any]:
    """A scenario's patch without what it says by day of a parameter that is now set for good."""
    if "@" in path:
        return law
    return {name: value for name, value in law.items()
            if not (name.partition("@")[0].startswith(f"{path}.") or ("@" in name and name.partition("@")[0] == path))}


def _text(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def open_sweep(path: str | Path) -> SweepFolder:
    """A sweep's folder. Raises: BadInput where there is none, or one of another layout."""
    path = Path(path)
    if not is_sweep_folder(path):
        raise BadInput(f"{place_of(path)}: holds no sweep; expected a folder written by `gridgig sweep`")
    return SweepFolder(path, certificate_of(path / "sweep.yaml", MARK, LAYOUT))


def export_sweep(folder: SweepFolder, target: Path) -> list[Path]:
    """Write a sweep's tables as CSV into a new folder, in the order of runs and without what no two machines share
    (what a run took, where it failed in the code): the same runs give the same bytes, whoever lived them when.

    Raises: BadInput where the target exists and is not an empty folder.
    """
    import pyarrow
    from pyarrow import csv

    from experiments.store import Folder

    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise BadInput(f"{place_of(target)}: exists already; expected a new folder")
    with Folder(target) as sink:
        tables = {name: parts.whole() for name, parts in folder.tables().items()}
        tables["runs"] = tables["runs"].drop_columns(list(SPENT))
        tables["points"] = pyarrow.Table.from_pandas(folder.points, preserve_index=False)
        for name, table in sorted(tables.items()):
            csv.write_csv(table, sink.work / f"{name}.csv")
        sink.appear()
    return [target / f"{name}.csv" for name in sorted(tables)]
