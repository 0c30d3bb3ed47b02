"""What the switch and a media worker say to each other: one JSON object per line, both ways.

    command     {"do": "join", "leg": "a1", "room": "r7"}              no answer
    request     {"id": 3, "do": "open", "leg": "a1", "address": "::1"}  answered once
    answer      {"id": 3, "ok": {...}}  or  {"id": 3, "error": {"code": "no_ports", "text": "..."}}
    event       {"event": "digit", "leg": "a1", "digit": "5", ...}

Lines are bounded by MAX_LINE octets; who sends a longer one, or one that is no JSON object, is cut off.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, TypedDict, get_args

from media.errors import BadCommand

MAX_LINE: Final = 65536

Sound = str | Mapping[str, Any]
"""A file path, {"tone": name or Hz, "country": ..., "seconds": ...} or {"silence": seconds}."""

Codec = Literal["PCMU", "PCMA", "G722", "GSM", "L16", "OPUS"]


Suite = Literal["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"]
"""Suites of SRTP (RFC 4568 section 6.2)."""
SUITES: Final = get_args(Suite)
KEY_SIZE: Final = 30
"""Octets of a master key and its salt."""


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """Keys of an encrypted leg; on the wire {"suite": ..., "send": base64, "receive": base64}.

    They are in no `repr` and in no error.
    """

    suite: str
    send: bytes = field(repr=False)
    """Master key and master salt of what the worker sends."""
    receive: bytes = field(repr=False)
    """The same of what it receives."""

    def to_fields(self) -> dict[str, str]:
        """As an object of JSON."""
        send, receive = (base64.b64encode(key).decode() for key in (self.send, self.receive))
        return {"suite": self.suite, "send": send, "receive": receive}

    @classmethod
    def read(cls, fields: Any) -> "SrtpKeys":
        """Read what `to_fields` wrote."""
        if not isinstance(fields, dict) or fields.get("suite") not in SUITES:
            raise BadCommand(f"srtp wants suite ({' or '.join(SUITES)}), send and receive")
        return cls(fields["suite"], *(_read_key(fields.get(name)) for name in ("send", "receive")))


def _read_key(text: Any) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        key = b""
    if len(key) != KEY_SIZE:
        raise BadCommand(f"an SRTP key and its salt have {KEY_SIZE} octets, in base64")
    return key


MOST_GAIN: Final = 20.0
"""dB by which a member of a room may be made louder or softer."""

Role = Literal["member", "listen", "whisper", "barge"]
"""What a leg is in a room; all but members supervise it."""


class LegReport(TypedDict):
    """How a leg fared, handed over when it closes."""

    packets_sent: int
    packets_received: int
    lost: int
    loss_percent: float
    jitter_ms: float
    round_trip_ms: float | None
    mos: float
    r_factor: float
    late: int
    duplicates: int
    strangers: int
    srtp_errors: int
    seconds_since_last_packet: float | None
    burst_ratio: float | None
    """How much longer losses hold on than random ones would; None when nothing was lost."""
    buffer_ms: float | None
    """Sound that waited in the jitter buffer, in the mean; None where packets were only handed on."""
    one_way: str | None
    """`not_received`, `not_sent` or `silence`; None when sound goes as negotiated."""
    decoded_seconds: float
    """Sound that was decoded. The shares below are of it and are None when it is 0, as it is for pure relays."""
    silence_percent: float | None
    clipped_percent: float | None
    talk_over_percent: float | None


UNHEARD: Final[LegReport] = {
    "packets_sent": 0,
    "packets_received": 0,
    "lost": 0,
    "loss_percent": 0.0,
    "jitter_ms": 0.0,
    "round_trip_ms": None,
    "mos": 4.409,
    "r_factor": 93.2,
    "late": 0,
    "duplicates": 0,
    "strangers": 0,
    "srtp_errors": 0,
    "seconds_since_last_packet": None,
    "burst_ratio": None,
    "buffer_ms": None,
    "one_way": None,
    "decoded_seconds": 0.0,
    "silence_percent": None,
    "clipped_percent": None,
    "talk_over_percent": None,
}
"""The report of a leg that carried nothing, as it is of many short calls; on the wire it is {}."""


@dataclass(frozen=True, slots=True)
class Digit:
    """A caller pressed a key."""

    leg: str
    digit: str
    """0-9, *, #, A-D."""
    duration_ms: int
    method: str
    """"rfc4733" or "inband"."""


@dataclass(frozen=True, slots=True)
class CallProgress:
    """A signal was heard in the sound that comes from a leg."""

    leg: str
    kind: str
    """`busy` (again with every cycle), `sit`, `cng` or `ced` (a fax calls, or answers), `voice` (the first), `human` or
    `machine` (a guess who answered)."""
    seconds: float
    """How long the signal has been there; for the last three since listening began."""


@dataclass(frozen=True, slots=True)
class PlaybackFinished:
    """The last sound of a `play` was heard to its end."""

    leg: str
    token: str


@dataclass(frozen=True, slots=True)
class PlaybackFailed:
    """A sound could not be played; nothing is playing now."""

    leg: str
    token: str
    text: str


@dataclass(frozen=True, slots=True)
class MediaSilent:
    """No packet came from a leg that should send; told once per silence."""

    leg: str
    seconds: float


@dataclass(frozen=True, slots=True)
class MediaResumed:
    """A leg that was silent sends again."""

    leg: str


@dataclass(frozen=True, slots=True)
class RecordingFailed:
    """A recording cannot be written at the moment (for example: the disk is full)."""

    recording: str
    text: str


@dataclass(frozen=True, slots=True)
class RecordingResumed:
    """A recording that had failed is written again."""

    recording: str


@dataclass(frozen=True, slots=True)
class ActiveTalker:
    """Another one is the loudest in a room that is watched; at most twice a second."""

    leg: str
    """Empty: nobody talks any more."""
    room: str


@dataclass(frozen=True, slots=True)
class CommandFailed:
    """A command that asks for no answer was refused."""

    do: str
    leg: str
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """The worker is gone, and with it every leg it carried."""


MediaEvent = (
    Digit
    | CallProgress
    | PlaybackFinished
    | PlaybackFailed
    | MediaSilent
    | MediaResumed
    | RecordingFailed
    | RecordingResumed
    | ActiveTalker
    | CommandFailed
    | WorkerLost
)

EVENTS: Final[dict[str, type[Any]]] = {
    "digit": Digit,
    "call_progress": CallProgress,
    "playback_finished": PlaybackFinished,
    "playback_failed": PlaybackFailed,
    "media_silent": MediaSilent,
    "media_resumed": MediaResumed,
    "recording_failed": RecordingFailed,
    "recording_resumed": RecordingResumed,
    "active_talker": ActiveTalker,
    "command_failed": CommandFailed,
    "worker_lost": WorkerLost,
}
_NAMES: Final = {kind: name for name, kind in EVENTS.items()}
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
_decode: Final = json.JSONDecoder().raw_decode


def write_line(fields: Mapping[str, Any]) -> bytes:
    """One JSON object as a line."""
    line = _encode(fields).encode() + b"\n"
    if len(line) > MAX_LINE:
        raise BadCommand(f"{len(line)} octets are more than a line may have")
    return line


def write_answer(answer: Mapping[str, Any]) -> bytes:
    """An answer as a line; the shortest and commonest by hand, because the encoder takes 10 us to begin."""
    if answer.get("ok") == {}:
        return b'{"id":%d,"ok":{}}\n' % answer["id"]
    return write_line(answer)


def read_line(line: bytes) -> dict[str, Any]:
    """The JSON object on a line."""
    try:
        text = line.decode()
        fields, end = _decode(text)
    except (ValueError, RecursionError) as error:
        raise BadCommand(f"not a line of JSON: {error}") from error
    if not isinstance(fields, dict) or end < len(text):
        raise BadCommand("a line must hold one JSON object")
    return fields


def write_event(event: MediaEvent) -> bytes:
    """An event as a line."""
    return write_line({"event": _NAMES[type(event)], **asdict(event)})


def read_event(fields: dict[str, Any]) -> MediaEvent:
    """The event that a decoded line tells of."""
    kind = EVENTS.get(str(fields.get("event")))
    if kind is None:
        raise BadCommand(f"unknown event {fields.get('event')!r}")
    try:
        event: MediaEvent = kind(**{name: value for name, value in fields.items() if name != "event"})
    except TypeError as error:
        raise BadCommand(f"event {fields['event']!r} has other fields: {error}") from error
    return event


class LineSplitter:
    """Cuts a byte stream into lines, and refuses one that never ends."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._rest = b""
        self._max_line = max_line

    def feed(self, data: bytes) -> list[bytes]:
        """The whole lines that `data` completes, without their line ends."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > self._max_line or any(len(line) > self._max_line for line in lines):
            self._rest = b""
            raise BadCommand(f"a line is longer than {self._max_line} octets")
        return lines
