"""The schedule of a run: what happens at which rhythm, in which order, by which file, law and source."""

import inspect
import re
from datetime import date
from textwrap import shorten

from sim.config import Config
from sim.config.documents import place_of
from sim.law import Law
from sim.registry import instruments, markets, where

HEAD = ("rhythm", "order", "key", "file", "law", "in force", "source")


def schedule(config: Config) -> list[str]:
    """Lines of text: the markets and instruments of a scenario, in the order in which the step calls them."""
    steps = [(rhythm, key, market) for key, market in markets().items() for rhythm in market.rhythms]
    steps += [("month's close", key, instrument) for key, instrument in instruments().items()]
    switches, order = config.markets | config.instruments, {}
    rows = [HEAD]
    for rhythm, key, found in steps:
        order[rhythm] = order.get(rhythm, 0) + 1
        law = place_of(config.law.files[key]) if key in config.law.files else "-"
        state = in_force(config.law, key, config.start, config.end) if switches[key] else "switched off"
        rows.append((rhythm, str(order[rhythm]), key, where(found), law, state, source(found)))
    width = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    table = ["  ".join(cell.ljust(w) for cell, w in zip(row, width)).rstrip() for row in rows]
    return [f"{config.title}: {config.start} to {config.end}, seed {config.seed}", "", *table]


def in_force(law: Law, key: str, start: date, end: date) -> str:
    """When a key of the law rules within a period: "always", "from 2025-09-01" or "never"."""
    days = [start, *(day for day in law.changes if start < day <= end)]
    ruled = [day for day in days if key in law.on(day)]
    if not ruled:
        return "never"
    return "always" if ruled[0] == start else f"from {ruled[0]}"


def source(found: type) -> str:
    """What a market's or instrument's docstring gives as its source; a dash where it gives none."""
    said = re.search(r"\*?Source\*?:\s*(.+?)(?:\n\s*\n|\Z)", inspect.getdoc(found) or "", re.DOTALL)
    return shorten(said[1], 76, placeholder=" ...") if said else "-"
