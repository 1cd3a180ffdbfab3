"""Trade across the border, "tao dian": registered foreign companies list what they would sell and buy in a month."""

from sim.config import Section, bounded
from sim.markets.base import Market
from sim.messages import BUY, SELL, Orders, Scene, Trade
from sim.network.agreements import MWH_PER_TWH
from sim.network.crossings import opened
from sim.units import CNY, Count


class CrossBorder(Market):
    """A shop of listed offers: what finds its counterpart stands at the border in the spot market for the month.

    A listing is matched as long as it pays after loss and fee of the crossing. What is matched becomes the volume of
    the neighbour's step in the spot market, not a contract: the border is metered and paid in the spot market, the
    neighbour has no price of its own there against which a difference could settle, and nobody is bound to deliver.
    Source: listed offers of registered foreign companies at Yunnan's exchange [seed]; the matching [assumption].
    """

    key = "crossborder"
    rhythms = ("month",)
    barred = ("month",)

    class Rules(Section):
        """What the law says of cross-border trade.

        admissions: foreign companies that the exchange can register in a year.  cost: what being registered costs a
        company a year, in its own eyes.
        """

        admissions: bounded(Count, ge=0, le=1000)
        cost: bounded(CNY, ge=0)

    def clear(self, orders: Orders, scene: Scene) -> Trade:
        """Match the month's listings with what is offered and bid for inside."""
        rows, accepted = opened(orders, scene.positions.bus[orders.unit], scene.grid, scene.now.date.month)
        mine = Orders(orders.unit[rows], orders.side[rows], orders.price[rows], orders.volume[rows])
        scale = scene.now.month.days / MWH_PER_TWH
        public = {"listed": mine.volume.sum() * scale, "matched": accepted.sum() * scale}
        for side, name in ((SELL, "import_price"), (BUY, "export_price")):
            volume = accepted[mine.side == side]
            if volume.sum() > 0:
                public[name] = float((mine.price[mine.side == side] * volume).sum() / volume.sum())
        return Trade(self.key, scene.rhythm, scene.now, mine, accepted, {}, mine.price, public=public)
