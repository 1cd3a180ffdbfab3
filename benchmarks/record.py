"""Measured figures on file: one form for every benchmark, so that two machines or two commits can be compared."""

import json
import platform
import statistics
from datetime import date
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def figure(name: str, values, unit: str, packages=()) -> dict:
    """One measured figure: its value, the median of its repetitions, with their range and what it was measured with.

    values: one number, or one per repetition.  packages: those whose versions matter.
    """
    values = [float(v) for v in values] if isinstance(values, list | tuple) else [float(values)]
    return {"figure": name, "value": statistics.median(values), "unit": unit, "median": statistics.median(values),
            "range": [min(values), max(values)],
            "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
            "date": date.today().isoformat()}


def write(benchmark: str, figures: list[dict]) -> Path:
    """Write the figures of one benchmark to its file, in place of those of an earlier run; gives the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{benchmark}.json"
    path.write_text(json.dumps(figures, indent=2) + "\n")
    return path
