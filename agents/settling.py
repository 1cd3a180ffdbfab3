"""Who rides when a run begins: slots for every rider, and people in them as a long-settled stock would be."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from agents import birth_kernels
from agents.draws_kernels import low, word
from sim.calendar import Month
from sim.config import BadInput
from sim.network.city import Cities
from sim.policy.pension_subsidy import met, remember
from sim.units import to_fen

if TYPE_CHECKING:
    from agents.riders import Riders
    from sim.law import Law

GOLDEN, SILVER = 0.6180339887498949, 0.4142135623730951  # multiples, modulo one, fill the unit interval evenly
WINDOW = 8  # months kept in `met`; the law looks at fewer


def take_slots(riders: "Riders", counts: np.ndarray):
    """Give each row its slot: city, district, segment, weight and first identity.

    A city's slots get segments and districts in an order that keeps the shares at every length, so that one slot more
    changes no other's; then the rows of a district and segment are put together. An identity is the group, the place in
    it, and how many people had the slot before.
    """
    (districts, segments), first = riders.streets.shape, [0]
    share, station = np.cumsum(riders.segments["share"]), np.cumsum(riders.streets.districts.station, axis=1)
    ends = np.cumsum(counts)
    for city, (start, end) in enumerate(zip(ends - counts, ends)):
        place = np.arange(end - start) + 0.5
        segment = np.minimum(np.searchsorted(share, np.modf(place * GOLDEN)[0], side="right"), segments - 1)
        last = int(riders.cities.districts[city]) - 1
        district = np.minimum(np.searchsorted(station[city], np.modf(place * SILVER)[0], side="right"), last)
        group = district * segments + segment
        order = np.argsort(group, kind="stable")
        riders.city[start:end], riders.district[start:end] = city, district[order]
        riders.segment[start:end] = segment[order]
        riders.weight[start:end] = largest_remainder(int(riders.cities.riders[city]), np.ones(end - start))[order]
        first.append(np.bincount(group, minlength=districts * segments))
    riders.first_row = np.concatenate([[0], np.cumsum(np.concatenate(first[1:] or [[]]), dtype=np.int64)])
    groups = (riders.city.astype(np.int64) * districts + riders.district) * segments + riders.segment
    place = np.arange(riders.size) - riders.first_row[groups]
    riders.identity[:] = (groups + 1 << riders.SLOT_BITS + riders.LIFE_BITS) + (place << riders.LIFE_BITS)


def populate(riders: "Riders", law: "Law", first: Month):
    """People in all slots as a long-settled stock would be under the law of the month before: tenure, roots, last
    months' incomes, who is enrolled."""
    spell, streams = riders.settings.spell, riders.streams
    riders.arrive(np.arange(riders.size), riders.births_of(newcomers=False), first)
    cumulative = np.cumsum(riders.spells.stock, axis=1)
    u = streams["riders/first tenure"].uniforms(riders.identity)
    for segment in range(len(riders.segments)):
        mine = riders.segment == segment
        riders.tenure[mine] = np.searchsorted(cumulative[segment, :-1], u[mine], side="right")
    riders.starts[riders.tenure > 0] = 1
    riders.roots[:] = np.minimum(riders.tenure.astype(np.int64) * spell.root_month, 100)
    _wander(riders)
    for back in range(WINDOW, 0, -1):
        _imagine(riders, first.later(-back), back, law)
    _enrol(riders, law, first.later(-1))


def _wander(riders: "Riders"):
    """Who has worked in two cities in the months that he has ridden, beside those who had before."""
    look = riders.settings.move.look / 2  # half of who looks goes, at usual incomes
    u = riders.streams["riders/first moves"].uniforms(riders.identity)
    wandered = u < 1 - (1 - look) ** riders.tenure.astype(float)
    riders.traits[wandered] |= np.uint8(birth_kernels.CROSSED)


def _enrol(riders: "Riders", law: "Law", before: Month):
    """Who is enrolled when the run begins, and at what place."""
    rules, every = law.on(before.first), np.arange(riders.size)
    riders.take_law(rules, before)
    terms = riders.terms()
    riders.noticed[:] = terms.qualifies[riders.met] & terms.started[riders.city]
    m, peers = riders.mind, np.zeros(riders.size, np.float32)
    once = riders.streams["riders/first review"].uniforms(riders.identity)
    thought = once < 1 - (1 - m.review_entry) * (1 - m.review_outside) ** riders.tenure.astype(float)
    for _ in range(3):  # peers see one another
        u, place, level = riders.incline(every, terms, peers)
        affordable = riders.cash >= riders.premium[place, level] / 100
        riders.enrolled[:] = thought & (u + riders.taste > 0) & affordable & (riders.tenure > 0)
        peers = riders.look_round()
    paying = np.flatnonzero(riders.enrolled)
    riders.kernels.insure(riders.rows, paying, place[paying], terms.pool)
    riders.level[paying] = level[paying]
    cash = riders.cash.copy()  # what is sent home in the first month follows the imagined month before; cash stays
    paid = riders.premium[riders.place, riders.level] * riders.enrolled
    flow = riders.income - paid - to_fen(riders.settings.swap.replaces) * riders.swaps
    riders.kernels.keep_house(riders.rows, 0, riders.size, flow, riders.habits(before.later(1)))
    riders.cash[:] = cash


def _imagine(riders: "Riders", month: Month, back: int, law: "Law"):
    """A past month's income of all who rode then, and whether it met the base then in force."""
    rode, streets, g = riders.tenure >= back, riders.streets, (riders.city, riders.segment)
    z = riders.streams["riders/past income"].normals(riders.identity, month.number)
    sigma = np.sqrt(riders.settings.work.transitory) * streets.sigma[g]
    usual = streets.means[g] * riders.factor * riders.chance / streets.chance[riders.segment]
    income = usual * riders.cities.level(month) * riders.cities.season[riders.city, month.month - 1]
    income *= np.where(rode, np.exp(sigma * z - sigma**2 / 2), 0)
    key = np.full(1, riders.streams[f"riders/birth/{birth_kernels.BIRTH[birth_kernels.START]}"].key())
    u = low.py_func(word.py_func(key, riders.identity.astype(np.uint64)))
    part = np.maximum(riders.settings.work.first_month, u)
    riders.income[:] = to_fen(income * np.where(riders.tenure == back, part, 1))
    base = riders.bases(law.on(month.first))
    riders.met[:] = remember(riders.met, met(riders.income, base[riders.city]))


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
