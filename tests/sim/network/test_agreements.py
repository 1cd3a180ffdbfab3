"""Agreements between zones: energy to power by shapes and links, the drought clause, and what is refused."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sim.config import BadInput, load, read_world
from sim.network.ground import Ground
from sim.schema import schema
from sim.streams import Streams
from tests.labs import altered

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def yunnan():
    return read_world(ROOT / "configs" / "worlds" / "yunnan", schema())


@pytest.fixture(scope="module")
def ground(yunnan):
    return Ground(yunnan, Streams(1), 2025)


def test_the_energy_of_a_year_is_what_was_agreed(ground):
    """2025: 122 TWh from Yunnan, 87 % to Guangdong, 11 % to Guangxi, 2 % to Guizhou; 24 TWh from Guizhou."""
    agreed = ground.grid(date(2025, 1, 1)).agreements
    days = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    energy = (agreed.sent.sum(axis=(1, 3)) * days).sum(axis=1) / 1e6
    assert dict(zip(agreed.key, energy)) == pytest.approx({"YN_GD": 106.14, "YN_GX": 13.42, "YN_GZ": 2.44, "GZ_GD": 24})
    assert agreed.mean * 8760 / 1e6 == pytest.approx(energy)
    power = (agreed.mean[:, None] * agreed.month)[:, :, None] * agreed.hour[:, None]
    np.testing.assert_allclose(agreed.sent.sum(axis=1), power)


def test_august_to_guangdong_by_hand(ground):
    """106.14 TWh with the shape 1.5 in August: shapes times days of the year sum to 365.85, so that the mean hour of
    August has 106.14e6 x 1.5 / (365.85 x 24) MW, which links of 5, 5, 5, 6.4 and 5 GW share in proportion."""
    grid = ground.grid(date(2025, 1, 1))
    agreed = grid.agreements
    weight = 23.25 + 18.2 + 21.7 + 21 + 24.8 + 34.5 + 44.95 + 46.5 + 43.5 + 37.2 + 27 + 23.25
    mean = 106.14e6 * 1.5 / (weight * 24)
    gd = agreed.key.index("YN_GD")
    assert agreed.sent[gd, :, 7].sum(axis=0).mean() == pytest.approx(mean)
    assert agreed.sent[gd, grid.link.index("niucong"), 7, 18] == pytest.approx(mean * 6.4 / 26.4 * 1.15)
    assert agreed.sent[gd, grid.link.index("chusui"), 7, 18] == pytest.approx(mean * 5.0 / 26.4 * 1.15)


def test_prices_are_by_season_and_contracts_settle_at_the_sellers_reference(ground):
    grid = ground.grid(date(2025, 1, 1))
    agreed = grid.agreements
    gd, gz = agreed.key.index("YN_GD"), agreed.key.index("GZ_GD")
    assert list(agreed.price[gd]) == [270] * 5 + [215] * 5 + [270] * 2
    assert [grid.bus[b] for b in agreed.reference[[gd, gz]]] == ["YN_C", "GZ"]
    assert [grid.zone[z] for z in agreed.buyer] == ["GD", "GX", "GZ", "GD"]


def test_links_not_yet_built_carry_nothing(ground):
    """Kunliulong and Yungui came in December and June 2020, Xindong in May 2018."""
    early = ground.grid(date(2017, 1, 1))
    assert set(early.agreements.key) == {"YN_GD", "YN_GX", "GZ_GD"}
    assert "xindong" not in early.link
    grid = ground.grid(date(2018, 1, 1))
    xindong = grid.link.index("xindong")
    gd = grid.agreements.key.index("YN_GD")
    assert not grid.agreements.sent[gd, xindong, :4].any()
    assert (grid.agreements.sent[gd, xindong, 4:] > 0).all()


def test_the_drought_clause_takes_back_what_is_missing_to_the_rule_curve_up_to_its_limit(ground):
    """July's curve is 7.5 TWh: 6 TWh are 20 % short; 5 TWh would be a third, a quarter is allowed; 8 is enough."""
    agreed = ground.grid(date(2025, 1, 1)).agreements
    zone = agreed.seller[0]
    stored = np.zeros(len(ground.rivers.full))
    for level, cut in ((6e6, 0.2), (5e6, 0.25), (8e6, 0.0)):
        stored[0] = level
        assert agreed.cut(zone, 7, stored, 0.25) == pytest.approx(cut)
    assert agreed.cut(agreed.seller[-1], 7, stored * 0, 0.25) == 0  # Guizhou's agreement has no such clause


def refused(folder, table, **values):
    """The line with which a toy world is refused whose agreements have these cells."""
    def change(row):
        if row.get("year", "2025") != "2025" or row.get("link", "sea_1") != "sea_1":
            return row
        return row | {next(h for h in row if h.split(" [")[0] == name): value for name, value in values.items()}

    scenario = altered(folder, {table: change})
    with pytest.raises(BadInput) as refusal:
        load(scenario)
    return str(refusal.value)


@pytest.mark.parametrize(("table", "values", "words"), [
    ("agreements", {"seller": "COAST"}, "seller: 'COAST' is not at that end of sea_1; expected HILLS"),
    ("agreements", {"link": "valley_1"}, "valley_1 is an AC line; expected a link"),
    ("agreements", {"month": "price_HILLS"}, "profile 'price_HILLS' is not in ratio"),
    ("agreements", {"rule_curve": "framework_HILLS"}, "is not in TWh"),
    ("agreements", {"hour": "load_HILLS"}, "differs by season"),
    ("agreements", {"dry": "-1"}, "expected CNY/MWh >= 0"),
    ("agreement_years", {"key": "nobody"}, "'nobody' is not a key of agreements.csv"),
    ("agreement_years", {"energy": "1.2"}, "in the strongest hour; expected at most the 190 MW of its links in 2025"),
])
def test_bad_agreements_are_refused_with_file_and_line(tmp_path, table, values, words):
    line = refused(tmp_path, table, **values)
    assert f"{table}.csv:2: " in line
    assert words in line


def test_rows_of_one_agreement_must_agree(tmp_path):
    scenario = altered(tmp_path, {"agreements": lambda row: row | {"wet [CNY/MWh]": "200"}
                                  if row["link"] == "sea_2" else row})
    with pytest.raises(BadInput, match=r"agreements\.csv:3: wet \[CNY/MWh\]: 200.0; expected 215.0 as in the first"):
        load(scenario)


def test_a_year_without_agreements_is_a_grid_without_schedule(ground):
    none = SimpleNamespace(**vars(ground.grid(date(2036, 1, 1)).agreements))
    assert none.key == ()
    assert not none.sent.any()
