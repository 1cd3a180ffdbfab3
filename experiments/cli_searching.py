"""The verbs of `gridgig` that ask many runs something: compare, sensitivity, discover, calibrate, search."""

from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli_seeing import Language, LanguageOption
from sim.config.sections import BadInput

FAILED = 1
SweepArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a sweep.")]
JobsOption = Annotated[int | None, typer.Option(metavar="N", min=1, help="Runs at a time: one a processor.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress bar.")]
HomeOption = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where runs are kept: results/NAME.")]


class Method(StrEnum):
    """How a sensitivity is measured."""

    morris = "morris"
    sobol = "sobol"
    pawn = "pawn"
    delta = "delta"


def add_to(app: typer.Typer):
    """Give the command line these verbs."""
    for verb in (compare, sensitivity, discover, calibrate, search):
        app.command()(verb)


@contextmanager
def _one_line():
    """Where living runs ends before they are over: one line, and what is lived is kept."""
    from experiments.pool import PoolError
    from experiments.sweep_store import StoreError

    try:
        yield
    except KeyboardInterrupt as stop:
        print("gridgig: stopped; what is lived is kept, the same command goes on from there", file=_err())
        raise typer.Exit(128 + getattr(stop, "signal", 2)) from None
    except (StoreError, PoolError) as error:
        print("gridgig:", " ".join(str(error).split()), file=_err())
        raise typer.Exit(FAILED) from None


def _err():
    import sys

    return sys.stderr


def compare(
    sides: Annotated[list[str], typer.Argument(
        metavar="A B ...", help="Run folders, points of a sweep (DIR:POINT), or scenarios (NAME[,KEY=VALUE...]), which "
                                "are lived. The first is what the others are compared with.")],
    seeds: Annotated[int, typer.Option(metavar="N", min=1, help="Seeds of scenarios that are lived.")] = 3,
    jobs: JobsOption = None,
    out: Annotated[Path | None, typer.Option(
        metavar="DIR", help="Where scenarios are lived and pages go: results/compare.")] = None,
    hourly: Annotated[bool, typer.Option("--hourly", help="Keep hourly tables too, for the page's pictures.")] = False,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table as CSV too.")] = None,
    lang: LanguageOption = Language.en,
    quiet: QuietOption = False,
):
    """Compare scenarios seed by seed: differences with intervals, who gains and who loses; ends with a report."""
    from experiments import comparing

    home = out or comparing.HOME
    with _one_line():
        rows, opened = comparing.compare(sides, seeds, jobs, home, hourly, not quiet)
    print("\n".join(comparing.told(rows, opened[0].name)))
    if csv is not None:
        _write(csv, rows.to_csv(index=False))
    for page in comparing.reports(opened, home, lang.value):
        print(f"written   {page}")


def sensitivity(folder: SweepArgument, outcome: Annotated[str, typer.Option(metavar="NAME", help="An outcome of it.")],
                method: Annotated[Method, typer.Option(
                    help="sobol and morris need a sweep of that design; pawn and delta take any.")] = Method.pawn):
    """Say which levers and uncertainties an outcome of a sweep depends on."""
    from experiments.sensitivity import told

    print("\n".join(told(folder, outcome, method.value)))


def discover(
    folder: SweepArgument,
    where: Annotated[str, typer.Option(metavar="CONDITION", help='What is looked for: "price > 250".')],
    least: Annotated[float, typer.Option(metavar="SHARE", min=0.01, max=1, help="Of all points in a box.")] = 0.1,
):
    """Find the ranges of levers and uncertainties in which something happens (PRIM)."""
    from experiments.discovery import told

    print("\n".join(told(folder, where, least)))


def calibrate(file: Annotated[Path, typer.Argument(metavar="FILE", help="Parameters and targets.")],
              jobs: JobsOption = None, out: HomeOption = None, quiet: QuietOption = False):
    """Find parameters under which targets are met, and say which of them the targets pin down."""
    from experiments.calibration import calibrate as live
    from experiments.calibration import read

    wanted = read(file)
    with _one_line():
        found = live(wanted, out or Path("results") / file.stem, jobs, not quiet)
    print("\n".join(found.lines))


def search(file: Annotated[Path, typer.Argument(metavar="FILE", help="Levers and objectives.")],
           jobs: JobsOption = None, out: HomeOption = None, quiet: QuietOption = False):
    """Search policies that no other beats in all objectives, by more than the noise of their seeds."""
    from experiments.policy_search import read
    from experiments.policy_search import search as live

    wanted = read(file)
    home = out or Path("results") / file.stem
    with _one_line():
        found = live(wanted, home, jobs, not quiet)
    print("\n".join(found.lines))
    for written in found.write(home):
        print(f"written   {written}")


def _write(path: Path, text: str):
    """Write a text. Raises: BadInput where that cannot be."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from None
    print(f"written   {path}")
