"""Retail without the network: what credit and the platform change, in paired seeds, in seconds instead of years.

Accounts, retailers, normal prices and use are a scenario's own; months settle at multiples of the normal price that
vary as stated, and contracts are had at the normal price. What a whole run finds differs by what contracts really cost.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.calendar import Month
from sim.config import BadInput, Config, load
from sim.model import PolicyLab
from sim.retail import RetailMonth
from sim.streams import Streams

LEAST = 0.4  # of the normal price


@dataclass(frozen=True)
class Saved:
    """What credit does over some months. lost: CNY [seed, 2] that failing retailers owe and nobody pays, with credit
    and without; called: CNY [seed] that guarantors pay; fees: CNY [seed] that guarantees cost."""

    lost: np.ndarray
    called: np.ndarray
    fees: np.ndarray

    @property
    def share(self) -> float:
        """Share of the losses that credit saves, over all seeds; nan where nobody ever failed."""
        with_it, without = self.lost.sum(axis=0)
        return float(1 - with_it / without) if without > 0 else np.nan


def walk(seed: int, months: int, spread: float) -> np.ndarray:
    """Multiples of the normal price, month by month, addressed by the seed."""
    return np.maximum(1 + spread * Streams(seed)["rehearsal/prices"].normals(np.arange(months)), LEAST)


def lived(config: Config, factors: np.ndarray) -> list[RetailMonth]:
    """Live months from a scenario's start on that settle at multiples of the normal price.

    Raises: BadInput for a scenario without accounts.
    """
    lab, month, found = PolicyLab(config), Month.of(config.start), []
    if lab.shop is None:
        raise BadInput(f"{config.path}: scale.users: is 0; expected accounts that buy at retail")
    normal = lab.shop.expected(lab.users, lab.facts.public, month)
    for factor in factors:
        book = config.law.on(month.first)
        power = lab.users.expected[month.month - 1, lab.accounts.rows].mean(axis=1)
        found.append(lab.shop.rehearse(month, normal, float(factor), power, book["retail"], book["credit"]))
        month = month.later(1)
    return found


def credit_saves(scenario: Path, seeds: tuple[int, ...], months: int = 60, spread: float = 0.25, set=()) -> Saved:
    """What credit saves of default losses and what it costs, a pair of lives a seed at the same prices."""
    lost, called, fees = [], [], []
    for seed in seeds:
        pair = [lived(load(scenario, set=[*set, f"law.credit.enforced={on}", f"law.credit.disclosed={on}"], seed=seed),
                      walk(seed, months, spread)) for on in ("true", "false")]
        lost.append([sum(month.lost.sum() for month in one) / 100 for one in pair])
        called.append(sum(month.called.sum() for month in pair[0]) / 100)
        fees.append(sum(month.fees.sum() for month in pair[0]) / 100)
    return Saved(np.array(lost), np.array(called), np.array(fees))
