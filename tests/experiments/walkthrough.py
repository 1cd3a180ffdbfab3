"""A page of the docs, lived as it stands: its commands, its files, its Python, in the order in which they are met.

Commands are indented blocks whose first line starts with one of COMMANDS. A fenced block after a line that ends with
`path`: is a file that the reader writes. Any other block of Python is run, all in one space, as in a notebook. A
block fenced as text is what was printed since the last one: each of its lines must be there; `...` stands for anything.
"""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from experiments.cli import main
from sim.config.scenarios import PROJECT

COMMANDS = ("gridgig ", ".venv/bin/", "export ", "mkdir -p ")
SHOWN = ("text",)


@dataclass(frozen=True)
class Piece:
    """What a reader does next. kind: command, file, python or shown.  text: the command, or what stands in the block.
    path: of the file that is written.  line: in the page, from 1."""

    kind: str
    text: str
    line: int
    path: str = ""


def pieces(page: Path) -> list[Piece]:
    """What a page asks its reader to do, in order."""
    lines, found, i = page.read_text(encoding="utf-8").splitlines(), [], 0
    while i < len(lines):
        if lines[i].startswith("```"):
            end = next(k for k in range(i + 1, len(lines)) if lines[k].startswith("```"))
            found += _fenced(lines, i, end)
            i = end + 1
        elif lines[i].startswith("    ") and not lines[i - 1].strip():
            end = next((k for k in range(i, len(lines)) if not lines[k].startswith("    ")), len(lines))
            if lines[i].strip().startswith(COMMANDS):
                found += [Piece("command", lines[k].partition("  #")[0].strip(), k + 1) for k in range(i, end)]
            i = end
        else:
            i += 1
    return found


def _fenced(lines: list[str], start: int, end: int) -> list[Piece]:
    language, text = lines[start][3:].strip(), "\n".join(lines[start + 1 : end]) + "\n"
    before = next((line for line in reversed(lines[:start]) if line.strip()), "")
    if named := re.search(r"`([\w./-]+)`:$", before):
        return [Piece("file", text, start + 2, named[1])]
    kind = "python" if language == "python" else "shown" if language in SHOWN else None
    return [Piece(kind, text, start + 2)] if kind else []


def walk(page: str, tmp_path: Path, monkeypatch, capsys) -> dict[str, int]:
    """Live a page of the project in an empty folder that has its configs; how many pieces of each kind it had."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(PROJECT / "configs")
    space, printed, counts = {}, "", {}
    for piece in pieces(PROJECT / page):
        where = f"{page}:{piece.line}"
        counts[piece.kind] = counts.get(piece.kind, 0) + 1
        if piece.kind == "command":
            _command(piece.text, where, monkeypatch)
        elif piece.kind == "file":
            Path(piece.path).parent.mkdir(parents=True, exist_ok=True)
            Path(piece.path).write_text(piece.text, encoding="utf-8")
        elif piece.kind == "python":
            exec(compile("\n" * (piece.line - 1) + piece.text, page, "exec"), space)
        printed += capsys.readouterr().out
        if piece.kind == "shown":
            missing = [line for line in piece.text.splitlines() if line.strip() and not _stands(line, printed)]
            assert not missing, f"{where}: never printed: {missing}\n{printed}"
            printed = ""
    return counts


def _command(text: str, where: str, monkeypatch):
    words = shlex.split(text)
    if words[0] == "export":
        monkeypatch.setenv(*words[1].split("=", 1))
    elif words[:2] == ["mkdir", "-p"]:
        Path(words[2]).mkdir(parents=True, exist_ok=True)
    else:
        assert words[0].endswith("gridgig"), f"{where}: nobody here knows the command {words[0]}"
        assert main(words[1:]) == 0, f"{where}: {text}"


def _stands(line: str, printed: str) -> bool:
    """Whether a line was printed; blanks count as one."""
    wanted = r".*".join(re.escape(part) for part in re.split(r" *\.\.\. *", " ".join(line.split())))
    return any(re.fullmatch(wanted, " ".join(said.split())) for said in printed.splitlines())
