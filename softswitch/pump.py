"""Turns the stack with the loop's clock: one timer for the earliest deadline of all machines."""

import asyncio
import time
from collections.abc import Callable

from softswitch.stack import Stack

FINEST = 0.001  # seconds: the loop's timers are no finer, and a timer that fires early must not spin


class Pump:
    """Calls `Stack.handle_timers` when something is due."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._when = float("inf")
        self.stack: Stack | None = None

    def wake(self, when: float) -> None:
        """Be awake at `when` (seconds of the clock), or earlier."""
        if self._handle is not None and self._when <= when:
            return
        if self._handle is not None:
            self._handle.cancel()
        self._when = when
        self._handle = self._loop.call_later(max(FINEST, when - self._clock()), self._fire)

    def close(self) -> None:
        """Leave no timer behind."""
        if self._handle is not None:
            self._handle.cancel()

    def _fire(self) -> None:
        self._handle = None
        self._when = float("inf")
        if self.stack is None:
            return
        following = self.stack.handle_timers()
        if following is not None:
            self.wake(following)
