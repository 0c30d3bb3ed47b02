"""What the four transaction machines of RFC 3261 section 17 share: a table, two timers and a way to step."""

from collections.abc import Callable, Mapping
from enum import IntEnum
from math import inf
from typing import Any, ClassVar

from softswitch.sip.message import Request, Response
from softswitch.sip.peer import Peer
from softswitch.transaction.effects import Effect, Fail, Finished, Send
from softswitch.transaction.key import Key
from softswitch.transaction.timers import Timers

TERMINATED = 0
"""The number of the terminated state in every machine."""

Row = tuple[IntEnum, Callable[..., list[Effect]]]
"""The next state and what is done on the way."""


class Transaction:
    """One request with its responses, towards one peer.

    A subclass is a table from (state, input) to the next state and an action. What the table lacks is ignored.
    At most two timers run: one repeats the last message, the other ends the state.
    """

    table: ClassVar[Mapping[tuple[int, int], Row]]
    repeat_input: ClassVar[IntEnum]
    """The timer that repeats: A, E or G; a machine that repeats nothing by itself has none."""
    transport_input: ClassVar[IntEnum]

    __slots__ = (
        "_end_at",
        "_end_input",
        "_interval",
        "_last",
        "_repeat_at",
        "key",
        "peer",
        "request",
        "state",
        "timers",
    )

    def __init__(self, key: Key, request: Request, peer: Peer, timers: Timers, state: IntEnum) -> None:
        self.key = key
        self.request = request
        self.peer = peer
        self.timers = timers
        self.state = state
        self._last: Request | Response | None = None
        self._interval = 0.0
        self._repeat_at = inf
        self._end_at = inf
        self._end_input: IntEnum = state

    @property
    def terminated(self) -> bool:
        """Nothing more comes out of it."""
        return self.state == TERMINATED

    @property
    def next_deadline(self) -> float | None:
        """When `handle_timer` wants to be called next, None for never."""
        repeat_at, end_at = self._repeat_at, self._end_at
        deadline = repeat_at if repeat_at < end_at else end_at
        return None if deadline == inf else deadline

    def handle_timer(self, now: float) -> list[Effect]:
        """Do what is due. After a stall the end comes first: nothing is repeated in a burst."""
        if now >= self._end_at:
            self._end_at = inf
            return self._step(self._end_input, None, now)
        if now >= self._repeat_at:
            return self._step(self.repeat_input, None, now)
        return []

    def transport_failed(self, now: float) -> list[Effect]:
        """The last message could not be sent."""
        return self._step(self.transport_input, None, now)

    def _step(self, happened: IntEnum, message: Request | Response | None, now: float) -> list[Effect]:
        row = self.table.get((self.state, happened))
        if row is None:
            return []
        self.state, action = row
        effects = action(self, message, now)
        if self.state == TERMINATED:
            self._repeat_at = self._end_at = inf
            effects.append(Finished())
            return effects
        if self._end_at <= now:  # a wait of no seconds, over a reliable transport
            self._end_at = inf
            effects += self._step(self._end_input, None, now)
        return effects

    # Timers

    def _repeat_after(self, interval: float, now: float) -> None:
        if self.peer.reliable:
            return
        self._interval = interval
        self._repeat_at = now + interval

    def _end_after(self, happened: IntEnum, seconds: float, now: float) -> None:
        self._end_input = happened
        self._end_at = now + seconds

    def _wait(self, happened: IntEnum, seconds: float, now: float) -> None:
        """Stay for repetitions only: no time at all over a reliable transport."""
        self._repeat_at = inf
        self._end_after(happened, 0.0 if self.peer.reliable else seconds, now)

    # Actions that more than one machine has

    def _send(self, message: Request | Response, now: float) -> list[Effect]:
        self._last = message
        return [Send(message)]

    def _send_again(self, message: Any, now: float) -> list[Effect]:
        return [] if self._last is None else [Send(self._last)]

    def _time_out(self, message: Any, now: float) -> list[Effect]:
        return [Fail("timeout")]

    def _fail(self, message: Any, now: float) -> list[Effect]:
        return [Fail("transport")]

    def _nothing(self, message: Any, now: float) -> list[Effect]:
        return []
