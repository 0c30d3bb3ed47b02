"""Texts that were read before: what is kept must never make one message look like another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.address import Address
from softswitch.sip.errors import BadHeader, BadSdp
from softswitch.sip.fields import CSeq
from softswitch.sip.grammar import Quoted, format_params, parse_params
from softswitch.sip.headers import Headers
from softswitch.sip.sdp import Encoding, MediaSection, Sdp
from softswitch.sip.uri import LONGEST_REMEMBERED, Uri

NAMES = ("Via", "via", "v", "Contact", "m", "X-Odd", "Route")
CHANGES = ("add", "prepend", "replace_first", "set", "remove")


def test_the_same_text_is_read_once() -> None:
    assert Uri.parse("sip:101@localhost") is Uri.parse("sip:101@localhost")
    assert Address.parse("<sip:101@localhost>;tag=a") is Address.parse("<sip:101@localhost>;tag=a")


def test_a_long_text_is_not_kept() -> None:
    text = f"sip:{'1' * LONGEST_REMEMBERED}@localhost"
    assert Uri.parse(text) is not Uri.parse(text)
    assert Uri.parse(text) == Uri.parse(text)
    assert Address.parse(f"<{text}>") is not Address.parse(f"<{text}>")


def test_texts_that_differ_in_a_letter_are_different_addresses() -> None:
    assert Address.parse("<sip:101@localhost>;tag=a").tag == "a"
    assert Address.parse("<sip:101@localhost>;tag=A").tag == "A"


@pytest.mark.parametrize("text", ["", "INVITE", "1", "1 ", "4294967296 INVITE", "-1 INVITE", "1 IN VITE"])
def test_a_broken_cseq_is_refused_each_time(text: str) -> None:
    for _ in range(2):
        with pytest.raises(BadHeader):
            CSeq.parse(text)


def test_a_broken_uri_is_refused_each_time() -> None:
    for _ in range(2):
        with pytest.raises(BadHeader):
            Uri.parse("sip:101@local host")


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from("abc"))),
    st.lists(st.tuples(st.sampled_from(CHANGES), st.sampled_from(NAMES), st.sampled_from("def"))),
)
def test_first_values_stay_true_whatever_is_changed(
    lines: list[tuple[str, str]], changes: list[tuple[str, str, str]]
) -> None:
    headers = Headers(lines)
    twin = headers.copy()
    before = list(twin)
    for change, name, value in changes:
        headers.get(name)  # the look-up table is made here, and must be kept up from now on
        if change == "remove":
            headers.remove(name)
        else:
            getattr(headers, change)(name, value)
        for other in NAMES:
            values = Headers(headers).get_all(other)
            assert headers.get_all(other) == values
            assert headers.get(other) == (values[0] if values else None)
    assert list(twin) == before


@pytest.mark.parametrize(
    ("text", "params"),
    [
        (";lr", {"lr": None}),
        (";Branch=z9hG4bK1;rport;rport=1", {"branch": "z9hG4bK1", "rport": None}),
        (";received=[::1]", {"received": "[::1]"}),
        (';name="a;b"', {"name": "a;b"}),
        ("; a = b ;c", {"a": "b", "c": None}),
        (";a=", {"a": None}),
    ],
)
def test_plain_and_unusual_parameters_mean_the_same(text: str, params: dict[str, str | None]) -> None:
    assert parse_params(text) == params


@pytest.mark.parametrize("text", [";", ";;a", ";a;", ";=b", "a=b", ";a=b=c;d", ";a b"])
def test_what_no_grammar_allows_is_refused_or_kept_whole(text: str) -> None:
    try:
        params = parse_params(text)
    except BadHeader:
        return
    assert parse_params(format_params(params)) == params


def test_a_quoted_value_stays_quoted() -> None:
    value = parse_params(';id="<urn:uuid:1>"')["id"]
    assert isinstance(value, Quoted)


def test_an_rtpmap_of_any_length_is_read() -> None:
    section = MediaSection.parse("audio 9 RTP/AVP 96 97")
    section.lines = [("a", "rtpmap:96 PCMA/8000"), ("a", f"rtpmap:97 {'X' * 100}/16000/2"), ("a", "rtpmap:rubbish")]
    assert section.encodings == {96: Encoding("PCMA", 8000), 97: Encoding("X" * 100, 16000, 2)}


@pytest.mark.parametrize("line", ["", "x", "=x", "ab=c", "1=c", "é=c"])
def test_a_line_without_a_type_letter_is_refused(line: str) -> None:
    with pytest.raises(BadSdp):
        Sdp.parse(f"v=0\r\n{line}\r\ns=-\r\n".encode())
