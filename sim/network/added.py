"""What was built, and taken down, beyond what the tables say: megawatts by row, dated."""

import numpy as np


class Added:
    """Power that came or went during a run, row by row.

    now: MW [row], all of it; negative where more went than came.
    """

    def __init__(self, capacity: np.ndarray):
        """capacity: MW [row] of the tables, below which nothing can be taken down."""
        self._capacity = capacity
        self._steps: list[tuple[int, np.ndarray]] = []
        self.now = np.zeros(len(capacity))

    def build(self, power: np.ndarray, ordinal: int) -> None:
        """Let MW [row] more stand from a day on (negative: less, down to nothing)."""
        step = np.maximum(power, -self._capacity - self.now)
        self._steps.append((ordinal, step))
        self.now = self.now + step

    def on(self, ordinal: int) -> np.ndarray:
        """MW [row] that had come, less what had gone, by a day."""
        if not self._steps or ordinal >= self._steps[-1][0]:
            return self.now
        return sum((step for day, step in self._steps if day <= ordinal), np.zeros(len(self.now)))
