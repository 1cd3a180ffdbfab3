"""Where each account and each payment stands in the picture of money flows: a layout in numbers, drawn by plots.

Accounts are boxes in columns, payments ribbons from left to right. The largest payments decide who stands where: a
payee stands one column right of its payer. A payment that would run backwards then leaves from a second box of its
payer, one column left of the payee, so that every ribbon runs forwards and every box shows what it gives and takes.
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
    boxes: dict[tuple[str, int], Box] = {}
    ribbons = [_ribbon(boxes, *payment) for payment in payments]
    first = min((box.column for box in boxes.values()), default=0)
    for box in boxes.values():
        box.column -= first
    columns = [[box for box in boxes.values() if box.column == c]
               for c in range(max((box.column for box in boxes.values()), default=-1) + 1)]
    _order(columns)
    _stack(columns, gap)
    _attach(columns)
    return list(boxes.values()), ribbons


def _ribbon(boxes: dict[tuple[str, int], Box], payer: str, payee: str, amount: float) -> Ribbon:
    """The ribbon of the next largest payment; makes the boxes it needs."""
    home = {}
    for account, column in boxes:  # the first box of an account is where it stands
        home.setdefault(account, column)
    start, end = home.get(payer), home.get(payee)
    if start is None and end is None:
        start, end = 0, 1
    elif end is None:
        end = min(start + 1, LAST)
    elif start is None:
        start = end - 1
    if start >= end:
        start = end - 1
    ends = []
    for key in ((payer, start), (payee, end)):
        ends.append(boxes.setdefault(key, Box(*key)))
    ribbon = Ribbon(*ends, amount)
    ribbon.payer.given += amount
    ribbon.payee.taken += amount
    ribbon.payer.ribbons.append(ribbon)
    ribbon.payee.ribbons.append(ribbon)
    return ribbon


def _order(columns: list[list[Box]]):
    """Sort each column by where its boxes' partners stand, a few times over: fewer ribbons cross."""
    for column in columns:
        column.sort(key=lambda box: (-box.size, box.account))
    for _ in range(6):
        _stack(columns, 0.0)
        for column in columns:
            column.sort(key=lambda box: (_partners(box), box.account))


def _partners(box: Box) -> float:
    """Mean place of the boxes at the other ends, weighted by money."""
    others = [(r.payee if r.payer is box else r.payer, r.amount) for r in box.ribbons]
    return sum(other.middle * amount for other, amount in others) / sum(amount for _, amount in others)


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
