"""Every lever on the riders' insurance moves what it is meant to move, and at its neutral value moves nothing.

Nine months of the toy world's riders from April 2025, when Quanzhou's subsidy begins (Kunming's does in September),
under one seed. A lever is a law key: what is changed, what is measured, which way it must go. Changes at rest leave
every rider as he was.
"""

from dataclasses import astuple, dataclass

import numpy as np
import pytest

from experiments.riders_alone import RidersAlone
from sim.config import load
from tests.labs import TOY

BOTH = ("kunming", "quanzhou")


@dataclass(frozen=True)
class Lived:
    """What nine months came to. enrolled, subsidised: person-months; of the enrolled, kunming: who worked there,
    at_work: who were insured where they worked.  accounts: CNY in riders' own accounts at the end.  state, platform:
    fen that they paid.  last: who paid in the last month, and on which base, [row]."""

    enrolled: int
    subsidised: int
    kunming: int
    at_work: int
    accounts: float
    state: int
    platform: int
    last: tuple[np.ndarray, np.ndarray]


def lived(*changes: str) -> Lived:
    """The riders of the toy world, April to December 2025, under a changed law."""
    world = RidersAlone(load(TOY, set=list(changes), seed=5, start="2025-04-01", end="2025-12-31"))
    sums, pages = dict.fromkeys(("enrolled", "subsidised", "kunming", "at_work", "government", "platform"), 0), []

    def note(month):
        people, pages[:] = month.people, [month.people]
        paying = people.enrolled * people.weight
        sums["enrolled"] += int(paying.sum())
        sums["kunming"] += int(paying[people.city == 0].sum())
        sums["at_work"] += int(paying[people.here].sum())
        for bill in month.transfers:
            if bill.payer in ("government", "platform"):
                sums[bill.payer] += bill.total
            if bill.bill == "pension subsidy":
                sums["subsidised"] += int(np.broadcast_to(bill.weight, bill.row.shape).sum())

    world.live(note)
    return Lived(sums["enrolled"], sums["subsidised"], sums["kunming"], sums["at_work"],
                 float(world.riders.account.sum()), sums["government"], sums["platform"],
                 (pages[0].enrolled, pages[0].chosen))


@pytest.fixture(scope="module")
def base():
    """The law as it is."""
    return lived()


def everywhere(key: str, since: str) -> tuple[str, ...]:
    """A start in both cities."""
    return tuple(f"law.{key}.{city}={since}" for city in BOTH)


DEFAULT, CAMPAIGN = (everywhere(f"participation.{name}_start", "2025-04") for name in ("automatic", "campaign"))
WORKPLACE = ("law.pension_subsidy.place=workplace",)  # or who comes from afar insures at home and moves nothing
LEVERS = {  # what is changed, what is measured, whether it rises, and what it is compared with if not the law as it is
    "default enrolment": (("law.participation.automatic=1.86", *DEFAULT), "enrolled", True),
    "information campaign": (("law.participation.reached=0.5", *CAMPAIGN), "enrolled", True),
    "an earlier start in one city": (("law.pension_subsidy.start.kunming=2025-04",), "kunming", True),
    "a later start in one city": (("law.pension_subsidy.start.kunming=2026-04",), "kunming", False),
    "a higher match": (("law.pension_subsidy.match=0.8",), "enrolled", True),
    "a lower match": (("law.pension_subsidy.match=0.2",), "enrolled", False),
    "an easier threshold": (("law.pension_subsidy.threshold_months=1",), "subsidised", True),
    "a harder threshold": (("law.pension_subsidy.threshold_months=6",), "subsidised", False),
    "a longer window": (("law.pension_subsidy.window_months=8",), "subsidised", True),
    "a shorter window": (("law.pension_subsidy.window_months=3",), "subsidised", False),
    "the place of work alone": (("law.pension_subsidy.place=workplace",), "subsidised", False),
    "the place of work alone, and who insures there": (WORKPLACE, "at_work", True),
    "the place of hukou instead of that of work": (("law.pension_subsidy.place=hukou",), "at_work", False, WORKPLACE),
    "no trouble with transfers": (("law.participation.trouble=0",), "enrolled", True),
    "transfers that cost ten times as much": ((*WORKPLACE, "law.participation.moving=10"), "at_work", False, WORKPLACE),
    "transfers that lose nothing": (("law.participation.lost=0",), "at_work", True),
    "a national pool": (("law.pension_transfer.national=true",), "at_work", True),
    "contributions by the order": (("law.order_scheme.platform=0.2",), "accounts", True),
    "contributions by the order of the state": (("law.order_scheme.government=0.1",), "state", True),
    "the state's part of the subsidy": (("law.pension_subsidy.government=0.5",), "state", True),
    "the state instead of the platform": (("law.pension_subsidy.government=1",), "platform", False),
    "interest on accounts": (("law.pension_account.interest=0.06",), "accounts", True),
}
AT_REST = {
    "default enrolment": ("law.participation.automatic=0", *DEFAULT),
    "information campaign": ("law.participation.reached=0", *CAMPAIGN),
    "portability": ("law.participation.trouble=1", "law.participation.moving=1", "law.participation.lost=1",
                    "law.pension_transfer.national=false"),
    "contributions by the order": ("law.order_scheme.platform=0", "law.order_scheme.rider=0"),
    "subsidy": ("law.pension_subsidy.government=0", "law.pension_subsidy.place=choice"),
}


@pytest.mark.parametrize("lever", LEVERS)
def test_a_lever_moves_what_it_is_meant_to_move(lever, base):
    changes, measure, rises, *beside = LEVERS[lever]
    before, after = (getattr(one, measure) for one in (lived(*beside[0]) if beside else base, lived(*changes)))
    assert (after > before) if rises else (after < before), (before, after)


@pytest.mark.parametrize("lever", AT_REST)
def test_at_its_neutral_value_a_lever_leaves_every_rider_as_he_was(lever, base):
    still = lived(*AT_REST[lever])
    assert astuple(still)[:-1] == astuple(base)[:-1]
    for one, other in zip(still.last, base.last):
        assert np.array_equal(one, other)


def test_a_match_of_nothing_is_no_subsidy():
    none, off = lived("law.pension_subsidy.match=0"), lived("instruments.pension_subsidy=false")
    assert none.subsidised == off.subsidised == 0
    assert none.enrolled == pytest.approx(off.enrolled, rel=0.01)  # who has heard of it reviews more often
