"""Markets and instruments are found by scanning their folders."""

import importlib
import sys

import pytest

from sim import registry
from sim.config import BadInput

BASE = """\
from abc import ABC, abstractmethod


class Thing(ABC):
    key: str

    @abstractmethod
    def act(self): ...
"""
ONE = "from {package}.base import Thing\n\n\nclass {name}(Thing):\n    key = {key!r}\n\n    def act(self): ...\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An importable package with a `base` that defines `Thing`, of a name of its own."""
    name = f"found_{tmp_path.name}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    (tmp_path / name / "base.py").write_text(BASE)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield tmp_path / name
    for module in [m for m in sys.modules if m.startswith(name)]:
        del sys.modules[module]


def add(folder, file, name, key):
    (folder / f"{file}.py").write_text(ONE.format(package=folder.name, name=name, key=key))


def test_the_spot_market_is_found_with_its_file():
    found = registry.markets()
    assert registry.where(found["spot"]) == "sim/markets/spot.py"


def test_every_key_names_the_class_that_carries_it():
    for found in (registry.markets(), registry.instruments()):
        assert found
        assert all(cls.key == key for key, cls in found.items())


def test_things_come_in_the_order_of_file_names(folder):
    for file, name, key in (("zebra", "Zebra", "a"), ("ant", "Ant", "z"), ("mole", "Mole", "m")):
        add(folder, file, name, key)
    assert list(registry.find(folder.name, "Thing")) == ["z", "m", "a"]


def test_only_finished_things_that_a_file_defines_itself_are_found(folder):
    add(folder, "ant", "Ant", "ant")
    (folder / "bee.py").write_text(  # imports one, leaves one unfinished, has one that is something else
        f"from {folder.name}.ant import Ant\nfrom {folder.name}.base import Thing\n\n\n"
        "class Half(Thing):\n    key = 'half'\n\n\nclass Other:\n    key = 'other'\n")
    assert list(registry.find(folder.name, "Thing")) == ["ant"]


def test_a_key_that_is_taken_names_both_files(folder):
    add(folder, "ant", "Ant", "toll")
    add(folder, "bee", "Bee", "toll")
    with pytest.raises(BadInput) as caught:
        registry.find(folder.name, "Thing")
    assert str(caught.value) == (f"{folder.name}/bee.py: Bee: the key 'toll' is taken by {folder.name}/ant.py")


def test_a_thing_without_a_key_is_refused(folder):
    add(folder, "ant", "Ant", "")
    with pytest.raises(BadInput, match=r"ant\.py: Ant: has no key; expected key = "):
        registry.find(folder.name, "Thing")


@pytest.fixture
def place(folder, monkeypatch):
    """A folder outside the package whose modules join it, named by GRIDGIG_PATH."""
    more = folder.parent / "mine" / folder.name
    more.mkdir(parents=True)
    monkeypatch.setenv("GRIDGIG_PATH", str(folder.parent / "mine"))
    return more


def test_what_stands_outside_the_house_is_found_while_it_is_named(folder, place, monkeypatch):
    add(folder, "ant", "Ant", "ant")
    (place / "bee.py").write_text(ONE.format(package=folder.name, name="Bee", key="bee"))
    found = registry.find(folder.name, "Thing")
    assert list(found) == ["ant", "bee"]
    assert registry.where(found["bee"]) == f"{folder.name}/bee.py"
    monkeypatch.delenv("GRIDGIG_PATH")
    assert list(registry.find(folder.name, "Thing")) == ["ant"]


def test_a_file_called_as_one_of_the_house_is_refused(folder, place):
    add(folder, "ant", "Ant", "ant")
    (place / "ant.py").write_text(ONE.format(package=folder.name, name="Other", key="other"))
    with pytest.raises(BadInput, match=r"ant\.py: the house has a file of this name"):
        registry.find(folder.name, "Thing")


def test_a_place_that_is_not_there_is_one_line(folder, monkeypatch):
    monkeypatch.setenv("GRIDGIG_PATH", "/nowhere/at/all")
    with pytest.raises(BadInput, match="GRIDGIG_PATH: there is no folder /nowhere/at/all"):
        registry.find(folder.name, "Thing")
