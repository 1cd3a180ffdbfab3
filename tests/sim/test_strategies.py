"""How companies bid, as a scenario says it: read, refused in one line, and made again."""

import pytest
import yaml

from sim.config import BadInput, load
from sim.config.strategies import BestResponse, Cost, Markup, QLearning
from tests.labs import TOY

CHANGES = ["strategies.default=best_response", "strategies.county=cost",
           "strategies.harbour_power={kind: q_learning, zones: [COAST], rate: 0.5}",
           "strategies.coast_power={kind: markup, ratio: 0.2}"]


def test_who_is_not_named_plays_the_default_and_that_is_cost():
    assert load(TOY).strategy("county") == Cost()
    config = load(TOY, set=CHANGES)
    assert config.strategy("hill_power") == BestResponse()
    assert config.strategy("county") == Cost()
    assert config.strategy("harbour_power") == QLearning(zones=("COAST",), rate=0.5)
    assert config.strategy("coast_power") == Markup(ratio=0.2)


def test_a_resolved_scenario_says_the_same_again(tmp_path):
    first = load(TOY, set=CHANGES)
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(first.resolved()))
    second = load(again)
    assert second.strategies == first.strategies
    assert second.resolved() == first.resolved()


@pytest.mark.parametrize(("change", "line"), [
    ("strategies.coast_pwer=cost",
     "--set: strategies.coast_pwer: there is no such company; did you mean 'coast_power'?"),
    ("strategies.county=q_lerning", "--set: strategies.county: 'q_lerning' is no strategy; did you mean 'q_learning'?"),
    ("strategies.county={kind: bertrand}", "--set: strategies.county.kind: 'bertrand' is no strategy; expected one of "
     "cost, markup, roth_erev, q_learning, best_response"),
    ("strategies.county={ratio: 1}", "--set: strategies.county: has no kind; expected one of cost, markup, roth_erev, "
     "q_learning, best_response"),
    ("strategies.county=3", "--set: strategies.county: is 3; expected a kind of strategy, or a mapping with one"),
    ("strategies.county=markup", "--set: strategies.county.ratio: is missing; expected ratio >= 0"),
    ("strategies.county={kind: markup, ratio: -1}",
     "--set: strategies.county.ratio: -1 is out of range; expected ratio >= 0"),
    ("strategies.county={kind: cost, ratio: 1}", "--set: strategies.county.ratio: unknown key"),
    ("strategies.county={kind: cost, zones: [COST]}",
     "--set: strategies.county.zones: there is no zone 'COST'; did you mean 'COAST'?"),
])
def test_what_is_wrong_is_said_in_one_line(change, line):
    with pytest.raises(BadInput) as caught:
        load(TOY, set=[change])
    assert str(caught.value).startswith(line)
