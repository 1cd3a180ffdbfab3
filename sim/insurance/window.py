"""The window of months in which income met the contribution base, and what it entitles to."""

import numpy as np

from sim.units import to_fen


def met(income: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Whether a month's income (fen) reaches a contribution base (CNY a month); exactly at the base it does."""
    return income >= to_fen(base)


def remember(window: np.ndarray, met: np.ndarray) -> np.ndarray:
    """The window a month on: uint8, eight months, the newest in bit 0."""
    return (window.astype(np.uint8) << 1) | met


def eligible(window: np.ndarray, threshold: int, months: int) -> np.ndarray:
    """Whether the newest month of a window (uint8) met the base, and at least `threshold` of its last `months` did.

    A month without work, or before the rider's first, did not.
    """
    window = np.asarray(window, np.uint8)
    last = window & np.uint8((1 << months) - 1)
    return (window & 1).astype(bool) & (np.bitwise_count(last) >= threshold)
