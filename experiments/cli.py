"""The command `gridgig`: run, check, plan, sweep, status, app, adequacy, audit, trace, query, validate.

Report, explain and export stand in `cli_seeing`, gain in `cli_riders`, data of one's own in `cli_data`; compare,
sensitivity, discover, calibrate and search in `cli_searching`. Exit codes: 0 good, 1 a run or a check failed, 2 bad
input. Whatever is wrong is one line on stderr. Each command imports what it needs when it is called, so that help and a
wrong key are answered at once.
"""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from experiments import cli_data, cli_riders, cli_searching, cli_seeing
from experiments.marks import find_scenario, is_sweep
from sim.config.sections import BadInput

GOOD, FAILED, BAD = 0, 1, 2
LIVE = "toy_years"  # what the live view shows unless told otherwise: small enough to be smooth anywhere
Refused = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")  # any wrong option

app = typer.Typer(
    name="gridgig", rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False,
    help="A policy laboratory: Yunnan's electricity market and delivery riders' social insurance on one network.")

ScenarioArgument = Annotated[str, typer.Argument(
    metavar="SCENARIO", help="A scenario's file, or the name of one in configs/scenarios.")]
RunArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished run.")]
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished run, or of a sweep.")]
SweepOption = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="The sweep's folder: results/SWEEP.")]
JobsOption = Annotated[int | None, typer.Option(metavar="N", min=1, help="Runs at a time: one a processor.")]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and give its exit code. arguments: those of the process by default."""
    try:
        answer = app(arguments, prog_name="gridgig", standalone_mode=False)
    except BadInput as error:
        return _wrong(str(error), BAD)
    except Refused as error:
        command = error.ctx.command_path if getattr(error, "ctx", None) else "gridgig"
        return _wrong(f"{error.format_message()} Try {command} --help", BAD)
    return answer if isinstance(answer, int) else GOOD


def _wrong(message: str, code: int) -> int:
    """One line on stderr."""
    print("gridgig:", " ".join(message.split()), file=sys.stderr)
    return code


@app.command()
def run(
    scenario: ScenarioArgument,
    change: Annotated[list[str] | None, typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a value of the scenario; as often as wanted.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Another seed.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DAY", help="Another first day, 2025-01-31.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DAY", help="Another last day.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of results: results/SCENARIO.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar, no summary.")] = False,
):
    """Run a scenario and write its folder."""
    config = _load(scenario, change, seed, start, end)
    from experiments.runner import run as live

    try:
        finished = live(config, out or Path("results") / config.name, progress=not quiet)
    except KeyboardInterrupt as stop:  # here, because typer would make a silent 130 of it
        return _wrong("stopped; nothing was written", 128 + getattr(stop, "signal", signal.SIGINT))
    except _failures() as error:
        return _wrong(f"the run failed: {error}", FAILED)
    if not quiet:
        print("\n".join(finished.lines))
    return GOOD


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(
        metavar="FILE", help="A scenario, a sweep, a world's folder, one of its tables, or a law.")] = None,
    schema: Annotated[bool, typer.Option(
        "--schema", help="Print the JSON Schema of scenario, sweep, world and law files, for an editor.")] = False,
):
    """Validate a file, and nothing else."""
    from sim.config import check_file, json_schema
    from sim.config.scenarios import whole_schema

    if schema:
        import json

        from experiments.sweeps import SweepFile

        print(json.dumps(json_schema(whole_schema(), {"sweep": SweepFile}), indent=1))
    elif file is None:
        raise BadInput("check: no file; expected FILE or --schema")
    elif is_sweep(file):
        from experiments.sweeps import read_sweep

        print(f"{file}: a sweep of {read_sweep(file).runs} runs, all well")
    else:
        print(f"{file}: a {check_file(file, whole_schema())}, all well")


@app.command()
def plan(
    file: Annotated[str, typer.Argument(metavar="SCENARIO|SWEEP", help="A scenario or a sweep: its file or name.")],
    jobs: JobsOption = None,
    out: SweepOption = None,
):
    """Print a scenario's schedule (rhythm, order, key, file, law and source), or a sweep's runs and time."""
    from experiments.sweeps import find_sweep, read_sweep, sweep_names

    if is_sweep(file) or file in sweep_names():
        sweep = read_sweep(find_sweep(file))
        from experiments.sweeping import estimate, outline

        print("\n".join([*outline(sweep), *estimate(sweep, out or _home(sweep), jobs).lines]))
        return
    config = _load(file)
    from experiments.schedule import schedule

    print("\n".join(schedule(config)))


@app.command("app")
def live_view(
    what: Annotated[str, typer.Argument(
        metavar="SCENARIO|DIR", help="A scenario to live, or the folder of a finished run to look at again.")] = LIVE,
    against: Annotated[Path | None, typer.Option(
        metavar="DIR", help="Beside a finished run: another one of the same world and period.")] = None,
    change: Annotated[list[str] | None, typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a value of the scenario; as often as wanted.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Another seed.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DAY", help="Another first day, 2025-01-31.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DAY", help="Another last day.")] = None,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Of 127.0.0.1; 0 takes a free one.")] = 8765,
):
    """Watch a run in a browser on this machine, and move the levers of policy."""
    folder = Path(what)
    if folder.is_dir():
        if change or seed is not None or start or end:
            raise BadInput(f"{what}: is a finished run; expected no --set, --seed, --start, --end with it")
        from experiments.app.opening import stored

        play = stored(folder, against)
    else:
        if against:
            raise BadInput(f"--against: {what} is no finished run; expected the folder of one")
        from experiments.app.opening import scenario

        play = scenario(find_scenario(what), change or [], seed, start, end)
    from experiments.app.server import serve
    from experiments.app.stage import Stage

    try:
        serve(Stage(play), port, lambda address: print(f"{play.config.title}: {address}  (Ctrl-C ends it)", flush=True))
    except KeyboardInterrupt:
        print()
    return GOOD


@app.command()
def sweep(
    file: Annotated[str, typer.Argument(metavar="SWEEP", help="A sweep's file, or the name of one in configs/sweeps.")],
    jobs: JobsOption = None,
    dask: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Scheduler of a Dask cluster: tcp://...")] = None,
    out: SweepOption = None,
    part: Annotated[str | None, typer.Option(
        metavar="I/N", help="Every N-th run from I on, for a job array: 0/10 to 9/10 into one folder.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar, no summary.")] = False,
):
    """Live the runs of a sweep that its folder does not hold yet."""
    from experiments.sweeps import find_sweep, read_sweep

    wanted = read_sweep(find_sweep(file))
    if jobs and dask:
        raise BadInput("--jobs and --dask: two places to work at; expected one of them")
    from experiments.pool import PoolError
    from experiments.sweep_store import StoreError
    from experiments.sweeping import sweep_into

    folder = out or _home(wanted)
    try:
        swept = sweep_into(wanted, folder, jobs, dask, not quiet, part=_part(part))
    except KeyboardInterrupt as stop:
        return _wrong(f"stopped; what is lived is kept in {folder}, the same command goes on from there",
                      128 + getattr(stop, "signal", signal.SIGINT))
    except (StoreError, PoolError) as error:
        return _wrong(f"the sweep stopped: {error}", FAILED)
    if not quiet:
        print("\n".join(swept.lines))
    return _wrong(f"{len(swept.lost)} runs are lost: workers died on them", FAILED) if swept.lost else GOOD


@app.command()
def status(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a sweep.")],
    run: Annotated[int | None, typer.Option(metavar="N", min=0, help="Print run N as a scenario file instead.")] = None,
):
    """Tell how far a sweep is and which runs failed of what."""
    from experiments.sweep_folder import open_sweep
    from experiments.sweep_status import as_scenario, status_of

    found = open_sweep(folder)
    print("\n".join(status_of(found)) if run is None else as_scenario(found, run), end="\n" if run is None else "")


@app.command()
def adequacy(
    scenario: ScenarioArgument,
    years: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="Weather years.")] = 10,
    draws: Annotated[int, typer.Option(metavar="N", min=1, max=1000, help="Draws of outages in each year.")] = 5,
    change: Annotated[list[str] | None, typer.Option(
        "--set", metavar="KEY=VALUE", help="demand=1.2, demand.GD=1.1, capacity.coal=0.9, capacity.coal.GD=0, or a "
                                           "value of the scenario; as often as wanted.")] = None,
    against: Annotated[list[str] | None, typer.Option(
        metavar="KEY=VALUE", help="The same on top, for a second study under the same weather and outages.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for tables and a picture.")] = None,
):
    """How often load could not be served (LOLE, EENS) over weather years and outages; no market is run."""
    mine, own = _parted(change or [])
    other, theirs = _parted(against or [])
    config, second = _load(scenario, own), _load(scenario, [*own, *theirs])
    from experiments.adequacy import Changes, report, save, study, vet

    first, changed = Changes.read(mine, config), Changes.read([*mine, *other], second)
    if (config.start, config.end) != (second.start, second.end) or config.seed != second.seed:
        raise BadInput("--against: changes the period or the seed; expected the same hours and draws in both studies")
    if out:
        vet(out)  # before anything is done
    found = study(config, first, years, draws)
    compared = study(second, changed, years, draws) if against else None
    print("\n".join(report(config, found, compared)))
    for file in save(out, found, compared) if out else ():
        print(f"written   {file}")
    return GOOD


def _parted(texts: list[str]) -> tuple[list[str], list[str]]:
    """Changes of a study, and values of the scenario."""
    mine = [text for text in texts if text.split("=")[0].split(".")[0] in ("demand", "capacity")]
    return mine, [text for text in texts if text not in mine]


@app.command()
def audit(
    folder: RunArgument,
    record: Annotated[str | None, typer.Option(
        "--prove", metavar="ID", help="Write a proof that a record is in the main chain: ENTRY or ENTRY:ROW.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the proof goes: proof-ID.json.")] = None,
):
    """Recompute a finished run's journal, chains, balances and seal; name the first bad record."""
    if not folder.is_dir() or not any((folder / name).exists() for name in ("run.yaml", "manifest.txt")):
        raise BadInput(f"{folder}: holds no run; expected a folder written by gridgig run")
    from experiments.audit import audit as recompute

    report = recompute(folder)
    for line in report.seen:
        print(f"good      {line}")
    for line in report.unseen:
        print(f"unseen    {line}")
    for fault in report.faults:
        print(f"BAD       {fault}")
    if not report.good:
        return _wrong(f"{folder}: {report.faults[0]}", FAILED)
    print(f"{folder}: all well")
    if record is not None:
        _prove(folder, record, out)
    return GOOD


def _prove(folder: Path, record: str, out: Path | None):
    """Write the proof of a record of a run that has been audited."""
    import json

    from experiments.prove import Asked, prove

    asked = Asked.read(record)
    proof, file = prove(folder, asked), out or Path(f"proof-{record.replace(':', '-')}.json")
    try:
        file.write_text(json.dumps(proof, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{file}: cannot be written: {error.strerror}") from None
    print(f"written   {file}; python -m experiments.verify {file} --head MAIN_HEAD")


@app.command()
def trace(
    folder: RunArgument,
    month: Annotated[str, typer.Option("--month", "--period", metavar="MONTH", help="2025-07.")],
    user: Annotated[str | None, typer.Option(
        metavar="NAME", help="A class of users, a city, a large user or a neighbour.")] = None,
    account: Annotated[int | None, typer.Option(metavar="ID", help="Or one account, of a run with accounts.")] = None,
    as_data: Annotated[bool, typer.Option("--json", help="JSON instead of a page of Markdown.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the statement goes, if not here.")] = None,
):
    """State where a user's, or one account's, electricity came from in a month, with its green share and carbon."""
    from experiments.store import open_run
    from experiments.trace import account_statement, as_json, as_text, statement

    if (user is None) == (account is None):
        raise BadInput("trace: expected --user NAME or --account ID, and not both")
    run = open_run(folder)
    found = statement(run, user, month) if account is None else account_statement(run, account, month)
    text = as_json(found) if as_data else as_text(found)
    if out is None:
        print(text, end="")
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{out}: cannot be written: {error.strerror}") from None
    print(f"written   {out}")


@app.command()
def query(folder: FolderArgument, sql: Annotated[str, typer.Argument(
        metavar="SQL", help="On indicators, hourly, hourly_corridor ..., riders, journal, journal_rows, runs; of a "
                            "sweep on runs, outcomes, points and what it keeps.")]):
    """Ask a finished run, or a sweep, something in SQL."""
    from experiments.store import open_run
    from experiments.sweep_folder import is_sweep_folder, open_sweep

    table = (open_sweep if is_sweep_folder(folder) else open_run)(folder).query(sql)
    print(table.to_string(index=False, max_colwidth=None, float_format=_shown) if len(table) else "(no rows)")


@app.command()
def validate(
    file: Annotated[Path | None, typer.Argument(
        metavar="FILE", help="Published figures: configs/validation.yaml.")] = None,
    jobs: Annotated[int | None, typer.Option(metavar="N", min=1, help="Runs at a time: one a processor.")] = None,
):
    """Live the history for several seeds and hold it against published figures, line by line."""
    from experiments import validate as validation

    path = file or validation.FILE
    wanted = validation.read(path)
    try:
        judged = validation.judge(wanted, path, jobs)
    except _failures() as error:
        return _wrong(f"a run failed: {error}", FAILED)
    print("\n".join(validation.table(judged)))
    failed = [one.key for one in judged if one.failed]
    return _wrong(f"missed: {', '.join(failed)}", FAILED) if failed else GOOD


cli_seeing.add_to(app)
cli_searching.add_to(app)
cli_riders.add_to(app)
cli_data.add_to(app)


def _shown(value: float) -> str:
    """A number of an answer: whole ones in full (sums of fen are long), others to six figures."""
    return f"{value:.0f}" if value == round(value) else f"{value:.6g}"


def _part(text: str | None) -> tuple[int, int] | None:
    """`3/10` as (3, 10)."""
    if text is None:
        return None
    which, _, many = text.partition("/")
    if not (which.isdigit() and many.isdigit() and int(which) < int(many)):
        raise BadInput(f"--part: '{text}' is no part; expected I/N with I from 0 to N - 1, as 0/10")
    return int(which), int(many)


def _home(sweep) -> Path:
    """Where a sweep's results go if nobody says otherwise."""
    return Path("results") / sweep.name


def _load(scenario: str, change=None, seed=None, start=None, end=None):
    """The config of a scenario given as a path or a bare name."""
    from sim.config import load

    return load(find_scenario(scenario), set=change or (), seed=seed, start=start, end=end)


def _failures() -> tuple[type[Exception], ...]:
    """What a run may fail of that says itself what and when; anything else is a defect and shows where it is."""
    from sim.engines.records import ClearingError
    from sim.settlement.checks import CheckError
    from sim.settlement.journal import JournalError

    return ClearingError, CheckError, JournalError


if __name__ == "__main__":
    sys.exit(main())
