"""A world at rest stays at rest: without weather, seasons, weekends and swapped batteries all days are alike."""

import numpy as np
import pytest

from tests.labs import Cells, altered, cells, drop, toy

DAYS = 10  # a Tuesday to a Thursday, over a weekend
HOURS = 24 * DAYS


def flat(row: Cells) -> Cells:
    """A month profile that is its mean all year."""
    months = [header for header in row if header.endswith("[unit]")]
    return row | dict.fromkeys(months, f"{np.mean([float(row[month]) for month in months]):.6g}")


STILL = {
    "climate": cells(spread="0", wind_cv="0", sun_cv="0", above="0", below="0"), "basins": cells(cv="0"),
    "profiles_month": flat, "demand": cells(weekend="1"), "outages": cells(weeks="0"), "borders": cells(season="all")}
NO_SWAPS = {"riders": {"swap": {"energy": 0.0}},
            "weather": dict.fromkeys(("forecast_load", "forecast_wind", "forecast_sun", "forecast_inflow"), 0.0)}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The toy world without anything that moves: no anomaly of weather, no season, no weekend, no reservoir, no outage,
    no swap of batteries."""
    scenario = altered(tmp_path_factory.mktemp("rest"), STILL | {"reservoirs": drop}, NO_SWAPS)
    return toy(start="2025-07-01", days=DAYS, scenario=scenario).run()


def by_day(values: np.ndarray) -> np.ndarray:
    """[row, hour] of the period as [day, row, hour]."""
    return values.reshape(len(values), DAYS, 24).transpose(1, 0, 2)


@pytest.mark.parametrize("name", ["load", "available", "consumption"])
def test_every_day_asks_and_offers_the_same(lab, name):
    days = by_day(getattr(lab.facts, name))
    np.testing.assert_allclose(days, np.broadcast_to(days[0], days.shape), rtol=1e-12)
    assert np.ptp(days[0]) > 50  # MW: a day has its hours


@pytest.mark.parametrize(("name", "tolerance"), [("price", 1e-6), ("output", 1e-6), ("line_flow", 1e-6), ("sent", 1e-6),
                                                 ("delivered", 1e-6), ("stored", 1e-6), ("shed", 1e-9)])
def test_every_day_clears_like_the_one_before(lab, name, tolerance):
    """From the second day on: the first knows no yesterday to ramp from."""
    days = by_day(getattr(lab.facts, name))
    np.testing.assert_allclose(days[2:], np.broadcast_to(days[1], days[2:].shape), atol=tolerance)


def test_stores_come_back_every_night(lab):
    nights = by_day(lab.facts.stored)[:, :, -1]
    assert np.ptp(nights, axis=0).max() < 1e-6
    assert np.ptp(lab.facts.stored, axis=1).max() > 5  # MWh: in between they are used


def test_the_same_world_with_its_weather_does_not_stand_still(toy_month):
    """So that rest is found where there is rest and not everywhere."""
    price = toy_month.facts.price[:, :HOURS]
    assert np.ptp(by_day(price)[1:], axis=0).max() > 20


def test_with_a_river_at_rest_prices_stay_where_they_are(tmp_path):
    """Reservoirs included, four months: their owners find no reason to ask more or less from one month to the next.
    The flow varies by a thousandth, because where a year is flat and wholly certain no level is better than another and
    plans do not settle on one; so the level may wander, and only what it is worth must not."""
    scenario = altered(tmp_path, STILL | {"basins": cells(cv="0.001")}, NO_SWAPS | {"water": {"carry_over": 0.0}})
    still = toy("law.spot.regime=spot", start="2025-05-01", days=123, scenario=scenario)
    table = still.run().results.indicators
    price = table[table.indicator == "price"].pivot(index="date", columns="zone", values="value")
    assert len(price) == 4
    assert (np.ptp(price, axis=0) < 0.5).all()
    generated = table[table.indicator == "generation.hydro"].set_index("date")["value"]
    daily = generated / generated.index.days_in_month
    assert daily.max() < 1.02 * daily.min()
