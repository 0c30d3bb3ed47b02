"""Packets handed on as they come: from a leg to the other one of its room, or back to itself as an echo.

Payloads are kept (or changed from one G.711 law to the other by table); payload type, SSRC, sequence number and
timestamp become those of the outgoing stream, which goes on without a seam when a relay begins, ends or changes its
source. Gaps and the order of the source stay visible to the receiver.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.legs import Legs
from media.rtp import FRAME, MARKER
from media.serial import distance32

NOWHERE: Final = -1

Rows = NDArray[np.intp]
Longs = NDArray[np.int64]


class Relay:
    """Where each row's packets go, and what to add to their numbers."""

    def __init__(self, legs: Legs) -> None:
        self._legs = legs
        self.target = np.full(legs.capacity, NOWHERE, np.intp)
        """Row to which a row's packets go, `NOWHERE` for none."""
        self._joined = np.zeros(legs.capacity, bool)
        self._sequence_shift = np.zeros(legs.capacity, np.int64)
        self._timestamp_shift = np.zeros(legs.capacity, np.int64)
        self.count = 0
        """Rows that have a target."""
        self._rests = np.zeros(legs.capacity, bool)
        self.resting = 0
        """Rows that pause while their target is to hear them nevertheless."""

    def connect(self, source: int, target: int) -> None:
        """Hand a row's packets on to `target`; NOWHERE ends it."""
        if self.target[source] == target:
            return
        self.count += int(target != NOWHERE) - int(self.target[source] != NOWHERE)
        self.target[source] = target
        self._joined[source] = False
        self.go_on(np.array([source]))

    def restart(self, sources: Rows) -> None:
        """The streams of these rows begin anew, with other numbers."""
        self._joined[sources] = False

    def rest(self, sources: Rows) -> None:
        """These rows, each once, pause, and their targets do not take the comfort noise that says so."""
        self.resting += len(sources) - int(np.count_nonzero(self._rests[sources]))
        self._rests[sources] = True

    def go_on(self, sources: Rows) -> None:
        """These rows, each once, do not pause any more."""
        self.resting -= int(np.count_nonzero(self._rests[sources]))
        self._rests[sources] = False

    def make_up(self) -> tuple[Rows, Rows]:
        """Rows that pause, and their targets, who are sent packets of our own now: intp[n] each."""
        sources = np.flatnonzero(self._rests)
        self._joined[sources] = False
        return sources, self.target[sources]

    def number(
        self, sources: Rows, targets: Rows, extended: Longs, timestamps: Longs, tick: int
    ) -> tuple[Longs, Longs]:
        """Sequence numbers and timestamps on the way out, each source and each target once.

        Parameters
        ----------
        sources, targets : intp[n]
            From which row to which.
        extended, timestamps : int64[n]
            Extended sequence number and timestamp on the way in.
        """
        joined = self._joined[sources]
        if not joined.all():
            new, to = sources[~joined], targets[~joined]
            self._sequence_shift[new] = self._legs.sequence[to] - extended[~joined]
            self._timestamp_shift[new] = self._legs.clocks(to, tick) - timestamps[~joined]
            self._joined[new] = True
        sequence = extended + self._sequence_shift[sources]
        stamps = timestamps + self._timestamp_shift[sources]
        self._advance(targets, sequence, stamps, tick)
        return sequence, stamps

    def _advance(self, targets: Rows, sequence: Longs, stamps: Longs, tick: int) -> None:
        """Let the outgoing streams stand after the newest packet that was handed on."""
        legs = self._legs
        newest = sequence >= legs.sequence[targets]
        rows = targets[newest]
        legs.sequence[rows] = sequence[newest] + 1
        ahead = distance32(stamps[newest], legs.timestamp[rows])
        legs.timestamp[rows] += ahead + FRAME
        legs.stamped_for[rows] = tick + 1
        legs.packets_sent[targets] += 1

    def second_octets(self, targets: Rows, seconds: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Marker of the way in with the payload type of the way out."""
        return (seconds & np.uint8(MARKER)) | self._legs.payload_type[targets]
