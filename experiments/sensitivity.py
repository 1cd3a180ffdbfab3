"""What an outcome of a sweep depends on: Morris' screening, Sobol' indices, PAWN, Borgonovo's delta.

Points are read in the unit cube, as the sweep's folder keeps them, so that an index is a share of the outcome's
variation under the ranges and distributions that the sweep file states. An outcome of a point is the mean over its
seeds; how much of what is seen is noise of the seeds is said beside the indices.

Source: [Morris1991] screening; [Saltelli2010] Sobol' indices; [Pianosi2015] PAWN; [Borgonovo2007] delta; the
estimators are SALib's [Herman2017].
"""

import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sim.config import BadInput
from sim.config.documents import place_of
from sim.config.sections import nearest

if TYPE_CHECKING:
    import pandas

    from experiments.sweep_folder import SweepFolder

FEWEST = 20  # points of which something is said
RESAMPLES = 30  # of delta's bootstrap, which is slow
# what is told of each method: SALib's key, our column, in words
COLUMNS = {
    "morris": (("mu_star", "effect", "mean size of the effect of a step, in units of the outcome"),
               ("sigma", "spread", "of the effect over the cube: interaction or curvature"),
               ("mu_star_conf", "+-", "95 % of the effect")),
    "sobol": (("S1", "alone", "share of the variance that goes if this alone were known"),
              ("S1_conf", "+-", "95 %"), ("ST", "in all", "share that stays if all but this were known"),
              ("ST_conf", "+- ", "95 %")),
    "pawn": (("median", "moved", "median distance of the outcome's distribution when this is held, 0 to 1"),
             ("minimum", "least", "over slices of it"), ("maximum", "most", "over slices of it")),
    "delta": (("delta_raw", "moved", "mean shift of the density when this is held, 0 to 1; too low from few points"),
              ("delta_raw_conf", "+-", "95 %"))}


class Cases(NamedTuple):
    """A sweep as a sample. names: of dimensions.  unit: coordinates [point, dimension].  outcome: means over seeds
    [point], nan where runs failed.  noise: share of the variance over points that is the seeds' own, nan with one seed.
    design: as in the sweep file."""

    names: list[str]
    unit: np.ndarray
    outcome: np.ndarray
    noise: float
    design: dict


def cases(folder: "SweepFolder", outcome: str) -> Cases:
    """The points of a sweep with an outcome. Raises: BadInput where the sweep has no such outcome or no coordinates."""
    said = folder.certificate["sweep"]
    if outcome not in said["outcomes"]:
        raise BadInput(f"--outcome: {place_of(folder.path)} has no '{outcome}'{nearest(outcome, said['outcomes'])}")
    names, points = folder.dimensions, folder.points
    unit = points[[f"unit: {name}" for name in names]].to_numpy(float)
    if np.isnan(unit).any():
        raise BadInput(f"{place_of(folder.path)}: its points are a list, so nobody knows from which ranges they are; "
                       "expected a sweep of design sobol, morris, latin or grid")
    by_point = folder.outcomes.groupby("point")[outcome]
    # a point counts when all its seeds do: pairs of points then always share them
    mean = by_point.mean().where(by_point.count() == len(said["seeds"])).reindex(range(len(points))).to_numpy(float)
    noise = np.nan
    if len(said["seeds"]) > 1 and np.nanvar(mean) > 0:
        noise = float(np.nanmean(by_point.var(ddof=1)) / len(said["seeds"]) / np.nanvar(mean, ddof=1))
    return Cases(names, unit, mean, noise, said["design"])


def indices(found: Cases, method: str, seed: int = 1) -> tuple["pandas.DataFrame", int]:
    """A row a dimension with the method's columns, and how many points were left out because runs failed.

    method: one of COLUMNS.  seed: of bootstraps.  Raises: BadInput for a design that the method cannot read, and where
    fewer than FEWEST points are left or nothing varies.
    """
    import pandas

    unit, outcome = _whole(found, method)
    if len(outcome) < FEWEST:
        raise BadInput(f"sensitivity: {len(outcome)} points are whole; expected {FEWEST} or more")
    if np.ptp(outcome) == 0:
        raise BadInput("sensitivity: the outcome is the same at every point; expected one that varies")
    problem = {"num_vars": len(found.names), "names": found.names, "bounds": [[0.0, 1.0]] * len(found.names)}
    answer = _analysed(problem, unit, outcome, method, found.design, seed)
    columns = {ours: np.asarray(answer[theirs], float) for theirs, ours, _ in COLUMNS[method]}
    return pandas.DataFrame({"dimension": found.names, **columns}), len(found.outcome) - len(outcome)


def _whole(found: Cases, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Points of which the outcome is known; of a design in blocks, whole blocks."""
    n = len(found.names)
    if method in ("sobol", "morris"):
        if found.design["kind"] != method:
            raise BadInput(f"sensitivity: {method} needs a sweep of design {method}, this one is of design "
                           f"{found.design['kind']}; expected --method pawn or delta")
        size = n + (2 if method == "sobol" else 1)
        known = np.repeat(~np.isnan(found.outcome.reshape(-1, size)).any(axis=1), size)
    else:
        known = ~np.isnan(found.outcome)
    return found.unit[known], found.outcome[known]


def _analysed(problem: dict, unit: np.ndarray, outcome: np.ndarray, method: str, design: dict, seed: int) -> dict:
    """What SALib says."""
    if find_spec("SALib") is None:
        raise BadInput("SALib is not installed; expected it, as after pip install 'gridgig[search]'")
    if method == "sobol":
        from SALib.analyze import sobol

        centred = (outcome - outcome.mean()) / outcome.std()  # its estimators are less noisy so
        return sobol.analyze(problem, centred, calc_second_order=False, seed=seed)
    if method == "morris":
        from SALib.analyze import morris

        return morris.analyze(problem, unit, outcome, num_levels=design["levels"], seed=seed)
    if method == "pawn":
        from SALib.analyze import pawn

        return pawn.analyze(problem, unit, outcome, S=max(2, min(10, len(outcome) // 20)), seed=seed)
    from SALib.analyze import delta

    with _unchanged_globals():
        return delta.analyze(problem, unit, outcome, num_resamples=RESAMPLES, seed=seed)


@contextmanager
def _unchanged_globals():
    """SALib's delta sets how warnings look and the state of numpy's global dice for the whole process; its remark on
    coordinates that are never zero is about an index that nobody asked for."""
    shape, state = warnings.formatwarning, np.random.get_state()  # noqa: NPY002
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        warnings.formatwarning = shape
        np.random.set_state(state)  # noqa: NPY002


def told(path: Path, outcome: str, method: str) -> list[str]:
    """The indices in lines of text, the most telling dimension first."""
    from experiments.sweep_folder import open_sweep

    folder = open_sweep(path)
    found = cases(folder, outcome)
    table, lost = indices(found, method)
    said, columns = folder.certificate["sweep"], COLUMNS[method]
    seeds = len(said["seeds"])
    lines = [f"{outcome} [{said['outcomes'][outcome]['unit']}], {method}, {len(found.outcome) - lost} points, "
             f"{seeds} seed{'s' if seeds > 1 else ''} each"]
    if lost:
        lines.append(f"{lost} points are left out: runs of theirs, or of their block, failed or are missing")
    if found.noise == found.noise:
        lines.append(f"noise of the seeds makes {found.noise:.0%} of the variance over points")
    lead = columns[2][1] if method == "sobol" else columns[0][1]
    lines += ["", f"{'':<34}" + "".join(f"{ours:>10}" for _, ours, _ in columns)]
    for row in table.sort_values(lead, ascending=False, kind="stable").to_dict("records"):
        lines.append(f"{row['dimension'][:33]:<34}" + "".join(f"{row[ours]:>10.3g}" for _, ours, _ in columns))
    return [*lines, "", *(f"{ours.strip():<8}{words}" for _, ours, words in columns)]
