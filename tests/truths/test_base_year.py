"""The base year must be plausible from its drivers alone. A campaign: a year under each engine takes half a minute.

The claims are coarse on purpose; ranges to compare figures with stand in docs/notes.md and are no tests, because a
model held to its targets by its tests would tell nothing.
"""

import numpy as np
import pytest

from sim.calendar import WET_MONTHS
from sim.config import load
from sim.model import PolicyLab
from tests.labs import ROOT

BASE = ROOT / "configs" / "scenarios" / "base_2025.yaml"
SMALL = ["scale.riders=5000", "scale.rest_riders=500"]
OWNERS = ["law.spot.engine=hour", "law.spot.storage_scheduling=own", "law.ancillary.mode=sequential"]


@pytest.fixture(scope="module", params=[[], OWNERS], ids=["day", "hour"])
def year(request):
    """The indicators of the base year: month by row, "indicator zone" by column."""
    lab = PolicyLab(load(BASE, set=[*SMALL, *request.param])).run()
    table = lab.results.indicators
    monthly = table[~table["indicator"].isin(["stored_water", "temperature"])]
    return monthly.assign(name=monthly["indicator"] + " " + monthly["zone"]).pivot(
        index="date", columns="name", values="value")


pytestmark = pytest.mark.campaign


def test_yunnan_is_cheaper_in_the_wet_season(year):
    wet = year.index.month.isin(WET_MONTHS)
    assert year["price YN"][wet].mean() < year["price YN"][~wet].mean()


def test_guangdong_is_dearer_than_yunnan_in_every_month(year):
    assert (year["price GD"] > year["price YN"]).all()


def test_yunnan_exports_most_in_the_wet_season(year):
    out = year[["exports.GD YN", "exports.GX YN", "exports.GZ YN"]].sum(axis=1)
    wet = out.index.month.isin(WET_MONTHS)
    assert out[wet].mean() > 1.5 * out[~wet].mean()


def test_little_is_curtailed_and_nobody_goes_without(year):
    lost = year.filter(regex=r"^curtailed\.(hydro|wind|wind_offshore|solar) ").sum().sum()
    made = year.filter(regex=r"^generation\.(hydro|wind|wind_offshore|solar) ").sum().sum()
    assert lost < 0.05 * (made + lost)
    assert year.filter(regex=r"^shed ").sum().sum() == pytest.approx(0, abs=1)


def test_every_balance_holds_all_year(year):
    assert year["imbalance all"].max() < 1e-6
    assert year["rent_residual all"].max() < 1e-2
    assert np.all(year["balance grid_company"] == 0)


def test_the_subsidy_raises_enrolment_first_where_it_starts_first(year):
    gain = {city: year[f"take_up {city}"].iloc[-1] - year[f"take_up {city}"].dropna().iloc[0]
            for city in ("quanzhou", "nantong", "guangzhou")}  # April, April and November 2025
    assert min(gain["quanzhou"], gain["nantong"]) > gain["guangzhou"] > 0
