"""Hours cleared alone: small cases with the arithmetic beside each figure, and what ties one hour to the next."""

from functools import partial

import numpy as np
import pytest

import sim.engines.hourly
from sim.engines.hourly import HourlyEngine
from sim.engines.records import Book, ClearingError
from tests.sim.engines import small
from tests.sim.engines.small import Line, Link, Unit, book, day, fleet, network

ONE = network(1)
approx = pytest.approx
clear = partial(small.clear, engine=HourlyEngine)


# --- one hour ---


def test_a_full_line_parts_the_prices_and_earns_the_difference():
    net, units = network(2, [Line(0, 1, capacity=40)]), [Unit(0), Unit(1)]
    s = clear(net, units, [(0, "sell", 200, 15), (1, "sell", 200, 45)], load=[[10, 0], [100, 30]])
    # hour 0: 40 MW over the line, 60 made at bus 1, 10 + 40 at bus 0; hour 1: 30 over the line, which is not full
    assert s.output == approx(np.array([[50, 30], [60, 0]]))
    assert s.line_flow[0] == approx([40, 30])
    assert s.price == approx(np.array([[15, 15], [45, 15]]))
    assert s.line_shadow[0] == approx([30, 0])
    assert s.rent == approx([30 * 40, 0])
    assert s.energy == approx(np.full((2, 2), 15))  # the reference is bus 0
    assert s.objective == approx(80 * 15 + 60 * 45)
    assert s.events["rows_added"] == 1


def test_a_triangle_with_a_full_line_has_three_prices():
    # line 0-2 holds 50: g from bus 0 and h from bus 1 load it with 2/3 g + 1/3 h = 50, g + h = 120 -> g = 30, h = 90
    net, units = network(3, [Line(0, 1), Line(1, 2), Line(0, 2, capacity=50)]), [Unit(0), Unit(1)]
    s = clear(net, units, [(0, "sell", 200, 10), (1, "sell", 200, 30)], load=[[0], [0], [120]])
    assert s.output[:, 0] == approx([30, 90])
    # a MW more at bus 2 takes one less from bus 0 and two more from bus 1: 60 - 10; a MW of line three of each: 3 x 20
    assert s.price[:, 0] == approx([10, 30, 50])
    assert s.line_shadow[2, 0] == approx(60)


def test_of_two_lines_side_by_side_the_weaker_binds():
    # equal lines share equally: the one for 20 MW holds both at 20
    net, units = network(2, [Line(0, 1, capacity=30), Line(0, 1, capacity=20)]), [Unit(0), Unit(1)]
    s = clear(net, units, [(0, "sell", 200, 10), (1, "sell", 200, 30)], load=[[0], [100]])
    assert s.line_flow[:, 0] == approx([20, 20])
    assert s.line_shadow[:, 0] == approx([0, 40])  # a MW more of it carries two


def test_a_phase_shifter_drives_power_round_a_ring():
    # two equal lines of 100 MW/rad, one turned by 0.3 rad: 100 x 0.3 / 2 = 15 MW circulate
    net = network(2, [Line(0, 1, capacity=42, shift=-0.3), Line(0, 1)])
    s = clear(net, [Unit(0), Unit(1)], [(0, "sell", 200, 10), (1, "sell", 200, 30)], load=[[0], [60]])
    # the turned line is full at 42 = 27 + 15; the other carries 27 - 15, so 54 MW come over
    assert s.line_flow[:, 0] == approx([42, 12])
    assert s.output[:, 0] == approx([54, 6])
    assert s.residual == approx(0, abs=1e-9)


def test_the_price_step_over_a_link_is_loss_and_fee_until_it_is_full():
    net, units = network(2, links=[Link(0, 1, capacity=100, loss=0.2, fee=10)]), [Unit(0), Unit(1)]
    orders = [(0, "sell", 300, 80), (1, "sell", 300, 200)]
    s = clear(net, units, orders, load=[[0, 0], [40, 90]])
    # 40 delivered are 50 sent: a MWh at bus 1 costs 80 / 0.8 + 10; full, 80 arrive and 10 are made at 200
    assert s.sent[0] == approx([50, 100])
    assert s.delivered[0] == approx([40, 80])
    assert s.price == approx(np.array([[80, 80], [110, 200]]))
    assert s.link_shadow[0] == approx([0, 0.8 * 200 - 80 - 0.8 * 10])
    assert s.rent == approx([10 * 40, 10 * 80 + 72 * 100])


def test_a_link_half_out_of_service_carries_half_both_ways():
    net, units = network(2, links=[Link(0, 1, capacity=100, reverse=60)]), [Unit(0), Unit(1)]
    orders = [(0, "sell", 300, [10, 50]), (1, "sell", 300, [50, 10])]
    s = clear(net, units, orders, load=[[100, 100], [100, 100]], link_available=[[50, 50]])
    assert s.sent[0] == approx([50, -30])
    assert s.link_shadow[0] == approx([40, 40])


def test_a_minimum_flow_runs_against_the_prices_and_costs_rent():
    net, units = network(2, links=[Link(0, 1, capacity=100, minimum=20)]), [Unit(0), Unit(1)]
    s = clear(net, units, [(0, "sell", 300, 90), (1, "sell", 300, 30)], load=[[50], [50]])
    assert s.sent[0, 0] == approx(20)
    assert s.minimum_shadow[0, 0] == approx(60)
    assert s.rent[0] == approx(30 * 20 - 90 * 20)


def test_a_joint_limit_goes_to_the_dearer_end_first_and_is_left_when_it_is_idle():
    net = network(3, links=[Link(0, 1, 90), Link(0, 2, 90)], joints=[("export", [0, 1], 130.0)])
    orders = [(0, "sell", 500, 10), (1, "sell", 500, 60), (2, "sell", 500, 40)]
    s = clear(net, [Unit(0), Unit(1), Unit(2)], orders, load=[[0, 0], [200, 30], [200, 30]])
    assert s.sent == approx(np.array([[90, 30], [40, 30]]))
    assert s.joint_shadow[0] == approx([40 - 10, 0])
    assert s.link_shadow[:, 0] == approx([60 - 10 - 30, 0])
    assert s.rent == approx([60 * 90 + 40 * 40 - 10 * 130, 0])
    assert s.residual == approx(0, abs=1e-9)


def test_opposing_flows_are_parted_and_counted():
    # 120 MW must run at bus 0 where 40 are used, 30 are used at bus 1: round and round would burn the rest in losses
    net = network(2, links=[Link(0, 1, 200, reverse=200, loss=0.1)])
    s = clear(net, [Unit(0)], [(0, "sell", 120, 0)], load=[[40], [30]], minimum={0: 120})
    assert s.events["opposing_flows"] == 1
    assert s.sent[0, 0] == approx(80)  # one way only: 72 arrive, 30 are used, 42 disposed of at -100
    assert s.disposed[:, 0] == approx([0, 42])
    assert s.objective == approx(42 * 100)


def test_opposing_flows_are_judged_where_all_limits_hold():
    # must-run leaves 10 MW too much on the left of a lossy link and 8 on its right: round and round they would burn, a
    # little more going right. But the line to the link holds 55 of the 70, so 5 are wanted on the left: 8 go there
    net = network(3, [Line(0, 1, capacity=55)], [Link(1, 2, 200, reverse=200, loss=0.1)])
    s = clear(net, [Unit(0), Unit(2)], [(0, "sell", 70, 0), (1, "sell", 58, 0)], load=[[0], [60], [50]],
              minimum={0: 70, 1: 58})
    assert s.events["opposing_flows"] == 1
    assert s.delivered[0, 0] == approx(-8)
    assert s.sent[0, 0] == approx(-7.2)
    assert s.objective == approx((15 + 2.2) * 100)  # what the line cannot hold, and what arrives beyond the 5


def test_load_is_shed_at_the_cap_and_power_disposed_of_at_the_floor():
    s = clear(ONE, [Unit(0)], [(0, "sell", 70, 10)], load=[[90, 50]], minimum={0: [0, 60]}, floor=-50, cap=1500)
    assert s.shed[0] == approx([20, 0])
    assert s.disposed[0] == approx([0, 10])
    assert s.price[0] == approx([1500, -50])
    assert s.objective == approx(70 * 10 + 20 * 1500 + 60 * 10 + 10 * 50)


def test_an_elastic_bid_takes_what_is_cheaper_and_sets_the_price():
    orders = [(0, "sell", 100, 10), (0, "sell", 100, 60), (1, "buy", 50, 40)]
    s = clear(ONE, [Unit(0), Unit(0)], orders, load=[[70]])
    assert s.accepted[:, 0] == approx([100, 0, 30])
    assert s.price[0, 0] == approx(40)
    assert s.objective == approx(100 * 10 - 30 * 40)


def test_must_run_comes_first_and_from_the_cheapest_offer_of_the_hour():
    orders = [(0, "sell", 50, [60, 80]), (0, "sell", 50, [70, 70]), (1, "sell", 200, 10)]
    s = clear(ONE, [Unit(0), Unit(0)], orders, load=[[100, 100]], minimum={0: 30})
    assert s.accepted == approx(np.array([[30, 0], [0, 30], [70, 70]]))


def test_equal_offers_have_one_order_between_buses_and_are_shared_at_one():
    net, units = network(2, [Line(0, 1)]), [Unit(0), Unit(1), Unit(1)]
    s = clear(net, units, [(1, "sell", 60, 10), (2, "sell", 30, 10), (0, "sell", 50, 10)], load=[[80], [0]])
    assert s.output[:, 0] == approx([50, 20, 10])  # the first bus, then the two at the second by 60 : 30
    assert s.price[:, 0].tolist() == [10, 10]  # not 10.000001


def test_true_costs_finish_what_the_tie_break_has_decided_wrongly():
    # over two links with a fee of 1 each, 98 at bus 0 costs 100 at bus 2, where 5e-7 more is asked: the tie-breaks
    # of three columns (two links and an offer) outweigh that, true costs do not
    net = network(3, links=[Link(0, 1, 100, fee=1), Link(1, 2, 100, fee=1)])
    s = clear(net, [Unit(0), Unit(2)], [(0, "sell", 90, 98), (1, "sell", 90, 100 + 5e-7)], load=[[0], [0], [50]],
              floor=-10)
    assert s.events["true_cost_finishes"] == 1
    assert s.events["fallbacks"] == 0
    assert s.output[:, 0] == approx([50, 0])
    assert s.price[2, 0] == approx(100, abs=1e-9)


def test_nothing_offered_nothing_asked_is_a_clearing_too():
    s = clear(ONE, [Unit(0)], [], load=[[0, 0]])
    assert s.accepted.shape == (0, 2)
    assert np.isfinite(s.price).all()
    assert s.objective == 0


# --- from hour to hour ---


def test_an_hour_does_not_look_ahead():
    # the budget would be worth 80 in hour 1 and only 50 in hour 0, where it is spent all the same
    orders = [(0, "sell", 100, 10), (1, "sell", 200, [50, 80])]
    s = clear(ONE, [Unit(0, budgeted=True), Unit(0)], orders, load=[[90, 90]], energy={0: 120})
    assert s.output[0] == approx([90, 30])
    assert s.price[0] == approx([10, 80])
    assert s.events["volumes_cut"] == 1
    assert np.isnan(s.energy_value).tolist() == [True, False]


def test_a_budget_keeps_the_must_run_of_later_hours_back():
    # 60 MWh, of which 15 + 15 must run in hours 1 and 2: hour 0 may use 30, and nothing is left for more than must-run
    orders = [(0, "sell", 100, 10), (1, "sell", 200, 50)]
    s = clear(ONE, [Unit(0, budgeted=True), Unit(0)], orders, load=[[90, 90, 90]], energy={0: 60},
              minimum={0: [0, 15, 15]})
    assert s.output[0] == approx([30, 15, 15])


def test_a_cut_leaves_the_cheapest_orders_of_the_hour():
    # 50 MWh for offers of 40 at 10 and at 20, dearer first in hour 1; the second unit asks 15
    orders = [(0, "sell", [40, 0], 20), (0, "sell", 40, 10), (1, "sell", 200, 15)]
    s = clear(ONE, [Unit(0, budgeted=True), Unit(0)], orders, load=[[90, 90]], energy={0: 50})
    assert s.accepted[:2] == approx(np.array([[0, 0], [40, 10]]))
    assert s.price[0] == approx([15, 15])


def test_a_store_sells_what_it_holds_and_buys_what_it_has_room_for():
    # 36 MWh in a store of 100: efficiency 0.8 out gives 28.8 MW; then room for 100 MWh, 0.5 in: 200 MW, of which 150
    # are bid for; the 75 MWh they leave give 60 MW
    unit = Unit(0, store=100, efficiency=(0.5, 0.8))
    orders = [(0, "sell", 500, [90, 10, 90]), (1, "sell", [150, 0, 150], 5), (1, "buy", [0, 150, 0], 40)]
    s = clear(ONE, [Unit(0), unit], orders, load=[[100, 100, 100]], stored={1: 36})
    assert s.output[1] == approx([28.8, -150, 60])
    assert s.stored[1] == approx([0, 75, 0])
    assert s.price[0] == approx([90, 10, 90])
    s = clear(ONE, [Unit(0), unit], orders, load=[[100, 100, 100]], stored={1: 1e-9 + 100})
    assert s.stored[1] == approx([0, 75, 0])


def test_a_full_store_buys_no_more():
    orders = [(0, "sell", 500, 10), (1, "buy", 50, 40)]
    s = clear(ONE, [Unit(0), Unit(0, store=90, efficiency=(0.9, 1.0))], orders, load=[[100, 100, 100]])
    assert s.output[1] == approx([-50, -50, 0])  # 45 MWh each


def test_a_store_does_not_fill_and_empty_in_one_hour():
    # its bid of 60 would buy its own 10 MW at 20 and 30 more at 40; as that fills it, it sells nothing and buys all 40
    orders = [(0, "sell", 100, 40), (1, "sell", 10, 20), (1, "buy", 40, 60)]
    s = clear(ONE, [Unit(0), Unit(0, store=100)], orders, load=[[50]], stored={1: 50})
    assert s.events["opposing_storage"] == 1
    assert s.accepted[:, 0] == approx([90, 0, 40])
    assert s.stored[1] == approx([90])


def test_a_ramp_limits_an_hour_by_the_last_ones_output():
    orders = [(0, "sell", 200, [20, 20, 99]), (1, "sell", 200, 90)]
    s = clear(ONE, [Unit(0, ramp=30), Unit(0)], orders, load=[[100, 100, 100]], before={0: 10})
    # up by 30 twice; then dearer than the other, but down by 30 only
    assert s.output[0] == approx([40, 70, 40])
    assert s.price[0] == approx([90, 90, 90])
    assert clear(ONE, [Unit(0, ramp=30), Unit(0)], orders, load=[[100, 100, 100]]).output[0] == approx([100, 100, 70])


def test_a_ramp_binds_what_a_unit_gives_less_what_it_takes():
    # from -20 it may go to 10 or -50: it takes 10 MW of what it gives itself, though its bid of 30 has been outbid
    orders = [(0, "sell", 80, 20), (0, "buy", 60, 30), (1, "sell", 200, 90)]
    s = clear(ONE, [Unit(0, ramp=30), Unit(0)], orders, load=[[100, 100]], before={0: -20})
    assert s.output[0] == approx([10, 40])


def test_a_unit_follows_its_own_volume_down_and_its_must_run_up():
    units = [Unit(0, ramp=30), Unit(0)]
    s = clear(ONE, units, [(0, "sell", [100, 20], 20), (1, "sell", 100, 90)], load=[[100, 100]], before={0: 100})
    assert s.output[0] == approx([100, 20])
    assert s.events["ramps_widened"] == 1
    s = clear(ONE, units, [(0, "sell", 100, 95), (1, "sell", 100, 90)], load=[[100, 100]], minimum={0: [0, 70]},
              before={0: 0})
    assert s.output[0] == approx([0, 70])
    assert s.events["ramps_widened"] == 1


# --- what is refused ---


def test_what_no_hour_can_promise_is_refused():
    store = [Unit(0, store=100)]
    with pytest.raises(ValueError, match="cannot promise what a store holds at the end"):
        clear(ONE, store, [(0, "buy", 10, 10)], load=[[0]], stored_end={0: 5})
    with pytest.raises(ValueError, match="load must be finite"):
        clear(ONE, store, [(0, "buy", 10, 10)], load=[[np.nan]])


@pytest.mark.parametrize(("unit", "rest", "complaint"), [
    (Unit(0, budgeted=True), {"minimum": {0: 40}, "energy": {0: 50}}, "unit 0 must run 80 MWh on a budget of 50 MWh"),
    (Unit(0, store=100), {"minimum": {0: 40}, "stored": {0: 50}},
     "unit 0 must run at 40 MW in hour 1 but its store holds 10 MWh"),
])
def test_must_run_that_cannot_be_is_an_error_that_says_so(unit, rest, complaint):
    with pytest.raises(ClearingError, match=complaint):
        clear(ONE, [unit], [(0, "sell", 40, 10)], load=[[50, 50]], **rest)


def test_an_hour_without_an_optimum_is_an_error_that_says_which():
    net = network(3, links=[Link(0, 1, 100, minimum=20), Link(0, 2, 100, minimum=20)], joints=[("both", [0, 1], 30.0)])
    engine, units = HourlyEngine(net, fleet([Unit(0)]), hours=2), [Unit(0)]
    orders, load = book([(0, "sell", 200, 10)], 2), [[0, 0], [9, 9], [9, 9]]
    idle = day(net, units, load, link_available=[[0, 100], [0, 100]])
    with pytest.raises(ClearingError, match="Infeasible in hour 1: .*links of joint limit both must send more than"):
        engine.clear(orders, idle)
    # and the engine is none the worse for it
    fine = day(net, units, load, link_available=[[50, 50], [50, 50]])
    assert engine.clear(orders, fine).objective == HourlyEngine(net, fleet(units), 2).clear(orders, fine).objective


# --- a middling world for what must hold of any ---

HOURS = 8
NET = network(6, [Line(0, 1, 60, 90), Line(1, 2, 50, 120), Line(0, 2, 70, 70), Line(3, 4, 80)],
              [Link(2, 3, 90, minimum=9, loss=0.06, fee=9), Link(1, 4, 80, 80, loss=0.04, fee=6), Link(4, 5, 40)],
              [("both", [0, 1], 140.0)])
FREE = [Unit(b % 6) for b in range(16)]
TIED = (FREE[:12] + [Unit(b, ramp=40) for b in (0, 2, 3, 4)] +
        [Unit(0, budgeted=True), Unit(3, budgeted=True, ramp=60)] +
        [Unit(b, store=120, efficiency=(0.9, 0.95)) for b in (1, 3, 4)])


def random_day(number, units=TIED):
    """Orders and day of the middling world, some prices tied; stores bid and offer on their own."""
    r = np.random.default_rng(number)
    orders = [(u, "sell", r.uniform(5, 60, HOURS).round(1), 10 * r.integers(1, 12)) for u in range(12)]
    orders += [(u, "sell", round(r.uniform(50, 90), 1), 10 * r.integers(1, 12)) for u in range(12, len(units))]
    orders += [(u, "sell", 40, 100) for u in range(12, len(units))] + [(u, "buy", 20, 80) for u in (5, 11)]
    orders += [(u, "buy", 30, r.integers(10, 70, HOURS)) for u in range(18, len(units))]
    levels = dict.fromkeys(range(18, len(units)), 60)
    limits = {16: 150, 17: 200} if len(units) > 17 else {}
    return (book(orders, HOURS),
            day(NET, units, r.uniform(10, 90, (6, HOURS)).round(1), minimum={13: 4.0}, energy=limits, stored=levels,
                before={12: 20, 13: 30}))


def results(solution):
    """Everything that money and physics read from a solution."""
    return {name: value for name, value in vars(solution).items() if isinstance(value, np.ndarray)}


@pytest.mark.parametrize("number", range(4))
def test_the_order_of_orders_is_irrelevant(number):
    orders, asked = random_day(number)
    shuffle = np.random.default_rng(number + 100).permutation(len(orders.unit))
    shuffled = Book(orders.unit[shuffle], orders.side[shuffle], orders.price[shuffle], orders.volume[shuffle])
    first = results(HourlyEngine(NET, fleet(TIED), HOURS).clear(orders, asked))
    other = results(HourlyEngine(NET, fleet(TIED), HOURS).clear(shuffled, asked))
    np.testing.assert_array_equal(first.pop("accepted")[shuffle], other.pop("accepted"))
    for name, value in first.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


def test_an_hour_like_the_last_one_is_cleared_before_it_begins():
    orders, asked = random_day(0, FREE)
    same = Book(orders.unit, orders.side, orders.price[:, [0] * HOURS], orders.volume[:, [0] * HOURS])
    day_of = partial(day, NET, FREE, minimum={13: 4.0})
    s = HourlyEngine(NET, fleet(FREE), HOURS).clear(same, day_of(asked.load[:, [0] * HOURS]))
    alone = Book(orders.unit, orders.side, orders.price[:, :1], orders.volume[:, :1])
    once = HourlyEngine(NET, fleet(FREE), 1).clear(alone, day_of(asked.load[:, :1]))
    assert s.events["iterations"] == once.events["iterations"] > 0


def test_a_day_is_what_it_is_to_the_last_bit_whatever_was_cleared_before():
    used = HourlyEngine(NET, fleet(TIED), HOURS)
    for number in range(4):
        found = results(used.clear(*random_day(number)))
        for name, value in results(HourlyEngine(NET, fleet(TIED), HOURS).clear(*random_day(number))).items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.parametrize("number", range(12))
def test_every_clearing_is_optimal_balanced_and_within_its_limits(number):
    orders, asked = random_day(number)
    s = HourlyEngine(NET, fleet(TIED), HOURS).clear(orders, asked)
    assert s.events["fallbacks"] == 0
    assert s.kkt < 1e-9
    assert s.imbalance < 1e-6
    assert s.residual < 1e-6
    assert (np.abs(s.line_flow) <= NET.line_capacity[:, None] + 1e-6).all()
    rise = np.diff(s.output, axis=1, prepend=asked.output_before[:, None])
    assert (np.abs(rise[12:16, 1:]) <= 40 + 1e-6).all()
    assert (np.abs(rise[12:14, 0]) <= 40 + 1e-6).all()
    assert (s.output[[16, 17]].sum(axis=1) <= np.array([150, 200]) + 1e-6).all()
    # a store's level is what went in and out, and never less than nothing or more than it holds
    level = 60 + np.cumsum(np.where(s.output[18:] < 0, -0.9 * s.output[18:], -s.output[18:] / 0.95), axis=1)
    np.testing.assert_allclose(s.stored[18:], level, atol=1e-6)
    assert (s.stored >= 0).all()
    assert (s.stored <= fleet(TIED).store[:, None]).all()
    for shadow in (s.line_shadow, s.link_shadow, s.minimum_shadow, s.joint_shadow):
        assert (shadow >= 0).all()


def test_the_days_of_the_middling_world_put_every_bond_to_the_test():
    days = [random_day(number) for number in range(12)]
    found = [HourlyEngine(NET, fleet(TIED), HOURS).clear(*one) for one in days]
    assert sum(s.events["volumes_cut"] for s in found) > 12
    assert any(np.isclose(s.output[[16, 17]].sum(axis=1), [150, 200]).any() for s in found)
    assert any(np.isclose(np.abs(np.diff(s.output[12:16], axis=1)), 40).any() for s in found)
    assert any((s.stored[18:] == 0).any() for s in found)
    assert any((s.stored[18:] > 119.999).any() for s in found)


@pytest.mark.parametrize("units", [FREE, TIED], ids=["free", "tied"])
@pytest.mark.parametrize(("knob", "value"), [("TURNS", 0), ("TURNS", 3), ("BINDING", 0)])
def test_what_the_simplex_cannot_finish_highs_clears_alike(monkeypatch, units, knob, value):
    expected = [HourlyEngine(NET, fleet(units), HOURS).clear(*random_day(n, units)) for n in range(3)]
    monkeypatch.setattr(sim.engines.hourly, knob, value)
    engine = HourlyEngine(NET, fleet(units), HOURS)
    found = [engine.clear(*random_day(n, units)) for n in range(3)]
    fallbacks = sum(s.events["fallbacks"] for s in found)
    assert fallbacks >= (3 * HOURS if (knob, value) == ("TURNS", 0) else 1)
    for one, other in zip(found, expected):
        assert one.kkt < 1e-9
        assert one.residual < 1e-6
        if units is FREE:  # tied offers may be served in another order, from which later hours would differ
            assert one.objective == approx(other.objective, rel=1e-9)


def test_hours_without_bonds_are_each_their_own_day():
    orders, asked = random_day(7, FREE)
    whole = HourlyEngine(NET, fleet(FREE), HOURS).clear(orders, asked)
    single = HourlyEngine(NET, fleet(FREE), 1)
    for h in range(HOURS):
        at = slice(h, h + 1)
        hour = Book(orders.unit, orders.side, orders.price[:, at], orders.volume[:, at])
        alone = single.clear(hour, day(NET, FREE, asked.load[:, at], minimum={13: 4.0}))
        np.testing.assert_allclose(alone.price[:, 0], whole.price[:, h], atol=1e-9)
        np.testing.assert_allclose(alone.line_flow[:, 0], whole.line_flow[:, h], atol=1e-6)
