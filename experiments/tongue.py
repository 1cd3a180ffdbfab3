"""In which language things are shown: phrases stand in English where they are used; `chinese.yaml` has the Chinese.

A phrase without Chinese is a defect and raises; names of things that only one world has (its buses, corridors,
companies) are shown as that world writes them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

import yaml

from sim.config import BadInput

ENGLISH, CHINESE = "en", "zh"
CAPITALS = {"dc fee": "DC fee"}  # names that keep theirs
_language: ContextVar[str] = ContextVar("language", default=ENGLISH)


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Show everything inside in a language. Raises: BadInput for one that nobody here speaks."""
    if language not in (ENGLISH, CHINESE):
        raise BadInput(f"--lang: '{language}' is not spoken here; expected {ENGLISH} or {CHINESE}")
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def language() -> str:
    """The language in which things are shown now."""
    return _language.get()


def say(phrase: str, *values) -> str:
    """A phrase in the language of the moment, values in its places ({} or {:.1f}).

    Raises: KeyError for a phrase that `chinese.yaml` does not have.
    """
    text = phrase if language() == ENGLISH else chinese()["phrases"][phrase]
    return text.format(*values) if values else text


def name_of(key: str) -> str:
    """The name of a technology, account, bill, stream, city ... ; of what only a world knows, its own name."""
    plain = str(key).replace("_", " ")
    if language() == ENGLISH:
        return plain
    return chinese()["names"].get(plain, plain)


@cache
def chinese() -> dict[str, dict[str, str]]:
    """What `chinese.yaml` says: phrases and names, by their English."""
    return yaml.safe_load(Path(__file__).with_name("chinese.yaml").read_text(encoding="utf-8"))
