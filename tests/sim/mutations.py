"""Ways to spoil a text file: what a tired hand, a spreadsheet or a broken disk would do to it."""

import csv
import io
import re

from hypothesis import strategies as st

NASTY = ("", "nan", ".nan", "inf", "-.inf", "-1", "0", "1e308", "1e999", "-9e99", "99999999999999999999", "3.5", "true",
         "off", "null", "~", "abc", "2025-13-01", '"2025-02-30"', "2025-01-01", '"86400"', "0x10", "1_000", "[1, 2]",
         "{a: 1}", "{}", "[]", "*x", "&x 1", "!!int 3", "|", "'", '"', "水电", "\u2028", "\ud7ff", "é" * 50, "-", "- -",
         ":", "9" * 5000, "#", "%", "@", "`", "\t", "{{", "1:30", "011", "north,south", "\x07", "\U0001f409")


@st.composite
def spoiled_lines(draw, text: str) -> str:
    """A text whose lines were dropped, doubled, swapped, renamed, retyped or cut."""
    lines = text.splitlines() or [""]
    i = draw(st.integers(0, len(lines) - 1))
    kind = draw(st.sampled_from(["drop", "double", "swap", "rename", "value", "indent", "tab", "insert"]))
    head, colon, _ = lines[i].partition(":")
    if kind == "drop":
        del lines[i]
    elif kind == "double":
        lines.insert(i, lines[i])
    elif kind == "swap":
        j = draw(st.integers(0, len(lines) - 1))
        lines[i], lines[j] = lines[j], lines[i]
    elif kind == "rename":
        j, letter = draw(st.integers(0, len(head))), draw(st.sampled_from(["x", "", "_", "水", " ", '"']))
        lines[i] = head[:j] + letter + head[j + 1 :] + lines[i][len(head) :]
    elif kind == "value":
        lines[i] = head + colon + " " + draw(st.sampled_from(NASTY))
    elif kind == "indent":
        lines[i] = " " * draw(st.integers(1, 5)) + lines[i]
    elif kind == "tab":
        lines[i] = "\t" + lines[i].lstrip()
    else:
        lines.insert(i, draw(st.sampled_from(NASTY)))
    return "\n".join(lines) + "\n"


@st.composite
def spoiled_words(draw, text: str) -> str:
    """A text one of whose numbers or words became something else."""
    word = draw(st.sampled_from(re.findall(r"[^\s{},:]{2,}", text) or [text]))
    return text.replace(word, draw(st.sampled_from(NASTY)), 1)


@st.composite
def spoiled_cells(draw, text: str) -> str:
    """A CSV table with a cell replaced, swapped, added or lost, a row doubled, or a column renamed or gone."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row] or [[""]]
    except csv.Error:  # spoiled before, and no table any more
        return text
    i = draw(st.integers(0, len(rows) - 1))
    j = draw(st.integers(0, len(rows[i]) - 1))
    kind = draw(st.sampled_from(["cell", "cell", "cell", "swap", "more", "less", "double", "drop", "header", "column",
                                 "empty"]))
    if kind == "cell":
        rows[i][j] = draw(st.sampled_from(NASTY))
    elif kind == "swap":
        k = draw(st.integers(0, len(rows[i]) - 1))
        rows[i][j], rows[i][k] = rows[i][k], rows[i][j]
    elif kind == "more":
        rows[i].insert(j, draw(st.sampled_from(NASTY)))
    elif kind == "less":
        del rows[i][j]
    elif kind == "double":
        rows.insert(i, rows[i])
    elif kind == "drop":
        del rows[i]
    elif kind == "header":
        rows[0][min(j, len(rows[0]) - 1)] += draw(st.sampled_from(["x", " [MW]", "é", ""]))
    elif kind == "column":
        rows = [row[:j] + row[j + 1 :] for row in rows]
    else:
        rows = [["" if k == j and n else cell for k, cell in enumerate(row)] for n, row in enumerate(rows)]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


@st.composite
def spoiled_bytes(draw, raw: bytes) -> bytes:
    """A file cut short, with bytes changed, or altogether something else."""
    kind = draw(st.sampled_from(["cut", "change", "else", "twice", "utf16"]))
    i = draw(st.integers(0, max(len(raw) - 1, 0)))
    if kind == "cut":
        return raw[:i]
    if kind == "change":
        return raw[:i] + draw(st.binary(min_size=1, max_size=3)) + raw[i + 1 :]
    if kind == "else":
        return draw(st.binary(max_size=200))
    return raw + raw if kind == "twice" else raw.decode().encode("utf-16")


@st.composite
def spoiled(draw, raw: bytes, table: bool) -> bytes | None:
    """A file after one or two of these; None: it is gone."""
    kinds = ["cells"] * 6 + ["bytes", "gone"] if table else ["lines"] * 3 + ["words"] * 3 + ["bytes", "gone"]
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=2)):
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return raw
        if kind == "gone":
            return None
        if kind == "bytes" or not text.strip():
            raw = draw(spoiled_bytes(raw))
        else:
            change = {"cells": spoiled_cells, "lines": spoiled_lines, "words": spoiled_words}[kind]
            raw = draw(change(text)).encode("utf-8", "surrogatepass")
    return raw
