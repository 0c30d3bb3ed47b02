"""Messages as a phone and a switch would write them, for the stories told in these tests."""

from softswitch.sip.message import Request, Response, respond
from softswitch.sip.parser import parse
from softswitch.sip.peer import Peer

UDP = Peer("udp", "192.0.2.101", 5060)
TCP = Peer("tcp", "192.0.2.101", 49152, 7)


def request(
    method: str = "INVITE",
    *,
    branch: str = "z9hG4bK-first",
    sent_by: str = "192.0.2.101:5060",
    call_id: str = "a84b4c76e66710",
    from_tag: str | None = "phone",
    to_tag: str | None = None,
    number: int = 1,
    lines: str = "",
    body: str = "",
    uri: str = "sip:500@localhost",
) -> Request:
    """A request as it comes from the wire."""
    from_ = "<sip:101@localhost>" + (f";tag={from_tag}" if from_tag else "")
    to = "<sip:500@localhost>" + (f";tag={to_tag}" if to_tag else "")
    text = (
        f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {sent_by};branch={branch};rport\r\nMax-Forwards: 70\r\n"
        f"From: {from_}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {number} {method}\r\n"
        f"Contact: <sip:101@192.0.2.101:5060>\r\n{lines}Content-Length: {len(body)}\r\n\r\n{body}"
    )
    message = parse(text.encode())
    assert isinstance(message, Request)
    return message


def response(to: Request, status: int, to_tag: str = "switch", lines: tuple[tuple[str, str], ...] = ()) -> Response:
    """A response as it comes from the wire."""
    message = parse(respond(to, status, to_tag=to_tag, headers=lines).to_bytes())
    assert isinstance(message, Response)
    return message


def ack(of: Request, *, branch: str | None = None, to_tag: str = "switch") -> Request:
    """The ACK for an INVITE: same branch after a refusal, a new one after a 2xx."""
    return request(
        "ACK",
        branch=branch or of.via.branch or "",
        sent_by=of.via.sent_by,
        call_id=of.call_id,
        from_tag=of.from_.tag,
        to_tag=to_tag,
        number=of.cseq.number,
    )
