"""A finished run lived again: same config and seed give the same days, so what a folder does not keep can be seen."""

import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from experiments.store import Run
from sim.calendar import Month
from sim.config import BadInput, Config, load
from sim.config.documents import place_of

if TYPE_CHECKING:
    from sim.model import PolicyLab


class Forgetful:
    """The sink that keeps nothing."""

    def write(self, kind: str, month: Month, table: Mapping[str, np.ndarray]):
        """Take a table and let it go."""


def config_of(run: Run) -> Config:
    """The config that a run was made of. Raises: BadInput where world or law are no longer the same files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.yaml"
        path.write_text(yaml.safe_dump(run.certificate.get("scenario", {}), sort_keys=False), encoding="utf-8")
        try:
            return load(path)
        except BadInput as error:
            fault = str(error).replace(str(place_of(path)), "run.yaml").replace(str(path), "run.yaml")
            raise BadInput(f"{place_of(run.path)}: cannot be lived again: {fault}") from None


def live(config: Config, until: date | None = None, watch: Callable[["PolicyLab"], None] | None = None) -> "PolicyLab":
    """Live a config to the end of a day (of its last one by default); watch is called with the lab after each day.

    Raises: BadInput for a day outside the config's period.
    """
    from sim.model import PolicyLab

    until = until or config.end
    if not config.start <= until <= config.end:
        raise BadInput(f"{until} is not a day of the run; expected {config.start} to {config.end}")
    lab = PolicyLab(config, sink=Forgetful())
    while lab.calendar.now is None or lab.calendar.now.date < until:
        lab.step()
        if watch:
            watch(lab)
    return lab
