"""Days, months and years: what opens and closes when. All times are Beijing time."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

WET_MONTHS = frozenset({6, 7, 8, 9, 10})  # 1 June - 31 October, the settlement calendar of the southern spot market
SEASONS = ("winter", "spring_autumn", "summer")  # of daily shapes, not of water


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month."""

    year: int
    month: int

    @classmethod
    def of(cls, when: date) -> "Month":
        """The month in which a date lies."""
        return cls(when.year, when.month)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def days(self) -> int:
        """Number of its days."""
        return monthrange(self.year, self.month)[1]

    @property
    def wet(self) -> bool:
        """In the wet season of the settlement calendar (June to October)."""
        return self.month in WET_MONTHS

    @property
    def number(self) -> int:
        """Months since year 0: differences count months."""
        return self.year * 12 + self.month - 1

    def later(self, months: int) -> "Month":
        """The month so many months on (or back, if negative)."""
        year, month = divmod(self.number + months, 12)
        return Month(year, month + 1)

    def __str__(self):
        return f"{self.year:04d}-{self.month:02d}"


@dataclass(frozen=True)
class Day:
    """One day of a run and what it opens and closes.

    index: 0 for the run's first day. The run's first day opens its month and year, its last day closes them,
    so a period of a few days is settled too (its month is then a partial one).
    """

    date: date
    index: int
    opens_month: bool
    closes_month: bool
    opens_year: bool
    closes_year: bool

    @property
    def month(self) -> Month:
        """The month in which the day lies."""
        return Month.of(self.date)

    @property
    def ordinal(self) -> int:
        """Days since 1 January of year 1: the date's address in random streams."""
        return self.date.toordinal()

    @property
    def weekend(self) -> bool:
        """Saturday or Sunday."""
        return self.date.weekday() >= 5

    @property
    def wet(self) -> bool:
        """In the wet season of the settlement calendar (June to October)."""
        return self.month.wet

    @property
    def season(self) -> str:
        """Season of the daily load and solar shapes."""
        month = self.date.month
        return "winter" if month in (12, 1, 2) else "summer" if month in (6, 7, 8) else "spring_autumn"

    def __str__(self):
        return self.date.isoformat()


class Calendar:
    """The run's days, turned one at a time.

    Raises: RuntimeError when turned past the last day.
    """

    def __init__(self, start: date, end: date):
        self.start, self.end = start, end
        self.now: Day | None = None

    def __len__(self):
        return (self.end - self.start).days + 1

    def turn(self) -> Day:
        """Move to the next day and give it."""
        index = 0 if self.now is None else self.now.index + 1
        if index >= len(self):
            raise RuntimeError(f"the period ends on {self.end}")
        self.now = self.day(index)
        return self.now

    def day(self, index: int) -> Day:
        """The day at a position, without turning to it."""
        today = self.start + timedelta(days=index)
        tomorrow = today + timedelta(days=1)
        first, last = index == 0, today == self.end
        return Day(
            date=today,
            index=index,
            opens_month=first or today.day == 1,
            closes_month=last or tomorrow.day == 1,
            opens_year=first or (today.month, today.day) == (1, 1),
            closes_year=last or (today.month, today.day) == (12, 31),
        )
