"""Packets as a bad network and odd senders bring them, and the engine that they come to, octet by octet."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.media.exact.twins import Departures, Packet
from tests.media.studio import Studio

KINDS = {"PCMU": 0, "PCMA": 8}
STARTS = st.tuples(st.sampled_from([0, 7, 0x7FFE, 65530, 65535]), st.sampled_from([0, 0x7FFFFE00, 2**32 - 480]))
"""First sequence number and timestamp: at rest, and just before what wraps."""


@dataclass
class Sender:
    """A telephone's stream: what it would send next."""

    kind: int
    sequence: int
    timestamp: int
    ssrc: int = 0x5EED
    held: list[bytes] = field(default_factory=list)
    """Packets that come later than they should."""
    sent: list[bytes] = field(default_factory=list)

    def make(self, payload: bytes, *, marker: bool = False) -> bytes:
        """The next packet."""
        packet = Packet(self.kind, marker, self.sequence, self.timestamp, self.ssrc, payload)
        self.sequence += 1
        self.timestamp += len(payload)
        self.sent.append(bytes(packet))
        return bytes(packet)


@dataclass
class Leg:
    """A leg of the engine, and the stream that it should send."""

    name: str
    row: int
    port: int
    codec: str
    out: Departures


class Line:
    """An engine, and datagrams in and out of its legs."""

    def __init__(self) -> None:
        self.studio = Studio()

    def open(self, name: str, codec: str, sequence: int, timestamp: int, **negotiated: Any) -> Leg:
        """A leg whose outgoing stream begins with these numbers."""
        talker = self.studio.open(name, codec, **negotiated)
        legs, row = self.studio.engine.legs, talker.row
        legs.sequence[row], legs.timestamp[row] = sequence, timestamp
        out = Departures(int(legs.ssrc[row]), sequence, timestamp, KINDS[codec], self.tick)
        return Leg(name, row, talker.port, codec, out)

    def join(self, *legs: Leg) -> None:
        for leg in legs:
            self.studio.engine.join(leg.name, "room")

    @property
    def tick(self) -> int:
        """Number of the tick that comes next."""
        return self.studio.engine.tick_number

    def arrive(self, leg: Leg, *datagrams: bytes) -> None:
        """Datagrams come to a leg, and the engine looks."""
        for datagram in datagrams:
            self.studio.io.arrive(leg.row, datagram, port=leg.port)
        self.studio.engine.receive(self.studio.now, 0.0)

    def take(self, leg: Leg) -> list[bytes]:
        """What was sent to a leg since the last time."""
        io = self.studio.io
        mine = [datagram for row, datagram in io.sent if row == leg.row]
        io.sent = [(row, datagram) for row, datagram in io.sent if row != leg.row]
        return mine


def departures(sender: Sender, event: str, payload: bytes) -> list[bytes]:
    """What arrives when the sender sends its next packet and this happens to it."""
    if event == "other source":
        sender.ssrc ^= 0x00FF00FF
        sender.sequence, sender.timestamp = (sender.sequence * 7 + 11) % 2**16, (sender.timestamp * 5 + 77) % 2**32
    if event == "jump":
        sender.sequence += 20_000
    if event == "pause":
        sender.timestamp += 7 * 160
    if event == "shift":
        sender.timestamp += 37  # a part of a frame, as a sender does that was restarted within its stream
    packet = sender.make(payload, marker=event in ("pause", "other source"))
    if event == "lost":
        return []
    if event == "late":
        sender.held.append(packet)
        return []
    if event == "twice":
        return [packet, packet]
    if event == "again":
        return [packet, *sender.sent[-6:-3]]
    if event == "overtaken":
        held, sender.held = sender.held, []
        return [packet, *held]
    return [packet]


EVENTS = [
    "next",
    "next",
    "next",
    "lost",
    "late",
    "overtaken",
    "twice",
    "again",
    "pause",
    "shift",
    "other source",
    "jump",
]
