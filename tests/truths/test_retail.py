"""Retail in a whole run: what is off changes nothing, books close, users pay their packages and not their energy."""

import numpy as np
import pytest

from sim.packages import GREEN, KINDS
from sim.retail import AHEAD, ENERGY, paid_by_row
from tests.labs import toy

PERIOD = {"start": "2025-07-26", "days": 11}  # across the turn of a month


@pytest.fixture(scope="module")
def lab():
    return toy("scale.users=600", **PERIOD).run()


def entries(lab, month, but=()):
    return [(e.bill, e.payer, e.payee, e.total) for e in lab.journal.entries if e.month == month and e.bill not in but]


def test_without_accounts_the_law_of_retail_and_credit_is_read_by_nobody():
    head = toy(**PERIOD).run().journal.head
    for change in ("law.retail.platform=false", "law.credit.enforced=false", "scale.users=0"):
        assert toy(change, **PERIOD).run().journal.head == head


def test_what_retailers_own_is_what_the_journal_says(lab):
    assert lab.journal.balance["retailers"] == lab.retailers.equity.sum()
    assert lab.journal.balance["grid_company"] == 0


def test_retailers_pay_what_their_users_energy_cost_and_certificates_of_green_packages(lab):
    """The rows' bills of energy and contracts, and the month's certificates, one for a MWh of green packages."""
    month = lab.facts.retail
    transfers = [posting.leg.transfer for posting in lab.journal.last]
    billed = paid_by_row([t for t in transfers if t.row is not None], ENERGY + AHEAD, len(lab.facts.user_bus))
    certificates = month.bought.sum() - billed[month.row].sum()
    price = lab.facts.trades["green", "month"].public.get("price_current", 0.0)
    assert certificates / 100 == pytest.approx(month.by_kind[GREEN] * price, abs=1.0)  # rounded by retailer and row
    assert {e[0] for e in entries(lab, "2025-08")} >= {"retail bill", "retail purchase", "retail running cost"}


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


def test_accounts_use_what_their_user_rows_use_and_no_mwh_twice(lab):
    """Both rows of the town, both months: the accounts' energies sum to what was traced to the row, whose sources sum
    to it too, and the rows to the class; of the last month to what the meters say."""
    accounts, rows = lab.results.table("populations/accounts"), lab.results.table("tracing/row_footprint")
    of_accounts = accounts.groupby(["date", "row"])["MWh"].sum()
    of_rows = rows.set_index(["date", "row"])["MWh"]
    assert len(of_rows) == 4
    assert of_accounts.to_numpy() == pytest.approx(of_rows.to_numpy(), rel=1e-6)
    mix = lab.results.table("tracing/row_mix").groupby(["date", "row"])["MWh"].sum()
    assert mix.to_numpy() == pytest.approx(of_rows.to_numpy())
    whole = lab.results.table("tracing/footprint")
    whole = whole[whole["consumer"] == "town"]
    assert rows.groupby("date")[["MWh", "green", "t"]].sum().to_numpy() == pytest.approx(
        whole[["MWh", "green", "t"]].to_numpy())
    facts = lab.facts
    served = (facts.consumption * (1 - facts.shed / facts.load)[facts.user_bus])[facts.retail.row].sum(axis=1)
    assert of_accounts.to_numpy()[2:] == pytest.approx(served, rel=1e-6)


def test_what_accounts_use_by_package_is_what_retailers_sold(lab):
    month = lab.results.table("populations/accounts")
    month = month[month["date"] == month["date"].max()].groupby("package")["MWh"].sum()
    for name, energy in zip(KINDS, lab.facts.retail.by_kind):
        assert month.get(name, 0.0) == pytest.approx(energy, rel=1e-6)


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


# --------------------------------------------------------------------------------------------- who may sell ahead


def sold_ahead(lab) -> dict[str, float]:
    """MWh of the open month that each owner of plants sold in contracts inside its province."""
    units = lab.grid.units
    sold = sum(book.sold for (key, _), book in lab.facts.positions.books.items() if key == "contracts")
    mean = np.maximum(sold[: len(units)], 0).sum(axis=1) * lab.facts.month.days
    return {owner: float(mean[units.owner == owner].sum()) for owner in sorted(set(units.owner[units.kind == "plant"]))}


def second_month(*changes, suspend=()):
    """Live July's last two days, bar some companies by hand, and live August's first."""
    lab = toy("scale.users=600", *changes, start="2025-07-30", days=3)
    lab.step()
    lab.step()
    lab.shop.firm_register.suspended[np.isin(lab.shop.firms, suspend)] = True
    lab.step()
    return lab


@pytest.fixture(scope="module")
def free():
    return second_month()


def test_a_barred_company_sells_nothing_new_ahead_and_is_dispatched_all_the_same(free):
    """The largest seller of August keeps its contracts of the year; others of its province sell no less than before."""
    before, yearly = sold_ahead(free), free.facts.positions._yearly["contracts"]
    units, owner = free.grid.units, max(before, key=before.get)
    barred = second_month("law.credit.barred_from=C", suspend=[owner])
    after, mine = sold_ahead(barred), units.owner[yearly.orders.unit.clip(max=len(units) - 1)] == owner
    mine &= (yearly.orders.unit < len(units)) & (yearly.orders.side > 0)
    of_year = (yearly.accepted * yearly.months[:, 7, None])[mine].sum() * 31
    assert after[owner] == pytest.approx(of_year, rel=1e-9)
    assert after[owner] < 0.95 * before[owner]
    assert all(after[other] >= before[other] - 1e-6 for other in before if other != owner)
    output = np.maximum(barred.facts.output, 0).sum(axis=1)
    assert output[units.owner == owner].sum() > 0


def test_the_more_grades_are_barred_the_less_is_sold_ahead(free):
    """Newcomers have grade A: barring from B reaches none of them and changes nothing, barring from AA all, and all
    that is used is still generated."""
    mild, strict = (second_month(f"law.credit.barred_from={grade}") for grade in ("B", "AA"))
    assert mild.journal.head == free.journal.head
    assert sold_ahead(mild) == sold_ahead(free)
    of_mild = mild.shop.firm_register
    assert of_mild.suspended.tolist() == (of_mild.points == 0).tolist()  # who withheld in both months, from September
    assert strict.shop.firm_register.suspended.all()
    assert sum(sold_ahead(strict).values()) < sum(sold_ahead(mild).values())
    assert np.maximum(strict.facts.output, 0).sum() == pytest.approx(np.maximum(free.facts.output, 0).sum(), rel=0.05)
