"""What is published against what was lived: measured, judged and printed as it is."""

from datetime import date

import numpy as np
import pandas
import pytest

from experiments import validate
from experiments.cli import main
from experiments.validate import History, Judged, Line, table
from sim.config import BadInput, load
from tests.labs import ROOT

LINES = """
runs:
  history: {{scenario: "{scenario}", end: "2025-01-31", seeds: [1, 2]}}
lines:
  sent in January:
    measure: sent
    unit: GWh
    target: "> 0 (whatever it is)"
    least: {least}
    reproducible: {reproducible}
    reason: a test
    source: "[assumption]"
"""


def line(least=None, most=None, reproducible=True) -> Line:
    return Line(measure="exports_fyp14", unit="TWh", target="650 (five years)", least=least, most=most,
                reproducible=reproducible, reason="because", source="[seed]")


def history(*rows) -> History:
    table = pandas.DataFrame(rows, columns=["date", "zone", "indicator", "value"])
    return History(table, load(ROOT / "configs" / "scenarios" / "history_2021_2025.yaml"))


@pytest.mark.parametrize(("limits", "verdict", "failed"), [
    (dict(least=2, most=3), "met", False), (dict(least=2.5), "MISSED", True), (dict(most=1.5), "MISSED", True),
    (dict(least=2.5, reproducible=False), "not reproduced, as said", False),
    (dict(most=2.5, reproducible=False), "met, though not expected", False), ({}, "stated", False)])
def test_the_mean_over_seeds_is_what_is_judged(limits, verdict, failed):
    """One and three have the mean two."""
    judged = Judged("a line", line(**limits), np.array([1.0, 3.0]))
    assert (judged.verdict, judged.failed) == (verdict, failed)


def test_exports_are_those_to_the_three_neighbours_in_five_years():
    """1 + 2 + 4 TWh count; a sixth year's and those to Laos do not."""
    rows = [(date(2021, 1, 1), "YN", "exports.GD", 1e6), (date(2023, 7, 1), "YN", "exports.GX", 2e6),
            (date(2025, 12, 1), "YN", "exports.GZ", 4e6), (date(2026, 1, 1), "YN", "exports.GD", 8e6),
            (date(2025, 1, 1), "YN", "exports.LA", 16e6), (date(2025, 1, 1), "GZ", "exports.GD", 32e6)]
    assert validate.exports_fyp14(history(*rows)) == pytest.approx(7.0)


def test_a_battery_earns_what_the_market_paid_less_what_it_needed():
    """Paid 240 and 260 in two months, 250 in the mean; needed 270 when 2026 closed: 20 short."""
    january, february = date(2026, 1, 1), date(2026, 2, 1)
    rows = [(january, "YN", "regulation_capacity_price", 240.0), (february, "YN", "regulation_capacity_price", 260.0),
            (january, "YN", "break_even.battery", 300.0), (february, "YN", "break_even.battery", 270.0)]
    assert validate.storage_with(history(*rows)) == pytest.approx(-20.0)
    assert validate.storage_without(history(*rows)) == pytest.approx(-270.0)


def test_person_times_are_summed_to_the_month():
    rows = [(date(2022, 7, 1), "guangzhou", "injury_person_times", 2e6), (date(2025, 7, 1), "nanning",
             "injury_person_times", 1e6), (date(2025, 10, 1), "nanning", "injury_person_times", 4e6),
            (date(2025, 11, 1), "nanning", "injury_person_times", 8e6)]
    assert validate.injury_person_times_in_july(history(*rows)) == pytest.approx(3.0)
    assert validate.injury_person_times(history(*rows)) == pytest.approx(7.0)


def test_premiums_on_every_order_of_the_cities_where_the_scheme_has_begun_are_all_of_them():
    """0.07 yuan on a million orders in Guangzhou, 1.48 of them for each that a rider is paid for: 103,600. Kunming's
    orders are not insured before 2026."""
    month = date(2025, 10, 1)
    rows = [(month, "guangzhou", "orders", 1e6), (month, "kunming", "orders", 5e6),
            (month, "platform", "paid.injury_premium", 0.07 * 1e6 * 1.48)]
    assert validate.injury_covered(history(*rows)) == pytest.approx(1.0)


def test_care_in_critical_illness_is_scaled_from_the_months_that_were_lived():
    """2 and 3 M in two months are 2.5 a month, 187.5 M in 75; what comes after July 2025 does not count."""
    rows = [(date(2025, 6, 1), "platform", "paid.critical_illness", 2e6),
            (date(2025, 7, 1), "platform", "paid.critical_illness", 3e6),
            (date(2025, 8, 1), "platform", "paid.critical_illness", 9e6)]
    assert validate.critical_illness(history(*rows)) == pytest.approx(187.5)


def test_premiums_count_until_october_2025():
    rows = [(date(2025, 10, 1), "platform", "paid.injury_premium", 2e9),
            (date(2025, 11, 1), "platform", "paid.injury_premium", 5e9)]
    assert validate.injury_premium(history(*rows)) == pytest.approx(2.0)


def test_every_riders_line_reads_what_a_run_keeps():
    """V13 to V17 ask for nothing that is not recorded."""
    from sim.recorder import OUTCOMES

    names = {outcome.name for outcome in OUTCOMES}
    assert {"injury_person_times", "orders", "riders", "migrant_share", "crossed_share", "temporary_share", "take_up",
            "eligible_share", "paid"} <= names
    keys = {key.split()[0] for key in validate.read().lines}
    assert {"V13", "V14", "V15", "V16", "V17"} <= keys


def test_trade_before_the_run_grows_every_year_without_a_dispatch():
    """Entry of 2014 to 2020 alone: something in the first year, more in each that follows, less than is used."""
    early = history().early
    traded = [early[year] for year in range(2014, 2021)]
    assert traded[0] > 0
    assert (np.diff(traded) > 0).all()
    use = {row.year: row.annual for row in load(ROOT / "configs/scenarios/history_2021_2025.yaml").world["demand_years"]
           if row.zone == "YN"}
    assert all(early[year] < use[year] for year in early)


def test_the_table_says_target_range_and_verdict_and_then_what_was_missed_and_whence():
    lines = list(table([Judged("V5", line(least=640), np.array([600.0, 640.0])),
                        Judged("V6", line(most=700), np.array([639.0, 641.0]))]))
    assert lines[1].split() == ["V5", "650", "620", "600", "..", "640", "TWh", "MISSED"]
    assert lines[2].split() == ["V6", "650", "640", "639", "..", "641", "TWh", "met"]
    assert lines[4] == "V5: 650 (five years); because"
    assert lines[-1] == "source    V6: 650 (five years); [seed]"


def test_a_measure_that_nobody_knows_is_refused_by_line_with_the_nearest(tmp_path):
    file = tmp_path / "published.yaml"
    file.write_text(LINES.format(scenario="toy.yaml", least=0, reproducible="true").replace("sent\n", "increment\n"))
    with pytest.raises(BadInput, match=r"published\.yaml:6: lines\.sent in January\.measure.*mean 'increments'"):
        validate.read(file)


@pytest.fixture
def january(tmp_path, monkeypatch):
    """Write a file of one line about the toy world's January; gives its path by least value and whether expected."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(validate.MEASURES, "sent", lambda h: h.total("exports.COAST", "HILLS") / 1e3)

    def written(least, reproducible="true"):
        file = tmp_path / "published.yaml"
        scenario = tmp_path / "january.yaml"
        text = (ROOT / "configs" / "scenarios" / "toy.yaml").read_text()
        scenario.write_text(text.replace("../", f"{ROOT}/configs/").replace("2025-07-01", "2025-01-29")
                            .replace("figures: true", "figures: false"))
        file.write_text(LINES.format(scenario="january.yaml", least=least, reproducible=reproducible))
        return str(file)

    return written


def test_a_run_is_lived_once_a_missed_line_fails_and_a_changed_run_is_no_evidence(january, tmp_path, capsys):
    assert main(["validate", january(0.0), "--jobs", "1"]) == 0
    assert "2 runs, 0 kept from before" in capsys.readouterr().out
    assert main(["validate", january(1e9), "--jobs", "1"]) == 1
    shown = capsys.readouterr()
    assert "2 runs, 2 kept from before" in shown.out
    assert "missed: sent in January" in shown.err
    assert main(["validate", january(1e9, "false"), "--jobs", "1"]) == 0
    capsys.readouterr()
    kept = next((tmp_path / "results" / "validation").glob("*-1"))
    table = next(kept.rglob("indicators*.parquet"))
    table.write_bytes(table.read_bytes()[:-1] + b"x")
    assert main(["validate", january(0.0), "--jobs", "1"]) == 2
    assert "expected an unchanged run" in capsys.readouterr().err
