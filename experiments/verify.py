"""Verify a proof of inclusion from a main head alone. This program shares no code with the house that wrote the proof.

    python -m experiments.verify PROOF --head MAIN_HEAD

The head is the hash of the last main block that somebody trusts: printed at the end of a run, kept or published.
Nothing else is believed: every hash is computed here from the proof's plain fields. Exit code 0 where the record is in
the chain that the head closes, 1 where it is not, 2 where the file is no proof.
"""

import argparse
import hashlib
import json
import struct
import sys

ENTRY = ("number", "month", "bill", "payer", "payee", "total", "rows", "leg", "previous")
SIDE = ("side", "month", "first", "records", "root", "previous")
MAIN = ("number", "month", "journal", "head", "parties", "sides", "previous")


class Refused(Exception):
    """A step of the proof that does not hold: str() says which."""


def sha(content: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(content).digest()


def leaf(content: bytes) -> bytes:
    """The hash of a leaf of a tree (RFC 6962)."""
    return sha(b"\x00" + content)


def joined(record: dict, fields: tuple) -> bytes:
    """The text that is hashed of a record."""
    return "|".join(str(record[field]) for field in fields).encode()


def climbed(start: bytes, path: list) -> str:
    """The root that a leaf and its neighbours make, in hex."""
    for side, other in path:
        pair = (bytes.fromhex(other), start) if side == "left" else (start, bytes.fromhex(other))
        start = sha(b"\x01" + pair[0] + pair[1])
    return start.hex()


def expect(holds: bool, what: str):
    """Refuse a proof whose step does not hold."""
    if not holds:
        raise Refused(what)


def verified(proof: dict, head: str) -> str:
    """What the proof proves, in words. Raises: Refused; KeyError, TypeError or ValueError where it is no proof."""
    entry, record, rows = proof["entry"], proof["record"], proof["rows"]
    side, main = proof["side_block"], proof["main"]
    expect(sha(joined(entry, ENTRY)).hex() == entry["hash"], "the entry's fields are not those that were hashed")
    expect(record["entry"] == entry["number"] and record["month"] == entry["month"], "the record is of another entry")
    shown = f"{entry['month']}: {entry['bill']}, {entry['payer']} to {entry['payee']}, {entry['total']} fen"
    if rows is not None:
        content = b"".join(struct.pack("<qqi", *row) for row in rows["block"])
        expect(climbed(leaf(content), rows["path"]) == record["leg"], "the rows are not under the record's leg")
        mine = [row for row in rows["block"] if row[0] == rows["asked"]]
        expect(bool(mine), "the row asked for is not in the block")
        shown += "; of it " + ", ".join(f"row {row} {fen} fen x {weight}" for row, fen, weight in mine)
    text = f"{record['side']}|{record['number']}|{entry['hash']}|{record['rows']}|{record['total']}|{record['leg']}"
    expect(record["side"] == side["side"] and record["month"] == side["month"] == main[0]["month"],
           "record, side block and main block are of different sides or months")
    expect(climbed(leaf(text.encode()), proof["record_path"]) == side["root"],
           "the record is not under its side's root")
    expect(sha(joined(side, SIDE)).hex() == side["hash"], "the side block's fields are not those that were hashed")
    expect(climbed(leaf(bytes.fromhex(side["hash"])), proof["side_path"]) == main[0]["sides"],
           "the side block is not anchored in the main block")
    tip = None
    for block in main:
        expect(tip is None or block["previous"] == tip, f"main block {block['month']} does not follow its predecessor")
        tip = sha(joined(block, MAIN)).hex()
    expect(tip == head, "the chain does not end in the head given")
    return f"{shown}; side chain {record['side']}, record {record['number']}"


def main(arguments: list[str] | None = None) -> int:
    """Verify a file; gives the exit code."""
    parser = argparse.ArgumentParser(prog="verify", description=__doc__.splitlines()[0])
    parser.add_argument("proof", help="file written by gridgig audit --prove")
    parser.add_argument("--head", required=True, help="the main head that is trusted, 64 hexadecimal digits")
    asked = parser.parse_args(arguments)
    try:
        with open(asked.proof, encoding="utf-8") as file:
            proof = json.load(file)
        sys.stdout.write(f"proved: {verified(proof, asked.head)}\n")
    except Refused as reason:
        sys.stderr.write(f"not proved: {reason}\n")
        return 1
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, struct.error) as error:
        sys.stderr.write(f"{asked.proof}: is no proof ({type(error).__name__}: {error})\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
