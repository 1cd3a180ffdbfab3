"""Zones that help each other: hours worked by hand, and known answers of convolution."""

from itertools import product
from math import comb

import numpy as np
import pytest

from experiments.outage_draws import Sets
from experiments.rescue import Rescue, Supply, Transport, direct, serve
from sim.streams import Streams

approx = pytest.approx
HOURS = 24


def transport(zones, arcs=(), joints=(), days=1) -> Transport:
    """Arcs (start, end, MW, loss), joints ([arcs], MW)."""
    start, end, most, loss = zip(*arcs) if arcs else ((), (), (), ())
    return Transport(tuple("ABCD"[:zones]), np.array(start, int), np.array(end, int), np.array(loss, float),
                     np.repeat(np.array(most, float)[:, None], days, axis=1).reshape(-1, days),
                     tuple((np.array(members), limit) for members, limit in joints))


def supply(load, firm, water=(), stores=(), fallible=(), days=1) -> Supply:
    """Load, firm [zone][hour or one]; water (zone, MW, MWh), stores (zone, MW, MWh, kept), fallible (zone, MW)."""
    wide = lambda rows: np.array([np.broadcast_to(np.asarray(r, float), HOURS * days) for r in rows])  # noqa: E731
    column = lambda rows, at, kind=float: np.array([r[at] for r in rows], kind)  # noqa: E731
    return Supply(
        wide(load), wide(firm), wide([mw for _, mw in fallible]).reshape(-1, HOURS * days),
        column(fallible, 0, int), column(water, 0, int), wide([mw for _, mw, _ in water]).reshape(-1, HOURS * days),
        np.array([[e] * days for *_, e in water], float).reshape(-1, days), column(stores, 0, int), column(stores, 1),
        column(stores, 2), column(stores, 3))


def lacking(network, what, share=None) -> np.ndarray:
    """Unserved MW [zone, hour]."""
    share = np.ones_like(what.fallible) if share is None else share
    return serve(network, what, share)


def evening(mw, hours=1, else_=0.0):
    """MW in the last hours of a day, and something else before."""
    return [else_] * (HOURS - hours) + [mw] * hours


# ---------------------------------------------------------------------------------------------------------- by hand


def test_a_zone_lacks_what_it_has_not():
    lack = lacking(transport(1), supply([evening(100, 2, 50)], [80]))
    assert lack[0] == approx(evening(20, 2))


def test_help_comes_with_its_loss_up_to_the_line():
    # B lacks 30: A sends 20 at most, 18 arrive
    lack = lacking(transport(2, [(0, 1, 20, 0.1)]), supply([[10], [100]], [[100], [70]]))
    assert lack[0] == approx(np.zeros(24))
    assert lack[1] == approx(np.full(24, 12.0))


def test_a_zone_does_not_shed_for_another():
    # A is short by 5 itself and keeps what it has
    lack = lacking(transport(2, [(0, 1, 50, 0.0)]), supply([[105], [100]], [[100], [70]]))
    assert lack[:, 0] == approx([5, 30])


def test_the_shorter_way_is_helped_first():
    # A has 10 over; B and C lack 10 each, the way to C loses less
    net = transport(3, [(0, 1, 50, 0.1), (0, 2, 50, 0.05)])
    lack = lacking(net, supply([[0], [10], [10]], [[10], [0], [0]]))
    assert lack[:, 0] == approx([0, 10, 0.5])


def test_power_passes_through_a_zone_that_has_nothing_over():
    net = transport(3, [(0, 1, 40, 0.0), (1, 2, 40, 0.0)])
    what = supply([[0], [50], [20]], [[30], [50], [0]])
    assert direct(net, what.firm - what.load)[2, 0] == approx(20)  # neighbours alone do not see it
    assert lacking(net, what)[2, 0] == approx(0)


def test_a_joint_limit_binds_its_links_together():
    net = transport(3, [(0, 1, 40, 0.0), (0, 2, 40, 0.0)], joints=[([0, 1], 50)])
    lack = lacking(net, supply([[0], [40], [40]], [[100], [0], [0]]))
    assert lack[:, 0].sum() == approx(30)


def test_a_store_serves_a_short_evening_with_what_it_may_charge_again_or_before():
    # half full: 20 of 40 MWh; charging is possible before (5 MW over for 22 h), so 40 MWh x 0.9 = 36 MWh serve 2 hours
    # of 18 MW; more is lacking: 25 - 18 in each
    what = supply([evening(105, 2, 75)], [80], stores=[(0, 30, 40, 0.9)])
    lack = lacking(transport(1), what)
    # but at midnight it must be half full again and the last hours are the short ones: 20 MWh x 0.9 = 18 MWh in all
    assert lack.sum() == approx(50 - 18)
    early = supply([[105] * 2 + [75] * 22], [80], stores=[(0, 30, 40, 0.9)])
    # in the first hours it has its half only, 18 MWh, and fills up again
    assert lacking(transport(1), early).sum() == approx(50 - 18)
    middle = supply([[75] * 10 + [105] * 2 + [75] * 12], [80], stores=[(0, 30, 40, 0.9)])
    assert lacking(transport(1), middle).sum() == approx(50 - 36)


def test_a_store_helps_nobody_in_a_day_that_is_short_throughout():
    lack = lacking(transport(1), supply([[90]], [80], stores=[(0, 30, 40, 0.9)]))
    assert lack.sum() == approx(240)


def test_the_days_water_goes_where_it_is_short():
    # 48 MWh at 10 MW: spread evenly 2 MW an hour; in 4 hours 10 MW are lacking: 40 MWh serve them
    what = supply([evening(90, 4, 60)], [80], water=[(0, 10, 48)])
    assert lacking(transport(1), what).sum() == approx(0)
    # with 30 MWh, 10 are missing
    assert lacking(transport(1), supply([evening(90, 4, 60)], [80], water=[(0, 10, 30)])).sum() == approx(10)


@pytest.mark.parametrize("seed", range(8))
def test_help_between_neighbours_is_never_more_than_there_is(seed):
    # a shortage that the quick look rules out does not exist: it never finds less unserved than the programme
    rng = np.random.default_rng(seed)
    arcs = [(a, b, rng.uniform(5, 40), rng.uniform(0, 0.1)) for a, b in product(range(4), range(4)) if a != b]
    net = transport(4, arcs, joints=[([0, 1, 2], 45)])
    what = supply(rng.uniform(50, 100, (4, 24)), rng.uniform(40, 110, (4, 24)), water=[(0, 20, 100)])
    margin = what.firm - what.load
    quick = direct(net, margin + what.level())
    best = Rescue(net, what).day(0, margin)
    assert (quick.sum() >= best.sum() - 1e-6)
    assert best.sum() > 1


# -------------------------------------------------------------------------------------------------- against formulas


def test_two_identical_sets_have_the_known_loss_of_load():
    # 100 MW each, out 0.1; load 150: one set is not enough. LOLP 1 - 0.9^2 = 0.19; EENS 2 x 0.09 x 50 + 0.01 x 150 MW
    sets = Sets(("p",), np.array([2]), np.array([0.1]), np.array([12.0]))
    draws, days = 150, 20
    net, what = transport(1, days=days), supply([[150]], [0], fallible=[(0, 200)], days=days)
    lack = np.array([lacking(net, what, sets.in_service(Streams(5), d, days * HOURS)) for d in range(draws)])
    # 150 x 480 hours that hang together for about 2 x 10.8 h: 3300 independent ones, standard error 0.007
    assert (lack > 0).mean() == approx(0.19, abs=0.02)
    assert lack.mean() == approx(2 * 0.09 * 50 + 0.01 * 150, rel=0.1)


def test_a_day_of_loads_has_the_loss_that_convolution_gives():
    # ten sets of 20 MW, out 0.08, and five of 10 MW, out 0.2; load 120 by night, 190 by day, 210 in the evening
    sets = Sets(("p", "q"), np.array([10, 5]), np.array([0.08, 0.2]), np.array([10.0, 10.0]))
    load = [120] * 8 + [190] * 12 + [210] * 4
    draws, days = 400, 20
    net, what = transport(1, days=days), supply([load * days], [0], fallible=[(0, 200), (0, 50)], days=days)
    lack = np.array([lacking(net, what, sets.in_service(Streams(6), d, days * HOURS)) for d in range(draws)])
    chance = {(i, j): comb(10, i) * 0.08**i * 0.92**(10 - i) * comb(5, j) * 0.2**j * 0.8**(5 - j)
              for i, j in product(range(11), range(6))}
    lolp = sum(p * (250 - 20 * i - 10 * j < mw) for (i, j), p in chance.items() for mw in load) / HOURS
    eens = sum(p * max(mw - 250 + 20 * i + 10 * j, 0) for (i, j), p in chance.items() for mw in load) / HOURS
    # 8000 evenings, most of them apart, short in 16 of 100: standard error 2 to 3 % of the mean
    assert (lack > 0).mean() == approx(lolp, rel=0.06)
    assert lack.mean() == approx(eens, rel=0.1)
