"""Owing: from amounts of either sign to Transfers, and from one amount to parts that sum to it."""

from typing import TYPE_CHECKING

import numpy as np

from sim.calendar import Month
from sim.messages import Transfer
from sim.network.grid import NEIGHBOUR, PLANT, STORE, USER

if TYPE_CHECKING:
    from sim.facts import Facts

ACCOUNT_OF = {PLANT: "plants", STORE: "stores", USER: "smelters", NEIGHBOUR: "neighbours"}


def owed(bill: str, payer: str, payee: str, amount, row=None, weight=None, due: Month | None = None) -> list[Transfer]:
    """Transfers of an amount that may be negative: then the sides are turned round, row by row for a column.

    A negative price makes a seller pay; the journal knows positive sums only. Rows and sums of 0 are left out.
    amount: fen, a number, or int64 [row] with row (int64) and, where a row stands for several persons, weight (int32).
    """
    if row is None:
        ends = (payer, payee) if amount > 0 else (payee, payer)
        return [Transfer(bill, *ends, abs(amount), due=due)] if amount else []
    transfers = []
    for ends, some in (((payer, payee), amount > 0), ((payee, payer), amount < 0)):
        if some.all() and len(some):
            transfers.append(Transfer(bill, *ends, np.abs(amount), row, weight, due))
        elif some.any():
            part = None if weight is None else weight[some]
            transfers.append(Transfer(bill, *ends, np.abs(amount[some]), row[some], part, due))
    return transfers


def owed_parties(bill: str, amount: np.ndarray, facts: "Facts", due: Month | None = None,
                 payer: str = "grid_company") -> list[Transfer]:
    """Transfers of what the grid company (or another single account) owes each party, fen (int64) [party]; negative
    where the party owes."""
    units, transfers = facts.grid.units, []
    for kind, account in ACCOUNT_OF.items():
        unit = units.of_kind(kind).astype(np.int64)
        transfers += owed(bill, payer, account, amount[unit], unit, due=due)
    users = amount[len(units):]
    return transfers + owed(bill, payer, "users", users, np.arange(len(users), dtype=np.int64), due=due)


def shared(total: int, weight: np.ndarray) -> np.ndarray:
    """Whole fen in proportion to weights, int64 [row]; they sum to the total, the largest remainders are rounded up.

    weight: not negative, of any scale; equal where all are zero. Raises: ValueError where there is nobody to share.
    """
    if not len(weight):
        if total:
            raise ValueError(f"{total} fen and nobody to share them")
        return np.zeros(0, np.int64)
    weight = np.asarray(weight, float)
    part = abs(total) * (weight / weight.sum() if weight.sum() > 0 else np.full(len(weight), 1 / len(weight)))
    whole = np.floor(part).astype(np.int64)
    missing = abs(total) - int(whole.sum())
    whole[np.argsort(whole - part, kind="stable")[:missing]] += 1
    return whole if total >= 0 else -whole
