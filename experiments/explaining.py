"""What `gridgig explain` answers: a finished run is opened or lived again, and the stories are told."""

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from experiments import price_story, rider_story
from experiments import yuan as journey
from experiments.again import config_of, live
from experiments.store import Run
from sim.config import BadInput

if TYPE_CHECKING:
    from sim.messages import Dispatch
    from sim.model import PolicyLab

CLOSE = 0.01  # CNY/MWh: what a table of 32 bits may lose of a price


def price(run: Run, place: str, when: str) -> list[str]:
    """Why the price of a zone or bus is what it is in an hour, from the run lived again up to that day.

    Raises: BadInput for a place or time that is not in the run, or where the second life has another price.
    """
    time = _time(when)
    config = config_of(run)
    lab = live(config, until=time.date())
    spot = lab.facts.today["spot", "real-time"]
    hour = price_story.hour_of(spot, lab.grid, lab.facts, time.hour, lab.rules["spot"].clearing == "separate")
    bus = price_story.bus_of(hour, lab.grid.zone, lab.grid.bus_zone, place)
    _check(run, hour.bus[bus], time, hour.price[bus])
    lines = price_story.story(hour, bus, f"{time:%Y-%m-%d %H:00}")
    return [*_zone(hour, lab, place), *lines, *_ahead(lab, bus, time.hour, spot)]


def _time(when: str) -> datetime:
    """An hour. Raises: BadInput."""
    for shape in ("%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"):
        try:
            return datetime.strptime(when, shape)
        except ValueError:
            continue
    raise BadInput(f"--price: '{when}' is no hour; expected one as in 2025-07-14T19")


def _check(run: Run, bus: str, time: datetime, lived: float):
    """The price lived again is the one that the folder keeps. Raises: BadInput."""
    if "hourly/bus" not in run.kinds:
        return  # nothing was kept to hold it against
    from pyarrow import parquet

    rows = parquet.read_table(run.path / "hourly/bus.parquet", columns=["price"],
                              filters=[("bus", "=", bus), ("time", "=", time)])["price"].to_numpy()
    if len(rows) != 1 or abs(rows[0] - lived) > CLOSE:
        kept = f"{rows[0]:.2f}" if len(rows) else "nothing"
        raise BadInput(f"{run.path}: lived again the price is {lived:.2f} CNY/MWh, kept is {kept}; expected the "
                       "GridGig that made the run, its versions stand in run.yaml")


def _zone(hour: price_story.Hour, lab: "PolicyLab", place: str) -> list[str]:
    """What the buses of a zone pay, where a zone was asked for and has several."""
    grid = lab.grid
    mine = [] if place in grid.bus else np.flatnonzero(grid.bus_zone == grid.zone.index(place))
    if len(mine) < 2:
        return []
    weight = hour.load[mine].sum()
    mean = (hour.price[mine] * hour.load[mine]).sum() / weight if weight > 0 else hour.price[mine].mean()
    parts = ", ".join(f"{hour.bus[bus]} {hour.price[bus]:,.2f}" for bus in mine)
    return [f"Zone {place}: {mean:,.2f} CNY/MWh, the mean of its buses by load ({parts}). The bus with most load:"]


def _ahead(lab: "PolicyLab", bus: int, hour: int, spot: "Dispatch") -> list[str]:
    """The price of the day before, where there was one."""
    ahead = lab.facts.today.get(("spot", "day-ahead"))
    if ahead is None or ahead.day != spot.day:
        return ["", "There was no day-ahead market on this day."]
    before = float(ahead.price[bus, hour])
    return ["", f"A day ahead, on a forecast, the price was {before:,.2f} CNY/MWh: what happened moved it by "
            f"{spot.price[bus, hour] - before:+,.2f}."]


def rider(run: Run, identity: int) -> list[str]:
    """What one rider lived, from the run lived again. Raises: BadInput for nobody's identity."""
    watcher = rider_story.Watcher(identity)
    lab = live(config_of(run), watch=watcher)
    lines = rider_story.story(watcher)
    if lab.journal.head != run.certificate.get("head"):
        lines += ["", "Beware: lived again the run has another head than its folder; another GridGig made it."]
    return lines


def yuan(run: Run, payers: list[str] | None) -> list[str]:
    """Where a yuan of each payer goes; by default of the three accounts that pay most beyond what they receive."""
    entries = run.table("journal/entries")
    lines = []
    for payer in payers or journey.sources(entries)[:3]:
        lines += [*([""] if lines else []), *journey.follow(entries, payer.replace(" ", "_"))]
    return lines
