"""A day of a world small enough to certify by hand: a province of dams and a coast that buys from it.

    every hour, MW            WEST: old_dam 60  new_dam 10.5  wind 20.255  coal 30  smelter -10  metal 40  homes 20
                              -> 50.755 over the link, without loss ->
                              EAST: sun 4  coast 54.755
    MWh of the day            old_dam 1440, new_dam 252, wind 486.120, coal 720, smelter 240, metal 960, homes 480,
                              link 1218.120, sun 96, coast 1314.120
    CNY/MWh                   WEST 200 in the hours 0 to 11, 300 in 12 to 23; EAST 400

Parties: 0 old_dam, 1 new_dam, 2 wind, 3 coal, 4 sun, 5 smelter; users 6 metal, 7 homes (outside the market), 8 coast.
"""

from datetime import date
from types import SimpleNamespace

import numpy as np

from sim.calendar import Calendar, Month
from sim.certificates import Certificates
from sim.markets.green import Green
from sim.messages import Orders, Trade
from sim.network.grid import PLANT, USER, Bus, Corridor, Grid, Units

SOURCE = "worked by hand"
OLD_DAM, NEW_DAM, WIND, COAL, SUN, SMELTER, METAL, HOMES, COAST = range(9)
MARKET = np.array([True, False, True])
JULY = Month(2025, 7)
RULES = Green.Rules(validity=24, alternative=20.0, fee=0.5, existing_before=date(2023, 1, 1),
                    follows="exports", shared={"WEST": 0.5}, shared_before=date(2025, 6, 1),
                    subsidised=0.0, bundled=0.5, retirement="year")


def grid(first=()):
    """The network. first: units that stand before all others in the table."""
    buses = [Bus(key=key, zone=key.upper(), name=key, source=SOURCE) for key in ("west", "east")]
    tie = Corridor(key="tie", start="west", end="east", kind="dc", capacity=100, reverse=100, reactance=0, loss=0,
                   tariff=0, minimum=0, in_service=date(2000, 1, 1), owner="tie_company", source=SOURCE)
    years = [date(2012, 1, 1), date(2024, 1, 1), date(2015, 1, 1), date(2010, 1, 1), date(2026, 1, 1)]
    parts = [Units.make([key], PLANT, [0], ["newcomer"], ["coal"], [1]) for key in first]
    units = Units.join(
        *parts,
        Units.make(["old_dam", "new_dam", "wind", "coal", "sun"], PLANT, [0, 0, 0, 0, 1],
                   ["river_company"] * 2 + ["wind_company", "coal_company", "sun_company"],
                   ["hydro", "hydro", "wind", "coal", "solar"], [100] * 5, first=years),
        Units.make(["smelter"], USER, [0], ["smelting_company"], "smelter", [10]))
    return Grid(buses, [tie], [], units, date(2025, 1, 1))


def facts(month=JULY, scale=1.0):
    """The Facts of the day. scale: multiple of everybody's energy."""
    hours, net = np.ones(24), grid()
    price = np.stack([np.where(np.arange(24) < 12, 200.0, 300.0), np.full(24, 400.0)])
    user_bus = np.array([0, 0, 1])
    return SimpleNamespace(
        month=month, grid=net, user_bus=user_bus, party_bus=np.concatenate([net.units.bus, user_bus]), price=price,
        output=scale * np.array([60, 10.5, 20.255, 30, 4, -10])[:, None] * hours,
        certificates=None, consumption=scale * np.array([40, 20, 54.755])[:, None] * hours,
        load=scale * np.array([60, 54.755])[:, None] * hours, shed=np.zeros((2, 24)), disposed=np.zeros((2, 24)),
        line_flow=np.zeros((0, 24)), sent=scale * 50.755 * hours[None], delivered=scale * 50.755 * hours[None],
        settled=np.ones(24, bool), ahead=SimpleNamespace(hours=np.zeros(24, bool), price=np.zeros((2, 24))),
        positions=SimpleNamespace(books={}), trades={})


def registry():
    """An empty registry of this world."""
    return Certificates(grid(), np.array([0, 0, 1]), MARKET)


def opening(month):
    """The first day of a month."""
    return Calendar(month.first, month.later(1).first).turn()


def trade(month, *lines):
    """A Trade that took every order whole. lines: (side, party, counts by column, prices by column)."""
    parts = [(Orders.sell if side == "sell" else Orders.buy)([party], [count], [price], hours=3)
             for side, party, count, price in lines]
    unit, side, price, volume = (np.concatenate([getattr(o, name) for o in parts])
                                 for name in ("unit", "side", "price", "volume"))
    orders = Orders(unit, side, price, volume)
    return Trade("green", "month", opening(month), orders, volume, {}, price)
