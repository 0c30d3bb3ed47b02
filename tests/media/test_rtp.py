import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media import rtp
from media.rtp import BadPacket, RtpPacket, parse

packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=300),
)


@given(packets)
def test_a_packet_is_read_as_it_was_written(packet: RtpPacket) -> None:
    assert parse(bytes(packet)) == packet


@given(packets, st.integers(0, 15), st.none() | st.integers(0, 9), st.integers(0, 255))
def test_sources_extension_and_padding_are_taken_off(
    packet: RtpPacket, sources: int, extension: int | None, padding: int
) -> None:
    wire = bytearray(bytes(packet))
    wire[0] |= sources | (0x10 if extension is not None else 0) | (0x20 if padding else 0)
    middle = bytes(4 * sources)
    if extension is not None:
        middle += struct.pack("!HH", 0xBEDE, extension) + bytes(4 * extension)
    wire[12:12] = middle
    if padding:
        wire += bytes(padding - 1) + bytes((padding,))
    assert parse(bytes(wire)) == packet


@given(st.binary(max_size=400))
def test_any_octets_are_a_packet_or_refused(datagram: bytes) -> None:
    with contextlib.suppress(BadPacket):
        parse(datagram)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x80" + bytes(10),
        b"\x40" + bytes(20),
        b"\x8f" + bytes(20),
        b"\x90" + bytes(12),
        b"\x90" + bytes(13) + b"\xff\xff" + bytes(4),
        b"\xa0" + bytes(11) + b"\x09",
        b"\xa0" + bytes(12),
    ],
)
def test_broken_packets_are_refused(datagram: bytes) -> None:
    with pytest.raises(BadPacket):
        parse(datagram)


@given(st.lists(packets, min_size=1, max_size=20))
def test_headers_of_many_packets_are_read_together(many: list[RtpPacket]) -> None:
    pool = np.zeros((len(many), 400), np.uint8)
    for index, packet in enumerate(many):
        wire = bytes(packet)
        pool[index, : len(wire)] = np.frombuffer(wire, np.uint8)
    order = np.arange(len(many))[::-1]
    heads = rtp.read_headers(pool, order)
    for head, packet in zip(heads, many[::-1], strict=True):
        read = RtpPacket(
            int(head["second"]) & 0x7F,
            bool(head["second"] & 0x80),
            int(head["sequence"]),
            int(head["timestamp"]),
            int(head["ssrc"]),
            packet.payload,
        )
        assert read == packet


@given(st.lists(packets, min_size=1, max_size=20))
def test_headers_of_many_packets_are_written_together(many: list[RtpPacket]) -> None:
    rows = np.zeros((len(many), 656), np.uint8)
    headers = rtp.Headers(rows)
    for row, packet in enumerate(many):
        headers.start(row, packet.ssrc)
    headers.write(
        np.arange(len(many)),
        np.array([packet.payload_type | packet.marker << 7 for packet in many], np.uint8),
        np.array([packet.sequence + 0x10000 for packet in many]),
        np.array([packet.timestamp + (1 << 32) for packet in many]),
    )
    for row, packet in enumerate(many):
        assert rows[row, :12].tobytes() == bytes(packet)[:12]


@given(st.lists(packets, min_size=1, max_size=20))
def test_whole_headers_are_written_where_the_datagrams_are(many: list[RtpPacket]) -> None:
    pool = np.full((len(many) + 1, 20), 0x55, np.uint8)
    order = np.arange(1, len(many) + 1)[::-1]
    rtp.write_headers(
        pool,
        order,
        np.array([packet.payload_type | packet.marker << 7 for packet in many], np.uint8),
        np.array([packet.sequence + 0x10000 for packet in many]),
        np.array([packet.timestamp + (1 << 32) for packet in many]),
        np.array([packet.ssrc for packet in many]),
    )
    for buffer, packet in zip(order, many, strict=True):
        assert pool[buffer, :12].tobytes() == bytes(packet)[:12]
    assert (pool[0] == 0x55).all()
    assert (pool[:, 12:] == 0x55).all()


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 8))
def test_rounds_keep_the_order_of_each_row_and_never_repeat_one(rows: list[int], limit: int) -> None:
    array = np.array(rows, np.intp)
    seen: dict[int, list[int]] = {}
    for index in rtp.rounds(array, np.full(10, -7), limit):
        these = array[index].tolist()
        assert len(set(these)) == len(these)
        for at in index.tolist():
            seen.setdefault(rows[at], []).append(at)
    for row in set(rows):
        assert seen[row] == [at for at, other in enumerate(rows) if other == row][:limit]


def test_rtcp_is_told_by_its_packet_type() -> None:
    assert [octet for octet in (0, 101, 128, 191, 192, 200, 223, 224) if rtp.is_rtcp(octet)] == [192, 200, 223]
