"""The double auction: offers from the cheapest up meet bids from the dearest down, as far as they cross.

Source: [Chatterjee1983] for a price halfway between the two sides.
"""

from dataclasses import dataclass

import numpy as np

LEAST = 1e-9  # of the product's unit: less is no quantity


@dataclass(frozen=True)
class Crossing:
    """Where supply and demand cross. sold: [offer], bought: [bid], quantities.

    ask, bid: of the last pair that trades, nan where none does.  sell_value, buy_value: quantity x pair price of each
    offer and bid, where every pair settles halfway between its two prices.
    """

    sold: np.ndarray
    bought: np.ndarray
    ask: float
    bid: float
    sell_value: np.ndarray
    buy_value: np.ndarray

    @property
    def uniform(self) -> float:
        """One price for all: halfway between the last offer and the last bid that trade."""
        return (self.ask + self.bid) / 2


def cross(ask: np.ndarray, offered: np.ndarray, bid: np.ndarray, wanted: np.ndarray) -> Crossing:
    """Cross a book. ask, offered: price and quantity [offer]; bid, wanted: [bid].

    Equal prices on a side are one step and share what it trades in proportion to their quantities, so nobody is served
    before another by chance.
    """
    asks, offers, of_offer = _steps(ask, offered, 1.0)
    bids, wants, of_bid = _steps(bid, wanted, -1.0)
    ends = np.unique(np.concatenate([np.cumsum(offers), np.cumsum(wants)]))
    ends = ends[ends <= min(offers.sum(), wants.sum()) + LEAST]
    size = np.diff(ends, prepend=0.0)
    middle, size = (ends - size / 2)[size > LEAST], size[size > LEAST]
    seller = np.minimum(np.searchsorted(np.cumsum(offers), middle), max(len(offers) - 1, 0))
    buyer = np.minimum(np.searchsorted(np.cumsum(wants), middle), max(len(wants) - 1, 0))
    trades = asks[seller] <= bids[buyer]
    seller, buyer, size = seller[trades], buyer[trades], size[trades]
    worth = size * (asks[seller] + bids[buyer]) / 2
    sold, sell_value = (np.bincount(seller, of, len(offers)) for of in (size, worth))
    bought, buy_value = (np.bincount(buyer, of, len(wants)) for of in (size, worth))
    last = (asks[seller[-1]], bids[buyer[-1]]) if len(size) else (np.nan, np.nan)
    share, part = _shares(offered, offers, of_offer), _shares(wanted, wants, of_bid)
    return Crossing(sold[of_offer] * share, bought[of_bid] * part, *last, sell_value[of_offer] * share,
                    buy_value[of_bid] * part)


def _steps(price: np.ndarray, quantity: np.ndarray, sign: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A side's distinct prices, best first, their quantities, and the step of each order."""
    prices, step = np.unique(sign * np.asarray(price, float), return_inverse=True)
    return sign * prices, np.bincount(step, quantity, len(prices)), step


def _shares(quantity: np.ndarray, total: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Share of its step's quantity that each order has."""
    return np.divide(quantity, total[step], out=np.zeros(len(step)), where=total[step] > 0)
