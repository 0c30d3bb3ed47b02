"""One message per datagram."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import BadMessage, BadRequest, SipError
from softswitch.sip.message import Message, Request, Response, respond, response_peer, stamp_via
from softswitch.sip.parser import MAX_HEADERS, parse
from softswitch.sip.peer import Peer

from .samples import INVITE_LINES, SDP, invite, parse_request, parse_response, request, write

PEER = Peer("udp", "198.51.100.7", 5060)


def refused(datagram: bytes) -> BadRequest:
    """Parse what must be refused, and make sure that the refusal can be sent."""
    with pytest.raises(BadRequest) as caught:
        parse(datagram)
    assert caught.value.request is not None
    stamp_via(caught.value.request, PEER)
    assert response_peer(caught.value.request, PEER).host == PEER.host
    answer = respond(caught.value.request, caught.value.status, caught.value.reason, to_tag="1")
    assert answer.to_bytes().startswith(b"SIP/2.0 %d " % caught.value.status)
    return caught.value


def test_a_request_is_a_request() -> None:
    message = parse_request(invite())
    assert (message.method, message.uri_text, message.version) == ("INVITE", "sip:102@example.com", "SIP/2.0")
    assert message.body == SDP
    assert len(message.headers) == 9


def test_a_response_is_a_response() -> None:
    lines = [line for line in INVITE_LINES if not line.startswith("Max-Forwards")]
    message = parse_response(write("SIP/2.0 183 Session  Progress", lines, SDP))
    assert (message.status, message.reason, message.body) == (183, "Session  Progress", SDP)


@pytest.mark.parametrize("line", ["SIP/2.0 200 ", "SIP/2.0 200", "sip/2.0 200 OK"])
def test_a_reason_may_be_missing(line: str) -> None:
    assert parse_response(write(line, INVITE_LINES)).status == 200


def test_line_ends_before_a_message_are_skipped() -> None:
    assert parse_request(b"\r\n\r\n" + invite()).method == "INVITE"


def test_octets_behind_the_body_are_ignored() -> None:
    assert parse_request(invite() + b"BYE sip:x SIP/2.0\r\n\r\n").body == SDP


def test_a_body_without_content_length_goes_to_the_end_of_the_datagram() -> None:
    datagram = invite().replace(b"Content-Length: %d\r\n" % len(SDP), b"")
    assert parse_request(datagram).body == SDP


def test_a_body_may_hold_any_octet() -> None:
    body = bytes(range(256)) * 3
    assert parse_request(invite(body)).body == body


def test_a_folded_header_is_one_line() -> None:
    message = parse_request(invite(Subject="I know you're there,\r\n pick up the phone\r\n\t  and talk!"))
    assert message.headers.get("Subject") == "I know you're there, pick up the phone and talk!"


def test_a_header_may_start_in_the_folded_part() -> None:
    message = parse_request(invite(To="\r\n <sip:102@example.com>\r\n ;tag\r\n =\r\n 5"))
    assert message.to.tag == "5"


@pytest.mark.parametrize("name", ["f", "F", "FROM", "from", "From ", "From\t "])
def test_a_header_name_may_be_compact_or_have_blanks_behind_it(name: str) -> None:
    datagram = invite().replace(b"From:", name.encode() + b":")
    assert parse_request(datagram).from_.tag == "a73kszlfl"


def test_a_header_without_value_is_kept() -> None:
    assert parse_request(invite(Subject="")).headers.get("Subject") == ""


def test_unknown_headers_may_hold_anything() -> None:
    message = parse_request(invite(X_Odd=";;,,;;,;<\"'\x00\x07"))
    assert message.headers.get("X-Odd") == ";;,,;;,;<\"'\x00\x07"


# --- smuggling


@pytest.mark.parametrize("junk", ["\x01", "\x00", "\x0b", "\x1f", "\x7f", "ä", "(", "a ", "\udcff"])
def test_a_name_with_anything_strange_in_it_is_refused(junk: str) -> None:
    datagram = invite().replace(
        b"Contact:", b"P-Asserted-Identity" + junk.encode("utf-8", "surrogateescape") + b"x: <sip:boss@a>\r\nContact:"
    )
    assert refused(datagram).status == 400


@pytest.mark.parametrize("junk", ["\x01", "\x00", "\x0b", "\x0c", "\x1f", "\x7f", "\xa0"])
def test_only_blanks_may_stand_between_a_name_and_its_colon(junk: str) -> None:
    assert refused(invite().replace(b"Contact:", f"X-Bypass{junk}: 1\r\nContact:".encode())).status == 400


def test_blanks_before_a_colon_do_not_hide_a_header() -> None:
    assert parse_request(invite(**{"X_Bypass \t": "1"})).headers.get("X-Bypass") == "1"


@pytest.mark.parametrize("stray", [b"\n", b"\r", b"\n\n", b"\r\r", b"\n\r"])
def test_a_stray_line_end_inside_of_a_header_is_refused(stray: bytes) -> None:
    assert refused(invite().replace(b"Call-ID:", b"Subject: a" + stray + b"Route: <sip:b>\r\nCall-ID:")).status == 400


def test_a_message_with_bare_line_feeds_is_refused() -> None:
    with pytest.raises(SipError):
        parse(invite().replace(b"\r\n", b"\n"))


# --- what is broken


@pytest.mark.parametrize("name", ["From", "To", "Call_ID", "CSeq", "Via"])
@pytest.mark.parametrize("value", [None, "", "\x00", '"', "<", ",", ";", "a b c", "ä ö", "\r\n "])
def test_a_mandatory_header_that_is_missing_or_broken_is_refused(name: str, value: str | None) -> None:
    if name == "Call_ID" and value in ("\x00", '"', "<", ",", ";"):
        return
    assert refused(invite(**{name: value})).status == 400


@pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type"])
def test_a_single_header_that_is_there_twice_is_refused(name: str) -> None:
    line = next(row for row in invite().split(b"\r\n") if row.startswith(name.encode()))
    assert refused(invite().replace(line, line + b"\r\n" + line)).status == 400


@pytest.mark.parametrize("name", ["Contact", "Route", "Record-Route"])
@pytest.mark.parametrize(
    "value", ["<", '"a <sip:a@b>', "sip:a@b?Route=x", "<sip:a@b>;;", "<sip:a@b>, <", "<sip:a@b>,", "*, <sip:a@b>"]
)
def test_addresses_that_the_core_will_read_are_checked(name: str, value: str) -> None:
    assert refused(invite(**{name: value})).status == 400
    assert refused(invite(**{name: f"<sip:good@host>\r\n{name}: {value}"})).status == 400


@pytest.mark.parametrize("value", ["-1", "256", "x", "", "1 2", "9" * 5000])
def test_hops_left_are_0_to_255(value: str) -> None:
    assert refused(invite(Max_Forwards=value)).status == 400


@pytest.mark.parametrize("value", ["0", "255", "0068", "70 "])
def test_hops_left_may_have_zeros_in_front(value: str) -> None:
    assert parse_request(invite(Max_Forwards=value)).max_forwards == int(value)


def test_hops_left_may_be_missing() -> None:
    assert parse_request(invite(Max_Forwards=None)).max_forwards is None


@pytest.mark.parametrize("value", ["-1", "x", "1e9", "0x10", "4294967296", "", "5, 5", "5 5", "9" * 5000])
def test_a_content_length_that_is_no_number_is_refused(value: str) -> None:
    datagram = invite().replace(b"Content-Length: %d" % len(SDP), f"Content-Length: {value}".encode())
    assert refused(datagram).reason == "Malformed Content-Length"


@pytest.mark.parametrize("length", [len(SDP) + 1, 65536, 4294967295])
def test_a_content_length_larger_than_the_datagram_is_refused(length: int) -> None:
    assert refused(write("INVITE sip:a@b SIP/2.0", INVITE_LINES, SDP, length)).status == 400


def test_a_cseq_of_another_method_is_refused() -> None:
    assert refused(invite(CSeq="1 BYE")).status == 400


def test_method_names_are_compared_with_case() -> None:
    assert refused(invite(CSeq="1 invite")).status == 400
    assert parse_request(request("invite", "sip:a@b")).method == "invite"


@pytest.mark.parametrize("cseq", ["1  INVITE", "1\tINVITE", "0001 INVITE", "4294967295 INVITE"])
def test_unusual_cseqs_are_read(cseq: str) -> None:
    assert parse_request(invite(CSeq=cseq)).cseq.method == "INVITE"


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("<sip:a@b>", 400),
        ("sip:a@b;lr?Route=%3Csip:c%3E", 400),
        ("sip:a@b:0", 400),
        ("sip:a@b:65536", 400),
        ("sip:%4@b", 400),
        ("sip:2001:db8::1", 400),
        ("sip:", 400),
        ("*", 400),
        ("http://example.com", 416),
        ("nobodyKnowsThisScheme:totallyopaquecontent", 416),
        ("soap.beep://192.0.2.103:3002", 416),
    ],
)
def test_a_request_uri_that_we_cannot_use_is_refused(uri: str, status: int) -> None:
    assert refused(request("OPTIONS", uri)).status == status


@pytest.mark.parametrize(
    "uri", ["sips:a@b", "SIP:a@b", "tel:+123", "sip:%61@b", "sip:[::1]:65535", "sip:a@b:59999", "sip:a@b:60000"]
)
def test_unusual_request_uris_are_taken(uri: str) -> None:
    assert parse_request(request("OPTIONS", uri)).uri.scheme in ("sip", "sips", "tel")


@pytest.mark.parametrize(
    "line",
    [
        "OPTIONS  sip:a@b SIP/2.0",
        "OPTIONS sip:a@b  SIP/2.0",
        "OPTIONS sip:a@b SIP/2.0 ",
        "OPTIONS sip:a@b; lr SIP/2.0",
        "OPTIONS sip:a@b\t SIP/2.0",
    ],
)
def test_a_request_line_with_other_spaces_is_refused(line: str) -> None:
    lines = [line.replace("INVITE", "OPTIONS") for line in INVITE_LINES]
    assert refused(write(line, lines)).status == 400


@pytest.mark.parametrize("version", ["SIP/7.0", "SIP/2.1", "SIP/1.0", "SIP/20.0"])
def test_another_version_is_refused(version: str) -> None:
    assert refused(request("OPTIONS", "sip:a@b").replace(b"SIP/2.0\r\n", version.encode() + b"\r\n", 1)).status == 505


def test_the_version_may_be_written_small() -> None:
    message = parse_request(request("OPTIONS", "sip:a@b").replace(b"b SIP/2.0", b"b sip/2.0", 1))
    assert message.to_bytes().startswith(b"OPTIONS sip:a@b SIP/2.0\r\n")


def test_a_registration_is_for_a_sip_uri() -> None:
    assert refused(request("REGISTER", "sip:b", To="isbn:2983792873")).status == 400
    assert refused(request("REGISTER", "sip:b", To="<tel:112>")).status == 400


def test_a_date_in_another_zone_is_refused() -> None:
    assert refused(invite(Date="Fri, 01 Jan 2010 16:00:00 EST")).status == 400
    assert parse_request(invite(Date="Fri, 01 Jan 2010 16:00:00 GMT"))


def test_a_header_section_that_does_not_end_is_refused() -> None:
    datagram = invite()
    assert refused(datagram[: datagram.index(b"\r\n\r\n") + 2]).status == 400


@pytest.mark.parametrize("row", ["Foobar roobar", ": value", " : value", "=", "(comment): x"])
def test_a_line_that_is_no_header_is_refused(row: str) -> None:
    assert (
        refused(
            write("OPTIONS sip:a@b SIP/2.0", [row.replace("INVITE", "OPTIONS") for row in (*INVITE_LINES, row)])
        ).status
        == 400
    )


def test_a_first_header_that_starts_with_a_blank_is_refused() -> None:
    assert refused(invite().replace(b"\r\nVia:", b"\r\n X: y\r\nVia:")).status == 400


def test_too_many_headers_are_refused() -> None:
    most = MAX_HEADERS - len(INVITE_LINES) - 2
    lines = [f"X-{number}: y" for number in range(most)]
    assert len(parse_request(write("INVITE sip:a@b SIP/2.0", [*INVITE_LINES, *lines])).headers) == MAX_HEADERS - 1
    assert refused(write("INVITE sip:a@b SIP/2.0", [*INVITE_LINES, *lines, "X: y"])).status == 400


# --- what is never answered


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\r\n",
        b"\r\n\r\n",
        b"\x00" * 20,
        b"\xff\xfe" * 9,
        b"hello",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"INVITE sip:a@b\r\nVia: SIP/2.0/UDP a\r\n\r\n",
        b"INVITE\r\n\r\n",
        b" INVITE sip:a@b SIP/2.0\r\n\r\n",
        b"INV(TE sip:a@b SIP/2.0\r\n\r\n",
        b"SIP/2.0\r\n\r\n",
    ],
)
def test_what_is_not_sip_is_never_answered(datagram: bytes) -> None:
    with pytest.raises(BadMessage) as caught:
        parse(datagram)
    assert caught.value.status == 0


@pytest.mark.parametrize(
    "line",
    [
        "SIP/3.0 200 OK",
        "SIP/2.0 4294967301 x",
        "SIP/2.0 99 x",
        "SIP/2.0 700 x",
        "SIP/2.0 2e2 x",
        "SIP/2.0  200 OK",
        "SIP/2.0 ²00 x",
    ],
)
def test_a_broken_status_line_is_never_answered(line: str) -> None:
    with pytest.raises(BadMessage):
        parse(write(line, INVITE_LINES))


@pytest.mark.parametrize(
    "changed", [{"CSeq": "9292394834772304023312 OPTIONS"}, {"To": '"'}, {"Call-ID": None}, {"Contact": "<"}]
)
def test_a_broken_response_is_never_answered(changed: dict[str, str | None]) -> None:
    datagram = invite(**changed).replace(b"INVITE sip:102@example.com SIP/2.0", b"SIP/2.0 200 OK")
    with pytest.raises(BadMessage):
        parse(datagram)


@pytest.mark.parametrize("changed", [{"To": '"'}, {"CSeq": "1 BYE"}, {"Max-Forwards": "300"}, {"From": None}])
def test_a_broken_ack_is_never_answered(changed: dict[str, str | None]) -> None:
    with pytest.raises(BadMessage):
        parse(request("ACK", "sip:a@b", **changed))
    with pytest.raises(BadMessage):
        parse(request("ACK", "http://a"))


# --- in general


def touch(message: Message) -> None:
    """Ask for everything that a core asks for; what the parser let through must not raise."""
    _ = message.via, message.from_, message.to, message.cseq, message.call_id, message.contacts
    _ = message.routes, message.record_routes, message.content_length, message.max_forwards
    if isinstance(message, Request):
        _ = message.uri
        stamp_via(message, PEER)
        response_peer(message, PEER)
        assert isinstance(parse(respond(message, 200, to_tag="x").to_bytes()), Response)


def survives(datagram: bytes) -> None:
    """Parse and use; only errors of ours may come out."""
    try:
        message = parse(datagram)
    except BadRequest as error:
        assert error.request is not None
        stamp_via(error.request, PEER)
        response_peer(error.request, PEER)
        respond(error.request, error.status, error.reason, to_tag="x").to_bytes()
    except BadMessage:
        return
    else:
        touch(message)
        again = parse(message.to_bytes())
        assert again.headers.get_all("Via") == message.headers.get_all("Via")


@given(st.binary(max_size=200))
def test_any_octets_are_survived(datagram: bytes) -> None:
    survives(datagram)


@given(st.data())
def test_an_invite_with_any_octets_changed_is_survived(data: st.DataObject) -> None:
    datagram = bytearray(invite(Route="<sip:p;lr>", Via="SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b"))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(datagram) - 1))
        width = data.draw(st.integers(0, 5))
        datagram[place : place + width] = data.draw(
            st.binary(max_size=5) | st.sampled_from([b'"', b"<", b",", b";", b"\r\n ", b"%", b"[", b":"])
        )
    survives(bytes(datagram))


HEADER_NAMES = st.sampled_from(
    [
        "Via",
        "From",
        "To",
        "Call_ID",
        "CSeq",
        "Contact",
        "Max_Forwards",
        "Route",
        "Record_Route",
        "Content_Type",
        "Date",
        "Expires",
    ]
)


@given(HEADER_NAMES, st.text(max_size=60))
def test_an_invite_with_any_text_in_any_header_is_survived(name: str, value: str) -> None:
    survives(invite(**{name: value.encode("utf-8", "replace").decode()}))


@given(HEADER_NAMES, st.text(alphabet='"<>,;:=@\\[]? \tsip:ab1.%', max_size=40))
def test_an_invite_with_any_mix_of_separators_is_survived(name: str, value: str) -> None:
    survives(invite(**{name: value}))
    survives(invite(**{name: f"<sip:a@b>{value}"}))
    survives(invite(**{name: f"SIP/2.0/UDP {value}"}))
