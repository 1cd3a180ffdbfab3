"""The law asks for commitment: the same lab lives, settles and closes its books; real time runs what was committed."""

import numpy as np
import pytest

from sim.config import BadInput
from tests.labs import toy

DAYS = 3


def lived(rule):
    """A lab that lived three July days under a rule of commitment, with every dispatch that it heard of."""
    lab, heard = toy(f"law.spot.commitment={rule}", days=DAYS), []
    tell = lab.facts.tell
    lab.facts.tell = lambda clearing: (heard.append(clearing), tell(clearing))[1]
    lab.run()  # each month's close checks every book and balance
    return lab, [c for c in heard if c.market == "spot" and c.rhythm == "day-ahead"]


@pytest.mark.parametrize("rule", ["relaxed", pytest.param("integer", marks=pytest.mark.campaign)])
def test_a_lab_lives_on_with_commitment(rule):
    lab, ahead = lived(rule)
    assert lab.facts.residual < 0.01
    assert lab.facts.imbalance < 1e-4
    plan, units = lab.grid.commitment, lab.grid.units
    assert len(ahead) == DAYS
    size = (units.capacity[plan.unit] / plan.blocks)[:, None]
    for found in ahead:
        if rule == "integer":
            assert (found.blocks == np.rint(found.blocks)).all()
        output = found.output[plan.unit]
        assert (output <= found.blocks * size + 1e-5).all()
        assert (output[found.blocks == 0] <= 1e-5).all()
        assert (output >= 0.3 * 0.8 * found.blocks * size - 1e-5).all()  # 0.3 least, 0.8 in service or more
    assert {int(b) for found in ahead for b in np.unique(found.blocks)} != {0}


def test_real_time_runs_what_was_committed_a_day_ahead():
    lab, ahead = lived("integer")
    plan, units = lab.grid.commitment, lab.grid.units
    size = (units.capacity[plan.unit] / plan.blocks)[:, None]
    blocks = np.concatenate([found.blocks for found in ahead], axis=1)
    given = lab.facts.output[plan.unit]
    assert (given <= blocks * size + 1e-5).all()
    assert (given[blocks == 0] <= 1e-5).all()
    assert (blocks == 0).any(), "everything always runs: the claim would say nothing"


def test_hours_that_clear_alone_cannot_commit():
    with pytest.raises(BadInput, match=r"cannot commit plants; expected commitment must-run"):
        toy("law.spot.commitment=relaxed", "law.spot.engine=hour", "law.spot.storage_scheduling=own",
            "law.ancillary.mode=sequential")


def test_under_n_1_lines_carry_together_what_one_of_them_can_alone_for_a_while():
    """Two circuits between the hill buses, 300 and 180 MW. If the larger is lost the other carries all, to 1.2 of its
    capacity for a while: 216 MW. Without the rule they carry 334 at most in these days."""
    plain, secure = (toy(f"law.spot.security={rule}", "law.spot.circuit=1000", days=5).run()
                     for rule in ("none", "n-1"))
    most = [np.abs(lab.facts.line_flow).sum(axis=0).max() for lab in (plain, secure)]
    assert most[1] <= 216 + 1e-6
    assert most[0] > 216
