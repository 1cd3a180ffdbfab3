"""Orders are arrays with an order of their own; what is made of one number or one column means what it says."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.messages import BUY, SELL, Dispatch, Orders, Transfer
from sim.units import HOURS


def rows(orders: Orders) -> list[tuple]:
    """Orders as plain tuples: unit, side, price and volume of the first hour."""
    columns = (orders.unit, orders.side, orders.price[:, 0], orders.volume[:, 0])
    return list(zip(*(column.tolist() for column in columns)))


# ------------------------------------------------------------------------------------------------------------- making


def test_one_number_holds_for_every_order_and_hour():
    orders = Orders.sell([3, 5], 40, 200)
    assert orders.price.shape == orders.volume.shape == (2, HOURS)
    assert rows(orders) == [(3, SELL, 200, 40), (5, SELL, 200, 40)]
    assert (orders.price == 200).all()
    assert (orders.volume == 40).all()


def test_one_number_an_order_holds_for_all_its_hours():
    orders = Orders.buy([3, 5], [40, 50], [200, 210])
    assert rows(orders) == [(3, BUY, 200, 40), (5, BUY, 210, 50)]
    assert (orders.volume[1] == 50).all()


def test_one_number_an_hour_holds_for_all_orders_unless_there_are_24_of_them():
    by_hour = np.arange(HOURS)
    orders = Orders.sell([3, 5], 40, by_hour)
    assert (orders.price == by_hour).all()
    each = Orders.sell(np.arange(HOURS), 40, by_hour)  # 24 orders: then it is a number an order
    assert (each.price == by_hour[:, None]).all()


def test_a_value_for_each_order_and_hour_is_taken_as_it_is():
    price = np.arange(2 * HOURS, dtype=float).reshape(2, HOURS)
    assert np.array_equal(Orders.sell([3, 5], 40, price).price, price)


def test_a_single_unit_may_be_given_as_a_number():
    assert rows(Orders.sell(7, 10, 300)) == [(7, SELL, 300, 10)]


@pytest.mark.parametrize("price", [[1.0, 2.0, 3.0], np.zeros((3, HOURS)), np.zeros((2, 5))])
def test_what_fits_neither_orders_nor_hours_is_refused(price):
    with pytest.raises(ValueError):
        Orders.sell([3, 5], 40, price)


def test_no_order_is_no_order():
    none = Orders.none()
    assert len(none) == 0
    assert none.price.shape == none.volume.shape == (0, HOURS)
    assert len(Orders.gather([])) == len(Orders.gather([none, none])) == 0


# ---------------------------------------------------------------------------------------------------------- gathering


def test_gathered_orders_stand_by_unit_then_side_then_price():
    late = Orders.sell([5, 1], [10, 10], [300, 100])
    early = Orders.gather([Orders.buy(1, 10, 400), Orders.sell(1, 10, 90)])
    gathered = Orders.gather([late, Orders.none(), early])
    assert rows(gathered) == [(1, BUY, 400, 10), (1, SELL, 90, 10), (1, SELL, 100, 10), (5, SELL, 300, 10)]


one_order = st.tuples(st.integers(0, 4), st.sampled_from([SELL, BUY]), st.integers(0, 3), st.integers(0, 3))


@given(st.lists(one_order, max_size=12), st.randoms(use_true_random=False))
def test_who_spoke_first_leaves_no_trace(spoken, shuffle):
    def say(orders):
        return Orders.gather((Orders.sell if side == SELL else Orders.buy)(unit, volume, price)
                             for unit, side, price, volume in orders)

    other = list(spoken)
    shuffle.shuffle(other)
    first, second = say(spoken), say(other)
    assert rows(first) == rows(second)
    assert sorted(rows(first)) == sorted((unit, side, price, volume) for unit, side, price, volume in spoken)


def test_the_orders_of_some_units_are_found():
    orders = Orders.gather([Orders.sell([4, 2, 2], [1, 2, 3], [1, 2, 3])])
    assert orders.of(2).tolist() == [0, 1]
    assert orders.of([4, 9]).tolist() == [2]
    assert orders.of([]).tolist() == []


# ------------------------------------------------------------------------------------------------------------- awards


def test_an_award_is_ones_own_part_and_everybodys_prices():
    orders = Orders.gather([Orders.sell([0, 1, 1], [1, 2, 3], [10, 20, 30])])
    accepted = np.arange(3 * HOURS, dtype=float).reshape(3, HOURS)
    output, stored = np.repeat([[5.0], [7.0]], HOURS, axis=1), np.repeat([[0.0], [2.0]], HOURS, axis=1)
    said = dict(market="spot", rhythm="real-time", orders=orders, accepted=accepted, output=output, stored=stored,
                price=np.full((2, HOURS), 99.0), bus=np.array([0, 1, 1]))
    clearing = Dispatch(**({field.name: None for field in fields(Dispatch)} | said))
    award = clearing.of(np.array([1]))
    assert award.unit.tolist() == [1, 1]
    assert np.array_equal(award.accepted, accepted[1:])
    assert award.output.tolist() == [[7.0] * HOURS]
    assert award.stored.tolist() == [[2.0] * HOURS]
    assert (award.price == 99).all()
    assert (award.paid == 99).all()
    assert not hasattr(award, "orders")
    nobody = clearing.of(np.array([], np.int32))
    assert nobody.accepted.shape == (0, HOURS)


# ---------------------------------------------------------------------------------------------------------- transfers


def test_a_transfers_total_counts_the_persons_a_row_stands_for():
    fen, row = np.array([45_880, 100]), np.array([11, 12])
    assert Transfer("fee", "riders", "platform", 7).total == 7
    assert Transfer("fee", "riders", "platform", fen, row).total == 45_980
    assert Transfer("fee", "riders", "platform", fen, row, np.array([3, 1], np.int32)).total == 137_740


def test_a_total_does_not_overflow_where_persons_are_counted_in_32_bits():
    """10,000 yuan of each of 2,000,000 persons are 2 x 10^12 fen, a thousand times what 32 bits hold."""
    transfer = Transfer("pay", "platform", "riders", np.array([10**6]), np.array([1]), np.array([2 * 10**6], np.int32))
    assert transfer.total == 2 * 10**12
