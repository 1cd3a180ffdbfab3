"""Who bore what of a closed month: what riders' welfare cost the platform and the state."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sim.closed_month import ClosedMonth

PAY = "pay of orders"


def welfare_per_order(month: "ClosedMonth") -> float:
    """CNY an order: all that the platform paid beside the pay of orders, over orders carried; nan without any."""
    entries, orders = month.entries, month.facts.done.sum()
    welfare = entries["total"][(entries["payer"] == "platform") & (entries["bill"] != PAY)].sum() / 100
    return welfare / orders if orders > 0 else np.nan


def fiscal_cost(month: "ClosedMonth") -> float:
    """CNY that the state paid in the month, less what it received."""
    entries = month.entries
    sign = (entries["payer"] == "government").astype(int) - (entries["payee"] == "government")
    return float((entries["total"] * sign).sum() / 100)
