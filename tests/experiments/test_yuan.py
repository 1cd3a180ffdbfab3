"""Where a yuan goes, against journeys worked by hand."""

import pandas
import pytest

from experiments.yuan import Paths, follow, sources
from sim.config import BadInput


def entries(*rows):
    """A journal of (payer, payee, fen, bill)."""
    return pandas.DataFrame(rows, columns=["payer", "payee", "total", "bill"])


# users pay the grid 100; the grid pays plants 80 and stores 20; stores pay the grid 5 for their charging. Of what
# reaches the grid (105) 100 leave: 80/105 to plants, 20/105 to stores, 5/105 stay. Of the stores' 20, 15 stay and 5 go
# back. With x what passes the grid of one yuan: x = 1 + (20/105)(5/20) x = 1 + x/21, so x = 1.05: plants 0.8, stores
# 0.2 x 15/20 = 0.15, grid 0.05.
CIRCLE = entries(("users", "grid", 10_000, "energy"), ("grid", "plants", 8_000, "energy"),
                 ("grid", "stores", 2_000, "energy"), ("stores", "grid", 500, "charging"))


def test_money_that_runs_in_a_circle_is_counted_to_its_rest():
    assert Paths(CIRCLE).ends("users") == pytest.approx({"plants": 0.8, "stores": 0.15, "grid": 0.05})


def test_every_yuan_ends_somewhere():
    for payer in ("users", "grid", "stores"):
        assert sum(Paths(CIRCLE).ends(payer).values()) == pytest.approx(1.0)


def test_what_comes_back_to_the_payer_rests_there():
    # users 100 to the grid, the grid gives 10 back and 90 to plants
    back = entries(("users", "grid", 100, "energy"), ("grid", "users", 10, "rent"), ("grid", "plants", 90, "energy"))
    assert Paths(back).ends("users") == pytest.approx({"users": 0.1, "plants": 0.9})
    assert any("(it comes back)" in line for line in follow(back, "users"))


def test_payments_are_told_with_what_they_are_for():
    told = "\n".join(follow(CIRCLE, "users"))
    assert "Of each yuan that users pay (100.00 CNY in all)" in told
    assert "1.000  to grid (energy)" in told
    assert "0.250" not in told  # the stores' quarter is of 0.19, not of the whole yuan
    assert "0.048  to grid (charging)" in told  # 1 x 20/105 x 5/20


def test_yuan_come_from_who_pays_more_than_he_receives():
    assert sources(CIRCLE) == ["users"]


def test_an_account_that_pays_nothing_is_refused():
    with pytest.raises(BadInput, match="'plants' pays nothing"):
        Paths(CIRCLE).ends("plants")
    with pytest.raises(BadInput, match="did you mean 'users'"):
        Paths(CIRCLE).ends("user")
