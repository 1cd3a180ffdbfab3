"""Developers: who builds stores, wind and sun in a zone, and takes down what has grown old."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.appraisal import break_even, internal_rate, present_value, started_share
from agents.base import Institution
from sim.calendar import Month
from sim.config import World
from sim.messages import Public, Statement
from sim.units import CNYPerKWYear, Rows, Share

if TYPE_CHECKING:
    from sim.network.ground import Ground

KW = 1000.0  # of a MW
YEAR = 12  # months that must have been seen
POLICY = ("capacity", "regulation_capacity")  # streams that are paid for being there


@dataclass(frozen=True)
class Project:
    """What can be built of one technology, as `projects.csv` and `build_costs.csv` say. most: MW a year.  lag: months.
    life: years.  degradation: share a year.  fixed: CNY/kW-yr.  capex: CNY/kW by the year from which it holds."""

    technology: str
    most: float
    lag: int
    life: float
    degradation: float
    fixed: float
    capex: Mapping[int, float]

    def cost(self, year: int) -> float:
        """CNY/kW in a year; before the first year that is known, that of the first."""
        return self.capex[max((since for since in self.capex if since <= year), default=min(self.capex))]


class Developer(Institution):
    """All who build in a zone, as one.

    Decides, at a year's opening, how many MW of each technology to start: the share of what could be started whose
    internal rate passes the hurdle, at the income that is expected per kW. Expected is what the zone's own clusters
    were seen to earn, all bills together, smoothed over the years. What is started waits until it is built, wears out
    and goes at the end of its life; what the tables let stand goes at the end of its life too, its wear is in them. It
    owns nothing: what it builds is handed to the owners of the zone's clusters.
    Source: hurdle above the cost of capital [Dixit1994]; weights [assumption] in world.yaml.
    """

    expected: Rows[CNYPerKWYear]
    rate: Rows[Share]

    def __init__(self, model, name: str, zone: str, projects: Iterable[Project],
                 standing: Iterable[tuple[str, Month, float]], *, cost_of_capital: float, hurdle: float, spread: float,
                 smoothing: float):
        """standing: technology, month of commissioning and MW of each part of what the tables let stand, some day."""
        super().__init__(model, name)
        self.zone, self.projects = zone, tuple(projects)
        self.cost_of_capital, self.hurdle, self.spread, self.smoothing = cost_of_capital, hurdle, spread, smoothing
        self.standing = [(*part, False) for part in standing]
        self.queue: list[tuple[str, Month, float]] = []
        self.started: dict[str, float] = {}
        self.seen: list[dict[str, dict[str, float]]] = []
        self.expected = np.full(len(self.projects), np.nan)
        self.rate = np.full(len(self.projects), np.nan)

    def learn(self, statement: Statement, public: Public):
        """Take note of what a kW of each technology earned this month; only the last twelve months are kept."""
        month = {p.technology: {stream: value / KW for stream, value in
                                public.earnings.get((self.zone, p.technology), {}).items()} for p in self.projects}
        self.seen = [*self.seen, month][-YEAR:]

    def open_year(self, month: Month, approved: Mapping[str, float] | None) -> list[tuple[str, float]]:
        """What the year changes: technology and MW that comes (negative: goes).

        approved: share of what could be started, by technology; None while no law lets anybody build.
        """
        self._expect()
        self.started = {}
        if approved is None:
            return []
        changes = [*self._age(month), *self._finish(month)]
        for i, project in enumerate(self.projects):
            self._start(i, project, month, approved.get(project.technology, 0.0))
        return changes

    def _expect(self):
        """Blend the year that was seen into what is expected; the first year seen is expected as it was."""
        if len(self.seen) < YEAR:
            return
        realised = np.array([sum(self.yearly(p.technology).values()) for p in self.projects])
        known = ~np.isnan(self.expected)
        step = np.where(known, self.smoothing, 1.0)
        self.expected = np.where(known, self.expected, 0.0) * (1 - step) + step * realised

    def yearly(self, technology: str) -> dict[str, float]:
        """CNY/kW of the last twelve months by stream."""
        total: dict[str, float] = {}
        for month in self.seen:
            for stream, value in month.get(technology, {}).items():
                total[stream] = total.get(stream, 0.0) + value
        return total

    def _start(self, i: int, project: Project, month: Month, approved: float):
        """Start what pays of one technology."""
        income = self.expected[i]
        if np.isnan(income):
            return
        terms = (project.cost(month.year), project.fixed, project.life, project.degradation)
        value = present_value(self.cost_of_capital, income, *terms)
        self.rate[i] = internal_rate(income, *terms)
        power = approved * project.most * started_share(self.rate[i], value, self.hurdle, self.spread)
        if power > 0:
            self.queue.append((project.technology, month.later(project.lag), power))
        self.started[project.technology] = power

    def _finish(self, month: Month) -> list[tuple[str, float]]:
        """What is ready to stand, by technology."""
        ready = [part for part in self.queue if part[1] <= month]
        self.queue = [part for part in self.queue if part[1] > month]
        self.standing += [(technology, month, power, True) for technology, _, power in ready]
        return [(p.technology, power) for p in self.projects
                if (power := sum(mw for technology, _, mw in ready if technology == p.technology)) > 0]

    def _age(self, month: Month) -> list[tuple[str, float]]:
        """What goes at the end of its life or is worn off, negative, by technology."""
        lives = {p.technology: (round(p.life * YEAR), 1 - p.degradation) for p in self.projects}
        lost, kept = dict.fromkeys(lives, 0.0), []
        for technology, since, power, wears in self.standing:
            months, left = lives[technology] if wears else (lives[technology][0], 1.0)
            if since.later(months) <= month:
                left = 0.0
            lost[technology] += power * (1 - left)
            if left > 0:
                kept.append((technology, since, power * left, wears))
        self.standing = kept
        return [(technology, -power) for technology, power in lost.items() if power > 0]

    def queue_of(self, technology: str) -> float:
        """MW of a technology that are under construction."""
        return sum(power for name, _, power in self.queue if name == technology)

    def started_of(self, i: int) -> float:
        """MW of the technology of a project that were started at this year's opening."""
        return self.started.get(self.projects[i].technology, 0.0)

    def break_even(self, year: int) -> dict[str, float | None]:
        """CNY/kW-yr that must be paid for being there, beside what the last twelve months brought otherwise, so that a
        project started in a year loses nothing; None before twelve months were seen."""
        found: dict[str, float | None] = {}
        for p in self.projects:
            other = sum(value for stream, value in self.yearly(p.technology).items() if stream not in POLICY)
            found[p.technology] = None if len(self.seen) < YEAR else break_even(
                self.cost_of_capital, p.cost(year), p.fixed, p.life, p.degradation, other)
        return found


def developers(model, world: World, ground: "Ground") -> list[Developer]:
    """One actor for each zone of `projects.csv`, who knows what stands there and what is planned."""
    costs: dict[str, dict[int, float]] = {}
    for row in world["build_costs"]:
        costs.setdefault(row.technology, {})[row.year] = row.capex
    found, thinks = [], world.settings.investment
    for zone in dict.fromkeys(world["projects"]["zone"]):
        mine = [row for row in world["projects"] if row.zone == zone]
        projects = [Project(row.technology, row.most, row.lag, row.life, row.degradation, row.fixed,
                              costs[row.technology]) for row in mine]
        standing = [(row.technology, Month.of(day), power) for row in mine
                    for day, power in ground.built(zone, row.technology)]
        found.append(Developer(model, f"developers_{zone}", zone, projects, standing, hurdle=thinks.hurdle,
                               cost_of_capital=thinks.cost_of_capital, spread=thinks.spread,
                               smoothing=thinks.smoothing))
    return found
