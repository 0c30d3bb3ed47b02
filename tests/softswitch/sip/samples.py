"""Messages that the tests start from."""

from softswitch.sip.message import Request, Response
from softswitch.sip.parser import parse

SDP = (
    b"v=0\r\n"
    b"o=- 4711 1 IN IP4 192.0.2.10\r\n"
    b"s=-\r\n"
    b"c=IN IP4 192.0.2.10\r\n"
    b"t=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0 8 101\r\n"
    b"a=rtpmap:0 PCMU/8000\r\n"
    b"a=rtpmap:8 PCMA/8000\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\n"
    b"a=fmtp:101 0-16\r\n"
    b"a=sendrecv\r\n"
)

INVITE_LINES = (
    "Via: SIP/2.0/UDP 192.0.2.10:5062;branch=z9hG4bKnashds8;rport",
    "Max-Forwards: 70",
    'From: "Desk 101" <sip:101@example.com>;tag=a73kszlfl',
    "To: <sip:102@example.com>",
    "Call-ID: 1j9FpLxk3uxtm8tn@192.0.2.10",
    "CSeq: 1 INVITE",
    "Contact: <sip:101@192.0.2.10:5062>",
)


def write(start: str, lines: tuple[str, ...] | list[str], body: bytes = b"", length: int | None = None) -> bytes:
    """Write a message with a Content-Length, true unless told otherwise."""
    head = "\r\n".join([start, *lines, f"Content-Length: {len(body) if length is None else length}", "", ""])
    return head.encode("utf-8", "surrogateescape") + body


def invite(body: bytes = SDP, /, **changed: str | None) -> bytes:
    """Write an INVITE; `Max_Forwards="x"` changes a header, None leaves it out."""
    return request("INVITE", "sip:102@example.com", body, **changed)


def request(method: str, uri: str, body: bytes = b"", /, **changed: str | None) -> bytes:
    """Write a request of any method, with headers changed as in `invite`."""
    changes = {name.replace("_", "-").rstrip("-"): value for name, value in changed.items()}
    changes.setdefault("CSeq", f"1 {method}")
    lines = []
    for line in INVITE_LINES:
        name = line.partition(":")[0]
        value = changes.pop(name, line.partition(":")[2].strip())
        if value is not None:
            lines.append(f"{name}: {value}")
    lines += [f"{name}: {value}" for name, value in changes.items() if value is not None]
    if body:
        lines.append("Content-Type: application/sdp")
    return write(f"{method} {uri} SIP/2.0", lines, body)


def parse_request(datagram: bytes) -> Request:
    """Parse what must be a sound request."""
    message = parse(datagram)
    assert isinstance(message, Request)
    return message


def parse_response(datagram: bytes) -> Response:
    """Parse what must be a sound response."""
    message = parse(datagram)
    assert isinstance(message, Response)
    return message
