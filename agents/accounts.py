"""Accounts: every user who can choose a retailer. A population: columns, no objects."""

from typing import TYPE_CHECKING

import numpy as np

from agents import accounts_kernels as kernels
from agents.base import Population
from sim.config import Table
from sim.network.retail_classes import Choosing
from sim.units import CNY, Count, Flag, Identity, Index, Months, MWh, Rows, Share, SignedRatio

if TYPE_CHECKING:
    from sim.retail import RetailRules
    from sim.streams import Stream

MOST_SEEN = 62  # draws of one account and month have 64 addresses


class Accounts(Population):
    """Every account that may buy at retail.

    *Decides*, when it is with the default supplier or its contract ends, whether to look for offers; which of those it
    sees to sign, comparing expected prices for its own profile, risk, green, its retailer's grade and its own inertia;
    and, before the first, whether what it would save passes what trading costs it. Who does not look when his contract
    ends stays with his retailer at what that asks now.

    row: position in `rows`, the user rows that are served at retail.  profile: when it uses energy.  group: row and
    profile in one number.  yearly: MWh a year.  entry: CNY a year.  reluctance: logit, what keeps it from searching.
    taste: for green, 0 to 1.  contract: slot in the table of contracts, 0 with the default supplier.  left: months.
    fallen: its retailer failed.  entered: it has signed once.  weight: accounts a row stands for.

    *Source*: two stages, search and a logit with inertia [Hortacsu2017, Giulietti2005]; entry when the gain passes its
    cost; sizes lognormal [derived]; costs lognormal [assumption].
    """

    row: Rows[Index]
    profile: Rows[Index]
    group: Rows[Count]
    yearly: Rows[MWh]
    entry: Rows[CNY]
    reluctance: Rows[SignedRatio]
    taste: Rows[Share]
    contract: Rows[Count]
    left: Rows[Months]
    fallen: Rows[Flag]
    entered: Rows[Flag]
    identity: Rows[Identity]

    def __init__(self, model, *, count: int, classes: Table, choosing: Choosing, splits: Table, stream: "Stream",
                 entry_cost: float):
        """count: rows in all; classes: `retail_classes.csv`; splits: `load_split.csv`, whose rows are the user rows;
        entry_cost: CNY a year, the median that the law tells."""
        super().__init__(model, "accounts", count if len(classes) else 0)
        self.choosing, self._stream = choosing, stream
        served = list(classes["user_class"]) if len(classes) else []
        self.rows = np.array([i for i, row in enumerate(splits) if row.user_class in served], np.int64)
        if not len(self):
            self.rows = self.rows[:0]
        self.profiles = np.array(list(choosing.profiles.values()))
        self.identity[:] = np.arange(len(self))
        self.weight = np.zeros(len(self))
        if len(self):
            self._settle(classes, splits, entry_cost)

    @property
    def groups(self) -> int:
        """Number of pairs of row and profile."""
        return len(self.rows) * len(self.profiles)

    def _settle(self, classes: Table, splits: Table, entry_cost: float):
        """Give every account a class, a place and a size: one of each class and place at least."""
        from scipy.special import ndtri

        stream, n = self._stream, len(self)
        total = np.array([row.accounts for row in classes], float)
        share = np.zeros(len(self.rows))
        kind = np.array([list(classes["user_class"]).index(splits.rows[r].user_class) for r in self.rows])
        for at, r in enumerate(self.rows):
            share[at] = total[kind[at]] * splits.rows[r].share
        least = np.minimum(len(self.rows), n)
        ends = np.round(np.cumsum(share) / share.sum() * (n - least)).astype(int) + np.arange(1, len(self.rows) + 1)
        self.row[:] = np.searchsorted(ends[:-1], np.arange(n), side="right") if len(ends) > 1 else 0
        self.profile[:] = (stream.uniforms(self.identity, 1) * len(self.profiles)).astype(int)
        self.group[:] = self.row.astype(np.int32) * len(self.profiles) + self.profile
        of = kind[self.row]
        figures = {name: np.array([getattr(row, name) for row in classes])[of]
                   for name in ("median", "sigma", "cap", "entry_sigma")}
        drawn = ndtri(stream.uniforms(self.identity, 2))
        self.yearly[:] = np.minimum(figures["median"] * np.exp(figures["sigma"] * drawn), figures["cap"])
        self.entry[:] = entry_cost * np.exp(figures["entry_sigma"] * ndtri(stream.uniforms(self.identity, 3)))
        self.reluctance[:] = self.choosing.reluctance * ndtri(stream.uniforms(self.identity, 4))
        self.taste[:] = stream.uniforms(self.identity, 5)
        self.weight[:] = (share / np.bincount(self.row, minlength=len(self.rows)).clip(1))[self.row]

    def choose(self, month: int, shelf: "Shelf", rules: "RetailRules") -> tuple[int, int, int, int]:
        """Live a month of choice; gives how many searched, signed, renewed and entered."""
        with_it, how = rules.platform, self.choosing
        search = rules.search_with if with_it else rules.search_without
        due = 1 - (1 - search) ** rules.term
        clarity = rules.clarity_with if with_it else rules.clarity_without
        seen = min(rules.offers_with if with_it else rules.offers_without, MOST_SEEN)
        return kernels.choose(
            self._stream.key(month), self.identity.astype(np.uint64), self.group, self.yearly, self.entry,
            self.reluctance, self.taste, self.contract, self.left, self.fallen, self.entered, shelf.posted,
            shelf.owner, shelf.green, shelf.price, shelf.default_price, shelf.index, shelf.peers, shelf.first,
            len(shelf.owner), rules.term, _logit(search), _logit(due), seen, how.price * clarity, how.inertia,
            how.green, how.alarm, how.peers, rules.entry_factor if with_it else 1.0, rules.fallen_factor)

    def held(self, slots: int) -> np.ndarray:
        """MWh a year, of rows as they are, by contract and group [slot, group]."""
        return kernels.held(self.contract, self.group, self.yearly, slots, self.groups)

    def fall(self, slots: np.ndarray):
        """Contracts that end because their retailer failed (bool [slot]): their users are the default supplier's."""
        gone = slots[self.contract]
        self.contract[gone], self.left[gone], self.fallen[gone] = 0, 0, True


class Shelf:
    """What users find in a month. posted: int [posted], offers to sign.  owner: int, green: bool [offer].  price:
    CNY/MWh [group, offer].  default_price, index, peers: [group].  first: slot of the month's first offer."""

    def __init__(self, posted, owner, green, price, default_price, index, peers, first: int):
        self.posted, self.owner, self.green = posted, owner, green
        self.price, self.default_price, self.index, self.peers, self.first = price, default_price, index, peers, first


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))
