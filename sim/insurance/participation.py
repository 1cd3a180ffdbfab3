"""How riders are brought to the pension, beside money: by default, by information, by easier moving of rights."""

from typing import ClassVar

import numpy as np

from sim.calendar import Month
from sim.config import Key, Section, YearMonth, bounded
from sim.units import Logit, Ratio, Share


class ParticipationRules(Section):
    """Key `participation`: what the authorities and the platform do beside paying. Every default changes nothing.

    automatic: what being enrolled unless one objects adds to the inclination, in the cities and from the months of
    automatic_start (49 to 86 % [MadrianShea2001] are 1.86).  reached: share of those not yet reached whom a campaign
    reaches in a month, in the cities and from the months of campaign_start.  trouble: multiple of the perceived trouble
    of moving one's rights.  moving: multiple of what it costs.  lost: multiple of the risk to lose months by it.
    """

    key: ClassVar[str] = "participation"

    automatic: bounded(Logit, ge=0) = 0.0
    automatic_start: dict[Key("cities"), YearMonth] = {}
    reached: bounded(Share, ge=0, le=1) = 0.0
    campaign_start: dict[Key("cities"), YearMonth] = {}
    trouble: bounded(Ratio, ge=0) = 1.0
    moving: bounded(Ratio, ge=0) = 1.0
    lost: bounded(Ratio, ge=0) = 1.0


def begun(start: dict[str, Month], month: Month, cities: tuple[str, ...]) -> np.ndarray:
    """Cities in which something has begun by a month, bool [city]; a city without a start never does."""
    return np.array([city in start and start[city] <= month for city in cities], bool)
