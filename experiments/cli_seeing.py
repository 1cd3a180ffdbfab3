"""The verbs of `gridgig` that show and explain a finished run: report, explain, export."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sim.config.sections import BadInput

RunArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished run.")]


class Kind(StrEnum):
    """What a run can be exported to."""

    csv = "csv"
    xlsx = "xlsx"
    png = "png"
    svg = "svg"


class Language(StrEnum):
    """Languages in which things are shown."""

    en = "en"
    zh = "zh"


LanguageOption = Annotated[Language, typer.Option("--lang", help="English or Chinese.")]


def add_to(app: typer.Typer):
    """Give the command line these verbs."""
    app.command()(report)
    app.command()(explain)
    app.command()(export)


def report(
    folder: Annotated[Path, typer.Argument(
        metavar="DIR", help="A finished run, or a folder of runs that differ in their seed.")],
    other: Annotated[Path | None, typer.Argument(metavar="DIR2", help="The same, to compare with the first.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The page: DIR-report.html.")] = None,
    lang: LanguageOption = Language.en,
):
    """Write one page that says what came out: HTML that needs no network, with pictures, and prints well."""
    from experiments.report import Side, write

    sides = [Side.open(path) for path in (folder, other) if path is not None]
    resolved = folder.resolve()
    print(write(sides, out or resolved.with_name(f"{resolved.name}-report.html"), lang.value))


def explain(
    folder: RunArgument,
    price: Annotated[tuple[str, str] | None, typer.Option(
        metavar="PLACE TIME", help="Why a price is what it is: of a zone or bus, in an hour (2025-07-14T19).")] = None,
    rider: Annotated[int | None, typer.Option(metavar="ID", help="What one rider lived, month by month.")] = None,
    yuan: Annotated[bool, typer.Option("--yuan", help="Where a yuan goes, from payer to payee.")] = False,
    payer: Annotated[list[str] | None, typer.Option(
        "--from", metavar="ACCOUNT", help="Whose yuan; as often as wanted. By default of all that pay most.")] = None,
):
    """Explain a finished run: a price, a rider, a yuan. Prices and riders are read off the run lived again."""
    if (price is not None) + (rider is not None) + yuan != 1:
        raise BadInput("explain: expected one of --price PLACE TIME, --rider ID, --yuan")
    if payer and not yuan:
        raise BadInput("explain: --from goes with --yuan")
    from experiments import explaining
    from experiments.store import open_run

    run = open_run(folder)
    if price:
        lines = explaining.price(run, *price)
    elif rider is not None:
        lines = explaining.rider(run, rider)
    else:
        lines = explaining.yuan(run, payer)
    print("\n".join(lines))


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a finished run, or of a sweep.")],
    to: Annotated[Kind, typer.Option(help="Tables: csv, xlsx. Figures: png, svg.")] = Kind.csv,
    out: Annotated[Path | None, typer.Option(
        metavar="PATH", help="A new folder, for xlsx a new file: DIR-csv, DIR.xlsx ...")] = None,
    lang: LanguageOption = Language.en,
):
    """Write a finished run's tables as CSV or Excel, its figures as PNG or SVG; of a sweep, tables."""
    from experiments.store import export_csv, open_run
    from experiments.sweep_folder import export_sweep, is_sweep_folder, open_sweep

    name = folder.resolve().name
    target = out or folder.resolve().with_name(f"{name}.xlsx" if to == Kind.xlsx else f"{name}-{to.value}")
    if is_sweep_folder(folder):
        if to != Kind.csv:
            raise BadInput(f"export: {folder} is a sweep; expected --to csv")
        written = export_sweep(open_sweep(folder), target)
    elif to == Kind.csv:
        written = export_csv(open_run(folder), target)
    elif to == Kind.xlsx:
        from experiments.exporting import to_excel

        written = to_excel(open_run(folder), target)
    else:
        from experiments.exporting import to_pictures

        written = to_pictures(open_run(folder), target, to.value, lang.value)
    for line in written:
        print(line)
