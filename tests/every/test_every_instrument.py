"""What holds for every policy instrument that the registry finds, on the riders and prices of the toy world.

A new instrument is tested here as soon as the toy world's law knows it and ABOUT says two things of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pytest

from sim.calendar import Month
from sim.config import Section
from sim.registry import instruments
from sim.settlement.accounts import ACCOUNTS
from sim.settlement.journal import Journal
from tests.labs import altered, toy

KEYS = sorted(instruments())
pytestmark = pytest.mark.parametrize("key", KEYS)


@dataclass(frozen=True)
class About:
    """What must be said of an instrument. begins: first day of the month in which it begins in a city of the toy world.
    raised: the rules with a higher main rate, and with a higher one still.  levied: whether it leaves something to the
    system levy.  law: changes without which it is neutral.  days: lived until it has something to move.
    """

    begins: str
    raised: Callable[[Section], list[dict]]
    levied: bool = False
    law: tuple[str, ...] = ()
    days: int = 30


def more(**rates: tuple[float, float]) -> Callable[[Section], list[dict]]:
    """Rules with one rate and then another in place of theirs."""
    return lambda rules: [dict(zip(rates, pair)) for pair in zip(*rates.values())]


JULY = "2025-07-01"
ABOUT = {
    "accident_insurance": About(JULY, more(premium=(0.04, 0.06))),
    "child_benefit": About(JULY, more(grant=(20_000.0, 30_000.0)), law=("law.child_benefit.cases=50.0",)),
    "critical_illness": About(JULY, more(cases=(200.0, 400.0)), law=("law.critical_illness.cases=100.0",)),
    "family_travel": About(JULY, more(value=(2e3, 3e3)), law=("law.family_travel.cases=100.0",)),
    "late_forgiveness": About(JULY, more(forgiven=(0.6, 1.0)), law=(
        "law.late_forgiveness.forgiven=0.5", "law.platform.late_penalty=0.3")),
    "order_scheme": About(JULY, more(platform=(0.3, 0.4)), law=(
        "law.order_scheme.platform=0.2", "law.order_scheme.rider=0.1", "law.order_scheme.government=0.05")),
    "rider_stations": About(JULY, more(station_cost=(80.0, 100.0))),
    "tax_relief": About(JULY, more(credit=(0.2, 0.5)), law=("law.tax_relief.deductible=1.0",)),
    "weather_subsidy": About(JULY, more(extreme=(4.0, 5.0)), law=(
        "law.weather_subsidy.rain=1.0", "law.weather_subsidy.extreme=3.0")),
    "women_riders": About(JULY, more(value=(10.0, 20.0))),
    "work_meals": About(JULY, more(use=(0.05, 0.1))),
    "carbon": About("2025-07-01", lambda rules: [{"price": rules.price * k} for k in (1.5, 3.0)]),
    "injury_insurance": About(
        "2025-07-01",
        lambda rules: [{"premium": {s: k * rate for s, rate in rules.premium.items()}} for k in (1.5, 3)]),
    "mechanism_price": About(
        "2025-07-01", lambda rules: [{"existing": {zone: price + more for zone, price in rules.existing.items()}}
                                     for more in (400.0, 800.0)], levied=True),
    "pass_through": About(
        "2025-07-01", lambda rules: [{"approved": {"HILLS": {"coal": cost}}} for cost in (400.0, 500.0)]),
    "pension_account": About(JULY, more(interest=(0.03, 0.06)), days=62),
    "pension_subsidy": About("2025-04-01", lambda rules: [{"match": match} for match in (0.75, 1.0)]),
}


@pytest.fixture(scope="module")
def labs():
    """By instrument: the toy world's month in which it begins, closed."""
    assert set(ABOUT) == set(KEYS), "say in ABOUT what there is to know of a new instrument"
    found = {}
    for key, about in ABOUT.items():
        found[key] = toy(*about.law, start=about.begins, days=about.days).run()
    return found


@pytest.fixture
def lab(labs, key):
    return labs[key]


def rules_of(lab, key):
    return lab.law.on(lab.calendar.now.date)[key]


def applied(lab, key, rules=None):
    """The instrument's transfers for the closed month, under the law or other rules."""
    return instruments()[key]().apply(lab.facts.month, lab.facts, rules or rules_of(lab, key))


def paid(transfers) -> int:
    return sum(transfer.total for transfer in transfers)


def test_it_moves_money_between_accounts_of_the_chart_and_makes_none(key, lab):
    transfers, journal = applied(lab, key), Journal()
    assert paid(transfers) > 0
    assert all({t.payer, t.payee} <= set(ACCOUNTS) for t in transfers)
    journal.post(lab.facts.month, transfers)
    for due in sorted({t.due for t in journal.pending}):
        journal.post(due, [])
    assert sum(journal.balance.values()) == 0
    assert sum(balance for balance in journal.balance.values() if balance > 0) > 0
    assert sum(entry.total for entry in journal.entries) == paid(transfers)


def test_it_keeps_no_memory_and_changes_nothing_it_reads(key, lab):
    people = lab.facts.people
    before = {name: np.copy(value) for name, value in vars(people).items() if isinstance(value, np.ndarray)}
    instrument, rules = instruments()[key](), rules_of(lab, key)
    once, twice = (instrument.apply(lab.facts.month, lab.facts, rules) for _ in range(2))
    assert len(once) == len(twice)
    for one, other in zip(once, twice):
        assert (one.bill, one.payer, one.payee, one.due) == (other.bill, other.payer, other.payee, other.due)
        assert np.array_equal(one.amount, other.amount)
        assert np.array_equal(one.row, other.row)
    for name, value in before.items():
        assert np.array_equal(value, getattr(people, name)), name


def test_it_does_not_exist_before_its_law(key, lab):
    first = min(lab.law.on(day).since(key, next(iter(type(rules_of(lab, key)).model_fields))).day
                for day in lab.law.changes if key in lab.law.on(day))
    early = [day for day in lab.law.changes if day < first]
    assert early, "every instrument of the toy world's law began one day"
    assert key not in lab.law.on(early[-1])


class Deserted:
    """The Facts of a month in which nobody lived, made or used anything."""

    def __init__(self, facts):
        people = facts.people
        nobody = {name: value[:0] for name, value in vars(people).items() if isinstance(value, np.ndarray)}
        self._facts, self.people = facts, replace(people, **nobody)
        self.output, self.consumption = np.zeros_like(facts.output), np.zeros_like(facts.consumption)

    def __getattr__(self, name):
        return getattr(self._facts, name)


def test_nobody_there_nothing_paid(key, lab):
    month, rules = lab.facts.month, rules_of(lab, key)
    assert paid(instruments()[key]().apply(month, lab.facts, rules)) > 0
    assert paid(instruments()[key]().apply(month, Deserted(lab.facts), rules)) == 0


def test_raising_its_rate_never_lowers_what_anybody_is_paid(key, lab):
    rules = rules_of(lab, key)
    steps = [rules, *(rules.model_copy(update=change) for change in ABOUT[key].raised(rules))]
    sums = [by_end(applied(lab, key, step)) for step in steps]
    for lower, higher in zip(sums, sums[1:]):
        assert set(lower) <= set(higher)
        assert all(higher[end] >= lower[end] for end in lower)
        assert sum(higher.values()) > sum(lower.values())


def by_end(transfers) -> dict[tuple, int]:
    """Fen by bill, payee and, on a mass account, row."""
    found: dict[tuple, int] = {}
    for t in transfers:
        rows = [None] if t.row is None else t.row.tolist()
        for row, amount in zip(rows, np.atleast_1d(t.amount).tolist()):
            found[t.bill, t.payee, row] = found.get((t.bill, t.payee, row), 0) + amount
    return found


# ------------------------------------------------------------------------------------------------- absent is neutral


def entries(lab, *, but=frozenset()) -> list[tuple]:
    """The journal without its chain and some bills: month, bill, payer, payee, fen, rows, hash of the leg."""
    return [(e.month, e.bill, e.payer, e.payee, e.total, e.rows, e.leg) for e in lab.journal.entries
            if e.bill not in but]


def bills_of(lab, key) -> set[str]:
    return {t.bill for t in applied(lab, key)}


def test_switched_off_it_leaves_every_other_bill_of_the_month_as_it_was(key, lab):
    """Behaviour answers with the next month: within the month that closes, only the instrument's own bills go, and the
    levy, which closes those of markets too, changes by what they left in the grid company's account."""
    levy, own = {"system levy"} if ABOUT[key].levied else set(), bills_of(lab, key)
    off = toy(*ABOUT[key].law, f"instruments.{key}=false", start=ABOUT[key].begins, days=ABOUT[key].days).run()
    assert entries(off, but=levy) == entries(lab, but=own | levy)
    assert not own & {e.bill for e in off.journal.entries}
    assert left(lab, levy) - left(off, levy) == -left(lab, own)
    assert bool(levy) == (left(lab, own) != 0)


def left(lab, bills: set[str]) -> int:
    """Fen that some bills of the month leave in the grid company's account."""
    return sum(e.total * ((e.payee == "grid_company") - (e.payer == "grid_company")) for e in lab.journal.entries
               if e.bill in bills)


ENERGY = {"spot energy", "DC fee", "congestion rent", "swap electricity"}


def test_where_cabinets_draw_nothing_it_never_touches_the_energy_bills(key, lab, tmp_path):
    """Riders reach the grid through their batteries alone. With the energy of a swap set to zero, three months with the
    instrument and without it have the same energy bills to the fen, and only riders' bills differ. (With it, who is
    subsidised stays on a little longer, another rider takes to the road elsewhere, and his battery charges.)"""
    scenario = altered(tmp_path, settings={"riders": {"swap": {"energy": 0.0}}})
    on, off = (toy(*ABOUT[key].law, *change, start=ABOUT[key].begins, days=63, scenario=scenario).run()
               for change in ((), (f"instruments.{key}=false",)))
    energy = [[e for e in entries(lab) if e[1] in ENERGY] for lab in (on, off)]
    assert energy[0] == energy[1]
    first = Month.of(date.fromisoformat(ABOUT[key].begins))
    assert {e[0] for e in energy[0]} == {str(first.later(k)) for k in range(3)}
    assert entries(on) != entries(off)
