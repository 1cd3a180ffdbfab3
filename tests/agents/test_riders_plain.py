"""Compiled kernels and whole columns of numpy live the same months: two programs, one population."""

from datetime import date

import numpy as np
import pytest

from agents import riders_kernels, riders_plain
from agents.riders import Columns


@pytest.fixture(scope="module")
def months():
    """Four months of 3,000 riders from March 2025 on, each lived both ways, with what was shown and met at their
    ends."""
    from tests.agents.conftest import SCENARIOS, RiderLab, load

    lived = []
    for kernels in (riders_kernels, riders_plain):
        lab = RiderLab(load(SCENARIOS / "toy.yaml"), rows=3000, start=date(2025, 3, 1))
        lab.riders.kernels = kernels
        months = []
        for month in range(3, 7):
            lab.gifts = {"pension subsidy": np.where(lab.riders.enrolled, 45000, 0)}
            lab.live(date(2025, month, 31 if month % 2 else 30), rain=month % 3)
            months.append(({name: getattr(lab.riders, name).copy() for name in Columns._fields}, lab.people, lab.work))
        lived.append(months)
    return list(zip(*lived))


def same(one, other, name):
    """Integers and booleans equal; floats to 1e-6 of their size, cents where sizes cancel."""
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype.kind == "f":
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=2e-3, err_msg=name)
    else:
        np.testing.assert_array_equal(one, other, err_msg=name)


@pytest.mark.parametrize("name", Columns._fields)
def test_every_column_is_the_same(months, name):
    for compiled, plain in months:
        same(compiled[0][name], plain[0][name], name)


def test_what_the_month_shows_is_the_same(months):
    for compiled, plain in months:
        for name, value in vars(compiled[1]).items():
            if name != "month":
                same(value, getattr(plain[1], name), name)


def test_what_the_days_do_is_the_same(months):
    for compiled, plain in months:
        for one, other in zip(compiled[2], plain[2]):
            for name in ("asked", "done", "charging", "pay", "late"):
                np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, err_msg=name)


def test_there_was_something_to_compare(months):
    first, last = months[0][0][0], months[-1][0][0]
    assert (first["identity"] != last["identity"]).mean() > 0.1
    assert (first["city"] != last["city"]).any()
    assert (first["segment"] != last["segment"]).any()
    assert last["enrolled"].sum() > 50
    assert months[-1][0][1].claims.any()
