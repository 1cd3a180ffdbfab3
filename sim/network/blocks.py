"""Blocks: the generating sets of which plants consist, how often they fail, and what starting one takes."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from sim.config import BadInput, Key, Row, Table, bounded
from sim.network.grid import PLANT, Units
from sim.units import MW, CNYPerMW, Hours, Share

if TYPE_CHECKING:
    from sim.engines.commitment import Commitment


class Block(Row):
    """A row of `blocks.csv`: the sets of a technology.

    key: the technology.  size: of a usual set; a plant consists of the fewest equal sets that are no larger.
    repair: mean time from an unplanned outage to the return.
    """

    key: Literal["coal", "gas", "nuclear", "hydro", "wind", "wind_offshore", "solar", "biomass"]
    size: bounded(MW, gt=0)
    repair: bounded(Hours, gt=0, le=8760)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Plants that may fail have a row for their technology. Raises: BadInput."""
        plants, known = tables["plants"], {row.key for row in table}
        for i, plant in enumerate(plants):
            if plant.availability < 1 and plant.technology not in known:
                raise BadInput(plants.fault(i, "availability", f"{plant.availability:g} of {plant.technology}, which "
                                                               "has no row in blocks.csv; expected one, or 1"))


class Starting(Row):
    """A row of `commitment.csv`: a technology whose blocks are committed where the law asks for commitment.

    start_cost: of starting a block, by its size.  least: output of a running block over what it could give.
    up, down: hours that a block stays on once started, and off once stopped.
    """

    key: Key("blocks")
    start_cost: bounded(CNYPerMW, ge=0)
    least: bounded(Share, ge=0, le=1)
    up: bounded(Hours, ge=1, le=24)
    down: bounded(Hours, ge=1, le=24)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Times are whole hours; what lives on weather is not committed. Raises: BadInput."""
        for i, row in enumerate(table):
            for field in ("up", "down"):
                if getattr(row, field) != int(getattr(row, field)):
                    raise BadInput(table.fault(i, field, f"{getattr(row, field):g} hours; expected whole ones"))
            if row.key not in ("coal", "gas", "nuclear", "biomass"):
                raise BadInput(table.fault(i, "key", f"{row.key} lives on weather and has nothing to start; expected "
                                                     "coal, gas, nuclear or biomass"))


def count(capacity: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Blocks of a capacity, int: the fewest of equal size that are no larger than `size` MW."""
    return np.maximum(1, np.ceil(capacity / size - 1e-9)).astype(int)


def commitment(units: Units, blocks: Table, starting: Table) -> "Commitment":
    """The plants that are committed, as the engine takes them: those of the technologies of `commitment.csv`.

    Their must-run shares, which stand for commitment, are ignored by an engine that commits.
    """
    from sim.engines.commitment import Commitment  # only a run needs it: checking a file answers without

    rows = {row.key: row for row in starting}
    mine = np.array([u for u in units.of_kind(PLANT) if units.technology[u] in rows], int)
    own = [rows[units.technology[u]] for u in mine]
    size = np.array([blocks.rows[blocks.position(row.key)].size for row in own], float)
    capacity = units.capacity[mine]
    number = count(capacity, size)
    return Commitment(
        unit=mine, blocks=number, start_cost=np.array([row.start_cost for row in own]) * capacity / number,
        least=np.array([row.least for row in own], float), up=np.array([int(row.up) for row in own], int),
        down=np.array([int(row.down) for row in own], int))
