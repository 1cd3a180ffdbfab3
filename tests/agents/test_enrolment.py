"""Whether riders pay for their pension: the decision of one, worked out on paper, and what moves that of many."""

from datetime import date

import numpy as np
import pytest

from agents import mind_kernels as kernels
from sim.calendar import Month
from sim.config import load
from sim.policy.pension_subsidy import eligible
from tests.labs import altered

KUNMING, QUANZHOU = 0, 1
START = date(2025, 7, 1)
ONE = np.array([0])


@pytest.fixture
def lab(rider_lab):
    """A lab whose row 0 is a rider of Kunming as plain as can be: local, 33 years old, 7,000 yuan a month, no history,
    rooted, present bias 0.75, cash of 0.8 months of income."""
    lab = rider_lab(start=START)
    riders = lab.riders
    plain = {"city": KUNMING, "hukou": KUNMING, "origin": 0, "age": 33 * 12, "history": 0, "temporary": False,
             "beta": 0.75, "income": 700000, "other": 0, "cash": 5600, "trust": 1.0, "roots": 0, "traits": 0,
             "met": 0b111}
    for column, value in plain.items():
        getattr(riders, column)[0] = value
    riders.take_law(lab.law.on(START), Month.of(START))
    riders._base = np.array([4588.0, 4566.0, 4588.0, 4200.0])  # Kunming, Quanzhou, Sichuan, other provinces
    return lab


def money(lab, price=917.6, home=None, levels=(1.0,)):
    """What enrolling is worth to row 0 in k yuan a month, and his place."""
    home = price if home is None else home
    worth, place, _ = lab.riders.appraise(ONE, np.array([price]), np.array([home]), np.array(levels))
    return worth[0], place[0]


def inclination(lab, match=0.0, peers=0.1):
    terms = lab.riders.terms()._replace(match=match, started=np.ones(2, bool))
    u, *_ = lab.riders.incline(ONE, terms, np.full(lab.riders.size, peers, np.float32))
    return u[0]


# ------------------------------------------------------------------------------------------------------- on paper


def test_a_yuan_weighs_more_when_cash_is_short(lab):
    # 1 + 0.9 exp(-5600 / (0.8 x 7000)) min(1.5, 7000 / 7000) = 1 + 0.9 / e = 1.331
    assert kernels.pressure(lab.riders.mind, 5600.0, 7000.0) == pytest.approx(1.33109, abs=1e-5)
    assert kernels.pressure(lab.riders.mind, 0.0, 7000.0) == pytest.approx(1.9)
    assert kernels.pressure(lab.riders.mind, 0.0, 3500.0) == pytest.approx(1 + 0.9 * 1.5)  # 7000 / 3500, at most 1.5
    assert kernels.pressure(lab.riders.mind, 1e9, 7000.0) == pytest.approx(1.0)


def month_of_rights(lab, p, age, history, level=1.0):
    """Worth of a month on a base of 4,588 yuan to a rooted rider at home with present bias 0.75."""
    vest = kernels.vesting(lab.riders.mind, p.years[age], p.need[age], history, False)
    return kernels.rights(p.flat[age], p.own[age], p.account[age], 4588.0, level, 0.75, vest)


def test_twice_the_base_earns_less_than_twice_the_pension(lab):
    # the average wage's half of the basic pension is the same on any base: at 33 years (see below) basic
    # 1.025^30 / 2400 = 0.00087399 a yuan, of W = 4588 / 0.6; flat 161.9 x 0.00087399 / 0.6 = 0.23583 of the pension's
    # 0.52654: with twice the base 0.75 x 4588 x 0.27262 (0.8 (0.23583 + 2 x 0.29071) + 0.2 x 2 x 0.10783) / 1000
    prospects = kernels.prospects(lab.riders.mind, 0.08)
    once, twice = (month_of_rights(lab, prospects, 33 * 12, 0, level) for level in (1.0, 2.0))
    by_hand = 0.75 * 4588 * 0.27262e-3 * (0.8 * (0.23583 + 2 * 0.29071) + 0.2 * 2 * 0.10783)
    assert twice == pytest.approx(by_hand, rel=1e-4)
    assert once < twice < 2 * once


def test_one_months_pension_rights_at_33_are_worth_415_yuan_today(lab):
    # 30 years to 63: today 0.96^30 e^(-0.0025 x 30) = 0.27262; account 0.08 x 1.01^30 = 0.10783 a yuan of base;
    # basic 1.025^30 / 0.6 x 1.6 / 2400 = 0.0023306; pension 161.9 (0.0023306 + 0.10783 / 117) = 0.52654
    # 0.75 x 4588 x 0.27262 (0.8 x 0.52654 + 0.2 x 0.10783) / 1000 = 0.4154 k yuan; 30 of 20 years needed: vested 0.8
    prospects = kernels.prospects(lab.riders.mind, 0.08)
    worth = month_of_rights(lab, prospects, 33 * 12, 0)
    assert worth == pytest.approx(0.41539, abs=2e-5)


def test_pension_rights_at_50_with_too_few_years_left_are_worth_less(lab):
    # 11.5 years to 61.5, 17 needed, 2.5 paid: (14 / 17)^3 = 0.55852; rooted 0.8 x 0.55852 = 0.44682
    # today 0.96^11.5 e^(-0.02875) = 0.60762; account 0.08 x 1.01^11.5 = 0.089699; basic 1.025^11.5 / 900 = 0.0014760
    # pension 161.9 (0.0014760 + 0.089699 / 128) = 0.35242; vested or paid out 0.44682 x 0.35242 + 0.55318 x 0.089699
    # = 0.20709; 0.75 x 4588 x 0.60762 x 0.20709 / 1000 = 0.4330 k yuan
    prospects = kernels.prospects(lab.riders.mind, 0.08)
    worth = month_of_rights(lab, prospects, 50 * 12, 30)
    assert worth == pytest.approx(0.43300, abs=2e-4)


def test_moving_ones_rights_costs_400_yuan_over_the_months_one_means_to_stay(lab):
    assert kernels.transfer(lab.riders.mind, True) == pytest.approx(0.4 / 18)  # 1.5 years
    assert kernels.transfer(lab.riders.mind, False) == pytest.approx(0.4 / 60)  # 5 years


def test_the_plain_rider_would_rather_not_at_the_full_price_and_is_torn_at_half(lab):
    # 0.41539 - 1.33109 x 0.9176 = -0.80602 k yuan; half the price: -0.19532
    sigma, const = lab.riders.mind.sigma, lab.riders.mind.const
    assert money(lab)[0] == pytest.approx(-0.80602, abs=5e-5)
    assert inclination(lab) == pytest.approx(const - 0.80602 / sigma + 0.8 * 0.1, abs=2e-4)
    assert inclination(lab, match=0.5) == pytest.approx(const - 0.19532 / sigma + 0.8 * 0.1, abs=2e-4)


def test_doubt_that_the_subsidy_arrives_raises_the_price(lab):
    lab.riders.trust[0] = 0.7  # 917.60 (1 - 0.5 x 0.7) = 596.44
    # 0.41539 - 1.33109 x 0.59644 = -0.37853
    assert inclination(lab, match=0.5) == pytest.approx(
        lab.riders.mind.const - 0.37853 / lab.riders.mind.sigma + 0.08, abs=2e-4)


def test_hukou_elsewhere_in_the_province_is_friction_only(lab):
    local, _ = money(lab)
    lab.riders.origin[0] = 1
    assert money(lab) == (pytest.approx(local - 0.06), KUNMING)


def test_who_comes_from_another_province_insures_where_it_is_worth_more(lab):
    riders = lab.riders
    riders.origin[0], riders.hukou[0] = 2, 2
    local = 0.41539 - 1.33109 * 0.9176
    assert money(lab) == (pytest.approx(local - 0.06, abs=5e-5), 2)  # same base at home, no transfer: home
    worth, place = money(lab, price=0.0, home=917.6)  # free at work: 0.8 x 0.9 = 0.72 vested, 400 yuan over 60 months
    vested = 3441 * 0.27262e-3 * (0.72 * 0.52654 + 0.28 * 0.10783)
    assert (worth, place) == (pytest.approx(vested - 0.4 / 60 - 0.06, abs=5e-5), KUNMING)


@pytest.mark.parametrize(("column", "low", "high"), [
    ("cash", 500, 20000), ("beta", 0.5, 0.9), ("temporary", True, False), ("origin", 1, 0), ("trust", 0.2, 1.0)])
def test_what_makes_a_rider_more_inclined(lab, column, low, high):
    u = []
    for value in (low, high):
        getattr(lab.riders, column)[0] = value
        u.append(inclination(lab, match=0.5))
    assert u[1] > u[0]


def test_peers_move_a_rider_by_eight_tenths_of_their_share(lab):
    assert inclination(lab, peers=0.5) - inclination(lab, peers=0.0) == pytest.approx(0.4)


# ---------------------------------------------------------------------------------------------------- the decision


def decide(lab, rows, u, premium=900.0):
    """Let rows decide on an inclination with the taste of their lives."""
    mind, count = lab.riders.mind._replace(keep_taste=1.0), len(rows)
    kernels.decide(mind, lab.riders.rows, np.asarray(rows), np.full(count, u), np.zeros(count, np.int16),
                   np.zeros(count, np.uint8), np.array([[premium]]), np.zeros(4, np.int64),
                   (np.uint64(1), np.uint64(2)))


def test_who_wants_to_is_enrolled_and_who_does_not_leaves(lab):
    riders = lab.riders
    riders.taste[:2], riders.cash[:2], riders.enrolled[:2] = (1.0, -1.0), 5000, (False, True)
    decide(lab, [0, 1], 0.5)  # 0.5 + 1.0 > 0, 0.5 - 1.0 < 0
    assert riders.enrolled[:2].tolist() == [True, False]


def test_nobody_begins_without_the_full_premium_in_cash(lab):
    riders = lab.riders
    riders.taste[:3], riders.cash[:3], riders.enrolled[:3] = 5.0, (900.0, 899.0, 899.0), (False, False, True)
    decide(lab, [0, 1, 2], 0.5)
    assert riders.enrolled[:3].tolist() == [True, False, True]  # who is enrolled goes on


def test_who_has_run_out_of_cash_pauses(lab):
    riders = lab.riders
    riders.enrolled[:], riders.cash[:] = True, -1e6
    stayers = riders.identity.copy()
    lab.live(date(2025, 7, 31))
    assert not riders.enrolled[riders.identity == stayers].any()


def test_riders_review_at_their_rates(rider_lab):
    lab = rider_lab(rows=10_000, start=START)
    riders, mind = lab.riders, lab.riders.mind
    riders.noticed[:], riders.enrolled[:] = False, np.arange(10_000) < 5000
    riders.tenure[:] = np.arange(10_000) % 2  # every other one in his month of entry
    riders.met[:], riders.met[7500:] = 0, 0b111
    moved = np.arange(10_000) < 1000
    terms = riders.terms()._replace(started=np.ones(2, bool))

    def thinkers(key):
        found, coin, other = np.empty(10_001, np.int64), np.empty(10_000), np.empty(10_000)
        kernels.two_draws(riders.identity, 0, 10_000, np.uint64(key), coin, other)
        count = kernels.reviewers(mind, riders.rows, 0, 10_000, coin, terms, moved, found)
        return np.isin(np.arange(10_000), found[:count])

    thought = thinkers(99)
    groups = {"enrolled": (slice(1000, 5000), mind.review_enrolled), "entry": (slice(5000, None, 2), mind.review_entry),
              "outside": (slice(5001, 7500, 2), mind.review_outside),
              "first eligible": (slice(7501, None, 2), mind.review_eligible)}
    for name, (rows, chance) in groups.items():
        n = len(thought[rows])
        assert abs(thought[rows].mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / n), name
    assert thought[:1000].all()  # insured in a city that they have left: all think again
    again = thinkers(98)[7501::2]
    assert again.mean() == pytest.approx(mind.review_outside, abs=0.04)  # noticed once, reviewed as others are


# -------------------------------------------------------------------------------------------------- what moves many


def takeup(lab, city):
    riders = lab.riders
    who = eligible(riders.met, 3, 6) & (riders.city == city)
    return (riders.enrolled[who] * riders.weight[who]).sum() / riders.weight[who].sum()


def test_takeup_rises_with_the_match(toy, rider_lab):
    shares = []
    for match in (0.0, 0.2, 0.5, 0.8):
        lab = rider_lab(config=load(toy.path, set=[f"law.pension_subsidy.match={match}"]), rows=5000, start=START)
        lab.live(date(2026, 3, 31))
        shares.append([takeup(lab, KUNMING), takeup(lab, QUANZHOU)])
    for rising in zip(*shares):
        assert list(rising) == sorted(rising)
        assert rising[-1] > 2 * rising[0]


def test_before_the_start_in_their_city_riders_without_ties_decide_alike_whatever_the_match(tmp_path, rider_lab):
    alone = altered(tmp_path, settings={"riders": {"ties": {"hometown": 0, "station": 0}, "move": {"look": 0}}})
    enrolled = []
    for match in (0.0, 0.8):
        lab = rider_lab(config=load(alone, set=[f"law.pension_subsidy.match={match}"]), start=START)
        lab.live(date(2025, 8, 31))
        enrolled.append([lab.riders.enrolled[lab.riders.city == city] for city in (KUNMING, QUANZHOU)])
    assert np.array_equal(enrolled[0][KUNMING], enrolled[1][KUNMING])  # Kunming starts in September
    assert not np.array_equal(enrolled[0][QUANZHOU], enrolled[1][QUANZHOU])


def test_without_the_instrument_nothing_of_it_is_expected(toy, rider_lab):
    lab = rider_lab(config=load(toy.path, set=["instruments.pension_subsidy=false"]), start=date(2026, 1, 1))
    lab.live(date(2026, 2, 28))
    assert np.allclose(lab.riders.trust, lab.riders.mind.trust_entry)
    assert not lab.riders.noticed.any()
    with_it = rider_lab(start=date(2026, 1, 1))
    with_it.live(date(2026, 2, 28))
    assert with_it.riders.enrolled.sum() > lab.riders.enrolled.sum()


def test_a_receipt_removes_all_doubt_and_peers_some_of_it(rider_lab):
    lab = rider_lab(start=START)
    riders = lab.riders
    got = np.zeros(len(riders), np.int64)
    got[::3] = 45000
    lab.gifts = {"pension subsidy": got}
    names, city, paid = riders.identity.copy(), riders.city.copy(), riders.enrolled.copy()
    lab.live(date(2025, 7, 31))
    others = riders.ties != np.arange(len(riders))[:, None]
    peers = (paid[riders.ties] & others).mean(axis=1)
    stayed, quanzhou = riders.identity == names, city == QUANZHOU
    assert (riders.trust[stayed & (got > 0)] == 1).all()
    doubting = stayed & (got == 0) & (riders.city == city)
    assert peers.max() > 0
    expected = 0.7 + 0.3 * peers * 0.3  # Quanzhou started in April
    assert np.allclose(riders.trust[doubting & quanzhou], expected[doubting & quanzhou])
    assert np.allclose(riders.trust[doubting & ~quanzhou], 0.7)  # Kunming starts in September


def test_who_is_subsidised_leaves_less_often(rider_lab):
    gone = []
    for gift in (0, 100):
        lab = rider_lab(rows=10_000, start=START)
        lab.gifts = {"pension subsidy": np.full(10_000, gift)}
        names = lab.riders.identity.copy()
        lab.live(date(2025, 7, 31))
        gone.append((lab.riders.identity != names).mean())
    assert gone[1] == pytest.approx(0.9 * gone[0], abs=0.01)  # roots of three receipts do less than a point


def test_a_contribution_month_is_remembered(rider_lab):
    lab = rider_lab(start=START)
    riders = lab.riders
    names, before, paying = riders.identity.copy(), riders.history.copy(), riders.enrolled.copy()
    lab.live(date(2025, 7, 31))
    stayed = riders.identity == names
    assert paying.any()
    assert np.array_equal(lab.people.enrolled, paying)
    still = stayed & riders.enrolled & paying
    assert np.array_equal(riders.history[still], before[still] + 1)


def test_some_are_insured_before_any_subsidy(rider_lab):
    lab = rider_lab(rows=10_000, start=START)
    assert 0.08 < takeup(lab, KUNMING) < 0.18  # the survey's tenth at 13 % of income
    assert 0.15 < eligible(lab.riders.met, 3, 6).mean() < 0.23
