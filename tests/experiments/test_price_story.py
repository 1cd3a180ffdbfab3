"""Why a price is what it is, checked against hours that are worked by hand and against days of the toy world."""

import numpy as np
import pytest

from experiments.price_story import Hour, Line, Link, Offer, bus_of, hour_of, reason, story
from sim.config import BadInput
from tests.labs import toy


def hour(price, offers, lines=(), links=(), energy=None, area=None, shed=None):
    """An hour at buses A, B, C ...; energy is the price and every bus an area of its own where nothing else is said."""
    n = len(price)
    area = np.arange(n) if area is None else np.array(area)
    reference = np.array([int(np.flatnonzero(area == a)[0]) for a in range(area.max() + 1)])
    return Hour(tuple("ABCDE"[:n]), np.array(price, float), np.array(price if energy is None else energy, float),
                np.full(n, 50.0), np.zeros(n) if shed is None else np.array(shed, float), np.zeros(n), area, reference,
                tuple(offers), tuple(lines), tuple(links))


# One link from A to B loses 5 % and takes 9 CNY for each MWh delivered; A's plant is used in part at 200. A MWh at B
# takes 1 / 0.95 MWh at A, 200 / 0.95 = 210.53, and the fee 9: 219.53. Of the step of 19.53 the loss is 0.05 x 219.53 =
# 10.98 and the fee on what arrives of a MWh sent 0.95 x 9 = 8.55: 200 + 10.98 + 8.55 = 219.53.
AT_B = 200 / 0.95 + 9
PLANT = Offer("plant", 0, True, 200.0, 100.0, 40.0)
FULL = Offer("dear", 1, True, 300.0, 30.0, 0.0)
OPEN_LINK = Link("tie", 0, 1, 20.0, 19.0, 0.05 * AT_B, 0.95 * 9, 0.0)


def test_over_a_link_with_room_the_far_offer_sets_the_price():
    found = reason(hour([200.0, AT_B], [PLANT, FULL], links=[OPEN_LINK]), 1)
    assert found.offers == (PLANT,)
    assert found.way == (OPEN_LINK,)
    assert 200.0 + found.way[0].loss + found.way[0].fee == pytest.approx(AT_B)


def test_the_story_adds_up_loss_and_fee_to_the_price():
    told = "\n".join(story(hour([200.0, AT_B], [PLANT, FULL], links=[OPEN_LINK]), 1, "now"))
    assert "plant, which asks 200.00 CNY/MWh, 40.0 of 100.0 MW taken" in told
    assert "A 200.00  + loss 10.98  + fee 8.55  = B 219.53" in told


def test_behind_a_full_link_the_own_offer_sets_the_price():
    # B pays its own plant 300; a MWh sent more would save 0.95 x 300 - 0.95 x 9 - 200 = 76.45
    dear = Offer("dear", 1, True, 300.0, 30.0, 10.0)
    full = Link("tie", 0, 1, 20.0, 19.0, 15.0, 8.55, 76.45)
    known = hour([200.0, 300.0], [PLANT, dear], links=[full])
    found = reason(known, 1)
    assert (found.offers, found.way) == ((dear,), ())
    assert "as much as it may: one MW more would save 76.45" in "\n".join(story(known, 1, "now"))


# Three buses in a ring of equal lines, load at C, plants at A (100) and B (200), line A-C full. Put in at A and taken
# out at C, 2/3 of a MW flows over A-C; put in at B, 1/3. One MW more at C with A-C held: a + b = 1, 2a/3 + b/3 = 0, so
# a = -1, b = 2 and the price is -100 + 400 = 300. With reference C (share 0) the line's shadow price m must give
# 300 - 2/3 m = 100 at A, so m = 300, and 300 - 1/3 x 300 = 200 at B.
RING = dict(
    price=[100.0, 200.0, 300.0], energy=[300.0, 300.0, 300.0], area=[0, 0, 0],
    offers=[Offer("cheap", 0, True, 100.0, 99.0, 60.0), Offer("dear", 1, True, 200.0, 99.0, 30.0)],
    lines=[Line("ac", 0, 2, 50.0, 50.0, 300.0, np.array([2 / 3, 1 / 3, 0.0]))])


def test_with_a_full_line_one_mw_more_is_made_of_two_offers():
    found = reason(hour(**RING), 2)
    part = dict(zip((offer.who for offer in found.offers), found.share))
    assert part == {"cheap": pytest.approx(-1.0), "dear": pytest.approx(2.0)}


def test_a_full_line_adds_to_each_bus_what_its_limit_costs_there():
    ring = hour(**RING)
    assert [ring.lines[0].effect(bus) for bus in range(3)] == pytest.approx([-200.0, -100.0, 0.0])
    told = "\n".join(story(ring, 0, "now"))
    assert "-200.00  ac, A to C: 50.0 of 50.0 MW; a MW more would save 300.00" in told
    assert "One MW more at A would be served by cheap" in told


def test_where_load_is_shed_the_price_is_the_cap():
    dark = hour([1500.0], [Offer("all of it", 0, True, 300.0, 20.0, 20.0)], shed=[5.0])
    assert reason(dark, 0).kind == "shed"
    assert "the price is the cap, 1,500.00" in "\n".join(story(dark, 0, "now"))


def test_where_no_offer_is_used_in_part_both_neighbours_are_named():
    used, left = Offer("used", 0, True, 250.0, 20.0, 20.0), Offer("left", 0, True, 280.0, 20.0, 0.0)
    found = reason(hour([260.0], [used, left]), 0)
    assert (found.kind, found.offers) == ("between", (used, left))


def test_what_a_store_keeps_is_worth_the_step_to_the_price():
    # a store asks its wear of 10 and sells half of what it could at 260: a MWh kept earns 260 - 10 = 250 elsewhen
    store = Offer("store", 0, True, 10.0, 20.0, 10.0, tied=True)
    known = hour([260.0], [store, Offer("left", 0, True, 280.0, 20.0, 0.0)])
    assert (reason(known, 0).kind, reason(known, 0).offers) == ("kept", (store,))
    assert "a MWh kept for another hour is worth 250.00" in "\n".join(story(known, 0, "now"))


def test_a_place_nobody_knows_is_answered_with_the_nearest():
    known = hour([1.0, 2.0], [])
    assert bus_of(known, ("ZONE",), np.array([0, 0]), "ZONE") == 0
    with pytest.raises(BadInput, match="did you mean 'ZONE'"):
        bus_of(known, ("ZONE",), np.array([0, 0]), "ZONES")


@pytest.fixture(scope="module")
def lived():
    """The hours of the toy world's third of July, as explained."""
    lab = toy(days=3).run()
    spot = lab.facts.today["spot", "real-time"]
    return [hour_of(spot, lab.grid, lab.facts, h, apart=False) for h in range(24)]


def test_energy_and_full_lines_add_up_to_every_price_that_was_lived(lived):
    for known in lived:
        for bus, price in enumerate(known.price):
            lines = sum(line.effect(bus) for line in known.lines)
            assert known.energy[bus] + lines == pytest.approx(price, abs=1e-6)


def test_what_is_told_explains_the_price_that_was_lived(lived):
    explained = 0
    for known in lived:
        for bus in range(len(known.bus)):
            found = reason(known, bus)
            if found.kind != "offer" or not found.share:
                continue
            explained += 1
            entry = sum(part * offer.price for part, offer in zip(found.share, found.offers))
            assert entry == pytest.approx(known.price[found.entry], abs=0.03)
            for link in found.way:
                assert known.price[link.start] + link.loss + link.fee == pytest.approx(known.price[link.end], abs=0.03)
    assert explained > 24  # of 72
