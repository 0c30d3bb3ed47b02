"""The table of legs: one row each, names to rows, what was negotiated and where each outgoing stream stands.

Row 0 is nobody: it is never opened, and an index that points to it does no harm.
"""

import heapq
import random
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.codec.catalogue import FORMATS, find_format
from media.codec.codec import Format
from media.errors import BadCommand, PortsExhausted, UnknownLeg
from media.g711 import LAWS
from media.protocol import SrtpKeys
from media.rtp import FRAME, MARKER

NOBODY: Final = 0
NO_PAYLOAD_TYPE: Final = 255
"""No packet carries it: the field has seven bits."""

G711: Final = 0
CODINGS: Final = {form: number for number, form in enumerate(FORMATS.values(), G711 + 1)}

Rows = NDArray[np.intp]
Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What signalling agreed upon for a leg."""

    remote_host: str
    remote_port: int
    codec: str
    payload_type: int
    receive_payload_type: int
    dtmf_send: int | None
    dtmf_receive: int | None
    send: bool
    receive: bool
    ptime: int = 20
    clock: int = 8000
    """RTP clock of the codec."""
    srtp: SrtpKeys | None = None
    """None: plain RTP."""
    comfort_noise: bool = False
    """Whether the peer takes RFC 3389 comfort noise, payload type 13."""
    dtmf_by_info: bool = False
    """Whether keys reach the peer in SIP INFO, which is the switch's affair: nothing of them goes into its sound."""

    def __post_init__(self) -> None:
        if not isinstance(self.remote_host, str):
            raise BadCommand(f"{self.remote_host!r} is no IP address")
        if self.codec not in LAWS and self.format is None:
            raise BadCommand(f"{self.codec!r} is no codec of the media worker")
        if not isinstance(self.remote_port, int) or not 0 <= self.remote_port <= 0xFFFF:
            raise BadCommand(f"{self.remote_port} is no port")
        for number in (self.payload_type, self.receive_payload_type, self.dtmf_send, self.dtmf_receive):
            if number is not None and not (isinstance(number, int) and 0 <= number <= 127):
                raise BadCommand(f"{number} is no payload type")

    @property
    def takes_keys(self) -> bool:
        """Whether keys reach the peer beside its sound."""
        return self.dtmf_send is not None or self.dtmf_by_info

    @property
    def format(self) -> Format | None:
        """The codec, None when it is a law of G.711."""
        return find_format(self.codec, self.clock)


class Legs:
    """Rows of legs.

    Parameters
    ----------
    capacity : int
        Rows, the one of nobody included; untouched rows cost no memory.
    rng : random.Random
        Source of SSRCs and of the first sequence numbers and timestamps (RFC 3550 section 5.1).
    """

    def __init__(self, capacity: int, rng: random.Random) -> None:
        self.capacity = capacity
        self._rng = rng
        self._rows: dict[str, int] = {}
        self._free = list(range(1, capacity))
        self.names: list[str] = [""] * capacity
        self.negotiated: list[Negotiated | None] = [None] * capacity
        self.law = np.zeros(capacity, np.uint8)
        self.payload_type = np.zeros(capacity, np.uint8)
        self.receive_payload_type = np.full(capacity, NO_PAYLOAD_TYPE, np.uint8)
        self.dtmf_receive = np.full(capacity, NO_PAYLOAD_TYPE, np.uint8)
        self.coding = np.zeros(capacity, np.int16)
        """Which codings may be relayed to each other: 0 for both laws of G.711, else the number of the format."""
        self.clock_factor = np.ones(capacity, np.int64)
        """RTP clock of the codec in units of 8 kHz; timestamps are kept at 8 kHz here."""
        self.wide = np.zeros(capacity, bool)
        """Whether the codec carries more than the telephone band."""
        self.takes_noise = np.zeros(capacity, bool)
        """Whether the peer takes RFC 3389 comfort noise."""
        self.sends = np.zeros(capacity, bool)
        self.receives = np.zeros(capacity, bool)
        self.ssrc = np.zeros(capacity, np.int64)
        self.sequence = np.zeros(capacity, np.int64)
        """Sequence number of the next packet, not wrapped."""
        self.timestamp = np.zeros(capacity, np.int64)
        """Timestamp of the frame of tick `stamped_for`, not wrapped."""
        self.stamped_for = np.zeros(capacity, np.int64)
        self.packets_sent = np.zeros(capacity, np.int64)
        self.last_heard = np.zeros(capacity, np.float64)
        """Seconds on the monotonic clock; 0 before the first packet."""
        self.waiting_since = np.zeros(capacity, np.float64)
        """Since when a packet is due: the latest of the last packet, `configure` and a change of direction."""
        self.silent = np.zeros(capacity, bool)
        """Whether its silence was told."""

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: str) -> bool:
        return name in self._rows

    @property
    def rows(self) -> Rows:
        """Rows in use."""
        return np.fromiter(self._rows.values(), np.intp, len(self._rows))

    def open(self, name: str, tick: int) -> int:
        """Give a name the lowest free row."""
        if name in self._rows:
            raise BadCommand(f"the leg {name!r} is open already")
        if not self._free:
            raise PortsExhausted(f"no more than {self.capacity - 1} legs")
        row = heapq.heappop(self._free)
        self._rows[name] = row
        self.names[row] = name
        self.ssrc[row] = self._rng.getrandbits(32)
        self.sequence[row] = self._rng.getrandbits(15)
        self.timestamp[row] = self._rng.getrandbits(32)
        self.stamped_for[row] = tick
        self.packets_sent[row] = 0
        self.last_heard[row] = self.waiting_since[row] = 0.0
        self.silent[row] = False
        return row

    def close(self, name: str) -> int:
        """Take the name off its row and free it."""
        row = self.row(name)
        del self._rows[name]
        self.names[row] = ""
        self.negotiated[row] = None
        self.sends[row] = self.receives[row] = self.wide[row] = False
        self.receive_payload_type[row] = self.dtmf_receive[row] = NO_PAYLOAD_TYPE
        heapq.heappush(self._free, row)
        return row

    def row(self, name: str) -> int:
        """The row of an open leg."""
        row = self._rows.get(name)
        if row is None:
            raise UnknownLeg(f"no leg {name!r} is open")
        return row

    def configure(self, row: int, negotiated: Negotiated, now: float) -> None:
        """Enter what was negotiated."""
        self.negotiated[row] = negotiated
        self.law[row] = LAWS.get(negotiated.codec, 0)
        form = negotiated.format
        self.coding[row] = G711 if form is None else CODINGS[form]
        self.clock_factor[row] = 1 if form is None else form.clock // 8000
        self.wide[row] = form is not None and form.wideband
        self.payload_type[row] = negotiated.payload_type
        self.receive_payload_type[row] = negotiated.receive_payload_type
        dtmf = negotiated.dtmf_receive
        self.dtmf_receive[row] = NO_PAYLOAD_TYPE if dtmf is None else dtmf
        self.takes_noise[row] = negotiated.comfort_noise
        self.sends[row] = negotiated.send and negotiated.remote_port > 0
        if negotiated.receive and not self.receives[row]:
            self.waiting_since[row] = now
        self.receives[row] = negotiated.receive

    def clock(self, row: int, tick: int) -> int:
        """Timestamp that a frame of this tick has."""
        return int(self.timestamp[row]) + FRAME * max(tick - int(self.stamped_for[row]), 0)

    def clocks(self, rows: Rows, tick: int) -> Longs:
        """Timestamps that frames of this tick have: int64[n]."""
        clocks: Longs = self.timestamp[rows] + FRAME * np.maximum(tick - self.stamped_for[rows], 0)
        return clocks

    def stamp(self, rows: Rows, tick: int) -> tuple[NDArray[np.uint8], Longs, Longs]:
        """Second octet, sequence number and timestamp of each row's frame of this tick; the marker after a pause."""
        paused = tick > self.stamped_for[rows]
        timestamps = self.clocks(rows, tick)
        sequence = self.sequence[rows]
        second = self.payload_type[rows] | np.where(paused, MARKER, 0).astype(np.uint8)
        self.sequence[rows] = sequence + 1
        self.timestamp[rows] = timestamps + FRAME
        self.stamped_for[rows] = tick + 1
        self.packets_sent[rows] += 1
        return second, sequence, timestamps
