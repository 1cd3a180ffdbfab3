"""The mechanism price of wind and sun: a contract for difference on a part of what they give."""

from datetime import date
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import model_validator

from sim.calendar import Month
from sim.config import Section, bounded
from sim.messages import Transfer
from sim.network.grid import PLANT
from sim.policy.base import Instrument
from sim.settlement import meters
from sim.settlement.owing import owed
from sim.units import CNYPerMWh, Share, Years

if TYPE_CHECKING:
    from sim.facts import Facts

Technology = Literal["wind", "wind_offshore", "solar"]


class MechanismRules(Section):
    """Key `mechanism_price`. existing, new: the price that the law sets, by zone; a zone without one has none.
    share_existing, share_new: part of the output to which it applies, by technology.  cut: plants in service before it
    are existing.  term_new: years from a new plant's start for which it holds.
    """

    existing: dict[str, bounded(CNYPerMWh, ge=0)]
    new: dict[str, bounded(CNYPerMWh, ge=0)]
    share_existing: dict[Technology, bounded(Share, ge=0, le=1)]
    share_new: dict[Technology, bounded(Share, ge=0, le=1)]
    cut: date
    term_new: bounded(Years, gt=0)

    @model_validator(mode="after")
    def _new_is_not_better(self):
        for zone, price in self.new.items():
            if price > self.existing.get(zone, price):
                raise ValueError(f"new {price:g} of {zone} is above existing {self.existing[zone]:g}; expected at most "
                                 "that, it is found by bidding below it")
        return self


class MechanismPrice(Instrument):
    """Grid company <-> plants: (mechanism price - market's mean price) on a share of the output of wind and sun.

    The market's price is the month's mean in the zone, weighted with what all plants of the technology gave: who sells
    in better hours than the others keeps what he gains. Above the mechanism price the plants pay back. The system levy
    closes the account. Only energy that the spot settles counts; administered prices stand for themselves.

    *Source*: NDRC 2025 No.136 [Ndrc2025]; share and price of existing plants are Yunnan's.
    """

    key = "mechanism_price"
    Rules = MechanismRules

    def apply(self, month: Month, facts: "Facts", rules: MechanismRules) -> list[Transfer]:
        """The month's differences, a row a plant."""
        price, share = contract(facts.grid, rules, month.first)
        row = np.flatnonzero(share > 0).astype(np.int64)
        energy = meters.kwh(np.maximum(facts.output[row], 0) * facts.settled).sum(axis=1)
        gap = meters.cents(price[row]) - meters.cents(market_price(facts, row))
        # the contract's energy in whole kWh, so that energy x price is exact
        amount = meters.fen(np.rint(energy * share[row]).astype(np.int64) * gap)
        return owed("mechanism difference", "grid_company", "plants", amount, row)


def contract(grid, rules: MechanismRules, on: date) -> tuple[np.ndarray, np.ndarray]:
    """CNY/MWh [unit] that the law sets, and the share [unit] of the output to which it applies, 0 where to none."""
    units = grid.units
    price, share = np.zeros(len(units)), np.zeros(len(units))
    for unit in np.flatnonzero(units.kind == PLANT):
        technology, zone, first = units.technology[unit], grid.zone[grid.bus_zone[units.bus[unit]]], units.first[unit]
        old = first < rules.cut
        prices, shares = (rules.existing, rules.share_existing) if old else (rules.new, rules.share_new)
        if zone in prices and technology in shares and (old or (on - first).days < rules.term_new * 365.25):
            price[unit], share[unit] = prices[zone], shares[technology]
    return price, share


def market_price(facts: "Facts", row: np.ndarray) -> np.ndarray:
    """CNY/MWh [row]: mean price of what all plants of the row's technology and zone gave; of nothing it is 0, and
    nothing is what it applies to."""
    grid, units = facts.grid, facts.grid.units
    given = np.maximum(facts.output, 0) * facts.settled
    value, energy = (given * facts.price[units.bus]).sum(axis=1), given.sum(axis=1)
    group = np.array([f"{technology} {zone}" for technology, zone in zip(units.technology, grid.bus_zone[units.bus])])
    group = np.unique(np.where(units.kind == PLANT, group, ""), return_inverse=True)[1]
    value, energy = np.bincount(group, value), np.bincount(group, energy)
    return np.divide(value, energy, out=np.zeros_like(value), where=energy > 0)[group[row]]
