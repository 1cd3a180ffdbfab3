"""Market power: how concentrated supply is, how far prices stand above cost, who is pivotal, and the cap on offers.

A zone's owners are those of its plants. The residual-supply index of an owner is what all others could deliver, over
what is needed: (plants of others + what corridors can bring in) / load. Below 1 the load cannot be met without him.

Measured by convention, and so only as good as it: plants whose energy of the day is limited count with that energy,
spread like their power; corridors count with their capacity inwards, whatever stands behind them; stores, large users
who could do without and neighbours' offers count for nothing.

*Source*: residual-supply index and its use in tests of market power [Sheffrin2002]; markups over the cost of the units
that would run at least cost [Borenstein2002].
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.messages import SELL, Orders, Scene
from sim.network.grid import PLANT, Grid
from sim.units import HOURS

if TYPE_CHECKING:
    from sim.facts import Facts

POINTS = 10_000  # of a monopoly on the Herfindahl-Hirschman index
LOW = 0.05  # the share of hours that are scarcer than the "p05" of an index


@dataclass(frozen=True)
class Residual:
    """The residual-supply index. owner: names [pair], zone: int [pair], of owners with plants in a zone that has load;
    ratio: [pair, H], inf where there is no load."""

    owner: np.ndarray
    zone: np.ndarray
    ratio: np.ndarray


@dataclass(frozen=True)
class Power:
    """A month's market power by zone; nan where there is nothing to measure.

    hhi_capacity, hhi_output: points, 10,000 for a monopoly.  lerner: ratio.  rsi_min, rsi_p05: least index of any owner
    in the scarcest hour, and in the hour that one in twenty is scarcer than.  pivotal: share of hours in which the load
    could not be met without some owner.
    """

    hhi_capacity: np.ndarray
    hhi_output: np.ndarray
    lerner: np.ndarray
    rsi_min: np.ndarray
    rsi_p05: np.ndarray
    pivotal: np.ndarray


def of(facts: "Facts") -> Power:
    """The market power of the month whose days the facts hold. Corridors count without their outages."""
    grid, zones = facts.grid, len(facts.grid.zone)
    able = np.where(facts.available.max(axis=1, initial=0.0) > 0, grid.units.capacity, 0.0)
    load = grid.by_zone(facts.load)
    found = residual_supply(grid, dependable(facts.available, facts.budget), load, np.ones((len(grid.link), 1)))
    scarcest = np.full((zones, load.shape[1]), np.inf)
    np.minimum.at(scarcest, found.zone, found.ratio)
    known = np.isin(np.arange(zones), found.zone)
    return Power(
        hhi_capacity=concentration(grid, able),
        hhi_output=concentration(grid, np.maximum(facts.output, 0.0).sum(axis=1)),
        lerner=lerner(facts),
        rsi_min=np.where(known, scarcest.min(axis=1), np.nan),
        rsi_p05=np.where(known, np.quantile(scarcest, LOW, axis=1, method="lower"), np.nan),
        pivotal=np.where(known, (scarcest < 1).mean(axis=1), np.nan))


def concentration(grid: Grid, amount: np.ndarray) -> np.ndarray:
    """Herfindahl-Hirschman index by owner, points [zone]: sum of squared shares; nan where plants have nothing.

    amount: of anything that plants have [unit], not negative; what other units have is left out.
    """
    plants = grid.units.of_kind(PLANT)
    _, owner = np.unique(grid.units.owner[plants].astype(str), return_inverse=True)
    held = np.zeros((len(grid.zone), owner.max(initial=-1) + 1))
    np.add.at(held, (grid.bus_zone[grid.units.bus[plants]], owner), amount[plants])
    whole = held.sum(axis=1)
    squares = (held**2).sum(axis=1)
    return np.divide(POINTS * squares, whole**2, out=np.full(len(whole), np.nan), where=whole > 0)


def lerner(facts: "Facts") -> np.ndarray:
    """(price - cost) / price [zone], mean over hours weighted by load; nan where no plant with a cost runs at will.

    cost: of the dearest plant that would be needed if the zone's plants with a registered cost gave what they gave
    above their must-run levels in order of cost. Hours with a price of 0 or less, or in which none of them gives more
    than it must, are left out. Where water sets the price the index is high though nobody adds anything: what water is
    worth is nobody's registered cost.
    """
    grid = facts.grid
    weight = np.maximum(grid.by_zone(facts.load), 0.0)
    bus_weight = np.where(weight[grid.bus_zone] > 0, facts.load, 1.0)
    price = grid.by_zone(facts.price * bus_weight) / grid.by_zone(bus_weight)
    index = np.full(len(grid.zone), np.nan)
    costly = np.flatnonzero((grid.units.kind == PLANT) & (grid.units.registered > 0))
    for zone in range(len(grid.zone)):
        mine = costly[grid.bus_zone[grid.units.bus[costly]] == zone]
        mine = mine[np.argsort(grid.units.registered[mine], kind="stable")]
        given = (facts.output[mine] - facts.minimum[mine]).sum(axis=0)
        upto = np.cumsum(facts.available[mine] - facts.minimum[mine], axis=0)
        needed = np.minimum((upto < given - 1e-6).sum(axis=0), len(mine) - 1)
        counted = np.where((given > 1e-6) & (price[zone] > 0), weight[zone], 0.0)
        if counted.sum() > 0:
            cost = grid.units.registered[mine][needed]
            margin = np.divide(price[zone] - cost, price[zone], out=np.zeros_like(cost), where=counted > 0)
            index[zone] = (margin * counted).sum() / counted.sum()
    return index


def dependable(available: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Power that the day's energy lasts for, MW [unit, H]: in proportion to the power available.

    available: MW [unit, H].  energy: MWh [unit, D], inf where unbounded.
    """
    daily = available.reshape(len(available), -1, HOURS)
    most = daily.sum(axis=2)
    share = np.divide(energy, most, out=np.ones_like(most), where=most > np.minimum(energy, most))
    return (daily * np.minimum(share, 1.0)[:, :, None]).reshape(available.shape)


def residual_supply(grid: Grid, supply: np.ndarray, load: np.ndarray, link_share: np.ndarray) -> Residual:
    """The residual-supply index by owner, zone and hour.

    supply: MW [unit, H], what plants could give.  load: MW [zone, H].  link_share: [link, H or 1], share of a link's
    capacity in service.
    """
    plants = grid.units.of_kind(PLANT)
    names, owner = np.unique(grid.units.owner[plants].astype(str), return_inverse=True)
    zone = grid.bus_zone[grid.units.bus[plants]]
    code, pair = np.unique(owner * len(grid.zone) + zone, return_inverse=True)
    own, whole = np.zeros((len(code), supply.shape[1])), np.zeros((len(grid.zone), supply.shape[1]))
    np.add.at(own, pair, supply[plants])
    np.add.at(whole, zone, supply[plants])
    at = code % len(grid.zone)
    others = whole[at] - own + inward(grid, link_share)[at]
    ratio = np.divide(others, load[at], out=np.full(others.shape, np.inf), where=load[at] > 0)
    some = np.isin(at, np.flatnonzero((load > 0).any(axis=1)))
    return Residual(names[code // len(grid.zone)][some], at[some], ratio[some])


def inward(grid: Grid, link_share: np.ndarray) -> np.ndarray:
    """What lines and links from other zones can bring in together, MW [zone, H or 1]."""
    most = np.zeros((len(grid.zone), link_share.shape[1]))
    lines = np.repeat(grid.line_capacity[:, None], link_share.shape[1], axis=1)
    forth, back = grid.link_capacity[:, None] * link_share, grid.link_reverse[:, None] * link_share
    for start, end, ahead, behind in ((grid.line_from, grid.line_to, lines, lines),
                                      (grid.link_from, grid.link_to, forth, back)):
        start, end = grid.bus_zone[start], grid.bus_zone[end]
        between = start != end
        np.add.at(most, end[between], ahead[between])
        np.add.at(most, start[between], behind[between])
    return most


def mitigated(orders: Orders, scene: Scene, rules: Any) -> np.ndarray:
    """Prices of the orders after mitigation, CNY/MWh [order, hour].

    With `mitigation: cap`, in every hour in which an owner's residual-supply index in a zone is below `mitigation_rsi`
    his offers there are cut to the registered cost of the unit x (1 + `mitigation_markup`). Plants with a
    daily energy limit have no registered cost, for the worth of their water is a belief of its owner: they are exempt,
    as are bids.
    rules: the spot's rules.
    """
    if rules.mitigation == "none":
        return orders.price
    grid, today = scene.grid, scene.conditions
    supply = dependable(today.available, today.energy[:, None])
    found = residual_supply(grid, supply, grid.by_zone(today.load), today.link_share)
    tested = {(owner, zone): ratio < rules.mitigation_rsi
              for owner, zone, ratio in zip(found.owner.tolist(), found.zone.tolist(), found.ratio)}
    limit = grid.units.registered * (1 + rules.mitigation_markup)
    price = orders.price.copy()
    for row in np.flatnonzero((orders.side == SELL) & ~np.isnan(limit[orders.unit])):
        unit = orders.unit[row]
        caught = tested.get((str(grid.units.owner[unit]), int(grid.bus_zone[grid.units.bus[unit]])))
        if caught is not None:
            price[row, caught] = np.minimum(price[row, caught], limit[unit])
    return price
