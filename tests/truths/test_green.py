"""Certificates in the toy world, lived across the turn of a year: from the middle of December into March."""

import numpy as np
import pytest

from sim.certificates import BOUND, TECHNOLOGIES
from tests.labs import toy

START, DAYS = "2025-12-15", 77  # half of December, January, February, the first of March
GREEN_BILLS = {"green certificates", "green power premium"}


@pytest.fixture(scope="module")
def lab():
    return toy(start=START, days=DAYS).run()


@pytest.fixture(scope="module")
def figures(lab):
    frame = lab.results.indicators
    return {name: group.set_index("date")["value"].groupby(level=0).sum()
            for name, group in frame[frame.indicator.str.startswith("certificate")].groupby("indicator")}


def test_everything_that_can_happen_to_a_certificate_happens(figures):
    for flow in ("issued", "traded", "bundled", "transferred", "retired"):
        assert figures[f"certificates.{flow}"].sum() > 0, flow
    assert (figures["certificates_held"] > 0).all()


def test_two_vintages_trade_at_two_prices(figures):
    """From February on what was made in December no longer counts for the year and ends sooner. The first price is the
    same belief for both; from then on sellers let the older go for less."""
    earlier, current = figures["certificate_price.earlier"], figures["certificate_price.current"]
    both = earlier.index.intersection(current.index)
    assert len(both) == 2
    assert (earlier[both] <= current[both]).all()
    assert earlier[both[-1]] < current[both[-1]]


def test_prices_are_above_the_cost_of_a_sale_and_below_what_the_obliged_would_pay_instead(lab, figures):
    rules = lab.rules["green"]
    for name in ("current", "earlier", "bundled"):
        assert figures[f"certificate_price.{name}"].between(rules.fee, rules.alternative).all()


def test_old_waters_certificates_are_never_sold(lab):
    lots = lab.facts.certificates.lots()
    water = lots.where(lots.technology == TECHNOLOGIES.index("hydro"))
    assert (water.kind == BOUND).all()
    users = water.holder >= lab.facts.certificates.units
    assert water.count[users].sum() > 0


def test_all_that_was_paid_for_certificates_was_received(lab):
    paid = dict.fromkeys(GREEN_BILLS, 0)
    for entry in lab.journal.entries:
        if entry.bill in GREEN_BILLS:
            paid[entry.bill] += entry.total * ((entry.payee == "certificate_exchange")
                                               - (entry.payer == "certificate_exchange"))
    assert paid == dict.fromkeys(GREEN_BILLS, 0)
    assert lab.journal.balance["certificate_exchange"] == 0


def test_without_it_every_other_bill_is_the_same_to_the_fen(lab):
    off = toy("markets.green=false", start=START, days=DAYS).run()

    def others(lab):
        return [(e.month, e.bill, e.payer, e.payee, e.total, e.leg) for e in lab.journal.entries
                if e.bill not in GREEN_BILLS]

    assert others(off) == others(lab)
    assert not GREEN_BILLS & {e.bill for e in off.journal.entries}
    assert off.facts.certificates.issued.total == 0
    assert not np.any(off.results.indicators.indicator.str.startswith("certificates."))
