"""Forced outages of generating sets: two-state Markov chains whose every transition is an addressed draw."""

from dataclasses import dataclass

import numpy as np

from sim.network.blocks import count
from sim.streams import Streams

EVENTS = 1 << 20  # addresses of a set's transitions; more than any period has


@dataclass(frozen=True)
class Sets:
    """The sets of plants that may fail, all [plant].

    key: name of the plant, the address of its draws.  number: int, equal sets.  out: share of time a set is out.
    repair: h, mean time that it is then out.
    """

    key: tuple[str, ...]
    number: np.ndarray
    out: np.ndarray
    repair: np.ndarray

    @classmethod
    def of(cls, plants, blocks) -> "Sets":
        """Of rows of `plants.csv`: sets of the technology's size that are out as often as the plant is unavailable."""
        rows = [blocks.rows[blocks.position(p.technology)] for p in plants]
        capacity, size = np.array([p.capacity for p in plants], float), np.array([r.size for r in rows], float)
        return cls(tuple(p.key for p in plants), count(capacity, size), np.array([1 - p.availability for p in plants]),
                   np.array([r.repair for r in rows], float))

    def in_service(self, streams: Streams, draw: int, hours: int) -> np.ndarray:
        """Share of each plant's sets in service, [plant, hour], in one draw of outages; hours are read at their middle.

        A set's chain begins in its stationary state; failures come at out / (1 - out) / repair an hour in service.
        A set's draws depend on the seed, its plant's name, its number and the draw alone.
        """
        share = np.ones((len(self.key), hours))
        for row, key in enumerate(self.key):
            if self.out[row] > 0:
                share[row] -= self._down(streams[f"adequacy/outages/{key}"], row, draw, hours) / self.number[row]
        return share

    def _down(self, stream, row: int, draw: int, hours: int) -> np.ndarray:
        """Sets of a plant that are down, [hour]."""
        number, out, repair = int(self.number[row]), self.out[row], self.repair[row]
        if out >= 1:
            return np.full(hours, float(number))
        service = repair * (1 - out) / out
        first = np.arange(number) * EVENTS
        down = stream.uniforms(first, draw) < out
        events = 16
        while True:
            events *= 2
            address = first[:, None] + 1 + np.arange(events)
            wait = -np.log(stream.uniforms(address.ravel(), draw)).reshape(number, events)
            # waits alternate between repair and service, from the state at the start
            begins_down = np.where(down, 0, 1)[:, None]
            wait *= np.where((np.arange(events)[None, :] + begins_down) % 2 == 0, repair, service)
            when = np.cumsum(wait, axis=1)
            if (when[:, -1] > hours).all():
                break
        at = np.ceil(when - 0.5).astype(np.int64)  # the first hour whose middle is past the event
        change = np.where((np.arange(events)[None, :] + begins_down) % 2 == 0, -1.0, 1.0)
        inside = at < hours
        step = np.zeros(hours)
        step[0] = down.sum()
        np.add.at(step, at[inside], change[inside])
        return np.cumsum(step)
