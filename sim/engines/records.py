"""What every engine of the clearing takes and gives: network, fleet, a day's orders, what the day asks, the solution.

Numbers only: buses, lines, links and units are positions, prices are money per MWh.
"""

from dataclasses import dataclass

import numpy as np


class ClearingError(Exception):
    """No optimum was found; the message names the solver's status and what was asked."""


@dataclass(frozen=True)
class Network:
    """Buses in synchronous areas, AC lines within areas, controllable links anywhere.

    buses: how many.  area: int [bus].  reference: int [area], the bus against which prices are split.
    line_from, line_to: int [line]; line_capacity: MW, inf where unlimited; line_susceptance: MW/rad; line_shift: rad.
    link_from, link_to: int [link]; link_capacity, link_reverse, link_minimum: MW; link_loss: share of what is sent;
    link_fee: CNY per MWh delivered.
    joints: (name, int [member] links, MW), limits on the sum of what links send forward.
    """

    buses: int
    area: np.ndarray
    reference: np.ndarray
    line_from: np.ndarray
    line_to: np.ndarray
    line_capacity: np.ndarray
    line_susceptance: np.ndarray
    line_shift: np.ndarray
    link_from: np.ndarray
    link_to: np.ndarray
    link_capacity: np.ndarray
    link_reverse: np.ndarray
    link_minimum: np.ndarray
    link_loss: np.ndarray
    link_fee: np.ndarray
    joints: tuple


@dataclass(frozen=True)
class Products:
    """The kinds of reserve that are sold beside energy, and which units can sell them; the same from day to day.

    eligible: bool [product, unit].  worth: [product, unit], what a MW counts towards the requirement (performance).
    group: int [unit], the group whose requirement a unit serves; groups: how many.
    both: bool [product], who sells it must be able to give as much less as it can give more.
    duration: h [product], for which a store must be able to give (or take) what it sells, on top of its schedule.
    spin: MW of reserve, all products, for each MW of output [unit]; inf where a unit need not run to start in time.
    """

    eligible: np.ndarray
    worth: np.ndarray
    group: np.ndarray
    groups: int
    both: np.ndarray
    duration: np.ndarray
    spin: np.ndarray


@dataclass(frozen=True)
class Fleet:
    """The units, all [unit]. bus: int.  ramp: MW/h, inf where free.  budgeted: bool, has a daily energy limit.

    store: MWh it can hold, 0 where it is no store.  charge_efficiency, discharge_efficiency: share.
    products: the reserves that are sold beside energy, if any.
    """

    bus: np.ndarray
    ramp: np.ndarray
    budgeted: np.ndarray
    store: np.ndarray
    charge_efficiency: np.ndarray
    discharge_efficiency: np.ndarray
    products: Products | None = None

    def place(self) -> np.ndarray:
        """Where a unit's orders meet others, int [unit], see `steps`.

        Its number (nowhere but at itself) where its hours hang together by ramp, budget or store, or where it sells
        reserve; else the number of units + its bus.
        """
        own, units = np.isfinite(self.ramp) | self.budgeted | (self.store > 0), len(self.bus)
        if self.products is not None:
            own = own | self.products.eligible.any(axis=0)
        return np.where(own, np.arange(units), units + np.asarray(self.bus, np.int64))


@dataclass(frozen=True)
class Book:
    """A day's orders. unit: int [order]; side: [order], +1 sells, -1 buys; price: CNY/MWh, volume: MW [order, hour].

    A store is scheduled by the programme through its own orders: what it buys fills it, what it sells empties it.
    """

    unit: np.ndarray
    side: np.ndarray
    price: np.ndarray
    volume: np.ndarray


@dataclass(frozen=True)
class Reserve:
    """What a day asks and is offered of reserve, beside energy.

    requirement: MW (times worth) [product, group, hour].  shortage: CNY/MW [product], what a MW that is missing costs.
    price: CNY/MW [product, unit, hour], what a unit asks.  most: MW [product, unit, hour], what it offers.
    highest, lowest: MW [unit, hour], between which a unit's output with all it sold must stay: available and must-run
    (of a store, what it can give, and less what it can take).
    """

    requirement: np.ndarray
    shortage: np.ndarray
    price: np.ndarray
    most: np.ndarray
    highest: np.ndarray
    lowest: np.ndarray


@dataclass(frozen=True)
class Day:
    """What the day asks.

    load: MW [bus, hour].  minimum: MW [unit, hour], must-run output.  energy: MWh [unit], budget of the day.
    stored, stored_end: MWh [unit], level at the start and least level at the end.
    link_available: MW [link, hour] forward; the reverse capacity and the minimum shrink alike.
    link_held: (least, most) MW [link, hour] sent forward, where links are held to a schedule, nan where they are not; a
    held link does not turn. None where no link is.
    floor, cap: CNY/MWh at which power is disposed of and load is shed, at every bus, in any amount.
    output_before: MW [unit] in the hour before, NaN where the first hour's ramp is free.
    reserve: what is asked beside energy; None for nothing.
    """

    load: np.ndarray
    minimum: np.ndarray
    energy: np.ndarray
    stored: np.ndarray
    stored_end: np.ndarray
    link_available: np.ndarray
    floor: float
    cap: float
    output_before: np.ndarray
    link_held: tuple[np.ndarray, np.ndarray] | None = None
    reserve: Reserve | None = None


@dataclass(frozen=True)
class Solution:
    """The day cleared; hour is the last axis, powers in MW, prices and shadows in CNY/MWh.

    accepted [order, hour].  output [unit, hour], injection less withdrawal.  price [bus, hour]; energy [bus, hour],
    the price at the area's reference; price - energy is congestion.
    line_flow, line_shadow [line, hour]: shadow >= 0, what a MW more of the binding limit saves.
    sent: leaves link_from; delivered: reaches link_to [link, hour]; both negative when the flow runs backwards.
    link_shadow [link, hour].  minimum_shadow [link, hour]: what a MW less of the binding minimum saves.
    joint_shadow [joint, hour].
    shed, disposed [bus, hour].  stored [unit, hour]: MWh at the hour's end.  energy_value [unit]: what a MWh more of
    the daily budget saves; NaN where an engine does not look across hours.
    reserved [product, unit, hour]: MW held back.  reserve_price [product, group, hour]: CNY/MW (times worth) and hour.
    reserve_short [product, group, hour]: MW of the requirement that are missing.  reserve_cost: CNY, of both.
    rent: CNY [hour], price x (withdrawal - injection), links excluded.  residual: CNY, largest violation of
    rent = lines + links (fee + shadow) + joints.  imbalance: MW, largest at any bus and hour.
    objective: CNY, true costs.  kkt: largest relative residual of the optimality conditions under true costs.
    events: counts by name, each engine's own.
    """

    accepted: np.ndarray
    output: np.ndarray
    price: np.ndarray
    energy: np.ndarray
    line_flow: np.ndarray
    line_shadow: np.ndarray
    sent: np.ndarray
    delivered: np.ndarray
    link_shadow: np.ndarray
    minimum_shadow: np.ndarray
    joint_shadow: np.ndarray
    shed: np.ndarray
    disposed: np.ndarray
    stored: np.ndarray
    energy_value: np.ndarray
    reserved: np.ndarray
    reserve_price: np.ndarray
    reserve_short: np.ndarray
    reserve_cost: float
    rent: np.ndarray
    residual: float
    imbalance: float
    objective: float
    kkt: float
    events: dict


def asked(network: Network, fleet: Fleet, book: Book, day: Day) -> str:
    """What a day asked, and what in it cannot be, for an error's message."""
    found = [f"asked were {len(book.unit)} orders and {day.load.sum():g} MWh of load"]
    must, bought = day.minimum.sum(axis=1), np.zeros(len(day.minimum))
    np.add.at(bought, book.unit[book.side < 0], book.volume[book.side < 0].sum(axis=1))
    found += [f"unit {u} must run {must[u]:g} MWh on a budget of {day.energy[u]:g} MWh"
              for u in np.flatnonzero(fleet.budgeted & (must > day.energy))]
    reach = np.minimum(day.stored + bought * fleet.charge_efficiency, fleet.store)
    found += [f"store {u} must end with {day.stored_end[u]:g} MWh but reaches {reach[u]:g} MWh at most"
              for u in np.flatnonzero((fleet.store > 0) & (day.stored_end > reach))]
    found += [f"links of joint limit {name} must send more than its {limit:g} MW" for name, members, limit
              in network.joints if network.link_minimum[members].sum() > limit]
    return "; ".join(found)


@dataclass(frozen=True)
class Members:
    """Who may pool small resources behind one bus.

    power_in, power_out: MW [member, hour], beyond what each does without the pool.
    energy: MWh [member] that a store holds when full, 0 for a source.  efficiency: round trip [member].
    wear: CNY per MWh given [member].  daily: MWh [member], the most that a source gives in a day.
    """

    power_in: np.ndarray
    power_out: np.ndarray
    energy: np.ndarray
    efficiency: np.ndarray
    wear: np.ndarray
    daily: np.ndarray

    def __len__(self):
        return len(self.energy)

    def lasting(self, hours: float) -> np.ndarray:
        """MW [member] that each can give for so many hours."""
        store = self.energy > 0
        return np.minimum(self.power_out.max(axis=1), np.where(store, self.energy, self.daily) / hours)
