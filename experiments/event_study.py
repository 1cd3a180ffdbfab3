"""An event study of a roll-out by city: what a researcher would find who sees one world only.

Difference in differences with staggered starts. A regression with city and month effects compares late cities with
early ones that are treated already, and is biased where effects grow with time [GoodmanBacon2021]. Here each treated
city is compared, event month by event month, with cities that are not treated yet, both from the month before its start
[CallawaySantAnna2021]; effects are averaged over cities, each counting once.

Intervals are Student's, over cities: what a city adds to the estimate, as a treated one and as one compared with, is
summed and squared. A treated city's distance is taken from the mean over all treated cities, not over those that began
with it, so that a start with one city is no city without error, and effects that differ between cities count as error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.calendar import Month
from sim.config import BadInput

if TYPE_CHECKING:
    import pandas

SURE = 0.95
NEVER = 2**31  # a month number after every other


@dataclass(frozen=True)
class Study:
    """Effects by event month. event: months since the start [event], -1 is what all is measured from.

    effect: [event].  parts: of each city in the estimate's error [event, city].  treated: cities behind it [event].
    weight: of each city in the mean [event, city]; of the cities that could be compared.
    """

    event: np.ndarray
    effect: np.ndarray
    parts: np.ndarray
    treated: np.ndarray
    weight: np.ndarray

    @property
    def table(self) -> "pandas.DataFrame":
        """Columns event, effect, low, high (the ends of 95 % intervals), cities."""
        import pandas

        reach = np.array([_reach(parts, n) for parts, n in zip(self.parts, self.treated)])
        return pandas.DataFrame({"event": self.event, "effect": self.effect, "low": self.effect - reach,
                                 "high": self.effect + reach, "cities": self.treated})

    def over(self, first: int, last: int) -> tuple[float, float, float]:
        """The mean effect of some event months, the first and the last included, and the ends of its interval."""
        some = (self.event >= first) & (self.event <= last)
        mean = float(self.effect[some].mean())
        reach = _reach(self.parts[some].mean(axis=0), int(self.treated[some].min()))
        return mean, mean - reach, mean + reach

    def of(self, effects: np.ndarray) -> np.ndarray:
        """The same mean [event] over cities of effects that are known, [event, city]; nan where there is none."""
        known = np.where(self.weight > 0, effects, 0.0)
        return np.where(self.treated > 0, (self.weight * known).sum(axis=1), np.nan)


def _reach(parts: np.ndarray, treated: int) -> float:
    """Half the width of an interval from cities' parts; nan with fewer than two treated ones."""
    from scipy.special import stdtrit

    if treated < 2:
        return np.nan
    error = np.sqrt((parts**2).sum() * treated / (treated - 1))
    return float(stdtrit(treated - 1, (1 + SURE) / 2) * error)


def study(values: "pandas.DataFrame", starts: Mapping[str, Month], before: int = 6, after: int = 8) -> Study:
    """The event study of an outcome by city (index) and month (columns, `Month`, without a gap).

    starts: by city; one without a start is never treated.  before, after: event months looked at; those that no two
    treated cities and no city to compare with can show are left out.
    Raises: BadInput where no city starts within the months, or none is left to compare with.
    """
    y, months = values.to_numpy(float), np.array([month.number for month in values.columns])
    start = np.array([starts[city].number if city in starts else NEVER for city in values.index])
    if not len(months) or (np.diff(months) != 1).any():
        raise BadInput("event study: months have gaps; expected one column after the other")
    rows = [_event(y, months, start, event) for event in range(-before, after + 1)]
    found = [row for row in rows if row is not None]
    if not any(row[0] >= 0 for row in found):
        raise BadInput("event study: no two cities start within the months with others yet to start; expected a staged "
                       "roll-out")
    return Study(*(np.array(column) for column in zip(*found)))


def _event(y: np.ndarray, months: np.ndarray, start: np.ndarray, event: int):
    """One event month: event, effect, parts [city], treated, weight [city]; None where fewer than two cities show it.

    y: [city, month].  start: month number [city].
    """
    cities, rise, compared = len(start), {}, {}
    for city in np.flatnonzero(start < NEVER):
        at, base = start[city] + event - months[0], start[city] - 1 - months[0]
        others = np.flatnonzero(start > max(start[city] + event, start[city]))
        if base < 0 or not 0 <= at < len(months) or not len(others):
            continue
        change = y[:, at] - y[:, base]
        rise[city], compared[city] = change[city] - change[others].mean(), (others, change[others])
    n = len(rise)
    if n < 2:
        return None
    effect, parts, weight = float(np.mean(list(rise.values()))), np.zeros(cities), np.zeros(cities)
    for city, (others, change) in compared.items():
        weight[city] = 1 / n
        parts[city] += (rise[city] - effect) / n
        parts[others] -= (change - change.mean()) / len(others) / n
    return event, effect, parts, n, weight


def known_effects(values: "pandas.DataFrame", without: "pandas.DataFrame", starts: Mapping[str, Month],
                  found: Study) -> np.ndarray:
    """What the same event months show where the other world is known: the mean over the same cities of the difference
    to it, [event]. values, without: as for `study`."""
    months = np.array([month.number for month in values.columns])
    gap, effects = (values - without.loc[values.index, values.columns]).to_numpy(float), np.zeros(found.weight.shape)
    for column, city in enumerate(values.index):
        if city in starts:
            at = starts[city].number + found.event - months[0]
            inside = (at >= 0) & (at < len(months))
            effects[inside, column] = gap[column, at[inside]]
    return found.of(effects)
