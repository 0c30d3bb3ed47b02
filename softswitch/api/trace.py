"""What was said in the last calls: a bounded memory of SIP messages and of what happened in each call.

Remembering costs one append a message; everything else is done when somebody asks, in a thread of its own. Nothing
leaves without its credentials being masked.

{"do": "trace", "call": "18c-4"}      ->  {"call": {...}, "legs": [...], "messages": [...], "events": [...]}
{"do": "trace", "number": "102"}      ->  the same of the last call that this number took part in
"""

import asyncio
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from media.protocol import Digit, MediaEvent
from softswitch.api.control import ControlError, Handler
from softswitch.records import events as fact
from softswitch.sip.errors import SipError
from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer
from softswitch.sip.sdp import Sdp

MAX_OCTETS = 16 * 1024 * 1024
"""Of SIP messages remembered."""
OVERHEAD = 200
"""Octets that an entry costs besides its message."""
MAX_CALLS = 1000
MAX_EVENTS = 500
"""Things that happened, of one call."""
MAX_ANSWER = 1024 * 1024
"""Octets of messages in one answer, which the loop writes as JSON."""

_ANY_AUTHORIZATION = re.compile(rb"(?im)^((?:proxy-)?authorization[ \t]*:)[^\n]*(?:\n[ \t][^\n]*)*")
_CRYPTO = re.compile(rb"(?im)^(a=crypto:(?:[0-9]+ +[a-z0-9_]+)?)[^\n]*")
_ICE_PASSWORD = re.compile(rb"(?im)^(a=ice-pwd:)[^\n]*")
_URI_PASSWORD = re.compile(rb"(?i)(sips?:[^@:\s<>;]+:)[^@\s<>]+@")
_KEY = re.compile(rb"(?im)^(signal[ \t]*=)[^\n]*")
_BACKGROUND = (b"REGISTER ", b"OPTIONS ", b"SUBSCRIBE ", b"PUBLISH ")
"""Requests that belong to no call, and come in such numbers that they would push the calls out."""
_BACKGROUND_CSEQ = re.compile(rb"\nCSeq: *[0-9]+ (?:REGISTER|OPTIONS|SUBSCRIBE|PUBLISH)\r")


def mask(data: bytes) -> bytes:
    """A message without what would let a reader in: digest responses, keys of SRTP and ICE, passwords, DTMF keys.

    >>> mask(b"Authorization: Digest username=x, response=y")
    b'Authorization: (masked)'
    """
    data = _ANY_AUTHORIZATION.sub(rb"\1 (masked)", data)
    data = _CRYPTO.sub(rb"\1 (masked)", data)
    data = _ICE_PASSWORD.sub(rb"\1(masked)", data)
    data = _URI_PASSWORD.sub(rb"\1(masked)@", data)
    return _KEY.sub(rb"\1(masked)", data)


def describe_sdp(body: bytes) -> str:
    """A session description in one line: media, address, codecs, direction; empty when it is none."""
    try:
        sdp = Sdp.parse(body)
        return "; ".join(_describe(sdp, number) for number in range(len(sdp.media)))
    except SipError:
        return ""


def _describe(sdp: Sdp, number: int) -> str:
    section = sdp.media[number]
    names = [encoding.name for encoding in section.encodings.values()]
    connection = sdp.connection_of(section)
    return f"{section.kind} {connection.address}:{section.port} {','.join(names)} {sdp.direction_of(section)}"


class Seen(NamedTuple):
    """A message that passed."""

    at: float
    """Seconds of the stack's clock."""
    sent: bool
    peer: Peer
    data: bytes


@dataclass(slots=True)
class Story:
    """What is known of one call."""

    call: str
    events: list[fact.Event] = field(default_factory=list)
    heard: list[tuple[float, MediaEvent]] = field(default_factory=list)
    legs: dict[str, str] = field(default_factory=dict)
    """The Call-ID of each leg."""


class Trace:
    """The memory. `clock` counts as the stack and the facts of calls do."""

    def __init__(self, clock: Callable[[], float], max_octets: int = MAX_OCTETS, max_calls: int = MAX_CALLS) -> None:
        self._clock = clock
        self._max_octets = max_octets
        self._max_calls = max_calls
        self._octets = 0
        self._messages: deque[Seen] = deque()
        self._stories: OrderedDict[str, Story] = OrderedDict()

    # ---- remember ---------------------------------------------------------------------------------------------

    def see(self, sent: bool, peer: Peer, data: bytes) -> None:
        """A message came or went."""
        if data.startswith(_BACKGROUND) or (data.startswith(b"SIP/") and _BACKGROUND_CSEQ.search(data)):
            return
        self._messages.append(Seen(self._clock(), sent, peer, data))
        self._octets += len(data) + OVERHEAD
        while self._octets > self._max_octets:
            self._octets -= len(self._messages.popleft().data) + OVERHEAD

    def note(self, call: str, event: fact.Event) -> None:
        """Something happened in a call."""
        story = self._stories.get(call)
        if story is None:
            story = self._begin(call)
        if len(story.events) < MAX_EVENTS and not isinstance(event, fact.Heartbeat):
            story.events.append(event)

    def name_leg(self, leg: str, call_id: str) -> None:
        """The INVITE of a leg has this Call-ID."""
        call = leg.rpartition("-")[0]
        story = self._stories.get(call) or self._begin(call)
        if len(story.legs) < MAX_EVENTS:
            story.legs[leg] = call_id

    def hear(self, event: MediaEvent) -> None:
        """The media worker told something of a leg."""
        story = self._stories.get(getattr(event, "leg", "").rpartition("-")[0])
        if story is not None and len(story.heard) < MAX_EVENTS:
            story.heard.append((self._clock(), event))

    def _begin(self, call: str) -> Story:
        story = self._stories[call] = Story(call)
        while len(self._stories) > self._max_calls:
            self._stories.popitem(last=False)
        return story

    # ---- tell -------------------------------------------------------------------------------------------------

    def find(self, wanted: str) -> Story | None:
        """The call of that name, or the last one that this number took part in."""
        named = self._stories.get(wanted)
        if named is not None:
            return named
        return next((story for story in reversed(self._stories.values()) if _concerns(story, wanted)), None)

    def messages_of(self, story: Story) -> list[tuple[str, Seen]]:
        """The messages of a call with their legs, oldest first; the newest ones when there are too many."""
        return _pick(list(self._messages), dict(story.legs), _start(story))

    def handlers(self) -> Mapping[str, Handler]:
        """The order `trace`."""
        return {"trace": self._answer}

    async def _answer(self, order: dict[str, Any]) -> dict[str, Any]:
        wanted = order.get("call") or order.get("number")
        if not isinstance(wanted, str):
            raise ControlError("Say which call, or which number.")
        story = self.find(wanted)
        if story is None:
            raise ControlError(
                f"No call {wanted!r} is remembered, nor one of that number; softswitch calls names them."
            )
        legs, began = dict(story.legs), _start(story)
        found = await asyncio.to_thread(_pick_masked, list(self._messages), legs, began)
        return {"call": story.call, "legs": _describe_legs(story), "messages": found, "events": _describe_events(story)}


def _start(story: Story) -> float:
    """The call's INVITE came before its first fact; a retransmission not long before."""
    return story.events[0].at - 1.0 if story.events else 0.0


def _pick(messages: list[Seen], legs: Mapping[str, str], since: float) -> list[tuple[str, Seen]]:
    wanted = [(leg, *_octets_and_line(call_id)) for leg, call_id in legs.items()]
    found: list[tuple[str, Seen]] = []
    size = 0
    for seen in reversed(messages):
        if seen.at < since or size > MAX_ANSWER:
            break
        leg = next((leg for leg, octets, line in wanted if octets in seen.data and line.search(seen.data)), None)
        if leg is not None:
            found.append((leg, seen))
            size += len(seen.data)
    return found[::-1]


def _octets_and_line(call_id: str) -> tuple[bytes, re.Pattern[bytes]]:
    """What to look for first, since that is quick, and what makes sure (RFC 3261 section 20.8)."""
    octets = call_id.encode("utf-8", "surrogateescape")
    return octets, re.compile(rb"(?im)^(?:call-id|i)[ \t]*:[ \t]*" + re.escape(octets) + rb"[ \t]*\r?$")


def _pick_masked(messages: list[Seen], legs: Mapping[str, str], since: float) -> list[dict[str, Any]]:
    return [_show(leg, seen) for leg, seen in _pick(messages, legs, since)]


def _show(leg: str, seen: Seen) -> dict[str, Any]:
    shown = {
        "at": seen.at, "leg": leg, "sent": seen.sent, "peer": str(seen.peer), "summary": "(not SIP)", "sdp": "",
        "text": mask(seen.data).decode("utf-8", "replace"),
    }  # fmt: skip
    try:
        message = parse(seen.data)
        shown["sdp"] = describe_sdp(message.body) if message.body else ""
        if isinstance(message, Response):
            shown["summary"] = f"{message.status} {message.reason} ({message.cseq.method})"
        elif isinstance(message, Request):
            shown["summary"] = message.method
    except SipError as error:
        shown["summary"] = f"(malformed: {error})"
    return shown


def _concerns(story: Story, number: str) -> bool:
    for event in story.events:
        if isinstance(event, fact.CallStarted) and number in (event.caller_number, event.called_number):
            return True
        if isinstance(event, fact.LegStarted) and event.target.partition(":")[2] == number:
            return True
    return False


def _describe_legs(story: Story) -> list[dict[str, Any]]:
    started = {event.leg: event for event in story.events if isinstance(event, fact.LegStarted)}
    return [
        {"leg": leg, "call_id": call_id, "target": started[leg].target, "role": started[leg].role}
        for leg, call_id in story.legs.items() if leg in started
    ]  # fmt: skip


def _describe_events(story: Story) -> list[dict[str, Any]]:
    told = [{"at": event.at, "wall": event.wall, **_plain(event)} for event in story.events]
    offset = story.events[0].wall - story.events[0].at if story.events else 0.0
    heard = [{"at": at, "wall": at + offset, **_plain(event)} for at, event in story.heard]
    return sorted(told + heard, key=lambda one: float(one["at"]))


def _plain(event: fact.Event | MediaEvent) -> dict[str, Any]:
    """The name and the fields of an event; a key may be part of a secret number, so it is not told which."""
    found = {one.name: getattr(event, one.name) for one in fields(event) if one.name not in ("at", "wall")}
    if isinstance(event, Digit):
        found["digit"] = "(masked)"
    return {"event": type(event).__name__, **found}
