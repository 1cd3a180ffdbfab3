"""The shop: books that close to the fen, retailers that fail, what the platform and credit change, in paired seeds."""

from types import SimpleNamespace

import numpy as np
import pytest

from agents.retailers import COVER, MARGIN
from sim.packages import FIXED, KINDS
from sim.retail import DEFAULT, bills
from tests.agents.retail_lab import RetailLab, walk

SEEDS = (1, 2, 3, 4)


def ended(months):
    """Sums over a lived time."""
    return SimpleNamespace(
        entered=months[-1].accounts[3], apart=apart([m for m in months if m.signed]),
        lost=sum(m.lost.sum() for m in months) / 100, called=sum(m.called.sum() for m in months) / 100,
        fees=sum(m.fees.sum() for m in months) / 100, admitted=sum(m.admitted for m in months),
        cover=np.mean([m.cover for m in months]), energy=sum(m.energy[1:].sum() for m in months))


def apart(months) -> float:
    """Standard deviation, over all who signed, of the price of their package less the mean of all offers."""
    names = ("signed", "below", "paid_dispersion")
    count, mean, spread = (np.array([getattr(m, name) for m in months]) for name in names)
    whole = np.average(mean, weights=count)
    return float(np.sqrt(np.average(spread**2 + (mean - whole) ** 2, weights=count)))


def paired(change: str, months: int, spread: float, **lab) -> list[tuple]:
    """What ends with a lever on and off, a pair a seed, at the same prices."""
    return [tuple(ended(RetailLab(*(f"{key}={value}" for key in change.split()), seed=seed, **lab).live(
        walk(seed, months, spread))) for value in ("true", "false")) for seed in SEEDS]


@pytest.fixture(scope="module")
def lived():
    lab = RetailLab(users=2000)
    return lab, lab.live(walk(2, 30, 0.2))


# ------------------------------------------------------------------------------------------------------------ the books


def test_the_grid_company_keeps_nothing_and_every_fen_has_two_ends(lived):
    for month in lived[1]:
        balance = {}
        for t in bills(month):
            balance[t.payer] = balance.get(t.payer, 0) - t.total
            balance[t.payee] = balance.get(t.payee, 0) + t.total
        assert balance.pop("grid_company") == 0
        assert balance["users"] == month.bought.sum() - month.billed.sum() - month.lost.sum()


def test_a_retailers_equity_is_what_its_bills_leave(lived):
    total = np.zeros(len(lived[1][0].energy), np.int64)
    for month in lived[1]:
        for t in bills(month):
            for end, sign in ((t.payer, -1), (t.payee, 1)):
                if end == "retailers":
                    total[t.row] += sign * t.amount
        assert np.array_equal(total, month.equity)


def test_accounts_use_what_their_row_uses(lived):
    lab, months = lived
    hours = lab.month.later(-1).days * 24
    assert months[-1].energy.sum() == pytest.approx(60.0 * hours * len(lab.accounts.rows))
    assert months[-1].by_kind.sum() == pytest.approx(months[-1].energy[1:].sum())


def test_without_users_nothing_is_billed_but_being_there():
    month = RetailLab(users=200, power=0.0).live([1.0])[0]
    assert not month.billed.any()
    assert not month.bought.any()
    assert month.costs[DEFAULT] == 0
    assert month.costs[1:6].all()


def test_a_fixed_package_is_billed_at_its_level_whatever_the_price():
    """One retailer with margin 5, wholly covered, all users on its fixed package: they pay 205 where the normal price
    is 200 and the month's 300; the retailer keeps 5 a MWh."""
    lab = RetailLab(users=200)
    lab.retailers.margins[:], lab.retailers.covers[:] = 5.0, 1.0
    lab.live([1.0])
    slot = lab.shop.shelf.first + 1 * len(KINDS) + FIXED
    lab.accounts.contract[:], lab.accounts.left[:] = slot, 11
    month = lab.live([1.5])[0]
    assert month.price == pytest.approx(205.0, abs=0.01)
    assert month.margin() / month.energy[1] == pytest.approx(5.0, abs=0.01)
    assert month.expected == pytest.approx(205.0, abs=0.01)


def test_the_default_supplier_asks_the_months_mean_and_its_fee():
    lab = RetailLab("law.retail.search_with=0.0001", "law.retail.search_without=0.00001", users=200)
    month = lab.live([1.3])[0]
    assert month.accounts[1] == 0
    # 90 % at the normal 200, the rest at 260, and 15
    assert month.billed.sum() / 100 / month.energy.sum() == pytest.approx(0.9 * 200 + 0.1 * 260 + 15, abs=0.01)


# -------------------------------------------------------------------------------------------------------------- failing


def failing(*changes):
    """A lab whose retailers sell fixed prices without cover and have hardly any money, in the month that breaks
    them."""
    lab = RetailLab(*changes, users=500)
    lab.retailers.covers[:] = 0.0
    lab.live([1.0] * 12)
    lab.retailers.equity[1:] = np.minimum(lab.retailers.equity[1:], 100_000)
    return lab, lab.live([3.0])[0]


def test_a_retailer_that_owes_more_than_it_has_fails_and_its_users_fall_to_the_default_supplier():
    lab, month = failing("law.credit.enforced=false")
    assert month.failed > 0
    assert month.lost.sum() > 0
    assert month.called.sum() == 0
    gone = month.lost > 0
    assert not lab.retailers.active[gone].any()
    assert (month.equity[gone] == 0).all()
    assert lab.accounts.fallen.any()
    assert (lab.accounts.contract[lab.accounts.fallen] == 0).all()


def test_who_fell_pays_half_as_much_again_until_he_signs_anew():
    lab, _ = failing("law.credit.enforced=false", "law.retail.admissions=0")
    lab.accounts.fall(np.arange(len(lab.shop.owner)) > 0)
    lab.retailers.active[1:] = False
    month = lab.live([1.0])[0]
    fell = lab.accounts.fallen
    share = np.mean([lab.accounts.yearly[fell & (lab.accounts.row == r)].sum() /
                     lab.accounts.yearly[lab.accounts.row == r].sum() for r in range(len(lab.accounts.rows))])
    paid = month.billed.sum() / 100 / month.energy.sum()
    assert 215 < paid < 215 * 1.5
    assert paid == pytest.approx(215 * (1 + 0.5 * share), rel=0.1)  # profiles use a little more or less


def test_what_guarantors_stand_for_is_not_lost():
    """Paired: the same month breaks the same retailers; with guarantees some of what they owe is paid."""
    (_, with_it), (_, without) = failing("law.credit.repair=1"), failing("law.credit.enforced=false")
    assert with_it.called.sum() > 0
    assert (with_it.called <= with_it.guarantee).all()
    assert with_it.lost.sum() < without.lost.sum()


def test_the_grade_sets_the_guarantee():
    lab = RetailLab(users=200)
    served = np.full(len(lab.retailers), 1000.0)  # MWh a month
    lab.retailers.active[:] = True
    lab.shop.register.grade[1:4] = 0, 3, 6
    _, lodged = lab.shop._fees(served, lab.law.on(lab.month.first)["credit"])
    assert (lodged[1:4] / 100).tolist() == [45_000.0, 90_000.0, 180_000.0]  # 12,000 MWh x 7.5 x 0.5, 1, 2


# ------------------------------------------------------------------------------------------------------------- learning


def test_retailers_learn_the_margin_that_pays():
    lab = RetailLab(users=100)
    who = np.ones(len(lab.retailers), bool)
    for month in range(200):
        lab.retailers.decide(month)
        reward = np.where(lab.retailers.margin == 3, 2.0, 0.5)
        lab.retailers.reinforce(MARGIN, reward, who)
        lab.retailers.reinforce(COVER, np.where(lab.retailers.cover == 4, 2.0, 0.5), who)
    assert (lab.retailers._likes[MARGIN].argmax(axis=1) == 3).mean() > 0.8
    assert (lab.retailers._likes[COVER].argmax(axis=1) == 4).mean() > 0.8


def test_a_fixed_price_asks_a_premium_for_what_is_not_covered():
    lab = RetailLab(users=100)
    held = lab.law.on(lab.month.first)["retail"].terms
    lab.retailers.margin[:], lab.retailers.cover[:] = 0, 0
    bare, _ = lab.retailers.terms(np.array([200.0]), np.array([24.0]), held, np.ones(1))
    lab.retailers.cover[:] = len(lab.retailers.covers) - 1
    sure, _ = lab.retailers.terms(np.array([200.0]), np.array([24.0]), held, np.ones(1))
    assert (bare[:, FIXED] > sure[:, FIXED]).all()
    assert sure[:, FIXED] == pytest.approx(200 + lab.retailers.margins[0])  # all of it in contracts


# ------------------------------------------------------------------------------------------------- comparative statics


def test_with_the_platform_users_and_retailers_enter_and_prices_differ_less():
    """Yunnan, four paired seeds, four years at the same prices: without the platform small users stay with the default
    supplier, fewer retailers open, and what users sign for lies further apart."""
    pairs = paired("law.retail.platform", 48, 0.12, users=10_000, scenario="base_2025", power=1300.0)
    assert all(on.entered > 5 * off.entered for on, off in pairs)
    assert all(off.entered < 0.06 * 345_000 for _, off in pairs)
    assert all(on.admitted > off.admitted for on, off in pairs)
    assert all(on.apart < off.apart for on, off in pairs)


def test_each_part_of_the_lever_brings_users_in():
    """Search, offers seen and the cost of entry, one by one at their value without a platform."""
    whole = ended(RetailLab(users=4000, scenario="base_2025", power=1300.0).live(walk(1, 48)))
    for part in ("search_with=0.010", "entry_factor=1.0"):
        less = ended(RetailLab(f"law.retail.{part}", users=4000, scenario="base_2025", power=1300.0).live(walk(1, 48)))
        assert less.entered < 0.9 * whole.entered, part
    few = ended(RetailLab("law.retail.offers_with=2", users=4000, scenario="base_2025", power=1300.0).live(walk(1, 48)))
    assert few.entered < whole.entered


def test_small_users_are_those_who_stay_out():
    lab = RetailLab("law.retail.platform=false", users=4000, scenario="base_2025", power=1300.0)
    lab.live(walk(1, 48))
    a = lab.accounts
    assert np.median(a.yearly[a.entered]) > 10 * np.median(a.yearly[~a.entered])


def test_credit_lowers_what_defaults_cost_at_a_price_in_guarantees():
    """V12. Yunnan, four paired seeds, five years of prices that vary twice as much as usual: less is lost in every
    pair, in which anything is; retailers hold more cover; guarantees cost fees."""
    pairs = paired("law.credit.enforced law.credit.disclosed", 60, 0.25, users=4000, scenario="base_2025", power=1300.0)
    assert all(on.lost <= off.lost for on, off in pairs)
    assert sum(on.lost for on, _ in pairs) < 0.5 * sum(off.lost for _, off in pairs)
    assert all(on.cover > off.cover for on, off in pairs)
    assert all(on.fees > 0 and off.fees == 0 for on, off in pairs)


def test_disclosure_moves_users_to_retailers_of_good_grade():
    """Half of the retailers have the best grade, half one of the lowest; only where users see it they part."""
    share = {}
    for seen in ("true", "false"):
        lab = RetailLab(f"law.credit.disclosed={seen}", users=4000)
        lab.retailers.margins[:] = 4.0
        lab.shop.register.grade[1:6] = [0, 5, 0, 5, 0]
        month = lab.live([1.0])[0]
        share[seen] = month.energy[[1, 3, 5]].sum() / month.energy[1:6].sum()
    assert share["true"] > share["false"]


def test_a_seed_repeats_and_another_differs():
    one, same, other = (RetailLab(users=500, seed=seed).live(walk(1, 14))[-1] for seed in (3, 3, 4))
    assert np.array_equal(one.billed, same.billed)
    assert not np.array_equal(one.billed, other.billed)


def test_a_sample_tells_the_story_of_all():
    """4,000 and 40,000 rows: the same share enters, within sampling error of the smaller (2 % of 30 %, three times
    over)."""
    few, many = (ended(RetailLab(users=n, scenario="base_2025", power=1300.0).live(walk(1, 24))).entered / 345_000
                 for n in (4000, 40_000))
    assert few == pytest.approx(many, abs=0.03)
