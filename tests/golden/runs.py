"""The runs whose figures are kept, and which of their figures."""

from pathlib import Path

from sim.registry import instruments, markets
from sim.schema import SWITCHED
from tests.labs import altered, drop, toy

FILE = Path(__file__).with_name("toy.json")
RUNS = {"a wet month": {"start": "2025-07-01", "days": 31}, "the turn of a year": {"start": "2025-12-15", "days": 28}}
# one spot market that clears and settles every day once, and the riders' two instruments: all there was at first
FIRST = ("law.spot.regime=spot", "law.spot.ahead=false", "law.spot.rent=kept")
FIRST_KEYS = ("spot", "pension_subsidy", "injury_insurance")
KEPT = (("price", "HILLS"), ("price", "COAST"), ("generation.hydro", "HILLS"), ("generation.coal", "COAST"),
        ("exports.COAST", "HILLS"), ("curtailed.wind", "HILLS"), ("discharged.pumped_hydro", "COAST"), ("rent", "all"),
        ("large_users", "HILLS"), ("orders", "kunming"), ("charging", "quanzhou"), ("income", "quanzhou"),
        ("eligible_share", "quanzhou"), ("enrolled_share", "kunming"), ("enrolled_share", "quanzhou"))


def figures() -> dict[str, dict]:
    """What every run ends with, by its name: head; balance, fen by account; figures, value and unit by date, place and
    indicator."""
    return {name: _ended(toy(**period).run()) for name, period in RUNS.items()}


def as_at_first(folder: Path, **period):
    """The lab without what the first runs did not have: later markets and instruments are off, developers have nothing
    to build, the hills have no battery, and nobody may pay on a higher contribution base than the lowest. folder: for
    the altered world."""
    world = altered(folder, {"stores": lambda row: None if row["key"] == "battery_HILLS" else row, "projects": drop},
                    settings={"riders": {"enrolment": {"levels": [1]}}})
    later = [f"{kind}.{key}=false" for kind, found in (("markets", markets()), ("instruments", instruments()))
             for key in found if key not in FIRST_KEYS]
    later += [f"instruments.{key}=false" for key in SWITCHED]
    return toy(*FIRST, *later, scenario=world, **period)


def _ended(lab) -> dict:
    table = lab.results.indicators
    kept = table[[pair in KEPT for pair in zip(table["indicator"], table["zone"])]]
    return {"head": lab.journal.head, "balance": dict(lab.journal.balance),
            "figures": {f"{row.date.date()} {row.zone} {row.indicator}": [row.value, row.unit]
                        for row in kept.itertuples()}}
