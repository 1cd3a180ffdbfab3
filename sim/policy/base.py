"""What every policy instrument is: a key, rules and one verb."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from sim.calendar import Month
from sim.config import Section
from sim.messages import Transfer

if TYPE_CHECKING:
    from sim.facts import Facts


class Instrument(ABC):
    """An instrument turns the month's Facts into Transfers. It reads no other instrument and keeps no memory.

    key: its name in law and scenario; without the key in the law it does not exist and nothing changes.
    Rules: the law's section of this key, validated.
    """

    key: ClassVar[str]
    Rules: ClassVar[type[Section]]

    @abstractmethod
    def apply(self, month: Month, facts: "Facts", rules: Section) -> list[Transfer]:
        """The Transfers that this month gives rise to."""
