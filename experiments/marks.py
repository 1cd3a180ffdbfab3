"""By which a file says what it is, without reading what it means: known before anything heavy is imported."""

from pathlib import Path

from sim.config.documents import read_document


def is_sweep(path: str | Path) -> bool:
    """Whether a file says of itself that it is a sweep. Raises: BadInput where it cannot be read."""
    path = Path(path)
    return path.suffix in (".yaml", ".yml") and path.is_file() and bool(
        {"levers", "uncertainties", "outcomes", "design"} & set(read_document(path).data))
