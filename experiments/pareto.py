"""Which of several candidates no other beats, where each is known by a few noisy replicates under common seeds.

Objectives are larger the better here. One candidate beats another when it is at least as good in the mean of every
objective and better in one by more than the 95 % interval of their paired difference: noise throws nobody out. A
candidate that so survives, while another is better than it by more than noise in one objective and worse by more than
noise in none, owes its place to noise: it is in doubt. Without noise both are the usual dominance.
"""

import numpy as np

from experiments.paired import half_width

STANDS, DOUBT, BEATEN, FAILED = "stands", "in doubt", "beaten", "failed"
SAME = 1e-9  # of a value: a smaller difference is a sum's rounding


def verdicts(values: np.ndarray) -> np.ndarray:
    """What is said of each candidate: STANDS, DOUBT, BEATEN; FAILED where a value is nan.

    values: [candidate, replicate, objective]; with one replicate they count as exact.
    """
    known = ~np.isnan(values).any(axis=(1, 2))
    said = np.full(len(values), FAILED, object)
    beaten, rivalled = _dominance(values[known])
    said[known] = np.where(beaten, BEATEN, np.where(rivalled, DOUBT, STANDS))
    return said


def _dominance(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether each candidate is beaten, and whether it has a rival that is surely better somewhere and surely worse
    nowhere; bool [candidate] each."""
    n, replicates, _ = values.shape
    beaten, rivalled = np.zeros(n, bool), np.zeros(n, bool)
    for i in range(n):
        lead = values - values[i]  # of each other candidate over this one [candidate, replicate, objective]
        lead[np.abs(lead) <= SAME * np.abs(values[i])] = 0.0
        mean = lead.mean(axis=1)
        reach = half_width(lead, axis=1) if replicates > 1 else np.zeros_like(mean)
        surely_better = (mean - reach > 0).any(axis=1)
        beaten[i] = (surely_better & (mean >= 0).all(axis=1)).any()
        rivalled[i] = (surely_better & (mean + reach >= 0).all(axis=1)).any()
    return beaten, rivalled


def hypervolume(points: np.ndarray, reference: np.ndarray) -> float:
    """Area that points [point, 2] dominate above a reference point: how far and how wide a front of two is."""
    kept = points[(points > reference).all(axis=1)]
    area, height = 0.0, reference[1]
    for x, y in sorted(map(tuple, kept), reverse=True):
        if y > height:
            area += (x - reference[0]) * (y - height)
            height = y
    return float(area)
