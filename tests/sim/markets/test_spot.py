"""The spot market: limits on offers, the storage rule, and how a price is explained."""

import numpy as np
import pytest

from sim.config import BadInput
from sim.markets.spot import Spot
from tests.labs import toy


@pytest.fixture(scope="module")
def cleared(toy_month):
    """The toy month's last day, with its grid."""
    return toy_month.facts.today["spot", "real-time"], toy_month.grid


def test_the_step_over_a_link_is_loss_fee_and_what_its_limits_are_worth(cleared):
    """A MW sent over a link in use earns (1 - l) p_to - p_from - (1 - l) fee, which its limits absorb: capacity and
    joint limits what one more would save, the minimum flow what one less would."""
    clearing, grid = cleared
    loss, fee, congestion = clearing.steps_over_links(grid)
    limits = clearing.link_shadow - clearing.minimum_shadow
    for row, (_, members, _) in enumerate(grid.joints):
        limits[members] += clearing.joint_shadow[row]
    used = clearing.sent > 1e-6
    assert used.any()
    assert (limits[used] > 1).any(), "nothing binds: the claim would say nothing"
    np.testing.assert_allclose(congestion[used], limits[used], atol=1e-6)
    rise = clearing.price[grid.link_to] - clearing.price[grid.link_from]
    np.testing.assert_allclose((loss + fee + congestion)[used], rise[used], atol=1e-9)


def test_a_price_is_energy_and_congestion(cleared):
    clearing, grid = cleared
    np.testing.assert_allclose(clearing.energy + clearing.congestion(), clearing.price)
    assert np.all(clearing.congestion()[grid.reference] == 0)


def test_offers_outside_the_limits_are_cut_to_them_not_refused():
    # every thermal offer of the toy lies above 1: cut to a cap of 1, no price of an hour in which they run passes 1
    lab = toy("law.spot.offer_cap=1", "law.spot.clearing_cap=1", days=1).run()
    assert lab.facts.price.max() <= 1 + 1e-6
    assert lab.facts.output.max() > 0


def test_a_store_that_the_market_schedules_keeps_its_level_at_midnight():
    lab = toy("law.spot.storage_level=0.5", "law.spot.ahead=false", days=2).run()
    stores = lab.grid.units.store > 0
    assert (lab.facts.stored[stores, 23::24] >= 0.5 * lab.grid.units.store[stores, None] - 1e-6).all()


def test_companies_that_schedule_their_own_stores_may_empty_them():
    lab = toy("law.spot.storage_scheduling=own", days=4).run()
    scene = type("Scene", (), {"rules": lab.rules["spot"], "grid": lab.grid, "conditions": None})
    assert (Spot.least_left(scene) == 0).all()
    assert np.abs(lab.facts.output[lab.grid.units.store > 0]).sum() > 0, "no company trades its own plan"


def test_a_rhythm_that_nobody_calls_is_refused(monkeypatch):
    monkeypatch.setattr(Spot, "rhythms", ("weekly",))
    with pytest.raises(ValueError, match="spot.*weekly"):
        toy(days=1)


def test_hour_by_hour_the_market_keeps_every_balance_while_owners_schedule():
    lab = toy("law.spot.engine=hour", "law.spot.storage_scheduling=own", "law.ancillary.mode=sequential",
              days=5).run()  # checks run inside every run
    assert lab.facts.events["fallbacks"] == 0
    assert lab.facts.imbalance < 1e-6
    assert lab.facts.shed.max() < 1e-6
    reservoirs = lab.ground.reservoir_units
    assert np.ptp(lab.facts.output[reservoirs], axis=1).max() > 1, "water is not moved between hours"


def test_a_market_that_clears_hours_alone_cannot_be_asked_to_schedule_stores():
    with pytest.raises(BadInput, match="cannot schedule stores"):
        toy("law.spot.engine=hour")


def test_a_patch_that_contradicts_the_law_is_named_at_the_patch():
    with pytest.raises(BadInput, match=r"^--set: law\.spot\.offer_cap: offer_floor 0 is above offer_cap -5; expected"):
        toy("law.spot.offer_cap=-5")


def test_a_lab_without_its_spot_market_is_refused():
    with pytest.raises(BadInput, match="markets.spot: is off"):
        toy("markets.spot=off")
