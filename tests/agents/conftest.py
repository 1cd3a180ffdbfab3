"""A small rider population without the rest of the lab, and a way to live its months."""

from datetime import date
from pathlib import Path

import mesa
import numpy as np
import pytest

from agents.platform import Platform
from agents.riders import Riders
from sim.calendar import Calendar
from sim.config import load
from sim.messages import Public, Statement, Weather
from sim.network.city import Cities
from sim.streams import Streams
from sim.weather import Profiles

SCENARIOS = Path(__file__).parents[2] / "configs" / "scenarios"


class RiderLab:
    """The riders of the toy world, their platform and a journal's worth of statements; no electricity, no market.

    Of the bills a rider's purse sees pay, swap fees and contributions, and what is in `gifts` (fen [row], by bill).
    """

    def __init__(self, config, rows=2000, seed=7, start=date(2025, 7, 1), scale=None):
        world = config.world
        self.config, self.law = config, config.law
        self.cities = Cities(world, Profiles(world["profiles_month"], world["profiles_day"]))
        model = mesa.Model(rng=1)
        self.riders = Riders(model, world, self.cities, scale or {"riders": rows, "rest_riders": 0}, Streams(seed),
                             self.law, start)
        self.platform = Platform(model, world, self.law)
        self.public = Public(None, None, None, None, self.riders.peer_share())
        self.start = start
        self.work, self.people, self.gifts = [], None, {}

    def live(self, end, rain=0):
        """Live from the last day lived to `end`, closing months; every city has the same weather."""
        calendar = Calendar(self.start, end)
        for _ in range(len(calendar)):
            day = calendar.turn()
            self.work_day(day, rain)
            if day.closes_month:
                self.close(day.month)
        self.start = date.fromordinal(end.toordinal() + 1)

    def work_day(self, day, rain=0):
        """One day's work."""
        weather = Weather(day, None, None, None, None, None, np.full(len(self.cities), rain))
        if day.opens_month:
            self.work = []
        self.work.append(self.riders.work(day, weather, self.cities, self.platform.offers(day)))

    def close(self, month):
        """Close a month: bills, learning, what becomes public."""
        rules = self.law.on(month.first)
        self.people = people = self.riders.close(month, rules)
        self.public.peer_share = self.riders.peer_share()
        fee = int(rules["swap"].subscription * 100)
        paid = {"swap fee": people.swaps * fee, "pension contribution": people.enrolled * people.premium}
        received = {"pay of orders": people.income} | self.gifts
        row = dict.fromkeys([*paid, *received], people.identity)
        self.riders.learn(Statement(month, received, paid, row), self.public)


@pytest.fixture(scope="session")
def toy():
    """The toy scenario, read once."""
    return load(SCENARIOS / "toy.yaml")


@pytest.fixture
def rider_lab(toy):
    """Makes rider labs in the toy world: `rider_lab(rows=500, seed=3)`."""

    def make(config=toy, **settings):
        return RiderLab(config, **settings)

    return make
