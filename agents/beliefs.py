"""Beliefs: what water is worth. Stochastic dynamic programming by basin, over months, stored energy and inflow.

A basin's planner weighs a MWh generated now, at a price that falls with the energy of all reservoirs, against a MWh
kept for a month of which only the likely inflow is known. The programme is solved in marginal values, as by Stage and
Larsson: for a store s at the start of month m with inflow state k, the best store e at its end balances

    p_m(s + I_mk - e + others) = W_m(e, k),    W_m(e, k) = sum over k' of P(k, k') V_{m+1}(e, k'),

and V_m(s, k), the value of a MWh more at the start, is that common value; it is W where the turbines or the minimum
flow decide, p where the store is empty or full, and zero where water is spilled. The year is a circle: the values are
those under which next January is like this one; nothing is discounted and no final value is needed.

Source: incremental water values [Stage1961]; stochastic dual programming for comparison [Pereira1991]; hydro economics
[Forsund2015]; the inflow states are Rouwenhorst's chain [Kopecky2010].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from agents.outlook import NoPlan, Outlook, marginal_value
from sim.calendar import Month
from sim.config import Table
from sim.messages import Conditions
from sim.network.outages import DAYS
from sim.weather import WeatherSettings

if TYPE_CHECKING:
    from sim.network.grid import Grid
    from sim.network.ground import Ground
    from sim.network.rivers import Rivers

DRY_END = 4  # May, whose last day ends the dry season
LEVELS, STATES, ENERGIES = 31, 5, 25  # of stored energy, of inflow, of the day's energy from all reservoirs
HALVINGS = 20  # of the range in which the end level is sought: to a millionth of it
SETTLED = 0.01  # CNY/MWh, change of a value over a year at which the values have settled
AGREED = 0.25  # CNY/MWh, mean change of the values over a round at which the basins' plans agree
YEARS, ROUNDS = 400, 60  # after so many without an end, something is wrong
TINY = 1e-9  # MWh, so that a basin without reservoirs can be divided by


@dataclass(frozen=True)
class Inflow:
    """A month's inflow over the normal one, as a chain of states.

    multiple: [basin, state], rising, mean 1 over the chain's long run.  chance: [state, next state].  usual: [state],
    share of months in each.
    """

    multiple: np.ndarray
    chance: np.ndarray
    usual: np.ndarray

    @classmethod
    def of(cls, cv: np.ndarray, ar1: float, states: int = STATES) -> "Inflow":
        """From the daily figures: coefficient of variation [basin] and persistence from day to day.

        The mean of n days of an AR(1) has the variance [n (1 - a^2) - 2 a (1 - a^n)] / [n (1 - a)]^2 of a day's, and
        two such means that follow one another the covariance a (1 - a^n)^2 / [n (1 - a)]^2.
        """
        n = 365 / 12
        lost, scale = 1 - ar1 ** n, (n * (1 - ar1)) ** 2
        variance = (n * (1 - ar1 ** 2) - 2 * ar1 * lost) / scale
        kept = ar1 * lost ** 2 / scale / variance
        chance = rouwenhorst(kept, states)
        usual = np.linalg.matrix_power(chance, 4096)[0]
        spread = np.sqrt(np.log1p(np.asarray(cv, float) ** 2) * variance)[:, None]
        multiple = np.exp(spread * np.sqrt(states - 1) * np.linspace(-1, 1, states))
        return cls(multiple / (multiple @ usual)[:, None], chance, usual)

    def state(self, basin: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Position among the states, with fractions, of an inflow `index` (over the normal one) of a basin, [n]."""
        position = np.arange(self.multiple.shape[1])
        return np.array([np.interp(at, self.multiple[b], position) for b, at in zip(basin, index)])


def rouwenhorst(kept: float, states: int) -> np.ndarray:
    """Chances of a chain of equally spaced states whose autocorrelation is `kept`, [state, next state]."""
    stay = (1 + kept) / 2
    chance = np.array([[stay, 1 - stay], [1 - stay, stay]])
    for n in range(3, states + 1):
        wider = np.zeros((n, n))
        wider[:-1, :-1] += stay * chance
        wider[:-1, 1:] += (1 - stay) * chance
        wider[1:, :-1] += (1 - stay) * chance
        wider[1:, 1:] += stay * chance
        wider[1:-1] /= 2
        chance = wider
    return chance


@dataclass(frozen=True)
class Water:
    """What planners know of the rivers and of the market, in energy. Stages are months, MWh/day those of a mean day.

    days: [stage].  full: MWh [basin], all reservoirs full.  normal: MWh/day [stage, basin], inflow of a normal year.
    most, least: MWh/day [stage, basin], by turbines and minimum flow.  runoff: MWh/day [stage, basin], normal output of
    the plants that live on the basin's flow without storage.  inflow: the chain of the month's inflow.  correlation:
    [basin, basin], of the basins' inflow anomalies.
    energy: MWh/day [stage, step], rising: output of all reservoirs.  price: CNY/MWh [stage, step], never rising: what
    the last MWh of it earns, net of its operation, when plants without storage give their normal output.
    reserve: CNY/MWh [stage, level], what a MWh in store is worth at least when the stage ends.
    """

    days: np.ndarray
    full: np.ndarray
    normal: np.ndarray
    most: np.ndarray
    least: np.ndarray
    runoff: np.ndarray
    inflow: Inflow
    correlation: np.ndarray
    energy: np.ndarray
    price: np.ndarray
    reserve: np.ndarray

    @classmethod
    def of(cls, ground: "Ground", typical: Sequence[Conditions], outlook: Outlook) -> "Water":
        """From the world: its rivers, a typical day's Conditions of each month, and what the market pays on it."""
        rivers, settings = ground.rivers, ground.world.settings
        months, basins = len(typical), len(rivers.full)
        available = np.array([day.available.sum(axis=1) for day in typical])  # MWh/day [month, unit]
        most, runoff = np.zeros((months, basins)), np.zeros((months, basins))
        for reservoir, unit in enumerate(ground.reservoir_units):
            most[:, rivers.basin[reservoir]] += available[:, unit]
        for unit, plant in enumerate(ground.world["plants"]):
            if plant.basin is not None:
                runoff[:, rivers.basins.position(plant.basin)] += available[:, unit]
        level = np.linspace(0, 1, LEVELS)
        reserve = np.zeros((months, LEVELS))
        reserve[DRY_END] = np.where(level < settings.water.carry_over, settings.water.carry_over_value, 0.0)
        energy = np.linspace(0.02, 1, ENERGIES) * most.sum(axis=1)[:, None]
        return cls(
            days=DAYS.astype(float), full=rivers.full, normal=rivers.normal_energy(), most=most,
            least=np.tile(rivers.by_basin(rivers.least * rivers.per_hm3), (months, 1)), runoff=runoff,
            inflow=Inflow.of(rivers.basins["cv"], settings.weather.ar1_wetness),
            correlation=shared_wetness(rivers.basins, ground.world["weather_pairs"], settings.weather),
            energy=energy, price=marginal_value(outlook, energy), reserve=reserve)


def shared_wetness(basins: Table, pairs: Table, settings: WeatherSettings) -> np.ndarray:
    """Correlations of the basins' wetness as stated for the weather, [basin, basin]."""
    known = {frozenset((pair.first, pair.second)): pair.correlation for pair in pairs}
    keys = list(basins["key"])
    return np.array([[1.0 if a == b else known.get(frozenset((a, b)), settings.between_basins) for b in keys]
                     for a in keys])


@dataclass(frozen=True)
class WaterValues:
    """What water is worth, by month, basin, level of stored energy and state of inflow.

    value: CNY/MWh [stage, basin, level, state], of a MWh more in store when a month begins and its inflow is known.
    later: the same when the month ends and the next month's inflow is not yet known.
    others: MWh/day [stage, basin, state], what a basin expects from all others.
    """

    water: Water
    value: np.ndarray
    later: np.ndarray
    others: np.ndarray

    def at(self, when: date, basin: np.ndarray, level: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Value of a MWh more on the morning of a date, CNY/MWh [n].

        basin: int [n].  level: [n], share of the basin's full energy.  index: [n], this month's inflow over normal.
        Between the start of a month and its end, between levels and between states the value is a straight line.
        """
        gone = (when.day - 1) / Month.of(when).days
        month, state = when.month - 1, self.water.inflow.state(basin, index)
        return ((1 - gone) * _bilinear(self.value[month], basin, level, state)
                + gone * _bilinear(self.later[month], basin, level, state))


_known: dict[str, WaterValues] = {}  # by fingerprints of all that goes in: runs that share a world plan it once
KEPT = 40  # years of worlds: two outlooks of sixteen years and some more


def water_beliefs(ground: "Ground", grid: "Grid", typical: Sequence[Conditions], floor: float,
                  cap: float) -> WaterValues:
    """What the owners of reservoirs believe their water to be worth in the year of the grid; kept in memory for the
    next run of this world, and for a year that is like another.

    typical: Conditions of a typical day of each month.  floor, cap: CNY/MWh of the market's clearing.
    """
    outlook = Outlook.of(ground, grid, typical, floor, cap)
    settings = (ground.world.settings.water, ground.world.settings.weather)
    tables = (ground.world[name] for name in ("plants", "reservoirs", "basins", "inflow_years", "build_out",
                                              "profiles_month", "weather_pairs"))
    key = "|".join((outlook.digest, *(part.model_dump_json() for part in settings), *(t.digest for t in tables)))
    if key not in _known:
        while len(_known) >= KEPT:
            del _known[next(iter(_known))]
        _known[key] = water_values(Water.of(ground, typical, outlook))
    return _known[key]


def opening_levels(values: WaterValues, rivers: "Rivers", when: date) -> np.ndarray:
    """Water in store on a date after years of normal inflow under the planners' own rule, hm3 [reservoir].

    The level of a basin moves in a straight line from one month's start to the next; its reservoirs are equally full.
    """
    path = normal_year(values)
    month = when.month - 1
    gone = (when.day - 1) / Month.of(when).days
    stored = (1 - gone) * path[month] + gone * path[(month + 1) % len(path)]
    share = stored / np.maximum(values.water.full, TINY)
    return rivers.active * np.clip(share, 0, 1)[rivers.basin]


def normal_year(values: WaterValues) -> np.ndarray:
    """Stored energy at the start of each month when every year is normal, MWh [stage, basin].

    From half full, year after year, until a year ends as it began.
    """
    water, stages = values.water, len(values.water.days)
    basins = np.arange(len(water.full))
    state = water.inflow.state(basins, np.ones(len(basins)))
    weight = np.maximum(1 - np.abs(np.arange(water.inflow.multiple.shape[1]) - state[:, None]), 0)  # [basin, state]
    later, others = (np.einsum("mb...k,bk->mb...", table, weight)[..., None] for table in (values.later, values.others))
    path, stored = np.empty((stages, len(basins))), water.full / 2
    for _ in range(YEARS):
        begun = stored
        for stage in range(stages):
            path[stage] = stored
            _, end = decide(water, stage, water.normal[stage][:, None], others[stage], later[stage])
            stored = _along(end, (stored / np.maximum(water.full, TINY))[:, None, None])[:, 0, 0]
        if np.all(np.abs(stored - begun) <= 1e-4 * water.full):
            return path
    raise NoPlan(f"stored energy does not settle in {YEARS} years of normal inflow")


def water_values(water: Water) -> WaterValues:
    """The values under which every basin's plan is best, given what it expects of the others.

    Basins plan on the others' expected output by month and inflow, again and again until the values hardly move. Every
    basin's gain is the area under one market's price, so with certain inflow the rounds would climb to the plan of a
    single planner of all rivers; with uncertain inflow, where only the others' mean is known, that is a guide and no
    proof. The steps are those of Frank and Wolfe and shrink, which also ends small cycles between basins.
    Raises: NoPlan when values or plans do not settle.
    """
    others = expected_others(water, np.minimum(
        water.normal[:, :, None] * water.inflow.multiple, water.most[:, :, None]))
    value = np.broadcast_to(water.price.mean(), (*water.normal.shape, LEVELS, water.inflow.multiple.shape[1]))
    crowd = None
    for played in range(ROUNDS):
        before = value
        value, later, ends = settle(water, others, value)
        output, crowd = expected_output(water, ends, crowd)
        # ever smaller steps, so that two basins do not swap seasons forever
        others = others + 2 / (played + 2) * (expected_others(water, output) - others)
        if np.abs(value - before).mean() < AGREED:
            return WaterValues(water, value, later, others)
    raise NoPlan(f"the basins' plans do not agree after {ROUNDS} rounds")


def settle(water: Water, others: np.ndarray, value: np.ndarray):
    """Values of a year that repeats itself: (value, later, end), each [stage, basin, level, state].

    others: MWh/day [stage, basin, state].  value: CNY/MWh, a first guess.  end: MWh stored at the stage's end.
    """
    value, stages = value.copy(), len(water.days)
    later, ends = np.empty_like(value), np.empty_like(value)
    for _ in range(YEARS):
        first = value[0].copy()
        for stage in reversed(range(stages)):
            kept = value[(stage + 1) % stages] @ water.inflow.chance.T
            later[stage] = np.maximum(kept, water.reserve[stage][:, None])
            value[stage], ends[stage] = decide(water, stage, water.normal[stage][:, None] * water.inflow.multiple,
                                               others[stage], later[stage])
        if np.abs(value[0] - first).max() < SETTLED:
            return value, later, ends
    raise NoPlan(f"water values do not settle in {YEARS} years")


def decide(water: Water, stage: int, inflow: np.ndarray, others: np.ndarray, later: np.ndarray):
    """A month's best end levels and the value of a MWh more at its start: (value, end), each [basin, level, state].

    inflow, others: MWh/day [basin, state].  later: CNY/MWh [basin, level, state], value of a MWh kept.
    """
    days, full = water.days[stage], water.full[:, None, None]
    hand = np.linspace(0, 1, LEVELS)[:, None] * full + inflow[:, None] * days
    least, most = (limit[stage][:, None, None] * days for limit in (water.least, water.most))
    high = np.clip(hand - least, 0, full)
    low = np.clip(hand - most, 0, high)

    def price(end):
        use = np.minimum(hand - end, most)
        return np.interp(use / days + others[:, None], water.energy[stage], water.price[stage])

    def worth(end):
        return _along(later, end / np.maximum(full, TINY))

    bottom, top = low, high
    for _ in range(HALVINGS):
        middle = (bottom + top) / 2
        sell = price(middle) > worth(middle)  # a MWh less in store earns more than it will be worth
        bottom, top = np.where(sell, bottom, middle), np.where(sell, middle, top)
    end = (bottom + top) / 2
    end = np.where(price(low) >= worth(low), low, np.where(price(high) <= worth(high), high, end))
    by_store = ((end <= 0) & (hand <= most)) | ((end >= full) & (hand - end <= most))
    value = np.where(by_store | (hand <= least), price(end), worth(end))
    value = np.where(hand - end > most, 0.0, value)  # it would be spilled
    return np.maximum(value, 0.0), end


def expected_others(water: Water, output: np.ndarray) -> np.ndarray:
    """What a basin in each inflow state expects of the rest, MWh/day [stage, basin, state].

    output: MWh/day [stage, basin, state] of each basin's reservoirs in its own states. When a basin's anomaly is z,
    that of another is expected at correlation x z. Plants without storage count with their deviation from normal.
    """
    output = output + water.runoff[:, :, None] * (water.inflow.multiple - 1)
    states = output.shape[2]
    position = (1 + water.correlation[:, :, None] * np.linspace(-1, 1, states)) / 2 * (states - 1)
    lower = np.minimum(position.astype(int), states - 2)
    part = position - lower
    basin = np.arange(output.shape[1])[None, :, None]
    seen = (1 - part) * output[:, basin, lower] + part * output[:, basin, lower + 1]  # [stage, who, whom, state]
    seen[:, basin[0, :, 0], basin[0, :, 0]] = (water.runoff[:, :, None] * (water.inflow.multiple - 1))
    return seen.sum(axis=2)


def expected_output(water: Water, ends: np.ndarray, crowd: np.ndarray | None = None):
    """Long-run mean output by month and inflow state: (MWh/day [stage, basin, state], crowd).

    ends: MWh [stage, basin, level, state].  crowd: shares [basin, level, state] of years that begin there; None: all
    begin half full.
    """
    stages, basins, levels, states = ends.shape
    if crowd is None:
        crowd = np.zeros((basins, levels, states))
        crowd[:, levels // 2] = water.inflow.usual
    full = np.maximum(water.full[:, None, None], TINY)
    store = np.linspace(0, 1, levels)[:, None] * full
    position = np.clip(ends / full * (levels - 1), 0, levels - 1)
    lower = np.minimum(position.astype(int), levels - 2)
    part = position - lower
    row = np.ravel_multi_index(np.broadcast_arrays(np.arange(basins)[:, None, None], lower, np.arange(states)),
                               (basins, levels, states))
    output = np.empty((stages, basins, states))
    for _ in range(YEARS):
        begun = crowd
        for stage in range(stages):
            hand = store + (water.normal[stage][:, None] * water.inflow.multiple)[:, None] * water.days[stage]
            use = np.minimum((hand - ends[stage]) / water.days[stage], water.most[stage][:, None, None])
            output[stage] = (crowd * use).sum(axis=1) / crowd.sum(axis=1)
            weights = np.concatenate([crowd * (1 - part[stage]), crowd * part[stage]])
            rows = np.concatenate([row[stage], row[stage] + states])
            crowd = np.bincount(rows.ravel(), weights.ravel(), crowd.size).reshape(crowd.shape) @ water.inflow.chance
        if np.abs(crowd - begun).max() < 1e-6:
            return output, crowd
    raise NoPlan(f"the levels do not settle in {YEARS} years")


def _along(table: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Values of `table` [basin, level, state] at levels given as shares [basin, n, state], on straight lines."""
    position = np.clip(share, 0, 1) * (table.shape[1] - 1)
    lower = np.minimum(position.astype(int), table.shape[1] - 2)
    part = position - lower
    return ((1 - part) * np.take_along_axis(table, lower, axis=1)
            + part * np.take_along_axis(table, lower + 1, axis=1))


def _bilinear(table: np.ndarray, basin: np.ndarray, level: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Values of `table` [basin, level, state] at n points (level as a share, state with fractions), [n]."""
    at = np.clip(level, 0, 1) * (table.shape[1] - 1)
    low, left = np.minimum(at.astype(int), table.shape[1] - 2), np.minimum(state.astype(int), table.shape[2] - 2)
    up, right = at - low, state - left
    return ((1 - up) * ((1 - right) * table[basin, low, left] + right * table[basin, low, left + 1])
            + up * ((1 - right) * table[basin, low + 1, left] + right * table[basin, low + 1, left + 1]))
