"""An event loop whose clock jumps to the next timer when nothing is ready: no test waits for a time-out.

Time stands still while a thread works or a socket has something to say, so a story gives the same times on any machine.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

START = 1000.0  # seconds on the loop's clock when a story begins
PATIENCE = 2.0  # real seconds for a thread, when nothing else can happen


class NothingHappensError(RuntimeError):
    """Every task waits for something that cannot come any more."""


class JumpingSelector(selectors.DefaultSelector):
    """Looks at the sockets, and turns the clock instead of waiting."""

    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.loop.threads:
            return super().select(PATIENCE)
        if timeout is not None:
            self.loop.now += timeout
            return []
        ready = super().select(PATIENCE)
        if not ready:
            raise NothingHappensError("every task waits, and no timer is set")
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that never waits."""

    def __init__(self) -> None:
        self.now = START
        self.threads = 0
        selector = JumpingSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        """Seconds of the story."""
        return self.now

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
        """Threads are real, and the clock stands while one works."""
        self.threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_done)
        return future

    def run_unwatched(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
        """The same, but the clock goes on: for work that hangs."""
        return super().run_in_executor(executor, func, *args)

    def timers(self) -> list[asyncio.TimerHandle]:
        """Timers that are set and not cancelled."""
        return [handle for handle in self._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]

    def _thread_done(self, future: "asyncio.Future[Any]") -> None:
        self.threads -= 1
