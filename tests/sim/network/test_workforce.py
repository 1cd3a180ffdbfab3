"""What is given of riders: how long they stay, what they normally do, and what their tables may not say."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from sim.config import BadInput, load
from sim.network.workforce import Spells, normal_work

SCENARIOS = Path(__file__).parents[3] / "configs" / "scenarios"


@pytest.fixture(scope="module")
def world():
    return load(SCENARIOS / "toy.yaml").world


@pytest.fixture(scope="module")
def spells(world):
    return Spells(world.settings.riders.spell, world["rider_segments"])


def test_a_newcomer_leaves_at_once_with_the_chance_of_half_a_month(spells):
    # reference exit 0.145: H(1/2) = (0.5 / 2.8)^0.45 = 0.4605; at an exit of 0.06 times (0.06 / 0.145)^0.45 = 0.6723
    assert spells.exit[0, 0] == pytest.approx(1 - np.exp(-0.4605 * 0.6723), abs=1e-4)


def test_chances_to_leave_fall_with_tenure(spells):
    assert (np.diff(spells.exit, axis=1) < 0).all()


def test_a_stationary_stock_loses_as_many_as_begin(spells):
    assert np.allclose(spells.stock.sum(axis=1), 1)
    leaving = (spells.stock * spells.exit).sum(axis=1) + spells.stock[:, -1] * (1 - spells.exit[:, -1])
    assert np.allclose(leaving, spells.newcomers)


def test_segments_turn_over_as_published_turnover_says(spells, world):
    """A turnover of dedicated riders of 70 % a year is 5.8 % a month of the headcount; all riders some 12 to 14 %."""
    assert spells.newcomers[0] == pytest.approx(0.058, abs=0.003)
    assert np.allclose(spells.newcomers, world["rider_segments"]["exit"], atol=0.035)
    assert (np.diff(spells.newcomers) > 0).all()
    assert world["rider_segments"]["share"] @ spells.newcomers == pytest.approx(0.12, abs=0.01)


def test_elapsed_tenure_is_that_of_the_survey(spells, world):
    share = world["rider_segments"]["share"]
    for months, surveyed in ((3, 0.22), (12, 0.50), (36, 0.782)):
        assert share @ spells.stock[:, :months].sum(axis=1) == pytest.approx(surveyed, abs=0.03)


def test_normal_work_is_income_over_fee_and_days(world):
    # 6,700 yuan / 5.4 an order / (26 of 30 days x 30.4167) = 1240.74 / 26.361 = 47.07 orders a day
    assert normal_work(world)[0, 1] == pytest.approx(47.07, abs=0.01)


@pytest.mark.parametrize(("table", "old", "new", "said"), [
    ("rider_segments", "hf_crowd,0.18", "hf_crowd,0.19", r"share \[share\]: the column sums to 1.01; expected 1"),
    ("rider_segments", "14,4,0.4,", "25,4,0.4,",
     r"rider_segments.csv:4: spread \[share\]: 0.4 puts some riders above 30"),
    ("rider_incomes", "T2,regular", "T2,hf_crowd", r"'T2', 'hf_crowd' stands twice"),
    ("rider_ages", "25,30,", "31,30,", r"last \[years\]: 30 is below first; expected >= 31"),
    ("rider_hukou", "sichuan", "kunming", r"rider_hukou.csv:2: key: 'kunming' is a city"),
    ("rider_households", "0,0.3", "0,0.4", r"share \[share\]: the column sums to 1.1; expected 1"),
])
def test_a_faulty_table_is_refused_in_one_line(world, tmp_path, table, old, new, said):
    folder = tmp_path / "world"
    shutil.copytree(world.path, folder)
    file = folder / f"{table}.csv"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    (folder / "world.yaml").write_text((folder / "world.yaml").read_text() + f"law: {world.law}\n")
    with pytest.raises(BadInput, match=said):
        load(SCENARIOS / "toy.yaml", set=[f"world={folder}"])


def test_a_tier_without_the_income_of_a_segment_is_refused(world, tmp_path):
    folder = tmp_path / "world"
    shutil.copytree(world.path, folder)
    file = folder / "rider_incomes.csv"
    file.write_text("".join(line for line in file.read_text().splitlines(keepends=True) if "occasional" not in line))
    (folder / "world.yaml").write_text((folder / "world.yaml").read_text() + f"law: {world.law}\n")
    with pytest.raises(BadInput, match=r"rider_tiers.csv:2: key: 'T2' has no income of 'occasional'"):
        load(SCENARIOS / "toy.yaml", set=[f"world={folder}"])


@pytest.mark.parametrize(("old", "new", "said"), [
    ("[0.80, 0.18, 0.02]", "[0.80, 0.20]", r"riders.work: 3 claim_sizes and 2 claim_shares"),
    ("[0.80, 0.18, 0.02]", "[0.80, 0.18, 0.05]", r"riders.work: claim_shares sum to 1.03; expected 1"),
    ("delay: 3", "delay: 2.5", r"riders.swap.delay: 2.5 is not a whole number"),
    ("sigma: 0.307", "sigma: 0", r"riders.enrolment.sigma: 0 is out of range"),
    ("keep_taste", "keep_tast", r"riders.enrolment.keep_tast: unknown key; did you mean 'keep_taste'"),
])
def test_a_faulty_setting_is_refused_in_one_line(world, tmp_path, old, new, said):
    folder = tmp_path / "world"
    shutil.copytree(world.path, folder)
    text = (folder / "world.yaml").read_text()
    assert old in text
    (folder / "world.yaml").write_text(text.replace(old, new, 1) + f"law: {world.law}\n")
    with pytest.raises(BadInput, match=said):
        load(SCENARIOS / "toy.yaml", set=[f"world={folder}"])
