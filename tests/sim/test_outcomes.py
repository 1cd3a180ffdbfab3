"""Outcomes by groups, on four rows that can be reckoned by hand, and on a lived month of the toy world."""

from datetime import date

import numpy as np
import pytest

from sim.calendar import Month
from sim.config import load
from sim.insurance.careers import Careers
from sim.messages import People, Transfer
from sim.outcomes import ALL, DIMENSIONS, UNITS, Ranked, Seen, borne, expected_replacement, insured, table
from tests.labs import TOY

NOVEMBER = Month(2025, 11)
CITIES, SEGMENTS = ("kunming", "quanzhou"), ("full", "part")
IDENTITY = np.array([10, 20, 30, 40])


@pytest.fixture(scope="module")
def law():
    return load(TOY).law.on(date(2025, 11, 30))


def page(**columns) -> People:
    """Rows of 1, 2, 1 and 4 persons, the last one in Quanzhou; the first and the third are enrolled and eligible, the
    second is eligible alone."""
    base = np.full(4, 458_800)
    usual = {
        "identity": IDENTITY, "weight": np.array([1, 2, 1, 4], np.int32), "city": np.array([0, 0, 0, 1], np.int16),
        "place": np.zeros(4, np.int16), "income": np.array([500_000, 600_000, 700_000, 100_000]),
        "orders": np.array([1_000, 1_000, 1_000, 250]), "swaps": np.zeros(4, bool),
        "enrolled": np.array([True, False, True, False]), "base": base, "premium": base // 5,
        "met": np.array([7, 7, 7, 0], np.uint8), "living": np.zeros(4, int), "other": np.zeros(4, int),
        "claims": np.zeros(4, int), "segment": np.array([0, 0, 0, 1], np.uint8),
        "age": np.array([20, 30, 40, 50], np.int16) * 12, "female": np.array([False, True, False, False]),
        "origin": np.array([0, 1, 2, 0], np.uint8), "history": np.zeros(4, np.int16)}
    return People(NOVEMBER, **(usual | columns))


def seen(law, people=None, net=None, posted=(), careers=None) -> Seen:
    people = people or page()
    if careers is None:
        careers = Careers()
        careers.close(people, insured(people, law.get("injury_insurance"), CITIES))
    net = people.income if net is None else np.array(net)
    return Seen(people, net, posted, law, careers, np.array([0, 3, 9, 9]), CITIES, SEGMENTS)


def rows(found, dimension):
    """The rows of a dimension: group -> column -> value."""
    at = np.flatnonzero(found["dimension"] == dimension)
    return {found["group"][i]: {name: found[name][i] for name in UNITS} for i in at}


def test_coverage_and_take_up_count_persons(law):
    found = rows(table(seen(law)), ALL)[ALL]
    assert found["persons"] == 8
    assert found["coverage"] == 2 / 8
    assert found["eligible"] == 4 / 8
    assert found["take_up"] == 2 / 4  # persons enrolled of 1 + 2 + 1 eligible
    assert found["income"] == (5_000 + 2 * 6_000 + 7_000 + 4 * 1_000) / 8


def test_each_dimension_tells_the_same_people_apart(law):
    found = table(seen(law))
    for dimension in DIMENSIONS:
        parts = rows(found, dimension)
        assert sum(one["persons"] for one in parts.values()) == 8, dimension
        assert sum(one["persons"] * one["coverage"] for one in parts.values() if one["persons"]) == 2, dimension
    assert rows(found, "age")["25 to 34"]["persons"] == 2  # the woman of 30, for two
    assert rows(found, "gender")["woman"]["coverage"] == 0
    assert rows(found, "origin")["other province"]["coverage"] == 1
    assert rows(found, "segment")["part"]["eligible"] == 0
    assert np.isnan(rows(found, "decile")["2"]["coverage"])  # nobody stands there


def test_persistence_is_of_who_paid_then_and_still_rides(law):
    """Row 1 paid and still does, row 2 paid and does no more, row 3 begins now, in row 4 a newcomer has come."""
    careers, before = Careers(), page(enrolled=np.array([True, True, False, True]), identity=np.array([10, 20, 30, 39]))
    for one in (before, before, before, page()):
        careers.close(one, np.zeros(4, bool))
    found = rows(table(seen(law, careers=careers)), ALL)[ALL]
    assert found["persistence_3"] == 1 / 3  # 1 person of 1 + 2
    assert found["density"] == (4 + 2 * 3 + 1) / (4 * (1 + 2 + 1) + 4 * 1)  # months paid over months seen, in persons
    assert np.isnan(found["persistence_12"])


def test_the_rate_to_expect_is_what_the_law_s_formula_gives(law):
    """A man of 20 on the lower base, 60 % of the average wage; by the reform he retires at 63, 516 months on, of which
    the actuary expects 0.7: 361.2. The basic part of his pension is (1 + 0.6) / 2 % a year: 0.8 % x 30.1 = 24.08 % of
    the wage. Beside it the account: 8 % of 60 % of the wage in each month paid, with interest of 1 % while wages grow
    by 2.5 %, spread over 117 months: 0.048 x 0.7 x sum over the months of (1.01/1.025)^(left / 12) / 117."""
    rate = float(expected_replacement(seen(law), np.array([0]))[0])
    months = np.arange(516)
    account = 0.048 * 0.7 * ((1.01 / 1.025) ** (months / 12)).sum() / 117
    assert rate == pytest.approx(0.2408 + account, rel=2e-3)  # when within the month it is paid is a matter of taste
    assert rows(table(seen(law)), "age")["under 25"]["replacement"] == pytest.approx(rate)


def test_gini_of_persons():
    """1, 1, 3, 5 (two persons in the first row): sum over ordered pairs of |x - y| = 2 (2x2 + 2x4 + 2) = 28, over
    2 x 16 x 2.5."""
    found = Ranked(np.array([500, 100, 300]), np.array([1, 2, 1])).gini(np.zeros(3, np.uint8), 2)
    assert found[0] == pytest.approx(28 / 80)
    assert np.isnan(found[1])


def test_gini_of_groups_is_that_of_each_alone():
    dice = np.random.default_rng(1)
    values, weight, group = dice.integers(-50, 1_000, 200), dice.integers(1, 9, 200), dice.integers(0, 3, 200)
    found = Ranked(values, weight).gini(group.astype(np.uint8), 3)
    for k in range(3):
        x = np.repeat(np.maximum(values[group == k], 0), weight[group == k])
        assert found[k] == pytest.approx(np.abs(x[:, None] - x).mean() / (2 * x.mean()))


def test_what_names_a_rider_counts_with_him_and_the_rest_by_orders(law):
    """458.80 yuan to row 3, 1,000 for stations on all 5,000 orders, of which his thousand bear a fifth, and the
    injury premium on the insured orders of Quanzhou: 4 x 250."""
    posted = [Transfer("pension subsidy", "platform", "riders", np.array([45_880]), np.array([30]),
                       np.array([1], np.int32)),
              Transfer("rider stations", "platform", "households", 100_000),
              Transfer("injury premium", "platform", "injury_fund", 8_000),
              Transfer("pay of orders", "platform", "riders", page().income, IDENTITY, page().weight),
              Transfer("commission", "customers", "platform", 7_777)]
    found = borne(seen(law, posted=posted), "platform")
    assert found.tolist() == [20_000, 20_000, 20_000 + 45_880, 5_000 + 2_000]
    assert (found * page().weight).sum() == 45_880 + 100_000 + 8_000
    cost = rows(table(seen(law, posted=posted)), ALL)[ALL]["platform_cost"]
    assert cost == pytest.approx(1_538.8 / 5_000)


def test_what_went_to_who_has_left_is_not_lost(law):
    posted = [Transfer("pension subsidy", "government", "riders", np.array([10_000, 40_000]), np.array([10, 19]),
                       np.array([1, 1], np.int32))]
    found = borne(seen(law, posted=posted), "government")  # 40,000 on 5,000 orders
    assert found.tolist() == [18_000, 8_000, 8_000, 2_000]
    assert rows(table(seen(law, posted=posted)), ALL)[ALL]["fiscal_cost"] == 500.0


def test_poverty_among_the_injured_knows_whether_insurance_paid(law):
    """Rows 1 and 4 are hurt, at 6,000 yuan each; the fund pays row 4 (4 persons: 1,500 a head), nobody pays row 1."""
    people = page(claims=np.array([600_000, 0, 0, 150_000]))
    posted = [Transfer("injury claims", "injury_fund", "riders", np.array([150_000]), np.array([40]),
                       np.array([4], np.int32))]
    found = table(seen(law, people, net=people.income + np.array([0, 0, 0, 150_000]), posted=posted))
    assert rows(found, ALL)[ALL]["injured"] == 2
    assert rows(found, "city")["kunming"]["injured_poor"] == 1  # 5,000 - 6,000
    assert rows(found, "city")["quanzhou"]["injured_poor"] == 0  # 1,000 left, the line is 800


def test_without_the_law_nothing_is_said(law):
    found = rows(table(seen({})), ALL)[ALL]
    assert found["coverage"] == 2 / 8
    for name in ("eligible", "take_up", "replacement", "injured_poor"):
        assert np.isnan(found[name]), name


def test_of_the_toy_world_groups_are_the_tables_by_city_and_the_bills(toy_month):
    """The table that the recorder wrote agrees with what it says elsewhere."""
    found = toy_month.results.table("populations/rider_outcomes")
    city = found[found["dimension"] == "city"].set_index("group")
    kept = toy_month.results.table("populations/riders").set_index("city")
    assert city["coverage"].to_numpy() == pytest.approx(kept["enrolled"].to_numpy())
    everybody = found[found["dimension"] == ALL].iloc[0]
    indicators = toy_month.results.indicators.set_index("indicator")["value"]
    carried = everybody["orders"]
    paid = sum(entry.total for entry in toy_month.journal.entries
               if entry.payer == "platform" and entry.bill != "pay of orders")
    assert everybody["platform_cost"] * carried == pytest.approx(paid / 100)
    assert everybody["fiscal_cost"] == indicators["fiscal_cost"]
    assert (np.diff(toy_month.facts.people.identity) > 0).all()  # what finding persons by identity rests on


def test_net_income_is_what_the_statement_says(toy_month):
    """Of all riders: received less paid in the journal, living and other income aside."""
    net = sum((entry.payee == "riders") * entry.total - (entry.payer == "riders") * entry.total
              for entry in toy_month.journal.entries if entry.bill not in ("living costs", "other income"))
    people = toy_month.facts.people
    assert (toy_month.riders.net * people.weight).sum() == net
