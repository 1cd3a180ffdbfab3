"""How certificates are offered and bid for: the decisions that plants' owners and users share."""

from datetime import date

import numpy as np

from sim.certificates import BUNDLED, CURRENT, EARLIER, KWH
from sim.config import Table
from sim.messages import Orders
from sim.units import Ratio

COLUMNS = 3
STEPS = 5  # of willingness to pay, each of as many certificates
PATIENCE: Ratio = 0.1  # by which a certificate that can wait must be dearer than the last ones


def offers(units: np.ndarray, scene) -> Orders:
    """What the owner of some plants (rows of `grid.units`) sells.

    Of each vintage an even part of what it holds must go in this month, so that all is sold when the vintage ends or
    stops to count for the year; that part is offered at the cost of its transfer. The rest can wait: it is offered a
    tenth above the last price, before there was one at what obliged users pay at most. What the month will make is
    offered with its energy, up to the law's limit, at what a certificate by itself brought last.

    *Source*: even sales until a deadline and the tenth are [assumption]; sellers who cannot store beyond it compete
    their price down to the cost of a sale.
    """
    registry, rules, month = scene.certificates, scene.rules, scene.now.month
    last = scene.public.traded.get("green", {})
    lots, column = registry.lots(), registry.column(month)
    months = np.where(column == CURRENT, 13 - month.later(-1).month, lots.vintage + rules.validity - month.number)
    own = lots.tradable & np.isin(lots.holder, units)
    hurry, patient = np.zeros((2, registry.units, COLUMNS))
    for vintages in (CURRENT, EARLIER):
        mine = own & (column == vintages)
        now = np.ceil(lots.count[mine] / np.maximum(months[mine], 1))
        np.add.at(hurry[:, vintages], lots.holder[mine], now)
        np.add.at(patient[:, vintages], lots.holder[mine], lots.count[mine] - now)
    hurry[:, BUNDLED] = np.floor(rules.bundled * registry.issued_last)
    price = np.full((2, COLUMNS), rules.fee)
    price[1] = [max(rules.fee, (1 + PATIENCE) * last.get(name, rules.alternative / (1 + PATIENCE)))
                for name in ("price_current", "price_earlier", "price_bundled")]
    price[0, BUNDLED] = max(rules.fee, last.get("price_current", rules.fee))
    each = np.ones((len(units), 1))
    return spoken(Orders.sell(units, hurry[units], price[0] * each, hours=COLUMNS),
                  Orders.sell(units, patient[units], price[1] * each, hours=COLUMNS))


class Wants:
    """What classes of users want, from the table `green_demand`: the row in force on a day.

    table: the world's.  classes: key of the class of each buyer [buyer].
    """

    def __init__(self, table: Table, classes):
        self._rows = {key: sorted((row for row in table if row.user_class == key), key=lambda row: row.since)
                      for key in dict.fromkeys(classes)}
        self._classes = list(classes)

    def on(self, day: date) -> np.ndarray:
        """obligation, voluntary, willingness, bundled and earlier, [5, buyer]; zeros for who wants nothing yet."""
        found = np.zeros((5, len(self._classes)))
        for i, key in enumerate(self._classes):
            for row in self._rows[key]:
                if row.since <= day:
                    found[:, i] = row.obligation, row.voluntary, row.willingness, row.bundled, row.earlier
        return found

    def bids(self, parties: np.ndarray, scene) -> Orders:
        """What these parties (one a buyer) bid for.

        Obliged users buy what they lack for the year so far and the month that opens, at what the law has them pay
        instead. Others buy for last month's consumption, in steps of equal size whose willingness to pay is that of
        the middle of each step.
        """
        registry, rules, month = scene.certificates, scene.rules, scene.now.month
        obligation, voluntary, willingness, bundled, earlier = self.on(scene.now.date)
        column = registry.column(month)
        have = registry.held(column == CURRENT)[parties] + registry.covered[parties]
        used, last = registry.used[parties] / KWH, registry.used_last[parties] / KWH
        must = np.zeros((len(parties), COLUMNS))
        if month.month > 1:  # in January last year's account is closed, and what it traded in does not count for this one
            must[:, CURRENT] = np.floor(np.maximum(obligation * (used + last) - have, 0))
        share = np.stack([(1 - bundled) * (1 - earlier), (1 - bundled) * earlier, bundled], axis=1)
        would = np.floor((voluntary * last)[:, None] * share / STEPS)
        price = -np.log((np.arange(STEPS) + 0.5) / STEPS)[:, None] * willingness  # [step, buyer]
        steps = [Orders.buy(parties, would, np.repeat(one[:, None], COLUMNS, axis=1), hours=COLUMNS) for one in price]
        return spoken(Orders.buy(parties, must, rules.alternative, hours=COLUMNS), *steps)


def spoken(*orders: Orders) -> Orders:
    """The orders that want anything."""
    some = [(one, one.volume.any(axis=1)) for one in orders]
    return Orders.gather(Orders(o.unit[w], o.side[w], o.price[w], o.volume[w]) for o, w in some)
