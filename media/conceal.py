"""Packet loss concealment in the manner of G.711 Appendix I, without its delay.

A lost frame repeats the last pitch period heard.  The repetition fades by a fifth every 10 ms after the first 10 ms and is silent
after 60 ms (Appendix I section I.2.3); when sound comes back it is blended in over 5 ms.  Where Appendix I holds output back for
3.75 ms to blend into the repetition, here the step between the last sample heard and the first repeated one decays over a quarter
of a period instead.

Only rows that lost something cost more than keeping the last two frames.
"""

from typing import Final

import numpy as np
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

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]


class Concealer:
    """Concealment of many streams; a row is one stream."""

    def __init__(self, rows: int) -> None:
        self._history = np.zeros((rows, 2 * FRAME), np.int16)
        self._period = np.zeros((rows, LONGEST), np.float64)
        self._pitch = np.zeros(rows, np.intp)
        self._step = np.zeros(rows)
        self._gone = np.zeros(rows, np.intp)

    def grow(self, rows: int) -> None:
        """Make room for more rows; what is known stays."""
        for name in ("_history", "_period", "_pitch", "_step", "_gone"):
            old = getattr(self, name)
            new = np.zeros((rows, *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def reset(self, row: int) -> None:
        """A new stream begins on this row."""
        self._history[row] = 0
        self._gone[row] = 0

    def apply(self, pcm: Samples, lost: NDArray[np.bool_]) -> None:
        """Fill in what is missing, in place.

        Parameters
        ----------
        pcm : int16[n, 160]
            One frame of the first n rows; what a lost row holds does not matter.
        lost : bool[n]
            Which rows have nothing to play.
        """
        gone = self._gone[: len(pcm)]
        missing = np.flatnonzero(lost & (gone < SILENT))
        if len(missing):
            begin = missing[gone[missing] == 0]
            if len(begin):
                self._learn_period(begin)
            pcm[missing] = np.rint(self._repeat(missing, FRAME)).astype(np.int16)
        pcm[lost & (gone >= SILENT)] = 0
        back = np.flatnonzero((gone > 0) & ~lost)
        if len(back):
            self._blend(pcm, back)
        gone[missing] += FRAME
        self._history[: len(pcm), :FRAME] = self._history[: len(pcm), FRAME:]
        self._history[: len(pcm), FRAME:] = pcm

    def _learn_period(self, rows: Rows) -> None:
        """Keep the last pitch period of each row, its end bent to run into its beginning."""
        history = self._history[rows].astype(np.float64)
        pitch = find_pitch(self._history[rows])
        each = np.arange(len(rows))
        at = np.arange(LONGEST)
        place = 2 * FRAME - pitch[:, None] + at
        newest = history[each[:, None], np.minimum(place, 2 * FRAME - 1)]
        older = history[each[:, None], np.minimum(place, 2 * FRAME - 1) - pitch[:, None]]
        bend = pitch // 4
        weight = np.clip((at - (pitch - bend)[:, None] + 1) / bend[:, None], 0, 1)
        self._period[rows] = newest + (older - newest) * weight
        self._pitch[rows] = pitch
        self._step[rows] = history[:, -1] - history[each, 2 * FRAME - 1 - pitch]

    def _repeat(self, rows: Rows, count: int) -> NDArray[np.float64]:
        """The next `count` samples of the repetition: float64[k, count], within int16."""
        pitch = self._pitch[rows, None]
        at = self._gone[rows, None] + np.arange(count)
        sound = self._period[rows[:, None], at % pitch]
        sound = sound + self._step[rows, None] * np.maximum(0, 1 - (at + 1) / (pitch // 4 + 1))
        sound = sound * np.clip(1 - (at - FULL) / (SILENT - FULL), 0, 1)
        return np.clip(sound, -32768, 32767)

    def _blend(self, pcm: Samples, rows: Rows) -> None:
        weight = (np.arange(BLEND) + 1) / (BLEND + 1)
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
    for lag in (coarse - 1, coarse, coarse + 1):
        lag = np.clip(lag, SHORTEST, LONGEST)
        score = _agreement(scaled, lag)
        best = np.where(score > best_score, lag, best)
        best_score = np.maximum(score, best_score)
    return best


def _nine_bits(history: Samples) -> NDArray[np.float32]:
    """Rows scaled to at most 9 bits, so that sums of products are exact in float32 in whatever order they are made."""
    loudest = np.maximum(history.max(axis=1), ~history.min(axis=1)).astype(np.int32)
    shift = np.maximum(np.frexp(loudest)[1] - 8, 0)
    return (history >> shift[:, None]).astype(np.float32)


def _best_lag(halved: NDArray[np.float32]) -> Rows:
    """Lag in double samples at which each row, float32[k, 160] at half the rate, agrees best with its past: intp[k]."""
    end, window = halved.shape[1], _WINDOW // 2
    now = halved[:, end - window :]
    best, best_score = np.zeros(len(halved), np.intp), np.full(len(halved), -np.inf)
    energy = np.einsum("kw,kw->k", *[halved[:, end - window - SHORTEST // 2 : end - SHORTEST // 2]] * 2)
    for lag in range(SHORTEST // 2, LONGEST // 2 + 1):
        score = _score(np.einsum("kw,kw->k", now, halved[:, end - window - lag : end - lag]), energy)
        best = np.where(score > best_score, lag, best)
        best_score = np.maximum(score, best_score)
        energy = energy + halved[:, end - window - lag - 1] ** 2 - halved[:, end - lag - 1] ** 2
    return best


def _agreement(scaled: NDArray[np.float32], lag: Rows) -> NDArray[np.float64]:
    """Score of one lag per row: float64[k]."""
    end = scaled.shape[1]
    past = scaled[np.arange(len(scaled))[:, None], np.arange(end - _WINDOW, end) - lag[:, None]]
    return _score(np.einsum("kw,kw->k", scaled[:, end - _WINDOW :], past), np.einsum("kw,kw->k", past, past))


def _score(cross: NDArray[np.float32], energy: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = cross.astype(np.float64)
    return np.asarray(wide * np.abs(wide) / np.maximum(energy, 1))
