"""A sweep's folder as everybody may read it, at any moment: finished, running or killed.

Tables are those of the shards and of the log behind them; what was written in part is not seen.
"""

import fcntl
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from experiments.bench import DONE, Record
from experiments.sweep_records import LAYOUT, MARK, RUNS, SPENT, frames, is_sweep_folder, numbers, read_heads, tables_of
from sim.config import BadInput
from sim.config.documents import place_of

if TYPE_CHECKING:
    import pandas


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

    def tables(self) -> dict[str, Any]:
        """Arrow datasets or tables by name: runs, outcomes, points, and every kept kind; records of the log included.

        What a shard or the log holds counts once and only when whole.
        """
        import pyarrow
        from pyarrow import dataset

        logs = numbers(self.path / "log")  # before the shards: a log that becomes one is then seen there
        records = {n: self._records(n) for n in logs}
        shards = numbers(self.path / "shards")
        loose = [record for n, found in records.items() if n not in shards for record in found]
        files: dict[str, list[str]] = {}
        for number in shards:
            for file in sorted((self.path / "shards" / f"{number:06}").glob("*.parquet")):
                files.setdefault(file.stem, []).append(str(file))
        fresh = tables_of(loose)
        found = {}
        for name in {*files, *fresh, "runs", "outcomes"}:
            parts = [dataset.dataset(files[name])] if name in files else []
            parts += [dataset.dataset(fresh[name])] if name in fresh else []
            found[name] = parts[0] if len(parts) == 1 else dataset.dataset(parts)
        found["points"] = pyarrow.Table.from_pandas(self.points, preserve_index=False)
        return found

    def _records(self, number: int) -> list[Record]:
        try:
            return [record for _, record in frames(self.path / "log" / f"{number:06}.log")]
        except FileNotFoundError:  # has become a shard meanwhile
            return []

    def query(self, sql: str) -> "pandas.DataFrame":
        """What SQL says about the sweep's tables: runs (with its levers), outcomes, points, and what was kept
        (indicators, hourly_bus ...). Raises: BadInput for SQL that does not run."""
        import duckdb

        with duckdb.connect() as base:
            base.execute("SET enable_external_access = false")
            base.execute("SET lock_configuration = true")
            tables = self.tables()
            for name, table in tables.items():
                base.register("_runs" if name == "runs" else name, table)
            levers = ", ".join(f"p.{_quoted(name)}" for name in self.dimensions)
            base.execute(f"CREATE VIEW runs AS SELECT r.*, {levers} FROM _runs r JOIN points p USING (point)")
            try:
                answer = base.sql(sql)
                if answer is not None:
                    return answer.df()
                fault = "it answers nothing"
            except duckdb.Error as error:
                fault = str(error).strip().partition("\n")[0]
        raise BadInput(f"query: {fault}; expected SQL on {', '.join(sorted(tables))}")

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

    def holder(self) -> str | None:
        """Who works on it now."""
        try:
            with open(self.path / "lock", encoding="utf-8") as file:
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


def _quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def open_sweep(path: str | Path) -> SweepFolder:
    """A sweep's folder. Raises: BadInput where there is none, or one of another layout."""
    path = Path(path)
    if not is_sweep_folder(path):
        raise BadInput(f"{place_of(path)}: holds no sweep; expected a folder written by `gridgig sweep`")
    try:
        certificate = yaml.safe_load((path / "sweep.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{place_of(path / 'sweep.yaml')}: cannot be read: {str(error).partition(chr(10))[0]}") from None
    if not isinstance(certificate, dict) or certificate[MARK] != LAYOUT:
        raise BadInput(f"{place_of(path / 'sweep.yaml')}: {MARK}: another layout; expected {LAYOUT}")
    return SweepFolder(path, certificate)


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
        tables, written = folder.tables(), []
        for name, table in sorted(tables.items()):
            whole = table if isinstance(table, pyarrow.Table) else table.to_table()
            if name == "runs":
                whole = whole.drop_columns(list(SPENT))
            if name != "points":  # runs come in any order; the rows of a run are one behind the other
                order = pyarrow.compute.sort_indices(whole.append_column("_", pyarrow.array(range(len(whole)))),
                                                     [("run", "ascending"), ("_", "ascending")])
                whole = whole.take(order)
            csv.write_csv(whole, sink.work / f"{name}.csv")
            written.append(target / f"{name}.csv")
        sink.appear()
    return written
