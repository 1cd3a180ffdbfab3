"""The fit of enrolment to the survey: it finds what is there, and the base world holds what it found."""

from pathlib import Path

import numpy as np
import pytest

from experiments.survey_fit import PRICE, SHARE, Survey, bootstrap, fit, logit, main, share
from sim.config import load

SCENARIOS = Path(__file__).parents[2] / "configs" / "scenarios"


def test_the_fit_finds_the_parameters_that_made_the_answers():
    # one kind of rider, worth such that const 0.4, sigma 0.3 and peers of 0.08 logits give the survey exactly
    money = 0.3 * (logit(SHARE) - 0.4 - 0.08)
    found = fit(money[:, None], np.ones(1), felt=0.08)
    assert (found.sigma, found.const) == (pytest.approx(0.300), pytest.approx(0.400, abs=2e-3))
    assert found.reached == pytest.approx(SHARE, abs=1e-4)


def test_the_share_is_a_mean_over_persons():
    # logistic(0) = 0.5 of 3 persons, logistic(log 3) = 0.75 of 1 person: (1.5 + 0.75) / 4
    assert share(np.array([[0.0, np.log(3)]]), np.array([3.0, 1.0])) == pytest.approx([0.5625])


def test_dearer_contributions_have_fewer_takers():
    assert (np.diff(PRICE) < 0).all()
    assert (np.diff(SHARE) > 0).all()


def test_the_base_worlds_parameters_are_those_of_the_fit():
    base = SCENARIOS / "base_2025.yaml"
    held = load(base).world.settings.riders.enrolment
    found = Survey.of(str(base), set=["scale.riders=30000", "scale.rest_riders=1500"]).fit()
    assert held.sigma == pytest.approx(found.sigma, abs=0.015)  # a sample of the rows that the script takes
    assert held.const == pytest.approx(found.const, abs=0.04)
    assert found.reached == pytest.approx(SHARE, abs=0.015)


def test_the_bootstrap_surrounds_the_fit_and_shrinks_with_the_spread_of_answers():
    dice = np.random.default_rng(3)
    money = 0.3 * (logit(SHARE) - 0.4)[:, None] + dice.normal(0, 0.05, (1, 400))
    found = fit(money, np.ones(400), 0.0)
    drawn = bootstrap(money, np.ones(400), 0.0, draws=60)
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    assert low[0] < found.sigma < high[0]
    assert low[1] < found.const < high[1]
    assert 0.005 < drawn[:, 0].std() < 0.05


@pytest.fixture(scope="module")
def survey():
    return Survey.of(str(SCENARIOS / "toy.yaml"))


def test_the_survey_cannot_tell_present_bias_from_const(survey):
    patient, hasty = survey.with_other("beta_mean", 0.85), survey.with_other("beta_mean", 0.65)
    assert patient.reached == pytest.approx(hasty.reached, abs=0.003)
    assert patient.const < hasty.const - 0.1


def test_asking_what_if_leaves_the_riders_as_they_were(survey):
    before = survey.fit()
    survey.with_other("beta_mean", 0.85)
    after = survey.fit()
    assert (before.sigma, before.const) == (after.sigma, after.const)


def test_bad_input_is_one_line_and_exit_code_two(capsys):
    assert main(["nowhere.yaml"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "nowhere.yaml: there is no such file" in error
