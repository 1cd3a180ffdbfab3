"""Districts: a graph of streets on a disc, and what it does to who stands where."""

import numpy as np
import pytest

from sim.config import load
from sim.network.districts import districts, one_city, streets
from tests.labs import TOY


@pytest.fixture(scope="module")
def settings():
    return load(TOY).world.settings.orders


def test_shares_sum_to_one_and_mean_effort_is_one(settings):
    found = one_city("kunming", 10, settings)
    assert found.orders.sum() == pytest.approx(1)
    assert found.station.sum() == pytest.approx(1)
    assert found.reach.sum(axis=1) == pytest.approx(np.ones(10))
    assert (found.orders * found.effort).sum() == pytest.approx(1)


def test_every_district_is_reached_and_no_way_is_shorter_than_by_another_district(settings):
    travel = one_city("shenzhen", 24, settings).travel
    assert np.isfinite(travel).all()
    assert np.allclose(travel, travel.T)
    assert (travel[:, None, :] <= travel[:, :, None] + travel[None, :, :] + 1e-9).all()


def test_streets_of_a_line_of_districts_add_up(settings):
    # three points on a line, 0.5 and 0.3 apart, 60 minutes a unit: 30, 18 and 48 minutes
    line = np.array([[0.0, 0.0], [0.5, 0.0], [0.8, 0.0]])
    assert streets(line, settings.model_copy(update={"nearest": 1})) == pytest.approx(
        np.array([[0, 30, 48], [30, 0, 18], [48, 18, 0]]))


def test_a_rider_offers_himself_more_where_it_is_nearer(settings):
    found = one_city("kunming", 10, settings)
    pull = found.reach / found.orders  # less the orders that stand there
    for station in range(10):
        order = np.argsort(found.travel[station])
        assert (np.diff(pull[station, order]) <= 1e-12).all()


def test_a_city_has_its_districts_whatever_stands_beside_it(settings):
    alone = districts(("kunming",), np.array([10]), settings)
    beside = districts(("shenzhen", "kunming"), np.array([24, 10]), settings)
    assert np.array_equal(alone.orders[0], beside.orders[1, :10])
    assert not beside.orders[1, 10:].any()


def test_orders_are_dense_in_the_centre(settings):
    found = one_city("shenzhen", 24, settings)
    middle = found.travel.sum(axis=1)  # who lives in the middle is near to all
    assert np.corrcoef(middle, found.orders)[0, 1] < -0.5
