"""Districts of a city: where meals are cooked and eaten, the streets between them, and how far riders go for an order.

A city is a disc. Its districts are points spread over it, each joined by streets to its nearest ones and all of them to
one another by the shortest tree. Restaurants stand denser in the centre than customers do. A rider waits in the
district of his station and offers himself around it, less the longer the way; an order takes him the longer the farther
its customers live.

Source: random geometric graph on a disc; counts of districts in `rider_tiers.csv`, densities and times in the section
`orders` of world.yaml [assumption].
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree

from sim.network.city import OrderSettings
from sim.streams import Stream


class Districts(NamedTuple):
    """Districts of several cities side by side; where a city has fewer than the others, the rest is empty.

    orders: share of the city's orders whose restaurant stands there [city, district].
    station: share of its riders whose station is there [city, district].
    reach: share of his time that a rider of a station offers to a district [city, station, district].
    effort: rider's time for an order from there, over the city's mean [city, district].
    travel: minutes by street [city, district, district].
    """

    orders: np.ndarray
    station: np.ndarray
    reach: np.ndarray
    effort: np.ndarray
    travel: np.ndarray


def districts(keys: tuple[str, ...], counts: np.ndarray, settings: OrderSettings) -> Districts:
    """Districts of cities by their keys and counts; a city's are the same whatever cities stand beside it."""
    most = int(counts.max(initial=1))
    found = Districts(np.zeros((len(keys), most)), np.zeros((len(keys), most)), np.zeros((len(keys), most, most)),
                      np.ones((len(keys), most)), np.zeros((len(keys), most, most)))
    for city, (key, count) in enumerate(zip(keys, counts)):
        for whole, part in zip(found, one_city(key, int(count), settings)):
            whole[(city, *map(slice, part.shape))] = part
    return found


def one_city(key: str, count: int, settings: OrderSettings) -> Districts:
    """The districts of one city, drawn from its key alone."""
    place = np.arange(count)
    stream = Stream(0, f"districts/{key}")
    radius, angle = np.sqrt(stream.uniforms(place, 0)), 2 * np.pi * stream.uniforms(place, 1)
    travel = streets(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), settings)
    restaurants, customers = np.exp(-settings.restaurants * radius), np.exp(-settings.customers * radius)
    orders = restaurants / restaurants.sum()
    eaten = customers * np.exp(-travel / settings.reach)
    ride = settings.roam + (eaten * travel).sum(axis=1) / eaten.sum(axis=1)
    reach = orders * np.exp(-travel / settings.roam)
    reach /= reach.sum(axis=1, keepdims=True)
    return Districts(orders, orders, reach, ride / (orders * ride).sum(), travel)


def streets(point: np.ndarray, settings: OrderSettings) -> np.ndarray:
    """Minutes by street between districts at points [district, 2]: each joined to its nearest, all of them by a
    tree."""
    gap = np.sqrt(((point[:, None] - point[None]) ** 2).sum(axis=2))
    rank = np.argsort(np.argsort(gap, axis=1), axis=1)
    near = (rank > 0) & (rank <= settings.nearest)
    tree = minimum_spanning_tree(gap).toarray() > 0
    street = np.where(near | near.T | tree | tree.T, gap, 0.0)
    return dijkstra(street, directed=False) * settings.travel
