"""The four riders of the published story, each lived through the second half of 2025 in Kunming, with the platform's
subsidy and without: one for whom it is a windfall, one whose cost it halves, one whom it wins, one who lacks the cash.

All review their decision every month with the taste of their lives; nobody leaves or moves. The lower base is 4,588
yuan from July 2025, the contribution 20 % of it, 917.60 yuan, the subsidy half of that, 458.80, for September and later
months in Kunming (the first month served there), each paid a month later.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Month
from tests.labs import altered, cells, riders_alone, toy

YU, DENG, NIU, HU = range(4)
OTHER_CITY, HF_LEPAO, HF_CROWD = 1, 0, 1
SEPTEMBER = Month(2025, 9)
PEOPLE = {  # what the story tells of them; taste: how each leans by nature, logits
    YU: {"origin": OTHER_CITY, "segment": HF_CROWD, "age": 41 * 12, "tenure": 72, "dependants": 3, "history": 72,
         "enrolled": True, "temporary": False, "roots": 72, "taste": 3.5, "cash": 9000, "factor": 1.2},
    DENG: {"origin": 0, "segment": HF_CROWD, "age": 38 * 12, "tenure": 20, "dependants": 1, "history": 24,
           "enrolled": True, "temporary": False, "roots": 20, "taste": 5.0, "cash": 8000, "factor": 7000 / 6700},
    NIU: {"origin": OTHER_CITY, "segment": HF_LEPAO, "age": 44 * 12, "tenure": 30, "dependants": 1, "history": 0,
          "enrolled": False, "temporary": False, "roots": 30, "taste": 1.0, "cash": 8000, "factor": 1.0},
    HU: {"origin": OTHER_CITY, "segment": HF_CROWD, "age": 33 * 12, "tenure": 90, "dependants": 4, "history": 0,
         "enrolled": False, "temporary": False, "roots": 90, "taste": 6.0, "cash": 300, "factor": 0.95},
}


def lived(folder, *changes, cash_of_hu=300):
    """July to December 2025: the lab, the months, and the rows of the four."""
    enrolment = {f"review_{who}": 1.0 for who in ("outside", "entry", "eligible", "enrolled")} | {"keep_taste": 1.0}
    scenario = altered(folder, tables={"rider_segments": cells(next="0")}, settings={
        "riders": {"enrolment": enrolment, "move": {"look": 0}}})
    lab = toy("scale.riders=400", *changes, scenario=scenario, start="2025-07-01", days=184)
    riders = lab.riders
    riders.spells.exit[:] = 0.0
    rows = {}
    for who, traits in PEOPLE.items():
        row = rows[who] = np.flatnonzero((riders.city == 0) & (riders.segment == traits["segment"]))[3 + who]
        for column, value in (traits | {"hukou": 0, "place": 0, "other": 0, "sent": 0, "starts": 1, "met": 0b111111,
                                        "beta": 0.75, "trust": 0.7, "swaps": True}).items():
            getattr(riders, column)[row] = value
        riders.chance[row] = riders.streets.chance[traits["segment"]]
    riders.cash[rows[HU]] = cash_of_hu
    names = {who: riders.identity[row] for who, row in rows.items()}
    return SimpleNamespace(riders=riders, months=riders_alone(lab), rows=rows, names=names)


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """With the subsidy and without it."""
    return (lived(tmp_path_factory.mktemp("with")),
            lived(tmp_path_factory.mktemp("without"), "instruments.pension_subsidy=false"))


def enrolled(story, who) -> list[bool]:
    """Whether he paid, July to December."""
    return [bool(month.people.enrolled[story.rows[who]]) for month in story.months]


def received(story, who) -> dict[Month, int]:
    """Subsidies by the month in which they arrive, fen."""
    found = {}
    for month in story.months:
        for bill in month.transfers:
            if bill.bill == "pension subsidy" and (mine := bill.row == story.names[who]).any():
                found[bill.due] = found.get(bill.due, 0) + int(bill.amount[mine].sum())
    return found


def paid(story, who) -> int:
    """Contributions of the half year, fen."""
    return sum(int(bill.amount[bill.row == story.names[who]].sum()) for month in story.months
               for bill in month.transfers if bill.bill == "pension contribution")


def test_yu_has_always_paid_and_would_without_it_all_he_gets_is_a_windfall(stories):
    helped, alone = stories
    assert enrolled(helped, YU) == enrolled(alone, YU) == [True] * 6
    gifts = received(helped, YU)
    assert gifts
    assert set(gifts.values()) == {45880}
    assert paid(helped, YU) == paid(alone, YU) == 6 * 91760


def test_deng_pays_917_60_a_month_and_gets_half_of_it_back_from_september_on(stories):
    helped, alone = stories
    assert paid(helped, DENG) == 6 * 91760
    months = [SEPTEMBER.later(k) for k in range(4)]
    base = 458800
    met = [month.people.income[helped.rows[DENG]] >= base for month in helped.months[2:]]
    assert sum(met) >= 3
    assert received(helped, DENG) == {month.later(1): 45880 for month, ok in zip(months, met) if ok}
    assert received(alone, DENG) == {}
    saved = 6 * 4588 * 0.08  # and interest of half a year on what was there, at 1.5 % a year
    assert saved <= helped.riders.account[helped.rows[DENG]] < saved * 1.0075


def test_deng_earns_some_7000_yuan(stories):
    incomes = [month.people.income[stories[0].rows[DENG]] / 100 for month in stories[0].months]
    assert 5500 < np.mean(incomes) < 8500


def test_niu_is_won_by_the_subsidy_and_only_by_it(stories):
    helped, alone = stories
    assert enrolled(alone, NIU) == [False] * 6
    assert enrolled(helped, NIU)[:3] == [False] * 3  # nothing is served in Kunming before September
    assert any(enrolled(helped, NIU)[3:])
    assert received(helped, NIU)


def test_a_received_subsidy_removes_nius_doubt_and_he_takes_root(stories):
    helped, alone = stories
    row = helped.rows[NIU]
    assert helped.riders.trust[row] == 1.0
    assert alone.riders.trust[row] < 1.0
    assert helped.riders.roots[row] > alone.riders.roots[row]


def test_at_44_a_month_of_rights_is_worth_more_than_at_24_and_needs_less_patience(stories):
    riders = stories[0].riders
    row = np.array([stories[0].rows[NIU]])
    worth = []
    for age in (24, 44):
        riders.age[row] = age * 12
        worth.append(riders.appraise(row, np.array([458.8]), np.array([458.8]), np.ones(1))[0][0])
    assert worth[1] > worth[0]


def test_hu_would_join_but_has_not_the_917_60_yuan_at_hand(stories, tmp_path):
    helped, _ = stories
    joined, cash = enrolled(helped, HU), helped.riders.cash[helped.rows[HU]]
    assert joined[:2] == [False] * 2
    richer = lived(tmp_path, cash_of_hu=6000)
    assert enrolled(richer, HU)[1]  # the same man with savings
    assert cash < richer.riders.cash[richer.rows[HU]] + 6000
