"""A MATPOWER case as a world: one hour that stands for every hour of a day.

Reactance times tap; a limit of 0 is none; quadratic costs become chords, piecewise ones their pieces, each piece
a plant.
"""

import re
import warnings
from pathlib import Path

import numpy as np

from experiments.own_world import BEGUN, Given, references
from sim.config import BadInput, place_of
from sim.network.grid import BASE_MVA
from sim.units import HOURS

NO_LIMIT = 1e5  # MW of a branch whose RATE_A is 0
CHORDS = 4  # of a quadratic cost
SLACK = 3  # BUS_TYPE
LEAST = 1e-6  # MW below which a piece is none


def read_case(path: Path):
    """Tables of a case file. Raises: BadInput."""
    try:
        from matpowercaseframes import CaseFrames
    except ImportError:
        raise BadInput("matpowercaseframes is not installed; expected pip install 'gridgig[pypsa]'") from None
    if not path.is_file():
        raise BadInput(f"{place_of(path)}: there is no such file; expected a MATPOWER case, a .m file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the reader's own use of pandas
            case = CaseFrames(str(path))
            case.bus, case.gen, case.branch, case.gencost  # noqa: B018 - it fails here where one is missing
    except Exception as error:  # whatever the reader meets
        raise BadInput(f"{place_of(path)}: is no MATPOWER case: {' '.join(str(error).split())[:100]}") from None
    return case


def from_case(path: Path) -> Given:
    """A case as a network that was given. Raises: BadInput for what no world can hold."""
    case, source = read_case(path), place_of(path)
    base = float(case.baseMVA)
    bus, gen, branch = (getattr(case, part).astype(float) for part in ("bus", "gen", "branch"))
    given = Given(f"MATPOWER case {path.stem}", source)
    name = {number: f"bus_{int(number)}" for number in bus.BUS_I}
    on = branch[branch.BR_STATUS > 0]
    for i, r in enumerate(on.itertuples()):
        reactance = r.BR_X * (r.TAP or 1.0) * BASE_MVA / base
        if reactance <= 0:
            raise BadInput(f"{source}: branch {i + 1}: reactance {reactance:g}; expected one above 0")
        limit = float(r.RATE_A) or NO_LIMIT
        given.corridors.append({
            "key": f"branch_{i + 1}", "start": name[r.F_BUS], "end": name[r.T_BUS], "kind": "ac", "capacity": limit,
            "reverse": limit, "reactance": float(reactance), "loss": 0.0, "tariff": 0.0, "minimum": 0.0,
            "in_service": BEGUN, "owner": "grid"})
    lines = [(row["start"], row["end"]) for row in given.corridors]
    chosen = references(list(name.values()), lines, {name[b] for b in bus.BUS_I[bus.BUS_TYPE == SLACK]})
    given.buses = [{"key": key, "zone": key, "name": key, "reference": str(key in chosen).lower(), "cleared": "true"}
                   for key in name.values()]
    load = (bus.PD + bus.GS).to_numpy()
    if (load < 0).any():
        worst = list(name.values())[int(load.argmin())]
        raise BadInput(f"{source}: {worst}: a load of {load.min():g} MW; expected >= 0")
    given.load = np.repeat(load[:, None], HOURS, axis=1)
    cost = case.gencost.astype(float).to_numpy()
    takes = 0
    for g, r in enumerate(gen.itertuples()):
        if r.GEN_STATUS > 0 and r.PMAX > 0:
            given.plants += _pieces(f"gen_{g + 1}", name[r.GEN_BUS], max(r.PMIN, 0.0), r.PMAX, cost[g], source)
        takes += r.PMIN < 0
    shifts = int(np.count_nonzero(on.SHIFT))
    given.left_out += [line for many, line in (
        (takes, f"{takes} generators' power below zero"), (shifts, f"{shifts} phase shifts"),
        (hasattr(case, "dcline"), "DC lines")) if many]
    return given


def _pieces(key: str, bus: str, low: float, high: float, cost: np.ndarray, source: str) -> list[dict]:
    """A generator as one plant for each piece of its cost; what must run is a piece of its own."""
    if cost[0] == 1:
        points = cost[4 : 4 + 2 * int(cost[3])].reshape(-1, 2)
        inner = points[:, 0]

        def value(power):
            return np.interp(power, points[:, 0], points[:, 1])
    else:
        factors = cost[4 : 4 + int(cost[3])]
        curved = len(factors) > 2 and factors[:-2].any()
        inner = np.linspace(low, high, CHORDS + 1) if curved else np.zeros(0)

        def value(power):
            return np.polyval(factors, power)
    ends = np.unique(np.append(inner[(inner > low) & (inner < high)], [0.0, low, high]))
    steps = [(a, b) for a, b in zip(ends[:-1], ends[1:]) if b - a > LEAST]
    plants = []
    for i, (a, b) in enumerate(steps):
        # what must run stands at the first price above it, as where it is offered at all; it runs whatever it costs
        first, last = (a, b) if a >= low or len(steps) == 1 else steps[1]
        slope = float((value(last) - value(first)) / (last - first))
        if slope < 0:
            raise BadInput(f"{source}: {key}: costs fall by {-slope:g} a MWh; expected costs that rise")
        plants.append({"key": f"{key}_{i + 1}", "bus": bus, "owner": re.sub(r"\W", "_", key), "technology": "gas",
                       "capacity": float(b - a), "cost": slope, "markup": 0.0, "must_run": float(b <= low),
                       "ramp": 1.0, "availability": 1.0, "pondage": "false", "in_service": BEGUN})
    return plants
