"""The live view without a browser: what it reads, what its levers say, how its stage plays, whom its server answers."""

import http.client
import json
import threading
from pathlib import Path

import numpy as np
import pytest

from experiments.app import readings
from experiments.app.levers import CHOICE, RANGE, SWITCH, changes, levers
from experiments.app.lives import Lived, Told
from experiments.app.opening import config_of, scenario, stored
from experiments.app.server import Server
from experiments.app.stage import Stage, placed
from experiments.cli import main
from experiments.runner import run
from experiments.store import open_run
from sim.config import BadInput, load
from tests.labs import ROOT, TOY

SCENARIOS = ROOT / "configs" / "scenarios"
SMALL = ["scale.riders=200"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The folder of three days of the toy world, closed on the third."""
    config = load(TOY, set=[*SMALL, "record.figures=false"], end="2025-07-03")
    return run(config, tmp_path_factory.mktemp("runs") / "three", progress=False).folder


def at_the_ends(lever):
    """Values of a lever away from rest."""
    if lever.kind == SWITCH:
        return [not lever.at_rest]
    if lever.kind == CHOICE:
        return [option for option in lever.options if option != lever.at_rest]
    return [value for value in (lever.low, lever.high) if value != lever.at_rest]


# ------------------------------------------------------------------------------------------------------------- levers


def test_every_lever_can_be_put_anywhere_it_goes():
    path = SCENARIOS / "toy_years.yaml"
    found = levers(load(path))
    assert {lever.kind for lever in found} == {RANGE, CHOICE, SWITCH}
    for lever in found:
        for value in at_the_ends(lever):
            texts, moved = changes(found, {lever.key: value})
            assert moved == {lever.key: value}
            load(path, set=texts)  # refuses what the law would


@pytest.mark.parametrize("end", [0, -1])
def test_all_levers_of_the_base_year_can_be_moved_at_once(end):
    path = SCENARIOS / "base_2025.yaml"
    found = levers(load(path))
    texts, moved = changes(found, {lever.key: at_the_ends(lever)[end] for lever in found})
    assert len(moved) == len(found)
    load(path, set=texts)


def test_levers_rest_where_the_law_stands_and_on_a_step_of_their_slider():
    found = {lever.key: lever for lever in levers(load(SCENARIOS / "toy_years.yaml"))}
    assert (found["pension_subsidy.match"].at_rest, found["pension_subsidy.match"].unit) == (0.5, "share")
    assert (found["swap.subscription"].at_rest, found["swap.subscription"].unit) == (299, "CNY/month")
    assert found["injury_insurance.premium.takeaway"].law == "0.06, then 0.07 from 2025-07-01"
    assert found["instruments.pension_subsidy"].law == "on from 2025-04-01"
    for lever in (one for one in found.values() if one.kind == RANGE):
        steps = (lever.at_rest - lever.low) / lever.step
        assert steps == pytest.approx(round(steps)), lever.key  # else a browser would round it to another value
        assert lever.source


def test_no_lever_is_idle():
    # days of two months in which all is in force: each lever, moved, must give another journal
    def head(texts):
        config = load(SCENARIOS / "toy_years.yaml", set=[*SMALL, *texts], start="2025-11-28", end="2026-01-05")
        life = Lived(config)
        while life.now != config.end:
            life.step()
        return life.lab.journal.head

    still, found = head([]), levers(load(SCENARIOS / "toy_years.yaml"))
    idle = [lever.key for lever in found if head(changes(found, {lever.key: at_the_ends(lever)[0]})[0]) == still]
    assert idle == []


@pytest.mark.parametrize(("values", "words"), [
    ({"spot.cleering": "joint"}, "there is no such lever"), ({"spot.clearing": "apart"}, "joint or separate"),
    ({"pension_subsidy.match": 1.5}, "0 to 1"), ({"pension_subsidy.match": True}, "0 to 1"),
    ({"markets.green": 1}, "true or false")])
def test_a_lever_goes_nowhere_else(values, words):
    with pytest.raises(BadInput, match=words):
        changes(levers(load(TOY)), values)


def test_a_lever_at_rest_says_nothing():
    found = levers(load(TOY))
    assert changes(found, {lever.key: lever.at_rest for lever in found}) == ([], {})


# ----------------------------------------------------------------------------------------------------------- readings


def test_a_stored_run_shows_what_the_lab_showed_when_it_lived(finished):
    live, told = Lived(load(TOY, set=SMALL, end="2025-07-03")), Told(open_run(finished), config_of(open_run(finished)))
    for _ in range(3):
        live.step()
        told.step()
        mine, theirs = live.frame(), told.frame()
        assert mine.keys() == theirs.keys()
        for name in mine:
            assert_alike(mine[name], theirs[name])
    mine, theirs = live.closed(), told.closed()
    assert mine["month"] == theirs["month"] == "2025-07"
    assert_alike(mine, theirs)


def assert_alike(one, other):
    """The same data, but for what four bytes of a number (the tables') and rounding leave."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_alike(one[name], other[name])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other):
            assert_alike(mine, theirs)
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-5, abs=0.11)
    else:
        assert one == other


def test_loading_is_signed_along_the_corridor_and_out_of_its_own_capacity():
    # sends 50 of 100 forwards, then 10 arrive backwards of 40; a corridor without capacity carries nothing
    some = dict.fromkeys(readings.DayView.__dataclass_fields__)
    view = readings.DayView(**some | dict(
        sent=np.array([[50.0, -12.0], [0.0, 0.0]]), delivered=np.array([[45.0, -10.0], [0.0, 0.0]]),
        capacity=np.array([100.0, 0.0]), reverse=np.array([40.0, 0.0])))
    assert view.loading.tolist() == [[0.5, -0.25], [0.0, 0.0]]


def test_a_zone_price_weighs_buses_by_load_and_takes_the_mean_where_there_is_none():
    some = dict.fromkeys(readings.DayView.__dataclass_fields__)
    view = readings.DayView(**some | dict(
        zone=("A", "A"), price=np.array([[100.0, 100.0], [400.0, 400.0]]), load=np.array([[3.0, 0.0], [1.0, 0.0]])))
    assert readings.zone_prices(view, ("A",)).tolist() == [[175.0, 250.0]]  # (3 x 100 + 1 x 400) / 4; (100 + 400) / 2


def test_net_of_all_accounts_is_nothing():
    life = Lived(load(TOY, set=SMALL, end="2025-07-02"))
    life.step()
    life.step()
    month = life.closed()
    assert sum(month["net"].values()) == pytest.approx(0, abs=0.01)
    assert month["net"]["users"] < 0 < month["net"]["plants"]
    assert {city: riders["persons"] for city, riders in month["riders"].items()} == {"kunming": 6000, "quanzhou": 4000}


@pytest.mark.parametrize("name", ["toy", "base_2025"])
def test_every_bus_of_our_worlds_has_its_place_and_others_get_one(name, monkeypatch):
    config = load(SCENARIOS / f"{name}.yaml")
    assert placed(config).keys() == set(config.world["buses"]["key"])
    monkeypatch.setattr("experiments.app.stage.PLACES", {})
    spread = list(placed(config).values())
    assert len({tuple(np.round(at, 6)) for at in spread}) == len(spread)


# ---------------------------------------------------------------------------------------------------------- the stage


@pytest.fixture
def stage():
    """A stage with a week and a half across the turn of a month, open, its first day lived."""
    stage = Stage(scenario(TOY, [*SMALL], None, "2025-07-28", "2025-08-06"))
    stage.start()
    wait(stage, lambda: not stage.look({})["opening"] and stage.look({})["date"])
    yield stage
    stage.close()


def wait(stage, holds):
    """Wait for news until something holds; what a spectator then sees who has seen nothing."""
    with stage.news:
        assert stage.news.wait_for(holds, 120), stage.look({})
        return stage.look({})


def test_a_step_ends_with_its_day_month_or_year(stage):
    assert stage.look({})["date"] == "2025-07-28"  # the first day is lived at once: there is something to see
    for by, end in (("day", "2025-07-29"), ("month", "2025-07-31"), ("year", "2025-08-06")):
        stage.command({"do": "step", "by": by})
        wait(stage, lambda end=end: stage.look({})["date"] == end and not stage.look({})["playing"])
    seen = stage.look({})
    assert seen["over"]
    assert len(seen["first"]["days"]) == 10
    assert [month["month"] for month in seen["first"]["months"]] == ["2025-07", "2025-08"]
    assert ["money" in month for month in seen["first"]["months"]] == [False, True]


def test_a_moved_lever_brings_a_second_run_on_the_same_weather_that_catches_up(stage):
    stage.command({"do": "step", "by": "month"})
    wait(stage, lambda: stage.look({})["date"] == "2025-07-31")
    stage.command({"do": "levers", "values": {"capacity.coal": 0.0}})
    seen = wait(stage, lambda: stage.look({})["second"] and not stage.look({})["behind"])
    one, other = seen["first"], seen["second"]
    assert other["moved"] == {"capacity.coal": 0.0}
    assert one["days"] == other["days"]  # a capacity price moves money, not the dispatch of its first month
    assert one["frame"]["city"] == other["frame"]["city"]  # the same orders: the same weather and chance
    assert one["months"][0]["net"]["plants"] > other["months"][0]["net"]["plants"]
    stage.command({"do": "levers", "values": {}})
    assert wait(stage, lambda: not stage.look({})["second"])["values"] == {}


def test_play_goes_on_until_pause_and_from_the_start_again_with_another_seed(stage):
    first_day = stage.look({})["first"]["days"][0]
    stage.command({"do": "pace", "days": 60})
    stage.command({"do": "play"})
    wait(stage, lambda: len(stage.look({})["first"]["days"]) >= 3)
    stage.command({"do": "pause"})
    wait(stage, lambda: not stage.look({})["playing"])
    stage.command({"do": "restart", "seed": 8})
    seen = wait(stage, lambda: stage.look({})["seed"] == 8 and len(stage.look({})["first"]["days"]) == 1)
    assert seen["first"]["days"][0] != first_day


def test_a_spectator_is_told_each_day_once(stage):
    seen, days = {}, []
    with stage.news:
        days += stage.look(seen)["first"]["days"]
    for _ in range(3):
        stage.command({"do": "step", "by": "day"})
        before = len(days)
        wait(stage, lambda before=before: len(stage.look({})["first"]["days"]) == before + 1)
        with stage.news:
            days += stage.look(seen)["first"]["days"]
    assert [day["date"] for day in days] == ["2025-07-28", "2025-07-29", "2025-07-30", "2025-07-31"]


def test_a_run_that_breaks_says_so_and_the_stage_goes_on(stage, monkeypatch):
    def breaks():
        raise ArithmeticError("so that somebody sees it")

    with stage.news:
        monkeypatch.setattr(stage._first.life, "step", breaks)
    stage.command({"do": "step", "by": "day"})
    assert "so that somebody sees it" in wait(stage, lambda: stage.look({})["fault"])["fault"]
    stage.command({"do": "restart", "seed": 7})
    wait(stage, lambda: not stage.look({})["fault"] and len(stage.look({})["first"]["days"]) == 1)


@pytest.mark.parametrize("asked", [
    {}, {"do": "dance"}, {"do": "step"}, {"do": "step", "by": "week"}, {"do": "pace", "days": 1e9},
    {"do": "pace", "days": True}, {"do": "levers"}, {"do": "levers", "values": {"x": 1}}, {"do": "restart", "seed": -1},
    {"do": "restart", "seed": "7"}])
def test_what_cannot_be_commanded_is_refused(asked):
    stage = Stage(scenario(TOY, [], None, None, None))
    with pytest.raises(BadInput):
        stage.command(asked)


# --------------------------------------------------------------------------------------------------------- the server


@pytest.fixture
def server():
    """A server whose stage is not open: for what depends on no run."""
    stage = Stage(scenario(TOY, [], None, None, None))
    with Server(stage, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def asks(server, method, path, body=None, **headers):
    """Status, headers and body of an answer."""
    line = http.client.HTTPConnection(*server.server_address)
    line.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = line.getresponse()
    found = answer.status, dict(answer.headers), answer.read()
    line.close()
    return found


def test_only_this_machine_is_answered(server):
    assert server.server_address[0] == "127.0.0.1"
    assert asks(server, "GET", "/")[0] == 200
    assert asks(server, "GET", "/", Host="evil.example")[0] == 403  # a name bound anew to this address
    assert asks(server, "GET", "/events", Host="evil.example")[0] == 403


def test_commands_of_other_pages_are_refused(server):
    play = json.dumps({"do": "pause"})
    assert asks(server, "POST", "/do", play)[0] == 200
    assert asks(server, "POST", "/do", play, Origin=server.address)[0] == 200
    assert asks(server, "POST", "/do", play, Origin="http://evil.example")[0] == 403
    assert asks(server, "POST", "/do", play, Origin="null")[0] == 403


@pytest.mark.parametrize(("method", "path", "body", "status"), [
    ("GET", "/../server.py", None, 404), ("GET", "/places.yaml", None, 404), ("POST", "/", "{}", 404),
    ("POST", "/do", "{", 400), ("POST", "/do", "[1]", 400), ("POST", "/do", "x" * 70_000, 400),
    ("POST", "/do", '{"do": "step", "by": "week"}', 400), ("POST", "/do", "[" * 60_000, 400)])
def test_what_makes_no_sense_is_answered_as_such(server, method, path, body, status):
    assert asks(server, method, path, body)[0] == status


def test_the_page_may_load_from_here_alone(server):
    for path in ("/", "/page.css", "/page.js", "/pictures.js", "/curves.js"):
        status, headers, body = asks(server, "GET", path)
        assert status == 200
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
        assert b"http" not in body, path  # no address of anything else


# ----------------------------------------------------------------------------------------------------- what it opens


def test_two_stored_runs_stand_side_by_side_when_world_and_period_are_the_same(finished, tmp_path):
    assert stored(finished, finished).against is not None
    shorter = load(TOY, set=[*SMALL, "record.figures=false"], end="2025-07-02")
    other = run(shorter, tmp_path / "two", progress=False).folder
    with pytest.raises(BadInput, match="another world or period"):
        stored(finished, other)


def test_a_stored_run_without_hours_is_refused(tmp_path):
    few = load(TOY, set=[*SMALL, "record.figures=false", "record.hourly=false"], end="2025-07-02")
    with pytest.raises(BadInput, match="hourly/bus"):
        stored(run(few, tmp_path / "few", progress=False).folder, None)


@pytest.mark.parametrize(("arguments", "words"), [
    (["app", "toi"], "did you mean 'toy'"), (["app", "toy", "--against", "x"], "--against"),
    (["app", "toy", "--set", "law.spot.offer_cup=3"], "offer_cap"), (["app", "."], "holds no run"),
    (["app", ".", "--seed", "3"], "finished run")])
def test_what_cannot_be_opened_is_one_line(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.err.count("\n") == 1


def test_a_port_that_is_taken_is_one_line(server, capsys):
    assert main(["app", "toy", "--port", str(server.server_address[1])]) == 2
    assert "--port" in capsys.readouterr().err
