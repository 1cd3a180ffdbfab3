"""The clearing of coupled hours: small cases, the arithmetic beside each figure."""

import numpy as np
import pytest

from sim.engines.cooptimised import CooptimisedEngine
from sim.engines.records import Book, ClearingError
from tests.sim.engines.small import Line, Link, Unit, book, clear, day, fleet, network

ONE = network(1)
approx = pytest.approx


def test_a_full_line_parts_the_prices_and_earns_the_difference():
    net, units = network(2, [Line(0, 1, capacity=50)]), [Unit(0), Unit(1)]
    s = clear(net, units, [(0, "sell", 200, 10), (1, "sell", 200, 30)], load=[[20], [100]])
    # bus 1 gets 50 MW over the line and makes 50 itself; bus 0 makes 20 + 50
    assert s.output[:, 0] == approx([70, 50])
    assert s.line_flow[0, 0] == approx(50)
    assert s.price[:, 0] == approx([10, 30])
    assert s.line_shadow[0, 0] == approx(20)  # a MW more replaces 30 by 10
    assert s.objective == approx(70 * 10 + 50 * 30)
    assert s.rent[0] == approx(10 * (20 - 70) + 30 * (100 - 50))  # 1000 = 20 x 50
    # one area, reference bus 0: energy 10 everywhere, congestion 0 and 20
    assert s.energy[:, 0] == approx([10, 10])


def test_power_takes_every_path_by_its_susceptance():
    # a triangle of equal lines: of 90 MW from bus 0 to bus 2, two thirds take the short way
    net = network(3, [Line(0, 1), Line(1, 2), Line(0, 2)])
    s = clear(net, [Unit(0)], [(0, "sell", 200, 10)], load=[[0], [0], [90]])
    assert s.line_flow[:, 0] == approx([30, 30, 60])


def test_a_triangle_with_a_full_line_has_three_prices():
    # line 0-2 holds 40: g MW from bus 0 and h from bus 1 load it with 2/3 g + 1/3 h = 40, g + h = 90 -> g = 30, h = 60
    net, units = network(3, [Line(0, 1), Line(1, 2), Line(0, 2, capacity=40)]), [Unit(0), Unit(1)]
    s = clear(net, units, [(0, "sell", 200, 10), (1, "sell", 200, 40)], load=[[0], [0], [90]])
    assert s.output[:, 0] == approx([30, 60])
    # a MW more at bus 2 (2/3 g' + 1/3 h' = 0 and g' + h' = 1) takes g' = -1, h' = 2: 80 - 10 = 70
    assert s.price[:, 0] == approx([10, 40, 70])
    assert s.line_shadow[2, 0] == approx(90)  # a MW of capacity: g' = 3, h' = -3 saves 3 x 30


def test_a_phase_shifter_drives_power_round_a_ring():
    # two equal parallel lines of 100 MW/rad, one turned by 0.2 rad: 100 x 0.2 / 2 = 10 MW circulate
    net = network(2, [Line(0, 1, shift=-0.2), Line(0, 1)])
    s = clear(net, [Unit(0)], [(0, "sell", 200, 10)], load=[[0], [60]])
    assert s.line_flow[:, 0] == approx([30 + 10, 30 - 10])
    assert s.residual == approx(0, abs=1e-9)


def test_the_price_step_over_a_link_is_loss_and_fee():
    net, units = network(2, links=[Link(0, 1, capacity=200, loss=0.1, fee=20)]), [Unit(0), Unit(1)]
    s = clear(net, units, [(0, "sell", 300, 100), (1, "sell", 300, 200)], load=[[0], [90]])
    assert s.sent[0, 0] == approx(100)
    assert s.delivered[0, 0] == approx(90)
    # a MWh at bus 1: 1 / 0.9 sent at 100, and the fee of 20 on what arrives
    assert s.price[:, 0] == approx([100, 100 / 0.9 + 20])
    assert s.objective == approx(100 * 100 + 20 * 90)
    assert s.rent[0] == approx(20 * 90)  # only the fee
    assert s.link_shadow[0, 0] == approx(0)
    assert s.energy[:, 0] == approx(s.price[:, 0])  # each bus is an area of its own


def test_a_full_link_earns_fee_and_congestion():
    net, units = network(2, links=[Link(0, 1, capacity=50, loss=0.1, fee=20)]), [Unit(0), Unit(1)]
    s = clear(net, units, [(0, "sell", 300, 100), (1, "sell", 300, 200)], load=[[0], [90]])
    assert s.price[:, 0] == approx([100, 200])
    assert s.link_shadow[0, 0] == approx(0.9 * 200 - 100 - 0.9 * 20)  # 62 per MW sent
    assert s.rent[0] == approx(200 * 45 - 100 * 50)  # 4000 = 20 x 45 + 62 x 50


def test_a_link_half_out_of_service_carries_half_both_ways():
    net, units = network(2, links=[Link(0, 1, capacity=100, reverse=60)]), [Unit(0), Unit(1)]
    orders = [(0, "sell", 300, [10, 50]), (1, "sell", 300, [50, 10])]
    s = clear(net, units, orders, load=[[100, 100], [100, 100]], link_available=[[50, 50]])
    assert s.sent[0] == approx([50, -30])
    assert s.delivered[0] == approx([50, -30])
    assert s.link_shadow[0] == approx([40, 40])


def test_a_minimum_flow_runs_against_the_prices_and_costs_rent():
    net, units = network(2, links=[Link(0, 1, capacity=100, minimum=10)]), [Unit(0), Unit(1)]
    s = clear(net, units, [(0, "sell", 300, 100), (1, "sell", 300, 20)], load=[[50], [50]])
    assert s.sent[0, 0] == approx(10)
    assert s.minimum_shadow[0, 0] == approx(80)
    assert s.rent[0] == approx(20 * 10 - 100 * 10)


def test_a_joint_limit_goes_to_the_dearer_end_first():
    net = network(3, links=[Link(0, 1, 100), Link(0, 2, 100)], joints=[("export", [0, 1], 120.0)])
    orders = [(0, "sell", 500, 10), (1, "sell", 500, 50), (2, "sell", 500, 40)]
    s = clear(net, [Unit(0), Unit(1), Unit(2)], orders, load=[[0], [200], [200]])
    assert s.sent[:, 0] == approx([100, 20])
    assert s.joint_shadow[0, 0] == approx(40 - 10)
    assert s.link_shadow[:, 0] == approx([50 - 10 - 30, 0])
    assert s.rent[0] == approx(50 * 100 + 40 * 20 - 10 * 120)  # 4600 = 10 x 100 + 30 x 120
    assert s.residual == approx(0, abs=1e-9)


def test_opposing_flows_are_parted_and_counted():
    # 150 MW must run at bus 0 where 50 are used; bus 1 uses 50. Sending round and round would burn the surplus in
    # losses, which is cheaper than disposing of it at -100.
    net = network(2, links=[Link(0, 1, 200, reverse=200, loss=0.1)])
    s = clear(net, [Unit(0)], [(0, "sell", 150, 0)], load=[[50], [50]], minimum={0: 150})
    assert s.events["opposing_flows"] == 1
    # one way only: all 100 are sent, 90 arrive, 50 are used, 40 disposed of
    assert s.sent[0, 0] == approx(100)
    assert s.disposed[:, 0] == approx([0, 40])
    assert s.objective == approx(100 * 40)


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


def test_a_store_does_not_fill_and_empty_in_one_hour():
    # 50 MW too much and a store of 0.9 MWh: running through it would burn power in its losses
    units = [Unit(0), Unit(0, store=0.9, efficiency=(0.9, 0.9))]
    orders = [(0, "sell", 100, 0), (1, "sell", 50, 0), (1, "buy", 50, 0)]
    s = clear(ONE, units, orders, load=[[50]], minimum={0: 100})
    assert s.events["opposing_storage"] == 1
    assert s.output[1, 0] == approx(-1)  # 0.9 MWh of room takes 1 MWh
    assert s.disposed[0, 0] == approx(49)


def test_a_store_buys_low_and_sells_high():
    # charging x puts 0.9 x in and gives 0.8 x 0.9 x back; the store holds 45 MWh: x = 50, 36 come back
    units = [Unit(0), Unit(0), Unit(0, store=45, efficiency=(0.9, 0.8))]
    orders = [(0, "sell", [160, 50], 10), (1, "sell", 100, 100), (2, "sell", 100, 5), (2, "buy", 100, 0)]
    s = clear(ONE, units, orders, load=[[100, 100]])
    assert s.output[2] == approx([-50, 36])
    assert s.stored[2] == approx([45, 0])
    assert s.price[0] == approx([10, 100])
    assert s.objective == approx(150 * 10 + 50 * 10 + 14 * 100 + 36 * 5)


def test_a_store_sets_the_price_of_the_hour_it_charges_in():
    # room enough, but only 60 MW are left at 10: a MW more of load then takes 0.72 MWh from the next hour,
    # worth 0.72 x (100 - 5) = 68.4
    units = [Unit(0), Unit(0), Unit(0, store=100, efficiency=(0.9, 0.8))]
    orders = [(0, "sell", [160, 50], 10), (1, "sell", 100, 100), (2, "sell", 100, 5), (2, "buy", 100, 0)]
    s = clear(ONE, units, orders, load=[[100, 100]])
    assert s.output[2] == approx([-60, 0.72 * 60])
    assert s.price[0] == approx([68.4, 100])


def test_a_store_keeps_what_it_must_at_the_end():
    units = [Unit(0), Unit(0, store=100)]
    orders = [(0, "sell", 200, [10, 90]), (1, "sell", 50, 0), (1, "buy", 50, 0)]
    s = clear(ONE, units, orders, load=[[100, 100]], stored={1: 20}, stored_end={1: 30})
    # buys 50 at 10, sells all but 30 at 90: 20 + 50 - 40 = 30
    assert s.stored[1] == approx([70, 30])
    assert s.output[0] == approx([150, 60])


def test_a_daily_budget_goes_where_it_replaces_most_and_has_a_value():
    units = [Unit(0, budgeted=True), Unit(0)]
    orders = [(0, "sell", 100, 10), (1, "sell", 30, 50), (1, "sell", 100, 80)]
    s = clear(ONE, units, orders, load=[[100, 60, 60]], energy={0: 100})
    # load 220 = budget 100 + all of the 3 x 30 at 50 + 30 at 80
    assert s.output[0].sum() == approx(100)
    assert s.objective == approx(100 * 10 + 90 * 50 + 30 * 80)
    assert s.energy_value == approx([80 - 10, 0])
    assert s.price[0] == approx([80, 80, 80])


def test_an_idle_budget_has_no_value():
    s = clear(ONE, [Unit(0, budgeted=True)], [(0, "sell", 100, 10)], load=[[50, 50]], energy={0: 500})
    assert s.energy_value == approx([0])


def test_a_ramp_couples_the_hours():
    units = [Unit(0, ramp=30), Unit(0)]
    orders = [(0, "sell", 200, 20), (1, "sell", 100, 90)]
    s = clear(ONE, units, orders, load=[[50, 100]], before={0: 40})
    assert s.output[0] == approx([50, 80])
    # a MW more in hour 0 lets the cheap unit give one more in hour 1 too: 20 - (90 - 20) = -50
    assert s.price[0] == approx([-50, 90])


def test_the_first_hour_ramps_from_the_day_before():
    units = [Unit(0, ramp=30), Unit(0)]
    orders = [(0, "sell", 200, 20), (1, "sell", 100, 90)]
    assert clear(ONE, units, orders, load=[[100]], before={0: 10}).output[:, 0] == approx([40, 60])
    assert clear(ONE, units, orders, load=[[100]]).output[:, 0] == approx([100, 0])


def test_a_unit_follows_its_own_volume_down_and_its_must_run_up():
    units = [Unit(0, ramp=30), Unit(0)]
    # an outage takes 80 MW at once: the ramp of 30 cannot hold the unit up
    s = clear(ONE, units, [(0, "sell", [100, 20], 20), (1, "sell", 100, 90)], load=[[100, 100]], before={0: 100})
    assert s.output[0] == approx([100, 20])
    assert s.events["ramps_widened"] == 1
    s = clear(ONE, units, [(0, "sell", 100, 95), (1, "sell", 100, 90)], load=[[100, 100]], minimum={0: [0, 70]},
              before={0: 0})
    assert s.output[0] == approx([0, 70])
    assert s.events["ramps_widened"] == 1


def test_must_run_comes_first_and_from_the_cheapest_offer_of_the_hour():
    orders = [(0, "sell", 50, [60, 80]), (0, "sell", 50, [70, 70]), (1, "sell", 200, 10)]
    s = clear(ONE, [Unit(0), Unit(0)], orders, load=[[100, 100]], minimum={0: 30})
    assert s.accepted == approx(np.array([[30, 0], [0, 30], [70, 70]]))


def test_load_is_shed_at_the_cap_and_power_disposed_of_at_the_floor():
    s = clear(ONE, [Unit(0)], [(0, "sell", 60, 10)], load=[[100, 50]], minimum={0: [0, 60]}, floor=-50, cap=1500)
    assert s.shed[0] == approx([40, 0])
    assert s.disposed[0] == approx([0, 10])
    assert s.price[0] == approx([1500, -50])
    assert s.objective == approx(60 * 10 + 40 * 1500 + 60 * 10 + 10 * 50)


def test_an_elastic_bid_takes_what_is_cheaper_and_sets_the_price():
    orders = [(0, "sell", 100, 10), (0, "sell", 100, 60), (1, "buy", 50, 40)]
    s = clear(ONE, [Unit(0), Unit(0)], orders, load=[[80]])
    assert s.accepted[:, 0] == approx([100, 0, 20])
    assert s.output[:, 0] == approx([100, -20])
    assert s.price[0, 0] == approx(40)
    assert s.objective == approx(100 * 10 - 20 * 40)


def test_equal_offers_at_a_bus_are_shared_pro_rata():
    orders = [(0, "sell", 60, 10), (1, "sell", 40, 10)]
    s = clear(ONE, [Unit(0), Unit(0)], orders, load=[[50]])
    assert s.accepted[:, 0] == approx([30, 20])
    # 20 must run of the second; the other 30 by what is left, 60 and 20
    s = clear(ONE, [Unit(0), Unit(0)], orders, load=[[50]], minimum={1: 20})
    assert s.accepted[:, 0] == approx([22.5, 27.5])


def test_equal_offers_at_two_buses_have_one_order_and_the_true_price():
    net, units = network(2, [Line(0, 1)]), [Unit(0), Unit(1)]
    s = clear(net, units, [(1, "sell", 60, 10), (0, "sell", 60, 10)], load=[[40], [0]])
    assert s.output[:, 0].tolist() == [40, 0]  # the first place, whoever spoke first
    assert s.price[:, 0].tolist() == [10, 10]  # not 10.000001


def test_true_costs_finish_what_the_tie_break_has_decided_wrongly():
    # over two links with a fee of 1 each, 98 at bus 0 costs 100 at bus 2, where 5e-7 more is asked: the tie-breaks
    # of three columns (two links and an offer) outweigh that, true costs do not
    net = network(3, links=[Link(0, 1, 100, fee=1), Link(1, 2, 100, fee=1)])
    s = clear(net, [Unit(0), Unit(2)], [(0, "sell", 90, 98), (1, "sell", 90, 100 + 5e-7)], load=[[0], [0], [50]],
              floor=-10)
    assert s.events["true_cost_finishes"] == 1
    assert s.output[:, 0] == approx([50, 0])
    assert s.price[2, 0] == approx(100, abs=1e-9)


def test_nothing_offered_nothing_asked_is_a_clearing_too():
    s = clear(ONE, [Unit(0)], [], load=[[0, 0]])
    assert s.accepted.shape == (0, 2)
    assert np.isfinite(s.price).all()
    assert s.objective == 0


def test_must_run_above_the_offer_is_refused():
    with pytest.raises(ValueError, match=r"unit 0 must run at 50 MW in hour 1 but offers 40 MW"):
        clear(ONE, [Unit(0)], [(0, "sell", 40, 10)], load=[[50, 50]], minimum={0: [40, 50]})


def test_numbers_that_are_none_are_refused():
    with pytest.raises(ValueError, match="orders need finite prices"):
        clear(ONE, [Unit(0)], [(0, "sell", 40, np.nan)], load=[[50]])
    with pytest.raises(ValueError, match="orders need finite prices"):
        clear(ONE, [Unit(0)], [(0, "sell", -1, 10)], load=[[50]])
    with pytest.raises(ValueError, match="load must be finite"):
        clear(ONE, [Unit(0)], [(0, "sell", 40, 10)], load=[[np.nan]])


@pytest.mark.parametrize(("units", "orders", "rest", "complaint"), [
    ([Unit(0, budgeted=True)], [(0, "sell", 40, 10)], {"minimum": {0: 40}, "energy": {0: 50}},
     r"Infeasible.*unit 0 must run 80 MWh on a budget of 50 MWh"),
    ([Unit(0, store=100)], [(0, "buy", 10, 10), (0, "sell", 10, 10)], {"stored_end": {0: 30}},
     r"Infeasible.*store 0 must end with 30 MWh but reaches 20 MWh at most"),
])
def test_what_cannot_be_cleared_is_an_error_that_says_what_was_asked(units, orders, rest, complaint):
    with pytest.raises(ClearingError, match=complaint):
        clear(ONE, units, orders, load=[[50, 50]], **rest)


def test_a_bus_without_a_line_to_its_reference_is_refused():
    net = network(2)
    loose = type(net)(**{**vars(net), "area": np.zeros(2, int), "reference": np.array([0])})
    with pytest.raises(ValueError, match="tied to its area's reference by no line"):
        clear(loose, [Unit(0)], [(0, "sell", 40, 10)], load=[[10], [10]])


# --- a middling world for what must hold of any ---

NET = network(6, [Line(0, 1, 60, 90), Line(1, 2, 50, 120), Line(0, 2, 70, 70), Line(3, 4, 80)],
              [Link(2, 3, 90, minimum=9, loss=0.06, fee=9), Link(1, 4, 80, 80, loss=0.04, fee=6), Link(4, 5, 40)],
              [("both", [0, 1], 140.0)])
UNITS = ([Unit(b % 6) for b in range(12)] + [Unit(b, ramp=40) for b in (0, 2, 3, 4)] +
         [Unit(0, budgeted=True), Unit(3, budgeted=True, ramp=60)] +
         [Unit(b, store=120, efficiency=(0.9, 0.95)) for b in (1, 3, 4)])
HOURS = 8


def random_day(number):
    """Orders and day of the middling world, some prices tied."""
    r = np.random.default_rng(number)
    orders = [(u, "sell", r.uniform(5, 60, HOURS).round(1), 10 * r.integers(1, 12)) for u in (*range(12), 16, 17)]
    orders += [(u, "sell", round(r.uniform(50, 90), 1), 10 * r.integers(1, 12)) for u in range(12, 16)]
    orders += [(u, "sell", 40, 100) for u in range(12, 16)] + [(u, "buy", 20, 80) for u in (5, 11)]
    orders += [(u, side, 30, price) for u in (18, 19, 20) for side, price in (("sell", 4), ("buy", 0))]
    load = r.uniform(10, 90, (6, HOURS)).round(1)
    return (book(orders, HOURS),
            day(NET, UNITS, load, minimum={13: 4.0, 16: 3.0}, energy={16: 150, 17: 200},
                stored={18: 60, 19: 60, 20: 60}, stored_end={18: 60, 19: 60, 20: 60}, before={12: 20, 13: 30}))


def results(solution):
    """Everything that money and physics read from a solution."""
    return {name: value for name, value in vars(solution).items() if isinstance(value, np.ndarray)}


@pytest.mark.parametrize("number", range(6))
def test_the_order_of_orders_is_irrelevant(number):
    orders, asked = random_day(number)
    shuffle = np.random.default_rng(number + 100).permutation(len(orders.unit))
    shuffled = Book(orders.unit[shuffle], orders.side[shuffle], orders.price[shuffle], orders.volume[shuffle])
    first = results(CooptimisedEngine(NET, fleet(UNITS), HOURS).clear(orders, asked))
    other = results(CooptimisedEngine(NET, fleet(UNITS), HOURS).clear(shuffled, asked))
    assert (first.pop("accepted")[shuffle] == other.pop("accepted")).all()
    for name, value in first.items():
        assert (value == other[name]).all(), name


@pytest.mark.parametrize("number", range(6))
def test_a_warm_start_finds_what_a_cold_one_finds(number):
    warm = CooptimisedEngine(NET, fleet(UNITS), HOURS)
    for earlier in range(number + 1, number + 4):
        warm.clear(*random_day(earlier))
    found = warm.clear(*random_day(number))
    cold = CooptimisedEngine(NET, fleet(UNITS), HOURS).clear(*random_day(number))
    assert found.events["iterations"] < cold.events["iterations"]
    for name, value in results(cold).items():
        assert results(found)[name] == approx(value, abs=1e-6), name


def test_a_restarted_engine_is_a_new_one_to_the_last_bit():
    used = CooptimisedEngine(NET, fleet(UNITS), HOURS)
    for earlier in range(3):
        used.clear(*random_day(earlier))
    used.restart()
    new = CooptimisedEngine(NET, fleet(UNITS), HOURS)
    for number in (4, 5):
        found = results(used.clear(*random_day(number)))
        for name, value in results(new.clear(*random_day(number))).items():
            assert (found[name] == value).all(), name


def test_a_day_with_more_orders_finds_room():
    orders, asked = random_day(0)
    few = Book(orders.unit[::2], orders.side[::2], orders.price[::2], orders.volume[::2])
    engine = CooptimisedEngine(NET, fleet(UNITS), HOURS)
    idle = day(NET, UNITS, asked.load)
    engine.clear(few, idle)
    grown = engine.clear(orders, asked)
    assert grown.events["slots_added"] > 0
    new = CooptimisedEngine(NET, fleet(UNITS), HOURS).clear(orders, asked)
    assert grown.objective == approx(new.objective, rel=1e-12)
    assert engine.clear(few, idle).events["slots_added"] == 0


@pytest.mark.parametrize("number", range(12))
def test_every_clearing_is_optimal_balanced_and_within_its_limits(number):
    orders, asked = random_day(number)
    s = CooptimisedEngine(NET, fleet(UNITS), HOURS).clear(orders, asked)
    assert s.kkt < 1e-9
    assert s.imbalance < 1e-6
    assert s.residual < 1e-6
    assert (np.abs(s.line_flow) <= NET.line_capacity[:, None] + 1e-6).all()
    assert (np.abs(np.diff(s.output[12:16], axis=1)) <= 40 + 1e-6).all()
    assert (s.output[[16, 17]].sum(axis=1) <= np.array([150, 200]) + 1e-6).all()
    assert (s.price >= asked.floor - 1e-9).all()
    assert (s.price <= asked.cap + 1e-9).all()
    for shadow in (s.line_shadow, s.link_shadow, s.minimum_shadow, s.joint_shadow, s.energy_value):
        assert (shadow >= 0).all()
    # a store's level is what went in and out
    level = 60 + np.cumsum(np.where(s.output[18:] < 0, -0.9 * s.output[18:], -s.output[18:] / 0.95), axis=1)
    assert s.stored[18:] == approx(level, abs=1e-6)
    # nobody free of rows of its own sells below its price or buys above it
    at = s.price[fleet(UNITS).bus[orders.unit]]
    free = orders.unit < 12
    gains = orders.side[:, None] * (at - orders.price)
    assert (gains[free][s.accepted[free] > 1e-6] > -1e-9).all()
