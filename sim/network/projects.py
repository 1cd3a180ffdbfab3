"""What may be built: how much of a technology a zone could start in a year, and what building it costs."""

from typing import ClassVar, Literal

from sim.config import BadInput, Key, Row, Section, Table, bounded
from sim.units import MW, CNYPerKW, CNYPerKWYear, Months, Ratio, Share, Years


class Project(Row):
    """A row of `projects.csv`: new capacity of a technology in a zone; it grows all of the zone's clusters alike.

    most: what can be started in a year.  lag: of building; what is ready stands from the next 1 January on.
    life: after which it goes.  degradation: share of its power lost each year.
    fixed: upkeep.
    """

    identity: ClassVar[tuple[str, ...]] = ("zone", "technology")

    zone: Key("climate")
    technology: Literal["battery", "wind", "wind_offshore", "solar"]
    most: bounded(MW, ge=0)
    lag: bounded(Months, ge=0, le=240)
    life: bounded(Years, gt=0, le=100)
    degradation: bounded(Share, ge=0, lt=1)
    fixed: bounded(CNYPerKWYear, ge=0)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """There is a cluster to grow and a cost of building. Raises: BadInput."""
        zone = {bus.key: bus.zone for bus in tables["buses"]}
        standing = {(zone[row.bus], row.technology) for name in ("plants", "stores") for row in tables[name]}
        priced = set(tables["build_costs"]["technology"])
        for i, project in enumerate(table):
            if (project.zone, project.technology) not in standing:
                raise BadInput(table.fault(i, "technology", f"{project.zone} has no {project.technology} that could "
                                                            "grow; expected one in plants.csv or stores.csv"))
            if project.technology not in priced:
                raise BadInput(table.fault(i, "technology", f"{project.technology} has no row in build_costs.csv"))


class BuildCost(Row):
    """A row of `build_costs.csv`: what a kW of a technology costs, turnkey, from a year on; before the first row of a
    technology what that says."""

    identity: ClassVar[tuple[str, ...]] = ("technology", "year")

    technology: str
    year: bounded(int, ge=1900, le=2200)
    capex: bounded(CNYPerKW, gt=0)
    source: str


class Investment(Section):
    """Section `investment` of world.yaml: how those who build think.

    cost_of_capital: a project below it loses money.  hurdle: internal rate at which half of the projects that wait are
    started.  spread: by which internal rates differ between projects.  smoothing: weight of the last year in what is
    expected.  haggling: standard deviation of what is asked and bid for regulation capacity.
    """

    cost_of_capital: bounded(Share, gt=0, lt=1)
    hurdle: bounded(Share, gt=0, lt=1)
    spread: bounded(Ratio, gt=0)
    smoothing: bounded(Share, gt=0, le=1)
    haggling: bounded(CNYPerKWYear, ge=0)
    source: str


class ApprovalRules(Section):
    """Key `new_capacity` of the law: the share of what could be started that is approved, by technology. Without the
    key nothing is started, and nothing ages."""

    key: ClassVar[str] = "new_capacity"

    approved: dict[Literal["battery", "wind", "wind_offshore", "solar"], bounded(Share, ge=0, le=1)]

