"""Who rides in the cities: rows of the riders' tables and the sections of world.yaml that speak of riders.

A population of slots holds the monthly active riders; a slot keeps its city and segment, its people come and go. What
is law (fees, subscriptions, contribution bases, premiums, dates) is not here but in `configs/law`.
"""

from typing import ClassVar

import numpy as np
from pydantic import model_validator

from sim.config import BadInput, Key, Row, Section, Table, World, bounded
from sim.network.city import ROUNDING
from sim.units import (
    CNY,
    CNYPerMonth,
    CNYPerOrder,
    Count,
    Days,
    KWh,
    Logit,
    Months,
    Ratio,
    Share,
    Years,
)

MONTH_DAYS = 365 / 12  # of a normal month
SPELL_MONTHS = 480  # longest spell that is told apart


class Tier(Row):
    """A row of `rider_tiers.csv`: a class of cities.

    living: cost of living of one person.  fee: per order, on average, in the year behind `rider_incomes.csv`; what is
    paid today is law (`platform.fee`).
    """

    key: str
    living: bounded(CNYPerMonth, ge=0)
    fee: bounded(CNYPerOrder, gt=0)
    source: str


class Segment(Row):
    """A row of `rider_segments.csv`: a way of being a rider.

    share: of monthly active riders.  high_frequency: works 22 days a month or more.  days: worked in a month of 30;
    spread: persons differ by a uniform multiple 1 - spread to 1 + spread of it.  exit: of the segment's riders in a
    month (`Spells`).  peak: exponent on the hourly orders that gives a shift's shape: 1 follows the orders, 0 is flat.
    swaps: share with a battery-swap subscription.  work_cost: of one's own battery and wear, without a subscription.
    other_median, other_sigma: other income as a lognormal multiple of the own living cost; 0 where there is none.
    """

    key: str
    share: bounded(Share, ge=0, le=1)
    high_frequency: bool
    days: bounded(Days, gt=0, le=30)
    spread: bounded(Share, ge=0, lt=1)
    exit: bounded(Share, gt=0, lt=1)
    peak: bounded(Ratio, ge=0)
    swaps: bounded(Share, ge=0, le=1)
    work_cost: bounded(CNYPerMonth, ge=0)
    other_median: bounded(Ratio, ge=0)
    other_sigma: bounded(Ratio, ge=0)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]):
        """Shares sum to one; nobody works on more than 30 days of 30. Raises: BadInput."""
        _sum_to_one(table, "share")
        for i, segment in enumerate(table):
            if segment.days * (1 + segment.spread) > 30:
                raise BadInput(table.fault(i, "spread", f"{segment.spread:g} puts some riders above 30 days of "
                                                        "30; expected days x (1 + spread) <= 30"))


class Income(Row):
    """A row of `rider_incomes.csv`: gross platform income of a segment in a tier, in a normal month worked from its
    first day. mean: over persons; sigma: standard deviation of its log over persons and months."""

    identity: ClassVar[tuple[str, ...]] = ("tier", "segment")

    tier: Key("rider_tiers")
    segment: Key("rider_segments")
    mean: bounded(CNYPerMonth, gt=0)
    sigma: bounded(Ratio, ge=0)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]):
        """Every tier has every segment. Raises: BadInput."""
        known = {(row.tier, row.segment) for row in table}
        tiers = tables["rider_tiers"]
        for i, tier in enumerate(tiers):
            for segment in tables["rider_segments"]:
                if (tier.key, segment.key) not in known:
                    raise BadInput(tiers.fault(i, "key", f"{tier.key!r} has no income of {segment.key!r}; expected a "
                                                         "row of rider_incomes.csv"))


class AgeGroup(Row):
    """A row of `rider_ages.csv`: riders aged `first` to `last` (both years included, evenly spread).

    stock: share of those who ride when a run begins; entrants: of those who begin later.
    """

    key: str
    first: bounded(Years, ge=16, le=80)
    last: bounded(Years, ge=16, le=80)
    stock: bounded(Share, ge=0, le=1)
    entrants: bounded(Share, ge=0, le=1)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]):
        """Shares sum to one; a group does not end before it begins. Raises: BadInput."""
        _sum_to_one(table, "stock", "entrants")
        for i, group in enumerate(table):
            if group.last < group.first:
                raise BadInput(table.fault(i, "last", f"{group.last:g} is below first; expected >= {group.first:g}"))


class Household(Row):
    """A row of `rider_households.csv`: share of riders with so many dependants."""

    identity: ClassVar[tuple[str, ...]] = ("dependants",)

    dependants: bounded(Count, ge=0, le=20)
    share: bounded(Share, ge=0, le=1)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]):
        """Shares sum to one. Raises: BadInput."""
        _sum_to_one(table, "share")


class Hukou(Row):
    """A row of `rider_hukou.csv`: a province of hukou of riders from another province, by its key among the law's
    places of insurance (`pension.base`)."""

    key: str
    share: bounded(Share, ge=0, le=1)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]):
        """Shares sum to one; no key is also a city's. Raises: BadInput."""
        _sum_to_one(table, "share")
        cities = set(tables["cities"]["key"])
        for i, hukou in enumerate(table):
            if hukou.key in cities:
                raise BadInput(table.fault(i, "key", f"{hukou.key!r} is a city; expected a place of its own"))


def _sum_to_one(table: Table, *columns: str):
    for column in columns:
        total = float(table[column].sum())
        if abs(total - 1) > ROUNDING:
            last = len(table) - 1
            if last < 0:
                raise BadInput(f"{table.path}: has no row; expected shares that sum to 1")
            raise BadInput(table.fault(last, column, f"the column sums to {total:g}; expected 1"))


# ------------------------------------------------------------------------------------------------------ settings


class WorkSettings(Section):
    """Section `riders.work`: how a month of work varies and what happens on the road.

    transitory: part of the income's variance (of logs) that is redrawn every month; the rest stays with the person.
    first_month: least part of the first month that a newcomer works (uniform up to the whole).
    accidents: per million orders ridden, in usual weather; accidents_rain, accidents_extreme: multiples of a dry day's
    rate.  claim_sizes, claim_shares: benefits of a claim and how often they occur.
    """

    transitory: bounded(Share, ge=0, le=1)
    first_month: bounded(Share, ge=0, le=1)
    accidents: bounded(Ratio, ge=0)
    accidents_rain: bounded(Ratio, ge=0)
    accidents_extreme: bounded(Ratio, ge=0)
    claim_sizes: list[bounded(CNY, ge=0)]
    claim_shares: list[bounded(Share, ge=0, le=1)]
    source: str

    @model_validator(mode="after")
    def _each_size_has_a_share(self):
        if len(self.claim_sizes) != len(self.claim_shares):
            raise ValueError(f"{len(self.claim_sizes)} claim_sizes and {len(self.claim_shares)} claim_shares; expected "
                             "one share for each size")
        if abs(sum(self.claim_shares) - 1) > ROUNDING:
            raise ValueError(f"claim_shares sum to {sum(self.claim_shares):g}; expected 1")
        return self


class SwapSettings(Section):
    """Section `riders.swap`: batteries swapped at cabinets.

    energy: from the grid per working day of a rider with a subscription.  delay: the batteries of an hour's riding are
    charged in so many hours after it, evenly.  replaces: what a subscriber no longer spends on a battery of
    his own, part of the segment's work_cost.
    """

    energy: bounded(KWh, ge=0)
    delay: bounded(int, ge=1, le=23)
    replaces: bounded(CNYPerMonth, ge=0)
    source: str


class PurseSettings(Section):
    """Section `riders.purse`: a rider's own money.

    dependant: living cost of each dependant.  cash_median, cash_sigma: lognormal cash at the start, in months of total
    income.  target: cash aimed at, in months of total income; saved_below, saved_above: share of a month's surplus
    that is kept under and over it, the rest is sent home or spent; run_down: share of what exceeds it spent in a month.
    """

    dependant: bounded(CNYPerMonth, ge=0)
    cash_median: bounded(Ratio, ge=0)
    cash_sigma: bounded(Ratio, ge=0)
    target: bounded(Ratio, ge=0)
    saved_below: bounded(Share, ge=0, le=1)
    saved_above: bounded(Share, ge=0, le=1)
    run_down: bounded(Share, ge=0, le=1)
    source: str


class SpellSettings(Section):
    """Section `riders.spell`: how long riders stay, and how they see their work.

    shape, scale: Weibull of completed spells at an exit of `exit` a month; a segment with another exit lives its spells
    at exit/`exit` times the pace.  leave_age: the oldest riders leave at it.  subsidised: multiple of the chance to
    leave after a subsidy.  temporary_stock, temporary_entrants: share who see the work as temporary, at a run's start
    and among newcomers; after `settle_after` months a share `settle` of them takes root each month, and
    `settle_subsidy` more with every subsidy.
    """

    shape: bounded(Ratio, gt=0)
    scale: bounded(Ratio, gt=0)
    exit: bounded(Share, gt=0, lt=1)
    leave_age: bounded(Years, ge=20, le=100)
    subsidised: bounded(Ratio, ge=0)
    temporary_stock: bounded(Share, ge=0, le=1)
    temporary_entrants: bounded(Share, ge=0, le=1)
    settle_after: bounded(Months, ge=0)
    settle: bounded(Share, ge=0, le=1)
    settle_subsidy: bounded(Share, ge=0, le=1)
    source: str


class HistorySettings(Section):
    """Section `riders.history`: contribution years from before. share: of riders who have any; mean: years of those
    (exponential)."""

    share: bounded(Share, ge=0, le=1)
    mean: bounded(Years, gt=0)
    source: str


class EnrolmentSettings(Section):
    """Section `riders.enrolment`: the decision to pay a pension contribution, reviewed now and then.

    A rider who reviews is enrolled if u + taste > 0, with taste logistic and
    u = const + [ -(1 - match trust E) premium pressure + value - transfer - friction ] / sigma + peers x share;
    money in thousands of yuan a month. E is 1 if he met the subsidy's conditions this month. `agents.riders_kernels`
    has the parts; const and sigma are fitted by `experiments/calibrate.py`.

    sigma: k yuan a month.  const, peers: logits.  beta_*: present bias, normal, cut at low and high.
    discount, mortality: a year.  annuity: months' pensions worth at retirement (12 x years discounted).
    wage_growth, account_growth: a year, real.  wage_ratio: lower base over average wage.
    age_switch: up to it young_*, above it old_* for retirement age, annuity divisor and years needed.
    vest_temporary, vest_rooted, vest_power, vest_away: chance to reach a pension.  transfer_cost: CNY once, over
    12 x horizon_* months within horizon_least and horizon_most.  friction: k yuan a month, where hukou is elsewhere.
    pressure_*: a yuan weighs 1 + slope exp(-cash / (cash months x income)) min(cap, scale / income), at most `most`.
    trust_entry: belief that the subsidy arrives; trust_peers: part of the doubt that a month with all peers enrolled
    removes.  keep_taste: chance that a review is made with the taste of a lifetime, not of the moment.
    review_*: chances of a review in a month.
    """

    sigma: bounded(Ratio, gt=0)
    const: Logit
    peers: bounded(Logit, ge=0)
    beta_mean: bounded(Share, ge=0, le=1)
    beta_sd: bounded(Share, ge=0, le=1)
    beta_low: bounded(Share, ge=0, le=1)
    beta_high: bounded(Share, ge=0, le=1)
    discount: bounded(Share, gt=0, le=1)
    mortality: bounded(Share, ge=0, le=1)
    annuity: bounded(Ratio, ge=0)
    wage_growth: bounded(Ratio, gt=0)
    account_growth: bounded(Ratio, gt=0)
    wage_ratio: bounded(Share, gt=0, le=1)
    age_switch: bounded(Years, ge=0)
    young_retire: bounded(Years, ge=0)
    young_divisor: bounded(Ratio, gt=0)
    young_need: bounded(Years, gt=0)
    old_retire: bounded(Years, ge=0)
    old_divisor: bounded(Ratio, gt=0)
    old_need: bounded(Years, gt=0)
    vest_temporary: bounded(Share, ge=0, le=1)
    vest_rooted: bounded(Share, ge=0, le=1)
    vest_power: bounded(Ratio, ge=0)
    vest_away: bounded(Share, ge=0, le=1)
    transfer_cost: bounded(CNY, ge=0)
    horizon_temporary: bounded(Years, ge=0)
    horizon_rooted: bounded(Years, ge=0)
    horizon_least: bounded(Ratio, gt=0)
    horizon_most: bounded(Ratio, gt=0)
    friction: bounded(Ratio, ge=0)
    pressure_slope: bounded(Ratio, ge=0)
    pressure_cash: bounded(Ratio, gt=0)
    pressure_cap: bounded(Ratio, ge=0)
    pressure_income: bounded(CNYPerMonth, gt=0)
    pressure_most: bounded(Ratio, ge=1)
    trust_entry: bounded(Share, ge=0, le=1)
    trust_peers: bounded(Share, ge=0, le=1)
    keep_taste: bounded(Share, ge=0, le=1)
    review_outside: bounded(Share, ge=0, le=1)
    review_entry: bounded(Share, ge=0, le=1)
    review_eligible: bounded(Share, ge=0, le=1)
    review_enrolled: bounded(Share, ge=0, le=1)
    source: str


class RiderSettings(Section):
    """The section `riders` of world.yaml."""

    work: WorkSettings
    swap: SwapSettings
    purse: PurseSettings
    spell: SpellSettings
    history: HistorySettings
    enrolment: EnrolmentSettings


# ------------------------------------------------------------------------------------------------- what follows


class Spells:
    """How long riders stay, by segment and completed months of tenure.

    exit: [segment, tenure], chance to leave at a month's close; tenure 0 is the month of entry, half a month long on
    average.  stock: [segment, tenure], shares of a stationary stock.  newcomers: [segment], its first entries.

    H(t) = (t / scale x exit / reference)^shape; leaving after k months: 1 - exp(H(k - 1/2) - H(k + 1/2)).

    Source: elapsed tenure of couriers in Shanghai, n = 1559, and published monthly and annual turnover, fitted in
    `rider_segments.csv` and world.yaml.
    """

    def __init__(self, settings: SpellSettings, segments: Table):
        pace = segments["exit"][:, None] / settings.exit
        ends = np.maximum(np.arange(SPELL_MONTHS + 1) - 0.5, 0.0)
        hazard = (ends / settings.scale * pace) ** settings.shape
        self.exit = 1 - np.exp(hazard[:, :-1] - hazard[:, 1:])
        stays = np.cumprod(1 - self.exit[:, :-1], axis=1)
        stock = np.column_stack([np.ones(len(stays)), stays])
        self.stock = stock / stock.sum(axis=1, keepdims=True)
        self.newcomers = self.stock[:, 0]


def by_tier(world: World, column: str) -> np.ndarray:
    """A column of `rider_incomes` as a matrix [tier, segment]."""
    tiers, segments = world["rider_tiers"], world["rider_segments"]
    matrix = np.zeros((len(tiers), len(segments)))
    for row in world["rider_incomes"]:
        matrix[tiers.position(row.tier), segments.position(row.segment)] = getattr(row, column)
    return matrix


def normal_work(world: World) -> np.ndarray:
    """Orders that a rider of normal means delivers on a working day, [tier, segment]: income / fee / working days."""
    days = world["rider_segments"]["days"] / 30 * MONTH_DAYS
    return by_tier(world, "mean") / world["rider_tiers"]["fee"][:, None] / days
