"""The layout of money flows: who stands where, and that no width is lost."""

import pytest

from experiments.money_flow import LAST, lay_out


def columns(payments):
    """(account, column) of every box, sorted."""
    return sorted((box.account, box.column) for box in lay_out(payments)[0])


def test_a_payee_stands_right_of_its_payer():
    assert columns([("users", "grid", 100.0), ("grid", "plants", 90.0)]) == [("grid", 1), ("plants", 2), ("users", 0)]


def test_chains_that_meet_later_are_joined():
    # the largest payment is the last link of the chain
    assert columns([("riders", "shops", 30.0), ("guests", "platform", 24.0), ("platform", "riders", 23.0)]) == [
        ("guests", 0), ("platform", 1), ("riders", 2), ("shops", 3)]


def test_what_would_run_backwards_leaves_from_a_second_box():
    boxes = columns([("users", "grid", 100.0), ("grid", "stores", 9.0), ("stores", "grid", 5.0)])
    assert boxes == [("grid", 1), ("stores", 0), ("stores", 2), ("users", 0)]


def test_a_longer_chain_is_folded_onto_the_page():
    names = "abcdef"
    payments = [(names[i], names[i + 1], 10.0 - i) for i in range(5)]
    boxes, ribbons = lay_out(payments)
    assert max(box.column for box in boxes) <= LAST
    assert len(ribbons) == 5
    assert all(ribbon.payee.column - ribbon.payer.column >= 1 for ribbon in ribbons)


def test_ribbons_fill_their_boxes_and_boxes_do_not_overlap():
    payments = [("u", "g", 100.0), ("s", "g", 20.0), ("g", "p", 80.0), ("g", "r", 40.0), ("c", "x", 30.0),
                ("x", "r", 30.0)]
    boxes, ribbons = lay_out(payments, gap=0.05)
    grid = next(box for box in boxes if box.account == "g")
    assert (grid.taken, grid.given) == (120.0, 120.0)
    taken = sorted((r.end, r.end + r.amount) for r in ribbons if r.payee is grid)
    assert taken[0][0] == pytest.approx(grid.top)
    assert taken[0][1] == pytest.approx(taken[1][0])  # the second ribbon begins where the first ends
    assert taken[1][1] == pytest.approx(grid.top + 120.0)
    for column in range(LAST + 1):
        spans = sorted((box.top, box.top + box.size) for box in boxes if box.column == column)
        assert all(above[1] < below[0] for above, below in zip(spans, spans[1:]))


def test_the_same_payments_in_another_order_give_the_same_picture():
    payments = [("u", "g", 100.0), ("g", "p", 80.0), ("c", "x", 30.0), ("x", "r", 30.0), ("r", "h", 30.0)]
    assert columns(payments) == columns(payments[::-1])


def test_no_payments_are_no_picture():
    assert lay_out([]) == ([], [])
