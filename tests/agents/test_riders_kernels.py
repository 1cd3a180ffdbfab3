"""The riders' kernels: compiled and plain Python give the same, and figures are those worked out on paper."""

import numpy as np
import pytest
from scipy.special import ndtri

from agents import riders_kernels as kernels
from agents.riders import Columns, Riders
from sim.units import unit_of

KEY = np.uint64(0x9F3B_52C1_77A0_4D21)
KEYS = np.array([int(KEY) + 7919 * k for k in range(len(kernels.BIRTH))], np.uint64)
FIRST = np.array([0, 60, 60, 130, 200])  # rows of four groups: two cities x two segments, one of them empty
SIZE = 200


@pytest.fixture
def rows(rider_lab):
    """Two hundred riders of one of the labs, a copy of their columns at each call."""
    riders = rider_lab(rows=SIZE).riders
    riders.city[:], riders.segment[:] = np.repeat([0, 1, 1], [60, 70, 70]), np.repeat([0, 0, 1], [60, 70, 70])
    riders.pace[:] = np.linspace(20, 80, SIZE)
    riders.days[:] = np.arange(SIZE, dtype=np.uint32) * 40503 % 2**30
    riders.subsidised[::7] = True
    riders.noticed[::5] = True

    def copy():
        return Columns(*(getattr(riders, name).copy() for name in Columns._fields))

    copy.riders = riders
    return copy


def same(rows, kernel, *arguments):
    """Run a kernel compiled and plain on copies of the same rows; both leave the same columns and give the same."""
    results, columns, given = [], [], []
    for run in (kernel, kernel.py_func):
        mine = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
        table = rows()
        results.append(run(*[table if a is ROWS else a for a in mine]))
        columns.append(table)
        given.append(mine)
    for name, compiled, plain in zip(Columns._fields, *columns):
        np.testing.assert_allclose(compiled, plain, rtol=1e-6, atol=1e-9, err_msg=name)
    for compiled, plain in zip(*given):
        if isinstance(compiled, np.ndarray):
            np.testing.assert_allclose(compiled, plain, rtol=1e-9, atol=1e-12)
    if results[0] is not None:
        np.testing.assert_array_equal(*results)
    return columns[0], given[0], results[0]


ROWS = object()  # stands for the columns among a kernel's arguments


# ------------------------------------------------------------------------------------------------- compiled = plain


def test_turn_out_compiled_is_turn_out_plain(rows):
    table, given, _ = same(rows, kernels.turn_out, ROWS, KEY, 13, FIRST, np.zeros(4), np.zeros(4, np.int64))
    works = table.days >> 12 & 1
    expected = [(table.weight * works * table.pace)[a:b].sum() for a, b in zip(FIRST[:-1], FIRST[1:])]
    np.testing.assert_allclose(given[4], expected, rtol=1e-6)
    assert 0 < given[5].sum() <= (table.weight * works).sum()


def test_set_pace_compiled_is_set_pace_plain(rows):
    table, *_ = same(rows, kernels.set_pace, ROWS, KEY, FIRST, np.full(4, 50.0), np.full(4, 0.2), 1.1)
    assert (table.days == 0).all()
    assert np.mean(table.pace / table.factor) == pytest.approx(55, rel=0.05)  # 1.1 x 50, the draw has mean 1


def test_settle_compiled_is_settle_plain(rows):
    books = np.random.default_rng(1).random((3, 4, 30))
    _, given, _ = same(rows, kernels.settle, ROWS, FIRST, books, np.zeros((3, SIZE)))
    assert (given[3] > 0).any()


def test_injure_compiled_is_injure_plain(rows):
    _, given, _ = same(rows, kernels.injure, ROWS, (KEYS[0], KEYS[1]), np.full(SIZE, 2e4), 2.6e-6,
                       np.array([0.8, 0.98, 1.0]), np.array([80000, 2500000, 20000000]), np.zeros(SIZE, np.int64))
    assert 0 < np.count_nonzero(given[6]) < SIZE


def test_keep_house_compiled_is_keep_house_plain(rows):
    flow = np.linspace(-3000, 9000, SIZE)
    same(rows, kernels.keep_house, ROWS, flow, np.full(SIZE, 2500.0), np.full(SIZE, 7000.0), (0.8, 0.25, 0.07, 0.1))


def test_appraise_compiled_is_appraise_plain(rows):
    riders = rows.riders
    prospects = kernels.prospects(riders.mind, 0.08)
    base = np.array([4588.0, 4566.0, 4900.0, 4200.0])
    price, money, place = np.full(SIZE, 917.6), np.zeros(SIZE), np.zeros(SIZE, np.int16)
    _, given, _ = same(rows, kernels.appraise, riders.mind, prospects, ROWS, np.arange(SIZE), base, price, 1.1 * price,
                       money, place)
    assert np.ptp(given[7]) > 0.1


def test_reviewers_compiled_are_reviewers_plain(rows):
    table, _, found = same(rows, kernels.reviewers, rows.riders.mind, ROWS, KEY, np.arange(SIZE) % 3 == 0)
    assert table.noticed[::3].all()
    assert 0 < len(found) < SIZE


def test_decide_compiled_is_decide_plain(rows):
    some, u, place = np.arange(0, 200, 2), np.linspace(-4, 4, 100), np.zeros(100, np.int16)
    same(rows, kernels.decide, rows.riders.mind, ROWS, some, u, place, np.array([900.0]), (KEYS[0], KEYS[1]))


def test_grow_compiled_is_grow_plain(rows):
    same(rows, kernels.grow, ROWS, rows.riders.mind, (6, 0.3, 0.2), KEY, np.array([True, False]), np.array([0.2, 0.1]))


def test_leavers_compiled_are_leavers_plain(rows):
    _, _, gone = same(rows, kernels.leavers, ROWS, KEY, np.full((2, 50), 0.2), 0.9, 720)
    assert 0 < len(gone) < SIZE


def test_arrive_compiled_is_arrive_plain(rows):
    riders = rows.riders
    same(rows, kernels.arrive, ROWS, riders.mind, riders.births, np.arange(SIZE), KEYS, 0.1, 31)


def test_normal_is_the_inverse_normal():
    for u in (1e-15, 1e-9, 1e-3, 0.0749, 0.0751, 0.3, 0.5, 0.7, 0.95, 1 - 1e-9):
        assert kernels.normal(u) == pytest.approx(ndtri(u), abs=2e-6)
        assert kernels.normal.py_func(u) == pytest.approx(ndtri(u), abs=2e-6)


def test_pick_finds_the_share_that_a_draw_falls_into():
    cumulative = np.array([0.3, 0.3, 1.0])
    for pick in (kernels.pick, kernels.pick.py_func):
        assert [pick(cumulative, u) for u in (0.0, 0.29, 0.3, 0.99, 1.0)] == [0, 0, 2, 2, 2]


# ------------------------------------------------------------------------------------------------- figures on paper


def test_equal_orders_and_riders_leave_a_sixth_of_the_orders_undone():
    # Q = D K / (D^4 + K^4)^(1/4) at D = K = 100 is 100 / 2^(1/4) = 84.09
    done, rate = kernels.meet(np.array([[100.0]]), np.array([[100.0]]), np.ones((1, 1, 1)))
    assert done[0, 0] == pytest.approx(84.0896, abs=1e-4)
    assert rate[0, 0] == pytest.approx(0.840896, abs=1e-6)


def test_with_many_riders_nearly_every_order_is_done_and_with_few_every_rider_is_busy():
    asked = np.full((1, 1), 100.0)
    done, _ = kernels.meet(asked, np.array([[300.0]]), np.ones((1, 1, 1)))
    assert done[0, 0] == pytest.approx(100 / (1 + 1 / 81) ** 0.25)  # (100 x 300) / (100^4 + 300^4)^(1/4)
    _, rate = kernels.meet(asked, np.array([[10.0]]), np.ones((1, 1, 1)))
    assert rate[0, 0] == pytest.approx(1 / (1 + 1e-4) ** 0.25)


def test_orders_are_shared_by_what_each_could_carry_in_the_hour():
    # one hour of two: segment a spends its shift in it, segment b half of it; 60 + 20 could be carried, 80 are asked
    shift = np.array([[[1.0, 0.0], [0.5, 0.5]]])
    done, rate = kernels.meet(np.array([[80.0, 0.0]]), np.array([[60.0, 40.0]]), shift)
    busy = 1 / 2**0.25
    assert done.tolist() == [[pytest.approx(80 * busy), 0.0]]
    assert rate.tolist() == [[pytest.approx(busy), pytest.approx(busy / 2)]]
    assert (rate * [[60, 40]]).sum() == pytest.approx(done.sum())


def test_a_city_without_orders_or_without_riders_does_nothing():
    done, rate = kernels.meet(np.array([[0.0], [50.0]]), np.array([[70.0], [0.0]]), np.ones((2, 1, 1)))
    assert done.tolist() == [[0.0], [0.0]]
    assert rate[0, 0] == 0.0


def test_a_month_sums_the_days_worked():
    # days 1 and 3 worked (bits 0 and 2) at rates 0.5, 0.8, 0.25 and a pace of 40: (0.5 + 0.25) x 40 = 30
    total = np.zeros(1)
    kernels.add_up(np.array([0b101], np.uint32), np.array([40], np.float32), np.array([0.5, 0.8, 0.25]), total)
    assert total[0] == 30.0


def some(**columns):
    """Columns of which a kernel needs only these. A record type of the tests' own would end up in the kernels' cache on
    disk, where no run could read it."""
    return Columns(**dict.fromkeys(Columns._fields, None) | columns)


def purse(cash, flow, costs=3000.0, income=7000.0):
    """One rider's purse after a month: (cash, to be sent home). Target 0.8 x 7,000 = 5,600 yuan."""
    r = some(cash=np.array([cash], np.float32), sent=np.zeros(1, np.float32), other=np.zeros(1, np.float32))
    kernels.keep_house(r, np.array([flow]), np.array([costs]), np.array([income]), (0.8, 0.25, 0.07, 0.1))
    return r.cash[0].item(), r.sent[0].item()


def test_below_the_target_a_quarter_of_the_surplus_is_kept():
    assert purse(1000, 7000) == (2000, 3000)  # surplus 4,000


def test_above_the_target_little_is_kept_and_the_excess_runs_down():
    # 7 % of 4,000 make 6,000 + 280 = 6,280; a tenth of the 680 above 5,600 goes too: 6,212 left, 3,720 + 68 sent
    assert purse(6000, 7000) == (pytest.approx(6212), pytest.approx(3788))


def test_a_deficit_comes_out_of_cash():
    assert purse(500, 2000) == (-500, 0)


def injured(weight, rows=100_000, exposure=1e5):
    """Claims of rows of so many persons, 0.1 each in the mean: three quarters of 100 fen, the others of 300."""
    claims = np.zeros(rows, np.int64)
    riders = some(identity=np.arange(1, rows + 1) << 12, weight=np.full(rows, weight, np.int32))
    kernels.injure(riders, (KEYS[0], KEYS[1]), np.full(rows, exposure), 1e-6, np.array([0.75, 1.0]),
                   np.array([100, 300]), claims)
    return claims


def test_claims_happen_with_the_probability_of_the_exposure():
    claims = injured(weight=1)
    # nobody with e^-0.1 = 0.90484, one claim with 0.1 e^-0.1 = 0.09048; standard errors 0.0009
    assert (claims == 0).mean() == pytest.approx(0.90484, abs=0.004)
    assert (claims == 100).mean() == pytest.approx(0.75 * 0.09048, abs=0.003)
    assert claims.mean() == pytest.approx(0.1 * 150, rel=0.03)  # a claim is 150 fen in the mean


def test_a_row_of_many_persons_has_the_mean_of_their_claims():
    one, many = injured(weight=1), injured(weight=100)
    assert many.mean() == pytest.approx(15, rel=0.02)
    assert many.std() == pytest.approx(one.std() / 10, rel=0.05)  # 100 persons: a tenth of the spread


def test_columns_are_the_populations(rows):
    assert list(Columns._fields) == Riders.columns()
    assert all(getattr(rows(), name).dtype == unit_of(Riders.__annotations__[name]).dtype for name in Columns._fields)
