"""Who is covered because of a subsidy: six kinds of riders by hand, then worlds that live side by side."""

import numpy as np
import pytest

from experiments.cli import main
from experiments.coverage_gain import MONEY, PERSONS, compared, gain, split, whole_months
from experiments.event_study import known_effects, study
from experiments.plots_people import event_study
from experiments.riders_alone import Lived, RidersAlone
from experiments.riders_outcomes import Diary, by_group
from sim.calendar import Month
from sim.config import BadInput, load
from sim.messages import People, Transfer
from sim.model import PolicyLab
from tests.labs import ROOT, TOY

STAGED = ROOT / "configs" / "scenarios" / "staged_2025.yaml"
NOVEMBER = Month(2025, 11)


def lived(identity, enrolled, got=()) -> Lived:
    """A month of six rows of 1 to 6 persons. got: rows that earned a subsidy of 458.80."""
    n, identity = len(identity), np.array(identity)
    zero, weight = np.zeros(n, np.int64), np.arange(1, n + 1, dtype=np.int32)
    people = People(NOVEMBER, identity, weight, zero, zero, zero, zero, zero.astype(bool), np.array(enrolled, bool),
                    zero, zero, zero.astype(np.uint8), zero, zero, zero)
    rows = np.array(got, int)
    subsidy = Transfer("pension subsidy", "platform", "riders", np.full(len(rows), 45_880), identity[rows],
                       weight[rows])
    return Lived(NOVEMBER, people, [subsidy], [], zero)


def test_six_kinds_of_riders():
    """Subsidised and would not pay; subsidised and would; subsidised and would not ride; pays without a subsidy because
    of it; would have paid; a newcomer who pays nothing where somebody who pays would have stayed."""
    one = lived([1, 2, 3, 4, 5, 7], [True, True, True, True, False, False], got=[0, 1, 2])
    bare = lived([1, 2, 8, 4, 5, 6], [False, True, False, False, True, True])
    found = split(one, bare)
    kinds = [[name for name in ("additional", "windfall", "stayed", "spillover", "lost") if found[name][row]]
             for row in range(6)]
    assert kinds == [["additional"], ["windfall"], ["stayed"], ["spillover"], ["lost"], []]
    assert found["turned"].tolist() == [0, 0, 1, 0, 0, -1]
    assert found["cost_windfall"].tolist() == [0, 45_880, 0, 0, 0, 0]


def test_months_out_of_step_are_refused():
    one = lived([1, 2], [True, True])
    with pytest.raises(ValueError, match="in step"):
        split(one, one._replace(month=NOVEMBER.later(1)))


@pytest.fixture(scope="module")
def staged():
    """The staged roll-out with some 15,000 rows, and the world without."""
    return gain(STAGED, ["scale.riders=12000", "scale.rest_riders=1200"], seed=1)


def test_what_is_gained_is_accounted_for_in_every_month_and_group(staged):
    table = staged.months
    by_kind = table["additional"] + table["spillover"] - table["lost"] + table["turned"]
    groups = table[table["dimension"].isin(["all", "gender"])]  # which nobody changes, the subsidy or not
    assert (groups["covered"] - groups["covered_without"]).to_numpy() == pytest.approx(by_kind[groups.index].to_numpy())
    assert (table["additional"] + table["windfall"] + table["stayed"]).equals(table["subsidised"])
    parts = table["cost_additional"] + table["cost_windfall"] + table["cost_stayed"]
    assert parts.to_numpy() == pytest.approx(table["cost"].to_numpy())
    for dimension in ("city", "age", "decile"):
        mine = table[table["dimension"] == dimension].groupby("date")[[*PERSONS, *MONEY]].sum()
        whole = table[table["dimension"] == "all"].set_index("date")[[*PERSONS, *MONEY]]
        assert mine.to_numpy() == pytest.approx(whole.to_numpy())


def test_before_the_first_city_begins_the_worlds_are_one(staged):
    before = staged.months[staged.months["date"] < "2025-06-01"]
    assert before[["subsidised", "additional", "spillover", "lost", "turned"]].to_numpy().sum() == 0
    assert before["covered"].equals(before["covered_without"])


def test_most_of_the_money_goes_to_who_would_have_paid_and_a_rider_more_costs_more_than_the_subsidy(staged):
    """Half of 20 % of the lower bases, 3,720 to 5,500 yuan, is 4,460 to 6,600 a year: what a rider more costs if nobody
    else is paid. Who pays anyway is paid too."""
    found = staged.by_group().loc["all"]
    assert 0.3 < found["windfall_share"] < 0.9
    assert found["cost_a_rider_year"] > 6_600


def test_difference_in_differences_finds_what_the_paired_world_shows(staged):
    values, without = staged.coverage(), staged.coverage(without=True)
    found = staged.study()
    known = known_effects(values, without, staged.starts, found)
    after = (found.event >= 1) & (found.event <= 5)
    effect, low, high = found.over(1, 5)
    assert low <= known[after].mean() <= high
    assert low > 0  # and it finds one
    assert 0.008 < known[after].mean() < 0.03  # some points of those who ride


def test_where_nothing_is_paid_it_finds_nothing(staged):
    _, low, high = study(staged.coverage(without=True), staged.starts).over(1, 5)
    assert low <= 0 <= high


@pytest.mark.campaign
def test_intervals_hold_the_known_effect_as_often_as_they_say():
    """Of 20 seeds an interval of 95 % misses more than three in one case of seventy."""
    held = nothing = 0
    for seed in range(20):
        one = gain(STAGED, ["scale.riders=12000", "scale.rest_riders=1200"], seed=seed)
        found, placebo = one.study(), study(one.coverage(without=True), one.starts).over(1, 5)
        known = known_effects(one.coverage(), one.coverage(without=True), one.starts, found)
        _, low, high = found.over(1, 5)
        held += low <= known[(found.event >= 1) & (found.event <= 5)].mean() <= high
        nothing += placebo[1] <= 0 <= placebo[2]
    assert held >= 17
    assert nothing >= 17


def test_the_outcomes_of_both_worlds_are_kept_by_group(staged):
    last = staged.outcomes["date"].max()
    for table, more in ((staged.outcomes, "covered"), (staged.outcomes_without, "covered_without")):
        everybody = table[(table["dimension"] == "all") & (table["date"] == last)].iloc[0]
        months = staged.months[(staged.months["dimension"] == "all") & (staged.months["date"] == last)].iloc[0]
        assert everybody["coverage"] * everybody["persons"] == pytest.approx(months[more])
    assert 0 < staged.outcomes[staged.outcomes["dimension"] == "all"]["persistence_12"].iloc[-1] < 1


def test_whole_labs_are_split_as_riders_alone_are():
    """Two months of the toy world with all its electricity: of riders the same is said."""
    period = {"start": "2025-07-01", "end": "2025-08-31"}
    configs = [load(TOY, set=["scale.riders=300", *more], **period)
               for more in ((), ["instruments.pension_subsidy=false"])]
    labs, alone = [PolicyLab(config) for config in configs], [RidersAlone(config) for config in configs]
    whole = compared("toy", zip(*map(whole_months, labs)), Diary(labs[0]), Diary(labs[1]), {})
    riders = compared("toy", zip(*(world.months() for world in alone)), Diary(alone[0]), Diary(alone[1]), {})
    names = ["covered", "covered_without", "subsidised", "additional", "windfall", "cost"]
    assert whole.months["subsidised"].sum() > 0
    assert whole.months[names].to_numpy() == pytest.approx(riders.months[names].to_numpy())
    kept = by_group(labs[0], "segment")
    mine = whole.outcomes[whole.outcomes["dimension"] == "segment"].reset_index(drop=True)
    assert kept["coverage"].to_numpy() == pytest.approx(mine["coverage"].to_numpy(), nan_ok=True)


def test_a_scenario_without_a_subsidy_is_refused():
    with pytest.raises(BadInput, match="pension_subsidy"):
        gain(TOY, ["instruments.pension_subsidy=false"])


def test_an_unknown_group_is_refused_with_the_nearest_name(staged):
    with pytest.raises(BadInput, match="segment"):
        staged.by_group("segments")


def test_a_diary_and_a_lab_tell_the_same_groups(toy_month):
    world = RidersAlone(toy_month.config)
    diary = Diary(world)
    world.live(diary)
    alone, whole = by_group(diary, "city"), by_group(toy_month, "city")
    assert alone["group"].tolist() == whole["group"].tolist() == ["kunming", "quanzhou"]
    assert alone["gini"].to_numpy() == pytest.approx(whole["gini"].to_numpy(), rel=1e-3)  # cabinets give a rebate there
    with pytest.raises(BadInput, match="keeps no|holds no"):
        by_group(ROOT / "configs", "city")


def test_the_command_prints_the_gain_and_writes_tables_and_picture(tmp_path, capsys):
    few = ["--set", "scale.riders=2000", "--set", "scale.rest_riders=200", "--end", "2025-09-30"]
    assert main(["gain", str(STAGED), *few, "--by", "gender", "--out", str(tmp_path / "gain")]) == 0
    said = capsys.readouterr().out
    assert "would have paid anyway" in said
    assert "event study of the enrolled share" in said
    assert sorted(path.name for path in (tmp_path / "gain").iterdir()) == [
        "event_study.csv", "event_study.png", "months.csv", "outcomes.csv", "outcomes_without.csv"]


def test_without_stages_the_command_says_why_there_is_no_event_study(tmp_path, capsys):
    folder = tmp_path / "gain"
    assert main(["gain", str(TOY), "--set", "scale.riders=200", "--out", str(folder)]) == 0
    assert "expected a staged roll-out" in capsys.readouterr().out
    assert not (folder / "event_study.png").exists()


@pytest.mark.parametrize(("arguments", "word"), [
    (["--by", "genders"], "gender"), (["--set", "instruments.pension_subsidy=false"], "pension_subsidy")])
def test_what_the_command_cannot_do_is_one_line(capsys, arguments, word):
    assert main(["gain", str(TOY), *arguments]) == 2
    said = capsys.readouterr()
    assert word in said.err
    assert said.err.count("\n") == 1


def test_the_picture_shows_intervals_and_the_known_effect(staged):
    events = staged.events()
    figure = event_study(events)
    ax, = figure.axes
    assert "points" in ax.get_ylabel()
    lines = {tuple(np.round(line.get_ydata(), 9)) for line in ax.lines}
    assert tuple(np.round(100 * events["known"], 9)) in lines
    assert len(ax.containers) == 1  # dots with their intervals
    shown = {text.get_text() for text in ax.texts}
    assert shown == {str(count) for count in events["cities"]}
