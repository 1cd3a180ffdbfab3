"""The reference of parameters, docs/parameters.md, written from the sections and the law files themselves.

    python -m experiments.parameters          # writes it; a test says when it is out of date
"""

import re
from datetime import date
from pathlib import Path
from textwrap import shorten

from sim import law as dated_law
from sim.config.scenarios import PROJECT, Record, Scale, Scenario, whole_schema
from sim.config.sections import Section, field_hint
from sim.config.strategies import KINDS
from sim.config.worlds import Schema

PAGE = PROJECT / "docs" / "parameters.md"
LAW = PROJECT / "configs" / "law"
WIDE, LONG = 64, 110  # characters of a value, of a meaning
TAG = re.compile(r"\[(assumption|derived|found|known|seed)[^\]]*\]")
# parameters at whose zero a key is as small as it can be; `leaves` of every benefit is neutral at 1
NEUTRAL = {
    "ancillary": ("mileage_floor", "mileage_cap", "capacity_cap", "reserve_cap"),
    "capacity": ("coal", "pumped_hydro"), "carbon": ("price",), "contracts": ("eligible",),
    "crossarea": ("deal_probability",), "crossborder": ("admissions",), "green": ("fee",),
    "interprovincial": ("drought_cut",), "regulation_capacity": ("new_share", "old_share"),
    "accident_insurance": ("premium", "pays"), "child_benefit": ("cases",), "critical_illness": ("cases",),
    "family_travel": ("cases",), "late_forgiveness": ("forgiven",), "order_scheme": ("platform", "rider", "government"),
    "rider_stations": ("stations", "homes"), "tax_relief": ("deductible", "credit"),
    "weather_subsidy": ("rain", "extreme"), "women_riders": ("value",), "work_meals": ("value",),
    "pension_account": ("interest",), "injury_insurance": ("premium",),
    "mechanism_price": ("share_existing", "share_new"), "pass_through": ("approved",), "pension_subsidy": ("match",),
}
HEAD = """# Parameters

Written by `python -m experiments.parameters` from the sections and the law files themselves; do not edit it by hand.

A scenario sets a value of the law by `key.parameter`, as in `--set law.spot.offer_cap=800`, from a day on by
`key.parameter@2026-01-01`, and switches a market or an instrument off by `markets.KEY: false` or
`instruments.KEY: false`. What is off, or not in force, does not exist: absence is neutral to the last fen.
*0 is neutral* stands at parameters at whose zero a key is as small as it can be while it is in force. Where a value
changed, the first and the last one stand, each with its day. Source tags: `known` (a published rule or figure),
`found` (read in a dataset or study), `derived`, `seed` (the articles from which the project set out), `assumption`;
the whole source stands beside each value in the file.
"""


def page(schema: Schema | None = None) -> str:
    """The whole page as text."""
    schema = schema or whole_schema()
    enacted = dated_law.read_law(LAW, schema.rules)
    parts = [HEAD, "## A scenario's keys\n\nIn [configs/scenarios](../configs/scenarios).\n", *_scenario()]
    for file in sorted(set(enacted.files.values())):
        keys = [key for key, where in enacted.files.items() if where == file]
        parts.append(f"## [{file.name}](../configs/law/{file.name})\n")
        for key in keys:
            parts.append(f"### {key}: {enacted.titles[key]}\n\n{_kind(key, schema)}\n")
            parts.append(_law_table(key, schema.rules[key], enacted.params[key]))
    return "\n".join(parts)


def _kind(key: str, schema: Schema) -> str:
    """What a key is, and how it is switched off."""
    if key in schema.markets:
        return f"A market; off: `markets.{key}: false`." if key != "spot" else "The market without which no lab stands."
    if key in schema.instruments:
        return f"An instrument; off: `instruments.{key}: false`."
    return "Rules that belong to no market and no instrument."


def _scenario() -> list[str]:
    rows = [("key", "expected", "default", "meaning")]
    for prefix, section in (("", Scenario), ("scale.", Scale), ("record.", Record)):
        rows += [(f"`{prefix}{name}`", str(field_hint(section, name)), _default(section, name), meaning(section, name))
                 for name in section.model_fields]
    tables = [_table(rows), "### strategies: how companies bid\n\nBy owner, `default` for all others: a kind, or a "
              "mapping with `kind` and its parameters.\n"]
    rows = [("kind", "parameter", "expected", "default", "meaning")]
    for kind, section in KINDS.items():
        rows += [(f"`{kind}`", f"`{name}`", str(field_hint(section, name)), _default(section, name),
                  meaning(section, name)) for name in section.model_fields if name != "kind"]
    return [*tables, _table(rows)]


def _default(section: type[Section], name: str) -> str:
    field = section.model_fields[name]
    if field.is_required():
        return "–"
    default = field.get_default(call_default_factory=True)
    return "a section" if isinstance(default, Section) else f"`{_short(default)}`"


def _law_table(key: str, section: type[Section], params: dict[str, dated_law.Param]) -> str:
    rows = [("parameter", "expected", "value", "source", "meaning")]
    for name in section.model_fields:
        values = params[name].enacted if name in params else ()
        expected = str(field_hint(section, name))
        unit = dated_law.unit_text(field_hint(section, name))
        if unit and unit not in expected:
            expected += f", {unit}"
        tags = dict.fromkeys(match[1] for value in values for match in TAG.finditer(value.source))
        rows.append((f"`{name}`", expected, _values(values) or f"{_default(section, name)} (default)",
                     ", ".join(tags) or "see file" if values else "–", _note(key, section, name)))
    return _table(rows)


def _note(key: str, section: type[Section], name: str) -> str:
    zero = name in NEUTRAL.get(key, ())
    neutral = "*0 is neutral.* " if zero else "*1 is neutral.* " if name == "leaves" else ""
    return neutral + meaning(section, name)


def _values(values) -> str:
    """The first and the last dated value."""
    if not values:
        return ""
    first = f"`{_short(values[0].data)}`" + ("" if len(values) == 1 else f" from {values[0].day}")
    return first if len(values) == 1 else f"{first}; `{_short(values[-1].data)}` from {values[-1].day}"


def _short(value) -> str:
    """A value in one short line; of a long mapping its first entries and how many there are."""
    if isinstance(value, dict):
        items = [f"{name}: {_short(item)}" for name, item in value.items()]
        kept = []
        while items and len(", ".join([*kept, items[0]])) <= WIDE:
            kept.append(items.pop(0))
        return "{" + ", ".join([*kept, *([f"... {len(value)} in all"] if items else [])]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_short(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else "nothing" if value is None else f"{value}"


def meaning(section: type[Section], name: str) -> str:
    """What the section's docstring says of a field, by `name: words.  other, third: words.`; empty where nothing."""
    text = " ".join(re.split(r"\n\s*\*?Source\*?:", section.__doc__ or "")[0].split())
    names = "|".join(map(re.escape, section.model_fields))
    listed = rf"`?(?:{names})`?(?:(?:,| and) `?(?:{names})`?)*"
    for match in re.finditer(rf"(?:^|(?<=[\s(]))({listed}): (.+?)(?=\s{listed}: |$)", text):
        if name in re.findall(r"\w+", match[1]):
            return shorten(match[2].rstrip(" .;"), LONG, placeholder=" ...")
    return ""


def _table(rows: list[tuple[str, ...]]) -> str:
    """Markdown; a bar inside a cell would part it."""
    lines = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join([f"| {lines[0]} |", "|" + "---|" * len(rows[0]), *(f"| {line} |" for line in lines[1:])]) + "\n"


def write(path: Path = PAGE):
    """Write the page."""
    path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write()
