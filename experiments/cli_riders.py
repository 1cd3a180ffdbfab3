"""The verb of `gridgig` that asks of a subsidy whom it brought into insurance: gain."""

from pathlib import Path
from typing import Annotated

import typer


def add_to(app: typer.Typer):
    """Give the command line this verb."""
    app.command()(gain)


def gain(
    scenario: Annotated[str, typer.Argument(
        metavar="SCENARIO", help="A scenario's file, or the name of one in configs/scenarios.")] = "staged_2025",
    change: Annotated[list[str] | None, typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a value of the scenario; as often as wanted.")] = None,
    without: Annotated[list[str] | None, typer.Option(
        metavar="KEY=VALUE", help="What takes the subsidy away: instruments.pension_subsidy=false.")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Another seed.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DAY", help="Another first day, 2025-01-31.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DAY", help="Another last day.")] = None,
    dimension: Annotated[str, typer.Option(
        "--by", metavar="GROUP", help="city, segment, age, gender, origin, decile.")] = "segment",
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write the tables and the picture there.")] = None,
):
    """Live a scenario's riders with and without the pension subsidy: who is covered because of it, at what cost, and
    whether an event study of its roll-out would find that out."""
    from experiments import coverage_gain
    from experiments.cli import scenario_file
    from experiments.riders_outcomes import vet

    vet(dimension)
    found = coverage_gain.gain(scenario_file(scenario), change or (), seed, start, end,
                               without or coverage_gain.WITHOUT)
    print("\n".join([*found.lines, "", *found.table(dimension), "", *found.study_lines]))
    for path in coverage_gain.write(found, out) if out else ():
        print(f"written   {path}")
