"""The head is the fingerprint of a run: of its config and seed, and of nothing else."""

import os
import subprocess
import sys

import pytest

from agents import beliefs
from tests.labs import ROOT, altered, cells, toy

PERIOD = {"start": "2025-07-29", "days": 5}  # across the turn of a month
SHORT = "from tests.labs import toy; print(toy(start='2025-07-29', days=5, seed={seed}).run().journal.head)"


@pytest.fixture(scope="module")
def head() -> str:
    return toy(**PERIOD).run().journal.head


def test_a_head_is_sixty_four_hexadecimal_digits_of_something(head):
    assert len(head) == 64
    assert int(head, 16) > 0


def test_the_same_run_twice_has_the_same_head(head):
    assert toy(**PERIOD).run().journal.head == head


@pytest.mark.parametrize("hashseed", ["1", "4242"])
def test_in_another_process_with_another_order_of_hashes_it_has_the_same_head(head, hashseed):
    environment = os.environ | {"PYTHONHASHSEED": hashseed}
    told = subprocess.run([sys.executable, "-c", SHORT.format(seed=7)], cwd=ROOT, env=environment, check=True,
                          capture_output=True, text=True)
    assert told.stdout.strip() == head


def test_it_does_not_matter_what_ran_before_in_the_same_process(head, tmp_path, monkeypatch):
    """What one run leaves in memory, above all what it worked out of the water's worth, must not reach another one: not
    one of this world, and not one of a world that differs in its demand alone."""
    other = {"scenario": altered(tmp_path, {"demand_years": cells(annual="4")}), **PERIOD}
    after = toy(**other).run().journal.head
    assert toy(**PERIOD).run().journal.head == head
    monkeypatch.setattr(beliefs, "_known", {})
    assert toy(**other).run().journal.head == after != head
    assert toy(**PERIOD).run().journal.head == head


def test_another_seed_has_another_head(head):
    assert len({head, *(toy(**PERIOD, seed=seed).run().journal.head for seed in (8, 9))}) == 3


@pytest.mark.parametrize("change", ["record.journal=roots", "record.hourly=false", "record.figures=false",
                                    "title=Another"])
def test_what_is_kept_and_how_it_is_called_is_no_part_of_the_head(head, change):
    assert toy(change, **PERIOD).run().journal.head == head


@pytest.mark.parametrize("change", ["law.swap.subscription=299.01", "instruments.pension_subsidy=false",
                                    "scale.riders=1999"])
def test_a_change_of_law_or_scale_is_a_change_of_head(head, change):
    """A fen more for a subscription is enough."""
    assert toy(change, **PERIOD).run().journal.head != head


def test_a_law_that_nobody_meets_is_no_change_of_head(head):
    """No price comes near the cap in these days: the head knows what happened, not what would have been forbidden."""
    assert toy("law.spot.clearing_cap=1499", **PERIOD).run().journal.head == head


def test_the_head_is_the_journals_last_hash_and_covers_every_month(two_months):
    journal = two_months.journal
    assert journal.head == journal.entries[-1].hash
    assert [block.month for block in journal.blocks] == ["2025-07", "2025-08"]
    assert len({block.head for block in journal.blocks}) == 2
