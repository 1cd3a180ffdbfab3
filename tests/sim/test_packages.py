"""Packages: what each costs in a month worked out on paper, and the price that users compare."""

import numpy as np
import pytest

from sim.packages import (
    CAPPED,
    FIXED,
    GREEN,
    KINDS,
    LINKED,
    MIXED,
    SPREAD_SHARE,
    TIME_OF_USE,
    Terms,
    expected,
    exposure,
    prices,
)

TERMS = Terms(mix=0.5, share=0.7, floor=0.9, cap=1.1, factors=np.array([1.5, 1.0, 0.5]))
EVEN = np.array([7, 9, 8]) / 24  # hours of peak, flat and valley


def price(kind, mean=200.0):
    """Of a package with level 210 and fee 5, certificates at 6."""
    return prices(kind, 210.0, 5.0, mean, 6.0, TERMS)


@pytest.mark.parametrize(("kind", "worth"), [
    (FIXED, 210.0),
    (LINKED, 205.0),  # 200 + 5
    (MIXED, 207.5),  # half of 210, half of 205
    (SPREAD_SHARE, 203.0),  # 210 - 0.7 x (210 - 200)
    (CAPPED, 205.0),  # between 189 and 231
    (GREEN, 211.0)])  # 200 + 5 + 6
def test_a_package_costs_what_its_rule_says(kind, worth):
    assert price(kind).tolist() == pytest.approx([worth] * 3)


def test_time_of_use_costs_half_more_in_the_peak_and_half_in_the_valley():
    assert price(TIME_OF_USE).tolist() == [315.0, 210.0, 105.0]


@pytest.mark.parametrize(("mean", "worth"), [(240.0, 231.0), (150.0, 189.0), (226.0, 231.0), (184.0, 189.0)])
def test_the_capped_package_stops_at_its_cap_and_floor(mean, worth):
    assert price(CAPPED, mean)[0] == pytest.approx(worth)


def test_a_bill_is_energy_by_period_times_price():
    energy = np.array([10.0, 20.0, 30.0])  # MWh
    assert (energy * price(FIXED)).sum() == 12_600.0  # 60 x 210
    assert (energy * price(TIME_OF_USE)).sum() == 10_500.0  # 3,150 + 4,200 + 3,150
    assert (energy * price(SPREAD_SHARE)).sum() == pytest.approx(12_180.0)  # 60 x 203


def test_who_uses_by_night_expects_less_of_time_of_use():
    by_night, by_day = np.array([0.1, 0.3, 0.6]), np.array([0.5, 0.4, 0.1])
    of = [float(expected(TIME_OF_USE, 210.0, 5.0, 200.0, 20.0, profile, 0.0, TERMS)) for profile in (by_night, by_day)]
    assert of == pytest.approx([210 * 0.75, 210 * 1.2])  # 0.15 + 0.3 + 0.3; 0.75 + 0.4 + 0.05


def test_the_expected_price_of_a_symmetric_cap_and_floor_is_their_middle():
    # mean + fee = level: what the cap saves is what the floor costs
    assert float(expected(CAPPED, 205.0, 5.0, 200.0, 30.0, EVEN, 0.0, TERMS)) == pytest.approx(205.0)


def test_a_cap_close_to_the_price_is_worth_more_the_less_sure_it_is():
    calm, wild = (float(expected(CAPPED, 190.0, 5.0, 200.0, s, EVEN, 0.0, TERMS)) for s in (1.0, 40.0))
    assert calm == pytest.approx(205.0, abs=0.2)  # the cap of 209 is hardly ever met
    assert wild < calm - 5


def test_without_uncertainty_the_expected_price_is_the_price():
    for kind in range(len(KINDS)):
        sure = float(expected(kind, 210.0, 5.0, 200.0, 0.0, EVEN, 6.0, TERMS))
        assert sure == pytest.approx(float((EVEN * price(kind)).sum())), KINDS[kind]


def test_a_fixed_price_bears_no_risk_and_a_linked_one_all():
    borne = dict(zip(KINDS, exposure(TERMS)))
    assert (borne["fixed"], borne["time_of_use"], borne["linked"], borne["green"]) == (0, 0, 1, 1)
    assert (borne["mixed"], borne["spread_share"]) == (0.5, 0.7)
