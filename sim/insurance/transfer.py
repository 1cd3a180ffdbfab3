"""Moving one's pension rights from place to place, and the place where one draws the pension."""

from typing import ClassVar

import numpy as np

from sim.config import Section, bounded
from sim.units import Months, Share, to_fen


class TransferRules(Section):
    """Key `pension_transfer`. pooled: share of the bases paid on that the old place's pool hands to the new one.
    receipt: months in one place that give the right to draw a pension there, away from one's hukou.
    national: one pool for the country: nothing of it moves, and one draws where one contributed last.

    Source: General Office of the State Council 2009 No.66.
    """

    key: ClassVar[str] = "pension_transfer"

    pooled: bounded(Share, ge=0, le=1)
    receipt: bounded(Months, ge=0)
    national: bool = False


def receipt(places: np.ndarray, months: np.ndarray, hukou: np.ndarray, rules: TransferRules) -> np.ndarray:
    """Place in which each worker draws his pension, [row].

    places, months: where he contributed and for how long [row, stay], in order of time; a stay of no months is none.
    hukou: place of his household registration [row]. The last place, if it is that of hukou; else the last place in
    which he has the months that the law asks for, all stays there together; else that of hukou.
    Raises: ValueError where places and months do not tell of the same stays.
    """
    if places.shape != months.shape:
        raise ValueError(f"{places.shape[1]} stays have places and {months.shape[1]} have months")
    last = hukou
    for stay in range(places.shape[1]):
        last = np.where(months[:, stay] > 0, places[:, stay], last)
    found, undecided = hukou.copy(), last != hukou
    for stay in range(places.shape[1] - 1, -1, -1):
        here = places[:, stay]
        total = (months * (places == here[:, None])).sum(axis=1)
        enough = undecided & (months[:, stay] > 0) & (rules.national | (total >= rules.receipt))
        found[enough] = here[enough]
        undecided &= ~enough
    return found


def moved(account: np.ndarray, bases: np.ndarray, rules: TransferRules) -> tuple[np.ndarray, np.ndarray]:
    """Fen that move with a worker, [row]: the whole account, and the pool's part of the sum of his bases (fen)."""
    return account.copy(), np.zeros(len(bases), np.int64) if rules.national else to_fen(bases / 100 * rules.pooled)
