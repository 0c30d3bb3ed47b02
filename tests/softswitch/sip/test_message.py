"""Requests and responses: typed values, writing, answering, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.address import Address
from softswitch.sip.errors import BadHeader, BadUri
from softswitch.sip.fields import Via
from softswitch.sip.headers import Headers
from softswitch.sip.message import Message, Request, Response, respond, response_peer, stamp_via
from softswitch.sip.peer import Peer
from softswitch.sip.status import REASON
from softswitch.sip.uri import Uri

from .samples import SDP, invite, parse_request, parse_response, request

PEER = Peer("udp", "192.0.2.10", 5062)


def test_typed_values_of_an_invite() -> None:
    message = parse_request(invite(Route="<sip:p1;lr>, <sip:p2;lr>", Expires="120"))
    assert message.method == "INVITE"
    assert str(message.uri) == "sip:102@example.com"
    assert message.via.branch == "z9hG4bKnashds8"
    assert (message.from_.display, message.from_.tag) == ("Desk 101", "a73kszlfl")
    assert message.to.tag is None
    assert message.call_id == "1j9FpLxk3uxtm8tn@192.0.2.10"
    assert message.cseq == (1, "INVITE")
    assert [str(contact.uri) for contact in message.contacts] == ["sip:101@192.0.2.10:5062"]
    assert (message.max_forwards, message.expires, message.content_length) == (70, 120, len(SDP))
    assert message.content_type is not None
    assert message.content_type.type == "application/sdp"
    assert [route.uri.host for route in message.routes] == ["p1", "p2"]
    assert message.record_routes == []
    assert message.body == SDP


def test_optional_values_are_none_when_missing() -> None:
    message = Request("OPTIONS", "sip:a@b")
    assert (message.max_forwards, message.expires, message.content_length, message.content_type) == (None,) * 4
    assert (message.contacts, message.routes, message.vias) == ([], [], [])


@pytest.mark.parametrize("name", ["via", "from_", "to", "call_id", "cseq"])
def test_mandatory_values_raise_when_missing(name: str) -> None:
    with pytest.raises(BadHeader):
        getattr(Request("OPTIONS", "sip:a@b"), name)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("via", "Via"),
        ("from_", "From"),
        ("to", "To"),
        ("cseq", "CSeq"),
        ("contacts", "Contact"),
        ("max_forwards", "Max-Forwards"),
        ("content_type", "Content-Type"),
        ("content_length", "Content-Length"),
        ("routes", "Route"),
        ("record_routes", "Record-Route"),
        ("expires", "Expires"),
        ("vias", "Via"),
    ],
)
def test_typed_values_raise_when_broken(name: str, header: str) -> None:
    with pytest.raises(BadHeader):
        getattr(Request("OPTIONS", "sip:a@b", [(header, '"<;,')]), name)


def test_a_typed_value_follows_a_change_of_its_header() -> None:
    message = parse_request(invite())
    assert message.to.uri.user == "102"
    assert message.via.port == 5062
    assert message.max_forwards == 70
    message.headers.set("t", "<sip:103@example.com>")
    message.headers.prepend("v", "SIP/2.0/TCP proxy.example.com")
    message.headers.remove("max-forwards")
    message.headers.add("Contact", "<sip:second@b>")
    assert message.to.uri.user == "103"
    assert message.via.host == "proxy.example.com"
    assert [via.transport for via in message.vias] == ["TCP", "UDP"]
    assert message.copy().max_forwards is None
    assert len(message.contacts) == 2


def test_a_typed_value_is_computed_once() -> None:
    message = parse_request(invite())
    assert message.via is message.via
    assert message.from_ is message.from_
    assert message.contacts is message.contacts
    assert message.uri is message.uri


def test_the_top_via_of_a_list() -> None:
    message = Request("OPTIONS", "sip:a@b", [("Via", "SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2")])
    assert message.via.host == "a"
    assert [via.host for via in message.vias] == ["a", "b"]


def test_a_lone_star_is_the_wildcard() -> None:
    assert Request("REGISTER", "sip:b", [("Contact", "*")]).contacts == [Address.WILDCARD]
    with pytest.raises(BadHeader):
        _ = Request("REGISTER", "sip:b", [("Contact", "*"), ("Contact", "<sip:a@b>")]).contacts


def test_the_request_uri_can_be_changed() -> None:
    message = parse_request(invite())
    message.uri = Uri.parse("sip:7@host")
    assert message.to_bytes().startswith(b"INVITE sip:7@host SIP/2.0\r\n")
    message.uri = "sip:8@host"
    assert message.uri.user == "8"
    message.uri = "<broken>"
    assert message.uri_text == "<broken>"
    with pytest.raises(BadUri):
        _ = message.uri


def test_a_message_is_written_with_a_true_content_length() -> None:
    message = Request("MESSAGE", "sip:a@b", [("l", "999"), ("From", "<sip:c@d>;tag=1")], b"\x00\xff")
    assert message.to_bytes() == (
        b"MESSAGE sip:a@b SIP/2.0\r\nFrom: <sip:c@d>;tag=1\r\nContent-Length: 2\r\n\r\n\x00\xff"
    )


def test_octets_that_are_no_utf8_leave_as_they_came() -> None:
    datagram = invite(Subject="\udcff\udc80 ю")
    message = parse_request(datagram)
    assert b"Subject: \xff\x80 \xd1\x8e\r\n" in message.to_bytes()


def test_what_is_parsed_is_written_again_alike() -> None:
    message = parse_request(invite())
    again = parse_request(message.to_bytes())
    assert again.headers == message.headers
    assert again.to_bytes() == message.to_bytes()


def test_a_reason_cannot_smuggle_a_header() -> None:
    assert Response(500, "a\r\nVia: x").start_line == "SIP/2.0 500 a  Via: x"


def test_a_response_has_the_usual_reason() -> None:
    assert Response(486).start_line == "SIP/2.0 486 Busy Here"
    assert Response(486, "").start_line == "SIP/2.0 486 "
    assert Response(299).start_line == "SIP/2.0 299 "


def test_every_reason_is_for_a_possible_status() -> None:
    assert all(100 <= status <= 699 and text for status, text in REASON.items())


def test_the_bare_message_has_no_start_line() -> None:
    with pytest.raises(NotImplementedError):
        _ = Message().start_line


def test_a_copy_can_be_changed() -> None:
    message = parse_request(invite())
    twin = message.copy()
    twin.headers.set("To", "<sip:x@y>")
    twin.uri = "sip:x@y"
    twin.body = b""
    assert (message.to.uri.user, message.uri.user, message.body) == ("102", "102", SDP)
    answer = Response(200, "Fine", Headers([("From", "a")]), b"x")
    assert answer.copy().to_bytes() == answer.to_bytes()


def test_a_message_shows_who_it_is() -> None:
    assert repr(parse_request(invite())) == (
        "<INVITE sip:102@example.com SIP/2.0 | 1j9FpLxk3uxtm8tn@192.0.2.10 | 1 INVITE>"
    )


# --- answers


def test_an_answer_repeats_what_it_must() -> None:
    message = parse_request(invite(Via="SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b", Timestamp="54"))
    message.headers.add("Via", "SIP/2.0/UDP c")
    answer = respond(message, 486, to_tag="99")
    assert answer.headers.get_all("Via") == message.headers.get_all("Via")
    assert answer.headers.get("From") == message.headers.get("From")
    assert answer.headers.get("Call-ID") == message.headers.get("Call-ID")
    assert answer.headers.get("CSeq") == "1 INVITE"
    assert answer.to.tag == "99"
    assert sorted(name for name, _ in answer.headers) == ["CSeq", "Call-ID", "From", "To", "Via", "Via"]
    assert parse_response(answer.to_bytes()).status == 486


def test_a_trying_has_no_tag_but_the_timestamp() -> None:
    answer = respond(parse_request(invite(Timestamp="54")), 100, to_tag="99")
    assert answer.to.tag is None
    assert answer.headers.get("Timestamp") == "54"


@pytest.mark.parametrize(
    ("to", "tag"),
    [
        ("<sip:a@b>", "new"),
        ("sip:a@b", "new"),
        ("<sip:a@b>;tag=old", "old"),
        ("sip:a@b ;  TAG = old", "old"),
        ('"my tag=5" <sip:a@b>', "new"),
        ("<sip:tag@b;tag=5>", "new"),
        ('"tag" <sip:a@b>;x="tag=1"', "new"),
    ],
)
def test_a_tag_is_added_only_when_there_is_none(to: str, tag: str) -> None:
    assert respond(parse_request(invite(To=to)), 200, to_tag="new").to.tag == tag


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("INVITE", 180, True),
        ("INVITE", 200, True),
        ("SUBSCRIBE", 200, True),
        ("INVITE", 100, False),
        ("INVITE", 486, False),
        ("BYE", 200, False),
        ("OPTIONS", 200, False),
    ],
)
def test_record_routes_are_repeated_where_a_dialog_begins(method: str, status: int, expected: bool) -> None:
    message = parse_request(request(method, "sip:a@b", Record_Route="<sip:p1;lr>, <sip:p2;lr>"))
    message.headers.add("Record-Route", "<sip:p3;lr>")
    hosts = [route.uri.host for route in respond(message, status).record_routes]
    assert hosts == (["p1", "p2", "p3"] if expected else [])


def test_an_answer_takes_more_headers_and_a_body() -> None:
    answer = respond(
        parse_request(invite()),
        200,
        "Alright",
        to_tag="1",
        headers=[("m", "<sip:me@here>"), ("Allow", "INVITE"), ("Allow", "BYE\r\nX: y")],
        body=SDP,
        content_type="application/sdp",
    )
    text = answer.to_bytes()
    assert text.startswith(b"SIP/2.0 200 Alright\r\n")
    assert b"Contact: <sip:me@here>\r\nAllow: INVITE\r\nAllow: BYE  X: y\r\nContent-Type: application/sdp\r\n" in text
    assert text.endswith(b"Content-Length: %d\r\n\r\n%b" % (len(SDP), SDP))


def test_an_answer_leaves_the_request_alone() -> None:
    message = parse_request(invite())
    before = message.to_bytes()
    respond(message, 200, to_tag="1", headers=[("Via", "x"), ("From", "y")])
    assert message.to_bytes() == before
    assert message.to.tag is None


def test_even_an_empty_request_can_be_answered() -> None:
    assert respond(Request("X", "?"), 400, to_tag="1").to_bytes() == (
        b"SIP/2.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
    )


def test_a_broken_to_is_repeated_as_it_is() -> None:
    answer = respond(Request("X", "?", [("To", '"tag <sip:a@b>')]), 400, to_tag="1")
    assert answer.headers.get("To") == '"tag <sip:a@b>'


# --- Via on arrival


def stamped(via: str, peer: Peer) -> Request:
    message = Request("OPTIONS", "sip:a@b", [("Via", via), ("Via", "SIP/2.0/UDP other")])
    stamp_via(message, peer)
    assert message.headers.get_all("Via")[1:] == ["SIP/2.0/UDP other"]
    return message


def test_a_via_that_tells_the_truth_stays_as_it_is() -> None:
    message = stamped("SIP/2.0/UDP 192.0.2.10:5062;branch=z9hG4bK1", PEER)
    assert message.headers.get("Via") == "SIP/2.0/UDP 192.0.2.10:5062;branch=z9hG4bK1"


def test_received_is_added_when_sent_by_differs() -> None:
    via = stamped("SIP/2.0/UDP phone.example.com;branch=z9hG4bK1", PEER).via
    assert (via.received, via.rport, via.branch) == ("192.0.2.10", None, "z9hG4bK1")


@pytest.mark.parametrize(
    "via",
    [
        "SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK1;rport",
        "SIP/2.0/UDP 10.0.0.7:5060;rport;branch=z9hG4bK1",
        "SIP/2.0/UDP 192.0.2.10:5062;rport;branch=z9hG4bK1",
        "SIP/2.0/UDP 10.0.0.7:5060 ; rport ; branch=z9hG4bK1",
        "SIP/2.0/UDP 10.0.0.7;rport=;branch=z9hG4bK1;received=8.8.8.8",
        "SIP/2.0/UDP 10.0.0.7;rport=1;branch=z9hG4bK1",
        'SIP/2.0/UDP 10.0.0.7;x=";rport";rport;branch=z9hG4bK1',
        "SIP/2.0/UDP 10.0.0.7;rport;branch=z9hG4bK1, SIP/2.0/UDP third;rport",
    ],
)
def test_rport_is_filled_when_asked_for(via: str) -> None:
    message = stamped(via, PEER)
    assert (message.via.received, message.via.rport, message.via.branch) == ("192.0.2.10", 5062, "z9hG4bK1")
    assert message.via == message.vias[0]
    if "third" in via:
        assert (message.vias[1].host, message.vias[1].rport) == ("third", None)


def test_a_parameter_that_only_looks_like_rport_asks_for_nothing() -> None:
    via = stamped("SIP/2.0/UDP 192.0.2.10;rportx;branch=1", PEER).via
    assert "rport" not in via.params
    assert via.received is None


def test_a_received_that_the_sender_made_up_is_overwritten() -> None:
    assert stamped("SIP/2.0/UDP 192.0.2.10;branch=1;received=10.0.0.1", PEER).via.received == "192.0.2.10"


def test_ipv6_is_noted_without_brackets() -> None:
    via = stamped("SIP/2.0/UDP [2001:db8::1]:5060;rport;branch=1", Peer("udp", "2001:db8::2", 6000)).via
    assert (via.host, via.received, via.rport) == ("2001:db8::1", "2001:db8::2", 6000)


@pytest.mark.parametrize("via", ["", "junk", "SIP/2.0/UDP 192.0.2.15;;,;,,", 'SIP/2.0/UDP a, "'])
def test_a_broken_via_is_left_alone(via: str) -> None:
    message = Request("OPTIONS", "sip:a@b", [("Via", via)])
    stamp_via(message, PEER)
    assert message.headers.get("Via") == via
    assert response_peer(message, PEER) == PEER


def test_no_via_at_all_is_left_alone() -> None:
    message = Request("OPTIONS", "sip:a@b")
    stamp_via(message, PEER)
    assert len(message.headers) == 0
    assert response_peer(message, PEER) == PEER


# --- the way back


@pytest.mark.parametrize(
    ("via", "port"),
    [
        ("SIP/2.0/UDP 192.0.2.10:5999;branch=1", 5999),
        ("SIP/2.0/UDP 192.0.2.10;branch=1", 5060),
        ("SIP/2.0/UDP 192.0.2.10:5999;branch=1;rport", 5062),
        ("SIP/2.0/UDP 10.0.0.1:5999;branch=1", 5062),
        ("SIP/2.0/UDP name.example.com;branch=1", 5062),
        ("SIP/2.0/UDP 192.0.2.10:5999;maddr=224.0.1.75", 5999),
    ],
)
def test_an_answer_over_udp_goes_back_to_where_the_sender_listens(via: str, port: int) -> None:
    message = stamped(via, PEER)
    assert response_peer(message, PEER) == Peer("udp", "192.0.2.10", port)
    assert response_peer(message.via, PEER) == Peer("udp", "192.0.2.10", port)
    assert response_peer(respond(message, 200), PEER) == Peer("udp", "192.0.2.10", port)


def test_an_answer_over_a_connection_stays_on_it() -> None:
    arrival = Peer("tcp", "192.0.2.10", 40001, 7)
    assert response_peer(Via.parse("SIP/2.0/TCP 192.0.2.10:5999"), arrival) == arrival


def test_a_peer_shows_itself_and_knows_its_transport() -> None:
    assert str(Peer("udp", "::1", 5060)) == "udp:[::1]:5060"
    assert str(Peer("tcp", "192.0.2.1", 5060, 3)) == "tcp:192.0.2.1:5060"
    assert not Peer("udp", "a", 1).reliable
    assert Peer("tcp", "a", 1).reliable
    assert Peer("tls", "a", 1).reliable


@given(st.text(max_size=40), st.text(max_size=40))
def test_stamping_and_answering_never_fail(via: str, to: str) -> None:
    for text in (via, f"SIP/2.0/UDP h;{via}", f"SIP/2.0/UDP {via};rport"):
        message = Request("INVITE", "sip:a@b", [("Via", text), ("To", to), ("To", f"<sip:a@b>{to}")])
        stamp_via(message, PEER)
        response_peer(message, PEER)
        written = respond(message, 400, to_tag="1").to_bytes()
        assert written.count(b"\n") == 4 + 1


def test_a_request_with_everything_twice_gets_an_answer_with_everything_once() -> None:
    lines = [
        ("Via", "a"),
        ("From", "b"),
        ("From", "c"),
        ("To", "<sip:d@e>"),
        ("To", "f"),
        ("CSeq", "1 X"),
        ("Via", "g"),
    ]
    answer = respond(Request("X", "sip:a@b", lines), 400, to_tag="9")
    assert list(answer.headers) == [
        ("Via", "a"),
        ("From", "b"),
        ("To", "<sip:d@e>;tag=9"),
        ("CSeq", "1 X"),
        ("Via", "g"),
    ]


def test_half_a_character_in_a_value_is_written_as_a_question_mark() -> None:
    request = Request("OPTIONS", "sip:a@b", [("Subject", "\ud800"), ("Organization", "\udce9")])
    assert b"Subject: ?\r\n" in request.to_bytes()
    assert b"Organization: \xe9\r\n" in Request("OPTIONS", "sip:a@b", [("Organization", "\udce9")]).to_bytes()
