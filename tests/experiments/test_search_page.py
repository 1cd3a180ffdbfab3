"""docs/search.md says what is so: its commands and its Python run as they stand."""

import shlex

import pytest

from experiments.cli import main
from sim.config.scenarios import PROJECT


@pytest.mark.campaign
def test_the_page_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    """Its commands as a shell would, then its Python, down to the search, which takes minutes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(PROJECT / "configs")
    text = (PROJECT / "docs" / "search.md").read_text().partition("## Policy search")[0]
    commands = [line.strip() for line in text.splitlines() if line.startswith("    gridgig ")]
    blocks = [block.partition("```")[0] for block in text.split("```python\n")[1:]]
    assert (len(commands), len(blocks)) == (6, 4)
    for line in commands:
        assert main(shlex.split(line)[1:]) == 0, line
    said = capsys.readouterr().out
    assert "3 seeds, paired" in said
    assert "<- proposed" in said
    assert "believed afterwards" in said
    space: dict = {}
    for block in blocks:
        exec(compile(block, "docs/search.md", "exec"), space)
