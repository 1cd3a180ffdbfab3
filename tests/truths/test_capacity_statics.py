"""Whole years of the toy world, cleared hour by hour, under rising prices of being there: what is started then.

Worked incomes without a market stand in tests/agents/test_developer.py; here the model finds every income itself.
"""

import pytest

from tests.labs import toy

QUICK = ("law.spot.engine=hour", "law.spot.storage_scheduling=own", "law.spot.ahead=false",
         "law.ancillary.mode=sequential", "scale.riders=50", "record.hourly=false", "record.journal=roots")
BASES = (150, 280, 330)  # CNY/kW-yr; deals within 30 % of it
SEEDS = range(20)


def after_a_year(seed: int, *changes: str):
    """The toy world of 2025 and the first day of 2026, on which projects are started."""
    return toy(*QUICK, *changes, start="2025-01-01", days=366, seed=seed).run()


def started(lab, zone="HILLS", technology="battery") -> float:
    return next(d for d in lab.developers if d.zone == zone).queue_of(technology)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", SEEDS)
def test_a_higher_price_of_regulation_capacity_never_lowers_storage_started(seed):
    built = [started(after_a_year(seed, f"law.regulation_capacity.base_price.HILLS={base}",
                                  "law.regulation_capacity.default_price=500")) for base in BASES]
    assert built == sorted(built)
    assert built[0] == 0  # it loses money
    assert built[-1] > 0


@pytest.mark.campaign
@pytest.mark.parametrize("seed", SEEDS)
def test_a_higher_capacity_price_of_coal_never_lowers_storage_started(seed):
    """Coal's price is paid for being there, whatever stores do: offers, and so stores' income, do not move."""
    base = "law.regulation_capacity.base_price.HILLS=280", "law.regulation_capacity.default_price=500"
    built = [started(after_a_year(seed, *base, f"law.capacity.coal.HILLS={price}")) for price in (0, 330)]
    assert built[0] > 0
    assert built == sorted(built)


@pytest.mark.campaign
def test_the_loop_closes_with_the_policy_and_not_without():
    """What a battery needs beside the energy that it arbitrages here lies above nothing, so without the market nobody
    builds; where the market pays that much somebody does."""
    without = after_a_year(7, "markets.regulation_capacity=false")
    developer = next(d for d in without.developers if d.zone == "HILLS")
    needed = developer.break_even(2025)["battery"]
    assert needed > 0
    assert started(without) == 0
    cap = 1.10 * needed
    paid = after_a_year(7, f"law.regulation_capacity.base_price.HILLS={cap / 1.3}",
                        "law.regulation_capacity.default_price=500")
    assert started(paid) > 0
