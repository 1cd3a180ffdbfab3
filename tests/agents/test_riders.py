"""Riders as a population: slots, days of work, months of money, coming and going."""

import shutil
from datetime import date

import numpy as np
import pytest

from agents.riders import Columns, Riders, largest_remainder
from sim.calendar import Calendar, Month
from sim.config import BadInput, load
from sim.units import unit_of

JULY = Month(2025, 7)
TOTAL = 10_000  # riders of the toy world: 6,000 in Kunming, 4,000 in Quanzhou


def test_weights_stand_for_every_rider_of_each_city(rider_lab):
    riders = rider_lab(rows=1234).riders
    assert np.bincount(riders.city, riders.weight).tolist() == [6000, 4000]
    assert len(riders) == 1234


def test_a_row_for_each_rider_weighs_one(rider_lab):
    assert set(rider_lab(rows=TOTAL).riders.weight) == {1}


def test_weights_within_a_city_differ_by_one_at_most(rider_lab):
    riders = rider_lab(rows=999).riders
    for city in (0, 1):
        assert np.ptp(riders.weight[riders.city == city]) <= 1


def test_largest_remainder_splits_a_whole_in_whole_parts():
    # 10 among 6 : 3 : 2 is 5.45, 2.73, 1.82: floors 5, 2, 1, and the two largest remainders are .82 and .73
    assert largest_remainder(10, np.array([6.0, 3.0, 2.0])).tolist() == [5, 3, 2]


def test_more_rows_than_riders_are_refused(rider_lab):
    with pytest.raises(BadInput, match=r"scale.riders: 10001 rows.*expected <= 10000"):
        rider_lab(rows=TOTAL + 1)


def test_segments_have_their_shares_at_every_size(rider_lab):
    for rows in (500, 2000, TOTAL):
        riders = rider_lab(rows=rows).riders
        shares = np.bincount(riders.segment, riders.weight) / TOTAL
        assert np.abs(shares - riders.segments["share"]).max() < 5 / rows


def test_a_rider_takes_no_more_than_120_bytes():
    assert sum(np.dtype(unit_of(Riders.__annotations__[column]).dtype).itemsize for column in Columns._fields) <= 120


def test_identities_are_unique_and_lead_back_to_their_rows(rider_lab):
    riders = rider_lab().riders
    assert len(set(riders.identity.tolist())) == len(riders)
    assert (riders.rows_of(riders.identity) == np.arange(len(riders))).all()


def test_one_rider_more_leaves_every_other_riders_draws_as_they_are(rider_lab):
    own = ("identity", "segment", "origin", "hukou", "age", "tenure", "history", "dependants", "factor", "chance",
           "other", "cash", "beta", "taste", "swaps", "temporary", "met", "days", "pace")
    small, large = rider_lab(rows=700), rider_lab(rows=701)
    for lab in (small, large):
        for day in days(JULY, 9):
            lab.work_day(day)
    _, here, there = np.intersect1d(small.riders.identity, large.riders.identity, return_indices=True)
    assert len(here) == 700
    for column in own:
        assert np.array_equal(getattr(small.riders, column)[here], getattr(large.riders, column)[there]), column


def test_the_same_seed_lives_the_same_month_and_another_seed_another(rider_lab):
    months = []
    for seed in (3, 3, 4):
        lab = rider_lab(rows=500, seed=seed)
        lab.live(date(2025, 7, 31))
        months.append(lab.people.income)
    assert np.array_equal(months[0], months[1])
    assert not np.array_equal(months[0], months[2])


def days(month, count):
    """The first days of a month."""
    calendar = Calendar(month.first, date(month.year, month.month, month.days))
    return [calendar.turn() for _ in range(count)]


# ------------------------------------------------------------------------------------------------------------- work


def test_in_normal_months_mean_incomes_are_the_tables(rider_lab):
    """A year of dry days, put back to usual orders and months of 365/12 days: means meet the table within errors."""
    lab = rider_lab(rows=TOTAL)
    usual = lab.cities.uplift @ lab.cities.usual_weather
    lab.cities.orders = lab.cities.orders * usual  # a dry day now asks what a usual day does
    riders, incomes = lab.riders, [[] for _ in range(4)]
    persons = [np.unique(riders.identity[riders.segment == s]).size for s in range(4)]
    for month in (Month(2025, 7).later(k) for k in range(12)):
        for day in days(month, month.days):
            lab.work_day(day)
        full = riders.tenure > 0
        lab.close(month)
        scale = 365 / 12 / month.days / lab.cities.season[0, month.month - 1]
        for s in range(4):
            mine = full & (riders.segment == s)
            incomes[s].append(lab.people.income[mine].mean() / 100 * scale)
    table = {row.segment: row for row in lab.config.world["rider_incomes"]}
    for s, segment in enumerate(lab.config.world["rider_segments"]["key"]):
        # persons keep 65 % of the variance all year; orders move incomes by season a little less than one to one
        error = table[segment].mean * np.sqrt(np.expm1(table[segment].sigma ** 2) / persons[s])
        assert abs(np.mean(incomes[s]) - table[segment].mean) < 4 * error + 0.01 * table[segment].mean, segment


def test_the_spread_of_incomes_is_the_tables(rider_lab):
    lab = rider_lab(rows=TOTAL)
    full = lab.riders.tenure > 0
    lab.live(date(2025, 7, 31))
    busy = full & (lab.riders.segment == 1)
    # 1,700 riders: the standard error of a standard deviation of 0.30 is 0.30 / sqrt(2 x 1700) = 0.005
    assert np.log(lab.people.income[busy]).std() == pytest.approx(0.30, abs=0.02)


def test_the_days_pay_is_the_months_income(rider_lab):
    lab = rider_lab()
    lab.live(date(2025, 7, 31))
    paid = sum(work.pay.sum() for work in lab.work)
    earned = (lab.people.income * lab.people.weight).sum() / 100
    assert paid == pytest.approx(earned, abs=TOTAL * 0.01)  # each person's income is rounded to a fen


def test_orders_done_are_orders_ridden(rider_lab):
    lab = rider_lab()
    lab.live(date(2025, 7, 31))
    done = sum(work.done.sum() for work in lab.work)
    ridden = (lab.people.orders * lab.people.weight).sum()
    assert done == pytest.approx(ridden, abs=TOTAL * 0.5)  # each person's orders are rounded to whole ones


def test_no_more_is_done_than_asked_in_any_hour(rider_lab):
    lab = rider_lab()
    lab.live(date(2025, 7, 31))
    for work in lab.work:
        assert (work.done <= work.asked * (1 + 1e-12)).all()
        assert (work.done >= 0).all()


def test_rain_brings_a_tenth_more_orders_and_more_pay(rider_lab):
    dry, wet = rider_lab(), rider_lab()
    dry.live(date(2025, 7, 31))
    wet.live(date(2025, 7, 31), rain=1)
    assert np.allclose(wet.work[0].asked / dry.work[0].asked, 1.10)
    gain = wet.people.income.sum() / dry.people.income.sum()
    assert 1.05 < gain < 1.10  # riders are scarcer in the rain: not every order more is done


def test_with_more_colleagues_each_rider_earns_less(rider_lab):
    few, many = rider_lab(), rider_lab()
    many.riders.chance[:] = np.minimum(many.riders.chance * 1.1, 1)
    for lab in (few, many):
        lab.live(date(2025, 7, 31))
    days_worked = [np.bitwise_count(lab.riders.days).sum() for lab in (few, many)]
    a_day = [lab.people.income.sum() / worked for lab, worked in zip((few, many), days_worked)]
    assert a_day[1] < 0.97 * a_day[0]
    assert many.people.income.sum() > few.people.income.sum()


def test_cabinets_charge_what_subscribers_ride(rider_lab):
    lab = rider_lab()
    lab.live(date(2025, 7, 31))
    ridden = lab.riders.weight * np.bitwise_count(lab.riders.days) * lab.people.swaps
    energy = sum(work.charging.sum() for work in lab.work)  # an hour of a MW is a MWh
    assert energy == pytest.approx(ridden.sum() * 2.6 / 1000)


def test_charging_peaks_after_the_meals(rider_lab):
    lab = rider_lab()
    lab.live(date(2025, 7, 1))
    charging = lab.work[0].charging[0]
    assert charging[:10].max() < charging[12:16].min()
    assert int(np.argmax(charging[17:])) + 17 in (19, 20)  # orders peak at 18, batteries are charged in the next hours


def test_a_higher_fee_raises_incomes_in_proportion(toy, rider_lab):
    dearer = load(toy.path, set=["law.platform.fee.T2=6.48"])  # 5.40 x 1.2
    incomes = []
    for config in (toy, dearer):
        lab = rider_lab(config=config)
        lab.live(date(2025, 7, 31))
        incomes.append(lab.people.income)
    assert np.allclose(incomes[1], incomes[0] * 1.2, atol=2)


def test_a_city_with_too_few_orders_for_its_riders_incomes_is_refused(toy, rider_lab, tmp_path):
    folder = tmp_path / "world"
    shutil.copytree(toy.world.path, folder)
    cities = folder / "cities.csv"
    cities.write_text(cities.read_text().replace(",89280,", ",59280,"))
    (folder / "world.yaml").write_text((folder / "world.yaml").read_text() + f"law: {toy.world.law}\n")
    config = load(toy.path, set=[f"world={folder}"])
    with pytest.raises(BadInput, match=r"cities.csv:2: orders \[orders/day\]: 59280 a day.*expected more than"):
        rider_lab(config=config)


# ------------------------------------------------------------------------------------------------ coming and going


def test_a_months_window_is_judged_against_the_base_of_the_city(rider_lab):
    lab = rider_lab()
    before = lab.riders.met.copy()
    for day in days(JULY, 31):
        lab.work_day(day)
    lab.people = lab.riders.close(JULY, lab.law.on(JULY.first))
    base = np.array([458800, 456600])[lab.riders.city]  # Kunming and Quanzhou from July 2025
    assert np.array_equal(lab.people.met & 1, lab.people.income >= base)
    assert np.array_equal(lab.people.met >> 1, before & 0b1111111)


def test_newcomers_have_a_new_identity_an_empty_window_and_no_contract(rider_lab):
    lab = rider_lab()
    before = lab.riders.identity.copy()
    lab.live(date(2025, 7, 31))
    new = lab.riders.identity != before
    assert 0.05 < new.mean() < 0.25  # some 14 % a month
    assert (lab.riders.identity[new] == before[new] + 1).all()
    assert (lab.riders.met[new] == 0).all()
    assert (lab.riders.tenure[new] == 0).all()
    assert not lab.riders.enrolled[new].any()
    assert (lab.riders.rows_of(before[new]) == -1).all()


def test_a_newcomer_rides_from_his_first_day_on(rider_lab):
    lab = rider_lab()
    lab.live(date(2025, 8, 31))
    late = lab.people.income[lab.riders.tenure == 1].mean()  # in August they were new
    settled = lab.people.income[lab.riders.tenure > 1].mean()
    assert late < settled
    for day in days(Month(2025, 9), 10):
        lab.work_day(day)
    waiting = lab.riders.starts > 10
    assert waiting.any()
    assert (lab.riders.days[waiting] == 0).all()
    assert (lab.riders.days[lab.riders.starts <= 10] > 0).mean() > 0.5


def test_the_stock_keeps_its_ages_tenures_and_views(rider_lab):
    lab = rider_lab(rows=TOTAL)
    lab.live(date(2026, 6, 30))
    riders = lab.riders
    for months, share in ((3, 0.235), (12, 0.50), (36, 0.77)):
        assert (riders.tenure < months).mean() == pytest.approx(share, abs=0.03)
    assert riders.age.mean() / 12 == pytest.approx(33.2, abs=0.8)
    assert riders.age.max() < 60 * 12  # riders leave at 60
    assert 0.48 < riders.temporary.mean() < 0.56


def test_most_riders_come_from_elsewhere(rider_lab):
    riders = rider_lab(rows=TOTAL).riders
    kunming = riders.city == 0
    assert (riders.origin[kunming] > 0).mean() == pytest.approx(0.82, abs=0.02)  # Kunming: 18 % are local
    far = riders.origin == 2
    assert (riders.hukou[far] >= 2).all()
    assert (riders.hukou[~far] == riders.city[~far]).all()


def test_what_is_earned_is_spent_saved_or_sent_home(rider_lab):
    """Cash and what waits to be sent grow by exactly what was received less what was paid and lived on."""
    lab = rider_lab()
    lab.live(date(2025, 7, 31))
    cash, sent, rows = lab.riders.cash.copy(), lab.riders.sent.copy(), lab.riders.identity.copy()
    lab.live(date(2025, 8, 31))
    people, stayed = lab.people, lab.riders.identity == rows
    flow = people.income + people.other - people.living - people.swaps * 29900 - people.enrolled * people.premium
    grown = (lab.riders.cash + lab.riders.sent - cash - sent)[stayed]
    assert np.allclose(grown, (flow / 100)[stayed], atol=0.02)  # float32 purses: a cent or two


def test_high_frequency_riders_rarely_run_out_of_cash(rider_lab):
    lab = rider_lab(rows=TOTAL)
    lab.live(date(2025, 12, 31))
    busy = lab.riders.segment < 2
    assert (lab.riders.cash[busy] < 0).mean() < 0.05
    months = lab.riders.cash[busy] / (lab.riders.income[busy] / 100 + 1)
    assert 0.6 < np.median(months) < 1.4


def test_accidents_happen_at_their_rate(rider_lab):
    """2.6 claims per million orders at usual weather; a dry month lies below it by the usual mean of the factors."""
    lab = rider_lab(rows=TOTAL)
    usual = np.array([1, 1.6, 2.5]) @ lab.cities.usual_weather  # [city]
    claims, expected = 0, 0.0
    for month in range(7, 13):
        lab.live(date(2025, month, Month(2025, month).days))
        claims += np.count_nonzero(lab.people.claims)
        expected += (lab.people.orders / usual[lab.people.city]).sum() * 2.6e-6
    assert abs(claims - expected) < 4 * np.sqrt(expected)
    assert expected > 50


def test_extreme_weather_hurts_more(rider_lab):
    dry, storm = rider_lab(rows=TOTAL), rider_lab(rows=TOTAL)
    hurt = []
    for lab, rain in ((dry, 0), (storm, 2)):
        count = 0
        for month in range(7, 11):
            lab.live(date(2025, month, Month(2025, month).days), rain=rain)
            count += np.count_nonzero(lab.people.claims)
        hurt.append(count)
    assert hurt[1] > 2 * hurt[0]  # 2.5 x as dangerous, and a quarter more orders
