"""What pools earn, split by hand; and what of it reaches riders."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Month
from sim.config import BadInput, Table
from sim.messages import Transfer
from sim.network.grid import Units
from sim.network.pools import PoolMember, Pools
from sim.settlement.bills import swap_fee
from sim.settlement.pooled import Pooling
from sim.streams import Streams
from sim.vpp import VppRules
from tests.labs import toy
from tests.sim.network.test_pools import member

JULY = Month(2025, 7)
CABINETS = dict(kind="cabinets", city="town", user_class=None)


def rules(**change):
    return VppRules(**{"least": 5.0, "lasting": 1.0, "aggregator_share": 0.3, "split": "contract", "passed_on": 0.5}
                    | change)


def pooling(*members):
    table = Table(Path("pool_members.csv"), PoolMember, list(members), list(range(len(members))), "")
    return Pooling(Pools(table, lambda day: rules()), 1, {("x", "A"): 0, ("y", "A"): 1}, ("elsewhere", "town"),
                   Streams(1)["vpp/orders"])


def facts(price=(100.0,) * 12 + (300.0,) * 12, pools=1):
    units = Units.make(["plant", *(f"p{i}" for i in range(pools))], ["plant"] + ["store"] * pools, bus=0, owner="x",
                       technology="t", capacity=9.0)
    people = SimpleNamespace(city=np.array([0, 1, 1, 1]), weight=np.array([5, 10, 20, 40]),
                             swaps=np.array([True, True, False, True]), identity=np.arange(4))
    return SimpleNamespace(grid=SimpleNamespace(units=units), price=np.array([price]), daily={}, people=people,
                           month=JULY, swap_rebate=np.zeros(2, np.int64))


def earned(*fen, payer="grid_company"):
    """What stores 1, 2 ... were paid."""
    return [Transfer("spot energy", payer, "stores", np.array(fen, np.int64), 1 + np.arange(len(fen)))]


MEMBERS = (member("c", "agg", "A", 1, 2, **CABINETS), member("b", "agg", "A", 4, 2), member("l", "agg", "A", 5, 1,
                                                                                           user_class="y"))


def by_payee(transfers):
    return {t.payee: t.amount if t.row is None else dict(zip(t.row.tolist(), t.amount.tolist())) for t in transfers}


def test_by_contract_members_get_seventy_percent_by_power():
    """100,000 fen: 70,000 to 1, 4 and 5 MW of 10: 7,000 to the cabinets' operator, 28,000 and 35,000 to user rows."""
    pool, now = pooling(*MEMBERS), facts()
    found = pool.close(earned(100_000), now, rules())
    assert by_payee(found) == {"aggregator": {1: 100_000}, "swap_operator": 7_000, "users": {0: 28_000, 1: 35_000}}
    assert pool.earned.tolist() == [7_000, 28_000, 35_000]


def test_half_of_the_cabinets_part_lowers_the_fee_of_their_citys_riders():
    """3,500 fen for 10 + 40 subscribers of the town: 70 fen each, next month; elsewhere none."""
    pool, now = pooling(*MEMBERS), facts()
    pool.close(earned(100_000), now, rules())
    assert now.swap_rebate.tolist() == [0, 70]
    bills = swap_fee(now, SimpleNamespace(subscription=299.0), now.swap_rebate)
    assert bills[0].amount.tolist() == [29_900, 29_830, 29_830]


def test_no_fee_is_below_nothing():
    """A fee of 0.50 less 0.70 is none; the rider elsewhere pays his 0.50."""
    now = facts()
    bill = swap_fee(now, SimpleNamespace(subscription=0.5), np.array([0, 70]))[0]
    assert (bill.row.tolist(), bill.amount.tolist()) == ([0], [50])


@pytest.mark.parametrize(("change", "wanted"), [({"passed_on": 0.0}, 0), ({"aggregator_share": 1.0}, 0)])
def test_every_link_can_be_cut(change, wanted):
    pool, now = pooling(*MEMBERS), facts()
    pool.close(earned(100_000), now, rules(**change))
    assert now.swap_rebate.tolist() == [0, wanted]


def test_by_shapley_who_is_needed_gets_more_than_his_power():
    """5 MW are asked: the load alone has them, cabinets and batteries have them together only. A MWh of room is filled
    with 1/0.94868 MWh at 100 and gives 0.94868 at 300 - 10: 169.709 CNY; half full in the morning, the room is 1, 4 and
    2.5 MWh. In these units v(l) = 2.5, v(cb) = 5, v(cl) = 3.5, v(bl) = 6.5, v(all) = 7.5. Over the six orders c adds 0
    + 0 + 5 + 1 + 1 + 1 = 8, b 0 + 0 + 5 + 4 + 4 + 4 = 17, l 2.5 + 2.5 + 3.5 + 6.5 + 2.5 + 2.5 = 20, of 45. c and b
    together could have 5 and get 25/6: 5/6 x 169.709 = 141.42 more, so the split is not in the core."""
    pool, now = pooling(*MEMBERS), facts()
    pool.close(earned(100_000), now, rules(split="shapley"))
    assert pool.part == pytest.approx([8 / 45, 17 / 45, 20 / 45])
    assert pool.earned.tolist() == [12_444, 26_445, 31_111]  # of 70,000; the largest remainder, b's, is rounded up
    held = pool.held[0]
    assert (held.coalition, held.in_core, held.rational) == (0b011, False, True)
    assert held.excess == pytest.approx(141.42, abs=0.01)


def test_by_nucleolus_the_unhappiest_coalitions_are_equally_unhappy():
    """c + b >= 5 and c + l >= 3.5, b + l >= 6.5, l >= 2.5 sum to 7.5 with c = 1, b = 4, l = 2.5 alone: the core is one
    point, and the nucleolus is in it."""
    pool, now = pooling(*MEMBERS), facts()
    pool.close(earned(100_000), now, rules(split="nucleolus"))
    assert pool.part == pytest.approx([1 / 7.5, 4 / 7.5, 2.5 / 7.5], abs=1e-6)
    assert pool.held[0].in_core


def test_a_pool_that_loses_money_leaves_that_to_its_aggregator():
    """Its members neither get nor pay; riders pay the whole fee."""
    pool, now = pooling(*MEMBERS), facts()
    lost = [Transfer("spot energy", "stores", "grid_company", np.array([900]), np.array([1]))]
    found = pool.close(lost, now, rules())
    assert [(t.payer, t.payee, t.amount.tolist()) for t in found] == [("aggregator", "stores", [900])]
    assert not now.swap_rebate.any()
    assert np.isnan(pool.part).all()


def test_without_rules_nothing_is_split():
    pool, now = pooling(*MEMBERS), facts()
    assert pool.close(earned(100_000), now, None) == []
    assert not now.swap_rebate.any()


def test_pools_of_more_than_twelve_are_sampled_with_a_bound_and_have_no_nucleolus():
    """Thirteen batteries alike of 1 MW: each gets a thirteenth within its bound."""
    pool, now = pooling(*(member(f"m{i}", "agg", "A", 1, 2) for i in range(13))), facts()
    pool.close(earned(130_000), now, rules(split="shapley"))
    assert pool.part.sum() == pytest.approx(1)
    assert (np.abs(pool.part - 1 / 13) <= 2 * pool.bound + 1e-9).all()
    assert (pool.bound > 0).all()
    with pytest.raises(BadInput, match="13 members"):
        pool.close(earned(130_000), now, rules(split="nucleolus"))


def test_two_pools_are_two_games():
    pool = pooling(*MEMBERS, member("other", "agg", "B", 6, 2, user_class="y"))
    pool._user_rows["y", "B"] = 2
    now = facts(pools=2)
    pool.close(earned(100_000, 50_000), now, rules())
    assert pool.earned.tolist() == [7_000, 28_000, 35_000, 35_000]


# ------------------------------------------------------------------------------------------------------ in a run


@pytest.fixture(scope="module")
def month_with_and_without():
    return [toy(*change, days=34).run() for change in ((), ("instruments.vpp=false",))]


def bills(lab, name):
    return sum(e.total for e in lab.journal.entries if e.bill == name)


def test_a_run_passes_pool_income_on_to_riders_in_the_month_after(month_with_and_without):
    """July's rebate is August's fee: every subscriber of Kunming pays so much less than 299, nobody else does."""
    lab, without = month_with_and_without
    july = [e for e in lab.journal.entries if e.month == "2025-07"]
    income = next(e.total for e in july if e.bill == "pool income" and e.payee == "aggregator")
    shares = sum(e.total for e in july if e.bill == "pool share")
    assert shares == pytest.approx(0.7 * income, abs=1)
    found = lab.results.indicators
    rebate = found[(found["indicator"] == "swap_rebate") & (found["zone"] == "kunming")]["value"].iloc[0]
    assert rebate > 0
    people = lab.facts.people
    in_kunming = people.city[people.swaps] == 0
    fee = swap_fee(lab.facts, lab.rules["swap"], np.array([int(round(rebate * 100)), 0]))[0]
    assert set(fee.amount[in_kunming]) == {29_900 - int(round(rebate * 100))}
    assert set(fee.amount[~in_kunming]) == {29_900}
    assert fee.total == [e.total for e in lab.journal.entries if e.bill == "swap fee"][-1]
    assert not any(e.bill.startswith("pool") for e in without.journal.entries)


def test_nobody_passes_on_what_the_law_does_not_ask_for():
    """With passed_on at 0 every subscriber pays the whole fee, whatever pools earn."""
    off = toy("law.vpp.passed_on=0", days=34).run()
    fees = [e.total for e in off.journal.entries if e.bill == "swap fee"]
    assert bills(off, "pool share") > 0
    assert len(fees) == 2
    assert [fee % 29_900 for fee in fees] == [0, 0]


def test_the_links_size_is_the_laws_to_say():
    """Twice the part passed on, twice the rebate, to a fen; income of the first month is the same to the fen."""
    one, two = (toy(f"law.vpp.passed_on={share}", days=31).run() for share in (0.4, 0.8))
    assert bills(one, "pool income") == bills(two, "pool income") > 0
    assert two.facts.swap_rebate[0] == pytest.approx(2 * one.facts.swap_rebate[0], abs=2)


def test_a_pool_never_let_in_earns_nothing():
    lab = toy("law.vpp.least=100", days=5).run()
    assert bills(lab, "pool income") == 0
    assert (lab.facts.output[-2:] == 0).all()
