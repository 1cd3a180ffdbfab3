"""Where each account and each payment stands in the picture of money flows: a layout in numbers, drawn by plots.

Accounts are boxes in columns, payments ribbons from left to right. The largest payments decide who stands where: a
payee stands one column right of its payer. A payment that would run backwards then leaves from a second box of its
payer, one column left of the payee, so that every ribbon runs forwards.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

LAST = 3  # columns 0 .. 3: more do not fit a page


@dataclass
class Box:
    """An account in a column. size: the larger of what it takes and gives.  top: of the box, downwards from 0."""

    account: str
    column: int
    taken: float = 0.0
    given: float = 0.0
    top: float = 0.0
    ribbons: list["Ribbon"] = field(default_factory=list)

    @property
    def size(self) -> float:
        """Height of the box, in money."""
        return max(self.taken, self.given)

    @property
    def middle(self) -> float:
        """Of the box, downwards from 0."""
        return self.top + self.size / 2


@dataclass
class Ribbon:
    """A payment between two boxes. start, end: its upper edges at the payer's and at the payee's box."""

    payer: Box
    payee: Box
    amount: float
    start: float = 0.0
    end: float = 0.0


def lay_out(payments: Iterable[tuple[str, str, float]], gap: float = 0.04) -> tuple[list[Box], list[Ribbon]]:
    """Boxes and ribbons for (payer, payee, amount > 0), one for each pair; amounts are lengths.

    gap: least distance of two boxes in a column, as a share of the highest column.
    """
    payments = sorted(payments, key=lambda payment: (-payment[2], payment[:2]))
    home, boxes, ribbons = _places(payments), {}, []
    for payer, payee, amount in payments:
        end = home[payee]
        start = min(home[payer], end - 1)  # a payment that would run backwards leaves from a second box
        ends = [boxes.setdefault(key, Box(*key)) for key in ((payer, start), (payee, end))]
        ribbon = Ribbon(*ends, amount)
        for box in ends:
            box.ribbons.append(ribbon)
        ribbons.append(ribbon)
        ribbon.payer.given += amount
        ribbon.payee.taken += amount
    first = min((box.column for box in boxes.values()), default=0)
    columns: list[list[Box]] = []
    for box in boxes.values():
        box.column -= first
        columns += [[] for _ in range(box.column + 1 - len(columns))]
        columns[box.column].append(box)
    _order(columns)
    _stack(columns, gap)
    _attach(columns)
    return list(boxes.values()), ribbons


def _places(payments: list[tuple[str, str, float]]) -> dict[str, int]:
    """The column of each account: one right of who pays it most, as long as the chain fits the page."""
    chain: dict[str, dict[str, int]] = {}  # accounts that are tied so far, with their columns; shared by all of them
    for payer, payee, _ in payments:
        left, right = chain.setdefault(payer, {payer: 0}), chain.setdefault(payee, {payee: 0})
        if left is right:
            continue
        step = left[payer] + 1 - right[payee]
        ends = [*left.values(), *(column + step for column in right.values())]
        if max(ends) - min(ends) > LAST:
            if len(right) > 1:
                continue  # two long chains stay apart: the payment leaves from a second box
            step -= 1
        left |= {account: column + step for account, column in right.items()}
        for account in right:
            chain[account] = left
    return {account: tied[account] - min(tied.values()) for account, tied in chain.items()}


def _order(columns: list[list[Box]]):
    """Sort each column by where its boxes' partners stand, a few times over: fewer ribbons cross."""
    every = [box for column in columns for box in column]
    for column in columns:
        column.sort(key=lambda box: (-box.size, box.account))
    for _ in range(6):
        _stack(columns, 0.0)
        for column in columns:
            pull = {id(box): _pull(box, every) for box in column}
            column.sort(key=lambda box: (pull[id(box)], box.account))


def _pull(box: Box, every: list[Box]) -> float:
    """Mean place of the boxes at the other ends, weighted by money, and of the account's other boxes."""
    others = [(r.payee if r.payer is box else r.payer, r.amount) for r in box.ribbons]
    others += [(twin, box.size) for twin in every if twin is not box and twin.account == box.account]
    return sum(other.middle * weight for other, weight in others) / sum(weight for _, weight in others)


def _stack(columns: list[list[Box]], gap: float):
    """Give the boxes of each column their tops, the column centred on the highest one."""
    most = max((len(column) for column in columns), default=0)
    height = max((sum(box.size for box in column) for column in columns), default=0.0)
    whole = height * (1 + gap * most)
    for column in columns:
        free = whole - sum(box.size for box in column)
        between = min(free / max(len(column), 1), 3 * gap * height) if gap else 0.0
        top = (whole - sum(box.size for box in column) - between * (len(column) - 1)) / 2
        for box in column:
            box.top, top = top, top + box.size + between


def _attach(columns: list[list[Box]]):
    """Give the ribbons of each box their edges, in the order of the boxes they come from or lead to."""
    for box in (box for column in columns for box in column):
        given = sorted((r for r in box.ribbons if r.payer is box), key=lambda r: r.payee.middle)
        taken = sorted((r for r in box.ribbons if r.payee is box), key=lambda r: r.payer.middle)
        at = box.top
        for ribbon in given:
            ribbon.start, at = at, at + ribbon.amount
        at = box.top
        for ribbon in taken:
            ribbon.end, at = at, at + ribbon.amount
