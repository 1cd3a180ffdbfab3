"""Truths of money: every fen has two ends, the head is what was posted and nothing else, editing breaks the chain."""

import hashlib

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.calendar import Month
from sim.messages import Transfer
from sim.settlement.accounts import ACCOUNTS
from sim.settlement.bills import owed
from sim.settlement.journal import GENESIS, Journal, entry_hash, leaves_of, merkle

MASS = [name for name, account in ACCOUNTS.items() if account.mass]
SINGLE = [name for name, account in ACCOUNTS.items() if not account.mass]
FIRST = Month(2025, 1)

fen = st.integers(0, 10**12)
bill = st.sampled_from(["pay", "fee", "subsidy"])


@st.composite
def single_sums(draw):
    """A sum from one single account to another, due in one of the first three months."""
    payer, payee = draw(st.lists(st.sampled_from(SINGLE), min_size=2, max_size=2, unique=True))
    return Transfer(draw(bill), payer, payee, draw(fen), due=draw(due))


@st.composite
def columns(draw):
    """Rows between a mass account and a single one, either way."""
    ends = [draw(st.sampled_from(MASS)), draw(st.sampled_from(SINGLE))]
    amounts = draw(st.lists(st.integers(0, 10**8), max_size=8))
    row = np.array(draw(st.lists(st.integers(-(2**62), 2**62), min_size=len(amounts), max_size=len(amounts))), np.int64)
    weight = np.array(draw(st.lists(st.integers(0, 5000), min_size=len(row), max_size=len(row))), np.int32)
    return Transfer(draw(bill), *draw(st.permutations(ends)), np.array(amounts, np.int64), row,
                    draw(st.sampled_from([weight, None])), draw(due))


due = st.sampled_from([None, FIRST, Month(2025, 2), Month(2025, 3)])
transfers = st.lists(st.one_of(single_sums(), columns()), max_size=12)


def lived(some, keep="full"):
    """Three months, everything handed in in the first."""
    journal = Journal(keep)
    journal.post(FIRST, some)
    for month in (2, 3):
        journal.post(Month(2025, month), [])
    return journal


@settings(deadline=None)
@given(transfers)
def test_balances_sum_to_zero_and_are_what_was_paid(some):
    journal = lived(some)
    assert sum(journal.balance.values()) == 0
    for name, balance in journal.balance.items():
        assert balance == sum(t.total * ((t.payee == name) - (t.payer == name)) for t in some)


@settings(deadline=None)
@given(transfers, st.randoms(use_true_random=False))
def test_the_head_does_not_know_in_which_order_transfers_were_handed_in(some, shuffle):
    other = list(some)
    shuffle.shuffle(other)
    assert lived(other).head == lived(some).head


@settings(deadline=None)
@given(transfers)
def test_the_head_does_not_know_what_is_kept(some):
    assert lived(some, "roots").head == lived(some, "full").head


@settings(deadline=None)
@given(transfers)
def test_rows_that_are_kept_lead_to_the_legs_that_were_hashed(some):
    journal = Journal()
    journal.post(FIRST, [Transfer(t.bill, t.payer, t.payee, t.amount, t.row, t.weight) for t in some])
    rows = journal.tables(FIRST)["rows"]
    for entry in journal.entries:
        mine = rows["entry"] == entry.number
        if entry.rows:
            assert merkle(leaves_of(rows["row"][mine], rows["fen"][mine], rows["weight"][mine])).hex() == entry.leg
            assert (rows["fen"] * rows["weight"])[mine].sum() == entry.total
        else:
            assert not mine.any()


def unbroken(entries) -> bool:
    """Whether each entry's hash follows from its fields and its predecessor's hash."""
    previous = GENESIS
    for entry in entries:
        if entry.previous != previous or entry_hash(*entry[:-1]) != entry.hash:
            return False
        previous = entry.hash
    return True


@settings(deadline=None)
@given(st.lists(single_sums(), min_size=1, max_size=8), st.data())
def test_editing_one_field_of_one_entry_breaks_the_chain(some, data):
    entries = lived(some).entries
    assert unbroken(entries)
    at = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from(entries[at]._fields))
    value = getattr(entries[at], field)
    other = value + 1 if isinstance(value, int) else value[:-1] + ("x" if value[-1] != "x" else "y")
    edited = [*entries[:at], entries[at]._replace(**{field: other}), *entries[at + 1:]]
    assert not unbroken(edited)
    rehashed = edited[at]._replace(hash=entry_hash(*edited[at][:-1]))  # and hashed anew it does not fit its successor
    if field != "hash" and at + 1 < len(entries):
        assert not unbroken([*entries[:at], rehashed, *entries[at + 1:]])


@settings(deadline=None)
@given(st.lists(single_sums(), min_size=2, max_size=8), st.data())
def test_dropping_an_entry_breaks_the_chain_or_moves_the_head(some, data):
    entries = lived(some).entries
    at = data.draw(st.integers(0, len(entries) - 1))
    left = entries[:at] + entries[at + 1:]
    assert not unbroken(left) or left[-1].hash != entries[-1].hash


@settings(deadline=None)
@given(columns().filter(lambda t: len(t.row)), st.data())
def test_a_change_in_any_row_changes_the_head(column, data):
    weight = np.ones(len(column.row), np.int32) if column.weight is None else column.weight
    parts = [column.row.copy(), column.amount.copy(), weight.copy()]
    data.draw(st.sampled_from(parts))[data.draw(st.integers(0, len(column.row) - 1))] += 1
    row, amount, weight = parts
    changed = Transfer(column.bill, column.payer, column.payee, amount, row, weight, column.due)
    assert lived([changed]).head != lived([column]).head


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 50)), max_size=20))
def test_turning_sides_round_keeps_every_rows_net_sum(rows):
    amount = np.array([fen for fen, _ in rows], np.int64)
    weight = np.array([persons for _, persons in rows], np.int32)
    net = np.zeros(len(rows), np.int64)
    for transfer in owed("fee", "riders", "platform", amount, np.arange(len(rows)), weight):
        assert (transfer.amount > 0).all()
        assert np.array_equal(transfer.weight, weight[transfer.row])
        net[transfer.row] += transfer.amount if transfer.payer == "riders" else -transfer.amount
    assert np.array_equal(net, amount)


def test_the_head_of_a_known_journal_is_the_same_everywhere():
    # a shell says so too: printf '\0fee|platform|households|250' | sha256sum, and so on up the formulas of the journal
    leg = hashlib.sha256(b"\0fee|platform|households|250").hexdigest()
    first = hashlib.sha256(f"0|2025-01|fee|platform|households|250|0|{leg}|{'0' * 64}".encode()).hexdigest()
    rows = bytes.fromhex("0700000000000000" "0a00000000000000" "02000000")
    leg = hashlib.sha256(b"\0" + rows).hexdigest()
    second = hashlib.sha256(f"1|2025-01|pay|platform|riders|20|1|{leg}|{first}".encode()).hexdigest()
    journal = lived([Transfer("pay", "platform", "riders", np.array([10]), np.array([7]), np.array([2], np.int32)),
                     Transfer("fee", "platform", "households", 250)])
    assert journal.head == second
