"""One meshed day with all that couples its hours, by this engine and by PyPSA: the same cost, the same prices."""

import numpy as np
import pytest

from sim.engines.cooptimised import CooptimisedEngine
from tests.sim.engines.small import Line, Link, Unit, book, day, fleet, network

HOURS, BUSES, CAP = 24, 7, 900.0
# two meshed areas, {0..3} and {4..6}, and three links between them; susceptance in MW/rad
LINES = [Line(0, 1, 60, 4000), Line(1, 2, 50, 2500), Line(2, 3, 45, 3000), Line(3, 0, 40, 2000),
         Line(0, 2, 35, 1500), Line(4, 5, 60, 3500), Line(5, 6, 45, 2200), Line(6, 4, 30, 1800)]
LINKS = [Link(1, 4, 90, loss=0.06, fee=12), Link(3, 5, 70, minimum=7, loss=0.04, fee=9),
         Link(2, 6, 20, loss=0.03, fee=15)]
UNITS = ([Unit(b % BUSES) for b in range(14)] + [Unit(2, ramp=9), Unit(5, ramp=12)] +
         [Unit(0, budgeted=True), Unit(4, budgeted=True)] +
         [Unit(1, store=240, efficiency=(0.9, 0.92)), Unit(6, store=120, efficiency=(0.95, 0.95))])
PLANTS, STORES = range(18), (18, 19)
BUDGET = {16: 1300.0, 17: 900.0}


@pytest.fixture(scope="module")
def numbers():
    """Capacities, costs, availability and load: irregular, so that the optimum is one point."""
    r = np.random.default_rng(11)
    capacity, cost = r.uniform(40, 130, 18), np.sort(r.uniform(50, 420, 18))[r.permutation(18)]
    cost[[14, 15, 16, 17]] = 228.3, 186.9, 3.1, 4.7
    share = np.ones((18, HOURS))
    share[:7] = r.uniform(0.3, 1.0, (7, HOURS))
    wave = 0.8 + 0.25 * np.sin((np.arange(HOURS) - 9) / 24 * 2 * np.pi)
    load = r.uniform(70, 150, (BUSES, 1)) * wave * r.uniform(0.95, 1.05, (BUSES, HOURS))
    return capacity, cost, share, load


def ours(numbers):
    """The day as orders."""
    capacity, cost, share, load = numbers
    net = network(BUSES, LINES, LINKS)
    orders = [(u, "sell", capacity[u] * share[u], cost[u]) for u in PLANTS]
    orders += [(u, side, 60, price) for u in STORES for side, price in (("sell", 2.0), ("buy", 0.0))]
    levels = {u: UNITS[u].store / 2 for u in STORES}
    asked = day(net, UNITS, load, energy=BUDGET, stored=levels, stored_end=levels, cap=CAP)
    return CooptimisedEngine(net, fleet(UNITS), HOURS).clear(book(orders, HOURS), asked)


def theirs(numbers):
    """The same day as a PyPSA network, optimised."""
    import pypsa

    capacity, cost, share, load = numbers
    n = pypsa.Network()
    n.set_snapshots(range(HOURS))
    for b in range(BUSES):
        n.add("Bus", f"{b}", v_nom=1.0)  # at 1 kV, PyPSA's per-unit reactance is x in ohms: x = 1 / susceptance
        n.add("Load", f"{b}", bus=f"{b}", p_set=load[b])
        n.add("Generator", f"shed {b}", bus=f"{b}", p_nom=1e4, marginal_cost=CAP)
    for i, line in enumerate(LINES):
        n.add("Line", f"{i}", bus0=f"{line.start}", bus1=f"{line.end}", s_nom=line.capacity, x=1 / line.susceptance)
    for i, link in enumerate(LINKS):
        n.add("Link", f"{i}", bus0=f"{link.start}", bus1=f"{link.end}", p_nom=link.capacity, efficiency=1 - link.loss,
              marginal_cost=link.fee * (1 - link.loss), p_min_pu=link.minimum / link.capacity)
    for u in PLANTS:
        limits = {"e_sum_max": BUDGET[u]} if u in BUDGET else {}
        if np.isfinite(UNITS[u].ramp):
            limits |= {"ramp_limit_up": UNITS[u].ramp / capacity[u], "ramp_limit_down": UNITS[u].ramp / capacity[u]}
        n.add("Generator", f"{u}", bus=f"{UNITS[u].bus}", p_nom=capacity[u], p_max_pu=share[u], marginal_cost=cost[u],
              **limits)
    for u in STORES:
        unit, end = UNITS[u], np.full(HOURS, np.nan)
        end[-1] = unit.store / 2
        n.add("StorageUnit", f"{u}", bus=f"{unit.bus}", p_nom=60, max_hours=unit.store / 60, marginal_cost=2.0,
              efficiency_store=unit.efficiency[0], efficiency_dispatch=unit.efficiency[1],
              state_of_charge_initial=unit.store / 2, state_of_charge_set=end)
    status, _ = n.optimize(solver_name="highs", log_to_console=False)
    assert status == "ok"
    return n


@pytest.mark.filterwarnings("ignore")  # PyPSA's and linopy's own
def test_a_meshed_day_with_stores_ramps_and_budgets_costs_what_it_costs_in_pypsa(numbers):
    s, n = ours(numbers), theirs(numbers)
    # the day is worth comparing: lines, links, ramps, budgets and stores all bind somewhere
    assert (s.line_shadow > 1).any()
    assert (s.link_shadow > 1).any()
    assert (s.energy_value[[16, 17]] > 1).all()
    assert (np.abs(np.abs(np.diff(s.output[[14, 15]], axis=1)) - [[9], [12]]) < 1e-6).any()
    assert (s.output[list(STORES)] < -1).any()
    assert s.objective == pytest.approx(n.objective, rel=1e-9)
    np.testing.assert_allclose(s.price.T, n.buses_t.marginal_price, rtol=1e-6)
