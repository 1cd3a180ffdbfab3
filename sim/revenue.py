"""The revenue stack: what every asset is paid, and pays, for each thing it does, read off the month's transfers."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np

from sim.calendar import Month
from sim.messages import Transfer
from sim.network.grid import PLANT, STORE
from sim.settlement.owing import ACCOUNT_OF

if TYPE_CHECKING:
    from sim.closed_month import ClosedMonth
    from sim.network.grid import Grid

STREAMS = ("energy", "ancillary", "capacity", "regulation_capacity", "green", "mechanism", "penalties", "other")
# A bill belongs to the first stream of which a beginning fits it.
BEGINNINGS = (
    ("capacity deduction", "penalties"), ("yearly regulation default", "penalties"),
    ("yearly regulation reduced", "penalties"), ("yearly regulation missing", "penalties"),
    ("contract departure", "penalties"), ("imbalance", "penalties"),
    ("capacity price", "capacity"), ("yearly regulation capacity", "regulation_capacity"),
    ("pool", "other"), ("spot", "energy"), ("day-ahead", "energy"), ("real-time", "energy"), ("administered", "energy"),
    ("contract", "energy"), ("departures", "energy"), ("wheeling", "energy"), ("trade", "energy"),
    ("regulation", "ancillary"), ("reserve", "ancillary"), ("cost of ancillary", "ancillary"),
    ("spinning", "ancillary"),
    ("green", "green"), ("certificate", "green"), ("mechanism", "mechanism"), ("high-cost", "mechanism"),
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


def earnings(bills: dict[str, np.ndarray], grid: "Grid",
             standing: np.ndarray) -> dict[tuple[str, str], dict[str, float]]:
    """CNY per MW of plants and stores that stand, by zone and technology and then by stream: what everybody may see.

    bills: as `stack` gives them.  standing: MW [unit].
    """
    units = grid.units
    zone = np.array(grid.zone, object)[grid.bus_zone[units.bus]]
    found: dict[tuple[str, str], dict[str, float]] = {}
    asset = np.isin(units.kind, (PLANT, STORE))
    for kind in sorted(set(zip(zone[asset], units.technology[asset]))):
        mine = asset & (zone == kind[0]) & (units.technology == kind[1])
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


# ------------------------------------------------------------------------------------------- read off a closed month


def asset_labels(technologies: tuple[str, ...]) -> tuple[str, ...]:
    """Names of a technology's streams, "battery.energy", in the order of `per_kw`."""
    return tuple(f"{technology}.{stream}" for technology in technologies for stream in STREAMS)


def per_kw(m: "ClosedMonth") -> np.ndarray:
    """CNY/kW [zone, technology x stream] of the month; nan where a stream moved nothing."""
    found = np.full((len(m.grid.zone), len(m.technologies), len(STREAMS)), np.nan)
    for (zone, technology), earned in m.facts.public.earnings.items():
        for stream, value in earned.items():
            found[m.grid.zone.index(zone), m.technologies.index(technology), STREAMS.index(stream)] = value / 1000
    return found.reshape(len(m.grid.zone), -1)


def stands(m: "ClosedMonth") -> np.ndarray:
    """MW [zone, technology] of plants and stores that stood on the month's first day; nan where there are none."""
    units, power = m.grid.units, m.grid.standing(m.month.first)
    found = np.full((len(m.grid.zone), len(m.technologies)), np.nan)
    for unit in np.flatnonzero(np.isin(units.kind, (PLANT, STORE))):
        at = m.grid.bus_zone[units.bus[unit]], m.technologies.index(units.technology[unit])
        found[at] = np.nan_to_num(found[at]) + power[unit]
    return found


def traded(m: "ClosedMonth", market: str, figure: str) -> np.ndarray:
    """A figure of the last trade of a market that names its zones ("price.YN"), [zone]; nan where it has none."""
    figures = m.facts.public.traded.get(market, {}) if market in m.in_force else {}
    return np.array([figures.get(f"{figure}.{zone}", np.nan) for zone in m.grid.zone])


def of_developers(m: "ClosedMonth", read: Callable) -> np.ndarray:
    """What `read(developer, position of a project)` gives, [zone, technology]; nan where nobody builds or knows."""
    found = np.full((len(m.grid.zone), len(m.technologies)), np.nan)
    for developer in m.developers:
        for i, project in enumerate(developer.projects):
            value = read(developer, i)
            at = m.grid.zone.index(developer.zone), m.technologies.index(project.technology)
            found[at] = np.nan if value is None else value
    return found
