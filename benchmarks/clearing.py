"""Thirty days of 24 coupled hours on `case60`: this engine, the same programme in bare HiGHS, and PyPSA.

    .venv/bin/python -m benchmarks.clearing [--days 30] [--repeats 5] [--pypsa-days 30]

Everything is measured in one process in CPU seconds, the engine and bare HiGHS in turns. Bare HiGHS is the text book's
formulation (angles at buses, one row per bus and line) in one model, its bounds and sides changed in place and each day
started from the last one's basis: what a specialist would write for this one case. PyPSA optimises the same days of one
network. All three must find the same objective.
"""

import argparse
import time

import highspy
import numpy as np
from scipy import sparse

from benchmarks.case60 import NB, NG, NL, NS, VOLL, build
from benchmarks.record import figure, write
from sim.engines.cooptimised import CooptimisedEngine
from sim.engines.records import Book, Day, Fleet, Network

HOURS = 24
CHECKSUM = "b2b71a7064633c62"
# days: objective, mean price over hours and buses; published with the case
KNOWN = {2: (221988278.6566, 395.85787), 30: (3609074818.6238, 785.82619)}


def by_engine(case: dict, days: int) -> tuple[float, float]:
    """Objective and mean price of the days, cleared by the engine."""
    none, nothing, units = np.zeros(0), np.zeros(0, int), NG + NS
    network = Network(
        buses=NB, area=np.zeros(NB, int), reference=np.zeros(1, int), line_from=case["f"], line_to=case["t"],
        line_capacity=case["cap"], line_susceptance=100.0 / case["x"], line_shift=np.zeros(NL), link_from=nothing,
        link_to=nothing, link_capacity=none, link_reverse=none, link_minimum=none, link_loss=none, link_fee=none,
        joints=())
    efficiency = np.concatenate([np.ones(NG), case["eff"]])
    fleet = Fleet(bus=np.concatenate([case["gbus"], case["sbus"]]), ramp=np.full(units, np.inf),
                  budgeted=np.zeros(units, bool), store=np.concatenate([np.zeros(NG), case["sp"] * case["dur"]]),
                  charge_efficiency=efficiency, discharge_efficiency=efficiency)
    engine, half, stores = CooptimisedEngine(network, fleet, HOURS), fleet.store / 2, np.arange(NG, units)
    unit = np.concatenate([np.arange(NG), stores, stores]).astype(np.int32)
    side = np.repeat(np.array([1, -1], np.int8), [units, NS])
    price = np.repeat(np.concatenate([case["gcost"], np.zeros(2 * NS)])[:, None], HOURS, axis=1)
    power = np.repeat(np.concatenate([case["sp"], case["sp"]])[:, None], HOURS, axis=1)
    total, prices = 0.0, np.zeros(days)
    for number in range(days):
        hours = slice(number * HOURS, (number + 1) * HOURS)
        volume = np.concatenate([(case["avail"][hours] * case["gmax"]).T, power])
        day = Day(load=case["load"][hours].T, minimum=np.zeros((units, HOURS)), energy=np.full(units, np.inf),
                  stored=half, stored_end=half, link_available=np.zeros((0, HOURS)), floor=0.0, cap=VOLL,
                  output_before=np.full(units, np.nan))
        solution = engine.clear(Book(unit, side, price, volume), day)
        total, prices[number] = total + solution.objective, solution.price.mean()
    return total, prices.mean()


def bare_programme(case: dict) -> tuple[highspy.Highs, int]:
    """The day's programme in HiGHS, and its number of columns an hour.

    Columns of an hour: plants, shedding, charging, discharging, angles, levels. Rows: buses and lines of each hour,
    then stores.
    """
    lines, ones = np.arange(NL), np.ones(NL)
    ends = sparse.csr_array((np.r_[ones, -ones], (np.r_[lines, lines], np.r_[case["f"], case["t"]])), shape=(NL, NB))
    flow = sparse.diags_array(100.0 / case["x"]) @ ends
    at = [sparse.csr_array((np.ones(len(b)), (b, np.arange(len(b)))), shape=(NB, len(b)))
          for b in (case["gbus"], np.arange(NB), case["sbus"])]
    bus_rows = [at[0], at[1], -at[2], at[2], -(ends.T @ flow), sparse.csr_array((NB, NS))]
    line_rows = [sparse.csr_array((NL, NG + NB + 2 * NS)), flow, sparse.csr_array((NL, NS))]
    hour = sparse.vstack([sparse.hstack(bus_rows), sparse.hstack(line_rows)])
    idle, level = sparse.csr_array((NS, NG + NB)), sparse.eye_array(NS)
    now = sparse.hstack([idle, -sparse.diags_array(case["eff"]), sparse.diags_array(1 / case["eff"]),
                         sparse.csr_array((NS, NB)), level])
    before = sparse.hstack([sparse.csr_array((NS, hour.shape[1] - NS)), level])
    stores = sparse.kron(sparse.eye_array(HOURS), now) - sparse.kron(sparse.eye_array(HOURS, k=-1), before)
    matrix = sparse.vstack([sparse.kron(sparse.eye_array(HOURS), hour), stores]).tocsc()
    cost = np.concatenate([case["gcost"], np.full(NB, VOLL), np.zeros(3 * NS + NB)])
    highs, lp = highspy.Highs(), highspy.HighsLp()
    for name, value in {"output_flag": False, "threads": 1, "presolve": "off", "solver": "simplex"}.items():
        assert highs.setOptionValue(name, value) == highspy.HighsStatus.kOk, name
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_ = np.tile(cost, HOURS)
    lp.col_lower_ = lp.col_upper_ = np.zeros(matrix.shape[1])
    lp.row_lower_ = lp.row_upper_ = np.zeros(matrix.shape[0])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    assert highs.passModel(lp) == highspy.HighsStatus.kOk
    return highs, hour.shape[1]


def by_highs(case: dict, days: int) -> tuple[float, float]:
    """Objective and mean price of the days, by the same programme in bare HiGHS re-used in place."""
    highs, width = bare_programme(case)
    columns = np.arange(width * HOURS, dtype=np.int32)
    rows = np.arange((NB + NL + NS) * HOURS, dtype=np.int32)
    full = case["sp"] * case["dur"]
    lower, upper = np.zeros((HOURS, width)), np.zeros((HOURS, width))
    upper[:, NG + NB : NG + NB + NS] = upper[:, NG + NB + NS : NG + NB + 2 * NS] = case["sp"]
    lower[:, -NB - NS : -NS], upper[:, -NB - NS : -NS] = -np.inf, np.inf
    lower[:, -NB - NS] = upper[:, -NB - NS] = 0.0  # the reference angle
    upper[:, -NS:] = full
    lower[-1, -NS:] = upper[-1, -NS:] = full / 2
    begin = np.zeros((HOURS, NS))
    begin[0] = full / 2
    total, prices = 0.0, np.zeros(days)
    for number in range(days):
        hours = slice(number * HOURS, (number + 1) * HOURS)
        load = case["load"][hours]
        upper[:, :NG], upper[:, NG : NG + NB] = case["avail"][hours] * case["gmax"], load
        limit = np.repeat(case["cap"][None], HOURS, axis=0)
        highs.changeColsBounds(len(columns), columns, lower.ravel(), upper.ravel())
        highs.changeRowsBounds(len(rows), rows, np.concatenate([np.hstack([load, -limit]).ravel(), begin.ravel()]),
                               np.concatenate([np.hstack([load, limit]).ravel(), begin.ravel()]))
        highs.run()
        assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        dual = np.array(highs.getSolution().row_dual)[: (NB + NL) * HOURS].reshape(HOURS, NB + NL)
        total, prices[number] = total + highs.getInfo().objective_function_value, dual[:, :NB].mean()
    return total, prices.mean()


def by_pypsa(case: dict, days: int) -> tuple[float, float]:
    """Objective and mean price of the days, by PyPSA: one network, optimised day by day."""
    import pypsa

    hours = np.arange(days * HOURS)
    network = pypsa.Network()
    network.set_snapshots(hours)
    bus, line, plant, store = ([f"{kind}{i}" for i in range(n)] for kind, n in
                               (("bus", NB), ("line", NL), ("plant", NG), ("store", NS)))
    network.add("Bus", bus, v_nom=1.0)
    network.add("Load", bus, bus=bus, p_set=case["load"][hours])
    network.add("Line", line, bus0=[bus[i] for i in case["f"]], bus1=[bus[i] for i in case["t"]], x=case["x"] / 100.0,
                s_nom=case["cap"])
    network.add("Generator", plant, bus=[bus[i] for i in case["gbus"]], p_nom=case["gmax"],
                marginal_cost=case["gcost"], p_max_pu=case["avail"][hours])
    network.add("Generator", [f"shed {b}" for b in bus], bus=bus, p_nom=1.0, p_max_pu=case["load"][hours],
                marginal_cost=VOLL)
    end = np.full((len(hours), NS), np.nan)
    end[HOURS - 1 :: HOURS] = case["sp"] * case["dur"] / 2
    network.add("StorageUnit", store, bus=[bus[i] for i in case["sbus"]], p_nom=case["sp"], max_hours=case["dur"],
                efficiency_store=case["eff"], efficiency_dispatch=case["eff"],
                state_of_charge_initial=case["sp"] * case["dur"] / 2, state_of_charge_set=end)
    total = 0.0
    for number in range(days):
        block = network.snapshots[number * HOURS : (number + 1) * HOURS]
        status, _ = network.optimize(snapshots=block, solver_name="highs", log_to_console=False, progress=False)
        assert status == "ok"
        total += network.objective
    return total, float(network.buses_t.marginal_price.to_numpy().mean())


def timed(solve, case: dict, days: int) -> tuple[float, float, float]:
    """CPU seconds, objective and mean price."""
    begun = time.process_time()
    objective, price = solve(case, days)
    return time.process_time() - begun, objective, price


def agree(found: float, known: float, what: str):
    """Stop where two figures that must be one differ by more than 1e-9 of their value."""
    if not abs(found - known) <= 1e-9 * abs(known):
        raise SystemExit(f"{what}: {found:.6f}, expected {known:.6f}")


def main():
    """Measure, compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("days", 30), ("repeats", 5), ("pypsa-days", 30)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    case = build()
    if case["sha"] != CHECKSUM:
        raise SystemExit(f"case60 is another case here: checksum {case['sha']}, expected {CHECKSUM}")
    for days, (objective, price) in KNOWN.items():
        found = by_engine(case, days)
        agree(found[0], objective, f"objective of {days} days")
        if abs(found[1] - price) > 1e-5:
            raise SystemExit(f"mean price of {days} days: {found[1]:.6f}, expected {price}")
    engine, bare = [], []
    for _ in range(asked.repeats):
        seconds, objective, _ = timed(by_engine, case, asked.days)
        engine.append(seconds)
        seconds, reference, _ = timed(by_highs, case, asked.days)
        bare.append(seconds)
        agree(objective, reference, "objective of the engine against bare HiGHS")
    figures = report_bare(engine, bare, asked.days)
    if asked.pypsa_days:
        figures += against_pypsa(case, asked.pypsa_days)
    print(f"written to {write('clearing', figures)}")


def report_bare(engine: list[float], bare: list[float], days: int) -> list[dict]:
    """Print and record the engine against bare HiGHS."""
    ratios = [a / b for a, b in zip(engine, bare)]
    figures = [figure(f"engine, {days} days of case60", engine, "CPU s", ["highspy", "numpy", "scipy"]),
               figure(f"bare HiGHS, {days} days of case60", bare, "CPU s", ["highspy"]),
               figure("engine / bare HiGHS", ratios, "ratio", ["highspy", "numpy", "scipy"])]
    for one in figures:
        low, high = one["range"]
        print(f"{one['figure']:<36}{one['median']:>9.3f} {one['unit']:<6} ({low:.3f} to {high:.3f})")
    print("reach: engine / bare HiGHS at most 1.5")
    return figures


def against_pypsa(case: dict, days: int) -> list[dict]:
    """Measure, print and record the engine against PyPSA, once."""
    import logging
    import warnings

    import pypsa

    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    pypsa.Network()  # loading it is no part of the work
    theirs, reference, _ = timed(by_pypsa, case, days)
    ours, objective, _ = timed(by_engine, case, days)
    agree(objective, reference, "objective of the engine against PyPSA")
    print(f"PyPSA, {days} days: {theirs:.1f} CPU s; the engine {ours:.3f} CPU s: {theirs / ours:.0f} times faster")
    print("reach: at least 30 times")
    packages = ["highspy", "pypsa", "linopy", "numpy", "scipy"]
    return [figure(f"PyPSA, {days} days of case60", theirs, "CPU s", packages),
            figure("PyPSA / engine", theirs / ours, "ratio", packages)]


if __name__ == "__main__":
    main()
