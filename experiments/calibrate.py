"""Fits the two free parameters of riders' enrolment, sigma and const, to what riders said in a survey.

    python -m experiments.calibrate [SCENARIO]

Of more than 30,000 riders a tenth would pay today's rate (13.1 % of the income of a rider who earns 7,000 yuan in
Kunming), some 35 % at half of it and 76 % at a hundredth of their income. The riders asked here are the eligible
high-frequency ones of the scenario's first month; the price is a share of each one's own income, certain and without a
subsidy; a tenth of his peers are enrolled.

For every sigma of a grid const is found by bisection such that the mean error in logits is nil; the sigma with the
least squared error is taken. Present bias and const cannot be told apart by such answers.

Source: [PKU2025] as read in `configs/worlds/yunnan/world.yaml`, section riders.enrolment.
"""

import sys
from dataclasses import dataclass

import numpy as np

from agents.riders import Riders
from sim.config import BadInput, load
from sim.model import PolicyLab
from sim.policy.pension_subsidy import eligible

PRICE = np.array([0.131, 0.066, 0.010])  # of income
SHARE = np.array([0.10, 0.35, 0.76])  # would be enrolled at it
PEERS = 0.10  # enrolled share that the answerers see
SIGMAS = np.arange(0.100, 0.601, 0.001)  # k yuan a month


@dataclass(frozen=True)
class Fit:
    """The parameters found and the shares reached with them, in the order of PRICE."""

    sigma: float
    const: float
    reached: np.ndarray


def fit(money: np.ndarray, weight: np.ndarray, peers: float) -> Fit:
    """Sigma and const under which the share of enrolled riders comes nearest to SHARE.

    money: k yuan a month [price, rider], what enrolling is worth at each price.  weight: persons [rider].
    peers: logits that the peers add.
    """
    best = min((_at(sigma, money, weight, peers) for sigma in SIGMAS), key=_error)
    return Fit(round(float(best.sigma), 3), round(best.const, 3), best.reached)


def _at(sigma: float, money: np.ndarray, weight: np.ndarray, peers: float) -> Fit:
    low, high = -20.0, 20.0
    while high - low > 1e-6:
        const = (low + high) / 2
        reached = share(const + money / sigma + peers, weight)
        low, high = (const, high) if logit(reached).mean() < logit(SHARE).mean() else (low, const)
    return Fit(sigma, const, reached)


def _error(found: Fit) -> float:
    return float(((logit(found.reached) - logit(SHARE)) ** 2).sum())


def share(inclination: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Share of persons who would be enrolled [price]: the mean of the logistic of their inclination."""
    return (1 / (1 + np.exp(-inclination))) @ weight / weight.sum()


def logit(share: np.ndarray) -> np.ndarray:
    """log(p / (1 - p)), away from 0 and 1."""
    share = np.clip(share, 1e-12, 1 - 1e-12)
    return np.log(share / (1 - share))


def answerers(riders: Riders) -> np.ndarray:
    """Rows of the riders who are asked: high-frequency ones whose last six months meet the subsidy's conditions."""
    busy = riders.segments["high_frequency"][riders.segment]
    return np.flatnonzero(busy & eligible(riders.met, threshold=3, months=6))


def calibrate(scenario: str, set=()) -> Fit:
    """Read a scenario, people its world and fit. set: as after `gridgig run --set`. Raises: BadInput."""
    lab = PolicyLab(load(scenario, set))
    riders, rows = lab.riders, answerers(lab.riders)
    income = riders.income[rows] / 100 + riders.other[rows]
    money = np.array([riders.appraise(rows, lab.rules, price * income, price * income)[0] for price in PRICE])
    return fit(money, riders.weight[rows].astype(float), riders.mind.peers * PEERS)


def main(arguments: list[str]) -> int:
    """The command. Gives the exit code."""
    try:
        found = calibrate(arguments[0] if arguments else "configs/scenarios/base_2025.yaml")
    except BadInput as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"sigma {found.sigma:.3f} k yuan a month, const {found.const:.3f}\n")
    for price, wanted, reached in zip(PRICE, SHARE, found.reached):
        sys.stdout.write(f"  at {price:.3f} of income: {reached:.3f} enrolled, survey {wanted:.2f}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
