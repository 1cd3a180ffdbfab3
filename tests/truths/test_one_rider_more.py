"""One rider more leaves every other rider as he was, as far as today's rules let him be.

A rider's draws are addressed by his identity, so nothing that is his own may move: who he is, what he likes, on which
days he works. What he earns may move, because he shares his city's orders with the others: that is the model and no
leak, and it ends at the city's border. With ties cut and orders fixed for each rider (`riders.ties`,
`orders.per_rider`) every other row is the same in all that it has, money and decisions included.
"""

import numpy as np
import pytest

from agents.riders import Riders
from tests.labs import altered, riders_alone, toy

OWN = ("identity", "district", "segment", "dependants", "age", "tenure", "temporary", "swaps", "factor", "chance",
       "other", "beta", "taste", "days", "pace")
PEOPLE = ("city", "place", "swaps", "enrolled", "base", "premium", "met", "living", "other")


def with_rows(rows: int):
    """July in the toy world, with so many rows for 10,000 riders."""
    return toy(f"scale.riders={rows}", days=31).run()


@pytest.fixture(scope="module")
def labs():
    """The same month with 500 rows and with 501."""
    return with_rows(500), with_rows(501)


@pytest.fixture(scope="module")
def pair(labs):
    """The riders of both months, and where the same people stand in either."""
    (few, more), people = labs, [lab.facts.people for lab in labs]
    _, here, there = np.intersect1d(people[0].identity, people[1].identity, return_indices=True)
    return few, more, people[0], people[1], here, there


def test_there_is_one_row_more_and_nobody_is_missing(pair):
    _, _, few, more, here, _ = pair
    assert len(few.identity) == len(here) == 500
    assert len(more.identity) == 501
    assert few.weight.sum() == more.weight.sum() == 10_000


def test_at_every_size_one_row_more_takes_nobody_away():
    """A new row takes the next place of its city and segment; it makes nobody give up his."""
    before = set()
    for rows in range(100, 130):
        now = set(toy(f"scale.riders={rows}", days=1).riders.identity.tolist())
        assert len(now) == rows
        assert before <= now
        before = now


@pytest.mark.parametrize("column", PEOPLE)
def test_what_the_month_shows_of_everybody_else_is_the_same(pair, column):
    _, _, few, more, here, there = pair
    assert np.array_equal(getattr(few, column)[here], getattr(more, column)[there])


@pytest.mark.parametrize("column", OWN)
def test_what_is_his_own_is_the_same_after_a_month_of_working_leaving_and_arriving(pair, column):
    few, more = pair[0].riders, pair[1].riders
    _, here, there = np.intersect1d(few.identity, more.identity, return_indices=True)
    assert len(here) == 500  # the same people left, and the same came for them
    assert np.array_equal(getattr(few, column)[here], getattr(more, column)[there])


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Seventy days from the end of 2025 on, with 500 rows and with 501, nobody seeing peers and orders fixed for
    each."""
    scenario = altered(tmp_path_factory.mktemp("alone"), settings={
        "riders": {"ties": {"hometown": 0, "station": 0}}, "orders": {"per_rider": True}})
    labs = [toy(f"scale.riders={rows}", scenario=scenario, start="2025-11-01", days=70) for rows in (500, 501)]
    for lab in labs:
        riders_alone(lab)
    few, more = (lab.riders for lab in labs)
    _, here, there = np.intersect1d(few.identity, more.identity, return_indices=True)
    same_weight = few.weight[here] == more.weight[there]  # one row more among 10,000 persons: twenty give up one each
    return few, more, here, there, same_weight


@pytest.mark.parametrize("column", [name for name in Riders.columns() if name != "weight"])
def test_with_ties_cut_and_orders_per_rider_fixed_every_other_row_is_identical(alone, column):
    few, more, here, there, same_weight = alone
    assert len(here) == 500
    assert same_weight.sum() >= 470
    assert np.array_equal(getattr(few, column)[here][same_weight], getattr(more, column)[there][same_weight])


def test_and_much_has_happened_to_them(alone):
    few, _, here, _, _ = alone
    assert (few.identity & 0xFFF > 0).mean() > 0.2  # left and replaced
    assert few.subsidised.any()
    assert few.enrolled.sum() > 10


def test_in_the_other_city_not_a_fen_moves(pair):
    _, _, few, more, here, there = pair
    added = np.setdiff1d(more.identity, few.identity)
    [city] = set(more.city[np.isin(more.identity, added)])
    elsewhere = few.city[here] != city
    assert elsewhere.sum() > 100
    for column in ("income", "orders", "claims", "weight"):
        assert np.array_equal(getattr(few, column)[here][elsewhere], getattr(more, column)[there][elsewhere]), column


def test_in_his_own_city_incomes_move_by_the_orders_that_he_shares(pair):
    """One row more among 300 that stand for the same 6,000 persons: twenty rows give up a person each, so 20 of 6,000
    persons, 1/300, are other ones. Were these three times as busy as the mean, what all carry would move by one
    per cent, and with more carried less is left for each, by no more than that."""
    _, _, few, more, here, there = pair
    before, after = few.income[here], more.income[there]
    assert not np.array_equal(before, after)
    assert (np.abs(after - before) <= before / 100 + 1).all()
