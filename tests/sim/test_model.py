"""A step is a day: what happens in which order, what closes when, and what a step that breaks does to time."""

import numpy as np
import pytest

from sim.calendar import Month
from sim.engines.records import ClearingError
from sim.messages import Statement
from sim.model import PolicyLab
from sim.recorder import Memory
from tests.labs import altered, drop, toy

OPENING_AND_CLOSING = ("open_year", "open_month", "live_day", "close_month")


@pytest.fixture
def watched(monkeypatch):
    """A lab at the turn of a year, and what its steps called: (day, what) in order."""
    calls = []
    for name in OPENING_AND_CLOSING:
        done = getattr(PolicyLab, name)

        def noted(lab, day, name=name, done=done):
            calls.append((str(day), name))
            done(lab, day)

        monkeypatch.setattr(PolicyLab, name, noted)
    return toy(start="2025-12-30", days=4), calls


# --------------------------------------------------------------------------------------------------- the order of days


def test_days_open_and_close_their_months_and_years(watched):
    lab, calls = watched
    lab.run()
    assert calls == [
        ("2025-12-30", "open_year"), ("2025-12-30", "open_month"), ("2025-12-30", "live_day"),  # the first day opens
        ("2025-12-31", "live_day"), ("2025-12-31", "close_month"),
        ("2026-01-01", "open_year"), ("2026-01-01", "open_month"), ("2026-01-01", "live_day"),
        ("2026-01-02", "live_day"), ("2026-01-02", "close_month")]  # and the last day closes


def test_the_law_of_the_day_is_in_force_when_the_month_opens(watched, monkeypatch):
    lab, seen = watched[0], []
    opened = PolicyLab.open_month
    monkeypatch.setattr(PolicyLab, "open_month", lambda lab, day: (seen.append(lab.rules.day), opened(lab, day)))
    lab.run()
    assert [day.isoformat() for day in seen] == ["2025-11-01", "2026-01-01"]  # the last changes before these months


def test_within_a_day_riders_work_before_the_market_clears_and_water_runs_after(monkeypatch):
    lab, calls = toy(days=1), []

    def note(owner, name):
        done = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *given, **named: (calls.append(name), done(*given, **named))[1])

    for owner, name in ((lab.weather, "draw"), (lab.riders, "work"), (lab.users, "consume"),
                        (lab.markets["spot"], "clear"), (lab.ground.rivers, "run"), (lab.ground.stores, "carry"),
                        (lab.facts, "add"),
                        (lab.riders, "close"), (lab.journal, "post"), (lab.riders, "learn"), (lab.recorder, "keep")):
        note(owner, name)
    lab.step()
    assert calls == ["draw", "work", "consume", "clear", "clear", "run", "carry", "add", "close", "post", "learn",
                     "keep"]


def test_every_actor_hears_its_own_award_and_learns_its_own_statement():
    lab, heard, learnt = toy(days=2), [], []
    for actor in lab.actors:
        actor.hear = lambda award, actor=actor: heard.append((actor, award))
        actor.learn = lambda statement, public, actor=actor: learnt.append((actor, statement))
    lab.run()
    spot = [(actor, award) for actor, award in heard if award.market == "spot"]
    assert [actor for actor, _ in spot] == 4 * lab.actors
    assert [award.rhythm for _, award in spot[:: len(lab.actors)]] == 2 * ["day-ahead", "real-time"]
    assert all(np.array_equal(award.units, actor.units) for actor, award in heard)
    assert all(np.isin(award.unit, actor.units).all() for actor, award in heard)
    assert [actor for actor, _ in learnt] == lab.actors
    assert all(isinstance(statement, Statement) for _, statement in learnt)
    platform = next(statement for actor, statement in learnt if actor.name == "platform")
    assert platform.received["pay of orders"] == platform.paid["pay of orders"] > 0


def test_swap_cabinets_load_the_bus_of_their_city():
    lab = toy(days=1).run()
    facts = lab.facts
    bus = lab.grid.bus.index("HILLS_S")  # Kunming's; Quanzhou is supplied from outside the grid
    users = facts.consumption[facts.user_bus == bus].sum(axis=0)
    np.testing.assert_allclose(facts.load[bus], users + facts.charging[lab.cities.key.index("kunming")])
    assert facts.charging.min(axis=0).max() > 0


# ------------------------------------------------------------------------------------------------------------ settling


def test_nothing_is_recorded_before_the_first_month_closes():
    lab = toy(start="2025-07-30", days=3)
    assert lab.results.kinds == ()
    lab.step()
    assert lab.results.kinds == ()
    with pytest.raises(KeyError):
        _ = lab.results.indicators
    assert lab.journal.entries == []
    lab.step()
    assert set(lab.results.indicators["date"].dt.strftime("%Y-%m")) == {"2025-07"}


def test_a_month_of_two_days_is_settled():
    lab = toy(start="2025-07-30", days=3).run()
    assert [block.month for block in lab.journal.blocks] == ["2025-07", "2025-08"]
    load = lab.results.indicators.query("indicator == 'load' and zone == 'COAST'").set_index("date")["value"]
    hours = lab.results.table("hourly/bus").query("bus == 'COAST'")
    assert len(hours) == 72
    assert load["2025-07-01"] == pytest.approx(hours["load"][:48].sum(), rel=1e-6)
    assert load["2025-08-01"] == pytest.approx(hours["load"][48:].sum(), rel=1e-6)


def test_what_is_due_next_month_is_posted_next_month():
    """The subsidy on July's premium is paid in August; the last month's stays pending when the run ends."""
    lab = toy(start="2025-07-01", days=62)
    lab.run()
    subsidies = {entry.month for entry in lab.journal.entries if entry.bill == "pension subsidy"}
    assert subsidies == {"2025-08"}
    assert {transfer.due for transfer in lab.journal.pending} == {Month(2025, 9)}


def test_a_lab_hands_its_months_to_the_sink_it_is_given():
    sink = Memory()
    lab = toy(days=1, sink=sink).run()
    assert lab.results is sink
    assert "indicators" in sink.kinds


def test_without_a_reservoir_nobody_plans_water(tmp_path):
    lab = toy(days=1, scenario=altered(tmp_path, {"reservoirs": drop})).run()
    assert len(lab.ground.rivers) == 0
    assert lab.facts.water.shape == (0, 1)


# ------------------------------------------------------------------------------------------------------------- running


def test_running_tells_of_each_day_once():
    told = []
    lab = toy(start="2025-07-30", days=4)
    assert lab.run(progress=told.append) is lab
    assert [str(day) for day in told] == ["2025-07-30", "2025-07-31", "2025-08-01", "2025-08-02"]
    assert [day.index for day in told] == [0, 1, 2, 3]
    assert not lab.running


def test_a_run_that_is_over_runs_no_further():
    lab = toy(days=2).run()
    head, told = lab.journal.head, []
    lab.run(progress=told.append)
    assert told == []
    assert lab.journal.head == head


def test_a_step_beyond_the_period_is_refused():
    lab = toy(days=1).run()
    with pytest.raises(RuntimeError, match="the period ends on 2025-07-01"):
        lab.step()
    with pytest.raises(RuntimeError, match="broke on 2025-07-01"):
        lab.step()
    assert str(lab.calendar.now) == "2025-07-01"


def test_step_by_step_is_the_same_run():
    lab = toy(start="2025-07-30", days=4)
    for _ in range(4):
        lab.step()
    assert lab.journal.head == toy(start="2025-07-30", days=4).run().journal.head


# ----------------------------------------------------------------------------------------------------- what breaks


def test_a_day_without_an_optimum_is_an_error_that_names_market_and_day(spoilt):
    with pytest.raises(ClearingError, match=r"^spot on 2025-07-03: kSpoilt"):
        spoilt(toy(days=4), day=2).run()


def test_after_a_step_that_raised_time_stands_still_and_every_step_says_so(spoilt):
    """Mesa forgets such a step and lets time pass without living it; here no later step is silent."""
    lab = spoilt(toy(days=4), day=1)
    lab.step()
    with pytest.raises(ClearingError):
        lab.step()
    clock = lab.time
    for again in range(3):
        with pytest.raises(RuntimeError, match="the run broke on 2025-07-02") as caught:
            lab.step() if again else lab.run()
        assert isinstance(caught.value.__cause__, ClearingError)
        assert str(lab.calendar.now) == "2025-07-02"
        assert lab.time == clock
    assert lab.journal.entries == []
    assert lab.results.kinds == ()


def test_a_fault_in_a_months_books_stops_the_run_and_names_the_month(monkeypatch):
    """The checks run inside the run: here a transfer is lost between the bills and the journal."""
    from sim.settlement import bills
    from sim.settlement.checks import CheckError

    whole = bills.energy
    monkeypatch.setattr(bills, "energy", lambda facts, rules: [t for t in whole(facts, rules) if t.bill != "DC fee"])
    lab = toy(start="2025-07-30", days=4)
    with pytest.raises(CheckError, match=r"^2025-07: "):
        lab.run()
    assert str(lab.calendar.now) == "2025-07-31"
    with pytest.raises(RuntimeError, match="broke on 2025-07-31"):
        lab.step()
