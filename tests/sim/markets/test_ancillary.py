"""Regulation and reserve: what is asked, of whom, at what price, who pays; and that no MW is sold twice."""

import json
from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from experiments.cli import main
from sim.config import BadInput
from sim.engines.reserves import Awards, after_energy
from sim.markets.ancillary import REGULATION, SPINNING, Ancillary, held_back, performance, products, requirements, trade
from sim.markets.spot import Spot
from sim.messages import Orders
from sim.network.grid import PLANT, STORE, Bus, Grid, Units
from sim.network.wiring import fleet
from sim.settlement import services
from tests.labs import TOY, altered, toy

approx = pytest.approx
MODES = ("co-optimised", "sequential")


def law(**changes) -> Ancillary.Rules:
    """The law's rules as of 2025, changed."""
    rules = toy().law.on(date(2025, 7, 1))["ancillary"]
    return Ancillary.Rules.model_validate_json(json.dumps(json.loads(rules.model_dump_json()) | changes))


def small() -> SimpleNamespace:
    """One hour of two zones: hydro (twice) and wind in the west; coal and a battery in the east."""
    buses = [Bus(key=key, zone=key.upper(), name=key, source="worked by hand") for key in ("west", "east")]
    units = Units.join(
        Units.make(["river", "brook", "breeze", "coal"], PLANT, [0, 0, 0, 1], "owner",
                   ["hydro", "hydro", "wind", "coal"], [100, 40, 50, 200]),
        Units.make(["cell"], STORE, [1], "owner", "battery", [20], store=[40.0], efficiency=[0.81]))
    available = np.array([[100], [40], [30], [200], [20]], float)
    today = SimpleNamespace(load=np.array([[80], [120]], float), available=available,
                            minimum=np.array([[5], [0], [0], [60], [0]], float))
    return SimpleNamespace(grid=Grid(buses, [], [], units, date(2025, 1, 1)), conditions=today, rules=law(),
                           rhythm="day-ahead", now=None)


def offers(*rows) -> Orders:
    """Offers (product, unit, MW, price) of one hour."""
    none = Orders.sell(np.empty(0, np.int32), np.empty((0, 1)), np.empty((0, 1)), hours=1)
    return Orders.gather(Orders.sell([unit], [[volume]], [[price]], hours=1).of_product(product)
                         for product, unit, volume, price in rows) if rows else none


# ------------------------------------------------------------------------------------------- what is asked, and of whom


def test_each_zone_asks_for_regulation_by_load_and_wind_and_for_reserve_by_load_and_largest_machine():
    scene = small()
    asked = requirements(offers(), scene, products(scene.grid, scene.rules)).requirement[:, :, 0]
    # regulation: 0.015 x 80 + 0.03 x 30 = 2.1; 0.015 x 120 = 1.8
    assert asked[REGULATION] == approx([2.1, 1.8])
    # reserve: 0.05 x 80 + a machine of 0.1 x 80; 0.05 x 120 + 12
    assert asked[SPINNING] == approx([12, 18])
    scene.rules = law(largest_unit=10)
    asked = requirements(offers(), scene, products(scene.grid, scene.rules)).requirement[:, :, 0]
    assert asked[SPINNING] == approx([4 + 8, 6 + 10])


def test_technologies_that_the_law_names_sell_within_their_share():
    scene = small()
    sold = products(scene.grid, scene.rules)
    assert sold.eligible.tolist() == [[True, True, False, True, True]] * 2
    orders = offers((0, 0, 90, 5), (0, 2, 30, 5), (0, 3, 15, 5), (1, 3, 50, 9), (1, 4, 25, 1))
    most = requirements(orders, scene, sold).most[:, :, 0]
    # hydro 0.3 x 100; wind none; coal the 15 it offers of 0.1 x 200; reserve of coal 0.2 x 200, of the battery 20
    assert most[REGULATION] == approx([30, 0, 0, 15, 0])
    assert most[SPINNING] == approx([0, 0, 0, 40, 20])


def test_offers_are_cut_to_the_limits_and_mileage_costs_its_movement():
    scene = small()
    orders = offers((0, 0, 10, 1), (0, 3, 10, 40), (1, 3, 10, 5000), (1, 4, 5, 2), (1, 4, 15, 6))
    price = requirements(orders, scene, products(scene.grid, scene.rules)).price[:, :, 0]
    assert price[REGULATION] == approx([5 * 3.5, 0, 0, 5 * 15, 0])  # floor and cap, five MW of movement for each MW
    assert price[SPINNING] == approx([0, 0, 0, 1200, (5 * 2 + 15 * 6) / 20])


def test_performance_lies_in_the_band_of_the_technology_and_stays_when_plants_are_added():
    scene = small()
    # multiples of 0.618 in 1.0 to 1.6: 0.618 and 0.236; of coal in 0.5 to 1.1: 0.618; of the battery in 1.6 to 2
    expected = [1 + 0.6 * 0.61803, 1 + 0.6 * 0.23607, 1, 0.5 + 0.6 * 0.61803, 1.6 + 0.4 * 0.61803]
    assert performance(scene.grid, scene.rules) == approx(expected, abs=1e-5)


def test_machines_that_must_run_carry_reserve_by_their_output():
    scene = small()
    assert products(scene.grid, scene.rules).spin == approx([np.inf, np.inf, np.inf, 0.7 / 0.3, np.inf])


# --------------------------------------------------------------------------------------------------------------- prices


def sold_out(value: float):
    """A day on which the east's coal sells 4 and its battery 3 MW of regulation and 10 MW of reserve, at a value."""
    scene = small()
    scene.rules = law(performance={"hydro": [1, 1], "coal": [0.5, 0.5], "battery": [2, 2], "pumped_hydro": [1, 1],
                                   "virtual_plant": [2, 2]})
    sold = products(scene.grid, scene.rules)
    orders = offers((0, 3, 8, 8), (0, 4, 3, 4), (1, 3, 20, 6))
    reserve = requirements(orders, scene, sold)
    reserved, price = np.zeros((2, 5, 1)), np.zeros((2, 2, 1))
    reserved[REGULATION, [3, 4], 0] = 4, 3
    reserved[SPINNING, 3, 0] = 10
    price[:, 1, 0] = value, 7
    return trade(orders, scene, sold, reserve, Awards(reserved, price, np.zeros((2, 2, 1))))


def test_regulation_is_paid_by_mileage_first_and_what_is_forgone_by_capacity():
    # mileage: coal asks 8 / 0.5 = 16, over the cap of 15. At a value of 90 a MW at performance 1 moves 5 x 15 = 75, and
    # 15 are capacity: coal earns half of it a MW, the battery twice
    day = sold_out(90)
    assert day.pay[:, 3, 0] == approx([7.5, 37.5, 7])
    assert day.pay[:, 4, 0] == approx([30, 150, 7])
    regulation = day.orders.product == REGULATION
    assert day.price[regulation, 0] == approx([45, 180])
    assert day.accepted[:, 0] == approx([4, 10, 3])  # the coal's two, the battery's one


def test_mileage_is_never_paid_more_than_the_whole_value():
    day = sold_out(50)
    assert day.pay[:, 4, 0] == approx([0, 100, 7])


def test_nobody_is_paid_less_than_the_offer_in_the_toy_month(months):
    for lab in months.values():
        for day in lab.facts.daily["ancillary"]:
            rules = lab.law.on(day.day.date)["ancillary"]
            least = np.where((day.orders.product == REGULATION)[:, None],
                             rules.mileage * np.maximum(day.orders.price, rules.mileage_floor), day.orders.price)
            assert (day.price >= least - 1e-5)[day.accepted > 1e-3].all()


# ------------------------------------------------------------------------------------------------- a month of the toy


@pytest.fixture(scope="module")
def months():
    """July of the toy world, with energy and after it. For looking at."""
    return {mode: toy(f"law.ancillary.mode={mode}", days=31).run() for mode in MODES}


@pytest.mark.parametrize("mode", MODES)
def test_no_mw_is_sold_twice_a_day_ahead_nor_in_real_time(months, mode):
    lab = months[mode]
    month, facts, units = services.Month.of(lab.facts), lab.facts, lab.grid.units
    up, both = month.reserved.sum(axis=0), month.reserved[REGULATION]
    assert up.max() > 10
    assert both.max() > 1
    plants = units.kind == PLANT
    assert (facts.ahead.output + up <= facts.available + 1e-5)[up > 1e-6].all()
    assert (facts.output + up <= facts.available + 1e-5)[plants].all()
    # a store that charges less than it sold can stop less: such MW are counted as missed, and no others
    beyond = np.maximum(facts.output + up - facts.available, 0) * (up > 1e-6)
    missed = up * (1 - month.kept)
    assert (missed >= beyond - 1e-4).all()
    assert missed.sum() < 0.01 * up.sum()
    assert (facts.ahead.output - both >= -1e-5)[plants & (both.max(axis=1) > 1e-6)].all()
    stores = units.store > 0
    assert (facts.ahead.output - both >= -facts.available - 1e-5)[stores].all()
    # water short of its forecast may release plants from what they must keep below; it does so rarely
    assert (facts.output - both < -1e-5)[plants].mean() < 1e-3


@pytest.mark.parametrize("mode", MODES)
def test_the_requirement_is_met_or_what_is_missing_is_counted(months, mode):
    lab = months[mode]
    worth = products(lab.grid, lab.rules["ancillary"]).worth
    for day in lab.facts.daily["ancillary"]:
        counted = np.zeros(day.asked.shape)
        for product in (REGULATION, SPINNING):
            np.add.at(counted[product], day.group, worth[product][:, None] * day.reserved[product])
        assert day.asked.min(axis=(1, 2)).min() >= 0
        np.testing.assert_allclose(np.maximum(day.asked - counted, 0), day.lack, atol=1e-4)
    assert day.asked.max() > 10


@pytest.mark.parametrize("mode", MODES)
def test_what_sellers_are_paid_is_what_users_and_generators_pay_to_the_fen(months, mode):
    lab = months[mode]
    bills = Ancillary().bill(lab.facts.month, lab.facts, lab.rules["ancillary"])
    assert sum(t.total for t in bills if t.payer == "grid_company") > 100_000
    assert sum(t.total * ((t.payee == "grid_company") - (t.payer == "grid_company")) for t in bills) == 0
    assert lab.journal.balance["grid_company"] == 0
    paid = sum(t.total for t in bills if t.payer == "plants")
    assert paid == approx(sum(t.total for t in bills if t.payer == "grid_company") / 2, abs=2)  # a fen a zone


@pytest.mark.parametrize("mode", MODES)
def test_income_by_technology_is_the_cost_of_the_zones(months, mode):
    table = months[mode].results.indicators
    income = table[table["indicator"].str.startswith("ancillary_income")].groupby("zone")["value"].sum()
    cost = table[table["indicator"] == "ancillary_cost"].set_index("zone")["value"]
    assert cost.min() > 0
    for zone in cost.index:
        assert income[zone] == approx(cost[zone], abs=0.005)


def test_energy_and_reserve_in_one_programme_never_cost_more_than_one_after_the_other():
    """The same offers on the same days of the toy world, as they are and with twice the requirement."""
    seen, clear = [], Spot.clear
    lab = toy(days=6)

    def watched(orders, scene):
        if scene.reserve is not None:
            seen.append((orders, replace(scene, earlier={})))
        return clear(lab.markets["spot"], orders, scene)

    lab.markets["spot"].clear = watched
    lab.run()
    gains = []
    for orders, scene in seen:
        sold, asked = scene.reserve
        for factor in (1, 2):
            more = replace(asked, requirement=factor * asked.requirement)
            joint = Spot().clear(orders, replace(scene, reserve=(sold, more)))
            energy = Spot().clear(orders, replace(scene, reserve=None))
            after = after_energy(fleet(scene.grid, sold), more, energy.output, energy.stored)
            apart = energy.objective + ((more.price * after.reserved).sum()
                                        + (more.shortage[:, None, None] * after.short).sum())
            assert joint.objective <= apart + 1e-7 * abs(apart)
            gains.append(apart - joint.objective)
    assert len(gains) == 12
    assert max(gains) > 100


def test_switched_off_is_as_if_there_were_no_such_law(tmp_path):
    scenario = altered(tmp_path)
    (tmp_path / "law" / "ancillary.yaml").unlink()
    without, off = toy(days=4, scenario=scenario).run(), toy("markets.ancillary=false", days=4).run()
    assert without.journal.head == off.journal.head
    assert off.journal.head != toy(days=4).run().journal.head
    assert not off.results.indicators["indicator"].str.contains("ancillary").any()


def test_where_nothing_is_asked_nothing_is_paid():
    nothing = [f"law.ancillary.{name}=0" for name in ("regulation_of_load", "regulation_of_renewables",
                                                      "reserve_of_load", "largest_unit")]
    lab, off = toy(*nothing, days=3).run(), toy("markets.ancillary=false", days=3).run()
    assert Ancillary().bill(lab.facts.month, lab.facts, lab.rules["ancillary"]) == []
    np.testing.assert_allclose(lab.facts.ahead.price, off.facts.ahead.price, rtol=1e-3)  # ties fall otherwise


def test_owners_offer_what_the_law_lets_them_and_nobody_offers_wind(months):
    lab = months["co-optimised"]
    day, units = lab.facts.daily["ancillary"][-1], lab.grid.units
    who = {product: set(units.technology[day.orders.unit[day.orders.product == product]]) for product in (0, 1)}
    assert who == {0: {"hydro", "coal", "battery", "pumped_hydro", "virtual_plant"},
                   1: {"hydro", "coal", "gas", "battery", "pumped_hydro", "virtual_plant"}}
    coal = units.key.tolist().index("coal_COAST_1")
    mine = (day.orders.unit == coal) & (day.orders.product == SPINNING)
    assert day.orders.price[mine, 0] == approx([0.02 * 270])
    assert day.orders.volume[mine][0] == approx(0.2 * lab.facts.available[coal, -24:])


# ------------------------------------------------------------------------------------------------------------ real time


def test_real_time_offers_what_is_not_held_back_and_runs_what_is_held_both_ways():
    scene = small()
    units = scene.grid.units
    reserved = np.zeros((2, 5, 1))
    reserved[REGULATION, [0, 3, 4], 0] = 10, 8, 5
    reserved[SPINNING, [0, 4], 0] = 20, 7
    energy = np.array([12.0, np.inf, np.inf, np.inf, np.inf])
    today = replace_day(scene, energy)
    left = held_back(today, SimpleNamespace(reserved=reserved), scene.grid)
    assert left.available[:, 0] == approx([70, 40, 30, 192, 8])
    # the river must keep 5 + 10 but has water for 12 only; the coal 60 + 8; a store runs nothing
    assert left.minimum[:, 0] == approx([12, 0, 0, 68, 0])
    assert len(units) == 5


def replace_day(scene, energy):
    """The scene's conditions as the record that the model passes on, one hour long."""
    from sim.messages import Conditions

    none = np.zeros(0)
    return Conditions(day=None, load=scene.conditions.load, available=scene.conditions.available,
                      minimum=scene.conditions.minimum, energy=energy, stored=np.zeros(5), link_share=none, inflow=none,
                      water=none, output_before=np.full(5, np.nan))


# --------------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(("change", "said"), [
    ("law.ancillary.mileage_floor=20", "mileage_floor 20 is above mileage_cap 15"),
    ("law.ancillary.performance.coal=[0.5, 2.5]", "performance of coal is 0.5 to 2.5"),
    ("law.ancillary.performance.hydro=[1.5, 1.1]", "performance of hydro is 1.5 to 1.1"),
    ("law.ancillary.regulation_share.gas=0.2", "regulation_share names gas"),
    ("law.ancillary.users_share=0.6", "users_share and generators_share sum to 1.1"),
    ("law.ancillary.users_share=-0.1", "users_share: -0.1 is out of range"),
    ("law.ancillary.reserve_share.coal=-0.2", "reserve_share.coal: -0.2 is out of range"),
])
def test_bad_rules_are_refused(change, said):
    with pytest.raises(BadInput, match=said):
        toy(change)


def test_one_programme_and_hours_cleared_alone_contradict_each_other():
    hourly = ["law.spot.engine=hour", "law.spot.storage_scheduling=own"]
    said = r"ancillary\.yaml:\d+: ancillary\.mode: co-optimised contradicts spot\.engine hour"
    with pytest.raises(BadInput, match=said):
        toy(*hourly)
    assert toy(*hourly, "law.ancillary.mode=sequential", days=2).run().facts.daily["ancillary"]


def test_the_command_line_says_so_in_one_line_and_ends_with_2(tmp_path, capsys):
    assert main(["run", str(TOY), "--out", str(tmp_path / "out"), "--set", "law.spot.engine=hour", "--set",
                 "law.spot.storage_scheduling=own"]) == 2
    said = capsys.readouterr().err
    assert "contradicts spot.engine hour" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
