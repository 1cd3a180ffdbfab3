"""Two policies under one seed are lived by the same people: what differs between the runs is what the policy does.

Draws are addressed by person and month, newcomers by slot and how many had it before. So a subsidy more or less changes
who pays, and through the hold of a subsidy a little who stays; it makes nobody decide against it by chance. Were draws
taken in sequence, half of all that is random would differ.
"""

import numpy as np
import pytest

from experiments.riders_alone import RidersAlone
from sim.config import load
from sim.insurance.window import eligible
from tests.labs import ROOT

TOY = ROOT / "configs" / "scenarios" / "toy.yaml"


def after_nine_months(seed, *changes):
    """The last page of People of the toy world's riders, April to December 2025."""
    world, pages = RidersAlone(load(TOY, set=list(changes), seed=seed, start="2025-04-01", end="2025-12-31")), []
    world.live(lambda lived: pages.append(lived.people))
    return pages[-1]


@pytest.fixture(scope="module")
def pair():
    """With the subsidy, without it, and with it under another seed."""
    return (after_nine_months(3), after_nine_months(3, "instruments.pension_subsidy=false"), after_nine_months(4))


def test_nearly_every_slot_holds_the_same_person_under_both_policies(pair):
    helped, alone, _ = pair
    assert (helped.identity & 0xFFF > 0).mean() > 0.4  # many have come and gone
    assert (helped.identity == alone.identity).mean() > 0.99


def test_the_subsidy_makes_many_pay_and_nobody_leave(pair):
    helped, alone, _ = pair
    same = (helped.identity == alone.identity) & eligible(helped.met, 3, 6) & eligible(alone.met, 3, 6)
    won, lost = helped.enrolled & ~alone.enrolled & same, alone.enrolled & ~helped.enrolled & same
    assert won.sum() > 15
    assert lost.sum() <= 1


def test_what_the_policy_does_not_touch_is_the_same_for_the_same_person(pair):
    helped, alone, _ = pair
    same = helped.identity == alone.identity
    for column in ("segment", "age", "swaps", "dependants"):
        assert np.array_equal(getattr(helped, column)[same], getattr(alone, column)[same]), column
    assert (helped.city == alone.city)[same].mean() > 0.99  # friends who stayed draw some elsewhere


def test_under_another_seed_other_people_pay(pair):
    helped, _, other = pair
    assert (helped.enrolled != other.enrolled).mean() > 0.05
