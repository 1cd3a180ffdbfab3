"""The retail room's law, what is kept of its month, and its bills.

Retailers stand between users and the grid company: users pay packages instead of what their energy cost ahead and on
the spot, retailers pay that. Both run through the grid company, which closes at zero: its users' bills go to their
retailers, the retailers' purchases back to the user rows that were billed for them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import model_validator

from sim.config import Section, bounded
from sim.credit import FirmMonth
from sim.messages import Transfer
from sim.packages import KINDS, PERIODS, Terms
from sim.settlement import meters
from sim.settlement.energy import administered_price
from sim.settlement.owing import owed, shared
from sim.units import CNY, HOURS, CNYPerMWh, Count, Months, Ratio, Share

if TYPE_CHECKING:
    from sim.closed_month import ClosedMonth
    from sim.facts import Facts

ENERGY = ("spot energy", "day-ahead energy", "real-time deviation", "administered energy", "imbalance")
AHEAD = ("contract difference", "contract departure", "departures returned")
DEFAULT = 0  # row of the default supplier among the retailers


class RetailRules(Section):
    """Key `retail`: what the law and the exchange set for the retail market; in force, it needs accounts (scale.users).

    platform: whether packages are shown side by side on one public platform, with what was signed at which price.  Each
    pair below is with it and without: search_*: share of users who look for offers in a month.  offers_*: offers that
    who looks sees.  clarity_*: how clearly users tell offers apart, a multiple of their sensitivity to price. 
    entry_cost: median yuan a year that trading costs a user without it; entry_factor: multiple of it with the platform.
     setup: yuan that it costs to open a retailer; setup_factor: multiple of it with the platform.
    admissions: retailers admitted in a month, at most.  capital: a retailer's least assets.  term: of a package.
    mix, share, floor, cap, factors, peak_hours, valley_hours: the packages' frame, see `sim.packages.Terms`.
    default_fee: what the default supplier adds to the month's mean wholesale price.  fallen_factor: multiple of that
    price for users whose retailer failed, until they sign anew.
    """

    key: ClassVar[str] = "retail"

    platform: bool
    search_with: bounded(Share, gt=0, lt=1)
    search_without: bounded(Share, gt=0, lt=1)
    offers_with: bounded(Count, ge=1, le=1000)
    offers_without: bounded(Count, ge=1, le=1000)
    clarity_with: bounded(Ratio, gt=0)
    clarity_without: bounded(Ratio, gt=0)
    entry_cost: bounded(CNY, ge=0)
    entry_factor: bounded(Ratio, ge=0, le=1)
    setup: bounded(CNY, ge=0)
    setup_factor: bounded(Ratio, ge=0, le=1)
    admissions: bounded(Count, ge=0)
    capital: bounded(CNY, gt=0)
    term: bounded(Months, ge=1, le=36)
    mix: bounded(Share, ge=0, le=1)
    share: bounded(Share, ge=0, le=1)
    floor: bounded(Ratio, ge=0, le=1)
    cap: bounded(Ratio, ge=1)
    factors: list[bounded(Ratio, ge=0)]
    peak_hours: list[bounded(Count, ge=0, lt=HOURS)]
    valley_hours: list[bounded(Count, ge=0, lt=HOURS)]
    default_fee: bounded(CNYPerMWh, ge=0)
    fallen_factor: bounded(Ratio, ge=1)

    @model_validator(mode="after")
    def _platform_helps(self):
        if self.search_with < self.search_without:
            raise ValueError(f"search_with {self.search_with:g} is below search_without {self.search_without:g}; "
                             "expected a platform not to hide offers")
        if self.offers_with < self.offers_without:
            raise ValueError(f"offers_with {self.offers_with} is below offers_without {self.offers_without}; "
                             "expected a platform not to hide offers")
        return self

    @model_validator(mode="after")
    def _three_periods(self):
        if len(self.factors) != len(PERIODS):
            raise ValueError(f"factors has {len(self.factors)} values; expected one each for peak, flat and valley")
        both = sorted(set(self.peak_hours) & set(self.valley_hours))
        if both:
            raise ValueError(f"peak_hours and valley_hours share hour {both[0]}; expected an hour to be of one period")
        return self

    @property
    def terms(self) -> Terms:
        """The packages' frame."""
        return Terms(self.mix, self.share, self.floor, self.cap, np.array(self.factors, float))

    @property
    def period(self) -> np.ndarray:
        """Period of each hour of the day, int [24]."""
        found = np.ones(HOURS, np.intp)
        found[self.peak_hours], found[self.valley_hours] = 0, 2
        return found


@dataclass(frozen=True)
class Served:
    """What each account used in a month, and under which package: a row of the population stands for `accounts` alike.

    identity: int64, row: int, of the user rows, package: int, position in KINDS, -1 with the default supplier;
    accounts: how many a row stands for; energy: MWh of all of these, which sum to the user row's [account].
    """

    identity: np.ndarray
    row: np.ndarray
    package: np.ndarray
    accounts: np.ndarray
    energy: np.ndarray


@dataclass(frozen=True)
class RetailMonth:
    """A month of retail as bills and outcomes may see it. Rows are user rows (of the grid), retailers include the
    default supplier, row 0.

    row: int64 [row], the user rows that retailers serve.
    billed, bought: fen, int64 [retailer, row]: what users pay for packages, and what their energy cost ahead and on the
    spot.  costs, fees, capital, dividend, called, lost: fen, int64 [retailer]: of being there, of guarantees; paid in
    and out by owners; of who fails, what guarantors pay and what nobody pays.  equity: fen [retailer] after all of it.
    guarantee: fen [retailer] that stands.
    energy: MWh [retailer].  by_kind: MWh [kind] of packages.  accounts: number of accounts by state, see STATES.
    price, expected: CNY/MWh, mean price of packages, and what it was expected to be when they were signed, in this
    season.  default: CNY/MWh, mean price of the default supplier.
    offered: CNY/MWh [retailer], mean comparable price of posted offers, nan where none is posted.
    dispersion: CNY/MWh, standard deviation of it over retailers; signed: accounts (rows) that took
    another offer; below, paid_dispersion: CNY/MWh, mean and standard deviation of what it is to cost them less the mean
    of all offers to such users.
    cover: share of their users' energy that retailers hold in contracts, weighted by energy.
    standing: retailers that may sign; failed, suspended, expelled, admitted: retailers this month.
    grade: int [retailer], -1 where nobody is graded.  scores: points [retailer].
    served: what each account used.
    """

    row: np.ndarray
    billed: np.ndarray
    bought: np.ndarray
    costs: np.ndarray
    fees: np.ndarray
    capital: np.ndarray
    dividend: np.ndarray
    called: np.ndarray
    lost: np.ndarray
    equity: np.ndarray
    guarantee: np.ndarray
    energy: np.ndarray
    by_kind: np.ndarray
    accounts: np.ndarray
    price: float
    expected: float
    default: float
    offered: np.ndarray
    dispersion: float
    signed: int
    below: float
    paid_dispersion: float
    cover: float
    standing: int
    failed: int
    suspended: int
    expelled: int
    admitted: int
    grade: np.ndarray
    scores: np.ndarray
    served: Served

    def shares(self) -> np.ndarray:
        """Share of the packages' energy [kind]; nan where there is none."""
        total = self.by_kind.sum()
        return self.by_kind / total if total > 0 else np.full(len(self.by_kind), np.nan)

    def margin(self) -> float:
        """CNY that retailers were billed for less what they bought, the default supplier left out."""
        return float((self.billed[1:].sum() - self.bought[1:].sum()) / 100)

    def concentration(self) -> float:
        """Sum of squared shares of retailers in percent, 10,000 for a monopoly; nan where nobody sells."""
        energy = self.energy[DEFAULT + 1:]
        return float(((100 * energy / energy.sum()) ** 2).sum()) if energy.sum() > 0 else np.nan


STATES = ("default", "package", "fallen", "entered")  # the default supplier's and retailers'; fallen back; ever entered


_NONE = np.zeros(2, np.int64)
NOBODY = RetailMonth(  # the shapes of a month, where nobody buys
    row=_NONE[:0], billed=np.zeros((2, 0), np.int64), bought=np.zeros((2, 0), np.int64), costs=_NONE, fees=_NONE,
    capital=_NONE, dividend=_NONE, called=_NONE, lost=_NONE, equity=_NONE, guarantee=_NONE, energy=np.zeros(2),
    by_kind=np.zeros(len(KINDS)), accounts=np.zeros(len(STATES)), price=np.nan, expected=np.nan, default=np.nan,
    offered=np.zeros(2), dispersion=np.nan, signed=0, below=np.nan, paid_dispersion=np.nan, cover=np.nan,
    standing=0, failed=0, suspended=0, expelled=0, admitted=0, grade=_NONE, scores=np.zeros(2),
    served=Served(_NONE[:0], _NONE[:0], _NONE[:0], np.zeros(0), np.zeros(0)))


def bills(month: RetailMonth) -> list[Transfer]:
    """The month's Transfers of retail; the grid company in between keeps nothing."""
    who, row = np.arange(len(month.energy), dtype=np.int64), month.row
    used = month.bought.sum(axis=0)
    lost = shared(int(month.lost.sum()), np.maximum(used, 0)) if len(row) else np.zeros(0, np.int64)
    return [
        *owed("retail bill", "users", "grid_company", month.billed.sum(axis=0), row),
        *owed("retail bill", "grid_company", "retailers", month.billed.sum(axis=1), who),
        *owed("retail purchase", "retailers", "grid_company", month.bought.sum(axis=1), who),
        *owed("retail purchase", "grid_company", "users", used, row),
        *owed("retail running cost", "retailers", "households", month.costs, who),
        *owed("guarantee fee", "retailers", "guarantors", month.fees, who),
        *owed("guarantee called", "guarantors", "retailers", month.called, who),
        *owed("retail default", "grid_company", "retailers", month.lost, who),
        *owed("retail default", "users", "grid_company", lost, row),
        *owed("retail capital", "investors", "retailers", month.capital, who),
        *owed("retail dividend", "retailers", "investors", month.dividend, who)]


def firm_bills(month: FirmMonth) -> list[Transfer]:
    """What guarantees of companies of bad grades cost."""
    return owed("guarantee fee", "plants", "guarantors", month.fees, np.arange(len(month.fees), dtype=np.int64))


def kept(closed: "ClosedMonth", what: Callable[[RetailMonth], object]):
    """What is kept of a month of retail; nan, of the shape that it has, where there are no accounts."""
    month = closed.facts.retail
    return what(month) if month is not None else np.full(np.shape(what(NOBODY)), np.nan)


def table(facts: "Facts", date: np.datetime64) -> dict[str, dict[str, np.ndarray]]:
    """The month's accounts as the table populations/accounts, none where there are no accounts."""
    if facts.retail is None:
        return {}
    served = facts.retail.served
    name = np.array((*KINDS, "default"), object)[served.package]  # -1 is the last
    return {"populations/accounts": {
        "date": np.repeat(date, len(served.identity)), "account": served.identity, "row": served.row, "package": name,
        "accounts": served.accounts, "MWh": served.energy}}


def grades(closed: "ClosedMonth") -> np.ndarray:
    """Retailers that trade by grade [grade]; nan where there are none."""
    names, month = closed.labels["grade"], closed.facts.retail
    if month is None:
        return np.full(len(names), np.nan)
    return np.bincount(month.grade[1:][month.energy[1:] > 0], minlength=len(names))[: len(names)]


def firm_grades(closed: "ClosedMonth") -> np.ndarray:
    """Companies by grade [grade]; nan where nobody is graded."""
    names, month = closed.labels["grade"], closed.facts.firms
    if month is None:
        return np.full(len(names), np.nan)
    return np.bincount(month.grade, minlength=len(names))[: len(names)]


def paid_by_row(transfers: list[Transfer], bills: tuple[str, ...], rows: int) -> np.ndarray:
    """Fen, int64 [user row], that users paid net of what they received, over some bills that are due now."""
    paid = np.zeros(rows, np.int64)
    for transfer in transfers:
        if transfer.bill in bills and transfer.due is None and "users" in (transfer.payer, transfer.payee):
            np.add.at(paid, transfer.row, transfer.amount * (1 if transfer.payer == "users" else -1))
    return paid


def by_period(facts: "Facts", row: np.ndarray, rules: RetailRules, paid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Energy (MWh) and its cost ahead of contracts (CNY) of user rows by period of the day, both [row, period].

    paid: fen [row], what the rows paid for energy: hours share it in proportion to energy x price of the hour, at
    the zone's price where the spot settles and the administered one elsewhere.
    """
    use = (facts.consumption * meters.served(facts)[facts.user_bus])[row]
    bus = facts.user_bus[row]
    price = np.where(facts.settled, meters.zone_price(facts)[facts.grid.bus_zone[bus]],
                     administered_price(facts, facts.spot)[bus] / 100)
    hour = np.tile(rules.period, use.shape[1] // HOURS)
    energy, worth = (np.stack([(part[:, hour == p]).sum(axis=1) for p in range(len(PERIODS))], axis=1)
                     for part in (use, use * np.maximum(price, 0.01)))
    scale = np.divide(paid / 100, worth.sum(axis=1), out=np.zeros(len(row)), where=worth.sum(axis=1) > 0)
    return energy, worth * scale[:, None]
