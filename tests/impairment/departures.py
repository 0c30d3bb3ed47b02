"""What leaves later: a heap of things to do in the order of their times, with one timer of the loop."""

import asyncio
import heapq
import itertools
from collections.abc import Callable

MOST = 20_000
"""Departures that may wait at once; what comes on top is dropped, as a router's full queue does."""


class Departures:
    """Runs each action at its time; equal times in the order they were given."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def now(self) -> float:
        """The time of the loop."""
        return self._loop.time()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, at: float, action: Callable[[], None]) -> None:
        """Run `action` at the loop's time `at`; at once when that is past and nothing waits for an earlier time."""
        if len(self._waiting) >= MOST:
            return
        now = self._loop.time()
        if at <= now and not (self._waiting and self._waiting[0][0] <= at):
            action()
            return
        heapq.heappush(self._waiting, (at, next(self._count), action))
        self._set_timer()

    def close(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._timer = self._loop.call_at(self._waiting[0][0], self._run)

    def _run(self) -> None:
        self._timer = None
        now = self._loop.time() + 0.0005
        while self._waiting and self._waiting[0][0] <= now:
            _, _, action = heapq.heappop(self._waiting)
            action()
        self._set_timer()
