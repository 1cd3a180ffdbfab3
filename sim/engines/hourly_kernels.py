"""Hours cleared alone, as arithmetic: a dual simplex whose basis is areas and binding rows, nothing else.

What can be moved stands at a site: a bus, or one direction of a link. The columns of a site are a curve, sorted by the
price at which each moves; a site stands somewhere on its curve, and that is one number. As every column has two bounds,
any basis is dual feasible once the other columns sit where their prices send them: a change of costs, volumes or load
is a warm start. The ratio test walks along the curves from place to place and flips bounds for as long as that lessens
the violation. Rows are areas (balance), lines, joint limits: the first always bind, the others from when they are
violated until their dual reaches zero.

Columns: links forward, links backward, shed [bus], disposed [bus], steps.
Source: dual simplex with bound flipping [Maros2003]; limits are added when they bind [Stott1979].
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

FLOW = 1e-6  # MW: less is no flow, and less beyond a limit is no violation
NEAR = 1e-8  # MW by which the simplex lets a column or a row pass its bound: rounding of sums, not power
PIVOT = 1e-9  # a coefficient below it is none
WRONG = 1e-7  # CNY/MWh by which a true cost may be missed
GOLDEN = 0.6180339887498949  # its multiples, taken modulo one, never meet
ITERATIONS, ROWS, FLOWS, FINISHES = range(4)  # places of `Found.counts`


class Net(NamedTuple):
    """What never changes. weight, by_site: [row, site] and turned; what a MW given at a site adds to a row.

    low, high: MW [row], sides of the rows, lines less their flow at rest.  areas, links: how many.
    """

    weight: np.ndarray
    by_site: np.ndarray
    low: np.ndarray
    high: np.ndarray
    areas: int
    links: int


class Sheet(NamedTuple):
    """What a day asks. Bounds change while its hours are cleared.

    base: MW [hour, site], what a site gives without its columns (the load, taken).  lower, upper: MW, cost: CNY/MWh
    [hour, column].  rank: [column], order of the tie-break.  site: int [column].  side: [column], +1 gives, -1 takes.
    """

    base: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    cost: np.ndarray
    rank: np.ndarray
    site: np.ndarray
    side: np.ndarray


class Curves(NamedTuple):
    """first: int [site + 1], where a site's places begin.  column: int, at: CNY/MWh, width: MW [place].

    passed: int [site], the first place whose price is not reached.  marginal: bool [site], it is in the basis.
    """

    first: np.ndarray
    column: np.ndarray
    at: np.ndarray
    width: np.ndarray
    passed: np.ndarray
    marginal: np.ndarray


class Basis(NamedTuple):
    """size: int [1], how many slots are in use.  column: int [slot].  row: int [slot], those that bind, areas first.

    high: bool [slot], the row binds at its upper side.  binds: bool [row], it is among them.
    """

    size: np.ndarray
    column: np.ndarray
    row: np.ndarray
    high: np.ndarray
    binds: np.ndarray


class Work(NamedTuple):
    """Scratch. lu, pivot: factors of the basis.  y: duals, amount: of the basic columns, step: direction [slot].

    price, rate: [site], and how fast it changes along the direction.  given: MW [site], all but the basis; total: all.
    activity: MW [row].  gap: [site, then slot], dual step at which a site's next place or a row's slot would enter.
    """

    lu: np.ndarray
    pivot: np.ndarray
    y: np.ndarray
    amount: np.ndarray
    step: np.ndarray
    price: np.ndarray
    rate: np.ndarray
    given: np.ndarray
    total: np.ndarray
    activity: np.ndarray
    gap: np.ndarray


class Found(NamedTuple):
    """x: MW [hour, column].  dual: CNY/MWh [hour, row].  against: CNY/MWh [hour, link column], reduced costs.

    kkt: [hour], relative residual.  counts: int, see the constants above.
    """

    x: np.ndarray
    dual: np.ndarray
    against: np.ndarray
    kkt: np.ndarray
    counts: np.ndarray


@njit(cache=True)
def clear_hours(net, sheet, tie, turns, basis, curves, work, found, first, stop):
    """Clear the hours from `first` until before `stop`, each from the last one's basis.

    tie: CNY/MWh per rank.  turns: iterations that an hour may take.
    Result: the hour whose optimum was not found, else `stop`.
    """
    fine = 1e-8 / len(sheet.rank)  # too small to be seen
    for hour in range(first, stop):
        size = tie
        while True:
            if not settle(net, sheet, hour, size, turns, basis, curves, work, found.counts):
                return hour
            wrong, outside = read(net, sheet, hour, basis, curves, work, found)
            if outside > FLOW or wrong > WRONG and size <= fine:
                return hour
            if wrong > WRONG:  # the tie-break has decided where true costs differ: a fine one finishes from here
                size = fine
                found.counts[FINISHES] += 1
            elif not part_flows(net, sheet, hour, found):
                break
    return stop


@njit(cache=True)
def part_flows(net, sheet, hour, found):
    """Rule out that a link sends both ways in an hour: the smaller way is shut; tells whether it had to."""
    parted = False
    for link in range(net.links):
        sent, back = found.x[hour, link], found.x[hour, net.links + link]
        if sent > FLOW and back > FLOW:
            shut = link if sent < back else net.links + link
            sheet.lower[hour, shut] = sheet.upper[hour, shut] = 0.0
            found.counts[FLOWS] += 1
            parted = True
    return parted


# ------------------------------------------------------------------------------------------------------ the simplex

@njit(cache=True)
def settle(net, sheet, hour, tie, turns, basis, curves, work, counts):
    """Exchange one column or row after the other until none is outside its bounds; False where that fails."""
    if not begin(net, sheet, hour, tie, basis, curves, work):
        return False
    for _ in range(turns):
        fill_basis(net, basis, work)
        slot, excess = worst_column(sheet, basis, curves, work)
        row, excess = (-1, excess) if slot >= 0 else worst_row(net, sheet, basis, work)
        if slot < 0 and row < 0:
            return True
        if len(basis.row) == basis.size[0] + 1 and row >= 0:
            return False
        direct(net, sheet, basis, work, slot, row, excess)
        if slot >= 0:
            release(curves, work, sheet.site[basis.column[slot]], excess)
        entering = walk(net, basis, curves, work, excess)
        if entering < 0:
            return False
        counts[ITERATIONS] += 1
        counts[ROWS] += row >= 0
        exchange(basis, curves, work, slot, row, excess, entering)
        if not factorise(net, sheet, basis, work):
            return False
        price(net, sheet, basis, curves, work)
    return False


@njit(cache=True)
def begin(net, sheet, hour, tie, basis, curves, work):
    """Stand on the basis with this hour's numbers: every other column at the bound to which its price sends it."""
    sort_curves(sheet, hour, tie, curves)
    curves.marginal[:] = False
    for k in range(basis.size[0]):
        site = sheet.site[basis.column[k]]
        curves.marginal[site], curves.passed[site] = True, curves.first[site]
        while curves.column[curves.passed[site]] != basis.column[k]:
            curves.passed[site] += 1
    if not factorise(net, sheet, basis, work):
        return False
    price(net, sheet, basis, curves, work)
    for i in range(basis.size[0]):
        basis.high[i] = work.y[i] <= 0
    columns, at, lower, upper, side = curves.column, curves.at, sheet.lower, sheet.upper, sheet.side
    for site in range(len(work.given)):
        first, last, passed = curves.first[site], curves.first[site + 1], curves.passed[site]
        if not curves.marginal[site]:
            while passed < last and at[passed] < work.price[site]:
                passed += 1
            while passed > first and at[passed - 1] >= work.price[site]:
                passed -= 1
            curves.passed[site] = passed
        given = sheet.base[hour, site]
        for k in range(first, last):
            column = columns[k]
            most = (k < passed) == (side[column] > 0)
            given += side[column] * (upper[hour, column] if most else lower[hour, column])
        work.given[site] = given
    return True


@njit(cache=True)
def sort_curves(sheet, hour, tie, curves):
    """Put the hour's prices on the curves; by insertion, as the order hardly changes from hour to hour.

    A column's tie-break is a step by its rank, and a fraction of it that tells hours apart.
    """
    at, columns, first, cost, side, rank = curves.at, curves.column, curves.first, sheet.cost, sheet.side, sheet.rank
    for site in range(len(first) - 1):
        for k in range(first[site], first[site + 1]):
            column, i, turn = columns[k], k, GOLDEN * ((columns[k] + 1.0) * (hour + 1.0))
            here = side[column] * (cost[hour, column] + tie * (rank[column] + (turn - math.floor(turn))))
            while i > first[site] and (at[i - 1] > here or (at[i - 1] == here and columns[i - 1] > column)):
                at[i], columns[i] = at[i - 1], columns[i - 1]
                i -= 1
            at[i], columns[i] = here, column
    lower, upper, width = sheet.lower, sheet.upper, curves.width
    for k in range(len(columns)):
        width[k] = upper[hour, columns[k]] - lower[hour, columns[k]]


@njit(cache=True)
def factorise(net, sheet, basis, work):
    """LU factors of the basis, rows exchanged for the largest pivot; False where it is singular."""
    size, lu, pivot, weight, rows = basis.size[0], work.lu, work.pivot, net.weight, basis.row
    for k in range(size):
        site = sheet.site[basis.column[k]]
        for i in range(size):
            lu[i, k] = weight[rows[i], site]
    for k in range(size):
        best = k
        for i in range(k + 1, size):
            if abs(lu[i, k]) > abs(lu[best, k]):
                best = i
        pivot[k] = best
        if abs(lu[best, k]) < PIVOT:
            return False
        for c in range(size):
            lu[k, c], lu[best, c] = lu[best, c], lu[k, c]
        for i in range(k + 1, size):
            lu[i, k] /= lu[k, k]
            for c in range(k + 1, size):
                lu[i, c] -= lu[i, k] * lu[k, c]
    return True


@njit(cache=True)
def solve(work, size, x):
    """Basis x = x, in place."""
    lu, pivot = work.lu, work.pivot
    for k in range(size):
        x[k], x[pivot[k]] = x[pivot[k]], x[k]
    for k in range(size):
        for i in range(k + 1, size):
            x[i] -= lu[i, k] * x[k]
    for k in range(size - 1, -1, -1):
        x[k] /= lu[k, k]
        for i in range(k):
            x[i] -= lu[i, k] * x[k]


@njit(cache=True)
def solve_rows(net, basis, work, x, at_site):
    """x basis = x, in place: duals of the binding rows; and the prices at_site to which they add up."""
    size, lu, pivot, weight, rows = basis.size[0], work.lu, work.pivot, net.weight, basis.row
    for k in range(size):
        for i in range(k):
            x[k] -= lu[i, k] * x[i]
        x[k] /= lu[k, k]
    for k in range(size - 1, -1, -1):
        for i in range(k + 1, size):
            x[k] -= lu[i, k] * x[i]
    for k in range(size - 1, -1, -1):
        x[k], x[pivot[k]] = x[pivot[k]], x[k]
    at_site[:] = 0.0
    for i in range(size):
        if x[i] != 0.0:
            row, dual = weight[rows[i]], x[i]
            for site in range(len(at_site)):
                at_site[site] += dual * row[site]


@njit(cache=True)
def price(net, sheet, basis, curves, work):
    """Duals and prices of the basis, with the tie-break in all costs."""
    for k in range(basis.size[0]):
        work.y[k] = curves.at[curves.passed[sheet.site[basis.column[k]]]]
    solve_rows(net, basis, work, work.y, work.price)


@njit(cache=True)
def fill_basis(net, basis, work):
    """What the basic columns give, MW above their least: what brings every binding row to its side."""
    given, amount = work.given, work.amount
    for i in range(basis.size[0]):
        row = basis.row[i]
        adds, left = net.weight[row], net.high[row] if basis.high[i] else net.low[row]
        for site in range(len(given)):
            left -= adds[site] * given[site]
        amount[i] = left
    solve(work, basis.size[0], amount)


@njit(cache=True)
def worst_column(sheet, basis, curves, work):
    """Slot of the basic column that is farthest outside its bounds (-1: none) and by how much, MW, positive above."""
    slot, excess = -1, 0.0
    for k in range(basis.size[0]):
        width = curves.width[curves.passed[sheet.site[basis.column[k]]]]
        beyond = max(work.amount[k] - width, 0.0) + min(work.amount[k], 0.0)
        if abs(beyond) > max(abs(excess), NEAR):
            slot, excess = k, beyond
    return slot, excess


@njit(cache=True)
def worst_row(net, sheet, basis, work):
    """Row that is farthest outside its sides (-1: none) and by how much, MW, positive above."""
    for site in range(len(work.given)):
        work.total[site] = work.given[site]
    for k in range(basis.size[0]):
        work.total[sheet.site[basis.column[k]]] += work.amount[k]
    add_up(net, work)
    row, excess = -1, 0.0
    for r in range(net.areas, len(net.low)):
        if not basis.binds[r]:
            beyond = max(work.activity[r] - net.high[r], 0.0) + min(work.activity[r] - net.low[r], 0.0)
            if abs(beyond) > max(abs(excess), NEAR):
                row, excess = r, beyond
    return row, excess


@njit(cache=True)
def add_up(net, work):
    """Activity of all rows."""
    activity, total = work.activity, work.total
    activity[:] = 0.0
    for site in range(len(total)):
        if total[site] != 0.0:
            adds, amount = net.by_site[site], total[site]
            for r in range(len(activity)):
                activity[r] += adds[r] * amount


@njit(cache=True)
def direct(net, sheet, basis, work, slot, row, excess):
    """Direction of the duals along which a slot's column, or else a row, leaves for the side that it has passed."""
    pull = 1.0 if excess > 0 else -1.0
    for k in range(basis.size[0]):
        work.step[k] = pull * (k == slot if slot >= 0 else net.weight[row, sheet.site[basis.column[k]]])
    solve_rows(net, basis, work, work.step, work.rate)
    if slot < 0:
        for site in range(len(work.rate)):
            work.rate[site] -= pull * net.weight[row, site]


@njit(cache=True)
def release(curves, work, site, excess):
    """Put the leaving column at the bound that it has passed."""
    curves.marginal[site] = False
    if excess > 0:
        work.given[site] += curves.width[curves.passed[site]]
        curves.passed[site] += 1


@njit(cache=True)
def next_gap(site, rate, price, first, at, width, passed):
    """Dual step to the next place of a site's curve, infinite where there is none; those without width are skipped."""
    k, up = passed[site], rate > 0
    while k < first[site + 1] if up else k > first[site]:
        place = k if up else k - 1
        if width[place] > 0:
            passed[site] = k
            return max((at[place] - price) / rate, 0.0)
        k += 1 if up else -1
    passed[site] = k
    return np.inf


@njit(cache=True)
def walk(net, basis, curves, work, excess):
    """Ratio test: flip whatever comes next along the direction until one would turn the violation round; that one.

    Result: the site or, after the sites, the slot of a row that enters; -1 where nothing mends the violation.
    """
    first, at, width, passed, marginal = curves.first, curves.at, curves.width, curves.passed, curves.marginal
    gap, rate, price, step, left = work.gap, work.rate, work.price, work.step, abs(excess)
    sites, size = len(rate), basis.size[0]
    for site in range(sites):
        gap[site] = np.inf
        if not marginal[site] and abs(rate[site]) > PIVOT:
            gap[site] = next_gap(site, rate[site], price[site], first, at, width, passed)
    for i in range(size):
        moves = i >= net.areas and (step[i] > PIVOT if basis.high[i] else step[i] < -PIVOT)
        gap[sites + i] = max(-work.y[i] / step[i], 0.0) if moves else np.inf
    while True:
        c, nearest = -1, np.inf
        for other in range(sites + size):
            if gap[other] < nearest:
                c, nearest = other, gap[other]
        if c < 0:
            return -1
        if c < sites:
            up = rate[c] > 0
            wide = width[passed[c] if up else passed[c] - 1]
            less = abs(rate[c]) * wide
        else:
            row = basis.row[c - sites]
            less = abs(step[c - sites]) * (net.high[row] - net.low[row])
        if less >= left:
            return c
        left -= less
        if c < sites:
            work.given[c] += wide if up else -wide
            passed[c] += 1 if up else -1
            gap[c] = next_gap(c, rate[c], price[c], first, at, width, passed)
        else:
            basis.high[c - sites] = not basis.high[c - sites]
            gap[c] = np.inf


@njit(cache=True)
def exchange(basis, curves, work, slot, row, excess, entering):
    """Take the leaving column or bring the violated row in; bring the entering column or take the idle row out."""
    sites, columns, rows = len(work.given), basis.size[0], basis.size[0]
    if slot >= 0:
        columns -= 1
        basis.column[slot] = basis.column[columns]
    else:
        basis.row[rows], basis.high[rows], basis.binds[row] = row, excess > 0, True
        rows += 1
    if entering < sites:
        if work.rate[entering] < 0:
            curves.passed[entering] -= 1
            work.given[entering] -= curves.width[curves.passed[entering]]
        curves.marginal[entering] = True
        basis.column[columns] = curves.column[curves.passed[entering]]
    else:
        rows -= 1
        idle = entering - sites
        basis.binds[basis.row[idle]] = False
        basis.row[idle], basis.high[idle] = basis.row[rows], basis.high[rows]
    basis.size[0] = rows


@njit(cache=True)
def read(net, sheet, hour, basis, curves, work, found):
    """Write an hour's optimum under true costs; gives the largest cost that is missed and violation of a bound."""
    for k in range(basis.size[0]):
        work.y[k] = sheet.side[basis.column[k]] * sheet.cost[hour, basis.column[k]]
    solve_rows(net, basis, work, work.y, work.price)
    found.dual[hour] = 0.0
    wrong = outside = largest = dearest = 0.0
    for i in range(basis.size[0]):
        found.dual[hour, basis.row[i]] = work.y[i]
        if i >= net.areas:
            wrong = max(wrong, work.y[i] if basis.high[i] else -work.y[i])
    columns, width, passed, x = curves.column, curves.width, curves.passed, found.x[hour]
    lower, upper, cost, side = sheet.lower[hour], sheet.upper[hour], sheet.cost[hour], sheet.side
    for site in range(len(work.total)):
        total, worth = sheet.base[hour, site], work.price[site]
        for k in range(curves.first[site], curves.first[site + 1]):
            column = columns[k]
            reached, missed = k < passed[site], side[column] * cost[column] - worth
            x[column] = upper[column] if reached == (side[column] > 0) else lower[column]
            if curves.marginal[site] and k == passed[site]:
                for slot in range(basis.size[0]):
                    if basis.column[slot] == column:
                        x[column] += side[column] * work.amount[slot]
                outside = max(outside, x[column] - upper[column], lower[column] - x[column])
            elif width[k] > 0:
                wrong = max(wrong, missed if reached else -missed)
            total += side[column] * x[column]
            largest, dearest = max(largest, abs(x[column])), max(dearest, abs(cost[column]))
        work.total[site] = total
    for column in range(2 * net.links):
        found.against[hour, column] = sheet.cost[hour, column] - work.price[sheet.site[column]]
    add_up(net, work)
    for r in range(len(net.low)):
        outside = max(outside, work.activity[r] - net.high[r], net.low[r] - work.activity[r])
    found.kkt[hour] = max(outside / max(1.0, largest), wrong / max(1.0, dearest))
    return wrong, outside
