"""Messages of a peer, as they come from the wire, for the stories told in these tests."""

from random import Random

from softswitch.dialog.session import Session
from softswitch.sip.message import Request, Response, respond
from softswitch.sip.parser import parse
from softswitch.transaction.timers import Timers

TIMERS = Timers()
START = 1000.0
OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.101\r\ns=-\r\nc=IN IP4 192.0.2.101\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"
ANSWER = OFFER.replace(b"192.0.2.101", b"192.0.2.1")
CONTACT = "<sip:switch@192.0.2.1:5060>"
SDP_LINE = "Content-Type: application/sdp\r\n"


def from_peer(
    method: str,
    number: int,
    *,
    to_tag: str | None = "ours",
    from_tag: str | None = "theirs",
    call_id: str = "call-1",
    sdp: bytes | None = None,
    lines: str = "",
    contact: str | None = "<sip:101@192.0.2.101:5060>",
    routes: str = "",
) -> Request:
    """A request of the peer."""
    to = "<sip:500@localhost>" + (f";tag={to_tag}" if to_tag else "")
    from_ = '"Phone 101" <sip:101@localhost>' + (f";tag={from_tag}" if from_tag else "")
    body = sdp or b""
    text = (
        f"{method} sip:500@192.0.2.1 SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK-{method}-{number}\r\n"
        f"{routes}Max-Forwards: 70\r\nFrom: {from_}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {number} {method}\r\n"
        f"{f'Contact: {contact}{chr(13)}{chr(10)}' if contact else ''}{SDP_LINE if sdp else ''}{lines}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    message = parse(text.encode() + body)
    assert isinstance(message, Request)
    return message


def to_peer(sdp: bytes | None = OFFER, routes: tuple[str, ...] = ()) -> Request:
    """An INVITE of ours, with everything but Via."""
    lines = [
        *(("Route", route) for route in routes),
        ("Max-Forwards", "70"),
        ("From", "<sip:500@localhost>;tag=ours"),
        ("To", "<sip:101@localhost>"),
        ("Call-ID", "call-1"),
        ("CSeq", "20 INVITE"),
        ("Contact", CONTACT),
    ]
    if sdp is not None:
        lines.append(("Content-Type", "application/sdp"))
    return Request("INVITE", "sip:101@192.0.2.101:5060", lines, sdp or b"")


def reply(
    request: Request,
    status: int,
    *,
    tag: str | None = "theirs",
    sdp: bytes | None = None,
    contact: str | None = "<sip:101@192.0.2.101:5060>",
    headers: tuple[tuple[str, str], ...] = (),
) -> Response:
    """A response of the peer to a request of ours, which gets a Via on the way as the stack would write it."""
    sent = request.copy()
    if "Via" not in sent.headers:
        sent.headers.prepend("Via", f"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-{request.cseq.number}-{request.method}")
    extra = [*headers, *([("Contact", contact)] if contact and status < 400 else [])]
    answer = respond(
        sent,
        status,
        to_tag=tag,
        headers=extra,
        body=sdp or b"",
        content_type="application/sdp" if sdp else None,
    )
    message = parse(answer.to_bytes())
    assert isinstance(message, Response)
    return message


def incoming(invite: Request | None = None, seed: int = 1) -> Session:
    """A session that the peer asks for."""
    request = invite or from_peer("INVITE", 1, to_tag=None, sdp=OFFER)
    return Session.incoming(request, "ours", CONTACT, START, TIMERS, False, Random(seed))


def outgoing(invite: Request | None = None, seed: int = 1) -> Session:
    """A session that we ask for."""
    return Session.outgoing(invite or to_peer(), START, TIMERS, Random(seed))
