"""The adequacy study on the toy world: pairing, monotony, intervals, and the command."""

import csv

import numpy as np
import pytest

from experiments import adequacy
from experiments.adequacy import Changes, Place, Study, interval, report, study, table
from experiments.cli import main
from sim.config import BadInput, load
from sim.streams import Streams
from tests.labs import TOY, altered, drop

approx = pytest.approx
SHORT = ("demand=1.25",)  # makes the toy world short of power


@pytest.fixture(scope="module")
def config():
    return load(TOY)


def changed(config, *texts, years=2, draws=2) -> Study:
    return study(config, Changes.read(texts, config), years, draws)


@pytest.fixture(scope="module")
def tight(config):
    return changed(config, *SHORT)


def test_a_study_is_a_function_of_scenario_and_numbers(config, tight):
    again = changed(config, *SHORT)
    assert (again.unserved == tight.unserved).all()
    assert tight.unserved[:, -1].min() > 0


def test_more_years_leave_the_first_ones_as_they_are(config, tight):
    assert (changed(config, *SHORT, years=1).unserved[0] == tight.unserved[0]).all()


@pytest.mark.parametrize("more", [
    "capacity.coal=1.1", "capacity.gas.COAST=1.2", "capacity.battery=2", "capacity.wind_offshore=1.5",
    "capacity.hydro=1.1", "demand=0.97", "demand.COAST=0.99"])
def test_more_capacity_or_less_demand_leaves_no_year_with_more_unserved(config, tight, more):
    better = changed(config, *SHORT, more)
    assert (better.unserved[:, -1] <= tight.unserved[:, -1] + 1e-3).all()
    if more != "capacity.hydro=1.1":  # it stands behind links that are full whenever the coast is short
        assert better.unserved[:, -1].sum() < tight.unserved[:, -1].sum()


def test_a_world_with_plenty_is_never_short(config):
    plenty = changed(config, "demand=0.5")
    assert not plenty.unserved.any()
    assert "No hour of 2,976 was short." in report(config, plenty)  # 2 years x 2 draws x 744 h


def test_without_any_plant_all_load_is_unserved(config):
    texts = [f"capacity.{t}=0" for t in sorted(set(config.world["plants"]["technology"]))]
    dark, place = changed(config, *texts, years=1, draws=1), Place(config, Changes())
    year = place.year(config.seed)
    steps = year.firm  # nothing but what neighbours sell
    assert dark.short[0, -1] == dark.hours
    assert dark.unserved[0, -1] <= year.load.sum()
    assert dark.unserved[0, -1] >= year.load.sum() - steps.sum()


def test_the_load_is_that_of_the_model(config):
    # the users of the lab draw the same on the first day, riders' charging and smelters' blocks left out
    from sim.model import PolicyLab

    lab = PolicyLab(config)
    day = lab.calendar.turn()
    load_of = lab.users.by_bus(lab.users.consume(day, lab.weather.draw(day)))
    assert Place(config, Changes()).year(config.seed).load[:, :24] == approx(lab.grid.by_zone(load_of))


def test_sets_in_service_are_the_availability_on_average(config):
    place = Place(config, Changes())
    share = np.mean([place.sets.in_service(Streams(9), draw, 744).mean(axis=1) for draw in range(200)], axis=0)
    assert share == approx(place.availability[place.fallible], abs=0.03)


def test_reservoirs_follow_their_guide_from_carry_over_to_full(config):
    from types import SimpleNamespace

    from sim.calendar import Calendar, date

    place = Place(config, Changes())
    level = place._guide(SimpleNamespace(rivers=()))
    at = lambda month, day: level(Calendar(date(2025, month, day), date(2025, month, day)).day(0))  # noqa: E731
    # 0.1 on 31 May, full on 31 October; 31 December is 61 of 212 days down: 1 - 0.9 x 61 / 212
    assert at(5, 31) == approx(0.1)
    assert at(10, 31) == approx(1.0)
    assert at(12, 31) == approx(1 - 0.9 * 61 / 212)
    assert at(8, 15) == approx(0.1 + 0.9 * (227 - 151) / 153)


def test_the_interval_is_students():
    # 1, 2, 3: mean 2, s = 1, t(2, 97.5 %) = 4.3027, half width 4.3027 / sqrt 3
    mean, width = interval(np.array([[1.0], [2.0], [3.0]]))
    assert mean[0] == 2
    assert width[0] == approx(4.302653 / np.sqrt(3), rel=1e-5)
    assert np.isnan(interval(np.array([[1.0]]))[1][0])


def test_a_paired_change_is_sharper_than_two_studies(config, tight):
    other = changed(config, *SHORT, "capacity.gas=1.05")
    rows = table(tight, other).iloc[-1]
    assert rows["change_eens"] == approx(rows["against_eens"] - rows["eens"])
    assert rows["change_eens_95"] < rows["eens_95"]


def test_a_world_without_stores_and_reservoirs_has_a_report(tmp_path):
    kept = lambda row: None if row["technology"] == "battery" else row  # noqa: E731
    scenario = altered(tmp_path, {"stores": drop, "reservoirs": drop, "build_out": kept,
                                  "projects": kept})
    found = changed(load(scenario), *SHORT, years=1, draws=1)
    assert found.unserved[0, -1] > 0


def test_changes_multiply_and_name_zones(config):
    found = Changes.read(["demand=1.2", "demand.COAST=1.1", "demand=1.5", "capacity.coal.COAST=0.5"], config)
    assert found.of_demand("COAST") == approx(1.2 * 1.5 * 1.1)
    assert found.of_demand("HILLS") == approx(1.8)
    assert (found.of_capacity("coal", "COAST"), found.of_capacity("coal", "HILLS")) == (0.5, 1.0)


@pytest.mark.parametrize(("text", "words"), [
    ("demand.COST=1", ("'COST'", "did you mean 'COAST'")), ("capacity=0.5", ("capacity.TECHNOLOGY",)),
    ("capacity.cole=1", ("did you mean 'coal'",)), ("demand=-1", ("no ratio",)), ("demand=", ("no ratio",)),
    ("demand=nan", ("no ratio",)), ("demand.COAST.x=1", ("demand.ZONE",))])
def test_a_wrong_change_is_refused(config, text, words):
    with pytest.raises(BadInput) as refusal:
        Changes.read([text], config)
    assert all(word in str(refusal.value) for word in (text, *words)), refusal.value


# --------------------------------------------------------------------------------------------------------- command


def test_the_command_prints_a_table_and_writes_a_folder(tmp_path, capsys, config, tight):
    out = tmp_path / "report"
    arguments = ["adequacy", "toy", "--years", "2", "--draws", "2", "--set", "demand=1.25", "--against",
                 "capacity.gas=1.1", "--out", str(out)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "COAST" in said
    assert "change, year by year" in said
    assert sorted(file.name for file in out.iterdir()) == sorted(adequacy.FILES)
    with (out / "adequacy.csv").open() as file:
        rows = {row["zone"]: row for row in csv.DictReader(file)}
    assert float(rows["all"]["eens"]) == approx(tight.unserved[:, -1].mean())
    assert float(rows["all"]["change_eens"]) < 0
    assert main(arguments) == 0  # an earlier report gives way


@pytest.mark.parametrize(("arguments", "words"), [
    (["--set", "demand=x"], ("demand=x",)), (["--against", "capacity.cole=2"], ("coal",)),
    (["--years", "0"], ("--years",)), (["--against", "seed=4"], ("--against", "seed")),
    (["--set", "scale.rider=3"], ("did you mean 'riders'",)), (["--out", "full"], ("full", "other things"))])
def test_the_command_refuses_in_one_line(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("mine")
    assert main(["adequacy", "toy", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert all(word in said.err for word in words), said.err


def test_more_than_a_calendar_year_is_refused(capsys):
    assert main(["adequacy", "toy", "--set", "period.end=2026-01-05"]) == 2
    said = capsys.readouterr().err
    assert "more than one calendar year" in said
    assert said.count("\n") == 1
