"""RTCP of all legs: who is due, what was heard of whom.

Every leg reports about five seconds apart, at random within half and one and a half of that (RFC 3550 section 6.2), and
once more when it closes.
"""

import heapq
import random
from dataclasses import dataclass
from typing import Final

from media import rtcp
from media.latch import Latch
from media.legs import Legs
from media.quality import JitterMeter
from media.reception import NO_SSRC, Reception
from media.rtp import FRAME

INTERVAL: Final = 5.0
MOST_AT_ONCE: Final = 64
"""Reports sent per tick; the others follow in the next."""


@dataclass(slots=True)
class Correspondence:
    """The reports between a leg and its peer."""

    sender_report: int = 0
    """Middle 32 bits of NTP of the last sender report that came."""
    came_at: float = 0.0
    round_trip: float | None = None
    """Seconds."""
    remote_lost: int = 0
    """Packets that the peer missed."""
    remote_jitter: int = 0
    expected_before: int = 0
    received_before: int = 0
    goodbye: bool = False
    written: bool = False
    """Whether a report was sent."""


class Reports:
    """Reads and writes the reports of all legs."""

    def __init__(self, legs: Legs, reception: Reception, meter: JitterMeter, latch: Latch, rng: random.Random) -> None:
        self._legs = legs
        self._reception = reception
        self._meter = meter
        self._latch = latch
        self._rng = rng
        self._open: dict[int, Correspondence] = {}
        self._due: list[tuple[float, int, int]] = []
        """Heap of time, row and identity of its correspondence; those of closed legs fall out when their time comes."""
        self._cname = f"{rng.getrandbits(96):024x}"
        """Random and the same for all streams of the worker (RFC 7022)."""

    def open(self, row: int, now: float) -> None:
        """Begin the correspondence of a leg."""
        correspondence = self._open[row] = Correspondence()
        heapq.heappush(self._due, (now + INTERVAL * self._rng.random(), row, id(correspondence)))

    def close(self, row: int) -> Correspondence:
        """End it."""
        correspondence = self._open.pop(row)
        if not self._open:
            self._due.clear()  # nobody asks who is due while there are no legs
        return correspondence

    @property
    def pending(self) -> int:
        """Reports that are planned, those of closed legs whose time has not come included."""
        return len(self._due)

    def due(self, now: float) -> list[int]:
        """Rows whose report is due, not more than `MOST_AT_ONCE`; the next one of each is planned."""
        rows: list[int] = []
        while self._due and self._due[0][0] <= now and len(rows) < MOST_AT_ONCE:
            _, row, identity = heapq.heappop(self._due)
            if id(self._open.get(row)) != identity:
                continue
            heapq.heappush(self._due, (now + INTERVAL * self._rng.uniform(0.5, 1.5), row, identity))
            if self._latch.aimed(row):
                rows.append(row)
        return rows

    def owes_goodbye(self, row: int) -> bool:
        """Whether a peer heard of us; who sent nothing must not say BYE (RFC 3550 section 6.3.7)."""
        return bool(self._legs.packets_sent[row]) or self._open[row].written

    def write(self, row: int, now: float, wall: float, tick: int, *, goodbye: bool = False) -> bytes:
        """The report of a leg."""
        legs = self._legs
        packets = int(legs.packets_sent[row])
        self._open[row].written = True
        sent = (
            rtcp.Sent(wall, legs.clock(row, tick) * int(legs.clock_factor[row]), packets, packets * FRAME)
            if packets
            else None
        )
        return rtcp.build(int(legs.ssrc[row]), sent, self._blocks(row, now), self._cname, goodbye=goodbye)

    def read(self, row: int, datagram: bytes, now: float, wall: float) -> None:
        """A report that came for a leg."""
        correspondence = self._open.get(row)
        if correspondence is None:
            return
        try:
            report = rtcp.parse(datagram)
        except rtcp.BadReport:
            return
        if report.ntp is not None:
            correspondence.sender_report, correspondence.came_at = report.ntp, now
        correspondence.goodbye |= report.goodbye
        for block in report.blocks:
            if block.ssrc == int(self._legs.ssrc[row]):
                correspondence.remote_lost, correspondence.remote_jitter = block.lost, block.jitter
                trip = rtcp.round_trip(block, wall)
                correspondence.round_trip = correspondence.round_trip if trip is None else trip

    def _blocks(self, row: int, now: float) -> list[rtcp.ReportBlock]:
        ssrc = int(self._reception.ssrc[row])
        if ssrc == NO_SSRC:
            return []
        correspondence = self._open[row]
        losses = self._reception.losses(row)
        expected = losses.expected - correspondence.expected_before
        missing = expected - (losses.received - correspondence.received_before)
        correspondence.expected_before, correspondence.received_before = losses.expected, losses.received
        fraction = min(missing * 256 // expected, 255) if expected > 0 and missing > 0 else 0
        delay = int((now - correspondence.came_at) * 65536) if correspondence.sender_report else 0
        return [
            rtcp.ReportBlock(
                ssrc,
                fraction,
                losses.lost,
                int(self._reception.highest[row]),
                int(self._meter.jitter[row]),
                correspondence.sender_report,
                delay,
            )
        ]
