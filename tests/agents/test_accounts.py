"""Accounts: who looks, who signs, who stays out. One account and two offers, choices worked out on paper."""

import numpy as np
import pytest

from agents import accounts_kernels as kernels
from benchmarks import retail as peer
from sim.streams import Stream
from tests.agents.retail_lab import RetailLab, walk

SURE, NEVER = 50.0, -50.0  # logit


def chosen(*, contract=0, left=0, size=48.0, entry=100.0, entered=False, fallen=False, price=(200.0, 150.0),
           default=210.0, posted=(0, 1), base=SURE, due=SURE, inertia=35.0, alpha=1.0, entry_factor=1.0, index=np.nan,
           alarm=0.0, peers=0.0,
           peer_weight=0.0, reluctance=0.0, rows=1, green=(False, False), liking=0.0, taste=0.0, owner=(1, 2), seen=12):
    """The contract, months left and whether it has entered, of alike accounts after one month of choice. Offers 0 and 1
    have the slots 1 and 2 of a month, 3 and 4 of the next."""
    column = {name: np.full(rows, value, kind) for name, value, kind in (
        ("contract", contract, np.int32), ("left", left, np.int16), ("fallen", fallen, bool),
        ("entered", entered, bool))}
    kernels.choose(
        Stream(7, "choice").key(1), np.arange(rows, dtype=np.uint64), np.zeros(rows, np.int32), np.full(rows, size),
        np.full(rows, entry), np.full(rows, reluctance), np.full(rows, taste), column["contract"], column["left"],
        column["fallen"], column["entered"], np.array(posted, np.int64), np.array(owner), np.array(green),
        np.array([price]), np.array([default]), np.array([index]), np.array([peers]), 3, 2, 12, base, due, seen, alpha,
        inertia, liking, alarm, peer_weight, entry_factor, 1.5)
    return column


def test_who_looks_takes_the_cheaper_of_two_that_differ_much():
    after = chosen(rows=200)  # 50 CNY/MWh at a logit a CNY/MWh: nobody errs
    assert (after["contract"] == 4).all()
    assert (after["left"] == 12).all()
    assert after["entered"].all()


def test_who_does_not_look_stays_with_the_default_supplier():
    assert (chosen(base=NEVER, rows=200)["contract"] == 0).all()


@pytest.mark.parametrize(("entry", "factor", "signs"), [
    (2900.0, 1.0, False),  # (210 - 150) x 48 = 2,880 CNY a year saved
    (2860.0, 1.0, True),
    (12_000.0, 1.0, False),
    (12_000.0, 0.15, True)])  # 1,800 with a platform
def test_a_user_enters_when_what_it_saves_passes_what_trading_costs(entry, factor, signs):
    assert chosen(entry=entry, entry_factor=factor)["entered"][0] == signs


def test_who_has_entered_once_pays_no_entry_again():
    assert chosen(entry=1e9, entered=True)["contract"][0] == 4


def test_a_contract_that_runs_is_kept():
    after = chosen(contract=1, left=5)
    assert (after["contract"][0], after["left"][0]) == (1, 4)


def test_a_contract_that_ends_is_renewed_where_nobody_looks():
    after = chosen(contract=1, left=1, due=NEVER)
    assert (after["contract"][0], after["left"][0]) == (3, 12)


@pytest.mark.parametrize(("inertia", "slot"), [(35.0, 4), (80.0, 3)])
def test_inertia_keeps_a_user_from_a_gain_below_it(inertia, slot):
    assert chosen(contract=1, left=1, inertia=inertia, entered=True)["contract"][0] == slot  # the other is 50 cheaper


def test_whose_retailer_may_not_sell_falls_to_the_default_supplier():
    after = chosen(contract=1, left=1, posted=(1,), base=NEVER, due=NEVER, entered=True)
    assert (after["contract"][0], after["left"][0]) == (0, 0)


def test_nothing_on_the_shelf_changes_nothing():
    assert (chosen(posted=(), rows=50)["contract"] == 0).all()


def test_who_likes_green_takes_it_at_a_little_more():
    price = {"price": (205.0, 200.0), "green": (True, False), "liking": 30.0}
    assert chosen(taste=0.0, **price)["contract"][0] == 4
    assert chosen(taste=1.0, **price)["contract"][0] == 3  # worth 30 to it, dearer by 5


@pytest.mark.parametrize("push", [{"index": 110.0, "alarm": 0.03}, {"peers": 1.0, "peer_weight": 3.0},
                                  {"reluctance": -3.0}])
def test_a_price_above_the_index_and_peers_who_signed_make_users_look(push):
    """Three logits more than one in ten: 69 % instead of 10 %."""
    few, many = (np.count_nonzero(chosen(base=np.log(1 / 9), rows=4000, **more)["contract"]) / 4000
                 for more in ({}, push))
    assert few == pytest.approx(0.10, abs=0.02)  # 3 standard deviations: 0.014
    assert many == pytest.approx(1 / (1 + 9 * np.exp(-3)), abs=0.03)


def test_whose_retailer_failed_looks_sooner():
    """His price is half as high again: 105 above the default supplier's, at 0.03 a CNY/MWh."""
    few, many = (np.count_nonzero(chosen(base=np.log(1 / 9), index=210.0, alarm=0.03, fallen=fallen,
                                         rows=4000)["contract"]) for fallen in (False, True))
    assert many > 5 * few


def test_choice_among_alike_offers_is_even():
    after = chosen(price=(200.0, 200.0), rows=4000)
    assert np.count_nonzero(after["contract"] == 3) == pytest.approx(2000, abs=120)  # 4 standard deviations


def test_seeing_more_offers_finds_a_cheaper_one():
    """One of two is cheap. Who sees one finds it in a half of all cases, who sees twelve always but for 1 in 4,096."""
    found = [np.count_nonzero(chosen(rows=2000, seen=seen)["contract"] == 4) / 2000 for seen in (1, 12)]
    assert found[0] == pytest.approx(0.5, abs=0.05)
    assert found[1] > 0.99


def test_the_kernel_chooses_as_plain_numpy_does():
    lab = RetailLab(users=3000)
    lab.live(walk(3, 15))
    start = peer.state(lab)
    (_, one, held), (_, other, same) = peer.by_kernel(lab, start), peer.by_columns(lab, start)
    assert any((one[name] != start[name]).any() for name in one)
    for name in one:
        assert np.array_equal(one[name], other[name]), name
    assert held == pytest.approx(same)


def test_every_place_has_an_account_and_classes_have_theirs():
    lab = RetailLab(users=400, scenario="base_2025")
    accounts = lab.accounts
    assert len(accounts) == 400
    assert set(accounts.row) == set(range(len(accounts.rows)))
    assert accounts.weight.sum() == pytest.approx(345_000)  # 340,000 small and 5,000 large ones


def test_too_few_accounts_are_refused():
    from sim.config import BadInput

    with pytest.raises(BadInput, match="3 accounts for 10 places"):
        RetailLab(users=3, scenario="base_2025")
