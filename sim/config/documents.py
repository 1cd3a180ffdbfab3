"""YAML read safely, with the line of every key: plain data and where each piece of it stands."""

import re
from collections.abc import Callable, Iterable
from datetime import date
from hashlib import sha256
from pathlib import Path

import yaml
from pydantic import ValidationError

from sim.config.sections import DAY, BadInput, Section, faults, hint_of, leaves, parse, shown


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Composes nodes; knows only true, false, numbers, nothing and days (to refuse those without quotes)."""

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
    try:
        return Path(path).absolute().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return Path(path).as_posix()


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
    try:
        whole = parse(section, data)
    except ValidationError as error:
        fault = faults(error, section)[0]
        raise BadInput(document.fault((*at, *fault.at), fault.phrase)) from None
    refuse_timestamps(section, data, lambda inside, message: BadInput(document.fault((*at, *inside), message)))
    return whole


def refuse_timestamps(section: type[Section], data, fault: Callable[[tuple, str], BadInput]):
    """A text of digits is no day, though pydantic would read it as seconds since 1970.

    fault: makes the exception from a place in the data and a message.  Raises: what it makes.
    """
    for at, hint, value in leaves(hint_of(section), data):
        if hint.bare is date and value is not None and not re.fullmatch(DAY, value, re.ASCII):
            raise fault(at, f"{shown(value)} is not a day; expected {hint}")


# ------------------------------------------------------------------------------------------------ nodes to plain data


def _build(text: str, place: str, quoted_days: bool):
    try:
        node = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(part for part in (error.context, error.problem) if part)
        raise BadInput(f"{place}:{mark.line + 1 if mark else 1}: broken YAML: {words}; {_hint(text, mark)}") from None
    except yaml.reader.ReaderError as error:
        line = text[: max(error.position, 0)].count("\n") + 1
        raise BadInput(f"{place}:{line}: broken YAML: {error.reason}; expected printable text") from None
    except RecursionError:
        raise BadInput(f"{place}:1: broken YAML: nested too deeply") from None
    places: dict[tuple, str] = {}
    if node is None:
        return None, {(): f"{place}:1"}
    try:
        return _Plain(place, places, quoted_days).of(node, ()), places
    except RecursionError:
        raise BadInput(f"{place}:1: broken YAML: nested too deeply") from None


def _hint(text: str, mark) -> str:
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "expected blanks, not tabs, at the start of the line"
    return "expected `key: value` lines, indented by blanks"


class _Plain:
    """Builds plain data from nodes, noting where each key and item stands."""

    def __init__(self, place: str, places: dict[tuple, str], quoted_days: bool):
        self.place, self.places, self.quoted_days, self.seen = place, places, quoted_days, set()

    def of(self, node, at: tuple):
        """Plain data of a node."""
        if id(node) in self.seen:
            raise self.fault(node, at, "an alias (*) is not read here; expected the value itself")
        self.seen.add(id(node))
        self.places.setdefault(at, f"{self.place}:{node.start_mark.line + 1}")
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if isinstance(node, yaml.MappingNode) and kind == "map":
            return self.mapping(node, at)
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self.of(item, (*at, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and kind in (*_SCALARS, "str"):
            return self.scalar(node, kind, at)
        raise self.fault(node, at, f"the tag {shown(node.tag)} is not read here; expected a plain value")

    def mapping(self, node, at: tuple) -> dict:
        """A mapping whose keys are texts, none twice."""
        data = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.fault(key, at, "a key is a mapping or a list; expected a name")
            inside = (*at, key.value)
            if key.value in data:
                first = self.places[inside].rpartition(":")[2]
                raise self.fault(key, inside, f"the key stands twice, first on line {first}")
            self.scalar(key, key.tag.removeprefix("tag:yaml.org,2002:"), inside)
            self.places[inside] = f"{self.place}:{key.start_mark.line + 1}"
            data[key.value] = self.of(value, inside)
        return data

    def scalar(self, node, kind: str, at: tuple):
        """A text, a number, true, false or None."""
        text = node.value
        if kind == "timestamp" and self.quoted_days:
            raise self.fault(node, at, f'the day {text[:30]} stands without quotes; expected "{text[:10]}"')
        if any("\ud800" <= c <= "\udfff" for c in text):
            raise self.fault(node, at, "half a character (a lone surrogate); expected text")
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in _TRUE
        if kind == "int":
            digits = text.replace("_", "")
            return int(digits) if len(digits) < 19 else float(digits)
        if kind == "float":
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        return text

    def fault(self, node, at: tuple, message: str) -> BadInput:
        """What is wrong at a node."""
        where = dotted(at)
        return BadInput(f"{self.place}:{node.start_mark.line + 1}: {where}{': ' if where else ''}{message}")
