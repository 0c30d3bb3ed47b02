"""Packets that are handed on, sent from where they were read: only their headers, and other laws' octets, are written.

What goes out has the numbers that `Relay` gives and the SSRC of the outgoing stream. Nothing is copied; the buffers are
free again when a packet has left, which is before the next reading.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media import rtp
from media.g711 import transcode
from media.io.sockets import MediaIo
from media.legs import Legs
from media.relay import Relay
from media.rtp import FRAME, HEADER_SIZE
from media.voices import Voices

LARGEST: Final = HEADER_SIZE + 4 * FRAME
"""Octets of a packet that is handed on."""
MOST_NOISE: Final = 32
"""Octets of a packet of comfort noise that are handed on: its level, and more reflections than anybody sends."""
NEVER: Final = -(1 << 62)

Rows = NDArray[np.intp]
Longs = NDArray[np.int64]
Octets = NDArray[np.uint8]
Flags = NDArray[np.bool_]


class Forwarder:
    """Sends packets to the targets of their rows."""

    def __init__(self, io: MediaIo, legs: Legs, relay: Relay, voices: Voices) -> None:
        self._io = io
        self._legs = legs
        self._relay = relay
        self._voices = voices
        self.at = NEVER
        """Tick in which a packet was last handed on."""

    def forward(
        self,
        rows: Rows,
        deliver: Flags,
        extended: Longs,
        timestamps: Longs,
        seconds: Octets,
        pool: Octets,
        buffers: Rows,
        size: int,
        tick: int,
    ) -> None:
        """Hand on packets of one size, at most one of each row.

        Parameters
        ----------
        rows : intp[n]
            Where they came from.
        deliver : bool[n]
            Which of them may be handed on.
        extended, timestamps : int64[n]
            Sequence numbers that do not wrap, and timestamps of a clock of 8 kHz.
        seconds : uint8[n]
            Their second octets.
        pool : uint8[buffers, at least size]
            Where they are, n rows of it, `buffers`; they are overwritten.
        size : int
            Octets of each, its header included.
        tick : int
            Number of the tick.
        """
        targets = self._relay.target[rows]
        going = deliver & (targets >= 0) & self._legs.sends[targets]
        if not going.all():
            if not going.any():
                return
            rows, targets, extended, timestamps = rows[going], targets[going], extended[going], timestamps[going]
            seconds, buffers = seconds[going], buffers[going]
        if self._relay.resting:
            self._relay.go_on(rows)
        self._translate(rows, targets, pool, buffers, size)
        second = self._relay.second_octets(targets, seconds)
        self._send(rows, targets, extended, timestamps, second, pool, buffers, size, tick)

    def forward_one(self, row: int, packet: rtp.RtpPacket, extended: int, timestamp: int, tick: int) -> None:
        """Hand on an odd packet's sound without what made it odd; its timestamp is one of a clock of 8 kHz."""
        size = len(packet.payload)
        if not self._legs.receives[row] or not 0 < size <= LARGEST - HEADER_SIZE:
            return
        second = np.array([packet.payload_type | (rtp.MARKER if packet.marker else 0)], np.uint8)
        pool = np.zeros((1, LARGEST), np.uint8)
        pool[0, HEADER_SIZE : HEADER_SIZE + size] = np.frombuffer(packet.payload, np.uint8)
        numbers = np.array([extended]), np.array([timestamp])
        place, every = np.zeros(1, np.intp), np.ones(1, bool)
        self.forward(np.array([row]), every, *numbers, second, pool, place, HEADER_SIZE + size, tick)

    def forward_noise(
        self,
        rows: Rows,
        newest: Flags,
        extended: Longs,
        timestamps: Longs,
        seconds: Octets,
        pool: Octets,
        buffers: Rows,
        sizes: NDArray[np.int32],
        tick: int,
    ) -> None:
        """Hand on comfort noise as what it is to those who take it; the others are sent sound until speech comes.

        `newest` tells, bool[n], after which packets nothing else of their rows came; the rest is as in `forward`.
        """
        targets = self._relay.target[rows]
        going = (targets >= 0) & self._legs.sends[targets]
        takes = going & self._legs.takes_noise[targets]
        self._relay.rest(rows[going & ~takes & newest])
        second = (seconds & np.uint8(rtp.MARKER)) | np.uint8(rtp.COMFORT_NOISE)
        for size in np.unique(sizes[takes]).tolist():
            these = np.flatnonzero(takes & (sizes == size))
            numbers = extended[these], timestamps[these], second[these]
            self._send(rows[these], targets[these], *numbers, pool, buffers[these], size, tick)

    def _send(
        self,
        rows: Rows,
        targets: Rows,
        extended: Longs,
        timestamps: Longs,
        second: Octets,
        pool: Octets,
        buffers: Rows,
        size: int,
        tick: int,
    ) -> None:
        self.at = tick
        sequence, stamps = self._relay.number(rows, targets, extended, timestamps, tick)
        if len(self._voices):
            stamps *= self._legs.clock_factor[targets]
        rtp.write_headers(pool, buffers, second, sequence, stamps, self._legs.ssrc[targets])
        self._io.send_from(targets, pool, buffers, size)

    def _translate(self, rows: Rows, targets: Rows, pool: Octets, buffers: Rows, size: int) -> None:
        """Turn sound into the law of its target where that is another one."""
        source_law, target_law = self._legs.law[rows], self._legs.law[targets]
        other = source_law != target_law
        if not other.any():
            return
        buffers, even = buffers[other], slice(HEADER_SIZE, size + size % 2)
        sound = pool[buffers, even]
        transcode(sound, source_law[other], target_law[other], sound)
        pool[buffers, even] = sound
