"""The report: one page that needs no network, says first what came out, and shows every figure in words too."""

import re
from html.parser import HTMLParser

import pytest

from experiments import drawing
from experiments.key_figures import MONTHS, NOTHING, SEEDS, Side, interval, key_table
from experiments.report import differences, page, write
from experiments.report_words import CAPTIONS
from experiments.runner import run as live
from experiments.tongue import speaking
from sim.config import BadInput, load
from tests.labs import TOY

SHORT = ["scale.riders=200", "record.figures=false"]


def lived(folder, *changes, seed=7, start="2025-07-30", end="2025-08-02"):
    """A few days of the toy world over the turn of a month, in a folder."""
    live(load(TOY, set=[*SHORT, *changes], seed=seed, start=start, end=end), folder, progress=False)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders with one run, with another law, and with seeds 7 and 8 of either."""
    at = tmp_path_factory.mktemp("runs")
    for seed in (7, 8):
        lived(at / "base" / str(seed), seed=seed)
        lived(at / "dear" / str(seed), "law.swap.subscription=400", seed=seed)
    return at


@pytest.fixture(scope="module")
def single(runs):
    return page([Side.open(runs / "base" / "7")], "en")


@pytest.fixture(scope="module")
def double(runs):
    return page([Side.open(runs / "base" / "7"), Side.open(runs / "dear" / "7")], "en")


class Reader(HTMLParser):
    """Takes a page apart. tags: (name, attributes) in order.  words: the text outside style."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self._open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.words.append(data)


@pytest.mark.parametrize("which", ["single", "double"])
def test_nothing_is_fetched_from_a_network(which, request):
    text = request.getfixturevalue(which)
    reader = Reader(text)
    loaded = [a[name] for _, a in reader.tags for name in ("src", "href", "srcset", "data", "action") if name in a]
    assert len(loaded) > 8
    assert all(address.startswith("data:image/png;base64,") for address in loaded)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & {tag for tag, _ in reader.tags}
    style = text[text.index("<style>"):text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("which", ["single", "double"])
def test_every_figure_is_said_in_words_too(which, request):
    reader = Reader(request.getfixturevalue(which))
    images = [attributes for tag, attributes in reader.tags if tag == "img"]
    assert len(images) > 8
    assert all(len(attributes["alt"]) > 40 for attributes in images)
    assert len({attributes["alt"] for attributes in images}) == len(images)


def test_every_figure_of_the_toy_world_is_on_the_page(single):
    drawn = {a["id"] for tag, a in Reader(single).tags if tag == "figure"}
    assert drawn == set(CAPTIONS) - {"gains", "intervals", "packages"}  # it has no accounts that buy packages


def test_the_page_begins_with_question_answer_and_key_figures(single):
    parts = "<h1>How do three buses", "<div class=answer>", "<table class=key>", "<figure"
    order = [single.index(part) for part in parts]
    assert order == sorted(order)
    answer = single[order[1]:order[2]]
    assert answer.count("<p>") == 3
    assert "least in the hills" in answer
    assert "most in the coast" in answer


def test_a_comparison_says_what_was_compared(double):
    first_screen = double[:double.index("<figure")]
    assert "What changes from “7” to “7”?" in first_screen
    assert "<code>law.swap.subscription</code>: 299.0 by law → 400" in first_screen
    assert "<th>A</th><th>B</th><th>difference</th>" in first_screen


def test_what_two_runs_share_is_said_once(double):
    words = " ".join(Reader(double).words)
    assert words.count("Source of the scenario") == 1
    assert "markets.spot" not in double[:double.index("<figure")]  # what is the same in both is no difference


def test_two_runs_stand_side_by_side(double):
    reader = Reader(double)
    assert sum(a.get("class") == "n2" for tag, a in reader.tags if tag == "figure") >= 8
    assert {"gains"} < {a["id"] for tag, a in reader.tags if tag == "figure"}


def test_a_run_can_be_cited_and_made_again(runs, single):
    side = Side.open(runs / "base" / "7")
    assert side.run.certificate["head"] in single
    assert side.run.certificate["seal"] in single
    assert "law/spot.yaml" in single  # the config with the digests of its files


def test_assumptions_and_limits_are_said(single):
    words = " ".join(Reader(single).words)
    for part in ("Assumptions", "Sources", "What the model cannot tell", "Cite as", "[SouthSpot2025]"):
        assert part in words


def test_months_give_a_range_that_is_no_confidence_interval(runs, single):
    table, basis = key_table([Side.open(runs / "base" / "7")])
    assert basis == MONTHS
    assert len(table) > 9
    assert (table["low"] <= table["first"] + 1e-9).all()  # a mean over two months lies between them
    assert (table["first"] <= table["high"] + 1e-9).all()
    assert "this is no confidence interval" in single


def test_seeds_give_an_interval_of_paired_differences(runs):
    sides = [Side.open(runs / "base"), Side.open(runs / "dear")]
    table, basis = key_table(sides)
    assert basis == SEEDS
    assert sides[0].seeds == (7, 8)
    price = table[table["what"] == "mean price of electricity"].iloc[0]
    # the swap fee moves no electricity price: with the same weather in both runs of a pair the difference is nothing
    assert (price["difference"], price["low"], price["high"]) == (0.0, 0.0, 0.0)
    assert "paired by seed" in page(sides, "en")


def test_an_interval_is_students():
    # 1, 2, 3: mean 2, standard error 1 / sqrt(3) = 0.57735, t at 97.5 % with 2 degrees of freedom 4.302653
    assert interval([1.0, 2.0, 3.0]) == pytest.approx((2.0, 2 - 2.484138, 2 + 2.484138), abs=1e-5)


def test_one_seed_and_one_month_have_no_interval(tmp_path):
    side = Side.open(lived(tmp_path / "one", end="2025-07-31"))
    table, basis = key_table([side])
    assert basis == NOTHING
    assert table["low"].isna().all()
    assert "so there is no interval" in page([side], "en")


def test_a_folder_of_different_scenarios_is_refused(runs, tmp_path):
    import shutil

    shutil.copytree(runs / "base" / "7", tmp_path / "a")
    shutil.copytree(runs / "dear" / "8", tmp_path / "b")
    with pytest.raises(BadInput, match="another scenario than"):
        Side.open(tmp_path)
    with pytest.raises(BadInput, match="holds no run"):
        Side.open(tmp_path / "a" / "hourly")


def test_differences_are_named_by_their_key():
    first = {"title": "x", "question": "a?", "law": {}, "period": {"start": "2025-01-01"}}
    second = {"title": "x", "question": "b?", "law": {"swap.fee": 400}, "period": {"start": "2025-02-01"}}
    assert list(differences(first, second)) == [
        ("law.swap.fee", "as the law says", "400"), ("period.start", "2025-01-01", "2025-02-01")]


def has_han():
    try:
        return bool(drawing.han())
    except BadInput:
        return False


@pytest.mark.skipif(not has_han(), reason="no font with Chinese characters is installed: apt install fonts-noto-cjk")
def test_the_page_is_chinese_where_chinese_is_asked_for(runs, tmp_path):
    path = write([Side.open(runs / "base" / "7"), Side.open(runs / "dear" / "7")], tmp_path / "page.html", "zh")
    text = path.read_text(encoding="utf-8")
    assert '<html lang="zh-CN">' in text
    for part in ("从 A 到 B", "平均电价", "模型不能说明什么", "引用格式"):
        assert part in text
    alts = re.findall(r'alt="([^"]*)"', text)
    assert all(re.search(r"[一-鿿]", alt) for alt in alts)


@pytest.mark.skipif(not has_han(), reason="no font with Chinese characters is installed: apt install fonts-noto-cjk")
def test_no_figure_lacks_a_glyph_in_chinese(runs, tmp_path, recwarn):
    write([Side.open(runs / "base" / "7")], tmp_path / "page.html", "zh")
    assert [str(w.message) for w in recwarn if "Glyph" in str(w.message)] == []


def test_without_a_chinese_font_the_page_is_refused_with_what_to_install(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(drawing, "HAN", {"No Such Family": "nosuchfile"})
    drawing.han.cache_clear()
    try:
        with pytest.raises(BadInput, match="no font with Chinese characters is installed"):
            write([Side.open(runs / "base" / "7")], tmp_path / "page.html", "zh")
    finally:
        drawing.han.cache_clear()
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_cannot_be_written_is_one_line(runs, tmp_path):
    with pytest.raises(BadInput, match="cannot be written"):
        write([Side.open(runs / "base" / "7")], tmp_path / "no" / "folder" / "page.html", "en")


def test_a_language_is_only_spoken_inside_its_page(runs, single):
    with speaking("en"):
        assert page([Side.open(runs / "base" / "7")], "en") == single
