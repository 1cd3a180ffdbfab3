"""Bidding: what companies add to their cost in the spot, and how they learn it.

A strategy serves one company in one zone. It has two verbs: `markup` says what to add in every hour of a day, as a
ratio of cost; `hear` tells it what its plants gave and what the prices were. All of it rests on what the company may
know: its own plants and awards, and prices, loads and forecasts that everybody sees.

*Source*: modified Roth-Erev learning [Nicolaisen2001, RothErev1995]; Q-learning [Watkins1992]; best response against
residual demand and what contract cover does to it [AllazVila1993, Wolak2000].
"""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.config import strategies as told
from sim.units import HOURS, MW, CNYPerMWh, Ratio

if TYPE_CHECKING:
    from sim.calendar import Day
    from sim.streams import Stream

REMEMBERED = 28  # days of tightness that say what is tight
ALIKE = 1e-6  # CNY an hour; markups that earn so nearly the same are equally good


@dataclass(frozen=True)
class Stand:
    """Where a company stands in a zone on the morning of a day.

    cost: CNY/MWh [plant], what a MWh more is worth to it: fuel, or water kept.  least, able: MW [plant, hour], what
    its plants must and can give.  cover: MW [hour], sold ahead by these plants.  need: MW [hour], the zone's load less
    what plants without cost could give, whoever owns them.  tightness: ratio [hour], load over what the zone's plants
    and corridors could bring.
    """

    day: "Day"
    cost: np.ndarray
    least: np.ndarray
    able: np.ndarray
    cover: np.ndarray
    need: np.ndarray
    tightness: np.ndarray

    @property
    def free(self) -> np.ndarray:
        """MW [hour] that its own plants without cost give."""
        return self.able[self.cost <= 0].sum(axis=0)


@dataclass(frozen=True)
class Heard:
    """What a company heard of a day in a zone.

    output: MW, price: CNY/MWh at its bus [plant, hour], zone_price: CNY/MWh [hour], all of the day's first clearing, a
    day ahead where there is one.  later: CNY [hour], earned in real time by leaving that schedule, net of cost.
    """

    output: np.ndarray
    price: np.ndarray
    zone_price: np.ndarray
    later: np.ndarray


class Strategy:
    """How a company bids in a zone: here, at cost. number: tells its draws from those in other zones."""

    def __init__(self, played: told.Strategy, stream: "Stream", number: int):
        self.played, self.stream, self.number = played, stream, number

    def markup(self, stand: Stand) -> np.ndarray:
        """What it adds to cost, ratio [hour]; asked twice of one stand it says the same."""
        return np.zeros(HOURS)

    def hear(self, stand: Stand, heard: Heard):
        """Learn of a day."""

    def _draws(self, day: "Day", kind: int, count: int) -> np.ndarray:
        """Uniform draws [count] of a day; kind tells one use from another."""
        return self.stream.uniforms((2 * self.number + kind) * HOURS + np.arange(count), day.ordinal)


class Fixed(Strategy):
    """The same markup always."""

    def markup(self, stand: Stand) -> np.ndarray:
        """The ratio told."""
        return np.full(HOURS, self.played.ratio)


class Propensities:
    """Modified Roth-Erev reinforcement of one choice among several.

    q_j <- (1 - r) q_j + E_j with E = R (1 - e) for the choice made and q_j e / (M - 1) for each other: who tries
    others does so in proportion to what they were worth. Before a profit above 0 was heard all choices are alike; the
    first sets all propensities to strength x profit / M. What is lost counts as 0: propensities are not negative.

    A cold choice by exp(q / C) settles on what first earned well, good or best.

    Source: [Nicolaisen2001]; choice by exp(q / C) as in later work of the same group.
    """

    def __init__(self, choices: int, forgetting: float, experiment: float, strength: float, temperature: float):
        self.forgetting, self.experiment = forgetting, experiment
        self.strength, self.temperature = strength, temperature
        self.propensity = np.zeros(choices)

    def chances(self) -> np.ndarray:
        """Probability of each choice [choice]."""
        mean = self.propensity.mean()
        if mean <= 0:
            return np.full(len(self.propensity), 1 / len(self.propensity))
        if self.temperature == 0:
            return self.propensity / self.propensity.sum()
        odds = np.exp((self.propensity - self.propensity.max()) / (self.temperature * mean))
        return odds / odds.sum()

    def choose(self, draw: float) -> int:
        """The choice that a uniform draw picks."""
        upto = np.cumsum(self.chances())
        return min(int(np.searchsorted(upto, draw * upto[-1], side="right")), len(upto) - 1)

    def reward(self, chosen: int, profit: float):
        """Learn what a choice brought."""
        profit, many = max(profit, 0.0), len(self.propensity)
        if not self.propensity.any():
            self.propensity[:] = self.strength * profit / many
        gain = self.propensity * self.experiment / (many - 1)
        gain[chosen] = profit * (1 - self.experiment)
        self.propensity = (1 - self.forgetting) * self.propensity + gain


class RothErev(Strategy):
    """One markup a day, drawn by propensities that the day's profit reinforces."""

    def __init__(self, played: told.RothErev, stream: "Stream", number: int):
        super().__init__(played, stream, number)
        self.menu = np.linspace(0, played.most, played.choices)
        self.propensities = Propensities(played.choices, played.forgetting, played.experiment, played.strength,
                                         played.temperature)
        self.contract = Contract()

    def _choice(self, day: "Day") -> int:
        return self.propensities.choose(self._draws(day, 0, 1)[0])

    def markup(self, stand: Stand) -> np.ndarray:
        """The day's draw."""
        return np.full(HOURS, self.menu[self._choice(stand.day)])

    def hear(self, stand: Stand, heard: Heard):
        """The day's profit reinforces the day's choice."""
        earned = profit(stand, heard, self.contract.difference(heard.zone_price)).sum()
        self.propensities.reward(self._choice(stand.day), earned)


class QLearning(Strategy):
    """A markup an hour, the one thought worth most in the hour's state, or now and then any.

    The state is the season and how tight the hour is among those of the last four weeks. Q <- Q + a (R + g max Q' - Q)
    with R the hour's profit a MW that it could give and Q' the state an hour later (in a day's last hour: its own).
    What a state first earns is what it thinks of all choices in it.
    """

    def __init__(self, played: told.QLearning, stream: "Stream", number: int):
        super().__init__(played, stream, number)
        self.menu = np.linspace(0, played.most, played.choices)
        self.worth = np.full((2 * played.levels, played.choices), np.nan)  # [season and level, choice]
        self.tightness: deque[np.ndarray] = deque(maxlen=REMEMBERED)
        self.contract, self.lived = Contract(), 0

    def _states(self, stand: Stand) -> np.ndarray:
        """State of each hour [hour]."""
        known = np.concatenate([*self.tightness, stand.tightness])
        edges = np.quantile(known, np.arange(1, self.played.levels) / self.played.levels)
        return stand.day.wet * self.played.levels + np.searchsorted(edges, stand.tightness)

    def _choices(self, stand: Stand) -> np.ndarray:
        """Choice of each hour [hour]."""
        played, worth = self.played, np.nan_to_num(self.worth)[self._states(stand)]
        fallen = np.exp(-self.lived / played.cooling)
        share = played.explore_last + (played.explore_first - played.explore_last) * fallen
        tries = self._draws(stand.day, 0, HOURS) < share
        anything = (self._draws(stand.day, 1, HOURS) * played.choices).astype(int)
        return np.where(tries, anything, worth.argmax(axis=1))

    def markup(self, stand: Stand) -> np.ndarray:
        """The hours' choices."""
        return self.menu[self._choices(stand)]

    def hear(self, stand: Stand, heard: Heard):
        """Hour by hour, what the choice brought and where it led."""
        states, choices = self._states(stand), self._choices(stand)
        able = np.maximum(stand.able.sum(axis=0), 1e-9)
        earned = profit(stand, heard, self.contract.difference(heard.zone_price)) / able
        for hour, (state, chosen) in enumerate(zip(states, choices)):
            if np.isnan(self.worth[state, 0]):
                self.worth[state] = earned[hour] / (1 - self.played.discount)
            later = self.worth[states[min(hour + 1, HOURS - 1)]]
            ahead = earned[hour] + self.played.discount * np.nan_to_num(later).max()
            self.worth[state, chosen] += self.played.rate * (ahead - self.worth[state, chosen])
        self.tightness.append(stand.tightness)
        self.lived += 1


class BestResponse(Strategy):
    """The markup an hour that would earn most if others did again what they did on the last days at every price.

    What others gave is the need less what its own plants with a cost gave; sorted by price and made to rise with it,
    that is the others' supply, imports included. Residual demand at a price is today's need less that supply. It weighs
    its markups against it and moves part of the way to the best. Prices far above the dearest seen are not dared: what
    others would do there nobody has seen.
    """

    def __init__(self, played: told.BestResponse, stream: "Stream", number: int):
        super().__init__(played, stream, number)
        self.menu = np.linspace(0, played.most, played.choices)
        self.seen: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=played.days)  # (others MW, price) [hour]
        self.offered = np.zeros(HOURS)
        self.said: tuple[Stand, np.ndarray] | None = None

    def markup(self, stand: Stand) -> np.ndarray:
        """Part of the way from yesterday's markups to the best ones, ratio [hour]."""
        if self.said is not None and self.said[0] is stand:
            return self.said[1]
        self.said = stand, self._moved(stand)
        return self.said[1]

    def _moved(self, stand: Stand) -> np.ndarray:
        if not self.seen:
            return self.offered
        others, price = (np.concatenate(column) for column in zip(*self.seen))
        order = np.argsort(price, kind="stable")
        curve = price[order], rising(others[order])
        best = best_markups(self.menu, stand, curve, self.played.reach)
        return self.offered + self.played.weight * (best - self.offered)

    def hear(self, stand: Stand, heard: Heard):
        """Remember what others gave at the hour's price, and what it offered itself."""
        self.offered = self.markup(stand)
        given = np.maximum(heard.output[stand.cost > 0], 0.0).sum(axis=0)
        self.seen.append((stand.need - given, heard.zone_price))


class Contract:
    """What the energy sold ahead is taken to be sold at: the mean price heard so far. No choice changes it; it keeps
    what a day's cover wins or loses near 0, so that learners see their choices and not the level of prices."""

    def __init__(self):
        self.price: CNYPerMWh = 0.0
        self.days = 0

    def difference(self, zone_price: np.ndarray) -> np.ndarray:
        """Contract's price less the market's, CNY/MWh [hour], the day's own prices counted."""
        self.days += 1
        self.price += (zone_price.mean() - self.price) / self.days
        return self.price - zone_price


def profit(stand: Stand, heard: Heard, difference: np.ndarray) -> np.ndarray:
    """CNY [hour]: output x (price - cost), what real time added, and on what was sold ahead the contract's difference.

    difference: CNY/MWh [hour], contract price less the market's.
    """
    return (heard.output * (heard.price - stand.cost[:, None])).sum(axis=0) + heard.later + stand.cover * difference


def rising(values: np.ndarray) -> np.ndarray:
    """The nearest sequence, in least squares, that never falls: neighbours that fall are pooled to their mean.

    Source: pool-adjacent-violators [Barlow1972].
    """
    mean, many = [], []
    for value in values:
        mean.append(float(value))
        many.append(1)
        while len(mean) > 1 and mean[-2] > mean[-1]:
            top, count = mean.pop(), many.pop()
            mean[-1] = (mean[-1] * many[-1] + top * count) / (many[-1] + count)
            many[-1] += count
    return np.repeat(mean, many)


def best_markups(menu: np.ndarray, stand: Stand, curve: tuple[np.ndarray, np.ndarray], reach: Ratio) -> np.ndarray:
    """The markup of the menu that earns most in each hour, ratio [hour]; among equals the least.

    curve: prices (ascending) and what others give at each, MW; between them it is straight.  reach: how far above the
    dearest price it is followed, with the slope from the least to the dearest; below the least it is constant.
    For each markup the price is the lowest at which own offers and others' supply meet the need, the dearest there is
    where they never do. Earned is price x (output - cover) - cost of the output: energy sold ahead gains nothing from a
    dearer hour.
    """
    costly = np.flatnonzero(stand.cost > 0)
    if not len(costly):
        return np.zeros(HOURS)
    costly = costly[np.argsort(stand.cost[costly], kind="stable")]
    cost, top = stand.cost[costly], curve[0][-1] + reach * abs(curve[0][-1])
    curve = followed(curve, top)
    offers = cost * (1 + menu[:, None])
    seen = np.broadcast_to(curve[0], (len(menu), len(curve[0])))
    prices = np.sort(np.concatenate([np.minimum(offers, top), seen], axis=1), axis=1)
    others = np.interp(prices, *curve)
    called = np.array([np.searchsorted(row, at, side="right") for row, at in zip(offers, prices)])  # plants in merit
    best = np.zeros(HOURS)
    for hour in range(HOURS):
        earned = _earned(stand, hour, costly, prices, others, called)
        best[hour] = menu[np.argmax(earned >= earned.max() - ALIKE)]
    return best


def followed(curve: tuple[np.ndarray, np.ndarray], top: CNYPerMWh) -> tuple[np.ndarray, np.ndarray]:
    """A curve led on to a price above its last, with its mean slope; level where it holds one price only."""
    price, given = curve
    slope = (given[-1] - given[0]) / (price[-1] - price[0]) if price[-1] > price[0] else 0.0
    return np.append(price, top), np.append(given, given[-1] + slope * (top - price[-1]))


def _earned(stand: Stand, hour: int, costly: np.ndarray, prices: np.ndarray, others: np.ndarray,
            called: np.ndarray) -> np.ndarray:
    """What an hour would earn under each markup, CNY [markup].

    costly: plants with a cost, cheapest first.  prices: CNY/MWh, others: MW, called: plants whose offers do not exceed
    the price [markup, price].
    """
    least = np.minimum(stand.least[costly, hour], stand.able[costly, hour])
    spare = np.r_[0.0, np.cumsum(stand.able[costly, hour] - least)]
    own: MW = least.sum() + spare[called]
    met = own + others >= stand.need[hour] - 1e-9
    at = np.where(met.any(axis=1), met.argmax(axis=1), prices.shape[1] - 1)
    row, before = np.arange(len(prices)), np.maximum(at - 1, 0)
    price, theirs, short = prices[row, at], others[row, at], stand.need[hour] - own[row, before]
    rise = theirs - others[row, before]  # of others over the last interval, in which own offers stand still
    inside = (at > 0) & (rise > 0) & (theirs >= short) & met[row, at]
    share = np.divide(theirs - short, rise, out=np.zeros_like(price), where=inside)
    price = price - share * (price - prices[row, before])
    given = np.clip(stand.need[hour] - np.where(inside, short, theirs), least.sum(), own[row, at])
    spent = np.r_[0.0, np.cumsum(np.diff(spare) * stand.cost[costly])]
    cost = (least * stand.cost[costly]).sum() + np.interp(given - least.sum(), spare, spent)
    return price * (given + stand.free[hour] - stand.cover[hour]) - cost


PLAYERS = {told.Cost: Strategy, told.Markup: Fixed, told.RothErev: RothErev, told.QLearning: QLearning,
           told.BestResponse: BestResponse}


def player(played: told.Strategy, stream: "Stream", number: int) -> Strategy:
    """The strategy that a scenario asks for.  number: of the zone it is played in."""
    return PLAYERS[type(played)](played, stream, number)
