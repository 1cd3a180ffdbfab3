"""The riders' world without its electricity: for questions that no price of a MWh can answer.

Riders work, are paid, billed, served by the instruments of the riders' law and learn, as in the whole model; weather
and draws are those of a whole run with the same seed. A month is a page of `People` and the transfers that concern
riders.
"""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np

from agents.base import nobody_else
from agents.platform import Platform
from agents.riders import Riders
from sim.calendar import Calendar, Month
from sim.config import Config
from sim.insurance.experience import Experience
from sim.messages import People, Transfer
from sim.network.city import Cities
from sim.registry import instruments
from sim.settlement import bills
from sim.streams import Streams
from sim.weather import Profiles
from sim.weather import Weather as Driver


class Lived(NamedTuple):
    """A month that has been lived: what it showed, and the transfers that were made in it.

    posted: transfers that moved in it, those of earlier months among them.  net: fen of one person [row], received less
    paid but for living.
    """

    month: Month
    people: People
    transfers: list[Transfer]
    posted: list[Transfer]
    net: np.ndarray


NO_GRID = SimpleNamespace(link_owner=(), units=SimpleNamespace(owner=np.array([], object)))
OF_POWER = {"carbon", "mechanism_price", "pass_through"}  # instruments of electricity; all others read people


class RidersAlone:
    """The riders of a scenario and what surrounds them, day by day. riders, cities, platform, law: as in
    `PolicyLab`."""

    def __init__(self, config: Config, seed: int | None = None):
        """Raises: BadInput as the whole model does."""
        world, self.law = config.world, config.law
        self.calendar = Calendar(config.start, config.end)
        self.streams = streams = Streams(config.seed if seed is None else seed)
        profiles = Profiles(world["profiles_month"], world["profiles_day"])
        self.cities = Cities(world, profiles)
        self.weather = Driver(
            streams, zones=tuple(dict.fromkeys(world["buses"]["zone"])), basins=list(world["basins"]["key"]),
            cities=list(world["cities"]["climate"]), climate=world["climate"],
            pairs=world["weather_pairs"], profiles=profiles,
            settings=world.settings.weather, first=world.covers.start, last=world.covers.end)
        model = nobody_else()
        self.riders = Riders(model, world, self.cities, config.scale, streams, self.law, config.start)
        self.platform = Platform(model, world, self.law)
        self.instruments = {key: instrument() for key, instrument in instruments().items() if key not in OF_POWER}
        self.experience, self.commission = Experience(len(self.cities)), np.zeros(len(self.cities))
        self._later: list[Transfer] = []

    def live(self, each: Callable[[Lived], None]):
        """Live the period to its end; each: told every month at its close."""
        for lived in self.months():
            each(lived)
            del lived  # a page of people and its transfers, which would stand beside the next month's

    def months(self) -> Iterator[Lived]:
        """Live the period to its end, a month at a time."""
        while self.calendar.now is None or self.calendar.now.date < self.calendar.end:
            day = self.calendar.turn()
            offer = self.platform.offers(day)
            work = self.riders.work(day, self.weather.draw(day), self.cities, offer)
            self.commission += work.done.sum(axis=1) * offer.commission
            if day.closes_month:
                yield self.close(day.month)

    def close(self, month: Month) -> Lived:
        """Close a month: bills, what instruments give, what riders learn from it."""
        rules = self.law.on(self.calendar.now.date)
        people = self.riders.close(month, rules)
        facts = SimpleNamespace(month=month, people=people, cities=self.cities, grid=NO_GRID, streams=self.streams,
                                experience=self.experience, commission=self.commission,
                                swap_rebate=None)  # cabinets earn nothing where nothing is traded
        transfers = bills.of(facts, rules)
        for key, instrument in self.instruments.items():
            if key in rules:
                transfers += instrument.apply(month, facts, rules[key])
        self.experience.close(people)
        self.commission = np.zeros(len(self.cities))
        due = [*self._later, *transfers]
        self._later = [transfer for transfer in due if transfer.due not in (None, month)]
        statements, public = bills.statements(due, facts), SimpleNamespace(peer_share=self.riders.peer_share())
        for actor in (self.platform, self.riders):
            actor.learn(statements[actor.name], public)
        posted = [transfer for transfer in due if transfer.due in (None, month)]
        return Lived(month, people, transfers, posted, self.riders.net)


def takeup(riders: Riders, people: People, threshold: int = 3, window: int = 6) -> float:
    """Enrolled share of the persons whose window meets the subsidy's conditions; nan where there is none."""
    last = people.met & np.uint8((1 << window) - 1)
    who = ((people.met & 1) > 0) & (np.bitwise_count(last) >= threshold)
    weight = people.weight[who]
    return float((people.enrolled[who] * weight).sum() / weight.sum()) if weight.sum() else np.nan
