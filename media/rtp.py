"""RTP packets (RFC 3550 section 5): all plain ones of a tick as arrays, odd ones one by one.

A *plain* packet is what nearly every telephone sends: version 2, no padding, extension or CSRC, 20 ms of G.711: 172
octets.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.errors import MediaError

VERSION: Final = 2
HEADER_SIZE: Final = 12
FRAME: Final = 160
"""Samples, and octets of G.711, in 20 ms."""
PLAIN_SIZE: Final = HEADER_SIZE + FRAME
PLAIN_FIRST: Final = VERSION << 6
MARKER: Final = 0x80
COMFORT_NOISE: Final = 13
"""Payload type of RFC 3389 comfort noise."""

HEADER: Final = np.dtype(
    [("first", "u1"), ("second", "u1"), ("sequence", ">u2"), ("timestamp", ">u4"), ("ssrc", ">u4")]
)

_FIXED: Final = struct.Struct("!BBHII")

Rows = NDArray[np.intp]
Octets = NDArray[np.uint8]


class BadPacket(MediaError):
    """A datagram that is no RTP packet; it is counted and dropped."""

    code = "bad_packet"


@dataclass(slots=True)
class RtpPacket:
    """One packet, taken apart."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes

    def __bytes__(self) -> bytes:
        second = self.payload_type | (MARKER if self.marker else 0)
        head = _FIXED.pack(PLAIN_FIRST, second, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc)
        return head + self.payload


def parse(datagram: bytes) -> RtpPacket:
    """Take a datagram apart: CSRC list and extension are skipped, padding is cut off."""
    if len(datagram) < HEADER_SIZE:
        raise BadPacket("shorter than an RTP header")
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(datagram)
    if first >> 6 != VERSION:
        raise BadPacket("RTP version is not 2")
    start = HEADER_SIZE + 4 * (first & 0x0F)
    if first & 0x10:
        if len(datagram) < start + 4:
            raise BadPacket("RTP extension is cut off")
        start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4], "big")
    end = len(datagram)
    if first & 0x20:
        end -= datagram[-1] or end
    if end < start:
        raise BadPacket("RTP header or padding is longer than the datagram")
    return RtpPacket(second & 0x7F, bool(second & MARKER), sequence, timestamp, ssrc, datagram[start:end])


def is_rtcp(second_octet: int) -> bool:
    """Whether a datagram on an RTP port is RTCP (RFC 5761 section 4): packet types 192 to 223."""
    return 192 <= second_octet <= 223


def read_headers(pool: Octets, buffers: Rows) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """The fixed headers of the datagrams that begin pool[buffers], as HEADER records [n]."""
    head = np.ascontiguousarray(pool[buffers, :HEADER_SIZE])
    return head.view(HEADER)[:, 0]


def write_headers(
    pool: Octets,
    buffers: Rows,
    second: Octets,
    sequence: NDArray[np.int64],
    timestamp: NDArray[np.int64],
    ssrc: NDArray[np.int64],
) -> None:
    """Write whole fixed headers, [n] of each field, where the datagrams of pool[buffers] begin.

    `pool` is uint8[buffers, m], m a multiple of four; numbers that do not wrap are cut to the width of their fields.
    """
    heads = np.empty((len(buffers), 3), ">u4")
    heads[:, 0] = np.int64(PLAIN_FIRST << 24) | second.astype(np.int64) << 16 | sequence & 0xFFFF
    heads[:, 1] = timestamp & 0xFFFFFFFF
    heads[:, 2] = ssrc
    pool.view(">u4")[buffers, :3] = heads


class Headers:
    """Writes the headers of outgoing packets into their rows: first octet and SSRC once, the rest per packet.

    `packets` is uint8[rows, pitch], the pitch a multiple of four.
    """

    def __init__(self, packets: Octets) -> None:
        self._octets = packets
        self._halves = packets.view(">u2")
        self._words = packets.view(">u4")

    def start(self, row: int, ssrc: int) -> None:
        """Prepare a row for its own SSRC."""
        self._octets[row, 0] = PLAIN_FIRST
        self._words[row, 2] = ssrc

    def write(self, rows: Rows, second: Octets, sequence: NDArray[np.int64], timestamp: NDArray[np.int64]) -> None:
        """Write payload type with marker, sequence number and timestamp of one packet per row."""
        self._octets[rows, 1] = second
        self._halves[rows, 1] = sequence & 0xFFFF
        self._words[rows, 1] = timestamp & 0xFFFFFFFF


def rounds(rows: Rows, scratch: Rows, limit: int) -> Iterator[Rows]:
    """Divide arrivals into rounds with at most one packet per row, in order of arrival.

    Parameters
    ----------
    rows : intp[n]
        Row of each packet, in order of arrival.
    scratch : intp[capacity]
        Work space, any content.
    limit : int
        Rounds at most; what a row sent beyond that is left out.

    Yields
    ------
    intp[k]
        Indices into `rows`.
    """
    left = np.arange(len(rows))
    for _ in range(limit):
        if not len(left):
            return
        these = rows[left]
        scratch[these[::-1]] = left[::-1]  # the last write wins: the first packet of each row
        is_first = scratch[these] == left
        if is_first.all():
            yield left
            return
        yield left[is_first]
        left = left[~is_first]
