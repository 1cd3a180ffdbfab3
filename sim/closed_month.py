"""A closed month as the recorder sees it: what outcomes ask of Facts, of the Journal and of the law in force."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sim import certificates, deciles, market_power, outcomes, packages, retail, revenue
from sim.calendar import Month
from sim.insurance.careers import Careers
from sim.network.grid import PLANT
from sim.policy import carbon
from sim.policy.pension_subsidy import eligible
from sim.settlement import meters, services
from sim.units import HOURS

if TYPE_CHECKING:
    from sim.model import PolicyLab

CLEAN = ("hydro", "wind", "wind_offshore", "solar", "nuclear", "biomass")
WEATHER = ("wind", "wind_offshore", "solar")  # what they do not give when they could is curtailed
MWH_PER_HM3 = 1000.0  # at 1 kWh/m3: 1e6 m3 x 1 kWh
QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Corridors:
    """Lines and links in one table. key, start, end: names [corridor]; from_, to: int [corridor], buses.

    sent, delivered: MW [corridor, H], taken from `start` and arriving at `end`; negative when the flow runs backwards.
    shadow: CNY/MWh [corridor, H].  capacity, reverse: MW [corridor], forwards and backwards.
    """

    key: np.ndarray
    start: np.ndarray
    end: np.ndarray
    from_: np.ndarray
    to: np.ndarray
    sent: np.ndarray
    delivered: np.ndarray
    shadow: np.ndarray
    capacity: np.ndarray
    reverse: np.ndarray

    def utilisation(self) -> np.ndarray:
        """Mean share of capacity in use, either way [corridor]; nan where there is no capacity."""
        forwards, backwards = np.maximum(self.sent, 0).mean(axis=1), np.maximum(-self.delivered, 0).mean(axis=1)
        used = np.nan_to_num(_ratio(forwards, self.capacity)) + np.nan_to_num(_ratio(backwards, self.reverse))
        return np.where(self.capacity + self.reverse > 0, used, np.nan)


@dataclass(frozen=True)
class BusTechnology:
    """The pairs of bus and technology that exist. bus, technology: names [pair]; pair: int [unit]."""

    bus: np.ndarray
    technology: np.ndarray
    pair: np.ndarray

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over the units of each pair: [unit, H] -> [pair, H]."""
        return meters.by_bus(len(self.bus), self.pair, values)


@dataclass(frozen=True)
class Groups:
    """A population told apart by group. weight: persons [row].  group: int [row].  count: of groups."""

    weight: np.ndarray
    group: np.ndarray
    count: int

    @cached_property
    def persons(self) -> np.ndarray:
        """Persons [group]."""
        return np.bincount(self.group, self.weight, self.count)

    def sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over persons: [row] -> [group]."""
        return np.bincount(self.group, values * self.weight, self.count)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean over persons: [row] -> [group]; nan where there is nobody."""
        return _ratio(self.sum(values), self.persons)

    def share(self, who: np.ndarray, among: np.ndarray) -> np.ndarray:
        """Share [group] of those `among` (bool [row]) who are also `who`; nan where there is nobody among."""
        return _ratio(self.sum(who & among), self.sum(among))

    def quantiles(self, values: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
        """The value that a share of persons does not exceed [share, group]; nan where there is nobody."""
        if not len(values):
            return np.full((len(shares), self.count), np.nan)
        order = np.lexsort((values, self.group))
        reached = np.cumsum(self.weight[order], dtype=np.int64)
        upto = np.r_[0, reached][np.searchsorted(self.group[order], np.arange(self.count), side="right")]
        before = np.r_[0, upto[:-1]]
        wanted = before + np.array(shares)[:, None] * (upto - before)
        row = np.minimum(np.searchsorted(reached, wanted), len(reached) - 1)
        return np.where(upto > before, values[order][row], np.nan)


class ClosedMonth:
    """The lab at the close of a month. Reads, never changes.

    facts, grid: the month's.  date: datetime64[D], its first day.  dates: datetime64[D] [D], days lived.  times:
    datetime64[s] [H], beginnings of hours.  entries: the journal's entries of the month as columns.
    labels: names along each axis of an outcome.  developers: who builds.  in_force: keys of the law.
    careers: what riders did until now, this month not yet; without one it is the first month that anybody saw.
    """

    def __init__(self, month: Month, lab: "PolicyLab", careers: Careers | None = None):
        self.month, self.facts, self.grid, self._lab = month, lab.facts, lab.facts.grid, lab
        self._careers = careers or Careers()
        self.entries = lab.journal.tables(month)["entries"]
        self.date = np.datetime64(month.first, "D")
        first = np.datetime64(lab.calendar.now.date - timedelta(days=self.facts.days - 1), "D")
        self.dates = first + np.arange(self.facts.days).astype("timedelta64[D]")
        self.times = first.astype("datetime64[s]") + np.arange(self.facts.days * HOURS) * np.timedelta64(3600, "s")
        self.developers, self.in_force = lab.developers, frozenset(lab.rules)
        world = lab.config.world
        self.reservoirs, self.reservoir_basins = world["reservoirs"]["key"], world["reservoirs"]["basin"]
        self.labels = {
            "world": ("all",), "zone": self.grid.zone, "basin": tuple(world["basins"]["key"]),
            "city": tuple(world["cities"]["key"]), "corridor": tuple(self.corridors.key),
            "technology": self.technologies, "asset": revenue.asset_labels(self.technologies),
            "bill": tuple(bill.replace(" ", "_") for bill in self._bills),
            "account": tuple(lab.journal.balance), "event": tuple(self.facts.events),
            "package": packages.KINDS, "state": retail.STATES,
            "grade": lab.rules["credit"].grades if "credit" in lab.rules else (),
            "flow": certificates.FLOWS, "vintage": tuple(certificates.CLASSES), "country": lab.foreign.countries,
            "consumer": self.facts.tracer.consumer, "source": self.facts.tracer.source,
            "pool": () if self.facts.pooling is None else self.facts.pooling.key,
            "member": () if self.facts.pooling is None else self.facts.pooling.member}

    # ------------------------------------------------------------------------------------------------- electricity

    @cached_property
    def technologies(self) -> tuple[str, ...]:
        """Technologies of all units, sorted."""
        return tuple(sorted(set(self.grid.units.technology)))

    @cached_property
    def _technology(self) -> np.ndarray:
        """Index into `technologies` [unit]."""
        return np.searchsorted(np.array(self.technologies, object), self.grid.units.technology)

    @cached_property
    def corridors(self) -> Corridors:
        """All lines, then all links."""
        grid, facts = self.grid, self.facts
        start, end = (np.concatenate(pair) for pair in ((grid.line_from, grid.link_from), (grid.line_to, grid.link_to)))
        bus = np.array(grid.bus, object)
        return Corridors(
            key=np.array(grid.line + grid.link, object), start=bus[start], end=bus[end], from_=start, to=end,
            sent=np.concatenate([facts.line_flow, facts.sent]),
            delivered=np.concatenate([facts.line_flow, facts.delivered]),
            shadow=np.concatenate([facts.line_shadow, facts.link_shadow]),
            capacity=np.concatenate([grid.line_capacity, grid.link_capacity]),
            reverse=np.concatenate([grid.line_capacity, grid.link_reverse]))

    @cached_property
    def bus_technology(self) -> BusTechnology:
        """The pairs of bus and technology that have units."""
        units, count = self.grid.units, len(self.technologies)
        codes, pair = np.unique(units.bus * count + self._technology, return_inverse=True)
        return BusTechnology(np.array(self.grid.bus, object)[codes // count],
                             np.array(self.technologies, object)[codes % count], pair)

    def zone_sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over the hours and the buses of each zone: [bus, H] -> [zone]."""
        return self.grid.by_zone(values.sum(axis=1))

    def plain_price(self) -> np.ndarray:
        """CNY/MWh [zone]: mean over hours and buses, without weights."""
        return self.grid.by_zone(self.facts.price.mean(axis=1)) / np.bincount(self.grid.bus_zone)

    @cached_property
    def ancillary(self) -> services.Month | None:
        """The month's ancillary services; None where none were traded."""
        return services.Month.of(self.facts)

    def of_services(self, what: Callable[[services.Month], np.ndarray]) -> np.ndarray:
        """What is kept of the month's ancillary services [zone]; nan where none were traded."""
        return np.full(len(self.grid.zone), np.nan) if self.ancillary is None else what(self.ancillary)

    def services_income(self) -> np.ndarray:
        """CNY [zone, technology] earned by ancillary services; nan where nobody did."""
        if self.ancillary is None:
            return np.full((len(self.grid.zone), len(self.technologies)), np.nan)
        return self.ancillary.income(self.grid.units.technology, self.technologies)

    def given(self, kind: str) -> np.ndarray:
        """MWh [zone, technology] that units of a kind put in; nan where there are none."""
        return self._by_technology(np.maximum(self.facts.output, 0).sum(axis=1), self.grid.units.kind == kind)

    def taken(self, kind: str) -> np.ndarray:
        """MWh [zone, technology] that units of a kind took out; nan where there are none."""
        return self._by_technology(np.maximum(-self.facts.output, 0).sum(axis=1), self.grid.units.kind == kind)

    def taken_by_zone(self, kind: str) -> np.ndarray:
        """MWh [zone] that units of a kind took out; nan where there are none."""
        return _total(self.taken(kind))

    def given_by_zone(self, kind: str) -> np.ndarray:
        """MWh [zone] that units of a kind put in; nan where there are none."""
        return _total(self.given(kind))

    def _by_technology(self, energy: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Sum of [unit] over the units of each zone and technology; nan where there are none."""
        shape = (len(self.grid.zone), len(self.technologies))
        cell = (self.grid.bus_zone[self.grid.units.bus] * shape[1] + self._technology)[which]
        units, total = np.bincount(cell, minlength=np.prod(shape)), np.bincount(cell, energy[which], np.prod(shape))
        return np.where(units > 0, total, np.nan).reshape(shape)

    def emissions(self) -> np.ndarray:
        """t CO2 [emitted or free, zone, technology] of plants; nan where nothing is."""
        both = carbon.emissions(self.facts, self.rules("carbon"))
        return np.stack([self._by_technology(tonnes, tonnes > 0) for tonnes in both])

    def curtailed(self) -> np.ndarray:
        """MWh [zone, technology] that wind, sun and water would have given and nobody took.

        Of plants that live from hand to mouth: available less output, by the hour, or by the day where water keeps for
        a day. Of reservoirs: the spill's energy at its dam, once it stands.
        """
        units, facts = self.grid.units, self.facts
        running_water = (units.technology == "hydro") & ~self._stores_water
        free = (units.kind == PLANT) & (np.isin(units.technology, WEATHER) | running_water)
        by_hour = np.maximum(facts.available - facts.output, 0).sum(axis=1)
        by_day = facts.budget.sum(axis=1) - facts.output.sum(axis=1)
        lost = np.where(free, np.where(units.budgeted, np.maximum(by_day, 0), by_hour), 0.0)
        reservoirs, own = self._lab.config.world["reservoirs"], self._lab.ground.reservoir_units
        built = facts.available[own].any(axis=1)  # before, there is no turbine past which water could run
        lost[own] += built * facts.spilled.sum(axis=1) * reservoirs["productivity"] * MWH_PER_HM3
        return self._by_technology(lost, free | self._stores_water)

    @cached_property
    def _stores_water(self) -> np.ndarray:
        """Whether a unit has a reservoir [unit]."""
        stores = np.zeros(len(self.grid.units), bool)
        stores[self._lab.ground.reservoir_units] = True
        return stores

    def curtailment(self) -> np.ndarray:
        """Share [zone, technology] of what could have been given that nobody took."""
        return _ratio(self.curtailed(), self.curtailed() + self.given(PLANT))

    def clean_share(self) -> np.ndarray:
        """Share [zone] of generation from water, wind, sun, uranium and biomass."""
        made = np.nan_to_num(self.given(PLANT))
        return _ratio(made[:, np.isin(self.technologies, CLEAN)].sum(axis=1), made.sum(axis=1))

    def exports(self) -> np.ndarray:
        """MWh [zone from, zone to] that leave a zone, at the sending end; nan where no corridor leads."""
        c = self.corridors
        return self._between(c.from_, c.to, np.maximum(c.sent, 0), np.maximum(-c.delivered, 0))

    def imports(self) -> np.ndarray:
        """MWh [zone to, zone from] that arrive in a zone; nan where no corridor leads."""
        c = self.corridors
        return self._between(c.to, c.from_, np.maximum(c.delivered, 0), np.maximum(-c.sent, 0))

    def _between(self, one: np.ndarray, other: np.ndarray, there: np.ndarray, back: np.ndarray) -> np.ndarray:
        """MWh of corridors by pair of zones [zone, zone]: `there` counts for (one, other), `back` for (other, one)."""
        zone, zones = self.grid.bus_zone, len(self.grid.zone)
        total, tied = np.zeros((zones, zones)), np.zeros((zones, zones), bool)
        for a, b, energy in ((zone[one], zone[other], there), (zone[other], zone[one], back)):
            np.add.at(total, (a, b), energy.sum(axis=1))
            tied[a, b] = True
        np.fill_diagonal(tied, False)
        return np.where(tied, total, np.nan)

    def link_fees(self) -> np.ndarray:
        """CNY [corridor]: fee on what a link delivers, either way; nan for lines, whose tariff is settled elsewhere."""
        fee = meters.arrived(self.facts).sum(axis=1) * self.grid.link_fee
        return np.concatenate([np.full(len(self.grid.line), np.nan), fee])

    def of_links(self, values: np.ndarray) -> np.ndarray:
        """Values of links [link] as values of corridors [corridor]; nan for lines."""
        return np.concatenate([np.full(len(self.grid.line), np.nan), values])

    def rules(self, key: str):
        """The rules of a market in force; None while it is not."""
        return self._lab.rules.get(key)

    def lost_by_turns(self) -> float:
        """CNY that clearing by turns cost this month; nan where the law clears at once or does not compare."""
        spot = self.rules("spot")
        return self.facts.lost if spot and spot.compare and spot.coordination == "priority" else np.nan

    def foreign_entities(self) -> np.ndarray:
        """Foreign companies that are registered [country]."""
        return self._lab.foreign.by_country()

    @cached_property
    def power(self) -> market_power.Power:
        """Who could set prices."""
        return market_power.of(self.facts)

    def basin_sum(self, values: np.ndarray) -> np.ndarray:
        """Sum over the days and the reservoirs of each basin: [reservoir, D] -> [basin]."""
        basin = np.array([self.labels["basin"].index(key) for key in self.reservoir_basins], int)
        return np.bincount(basin, values.sum(axis=1), len(self.labels["basin"]))

    # ------------------------------------------------------------------------------------------------------ people

    @cached_property
    def by_city(self) -> Groups:
        """The month's riders by city."""
        people = self.facts.people
        return Groups(people.weight, people.city, len(self.labels["city"]))

    @cached_property
    def eligible(self) -> np.ndarray | None:
        """Bool [row]: income met the base as the law asks; None while it knows no pension subsidy."""
        rules = self._lab.rules.get("pension_subsidy")
        return rules and eligible(self.facts.people.met, rules.threshold_months, rules.window_months)

    def eligible_share(self, groups: Groups) -> np.ndarray:
        """Share of persons [group] who are eligible; nan while there is no pension subsidy."""
        return np.full(groups.count, np.nan) if self.eligible is None else groups.mean(self.eligible)

    def take_up(self, groups: Groups) -> np.ndarray:
        """Share of the eligible [group] who are enrolled; nan while there is no pension subsidy."""
        if self.eligible is None:
            return np.full(groups.count, np.nan)
        return groups.share(self.facts.people.enrolled, among=self.eligible)

    @cached_property
    def tenth(self) -> np.ndarray:
        """The tenth of its city's incomes in which each row stands, int [row]."""
        people = self.facts.people
        return deciles.tenth(people.income, people.weight, people.city)

    @cached_property
    def outcomes(self) -> dict[str, np.ndarray]:
        """What the month meant for riders, by groups of every dimension: see `sim.outcomes.table`. Closes careers."""
        lab, people = self._lab, self.facts.people
        cities = self.labels["city"]
        self._careers.close(people, outcomes.insured(people, self.rules("injury_insurance"), cities))
        posted = [posting.leg.transfer for posting in lab.journal.last]
        return outcomes.table(outcomes.Seen(people, lab.riders.net, posted, lab.rules, self._careers, self.tenth,
                                            cities, tuple(lab.riders.segments["key"])))

    def of_riders(self, column: str) -> float:
        """An outcome of all riders together."""
        return float(self.outcomes[column][0])

    def of_cities(self, column: str) -> np.ndarray:
        """An outcome of riders [city]."""
        return self.outcomes[column][self.outcomes["dimension"] == "city"]

    def riders(self) -> dict[str, dict[str, np.ndarray]]:
        """The month's riders as tables: by city, by city and segment, by city and tenth of income, by every group."""
        cities, segments = np.array(self.labels["city"], object), self._lab.riders.segments["key"]
        people = self.facts.people
        cells = Groups(people.weight, people.city.astype(int) * len(segments) + people.segment,
                       len(cities) * len(segments))
        both = {"city": np.repeat(cities, len(segments)), "segment": np.tile(segments, len(cities))}
        return {"populations/riders": self._summary(self.by_city, {"city": cities}),
                "populations/riders_by_segment": self._summary(cells, both),
                "populations/riders_by_decile": deciles.table(self),
                "populations/rider_outcomes": self.outcomes}

    def groups(self, group: np.ndarray, count: int) -> Groups:
        """The month's riders told apart by a group each, int [row]."""
        return Groups(self.facts.people.weight, group, count)

    def _summary(self, groups: Groups, names: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Persons, means of one person and quantiles of income over persons, by group; nan where there is nobody."""
        people = self.facts.people
        low, middle, high = groups.quantiles(people.income, QUANTILES) / 100
        return {
            "date": np.repeat(self.date, groups.count), **names, "persons": groups.persons,
            "orders": groups.mean(people.orders), "income": groups.mean(people.income / 100), "income_p10": low,
            "income_p50": middle, "income_p90": high, "living": groups.mean(people.living / 100),
            "swaps": groups.mean(people.swaps), "eligible": self.eligible_share(groups),
            "enrolled": groups.mean(people.enrolled)}

    # ------------------------------------------------------------------------------------------------------- money

    @cached_property
    def _bills(self) -> tuple[str, ...]:
        """Names of the month's bills, sorted."""
        return tuple(sorted(set(self.entries["bill"])))

    def paid(self) -> np.ndarray:
        """Fen [account, bill] that each account paid this month; nan where it had no such bill."""
        at = {account: i for i, account in enumerate(self.labels["account"])}
        paid = np.full((len(at), len(self._bills)), np.nan)
        for payer, bill, total in zip(self.entries["payer"], self.entries["bill"], self.entries["total"]):
            cell = at[payer], self._bills.index(bill)
            paid[cell] = np.nan_to_num(paid[cell]) + total
        return paid

    def balances(self) -> np.ndarray:
        """Fen [account] at the month's end."""
        return np.array(list(self._lab.journal.balance.values()))


def _total(values: np.ndarray) -> np.ndarray:
    """Sum over the last axis that skips nan; nan where there is nothing else."""
    return np.where(np.isnan(values).all(axis=-1), np.nan, np.nansum(values, axis=-1))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole; nan where the whole is nothing."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)

