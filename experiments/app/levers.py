"""The levers of the live view: which keys of the law can be moved, between what, and what a move says as `--set` would.

A lever is a line of LEVERS or MULTIPLES, or a switch of a market or an instrument. Its value at rest, its unit and its
source come from the law in force in the run's period; a key that is not in force then has no lever. A moved lever holds
for the whole period, as `gridgig run --set` does.
"""

from dataclasses import dataclass, field
from datetime import date

import yaml

from sim.config import BadInput, Config
from sim.config.sections import field_hint
from sim.law import unit_text

RANGE, CHOICE, SWITCH = "range", "choice", "switch"
RIDERS, MARKET, CAPACITY, PARTS = "Riders", "Spot market", "Capacity and services", "What is there at all"
Value = float | str | bool


@dataclass(frozen=True)
class Lever:
    """One lever as the page shows it.

    key: of the law, dotted, or `markets.x`.  what: in plain words.  at_rest: what the law says first in the period;
    law: all it says in it.  low, high, step: of a range.  options: of a choice.  multiple: a range that multiplies
    every value of a mapping.  rest: key of the law that takes what this share leaves of one.
    """

    key: str
    group: str
    what: str
    kind: str
    unit: str
    at_rest: Value
    law: str
    source: str
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    options: tuple[str, ...] = ()
    rest: str = ""
    dated: tuple[tuple[date, dict], ...] = field(default=(), repr=False)

    def moved(self, value: Value) -> bool:
        """Whether a value departs from the law."""
        return value != self.at_rest

    def check(self, value) -> Value:
        """The value if this lever can be put there. Raises: BadInput."""
        if self.kind == SWITCH:
            fits = isinstance(value, bool)
        elif self.kind == CHOICE:
            fits = value in self.options
        else:
            fits = isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high
        if not fits:
            expected = {SWITCH: "true or false", CHOICE: " or ".join(self.options),
                        RANGE: f"{self.low:g} to {self.high:g}"}[self.kind]
            raise BadInput(f"{self.key}: cannot be {str(value)[:40]!r}; expected {expected}")
        return value

    def changes(self, value: Value) -> list[str]:
        """The `key=value` texts that put the lever there."""
        if self.kind == SWITCH:
            return [f"{self.key}={str(value).lower()}"]
        if self.dated:
            return [f"law.{self.key}@{day}={_flow(_times(given, value))}" for day, given in self.dated]
        texts = [f"law.{self.key}={_flow(value)}"]
        return [*texts, f"law.{self.rest}={_flow(round(1 - value, 9))}"] if self.rest else texts

    def shown(self) -> dict:
        """As the page takes it."""
        names = ("key", "group", "what", "kind", "unit", "at_rest", "law", "source", "low", "high", "step", "options")
        return {name: getattr(self, name) for name in names}


# key, group, in plain words, low, high, step, key that takes the rest
LEVERS = (
    ("pension_subsidy.match", RIDERS, "Platform's part of the pension contribution", 0, 1, 0.05, ""),
    ("pension_subsidy.threshold_months", RIDERS, "Months that must have met the base, of the last six", 0, 6, 1, ""),
    ("injury_insurance.premium.takeaway", RIDERS, "Injury insurance, premium of an order", 0, 0.5, 0.01, ""),
    ("swap.subscription", RIDERS, "Battery swap subscription", 0, 600, 1, ""),
    ("spot.offer_cap", MARKET, "Highest price that may be offered", 200, 1500, 50, ""),
    ("spot.clearing", MARKET, "Zones are cleared", ("joint", "separate"), None, None, ""),
    ("spot.storage_scheduling", MARKET, "Stores are scheduled by", ("market", "own"), None, None, ""),
    ("spot.rent", MARKET, "Congestion rent is", ("returned", "kept"), None, None, ""),
    ("ancillary.reserve_of_load", CAPACITY, "Spinning reserve, part of load", 0, 0.2, 0.01, ""),
    ("ancillary.users_share", CAPACITY, "Users' part of what services cost", 0, 1, 0.05, "ancillary.generators_share"),
    ("green.alternative", CAPACITY, "Green duty: what else a certificate's worth costs", 5, 100, 5, ""),
    ("regulation_capacity.new_share", CAPACITY, "Regulation capacity that new wind and sun owe", 0, 0.3, 0.01, ""),
)
MULTIPLES = (
    ("platform.fee", RIDERS, "Pay of an order, times the law's", 0.5, 1.5, 0.05),
    ("capacity.coal", CAPACITY, "Capacity price of coal, times the law's", 0, 3, 0.1),
)
UNMOVED = ("spot", "crossarea", "crossborder")  # no switch: the first clears all, the others are not in every world
NEUTRAL = ("weather_subsidy", "late_forgiveness", "tax_relief", "order_scheme")  # in force at 0: off is the same
ORDER = (RIDERS, MARKET, CAPACITY, PARTS)


def levers(config: Config) -> list[Lever]:
    """The levers of a scenario, in the order in which the page shows them."""
    found = [_range(config, *line) for line in LEVERS] + [_multiple(config, *line) for line in MULTIPLES]
    found += [_switch(config, "markets", key, on) for key, on in config.markets.items() if key not in UNMOVED]
    found += [_switch(config, "instruments", key, on) for key, on in config.instruments.items()
              if key not in NEUTRAL]
    return sorted((lever for lever in found if lever), key=lambda lever: ORDER.index(lever.group))


def changes(found: list[Lever], values: dict) -> tuple[list[str], dict[str, Value]]:
    """What values of levers say as `--set` would, and those that depart from the law. Raises: BadInput."""
    known = {lever.key: lever for lever in found}
    texts, moved = [], {}
    for key, value in values.items():
        if key not in known:
            raise BadInput(f"{str(key)[:60]}: there is no such lever; expected one of {', '.join(known)}")
        lever = known[key]
        if lever.moved(lever.check(value)):
            texts += lever.changes(value)
            moved[key] = value
    return texts, moved


def _history(config: Config, key: str) -> list[tuple[date, object, str]]:
    """What the law says of a dotted parameter in the period: (since, value, source), changes only."""
    name, param, *leaf = key.split(".")
    days = [config.start, *(day for day in config.law.changes if config.start < day <= config.end)]
    found: list[tuple[date, object, str]] = []
    for day in days:
        book = config.law.on(day)
        if name not in book:
            continue
        value = getattr(book[name], param)
        for step in leaf:
            value = value.get(step) if value is not None else None
        if value is not None and (not found or found[-1][1] != value):
            found.append((day, value, book.since(name, param).source))
    return found


def _unit(config: Config, key: str) -> str:
    name, param, *_ = key.split(".")
    return unit_text(field_hint(config.law.rules[name], param))


def _range(config: Config, key: str, group: str, what: str, low, high, step, rest: str) -> Lever | None:
    said = _history(config, key)
    if not said:
        return None
    law = ", then ".join(_at(day, value, i) for i, (day, value, _) in enumerate(said))
    common = dict(key=key, group=group, what=what, at_rest=said[0][1], law=law, source=said[0][2])
    if isinstance(low, tuple):
        return Lever(kind=CHOICE, unit="", options=low, **common)
    return Lever(kind=RANGE, unit=_unit(config, key), low=low, high=high, step=step, rest=rest, **common)


def _multiple(config: Config, key: str, group: str, what: str, low: float, high: float, step: float) -> Lever | None:
    tables = config.world.tables  # the law is wider than any one world: a patch may name only what is in it
    here = set(tables["buses"]["zone"]) | set(tables["rider_tiers"]["key"])
    said = [(day, {name: number for name, number in value.items() if name in here}, source)
            for day, value, source in _history(config, key) if here & set(value)]
    if not said:
        return None
    law = ", then ".join(_at(day, ", ".join(f"{k} {v:g}" for k, v in value.items()), i)
                         for i, (day, value, _) in enumerate(said))
    return Lever(key, group, what, RANGE, "times", 1.0, f"{law} {_unit(config, key)}", said[0][2], low, high, step,
                 dated=tuple((day, value) for day, value, _ in said))


def _switch(config: Config, section: str, key: str, on: bool) -> Lever | None:
    days = [config.start, *(day for day in config.law.changes if config.start < day <= config.end)]
    since = next((day for day in days if key in config.law.on(day)), None)
    if since is None:
        return None
    law = "on" if since == config.start else f"on from {since}"
    return Lever(f"{section}.{key}", PARTS, config.law.titles[key], SWITCH, "", on, law, "the law's own dates")


def _at(day: date, value, position: int) -> str:
    shown = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
    return shown if position == 0 else f"{shown} from {day}"


def _times(given: dict, factor: float) -> dict:
    return {name: round(value * factor, 6) for name, value in given.items()}


def _flow(value) -> str:
    """A value as YAML on one line."""
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).replace("\n...", "").strip()
