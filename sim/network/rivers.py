"""Rivers: basins with cascades of reservoirs, their inflow, releases and spill. The only home of water.

Water is counted in hm3, a day at a time. What a plant lets go today, through the turbines or over the spillway, is
at hand at the plant below tomorrow morning. A MWh generated releases 1000 / (kWh/m3) m3; it takes exactly one MWh
from the stored energy of the basin, because the water keeps its worth at the plants below.
"""

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from sim.calendar import Day
from sim.config import BadInput, Key, Row, Section, Table, bounded
from sim.messages import Weather
from sim.units import HOURS, CNYPerMWh, Hm3, KWhPerM3, M3PerS, Ratio, Share
from sim.weather import Profiles

if TYPE_CHECKING:
    from sim.weather import Weather as Driver

HM3_PER_DAY = 0.0864  # of 1 m3/s
MWH_PER_HM3 = 1000.0  # of 1 kWh/m3
RESIDUAL = 1e-6  # share of the day's water that an output may ask for beyond what is there: a solver's rounding


class Basin(Row):
    """A row of `basins.csv`: a river whose flows rise and fall together.

    inflow_shape: the month's natural flow as a ratio of the year's mean; empty where no reservoir asks for it: every
    day then counts alike in a measured half-year.
    cv: coefficient of variation of a day's flow about the normal one; days persist as the weather's wetness does.
    Its flow of a year over the normal one stands in `inflow_years.csv`.
    """

    key: str
    inflow_shape: Key("profiles_month") | None
    cv: bounded(Ratio, ge=0, le=2)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """A flow shape is a ratio. Raises: BadInput."""
        profiles = tables["profiles_month"]
        for i, basin in enumerate(table):
            shape = basin.inflow_shape
            if shape is not None and profiles.rows[profiles.position(shape)].unit != "ratio":
                raise BadInput(table.fault(i, "inflow_shape", f"{shape!r} is not a ratio; expected a profile that is"))


class Reservoir(Row):
    """A row of `reservoirs.csv`: the active storage above a plant; `order` counts downstream, 1 is the top.

    active: volume between the lowest and the highest level in use.  productivity: energy of a m3 through the
    turbines.  mean_flow: natural flow of a normal year at the site, so the own catchment brings the difference to the
    reservoir above.  min_flow: share of mean flow that must pass the turbines while there is water.
    """

    key: str
    plant: Key("plants")
    basin: Key("basins")
    order: int
    active: bounded(Hm3, gt=0)
    productivity: bounded(KWhPerM3, gt=0)
    mean_flow: bounded(M3PerS, ge=0)
    flow_scale: bounded(Ratio, gt=0)
    min_flow: bounded(Share, ge=0, le=1)
    source: str

    @property
    def flow(self) -> float:
        """Mean flow at the site that works for this grid, m3/s."""
        return self.mean_flow * self.flow_scale

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """One reservoir a hydro plant, a cascade without gaps, a river that does not lose water. Raises: BadInput."""
        plants, basins, places, owner = tables["plants"], tables["basins"], {}, {}
        for i, reservoir in enumerate(table):
            if basins.rows[basins.position(reservoir.basin)].inflow_shape is None:
                raise BadInput(table.fault(i, "basin", f"{reservoir.basin!r} has no inflow_shape in basins.csv; "
                                                       "expected a basin that has one"))
            plant = plants.rows[plants.position(reservoir.plant)]
            if plant.technology != "hydro":
                raise BadInput(table.fault(i, "plant", f"{reservoir.plant!r} is no hydro plant; expected one that is"))
            if plant.in_service is None:
                raise BadInput(table.fault(i, "plant", f"{reservoir.plant!r} has no in_service; expected a plant that "
                                                       "was built on a day"))
            if owner.setdefault(reservoir.plant, i) != i:
                raise BadInput(table.fault(i, "plant", f"{reservoir.plant!r} has a reservoir; expected one each"))
            place = (reservoir.basin, reservoir.order)
            if places.setdefault(place, i) != i:
                raise BadInput(table.fault(i, "order", f"basin {reservoir.basin!r} has two reservoirs of order "
                                                       f"{reservoir.order}; expected each once"))
        for i, reservoir in enumerate(table):
            above = places.get((reservoir.basin, reservoir.order - 1))
            if reservoir.order != 1 and above is None:
                raise BadInput(table.fault(i, "order", f"basin {reservoir.basin!r} has no reservoir of order "
                                                       f"{reservoir.order - 1}; expected 1, 2, 3 ... without a gap"))
            if above is not None and table.rows[above].flow > reservoir.flow:
                raise BadInput(table.fault(i, "mean_flow", f"{reservoir.flow:g} m3/s with the scale is less than the "
                                                           f"{table.rows[above].flow:g} m3/s of the reservoir above"))


class WaterPlanning(Section):
    """The section `water` of world.yaml: how the owners of reservoirs plan.

    carry_over: share of a basin's stored energy that planners want to find when the dry season ends, on 31 May; what
    they have to live on should the rains be late.  carry_over_value: what a MWh of it is worth to them on that day at
    least.  own_level: weight of a plant's own level, against its basin's, in what the plant thinks of its water.
    """

    carry_over: bounded(Share, ge=0, lt=1)
    carry_over_value: bounded(CNYPerMWh, ge=0)
    own_level: bounded(Share, ge=0, le=1)
    source: str


class Flows:
    """How much more or less than normal the basins of a world bring.

    basins: the table of basins, whose order is that of all arrays.
    """

    def __init__(self, basins: Table, years: Table, driver: "Driver", profiles: Profiles):
        """years: rows of `inflow_years.csv`.  driver: the weather of the days that the world covers.  profiles: of
        months, among them the basins' natural flow."""
        self.basins = basins
        self._sigma = np.sqrt(np.log1p(basins["cv"] ** 2))
        self._halves: dict[int, np.ndarray] = {}
        for row in years:
            halves = self._halves.setdefault(row.year, np.full((2, len(basins)), np.nan))
            basin = basins.position(row.basin)
            halves[:, basin] = row.multiplier_h1, row.multiplier_h2
            if row.measured:
                halves[:, basin] /= self._by_weather(basin, row.year, driver, profiles)

    def _by_weather(self, basin: int, year: int, driver: "Driver", profiles: Profiles) -> np.ndarray:
        """What the weather of a year makes of a basin's natural flow, over it, [half]; 1 in one without days."""
        days, wetness = driver.wetness(year)
        flow = np.exp(self._sigma[basin] * wetness[:, basin] - self._sigma[basin] ** 2 / 2)
        shape = self.basins.rows[basin].inflow_shape
        usual = np.ones(366) if shape is None else profiles.year(shape, year)
        usual = usual[[day.timetuple().tm_yday - 1 for day in days]]
        half = np.array([day.month > 6 for day in days], int)
        found, normal = (np.bincount(half, weights, 2) for weights in (usual * flow, usual))
        return np.divide(found, normal, out=np.ones(2), where=normal > 0)

    def multiple(self, day: Day, weather: Weather) -> np.ndarray:
        """A day's flow of each basin over the normal flow of its date, [basin]: the year's multiple and the weather's.

        The weather's part is lognormal with mean 1 and the basin's cv.  Raises: KeyError for a year not in the table.
        """
        half = self._halves[day.date.year][0 if day.date.month <= 6 else 1]
        return half * np.exp(self._sigma * weather.wetness - self._sigma ** 2 / 2)


class Rivers:
    """All reservoirs of a world and the water in them; a row keeps its place in the table.

    basin: int [reservoir].  below, above: row of the next reservoir down and up the river, -1 where there is none.
    plant: str [reservoir], its plant.  active: hm3.  per_hm3: MWh that a hm3 gives at its own turbines; chain: MWh
    that it gives there and at all plants below.  capacity: MW of the turbines.  full: MWh [basin], all reservoirs full.
    least: hm3 [reservoir], minimum flow of a day.  A dam that is not in service yet lets everything pass.

    State: stored: hm3 [reservoir].  outflow: hm3 [reservoir], release and spill of the last day, on its way down.
    spilled: hm3 [reservoir] of the last day.  residual: hm3, largest error of the last day's water balance.
    """

    def __init__(self, reservoirs: Table, flows: Flows, plants: Table, profiles: Profiles):
        basins = flows.basins
        self.key = tuple(row.key for row in reservoirs)
        self.basins, self.flows, self._profiles = basins, flows, profiles
        self.plant = np.array([row.plant for row in reservoirs], dtype=object)
        self.basin = np.array([basins.position(row.basin) for row in reservoirs], np.intp)
        shapes = [basins.rows[b].inflow_shape for b in self.basin]
        self._shapes = tuple(dict.fromkeys(shapes))
        self._shape = np.array([self._shapes.index(shape) for shape in shapes], np.intp)
        rows = {(row.basin, row.order): i for i, row in enumerate(reservoirs)}
        self.below = np.array([rows.get((row.basin, row.order + 1), -1) for row in reservoirs], np.intp)
        self.above = np.array([rows.get((row.basin, row.order - 1), -1) for row in reservoirs], np.intp)
        self.active = reservoirs["active"].astype(float)
        self.per_hm3 = reservoirs["productivity"] * MWH_PER_HM3
        self.chain = self._chain()
        own = [plants.rows[plants.position(key)] for key in self.plant]
        self.capacity = np.array([plant.capacity for plant in own], float)
        self._first = np.array([plant.in_service.toordinal() for plant in own], np.int64)
        mean = np.array([row.flow for row in reservoirs], float) * HM3_PER_DAY
        self._mean = mean - np.append(mean, 0.0)[self.above]  # of the own catchment; row -1 is no reservoir
        self.least = reservoirs["min_flow"] * mean
        self.full = self.by_basin(self.active * self.chain)  # MWh [basin]
        self.stored, self.outflow, self.spilled = (np.zeros(len(self.key)) for _ in range(3))
        self.residual = 0.0

    def __len__(self):
        return len(self.key)

    def _chain(self) -> np.ndarray:
        """MWh/hm3 of each reservoir's own plant and all below."""
        total, at = self.per_hm3.copy(), self.below
        while (at >= 0).any():
            total += np.append(self.per_hm3, 0.0)[at]
            at = np.append(self.below, -1)[at]
        return total

    def by_basin(self, values: np.ndarray) -> np.ndarray:
        """Sum over the reservoirs of each basin: [reservoir] -> [basin]."""
        return np.bincount(self.basin, weights=values, minlength=len(self.basins))

    def normal_inflow(self, when: date) -> np.ndarray:
        """Local inflow of a date in a normal year, hm3 [reservoir]."""
        return self._mean * self._profiles.on(self._shapes, when)[self._shape]

    def normal_energy(self) -> np.ndarray:
        """Energy that a normal day's local inflow of each month carries down its basin, MWh/day [month, basin]."""
        shape = np.array([[self._profiles.month(key, month) for key in self._shapes] for month in range(1, 13)])
        return np.array([self.by_basin(of_month[self._shape] * self._mean * self.chain) for of_month in shape])

    def open(self, when: date, stored: np.ndarray) -> None:
        """Begin on a date with `stored` hm3 [reservoir]; on the way down is what a normal river would have let go.

        Raises: ValueError for a level below zero or above the active volume.
        """
        if np.any(stored < 0) or np.any(stored > self.active * (1 + 1e-12)):
            raise ValueError(f"opening levels must lie between 0 and the active volume; got {stored}")
        self.stored = np.minimum(stored, self.room(when))
        through = self.normal_inflow(when)
        for r in self._downstream():
            if self.above[r] >= 0:
                through[r] += through[self.above[r]]
        self.outflow, self.spilled, self.residual = through, np.zeros(len(self)), 0.0

    def room(self, when: date) -> np.ndarray:
        """Active volume on a date, hm3 [reservoir]; none before the dam is in service."""
        return np.where(self._first <= when.toordinal(), self.active, 0.0)

    def _downstream(self):
        """Rows in an order in which every reservoir comes after the one above it."""
        depth, at = np.zeros(len(self), int), self.above
        while (at >= 0).any():
            depth += at >= 0
            at = np.append(self.above, -1)[at]
        return np.argsort(depth, kind="stable")

    def inflow(self, day: Day, weather: Weather) -> np.ndarray:
        """Local inflow of a day, hm3 [reservoir]: the normal one of the date times its basin's multiple."""
        return self.normal_inflow(day.date) * self.flows.multiple(day, weather)[self.basin]

    @property
    def water(self) -> np.ndarray:
        """Water at hand this morning, hm3 [reservoir]: what was stored last night and what came down since.

        May exceed the active volume: what is not used by the evening is then spilled.
        """
        return self.stored + np.append(self.outflow, 0.0)[self.above]

    def energy(self, inflow: np.ndarray) -> np.ndarray:
        """Most that can be generated in a day, MWh [reservoir]: by the turbines and by the water there will be."""
        return np.minimum(self.capacity * HOURS, (self.water + inflow) * self.per_hm3)

    def minimum(self, inflow: np.ndarray) -> np.ndarray:
        """Least output, MW [reservoir], all hours: the minimum flow as long as there is water for it."""
        return np.minimum(self.least * self.per_hm3, self.energy(inflow)) / HOURS

    def run(self, day: Day, inflow: np.ndarray, output_mwh: np.ndarray) -> None:
        """Live a day: generate, spill what exceeds the active volume, send both down the river.

        Raises: ValueError when an output needs water that is not there.
        """
        arrived = self.water - self.stored
        hand = self.stored + arrived + inflow
        release = output_mwh / self.per_hm3
        if np.any(lacking := release > hand + RESIDUAL * (hand + 1)):
            r = int(np.argmax(lacking))
            raise ValueError(f"{self.key[r]} on {day}: {output_mwh[r]:.3f} MWh need {release[r]:.6f} hm3, "
                             f"{hand[r]:.6f} are there")
        release = np.minimum(release, hand)  # the clearing's energy budget holds to a solver's tolerance
        left = hand - release
        spilled = np.maximum(left - self.room(day.date), 0.0)
        stored, outflow = left - spilled, release + spilled
        self.residual = float(np.abs((stored - self.stored) - (inflow + arrived - outflow)).max(initial=0.0))
        self.stored, self.outflow, self.spilled = stored, outflow, spilled

    def stored_energy(self) -> np.ndarray:
        """Energy in store, MWh [basin]: each reservoir's water at its own plant and at all below."""
        return self.by_basin(self.stored * self.chain)

    def inflow_index(self, when: date, inflow: np.ndarray) -> np.ndarray:
        """Inflow of the days from the first of the month to `when` over that of a normal year, [basin].

        inflow: hm3 [reservoir, day], the days that end on `when`; 1 for a basin without a normal inflow.
        """
        days = inflow.shape[1]
        normal = sum(self.normal_inflow(date.fromordinal(when.toordinal() - back)) for back in range(days))
        found, usual = self.by_basin(inflow.sum(axis=1) * self.chain), self.by_basin(normal * self.chain)
        return np.divide(found, usual, out=np.ones(len(usual)), where=usual > 0)
