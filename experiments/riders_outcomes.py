"""Outcomes of riders' insurance by group, of a stored run, of a lab, or of riders who live alone.

    from experiments.riders_outcomes import by_group
    by_group("results/base_2025", "segment")

Columns are those of `sim.outcomes.UNITS`, with their units; what each means stands at `sim.outcomes.table`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.riders_alone import Lived, RidersAlone
from sim.config import BadInput
from sim.config.sections import nearest
from sim.deciles import tenth
from sim.insurance.careers import Careers
from sim.outcomes import ALL, DIMENSIONS, Seen, insured, table

if TYPE_CHECKING:
    import pandas

    from sim.model import PolicyLab

KIND = "populations/rider_outcomes"


class Diary:
    """Takes down what each month meant for riders: `world.live(Diary(world))`.

    world: riders alone, or a whole lab; not lived yet.
    """

    def __init__(self, world: "RidersAlone | PolicyLab"):
        self._world, self._careers, self._months = world, Careers(), []

    def __call__(self, lived: Lived):
        self.take(lived)

    def take(self, lived: Lived) -> Seen:
        """Take down the month that has just closed; gives it as outcomes see it."""
        seen = self._seen(lived)
        self._months.append(table(seen))
        return seen

    def _seen(self, lived: Lived) -> Seen:
        world, people = self._world, lived.people
        rules = world.law.on(world.calendar.now.date)
        self._careers.close(people, insured(people, rules.get("injury_insurance"), world.cities.key))
        return Seen(people, lived.net, lived.posted, rules, self._careers,
                    tenth(people.income, people.weight, people.city), world.cities.key,
                    tuple(world.riders.segments["key"]))

    @property
    def outcomes(self) -> "pandas.DataFrame":
        """All months so far, a row a month and group: columns date, dimension, group, and the outcomes."""
        import pandas

        return pandas.DataFrame({name: np.concatenate([month[name] for month in self._months])
                                 for name in self._months[0]})


def by_group(source: "str | Path | PolicyLab | Diary", dimension: str = ALL) -> "pandas.DataFrame":
    """Outcomes by month and group of one dimension ("city", "segment", "age", "gender", "origin", "decile", or "all").

    source: the folder of a finished run, a lab that keeps its results, or a diary. Raises: BadInput for an unknown
    dimension, or a run from before these outcomes were kept.
    """
    vet(dimension)
    if isinstance(source, Diary):
        found = source.outcomes
    elif isinstance(source, str | Path):
        from experiments.store import open_run

        run = open_run(source)
        if KIND not in run.kinds:
            raise BadInput(f"{source}: keeps no {KIND}; expected a run with riders, of this version")
        found = run.table(KIND)
    else:
        found = source.results.table(KIND)
    return found[found["dimension"] == dimension].drop(columns="dimension").reset_index(drop=True)


def vet(dimension: str):
    """Raises: BadInput for a dimension that riders are not told apart by."""
    known = (ALL, *DIMENSIONS)
    if dimension not in known:
        raise BadInput(f"dimension: '{dimension}' is none of riders{nearest(dimension, known)}")
