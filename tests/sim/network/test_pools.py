"""Pools as the network sees them: who is let in, and what stands behind which row."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from sim.calendar import Calendar
from sim.config import BadInput, Table, load
from sim.network.pools import PoolMember, Pools
from sim.vpp import VppRules
from tests.labs import altered, cells, toy

RULES = VppRules(least=5, lasting=1, aggregator_share=0.3, split="shapley", passed_on=0.5)
DAY = date(2025, 7, 1)


def member(key, aggregator, bus, capacity, hours, **other):
    return PoolMember(key=key, aggregator=aggregator, bus=bus, capacity=float(capacity), hours=float(hours), wear=10.0,
                      source="test", **{"kind": "battery", "user_class": "x", "efficiency": 0.9} | other)


TABLE = Table(Path("pool_members.csv"), PoolMember, [
    member("a", "one", "A", 4, 2), member("b", "one", "B", 6, 0.5, efficiency=1.0), member("c", "one", "A", 2, 1),
    member("d", "two", "A", 9, 2)], [2, 3, 4, 5], "")


def pools(rules=RULES):
    return Pools(TABLE, lambda day: rules)


def test_a_pool_is_what_an_aggregator_has_at_one_bus():
    """a and c: 6 MW, 4 x 2 + 2 x 1 = 10 MWh; b: 6 MW, 3 MWh; d: 9 MW, 18 MWh; half full at first."""
    found = pools()
    assert found.key == ["one_A", "one_B", "two_A"]
    assert found.power.tolist() == [6, 6, 9]
    assert found.energy.tolist() == [10, 3, 18]
    assert found.stored.tolist() == [5, 1.5, 9]


def test_power_that_does_not_last_an_hour_does_not_count():
    """b gives 6 MW for half an hour, so 3 MW for one: below 5. Where half an hour is asked it is let in; where 7 MW are
    asked only d is; without rules nobody."""
    assert pools().admitted(DAY).tolist() == [True, False, True]
    assert pools(RULES.model_copy(update={"lasting": 0.5})).admitted(DAY).tolist() == [True, True, True]
    assert pools(RULES.model_copy(update={"least": 7.0})).admitted(DAY).tolist() == [False, False, True]
    assert pools(None).admitted(DAY).tolist() == [False] * 3
    assert pools().available(Calendar(DAY, DAY).turn()).max(axis=1).tolist() == [6, 0, 9]


def test_the_toy_world_has_its_pools_behind_all_other_units():
    with_pools, without = toy(days=1), toy("instruments.vpp=false", days=1)
    keys = [list(lab.grid.units.key) for lab in (with_pools, without)]
    assert keys[0] == [*keys[1], "valley_pool_HILLS_S", "small_pool_COAST"]
    assert without.ground.pools is None


def pools_of(tmp_path, **change):
    return altered(tmp_path, {"pool_members": cells(**change)})


@pytest.mark.parametrize(("change", "said"), [
    ({"bus": "COAST"}, "'kunming' has no cabinets at COAST"),
    ({"kind": "battery"}, "None has no load at HILLS_S"),
    ({"capacity": "0"}, "expected MW > 0")])
def test_members_that_cannot_be_are_refused_with_their_line(tmp_path, change, said):
    with pytest.raises(BadInput, match="pool_members.csv:2") as error:
        load(pools_of(tmp_path, **change))
    assert said in str(error.value)


def test_a_user_has_one_aggregator(tmp_path):
    """The town's load given to the metal works, whose batteries another aggregator has."""
    def change(row):
        return row | {"aggregator": "rival", "user_class": "metal"} if row["key"] == "load_town" else row
    with pytest.raises(BadInput, match="second aggregator"):
        load(altered(tmp_path, {"pool_members": change}))


def test_levels_are_carried_within_what_pools_hold():
    found = pools()
    found.carry(np.array([11.0, -1e-9, 4]))
    assert found.stored.tolist() == [10, 0, 4]
