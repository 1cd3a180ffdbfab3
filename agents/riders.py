"""Delivery riders: a population of slots that works by the day, is paid by the order and thinks by the month."""

from collections import namedtuple
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from agents import riders_kernels as kernels
from agents.base import Population
from agents.platform import Offer
from sim.calendar import Day, Month
from sim.config import BadInput, World
from sim.messages import People, Public, Statement, Weather, Work
from sim.network.city import Cities
from sim.network.workforce import MONTH_DAYS, EnrolmentSettings, Spells, by_tier, normal_work
from sim.policy.pension_subsidy import eligible, met, remember
from sim.streams import Streams
from sim.units import (
    CNY,
    HOURS,
    Bits,
    CNYPerMonth,
    Code,
    DayBits,
    Fen,
    Flag,
    Identity,
    Index,
    Logit,
    Months,
    OrdersPerDay,
    Ratio,
    Rows,
    Share,
    Weight,
    to_fen,
)

if TYPE_CHECKING:
    from sim.law import Law, Rulebook

GOLDEN = 0.6180339887498949  # multiples of it, modulo one, fill the unit interval evenly at every length
SLOT_BITS, LIFE_BITS = 24, 12  # of an identity, below the group: place in it, people who had the slot before
WINDOW = 8  # months kept in `met`; the law looks at fewer
SUBSIDY, LIVING, OTHER = "pension subsidy", "living costs", "other income"  # bills a rider tells apart

Mind = namedtuple("Mind", [name for name in EnrolmentSettings.model_fields if name != "source"])


class Riders(Population):
    """Delivery riders. A row is a slot of the monthly active riders of a city and a segment, and stands for `weight`
    persons; who leaves is replaced by a newcomer with a new identity.

    *Decides*: on which days he works; whether to pay a pension contribution, where, and when to think about it again;
    what he keeps of his money; when to leave. Cities do not exchange riders and segments do not exchange people here.

    *Source*: enrolment as present-biased choice with peers [Laibson1997, DufloSaez2003] fitted to the survey of over
    30,000 riders [PKU2025]; spells after [HgredartShanghai]; orders meet riders by a smoothed minimum.
    """

    identity: Rows[Identity]
    weight: Rows[Weight]
    city: Rows[Index]
    segment: Rows[Code]
    origin: Rows[Code]  # 0 local, 1 other city of the province, 2 other province
    hukou: Rows[Index]  # a place of insurance: the city, or after the cities the province of hukou
    place: Rows[Index]  # of insurance, likewise
    age: Rows[Months]
    tenure: Rows[Months]  # completed
    history: Rows[Months]  # of contributions paid in life
    dependants: Rows[Code]
    starts: Rows[Code]  # first day of this month on which he rides
    met: Rows[Bits]  # months in which income met the base, the last closed one in bit 0
    temporary: Rows[Flag]  # sees the work as temporary
    enrolled: Rows[Flag]  # pays this month's premium
    swaps: Rows[Flag]  # has a battery-swap subscription
    noticed: Rows[Flag]  # has once been eligible where the subsidy is paid
    subsidised: Rows[Flag]  # received a subsidy in the last closed month
    factor: Rows[Ratio]  # his own income over the group's mean, for life
    chance: Rows[Share]  # of working on a day
    pace: Rows[OrdersPerDay]  # could be carried on a working day of this month
    days: Rows[DayBits]  # worked this month
    income: Rows[Fen]  # from the platform, of the last closed month
    other: Rows[CNYPerMonth]  # income of another job or the household
    cash: Rows[CNY]
    sent: Rows[CNY]  # to be sent home or spent next month
    trust: Rows[Share]  # belief that a subsidy arrives (tau)
    beta: Rows[Share]  # present bias
    taste: Rows[Logit]  # for being insured, for life

    def __init__(self, model, world: World, cities: Cities, scale: Mapping[str, int], streams: Streams, law: "Law",
                 start: date):
        """scale: `riders` rows for the named cities together, `rest_riders` for each rest region.
        start: the run's first day; the months before it are imagined, under the law of their time.

        Raises: BadInput where rows do not fit the persons, orders not the incomes, places of insurance not the law.
        """
        counts = slots(cities, scale)
        super().__init__(model, "riders", int(counts.sum()))
        self.world, self.cities, self.streams = world, cities, streams
        self.settings, self.segments = world.settings.riders, world["rider_segments"]
        self.spells = Spells(self.settings.spell, self.segments)
        self.places = (*cities.key, *world["rider_hukou"]["key"])
        self.mind = Mind(*(getattr(self.settings.enrolment, name) for name in Mind._fields))
        self.rows = Columns(*(getattr(self, name) for name in Columns._fields))
        self._take_slots(counts)
        self._set_groups()
        self.births = self._births(newcomers=True)
        self._populate(law, Month.of(start))

    # ---------------------------------------------------------------------------------------------------- the verbs

    def work(self, day: Day, weather: Weather, cities: Cities, offer: Offer) -> Work:
        """Live a day: who rides is drawn, orders asked meet riders on shift, batteries go to the cabinets."""
        if day.opens_month:
            self._open_month(day.month)
        groups = self._pace.shape
        capacity, riding = np.zeros(self._pace.size), np.zeros(self._pace.size, np.int64)
        key = self.streams["riders/day"].key(day.ordinal)
        kernels.turn_out(self.rows, key, day.date.day, self.first_row, capacity, riding)
        asked = cities.asked(day, weather.city_rain)
        done, rate = kernels.meet(asked, capacity.reshape(groups), self._shift)
        self._note(day, rate, offer, weather)
        energy = riding.reshape(groups).sum(axis=1) * self.settings.swap.energy / 1000  # MWh [city]
        return Work(day, asked, done, energy[:, None] * self._charging, done.sum(axis=1) * offer.fee)

    def close(self, month: Month, rules: "Rulebook") -> People:
        """Close a month: incomes are known, the window of qualifying months moves on. What others may see of it."""
        sums = np.zeros((3, self.size))
        kernels.settle(self.rows, self.first_row, self._books, sums)
        orders, earned, exposure = sums
        self.income[:] = to_fen(earned)
        base = self._bases(rules)
        self.met[:] = remember(self.met, met(self.income, base[self.city]))
        self._law, self._base, self._costs = rules, base, self._living()
        self._shown = self._enrolled_share()
        spent = to_fen(self._costs + self.sent - self.other)
        named = list(rules["pension"].base)
        number = np.array([named.index(place) for place in self.places], np.int16)
        premium = to_fen(base * rules["pension"].flex_rate)
        return People(
            month, self.identity.copy(), self.weight, self.city, number[self.place], self.income.copy(),
            np.rint(orders).astype(np.int32), self.swaps.copy(), self.enrolled.copy(), to_fen(base)[self.place],
            premium[self.place], self.met.copy(), np.maximum(spent, 0), np.maximum(-spent, 0),
            self._injuries(month, exposure))

    def learn(self, statement: Statement, public: Public):
        """Close one's purse on what was received and paid; review and decide; age; leave, and be replaced."""
        month, peers = statement.month, public.peer_share
        self.subsidised[:] = self._sum(statement, statement.received, only=SUBSIDY) > 0
        self._keep_house((self._sum(statement, statement.received) - self._sum(statement, statement.paid)) / 100)
        self._decide(month, peers)
        self._come_and_go(month, peers)

    def peer_share(self) -> np.ndarray:
        """Share of high-frequency riders who paid the last closed month's premium [city]: what peers see."""
        return self._shown

    # ----------------------------------------------------------------------------------------------- setting the scene

    def _take_slots(self, counts: np.ndarray):
        """Give each row its slot: city, segment, weight and first identity.

        A city's slots get their segments in an order that keeps the shares at every length, so that one slot more
        changes no other's; then the rows of a segment are put together. An identity is the group, the place in it, and
        how many people had the slot before.
        """
        shares, segments = np.cumsum(self.segments["share"]), len(self.segments)
        sizes = np.zeros((len(counts), segments), np.int64)
        ends = np.cumsum(counts)
        for city, (start, end) in enumerate(zip(ends - counts, ends)):
            even = np.modf((np.arange(end - start) + 0.5) * GOLDEN)[0]
            segment = np.minimum(np.searchsorted(shares, even, side="right"), segments - 1)
            order = np.argsort(segment, kind="stable")
            self.city[start:end], self.segment[start:end] = city, segment[order]
            weight = largest_remainder(int(self.cities.riders[city]), np.ones(end - start))
            self.weight[start:end] = weight[order]
            sizes[city] = np.bincount(segment, minlength=segments)
        self.first_row = np.concatenate([[0], np.cumsum(sizes)])
        group = self.city.astype(np.int64) * segments + self.segment
        place = np.arange(self.size) - self.first_row[group]
        self.identity[:] = (group + 1 << SLOT_BITS + LIFE_BITS) + (place << LIFE_BITS)

    def _set_groups(self):
        """Constants of the groups [city, segment]: normal pace, spread of incomes, shapes of shifts and charging."""
        cities, tier, s = self.cities, self.cities.tier, self.segments
        self._chance = s["days"] / 30
        shift = cities.hourly[:, None, :] ** s["peak"][:, None]
        self._shift = shift / shift.sum(axis=2, keepdims=True)
        after = int(self.settings.swap.delay)
        self._charging = np.mean([np.roll(cities.hourly, k, axis=1) for k in range(1, after + 1)], axis=0) / HOURS
        self._means = by_tier(self.world, "mean")[tier]
        self._sigma = by_tier(self.world, "sigma")[tier]
        # days are drawn too: what they add to the variance is taken from the monthly and the personal part
        toss = np.log1p((1 - self._chance) / (self._chance * MONTH_DAYS))
        part = self.settings.work.transitory
        self._monthly = np.sqrt(np.maximum(part * self._sigma**2 - toss, 0))
        self._personal = np.sqrt(np.maximum((1 - part) * self._sigma**2 - np.log1p(s["spread"] ** 2 / 3), 0))
        self._pace = self._balanced(normal_work(self.world)[tier])

    def _balanced(self, work: np.ndarray) -> np.ndarray:
        """Orders that a rider of each group [city, segment] must be able to carry on a working day, so that on a normal
        day he does `work` of them: the pace at which normal orders meet the normal number of riders.

        Raises: BadInput where a city's orders do not give its riders their normal income.
        """
        cities = self.cities
        present = 1 - self.spells.newcomers * (1 - first_month_mean(self.settings.work.first_month))
        workers = cities.riders[:, None] * self.segments["share"] * present * self._chance
        asked = cities.orders[:, None] * cities.hourly / HOURS
        short = (workers * work).sum(axis=1) >= asked.sum(axis=1)
        if (short & (cities.riders > 0)).any():
            i = int(np.flatnonzero(short)[0])
            raise BadInput(self.world["cities"].fault(
                i, "orders", f"{cities.orders[i]:g} a day leave the riders below their incomes (rider_incomes.csv); "
                             f"expected more than {(workers * work)[i].sum():.0f}"))
        pace = work.copy()
        for _ in range(10_000):
            rate = kernels.meet(asked, workers * pace, self._shift)[1]
            better = np.where(rate > 0, work / np.maximum(rate, 1e-12), work)
            if np.allclose(better, pace, rtol=1e-12, atol=0):
                break
            pace = better
        return pace

    def _births(self, newcomers: bool) -> kernels.Births:
        """What people are drawn from: newcomers, or the stock that stands at a run's beginning."""
        s, t, spell, purse = self.segments, self.world, self.settings.spell, self.settings.purse
        ages, history = t["rider_ages"], self.settings.history
        living = t["rider_tiers"]["living"][self.cities.tier]
        return kernels.Births(
            self._personal.ravel(), self._means.ravel(), self._chance, s["spread"], s["swaps"], s["other_median"],
            s["other_sigma"], np.cumsum(self.cities.origins, axis=1), living,
            np.cumsum(ages["entrants" if newcomers else "stock"]), ages["first"] * 12,
            (ages["last"] - ages["first"] + 1) * 12, np.cumsum(t["rider_households"]["share"]),
            t["rider_households"]["dependants"], np.cumsum(t["rider_hukou"]["share"]), purse.dependant,
            purse.cash_median, purse.cash_sigma, spell.temporary_entrants if newcomers else spell.temporary_stock,
            history.share, history.mean * 12)

    def _populate(self, law: "Law", first: Month):
        """People in all slots as a long-settled stock would be under the law of the month before: tenure, last months'
        incomes, who is enrolled."""
        every, born = np.arange(self.size), self._births(newcomers=False)
        self._arrive(every, born, first)
        cumulative = np.cumsum(self.spells.stock, axis=1)
        u = self.streams["riders/first tenure"].uniforms(self.identity)
        for segment in range(len(self.segments)):
            mine = self.segment == segment
            self.tenure[mine] = np.searchsorted(cumulative[segment, :-1], u[mine], side="right")
        self.starts[self.tenure > 0] = 1
        for back in range(WINDOW, 0, -1):
            self._imagine(first.later(-back), back, law)
        before = first.later(-1)
        rules = self._law = law.on(before.first)
        self._base = self._bases(rules)
        match, served = self._subsidy(before)
        self.noticed[:] = served
        m, peers = self.mind, np.zeros(len(self.cities))
        once = self.streams["riders/first review"].uniforms(self.identity)
        thought = once < 1 - (1 - m.review_entry) * (1 - m.review_outside) ** self.tenure
        for _ in range(3):  # peers see one another
            u, place = self.incline(every, rules, match * served, peers)
            affordable = self.cash >= rules["pension"].flex_rate * self._base[place]
            self.enrolled[:] = thought & (u + self.taste > 0) & affordable & (self.tenure > 0)
            peers = self._enrolled_share()
        self.place[self.enrolled] = place[self.enrolled]
        self._shown = peers
        self._settle_down(rules)

    def _settle_down(self, rules: "Rulebook"):
        """What is sent home in the first month, from the imagined month before it; cash stays as drawn."""
        cash, self._costs = self.cash.copy(), self._living()
        paid = rules["pension"].flex_rate * self._base[self.place] * self.enrolled
        self._keep_house(self.income / 100 - paid - self.settings.swap.replaces * self.swaps)
        self.cash[:] = cash

    def _imagine(self, month: Month, back: int, law: "Law"):
        """A past month's income of all who rode then, and whether it met the base then in force."""
        rode = self.tenure >= back
        z = self.streams["riders/past income"].normals(self.identity, month.number)
        g = self.city, self.segment
        sigma = np.sqrt(self.settings.work.transitory) * self._sigma[g]
        usual = self._means[g] * self.factor * self.chance / self._chance[self.segment]
        income = usual * self.cities.level(month) * self.cities.season[self.city, month.month - 1]
        income *= np.where(rode, np.exp(sigma * z - sigma**2 / 2), 0)
        u = self.streams["riders/birth/start"].uniforms(self.identity)
        part = np.maximum(self.settings.work.first_month, u)
        self.income[:] = to_fen(income * np.where(self.tenure == back, part, 1))
        base = self._bases(law.on(month.first))
        self.met[:] = remember(self.met, met(self.income, base[self.city]))

    def _bases(self, rules: "Rulebook") -> np.ndarray:
        """Lower contribution bases in force, CNY/month [place]. Raises: BadInput for a place that the law omits."""
        if "pension" not in rules:
            raise BadInput(f"pension: is not in force on {rules.day}; riders need bases from eight months before "
                           "a run on")
        base = rules["pension"].base
        for place in self.places:
            if place not in base:
                raise BadInput(f"pension.base: has no base for {place!r}, a place of insurance of the world's riders")
        return np.array([base[place] for place in self.places])

    # ------------------------------------------------------------------------------------------------- day and month

    def _open_month(self, month: Month):
        """Draw each rider's pace of the month; open new books [orders, pay or risk; group, day]."""
        kernels.set_pace(self.rows, self.streams["riders/pace"].key(month.number), self.first_row, self._pace.ravel(),
                         self._monthly.ravel(), self.cities.level(month))
        self._books = np.zeros((3, self._pace.size, month.days))

    def _note(self, day: Day, rate: np.ndarray, offer: Offer, weather: Weather):
        """Write the day into the month's books: orders, CNY and risk for each order that a rider could carry."""
        work = self.settings.work
        danger = np.array([1.0, work.accidents_rain, work.accidents_extreme])
        risk = danger[weather.city_rain] / (danger @ self.cities.usual_weather)
        for book, value in zip(self._books, (np.ones(len(risk)), offer.fee, risk)):
            book[:, day.date.day - 1] = (rate * value[:, None]).ravel()

    def _injuries(self, month: Month, exposure: np.ndarray) -> np.ndarray:
        """Benefits due to who was hurt this month, fen of one person [row]. exposure: orders at usual risk [row]."""
        work, claims = self.settings.work, np.zeros(self.size, np.int64)
        shares = np.cumsum(work.claim_shares)
        keys = tuple(self.streams[f"riders/{name}"].key(month.number) for name in ("accident", "claim"))
        kernels.injure(self.rows, keys, exposure, work.accidents / 1e6, shares / shares[-1],
                       to_fen(np.array(work.claim_sizes)), claims)
        return claims

    def _living(self) -> np.ndarray:
        """Living and work of the month, beyond what is billed, CNY [row]."""
        living = self.births.living[self.city] + self.births.dependant * self.dependants
        return living + self.segments["work_cost"][self.segment] - self.settings.swap.replaces * self.swaps

    def _keep_house(self, flow: np.ndarray):
        """Close the month's purse. flow: CNY received less paid, living and other income aside [row]."""
        purse = self.settings.purse
        kernels.keep_house(self.rows, flow, self._costs, self.income / 100 + self.other,
                           (purse.target, purse.saved_below, purse.saved_above, purse.run_down))

    def _sum(self, statement: Statement, side: dict, only: str | None = None) -> np.ndarray:
        """Fen of the bills on one side of a statement, by row; living and other income are kept by himself."""
        total = np.zeros(self.size, np.int64)
        for bill in side:
            if bill == only or (only is None and bill not in (LIVING, OTHER)):
                if np.array_equal(statement.row[bill], self.identity):
                    total += side[bill]
                    continue
                rows = self.rows_of(statement.row[bill])
                here = rows >= 0
                total[rows[here]] += side[bill][here]
        return total

    def rows_of(self, identities: np.ndarray) -> np.ndarray:
        """Rows of persons by identity; -1 for who has left."""
        slot = identities >> LIFE_BITS & (1 << SLOT_BITS) - 1
        rows = self.first_row[(identities >> SLOT_BITS + LIFE_BITS) - 1] + slot
        return np.where(self.identity[rows] == identities, rows, -1)

    def _decide(self, month: Month, peers: np.ndarray):
        """Who thinks about the pension again does so; who has run out of cash pauses."""
        self.enrolled[self.enrolled & (self.cash < 0)] = False
        match, served = self._subsidy(month)
        rows = kernels.reviewers(self.mind, self.rows, self.streams["riders/review"].key(month.number), served)
        u, place = self.incline(rows, self._law, match * served[rows], peers)
        premium = self._law["pension"].flex_rate * self._base
        keys = tuple(self.streams[f"riders/{name}"].key(month.number) for name in ("keep taste", "fresh taste"))
        kernels.decide(self.mind, self.rows, rows, u, place, premium, keys)

    def incline(self, rows: np.ndarray, rules: "Rulebook", match, peers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How inclined riders are to be enrolled, before taste (logits), and their better place, [rider].

        match: share of the contribution that each expects to be given if it arrives at all.  peers: [city].
        """
        share = rules["pension"].flex_rate * (1 - match * self.trust[rows])
        here, home = share * self._base[self.city[rows]], share * self._base[self.hukou[rows]]
        money, place = self.appraise(rows, rules, here, home)
        mind = self.mind
        return mind.const + money / mind.sigma + mind.peers * peers[self.city[rows]], place

    def appraise(self, rows: np.ndarray, rules: "Rulebook", here, home) -> tuple[np.ndarray, np.ndarray]:
        """What enrolling is worth to riders in money, k yuan a month, at the better place, and that place, [rider].

        here, home: what each expects to bear in his city and in the province of his hukou, CNY a month.
        """
        money, place = np.zeros(len(rows)), np.zeros(len(rows), np.int16)
        kernels.appraise(self.mind, self._prospects(rules), self.rows, rows, self._base, here, home, money, place)
        return money, place

    def _prospects(self, rules: "Rulebook") -> kernels.Prospects:
        """What a contribution leads to under the rules, by age."""
        return kernels.prospects(self.mind, rules["pension"].account_rate)

    def _subsidy(self, month: Month) -> tuple[float, np.ndarray]:
        """The share of the contribution that a subsidy gives, and who could have had it this month (bool [row])."""
        if "pension_subsidy" not in self._law:
            return 0.0, np.zeros(self.size, bool)
        rules = self._law["pension_subsidy"]
        meets = eligible(self.met, rules.threshold_months, rules.window_months)
        return rules.match, meets & self._started(month)[self.city]

    def _started(self, month: Month) -> np.ndarray:
        """Cities in which the subsidy is paid (bool [city])."""
        if "pension_subsidy" not in self._law:
            return np.zeros(len(self.cities), bool)
        start = self._law["pension_subsidy"].start
        return np.array([key in start and start[key] <= month for key in self.cities.key])

    def _come_and_go(self, month: Month, peers: np.ndarray):
        """Time passes; some leave, newcomers take their slots."""
        spell, key = self.settings.spell, self.streams["riders/view"].key(month.number)
        kernels.grow(self.rows, self.mind, (spell.settle_after, spell.settle, spell.settle_subsidy), key,
                     self._started(month), peers)
        gone = kernels.leavers(self.rows, self.streams["riders/leave"].key(month.number), self.spells.exit,
                               spell.subsidised, int(spell.leave_age * 12))
        self.identity[gone] += 1
        self._arrive(gone, self.births, month.later(1))

    def _arrive(self, rows: np.ndarray, born: kernels.Births, month: Month):
        """New people in slots, for a month to come."""
        keys = np.array([self.streams[f"riders/birth/{purpose}"].key() for purpose in kernels.BIRTH])
        kernels.arrive(self.rows, self.mind, born, rows, keys, self.settings.work.first_month, month.days)

    def _enrolled_share(self) -> np.ndarray:
        """Enrolled share of high-frequency riders, in persons [city]."""
        busy = self.segments["high_frequency"]
        there, enrolled = self._by_group(self.weight)[:, busy], self._by_group(self.weight * self.enrolled)[:, busy]
        return enrolled.sum(axis=1) / np.maximum(there.sum(axis=1), 1)

    def _by_group(self, values: np.ndarray) -> np.ndarray:
        """Sums of values [row] by city and segment."""
        total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
        return np.diff(total[self.first_row]).reshape(self._pace.shape)


Columns = namedtuple("Columns", Riders.columns())


def largest_remainder(total: int, parts: np.ndarray) -> np.ndarray:
    """A whole number split in proportion to parts: floors first, then one each by largest remainder."""
    exact = total * parts / max(parts.sum(), 1e-300)
    whole = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def slots(cities: Cities, scale: Mapping[str, int]) -> np.ndarray:
    """Rows of each city: `scale.riders` shared among the named cities by their riders, `scale.rest_riders` for each
    other region; a city with riders has a row at least, and never more rows than riders.

    Raises: BadInput.
    """
    named, persons = cities.named, cities.riders
    rows = np.where(persons > 0, scale["rest_riders"], 0)
    rows[named] = largest_remainder(scale["riders"], persons[named].astype(float)) if named.any() else 0
    rows[named & (persons > 0) & (rows == 0)] = 1
    for key, which in (("riders", named), ("rest_riders", ~named)):
        if (rows[which] > persons[which]).any():
            most = persons[which].sum() if key == "riders" else persons[which].min()
            raise BadInput(f"scale.{key}: {scale[key]} rows are more than the riders there are; expected <= {most}")
        if (rows[which & (persons > 0)] < 1).any():
            raise BadInput(f"scale.{key}: {scale[key]} leaves regions with riders without a row; expected 1 or more")
    return rows


def first_month_mean(least: float) -> float:
    """Mean part of the first month worked: uniform on (0, 1), at least `least`: E max(u, a) = (1 + a^2) / 2."""
    return (1 + least**2) / 2
