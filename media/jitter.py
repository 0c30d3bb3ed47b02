"""The jitter buffer of all legs: 16 slots of 20 ms per row, placed by RTP timestamp and taken once per tick.

`next_timestamp[row]` is the timestamp of the frame that the next tick takes; how far a packet lies ahead of it
decides its slot. A row begins `START_FRAMES` deep. One that ran dry becomes deeper with the next packet, so that
nothing is thrown away; a packet that comes after its successors were heard makes it deeper at the next review; a long
calm makes it shallower.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.rtp import FRAME
from media.serial import distance32

DEPTH: Final = 16
"""Slots per row: 320 ms."""
START_FRAMES: Final = 2
"""Frames that the first packet of a stream waits: 40 ms and what is left of the tick."""
TOO_OLD: Final = 50
"""Frames behind which a timestamp is not late but another clock: 1 s."""
MOST_GROWTH: Final = 5
"""Frames by which one review deepens a row."""
CALM_AHEAD: Final = 3
"""A row whose packets all came at least this many frames early is deeper than it needs to be."""
CALM_REVIEWS: Final = 5
"""Reviews of such calm after which a frame is left out; every frame that it is deeper saves `CALM_HASTE` of them, so
that a sender whose clock is too fast, by up to 2 %, is kept up with."""
CALM_HASTE: Final = 2
PAUSE_FRAMES: Final = 10
"""A row without frames for 200 ms pauses: its next packet begins anew, as a talk spurt does."""

Rows = NDArray[np.intp]
Octets = NDArray[np.uint8]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]


class JitterBuffer:
    """Frames that wait for their tick.

    Parameters
    ----------
    capacity : int
        Rows; their memory is touched only when they are used.
    """

    def __init__(self, capacity: int) -> None:
        self._codes = np.zeros((capacity * DEPTH, FRAME), np.uint8)
        self._filled = np.zeros(capacity * DEPTH, bool)
        self._cursor = np.zeros(capacity, np.intp)
        self.started = np.zeros(capacity, bool)
        self._next_timestamp = np.zeros(capacity, np.int64)
        self._lowest = np.full(capacity, DEPTH, np.int64)
        self._calm = np.zeros(capacity, np.int64)
        self._missing = np.zeros(capacity, np.int64)
        self.late = np.zeros(capacity, np.int64)
        """Packets that came after their tick, per row."""
        self._waited = np.zeros(capacity, np.int64)
        self._reviews = np.zeros(capacity, np.int64)

    def restart(self, rows: Rows | int) -> None:
        """Forget the streams of rows; their next packets begin others."""
        self.started[rows] = False
        self._filled.reshape(-1, DEPTH)[rows] = False

    def forget(self, row: int) -> None:
        """Another leg has this row now."""
        self.restart(row)
        self.late[row] = self._waited[row] = self._reviews[row] = 0

    def mean_depth(self, row: int) -> float | None:
        """Frames that waited, on the average of all reviews of a row; None before the first."""
        reviews = int(self._reviews[row])
        return int(self._waited[row]) / reviews if reviews else None

    def put(self, rows: Rows, timestamps: Longs, payloads: Octets) -> None:
        """Place one frame per row.

        Parameters
        ----------
        rows : intp[n]
            Rows, each once.
        timestamps : int64[n]
            RTP timestamps.
        payloads : uint8[n, 160]
            Octets of G.711.
        """
        offset = distance32(timestamps, self._next_timestamp[rows])
        ahead = (offset + FRAME // 2 - 1) // FRAME
        self._align(rows, offset - ahead * FRAME)
        strange = ~self.started[rows] | (ahead >= DEPTH) | (ahead < -TOO_OLD)
        if strange.any():
            self._begin(rows[strange], timestamps[strange])
            ahead[strange] = START_FRAMES
        dry = (ahead < 0) & (ahead >= -MOST_GROWTH) & (self._missing[rows] >= -ahead)
        if dry.any():
            self._deepen(rows[dry], -ahead[dry])
            ahead[dry] = 0
        self._lowest[rows] = np.minimum(self._lowest[rows], ahead)
        in_time = ahead >= 0
        if not in_time.all():
            self.late[rows[~in_time]] += 1
            rows, ahead, payloads = rows[in_time], ahead[in_time], payloads[in_time]
        slots = rows * DEPTH + (self._cursor[rows] + ahead) % DEPTH
        self._codes[slots] = payloads
        self._filled[slots] = True

    def put_one(self, row: int, timestamp: int, payload: Octets, silence: int) -> None:
        """Place a packet of any length, uint8[m], cut into the row's frames; `silence` fills what it leaves open."""
        if not self.started[row]:
            self._begin(np.array([row]), np.array([timestamp]))
        offset = int(distance32(timestamp, int(self._next_timestamp[row])))
        if not -TOO_OLD * FRAME <= offset < DEPTH * FRAME:
            self._begin(np.array([row]), np.array([timestamp]))
            offset = START_FRAMES * FRAME
        self._lowest[row] = min(self._lowest[row], offset // FRAME)
        if offset < 0:
            self.late[row] += 1
            payload, offset = payload[-offset:], 0
        payload = payload[: DEPTH * FRAME - offset]
        while len(payload):
            ahead, start = divmod(offset, FRAME)
            piece = payload[: FRAME - start]
            slot = row * DEPTH + (int(self._cursor[row]) + ahead) % DEPTH
            if not self._filled[slot]:
                self._codes[slot] = silence
                self._filled[slot] = True
            self._codes[slot, start : start + len(piece)] = piece
            payload, offset = payload[len(piece) :], offset + len(piece)

    def take(self, rows: Rows, out: Octets) -> tuple[Flags, Flags]:
        """Take the frames of this tick.

        Parameters
        ----------
        rows : intp[n]
            Rows, each once.
        out : uint8[n, 160]
            Receives the octets; what stands in rows without a frame means nothing.

        Returns
        -------
        bool[n], bool[n]
            Whether the row has a frame, and whether it lacks one that it should have.
        """
        cursor = self._cursor[rows]
        slots = rows * DEPTH + cursor
        present = self._filled[slots]
        np.take(self._codes, slots, axis=0, out=out, mode="clip")
        self._filled[slots] = False
        self._cursor[rows] = (cursor + 1) % DEPTH
        self._next_timestamp[rows] += FRAME
        missing = np.where(present, 0, self._missing[rows] + 1)
        self._missing[rows] = missing
        self.started[rows] &= missing < PAUSE_FRAMES
        return present, self.started[rows] & ~present

    def taken(self, rows: Rows) -> Longs:
        """RTP timestamps of the frames that `take` has just given, int64[n]."""
        return self._next_timestamp[rows] - FRAME

    def review(self, rows: Rows) -> None:
        """Once a second: deepen rows that had late packets, make rows shallower that were calm for long."""
        rows = rows[self.started[rows]]
        self._waited[rows] += np.count_nonzero(self._filled.reshape(-1, DEPTH)[rows], axis=1)
        self._reviews[rows] += 1
        lowest = self._lowest[rows]
        self._lowest[rows] = DEPTH
        late = lowest < 0
        self._deepen(rows[late], np.minimum(-lowest[late], MOST_GROWTH))
        calm = (lowest >= CALM_AHEAD) & (lowest < DEPTH)
        self._calm[rows] = np.where(calm, self._calm[rows] + 1, 0)
        wanted = np.maximum(CALM_REVIEWS - CALM_HASTE * (lowest - CALM_AHEAD), 1)
        self._skip(rows[calm & (self._calm[rows] >= wanted)])

    def _deepen(self, rows: Rows, frames: Longs) -> None:
        """Play everything `frames` ticks later; the slots before the cursor were taken and are empty."""
        self._cursor[rows] = (self._cursor[rows] - frames) % DEPTH
        self._next_timestamp[rows] -= frames * FRAME
        for step in range(MOST_GROWTH):
            self._filled[rows * DEPTH + (self._cursor[rows] + np.minimum(step, frames - 1)) % DEPTH] = False

    def _skip(self, rows: Rows) -> None:
        """Leave out one frame."""
        self._filled[rows * DEPTH + self._cursor[rows]] = False
        self._cursor[rows] = (self._cursor[rows] + 1) % DEPTH
        self._next_timestamp[rows] += FRAME
        self._calm[rows] = 0

    def _align(self, rows: Rows, shift: Longs) -> None:
        """Follow a sender whose timestamps moved by a part of a frame; at most 10 ms are heard earlier or later."""
        if shift.any():
            self._next_timestamp[rows] += shift

    def _begin(self, rows: Rows, timestamps: Longs) -> None:
        self.started[rows] = True
        self._cursor[rows] = 0
        self._next_timestamp[rows] = timestamps - START_FRAMES * FRAME
        self._calm[rows] = 0
        self._missing[rows] = 0
        self._filled.reshape(-1, DEPTH)[rows] = False
