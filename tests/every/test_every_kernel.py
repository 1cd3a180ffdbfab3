"""What holds for every kernel, found by scanning the tree: compiled it does what its plain Python does.

A new kernel is tested here as soon as a run of the toy world calls it, or anything else in WORK. One that nothing here
calls must have a test of its own that runs its `py_func`, by name.
"""

import importlib
import pkgutil
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numba.core.registry import CPUDispatcher

import agents
import sim
from sim.engines.hourly import HourlyEngine
from tests.labs import ROOT, toy
from tests.sim.engines.small import book, fleet
from tests.truths.test_rent_identity import drawn

MODULES = [importlib.import_module(info.name) for package in (sim, agents)
           for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]


def name_of(compiled: CPUDispatcher) -> str:
    return f"{compiled.py_func.__module__}.{compiled.py_func.__name__}"


def compiled_in(module: ModuleType) -> dict[str, CPUDispatcher]:
    """A module's compiled functions, its own and those it imports, by the name it calls them."""
    return {name: value for name, value in vars(module).items() if isinstance(value, CPUDispatcher)}


KERNELS = {name_of(kernel): kernel for module in MODULES for kernel in compiled_in(module).values()}


def test_kernels_stand_in_kernel_files_and_in_the_streams():
    homes = {name.rpartition(".")[0] for name in KERNELS}
    assert {"sim.streams", "agents.riders_kernels", "agents.storage_kernels"} <= homes
    assert [home for home in homes if not home.endswith("_kernels") and home != "sim.streams"] == []


def test_every_decorated_function_is_found():
    """What says @njit in the sources is what the scan found: no kernel hides in a class or behind a switch."""
    decorated = sum(len(re.findall(r"^\s*@njit", path.read_text(), re.MULTILINE))
                    for folder in ("sim", "agents", "experiments") for path in (ROOT / folder).rglob("*.py"))
    assert decorated == len(KERNELS) > 0


def a_run() -> dict:
    """Four days of the toy world at the turn of a month, stores on their own schedules, sixty riders and accounts."""
    lab = toy("scale.riders=60", "scale.users=60", "law.spot.storage_scheduling=own", start="2025-06-29", days=4).run()
    populations = {f"{people.name}.{column}": getattr(people, column)
                   for people in (lab.riders, lab.users, lab.accounts)
                   for column in people.columns()}
    return {"head": lab.journal.head} | populations


FIGURES = ("price", "accepted", "line_flow", "sent", "stored")


def hours_cleared_alone() -> dict:
    """Days of random networks with meshed areas, links, joint limits, ramps, a budget and a store, hour by hour."""
    figures = {}
    for seed in range(6):
        net, units, orders, asked = drawn(seed)
        asked = replace(asked, stored_end=np.zeros_like(asked.stored_end))
        found = HourlyEngine(net, fleet(units), len(asked.load[0])).clear(book(orders, len(asked.load[0])), asked)
        figures |= {f"{seed}.{name}": getattr(found, name) for name in FIGURES}
    return figures


WORK = (a_run, hours_cleared_alone)  # each gives figures by name


@pytest.fixture
def plain(monkeypatch) -> dict[str, int]:
    """All kernels replaced by their plain Python, everywhere; counts how often each was called."""
    calls = dict.fromkeys(KERNELS, 0)

    def interpreted(kernel):
        def call(*arguments):
            calls[name_of(kernel)] += 1
            return kernel.py_func(*arguments)
        call.py_func = kernel.py_func  # the streams hash whole columns with it
        return call

    instead = {name: interpreted(kernel) for name, kernel in KERNELS.items()}
    for module in MODULES:
        for name, kernel in compiled_in(module).items():
            monkeypatch.setattr(module, name, instead[name_of(kernel)])
    return calls


def has_its_own_test(name: str) -> bool:
    """Whether a test elsewhere calls the plain Python of a kernel by its name."""
    called = re.compile(rf"\b{name.rpartition('.')[2]}\.py_func\(")
    others = (path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__))
    return any(called.search(path.read_text()) for path in others)


def test_without_the_compiler_all_work_ends_the_same(request):
    compiled = [work() for work in WORK]
    calls = request.getfixturevalue("plain")
    with np.errstate(over="ignore"):  # the hash multiplies modulo 2^64, on purpose
        interpreted = [work() for work in WORK]
    for one, other in zip(compiled, interpreted):
        assert list(one) == list(other)
        for name, value in one.items():
            if np.asarray(value).dtype.kind == "f":
                np.testing.assert_allclose(value, other[name], rtol=1e-6, atol=1e-9, err_msg=name)
            else:
                np.testing.assert_array_equal(value, other[name], err_msg=name)
    assert [name for name, count in calls.items() if not count and not has_its_own_test(name)] == []
