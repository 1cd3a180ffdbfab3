"""What the live view plays: a lab that lives its days, or a stored run that tells them again.

Both step by the day and answer with the same plain data, so that the rest of the room need not know which it is.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from experiments.app import readings
from experiments.app.readings import Data, DayView, frame
from sim.calendar import Day, Month
from sim.config import BadInput, Config
from sim.units import HOURS

if TYPE_CHECKING:
    import pandas

    from experiments.store import Run
    from sim.network.ground import Ground
    from sim.recorder import Table

NEEDED = ("hourly/bus", "hourly/technology", "hourly/corridor", "hourly/store", "hourly/city", "journal/entries")


class Life(Protocol):
    """A run that is played day by day.

    start, end: of its period.  now: the day that was lived last; None before the first.
    """

    start: date
    end: date
    now: date | None

    def step(self) -> None:
        """Live the next day."""

    def frame(self) -> Data:
        """The day lived last, as the page draws it."""

    def closed(self) -> Data | None:
        """The month that the day lived last closed, as the page draws it; None on any other day."""


class Latest:
    """A sink that keeps the last closed month and forgets what was before: a long run needs no more room."""

    def __init__(self):
        self.month: Month | None = None
        self.tables: dict[str, Mapping[str, np.ndarray]] = {}

    def write(self, kind: str, month: Month, table: "Table"):
        """Take one month of one kind of table."""
        self.month = month
        self.tables[kind] = table


class Lived:
    """A lab that lives. Raises, when stepped, what the model raises."""

    def __init__(self, config: Config):
        from sim.model import PolicyLab  # loaded where it is used: a wrong scenario is answered without it

        record = config.record.model_copy(update={"hourly": False, "journal": "roots"})  # neither moves any result
        self._sink = Latest()
        self.lab = PolicyLab(replace(config, record=record), sink=self._sink)
        self.start, self.end = config.start, config.end
        self.now: date | None = None
        self._day: Day | None = None

    def step(self) -> None:
        """Live the next day."""
        self.lab.step()
        self._day = self.lab.calendar.now
        self.now = self._day.date

    def frame(self) -> Data:
        """The day lived last, as the page draws it."""
        grid = self.lab.facts.grid
        return frame(readings.today(self.lab), tuple(grid.zone[zone] for zone in grid.cleared_zones))

    def closed(self) -> Data | None:
        """The month that was closed today, if one was."""
        if not self._day.closes_month:
            return None
        return readings.month(self._sink.tables["indicators"], self._sink.tables["journal/entries"])


class Told:
    """A stored run that is told again, day by day, from its tables.

    config: of its world as it lies in the project now, the same as the run's: only by it capacities are known.
    Raises: BadInput for a run that did not keep its hours.
    """

    def __init__(self, run: "Run", config: Config):
        missing = [kind for kind in NEEDED if kind not in run.kinds]
        if missing:
            raise BadInput(f"{run.path}: keeps no {missing[0]}; expected a run with record.hourly true")
        self._run, self._config = run, config
        self.start, self.end = config.start, config.end
        self.now: date | None = None
        self._grid = None

    @cached_property
    def _ground(self) -> "Ground":
        """The run's ground, for what stood in each of its years."""
        from sim.network.ground import Ground
        from sim.streams import Streams

        return Ground(self._config.world, Streams(self._config.seed), self.start.year)

    def step(self) -> None:
        """Turn to the next day. Raises: RuntimeError past the last."""
        if self.now == self.end:
            raise RuntimeError(f"the period ends on {self.end}")
        self.now = self.start if self.now is None else self.now + timedelta(days=1)
        if self._grid is None or self._grid.on.year != self.now.year:
            if self._grid is not None:
                self._ground.stores.turn(self.now.year)
            self._grid = self._ground.grid(self.now)

    def frame(self) -> Data:
        """The day told last, as the page draws it."""
        grid = self._grid
        return frame(self._view(), tuple(grid.zone[zone] for zone in grid.cleared_zones))

    def _view(self) -> DayView:
        grid, world = self._grid, self._config.world
        corridors = readings.corridors_of(grid, self.now.toordinal())
        technologies = self._hours["hourly/technology"][1]
        names, output = readings.summed(np.array([name.split("|")[1] for name in technologies], object),
                                        self._day("hourly/technology", "output", technologies))
        stored = np.zeros((len(grid.units), HOURS))
        of_kind = grid.units.of_kind("store")
        stored[of_kind] = self._day("hourly/store", "stored", tuple(grid.units.key[of_kind]))
        store, held, room = readings.of_stores(grid, stored)
        return DayView(
            self.now, bus=grid.bus, zone=tuple(grid.zone[z] for z in grid.bus_zone),
            price=self._day("hourly/bus", "price", grid.bus), load=self._day("hourly/bus", "load", grid.bus),
            technology=names, output=output, **corridors,
            sent=self._day("hourly/corridor", "sent", corridors["corridor"]),
            delivered=self._day("hourly/corridor", "delivered", corridors["corridor"]), store=store, stored=held,
            room=room, basin=tuple(world["basins"]["key"]), water=self._water(), full=self._ground.rivers.full,
            city=tuple(world["cities"]["key"]),
            **{name: self._day("hourly/city", name, tuple(world["cities"]["key"]))
               for name in ("asked", "done", "charging")})

    @cached_property
    def _hours(self) -> dict[str, tuple[dict, tuple[str, ...]]]:
        """By kind of table: columns as arrays [row, hour of the run] by row's name, and the names."""
        places = {"hourly/bus": ("bus", "price", "load"), "hourly/corridor": ("corridor", "sent", "delivered"),
                  "hourly/store": ("store", "stored"), "hourly/city": ("city", "asked", "done", "charging")}
        found = {kind: _wide(self._run.table(kind, ["time", *columns]), *columns) for kind, columns in places.items()}
        table = self._run.table("hourly/technology", ["time", "bus", "technology", "output"])
        table["pair"] = table["bus"] + "|" + table["technology"]
        return found | {"hourly/technology": _wide(table, "pair", "output")}

    def _day(self, kind: str, column: str, names: tuple[str, ...]) -> np.ndarray:
        """A column's 24 hours of today [name, hour]; zero for what the run did not have then."""
        columns, known = self._hours[kind]
        at = (self.now - self.start).days * HOURS
        row = {name: i for i, name in enumerate(known)}
        values = columns[column][:, at:at + HOURS]
        return np.stack([values[row[name]] if name in row else np.zeros(HOURS) for name in names])

    def _water(self) -> np.ndarray:
        """MWh [basin] tonight."""
        stored = self._stored_water.loc[self.now]
        return np.array([stored.get(basin, 0.0) for basin in self._config.world["basins"]["key"]])

    @cached_property
    def _indicators(self) -> "pandas.DataFrame":
        return self._run.indicators

    @cached_property
    def _stored_water(self) -> "pandas.DataFrame":
        """MWh by date (index) and basin (columns)."""
        table = self._indicators
        table = table[table["indicator"] == "stored_water"]
        return table.pivot_table(index="date", columns="zone", values="value")

    @cached_property
    def _entries(self) -> "pandas.DataFrame":
        return self._run.table("journal/entries")

    def closed(self) -> Data | None:
        """The month whose last day was told today, if it was one."""
        month = Month.of(self.now)
        if self.now != self.end and self.now + timedelta(days=1) != month.later(1).first:
            return None
        rows = self._indicators
        rows = rows[(rows["date"] == month.first) & ~rows["indicator"].isin(DAILY)]
        entries = self._entries[self._entries["month"] == str(month)]
        return readings.month(_columns(rows), _columns(entries))


DAILY = ("stored_water", "temperature")


def _columns(table: "pandas.DataFrame") -> Mapping[str, np.ndarray]:
    return {name: table[name].to_numpy() for name in table}


def _wide(table: "pandas.DataFrame", place: str, *values: str) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """A long table as arrays [row, hour], zero where a row has no such hour, and the names of the rows."""
    pivot = table.pivot_table(index=place, columns="time", values=list(values), sort=True, fill_value=0.0)
    return {value: pivot[value].to_numpy(float) for value in values}, tuple(pivot.index)
