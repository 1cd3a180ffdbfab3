"""What holds for every market but the spot and for every instrument, switched off alone or with its main rate at zero:
the toy world lives a week across a month's and a year's end without it, passes every check, and its books balance.

A new market or instrument is tested here as soon as ZERO says what its main rate is.
"""

from dataclasses import dataclass

import numpy as np
import pytest

from sim.registry import instruments, markets
from tests.labs import toy

MARKETS, INSTRUMENTS = sorted(set(markets()) - {"spot"}), sorted(instruments())
KEYS = [*MARKETS, *INSTRUMENTS]
each = pytest.mark.parametrize("key", KEYS)


@dataclass(frozen=True)
class Zero:
    """rates: values of the law, by name, at which a market or an instrument is as small as it can be.  free: nobody
    then pays anything for it."""

    rates: dict[str, str]
    free: bool = True


ZERO = {
    "carbon": Zero({"price": "0"}),
    "ancillary": Zero(dict.fromkeys(("mileage_floor", "mileage_cap", "capacity_cap", "reserve_cap"), "0")),
    "capacity": Zero({"coal": "{HILLS: 0, COAST: 0}", "pumped_hydro": "{COAST: 0}"}),
    "contracts": Zero({"eligible": "0"}),
    "crossarea": Zero({"deal_probability": "0"}),
    "crossborder": Zero({"admissions": "0"}),  # who had registered before goes on
    "green": Zero({"fee": "0"}, free=False),  # certificates themselves still cost what buyers pay
    "interprovincial": Zero({"drought_cut": "0"}, free=False),  # agreements then stand in full
    "regulation_capacity": Zero({"new_share": "0", "old_share": "0"}),
    "accident_insurance": Zero({"premium": "0", "pays": "0"}),
    "child_benefit": Zero({"cases": "0"}),
    "critical_illness": Zero({"cases": "0"}),
    "family_travel": Zero({"cases": "0"}),
    "late_forgiveness": Zero({"forgiven": "0"}),
    "order_scheme": Zero(dict.fromkeys(("platform", "rider", "government"), "0")),
    "rider_stations": Zero({"stations": "0", "homes": "0"}),
    "tax_relief": Zero({"deductible": "0", "credit": "0"}),
    "weather_subsidy": Zero({"rain": "0", "extreme": "0"}),
    "women_riders": Zero({"value": "0"}),
    "work_meals": Zero({"value": "0"}),
    "pension_account": Zero({"interest": "0"}),
    "injury_insurance": Zero({"premium": "{takeaway: 0, errand: 0}"}),
    "mechanism_price": Zero(dict.fromkeys(("share_existing", "share_new"), "{wind: 0, wind_offshore: 0, solar: 0}")),
    "pass_through": Zero({"approved": "{HILLS: {coal: 0}}"}),
    "pension_subsidy": Zero({"match": "0"}),
}


def week(*changes: str):
    """Seven days, of which the third ends a year, lived to their end. Checks raise at each month's close."""
    lab = toy("scale.riders=300", *changes, start="2025-12-29", days=7).run()
    assert not lab.running
    assert lab.facts.days == 4
    return lab


@pytest.fixture(scope="module")
def whole():
    """The week with everything. For looking at."""
    return week()


def bills_of(lab, key) -> list:
    """What a market or an instrument bills in the month that was closed last."""
    one, rules = {**lab.markets, **lab.instruments}[key], lab.rules[key]
    bill = one.bill if key in MARKETS else one.apply
    return bill(lab.facts.month, lab.facts, rules)


def balanced(lab):
    """Every fen has two ends, the grid company keeps nothing, and every hour of every bus adds up."""
    assert len({entry.month for entry in lab.journal.entries}) == 2
    assert sum(lab.journal.balance.values()) == 0
    assert lab.journal.balance["grid_company"] == 0
    assert np.isfinite(lab.facts.price).all()
    assert lab.facts.imbalance < 1e-6


def test_everything_that_can_be_switched_off_is_in_force_in_this_week(whole):
    balanced(whole)
    assert set(KEYS) <= set(whole.rules)
    assert set(ZERO) == set(KEYS), "say in ZERO what the main rate of a new market or instrument is"


@each
def test_without_it_the_week_is_lived_and_the_books_balance(key, whole):
    kind = "markets" if key in MARKETS else "instruments"
    off = week(f"{kind}.{key}=false")
    balanced(off)
    assert key not in off.rules
    assert not [name for name, _ in off.facts.today if name == key]
    own = {t.bill for t in bills_of(whole, key)}
    shared = {"rounding"} | {t.bill for other in KEYS if other != key for t in bills_of(whole, other)}
    assert not (own - shared) & {entry.bill for entry in off.journal.entries}


@each
def test_with_its_main_rate_at_zero_the_week_is_lived_and_the_books_balance(key, whole):
    zero = ZERO[key]
    none = week(*(f"law.{key}.{name}={value}" for name, value in zero.rates.items()))
    balanced(none)
    assert key in none.rules
    assert not zero.free or sum(t.total for t in bills_of(none, key)) == 0
