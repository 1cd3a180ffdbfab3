"""What was found: every market in `sim/markets` and every instrument in `sim/policy`, by scanning the folders.

Adding one is adding a file: nothing is listed anywhere. Files of one's own need not stand in the house: the folders
that the variable GRIDGIG_PATH names (parted as in PATH) are scanned too, each for `markets` and `policy`.
"""

import importlib
import inspect
import os
import pkgutil
from pathlib import Path

from sim.config import BadInput

PLACES = "GRIDGIG_PATH"


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
    for name in sorted(info.name for info in pkgutil.iter_modules(_folders(package))):
        for cls in _defined(importlib.import_module(f"{package}.{name}"), base):
            key = getattr(cls, "key", None)
            if not isinstance(key, str) or not key:
                raise BadInput(f"{where(cls)}: {cls.__name__}: has no key; expected key = \"...\", its name in the law")
            if key in found:
                raise BadInput(f"{where(cls)}: {cls.__name__}: the key '{key}' is taken by {where(found[key])}")
            found[key] = cls
    return found


def _folders(package: str) -> list[str]:
    """Where a package's modules stand: its own folder, then one of its last name in each folder of GRIDGIG_PATH.

    Raises: BadInput for a folder that there is not, or a file of one's own called as one of the house.
    """
    room = importlib.import_module(package)
    own, last = str(Path(room.__file__).parent), package.rpartition(".")[2]
    more = []
    for place in filter(None, os.environ.get(PLACES, "").split(os.pathsep)):
        if not Path(place).is_dir():
            raise BadInput(f"{PLACES}: there is no folder {place}; expected folders with markets or policy in them")
        folder = Path(place).absolute() / last
        for file in sorted(folder.glob("*.py")):
            if (Path(own) / file.name).exists():
                raise BadInput(f"{file}: the house has a file of this name; expected another name")
        more += [str(folder)] if folder.is_dir() else []
    room.__path__ = [own, *more]  # so that what stands there is imported as if it stood in the house
    importlib.invalidate_caches()
    return room.__path__


def _defined(module, base: type):
    for cls in vars(module).values():
        mine = inspect.isclass(cls) and issubclass(cls, base) and cls.__module__ == module.__name__
        if mine and not inspect.isabstract(cls):
            yield cls


def where(cls: type) -> str:
    """The file that defines a class, from the folder of the package down: `sim/markets/spot.py`."""
    return "/".join(Path(inspect.getfile(cls)).parts[-len(cls.__module__.split(".")):])
