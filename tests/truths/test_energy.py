"""Energy is neither made nor lost on the way to the record: a toy month's figures, added up from what was kept of it.

The hourly and daily tables are float32, which is good to 2^-24 of a value: 0.00003 MW at 500 MW.
"""

import numpy as np
import pandas as pd
import pytest

from sim.model import PolicyLab
from sim.network.grid import NEIGHBOUR, PLANT, STORE, USER
from tests.labs import toy

HALF_A_ROUNDING = 2.0**-24
EXACT = 1e-6  # MW or MWh where double precision was kept


def wide(lab, kind: str, key: str, value: str) -> pd.DataFrame:
    """A kept table as hours or days by rows, in double precision."""
    table = lab.results.table(kind)
    return table.pivot(index=table.columns[0], columns=key, values=value).astype(float)


def reservoirs(lab) -> list[pd.DataFrame]:
    """Water at the day's end, inflow and spill, hm3 by day and reservoir."""
    return [wide(lab, "daily/reservoir", "reservoir", name) for name in ("water", "inflow", "spilled")]


# pools are stores of no table of stores; by hand from their members, 0.8 MW of 1.5 h, 4 of 2 h and 2 of 1 h at 0.92,
# 0.88 and 1: 11.2 MWh of 6.8 MW at (0.736 + 3.52 + 2) / 6.8
POOLS = {"valley_pool_HILLS_S": {"capacity": 6.8, "hours": 11.2 / 6.8, "efficiency": 0.92, "initial": 0.5},
         "small_pool_COAST": {"capacity": 3.0, "hours": 2.0, "efficiency": 0.88, "initial": 0.5}}


def of_table(lab, table: str, column: str, rows) -> np.ndarray:
    """A column of a world's table for some of its keys; of the stores also what pools have of it."""
    world, pools = lab.config.world[table], POOLS if table == "stores" else {}
    return np.array([pools[key][column] if key in pools else world[column][world.position(key)] for key in rows], float)


# ------------------------------------------------------------------------------------------- generated = used + lost


def test_what_a_month_generates_is_used_or_lost(toy_month):
    """Plants + neighbours' sales + shed = users + cabinets + smelters + neighbours' purchases + disposed
    + lost on links + lost in stores + what stores hold more than before. In double precision, and from no check."""
    facts, grid = toy_month.facts, toy_month.facts.grid
    given, taken = (np.maximum(sign * facts.output, 0).sum(axis=1) for sign in (1, -1))

    def of(kind, side):
        return side[grid.units.of_kind(kind)].sum()

    users, cabinets = facts.consumption.sum(), facts.charging[facts.city_bus >= 0].sum()
    on_links = (np.array([0.06, 0.05]) * facts.sent.sum(axis=1)).sum()  # sea_1 and sea_2 never run backwards in July
    assert (facts.sent >= 0).all()
    assert grid.link == ("sea_1", "sea_2")
    # a round trip of 0.86 (battery), 0.75 (pumped hydro), 0.92 or 0.88 (pools) loses 1 - root on the way in and
    # 1/root - 1 on the way out
    stores = grid.units.of_kind(STORE)
    assert list(grid.units.key[stores]) == ["battery_COAST", "pumped_COAST", "battery_HILLS", *POOLS]
    root = np.sqrt([0.86, 0.75, 0.86, 0.92, 0.88])
    in_stores = (taken[stores] * (1 - root) + given[stores] * (1 / root - 1)).sum()
    held = (facts.stored[stores, -1] - facts.opening.stored[stores]).sum()
    put_in = of(PLANT, given) + of(NEIGHBOUR, given) + facts.shed.sum()
    used = users + cabinets + of(USER, taken) + of(NEIGHBOUR, taken) + facts.disposed.sum()
    assert put_in == pytest.approx(used + on_links + in_stores + held, abs=1e-4)
    assert put_in > 600_000  # of MWh, in a month: the truth is not about nothing
    assert min(on_links, in_stores, cabinets) > 40


def test_the_indicators_of_a_month_add_up(toy_month):
    """The same, read off the tidy table alone: what a reader of results can check."""
    table = toy_month.results.indicators
    total = table.groupby("indicator")["value"].sum()

    def of(*starts):
        return sum(value for name, value in total.items() if name.startswith(starts))

    stored = wide(toy_month, "hourly/store", "store", "stored")
    begun = (of_table(toy_month, "stores", "capacity", stored) * of_table(toy_month, "stores", "hours", stored)
             * of_table(toy_month, "stores", "initial", stored))
    put_in = of("generation.", "discharged.", "neighbours_sold", "shed")
    gone = of("load", "large_users", "charged.", "neighbours_bought", "disposed") + of("exports.") - of("imports.")
    assert put_in == pytest.approx(gone, abs=1e-4)
    # what went into the stores and did not come out is lost there or there still: at least 14 % of what went in
    kept = (stored.iloc[-1].to_numpy() - begun).sum()
    assert of("charged.") - of("discharged.") - kept > 0.14 * of("discharged.")


def test_every_bus_balances_in_the_hourly_tables(toy_month):
    """Output + shed + arriving = load + disposed + leaving, at each bus and hour, to float32."""
    bus = toy_month.results.table("hourly/bus").astype(dict.fromkeys(("output", "shed", "load", "disposed"), float))
    corridor = toy_month.results.table("hourly/corridor").astype({"sent": float, "delivered": float})
    net = bus.assign(net=bus.output + bus.shed - bus.load - bus.disposed).set_index(["time", "bus"])["net"]
    leaving = corridor.groupby(["time", "start"])["sent"].sum().rename_axis(["time", "bus"])
    arriving = corridor.groupby(["time", "end"])["delivered"].sum().rename_axis(["time", "bus"])
    gap = net.sub(leaving, fill_value=0).add(arriving, fill_value=0)
    assert len(gap) == 3 * 744
    largest = bus[["output", "load"]].to_numpy().max()
    assert np.abs(gap).max() <= 10 * largest * HALF_A_ROUNDING


# ------------------------------------------------------------------------------- stores and reservoirs: flows alone


@pytest.fixture(scope="module")
def on_their_own() -> PolicyLab:
    """The same days when companies schedule their own stores: nobody asks what they hold at midnight."""
    return toy("law.spot.storage_scheduling=own", start="2025-07-26", days=11).run()


@pytest.mark.parametrize("who", ["two_months", "on_their_own"])
def test_stores_end_where_their_flows_say_across_the_turn_of_a_month(who, request):
    """From the opening level of the world's table, adding up what the kept hours put in and took out."""
    lab = request.getfixturevalue(who)
    output, stored = (wide(lab, "hourly/store", "store", name) for name in ("output", "stored"))
    keys = list(output)
    root = np.sqrt(of_table(lab, "stores", "efficiency", keys))
    full = of_table(lab, "stores", "capacity", keys) * of_table(lab, "stores", "hours", keys)
    put_in, taken_out = np.maximum(-output, 0) * root, np.maximum(output, 0) / root
    level = full * of_table(lab, "stores", "initial", keys) + (put_in - taken_out).cumsum()
    # 264 hours of up to 60 MW and 360 MWh, each rounded: 264 x 60 x 2^-24 + 360 x 2^-24 = 0.001
    np.testing.assert_allclose(stored, level, atol=0.001)
    assert (stored.to_numpy() <= full + 0.001).all()
    assert len(stored) == 11 * 24
    # MWh: those of the coast were in use; the 8 MWh of the hills' battery, where prices hardly differ, may rest
    assert np.ptp(stored[["battery_COAST", "pumped_COAST"]].to_numpy(), axis=0).min() > 20
    nights = stored.to_numpy()[23::24] / full  # where the market schedules, half full every night
    assert (np.ptp(nights, axis=0).max() > 0.2) == (who == "on_their_own")


def test_stores_end_where_the_flows_say_in_double_precision(toy_month):
    facts, units = toy_month.facts, toy_month.facts.grid.units
    for store in units.of_kind(STORE):
        root, level = np.sqrt(units.efficiency[store]), facts.opening.stored[store]
        for power, end in zip(facts.output[store], facts.stored[store]):
            level += -power * root if power < 0 else -power / root
            assert level == pytest.approx(end, abs=EXACT)
    held = np.concatenate([toy_month.ground.stores.stored, toy_month.ground.pools.stored])
    assert held == pytest.approx(facts.stored[units.of_kind(STORE), -1])


def test_reservoirs_end_where_the_flows_say(toy_month):
    """Day by day from the morning of the first: inflow and what came down from above in, turbines and spill out."""
    facts = toy_month.facts
    keys = list(toy_month.config.world["reservoirs"]["key"])
    assert keys == ["upper", "lower"]  # and lower lies below upper
    unit = [list(facts.grid.units.key).index(key) for key in keys]
    used = facts.output[unit].reshape(2, 31, 24).sum(axis=2) / np.array([[600.0], [400.0]])  # MWh over kWh/m3 x 1000
    hand = facts.opening.water.copy()  # what came down yesterday is in it
    for day in range(31):
        hand += facts.inflow[:, day] - used[:, day] - facts.spilled[:, day]
        np.testing.assert_allclose(hand, facts.water[:, day], atol=EXACT)
        hand[1] += used[0, day] + facts.spilled[0, day]
    assert used.min() > 0


def test_all_water_of_a_river_is_stored_used_or_spilled(toy_month):
    """Over a month and the whole cascade, without its inside: what entered, and what left at the lowest dam."""
    water, inflow, spilled = reservoirs(toy_month)
    facts = toy_month.facts
    upper, lower = (list(facts.grid.units.key).index(key) for key in ("upper", "lower"))
    left = facts.output[lower].sum() / 400 + spilled["lower"].sum()
    last = facts.output[upper, -24:].sum() / 600 + spilled["upper"].iloc[-1]  # on its way down when the month ends
    begun = facts.opening.water.sum()
    assert begun + inflow.to_numpy().sum() == pytest.approx(water.iloc[-1].sum() + left + last, abs=0.01)
    assert inflow.to_numpy().sum() > 100  # hm3


def test_a_month_begins_with_the_water_in_which_the_last_one_ended(two_months):
    """The chain of days does not break where one page of facts ends and the next begins."""
    water, inflow, spilled = reservoirs(two_months)
    hours = two_months.results.table("hourly/technology")
    hydro = hours[(hours.technology == "hydro")].groupby(hours.time.dt.date)["output"].sum()
    # what the upper one lost from one evening to the next was used; it is no more than all hydro made
    used = inflow["upper"] - spilled["upper"] - water["upper"].diff()
    made = (600 * used.iloc[1:]).to_numpy()
    assert (made > -0.5).all()
    assert (made <= hydro.to_numpy()[1:] + 0.5).all()
    assert len(made) == 10
