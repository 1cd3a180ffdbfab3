"""The pages that teach run as they stand: tutorials, lessons, and what README says in two languages."""

import pytest

from tests.experiments.walkthrough import walk

TUTORIALS = {
    "a_day_of_the_market": {"command": 4, "shown": 1, "python": 5},
    "add_a_market": {"command": 8, "file": 2, "shown": 2, "python": 2},
    "add_an_instrument": {"command": 7, "file": 2, "shown": 1, "python": 2},
    "design_an_experiment": {"command": 7, "file": 1, "shown": 2, "python": 4},
}


@pytest.mark.parametrize("tutorial", TUTORIALS)
def test_a_tutorial_runs_as_it_stands(tutorial, tmp_path, monkeypatch, capsys):
    assert walk(f"docs/tutorials/{tutorial}.md", tmp_path, monkeypatch, capsys) == TUTORIALS[tutorial]


@pytest.mark.parametrize(("lesson", "found"), [
    ("guangdong", {"command": 7, "shown": 1, "python": 1}), ("pension", {"command": 6, "shown": 1, "python": 2})])
def test_a_lesson_runs_as_it_stands(lesson, found, tmp_path, monkeypatch, capsys):
    assert walk(f"docs/lessons/{lesson}.md", tmp_path, monkeypatch, capsys) == found
