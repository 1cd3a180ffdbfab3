"""Credit: scores and grades of those who trade, points for listed behaviours, guarantees, suspension, exit and repair.

The score of a month comes from what a month really shows of an entity: how far it departed from its contracts, whether
it paid, what it has against its exposure, whether it holds the contracts that it must, and what it withheld. The mean
of a quarter's scores is a grade; the grade sets the guarantee. Points go like those of a driving licence.

*Source*: monthly score, quarterly grade, points [found: oufuruizz.com.cn 29324]; guarantee by grade [found: Hunan,
Jiangsu]; a disclosed signal that parts good from bad [Akerlof1970].
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import model_validator

from sim.calendar import Month
from sim.config import Section, bounded
from sim.messages import SELL, Orders
from sim.network.grid import PLANT
from sim.settlement.owing import shared
from sim.units import CNYPerMWh, Count, Months, Ratio, Share, to_fen

if TYPE_CHECKING:
    from sim.facts import Facts
    from sim.network.grid import Grid

INDICATORS = ("deviation", "payment", "margin", "performance", "withheld")
BEHAVIOURS = ("departs from contracts", "holds too few contracts", "margin below exposure", "does not pay",
              "withholds capacity")
SEVERITIES = ("minor", "moderate", "serious", "grave")
YEAR = 12  # months
NO_GRADE = "none"  # where the law bars nobody


class CreditRules(Section):
    """Key `credit`. enforced: whether guarantees, points and suspension hold.  disclosed: whether users see grades.

    cuts: least score of each grade.  multiplier: of the guarantee, by grade.  base: guarantee for a MWh of
    a year.  letter: what a bank asks a year for a yuan of guarantee.  weights: of the indicators.
    points: with which a year begins.  deductions: by severity.  severity: of each listed behaviour.
    band: departure from what was contracted that counts as none; twice it is the worst.  cover: share that must be held
    in contracts.  withheld: share of available capacity not offered that is listed.
    barred_from: grade from which down a company may sell no new contracts ahead, as it may not without points; "none"
    bars nobody.
    repair: months without a listed behaviour after which a suspended entity, or a barred company, may trade again.
    bar: months before who was expelled may register anew.
    """

    key: ClassVar[str] = "credit"

    enforced: bool
    disclosed: bool
    cuts: dict[str, bounded(Ratio, ge=0, le=100)]
    multiplier: dict[str, bounded(Ratio, ge=0)]
    base: bounded(CNYPerMWh, ge=0)
    letter: bounded(Share, ge=0, le=1)
    weights: dict[str, bounded(Share, ge=0, le=1)]
    points: bounded(Count, ge=1)
    deductions: dict[str, bounded(Count, ge=0)]
    severity: dict[str, str]
    band: bounded(Share, gt=0, le=1)
    cover: bounded(Share, ge=0, le=1)
    withheld: bounded(Share, gt=0, le=1)
    idle: bounded(CNYPerMWh, ge=0)
    ask_from: str
    barred_from: str
    repair: bounded(Months, ge=1)
    bar: bounded(Months, ge=1)

    @model_validator(mode="after")
    def _grades(self):
        cuts = set(self.cuts.values())
        if len(cuts) < max(len(self.cuts), 2) or 0 not in cuts:
            raise ValueError("cuts: expected two grades or more at scores of their own, one of them from 0")
        for name, given, wanted in (("multiplier", self.multiplier, self.cuts), ("weights", self.weights, INDICATORS),
                                    ("deductions", self.deductions, SEVERITIES),
                                    ("severity", self.severity, BEHAVIOURS)):
            if set(given) != set(wanted):
                raise ValueError(f"{name}: names {', '.join(sorted(given))}; expected {', '.join(wanted)}")
        for behaviour, severity in self.severity.items():
            if severity not in SEVERITIES:
                raise ValueError(f"severity: {behaviour} is {severity}; expected one of {', '.join(SEVERITIES)}")
        if abs(sum(self.weights.values()) - 1) > 1e-9:
            raise ValueError(f"weights add up to {sum(self.weights.values()):g}; expected 1")
        if self.ask_from not in self.cuts:
            raise ValueError(f"ask_from: there is no grade {self.ask_from}; expected one of {', '.join(self.cuts)}")
        if self.barred_from not in (NO_GRADE, *self.grades[1:]):
            raise ValueError(f"barred_from: {self.barred_from} is no grade below the best; expected "
                             f"{', '.join(self.grades[1:])} or {NO_GRADE}")
        rising = [self.multiplier[grade] for grade in self.grades]
        if sorted(rising) != rising:
            raise ValueError("multiplier: a worse grade asks for less guarantee; expected it not to")
        return self

    @property
    def grades(self) -> tuple[str, ...]:
        """Names of the grades, best first."""
        return tuple(sorted(self.cuts, key=self.cuts.get, reverse=True))


def score(indicators: np.ndarray, weights: dict[str, float]) -> np.ndarray:
    """Points of 100 [entity]: the weighted mean of the indicators that are known of an entity; 100 where none is.

    indicators: 0 (worst) to 1 [indicator, entity], nan where an entity has none.
    """
    weight = np.array([weights[name] for name in INDICATORS])[:, None] * ~np.isnan(indicators)
    total = weight.sum(axis=0)
    return 100 * np.divide((weight * np.nan_to_num(indicators)).sum(axis=0), total, out=np.ones(total.shape),
                           where=total > 0)


def graded(points: np.ndarray, rules: CreditRules) -> np.ndarray:
    """Grade of a score [entity]: 0 is the best."""
    cuts = np.array([rules.cuts[name] for name in rules.grades])
    return (points[:, None] < cuts[:-1]).sum(axis=1)


def guarantee(energy: np.ndarray, grade: np.ndarray, rules: CreditRules) -> np.ndarray:
    """CNY [entity] to be lodged for so many MWh of a year under a grade."""
    return rules.base * energy * np.array([rules.multiplier[name] for name in rules.grades])[grade]


def faith(departed: np.ndarray, band: float) -> np.ndarray:
    """Indicator of a departure (share of what was contracted): 1 inside the band, 0 from twice it on."""
    return np.clip(2 - np.abs(departed) / band, 0.0, 1.0)


@dataclass
class Register:
    """Where every entity stands. grade: int [entity], 0 the best.  points: int [entity].  scores: of this quarter
    [month, entity], nan before.  suspended, expelled: bool [entity].  clean: months without a listed behaviour.
    until: number of the month from which an expelled one may come back.  strikes: suspensions so far."""

    grade: np.ndarray
    points: np.ndarray
    scores: np.ndarray
    suspended: np.ndarray
    expelled: np.ndarray
    clean: np.ndarray
    until: np.ndarray
    strikes: np.ndarray

    @classmethod
    def of(cls, count: int, points: int, grade: int = 0) -> "Register":
        """A new register, everybody with all points."""
        none = np.zeros(count, bool)
        return cls(np.full(count, grade), np.full(count, points), np.full((3, count), np.nan), none, none.copy(),
                   *np.zeros((3, count), int))

    def live(self, month: Month, indicators: np.ndarray, listed: np.ndarray, who: np.ndarray, rules: CreditRules,
             failed: np.ndarray) -> tuple[int, int]:
        """Judge a month; gives how many were suspended and how many expelled.

        indicators: [indicator, entity].  listed: bool [behaviour, entity].  who: bool [entity], judged at all.  failed:
        bool [entity], did not pay what it owed: these go at once.
        """
        if month.month == 1:
            self.points[:] = rules.points
            self.strikes[:] = 0
        off = np.array([rules.deductions[rules.severity[name]] for name in BEHAVIOURS])
        taken = (listed * off[:, None]).sum(axis=0) * who
        self.points[:] = np.maximum(self.points - taken, 0)
        self.clean[:] = np.where(taken > 0, 0, self.clean + 1)
        self.scores[(month.month - 1) % 3] = np.where(who, score(indicators, rules.weights), np.nan)
        if month.month % 3 == 0:
            known = ~np.isnan(self.scores)
            mean = np.nansum(self.scores, axis=0) / np.maximum(known.sum(axis=0), 1)
            self.grade[:] = np.where(known.any(axis=0), graded(mean, rules), self.grade)
            self.scores[:] = np.nan
        if not rules.enforced:
            return 0, 0
        self._repair(rules)
        return self._sanction(month, who, rules, failed)

    def _repair(self, rules: CreditRules):
        """Who was suspended and stayed clean long enough trades again, with half of the points."""
        back = self.suspended & (self.clean >= rules.repair)
        self.suspended[back] = False
        self.points[back] = np.maximum(rules.points // 2, 1)
        self.grade[back] = np.minimum(self.grade[back], len(rules.cuts) - 2)

    def _sanction(self, month: Month, who, rules: CreditRules, failed) -> tuple[int, int]:
        """Suspend who has no points or the worst grade; expel who fails, or is suspended for the second time in a
        year."""
        bad = who & ~self.suspended & ~self.expelled & ((self.points <= 0) | (self.grade == len(rules.cuts) - 1))
        out = ((bad & (self.strikes > 0)) | failed) & ~self.expelled
        self.strikes += bad
        self.suspended |= bad & ~out
        self.suspended &= ~out
        self.expelled |= out
        self.until[out] = month.number + rules.bar
        return int((bad & ~out).sum()), int(out.sum())

    def bar(self, who: np.ndarray, rules: CreditRules):
        """Bar those of `who` (bool [entity]) from selling ahead who have no points left or a grade from `barred_from`
        down. Who stays clean for `repair` months from then on sells again, with half of the points at least and the
        grade above. Nobody is barred where the law names no grade or credit is not enforced."""
        if not rules.enforced or rules.barred_from == NO_GRADE:
            self.suspended[:] = False
            return
        worst = rules.grades.index(rules.barred_from)
        back = self.suspended & (self.clean >= rules.repair)
        self.suspended[back] = False
        self.points[back] = np.maximum(self.points[back], max(rules.points // 2, 1))
        self.grade[back] = np.minimum(self.grade[back], worst - 1)
        bad = who & ~self.suspended & ((self.points <= 0) | (self.grade >= worst))
        self.clean[bad] = 0
        self.suspended |= bad

    def may_return(self, month: Month) -> np.ndarray:
        """Entities, bool, whose bar is over or who have none."""
        return ~self.expelled | (month.number >= self.until)

    def admit(self, who: np.ndarray, points: int, grade: int):
        """Enter newcomers, with all points and a middle grade."""
        self.grade[who], self.points[who] = grade, points
        self.suspended[who] = self.expelled[who] = False
        self.clean[who] = self.strikes[who] = 0
        self.scores[:, who] = np.nan


# ------------------------------------------------------------------------------------------------------------ companies


@dataclass(frozen=True)
class FirmMonth:
    """Companies' credit at a month's close. names: of owners; grade: int, 0 the best, points: int, scores [firm]; fees:
    fen [unit], of guarantees that bad grades ask for.  barred: bool [firm], may sell no new contracts ahead."""

    names: tuple[str, ...]
    grade: np.ndarray
    points: np.ndarray
    scores: np.ndarray
    fees: np.ndarray
    barred: np.ndarray


def firms(grid: "Grid") -> tuple[tuple[str, ...], np.ndarray]:
    """Owners of plants, by name, and the owner of each unit, int [unit]; -1 for units that are no plants."""
    units = grid.units
    names = tuple(sorted(set(units.owner[units.kind == PLANT])))
    place = {name: i for i, name in enumerate(names)}
    return names, np.array([place[owner] if kind == PLANT else -1 for owner, kind in zip(units.owner, units.kind)], int)


def admitted(orders: Orders, barred: np.ndarray) -> Orders:
    """The orders without what units offer that may not sell ahead. barred: bool [unit]; users are none."""
    if not barred.any():
        return orders
    may = np.append(~barred, True)[np.minimum(orders.unit, len(barred))]
    keep = may | (orders.side != SELL)
    return Orders(orders.unit[keep], orders.side[keep], orders.price[keep], orders.volume[keep], orders.product[keep])


def withheld(facts: "Facts", idle: float) -> np.ndarray:
    """MW of the mean hour [unit] that a plant of known cost could have given where the spot settled at a price above
    its cost by `idle` (CNY/MWh), and did not: the output gap of market monitors."""
    units = facts.grid.units
    cost = np.where(units.kind == PLANT, units.cost, np.nan)[:, None]
    worth = facts.settled & (facts.price[units.bus] > cost + idle)
    idle = np.where(worth, np.maximum(facts.available - facts.output, 0.0), 0.0)
    return idle.sum(axis=1) / max(len(facts.settled), 1)


def of_firms(facts: "Facts", owner: np.ndarray, count: int, rules: CreditRules) -> tuple[np.ndarray, np.ndarray]:
    """What a month shows of companies: indicators [indicator, firm], nan where it shows nothing, and listed behaviours,
    bool [behaviour, firm].

    Only what they sold and did not make departs from contracts; what they make beyond them the spot pays for.
    """
    plants = owner >= 0

    def total(values):
        return np.bincount(owner[plants], values[plants], count)

    units, hours = len(owner), max(facts.output.shape[1], 1)
    made, able = total(np.maximum(facts.output, 0).mean(axis=1)), total(facts.available.mean(axis=1))
    sold = total(np.maximum(facts.positions.sold[:units].mean(axis=1), 0)) * (hours > 0)
    short = np.divide(np.maximum(sold - made, 0), sold, out=np.full(count, np.nan), where=sold > 0)
    idle = np.divide(total(withheld(facts, rules.idle)), able, out=np.full(count, np.nan), where=able > 0)
    indicators = np.stack([faith(short, rules.band), np.where(able > 0, 1.0, np.nan), np.full(count, np.nan), 1 - short,
                           np.clip(1 - idle / rules.withheld, 0, 1)])
    none = np.zeros(count, bool)
    return indicators, np.stack([np.nan_to_num(short) > 2 * rules.band, none, none, none,
                                 np.nan_to_num(idle) > rules.withheld])


def firm_fees(facts: "Facts", owner: np.ndarray, grade: np.ndarray, rules: CreditRules) -> np.ndarray:
    """What guarantees of companies of a bad grade cost this month, fen [unit]: a company's shared by its plants'
    output."""
    made, fees = np.maximum(facts.output, 0).sum(axis=1), np.zeros(len(owner), np.int64)
    bad = np.flatnonzero(grade >= rules.grades.index(rules.ask_from)) if rules.enforced else ()
    for firm in bad:
        mine = owner == firm
        lodged = guarantee(np.array([made[mine].sum() * YEAR]), grade[[firm]], rules)[0]
        fees[mine] = shared(to_fen(lodged * rules.letter / YEAR), made[mine])
    return fees
