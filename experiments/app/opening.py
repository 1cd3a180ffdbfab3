"""What `gridgig app` opens: a scenario, to be lived, or a run's folder, to be told."""

import tempfile
from datetime import date
from pathlib import Path

import yaml

from experiments.app.lives import Lived, Told
from experiments.app.stage import Play
from experiments.store import Run, open_run
from sim.config import BadInput, Config, load
from sim.config.documents import place_of


def scenario(path: Path, change: list[str], seed: int | None, start: str | None, end: str | None) -> Play:
    """The play of a scenario's file, changed as by `gridgig run`. Raises: BadInput."""
    first = load(path, set=change, seed=seed, start=start, end=end)

    def reload(texts: list[str], seed: int) -> Config:
        return load(path, set=[*change, *texts], seed=seed, start=start, end=end)

    return Play(first, Lived, reload)


def stored(folder: Path, against: Path | None) -> Play:
    """The play of a finished run; against: another one of the same world and period beside it. Raises: BadInput."""
    run = open_run(folder)
    config = config_of(run)
    first = Told(run, config)  # refuses now what cannot be told
    if against is None:
        return Play(config, lambda _: Told(run, config), lambda texts, seed: config_of(run, texts), None, str(folder))
    other = open_run(against)
    beside = config_of(other)
    if (beside.start, beside.end, beside.world.digests) != (first.start, first.end, config.world.digests):
        raise BadInput(f"{place_of(against)}: another world or period than {place_of(folder)}; expected the same")
    Told(other, beside)
    return Play(config, lambda _: Told(run, config), None, lambda: Told(other, beside), str(folder))


def config_of(run: Run, texts: list[str] | None = None) -> Config:
    """The config of a finished run, changed as by `--set`. Raises: BadInput where its files have changed."""
    given = run.certificate.get("scenario")
    if not isinstance(given, dict):
        raise BadInput(f"{place_of(run.path / 'run.yaml')}: scenario: is missing; expected that of the run")
    plain = {name: str(day) if isinstance(day, date) else day for name, day in dict(given.get("period", {})).items()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{run.path.name or 'run'}.yaml"
        text = yaml.safe_dump(given | {"period": plain}, sort_keys=False, allow_unicode=True)
        file.write_text(text, encoding="utf-8")
        return load(file, set=texts or ())
