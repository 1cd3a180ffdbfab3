"""Desks: who bids for a company in each zone in which it does not bid at cost; what a desk knows and what it hears."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.bidding import Heard, Stand, Strategy, player
from sim.config.strategies import Cost
from sim.market_power import inward
from sim.messages import Award
from sim.network.grid import PLANT
from sim.units import HOURS

if TYPE_CHECKING:
    from sim.config import Config
    from sim.network.grid import Grid
    from sim.streams import Streams


@dataclass(frozen=True)
class Desk:
    """Who bids for a company in a zone. zone: int.  plants: int [plant], positions within the company's units."""

    zone: int
    plants: np.ndarray
    strategy: Strategy


class Desks:
    """The desks of a company. units: its rows of `grid.units`.  bus: int [unit], where they stand.

    A desk speaks once a day, in the first clearing of the day: what it added then holds in real time too. It learns
    when the day is over, of that first clearing, and of what was earned in real time by leaving the schedule. On days
    that the spot does not settle desks are silent: plants are dispatched at cost and nothing is earned by asking more.
    """

    def __init__(self, units: np.ndarray, bus: np.ndarray, desks: tuple[Desk, ...] = ()):
        self.units, self.bus, self.desks = np.asarray(units, np.intp), np.asarray(bus, np.intp), desks
        self._spoken: list[tuple[Desk, Stand, np.ndarray]] = []  # with the load by bus and hour of the zone
        self._ahead: Award | None = None

    def added(self, scene, available: np.ndarray, worth: np.ndarray) -> np.ndarray:
        """What the desks add to the cost of each plant in the day's first clearing, ratio [own unit, hour].

        available: MW [own unit, hour], what is offered.  worth: CNY/MWh [own unit], cost, and of water its value.
        """
        ratio = np.zeros(available.shape)
        self._spoken = []
        if not self.desks or not scene.rules.settles(scene.now.date):
            return ratio
        for desk in self.desks:
            stand = self._stand(desk, scene, available, worth)
            ratio[desk.plants] = desk.strategy.markup(stand)
            self._spoken.append((desk, stand, zone_weight(scene, desk.zone)))
        return ratio

    def hear(self, award: Award):
        """Keep what the day ahead gave; when real time is over, the desks learn of the day."""
        if award.rhythm == "day-ahead":
            self._ahead = award
            return
        first, self._ahead = self._ahead or award, None
        for desk, stand, weight in self._spoken:
            mine = desk.plants
            margin = award.price[self.bus[mine]] - stand.cost[:, None]
            later = ((award.output - first.output)[mine] * margin).sum(axis=0)
            zone_price = (first.price * weight).sum(axis=0) / weight.sum(axis=0)
            desk.strategy.hear(stand, Heard(first.output[mine], first.price[self.bus[mine]], zone_price, later))

    def _stand(self, desk: Desk, scene, available: np.ndarray, worth: np.ndarray) -> Stand:
        """Where a desk stands this morning."""
        grid, today = scene.grid, scene.conditions
        plants = (grid.bus_zone[grid.units.bus] == desk.zone) & (grid.units.kind == PLANT)
        load = today.load[grid.bus_zone == desk.zone].sum(axis=0)
        bring = today.available[plants].sum(axis=0) + inward(grid, today.link_share)[desk.zone]
        mine = self.units[desk.plants]
        cover = np.zeros(HOURS) if scene.positions is None else scene.positions.sold[mine].sum(axis=0)
        return Stand(day=scene.now, cost=worth[desk.plants], least=today.minimum[mine], able=available[desk.plants],
                     cover=cover, need=load - today.available[plants & (grid.units.registered == 0)].sum(axis=0),
                     tightness=load / np.maximum(bring, 1e-9))


def zone_weight(scene, zone: int) -> np.ndarray:
    """Weights of bus prices that make the zone's price, [bus, hour]: its load, ones in hours that have none."""
    here = (scene.grid.bus_zone == zone)[:, None]
    load = np.where(here, scene.conditions.load, 0.0)
    return np.where(load.sum(axis=0) > 0, load, here)


def desks(owner: str, rows: np.ndarray, grid: "Grid", config: "Config", streams: "Streams") -> Desks:
    """A company's desks: one in each zone in which it plays something else than cost.  rows: its plants."""
    played, bus = config.strategy(owner), grid.units.bus[rows]
    zone, stream = grid.bus_zone[bus], streams[f"bidding/{owner}"]
    where = () if isinstance(played, Cost) else np.unique(zone)
    return Desks(rows, bus, tuple(
        Desk(int(z), np.flatnonzero(zone == z), player(played, stream, int(z))) for z in where
        if played.zones is None or grid.zone[z] in played.zones))
