"""What companies offer and users bid for in contracts inside their province.

Both sides expect the same price of a month and value being sure of it: sellers ask a little less, users bid a little
more. Users must cover a share of their use and want more cover the more prices vary.

Source: contract cover of 80 to 95 % [known: medium]; hedging by risk-averse traders [Bessembinder2002].
"""

from typing import TYPE_CHECKING

import numpy as np

from agents.exports import Prospect
from agents.forecast import month_ahead
from sim.messages import Orders, Public, Scene
from sim.network.demand import Trading

if TYPE_CHECKING:
    from sim.network.grid import Grid


def expected_price(scene: Scene, prospect: Prospect) -> np.ndarray:
    """Mean price that everybody expects of what is traded, CNY/MWh [zone]; nan where nobody can tell.

    Of a year: its normal price. Of a month: the normal one times what is left of last month's departure from normal.
    """
    if scene.rhythm == "year":
        return prospect.price.mean(axis=1)
    month = scene.now.month
    return month_ahead(scene.public, prospect.price, month)[:, month.month - 1]


def offers(scene: Scene, prospect: Prospect, settings: Trading, units: np.ndarray, cost: np.ndarray) -> Orders:
    """A company's offers of contracts. units: rows of `grid.units`.  cost: CNY/MWh [unit].

    Of a year: what its plants make in the mean hour. Of a month: what they will make and have not sold yet. At what the
    zone is expected to pay, less what being sure is worth, not below cost.
    """
    grid: Grid = scene.grid
    month = scene.now.date.month - 1
    if scene.rhythm == "year":
        volume = prospect.output[units].mean(axis=1)
    else:
        volume = np.maximum(prospect.output[units, month] - scene.positions.sold[units].mean(axis=1), 0.0)
    expected = expected_price(scene, prospect)[grid.bus_zone[grid.units.bus[units]]]
    some = (volume > 0) & np.isfinite(expected)
    ask = np.maximum(expected * (1 - settings.risk), cost)
    return Orders.sell(units[some], volume[some], ask[some])


def bids(scene: Scene, prospect: Prospect, settings: Trading, party: np.ndarray, use: np.ndarray,
         most: np.ndarray | float = np.inf) -> Orders:
    """Bids for contracts. party: int [row].  use: MW [12, row, hour], expected use of who may trade.  most: CNY/MWh
    [row], beyond which the energy is not wanted.

    Of a year: the share that the law asks for. Of a month: what is missing of the cover wanted.
    """
    zone = scene.grid.bus_zone[scene.positions.bus[party]]
    if scene.rhythm == "year":
        volume = use.mean(axis=0) * scene.rules.cover_year
    else:
        wanted = use[scene.now.date.month - 1] * wanted_cover(scene, settings)[zone][:, None]
        volume = np.maximum(wanted + np.minimum(scene.positions.sold[party], 0.0), 0.0)
    bid = np.minimum(expected_price(scene, prospect)[zone] * (1 + settings.risk), most)
    some = volume.any(axis=1) & np.isfinite(bid)
    return Orders.buy(party[some], volume[some], bid[some])


def wanted_cover(scene: Scene, settings: Trading) -> np.ndarray:
    """Share of its use that a user wants covered, [zone]: what is required, more the more prices vary, up to all."""
    return np.minimum(scene.rules.cover + settings.caution * variation(scene.public) * (1 - scene.rules.cover), 1.0)


def variation(public: Public) -> np.ndarray:
    """Coefficient of variation of the daily mean prices that all have seen, [zone]; 0 before two days are known."""
    daily = public.zone_price.mean(axis=2)
    known = daily[~np.isnan(daily).any(axis=1)]
    if len(known) < 2:
        return np.zeros(daily.shape[1])
    mean = np.abs(known.mean(axis=0))
    return np.divide(known.std(axis=0), mean, out=np.zeros_like(mean), where=mean > 0)


def entered(registered: np.ndarray, opened: np.ndarray, entry: float) -> np.ndarray:
    """Share who trade a month on: of those who may and do not yet, `entry` register; nobody leaves.

    The opening never goes back; where it is below what is registered (a scenario), the surplus leaves at once.
    """
    return np.minimum(registered + entry * np.maximum(opened - registered, 0.0), opened)
