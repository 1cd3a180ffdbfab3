"""The numbers of one day's programme: bounds and costs of the columns, sides of the rows."""

from dataclasses import dataclass

import numpy as np

EVENTS = ("solves", "iterations", "rows_added", "slots_added", "opposing_flows", "opposing_storage", "ramps_widened",
          "true_cost_finishes")
GOLDEN = 0.6180339887498949  # its multiples, taken modulo one, never meet


@dataclass
class Sheet:
    """What one day fills into a skeleton.

    lower, upper: MW or MWh [column, hour].  cost, tie: CNY/MWh [column, hour], true costs and tie-break.
    row_lower, row_upper: sides of the rows that are there from the start.
    pool_lower, pool_upper: MW [line, unit and holding row, hour], sides of the rows of the pool, added or not.
    events: counts by name.
    """

    lower: np.ndarray
    upper: np.ndarray
    cost: np.ndarray
    tie: np.ndarray
    row_lower: np.ndarray
    row_upper: np.ndarray
    pool_lower: np.ndarray
    pool_upper: np.ndarray
    events: dict

    @classmethod
    def of(cls, skeleton, steps, column: np.ndarray, day, tie_break: float) -> "Sheet":
        """Fill in a day (see `records.Day`). column: int [step], where each step stands."""
        lower, upper, cost = _columns(skeleton, steps, column, day)
        rise, fall, widened = _ramps(skeleton, lower, upper, day)
        return cls(lower, upper, cost, _tie(skeleton, column, cost, tie_break), *_rows(skeleton, day),
                   *_pool(skeleton, day, rise, fall), dict.fromkeys(EVENTS, 0) | {"ramps_widened": widened})


def link_limits(network, day) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least and most that links send forward, and most that they send back on a day, MW [link, hour].

    Minimum and reverse capacity shrink with what is available; a link that is held to a schedule carries it as far as
    it is available, and does not turn.
    """
    available, capacity = day.link_available, network.link_capacity[:, None]
    share = np.divide(available, capacity, out=np.ones_like(available), where=capacity > 0)
    least = np.minimum(network.link_minimum[:, None] * share, available)
    back = network.link_reverse[:, None] * share
    if day.link_held is None:
        return least, available, back
    held_least, held_most = day.link_held
    held = ~np.isnan(held_least)
    most = np.where(held, np.minimum(held_most, available), available)
    return np.where(held, np.minimum(held_least, available), least), most, np.where(held, 0.0, back)


def _columns(skeleton, steps, column, day):
    """Bounds and true costs of all columns."""
    network, shape = skeleton.network, (skeleton.columns, skeleton.hours)
    lower, upper, cost = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    least, forward, backward = link_limits(network, day)
    lower[skeleton.forward], upper[skeleton.forward], upper[skeleton.backward] = least, forward, backward
    cost[skeleton.forward] = cost[skeleton.backward] = (network.link_fee * (1.0 - network.link_loss))[:, None]
    # more than can ever be shed or disposed of, so that every column is boxed and any basis dual feasible
    most = 1.0 + np.abs(day.load).sum(axis=0) + steps.upper.sum(axis=0) + upper.sum(axis=0)
    upper[skeleton.shed] = upper[skeleton.disposed] = most
    cost[skeleton.shed], cost[skeleton.disposed] = day.cap, -day.floor
    upper[skeleton.stored] = skeleton.fleet.store[skeleton.stores][:, None]
    lower[skeleton.stored, -1] = day.stored_end[skeleton.stores]
    lower[column], upper[column], cost[column] = steps.lower, steps.upper, steps.cost
    if day.reserve is not None:
        reserve, product, unit = day.reserve, skeleton.holding.product, skeleton.holding.unit
        upper[skeleton.award], cost[skeleton.award] = reserve.most[product, unit], reserve.price[product, unit]
        upper[skeleton.lacking] = 1.0 + reserve.requirement.reshape(-1, skeleton.hours)
        cost[skeleton.lacking] = np.repeat(reserve.shortage, skeleton.holding.groups)[:, None]
    return lower, upper, cost


def _tie(skeleton, column, cost, tie_break):
    """The tie-break of each column: its rank by cost, then place; a fraction of a rank tells hours apart.

    Only the day's own steps are ranked, so it does not matter which slots earlier days have left behind.
    """
    column = np.concatenate([np.arange(skeleton.fixed), column])
    rank = np.empty(len(column))
    rank[np.lexsort((np.arange(len(column)), cost[column].sum(axis=1)))] = np.arange(1.0, len(column) + 1)
    apart = np.modf(GOLDEN * np.outer(np.arange(1.0, len(column) + 1), np.arange(1.0, skeleton.hours + 1)))[0]
    tie = np.zeros_like(cost)
    tie[column] = tie_break * (rank[:, None] + apart)
    tie[skeleton.stored] = 0.0  # a level is no choice of its own
    return tie


def _rows(skeleton, day):
    """Lower and upper sides of the rows that are there from the start, in the skeleton's order."""
    network, hours = skeleton.network, skeleton.hours
    load = np.zeros((len(network.reference), hours))
    np.add.at(load, network.area, day.load)
    joint = np.repeat([float(limit) for _, _, limit in network.joints], hours)
    level = np.zeros((len(skeleton.stores), hours))
    level[:, 0] = day.stored[skeleton.stores]
    budget, asked = day.energy[skeleton.budgeted], np.zeros(skeleton.holding.lacking * hours)
    if day.reserve is not None:
        asked = day.reserve.requirement.ravel()
    return (np.concatenate([load.ravel(), np.full(len(joint), -np.inf), level.ravel(), np.full(len(budget), -np.inf),
                            asked]),
            np.concatenate([load.ravel(), joint, level.ravel(), budget, np.full(len(asked), np.inf)]))


def _ramps(skeleton, lower, upper, day):
    """Widest rise and fall of each unit's output into each hour, MW [unit, hour], and how many ramps were widened.

    A ramp binds what a unit chooses. Where its offered volume falls, or its must-run level rises, by more than the ramp
    in an hour (an outage, a start), the unit follows, and the ramp is that wide.
    """
    gives, takes = skeleton.output.maximum(0.0), skeleton.output.minimum(0.0)
    most, least = gives @ upper + takes @ lower, gives @ lower + takes @ upper
    free = np.isnan(day.output_before)
    before = np.where(free, 0.0, day.output_before)[:, None]
    ramp = np.repeat(skeleton.fleet.ramp[:, None], skeleton.hours, axis=1)
    ramp[free, 0] = np.inf
    rise = np.maximum(ramp, np.diff(least, axis=1, prepend=before))
    fall = np.maximum(ramp, -np.diff(most, axis=1, prepend=before))
    return rise, fall, int((rise > ramp).sum() + (fall > ramp).sum())


def _pool(skeleton, day, rise, fall):
    """Lower and upper sides of the line rows, the ramp rows and the holding rows, MW [line, unit and row, hour]."""
    at_rest = skeleton.at_rest[:, None] - skeleton.factors @ day.load  # the flow before any column moves
    capacity = skeleton.network.line_capacity[:, None]
    start = np.zeros_like(rise)
    start[:, 0] = np.where(np.isnan(day.output_before), 0.0, day.output_before)
    least, most = skeleton.holding.sides(day, skeleton.hours)
    return (np.concatenate([-capacity - at_rest, start - fall, least]),
            np.concatenate([capacity - at_rest, start + rise, most]))
