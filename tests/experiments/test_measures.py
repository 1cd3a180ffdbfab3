"""Outcomes of a run are read off its indicators as the sweep file says."""

from math import isnan

import numpy as np
import pytest

from experiments.measures import Measure, measured

ROWS = [  # date, zone, indicator, value
    ("2025-07-01", "A", "price", 100.0), ("2025-07-01", "B", "price", 200.0),
    ("2025-08-01", "A", "price", 300.0), ("2025-08-01", "B", "price", 500.0),
    ("2025-07-01", "A", "load", 10.0), ("2025-07-01", "B", "load", 30.0),
    ("2025-08-01", "A", "load", 60.0),
    ("2025-07-01", "A", "generation.coal", 1.0), ("2025-07-01", "A", "generation.hydro", 2.0),
    ("2025-08-01", "B", "generation.hydro", 4.0), ("2025-08-01", "B", "generations", 99.0)]
DATE, ZONE, NAME, VALUE = zip(*ROWS)
TABLE = {"date": np.array(DATE, "datetime64[D]"), "zone": np.array(ZONE, object), "indicator": np.array(NAME, object),
         "value": np.array(VALUE)}


def of(**said):
    return Measure(**({"indicator": "price", "unit": "CNY/MWh"} | said)).of(TABLE)


def test_a_mean_is_over_places_and_months():
    assert of() == (100 + 200 + 300 + 500) / 4


def test_zones_and_months_narrow_it():
    assert of(zones=["B"]) == 350
    assert of(zones=["B"], months="last") == 500
    assert of(months="first", aggregate="max") == 200
    assert of(aggregate="min", zones=["A", "B"]) == 100


def test_dates_narrow_it():
    from datetime import date

    assert of(start=date(2025, 7, 2), aggregate="sum") == 800
    assert of(end=date(2025, 7, 31), aggregate="sum") == 300


def test_a_mean_is_weighted_by_another_indicator_of_the_same_place_and_date():
    """(100 x 10 + 200 x 30 + 300 x 60 + 500 x 0) / 100: B has no load in August."""
    assert of(weight="load") == 250


def test_a_star_means_all_of_the_second_axis_and_no_namesake():
    assert of(indicator="generation.*", unit="MWh", aggregate="sum") == 7
    assert of(indicator="generation.hydro", unit="MWh", aggregate="sum") == 6


def test_what_was_not_recorded_is_nothing():
    assert isnan(of(indicator="take_up"))
    assert of(indicator="take_up", absent=0.0) == 0
    assert isnan(of(zones=["B"], months="last", weight="load"))
    assert measured({"x": Measure(indicator="take_up", unit="share")}, TABLE) == {"x": None}


def test_only_means_are_weighted():
    with pytest.raises(ValueError, match="weight goes with a mean, not with sum"):
        Measure(indicator="price", unit="CNY/MWh", aggregate="sum", weight="load")
