"""A rider's story tells what the journal and the law say of him, no more."""

import pytest

from experiments.again import live
from experiments.rider_story import Chapter, Watcher, story
from sim.config import BadInput
from sim.config import load as read
from tests.labs import TOY


@pytest.fixture(scope="module")
def enrolled():
    """A lab of July and one of its riders who pays into the pension, watched."""
    config = read(TOY, set=["scale.riders=300"])
    first = live(config)
    people = first.facts.people
    identity = int(people.identity[people.enrolled][0])
    watcher = Watcher(identity)
    lab = live(config, watch=watcher)
    assert lab.journal.head == first.journal.head
    return lab, watcher


def test_the_rider_lives_each_month_once(enrolled):
    _, watcher = enrolled
    assert [one.month for one in watcher.chapters] == ["2025-07"]


def test_his_premium_is_what_the_law_asks_of_the_lower_base(enrolled):
    lab, watcher = enrolled
    people, chapter = lab.facts.people, watcher.chapters[0]
    row = people.identity.tolist().index(watcher.identity)
    assert chapter.enrolled
    assert -chapter.money["pension contribution"] == people.premium[row]
    assert chapter.money["pay of orders"] == people.income[row]


def test_the_story_says_who_he_is_and_what_he_pays(enrolled):
    _, watcher = enrolled
    told = "\n".join(story(watcher))
    assert f"Rider {watcher.identity}: " in told
    assert "pays into the pension: " in told
    assert "In all 1 month" in told


def test_what_changes_is_told_in_its_month():
    watcher = Watcher(7)
    watcher.person = "a rider."
    watcher.chapters = [
        Chapter("2025-01", "kunming", 900, 2, 6, False, False, 458_800, {"pay of orders": 500_000}),
        Chapter("2025-02", "kunming", 950, 3, 6, True, True, 458_800, {"pension contribution": -91_760}),
        Chapter("2025-03", "kunming", 950, 4, 6, True, True, 458_800,
                {"pension contribution": -91_760, "pension subsidy": 45_880}),
        Chapter("2025-04", "quanzhou", 10, 2, 6, False, False, 458_800, {"injury claims": 80_000})]
    told = story(watcher)
    assert ("2025-02: could have the subsidy: income met the base in 3 of the last 6 months; pays into the pension: "
            "917.60 CNY.") in told
    assert "2025-03: has 458.80 CNY of it back from the platform." in told
    april = next(line for line in told if line.startswith("2025-04: "))
    assert "rides in Quanzhou now" in april
    assert "loses it: only 2 of 6 months met the base" in april
    assert "is hurt and receives 800.00 CNY from the injury fund" in april
    assert "pension contribution -1,835.20" in told[-1]


def test_nobodys_identity_is_answered_with_some_that_exist(enrolled):
    _, watcher = enrolled
    stranger = Watcher(-1)
    stranger.others = (watcher.identity,)
    with pytest.raises(BadInput, match=f"nobody with identity -1 rode; there are, for example, {watcher.identity}"):
        story(stranger)
