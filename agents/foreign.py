"""Foreign companies at the border: who registers with the exchange, and what they list."""

from typing import TYPE_CHECKING

import numpy as np

from agents.base import Population
from agents.forecast import month_ahead
from sim.calendar import WET_MONTHS, Month
from sim.config import Table
from sim.messages import Orders
from sim.units import CNY, HOURS, Flag, Identity, Index, Rows, Share

if TYPE_CHECKING:
    from sim.network.borders import Step
    from sim.network.grid import Grid
    from sim.streams import Stream

MARKET = "crossborder"


class Foreign(Population):
    """Companies of neighbouring countries: a row is one that trades, or may one day.

    *Decides* to register when what it expects to gain in a year passes what being registered costs; and, once it is, to
    list its share of its border's steps at their prices, in the season in which they stand. The exchange registers so
    many a year, in an order that chance decides.

    country: position in `foreign.csv`.  place: int, bus.  part: share of its border's steps.  registered: whether it
    is.  gain: yuan a year that it expects.  identity: its address in random streams.

    *Source*: entry when the expected gain passes the cost of entry; sizes lognormal [assumption].
    """

    country: Rows[Index]
    place: Rows[Index]
    part: Rows[Share]
    registered: Rows[Flag]
    gain: Rows[CNY]
    identity: Rows[Identity]

    def __init__(self, model, *, table: Table, steps: Table, first_unit_row: int, grid: "Grid", normal: np.ndarray,
                 stream: "Stream", law, start: Month):
        """steps: `borders.csv`, whose units begin at a row of `grid.units`.  normal: CNY/MWh [zone, 12], a price that
        everybody expects; nan where there is none.  law: what is in force from when.  start: the run's first month; who
        registered before it is worked out at normal prices.
        """
        counts = [row.potential for row in table]
        super().__init__(model, "foreign", sum(counts))
        self.countries = tuple(row.key for row in table)
        self.country[:] = np.repeat(np.arange(len(counts)), counts)
        self.place[:] = [grid.bus.index(table.rows[c].bus) for c in self.country]
        self.identity[:] = np.arange(len(self))
        sigma = np.array([table.rows[c].size_sigma for c in self.country])
        size = np.exp(sigma * stream.normals(self.identity))
        self.part[:] = size / np.bincount(self.place, size, len(grid.bus))[self.place] if len(self) else 0
        for c, row in enumerate(table):  # the largest have been there from the start
            mine = np.flatnonzero(self.country == c)
            self.registered[mine[np.argsort(-self.part[mine], kind="stable")[: row.registered]]] = True
        self._steps = [(first_unit_row + i, step) for i, step in enumerate(steps) if step.market == MARKET]
        self._normal, self._stream = normal, stream
        self._replay(law, grid, start)

    def orders(self, market, scene) -> Orders:
        """List what the registered have, in the steps that stand this month."""
        if market.key != MARKET:
            return Orders.none()
        month = scene.now.month
        self.enter(month, month_ahead(scene.public, self._normal, month), scene.grid, scene.rules)
        listed = []
        for unit, step in self._steps:
            if not step.stands(scene.now):
                continue
            size = self.part[self.registered & (self.place == scene.grid.bus.index(step.bus))]
            side = Orders.sell if step.side == "sell" else Orders.buy
            volume, price = step.capacity * size.astype(float), np.full(len(size), step.price)
            listed.append(side(np.full(len(size), unit), volume, price))
        return Orders.gather(listed)

    def enter(self, month: Month, price: np.ndarray, grid: "Grid", rules):
        """Register as many as the exchange can this month of those who gain. price: CNY/MWh [zone, 12], expected."""
        rate = rules.admissions / 12
        seats = int(np.floor((month.number + 1) * rate) - np.floor(month.number * rate))
        self.gain[:] = self.part * self._gains(month, price, grid)[self.place]
        willing = np.flatnonzero(~self.registered & (self.gain > rules.cost))
        turn = np.argsort(self._stream.uniforms(self.identity[willing], month.number), kind="stable")
        self.registered[willing[turn[:seats]]] = True

    def by_country(self) -> np.ndarray:
        """Registered companies [country]."""
        return np.bincount(self.country, self.registered, len(self.countries))

    def _replay(self, law, grid: "Grid", start: Month):
        """Live the registration of the months before the run, as far as the law goes back, at normal prices."""
        month = start
        while MARKET in law.on(month.later(-1).first):
            month = month.later(-1)
        while month < start:
            self.enter(month, self._normal, grid, law.on(month.first)[MARKET])
            month = month.later(1)

    def _gains(self, month: Month, price: np.ndarray, grid: "Grid") -> np.ndarray:
        """Yuan that all steps of a border would gain in a year at these prices [bus]."""
        gains = np.zeros(len(grid.bus))
        for _, step in self._steps:
            bus = grid.bus.index(step.bus)
            crossing = _crossing(grid, bus)
            if crossing is None or not _exists(step, month):
                continue
            zone, kept, fee = crossing
            inside = price[zone]
            margin = kept * (inside - fee) - step.price if step.side == "sell" else step.price - inside / kept - fee
            season = np.array([step.season in ("all", "wet" if m in WET_MONTHS else "dry") for m in range(1, 13)])
            days = np.array([Month(month.year, m).days for m in range(1, 13)])
            gains[bus] += step.capacity * HOURS * np.nansum(np.maximum(margin, 0.0) * days * season)
        return gains


def _crossing(grid: "Grid", bus: int) -> tuple[int, float, float] | None:
    """The zone with load next to a border bus, and what is kept and paid on the best link to it; None without one."""
    if grid.bus_zone[bus] in grid.cleared_zones:
        return grid.bus_zone[bus], 1.0, 0.0
    link = np.flatnonzero((grid.link_from == bus) | (grid.link_to == bus))
    if not len(link):
        return None
    best = link[np.argmin(grid.link_loss[link])]
    far = grid.link_to[best] if grid.link_from[best] == bus else grid.link_from[best]
    return grid.bus_zone[far], 1.0 - grid.link_loss[best], grid.link_fee[best]


def _exists(step: "Step", month: Month) -> bool:
    """Whether a step stands in a month, whatever its season."""
    return (step.first is None or step.first <= month.first) and (step.last is None or step.last >= month.first)
