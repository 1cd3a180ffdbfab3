"""Aggregators: who trades for many small resources behind one bus as if they were one store."""

from agents.storage import StorageCompany
from sim.messages import Orders, Scene
from sim.network.pools import Pools


class Aggregator(StorageCompany):
    """The operator of one or several pools.

    *Decides* what a storage company decides, for each pool as one store: hours of charge and discharge where owners
    schedule their stores, else its wear alone; regulation and reserve as much as the law lets it sell. A pool that the
    law does not let in stays silent. What pools earn is split by the law, see `sim.settlement.pooled`.
    Source: pools bid as one unit behind one node [found: pipbest.cn], Guangdong's rules as a proxy.
    """

    def orders(self, market, scene: Scene) -> Orders:
        """As a storage company, while one of its pools is let in."""
        if scene.conditions is None or not scene.conditions.available[self.units].any():
            return Orders.none()
        return super().orders(market, scene)


def aggregators(model, pools: Pools | None, first_unit_row: int, bus) -> list[Aggregator]:
    """One actor for each aggregator, whose pools begin at a row of `grid.units`. bus: int [unit]."""
    if pools is None:
        return []
    rows: dict[str, list[int]] = {}
    for pool, owner in enumerate(pools.owner):
        rows.setdefault(owner, []).append(pool)
    return [Aggregator(model, owner, [first_unit_row + pool for pool in mine], pools.wear[mine],
                       bus[[first_unit_row + pool for pool in mine]]) for owner, mine in rows.items()]
