"""Everything that is shown is shown in Chinese too, and Chinese is not kept for what is no longer shown."""

import ast
import string
from pathlib import Path

import pytest

from experiments.report_words import CANNOT, CAPTIONS
from experiments.tongue import chinese, language, name_of, say, speaking
from sim.config import BadInput
from sim.settlement.accounts import ACCOUNTS, SECTORS

FILES = sorted((Path(__file__).parents[2] / "experiments").glob("*.py"))


def phrases() -> set[str]:
    """Every phrase that the sources say."""
    calls = [node for file in FILES for node in ast.walk(ast.parse(file.read_text()))
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say"]
    said = {call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)}
    return said | {phrase for caption in CAPTIONS.values() for phrase in caption} | set(CANNOT)


def test_every_phrase_has_its_chinese_and_none_is_left_over():
    assert len(phrases()) > 100
    assert phrases() == set(chinese()["phrases"])


def test_both_languages_have_the_same_places_for_values():
    def places(text):
        return sorted((field or "", form or "") for _, field, form, _ in string.Formatter().parse(text)
                      if field is not None)

    for english, han in chinese()["phrases"].items():
        plain = [(f, form) for f, form in places(han) if not f.isdigit()]
        assert len(places(english)) == len(places(han)), english
        if plain:
            assert plain == places(english), english


def test_every_account_and_sector_has_a_chinese_name():
    with speaking("zh"):
        for key in (*ACCOUNTS, *SECTORS):
            assert not name_of(key).isascii(), key


def test_a_phrase_without_chinese_is_a_defect():
    with speaking("zh"), pytest.raises(KeyError):
        say("nobody has translated this")


def test_a_language_that_nobody_speaks_is_refused():
    with pytest.raises(BadInput, match="'fr' is not spoken here"), speaking("fr"):
        pass


def test_the_language_ends_with_its_block():
    with speaking("zh"):
        assert language() == "zh"
    assert language() == "en"
    assert say("{} of {}", "month", 2025) == "month of 2025"
