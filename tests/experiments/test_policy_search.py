"""A policy search finds fronts that are known, and does not take noise for merit."""

import numpy as np
import pytest
import yaml

from experiments import designs, pareto
from experiments.candidates import Trials
from experiments.cli import main
from experiments.designs import Axis
from experiments.policy_search import Search, SearchFile, bred, read
from sim.config import BadInput
from sim.config.scenarios import PROJECT

MEASURE = {"indicator": "price", "unit": "CNY/MWh"}


def wanted(axes, goals, **changes) -> Search:
    file = SearchFile(**({
        "title": "t", "question": "q", "source": "s", "scenario": "toy", "population": 24, "generations": 15,
        "replicates": 3, "confirm": 8, "levers": {axis.name: {"range": [0.0, 1.0]} for axis in axes},
        "objectives": {f"f{i}": MEASURE | {"goal": goal} for i, goal in enumerate(goals)}} | changes))
    return Search(file, PROJECT, axes, 100)


def exact(function, replicates):
    return lambda generation, candidates: np.repeat(function(np.array(candidates))[:, None, :], replicates, axis=1)


def zdt1(x):
    """Both to be small; the front is f1 = 1 - sqrt f0, where all but the first lever are 0."""
    g = 1 + 9 * x[:, 1:].mean(axis=1)
    return np.stack([x[:, 0], g * (1 - np.sqrt(x[:, 0] / g))], axis=1)


def test_the_front_of_zdt1_is_found():
    axes = [Axis(name, inverse=designs.uniform(0, 1)) for name in ("x0", "x1", "x2")]
    search = wanted(axes, ["least", "least"], generations=40)
    found = bred(search, exact(zdt1, 3), exact(zdt1, 8))
    front = found.confirmed[found.verdicts == pareto.STANDS].mean(axis=1)
    assert len(front) > 15
    assert (front[:, 1] - (1 - np.sqrt(front[:, 0]))).max() < 0.25
    # the whole front dominates 1 - (1 - 2/3) = 2/3 of the unit square below (1, 1)
    assert pareto.hypervolume(-front, np.array([-1.0, -1.0])) == pytest.approx(2 / 3, abs=0.08)


def schaffer(x):
    """x^2 and (x - 2)^2, both to be small: nobody is beaten from 0 to 2."""
    return np.stack([x[:, 0] ** 2, (x[:, 0] - 2) ** 2], axis=1)


def test_goals_may_point_either_way():
    axes = [Axis("x", inverse=designs.uniform(-4, 6))]
    found = bred(wanted(axes, ["least", "most"]), exact(lambda x: schaffer(x) * [1, -1], 3),
                 exact(lambda x: schaffer(x) * [1, -1], 8))
    x = found.table().query("verdict == 'stands'")["x"]
    assert x.min() > -0.1
    assert x.max() < 2.1
    assert x.max() - x.min() > 1.5


def test_luck_on_the_seeds_of_breeding_is_found_out_under_fresh_ones():
    # the second objective is noise and nothing else: by merit the first alone counts, and 9 is its best level
    axes = [Axis("level", values=tuple(range(10)))]
    dice = {seeds: np.random.default_rng(seeds) for seeds in (3, 30)}

    def noisy(seeds):
        def live(generation, candidates):
            x = np.array(candidates, float)
            merit = np.repeat(x[:, :1], seeds, axis=1)
            return np.stack([merit, dice[seeds].normal(size=merit.shape)], axis=2)
        return live

    found = bred(wanted(axes, ["most", "most"]), noisy(3), noisy(30))
    assert len(found.left) > 1  # while breeding several levels look as if they traded one for the other
    said = dict(zip(((found.candidates[at][0]) for at in found.left), found.verdicts))
    assert said[9] == pareto.STANDS
    assert [level for level, verdict in said.items() if verdict == pareto.STANDS] == [9]


def test_what_comes_again_is_not_lived_again():
    lived = []
    axes = [Axis("level", values=(0.0, 0.5, 1.0)), Axis("kind", values=("a", "b"))]

    def live(generation, candidates):
        lived.extend(candidates)
        return np.array([[[level, kind == "a"]] * 3 for level, kind in candidates], float)

    found = bred(wanted(axes, ["most", "least"]), live, live)
    assert len(found.candidates) == len(set(found.candidates)) <= 6
    assert lived[:len(found.candidates)] == found.candidates


# three seeds of one objective beside a second one that is exact; t of two degrees of freedom is 4.30
A = [[1.0, 5], [2.0, 5], [3.0, 5]]


@pytest.mark.parametrize(("other", "verdict"), [
    ([[0.0, 5], [1.0, 5], [2.0, 5]], pareto.BEATEN),  # worse by 1 in every seed, though the ranges overlap
    ([[1.9, 5], [1.9, 5], [1.9, 5]], pareto.STANDS),  # worse by 0.1 +- 2.5: noise
    ([[1.9, 6], [1.9, 6], [1.9, 6]], pareto.STANDS),  # a true trade-off
    ([[2.4, 4], [2.4, 4], [2.4, 4]], pareto.DOUBT),   # better by 0.4 +- 2.5, worse by 1 for sure
    ([[2.4, np.nan], [2.4, 4], [2.4, 4]], pareto.FAILED)])
def test_a_difference_counts_when_it_exceeds_its_paired_interval(other, verdict):
    assert pareto.verdicts(np.array([A, other]))[1] == verdict


def test_without_noise_it_is_the_usual_dominance():
    points = np.array([[1, 3], [2, 2], [3, 1], [1, 1], [2, 2]], float)  # twins do not beat each other
    assert pareto.verdicts(points[:, None, :]).tolist() == ["stands", "stands", "stands", "beaten", "stands"]


def test_the_volume_of_a_front_is_its_area():
    # above (0, 0): a step of 1 x 2 and one of 1 x 1 beside it
    assert pareto.hypervolume(np.array([[1.0, 2.0], [2.0, 1.0], [0.5, 0.5], [-1, 9]]), np.zeros(2)) == 3


TOY = {"title": "Cap and clearing", "question": "Who pays?", "source": "[assumption] tests", "scenario": "toy",
       "period": {"start": "2025-07-01", "end": "2025-07-01"}, "constants": {"scale.riders": 50},
       "levers": {"law.spot.offer_cap": [300, 600, 1200],
                  "clearing": {"levels": {"joint": {"law.spot.clearing": "joint"},
                                          "separate": {"law.spot.clearing": "separate"}}}},
       "objectives": {
           "hills": {"indicator": "price", "zones": ["HILLS"], "unit": "CNY/MWh", "weight": "load", "goal": "least"},
           "coast": {"indicator": "price", "zones": ["COAST"], "unit": "CNY/MWh", "weight": "load", "goal": "least"}},
       "population": 4, "generations": 2, "replicates": 2, "confirm": 2}


def written(folder, **changes):
    path = folder / "caps.yaml"
    path.write_text(yaml.safe_dump(TOY | changes, sort_keys=False))
    return path


@pytest.mark.campaign
def test_the_toy_worlds_front_is_found_written_drawn_and_found_again(tmp_path, capsys):
    file, home = written(tmp_path), tmp_path / "out"
    assert main(["search", str(file), "--jobs", "1", "--out", str(home), "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "stands" in said
    assert (home / "front.png").stat().st_size > 10_000
    before = sorted(home.rglob("*.log"))
    search = read(file)
    trials = Trials(home, search.file, search.scenario, search.file.levers, search.file.objectives, 1, False)
    again = bred(search, trials.live, lambda number, candidates: trials.live(number, candidates, 2, search.fresh))
    assert trials.lived == 0
    assert sorted(home.rglob("*.log")) == before
    assert again.table()["verdict"].iloc[0] == "stands"


def test_another_search_does_not_go_on_in_the_folder_of_the_first(tmp_path, capsys):
    file, home = written(tmp_path, generations=1), tmp_path / "out"
    (home / "generation-000.csv").parent.mkdir()
    (home / "generation-000.csv").write_text("clearing\njoint\n")
    assert main(["search", str(file), "--out", str(home)]) == 2
    assert "is of another search" in capsys.readouterr().err


@pytest.mark.parametrize(("changes", "words"), [
    ({"objectives": {"hills": dict(TOY["objectives"]["hills"])}}, "objectives"),
    ({"objectives": {**TOY["objectives"], "x": MEASURE}}, "goal"),
    ({"levers": {"law.spot.offer_cap": [300, "much"]}}, "levers.law.spot.offer_cap|law.spot.offer_cap")])
def test_a_wrong_file_is_one_line_with_its_place(tmp_path, changes, words):
    path = written(tmp_path, **changes)
    with pytest.raises(BadInput, match=words) as fault:
        read(path)
    assert str(fault.value).startswith(str(path))
