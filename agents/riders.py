"""Delivery riders: a population of slots that works by the day, is paid by the order and thinks by the month."""

from collections import namedtuple
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from agents import birth_kernels, mind_kernels, riders_kernels, settling
from agents.base import Population
from agents.platform import Offer
from agents.streets import EXTREME, ORDERS, RAIN, Streets
from sim.calendar import Day, Month
from sim.config import BadInput, World
from sim.insurance.participation import ParticipationRules, begun
from sim.insurance.pension import interest_of_month
from sim.insurance.transfer import TransferRules, receipt
from sim.messages import People, Public, Statement, Weather, Work
from sim.network.city import Cities
from sim.network.conduct import EnrolmentSettings
from sim.network.ties import flags, ties
from sim.network.workforce import Spells
from sim.policy.benefits import exit_factor
from sim.policy.cost_sharing import counted_months, on_account
from sim.policy.pension_subsidy import eligible
from sim.streams import Streams
from sim.units import (
    CNY,
    HOURS,
    Bits,
    CNYPerMonth,
    Code,
    DayBits,
    Flag,
    Hundredths,
    Identity,
    Logit,
    Months,
    OrdersPerDay,
    Place,
    Ratio,
    Rows,
    Share,
    Wage,
    Weight,
    to_fen,
)

if TYPE_CHECKING:
    from sim.law import Law, Rulebook

MOST_PLACES = 256  # that a byte tells apart
SUBSIDY, LIVING, OTHER = "pension subsidy", "living costs", "other income"  # bills a rider tells apart

Mind = namedtuple("Mind", [name for name in EnrolmentSettings.model_fields
                           if name not in ("source", "levels", "informed")])


class Riders(Population):
    """Delivery riders. A row is a slot of the monthly active riders of a city and a segment, and stands for `weight`
    persons; who leaves is replaced, where he was, by a newcomer with a new identity.

    *Decides*: on which days and how long he works; whether to pay a pension contribution, on which base, where, and
    when to think about it again; what he keeps of his money; in which city and segment he rides; when to leave.

    *Source*: enrolment as present-biased choice with peers [Laibson1997, DufloSaez2003] fitted to the survey of over
    30,000 riders [PKU2025]; spells after [HgredartShanghai]; orders meet riders by a smoothed minimum.
    """

    SLOT_BITS, LIFE_BITS = 24, 12  # of an identity, below the group: place in it, people who had the slot before

    identity: Rows[Identity]
    weight: Rows[Weight]
    city: Rows[Place]
    district: Rows[Code]  # of the city, where his station is
    segment: Rows[Code]
    origin: Rows[Code]  # 0 local, 1 other city of the province, 2 other province, seen from where he works
    hukou: Rows[Place]  # a place of insurance: the city, or after the cities the province of hukou
    place: Rows[Place]  # of insurance, likewise
    level: Rows[Code]  # of the contribution base: position among `levels`
    traits: Rows[Bits]  # woman; hukou of the very city `hukou`; has worked in two cities; reached by information
    age: Rows[Months]
    tenure: Rows[Months]  # completed
    history: Rows[Months]  # of contributions paid in life
    stay: Rows[Months]  # of them, paid at `place` or elsewhere in its province
    former: Rows[Place]  # of other places, where most of them were paid
    past: Rows[Months]  # of them, paid there
    dependants: Rows[Code]
    starts: Rows[Code]  # first day of this month on which he rides
    met: Rows[Bits]  # months in which income met the base, the last closed one in bit 0
    roots: Rows[Hundredths]  # how far he feels a rider by trade
    temporary: Rows[Flag]  # sees the work as temporary
    enrolled: Rows[Flag]  # pays this month's premium
    swaps: Rows[Flag]  # has a battery-swap subscription
    noticed: Rows[Flag]  # has once been eligible where the subsidy is paid
    subsidised: Rows[Flag]  # received a subsidy in the last closed month
    factor: Rows[Ratio]  # his own income over the group's mean, for life
    chance: Rows[Share]  # of working on a day
    pace: Rows[OrdersPerDay]  # could be carried on a working day of this month
    days: Rows[DayBits]  # worked this month
    income: Rows[Wage]  # from the platform, of the last closed month
    other: Rows[CNYPerMonth]  # income of another job or the household
    cash: Rows[CNY]
    sent: Rows[CNY]  # to be sent home or spent next month
    account: Rows[CNY]  # own contributions in the pension account since he rides
    trust: Rows[Share]  # belief that a subsidy arrives (tau)
    beta: Rows[Share]  # present bias
    taste: Rows[Logit]  # for being insured, for life

    def __init__(self, model, world: World, cities: Cities, scale: Mapping[str, int], streams: Streams, law: "Law",
                 start: date):
        """scale: `riders` rows for the named cities together, `rest_riders` for each rest region.
        start: the run's first day; the months before it are imagined, under the law of their time.

        Raises: BadInput where rows do not fit the persons, orders not the incomes, places of insurance not the law.
        """
        counts = settling.slots(cities, scale)
        super().__init__(model, "riders", int(counts.sum()))
        self.world, self.cities, self.streams = world, cities, streams
        self.settings, self.segments = world.settings.riders, world["rider_segments"]
        self.kernels = riders_kernels
        self.spells = Spells(self.settings.spell, self.segments)
        self.streets = Streets(world, cities, self.spells)
        self.places = (*cities.key, *world["rider_hukou"]["key"])
        if len(self.places) > MOST_PLACES:
            raise BadInput(f"cities and provinces of hukou: {len(self.places)} places of insurance; expected <= "
                           f"{MOST_PLACES}")
        province = np.unique(cities.province, return_inverse=True)[1]
        self.pools = np.concatenate([province, len(province) + np.arange(len(self.places) - len(cities))])
        self._usual = self.mind = Mind(*(float(getattr(self.settings.enrolment, name)) for name in Mind._fields))
        self.levels = np.array(self.settings.enrolment.levels, float)
        self.rows = Columns(*(getattr(self, name) for name in Columns._fields))
        settling.take_slots(self, counts)
        self.births, self._charging = self.births_of(newcomers=True), self._charged()
        self.arrive(np.arange(self.size), self.births_of(newcomers=False), Month.of(start))
        self.ties = ties(self.settings.ties, streams, self.identity, self.first_row, self.streets.shape, self.segment,
                         self.hukou)
        settling.populate(self, law, Month.of(start))
        self._shown = self._enrolled_share()
        self.net = np.zeros(self.size, np.int64)  # fen of one person, of the last closed month, see `learn`

    # ---------------------------------------------------------------------------------------------------- the verbs

    def work(self, day: Day, weather: Weather, cities: Cities, offer: Offer) -> Work:
        """Live a day: who rides is drawn, orders asked meet riders on shift, batteries go to the cabinets."""
        if day.opens_month:
            self._open_month(day.month)
        (districts, segments), count = self.streets.shape, len(self.cities)
        grains, riding = np.zeros(count * districts * segments, np.int64), np.zeros(count, np.int64)
        key = self.streams["riders/day"].key(day.ordinal)
        self.kernels.turn_out(self.rows, key, day.date.day, self.first_row, self.streets.shape, grains, riding)
        capacity = grains / riders_kernels.GRAIN
        met, pay = self.streets.live(day, weather.city_rain, capacity, offer)
        energy = riding * self.settings.swap.energy / 1000  # MWh [city]
        late = (capacity.reshape(count, districts, segments) * met.late).sum(axis=(1, 2))
        return Work(day, met.asked, met.done, energy[:, None] * self._charging, pay, late)

    def close(self, month: Month, rules: "Rulebook") -> People:
        """Close a month: incomes are known, the window of qualifying months moves on. What others may see of it."""
        self.take_law(rules, month)
        streets, work, sums = self.streets, self.settings.work, np.empty((4, self.size))
        lower = self.lower[:len(self.cities)]
        self.kernels.settle(self.rows, self.first_row, streets.shape, streets.books, lower, sums)
        self._shown = self._enrolled_share()
        usual = np.array([1.0, work.accidents_rain, work.accidents_extreme]) @ self.cities.usual_weather
        exposure = sums[ORDERS] + (work.accidents_rain - 1) * sums[RAIN] + (work.accidents_extreme - 1) * sums[EXTREME]
        claims = self._injuries(month, exposure / usual[self.city])
        named = list(rules["pension"].base)
        number = np.array([named.index(place) for place in self.places], np.int16)
        shown = self._show(sums)
        people = People(
            month, self.identity.copy(), self.weight, self.city.astype(np.int16), number[self.place],
            self.income.astype(np.int64), swaps=self.swaps.copy(), enrolled=self.enrolled.copy(), met=self.met.copy(),
            claims=claims, segment=self.segment.copy(), age=self.age.copy(), tenure=self.tenure.copy(),
            history=self.history.copy(), dependants=self.dependants.copy(),
            migrant=self.origin != mind_kernels.LOCAL, origin=self.origin.copy(), second=self.other.copy(),
            crossed=(self.traits & birth_kernels.CROSSED) > 0,
            temporary=self.temporary.copy(), penalties=self._penalties(), **shown._asdict())
        self._leaves, self._credited = exit_factor(rules, people), self._credit(people, rules)
        return people

    def learn(self, statement: Statement, public: Public):
        """Close one's purse on what was received and paid; review and decide; age; leave, move, be replaced.

        Leaves in `net` what each received less what he paid, but for living, fen [row], of who was here this month.
        """
        flow = self.net = np.zeros(self.size, np.int64)
        self.subsidised[:] = False
        for side, sign in ((statement.received, 1), (statement.paid, -1)):
            for bill in side:
                if bill not in (LIVING, OTHER):  # kept by himself
                    self._book(flow, statement.row[bill], side[bill], sign)
                if bill == SUBSIDY:
                    rows = self.rows_of(statement.row[bill])
                    self.subsidised[rows[(rows >= 0) & (side[bill] > 0)]] = True
        streams, month = self.streams, self._month
        self.streets.close_month()
        self.account[:] += self._credited
        keys = riders_kernels.Keys(*(streams[f"riders/{name.replace('_', ' ')}"].key(month.number)
                                     for name in riders_kernels.Keys._fields[:-1]), self._birth_keys())
        self.kernels.reflect(
            self.rows, self.mind, self._prospects(), self.births, self._country(), self.terms(),
            self.habits(month.later(1)), self._leaves, keys, flow, flags(self.enrolled), self.city.copy(), self.ties)
        self._campaign(month)

    def peer_share(self) -> np.ndarray:
        """Share of high-frequency riders who paid the last closed month's premium [city]: what everybody may see."""
        return self._shown

    # ----------------------------------------------------------------------------------------------- setting the scene

    def _charged(self) -> np.ndarray:
        """MW at the cabinets for a MWh that a day's riding took [city, hour]."""
        after = int(self.settings.swap.delay)
        return np.mean([np.roll(self.cities.hourly, k, axis=1) for k in range(1, after + 1)], axis=0) / HOURS

    def births_of(self, newcomers: bool) -> birth_kernels.Births:
        """What people are drawn from: newcomers, or the stock that stands at a run's beginning."""
        s, t, spell, purse = self.segments, self.world, self.settings.spell, self.settings.purse
        ages, history, streets = t["rider_ages"], self.settings.history, self.streets
        person = self.settings.person
        return birth_kernels.Births(
            streets.personal, streets.means, streets.chance, s["spread"], s["swaps"], s["other_median"],
            s["other_sigma"], np.cumsum(self.cities.origins, axis=1), t["rider_tiers"]["living"][self.cities.tier],
            np.cumsum(ages["entrants" if newcomers else "stock"]), ages["first"] * 12,
            (ages["last"] - ages["first"] + 1) * 12, np.cumsum(t["rider_households"]["share"]),
            t["rider_households"]["dependants"], np.cumsum(t["rider_hukou"]["share"]), purse.dependant,
            purse.cash_median, purse.cash_sigma, spell.temporary_entrants if newcomers else spell.temporary_stock,
            history.share, history.home, history.mean * 12, person.women, person.crossed,
            self.settings.enrolment.informed)

    def bases(self, rules: "Rulebook") -> np.ndarray:
        """Lower contribution bases in force, CNY/month [place]. Raises: BadInput for a place that the law omits."""
        if "pension" not in rules:
            raise BadInput(f"pension: is not in force on {rules.day}; riders need bases from eight months before "
                           "a run on")
        base = rules["pension"].base
        for place in self.places:
            if place not in base:
                raise BadInput(f"pension.base: has no base for {place!r}, a place of insurance of the world's riders")
        return np.array([base[place] for place in self.places])

    def take_law(self, rules: "Rulebook", month: Month):
        """Read the month's law once: bases and contributions in fen [place] and [place, level].

        Raises: BadInput for a place that the law omits.
        """
        self._law, self._base, self._month = rules, self.bases(rules), month
        self.lower, self.chosen = to_fen(self._base), to_fen(self._base[:, None] * self.levels)
        self.premium = to_fen(self._base[:, None] * self.levels * rules["pension"].flex_rate)

        part = rules["participation"] if "participation" in rules else ParticipationRules()
        usual = self._usual
        self.mind = usual._replace(friction=usual.friction * part.trouble,
                                   transfer_cost=usual.transfer_cost * part.moving,
                                   vest_away=min(usual.vest_away * part.lost, 1.0))
        self._part = part

    # ------------------------------------------------------------------------------------------------- day and month

    def _open_month(self, month: Month):
        """Draw each rider's pace of the month; open new books."""
        self.kernels.set_pace(self.rows, self.streams["riders/pace"].key(month.number), self.streets.pace,
                              self.streets.monthly, self.cities.level(month))
        self.streets.open_month(month.days)

    def _show(self, sums: np.ndarray) -> riders_kernels.Shown:
        """What is reckoned of the month for others to see. sums: of the month's books [book, row]."""
        kinds = {"here": bool, "home": bool, "female": bool, "days": np.uint8, "hours": np.float32, "orders": np.int32,
                 "rain_orders": np.int32, "extreme_orders": np.int32}
        shown = riders_kernels.Shown(*(np.empty(self.size, kinds.get(name, np.int64))
                                       for name in riders_kernels.Shown._fields))
        hours = self.segments["hours"] * self.streets.effort / self.streets.days
        law = self.lower, self.premium, self.chosen
        self.kernels.show(self.rows, sums, self.habits(self._month), law, hours, shown)
        return shown

    def _credit(self, people: People, rules: "Rulebook") -> np.ndarray:
        """What a month adds to accounts beside one's own contribution, CNY [row]: interest, and what orders paid."""
        credit = np.zeros(self.size, np.int64)
        if "pension_account" in rules:
            credit += interest_of_month(people.account, rules["pension_account"].interest)
        if "order_scheme" in rules:
            scheme = rules["order_scheme"]
            covered = begun(scheme.start, people.month, self.cities.key)[self.city]
            credit += on_account(people.orders, covered, scheme)
            part = np.where(covered & ~self.enrolled, counted_months(people.orders, people.premium, scheme), 0.0)
            u = self.streams["riders/counted"].uniforms(self.identity, people.month.number)
            self.history[:] += (u < part).astype(self.history.dtype)  # whole months, as many as there are in the mean
        return credit / 100

    def _campaign(self, month: Month):
        """A campaign reaches some of those whom no information has reached."""
        reached = np.where(begun(self._part.campaign_start, month, self.cities.key), self._part.reached, 0.0)
        if reached.any():
            u = self.streams["riders/campaign"].uniforms(self.identity, month.number)
            self.traits[u < reached[self.city]] |= np.uint8(birth_kernels.INFORMED)

    def _penalties(self) -> np.ndarray:
        """Kept back for late deliveries this month, fen of one person [row]."""
        lost, streets = self.streets.lost, self.streets
        if not lost.any():
            return np.zeros(self.size, np.int64)
        sums, (districts, segments) = np.zeros(self.size), streets.shape
        group = (self.city.astype(np.int64) * districts + self.district) * segments + self.segment
        for day in range(lost.shape[1]):
            sums += lost[group, day] * (self.days >> np.uint32(day) & np.uint32(1))
        return to_fen(sums * self.pace)

    def _injuries(self, month: Month, exposure: np.ndarray) -> np.ndarray:
        """Benefits due to who was hurt this month, fen of one person [row]. exposure: orders at usual risk [row]."""
        work, claims = self.settings.work, np.empty(self.size, np.int64)
        shares = np.cumsum(work.claim_shares)
        keys = tuple(self.streams[f"riders/{name}"].key(month.number) for name in ("accident", "claim"))
        self.kernels.injure(self.rows, keys, exposure, work.accidents / 1e6, shares / shares[-1],
                            to_fen(np.array(work.claim_sizes)), claims)
        return claims

    def _book(self, flow: np.ndarray, who: np.ndarray, amount: np.ndarray, sign: int):
        """Add a bill to the flows of who is named in it, fen [row]."""
        self.kernels.book(flow, self.first_row, self.identity, amount, who, sign, (self.LIFE_BITS, self.SLOT_BITS))

    def rows_of(self, identities: np.ndarray) -> np.ndarray:
        """Rows of persons by identity; -1 for who has left."""
        slot = identities >> self.LIFE_BITS & (1 << self.SLOT_BITS) - 1
        rows = self.first_row[(identities >> self.SLOT_BITS + self.LIFE_BITS) - 1] + slot
        return np.where(self.identity[rows] == identities, rows, -1)

    # --------------------------------------------------------------------------------------------------- the decision

    def look_round(self) -> np.ndarray:
        """Share of each rider's ties who paid the closed month's premium [row]; none without ties."""
        share = np.zeros(self.size, np.float32)
        self.kernels.look_round(self.ties, 0, self.size, flags(self.enrolled), share)
        return share

    def incline(self, rows: np.ndarray, terms: mind_kernels.Terms, peers: np.ndarray
                ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How inclined riders are to be enrolled, before taste (logits), their better place and level, [rider].

        peers: share of his ties who are enrolled [row].
        """
        u, place, level = np.zeros(len(rows)), np.zeros(len(rows), np.int16), np.zeros(len(rows), np.uint8)
        self.kernels.incline(self.mind, self._prospects(), self.rows, rows, terms, peers, 0, u, place, level)
        return u, place, level

    def appraise(self, rows: np.ndarray, here, home, levels: np.ndarray
                 ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What enrolling is worth to riders in money, k yuan a month, at the better place and level, and these,
        [rider].

        here, home: what each expects to bear on the lower base in his city and in the province of his hukou, CNY a
        month.  levels: bases that may be chosen, multiples of the lower one.
        """
        money, place, level = np.zeros(len(rows)), np.zeros(len(rows), np.int16), np.zeros(len(rows), np.uint8)
        offer = mind_kernels.Offer(self._base, self._law["pension"].flex_rate, levels, self.pools, self._receipt())
        self.kernels.appraise(self.mind, self._prospects(), self.rows, rows, offer, here, home, money, place, level)
        return money, place, level

    def _prospects(self) -> mind_kernels.Prospects:
        """What a contribution leads to under the month's law, by age."""
        return mind_kernels.prospects(self.mind, self._law["pension"].account_rate)

    def terms(self) -> mind_kernels.Terms:
        """What the month's law asks of riders and gives them."""
        match, qualifies, started = 0.0, np.zeros(256, bool), np.zeros(len(self.cities), bool)
        only = "choice"
        pension = self._law["pension"]
        if "pension_subsidy" in self._law:
            rules = self._law["pension_subsidy"]
            match, only = rules.match, rules.place
            qualifies = eligible(np.arange(256), rules.threshold_months, rules.window_months)
            started[:] = [key in rules.start and rules.start[key] <= self._month for key in self.cities.key]
        nudge = np.where(begun(self._part.automatic_start, self._month, self.cities.key), self._part.automatic, 0.0)
        return mind_kernels.Terms(self._base, pension.flex_rate, self.levels, self.pools, self._receipt(),
                                  self.premium / 100, self.chosen / 100 * pension.account_rate, match, qualifies,
                                  started, only != "hukou", only != "workplace", nudge)

    def _receipt(self) -> int:
        """Months paid in one place after which nothing need be moved: one draws there. None where a pool is
        national."""
        if "pension_transfer" not in self._law:
            return mind_kernels.NEVER
        rules = self._law["pension_transfer"]
        return 0 if rules.national else rules.receipt

    def drawn_at(self, rules: TransferRules) -> np.ndarray:
        """Place in which each would draw a pension if he paid no further month, [row]. Where more than two places have
        the months that the law asks for, only the two that are told apart are known."""
        pool, places = self.pools, np.column_stack([self.former, self.place])
        found = receipt(pool[places], np.column_stack([self.past, self.stay]), pool[self.hukou], rules)
        return np.select([found == pool[self.hukou], found == pool[self.place]], [self.hukou, self.place], self.former)

    def habits(self, month: Month) -> mind_kernels.Habits:
        """How riders keep house, settle and leave; newcomers arrive for a month to come."""
        spell, purse = self.settings.spell, self.settings.purse
        share, down = self.segments["share"], self.segments["next"]
        up = np.concatenate([[0.0], down[:-1] * share[:-1] / np.maximum(share[1:], 1e-12)])
        return mind_kernels.Habits(
            self.births.living, purse.dependant, self.settings.swap.replaces, self.segments["work_cost"], purse.target,
            purse.saved_below, purse.saved_above, purse.run_down, int(spell.settle_after), spell.settle,
            spell.settle_subsidy, int(spell.root_month), int(spell.root_receipt), self.spells.exit, spell.subsidised,
            spell.rooted, int(spell.leave_age * 12), down, up, self.settings.work.first_month, month.days)

    # ---------------------------------------------------------------------------------------------- coming and going

    def arrive(self, rows: np.ndarray, born: birth_kernels.Births, month: Month):
        """New people in slots, for a month to come."""
        self.kernels.arrive(self.rows, self.mind, born, rows, self._birth_keys(), self.settings.work.first_month,
                            month.days)

    def _birth_keys(self) -> np.ndarray:
        return np.array([self.streams[f"riders/birth/{purpose}"].key() for purpose in birth_kernels.BIRTH])

    def _country(self) -> mind_kernels.Country:
        """What is known of all cities by who looks at another one."""
        cities, streets, move = self.cities, self.streets, self.settings.move
        alike = (cities.named[:, None] == cities.named) * cities.riders
        alike = alike / np.maximum(alike.sum(axis=1, keepdims=True), 1)
        living = self.births.living[:, None]
        better = move.pull * streets.means * (streets.tightness[:, None] - 1) / living
        province = np.unique(cities.province, return_inverse=True)[1].astype(np.int64)
        station = np.cumsum(streets.districts.station, axis=1)
        best = np.where(alike[:, :, None] > 0, better, -np.inf).max(axis=1, initial=-np.inf)
        return mind_kernels.Country(alike, np.cumsum(alike, axis=1), ~cities.named, province, better, best,
                                    move.pull * move.cost / 12 / living[:, 0], move.friends, move.look,
                                    station / np.maximum(station[:, -1:], 1e-300))

    def _enrolled_share(self) -> np.ndarray:
        """Enrolled share of high-frequency riders, in persons [city]."""
        there, enrolled = np.zeros((2, len(self.cities)), np.int64)
        self.kernels.enrolled_among(self.rows, self.segments["high_frequency"], there, enrolled)
        return enrolled / np.maximum(there, 1)


Columns = namedtuple("Columns", Riders.columns())
