"""The law of the toy world in 2025, for tests of the insurance room; and what it says to a bad rule."""

from datetime import date

from sim.config import load
from tests.labs import TOY

LAW = load(TOY).law.on(date(2025, 7, 1))


def refused(change: str):
    """Load the toy scenario with a change of its law (`key.param=value`)."""
    return load(TOY, set=[f"law.{change}"])
