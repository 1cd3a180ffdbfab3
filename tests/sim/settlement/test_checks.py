"""Each truth holds for the worked month of conftest.py and names what breaks it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sim.messages import Transfer
from sim.settlement import bills, checks, energy
from sim.settlement.journal import Journal


def closed(facts, rules, extra=()):
    """The journal after the month's bills."""
    journal = Journal()
    spot = [*energy.spot(facts), *energy.outside_electricity(facts)]
    journal.post(facts.month, [*spot, *bills.of(facts, rules), *extra])
    return journal


def fault(facts, rules):
    """What the checks say of facts that were billed as they stand."""
    with pytest.raises(checks.CheckError) as caught:
        checks.month(closed(facts, rules), facts)
    return str(caught.value)


def test_a_true_month_passes(two_days, rules):
    checks.month(closed(two_days, rules), two_days)


def test_energies_round_within_half_a_kilowatt_hour(two_days, rules):
    # 3 + 6 + 1 + 2 + 2 = 14 rows: 0.05 fen x 24 x (130 + 1500) and half a fen each; 24 times the 1.50 yuan of two hours
    assert checks.rounding_of_energies(two_days) == pytest.approx(14 * (0.05 * 24 * (130 + 1500) + 0.5))
    (left,) = [e for e in closed(two_days, rules).entries if e.bill == "rounding"]
    assert (left.payer, left.total) == ("rounding", 24 * 150)


def test_prices_of_a_zone_and_of_its_buses_round_apart():
    facts = SimpleNamespace(
        grid=SimpleNamespace(bus_zone=np.array([0, 0]), by_zone=lambda values: values.sum(axis=0, keepdims=True)),
        load=np.array([[30.0], [10.0]]), shed=np.zeros((2, 1)), price=np.array([[100.004], [300.009]]),
        settled=np.ones(1, bool), ahead=SimpleNamespace(hours=np.zeros(1, bool)), output=np.zeros((0, 1)),
        city_bus=np.zeros(0, int), charging=np.zeros((0, 1)), consumption=np.zeros((0, 1)), user_bus=np.zeros(0, int),
        disposed=np.zeros((2, 1)), line_flow=np.zeros((0, 1)), sent=np.zeros((0, 1)), delivered=np.zeros((0, 1)))
    none = np.zeros(0, int)
    facts.grid.bus, facts.grid.units = ("a", "b"), SimpleNamespace(bus=none)
    facts.grid.line_from = facts.grid.line_to = facts.grid.link_from = facts.grid.link_to = none
    # (3000.12 + 3000.09) / 40 = 150.00525 -> 150.01: 40 x 15,001 - 30 x 10,000 - 10 x 30,001 fen
    assert checks.rounding_of_prices(facts) == pytest.approx(600_040 - 300_000 - 300_010)


def test_accounts_that_do_not_sum_to_zero(two_days, rules):
    journal = closed(two_days, rules)
    journal.balance["rent"] += 1
    with pytest.raises(checks.CheckError, match="2025-07: the accounts sum to 1 fen"):
        checks.month(journal, two_days)


def test_an_entry_changed_after_posting(two_days, rules):
    journal = closed(two_days, rules)
    journal.entries[3] = journal.entries[3]._replace(total=1)
    assert checks.the_entries_are_chained(journal, two_days) == [
        f"entry 3 ({journal.entries[3].bill}) does not follow its predecessor"]


def test_a_month_whose_root_covers_something_else(two_days, rules):
    journal = closed(two_days, rules)
    journal.blocks[-1] = journal.blocks[-1]._replace(root="0" * 64)
    assert checks.the_entries_are_chained(journal, two_days) == ["the month's root does not cover its entries"]


def test_the_chain_is_followed_across_months(two_days, rules):
    journal = closed(two_days, rules)
    journal.post(type(two_days.month)(2025, 8), [Transfer("gift", "platform", "households", 1)])
    assert checks.the_entries_are_chained(journal, two_days) == []


def test_a_grid_company_that_keeps_something(two_days, rules):
    journal = closed(two_days, rules, [Transfer("gift", "platform", "grid_company", 5)])
    assert checks.the_grid_company_keeps_nothing(journal, two_days) == [
        "the grid company's account closes at 5 fen instead of 0"]


def test_a_forgotten_bill_is_not_called_rounding(two_days, rules):
    spot = [t for t in energy.spot(two_days) if t.bill not in ("DC fee", "rounding")]
    journal = Journal()
    journal.post(two_days.month, [*spot, *energy.rounding(spot)])  # without the fee of the link: 24 x 1,900 yuan
    # 24 x 190,000 fen were not paid; 24 x 150 fen of true rounding go the other way
    assert checks.rounding_is_only_rounding(journal, two_days) == [
        f"{24 * (190_000 - 150)} fen were called rounding, of which prices make 0 and energies at most 27391"]


def test_power_that_comes_from_nowhere_names_bus_and_hour(two_days, rules):
    two_days.output[2, 29] += 0.01  # coal, east, second day, hour 5
    assert "bus east, day 2 of those lived, hour 5: 0.01 MW unaccounted for (allowed 1e-06)" in fault(two_days, rules)


def test_a_price_of_balance_is_a_millionth_of_a_megawatt(two_days):
    two_days.output[2, 29] += 0.9e-6
    assert checks.energy_balances(None, two_days) == []
    two_days.output[2, 29] += 0.2e-6
    assert len(checks.energy_balances(None, two_days)) == 1


def test_power_that_is_no_number(two_days):
    two_days.output[2, 29] = np.nan
    assert "bus east, day 2 of those lived, hour 5: nan MW" in checks.energy_balances(None, two_days)[0]


def test_an_imbalance_that_the_clearing_itself_reports(two_days):
    two_days.imbalance = 2e-6
    assert checks.energy_balances(None, two_days) == ["the clearing itself reports an imbalance of 2e-06 MW"]


def test_load_without_a_user(two_days, rules):
    two_days.consumption[0, 3] -= 1
    assert "bus west, day 1 of those lived, hour 3: 1 MW of load that nobody asked for" in fault(two_days, rules)


def test_rent_that_prices_and_flows_do_not_make(two_days, rules):
    two_days.rent[7] += 10
    assert "rent of the network, day 1 of those lived, hour 7: 10 CNY unexplained" in fault(two_days, rules)


def test_rent_that_shadow_prices_do_not_explain(two_days):
    two_days.residual = 0.011
    assert checks.rent_is_what_the_network_earns(None, two_days) == [
        "shadow prices and fees leave 0.011 CNY of an hour's rent unexplained"]
    two_days.residual = 0.009
    assert checks.rent_is_what_the_network_earns(None, two_days) == []


def test_a_store_that_fills_by_itself(two_days, rules):
    two_days.stored[3, 24] += 1  # 4 became 5 MWh of 10 on the second day's first hour
    assert "store pit, day 2 of those lived, hour 0: 1 MWh not explained" in fault(two_days, rules)


def test_a_store_must_begin_where_it_ended(two_days, rules):
    two_days.opening.stored[3] = 2
    assert "store pit, day 1 of those lived, hour 0: -2 MWh not explained" in fault(two_days, rules)


def test_a_store_beyond_its_size(two_days):
    two_days.opening.stored[3], two_days.stored[3] = 7, two_days.stored[3] + 7  # 7 + 4 of 10 MWh
    (found,) = checks.stores_end_where_the_flows_say(None, two_days)
    assert "store pit, day 1 of those lived, hour 0: 1 MWh beyond its limits" in found


def test_water_from_nowhere(two_days, rules):
    two_days.water[1, 1] += 1.5
    assert "reservoir lower dam, day 2 of those lived: 1.5 hm3 not explained" in fault(two_days, rules)


def test_water_of_the_plant_above_arrives_a_day_later(two_days, rules):
    two_days.rivers.above = np.array([-1, -1])
    assert "reservoir lower dam, day 2 of those lived" in fault(two_days, rules)


def test_a_world_without_water_is_a_true_one(two_days):
    nothing, days = np.zeros(0), np.zeros((0, 2))
    two_days.rivers.key, two_days.rivers.plant, two_days.rivers.above = (), (), np.zeros(0, int)
    two_days.rivers.per_hm3 = two_days.rivers.active = two_days.opening.water = nothing
    two_days.inflow = two_days.spilled = two_days.water = days
    assert checks.reservoirs_end_where_the_flows_say(None, two_days) == []


def test_water_above_the_brim(two_days):
    two_days.rivers.active = np.array([200.0, 100.0])
    (found,) = checks.reservoirs_end_where_the_flows_say(None, two_days)
    assert "reservoir lower dam, day 2 of those lived: 4 hm3 beyond its limits" in found


def test_pay_that_no_rider_received(two_days, rules):
    two_days.pay[0] += 0.07  # 7 fen; six persons may lose a fen each
    assert "work paid 17000.07 CNY, riders earned 17000.0" in fault(two_days, rules)


def test_a_contribution_that_is_missing(two_days, rules):
    journal = closed(two_days, rules)
    two_days.people = replace(two_days.people, enrolled=np.array([True, True, True]))
    assert checks.contributions_are_of_the_enrolled(journal, two_days) == [
        "1 rows contributed something else than their premium, the first of them rider 13: 0 fen instead of 91760"]


def test_a_contribution_of_somebody_who_is_not_enrolled(two_days, rules):
    journal = closed(two_days, rules)
    two_days.people = replace(two_days.people, enrolled=np.array([True, False, False]))
    assert "rider 12: 91320 fen instead of 0" in checks.contributions_are_of_the_enrolled(journal, two_days)[0]


def test_a_contribution_of_a_stranger(two_days, rules):
    journal = closed(two_days, rules)
    two_days.people = replace(two_days.people, identity=np.array([11, 14, 13]))
    assert "rows that are not this month's riders" in checks.contributions_are_of_the_enrolled(journal, two_days)[0]


def test_all_faults_of_a_month_are_named_at_once(two_days, rules):
    two_days.rent[7] += 10
    two_days.stored[3, 24] += 1
    assert "store pit" in fault(two_days, rules)
    assert "rent of the network" in fault(two_days, rules)
