"""What every market is: a key, a rhythm, rules and one verb."""

from abc import ABC, abstractmethod
from typing import ClassVar

from sim.config import Section
from sim.messages import Clearing, Orders, Scene


class Market(ABC):
    """A market answers orders with a Clearing. It keeps no memory: what must last has a home elsewhere.

    key: its name in law and scenario.  rhythms: when it is called ("real-time", later "day-ahead", "month", "year").
    Rules: the law's section of this key, validated; `scene.rules` is what is in force today.
    """

    key: ClassVar[str]
    rhythms: ClassVar[tuple[str, ...]]
    Rules: ClassVar[type[Section]]

    @abstractmethod
    def clear(self, orders: Orders, scene: Scene) -> Clearing:
        """Answer the orders under the scene's rules."""
