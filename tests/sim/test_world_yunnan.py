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
from sim.network.grid import Grid, Units
from sim.network.plants import Plants
from sim.schema import schema
from sim.weather import Profiles

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
    # EC 24 x (212 x 0.10 + 153 x 0.65) = 2.90, 0.7 of it in the months with a deal: 2.03; MM 24 x (212 x 0.15 + 153 x 0.60) = 2.97 at most
    assert energy["CC"] == pytest.approx(16.39, abs=0.01)
    assert energy["VN"] == pytest.approx(2.07, abs=0.01)
    assert energy["EC"] * 0.7 == pytest.approx(2.03, abs=0.01)
    assert energy["MM"] == pytest.approx(2.97, abs=0.01)


def test_a_year_of_wind_and_sun_gives_the_published_full_load_hours(world, zone_of):
    zones = tuple(dict.fromkeys(world["buses"]["zone"]))
    plants = Plants(world["plants"], buses=world["buses"], zones=zones, basins=world["basins"],
                    outages=world["outages"], profiles=Profiles(world["profiles_month"], world["profiles_day"]))
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
