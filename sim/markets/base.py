"""What every market is: a key, a rhythm, rules and one verb."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from sim.calendar import Month
from sim.config import Section
from sim.messages import Clearing, Conditions, Orders, Scene, Transfer

if TYPE_CHECKING:
    from sim.engines.records import Products, Reserve
    from sim.facts import Facts
    from sim.law import Rulebook
    from sim.network.grid import Grid


class Market(ABC):
    """A market answers orders with a Clearing, and says at the month's close what is owed for it.

    It keeps no memory: what must last has a home elsewhere (positions, certificates, the trades in Facts).
    key: its name in law and scenario.  rhythms: when it is called: "year", "month" (as they open), "day-ahead",
    "real-time".
    Rules: the law's section of this key, validated; `scene.rules` is what is in force today.
    closes_itself: whether its bills leave nothing in the grid company's account; what the others leave is closed by the
    system levy.
    after_spot: whether it answers after the spot market has; all others do so in the order of their files.
    barred: rhythms at which nobody may sell in it whom the law bars from new contracts ahead for bad credit.
    surplus: whether owners offer in it what they have left over, and users bid for what they have not bought, though
    they know nothing else of it: so that a market of one's own finds somebody to trade.
    """

    closes_itself: ClassVar[bool] = False
    after_spot: ClassVar[bool] = False
    barred: ClassVar[tuple[str, ...]] = ()
    surplus: ClassVar[bool] = False
    key: ClassVar[str]
    rhythms: ClassVar[tuple[str, ...]]
    Rules: ClassVar[type[Section]]

    @abstractmethod
    def clear(self, orders: Orders, scene: Scene) -> Clearing:
        """Answer the orders under the scene's rules."""

    def holds(self, orders: Orders, scene: Scene) -> "tuple[Products, Reserve] | None":
        """What the spot market must hold back for it when it clears; nothing unless it says otherwise."""
        return None

    def leaves(self, conditions: Conditions, sold: Clearing, grid: "Grid") -> Conditions:
        """The day as real time finds it beside what was sold here a day ahead; all of it unless it says otherwise."""
        return conditions

    @classmethod
    def check(cls, book: "Rulebook"):
        """Refuse rules that contradict those of another market: none unless it says otherwise. Raises: BadInput."""
        return

    def bill(self, month: Month, facts: "Facts", rules: Section) -> list[Transfer]:
        """The Transfers that this market gives rise to in a month; none unless it says otherwise."""
        return []
