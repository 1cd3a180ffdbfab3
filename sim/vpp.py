"""Virtual power plants: who may pool, and how what a pool earns is split among its members.

A coalition is a number whose bits say who is in; a game is what each coalition is worth, [2 ** members], 0 for nobody.
Three ways to split: by what each adds to those before him on average (Shapley), so that the least happy coalition is as
happy as can be (nucleolus), or by power (contract).
"""

from collections.abc import Callable
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from sim.config import Section, bounded
from sim.units import MW, Hours, Share

EXACT_MEMBERS = 12  # up to here every coalition is valued
Z95 = 1.959963984540054  # of the standard normal, two-sided 95 %
TIE = 1e-7  # of a game's largest worth


class VppRules(Section):
    """Key `vpp`. least, lasting: power, and for how long, that a pool must offer at one bus to be let in.
    aggregator_share: of what a pool earns.  split: how members share the rest.
    passed_on: part of the cabinets' share that lowers the swap fee of their city's riders in the next month."""

    key: ClassVar[str] = "vpp"

    least: bounded(MW, ge=0)
    lasting: bounded(Hours, gt=0)
    aggregator_share: bounded(Share, ge=0, le=1)
    split: Literal["contract", "shapley", "nucleolus"]
    passed_on: bounded(Share, ge=0, le=1)


class Stability(NamedTuple):
    """Whether a split holds. excess: of the coalition that could gain most by leaving.  coalition: that one.
    in_core: nobody can gain by leaving, alone or together.  rational: nobody gets less than alone."""

    excess: float
    coalition: int
    in_core: bool
    rational: bool


def shapley(worth: np.ndarray) -> np.ndarray:
    """What each member adds on average over all orders of arrival, [member]; it sums to the worth of all.

    Source: [Shapley1953].
    """
    members = _members(worth)
    every, size = np.arange(len(worth)), np.bitwise_count(np.arange(len(worth)))
    orders = np.cumprod([1.0, *range(1, members + 1)])  # factorials
    found = np.zeros(members)
    for i in range(members):
        before = every[(every >> i) & 1 == 0]
        weight = orders[size[before]] * orders[members - 1 - size[before]] / orders[members]
        found[i] = weight @ (worth[before | 1 << i] - worth[before])
    return found


def sampled_shapley(worth: Callable[[int], float], orders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of what each member adds over some orders of arrival, and half the width of its 95 % interval, [member].

    orders: int [order, member], drawn evenly from all, two at least. The parts of every order sum to the worth of all,
    and so do the means. Source: [Castro2009].
    """
    known: dict[int, float] = {0: 0.0}
    added = np.zeros(orders.shape)
    for place, order in zip(added, orders):
        here, value = 0, 0.0
        for member in order:
            here |= 1 << int(member)
            if here not in known:
                known[here] = worth(here)
            place[member], value = known[here] - value, known[here]
    return added.mean(axis=0), Z95 * added.std(axis=0, ddof=1) / np.sqrt(len(orders))


def orders_of(uniforms: np.ndarray) -> np.ndarray:
    """Orders of arrival from draws in (0, 1): [order, member] -> int [order, member]."""
    return np.argsort(uniforms, axis=1, kind="stable")


def nucleolus(worth: np.ndarray) -> np.ndarray:
    """The split, none below what he is worth alone, whose unhappiest coalitions are least unhappy, then the next,
    [member].

    A sequence of linear programmes: the largest excess is made least, coalitions that must then stand at it are held
    there, and so on until the split is one. Where members together are worth less than alone, nobody is held to his
    own. Source: [Schmeidler1969]; as programmes, [Kopelowitz1967].
    """
    from scipy.optimize import linprog  # only who asks for it waits for it

    members = _members(worth)
    if members == 1:
        return worth[1:].astype(float)
    scale = max(float(np.abs(worth).max()), 1e-12)
    value, every = worth / scale, np.arange(1, len(worth) - 1)
    inside = ((every[:, None] >> np.arange(members)) & 1).astype(float)
    alone = value[1 << np.arange(members)]
    low = alone if alone.sum() <= value[-1] + TIE else np.full(members, -np.inf)
    held, sums = [np.ones(members)], [value[-1]]
    free = np.ones(len(every), bool)
    while np.linalg.matrix_rank(np.array(held), tol=1e-9) < members and free.any():
        rows = inside[free]
        answer = linprog(
            np.append(np.zeros(members), 1.0),
            A_ub=np.hstack([-rows, -np.ones((len(rows), 1))]), b_ub=-value[every[free]],
            A_eq=np.hstack([np.array(held), np.zeros((len(held), 1))]), b_eq=np.array(sums),
            bounds=[*zip(low, [None] * members), (None, None)], method="highs")
        if answer.status != 0:
            raise ArithmeticError(f"no split: {answer.message}")
        split, worst = answer.x[:-1], answer.x[-1]
        bound = np.flatnonzero(free)[-answer.ineqlin.marginals > TIE]
        for c in bound:
            held.append(inside[c])
            sums.append(value[every[c]] - worst)
        for member in np.flatnonzero(answer.lower.marginals[:-1] > TIE):
            held.append(np.eye(members)[member])
            sums.append(low[member])
        _, at = np.unique(np.array(held).round(9), axis=0, return_index=True)
        held, sums = [held[i] for i in sorted(at)], [sums[i] for i in sorted(at)]
        free &= ~_spanned(np.array(held), inside)
    return np.linalg.lstsq(np.array(held), np.array(sums), rcond=None)[0] * scale if not free.any() else split * scale


def _spanned(rows: np.ndarray, many: np.ndarray) -> np.ndarray:
    """Which of many vectors are sums of multiples of some rows, bool [vector]."""
    _, size, basis = np.linalg.svd(rows, full_matrices=False)
    basis = basis[size > 1e-9]
    return np.abs(many - many @ basis.T @ basis).max(axis=1) < 1e-7


def stability(worth: np.ndarray, split: np.ndarray) -> Stability:
    """Whether anybody would gain by leaving with what he gets elsewhere. split: [member], in the game's unit."""
    members = len(split)
    inside = (np.arange(len(worth))[:, None] >> np.arange(members)) & 1
    excess = worth - inside @ split
    some = excess[1:-1] if members > 1 else excess[1:]
    at = int(np.argmax(some)) + 1
    allowed = TIE * max(float(np.abs(worth).max()), 1.0)
    alone = worth[1 << np.arange(members)]
    return Stability(float(excess[at]), at, bool(excess[at] <= allowed and abs(excess[-1]) <= allowed),
                     bool((split >= alone - allowed).all()))


def parts(worth: np.ndarray, power: np.ndarray, split: str) -> np.ndarray:
    """What part of all each member gets, [member], under a split of the law; none where nothing is earned.

    power: MW [member]. Who would have to pay under the nucleolus or Shapley's value (never in a game whose members add
    something to every coalition) gets none.
    """
    if split == "contract" or worth[-1] <= 0:
        return power / power.sum() if power.sum() > 0 else np.zeros(len(power))
    value = np.maximum(shapley(worth) if split == "shapley" else nucleolus(worth), 0.0)
    return value / value.sum()


def _members(worth: np.ndarray) -> int:
    """How many members a game has. Raises: ValueError for an array that is no game."""
    members = int(len(worth)).bit_length() - 1
    if len(worth) != 2**members or members < 1 or worth[0] != 0:
        raise ValueError(f"{len(worth)} worths, the first {worth[0] if len(worth) else None}; expected one for each of "
                         "2 ** members coalitions, 0 for nobody")
    return members
