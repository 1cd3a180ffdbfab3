"""Results on disk: a run's folder, which appears only when whole, and how it is read again.

    run.yaml             birth certificate: resolved scenario, versions, and as its last lines `head:` and `seal:`
    manifest.txt         SHA-256 of every other file
    indicators.parquet   tidy: date, zone, indicator, value, unit
    hourly/ daily/ populations/ journal/    one Parquet file a table, one row group or more a month
    figures/             PNG

Results of others are only ever data: YAML read safely, Parquet, pictures.
"""

import os
import re
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from experiments.seal import seal
from sim.calendar import Month
from sim.config import BadInput
from sim.config.documents import place_of

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

MARK = "gridgig"  # first key of run.yaml: by it we know a folder of ours
LAYOUT = 1  # of the folder; raised when a reader of the old one would misread the new
COMPRESSION = "zstd"


def is_run(path: Path) -> bool:
    """Whether a folder holds a run of ours."""
    try:
        with open(path / "run.yaml", encoding="utf-8") as file:
            return file.readline().startswith(f"{MARK}:")
    except (OSError, UnicodeDecodeError):
        return False


class Folder:
    """The sink of a run that is being lived, as a context: a hidden folder beside the target that takes its name at
    the end, in one step, or vanishes.

    path: the target. It may hold a run of ours, which is replaced, or nothing; anything else is refused.
    Raises: BadInput for a target that may not be written; before anything is.
    """

    def __init__(self, path: str | Path):
        self._writers: dict[str, Any] = {}
        self._whole = False  # whether all tables are written
        self._made: list[Path] = []
        with _writable(path):
            self.path = Path(os.path.realpath(path))
            self._refuse()

    def _refuse(self):
        """Raise BadInput where the target holds something that is not ours to replace."""
        shown = place_of(self.path)
        if self.path.exists() and not self.path.is_dir():
            raise BadInput(f"{shown}: is a file; expected a folder for results, or a name for a new one")
        if self.path.is_dir() and any(self.path.iterdir()) and not is_run(self.path):
            raise BadInput(f"{shown}: holds other things than a run; expected a new name, or an earlier run's folder")
        above = next(folder for folder in self.path.parents if folder.exists())
        if not (above.is_dir() and os.access(above, os.W_OK | os.X_OK)):
            raise BadInput(f"{shown}: nothing can be written to {place_of(above)}; expected a folder to write to")

    def __enter__(self) -> "Folder":
        self._made = [folder for folder in self.path.parents if not folder.exists()]
        self.work = self._beside("partial")
        try:
            with _writable(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._sweep()
                self.work.mkdir()
        except BaseException:  # an interruption too: what was begun is undone
            shutil.rmtree(self.work, ignore_errors=True)
            self._tidy()
            raise
        return self

    def __exit__(self, *exception):
        self._close()
        shutil.rmtree(self.work, ignore_errors=True)
        self._tidy()

    def _tidy(self):
        """Remove the folders above the target that were made for it and hold nothing."""
        for folder in self._made:  # deepest first; one that holds something by now stays
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()

    def _close(self):
        """Write what the tables still hold back; nothing can be added after."""
        self._whole = True
        for writer in self._writers.values():
            writer.close()

    def _beside(self, what: str) -> Path:
        """A hidden neighbour of the target that no other process has."""
        return self.path.with_name(f".{self.path.name}.{socket.gethostname()}.{os.getpid()}.{what}")

    def _sweep(self):
        """Remove what runs left here that were killed without a chance to clean up."""
        mine = re.escape(f".{self.path.name}.{socket.gethostname()}.")
        what = "partial|replaced" if self.path.exists() else "partial"  # the earlier run may be all there is
        for stray in self.path.parent.iterdir():
            found = re.fullmatch(rf"{mine}(\d+)\.({what})", stray.name)
            if found and (int(found[1]) == os.getpid() or not _alive(int(found[1]))):
                shutil.rmtree(stray, ignore_errors=True)

    def write(self, kind: str, month: Month, table: Mapping[str, np.ndarray]):
        """Append a month to a kind's Parquet file, as row groups of their own. Raises: ValueError once it is read."""
        import pyarrow

        if self._whole:
            raise ValueError(f"{kind} of {month}: the tables are closed")
        columns = pyarrow.table({name: _arrow(column) for name, column in table.items()})
        if kind not in self._writers:
            self._writers[kind] = self._open(kind, columns.schema)
        if columns.num_rows:
            self._writers[kind].write_table(columns)

    def _open(self, kind: str, schema):
        """A writer for a kind: numbers split into their bytes, which packs better and faster than a dictionary."""
        from pyarrow import parquet, types

        path = self.work / f"{kind}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        numbers = [c.name for c in schema if types.is_floating(c.type) or types.is_integer(c.type)]
        return parquet.ParquetWriter(
            path, schema, compression=COMPRESSION, write_page_checksum=True, use_byte_stream_split=numbers,
            use_dictionary=[c.name for c in schema if c.name not in numbers])

    def read(self) -> "Run":
        """What has been written, to look at before it is sealed. Nothing can be written after."""
        self._close()
        return Run(self.work, {})

    def save(self, figures: Iterable[tuple[str, "Figure"]]):
        """Write figures as PNG."""
        for name, figure in figures:
            path = self.work / "figures" / f"{name}.png"
            path.parent.mkdir(exist_ok=True)
            figure.savefig(path, dpi=150, metadata={"Software": None})

    def finish(self, certificate: Mapping[str, Any], head: str):
        """Write the birth certificate, seal the folder and give it its name.

        certificate: plain data of run.yaml.  head: the journal's head hash.
        """
        self._close()
        text = yaml.safe_dump({MARK: LAYOUT, **certificate}, sort_keys=False, allow_unicode=True, width=120)
        (self.work / "run.yaml").write_text(text, encoding="utf-8")
        seal(self.work, head)
        self.appear()

    def appear(self):
        """Take the target's name; an earlier run steps aside and is deleted afterwards."""
        self._refuse()  # the run took its time: somebody may have put something here
        if not self.path.exists() or not any(self.path.iterdir()):
            os.replace(self.work, self.path)
            return
        aside = self._beside("replaced")
        os.replace(self.path, aside)
        try:
            os.replace(self.work, self.path)
        except BaseException:  # an interruption too: the earlier run must not be lost
            os.replace(aside, self.path)
            raise
        shutil.rmtree(aside)


@contextmanager
def _writable(path: str | Path) -> Iterator[None]:
    """Turn what the file system says against a path into BadInput: too long a name, a loop of links, no right."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{place_of(Path(path))}: nothing can be written there: {reason}") from None


def _alive(process: int) -> bool:
    """Whether a process of this machine still runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def _arrow(column: np.ndarray):
    """A column as Arrow: texts as strings, the rest as it is."""
    import pyarrow

    return pyarrow.array(column, type=pyarrow.string() if column.dtype == object else None)


class Run:
    """A run as it lies in its folder; tables are read when asked for.

    path: the folder.  certificate: run.yaml as plain data.
    """

    def __init__(self, path: Path, certificate: dict[str, Any]):
        self.path, self.certificate = path, certificate

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of tables in the folder, sorted: "indicators", "hourly/bus" ..."""
        files = self.path.rglob("*.parquet")
        return tuple(sorted(file.relative_to(self.path).with_suffix("").as_posix() for file in files))

    def table(self, kind: str, columns: list[str] | None = None) -> "pandas.DataFrame":
        """A table, or some of its columns. Raises: KeyError for a kind that the run did not keep."""
        from pyarrow import parquet

        if kind not in self.kinds:
            raise KeyError(kind)
        return parquet.read_table(self.path / f"{kind}.parquet", columns=columns).to_pandas()

    @property
    def indicators(self) -> "pandas.DataFrame":
        """The tidy table: date, zone, indicator, value, unit."""
        return self.table("indicators")

    @property
    def views(self) -> dict[str, str]:
        """Kind by the name that a query calls it: "hourly_corridor"; "hourly" is that of buses, "journal" that of
        entries."""
        views = {kind.replace("/", "_"): kind for kind in self.kinds}
        return views | {name: kind for name, kind in ALIASES.items() if kind in self.kinds}

    def query(self, sql: str) -> "pandas.DataFrame":
        """What SQL says about the run's tables (`views`, and `runs`: one row, this run).

        It sees this folder and nothing else of the machine. Raises: BadInput for SQL that does not run.
        """
        import duckdb
        from pyarrow import dataset

        with duckdb.connect() as base:
            base.execute("SET enable_external_access = false")  # a query reads what is registered, no other file
            base.execute("SET lock_configuration = true")
            for name, kind in self.views.items():
                base.register(name, dataset.dataset(self.path / f"{kind}.parquet"))
            base.register("runs", self._as_row())
            try:
                answer = base.sql(sql)
                if answer is not None:
                    return answer.df()
                fault = "it answers nothing"
            except duckdb.Error as error:
                fault = _first_line(error)
        raise BadInput(f"query: {fault}; expected SQL on {', '.join(sorted([*self.views, 'runs']))}")

    def _as_row(self) -> "pandas.DataFrame":
        """The certificate as a table of one row."""
        import pandas

        scenario = self.certificate.get("scenario", {})
        row = {"folder": str(self.path), "title": scenario.get("title"), "world": scenario.get("world"),
               **scenario.get("period", {}), "seed": scenario.get("seed"), "head": self.certificate.get("head"),
               "seal": self.certificate.get("seal")}
        return pandas.DataFrame([row])


ALIASES = {"hourly": "hourly/bus", "journal": "journal/entries", "riders": "populations/riders"}


def _first_line(error: Exception) -> str:
    """The first line of what an error says."""
    return str(error).strip().partition("\n")[0]


def certificate_of(file: Path, mark: str, layout: int) -> dict:
    """What a folder's certificate says. mark: the key of its layout.  Raises: BadInput where it cannot be read, or its
    layout is another."""
    try:
        certificate = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{place_of(file)}: cannot be read: {_first_line(error)}") from None
    if not isinstance(certificate, dict) or certificate[mark] != layout:
        raise BadInput(f"{place_of(file)}: {mark}: another layout; expected {layout}")
    return certificate


def open_run(path: str | Path) -> Run:
    """A finished run. Raises: BadInput where the folder holds none, or a certificate that cannot be read."""
    path = Path(path)
    if not is_run(path):
        raise BadInput(f"{place_of(path)}: holds no run; expected a folder written by `gridgig run`")
    return Run(path, certificate_of(path / "run.yaml", MARK, LAYOUT))


def export_csv(run: Run, target: Path) -> list[Path]:
    """Write every table of a run as CSV into a new folder, which appears only when whole; the files written.

    Raises: BadInput where the target exists and is not an empty folder.
    """
    from pyarrow import csv, parquet

    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise BadInput(f"{place_of(target)}: exists already; expected a new folder")
    with Folder(target) as folder:
        for kind in run.kinds:
            file = parquet.ParquetFile(run.path / f"{kind}.parquet")
            path = folder.work / f"{kind}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with file, csv.CSVWriter(path, file.schema_arrow) as writer:
                for batch in file.iter_batches():
                    writer.write_batch(batch)
        folder.appear()
    return [target / f"{kind}.csv" for kind in run.kinds]
