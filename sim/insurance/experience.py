"""What a city's orders have cost the injury fund of late, and how far its premium follows it."""

import numpy as np

MONTHS = 12


class Experience:
    """Orders and claims of the last twelve closed months, by city; persons' weights applied.

    Every month of a city counts, insured or not: how dangerous its streets are does not depend on who pays.
    """

    def __init__(self, cities: int):
        self._orders, self._claims = np.zeros((2, MONTHS, cities), np.int64)

    def close(self, people):
        """Take down a month (`sim.messages.People`); the thirteenth last is forgotten."""
        for memory, column in ((self._orders, people.orders), (self._claims, people.claims)):
            memory[:-1] = memory[1:]
            memory[-1] = 0
            np.add.at(memory[-1], people.city, column.astype(np.int64) * people.weight)

    @property
    def orders(self) -> np.ndarray:
        """Orders [city]."""
        return self._orders.sum(axis=0)

    @property
    def claims(self) -> np.ndarray:
        """Fen [city]."""
        return self._claims.sum(axis=0)


def rating(orders: np.ndarray, claims: np.ndarray, rules) -> np.ndarray:
    """Multiple of the premium [city] after so many orders and fen of claims, within the law's band.

    rules: expected (CNY of claims an order), full (orders), band_low, band_high. Claims an order over what is expected
    are believed in full after `full` orders, after fewer as the root of their part: limited-fluctuation credibility
    [Mowbray1914]. Without orders, and with a band of 1, it is 1.
    """
    each = np.divide(claims / 100, orders, out=np.full(len(orders), float(rules.expected)), where=orders > 0)
    belief = np.sqrt(np.minimum(orders / rules.full, 1))
    return np.clip(1 + belief * (each / rules.expected - 1), rules.band_low, rules.band_high)
