"""Where a rider's months were paid: what a move in mid-year leaves, what a return finds, where the pension is drawn."""

from datetime import date

import numpy as np
import pytest

from agents import mind_kernels as kernels
from agents import riders_plain
from sim.calendar import Month
from sim.config import BadInput, load

START, ONE = date(2025, 7, 1), np.array([0])
KUNMING, QUANZHOU, SICHUAN = 0, 1, 2  # two cities of two provinces, then the provinces of hukou
POOLS = np.array([0, 1, 2, 3])


@pytest.fixture
def riders(rider_lab):
    """Riders whose row 0 comes from Sichuan, works in Kunming, and has paid there for seven months and never else."""
    lab = rider_lab(start=START)
    row = {"city": KUNMING, "place": KUNMING, "origin": kernels.OTHER_PROVINCE, "hukou": SICHUAN, "history": 7,
           "stay": 7, "former": SICHUAN, "past": 0, "age": 33 * 12, "temporary": False}
    for column, value in row.items():
        getattr(lab.riders, column)[0] = value
    lab.riders.take_law(lab.law.on(START), Month.of(START))
    return lab.riders


def paid(riders) -> tuple[int, int, int, int]:
    """Of row 0: place and months there, former place and months there."""
    return tuple(int(getattr(riders, name)[0]) for name in ("place", "stay", "former", "past"))


@pytest.fixture(params=[kernels, riders_plain], ids=["compiled", "plain"])
def insure(request, riders):
    """Let row 0 pay at a place from now on, for so many months."""
    def pay(place, months):
        request.param.insure(riders.rows, ONE, np.array([place], np.int16), POOLS)
        riders.stay[0] += months
        return paid(riders)
    return pay


def test_a_move_in_mid_year_begins_a_new_count_and_keeps_the_old_one(insure):
    assert insure(QUANZHOU, 5) == (QUANZHOU, 5, KUNMING, 7)


def test_who_returns_goes_on_where_he_stopped(insure):
    insure(QUANZHOU, 5)
    assert insure(KUNMING, 1) == (KUNMING, 8, QUANZHOU, 5)


def test_who_pauses_and_goes_on_in_the_same_place_has_one_count(insure):
    assert insure(KUNMING, 3) == (KUNMING, 10, SICHUAN, 0)


def test_of_three_places_the_one_with_fewest_months_is_forgotten(insure):
    insure(QUANZHOU, 5)
    assert insure(SICHUAN, 2) == (SICHUAN, 2, KUNMING, 7)  # of 7 and 5, seven are kept
    assert insure(QUANZHOU, 1) == (QUANZHOU, 1, KUNMING, 7)  # as are they against two


def test_two_places_of_one_province_share_a_count(riders):
    kernels.insure(riders.rows, ONE, np.array([QUANZHOU], np.int16), np.zeros(4, np.int64))
    assert paid(riders) == (QUANZHOU, 7, SICHUAN, 0)


def test_months_are_those_of_the_place_of_the_former_one_or_none(riders):
    riders.former[0], riders.past[0] = QUANZHOU, 4
    found = [kernels.months_in(riders.rows, 0, place, POOLS) for place in (KUNMING, QUANZHOU, SICHUAN)]
    assert found == [kernels.months_in.py_func(riders.rows, 0, place, POOLS) for place in (KUNMING, QUANZHOU, SICHUAN)]
    assert found == [7, 4, 0]


@pytest.mark.parametrize(("stay", "past", "national", "place"), [
    (119, 0, False, SICHUAN), (120, 0, False, KUNMING),  # ten years in the last place, or that of hukou
    (12, 120, False, QUANZHOU), (120, 120, False, KUNMING),  # the last place with ten years
    (1, 240, True, KUNMING)])  # a national pool: wherever he paid last
def test_the_pension_is_drawn_where_the_law_says(riders, toy, stay, past, national, place):
    riders.stay[0], riders.former[0], riders.past[0] = stay, QUANZHOU, past
    rules = toy.law.on(START)["pension_transfer"]
    assert rules.receipt == 120
    assert riders.drawn_at(rules.model_copy(update={"national": national}))[0] == place


def test_who_paid_last_where_his_hukou_is_draws_there(riders, toy):
    riders.place[0], riders.stay[0], riders.former[0], riders.past[0] = SICHUAN, 3, KUNMING, 200
    assert riders.drawn_at(toy.law.on(START)["pension_transfer"])[0] == SICHUAN


def worth_at_work(riders) -> float:
    """What enrolling where he works is worth to row 0, k yuan a month: at home it costs him ten times as much."""
    money, place, _ = riders.appraise(ONE, np.array([900.0]), np.array([9000.0]), np.ones(1))
    assert place[0] == KUNMING
    return float(money[0])


def test_who_has_ten_years_where_he_works_need_not_fear_a_transfer(riders):
    """400 yuan over 60 months, and a tenth of the chance 0.8 of a pension rather than the account: at 33 years (see
    test_enrolment) 0.08 x 0.27262e-3 x (0.52654 - 0.10783) x 4588 beta = 0.041898 beta k yuan a month."""
    riders.history[0], worth = 130, []  # the others were paid elsewhere
    for months in (119, 120):
        riders.stay[0] = months
        worth.append(worth_at_work(riders))
    expected = 0.4 / 60 + 0.041898 * riders.beta[0]
    assert worth[1] - worth[0] == pytest.approx(expected, abs=2e-5)


def test_with_a_national_pool_nobody_has_to_move_his_rights(toy, rider_lab):
    worth = []
    for changes in ([], ["law.pension_transfer.national=true"]):
        config = load(toy.path, set=changes)
        lab = rider_lab(config=config, start=START)
        lab.riders.take_law(config.law.on(START), Month.of(START))
        rows = np.flatnonzero(lab.riders.origin == kernels.OTHER_PROVINCE)
        worth.append(lab.riders.appraise(rows, np.full(len(rows), 450.0), np.full(len(rows), 9000.0), np.ones(1))[0])
    assert (worth[1] - worth[0] > 0.4 / 60 - 1e-9).mean() > 0.95  # all but those with ten years there


def test_lived_months_add_up(rider_lab):
    lab = rider_lab(start=START)
    riders = lab.riders
    lab.live(date(2026, 2, 28))
    told = riders.stay.astype(int) + riders.past
    assert (told <= riders.history).all()
    assert (told == riders.history).mean() > 0.95
    who, before, place = riders.identity.copy(), riders.stay.copy(), riders.place.copy()
    lab.live(date(2026, 3, 31))
    same = (riders.identity == who) & (riders.place == place)
    assert np.array_equal((riders.stay - before)[same], lab.people.enrolled[same])
    assert ((riders.past > 0) & (riders.stay > 0)).any()


def test_all_that_is_known_of_a_rider_takes_120_bytes_his_ties_included(riders):
    columns = sum(getattr(riders, name).itemsize for name in riders.columns())
    assert columns + riders.ties.nbytes / riders.size <= 120


def test_more_places_than_a_byte_tells_apart_are_refused(rider_lab, monkeypatch):
    monkeypatch.setattr("agents.riders.MOST_PLACES", 3)
    with pytest.raises(BadInput, match=r"4 places of insurance; expected <= 3"):
        rider_lab(start=START)
