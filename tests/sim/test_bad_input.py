"""Whatever is done to the files: they load, or one line says which file is wrong. Never anything else."""

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.config import BadInput, Config, Schema, check_file, load
from sim.schema import schema
from tests.sim.config_fixtures import SCHEMA, write_files
from tests.sim.mutations import NASTY, spoiled

CONFIGS = Path(__file__).parents[2] / "configs"
MANY = settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


class Counted:
    """How often something was refused and how often it loaded all the same."""

    def __init__(self):
        self.refused = self.loaded = 0

    def enough(self, tried: int):
        """A spoiler that spoils nothing, or a reader that refuses everything, proves nothing."""
        assert self.refused + self.loaded >= tried
        assert self.refused > tried / 5
        assert self.loaded > tried / 50, self.loaded


def outcome(call, root: Path, counted: Counted):
    """Let a call load something or refuse it in one line that names a file below `root`."""
    try:
        result = call()
    except BadInput as refusal:
        line = str(refusal)
        assert len(line.splitlines()) == 1
        assert line.startswith((f"{root}/", "--set: ")), line
        counted.refused += 1
        return None
    counted.loaded += 1
    return result


def usable(config: Config):
    """What was let in is whole: every day has its law, every number is a number."""
    for day in (date(2020, 1, 1), config.start, config.end, date(2100, 1, 1)):
        config.law.on(day)
    for table in config.world.tables.values():
        for field, described in table.row_type.model_fields.items():
            column = table[field]
            if column.dtype == np.float64 and described.annotation is float:
                assert np.isfinite(column).all()
    assert config.resolved()["seed"] == config.seed


def swapped(path: Path, raw: bytes | None, call):
    """Run a call while a file holds other bytes, or is not there."""
    before = path.read_bytes()
    try:
        path.unlink() if raw is None else path.write_bytes(raw)
        return call()
    finally:
        path.write_bytes(before)


def batter(scenario: Path, schema: Schema, files: list[Path], root: Path, tried: int):
    """Spoil the files in turn, `tried` times in all, and look at what loading says, and checking the file alone."""
    counted = Counted()
    originals = [path.read_bytes() for path in files]

    @settings(MANY, max_examples=tried)
    @given(st.data())
    def one(data):
        i = data.draw(st.integers(0, len(files) - 1))
        path = files[i]
        raw = data.draw(spoiled(originals[i], table=path.suffix == ".csv"))

        def both():
            config = outcome(lambda: load(scenario, schema=schema), root, counted)
            if config is not None:
                usable(config)
            if path.exists():
                outcome(lambda: check_file(path, schema), root, Counted())

        swapped(path, raw, both)

    one()
    counted.enough(tried)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """The toy world with its scenario and the law, copied to where they may be spoiled."""
    root = tmp_path_factory.mktemp("toy")
    for part in ("law", "worlds/toy"):
        shutil.copytree(CONFIGS / part, root / part)
    (root / "scenarios").mkdir()
    shutil.copy(CONFIGS / "scenarios" / "toy.yaml", root / "scenarios")
    return root


def test_a_spoiled_scenario_loads_or_is_one_line(small):
    batter(small.scenario, SCHEMA, [small.scenario], small.root, 250)


def test_a_spoiled_world_loads_or_is_one_line(small):
    batter(small.scenario, SCHEMA, sorted(small.world.iterdir()), small.root, 250)


def test_a_spoiled_law_loads_or_is_one_line(small):
    batter(small.scenario, SCHEMA, sorted(small.law.iterdir()), small.root, 250)


def test_the_toy_world_spoiled_loads_or_is_one_line(toy):
    batter(toy / "scenarios" / "toy.yaml", schema(), sorted((toy / "worlds" / "toy").iterdir()), toy, 350)


def test_the_law_and_the_toy_scenario_spoiled_load_or_are_one_line(toy):
    scenario = toy / "scenarios" / "toy.yaml"
    batter(scenario, schema(), [scenario, *sorted((toy / "law").iterdir())], toy, 250)


def test_whatever_is_set_outside_loads_or_is_one_line(small):
    counted = Counted()
    keys = ("title", "seed", "period.start", "period", "scale.riders", "scale", "law.toll.cap",
            "law.toll.cap@2025-03-01", "law.grant.begins.south", "law.grant.begins", "law.toll", "law", "law.",
            "markets.toll", "instruments", "record.journal", "files", "world", "", "x", "a.b.c", "..", "title.x",
            "law.toll.cap@x")
    fine = ("scale.riders=5", "period.start=2025-01-05", "law.toll.cap=80", "law.grant.begins.south=2025-05", "seed=0",
            "markets.toll=off", "instruments.grant=on", "record.journal=roots", "law.toll.mode@2026-01-01=own")

    @settings(MANY, max_examples=250)
    @given(st.lists(st.sampled_from(fine), max_size=2), st.sampled_from(keys) | st.text(max_size=12),
           st.sampled_from(["=", "=", "=", "", "=="]), st.sampled_from(NASTY) | st.text(max_size=12), st.booleans())
    def one(good, key, sign, value, spoil):
        given_texts = good + [f"{key}{sign}{value}"] * spoil
        config = outcome(lambda: small.load(set=given_texts), small.root, counted)
        if config is not None:
            usable(config)

    one()
    counted.enough(250)
