"""The Yunnan world: its sums are the published stock, its owners few, its size within the limits of the house."""

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from sim.calendar import Calendar
from sim.config import read_world
from sim.messages import Weather
from sim.network import borders
from sim.network.grid import STORE, Grid, Units
from sim.network.ground import Ground
from sim.network.plants import Plants
from sim.schema import schema
from sim.streams import Streams

ROOT = Path(__file__).parents[2]
YEAR = [Calendar(when, when).turn() for when in (date(2025, 1, 1) + timedelta(days=i) for i in range(365))]

STOCK = {  # GW, mid-2025, as published or recalled; Guangdong coal as argued in its rows' source
    "YN": {"hydro": 72.73, "coal": 15.5, "wind": 18.0, "solar": 41.0, "biomass": 0.6, "battery": 4.0},
    "GZ": {"hydro": 22.9, "coal": 38.5, "gas": 0.4, "wind": 8.0, "solar": 26.0, "biomass": 0.9, "battery": 2.5},
    "GX": {"hydro": 19.0, "coal": 26.9, "gas": 1.5, "nuclear": 4.3, "wind": 15.0, "solar": 28.4, "biomass": 1.8,
           "battery": 2.4},
    "GD": {"hydro": 9.4, "coal": 76.0, "gas": 46.0, "nuclear": 16.1, "wind": 6.5, "wind_offshore": 12.5, "solar": 55.0,
           "biomass": 4.6, "pumped_hydro": 9.7, "battery": 3.5},
    "HI": {"hydro": 0.9, "coal": 4.3, "gas": 5.0, "nuclear": 1.3, "wind": 1.6, "solar": 8.8, "biomass": 0.6,
           "pumped_hydro": 0.6, "battery": 1.2},
}


@pytest.fixture(scope="module")
def world():
    """Reading it proves that every reference resolves: a key that is in no table is refused."""
    return read_world(ROOT / "configs" / "worlds" / "yunnan", schema())


@pytest.fixture(scope="module")
def ground(world):
    return Ground(world, Streams(1), 2025)


@pytest.fixture(scope="module")
def zone_of(world):
    return {bus.key: bus.zone for bus in world["buses"]}


def gigawatts(rows, zone_of, group):
    total = defaultdict(float)
    for row in rows:
        total[zone_of[row.bus], group(row)] += row.capacity / 1000
    return total


def corridors_between(world, zone_of, start, end):
    return [c for c in world["corridors"] if (zone_of[c.start], zone_of[c.end]) == (start, end)]


@pytest.mark.parametrize("zone", STOCK)
def test_capacities_of_a_zone_sum_to_the_published_stock(world, zone_of, zone):
    rows = [*world["plants"], *world["stores"]]
    found = gigawatts(rows, zone_of, lambda row: row.technology)
    assert {tech: gw for (z, tech), gw in found.items() if z == zone} == pytest.approx(STOCK[zone], abs=0.005)


def test_the_world_stays_within_its_limits(world):
    tables = ("plants", "stores", "smelters", "borders")
    plants, stores, blocks, steps = (len(world[name]) for name in tables)
    assert len(world["buses"]) <= 15
    assert plants <= 330
    assert stores <= 50
    assert plants + 2 * stores + blocks + steps <= 600  # offer segments: a store has two


def test_clusters_below_fifty_megawatts_are_joined_to_their_owners_largest(world):
    assert min(plant.capacity for plant in world["plants"]) >= 50


def test_ownership_is_concentrated_as_in_reality(world, zone_of):
    found = gigawatts(world["plants"], zone_of, lambda row: row.owner)
    for zone, largest, least in (("YN", "huaneng", 0.2), ("GD", "energy_group_gd", 0.3), ("GX", "datang", 0.3),
                                 ("GZ", "wujiang_huadian", 0.25), ("HI", "huaneng", 0.5)):
        owners = {owner: gw for (z, owner), gw in found.items() if z == zone}
        share = {owner: gw / sum(owners.values()) for owner, gw in owners.items()}
        assert max(share, key=share.get) == largest
        assert share[largest] > least
        assert sum(s ** 2 for s in share.values()) > 0.12  # Herfindahl index of eight equal firms


def test_lancang_and_lower_jinsha_belong_to_one_company_each(world):
    owner = {plant.key: plant.owner for plant in world["plants"]}
    of_basin = defaultdict(set)
    for reservoir in world["reservoirs"]:
        of_basin[reservoir.basin].add(owner[reservoir.plant])
    assert of_basin["lancang"] == {"huaneng", "sdic"}  # Dachaoshan alone is not Huaneng's
    assert of_basin["jinsha_low"] == {"ctg"}


def test_each_plant_lives_on_the_weather_of_its_own_zone(world, zone_of):
    for plant in world["plants"]:
        if plant.profile is not None:
            assert zone_of[plant.bus] in plant.profile.split("_"), plant.key
        if plant.technology in ("wind", "wind_offshore", "solar"):
            assert plant.shape == plant.profile


def test_hydro_has_either_a_reservoir_or_the_flow_of_the_month(world):
    with_water = set(world["reservoirs"]["plant"])
    for plant in world["plants"]:
        if plant.technology == "hydro":
            assert (plant.key in with_water) != (plant.profile is not None), plant.key


def test_coal_and_gas_differ_in_cost_over_the_stated_spread(world, zone_of):
    means = {("YN", "coal"): 295, ("GX", "coal"): 310, ("GZ", "coal"): 262, ("GD", "coal"): 295, ("HI", "coal"): 303,
             ("GD", "gas"): 530, ("HI", "gas"): 540, ("GX", "gas"): 560}
    for (zone, technology), mean in means.items():
        cost = [p.cost for p in world["plants"] if zone_of[p.bus] == zone and p.technology == technology]
        most = 1.20 if technology == "coal" else 1.15
        assert min(cost) == pytest.approx(0.85 * mean, abs=0.051)
        assert max(cost) == pytest.approx(most * mean, abs=0.051)


def test_corridors_sum_to_the_lines_nameplates(world, zone_of):
    # Yunnan to Guangdong 5 + 5 + 5 + 6.4 + 5, to Guangxi 3 + 3.2 + 3 + 3, to Guizhou 3 GW: 41.6 in all
    total = {end: sum(c.capacity for c in corridors_between(world, zone_of, "YN", end)) for end in ("GD", "GX", "GZ")}
    assert total == pytest.approx({"GD": 26400, "GX": 12200, "GZ": 3000})


def test_exports_have_a_joint_limit_over_every_link_to_the_southern_provinces(world, zone_of):
    export = [joint for joint in world["joint_limits"] if joint.key == "yn_export"]
    leaving = {c.key for end in ("GD", "GX", "GZ") for c in corridors_between(world, zone_of, "YN", end)}
    assert {joint.link for joint in export} == leaving
    assert {joint.limit for joint in export} == {38000}


def test_one_price_holds_for_every_line_between_two_provinces(world, zone_of):
    fees = {end: {c.tariff for c in corridors_between(world, zone_of, "YN", end)} for end in ("GD", "GX")}
    assert fees == {"GD": {92.0}, "GX": {61.0}}


def test_one_way_direct_current_keeps_a_tenth_and_two_way_links_nothing(world, zone_of):
    for corridor in world["corridors"]:
        if corridor.kind == "dc":
            tie = {corridor.start, corridor.end} & {"LA", "VN", "MM"}  # alternating current, no minimum
            assert corridor.minimum == (0.0 if corridor.reverse or tie else 0.1), corridor.key


def test_yunnan_is_asynchronous_and_the_lao_line_waits_for_its_date(world):
    none = Units.make([], "plant", [], [], [], [])
    grids = [Grid(world["buses"], world["corridors"], world["joint_limits"], none, on)
             for on in (date(2025, 1, 1), date(2026, 7, 1))]
    area = dict(zip(grids[0].bus, grids[0].area, strict=True))
    assert len({area[bus] for bus in area if bus.startswith("YN_")}) == 1
    assert area["GZ"] == area["GX"] == area["GD"] == area["HI"] != area["YN_C"]
    references = {grids[0].bus[r] for r in grids[0].reference}
    assert {"YN_C", "GD"} <= references
    assert "yn_la_500" not in grids[0].link
    assert "yn_la_500" in grids[1].link


def test_smelters_draw_their_share_of_yunnans_consumption(world):
    # 0.22 of 290 TWh over 8760 hours = 7283 MW, in 14 firms, the largest 0.22 of it
    capacity, owner = world["smelters"]["capacity"], world["smelters"]["owner"]
    assert capacity.sum() == pytest.approx(0.22 * 290e6 / 8760, abs=5)
    firms = {firm: capacity[owner == firm].sum() / capacity.sum() for firm in set(owner)}
    assert len(firms) == 14
    assert sorted(firms.values())[:-6:-1] == pytest.approx([0.22, 0.15, 0.12, 0.10, 0.08], abs=0.001)


def test_smelters_are_split_over_the_sub_zones_and_worth_the_metals_margin(world):
    table = world["smelters"]
    at = {bus: table["capacity"][table["bus"] == bus].sum() / table["capacity"].sum() for bus in set(table["bus"])}
    assert at == pytest.approx({"YN_NW": 0.10, "YN_SW": 0.05, "YN_C": 0.25, "YN_NE": 0.28, "YN_SE": 0.32}, abs=0.001)
    # (20500 - 14500) / 13.5 = 444.4 delivered; less 62 + 28 + 12 + 25 = 127: 317.4; a restart adds 700 / 13.5 = 51.9
    assert set(table["willingness"]) == {317.4, 369.3}
    trim = table["capacity"][table["willingness"] == 317.4].sum()
    assert trim / table["capacity"].sum() == pytest.approx(0.30, abs=0.001)


def test_neighbours_of_2025_trade_the_stated_energy(world):
    year = [borders.available(world["borders"], day).sum(axis=1) for day in YEAR]
    energy = dict.fromkeys(set(world["borders"]["bus"]), 0.0)
    for step, twh in zip(world["borders"], np.sum(year, axis=0) / 1e6, strict=True):
        energy[step.bus] += twh
    # 212 dry and 153 wet days: CC 24 x (212 x 1.2 + 153 x 2.8) = 16.4; VN 24 x (212 x 0.35 + 153 x 0.08) = 2.07;
    # EC 24 x (212 x 0.10 + 153 x 0.65) = 2.90, 0.7 of it in the months with a deal: 2.03;
    # MM 24 x (212 x 0.15 + 153 x 0.60) = 2.97 at most
    assert energy["CC"] == pytest.approx(16.39, abs=0.01)
    assert energy["VN"] == pytest.approx(2.07, abs=0.01)
    assert energy["EC"] * 0.7 == pytest.approx(2.03, abs=0.01)
    assert energy["MM"] == pytest.approx(2.97, abs=0.01)


def test_a_year_of_wind_and_sun_gives_the_published_full_load_hours(world, ground, zone_of):
    zones = ground.weather.zone
    still = [row.model_copy(update={"share": 1.0}) for row in world["build_out"]]  # the stock of plants.csv all year
    plants = Plants(world["plants"], buses=world["buses"], zones=zones, outages=world["outages"],
                    flows=ground.rivers.flows, build_out=still, fuel=world["fuel_years"], profiles=ground.profiles)
    calm = np.ones(len(zones)), np.ones(len(zones)), np.zeros(len(world["basins"]))
    total = np.zeros(len(plants))
    for day in YEAR:
        available, least = plants.available(day, Weather(day, calm[0], calm[0], *calm, np.zeros(0)))
        assert np.all(least <= available + 1e-9)
        assert np.all(available <= plants.capacity[:, None] * (1 + 1e-12))
        total += available.sum(axis=1)
    hours = dict(zip(plants.key, total / plants.capacity, strict=True))
    assert hours["solar_huaneng_YN_C"] == pytest.approx(1380, abs=10)
    assert hours["wind_huaneng_YN_C"] == pytest.approx(2321, abs=20)
    assert hours["wind_offshore_GD_1"] == pytest.approx(2840, abs=20)
    assert hours["nuclear_GD_1"] == pytest.approx(0.9 * 8760)


# ------------------------------------------------------------------------------------------------- from year to year

PATH = {  # GW at the end of 2020, 2021, 2022, 2023 and 2024
    ("YN", "coal"): (15.1, 15.1, 15.2, 15.3, 15.5), ("YN", "wind"): (8.8, 8.9, 9.3, 14.5, 17.0),
    ("YN", "solar"): (3.9, 4.0, 5.9, 20.5, 35.0), ("YN", "biomass"): (0.3, 0.4, 0.5, 0.5, 0.6),
    ("GD", "hydro"): (9.3, 9.3, 9.3, 9.4, 9.4), ("GD", "coal"): (64.0, 65.0, 66.0, 70.0, 74.0),
    ("GD", "gas"): (28.0, 31.0, 34.0, 39.0, 43.0), ("GD", "nuclear"): (16.1,) * 5,
    ("GD", "wind"): (4.6, 5.4, 5.9, 6.2, 6.4), ("GD", "wind_offshore"): (1.0, 6.5, 7.9, 10.8, 12.0),
    ("GD", "solar"): (8.0, 10.2, 15.9, 25.2, 43.0), ("GD", "biomass"): (2.8, 3.5, 4.2, 4.4, 4.6),
    ("GX", "hydro"): (17.6, 17.7, 17.9, 18.6, 19.0), ("GX", "coal"): (21.7, 22.0, 23.5, 25.5, 26.5),
    ("GX", "gas"): (0.9, 0.9, 1.0, 1.2, 1.5), ("GX", "nuclear"): (2.2, 2.2, 2.2, 3.3, 4.3),
    ("GX", "wind"): (6.5, 7.6, 9.4, 11.5, 14.0), ("GX", "solar"): (2.0, 3.1, 5.5, 11.5, 22.5),
    ("GX", "biomass"): (1.0, 1.4, 1.7, 1.8, 1.8), ("GZ", "hydro"): (22.3, 22.8, 22.8, 22.9, 22.9),
    ("GZ", "coal"): (34.0, 34.5, 35.5, 36.5, 38.0), ("GZ", "gas"): (0.0, 0.1, 0.2, 0.3, 0.4),
    ("GZ", "wind"): (5.8, 5.8, 5.9, 6.3, 7.4), ("GZ", "solar"): (10.6, 11.4, 14.2, 16.5, 22.0),
    ("GZ", "biomass"): (0.5, 0.6, 0.7, 0.8, 0.9), ("HI", "hydro"): (0.9,) * 5, ("HI", "coal"): (4.3,) * 5,
    ("HI", "gas"): (1.6, 2.2, 3.0, 4.0, 4.6), ("HI", "nuclear"): (1.3,) * 5, ("HI", "wind"): (0.3, 0.3, 0.3, 0.3, 1.0),
    ("HI", "solar"): (1.4, 1.5, 2.4, 4.8, 7.5), ("HI", "biomass"): (0.3, 0.4, 0.5, 0.5, 0.6),
}
STORES = {  # GW in the middle of 2021 to 2025: between the ends of years, and mid-2025 itself
    ("YN", "battery"): (0.0, 0.05, 0.35, 1.6, 4.0), ("GD", "pumped_hydro"): (6.7, 8.5, 9.7, 9.7, 9.7),
    ("GD", "battery"): (0.05, 0.4, 1.15, 2.2, 3.5), ("GX", "battery"): (0.0, 0.05, 0.45, 1.35, 2.4),
    ("GZ", "battery"): (0.0, 0.05, 0.45, 1.4, 2.5), ("HI", "battery"): (0.0, 0.05, 0.25, 0.65, 1.2),
    ("HI", "pumped_hydro"): (0.6,) * 5,
}


def day(when):
    return Calendar(when, when).turn()


@pytest.mark.parametrize(("at", "year"), tuple(enumerate(range(2020, 2025))))
def test_clusters_sum_to_the_stock_of_each_years_end(world, ground, zone_of, at, year):
    total = defaultdict(float)
    for plant, megawatts in zip(world["plants"], ground.plants.standing(day(date(year, 12, 31))), strict=True):
        total[zone_of[plant.bus], plant.technology] += megawatts / 1000
    assert {kind: total[kind] for kind in PATH} == pytest.approx({kind: gw[at] for kind, gw in PATH.items()}, abs=0.006)


@pytest.mark.parametrize(("at", "year"), tuple(enumerate(range(2021, 2026))))
def test_stores_sum_to_the_stock_of_each_years_middle(ground, at, year):
    units = ground.units(year)
    total = defaultdict(float)
    for row in units.of_kind(STORE):
        total[ground.grid(date(2025, 1, 1)).zone[ground.grid(date(2025, 1, 1)).bus_zone[units.bus[row]]],
              units.technology[row]] += units.capacity[row] / 1000
    assert dict(total) == pytest.approx({kind: gw[at] for kind, gw in STORES.items()}, abs=0.01)


def test_yunnans_hydro_comes_near_its_stated_path(ground):
    # dispatched by the southern grid, GW at the ends of 2020 to 2024 and mid-2025; Wudongde counts from 2021-01-01 as a
    # whole, though its last units ran half a year later: 5.5 % too much at the end of 2021, the largest miss
    stated = {2020: 65.0, 2021: 67.5, 2022: 69.5, 2023: 71.0, 2024: 72.0}
    yunnan = np.array([bus.startswith("YN") for bus in ground.world["plants"]["bus"]])
    hydro = (ground.world["plants"]["technology"] == "hydro") & yunnan
    found = {year: ground.plants.standing(day(date(year, 12, 31)))[hydro].sum() / 1000 for year in stated}
    assert found == pytest.approx(stated, rel=0.06)
    assert found[2020] == pytest.approx(66.23, abs=0.01)
    assert found[2024] == pytest.approx(72.73, abs=0.01)


def test_mid_2025_is_what_the_tables_say(world, ground):
    assert ground.plants.standing(day(date(2025, 7, 1))) == pytest.approx(world["plants"]["capacity"])
    assert ground.stores.capacity.tolist() == world["stores"]["capacity"].tolist()
    assert ground.smelters.available(day(date(2025, 7, 1)))[:, 0] == pytest.approx(world["smelters"]["capacity"])


def test_2025_costs_exactly_what_the_table_says_and_coal_follows_its_price(world, ground):
    assert ground.plants.cost_in(2025).tolist() == world["plants"]["cost"].tolist()
    # Yunnan 320 gce/kWh: 830 yuan/t are 320 / 0.7857 x 0.83 + 14 = 352.04, 690 are 295.02 CNY/MWh: ratio 1.19327
    # Guangdong 298: 1080 yuan/t are 423.62, 740 are 294.67: 1.43763
    for key, ratio in (("coal_huaneng_YN_C", 1.19327), ("coal_GD_4", 1.43763), ("gas_GD_1", 1.0), ("xiaowan", 1.0)):
        row = world["plants"].position(key)
        assert ground.plants.cost_in(2022)[row] == pytest.approx(ratio * world["plants"]["cost"][row], rel=1e-5)


def test_smelters_keep_their_share_of_yunnans_consumption_until_2025(world, ground):
    # 0.22 of 238.9 TWh in 8760 hours are 5999.8 MW
    block = ground.smelters.available(day(date(2022, 7, 1)))[:, 0].sum()
    assert block == pytest.approx(0.22 * 238.9e6 / 8760, rel=0.001)
    assert ground.smelters.available(day(date(2035, 1, 1)))[:, 0] == pytest.approx(world["smelters"]["capacity"])


def test_measured_years_bring_their_flow_and_no_more(ground):
    # 2023: 0.80 and 0.98 of a normal year, whatever the seed
    days = [Calendar(date(2023, 1, 1), date(2023, 12, 31)).day(i) for i in range(365)]
    energy = np.zeros((2, 2))
    for when in days:
        half = int(when.date.month > 6)
        energy[half] += [(ground.rivers.inflow(when, ground.weather.draw(when)) * ground.rivers.chain).sum(),
                         (ground.rivers.normal_inflow(when.date) * ground.rivers.chain).sum()]
    assert energy[:, 0] / energy[:, 1] == pytest.approx([0.80, 0.98], rel=1e-6)


def test_a_dam_that_is_not_built_holds_nothing(ground):
    row = ground.rivers.key.index("tuoba")
    assert ground.rivers.room(date(2023, 12, 31))[row] == 0
    assert ground.rivers.room(date(2024, 1, 1))[row] == 735
