"""The event study finds effects that are there, and none where none is; intervals are worked by hand."""

import numpy as np
import pandas
import pytest

from experiments.event_study import known_effects, study
from sim.calendar import Month
from sim.config import BadInput

JANUARY = Month(2025, 1)
T1 = 12.706204736  # Student's 97.5 % point with one degree of freedom


def panel(rows: dict[str, list[float]]) -> pandas.DataFrame:
    """Values by city and month from January 2025 on."""
    table = pandas.DataFrame.from_dict(rows, orient="index")
    return table.set_axis([JANUARY.later(k) for k in range(table.shape[1])], axis="columns")


def staged(effect) -> tuple[pandas.DataFrame, pandas.DataFrame, dict[str, Month]]:
    """Six cities of their own level in twelve months of their own level; two start in April, two in August; with
    effects by month since the start, without them, and the starts."""
    starts = {"a": JANUARY.later(3), "b": JANUARY.later(3), "c": JANUARY.later(7), "d": JANUARY.later(7)}
    months = np.arange(12)
    without = {city: 0.1 * k + 0.01 * months**1.5 for k, city in enumerate("abcdef")}
    treated = {city: row.copy() for city, row in without.items()}
    for city, start in starts.items():
        since = months - (start.number - JANUARY.number)
        treated[city] += np.where(since >= 0, effect(since), 0.0)
    return panel(treated), panel(without), starts


def growing(since):
    return 0.01 * (since + 1.0)


def test_effects_that_grow_with_time_are_found_exactly():
    values, without, starts = staged(growing)
    found = study(values, starts, before=3, after=8)
    assert found.effect == pytest.approx(np.where(found.event < 0, 0.0, growing(found.event)), abs=1e-12)
    assert known_effects(values, without, starts, found) == pytest.approx(found.effect, abs=1e-12)


def test_a_regression_with_city_and_month_effects_is_biased_where_this_is_not():
    """What the study avoids: its coefficient lies far below the mean effect of the treated city-months."""
    values, _, starts = staged(growing)
    y, cities = values.to_numpy(), list(values.index)
    on = np.array([[city in starts and month >= starts[city] for month in values.columns] for city in cities], float)
    eye = np.eye(len(cities)), np.eye(y.shape[1])
    x = np.column_stack([on.ravel(), np.repeat(eye[0], y.shape[1], axis=0), np.tile(eye[1], (len(cities), 1))])
    coefficient = np.linalg.lstsq(x, y.ravel(), rcond=None)[0][0]
    mean = np.mean([growing(np.arange(9)).sum() * 2, growing(np.arange(5)).sum() * 2]) * 2 / (2 * 9 + 2 * 5)
    assert coefficient < 0.8 * mean


def test_an_interval_is_what_a_hand_reckons():
    """From January to February the treated cities rise by 3 and 5, the others by 1 and 1: effects 2 and 4, mean 3.
    Parts (2 - 3) / 2 and (4 - 3) / 2, squares sum to 1/2, times 2 / (2 - 1): an error of 1, one degree of freedom."""
    values = panel({"a": [0, 3], "b": [0, 5], "c": [0, 1], "d": [2, 3]})
    row = study(values, {"a": JANUARY.later(1), "b": JANUARY.later(1)}).table.set_index("event").loc[0]
    assert row["effect"] == pytest.approx(3.0)
    assert (row["low"], row["high"]) == pytest.approx((3 - T1, 3 + T1))
    assert row["cities"] == 2


def test_cities_compared_with_add_to_the_error():
    """The others rise by 0 and 2 now: parts of the treated -1/2 and 1/2, of the others (each compared with twice, by
    half) -(0 - 1) / 2 and -(2 - 1) / 2: squares sum to 1."""
    values = panel({"a": [0, 3], "b": [0, 5], "c": [0, 0], "d": [2, 4]})
    row = study(values, {"a": JANUARY.later(1), "b": JANUARY.later(1)}).table.set_index("event").loc[0]
    assert row["high"] - row["effect"] == pytest.approx(T1 * np.sqrt(2))


def test_the_mean_of_events_takes_their_common_noise_once():
    """A city that is off by the same in both months is one error, not two halves that cancel."""
    values = panel({"a": [0, 3, 3], "b": [0, 5, 5], "c": [0, 1, 1], "d": [2, 3, 3]})
    found = study(values, {"a": JANUARY.later(1), "b": JANUARY.later(1)})
    assert found.over(0, 1) == pytest.approx((3.0, 3 - T1, 3 + T1))


def test_treated_cities_are_never_compared_with():
    """City a begins in April. A hundred more there from May on moves its own effects of May, a quarter of the mean over
    four cities, and nothing of c and d, which begin in August and are compared with e and f."""
    values, _, starts = staged(growing)
    moved = values.copy()
    moved.loc["a", JANUARY.later(4):] += 100.0
    before, after = (study(table, starts, before=2, after=1) for table in (values, moved))
    assert (after.effect - before.effect).tolist() == pytest.approx([0, 0, 0, 100 / 4])


def test_without_stages_there_is_no_study():
    values, _, starts = staged(growing)
    with pytest.raises(BadInput, match="staged"):
        study(values, dict.fromkeys(values.index, JANUARY.later(3)))
    with pytest.raises(BadInput, match="gaps"):
        study(values.drop(columns=JANUARY.later(5)), starts)
