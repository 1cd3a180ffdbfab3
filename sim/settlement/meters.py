"""What the meters read: the month's flows as energy by bus and hour, and the roundings that make them billable.

An hour's mean power in MW is its energy in MWh. Bills multiply whole kWh by whole fen/MWh: integers, so that a month's
sum is exact before it is rounded, once, to fen.
"""

from typing import TYPE_CHECKING

import numpy as np

from sim.units import to_fen

if TYPE_CHECKING:
    from sim.facts import Facts

MILLI = 1000  # thousandths of a fen in a fen: kWh x fen/MWh


def kwh(energy: np.ndarray) -> np.ndarray:
    """MWh to the nearest 0.001, as int64 kWh."""
    return np.rint(np.asarray(energy, np.float64) * 1000.0).astype(np.int64)


def cents(price: np.ndarray) -> np.ndarray:
    """CNY/MWh to the nearest 0.01, as int64 fen/MWh."""
    return np.rint(np.asarray(price, np.float64) * 100.0).astype(np.int64)


def fen(milli: np.ndarray) -> np.ndarray:
    """Thousandths of a fen (int64) to whole fen, half away from zero; exact at any size."""
    whole, rest = np.divmod(np.abs(milli), MILLI)
    return np.sign(milli) * (whole + to_fen(rest / (100.0 * MILLI)))


def by_bus(buses: int, bus: np.ndarray, power: np.ndarray) -> np.ndarray:
    """MW [row, H] of rows at a bus (int [row]), summed: MW [bus, H]."""
    total = np.zeros((buses, power.shape[-1]))
    np.add.at(total, bus, power)
    return total


def injected(facts: "Facts") -> np.ndarray:
    """MW [bus, H]: what the units give, net of what they take."""
    return by_bus(len(facts.grid.bus), facts.grid.units.bus, facts.output)


def imported(facts: "Facts") -> np.ndarray:
    """MW [bus, H]: what lines and links bring to a bus, net of what they carry away."""
    grid, buses = facts.grid, len(facts.grid.bus)
    flow, sent, delivered = facts.line_flow, facts.sent, facts.delivered
    return (by_bus(buses, grid.line_to, flow) - by_bus(buses, grid.line_from, flow)
            + by_bus(buses, grid.link_to, delivered) - by_bus(buses, grid.link_from, sent))


def arrived(facts: "Facts") -> np.ndarray:
    """MW [link, H], never negative: what a link hands over at its receiving end, whichever end that is."""
    return np.maximum(facts.delivered, -facts.sent)


def served(facts: "Facts") -> np.ndarray:
    """Share [bus, H] of the load that was served: shedding hits all users of a bus alike."""
    load = facts.load
    return 1.0 - np.divide(facts.shed, load, out=np.zeros_like(load), where=load > 0)


def zone_price(facts: "Facts") -> np.ndarray:
    """CNY/MWh [zone, H]: the price users pay, the bus prices weighted by what each bus served.

    So the users of a zone pay together what their buses' prices ask for. In an hour without load nobody pays: the
    plain mean of the zone's buses.
    """
    grid = facts.grid
    weight = facts.load - facts.shed
    idle = grid.by_zone(weight)[grid.bus_zone] <= 0
    weight = np.where(idle, 1.0, weight)
    return grid.by_zone(facts.price * weight) / grid.by_zone(weight)
