"""One heap of deadlines for every machine of the switch, with lazy deletion.

A machine is anything with a `next_deadline`. Arming it again after each step costs a dictionary look-up when nothing
changed; a deadline that moved later is found out when the old one is popped.
"""

import heapq
import itertools
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Timed(Protocol):
    """A machine that wants to be called at a time."""

    @property
    def next_deadline(self) -> float | None: ...


M = TypeVar("M", bound=Timed)


class Deadlines(Generic[M]):
    """Who is due when. `wake(when)` is called whenever the earliest deadline becomes earlier."""

    def __init__(self, wake: Callable[[float], None]) -> None:
        self._wake = wake
        self._heap: list[tuple[float, int, M]] = []
        self._armed: dict[int, float] = {}
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._armed)

    def arm(self, machine: M) -> None:
        """Take note of a machine's deadline after each of its steps."""
        deadline = machine.next_deadline
        if deadline is None:
            self._armed.pop(id(machine), None)
            return
        armed = self._armed.get(id(machine))
        if armed is not None and armed <= deadline:
            return
        self._armed[id(machine)] = deadline
        heapq.heappush(self._heap, (deadline, next(self._order), machine))
        if self._heap[0][2] is machine:
            self._wake(deadline)

    def disarm(self, machine: M) -> None:
        """Forget a machine."""
        self._armed.pop(id(machine), None)

    def due(self, now: float) -> list[M]:
        """The machines whose deadline has come; each must be armed again after its step."""
        found: list[M] = []
        while self._heap and self._heap[0][0] <= now:
            pushed, _, machine = heapq.heappop(self._heap)
            if self._armed.get(id(machine)) != pushed:
                continue
            del self._armed[id(machine)]
            deadline = machine.next_deadline
            if deadline is None:
                continue
            if deadline > now:
                self.arm(machine)
                continue
            found.append(machine)
        return found

    def next(self) -> float | None:
        """The earliest deadline; it may be one that has moved later meanwhile."""
        while self._heap and self._armed.get(id(self._heap[0][2])) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
