"""Reserve in the day's programme: awards, what is lacking, and the rows by which no MW is sold twice.

A unit gives energy and holds reserve back out of one capacity. For every unit that may sell reserve, and every hour:

    up        output + everything it holds              <= highest
    down      output - what must work both ways         >= lowest
    spinning  everything it holds - spin x output       <= 0        (units that must run to sell)
    empty     stored - sum of duration x held / discharge efficiency  >= 0       (stores; level at the hour's end)
    full      stored + sum of duration x held both ways x charge efficiency <= what it can store    (stores)

Output is net of what a store takes, so charging that can be stopped counts as headroom. The level at the hour's end
holds the schedule already: what a call for the product's duration takes on top of it must still be there.

Source: joint optimisation of energy and reserves and its opportunity cost [Hogan2013].
"""

import numpy as np
from scipy import sparse

from sim.engines.records import Day, Fleet


class Holding:
    """Who sells which reserve: positions of awards and of the rows that tie them to output and store.

    product, unit: int [award].  both: bool [award], works both ways.  sellers: int [n], units that sell anything.
    runners: int [n], sellers that must run.  stores: int [n], sellers that are stores.
    """

    def __init__(self, fleet: Fleet, stores: np.ndarray):
        """stores: int [store], the units whose levels have columns, in the columns' order."""
        self.fleet, units = fleet, len(fleet.bus)
        products = fleet.products
        eligible = np.zeros((0, units), bool) if products is None else np.asarray(products.eligible, bool)
        self.shape = eligible.shape
        self.product, self.unit = np.nonzero(eligible)
        self.groups = 0 if products is None else products.groups
        self.sellers = np.flatnonzero(eligible.any(axis=0))
        self.both = np.zeros(0, bool) if products is None else np.asarray(products.both, bool)[self.product]
        spin = np.full(units, np.inf) if products is None else np.asarray(products.spin, float)
        self.runners = self.sellers[np.isfinite(spin[self.sellers])]
        self.stores = np.intersect1d(self.sellers, stores)
        self._level = np.searchsorted(stores, self.stores)

    @property
    def awards(self) -> int:
        """Columns of awards in an hour."""
        return len(self.unit)

    @property
    def lacking(self) -> int:
        """Requirements of an hour: product by product, groups within."""
        return self.shape[0] * self.groups

    def counted(self, award: slice, lacking: slice, columns: int) -> sparse.csr_array:
        """[product and group, column]: what columns count towards each requirement."""
        if not self.lacking:
            return sparse.csr_array((0, columns))
        products = self.fleet.products
        row = self.product * self.groups + np.asarray(products.group)[self.unit]
        worth = np.asarray(products.worth, float)[self.product, self.unit]
        return sparse.csr_array(
            (np.concatenate([worth, np.ones(self.lacking)]),
             (np.concatenate([row, np.arange(self.lacking)]),
              np.concatenate([award.start + np.arange(self.awards), lacking.start + np.arange(self.lacking)]))),
            shape=(self.lacking, columns))

    def rows(self, output: sparse.csr_array, stored: slice, award: slice) -> sparse.csr_array:
        """The rows up, down, spinning, empty and full over the columns. output: [unit, column]."""
        columns = output.shape[1]
        if not self.awards:
            return sparse.csr_array((0, columns))
        fleet, products, ones = self.fleet, self.fleet.products, np.ones(self.awards)
        last = np.asarray(products.duration, float)[self.product]

        def held(weight):  # [unit, column]
            return sparse.csr_array((weight, (self.unit, award.start + np.arange(self.awards))),
                                    shape=(self.shape[1], columns))

        count = np.arange(len(self.stores))
        level = sparse.csr_array((np.ones(len(count)), (count, stored.start + self._level)),
                                 shape=(len(count), columns))
        spin = sparse.diags_array(np.asarray(products.spin, float)[self.runners])
        out, into = fleet.discharge_efficiency[self.unit], fleet.charge_efficiency[self.unit]
        return sparse.csr_array(sparse.vstack([
            (output + held(ones))[self.sellers],
            (output - held(ones * self.both))[self.sellers],
            held(ones)[self.runners] - spin @ output[self.runners],
            level - held(last / out)[self.stores],
            level + held(last * into * self.both)[self.stores]], format="csr"))

    def sides(self, day: Day, hours: int) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper sides of the rows, [row, hour]; nothing binds on a day that asks for no reserve."""
        sellers, runners, stores = map(len, (self.sellers, self.runners, self.stores))
        shape = (2 * sellers + runners + 2 * stores, hours)
        lower, upper = np.full(shape, -np.inf), np.full(shape, np.inf)
        if day.reserve is None or not self.awards:
            return lower, upper
        marks = np.cumsum([0, sellers, sellers, runners, stores, stores])
        up, down, spinning, empty, full = map(slice, marks[:-1], marks[1:])
        upper[up], lower[down] = day.reserve.highest[self.sellers], day.reserve.lowest[self.sellers]
        upper[spinning], lower[empty] = 0.0, 0.0
        upper[full] = self.fleet.store[self.stores][:, None]
        return lower, upper

    def check(self, day: Day):
        """Refuse a day's reserve that no clearing can honour. Raises: ValueError."""
        reserve = day.reserve
        if reserve is None:
            return
        if not self.shape[0]:
            raise ValueError("reserve is asked of a fleet without products")
        if reserve.requirement.shape[:2] != (self.shape[0], self.groups):
            raise ValueError(f"requirements of {reserve.requirement.shape[:2]} products and groups where the fleet has "
                             f"{(self.shape[0], self.groups)}")
        for name in ("requirement", "shortage", "price", "most"):
            values = getattr(reserve, name)
            if not (np.isfinite(values).all() and (values >= 0).all()):
                raise ValueError(f"the reserve's {name} must be finite and not negative")
        least = np.where(self.fleet.store[:, None] > 0, 0.0, day.minimum)
        wrong = (reserve.highest < least - 1e-6) | (reserve.lowest > least + 1e-6)
        if wrong[self.sellers].any():
            unit = self.sellers[np.flatnonzero(wrong[self.sellers].any(axis=1))[0]]
            raise ValueError(f"unit {unit} sells reserve between {reserve.lowest[unit].max():g} and "
                             f"{reserve.highest[unit].min():g} MW, which leaves out its must-run level")

    def spread(self, awarded: np.ndarray) -> np.ndarray:
        """Awards [award, hour] by product and unit, MW [product, unit, hour]."""
        whole = np.zeros((*self.shape, awarded.shape[1]))
        whole[self.product, self.unit] = np.maximum(awarded, 0.0)
        return whole
