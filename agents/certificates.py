"""How certificates are offered and bid for: the decisions that plants' owners and users share."""

from datetime import date

import numpy as np

from sim.certificates import BUNDLED, CURRENT, EARLIER, FREE, KWH
from sim.config import Table
from sim.messages import Orders

COLUMNS = 3
STEPS = 5  # of willingness to pay, each of as many certificates


def offers(units: np.ndarray, scene) -> Orders:
    """What the owner of some plants (rows of `grid.units`) sells: all that it holds and gains by, and of what the month
    will make as much with its energy as the law lets it.

    It asks what a certificate is worth kept: the cost of a sale, plus the last price above that cost times the chance
    to get it later, see `worth_kept`. What will be made is asked what a new certificate is worth kept.

    *Source*: the value of waiting; that the next price is expected to be the last and the chance to be that of all
    who offered is [assumption].
    """
    registry, month = scene.certificates, scene.now.month
    if not scene.public.traded.get("green", {}).get("willingness_current"):
        return Orders.none()  # who has seen no bid yet does not know what to ask
    column, lots = registry.column(month), registry.lots()
    mine = np.isin(lots.holder, units) & (lots.kind == FREE)
    kept = worth_kept(lots.vintage, column, scene)
    volume, price = np.zeros((registry.units, COLUMNS)), np.zeros((registry.units, COLUMNS))
    at = lots.holder[mine], column[mine]
    np.add.at(volume, at, lots.count[mine])
    np.add.at(price, at, (lots.count * kept)[mine])
    price = np.divide(price, volume, out=np.full_like(price, scene.rules.fee), where=volume > 0)
    volume[:, BUNDLED] = np.floor(scene.rules.bundled * registry.issued_last)
    price[:, BUNDLED] = worth_kept(np.array([month.number]), np.array([CURRENT]), scene)[0]
    return spoken(Orders.sell(units, volume[units], price[units], hours=COLUMNS))


def worth_kept(vintage: np.ndarray, column: np.ndarray, scene) -> np.ndarray:
    """CNY [lot]: what certificates are worth that are not sold today.

    vintage: number of the month [lot].  column: CURRENT or EARLIER [lot]. If a part s of what is offered finds a bidder
    in a month, in n more months one does with chance 1 - (1 - s)^n, at the price of its class; what is still there when
    its year is over has the same chance as one of an earlier year, until it ends.
    """
    rules, now = scene.rules, scene.now.month
    (price, sold), (price_old, sold_old) = (outlook(scene, name) for name in ("current", "earlier"))
    left = np.maximum(vintage + rules.validity - now.number - 1, 0)  # trades after today's
    young = np.where(column == CURRENT, np.minimum(12 - now.later(-1).month, left), 0)
    chance, chance_old = 1 - (1 - sold) ** young, 1 - (1 - sold_old) ** (left - young)
    gain, gain_old = max(price - rules.fee, 0.0), max(price_old - rules.fee, 0.0)
    return rules.fee + chance * gain + (1 - chance) * chance_old * gain_old


def outlook(scene, name: str) -> tuple[float, float]:
    """The price of a class of certificates that is expected, CNY, and the part of what is offered that finds a bidder.

    Before there was a price, that of the year's vintages; before that, what buyers would pay in the mean. What was not
    offered last is thought to find bidders as the year's vintages do.
    """
    seen = scene.public.traded["green"]
    guesses = [f"price_{name}", "price_current", "willingness_current"]
    price = next(seen[guess] for guess in guesses if seen.get(guess))
    like = name if seen.get(f"offered_{name}") else "current"
    offered = seen.get(f"offered_{like}")
    return price, min(seen[f"bids_{like}"] / offered, 1.0) if offered else 1.0


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
        the middle of each step; nobody bids more for an earlier vintage than the newest cost last.
        """
        registry, rules, month = scene.certificates, scene.rules, scene.now.month
        obligation, voluntary, willingness, bundled, earlier = self.on(scene.now.date)
        column = registry.column(month)
        have = registry.held(column == CURRENT)[parties] + registry.covered[parties]
        used, last = registry.used[parties] / KWH, registry.used_last[parties] / KWH
        must = np.zeros((len(parties), COLUMNS))
        if month.month > 1:  # in January last year's account is closed, and its certificates do not count for this one
            must[:, CURRENT] = np.floor(np.maximum(obligation * (used + last) - have, 0))
        share = np.stack([(1 - bundled) * (1 - earlier), (1 - bundled) * earlier, bundled], axis=1)
        would = np.floor((voluntary * last)[:, None] * share / STEPS)
        middle = -np.log((np.arange(STEPS) + 0.5) / STEPS)  # of each step, in means of an exponential distribution
        price = np.repeat((middle[:, None] * willingness)[..., None], COLUMNS, axis=2)
        young = scene.public.traded.get("green", {}).get("price_current", np.inf)
        price[..., EARLIER] = np.minimum(price[..., EARLIER], young)
        steps = [Orders.buy(parties, would, one, hours=COLUMNS) for one in price]
        return spoken(Orders.buy(parties, must, rules.alternative, hours=COLUMNS), *steps)


def spoken(*orders: Orders) -> Orders:
    """The orders that want anything."""
    some = [(one, one.volume.any(axis=1)) for one in orders]
    return Orders.gather(Orders(o.unit[w], o.side[w], o.price[w], o.volume[w]) for o, w in some)
