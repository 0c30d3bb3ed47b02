import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import rtcp
from media.rtcp import BadReport, ReportBlock, Sent

word = st.integers(0, 0xFFFFFFFF)
blocks = st.builds(
    ReportBlock,
    ssrc=word,
    fraction_lost=st.integers(0, 255),
    lost=st.integers(-0x800000, 0x7FFFFF),
    highest=word,
    jitter=word,
    last_report=word,
    delay=word,
)


@given(word, st.lists(blocks, max_size=3), st.booleans(), st.text(max_size=30))
def test_a_report_is_read_as_it_was_written(ssrc: int, some: list[ReportBlock], goodbye: bool, cname: str) -> None:
    wall = 1_700_000_000.25
    wire = rtcp.build(ssrc, Sent(wall, 1 << 33, 5, 800), some, cname, goodbye=goodbye)
    assert len(wire) % 4 == 0
    report = rtcp.parse(wire)
    assert (report.ssrc, report.blocks, report.goodbye) == (ssrc, some, goodbye)
    assert report.ntp == rtcp.middle(wall)
    assert rtcp.parse(rtcp.build(ssrc, None, some, cname)).ntp is None


def test_a_report_has_the_octets_of_the_rfc() -> None:
    wire = rtcp.build(0x01020304, Sent(0.5, 160, 2, 320), [], "ab")
    assert wire.hex() == ("80c800060102030483aa7e8080000000000000a0000000020000014081ca0003010203040102616200000000")


@given(st.binary(max_size=300))
def test_any_octets_are_a_report_or_refused(datagram: bytes) -> None:
    with contextlib.suppress(BadReport):
        rtcp.parse(datagram)


@given(st.integers(0, 0xFFFF), st.integers(0, 255), st.binary(max_size=80))
def test_a_length_that_lies_is_refused(words: int, first: int, body: bytes) -> None:
    datagram = struct.pack("!BBH", first, 200, words) + body
    if first >> 6 == 2 and 4 * words == len(body):
        return
    with contextlib.suppress(BadReport):
        rtcp.parse(datagram)


def test_a_truncated_report_is_refused() -> None:
    whole = rtcp.build(1, Sent(0, 0, 0, 0), [ReportBlock(1, 2, 3, 4, 5, 6, 7)], "x")
    for size in (1, 3, 5, 20, 30, 50):
        with pytest.raises(BadReport):
            rtcp.parse(whole[:size])
    lying = bytearray(whole)
    lying[0] |= 31
    with pytest.raises(BadReport):
        rtcp.parse(bytes(lying))


def test_a_round_trip_is_the_time_less_the_delay_of_the_other_side() -> None:
    sent, now = 1_700_000_000.0, 1_700_000_000.35
    block = ReportBlock(1, 0, 0, 0, 0, rtcp.middle(sent), round(0.1 * 65536))
    assert rtcp.round_trip(block, now) == pytest.approx(0.25, abs=0.001)


def test_a_round_trip_is_unknown_without_a_report_of_ours_or_before_it_was_sent() -> None:
    assert rtcp.round_trip(ReportBlock(1, 0, 0, 0, 0, 0, 0), 5.0) is None
    assert rtcp.round_trip(ReportBlock(1, 0, 0, 0, 0, rtcp.middle(100.0), 65536), 100.5) is None
