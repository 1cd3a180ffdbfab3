"""Fits the two free parameters of riders' enrolment, sigma and const, to what riders said in a survey.

    python -m experiments.survey_fit [SCENARIO]

Of more than 30,000 riders a tenth would pay today's rate (13.1 % of the income of a rider who earns 7,000 yuan in
Kunming), some 35 % at half of it and 76 % at a hundredth of their income. The riders asked here are the eligible
high-frequency ones of the scenario's first month; the price is a share of each one's own income, certain and without a
subsidy; a tenth of his peers are enrolled.

Sigma and const are those with the least squared error of the three shares in logits. How sure they are is said in two
ways: by a bootstrap (riders drawn again with replacement, the survey's shares drawn again from as many answers as count
in it, the reading of a share off by a few points), and by what they become where other parameters, which such answers
cannot tell from const, take other values in their ranges.

Source: [PKU2025] as read in `configs/worlds/yunnan/world.yaml`, section riders.enrolment.
"""

import sys
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from agents.riders import Riders
from sim.config import BadInput, load
from sim.model import PolicyLab
from sim.policy.pension_subsidy import eligible

PRICE = np.array([0.131, 0.066, 0.010])  # of income
SHARE = np.array([0.10, 0.35, 0.76])  # would be enrolled at it
READING = np.array([0.005, 0.03, 0.02])  # standard error of reading these shares off the survey's brackets [assumption]
ANSWERS = 30_000
PEERS = 0.10  # enrolled share that the answerers see
DRAWS = 200
# ranges of what the survey cannot tell from const [assumption]
RANGES = {"beta_mean": (0.65, 0.85), "friction": (0.0, 0.12), "vest_power": (2.0, 4.0), "pressure_slope": (0.6, 1.2)}


@dataclass(frozen=True)
class Fit:
    """The parameters found and the shares reached with them, in the order of PRICE."""

    sigma: float
    const: float
    reached: np.ndarray


def fit(money: np.ndarray, weight: np.ndarray, felt, wanted: np.ndarray = SHARE) -> Fit:
    """Sigma and const under which the share of enrolled riders comes nearest to the wanted one.

    money: k yuan a month [price, rider], what enrolling is worth at each price.  weight: persons [rider].
    felt: logits that peers and identity add, a number or [rider].  wanted: shares, in the order of PRICE.
    """
    def error(at: np.ndarray) -> np.ndarray:
        return logit(share(at[1] + money / np.exp(at[0]) + felt, weight)) - logit(wanted)

    sigma, const = least_squares(error, (np.log(0.3), 0.4)).x
    sigma = float(np.exp(sigma))
    return Fit(sigma, float(const), share(const + money / sigma + felt, weight))


def bootstrap(money: np.ndarray, weight: np.ndarray, felt: np.ndarray, seed: int = 1, draws: int = DRAWS) -> np.ndarray:
    """Sigma and const of riders and answers drawn again, [draw, 2]."""
    dice, found = np.random.default_rng(seed), np.empty((draws, 2))
    for k in range(draws):
        again = dice.multinomial(len(weight), weight / weight.sum()).astype(float)
        wanted = dice.binomial(ANSWERS, SHARE) / ANSWERS + READING * dice.standard_normal(len(SHARE))
        one = fit(money, again, felt, np.clip(wanted, 0.01, 0.99))
        found[k] = one.sigma, one.const
    return found


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


@dataclass(frozen=True)
class Survey:
    """What the answers rest on: the riders asked, what enrolling is worth to them, and what they feel beside it."""

    riders: Riders
    rows: np.ndarray

    @classmethod
    def of(cls, scenario: str, set=()) -> "Survey":
        """Read a scenario and people its world. set: as after `gridgig run --set`. Raises: BadInput."""
        riders = PolicyLab(load(scenario, set)).riders
        return cls(riders, answerers(riders))

    def fit(self) -> Fit:
        """The fit to the survey under the riders' other parameters."""
        return fit(self.money(), self.weight, self.felt())

    @property
    def weight(self) -> np.ndarray:
        """Persons [rider]."""
        return self.riders.weight[self.rows].astype(float)

    def money(self) -> np.ndarray:
        """What enrolling is worth at each price, k yuan a month [price, rider]."""
        riders, rows = self.riders, self.rows
        income = riders.income[rows] / 100 + riders.other[rows]
        return np.array([riders.appraise(rows, price * income, price * income, np.ones(1))[0] for price in PRICE])

    def felt(self) -> np.ndarray:
        """Logits that peers and identity add [rider]."""
        mind = self.riders.mind
        return mind.peers * PEERS + mind.identity * 0.01 * self.riders.roots[self.rows]

    def with_other(self, name: str, value: float) -> Fit:
        """The fit where one of the other parameters has another value; riders' present bias moves with its mean."""
        riders, mind, beta = self.riders, self.riders.mind, self.riders.beta.copy()
        riders.mind = mind._replace(**{name: value})
        if name == "beta_mean":
            riders.beta[:] = np.clip(beta + value - mind.beta_mean, mind.beta_low, mind.beta_high)
        found = self.fit()
        riders.mind, riders.beta[:] = mind, beta
        return found


def main(arguments: list[str]) -> int:
    """The command. Gives the exit code."""
    try:
        survey = Survey.of(arguments[0] if arguments else "configs/scenarios/base_2025.yaml")
    except BadInput as error:
        sys.stderr.write(f"{error}\n")
        return 2
    found, say = survey.fit(), sys.stdout.write
    say(f"sigma {found.sigma:.3f} k yuan a month, const {found.const:.3f}\n")
    for price, wanted, reached in zip(PRICE, SHARE, found.reached):
        say(f"  at {price:.3f} of income: {reached:.3f} enrolled, survey {wanted:.2f}\n")
    drawn = bootstrap(survey.money(), survey.weight, survey.felt())
    for name, values in zip(("sigma", "const"), drawn.T):
        low, high = np.quantile(values, (0.025, 0.975))
        say(f"{name}: 95 % of {DRAWS} draws from {low:.3f} to {high:.3f}\n")
    say(f"correlation of sigma and const over draws: {np.corrcoef(drawn.T)[0, 1]:.2f}\n")
    for name, values in RANGES.items():
        for value in values:
            other = survey.with_other(name, value)
            say(f"  with {name} {value:g}: sigma {other.sigma:.3f}, const {other.const:.3f}, reached "
                f"{', '.join(f'{share:.3f}' for share in other.reached)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
