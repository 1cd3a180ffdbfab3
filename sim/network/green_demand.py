"""Demand for green certificates: what each class of users must and would like to show for its consumption."""

from datetime import date
from typing import ClassVar

from sim.config import BadInput, Key, Row, Table, bounded
from sim.units import CNYPerCertificate, Share


class GreenDemand(Row):
    """A row of `green_demand.csv`: a class of users that buys its energy in the market, from a day on.

    A class without a row is outside the market (households): nothing is handed to it and it buys nothing.
    obligation: share of its consumption that it must cover with certificates of the year.  voluntary: share that it
    would cover beyond that if certificates were free.  willingness: mean of what is paid for one of those; it differs
    from firm to firm, exponentially.  bundled: part of the voluntary demand that wants the energy with it.  earlier:
    part of the rest that takes certificates of earlier years.
    """

    identity: ClassVar[tuple[str, ...]] = ("user_class", "since")

    user_class: Key("user_classes")
    since: date
    obligation: bounded(Share, ge=0, le=1)
    voluntary: bounded(Share, ge=0, le=1)
    willingness: bounded(CNYPerCertificate, gt=0)
    bundled: bounded(Share, ge=0, le=1)
    earlier: bounded(Share, ge=0, le=1)
    source: str

    @classmethod
    def check(cls, table: Table, tables: dict[str, Table]) -> None:
        """Nobody covers more than what it uses. Raises: BadInput."""
        for i, row in enumerate(table):
            if row.obligation + row.voluntary > 1:
                raise BadInput(table.fault(i, "voluntary", f"{row.voluntary:g} and obligation {row.obligation:g} are "
                                                           "more than the whole; expected at most 1 together"))
