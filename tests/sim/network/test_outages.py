"""Planned outages: weeks of a year as a share of the months in which they are taken."""

from pathlib import Path

import numpy as np
import pytest

from sim.calendar import Month
from sim.config import BadInput, Table
from sim.network.outages import Outage, Outages


def table(*rows):
    made = [Outage(**row, source="test") for row in rows]
    return Table(Path("outages.csv"), Outage, made, list(range(2, 2 + len(made))), "")


LINE = {"key": "line", "weeks": 10 / 7, "months": "11 12 1 2 3"}
SUMMER = {"key": "summer", "weeks": 3.0, "months": "7"}


def test_ten_days_in_five_winter_months_are_a_share_of_their_151_days():
    # November to March: 30 + 31 + 31 + 28 + 31 = 151 days
    share = Outages(table(LINE)).in_service(["line"])[0]
    assert share[[0, 1, 2, 10, 11]] == pytest.approx(np.full(5, 1 - 10 / 151))
    assert share[3:10] == pytest.approx(np.ones(7))


def test_rows_are_told_by_key_and_those_without_one_are_never_out():
    july = Outages(table(LINE, SUMMER)).on(["summer", None, "line"], Month(2025, 7))
    assert july == pytest.approx([1 - 21 / 31, 1, 1])


def test_no_rows_give_no_shares():
    assert Outages(table(LINE)).on([], Month(2025, 1)).shape == (0,)


def test_more_weeks_than_the_months_hold_are_refused_with_their_line():
    # five weeks are 35 days, January has 31
    with pytest.raises(BadInput, match=r"outages\.csv:2: weeks \[weeks\]: 5 weeks do not fit"):
        Outage.check(table({"key": "long", "weeks": 5.0, "months": "1"}), {})


@pytest.mark.parametrize("months", ["", "0", "13", "1 1", "1,2", "-1", "one"])
def test_months_are_numbers_each_once(months):
    with pytest.raises(ValueError, match="month numbers"):
        Outage(key="x", weeks=1.0, months=months, source="test")
