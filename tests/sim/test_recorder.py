"""What the recorder keeps of two days in a made-up grid of three zones, every figure worked out on paper."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Calendar, Month
from sim.closed_month import ClosedMonth
from sim.config import Table, load
from sim.credit import FirmMonth
from sim.messages import Orders, Trade, Transfer
from sim.network.grid import NEIGHBOUR, PLANT, STORE, USER, Bus, Corridor, Grid, Joint, Units
from sim.positions import Book
from sim.recorder import OUTCOMES, Memory, Outcome, Recorder, indicators
from sim.retail import RetailMonth, Served
from sim.settlement.chain import Chain
from sim.settlement.journal import Journal
from sim.tracing import Traced, Tracer
from sim.vpp import Stability
from sim.welfare import Gain, nothing
from tests.labs import TOY

JANUARY = Month(2025, 1)
H, D = 48, 2


def table(row_type, rows):
    """Rows as a table of a world."""
    return Table(Path("t.csv"), row_type, [row_type(**row, source="paper") for row in rows], [2] * len(rows), "")


def grid():
    """Zone A: bus a1 (dam, sun) and a2 (smelter), tied by a line; B, fed by a link from a2; C, beyond another link."""
    buses = table(Bus, [{"key": key, "zone": zone, "name": key} for key, zone in
                        (("a1", "A"), ("a2", "A"), ("b", "B"), ("c", "C"))])
    columns = ("key", "start", "end", "kind", "capacity", "reverse", "reactance", "loss", "tariff")
    corridors = table(Corridor, [
        dict(zip(columns, row)) | {"minimum": 0.0, "in_service": date(2020, 1, 1), "owner": "grid"} for row in (
            ("a1-a2", "a1", "a2", "ac", 100.0, 100.0, 0.1, 0.0, 0.0),
            ("a2-b", "a2", "b", "dc", 40.0, 0.0, 0.0, 0.1, 20.0),
            ("c-b", "c", "b", "dc", 16.0, 16.0, 0.0, 0.125, 10.0))])
    technologies = np.array(["hydro", "solar", "coal"], object)
    units = Units.join(
        Units.make(["dam", "sun", "coal"], PLANT, [0, 0, 2], ["o"] * 3, technologies, [90, 30, 50],
                   cost=[np.nan, 0.0, 240.0]),
        Units.make(["cell"], STORE, [2], ["o"], "battery", [5], store=20.0),
        Units.make(["smelter"], USER, [1], ["o"], "smelter", [10]),
        Units.make(["border"], NEIGHBOUR, [3], ["o"], "trade", [9]))
    return Grid(buses, corridors, table(Joint, []), units, date(2025, 1, 30))


def rows(*values):
    """MW [row, H], each row a constant or 48 hours."""
    return np.array([np.broadcast_to(np.asarray(value, float), H) for value in values])


def trades():
    """The dam adds 12 MW to what it sells beyond A and buys 3 back; the border lists 9 MW, 8 of them matched."""
    when = Calendar(date(2025, 1, 30), date(2025, 1, 31)).turn()
    orders = {"interprovincial": (Orders.sell([0], [12.0], 200.0), Orders.buy([0], [3.0], 200.0)),
              "crossarea": (Orders.buy([5], [9.0], 60.0),), "crossborder": (Orders.buy([5], [9.0], 60.0),)}
    found = {}
    for market, mine in orders.items():
        made = Orders.gather(mine)
        accepted = np.minimum(made.volume, 8.0) if market == "crossborder" else made.volume
        found[market, "month"] = Trade(market, "month", when, made, accepted, {}, made.price)
    return found


def contracts():
    """Inside A the dam sells 20 MW to the smelter at 180; inside B coal sells 10 MW to the users of b at 250. Parties:
    the six units and those users."""
    power = np.array([20.0, 0, 10, 0, -20, 0, -10])[:, None] * np.ones(24)
    price = np.array([180.0, 0, 250, 0, 180, 0, 250])[:, None]
    return {("contracts", 0): Book(0, power, power * price)}


def shop():
    """Two retailers beside the default supplier: 30 and 10 MWh in two kinds of packages, billed 9,000 and 2,000 CNY for
    what cost 8,000 and 2,500; the second fails over 1,000 CNY, of which 400 are guaranteed."""
    none = np.zeros(3, np.int64)
    return RetailMonth(
        row=np.array([0]), billed=np.array([[100_000], [900_000], [200_000]]),
        bought=np.array([[90_000], [800_000], [250_000]]), costs=none, fees=np.array([0, 300, 100]), capital=none,
        dividend=none, called=np.array([0, 0, 40_000]), lost=np.array([0, 0, 60_000]), equity=none,
        guarantee=np.array([0, 120_000, 40_000]), energy=np.array([5.0, 30, 10]),
        by_kind=np.array([30.0, 0, 0, 10, 0, 0, 0]), accounts=np.array([6.0, 4, 1, 5]), price=275.0, expected=270.0,
        default=250.0, offered=none, dispersion=3.0, signed=3, below=-4.0, paid_dispersion=2.0, cover=0.8, standing=2,
        failed=1, suspended=1, expelled=1, admitted=0,
        grade=np.array([0, 0, 1]), scores=np.zeros(3),
        served=Served(np.array([0, 1]), np.zeros(2, int), np.array([0, -1]), np.array([4.0, 6]), np.array([30.0, 15])))


def graded():
    """One company of the best grade with 100 points, one of the worst with 40."""
    return FirmMonth(("a", "b"), np.array([0, 1]), np.array([12, 2]), np.array([100.0, 40.0]), np.zeros(6, np.int64),
                     np.array([False, True]))


def traced():
    """Of 100 MWh of coal and 60 of water the users of b take 10 by contract and 40 along the flows, 30 of it coal."""
    tracer = Tracer(grid(), np.array(["b"], object), ("kunming", "nanning", "empty"))
    contract, flow = np.zeros((2, len(tracer.consumer), len(tracer.source)))
    coal, hydro = tracer.source.index("coal"), tracer.source.index("hydro")
    contract[0, hydro], flow[0, [coal, hydro]] = 10, (30, 10)
    carbon = np.where(np.arange(len(tracer.consumer)) == 0, 15.0, 0.0)
    tracer.last = Traced(JANUARY, tracer.source, tracer.consumer, contract, flow, carbon, flow.sum(axis=0), 15.0)
    tracer.used, tracer.green, tracer.carbon = tracer.last.used, tracer.last.green, carbon
    tracer.factor = np.array([0, 0, 0.5, 0, 0, 0])
    return tracer


def pooled():
    """One pool of one member, who gets 70 of 100 fen; nobody gains by leaving."""
    one = np.array([1.0])
    return SimpleNamespace(key=("pool",), member=("battery",), income=np.array([100]), earned=np.array([70]), part=one,
                           contract=one, bound=0 * one, held=[Stability(0.0, 1, True, True)])


def facts():
    """a1 makes 65 + 15 and uses 10, so 70 flow to a2; it uses 30 and the smelter 10, so 30 leave for B and 27 arrive.
    B makes 20, sends 8 on to C (7 arrive, all bought), its battery gives 4 on the first day and takes 5 on the second:
    60 of load are short of 17 and 26."""
    cell = np.repeat([4.0, -5.0], 24)
    load, price = rows(10, 30, 60, 0), rows(100, 200, 300, 50)
    people = SimpleNamespace(
        month=JANUARY, identity=np.array([7, 8, 9, 10]), age=np.array([240, 300, 420, 540], np.int16),
        female=np.array([False, False, False, True]), origin=np.array([1, 2, 0, 1], np.uint8),
        second=np.zeros(4, np.float32), dependants=np.zeros(4, np.uint8), history=np.zeros(4, np.int16),
        account=np.zeros(4, np.int64), base=np.full(4, 458_800), chosen=np.full(4, 458_800),
        weight=np.array([2, 1, 1, 4], np.int32), city=np.array([0, 0, 0, 1], np.int16),
        income=np.array([100_000, 300_000, 500_000, 200_000]), orders=np.array([100.0, 300.0, 500.0, 200.0]),
        enrolled=np.array([True, False, True, False]), met=np.array([0b111, 0b101, 0b011, 0b110], np.uint8),
        living=np.array([90_000, 90_000, 90_000, 90_000]), swaps=np.array([True, True, False, False]),
        claims=np.array([0, 0, 1_000, 500]), segment=np.array([0, 1, 1, 0]),
        migrant=np.array([True, True, False, True]),
        crossed=np.array([True, False, False, True]), temporary=np.array([False, False, True, True]))
    ahead = SimpleNamespace(price=np.zeros((4, H)), output=np.zeros((6, H)), grid=grid())
    held = SimpleNamespace(  # every unit holds 1 MW of each product, of which 1 CNY of each part is earned
        day=SimpleNamespace(index=0), reserved=np.ones((2, 6, H)), pay=np.ones((3, 6, H)), group=np.zeros(6, int),
        value=np.ones((2, 3, H)), lack=np.ones((2, 3, H)), asked=np.ones((2, 3, H)), failure=0.0)
    # 100 were issued; 30 of the year were sold at 4 and 10 with their energy at 6; 7 + 3 are held
    flows = {"issued": 100, "traded": 30, "bundled": 10, "transferred": 40, "retired": 90, "expired": 0}
    certificates = SimpleNamespace(month=JANUARY, flows=flows, free=np.array([0, 40, 0]),
                                   held=lambda: np.array([7, 3]), covered=np.array([0, 0, 0, 0, 0, 0, 10]))
    green = SimpleNamespace(day=SimpleNamespace(month=JANUARY), public={"price_current": 4.0, "price_bundled": 6.0})
    schedule = np.array([np.full(24, 20.0), np.full(24, np.nan)])
    return SimpleNamespace(
        month=JANUARY, certificates=certificates, trades=trades() | {("green", "month"): green},
        daily={"ancillary": [held]},
        opening=SimpleNamespace(day=held.day),
        positions=SimpleNamespace(schedule=schedule, books=contracts()), lost=70.0,
        party_bus=np.append(grid().units.bus, 2),
        gain=Gain(600.0, np.array([100.0, 200, 0]), np.array([150.0, 50, 0]), 100.0, np.array([30.0, -10, 0])),
        ahead=ahead, settled=np.ones(H, bool), grid=grid(), days=D, zone_mean=lambda: np.array([175.0, 300.0, 50.0]),
        price=price, energy=price, load=load,
        shed=rows(0, 0, np.repeat([17.0, 26.0], 24), 0), disposed=np.zeros((4, H)),
        output=rows(65, 15, 20, cell, -10, -7), available=rows(90, 20, 50, 5, 10, 9),
        minimum=np.zeros((6, H)), stored=rows(0, 0, 0, 10, 0, 0),
        line_flow=rows(70), line_shadow=rows(0), sent=rows(30, -7), delivered=rows(27, -8), link_shadow=rows(5, 0),
        rent=np.full(H, 100.0), charging=rows(1, 0, 0), asked=rows(50, 20, 0), done=rows(40, 20, 0),
        budget=np.full((6, D), np.inf), water=np.full((1, D), 30.0),
        inflow=np.full((1, D), 2.0), spilled=np.full((1, D), 0.5),
        water_energy=np.array([[900.0, 880.0]]), temperature=np.array([[8.0, 9.0], [15.0, 16.0], [20.0, 21.0]]),
        income={"spot energy": np.array([0, 0, 0, 500, 0, 0])},
        public=SimpleNamespace(
            earnings={("B", "battery"): {"energy": 1000.0, "capacity": 250.0}},
            traded={"regulation_capacity": {"price.B": 272.5, "supply.B": 4.0, "duty.B": 10.0}}),
        tracer=traced(), pooling=pooled(), swap_rebate=np.array([0, 70, 0]), people=people, retail=shop(),
        firms=graded(),        imbalance=2e-9, residual=3e-5, water_residual=0.0, events={"resolved": 3})


@pytest.fixture
def lab():
    """A lab that has lived 30 and 31 January and posted the month."""
    calendar = Calendar(date(2025, 1, 30), date(2025, 1, 31))
    calendar.turn(), calendar.turn()
    journal = Journal()
    journal.post(JANUARY, [Transfer("pay of orders", "platform", "riders", np.array([250, 50]), np.array([7, 8]),
                                    np.array([2, 1], np.int32)),
                           Transfer("congestion rent", "grid_company", "rent", 9_000)])
    chain = Chain()
    chain.close(JANUARY, journal, {"unit": np.full(6, "A", object)})
    world = {"reservoirs": {"key": np.array(["dam"], object), "basin": np.array(["river"], object),
                            "productivity": np.array([0.4])},
             "basins": {"key": np.array(["river"], object)},
             "cities": {"key": np.array(["kunming", "nanning", "empty"], object)}}
    riders = SimpleNamespace(segments={"key": np.array(["full", "part"], object)},
                             net=np.array([80_000, 300_000, 400_000, 200_000]))
    builder = SimpleNamespace(
        zone="B", projects=[SimpleNamespace(technology="battery")], expected=[280.0], rate=[0.07],
        started_of=lambda i: 3.0, queue_of=lambda technology: 8.0, break_even=lambda year: {"battery": 290.0})
    return SimpleNamespace(
        developers=[builder], facts=facts(), journal=journal, chain=chain, calendar=calendar, riders=riders,
        config=SimpleNamespace(world=world),
        foreign=SimpleNamespace(countries=("laos",), by_country=lambda: np.array([3])),
        ground=SimpleNamespace(reservoir_units=np.array([0])),
        rules={"spot": SimpleNamespace(compare=True, coordination="priority"), "regulation_capacity": None,
               "carbon": SimpleNamespace(benchmark={"coal": 0.4}), "crossarea": SimpleNamespace(origin_share=0.25),
               "credit": SimpleNamespace(grades=("AAA", "C")),
               "pension_subsidy": SimpleNamespace(threshold_months=3, window_months=6)})


def kept(lab, hourly=True):
    """The month as the recorder hands it over."""
    memory = Memory()
    Recorder(memory, hourly=hourly).keep(JANUARY, lab)
    return memory


@pytest.fixture
def value(lab):
    """value(indicator, zone): the one value kept of it."""
    frame = kept(lab).indicators.set_index(["indicator", "zone"])["value"]
    return lambda indicator, zone="all": frame.loc[[(indicator, zone)]].item()


def test_prices_are_weighted_by_load_and_plain(value):
    assert value("price", "A") == 175.0  # (10 x 100 + 30 x 200) / 40, as the facts say
    assert value("price_plain", "A") == 150.0  # (100 + 200) / 2


def test_who_used_what_and_what_it_emitted_is_kept(value):
    """b: 50 MWh, a fifth by contract, 20 of water, 15 t. 10 certificates stand for half of its water; the rest of the
    carbon stays its own. Coal: 20 MW for 48 hours at 0.5 t, 0.4 of it free."""
    assert (value("traced.coal", "b"), value("traced.hydro", "b")) == (30, 20)
    assert (value("traced_contract", "b"), value("traced_green", "b")) == (0.2, 0.4)
    assert (value("footprint", "b"), value("footprint_claimed_year", "b")) == (15, 15)
    assert (value("emissions.coal", "B"), value("allowances.coal", "B")) == pytest.approx((20 * H * 0.5, 20 * H * 0.4))


def test_pools_are_kept_with_their_members(value):
    assert (value("pool_income", "pool"), value("pool_member_income", "battery")) == (1.0, 0.7)
    assert (value("pool_in_core", "pool"), value("swap_rebate", "nanning")) == (1, 0.7)


def test_energy_is_summed_by_zone_and_technology(value):
    assert value("load", "A") == 40 * H
    assert (value("generation.hydro", "A"), value("generation.solar", "A")) == (65 * H, 15 * H)
    assert value("generation.coal", "B") == 20 * H
    assert (value("discharged.battery", "B"), value("charged.battery", "B")) == (4 * 24, 5 * 24)
    assert value("large_users", "A") == 10 * H
    assert (value("neighbours_bought", "C"), value("neighbours_sold", "C")) == (7 * H, 0)
    assert value("shed", "B") == 17 * 24 + 26 * 24


def test_what_flows_above_the_schedule_is_an_increment_and_companies_are_counted(value):
    assert value("increment.B", "A") == value("increment_corridor", "a2-b") == 10 * H
    assert (value("contract_scheduled", "a2-b"), value("contract_carried", "a2-b")) == (20 * H, 20 * H)
    assert value("foreign_entities", "laos") == 3
    assert value("lost_by_turns") == 70


def test_trades_of_the_month_are_kept_as_energy_of_all_its_days(value):
    assert (value("incremental_contracts", "A"), value("agreement_reduced", "A")) == (12 * 24 * 31, 3 * 24 * 31)
    assert (value("border_listed", "C"), value("border_matched", "C")) == (9 * 24 * 31, 8 * 24 * 31)
    assert (value("cross_area"), value("cross_area_origin")) == (7 * H, 0.25 * 7 * H)  # what the border took


def test_contracts_inside_a_zone_are_kept_as_energy_of_the_days_lived_price_and_cover(value):
    assert (value("contracted.hydro", "A"), value("contracted.coal", "B")) == (20 * H, 10 * H)
    assert (value("bought_ahead", "A"), value("bought_ahead", "B")) == (20 * H, 10 * H)
    assert (value("contract_price", "A"), value("contract_price", "B")) == (180, 250)
    # A uses 40 and the smelter's 10, B 60
    assert (value("traded_share", "A"), value("traded_share", "B")) == (0.4, pytest.approx(1 / 6))


def test_what_joint_clearing_gains_is_kept_part_by_part_and_not_where_nothing_was_compared(value, lab):
    assert value("joint_gain") == 600
    assert [value("joint_gain_sellers", zone) for zone in "ABC"] == [100, 200, 0]
    assert [value("joint_gain_users", zone) for zone in "ABC"] == [150, 50, 0]
    assert (value("joint_gain_network"), value("joint_clean", "B")) == (100, -10)
    lab.facts.gain = nothing(3)
    assert not kept(lab).indicators["indicator"].str.startswith("joint_").any()


def test_certificates_are_counted_and_priced_by_what_was_sold(value):
    assert (value("certificates.issued"), value("certificates.bundled"), value("certificates_held")) == (100, 10, 10)
    assert (value("certificate_price.current"), value("certificate_price.bundled")) == (4.0, 6.0)
    with pytest.raises(KeyError):
        value("certificate_price.earlier")  # nobody sold one


def test_market_power_is_kept_by_zone(value):
    assert value("lerner", "B") == pytest.approx(0.2)  # (300 - 240) / 300
    assert value("hhi_capacity", "A") == 10_000  # one owner
    # 40 are needed in A; nothing but o's plants is there, and no corridor leads in
    assert (value("rsi_min", "A"), value("pivotal", "A")) == (0, 1)
    assert value("rsi_p05", "B") == pytest.approx(56 / 60)  # links of 40 and 16 for a load of 60


def test_clean_share_counts_generation_not_storage(value):
    assert (value("clean_share", "A"), value("clean_share", "B")) == (1.0, 0.0)


def test_curtailment_is_unused_sun_and_spilled_water(value):
    assert value("curtailed.solar", "A") == 5 * H  # 20 available, 15 given
    assert value("curtailment.solar", "A") == 0.25
    assert value("curtailed.hydro", "A") == 400.0  # 1 hm3 spilled x 0.4 kWh/m3 x 1,000
    assert value("spilled_water", "river") == 1.0


def test_water_that_keeps_for_a_day_is_curtailed_by_the_day(lab):
    """Without its reservoir the plant may give 90 MW in any hour but 2,000 MWh a day; 65 MW are 1,560: 440 are lost."""
    lab.facts.grid.units.budgeted[0] = True
    lab.facts.budget[0] = 2000.0
    lab.config.world["reservoirs"] = {name: column[:0] for name, column in lab.config.world["reservoirs"].items()}
    lab.ground.reservoir_units = np.zeros(0, np.int32)
    lab.facts.spilled = np.zeros((0, D))
    closed = ClosedMonth(JANUARY, lab)
    technology = list(closed.technologies).index("hydro")
    assert closed.curtailed()[0, technology] == 440.0 * D


def test_exports_count_at_the_sending_end_and_imports_as_they_arrive(value):
    assert (value("exports.B", "A"), value("imports.A", "B")) == (30 * H, 27 * H)
    # the second link runs backwards: 8 leave B, 7 arrive in C
    assert (value("exports.C", "B"), value("imports.B", "C")) == (8 * H, 7 * H)
    assert (value("exports.B", "C"), value("imports.C", "B")) == (0, 0)


def test_corridors_are_used_forwards_and_backwards(value):
    assert value("utilisation", "a1-a2") == pytest.approx(0.7)
    assert value("utilisation", "a2-b") == pytest.approx(0.75)
    assert value("utilisation", "c-b") == pytest.approx(0.5)  # 8 of 16 backwards
    assert (value("link_fee", "a2-b"), value("link_fee", "c-b")) == (27 * H * 20, 7 * H * 10)
    assert value("rent") == 100 * H


def test_assets_say_what_they_earn_and_those_who_build_what_they_need(value, lab):
    assert (value("stands.battery", "B"), value("stands.hydro", "A")) == (5, 90)
    assert (value("revenue.battery.energy", "B"), value("revenue.battery.capacity", "B")) == (1.0, 0.25)
    assert (value("started.battery", "B"), value("under_construction.battery", "B")) == (3, 8)
    assert (value("expected_revenue.battery", "B"), value("internal_rate.battery", "B")) == (280, 0.07)
    assert value("break_even.battery", "B") == 290
    for figure, expected in (("price", 272.5), ("supply", 4.0), ("duty", 10.0)):
        assert value(f"regulation_capacity_{figure}", "B") == expected
    assets = kept(lab).table("assets")
    assert assets[["unit", "bill", "CNY"]].values.tolist() == [["cell", "spot energy", 5.0]]


def test_riders_are_counted_in_persons(value):
    assert (value("riders", "kunming"), value("riders", "nanning"), value("riders", "empty")) == (4, 4, 0)
    assert value("income", "kunming") == 2_500.0  # (2 x 1,000 + 3,000 + 5,000) / 4
    assert value("claims", "nanning") == 20.0  # 4 persons x 5 yuan
    assert value("orders_unmet", "kunming") == 10 * H


def test_take_up_is_enrolment_among_the_eligible(value):
    # met base this month and in 3 of the last 6: 0b111 only; 0b101 and 0b011 have two, 0b110 not this month
    assert value("eligible_share", "kunming") == 0.5
    assert value("enrolled_share", "kunming") == 0.75
    assert value("take_up", "kunming") == 1.0


def test_outcomes_of_riders_stand_by_every_group_and_the_first_of_them_among_the_indicators(value, lab):
    """Persons 2, 1, 1 | 4 have a net 800, 3,000, 4,000 | 2,000 yuan: mean (1,600 + 3,000 + 4,000) / 4 in Kunming. Gini
    of all, mean 2,075: differences of pairs 2x4x1,200 + 2x1x2,200 + 2x1x3,200 + 4x1x1,000 + 4x1x2,000 + 1x1x1,000 =
    33,400, so 2 x 33,400 / (2 x 64 x 2,075)."""
    assert value("net_income", "kunming") == 2_150.0
    assert value("net_income_gini") == pytest.approx(33_400 / (64 * 2_075))
    assert value("contribution_density") == 3 / 8  # rows of 2 and 1 persons enrolled, of 8
    table = kept(lab).table("populations/rider_outcomes").set_index(["dimension", "group"])
    assert table.loc[("gender", "woman"), "persons"] == 4
    assert table.loc[("origin", "other city"), "net_income"] == 1_600.0
    assert table.loc[("age", "45 and over"), "coverage"] == 0.0


def test_nothing_is_said_of_eligibility_before_there_is_a_subsidy(lab):
    lab.rules = {}
    memory = kept(lab)
    assert not {"eligible_share", "take_up"} & set(memory.indicators["indicator"])
    assert "enrolled_share" in set(memory.indicators["indicator"])
    assert memory.table("populations/riders")["eligible"].isna().all()


def test_what_cannot_be_said_is_no_row(lab):
    frame = kept(lab).indicators
    pairs = set(zip(frame["indicator"], frame["zone"]))
    assert ("take_up", "nanning") not in pairs  # nobody eligible there
    assert ("income", "empty") not in pairs
    assert ("generation.coal", "A") not in pairs  # no such plant
    assert ("exports.C", "A") not in pairs  # no corridor
    assert ("link_fee", "a1-a2") not in pairs  # a line has none
    assert not frame["value"].isna().any()


def test_money_is_what_was_posted(value):
    assert value("paid.pay_of_orders", "platform") == 5.5  # 2 x 250 + 50 fen
    assert value("paid.congestion_rent", "grid_company") == 90.0
    assert (value("balance", "platform"), value("balance", "riders")) == (-5.5, 5.5)
    assert (value("entries"), value("posted")) == (2, 9_550)


def test_exactness_and_events_are_kept(value):
    assert (value("imbalance"), value("rent_residual"), value("water_residual")) == (2e-9, 3e-5, 0.0)
    assert value("events.resolved") == 3


def test_months_are_dated_their_first_day_and_days_themselves(lab):
    frame = kept(lab).indicators
    stored = frame[frame["indicator"] == "stored_water"]
    assert stored["date"].dt.strftime("%Y-%m-%d").tolist() == ["2025-01-30", "2025-01-31"]
    assert stored["value"].tolist() == [900.0, 880.0]
    assert set(frame.loc[frame["indicator"] == "load", "date"].dt.strftime("%Y-%m-%d")) == {"2025-01-01"}


def test_retail_is_kept_as_shares_margins_and_losses(value, lab):
    assert value("package_share.fixed") == 0.75  # 30 of 40 MWh
    assert value("package_share.spread_share") == 0.25
    assert value("retail_margin") == 500.0  # 9,000 - 8,000 + 2,000 - 2,500
    assert value("retail_concentration") == 75**2 + 25**2
    assert value("retail_energy") == 45.0
    assert (value("guarantee_called"), value("default_loss"), value("guarantees")) == (400.0, 600.0, 1600.0)
    assert (value("retailers_graded.AAA"), value("retailers_graded.C")) == (1, 1)
    assert (value("accounts.default"), value("accounts.entered")) == (6, 5)
    assert (value("companies_graded.C"), value("company_score"), value("companies_barred")) == (1, 70, 1)
    lab.facts.retail = lab.facts.firms = None
    assert not any(name.startswith(("retail", "package", "accounts")) for name in kept(lab).indicators["indicator"])


def test_every_outcome_that_has_something_to_say_says_it_in_its_unit(lab):
    law = load(TOY).law.on(date(2025, 1, 31))
    lab.rules |= {key: law[key] for key in ("pension", "retirement", "actuary", "minimum_living")}
    memory = Memory()
    recorder = Recorder(memory)
    for _ in range(13):  # who still pays after a year is known after twelve months more
        recorder.keep(JANUARY, lab)
    frame = memory.indicators
    units = dict(zip(frame["indicator"].str.partition(".")[0], frame["unit"]))
    assert units == {outcome.name: outcome.unit for outcome in OUTCOMES}


def test_hourly_tables_balance_at_every_bus(lab):
    memory = kept(lab)
    bus, corridor = memory.table("hourly/bus"), memory.table("hourly/corridor")
    own = bus.set_index(["bus", "time"])
    leaving = corridor.groupby(["start", "time"])["sent"].sum().reindex(own.index, fill_value=0.0)
    arriving = corridor.groupby(["end", "time"])["delivered"].sum().reindex(own.index, fill_value=0.0)
    left = own["output"] + own["shed"] + arriving - own["load"] - own["disposed"] - leaving
    assert len(left) == 4 * H
    assert left.abs().max() == 0.0


def test_hourly_tables_are_narrow_floats_at_beijing_hours(lab):
    bus = kept(lab).table("hourly/bus")
    assert {str(kind) for kind in bus.dtypes[["price", "load", "output", "shed", "disposed"]]} == {"float32"}
    assert str(bus["time"].iloc[0]) == "2025-01-30 00:00:00"  # the run began on the 30th
    assert str(bus["time"].iloc[H - 1]) == "2025-01-31 23:00:00"


def test_technologies_of_a_bus_sum_to_its_output(lab):
    memory = kept(lab)
    by_technology = memory.table("hourly/technology").groupby(["bus", "time"])["output"].sum()
    output = memory.table("hourly/bus").set_index(["bus", "time"])["output"]
    assert (by_technology - output.loc[by_technology.index]).abs().max() == 0.0


def test_summaries_weigh_persons_and_tell_segments_apart(lab):
    memory = kept(lab)
    city = memory.table("populations/riders").set_index("city")
    # kunming in order of income: 1,000 1,000 3,000 5,000
    assert city.loc["kunming", ["income_p10", "income_p50", "income_p90"]].tolist() == [1_000.0, 1_000.0, 5_000.0]
    assert city.loc["kunming", "swaps"] == 0.75
    assert np.isnan(city.loc["empty", "income"])
    cell = memory.table("populations/riders_by_segment").set_index(["city", "segment"])
    assert cell.loc[("kunming", "full"), "income"] == 1_000.0
    assert cell.loc[("kunming", "part"), "income"] == 4_000.0
    assert cell.loc[("nanning", "part"), "persons"] == 0


def test_without_hourly_the_rest_stays(lab):
    kinds = kept(lab, hourly=False).kinds
    assert not [kind for kind in kinds if kind.startswith(("hourly", "daily"))]
    assert {"indicators", "populations/riders", "journal/entries", "journal/rows"} <= set(kinds)


def test_months_follow_one_another(lab):
    memory = kept(lab)
    once = len(memory.indicators)
    Recorder(memory).keep(JANUARY, lab)  # a recorder of its own: nobody's past is known to it
    assert len(memory.indicators) == 2 * once


def test_the_recorder_touches_nothing(lab):
    before = {name: value.copy() for name, value in vars(lab.facts).items() if isinstance(value, np.ndarray)}
    head = lab.journal.head
    kept(lab)
    assert all(np.array_equal(getattr(lab.facts, name), value) for name, value in before.items())
    assert lab.journal.head == head


def test_an_outcome_of_another_shape_than_its_axes_is_refused(lab):
    from sim.closed_month import ClosedMonth

    wrong = Outcome("wrong", "MW", "month", ("zone",), lambda month: np.zeros(2))
    with pytest.raises(ValueError, match="outcome 'wrong': shape"):
        indicators(ClosedMonth(JANUARY, lab), (wrong,))
