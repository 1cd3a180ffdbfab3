"""What changes from year to year: worked by hand, refused when it cannot be."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from sim.calendar import Calendar
from sim.config import BadInput, Table, load
from sim.network.grid import Bus
from sim.network.stores import Store, Stores
from sim.network.years import BuildOut, Stock
from tests.labs import altered, cells, toy

BUSES = [Bus(key="A1", zone="A", name="a", source="test")]
WIND = ("A", "wind")
HOURLY = ["law.spot.engine=hour", "law.spot.storage_scheduling=own", "law.ancillary.mode=sequential"]


def built(*rows):
    return [BuildOut(zone="A", technology=technology, day=day, share=share, source="test")
            for technology, day, share in rows]


GROWTH = built(("wind", date(2024, 12, 31), 0.5), ("wind", date(2025, 1, 10), 1.0), ("wind", date(2026, 1, 10), 0.8),
               ("battery", date(2025, 7, 1), 1.0), ("battery", date(2026, 7, 1), 3.0),
               ("battery", date(2027, 7, 1), 0.5))


def on(*when):
    return date(*when).toordinal()


def test_a_stock_moves_in_straight_lines_and_stays_beyond_its_ends():
    stock = Stock(GROWTH, [WIND, None])
    # ten days from 0.5 to 1.0: 0.05 a day
    assert [stock.on(on(*when))[0] for when in ((2020, 1, 1), (2025, 1, 2), (2025, 1, 10), (2030, 1, 1))] == \
        pytest.approx([0.5, 0.6, 1.0, 0.8])
    assert stock.on(on(2020, 1, 1))[1] == 1.0  # one that stands as it is


def test_the_most_of_a_year_is_found_between_its_days():
    stock = Stock(GROWTH, [WIND, None])
    # 2024 ends at 0.5; 2025 has its peak on 10 January; 2026 begins at 1 - 0.2 x 356 / 365
    assert [stock.most(year)[0] for year in (2024, 2025, 2026)] == pytest.approx([0.5, 1.0, 1 - 0.2 * 356 / 365])
    assert stock.most(2025)[1] == 1.0


def test_a_store_grows_empty_at_the_turn_of_the_year_and_takes_what_it_held_when_it_goes():
    row = Store(key="b", bus="A1", owner="o", technology="battery", capacity=50.0, hours=2.0, efficiency=0.86,
                wear=10.0, initial=0.5, source="test")
    stores = Stores(Table(Path("stores.csv"), Store, [row], [2], ""), BUSES, GROWTH, 2025)
    assert (stores.capacity[0], stores.energy[0], stores.stored[0]) == (50, 100, 50)
    stores.turn(2026)  # three times as much: 150 MW and 300 MWh, and still the 50 MWh
    assert (stores.capacity[0], stores.energy[0], stores.stored[0]) == (150, 300, 50)
    stores.turn(2027)  # half of 2025's: room for 50 MWh
    assert stores.stored[0] == 50
    stores.carry(np.array([40.0]))
    stores.turn(2026)
    stores.carry(np.array([290.0]))
    stores.turn(2027)
    assert stores.stored[0] == 50
    unit = stores.units({"A1": 0}, 2026)
    assert (unit.capacity[0], unit.store[0], unit.cost[0]) == (150, 300, 10)


def standing(lab, when):
    day = Calendar(date(*when), date(*when)).turn()
    return dict(zip(lab.ground.plants.key, lab.ground.plants.standing(day), strict=True))


def test_the_toy_world_shows_each_of_them():
    lab = toy(start="2026-07-01", days=1)
    plants, units = lab.config.world["plants"], lab.grid.units
    unit = {key: i for i, key in enumerate(units.key)}
    # sun: half as much again within 2026, on 1 July 182 of 365 days of it: 120 x (1 + 0.5 x 182 / 365)
    assert standing(lab, (2025, 12, 31))["solar_HILLS"] == 120
    assert standing(lab, (2026, 7, 1))["solar_HILLS"] == pytest.approx(120 * (1 + 0.5 * 182 / 365))
    assert units.capacity[unit["solar_HILLS"]] == 180  # the most of the year
    assert standing(lab, (2026, 7, 1))["wind_HILLS"] == 80  # has a day of its own
    # battery: twice as much at the end of 2026, half of that way in its middle
    assert units.store[unit["battery_COAST"]] == pytest.approx(2 * 40 * (1 + 182 / 365))
    # coal: 290 x 0.95 in the hills, 270 x 1.05 at the coast
    assert units.cost[unit["coal_HILLS"]] == pytest.approx(275.5)
    assert units.cost[unit["coal_COAST_1"]] == pytest.approx(283.5)
    assert units.cost[unit["gas_COAST_1"]] == plants["cost"][plants.position("gas_COAST_1")]
    assert np.isnan(units.cost[unit["smelter_line"]])


def test_owners_offer_at_the_cost_of_the_year():
    lab = toy(start="2025-12-31", days=2)
    harbour = next(actor for actor in lab.actors if actor.name == "hill_power")
    row = lab.grid.units.key[harbour.units].tolist().index("coal_HILLS")
    lab.step()
    assert harbour.cost[row] == 290
    lab.step()
    assert harbour.cost[row] == pytest.approx(275.5)


def test_what_water_is_worth_is_planned_anew_when_the_year_turns():
    lab = toy(start="2025-12-31", days=2)
    valley = next(actor for actor in lab.actors if actor.name == "valley_hydro")
    lab.step()
    before = valley.values
    lab.step()
    assert valley.values is not before
    again = toy(start="2026-01-01", days=1)  # as if the year had been the first
    assert next(actor for actor in again.actors if actor.name == "valley_hydro").values is valley.values


def test_users_and_smelters_follow_the_year():
    lab = toy(start="2025-12-31", days=2)
    lab.step()
    before = lab.users.mean.sum()
    assert before == pytest.approx((2.2 + 5.2) * 1e6 / 8760, rel=1e-6)
    lab.step()
    assert lab.users.mean.sum() == pytest.approx((2.25 + 5.4) * 1e6 / 8760, rel=1e-6)
    # the smelter of 50 MW loses a tenth in 2026, a day of it by the first of January
    assert lab.users.apart.sum() == pytest.approx(50 * (1 - 0.1 / 365), rel=1e-6)


def test_a_leap_year_has_a_day_more_for_the_same_energy(tmp_path):
    from sim.network.demand import Drawn

    world = load(altered(tmp_path, {"smelters": cells(capacity="1")})).world
    annual = {"HILLS": 8.784, "COAST": 8.784}
    common, leap = (Drawn.of(world["load_split"], world["user_classes"], annual, year).mean for year in (2023, 2024))
    assert leap.sum() == pytest.approx(2000)  # two zones, 8.784 TWh in 8784 hours each
    assert common.sum() == pytest.approx(2000 * 8784 / 8760)


# ------------------------------------------------------------------------------------------------------------- refusals


def without(**names):
    """A change that drops the rows with these cells."""
    return lambda row: None if all(row[name] == value for name, value in names.items()) else row


def other(column, old, new):
    return lambda row: row | {column: new} if row[column] == old else row


@pytest.mark.parametrize(("table", "change", "line"), [
    ("demand_years", without(zone="HILLS", year="2026"), "2: year: HILLS has no row for 2026; expected every year that "
                                                         "the world covers, 2025 to 2026"),
    ("demand_years", without(zone="COAST"), "demand_years.csv: has no row for COAST"),
    ("demand_years", other("zone", "HILLS", "MOON"), "zone: 'MOON' is not a key of climate.csv"),
    ("demand_years", other("year", "2026", "2025"), "3: year: 'HILLS', 2025 stands twice, first on line 2"),
    ("demand_years", other("year", "2025", "2024"), "3: year: HILLS has no row for 2025, the year before"),
    ("demand_years", cells(annual="0"), "2: annual [TWh]: 0 is out of range"),
    ("build_out", without(zone="COAST"), "stores.csv:2: in_service: COAST has no row for battery in build_out.csv"),
    ("build_out", without(technology="smelter"), "smelters.csv:2: bus: HILLS has no row for smelter"),
    ("build_out", other("technology", "battery", "nuclear"), "in_service: COAST has no row for battery"),
    ("build_out", cells(share="-1"), "2: share [ratio]: -1 is out of range"),
    ("build_out", other("day", "2026-12-31", "2025-12-31"), "stands twice, first on line 2"),
    ("fuel_years", without(zone="COAST", year="2025"), "4: year: COAST coal has no row for 2025; expected every year"),
    ("fuel_years", other("technology", "coal", "peat"), "2: technology: HILLS has no plant of 'peat'"),
    ("fuel_years", cells(cost="0"), "2: cost [ratio]: 0 is out of range"),
    ("inflow_years", without(basin="brook"), "inflow_years.csv: has no row for brook; expected its years"),
    ("inflow_years", without(basin="river", year="2026"), "2: year: river has no row for 2026"),
    ("inflow_years", other("basin", "brook", "sea"), "basin: 'sea' is not a key of basins.csv"),
])
def test_a_table_that_leaves_a_year_open_is_refused_in_one_line(tmp_path, table, change, line):
    with pytest.raises(BadInput) as refusal:
        load(altered(tmp_path, {table: change}))
    assert line in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


def test_stock_that_nobody_follows_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"build_out.csv:2: technology: no solar of HILLS follows it"):
        load(altered(tmp_path, {"plants": lambda row: row | {"in_service": row["in_service"] or "2015-01-01"}}))


def test_a_dam_is_built_on_a_day(tmp_path):
    with pytest.raises(BadInput, match=r"reservoirs.csv:2: plant: 'upper' has no in_service"):
        load(altered(tmp_path, {
            "plants": lambda row: row | {"in_service": "" if row["key"] == "upper" else row["in_service"]},
            "build_out": other("technology", "solar", "hydro")}))


# ----------------------------------------------------------------------------------------------- over the turn of years


@pytest.mark.parametrize("engine", ["day", "hour"])
def test_every_check_holds_over_the_turn_of_a_year(engine):
    """Checks raise at each month's close: stores end where their flows say, with half as much again of the battery."""
    own = HOURLY if engine == "hour" else []
    lab = toy("scale.riders=500", *own, start="2025-12-28", days=8).run()
    assert lab.calendar.now.date == date(2026, 1, 4)
    assert lab.grid.units.store.max() > lab.config.world["stores"]["capacity"].max()


@pytest.mark.parametrize("engine", ["day", "hour"])
def test_a_link_of_the_year_carries_nothing_before_its_day(engine):
    own = HOURLY if engine == "hour" else []
    lab = toy("scale.riders=500", *own, start="2026-06-29", days=4)
    row = lab.grid.link.index("sea_3")
    sent = []
    while lab.running:
        lab.step()
        sent.append(np.abs(lab.facts.sent[row, -24:]).sum())
    assert sent[:2] == [0, 0]
    assert min(sent[2:]) > 0
