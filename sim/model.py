"""PolicyLab: one step is one day. The only door from the world to those who decide."""

from dataclasses import replace

import mesa
import numpy as np

from agents.generator import companies
from agents.large_user import large_users
from agents.platform import Platform
from agents.riders import Riders
from agents.storage import storage_companies
from agents.trader import traders
from agents.users import Users
from sim.calendar import Calendar, Day
from sim.config import Config
from sim.facts import Facts
from sim.messages import Conditions, Orders, Scene, Weather, Work
from sim.network.world import Ground
from sim.recorder import Memory, Recorder
from sim.registry import instruments, markets
from sim.settlement import bills, checks
from sim.settlement.journal import Journal
from sim.streams import Streams
from sim.units import HOURS


class PolicyLab(mesa.Model):
    """The laboratory: a function of config and seed, lived day by day.

    config: what `sim.config.load` gives.  seed: overrides the config's.  sink: where finished months go
    (default: kept in memory, `lab.results`).
    """

    def __init__(self, config: Config, seed: int | None = None, sink=None):
        self.seed = config.seed if seed is None else seed
        super().__init__(rng=self.seed)  # Mesa's own generators are never used: see sim.streams
        self.config, self.sink = config, sink or Memory()
        self.calendar, self.streams = Calendar(config.start, config.end), Streams(self.seed)
        self.broken: BaseException | None = None
        self._live, self.step = self.step, self._step_unless_broken  # Mesa forgets that a step raised; we do not

        self.ground = Ground(config, self.streams)
        self.grid, self.weather, self.cities = self.ground.grid, self.ground.weather, self.ground.cities
        ...
