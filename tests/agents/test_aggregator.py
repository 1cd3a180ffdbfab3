"""What aggregators say in markets."""

from types import SimpleNamespace

import numpy as np

from tests.labs import toy


def lab_and_aggregators():
    lab = toy(days=1)
    lab.step()
    return lab, {a.name: a for a in lab.actors if type(a).__name__ == "Aggregator"}


def scene(lab, rhythm="day-ahead", market="ancillary"):
    return SimpleNamespace(grid=lab.grid, rules=lab.rules[market], rhythm=rhythm,
                           conditions=SimpleNamespace(available=lab.facts.available[:, :24]))


def test_a_pool_that_is_let_in_offers_all_it_may_and_the_other_is_silent():
    """The valley's pool: 0.8 + 4 + 2 = 6.8 MW of regulation and of reserve; the coast's 3 MW are below the 5 asked."""
    lab, found = lab_and_aggregators()
    assert set(found) == {"valley_pool", "small_pool"}
    orders = found["valley_pool"].orders(lab.markets["ancillary"], scene(lab))
    assert sorted(orders.product.tolist()) == [0, 1]
    assert np.allclose(orders.volume, 6.8)
    assert len(found["small_pool"].orders(lab.markets["ancillary"], scene(lab))) == 0


def test_it_trades_in_no_market_ahead_of_the_day():
    lab, found = lab_and_aggregators()
    ahead = SimpleNamespace(conditions=None)
    assert all(len(a.orders(lab.markets["contracts"], ahead)) == 0 for a in found.values())


def test_there_is_none_where_the_law_knows_none():
    lab = toy("instruments.vpp=false", days=1)
    assert not [a for a in lab.actors if type(a).__name__ == "Aggregator"]
