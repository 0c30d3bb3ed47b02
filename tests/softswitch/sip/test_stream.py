"""Messages framed out of a stream."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.errors import BadMessage, BadRequest, SipError
from softswitch.sip.message import Message, Request, Response, respond
from softswitch.sip.parser import MAX_MESSAGE, Event, Ping, StreamParser

from .samples import INVITE_LINES, SDP, invite, parse_request, request, write

Kind = TypeVar("Kind", bound=Event)


def read(parser: StreamParser, *pieces: bytes) -> list[Event]:
    """Feed pieces one after another."""
    return [event for piece in pieces for event in parser.feed(piece)]


def only(kind: type[Kind], events: list[Event]) -> Kind:
    """Return the one event that there must be."""
    assert len(events) == 1
    assert isinstance(events[0], kind)
    return events[0]


def shown(events: Sequence[Event]) -> list[object]:
    """Turn events into something that can be compared."""
    return [event.to_bytes() if isinstance(event, Message) else str(event) for event in events]


def test_a_whole_message_at_once() -> None:
    parser = StreamParser()
    message = only(Request, parser.feed(invite()))
    assert message.body == SDP
    assert (parser.broken, parser.pending) == (False, 0)


def test_a_message_byte_by_byte() -> None:
    parser = StreamParser()
    datagram = invite()
    for octet in datagram[:-1]:
        assert parser.feed(bytes([octet])) == []
        assert parser.pending
    assert only(Request, parser.feed(datagram[-1:])).body == SDP
    assert not parser.pending


def test_messages_one_behind_the_other() -> None:
    pieces = invite() + request("OPTIONS", "sip:b") + b"\r\n" + write("SIP/2.0 200 OK", INVITE_LINES, b"x")
    events = StreamParser().feed(pieces)
    assert [type(event) for event in events] == [Request, Request, Response]


def test_a_body_that_looks_like_a_message_is_a_body() -> None:
    inner = request("BYE", "sip:b")
    events = StreamParser().feed(request("MESSAGE", "sip:a@b", inner) + request("OPTIONS", "sip:b"))
    assert [event.method for event in events if isinstance(event, Request)] == ["MESSAGE", "OPTIONS"]


def test_an_empty_body_needs_no_more_octets() -> None:
    parser = StreamParser()
    datagram = request("OPTIONS", "sip:b")
    assert parser.feed(datagram[:-1]) == []
    assert only(Request, parser.feed(datagram[-1:])).method == "OPTIONS"


# --- keep-alive


def test_a_double_line_end_is_a_ping() -> None:
    parser = StreamParser()
    assert repr(only(Ping, parser.feed(b"\r\n\r\n"))) == "Ping()"
    assert parser.pending == 0


def test_a_ping_byte_by_byte() -> None:
    parser = StreamParser()
    assert read(parser, b"\r", b"\n", b"\r") == []
    only(Ping, parser.feed(b"\n"))


def test_a_single_line_end_is_the_answer_to_ours_and_nothing() -> None:
    parser = StreamParser()
    assert parser.feed(b"\r\n") == []
    assert isinstance(only(Request, parser.feed(invite())), Request)


def test_single_line_ends_between_messages_byte_by_byte() -> None:
    datagram = invite() + b"\r\n" + invite()
    events = read(StreamParser(), *[bytes([octet]) for octet in datagram])
    assert [type(event) for event in events] == [Request, Request]


def test_pings_between_messages() -> None:
    events = StreamParser().feed(invite() + b"\r\n\r\n" + invite() + b"\r\n\r\n")
    assert [type(event) for event in events] == [Request, Ping, Request, Ping]


def test_a_flood_of_line_ends_is_one_ping_and_leaves_nothing() -> None:
    parser = StreamParser()
    only(Ping, parser.feed(b"\r\n" * 100_000))
    assert parser.pending == 0


# --- broken messages


def test_a_broken_message_of_known_length_does_not_end_the_stream() -> None:
    parser = StreamParser()
    events = parser.feed(invite(To='"') + invite(From=None) + invite())
    assert [type(event) for event in events] == [BadRequest, BadRequest, Request]
    assert not parser.broken


def test_a_refused_message_has_its_body_behind_it() -> None:
    error = only(BadRequest, StreamParser().feed(invite(CSeq="1 BYE")))
    assert error.request is not None
    assert error.request.body == SDP
    assert respond(error.request, error.status).status == 400


def test_a_broken_response_is_dropped_and_the_stream_goes_on() -> None:
    parser = StreamParser()
    bad = invite(To='"').replace(b"INVITE sip:102@example.com SIP/2.0", b"SIP/2.0 200 OK")
    assert [type(event) for event in parser.feed(bad + invite())] == [BadMessage, Request]


@pytest.mark.parametrize("value", ["-999", "x", "", "0x10", "99999999999999999999", "5\r\nContent-Length: 13", "5, 13"])
def test_a_length_that_nobody_knows_ends_the_stream(value: str) -> None:
    parser = StreamParser()
    datagram = invite().replace(b"Content-Length: %d" % len(SDP), f"Content-Length: {value}".encode())
    assert only(BadRequest, parser.feed(datagram + invite())).status == 400
    assert parser.broken
    assert parser.feed(invite()) == []
    assert parser.pending == 0


def test_a_missing_length_ends_the_stream() -> None:
    parser = StreamParser()
    datagram = invite().replace(b"Content-Length: %d\r\n" % len(SDP), b"")
    assert only(BadRequest, parser.feed(datagram)).reason == "Missing Content-Length"
    assert parser.broken


def test_a_length_larger_than_what_comes_waits() -> None:
    parser = StreamParser()
    assert parser.feed(write("INVITE sip:a@b SIP/2.0", INVITE_LINES, SDP, 9999)) == []
    assert (parser.broken, parser.pending > 0) == (False, True)


@pytest.mark.parametrize("length", [MAX_MESSAGE, 10**9, 4294967295])
def test_a_body_that_is_too_large_is_refused_before_it_comes(length: int) -> None:
    parser = StreamParser()
    assert only(BadRequest, parser.feed(write("INVITE sip:a@b SIP/2.0", INVITE_LINES, b"", length))).status == 413
    assert parser.broken


def test_an_ack_that_is_too_large_is_not_answered() -> None:
    lines = [line.replace("INVITE", "ACK") for line in INVITE_LINES]
    only(BadMessage, StreamParser().feed(write("ACK sip:a@b SIP/2.0", lines, b"", 10**6)))


def test_a_header_section_without_end_is_refused_at_the_limit() -> None:
    parser = StreamParser(max_message=2000)
    assert parser.feed(b"INVITE sip:a@b SIP/2.0\r\n" + b"X: y\r\n" * 300) == []
    only(BadMessage, parser.feed(b"X: y\r\n" * 300))
    assert parser.broken


def test_a_header_section_larger_than_the_limit_is_refused_at_once() -> None:
    parser = StreamParser(max_message=200)
    only(BadMessage, parser.feed(invite()))
    assert parser.broken


def test_the_largest_message_is_taken() -> None:
    body = b"x" * (MAX_MESSAGE - len(invite(b"y")) - 3)
    datagram = invite(body)
    assert len(datagram) == MAX_MESSAGE
    assert only(Request, StreamParser().feed(datagram)).body == body
    assert only(BadRequest, StreamParser().feed(invite(body + b"x"))).status == 413


@pytest.mark.parametrize(
    "junk",
    [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n", b"\x00\r\n\r\n", b"\rINVITE\r\n\r\n"],
)
def test_what_is_not_sip_ends_the_stream(junk: bytes) -> None:
    parser = StreamParser()
    only(BadMessage, parser.feed(junk + invite()))
    assert parser.broken


# --- any cut gives the same


STORY = (
    b"\r\n\r\n"
    + invite()
    + b"\r\n"
    + invite(To='"')
    + b"\r\n\r\n"
    + request("BYE", "sip:b", Subject="a\r\n b")
    + b"junk\r\n\r\n"
)


@given(st.lists(st.integers(0, len(STORY)), max_size=12))
def test_a_story_cut_anywhere_is_told_alike(cuts: list[int]) -> None:
    places = sorted({0, len(STORY), *cuts})
    pieces = [STORY[start:end] for start, end in pairwise(places)]
    parser = StreamParser()
    events = read(parser, *pieces)
    assert shown(events) == shown(StreamParser().feed(STORY))
    assert parser.broken


@given(
    st.lists(
        st.binary(max_size=80) | st.sampled_from([invite(), b"\r\n", b"\r\n\r\n", b"INVITE sip:a@b SIP/2.0\r\n"]),
        max_size=8,
    )
)
def test_any_stream_is_survived_and_cut_alike(pieces: list[bytes]) -> None:
    whole, single = StreamParser(max_message=4000), StreamParser(max_message=4000)
    together = whole.feed(b"".join(pieces))
    apart = read(single, *[bytes([octet]) for piece in pieces for octet in piece])
    without_pings = [event for event in apart if not isinstance(event, Ping)]
    assert shown(without_pings) == shown([event for event in together if not isinstance(event, Ping)])
    assert whole.broken == single.broken
    for event in together:
        assert isinstance(event, Request | Response | SipError | Ping)


@given(st.integers(1, 6), st.integers(1, 700))
def test_many_messages_in_pieces_of_any_size(count: int, size: int) -> None:
    stream = invite() * count
    events = read(StreamParser(), *[stream[place : place + size] for place in range(0, len(stream), size)])
    assert [event.to_bytes() for event in events if isinstance(event, Request)] == [
        parse_request(invite()).to_bytes()
    ] * count
