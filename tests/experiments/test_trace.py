"""Statements of where electricity came from, of a finished run of the toy world."""

import json

import pytest

from experiments.cli import main
from experiments.runner import run
from sim.config import load
from tests.labs import TOY


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("traced") / "run"
    run(load(TOY, set=["record.figures=false"], start="2025-07-01", end="2025-07-03"), path, progress=False)
    return path


def test_a_statement_names_sources_that_sum_to_the_use_and_the_run(folder, capsys):
    assert main(["trace", str(folder), "--user", "town", "--month", "2025-07", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sum(row["MWh"] for row in found["sources"]) == pytest.approx(found["MWh"], abs=0.02)
    assert {row["way"] for row in found["sources"]} == {"contract", "flow"}
    assert 0 < found["green_share"] < 1
    text = (folder / "run.yaml").read_text()
    assert all(f"{name}: {found['run'][name]}" in text for name in ("head", "main", "seal"))


def test_a_page_for_people(folder, tmp_path, capsys):
    page = tmp_path / "town.md"
    assert main(["trace", str(folder), "--user", "town", "--month", "2025-07", "--out", str(page)]) == 0
    text = page.read_text()
    assert text.startswith("# Traceability of electricity: town, 2025-07")
    assert "| hydro | by contract |" in text
    assert "journal head `" in text


@pytest.mark.parametrize(("user", "month", "said"), [("towm", "2025-07", "did you mean"),
                                                    ("town", "2024-07", "expected one")])
def test_nobody_and_never_are_answered_in_one_line(folder, user, month, said, capsys):
    assert main(["trace", str(folder), "--user", user, "--month", month]) == 2
    assert said in capsys.readouterr().err


def test_a_run_that_did_not_trace_says_so(folder, tmp_path, capsys):
    import shutil
    bare = tmp_path / "bare"
    shutil.copytree(folder, bare)
    shutil.rmtree(bare / "tracing")
    assert main(["trace", str(bare), "--user", "town", "--month", "2025-07"]) == 2
    assert "holds no tracing" in capsys.readouterr().err
