"""The torture messages of RFC 4475: the essential ones told in our own words, and all 49 where they are at hand."""

import json
from pathlib import Path

import pytest

from softswitch.sip.errors import BadMessage, BadRequest
from softswitch.sip.message import Request, Response, respond, response_peer, stamp_via
from softswitch.sip.negotiate import LocalMedia, answer_offer
from softswitch.sip.parser import Ping, StreamParser, parse
from softswitch.sip.peer import Peer

from .samples import SDP, parse_request, parse_response, request

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "rfc4475"
PEER = Peer("udp", "127.0.0.1", 40000)

# What the parser says to each message by itself: a status to refuse with, "drop", or "pass" to the core.
VERDICTS: dict[str, str | int] = {
    "wsinv": "pass",
    "intmeth": "pass",
    "esc01": "pass",
    "escnull": "pass",
    "esc02": "pass",
    "lwsdisp": "pass",
    "longreq": "pass",
    "dblreq": "pass",
    "semiuri": "pass",
    "transports": "pass",
    "mpart01": "pass",
    "unreason": "pass",
    "noreason": "pass",
    "badinv01": 400,
    "clerr": 400,
    "ncl": 400,
    "scalar02": 400,
    "scalarlg": "drop",
    "quotbal": 400,
    "ltgtruri": 400,
    "lwsruri": 400,
    "lwsstart": 400,
    "trws": 400,
    "escruri": 400,
    "baddate": 400,
    "regbadct": 400,
    "badaspec": 400,
    "baddn": 400,
    "badvers": 505,
    "mismatch01": 400,
    "mismatch02": 400,
    "bigcode": "drop",
    "badbranch": "pass",
    "insuf": 400,
    "unkscm": 416,
    "novelsc": 416,
    "unksm2": 400,
    "bext01": "pass",
    "invut": "pass",
    "regaut01": "pass",
    "multi01": 400,
    "mcl01": 400,
    "bcast": "pass",
    "zeromf": "pass",
    "cparam01": "pass",
    "cparam02": "pass",
    "regescrt": "pass",
    "sdp01": "pass",
    "inv2543": "pass",
}
# Nobody can tell where these end on a stream: the connection closes, or waits for more (clerr).
UNFRAMED = {"clerr": "pending", "ncl": 400, "mcl01": 400, "inv2543": 400, "baddn": "pending"}

with_the_messages = pytest.mark.skipif(not FOLDER.is_dir(), reason="the archive of RFC 4475 is not at hand")


def message(name: str) -> bytes:
    """Read one message of the archive."""
    return (FOLDER / f"{name}.dat").read_bytes()


def verdict(datagram: bytes) -> str | int:
    """Parse, and do everything with the result that a server does before it decides."""
    try:
        parsed = parse(datagram)
    except BadMessage:
        return "drop"
    except BadRequest as error:
        assert error.request is not None
        answer(error.request, error.status)
        return error.status
    if isinstance(parsed, Request):
        answer(parsed, 200)
    return "pass"


def answer(asked: Request, status: int) -> None:
    """Answer as a server does, and read the answer as a client does when the request was sound."""
    stamp_via(asked, PEER)
    assert response_peer(asked, PEER).host == PEER.host
    written = respond(asked, status, to_tag="77").to_bytes()
    assert written.startswith(b"SIP/2.0 %d " % status)
    if status == 200:
        again = parse_response(written)
        assert again.headers.get_all("Via") == asked.headers.get_all("Via")
        assert again.to.tag is not None


@with_the_messages
@pytest.mark.parametrize("name", VERDICTS)
def test_a_torture_message_in_a_datagram(name: str) -> None:
    assert verdict(message(name)) == VERDICTS[name]


@with_the_messages
def test_what_the_parser_says_is_an_answer_that_the_rfc_allows() -> None:
    expected = {entry["name"]: entry["strict"] for entry in json.loads((FOLDER / "expectations.json").read_text())}
    assert expected.keys() == VERDICTS.keys()
    for name, said in VERDICTS.items():
        assert said == "pass" or str(said) in expected[name], name


@with_the_messages
@pytest.mark.parametrize("name", [name for name in VERDICTS if name not in UNFRAMED])
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_a_torture_message_on_a_stream(name: str, size: int) -> None:
    follower = request("OPTIONS", "sip:after")
    framed = message(name)
    if name == "dblreq":
        framed = framed[: framed.index(b"\r\n\r\n") + 4]
    stream = framed + follower
    parser = StreamParser()
    events = [event for place in range(0, len(stream), size) for event in parser.feed(stream[place : place + size])]
    events = [event for event in events if not isinstance(event, Ping)]
    if name == "bigcode":
        assert [type(event) for event in events] == [BadMessage]
        return
    said = (
        events[0].status
        if isinstance(events[0], BadRequest)
        else "drop"
        if isinstance(events[0], BadMessage)
        else "pass"
    )
    assert said == VERDICTS[name]
    assert len(events) == 2
    assert isinstance(events[1], Request)
    assert events[1].uri.host == "after"


@with_the_messages
@pytest.mark.parametrize("name", UNFRAMED)
def test_a_torture_message_without_known_length_on_a_stream(name: str) -> None:
    parser = StreamParser()
    events = [event for octet in message(name) for event in parser.feed(bytes([octet]))]
    if UNFRAMED[name] == "pending":
        assert (events, parser.broken, parser.pending > 0) == ([], False, True)
        return
    assert isinstance(events[0], BadRequest)
    assert (len(events), events[0].status, parser.broken) == (1, UNFRAMED[name], True)


@with_the_messages
def test_the_descriptions_in_the_torture_messages_can_be_answered() -> None:
    local = LocalMedia("127.0.0.1", 20000)
    for name in ("wsinv", "esc01", "longreq", "inv2543", "sdp01"):
        parsed = parse_request(message(name))
        assert answer_offer(parsed.body, local)[1].codec.name == "PCMU"


# --- the essential ones in our own words


def test_a_tortuous_invite() -> None:
    datagram = (
        b"INVITE sip:desk@switch.example.com;odd SIP/2.0\r\n"
        b"tO  :\r\n sip:desk@switch.example.com ;  tag    = 77zz\r\n"
        b'fRoM   : "Q \\\\\\""       <sip:q@example.com>\r\n  ;\r\n  tag = x1\r\n'
        b"mAx-FoRwArDs: 0042\r\n"
        b"Call-ID: tortuous@192.0.2.2\r\n"
        b"Content-Length   : %d\r\n"
        b"cseq: 0011\r\n  INVITE\r\n"
        b"Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=k1\r\n"
        b"s :\r\n"
        b"Brand-New:   one\r\n two\r\n"
        b"Odd-Value: ;;,,;;,;\r\n"
        b"c: application/sdp\r\n"
        b"Route:\r\n <sip:edge.example.com;lr;with=value;without>\r\n"
        b"v:  SIP  / 2.0  / TCP     edge.example.com   ;\r\n  branch  =   z9hG4bKa  ,\r\n"
        b" SIP  /    2.0   / UDP  192.0.2.9   ; branch=\r\n z9hG4bKb\r\n"
        b'm:"Say \\"hi\\"" <sip:q@example.com> ; new =\r\n      value ;\r\n  second ; q = 0.5\r\n'
        b"\r\n%b"
    ) % (len(SDP), SDP)
    parsed = parse_request(datagram)
    assert (parsed.to.tag, parsed.from_.tag, parsed.from_.display) == ("77zz", "x1", 'Q \\"')
    assert (parsed.max_forwards, parsed.cseq, parsed.body) == (42, (11, "INVITE"), SDP)
    assert [(via.transport, via.host, via.branch) for via in parsed.vias] == [
        ("UDP", "192.0.2.2", "k1"),
        ("TCP", "edge.example.com", "z9hG4bKa"),
        ("UDP", "192.0.2.9", "z9hG4bKb"),
    ]
    assert parsed.headers.get("Subject") == ""
    assert parsed.headers.get("Brand-New") == "one two"
    assert parsed.routes[0].uri.params == {"lr": None, "with": "value", "without": None}
    assert parsed.contacts[0].display == 'Say "hi"'
    assert parsed.contacts[0].params == {"new": "value", "second": None, "q": "0.5"}
    assert len(parse_response(respond(parsed, 180).to_bytes()).vias) == 3


def test_a_method_and_names_of_every_character_that_is_allowed() -> None:
    method = "!aMethod0123_*+`.%x'~"
    datagram = (
        f"{method} sip:1_user~(not!here)&isn't+it$/what?,/;;*:&pass+has=1,odd!*pa$wo~d.(x)@example.com SIP/2.0\r\n"
        "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\r\n"
        'To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:1_user~(not!here)@example.com>\r\n'
        "From: one~` two'+_ three*%!.- <sip:m@example.com>;par''~+*_!.-%=\"ю\";tag=_t~1'+`*%!-.\r\n"
        "Call-ID: word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n"
        f"CSeq: 139122385 {method}\r\n"
        "extension-!.%*+_`'~:\ufeff大停電\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()
    parsed = parse_request(datagram)
    assert parsed.method == method
    assert parsed.uri.user == "1_user~(not!here)&isn't+it$/what?,/;;*"
    assert parsed.uri.password == "&pass+has=1,odd!*pa$wo~d.(x)"
    assert parsed.to.display == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert parsed.from_.display == "one~` two'+_ three*%!.-"
    assert parsed.from_.params["par''~+*_!.-%"] == "ю"
    assert parsed.headers.get("EXTENSION-!.%*+_`'~") == "\ufeff大停電"
    assert parse_response(respond(parsed, 501, to_tag="1").to_bytes()).to.display == parsed.to.display


def test_a_percent_sign_is_no_escape_in_methods_and_header_names() -> None:
    parsed = parse_request(request("RE%47IST%45R", "sip:b", To='"%Z%45" <sip:a@b>', **{"C%6Fntact": "<sip:alias2@b>"}))
    assert parsed.method == "RE%47IST%45R"
    assert parsed.to.display == "%Z%45"
    assert len(parsed.contacts) == 1


def test_an_escaped_nul_does_not_end_a_user() -> None:
    parsed = parse_request(
        request("REGISTER", "sip:b", To="sip:null-%00-null@b", Contact="<sip:%00@h>\r\nContact: <sip:%00%00@h>")
    )
    assert parsed.to.uri.user == "null-\x00-null"
    assert [contact.uri.user for contact in parsed.contacts] == ["\x00", "\x00\x00"]


def test_a_parameter_outside_of_the_brackets_is_not_one_of_the_uri() -> None:
    outside = parse_request(request("REGISTER", "sip:b", Contact="sip:+1@gw;odd")).contacts[0]
    inside = parse_request(request("REGISTER", "sip:b", Contact="<sip:+1@gw;odd>")).contacts[0]
    assert (outside.params, outside.uri.params) == ({"odd": None}, {})
    assert (inside.params, inside.uri.params) == ({}, {"odd": None})


def test_an_escaped_header_stays_in_the_contact() -> None:
    contact = parse_request(request("REGISTER", "sip:b", Contact="<sip:a@b?Route=%3Csip:c%3E>")).contacts[0]
    assert contact.uri.headers == {"Route": "<sip:c>"}
    assert str(contact) == "<sip:a@b?Route=%3Csip:c%3E>"


def test_a_response_without_reason_and_one_in_another_script() -> None:
    lines = request("OPTIONS", "sip:b").partition(b"\r\n")[2]
    assert parse_response(b"SIP/2.0 100 \r\n" + lines).reason == ""
    assert parse_response("SIP/2.0 200 = 2**3 но сто\r\n".encode() + lines).reason == "= 2**3 но сто"


def test_only_one_of_two_messages_in_a_datagram_is_read() -> None:
    first = request("REGISTER", "sip:b")
    assert parse_request(first + b"\r\n" + request("INVITE", "sip:joe@b")).method == "REGISTER"


def test_a_body_of_another_kind_and_an_unknown_extension_are_for_the_core() -> None:
    parsed = parse_request(request("INVITE", "sip:a@b", Require="never, heard", Accept="text/odd", Content_Type="a/b"))
    assert parsed.content_type is not None
    assert parsed.content_type.type == "a/b"
    assert parsed.headers.get("Require") == "never, heard"


def test_an_old_invite_without_branch_tag_and_length_is_read() -> None:
    parsed = parse_request(
        b"INVITE sip:UserB@b SIP/2.0\r\nVia: SIP/2.0/UDP old.example.com\r\nFrom: <sip:+1@c;user=phone>\r\n"
        b"Record-Route: <sip:UserB@b;maddr=ss1.b>\r\nTo: sip:+2@d;user=phone\r\nCall-ID: 17@c\r\n"
        b"CSeq: 56 INVITE\r\nContent-Type: application/sdp\r\n\r\n" + SDP
    )
    assert (parsed.via.branch, parsed.from_.tag, parsed.max_forwards) == (None, None, None)
    assert parsed.body == SDP
    assert isinstance(parse(respond(parsed, 200, to_tag="5").to_bytes()), Response)
