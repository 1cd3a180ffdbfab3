"""Large users: smelters that draw constant power as long as it pays."""

import numpy as np

from agents.base import Institution
from agents.certificates import Wants
from sim.config import Table
from sim.messages import Orders
from sim.units import CNYPerMWh, Rows


class LargeUser(Institution):
    """A smelting firm with blocks of pot lines.

    Decides: to draw a block's full power in every hour whose price at the bus is at most its willingness to pay, and
    to cut it in scarcity. Source: margin of the metal per MWh, see `smelters.csv`.
    """

    willingness: Rows[CNYPerMWh]

    def __init__(self, model, name: str, units, willingness, wants: Wants):
        """units: rows of `grid.units`, one a block.  willingness: CNY/MWh at the bus [block].  wants: certificates."""
        super().__init__(model, name, units)
        self.wants = wants
        self.willingness = np.asarray(willingness, np.float64)

    def orders(self, market, scene) -> Orders:
        """Bid for all blocks, round the clock, at what they are worth."""
        if market.key == "green":
            return self.wants.bids(self.units, scene)
        if market.key != "spot":
            return Orders.none()
        return Orders.buy(self.units, scene.conditions.available[self.units], self.willingness)


def large_users(model, table: Table, first_unit_row: int, green: Table | tuple = (), classes=()) -> list[LargeUser]:
    """One actor per firm of `smelters.csv`, whose blocks begin at a row of `grid.units`.

    green: what classes of users want of certificates.  classes: key of the class of each block; without, none wants any.
    """
    owner, willingness = table["owner"], table["willingness"]
    of = np.array(list(classes) or [""] * len(table), object)
    rows = {firm: np.flatnonzero(owner == firm) for firm in dict.fromkeys(owner)}
    return [LargeUser(model, firm, first_unit_row + mine, willingness[mine], Wants(green, of[mine]))
            for firm, mine in rows.items()]
