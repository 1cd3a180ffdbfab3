"""Outcomes of a month by groups of riders: who is covered, who stays, what it leaves them with, what it costs whom.

One row is one group: of a dimension (`DIMENSIONS`), or of all riders. Everything that is a sum over persons is summed
once, over the cells in which all dimensions cross, and each dimension is a margin of these cells.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.deciles import TENTHS
from sim.insurance import poverty, worth
from sim.insurance.careers import Careers
from sim.insurance.participation import begun
from sim.insurance.window import eligible
from sim.messages import People, Transfer

PAY = "pay of orders"
INSURERS = ("injury_fund", "insurer")
PREMIUM, ACCIDENT_PREMIUM = "injury premium", "accident premium"  # on orders that are, and that are not, insured
AGES, AGE_FROM = ("under 25", "25 to 34", "35 to 44", "45 and over"), (25 * 12, 35 * 12, 45 * 12)  # months
GENDERS, ORIGINS = ("man", "woman"), ("local", "other city", "other province")
DIMENSIONS = ("city", "segment", "age", "gender", "origin", "decile")
ALL = "all"
BACK = (3, 12)  # months after which it is asked who still pays
UNITS = {
    "persons": "persons", "orders": "orders", "income": "CNY/month", "net_income": "CNY/month", "gini": "ratio",
    "coverage": "share", "eligible": "share", "take_up": "share", "persistence_3": "share", "persistence_12": "share",
    "density": "share", "replacement": "share", "injured": "persons", "injured_poor": "share",
    "injury_person_times": "person-times", "platform_cost": "CNY/order", "fiscal_cost": "CNY"}


@dataclass(frozen=True)
class Seen:
    """A closed month as outcomes see it.

    people: the page.  net: fen of one person [row], received less paid but for living.  posted: transfers that the
    month moved.  rules: by key, in force; None or absent keys leave what they are needed for at nan.  careers: closed
    on this page.  tenth: int [row], tenth of income within the city, 0 the poorest.  cities, segments: names.
    """

    people: People
    net: np.ndarray
    posted: Iterable[Transfer]
    rules: Mapping[str, Any]
    careers: Careers
    tenth: np.ndarray
    cities: tuple[str, ...]
    segments: tuple[str, ...]

    @property
    def labels(self) -> dict[str, tuple[str, ...]]:
        """Names of the groups of each dimension."""
        return {"city": self.cities, "segment": self.segments, "age": AGES, "gender": GENDERS, "origin": ORIGINS,
                "decile": tuple(str(k + 1) for k in range(TENTHS))}

    @property
    def codes(self) -> dict[str, np.ndarray]:
        """The group of each row in each dimension, int [row]."""
        people = self.people
        age = sum((people.age >= bound).astype(np.uint8) for bound in AGE_FROM)
        return {"city": people.city, "segment": people.segment, "age": age, "gender": people.female.astype(np.uint8),
                "origin": people.origin, "decile": self.tenth.astype(np.uint8)}


def insured(people: People, rules, cities: tuple[str, ...]) -> np.ndarray:
    """Whose orders injury insurance covers, bool [row]. rules: of `injury_insurance`, or None: nobody's."""
    if rules is None:
        return np.zeros(len(people.identity), bool)
    return begun(rules.start, people.month, cities)[people.city]


def table(seen: Seen) -> dict[str, np.ndarray]:
    """Columns date (of the month's first day), dimension, group, and those of UNITS; nan where nobody could be counted.

    income, net_income: mean of one person, the second after all that he received and paid but for living.  gini: of it,
    negative ones counted as nothing.  coverage: share enrolled.  take_up: of the eligible.  persistence_K: of who paid
    K months ago and still rides, the share who pays.  density: months paid over months since he was first seen.
    replacement: pension over the average wage of that time that who pays now may expect, on the actuary's assumptions.
    injured: persons hurt; injured_poor: share of them with less than the minimum living guarantee for each head of the
    household.  injury_person_times: persons who rode under injury insurance for the first time; each counts once for as
    long as he rides.  platform_cost: all that the platform paid beside the pay of orders.  fiscal_cost: what the state
    paid less what it received. Sums without a name are spread by orders, premiums by those that they insure.
    """
    cells, codes, labels = _summed(seen), seen.codes, seen.labels
    ranked, month = Ranked(seen.net, seen.people.weight), np.datetime64(seen.people.month.first, "D")
    whole = {name: cube.sum(keepdims=True).ravel() for name, cube in cells.items()}
    everybody = np.zeros(len(seen.net), np.uint8)
    parts = [_shown(whole, ranked.gini(everybody, 1), ALL, (ALL,), month)]
    for axis, dimension in enumerate(DIMENSIONS):
        others = tuple(k for k in range(len(DIMENSIONS)) if k != axis)
        sums = {name: cube.sum(axis=others) for name, cube in cells.items()}
        unequal = ranked.gini(codes[dimension], len(labels[dimension]))
        parts.append(_shown(sums, unequal, dimension, labels[dimension], month))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _shown(sums: dict[str, np.ndarray], unequal: np.ndarray, dimension: str, names: tuple[str, ...], month
           ) -> dict[str, np.ndarray]:
    """The rows of one dimension from its sums, [group]."""
    def over(part: str, whole: str) -> np.ndarray:
        return np.divide(sums[part], sums[whole], out=np.full(len(names), np.nan), where=sums[whole] > 0)

    columns = {
        "persons": sums["persons"], "orders": sums["orders"], "income": over("income", "persons") / 100,
        "net_income": over("net", "persons") / 100, "gini": unequal, "coverage": over("covered", "persons"),
        "eligible": over("eligible", "persons"), "take_up": over("eligible_covered", "eligible"),
        **{f"persistence_{k}": over(f"pays_after_{k}", f"paid_before_{k}") for k in BACK},
        "density": over("paid", "seen"), "replacement": over("replacement", "covered"), "injured": sums["injured"],
        "injured_poor": over("poor", "injured"), "injury_person_times": np.asarray(sums["begins"], float),
        "platform_cost": over("platform", "orders") / 100, "fiscal_cost": sums["state"] / 100}
    n = len(names)
    return {"date": np.repeat(month, n), "dimension": np.repeat(np.array([dimension], object), n),
            "group": np.array(names, object), **columns}


def _summed(seen: Seen) -> dict[str, np.ndarray]:
    """Sums over persons by cell [city, segment, age, gender, origin, decile]; nan where the law is silent."""
    people, labels, codes = seen.people, seen.labels, seen.codes
    shape = tuple(len(labels[dimension]) for dimension in DIMENSIONS)
    cell = np.zeros(len(people.identity), np.int64)
    for dimension, size in zip(DIMENSIONS, shape):
        cell *= size
        cell += codes[dimension]
    weight = people.weight.astype(np.float64)

    def total(values: np.ndarray, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
        return np.bincount(cell[rows], values, int(np.prod(shape))).reshape(shape)

    def head(who: np.ndarray) -> np.ndarray:
        rows = np.flatnonzero(who)
        return total(weight[rows], rows)

    could = _could(seen)
    covered = np.flatnonzero(people.enrolled)
    found = {"persons": total(weight), "orders": total(people.orders * weight), "income": total(people.income * weight),
             "net": total(seen.net * weight), "covered": head(people.enrolled), "begins": head(seen.careers.begins),
             "paid": total(seen.careers.paid * weight), "seen": total(seen.careers.seen * weight),
             "replacement": total(expected_replacement(seen, covered) * weight[covered], covered)}
    if could is None:
        found |= dict.fromkeys(("eligible", "eligible_covered"), np.full(shape, np.nan))
    else:
        found |= {"eligible": head(could), "eligible_covered": head(could & people.enrolled)}
    for months in BACK:
        before = seen.careers.enrolled(months)
        found |= {f"paid_before_{months}": head(before), f"pays_after_{months}": head(before & people.enrolled)}
    hurt = np.flatnonzero(people.claims > 0)
    found |= {"injured": total(np.ones(len(hurt)), hurt), "poor": total(_poor(seen, hurt).astype(float), hurt),
              "platform": total(borne(seen, "platform") * weight), "state": total(borne(seen, "government") * weight)}
    return found


def _could(seen: Seen) -> np.ndarray | None:
    """Whose income met the base as the subsidy asks, bool [row]; None while the law knows none."""
    rules = seen.rules.get("pension_subsidy")
    return None if rules is None else eligible(seen.people.met, rules.threshold_months, rules.window_months)


def expected_replacement(seen: Seen, rows: np.ndarray) -> np.ndarray:
    """Replacement rate that some riders may expect who go on paying as densely as the actuary assumes, [of rows]; nan
    without the law of retirement or an actuary."""
    people = seen.people
    if any(seen.rules.get(key) is None for key in ("pension", "retirement", "actuary")):
        return np.full(len(rows), np.nan)
    pension, actuary = seen.rules["pension"], seen.rules["actuary"]
    beliefs = worth.Beliefs(actuary.density, actuary.wage_growth, actuary.interest)
    base = people.base[rows]
    return worth.outlook(people.month, people.age[rows].astype(np.int64), people.female[rows].astype(np.int64),
                         people.history[rows], people.account[rows] / 100,
                         pension.lower * people.chosen[rows] / base, base / 100 / pension.lower, pension,
                         seen.rules["retirement"], beliefs).replacement


def _poor(seen: Seen, hurt: np.ndarray) -> np.ndarray:
    """Which of the rows that were hurt are poor, [of hurt]; nan without a line. What an injury costs is taken to be
    what the public scheme pays for it [assumption]."""
    people, rules = seen.people, seen.rules.get("minimum_living")
    if rules is None:
        return np.full(len(hurt), np.nan)
    paid = np.zeros(len(people.identity))
    for transfer in seen.posted:
        if transfer.payer in INSURERS and transfer.row is not None:
            _book(paid, people.identity, transfer)
    left = poverty.left_after_injury(seen.net[hurt], people.second[hurt] * 100.0, paid[hurt], people.claims[hurt],
                                     people.weight[hurt])
    return poverty.poor(left, people.dependants[hurt], rules.line)


def borne(seen: Seen, payer: str) -> np.ndarray:
    """Fen of one person [row] that an account paid for riders in the month, less what it received; orders' pay aside.

    What names riders counts with them; single sums, and what went to riders who have left, with all by their orders.
    """
    people = seen.people
    amount, weight = np.zeros(len(people.identity)), people.weight
    covered = insured(people, seen.rules.get("injury_insurance"), seen.cities)
    for transfer in seen.posted:
        sign = (transfer.payer == payer) - (transfer.payee == payer)
        if not sign or transfer.bill == PAY or "customers" in (transfer.payer, transfer.payee):
            continue
        left = float(transfer.total)
        if transfer.row is not None and "riders" in (transfer.payer, transfer.payee):
            left -= _book(amount, people.identity, transfer, sign, weight)
        if left:
            carried = people.orders * {PREMIUM: covered, ACCIDENT_PREMIUM: ~covered}.get(transfer.bill, 1)
            all_orders = float((carried * weight).sum())
            amount += sign * left / all_orders * carried if all_orders else sign * left / weight.sum()
    return amount


def _book(amount: np.ndarray, identity: np.ndarray, transfer: Transfer, sign: int = 1, weight: np.ndarray | None = None
          ) -> float:
    """Add a transfer to the rows that it names, fen of one person; gives the fen that found their persons (1 a row
    without weights). identity: ascending [row]."""
    if len(transfer.row) == len(identity) and (transfer.row == identity).all():
        amount += sign * transfer.amount
        return float(transfer.total)
    at = np.minimum(np.searchsorted(identity, transfer.row), len(identity) - 1)
    here = identity[at] == transfer.row
    amount[at[here]] += sign * transfer.amount[here]
    return float((transfer.amount[here] * (1 if weight is None else weight[at[here]])).sum())


class Ranked:
    """Values of persons in ascending order, negative ones counted as nothing: ranked once, told apart by many groups.

    values, weight (persons): [row].
    """

    def __init__(self, values: np.ndarray, weight: np.ndarray):
        kept = np.maximum(values, 0)
        self._order = np.argsort(kept)
        self._persons = weight[self._order].astype(np.float64)
        self._sums = kept[self._order] * self._persons

    def gini(self, group: np.ndarray, count: int) -> np.ndarray:
        """Gini's coefficient over persons [group]; nan where there is nothing. group: int [row].  count: of groups."""
        group = group[self._order]
        apart = np.argsort(group, kind="stable")  # small integers are put apart without comparing
        mine, persons, sums = group[apart], self._persons[apart], self._sums[apart]
        whole, heads = np.bincount(mine, sums, count), np.bincount(mine, persons, count)
        before = np.cumsum(whole) - whole
        under = np.bincount(mine, persons * (np.cumsum(sums) - sums / 2), count) - before * heads
        square = whole * heads
        return np.divide(square - 2 * under, square, out=np.full(count, np.nan), where=square > 0)
