"""The side chains of a small journal, by hand: who stands where, and what hangs on what."""

import hashlib

import numpy as np
import pytest

from sim.calendar import Month
from sim.messages import Transfer
from sim.settlement.chain import Chain, genesis, main_hash, parties_leaf, record_leaf, side_hash, side_of
from sim.settlement.journal import GENESIS, Entry, Journal, leaf, leaves_of, merkle

JANUARY, FEBRUARY = Month(2025, 1), Month(2025, 2)
PARTIES = {"unit": np.array(["A", "B", "A"], object), "user": np.array(["B"], object), "link": np.array([], object)}


def transfers():
    """Plants 0, 1 and 2 are paid 5, 7 and 11 fen, riders 2 x 30; rent 4 fen; a pension contribution of 9 fen."""
    return [Transfer("spot energy", "grid_company", "plants", np.array([5, 7, 11]), np.arange(3)),
            Transfer("congestion rent", "grid_company", "rent", 4),
            Transfer("pay of orders", "platform", "riders", np.array([30]), np.array([8]), np.array([2], np.int32)),
            Transfer("pension contribution", "riders", "pension_pool", np.array([9]), np.array([8]),
                     np.array([1], np.int32))]


def closed(*months, start=GENESIS) -> Chain:
    journal, chain = Journal(), Chain(start)
    for month in months:
        journal.post(month, transfers())
        chain.close(month, journal, PARTIES)
    chain.journal = journal
    return chain


def test_every_fen_of_the_journal_stands_in_one_side_chain():
    """23 fen of plants fall to A (5 + 11, two rows) and B (7), riders' pay to the platform, 4 fen to the grid."""
    chain = closed(JANUARY)
    found = [(r.side, r.number, r.entry, r.rows, r.total) for r in chain.records]
    assert found == [("grid", 0, 0, 0, 4), ("delivery", 0, 1, 1, 60), ("insurance", 0, 2, 1, 9),
                     ("market/A", 0, 3, 2, 16), ("market/B", 0, 3, 1, 7)]
    assert sum(r.total for r in chain.records) == sum(e.total for e in chain.journal.entries)


def test_a_provinces_record_holds_the_rows_of_its_parties():
    record = closed(JANUARY).records[3]
    assert record.leg == merkle(leaves_of(np.array([0, 2]), np.array([5, 11]), None)).hex()


@pytest.mark.parametrize(("bill", "payer", "payee", "rows", "side"), [
    ("green certificates", "users", "certificate_exchange", 3, "green"),
    ("certificates", "users", "certificate_exchange", 3, "green"),
    ("carbon allowances", "plants", "rent", 3, "carbon"), ("injury premium", "platform", "injury_fund", 0, "insurance"),
    ("pension subsidy", "platform", "riders", 2, "insurance"), ("swap fee", "riders", "swap_operator", 2, "delivery"),
    ("swap electricity", "swap_operator", "grid_company", 0, "delivery"),
    ("retail margin", "users", "grid_company", 5, "retail"), ("spot energy", "stores", "grid_company", 2, None),
    ("DC fee", "grid_company", "corridor_owners", 2, None), ("rounding", "grid_company", "rounding", 0, "grid")])
def test_where_an_entry_belongs(bill, payer, payee, rows, side):
    assert side_of(Entry(0, "2025-01", bill, payer, payee, 1, rows, "", "", "")) == side


def test_blocks_are_made_as_the_text_says():
    """One record alone: the side's root is its leaf; the main block holds the tree over four sides' hashes."""
    chain = closed(JANUARY)
    entry, record = chain.journal.entries[1], chain.records[1]
    content = f"delivery|0|{entry.hash}|1|60|{entry.leg}".encode()
    assert record_leaf(record, entry.hash) == hashlib.sha256(b"\x00" + content).digest()
    side = chain.sides[0]
    assert side[:6] == ("delivery", "2025-01", 0, 1, record_leaf(record, entry.hash).hex(), GENESIS)
    assert side.hash == hashlib.sha256("|".join(map(str, side[:6])).encode()).hexdigest()
    assert [s.side for s in chain.sides] == ["delivery", "grid", "insurance", "market/A", "market/B"]
    main = chain.blocks[0]
    hashed = [leaf(bytes.fromhex(s.hash)) for s in chain.sides]
    posted = chain.journal.blocks[0]
    people = leaf(b"unit|0|A\nunit|1|B\nunit|2|A\nuser|0|B").hex()
    assert main[:7] == (0, "2025-01", posted.root, posted.head, people, merkle(hashed).hex(), GENESIS)
    text = "|".join(map(str, main[:7])).encode()
    assert chain.head == main.hash == main_hash(main) == hashlib.sha256(text).hexdigest()


def test_a_month_follows_the_month_before_in_every_side():
    chain = closed(JANUARY, FEBRUARY)
    one = closed(JANUARY)
    assert [s.previous for s in chain.sides] == [s.hash for s in one.sides]
    assert [(r.side, r.number) for r in chain.records][:2] == [("grid", 1), ("delivery", 1)]
    assert chain.blocks[1].previous == one.head
    assert all(side_hash(side) == side.hash for side in chain.sides)


def test_anything_moves_the_head():
    """Who belongs where, what the run is, what was posted: each alone makes another main head."""
    heads = {closed(JANUARY).head, closed(JANUARY, start="1" * 64).head, closed(JANUARY, FEBRUARY).head}
    journal, chain = Journal(), Chain()
    journal.post(JANUARY, transfers())
    chain.close(JANUARY, journal, PARTIES | {"unit": np.array(["A", "B", "B"], object)})
    assert len(heads | {chain.head}) == 4
    assert closed(JANUARY).head == closed(JANUARY).head


def test_the_first_block_follows_what_the_run_is_made_of_and_nothing_it_is_called():
    scenario = {"title": "a", "law": {"x": 1}, "seed": 3, "record": {"journal": "full"}}
    assert genesis(scenario, 3) == genesis(scenario | {"title": "b", "record": {"journal": "roots"}}, 3)
    assert len({genesis(scenario, 3), genesis(scenario, 4), genesis(scenario | {"law": {"x": 2}}, 3)}) == 3


def test_only_the_month_just_posted_can_be_closed():
    journal = Journal()
    journal.post(JANUARY, transfers())
    with pytest.raises(ValueError, match="2025-02"):
        Chain().close(FEBRUARY, journal, PARTIES)
    with pytest.raises(ValueError, match="no month is closed"):
        Chain().tables()


def test_who_belongs_where_is_hashed_row_by_row():
    swapped = PARTIES | {"unit": np.array(["B", "A", "A"], object)}
    assert parties_leaf(PARTIES) != parties_leaf(swapped)
