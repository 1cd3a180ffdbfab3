"""A month's riders by tenth of income within their city: who could be insured, who is."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sim.closed_month import ClosedMonth

TENTHS = 10


def tenth(income: np.ndarray, weight: np.ndarray, city: np.ndarray) -> np.ndarray:
    """The tenth of its city's persons in which each row's middle person stands, int [row], 0 the poorest.

    income, weight (persons), city: [row]. Equal incomes stand in the order of the rows.
    """
    order = np.lexsort((income, city))
    reached = np.cumsum(weight[order], dtype=np.float64)
    city = city[order]
    first = np.r_[True, city[1:] != city[:-1]][: len(city)]
    before = np.r_[0.0, reached][:-1][first]  # persons in the cities before
    whole = np.diff(np.r_[before, reached[-1:]])
    at = np.cumsum(first) - 1
    middle = (reached - weight[order] / 2 - before[at]) / whole[at]
    found = np.empty(len(order), np.intp)
    found[order] = np.minimum((middle * TENTHS).astype(np.intp), TENTHS - 1)
    return found


def table(m: "ClosedMonth") -> dict[str, np.ndarray]:
    """Date, city, decile (1 the poorest), persons, income of one person, eligible, enrolled (shares of persons)."""
    people, cities = m.facts.people, np.array(m.labels["city"], object)
    groups = m.groups(people.city * TENTHS + m.tenth, len(cities) * TENTHS)
    return {"date": np.repeat(m.date, groups.count), "city": np.repeat(cities, TENTHS),
            "decile": np.tile(np.arange(1, TENTHS + 1), len(cities)), "persons": groups.persons,
            "income": groups.mean(people.income / 100), "eligible": m.eligible_share(groups),
            "enrolled": groups.mean(people.enrolled)}
