"""YAML read safely, with the line of every key: plain data and where each piece of it stands."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from hashlib import sha256
from os.path import normpath
from pathlib import Path

import yaml
from pydantic import ValidationError

from sim.config.sections import DAY, BadInput, Section, faults, hint_of, leaves, outsized, parse, shown

DEPTH = 20  # levels of mappings and lists in a file; none of ours needs more


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Gives events; knows only true, false, numbers, nothing and days (to refuse those without quotes)."""

    yaml_implicit_resolvers: dict = {}


# YAML 1.1 would read 1:30 as 90 and 010 as 8, and 1e6 as a text: here a number is what a spreadsheet calls one
_SCALARS = {
    "null": (r"~|null|Null|NULL|", "~nN\0"),
    "bool": (r"true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF|yes|Yes|YES|no|No|NO", "tTfFoOyYnN"),
    "timestamp": (DAY + r"([Tt ].*)?", "0123456789"),
    "int": (r"[-+]?\d+(_\d+)*", "-+0123456789"),
    "float": (r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
}
for _tag, (_pattern, _starts) in _SCALARS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$", re.ASCII),
                                  ["" if c == "\0" else c for c in _starts])
_TRUE = {"true", "on", "yes"}


class Document:
    """Plain data read from a file, and the place (`path:line`) of each key and item.

    data: nested dicts, lists and scalars; every mapping key is a text.  digest: SHA-256 of the file's bytes.
    """

    def __init__(self, data, places: dict[tuple, str], digest: str):
        self.data, self.places, self.digest = data, places, digest

    def place(self, at: Iterable = ()) -> str:
        """`path:line` of a key, or of the nearest thing around it."""
        at = tuple(at)
        while at not in self.places and at:
            at = at[:-1]
        return self.places[at]

    def fault(self, at: Iterable, message: str) -> str:
        """The one line that says what is wrong at a key: for `BadInput`."""
        at = tuple(at)
        return f"{self.place(at)}: {dotted(at)}{': ' if at else ''}{message}"

    def put(self, at: tuple, value, place: str):
        """Lay a value over the data; mappings on the way are made where they are missing.

        Raises: BadInput where the way leads through something that is no mapping.
        """
        into = self.data
        for i, step in enumerate(at[:-1]):
            if into.get(step) is None:
                into[step] = {}
                self.places[at[: i + 1]] = place
            into = into[step]
            if not isinstance(into, dict):
                raise BadInput(f"{place}: {dotted(at)}: {dotted(at[: i + 1])} holds {shown(into)}, not a mapping")
        for below in [known for known in self.places if known[: len(at)] == at]:
            del self.places[below]
        into[at[-1]] = value
        self.places[at] = place


def dotted(at: Iterable) -> str:
    """A place inside a document in words: `scale.riders`."""
    return ".".join(str(step)[:80] for step in at)


def place_of(path: Path) -> str:
    """A path as the reader knows it: relative to where he stands, if it lies below."""
    whole = Path(normpath(Path(path).absolute()))
    return (whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else whole).as_posix()


def read_bytes(path: Path) -> bytes:
    """A file's bytes. Raises: BadInput where there is no readable file."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        message = "there is no such file"
    except IsADirectoryError:
        message = "is a folder; expected a file"
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        message = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    raise BadInput(f"{place_of(path)}: {message}")


def text_of(raw: bytes, path: Path) -> str:
    """UTF-8 bytes as text, without a byte order mark. Raises: BadInput with the line of the first bad byte."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise BadInput(f"{place_of(path)}:{line}: byte {raw[error.start]:#04x} is not UTF-8; "
                       "expected the file saved as UTF-8") from None


def read_document(path) -> Document:
    """Read a YAML file whose top is a mapping.

    Raises: BadInput, one line, for a file that is missing, empty, not UTF-8 or not YAML as used here: no anchors, no
    tags, no duplicate keys, days between quotes.
    """
    path = Path(path)
    raw = read_bytes(path)
    text, place = text_of(raw, path), place_of(path)
    data, places = _build(text, place, quoted_days=True)
    if data is None:
        raise BadInput(f"{place}:1: the file is empty; expected keys and values")
    if not isinstance(data, dict):
        raise BadInput(f"{place}:1: holds {shown(data)}; expected a mapping of keys to values")
    return Document(data, places, sha256(raw).hexdigest())


def read_value(text: str, option: str, at: tuple):
    """One value given on a command line, read as YAML; a day needs no quotes there, the shell takes them.

    option: `--set`.  at: the key it is meant for.  Raises: BadInput.
    """
    try:
        return _build(text, option, quoted_days=False)[0]
    except BadInput as error:
        raise BadInput(f"{option}: {dotted(at)}: {str(error).partition(': ')[2]}") from None


def validate(document: Document, section: type[Section], at: tuple = ()) -> Section:
    """The document, or the part of it at `at`, as a section.

    Raises: BadInput with the place of the fault.
    """
    data = document.data
    for step in at:
        data = data[step]
    return parsed(section, data, lambda inside, phrase: BadInput(document.fault((*at, *inside), phrase)))


def parsed(section: type[Section], data, refuse: Callable[[tuple, str], BadInput]) -> Section:
    """Plain data as a section; `refuse` makes the exception from a place in the data and what is wrong there.

    Raises: what `refuse` makes, for the first fault, unknown names before all else.
    """
    for at, hint, value in leaves(hint_of(section), data):
        # a text of digits is no day, though pydantic would read it as seconds since 1970
        digits = isinstance(value, str) and re.fullmatch(r"[-+.\d]+", value) and not re.fullmatch(DAY, value)
        if hint.bare is date and digits:
            raise refuse(at, f"{shown(value)} is not a day; expected {hint}")
    try:
        return parse(section, data)
    except ValidationError as error:
        fault = faults(error, section)[0]
        raise refuse(fault.at, fault.phrase) from None


# ------------------------------------------------------------------------------------------------ text to plain data


def _build(text: str, place: str, quoted_days: bool):
    """Plain data and the places of its parts; (None, ...) for a text that says nothing."""
    plain = _Plain(text, place, quoted_days)
    try:
        return plain.whole(), plain.places
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(part for part in (error.context, error.problem) if part)
        raise BadInput(f"{place}:{mark.line + 1 if mark else 1}: broken YAML: {words}; {_advice(text, mark)}") from None
    except yaml.reader.ReaderError as error:
        line = text[: max(error.position, 0)].count("\n") + 1
        raise BadInput(f"{place}:{line}: broken YAML: {error.reason}; expected printable text") from None
    finally:
        plain.loader.dispose()


def _number(kind: str, text: str) -> int | float | None:
    """The number that a scalar is; a whole one too long for 64 bits as a float."""
    if kind == "int" and len(text.replace("_", "")) < 19:
        return int(text)
    if kind in ("int", "float"):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return None


def _advice(text: str, mark) -> str:
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "expected blanks, not tabs, at the start of the line"
    return "expected `key: value` lines, indented by blanks"


class _Plain:
    """Builds plain data from the parser's events, noting where each key and item stands."""

    def __init__(self, text: str, place: str, quoted_days: bool):
        self.loader, self.place, self.quoted_days = _Loader(text), place, quoted_days
        self.places: dict[tuple, str] = {(): f"{place}:1"}

    def whole(self):
        """The data of the one document there is."""
        next_event = self.loader.get_event
        next_event()  # the stream starts
        if isinstance(next_event(), yaml.StreamEndEvent):
            return None
        data = self.of(next_event(), ())
        next_event()  # the document ends
        rest = next_event()
        if not isinstance(rest, yaml.StreamEndEvent):
            raise self.fault(rest, (), "a second document begins; expected one")
        return data

    def of(self, event, at: tuple):
        """Plain data of what begins with an event."""
        self.places.setdefault(at, f"{self.place}:{event.start_mark.line + 1}")
        if isinstance(event, yaml.AliasEvent):
            raise self.fault(event, at, "an alias (*) is not read here; expected the value itself")
        if event.tag not in (None, "!"):
            raise self.fault(event, at, f"the tag {shown(event.tag)} is not read here; expected a plain value")
        if len(at) > DEPTH:  # a few thousand levels would overflow the parser's own stack
            raise self.fault(event, at[:1], f"is nested more than {DEPTH} levels deep")
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(at)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(at)
        return self.scalar(event, at)

    def mapping(self, at: tuple) -> dict:
        """A mapping whose keys are texts, none twice."""
        data = {}
        while not isinstance(key := self.loader.get_event(), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                raise self.fault(key, at, "a key is a mapping, a list or an alias; expected a name")
            inside = (*at, key.value)
            if key.value in data:
                first = self.places[inside].rpartition(":")[2]
                raise self.fault(key, inside, f"the key stands twice, first on line {first}")
            self.scalar(key, inside)  # what a value may not be, a key may not be either
            self.places[inside] = f"{self.place}:{key.start_mark.line + 1}"
            data[key.value] = self.of(self.loader.get_event(), inside)
        return data

    def sequence(self, at: tuple) -> list:
        """A list."""
        data = []
        while not isinstance(item := self.loader.get_event(), yaml.SequenceEndEvent):
            data.append(self.of(item, (*at, len(data))))
        return data

    def scalar(self, event, at: tuple):
        """A text, a number, true, false or None."""
        text = event.value
        kind = self.loader.resolve(yaml.ScalarNode, text, event.implicit).removeprefix("tag:yaml.org,2002:")
        if kind == "timestamp" and self.quoted_days:
            raise self.fault(event, at, f'the day {text[:30]} stands without quotes; expected "{text[:10]}"')
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise self.fault(event, at, "half a character (a lone surrogate); expected text")
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in _TRUE
        number = _number(kind, text)
        if wrong := outsized(number):
            raise self.fault(event, at, wrong)
        return text if number is None else number

    def fault(self, event, at: tuple, message: str) -> BadInput:
        """What is wrong where an event stands."""
        where = dotted(at)
        return BadInput(f"{self.place}:{event.start_mark.line + 1}: {where}{': ' if where else ''}{message}")
