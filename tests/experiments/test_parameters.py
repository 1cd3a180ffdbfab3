"""The reference of parameters says what the sections and the law say, and is up to date."""

from experiments import parameters
from sim.config import Section, bounded
from sim.config.scenarios import whole_schema
from sim.units import CNYPerMWh, Share
from tests.every.test_every_switch import ZERO


class Toll(Section):
    """What the law says. fee: on a MWh, or
    on none.  low, high: bounds of it, as
    shares.

    Source: nobody.
    """

    fee: bounded(CNYPerMWh, ge=0)
    low: bounded(Share, ge=0)
    high: bounded(Share, ge=0)


def test_the_page_is_up_to_date():
    assert parameters.PAGE.read_text(encoding="utf-8") == parameters.page(), "run: python -m experiments.parameters"


def test_every_parameter_of_the_law_has_a_line():
    text, schema = parameters.page(), whole_schema()
    for key, rules in schema.rules.items():
        part = text.partition(f"\n### {key}: ")[2].partition("\n### ")[0]
        assert [name for name in rules.model_fields if f"\n| `{name}` | " not in part] == [], key


def test_a_field_means_what_the_docstring_says_of_it():
    assert parameters.meaning(Toll, "fee") == "on a MWh, or on none"
    assert parameters.meaning(Toll, "high") == "bounds of it, as shares"


def test_a_long_mapping_shows_its_first_entries_and_their_number():
    assert parameters._short({"a": 1, "b": [1, 2]}) == "{a: 1, b: [1, 2]}"
    assert parameters._short({f"city{i}": i for i in range(20)}).endswith("... 20 in all}")


def test_what_is_called_neutral_is_tested_as_neutral():
    for key, names in parameters.NEUTRAL.items():
        assert names == tuple(ZERO[key].rates), key
