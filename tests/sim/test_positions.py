"""Positions: contracts of a year and of a month, and the flows they schedule."""

from datetime import date

import numpy as np
import pytest

from sim.calendar import Calendar, Month
from sim.messages import BUY, SELL, Orders, Trade
from sim.positions import Positions

DAY = Calendar(date(2025, 1, 1), date(2025, 12, 31)).turn()
JANUARY, JULY = Month(2025, 1), Month(2025, 7)


def trade(rhythm, power, price, months, sent=None, reference=2):
    """Party 0 sells and party 3 buys the same power at a price."""
    orders = Orders(np.array([0, 3], np.int32), np.array([SELL, BUY]), *np.full((2, 2, 24), float(price)))
    return Trade("contracts", rhythm, DAY, orders, np.full((2, 24), float(power)), {}, orders.price,
                 np.tile(np.array(months, float), (2, 1)), sent, np.array([reference] * 2))


def of_month(month):
    return np.eye(12)[month.month - 1]


def test_a_years_contract_comes_into_every_month_as_its_shape_says():
    """100 MW on the year's mean, 0.8 of it in January and 1.2 in July, at 200."""
    shape = np.ones(12)
    shape[[0, 6]] = 0.8, 1.2
    positions = Positions(4, 1)
    positions.add(trade("year", 100, 200, shape))
    for month, power in ((JANUARY, 80), (JULY, 120)):
        positions.open(month)
        assert positions.sold[:, 7].tolist() == pytest.approx([power, 0, 0, -power])
        (book,) = positions.books.values()
        assert book.reference == 2
        assert book.value[:, 7].tolist() == pytest.approx([power * 200, 0, 0, -power * 200])


def test_a_months_contract_is_added_and_gone_with_its_month():
    positions = Positions(4, 1)
    positions.add(trade("year", 100, 200, np.ones(12)))
    positions.open(JANUARY)
    positions.add(trade("month", 20, 250, of_month(JANUARY)))
    assert positions.sold[0, 0] == 120
    assert positions.books["contracts", 2].value[0, 0] == 100 * 200 + 20 * 250
    positions.open(JULY)
    assert positions.sold[0, 0] == 100


def test_contracts_with_another_reference_keep_a_book_of_their_own():
    positions = Positions(4, 1)
    positions.open(JANUARY)
    positions.add(trade("month", 20, 250, of_month(JANUARY)))
    positions.add(trade("month", 5, 100, of_month(JANUARY), reference=1))
    sold = {key: book.sold[0, 0] for key, book in positions.books.items()}
    assert sold == {("contracts", 2): 20, ("contracts", 1): 5}
    assert positions.sold[0, 0] == 25


def test_schedules_add_up_on_links_and_say_nothing_of_others():
    """Two links; a year's trade schedules 300 MW on the first in January, a month's adds 50; the second is free."""
    sent = np.full((2, 12, 24), np.nan)
    sent[0] = 0
    sent[0, 0] = 300
    more = np.full((2, 12, 24), np.nan)
    more[0] = 50
    positions = Positions(4, 2)
    positions.add(trade("year", 300, 200, np.ones(12), sent))
    positions.open(JANUARY)
    positions.add(trade("month", 50, 200, of_month(JANUARY), more))
    assert positions.schedule[0].tolist() == [350] * 24
    assert np.isnan(positions.schedule[1]).all()
    positions.open(JULY)
    assert positions.schedule[0].tolist() == [0] * 24


def test_a_new_years_grid_ends_the_contracts_of_the_old():
    positions = Positions(4, 1)
    positions.add(trade("year", 100, 200, np.ones(12)))
    positions.resize(4, 2)
    positions.open(JANUARY)
    assert not positions.sold.any()
    assert positions.schedule.shape == (2, 24)
