"""The N-1 proxy on networks small enough to lose a line by hand."""

from dataclasses import replace

import numpy as np
import pytest

from sim.engines.skeleton import transfer_factors
from sim.network.security import circuits_of, outage_factors, secure_capacity, secure_joints, secured
from tests.sim.engines.small import Line, Link, network

approx = pytest.approx


def test_of_two_parallel_lines_each_takes_over_all_of_the_other():
    net = network(2, [Line(0, 1, capacity=100), Line(0, 1, capacity=100)])
    assert outage_factors(net) == approx(np.array([[0, 1], [1, 0]]))
    # each may carry c with c + 1 x c = 1.2 x 100
    assert secure_capacity(net, 1.2) == approx([60, 60])


def test_unlike_parallel_lines_are_scaled_alike():
    # 100 and 50 MW: the small one must stand 50 s + 100 s = 1.2 x 50, s = 0.4; the large one 150 s = 120, s = 0.8
    net = network(2, [Line(0, 1, capacity=100), Line(0, 1, capacity=50)])
    assert secure_capacity(net, 1.2) == approx([40, 20])


def test_in_a_ring_of_three_the_other_way_takes_all():
    # without one line of a ring there is one way left: all that it carried goes over both others
    net = network(3, [Line(0, 1, capacity=90), Line(1, 2, capacity=90), Line(0, 2, capacity=90)])
    assert np.abs(outage_factors(net)) == approx(1 - np.eye(3))
    # 0-2 carries from 0 to 2; lost, 0-1 and 1-2 carry it in their own direction; 0-1 lost is 0-2 and back 2-1
    assert outage_factors(net)[:, 2] == approx([1, 1, 0])
    assert outage_factors(net)[:, 0] == approx([0, -1, 1])
    assert secure_capacity(net, 1.2) == approx([54, 54, 54])


def test_the_factors_are_those_of_the_network_without_the_line():
    rng = np.random.default_rng(3)
    ends = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (1, 3)]
    net = network(4, [Line(a, b, susceptance=rng.uniform(50, 200)) for a, b in ends])
    injection = np.array([70.0, -20.0, 10.0, -60.0])
    before = transfer_factors(net)[0] @ injection
    for lost in range(len(ends)):
        kept = np.arange(len(ends)) != lost
        fields = ("line_from", "line_to", "line_capacity", "line_susceptance", "line_shift")
        rest = replace(net, **{name: getattr(net, name)[kept] for name in fields})
        after = transfer_factors(rest)[0] @ injection
        assert before[kept] + outage_factors(net)[kept, lost] * before[lost] == approx(after)


def test_the_loss_of_the_only_line_overloads_no_other():
    net = network(3, [Line(0, 1, capacity=100), Line(1, 2, capacity=40)])
    assert outage_factors(net) == approx(np.zeros((2, 2)))
    assert secure_capacity(net, 1.0) == approx([100, 40])


def test_a_line_of_several_circuits_loses_one_of_them():
    # five circuits of 20 MW: four are left, which may carry 1.2 x 80 = 96 together
    net = network(2, [Line(0, 1, capacity=100)])
    assert outage_factors(net, np.array([5])) == approx(np.array([[0.2]]))  # 1/5 is lost and the four take it over
    assert secure_capacity(net, 1.2, np.array([5])) == approx([96])
    assert secure_capacity(net, 1.3, np.array([5])) == approx([100])  # 104: the normal limit binds
    # as five lines of their own: 20 s + 20 s / 4 = 1.2 x 20, s = 0.96
    apart = network(2, [Line(0, 1, capacity=20, susceptance=20) for _ in range(5)])
    assert secure_capacity(apart, 1.2) == approx([19.2] * 5)


def test_circuits_and_lines_of_their_own_lose_alike():
    # a corridor of two circuits beside a line: as three lines, and as a line of two and one of one
    apart = network(2, [Line(0, 1, 50, 60), Line(0, 1, 50, 60), Line(0, 1, 80, 90)])
    joined = network(2, [Line(0, 1, 100, 120), Line(0, 1, 80, 90)])
    single, double = outage_factors(apart), outage_factors(joined, np.array([2, 1]))
    # of what a circuit carries the third line gets the same; the corridor carries twice as much, so half the share
    assert double[1, 0] == approx(single[2, 0] / 2)
    assert double[0, 1] == approx(single[0, 2] + single[1, 2])
    assert double[0, 0] == approx(single[1, 0] / 2)


@pytest.mark.parametrize("seed", range(5))
def test_within_the_secure_limits_no_outage_passes_the_emergency_rating(seed):
    rng = np.random.default_rng(seed)
    ends = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (0, 2), (1, 3), (2, 4)]
    net = network(5, [Line(a, b, capacity=rng.uniform(40, 200), susceptance=rng.uniform(50, 200)) for a, b in ends])
    limit, laid, factors = secure_capacity(net, 1.2), outage_factors(net), transfer_factors(net)[0]
    tightest = 0.0
    for _ in range(200):
        injection = rng.normal(size=5)
        flow = factors @ (injection - injection.mean())
        flow *= (limit / np.abs(flow)).min()  # until the first secure limit binds
        after = flow[:, None] + laid * flow[None, :]
        np.fill_diagonal(after, 0.0)
        use = (np.abs(after) / (1.2 * net.line_capacity[:, None])).max()
        assert use <= 1 + 1e-9
        tightest = max(tightest, use)
    assert tightest > 0.6  # and the limits are not idle


def test_an_unlimited_line_stays_so_and_binds_nobody():
    net = network(2, [Line(0, 1), Line(0, 1, capacity=50)])
    assert secure_capacity(net, 1.2) == approx([np.inf, 50])


def test_the_largest_link_of_a_corridor_can_be_lost():
    links = [Link(0, 1, 50), Link(0, 1, 40), Link(0, 1, 30)]
    net = network(2, links=links, joints=[("export", [0, 1, 2], 110), ("terminals", [0, 1], 90)])
    # without the 50: 1.2 x 70 = 84; two terminals of one line keep their limit
    assert secure_joints(net, 1.2) == approx([84, 90])
    assert secure_joints(net, 1.6) == approx([110, 90])


def test_a_secured_network_differs_by_its_limits_alone():
    net = network(2, [Line(0, 1, capacity=300), Line(0, 1, capacity=300)], [Link(0, 1, 50, minimum=45)] * 3,
                  joints=[("export", [0, 1, 2], 150)])
    safe = secured(net, 1.2, circuit=1000)
    assert safe.line_capacity == approx([180, 180])
    # 1.2 x 100 = 120 MW would do, but the links must send 135 at least
    assert safe.joints[0][2] == approx(135)
    assert safe.line_susceptance is net.line_susceptance


def test_circuits_are_no_larger_than_the_largest():
    assert circuits_of(np.array([14000.0, 2000, 2001, 300, np.inf]), 2000).tolist() == [7, 1, 2, 1, 1]


def test_an_emergency_rating_below_the_normal_one_is_refused():
    with pytest.raises(ValueError, match=r"0\.9 is below the normal"):
        secure_capacity(network(2, [Line(0, 1)]), 0.9)
