"""Retail in a whole run: what is off changes nothing, books close, users pay their packages and not their energy."""

import numpy as np
import pytest

from tests.labs import toy

PERIOD = {"start": "2025-07-26", "days": 11}  # across the turn of a month


@pytest.fixture(scope="module")
def lab():
    return toy("scale.users=600", **PERIOD).run()


def entries(lab, month, but=()):
    return [(e.bill, e.payer, e.payee, e.total) for e in lab.journal.entries if e.month == month and e.bill not in but]


def test_without_accounts_the_law_of_retail_and_credit_is_read_by_nobody():
    head = toy(**PERIOD).run().journal.head
    for change in ("law.retail.platform=false", "law.retail.entry_cost=1", "law.credit.enforced=false", "scale.users=0"):
        assert toy(change, **PERIOD).run().journal.head == head


def test_what_retailers_own_is_what_the_journal_says(lab):
    assert lab.journal.balance["retailers"] == lab.retailers.equity.sum()
    assert lab.journal.balance["grid_company"] == 0


def test_retailers_pay_what_their_users_energy_cost(lab):
    """Purchases are the energy and contract bills of the user rows that are served, to the fen, each way once."""
    month, rows = lab.facts.retail, lab.facts.retail.row
    bills = ("day-ahead energy", "real-time deviation", "spot energy", "administered energy", "imbalance",
             "contract difference", "contract departure", "departures returned")
    billed = 0
    for posting in lab.journal.last:
        transfer = posting.leg.transfer
        if transfer.bill in bills and transfer.row is not None and "users" in (transfer.payer, transfer.payee):
            mine = np.isin(transfer.row, rows)
            billed += int(transfer.amount[mine].sum()) * (1 if transfer.payer == "users" else -1)
    assert month.bought.sum() == billed + month.bought.sum() - _without_certificates(month, lab)
    assert {e[0] for e in entries(lab, "2025-08")} >= {"retail bill", "retail purchase", "retail running cost"}


def _without_certificates(month, lab) -> int:
    """Purchases less the certificates of green packages, which come back to the rows as they were bought there."""
    from sim.packages import GREEN
    from sim.retail import AHEAD, ENERGY, paid_by_row

    assert month.by_kind[GREEN] >= 0
    transfers = [posting.leg.transfer for posting in lab.journal.last]
    paid = paid_by_row([t for t in transfers if t.bill in ENERGY + AHEAD and t.row is not None],
                       ENERGY + AHEAD, len(lab.facts.user_bus))
    return int(paid[month.row].sum())


def test_the_contracts_of_served_rows_are_bought_by_retailers_alone(lab):
    """Every bid for the town is a retailer's: users bid for the rest alone."""
    assert lab.users.at_retail.tolist() == [False, True, True, False]
    energy, value = lab.retailers.ahead(lab.facts)
    units = len(lab.facts.grid.units)
    sold = sum(book.sold for (key, _), book in lab.facts.positions.books.items() if key == "contracts")
    held = -sold[units + lab.facts.retail.row].sum(axis=1) * lab.facts.days
    assert energy.sum(axis=0) == pytest.approx(held)
    assert (value > 0).sum() == (energy > 0).sum()
    assert held.min() > 0


def test_the_same_seed_repeats_to_the_fen(lab):
    assert toy("scale.users=600", **PERIOD).run().journal.head == lab.journal.head
    assert toy("scale.users=601", **PERIOD).run().journal.head != lab.journal.head


def test_what_is_kept_of_retail_is_kept(lab):
    kept = set(lab.results.indicators["indicator"])
    assert {"package_share.fixed", "accounts.entered", "retail_dispersion", "default_loss", "guarantees",
            "retailers_standing", "retailers_graded.AAA", "retail_expected_price"} <= kept


def test_accounts_without_their_law_are_refused(tmp_path):
    from sim.config import BadInput
    from tests.labs import altered

    scenario = altered(tmp_path)
    (tmp_path / "law" / "retail.yaml").unlink()
    with pytest.raises(BadInput, match="600 accounts where the law has no retail"):
        toy("scale.users=600", scenario=scenario, **PERIOD)
    assert toy(scenario=scenario, days=1).run().facts.retail is None
