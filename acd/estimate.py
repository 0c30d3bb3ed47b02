"""The estimated wait: how long the line takes per place, from how fast it moved lately.

wait(position) = position * mean of the last 20 gaps between answers while somebody waited.
Unknown, and therefore silent, until there were 3 gaps.
"""

from collections import deque

REMEMBERED = 20
NEEDED = 3


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
