"""A finished run in other forms: its tables in one Excel file, its figures as PNG or SVG."""

from pathlib import Path
from typing import TYPE_CHECKING

from experiments.again import config_of
from experiments.store import Folder, Run
from experiments.tongue import speaking
from sim.config import BadInput
from sim.config.documents import place_of

if TYPE_CHECKING:
    from experiments.plots import Places

ROWS = 1_048_576  # of an Excel sheet, the header included
NAME = 31  # characters of a sheet's name


def to_excel(run: Run, target: Path) -> list[str]:
    """Write every table of a run as a sheet of one Excel file; lines that say what was written, and what has no room.

    Raises: BadInput where the target exists.
    """
    import xlsxwriter
    from pyarrow import parquet

    if target.exists():
        raise BadInput(f"{place_of(target)}: exists already; expected a new file")
    partial, left_out = target.with_name(f".{target.name}.partial"), []
    try:
        with xlsxwriter.Workbook(str(partial), {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm",
                                                "nan_inf_to_errors": True}) as book:
            bold = book.add_format({"bold": True})
            for kind in run.kinds:
                with parquet.ParquetFile(run.path / f"{kind}.parquet") as file:
                    if file.metadata.num_rows >= ROWS:
                        left_out.append(f"left out  {kind}: {file.metadata.num_rows:,} rows, a sheet holds {ROWS:,}; "
                                        "gridgig export --to csv has it")
                        continue
                    _sheet(book.add_worksheet(kind.replace("/", " ")[:NAME]), file, bold)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return [str(target), *left_out]


def _sheet(sheet, file, bold):
    """A table as a sheet: the header, then rows as they come, so that no table must fit into memory."""
    for column, name in enumerate(file.schema_arrow.names):
        sheet.write_string(0, column, name, bold)
    sheet.freeze_panes(1, 0)
    at = 0
    for batch in file.iter_batches():
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns):
            at += 1
            for column, value in enumerate(row):
                if value is not None and value == value:  # an empty cell is what is not known
                    sheet.write(at, column, value)


def to_pictures(run: Run, target: Path, form: str, lang: str) -> list[str]:
    """Write every figure of a run into a new folder, as PNG or SVG; the files written.

    Raises: BadInput where the target holds something already, or Chinese cannot be drawn.
    """
    from experiments.plots import figures

    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise BadInput(f"{place_of(target)}: exists already; expected a new folder")
    with speaking(lang), Folder(target) as folder:
        names = []
        for name, figure in figures(run, places(run)):
            figure.savefig(folder.work / f"{name}.{form}", dpi=200, metadata={"Date": None} if form == "svg" else None)
            names.append(name)
        folder.appear()
    return [str(target / f"{name}.{form}") for name in names]


def places(run: Run) -> "Places":
    """Where the buses of a run's world lie; nowhere that is known if its world has changed since."""
    from experiments.plots import places_of

    try:
        return places_of(config_of(run).world["buses"])
    except BadInput:
        return {}
