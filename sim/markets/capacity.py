"""The capacity price: what a plant declares that it can give is paid, month by month, whether it is called or not."""

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, model_validator

from sim.calendar import Month
from sim.config import Section, bounded
from sim.markets.base import Market
from sim.messages import SELL, Orders, Scene, Trade, Transfer
from sim.network.grid import PLANT, STORE
from sim.settlement.owing import owed
from sim.units import HOURS, CNYPerKWYear, Share, to_fen

if TYPE_CHECKING:
    from sim.facts import Facts
    from sim.network.grid import Grid

ACCOUNT = {PLANT: "plants", STORE: "stores"}
KW = 1000.0  # of a MW
MONTHS = 12
Zones = dict[str, bounded(CNYPerKWYear, ge=0)]


class Capacity(Market):
    """Owners declare each month the most that their coal plants and pumped hydro can give; the law sets the price.

    Orders: sell, one number of MW for the month, at the least price asked in CNY a MW and month; what asks more than
    the law pays is left out, what exceeds the plant is cut. Zones without a price pay none. A day on which a plant
    could not give what it declared is a failure; failures of a month take back a growing part of its fee. Three months
    fully taken back would end the entitlement for the year; that is not modelled, for the market keeps no memory.
    Source: [NDRC1501] for coal, price and deductions; [NDRC0533] for pumped hydro.
    """

    key = "capacity"
    rhythms = ("month",)

    class Rules(Section):
        """coal, pumped_hydro: CNY/kW-yr by zone.  deductions: share of the month's fee that is taken back after the
        first, second ... failure, the last for all further ones.  tolerance: share of what was declared that may be
        missing in an hour."""

        coal: Zones
        pumped_hydro: Zones
        deductions: Annotated[list[bounded(Share, ge=0, le=1)], Field(min_length=1)]
        tolerance: bounded(Share, ge=0, lt=1)

        @model_validator(mode="after")
        def _never_less_for_more(self):
            for i, (one, more) in enumerate(pairwise(self.deductions)):
                if more < one:
                    raise ValueError(f"deductions take {one:g} after failure {i + 1} and {more:g} after the next; "
                                     "expected shares that never fall")
            return self

        def prices(self, grid: "Grid") -> np.ndarray:
            """CNY/kW-yr [unit]; 0 where nothing is paid."""
            by_technology = {"coal": self.coal, "pumped_hydro": self.pumped_hydro}
            zone = np.array(grid.zone, object)[grid.bus_zone[grid.units.bus]]
            return np.array([by_technology.get(technology, {}).get(place, 0.0)
                             for technology, place in zip(grid.units.technology, zone)], float)

    def clear(self, orders: Orders, scene: Scene) -> Trade:
        """Take down what is declared. Price: CNY a MW and month."""
        rules, units = scene.rules, scene.grid.units
        paid = np.append(rules.prices(scene.grid) * KW / MONTHS, 0.0)  # the last: users, who have nothing to declare
        unit = np.minimum(orders.unit, len(units))
        price = paid[unit][:, None]
        taken = ((orders.side == SELL)[:, None] & (orders.price <= price) & (price > 0)) * orders.volume
        declared = within(taken[:, 0], unit, np.append(units.capacity, 0.0))[:, None]
        total = float(declared.sum())
        public = {"declared": total}
        if total:
            public["price"] = float((price * declared).sum() / total) * MONTHS / KW
        return Trade(market=self.key, rhythm=scene.rhythm, day=scene.now, orders=orders, accepted=declared, events={},
                     price=np.broadcast_to(price, declared.shape), public=public)

    def bill(self, month: Month, facts: "Facts", rules: "Capacity.Rules") -> list[Transfer]:
        """The grid company pays what was declared and takes back for what was not there. Days before a run's first day
        are not paid for."""
        trade = facts.trades.get((self.key, "month"))
        if trade is None or not facts.days:
            return []
        units = facts.grid.units
        mine = trade.orders.unit < len(units)
        declared = np.bincount(trade.orders.unit[mine], trade.accepted[mine, 0], len(units))
        fees = fee(declared, rules.prices(facts.grid), facts.days / month.days)
        failed = failures(facts.available, declared, rules.tolerance)
        back = to_fen(fees / 100 * deduction(failed, tuple(rules.deductions)))
        transfers = []
        for kind, account in ACCOUNT.items():
            row = units.of_kind(kind).astype(np.int64)
            transfers += owed("capacity price", "grid_company", account, fees[row], row)
            transfers += owed("capacity deduction", account, "grid_company", back[row], row)
        return transfers


def within(volume: np.ndarray, unit: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """MW [order], cut so that no unit exceeds its limit (MW [unit]), earlier orders first."""
    cut = volume.copy()
    left = limit.copy()
    for i, row in enumerate(unit):
        cut[i] = min(cut[i], left[row])
        left[row] -= cut[i]
    return cut


def fee(declared: np.ndarray, price: np.ndarray, lived: float) -> np.ndarray:
    """Fen [unit] of a month.  declared: MW.  price: CNY/kW-yr.  lived: share of the month."""
    return to_fen(declared * KW * price / MONTHS * lived)


def failures(available: np.ndarray, declared: np.ndarray, tolerance: float) -> np.ndarray:
    """Days [unit] on which a unit could not give what it declared in some hour.

    available: MW [unit, H], whole days.  declared: MW [unit].  tolerance: share of it that may be missing.
    """
    needed = declared * (1 - tolerance)
    short = available.reshape(len(declared), -1, HOURS).min(axis=2) < needed[:, None] * (1 - 1e-12)
    return short.sum(axis=1)


def deduction(failed: np.ndarray, scale: tuple[float, ...]) -> np.ndarray:
    """Share [unit] of a month's fee taken back after so many failures. scale: after one, two ... and all further."""
    return np.array([0.0, *scale])[np.minimum(failed, len(scale))]
