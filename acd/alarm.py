"""Alarms that can be moved and cancelled, rung in the order of their times."""

import heapq
from enum import IntEnum


class Alarm(IntEnum):
    """What is due."""

    RING = 1
    """A lease has rung long enough."""
    REST = 2
    """An agent may be offered calls again after an offer he did not take."""
    WRAP_UP = 3
    """An agent's work after a call is over."""
    MAX_WAIT = 4
    """A caller has waited as long as the queue allows."""
    TIER = 5
    """One more tier opens for a caller."""
    WIDEN = 6
    """One more agent may ring for a caller."""
    PLACE = 7
    """Position and wait are to be said to a caller."""
    PERIODIC = 8
    """The next periodic prompt is to be said to a caller."""
    RELAX = 9
    """The queue asks for less of an agent for a caller who waits so long."""
    PREFERRED = 10
    """A caller has waited long enough for the agents he prefers alone."""
    RESERVE = 11
    """A caller has waited long enough for a reserve to open."""
    RESERVE_CLOSE = 12
    """A reserve was open for as long as it must be."""
    OVERFLOW = 13
    """A caller has waited long enough to be sent elsewhere."""
    COUNTDOWN = 15
    """The next second of a promise is to be said to a caller."""
    CALLBACK = 16
    """A caller who did not answer his callback may be called again."""
    PAUSE = 14
    """An agent's break is longer than its reason allows."""


WAITING_ALARMS = (
    Alarm.MAX_WAIT,
    Alarm.TIER,
    Alarm.WIDEN,
    Alarm.PLACE,
    Alarm.PERIODIC,
    Alarm.RELAX,
    Alarm.PREFERRED,
    Alarm.RESERVE,
    Alarm.OVERFLOW,
    Alarm.COUNTDOWN,
    Alarm.CALLBACK,
)
"""What is due only for a caller who still waits."""


AlarmKey = tuple[Alarm, str | int]
"""What is due, and the caller, agent or lease it is due for."""


class Alarms:
    """At most one time per key. Times equal to the last bit ring in the order they were set."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, AlarmKey]] = []
        self._set: dict[AlarmKey, tuple[float, int]] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._set)

    def __contains__(self, key: AlarmKey) -> bool:
        return key in self._set

    def set(self, kind: Alarm, owner: str | int, at: float) -> None:
        """Ring at this time, instead of the time set before."""
        self._count += 1
        key = (kind, owner)
        self._set[key] = (at, self._count)
        heapq.heappush(self._heap, (at, self._count, key))
        if len(self._heap) > 2 * len(self._set) + 256:
            self._forget_cancelled()

    def cancel(self, kind: Alarm, owner: str | int) -> None:
        """Do not ring."""
        self._set.pop((kind, owner), None)

    def next(self) -> float | None:
        """The earliest time set."""
        heap, alive = self._heap, self._set
        while heap:
            at, count, key = heap[0]
            if alive.get(key) == (at, count):
                return at
            heapq.heappop(heap)
        return None

    def pop_due(self, now: float) -> tuple[float, AlarmKey] | None:
        """The earliest alarm that is not later than now, with its own time."""
        at = self.next()
        if at is None or at > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._set[key]
        return at, key

    def _forget_cancelled(self) -> None:
        self._heap = [(at, count, key) for key, (at, count) in self._set.items()]
        heapq.heapify(self._heap)
