"""The hour engine against HiGHS in every hour of a year of the five provinces. A campaign: 8,760 programmes."""

import numpy as np
import pytest
from scipy import sparse

from sim.config import load
from sim.engines.hourly import HourlyEngine
from sim.engines.program import Program
from sim.model import PolicyLab
from tests.labs import ROOT

HOURS_ALONE = ["law.spot.regime=spot", "law.spot.ahead=false", "law.spot.engine=hour",
               "law.spot.storage_scheduling=own",
               "markets.ancillary=false", "scale.riders=500", "scale.rest_riders=50"]


@pytest.mark.campaign
def test_no_hour_of_a_year_costs_more_than_highs_finds(monkeypatch):
    """Each hour as it was asked, stores, budgets and ramps already cut to what was possible in it: the same least cost,
    to 1e-9 of the day's value, and HiGHS was never needed to find it."""
    gaps, worth = [], []
    run = HourlyEngine._run

    def compared(engine, sheet, curves, coupled, found, book, day):
        fallbacks = run(engine, sheet, curves, coupled, found, book, day)
        assert fallbacks == 0
        net, program = engine._net, Program(generic=False)
        matrix = sparse.csr_array(net.weight[:, sheet.site] * sheet.side)
        for hour in range(engine.hours):
            idle = net.weight @ sheet.base[hour]
            if hour == 0:
                program.load(matrix)
            program.price(sheet.cost[hour])
            program.bound_rows(net.low - idle, net.high - idle)
            program.bound(sheet.lower[hour], sheet.upper[hour])
            program.solve()
            gaps.append(sheet.cost[hour] @ found.x[hour] - sheet.cost[hour] @ program.x)
            worth.append(np.abs(sheet.cost[hour] * found.x[hour]).sum())
        return fallbacks

    monkeypatch.setattr(HourlyEngine, "_run", compared)
    PolicyLab(load(ROOT / "configs" / "scenarios" / "base_2025.yaml", set=HOURS_ALONE)).run()
    assert len(gaps) == 8760
    assert (np.abs(gaps) <= 1e-9 * np.array(worth) + 1e-3).all()
