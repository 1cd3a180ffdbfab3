"""Who bore what of a closed month, on a journal of five entries."""

from types import SimpleNamespace

import numpy as np
import pytest

from sim.insurance.burden import fiscal_cost, welfare_per_order

ENTRIES = {
    "bill": np.array(["pay of orders", "pension subsidy", "pension subsidy", "injury premium", "tax relief"], object),
    "payer": np.array(["platform", "platform", "government", "platform", "government"], object),
    "payee": np.array(["riders", "riders", "riders", "injury_fund", "riders"], object),
    "total": np.array([500_000, 30_000, 10_000, 6_000, 2_000])}


def month(done=1000.0):
    return SimpleNamespace(entries=ENTRIES, facts=SimpleNamespace(done=np.array([[done / 2, done / 2]])))


def test_what_the_platform_pays_beside_the_pay_of_orders_is_welfare():
    assert welfare_per_order(month()) == pytest.approx(0.36)  # 360 yuan on 1,000 orders
    assert np.isnan(welfare_per_order(month(done=0.0)))


def test_what_the_state_pays_is_its_cost():
    assert fiscal_cost(month()) == pytest.approx(120)
