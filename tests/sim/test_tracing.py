"""Tracing against cases worked by hand: four buses of the literature, stores, contracts, and claims."""

from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Month
from sim.network.grid import Units
from sim.tracing import Traced, Tracer, _Ledger, account_certificates, account_claims, claims, shift
from sim.tracing_kernels import solve, trace
from tests.labs import toy


def traced(made, ends, sent, delivered, stores=()):
    """mix [H, bus, column] and lost [column]; made: [hour][bus][column].  ends: (from, to) of each corridor.
    stores: (bus, charge [H], discharge [H], half, stock [column])."""
    made = np.array(made, float)
    start, end = np.array(ends, np.int64).reshape(-1, 2).T
    bus, charge, discharge, half, stock = zip(*stores) if stores else ((), (), (), (), ())
    hours, columns = len(made), made.shape[2]
    mix, lost = np.zeros_like(made), np.zeros(columns)
    shape = (len(bus), hours)
    held = np.array(stock, float).reshape(len(bus), columns)
    trace(made, start.copy(), end.copy(), np.array(sent, float).reshape(len(start), hours),
          np.array(delivered, float).reshape(len(start), hours), np.array(bus, np.int64),
          np.array(charge, float).reshape(shape), np.array(discharge, float).reshape(shape),
          np.array(half, float), held, mix, lost)
    return mix, lost, held


def test_the_four_buses_of_bialek():
    """The network of Bialek 1996: G1 = 400 at bus 1, G2 = 114 at bus 2; lines 1-2 60 to 59, 1-3 225 to 218, 1-4 115 to
    112, 2-4 173 to 171, 4-3 83 to 82; loads 300 at bus 3, 200 at bus 4. By hand, upstream: bus 1 is all G1. Bus 2 takes
    59 of G1 and 114 of its own: G1 59/173 = 0.341040. Bus 4 takes 112 of G1 and 171 x 0.341040 = 58.317919 of it, of
    283: 0.601830. Bus 3: 218 + 82 x 0.601830 = 267.350082 of 300: 0.891167. So G1 gives the loads 267.350 and 120.366,
    and G2 32.650 and 79.634; lost of G1: 1 + 7 + 3 + 2 x 0.341040 + 0.601830 = 12.283911. 400 in all."""
    made = [[[400, 0, 0], [0, 114, 0], [0, 0, 0], [0, 0, 0]]]
    ends = [(0, 1), (0, 2), (0, 3), (1, 3), (3, 2)]
    mix, lost, _ = traced(made, ends, [60, 225, 115, 173, 83], [59, 218, 112, 171, 82])
    assert mix[0, :, 0] == pytest.approx([1, 0.341040, 0.891167, 0.601830], abs=1e-6)
    assert mix[0, :, 1] == pytest.approx([0, 0.658960, 0.108833, 0.398170], abs=1e-6)
    load = np.array([0, 0, 300, 200])
    assert load @ mix[0, :, :2] == pytest.approx([387.716089, 112.283911], abs=1e-5)
    assert lost[:2] == pytest.approx([12.283911, 1.716089], abs=1e-6)
    assert load @ mix[0, :, 0] + lost[0] == pytest.approx(400)
    assert load @ mix[0, :, 1] + lost[1] == pytest.approx(114)


def test_a_flow_that_runs_backwards_is_traced_to_its_other_end():
    """A corridor named from 0 to 1 carries 100 back, of which 90 arrive: negative at both ends."""
    mix, lost, _ = traced([[[10, 0, 5], [0, 200, 0]]], [(0, 1)], [-90], [-100])
    assert mix[0, 0] == pytest.approx([0.1, 0.9, 0.05])
    assert lost == pytest.approx([0, 10, 0])


def test_power_that_goes_round_is_shared_too():
    """Three buses in a ring, 70, 50 and 30 on its corridors: 100 made at bus 0, used 60, 20 and 20; all of one make."""
    made = [[[100, 0], [0, 0], [0, 0]]]
    mix, _, _ = traced(made, [(0, 1), (1, 2), (2, 0)], [70, 50, 30], [70, 50, 30])
    assert mix[0, :, 0] == pytest.approx([1, 1, 1])


def test_a_bus_where_nothing_flows_is_made_of_nothing():
    mix, _, _ = traced([[[100, 0], [0, 0]]], [(0, 1)], [0], [0])
    assert mix[0].tolist() == [[1, 0], [0, 0]]


def test_a_store_gives_back_what_it_took():
    """Round trip 0.81, so 0.9 each way. It holds 9 MWh of source 0. Hour 1 it takes 10 of source 1: 1 is lost, 9 + 9
    are held, half and half. Hour 2 it gives 8.1: out of 9 held, 4.5 of each, 0.45 lost; 4.05 of each arrive."""
    made = [[[0, 10, 0, 0]], [[0, 0, 1.9, 0]]]
    mix, lost, held = traced(made, [], [], [], [(0, [10, 0], [0, 8.1], 0.9, [9, 0, 0, 0])])
    assert mix[0, 0].tolist() == [0, 1, 0, 0]
    assert mix[1, 0] == pytest.approx([4.05 / 10, 4.05 / 10, 0.19, 0])
    assert lost == pytest.approx([0.45, 1.45, 0, 0])
    assert held[0] == pytest.approx([4.5, 4.5, 0, 0])


def test_carbon_goes_where_its_energy_goes():
    """40 MWh with 32 t and 60 MWh without make 100 with 0.32 t each; half of it goes on over a loss of 10 %."""
    mix, lost, _ = traced([[[40, 60, 32], [0, 0, 0]]], [(0, 1)], [50], [45])
    assert mix[0] == pytest.approx(np.array([[0.4, 0.6, 0.32], [0.4, 0.6, 0.32]]))
    assert lost == pytest.approx([2, 3, 1.6])


def test_elimination_solves_what_numpy_solves():
    rng = np.random.default_rng(3)
    inflow = rng.uniform(size=(7, 7)) * (1 - np.eye(7))
    matrix, right = np.diag(inflow.sum(axis=1) + rng.uniform(0.1, 1, 7)) - inflow, rng.uniform(size=(7, 3))
    wanted = np.linalg.solve(matrix, right)
    solve(matrix.copy(), right, 7, 3)
    assert right == pytest.approx(wanted)
    plain = rng.uniform(size=(7, 3))
    wanted = np.linalg.solve(matrix, plain)
    solve.py_func(matrix.copy(), plain, 7, 3)
    assert plain == pytest.approx(wanted)


def test_what_a_bargain_alone_would_send_over_lines():
    """Three buses, equal lines in a triangle: of a MW from 0 to 1, two thirds go straight, one third round."""
    grid = SimpleNamespace(line=("a", "b", "c"), bus=(0, 1, 2), line_from=np.array([0, 1, 0]),
                           line_to=np.array([1, 2, 2]), line_susceptance=np.array([5.0, 5.0, 5.0]))
    assert shift(grid) @ np.array([1.0, -1.0, 0.0]) == pytest.approx([2 / 3, -1 / 3, 1 / 3])


# ----------------------------------------------------------------------------------------------------- contracts first


def ledger(output, consumption, sold):
    """A ledger of one hour a day: wind 0 and coal 1 at bus 0 (0.5 t/MWh), two user rows at bus 1, over one line.
    output: [unit], consumption: [row], sold: MW [party]: the same in all 24 hours."""
    units = Units.make(["w", "c"], "plant", bus=0, owner="x", technology=["wind", "coal"], capacity=100.0)
    grid = SimpleNamespace(units=units, bus=("a", "b"), line=("l",), line_from=np.array([0]), line_to=np.array([1]),
                           line_susceptance=np.array([1.0]), link_from=np.zeros(0, int), link_to=np.zeros(0, int),
                           area=np.array([0, 0]))
    wide = np.ones(24)
    used = np.outer(consumption, wide)
    load = np.vstack([0 * wide, used.sum(axis=0)])
    book = SimpleNamespace(sold=np.outer(sold, wide))
    facts = SimpleNamespace(
        grid=grid, output=np.outer(output, wide), consumption=used, user_bus=np.array([1, 1]), load=load,
        shed=np.zeros_like(load), disposed=np.zeros_like(load), charging=np.zeros((0, 24)), city_bus=np.zeros(0, int),
        party_bus=np.array([0, 0, 1, 1]), line_flow=load[1:], sent=np.zeros((0, 24)), delivered=np.zeros((0, 24)),
        positions=SimpleNamespace(books={("contracts", 0): book}), month=Month(2025, 1),
        opening=SimpleNamespace(stored=np.zeros(2)))
    tracer = Tracer(grid, np.array(["green_firm", "town"], object), ())
    tracer.factor = np.array([0.0, 0.5])
    return _Ledger(facts, tracer), facts, tracer


def months_of(found, name):
    """MWh of an average hour by source: wind, coal."""
    row = found.consumer.index(name)
    return {way: (getattr(found, way)[row] / 24).round(9).tolist()[:2] for way in ("contract", "flow")}


def test_contracts_come_first_and_the_rest_shares_what_is_left():
    """Sources are listed by name, coal first. 60 wind and 40 coal; the firm uses 50 and bought 45 of wind's 45 sold;
    the town uses 50. By contract: 45 wind to the firm. Left: 15 wind, 40 coal for 5 and 50: 3/11 wind, 8/11 coal."""
    made, facts, tracer = ledger([60, 40], [50, 50], [45, 0, -45, 0])
    made.contracts()
    found = made.flows(tracer._stock(facts))
    assert found.source[:2] == ("coal", "wind")
    assert months_of(found, "green_firm") == {"contract": [0, 45],
                                              "flow": pytest.approx([5 * 8 / 11, 5 * 3 / 11], abs=1e-9)}
    assert months_of(found, "town")["flow"] == pytest.approx([50 * 8 / 11, 50 * 3 / 11], abs=1e-9)
    assert found.faults() == []
    assert found.carbon / 24 == pytest.approx([0.5 * 5 * 8 / 11, 0.5 * 50 * 8 / 11, 0, 0, 0])
    firm, town = found.rows.sum(axis=0)[:, [0, 1, -1]] / 24  # coal, wind, carbon of the two user rows
    assert firm == pytest.approx([5 * 8 / 11, 45 + 5 * 3 / 11, 0.5 * 5 * 8 / 11])
    assert town == pytest.approx([50 * 8 / 11, 50 * 3 / 11, 0.5 * 50 * 8 / 11])


def test_a_contract_is_no_more_than_was_made_and_used():
    """Wind sold 45 and made 20; the firm bought 45: 20 by contract, its other 30 from coal, as all of the town's 50."""
    made, facts, tracer = ledger([20, 80], [50, 50], [45, 0, -45, 0])
    made.contracts()
    found = made.flows(tracer._stock(facts))
    assert months_of(found, "green_firm") == {"contract": [0, 20], "flow": [30, 0]}
    assert months_of(found, "town") == {"contract": [0, 0], "flow": [50, 0]}


def test_sellers_of_one_book_serve_all_its_buyers_alike():
    """Wind and coal sold 30 each to both: of 60 each buyer took 40 and 20, half wind, half coal."""
    made, facts, tracer = ledger([60, 40], [50, 50], [30, 30, -40, -20])
    made.contracts()
    found = made.flows(tracer._stock(facts))
    assert months_of(found, "green_firm")["contract"] == [20, 20]
    assert months_of(found, "town")["contract"] == [10, 10]
    assert found.faults() == []


def test_contracts_across_areas_follow_the_flows():
    made, facts, tracer = ledger([60, 40], [50, 50], [45, 0, -45, 0])
    facts.grid.area = np.array([0, 1])
    made.area = facts.grid.area[facts.party_bus]
    made.contracts()
    assert not made.contract.any()


def test_energy_traced_twice_or_to_nobody_is_a_fault():
    good = Traced(Month(2025, 1), ("coal",), ("a", "b"), np.array([[4.0], [0]]), np.array([[1.0], [5]]),
                  np.array([2.0, 3]), np.array([10.0]), 5.0)
    assert good.faults() == []
    from dataclasses import replace
    assert replace(good, made=np.array([9.0])).faults() == ["coal: 9.000 MWh were made, 10.000 traced"]
    assert replace(good, carbon=np.array([2.0, 2.0])).faults() == ["5.000 t were emitted, 4.000 traced"]


# ---------------------------------------------------------------------------------------------------------- claims


def test_certificates_of_ones_own_green_energy_take_no_carbon_off():
    """100 used, 40 of it green, 30 t; 40 certificates: they stand for what was green anyway."""
    assert claims(np.array([100.0]), np.array([40.0]), np.array([30.0]), np.array([40.0])) == pytest.approx([30])


def test_what_certificates_take_off_one_goes_to_green_energy_without():
    """A: 100 used, none green, 60 t, 50 certificates: 50 x 60/100 = 30 t come off. B: 80 used, 60 green, 8 t, 20
    certificates: 40 green bare. C: 10 used, 10 green, none: 10 bare. B gets 30 x 40/50 = 24, C 6: 30, 32, 6."""
    found = claims(*map(np.array, ([100.0, 80, 10], [0.0, 60, 10], [60.0, 8, 0], [50.0, 20, 0])))
    assert found == pytest.approx([30, 32, 6])
    assert found.sum() == pytest.approx(68)


def test_certificates_beyond_ones_use_take_nothing_more_off():
    """All 60 t come off A; nobody's green energy is bare, so all that is not certified takes it: B's 20."""
    found = claims(*map(np.array, ([100.0, 20], [0.0, 0], [60.0, 10], [900.0, 0])))
    assert found == pytest.approx([0, 70])


@pytest.mark.parametrize("seed", range(5))
def test_claims_always_sum_to_what_was_emitted(seed):
    rng = np.random.default_rng(seed)
    used = rng.uniform(0, 100, 9) * (rng.uniform(size=9) > 0.2)
    green, carbon = used * rng.uniform(size=9), used * rng.uniform(size=9)
    found = claims(used, green, np.where(green < used, carbon, 0), np.floor(rng.uniform(0, 150, 9)))
    assert found.sum() == pytest.approx(np.where(green < used, carbon, 0).sum())


# -------------------------------------------------------------------------------------------------------- of accounts


def test_certificates_of_a_row_count_for_green_packages_first_and_then_by_use():
    """Row 0 ended 30 certificates; a used 40 MWh, 20 of it green, b 60: a has 20, the 10 left go 4 to 6. Row 1 ended 5
    where c holds a green package over 10 of its 50: 5, not one a MWh. Row 2 ended none."""
    found = account_certificates(np.array([0, 0, 1, 1, 2]), np.array([40.0, 60, 50, 50, 10]),
                                 np.array([20.0, 0, 10, 0, 10]), np.array([30, 5, 0]))
    assert found.tolist() == pytest.approx([20 + 4, 6, 5, 0, 0])


def test_accounts_of_a_class_answer_for_what_the_class_answers_for():
    """a: 40 MWh, 16 of it green, 12 t, 24 certificates: 16 stand for its own green energy, 8 take 12/24 t each off, 4.
    b: 60 MWh, 24 green, 18 t, none: all 24 bare, so it takes the 4: 8 and 22 t. The class answers for 33 of its 30,
    as others' certificates sent it 3: a tenth more for each."""
    figures = map(np.array, ([40.0, 60], [16.0, 24], [12.0, 18], [24.0, 0]))
    assert account_claims(*figures, 33.0).tolist() == pytest.approx([8.8, 24.2])


def test_where_no_account_answers_for_anything_what_comes_from_others_goes_by_use():
    none = np.zeros(2)
    assert account_claims(np.array([30.0, 10]), np.array([30.0, 10]), none, none, 8.0).tolist() == [6, 2]


# ------------------------------------------------------------------------------------------------------ in a run


def test_a_run_traces_every_mwh_once(two_months):
    """Both ends of the month's energy: what plants and neighbours made by source, and what each user was billed for."""
    facts = two_months.facts
    found, units = facts.tracer.last, facts.grid.units
    assert found.faults() == []
    for technology in ("hydro", "coal", "wind"):
        mine = (units.kind == "plant") & (units.technology == technology)
        made = np.maximum(facts.output[mine], 0).sum()
        assert found.energy[:, found.source.index(technology)].sum() == pytest.approx(made, rel=1e-9)
    used = dict(zip(found.consumer, found.used))
    served = 1 - np.divide(facts.shed, facts.load, out=np.zeros_like(facts.load), where=facts.load > 0)
    assert used["COAST_all"] == pytest.approx((facts.consumption * served[facts.user_bus])[-1].sum(), rel=1e-9)
    assert used["kunming"] == pytest.approx((facts.charging[0] * served[facts.city_bus[0]]).sum(), rel=1e-9)
    assert used["quanzhou"] == 0  # outside the network
    books = [book.sold for (market, _), book in facts.positions.books.items() if market == "contracts"]
    bought = sum(np.maximum(-sold, 0).sum() for sold in books) * facts.days
    assert 0.9 * bought < found.contract.sum() <= bought  # what was not made or used in an hour is no contract's


def test_without_its_law_nothing_is_traced_and_nothing_changes(two_months):
    """The same world whose law has no `emissions`: no table, no indicator; the same journal but for allowances, which
    rest on it."""
    lab = toy("instruments.emissions=false", start="2025-07-26", days=11).run()
    assert "tracing/mix" not in lab.results.kinds
    assert not lab.results.indicators["indicator"].str.startswith(("traced", "footprint", "emissions")).any()
    plain = [(e.bill, e.payer, e.payee, e.total, e.leg) for e in lab.journal.entries]
    assert plain == [(e.bill, e.payer, e.payee, e.total, e.leg) for e in two_months.journal.entries
                     if e.bill != "carbon allowances"]
    assert len(plain) < len(two_months.journal.entries)


def test_a_year_of_footprints_begins_in_january():
    lab = toy(start="2025-12-30", days=33).run()
    tracer = lab.facts.tracer
    assert tracer.last.month == Month(2026, 1)
    january = lab.results.table("tracing/footprint")
    january = january[january["date"].astype(str) == "2026-01-01"]
    assert january["year_MWh"].to_numpy() == pytest.approx(january["MWh"].to_numpy())
    assert tracer.used.sum() == pytest.approx(january["MWh"].sum())
