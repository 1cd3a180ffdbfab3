"""Rivers: every drop is accounted for, arrives a day later below, and carries its energy down the cascade."""

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Calendar
from sim.config import BadInput, read_table
from sim.messages import Weather
from sim.network.plants import Plant
from sim.network.rivers import Basin, Flows, Reservoir, Rivers
from sim.network.years import InflowYear
from sim.weather import MONTHS, DayProfile, MonthProfile, Profiles

YUNNAN = Path(__file__).parents[3] / "configs" / "worlds" / "yunnan"
MONTH_COLUMNS = ",".join(f"{month} [unit]" for month in MONTHS)
PROFILES = f"key,unit,{MONTH_COLUMNS},source\nflat,ratio{',1' * 12},made up\nsun,share{',0.2' * 12},made up\n"
SIGMA = 0.2  # of the daily flow's logarithm, so cv = sqrt(exp(0.04) - 1)
BASINS = f"""key,inflow_shape,cv [ratio],source
brook,flat,0,made up
river,flat,{np.sqrt(np.expm1(SIGMA ** 2))},made up
creek,,0,made up
"""
YEARS = """basin,year,multiplier_h1 [ratio],multiplier_h2 [ratio],measured,source
brook,2025,1,1,false,made up
river,2025,1,1.5,false,made up
creek,2025,1,1,false,made up
"""
# out of order on purpose; with the scale the river's flows are 100, 150 and 200 m3/s, the brook's 50
RESERVOIRS = """\
key,plant,basin,order,active [hm3],productivity [kWh/m3],mean_flow [m3/s],flow_scale [ratio],min_flow [share],source
low,low,river,3,30,0.2,400,0.5,0.1,made up
brook,brook,brook,1,10,0.4,50,1,0,made up
top,top,river,1,20,0.5,200,0.5,0.1,made up
mid,mid,river,2,5,0.3,300,0.5,0.1,made up
"""
PLANTS = """key,bus,owner,technology,capacity [MW],cost [CNY/MWh],in_service,source
top,A,x,hydro,300,8,2020-01-01,made up
mid,A,x,hydro,300,8,2020-01-01,made up
low,A,x,hydro,300,8,2020-01-01,made up
brook,A,y,hydro,100,8,2020-01-01,made up
coal,A,y,coal,100,300,2020-01-01,made up
"""
LOW, BROOK, TOP, MID = range(4)
DAY = Calendar(date(2025, 3, 1), date(2025, 12, 31)).day(0)


def tables(folder, **replaced):
    """The made-up tables, with any text replaced: {table name: (old, new)}."""
    found = {}
    for name, text, row in (("profiles_month", PROFILES, MonthProfile), ("basins", BASINS, Basin),
                            ("inflow_years", YEARS, InflowYear),
                            ("reservoirs", RESERVOIRS, Reservoir), ("plants", PLANTS, Plant)):
        if name in replaced:
            assert replaced[name][0] in text
            text = text.replace(*replaced[name])
        (folder / f"{name}.csv").write_text(text)
        found[name] = read_table(folder / f"{name}.csv", row)
    return found


@pytest.fixture
def rivers(tmp_path):
    found = tables(tmp_path)
    hours = ",".join(f"h{hour:02d} [ratio]" for hour in range(24))
    (tmp_path / "profiles_day.csv").write_text(f"key,season,{hours},source\n")
    days = read_table(tmp_path / "profiles_day.csv", DayProfile)
    return Rivers(found["reservoirs"], flows(found, days), found["plants"],
                  Profiles(found["profiles_month"], days))


def flows(found, days=(), **wetness):
    """The basins' flows. wetness: state by year, the same on all days of it; no other year has days."""
    def of(year):
        state = wetness.get(f"in_{year}")
        dates = [] if state is None else [date(year, 1, 1) + timedelta(days=i) for i in range(365)]
        return dates, np.full((len(dates), len(found["basins"])), state or 0.0)

    return Flows(found["basins"], found["inflow_years"], SimpleNamespace(wetness=of),
                 Profiles(found["profiles_month"], days))


def weather(day, wetness=(0.0, 0.0, 0.0)):
    none = np.zeros(0)
    return Weather(day, none, none, none, none, np.array(wetness), none)


def test_a_hm3_gives_its_energy_at_every_plant_below(rivers):
    # 1 hm3 at 0.5 kWh/m3 is 500 MWh; top 500 + mid 300 + low 200
    assert rivers.per_hm3[[TOP, MID, LOW, BROOK]].tolist() == pytest.approx([500, 300, 200, 400])
    assert rivers.chain[[TOP, MID, LOW, BROOK]].tolist() == pytest.approx([1000, 500, 200, 400])
    # full: brook 10 x 400; river 20 x 1000 + 5 x 500 + 30 x 200
    assert rivers.full.tolist() == pytest.approx([4000, 28500, 0])


def test_stored_energy_counts_each_reservoir_at_itself_and_below(rivers):
    rivers.open(DAY.date, np.array([3.0, 2.0, 1.0, 4.0]))  # low, brook, top, mid
    assert rivers.stored_energy().tolist() == pytest.approx([2 * 400, 1 * 1000 + 4 * 500 + 3 * 200, 0])


def test_local_inflow_is_the_flow_that_the_reservoir_above_does_not_have(rivers):
    # 1 m3/s is 0.0864 hm3 a day: top 100, mid 150 - 100, low 200 - 150, brook 50 m3/s
    assert rivers.normal_inflow(DAY.date)[[TOP, MID, LOW, BROOK]].tolist() == pytest.approx([8.64, 4.32, 4.32, 4.32])
    # energy of a normal day: brook 4.32 x 400; river 8.64 x 1000 + 4.32 x 500 + 4.32 x 200
    assert rivers.normal_energy()[6].tolist() == pytest.approx([1728, 11664, 0])


def test_flow_is_the_halfs_multiplier_times_a_lognormal_with_mean_one(tmp_path):
    found = tables(tmp_path)
    made_up = flows(found)
    july = Calendar(date(2025, 7, 1), date(2025, 7, 2)).day(0)
    # exp(0.2 x 1 - 0.02) = exp(0.18) in both halves, times 1.5 in the second; the brook has no spread
    for day, half in ((DAY, 1.0), (july, 1.5)):
        found = made_up.multiple(day, weather(day, (1, 1, 1)))
        assert found.tolist() == pytest.approx([1, half * np.exp(0.18), 1])
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)  # mean over a standard normal
    mean = sum(w * made_up.multiple(DAY, weather(DAY, (0, z, 0)))[1] for z, w in zip(nodes, weights))
    assert mean / weights.sum() == pytest.approx(1)


def test_a_measured_year_keeps_its_flow_whatever_its_weather(tmp_path):
    # all days at z = 1 would bring exp(0.18) times the normal flow of the half; measured, they bring 1 and 1.5 of it
    found = tables(tmp_path, inflow_years=("1.5,false", "1.5,true"))
    july = Calendar(date(2025, 7, 1), date(2025, 7, 2)).day(0)
    for day, half in ((DAY, 1.0), (july, 1.5)):
        assert flows(found, in_2025=1.0).multiple(day, weather(day, (1, 1, 1)))[1] == pytest.approx(half)
        drier = flows(found, in_2025=1.0).multiple(day, weather(day, (0, 0, 0)))[1]  # a day below that half's mean
        assert drier == pytest.approx(half * np.exp(-0.02) / np.exp(0.18))


def test_inflow_is_normal_flow_times_its_own_basins_multiple(rivers):
    found = rivers.inflow(DAY, weather(DAY, (1, 1, 1)))
    assert found[TOP] == pytest.approx(8.64 * np.exp(0.18))
    assert found[BROOK] == pytest.approx(4.32)


def test_a_days_energy_is_limited_by_the_turbines_or_by_the_water(rivers):
    rivers.open(DAY.date, np.array([0.0, 10.0, 20.0, 5.0]))
    rivers.outflow[:] = [0, 0, 2.0, 1.0]  # on its way: 2 hm3 to mid, 1 hm3 to low
    energy = rivers.energy(np.array([4.0, 0.0, 1.0, 0.5]))
    assert energy[TOP] == 300 * 24  # (20 + 1) x 500 = 10,500 MWh of water, 7,200 of turbines
    assert energy[MID] == pytest.approx((5 + 2 + 0.5) * 300)
    assert energy[LOW] == pytest.approx((0 + 1 + 4) * 200)
    assert energy[BROOK] == 100 * 24


def test_the_minimum_flow_runs_while_there_is_water(rivers):
    rivers.open(DAY.date, np.zeros(4))
    rivers.outflow[:] = 0
    # top: a tenth of 100 m3/s = 0.864 hm3 a day = 432 MWh a day = 18 MW; with 0.36 hm3 at hand: 180 MWh = 7.5 MW
    assert rivers.minimum(np.full(4, 5.0))[TOP] == pytest.approx(18)
    assert rivers.minimum(np.full(4, 0.36))[TOP] == pytest.approx(7.5)
    assert rivers.minimum(np.full(4, 5.0))[BROOK] == 0


def test_what_is_let_go_today_is_at_hand_below_tomorrow(rivers):
    rivers.open(DAY.date, np.array([0.0, 0.0, 20.0, 0.0]))
    rivers.outflow[:] = 0
    rivers.run(DAY, np.zeros(4), np.array([0.0, 0.0, 1000.0, 0.0]))  # top releases 1000 / 500 = 2 hm3
    assert rivers.stored[[TOP, MID]].tolist() == pytest.approx([18, 0])
    assert rivers.water[MID] == pytest.approx(2)
    rivers.run(DAY, np.zeros(4), np.array([0.0, 0.0, 0.0, 300.0]))  # mid passes on 1 of the 2
    assert rivers.stored[[TOP, MID, LOW]].tolist() == pytest.approx([18, 1, 0])
    rivers.run(DAY, np.zeros(4), np.zeros(4))
    assert rivers.stored[[TOP, MID, LOW]].tolist() == pytest.approx([18, 1, 1])


def test_water_above_the_active_volume_is_spilled_and_goes_down_too(rivers):
    rivers.open(DAY.date, np.array([0.0, 0.0, 19.0, 0.0]))
    rivers.outflow[:] = 0
    # 19 in store, 4 flow in, 1 is used, 20 find room: 2 go over the top
    rivers.run(DAY, np.array([0.0, 0.0, 4.0, 0.0]), np.array([0.0, 0.0, 500.0, 0.0]))
    assert rivers.stored[TOP] == pytest.approx(20)
    assert rivers.spilled[TOP] == pytest.approx(2)
    assert rivers.water[MID] == pytest.approx(1 + 2)


def test_a_river_opens_with_its_natural_flow_on_the_way_down(rivers):
    rivers.open(DAY.date, np.zeros(4))
    assert rivers.outflow[[TOP, MID, LOW]].tolist() == pytest.approx([8.64, 12.96, 17.28])
    assert rivers.water[[TOP, MID, LOW]].tolist() == pytest.approx([0, 8.64, 12.96])


@pytest.mark.parametrize("level", [-0.1, 20.5])
def test_a_level_outside_the_reservoir_is_refused(rivers, level):
    with pytest.raises(ValueError, match="active volume"):
        rivers.open(DAY.date, np.array([0.0, 0.0, level, 0.0]))


def test_an_output_without_water_is_refused_by_name(rivers):
    rivers.open(DAY.date, np.zeros(4))
    with pytest.raises(ValueError, match=r"top on 2025-03-01: 500\.000 MWh need 1\.000000 hm3, 0\.500000 are there"):
        rivers.run(DAY, np.full(4, 0.5), np.array([0.0, 0.0, 500.0, 0.0]))


def test_a_solvers_rounding_beyond_the_water_leaves_the_reservoir_empty(rivers):
    rivers.open(DAY.date, np.zeros(4))
    rivers.run(DAY, np.full(4, 0.5), np.array([0.0, 0.0, 250 * (1 + 1e-9), 0.0]))
    assert rivers.stored[TOP] == 0


@pytest.mark.parametrize("seed", range(5))
def test_no_drop_is_lost_in_a_random_year(rivers, seed):
    rng = np.random.default_rng(seed)
    rivers.open(DAY.date, rivers.active * rng.random(4))
    first, came, went = rivers.stored.sum() + _on_its_way(rivers), 0.0, 0.0
    for i in range(300):
        day = Calendar(date(2025, 3, 1), date(2025, 12, 31)).day(i)
        inflow = rivers.inflow(day, weather(day, rng.normal(size=3) * 3))
        output = rivers.energy(inflow) * rng.random(4) ** 2
        before, energy = _energy(rivers), output.sum()
        rivers.run(day, inflow, output)
        assert rivers.residual < 1e-9
        assert np.all(rivers.stored >= 0)
        assert np.all(rivers.stored <= rivers.active)
        # what is generated or spilled leaves the basins' energy MWh for MWh, wherever on the river it was
        spilled = (rivers.spilled * rivers.per_hm3).sum()
        assert _energy(rivers) == pytest.approx(before + (inflow * rivers.chain).sum() - energy - spilled)
        came, went = came + inflow.sum(), went + rivers.outflow[[LOW, BROOK]].sum()
    assert rivers.stored.sum() + _on_its_way(rivers) == pytest.approx(first + came - went)


def _on_its_way(rivers):
    return rivers.outflow[[TOP, MID]].sum()


def _energy(rivers):
    """MWh in store and on its way: what top and mid let go still has the chain below it."""
    way = rivers.outflow[TOP] * rivers.chain[MID] + rivers.outflow[MID] * rivers.chain[LOW]
    return rivers.stored_energy().sum() + way


def test_the_inflow_index_is_the_months_inflow_over_the_normal_one_in_energy(rivers):
    normal = rivers.normal_inflow(DAY.date)
    inflow = np.column_stack([normal * 0.5, normal * 2.0])
    assert rivers.inflow_index(date(2025, 3, 2), inflow).tolist() == pytest.approx([1.25, 1.25, 1])
    inflow[TOP] = 0.0  # of 11,664 MWh a day 8,640 are missing: 2.5 x 3024 / (2 x 11664)
    assert rivers.inflow_index(date(2025, 3, 2), inflow)[1] == pytest.approx(2.5 * 3024 / 23328)


@pytest.mark.parametrize(("replaced", "said"), [
    ({"reservoirs": ("low,low,river,3", "low,coal,river,3")}, "'coal' is no hydro plant"),
    ({"reservoirs": ("low,low,river,3", "low,mid,river,3")}, "'mid' has a reservoir"),
    ({"reservoirs": ("low,low,river,3", "low,low,river,2")}, "two reservoirs of order 2"),
    ({"reservoirs": ("low,low,river,3", "low,low,river,5")}, "no reservoir of order 4"),
    ({"reservoirs": ("low,low,river,3", "low,low,creek,1")}, "'creek' has no inflow_shape"),
    ({"reservoirs": ("0.2,400", "0.2,290")}, "145 m3/s with the scale is less than the 150 m3/s"),
    ({"basins": ("brook,flat", "brook,sun")}, "'sun' is not a ratio"),
])
def test_a_river_that_cannot_be_is_refused_in_one_line(tmp_path, replaced, said):
    found = tables(tmp_path, **replaced)
    with pytest.raises(BadInput, match=said) as fault:
        _check(found)
    assert str(fault.value).count("\n") == 0
    assert ".csv:" in str(fault.value)


def test_the_made_up_rivers_pass_the_check(tmp_path):
    _check(tables(tmp_path))


def _check(found):
    for table in ("basins", "reservoirs"):
        found[table].row_type.check(found[table], found)


@pytest.fixture(scope="module")
def yunnan():
    rows = {"profiles_month": MonthProfile, "profiles_day": DayProfile, "basins": Basin, "reservoirs": Reservoir,
            "plants": Plant, "inflow_years": InflowYear}
    found = {name: read_table(YUNNAN / f"{name}.csv", row) for name, row in rows.items()}
    return found, Rivers(found["reservoirs"], flows(found), found["plants"],
                         Profiles(found["profiles_month"], found["profiles_day"]))


def test_yunnans_named_reservoirs_hold_32_twh_and_bring_206_in_a_normal_year(yunnan):
    _, rivers = yunnan
    assert rivers.full.sum() / 1e6 == pytest.approx(32.3, abs=0.05)
    days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert (rivers.normal_energy().sum(axis=1) @ days) / 1e6 == pytest.approx(206, abs=1)


def test_yunnans_daily_cv_gives_a_year_the_cv_of_eleven_hundredths(yunnan):
    """Days of lognormal flow that keep 0.97 of their anomaly, weighted with the months' shape."""
    found, _ = yunnan
    cv = found["basins"]["cv"][0]
    shape = found["profiles_month"].rows[found["profiles_month"].position("inflow_YN")].values
    weight = np.repeat(shape, [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    lag = np.abs(np.subtract.outer(np.arange(365), np.arange(365)))
    covariance = np.expm1(np.log1p(cv ** 2) * 0.97 ** lag)
    year = np.sqrt(weight @ covariance @ weight) / weight.sum()
    assert year == pytest.approx(0.11, abs=0.001)
