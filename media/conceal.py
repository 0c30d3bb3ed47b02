"""Packet loss concealment in the manner of G.711 Appendix I, without its delay.

A lost frame repeats the last pitch period heard.  The repetition fades by a fifth every 10 ms after the first 10 ms
and is silent after 60 ms (Appendix I section I.2.3); when sound comes back it is blended in over 5 ms.  Where
Appendix I holds output back for 3.75 ms to blend into the repetition, here the step between the last sample heard and
the first repeated one decays over a quarter of a period instead.

Only rows that lost something cost anything: the frames of all rows are written where the last but two were, so the
history is kept without being copied.
"""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

FRAME: Final = 160
"""Samples of a frame: 20 ms at 8 kHz."""
SHORTEST: Final = 40
"""Shortest pitch period looked for, samples: 200 Hz."""
LONGEST: Final = 120
"""Longest pitch period, samples: 66 Hz."""
FULL: Final = 80
"""Samples that are repeated at full loudness."""
SILENT: Final = 480
"""Samples after which nothing is heard any more."""
BLEND: Final = 40
"""Samples over which returning sound is blended in."""

_WINDOW: Final = 160
"""Samples compared with their past to find the pitch; compared at every second sample first, as Appendix I does."""

_BLOCK_ROWS: Final = 128
"""Rows filled in at a time, so that what is worked on stays in the cache when every stream stops at once."""

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]
Floats = NDArray[np.float32]


def _bend() -> Floats:
    """How much of the period before is blended into each sample of the last quarter of a period: float32[pitch,
    place].
    """
    pitch, place = np.ogrid[: LONGEST + 1, :LONGEST]
    quarter = np.maximum(pitch // 4, 1)
    return np.asarray(np.clip((place - pitch + quarter + 1) / quarter, 0, 1), np.float32)


def _decay() -> Floats:
    """What is left of the first step after each sample of the first quarter of a period: float32[pitch, sample]."""
    pitch, sample = np.ogrid[: LONGEST + 1, : LONGEST // 4]
    return np.asarray(np.maximum(0, 1 - (sample + 1) / (pitch // 4 + 1)), np.float32)


_BEND: Final = _bend()
_DECAY: Final = _decay()
_FADE: Final = np.clip(1 - (np.arange(SILENT + FRAME) - FULL) / (SILENT - FULL), 0, 1).astype(np.float32)
"""Loudness of the repetition by sample since sound was lost."""


class Concealer:
    """Concealment of many streams; a row is one stream.

    Each tick `next` gives the array that its frames are to be written into, and `apply` fills in what is missing there.
    """

    def __init__(self, rows: int) -> None:
        self._frames = [np.zeros((rows, FRAME), np.int16) for _ in range(3)]
        """The frame before the last one, the last one, and the one of this tick."""
        self._period = np.zeros((rows, LONGEST), np.float32)
        self._pitch = np.zeros(rows, np.intp)
        self._step = np.zeros(rows, np.float32)
        self._gone = np.zeros(rows, np.intp)

    def reset(self, row: int) -> None:
        """A new stream begins on this row."""
        for frame in self._frames:
            frame[row] = 0
        self._gone[row] = 0

    def next(self) -> Samples:
        """Array for the frames of the next tick, int16[rows, 160]; every row that is in use must be written."""
        self._frames.append(self._frames.pop(0))
        return self._frames[-1]

    def apply(self, lost: NDArray[np.bool_]) -> None:
        """Fill in what is missing of this tick's frames, in place.

        Parameters
        ----------
        lost : bool[n]
            Which of the first n rows have nothing to play; what stands there does not matter.
        """
        pcm, gone = self._frames[-1][: len(lost)], self._gone[: len(lost)]
        missing = np.flatnonzero(lost & (gone < SILENT))
        for start in range(0, len(missing), _BLOCK_ROWS):
            some = missing[start : start + _BLOCK_ROWS]
            begin = some[gone[some] == 0]
            if len(begin):
                self._learn_period(begin)
            pcm[some] = np.rint(self._repeat(some, FRAME)).astype(np.int16)
        pcm[lost & (gone >= SILENT)] = 0
        back = np.flatnonzero((gone > 0) & ~lost)
        if len(back):
            self._blend(pcm, back)
        gone[missing] += FRAME

    def _learn_period(self, rows: Rows) -> None:
        """Keep the last pitch period of each row, its end bent to run into its beginning."""
        history = np.concatenate([self._frames[0][rows], self._frames[1][rows]], axis=1)
        pitch = find_pitch(history)
        end = np.arange(1, len(rows) + 1) * (2 * FRAME)
        begin = end - pitch
        place = np.minimum(np.arange(LONGEST), pitch[:, None] - 1) + begin[:, None]
        flat = history.reshape(-1)
        newest = flat.take(place, mode="clip").astype(np.float32)
        older = flat.take(place - pitch[:, None], mode="clip").astype(np.float32)
        self._period[rows] = newest + (older - newest) * _BEND[pitch]
        self._pitch[rows] = pitch
        self._step[rows] = flat[end - 1].astype(np.float32) - flat[begin - 1]

    def _repeat(self, rows: Rows, count: int) -> Floats:
        """The next `count` samples of the repetition: float32[k, count], within int16."""
        pitch, gone = self._pitch[rows], self._gone[rows]
        turn = (np.arange(count) + gone[:, None]).astype(np.int32) % pitch[:, None].astype(np.int32)
        sound = self._period.reshape(-1).take(turn + rows[:, None] * LONGEST, mode="clip")
        beginning = np.flatnonzero(gone == 0)
        step = min(count, _DECAY.shape[1])
        sound[beginning, :step] += self._step[rows[beginning], None] * _DECAY[pitch[beginning], :step]
        sound *= sliding_window_view(_FADE, count)[gone]
        return np.clip(sound, -32768, 32767, out=sound)

    def _blend(self, pcm: Samples, rows: Rows) -> None:
        weight = ((np.arange(BLEND) + 1) / (BLEND + 1)).astype(np.float32)
        repeated = self._repeat(rows, BLEND)
        pcm[rows, :BLEND] = np.rint(repeated + (pcm[rows, :BLEND] - repeated) * weight).astype(np.int16)
        self._gone[rows] = 0


def find_pitch(history: Samples) -> Rows:
    """Pitch period of each row, intp[k] samples from `SHORTEST` to `LONGEST`, from its last two frames, int16[k, 320].

    It is the lag at which the last 20 ms agree best with their past (largest signed square of the correlation over the
    energy of the past), looked for at every second sample and then between.
    """
    scaled = _nine_bits(history)
    coarse = 2 * _best_lag(np.ascontiguousarray(scaled[:, ::2]))
    best, best_score = coarse, np.full(len(history), -np.inf)
    for change in (-1, 0, 1):
        lag = np.clip(coarse + change, SHORTEST, LONGEST)
        score = _agreement(scaled, lag)
        best = np.where(score > best_score, lag, best)
        best_score = np.maximum(score, best_score)
    return best


def _nine_bits(history: Samples) -> Floats:
    """Rows scaled to at most 9 bits, so that sums of products are exact in float32 in whatever order they are made."""
    loudest = np.maximum(history.max(axis=1), ~history.min(axis=1)).astype(np.int32)
    shift = np.maximum(np.frexp(loudest)[1] - 8, 0)
    return np.asarray(history >> shift[:, None], np.float32)


def _best_lag(halved: Floats) -> Rows:
    """Lag in double samples at which each row, float32[k, 160] at half the rate, agrees best with its past: intp[k]."""
    window, shortest, longest = _WINDOW // 2, SHORTEST // 2, LONGEST // 2
    first, last = halved.shape[1] - window - longest, halved.shape[1] - window - shortest
    past = sliding_window_view(halved, window, axis=1)[:, first : last + 1]
    cross = np.einsum("kw,klw->kl", halved[:, -window:], past)
    summed = np.cumsum(halved * halved, axis=1)
    energy = summed[:, first + window - 1 : last + window] - summed[:, first - 1 : last]
    return np.asarray(longest - np.argmax(_score(cross, energy), axis=1), np.intp)


def _agreement(scaled: Floats, lag: Rows) -> NDArray[np.float64]:
    """Score of one lag per row: float64[k]."""
    end = scaled.shape[1]
    past = scaled[np.arange(len(scaled))[:, None], np.arange(end - _WINDOW, end) - lag[:, None]]
    return _score(np.einsum("kw,kw->k", scaled[:, end - _WINDOW :], past), np.einsum("kw,kw->k", past, past))


def _score(cross: Floats, energy: Floats) -> NDArray[np.float64]:
    wide = cross.astype(np.float64)
    return np.asarray(wide * np.abs(wide) / np.maximum(energy, 1))
