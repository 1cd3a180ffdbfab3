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
FULL = {  # for who knows neither the provinces' letters nor the house's short words
    "YN": "Yunnan", "GZ": "Guizhou", "GX": "Guangxi", "GD": "Guangdong", "HI": "Hainan", "FJ": "Fujian",
    "EC": "East China", "CC": "Central China", "LA": "Laos", "VN": "Vietnam", "MM": "Myanmar", "HILLS": "the hills",
    "COAST": "the coast", "users": "electricity users", "plants": "power plants", "stores": "storage operators",
    "smelters": "smelters and other large users", "rent": "the congestion rent", "riders": "delivery riders",
    "platform": "the delivery platform", "grid_company": "the grid company", "households": "households and shops",
    "neighbours": "neighbouring power systems", "pension_pool": "the pension pool",
    "pension_accounts": "pension accounts", "injury_fund": "the injury fund", "customers": "customers of deliveries"}
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


def full_name(key: str) -> str:
    """A name for a sentence, which needs no knowledge of the house: "Guangdong" for GD, "power plants" for plants."""
    return FULL.get(key, name_of(key)) if language() == ENGLISH else name_of(key)


@cache
def chinese() -> dict[str, dict[str, str]]:
    """What `chinese.yaml` says: phrases and names, by their English."""
    return yaml.safe_load(Path(__file__).with_name("chinese.yaml").read_text(encoding="utf-8"))
