"""Comparative statics: each lever moves its outcome the stated way, in every one of twenty paired runs or more.

A pair shares its seed, so weather, people and luck are the same and only the lever differs. Offers are cost-based: no
owner of the toy world adds a markup here.
"""

from copy import copy
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from sim.markets.spot import Spot
from tests.labs import Cells, altered, cells, riders_alone, toy

WET = ("2025-07-01", "2025-08-05", "2025-09-09", "2025-10-01")
SEASONS = ("2025-01-07", "2025-04-12", "2025-05-20", "2025-07-20", "2025-11-05")
PAIRS = 20


def world(folder, name: str, **tables):
    """The scenario of a toy world at cost, with some tables changed."""
    return altered(folder.mktemp(name), {"plants": cells(markup="0")} | tables)


def outcome(lab, indicator: str, zone: str) -> float:
    """The mean of a month's indicator over the run."""
    table = lab.run().results.indicators
    return table[(table.indicator == indicator) & (table.zone == zone)]["value"].mean()


def hold(pairs: list[tuple[float, float]], slack: float = 0.0):
    """The second of each pair is never below the first, and of some of them above it."""
    assert len(pairs) >= PAIRS
    assert [pair for pair in pairs if pair[1] < pair[0] - slack] == []
    assert any(second > first for first, second in pairs)


@pytest.fixture(scope="module")
def at_cost(tmp_path_factory):
    return world(tmp_path_factory, "at_cost")


# -------------------------------------------------------------------------------------------------------------- water


def test_more_inflow_never_raises_the_hydro_zones_price_in_the_wet_season(at_cost, tmp_path_factory):
    """A fifth more water in all rivers, whose owners plan and offer anew: three days in each month, July to October."""
    wetter = world(tmp_path_factory, "wetter", inflow_years=cells(multiplier_h1="1.2", multiplier_h2="1.2"))
    pairs = []
    for start, seed in product(WET, range(5)):
        normal, wet = (outcome(toy(start=start, seed=seed, scenario=s), "price", "HILLS") for s in (at_cost, wetter))
        pairs.append((wet, normal))
    hold(pairs, slack=1e-9)


# -------------------------------------------------------------------------------------------------------------- links


def cheaper(row: Cells) -> Cells:
    """Links that ask for 40 CNY/MWh less."""
    tariff = "tariff [CNY/MWh]"
    return row | {tariff: f"{float(row[tariff]) - 40:g}"} if row["kind"] == "dc" else row


def test_a_cheaper_dc_fee_never_lowers_exports_in_the_wet_season(at_cost, tmp_path_factory):
    """In the wet season, when there is water for all; before it, in May, owners may keep water for the cheaper way of
    later months and export less for some days, which is no contradiction."""
    cheap = world(tmp_path_factory, "cheap", corridors=cheaper)
    pairs = []
    for start, seed in product(("2025-06-03", *WET), range(4)):
        pairs.append(tuple(outcome(toy(start=start, seed=seed, scenario=s), "exports.COAST", "HILLS")
                           for s in (at_cost, cheap)))
    hold(pairs, slack=1e-6)


def test_on_the_same_offers_a_cheaper_dc_fee_never_lowers_what_links_deliver(at_cost):
    """In any season: what costs less by the same amount a MWh is used no less, as in every problem of least cost."""
    pairs = []
    for start, seed in product(SEASONS, range(4)):
        lab, asked = toy(start=start, seed=seed, days=1, scenario=at_cost), []
        clear = lab.markets["spot"].clear
        lab.markets["spot"].clear = lambda *given, clear=clear, asked=asked: asked.append(given) or clear(*given)
        lab.run()
        (orders, scene), cheap = asked[0], copy(lab.grid)
        cheap.link_fee = lab.grid.link_fee - 40
        pairs.append(tuple(np.abs(Spot().clear(orders, replace(scene, grid=grid)).delivered).sum()
                           for grid in (lab.grid, cheap)))
    hold(pairs, slack=1e-6)


# ----------------------------------------------------------------------------------------------------------- insurance


def enrolled(match: float, seed: int) -> list[int]:
    """Persons enrolled in each month from April, when the subsidy begins in one of two cities, to September."""
    lab = toy("scale.riders=1000", f"law.pension_subsidy.match={match}", start="2025-04-01", days=183, seed=seed)
    return [int((m.people.enrolled * m.people.weight).sum()) for m in riders_alone(lab)]


def test_a_higher_match_never_lowers_enrolment():
    """In no month: not when few have heard of it, nor later, when peers follow and newcomers have come."""
    pairs = []
    for seed in range(PAIRS):
        less, more = enrolled(0.5, seed), enrolled(0.8, seed)
        assert len(less) == 6
        assert less[0] == more[0]  # the first month's enrolment was decided before
        assert all(b >= a for a, b in zip(less, more)), (seed, less, more)
        pairs.append((less[-1], more[-1]))
    hold(pairs)
    assert sum(more > less for less, more in pairs) >= PAIRS // 2


def premiums(rate: float, seed: int) -> tuple[int, float]:
    """What the injury fund takes in a July, fen, and the orders that riders were paid for in the insured city."""
    lab = toy("scale.riders=500", f"law.injury_insurance.premium.takeaway={rate}", days=31, seed=seed)
    [month] = riders_alone(lab)
    insured = month.people.city == lab.cities.key.index("quanzhou")
    orders = (month.people.orders * month.people.weight)[insured].sum()
    return sum(t.total for t in month.transfers if t.payee == "injury_fund"), orders


def test_a_higher_premium_on_an_order_raises_the_funds_income_in_proportion():
    """Nobody works less for it, as the platform pays: 0.07 yuan on 1.48 reported orders for each that is paid, and half
    as much again at 0.105."""
    pairs = []
    for seed in range(PAIRS):
        (low, orders), (high, same) = premiums(0.07, seed), premiums(0.105, seed)
        assert same == orders
        assert low == pytest.approx(7 * 1.48 * orders, abs=1)
        assert high == pytest.approx(10.5 * 1.48 * orders, abs=1)
        pairs.append((low, high))
    hold(pairs)
    assert all(high > low for low, high in pairs)
