"""What is expected of a day on the day before: the conditions that will come, seen with errors."""

from dataclasses import replace
from functools import cache

import numpy as np

from sim.calendar import Day
from sim.messages import Conditions
from sim.network.grid import Grid
from sim.network.rivers import Rivers
from sim.streams import Streams
from sim.units import HOURS
from sim.weather import WeatherSettings

KEPT = 0.9  # of an hour's error that is left in the next: errors of a forecast run on for hours
WIND, SUN = ("wind", "wind_offshore"), ("solar",)


class Forecast:
    """The day ahead, forecast: load, wind and sun by zone and hour, inflow by basin, each missed by its own error.

    An error is normal and relative; within a day it follows AR(1) from hour to hour. It is addressed by seed, what is
    forecast, zone and date, so a policy changes no forecast.
    """

    def __init__(self, settings: WeatherSettings, rivers: Rivers, reservoir_units: np.ndarray, streams: Streams):
        self._settings, self._rivers, self._reservoirs, self._streams = settings, rivers, reservoir_units, streams

    def of(self, day: Day, today: Conditions, grid: Grid) -> Conditions:
        """What is expected of the day that `today` will be."""
        s, units = self._settings, grid.units
        load = today.load * self._factor("load", s.forecast_load, day, len(grid.zone))[grid.bus_zone]
        zone, natural = grid.bus_zone[units.bus], np.ones(today.available.shape)
        for name, technologies, spread in (("wind", WIND, s.forecast_wind), ("sun", SUN, s.forecast_sun)):
            mine = np.flatnonzero(np.isin(units.technology, technologies))
            natural[mine] = self._factor(name, spread, day, len(grid.zone))[zone[mine]]
        available = np.where(natural == 1, today.available,
                             np.minimum(today.available * natural, units.capacity[:, None]))
        minimum, energy = np.minimum(today.minimum, available), today.energy.copy()
        error = self._streams["forecast/inflow"].normals(np.arange(len(self._rivers.basins)), day.ordinal)
        inflow = today.inflow * np.maximum(1 + s.forecast_inflow * error, 0)[self._rivers.basin]
        energy[self._reservoirs] = self._rivers.energy(inflow)
        least = np.repeat(self._rivers.minimum(inflow)[:, None], HOURS, axis=1)
        minimum[self._reservoirs] = np.minimum(least, available[self._reservoirs])
        return replace(today, load=load, available=available, minimum=minimum, energy=energy, inflow=inflow)

    def _factor(self, what: str, spread: float, day: Day, zones: int) -> np.ndarray:
        """Multiple of what happens that is forecast, not negative [zone, hour]."""
        draws = self._streams[f"forecast/{what}"].normals(np.arange(zones * HOURS), day.ordinal).reshape(zones, HOURS)
        return np.maximum(1 + spread * draws @ _running_on().T, 0)


@cache
def _running_on() -> np.ndarray:
    """[hour, hour]: turns independent standard normals into a stationary AR(1) of unit variance."""
    hour = np.arange(HOURS)
    return np.linalg.cholesky(KEPT ** np.abs(hour[:, None] - hour))
