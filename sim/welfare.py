"""What joint clearing is worth: the same orders cleared over all zones at once and with every zone alone, compared.

*Source*: welfare of trade as the sum of buyers', sellers' and the network's surplus, as in [Hogan1992].
"""

from dataclasses import dataclass

import numpy as np

from sim.messages import SELL, Dispatch
from sim.network.grid import PLANT, Grid

CLEAN = ("hydro", "wind", "wind_offshore", "solar", "nuclear", "biomass")


@dataclass
class Gain:
    """Joint clearing less separate clearing, in sum over the days compared.

    total: CNY, cost of energy saved at the orders' own prices; what is held back as reserve is not compared.  sellers,
    users: CNY [zone], surplus of who offers and bids, and what inelastic users pay less.  network: CNY, rent and fees
    of lines and links.  clean: MWh [zone], clean generation.
    """

    total: float
    sellers: np.ndarray
    users: np.ndarray
    network: float
    clean: np.ndarray

    def __iadd__(self, other: "Gain") -> "Gain":
        self.total += other.total
        self.network += other.network
        self.sellers, self.users = self.sellers + other.sellers, self.users + other.users
        self.clean = self.clean + other.clean
        return self


def nothing(zones: int) -> Gain:
    """No day compared yet."""
    return Gain(0.0, np.zeros(zones), np.zeros(zones), 0.0, np.zeros(zones))


def gain(joint: Dispatch, load: np.ndarray, cap: float, floor: float, grid: Grid) -> Gain:
    """What a day's joint clearing gains over `joint.alone`.

    load: MW [bus, hour].  cap, floor: CNY/MWh, at which load that is not served and energy that nobody takes count.
    total = sum of sellers + sum of users + network, to rounding.
    """
    one, other = joint, joint.alone
    sellers = grid.by_zone(traders_surplus(one, grid) - traders_surplus(other, grid))
    users = grid.by_zone(users_cost(other, load, cap, floor) - users_cost(one, load, cap, floor))
    clean = ((grid.units.kind == PLANT) & np.isin(grid.units.technology, CLEAN))[:, None] * (one.output - other.output)
    at_bus = np.bincount(grid.units.bus, clean.sum(axis=1), len(grid.bus))
    fees = fees_of(one, grid) - fees_of(other, grid)
    saved = (other.objective - other.reserve_cost) - (one.objective - one.reserve_cost)
    return Gain(saved, sellers, users, float((one.rent - other.rent).sum()) - fees,
                grid.by_zone(at_bus))


def traders_surplus(dispatch: Dispatch, grid: Grid) -> np.ndarray:
    """What sellers and buyers gain over what they asked and bid, CNY [bus]: |price - order| x accepted."""
    orders = dispatch.orders
    side = np.where(orders.side == SELL, 1.0, -1.0)[:, None]
    worth = (side * (dispatch.paid() - orders.price) * dispatch.accepted).sum(axis=1)
    return np.bincount(dispatch.bus, worth, len(grid.bus))


def users_cost(dispatch: Dispatch, load: np.ndarray, cap: float, floor: float) -> np.ndarray:
    """What inelastic users pay for what they are served, lose by what they are not, and bear of energy that nobody
    takes, CNY [bus]."""
    served = dispatch.price * (load - dispatch.shed) + cap * dispatch.shed
    return (served + (dispatch.price - floor) * dispatch.disposed).sum(axis=1)


def fees_of(dispatch: Dispatch, grid: Grid) -> float:
    """Fees on what links deliver, CNY."""
    return float((np.maximum(dispatch.delivered, -dispatch.sent).sum(axis=1) * grid.link_fee).sum())
