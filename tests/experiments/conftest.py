"""Made-up results of a year, with the tables and columns that the recorder writes: to draw and store without a run."""

import numpy as np
import pytest

from sim.calendar import Month
from sim.recorder import Memory

ZONE_OF = {"YN_NW": "YN", "YN_C": "YN", "GZ": "GZ", "GX": "GX", "GD": "GD", "HI": "HI", "VN": "VN"}
MEAN_LOAD = {"YN_NW": 9e3, "YN_C": 24e3, "GZ": 22e3, "GX": 31e3, "GD": 108e3, "HI": 6.4e3, "VN": 0.0}  # MW
MEAN_PRICE = {"YN_NW": 205, "YN_C": 210, "GZ": 238, "GX": 260, "GD": 298, "HI": 282, "VN": 250}  # CNY/MWh
MIX = {"YN": {"hydro": 33e3, "coal": 5e3, "wind": 4.5e3, "solar": 6e3},
       "GZ": {"coal": 18e3, "hydro": 6e3, "wind": 2e3}, "HI": {"coal": 2e3, "nuclear": 1.1e3, "solar": 1e3},
       "GX": {"coal": 10e3, "hydro": 7e3, "nuclear": 4e3, "wind": 3e3},
       "GD": {"coal": 41e3, "gas": 12e3, "nuclear": 14e3, "wind_offshore": 4e3, "solar": 6e3, "biomass": 2e3}}
CORRIDORS = {  # start bus, end bus, capacity MW, mean use of a wet month, of a dry one
    "YN_NW-YN_C": ("YN_NW", "YN_C", 14000, 0.6, 0.3), "AC_GX_GD": ("GX", "GD", 8000, 0.7, 0.6),
    "chusui": ("YN_C", "GD", 5000, 0.9, 0.4), "xindong": ("YN_NW", "GD", 5000, 0.92, 0.35),
    "luxi": ("YN_C", "GX", 3000, 0.3, 0.1), "gaozhao": ("GZ", "GD", 3000, 0.5, 0.55),
    "yn_vn": ("YN_C", "VN", 800, 0.1, 0.25)}
BASINS = {"lancang": 21e6, "jinsha_mid": 3e6, "jinsha_low": 7e6, "lancang_trib": 0.2e6}  # MWh when full
CITIES = {"kunming": (35500, 3100, 9), "guangzhou": (120000, 3900, 11), "shenzhen": (140000, 4000, 11),
          "nanning": (30000, 2600, 11), "quanzhou": (26000, 2700, 4), "rest_east": (1.5e6, 2500, 11)}
FLOWS = [("spot energy", "users", "grid_company", 4.1e10), ("spot energy", "grid_company", "plants", 3.6e10),
         ("spot energy", "smelters", "grid_company", 9e8), ("spot energy", "grid_company", "neighbours", 4e8),
         ("spot energy", "neighbours", "grid_company", 3e8), ("spot energy", "grid_company", "stores", 2.2e8),
         ("spot energy", "stores", "grid_company", 1.9e8), ("dc fee", "grid_company", "corridor_owners", 1.1e9),
         ("congestion rent", "grid_company", "rent", 1.9e9), ("swap electricity", "swap_operator", "grid_company", 2e6),
         ("swap electricity", "swap_operator", "outside_grid", 6e7), ("pay of orders", "customers", "platform", 7.1e9),
         ("pay of orders", "platform", "riders", 6.6e9), ("living costs", "riders", "households", 5.6e9),
         ("swap fee", "riders", "swap_operator", 3.5e8), ("pension contribution", "riders", "pension_pool", 1.6e8),
         ("pension contribution", "riders", "pension_accounts", 1.1e8),
         ("pension subsidy", "platform", "riders", 1.3e8), ("injury premium", "platform", "injury_fund", 5e7),
         ("claims", "injury_fund", "riders", 3e7)]


STORES = {"battery": {"energy": 8.0, "ancillary": 15.0, "penalties": -2.0},  # CNY/kW a month
          "pumped_hydro": {"energy": 3.0, "capacity": 40.0}}
PACKAGES = {"fixed": 0.25, "linked": 0.15, "capped": 0.1, "green": 0.1}  # of the energy of all accounts
CERTIFICATES = {"issued": 6e6, "traded": 2e6, "retired": 1.5e6, "expired": 0.5e6}


@pytest.fixture(scope="session")
def year() -> Memory:
    """Twelve months of a made-up 2025, hourly tables included."""
    memory = Memory()
    for number in range(1, 13):
        month = Month(2025, number)
        for kind, table in tables_of(month).items():
            memory.write(kind, month, table)
    return memory


def tables_of(month: Month) -> dict:
    """One month of every kind of table."""
    wet = 0.5 - 0.5 * np.cos((month.month - 2) / 12 * 2 * np.pi)  # 0 in February, 1 in August
    rng = np.random.default_rng(month.month)
    days = np.datetime64(month.first, "D") + np.arange(month.days)
    hours = days[0].astype("datetime64[s]") + np.arange(24 * month.days) * np.timedelta64(3600, "s")
    rows = [*_energy(month, wet), *_money(month), *_people(month)]
    rows += [("stored_water", basin, days, full * (0.25 + 0.7 * wet + 0.01 * rng.standard_normal(len(days))), "MWh")
             for basin, full in BASINS.items()]
    return {"indicators": _tidy(rows, days[0]), "hourly/bus": _buses(hours, wet, rng),
            "hourly/corridor": _corridors(hours, wet), "populations/riders_by_decile": _deciles(month),
            "journal/entries": _entries(month), "populations/riders": _riders(month)}


def _tidy(rows, date) -> dict:
    """(indicator, zone, dates or None, value or values, unit) as columns."""
    size = [1 if dates is None else len(dates) for _, _, dates, _, _ in rows]
    return {"date": np.concatenate([[date] if d is None else d for _, _, d, _, _ in rows]).astype("datetime64[D]"),
            "zone": np.repeat(np.array([zone for _, zone, *_ in rows], object), size),
            "indicator": np.repeat(np.array([name for name, *_ in rows], object), size),
            "value": np.concatenate([np.atleast_1d(value) for *_, value, _ in rows]).astype(float),
            "unit": np.repeat(np.array([unit for *_, unit in rows], object), size)}


def _energy(month, wet):
    hours = 24 * month.days
    for zone, mix in MIX.items():
        load = sum(mean for bus, mean in MEAN_LOAD.items() if ZONE_OF[bus] == zone) * hours
        yield from [("load", zone, None, load, "MWh"), ("price", zone, None, 200 + 40 * (1 - wet), "CNY/MWh"),
                    ("price_plain", zone, None, 205 + 40 * (1 - wet), "CNY/MWh"), ("shed", zone, None, 0, "MWh")]
        for technology, mean in mix.items():
            share = 0.4 + 1.1 * wet if technology == "hydro" else 1.25 - 0.4 * wet if technology == "coal" else 1.0
            yield f"generation.{technology}", zone, None, mean * share * hours, "MWh"
            if technology in ("hydro", "wind", "solar", "wind_offshore"):
                yield f"curtailed.{technology}", zone, None, 0.01 * mean * share * hours, "MWh"
    for corridor, (start, end, capacity, high, low) in CORRIDORS.items():
        use = low + (high - low) * wet
        sent = use * capacity * hours
        yield from [("utilisation", corridor, None, use, "share"), ("sent", corridor, None, sent, "MWh"),
                    ("delivered", corridor, None, 0.94 * sent, "MWh")]
        if ZONE_OF[start] != ZONE_OF[end]:
            yield from [(f"exports.{ZONE_OF[end]}", ZONE_OF[start], None, sent, "MWh"),
                        (f"imports.{ZONE_OF[start]}", ZONE_OF[end], None, 0.94 * sent, "MWh")]


def _money(month):
    for store, income in STORES.items():
        yield from [(f"revenue.{store}.{stream}", "YN", None, value, "CNY/kW") for stream, value in income.items()]
    yield from [(f"certificates.{flow}", "all", None, count, "certificates") for flow, count in CERTIFICATES.items()]
    yield from [("certificates_held", "all", None, 4e6 * month.month, "certificates"),
                ("certificate_price.current", "all", None, 5.0, "CNY/certificate")]
    yield from [(f"package_energy.{kind}", "all", None, part * 1e6, "MWh") for kind, part in PACKAGES.items()]
    yield from [("retail_energy", "all", None, 1e6, "MWh"), ("retailers_standing", "all", None, 30, "count"),
                ("retailers_admitted", "all", None, 2, "count"), ("retailers_failed", "all", None, 1, "count")]
    yield from [(f"paid.{bill.replace(' ', '_')}", "all", None,
                 sum(amount for b, _, _, amount in FLOWS if b == bill), "CNY") for bill, *_ in FLOWS[::3]]
    yield from [("imbalance", "all", None, 3e-9, "MW"), ("rent_residual", "all", None, 1e-4, "CNY")]


def _people(month):
    for city, (persons, income, start) in CITIES.items():
        eligible, enrolled = 0.21 + 0.005 * month.month, 0.02 + 0.012 * max(month.month - start, 0)
        yield from [("riders", city, None, persons, "persons"), ("income", city, None, income, "CNY/month"),
                    ("eligible_share", city, None, eligible, "share"),
                    ("enrolled_share", city, None, enrolled, "share"),
                    ("take_up", city, None, 0.9 * enrolled / eligible, "share")]


def _buses(hours, wet, rng) -> dict:
    n, clock = len(ZONE_OF), np.arange(len(hours)) % 24
    shape = 1 + 0.12 * np.sin((clock - 9) / 24 * 2 * np.pi)
    load = np.array(list(MEAN_LOAD.values()))[:, None] * shape
    noise = rng.standard_normal((n, len(hours))) * 12
    price = np.array(list(MEAN_PRICE.values()))[:, None] * (1.1 - 0.25 * wet) + 60 * (shape - 1) / 0.12 * 0.5 + noise
    flat = {name: array.astype("f4").ravel() for name, array in {"price": price, "load": load, "output": load}.items()}
    return {"time": np.tile(hours, n), "bus": np.repeat(np.array(list(ZONE_OF), object), len(hours)),
            "zone": np.repeat(np.array(list(ZONE_OF.values()), object), len(hours)), **flat}


def _corridors(hours, wet) -> dict:
    keys, n = np.array(list(CORRIDORS), object), len(hours)
    use = np.array([low + (high - low) * wet for *_, high, low in CORRIDORS.values()])
    capacity = np.array([capacity for _, _, capacity, *_ in CORRIDORS.values()])
    ends = {name: np.repeat(np.array([corridor[i] for corridor in CORRIDORS.values()], object), n)
            for i, name in enumerate(("start", "end"))}
    sent = np.repeat(use * capacity, n)
    return {"time": np.tile(hours, len(keys)), "corridor": np.repeat(keys, n), **ends,
            "sent": sent.astype("f4"), "delivered": (0.94 * sent).astype("f4"),
            "shadow": np.repeat(np.where(use > 0.85, 20.0, 0.0), n).astype("f4")}


def _deciles(month) -> dict:
    cities, tenths = np.array(list(CITIES), object), np.arange(1, 11)
    n = len(cities)
    return {"date": np.full(10 * n, np.datetime64(month.first, "D")), "city": np.repeat(cities, 10),
            "decile": np.tile(tenths, n), "persons": np.full(10 * n, 1000.0), "income": np.tile(tenths * 900.0, n),
            "eligible": np.tile(np.where(tenths > 7, 0.9, 0.0), n), "enrolled": np.tile(tenths / 50, n)}


def _entries(month) -> dict:
    text = {name: np.array(column, object) for name, column in zip(("bill", "payer", "payee"), list(zip(*FLOWS))[:3])}
    return {"month": np.array([str(month)] * len(FLOWS), object), **text,
            "total": np.array([int(amount * 100) for *_, amount in FLOWS])}


def _riders(month) -> dict:
    cities, income = list(CITIES), np.array([income for _, income, _ in CITIES.values()], float)
    income = income * (1 + 0.1 * np.sin(month.month / 2))
    shares = {row[0]: [] for row in _people(month)}
    for name, _, _, value, _ in _people(month):
        shares[name].append(value)
    return {"date": np.full(len(cities), np.datetime64(month.first, "D")), "city": np.array(cities, object),
            "persons": np.array(shares["riders"], float), "income": income, "income_p10": income * 0.15,
            "income_p50": income * 0.6, "income_p90": income * 2.6, "eligible": np.array(shares["eligible_share"]),
            "enrolled": np.array(shares["enrolled_share"])}
