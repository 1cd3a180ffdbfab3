"""Statements of where electricity came from, of a finished run of the toy world."""

import json

import numpy as np
import pytest

from experiments.cli import main
from experiments.runner import run
from experiments.store import open_run
from experiments.trace import accounts_of_year
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


# ---------------------------------------------------------------------------------------------------------- of accounts


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    path = tmp_path_factory.mktemp("traced") / "retail"
    run(load(TOY, set=["record.figures=false", "scale.users=600"], start="2025-07-30", end="2025-08-02"), path,
        progress=False)
    return path


def test_a_statement_of_one_account_has_the_mix_of_its_class_at_its_bus(chosen, capsys):
    assert main(["trace", str(chosen), "--account", "17", "--period", "2025-08", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    accounts, rows = open_run(chosen).table("populations/accounts"), open_run(chosen).table("tracing/row_footprint")
    mine = accounts[(accounts["account"] == 17) & (accounts["date"].astype(str) == "2025-08-01")].iloc[0]
    here = rows[(rows["row"] == mine["row"]) & (rows["date"] == mine["date"])].iloc[0]
    assert mine["accounts"] > 1  # a row stands for many: the statement is of one
    assert found["MWh"] == pytest.approx(mine["MWh"] / mine["accounts"], abs=1e-6)
    assert sum(row["MWh"] for row in found["sources"]) == pytest.approx(found["MWh"], abs=1e-5)
    assert found["green_share"] == pytest.approx(here["green"] / here["MWh"], abs=1e-6)
    assert (found["class"], found["bus"], found["package"]) == ("town", here["bus"], mine["package"])
    assert found["year_so_far"]["MWh"] > found["MWh"]


def test_statements_of_all_accounts_sum_to_the_class(chosen):
    """Energy of the year so far, carbon as traced and net of certificates: nothing is lost, nothing counted twice."""
    run = open_run(chosen)
    year, whole = accounts_of_year(run, "2025-08"), run.table("tracing/footprint")
    whole = whole[(whole["consumer"] == "town") & (whole["date"].astype(str) == "2025-08-01")].iloc[0]
    for of_account, of_class in (("MWh", "year_MWh"), ("t", "year_t"), ("claimed", "year_claimed"),
                                 ("green", "year_green"), ("certificates", "year_certificates")):
        assert np.dot(year[of_account], year["accounts"]) == pytest.approx(whole[of_class], rel=1e-6)


def test_a_page_of_one_account(chosen, capsys):
    assert main(["trace", str(chosen), "--account", "17", "--period", "2025-08"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# Traceability of electricity: account 17, 2025-08\n\nOf class town at bus HILLS_")


@pytest.mark.parametrize(("asked", "said"), [
    (["--account", "600"], "nobody has the number 600"), ([], "expected --user NAME or --account ID"),
    (["--account", "1", "--user", "town"], "and not both")])
def test_an_account_that_is_none_is_answered_in_one_line(chosen, asked, said, capsys):
    assert main(["trace", str(chosen), *asked, "--month", "2025-08"]) == 2
    assert said in capsys.readouterr().err


def test_a_run_without_accounts_says_so(folder, capsys):
    assert main(["trace", str(folder), "--account", "1", "--month", "2025-07"]) == 2
    assert "holds no traced accounts" in capsys.readouterr().err
