"""The journal: what is hashed, byte by byte; what is refused; what moves."""

import hashlib
import struct

import numpy as np
import pytest

from sim.calendar import Month
from sim.messages import Transfer
from sim.settlement.journal import BLOCK, GENESIS, Journal, JournalError, leaves_of, merkle

JULY, AUGUST, SEPTEMBER = Month(2025, 7), Month(2025, 8), Month(2025, 9)


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def pay(fen, row=None, weight=None, bill="pay of orders", due=None):
    """Platform to riders, by row."""
    fen = np.array(fen, np.int64)
    row = np.arange(len(fen), dtype=np.int64) if row is None else np.array(row, np.int64)
    return Transfer(bill, "platform", "riders", fen, row, None if weight is None else np.array(weight, np.int32), due)


def single(fen, bill="rent of rooms", payer="platform", payee="households", due=None):
    return Transfer(bill, payer, payee, fen, due=due)


def posted(*transfers, month=JULY, keep="full"):
    journal = Journal(keep)
    journal.post(month, transfers)
    return journal


def test_money_leaves_one_account_and_reaches_another():
    journal = posted(single(250), pay([100, 7], weight=[3, 1]))
    assert {name: fen for name, fen in journal.balance.items() if fen} == {
        "platform": -557, "households": 250, "riders": 307}  # 3 x 100 + 7


def test_a_row_is_twenty_little_endian_bytes():
    # identity 258 = 0x0102, 3 fen, 4 persons; then identity -1
    one = bytes.fromhex("0201000000000000" "0300000000000000" "04000000")
    two = bytes.fromhex("ffffffffffffffff" "0500000000000000" "06000000")
    (leaf,) = leaves_of(np.array([258, -1]), np.array([3, 5]), np.array([4, 6], np.int32))
    assert leaf == sha(b"\x00" + one + two)


def test_a_leaf_covers_1024_rows():
    count = 2 * BLOCK + 1
    rows = [struct.pack("<qqi", i, 10 * i, 1) for i in range(count)]
    expected = [sha(b"\x00" + b"".join(rows[at:at + 1024])) for at in (0, 1024, 2048)]
    assert leaves_of(np.arange(count), 10 * np.arange(count), None) == expected


def test_slabs_leave_no_trace_in_the_leaves():
    count = 64 * BLOCK + 3  # one row-laying slab and a bit
    last = b"".join(struct.pack("<qqi", i, 1, 1) for i in range(64 * BLOCK, count))
    leaves = leaves_of(np.arange(count), np.ones(count, np.int64), None)
    assert (len(leaves), leaves[-1]) == (65, sha(b"\x00" + last))


def test_an_odd_leaf_moves_up_the_tree_unchanged():
    a, b, c = sha(b"a"), sha(b"b"), sha(b"c")
    assert merkle([]) == sha(b"")
    assert merkle([a]) == a
    assert merkle([a, b]) == sha(b"\x01" + a + b)
    assert merkle([a, b, c]) == sha(b"\x01" + sha(b"\x01" + a + b) + c)


def test_the_tree_is_that_of_rfc_6962():
    # its test vectors: leaves "", 00, 10, 2021, 3031, 40414243, 5051525354555657, 606162636465666768696a6b6c6d6e6f
    data = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [sha(b"\x00" + bytes.fromhex(text)) for text in data]
    assert merkle(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle(leaves[:3]).hex() == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    assert merkle(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_an_entry_is_hashed_with_its_predecessor():
    journal = posted(single(250), single(99, bill="rent of vans"))
    first, second = journal.entries
    leg = sha(b"\x00rent of rooms|platform|households|250").hex()
    text = f"0|2025-07|rent of rooms|platform|households|250|0|{leg}|{GENESIS}"
    assert (first.previous, first.leg, first.hash) == (GENESIS, leg, sha(text.encode()).hex())
    assert second.previous == first.hash
    assert second.hash == journal.head


def test_a_month_is_sealed_by_a_root_over_its_entries():
    journal = posted(single(250), single(99, bill="rent of vans"))
    journal.post(AUGUST, [single(1)])
    first, second, third = (bytes.fromhex(entry.hash) for entry in journal.entries)
    july, august = journal.blocks
    assert july[:3] == ("2025-07", 0, 2)
    assert july.root == sha(b"\x01" + sha(b"\x00" + first) + sha(b"\x00" + second)).hex()
    assert august == ("2025-08", 2, 1, sha(b"\x00" + third).hex(), journal.head)


def test_entries_stand_by_bill_payer_payee_and_due():
    late = Journal()
    late.post(JULY, [single(5, due=AUGUST)])
    late.post(AUGUST, [single(4), single(3, payee="injury_fund"), single(2, payer="customers"),
                       single(1, bill="a bill")])
    assert [(e.bill, e.payer, e.payee, e.total) for e in late.entries] == [
        ("a bill", "platform", "households", 1), ("rent of rooms", "customers", "households", 2),
        ("rent of rooms", "platform", "households", 4), ("rent of rooms", "platform", "households", 5),
        ("rent of rooms", "platform", "injury_fund", 3)]


def test_what_is_due_later_moves_later():
    journal = posted(single(250, due=SEPTEMBER), single(9, due=JULY))
    assert (journal.balance["households"], len(journal.pending)) == (9, 1)
    journal.post(AUGUST, [])
    assert (journal.balance["households"], journal.blocks[-1].entries) == (9, 0)
    journal.post(SEPTEMBER, [])
    assert (journal.balance["households"], journal.pending) == (259, [])


def test_every_row_of_a_posting_is_handed_on_once():
    journal = posted(pay([5, 6], row=[8, 9], weight=[1, 2]), single(250), pay([7], row=[3], bill="swap refund"))
    tables = journal.tables(JULY)
    rows = [tables["rows"][name] for name in ("entry", "row", "fen", "weight")]
    assert [column.tolist() for column in rows] == [[0, 0, 2], [8, 9, 3], [5, 6, 7], [1, 2, 1]]
    assert [column.dtype for column in rows] == [np.int32, np.int64, np.int64, np.int32]
    assert tables["leaves"]["entry"].tolist() == [0, 2]
    assert tables["leaves"]["leaf"][1] == journal.entries[2].leg  # one block: its leaf is the root
    assert tables["entries"]["total"].tolist() == [17, 250, 7]
    assert tables["blocks"]["root"].tolist() == [journal.blocks[0].root]


def test_a_month_without_rows_has_empty_tables_of_the_same_kind():
    empty, full = posted(single(1)).tables(JULY)["rows"], posted(pay([1])).tables(JULY)["rows"]
    assert {name: (column.dtype, len(column)) for name, column in empty.items()} == {
        name: (column.dtype, 0) for name, column in full.items()}


def test_only_the_last_month_is_still_at_hand():
    journal = posted(single(250))
    journal.post(AUGUST, [])
    with pytest.raises(JournalError, match="2025-07 are not kept"):
        journal.tables(JULY)


def test_roots_keep_no_rows_and_the_same_head():
    full, roots = (posted(pay([5, 6]), single(250), keep=keep) for keep in ("full", "roots"))
    assert full.head == roots.head
    assert set(full.tables(JULY)) - set(roots.tables(JULY)) == {"rows", "leaves"}


WRONG = {
    "the chart has no account 'moon'": single(1, payee="moon"),
    "nobody pays himself": single(1, payee="platform"),
    "due in 2025-06, but it is 2025-07": single(1, due=Month(2025, 6)),
    "a bill needs a name": single(1, bill="a|b"),
    "rows go with exactly one": Transfer("b", "platform", "households", np.array([1]), np.array([1])),
    "1 ends are mass accounts": single(1, payee="riders"),
    "2 ends are mass accounts": Transfer("b", "users", "riders", np.array([1]), np.array([1])),
    "turn the sides round instead": single(-1),
    "turn the sides round for those rows": pay([1, -1]),
    "a negative amount": pay([1, 1], weight=[1, -1]),
    "not 1.5": single(1.5),
    "not True": single(True),
    "weights need rows": Transfer("b", "platform", "households", 1, weight=np.array([1], np.int32)),
    "amount must be int64": Transfer("b", "platform", "riders", np.array([1.0]), np.array([1])),
    r"amount must be int64 \[2\]": Transfer("b", "platform", "riders", np.array([1]), np.array([1, 2])),
    "row must be int64": Transfer("b", "platform", "riders", np.array([1]), np.array([1], np.int32)),
    "weight must be int32": Transfer("b", "platform", "riders", np.array([1]), np.array([1]), np.array([1])),
    "may not fit into 64 bits": pay([2**40, 2**40], weight=[2**30, 1]),
    "an amount is 0 or more": single(2**62),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_cannot_be_posted_is_refused_before_anything_moves(message):
    journal = posted(single(250))
    head, balance = journal.head, dict(journal.balance)
    with pytest.raises(JournalError, match=message):
        posted(WRONG[message])
    with pytest.raises(JournalError):
        journal.post(AUGUST, [single(5), WRONG[message]])
    assert (journal.head, journal.balance, len(journal.blocks)) == (head, balance, 1)
    journal.post(AUGUST, [single(5)])  # the journal is none the worse for it


@pytest.mark.parametrize("month", [JULY, Month(2025, 6), Month(2024, 12)])
def test_a_closed_month_stays_closed(month):
    with pytest.raises(JournalError, match="2025-07 is closed"):
        posted(single(250)).post(month, [])
