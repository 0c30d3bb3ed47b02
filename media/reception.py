"""What came from each leg, counted: RFC 3550 appendices A.1 and A.3 for all rows, with duplicates told from losses.

A stream that changes its SSRC, or jumps in its sequence numbers, closes a span; losses of closed spans are kept.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.serial import distance16

MAX_DROPOUT: Final = 3000
"""A sequence number further away than this belongs to a restarted sender (RFC 3550 appendix A.1)."""
WINDOW: Final = 64
"""Sequence numbers remembered for telling duplicates."""
NO_SSRC: Final = -1

Rows = NDArray[np.intp]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(slots=True)
class Counted:
    """What became of the packets of one round."""

    fresh: Flags
    """bool[n]: not seen before."""
    restarted: Flags
    """bool[n]: the first of a new span."""
    extended: Longs
    """int64[n]: sequence number that does not wrap, comparable within a span."""


@dataclass(slots=True)
class Losses:
    """Counters of one row since it was opened."""

    expected: int
    received: int
    lost: int
    bursts: int
    """Runs of lost packets."""


class Reception:
    """Sequence numbers, losses and duplicates by row."""

    def __init__(self, capacity: int) -> None:
        self.ssrc = np.full(capacity, NO_SSRC, np.int64)
        self.highest = np.zeros(capacity, np.int64)
        """Highest extended sequence number."""
        self._first = np.zeros(capacity, np.int64)
        self._seen = np.zeros(capacity, np.uint64)
        self._expected_before = np.zeros(capacity, np.int64)
        self.received = np.zeros(capacity, np.int64)
        self.duplicates = np.zeros(capacity, np.int64)
        self.gaps = np.zeros(capacity, np.int64)
        """Runs of packets that are missing, by row; one more with each step over a hole, one less when it is filled."""

    def reset(self, row: int) -> None:
        """Begin a row anew, for another leg."""
        self.ssrc[row] = NO_SSRC
        for counter in (self.highest, self._first, self._expected_before, self.received, self.duplicates, self.gaps):
            counter[row] = 0
        self._seen[row] = 0

    def count(self, rows: Rows, ssrc: Longs, sequence: Longs) -> Counted:
        """Count one packet per row: int64[n] SSRCs and sequence numbers."""
        highest = self.highest[rows]
        step = distance16(sequence, highest)
        restarted = (ssrc != self.ssrc[rows]) | (np.abs(step) > MAX_DROPOUT)
        if restarted.any():
            self._restart(rows[restarted], ssrc[restarted], sequence[restarted])
            highest = self.highest[rows]
            step[restarted] = 1
            highest[restarted] -= 1
        fresh = self._mark(rows, step)
        self._count_gaps(rows, step, fresh & ~restarted)
        self.highest[rows] = np.maximum(self.highest[rows], highest + step)
        self.received[rows] += fresh
        self.duplicates[rows] += ~fresh
        return Counted(fresh, restarted, highest + step)

    def go_on(self, rows: Rows) -> Longs:
        """Count one packet per row, each the one after the last of its stream: int64[n] extended sequence numbers."""
        extended = self.highest[rows] + 1
        self.highest[rows] = extended
        self.received[rows] += 1
        self._seen[rows] = self._seen[rows] << np.uint64(1) | np.uint64(1)
        return extended

    def expected(self, rows: Rows) -> Longs:
        """Packets that should have come, int64[n]."""
        span = np.where(self.ssrc[rows] != NO_SSRC, self.highest[rows] - self._first[rows] + 1, 0)
        return self._expected_before[rows] + span

    def losses(self, row: int) -> Losses:
        """Counters of one row."""
        expected = int(self._expected_before[row])
        if self.ssrc[row] != NO_SSRC:
            expected += int(self.highest[row] - self._first[row]) + 1
        received = int(self.received[row])
        lost = max(expected - received, 0)
        return Losses(expected, received, lost, min(max(int(self.gaps[row]), 1), lost))

    def _count_gaps(self, rows: Rows, step: Longs, fresh: Flags) -> None:
        """Holes that these packets open, close or cut in two; the windows hold the packets already."""
        odd = np.flatnonzero(fresh & (step != 1))
        if not len(odd):
            return
        rows, step = rows[odd], step[odd]
        back = np.clip(-step, 1, WINDOW - 1).astype(np.uint64)
        seen = self._seen[rows]
        newer_here = (seen >> (back - np.uint64(1)) & np.uint64(1)).astype(np.int64)
        older = np.minimum(back + np.uint64(1), np.uint64(WINDOW - 1))
        older_here = (seen >> older & np.uint64(1)).astype(np.int64)
        self.gaps[rows] += np.where(step > 1, 1, 1 - newer_here - older_here)

    def _restart(self, rows: Rows, ssrc: Longs, sequence: Longs) -> None:
        had_span = self.ssrc[rows] != NO_SSRC
        self._expected_before[rows] += np.where(had_span, self.highest[rows] - self._first[rows] + 1, 0)
        self.ssrc[rows] = ssrc
        self._first[rows] = self.highest[rows] = sequence
        self._seen[rows] = 0

    def _mark(self, rows: Rows, step: Longs) -> Flags:
        """Enter the packets into the windows of their rows; False where one was there already or is too old to tell."""
        newer, too_old = step > 0, step <= -WINDOW
        shift = np.clip(np.abs(step), 0, WINDOW - 1).astype(np.uint64)
        seen = self._seen[rows]
        bit = np.uint64(1) << np.where(newer, np.uint64(0), shift)
        moved = np.where(newer, seen << shift, seen)
        moved[step >= WINDOW] = 0
        fresh: Flags = ((moved & bit) == 0) & ~too_old
        self._seen[rows] = np.where(too_old, moved, moved | bit)
        return fresh
