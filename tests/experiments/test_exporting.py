"""Tables as Excel and figures as PNG and SVG: whole or not at all."""

import zipfile
from xml.etree import ElementTree

import pytest

from experiments import exporting
from experiments.exporting import to_excel, to_pictures
from experiments.runner import run as live
from experiments.store import open_run
from sim.config import BadInput, load
from tests.labs import TOY

SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two days of the toy world in a folder."""
    folder = tmp_path_factory.mktemp("export") / "toy"
    live(load(TOY, set=["scale.riders=200", "record.figures=false"], end="2025-07-02"), folder, progress=False)
    return open_run(folder)


def sheets(path):
    """Names of an Excel file's sheets, and the cells of the first: rows of texts."""
    with zipfile.ZipFile(path) as book:
        listed = ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{SHEET}sheet")
        names = [sheet.get("name") for sheet in listed]
        rows = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml")).iter(f"{SHEET}row")
        return names, [["".join(cell.itertext()) for cell in row.iter(f"{SHEET}c")] for row in rows]


def test_every_table_is_a_sheet_with_all_its_rows(run, tmp_path):
    written = to_excel(run, tmp_path / "toy.xlsx")
    assert written == [str(tmp_path / "toy.xlsx")]
    names, rows = sheets(tmp_path / "toy.xlsx")
    assert names == [kind.replace("/", " ")[:31] for kind in run.kinds]
    first = run.table(run.kinds[0])
    assert rows[0] == list(first)
    assert len(rows) == 1 + len(first)
    assert float(rows[1][list(first).index("CNY")]) == pytest.approx(first["CNY"].iloc[0])


def test_a_table_that_has_no_room_in_a_sheet_is_said(run, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "ROWS", 100)
    said = to_excel(run, tmp_path / "toy.xlsx")
    assert any(line.startswith("left out  hourly/bus: 144 rows, a sheet holds 100") for line in said)
    assert "hourly bus" not in sheets(tmp_path / "toy.xlsx")[0]


def test_what_exists_is_not_written_over(run, tmp_path):
    (tmp_path / "toy.xlsx").write_text("mine")
    with pytest.raises(BadInput, match="exists already"):
        to_excel(run, tmp_path / "toy.xlsx")
    with pytest.raises(BadInput, match="exists already"):
        to_pictures(run, tmp_path, "svg", "en")
    assert (tmp_path / "toy.xlsx").read_text() == "mine"


def test_an_excel_file_that_fails_leaves_nothing(run, tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(exporting, "_sheet", fail)
    with pytest.raises(OSError):
        to_excel(run, tmp_path / "toy.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("form", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_every_figure_is_a_file(run, tmp_path, form, begins):
    written = to_pictures(run, tmp_path / form, form, "en")
    assert len(written) == 12
    for path in (tmp_path / form).iterdir():
        assert path.read_bytes().startswith(begins)
    assert sorted(written) == sorted(map(str, (tmp_path / form).iterdir()))
