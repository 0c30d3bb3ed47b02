"""Visits of callers to queues, told from the events of their calls: what a forecast and a replay begin with."""

from collections.abc import Iterable
from dataclasses import dataclass

from softswitch.records.events import (
    AgentConnected,
    CallEnded,
    CallStarted,
    Event,
    QueueJoined,
    QueueLeft,
    TransferStarted,
)

TOLD_BY = ("CallStarted", "QueueJoined", "QueueLeft", "AgentConnected", "TransferStarted", "CallEnded")
"""The kinds of events that visits are told from."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One caller in one queue. Durations are seconds."""

    call: str
    caller_number: str
    queue: str
    joined: float
    """Seconds since 1970."""
    wait: float
    outcome: str
    """``answered``, ``abandoned``, ``timeout``, ``full``, ``empty``, ``exit`` ..."""
    agent: str | None = None
    """Who talked to him."""
    talk: float = 0.0
    """With that agent, hold included."""


def tell_visits(call: str, events: Iterable[Event]) -> list[Visit]:
    """The visits of one call, from its events in their order."""
    teller = _Teller(call)
    for event in events:
        teller.tell(event)
    return teller.visits


class _Teller:
    def __init__(self, call: str) -> None:
        self.visits: list[Visit] = []
        self._call = call
        self._number = ""
        self._joined: QueueJoined | None = None
        self._talk: tuple[AgentConnected, QueueJoined] | None = None

    def tell(self, event: Event) -> None:
        match event:
            case CallStarted():
                self._number = event.caller_number
            case QueueJoined():
                self._end(event.at)
                self._joined = event
            case AgentConnected() if self._joined is not None:
                self._talk, self._joined = (event, self._joined), None
            case QueueLeft() if self._joined is not None:
                self._leave(event.outcome, event.at)
            case TransferStarted():
                self._end(event.at)
            case CallEnded():
                self._end(event.at)
                if self._joined is not None:
                    self._leave("abandoned", event.at)

    def _leave(self, outcome: str, at: float) -> None:
        joined, self._joined = self._joined, None
        if joined is not None:
            wait = at - joined.at
            self.visits.append(Visit(self._call, self._number, joined.queue, joined.wall, wait, outcome))

    def _end(self, at: float) -> None:
        """A talk is over."""
        if self._talk is None:
            return
        (met, joined), self._talk = self._talk, None
        wait, talk = met.at - joined.at, at - met.at
        self.visits.append(
            Visit(self._call, self._number, joined.queue, joined.wall, wait, "answered", met.agent, talk)
        )
