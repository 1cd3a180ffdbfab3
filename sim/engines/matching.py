"""Matching of offers and bids across corridors: the pair with the widest gap first, as trading platforms do it.

Offers stand at places, bids at others; a way leads from one place to another with room, loss and fee. What a MW sent is
worth to a buyer is (1 - loss) x (bid - fee); all quantities are counted at the sending end.
"""

from dataclasses import dataclass

import numpy as np

LEAST = 1e-9  # MW and CNY/MWh below which nothing is left to trade


@dataclass(frozen=True)
class Ways:
    """Directed ways. start, end: int [way], places.  room: MW [way, hour].  loss: share [way].  fee: CNY per MWh
    delivered [way].  joints: (int [member] ways, MW [hour]), limits on sums of what ways send."""

    start: np.ndarray
    end: np.ndarray
    room: np.ndarray
    loss: np.ndarray
    fee: np.ndarray
    joints: tuple = ()


@dataclass(frozen=True)
class Curve:
    """One side of a market. place: int [order].  price: CNY/MWh, volume: MW [order, hour]; a bid's volume is what is
    to be sent for it."""

    place: np.ndarray
    price: np.ndarray
    volume: np.ndarray


@dataclass(frozen=True)
class Matched:
    """sold: MW [offer, hour].  bought: MW [bid, place, hour], by the place it was sent from.  sent: MW [way, hour].
    price: CNY/MWh [place, hour] of the sending place, halfway between the last offer and what the last bid was worth
    there; nan where nothing was sold."""

    sold: np.ndarray
    bought: np.ndarray
    sent: np.ndarray
    price: np.ndarray


def match(offers: Curve, bids: Curve, ways: Ways, places: int) -> Matched:
    """Match hour by hour: always the bid, way and offer whose gap is widest, until none is left that pays.

    Equal offers at one place share what they sell in proportion to their volumes, and so do equal bids.
    """
    hours = ways.room.shape[1]
    sold, bought = np.zeros_like(offers.volume), np.zeros((len(bids.place), places, hours))
    sent, price = np.zeros((len(ways.start), hours)), np.full((places, hours), np.nan)
    for hour in range(hours):
        asks, wants = _steps(offers, hour, 1.0, places), _steps(bids, hour, -1.0, places)
        _match_hour(asks, wants, ways, hour, sent[:, hour], price[:, hour])
        sold[:, hour] = asks.shared().sum(axis=1)
        bought[:, :, hour] = wants.shared()
    return Matched(sold, bought, evened(ways, sent), price)


@dataclass
class _Steps:
    """Equal orders of a place as one step. place, price, volume [step]; taken: MW [step, place of the offer];
    member: int [order]; part: share of its step's volume [order]."""

    place: np.ndarray
    price: np.ndarray
    volume: np.ndarray
    taken: np.ndarray
    member: np.ndarray
    part: np.ndarray

    def left(self, step: int) -> float:
        """MW that a step has left."""
        return self.volume[step] - self.taken[step].sum()

    def shared(self) -> np.ndarray:
        """What each order gets, MW [order, place of the offer]."""
        return self.taken[self.member] * self.part[:, None]


def _steps(curve: Curve, hour: int, sign: float, places: int) -> _Steps:
    """The orders of an hour by place and price, best first within a place."""
    price, volume = curve.price[:, hour], curve.volume[:, hour]
    keys, member = np.unique(np.stack([curve.place, sign * price], axis=1), axis=0, return_inverse=True)
    member = member.ravel()
    total = np.bincount(member, volume, len(keys))
    part = np.divide(volume, total[member], out=np.zeros(len(volume)), where=total[member] > 0)
    return _Steps(keys[:, 0].astype(int), sign * keys[:, 1], total, np.zeros((len(keys), places)), member, part)


def _match_hour(asks: _Steps, wants: _Steps, ways: Ways, hour: int, sent: np.ndarray, price: np.ndarray):
    """Match an hour's steps; what is sent and at what price is written into the last two."""
    room, joints = ways.room[:, hour].copy(), [limit[hour] for _, limit in ways.joints]
    pair_way, pair_bid = np.nonzero(ways.end[:, None] == wants.place[None, :])
    worth = (1.0 - ways.loss[pair_way]) * (wants.price[pair_bid] - ways.fee[pair_way])
    ask = np.full(len(price), np.inf)
    head = {}
    for place in np.unique(asks.place):
        head[place] = [step for step in np.flatnonzero(asks.place == place) if asks.volume[step] > LEAST]
        ask[place] = asks.price[head[place][0]] if head[place] else np.inf
    alive = np.ones(len(pair_way), bool)
    while alive.any():
        gap = np.where(alive, worth - ask[ways.start[pair_way]], -np.inf)
        best = int(gap.argmax())
        if gap[best] < -LEAST:
            return
        way, bid, place = pair_way[best], pair_bid[best], int(ways.start[pair_way[best]])
        mine = [j for j, (members, _) in enumerate(ways.joints) if way in members]
        step = head[place][0]
        rest = asks.left(step)
        amount = min(rest, wants.left(bid), room[way], *(joints[j] for j in mine))
        if amount > LEAST:
            asks.taken[step, place] += amount
            wants.taken[bid, place] += amount
            room[way] -= amount
            sent[way] += amount
            for j in mine:
                joints[j] -= amount
            price[place] = (asks.price[step] + worth[best]) / 2
        if rest - max(amount, 0.0) <= LEAST:
            head[place].pop(0)
            ask[place] = asks.price[head[place][0]] if head[place] else np.inf
        else:
            alive[best] = False


def evened(ways: Ways, sent: np.ndarray) -> np.ndarray:
    """Flows of ways that are alike (ends, loss, fee, joint limits) in proportion to their room, MW [way, hour]."""
    joint = [tuple(j for j, (members, _) in enumerate(ways.joints) if way in members) for way in range(len(sent))]
    alike: dict[tuple, list[int]] = {}
    for way, kind in enumerate(zip(ways.start, ways.end, ways.loss, ways.fee, joint)):
        alike.setdefault(kind, []).append(way)
    even = np.zeros_like(sent)
    for mine in alike.values():
        room = ways.room[mine].sum(axis=0)
        even[mine] = ways.room[mine] * np.divide(sent[mine].sum(axis=0), room, out=np.zeros_like(room), where=room > 0)
    return even
