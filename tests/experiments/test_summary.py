"""One screen of a run, from indicators made up on paper."""

from datetime import date
from types import SimpleNamespace

import pandas
import pytest

from experiments.summary import summarise

MAY, JULY = pandas.Timestamp("2025-05-01"), pandas.Timestamp("2025-07-01")


def config(rules=None, cities=("kunming",)):
    """What the summary asks of a config."""
    return SimpleNamespace(
        title="A year", start=date(2025, 5, 1), end=date(2025, 7, 31), seed=7,
        law=SimpleNamespace(on=lambda day: rules or {}), world={"cities": {"key": cities}})


def indicators(*rows):
    """Two zones over a dry and a wet month, and what else is given: (date, zone, indicator, value)."""
    frame = [(MAY, "A", "load", 0.5e7), (JULY, "A", "load", 2.5e7), (MAY, "A", "large_users", 0.5e7),
             (JULY, "A", "large_users", 0.5e7), (MAY, "A", "price", 300.0), (JULY, "A", "price", 200.0),
             (MAY, "A", "generation.hydro", 2e7), (JULY, "A", "generation.hydro", 5e7),
             (MAY, "A", "generation.coal", 1e7), (JULY, "A", "generation.coal", 0.0),
             (MAY, "A", "clean_share", 2 / 3), (JULY, "A", "clean_share", 1.0),
             (MAY, "A", "curtailed.hydro", 0.0), (JULY, "A", "curtailed.hydro", 1e7), (JULY, "A", "shed", 12.0),
             (MAY, "A", "exports.B", 2e7), (JULY, "A", "exports.B", 1.9e7), (JULY, "A", "exports.C", 1e6),
             (MAY, "B", "imports.A", 1.8e7), (JULY, "B", "load", 2e7), (JULY, "B", "price", 400.0),
             (JULY, "B", "shed", 0.0), (JULY, "all", "imbalance", 2e-9), (JULY, "all", "rent_residual", 1e-6),
             (JULY, "all", "water_residual", 0.0), (JULY, "all", "entries", 40.0), (JULY, "all", "posted", 5e9),
             (JULY, "all", "events.solves", 62.0), (JULY, "users", "paid.spot_energy", 4e10),
             (JULY, "grid_company", "paid.spot_energy", 3e10), (JULY, "all", "riders", 0.0), *rows]
    return pandas.DataFrame(frame, columns=["date", "zone", "indicator", "value"])


def line(lines, start):
    """The one line that begins so."""
    found, = (text for text in lines if text.startswith(start))
    return found


def test_a_zone_is_one_line():
    zone = line(summarise(config(), indicators()), "A   ").split()
    # prices of May and July; 30 TWh of load and 10 of large users, 80 made, 70 of them clean; 40 sent out;
    # 10 of 80 lost; 12 MWh short
    assert zone == ["A", "300.0", "200.0", "40.0", "80.0", "87.5", "40.0", "0.0", "12.50", "12"]
    assert line(summarise(config(), indicators()), "B   ").split()[:3] == ["B", "-", "400.0"]  # no load in May


def test_exports_are_the_largest_exporters():
    assert line(summarise(config(), indicators()), "exports") == (
        "exports   A, at the sending end: 40.0 TWh (B 39.0, C 1.0)")


def test_what_is_passed_on_counts_once():
    assert line(summarise(config(), indicators()), "paid") == "paid      users 40.0 (spot energy) [bn CNY]"


def test_the_largest_bills_fill_four_lines_and_the_others_are_one_sum():
    """A bill like "users 39.0 (bill number 39)," has 28 characters, so four stand in the 120 beside a line's head. Of
    the 41 bills of 40 and 40 to 1 bn fifteen are told; 26 + 25 + ... + 1 = 351 bn are not."""
    many = [(JULY, "users", f"paid.bill_number_{n}", n * 1e9) for n in range(40, 0, -1)]
    lines = summarise(config(), indicators(*many))
    first = next(i for i, text in enumerate(lines) if text.startswith("paid"))
    rows = lines[first:first + 4]
    assert max(map(len, lines)) <= 130
    assert "users 40.0 (spot energy), users 40.0 (bill number 40), users 39.0" in rows[0]
    assert rows[3].endswith("users 27.0 (bill number 27), 26 smaller bills 351.0 [bn CNY]")
    assert not [text for text in lines[first + 4:] if "(bill" in text]


def test_riders_are_those_of_the_last_month_weighted_by_persons():
    rows = [(month, city, name, value) for month in (MAY, JULY) for city, values in
            (("k", (300.0, 2000.0, 0.5, 0.2, 0.4)), ("n", (100.0, 4000.0, 0.1, 0.0, 0.0)))
            for name, value in zip(("riders", "income", "eligible_share", "enrolled_share", "take_up"), values)]
    rows += [(pandas.Timestamp("2025-07-31"), "river", "stored_water", 1.0)]  # a day after the last month's date
    # income (300 x 2000 + 100 x 4000) / 400; eligible 160 of 400; enrolled 60 of 400; take-up 150 x 0.4 of 160
    assert line(summarise(config(), indicators(*rows)), "riders") == (
        "riders    400 in the last month, mean income 2,500 CNY; "
        "enrolled 15.0%, eligible 40.0% and 37.5% of these enrolled")


def test_before_the_subsidy_nothing_is_said_of_eligibility():
    rows = [(JULY, "k", "riders", 300.0), (JULY, "k", "income", 2000.0), (JULY, "k", "enrolled_share", 0.1)]
    assert line(summarise(config(), indicators(*rows)), "riders") == (
        "riders    300 in the last month, mean income 2,000 CNY; enrolled 10.0%")


def test_the_example_is_the_published_one():
    rules = {"pension": SimpleNamespace(base={"kunming": 4588.0}, flex_rate=0.20),
             "pension_subsidy": SimpleNamespace(match=0.5, start={"kunming": "2025-09"})}
    # 20 % of 4,588 is 917.60 a month, half of it 458.80; 12 x 917.60 = 11,011.20, 12 x 458.80 = 5,505.60
    assert line(summarise(config(rules), indicators()), "example") == (
        "example   eligible in kunming: premium 917.60, subsidy 458.80 CNY a month; "
        "own cost 11,011.20 -> 5,505.60 a year")


@pytest.mark.parametrize("rules", [{}, {"pension": SimpleNamespace(base={"kunming": 4588.0}, flex_rate=0.2)}])
def test_without_the_subsidy_there_is_no_example(rules):
    assert not [text for text in summarise(config(rules), indicators()) if text.startswith("example")]


def test_exactness_is_told():
    lines = summarise(config(), indicators())
    assert line(lines, "exact to") == (
        "exact to  2.0e-09 MW at a bus and hour, 1.0e-06 CNY of rent, 0.0e+00 hm3 of water")
    assert line(lines, "clearing") == "clearing  solves 62"
    assert line(lines, "journal") == "journal   40 entries, 5,000,000,000 fen"
