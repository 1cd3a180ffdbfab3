"""Who is poor in a month, and what an injury does to it."""

from typing import ClassVar

import numpy as np

from sim.config import Section, bounded
from sim.units import CNYPerMonth


class MinimumLivingRules(Section):
    """Key `minimum_living`. line: for each person of a household; who has less a month is poor. Nobody is paid it."""

    key: ClassVar[str] = "minimum_living"

    line: bounded(CNYPerMonth, ge=0)


def left_after_injury(net: np.ndarray, second: np.ndarray, paid: np.ndarray, cost: np.ndarray, persons: np.ndarray
                      ) -> np.ndarray:
    """Fen that a rider who was hurt has for the month, [row].

    net: fen of one person, received less paid, insurance included.  second: fen of another job or the household.
    paid, cost: fen of one person, what insurance paid and what the injury cost; means over the persons of a row.
    persons: of the row, one of whom was hurt: all that insurance paid and all that it cost is his. Two who are hurt in
    one row and month are counted as one.
    """
    return net - paid + second + (paid - cost) * persons


def poor(left: np.ndarray, dependants: np.ndarray, line: float) -> np.ndarray:
    """Whether so many fen are less than the line (CNY) for himself and each who depends on him, bool [row]."""
    return left < 100 * line * (1 + dependants.astype(np.int64))
