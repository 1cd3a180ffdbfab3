"""The published rules, on one Yunnan day as the law has them in force: certificates, mechanism price, pass-through.

An old dam of 1,000 MWh, wind of 200 MWh from before June 2025, coal of 100 MWh, in 20 even hours; 220 CNY/MWh; a
smelter that uses 600 MWh and households that use 700 (outside the market). Nothing leaves the province.
"""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sim.calendar import Month
from sim.certificates import BOUND, FREE, SUBSIDISED, Certificates
from sim.config import load
from sim.network.grid import PLANT, USER, Bus, Grid, Units
from sim.policy.mechanism_price import MechanismPrice
from sim.policy.pass_through import PassThrough

BASE_2025 = Path(__file__).parents[2] / "configs" / "scenarios" / "base_2025.yaml"
DAM, WIND, COAL, SMELTER = range(4)
JULY = Month(2025, 7)


@pytest.fixture(scope="module")
def law():
    return load(BASE_2025).law


def day():
    bus = Bus(key="YN_C", zone="YN", name="Kunming", source="worked by hand")
    units = Units.join(
        Units.make(["dam", "wind", "coal"], PLANT, [0] * 3, ["o"] * 3, ["hydro", "wind", "coal"], [100] * 3,
                   first=[date(2014, 1, 1), date(2020, 1, 1), date(2010, 1, 1)]),
        Units.make(["smelter"], USER, [0], ["o"], "smelter", [30]))
    net, hours = Grid([bus], [], [], units, date(2025, 1, 1)), np.where(np.arange(24) < 20, 1 / 20, 0.0)
    return SimpleNamespace(
        month=JULY, grid=net, user_bus=np.array([0]), party_bus=np.zeros(5, int), trades={}, days=1,
        output=np.array([1000, 200, 100, -600])[:, None] * hours, consumption=700 * hours[None], load=700 * hours[None],
        shed=np.zeros((1, 24)), price=np.full((1, 24), 220.0), settled=np.ones(24, bool), line_flow=np.zeros((0, 24)),
        sent=np.zeros((0, 24)), delivered=np.zeros((0, 24)),
        ahead=SimpleNamespace(hours=np.zeros(24, bool), price=np.zeros((1, 24))), positions=SimpleNamespace(books={}))


def closed(law, month):
    page = day()
    book = Certificates(page.grid, page.user_bus, np.array([False]))
    page.month = month
    book.close(month, page, law.on(month.first)["green"])
    return book


def counts(book):
    lots = book.lots()
    return {(int(kind), int(holder)): int(count) for kind, holder, count in zip(lots.kind, lots.holder, lots.count)}


def test_before_december_2024_old_water_keeps_its_certificates(law):
    # of the wind's 200 three tenths are subsidised
    assert counts(closed(law, Month(2024, 11))) == {(BOUND, DAM): 1000, (FREE, WIND): 140, (SUBSIDISED, WIND): 60}


def test_from_then_on_they_follow_the_energy_to_the_market_users(law):
    # 600 of 1300 MWh are the smelter's: 1000 x 600 / 1300 = 461.54 -> 462
    found = counts(closed(law, Month(2025, 1)))
    assert (found[BOUND, SMELTER], found[BOUND, DAM]) == (462, 538)


def test_from_june_2025_the_wind_at_the_mechanism_price_gives_its_certificates_to_all_users(law):
    # 0.725 x 200 = 145 of the wind are bound, of the other 55 three tenths, 16.5 -> 16, are subsidised; 1145 are bound:
    # 1145 x 600 / 1300 = 528.46 -> 528 for the smelter: 461.13 of the dam's and 66.87 of the wind's -> 461 and 67
    found = counts(closed(law, JULY))
    assert (found[FREE, WIND], found[SUBSIDISED, WIND]) == (39, 16)
    lots = closed(law, JULY).lots()
    assert lots.count[lots.holder == SMELTER].sum() == 528
    assert (found[BOUND, DAM], found[BOUND, WIND]) == (1000 - 461, 145 - 67)


def test_the_wind_is_made_good_to_335_80_on_its_share(law):
    # 145 MWh x (335.80 - 220) = 16,791 yuan
    (found,) = MechanismPrice().apply(JULY, day(), law.on(JULY.first)["mechanism_price"])
    assert (found.payer, found.payee, found.row.tolist(), found.amount.tolist()) == (
        "grid_company", "plants", [WIND], [1_679_100])


def test_coal_is_made_good_by_everybody(law):
    # 100 MWh x (335.80 - 220) = 11,580 yuan; over 1300 MWh that is 8.91 a MWh: smelter 5,344.62, households 6,235.38
    found = {t.payee if t.payer == "grid_company" else t.payer: t.amount.tolist()
             for t in PassThrough().apply(JULY, day(), law.on(JULY.first)["pass_through"])}
    assert found == {"plants": [1_158_000], "smelters": [534_462], "users": [623_538]}


def test_none_of_it_was_there_before_its_day(law):
    assert "green" not in law.on(date(2023, 7, 31))
    assert "mechanism_price" not in law.on(date(2025, 5, 31))
    assert "pass_through" not in law.on(date(2022, 12, 31))
