"""A small world of two tables, a law and a scenario, written into a folder: something to spoil."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from sim.config import BadInput, Config, Key, Row, Schema, Section, Table, YearMonth, bounded, load
from sim.units import MW, Celsius, CNYPerMWh, Months, Share


class Node(Row):
    key: str
    name: str
    cleared: bool = True
    source: str


class Machine(Row):
    key: str
    node: Key("nodes")
    kind: Literal["coal", "hydro"]
    capacity: bounded(MW, ge=0)
    stages: int
    share: bounded(Share, ge=0, le=1) = 1.0
    twin: Key("machines") | None = None
    first: date
    last: date | None
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        for i, row in enumerate(table):
            if row.last is not None and row.last < row.first:
                raise BadInput(table.fault(i, "last", f"{row.last} is before {row.first}"))


class Comfort(Section):
    warm: bounded(Celsius, ge=-60, le=60)
    home: Key("nodes")


class Settings(Section):
    comfort: Comfort


class Toll(Section):
    floor: CNYPerMWh
    cap: CNYPerMWh
    mode: Literal["market", "own"]

    @model_validator(mode="after")
    def _in_order(self):
        if self.floor > self.cap:
            raise ValueError(f"floor {self.floor:g} is above cap {self.cap:g}")
        return self


class Grant(Section):
    match: bounded(Share, ge=0, le=1)
    window: bounded(Months, ge=1)
    begins: dict[Key("nodes"), YearMonth]
    ends: date = date(2030, 12, 31)
    sizes: dict[Literal["small", "large"], bounded(Share, ge=0)] = {}


SCHEMA = Schema(Settings, {"nodes": Node, "machines": Machine}, {"toll": Toll, "grant": Grant}, ("toll",), ("grant",))

SCENARIO = """\
title: A small run
question: Does it load?
source: invented for tests
world: ../worlds/mini
period: {start: "2025-01-01", end: "2025-01-31"}
seed: 7
scale:
  riders: 100
  rest_riders: 10
  # account rows come with the retail platform
law: {}
markets: {}
instruments: {}
record: {journal: full, hourly: true, figures: false}
"""

WORLD = """\
title: Mini
source: invented for tests
covers: {start: "2025-01-01", end: "2025-12-31"}
comfort:
  warm: 21.5
  home: north
"""

NODES = """\
key,name,cleared,source
north,The North,true,invented
south,"The South, far",false,invented
"""

MACHINES = """\
key,node,kind,capacity [MW],stages,share [share],twin,first,last,source
alpha,north,coal,300,2,0.5,,2020-01-01,,invented
beta,south,hydro,150.5,1,1,alpha,2021-06-01,2040-01-01,invented
"""

TOLL = """\
toll:
  title: Road toll
  floor:
    unit: CNY/MWh
    source: art. 1
    values: {"2024-01-01": 0}
  cap:
    unit: CNY/MWh
    source: art. 2
    values:
      "2025-07-01": 80
      "2024-01-01": 100
  mode:
    unit: ""
    source: art. 3
    values: {"2024-01-01": market}
"""

GRANT = """\
grant:
  title: Grant
  match:
    unit: share
    source: notice 4
    values: {"2025-04-01": 0.5}
  window:
    unit: months
    source: notice 4
    values: {"2025-04-01": 6}
  begins:
    unit: month
    source: notices 4 and 5
    values:
      "2025-04-01": {north: "2025-09"}
      "2026-01-01": {elsewhere: "2026-03"}
"""


@dataclass
class Files:
    """The files of the small world below a folder."""

    root: Path

    @property
    def scenario(self) -> Path:
        return self.root / "scenarios" / "small.yaml"

    @property
    def world(self) -> Path:
        return self.root / "worlds" / "mini"

    @property
    def law(self) -> Path:
        return self.root / "law"

    def load(self, **options) -> Config:
        return load(self.scenario, schema=SCHEMA, **options)

    def spoil(self, name: str, old: str, new: str) -> Path:
        """Replace a text that stands in a file exactly once; give the file."""
        path = self.root / name
        text = path.read_text()
        assert text.count(old) == 1, (name, old, text.count(old))
        path.write_text(text.replace(old, new))
        return path


def write_files(root: Path) -> Files:
    """Write the small world, its law and its scenario."""
    texts = {"scenarios/small.yaml": SCENARIO, "worlds/mini/world.yaml": WORLD, "worlds/mini/nodes.csv": NODES,
             "worlds/mini/machines.csv": MACHINES, "law/toll.yaml": TOLL, "law/grant.yaml": GRANT}
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Files(root)
