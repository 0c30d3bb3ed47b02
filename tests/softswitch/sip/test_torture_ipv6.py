"""The cases of RFC 5118 in our own words: each alone, byte by byte on a stream, and all behind each other."""

import pytest

from softswitch.sip.errors import BadRequest
from softswitch.sip.message import Request, respond, response_peer, stamp_via
from softswitch.sip.negotiate import LocalMedia, answer_offer
from softswitch.sip.parser import Event, StreamParser, parse
from softswitch.sip.peer import Peer
from softswitch.sip.sdp import Sdp

from .samples import parse_request, parse_response

PEER = Peer("udp", "2001:db8::9:1", 5060)
OFFER = "v=0\r\no=- 1 1 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\nm=audio 42000 RTP/AVP 0\r\n"
TWO_FAMILIES = (
    "v=0\r\no=- 1 1 IN IP6 2001:db8::20\r\ns=-\r\nt=0 0\r\nm=audio 42000 RTP/AVP 0\r\nc=IN IP6 2001:db8::20\r\n"
    "m=video 42002 RTP/AVP 34\r\nc=IN IP4 192.0.2.20\r\n"
)
MAPPED = OFFER.replace("2001:db8::20", "::ffff:192.0.2.20")


def message(
    uri: str,
    via: str = "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111",
    contact: str = "<sip:caller@[2001:db8::1]>",
    sdp: str = "",
) -> bytes:
    """A REGISTER, or an INVITE with a description."""
    method = "INVITE" if sdp else "REGISTER"
    kind = "Content-Type: application/sdp\r\n" if sdp else ""
    return (
        f"{method} {uri} SIP/2.0\r\nTo: sip:user@example.com\r\nFrom: sip:user@example.com;tag=81x2\r\nVia: {via}\r\n"
        f"Call-ID: 98asjd8@[2001:db8::1]\r\nMax-Forwards: 70\r\nContact: {contact}\r\nCSeq: 98176 {method}\r\n{kind}"
        f"Content-Length: {len(sdp)}\r\n\r\n{sdp}"
    ).encode()


SOUND = {
    "4.1 a reference": message("sip:[2001:db8::10]"),
    "4.3 a port that is part of the address": message("sip:[2001:db8::10:5070]"),
    "4.4 a port behind the address": message("sip:[2001:db8::10]:5070"),
    "4.5 received with brackets": message(
        "sip:[2001:db8::10]", "SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111"
    ),
    "4.5 received without brackets": message(
        "sip:[2001:db8::10]", "SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3"
    ),
    "4.6 a description": message("sip:user@[2001:db8::10]", sdp=OFFER),
    "4.7 hops of both families": message(
        "sip:user@[2001:db8:0:0:0:0:0:10]",
        "SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111\r\n"
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144\r\n"
        "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200",
        "<sip:caller@[2001:db8::1]>, <sip:caller@192.0.2.1>;q=0.5",
    ),
    "4.8 media of both families": message("sip:user@[2001:db8::10]", sdp=TWO_FAMILIES),
    "4.9 mapped addresses": message(
        "sip:user@example.com", "SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19",
        "<sip:caller@[::ffff:192.0.2.2]>", MAPPED,
    ),
}  # fmt: skip
BROKEN = {
    "4.2 an address without brackets": message("sip:2001:db8::10"),
    "a reference that does not end": message("sip:user@[2001:db8::10"),
    "a reference with too many groups": message("sip:user@[1:2:3:4:5:6:7:8:9]"),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_message_is_read_and_answered(name: str) -> None:
    request = parse_request(SOUND[name])
    stamp_via(request, PEER)
    assert response_peer(request, PEER).host == PEER.host
    answer = parse_response(respond(request, 200, to_tag="1").to_bytes())
    assert answer.headers.get_all("Via") == request.headers.get_all("Via")
    assert len(request.contacts) == (request.headers.get("Contact") or "").count("<")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_message_gets_a_400(name: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(BROKEN[name])
    assert caught.value.status == 400


def test_one_colon_too_many_that_the_grammar_of_rfc_3261_asked_for_is_forgiven() -> None:
    """4.10: read to the letter it wants three colons before an IPv4 address."""
    for host in ("2001:db8:::192.0.2.1", "2001:db8::192.0.2.1"):
        assert parse_request(message(f"sip:user@[{host}]")).uri.host == "2001:db8::192.0.2.1"


def test_hosts_and_ports_are_told_apart() -> None:
    whole, port = (parse_request(SOUND[name]).uri for name in list(SOUND)[1:3])
    assert (whole.host, whole.port) == ("2001:db8::10:5070", None)
    assert (port.host, port.port) == ("2001:db8::10", 5070)


def test_received_is_the_same_with_and_without_brackets() -> None:
    names = [name for name in SOUND if "received" in name]
    assert {parse_request(SOUND[name]).via.received for name in names} == {"2001:db8::9:255"}


@pytest.mark.parametrize("name", ["4.6 a description", "4.8 media of both families", "4.9 mapped addresses"])
def test_descriptions_are_answered(name: str) -> None:
    offer = parse_request(SOUND[name]).body
    answer, negotiated = answer_offer(offer, LocalMedia("2001:db8::99", 4000))
    assert negotiated.codec.name == "PCMU"
    assert "c=IN IP6 2001:db8::99" in answer.decode()
    assert len(Sdp.parse(answer).media) == len(Sdp.parse(offer).media)


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_all_of_them_behind_each_other_on_a_stream(size: int) -> None:
    stream = b"".join(SOUND.values())
    parser = StreamParser()
    events: list[Event] = []
    for place in range(0, len(stream), size):
        events += parser.feed(stream[place : place + size])
    assert [type(one) for one in events] == [Request] * len(SOUND)
    assert [str(one.uri) for one in events if isinstance(one, Request)] == [
        str(parse_request(one).uri) for one in SOUND.values()
    ]
