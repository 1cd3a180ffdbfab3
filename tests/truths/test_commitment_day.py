"""The commitment engine in the place of the day engine: the same lab lives, settles and closes its books."""

import numpy as np
import pytest

from sim.config import load
from sim.engines import cooptimised
from sim.engines.commitment import CommitmentEngine
from sim.network.blocks import commitment
from sim.network.ground import Ground
from sim.streams import Streams
from tests.labs import TOY, toy

DAYS = 3


def lived(monkeypatch, integral):
    """A lab that lived three July days under an engine that commits, the plan, and what the engine gave."""
    world, given = load(TOY).world, []
    plan = commitment(Ground(world, Streams(1), 2025).units(2025), world["blocks"], world["commitment"])

    class Committing(CommitmentEngine):
        """In the place of the day engine; keeps what it gave."""

        def __init__(self, network, fleet):
            super().__init__(network, fleet, plan, integral)

        def clear(self, book, day):
            given.append((day.output_before, super().clear(book, day)))
            return given[-1][1]

    monkeypatch.setattr(cooptimised, "CooptimisedEngine", Committing)
    lab = toy(days=DAYS).run()
    assert len(given) == DAYS
    return lab, plan, given


@pytest.mark.parametrize("integral", [False, True])
def test_a_lab_lives_on_with_commitment(monkeypatch, integral):
    lab, plan, given = lived(monkeypatch, integral)  # each month's close checks every book and balance
    assert lab.facts.residual < 0.01
    assert lab.facts.imbalance < 1e-4
    if integral:
        assert all((found.blocks == np.rint(found.blocks)).all() for _, found in given)
    assert all(found.kkt < 1e-6 for _, found in given)
    # what runs gives at least its least, what does not gives nothing
    for _, found in given:
        size = lab.grid.units.capacity[plan.unit] / plan.blocks
        output = found.output[plan.unit]
        assert (output <= found.blocks * size[:, None] + 1e-5).all()
        assert (output[found.blocks == 0] <= 1e-5).all()
        assert (output >= 0.3 * 0.8 * found.blocks * size[:, None] - 1e-5).all()  # 0.3 least, 0.8 in service or more


def test_a_day_begins_with_the_fewest_blocks_that_last_nights_output_needs(monkeypatch):
    lab, plan, given = lived(monkeypatch, True)
    size = lab.grid.units.capacity[plan.unit] / plan.blocks
    for output, found in given[1:]:
        on = found.blocks[:, 0] - found.started[:, 0] + found.stopped[:, 0]
        assert (on * size >= output[plan.unit] - 1e-5).all()
        assert ((on - 1) * size < output[plan.unit]).all()
