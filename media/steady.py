"""Streams that go on as they stood: the head of each row's next packet, known in advance.

Nearly every packet is the one after the last: same sender, same payload type, no marker, next sequence number. Two
words tell it from all others, so nothing else of it has to be taken apart, checked and counted the long way.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.rtp import PLAIN_FIRST

NOTHING: Final = 0
"""No packet begins so: its version would be 0."""

Rows = NDArray[np.intp]
Longs = NDArray[np.int64]
Words = NDArray[np.uint32]
Flags = NDArray[np.bool_]


class Steady:
    """What each row expects.

    Parameters
    ----------
    capacity : int
        Rows; none of them expects anything at first.
    """

    def __init__(self, capacity: int) -> None:
        self._head = np.full(capacity, NOTHING, np.uint32)
        self._ssrc = np.zeros(capacity, np.uint32)
        self._first = np.zeros(capacity, np.intp)

    def expect(self, rows: Rows, payload_types: NDArray[np.uint8], sequence: Longs, ssrc: Longs) -> None:
        """The rows' next packets: uint8[n] payload types, int64[n] sequence numbers, not wrapped, and SSRCs."""
        head = (PLAIN_FIRST << 24) | (payload_types.astype(np.int64) << 16) | (sequence & 0xFFFF)
        self._head[rows] = head
        self._ssrc[rows] = ssrc

    def forget(self, rows: Rows | int) -> None:
        """Expect nothing: the next packets of these rows are looked at the long way."""
        self._head[rows] = NOTHING

    def find(self, rows: Rows, heads: Words) -> Flags:
        """Which packets are the expected ones: bool[n], at most one of each row, and then the first that came.

        Parameters
        ----------
        rows : intp[n]
            Row of each packet, in order of arrival.
        heads : uint32[n, 3]
            Their fixed headers as three numbers.
        """
        same: Flags = (heads[:, 0] == self._head[rows]) & (heads[:, 2] == self._ssrc[rows])
        index = np.arange(len(rows))
        self._first[rows[::-1]] = index[::-1]  # the last write wins: the first packet of each row
        same &= self._first[rows] == index
        return same

    def go_on(self, rows: Rows, heads: NDArray[np.uint32]) -> None:
        """These packets came, uint32[n] first words: expect those after them."""
        self._head[rows] = (heads & np.uint32(0xFFFF0000)) | ((heads + np.uint32(1)) & np.uint32(0xFFFF))
