"""What is kept of a run, at which rhythm, in which unit. The recorder watches and touches nothing.

An outcome is one line of OUTCOMES: its name, unit and rhythm, the axes of its values and the function that reads them
off a closed month. Outcomes become the tidy table of indicators; beside it go the hourly and daily tables, the riders'
summaries and the journal. Every closed month is handed to a sink, table by table; `Memory` is the sink that keeps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike

from sim import certificates, contracted, increments, retail, revenue, tracing
from sim.calendar import Month
from sim.closed_month import ClosedMonth
from sim.insurance import burden
from sim.insurance.careers import Careers
from sim.messages import BUY, SELL
from sim.network.grid import NEIGHBOUR, PLANT, STORE, USER
from sim.settlement import meters, pooled

if TYPE_CHECKING:
    import pandas

    from sim.model import PolicyLab

Table = dict[str, np.ndarray]
MONTH, DAY = "month", "day"
WORLD, ZONE, BASIN, CITY, CORRIDOR = "world", "zone", "basin", "city", "corridor"
PACKAGE, STATE, GRADE = "package", "state", "grade"
TECHNOLOGY, BILL, ACCOUNT, EVENT, ASSET, COUNTRY = "technology", "bill", "account", "event", "asset", "country"
FLOW, VINTAGE, CONSUMER, SOURCE, POOL, MEMBER = "flow", "vintage", "consumer", "source", "pool", "member"


@dataclass(frozen=True)
class Outcome:
    """One thing that is kept as an indicator.

    name: of the indicator; a second axis is appended to it ("generation.hydro").  unit: of its values.
    rhythm: a value a month (dated its first day) or a day.
    axes: the first names the place of a value (column `zone`: a zone, basin, city, corridor, country, account or
    consumer; "all" for the world).
    of: what gives the values of a closed month, [*axes], for rhythm "day" [*axes, D], the world being no axis of
    its own; nan is not kept.
    """

    name: str
    unit: str
    rhythm: Literal["month", "day"]
    axes: tuple[str, ...]
    of: Callable[[ClosedMonth], ArrayLike]


OUTCOMES = (
    # prices and energy: energy at the buses of a zone; exports at the sending end, imports as they arrive
    Outcome("price", "CNY/MWh", MONTH, (ZONE,), lambda m: m.facts.zone_mean()),
    Outcome("price_plain", "CNY/MWh", MONTH, (ZONE,), lambda m: m.plain_price()),
    Outcome("load", "MWh", MONTH, (ZONE,), lambda m: m.zone_sum(m.facts.load)),
    Outcome("generation", "MWh", MONTH, (ZONE, TECHNOLOGY), lambda m: m.given(PLANT)),
    Outcome("discharged", "MWh", MONTH, (ZONE, TECHNOLOGY), lambda m: m.given(STORE)),
    Outcome("charged", "MWh", MONTH, (ZONE, TECHNOLOGY), lambda m: m.taken(STORE)),
    Outcome("large_users", "MWh", MONTH, (ZONE,), lambda m: m.taken_by_zone(USER)),
    Outcome("neighbours_sold", "MWh", MONTH, (ZONE,), lambda m: m.given_by_zone(NEIGHBOUR)),
    Outcome("neighbours_bought", "MWh", MONTH, (ZONE,), lambda m: m.taken_by_zone(NEIGHBOUR)),
    Outcome("curtailed", "MWh", MONTH, (ZONE, TECHNOLOGY), lambda m: m.curtailed()),
    Outcome("curtailment", "share", MONTH, (ZONE, TECHNOLOGY), lambda m: m.curtailment()),
    Outcome("clean_share", "share", MONTH, (ZONE,), lambda m: m.clean_share()),
    Outcome("shed", "MWh", MONTH, (ZONE,), lambda m: m.zone_sum(m.facts.shed)),
    Outcome("disposed", "MWh", MONTH, (ZONE,), lambda m: m.zone_sum(m.facts.disposed)),
    Outcome("exports", "MWh", MONTH, (ZONE, ZONE), lambda m: m.exports()),
    Outcome("imports", "MWh", MONTH, (ZONE, ZONE), lambda m: m.imports()),
    Outcome("sent", "MWh", MONTH, (CORRIDOR,), lambda m: m.corridors.sent.sum(axis=1)),
    Outcome("delivered", "MWh", MONTH, (CORRIDOR,), lambda m: m.corridors.delivered.sum(axis=1)),
    Outcome("utilisation", "share", MONTH, (CORRIDOR,), lambda m: m.corridors.utilisation()),
    Outcome("link_fee", "CNY", MONTH, (CORRIDOR,), lambda m: m.link_fees()),
    Outcome("rent", "CNY", MONTH, (WORLD,), lambda m: m.facts.rent.sum()),
    # trade beyond the province
    Outcome("lost_by_turns", "CNY", MONTH, (WORLD,), lambda m: m.lost_by_turns()),
    Outcome("increment", "MWh", MONTH, (ZONE, ZONE),
            lambda m: increments.by_zones(m.facts, increments.increments(m.facts))),
    Outcome("increment_corridor", "MWh", MONTH, (CORRIDOR,), lambda m: m.of_links(increments.increments(m.facts))),
    Outcome("contract_scheduled", "MWh", MONTH, (CORRIDOR,),
            lambda m: m.of_links(increments.scheduled(m.facts).sum(axis=1))),
    Outcome("contract_carried", "MWh", MONTH, (CORRIDOR,),
            lambda m: m.of_links(increments.carried(m.facts).sum(axis=1))),
    Outcome("incremental_contracts", "MWh", MONTH, (ZONE,), lambda m: increments.contracted(m.facts, SELL)),
    Outcome("agreement_reduced", "MWh", MONTH, (ZONE,), lambda m: increments.contracted(m.facts, BUY)),
    Outcome("cross_area", "MWh", MONTH, (WORLD,),
            lambda m: increments.across_areas(m.facts, m.rules("crossarea"), False)),
    Outcome("cross_area_origin", "MWh", MONTH, (WORLD,),
            lambda m: increments.across_areas(m.facts, m.rules("crossarea"), True)),
    Outcome("border_listed", "MWh", MONTH, (ZONE,), lambda m: increments.at_borders(m.facts, matched=False)),
    Outcome("border_matched", "MWh", MONTH, (ZONE,), lambda m: increments.at_borders(m.facts, matched=True)),
    Outcome("foreign_entities", "count", MONTH, (COUNTRY,), lambda m: m.foreign_entities()),
    # contracts inside a zone; what joint clearing of all zones gains over each alone, where the law compares
    Outcome("contracted", "MWh", MONTH, (ZONE, TECHNOLOGY), lambda m: contracted.sold_by(m.facts, m.technologies)),
    Outcome("bought_ahead", "MWh", MONTH, (ZONE,), lambda m: contracted.bought(m.facts)),
    Outcome("contract_price", "CNY/MWh", MONTH, (ZONE,), lambda m: contracted.price(m.facts)),
    Outcome("traded_share", "share", MONTH, (ZONE,), lambda m: contracted.traded_share(m.facts)),
    Outcome("settled_days", "days", MONTH, (WORLD,), lambda m: m.facts.settled.sum() / 24),
    Outcome("joint_gain", "CNY", MONTH, (WORLD,), lambda m: m.facts.gain.total or np.nan),
    Outcome("joint_gain_sellers", "CNY", MONTH, (ZONE,), lambda m: _known(m, m.facts.gain.sellers)),
    Outcome("joint_gain_users", "CNY", MONTH, (ZONE,), lambda m: _known(m, m.facts.gain.users)),
    Outcome("joint_gain_network", "CNY", MONTH, (WORLD,),
            lambda m: m.facts.gain.network if m.facts.gain.total else np.nan),
    Outcome("joint_clean", "MWh", MONTH, (ZONE,), lambda m: _known(m, m.facts.gain.clean)),
    # market power, by zone of the plants
    Outcome("hhi_capacity", "points", MONTH, (ZONE,), lambda m: m.power.hhi_capacity),
    Outcome("hhi_output", "points", MONTH, (ZONE,), lambda m: m.power.hhi_output),
    Outcome("lerner", "ratio", MONTH, (ZONE,), lambda m: m.power.lerner),
    Outcome("rsi_min", "ratio", MONTH, (ZONE,), lambda m: m.power.rsi_min),
    Outcome("rsi_p05", "ratio", MONTH, (ZONE,), lambda m: m.power.rsi_p05),
    Outcome("pivotal", "share", MONTH, (ZONE,), lambda m: m.power.pivotal),
    # ancillary services: MW of the requirement, held for an hour; a price is for a MW at performance 1
    Outcome("regulation_price", "CNY/MW", MONTH, (ZONE,), lambda m: m.of_services(lambda s: s.price(0))),
    Outcome("regulation", "MWh", MONTH, (ZONE,), lambda m: m.of_services(lambda s: s.volume(0))),
    Outcome("regulation_lack", "MWh", MONTH, (ZONE,), lambda m: m.of_services(lambda s: s.lack(0))),
    Outcome("reserve_price", "CNY/MW", MONTH, (ZONE,), lambda m: m.of_services(lambda s: s.price(1))),
    Outcome("reserve", "MWh", MONTH, (ZONE,), lambda m: m.of_services(lambda s: s.volume(1))),
    Outcome("reserve_lack", "MWh", MONTH, (ZONE,), lambda m: m.of_services(lambda s: s.lack(1))),
    Outcome("services_missed", "MWh", MONTH, (ZONE,), lambda m: m.of_services(lambda s: s.missed())),
    Outcome("ancillary_cost", "CNY", MONTH, (ZONE,), lambda m: m.of_services(lambda s: s.cost())),
    Outcome("ancillary_income", "CNY", MONTH, (ZONE, TECHNOLOGY), lambda m: m.services_income()),
    # water and weather
    Outcome("stored_water", "MWh", DAY, (BASIN,), lambda m: m.facts.water_energy),
    Outcome("spilled_water", "hm3", MONTH, (BASIN,), lambda m: m.basin_sum(m.facts.spilled)),
    Outcome("temperature", "degC", DAY, (ZONE,), lambda m: m.facts.temperature),
    # green certificates: what happened to them in the month, and at what price they were sold
    Outcome("certificates", "certificates", MONTH, (WORLD, FLOW), lambda m: certificates.flows(m.facts)),
    Outcome("free_certificates", "certificates", MONTH, (ZONE,), lambda m: certificates.free(m.facts)),
    Outcome("certificates_held", "certificates", MONTH, (WORLD,), lambda m: m.facts.certificates.held().sum()),
    Outcome("certificate_price", "CNY/certificate", MONTH, (WORLD, VINTAGE), lambda m: certificates.prices(m.facts)),
    # retail: what packages hold, who chose, what offers ask; retailers, their credit and what failing cost
    Outcome("package_energy", "MWh", MONTH, (WORLD, PACKAGE), lambda m: retail.kept(m, lambda r: r.by_kind)),
    Outcome("package_share", "share", MONTH, (WORLD, PACKAGE), lambda m: retail.kept(m, lambda r: r.shares())),
    Outcome("accounts", "count", MONTH, (WORLD, STATE), lambda m: retail.kept(m, lambda r: r.accounts)),
    Outcome("retail_energy", "MWh", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.energy.sum())),
    Outcome("retail_price", "CNY/MWh", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.price)),
    Outcome("retail_expected_price", "CNY/MWh", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.expected)),
    Outcome("retail_default_price", "CNY/MWh", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.default)),
    Outcome("retail_dispersion", "CNY/MWh", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.dispersion)),
    Outcome("retail_paid_dispersion", "CNY/MWh", MONTH, (WORLD,),
            lambda m: retail.kept(m, lambda r: r.paid_dispersion)),
    Outcome("retail_signed_below", "CNY/MWh", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.below)),
    Outcome("retail_margin", "CNY", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.margin())),
    Outcome("retail_cover", "share", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.cover)),
    Outcome("retail_concentration", "points", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.concentration())),
    Outcome("retailers_standing", "count", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.standing)),
    Outcome("retailers_admitted", "count", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.admitted)),
    Outcome("retailers_failed", "count", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.failed)),
    Outcome("retailers_suspended", "count", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.suspended)),
    Outcome("retailers_expelled", "count", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.expelled)),
    Outcome("retailers_graded", "count", MONTH, (WORLD, GRADE), lambda m: retail.grades(m)),
    Outcome("companies_graded", "count", MONTH, (WORLD, GRADE), lambda m: retail.firm_grades(m)),
    Outcome("companies_barred", "count", MONTH, (WORLD,),
            lambda m: np.nan if m.facts.firms is None else m.facts.firms.barred.sum()),
    Outcome("company_score", "points", MONTH, (WORLD,),
            lambda m: np.nan if m.facts.firms is None else m.facts.firms.scores.mean()),
    Outcome("default_loss", "CNY", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.lost.sum() / 100)),
    Outcome("guarantee_called", "CNY", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.called.sum() / 100)),
    Outcome("guarantees", "CNY", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.guarantee.sum() / 100)),
    Outcome("guarantee_fees", "CNY", MONTH, (WORLD,), lambda m: retail.kept(m, lambda r: r.fees.sum() / 100)),
    # tracing and carbon: whose energy came from where; what plants emit and what allowances are free for
    Outcome("traced", "MWh", MONTH, (CONSUMER, SOURCE), lambda m: tracing.energy(m.facts)),
    Outcome("traced_contract", "share", MONTH, (CONSUMER,), lambda m: tracing.of_consumers(
        m.facts, lambda t: tracing.share(t.contract.sum(axis=1), t.used))),
    Outcome("traced_green", "share", MONTH, (CONSUMER,),
            lambda m: tracing.of_consumers(m.facts, lambda t: tracing.share(t.green, t.used))),
    Outcome("footprint", "t", MONTH, (CONSUMER,), lambda m: tracing.of_consumers(m.facts, lambda t: t.carbon)),
    Outcome("footprint_year", "t", MONTH, (CONSUMER,),
            lambda m: tracing.of_consumers(m.facts, lambda _: m.facts.tracer.carbon)),
    Outcome("footprint_claimed_year", "t", MONTH, (CONSUMER,),
            lambda m: tracing.of_consumers(m.facts, lambda _: m.facts.tracer.claims(m.facts))),
    Outcome("emissions", "t", MONTH, (ZONE, TECHNOLOGY), lambda m: m.emissions()[0]),
    Outcome("allowances", "t", MONTH, (ZONE, TECHNOLOGY), lambda m: m.emissions()[1]),
    # pools of small resources: what they earned, whether their split holds, who gets what
    Outcome("pool_income", "CNY", MONTH, (POOL,), lambda m: pooled.by_pool(m.facts, lambda p: p.income / 100)),
    Outcome("pool_excess", "CNY/day", MONTH, (POOL,),
            lambda m: pooled.by_pool(m.facts, lambda p: pooled.held(p, lambda s: s.excess))),
    Outcome("pool_in_core", "flag", MONTH, (POOL,),
            lambda m: pooled.by_pool(m.facts, lambda p: pooled.held(p, lambda s: s.in_core))),
    Outcome("pool_rational", "flag", MONTH, (POOL,),
            lambda m: pooled.by_pool(m.facts, lambda p: pooled.held(p, lambda s: s.rational))),
    Outcome("pool_member_income", "CNY", MONTH, (MEMBER,),
            lambda m: pooled.by_member(m.facts, lambda p: p.earned / 100)),
    Outcome("pool_member_part", "share", MONTH, (MEMBER,), lambda m: pooled.by_member(m.facts, lambda p: p.part)),
    Outcome("pool_member_bound", "share", MONTH, (MEMBER,), lambda m: pooled.by_member(m.facts, lambda p: p.bound)),
    Outcome("pool_member_contract", "share", MONTH, (MEMBER,),
            lambda m: pooled.by_member(m.facts, lambda p: p.contract)),
    Outcome("swap_rebate", "CNY/month", MONTH, (CITY,), lambda m: pooled.rebate(m.facts)),
    # riders: means over persons, income and claims of one person
    Outcome("riders", "persons", MONTH, (CITY,), lambda m: m.by_city.persons),
    Outcome("orders", "orders", MONTH, (CITY,), lambda m: m.facts.done.sum(axis=1)),
    Outcome("orders_unmet", "orders", MONTH, (CITY,), lambda m: (m.facts.asked - m.facts.done).sum(axis=1)),
    Outcome("charging", "MWh", MONTH, (CITY,), lambda m: m.facts.charging.sum(axis=1)),
    Outcome("income", "CNY/month", MONTH, (CITY,), lambda m: m.by_city.mean(m.facts.people.income / 100)),
    Outcome("claims", "CNY", MONTH, (CITY,), lambda m: m.by_city.sum(m.facts.people.claims / 100)),
    Outcome("eligible_share", "share", MONTH, (CITY,), lambda m: m.eligible_share(m.by_city)),
    Outcome("enrolled_share", "share", MONTH, (CITY,), lambda m: m.by_city.mean(m.facts.people.enrolled)),
    Outcome("take_up", "share", MONTH, (CITY,), lambda m: m.take_up(m.by_city)),
    Outcome("migrant_share", "share", MONTH, (CITY,), lambda m: m.by_city.mean(m.facts.people.migrant)),
    Outcome("crossed_share", "share", MONTH, (CITY,), lambda m: m.by_city.mean(m.facts.people.crossed)),
    Outcome("temporary_share", "share", MONTH, (CITY,), lambda m: m.by_city.mean(m.facts.people.temporary)),
    # what insurance means for them, see `sim.outcomes.table`; by other groups in the table populations/rider_outcomes
    Outcome("net_income", "CNY/month", MONTH, (CITY,), lambda m: m.of_cities("net_income")),
    Outcome("net_income_gini", "ratio", MONTH, (WORLD,), lambda m: m.of_riders("gini")),
    Outcome("pension_persistence", "share", MONTH, (WORLD,), lambda m: m.of_riders("persistence_12")),
    Outcome("contribution_density", "share", MONTH, (WORLD,), lambda m: m.of_riders("density")),
    Outcome("expected_replacement", "share", MONTH, (WORLD,), lambda m: m.of_riders("replacement")),
    Outcome("injured_poor", "share", MONTH, (WORLD,), lambda m: m.of_riders("injured_poor")),
    Outcome("injury_person_times", "person-times", MONTH, (CITY,), lambda m: m.of_cities("injury_person_times")),
    # who bears what
    Outcome("welfare_per_order", "CNY/order", MONTH, (WORLD,), burden.welfare_per_order),
    Outcome("fiscal_cost", "CNY", MONTH, (WORLD,), burden.fiscal_cost),
    # assets: what stands, is started this year and under construction; what a kW earned in the month, by stream; what
    # those who build expect of a year, at which rate, and what must be paid for being there so that they lose nothing
    Outcome("stands", "MW", MONTH, (ZONE, TECHNOLOGY), revenue.stands),
    Outcome("started", "MW", MONTH, (ZONE, TECHNOLOGY),
            lambda m: revenue.of_developers(m, lambda d, i: d.started_of(i))),
    Outcome("under_construction", "MW", MONTH, (ZONE, TECHNOLOGY),
            lambda m: revenue.of_developers(m, lambda d, i: d.queue_of(d.projects[i].technology))),
    Outcome("regulation_capacity_price", "CNY/kW-yr", MONTH, (ZONE,),
            lambda m: revenue.traded(m, "regulation_capacity", "price")),
    Outcome("regulation_capacity_supply", "MW", MONTH, (ZONE,),
            lambda m: revenue.traded(m, "regulation_capacity", "supply")),
    Outcome("regulation_capacity_duty", "MW", MONTH, (ZONE,),
            lambda m: revenue.traded(m, "regulation_capacity", "duty")),
    Outcome("revenue", "CNY/kW", MONTH, (ZONE, ASSET), revenue.per_kw),
    Outcome("expected_revenue", "CNY/kW-yr", MONTH, (ZONE, TECHNOLOGY),
            lambda m: revenue.of_developers(m, lambda d, i: d.expected[i])),
    Outcome("internal_rate", "share", MONTH, (ZONE, TECHNOLOGY),
            lambda m: revenue.of_developers(m, lambda d, i: d.rate[i])),
    Outcome("break_even", "CNY/kW-yr", MONTH, (ZONE, TECHNOLOGY),
            lambda m: revenue.of_developers(m, lambda d, i: d.break_even(m.month.year)[d.projects[i].technology])),
    # money, in yuan of integer fen; the place is an account, of what is paid the payer's
    Outcome("paid", "CNY", MONTH, (ACCOUNT, BILL), lambda m: m.paid() / 100),
    Outcome("balance", "CNY", MONTH, (ACCOUNT,), lambda m: m.balances() / 100),
    Outcome("entries", "count", MONTH, (WORLD,), lambda m: len(m.entries["total"])),
    Outcome("posted", "fen", MONTH, (WORLD,), lambda m: m.entries["total"].sum()),
    # how exact the month was: the largest violation of a balance, and what the clearing had to mend
    Outcome("imbalance", "MW", MONTH, (WORLD,), lambda m: m.facts.imbalance),
    Outcome("rent_residual", "CNY", MONTH, (WORLD,), lambda m: m.facts.residual),
    Outcome("water_residual", "hm3", MONTH, (WORLD,), lambda m: m.facts.water_residual),
    Outcome("events", "count", MONTH, (WORLD, EVENT), lambda m: list(m.facts.events.values())),
)


def _known(month: ClosedMonth, values: np.ndarray) -> np.ndarray:
    """Parts of the gain of joint clearing [zone], nan in a month without a comparison."""
    return values if month.facts.gain.total else np.full(len(values), np.nan)


class Sink(Protocol):
    """Where finished months go."""

    def write(self, kind: str, month: Month, table: Table):
        """Take one month of one kind of table ("indicators", "hourly/bus" ...): columns of equal length by name."""


class Memory:
    """The sink that keeps every table in memory: `lab.results.indicators`."""

    def __init__(self):
        self._months: dict[str, list[Table]] = {}

    def write(self, kind: str, month: Month, table: Table):
        """Keep a month of a kind of table."""
        self._months.setdefault(kind, []).append(table)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of tables kept so far, sorted."""
        return tuple(sorted(self._months))

    def table(self, kind: str) -> "pandas.DataFrame":
        """All months of a kind, in order. Raises: KeyError for a kind that nothing was written of."""
        import pandas  # only when looked at: a run does not need it

        months = self._months[kind]
        return pandas.DataFrame({name: np.concatenate([table[name] for table in months]) for name in months[0]})

    @property
    def indicators(self) -> "pandas.DataFrame":
        """The tidy table: date, zone, indicator, value, unit."""
        return self.table("indicators")


class Recorder:
    """Hands every closed month to a sink.

    hourly: whether hourly and daily tables are kept too.
    """

    def __init__(self, sink: Sink, hourly: bool = True):
        self._sink, self._hourly, self._careers = sink, hourly, Careers()

    def keep(self, month: Month, lab: "PolicyLab"):
        """Write all tables of the month that closes. It must be posted, and its last day be the calendar's now."""
        closed = ClosedMonth(month, lab, self._careers)
        tables = {"indicators": indicators(closed)} | closed.riders()
        if self._hourly:
            tables |= hourly(closed) | daily(closed)
        tables |= tracing.tables(closed.facts, closed.date) | retail.table(closed.facts, closed.date)
        tables["assets"] = revenue.table(closed.date, closed.facts.income, closed.grid)
        tables |= {f"journal/{name}": table for name, table in (lab.journal.tables(month) | lab.chain.tables()).items()}
        for kind, table in tables.items():
            self._sink.write(kind, month, table)


def indicators(closed: ClosedMonth, outcomes: tuple[Outcome, ...] = OUTCOMES) -> Table:
    """The month's rows of the tidy table: date, zone, indicator, value, unit; a nan is no row."""
    parts = [_tidy(outcome, closed) for outcome in outcomes]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _tidy(outcome: Outcome, closed: ClosedMonth) -> Table:
    """The rows of one outcome, in the order of its axes."""
    labels = [closed.labels[axis] for axis in outcome.axes]
    values = np.asarray(outcome.of(closed), float)
    values = values[None] if outcome.axes[0] == WORLD else values
    dates = closed.dates if outcome.rhythm == DAY else np.array([closed.date])
    values = values if outcome.rhythm == DAY else values[..., None]
    wanted = (*map(len, labels), len(dates))
    if values.shape != wanted:
        raise ValueError(f"outcome {outcome.name!r}: shape {values.shape} where its axes say {wanted}")
    places = np.array(labels[0], object)
    names = np.array([f"{outcome.name}.{label}" for label in labels[1]] if labels[1:] else outcome.name, object)
    places = places.reshape(-1, *[1] * (values.ndim - 1))
    names = names.reshape(-1, 1) if labels[1:] else names
    known = ~np.isnan(values)
    unit = np.array(outcome.unit, object)
    columns = {"date": dates, "zone": places, "indicator": names, "value": values, "unit": unit}
    return {name: np.broadcast_to(column, values.shape)[known] for name, column in columns.items()}


def hourly(closed: ClosedMonth) -> dict[str, Table]:
    """The hourly tables, a row per hour of each bus, bus and technology, corridor, store and city; float32.

    bus: price and its energy part, load, net output of all units, shed and disposed. Together with the corridors'
    sent (leaves `start`) and delivered (arrives at `end`) they balance at every bus and hour:
    output + shed + arriving = load + disposed + leaving. ahead_price, ahead_output: of the day-ahead market, 0 where it
    did not clear; settled: 1 where the spot's prices settle the hour.
    """
    facts, grid = closed.facts, closed.grid
    corridors, technologies, stores = closed.corridors, closed.bus_technology, grid.units.of_kind(STORE)
    zone_of_bus = np.array(grid.zone, object)[grid.bus_zone]
    bus_of_store = np.array(grid.bus, object)[grid.units.bus[stores]]
    return {
        "hourly/bus": _long(
            "time", closed.times, {"bus": grid.bus, "zone": zone_of_bus},
            price=facts.price, energy=facts.energy, load=facts.load, output=meters.injected(facts), shed=facts.shed,
            disposed=facts.disposed, ahead_price=facts.ahead.price, ahead_output=meters.injected(facts.ahead),
            settled=np.broadcast_to(facts.settled, facts.price.shape)),
        "hourly/technology": _long(
            "time", closed.times, {"bus": technologies.bus, "technology": technologies.technology},
            output=technologies.sum(facts.output), available=technologies.sum(facts.available)),
        "hourly/corridor": _long(
            "time", closed.times, {"corridor": corridors.key, "start": corridors.start, "end": corridors.end},
            sent=corridors.sent, delivered=corridors.delivered, shadow=corridors.shadow),
        "hourly/store": _long(
            "time", closed.times, {"store": grid.units.key[stores], "bus": bus_of_store},
            output=facts.output[stores], stored=facts.stored[stores]),
        "hourly/city": _long(
            "time", closed.times, {"city": closed.labels[CITY]},
            asked=facts.asked, done=facts.done, charging=facts.charging),
    }


def daily(closed: ClosedMonth) -> dict[str, Table]:
    """The daily tables: reservoirs with water at the day's end, local inflow and spill, all hm3; float32."""
    facts = closed.facts
    return {"daily/reservoir": _long(
        "date", closed.dates, {"reservoir": closed.reservoirs, "basin": closed.reservoir_basins},
        water=facts.water, inflow=facts.inflow, spilled=facts.spilled)}


def _long(axis: str, times: np.ndarray, names: dict[str, np.ndarray], **values: np.ndarray) -> Table:
    """Arrays [row, time] as one long table: the times under the name of their axis, what each row is called, and a
    float32 column for each array."""
    rows = len(next(iter(names.values())))
    table = {axis: np.tile(times, rows)}
    table |= {name: np.repeat(np.array(column, object), len(times)) for name, column in names.items()}
    return table | {name: np.ascontiguousarray(array, np.float32).ravel() for name, array in values.items()}

