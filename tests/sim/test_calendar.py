"""Days, months and years: what opens and closes when, and how a date is addressed."""

import calendar
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.calendar import SEASONS, Calendar, Month

dates = st.dates(date(2000, 1, 1), date(2100, 12, 31))


def days(start: str, end: str) -> list:
    run = Calendar(date.fromisoformat(start), date.fromisoformat(end))
    return [run.turn() for _ in range(len(run))]


def flags(day) -> str:
    """What a day does: m opens its month, M closes it, y and Y the year."""
    does = (day.opens_month, day.closes_month, day.opens_year, day.closes_year)
    return "".join(letter for letter, on in zip("mMyY", does) if on)


# --------------------------------------------------------------------------------------------------------- the turning


def test_a_run_over_new_year_opens_and_closes_each_month_and_year_once():
    told = {str(day): flags(day) for day in days("2025-11-29", "2026-02-01")}
    assert {day: flag for day, flag in told.items() if flag} == {
        "2025-11-29": "my", "2025-11-30": "M", "2025-12-01": "m", "2025-12-31": "MY", "2026-01-01": "my",
        "2026-01-31": "M", "2026-02-01": "mMY"}
    assert len(told) == 2 + 31 + 31 + 1


def test_a_run_of_one_day_opens_and_closes_everything():
    [day] = days("2025-07-17", "2025-07-17")
    assert flags(day) == "mMyY"


def test_a_leap_year_has_its_day():
    told = days("2024-02-28", "2024-03-01")
    assert [str(day) for day in told] == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert [flags(day) for day in told] == ["my", "M", "mMY"]


def test_the_calendar_is_not_turned_past_its_end():
    run = Calendar(date(2025, 1, 1), date(2025, 1, 2))
    run.turn(), run.turn()
    with pytest.raises(RuntimeError, match="2025-01-02"):
        run.turn()
    assert str(run.now) == "2025-01-02"


def test_looking_at_a_day_is_not_turning_to_it():
    run = Calendar(date(2025, 1, 1), date(2025, 12, 31))
    assert str(run.day(364)) == "2025-12-31"
    assert run.now is None
    assert str(run.turn()) == "2025-01-01"


@given(dates, st.integers(0, 800))
def test_months_and_years_open_as_often_as_they_close_and_days_follow_one_another(start, length):
    run = Calendar(start, date.fromordinal(start.toordinal() + length))
    told = [run.turn() for _ in range(len(run))]
    assert [day.index for day in told] == list(range(length + 1))
    assert [day.ordinal for day in told] == list(range(start.toordinal(), start.toordinal() + length + 1))
    months, years = {day.month for day in told}, {day.date.year for day in told}
    for turn, number in (("month", len(months)), ("year", len(years))):
        for flag in (f"opens_{turn}", f"closes_{turn}"):
            assert sum(getattr(day, flag) for day in told) == number
    for today, tomorrow in zip(told, told[1:]):
        assert today.closes_month == tomorrow.opens_month
        assert today.closes_year == tomorrow.opens_year


# -------------------------------------------------------------------------------------------------------------- a day


@pytest.mark.parametrize(("when", "weekend", "wet", "season"), [
    ("2025-01-03", False, False, "winter"), ("2025-01-04", True, False, "winter"),  # a Friday and a Saturday
    ("2025-02-28", False, False, "winter"), ("2025-03-02", True, False, "spring_autumn"),
    ("2025-05-31", True, False, "spring_autumn"), ("2025-06-01", True, True, "summer"),
    ("2025-08-31", True, True, "summer"), ("2025-09-01", False, True, "spring_autumn"),
    ("2025-10-31", False, True, "spring_autumn"), ("2025-11-01", True, False, "spring_autumn"),
    ("2025-12-01", False, False, "winter")])
def test_a_day_knows_its_kind(when, weekend, wet, season):
    [day] = days(when, when)
    assert (day.weekend, day.wet, day.season) == (weekend, wet, season)


def test_each_season_is_one_of_the_profiles():
    assert {day.season for day in days("2025-01-01", "2025-12-31")} == set(SEASONS)


def test_a_day_s_address_is_the_same_in_every_run():
    [alone], within = days("2025-07-05", "2025-07-05"), days("2025-01-01", "2025-12-31")[185]
    assert alone.date == within.date
    assert alone.ordinal == within.ordinal == date(2025, 7, 5).toordinal()
    assert alone.index != within.index


# ------------------------------------------------------------------------------------------------------------- months


def test_months_are_counted_and_compared():
    assert Month(2025, 1).later(-1) == Month(2024, 12)
    assert Month(2024, 12).later(1) == Month(2025, 1)
    assert Month(2025, 7).later(18) == Month(2027, 1)
    assert Month(2025, 12) < Month(2026, 1)
    assert Month(2026, 3).number - Month(2025, 1).number == 14
    assert str(Month(985, 4)) == "0985-04"


@given(dates, st.integers(-600, 600))
def test_going_on_and_back_as_many_months_leads_home(when, months):
    month = Month.of(when)
    assert month.later(months).later(-months) == month
    assert month.later(months).number == month.number + months
    assert (month.later(months) < month) == (months < 0)


@given(dates)
def test_a_month_has_its_days(when):
    month = Month.of(when)
    assert month.first == when.replace(day=1)
    assert month.days == calendar.monthrange(when.year, when.month)[1]
    assert date.fromordinal(month.first.toordinal() + month.days) == month.later(1).first
