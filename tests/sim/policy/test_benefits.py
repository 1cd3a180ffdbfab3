"""What the platform gives beside the pension subsidy, rule by rule, worked on paper."""

from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from sim.calendar import Month
from sim.policy import benefits
from sim.streams import Streams

JULY = Month(2025, 7)


def riders(**columns):
    """Three rows for sixteen riders of two cities, as an instrument sees them."""
    three = {"identity": np.array([11, 12, 13]), "weight": np.array([1, 5, 10], np.int32), "city": np.array([0, 0, 1]),
             "orders": np.array([1000, 500, 0], np.int32), "claims": np.array([0, 800_000, 90_000_000]),
             "tenure": np.array([30, 12, 2], np.int16), "female": np.array([True, False, True]),
             "dependants": np.array([2, 0, 1], np.uint8), "days": np.array([26, 10, 0], np.uint8),
             "rain_orders": np.array([200, 0, 0], np.int32), "extreme_orders": np.array([40, 20, 0], np.int32),
             "penalties": np.array([4_550, 0, 0])}
    return SimpleNamespace(**(three | columns))


def given(instrument, rules, seed=1, month=JULY, **columns):
    facts = SimpleNamespace(people=riders(**columns), cities=SimpleNamespace(key=("kunming", "haikou")),
                            streams=Streams(seed))
    return instrument().apply(month, facts, rules)


def only(transfers):
    (transfer,) = transfers
    return transfer


# --------------------------------------------------------------------------------------------------- grants by chance


ILLNESS = benefits.IllnessRules(cases=0.33, grants=[10_000.0, 200_000.0], shares=[0.9, 0.1], most=200_000.0)


def test_0_33_cases_per_thousand_and_year_are_92_a_month_of_3_36_million_riders():
    """3,360 x 0.33 / 12 = 92.4; over 120 months 11,088 with a standard deviation of 105."""
    people = {"identity": np.arange(3360), "weight": np.full(3360, 1000, np.int32)}
    mean = 0.33 / 12_000 * people["weight"]
    counts = [benefits.cases(Streams(3)["test"], people["identity"], JULY.later(k), mean).sum() for k in range(120)]
    assert sum(counts) == pytest.approx(11_088, abs=4 * 105)


@pytest.mark.parametrize("mean", [1e-6, 0.3, 4.0])
def test_cases_are_what_a_poisson_draw_gives_at_that_uniform(mean):
    from scipy.stats import poisson

    identity, stream = np.arange(2000), Streams(5)["x"]
    expected = poisson.ppf(stream.uniforms(identity, JULY.number), mean)
    assert (benefits.cases(stream, identity, JULY, np.full(2000, mean)) == expected).all()


def test_a_case_is_paid_to_its_row_and_shared_by_the_persons_it_stands_for():
    # every row has cases: 12,000 a thousand and year are one a person and month
    rules = ILLNESS.model_copy(update={"cases": 12_000.0, "grants": [10_000.0], "shares": [1.0]})
    transfer = only(given(benefits.CriticalIllness, rules, weight=np.full(3, 1, np.int32), seed=2))
    assert (transfer.payer, transfer.payee, transfer.due) == ("platform", "riders", None)
    assert set(transfer.amount % 1_000_000) == {0}


def test_more_cases_never_take_a_grant_from_anybody():
    identity = np.arange(500)
    amounts = []
    for rate in (200.0, 400.0, 4000.0):
        rules, total = ILLNESS.model_copy(update={"cases": rate}), np.zeros(500, np.int64)
        for t in given(benefits.CriticalIllness, rules, identity=identity, weight=np.ones(500, np.int32)):
            total[t.row] += t.amount
        amounts.append(total)
    assert (amounts[0] <= amounts[1]).all()
    assert (amounts[1] <= amounts[2]).all()
    assert amounts[0].sum() < amounts[2].sum()


def test_illness_grants_must_add_up_and_keep_below_their_limit():
    for change in ({"shares": [0.9, 0.2]}, {"shares": [1.0]}, {"most": 100_000.0}):
        with pytest.raises(ValidationError, match="expected"):
            benefits.IllnessRules(**(dict(ILLNESS) | change))


def test_child_benefit_is_for_who_has_a_family_only():
    rules = benefits.ChildRules(cases=12_000.0, grant=10_000.0)
    rows = {row for seed in range(20) for t in given(benefits.ChildBenefit, rules, seed=seed) for row in t.row.tolist()}
    assert rows == {11, 13}


def test_family_travel_is_for_who_has_stayed_a_year():
    rules = benefits.TravelRules(value=1500.0, tenure=12, cases=12_000.0)
    rows = {row for seed in range(20) for t in given(benefits.FamilyTravel, rules, seed=seed) for row in t.row.tolist()}
    assert rows == {11, 12}


# ------------------------------------------------------------------------------------------------- by what was worked


def test_meals_are_worth_five_yuan_on_a_part_of_the_days():
    # 26 days x 0.1 x 5 = 13 yuan; 10 days: 5 yuan
    transfer = only(given(benefits.WorkMeals, benefits.MealRules(value=5.0, use=0.1)))
    assert (transfer.row.tolist(), transfer.amount.tolist()) == ([11, 12], [1300, 500])
    assert transfer.total == 1300 + 5 * 500


def test_women_who_ride_are_served():
    transfer = only(given(benefits.WomenRiders, benefits.WomenRules(value=20.0)))
    assert (transfer.row.tolist(), transfer.amount.tolist()) == ([11], [2000])


def test_stations_and_homes_cost_by_the_thousand_riders():
    # 16 riders: 15.5 x 50 + 0.3 x 20,000 = 6,775 yuan for a thousand, 108.40 for 16
    rules = benefits.StationRules(stations=15.5, station_cost=50.0, homes=0.3, home_cost=20_000.0)
    transfer = only(given(benefits.RiderStations, rules))
    assert (transfer.payer, transfer.payee, transfer.row, transfer.amount) == ("platform", "households", None, 10_840)


def test_extreme_weather_pays_more_an_order_than_rain():
    # 200 x 0.5 + 40 x 3 = 220; 20 x 3 = 60
    transfer = only(given(benefits.WeatherSubsidy, benefits.WeatherRules(rain=0.5, extreme=3.0)))
    assert (transfer.row.tolist(), transfer.amount.tolist()) == ([11, 12], [22_000, 6_000])


def test_forgiveness_gives_back_its_part_of_what_was_kept_for_late_orders():
    transfer = only(given(benefits.LateForgiveness, benefits.ForgivenessRules(forgiven=0.5)))
    assert (transfer.row.tolist(), transfer.amount.tolist()) == ([11], [2275])
    assert given(benefits.LateForgiveness, benefits.ForgivenessRules(forgiven=0.0)) == []


# --------------------------------------------------------------------------------------------------------- accidents


ACCIDENT = benefits.AccidentRules(premium=0.06, rider_share=0.25, pays=0.6, most=500_000.0,
                                  until={"kunming": Month(2026, 7)})


def test_accident_insurance_covers_where_the_public_scheme_has_not_begun():
    """Kunming until July 2026: 1,000 orders and 5 x 500 x 0.06 = 60 + 150 = 210 yuan, a quarter of it by riders: 15 of
    the first, 7.50 of each of the five. Haikou is not named: never covered. Claims: 60 % of 8,000."""
    transfers = {(t.payer, t.payee): t for t in given(benefits.AccidentInsurance, ACCIDENT)}
    assert set(transfers) == {("platform", "insurer"), ("riders", "insurer"), ("insurer", "riders")}
    assert transfers["riders", "insurer"].amount.tolist() == [1500, 750]
    assert transfers["riders", "insurer"].total == 1500 + 5 * 750
    assert transfers["platform", "insurer"].total == 21_000 - 1500 - 5 * 750
    assert transfers["insurer", "riders"].row.tolist() == [12]
    assert transfers["insurer", "riders"].amount.tolist() == [480_000]
    assert given(benefits.AccidentInsurance, ACCIDENT, month=Month(2026, 7)) == []


def test_no_claim_is_paid_beyond_the_most():
    rules = ACCIDENT.model_copy(update={"until": {"haikou": Month(2026, 7)}})
    # 60 % of 900,000 would be 540,000
    paid = [t for t in given(benefits.AccidentInsurance, rules) if t.payee == "riders"]
    assert only(paid).amount.tolist() == [50_000_000]


# --------------------------------------------------------------------------------------------- what keeps riders there


def test_who_leaves_is_multiplied_over_what_covers_him():
    """Women's care keeps one in ten of the women who would leave, the first and the last; stations one in twenty of
    all."""
    rules = {"women_riders": benefits.WomenRules(value=20.0, leaves=0.9),
             "rider_stations": benefits.StationRules(stations=1.0, station_cost=1.0, homes=0.0, home_cost=0.0,
                                                     leaves=0.95)}
    assert benefits.exit_factor(rules, riders()) == pytest.approx([0.9 * 0.95, 0.95, 0.9 * 0.95])


def test_without_benefits_nobody_stays_for_them():
    assert benefits.exit_factor({}, riders()).tolist() == [1, 1, 1]
    assert benefits.exit_factor({"women_riders": benefits.WomenRules(value=20.0)}, riders()).tolist() == [1, 1, 1]


def test_every_benefit_says_whom_it_covers():
    assert len(benefits.BENEFITS) == 9
    people = riders()
    for benefit in benefits.BENEFITS.values():
        assert benefit.Rules.model_fields["leaves"].default == 1.0
        assert benefit.covers(people).dtype == bool
        assert benefit.covers(people).shape == (3,)
