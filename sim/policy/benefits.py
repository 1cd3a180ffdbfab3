"""What a platform gives its riders beside the pension subsidy: one instrument a benefit, each with a switch of its own.

Every benefit's rules have `leaves`, the multiple of a rider's chance to leave while it covers him; 1 changes nothing.
Chances of leaving were observed with these benefits in place, so what one of them does to them is a lever and no
estimate. `exit_factor` is what riders read.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from pydantic import model_validator

from sim.calendar import Month
from sim.config import Key, Section, YearMonth, bounded
from sim.messages import People, Transfer
from sim.policy.base import Instrument
from sim.settlement.owing import owed
from sim.units import (
    CNY,
    CNYPerMonth,
    CNYPerOrder,
    Months,
    PerThousandYears,
    Ratio,
    Share,
    to_fen,
)

if TYPE_CHECKING:
    from sim.facts import Facts
    from sim.streams import Stream

YEAR, THOUSAND = 12, 1000
ROUNDING = 1e-9  # shares that must sum to one may miss it by it


class Leaving(Section):
    """What all benefits' rules have. leaves: multiple of the chance to leave of who is covered."""

    leaves: bounded(Ratio, ge=0) = 1.0


class Benefit(Instrument):
    """A benefit. `covers` says for whom it is there, whether or not he needs it this month."""

    Rules: type[Leaving]

    @staticmethod
    @abstractmethod
    def covers(people: People) -> np.ndarray:
        """Whom it is there for, bool [row]."""


# --------------------------------------------------------------------------------------------------- grants by chance


class IllnessRules(Leaving):
    """Key `critical_illness`. cases: granted among a thousand riders (with their families) in a year.  grants, shares:
    what is granted, and to which share of cases.  most: in a case."""

    cases: bounded(PerThousandYears, ge=0)
    grants: list[bounded(CNY, gt=0)]
    shares: list[bounded(Share, ge=0, le=1)]
    most: bounded(CNY, gt=0)

    @model_validator(mode="after")
    def _adds_up(self):
        if len(self.grants) != len(self.shares) or abs(sum(self.shares) - 1) > ROUNDING:
            raise ValueError(f"shares are {len(self.shares)} that sum to {sum(self.shares):g}; expected one for each "
                             f"of {len(self.grants)} grants, 1 together")
        if max(self.grants) > self.most:
            raise ValueError(f"grants reach {max(self.grants):g}; expected at most {self.most:g}")
        return self


class CriticalIllness(Benefit):
    """Platform -> riders in whose family somebody is critically ill: as many cases as a Poisson draw gives, each of a
    size of its own.

    Source: the platform's care fund since 2019: some 7,000 cases and more than 200 M yuan by July 2025 [Meituan2025].
    """

    key = "critical_illness"
    Rules = IllnessRules

    @staticmethod
    def covers(people: People) -> np.ndarray:
        """Everybody."""
        return np.ones(len(people.identity), bool)

    def apply(self, month: Month, facts: "Facts", rules: IllnessRules) -> list[Transfer]:
        """The month's grants."""
        people, streams = facts.people, facts.streams
        count = cases(streams["benefits/illness"], people.identity, month,
                      rules.cases / (THOUSAND * YEAR) * people.weight)
        steps, sizes = np.cumsum(rules.shares)[:-1], to_fen(np.array(rules.grants))
        total = np.zeros(len(count), np.int64)
        for k in range(count.max(initial=0)):
            row = np.flatnonzero(count > k)
            draw = streams[f"benefits/illness/size {k}"].uniforms(people.identity[row], month.number)
            total[row] += sizes[np.searchsorted(steps, draw, side="right")]
        return granted("critical illness", total, people)


class ChildRules(Leaving):
    """Key `child_benefit`. cases: granted among a thousand riders with a family in a year.  grant: in each."""

    cases: bounded(PerThousandYears, ge=0)
    grant: bounded(CNY, ge=0)


class ChildBenefit(Benefit):
    """Platform -> riders whose child is gravely ill or in need of schooling.

    Source: the platform's fund for riders' children; its size here is [assumption].
    """

    key = "child_benefit"
    Rules = ChildRules

    @staticmethod
    def covers(people: People) -> np.ndarray:
        """Who keeps somebody."""
        return people.dependants > 0

    def apply(self, month: Month, facts: "Facts", rules: ChildRules) -> list[Transfer]:
        """The month's grants."""
        people = facts.people
        mean = rules.cases / (THOUSAND * YEAR) * people.weight * self.covers(people)
        count = cases(facts.streams["benefits/child"], people.identity, month, mean)
        return granted("child benefit", count * to_fen(rules.grant), people)


class TravelRules(Leaving):
    """Key `family_travel`. cases: trips among a thousand riders in a year.  value: of each.  tenure: months that a
    rider must have stayed."""

    cases: bounded(PerThousandYears, ge=0)
    value: bounded(CNY, ge=0)
    tenure: bounded(Months, ge=0)


class FamilyTravel(Benefit):
    """Platform -> riders who have stayed, for a journey with their family.

    Source: named among the platform's benefits; numbers [assumption].
    """

    key = "family_travel"
    Rules = TravelRules

    @staticmethod
    def covers(people: People) -> np.ndarray:
        """Everybody, as all may stay long enough."""
        return np.ones(len(people.identity), bool)

    def apply(self, month: Month, facts: "Facts", rules: TravelRules) -> list[Transfer]:
        """The month's journeys."""
        people = facts.people
        mean = rules.cases / (THOUSAND * YEAR) * people.weight * (people.tenure >= rules.tenure)
        count = cases(facts.streams["benefits/travel"], people.identity, month, mean)
        return granted("family travel", count * to_fen(rules.value), people)


def cases(stream: "Stream", identity: np.ndarray, month: Month, mean: np.ndarray) -> np.ndarray:
    """How many of a rare thing happen to each row in a month, int64 [row]: the Poisson quantile of an addressed draw.

    mean: expected number [row]. A higher mean never gives a row fewer.
    """
    u = stream.uniforms(identity, month.number) if len(identity) else np.zeros(0)
    count = np.zeros(len(identity), np.int64)
    left = np.flatnonzero(u > np.exp(-mean))
    chance = np.exp(-mean[left])
    below = chance.copy()
    while len(left):
        count[left] += 1
        chance = chance * mean[left] / count[left]
        below = below + chance
        on = (u[left] > below) & (chance > 0)
        left, chance, below = left[on], chance[on], below[on]
    return count


def granted(bill: str, total: np.ndarray, people: People) -> list[Transfer]:
    """What a row's persons are granted together (fen), as a mean over them."""
    amount = (2 * total + people.weight) // (2 * people.weight.astype(np.int64))
    return owed(bill, "platform", "riders", amount, people.identity, people.weight)


# ------------------------------------------------------------------------------------------------- by what was worked


class MealRules(Leaving):
    """Key `work_meals`. value: taken off the price of a meal.  use: meals on a day of work."""

    value: bounded(CNY, ge=0)
    use: bounded(Ratio, ge=0)


class WorkMeals(Benefit):
    """Platform -> riders, what they save on meals. Source: offers of half price [assumption of their use]."""

    key = "work_meals"
    Rules = MealRules

    @staticmethod
    def covers(people: People) -> np.ndarray:
        """Who worked."""
        return people.days > 0

    def apply(self, month: Month, facts: "Facts", rules: MealRules) -> list[Transfer]:
        """By days of work."""
        people = facts.people
        amount = to_fen(rules.value * rules.use * people.days)
        return owed("work meals", "platform", "riders", amount, people.identity, people.weight)


class WomenRules(Leaving):
    """Key `women_riders`. value: of what a woman is given in a month in which she rides."""

    value: bounded(CNYPerMonth, ge=0)


class WomenRiders(Benefit):
    """Platform -> women who ride: care, rest and insurance of their own, at what it is worth [assumption]."""

    key = "women_riders"
    Rules = WomenRules

    @staticmethod
    def covers(people: People) -> np.ndarray:
        """Women."""
        return people.female.astype(bool)

    def apply(self, month: Month, facts: "Facts", rules: WomenRules) -> list[Transfer]:
        """To each who had orders this month."""
        people = facts.people
        amount = np.where(people.female & (people.orders > 0), to_fen(rules.value), 0)
        return owed("women riders", "platform", "riders", amount, people.identity, people.weight)


class StationRules(Leaving):
    """Key `rider_stations`. stations, homes: for a thousand riders.  station_cost, home_cost: of one, a month."""

    stations: bounded(Ratio, ge=0)
    station_cost: bounded(CNYPerMonth, ge=0)
    homes: bounded(Ratio, ge=0)
    home_cost: bounded(CNYPerMonth, ge=0)


class RiderStations(Benefit):
    """Platform -> households: rooms to rest in and homes for riders who arrive, paid to who keeps them.

    Source: 52,000 rest stations and 1,000 homes planned in three years [Meituan2025]; costs [assumption].
    """

    key = "rider_stations"
    Rules = StationRules

    @staticmethod
    def covers(people: People) -> np.ndarray:
        """Everybody."""
        return np.ones(len(people.identity), bool)

    def apply(self, month: Month, facts: "Facts", rules: StationRules) -> list[Transfer]:
        """In proportion to riders."""
        each = (rules.stations * rules.station_cost + rules.homes * rules.home_cost) / THOUSAND
        return owed("rider stations", "platform", "households", to_fen(each * float(facts.people.weight.sum())))


class WeatherRules(Leaving):
    """Key `weather_subsidy`. rain, extreme: on an order carried in such weather, beside its fee."""

    rain: bounded(CNYPerOrder, ge=0)
    extreme: bounded(CNYPerOrder, ge=0)

    @model_validator(mode="after")
    def _worse_pays_more(self):
        if self.extreme < self.rain:
            raise ValueError(f"extreme {self.extreme:g} is below rain {self.rain:g}; expected at least that")
        return self


class WeatherSubsidy(Benefit):
    """Platform -> riders: a supplement on orders in rain and in extreme weather, beyond what the fee holds."""

    key = "weather_subsidy"
    Rules = WeatherRules

    @staticmethod
    def covers(people: People) -> np.ndarray:
        """Everybody."""
        return np.ones(len(people.identity), bool)

    def apply(self, month: Month, facts: "Facts", rules: WeatherRules) -> list[Transfer]:
        """By orders."""
        people = facts.people
        amount = to_fen(people.rain_orders * rules.rain + people.extreme_orders * rules.extreme)
        return owed("weather subsidy", "platform", "riders", amount, people.identity, people.weight)


class ForgivenessRules(Leaving):
    """Key `late_forgiveness`. forgiven: part of what was kept back for late deliveries that is given back."""

    forgiven: bounded(Share, ge=0, le=1)


class LateForgiveness(Benefit):
    """Platform -> riders: penalties for late deliveries given back."""

    key = "late_forgiveness"
    Rules = ForgivenessRules

    @staticmethod
    def covers(people: People) -> np.ndarray:
        """Everybody."""
        return np.ones(len(people.identity), bool)

    def apply(self, month: Month, facts: "Facts", rules: ForgivenessRules) -> list[Transfer]:
        """Of this month's penalties."""
        people = facts.people
        amount = to_fen(people.penalties / 100 * rules.forgiven)
        return owed("late forgiveness", "platform", "riders", amount, people.identity, people.weight)


# --------------------------------------------------------------------------------------------------------- accidents


class AccidentRules(Leaving):
    """Key `accident_insurance`. premium: on an order.  rider_share: of it that riders pay, the platform the rest.
    pays: part of an injury's cost that the insurer pays, at most `most`.  until: month from which a city's riders are
    insured by the public scheme instead; a city without one is not covered.
    """

    premium: bounded(CNYPerOrder, ge=0)
    rider_share: bounded(Share, ge=0, le=1)
    pays: bounded(Share, ge=0, le=1)
    most: bounded(CNY, ge=0)
    until: dict[Key("cities"), YearMonth]


class AccidentInsurance(Benefit):
    """Platform and riders -> a commercial insurer -> who was hurt, where the public injury insurance has not begun.

    Source: accident insurance of riders outside the public scheme; numbers [assumption].
    """

    key = "accident_insurance"
    Rules = AccidentRules

    @staticmethod
    def covers(people: People) -> np.ndarray:
        """Everybody: what covers a rider before his city's public scheme."""
        return np.ones(len(people.identity), bool)

    def apply(self, month: Month, facts: "Facts", rules: AccidentRules) -> list[Transfer]:
        """The month's premium of riders and platform, and claims."""
        people, cities = facts.people, facts.cities.key
        open_ = np.array([city in rules.until and month < rules.until[city] for city in cities], bool)[people.city]
        whole = to_fen(people.orders * rules.premium) * open_
        own = to_fen(whole / 100 * rules.rider_share)
        claim = np.minimum(to_fen(people.claims / 100 * rules.pays), to_fen(rules.most)) * open_
        row, weight = people.identity, people.weight
        return (owed("accident premium", "platform", "insurer", int(((whole - own) * weight).sum()))
                + owed("accident premium", "riders", "insurer", own, row, weight)
                + owed("accident claims", "insurer", "riders", claim, row, weight))


BENEFITS: dict[str, type[Benefit]] = {benefit.key: benefit for benefit in (
    CriticalIllness, ChildBenefit, FamilyTravel, WorkMeals, WomenRiders, RiderStations, WeatherSubsidy, LateForgiveness,
    AccidentInsurance)}


def exit_factor(rules: Mapping[str, Leaving], people: People) -> np.ndarray:
    """Multiple of each rider's chance to leave, [row]: the product over the benefits in force that cover him.

    rules: the rules in force, by key; keys that are no benefit's are passed over.
    """
    factor = np.ones(len(people.identity))
    for key, benefit in BENEFITS.items():
        if key in rules and rules[key].leaves != 1:
            factor[benefit.covers(people)] *= rules[key].leaves
    return factor
