"""The green market: certificates of what was made, by vintage, and of what will be made, together with its energy."""

from datetime import date
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import model_validator

from sim.calendar import Month
from sim.certificates import BUNDLED, CLASSES, CURRENT, EARLIER, bundled, by_party, traded
from sim.config import Section, bounded
from sim.markets.base import Market
from sim.messages import BUY, SELL, Orders, Scene, Trade, Transfer
from sim.settlement import meters
from sim.settlement.owing import owed_parties, shared
from sim.units import CNYPerCertificate, Months, Share

if TYPE_CHECKING:
    from sim.facts import Facts


class Green(Market):
    """A uniform-price double auction a month for each class of certificates, in whole numbers.

    An order has three columns in place of hours: certificates made in the year of the month before (which count for
    that year's consumption), certificates of earlier years that still are valid, and those that the month which opens
    will make. The last are sold with the energy inside a zone, at a premium of the zone's own. The price lies in the
    middle of what the last orders taken and the first ones left out allow.

    *Source*: certificates are traded since they cover all renewables [GecRules2024]; the mid-point auction
    [Nicolaisen2001].
    """

    key = "green"
    rhythms = ("month",)
    closes_itself = True

    class Rules(Section):
        """What the law says of green certificates.

        validity: months until a certificate ends, that of its production included.  alternative: what an obliged user
        pays at most for one.  fee: what the transfer of one costs its seller.  existing_before: hydropower in service
        before it cannot trade its certificates; follows: to whom they go with the energy, for nothing: nobody (`no`),
        the users of its own zone (`zone`), or also those of the zones that its exports reach (`exports`).
        shared: part, by zone, of the certificates of wind and sun in service before `shared_before` that belongs to all
        users, because the energy is paid a price that the law sets.  subsidised: part of what else these plants make
        whose income is set off against a subsidy, so that nobody sells it.  bundled: most of its tradable output that a
        plant may sell ahead with its energy.  retirement: when users let what they hold stand against what they used.
        """

        validity: bounded(Months, ge=1)
        alternative: bounded(CNYPerCertificate, gt=0)
        fee: bounded(CNYPerCertificate, ge=0)
        existing_before: date
        follows: Literal["no", "zone", "exports"]
        shared: dict[str, bounded(Share, ge=0, le=1)]
        subsidised: bounded(Share, ge=0, le=1)
        shared_before: date
        bundled: bounded(Share, ge=0, le=1)
        retirement: Literal["month", "year"]

        @model_validator(mode="after")
        def _somebody_can_buy(self):
            if self.fee > self.alternative:
                raise ValueError(f"fee {self.fee:g} is above alternative {self.alternative:g}; nobody would sell at "
                                 "what is paid at most; expected fee <= alternative")
            return self

        @model_validator(mode="after")
        def _valid_until_it_counts(self):
            if self.retirement == "year" and self.validity < 12:
                raise ValueError(f"validity {self.validity} months ends before the year whose consumption is accounted "
                                 "for; expected 12 or more with retirement year")
            return self

    def clear(self, orders: Orders, scene: Scene) -> Trade:
        """Trade the certificates there are and those that the month will make."""
        volume = np.floor(orders.volume + 1e-9).astype(np.int64)
        price, zone = whole_fen(orders), scene.certificates.zone[orders.unit]
        accepted, settled, public = np.zeros_like(volume), np.zeros_like(price), {}
        everybody = np.arange(len(orders))
        books = [("current", CURRENT, everybody), ("earlier", EARLIER, everybody)]
        books += [(f"bundled_{scene.grid.zone[z]}", BUNDLED, np.flatnonzero(zone == z)) for z in np.unique(zone)]
        for name, column, place in books:
            side, at, size = orders.side[place], price[place, column], volume[place, column]
            accepted[place, column], settled[place, column] = auction(side, at, size)
            public |= seen(name, size[side == SELL].sum(), at[side == BUY] / 100, size[side == BUY],
                           scene.rules.alternative)
        for name, column in CLASSES.items():
            sold = accepted[orders.side == SELL, column]
            public[f"volume_{name}"] = float(sold.sum())
            if sold.any():
                public[f"price_{name}"] = float((settled[orders.side == SELL, column] * sold).sum() / sold.sum() / 100)
        return Trade(market=self.key, rhythm="month", day=scene.now, orders=orders, accepted=accepted.astype(float),
                     events={}, price=settled / 100.0, months=None, sent=None, reference=None, public=public)

    def bill(self, month: Month, facts: "Facts", rules) -> list[Transfer]:
        """Buyers pay the exchange and it pays the sellers: for certificates what was sold, for those that come with
        energy what was delivered. It keeps nothing."""
        if (trade := traded(facts)) is None:
            return []
        sold = np.rint(trade.accepted).astype(np.int64) * meters.cents(trade.price)
        parties = len(facts.grid.units) + len(facts.user_bus)
        given, taken = by_party(trade.orders, sold[:, [CURRENT, EARLIER]].sum(axis=1), parties)
        bills = exchanged("green certificates", given, taken, facts)
        return bills + exchanged("green power premium", *premiums(trade, facts, rules), facts)


def whole_fen(orders: Orders) -> np.ndarray:
    """Fen, int64 [order, class]: offers rounded up and bids down, so that nobody does worse than his own price."""
    fen = orders.price * 100
    up = (orders.side == SELL)[:, None]
    return np.where(up, np.ceil(fen - 1e-6), np.floor(fen + 1e-6)).astype(np.int64)


def auction(side: np.ndarray, price: np.ndarray, volume: np.ndarray) -> tuple[np.ndarray, int]:
    """A uniform-price double auction in whole numbers: (accepted [order], price).

    price: fen, int64.  volume: int64.  As much is traded as finds both a seller and a buyer at one price. The orders at
    the margin share what is left in proportion. The price is the middle (rounded down) between the dearest order that
    must not be left out and the cheapest that must not be taken in. Without trade it is the least that is asked, else
    the most that is bid, else 0: nobody pays it.
    """
    sells, buys = (side == SELL) & (volume > 0), (side == BUY) & (volume > 0)
    accepted = np.zeros(len(volume), np.int64)
    levels = np.unique(price[sells | buys])
    supply = np.cumsum(at_levels(levels, price[sells], volume[sells]))
    demand = np.cumsum(at_levels(levels, price[buys], volume[buys])[::-1])[::-1]
    traded = int(np.minimum(supply, demand).max(initial=0))
    if not traded:
        return accepted, int(price[sells].min() if sells.any() else price[buys].max() if buys.any() else 0)
    last_ask, last_bid = levels[np.argmax(supply >= traded)], levels[np.flatnonzero(demand >= traded)[-1]]
    low, high = max([last_ask, *levels[demand > traded]]), min([last_bid, *levels[supply > traded]])
    for mine, inside, margin in ((sells, price < last_ask, last_ask), (buys, price > last_bid, last_bid)):
        accepted[mine & inside] = volume[mine & inside]
        edge = mine & (price == margin)
        accepted[edge] = shared(traded - int(accepted[mine & inside].sum()), volume[edge])
    return accepted, int((low + high) // 2)


def seen(name: str, offered: int, price: np.ndarray, volume: np.ndarray, alternative: float) -> dict[str, float]:
    """What everybody may see of a class: how many are offered and bid for (price: CNY, volume: [bid]), how many of
    these by users who are obliged and pay the alternative, and the mean that the others would pay."""
    obliged = price >= alternative
    free = volume * ~obliged
    figures = {"offered": offered, "bids": volume.sum(), "obliged": volume[obliged].sum(),
               "willingness": (price * free).sum() / free.sum() if free.any() else 0.0}
    return {f"{figure}_{name}": float(value) for figure, value in figures.items()}


def at_levels(levels: np.ndarray, price: np.ndarray, volume: np.ndarray) -> np.ndarray:
    """Volume of the orders at each level of price, int64 [level]; levels are sorted and hold every price."""
    total = np.zeros(len(levels), np.int64)
    np.add.at(total, np.searchsorted(levels, price), volume)
    return total


def premiums(trade: Trade, facts: "Facts", rules) -> tuple[np.ndarray, np.ndarray]:
    """Fen that each party receives and pays for certificates delivered with energy, int64 [party], each zone's at its
    price."""
    given, taken = bundled(trade, facts, rules)
    price = np.zeros(len(given), np.int64)
    price[trade.orders.unit] = meters.cents(trade.price)[:, BUNDLED]  # a party stands in one zone and has one price
    return given * price, taken * price


def exchanged(bill: str, given: np.ndarray, taken: np.ndarray, facts: "Facts") -> list[Transfer]:
    """Fen [party] to receive and to pay, through the account of the exchange."""
    return [transfer for amount in (-taken, given)
            for transfer in owed_parties(bill, amount, facts, payer="certificate_exchange")]
