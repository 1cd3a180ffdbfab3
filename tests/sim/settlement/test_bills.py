"""Each bill against figures worked out on paper; the world is the table in conftest.py."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Month
from sim.messages import Transfer
from sim.network.grid import PLANT, Bus, Corridor, Grid, Units
from sim.settlement import bills, energy, meters
from sim.settlement.owing import owed_parties, shared


def by_row(transfers, payer, payee):
    """Fen by row of the one transfer between two accounts."""
    (one,) = [t for t in transfers if (t.payer, t.payee) == (payer, payee)]
    return dict(zip(one.row.tolist(), one.amount.tolist()))


def total(transfers, payer, payee):
    return sum(t.total for t in transfers if (t.payer, t.payee) == (payer, payee))


def spot_energy(facts):
    """What the one settlement of the month makes users and units pay and receive."""
    (leg,) = energy.legs(facts)
    return energy.traded(facts, leg)


def every_bill(facts, rules):
    """Energy, settled by the spot alone, and the riders' bills."""
    return [*energy.spot(facts), *energy.outside_electricity(facts), *bills.of(facts, rules)]


def test_users_pay_the_zonal_price_of_what_they_were_served(facts):
    # west: 50 x 100.00 + 50 x 200.00 = 15,000.00
    # east, of which 71 of 75 MW are served in hour 1: 35 x 71 / 75 = 33.1333 -> 33.133 MWh
    #   30 x 130.00 + 33.133 x 1500.00 = 53,599.50;  20 x 130.00 + 33.133 x 1500.00 = 52,299.50
    assert by_row(spot_energy(facts), "users", "grid_company") == {0: 1_500_000, 1: 5_359_950, 2: 5_229_950}


def test_producers_are_paid_the_price_at_their_bus(facts):
    # upper 40 x 100 + 50 x 200 = 14,000; lower 60 x 100 + 70 x 200 = 20,000; coal 30 x 130 + 12 x 1500 = 21,900
    assert by_row(spot_energy(facts), "grid_company", "plants") == {0: 1_400_000, 1: 2_000_000, 2: 2_190_000}


def test_a_store_pays_for_what_it_takes_and_is_paid_for_what_it_gives(facts):
    traded = spot_energy(facts)
    assert by_row(traded, "stores", "grid_company") == {3: 104_000}  # 8 x 130
    assert by_row(traded, "grid_company", "stores") == {3: 300_000}  # 2 x 1500


def test_smelters_and_neighbours_pay_at_their_bus(facts):
    traded = spot_energy(facts)
    assert by_row(traded, "smelters", "grid_company") == {4: 300_000}  # 10 x 100 + 10 x 200
    assert by_row(traded, "neighbours", "grid_company") == {5: 65_000}  # 5 x 130


def test_a_link_owner_gets_the_fee_on_what_arrives(facts):
    assert by_row(energy.dc_fee(facts, facts.settled), "grid_company", "corridor_owners") == {
        0: 190_000}  # (38 + 57) x 20


def test_a_reversed_link_earns_its_fee_at_the_other_end(facts):
    facts.sent, facts.delivered = np.full((1, 2), -19.0), np.full((1, 2), -20.0)  # 20 leave the east, 19 reach the west
    assert by_row(energy.dc_fee(facts, facts.settled), "grid_company", "corridor_owners") == {0: 76_000}  # 2 x 19 x 20


def test_congestion_rent_is_the_spread_times_the_flow_less_the_fee(facts):
    # hour 0: 38 x 130 - 40 x 100 = 940; hour 1: 57 x 1500 - 60 x 200 = 73,500; less 1,900 of fees: 72,540
    assert total(energy.congestion_rent(facts, energy.legs(facts)), "grid_company", "rent") == 7_254_000


def test_a_swap_operator_buys_on_the_bus_of_the_city_or_outside(facts):
    bought = energy.swap_electricity(facts, energy.legs(facts)) + energy.outside_electricity(facts)
    # 5 x 130.00 + 5 x 71 / 75 = 4.733 MWh x 1500.00: 7,749.50; outside (2 + 3) x 650
    assert total(bought, "swap_operator", "grid_company") == 774_950
    assert total(bought, "swap_operator", "outside_grid") == 325_000


def test_the_grid_company_keeps_nothing_and_rounding_takes_what_is_left(facts, rules):
    # served in the east: 2 x 33.133 + 4.733 = 70.999 of 71 MWh: 0.001 x 1500 = 1.50 yuan are missing
    every = every_bill(facts, rules)
    assert total(every, "rounding", "grid_company") == 150
    assert sum(t.total * ((t.payee == "grid_company") - (t.payer == "grid_company")) for t in every) == 0


def test_customers_pay_the_platform_what_the_riders_get(facts):
    pay = bills.pay_of_orders(facts)
    assert by_row(pay, "platform", "riders") == {11: 700_000, 12: 300_000}  # who earned nothing has no row
    assert total(pay, "platform", "riders") == total(pay, "customers", "platform") == 1_700_000  # 2 x 7,000 + 3,000


def test_only_subscribers_pay_the_swap_fee(facts, rules):
    (fee,) = bills.swap_fee(facts, rules["swap"])
    assert (fee.row.tolist(), fee.amount.tolist(), fee.total) == ([11], [29_900], 59_800)  # one row, two persons


def test_the_enrolled_pay_both_parts_of_their_contribution(facts, rules):
    paid = bills.pension_contribution(facts, rules["pension"])
    # 4588 x 12 % = 550.56, x 8 % = 367.04 (together 917.60); 4566 x 12 % = 547.92, x 8 % = 365.28
    assert by_row(paid, "riders", "pension_pool") == {11: 55_056, 12: 54_792}
    assert by_row(paid, "riders", "pension_accounts") == {11: 36_704, 12: 36_528}
    assert total(paid, "riders", "pension_pool") == 2 * 55_056 + 54_792


def test_the_parts_of_a_contribution_lose_no_fen(facts, rules):
    # 60 % of 917.61 is 550.566, of 0.01 it is 0.006
    facts.people = replace(facts.people, premium=np.array([91_761, 1, 0]))
    paid = bills.pension_contribution(facts, rules["pension"])
    assert by_row(paid, "riders", "pension_pool") == {11: 55_057, 12: 1}
    assert by_row(paid, "riders", "pension_accounts") == {11: 36_704}


def test_living_costs_go_to_households_and_other_income_comes_from_them(facts):
    living = bills.living_costs(facts)
    assert total(living, "riders", "households") == 1_000_000  # 2 x 4,000 + 2,000
    assert total(living, "households", "riders") == 300_000  # 3 x 1,000


def test_what_the_law_does_not_know_is_not_billed(facts):
    named = {t.bill for t in every_bill(facts, {})}
    assert "swap fee" not in named
    assert "pension contribution" not in named
    assert "spot energy" in named


def one_zone(price, load, output, disposed=(0.0, 0.0), flow=10.0):
    """One hour of two buses of one zone, joined by an AC line, a plant at the first."""
    buses = [Bus(key=key, zone="Z", name=key, source="worked by hand") for key in ("a", "b")]
    line = Corridor(key="ab", start="a", end="b", kind="ac", capacity=100, reverse=100, reactance=0.1, loss=0, tariff=0,
                    minimum=0, in_service=date(2000, 1, 1), owner="grid", source="worked by hand")
    units = Units.make(["p"], PLANT, [0], ["company"], "coal", [100])
    column = {name: np.array(values, float)[:, None] for name, values in
              {"price": price, "load": load, "output": output, "disposed": disposed, "shed": (0, 0)}.items()}
    return SimpleNamespace(
        grid=Grid(buses, [line], [], units, line.in_service), user_bus=np.array([0, 1]), consumption=column["load"],
        line_flow=np.array([[flow]]), sent=np.zeros((0, 1)), delivered=np.zeros((0, 1)), charging=np.zeros((0, 1)),
        city_bus=np.zeros(0, int), outside_price=np.zeros(0), month=Month(2025, 7), settled=np.ones(1, bool),
        ahead=SimpleNamespace(hours=np.zeros(1, bool)), **column)


def test_all_users_of_a_zone_pay_one_price_and_together_what_their_buses_ask():
    # (30 x 100 + 10 x 300) / 40 = 150.00: users pay 30 x 150 and 10 x 150, the plant gets 40 x 100,
    # the line earns 10 x (300 - 100) = 2,000
    facts = one_zone(price=(100, 300), load=(30, 10), output=(40,))
    assert by_row(spot_energy(facts), "users", "grid_company") == {0: 450_000, 1: 150_000}
    assert by_row(spot_energy(facts), "grid_company", "plants") == {0: 400_000}
    assert total(energy.congestion_rent(facts, energy.legs(facts)), "grid_company", "rent") == 200_000


def test_at_a_negative_price_the_plant_pays_and_the_rent_keeps_what_was_disposed_of():
    # price -50 everywhere, 50 MW made, 40 used, 10 disposed of: the plant pays 2,500, users receive 2,000, 500 stay
    facts = one_zone(price=(-50, -50), load=(30, 10), output=(50,), disposed=(10, 0))
    traded = spot_energy(facts)
    assert by_row(traded, "plants", "grid_company") == {0: 250_000}
    assert by_row(traded, "grid_company", "users") == {0: 150_000, 1: 50_000}
    assert total(energy.congestion_rent(facts, energy.legs(facts)), "grid_company", "rent") == 50_000
    assert energy.rounding([*traded, *energy.congestion_rent(facts, energy.legs(facts))]) == []


def test_a_zone_without_load_has_the_plain_mean_of_its_prices():
    facts = one_zone(price=(100, 300), load=(0, 0), output=(0,), flow=0)
    assert meters.zone_price(facts).item() == 200


@pytest.mark.parametrize(("milli", "fen"), [(499, 0), (500, 1), (1499, 1), (-500, -1), (-499, 0), (-1500, -2),
                                            (9_007_199_254_740_993_500, 9_007_199_254_740_994)])
def test_thousandths_of_a_fen_round_half_away_from_zero_at_any_size(milli, fen):
    assert meters.fen(np.array([milli])).item() == fen


def test_energy_and_prices_are_rounded_once_where_they_enter():
    assert meters.kwh(np.array([1.0004, 1.0006, -2.0006])).tolist() == [1000, 1001, -2001]
    assert meters.cents(np.array([200.004, 200.006, -0.004])).tolist() == [20000, 20001, 0]


def test_a_negative_amount_turns_the_sides_round_row_by_row():
    row, weight, due = np.array([5, 6, 7]), np.array([1, 2, 3], np.int32), Month(2025, 8)
    there, back = bills.owed("bill", "users", "platform", np.array([10, -20, 0]), row, weight, due)
    assert (there.payer, there.payee, there.row.tolist(), there.total) == ("users", "platform", [5], 10)
    assert (back.payer, back.payee, back.row.tolist(), back.total) == ("platform", "users", [6], 40)
    assert there.due == back.due == due


@pytest.mark.parametrize(("amount", "expected"),
                         [(7, [("platform", "rent", 7)]), (-7, [("rent", "platform", 7)]), (0, [])])
def test_a_single_sum_turns_round_too_and_nothing_is_no_bill(amount, expected):
    assert [(t.payer, t.payee, t.amount) for t in bills.owed("bill", "platform", "rent", amount)] == expected


def test_an_owners_statement_sums_his_own_units(facts, rules):
    statement = bills.statements(every_bill(facts, rules), facts)["river_company"]
    assert (statement.received, statement.paid) == ({"spot energy": 3_400_000}, {})  # upper and lower
    store = bills.statements(every_bill(facts, rules), facts)["store_company"]
    assert (store.received, store.paid) == ({"spot energy": 300_000}, {"spot energy": 104_000})
    assert bills.statements(every_bill(facts, rules), facts)["tie_company"].received == {"DC fee": 190_000}


def test_an_institutions_statement_counts_persons(facts, rules):
    platform = bills.statements(every_bill(facts, rules), facts)["platform"]
    assert (platform.received, platform.paid) == ({"pay of orders": 1_700_000}, {"pay of orders": 1_700_000})


def test_the_riders_statement_is_by_identity_and_person(facts, rules):
    riders = bills.statements(every_bill(facts, rules), facts)["riders"]
    assert riders.month == facts.month
    assert dict(zip(riders.row["pay of orders"].tolist(), riders.received["pay of orders"].tolist())) == {
        11: 700_000, 12: 300_000}
    # both parts under one bill: 550.56 + 367.04 and 547.92 + 365.28
    assert riders.row["pension contribution"].tolist() == [11, 12]
    assert riders.paid["pension contribution"].tolist() == [91_760, 91_320]


def test_a_statement_lines_up_bills_that_concern_different_rows(facts):
    transfers = [Transfer("relief", "platform", "riders", np.array([5, 6]), np.array([1, 3])),
                 Transfer("relief", "injury_fund", "riders", np.array([7]), np.array([2])),
                 Transfer("relief", "riders", "platform", np.array([1]), np.array([3]))]
    riders = bills.statements(transfers, facts)["riders"]
    assert riders.row["relief"].tolist() == [1, 2, 3]
    assert riders.received["relief"].tolist() == [5, 7, 6]
    assert riders.paid["relief"].tolist() == [0, 0, 1]


def test_who_had_no_transfer_has_an_empty_statement(facts):
    statement = bills.statements([], facts)["coal_company"]
    assert (statement.received, statement.paid, statement.row) == ({}, {}, {})


def test_what_is_due_later_stands_in_the_statement_of_that_month(facts):
    later = facts.month.later(1)
    owed = bills.owed("pension subsidy", "platform", "riders", np.array([45_880]), np.array([11]), due=later)
    assert bills.statements(owed, facts)["riders"].received == {}
    now = bills.owed("pension subsidy", "platform", "riders", np.array([45_880]), np.array([11]), due=facts.month)
    assert bills.statements(now, facts)["riders"].received["pension subsidy"].tolist() == [45_880]


# ------------------------------------------------------------------------------------------------- two settlements


def ahead_of(facts, **changed):
    """The same hours sold a day ahead, changed."""
    names = ("price", "output", "load", "shed", "disposed", "line_flow", "sent", "delivered", "consumption", "charging")
    arrays = {name: getattr(facts, name) for name in names} | changed
    return SimpleNamespace(grid=facts.grid, user_bus=facts.user_bus, city_bus=facts.city_bus,
                           hours=np.ones(len(facts.settled), bool), **arrays)


def test_what_was_sold_ahead_is_paid_ahead_and_what_is_given_beyond_it_in_real_time():
    """Sold 40 MW ahead at 100: 4,000. Given 50 at 120 in real time: 10 more for 1,200. Users bought 30 + 10 at 100,
    used 38 + 12 of it: 8 and 2 more at 120. One zone, one price, nothing for the line."""
    facts = one_zone(price=(120, 120), load=(38, 12), output=(50,), flow=12.0)
    facts.ahead = ahead_of(facts, price=np.full((2, 1), 100.0), load=np.array([[30.0], [10.0]]),
                           consumption=np.array([[30.0], [10.0]]), output=np.array([[40.0]]),
                           line_flow=np.array([[10.0]]))
    sold, beyond = energy.legs(facts)
    assert (sold.bill, beyond.bill) == ("day-ahead energy", "real-time deviation")
    assert by_row(energy.traded(facts, sold), "grid_company", "plants") == {0: 400_000}
    assert by_row(energy.traded(facts, beyond), "grid_company", "plants") == {0: 120_000}
    assert by_row(energy.traded(facts, sold), "users", "grid_company") == {0: 300_000, 1: 100_000}
    assert by_row(energy.traded(facts, beyond), "users", "grid_company") == {0: 96_000, 1: 24_000}
    assert energy.left_over(energy.spot(facts)) == 0


def test_who_gives_less_than_it_sold_buys_the_rest_back():
    """Sold 40 ahead at 100, given 30 at 150: 4,000 received, 1,500 paid back."""
    facts = one_zone(price=(150, 150), load=(20, 10), output=(30,), flow=10.0)
    facts.ahead = ahead_of(facts, price=np.full((2, 1), 100.0), load=np.array([[30.0], [10.0]]),
                           consumption=np.array([[30.0], [10.0]]), output=np.array([[40.0]]))
    sold, beyond = energy.legs(facts)
    assert by_row(energy.traded(facts, sold), "grid_company", "plants") == {0: 400_000}
    assert by_row(energy.traded(facts, beyond), "plants", "grid_company") == {0: 150_000}


def test_two_settlements_of_the_same_schedule_pay_what_one_would(facts):
    """Where real time is as sold, deviations are nothing and the day-ahead bill is that of a single settlement."""
    once = {(t.payer, t.payee): t.total for t in spot_energy(facts)}
    facts.ahead = ahead_of(facts)
    sold, beyond = energy.legs(facts)
    assert {(t.payer, t.payee): t.total for t in energy.traded(facts, sold)} == once
    assert energy.traded(facts, beyond) == []


# ------------------------------------------------------------------------------- days that the spot does not settle


LAW = SimpleNamespace(administered_wet={"WEST": 150.0, "EAST": 400.0}, administered_dry={}, rent="kept")


def test_administered_days_settle_at_the_zones_price_and_senders_are_paid(facts):
    """West at 150, east at 400. West: users 100 MWh, plants 40 + 50 + 60 + 70 = 220, pots 20, sent 100. East: coal 42,
    store 2 - 8, border -5, users 30 + 33.133 and 20 + 33.133, city 5 + 4.733; 95 arrive. West is left with
    100 x 150 - 220 x 150 + 20 x 150 + 100 x 150 = 0; what the east is left with, less the link's fee of 1,900 and the
    15,000 it pays to the west, goes back to its users by what they used."""
    facts.settled = np.zeros(2, bool)
    found = energy.administered(facts, LAW)
    assert by_row([t for t in found if t.bill == "administered energy"], "users", "grid_company") == {
        0: 1_500_000, 1: 2_525_320, 2: 2_125_320}
    (back,) = [t for t in found if t.bill == "imbalance"]
    # 63.133 x 400 + 53.133 x 400 + 9.733 x 400 - 42 x 400 + (8 - 2) x 400 + 5 x 400 = 37,999.60; less 1,900 and 15,000
    assert back.total == 3_799_960 - 190_000 - 1_500_000
    assert back.row.tolist() == [1, 2]
    assert abs(back.amount[0] / back.amount[1] - 63.133 / 53.133) < 1e-5
    assert energy.left_over(found) == 0


def test_a_month_may_have_days_of_either_kind(facts):
    facts.settled = np.array([True, False])
    found = [*energy.spot(facts), *energy.administered(facts, LAW)]
    assert energy.left_over(found) == 0
    # hour 0 alone: upper 40 x 100; hour 1: upper 50 x 150
    assert by_row([t for t in found if t.bill == "spot energy"], "grid_company", "plants")[0] == 400_000
    assert by_row([t for t in found if t.bill == "administered energy"], "grid_company", "plants")[0] == 750_000


# ------------------------------------------------------------------------------------------------------- the levy


def test_the_levy_takes_from_a_zones_users_what_its_services_cost(facts):
    """1,000 fen to a plant in the west, 300 from one in the east, 50 to somebody without a place. West uses 100 MWh of
    users and 20 of pots, the east 65 + 55 of users (as asked for): the 50 are halved."""
    services = owed_parties("service", np.array([1000, 0, -300, 0, 0, 0, 0, 0, 0]), facts)
    services += bills.owed("service", "grid_company", "swap_operator", 50)
    levied = bills.levy(services, facts)
    assert energy.left_over(services + levied) == 0
    paid = {}
    for t in levied:
        for row, fen in zip(t.row.tolist(), t.amount.tolist()):
            account = t.payee if t.payer == "grid_company" else t.payer
            paid[account, row] = fen if t.payee == "grid_company" else -fen
    # west 1,025 over 100 : 20 is 854.17 : 170.83; east -275 over 65 : 55 is -148.96 : -126.04
    assert paid == {("users", 0): 854, ("smelters", 4): 171, ("users", 1): -149, ("users", 2): -126}


@pytest.mark.parametrize(("total", "weight", "parts"), [
    (10, [1, 1, 1], [4, 3, 3]), (-10, [1, 1, 2], [-3, -2, -5]), (7, [0, 0], [4, 3]), (0, [3, 1], [0, 0])])
def test_shares_sum_to_the_whole(total, weight, parts):
    assert shared(total, np.array(weight)).tolist() == parts


def test_nobody_can_share_nothing_but_nothing():
    assert shared(0, np.zeros(0)).tolist() == []
    with pytest.raises(ValueError, match="nobody"):
        shared(1, np.zeros(0))


def test_last_months_rent_comes_back_to_those_who_used(facts):
    """7,254,000 fen of rent, by 100, 65 and 55 MWh of 220, due in August."""
    back = bills.returned_rent(facts, bills.owed("congestion rent", "grid_company", "rent", 7_254_000))
    assert [(t.payer, t.payee, t.due) for t in back] == [("rent", "users", Month(2025, 8))]
    assert back[0].amount.tolist() == [3_297_273, 2_143_227, 1_813_500]
