"""Twice and half the sample rate, for the 20 ms frames of many rows together.

Both ways use one half-band low-pass of 31 taps: every other tap is zero but for the one in the middle, so one of the
two phases is a plain delay and the other a filter of 16 taps.  That one is a product with a Toeplitz matrix per block
of 16 samples whose overhang is added to the next block; the overhang of the last block is all that a row remembers.

Passband 0 to 3.4 kHz within 0.05 dB, stop band from 4.6 kHz below -45 dB, late by 0.9 ms.  What lies between 4.0 and
4.6 kHz folds into 3.4 to 4.0 kHz, above the telephone band.  Taps are whole multiples of 2^-15, so the sums in float64
are exact and their order does not matter.  Rounding is to the nearest, halves to even; loud sound saturates.
"""

from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

NARROW: Final = 160
"""Samples per frame at 8 kHz."""
WIDE: Final = 320
"""Samples per frame at 16 kHz."""
TAPS: Final = (-179, 257, -436, 701, -1108, 1798, -3298, 10370, 10370, -3298, 1798, -1108, 701, -436, 257, -179)
"""Taps 0, 2, .. 30 of the half-band filter times 2^15; tap 15 is one half.  Equiripple (Remez)."""
DELAY: Final = 7
"""By how many narrow samples the phase that is not filtered comes later."""

_BLOCK: Final = len(TAPS)
_BLOCKS: Final = NARROW // _BLOCK
_ROWS: Final = 128
"""Rows per pass; the working arrays of 128 rows stay in the second-level cache."""

_PRODUCT: Final = 512
"""Blocks per product: few enough for OpenBLAS not to start threads, which would delay the ticks."""

Rows = NDArray[np.intp]
Samples = NDArray[np.int16]


def _toeplitz(gain: int) -> NDArray[np.float64]:
    """[16, 32]: what a block of 16 samples adds to its own 16 outputs and to the next 16."""
    matrix = np.zeros((_BLOCK, 2 * _BLOCK))
    for place in range(_BLOCK):
        matrix[place, place : place + _BLOCK] = np.array(TAPS) * gain / 32768
    return matrix


class _Phase:
    """The filtered phase of many rows: 160 samples in, 160 out, and the overhang of each row."""

    def __init__(self, rows: int, gain: int) -> None:
        self._matrix = _toeplitz(gain)
        self._overhang = np.zeros((rows, _BLOCK))
        self._input = np.empty((_ROWS, NARROW))
        self._parts = np.empty((_ROWS * _BLOCKS, 2 * _BLOCK))
        self._sums = np.empty((_ROWS, _BLOCKS + 1, _BLOCK))

    def apply(self, rows: Rows, pcm: Samples) -> NDArray[np.float64]:
        """int16[n, 160] of at most 128 rows -> float64[n, 160], valid until the next call."""
        count = len(rows)
        self._input[:count] = pcm
        blocks, parts = self._input[:count].reshape(-1, _BLOCK), self._parts[: count * _BLOCKS]
        for start in range(0, len(blocks), _PRODUCT):
            np.matmul(blocks[start : start + _PRODUCT], self._matrix, out=parts[start : start + _PRODUCT])
        own_and_next = parts.reshape(count, _BLOCKS, 2 * _BLOCK)
        sums = self._sums[:count]
        sums[:, 0] = self._overhang[rows]
        sums[:, 1:] = own_and_next[:, :, _BLOCK:]
        sums[:, :-1] += own_and_next[:, :, :_BLOCK]
        self._overhang[rows] = sums[:, -1]
        return sums.reshape(count, -1)[:, :NARROW]

    def reset(self, row: int) -> None:
        """Forget what the row has heard."""
        self._overhang[row] = 0


class _Band:
    """One way between the rates: the filtered phase, and the end of the plain one, of many rows."""

    _gain: ClassVar[int]

    def __init__(self, rows: int) -> None:
        self._phase = _Phase(rows, self._gain)
        self._past = np.zeros((rows, DELAY), np.int16)

    def apply(self, rows: Rows, pcm: Samples, out: Samples) -> None:
        """The next frame of some rows.

        Parameters
        ----------
        rows : intp[n]
            Which rows the frames belong to, each at most once.
        pcm : int16[n, 320] or int16[n, 160]
            Frames at the one rate.
        out : int16[n, 160] or int16[n, 320]
            Receives the frames at the other.
        """
        for start in range(0, len(rows), _ROWS):
            block = slice(start, start + _ROWS)
            self._apply(rows[block], pcm[block], out[block])

    def _apply(self, rows: Rows, pcm: Samples, out: Samples) -> None:
        raise NotImplementedError

    def reset(self, row: int) -> None:
        """Forget what the row has heard: its next frame is the first of another stream."""
        self._phase.reset(row)
        self._past[row] = 0


class Halver(_Band):
    """16 kHz to 8 kHz: frames of 320 samples become ones of 160."""

    _gain = 1

    def _apply(self, rows: Rows, pcm: Samples, out: Samples) -> None:
        even = pcm[:, ::2]
        sums = self._phase.apply(rows, pcm[:, 1::2])
        sums[:, :DELAY] += 0.5 * self._past[rows]
        sums[:, DELAY:] += 0.5 * even[:, :-DELAY]
        self._past[rows] = even[:, -DELAY:]
        _round(sums, out)


class Doubler(_Band):
    """8 kHz to 16 kHz: frames of 160 samples become ones of 320."""

    _gain = 2

    def _apply(self, rows: Rows, pcm: Samples, out: Samples) -> None:
        _round(self._phase.apply(rows, pcm), out[:, ::2])
        out[:, 1 : 2 * DELAY : 2] = self._past[rows]
        out[:, 2 * DELAY + 1 :: 2] = pcm[:, :-DELAY]
        self._past[rows] = pcm[:, -DELAY:]


def _round(sums: NDArray[np.float64], out: Samples) -> None:
    """Nearest int16 of every sum; overwrites the sums."""
    np.rint(sums, out=sums)
    np.clip(sums, -32768, 32767, out=sums)
    out[...] = sums
