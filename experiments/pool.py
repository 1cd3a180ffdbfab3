"""Workers of a sweep on this machine: processes of their own, each with a bench, that may die without harm.

A worker is `python -m experiments.bench`, not a fork: nothing of the coordinator (threads, open files, a notebook's
main module) reaches it. Each has at most two runs, one that it lives and one that waits, so that it never idles. A
worker that dies is replaced, and its runs are lived by others; a run on which several died is given up.
"""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path

from experiments.bench import Record
from experiments.sweeps import Sweep
from sim.config.scenarios import PROJECT

AHEAD = 2  # runs that a worker has at a time
TRIES = 3  # workers that may die on a run before it is given up
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class PoolError(Exception):
    """Workers die before they live anything."""


@dataclass
class Worker:
    """One worker process. asked: runs it has, the one it lives first."""

    process: subprocess.Popen
    to: Connection
    back: Connection
    ready: bool = False
    asked: deque[int] = field(default_factory=deque)

    @classmethod
    def start(cls, sweep: Path, digest: str) -> "Worker":
        """Start a worker that reads a sweep's file. digest: of the sweep that it must find there."""
        there_in, to = Pipe(duplex=False)
        back, there_out = Pipe(duplex=False)
        path = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = os.environ | dict.fromkeys(THREADS, "1") | {"PYTHONPATH": path}
        process = subprocess.Popen(
            [sys.executable, "-m", "experiments.bench", str(there_in.fileno()), str(there_out.fileno())],
            pass_fds=(there_in.fileno(), there_out.fileno()), env=environment, stdin=subprocess.DEVNULL)
        there_in.close()
        there_out.close()
        worker = cls(process, to, back)
        worker.send((str(sweep.resolve()), digest))
        return worker

    def send(self, what):
        """Send something; if the worker is gone, that shows when its answers end."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.to.send(what)

    def end(self):
        """End the process, whatever it does."""
        self.process.kill()
        self.process.wait()
        self.to.close()
        self.back.close()


class Pool:
    """As many workers as jobs, as a context.

    given_up: runs on which TRIES workers died.  replaced: workers that died.
    """

    def __init__(self, sweep: Sweep, jobs: int):
        self._sweep, self._jobs = sweep, jobs
        self._workers: list[Worker] = []
        self.given_up: list[int] = []
        self.replaced = 0

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *exception):
        for worker in self._workers:
            worker.end()

    @property
    def processes(self) -> list[int]:
        """The workers' process numbers."""
        return [worker.process.pid for worker in self._workers]

    def records(self, runs: Iterable[int]) -> Iterator[Record]:
        """What comes of runs, in the order in which they end. Raises: PoolError where no worker gets to work."""
        self._left, self._deaths, in_vain = deque(runs), {}, 0
        self._workers = [self._start() for _ in range(min(self._jobs, len(self._left)))]
        while self._left or any(worker.asked for worker in self._workers):
            back = {worker.back: worker for worker in self._workers}
            for connection in wait(list(back)):
                worker = back[connection]
                try:
                    said = connection.recv()
                except (EOFError, OSError):
                    in_vain = in_vain + 1 if not worker.ready else 0
                    self._bury(worker, in_vain)
                    continue
                worker.ready, in_vain = True, 0
                if said != "ready":
                    worker.asked.popleft()
                self._ask(worker)
                if said != "ready":
                    yield Record(*said)

    def _ask(self, worker: Worker):
        """Give a worker what it has room for; towards the end no more than its share, so that all end together."""
        most = AHEAD if len(self._left) > len(self._workers) else 1
        while self._left and len(worker.asked) < most:
            worker.asked.append(self._left.popleft())
            worker.send(worker.asked[-1])

    def _bury(self, worker: Worker, in_vain: int):
        """A worker has died: its runs go to others, another takes its place."""
        code = worker.process.wait()
        worker.end()
        self._workers.remove(worker)
        if in_vain > max(TRIES, self._jobs):
            raise PoolError(f"workers end before they live anything ({_death(code)}); what they said stands above")
        if worker.asked:
            run = worker.asked[0]  # the one it lived
            self._deaths[run] = self._deaths.get(run, 0) + 1
            if self._deaths[run] >= TRIES:
                self.given_up.append(worker.asked.popleft())
        self._left.extendleft(reversed(worker.asked))
        self.replaced += 1
        if self._left or any(other.asked for other in self._workers):
            self._workers.append(self._start())

    def _start(self) -> Worker:
        return Worker.start(self._sweep.path, self._sweep.digest)


def _death(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
