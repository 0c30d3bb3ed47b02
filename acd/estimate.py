"""The estimated wait: how long the line takes per place, from how fast it moved lately.

wait(position) = position * mean of the last 20 gaps between answers while somebody waited.
Unknown, and therefore silent, until there were 3 gaps.

Four of five real waits are expected within the prediction interval: the n gaps ahead have each the standard deviation s
of the k gaps seen, and the mean of those k is itself uncertain: half its width is 1.2816 * s * sqrt(n + n * n / k).
"""

import math
from collections import deque
from statistics import stdev
from typing import NamedTuple

REMEMBERED = 20
NEEDED = 3
EIGHTY_PERCENT = 1.2816
"""Standard deviations of a normal law on either side of the mean that hold 80 % of it."""


class Range(NamedTuple):
    """Seconds between which four of five waits are expected."""

    low: float
    high: float


class Pace:
    """How fast one line moves."""

    __slots__ = ("_gaps", "_since")

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=REMEMBERED)
        self._since: float | None = None

    def line_formed(self, now: float) -> None:
        """Somebody waits where nobody did."""
        self._since = now

    def answered(self, still_waiting: int, now: float) -> None:
        """The line moved by one."""
        if self._since is not None:
            self._gaps.append(now - self._since)
        self._since = now if still_waiting else None

    def line_gone(self) -> None:
        """Nobody waits any more, but not because of an answer."""
        self._since = None

    def save(self) -> list[float]:
        """The gaps that are remembered, seconds."""
        return list(self._gaps)

    def restore(self, gaps: list[float]) -> None:
        """Remember these gaps instead."""
        self._gaps = deque((float(gap) for gap in gaps), maxlen=REMEMBERED)

    def wait(self, position: int) -> float | None:
        """Seconds until the caller in this place is answered; None is unknown."""
        if len(self._gaps) < NEEDED:
            return None
        return position * sum(self._gaps) / len(self._gaps)

    def range(self, position: int) -> Range | None:
        """The prediction interval of `wait`; None is unknown."""
        expected = self.wait(position)
        if expected is None:
            return None
        half = EIGHTY_PERCENT * stdev(self._gaps) * math.sqrt(position + position**2 / len(self._gaps))
        return Range(max(0.0, expected - half), expected + half)
