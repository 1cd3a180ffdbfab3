"""Actors: institutions and populations look alike. The only file of `agents` that knows Mesa.

Four verbs: `orders` speaks, `hear` listens, a verb of its own lives (work, consume), `learn` changes one's mind
once a month.
"""

from typing import TYPE_CHECKING, get_type_hints

import mesa
import numpy as np

from sim.messages import Award, Orders, Public, Scene, Statement
from sim.units import Rows, unit_of

if TYPE_CHECKING:
    from sim.markets.base import Market


class Actor(mesa.Agent):
    """Somebody who decides.

    name: its account in the journal and its owner key on the grid.  units: rows of `grid.units` that it owns.
    """

    def __init__(self, model, name: str, units=()):
        super().__init__(model)
        self.name = name
        self.units = np.asarray(units, np.int32)

    def orders(self, market: "Market", scene: Scene) -> Orders:
        """What it offers and bids in a market today; silent unless it says otherwise."""
        return Orders.none()

    def hear(self, award: Award):
        """Take note of its own awards and of the prices."""

    def learn(self, statement: Statement, public: Public):
        """Change its mind, once a month, on its own Statement and on what everybody may see."""


class Institution(Actor):
    """A company, a trader, a platform: one of a kind, state as typed lines."""


class Population(Actor):
    """Many rows, one actor: columns are plain arrays, allocated from the `Rows[...]` annotations.

    A row keeps its index for life; who leaves is flagged and the slot renewed by a newcomer with a new identity.
    """

    def __init__(self, model, name: str, size: int):
        super().__init__(model, name)
        self.size = size
        for column, hint in get_type_hints(type(self), include_extras=True).items():
            if Rows in getattr(hint, "__metadata__", ()):
                setattr(self, column, np.zeros(size, unit_of(hint).dtype))

    def __len__(self):
        return self.size

    def __bool__(self):
        return True  # an empty population is still an actor

    def __getitem__(self, row: int) -> dict:
        """One row as a plain dict, to look at."""
        return {column: getattr(self, column)[row].item() for column in self.columns()}

    @classmethod
    def columns(cls) -> list[str]:
        """Names of the columns, in the order of their annotations."""
        return [c for c, hint in get_type_hints(cls, include_extras=True).items()
                if Rows in getattr(hint, "__metadata__", ())]


def nobody_else() -> mesa.Model:
    """A model that holds actors and never lives a day itself: for who lives some of them alone."""
    return mesa.Model(rng=1)
