"""Networks of others become worlds, and our days networks: a day cleared by us costs what it costs them."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from experiments.cli import main
from experiments.own_world import references, technology_of
from sim.config import load
from sim.engines.cooptimised import CooptimisedEngine
from sim.engines.records import Book, Day
from sim.messages import BUY, SELL
from sim.model import PolicyLab
from sim.network.grid import NEIGHBOUR, PLANT, STORE, USER
from sim.network.wiring import fleet, wired
from tests.experiments.walkthrough import walk
from tests.labs import TOY
from tests.truths.matpower_cases import path_of, read

pytestmark = pytest.mark.filterwarnings("ignore")  # PyPSA's and linopy's own


def cleared(scenario):
    lab = PolicyLab(load(scenario))
    lab.step()
    return lab.facts.today["spot", "real-time"]


def test_one_reference_for_each_part_that_lines_hold_together():
    """A-B and C are two parts; B is slack, so B and C."""
    assert references(["A", "B", "C"], [("A", "B")], {"B"}) == {"B", "C"}


def test_carriers_have_our_names():
    assert [technology_of(c) for c in ("onwind", "offwind-ac", "CCGT", "lignite", "ror")] == [
        "wind", "wind_offshore", "gas", "coal", "hydro"]


def test_a_network_of_pypsa_costs_the_same_as_a_world_of_ours(tmp_path):
    pypsa = pytest.importorskip("pypsa")
    logging.disable(logging.WARNING)
    hours, n = np.arange(24), pypsa.Network()
    n.set_snapshots(range(24))
    for i, key in enumerate("ABC"):
        n.add("Bus", key, v_nom=1.0)
        n.add("Load", f"load {key}", bus=key, p_set=60 + 20 * i + 30 * np.sin((hours - 6 - i) / 24 * 2 * np.pi))
    for key, start, end, limit in (("ab", "A", "B", 40), ("bc", "B", "C", 60), ("ca", "C", "A", 45)):
        n.add("Line", key, bus0=start, bus1=end, s_nom=limit, x=0.002)
    n.add("Bus", "D", v_nom=1.0)
    n.add("Load", "load D", bus="D", p_set=50.0)
    n.add("Link", "dc", bus0="A", bus1="D", p_nom=30, efficiency=0.95, marginal_cost=4.0)
    for key, bus, size, cost in (("cheap", "A", 200, 20.0), ("middle", "B", 80, 50.0), ("dear", "C", 200, 90.0),
                                 ("island", "D", 90, 70.0)):
        n.add("Generator", key, bus=bus, carrier="coal", p_nom=size, marginal_cost=cost)
    sun = np.clip(np.sin((hours - 6) / 12 * np.pi), 0, 1)
    n.add("Generator", "sun", bus="C", carrier="solar", p_nom=70, p_max_pu=sun)
    n.export_to_csv_folder(str(tmp_path / "theirs"))
    n.optimize(solver_name="highs", log_to_console=False)
    assert main(["world", "from-pypsa", str(tmp_path / "theirs"), "--out", str(tmp_path / "ours")]) == 0
    day = cleared(tmp_path / "ours.yaml")
    assert day.shed.sum() == 0
    assert day.objective == pytest.approx(n.objective, rel=1e-6)


def test_a_matpower_case_costs_what_it_costs_as_a_case(tmp_path):
    """Every hour of the day is the case's hour: 24 times its cost, in as many chords."""
    pytest.importorskip("matpowercaseframes")
    assert main(["world", "from-matpower", str(path_of("case9")), "--out", str(tmp_path / "nine")]) == 0
    day = cleared(tmp_path / "nine.yaml")
    hour = read("case9", segments=4).clear()
    assert day.objective == pytest.approx(24 * hour.objective, rel=1e-6)


def at_cost(config):
    """The first day of a scenario in average weather, everybody at cost: engine's network, fleet, orders and day."""
    lab = PolicyLab(config)
    today, grid, ground, units = lab.calendar.turn(), lab.grid, lab.ground, lab.grid.units
    weather, rules = ground.typical(today), lab.law.on(today.date)["spot"]
    load_of_buses = lab.users.by_bus(lab.users.usual(today, weather))
    given = ground.conditions(today, weather, load_of_buses, grid, np.full(len(units), np.nan))
    orders, willing, steps = [], iter(config.world["smelters"]["willingness"]), iter(config.world["borders"])
    for u, kind in enumerate(units.kind):
        if kind in (PLANT, STORE):
            orders += [(u, SELL, units.cost[u])] + [(u, BUY, 0.0)] * (kind == STORE)
        elif kind == USER:
            orders.append((u, BUY, next(willing)))
        elif kind == NEIGHBOUR:
            step = next(steps)
            orders.append((u, BUY if step.side == "buy" else SELL, step.price))
    unit, side, price = (np.array(column) for column in zip(*orders))
    day = Day(load=given.load, minimum=given.minimum, energy=given.energy, stored=given.stored,
              stored_end=rules.storage_level * units.store, floor=rules.clearing_floor, cap=rules.clearing_cap,
              link_available=grid.link_capacity[:, None] * given.link_share, output_before=given.output_before)
    return wired(grid, apart=False).network, fleet(grid), Book(
        unit, side, np.repeat(price[:, None], 24, axis=1), given.available[unit]), day


@pytest.mark.parametrize("date", ["2025-07-01", "2025-12-17"])
def test_a_day_of_ours_costs_a_network_of_pypsa_the_same(date):
    """But for what the export says that it leaves out: the limit that two cables share, which makes our day dearer."""
    pytest.importorskip("pypsa")
    from experiments.own_world_pypsa import to_network

    logging.disable(logging.WARNING)
    config = load(TOY, set=["scale.riders=0"], start=date, end=date)
    n, left = to_network(config)
    n.optimize(solver_name="highs", log_to_console=False)
    network, units, book, day = at_cost(config)
    found = CooptimisedEngine(replace(network, joints=()), units).clear(book, day)
    assert found.disposed.sum() == 0  # a network has nowhere to put what is too much
    assert n.objective == pytest.approx(found.objective, rel=1e-6)
    assert left[0] == "joint limit 'landing' over 2 links"
    assert CooptimisedEngine(network, units).clear(book, day).objective > found.objective * 1.01


@pytest.mark.parametrize("verb", ["from-pypsa", "from-matpower"])
def test_a_bad_file_is_one_line(verb, tmp_path, capsys):
    bad = tmp_path / "bad.m"
    bad.write_text("nothing\n")
    for path in (tmp_path / "not_there", bad):
        assert main(["world", verb, str(path), "--out", str(tmp_path / "out")]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_the_page_on_own_data_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pypsa")
    assert walk("docs/own_data.md", tmp_path, monkeypatch, capsys) == {
        "command": 11, "file": 4, "shown": 3}
