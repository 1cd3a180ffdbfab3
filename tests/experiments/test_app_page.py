"""The live view as a person sees it, in a headless Chromium: clicks, and what the page then shows.

On a machine without Chromium these are skipped; in CI they fail, for there `.ci/run` installs it.
"""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from experiments.runner import run
from sim.config import load
from tests.experiments.browser import Browser, found
from tests.labs import ROOT, TOY

CHROMIUM = found()
pytestmark = pytest.mark.skipif(CHROMIUM is None and not os.environ.get("CI"), reason="there is no Chromium here")
RESTS = "document.querySelector('#play').textContent.includes('Play')"
CAUGHT_UP = ("document.querySelectorAll('#second svg').length === 5 && "
             "!document.querySelector('#second h2').textContent.includes('behind')")
MATCH, CAPACITY = "[id='lever-pension_subsidy.match']", "[id='lever-markets.capacity']"


@contextmanager
def app(*arguments):
    """The command as a process of its own; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments", "app", *arguments, "--port", "0"], cwd=ROOT, stdout=subprocess.PIPE,
        text=True)
    try:
        yield next(word for word in process.stdout.readline().split() if word.startswith("http"))
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def toy():
    """The address of an app with seven weeks of the toy world and few riders."""
    with app("toy_years", "--start", "2025-07-20", "--end", "2025-09-10", "--set", "scale.riders=500") as address:
        yield address


@pytest.fixture
def page():
    """A browser without a page; afterwards it has nothing to complain of, and was nowhere but here."""
    assert CHROMIUM, "no Chromium: .ci/run installs it"
    with Browser(CHROMIUM) as browser:
        yield browser
        browser.js("new Promise(done => setTimeout(done, 200))")  # what is under way comes home
        assert browser.complaints == []
        assert browser.failures == []
        assert all(address.startswith(("http://127.0.0.1:", "data:", "about:")) for address in browser.requests)


@pytest.fixture
def watched(page, toy):
    """The page of the toy world on its first day, under the law as it is."""
    page.open(toy)
    page.until("document.body.dataset.shown")
    page.click("#restart")
    if not page.js("document.querySelector('#reset').disabled"):
        page.click("#reset")
    page.until("document.body.dataset.shown === '2025-07-20' && document.querySelector('#reset').disabled "
               "&& !document.querySelector('#second .waiting').hidden")
    return page


def test_the_first_screen_shows_network_day_and_levers(watched):
    assert watched.text("#title") == "The toy world, two years"
    assert watched.js("document.querySelectorAll('#first .corridor').length") == 4  # two lines, two links in service
    prices = watched.js("[...document.querySelectorAll('#first .price')].map(it => Number(it.textContent))")
    assert len(prices) == 3
    assert all(0 <= price <= 1500 for price in prices)
    assert watched.js("document.querySelectorAll('#first .store').length") == 3
    assert watched.js("document.querySelectorAll('.lever').length") > 20
    assert "Move a lever" in watched.text("#second .waiting")
    assert "known when the month closes" in watched.text("#figures")


def test_steps_go_to_the_end_of_day_and_month_and_money_then_moves(watched):
    watched.click("#step-day")
    watched.until("document.body.dataset.shown === '2025-07-21'")
    watched.click("#step-month")
    watched.until(f"document.body.dataset.shown === '2025-07-31' && {RESTS}")
    assert watched.text("#month") == "2025-07"
    assert watched.js("document.querySelectorAll('#first .ribbon').length") > 8
    assert "riders" in watched.text("#first .money")
    green = "document.querySelectorAll('#first .riders circle[fill=\"#009e73\"]').length"
    assert watched.js(green) > 2  # who is enrolled, beside the key
    watched.click("#step-year")
    watched.until("document.body.dataset.shown === '2025-09-10'")
    assert watched.text("#play") == "The end"
    assert watched.js("document.querySelector('#step-day').disabled")


def test_play_and_pause(watched):
    watched.drag("#pace", 1.0)
    watched.until("document.querySelector('#pace-shown').textContent === '60 days/s'")
    watched.click("#play")
    watched.until("document.body.dataset.shown > '2025-07-24'")
    watched.click("#play")
    watched.until(RESTS)
    stopped = watched.text("#date")
    later = "new Promise(done => setTimeout(() => done(document.querySelector('#date').textContent), 300))"
    assert watched.js(later) == stopped


def test_moved_levers_bring_a_second_run_and_the_law_brings_it_down(watched):
    watched.click("#step-month")
    watched.until(f"document.body.dataset.shown === '2025-07-31' && {RESTS}")
    watched.drag(MATCH, 1.0)
    watched.click(CAPACITY)
    watched.until(f"document.querySelector('#second h2').textContent.includes('Capacity price: off') && {CAUGHT_UP}")
    assert "1 share" in watched.text("#second h2")
    assert watched.js(f"document.querySelector(\"{MATCH}\").closest('.lever').classList.contains('moved')")
    same = "[...document.querySelectorAll('{} .price')].map(it => it.textContent).join()"
    assert watched.js(same.format("#first")) == watched.js(same.format("#second"))  # the same weather
    change = watched.text("tr[data-row^='Net of plants'] td:last-child")
    assert change.startswith("-")  # without capacity price plants earn less
    watched.click("#reset")
    watched.until("document.querySelector('#reset').disabled && !document.querySelector('#second .waiting').hidden")
    assert watched.js(f"document.querySelector(\"{MATCH}\").value") == "0.5"
    assert watched.js(f"document.querySelector(\"{CAPACITY}\").checked") is True


def test_what_is_refused_is_said_and_the_lever_goes_back(watched):
    # no slider of ours goes where it may not; this one is given a range that is too wide
    watched.js("""(() => { const it = document.getElementById('lever-spot.offer_cap'); it.max = 5000; it.value = 5000;
        it.dispatchEvent(new Event('change')); })()""")
    watched.until("!document.querySelector('#fault').hidden")
    assert "expected 200 to 1500" in watched.text("#fault")
    assert watched.js("document.getElementById('lever-spot.offer_cap').value") == "1200"
    assert watched.js("document.querySelector('#reset').disabled")
    assert [failure[:3] for failure in watched.failures] == ["400"]
    watched.failures.clear()  # of the refusal, and the browser's note of it
    watched.complaints.clear()


def test_who_comes_later_sees_what_was(watched, toy):
    watched.click("#step-month")
    watched.until(f"document.body.dataset.shown === '2025-07-31' && {RESTS}")
    watched.open("about:blank")
    watched.open(toy)
    watched.until("document.body.dataset.shown === '2025-07-31'")
    assert watched.text("#month") == "2025-07"
    points = watched.js("document.querySelector('#prices .curve').getAttribute('d').split('L').length")
    assert points == 12  # 20 to 31 July


def test_a_stored_run_is_told_again(page, tmp_path):
    config = load(TOY, set=["scale.riders=200", "record.figures=false"], end="2025-07-03")
    folder = run(config, tmp_path / "three", progress=False).folder
    with app(str(folder)) as address:
        page.open(address)
        page.until("document.body.dataset.shown === '2025-07-01'")
        assert "A stored run" in page.text("#first h2")
        page.click("#step-month")
        page.until("document.body.dataset.shown === '2025-07-03'")
        assert page.js("document.querySelectorAll('#first .ribbon').length") > 8
        page.open("about:blank")
