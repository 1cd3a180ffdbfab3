"""Two samples that were lived under the same seeds, compared seed by seed.

Both runs of a pair live through the same weather and draws, so what they share falls out of their difference. Five
seeds of a pair so tell more than fifty of each alone.
Source: [Student1908] the interval; [Cohen1988] the effect size of paired samples.
"""

from typing import NamedTuple

import numpy as np

SURE = 0.95


class Paired(NamedTuple):
    """A figure under two policies. before, after: means over the seeds that both have.  low, high: ends of the 95 %
    interval of the mean difference, nan with one seed.  effect: mean difference in standard deviations of the
    difference over seeds (Cohen's d_z).  above: share of seeds in which `after` is the larger, a tie counting half:
    how probably the next seed's would be.  pairs: seeds."""

    before: float
    after: float
    difference: float
    low: float
    high: float
    effect: float
    above: float
    pairs: int


def paired(before, after) -> Paired:
    """Compare two samples, [seed] each; pairs of which one is nan are left out."""
    before, after = np.asarray(before, float), np.asarray(after, float)
    known = ~(np.isnan(before) | np.isnan(after))
    before, after = before[known], after[known]
    if not len(before):
        return Paired(*[np.nan] * 7, 0)
    change = after - before
    mean, reach = float(change.mean()), float(half_width(change))
    above = float((np.sign(change).mean() + 1) / 2) if len(change) > 1 else np.nan
    return Paired(float(before.mean()), float(after.mean()), mean, mean - reach, mean + reach, _effect(change), above,
                  len(change))


def half_width(sample: np.ndarray, axis: int = 0) -> np.ndarray:
    """Half the 95 % interval of a mean, by Student's distribution, along an axis of independent values; nan where there
    is one."""
    from scipy.special import stdtrit

    n = sample.shape[axis]
    if n < 2:
        return np.full(np.delete(sample.shape, axis), np.nan)
    return stdtrit(n - 1, (1 + SURE) / 2) * sample.std(axis=axis, ddof=1) / np.sqrt(n)


def _effect(change: np.ndarray) -> float:
    """Cohen's d_z: 0 where nothing differs, infinite where every seed says the same, nan with one."""
    if len(change) < 2:
        return np.nan
    spread = change.std(ddof=1)
    if spread > 0:
        return float(change.mean() / spread)
    return 0.0 if change[0] == 0 else float(np.copysign(np.inf, change[0]))
