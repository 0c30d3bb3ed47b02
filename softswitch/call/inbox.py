"""The inbox of a call: events in, one reader out, with a deadline that costs nothing when an event comes first."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

E = TypeVar("E")


class Inbox(Generic[E]):
    """A bounded queue for one reader. Lighter than asyncio.Queue under asyncio.timeout, which every call pays for."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self._loop = loop
        self._limit = limit
        self._events: deque[E] = deque()
        self._reader: asyncio.Future[bool] | None = None

    def put(self, event: E) -> bool:
        """Add an event; False when there is no room for it."""
        if len(self._events) >= self._limit:
            return False
        self._events.append(event)
        self._wake(self._reader)
        return True

    async def get(self, timeout: float | None = None) -> E | None:
        """The oldest event; None when `timeout` seconds passed without one."""
        if self._events:
            return self._events.popleft()
        if timeout is not None and timeout <= 0:
            return None
        reader = self._reader = self._loop.create_future()
        timer = None if timeout is None else self._loop.call_later(timeout, self._wake, reader)
        try:
            await reader
        finally:
            self._reader = None
            if timer is not None:
                timer.cancel()
        return self._events.popleft() if self._events else None

    @staticmethod
    def _wake(reader: "asyncio.Future[bool] | None") -> None:
        if reader is not None and not reader.done():
            reader.set_result(True)
