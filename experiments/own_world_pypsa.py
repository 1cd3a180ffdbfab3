"""A PyPSA network as a world, and a day of a world as a PyPSA network.

At `v_nom` 1 kV a line's reactance in ohms is PyPSA's per-unit one on 1 MVA; ours is on 100 MVA.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.own_world import BEGUN, WEATHERED, Given, references, technology_of
from sim.config import BadInput, Config, place_of
from sim.network.grid import BASE_MVA, NEIGHBOUR, PLANT, STORE, USER
from sim.units import HOURS

if TYPE_CHECKING:
    import pypsa

SHED = "shedding"  # carrier of the generators that stand for the market's price cap
OTHERS = ("stores", "shunt_impedances")  # components of a network that a world has no row for


def package():
    """PyPSA. Raises: BadInput where it is not installed."""
    try:
        import pypsa
    except ImportError:
        raise BadInput("PyPSA is not installed; expected pip install 'gridgig[pypsa]'") from None
    return pypsa


def open_network(path: Path) -> "pypsa.Network":
    """A network from a netCDF file or a folder of CSV. Raises: BadInput."""
    library = package()
    if not path.exists():
        raise BadInput(f"{place_of(path)}: there is no such network; expected a .nc file or a folder of CSV")
    if path.is_dir() and not (path / "buses.csv").exists():
        raise BadInput(f"{place_of(path)}: holds no buses.csv; expected the CSV folder of a PyPSA network")
    try:
        return library.Network(str(path))
    except Exception as error:  # the readers below it raise whatever they like
        raise BadInput(f"{place_of(path)}: is no PyPSA network: {' '.join(str(error).split())[:120]}") from None


def from_network(n: "pypsa.Network", source: str) -> Given:
    """The first day (or the one snapshot) of a network. Raises: BadInput for what no world can hold."""
    hours = len(n.snapshots)
    if hours != 1 and hours < HOURS:
        raise BadInput(f"{source}: has {hours} snapshots; expected one, or the 24 hours of a day at least")
    when = np.arange(HOURS) if hours >= HOURS else np.zeros(HOURS, int)
    given = Given(str(n.name or "A PyPSA network"), source)
    keys = [key for key in n.buses.index if n.buses.carrier.get(key, "AC") in ("AC", "DC", "", None)]
    _count(given, len(n.buses) - len(keys), "buses of other carriers than electricity, with all that stands there")
    _corridors(n, given, set(keys))
    lines = [(row["start"], row["end"]) for row in given.corridors if row["kind"] == "ac"]
    chosen = references(keys, lines)
    for key in keys:
        x, y = float(n.buses.x[key]), float(n.buses.y[key])
        place = {"east": x, "north": y} if (x or y) and abs(x) <= 180 and abs(y) <= 90 else {}
        given.buses.append({"key": key, "zone": key, "name": key, "reference": str(key in chosen).lower(),
                            "cleared": "true"} | place)
    given.load = np.zeros((len(keys), HOURS))
    for name, bus in n.loads.bus.items():
        if bus in keys:
            given.load[keys.index(bus)] += _column(n, "Load", "p_set", name)[when]
    if (given.load < 0).any():
        worst = keys[int(given.load.min(axis=1).argmin())]
        raise BadInput(f"{source}: bus {worst!r} has a negative load; expected MW >= 0")
    _plants(n, given, set(keys), when)
    _stores(n, given, set(keys))
    for kind in OTHERS:
        _count(given, len(getattr(n, kind)), f"rows of {kind}")
    return given


def _column(n, component: str, name: str, key: str) -> np.ndarray:
    """A value by snapshot, whether it varies or not."""
    return n.get_switchable_as_dense(component, name)[key].to_numpy(float)


def _count(given: Given, many: int, what: str):
    if many:
        given.left_out.append(f"{many} {what}")


def _corridors(n, given: Given, keys: set[str]):
    """Lines, transformers and links."""
    row = {"loss": 0.0, "tariff": 0.0, "minimum": 0.0, "in_service": BEGUN, "owner": "grid"}
    reactance = {"lines": lambda r: BASE_MVA * r.x / n.buses.v_nom[r.bus0] ** 2,
                 "transformers": lambda r: BASE_MVA * r.x / r.s_nom * (r.tap_ratio or 1.0)}
    for kind, of in reactance.items():
        for key, r in getattr(n, kind).iterrows():
            if {r.bus0, r.bus1} <= keys:
                if r.x <= 0:
                    raise BadInput(f"{given.source}: {kind}: {key}: x is {r.x:g}; expected a reactance above 0")
                limit = float(r.s_nom * r.s_max_pu)
                given.corridors.append(row | {"key": key, "start": r.bus0, "end": r.bus1, "kind": "ac",
                                              "capacity": limit, "reverse": limit, "reactance": float(of(r))})
    for key, r in n.links.iterrows():
        if not {r.bus0, r.bus1} <= keys:
            continue
        if not 0 < r.efficiency <= 1:
            raise BadInput(f"{given.source}: links: {key}: efficiency is {r.efficiency:g}; expected a share above 0")
        given.corridors.append(row | {
            "key": key, "start": r.bus0, "end": r.bus1, "kind": "dc", "capacity": float(r.p_nom * r.p_max_pu),
            "reverse": float(max(-r.p_min_pu, 0.0) * r.p_nom), "reactance": 0.0, "loss": float(1 - r.efficiency),
            "tariff": float(r.marginal_cost / r.efficiency), "minimum": float(max(r.p_min_pu, 0.0))})


def _plants(n, given: Given, keys: set[str], when: np.ndarray):
    """Generators; a fixed daily budget becomes pondage."""
    skipped = {"that take power (sign -1) or cost less than nothing": 0, "without capacity": 0}
    for key, r in n.generators.iterrows():
        if r.bus not in keys or r.carrier == SHED:
            continue
        cost = float(_column(n, "Generator", "marginal_cost", key)[when].mean())
        if r.sign < 0 or cost < 0:
            skipped["that take power (sign -1) or cost less than nothing"] += 1
            continue
        if r.p_nom <= 0:
            skipped["without capacity"] += 1
            continue
        share = np.clip(_column(n, "Generator", "p_max_pu", key)[when], 0.0, 1.0)
        least = np.clip(_column(n, "Generator", "p_min_pu", key)[when], 0.0, 1.0)
        technology, pondage = technology_of(r.carrier), bool(np.isfinite(r.e_sum_max))
        if pondage:
            technology, share = "hydro", np.full(HOURS, min(r.e_sum_max / (HOURS * r.p_nom), 1.0))
        natural = technology in WEATHERED or (share != 1.0).any()
        if natural and share.any():
            given.shares[key] = share
        elif natural:
            skipped["without capacity"] += 1
            continue
        must = float(np.divide(least, share, out=np.zeros(HOURS), where=share > 0).max())
        ramp = float(np.nan_to_num(r.ramp_limit_up, nan=1.0))
        profile = {"profile": f"own_share_{key}", "shape": f"own_share_{key}"} if key in given.shares else {}
        given.plants.append(profile | {
            "key": key, "bus": r.bus, "owner": r.carrier or "owner", "technology": technology,
            "capacity": float(r.p_nom), "cost": cost, "markup": 0.0, "must_run": min(must, 1.0), "ramp": min(ramp, 1.0),
            "availability": 1.0, "pondage": str(pondage).lower(), "in_service": BEGUN})
    for why, many in skipped.items():
        _count(given, many, f"generators {why}")


def _stores(n, given: Given, keys: set[str]):
    """Storage units; what flows into them has no place."""
    flows = 0
    for key, r in n.storage_units.iterrows():
        if r.bus not in keys or r.p_nom <= 0 or r.max_hours <= 0:
            continue
        flows += bool(_column(n, "StorageUnit", "inflow", key).any())
        pumped = "pump" in f"{r.carrier}".lower() or "phs" in f"{r.carrier}".lower()
        given.stores.append({
            "key": key, "bus": r.bus, "owner": r.carrier or "owner", "in_service": BEGUN,
            "technology": "pumped_hydro" if pumped else "battery", "capacity": float(r.p_nom),
            "hours": float(r.max_hours), "efficiency": float(r.efficiency_store * r.efficiency_dispatch),
            "wear": float(max(r.marginal_cost, 0.0)),
            "initial": float(np.clip(r.state_of_charge_initial / (r.p_nom * r.max_hours), 0.0, 1.0))})
    _count(given, flows, "inflows of storage units")


# ------------------------------------------------------------------------------------------------ from ours to theirs


def to_network(config: Config) -> tuple["pypsa.Network", list[str]]:
    """The first day of a scenario as a network of 24 snapshots, in average weather; and lines of what it leaves out.

    Plants stand at cost, stores at their level of the morning; limited water is a budget of the day; large users and
    neighbours who buy are generators of sign -1; the price cap is a generator at every bus.
    """
    from sim.model import PolicyLab

    library, lab = package(), PolicyLab(config)
    day = lab.calendar.turn()
    rules, grid, ground = lab.law.on(day.date)["spot"], lab.grid, lab.ground
    weather = ground.typical(day)
    load = lab.users.by_bus(lab.users.usual(day, weather))
    given = ground.conditions(day, weather, load, grid, np.full(len(grid.units), np.nan))
    n = library.Network()
    n.name = config.title
    n.set_snapshots(range(HOURS))
    places = {bus.key: bus for bus in config.world["buses"]}
    for b, key in enumerate(grid.bus):
        n.add("Bus", key, v_nom=1.0, x=places[key].east or 0.0, y=places[key].north or 0.0)
        if load[b].any():
            n.add("Load", f"load {key}", bus=key, p_set=load[b])
        n.add("Generator", f"shed {key}", bus=key, carrier=SHED, p_nom=1e6, marginal_cost=rules.clearing_cap)
    _ties(n, grid, given.link_share)
    _units(n, lab, given, rules)
    left = [f"joint limit {name!r} over {len(member)} links" for name, member, _ in grid.joints]
    return n, left + (["pools of small resources"] if ground.pools is not None else [])


def _ties(n, grid, share: np.ndarray):
    """Lines, and links; one that may turn is two."""
    for i, key in enumerate(grid.line):
        n.add("Line", key, bus0=grid.bus[grid.line_from[i]], bus1=grid.bus[grid.line_to[i]],
              s_nom=grid.line_capacity[i], x=1 / grid.line_susceptance[i])
    for i, key in enumerate(grid.link):
        start, end, keeps = grid.bus[grid.link_from[i]], grid.bus[grid.link_to[i]], 1 - grid.link_loss[i]
        common = dict(efficiency=keeps, marginal_cost=grid.link_fee[i] * keeps)
        if grid.link_capacity[i] > 0:
            least = grid.link_minimum[i] / grid.link_capacity[i] * share[i]
            n.add("Link", key, bus0=start, bus1=end, p_nom=grid.link_capacity[i], p_max_pu=share[i], p_min_pu=least,
                  **common)
        if grid.link_reverse[i] > 0:
            n.add("Link", f"{key} reverse", bus0=end, bus1=start, p_nom=grid.link_reverse[i], p_max_pu=share[i],
                  **common)


def _units(n, lab, given, rules):
    """Plants, stores, large users and neighbours."""
    grid, steps = lab.grid, lab.config.world["borders"]
    units, willing = grid.units, iter(lab.config.world["smelters"]["willingness"])
    step = iter(steps)
    for u, key in enumerate(units.key):
        bus, able, size = grid.bus[units.bus[u]], given.available[u], float(given.available[u].max())
        buys = price = None
        if units.kind[u] == USER:
            buys, price = True, next(willing)
        elif units.kind[u] == NEIGHBOUR:
            one = next(step)
            buys, price = one.side == "buy", one.price
        if size <= 0 or units.kind[u] not in (PLANT, STORE, USER, NEIGHBOUR):
            continue
        if units.kind[u] == STORE:
            half = np.sqrt(units.efficiency[u])
            end = np.full(HOURS, np.nan)
            end[-1] = min(max(rules.storage_level * units.store[u], 0.0), units.store[u])
            n.add("StorageUnit", key, bus=bus, carrier=units.technology[u], p_nom=size,
                  max_hours=units.store[u] / size, efficiency_store=half, efficiency_dispatch=half,
                  marginal_cost=units.cost[u], state_of_charge_initial=given.stored[u], state_of_charge_set=end)
            continue
        common = dict(bus=bus, carrier=units.technology[u] or str(units.kind[u]), p_nom=size, p_max_pu=able / size)
        if buys is not None:
            sign = -1.0 if buys else 1.0
            n.add("Generator", key, sign=sign, marginal_cost=sign * price, **common)
            continue
        limits = {"e_sum_max": float(given.energy[u])} if np.isfinite(given.energy[u]) else {}
        if np.isfinite(units.ramp[u]):
            limits |= dict.fromkeys(("ramp_limit_up", "ramp_limit_down"), units.ramp[u] / size)
        n.add("Generator", key, marginal_cost=units.cost[u], p_min_pu=given.minimum[u] / size, **common, **limits)


def save_network(n: "pypsa.Network", path: Path) -> str:
    """Write a network as netCDF (`.nc`), else as a folder of CSV. Raises: BadInput."""
    if path.exists():
        raise BadInput(f"{place_of(path)}: exists; expected a new file or folder")
    try:
        if path.suffix == ".nc":
            n.export_to_netcdf(str(path))
        else:
            n.export_to_csv_folder(str(path))
    except (OSError, ImportError) as error:
        raise BadInput(f"{place_of(path)}: cannot be written: {' '.join(str(error).split())[:120]}") from None
    return f"written   {path}: {len(n.buses)} buses, {len(n.generators)} generators, {len(n.links)} links"
