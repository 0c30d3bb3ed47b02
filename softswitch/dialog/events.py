"""What a session tells the call layer, in the past tense.

The last one of every session is a `Refused` or an `Ended`, told exactly once.
"""

from dataclasses import dataclass
from typing import Literal

from softswitch.sip.message import Request, Response

Cause = Literal["bye", "cancel", "refused", "no_ack", "timeout", "error"]
Side = Literal["local", "remote"]


@dataclass(slots=True)
class Progressed:
    """Our INVITE was answered with a provisional response other than 100."""

    status: int
    sdp: bytes | None
    """Early media of this branch, if any."""


@dataclass(slots=True)
class Answered:
    """Our INVITE was accepted."""

    sdp: bytes | None
    """The answer; or the peer's offer when our INVITE had none: then `acknowledge` must bring our answer."""
    response: Response


@dataclass(slots=True)
class Refused:
    """Our INVITE was refused, or nobody answered it: the session is over."""

    status: int
    reason: str
    response: Response | None
    """None when the status is our own: 408 nothing came back, 503 it could not be sent."""


@dataclass(slots=True)
class Acknowledged:
    """The ACK of our 2xx came in."""

    sdp: bytes | None
    """The answer to an offer that our 2xx carried."""


@dataclass(slots=True)
class Offered:
    """A re-INVITE or UPDATE of the peer waits for `answer_offer` or `refuse_offer`."""

    sdp: bytes | None
    """None: the peer wants our offer in the 2xx."""


@dataclass(slots=True)
class OfferWithdrawn:
    """The peer cancelled the re-INVITE that was waiting for our answer."""


@dataclass(slots=True)
class OfferAnswered:
    """Our re-INVITE was accepted."""

    sdp: bytes | None
    """The answer; or the peer's offer when ours had none: then `acknowledge` must bring our answer."""


@dataclass(slots=True)
class OfferRefused:
    """Our re-INVITE was refused; the session goes on as it was."""

    status: int


@dataclass(slots=True)
class InfoReceived:
    """An INFO came in and was answered."""

    content_type: str
    """As written, empty when absent."""
    body: bytes


@dataclass(slots=True)
class Referred:
    """A REFER waits for `answer_refer`: the peer wants the other party to be led elsewhere."""

    request: Request


@dataclass(slots=True)
class Ended:
    """The session is over for the call layer, though the wire may need a moment until `Closed`."""

    by: Side
    cause: Cause
    status: int | None = None
    """The SIP status that goes with it, when there is one."""
    reason_header: str | None = None
    """The peer's Reason header (RFC 3326), as written."""


Event = (
    Progressed
    | Answered
    | Refused
    | Acknowledged
    | Offered
    | OfferWithdrawn
    | OfferAnswered
    | OfferRefused
    | InfoReceived
    | Referred
    | Ended
)
