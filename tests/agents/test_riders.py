"""Riders as a population: slots, days of work, months of money, coming and going."""

import shutil
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from agents.mind_kernels import CROSSED, WOMAN
from agents.riders import Columns, Riders
from agents.settling import largest_remainder
from agents.streets import hours
from sim.calendar import Calendar, Month
from sim.config import BadInput, load
from sim.units import unit_of
from tests.labs import altered

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
    columns = sum(np.dtype(unit_of(Riders.__annotations__[column]).dtype).itemsize for column in Columns._fields)
    ties = 8 * np.dtype(np.int32).itemsize
    assert ties <= 64
    assert columns + ties <= 120


def test_the_ties_are_eight_rows_of_four_bytes(rider_lab):
    riders = rider_lab().riders
    assert (riders.ties.shape, riders.ties.dtype) == ((len(riders), 8), np.int32)


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
            mine = full & (lab.people.segment == s)
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
    busy = full & (lab.people.segment == 1)
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


def with_settings(folder, fee=5.4, **sections):
    """The toy scenario with other settings of riders, by section, and another fee."""
    config = altered(folder, settings={"riders": sections} if sections else None)
    return load(config, set=[f"law.platform.fee.T2={fee}"])


FIXED_HOURS = {"elasticity": 0, "target": 0}


def test_with_fixed_hours_a_higher_fee_raises_incomes_in_proportion(tmp_path, rider_lab):
    incomes = []
    for fee in (5.4, 6.48):  # 5.40 x 1.2
        lab = rider_lab(config=with_settings(tmp_path / str(fee), fee, effort=FIXED_HOURS))
        lab.live(date(2025, 7, 31))
        incomes.append(lab.people.income)
    assert np.allclose(incomes[1], incomes[0] * 1.2, atol=2)


def test_a_higher_fee_keeps_who_follows_the_wage_longer_and_sends_target_earners_home(tmp_path, rider_lab):
    # at 1.2 times the fee: 1.2^0.6 = 1.1156 times the hours of all; 1 / 1.2 = 0.8333 where only the target counts
    for name, effort, expected in (("wage", {"elasticity": 0.6, "target": 0}, 1.2**0.6),
                                   ("target", {"elasticity": 0.6, "target": 1}, 1 / 1.2)):
        hours = []
        for fee in (5.4, 6.48):
            lab = rider_lab(config=with_settings(tmp_path / f"{name}{fee}", fee, effort=effort))
            lab.live(date(2025, 7, 31))
            hours.append(lab.people.hours.sum())
        assert hours[1] / hours[0] == pytest.approx(expected, rel=1e-5)


def test_hours_follow_pay_by_elasticity_and_target():
    # at twice the pay, elasticity 0.5, target weight 0.25: 0.75 x 1.41421 + 0.25 / 2 = 1.18566
    assert hours(np.array([2.0, 1.0]), SimpleNamespace(elasticity=0.5, target=0.25)) == pytest.approx([1.18566, 1.0])


def test_late_orders_cost_their_penalty_and_nothing_while_they_are_forgiven(toy, rider_lab):
    forgiven, strict = rider_lab(), rider_lab(config=load(toy.path, set=["law.platform.late_penalty=0.3"]))
    for lab in (forgiven, strict):
        lab.live(date(2025, 7, 31))
    assert not forgiven.people.penalties.any()
    lost = forgiven.people.income - strict.people.income
    assert np.abs(lost - strict.people.penalties).max() <= 1  # fen
    late = sum(work.late.sum() for work in strict.work)
    paid = (strict.people.penalties * strict.people.weight).sum() / 100
    assert paid == pytest.approx(late * 5.4 * 0.3, rel=1e-4)
    assert 0.002 < late / sum(work.done.sum() for work in strict.work) < 0.05


def test_orders_in_rain_are_counted(rider_lab):
    dry, wet, storm = rider_lab(), rider_lab(), rider_lab()
    for rain, lab in enumerate((dry, wet, storm)):
        lab.live(date(2025, 7, 31), rain=rain)
    assert not dry.people.rain_orders.any()
    assert np.array_equal(wet.people.rain_orders, wet.people.orders)
    assert np.array_equal(storm.people.extreme_orders, storm.people.orders)


# ------------------------------------------------------------------------------------------- moving and changing


def test_riders_move_at_their_rate_and_cities_keep_their_size_at_usual_incomes(rider_lab):
    lab = rider_lab(rows=TOTAL)
    names, before = lab.riders.identity.copy(), lab.riders.city.copy()
    settled = lab.riders.tenure > 0
    lab.live(date(2025, 7, 31))
    stayed = settled & (lab.riders.identity == names)
    # two cities: 6.5 % look at the other one, half of them go, less the price of a move,
    # 1500 / 12 / 2200 = 0.057 logits
    gone = (lab.riders.city != before)[stayed].mean()
    assert gone == pytest.approx(0.065 / (1 + np.exp(0.057)), abs=0.006)
    sizes = np.bincount(lab.riders.city, lab.riders.weight)
    assert sizes.sum() == TOTAL
    assert sizes[0] == pytest.approx(6000, abs=150)


def test_who_moves_sees_his_hukou_from_the_new_city(rider_lab):
    lab = rider_lab(rows=TOTAL)
    riders, before = lab.riders, {c: getattr(lab.riders, c).copy() for c in ("identity", "city", "origin", "hukou")}
    lab.live(date(2025, 7, 31))
    moved = (riders.city != before["city"]) & (riders.identity == before["identity"])
    assert moved.sum() > 100
    assert (riders.origin[moved & (before["origin"] < 2)] == 2).all()  # the toy's cities lie in two provinces
    assert (riders.hukou[moved] == before["hukou"][moved]).all()
    assert (riders.traits[moved] & CROSSED > 0).all()
    lab.live(date(2025, 8, 31))
    back = moved & (riders.city == before["city"]) & (riders.identity == before["identity"]) & (before["origin"] == 0)
    assert (riders.origin[back] == 0).all()


def test_nobody_moves_where_nobody_looks(tmp_path, rider_lab):
    lab = rider_lab(config=with_settings(tmp_path, move={"look": 0}))
    before = lab.riders.city.copy()
    lab.live(date(2025, 9, 30))
    assert np.array_equal(lab.riders.city, before)


def test_riders_go_where_more_is_paid(rider_lab):
    usual, better = rider_lab(rows=TOTAL), rider_lab(rows=TOTAL)
    better.cities.orders = better.cities.orders * np.array([1.0, 1.3])
    for lab in (usual, better):
        lab.live(date(2025, 12, 31))
    sizes = [np.bincount(lab.riders.city, lab.riders.weight)[1] for lab in (usual, better)]
    assert sizes[1] > sizes[0] + 60


def test_segments_keep_their_shares_while_people_change_them(rider_lab):
    lab = rider_lab(rows=TOTAL)
    names, before = lab.riders.identity.copy(), lab.riders.segment.copy()
    lab.live(date(2025, 7, 31))
    stayed = lab.riders.identity == names
    # 3 % of the dedicated, 4 % of the others but the last go on, as many come back: of regular riders 0.04 down and
    # 0.04 x 0.18 / 0.34 = 0.021 up
    settled = stayed & (lab.riders.tenure > 1)
    regular = settled & (before == 2)
    assert (lab.riders.segment[regular] == 3).mean() == pytest.approx(0.04, abs=0.015)
    assert (lab.riders.segment[regular] == 1).mean() == pytest.approx(0.021, abs=0.01)
    lab.live(date(2026, 6, 30))
    shares = np.bincount(lab.riders.segment, lab.riders.weight) / TOTAL
    assert np.abs(shares - lab.riders.segments["share"]).max() < 0.02
    busy = lab.riders.segment < 2
    assert (lab.riders.other[busy] == 0).all()
    assert (lab.riders.other[~busy] > 0).all()


def test_most_riders_have_worked_in_two_cities_and_few_are_women(rider_lab):
    lab = rider_lab(rows=TOTAL)
    for end in (date(2025, 7, 1), date(2026, 6, 30)):
        lab.live(end)
        assert 0.68 < (lab.riders.traits & CROSSED > 0).mean() < 0.78  # published: more than 70 %
        assert (lab.riders.traits & WOMAN > 0).mean() == pytest.approx(0.07, abs=0.01)


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
