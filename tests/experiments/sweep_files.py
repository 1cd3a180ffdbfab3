"""Sweep files for tests: the toy world for a day, few riders, a dozen runs or two."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import yaml

from experiments.sweep_folder import export_sweep, open_sweep
from experiments.sweeps import Sweep, read_sweep
from sim.config.scenarios import PROJECT

BASE = {
    "title": "A sweep for tests", "question": "Does it hold?", "source": "[assumption] for tests",
    "scenario": str(PROJECT / "configs" / "scenarios" / "toy.yaml"),
    "period": {"start": "2025-07-01", "end": "2025-07-01"}, "constants": {"scale.riders": 50},
    "levers": {"law.spot.offer_cap": [400, 800, 1200],
               "clearing": {"levels": {"joint": {"law.spot.clearing": "joint"},
                                       "separate": {"law.spot.clearing": "separate"}}}},
    "outcomes": {"price": {"indicator": "price", "zones": ["HILLS"], "unit": "CNY/MWh", "weight": "load"},
                 "hydro": {"indicator": "generation.hydro", "unit": "MWh", "aggregate": "sum"}},
    "design": {"kind": "grid"}, "replicates": 2}


def written(folder: Path, **changes) -> Path:
    """A sweep file in a folder, with top-level changes; None takes a key away."""
    data = {key: value for key, value in (BASE | changes).items() if value is not None}
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path


def small(folder: Path, **changes) -> Sweep:
    """The same, read."""
    return read_sweep(written(folder, **changes))


def exported(folder: Path, target: Path) -> dict[str, bytes]:
    """The bytes of a sweep's export, by file."""
    return {path.name: path.read_bytes() for path in export_sweep(open_sweep(folder), target)}


def command(*arguments, **options) -> subprocess.Popen:
    """`gridgig` as a process of its own."""
    return subprocess.Popen([sys.executable, "-m", "experiments", *map(str, arguments)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
                            env=os.environ | {"PYTHONPATH": str(PROJECT)}, **options)
