"""The story of one rider, month by month: work, money, insurance; watched while the run is lived again."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sim.config import BadInput
from sim.policy.pension_subsidy import eligible

if TYPE_CHECKING:
    from sim.model import PolicyLab

TABLE = ("month", "orders", "income", "living", "other", "met", "eligible", "enrolled", "premium", "subsidy",
         "swap fee", "claims")
SHORT = {"living costs": "living", "other income": "other", "pension contribution": "premium",
         "pension subsidy": "subsidy", "swap fee": "swap fee", "injury claims": "claims", "pay of orders": "income"}


@dataclass(frozen=True)
class Chapter:
    """A month of a rider. city: where he rode.  orders: count.  met: months of the window in which income met the base.
    window: of how many.  eligible: None where no subsidy is in force.  base: fen.  money: fen by bill, received
    positive, paid negative."""

    month: str
    city: str
    orders: float
    met: int
    window: int
    eligible: bool | None
    enrolled: bool
    base: int
    money: dict[str, int] = field(default_factory=dict)


class Watcher:
    """Looks on while a run is lived and takes down the months of one rider.

    identity: of the rider.  chapters: his months.  person: what he is, in words, when first seen.  others: some who
    exist, for who asks after nobody.
    """

    def __init__(self, identity: int):
        self.identity, self.person = identity, ""
        self.chapters: list[Chapter] = []
        self.others: tuple[int, ...] = ()

    def __call__(self, lab: "PolicyLab"):
        """Take down a month, on the day that closes it."""
        if not lab.calendar.now.closes_month:
            return
        people = lab.facts.people
        if not self.others:
            self.others = tuple(int(i) for i in people.identity[:: max(len(people.identity) // 4, 1)][:4])
        row = np.flatnonzero(people.identity == self.identity)
        if len(row):
            self.person = self.person or _person(lab, int(row[0]))
            self.chapters.append(_chapter(lab, int(row[0]), self.identity))


def _person(lab: "PolicyLab", row: int) -> str:
    """Who a rider is, in words."""
    riders = lab.riders
    segment = str(riders.segments["key"][riders.segment[row]]).replace("_", " ")
    origin = ("a local", "from another city of the province", "from another province")[int(riders.origin[row])]
    city = lab.cities.key[riders.city[row]].replace("_", " ").capitalize()
    place = riders.places[riders.hukou[row]].replace("_", " ").capitalize()
    family = int(riders.dependants[row])
    return (f"{int(riders.age[row]) // 12} years old, rides in {city} ({segment}), {origin} with hukou in {place}, "
            f"{family} dependant{'' if family == 1 else 's'}; the row stands for {int(riders.weight[row])} persons.")


def _chapter(lab: "PolicyLab", row: int, identity: int) -> Chapter:
    """A rider's month as it closes."""
    people, rules = lab.facts.people, lab.rules.get("pension_subsidy")
    window = rules.window_months if rules else 6
    met = int(bin(int(people.met[row]) & (2**window - 1)).count("1"))
    could = None if rules is None else bool(eligible(people.met[row:row + 1], rules.threshold_months, window)[0])
    return Chapter(str(lab.facts.month), lab.cities.key[people.city[row]], float(people.orders[row]), met, window,
                   could, bool(people.enrolled[row]), int(people.base[row]), _money(lab, identity))


def _money(lab: "PolicyLab", identity: int) -> dict[str, int]:
    """What a rider received (positive) and paid in the month just posted, fen by bill."""
    found: dict[str, int] = {}
    for posting in lab.journal.last:
        transfer = posting.leg.transfer
        if transfer.row is None or "riders" not in (transfer.payer, transfer.payee):
            continue
        mine = int(transfer.amount[transfer.row == identity].sum())
        if mine:
            found[transfer.bill] = found.get(transfer.bill, 0) + (mine if transfer.payee == "riders" else -mine)
    return found


def story(watcher: Watcher) -> list[str]:
    """Lines of text: who the rider is, a table of months, what changed when. Raises: BadInput for nobody's identity."""
    if not watcher.chapters:
        raise BadInput(f"--rider: nobody with identity {watcher.identity} rode; there are, for example, "
                       f"{', '.join(map(str, watcher.others))}")
    return [f"Rider {watcher.identity}: {watcher.person}", "", *_table(watcher.chapters), "",
            *[line for before, now in zip([None, *watcher.chapters], watcher.chapters) for line in _turns(before, now)],
            *_sum(watcher.chapters)]


def _table(chapters: list[Chapter]) -> list[str]:
    """The months as a table; money in CNY of one person."""
    rows = []
    for one in chapters:
        money = {SHORT.get(bill, bill): fen / 100 for bill, fen in one.money.items()}
        cells = {"month": one.month, "orders": f"{one.orders:.0f}", "met": f"{one.met}/{one.window}",
                 "eligible": "-" if one.eligible is None else "yes" if one.eligible else "no",
                 "enrolled": "yes" if one.enrolled else "no"}
        rows.append([cells.get(name) or (f"{money[name]:,.0f}" if name in money else "") for name in TABLE])
    width = [max(len(row[i]) for row in (list(TABLE), *rows)) for i in range(len(TABLE))]
    lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, width)) for row in (list(TABLE), *rows)]
    return ["CNY of one person; met: months of the window in which income met the contribution base.", "", *lines]


def _turns(before: Chapter | None, now: Chapter) -> list[str]:
    """What was new in a month, in words."""
    said = []
    if before is None:
        base = f"the contribution base is {now.base / 100:,.2f} CNY"
        said.append(f"is first seen in {now.city.replace('_', ' ').capitalize()}; {base}")
    elif before.city != now.city:
        said.append(f"rides in {now.city.replace('_', ' ').capitalize()} now")
    if now.eligible and not (before and before.eligible):
        said.append(f"could have the subsidy: income met the base in {now.met} of the last {now.window} months")
    if before and before.eligible and now.eligible is False:
        said.append(f"loses it: only {now.met} of {now.window} months met the base")
    if now.enrolled and not (before and before.enrolled):
        said.append(f"pays into the pension: {-now.money.get('pension contribution', 0) / 100:,.2f} CNY")
    if before and before.enrolled and not now.enrolled:
        said.append("no longer pays into the pension")
    if now.money.get("pension subsidy", 0) and not (before and before.money.get("pension subsidy", 0)):
        said.append(f"has {now.money['pension subsidy'] / 100:,.2f} CNY of it back from the platform")
    claims = now.money.get("injury claims", 0)
    if claims:
        said.append(f"is hurt and receives {claims / 100:,.2f} CNY from the injury fund")
    return [f"{now.month}: {'; '.join(said)}."] if said else []


def _sum(chapters: list[Chapter]) -> list[str]:
    """What all months come to."""
    total: dict[str, int] = {}
    for one in chapters:
        for bill, fen in one.money.items():
            total[bill] = total.get(bill, 0) + fen
    parts = ", ".join(f"{bill} {fen / 100:+,.2f}" for bill, fen in sorted(total.items(), key=lambda pair: -pair[1]))
    return ["", f"In all {len(chapters)} month{'' if len(chapters) == 1 else 's'}: {parts} CNY."]
