"""What each rider has done since he was first seen: months ridden and paid, and whether an order of his was insured."""

import numpy as np

LONGEST = 15  # months that can be looked back


class Careers:
    """A memory of closed months by row of a population; who leaves is forgotten with the newcomer in his row.

    paid, seen: uint16 [row], months in which he was enrolled, and in which he was there.  begins: bool [row], this is
    the first month in which he rode under injury insurance.  Seven bytes a row, beside one page of identities.
    """

    def __init__(self):
        self._who: np.ndarray | None = None

    def close(self, people, insured: np.ndarray):
        """Take down a month (`sim.messages.People`). insured: bool [row], injury insurance covers his city's orders."""
        covered = insured & (people.orders > 0)
        if self._who is None:
            self._window, self.paid, self.seen = np.zeros((3, len(people.identity)), np.uint16)
            self._covered = np.zeros(len(people.identity), bool)
            same = False
        else:
            same = self._who == people.identity
        for column in (self._window, self.paid, self.seen, self._covered):
            column *= same
        self._window <<= np.uint16(1)
        self._window |= people.enrolled
        self.paid += people.enrolled
        self.seen += np.uint16(1)
        self.begins = covered & ~self._covered
        self._covered |= covered
        self._who = people.identity

    def enrolled(self, months: int) -> np.ndarray:
        """Who of those here now was here and enrolled so many months ago, bool [row]. months: 0 to LONGEST."""
        return (self._window >> np.uint16(months) & np.uint16(1)).astype(bool)
