"""Occupational injury insurance of new forms of work: a premium on every order, benefits for riders who are hurt."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from sim.calendar import Month
from sim.config import Key, Section, YearMonth, bounded
from sim.messages import Transfer
from sim.policy.base import Instrument
from sim.units import CNYPerOrder, Ratio, Share, to_fen

if TYPE_CHECKING:
    from sim.facts import Facts

Sector = Literal["takeaway", "errand"]


class InjuryRules(Section):
    """Key `injury_insurance`. premium: on an order, by sector.  sectors: share of orders by sector; what the riders of
    this world carry.  reported: orders that pay a premium for each order that a rider is paid for.
    start: month from which every order in a city is insured; a city without one is not.
    """

    premium: dict[Sector, bounded(CNYPerOrder, ge=0)]
    sectors: dict[Sector, bounded(Share, ge=0, le=1)]
    reported: bounded(Ratio, ge=0)
    start: dict[Key("cities"), YearMonth]


class InjuryInsurance(Instrument):
    """Premiums platform -> injury fund, claims injury fund -> riders, in the cities where the scheme has begun.

    Every rider and every order there is covered. Whether the fund's balance lasts is an outcome.

    Source: pilot rules since 2022-07 (seven provinces), 2025-07 (ten more), 2026 (all).
    """

    key = "injury_insurance"
    Rules = InjuryRules

    def apply(self, month: Month, facts: "Facts", rules: InjuryRules) -> list[Transfer]:
        """The month's premium in one sum, and the claims of who was hurt."""
        people = facts.people
        started = np.array([city in rules.start and rules.start[city] <= month for city in facts.cities.key], bool)
        covered = started[people.city]
        orders = int((people.orders[covered].astype(np.int64) * people.weight[covered]).sum())
        transfers = []
        if due := premium(orders * rules.reported, rules.premium, rules.sectors):
            transfers.append(Transfer("injury premium", "platform", "injury_fund", due))
        hurt = covered & (people.claims > 0)
        if hurt.any():
            transfers.append(Transfer("injury claims", "injury_fund", "riders", people.claims[hurt],
                                      people.identity[hurt], people.weight[hurt]))
        return transfers


def premium(orders: float, rate: dict[str, float], sectors: dict[str, float]) -> int:
    """Premium on so many orders in fen: 0.06 yuan an order on 1,000,000 takeaway orders is 60,000 yuan.

    Raises: KeyError for a sector that has orders and no rate.
    """
    return to_fen(sum(orders * share * rate[sector] for sector, share in sectors.items() if share))
