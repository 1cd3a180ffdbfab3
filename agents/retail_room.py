"""The retail room in a run: who is there when it begins, the months of choice before it, what its energy cost in a
month."""

from typing import TYPE_CHECKING

import numpy as np

from agents.accounts import Accounts
from agents.retailers import Retailers
from agents.shop import Shop, Wholesale
from sim import retail
from sim.calendar import Month
from sim.config import BadInput
from sim.retail import RetailRules

if TYPE_CHECKING:
    from agents.users import Users
    from sim.config import Config
    from sim.facts import Facts
    from sim.law import Law
    from sim.streams import Streams


def shop(model, config: "Config", users: "Users", streams: "Streams") -> tuple[Accounts, Retailers, Shop | None]:
    """The retail room of a run; without accounts (`scale.users` 0) both populations are empty and there is no shop.

    Raises: BadInput for accounts that the law does not know, or too few to have one in every place.
    """
    world, law, count = config.world, config.law.on(config.start), config.scale["users"]
    for key in ("retail", "credit"):
        if count and key not in law:
            raise BadInput(f"{config.path}: scale.users: {count} accounts where the law has no {key} on "
                           f"{config.start}; expected 0, or that law")
    how = world.settings.retail
    accounts = Accounts(model, count=count, classes=world["retail_classes"], choosing=how.choosing,
                        splits=world["load_split"], stream=streams["retail/accounts"],
                        entry_cost=law["retail"].entry_cost if count else 0.0)
    if 0 < len(accounts) < len(accounts.rows):
        raise BadInput(f"{config.path}: scale.users: {count} accounts for {len(accounts.rows)} places and classes; "
                       "expected one each at least, or 0")
    retailers = Retailers(model, count=(how.selling.retailers + 1) * (len(accounts) > 0), selling=how.selling,
                          rows=accounts.rows, users=users, trading=world.settings.contracts,
                          stream=streams["retail/retailers"], capital=law["retail"].capital if count else 0.0)
    users.at_retail[accounts.rows] = True
    if not len(accounts):
        return accounts, retailers, None
    zone = np.unique(users.zone[accounts.rows], return_inverse=True)[1]
    return accounts, retailers, Shop(accounts, retailers, how, zone, law["retail"], law["credit"],
                                     streams["retail/history"])


def rehearsed(room: Shop, users: "Users", law: "Law", start: Month):
    """Live the months of choice before a run, at normal prices about which a month's price varies as it may."""
    room.begin()
    rows, zones = room.accounts.rows, np.unique(users.zone[room.accounts.rows])
    normal = users.prospect.price[users.grid_zone[zones]]
    months = [start.later(-k) for k in range(room.settings.history, 0, -1)]
    for month in months:
        book = law.on(month.first)
        if "retail" not in book or "credit" not in book:
            continue
        factor = max(1 + room.settings.spread * float(room.stream.normals(0, month.number)[0]), 0.3)
        power = users.expected[month.month - 1, rows].mean(axis=1)
        room.rehearse(month, normal, factor, power, book["retail"], book["credit"])
    room.begin()


def wholesale(room: Shop, facts: "Facts", transfers: list, rules: RetailRules) -> Wholesale:
    """What the served rows' energy cost this month, from the bills that the month made. transfers: those of markets."""
    rows, users = room.accounts.rows, len(facts.user_bus)
    spot = retail.paid_by_row(transfers, retail.ENERGY, users)[rows]
    ahead = retail.paid_by_row(transfers, retail.AHEAD, users)[rows]
    energy, cost = retail.by_period(facts, rows, rules, spot)
    held, value = room.retailers.ahead(facts)
    green = facts.trades.get(("green", "month"))
    price = green.public.get("price_current", 0.0) if green is not None else 0.0  # nothing sold, nothing to pay for
    return Wholesale(energy, cost, held, value, ahead / 100, spot + ahead, float(price))
