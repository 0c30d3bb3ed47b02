"""RTCP (RFC 3550 section 6): sender and receiver reports, source description, BYE.

Compound packets are read leniently and boundedly, one by one: there is one per leg every five seconds.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from media.errors import MediaError

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SOURCE_DESCRIPTION: Final = 202
GOODBYE: Final = 203
CNAME: Final = 1
NTP_EPOCH: Final = 2_208_988_800
"""Seconds from 1900, where NTP time begins, to 1970."""
MOST_PACKETS: Final = 16
"""Packets looked at in one compound."""

_HEAD: Final = struct.Struct("!BBH")
_SENDER: Final = struct.Struct("!IIIII")  # NTP seconds, NTP fraction, RTP timestamp, packets, octets
_BLOCK: Final = struct.Struct("!IIIIII")  # SSRC, loss fraction and count, highest, jitter, LSR, DLSR
_WORD: Final = struct.Struct("!I")


class BadReport(MediaError):
    """A datagram that is no RTCP compound; it is dropped."""

    code = "bad_report"


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver says of one sender."""

    ssrc: int
    fraction_lost: int
    """256ths since the report before."""
    lost: int
    """Packets since the beginning, signed 24 bits."""
    highest: int
    jitter: int
    """Ticks of the media clock."""
    last_report: int
    """Middle 32 bits of the NTP time of the last sender report, 0 if none came."""
    delay: int
    """65,536ths of a second since it came."""


@dataclass(slots=True)
class Report:
    """What a compound tells about its sender."""

    ssrc: int | None = None
    ntp: int | None = None
    """Middle 32 bits of the NTP time of a sender report."""
    blocks: list[ReportBlock] = field(default_factory=list)
    goodbye: bool = False


def parse(datagram: bytes) -> Report:
    """Read a compound; parts of unknown types are skipped."""
    report = Report()
    for kind, count, body in _packets(datagram):
        if kind in (SENDER_REPORT, RECEIVER_REPORT) and len(body) >= _WORD.size:
            _read_report(report, kind, count, body)
        if kind == GOODBYE:
            report.goodbye = True
    return report


def _packets(datagram: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    for _ in range(MOST_PACKETS):
        if at == len(datagram):
            return
        if at + _HEAD.size > len(datagram):
            raise BadReport("RTCP header is cut off")
        first, kind, words = _HEAD.unpack_from(datagram, at)
        end = at + 4 * (words + 1)
        if first >> 6 != 2 or end > len(datagram):
            raise BadReport("RTCP version or length is wrong")
        yield kind, first & 0x1F, datagram[at + _HEAD.size : end]
        at = end


def _read_report(report: Report, kind: int, count: int, body: bytes) -> None:
    (report.ssrc,) = _WORD.unpack_from(body)
    at = _WORD.size
    if kind == SENDER_REPORT:
        if len(body) < at + _SENDER.size:
            raise BadReport("sender report is cut off")
        seconds, fraction, *_ = _SENDER.unpack_from(body, at)
        report.ntp = (seconds & 0xFFFF) << 16 | fraction >> 16
        at += _SENDER.size
    for _ in range(count):
        if len(body) < at + _BLOCK.size:
            raise BadReport("report block is cut off")
        ssrc, loss, *rest = _BLOCK.unpack_from(body, at)
        lost = (loss & 0xFFFFFF) - ((loss & 0x800000) << 1)
        report.blocks.append(ReportBlock(ssrc, loss >> 24, lost, *rest))
        at += _BLOCK.size


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender says of itself."""

    wall: float
    """Seconds since 1970."""
    timestamp: int
    packets: int
    octets: int


def build(ssrc: int, sent: Sent | None, blocks: list[ReportBlock], cname: str, *, goodbye: bool = False) -> bytes:
    """A compound: sender report (receiver report if nothing was sent), CNAME, and BYE at the end of a leg."""
    body = _WORD.pack(ssrc)
    if sent is not None:
        seconds, fraction = ntp_time(sent.wall)
        rtp_time = sent.timestamp & 0xFFFFFFFF
        body += _SENDER.pack(seconds, fraction, rtp_time, sent.packets & 0xFFFFFFFF, sent.octets & 0xFFFFFFFF)
    for block in blocks:
        loss = block.fraction_lost << 24 | max(-0x800000, min(block.lost, 0x7FFFFF)) & 0xFFFFFF
        highest, jitter = block.highest & 0xFFFFFFFF, block.jitter & 0xFFFFFFFF
        body += _BLOCK.pack(block.ssrc, loss, highest, jitter, block.last_report, block.delay & 0xFFFFFFFF)
    compound = _packet(RECEIVER_REPORT if sent is None else SENDER_REPORT, len(blocks), body)
    name = cname.encode()[:255]
    chunk = _WORD.pack(ssrc) + bytes((CNAME, len(name))) + name
    compound += _packet(SOURCE_DESCRIPTION, 1, chunk + bytes(4 - len(chunk) % 4))
    if goodbye:
        compound += _packet(GOODBYE, 1, _WORD.pack(ssrc))
    return compound


def ntp_time(wall: float) -> tuple[int, int]:
    """NTP seconds and 2**-32 fractions of a time in seconds since 1970."""
    seconds = int(wall)
    return (seconds + NTP_EPOCH) & 0xFFFFFFFF, int((wall - seconds) * (1 << 32)) & 0xFFFFFFFF


def middle(wall: float) -> int:
    """Middle 32 bits of NTP time: 65,536ths of a second."""
    seconds, fraction = ntp_time(wall)
    return (seconds & 0xFFFF) << 16 | fraction >> 16


def round_trip(block: ReportBlock, wall: float) -> float | None:
    """Seconds there and back (RFC 3550 section 6.4.1); None without a report of ours, or when clocks disagree."""
    if not block.last_report:
        return None
    units = (middle(wall) - block.last_report - block.delay) & 0xFFFFFFFF
    return None if units >= 1 << 31 else units / 65536


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body
