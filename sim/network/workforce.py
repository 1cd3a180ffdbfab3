"""Who rides in the cities: rows of the riders' tables, and what follows from them.

A population of slots holds the monthly active riders; a slot keeps its city and segment, its people come and go. What
is law (fees, subscriptions, contribution bases, premiums, dates) is not here but in `configs/law`.
"""

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from sim.config import BadInput, Key, Row, Table, World, bounded
from sim.network.city import ROUNDING
from sim.units import CNYPerMonth, CNYPerOrder, Count, Days, Hours, Ratio, Share, Years

if TYPE_CHECKING:
    from sim.network.conduct import SpellSettings

MONTH_DAYS = 365 / 12  # of a normal month
SPELL_MONTHS = 480  # longest spell that is told apart


class Tier(Row):
    """A row of `rider_tiers.csv`: a class of cities.

    living: cost of living of one person.  fee: per order, on average, in the year behind `rider_incomes.csv`; what is
    paid today is law (`platform.fee`).  districts: of a city, see `sim.network.districts`.
    """

    key: str
    living: bounded(CNYPerMonth, gt=0)
    fee: bounded(CNYPerOrder, gt=0)
    districts: bounded(Count, ge=1, le=64)
    source: str


class Segment(Row):
    """A row of `rider_segments.csv`: a way of being a rider.

    share: of monthly active riders.  high_frequency: works 22 days a month or more.  days: worked in a month of 30;
    spread: persons differ by a uniform multiple 1 - spread to 1 + spread of it.  hours: of a usual working day. exit:
    of the segment's riders in a month (`Spells`).  next: of them who in a month change to the next segment of the
    table; as many come back from it.  peak: exponent on the hourly orders that gives a shift's shape: 1 follows the
    orders, 0 is flat. swaps: share with a battery-swap subscription.  work_cost: of one's own battery and wear, without
    a subscription. other_median, other_sigma: other income as a lognormal multiple of the own living cost; 0 where
    there is none.
    """

    key: str
    share: bounded(Share, ge=0, le=1)
    high_frequency: bool
    days: bounded(Days, gt=0, le=30)
    hours: bounded(Hours, gt=0, le=24)
    spread: bounded(Share, ge=0, lt=1)
    exit: bounded(Share, gt=0, lt=1)
    next: bounded(Share, ge=0, le=0.5)
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


# ------------------------------------------------------------------------------------------------- what follows


class Spells:
    """How long riders stay, by segment and completed months of tenure.

    exit: [segment, tenure], chance to leave at a month's close; tenure 0 is the month of entry, half a month long on
    average.  stock: [segment, tenure], shares of a stationary stock.  newcomers: [segment], its first entries.

    H(t) = (t / scale x exit / reference)^shape; leaving after k months: 1 - exp(H(k - 1/2) - H(k + 1/2)).

    Source: elapsed tenure of couriers in Shanghai, n = 1559, and published monthly and annual turnover, fitted in
    `rider_segments.csv` and world.yaml.
    """

    def __init__(self, settings: "SpellSettings", segments: Table):
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
