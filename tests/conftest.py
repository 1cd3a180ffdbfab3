"""Fixtures shared by the batteries: a finished month of the toy world and days at the turn of one."""

import pytest

from sim.config import load
from sim.model import PolicyLab
from tests.labs import TOY, toy


@pytest.fixture(scope="session")
def toy_month() -> PolicyLab:
    """The toy scenario as it is, July 2025, lived to its end. For looking at: nobody may change it."""
    return PolicyLab(load(TOY)).run()


@pytest.fixture(scope="session")
def two_months() -> PolicyLab:
    """Eleven days of the toy world across the turn of a month, lived to their end. For looking at."""
    return toy(start="2025-07-26", days=11).run()


@pytest.fixture
def spoilt(monkeypatch):
    """Gives a lab whose engine finds no optimum on the day of a position (0 is the first)."""
    from sim.engines.cooptimised import CooptimisedEngine
    from sim.engines.records import ClearingError

    def make(lab: PolicyLab, day: int) -> PolicyLab:
        clear = CooptimisedEngine.clear

        def fails(engine, book, asked):
            if lab.calendar.now.index >= day:
                raise ClearingError("kSpoilt: so that somebody sees it")
            return clear(engine, book, asked)

        monkeypatch.setattr(CooptimisedEngine, "clear", fails)
        return lab
    return make
