"""The record of a call: a pure function of the list of its events.

Durations come from the monotonic clock of the events, stamps from the wall clock of the first event plus a duration, so
a record never ends before it started, whatever somebody does to the clock of the machine.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from typing import Any

from softswitch.records.events import (
    AgentConnected,
    Bridged,
    CallEnded,
    CallStarted,
    DigitsEntered,
    Event,
    Held,
    LegAnswered,
    LegEnded,
    LegRinging,
    LegStarted,
    MenuEntered,
    QueueJoined,
    QueueLeft,
    RecordingPaused,
    RecordingResumed,
    RecordingStarted,
    RecordingStopped,
    Resumed,
    TransferStarted,
)

DISPOSITION_OF_STATUS = {
    486: "busy", 600: "busy",
    408: "no_answer", 480: "no_answer", 487: "cancelled",
    404: "unknown_number", 484: "unknown_number", 604: "unknown_number",
}  # fmt: skip

DISPOSITION_OF_CAUSE = {"cancel": "cancelled", "cancelled": "cancelled", "no_answer": "no_answer", "busy": "busy"}


@dataclass(frozen=True, slots=True)
class LegRecord:
    """One leg of a call; stamps are wall seconds, the rest are durations in seconds."""

    leg: str
    role: str
    target: str
    direction: str
    started: float
    ring: float
    """From the first 180 to the answer or the end."""
    talk: float
    """From the answer to the end, without hold."""
    hold: float
    """How long this leg kept the others on hold."""
    cause: str
    by: str
    status: int | None
    quality: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class RecordingRecord:
    """One recording of a call."""

    recording: str
    path: str
    started: float
    seconds: float
    reason: str
    """Why it stopped; empty when nobody said so."""
    pauses: tuple[tuple[float, float], ...] = ()
    """Where it is silent because it was to be: seconds from its start, first and last of each pause."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """What is known about a call when it is over; stamps are wall seconds, the rest are durations in seconds."""

    call: str
    caller_number: str
    caller_name: str
    called_number: str
    origin: str
    source: str
    started: float
    answered: float | None
    """When the caller's leg was answered, by a person or by the switch."""
    ended: float
    duration: float
    wait: float
    """In queues, until an agent was connected or the queue was left."""
    talk: float
    """Two legs bridged and nobody on hold."""
    hold: float
    """Two legs bridged and one of them holding."""
    queue: str | None
    """The last queue."""
    agent: str | None
    """The last agent that was connected."""
    menu_path: str
    """Menus and digits in their order, for instance ``main:1 sales:2``."""
    disposition: str
    """``answered`` by a person, ``self_service`` (by the switch only), ``abandoned`` in a queue, ``busy``,
    ``no_answer``, ``cancelled``, ``unknown_number``, ``refused`` or ``failed``."""
    cause: str
    status: int | None
    legs: tuple[LegRecord, ...] = ()
    recordings: tuple[RecordingRecord, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The record as plain values for JSON."""
        return asdict(self)


def build_record(events: Iterable[Event], call: str = "") -> CallRecord:
    """Compute the record of one call from what happened in it.

    ``call`` is its name, for those who know it also without ``CallStarted``. The order of the list matters only among
    events of the same instant. A call without ``CallEnded`` ends with its last event; without ``CallStarted`` it starts
    with its first.
    """
    story = _Story()
    for event in sorted(events, key=attrgetter("at")):
        story.tell(event)
    if story.first is None:
        raise ValueError("A call without any event has no record")
    return story.record(story.first, call)


@dataclass(slots=True)
class _Leg:
    """A leg while the story is being told; times are monotonic."""

    leg: str
    since: float
    role: str = ""
    target: str = ""
    direction: str = ""
    rang: float | None = None
    answered: float | None = None
    held: float | None = None
    hold: float = 0.0
    ended: float | None = None
    cause: str = ""
    by: str = ""
    status: int | None = None
    quality: Mapping[str, Any] | None = None

    def release(self, now: float) -> None:
        if self.held is not None and self.answered is not None:
            self.hold += now - self.held
        self.held = None

    def end(self, now: float) -> None:
        if self.ended is None:
            self.release(now)
            self.ended = now

    def record(self, stamp: Callable[[float], float], end: float) -> LegRecord:
        self.end(end)
        ended = end if self.ended is None else self.ended
        answered = ended if self.answered is None else self.answered
        return LegRecord(
            leg=self.leg,
            role=self.role,
            target=self.target,
            direction=self.direction,
            started=stamp(self.since),
            ring=0.0 if self.rang is None else max(0.0, answered - self.rang),
            talk=max(0.0, ended - answered - self.hold),
            hold=self.hold,
            cause=self.cause,
            by=self.by,
            status=self.status,
            quality=self.quality,
        )


@dataclass(slots=True)
class _Recording:
    """A recording while the story is being told; times are monotonic."""

    path: str
    since: float
    until: float | None = None
    reason: str = ""
    paused: float | None = None
    pauses: list[tuple[float, float]] = field(default_factory=list)

    def resume(self, now: float) -> None:
        """A pause is over, if there is one."""
        if self.paused is not None:
            self.pauses.append((self.paused - self.since, now - self.since))
            self.paused = None

    def stop(self, now: float, reason: str) -> None:
        """It ends here, unless it has already."""
        if self.until is None:
            self.resume(now)
            self.until, self.reason = now, reason

    def record(self, name: str, stamp: Callable[[float], float], end: float) -> RecordingRecord:
        self.stop(end, self.reason)
        seconds = (end if self.until is None else self.until) - self.since
        return RecordingRecord(name, self.path, stamp(self.since), seconds, self.reason, tuple(self.pauses))


@dataclass(slots=True)
class _Story:
    """Walks the events in their order and adds up the time between them."""

    first: Event | None = None
    start: CallStarted | None = None
    end: CallEnded | None = None
    now: float = 0.0
    """Time of the event being told; stands still once the call has ended."""
    legs: dict[str, _Leg] = field(default_factory=dict)
    peers: dict[str, str] = field(default_factory=dict)
    """Leg to the leg that it is bridged with, both ways."""
    recordings: dict[str, _Recording] = field(default_factory=dict)
    answered: float | None = None
    queued: bool = False
    queue: str | None = None
    queue_outcome: str | None = None
    agent: str | None = None
    met: bool = False
    """Two people heard each other."""
    keys: list[str] = field(default_factory=list)
    wait: float = 0.0
    talk: float = 0.0
    hold: float = 0.0

    def tell(self, event: Event) -> None:
        """Take the next event; after the end of the call time stands still."""
        if self.first is None:
            self.first, self.now = event, event.at
        if self.end is None:
            self._pass(event.at - self.now)
            self.now = event.at
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def _pass(self, seconds: float) -> None:
        if self.queued:
            self.wait += seconds
        if not self.peers:
            return
        if any(self.legs[leg].held is not None for leg in self.peers if leg in self.legs):
            self.hold += seconds
            return
        self.talk += seconds

    def call_started(self, event: CallStarted) -> None:
        self.start = self.start or event

    def call_ended(self, event: CallEnded) -> None:
        self.end = self.end or event

    def leg_started(self, event: LegStarted) -> None:
        if event.leg not in self.legs:
            self.legs[event.leg] = _Leg(event.leg, self.now, event.role, event.target, event.direction)

    def leg_ringing(self, event: LegRinging) -> None:
        leg = self.legs.get(event.leg)
        if leg is not None and leg.rang is None:
            leg.rang = self.now

    def leg_answered(self, event: LegAnswered) -> None:
        leg = self.legs.get(event.leg)
        if leg is None or leg.answered is not None or leg.ended is not None:
            return
        leg.answered = self.now
        if leg.held is not None:
            leg.held = self.now
        if leg.role == "caller" and self.answered is None:
            self.answered = self.now

    def leg_ended(self, event: LegEnded) -> None:
        self._part(event.leg)
        leg = self.legs.setdefault(event.leg, _Leg(event.leg, self.now))
        if leg.ended is not None:
            return
        leg.end(self.now)
        leg.cause, leg.by, leg.status, leg.quality = event.cause, event.by, event.status, event.quality

    def held(self, event: Held) -> None:
        leg = self.legs.get(event.leg)
        if leg is not None and leg.held is None and leg.ended is None:
            leg.held = self.now

    def resumed(self, event: Resumed) -> None:
        leg = self.legs.get(event.leg)
        if leg is not None:
            leg.release(self.now)

    def bridged(self, event: Bridged) -> None:
        self._part(event.a)
        self._part(event.b)
        if event.a != event.b and self._alive(event.a) and self._alive(event.b):
            self.peers[event.a], self.peers[event.b] = event.b, event.a
            self.met = True

    def _alive(self, leg: str) -> bool:
        return leg not in self.legs or self.legs[leg].ended is None

    def _part(self, leg: str) -> None:
        peer = self.peers.pop(leg, None)
        if peer is not None:
            self.peers.pop(peer, None)

    def transfer_started(self, event: TransferStarted) -> None:
        self._part(event.leg)

    def menu_entered(self, event: MenuEntered) -> None:
        self.keys.append(f"{event.menu}:")

    def digits_entered(self, event: DigitsEntered) -> None:
        if self.keys and self.keys[-1] == f"{event.menu}:":
            self.keys.pop()
        self.keys.append(f"{event.menu}:{event.digits}")

    def queue_joined(self, event: QueueJoined) -> None:
        self.queued, self.queue, self.queue_outcome = True, event.queue, None

    def queue_left(self, event: QueueLeft) -> None:
        self.queued, self.queue_outcome = False, event.outcome

    def agent_connected(self, event: AgentConnected) -> None:
        self.queued, self.met, self.queue, self.agent = False, True, event.queue, event.agent

    def recording_started(self, event: RecordingStarted) -> None:
        self.recordings.setdefault(event.recording, _Recording(event.path, self.now))

    def recording_stopped(self, event: RecordingStopped) -> None:
        recording = self.recordings.get(event.recording)
        if recording is not None:
            recording.stop(self.now, event.reason)

    def recording_paused(self, event: RecordingPaused) -> None:
        recording = self.recordings.get(event.recording)
        if recording is not None and recording.until is None and recording.paused is None:
            recording.paused = self.now

    def recording_resumed(self, event: RecordingResumed) -> None:
        recording = self.recordings.get(event.recording)
        if recording is not None:
            recording.resume(self.now)

    def disposition(self) -> str:
        """How the call ended, in one word."""
        cause = self.end.cause if self.end else ""
        status = self.end.status if self.end else None
        if self.met:
            return "answered"
        if self.queue is not None and (self.queued or self.queue_outcome == "abandoned"):
            return "failed" if cause == "node_crash" else "abandoned"
        if self.answered is not None:
            return "self_service"
        if status is None:
            return DISPOSITION_OF_CAUSE.get(cause, "failed")
        return DISPOSITION_OF_STATUS.get(status, "refused")

    def record(self, first: Event, call: str) -> CallRecord:
        """Close what is still open and write everything down."""

        def stamp(at: float) -> float:
            return first.wall + (at - first.at)

        start = self.start
        return CallRecord(
            call=call or (start.call if start else ""),
            caller_number=start.caller_number if start else "",
            caller_name=start.caller_name if start else "",
            called_number=start.called_number if start else "",
            origin=start.origin if start else "",
            source=start.source if start else "",
            started=first.wall,
            answered=None if self.answered is None else stamp(self.answered),
            ended=stamp(self.now),
            duration=self.now - first.at,
            wait=self.wait,
            talk=self.talk,
            hold=self.hold,
            queue=self.queue,
            agent=self.agent,
            menu_path=" ".join(self.keys),
            disposition=self.disposition(),
            cause=self.end.cause if self.end else "",
            status=self.end.status if self.end else None,
            legs=tuple(leg.record(stamp, self.now) for leg in self.legs.values()),
            recordings=tuple(one.record(name, stamp, self.now) for name, one in self.recordings.items()),
        )


_HANDLERS: dict[type[Event], Callable[[_Story, Any], None]] = {
    CallStarted: _Story.call_started,
    CallEnded: _Story.call_ended,
    LegStarted: _Story.leg_started,
    LegRinging: _Story.leg_ringing,
    LegAnswered: _Story.leg_answered,
    LegEnded: _Story.leg_ended,
    Held: _Story.held,
    Resumed: _Story.resumed,
    Bridged: _Story.bridged,
    TransferStarted: _Story.transfer_started,
    MenuEntered: _Story.menu_entered,
    DigitsEntered: _Story.digits_entered,
    QueueJoined: _Story.queue_joined,
    QueueLeft: _Story.queue_left,
    AgentConnected: _Story.agent_connected,
    RecordingStarted: _Story.recording_started,
    RecordingStopped: _Story.recording_stopped,
    RecordingPaused: _Story.recording_paused,
    RecordingResumed: _Story.recording_resumed,
}
