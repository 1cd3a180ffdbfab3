"""Figures say their units and show the data; they are drawn from made-up results of a year."""

import io

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.image import AxesImage

from experiments import drawing, plots, plots_money
from experiments.tongue import speaking
from sim.config import BadInput
from sim.recorder import Memory

EXPECTED = ["price_map", "price_duration", "price_heat", "generation", "corridors", "reservoirs", "revenue_stack",
            "certificates", "packages", "rider_income", "rider_enrolment", "coverage", "money_flow"]


@pytest.fixture(scope="module")
def drawn(year):
    """Every figure of the year, by name."""
    return dict(plots.figures(year))


def texts(figure):
    """All that is written on a figure."""
    written = [text.get_text() for text in figure.texts]
    for suptitle in (figure._supxlabel, figure._supylabel):
        written += [suptitle.get_text()] if suptitle else []
    for ax in figure.axes:
        written += [ax.get_xlabel(), ax.get_ylabel(), ax.get_title(loc="left"), *(t.get_text() for t in ax.texts)]
    return written


def test_a_year_gives_every_figure(drawn):
    assert list(drawn) == EXPECTED


def test_without_hourly_tables_the_prices_are_left_out(year):
    bare = Memory()
    bare._months = {kind: tables for kind, tables in year._months.items() if not kind.startswith("hourly")}
    assert [name for name, _ in plots.figures(bare)] == EXPECTED[3:]


def test_a_world_without_rivers_corridors_and_riders_has_its_other_figures(year):
    class Bare:
        kinds = ("indicators", "journal/entries")
        indicators = year.indicators[~year.indicators["indicator"].str.match(
            r"utilisation|stored_water|income|revenue|certificate|package")]
        table = staticmethod(year.table)

    assert [name for name, _ in plots.figures(Bare())] == ["generation", "money_flow"]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_single_month_can_be_seen(year, name):
    from matplotlib.collections import PolyCollection

    january = Memory()
    january._months = {kind: tables[:1] for kind, tables in year._months.items()}
    figure = dict(plots.figures(january))[name]
    drawn = [artist for ax in figure.axes for artist in (*ax.lines, *ax.patches, *ax.images, *ax.collections)]
    assert drawn
    for artist in drawn:
        if isinstance(artist, PolyCollection):
            assert np.ptp(artist.get_paths()[0].vertices[:, 0]) > 0  # a band as wide as nothing is not seen


@pytest.mark.parametrize(("name", "units"), [
    ("price_duration", ["share of hours [%]", "[CNY/MWh]"]),
    ("price_heat", ["hour of the day, Beijing time [h]", "zone price [CNY/MWh]", "month of 2025"]),
    ("generation", ["energy [TWh/month]", "month of 2025"]),
    ("corridors", ["mean use of capacity [%]", "sent, net [TWh]", "month of 2025"]),
    ("reservoirs", ["stored energy [TWh]", "month of 2025"]),
    ("rider_income", ["[1,000 CNY/month]"]),
    ("rider_enrolment", ["share of the month's active riders [%]"]),
    ("money_flow", ["[bn CNY]"]),
    ("price_map", ["mean price [CNY/MWh]"]),
    ("revenue_stack", ["received less paid [CNY/kW]"]),
    ("certificates", ["certificates [million]", "price [CNY/certificate]", "month of 2025"]),
    ("packages", ["share of energy [%]", "number", "month of 2025"]),
    ("coverage", ["could have the subsidy [%]", "enrolled [%]", "tenth of income, 1 is the poorest"]),
])
def test_every_axis_says_its_unit(drawn, name, units):
    written = " | ".join(texts(drawn[name]))
    for unit in units:
        assert unit in written


@pytest.mark.parametrize("name", EXPECTED)
def test_every_figure_fits_a_page_and_can_be_saved(drawn, name):
    figure = drawn[name]
    width, height = figure.get_size_inches()
    assert width == drawing.WIDTH
    assert height <= 9.5
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=50)
    assert picture.getvalue().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", EXPECTED)
def test_nothing_written_lies_outside_the_picture(drawn, name):
    figure = drawn[name]
    figure.canvas.draw()
    page = figure.bbox
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible() and text.axes is not None and text.axes.get_visible():
            box = text.get_window_extent()
            assert box.x0 >= page.x0 - 1, text.get_text()
            assert box.x1 <= page.x1 + 1, text.get_text()
            assert box.y0 >= page.y0 - 1, text.get_text()
            assert box.y1 <= page.y1 + 1, text.get_text()


def test_zone_prices_are_weighted_by_load():
    import pandas

    time = np.datetime64("2025-01-01T00", "s")
    buses = pandas.DataFrame({"time": [time] * 3, "zone": ["A", "A", "B"], "price": [100.0, 200.0, 50.0],
                              "load": [1.0, 3.0, 0.0]})
    prices = plots.zone_prices(buses)
    assert list(prices) == ["A"]  # B uses nothing
    assert prices["A"].tolist() == [175.0]  # (100 + 3 x 200) / 4


def test_price_duration_falls_from_the_highest_to_the_lowest_price(year, drawn):
    prices = plots.zone_prices(year.table("hourly/bus"))
    line = drawn["price_duration"].axes[0].lines[0]
    assert line.get_label() == "YN"
    assert (np.diff(line.get_ydata()) <= 0).all()
    assert sorted(line.get_ydata()) == sorted(prices["YN"])


def test_price_heat_puts_hours_up_and_days_along(year, drawn):
    prices = plots.zone_prices(year.table("hourly/bus"))
    first = next(ax for ax in drawn["price_heat"].axes if ax.get_images())
    image, = first.get_images()
    assert isinstance(image, AxesImage)
    assert image.get_array().shape == (24, 365)
    assert image.get_array()[19, 31] == prices["YN"]["2025-02-01T19:00"]


def test_generation_stacks_up_to_what_was_made(year, drawn):
    frame = year.indicators
    of_yunnan = frame[frame["indicator"].str.startswith("generation.") & (frame["zone"] == "YN")]
    july = of_yunnan[of_yunnan["date"] == "2025-07-01"]["value"].sum() / 1e6
    ax = drawn["generation"].axes[0]
    assert ax.get_title(loc="left") == "YN"  # exports most
    tops = [bar.get_y() + bar.get_height() for bar in ax.patches if abs(bar.get_x() + bar.get_width() / 2 - 6) < 0.01]
    assert max(tops) == pytest.approx(july)


def test_corridors_show_each_months_use(drawn):
    heat = drawn["corridors"].axes[0]
    assert [label.get_text() for label in heat.get_yticklabels()][2] == "chusui"
    assert [text.get_text() for text in heat.texts][2 * 12 + 7] == "90"  # August: 0.9 of capacity


def test_reservoirs_stack_to_all_that_is_stored(year, drawn):
    frame = year.indicators
    stored = frame[frame["indicator"] == "stored_water"].groupby("date")["value"].sum() / 1e6
    ax = drawn["reservoirs"].axes[0]
    top = max(path.vertices[:, 1].max() for collection in ax.collections for path in collection.get_paths())
    assert top == pytest.approx(stored.max())


def test_riders_have_a_panel_for_each_city(drawn):
    for name in ("rider_income", "rider_enrolment"):
        titles = [ax.get_title(loc="left") for ax in drawn[name].axes if ax.get_visible()]
        assert titles[0] == "Kunming (36k)"
        assert titles[-1] == "Rest east (1.5M)"


def test_enrolment_shows_shares_in_percent(year, drawn):
    quanzhou = drawn["rider_enrolment"].axes[4]
    enrolled = year.table("populations/riders").query("city == 'quanzhou'")["enrolled"]
    assert quanzhou.lines[1].get_ydata().tolist() == pytest.approx((enrolled * 100).tolist())


def test_money_flow_names_every_account_with_its_sum(drawn):
    written = texts(drawn["money_flow"])
    assert "plants  432" in written  # 12 x 36 bn
    assert "users  492" in written
    assert "outside grid  0.72" in written


def test_colours_of_technologies_differ():
    assert len(set(drawing.TECHNOLOGIES.values())) == len(drawing.TECHNOLOGIES)


def test_drawing_leaves_the_callers_style_alone(year):
    before = dict(rcParams)
    list(plots.figures(year))
    assert dict(rcParams) == before


def test_a_margin_below_zero_can_be_read_off():
    import pandas

    share = np.linspace(0, 100, 201)
    margins = pandas.DataFrame({"A": 40 - 0.3 * share, "B": 5 - 0.2 * share}, index=share)
    figure = plots.margin_duration(margins)
    whole, tight = figure.axes
    said = texts(figure)
    assert "own capacity less load [GW]" in said
    assert {"A", "B"} <= set(said)
    assert whole.get_xlim() == (0, 100)
    assert tight.get_xlim() == (98, 100)
    assert tight.get_ylim()[0] < -14.9


def test_the_map_names_each_bus_with_its_mean_price(year, drawn):
    prices = year.table("hourly/bus").groupby("bus")["price"].mean()
    assert f"GD {prices['GD']:.0f}" in texts(drawn["price_map"])


def test_the_map_puts_buses_where_they_lie_once_that_is_known(year):
    tables = year.table("hourly/bus"), year.table("hourly/corridor")
    places = {bus: (100.0 + i, 25.0 + i % 3) for i, bus in enumerate(tables[0]["bus"].unique())}
    dots = plots.price_map(*tables, places).axes[0].collections[0]
    assert dots.get_offsets().tolist() == [list(place) for place in places.values()]
    assert not any("not by geography" in text for text in texts(plots.price_map(*tables, places)))
    assert any("not by geography" in text for text in texts(plots.price_map(*tables, {})))


def test_places_are_those_of_the_worlds_buses():
    from sim.config import load
    from tests.labs import TOY

    assert plots.places_of(load(TOY).world["buses"])["COAST"] == (104.0, 24.0)


def test_what_a_store_pays_stands_left_of_what_it_earns(drawn):
    ax = drawn["revenue_stack"].axes[0]
    battery = [bar for bar in ax.patches if round(bar.get_y() + bar.get_height() / 2) == 0 and bar.get_width()]
    assert min(bar.get_x() + bar.get_width() for bar in battery) == -24.0  # 12 x -2
    assert max(bar.get_x() + bar.get_width() for bar in battery) == 276.0  # 12 x (8 + 15)
    assert "252" in texts(drawn["revenue_stack"])


def test_certificates_stand_in_millions(drawn):
    bars = [bar.get_height() for bar in drawn["certificates"].axes[0].patches]
    assert {6.0, 2.0, 1.5, 0.5} == set(bars)


def test_a_registry_that_opens_within_the_run_holds_nothing_before(year):
    """Held from July on, 4 million more a month: the line has twelve places, and 28 million stand at the seventh."""
    table = year.indicators
    late = table[(table["indicator"] != "certificates_held") | np.array([day.month >= 7 for day in table["date"]])]
    held = plots_money.certificates(late).axes[0].lines[0].get_ydata()
    assert np.isnan(held[:6]).all()
    assert (held[6], len(held)) == (28.0, 12)


def test_packages_and_the_default_supplier_share_all_energy(drawn):
    """January: a quarter fixed, 10 % each capped and green, 15 % linked; 40 % are left to the default supplier."""
    sold, there, moved = drawn["packages"].axes
    january = [bar for bar in sold.patches if abs(bar.get_x() + bar.get_width() / 2) < 0.01 and bar.get_height() > 0]
    assert [round(bar.get_height(), 6) for bar in january] == [25, 10, 15, 10, 40]
    assert january[-1].get_y() + january[-1].get_height() == pytest.approx(100)
    assert there.patches[0].get_height() == 30
    assert {bar.get_height() for bar in moved.patches} == {2, -1}


def test_coverage_shows_each_tenth_of_each_city(drawn):
    could, does = drawn["coverage"].axes
    assert [text.get_text() for text in could.texts][:10] == ["0"] * 7 + ["90"] * 3
    assert [text.get_text() for text in does.texts][:10] == ["2", "4", "6", "8", "10", "12", "14", "16", "18", "20"]


def test_who_gains_is_the_difference_of_two_journals():
    import pandas

    # users pay plants 100 yuan, then 160: plants have 60 more, users 60 less, stores what they had
    first, second = (pandas.DataFrame([("users", "plants", fen), ("users", "stores", 500)],
                                      columns=["payer", "payee", "total"]) for fen in (10_000, 16_000))
    figure = plots_money.gains(first, second)
    assert {"+60.0", "−60.0"} <= set(texts(figure))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["users", "plants"]


def test_an_interval_that_holds_zero_is_grey():
    import pandas

    table = pandas.DataFrame([("sure", 100.0, 10.0, 5.0, 15.0), ("chance", 200.0, 2.0, -4.0, 8.0)],
                             columns=["what", "first", "difference", "low", "high"])
    ax = plots_money.intervals(table, "meaning.").axes[0]
    assert [line.get_color() for line in ax.lines[:2]] == [drawing.BLUE, drawing.GREY]
    assert ax.lines[0].get_xdata() == pytest.approx([5.0, 15.0])  # % of 100
    assert ax.lines[1].get_xdata() == pytest.approx([-2.0, 4.0])  # % of 200


def test_figures_speak_chinese(year):
    try:
        drawing.han()
    except BadInput:
        pytest.skip("no font with Chinese characters is installed: apt install fonts-noto-cjk")
    with speaking("zh"):
        for name, figure in plots.figures(year):
            figure.savefig(io.BytesIO(), format="png", dpi=40)  # a missing glyph would warn, and warnings are errors
            assert any("\u4e00" <= letter <= "\u9fff" for text in texts(figure) for letter in text), name
