"""The revenue stack: what every asset is paid, and pays, for each thing it does, read off the month's transfers."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from sim.calendar import Month
from sim.messages import Transfer
from sim.settlement.bills import ACCOUNT_OF

if TYPE_CHECKING:
    from sim.network.grid import Grid

STREAMS = ("energy", "ancillary", "capacity", "regulation_capacity", "green", "mechanism", "penalties", "other")
# A bill belongs to the first stream of which a beginning fits it.
BEGINNINGS = (
    ("capacity deduction", "penalties"), ("regulation capacity default", "penalties"),
    ("regulation capacity reduced", "penalties"), ("regulation capacity missing", "penalties"),
    ("capacity price", "capacity"), ("regulation capacity", "regulation_capacity"),
    ("spot", "energy"), ("contract", "energy"), ("deviation", "energy"), ("day-ahead", "energy"),
    ("real-time", "energy"), ("framework", "energy"),
    ("regulation", "ancillary"), ("reserve", "ancillary"), ("ancillary", "ancillary"), ("mileage", "ancillary"),
    ("green", "green"), ("certificate", "green"), ("mechanism", "mechanism"),
)


def stream_of(bill: str) -> str:
    """The stream of a bill; "other" where nobody has said."""
    return next((stream for beginning, stream in BEGINNINGS if bill.startswith(beginning)), "other")


def stack(transfers: Iterable[Transfer], month: Month, units: int) -> dict[str, np.ndarray]:
    """Fen [unit] that each unit receives, net of what it pays, by bill; what is due later stands in its month.

    transfers: of the month, and those of months before that are due in it.
    """
    bills: dict[str, np.ndarray] = {}
    accounts = set(ACCOUNT_OF.values())
    for transfer in transfers:
        if transfer.row is None or transfer.due not in (None, month):
            continue
        for account, sign in ((transfer.payee, 1), (transfer.payer, -1)):
            if account in accounts:
                total = bills.setdefault(transfer.bill, np.zeros(units, np.int64))
                np.add.at(total, transfer.row, sign * transfer.amount)
    return bills


def earnings(bills: dict[str, np.ndarray], grid: "Grid", standing: np.ndarray) -> dict[tuple[str, str], dict[str, float]]:
    """CNY per MW that stands, by zone and technology and then by stream: what everybody may see of incomes.

    bills: as `stack` gives them.  standing: MW [unit].
    """
    units = grid.units
    zone = np.array(grid.zone, object)[grid.bus_zone[units.bus]]
    found: dict[tuple[str, str], dict[str, float]] = {}
    for kind in sorted(set(zip(zone, units.technology))):
        mine = (zone == kind[0]) & (units.technology == kind[1])
        power = float(standing[mine].sum())
        if power > 0:
            found[kind] = streams({bill: fen[mine] for bill, fen in bills.items()}, power)
    return found


def streams(bills: dict[str, np.ndarray], power: float) -> dict[str, float]:
    """CNY per MW by stream of some units' bills (fen); streams without a bill that moved money are left out."""
    total: dict[str, float] = {}
    for bill, fen in bills.items():
        if fen.any():
            stream = stream_of(bill)
            total[stream] = total.get(stream, 0.0) + float(fen.sum()) / 100 / power
    return total


def table(date: np.datetime64, bills: dict[str, np.ndarray], grid: "Grid") -> dict[str, np.ndarray]:
    """The stack as a table: date, unit, owner, technology, zone, bill, stream, CNY; a line where money moved."""
    units = grid.units
    zone = np.array(grid.zone, object)[grid.bus_zone[units.bus]]
    row = {bill: np.flatnonzero(fen) for bill, fen in bills.items()}
    unit = np.concatenate([np.empty(0, np.intp), *row.values()])
    name = np.repeat(np.array(list(bills), object), [len(rows) for rows in row.values()])
    return {"date": np.repeat(date, len(unit)), "unit": units.key[unit], "owner": units.owner[unit],
            "technology": units.technology[unit], "zone": zone[unit], "bill": name,
            "stream": np.array([stream_of(bill) for bill in name], object),
            "CNY": np.concatenate([np.empty(0), *(bills[bill][rows] / 100 for bill, rows in row.items())])}
