"""A run beside what was observed: prices and riders in a CSV of the user's own."""

import numpy as np
import pandas
import pytest

from experiments import fit as fitting
from experiments import notebook
from experiments.cli import main
from experiments.store import Run
from sim.config import BadInput

PRICES = "time,zone,price [CNY/MWh]\n"


@pytest.fixture
def run(tmp_path):
    """A run of 1 and 2 July 2025 and of the first hour of the 3rd. In HILLS bus N (load 30) costs 100 and S (load 10)
    costs 200, on the second day 40 more; COAST has no load and costs the hour, 0 to 23. Ten riders."""
    hours = np.datetime64("2025-07-01", "h") + np.arange(49)
    later = 40.0 * (np.arange(49) >= 24)
    tables = [pandas.DataFrame({"time": hours.astype("datetime64[s]"), "bus": bus, "zone": zone, "load": load,
                                "price": price}) for bus, zone, load, price in (
        ("N", "HILLS", 30.0, 100 + later), ("S", "HILLS", 10.0, 200 + later), ("C", "COAST", 0.0, np.arange(49.) % 24))]
    groups = [("all", "all", 10, 1000, 0.2), ("city", "kunming", 6, 1200, 0.3), ("city", "quanzhou", 4, 700, 0.05),
              ("segment", "regular", 10, 1000, 0.2), ("gender", "man", 9, 1000, 0.2), ("gender", "woman", 1, 1000, 0.2),
              ("age", "under 25", 2, 900, 0.0), ("age", "25 to 34", 5, 1000, 0.2), ("age", "35 to 44", 3, 1100, 0.3),
              ("age", "45 and over", 0, np.nan, np.nan)]
    riders = pandas.DataFrame(groups, columns=["dimension", "group", "persons", "income", "coverage"])
    riders = riders.assign(date="2025-07-01", orders=riders["persons"] * 250.0, eligible=0.25)
    folder = tmp_path / "run"
    for kind, table in (("hourly/bus", pandas.concat(tables)), ("populations/rider_outcomes", riders)):
        (folder / kind).parent.mkdir(parents=True)
        table.to_parquet(folder / f"{kind}.parquet")
    return Run(folder, {})


def written(tmp_path, text):
    path = tmp_path / "observed.csv"
    path.write_text(text)
    return path


def test_errors_of_three_prices():
    """80, -80 and 30 off: bias 10, 190/3 either way, root of (6400 + 6400 + 900) / 3. Sorted the run has 120, 180, 330:
    20, -20, 30 off, so the curves lie 70/3 apart. Of the means 200 and 210 the observed are -100, 0, 100 and the run's
    -30, -90, 120 off: 15000 / sqrt(20000 * 23400)."""
    found = fitting.errors(np.array([100.0, 200, 300]), np.array([180.0, 120, 330]))
    assert found == pytest.approx({
        "n": 3, "observed": 200, "run": 210, "bias": 10, "mae": 190 / 3, "rmse": (13700 / 3) ** 0.5,
        "correlation": 15000 / (20000 * 23400) ** 0.5, "duration": 70 / 3})


def test_what_never_changes_has_no_correlation():
    assert np.isnan(fitting.errors(np.array([1.0, 1]), np.array([1.0, 2]))["correlation"])
    assert np.isnan(fitting.errors(np.array([1.0]), np.array([2.0]))["correlation"])


@pytest.mark.parametrize(("plain", "first"), [(False, (30 * 100 + 10 * 200) / 40), (True, 150)])
def test_a_zone_costs_what_its_load_pays_unless_means_are_plain(run, tmp_path, plain, first):
    path = written(tmp_path, PRICES + "2025-07-01,HILLS,120\n2025-07-02,HILLS,180\n")
    table = fitting.price_fit(run, path, plain).table
    assert table["run"].tolist() == pytest.approx([first + 20])
    assert table["bias"].tolist() == pytest.approx([first + 20 - 150])
    assert table["n"].tolist() == [2]


def test_hours_are_compared_one_by_one_in_the_order_of_their_times(run, tmp_path):
    """COAST costs 19 and 3 then: 1 above and 2 below."""
    hours = "2025-07-02 19:00,COAST,18\n2025-07-01T03,COAST,5\n2025-07-03T00:00:00,HILLS,165\n"
    path = written(tmp_path, PRICES + hours)
    table = fitting.price_fit(run, path).table.set_index("zone")
    assert table.loc["COAST", ["n", "bias", "mae"]].tolist() == pytest.approx([2, -0.5, 1.5])
    assert table.loc["HILLS", ["n", "bias"]].tolist() == pytest.approx([1, 0])


def test_days_that_were_not_lived_whole_are_left_out_and_said(run, tmp_path):
    found = fitting.price_fit(run, written(tmp_path, PRICES + "2025-07-01,HILLS,125\n2025-07-03,HILLS,1\n"))
    assert found.table["n"].tolist() == [1]
    assert found.notes[1].startswith("left out  1 of 2 prices")


def test_months_are_the_means_that_runs_keep(toy_month):
    kept = toy_month.results.indicators.pivot_table(index="zone", columns="indicator", values="value")
    hourly = toy_month.results.table("hourly/bus")
    for plain, name in ((False, "price"), (True, "price_plain")):
        found = fitting.zone_prices(hourly, "M", plain)
        assert len(found) == 1
        assert found.iloc[0].to_dict() == pytest.approx(kept[name].loc[list(found)].to_dict(), rel=1e-6)


def test_a_run_without_hours_has_the_prices_of_its_whole_months(tmp_path):
    """It ends on 30 August: July is whole. 230 and 240 for 200; 150 and 100 for 100."""
    kept = pandas.DataFrame([("2025-07-01", "A", "price", 230.0), ("2025-07-01", "B", "price", 150.0),
                             ("2025-07-01", "A", "price_plain", 240.0),
                             ("2025-07-01", "B", "price_plain", 100.0), ("2025-08-01", "A", "price", 999.0)],
                            columns=["date", "zone", "indicator", "value"])
    kept.to_parquet(tmp_path / "indicators.parquet")
    run = Run(tmp_path, {"scenario": {"period": {"start": "2025-07-01", "end": "2025-08-30"}}})
    path = written(tmp_path, PRICES + "2025-07,A,200\n2025-08,A,200\n2025-07,B,100\n")
    assert fitting.price_fit(run, path).table.set_index("zone")["bias"].to_dict() == {"A": 30, "B": 50}
    assert fitting.price_fit(run, path, plain=True).table.set_index("zone")["bias"].to_dict() == {
        "A": 40, "B": 0}
    with pytest.raises(BadInput, match="keeps no hourly prices; expected prices of months"):
        fitting.price_fit(run, written(tmp_path, PRICES + "2025-07-01,A,200\n"))


@pytest.mark.parametrize(("text", "words"), [
    ("2025-07-01,HILS,1\n", ":2: zone: 'HILS' is no zone of the run; did you mean 'HILLS'?"),
    ("2025-07-01,HILLS,1\n2025-13-01,HILLS,1\n", ":3: time: '2025-13-01' is no time"),
    ("2025-07-01,HILLS,1\n2025-07,HILLS,1\n", ":3: time: '2025-07' is one of months; expected days"),
    ("2025-07-01T03,HILLS,1\n2025-07-01 03:00,HILLS,2\n", ":3: time: .* stands twice for 'HILLS', first on line 2"),
    ("2025-07-01,HILLS,dear\n", r":2: price \[CNY/MWh\]: .*'dear'"),
    ("2025-07,HILLS,1\n", "holds months; the run lived none whole"),
    ("2025-07-04,HILLS,1\n", "expected some of 2025-07-01 to 2025-07-02"), ("", "holds no price")])
def test_a_bad_price_is_one_line(run, tmp_path, text, words):
    with pytest.raises(BadInput, match=words) as caught:
        fitting.fit(run, written(tmp_path, PRICES + text))
    assert "\n" not in str(caught.value)


RIDERS = "city,age [years],gender,income [CNY/month],orders [orders],enrolled,weight\n"
SAMPLE = RIDERS + "kunming,24,man,1000,200,true,2\nkunming,25,man,,300,false,1\nquanzhou,35,woman,900,,false,1\n"


def found(run, tmp_path, text=SAMPLE):
    table = fitting.fit(run, written(tmp_path, text)).table
    return table.set_index(["quantity", "dimension", "group"])


def test_marginals_are_apart_by_half_the_sum_of_their_differences(run, tmp_path):
    """Cities 3/4 and 1/4 for 6/10 and 4/10: 0.15 apart. Ages 2/4, 1/4, 1/4, 0 for 0.2, 0.5, 0.3, 0:
    (0.3 + 0.25 + 0.05) / 2. Genders 3/4 for 9/10: 0.15."""
    table = found(run, tmp_path)
    assert table.loc[("persons", "city", "kunming"), ["n", "observed", "run"]].tolist() == pytest.approx([2, 0.75, 0.6])
    apart = table.loc["distance"]["difference"].droplevel("group").to_dict()
    assert apart == pytest.approx({"city": 0.15, "age": 0.30, "gender": 0.15})


def test_means_are_over_who_says_and_by_weight(run, tmp_path):
    """Income (2 * 1000 + 900) / 3, for the run's 1000; orders (2 * 200 + 300) / 3, for 250; 2 of 4 pay, for 0.2."""
    table = found(run, tmp_path)["difference"]
    assert table["income", "all", "all"] == pytest.approx(1000 - 2900 / 3)
    assert table["orders", "all", "all"] == pytest.approx(250 - 700 / 3)
    assert table["enrolled", "all", "all"] == pytest.approx(0.2 - 0.5)
    assert table["income", "city", "quanzhou"] == pytest.approx(700 - 900)
    assert ("income", "age", "25 to 34") not in table.index  # nobody of 25 says what he earns


@pytest.mark.parametrize(("text", "words"), [
    (SAMPLE.replace("quanzhou", "quanzho"), ":4: city: 'quanzho' is no city of the run; did you mean 'quanzhou'?"),
    (SAMPLE.replace("gender", "gendre"), ":1: gendre: unknown column; did you mean 'gender'?"),
    (SAMPLE.replace(",woman", ",female"), ":4: gender: 'female'"),
    (RIDERS, "holds no rider"), ("weight\n1\n", "says nothing of its riders")])
def test_a_bad_rider_is_one_line(run, tmp_path, text, words):
    with pytest.raises(BadInput, match=words):
        fitting.fit(run, written(tmp_path, text))


def test_a_run_without_riders_says_so(run, tmp_path):
    path = run.path / "populations" / "rider_outcomes.parquet"
    pandas.read_parquet(path).assign(persons=0.0).to_parquet(path)
    with pytest.raises(BadInput, match="nobody rides in it"):
        fitting.fit(run, written(tmp_path, SAMPLE))


def test_options_go_with_what_they_are_of(run, tmp_path):
    riders = written(tmp_path, SAMPLE)
    with pytest.raises(BadInput, match="2025-08 is no month of the run"):
        fitting.fit(run, riders, month="2025-08")
    with pytest.raises(BadInput, match="--plain goes with prices"):
        fitting.fit(run, riders, plain=True)
    with pytest.raises(BadInput, match="--month goes with riders"):
        fitting.fit(run, written(tmp_path, PRICES), month="2025-07")


def test_the_table_is_written_as_it_is_shown(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("experiments.store.open_run", lambda folder: run)
    path, out = written(tmp_path, PRICES + "2025-07-01,HILLS,120\n"), tmp_path / "fit.csv"
    assert main(["fit", "run", str(path), "--out", str(out)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].split() == out.read_text().splitlines()[0].split(",")
    assert said[2].split() == ["HILLS", "1", "120.0", "125.0", "5.000", "5.000", "5.000", "-", "5.000"]
    assert pandas.read_csv(out)["bias"].tolist() == [5]
    pandas.testing.assert_frame_equal(notebook.fit("run", path), pandas.read_csv(out))
    assert main(["fit", "run", str(path), "--out", str(tmp_path / "nowhere" / "fit.csv")]) == 2
    assert "nowhere/fit.csv: cannot be written: No such file" in capsys.readouterr().err
