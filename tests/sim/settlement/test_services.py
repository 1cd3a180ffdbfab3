"""Ancillary services' money against figures on paper; the world is the table in conftest.py."""

from types import SimpleNamespace

import numpy as np
import pytest

from sim.settlement import services

RULES = SimpleNamespace(users_share=0.5, generators_share=0.5)


@pytest.fixture
def month(facts):
    """Two hours: `upper` regulates with 3 MW, the store with 1 MW in the first, `coal` holds 10 MW of reserve."""
    reserved, pay = np.zeros((2, 6, 2)), np.zeros((3, 6, 2))
    reserved[0, 0], reserved[0, 3, 0], reserved[1, 2] = 3, 1, 10
    pay[0], pay[1, 0], pay[1, 3], pay[2] = 2.0, 30.0, 60.0, 7.5
    zero = np.zeros((2, 2, 2))
    facts.available = np.array([[100.0] * 2] * 3 + [[10.0] * 2] * 3)
    facts.opening = SimpleNamespace(day=SimpleNamespace(index=3))
    day = SimpleNamespace(day=facts.opening.day, failure=1.0,
                          reserved=reserved, pay=pay, group=np.array([0, 0, 1, 1, 0, 1]), value=zero + 4, lack=zero + 1,
                          asked=zero + 5)
    facts.daily = {"ancillary": [day]}
    return facts


def rows(transfers, bill, payer, payee):
    """Fen by row of the one transfer of a bill between two accounts."""
    (one,) = [t for t in transfers if (t.bill, t.payer, t.payee) == (bill, payer, payee)]
    return dict(zip(one.row.tolist(), one.amount.tolist()))


def test_sellers_are_paid_by_capacity_mileage_and_reserve(month):
    bills = services.bills(month, RULES)
    # upper 3 x 2.00 x 2 h = 12.00 and 3 x 30 x 2 = 180.00; the store 2.00 and 60.00; coal 10 x 7.50 x 2 = 150.00
    assert rows(bills, "regulation capacity", "grid_company", "plants") == {0: 1_200}
    assert rows(bills, "regulation mileage", "grid_company", "plants") == {0: 18_000}
    assert rows(bills, "regulation capacity", "grid_company", "stores") == {3: 200}
    assert rows(bills, "regulation mileage", "grid_company", "stores") == {3: 6_000}
    assert rows(bills, "spinning reserve", "grid_company", "plants") == {2: 15_000}


def test_what_real_time_does_not_find_is_not_paid_and_pays_back(month):
    # with 38 MW the coal, at 30 and 12, has room for 8 of 10 in the first hour and for all in the second: it earns
    # (8 - 2 + 10) x 7.50; the store gives nothing below its 10 MW of charging when it takes 9.5: half of its 1 MW
    month.available = month.available.copy()
    month.available[2] = 38
    month.output = month.output.copy()
    month.output[3, 0] = -9.5
    bills = services.bills(month, RULES)
    assert rows(bills, "spinning reserve", "grid_company", "plants") == {2: 12_000}
    assert [t for t in bills if t.payee == "stores"] == []  # 0.5 - 0.5
    assert services.Month.of(month).missed() == pytest.approx([0, 2.5])


def test_a_zone_pays_for_itself_half_its_users_half_its_plants_by_energy(month):
    bills, cost = services.bills(month, RULES), services.COST
    # west 192.00: half from users, 20 MWh of the smelter and 100 of row 0; half from plants, 90 and 130 MWh:
    #   9600 x 20 / 120 = 1600; 9600 x 90 / 220 = 3927.27, 9600 x 130 / 220 = 5672.73
    # east 212.00: users of 65 and 55 MWh: 10600 x 65 / 120 = 5741.67 and 4858.33; all plants are the coal
    assert rows(bills, cost, "smelters", "grid_company") == {4: 1_600}
    assert rows(bills, cost, "plants", "grid_company") == {0: 3_927, 1: 5_673, 2: 10_600}
    assert rows(bills, cost, "users", "grid_company") == {0: 8_000, 1: 5_742, 2: 4_858}
    left = sum(t.total * ((t.payee == "grid_company") - (t.payer == "grid_company")) for t in bills)
    assert left == 0


def test_a_zone_without_plants_at_work_is_paid_for_by_its_users(month):
    month.output = month.output.copy()
    month.output[2] = 0
    bills = services.bills(month, RULES)
    assert rows(bills, services.COST, "users", "grid_company") == {0: 8_000, 1: 11_483, 2: 9_717}  # 21200 x 65 / 120
    assert rows(bills, services.COST, "plants", "grid_company") == {0: 3_927, 1: 5_673}


def test_what_is_kept_is_price_volume_lack_cost_and_income(month):
    kept = services.Month.of(month)
    assert kept.price(0).tolist() == [4, 4]
    assert kept.volume(0).tolist() == [6, 1]
    assert kept.lack(1).tolist() == [2, 2]
    assert kept.cost().tolist() == [192, 212]
    income = kept.income(month.grid.units.technology, ("battery", "coal", "hydro"))
    np.testing.assert_array_equal(income, [[np.nan, np.nan, 192], [62, 150, np.nan]])


def test_a_month_without_trade_bills_and_keeps_nothing(facts):
    facts.daily = {}
    assert services.bills(facts, RULES) == []
    assert services.Month.of(facts) is None
