"""Occupational injury insurance of new forms of work: a premium on every order, benefits for riders who are hurt."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import model_validator

from sim.calendar import Month
from sim.config import Key, Section, YearMonth, bounded
from sim.insurance.experience import rating
from sim.insurance.participation import begun
from sim.messages import Transfer
from sim.policy.base import Instrument
from sim.units import CNYPerOrder, OrderCount, Ratio, Share, to_fen

if TYPE_CHECKING:
    from sim.facts import Facts

Sector = Literal["takeaway", "errand"]


class InjuryRules(Section):
    """Key `injury_insurance`. premium: on an order, by sector.  sectors: share of orders by sector; what the riders of
    this world carry.  reported: orders that pay a premium for each order that a rider is paid for.
    start: month from which every order in a city is insured; a city without one is not.
    city_factor: multiple of the premium in a city; 1 where none is said.  band_low, band_high: within which the premium
    follows what the city's orders have cost of late, see `sim.insurance.experience`; both 1: it does not.
    expected: claims an order at which it stays.  full: orders after which a city's own experience is believed.
    """

    premium: dict[Sector, bounded(CNYPerOrder, ge=0)]
    sectors: dict[Sector, bounded(Share, ge=0, le=1)]
    reported: bounded(Ratio, ge=0)
    start: dict[Key("cities"), YearMonth]
    city_factor: dict[Key("cities"), bounded(Ratio, ge=0)] = {}
    band_low: bounded(Ratio, gt=0) = 1.0
    band_high: bounded(Ratio, gt=0) = 1.0
    expected: bounded(CNYPerOrder, gt=0) = 0.0234
    full: bounded(OrderCount, gt=0) = 1e8

    @model_validator(mode="after")
    def _band_holds_one(self):
        if not self.band_low <= 1 <= self.band_high:
            raise ValueError(f"band_low {self.band_low:g} and band_high {self.band_high:g} do not hold 1 between them; "
                             "expected a band around the premium")
        return self


class InjuryInsurance(Instrument):
    """Premiums platform -> injury fund, claims injury fund -> riders, in the cities where the scheme has begun.

    Every rider and every order there is covered. Whether the fund's balance lasts is an outcome.

    Source: pilot rules since 2022-07 (seven provinces), 2025-07 (ten more), 2026 (all).
    """

    key = "injury_insurance"
    Rules = InjuryRules

    def apply(self, month: Month, facts: "Facts", rules: InjuryRules) -> list[Transfer]:
        """The month's premium in one sum, and the claims of who was hurt."""
        people, cities = facts.people, facts.cities.key
        covered = begun(rules.start, month, cities)[people.city]
        orders = np.zeros(len(cities), np.int64)
        np.add.at(orders, people.city[covered], people.orders[covered].astype(np.int64) * people.weight[covered])
        factor = np.array([rules.city_factor.get(city, 1.0) for city in cities])
        if rules.band_low < rules.band_high:
            factor = factor * rating(facts.experience.orders, facts.experience.claims, rules)
        transfers = []
        if due := premium(float(orders @ factor) * rules.reported, rules.premium, rules.sectors):
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
