"""Large users: smelters that draw constant power as long as it pays."""

import numpy as np

from agents import cover
from agents.base import Institution
from agents.certificates import Wants
from agents.exports import Prospect
from sim.config import Table, World
from sim.messages import Orders
from sim.network.demand import Trading, opened
from sim.units import HOURS, CNYPerMWh, Rows


class LargeUser(Institution):
    """A smelting firm with blocks of pot lines.

    Decides: to draw a block's full power in every hour whose price at the bus is at most its willingness to pay, and
    to cut it in scarcity. Source: margin of the metal per MWh, see `smelters.csv`.
    """

    willingness: Rows[CNYPerMWh]

    def __init__(self, model, name: str, units, willingness, classes: Table, user_class, trading: Trading,
                 wants: Wants):
        """units: rows of `grid.units`, one a block.  willingness: CNY/MWh at the bus [block].  classes: `user_classes`.
        user_class: the class that each block is part of, int [block].  trading: how it trades ahead.
         wants: of certificates."""
        super().__init__(model, name, units)
        self.wants = wants
        self.willingness = np.asarray(willingness, np.float64)
        self._classes, self._class, self.trading = classes, user_class, trading

    def replan(self, prospect: Prospect):
        """Take what everybody expects of the months of a year."""
        self.prospect = prospect

    def orders(self, market, scene) -> Orders:
        """Bid for all blocks, round the clock, at what they are worth; ahead, for the share that must be covered."""
        if market.key == "green":
            return self.wants.bids(self.units, scene)
        if market.key == "contracts":
            may = opened(self._classes, scene.rules.eligible)[self._class]
            power = np.broadcast_to((scene.grid.units.capacity[self.units] * may)[:, None], (len(self.units), HOURS))
            use = np.broadcast_to(power, (12, *power.shape))
            return cover.bids(scene, self.prospect, self.trading, self.units, use, self.willingness)
        if market.key != "spot":
            return Orders.none()
        return Orders.buy(self.units, scene.conditions.available[self.units], self.willingness)


def large_users(model, world: World, first_unit_row: int) -> list[LargeUser]:
    """One actor per firm of `smelters.csv`, whose blocks begin at a row of `grid.units`."""
    table, classes = world["smelters"], world["user_classes"]
    zone_of = {bus.key: bus.zone for bus in world["buses"]}
    holds = {row.zone: i for i, row in enumerate(classes) if row.large_users}
    user_class = np.array([holds[zone_of[bus]] for bus in table["bus"]], int)
    owner, willingness = table["owner"], table["willingness"]
    rows = {firm: np.flatnonzero(owner == firm) for firm in dict.fromkeys(owner)}
    return [LargeUser(model, firm, first_unit_row + mine, willingness[mine], classes, user_class[mine],
                      world.settings.contracts, Wants(world["green_demand"], classes["key"][user_class[mine]]))
            for firm, mine in rows.items()]
