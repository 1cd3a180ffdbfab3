"""Retailers: what they ask for packages, how much of their users' energy they hold in contracts, who comes and goes."""

from typing import TYPE_CHECKING

import numpy as np

from agents import cover
from agents.base import Population
from sim.messages import BUY, Orders
from sim.network.retail_classes import Selling
from sim.packages import CAPPED, FIXED, KINDS, MIXED, SPREAD_SHARE, TIME_OF_USE, Terms
from sim.retail import DEFAULT
from sim.units import CNY, Flag, Index, Ratio, Rows, to_fen

if TYPE_CHECKING:
    from agents.users import Users
    from sim.facts import Facts
    from sim.streams import Stream

CONTRACTS = "contracts"
RHYTHMS = ("year", "month")
MARGIN, COVER, TURN = 1, 2, 4  # dates within a month's draws
SKILL = 3  # a date before any month's
DRAWS = 8


class Retailers(Population):
    """Every retailer that there is or may be; row 0 is the default supplier, who asks what the law says.

    *Decides* each month its margin and how much of its users' energy to hold in contracts, by what each choice has
    earned (the mean of late rewards, softmax): margins by the business they wrote, covers by what the month left over,
    a loss counting more than a gain by its caution. Asks for a fixed price a premium on what it does not cover. Buys
    contracts of a year and of a month for its users. Who is not there enters when a retailer's mean profit passes what
    opening costs.

    active: trades.  capital: CNY, liquid, that its owners put in.  caution: weight of a
    loss.  margin, cover: positions in what it learns among.
    equity: fen [retailer], what it has.  shares: of each row's energy that each serves [retailer, row].

    *Source*: learning of values without states [Watkins1992]; margins of 3 to 8 CNY/MWh [assumption].
    """

    active: Rows[Flag]
    capital: Rows[CNY]
    caution: Rows[Ratio]
    margin: Rows[Index]
    cover: Rows[Index]

    def __init__(self, model, *, count: int, selling: Selling, rows: np.ndarray, users: "Users", trading,
                 stream: "Stream", capital: float):
        """count: with the default supplier, 0 for none.  rows: user rows served.  capital: CNY, the law's least."""
        from scipy.special import ndtri

        super().__init__(model, "retailers", count)
        self.selling, self._stream, self.rows, self._users, self._trading = selling, stream, rows, users, trading
        self.margins, self.covers = np.array(selling.margins), np.array(selling.covers)
        who = np.arange(count)
        self.active[:] = who <= selling.standing
        self.capital[:] = capital * selling.liquid * np.exp(
            selling.capital_sigma * np.abs(ndtri(stream.uniforms(who, 1))) if count else 0.0)
        self.caution[:] = selling.caution * np.exp(
            selling.caution_sigma * ndtri(stream.uniforms(who, 2)) if count else 0.0)
        self.equity = np.zeros(count, np.int64)  # fen
        self._likes = {MARGIN: np.ones((count, len(self.margins))), COVER: np.ones((count, len(self.covers)))}
        self.shares = np.zeros((count, len(rows)))  # of each row's energy that each serves
        self.spoken: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def decide(self, month: int):
        """Choose this month's margin and cover."""
        who = np.arange(len(self))
        for which, column in ((MARGIN, self.margin), (COVER, self.cover)):
            likes = self._likes[which]
            weight = np.exp(self.selling.greed * (likes - likes.max(axis=1, keepdims=True)))
            reached = np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)
            column[:] = (self._stream.uniforms(who, month * DRAWS + which)[:, None] > reached).sum(axis=1)

    def reinforce(self, which: int, reward: np.ndarray, who: np.ndarray):
        """Let retailers (bool [retailer]) expect of what they chose a little more of what it brought; mean 1."""
        likes, chosen = self._likes[which], self.margin if which == MARGIN else self.cover
        at = np.flatnonzero(who), chosen[who]
        likes[at] += self.selling.learning * (reward[who] - likes[at])

    def watch(self, reward: np.ndarray, who: np.ndarray):
        """Let everybody learn what each margin brought those (bool [retailer]) who asked it: their mean reward."""
        asked = np.bincount(self.margin[who], minlength=len(self.margins))
        mean = np.bincount(self.margin[who], reward[who], len(self.margins)) / np.maximum(asked, 1)
        likes = self._likes[MARGIN]
        likes += self.selling.learning * np.where(asked > 0, mean - likes, 0.0)

    def terms(self, expected: np.ndarray, spread: np.ndarray, terms: Terms,
              dearest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What each asks: level CNY/MWh [retailer, kind, zone] and fee CNY/MWh [retailer, kind].

        expected: CNY/MWh [zone], mean wholesale price over the term; spread: its standard deviation, likewise.
        dearest: multiple of it at which nobody's profile makes the package by time of use a loss [zone].
        """
        margin, held = self.margins[self.margin], self.covers[self.cover]
        premium = self.selling.aversion * self.caution[:, None] * (1 - held)[:, None] * spread
        level = np.repeat((expected + margin[:, None])[:, None], len(KINDS), axis=1)
        level[:, TIME_OF_USE] += expected * (dearest - 1)
        level[:, [FIXED, TIME_OF_USE, MIXED]] += premium[:, None]
        level[:, SPREAD_SHARE] = expected + (margin / max(1 - terms.share, 0.05))[:, None]
        fee = np.repeat(margin[:, None], len(KINDS), axis=1)
        fee[:, CAPPED] += 0.25 * premium.mean(axis=1)
        return level, fee

    def bids(self, scene, prospect) -> Orders:
        """Bids for contracts, a row of users and a retailer each, at what users would bid themselves."""
        users, party = self._users, (self.rows + len(scene.grid.units)).astype(np.int32)
        use = users.expected[:, self.rows] * users.registered[self.rows][:, None]
        zone = scene.grid.bus_zone[scene.positions.bus[party]]
        price = cover.expected_price(scene, prospect)[zone] * (1 + self._trading.risk)
        wanted = self.covers[self.cover].copy()
        wanted[DEFAULT] = scene.rules.cover
        if scene.rhythm == "year":
            wanted = np.minimum(wanted, scene.rules.cover_year)
            volume = (wanted[:, None] * self.shares)[..., None] * use.mean(axis=0)
        else:
            month = scene.now.date.month - 1
            volume = (wanted[:, None] * self.shares)[..., None] * use[month]
            held = self._sold(scene.earlier.get((CONTRACTS, "year")), scene.now, month, len(scene.grid.units))
            volume = np.maximum(volume - held, 0.0)
        who, row = np.nonzero((volume.mean(axis=2) > 1e-6) & np.isfinite(price))
        volume, price, unit = volume[who, row], price[row], party[row]
        order = np.lexsort((volume.sum(axis=1), price, unit))
        self.spoken[scene.rhythm] = who[order], row[order]
        return Orders.buy(unit[order], volume[order], price[order])

    def orders(self, market, scene) -> Orders:
        """Contracts for their users; silent elsewhere."""
        if market.key != CONTRACTS or not len(self):
            return Orders.none()
        return self.bids(scene, self._users.prospect)

    def _mine(self, trade, units: int) -> np.ndarray:
        """Positions of our orders among a trade's, as spoken. Raises: ValueError where somebody else spoke for them."""
        orders = trade.orders
        mine = np.flatnonzero((orders.side == BUY) & np.isin(orders.unit, self.rows + units))
        if len(mine) != len(self.spoken[trade.rhythm][0]):
            raise ValueError(f"{len(mine)} bids for users of retailers, who made {len(self.spoken[trade.rhythm][0])}")
        return mine

    def _sold(self, trade, now, month: int, units: int) -> np.ndarray:
        """MW [retailer, row, hour] that a year's contracts bring each this month."""
        held = np.zeros((len(self), len(self.rows), 24))
        if trade is not None and "year" in self.spoken and trade.day.date.year == now.date.year:
            mine = self._mine(trade, units)
            who, row = self.spoken["year"]
            np.add.at(held, (who, row), trade.accepted[mine] * trade.months[mine, month, None])
        return held

    def ahead(self, facts: "Facts") -> tuple[np.ndarray, np.ndarray]:
        """What each holds in contracts for each row this month: MWh and CNY, both [retailer, row]."""
        energy, value = np.zeros((2, len(self), len(self.rows)))
        for rhythm in RHYTHMS:
            trade = facts.trades.get((CONTRACTS, rhythm))
            current = trade is not None and rhythm in self.spoken and (
                trade.day.month == facts.month if rhythm == "month" else trade.day.date.year == facts.month.year)
            if current:
                mine = self._mine(trade, len(facts.grid.units))
                power = trade.accepted[mine] * trade.months[mine, facts.month.month - 1, None] * facts.days
                np.add.at(energy, self.spoken[rhythm], power.sum(axis=1))
                np.add.at(value, self.spoken[rhythm], (power * trade.price[mine]).sum(axis=1))
        return energy, value

    def admit(self, month: int, may: np.ndarray, profit: float, setup: float, seats: int) -> np.ndarray:
        """Who enters, int [newcomer]: those who may (bool [retailer]), up to so many, if what each expects to earn in a
        year, the mean profit of those there times its own skill, passes what opening costs (CNY)."""
        who = np.flatnonzero(may & ~self.active)
        skill = -np.log(self._stream.uniforms(who, SKILL))  # exponential, mean 1
        willing = who[profit * skill > setup]
        turn = np.argsort(self._stream.uniforms(willing, month * DRAWS + TURN), kind="stable")
        new = np.sort(willing[turn[:seats]])
        self.active[new] = True
        for likes in self._likes.values():  # they know what those do who are there
            others = self.active.copy()
            others[new] = others[DEFAULT] = False
            if others.any():
                likes[new] = likes[others].mean(axis=0)
        return new

    def capital_fen(self, who) -> np.ndarray:
        """What owners of retailers put in, fen [who]."""
        return to_fen(np.asarray(self.capital[who], float))
