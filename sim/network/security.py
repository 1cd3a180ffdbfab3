"""N-1 by proxy: line limits so low that the loss of any one circuit leaves the others within an emergency rating.

A clearing with limits for every outage has lines x lines rows an hour; this has none: limits are scaled once for a
grid. It keeps what an outage can do at most, whichever way the flows go, so it is never less careful than the full
problem, and where flows of two lines oppose each other it is more careful.
"""

from dataclasses import replace

import numpy as np

from sim.engines.records import Network
from sim.engines.skeleton import transfer_factors

BRIDGE = 1e-9  # less than this share of a line's flow finding another way: its loss parts the area
TERMINALS = 2  # so many links of one joint limit are the ends of one line, not a corridor of several


def outage_factors(network: Network, circuits: np.ndarray | None = None) -> np.ndarray:
    """Share of what a line carried that another carries on top when one circuit is lost: [line, lost line].

    circuits: int [line], equal circuits in parallel of which each line consists; one by default.  The factor is on the
    flow of the whole lost line, 1 / circuits of which is lost; on the diagonal it is what the line's other circuits
    take over, 0 with one circuit. 0 where the loss parts the area: there is no other way, and what is then lost is load
    or generation, not a line's limit.
    Source: line outage distribution factors from transfer factors, Wood, Wollenberg and Sheble [Wood2013] ch. 7.
    """
    lines = len(network.line_from)
    circuits = np.ones(lines, int) if circuits is None else circuits
    factors, every = transfer_factors(network)[0], np.arange(lines)
    # flow on each line of a MW sent between the ends of another; of the line itself, its circuits share it
    between = factors[:, network.line_from] - factors[:, network.line_to]
    own = between[every, every] / circuits  # that a circuit carries of a MW sent between its own ends
    other_way = 1.0 - own
    spread = np.divide(1.0, other_way * circuits, out=np.zeros(lines), where=other_way > BRIDGE)
    found = between * spread
    # the remaining circuits of the line: the same sum without the lost one
    found[every, every] *= (circuits - 1) / circuits
    return found


def secure_capacity(network: Network, emergency: float, circuits: np.ndarray | None = None) -> np.ndarray:
    """Most that each AC line may carry so that no loss of one circuit overloads it or another, MW [line].

    emergency: rating after an outage over the normal one, until the dispatch is changed; at least 1.
    circuits: see `outage_factors`.

    A line of capacity c on which the loss of line k (capacity d) lays the share f of its flow has the ratio
    emergency x rest / (c + |f| d), rest being the capacity that is left to it; both lines are scaled by it, so together
    they are within. A line takes the least of its ratios, and 1 at most. Unlimited lines stay so and bind nobody.
    Raises: ValueError for an emergency rating below the normal one.
    """
    if emergency < 1:
        raise ValueError(f"an emergency rating of {emergency:g} is below the normal one; expected 1 or more")
    lines = len(network.line_from)
    circuits = np.ones(lines, int) if circuits is None else circuits
    capacity, laid = network.line_capacity, np.abs(outage_factors(network, circuits))
    finite = np.isfinite(capacity)
    size = np.where(finite, capacity, 0.0)
    rest = np.repeat(size[:, None], lines, axis=1)  # [line, lost line]
    np.fill_diagonal(rest, size * (circuits - 1) / circuits)
    before = np.repeat(size[:, None], lines, axis=1)
    np.fill_diagonal(before, rest.diagonal())  # what the line's other circuits carried themselves
    after = before + laid * size[None, :]
    counts = (laid > BRIDGE) & finite[:, None] & finite[None, :] & (after > 0)
    ratio = np.where(counts, emergency * rest / np.where(after > 0, after, 1.0), 1.0)
    scale = np.minimum(np.minimum(ratio.min(axis=1, initial=1.0), ratio.min(axis=0, initial=1.0)), 1.0)
    return np.where(finite, size * scale, np.inf)


def secure_joints(network: Network, emergency: float) -> np.ndarray:
    """Most that the links of each joint limit may send together so that the others can take over the largest, MW.

    The limit, or the emergency rating of what is left when the largest member is lost, if that is less; [joint].
    A joint limit of two links is that of one line with two terminals and stays as it is: they are lost together.
    """
    limits = [min(limit, emergency * (network.link_capacity[members].sum() - network.link_capacity[members].max()))
              if len(members) > TERMINALS else limit for _, members, limit in network.joints]
    return np.array(limits, float)


def circuits_of(capacity: np.ndarray, circuit: float) -> np.ndarray:
    """Circuits of which lines of a capacity consist, int [line].  circuit: MW of the largest one."""
    whole = np.where(np.isfinite(capacity), capacity, circuit)
    return np.maximum(1, np.ceil(whole / circuit - 1e-9)).astype(int)


def secured(network: Network, emergency: float, circuit: float) -> Network:
    """The same network with limits that stand the loss of any one circuit and of any one link of a joint limit."""
    lines = secure_capacity(network, emergency, circuits_of(network.line_capacity, circuit))
    joints = secure_joints(network, emergency)
    # a least flow that the law of the world sets goes before the margin
    least = [network.link_minimum[members].sum() for _, members, _ in network.joints]
    return replace(network, line_capacity=lines, joints=tuple(
        (name, members, float(max(limit, floor)))
        for (name, members, _), limit, floor in zip(network.joints, joints, least)))
