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
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from experiments.bench import FAILED, Record
from experiments.sweep_folder import holder, open_sweep
from experiments.sweep_records import (
    LAYOUT,
    MARK,
    frame,
    frames,
    homes,
    is_sweep_folder,
    numbers,
    read_heads,
    write_shard,
)
from sim.config import BadInput
from sim.config.documents import place_of

if TYPE_CHECKING:
    import pyarrow

    from experiments.sweeps import Sweep

MOST_RUNS, MOST_BYTES = 500, 64 << 20  # of a log before it becomes a shard


class StoreError(Exception):
    """The folder cannot take what a run brought; what it holds is whole."""


# ------------------------------------------------------------------------------------------------------------ writing


class Store:
    """The folder of a sweep in the hands of its one coordinator, as a context.

    Entering takes the lock, makes or checks the folder and mends what a killed coordinator left; `done` then holds the
    runs that need not be lived again. part: name of a part of the sweep, kept beside parts that others keep.
    Raises: BadInput for a folder of another sweep, in other hands, or not writable.
    """

    def __init__(self, path: str | Path, sweep: "Sweep", versions: dict[str, Any], part: str | None = None):
        self.path, self.sweep = Path(os.path.realpath(path)), sweep
        self.home = self.path / "parts" / part if part else self.path
        self._certificate = {"sweep": sweep.resolved, **versions}
        self.done: set[int] = set()
        self.failed = 0

    def __enter__(self) -> "Store":
        shown = place_of(self.path)
        if self.path.exists() and not self.path.is_dir():
            raise BadInput(f"{shown}: is a file; expected a folder for a sweep, or a name for a new one")
        if self.path.is_dir() and not is_sweep_folder(self.path) and _foreign(self.path):
            raise BadInput(f"{shown}: holds other things than a sweep; expected a new name, or a sweep's folder")
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            with ExitStack() as undo:
                if self.home != self.path:  # who lives a part excludes who lives the whole, not who lives another part
                    undo.enter_context(_locked(self.path, fcntl.LOCK_SH))
                undo.enter_context(_locked(self.home, fcntl.LOCK_EX))
                self._open()
                undo.callback(lambda: os.close(self._log))
                self._undo = undo.pop_all()
        except OSError as error:
            raise BadInput(f"{shown}: nothing can be written there: {error.strerror or error}") from None
        return self

    def __exit__(self, kind, *exception):
        try:
            if kind is None or not issubclass(kind, StoreError):
                self.seal()
        finally:
            self._undo.close()

    def _open(self):
        """Make the folder, or see that it is this sweep's; mend it; open the log."""
        for name in ("log", "shards"):
            (self.home / name).mkdir(exist_ok=True)
        if not is_sweep_folder(self.path):
            self._found()
        self._same()
        for stray in (self.home / "shards").glob(".*"):
            shutil.rmtree(stray)
        shards, logs = numbers(self.home / "shards"), numbers(self.home / "log")
        self._number = max([-1, *shards, *logs])
        for number in set(logs) & set(shards):
            self._log_of(number).unlink()  # killed between the two: the shard is whole
        for head in read_heads(self.path):
            self.done.add(head["run"])
            self.failed += head["status"] == FAILED
        self._resume_log()

    def _found(self):
        """Write certificate and design; the certificate last, it makes the folder ours."""
        from pyarrow import parquet

        mine = f".{socket.gethostname()}.{os.getpid()}"  # parts may begin at the same moment, with the same words
        parquet.write_table(_points(self.sweep), self.path / mine)
        os.replace(self.path / mine, self.path / "points.parquet")
        text = yaml.safe_dump({MARK: LAYOUT, **self._certificate}, sort_keys=False, allow_unicode=True, width=120)
        (self.path / mine).write_text(text, encoding="utf-8")
        os.replace(self.path / mine, self.path / "sweep.yaml")

    def _same(self):
        """Raise BadInput where the folder holds another sweep than this one, saying what differs."""
        before, now = open_sweep(self.path).certificate, self._certificate
        plain = json.loads(json.dumps(now["sweep"]))
        for key in sorted({*before["sweep"], *plain}):
            if before["sweep"].get(key) != plain.get(key):
                what = _differs(before["sweep"], plain, key)
                raise BadInput(f"{place_of(self.path)}: holds a sweep with another {what}; expected the same sweep, or "
                               "a new folder")
        if before.get("code") != now.get("code"):
            raise BadInput(f"{place_of(self.path)}: its runs were lived by other code of sim and agents; expected the "
                           "same code, or a new folder")

    def _log_of(self, number: int) -> Path:
        return self.home / "log" / f"{number:06}.log"

    def _resume_log(self):
        """Open the last log behind its last whole record, or a new one."""
        logs = numbers(self.home / "log")
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
        shard, log = self.home / "shards" / f"{self._number:06}", self._log_of(self._number)
        partial = shard.with_name(f".{shard.name}.partial")
        try:
            partial.mkdir()
            write_shard(partial, [record for _, record in frames(log)])
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
    ours = {"lock", "log", "shards", "parts", "points.parquet"}
    return [entry.name for entry in path.iterdir() if entry.name not in ours and not entry.name.startswith(".")]


@contextmanager
def _locked(home: Path, kind: int) -> Iterator[None]:
    """Hold a home's lock. The system gives it back when its holder dies, however he dies; its text says who that is.

    Raises: BadInput where somebody else has it.
    """
    held = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(held, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        who = "; ".join(text for one in homes(home) if (text := holder(one)))
        raise BadInput(f"{place_of(home)}: another sweep works on it ({who or 'a part of it'}); expected it to end, or "
                       "another folder") from None
    try:
        if kind == fcntl.LOCK_EX:
            os.ftruncate(held, 0)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            os.write(held, f"process {os.getpid()} on {socket.gethostname()} since {now}\n".encode())
        yield
    finally:
        os.close(held)


def _differs(before: dict, now: dict, key: str) -> str:
    """A key that differs, with what it was and is where that is short; of a mapping the first key inside."""
    old, new = before.get(key), now.get(key)
    if isinstance(old, dict) and isinstance(new, dict):
        inner = next(name for name in sorted({*old, *new}) if old.get(name) != new.get(name))
        return f"{key}.{_differs(old, new, inner)}"
    short = all(len(str(value)) <= 40 for value in (old, new))
    return f"{key} ({old}, now {new})" if short else key


def _points(sweep: "Sweep") -> "pyarrow.Table":
    """The design as a table: point, a column for each dimension, what it sets in the scenario as JSON (`settings`), and
    `unit: NAME`, its coordinate."""
    import pyarrow

    columns: dict[str, Any] = {"point": pyarrow.array(range(len(sweep.points)), pyarrow.int64())}
    for i, dimension in enumerate(sweep.dimensions):
        values = [point[i] for point in sweep.points]
        plain = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        columns[dimension.axis.name] = pyarrow.array(
            [float(value) for value in values] if plain else [_label(value) for value in values])
    columns["settings"] = pyarrow.array([json.dumps(sweep.settings(point)) for point in range(len(sweep.points))])
    for i, dimension in enumerate(sweep.dimensions):
        columns[f"unit: {dimension.axis.name}"] = pyarrow.array(sweep.coordinates[:, i], pyarrow.float64())
    return pyarrow.table(columns)


def _label(value) -> str:
    """A level as a text: as it is, or as JSON."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
