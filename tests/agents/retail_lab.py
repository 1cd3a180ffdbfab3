"""A shop without network and markets: accounts and retailers of a world, and a way to live their months at stated
prices."""

from pathlib import Path
from types import SimpleNamespace

import mesa
import numpy as np

from agents.retail_room import shop
from sim.calendar import Month
from sim.config import load
from sim.retail import RetailMonth
from sim.streams import Streams

START = Month(2022, 1)
SCENARIOS = Path(__file__).parents[2] / "configs" / "scenarios"


class RetailLab:
    """normal: CNY/MWh [12], the price that everybody expects of each month; power: MW, mean use of each served row."""

    def __init__(self, *changes: str, users: int = 1000, seed: int = 7, scenario: str = "toy", normal=200.0, power=60.0,
                 start: Month = START):
        config = load(SCENARIOS / f"{scenario}.yaml", set=[f"scale.users={users}", *changes], seed=seed)
        rows = len(config.world["load_split"])
        world = SimpleNamespace(zone=np.zeros(rows, int), at_retail=np.zeros(rows, bool))
        self.accounts, self.retailers, self.shop = shop(mesa.Model(rng=1), config, world, Streams(seed))
        self.law, self.month = config.law, start
        self.normal = np.broadcast_to(np.asarray(normal, float), (1, 12))
        self.power = np.full(len(self.accounts.rows), float(power))
        self.shop.begin()

    def live(self, factors) -> list[RetailMonth]:
        """Live months whose wholesale price is these multiples of the normal one."""
        lived = []
        for factor in factors:
            book = self.law.on(self.month.first)
            lived.append(self.shop.rehearse(self.month, self.normal, factor, self.power, book["retail"],
                                            book["credit"]))
            self.month = self.month.later(1)
        return lived


def walk(seed: int, months: int, spread: float = 0.12) -> np.ndarray:
    """Multiples of the normal price, month by month, addressed by the seed."""
    return np.maximum(1 + spread * Streams(seed)["prices"].normals(np.arange(months)), 0.4)
