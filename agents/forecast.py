"""Forecast: the prices that companies expect of today, and of a month, from those that everybody has seen."""

import numpy as np

from sim.calendar import Day, Month
from sim.messages import Public

REMEMBERED = 7  # days that a forecast looks back
LASTING = 0.5  # share of a month's departure from its normal price that is expected to last


def forecast(public: Public, now: Day) -> np.ndarray:
    """Price that companies expect of today, CNY/MWh [zone, hour]; nan where nothing is known yet.

    The mean, hour by hour, of those of the last seven days that are of today's kind (working day or weekend); in the
    first days of a run, when there is none, of all days there are. Never below zero: what pays to burn is not planned.
    """
    week = public.zone_price[-REMEMBERED:]
    weekday = (now.date.weekday() - np.arange(len(week), 0, -1)) % 7
    alike = week[(weekday >= 5) == now.weekend]
    known = alike[~np.isnan(alike).any(axis=(1, 2))]
    if not len(known):
        known = week[~np.isnan(week).any(axis=(1, 2))]
    return np.maximum(known.mean(axis=0), 0.0) if len(known) else np.full(week.shape[1:], np.nan)


def month_ahead(public: Public, normal: np.ndarray, month: Month) -> np.ndarray:
    """Mean price that companies expect of the months from one on, CNY/MWh [zone, 12]; nan where nothing is known.

    The normal price of each month, times what is left of last month's departure from its own normal price; where
    a zone has no normal price, last month's mean for all months. normal: CNY/MWh [zone, 12], nan where there is none.
    Source: share that lasts [assumption].
    """
    last = public.zone_mean
    ratio = last / normal[:, month.later(-1).month - 1]
    departed = np.where(np.isfinite(ratio) & (ratio > 0), np.maximum(ratio, 1e-3), 1.0) ** LASTING
    return np.where(np.isnan(normal), last[:, None], normal * departed[:, None])
