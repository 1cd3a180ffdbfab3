"""Outcomes of a run: one number each, read off its indicators as a sweep file asks for it."""

from collections.abc import Iterable, Mapping
from datetime import date
from math import isnan
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from sim.config import BadInput, Section, World
from sim.config.documents import Document
from sim.config.sections import nearest
from sim.recorder import ACCOUNT, BASIN, CITY, CORRIDOR, OUTCOMES, WORLD, ZONE
from sim.settlement.accounts import ACCOUNTS

EVERY = "*"  # after the last point of an indicator's name: all of its second axis
BY_NAME = {outcome.name: outcome for outcome in OUTCOMES}


class Measure(Section):
    """One outcome of a sweep.

    indicator: of the recorder; of one by two axes `generation.hydro`, or `generation.*` for all of the second.
    unit: the recorder's.  zones: its places, together; every place it has when left out.  months: all of them, the
    first or the last that has a value.  start, end: only values dated so.  aggregate: how they become one number.
    weight: of a mean, an indicator of the same places and dates.  absent: stands where nothing was recorded.
    """

    indicator: Annotated[str, Field(min_length=1)]
    unit: str
    zones: Annotated[list[str], Field(min_length=1)] | None = None
    months: Literal["all", "first", "last"] = "all"
    start: date | None = None
    end: date | None = None
    aggregate: Literal["sum", "mean", "min", "max"] = "mean"
    weight: str | None = None
    absent: float | None = None

    @model_validator(mode="after")
    def _only_means_are_weighted(self):
        if self.weight and self.aggregate != "mean":
            raise ValueError(f"weight goes with a mean, not with {self.aggregate}; expected mean, or no weight")
        return self

    def of(self, indicators: Mapping[str, np.ndarray]) -> float:
        """The number, or `absent`, or nan, where nothing was recorded. indicators: columns of a run's tidy table."""
        rows = np.flatnonzero(_named(indicators["indicator"], self.indicator))
        if self.zones:
            rows = rows[np.isin(indicators["zone"][rows].astype(str), self.zones)]
        when = indicators["date"][rows]
        if self.start:
            rows, when = rows[when >= np.datetime64(self.start)], when[when >= np.datetime64(self.start)]
        if self.end:
            rows, when = rows[when <= np.datetime64(self.end)], when[when <= np.datetime64(self.end)]
        if self.months != "all" and len(rows):
            rows = rows[when == (when.min() if self.months == "first" else when.max())]
        if not len(rows):
            return float("nan") if self.absent is None else self.absent
        values = indicators["value"][rows]
        if self.weight:
            weight = self._weights(indicators, rows)
            return float(values @ weight / weight.sum()) if weight.sum() > 0 else float("nan")
        return float({"sum": np.sum, "mean": np.mean, "min": np.min, "max": np.max}[self.aggregate](values))

    def _weights(self, indicators: Mapping[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
        """The weight of each row: what its indicator says of the same place and date, 0 where it says nothing."""
        known: dict[tuple, float] = {}
        for row in np.flatnonzero(_named(indicators["indicator"], self.weight)):
            key = (indicators["zone"][row], indicators["date"][row])
            known[key] = known.get(key, 0.0) + indicators["value"][row]
        return np.array([known.get((indicators["zone"][row], indicators["date"][row]), 0.0) for row in rows])


def _named(names: np.ndarray, wanted: str) -> np.ndarray:
    """Whether each of the names is meant."""
    if wanted.endswith(f".{EVERY}"):
        return np.char.startswith(names.astype(str), wanted[:-1])
    return names == wanted


def measured(measures: Mapping[str, Measure], indicators: Mapping[str, np.ndarray]) -> dict[str, float | None]:
    """Every outcome of a run by name; None where nothing was recorded."""
    found = {name: measure.of(indicators) for name, measure in measures.items()}
    return {name: None if isnan(value) else value for name, value in found.items()}


def vet(measures: Mapping[str, Measure], document: Document, world: World, under: str = "outcomes"):
    """Nothing is asked that no run of a world can tell. under: the key of the document that holds the measures.

    Raises: BadInput at the first place where it is.
    """
    for name, measure in measures.items():
        at = (under, name)
        outcome = _known(document, (*at, "indicator"), measure.indicator)
        if measure.unit != outcome.unit:
            raise BadInput(document.fault((*at, "unit"), f"'{measure.unit}' is the wrong unit; "
                                          f"expected '{outcome.unit}'"))
        places = _places(world).get(outcome.axes[0])
        for i, zone in enumerate(measure.zones or ()):
            if places is not None and zone not in places:
                raise BadInput(document.fault((*at, "zones", i), f"'{zone}' is no {outcome.axes[0]} of {world.name}"
                                              f"{nearest(zone, places)}"))
        if measure.weight:
            _known(document, (*at, "weight"), measure.weight)


def _known(document: Document, at: tuple, indicator: str):
    """The recorder's outcome that an indicator's name means. Raises: BadInput."""
    name, point, rest = indicator.partition(".")
    if name not in BY_NAME:
        raise BadInput(document.fault(at, f"'{indicator}' is not recorded{nearest(name, BY_NAME)}"))
    wide = len(BY_NAME[name].axes) > 1
    if wide != bool(rest):
        wanted = f"{name}.{EVERY}, or one {BY_NAME[name].axes[1]}" if wide else name
        raise BadInput(document.fault(at, f"'{indicator}' is not how it is called; expected {wanted}"))
    return BY_NAME[name]


def _places(world: World) -> dict[str, Iterable[str]]:
    """Names along the first axis of outcomes, as far as a world's tables tell."""
    return {WORLD: ("all",), ZONE: tuple(dict.fromkeys(world["buses"]["zone"])), BASIN: tuple(world["basins"]["key"]),
            CITY: tuple(world["cities"]["key"]), CORRIDOR: tuple(world["corridors"]["key"]), ACCOUNT: tuple(ACCOUNTS)}
