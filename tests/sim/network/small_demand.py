"""A zone with two buses and one class of users, small enough to follow on paper."""

from datetime import date
from pathlib import Path

from sim.calendar import Calendar
from sim.config import Table, read_table
from sim.network.demand import Demand, LoadSplit, UserClass
from sim.network.grid import Bus
from sim.network.plants import Plant
from sim.network.smelters import Smelter
from sim.network.stores import Store
from sim.network.years import BuildOut, DemandYear
from sim.weather import HOUR_COLUMNS, MONTHS, Climate, DayProfile, MonthProfile, WeatherPair

YUNNAN = Path(__file__).parents[3] / "configs" / "worlds" / "yunnan"
YEAR = [Calendar(date(2025, 1, 1), date(2025, 12, 31)).day(i) for i in range(365)]
STEP = [0.5] * 12 + [1.5] * 12  # a day of two halves, mean 1


def table(row_type, *rows) -> Table:
    return Table(Path(f"{row_type.__name__}.csv"), row_type, list(rows), list(range(2, len(rows) + 2)), "")


def months(key, unit, values) -> MonthProfile:
    return MonthProfile(key=key, unit=unit, source="test", **dict(zip(MONTHS, map(float, values))))


def hours(key, values) -> DayProfile:
    return DayProfile(key=key, season="all", source="test", **dict(zip(HOUR_COLUMNS, map(float, values))))


def demand(**change) -> Demand:
    same = {"zone": "Z", "month": "even", "day": "flat", "weekend": 1.0, "price": "price",
            "source": "test"}
    return Demand(**(same | change))


def annual(twh, year=2025, zone="Z") -> DemandYear:
    return DemandYear(zone=zone, year=year, annual=float(twh), source="test")


def built(*shares, zone="Z", technology="smelter") -> Table:
    """Stock of a kind: (day, share) each."""
    return table(BuildOut, *(BuildOut(zone=zone, technology=technology, day=day, share=share, source="test")
                             for day, share in shares))


def user_class(key, share, **change) -> UserClass:
    return UserClass(**({"key": key, "zone": "Z", "share": share, "deviation": 1.0, "source": "test"} | change))


def split(user_class, bus, share) -> LoadSplit:
    return LoadSplit(user_class=user_class, bus=bus, share=share, source="test")


def block(bus, capacity) -> Smelter:
    return Smelter(key=f"{bus}_{capacity}", bus=bus, owner="firm", capacity=capacity, willingness=400.0, source="test")


def tables(**change) -> dict[str, Table]:
    """Tables by name: a zone Z with buses Z1 and Z2, one class, load blind to weather; a neighbour X without load."""
    mild = Climate(key="Z", temperature="mild", spread=3.0, rain="rain", extreme=None, hot=26.0, above=0.0, cold=8.0,
                   below=0.0, wind_cv=0.4, sun_cv=0.2, source="test")
    beyond = mild.model_copy(update={"key": "X"})
    same = {
        "profiles_month": table(MonthProfile, months("even", "ratio", [1] * 12), months("mild", "degC", [26] * 12),
                                months("rain", "share", [0.3] * 12), months("price", "CNY/MWh", [200] * 12)),
        "profiles_day": table(DayProfile, hours("flat", [1] * 24), hours("step", STEP)),
        "climate": table(Climate, beyond, mild),
        "buses": table(Bus, *(Bus(key=key, zone="Z", name=key, source="test") for key in ("Z1", "Z2")),
                       Bus(key="X", zone="X", name="x", cleared=False, source="test")),
        "demand": table(Demand, demand()),
        "demand_years": table(DemandYear, annual(8.76)),  # 8.76 TWh in 8760 h are 1000 MW
        "plants": table(Plant), "stores": table(Store),
        "build_out": table(BuildOut),
        "user_classes": table(UserClass, user_class("all", 1.0)),
        "load_split": table(LoadSplit, split("all", "Z1", 0.25), split("all", "Z2", 0.75)),
        "smelters": table(Smelter)}
    return same | change


def hot_climate(**change) -> Table:
    climate = tables()["climate"].rows[1]
    return table(Climate, climate.model_copy(update={"above": 0.03} | change))


def yunnan_tables() -> dict[str, Table]:
    """The tables of the Yunnan world that make its load and its weather."""
    kinds = {"profiles_month": MonthProfile, "profiles_day": DayProfile, "climate": Climate, "demand": Demand,
             "weather_pairs": WeatherPair, "user_classes": UserClass, "load_split": LoadSplit, "buses": Bus,
             "smelters": Smelter, "demand_years": DemandYear, "build_out": BuildOut, "plants": Plant, "stores": Store}
    return {name: read_table(YUNNAN / f"{name}.csv", kind) for name, kind in kinds.items()}
