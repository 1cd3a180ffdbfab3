"""A career counts months, months paid and the first insured one of a person, and forgets whom it no longer sees."""

from types import SimpleNamespace

import numpy as np

from sim.insurance.careers import Careers


def page(identity, enrolled, orders=None):
    count = len(identity)
    return SimpleNamespace(identity=np.array(identity), enrolled=np.array(enrolled, bool),
                           orders=np.ones(count, int) if orders is None else np.array(orders))


def lived(*pages, insured=True):
    careers = Careers()
    for one in pages:
        careers.close(one, np.full(len(one.identity), insured))
    return careers


def test_months_paid_and_months_seen_are_counted():
    careers = lived(page([1, 2], [True, False]), page([1, 2], [True, False]), page([1, 2], [False, True]))
    assert careers.seen.tolist() == [3, 3]
    assert careers.paid.tolist() == [2, 1]


def test_who_paid_some_months_ago_is_known_as_long_as_he_rides():
    careers = lived(page([1, 2], [True, True]), page([1, 2], [False, True]), page([1, 2], [False, True]))
    assert careers.enrolled(0).tolist() == [False, True]
    assert careers.enrolled(2).tolist() == [True, True]
    assert careers.enrolled(3).tolist() == [False, False]  # before anybody was seen


def test_a_newcomer_in_a_row_has_no_past():
    careers = lived(page([10, 20], [True, True]), page([11, 20], [False, True]))
    assert careers.seen.tolist() == [1, 2]
    assert careers.paid.tolist() == [0, 2]
    assert careers.enrolled(1).tolist() == [False, True]


def test_a_person_becomes_insured_once_and_only_by_an_order():
    careers = lived(page([10, 20], [False, False], orders=[5, 0]))
    assert careers.begins.tolist() == [True, False]
    careers.close(page([10, 20], [False, False], orders=[5, 3]), np.array([True, True]))
    assert careers.begins.tolist() == [False, True]
    careers.close(page([11, 20], [False, False]), np.array([True, True]))  # a newcomer in the first row
    assert careers.begins.tolist() == [True, False]


def test_where_nothing_is_insured_nobody_begins():
    assert not lived(page([1], [True]), insured=False).begins.any()
