"""One run, from a config to a finished folder."""

import hashlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import platform, python_version
from typing import TYPE_CHECKING

from experiments.store import Folder
from experiments.summary import summarise
from sim.calendar import Day
from sim.config import Config
from sim.config.documents import place_of
from sim.config.scenarios import PROJECT

if TYPE_CHECKING:
    from sim.model import PolicyLab

PACKAGES = ("gridgig", "mesa", "numpy", "scipy", "networkx", "numba", "highspy", "pydantic", "PyYAML", "pyarrow")


class Stopped(KeyboardInterrupt):
    """Somebody asked the run to end. signal: the number of what asked."""

    def __init__(self, number: int = signal.SIGINT):
        super().__init__()
        self.signal = number


@dataclass(frozen=True)
class Finished:
    """A run that ended well. folder: of its results.  head: of its journal.  lines: one screen of text."""

    folder: Path
    head: str
    lines: list[str] = field(default_factory=list)


def run(config: Config, out: str | Path, progress: bool = True) -> Finished:
    """Live a config's period and write its folder, which appears only when whole.

    progress: show a bar of days on stderr.
    Raises: BadInput for a folder that may not be written, before anything is done; what the model raises; Stopped.
    """
    began = time.perf_counter()
    with stoppable() as stop_if_asked, Folder(out) as folder:
        from sim.model import PolicyLab

        lab = PolicyLab(config, sink=folder)
        with _bar(config, lab, progress) as turn:
            lab.run(lambda day: (turn(day), stop_if_asked()))
        if config.record.figures:
            from experiments.plots import figures, places_of

            folder.save(figures(folder.read(), places_of(config.world["buses"])))
        lines = summarise(config, folder.read().indicators)
        stop_if_asked()
        folder.finish(certificate(config) | {"main": lab.chain.head}, lab.journal.head)
    spent = f"in {time.perf_counter() - began:.0f} s"
    lines += [f"head      {lab.journal.head}", f"main      {lab.chain.head}",
              f"written   {place_of(folder.path)}, {spent}"]
    return Finished(folder.path, lab.journal.head, lines)


def certificate(config: Config) -> dict:
    """What makes a run repeatable: its resolved scenario, what was changed on the command line, what it ran on."""
    return {"scenario": config.resolved(), "changed": config.patch, "versions": versions(), "platform": platform()}


def versions() -> dict[str, str]:
    """Versions of Python and of the packages on which a result may depend."""
    return {"python": python_version()} | {name: _version(name) for name in PACKAGES}


def code() -> str:
    """SHA-256 of the code of the world and of those who decide."""
    digest = hashlib.sha256()
    for file in sorted(file for package in ("sim", "agents") for file in (PROJECT / package).rglob("*.py")):
        digest.update(file.relative_to(PROJECT).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


def _version(package: str) -> str:
    """Version of a package; GridGig itself need not be installed to run."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


@contextmanager
def stoppable() -> Iterator[Callable[[], None]]:
    """Turn requests to end (SIGTERM, Ctrl-C) into an exception, so that what is half done is undone.

    Python drops an exception that is raised in a finaliser or a callback from outside; so the request is kept, and what
    is given raises it again. Who started the run with Ctrl-C ignored, or hears it himself, is left alone.
    """
    asked = []

    def stop(number, frame):
        asked.append(number)
        raise Stopped(number)

    def stop_if_asked():
        if asked:
            raise Stopped(asked[0])

    if threading.current_thread() is not threading.main_thread():  # only the main thread hears signals
        yield stop_if_asked
        return
    heard = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        heard.append(signal.SIGINT)
    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield stop_if_asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _bar(config: Config, lab: "PolicyLab", show: bool):
    """A progress bar over the days, where somebody looks on; gives what to call with each lived day."""
    from tqdm import tqdm

    zones = lab.grid.cleared_zones
    days = (config.end - config.start).days + 1
    with tqdm(total=days, disable=None if show else True, file=sys.stderr, unit="day", leave=False, dynamic_ncols=True,
              bar_format="{desc} |{bar}| {n_fmt}/{total_fmt} days, {remaining} left{postfix}") as bar:
        def turn(day: Day):
            bar.set_description_str(str(day), refresh=False)
            price = lab.facts.public.zone_price[-1].mean(axis=1)[zones]
            bar.set_postfix_str(" ".join(f"{lab.grid.zone[zone]} {yuan:.0f}" for zone, yuan in zip(zones, price))
                                + " CNY/MWh", refresh=False)
            bar.update()

        yield turn
