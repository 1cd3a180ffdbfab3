"""Trade across operating areas: with a neighbour under another dispatcher and another exchange."""

from typing import TYPE_CHECKING

import numpy as np

from sim.calendar import Month
from sim.config import Section, bounded
from sim.markets.base import Market
from sim.messages import Orders, Scene, Trade, Transfer
from sim.network.agreements import MWH_PER_TWH
from sim.network.crossings import opened
from sim.settlement import meters
from sim.settlement.owing import owed
from sim.units import CNYPerMWh, Share

if TYPE_CHECKING:
    from sim.facts import Facts


class CrossArea(Market):
    """Each month both exchanges must agree; what they agree on stands in the spot market for the month.

    The neighbour bids for what its own dispatcher leaves open (its available transfer capacity), in a month in which a
    deal comes about; the crossing's capacity is this side's. What is matched with offers inside is not a contract: it
    is the capacity that the neighbour may use in the spot market, where it pays the price at its bus. The grid that
    carries the energy on is paid a wheeling fee by who takes it.
    Source: trade with East China through the Fujian - Guangdong link [known: medium]; its rules [assumption].
    """

    key = "crossarea"
    rhythms = ("month",)
    barred = ("month",)
    closes_itself = True

    class Rules(Section):
        """What the law says of trade across operating areas.

        deal_probability: that a month's deal comes about.  wheeling: fee of the grid in between, on energy taken.
        origin_share: of energy taken, what is certified as coming from the province that exports.
        """

        deal_probability: bounded(Share, ge=0, le=1)
        wheeling: bounded(CNYPerMWh, ge=0)
        origin_share: bounded(Share, ge=0, le=1)

    def clear(self, orders: Orders, scene: Scene) -> Trade:
        """Match a month's deal: what of the neighbours' bids and offers may stand in the spot market."""
        rows, accepted = opened(orders, scene.positions.bus[orders.unit], scene.grid, scene.now.date.month)
        mine = Orders(orders.unit[rows], orders.side[rows], orders.price[rows], orders.volume[rows])
        public = {"opened": accepted.sum() * scene.now.month.days / MWH_PER_TWH}
        return Trade(self.key, scene.rhythm, scene.now, mine, accepted, {}, mine.price, public=public)

    def bill(self, month: Month, facts: "Facts", rules) -> list[Transfer]:
        """Wheeling: who takes energy in a month's deal pays the grid in between for carrying it on."""
        units = dealt(facts)
        energy = meters.kwh(np.maximum(-facts.output[units], 0.0)).sum(axis=1)
        fee = meters.fen(energy * meters.cents(rules.wheeling))
        return owed("wheeling", "neighbours", "wheelers", fee, units.astype(np.int64))


def dealt(facts: "Facts") -> np.ndarray:
    """Units with a deal across operating areas this month, int [n]."""
    trade = facts.trades.get((CrossArea.key, "month"))
    if trade is None or trade.day.month != facts.month:
        return np.zeros(0, np.int64)
    return np.unique(trade.orders.unit)

