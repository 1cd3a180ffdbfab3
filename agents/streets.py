"""The day's orders meet riders: stocks of both by district and hour, never order by order."""

from typing import NamedTuple

import numpy as np

from agents.platform import Offer
from sim.calendar import Day
from sim.config import BadInput, World
from sim.network.city import Cities
from sim.network.districts import districts
from sim.network.workforce import MONTH_DAYS, Spells, by_tier, normal_work
from sim.units import HOURS

ORDERS, PAY, RAIN, EXTREME = range(4)  # a month's books


class Met(NamedTuple):
    """What a day's orders and riders make of each other. asked, done: orders [city, hour].  rate: orders done by a
    rider for each that he could carry in the usual hours [city, district, segment].  late: of them, delivered late."""

    asked: np.ndarray
    done: np.ndarray
    rate: np.ndarray
    late: np.ndarray


class Streets:
    """All cities' streets: who waits where, what he can carry, and the month's books of what was carried.

    shape: (districts, segments).  pace: orders that a rider can carry on a working day [city, segment]. chance: of
    working on a day [segment].  means, sigma: CNY a month and spread of its log [city, segment]. monthly, personal:
    parts of that spread that a month and a person bring [city, segment]. tightness: what a rider found last month over
    the usual [city].  books: [group, day, book]; lost: CNY kept back [group, day]; both for each order that a rider
    could carry.

    Source: smoothed minimum of two stocks; hours by wage and target [Camerer1997, Farber2005].
    """

    def __init__(self, world: World, cities: Cities, spells: Spells):
        """Raises: BadInput where a city's orders do not give its riders their normal income."""
        self.world, self.cities, self.segments = world, cities, world["rider_segments"]
        self.settings, work = world.settings.orders, world.settings.riders.work
        tiers, s = world["rider_tiers"], self.segments
        self.districts = districts(cities.key, tiers["districts"][cities.tier], self.settings)
        self.shape = (self.districts.orders.shape[1], len(s))
        self.chance, self.fee = s["days"] / 30, tiers["fee"][cities.tier]
        shift = cities.hourly[:, None, :] ** s["peak"][:, None]
        self.shift = shift / shift.sum(axis=2, keepdims=True)
        self.means, self.sigma = by_tier(world, "mean")[cities.tier], by_tier(world, "sigma")[cities.tier]
        # days are drawn too: what they add to the variance is taken from the monthly and the personal part
        toss = np.log1p((1 - self.chance) / (self.chance * MONTH_DAYS))
        part = work.transitory
        self.monthly = np.sqrt(np.maximum(part * self.sigma**2 - toss, 0))
        self.personal = np.sqrt(np.maximum((1 - part) * self.sigma**2 - np.log1p(s["spread"] ** 2 / 3), 0))
        present = 1 - spells.newcomers * (1 - (1 + work.first_month**2) / 2)
        workers = cities.riders[:, None] * s["share"] * present * self.chance
        self.workers = self.districts.station[:, :, None] * workers[:, None, :]
        self.pace = self._balanced(normal_work(world)[cities.tier])
        normal = cities.orders[:, None] * cities.hourly / HOURS
        self.usual = self._met(normal, self.workers * self.pace[:, None, :]).rate
        self.tightness = np.ones(len(cities))

    def _balanced(self, work: np.ndarray) -> np.ndarray:
        """The pace at which normal orders meet the normal number of riders and leave each `work` on a normal day."""
        cities = self.cities
        asked, workers = cities.orders[:, None] * cities.hourly / HOURS, self.workers.sum(axis=1)
        short = (workers * work).sum(axis=1) >= asked.sum(axis=1)
        if (short & (cities.riders > 0)).any():
            i = int(np.flatnonzero(short)[0])
            raise BadInput(self.world["cities"].fault(
                i, "orders", f"{cities.orders[i]:g} a day leave the riders below their incomes (rider_incomes.csv); "
                             f"expected more than {(workers * work)[i].sum():.0f}"))
        pace = work.copy()
        for _ in range(10_000):
            rate = self._met(asked, self.workers * pace[:, None, :]).rate
            mean = np.einsum("cds,cd->cs", rate, self.districts.station)
            better = np.where(mean > 0, work / np.maximum(mean, 1e-12), work)
            if np.allclose(better, pace, rtol=1e-12, atol=0):
                break
            pace = better
        return pace

    def open_month(self, days: int):
        """Turn the month's page: empty books, and what riders found last month."""
        groups = len(self.cities) * self.shape[0] * self.shape[1]
        self.books, self.lost = np.zeros((groups, days, 4)), np.zeros((groups, days))
        self.effort = np.zeros((len(self.cities), self.shape[1]))
        self.found, self.days = np.zeros((2, len(self.cities))), days

    def close_month(self):
        """Remember what riders found this month over the usual."""
        found, usual = self.found
        self.tightness = np.where(usual > 0, found / np.where(usual > 0, usual, 1), 1.0)

    def live(self, day: Day, rain: np.ndarray, capacity: np.ndarray, offer: Offer) -> tuple[Met, np.ndarray]:
        """A day: orders meet riders, the books are written. Gives what was met, and the pay, CNY [city].

        rain: 0 dry, 1 rain, 2 extreme [city].  capacity: orders that who works today could carry in his usual hours
        [group].
        """
        effort = hours(offer.fee / self.fee * self.tightness, self.world.settings.riders.effort)[:, None]
        capacity = capacity.reshape(len(self.cities), *self.shape)
        usual = self.workers * self.pace[:, None, :] * self.cities.level(day.month)
        asked = self.cities.asked(day, rain) * offer.demand[:, None]
        met = self.meet(asked, capacity * effort[..., None], usual * effort[..., None])
        rate, late = met.rate * effort[..., None], met.late * effort[..., None]
        pay = rate * offer.fee[:, None, None]
        lost = late * offer.penalty[:, None, None]
        wet = rain[:, None, None]
        for book, value in ((ORDERS, rate), (PAY, pay - lost), (RAIN, rate * (wet == 1)), (EXTREME, rate * (wet == 2))):
            self.books[:, day.date.day - 1, book] = value.ravel()
        self.lost[:, day.date.day - 1] = lost.ravel()
        self.effort += effort
        season = self.cities.season[:, day.date.month - 1]
        self.found += (met.rate * usual).sum(axis=(1, 2)), (self.usual * usual).sum(axis=(1, 2)) * season
        return met, (capacity * (pay - lost)).sum(axis=(1, 2))

    def meet(self, asked: np.ndarray, capacity: np.ndarray, usual: np.ndarray) -> Met:
        """Orders meet the riders who are there, or, where orders are fixed for each rider, the usual number of them."""
        if not self.settings.per_rider:
            return self._met(asked, capacity)
        met = self._met(asked, usual)
        ridden = (capacity * met.rate).sum(axis=(1, 2)) / np.maximum((usual * met.rate).sum(axis=(1, 2)), 1e-300)
        return met._replace(asked=met.asked * ridden[:, None], done=met.done * ridden[:, None])

    def _met(self, asked: np.ndarray, capacity: np.ndarray) -> Met:
        """The matching by city, district and hour: asked [city, hour], capacity [city, station, segment]."""
        d, late, power = self.districts, self.settings.late, self.settings.late_power
        ready = d.reach.transpose(0, 2, 1) @ (capacity @ self.shift)
        wanted = asked[:, None, :] * (d.orders * d.effort)[:, :, None]  # in orders of the usual length
        busy = meet(wanted, ready)
        short = np.minimum(late * np.minimum(wanted / np.maximum(ready, 1e-9), 1e3) ** power, 1.0)
        carried = busy / d.effort[:, :, None]
        done = (carried * ready).sum(axis=1)
        rate, late = (d.reach @ each @ self.shift.transpose(0, 2, 1) for each in (carried, carried * short))
        return Met(asked, done, rate, late)


def meet(asked: np.ndarray, ready: np.ndarray) -> np.ndarray:
    """How busy riders are where orders D meet what riders could carry K: Q / K with Q = D K / (D^4 + K^4)^(1/4).

    Nobody does more than he can, and no more is done than is asked; 0 where there are no orders or no riders.
    """
    most = np.maximum(asked, ready)
    scale = np.where(most > 0, most, 1.0)  # both sides over the larger one: fourth powers stay in range
    d, k = asked / scale, ready / scale
    return np.where((d > 0) & (k > 0), d / np.maximum(d**4 + k**4, 1e-300) ** 0.25, 0.0)


def hours(wage: np.ndarray, settings) -> np.ndarray:
    """Hours worked over the usual ones at an hour's pay over the usual one: (1 - target) w^elasticity + target / w."""
    wage = np.clip(wage, 0.25, 4.0)  # nobody's day is four times as long
    return (1 - settings.target) * wage**settings.elasticity + settings.target / wage
