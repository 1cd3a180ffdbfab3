"""The bench on which the runs of a sweep are lived, one after the other, in a process that keeps what they share.

What is kept from run to run: the compiled kernels, the world's tables and the law as read, the last point's config, and
what owners know of the worth of water (`agents.beliefs`). The clearing's programme is not: it begins every month anew,
so that a month's result depends on its month alone.

    python -m experiments.bench IN OUT      # a worker: numbers of runs come in by one file descriptor, records go out

A record is a line of JSON and the kept tables behind it as Arrow streams: plain data, the same in memory, in the log
and between machines.
"""

import gc
import io
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

from experiments.measures import measured
from experiments.sweeps import Sweep, read_sweep
from sim.calendar import Month

DONE, FAILED = "done", "failed"
WATCH = 0.5  # s between looks at whether the coordinator still lives


class Record(NamedTuple):
    """What came of a run. head: its line as plain data.  body: its kept tables, see `pack`."""

    head: dict[str, Any]
    body: bytes


class Kept:
    """The sink of a run on the bench: indicators in memory, and of other kinds what the sweep keeps."""

    def __init__(self, keep: Mapping[str, list[str] | None]):
        self._keep, self._months = keep, {"indicators": []} | {kind: [] for kind in keep}

    def write(self, kind: str, month: Month, table: Mapping[str, np.ndarray]):
        """Keep a month of a kind, if it is kept."""
        if kind in self._months:
            self._months[kind].append(table)

    def whole(self, kind: str) -> dict[str, np.ndarray]:
        """All months of a kind; no columns where there was none."""
        months = self._months[kind]
        return {name: np.concatenate([table[name] for table in months]) for name in months[0]} if months else {}

    def body(self) -> bytes:
        """The kept tables, packed. Raises: KeyError for a column that a kind does not have."""
        tables = {kind: self.whole(kind) for kind in self._keep}
        return pack({kind: {name: table[name] for name in self._keep[kind] or table} for kind, table in tables.items()
                     if table})


def pack(tables: Mapping[str, Mapping[str, np.ndarray]]) -> bytes:
    """Tables as bytes: a line of JSON with the length of each, then their Arrow streams. Nothing for no tables."""
    if not tables:
        return b""
    import pyarrow

    parts = {}
    for kind, columns in tables.items():
        table = pyarrow.table({name: pyarrow.array(column, type=pyarrow.string() if column.dtype == object else None)
                               for name, column in columns.items()})
        sink = io.BytesIO()
        with pyarrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        parts[kind] = sink.getvalue()
    return json.dumps({kind: len(part) for kind, part in parts.items()}).encode() + b"\n" + b"".join(parts.values())


def unpack(body: bytes) -> dict[str, Any]:
    """The tables of `pack` as pyarrow tables by kind."""
    if not body:
        return {}
    import pyarrow

    line, _, rest = body.partition(b"\n")
    tables, at = {}, 0
    for kind, length in json.loads(line).items():
        tables[kind] = pyarrow.ipc.open_stream(pyarrow.py_buffer(rest)[at:at + length]).read_all()
        at += length
    return tables


class Bench:
    """Lives the runs of one sweep."""

    def __init__(self, sweep: Sweep):
        from sim.model import PolicyLab

        self.sweep, self._lab = sweep, PolicyLab
        self._point, self._config = None, None
        self._frozen = False

    def live(self, run: int) -> Record:
        """Live a run; one that raises is a record too, with what it raised."""
        point, replicate = self.sweep.of(run)
        began, spent = time.perf_counter(), time.process_time()
        head, body = {"run": run, "point": point, "replicate": replicate, "seed": self.sweep.seeds[replicate]}, b""
        try:
            outcomes, fingerprint, body = self._lived(point, replicate)
            head |= {"status": DONE, "head": fingerprint, "outcomes": outcomes}
        except MemoryError:
            raise  # says something of the machine, not of the run: the worker ends, another tries
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            head |= {"status": FAILED, "error": said[:1000], "trace": traceback.format_exc(limit=-8)[-4000:],
                     "settings": self.sweep.settings(point)}
        self._sweep_up()
        return Record(head | {"seconds": time.perf_counter() - began, "cpu": time.process_time() - spent}, body)

    def _lived(self, point: int, replicate: int) -> tuple[dict[str, float | None], str, bytes]:
        if self._point != point:
            self._point, self._config = None, self.sweep.config(point)
            self._point = point
        kept = Kept(self.sweep.file.keep)
        lab = self._lab(self.sweep.seeded(self._config, replicate), sink=kept).run()
        return measured(self.sweep.file.outcomes, kept.whole("indicators")), lab.journal.head, kept.body()

    def _sweep_up(self):
        """Free the run that ended: a model and its agents are a cycle. What the first one loaded is there to stay and
        is not looked at again, which makes looking cheap."""
        gc.collect()
        if not self._frozen:
            gc.freeze()
            self._frozen = True

    def close(self):
        """Let the process look again at what was there to stay: it has other things to do than runs."""
        gc.unfreeze()


# --------------------------------------------------------------------------------------------------- a worker process


def work(inward: Connection, outward: Connection):
    """Read a sweep's file, say so, then live runs as they are asked for until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal; the coordinator decides
    threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    try:
        path, digest = inward.recv()
        sweep = read_sweep(path)
        if sweep.digest != digest:
            sys.exit(f"gridgig: {path}: a worker finds other files or code than the sweep began with")
        bench = Bench(sweep)
        outward.send("ready")
        while True:
            outward.send(tuple(bench.live(inward.recv())))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # nobody is left to work for


def _follow(coordinator: int):
    """End when the coordinator has: what is lived for nobody only wears the machine."""
    while os.getppid() == coordinator:
        time.sleep(WATCH)
    os._exit(1)


if __name__ == "__main__":
    work(Connection(int(sys.argv[1]), writable=False), Connection(int(sys.argv[2]), readable=False))
