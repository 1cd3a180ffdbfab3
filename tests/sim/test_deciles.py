"""Tenths of income count persons, not rows, within each city."""

import numpy as np

from sim.deciles import table, tenth


def test_ten_equal_rows_fill_ten_tenths():
    income = np.array([5, 1, 9, 3, 7, 0, 8, 2, 6, 4])
    assert tenth(income, np.ones(10, np.int32), np.zeros(10, int)).tolist() == income.tolist()


def test_a_row_that_stands_for_many_fills_their_tenths():
    # 8 poor persons in one row, then two rows of one: the poor row's middle person is the 4th of 10, so the 5th tenth
    # begins above him; the others are the 9th and 10th person
    found = tenth(np.array([100, 300, 200]), np.array([8, 1, 1], np.int32), np.zeros(3, int))
    assert found.tolist() == [4, 9, 8]


def test_cities_are_counted_apart():
    income, city = np.array([1, 2, 1000, 2000]), np.array([0, 0, 1, 1])
    assert tenth(income, np.ones(4, np.int32), city).tolist() == [2, 7, 2, 7]  # middles at 1/4 and 3/4 of each city


def test_nobody_has_no_tenth():
    assert tenth(np.empty(0), np.empty(0, np.int32), np.empty(0, int)).tolist() == []


def test_tenths_of_a_lived_month_hold_everybody(toy_month):
    from sim.closed_month import ClosedMonth

    month = ClosedMonth(toy_month.facts.month, toy_month)
    found = table(month)
    people = toy_month.facts.people
    assert np.nansum(found["persons"]) == people.weight.sum()
    enrolled = np.nansum(found["persons"] * found["enrolled"])
    assert enrolled == (people.weight * people.enrolled).sum()
    income = found["income"].reshape(-1, 10)
    assert (np.diff(income, axis=1) >= 0).all()
