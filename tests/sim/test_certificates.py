"""The registry, with a day of `green_world` counted by hand."""

from itertools import product

import numpy as np
import pytest

from sim.calendar import Month
from sim.certificates import (
    BOUND,
    CURRENT,
    EARLIER,
    FREE,
    SUBSIDISED,
    TECHNOLOGIES,
    bound,
    bundled,
    certified,
    consumption,
    matched,
    sold_to,
    subsidised,
)
from sim.settlement import checks
from tests.sim.green_world import (
    COAL,
    COAST,
    HOMES,
    JULY,
    METAL,
    NEW_DAM,
    OLD_DAM,
    RULES,
    SMELTER,
    SUN,
    WIND,
    facts,
    grid,
    registry,
    trade,
)

STAYS = RULES.model_copy(update={"follows": "no"})


def opened(page, cleared):
    """The page of a month that a trade has opened."""
    page.trades["green", "month"] = cleared
    return page


def whole(book):
    """Counts by (technology, kind, holder)."""
    lots = book.lots()
    return {(TECHNOLOGIES[t], int(kind), int(who)): int(n)
            for t, kind, who, n in zip(lots.technology, lots.kind, lots.holder, lots.count)}


NONE = np.zeros(6)


def issued(month=JULY, energy=None, rules=RULES):
    book, page = registry(), facts(month)
    book.issue(month, page.grid, certified(page) if energy is None else energy, bound(page.grid, rules),
               subsidised(page.grid, rules))
    return book


# ---------------------------------------------------------------------------------------------------------------- issue


def test_a_whole_mwh_is_a_certificate_and_its_kind_says_whether_it_can_be_traded():
    # half of the 486 of the wind, which stood before June 2025, belongs to all users: 243; coal has none
    assert whole(issued()) == {("hydro", BOUND, OLD_DAM): 1440, ("hydro", FREE, NEW_DAM): 252,
                               ("wind", BOUND, WIND): 243, ("wind", FREE, WIND): 243, ("solar", FREE, SUN): 96}


def test_of_an_old_plants_rest_a_part_is_subsidised():
    # 243 of the wind may be traded; 0.3 of them, 72.9 -> 72, are set off against its subsidy; the sun is of 2026
    counts = whole(issued(rules=RULES.model_copy(update={"subsidised": 0.3})))
    assert (counts["wind", SUBSIDISED, WIND], counts["wind", FREE, WIND]) == (72, 171)
    assert ("solar", SUBSIDISED, SUN) not in counts


def test_a_zone_whose_law_sets_no_price_shares_nothing():
    assert ("wind", BOUND, WIND) not in whole(issued(rules=RULES.model_copy(update={"shared": {"EAST": 0.5}})))


def test_what_makes_no_whole_mwh_is_carried_over_by_plant():
    book, energy = registry(), np.array([0, 0, 400, 0, 0, 0])
    counts = []
    for k in range(6):
        book.issue(JULY.later(k), grid(), energy, NONE, NONE)
        counts.append(book.flows["issued"])
    assert counts == [0, 0, 1, 0, 1, 0]  # 0.4, 0.8, 1.2, 0.6, 1.0, 0.4 MWh
    assert book.rest.tolist() == [0, 0, 400, 0, 0, 0]
    assert book.faults() == []


def test_two_plants_do_not_pool_their_fractions():
    book = issued(energy=np.array([0, 600, 600, 0, 0, 0]))
    assert book.issued.total == 0
    assert book.rest.tolist() == [0, 600, 600, 0, 0, 0]


def test_a_year_of_random_energies_is_certified_to_the_kwh():
    rng = np.random.default_rng(3)
    book, energies = registry(), rng.integers(0, 10_000, (12, 6)) * np.array([1, 1, 1, 0, 1, 0])
    for k, energy in enumerate(energies):
        book.issue(Month(2025, 1).later(k), grid(), energy, np.full(6, 0.3), np.full(6, 0.2))
    assert np.array_equal(book.held()[:6] * 1000 + book.rest, energies.sum(axis=0))


# ------------------------------------------------------------------------------------------------------- free transfer


def test_energy_of_a_zone_is_its_own_use_and_what_it_sends():
    # 240 + 960 + 480 used in the west, 1218.12 sent; the east keeps what it has
    np.testing.assert_allclose(sold_to(facts()), [[1680, 1218.12], [0, 1314.12]])
    assert consumption(facts())[[SMELTER, METAL, HOMES, COAST]].tolist() == [240_000, 960_000, 480_000, 1_314_120]


def test_certificates_that_cannot_be_traded_follow_the_energy_to_the_market_users():
    book = registry()
    book.close(JULY, facts(), RULES)
    # 1440 + 243 = 1683 by 240 : 960 : 480 : 1218.12 of 2898.12 are 139.37, 557.49, 278.74 and 707.40; the two largest
    # remainders go up: 139, 558, 279 and 707. Homes are outside the market: their 279 stay with the plants, pro rata:
    # 279 = 1683 - 1404; the dam gives 1404 x 1440 / 1683 = 1201.28 -> 1201, the wind 202.72 -> 203
    held = book.held()
    assert (held[SMELTER], held[METAL], held[HOMES], held[COAST]) == (139, 558, 0, 707)
    assert whole(book)["hydro", BOUND, OLD_DAM] == 1440 - 1201
    assert whole(book)["wind", BOUND, WIND] == 243 - 203
    assert book.flows["transferred"] == 1404
    assert book.faults() == []


def test_within_the_zone_the_part_of_exports_stays_with_the_plants():
    book = registry()
    book.close(JULY, facts(), RULES.model_copy(update={"follows": "zone"}))
    held = book.held()
    assert (held[SMELTER], held[METAL], held[HOMES], held[COAST]) == (139, 558, 0, 0)  # of the same 1683
    assert book.flows["transferred"] == 697


def test_before_the_rule_they_stay_where_they_were_made():
    book = registry()
    book.close(JULY, facts(), STAYS)
    assert book.held()[[SMELTER, METAL, HOMES, COAST]].sum() == 0
    assert book.flows["transferred"] == 0


def test_what_can_be_traded_does_not_move_for_free_and_what_cannot_is_not_sold():
    book = issued()
    lots = book.lots()
    dam, wind = lots.where(lots.holder == OLD_DAM), lots.where((lots.holder == WIND) & (lots.kind == FREE))
    with pytest.raises(ValueError, match="cannot be traded were sold"):
        book.move(dam, np.array([1]), np.array([METAL]))
    with pytest.raises(ValueError, match="follow the energy"):
        book.transfer_free(wind, np.array([1]), np.array([METAL]))


def test_it_follows_the_energy_only_once():
    book = issued()
    lots = book.lots()
    book.transfer_free(lots.where(lots.holder == OLD_DAM), np.array([10]), np.array([METAL]))
    lots = book.lots()
    with pytest.raises(ValueError, match="only once"):
        book.transfer_free(lots.where(lots.holder == METAL), np.array([10]), np.array([COAST]))


def test_nobody_gives_more_than_there_is():
    book = issued()
    lots = book.lots()
    with pytest.raises(ValueError, match="4 more certificates"):
        book.move(lots.where(lots.holder == SUN), np.array([100]), np.array([METAL]))


# --------------------------------------------------------------------------------------------------------------- trade


def two_vintages():
    """The sun has 96 of December 2025 and 96 of January 2026."""
    book = registry()
    for month in (Month(2025, 12), Month(2026, 1)):
        page = facts(month)
        book.issue(month, page.grid, certified(page), bound(page.grid, RULES), NONE)
    return book


def test_the_year_of_the_month_before_is_current():
    book = two_vintages()
    assert (book.column(Month(2026, 1))[book.lots().vintage == Month(2025, 12).number] == CURRENT).all()
    assert (book.column(Month(2026, 2))[book.lots().vintage == Month(2025, 12).number] == EARLIER).all()
    assert (book.column(Month(2026, 2))[book.lots().vintage == Month(2026, 1).number] == CURRENT).all()


def test_sold_certificates_change_hands_vintage_by_vintage():
    book = two_vintages()
    book.add(trade(Month(2026, 2), ("sell", SUN, [40, 90, 0], [5, 2, 0]), ("sell", NEW_DAM, [0, 10, 0], [5, 2, 0]),
                     ("buy", METAL, [30, 25, 0], [5, 2, 0]), ("buy", COAST, [10, 75, 0], [5, 2, 0])))
    lots = book.lots()
    got = {(who, vintage): int(lots.count[(lots.holder == who) & (lots.vintage == vintage.number)].sum())
           for who, vintage in product((METAL, COAST, SUN), (Month(2025, 12), Month(2026, 1)))}
    assert got == {(METAL, Month(2025, 12)): 25, (METAL, Month(2026, 1)): 30, (COAST, Month(2025, 12)): 75,
                   (COAST, Month(2026, 1)): 10, (SUN, Month(2025, 12)): 6, (SUN, Month(2026, 1)): 56}
    assert book.flows["traded"] == 140
    assert book.faults() == []


def test_the_oldest_of_a_column_goes_first():
    book = registry()
    for month in (Month(2025, 5), Month(2025, 6)):
        book.issue(month, grid(), np.array([0, 0, 0, 0, 50_000, 0]), NONE, NONE)
    book.add(trade(JULY, ("sell", SUN, [70, 0, 0], [5, 0, 0]), ("buy", METAL, [70, 0, 0], [5, 0, 0])))
    lots = book.lots()
    left = lots.where(lots.holder == SUN)
    assert left.vintage.tolist() == [Month(2025, 6).number]
    assert left.count.tolist() == [30]


def test_nobody_sells_what_he_does_not_have():
    with pytest.raises(ValueError, match="97 certificates were sold, of which 96"):
        two_vintages().add(trade(Month(2026, 1), ("sell", SUN, [97, 0, 0], [5] * 3), ("buy", METAL, [97] * 3, [5] * 3)))


def test_pairs_are_made_in_the_order_of_both():
    giver, taker, count = matched(np.array([3, 0, 2]), np.array([1, 4]))
    assert list(zip(giver.tolist(), taker.tolist(), count.tolist())) == [(0, 0, 1), (0, 1, 2), (2, 1, 2)]
    with pytest.raises(ValueError, match="3 certificates are given and 2 taken"):
        matched(np.array([3]), np.array([2]))


# ------------------------------------------------------------------------------------------------------------- bundled


def sold_with_energy(count=300):
    return trade(JULY, ("sell", WIND, [0, 0, count], [9, 9, 3]), ("buy", METAL, [0, 0, count - 100], [9, 9, 3]),
                 ("buy", SMELTER, [0, 0, 100], [9, 9, 3]), ("sell", SUN, [0, 0, 20], [9, 9, 8]),
                 ("buy", COAST, [0, 0, 20], [9, 9, 8]))


def test_who_makes_less_than_he_sold_delivers_that_and_his_buyers_share_it():
    # the wind sold 300 and may trade 243 of its 486: metal gets 243 x 200 / 300 = 162, the smelter 81; the sun has all
    given, taken = bundled(sold_with_energy(), facts(), RULES)
    assert (given[WIND], given[SUN]) == (243, 20)
    assert (taken[METAL], taken[SMELTER], taken[COAST]) == (162, 81, 20)
    assert given.sum() == taken.sum() == 263


def test_delivered_certificates_are_those_of_the_month():
    book = registry()
    book.issue(Month(2025, 6), grid(), np.array([0, 0, 50_000, 0, 50_000, 0]), NONE, NONE)
    book.close(JULY, opened(facts(), sold_with_energy()), STAYS)
    lots = book.lots()
    mine = lots.where((lots.holder == METAL) | (lots.holder == COAST))
    assert (mine.vintage == JULY.number).all()
    assert mine.count.sum() == 182
    assert lots.count[(lots.holder == WIND) & (lots.vintage == Month(2025, 6).number)].sum() == 50
    assert book.flows["bundled"] == 263
    assert book.faults() == []


@pytest.mark.parametrize("share", [0.0, 0.3, 1 / 3, 0.725, 0.99, 1.0])
@pytest.mark.parametrize("scale", [0.01, 0.37, 1.0])
def test_what_is_delivered_can_always_be_delivered(share, scale):
    book, rules = registry(), RULES.model_copy(update={"shared": {"WEST": share}, "subsidised": share / 3})
    book.close(JULY, opened(facts(scale=scale), sold_with_energy()), rules)
    assert book.faults() == []


# ------------------------------------------------------------------------------------------------------------ the end


def test_retirement_is_up_to_what_was_used_and_at_the_years_end():
    book = registry()
    for k in range(6):
        book.close(JULY.later(k), facts(JULY.later(k)), RULES)
        assert (book.flows["retired"] > 0) == (k == 5)  # December
    # six days of 139 to 140, 558 and 707 or so: less than what they used, so nothing is left to them
    assert book.held()[[SMELTER, METAL, COAST]].tolist() == [0, 0, 0]
    assert book.covered[METAL] <= 6 * 960
    assert book.retired.total == book.covered.sum() == 6 * 1404
    assert book.faults() == []


def test_by_the_month_nobody_retires_more_than_he_used():
    book, rules = registry(), RULES.model_copy(update={"retirement": "month", "follows": "no"})
    book.issue(Month(2025, 6), grid(), np.array([0, 0, 2_000_000, 0, 0, 0]), NONE, NONE)
    book.add(trade(JULY, ("sell", WIND, [2000, 0, 0], [5] * 3), ("buy", METAL, [2000, 0, 0], [5] * 3)))
    book.close(JULY, facts(), rules)
    assert (book.covered[METAL], book.held()[METAL]) == (960, 1040)
    book.close(JULY.later(1), facts(JULY.later(1)), rules)
    assert (book.covered[METAL], book.held()[METAL]) == (1920, 80)


def test_a_new_year_begins_with_an_empty_account():
    book, rules = registry(), RULES.model_copy(update={"retirement": "month"})
    book.close(Month(2025, 12), facts(Month(2025, 12)), rules)
    book.close(Month(2026, 1), facts(Month(2026, 1)), rules)
    assert book.used[METAL] == 960_000
    assert book.covered[METAL] == 558


def test_a_certificate_ends_with_its_24th_month():
    book = issued(Month(2023, 9))
    book.expire(Month(2025, 7), 24)
    assert book.expired.total == 0
    book.expire(Month(2025, 8), 24)
    assert book.expired.total == 1440 + 252 + 486 + 96
    assert book.held().sum() == 0
    assert book.faults() == []


# ---------------------------------------------------------------------------------------------------------- the truths


def test_the_books_say_what_is_wrong():
    book = issued()
    book._held.add(book.lots().key[:1], np.array([1]))  # a certificate from nowhere
    assert book.faults() == ["2274 certificates were issued, 2275 are held, retired or expired"]
    book = issued()
    book.metered += 5
    assert book.faults() == ["5 kWh were metered and neither certified nor carried over"]


def test_the_truth_of_a_month_asks_the_registry():
    page = facts()
    page.certificates = issued()
    assert checks.certificates_are_somewhere(None, page) == []
    page.certificates.issued.add(page.certificates.issued.key[:1], np.array([2]))
    assert "2276 certificates were issued" in checks.certificates_are_somewhere(None, page)[0]


def test_what_is_held_keeps_its_holder_when_units_are_added():
    book = registry()
    book.close(JULY, facts(), RULES)
    before, used = book.held(), book.used
    book.turn_year(grid(first=["first", "second"]))
    assert np.array_equal(book.held(), np.concatenate([[0, 0], before]))
    assert np.array_equal(book.used, np.concatenate([[0, 0], used]))
    assert book.zone.tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert book.rest[2 + WIND] == 120
    assert book.faults() == []
    with pytest.raises(ValueError, match="first"):
        book.turn_year(grid())


def test_coal_and_users_make_none():
    assert certified(facts())[[COAL, SMELTER]].tolist() == [0, 0]


def test_forty_months_of_chance_keep_the_books():
    rng = np.random.default_rng(11)
    book = registry()
    for k in range(40):
        month = Month(2024, 1).later(k)
        if k:
            lots, column = book.lots(), book.column(month)
            lines = []
            for vintages in (CURRENT, EARLIER):
                can = lots.where((lots.kind == FREE) & (column == vintages) & (lots.holder < 6))
                has = np.bincount(can.holder, can.count, 9).astype(int)
                sold = (has * rng.random(9)).astype(int)
                counts = np.zeros((9, 3), int)
                counts[:, vintages] = sold
                lines += [("sell", p, counts[p], [1] * 3) for p in range(6)]
                buys = np.zeros(3, int)
                buys[vintages] = sold.sum()
                lines += [("buy", METAL + 2 * (k % 2), buys, [1] * 3)]
            book.add(trade(month, *lines))
        page = facts(month, scale=rng.random())
        book.close(month, opened(page, trade(month, *lines)) if k else page, RULES)
        assert book.faults() == []
    assert book.expired.total > 0
    assert book.retired.total > 0

