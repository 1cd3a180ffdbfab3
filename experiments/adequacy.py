"""Adequacy: how often, and by how much, load could not be served, over weather years and outages of generating sets.

Not a market run: nobody trades. Each hour asks whether what stands there could serve the load, and how much is missing.

What is counted. Load by zone under the year's temperature, without the blocks that smelters bid for: they leave before
anybody is cut off. Wind, sun and running water of the year's weather; planned outages as shares. Sets of coal, gas,
nuclear and biomass fail and return as two-state Markov chains with the plant's unavailability and the technology's mean
repair time. Reservoirs follow a guide curve (a straight line from the planners' carry-over on 31 May to full on
31 October and back) and may on any day give all the water at hand; plants that keep their water within the day share it
out. Neighbours sell what their steps offer. Zones help each other over lines and links, which carry what they can
(losses of links and joint limits included), Kirchhoff's laws and lines within a zone left out. In a day with a shortage
all this is one small programme of 24 hours with the least unserved energy; stores begin such a day half full and end it
so. Of two zones that are short the one with the smaller loss on the way is helped first; no zone sheds for another.

What is left out: plant that developers of the model would add, forced outages of lines and links, ramps, commitment,
reserves, errors of forecast, what a short day takes from the water of later ones, and anything that people would do
differently because power is scarce.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from experiments.outage_draws import Sets
from experiments.rescue import Rescue, Supply, Transport, by_zone, serve
from sim.calendar import Calendar, Day
from sim.config import BadInput, Config, place_of
from sim.config.sections import nearest
from sim.network import borders
from sim.network.demand import Blocks, Curves, Drawn
from sim.network.ground import Ground
from sim.network.stores import Stores
from sim.network.years import demand_of
from sim.streams import Streams
from sim.units import HOURS

BANDS = 4  # plants whose water lasts alike, in quarters of a day, are one in the programme
SHARES = np.concatenate([np.linspace(0, 98, 246), np.linspace(98.02, 100, 100)])  # %, dense where it matters
FILES = ("adequacy.csv", "margin.csv", "margin_duration.png")


# ------------------------------------------------------------------------------------------------------------- changes


@dataclass(frozen=True)
class Changes:
    """What a study changes of the world: demand by zone and capacity by (technology, zone), as ratios; "" is all."""

    demand: dict[str, float] = field(default_factory=dict)
    capacity: dict[tuple[str, str], float] = field(default_factory=dict)

    @classmethod
    def read(cls, texts: Iterable[str], config: Config) -> "Changes":
        """From texts as `demand=1.2`, `demand.GD=1.1`, `capacity.coal=0.9`, `capacity.coal.GD=0`; later ones multiply.

        Raises: BadInput.
        """
        zones = list(dict.fromkeys(config.world["buses"]["zone"]))
        made = sorted(set(config.world["plants"]["technology"]) | set(config.world["stores"]["technology"]))
        demand, capacity = {}, {}
        for text in texts:
            key, _, value = text.partition("=")
            what, *rest = key.split(".")
            into, names = (demand, [zones]) if what == "demand" else (capacity, [made, zones])
            if len(rest) > len(names) or (what == "capacity" and not rest):
                raise BadInput(f"{text}: expected demand=1.2, demand.ZONE=1.2, capacity.TECHNOLOGY=0.9 or "
                               "capacity.TECHNOLOGY.ZONE=0.9")
            for name, known in zip(rest, names):
                if name not in known:
                    raise BadInput(f"{text}: {name!r} is unknown{nearest(name, known)}")
            at = (rest + [""])[0] if what == "demand" else (rest[0], (rest + [""])[1])
            into[at] = into.get(at, 1.0) * _ratio(text, value)
        return cls(demand, capacity)

    def of_demand(self, zone: str) -> float:
        """By how much the load of a zone is multiplied."""
        return self.demand.get("", 1.0) * self.demand.get(zone, 1.0)

    def of_capacity(self, technology: str, zone: str) -> float:
        """By how much a plant or store is multiplied."""
        return self.capacity.get((technology, ""), 1.0) * self.capacity.get((technology, zone), 1.0)


def _ratio(text: str, value: str) -> float:
    try:
        ratio = float(value)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 100:
        raise BadInput(f"{text}: {value or 'nothing'!r} is no ratio; expected a number from 0 to 100")
    return ratio


# --------------------------------------------------------------------------------------------------- zones and a year


class Place:
    """A world as a study sees it: everything that does not depend on weather, with the study's changes.

    Lines stand as on the period's first day, stores as they do that year.
    days: of the period.  transport, sets: see there.
    Raises: BadInput for a period beyond one calendar year, whose demand and stock are one.
    """

    def __init__(self, config: Config, changes: Changes):
        self.config, self.changes, world = config, changes, config.world
        if config.start.year != config.end.year:
            raise BadInput(f"{place_of(config.path)}: period: {config.start} to {config.end} is more than one calendar "
                           "year; expected one, as by --set period.start=2025-01-01 --set period.end=2025-12-31")
        calendar = Calendar(config.start, config.end)
        self.days = [calendar.day(i) for i in range(len(calendar))]
        self.of_year = config.start.year
        ground = Ground(world, Streams(config.seed), self.of_year)
        grid = ground.grid(config.start)
        self.transport = Transport.of(grid, ground, self.days)
        self.zone, zone_of = grid.zone, dict(zip(grid.bus, grid.bus_zone))
        plants, stores = list(world["plants"]), list(world["stores"])
        self.plant_zone = np.array([zone_of[p.bus] for p in plants], int)
        self.multiple = np.array([changes.of_capacity(p.technology, self.zone[zone_of[p.bus]]) for p in plants])
        self.availability = world["plants"]["availability"]
        self.fallible = np.flatnonzero(self.availability < 1)
        # sets are counted in the unchanged world, so that a changed one meets the same outages
        self.sets = Sets.of([plants[i] for i in self.fallible], world["blocks"])
        self.store_zone = np.array([zone_of[s.bus] for s in stores], int)
        self.store_multiple = np.array([changes.of_capacity(s.technology, self.zone[zone_of[s.bus]]) for s in stores])
        steps = list(world["borders"])
        self.selling = np.array([i for i, step in enumerate(steps) if step.side == "sell"], int)
        self.selling_zone = np.array([zone_of[steps[i].bus] for i in self.selling], int)
        self._demand(world, zone_of)

    def _demand(self, world, zone_of):
        """Rows of users: what they draw, and where."""
        classes = {row.key: row for row in world["user_classes"]}
        splits, demand = list(world["load_split"]), list(world["demand"])
        annual = demand_of(world["demand_years"], self.of_year)
        self.drawn = Drawn.of(world["load_split"], world["user_classes"], annual, self.of_year)
        self.apart = Blocks(world["load_split"], world["user_classes"], world["smelters"], world["build_out"])
        zones = [row.zone for row in demand]
        self.curve_of = np.array([zones.index(classes[row.user_class].zone) for row in splits], int)
        self.row_zone = np.array([zone_of[row.bus] for row in splits], int)
        self.demand_zone = np.array([self.zone.index(zone) for zone in zones], int)
        self.growth = np.array([self.changes.of_demand(self.zone[z]) for z in self.row_zone])

    def year(self, seed: int) -> Supply:
        """The period under the weather of a seed."""
        world, zones = self.config.world, len(self.zone)
        ground = Ground(world, Streams(seed), self.of_year)
        curves = Curves(world["demand"], world["climate"], ground.profiles)
        load, firm, available, energy = [], [], [], []
        level = self._guide(ground)
        for day in self.days:
            weather = ground.weather.draw(day)
            curve = curves.of(day, weather.temperature[self.demand_zone])[self.curve_of]
            use = self.drawn.load(curve, self.apart.on(day.ordinal)) * self.growth[:, None]
            load.append(by_zone(use, self.row_zone, zones))
            firm.append(by_zone(borders.available(world["borders"], day)[self.selling], self.selling_zone, zones))
            available.append(ground.plants.available(day, weather)[0] * self.multiple[:, None])
            most = ground.plants.energy(day, weather)
            most[ground.reservoir_units] = self._water(ground, day, weather, level)
            limited = np.isfinite(most)
            energy.append(np.where(limited, np.where(limited, most, 0.0) * self.multiple, np.inf))
        return self._supply(np.hstack(load), np.hstack(firm), np.hstack(available), np.array(energy).T, ground, day)

    def _guide(self, ground: Ground):
        """Level that reservoirs aim at on a date, share of the active volume; and the water brought to it."""
        low = self.config.world.settings.water.carry_over

        def level(day: Day) -> float:
            month, number = day.date.month, day.date.timetuple().tm_yday
            if 6 <= month <= 10:
                return low + (1 - low) * (number - 151) / 153
            since = number - 304 if month > 10 else number + 61
            return 1 - (1 - low) * min(since / 212, 1.0)

        if len(ground.rivers):
            ground.rivers.open(self.days[0].date, ground.rivers.active * level(self.days[0]))
        return level

    def _water(self, ground: Ground, day: Day, weather, level) -> np.ndarray:
        """MWh [reservoir] at hand on a day; the day is then lived towards the guide curve."""
        rivers = ground.rivers
        inflow = rivers.inflow(day, weather)
        most = rivers.energy(inflow)
        above = (rivers.water + inflow - rivers.active * level(day)) * rivers.per_hm3
        rivers.run(day, inflow, np.clip(above, np.minimum(rivers.minimum(inflow) * HOURS, most), most))
        return most

    def _supply(self, load, firm, available, energy, ground, day) -> Supply:
        """Sort plants into those that fail, those whose water does not last the day, and the rest.

        available: MW [plant, H].  energy: MWh [plant, D].
        """
        zones, days = len(self.zone), len(self.days)
        fallible = np.zeros(len(available), bool)
        fallible[self.fallible] = True
        by_day = available.reshape(len(available), days, HOURS).sum(axis=2)
        short = (energy < by_day - 1e-6) & ~fallible[:, None]  # [plant, day]
        part = np.divide(energy, by_day, out=np.zeros_like(by_day), where=short)
        band = np.minimum((part * BANDS).astype(int), BANDS - 1)
        wide = np.repeat(short, HOURS, axis=1)
        firm = firm + by_zone(np.where(wide | fallible[:, None], 0.0, available), self.plant_zone, zones)
        power, water = np.zeros((zones * BANDS, days * HOURS)), np.zeros((zones * BANDS, days))
        for b in range(BANDS):
            mine = short & (band == b)
            power[b::BANDS] = by_zone(np.where(np.repeat(mine, HOURS, axis=1), available, 0.0), self.plant_zone, zones)
            water[b::BANDS] = by_zone(np.where(mine, energy, 0.0), self.plant_zone, zones)
        used = np.flatnonzero(power.any(axis=1))
        return Supply(load, firm, (available / self.availability[:, None])[self.fallible],
                      self.plant_zone[self.fallible], used // BANDS, power[used], water[used],
                      *self._stores(ground.stores, day))

    def _stores(self, stores: Stores, day: Day) -> tuple[np.ndarray, ...]:
        """Zone, MW, MWh and loss of stores, those of a zone, duration and efficiency as one."""
        size = stores.available(day)[:, 0] * self.store_multiple
        half = np.sqrt(self.config.world["stores"]["efficiency"])  # half of the loss on the way in, half out
        kind = list(zip(self.store_zone.tolist(), self.config.world["stores"]["hours"].tolist(), half.tolist()))
        kinds = sorted(set(kind))
        total = np.bincount(np.array([kinds.index(one) for one in kind], int), size, len(kinds))
        hours = np.array([h for _, h, _ in kinds], float)
        return (np.array([z for z, _, _ in kinds], int), total, total * hours,
                np.array([e for _, _, e in kinds], float))


# --------------------------------------------------------------------------------------------------------------- study


@dataclass(frozen=True)
class Study:
    """Figures by weather year (mean of its outage draws), for the zones that have load and last for any of them.

    zone: names, the last is "all".  hours: of the period.  short: h, unserved: MWh [year, zone].
    worst: MW [zone], largest of any hour.  margin: MW [zone, share], own margin at `SHARES` of the hours, largest
    first, over all years and draws.  draws: outage draws of each year.
    """

    zone: tuple[str, ...]
    hours: int
    short: np.ndarray
    unserved: np.ndarray
    worst: np.ndarray
    margin: np.ndarray
    draws: int


def study(config: Config, changes: Changes, years: int, draws: int) -> Study:
    """Live so many weather years, the seeds after the scenario's, each with so many draws of outages."""
    place = Place(config, changes)
    loaded = np.unique(place.row_zone)
    hours, rows = len(place.days) * HOURS, len(loaded) + 1
    short, unserved = np.zeros((years, rows)), np.zeros((years, rows))
    worst, margins = np.zeros(rows), []
    for year in range(years):
        seed = config.seed + year
        supply = place.year(seed)
        rescue = Rescue(place.transport, supply)
        for draw in range(draws):
            share = place.sets.in_service(Streams(seed), draw, hours)
            lack = serve(place.transport, supply, share, rescue)[loaded]
            lack = np.vstack([lack, lack.sum(axis=0)])
            short[year] += (lack > 0).sum(axis=1) / draws
            unserved[year] += lack.sum(axis=1) / draws
            worst = np.maximum(worst, lack.max(axis=1))
            margins.append((supply.own(share) + supply.level() - supply.load)[loaded])
    margin = np.sort(np.concatenate(margins, axis=1), axis=1)[:, ::-1]
    points = (SHARES / 100 * (margin.shape[1] - 1)).round().astype(int)
    names = tuple(place.zone[z] for z in loaded)
    return Study((*names, "all"), hours, short, unserved, worst, margin[:, points], draws)


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and half width of its 95 % interval over years [year, ...]; nan with one year. Weather years are the sample.

    Source: Student's t, years being independent draws.
    """
    from scipy.special import stdtrit

    years = len(values)
    if years < 2:
        return values.mean(axis=0), np.full(values.shape[1:], np.nan)
    return values.mean(axis=0), stdtrit(years - 1, 0.975) * values.std(axis=0, ddof=1) / np.sqrt(years)


def table(found: Study, against: Study | None = None):
    """One row a zone as a DataFrame, with half widths of 95 % intervals; of both studies and of their difference."""
    import pandas

    columns = {"zone": found.zone} | _figures("", found)
    if against is not None:
        columns |= _figures("against_", against)
        for name, one, other in (("lole", found.short, against.short), ("eens", found.unserved, against.unserved)):
            columns[f"change_{name}"], columns[f"change_{name}_95"] = interval(other - one)  # paired: year by year
    return pandas.DataFrame(columns)


def _figures(prefix: str, found: Study) -> dict[str, np.ndarray]:
    lole, lole_width = interval(found.short)
    eens, eens_width = interval(found.unserved)
    return {f"{prefix}lole": lole, f"{prefix}lole_95": lole_width, f"{prefix}lolp": lole / found.hours,
            f"{prefix}eens": eens, f"{prefix}eens_95": eens_width, f"{prefix}worst": found.worst}


def report(config: Config, found: Study, against: Study | None = None) -> list[str]:
    """The tables as lines of text."""
    years, days = len(found.short), found.hours // HOURS
    lines = [f"{config.title}: {years} weather years x {found.draws} outage draws, {days} days each",
             "mean +- half width of the 95 % interval over weather years", ""]
    rows = table(found, against)
    head = f"{'zone':6}{'LOLE [h]':>20}{'LOLP [1e-4]':>13}{'EENS [MWh]':>26}{'worst hour [MW]':>17}"
    for prefix, title in (("", "as given"), ("against_", "against")) if against is not None else (("", ""),):
        lines += [*([title] if title else []), head]
        lines += [f"{row['zone']:6}{_pair(row, prefix + 'lole', 2):>20}{row[prefix + 'lolp'] * 1e4:13.3f}"
                  f"{_pair(row, prefix + 'eens', 0):>26}{row[prefix + 'worst']:17,.0f}" for _, row in rows.iterrows()]
        lines.append("")
    if against is not None:
        lines += ["change, year by year with the same weather and outages",
                  f"{'zone':6}{'LOLE [h]':>20}{'':13}{'EENS [MWh]':>26}"]
        lines += [f"{row['zone']:6}{_pair(row, 'change_lole', 2):>20}{'':13}{_pair(row, 'change_eens', 0):>26}"
                  for _, row in rows.iterrows()]
        lines.append("")
    if against is None and not found.unserved.any():
        lines.append(f"No hour of {years * found.draws * found.hours:,} was short.")
    return lines


def _pair(row, name: str, digits: int) -> str:
    width = row[f"{name}_95"]
    return f"{row[name]:,.{digits}f}" + ("" if np.isnan(width) else f" +- {width:,.{digits}f}")


def save(folder: Path, found: Study, against: Study | None = None) -> list[Path]:
    """Write the table, the margins and the picture to a folder; gives the files.

    Raises: BadInput for a folder that holds anything else.
    """
    from experiments.plots import margin_duration

    vet(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in FILES]
    table(found, against).to_csv(files[0], index=False)
    margins = margin_table(found)
    margins.to_csv(files[1])
    margin_duration(margins).savefig(files[2], dpi=150, metadata={"Software": None})
    return files


def vet(folder: Path):
    """Refuse a folder of results that holds other things. Raises: BadInput."""
    if folder.exists() and (not folder.is_dir() or {file.name for file in folder.iterdir()} - set(FILES)):
        raise BadInput(f"{place_of(folder)}: holds other things than an adequacy report; expected a new name, or an "
                       "earlier report's folder")


def margin_table(found: Study):
    """Own margin of each zone in GW (columns) at shares of the hours in % (index), largest first, as a DataFrame."""
    import pandas

    return pandas.DataFrame(found.margin.T / 1e3, index=pandas.Index(SHARES, name="share"), columns=found.zone[:-1])
