"""The pages that teach run as they stand: tutorials, lessons, and what README says in two languages."""

import re
import shlex

import pytest
import typer

from experiments.cli import app
from sim.config.scenarios import PROJECT
from tests.experiments.walkthrough import pieces, walk

TUTORIALS = {
    "a_day_of_the_market": {"command": 4, "shown": 1, "python": 5},
    "add_a_market": {"command": 8, "file": 2, "shown": 2, "python": 2},
    "add_an_instrument": {"command": 7, "file": 2, "shown": 1, "python": 2},
    "design_an_experiment": {"command": 7, "file": 1, "shown": 2, "python": 4},
}


@pytest.mark.parametrize("tutorial", TUTORIALS)
def test_a_tutorial_runs_as_it_stands(tutorial, tmp_path, monkeypatch, capsys):
    assert walk(f"docs/tutorials/{tutorial}.md", tmp_path, monkeypatch, capsys) == TUTORIALS[tutorial]


@pytest.mark.campaign
@pytest.mark.parametrize(("lesson", "found"), [
    ("guangdong", {"command": 7, "shown": 1, "python": 1}), ("pension", {"command": 6, "shown": 1, "python": 2})])
def test_a_lesson_runs_as_it_stands(lesson, found, tmp_path, monkeypatch, capsys):
    assert walk(f"docs/lessons/{lesson}.md", tmp_path, monkeypatch, capsys) == found


def commands_of(page: str) -> list[list[str]]:
    """The commands of a page, without what is said beside them."""
    return [shlex.split(piece.text) for piece in pieces(PROJECT / page) if piece.kind == "command"]


def test_both_readmes_say_the_same_commands():
    english, chinese = commands_of("README.md"), commands_of("README.zh.md")
    assert len(english) > 10
    assert english == chinese


@pytest.mark.parametrize("words", [words for words in commands_of("README.md") if words[0].endswith("gridgig")],
                         ids=lambda words: words[1])
def test_a_command_of_the_readme_is_one_that_gridgig_understands(words):
    """Its verb, its options and how many arguments it takes; what they name is looked up when it is run."""
    name, command, rest = typer.main.get_command(app).resolve_command(typer.Context(typer.main.get_command(app)),
                                                                      words[1 : _end(words)])
    command.make_context(name, rest)


def _end(words: list[str]) -> int:
    """Where a shell would end the command: at a redirection."""
    return words.index(">") if ">" in words else len(words)


def test_every_link_of_the_docs_leads_somewhere():
    pages = [PROJECT / "README.md", PROJECT / "README.zh.md", *sorted((PROJECT / "docs").rglob("*.md"))]
    astray = [f"{page.relative_to(PROJECT)} -> {link}" for page in pages
              for link in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8"))
              if not link.startswith("http") and not (page.parent / link).exists()]
    assert astray == []
