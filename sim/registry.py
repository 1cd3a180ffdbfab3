"""What was found: every market in `sim/markets` and every instrument in `sim/policy`, by scanning the folders.

Adding one is adding a file: nothing is listed anywhere.
"""

import importlib
import inspect
import pkgutil
from pathlib import Path

from sim.config import BadInput


def markets() -> dict[str, type]:
    """Every Market by its key, in the order of file names."""
    return find("sim.markets", "Market")


def instruments() -> dict[str, type]:
    """Every policy Instrument by its key, in the order of file names."""
    return find("sim.policy", "Instrument")


def find(package: str, kind: str) -> dict[str, type]:
    """Concrete subclasses of `kind`, a class of the package's `base`, by key, each from the file that defines it.

    Raises: BadInput where one has no key, or naming both files where two share one.
    """
    base = getattr(importlib.import_module(f"{package}.base"), kind)
    found: dict[str, type] = {}
    for name in sorted(info.name for info in pkgutil.iter_modules(importlib.import_module(package).__path__)):
        for cls in _defined(importlib.import_module(f"{package}.{name}"), base):
            key = getattr(cls, "key", None)
            if not isinstance(key, str) or not key:
                raise BadInput(f"{where(cls)}: {cls.__name__}: has no key; expected key = \"...\", its name in the law")
            if key in found:
                raise BadInput(f"{where(cls)}: {cls.__name__}: the key '{key}' is taken by {where(found[key])}")
            found[key] = cls
    return found


def _defined(module, base: type):
    for cls in vars(module).values():
        mine = inspect.isclass(cls) and issubclass(cls, base) and cls.__module__ == module.__name__
        if mine and not inspect.isabstract(cls):
            yield cls


def where(cls: type) -> str:
    """The file that defines a class, from the folder of the package down: `sim/markets/spot.py`."""
    return "/".join(Path(inspect.getfile(cls)).parts[-len(cls.__module__.split(".")):])
