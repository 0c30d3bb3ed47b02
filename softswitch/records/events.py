"""What happened in a call, as small past facts, and their form as one line of JSON.

The list of these facts is the truth about a call: the record of the call is computed from it and nothing is counted
beside it. Every event has ``at`` (monotonic seconds, for durations) and ``wall`` (seconds since 1970, for stamps):

    LegRinging("leg-2", at=now, wall=wall)
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from json.encoder import encode_basestring_ascii
from typing import Any, ClassVar

from softswitch.records.errors import EventError


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact of a call's life."""

    names: ClassVar[tuple[str, ...]] = ()
    """Fields of the kind, without the two clocks."""
    prefixes: ClassVar[tuple[tuple[str, str], ...]] = ()
    """The same, each with what stands before its value in JSON."""

    at: float
    """Monotonic seconds of the node that saw it; only differences mean something."""
    wall: float
    """Seconds since 1970 on the clock of the node."""

    def to_json(self) -> str:
        """One compact line of ASCII: the kind of the event, the two clocks, its fields."""
        clocks = f'{{"kind":"{self.__class__.__name__}","at":{self.at!r},"wall":{self.wall!r}'
        return f"{clocks},{self.fields_to_json()[1:]}" if self.names else f"{clocks}}}"

    def fields_to_json(self) -> str:
        """What distinguishes the event from others of its kind, as one compact JSON object."""
        text = ""
        for name, prefix in self.prefixes:
            value = getattr(self, name)
            text += prefix + (_quote(value) if value.__class__ is str else _value(value))
        return text + "}" if text else "{}"


@dataclass(frozen=True, slots=True)
class CallStarted(Event):
    """An INVITE was accepted for treatment; the first event of every call."""

    call: str
    """Name of the call, never used twice, also not after a restart."""
    caller_number: str
    caller_name: str
    called_number: str
    origin: str
    """Where it came from: ``phone:101`` or ``trunk:provider``."""
    source: str = ""
    """Network address of the sender, for instance ``udp:127.0.0.1:5070``."""


@dataclass(frozen=True, slots=True)
class LegStarted(Event):
    """A leg exists: the INVITE of the caller came in or one of ours went out."""

    leg: str
    role: str
    """``caller``, ``callee`` or ``agent``."""
    target: str
    """Who is at its end: ``phone:101``, ``trunk:provider``, a URI."""
    direction: str
    """``in`` or ``out``, seen from the switch."""


@dataclass(frozen=True, slots=True)
class LegRinging(Event):
    """The far end of a leg is being alerted (180 or 183)."""

    leg: str


@dataclass(frozen=True, slots=True)
class LegAnswered(Event):
    """A leg got or gave its 200."""

    leg: str


@dataclass(frozen=True, slots=True)
class LegEnded(Event):
    """A leg is gone."""

    leg: str
    cause: str
    """Why: ``bye``, ``cancel``, ``busy``, ``no_answer``, ``no_ack``, ``media_silent`` ..."""
    by: str
    """``local`` when the switch ended it, ``remote`` when the far end did."""
    status: int | None = None
    """SIP status that ended it, when there was one."""
    quality: Mapping[str, Any] | None = None
    """Report of the media engine about this leg (packets, loss, jitter, MOS)."""


@dataclass(frozen=True, slots=True)
class MenuEntered(Event):
    """The caller is in a menu."""

    menu: str


@dataclass(frozen=True, slots=True)
class DigitsEntered(Event):
    """The caller keyed something in a menu."""

    menu: str
    digits: str


@dataclass(frozen=True, slots=True)
class QueueJoined(Event):
    """The caller waits in a queue."""

    queue: str
    position: int
    """Place in the queue, 1 is the next."""


@dataclass(frozen=True, slots=True)
class AgentOffered(Event):
    """An agent's phone is being rung for this caller."""

    queue: str
    agent: str


@dataclass(frozen=True, slots=True)
class OfferEnded(Event):
    """The ringing of an agent is over."""

    queue: str
    agent: str
    outcome: str
    """``answered``, ``timeout``, ``rejected``, ``busy``, ``failed``, ``withdrawn`` ..."""


@dataclass(frozen=True, slots=True)
class AgentConnected(Event):
    """Caller and agent hear each other."""

    queue: str
    agent: str
    wait: float
    """Seconds that the caller waited in this queue."""


@dataclass(frozen=True, slots=True)
class QueueLeft(Event):
    """The caller is no longer in the queue."""

    queue: str
    outcome: str
    """``answered``, ``abandoned``, ``timeout``, ``full``, ``empty``, ``exit`` ..."""


@dataclass(frozen=True, slots=True)
class PromiseBroken(Event):
    """The caller was promised an answer within so many seconds and did not get it: he is owed what was promised."""

    queue: str
    promised: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Bridged(Event):
    """Two legs hear each other."""

    a: str
    b: str


@dataclass(frozen=True, slots=True)
class TransferStarted(Event):
    """One of the two who talked has the other led elsewhere; they hear each other no more."""

    leg: str
    """Of the one who wants it."""
    by: str
    """``phone:101``"""
    to: str
    """The number."""
    mode: str
    """``blind`` or ``attended``."""
    note: str = ""
    """What he said about it (the Subject of his REFER)."""


@dataclass(frozen=True, slots=True)
class TransferEnded(Event):
    """The other one has got there (200), or has not, as a SIP status says."""

    leg: str
    status: int


@dataclass(frozen=True, slots=True)
class SignalHeard(Event):
    """A signal was heard in the sound of a leg for the first time."""

    leg: str
    signal: str
    """``busy``, ``sit`` (information tone), ``cng`` (a fax calls), ``ced`` (a fax answers), ``human`` or ``machine`` (a
    guess who answered)."""
    seconds: float
    """How long it had been there."""


@dataclass(frozen=True, slots=True)
class Held(Event):
    """A leg put the other side on hold."""

    leg: str


@dataclass(frozen=True, slots=True)
class Resumed(Event):
    """A leg took the other side back from hold."""

    leg: str


@dataclass(frozen=True, slots=True)
class RecordingStarted(Event):
    """The conversation is being recorded."""

    recording: str
    path: str
    """File, relative to the folder of the recordings."""


@dataclass(frozen=True, slots=True)
class RecordingStopped(Event):
    """The recording is closed."""

    recording: str
    reason: str
    """``ended``, ``paused``, ``disk_full``, ``recovered`` ..."""


@dataclass(frozen=True, slots=True)
class LegMoved(Event):
    """A leg went over to another media worker."""

    leg: str
    quality: Mapping[str, Any] | None = None
    """Report of the worker that it left; that of `LegEnded` tells of the last one only."""


@dataclass(frozen=True, slots=True)
class RoomJoined(Event):
    """The caller is a member of a conference room."""

    room: str


@dataclass(frozen=True, slots=True)
class MemberChanged(Event):
    """A member of a conference room takes part in another way."""

    room: str
    muted: bool
    deaf: bool
    gain: float
    """dB"""
    by: str
    """``member`` himself by his keys, or ``operator``."""


@dataclass(frozen=True, slots=True)
class RoomLeft(Event):
    """The caller is no member any more."""

    room: str
    cause: str
    """``bye``, ``kicked`` ..."""


@dataclass(frozen=True, slots=True)
class SupervisionStarted(Event):
    """A supervisor is beside a leg; told of in his own call and in the one that he supervises."""

    supervisor: str
    """His extension."""
    leg: str
    target: str
    """Who is at its end: ``phone:102``, ``trunk:provider``."""
    mode: str
    """``listen``, ``whisper`` or ``barge``."""


@dataclass(frozen=True, slots=True)
class SupervisionEnded(Event):
    """A supervisor is gone, or goes on in another mode."""

    supervisor: str
    leg: str
    target: str
    mode: str
    """Which it was."""


@dataclass(frozen=True, slots=True)
class RecordingPaused(Event):
    """From here on the recording is silent, whatever is said."""

    recording: str
    by: str
    """The leg that wanted it."""


@dataclass(frozen=True, slots=True)
class RecordingResumed(Event):
    """The recording hears the conversation again."""

    recording: str
    by: str


@dataclass(frozen=True, slots=True)
class RecordingRefused(Event):
    """The conversation was to be recorded and could not be."""

    reason: str
    """In one sentence."""


@dataclass(frozen=True, slots=True)
class Heartbeat(Event):
    """The call was still alive; where a call that lost its node is said to end."""


@dataclass(frozen=True, slots=True)
class CallEnded(Event):
    """All legs are gone; the last event of every call."""

    cause: str
    """``bye``, ``cancel``, ``refused``, ``node_crash`` ..."""
    status: int | None = None
    """SIP status that the caller got, when the call was refused."""


KINDS: dict[str, type[Event]] = {
    kind.__name__: kind
    for kind in (
        *(CallStarted, CallEnded, Heartbeat, LegStarted, LegRinging, LegAnswered, LegEnded, Bridged, Held, Resumed),
        *(MenuEntered, DigitsEntered, QueueJoined, QueueLeft, PromiseBroken, AgentOffered, OfferEnded, AgentConnected),
        *(SupervisionStarted, SupervisionEnded, SignalHeard),
        *(LegMoved, RoomJoined, MemberChanged, RoomLeft),
        *(RecordingStarted, RecordingStopped, RecordingPaused, RecordingResumed, RecordingRefused),
    )
}

for _kind in KINDS.values():
    _kind.names = tuple(field.name for field in fields(_kind) if not field.kw_only)
    _kind.prefixes = tuple((name, f'{"," if place else "{"}"{name}":') for place, name in enumerate(_kind.names))


def from_json(text: str) -> Event:
    """The event of a line; keys of a later version are ignored.

    >>> from_json('{"kind":"LegRinging","at":1.0,"wall":2.0,"leg":"a"}')
    LegRinging(at=1.0, wall=2.0, leg='a')
    """
    try:
        line = json.loads(text)
        return make_event(line["kind"], line["at"], line["wall"], line)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise EventError(f"This line is not an event of a call: {text[:80]!r}") from error


def make_event(kind: str, at: float, wall: float, named: Mapping[str, Any]) -> Event:
    """Put together what was stored in parts."""
    try:
        known = KINDS[kind]
        return known(**{name: named[name] for name in known.names if name in named}, at=at, wall=wall)
    except (KeyError, TypeError) as error:
        raise EventError(f"{kind!r} with {str(named)[:80]} is not an event of a call") from error


def _value(value: object) -> str:
    if value is None:
        return "null"
    try:
        return _encode(value)
    except (ValueError, TypeError, RecursionError):
        return _encode(_tame(value))


def _plain(value: object) -> object:
    """Numbers of numpy and unknown objects in a quality report: a record is never lost for its decoration."""
    if isinstance(value, Mapping):
        return dict(value)
    item = getattr(value, "item", None)
    return item() if callable(item) else str(value)


def _tame(value: Any, depth: int = 8) -> Any:
    """The same value with null for what JSON has no number for, text for odd keys, and an end to its depth."""
    if isinstance(value, Mapping) and depth:
        return {str(key): _tame(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list | tuple) and depth:
        return [_tame(inner, depth - 1) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else None


# ASCII only: text of a broken phone may hold lone surrogates, which no database takes and which \\udc80 carries whole.
# Strings, which most fields are, skip the encoder: it costs 2 us each time that it is set up.
_quote = encode_basestring_ascii
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_plain).encode
