"""The audit of a finished year of a million riders: rows, chains, seal; and a proof from the main head alone.

    .venv/bin/python -m benchmarks.audit [--riders 1000000] [--months 12]

Written for it: a journal of months in which every rider is paid, charged and insured in six mass postings (72 million
rows at full scale), with its side chains, sealed. CPU seconds of one process for the whole audit, its rows a second,
and the time of one proof and of its verification.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.record import figure, write
from experiments.audit import audit
from experiments.prove import Asked, prove
from experiments.store import Folder
from experiments.verify import verified
from sim.calendar import Month
from sim.messages import Transfer
from sim.settlement.chain import Chain, genesis
from sim.settlement.journal import Journal

BILLS = (("pay of orders", "platform", "riders"), ("living costs", "riders", "households"),
         ("other income", "households", "riders"), ("swap fee", "riders", "swap_operator"),
         ("pension contribution", "riders", "pension_pool"), ("pension contribution", "riders", "pension_accounts"))
SCENARIO = {"title": "a year written for the audit", "seed": 1}
PARTIES = {"unit": np.full(300, "YN", object), "user": np.full(24, "YN", object), "link": np.full(18, "GD", object)}


def written(path: Path, riders: int, months: int) -> int:
    """Write the run; gives its rows."""
    journal, chain, rng, rows = Journal(), Chain(genesis(SCENARIO, 1)), np.random.default_rng(1), 0
    identity, weight = np.arange(riders), np.ones(riders, np.int32)
    with Folder(path) as folder:
        for number in range(months):
            month = Month(2025, 1).later(number)
            fen = [rng.integers(1, 900_000, riders) for _ in BILLS]
            units = Transfer("administered energy", "plants", "rent", rng.integers(1, 10**9, 300), np.arange(300))
            mass = [Transfer(*bill, amount, identity, weight) for bill, amount in zip(BILLS, fen)]
            journal.post(month, [*mass, units])
            chain.close(month, journal, PARTIES)
            for name, table in (journal.tables(month) | chain.tables()).items():
                folder.write(f"journal/{name}", month, table)
            rows += riders * len(BILLS) + 300
        folder.finish({"scenario": SCENARIO, "main": chain.head}, journal.head)
    return rows


def main():
    """Print the figures and write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--riders", type=int, default=1_000_000)
    parser.add_argument("--months", type=int, default=12)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        rows = written(folder, asked.riders, asked.months)
        begun = time.process_time()
        report = audit(folder)
        spent = time.process_time() - begun
        if report.faults:
            raise SystemExit(f"the run is not sound: {report.faults[0]}")
        begun = time.process_time()
        proof = json.loads(json.dumps(prove(folder, Asked(3, asked.riders // 2))))
        proving = time.process_time() - begun
        lines = (folder / "run.yaml").read_text().splitlines()
        head = next(line.split()[1] for line in lines if line.startswith("main:"))
        begun = time.process_time()
        said = verified(proof, head)
        verifying = time.process_time() - begun
    print(f"{rows:,} rows audited in {spent:.1f} CPU s, {rows / spent / 1e6:.1f} million a second")
    print(f"a proof in {proving:.2f} s, verified in {1000 * verifying:.1f} ms: {said}")
    figures = [figure("audit", spent, "s", ["pyarrow"]), figure("rows", rows, "rows"),
               figure("proof", proving, "s"), figure("verification", verifying, "s")]
    print(f"written to {write('audit', figures)}")


if __name__ == "__main__":
    main()
