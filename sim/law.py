"""The law by date: values with unit, date and source; `law.on(date)` gives the frozen rules in force.

A law file holds keys (a market, an instrument, a set of rules); a key has a title and the fields of its Rules class,
each with `unit`, `source` and `values` by day. What holds on a day is the last value dated on or before it; of
mappings, later ones are laid over earlier ones. A key is in force from the first day on which any of its values is.

A scenario's patch is laid over what the files say, leaf by leaf: `key.param: value` on every day on which the key is
in force, `key.param@2026-01-01: value` from that day on.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from textwrap import shorten
from typing import Annotated, Any, get_args, get_origin

from pydantic import Field

from sim.calendar import Month
from sim.config.documents import Document, parsed, place_of, read_document, validate
from sim.config.sections import DAY, BadInput, Hint, Section, field_hint, hint_of, nearest, shown

ARTICLE = 90  # characters of a source that a fault cites
ALWAYS = date.min  # the date of a patch that holds on every day


class Entry(Section):
    """One parameter of a law file."""

    unit: str
    source: Annotated[str, Field(min_length=1)]
    values: Annotated[dict[str, Any], Field(min_length=1)]


@dataclass(frozen=True)
class Value:
    """One dated value of a parameter and where it is written.

    at: its place in the document.  inside: steps of the data that the place already contains (a patch of one leaf).
    enacted: stands in a law file, not in a scenario's patch.
    """

    day: date
    data: Any
    source: str
    document: Document
    at: tuple
    inside: int = 0
    enacted: bool = False

    def fault(self, rest: tuple, message: str) -> BadInput:
        """What is wrong with it, or at a leaf of it; of law also the article that stands behind it."""
        article = f" (source: {shorten(self.source, ARTICLE, placeholder=' ...')})" if self.enacted else ""
        return BadInput(self.document.fault((*self.at, *rest[self.inside :]), message + article))

    def holds(self, rest: tuple) -> bool:
        """Whether it says something about a leaf."""
        data = self.data
        for step in rest:
            if step not in (data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()):
                return False
            data = data[step]
        return True


@dataclass(frozen=True)
class Param:
    """A parameter's values by day, as the files give them and as a scenario lays over them."""

    enacted: tuple[Value, ...] = ()
    patched: tuple[Value, ...] = ()

    def on(self, day: date) -> list[Value]:
        """Values in force on a day, the ruling one last."""
        return [v for v in (*self.enacted, *self.patched) if v.day <= day]


@dataclass(frozen=True)
class Since:
    """Since when and by what source a parameter is as it is. day: None where the rules' own default holds."""

    day: date | None
    source: str
    place: str


class Rulebook(Mapping):
    """The rules in force on a day: `rules[key]` is the frozen Rules of that key; `key in rules` asks for force."""

    def __init__(self, day: date, rules: dict[str, Section], since: dict[tuple[str, str], Since]):
        self.day, self._rules, self._since = day, rules, since

    def __getitem__(self, key: str) -> Section:
        return self._rules[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self):
        return len(self._rules)

    def since(self, key: str, param: str) -> Since:
        """Since when a parameter in force is as it is, and its source. Raises: KeyError."""
        return self._since[key, param]


class Law:
    """All dated rules; `law.on(day)` gives those in force.

    rules: Rules class by key.  titles: by key.  files: path by key.  digests: SHA-256 by file name.
    changes: days on which anything changes, in order.  Every period between two changes is validated here, at once.

    Raises: BadInput, with file and line, for a value that its Rules would refuse on any day.
    """

    def __init__(self, rules: dict[str, type[Section]], enacted: "Enacted", patch=(), off=frozenset()):
        self.rules, self.titles, self.files, self.digests = rules, enacted.titles, enacted.files, enacted.digests
        self.off = frozenset(off)
        self._params = _laid_over(enacted.params, patch)
        patched = {key for key, _, _ in patch}
        self._periods = {}
        for key in self._params:
            if key in patched:
                self._periods[key] = self._read(key)
                continue
            if key not in enacted.periods:
                enacted.periods[key] = self._read(key)
            self._periods[key] = enacted.periods[key]
        self.changes = sorted({day for periods in self._periods.values() for day in periods})
        self._books: dict[int, Rulebook] = {}

    def on(self, day: date) -> Rulebook:
        """The rules in force on a day; keys switched off or not yet enacted are not in it."""
        period = bisect_right(self.changes, day)
        if period not in self._books:
            start = self.changes[period - 1] if period else ALWAYS
            rules, since = {}, {}
            for key, periods in self._periods.items():
                days = [d for d in periods if d <= start]
                if days and key not in self.off:
                    rules[key] = periods[max(days)]
                    since |= {(key, param): self._since(key, param, start) for param in self.rules[key].model_fields}
            self._books[period] = Rulebook(start, rules, since)
        return self._books[period]

    def _since(self, key: str, param: str, day: date) -> Since:
        values = self._params[key].get(param, Param()).on(day)
        if not values:
            return Since(None, "default", "")
        start = min((v.day for p in self._params[key].values() for v in p.enacted), default=ALWAYS)
        return Since(max(values[-1].day, start), values[-1].source, values[-1].document.place(values[-1].at))

    def _read(self, key: str) -> dict[date, Section]:
        """The frozen rules of a key by the day from which they hold."""
        params = self._params[key]
        days = sorted({v.day for param in params.values() for v in (*param.enacted, *param.patched)} - {ALWAYS})
        if not days:
            value = next(v for param in params.values() for v in param.patched)
            raise value.fault((), f"{key} is nowhere in the law; expected a day from which it holds, as in "
                                  f"{value.at[-1]}@2025-01-01")
        return {day: self._rules_on(key, day) for day in days}

    def _rules_on(self, key: str, day: date) -> Section:
        section, params = self.rules[key], self._params[key]
        data = {}
        for name, param in params.items():
            values = param.on(day)
            if values:
                data[name] = values[0].data
                for value in values[1:]:
                    data[name] = merged(data[name], value.data)
        return parsed(section, data, lambda at, phrase: self._fault(key, day, at, phrase, data))

    def _fault(self, key: str, day: date, at: tuple, phrase: str, data: dict) -> BadInput:
        """The line for a fault in a key's rules on a day: at the value that says it, or that changed on that day."""
        params = self._params[key]
        if not at:  # rules that contradict one another: blame what changed, of that first what the message names
            patched = [name for name, param in params.items() if param.patched]
            changed = [name for name, param in params.items() if any(value.day == day for value in param.on(day))]
            suspects = [*patched, *changed, *params]
            at = (next((name for name in suspects if name in phrase), suspects[0]),)
        values = params.get(at[0], Param()).on(day)
        if at[0] not in data:
            value = next(v for p in params.values() for v in reversed(p.on(day)))
            return BadInput(f"{value.document.place(value.at)}: {key}.{at[0]}: has no value on {day}, when "
                            f"{key} is in force; expected {field_hint(self.rules[key], at[0])}")
        value = next((v for v in reversed(values) if v.holds(at[1:])), values[-1])
        return value.fault(at[1:], phrase)


def merged(earlier, later):
    """Later law over earlier: mappings leaf by leaf, all else replaced."""
    if isinstance(earlier, dict) and isinstance(later, dict):
        return earlier | {name: merged(earlier.get(name), value) for name, value in later.items()}
    return later


# ------------------------------------------------------------------------------------------------------ reading files


@dataclass(frozen=True)
class Enacted:
    """What the law files say, before any scenario.

    periods: the rules of a key by the day from which they hold; read once by whoever first leaves a key as it is.
    """

    params: dict[str, dict[str, Param]]
    titles: dict[str, str]
    files: dict[str, Path]
    digests: dict[str, str]
    periods: dict[str, dict[date, Section]] = field(default_factory=dict)


def read_law(folder, rules: dict[str, type[Section]]) -> Enacted:
    """Read every `*.yaml` of a law folder.

    Raises: BadInput.
    """
    folder = Path(folder)
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if not files:
        raise BadInput(f"{place_of(folder)}: there is no law here; expected a folder of .yaml files")
    whole = Enacted({}, {}, {}, {})
    for file in files:
        one = read_law_file(file, rules)
        for key in one.params:
            if key in whole.params:
                place = one.params[key]
                first = next(iter(place.values())).enacted[0]
                raise BadInput(f"{first.document.place((key,))}: {key}: is already in {place_of(whole.files[key])}")
        whole.params.update(one.params)
        whole.titles.update(one.titles)
        whole.files.update(one.files)
        whole.digests.update(one.digests)
    return whole


def read_law_file(path, rules: dict[str, type[Section]]) -> Enacted:
    """Read one law file: names, units, days and sources (values are checked by `Law`).

    Raises: BadInput.
    """
    path = Path(path)
    document = read_document(path)
    params, titles = {}, {}
    for key, body in document.data.items():
        if key not in rules:
            raise BadInput(document.fault((key,), f"unknown key of the law{nearest(key, rules)}"))
        if not isinstance(body, dict):
            raise BadInput(document.fault((key,), f"{shown(body)} is not a mapping; expected a title and parameters"))
        title = body.get("title")
        if not isinstance(title, str) or not title:
            raise BadInput(document.fault((key, "title"), "is missing; expected a text that is not empty"
                                          if title is None else f"{shown(title)} is no title; expected a text"))
        titles[key] = title
        params[key] = {name: _param(document, key, name, rules[key]) for name in body if name != "title"}
        if not params[key]:
            raise BadInput(document.fault((key,), f"has no parameter; expected {', '.join(rules[key].model_fields)}"))
    return Enacted(params, titles, dict.fromkeys(params, path), {path.name: document.digest})


def _param(document: Document, key: str, name: str, section: type[Section]) -> Param:
    if name not in section.model_fields:
        raise BadInput(document.fault((key, name), f"unknown key{nearest(name, section.model_fields)}"))
    entry = validate(document, Entry, (key, name))
    unit = unit_text(field_hint(section, name))
    if entry.unit != unit:
        raise BadInput(document.fault((key, name, "unit"), f"{shown(entry.unit)} is the wrong unit; expected '{unit}'"))
    values = []
    for day, data in entry.values.items():
        at = (key, name, "values", day)
        values.append(Value(_day(document, at, day), data, entry.source, document, at, enacted=True))
    return Param(enacted=tuple(sorted(values, key=lambda value: value.day)))


def unit_text(hint: Hint) -> str:
    """What `unit:` must say: the symbol of the (innermost) annotation; "date", "month", or "" for names and flags."""
    while get_origin(hint.bare) in (dict, Mapping, list, tuple, set, frozenset):
        arguments = [a for a in get_args(hint.bare) if a is not Ellipsis]
        hint = hint_of(arguments[-1])
    return hint.symbol or {date: "date", Month: "month"}.get(hint.bare, "")


def _day(document: Document, at: tuple, text: str) -> date:
    try:
        if re.fullmatch(DAY, text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise BadInput(document.fault(at, f'{shown(text)} is not a day; expected a day like "2025-01-31"'))


# ----------------------------------------------------------------------------------------------- a scenario's patches


def read_patch(document: Document, rules: dict[str, type[Section]], source: str) -> list[tuple[str, str, Value]]:
    """The `law:` section of a scenario as (key, param, value).

    A name is `key.param`, `key.param.leaf` of a mapping, either with `@day`; a value whose keys are all days is a
    series. source: what stands behind the patch.

    Raises: BadInput.
    """
    found = []
    for name, data in (document.data.get("law") or {}).items():
        at = ("law", name)
        path, sign, day = name.partition("@")
        key, param, leaf = _target(document, at, path.split("."), rules)
        series = isinstance(data, dict) and data and all(re.fullmatch(DAY, d, re.ASCII) for d in data)
        if sign:
            dated = [(_day(document, at, day), data, at)]
        elif series:
            dated = [(_day(document, (*at, d), d), value, (*at, d)) for d, value in data.items()]
        else:
            dated = [(ALWAYS, data, at)]
        for when, value, place in dated:
            for step in reversed(leaf):
                value = {step: value}
            found.append((key, param, Value(when, value, source, document, place, len(leaf))))
    return found


def _target(document: Document, at: tuple, steps: list[str], rules: dict[str, type[Section]]):
    key, param = steps[0], steps[1] if len(steps) > 1 else ""
    if key not in rules:
        raise BadInput(document.fault(at, f"unknown key of the law '{key[:80]}'{nearest(key, rules)}"))
    if param not in rules[key].model_fields:
        names = [f"{key}.{field}" for field in rules[key].model_fields]
        raise BadInput(document.fault(at, f"unknown parameter of {key}{nearest(f'{key}.{param}', names)}"))
    return key, param, steps[2:]


def _laid_over(enacted: dict[str, dict[str, Param]], patch) -> dict[str, dict[str, Param]]:
    params = {key: dict(fields) for key, fields in enacted.items()}
    for key, name, value in sorted(patch, key=lambda one: one[2].day):
        fields = params.setdefault(key, {})
        old = fields.get(name, Param())
        fields[name] = Param(old.enacted, (*old.patched, value))
    return params

