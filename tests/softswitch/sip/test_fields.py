"""Typed header values."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import BadHeader
from softswitch.sip.fields import (
    Challenge,
    ContentType,
    Credentials,
    CSeq,
    Event,
    RAck,
    Reason,
    RetryAfter,
    Via,
    parse_date,
    parse_number,
)

from .test_grammar import TEXT, TOKEN


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("0068", 68), (" 70\t", 70), ("4294967295", 2**32 - 1)])
def test_a_number_is_read(text: str, number: int) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["", " ", "-1", "+1", "1.5", "0x10", "1 2", "٣", "²", "4294967296", "9" * 5000])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(BadHeader):
        parse_number(text)


def test_five_thousand_zeros_are_still_a_number() -> None:
    assert parse_number("0" * 5000 + "7") == 7


def test_a_via_is_read() -> None:
    via = Via.parse("SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKabc;rport")
    assert (via.version, via.transport, via.host, via.port) == ("2.0", "UDP", "192.0.2.1", 5062)
    assert (via.branch, via.received, via.rport, via.wants_rport) == ("z9hG4bKabc", None, None, True)
    assert via.sent_by == "192.0.2.1:5062"
    assert str(via) == "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKabc;rport"


@pytest.mark.parametrize(
    ("text", "transport", "host", "port"),
    [
        ("SIP  /   2.0 /UDP 192.0.2.2;branch=390skdjuw", "UDP", "192.0.2.2", None),
        ("SIP  / 2.0  / TCP     spindle.example.com   ; branch  =   z9hG4bK9ikj8", "TCP", "spindle.example.com", None),
        ("SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en", "UNKNOWN", "t4.example.com", None),
        ("SIP/7.0/UDP c.example.com", "UDP", "c.example.com", None),
        ("SIP/2.0/tls c.example.com : 5061", "TLS", "c.example.com", 5061),
        ("SIP/2.0/UDP [2001:db8::9:1]:5062;received=2001:db8::9:255", "UDP", "2001:db8::9:1", 5062),
    ],
)
def test_unusual_vias_are_read(text: str, transport: str, host: str, port: int | None) -> None:
    via = Via.parse(text)
    assert (via.transport, via.host, via.port) == (transport, host, port)
    assert Via.parse(str(via)) == via


@pytest.mark.parametrize("text", ["received=[2001:db8::9:255]", "received=2001:db8::9:255"])
def test_received_is_understood_with_and_without_brackets(text: str) -> None:
    assert Via.parse(f"SIP/2.0/UDP [2001:db8::9:1];{text};branch=z9hG4bKas3-111").received == "2001:db8::9:255"


@pytest.mark.parametrize(("text", "port"), [("5062", 5062), ("", None), ("x", None), ("999999", None), ("²", None)])
def test_a_filled_rport_is_a_number_or_nothing(text: str, port: int | None) -> None:
    assert Via.parse(f"SIP/2.0/UDP h;rport={text}").rport == port


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0 192.0.2.1",
        "SIP/2.0/UDP192.0.2.1",
        "SIP/2.0/UDP 192.0.2.15;;,;,,",
        "SIP/2.0/UDP 192.0.2.15 x",
        "SIP/2.0/UDP 192.0.2.15:0",
        "SIP/2.0/UDP 192.0.2.15:99999",
        "SIP/2.0/UDP [::1",
        "SIP/2.0/UDP [::g]",
        "SIP/2.0/UDP ::1",
        "SIP/2.0/UDP h;a=\x01",
    ],
)
def test_a_broken_via_is_refused(text: str) -> None:
    with pytest.raises(BadHeader):
        Via.parse(text)


def test_vias_of_several_lines_and_lists_are_in_order() -> None:
    vias = Via.parse_list(["SIP/2.0/UDP a;branch=1, SIP/2.0/TCP b", 'SIP/2.0/UDP c;x="1,2"'])
    assert [via.host for via in vias] == ["a", "b", "c"]


@given(
    st.sampled_from(["a.example", "192.0.2.1", "::1"]),
    st.none() | st.integers(1, 65535),
    st.dictionaries(TOKEN, st.none() | TEXT),
)
def test_any_via_goes_both_ways(host: str, port: int | None, params: dict[str, str | None]) -> None:
    via = Via("UDP", host, port, params)
    assert Via.parse(str(via)) == via


@pytest.mark.parametrize(
    ("text", "cseq"),
    [
        ("1 INVITE", (1, "INVITE")),
        ("0009   INVITE", (9, "INVITE")),
        ("4294967295 X", (2**32 - 1, "X")),
        ("29344 RE%47IST%45R", (29344, "RE%47IST%45R")),
    ],
)
def test_a_cseq_is_read(text: str, cseq: tuple[int, str]) -> None:
    assert CSeq.parse(text) == cseq
    assert CSeq.parse(str(CSeq(*cseq))) == cseq


@pytest.mark.parametrize(
    "text", ["", "1", "INVITE", "1INVITE", "-1 INVITE", "36893488147419103232 X", "1 INVITE x", "1 IN,VITE"]
)
def test_a_broken_cseq_is_refused(text: str) -> None:
    with pytest.raises(BadHeader):
        CSeq.parse(text)


def test_a_content_type_is_read() -> None:
    found = ContentType.parse('Multipart / Mixed ; boundary="a;b"')
    assert (found.type, found.params) == ("multipart/mixed", {"boundary": "a;b"})
    assert str(found) == 'multipart/mixed;boundary="a;b"'


@pytest.mark.parametrize("text", ["", "text", "text/", "/plain", "text/plain x", "text/plain;", "a b/c"])
def test_a_broken_content_type_is_refused(text: str) -> None:
    with pytest.raises(BadHeader):
        ContentType.parse(text)


def test_a_challenge_is_read() -> None:
    found = Challenge.parse(
        'Digest realm="atlanta.com", domain="sip:ss1.carrier.com", qop="auth,auth-int", '
        'nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", stale=FALSE, algorithm=SHA-256'
    )
    assert found.is_digest
    assert (found.realm, found.nonce) == ("atlanta.com", "f84f1cec41e6cbe5aea9c8e88d359")
    assert (found.qop, found.opaque, found.stale, found.algorithm) == (["auth", "auth-int"], "", False, "SHA-256")
    assert Challenge.parse(str(found)) == found


def test_a_bare_challenge_has_defaults() -> None:
    found = Challenge.parse("Digest")
    assert (found.realm, found.nonce, found.opaque, found.algorithm, found.qop) == ("", "", None, "MD5", [])


def test_credentials_are_read() -> None:
    text = (
        'Digest username="bob, the \\"b\\"", realm="biloxi.com", nonce="dcd98b7102dd", uri="sip:bob@biloxi.com", '
        'qop=auth, nc=0000000a, cnonce="0a4f113b", response="6629FAE49393A05397450978507C4EF1", opaque="5ccc"'
    )
    found = Credentials.parse(text)
    assert (found.username, found.realm, found.nonce) == ('bob, the "b"', "biloxi.com", "dcd98b7102dd")
    assert (found.uri, found.qop, found.nc, found.nonce_count) == ("sip:bob@biloxi.com", "auth", "0000000a", 10)
    assert (found.cnonce, found.opaque, found.algorithm) == ("0a4f113b", "5ccc", "MD5")
    assert found.response == "6629fae49393a05397450978507c4ef1"
    assert Credentials.parse(str(found)) == found


def test_credentials_of_another_scheme_keep_only_its_name() -> None:
    for text in ("Basic dXNlcjpwYXNz", "Bearer a.b.c", "NoOneKnowsThisScheme"):
        found = Credentials.parse(text)
        assert not found.is_digest
        assert found.params == {}
    assert Credentials.parse("NoOneKnowsThisScheme opaque-data=here").params == {"opaque-data": "here"}


def test_credentials_without_parameters_are_empty_everywhere() -> None:
    found = Credentials.parse("Digest")
    assert (found.username, found.realm, found.nonce, found.uri, found.response) == ("", "", "", "", "")
    assert (found.qop, found.nc, found.nonce_count, found.cnonce) == (None, None, None, None)


@pytest.mark.parametrize("nc", ["x", "", "1" * 17, "-1", "0x1", " 1"])
def test_a_strange_nonce_count_counts_as_none(nc: str) -> None:
    assert Credentials("Digest", {"nc": nc}).nonce_count is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        'Digest username="bob',
        "Digest a",
        "Digest a=b c=d",
        'Digest a="b"c',
        "Digest =b",
        ",",
        "Digest a=b,,c=d",
    ],
)
def test_broken_credentials_are_refused(text: str) -> None:
    with pytest.raises(BadHeader):
        Credentials.parse(text)


def test_a_rack_is_read() -> None:
    found = RAck.parse("776656 1 INVITE")
    assert (found.response_number, found.cseq_number, found.method) == (776656, 1, "INVITE")
    assert str(found) == "776656 1 INVITE"


def test_a_reason_is_read() -> None:
    assert Reason.parse('Q.850 ;cause=16 ;text="Terminated, normally"') == Reason("Q.850", 16, "Terminated, normally")
    assert str(Reason("SIP", 200, 'a "b"')) == 'SIP;cause=200;text="a \\"b\\""'
    assert Reason.parse("SIP;cause=x") == Reason("SIP")
    assert Reason.parse(f"SIP;cause={'9' * 4000}") == Reason("SIP")


def test_a_retry_after_is_read() -> None:
    assert RetryAfter.parse("18000;duration=3600") == RetryAfter(18000, None, {"duration": "3600"})
    assert RetryAfter.parse("120 (I'm in a meeting)") == RetryAfter(120, "I'm in a meeting")
    assert str(RetryAfter(120, "x", {"duration": "1"})) == "120 (x);duration=1"


def test_an_event_is_read() -> None:
    event = Event.parse("message-summary;id=7")
    assert (event.package, event.id, str(event)) == ("message-summary", "7", "message-summary;id=7")


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (RAck.parse, "1 INVITE"),
        (RAck.parse, "1 99999999999 INVITE"),
        (Reason.parse, ""),
        (Reason.parse, "SIP cause=1"),
        (RetryAfter.parse, "soon"),
        (RetryAfter.parse, "949302838503028349304023988"),
        (RetryAfter.parse, "1 (a"),
        (Event.parse, ""),
        (Event.parse, "a b"),
    ],
)
def test_broken_small_values_are_refused(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(BadHeader):
        read(text)


def test_a_date_is_read() -> None:
    assert parse_date("Sat, 13 Nov 2010 23:29:00 GMT") == datetime(2010, 11, 13, 23, 29, tzinfo=UTC)
    assert parse_date("Sat, 31 Dec 2016 23:59:60 GMT").second == 59


@pytest.mark.parametrize(
    "text",
    [
        "Fri, 01 Jan 2010 16:00:00 EST",
        "",
        "Fri, 01 Foo 2010 16:00:00 GMT",
        "Fri, 32 Jan 2010 16:00:00 GMT",
        "Fri, 01 Jan 2010 25:00:00 GMT",
        "Fri, 01 Jan 0000 16:00:00 GMT",
    ],
)
def test_a_broken_date_is_refused(text: str) -> None:
    with pytest.raises(BadHeader):
        parse_date(text)


@given(st.text(max_size=80))
def test_any_text_is_a_value_or_a_bad_header(text: str) -> None:
    readers: list[Callable[[str], object]] = [
        Via.parse,
        CSeq.parse,
        ContentType.parse,
        Challenge.parse,
        Credentials.parse,
        RAck.parse,
        Reason.parse,
        RetryAfter.parse,
        Event.parse,
        parse_date,
        parse_number,
    ]
    for read in readers:
        for candidate in (
            text,
            f"SIP/2.0/UDP {text}",
            f"1 {text}",
            f"Digest {text}",
            f"a/b;{text}",
            f"SIP;cause={text}",
        ):
            try:
                read(candidate)
            except BadHeader:
                continue
