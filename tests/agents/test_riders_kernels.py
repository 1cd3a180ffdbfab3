"""The riders' kernels give the figures that are worked out on paper.

That compiled and plain code give the same is tested by `test_riders_plain.py` and `tests/every/test_every_kernel.py`.
"""

import numpy as np
import pytest
from scipy.special import ndtri

from agents import draws_kernels as draws
from agents import moving_kernels
from agents import riders_kernels as kernels
from agents.riders import Columns, Riders
from agents.riders_plain import normal
from agents.streets import meet
from sim.calendar import Month
from sim.units import unit_of

KEY = np.uint64(0x9F3B_52C1_77A0_4D21)


def test_normal_is_the_inverse_normal():
    for u in (1e-15, 1e-9, 1e-3, 0.0749, 0.0751, 0.3, 0.5, 0.7, 0.95, 1 - 1e-9):
        assert draws.normal(u) == pytest.approx(ndtri(u), abs=2e-6)
        assert draws.normal(u) == pytest.approx(normal(np.array([u]))[0], rel=1e-12)


def test_pick_finds_the_share_that_a_draw_falls_into():
    cumulative = np.array([0.3, 0.3, 1.0])
    assert [draws.pick(cumulative, u) for u in (0.0, 0.29, 0.3, 0.99, 1.0)] == [0, 0, 2, 2, 2]


def test_two_draws_of_one_hash_are_uniform_and_know_nothing_of_each_other():
    words = draws.word.py_func(np.full(1, KEY), np.arange(200_000, dtype=np.uint64) << np.uint64(12))
    one, other = draws.high.py_func(words), draws.low.py_func(words)
    for u in (one, other):
        counts = np.histogram(u, 50, (0, 1))[0]
        assert ((counts - 4000) ** 2 / 4000).sum() < 90  # chi-squared, 49 degrees: beyond 90 once in 3,000 draws
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(200_000)
    assert ((one > 0) & (one < 1)).all()


# ------------------------------------------------------------------------------------------------- figures on paper


def test_equal_orders_and_riders_leave_a_sixth_of_the_orders_undone():
    # Q = D K / (D^4 + K^4)^(1/4) at D = K = 100 is 100 / 2^(1/4) = 84.09
    assert meet(np.array([100.0]), np.array([100.0])) * 100 == pytest.approx([84.0896], abs=1e-4)


def test_with_many_riders_nearly_every_order_is_done_and_with_few_every_rider_is_busy():
    busy = meet(np.array([100.0, 100.0]), np.array([300.0, 10.0]))
    assert busy[0] * 300 == pytest.approx(100 / (1 + 1 / 81) ** 0.25)  # (100 x 300) / (100^4 + 300^4)^(1/4)
    assert busy[1] == pytest.approx(1 / (1 + 1e-4) ** 0.25)


def test_where_there_are_no_orders_or_no_riders_nothing_is_done():
    assert meet(np.array([0.0, 50.0, 0.0]), np.array([70.0, 0.0, 0.0])).tolist() == [0.0, 0.0, 0.0]


def test_a_month_sums_the_days_worked():
    # days 1, 3 and 10 worked (bits 0, 2 and 9), rates 0.5, 0.8, 0.25 and, on the tenth, 1: 0.5 + 0.25 + 1 = 1.75
    rates, total, table = np.zeros((31, 4)), np.empty(4), np.empty((4, 256, 4))
    rates[[0, 1, 2, 9], 1] = 0.5, 0.8, 0.25, 1.0
    days = 0b10_0000_0101
    kernels.by_bytes(rates, table)
    kernels.day_by_day(np.uint32(days), rates, total)
    assert total.tolist() == [0, 1.75, 0, 0]
    assert table[0, days & 255, 1] + table[1, days >> 8, 1] + table[2, 0, 1] + table[3, 0, 1] == 1.75


@pytest.mark.parametrize("seed", range(5))
def test_looked_up_by_bytes_or_added_day_by_day_a_month_is_the_same_to_the_bit(seed):
    dice = np.random.default_rng(seed)
    rates, total, table = dice.random((31, 4)), np.empty(4), np.empty((4, 256, 4))
    kernels.by_bytes(rates, table)
    plainly = np.empty_like(table)
    kernels.by_bytes.py_func(rates, plainly)
    assert np.array_equal(plainly, table)
    for days in dice.integers(0, 2**31, 50):
        kernels.day_by_day(np.uint32(days), rates, total)
        eights = [days >> 8 * k & 255 for k in range(4)]
        assert np.array_equal(sum(table[k, eights[k]] for k in range(4)), total)


def test_a_bill_reaches_who_is_named_and_passes_over_who_has_left():
    # two groups of two and three slots, 12 bits of lives below 24 of places below the group
    first, lives = np.array([0, 2, 5]), np.array([0, 3, 0, 1, 0])
    group, place = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 0, 1, 2])
    identity = (group + 1 << 36) + (place << 12) + lives
    flow = np.array([5, 5, 5, 5, 5])
    who = identity[[4, 1, 3]] - [0, 1, 0]  # the second one is the last life of his slot, who has left
    kernels.book(flow, first, identity, np.array([100, 200, 300]), who, -1, (12, 24))
    assert flow.tolist() == [5, 5, 5, -295, -95]


def some(**columns):
    """Columns of which a kernel needs only these. A record type of the tests' own would end up in the kernels' cache on
    disk, where no run could read it."""
    return Columns(**dict.fromkeys(Columns._fields, None) | columns)


def purse(rider_lab, cash, flow):
    """One rider's purse after a month: (cash, to be sent home). He lives on 2,200 and rides at 350 less 299 for a
    subscription, has 7,000 of income and no other: the target is 0.8 x 7,000 = 5,600 yuan."""
    riders = rider_lab(rows=60).riders
    for column, value in (("cash", cash), ("segment", 1), ("dependants", 0), ("swaps", True), ("income", 700000),
                          ("other", 0)):
        getattr(riders, column)[0] = value
    habits = riders.habits(Month(2025, 8))
    kernels.keep_house(riders.rows, 0, 1, np.array([flow * 100]), habits)
    return riders.cash[0].item(), riders.sent[0].item()


def test_below_the_target_a_quarter_of_the_surplus_is_kept(rider_lab):
    assert purse(rider_lab, 1000, 6251) == (2000, 3000)  # surplus 6,251 - 2,251 = 4,000


def test_above_the_target_little_is_kept_and_the_excess_runs_down(rider_lab):
    # 7 % of 4,000 make 6,000 + 280 = 6,280; a tenth of the 680 above 5,600 goes too: 6,212 left, 3,720 + 68 sent
    assert purse(rider_lab, 6000, 6251) == (pytest.approx(6212), pytest.approx(3788))


def test_a_deficit_comes_out_of_cash(rider_lab):
    assert purse(rider_lab, 500, 1251) == (-500, 0)


def injured(weight, rows=100_000, exposure=1e5):
    """Claims of rows of so many persons, 0.1 each in the mean: three quarters of 100 fen, the others of 300."""
    claims = np.zeros(rows, np.int64)
    riders = some(identity=np.arange(1, rows + 1) << 12, weight=np.full(rows, weight, np.int32))
    kernels.injure(riders, (KEY, KEY + np.uint64(7919)), np.full(rows, exposure), 1e-6, np.array([0.75, 1.0]),
                   np.array([100, 300]), claims)
    return claims


def test_claims_happen_with_the_probability_of_the_exposure():
    claims = injured(weight=1)
    # nobody with e^-0.1 = 0.90484, one claim with 0.1 e^-0.1 = 0.09048; standard errors 0.0009
    assert (claims == 0).mean() == pytest.approx(0.90484, abs=0.004)
    assert (claims == 100).mean() == pytest.approx(0.75 * 0.09048, abs=0.003)
    assert claims.mean() == pytest.approx(0.1 * 150, rel=0.03)  # a claim is 150 fen in the mean


def test_claims_of_a_row_are_counted_by_the_draw_and_shared_by_its_persons():
    # mean 0.5: nobody below 0.60653, one claim below 0.90980, two below 0.98561; of two, 10 persons bear a fifth of one
    sizes = np.array([1000])
    draws_of_count = 0.60, 0.61, 0.90, 0.92, 0.99
    assert [kernels.claim(u, 0.5, KEY, 7, 10, np.ones(1), sizes) for u in draws_of_count] == [0, 100, 100, 200, 300]
    with np.errstate(over="ignore"):  # the hash multiplies modulo 2^64, on purpose
        assert kernels.claim.py_func(0.92, 0.5, KEY, 7, 10, np.ones(1), sizes) == 200


def test_a_row_of_many_persons_has_the_mean_of_their_claims():
    one, many = injured(weight=1), injured(weight=100)
    assert many.mean() == pytest.approx(15, rel=0.02)
    assert many.std() == pytest.approx(one.std() / 10, rel=0.05)  # 100 persons: a tenth of the spread


# ---------------------------------------------------------------------------------------------------- where to go


def aims(u, friends_at=(), city=0, many=False):
    """The city that a rider of three equal-sized cities looks at, each friend making a city half as great again."""
    share = np.full((3, 3), 1 / 3)
    ties = np.arange(len(friends_at), dtype=np.int32)[None]
    at = np.array(friends_at, np.int16)
    return moving_kernels.destination(np.cumsum(share, axis=1), share, 0.5, at, ties, 0, city, many, u)


def test_who_knows_nobody_looks_at_the_others_by_their_size():
    assert [aims(u) for u in (0.0, 0.49, 0.51, 0.99)] == [1, 1, 2, 2]
    assert [aims(u, city=1) for u in (0.0, 0.49, 0.51, 0.99)] == [0, 0, 2, 2]


def test_friends_draw_a_rider_to_where_they_are():
    # two friends in city 2 and one at home: city 2 counts 1/3 (1 + 2 x 0.5) = 2/3, city 1 counts 1/3
    found = [aims(u, friends_at=(2, 2, 0)) for u in np.linspace(0.0005, 0.9995, 1000)]
    assert np.mean(np.equal(found, 2)) == pytest.approx(2 / 3, abs=0.002)
    assert 0 not in found


def test_a_region_of_many_cities_has_other_cities_itself():
    assert [aims(u, many=True) for u in (0.0, 0.3, 0.4, 0.7)] == [0, 0, 1, 2]


def test_with_one_city_there_is_nowhere_to_go():
    one = np.ones((1, 1))
    nobody = np.zeros((1, 0), np.int32)
    assert moving_kernels.destination(one, one, 0.5, np.zeros(1, np.int16), nobody, 0, 0, False, 0.5) == -1


def test_columns_are_the_populations(rider_lab):
    riders = rider_lab(rows=100).riders
    assert list(Columns._fields) == Riders.columns()
    for name in Columns._fields:
        assert getattr(riders.rows, name).dtype == unit_of(Riders.__annotations__[name]).dtype


def test_claims_of_a_row_are_counted_by_poisson_and_shared_by_its_persons():
    """Of a mean of 0.5 e^-0.5 = 0.607 have none and 0.910 at most one. At a draw of 0.8 one claim of 1,000 fen falls on
    a row of 4 persons: 250 fen each; at 0.6 none."""
    cumulative, sizes = np.array([1.0]), np.array([1000])
    for u, fen in ((0.6, 0), (0.8, 250)):
        assert kernels.claim(u, 0.5, np.uint64(7), 1, 4, cumulative, sizes) == fen
        assert kernels.claim.py_func(u, 0.5, np.uint64(7), 1, 4, cumulative, sizes) == fen
