"""The retail platform: packages on a shelf, users who choose among them, the month's ledger of retailers and their
credit.

What a package is stands in `sim.packages`, who chooses in `agents.accounts`, who sells in `agents.retailers`, who may
in `sim.credit`. Here a month is opened (offers are posted, users choose) and closed (bills, losses, failures,
learning).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.accounts import Accounts, Shelf
from agents.forecast import month_ahead
from agents.retailers import COVER, MARGIN, Retailers
from sim import credit, packages
from sim.calendar import Month
from sim.credit import CreditRules, FirmMonth, Register
from sim.network.grid import PLANT
from sim.packages import GREEN, KINDS, PERIODS
from sim.retail import DEFAULT, STATES, RetailMonth, RetailRules, Served
from sim.units import to_fen

if TYPE_CHECKING:
    from agents.users import Users
    from sim.facts import Facts
    from sim.network.retail_classes import RetailSettings
    from sim.streams import Stream

NEWCOMER = 2  # grade of who has no history: neither best nor bad
TRUSTED = 0  # grade of the default supplier
STRESS = 0.3  # rise of the wholesale price that exposure is counted against [assumption]
MOST_REWARD = 4.0


@dataclass(frozen=True)
class Wholesale:
    """What a month's energy of the served rows cost. energy: MWh, cost: CNY [row, period].  held: MWh and value: CNY
    [retailer, row], contracts.  ahead: CNY [row], what they cost beyond energy.  paid: fen, int64 [row], both together.
    certificate: CNY/certificate."""

    energy: np.ndarray
    cost: np.ndarray
    held: np.ndarray
    value: np.ndarray
    ahead: np.ndarray
    paid: np.ndarray
    certificate: float


class Shop:
    """The retail room of a run. zone: int [row], position of each served row's zone.

    A contract is a slot: 0 is the default supplier's, the others are the month of signing (as far back as a package
    lasts) x retailer x kind.  level: CNY/MWh [slot, zone]; fee: CNY/MWh [slot]; promised: CNY/MWh [slot, group], the
    comparable price when it was signed, mean over the seasons.  season: multiple of the year's mean price that
    everybody expects energy to cost in the open month, contracts of the year included [zone].  held: MWh a year [slot,
    group].  register: everybody's credit.
    """

    def __init__(self, accounts: Accounts, retailers: Retailers, settings: "RetailSettings", zone: np.ndarray,
                 rules: RetailRules, judged: CreditRules, stream: "Stream"):
        self.accounts, self.retailers, self.settings, self.stream = accounts, retailers, settings, stream
        self.zone, self.zones = zone, int(zone.max(initial=-1)) + 1
        self.offers, self.term = len(retailers) * len(KINDS), rules.term
        slots = 1 + self.term * self.offers
        self.owner = np.tile(np.repeat(np.arange(len(retailers)), len(KINDS)), self.term)
        self.owner = np.concatenate([[DEFAULT], self.owner])
        self.kind = np.concatenate([[0], np.tile(np.arange(len(KINDS)), len(retailers) * self.term)])
        self.level, self.fee = np.zeros((slots, self.zones)), np.zeros(slots)
        self.promised = np.zeros((slots, accounts.groups), np.float32)
        self.base = np.zeros((slots, self.zones))
        self.held = np.zeros((slots, accounts.groups))
        self.register = Register.of(len(retailers), judged.points, NEWCOMER)
        self.register.grade[DEFAULT] = TRUSTED
        profiles = len(accounts.profiles)
        self.group_row, self.group_profile = np.divmod(np.arange(accounts.groups), profiles)
        hours = np.bincount(rules.period, minlength=len(PERIODS)) / len(rules.period)
        self._shape = np.tile(hours, (len(zone), 1))  # share of a row's energy by period, last month
        self._tilt = np.tile(settings.tilt, (len(zone), 1))  # price by period over the mean, last month
        self._profit = np.zeros(12)  # CNY, mean of those there, by month of the year
        self.certificate = 0.0
        self._paid_in = np.zeros(len(retailers), np.int64)  # fen, not yet posted
        self._admitted = 0
        self.firms: tuple[str, ...] = ()
        self.firm_register = Register.of(0, judged.points)
        self.month: Month | None = None

    # --------------------------------------------------------------------------------------------------- a month opens

    def open(self, month: Month, expected: np.ndarray, rules: RetailRules, judged: CreditRules, flat: float = 0.0):
        """Post offers and let everybody choose. expected: CNY/MWh [zone, 12], mean wholesale price of the months to
        come as everybody expects it.  flat: share of a year's energy that is bought at one price for all its months."""
        if rules.term != self.term:
            raise ValueError(f"packages last {rules.term} months, {self.term} when the run began; expected no change")
        self.month = month
        self._enter(month, rules, judged)
        self.retailers.decide(month.number)
        ahead = (month.month - 1 + np.arange(self.term)) % 12
        mean = expected[:, ahead].mean(axis=1)
        self.season = flat + (1 - flat) * expected[:, month.month - 1] / expected.mean(axis=1)
        spread = self.settings.spread * mean
        level, fee = self.retailers.terms(mean, spread, rules.terms, self._dearest(rules.terms))
        first = 1 + month.number % self.term * self.offers
        here = slice(first, first + self.offers)
        self.level[here], self.fee[here] = level.reshape(self.offers, self.zones), fee.ravel()
        self.base[here] = mean
        self.promised[here] = self._compare(here, mean, spread, rules).T
        shelf = self._shelf(here, mean, spread, rules, judged)
        self.default = mean + rules.default_fee
        before = self.accounts.contract.copy()
        self.accounts.choose(month.number, shelf, rules)
        self._compare_signed(before, here, shelf)
        self.held = self.accounts.held(len(self.owner))
        self._write(here, shelf, rules.platform)

    def _enter(self, month: Month, rules: RetailRules, judged: CreditRules):
        """Register new retailers."""
        setup = rules.setup * (rules.setup_factor if rules.platform else 1.0)
        may = self.register.may_return(month)
        new = self.retailers.admit(month.number, may, float(self._profit.sum()), setup, rules.admissions)
        self.register.admit(new, judged.points, NEWCOMER)
        self._paid_in[new] += self.retailers.capital_fen(new)
        self.retailers.equity[new] += self.retailers.capital_fen(new)
        self._admitted = len(new)

    def _dearest(self, terms: packages.Terms) -> np.ndarray:
        """Level of the package by time of use at which nobody's profile costs more than it pays, as a multiple of the
        mean wholesale price [zone]: who posts less draws those for whom it is too cheap."""
        profile = self._shape[self.group_row] * self.accounts.profiles[self.group_profile]
        profile = profile / profile.sum(axis=1, keepdims=True)
        ratio = (profile * self._tilt[self.group_row]).sum(axis=1) / (profile * terms.factors).sum(axis=1)
        return np.array([ratio[self.zone[self.group_row] == z].max() for z in range(self.zones)])

    def _compare(self, here: slice, mean, spread, rules: RetailRules) -> np.ndarray:
        """Comparable expected price of offers for each profile, CNY/MWh [group, offer]."""
        zone = self.zone[self.group_row]
        profile = self._shape[self.group_row] * self.accounts.profiles[self.group_profile]
        profile = profile / profile.sum(axis=1, keepdims=True)
        return packages.expected(self.kind[here], self.level[here][:, zone].T, self.fee[here], mean[zone][:, None],
                                 spread[zone][:, None], profile[:, None], self.certificate, rules.terms)

    def _shelf(self, here: slice, mean, spread, rules: RetailRules, judged: CreditRules) -> Shelf:
        """What users find this month."""
        how, zone = self.accounts.choosing, self.zone[self.group_row]
        comparable = self.promised[here].T.astype(float)
        owner, kind = self.owner[here], self.kind[here]
        may = self.may_sell()[owner]
        posted = np.flatnonzero(may).astype(np.int64)
        risk = how.aversion * packages.exposure(rules.terms)[kind] * spread[zone][:, None]
        distrust = how.trust * self.register.grade[owner] if judged.disclosed else 0.0
        seen = rules.platform and len(posted)
        index = np.median(comparable[:, posted], axis=1) if seen else np.full(len(zone), np.nan)
        whole = self.held.sum(axis=0)
        peers = 1 - np.divide(self.held[0], whole, out=np.ones_like(whole), where=whole > 0)
        fallback = (mean + rules.default_fee)[zone] + how.aversion * spread[zone]
        return Shelf(posted, owner, kind == GREEN, np.ascontiguousarray(comparable + risk + distrust), fallback,
                     index + how.aversion * spread[zone], peers, here.start)

    def may_sell(self) -> np.ndarray:
        """Retailers, bool, that may sign users."""
        who = self.retailers.active & ~self.register.suspended & ~self.register.expelled
        who[DEFAULT] = False
        return who

    def _write(self, here: slice, shelf: Shelf, public: bool):
        """Reward margins by the business they wrote: what was signed or renewed this month x margin.  public: whether
        everybody sees what was signed at which price, or each retailer its own alone."""
        written = np.bincount(self.owner[here], self.held[here].sum(axis=1), len(self.retailers))
        value = written * self.retailers.margins[self.retailers.margin]
        who = self.may_sell()
        if value[who].sum() > 0:
            reward = np.minimum(value / value[who].mean(), MOST_REWARD)
            if public:
                self.retailers.watch(reward, who)
            else:
                self.retailers.reinforce(MARGIN, reward, who)
        self.shelf = shelf
        self.retailers.shares = self._serve(self.held)
        total = self.retailers.shares.sum(axis=0)
        self.retailers.shares /= np.where(total > 0, total, 1.0)

    def _serve(self, held: np.ndarray) -> np.ndarray:
        """Sum of [slot, group] by retailer and row."""
        by_owner = np.zeros((len(self.retailers), held.shape[1]))
        some = np.flatnonzero(held.any(axis=1))
        np.add.at(by_owner, self.owner[some], held[some])
        return by_owner.reshape(len(by_owner), -1, len(self.accounts.profiles)).sum(axis=2)

    # -------------------------------------------------------------------------------------------------- a month closes

    def close(self, month: Month, sold: Wholesale, rules: RetailRules, judged: CreditRules) -> RetailMonth:
        """Bill packages, settle what energy cost, judge, let fail; gives what is kept of the month."""
        retailers, row = self.retailers, sold.energy.sum(axis=1)
        used, price = self._used(sold), self._prices(sold, rules)
        served_accounts = self._served(used[1])  # before anybody falls to the default supplier
        billed = self._by_row(used, (used[2] * price).sum(axis=2))
        billed[DEFAULT] += self._of_fallen(sold, price, rules)
        energy = self._by_row(used, used[2].sum(axis=2))
        cost = self._bought(used, sold, energy)
        billed, bought = to_fen(billed), _exact(cost, sold.paid)
        green = used[2].sum(axis=2) * (self.kind[used[0]] == GREEN)[:, None]
        green = to_fen(self._by_row(used, green) * sold.certificate)
        bought = bought + green  # the user rows that were billed for certificates have it back
        served = energy.sum(axis=1)
        running = self._running(served)
        fees, lodged = self._fees(np.maximum(served, sold.held.sum(axis=1)), judged)
        margin = billed.sum(axis=1) - bought.sum(axis=1) - running - fees
        retailers.equity += margin
        held = sold.held.sum(axis=1)
        failed, called, lost = self._fail(lodged)
        dividend = self._pay_out()
        suspended, expelled = self._judge(month, served, held, failed, judged)
        self._reflect(margin, served)
        whole = served[1:].sum()
        self._remember(sold, row)
        self.certificate = sold.certificate
        capital, self._paid_in = self._paid_in, np.zeros_like(self._paid_in)
        offered = self._offered()
        return RetailMonth(
            row=self.accounts.rows, billed=billed, bought=bought, costs=running, fees=fees, capital=capital,
            dividend=dividend, called=called, lost=lost, equity=retailers.equity.copy(), guarantee=lodged,
            energy=served, by_kind=self._by_kind(used), accounts=self._states(),
            price=float(billed[1:].sum() / 100 / whole) if whole > 0 else np.nan,
            expected=self._promise(used), default=float(self.mean.mean() + rules.default_fee), offered=offered,
            dispersion=float(np.nanstd(offered)) if np.isfinite(offered).any() else np.nan,
            signed=self.taken[0], below=self.taken[1], paid_dispersion=self.taken[2],
            cover=float(held.sum() / served.sum()) if served.sum() > 0 else np.nan,
            standing=int(self.may_sell().sum()), failed=int(failed.sum()), suspended=suspended, expelled=expelled,
            admitted=self._admitted, grade=self.register.grade.copy(),
            scores=credit.score(self._indicators, judged.weights), served=served_accounts)

    def _served(self, scale: np.ndarray) -> Served:
        """What each account used, under which package. scale: MWh for a MWh of weight [row, period], see `_used`."""
        a = self.accounts
        each = (a.profiles[self.group_profile] * scale[self.group_row]).sum(axis=1)
        return Served(a.identity.astype(np.int64), a.rows[a.row], np.where(a.contract > 0, self.kind[a.contract], -1),
                      a.weight.copy(), a.yearly * each[a.group])

    def _used(self, sold: Wholesale):
        """Slots that hold anything, and the energy of each by group and period, MWh: the row's, in proportion to size
        and profile, so that the accounts of a row use what the row uses."""
        some = np.flatnonzero(self.held.any(axis=1))
        weight = self.held[some][:, :, None] * self.accounts.profiles[self.group_profile]
        total = weight.sum(axis=0).reshape(len(self.zone), -1, len(PERIODS)).sum(axis=1)
        scale = np.divide(sold.energy, total, out=np.zeros_like(total), where=total > 0)
        return some, scale, weight * scale[self.group_row]

    def _prices(self, sold: Wholesale, rules: RetailRules) -> np.ndarray:
        """CNY/MWh [slot that holds anything, group, period]."""
        some, zone = np.flatnonzero(self.held.any(axis=1)), self.zone[self.group_row]
        energy, cost = (np.bincount(self.zone, part.sum(axis=1), self.zones) for part in (sold.energy, sold.cost))
        cost += np.bincount(self.zone, sold.ahead, self.zones)
        mean = np.divide(cost, energy, out=self.default - rules.default_fee, where=energy > 0)
        self.mean = mean
        level = self.level[some][:, zone] * self.season[zone]  # a year's level follows the seasons that all expect
        price = packages.prices(self.kind[some][:, None], level, self.fee[some][:, None],
                                mean[zone], sold.certificate, rules.terms)
        if len(some) and some[0] == DEFAULT:
            price[0] = (mean + rules.default_fee)[zone][:, None]
        return price

    def _by_row(self, used, amount: np.ndarray) -> np.ndarray:
        """Sum of [slot, group] by retailer and row."""
        total = np.zeros((len(self.retailers), amount.shape[1]))
        np.add.at(total, self.owner[used[0]], amount)
        return total.reshape(len(total), len(self.zone), -1).sum(axis=2)

    def _of_fallen(self, sold: Wholesale, price: np.ndarray, rules: RetailRules) -> np.ndarray:
        """CNY [row] that users whose retailer failed pay the default supplier beyond its price."""
        accounts = self.accounts
        gone = accounts.fallen & (accounts.contract == 0)
        if not gone.any():
            return np.zeros(len(self.zone))
        held = np.bincount(accounts.group[gone], accounts.yearly[gone], accounts.groups)
        scale = self._used(sold)[1]
        energy = held[:, None] * accounts.profiles[self.group_profile] * scale[self.group_row]
        extra = (rules.fallen_factor - 1) * np.maximum(price[0], 0) * energy
        return extra.sum(axis=1).reshape(len(self.zone), -1).sum(axis=1)

    def _bought(self, used, sold: Wholesale, energy: np.ndarray) -> np.ndarray:
        """CNY [retailer, row]: energy at what it cost when it was used, and each one's contracts at its own prices."""
        unit = np.divide(sold.cost, sold.energy, out=np.zeros_like(sold.cost), where=sold.energy > 0)
        cost = self._by_row(used, (used[2] * unit[self.group_row]).sum(axis=2))
        held, value = sold.held.sum(axis=0), sold.value.sum(axis=0)
        share = np.divide(sold.held, held, out=np.zeros_like(sold.held), where=held > 0)
        ahead = sold.value - share * (value - sold.ahead)
        ahead[DEFAULT] += np.where(held > 0, 0.0, sold.ahead)
        return cost + ahead

    def _running(self, served: np.ndarray) -> np.ndarray:
        """What being there costs, fen [retailer]; the default supplier is paid by its tariff elsewhere."""
        how = self.settings.selling
        cost = to_fen(how.running + how.running_share * served) * self.retailers.active
        cost[DEFAULT] = 0
        return cost

    def _fees(self, dealt: np.ndarray, judged: CreditRules) -> tuple[np.ndarray, np.ndarray]:
        """What guarantees cost this month, and what is lodged, both fen [retailer]: one for all who trade. dealt: MWh
        of the month, what users used or contracts hold, whichever is more."""
        if not judged.enforced:
            return np.zeros((2, len(dealt)), np.int64)
        lodged = credit.guarantee(dealt * 12, self.register.grade, judged) * self.retailers.active
        lodged[DEFAULT] = 0.0
        return to_fen(lodged * judged.letter / 12), to_fen(lodged)

    def _fail(self, lodged: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Retailers (bool) that owe more than they have: what guarantors pay of it, what nobody pays; their users fall
        to the default supplier."""
        retailers = self.retailers
        failed = (retailers.equity < 0) & retailers.active
        failed[DEFAULT] = False
        owed = np.where(failed, -retailers.equity, 0)
        called = np.minimum(owed, lodged)
        retailers.equity[failed] = 0
        retailers.active[failed] = False
        if failed.any():
            self.accounts.fall(failed[self.owner])
        return failed, called, owed - called

    def _pay_out(self) -> np.ndarray:
        """What owners take out, fen [retailer]: a share of what is there beyond the capital; of who left, of all of
        it."""
        retailers = self.retailers
        over = np.maximum(retailers.equity - retailers.capital_fen(slice(None)) * retailers.active, 0)
        paid = np.floor(over * self.settings.selling.payout).astype(np.int64)
        paid[DEFAULT] = 0
        retailers.equity -= paid
        return paid

    def _judge(self, month: Month, served, held, failed, judged: CreditRules) -> tuple[int, int]:
        """Judge everybody's month; who is expelled closes, its users fall to the default supplier."""
        retailers, who = self.retailers, (self.retailers.active & (served > 0)) | failed
        who[DEFAULT] = False
        departed = np.divide(served - held, served, out=np.zeros_like(served), where=served > 0)
        risky = np.maximum(served - held, 0) * 12 * self.mean.mean() * STRESS * self._fixed_part()
        own = np.maximum(retailers.equity, 0) / 100
        cushion = np.divide(own, risky, out=np.full(len(served), 2.0), where=risky > 0)
        cover = np.divide(held, served * judged.cover, out=np.ones_like(served), where=served > 0)
        indicators = np.stack([
            credit.faith(departed, judged.band), np.where(failed, 0.0, 1.0), np.clip(cushion, 0, 1),
            np.clip(cover, 0, 1), np.full(len(served), np.nan)])
        listed = np.stack([np.abs(departed) > 2 * judged.band, cover < 1 - judged.band, cushion < 0.5, failed,
                           np.zeros(len(served), bool)])
        self._indicators = np.where(who, indicators, np.nan)
        before = self.register.points.copy() if month.month > 1 else np.full(len(who), judged.points)
        suspended, expelled = self.register.live(month, indicators, listed, who, judged, failed)
        self._points = np.maximum(before - self.register.points, 0) if judged.enforced else np.zeros(len(who))
        closed = self.register.expelled & retailers.active
        if closed.any():
            retailers.active[closed] = False
            self.accounts.fall(closed[self.owner])
        return suspended, expelled

    def judge_firms(self, month: Month, facts: "Facts", judged: CreditRules) -> FirmMonth:
        """Judge companies by what the month showed of them.

        A bad grade costs a company a guarantee, and what the law says of contracts ahead: it is dispatched as before.
        """
        names, owner = credit.firms(facts.grid)
        if names != self.firms:  # who is new begins where newcomers do
            before, old = {name: i for i, name in enumerate(self.firms)}, self.firm_register
            self.firms, self.firm_register = names, Register.of(len(names), judged.points, NEWCOMER)
            for i, of in ((i, before[name]) for i, name in enumerate(names) if name in before):
                for kept in ("grade", "suspended", "clean"):
                    getattr(self.firm_register, kept)[i] = getattr(old, kept)[of]
        indicators, listed = credit.of_firms(facts, owner, len(names), judged)
        who = ~np.isnan(indicators).all(axis=0)
        lenient = judged.model_copy(update={"enforced": False})
        self.firm_register.live(month, indicators, listed, who, lenient, np.zeros(len(names), bool))
        self.firm_register.bar(who, judged)
        grade = self.firm_register.grade.copy()
        return FirmMonth(names, grade, self.firm_register.points.copy(), credit.score(indicators, judged.weights),
                         credit.firm_fees(facts, owner, grade, judged), self.firm_register.suspended.copy())

    def barred(self, grid) -> np.ndarray:
        """Units, bool, whose company may sell no new contracts ahead."""
        out = {name for name, suspended in zip(self.firms, self.firm_register.suspended) if suspended}
        return (grid.units.kind == PLANT) & np.isin(grid.units.owner.astype(str), sorted(out))

    def _fixed_part(self) -> np.ndarray:
        """Part of each retailer's energy whose price does not follow the wholesale price [retailer]."""
        energy = self.held.sum(axis=1)
        fixed = np.isin(self.kind, [packages.FIXED, packages.TIME_OF_USE]) + 0.5 * np.isin(
            self.kind, [packages.MIXED, packages.CAPPED])
        part, whole = (np.bincount(self.owner, weight, len(self.retailers)) for weight in (energy * fixed, energy))
        return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)

    def _reflect(self, margin: np.ndarray, served: np.ndarray):
        """Reward covers by what the month left over for a MWh, losses weighed by caution; remember the mean profit."""
        who = self.retailers.active & (served > 0)
        who[DEFAULT] = False
        if not who.any():
            return
        self._profit[self.month.month - 1] = margin[who].mean() / 100
        each = np.divide(margin / 100, served, out=np.zeros_like(served), where=served > 0)
        felt = np.where(each < 0, self.retailers.caution * each, each) - self.settings.selling.point * self._points
        scale = max(float(np.abs(felt[who]).mean()), 1e-9)
        self.retailers.reinforce(COVER, np.clip(1 + felt / scale, 0, MOST_REWARD), who)

    # ----------------------------------------------------------------------------------------------- what is kept of it

    def _by_kind(self, used) -> np.ndarray:
        """MWh by kind of package, the default supplier's left out [kind]."""
        energy = used[2].sum(axis=(1, 2)) * (used[0] != DEFAULT)
        return np.bincount(self.kind[used[0]], energy, len(KINDS))

    def _remember(self, sold: Wholesale, row: np.ndarray):
        """When the rows used energy and what its hours cost."""
        known = row > 0
        self._shape[known] = sold.energy[known] / row[known, None]
        seen = known & (sold.energy > 0).all(axis=1) & (sold.cost.sum(axis=1) > 0)
        each = sold.cost[seen] / sold.energy[seen]
        self._tilt[seen] = each / (sold.cost[seen].sum(axis=1) / row[seen])[:, None]

    def _states(self) -> np.ndarray:
        """Accounts by state, in persons of full scale; see `sim.retail.STATES`."""
        a = self.accounts
        found = [a.weight[which].sum() for which in
                 (a.contract == 0, a.contract > 0, a.fallen & (a.contract == 0), a.entered)]
        return np.array(found) if len(found) == len(STATES) else np.zeros(0)

    def _promise(self, used) -> float:
        """CNY/MWh: what packages were expected to cost when they were signed, weighted by energy."""
        some = used[0] != DEFAULT
        energy = used[2].sum(axis=2)[some]
        promised = self.promised[used[0][some]] * self.season[self.zone[self.group_row]]
        return float((energy * promised).sum() / energy.sum()) if energy.sum() > 0 else np.nan

    def _offered(self) -> np.ndarray:
        """CNY/MWh [retailer]: mean comparable price of its posted offers over kinds and groups; nan where none."""
        here = slice(self.shelf.first, self.shelf.first + self.offers)
        mean = self.promised[here].mean(axis=1).reshape(len(self.retailers), -1).mean(axis=1).astype(float)
        posted = np.zeros(len(self.retailers), bool)
        posted[self.shelf.owner[self.shelf.posted]] = True
        return np.where(posted, mean, np.nan)

    def _compare_signed(self, before: np.ndarray, here: slice, shelf: Shelf):
        """How many accounts took another offer this month, and by how much what it is to cost them departs from the
        mean of all offers to such users: mean and standard deviation, CNY/MWh. before: contracts as the month
        opened."""
        a, first, last = self.accounts, here.start, here.stop
        other = (before == 0) | (self.offer_of(before) != self.offer_of(a.contract))
        new = (a.contract >= first) & (a.contract < last) & other
        mean = self.promised[here][shelf.posted].mean(axis=0) if len(shelf.posted) else np.zeros(a.groups)
        gap = (self.promised[a.contract[new], a.group[new]] - mean[a.group[new]]).astype(float)
        self.taken = (len(gap), *((float(gap.mean()), float(gap.std())) if len(gap) else (np.nan, np.nan)))

    def offer_of(self, contract: np.ndarray) -> np.ndarray:
        """Which offer a contract was made on, whenever that was."""
        return (contract - 1) % self.offers

    # ---------------------------------------------------------------------------------------------- months before a run

    def rehearse(self, month: Month, normal: np.ndarray, factor: float, power: np.ndarray, rules: RetailRules,
                 judged: CreditRules) -> RetailMonth:
        """Live a month at stated prices, without network and markets: contracts are had at the normal price.

        normal: CNY/MWh [zone, 12]; factor: multiple of it at which the month really settles; power: MW [row], mean use.
        """
        self.open(month, normal, rules, judged)
        energy = (power * month.days * 24)[:, None] * self._shape
        price = normal[self.zone, month.month - 1]
        wanted = self.retailers.covers[self.retailers.cover].copy()
        wanted[DEFAULT] = judged.cover
        held = wanted[:, None] * self.retailers.shares * energy.sum(axis=1)
        value = held * price
        tilt = np.array(self.settings.tilt) / (self._shape * self.settings.tilt).sum(axis=1, keepdims=True)
        cost = energy * (price * factor)[:, None] * tilt
        ahead = (value - held * price * factor).sum(axis=0)
        paid = to_fen(cost.sum(axis=1)) + to_fen(ahead)
        return self.close(month, Wholesale(energy, cost, held, value, ahead, paid, self.certificate), rules, judged)

    def expected(self, users: "Users", public, month: Month) -> np.ndarray:
        """CNY/MWh [zone, 12]: the mean wholesale price that everybody expects of the months from one on."""
        zones = users.grid_zone[np.unique(users.zone[self.accounts.rows])]
        return month_ahead(public, users.prospect.price, month)[zones]

    def begin(self):
        """Open the books of a run: everybody who is there has its capital, paid in with the first month's bills."""
        retailers = self.retailers
        there = retailers.active.copy()
        there[DEFAULT] = False
        retailers.equity[:] = np.where(there, retailers.capital_fen(slice(None)), 0)
        self._paid_in[:] = retailers.equity


def _exact(amount: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Fen [retailer, row] of amounts in CNY whose sums over retailers are what was paid (fen [row]): the default
    supplier bears what rounding leaves."""
    fen = to_fen(amount)
    fen[DEFAULT] += total - fen.sum(axis=0)
    return fen
