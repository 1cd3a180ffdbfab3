"""Whom riders look at: a fixed number of friends for every slot, from the station and from the hometown.

A slot keeps its ties; a newcomer takes the place of who left. Rows stand by city, district and segment, so friends of
a station stand close together in memory, and what is asked of friends is one bit of each.

Source: peers in enrolment [DufloSaez2003]; homophily; a tenth of ties rewired, as in small worlds [WattsStrogatz1998].
"""

import numpy as np

from sim.network import ties_kernels as kernels
from sim.network.conduct import TieSettings
from sim.streams import Streams


def ties(settings: TieSettings, streams: Streams, identity: np.ndarray, first: np.ndarray, shape: tuple[int, int],
         segment: np.ndarray, hukou: np.ndarray) -> np.ndarray:
    """Rows of friends, int32 [row, friend], station first; no column where settings ask for none.

    first: rows of each group of city, district and segment.  shape: (districts, segments).  hukou: place [row].
    """
    found = np.empty((len(identity), settings.station + settings.hometown), np.int32)
    kernels.workmates(found[:, :settings.station], streams["riders/workmates"].key(), identity, first, shape,
                      settings.station_size, settings.rewire, settings.homophily)
    chance = streams["riders/villages"].uniforms(identity).astype(np.float32)
    group = hukou.astype(np.int32) * shape[1] + segment
    order = np.lexsort((chance, group)).astype(np.int32)
    bounds = [_bounds(values[order]) for values in (hukou, group)]
    kernels.villagers(found[:, settings.station:], streams["riders/villagers"].key(), identity, order, *bounds,
                      settings.village_size, settings.rewire, settings.homophily)
    return found


def _bounds(ordered: np.ndarray) -> np.ndarray:
    """First place and end of the equal values around each place of a sorted column, [place, 2]."""
    edges = np.flatnonzero(np.diff(ordered, prepend=-1, append=-1)).astype(np.int32)
    starts, ends = edges[:-1], edges[1:]
    return np.repeat(np.column_stack([starts, ends]), ends - starts, axis=0)


def flags(values: np.ndarray) -> np.ndarray:
    """Bits of a bool column, eight a byte, lowest first: what `ties_kernels.look_round` reads."""
    return np.packbits(values, bitorder="little")
