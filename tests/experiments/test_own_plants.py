"""A world with plants of one's own, which the ordinary reader takes."""

import pytest

from experiments.cli import main
from experiments.own_plants import find_world, with_plants
from sim.config import BadInput, load, read_world
from sim.config.scenarios import PROJECT, whole_schema
from sim.model import PolicyLab
from tests.labs import TOY

WORLD = PROJECT / "configs" / "worlds" / "toy"
HEAD = "key,bus,owner,technology,capacity [MW],cost [CNY/MWh],in_service,source\n"
MINE = HEAD + "coal_COAST_3,COAST,me,coal,50,300,2020-01-01,mine\npeaker,COAST,me,gas,40,0,2020-01-01,mine\n"


def written(tmp_path, text):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    return path


def test_what_has_a_plants_key_takes_its_place_and_the_rest_stand_behind(tmp_path):
    with_plants(WORLD, written(tmp_path, MINE), tmp_path / "out")
    before, after = (read_world(path, whole_schema())["plants"] for path in (WORLD, tmp_path / "out"))
    assert list(after["key"]) == [*before["key"], "peaker"]
    place = before.position("coal_COAST_3")
    assert [row for i, row in enumerate(after) if i not in (place, len(before))] == [
        row for i, row in enumerate(before) if i != place]
    # columns that the user's table does not have are at their defaults: no must-run, no markup, free ramps
    changed = after.rows[place]
    assert (changed.owner, changed.capacity, changed.markup, changed.must_run, changed.ramp, changed.pondage) == (
        "me", 50, 0, 0, 1, False)


def test_the_copy_lives_under_the_law_of_the_world_and_its_plants_are_cleared(tmp_path):
    """40 MW that cost nothing run all 24 hours where everything else on the coast costs something: 960 MWh."""
    with_plants(WORLD, written(tmp_path, MINE), tmp_path / "deep" / "out")
    assert read_world(tmp_path / "deep" / "out", whole_schema()).law == read_world(WORLD, whole_schema()).law
    scenario = tmp_path / "deep" / "mine.yaml"
    scenario.write_text(TOY.read_text().replace("../worlds/toy", "out"))
    lab = PolicyLab(load(scenario, set=["scale.riders=0"], end="2025-07-01"))
    lab.step()
    unit = list(lab.grid.units.key).index("peaker")
    assert lab.facts.output[unit].sum() == pytest.approx(960)


def test_a_world_of_the_users_plants_alone(tmp_path):
    """The toy's own table without a gas plant will do; without the plant of a reservoir it will not."""
    lines = (WORLD / "plants.csv").read_text().splitlines(keepends=True)

    def without(key):
        return written(tmp_path, "".join(line for line in lines if not line.startswith(f"{key},")))

    with pytest.raises(BadInput, match=r"worlds/toy/reservoirs.csv:2: plant: 'upper' is not a key of plants.csv"):
        with_plants(WORLD, without("upper"), tmp_path / "out", replace=True)
    said = with_plants(WORLD, without("gas_COAST_2"), tmp_path / "out", replace=True)
    assert said[0].endswith("14 plants, 0 new, 14 changed, 1 of the world's left out")
    assert "gas_COAST_2" not in set(read_world(tmp_path / "out", whole_schema())["plants"]["key"])


@pytest.mark.parametrize(("old", "new", "words"), [
    ("peaker,COAST", "peaker,COST", "mine.csv:3: bus: 'COST' is not a key of buses.csv; did you mean 'COAST'?"),
    ("gas", "gaz", "mine.csv:3: technology: 'gaz'"), (",50,", ",-50,", r"mine.csv:2: capacity \[MW\]: "),
    ("owner", "ownr", "mine.csv:1: ownr: unknown column; did you mean 'owner'?"),
    ("peaker,COAST,me,gas", "peaker,COAST,me,wind", "mine.csv:3: profile: the cell is empty"),
    ("peaker", "coal_COAST_3", "mine.csv:3: key: 'coal_COAST_3' stands twice, first on line 2")])
def test_what_is_wrong_is_named_in_the_users_file_and_nothing_is_written(tmp_path, old, new, words):
    with pytest.raises(BadInput, match=words):
        with_plants(WORLD, written(tmp_path, MINE.replace(old, new)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_names_and_folders(tmp_path, capsys):
    assert find_world("toy") == WORLD
    with pytest.raises(BadInput, match="toi: there is no such world; did you mean 'toy'?"):
        find_world("toi")
    mine = written(tmp_path, MINE)
    assert main(["world", "with-plants", "toy", str(mine), "--out", str(tmp_path / "out")]) == 0
    assert "16 plants, 1 new, 1 changed, 14 of the world's kept" in capsys.readouterr().out
    assert main(["world", "with-plants", "toy", str(mine), "--out", str(tmp_path / "out")]) == 2
    assert "exists; expected a new folder" in capsys.readouterr().err
