"""Scenarios, points of sweeps and runs are compared seed by seed, and a comparison ends with a page."""

import numpy as np
import pytest

from experiments import comparing, notebook
from experiments.cli import main
from experiments.comparing import ACCOUNT, DECILE, FIGURES, OUTCOMES, SECTOR, ZONE, compare, scenario_sweep, told
from experiments.runner import run
from experiments.store import open_run
from experiments.sweeping import sweep_into
from sim.config import BadInput, load
from sim.config.scenarios import PROJECT
from tests.experiments.sweep_files import small

DAY = "toy,period.end=2025-07-01,scale.riders=50"
CAPPED = f"{DAY},law.spot.offer_cap=300"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("comparing")


@pytest.fixture(scope="module")
def lived(home):
    return compare([DAY, CAPPED], seeds=2, jobs=1, home=home, progress=False)


@pytest.fixture(scope="module")
def finished(home):
    """The first side as runs with folders of their own."""
    for seed in (7, 8):
        config = load(PROJECT / "configs" / "scenarios" / "toy.yaml", seed=seed, end="2025-07-01",
                      set=["scale.riders=50", "record.figures=false", "record.hourly=false"])
        run(config, home / "runs" / f"seed-{seed}", progress=False)
    return home / "runs"


def test_scenarios_are_lived_under_the_same_seeds_and_compared(lived):
    rows, sides = lived
    assert [side.name for side in sides] == ["toy period.end=2025-07-01 scale.riders=50",
                                             "toy period.end=2025-07-01 scale.riders=50 law.spot.offer_cap=300"]
    assert [sorted(side.figures) for side in sides] == [[7, 8], [7, 8]]
    assert rows["group"].drop_duplicates().tolist() == [FIGURES, SECTOR, ACCOUNT, ZONE, DECILE]
    assert (rows["seeds"] == 2).all()
    price = rows[rows["what"] == "mean price in the coast"].iloc[0]
    assert price["after"] < price["before"]
    assert price["low"] < price["difference"] < price["high"]


def test_what_one_gains_others_lose(lived):
    rows, _ = lived
    accounts = rows[rows["group"] == ACCOUNT]
    # only books that round and banks are left out, and what they have left is a few fen
    assert accounts["difference"].sum() == pytest.approx(0, abs=1e-3)
    sectors = rows[rows["group"] == SECTOR]
    assert sectors["difference"].sum() == pytest.approx(accounts["difference"].sum(), abs=1e-9)
    assert accounts.set_index("what").loc["users", "difference"] > 0


def test_a_run_of_a_sweep_says_what_a_folder_of_its_own_says(lived, finished):
    _, sides = lived
    own = comparing.compare([str(finished), str(finished)])[1][0]
    for seed in (7, 8):
        mine, theirs = sides[0].figures[seed], own.figures[seed]
        assert mine.keys() == theirs.keys()
        assert np.allclose([*mine.values()], [*theirs.values()], rtol=1e-12)
    heads = [run.certificate["head"] for run in sides[0].side.runs]
    assert heads == [open_run(finished / f"seed-{seed}").certificate["head"] for seed in (7, 8)]


def test_what_is_kept_is_not_lived_again(lived, home):
    before = sorted(home.glob("*/shards/*"))
    assert before
    again, _ = compare([DAY, CAPPED], seeds=2, jobs=1, home=home, progress=False)
    assert again.equals(lived[0])
    assert sorted(home.glob("*/shards/*")) == before


def test_the_command_tells_writes_and_ends_with_a_page(lived, home, capsys):
    table = home / "table.csv"
    assert main(["compare", DAY, CAPPED, "--seeds", "2", "--jobs", "1", "--out", str(home), "--csv", str(table),
                 "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "2 seeds, paired" in said
    assert table.read_text().startswith(",".join(comparing.COLUMNS))
    page = next(home.glob("*.html")).read_text()
    assert f"written   {next(home.glob('*.html'))}" in said
    assert "law.spot.offer_cap" in page
    assert "95 % interval of the difference, paired by seed" in page


def test_one_seed_is_said_to_tell_nothing_of_chance(lived):
    rows, sides = lived
    one = [comparing.Compared(side.name, {7: side.figures[7]}, side.side) for side in sides]
    lines = told(comparing.table(one), one[0].name)
    assert "One seed is one weather: there is no interval, and no chance of one above the other." in lines
    assert not any("do not hold zero" in line for line in lines)


def test_sides_that_are_the_same_are_said_to_be(lived):
    _, sides = lived
    lines = told(comparing.table([sides[0], sides[0]]), sides[0].name)
    assert lines[-1] == "Nothing differs."


def test_points_of_a_sweep_are_compared_by_their_outcomes(tmp_path):
    folder = sweep_into(small(tmp_path), tmp_path / "out", jobs=0, progress=False).folder
    rows = notebook.compare(f"{folder}:0", f"{folder}:2", f"{folder}:4")
    assert rows["other"].tolist() == ["out:2"] * 2 + ["out:4"] * 2
    assert rows["group"].unique().tolist() == [OUTCOMES]
    wide = notebook.outcomes(folder).groupby("point")["price"].mean()
    assert rows["difference"][0] == pytest.approx(wide[2] - wide[0])


def test_changes_are_read_as_after_set():
    name, text = scenario_sweep("toy,law.spot.offer_cap=300,law.pension_subsidy.match=0.25", 3)
    assert name == "toy law.spot.offer_cap=300 law.pension_subsidy.match=0.25"
    assert "  law.spot.offer_cap: 300\n  law.pension_subsidy.match: 0.25\n" in text
    assert "hourly/bus" not in text
    assert "hourly/bus" in scenario_sweep("toy", 3, hourly=True)[1]


@pytest.mark.parametrize(("arguments", "words"), [
    (["toy"], "one side; expected two or more"),
    (["toi", "toy"], "there is no such scenario; did you mean 'toy'"),
    ([f"{DAY},law.spot.offer_cup=3", DAY], "did you mean"),
    ([f"{DAY},seed=3", DAY], "seed")])
def test_what_cannot_be_compared_is_one_line(tmp_path, arguments, words):
    with pytest.raises(BadInput, match=words):
        compare(arguments, 1, 1, tmp_path / "home", progress=False)


def test_a_sweep_without_a_point_or_with_a_wrong_one_is_one_line(tmp_path):
    folder = sweep_into(small(tmp_path), tmp_path / "out", jobs=0, progress=False).folder
    with pytest.raises(BadInput, match="is a sweep; expected one point of it, as"):
        compare([str(folder), DAY])
    with pytest.raises(BadInput, match="has no point 9; expected 0 to 5"):
        compare([f"{folder}:9", f"{folder}:0"])
