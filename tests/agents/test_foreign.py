"""Foreign companies: who enters, when, and what is listed."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import mesa
import numpy as np
import pytest

from agents.foreign import Foreign
from sim.calendar import Calendar, Month
from sim.config import Table, load
from sim.model import PolicyLab
from sim.network import borders
from sim.streams import Stream

ROOT = Path(__file__).parents[2]
RULES = SimpleNamespace(admissions=12, cost=20_000.0)
FIRST = Month(2021, 1)
SHOP = SimpleNamespace(key="crossborder")


class Law:
    """A law in which the market is in force from January 2021."""

    def __init__(self, rules=RULES):
        self.rules = rules

    def on(self, when):
        return {"crossborder": self.rules} if when >= date(2021, 1, 1) else {}


def table(row_type, *rows):
    made = [row_type(**row, source="test") for row in rows]
    return Table(Path("t.csv"), row_type, made, list(range(2, 2 + len(made))), "")


def companies(start=FIRST, price=400.0, potential=30, registered=4, law=None, sigma=1.0):
    """A border L to zone Y over a link with 5 % loss: buys 100 MW at 300 in the dry, sells 50 MW at 200 in the wet
    season. Inside, a price is expected."""
    step = {"bus": "L", "owner": "laos", "market": "crossborder"}
    steps = table(borders.Step,
                  step | {"key": "buy", "side": "buy", "season": "dry", "capacity": 100.0, "price": 300.0},
                  step | {"key": "sell", "side": "sell", "season": "wet", "capacity": 50.0, "price": 200.0})
    rows = table(borders.Foreign, {"key": "Laos", "bus": "L", "potential": potential, "registered": registered,
                                   "size_sigma": sigma})
    grid = SimpleNamespace(bus=("Y", "L"), bus_zone=np.array([0, 1]), cleared_zones=np.array([0]),
                           link_from=np.array([0]), link_to=np.array([1]), link_loss=np.array([0.05]),
                           link_fee=np.array([0.0]))
    normal = np.array([np.full(12, price), np.full(12, np.nan)])
    found = Foreign(mesa.Model(), table=rows, steps=steps, first_unit_row=7, grid=grid, normal=normal,
                    stream=Stream(1, "entry"), law=law or Law(), start=start)
    return found, grid, normal


def test_the_largest_have_registered_before_the_market_began():
    found, *_ = companies()
    assert found.registered.sum() == 4
    assert found.part[found.registered].min() >= found.part[~found.registered].max()
    assert found.part.sum() == pytest.approx(1, abs=1e-6)


def test_the_exchange_registers_twelve_a_year_of_those_who_gain():
    """At 400 the border's 50 MW at 200 gain 0.95 x 400 - 200 = 180 a MWh in 153 wet days: 33 million yuan a year."""
    found, grid, normal = companies(start=Month(2022, 1))
    assert found.registered.sum() == 4 + 12
    assert found.gain.sum() == pytest.approx(50 * 24 * 153 * 180, rel=1e-5)
    assert companies(start=Month(2023, 1))[0].registered.sum() == 4 + 24


def test_nobody_enters_who_would_not_gain():
    """At 205 inside nothing is gained in the wet season (0.95 x 205 < 200), 300 - 205 / 0.95 = 84.2 in the dry."""
    found, *_ = companies(start=Month(2022, 1), price=205.0)
    assert found.gain.sum() == pytest.approx(100 * 24 * 212 * (300 - 205 / 0.95), rel=1e-5)
    dear = SimpleNamespace(admissions=12, cost=1e9)
    assert companies(start=Month(2022, 1), law=Law(dear))[0].registered.sum() == 4


def test_registration_does_not_depend_on_where_a_run_begins():
    """A run that begins in 2021 and lives a year at normal prices ends with the companies of one begun in 2022."""
    lived, grid, normal = companies(start=Month(2021, 1))
    for number in range(1, 13):
        lived.enter(Month(2021, number), normal, grid, RULES)
    np.testing.assert_array_equal(lived.registered, companies(start=Month(2022, 1))[0].registered)


def test_the_registered_list_their_part_of_the_steps_of_the_season():
    found, grid, _ = companies()
    public = SimpleNamespace(zone_mean=np.array([np.nan, np.nan]))
    for when, unit, capacity, price in ((date(2021, 1, 1), 7, 100, 300), (date(2021, 8, 1), 8, 50, 200)):
        now = Calendar(when, when).turn()
        orders = found.orders(SHOP, SimpleNamespace(now=now, public=public, grid=grid, rules=RULES))
        assert set(orders.unit) == {unit}
        assert set(orders.price.ravel()) == {price}
        assert orders.volume[:, 0].sum() == pytest.approx(capacity * found.part[found.registered].sum())
    assert len(found.orders(SimpleNamespace(key="spot"), None)) == 0


def test_eighty_companies_of_the_base_year_have_registered_when_it_ends():
    """20 before 2021 and 12 a year: 68 when 2025 begins, 80 when it ends, at any prices at which 12 gain."""
    lab = PolicyLab(load(ROOT / "configs" / "scenarios" / "base_2025.yaml",
                         set=("scale.riders=1000", "scale.rest_riders=10")))
    assert lab.foreign.by_country().sum() == 68
    for number in range(1, 13):
        lab.foreign.enter(Month(2025, number), lab.users.prospect.price, lab.grid, lab.rules["crossborder"])
    assert lab.foreign.by_country().sum() == 80
    assert (lab.foreign.by_country() <= [30, 15, 20, 10, 15]).all()
