"""From an optimum to the solution of the day: what orders get, what buses pay, what the network carries and earns."""

from dataclasses import dataclass

import numpy as np

from sim.engines.records import Book, Day, Fleet, Network, Solution
from sim.engines.steps import Steps, by_position


@dataclass(frozen=True)
class Optimum:
    """What an engine finds; hour is the last axis. Duals are what a unit more on a row's side costs, in CNY/MWh.

    given: MW [step, hour].  forward, backward: MW leaving either end [link, hour].  shed, disposed: MW [bus, hour].
    stored: MWh [unit, hour].  energy: dual of the balance [area, hour].  line_dual, joint_dual: [line or joint, hour].
    against_forward, against_backward: reduced costs [link, hour].  energy_value: CNY/MWh [unit].  objective: CNY.
    reserved, reserve_price, reserve_short, kkt, events: see `records.Solution`.
    """

    given: np.ndarray
    forward: np.ndarray
    backward: np.ndarray
    shed: np.ndarray
    disposed: np.ndarray
    stored: np.ndarray
    energy: np.ndarray
    line_dual: np.ndarray
    joint_dual: np.ndarray
    against_forward: np.ndarray
    against_backward: np.ndarray
    energy_value: np.ndarray
    reserved: np.ndarray
    reserve_price: np.ndarray
    reserve_short: np.ndarray
    objective: float
    kkt: float
    events: dict


def solution(network: Network, fleet: Fleet, flows: tuple[np.ndarray, np.ndarray], steps: Steps, book: Book, day: Day,
             found: Optimum) -> Solution:
    """Read the day back from its optimum. flows: see `skeleton.transfer_factors`."""
    factors, at_rest = flows
    accepted = steps.share(found.given, book.volume)
    output = by_position(book.side[:, None] * accepted, book.unit, len(day.minimum))
    given = found.shed - found.disposed - day.load + by_position(output, fleet.bus, network.buses)
    kept = (1.0 - network.link_loss)[:, None]
    sent, delivered = found.forward - kept * found.backward, kept * found.forward - found.backward
    injection = given + (by_position(delivered, network.link_to, network.buses)
                         - by_position(sent, network.link_from, network.buses))
    flow = factors @ injection + at_rest[:, None]
    leaving = by_position(flow, network.line_from, network.buses) - by_position(flow, network.line_to, network.buses)
    energy, joint_shadow = found.energy[network.area], np.maximum(-found.joint_dual, 0.0)
    price = energy + factors.T @ found.line_dual
    against = np.where(sent < 0, found.against_backward, found.against_forward)
    link_shadow = np.maximum(-against, 0.0)
    minimum_shadow = np.where(found.forward > 0, np.maximum(against, 0.0), 0.0)
    rent = -(price * given).sum(axis=0)
    # what the network earns: lines by their duals, links by fee and shadows, joint limits by theirs
    tolls = network.link_fee[:, None] * kept + link_shadow - minimum_shadow
    earned = (tolls * (found.forward + found.backward)).sum(axis=0)
    earned -= (found.line_dual * (flow - at_rest[:, None])).sum(axis=0)
    for shadow, (_, members, _) in zip(joint_shadow, network.joints):
        earned += shadow * found.forward[members].sum(axis=0)
    return Solution(
        accepted=accepted, output=output, price=price, energy=energy, line_flow=flow,
        line_shadow=np.abs(found.line_dual), sent=sent, delivered=delivered, link_shadow=link_shadow,
        minimum_shadow=minimum_shadow, joint_shadow=joint_shadow, shed=found.shed, disposed=found.disposed,
        stored=found.stored, energy_value=found.energy_value, reserved=found.reserved,
        reserve_price=found.reserve_price, reserve_short=found.reserve_short, reserve_cost=_reserve_cost(day, found),
        rent=rent,
        residual=float(np.abs(rent - earned).max()), imbalance=float(np.abs(injection - leaving).max()),
        objective=found.objective, kkt=found.kkt, events=found.events)


def _reserve_cost(day: Day, found: Optimum) -> float:
    """CNY of what is held back, at its offers, and of what is missing."""
    if day.reserve is None:
        return 0.0
    missing = day.reserve.shortage[:, None, None] * found.reserve_short
    return float((day.reserve.price * found.reserved).sum() + missing.sum())
