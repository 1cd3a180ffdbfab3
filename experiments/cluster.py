"""Workers of a sweep on a Dask cluster: the same bench in every worker process, records sent back to the coordinator.

Workers need this package and the sweep's files under the same paths; they need no part of the results' folder, for the
coordinator alone writes. One run at a time in a process: start workers with one thread.
"""

import threading
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from experiments.bench import Bench, Record
from experiments.sweeps import Sweep, read_sweep
from sim.config import BadInput

AHEAD = 2  # runs that a worker has at a time
PATIENCE = 10  # s to find the scheduler
ALONE = threading.Lock()  # a process lives one run at a time, whatever threads it has
_benches: dict[str, Bench] = {}  # by digest of the sweep; a worker process keeps the last


def live(path: str, digest: str, run: int) -> tuple[dict, bytes]:
    """Live a run in a worker of the cluster. digest: of the sweep as the coordinator knows it.

    Raises: BadInput where the files here are others.
    """
    with ALONE:
        if digest not in _benches:
            sweep = read_sweep(Path(path))
            if sweep.digest != digest:
                raise BadInput(f"{path}: a worker finds other files or code than the coordinator; expected the same")
            _benches.clear()
            _benches[digest] = Bench(sweep)
        return tuple(_benches[digest].live(run))


class Cluster:
    """The workers of a scheduler, as a context.

    given_up: runs on which workers died, again and again.  Raises: BadInput for an address where nobody answers.
    """

    def __init__(self, sweep: Sweep, address: str):
        try:
            from distributed import Client
        except ImportError:
            raise BadInput("--dask: the package distributed is missing; expected it installed, as by "
                           "pip install 'gridgig[dask]'") from None
        try:
            self._client = Client(address, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            said = " ".join(str(error).split())[:200]
            raise BadInput(f"--dask: {address}: no scheduler answers there: {said}") from None
        self._sweep, self.given_up = sweep, []

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *exception):
        self._client.close()

    def records(self, runs: Iterable[int]) -> Iterator[Record]:
        """What comes of runs, in the order in which they end; as many are asked for as workers can hold."""
        from distributed import as_completed

        left = iter(runs)
        asked = {self._ask(run): run for run in islice(left, self._room())}
        ended = as_completed(list(asked), loop=self._client.loop)
        for future in ended:
            run = asked.pop(future)
            if future.status == "finished":
                yield Record(*future.result())
            elif isinstance(future.exception(), BadInput):
                raise future.exception()
            else:
                self.given_up.append(run)
            for more in islice(left, max(self._room() - len(asked), 0)):
                fresh = self._ask(more)
                asked[fresh] = more
                ended.add(fresh)

    def _room(self) -> int:
        """How many runs the cluster as it is now may have at a time."""
        return max(AHEAD * len(self._client.scheduler_info(n_workers=-1)["workers"]), AHEAD)

    def _ask(self, run: int):
        return self._client.submit(live, str(self._sweep.path.resolve()), self._sweep.digest, run, pure=False)
