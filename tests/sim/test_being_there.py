"""Capacity in the living toy world: who is paid for being there, what is taken back, and what a new year brings."""

from datetime import date

import numpy as np
import pytest

from sim.calendar import Month
from sim.markets.regulation_capacity import supply_and_duty
from sim.units import to_fen
from tests.labs import toy

CAPACITY = {"capacity price", "capacity deduction"}
REGULATION = {"yearly regulation capacity", "yearly regulation missing", "yearly regulation default purchase",
              "yearly regulation reduced settlement"}
LEVY = {"system levy"}


@pytest.fixture(scope="module")
def three_days():
    return toy().run()


def income(lab, bill: str, unit: str) -> int:
    """Fen of a bill that a unit received, net."""
    rows = lab.facts.income.get(bill, np.zeros(len(lab.grid.units), np.int64))
    return int(rows[list(lab.grid.units.key).index(unit)])


def entries(lab, but=frozenset()) -> list[tuple]:
    return [(e.bill, e.payer, e.payee, e.total, e.rows, e.leg) for e in lab.journal.entries if e.bill not in but]


def test_coal_is_paid_for_what_its_machines_can_be_counted_on_to_give(three_days):
    # 150 MW x 0.94 = 141 MW at 165 CNY/kW-yr: 1,938,750 CNY a month, 3 of 31 days: 187,620.97
    assert income(three_days, "capacity price", "coal_HILLS") == 18_762_097
    # pumped hydro 60 MW at 435.56: 2,177,800 CNY a month: 210,754.84
    assert income(three_days, "capacity price", "pumped_COAST") == 21_075_484
    assert "capacity deduction" not in three_days.facts.income
    assert income(three_days, "capacity price", "gas_COAST_1") == 0


@pytest.mark.parametrize(("days", "share"), [(1, 0.0), (2, 0.1), (3, 0.5), (4, 1.0), (6, 1.0)])
def test_who_declares_more_than_there_is_loses_more_with_every_day(days, share):
    lab = toy(days=days)
    desk = next(a for a in lab.actors if hasattr(a, "able") and a.name == "hill_power")
    desk.able = desk.able * 1.05  # 148.05 MW of 141
    lab.run()
    whole = to_fen(150 * 0.94 * 1.05 * 165 * 1000 / 12 * days / 31)
    assert income(lab, "capacity price", "coal_HILLS") == whole
    assert income(lab, "capacity deduction", "coal_HILLS") == -to_fen(whole / 100 * share)


def test_a_plant_cannot_declare_more_than_it_is():
    lab = toy(days=1)
    desk = next(a for a in lab.actors if hasattr(a, "able") and a.name == "hill_power")
    desk.able = desk.able * 3
    lab.run()
    assert income(lab, "capacity price", "coal_HILLS") == to_fen(150 * 165 * 1000 / 12 / 31)


def test_wind_and_sun_owe_a_twentieth_of_what_is_old_and_pay_the_default_price_for_what_they_lack(three_days):
    lab = three_days
    may, must = supply_and_duty(lab.grid, lab.rules["regulation_capacity"])
    owed_by = dict(zip(lab.grid.units.key, must))
    assert owed_by["wind_HILLS"] == 4.0  # 80 MW since 2015
    assert owed_by["solar_HILLS"] == 6.0  # 120 MW
    assert owed_by["wind_COAST"] == owed_by["solar_COAST"] == 0  # no such market there
    assert dict(zip(lab.grid.units.key, may))["battery_HILLS"] == 4.0
    assert may.sum() == 4.0  # coal receives the capacity price
    # 10 MW owed, 4 sold: 6 MW lacking at 286 CNY/kW-yr, a twelfth, 3 of 31 days: 6,000 x 286 / 12 x 3 / 31 = 13,838.71
    lacking = sum(income(lab, "yearly regulation default purchase", unit) for unit in ("wind_HILLS", "solar_HILLS"))
    assert lacking == pytest.approx(-1_383_871, abs=1)


def test_what_sellers_are_paid_is_what_buyers_pay(three_days):
    rows = three_days.facts.income["yearly regulation capacity"]
    assert rows.sum() == pytest.approx(0, abs=2)  # fen: each end is rounded by itself
    assert rows.max() > 0
    # the price of a deal, between ask and bid with the whole word the sellers': the bid, at most 286
    price = three_days.facts.public.traded["regulation_capacity"]["price.HILLS"]
    assert 286 - 4 * 8 < price <= 286
    assert rows.max() == pytest.approx(4000 * price / 12 * 3 / 31 * 100, abs=1)


def test_coal_that_may_sell_floods_the_market_and_brings_the_price_to_the_floor():
    # 150 MW x 0.4 = 60 of coal and 4 of the battery for a duty of 10
    lab = toy("law.regulation_capacity.eligible.coal=0.4", days=1).run()
    figures = lab.facts.public.traded["regulation_capacity"]
    assert figures["supply.HILLS"] == 64
    assert figures["volume.HILLS"] == 10
    assert 154 <= figures["price.HILLS"] < 154 + 4 * 8
    assert income(lab, "yearly regulation default purchase", "wind_HILLS") == 0


def test_who_has_not_bought_may_have_his_energy_settled_below_its_price_instead():
    lab = toy("law.regulation_capacity.shortfall=reduced_settlement", days=2).run()
    facts, key = lab.facts, list(lab.grid.units.key)
    bought = np.zeros(len(key))
    trade = facts.trades["regulation_capacity", "year"]
    buys = trade.orders.side < 0
    bought[trade.orders.unit[buys]] = trade.accepted[buys, 0]
    clean = [key.index(name) for name in ("upper", "lower", "brook", "wind_HILLS", "solar_HILLS")]
    output, price = facts.output[clean], facts.price[lab.grid.units.bus[clean]]
    mean = (output * price).sum() / output.sum()
    for unit, duty in (("wind_HILLS", 4.0), ("solar_HILLS", 6.0)):
        row = key.index(unit)
        held_back = 0.1 * mean * facts.output[row].sum() * (duty - bought[row]) / duty
        assert income(lab, "yearly regulation reduced settlement", unit) == pytest.approx(-100 * held_back, abs=1)
    assert "yearly regulation default purchase" not in facts.income


@pytest.mark.parametrize(("key", "bills"), [("capacity", CAPACITY), ("regulation_capacity", REGULATION)])
def test_switched_off_it_leaves_every_other_bill_as_it_was(three_days, key, bills):
    off = toy(f"markets.{key}=false").run()
    assert entries(off, but=LEVY) == entries(three_days, but=LEVY | bills)
    assert not bills & {e.bill for e in off.journal.entries}
    assert not any(market == key for market, _ in off.facts.trades)


def test_prices_of_nothing_move_no_money(three_days):
    nothing = toy(*(f"law.capacity.{kind}.{zone}=0" for kind, zone in (
        ("coal", "HILLS"), ("coal", "COAST"), ("pumped_hydro", "COAST")))).run()
    assert entries(nothing, but=LEVY) == entries(three_days, but=LEVY | CAPACITY)


def test_the_levy_takes_from_users_what_capacity_costs(three_days):
    """What the levy takes less without both markets is what they cost."""
    income = three_days.facts.income
    cost = sum(income[bill].sum() for bill in CAPACITY | REGULATION if bill in income)
    off = toy("markets.capacity=false", "markets.regulation_capacity=false").run()
    assert levied(three_days) - levied(off) == cost > 0
    assert three_days.journal.balance["grid_company"] == 0


def levied(lab) -> int:
    return sum(e.total * ((e.payee == "grid_company") - (e.payer == "grid_company")) for e in lab.journal.entries
               if e.bill == "system levy")


def test_the_table_of_assets_says_what_the_journal_says(three_days):
    table = three_days.results.table("assets")
    accounts = {"plants", "stores", "smelters", "neighbours"}
    net = sum((e.total * (e.payee in accounts) - e.total * (e.payer in accounts)) for e in three_days.journal.entries)
    assert round(table["CNY"].sum() * 100) == net
    battery = table[(table.unit == "battery_HILLS") & (table.stream == "regulation_capacity")]
    assert battery["CNY"].item() > 0


# ------------------------------------------------------------------------------------------------------- years turn


def across_a_year(*changes, days=4, **queued):
    """Four days across the turn of 2025, with MW of HILLS that are ready on its day."""
    lab = toy(*changes, start="2025-12-30", days=days)
    developer = next(d for d in lab.developers if d.zone == "HILLS")
    developer.queue = [(technology, Month(2026, 1), power) for technology, power in queued.items()]
    return lab.run()


def test_what_is_ready_stands_from_the_first_of_january_and_can_be_used():
    lab = across_a_year(battery=20.0, wind=40.0)
    units = lab.grid.units
    at = {key: i for i, key in enumerate(units.key)}
    assert units.capacity[at["battery_HILLS"]] == pytest.approx(4 + 20)
    assert units.store[at["battery_HILLS"]] == pytest.approx(2 * (4 + 20))
    assert units.capacity[at["wind_HILLS"]] == pytest.approx(80 + 40)
    december, january = lab.facts.month.later(-1), lab.facts.month
    assert (december, january) == (Month(2025, 12), Month(2026, 1))
    assert lab.facts.available[at["battery_HILLS"]].max() == pytest.approx(4 + 20)
    assert lab.facts.stored[at["battery_HILLS"]].max() > 8.0  # more than the old one could hold
    assert units.capacity[at["coal_HILLS"]] == 150


def test_new_storage_meets_the_duty_and_its_own_price_falls():
    few, many = across_a_year(battery=1.0), across_a_year(battery=30.0)
    price = [lab.facts.public.traded["regulation_capacity"]["price.HILLS"] for lab in (few, many)]
    assert price[1] < price[0] - 50


def test_new_wind_since_2021_owes_a_tenth():
    lab = across_a_year(wind=40.0)
    must = dict(zip(lab.grid.units.key, supply_and_duty(lab.grid, lab.rules["regulation_capacity"])[1]))
    assert must["wind_HILLS"] == pytest.approx(0.05 * 80 + 0.10 * 40)


def test_while_no_law_approves_anything_nothing_comes_or_goes():
    lab = toy(start="2025-06-30", days=2)  # the key is in force from 2026 on
    before = lab.grid.units.capacity.copy()
    next(d for d in lab.developers if d.zone == "HILLS").queue = [("battery", Month(2025, 1), 50.0)]
    lab.run()
    np.testing.assert_array_equal(lab.grid.units.capacity, before)
    np.testing.assert_array_equal(lab.ground.plants.added.now, 0)


@pytest.mark.parametrize(("zone", "technology"), [("HILLS", "nuclear"), ("COAST", "smelter"), ("HILLS", "smelter")])
def test_only_what_stands_can_grow(zone, technology):
    lab = toy(days=1)
    with pytest.raises(ValueError, match="could grow"):
        lab.ground.build(zone, technology, 10.0, date(2025, 7, 1))


def test_more_cannot_go_than_stands():
    lab = toy(days=1)
    lab.ground.build("HILLS", "battery", -100.0, date(2025, 1, 1))
    lab.ground.build("HILLS", "battery", 5.0, date(2026, 1, 1))
    row = list(lab.grid.units.key).index("battery_HILLS")
    assert lab.ground.units(2026).capacity[row] == 5.0
    assert [lab.ground.standing(date(year, 7, 1))[row] for year in (2024, 2025, 2026)] == [4.0, 0.0, 5.0]
