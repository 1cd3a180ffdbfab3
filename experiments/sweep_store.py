"""A sweep on disk: a folder that one coordinator writes and everybody may read, at any moment.

    sweep.yaml           birth certificate: the sweep, resolved, what it ran on, the digest of its code
    points.parquet       the design: a row a point, a column a dimension, and their coordinates in the unit cube
    log/000007.log       records of finished runs, appended one by one: what a kill -9 leaves is whole but for the last
    shards/000006/       a full log as Parquet: runs, outcomes and the kept tables; appears in one step, only when whole
    lock                 who works on it

A run's record is in the log as soon as the run is over; a log becomes a shard when it is long enough or the sweep ends.
The catalogue is the list of shards and the records of the log: a run that stands there is done, whatever was lost.
Coordinator and readers share no state, so a sweep can be queried while it runs.
"""

import fcntl
import json
import os
import re
import shutil
import socket
import struct
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from experiments.bench import DONE, FAILED, Record, unpack
from sim.config import BadInput
from sim.config.documents import place_of

if TYPE_CHECKING:
    import pandas
    import pyarrow

    from experiments.sweeps import Sweep

MARK = "gridgig-sweep"  # first key of sweep.yaml
LAYOUT = 1
MAGIC = b"GGR1"
FRAME = struct.Struct("<4sIQI")  # magic, length of head, length of body, checksum of both
MOST_RUNS, MOST_BYTES = 500, 64 << 20  # of a log before it becomes a shard
RUNS = ("run", "point", "replicate", "seed", "status", "head", "error")  # what is the same however often it is lived
SPENT = ("seconds", "cpu", "trace", "settings")


class StoreError(Exception):
    """The folder cannot take what a run brought; what it holds is whole."""


def is_sweep_folder(path: str | Path) -> bool:
    """Whether a folder holds a sweep of ours."""
    try:
        with open(Path(path) / "sweep.yaml", encoding="utf-8") as file:
            return file.readline().startswith(f"{MARK}:")
    except (OSError, UnicodeDecodeError):
        return False


# --------------------------------------------------------------------------------------------------------- the log


def frame(record: Record) -> bytes:
    """A record as it stands in the log."""
    head = json.dumps(record.head, allow_nan=False).encode()
    checksum = zlib.crc32(record.body, zlib.crc32(head))
    return FRAME.pack(MAGIC, len(head), len(record.body), checksum) + head + record.body


def frames(path: Path) -> Iterator[tuple[int, Record]]:
    """Whole records of a log, each with where it ends; whatever follows the last of them was not finished."""
    with open(path, "rb") as file:
        end = 0
        while len(start := file.read(FRAME.size)) == FRAME.size:
            magic, head_length, body_length, checksum = FRAME.unpack(start)
            rest = file.read(head_length + body_length) if magic == MAGIC else b""
            if len(rest) != head_length + body_length or zlib.crc32(rest) != checksum:
                return
            end += FRAME.size + len(rest)
            yield end, Record(json.loads(rest[:head_length]), rest[head_length:])


# ------------------------------------------------------------------------------------------------------------ writing


class Store:
    """The folder of a sweep in the hands of its one coordinator, as a context.

    Entering takes the lock, makes or checks the folder and mends what a killed coordinator left; `done` then holds the
    runs that need not be lived again. Raises: BadInput for a folder of another sweep, in other hands, or not writable.
    """

    def __init__(self, path: str | Path, sweep: "Sweep", versions: dict[str, Any]):
        self.path, self.sweep = Path(os.path.realpath(path)), sweep
        self._certificate = {"sweep": sweep.resolved, **versions}
        self.done: set[int] = set()
        self.failed = 0

    def __enter__(self) -> "Store":
        shown = place_of(self.path)
        if self.path.exists() and not self.path.is_dir():
            raise BadInput(f"{shown}: is a file; expected a folder for a sweep, or a name for a new one")
        if self.path.is_dir() and not is_sweep_folder(self.path) and _foreign(self.path):
            raise BadInput(f"{shown}: holds other things than a sweep; expected a new name, or an earlier sweep's folder")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock()
            try:
                self._open()
            except BaseException:
                self._unlock()
                raise
        except OSError as error:
            raise BadInput(f"{shown}: nothing can be written there: {error.strerror or error}") from None
        return self

    def __exit__(self, kind, *exception):
        try:
            if kind is None or not issubclass(kind, StoreError):
                self.seal()
        finally:
            os.close(self._log)
            self._unlock()

    def _lock(self):
        """Take the lock. The system gives it back when its holder dies, however he dies; the text says who holds it."""
        self._held = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._held, 200).decode(errors="replace").strip()
            os.close(self._held)
            raise BadInput(f"{place_of(self.path)}: another sweep works on it ({holder}); expected it to end, or "
                           "another folder") from None
        os.ftruncate(self._held, 0)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        os.write(self._held, f"process {os.getpid()} on {socket.gethostname()} since {now}\n".encode())

    def _unlock(self):
        os.ftruncate(self._held, 0)
        os.close(self._held)  # which gives the lock back

    def _open(self):
        """Make the folder, or see that it is this sweep's; mend it; open the log."""
        for name in ("log", "shards"):
            (self.path / name).mkdir(exist_ok=True)
        if is_sweep_folder(self.path):
            self._same()
        else:
            self._found()
        for stray in (self.path / "shards").glob(".*"):
            shutil.rmtree(stray)
        self._number = max([-1, *_numbers(self.path / "shards"), *_numbers(self.path / "log")])
        for number in _numbers(self.path / "log"):
            log = self._log_of(number)
            if (self.path / "shards" / f"{number:06}").exists():
                log.unlink()  # killed between the two: the shard is whole
        for head in read_heads(self.path):
            self.done.add(head["run"])
            self.failed += head["status"] == FAILED
        self._resume_log()

    def _found(self):
        """Write certificate and design; the certificate last, it makes the folder ours."""
        from pyarrow import parquet

        parquet.write_table(_points(self.sweep), self.path / "points.parquet")
        text = yaml.safe_dump({MARK: LAYOUT, **self._certificate}, sort_keys=False, allow_unicode=True, width=120)
        temporary = self.path / ".sweep.yaml"
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, self.path / "sweep.yaml")

    def _same(self):
        """Raise BadInput where the folder holds another sweep than this one, saying what differs."""
        before, now = open_sweep(self.path).certificate, self._certificate
        plain = json.loads(json.dumps(now["sweep"]))
        for key in sorted({*before["sweep"], *plain}):
            if before["sweep"].get(key) != plain.get(key):
                raise BadInput(f"{place_of(self.path)}: holds a sweep with another {_differs(before['sweep'], plain, key)}; "
                               "expected the same sweep, or a new folder")
        if before.get("code") != now.get("code"):
            raise BadInput(f"{place_of(self.path)}: its runs were lived by other code of sim and agents; expected the "
                           "same code, or a new folder")

    def _log_of(self, number: int) -> Path:
        return self.path / "log" / f"{number:06}.log"

    def _resume_log(self):
        """Open the last log behind its last whole record, or a new one."""
        logs = _numbers(self.path / "log")
        if not logs:
            self._number += 1
        path = self._log_of(self._number)
        self._log = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        ends = [end for end, _ in frames(path)]
        self._end, self._held_runs = (ends[-1] if ends else 0), len(ends)
        os.ftruncate(self._log, self._end)

    def add(self, record: Record):
        """Keep what came of a run; it is safe from any death of a process when this returns.

        Raises: StoreError where the folder takes no more; what it holds stays whole.
        """
        if record.head["run"] in self.done:
            return  # a worker that was given up came back after all
        data = memoryview(frame(record))
        at = self._end
        try:
            while len(data):
                written = os.pwrite(self._log, data, at)
                data, at = data[written:], at + written
        except OSError as error:
            os.ftruncate(self._log, self._end)
            raise StoreError(f"{place_of(self.path)}: {error.strerror}; {len(self.done)} of {self.sweep.runs} runs are "
                             "kept, the same command goes on from there") from error
        self._end, self._held_runs = at, self._held_runs + 1
        self.done.add(record.head["run"])
        self.failed += record.head["status"] == FAILED
        if self._held_runs >= MOST_RUNS or self._end >= MOST_BYTES:
            self.seal()

    def seal(self):
        """Make a shard of the log and begin a new one. Raises: StoreError where there is no room; the log stays."""
        if not self._held_runs:
            return
        shard, log = self.path / "shards" / f"{self._number:06}", self._log_of(self._number)
        partial = shard.with_name(f".{shard.name}.partial")
        try:
            partial.mkdir()
            _write_shard(partial, [record for _, record in frames(log)])
            os.replace(partial, shard)
            fresh = os.open(self._log_of(self._number + 1), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            os.close(self._log)
            self._log, self._number = fresh, self._number + 1
            log.unlink()
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise StoreError(f"{place_of(self.path)}: {error.strerror or error}; {len(self.done)} of {self.sweep.runs} "
                             "runs are kept, the same command goes on from there") from error
        self._end = self._held_runs = 0


def _foreign(path: Path) -> list[str]:
    """Names in a folder that no sweep of ours would have left there before its certificate."""
    ours = {"lock", "log", "shards", "points.parquet", ".sweep.yaml"}
    return [entry.name for entry in path.iterdir() if entry.name not in ours]


def _numbers(folder: Path) -> list[int]:
    """Numbers of shards or logs, sorted."""
    return sorted(int(found[1]) for entry in folder.iterdir() if (found := re.fullmatch(r"(\d{6})(\.log)?", entry.name)))


def _differs(before: dict, now: dict, key: str) -> str:
    """A key that differs, with what it was and is where that is short; of a mapping the first key inside."""
    old, new = before.get(key), now.get(key)
    if isinstance(old, dict) and isinstance(new, dict):
        inner = next(name for name in sorted({*old, *new}) if old.get(name) != new.get(name))
        return f"{key}.{_differs(old, new, inner)}"
    short = all(len(str(value)) <= 40 for value in (old, new))
    return f"{key} ({old}, now {new})" if short else key


def _write_shard(folder: Path, records: list[Record]):
    """Parquet files of some records, rows in the order of runs."""
    import pyarrow
    from pyarrow import parquet

    records = sorted(records, key=lambda record: record.head["run"])
    parts: dict[str, list] = {}
    for record in records:
        for kind, table in unpack(record.body).items():
            run = pyarrow.array([record.head["run"]] * len(table), pyarrow.int64())
            parts.setdefault(kind, []).append(table.add_column(0, "run", run))
    tables = {"runs": _runs_table([record.head for record in records]),
              "outcomes": _outcomes_table([record.head for record in records])}
    tables |= {kind.replace("/", "_"): pyarrow.concat_tables(found) for kind, found in parts.items()}
    for name, table in tables.items():
        texts = [field.name for field in table.schema if not _number(field.type)]
        split = [field.name for field in table.schema if _number(field.type)]
        path = folder / f"{name}.parquet"
        parquet.write_table(table, path, compression="zstd", use_dictionary=texts, use_byte_stream_split=split,
                            row_group_size=250_000, write_page_checksum=True)
        with open(path, "rb") as file:
            os.fsync(file.fileno())


def _number(kind) -> bool:
    from pyarrow import types

    return types.is_floating(kind) or types.is_integer(kind)


def _runs_table(heads: list[dict]) -> "pyarrow.Table":
    """Lines of records as a table."""
    import pyarrow

    columns = {name: pyarrow.array([head[name] for head in heads], pyarrow.int64()) for name in RUNS[:4]}
    columns |= {name: pyarrow.array([head.get(name) for head in heads], pyarrow.string()) for name in RUNS[4:]}
    columns |= {name: pyarrow.array([head[name] for head in heads], pyarrow.float64()) for name in SPENT[:2]}
    said = [json.dumps(head["settings"]) if "settings" in head else None for head in heads]
    columns |= {"trace": pyarrow.array([head.get("trace") for head in heads], pyarrow.string()),
                "settings": pyarrow.array(said, pyarrow.string())}
    return pyarrow.table(columns)


def _outcomes_table(heads: list[dict]) -> "pyarrow.Table":
    """Outcomes of records as a long table: run, outcome, value; nothing for what was not recorded."""
    import pyarrow

    rows = [(head["run"], name, value) for head in heads for name, value in head.get("outcomes", {}).items()]
    run, name, value = zip(*rows) if rows else ((), (), ())
    return pyarrow.table({"run": pyarrow.array(run, pyarrow.int64()), "outcome": pyarrow.array(name, pyarrow.string()),
                          "value": pyarrow.array(value, pyarrow.float64())})


def _points(sweep: "Sweep") -> "pyarrow.Table":
    """The design as a table: point, a column for each dimension, and `unit: NAME` its coordinate."""
    import pyarrow

    columns: dict[str, Any] = {"point": pyarrow.array(range(len(sweep.points)), pyarrow.int64())}
    for i, dimension in enumerate(sweep.dimensions):
        values = [point[i] for point in sweep.points]
        plain = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        columns[dimension.axis.name] = pyarrow.array(
            [float(value) for value in values] if plain else [_label(value) for value in values])
    for i, dimension in enumerate(sweep.dimensions):
        columns[f"unit: {dimension.axis.name}"] = pyarrow.array(sweep.coordinates[:, i], pyarrow.float64())
    return pyarrow.table(columns)


def _label(value) -> str:
    """A level as a text: as it is, or as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


# ------------------------------------------------------------------------------------------------------------ reading


def read_heads(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of all records of a sweep's folder: run, status ...; of shards without their outcomes."""
    from pyarrow import parquet

    shards = _numbers(path / "shards")
    for number in shards:
        table = parquet.read_table(path / "shards" / f"{number:06}" / "runs.parquet")
        yield from table.select([*RUNS, *SPENT[:2]]).to_pylist()
    for number in _numbers(path / "log"):
        if number not in shards:
            yield from (record.head for _, record in frames(path / "log" / f"{number:06}.log"))


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

        logs = [n for n in _numbers(self.path / "log")]  # before the shards: a log that becomes one is then seen there
        records = {n: self._records(n) for n in logs}
        shards = _numbers(self.path / "shards")
        loose = [record for n, found in records.items() if n not in shards for record in found]
        files: dict[str, list[str]] = {}
        for number in shards:
            for file in sorted((self.path / "shards" / f"{number:06}").glob("*.parquet")):
                files.setdefault(file.stem, []).append(str(file))
        fresh = _loose_tables(loose)
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
            levers = ", ".join(f'p.{_quoted(name)}' for name in self.points.columns
                               if name != "point" and not name.startswith("unit: "))
            base.execute(f"CREATE VIEW runs AS SELECT r.*, {levers} FROM _runs r JOIN points p USING (point)")
            try:
                answer = base.sql(sql)
                if answer is not None:
                    return answer.df()
                fault = "it answers nothing"
            except duckdb.Error as error:
                fault = str(error).strip().partition("\n")[0]
        raise BadInput(f"query: {fault}; expected SQL on {', '.join(sorted(tables))}")

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


def _loose_tables(records: Iterable[Record]) -> dict[str, "pyarrow.Table"]:
    """The tables of records that are in no shard yet."""
    import pyarrow

    heads = [record.head for record in records]
    found = {"runs": _runs_table(heads), "outcomes": _outcomes_table(heads)}
    parts: dict[str, list] = {}
    for record in records:
        for kind, table in unpack(record.body).items():
            run = pyarrow.array([record.head["run"]] * len(table), pyarrow.int64())
            parts.setdefault(kind.replace("/", "_"), []).append(table.add_column(0, "run", run))
    return found | {kind: pyarrow.concat_tables(some) for kind, some in parts.items()}


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
    """Write a sweep's tables as CSV into a new folder, in the order of runs and without what no two machines share (what
    a run took, where it failed in the code): the same runs give the same bytes, whoever lived them in which order.

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
