"""What owners of plants and stores offer as regulation and reserve: as much as the law lets them, at what it wears out.

What they forgo in energy is not in the price: the clearing pays it to whoever holds back, or, sold after energy, nobody
forgoes any.
"""

import numpy as np

from sim.messages import Orders, Scene


def services(scene: Scene, units: np.ndarray, wear: np.ndarray) -> Orders:
    """Offers of both products by the units that the law lets sell them.

    units: int [unit], rows of `grid.units`.  wear: CNY [unit], for a MW of mileage and for a MW held for an hour.
    """
    technology, available = scene.grid.units.technology[units], scene.conditions.available[units]
    offers = []
    for product, shares in enumerate((scene.rules.regulation_share, scene.rules.reserve_share)):
        share = np.array([shares.get(name, 0.0) for name in technology])
        mine = np.flatnonzero(share)
        volume = share[mine, None] * available[mine]
        offers.append(Orders.sell(units[mine], volume, wear[mine]).of_product(product))
    return Orders.gather(offers)
