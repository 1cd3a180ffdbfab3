"""High-cost generation: plants that cannot live from the prices of a clean province, paid for by its users."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from sim.calendar import Month
from sim.config import Section, bounded
from sim.messages import Transfer
from sim.network.grid import PLANT, USER
from sim.policy.base import Instrument
from sim.settlement import meters
from sim.settlement.owing import owed_parties, shared
from sim.units import HOURS, CNYPerMWh

if TYPE_CHECKING:
    from sim.facts import Facts

Technology = Literal["coal", "gas", "nuclear", "biomass"]


class PassThroughRules(Section):
    """Key `pass_through`. approved: approved cost by zone and technology; a zone without one passes nothing through.
    allocation: `uniform` by what users used in the month, `load_curve` by what they used in the hours in which the
    high-cost plants ran.
    """

    approved: dict[str, dict[Technology, bounded(CNYPerMWh, ge=0)]]
    allocation: Literal["uniform", "load_curve"]


class PassThrough(Instrument):
    """Users -> grid company -> plants: approved cost less what spot and contracts paid, where they paid less.

    A plant's month in which the market paid more is not set off. The levy is the sum of the zone's payments, split over
    all that used energy there: whole fen, nothing is left. Only energy that the spot settles counts; at administered
    prices there is no market to make good.

    *Source*: the reported levy on users for coal, gas and pumped storage above the clean price; its formula here is
    [assumption]: sum over hours of energy x (cost - price), over the users' energy.
    """

    key = "pass_through"
    Rules = PassThroughRules

    def apply(self, month: Month, facts: "Facts", rules: PassThroughRules) -> list[Transfer]:
        """The month's payments by plant and the levy that they make, zone by zone."""
        grid, units = facts.grid, facts.grid.units
        used, due = consumption(facts), np.zeros(len(facts.party_bus), np.int64)
        for z, zone in enumerate(grid.zone):
            costs = rules.approved.get(zone, {})
            plants = np.flatnonzero((units.kind == PLANT) & (grid.bus_zone[units.bus] == z)
                                    & np.isin(units.technology, list(costs)))
            here = grid.bus_zone[facts.party_bus] == z
            weight = weights(used * here[:, None], np.maximum(facts.output[plants], 0).sum(axis=0), rules.allocation)
            if not weight.any():  # without a user there is nobody for whom they ran
                continue
            paid = shortfall(facts, plants, np.array([costs[technology] for technology in units.technology[plants]]))
            due -= shared(int(paid.sum()), weight)
            due[plants] += paid
        return owed_parties("high-cost generation", due, facts)


def shortfall(facts: "Facts", plants: np.ndarray, approved: np.ndarray) -> np.ndarray:
    """Fen [plant] by which the market paid less than the approved cost (CNY/MWh [plant]) of the month's output.

    10 MWh at 300 and 30 MWh at 200 of a plant whose cost is 335.80: 40 x 335.80 - 9,000 = 4,432 yuan.
    """
    energy = meters.kwh(np.maximum(facts.output[plants], 0) * facts.settled)
    earned = (energy * meters.cents(facts.price)[facts.grid.units.bus[plants]]).sum(axis=1)
    earned += np.rint(contracts(facts)[plants] * 100_000).astype(np.int64)
    return meters.fen(np.maximum(energy.sum(axis=1) * meters.cents(approved) - earned, 0))


def contracts(facts: "Facts") -> np.ndarray:
    """CNY [party] that contracts for difference paid in the month: contract price less the reference's day-ahead price
    (the only one where there is no other), on every hour that the spot settles."""
    price = np.where(facts.ahead.hours, facts.ahead.price, facts.price)
    gain = np.zeros(len(facts.party_bus))
    settled = facts.settled.reshape(-1, HOURS)
    for book in facts.positions.books.values():
        value = price[book.reference].reshape(-1, HOURS)
        gain += book.value @ settled.sum(axis=0) - book.sold @ (value * settled).sum(axis=0)
    return gain


def weights(used: np.ndarray, ran: np.ndarray, allocation: str) -> np.ndarray:
    """What each user's part of the levy is proportional to, [user].

    used: kWh [user, H].  ran: MW [H] of the high-cost plants. By the load curve an hour's part of what ran is shared in
    proportion to what was used in it.
    """
    whole = used.sum(axis=0)
    if allocation == "uniform" or not (ran * whole).any():  # who did not run is owed nothing, however it is shared
        return used.sum(axis=1)
    return np.divide(used, whole, out=np.zeros(used.shape), where=whole > 0) @ ran


def consumption(facts: "Facts") -> np.ndarray:
    """kWh [party, H] of large users and user rows; 0 for all others."""
    large = np.where((facts.grid.units.kind == USER)[:, None], meters.kwh(np.maximum(-facts.output, 0)), 0)
    return np.concatenate([large, meters.kwh(facts.consumption * meters.served(facts)[facts.user_bus])])
