"""A world small enough to bill by hand: two buses joined by a link, every kind of unit, two cities, three riders.

    hour  west: price  plants  smelter  users  sent   east: price  delivered  coal  store  neighbour  users  city  shed
    0            100     100      -10     50     40          130      38        30     -8       -5      50     5     0
    1        200.004     120      -10     50     60         1500      57        12      2        0      70     5     4

The two hours repeat. Prices enter bills as 100.00, 200.00, 130.00 and 1500.00.
"""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Month
from sim.certificates import Certificates
from sim.messages import People
from sim.network.grid import NEIGHBOUR, PLANT, STORE, USER, Bus, Corridor, Grid, Units
from sim.tracing import Tracer

SOURCE = "worked by hand"


def grid():
    """West and east, a zone and an area each, and the link `tie` between them: loss 5 %, fee 20 CNY/MWh."""
    buses = [Bus(key=key, zone=key.upper(), name=key, source=SOURCE) for key in ("west", "east")]
    tie = Corridor(key="tie", start="west", end="east", kind="dc", capacity=100, reverse=100, reactance=0, loss=0.05,
                   tariff=20, minimum=0, in_service=date(2000, 1, 1), owner="tie_company", source=SOURCE)
    units = Units.join(
        Units.make(["upper", "lower", "coal"], PLANT, [0, 0, 1], ["river_company"] * 2 + ["coal_company"],
                   ["hydro", "hydro", "coal"], [100, 100, 100]),
        Units.make(["pit"], STORE, [1], ["store_company"], "battery", [10], store=[10.0], efficiency=[0.25]),
        Units.make(["pots"], USER, [0], ["smelting_company"], "smelter", [10]),
        Units.make(["border"], NEIGHBOUR, [1], ["laos"], "buy", [5]))
    return Grid(buses, [tie], [], units, date(2025, 1, 1))


def people(month):
    """Three rows for six riders: two persons enrolled in one place, one in another, three not."""
    return People(
        month=month, identity=np.array([11, 12, 13]), weight=np.array([2, 1, 3], np.int32),
        city=np.array([0, 1, 1], np.int16), place=np.array([0, 1, 0], np.int16),
        income=np.array([700_000, 300_000, 0]), orders=np.array([1200, 500, 0]), swaps=np.array([True, False, False]),
        enrolled=np.array([True, True, False]),
        # 20 % of 4588.00, 4566.00 and 4588.00
        base=np.array([458_800, 456_600, 458_800]), premium=np.array([91_760, 91_320, 91_760]),
        met=np.array([63, 0, 0], np.uint8), living=np.array([400_000, 200_000, 0]), other=np.array([0, 0, 100_000]),
        claims=np.zeros(3, np.int64))


def facts_of(hours):
    """The Facts of the first hours of July 2025; of whole days also their water."""
    def two(even, odd):
        """One row: two hours, repeated."""
        return np.resize(np.array([even, odd], float), hours)

    net = grid()
    facts = SimpleNamespace(
        month=Month(2025, 7), grid=net, user_bus=np.array([0, 1, 1]), city_bus=np.array([1, -1]),
        outside_price=np.array([0.0, 650.0]), people=people(Month(2025, 7)), pay=np.array([14_000.0, 3_000.0]),
        commission=np.zeros(2),
        price=np.stack([two(100, 200.004), two(130, 1500)]),
        load=np.stack([two(50, 50), two(55, 75)]),
        consumption=np.stack([two(50, 50), two(30, 35), two(20, 35)]),
        charging=np.stack([two(5, 5), two(2, 3)]),
        shed=np.stack([two(0, 0), two(0, 4)]), disposed=np.zeros((2, hours)),
        output=np.stack([two(40, 50), two(60, 70), two(30, 12), two(-8, 2), two(-10, -10), two(-5, 0)]),
        # the round trip of 0.25 is 0.5 either way: 8 MW fill 4 MWh, 2 MW empty them again
        stored=np.stack([two(0, 0)] * 3 + [two(4, 0)] + [two(0, 0)] * 2),
        line_flow=np.zeros((0, hours)), sent=two(40, 60)[None], delivered=two(38, 57)[None],
        # 38 x 130 - 40 x 100 = 940 and 57 x 1500 - 60 x 200.004 = 73,499.76
        rent=two(940, 73_499.76), imbalance=0.0, residual=0.0,
        settled=np.ones(hours, bool), ahead=SimpleNamespace(hours=np.zeros(hours, bool)),
        positions=SimpleNamespace(books={}), party_bus=np.concatenate([net.units.bus, [0, 1, 1]]),
        opening=SimpleNamespace(stored=np.zeros(6), water=np.array([50.0, 140.0])))
    days = hours // 24
    facts.certificates = Certificates(net, facts.user_bus, np.ones(3, bool))
    facts.tracer = Tracer(net, np.array(["west", "east", "east"], object), ("town", "elsewhere"))
    facts.swap_rebate = np.zeros(2, np.int64)
    # 12 x (40 + 50) MWh at 10 MWh/hm3 use 108 hm3 a day; 12 x (60 + 70) MWh at 20 MWh/hm3 use 78 hm3
    facts.rivers = SimpleNamespace(
        key=("upper dam", "lower dam"), plant=np.array(["upper", "lower"], object), above=np.array([-1, 0]),
        per_hm3=np.array([10.0, 20.0]), active=np.array([200.0, 200.0]))
    facts.inflow = np.stack([np.full(days, 100.0), np.full(days, 5.0)])
    facts.spilled = np.stack([np.full(days, 2.0), np.zeros(days)])
    # upper: 50 + 100 - 108 - 2 = 40, then 30; lower: 140 + 5 - 78 = 67, then 67 + 110 from above + 5 - 78 = 104
    facts.water = np.array([[40.0, 30.0], [67.0, 104.0]])[:, :days]
    return facts


@pytest.fixture
def facts():
    """Two hours: enough for every bill."""
    return facts_of(2)


@pytest.fixture
def two_days():
    """Two days: what every check of a closed month looks at."""
    return facts_of(48)


@pytest.fixture
def rules():
    """The law: a swap subscription of 299 yuan, contributions of 12 % and 8 %."""
    return {"swap": SimpleNamespace(subscription=299.0),
            "pension": SimpleNamespace(pooled_rate=0.12, account_rate=0.08)}
