"""Commitment of a day: small cases worked by hand, and every commitment of tiny ones tried out."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from sim.engines.commitment import Commitment, CommitmentEngine, States, held_to, shortfall
from sim.engines.cooptimised import CooptimisedEngine
from sim.engines.records import ClearingError
from tests.sim.engines.small import Line, Link, Unit, book, clear, day, fleet, network
from tests.sim.engines.test_holding import SPINNING, products, reserve

ONE = network(1)
approx = pytest.approx


def committed(*rows) -> Commitment:
    """Rows (unit, blocks, CNY a start of a block, least share, hours up, hours down)."""
    unit, blocks, start, least, up, down = (np.array(column) for column in zip(*rows))
    return Commitment(unit, blocks, start.astype(float), least.astype(float), up, down)


def solve(net, units, orders, load, plan, integral, states=None, hours=None, **rest):
    """Clear one day with commitment."""
    hours = len(load[0])
    engine = CommitmentEngine(net, fleet(units), plan, integral, hours=hours, gap=0.0)
    return engine.clear(book(orders, hours), day(net, units, load, **rest), states)


def before(blocks, started=(), stopped=(), hours=4) -> States:
    """Blocks on before the day; starts and stops as {committed: hours ago}."""
    past = np.zeros((2, len(blocks), hours))
    for kind, given in enumerate((dict(started), dict(stopped))):
        for row, ago in given.items():
            past[kind, row, hours - ago] = 1
    return States(np.array(blocks, float), *past)


# --------------------------------------------------------------------------------- two units, four hours, by hand


# A: 100 MW at 10, at least 40, 500 a start, on.  B: 100 MW at 30, at least 50, 900 a start, off.  Load 60 120 130 60.
TWO = [Unit(0), Unit(0)]
OFFERS = [(0, "sell", 100, 10), (1, "sell", 100, 30)]
LOAD = [[60, 120, 130, 60]]
PLAN = committed((0, 1, 500, 0.4, 1, 1), (1, 1, 900, 0.5, 1, 1))


def test_a_unit_starts_for_the_peak_and_pushes_the_cheaper_one_down():
    s = solve(ONE, TWO, OFFERS, LOAD, PLAN, True, before([1, 0]))
    # B must be on in hours 1 and 2 (120 and 130 pass A's 100) and then gives its 50 at least: A 70 and 80
    assert s.blocks.tolist() == [[1, 1, 1, 1], [0, 1, 1, 0]]
    assert s.output == approx(np.array([[60, 70, 80, 60], [0, 50, 50, 0]]))
    # energy 10 x (60 + 70 + 80 + 60) = 2700 and 30 x 100 = 3000, one start of B 900
    assert s.objective == approx(2700 + 3000 + 900)
    assert s.start_cost == approx(900)
    # the next MWh comes from A in every hour: B's cost is in no price
    assert s.price[0] == approx([10, 10, 10, 10])
    assert s.gap == approx(0)


def test_the_price_does_not_pay_the_start_and_the_shortfall_is_what_is_missing():
    s = solve(ONE, TWO, OFFERS, LOAD, PLAN, True, before([1, 0]))
    # B earns 10 x 100, its energy costs 3000 and its start 900: 2900 are missing; A earns what it offers
    orders = book(OFFERS, 4)
    assert shortfall(s, orders, fleet(TWO), PLAN) == approx([0, 2900])


def test_relaxed_a_part_of_a_unit_runs_and_its_start_is_in_the_price():
    s = solve(ONE, TWO, OFFERS, LOAD, PLAN, False, before([1, 0]))
    # only what the load passes 100 comes from B: 20 and 30 MW, and 0.3 of it is started; it runs at 0.2 x 100 = 20
    # in hour 1 (on 0.3 too: at least 15) and at all that it can in hour 2
    assert s.output == approx(np.array([[60, 100, 100, 60], [0, 20, 30, 0]]))
    assert s.started[1].sum() == approx(0.3)
    assert s.objective == approx(10 * 320 + 30 * 50 + 900 * 0.3)
    # a MWh more in hour 2 starts a hundredth more: 30 + 900 / 100; in hour 1 what is on has room
    assert s.price[0] == approx([10, 30, 39, 10])
    # so B earns its start: (30 x 20 + 39 x 30) - 30 x 50 = 270 = 900 x 0.3
    assert shortfall(s, book(OFFERS, 4), fleet(TWO), PLAN) == approx([0, 0], abs=1e-4)


def test_least_output_is_disposed_of_if_stopping_costs_more():
    # one unit, 100 MW at 10, at least 40, 500 a start; load 50 20 50; disposal costs 1 a MWh: on throughout burns 20 MW
    # for 10 x 20 + 1 x 20 = 220, off means shedding 20 x 1000
    s = solve(ONE, [Unit(0)], [(0, "sell", 100, 10)], [[50, 20, 50]], committed((0, 1, 500, 0.4, 1, 1)), True,
              before([1]), floor=-1.0)
    assert s.output[0] == approx([50, 40, 50])
    assert s.disposed[0] == approx([0, 20, 0])
    assert s.price[0] == approx([10, -1, 10])  # a MWh more is one less to dispose of
    assert s.objective == approx(10 * 140 + 20)


# --------------------------------------------------------------------------------------- hours that a unit stays on


def test_what_has_started_stays_on_for_its_hours():
    # a cheap unit of 50 MW and one of 100 MW at 20 with a start of 100 that is needed in hour 1 only
    units, offers = [Unit(0), Unit(0)], [(0, "sell", 50, 10), (1, "sell", 100, 20)]
    load = [[50, 90, 50, 50, 50]]
    plan = committed((1, 1, 100, 0.4, 3, 1))
    s = solve(ONE, units, offers, load, plan, True, before([0]))
    # three hours up: at 40 in hours 1, 2 and 3 it displaces 40 MW at 10: 10 x 80 = 800 more after the peak;
    # starting an hour earlier or two costs the same, and is not cheaper: 3 x 40 MWh at 20 all the same
    assert s.blocks[0].sum() == 3
    assert s.blocks[0, 1] == 1
    assert s.objective == approx(10 * (290 - 120) + 20 * 120 + 100)
    # free hours: on in hour 1 alone
    free = solve(ONE, units, offers, load, committed((1, 1, 100, 0.4, 1, 1)), True, before([0]))
    assert free.blocks[0].tolist() == [0, 1, 0, 0, 0]
    assert free.objective == approx(10 * 250 + 20 * 40 + 100)


def test_yesterdays_start_binds_today():
    # up for 4 hours, started 2 hours ago: on in the first two hours of the day whatever it costs
    units, offers = [Unit(0), Unit(0)], [(0, "sell", 100, 10), (1, "sell", 100, 20)]
    plan = committed((1, 1, 100, 0.4, 4, 1))
    s = solve(ONE, units, offers, [[60, 60, 60, 60]], plan, True, before([1], started={0: 2}))
    assert s.blocks[0].tolist() == [1, 1, 0, 0]
    assert s.output[1] == approx([40, 40, 0, 0])


def test_what_has_stopped_stays_off_for_its_hours():
    # down for 3 hours, stopped an hour ago: it cannot serve hours 0 and 1, which shed at 1000
    units, offers = [Unit(0), Unit(0)], [(0, "sell", 50, 10), (1, "sell", 100, 20)]
    plan = committed((1, 1, 100, 0.4, 1, 3))
    s = solve(ONE, units, offers, [[95, 95, 95, 95]], plan, True, before([0], stopped={0: 1}))
    assert s.blocks[0].tolist() == [0, 0, 1, 1]
    assert s.shed[0] == approx([45, 45, 0, 0])
    assert s.price[0] == approx([1000, 1000, 20, 20])


def test_a_day_hands_its_starts_to_the_next():
    units, offers = [Unit(0), Unit(0)], [(0, "sell", 50, 10), (1, "sell", 100, 20)]
    plan = committed((1, 1, 100, 0.4, 3, 1))
    s = solve(ONE, units, offers, [[50, 50, 50, 90]], plan, True, before([0]))
    assert s.blocks[0, -1] == 1
    after = solve(ONE, units, offers, [[50, 50, 50, 50]], plan, True, s.states())
    on = int(s.blocks[0].sum())  # hours that it has been on by midnight
    assert after.blocks[0].tolist() == [1.0] * (3 - on) + [0.0] * (1 + on)


def test_without_states_what_ran_is_read_off_the_output():
    # four blocks of 25 MW; 60 MW before means three on; three serve 75 MW without a start
    plan = committed((0, 4, 1000, 0.4, 1, 1))
    s = solve(ONE, [Unit(0)], [(0, "sell", 100, 10)], [[75, 75]], plan, True, before=((0, 60.0),))
    assert s.start_cost == 0
    assert s.blocks[0].tolist() == [3, 3]
    more = solve(ONE, [Unit(0)], [(0, "sell", 100, 10)], [[75, 80]], plan, True, before=((0, 60.0),))
    assert more.start_cost == 1000
    free = solve(ONE, [Unit(0)], [(0, "sell", 100, 10)], [[80, 80]], plan, True)
    assert free.start_cost == 0  # nobody knows what ran before a first day


# ------------------------------------------------------------------------------------------------ network and ramps


def test_a_full_line_commits_the_dear_unit_behind_it():
    net = network(2, [Line(0, 1, capacity=50)])
    s = solve(net, [Unit(0), Unit(1)], [(0, "sell", 200, 10), (1, "sell", 100, 30)], [[0, 0], [40, 80]],
              committed((0, 1, 10, 0.1, 1, 1), (1, 1, 300, 0.4, 1, 1)), True, before([1, 0]))
    # 80 MW: 40 at least from the unit there, which leaves 40 to the line: not full, price 10 at both ends
    assert s.output[1] == approx([0, 40])
    assert s.price[:, 1] == approx([10, 10])
    more = solve(net, [Unit(0), Unit(1)], [(0, "sell", 200, 10), (1, "sell", 100, 30)], [[0, 0], [40, 95]],
                 committed((0, 1, 10, 0.1, 1, 1), (1, 1, 300, 0.4, 1, 1)), True, before([1, 0]))
    assert more.output[1] == approx([0, 45])
    assert more.price[:, 1] == approx([10, 30])
    assert more.line_shadow[0] == approx([0, 20])
    assert more.residual == approx(0, abs=1e-6)


def test_blocks_that_run_ramp_and_one_that_starts_comes_to_its_least():
    # two blocks of 50, at least 20, ramp 10 MW/h a block; one on at 30 before
    plan = committed((0, 2, 100, 0.4, 1, 1))
    s = solve(ONE, [Unit(0, ramp=20)], [(0, "sell", 100, 10)], [[40, 70, 90]], plan, True, before=((0, 30.0),))
    # hour 0: one block to 40.  hour 1: it rises by 10 to 50, the second comes in at 20: 70.  hour 2: both by 10, as the
    # limit of the cluster as a whole has it (the first is full, which a cluster does not see): 90
    assert s.blocks[0].tolist() == [1, 2, 2]
    assert s.output[0] == approx([40, 70, 90])
    # at 10 before, hour 0 gets 10 + 10 from the block that is on and 20 from one that starts: 40 of 45
    late = solve(ONE, [Unit(0, ramp=20)], [(0, "sell", 100, 10)], [[45, 45, 45]], plan, True, before=((0, 10.0),))
    assert late.output[0] == approx([40, 45, 45])
    assert late.shed[0] == approx([5, 0, 0])
    # down from 80 by two blocks: 10 by the one that stays and 20, its least, by the one that stops
    down = solve(ONE, [Unit(0, ramp=20)], [(0, "sell", 100, 10)], [[80, 45, 45]], plan, True, before=((0, 80.0),))
    assert down.output[0] == approx([80, 50, 45])
    assert down.disposed[0] == approx([0, 5, 0])


def test_stores_budgets_and_links_are_cleared_as_without_commitment():
    # nothing to commit: the same day as the other engine's
    net = network(3, [Line(0, 1, capacity=60)], [Link(1, 2, capacity=80, loss=0.05, fee=12)])
    units = [Unit(0), Unit(1, ramp=25), Unit(2), Unit(2, store=60, efficiency=(0.9, 0.9)), Unit(0, budgeted=True)]
    offers = [(0, "sell", 80, 20), (1, "sell", 70, 33), (2, "sell", 90, 55), (3, "sell", 20, 2), (3, "buy", 20, 0),
              (4, "sell", 50, 5)]
    load = [[30, 40, 60, 50], [20, 60, 70, 30], [40, 50, 90, 60]]
    rest = dict(energy={4: 90.0}, stored={3: 20.0}, stored_end={3: 20.0})
    none = Commitment(*(np.empty(0, int) for _ in range(6)))
    found, other = solve(net, units, offers, load, none, False, **rest), clear(net, units, offers, load, **rest)
    assert found.objective == approx(other.objective)
    assert found.output == approx(other.output, abs=1e-5)
    assert found.price == approx(other.price, abs=1e-5)
    assert found.energy_value == approx(other.energy_value, abs=1e-5)
    assert found.kkt < 1e-6
    assert found.residual == approx(0, abs=1e-4)


# ---------------------------------------------------------------------------------------------------------- reserve


def with_reserve(integral, asked, load=45):
    """A: two blocks of 50 MW at 10, least 20, 500 a start, one on; it alone sells reserve.  B: 100 MW at 30."""
    units, orders = [Unit(0), Unit(0)], book([(0, "sell", 100, 10), (1, "sell", 100, 30)], 1)
    whole = replace(fleet(units), products=products(units, [[0, 0], [1, 0]]))
    today = replace(day(ONE, units, [[load]]), reserve=reserve(units, 1, [[0], [asked]], [100, 100]))
    engine = CommitmentEngine(ONE, whole, committed((0, 2, 500, 0.4, 1, 1)), integral, hours=1, gap=0.0)
    return engine.clear(orders, today, before([1]))


def test_reserve_is_held_by_blocks_that_run():
    # 45 + 10 pass the one block's 50: it steps back to 40 and B gives 5, 100 dearer, and cheaper than a start
    s = with_reserve(True, 10)
    assert s.blocks[0].tolist() == [1]
    assert s.output[:, 0] == approx([40, 5])
    assert s.reserved[SPINNING, 0, 0] == approx(10)
    assert s.reserve_price[SPINNING, 0, 0] == approx(30 - 10)
    assert s.price[0, 0] == approx(30)


def test_a_block_starts_for_reserve_alone():
    # 28 of reserve leave 22 of the block: 23 MW of B are 460 dearer, less than a start; 32 would leave 18, less than
    # its least of 20, so a second block starts: 45 MW at 10 and 55 of room
    assert with_reserve(True, 28).blocks[0].tolist() == [1]
    s = with_reserve(True, 32)
    assert s.blocks[0].tolist() == [2]
    assert s.output[:, 0] == approx([45, 0])
    assert s.start_cost == approx(500)
    assert s.reserve_price[SPINNING, 0, 0] == approx(0)


def test_relaxed_the_price_of_reserve_holds_the_part_of_a_start():
    # a MW of room is a fiftieth of a start, 10 CNY, and cheaper than stepping back for B at 20: 45 + 10 of 50 + 5
    s = with_reserve(False, 10)
    assert s.blocks[0, 0] == approx(1.1)
    assert s.output[:, 0] == approx([45, 0])
    assert s.reserve_price[SPINNING, 0, 0] == approx(10)
    assert s.price[0, 0] == approx(10 + 10)


# ---------------------------------------------------------------------------------------------- every case tried out


def tiny(seed):
    """A random case of two buses, three committed units and one that is not, four hours."""
    rng = np.random.default_rng(seed)
    net = network(2, [Line(0, 1, capacity=rng.uniform(30, 80))])
    units = [Unit(0), Unit(0), Unit(1), Unit(1)]
    offers = [(u, "sell", rng.uniform(40, 100), rng.uniform(10, 60)) for u in range(3)] + [(3, "sell", 60, 150)]
    load = rng.uniform([[20], [40]], [[80], [150]], (2, 4))
    plan = committed(*((u, 1, rng.uniform(100, 2500), rng.uniform(0.2, 0.7), rng.integers(1, 4), rng.integers(1, 4))
                       for u in range(3)))
    states = before(rng.integers(0, 2, 3), hours=4)
    past = {int(u): int(rng.integers(1, 4)) for u in np.flatnonzero(states.blocks)}
    other = {int(u): int(rng.integers(1, 4)) for u in np.flatnonzero(states.blocks == 0)}
    return net, units, offers, load, plan, before(states.blocks, past, other)


def allowed(row, on, up, down, was, started, stopped) -> bool:
    """Whether hours on and off keep up and down times; started, stopped: hours ago of the last such event."""
    last = -started if was else -stopped
    state = was
    for hour, now in enumerate(on):
        if now != state:
            if hour - last < (up if state else down):
                return False
            state, last = now, hour
    return True


def cheapest(net, units, whole, offers, asked, plan, states) -> float:
    """Least cost over all commitments, each cleared by the engine that knows of none."""
    best, orders = np.inf, book(offers, 4)
    engine = CooptimisedEngine(net, whole, hours=4)
    ago = [[4 - int(np.flatnonzero(p)[0]) if p.any() else 99 for p in past]
           for past in (states.started, states.stopped)]
    choices = [[on for on in product((0, 1), repeat=4)
                if allowed(u, on, plan.up[u], plan.down[u], int(states.blocks[u]), ago[0][u], ago[1][u])]
               for u in range(3)]
    for on in product(*choices):
        on = np.array(on, float)
        starts = np.maximum(np.diff(on, axis=1, prepend=states.blocks[:, None]), 0).sum(axis=1) @ plan.start_cost
        if starts < best:
            best = min(best, starts + engine.clear(*held_to(orders, asked, plan, on)).objective)
    return best


@pytest.mark.parametrize("seed", range(6))
def test_no_commitment_is_cheaper_than_the_one_found(seed):
    net, units, offers, load, plan, states = tiny(seed)
    found = solve(net, units, offers, load, plan, True, states)
    asked = day(net, units, load)
    assert found.objective == approx(cheapest(net, units, fleet(units), offers, asked, plan, states), rel=1e-7)


@pytest.mark.parametrize("seed", range(4))
def test_nor_where_reserve_is_held_back(seed):
    net, units, offers, load, plan, states = tiny(seed + 50)
    whole = replace(fleet(units), products=products(units, [[1, 0, 1, 0], [1, 1, 0, 1]], spin=[np.inf] * 3 + [0.5]))
    highest = [volume for _, _, volume, _ in offers]
    asked = replace(day(net, units, load), reserve=reserve(units, 4, [[8], [20]], highest, price=[[3] * 4, [2] * 4]))
    found = CommitmentEngine(net, whole, plan, True, hours=4, gap=0.0).clear(book(offers, 4), asked, states)
    assert found.objective == approx(cheapest(net, units, whole, offers, asked, plan, states), rel=1e-7)
    assert found.reserved.sum() > 0
    assert found.kkt < 1e-6


@pytest.mark.parametrize("seed", range(20))
def test_relaxed_costs_no_more_than_whole_and_whole_no_more_than_all_on(seed):
    net, units, offers, load, plan, _ = tiny(seed + 100)
    relaxed, integer = (solve(net, units, offers, load, plan, kind, before([1, 1, 1])) for kind in (False, True))
    orders, asked = book(offers, 4), day(net, units, load)
    all_on = CooptimisedEngine(net, fleet(units), hours=4).clear(*held_to(orders, asked, plan, np.ones((3, 4))))
    assert relaxed.objective <= integer.objective + 1e-6
    assert integer.relaxed == approx(relaxed.objective)
    assert integer.objective <= all_on.objective + 1e-6
    assert integer.kkt < 1e-6
    assert integer.residual < 1e-4
    assert np.abs(integer.blocks - np.rint(integer.blocks)).max() == 0


def test_the_formulation_is_tight_where_one_units_hours_are_all_there_is():
    # profits of one unit by hour, any up and down times: the relaxation is whole by itself [Rajan2005]
    rng = np.random.default_rng(8)
    for _ in range(10):
        price = rng.uniform(0, 40, 8)
        plan = committed((0, 1, 300.0, 1.0, int(rng.integers(1, 5)), int(rng.integers(1, 5))))
        offers = [(0, "sell", 50, 20.0), (1, "buy", 50, list(price))]
        s = solve(ONE, [Unit(0), Unit(0)], offers, [[0] * 8], plan, False, before([0]))
        assert np.abs(s.blocks - np.rint(s.blocks)).max() < 1e-6


# --------------------------------------------------------------------------------------------------- odds and ends


def test_must_run_of_a_committed_unit_is_ignored():
    s = solve(ONE, TWO, OFFERS, [[60, 60]], PLAN, True, before([1, 0]), minimum={1: 30.0})
    assert s.output[1] == approx([0, 0])


def test_a_commitment_held_offers_what_its_blocks_can_give_cheapest_first():
    orders = book([(0, "sell", 40, 10), (0, "sell", 60, 5), (1, "buy", 9, 99)], 2)
    plan = committed((0, 4, 0, 0.5, 1, 1))
    held, asked = held_to(orders, day(ONE, TWO, [[0, 0]]), plan, np.array([[3, 1.0]]))
    # 75 and 25 of 100 MW: the 60 at 5 first; at least half of it
    assert held.volume.tolist() == [[15, 0], [60, 25], [9, 9]]
    assert asked.minimum[0].tolist() == [37.5, 12.5]


def test_a_day_without_a_solution_says_what_was_asked():
    with pytest.raises(ClearingError, match="store 0 must end with 50 MWh"):
        solve(ONE, [Unit(0, store=60)], [(0, "sell", 10, 1), (0, "buy", 10, 0)], [[0, 0]],
              Commitment(*(np.empty(0, int) for _ in range(6))), True, stored_end={0: 50.0})
