"""Records of runs in files: the log that takes them one by one, the shards that hold many, the tables they make.

A log is a row of frames, each with the checksum of its record: what a kill -9 leaves is whole but for the last one. A
shard is a folder of Parquet files that appears in one step. Both are numbered; a log whose shard exists counts no more.
"""

import json
import os
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments.bench import Record, unpack

if TYPE_CHECKING:
    import pyarrow

MARK = "gridgig-sweep"  # first key of sweep.yaml
LAYOUT = 1
MAGIC = b"GGR1"
FRAME = struct.Struct("<4sIQI")  # magic, length of head, length of body, checksum of both
RUNS = ("run", "point", "replicate", "seed", "status", "head", "error")  # what is the same however often it is lived
SPENT = ("seconds", "cpu", "trace", "settings")


def is_sweep_folder(path: str | Path) -> bool:
    """Whether a folder holds a sweep of ours."""
    try:
        with open(Path(path) / "sweep.yaml", encoding="utf-8") as file:
            return file.readline().startswith(f"{MARK}:")
    except (OSError, UnicodeDecodeError):
        return False


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


def homes(path: Path) -> list[Path]:
    """Where a sweep's logs and shards lie: in its folder, and in those of its parts that jobs live apart."""
    return [path, *sorted(home for home in (path / "parts").glob("*") if home.is_dir())]


def numbers(folder: Path) -> list[int]:
    """Numbers of shards or logs in a folder, sorted; none where there is no folder."""
    names = (re.fullmatch(r"(\d{6})(\.log)?", entry.name) for entry in (folder.iterdir() if folder.is_dir() else ()))
    return sorted(int(found[1]) for found in names if found)


def parts_of(home: Path) -> tuple[list[Path], list[Record]]:
    """The shards of one home, and the records of its log that are in none of them; whole ones only.

    The log is read first: one that becomes a shard meanwhile is then seen there.
    """
    loose = {number: _records(home / "log" / f"{number:06}.log") for number in numbers(home / "log")}
    shards = numbers(home / "shards")
    return ([home / "shards" / f"{number:06}" for number in shards],
            [record for number, found in loose.items() if number not in shards for record in found])


def _records(log: Path) -> list[Record]:
    try:
        return [record for _, record in frames(log)]
    except FileNotFoundError:  # it has become a shard
        return []


def read_heads(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of all records of a sweep's folder: run, status ...; of shards without their outcomes."""
    from pyarrow import parquet

    for home in homes(path):
        shards, loose = parts_of(home)
        for shard in shards:
            yield from parquet.read_table(shard / "runs.parquet", columns=[*RUNS, *SPENT[:2]]).to_pylist()
        yield from (record.head for record in loose)


def tables_of(records: list[Record]) -> dict[str, "pyarrow.Table"]:
    """Records as tables by name, rows in the order of runs: runs, outcomes, and what was kept, with its run."""
    import pyarrow

    records = sorted(records, key=lambda record: record.head["run"])
    heads = [record.head for record in records]
    found = {"runs": _runs_table(heads), "outcomes": _outcomes_table(heads)}
    parts: dict[str, list] = {}
    for record in records:
        for kind, table in unpack(record.body).items():
            run = pyarrow.array([record.head["run"]] * len(table), pyarrow.int64())
            parts.setdefault(kind.replace("/", "_"), []).append(table.add_column(0, "run", run))
    return found | {kind: pyarrow.concat_tables(some) for kind, some in parts.items()}


def write_shard(folder: Path, records: list[Record]):
    """Write the Parquet files of a shard into an empty folder, down to the disk."""
    from pyarrow import parquet

    for name, table in tables_of(records).items():
        split = [field.name for field in table.schema if _number(field.type)]
        path = folder / f"{name}.parquet"
        parquet.write_table(table, path, compression="zstd", use_byte_stream_split=split, row_group_size=250_000,
                            use_dictionary=[name for name in table.schema.names if name not in split],
                            write_page_checksum=True)
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
