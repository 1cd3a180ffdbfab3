"""Calibration: parameters under which a scenario meets published figures, and which of them the figures pin down.

    title: ...                                  # as a sweep: question, source, scenario, period, constants, replicates
    parameters:                                 # each with what is believed of it before
      law.swap.subscription: {uniform: [249, 349]}
    targets:                                    # as outcomes of a sweep, with limits
      price: {indicator: price, zones: [HILLS], unit: CNY/MWh, weight: load, least: 180, most: 220}
    held_out:                                   # likewise; told at the end, never looked at before
      share: {indicator: traded_share, zones: [YN], unit: share, line: V3 traded share 2025}
    samples: 64                                 # drawn from what is believed
    trials: 32                                  # then proposed towards the best fit, `batch` at a time

Two questions, two samples. The draws from what was believed say which parameters the targets pin down: those that meet
the targets (or the nearest of them) are what is believed afterwards, by rejection, and a parameter whose spread among
them is that of before is not pinned, however good the best fit is. The proposals of a sampler only look for that fit.
Beside both stands a profile: the best that was found with a parameter in each fifth of its range.

Source: [Beaumont2002] rejection; [Bergstra2011] the sampler of proposals, as Optuna has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, model_validator

from experiments import designs
from experiments.candidates import Live, Proposer, Quest, Trials, opened
from experiments.designs import Axis
from experiments.measures import Measure
from experiments.paired import half_width
from experiments.sweeps import Uncertainty, Whole
from sim.config import BadInput, bounded
from sim.config.documents import Document, read_document, validate
from sim.config.sections import nearest
from sim.config.worlds import Text

if TYPE_CHECKING:
    import pandas

FEWEST = 10  # draws that are kept at least: of fewer no spread can be told
FIFTHS = 5
DOUBT = 0.01  # chance below which a spread is told from that of before


class Target(Measure):
    """What a run should come to. least, most: its limits, or line: a published figure of `configs/validation.yaml` that
    has them.  scale: what counts as far from them; half the way between two limits, a tenth of a single one."""

    least: float | None = None
    most: float | None = None
    line: Text | None = None
    scale: bounded(float, gt=0) | None = None

    @model_validator(mode="after")
    def _has_limits(self):
        own = self.least is not None or self.most is not None
        if own == (self.line is not None):
            raise ValueError("expected least, most or both, or line instead")
        if self.least is not None and self.most is not None and self.least >= self.most:
            raise ValueError(f"least {self.least:g} is not below most {self.most:g}; expected the lower end first")
        return self


class CalibrationFile(Quest):
    """A calibration file. kept: share of the draws taken for the nearest where too few meet all targets."""

    parameters: Annotated[dict[str, Uncertainty], Field(min_length=1)]
    targets: Annotated[dict[str, Target], Field(min_length=1)]
    held_out: dict[str, Target] = {}
    samples: bounded(int, ge=5 * FEWEST, le=1_000_000) = 100
    trials: bounded(int, ge=0, le=1_000_000) = 40
    batch: Whole = 8
    kept: bounded(float, gt=0, le=1) = 0.2


@dataclass(frozen=True)
class Limits:
    """Of one target. least, most: -inf and inf where there is none.  scale: what counts as far."""

    least: float
    most: float
    scale: float
    unit: str

    def gap(self, value: np.ndarray) -> np.ndarray:
        """How far values are from the limits, in scales; 0 inside."""
        return np.maximum(np.maximum(self.least - value, value - self.most), 0.0) / self.scale


@dataclass(frozen=True)
class Calibration:
    """A calibration, validated. axes: of parameters.  targets, held_out: limits by name."""

    file: CalibrationFile
    scenario: Path
    axes: list[Axis]
    targets: dict[str, Limits]
    held_out: dict[str, Limits]


def read(path: str | Path) -> Calibration:
    """Read a calibration file with its scenario, and try all of it. Raises: BadInput, one line."""
    path = Path(path)
    document = read_document(path)
    file = validate(document, CalibrationFile)
    for name, given in file.parameters.items():
        if given.choice:
            raise BadInput(document.fault(("parameters", name, "choice"), "is no range; expected uniform, triangular, "
                                          "normal or lognormal"))
    for name in file.held_out:
        if name in file.targets:
            raise BadInput(document.fault(("held_out", name), "is a target too; expected another name"))
    limits = {under: _limits(document, under, getattr(file, under)) for under in ("targets", "held_out")}
    scenario, axes = opened(path, document, file, "parameters", {"targets": file.targets, "held_out": file.held_out})
    return Calibration(file, scenario, axes, limits["targets"], limits["held_out"])


def _limits(document: Document, under: str, targets: Mapping[str, Target]) -> dict[str, Limits]:
    """The limits of targets: their own, or those of the published line they name. Raises: BadInput."""
    from experiments import validate as validation

    found = {}
    for name, target in targets.items():
        least, most = target.least, target.most
        if target.line is not None:
            lines = validation.read(validation.FILE).lines
            if target.line not in lines:
                raise BadInput(document.fault((under, name, "line"), f"there is no line '{target.line}' in "
                                              f"configs/validation.yaml{nearest(target.line, lines)}"))
            line = lines[target.line]
            if line.unit != target.unit:
                raise BadInput(document.fault((under, name, "unit"), f"'{target.unit}' is not the unit of the line; "
                                              f"expected '{line.unit}'"))
            least, most = line.least, line.most
        both = least is not None and most is not None
        scale = target.scale or ((most - least) / 2 if both else abs(least if most is None else most) / 10)
        if not scale > 0:
            raise BadInput(document.fault((under, name), "has one limit, 0, so nobody knows what is far from it; "
                                          "expected scale"))
        found[name] = Limits(-np.inf if least is None else least, np.inf if most is None else most, scale, target.unit)
    return found


# ---------------------------------------------------------------------------------------------------------- calibrating


@dataclass(frozen=True)
class Calibrated:
    """What came of a calibration.

    unit: candidates' coordinates in what was believed [candidate, parameter].  losses: root mean square of the gaps to
    the targets [candidate], nan where runs failed.  values: [candidate, replicate, target, then held out].
    kept: bool [candidate], the draws from what was believed that count as what is believed afterwards.
    """

    wanted: Calibration
    unit: np.ndarray
    losses: np.ndarray
    values: np.ndarray
    kept: np.ndarray

    @property
    def best(self) -> int:
        """The candidate with the smallest loss; the earlier one of equals."""
        return int(np.nanargmin(self.losses))

    def parameters(self) -> "pandas.DataFrame":
        """A row a parameter: best fit; low, middle, high: 5, 50 and 95 % of what is believed afterwards.

        spread: of that, as a share of what was believed.  chance: of so different a spread by chance (Kolmogorov and
        Smirnov).  tied, tie, tie_chance: the other parameter that it moves with most among those kept, and their rank
        correlation.  profile: least loss by fifth of its range.
        """
        import pandas
        from scipy.stats import kstest, spearmanr

        unit, rows = self.unit[self.kept], []
        for i, axis in enumerate(self.wanted.axes):
            low, middle, high = np.quantile(unit[:, i], (0.05, 0.5, 0.95))
            ties = {other.name: spearmanr(unit[:, i], unit[:, j]) for j, other in enumerate(self.wanted.axes) if j != i}
            tied = max(ties, key=lambda name: abs(ties[name].statistic), default="")
            rows.append({"parameter": axis.name, "best": axis.value(self.unit[self.best, i]), "low": axis.value(low),
                         "middle": axis.value(middle), "high": axis.value(high), "spread": (high - low) / 0.9,
                         "chance": kstest(unit[:, i], "uniform").pvalue, "tied": tied,
                         "tie": ties[tied].statistic if tied else np.nan,
                         "tie_chance": ties[tied].pvalue if tied else np.nan, "profile": self._profile(i)})
        return pandas.DataFrame(rows)

    def _profile(self, i: int) -> list[float]:
        """The least loss found with a parameter in each fifth of its range; nan where none was tried."""
        fifth = np.minimum((self.unit[:, i] * FIFTHS).astype(int), FIFTHS - 1)
        losses = np.where(np.isnan(self.losses), np.inf, self.losses)
        least = [losses[fifth == k].min(initial=np.inf) for k in range(FIFTHS)]
        return [loss if np.isfinite(loss) else np.nan for loss in least]

    def figures(self) -> "pandas.DataFrame":
        """A row a target and figure held out: limits, the best fit's mean over seeds and half its 95 % interval,
        whether it keeps to the limits, and the range over what is believed afterwards."""
        import pandas

        held, rows = len(self.wanted.targets), []
        means = np.nanmean(self.values[self.kept], axis=1)
        for i, (name, limits) in enumerate((self.wanted.targets | self.wanted.held_out).items()):
            sample = self.values[self.best, :, i]
            value = float(np.nanmean(sample)) if not np.isnan(sample).all() else np.nan
            rows.append({"figure": name, "unit": limits.unit, "held_out": i >= held, "least": limits.least,
                         "most": limits.most, "value": value, "half": float(half_width(sample)),
                         "met": bool(limits.least <= value <= limits.most), "low": means[:, i].min(),
                         "high": means[:, i].max()})
        return pandas.DataFrame(rows)

    @property
    def lines(self) -> list[str]:
        """In lines of text."""
        return told(self)


def calibrate(wanted: Calibration, home: str | Path, jobs: int | None = None, progress: bool = True) -> Calibrated:
    """Calibrate; runs are kept in a folder, the same call goes on from there. Raises: as `candidates.Trials.live`."""
    file = wanted.file
    trials = Trials(Path(home), file, wanted.scenario, file.parameters, file.targets | file.held_out, jobs, progress)
    return fitted(wanted, trials.live)


def fitted(wanted: Calibration, live: Live) -> Calibrated:
    """Draw, judge, propose, judge. live: gives the outcomes of candidates, targets first. Raises: BadInput where no
    draw can be judged."""
    file, axes, scored = wanted.file, wanted.axes, len(wanted.targets)
    proposer = Proposer(axes, "tpe", file.seed) if file.trials else None
    unit = designs.latin(axes, file.samples, file.seed)
    values = live(0, _candidates(axes, unit))
    losses = loss(values[:, :, :scored], list(wanted.targets.values()))
    if np.isfinite(losses).sum() < FEWEST:
        raise BadInput(f"calibrate: {np.isfinite(losses).sum()} draws have all targets; expected {FEWEST} or more")
    kept = keep(losses, file.kept)
    if proposer is not None:
        proposer.know(unit, losses)
        for generation, first in enumerate(range(0, file.trials, file.batch), start=1):
            more = proposer.ask_units(min(file.batch, file.trials - first))
            found = live(generation, _candidates(axes, more))
            fresh = loss(found[:, :, :scored], list(wanted.targets.values()))
            proposer.tell(fresh)
            unit, values, losses = np.vstack([unit, more]), np.concatenate([values, found]), np.r_[losses, fresh]
    return Calibrated(wanted, unit, losses, values, np.r_[kept, np.zeros(len(losses) - len(kept), bool)])


def _candidates(axes: list[Axis], unit: np.ndarray) -> list[tuple]:
    return [tuple(axis.value(u) for axis, u in zip(axes, row)) for row in unit.tolist()]


def loss(values: np.ndarray, limits: list[Limits]) -> np.ndarray:
    """Root mean square of the gaps of means over seeds [candidate]; nan where a seed of a target is unknown.
    values: [candidate, replicate, target]."""
    gaps = np.stack([one.gap(values[:, :, i].mean(axis=1)) for i, one in enumerate(limits)], axis=1)
    return np.sqrt((gaps**2).mean(axis=1))


def keep(losses: np.ndarray, share: float) -> np.ndarray:
    """Which draws count as what is believed afterwards, bool [draw]: all that meet every target, or where these are
    fewer than FEWEST the nearest share of all."""
    met = losses == 0
    if met.sum() >= FEWEST:
        return met
    count = max(FEWEST, int(np.ceil(share * len(losses))))
    order = np.argsort(losses, kind="stable")  # nan last
    kept = np.zeros(len(losses), bool)
    kept[order[:count]] = True
    return kept & np.isfinite(losses)


# -------------------------------------------------------------------------------------------------------------- telling


def told(found: Calibrated) -> list[str]:
    """A calibration in lines of text."""
    file, kept = found.wanted.file, int(found.kept.sum())
    draws = file.samples
    met = int((found.losses[:draws] == 0).sum())
    basis = (f"the {kept} that meet all targets" if met >= FEWEST else
             f"the nearest {kept} (loss up to {found.losses[found.kept].max():.3g}); {met} meet all targets")
    lines = [f"{file.title}: {draws} draws from what was believed, {len(found.losses) - draws} proposals, "
             f"{file.replicates} seed{'s' if file.replicates > 1 else ''} each",
             f"best fit  candidate {found.best}, loss {found.losses[found.best]:.3g} (root mean square of the gaps to "
             "the limits, in scales)", f"believed afterwards: {basis}", "",
             f"{'parameter':<36}{'best':>10}{'5 %':>10}{'middle':>10}{'95 %':>10}{'spread':>8}  verdict"]
    table = found.parameters()
    lines += [f"{row.parameter[:35]:<36}{row.best:>10.4g}{row.low:>10.4g}{row.middle:>10.4g}{row.high:>10.4g}"
              f"{row.spread:>8.2f}  {verdict(row)}" for row in table.itertuples()]
    lines += ["spread: of 90 % of what is believed afterwards, as a share of before; 1: the targets tell nothing", "",
              f"{'least loss by fifth of the range':<36}" + "".join(f"{f'{k}.':>10}" for k in range(1, FIFTHS + 1))]
    lines += [f"{row.parameter[:35]:<36}" + "".join(f"{value:>10.3g}" for value in row.profile)
              for row in table.itertuples()]
    lines += ["", f"{'figure':<28}{'unit':>12}{'least':>10}{'most':>10}{'best fit':>10}{'+-':>9}{'after, from':>12}"
              f"{'to':>10}  verdict"]
    for row in found.figures().itertuples():
        said = ("held out, " if row.held_out else "") + ("met" if row.met else "MISSED")
        lines.append(f"{row.figure[:27]:<28}{row.unit:>12}{row.least:>10.4g}{row.most:>10.4g}{row.value:>10.4g}"
                     f"{row.half:>9.2g}{row.low:>12.4g}{row.high:>10.4g}  {said}")
    return lines


def verdict(row) -> str:
    """Whether a parameter is pinned down, in a word or two. row: of `Calibrated.parameters`."""
    tie = f"; moves with {row.tied} ({row.tie:+.2f})" if row.tied and row.tie_chance < DOUBT else ""
    if row.chance >= DOUBT:
        return f"not pinned{tie}"
    return ("pinned" if row.spread < 0.5 else "narrowed") + tie
