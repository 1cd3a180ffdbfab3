"""Which file is meant, and by what it says what it is, without reading what it means: known before anything heavy is
imported."""

from pathlib import Path

from sim.config.documents import read_document
from sim.config.sections import BadInput, nearest


def is_sweep(path: str | Path) -> bool:
    """Whether a file says of itself that it is a sweep. Raises: BadInput where it cannot be read."""
    path = Path(path)
    return path.suffix in (".yaml", ".yml") and path.is_file() and bool(
        {"levers", "uncertainties", "outcomes", "design"} & set(read_document(path).data))


def find_scenario(name: str | Path) -> Path:
    """The file of a scenario given as a path or a bare name. Raises: BadInput for a name that there is not."""
    from sim.config.scenarios import PROJECT

    path, shelf = Path(name), PROJECT / "configs" / "scenarios"
    if not path.exists() and path.name == str(name) and not path.suffix:
        path = shelf / f"{name}.yaml"
        if not path.exists():
            known = sorted(file.stem for file in shelf.glob("*.yaml"))
            raise BadInput(f"{name}: there is no such scenario{nearest(str(name), known)}")
    return path
