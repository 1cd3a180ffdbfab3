"""Reserve after energy: what the cleared energy leaves free is sold product by product, cheapest for its worth first.

The sequential alternative to holding reserve back in one programme (`holding`), for either engine. The limits are the
same: what is sold fits beside the energy already sold, so no MW is sold twice; only that here nobody steps back from
energy to make room, so less may be there and its price holds nothing of what is forgone.
"""

from dataclasses import dataclass

import numpy as np

from sim.engines.records import Fleet, Products, Reserve

LEAST = 1e-6  # MW: less than this is missing or sold by rounding


@dataclass(frozen=True)
class Awards:
    """Who holds back what. reserved: MW [product, unit, hour].  price: CNY/MW (times worth) and hour, short: MW (times
    worth) [product, group, hour]."""

    reserved: np.ndarray
    price: np.ndarray
    short: np.ndarray


def after_energy(fleet: Fleet, reserve: Reserve, output: np.ndarray, stored: np.ndarray) -> Awards:
    """Sell each product in turn out of the room that energy, and the products before it, have left.

    output: MW, stored: MWh at the hour's end [unit, hour], as cleared.
    Units are taken by price over worth, at equal ones by position. Each group's price is what its dearest seller asked
    for a unit of worth; where the requirement is not met, what a missing MW costs; 0 where nothing is asked.
    """
    products, shape = fleet.products, (len(reserve.requirement), *output.shape)
    reserved, asked = np.zeros(shape), reserve.requirement
    price, short = np.zeros(asked.shape), np.zeros(asked.shape)
    for product in range(len(asked)):
        room = room_left(fleet, reserve, output, stored, reserved, product)
        rate = reserve.price[product] / np.maximum(products.worth[product], 1e-12)[:, None]
        for group in range(products.groups):
            mine = np.flatnonzero(products.eligible[product] & (products.group == group))
            worth, by = products.worth[product, mine][:, None], np.argsort(rate[mine], axis=0, kind="stable")
            counted, taken = worth * room[mine], np.zeros((len(mine), output.shape[1]))
            queue = np.take_along_axis(counted, by, axis=0)
            before = np.cumsum(queue, axis=0) - queue
            np.put_along_axis(taken, by, np.clip(asked[product, group] - before, 0.0, queue), axis=0)
            reserved[product, mine] = np.divide(taken, worth, out=np.zeros_like(taken), where=worth > 0)
            missing = asked[product, group] - taken.sum(axis=0)
            dearest = np.where(taken > LEAST, rate[mine], 0.0).max(axis=0, initial=0.0)
            short[product, group] = np.where(missing > LEAST, missing, 0.0)
            price[product, group] = np.where(missing > LEAST, reserve.shortage[product], dearest)
    return Awards(reserved, price, short)


def room_left(fleet: Fleet, reserve: Reserve, output: np.ndarray, stored: np.ndarray, reserved: np.ndarray,
              product: int) -> np.ndarray:
    """What a product can still be sold of, MW [unit, hour], beside energy and what is reserved already
    ([product, unit, hour]); the limits are those of `holding`."""
    products, store = fleet.products, fleet.store > 0
    every, both = reserved.sum(axis=0), reserved[np.asarray(products.both)].sum(axis=0)
    lasting = np.tensordot(products.duration, reserved, 1)
    lasting_both = np.tensordot(products.duration * products.both, reserved, 1)
    with np.errstate(invalid="ignore"):
        carried = np.where(np.isfinite(products.spin)[:, None], products.spin[:, None] * output, np.inf)
    room = np.minimum(reserve.most[product], np.minimum(reserve.highest - output, carried) - every)
    last, out, into = products.duration[product], fleet.discharge_efficiency, fleet.charge_efficiency
    if last > 0:
        left = stored * out[:, None] - lasting
        room = np.where(store[:, None], np.minimum(room, left / last), room)
    if products.both[product]:
        room = np.minimum(room, output - reserve.lowest - both)
        if last > 0:
            space = (fleet.store[:, None] - stored) / into[:, None] - lasting_both
            room = np.where(store[:, None], np.minimum(room, space / last), room)
    return np.where(products.eligible[product][:, None], np.maximum(room, 0.0), 0.0)


def sold(products: Products, reserved: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is held back upwards and what downwards, MW [unit, hour]: all products, and those that work both ways."""
    return reserved.sum(axis=0), reserved[np.asarray(products.both)].sum(axis=0)
