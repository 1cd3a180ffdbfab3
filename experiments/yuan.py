"""Where a yuan goes: from who pays it, account by account, to where it stays, read off a journal's entries.

A yuan that enters an account leaves it as all of that account's money does: in proportion to what it pays, and stays in
proportion to what it keeps. Where money runs in circles the shares are those of the whole journey (an absorbing chain).
"""

from typing import TYPE_CHECKING

import numpy as np

from sim.config import BadInput
from sim.config.sections import nearest

if TYPE_CHECKING:
    import pandas

SEEN = 0.005  # of the yuan: less is summed up in a line
DEEP = 5  # steps of the journey that are written out


class Paths:
    """Shares of a yuan by account and payment. accounts: names.  share: [payer, payee] of what passes through a payer;
    bills: by (payer, payee), fen by bill.  kept: [account], share of what reaches it that stays."""

    def __init__(self, entries: "pandas.DataFrame"):
        names = sorted({*entries["payer"], *entries["payee"]})
        at = {name: i for i, name in enumerate(names)}
        self.accounts, self.fen = tuple(names), np.zeros((len(names), len(names)))
        self.bills: dict[tuple[str, str], dict[str, int]] = {}
        sums = entries.groupby(["payer", "payee", "bill"])["total"].sum()
        for (payer, payee, bill), total in sums.items():
            self.fen[at[payer], at[payee]] += total
            self.bills.setdefault((payer, payee), {})[bill] = int(total)
        given, taken = self.fen.sum(axis=1), self.fen.sum(axis=0)
        through = np.maximum(given, taken)  # who gives more than he takes has more from outside the journal
        self.share = np.divide(self.fen, through[:, None], out=np.zeros_like(self.fen), where=through[:, None] > 0)
        self.kept = 1 - self.share.sum(axis=1)

    def index(self, account: str) -> int:
        """Position of an account. Raises: BadInput for one through which no money went."""
        if account not in self.accounts:
            raise BadInput(f"--from: no money went through '{account}'{nearest(account, self.accounts)}")
        return self.accounts.index(account)

    def ends(self, account: str) -> dict[str, float]:
        """Where a yuan that an account pays comes to rest, by account; shares sum to 1.

        What returns to the account itself counts as resting there: its next yuan is another one.
        Raises: BadInput for an account that pays nothing.
        """
        first = self.index(account)
        paid = self.fen[first].sum()
        if not paid:
            raise BadInput(f"--from: '{account}' pays nothing; expected an account that does")
        onward = self.share.copy()
        onward[first] = 0.0
        reached = np.linalg.solve(np.eye(len(self.accounts)) - onward.T, self.fen[first] / paid)
        rest = reached * np.where(np.arange(len(reached)) == first, 1.0, self.kept)
        return {name: float(part) for name, part in zip(self.accounts, rest) if part > 1e-12}


def sources(entries: "pandas.DataFrame") -> list[str]:
    """Accounts that pay more than they receive, the largest first: where yuan come from."""
    paid, taken = (entries.groupby(side)["total"].sum() for side in ("payer", "payee"))
    more = paid.sub(taken, fill_value=0).sort_values(ascending=False)
    return more[more > 0].index.tolist()


def follow(entries: "pandas.DataFrame", account: str) -> list[str]:
    """Lines of text: the journey of a yuan that an account pays, payment by payment, and where it stays."""
    paths = Paths(entries)
    ends = sorted(paths.ends(account).items(), key=lambda pair: -pair[1])
    paid = paths.fen[paths.index(account)].sum() / 100
    lines = [f"Of each yuan that {_named(account)} pay ({paid:,.2f} CNY in all):", ""]
    lines += _branches(paths, paths.index(account), 1.0, 1, (account,))
    lines += ["", "In the end it stays with:"]
    lines += [f"  {share:8.4f}  {_named(name)}{' (it comes back)' if name == account else ''}" for name, share in ends
              if share >= SEEN / 10]
    few = [share for _, share in ends if share < SEEN / 10]
    return [*lines, *([f"  {sum(few):8.4f}  {len(few)} others"] if few else [])]


def _branches(paths: Paths, at: int, amount: float, depth: int, seen: tuple[str, ...]) -> list[str]:
    """The payments onward of a part of the yuan, the largest first, each followed by its own."""
    parts = paths.fen[at] / paths.fen[at].sum() if depth == 1 else paths.share[at]
    lines, small, indent = [], 0.0, "  " * depth
    for to in np.argsort(-parts):
        part = amount * parts[to]
        if part <= 0:
            break
        if part < SEEN:
            small += part
            continue
        payee = paths.accounts[to]
        bills = paths.bills[paths.accounts[at], payee]
        named = ", ".join(sorted(bills, key=lambda bill: -bills[bill])[:3]) + (", ..." if len(bills) > 3 else "")
        lines.append(f"{indent}{part:.3f}  to {_named(payee)} ({named})")
        if payee not in seen and depth < DEEP:
            lines += _branches(paths, int(to), part, depth + 1, (*seen, payee))
    if small >= SEEN / 10:
        lines.append(f"{indent}{small:.3f}  in smaller payments")
    return lines


def _named(account: str) -> str:
    return account.replace("_", " ")
