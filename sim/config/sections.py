"""Sections of input: what a value may be, and one clear line when it is something else.

A `Section` is a pydantic model, frozen, with nothing unknown allowed. Its annotations carry the unit, so that the
line which refuses a value can say what was expected: `expected MW >= 0`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import Enum
from functools import cache
from math import inf
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from sim.calendar import Month
from sim.units import Unit

DAY = r"\d{4}-\d{2}-\d{2}"  # the one way to write a date
MOST = 1e15  # beyond it a double no longer tells a fen from a yuan
MONTH = r"(?!0000)\d{4}-(0[1-9]|1[0-2])"


class BadInput(Exception):
    """Something given is wrong. Its text is one line: `path:line: dotted.key: what is wrong; expected ...`."""

    def __init__(self, message: str):
        super().__init__("".join(c if c.isprintable() else " " for c in message))


class Section(BaseModel):
    """A group of named values read from a file: frozen, strict types, finite numbers, no unknown name."""

    # arbitrary types: a `Month` stands in a section as itself
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False,
                              arbitrary_types_allowed=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema, handler):
        """The JSON Schema of the section, each property with its `unit`."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        for name, described in schema.get("properties", {}).items():
            if symbol := field_hint(cls, name).symbol:
                described["unit"] = symbol
        return schema


@dataclass(frozen=True)
class Reference:
    """Mark of a text that must be a key of a table."""

    table: str


def Key(table: str):
    """Annotation of a text that must be a key of the named table: `bus: Key("buses")`.

    `Key("buses") | None` allows an empty cell.
    """
    return Annotated[str, Reference(table)]


def bounded(unit_type, ge=None, gt=None, le=None, lt=None):
    """The unit with a range: `bounded(MW, ge=0)`. Usable wherever the unit is, `Rows[...]` included."""
    given = {"ge": ge, "gt": gt, "le": le, "lt": lt}
    return Annotated[unit_type, Field(**{name: limit for name, limit in given.items() if limit is not None})]


def _month(value):
    if isinstance(value, Month):
        return value
    if isinstance(value, str) and re.fullmatch(MONTH, value, re.ASCII):
        return Month(int(value[:4]), int(value[5:]))
    raise ValueError(f"{shown(value)} is not a month")


YearMonth = Annotated[Month, BeforeValidator(_month), WithJsonSchema({"type": "string", "pattern": f"^{MONTH}$"})]
"""A calendar month written "2025-09"; gives a `sim.calendar.Month`."""


# ---------------------------------------------------------------------------------------------- reading annotations


@dataclass(frozen=True)
class Hint:
    """What an annotation says: its bare type, unit symbol, bounds, table referred to, and whether None will do."""

    bare: Any
    symbol: str = ""
    bounds: tuple[tuple[str, Any], ...] = ()
    table: str | None = None
    optional: bool = False
    filled: bool = False

    @property
    def options(self) -> list[str]:
        """The values there are to choose from, if they are few and named: those of a Literal or an Enum."""
        enum = self.bare if isinstance(self.bare, type) and issubclass(self.bare, Enum) else ()
        values = get_args(self.bare) if get_origin(self.bare) is Literal else [member.value for member in enum]
        return [str(value) for value in values]

    def __str__(self):
        """What is expected, in words: `MW >= 0`."""
        if self.options:
            words = "one of " + ", ".join(self.options)
        elif self.table:
            words = f"a key of {self.table}.csv"
        elif self.bare in _WORDS:
            words = _WORDS[self.bare]
        elif get_origin(self.bare) in (list, tuple, set, frozenset):
            words = "a list"
        elif isinstance(self.bare, type) and issubclass(self.bare, BaseModel):
            words = "a section with " + ", ".join(self.bare.model_fields)
        else:
            words = "a mapping"
        if self.symbol and self.bare in (int, float):
            words = f"whole {self.symbol}" if self.bare is int else self.symbol
        if self.filled:
            words += " that is not empty"
        return words + " and".join(f" {sign} {limit}" for sign, limit in self.bounds) + (
            " or nothing" if self.optional else "")


_WORDS = {float: "a number", int: "a whole number", bool: "true or false", str: "a text",
          date: 'a day like "2025-01-31"', Month: 'a month like "2025-09"', Any: "a value"}


def hint_of(annotation, *metadata) -> Hint:
    """Read an annotation (and pydantic's metadata of the field that has it)."""
    options, optional = [annotation], False
    metadata = list(metadata)
    while True:
        annotation = options[0]
        if get_origin(annotation) is Annotated:
            metadata += get_args(annotation)[1:]
            options = [get_args(annotation)[0]]
        elif get_origin(annotation) in (Union, UnionType):
            options = [a for a in get_args(annotation) if a is not NoneType]
            optional = optional or len(options) < len(get_args(annotation))
        else:
            break
    marks = [mark for item in metadata for mark in getattr(item, "metadata", [item])]
    unit = next((mark for mark in marks if isinstance(mark, Unit)), Unit(""))
    reference = next((mark for mark in marks if isinstance(mark, Reference)), Reference(None))
    return Hint(annotation, unit.symbol, tuple(_limits(marks)), reference.table, optional,
                any(isinstance(mark, MinLen) and mark.min_length > 0 for mark in marks))


def _limits(marks) -> Iterator[tuple[str, Any]]:
    for mark in marks:
        for kind, name, sign in ((Ge, "ge", ">="), (Gt, "gt", ">"), (Le, "le", "<="), (Lt, "lt", "<")):
            if isinstance(mark, kind):
                yield sign, getattr(mark, name)


@cache
def field_hint(section: type[BaseModel], name: str) -> Hint:
    """What a section's field expects."""
    field = section.model_fields[name]
    return hint_of(field.annotation, *field.metadata)


def inner(hint: Hint, step) -> Hint | None:
    """What is expected one step further in: a section's field, a mapping's value, a list's item; None if unknown."""
    bare = hint.bare
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return field_hint(bare, step) if step in bare.model_fields else None
    arguments = get_args(bare)
    if get_origin(bare) in (dict, Mapping) and len(arguments) == 2:
        return hint_of(arguments[1])
    if get_origin(bare) is tuple and isinstance(step, int) and arguments and arguments[-1] is not Ellipsis:
        return hint_of(arguments[step]) if step < len(arguments) else None
    if get_origin(bare) in (list, tuple, set, frozenset) and arguments and isinstance(step, int):
        return hint_of(arguments[0])
    return None


def leaves(hint: Hint, value, at=()) -> Iterator[tuple[tuple, Hint, Any]]:
    """Every plain value inside plain data with its place and what is expected there; mapping keys too."""
    if isinstance(value, Mapping):
        keys = get_args(hint.bare)[0] if get_origin(hint.bare) in (dict, Mapping) else None
        for name, item in value.items():
            if keys is not None:
                yield (*at, name), hint_of(keys), name
            if further := inner(hint, name):
                yield from leaves(further, item, (*at, name))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            if further := inner(hint, i):
                yield from leaves(further, item, (*at, i))
    else:
        yield at, hint, value


# ------------------------------------------------------------------------------------------------ saying what is wrong


def outsized(value) -> str | None:
    """What is wrong with a number that means nothing here, whatever its unit; None for all others."""
    if isinstance(value, float) and MOST < abs(value) < inf:
        return f"{value:g} is too large; expected at most {MOST:g} in size"
    return None


def shown(value) -> str:
    """A value as the line shows it: short, printable."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list, tuple)):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value).removesuffix(".0") if isinstance(value, float) else repr(value)
    return text if len(text) <= 60 else text[:50] + "...'"


def nearest(name, names) -> str:
    """`; did you mean 'x'?` with the nearest valid name, else the names themselves when they are few."""
    names = [str(n) for n in names]
    lower = {n.lower(): n for n in names}
    close = get_close_matches(str(name).lower()[:100], lower, 1, 0.5)
    if close:
        return f"; did you mean '{lower[close[0]]}'?"
    return f"; expected one of {', '.join(names)}" if 0 < len(names) <= 12 else ""


def said(error: Mapping, hint: Hint | None) -> str:
    """One pydantic error in one phrase, with what was expected and the nearest valid value."""
    kind, value = error["type"], error["input"]
    if kind in ("value_error", "assertion_error"):
        phrase = error["msg"].partition(", ")[2].rstrip(".")
        return phrase if hint is None or "expected" in phrase or not error["loc"] else f"{phrase}; expected {hint}"
    wrong = next((words for prefix, words in _WRONG.items() if kind.startswith(prefix)), "does not fit")
    what = "is missing" if kind == "missing" else "is empty" if value is None else f"{shown(value)} {wrong}"
    if hint is None:
        return what
    guess = nearest(value, hint.options) if hint.options else ""
    return f"{what}; expected {hint}" + (guess if "did you mean" in guess else "")


_WRONG = {
    "float": "is not a number", "finite_number": "is not a finite number", "int": "is not a whole number",
    "bool": "is neither true nor false", "string_too_short": "is too short", "string": "is not a text",
    "literal_error": "is not known", "enum": "is not known", "date": "is not a day",
    "greater_than": "is out of range", "less_than": "is out of range", "model": "is not a mapping",
    "dict": "is not a mapping", "list": "is not a list", "tuple": "is not a list", "too_short": "has too few items",
    "too_long": "has too many items", "set": "is not a list", "frozen_set": "is not a list",
}


@dataclass(frozen=True)
class Fault:
    """What is wrong at a place inside a section."""

    at: tuple
    phrase: str
    first: bool  # an unknown name is reported before what it leaves missing


def faults(error: ValidationError, section: type[BaseModel]) -> list[Fault]:
    """Pydantic's errors as faults, unknown names first."""
    found = []
    for one in error.errors(include_url=False, include_context=False):
        at, hint, parent = (), hint_of(section), hint_of(section)
        for step in one["loc"]:
            if step == "[key]":
                hint = hint_of(get_args(parent.bare)[0])
                break
            further = inner(hint, step) if hint is not None else None
            if further is None and one["type"] != "extra_forbidden":
                continue  # a label of pydantic's own, e.g. the branch of a union
            at, parent, hint = (*at, step), hint, further
        if one["type"] == "extra_forbidden":
            found.append(Fault(at, "unknown key" + nearest(at[-1], parent.bare.model_fields), True))
        else:
            found.append(Fault(at, said(one, hint), False))
    return sorted(found, key=lambda fault: not fault.first)


def parse(section: type[Section], data) -> Section:
    """Validate plain data (as YAML or JSON would give it) strictly; days are ISO texts.

    Raises: pydantic.ValidationError.
    """
    # JSON mode: strict about numbers and texts, yet days, tuples and literals are read from what a file can hold
    return section.model_validate_json(json.dumps(data))
