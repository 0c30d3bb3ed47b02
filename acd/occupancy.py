"""How busy an agent was lately: handled seconds over staffed seconds, in a sliding window."""

from collections import deque

BUCKET = 60.0
"""Seconds of one bucket."""
BUCKETS = 60
"""The window: the present minute and the 59 before it."""
ESTABLISHED = 300.0
"""Staffed seconds in the window below which an agent is a newcomer."""


class Occupancy:
    """Two running sums over whole minutes of engine time. Each minute is a list [minute, handled, staffed]."""

    __slots__ = ("_mark", "_minutes", "handled", "handling", "staffed", "staffing")

    def __init__(self, now: float) -> None:
        self._mark = now
        self._minutes: deque[list[float]] = deque()
        self.handling = False
        self.staffing = False
        self.handled = 0.0
        self.staffed = 0.0

    def change(self, handling: bool, staffing: bool, now: float) -> None:
        """From now on the agent handles a contact, or is staffed, or not."""
        if handling == self.handling and staffing == self.staffing:
            return
        self.advance(now)
        self.handling, self.staffing = handling, staffing

    def advance(self, now: float) -> None:
        """Book the time since the last call under what the agent did."""
        if self.staffing or self.handling:
            self._book(max(self._mark, now - BUCKET * BUCKETS), now)
        self._mark = now
        self._forget(now // BUCKET - BUCKETS)

    @property
    def ratio(self) -> float:
        """0 to 1 as of the last `advance`; 0 for who was never staffed."""
        return self.handled / self.staffed if self.staffed else 0.0

    @property
    def established(self) -> bool:
        """Staffed long enough for the ratio to mean something."""
        return self.staffed >= ESTABLISHED

    def save(self, now: float) -> list[list[float]]:
        """[minutes ago, handled, staffed] for each minute of the window, as of the last `advance`."""
        return [[now // BUCKET - minute, handled, staffed] for minute, handled, staffed in self._minutes]

    def restore(self, kept: list[list[float]], now: float, elapsed: float) -> None:
        """Take up what was saved so many seconds ago. Nothing was done meanwhile."""
        self._mark = now
        self._minutes.clear()
        self.handled = self.staffed = 0.0
        for ago, handled, staffed in kept[-BUCKETS:]:
            self._minutes.append([(now - elapsed) // BUCKET - float(ago), float(handled), float(staffed)])
            self.handled += float(handled)
            self.staffed += float(staffed)
        self._forget(now // BUCKET - BUCKETS)

    def _book(self, since: float, until: float) -> None:
        while since < until:
            minute = since // BUCKET
            end = min(until, (minute + 1) * BUCKET)
            if not self._minutes or self._minutes[-1][0] != minute:
                self._minutes.append([minute, 0.0, 0.0])
            self._add(self._minutes[-1], end - since)
            since = end

    def _add(self, bucket: list[float], seconds: float) -> None:
        bucket[2] += seconds
        self.staffed += seconds
        if self.handling:
            bucket[1] += seconds
            self.handled += seconds

    def _forget(self, before: float) -> None:
        while self._minutes and self._minutes[0][0] <= before:
            _, handled, staffed = self._minutes.popleft()
            self.handled = max(0.0, self.handled - handled)
            self.staffed = max(0.0, self.staffed - staffed)
