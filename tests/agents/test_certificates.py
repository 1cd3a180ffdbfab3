"""What owners ask for certificates and what users bid, by hand on `green_world`."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from agents.certificates import STEPS, Wants, offers, outlook, worth_kept
from sim.calendar import Month
from sim.certificates import BUNDLED, CURRENT, EARLIER, bound, certified
from tests.sim.green_world import (
    COAST,
    HOMES,
    JULY,
    METAL,
    NEW_DAM,
    OLD_DAM,
    RULES,
    SUN,
    WIND,
    facts,
    opening,
    registry,
)

SEPTEMBER = Month(2025, 9)
ROW = dict(obligation=0.5, voluntary=0.1, willingness=8.0, bundled=0.2, earlier=0.25)


def scene(month, book=None, **seen):
    return SimpleNamespace(now=opening(month), rules=RULES, certificates=book or registry(), grid=facts().grid,
                           public=SimpleNamespace(traded={"green": seen} if seen else {}))


def lived(*months):
    """A registry that has closed these months."""
    book = registry()
    for month in months:
        book.close(month, facts(month), RULES)
    return book


# -------------------------------------------------------------------------------------------------------------- sellers


def test_waiting_is_worth_the_price_times_the_chance_to_get_it():
    # September 2025: half of the year's certificates find a bidder in a month, at 4.50; four trades follow that are
    # of this year (October to January): 1 - 0.5^4 = 0.9375: 0.5 + 0.9375 x 4 = 4.25. What is left then has
    # 23 - 2 = 21 months of life from July, less 4 trades: 17 as an earlier one, at 2.50 with a tenth sold a month:
    # 1 - 0.9^17 = 0.83323; 0.0625 x 0.83323 x 2 = 0.104
    seen = dict(price_current=4.5, offered_current=100.0, bids_current=50.0, price_earlier=2.5, offered_earlier=100.0,
                bids_earlier=10.0)
    kept = worth_kept(np.array([JULY.number]), np.array([CURRENT]), scene(SEPTEMBER, **seen))
    assert kept == pytest.approx([0.5 + 0.9375 * 4 + 0.0625 * (1 - 0.9**17) * 2])


def test_an_older_certificate_is_asked_less():
    seen = dict(price_current=4.5, offered_current=100.0, bids_current=10.0, price_earlier=4.5, offered_earlier=100.0,
                bids_earlier=10.0)
    vintages = np.array([Month(2023, 11).number, Month(2024, 6).number, Month(2024, 12).number])
    kept = worth_kept(vintages, np.full(3, EARLIER), scene(SEPTEMBER, **seen))
    assert kept[0] < kept[1] < kept[2] < 4.5


def test_on_its_last_day_it_is_worth_its_sale():
    last = worth_kept(np.array([Month(2023, 10).number]), np.array([EARLIER]), scene(SEPTEMBER, price_current=4.5))
    assert last == pytest.approx([0.5])


def test_before_there_was_a_price_buyers_bids_tell():
    assert outlook(scene(SEPTEMBER, willingness_current=6.0), "earlier") == (6.0, 1.0)
    assert outlook(scene(SEPTEMBER, willingness_current=6.0, price_current=3.0), "earlier") == (3.0, 1.0)
    assert outlook(scene(SEPTEMBER, price_current=3.0, bids_current=5.0, offered_current=50.0), "earlier") == (3.0, 0.1)


def test_owners_offer_what_they_hold_and_gain_by():
    book = lived(JULY)
    found = offers(np.array([OLD_DAM, NEW_DAM, WIND]), scene(JULY.later(1), book, willingness_current=6.0))
    # the old dam may not sell; the new one has 252, the wind 243; as much as half of that with August's energy
    volume = {int(unit): row.tolist() for unit, row in zip(found.unit, found.volume)}
    assert volume == {NEW_DAM: [252, 0, 126], WIND: [243, 0, 121]}


def test_nobody_offers_who_has_seen_no_bid():
    assert len(offers(np.array([NEW_DAM, WIND]), scene(JULY.later(1), lived(JULY)))) == 0


def test_subsidised_certificates_are_not_offered():
    book, page = registry(), facts()
    book.issue(JULY, page.grid, certified(page), bound(page.grid, RULES), np.full(6, 1.0))
    assert len(offers(np.array([NEW_DAM, WIND, SUN]), scene(JULY.later(1), book, willingness_current=6.0))) == 0


def test_a_year_later_they_are_earlier_ones():
    book = lived(Month(2025, 12))
    found = offers(np.array([SUN]), scene(Month(2026, 2), book, willingness_current=6.0))
    assert found.volume.tolist() == [[0, 96, 48]]
    found = offers(np.array([SUN]), scene(Month(2026, 1), book, willingness_current=6.0))
    assert found.volume.tolist() == [[96, 0, 48]]


# --------------------------------------------------------------------------------------------------------------- buyers


def wants(**changes):
    """Metal and coast want as ROW says, homes nothing."""
    rows = [SimpleNamespace(user_class=key, since=date(2025, 1, 1), **(ROW | changes)) for key in ("metal", "coast")]
    return Wants(rows, ["metal", "homes", "coast"])


def bids(month, book, **seen):
    found = wants().bids(np.array([METAL, HOMES, COAST]), scene(month, book, **seen))
    return {party: (found.price[found.unit == party], found.volume[found.unit == party])
            for party in (METAL, HOMES, COAST)}


def test_the_obliged_bid_for_what_they_lack_at_what_they_would_pay_instead():
    # metal used 960 in July and will in August: half of 1920 are 960; 558 came with its energy: 402 are missing
    price, volume = bids(JULY.later(1), lived(JULY))[METAL]
    must = price[:, CURRENT] == 20
    assert volume[must].tolist() == [[402, 0, 0]]


def test_what_was_retired_for_the_year_is_not_bought_again():
    book = lived(JULY)
    lots = book.lots()
    mine = lots.where(lots.holder == METAL)
    book.retire(mine, mine.count)
    price, volume = bids(JULY.later(1), book)[METAL]
    assert volume[price[:, CURRENT] == 20].tolist() == [[402, 0, 0]]


def test_others_bid_in_steps_of_what_firms_would_pay():
    # a tenth of 960 is 96: 19.2 a step, of which 0.8 x 0.75, 0.8 x 0.25 and 0.2: 11.52, 3.84 and 3.84 -> 11, 3, 3
    price, volume = bids(JULY.later(1), lived(JULY))[METAL]
    steps = price[:, CURRENT] != 20
    assert volume[steps].tolist() == [[11, 3, 3]] * STEPS
    # the middle of the dearest fifth: -ln 0.1 x 8 = 18.42; of the cheapest: -ln 0.9 x 8 = 0.84
    assert sorted(price[steps, BUNDLED].round(2).tolist()) == [0.84, 2.85, 5.55, 9.63, 18.42]


def test_nobody_bids_more_for_an_earlier_vintage_than_the_newest_cost():
    price, volume = bids(JULY.later(1), lived(JULY), price_current=3.0)[METAL]
    free = volume[:, EARLIER] > 0
    assert price[free, EARLIER].max() == 3.0
    assert price[free, CURRENT].max() > 18


def test_in_january_nothing_is_owed_for_the_year_that_was_closed():
    price, _ = bids(Month(2026, 1), lived(Month(2025, 12)))[METAL]
    assert price[:, CURRENT].max() < 20


def test_who_is_outside_the_market_bids_for_nothing():
    assert len(bids(JULY.later(1), lived(JULY))[HOMES][1]) == 0


def test_a_duty_begins_on_its_day():
    asked = wants()
    assert asked.on(date(2024, 12, 31))[0].tolist() == [0, 0, 0]
    assert asked.on(date(2025, 1, 1))[0].tolist() == [0.5, 0, 0.5]
