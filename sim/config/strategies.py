"""How companies bid: which strategy each plays in the spot, and with which parameters, read from a scenario.

    strategies: {default: cost, huaneng: {kind: q_learning, zones: [GD]}}

Here stands what may be written; what a strategy does with it stands with those who decide.
"""

from typing import Any, Literal

from sim.config.documents import Document, parsed
from sim.config.sections import BadInput, Section, bounded, nearest, shown
from sim.units import Count, Days, Ratio, Share

DEFAULT = "default"  # the name under which a scenario says what everybody else plays


class Strategy(Section):
    """What all strategies say. zones: where it is played, elsewhere at cost; everywhere if nothing is said."""

    zones: tuple[str, ...] | None = None


class Cost(Strategy):
    """Offers at cost and at what water is worth."""

    kind: Literal["cost"] = "cost"


class Markup(Strategy):
    """A markup for good. ratio: of cost."""

    kind: Literal["markup"] = "markup"
    ratio: bounded(Ratio, ge=0)


class RothErev(Strategy):
    """Modified Roth-Erev reinforcement of markups.

    choices: markups, evenly from 0 to `most`.  forgetting, experiment: r and e of the rule.  strength: of the first
    propensities, in multiples of the first profit over the choices.  temperature: of the choice by exp(q / C), C
    being that multiple of the mean propensity; 0: in proportion to the propensities, as published.
    """

    kind: Literal["roth_erev"] = "roth_erev"
    choices: bounded(Count, ge=2, le=200) = 21
    most: bounded(Ratio, gt=0) = 1.0
    forgetting: bounded(Share, ge=0, lt=1) = 0.04
    experiment: bounded(Share, ge=0, lt=1) = 0.2
    strength: bounded(Ratio, gt=0) = 9.0
    temperature: bounded(Ratio, ge=0) = 0.0


class QLearning(Strategy):
    """Q-learning of markups by season and tightness, hour by hour.

    rate, discount: alpha and gamma.  explore_first, explore_last: share of hours in which it tries anything, falling
    from the one to the other with a time constant of `cooling` days.  levels: of tightness.
    """

    kind: Literal["q_learning"] = "q_learning"
    choices: bounded(Count, ge=2, le=200) = 11
    most: bounded(Ratio, gt=0) = 1.0
    rate: bounded(Share, gt=0, le=1) = 0.3
    discount: bounded(Share, ge=0, lt=1) = 0.3
    explore_first: bounded(Share, ge=0, le=1) = 0.2
    explore_last: bounded(Share, ge=0, le=1) = 0.02
    cooling: bounded(Days, gt=0) = 30.0
    levels: bounded(Count, ge=1, le=20) = 3


class BestResponse(Strategy):
    """The markup that would have been best against what others did.

    days: remembered.  reach: how far above the dearest price remembered it dares to go, as a share of it.  weight: of
    the best markup against the one offered so far.
    """

    kind: Literal["best_response"] = "best_response"
    choices: bounded(Count, ge=2, le=5000) = 41
    most: bounded(Ratio, gt=0) = 1.0
    days: bounded(Count, ge=1, le=28) = 7
    reach: bounded(Share, ge=0, le=1) = 0.05
    weight: bounded(Share, gt=0, le=1) = 0.5


KINDS = {section.model_fields["kind"].default: section for section in (Cost, Markup, RothErev, QLearning, BestResponse)}


def read_strategies(document: Document, given: dict[str, Any], owners, zones) -> dict[str, Strategy]:
    """What each company named plays, by owner, and under `default` all others.

    given: the scenario's `strategies`.  owners, zones: names that there are in the world.
    Raises: BadInput with the line of an unknown company, kind, zone or parameter.
    """
    found = {DEFAULT: Cost()}
    for owner, told in given.items():
        at = ("strategies", owner)
        if owner != DEFAULT and owner not in owners:
            raise BadInput(document.fault(at, f"there is no such company{nearest(owner, (*owners, DEFAULT))}"))
        data = {"kind": told} if isinstance(told, str) else told
        if not isinstance(data, dict):
            raise BadInput(document.fault(at, f"is {shown(told)}; expected a kind of strategy, or a mapping with one"))
        kind = data.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            inside = at if isinstance(told, str) or "kind" not in data else (*at, "kind")
            wrong = "has no kind" if "kind" not in data else f"{shown(kind)} is no strategy"
            raise BadInput(document.fault(inside, wrong + nearest(kind, KINDS)))
        found[owner] = parsed(KINDS[kind], data, lambda inside, phrase, at=at: BadInput(
            document.fault((*at, *inside), phrase)))
        for zone in found[owner].zones or ():
            if zone not in zones:
                raise BadInput(document.fault((*at, "zones"), f"there is no zone {shown(zone)}{nearest(zone, zones)}"))
    return found
