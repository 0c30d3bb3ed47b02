"""How each leg's sound was: silence, clipping, both at once; arrays once per tick, for the rows that are decoded.

A row whose packets are only handed on is not decoded: for it nothing is known here, which is None and not 0.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.rtp import FRAME
from media.tone import amplitude
from media.voice import VoiceDetector, mean_square

SILENT: Final = np.float32(amplitude(-50.0) ** 2 / 2)
"""Mean square of a frame under which it holds nothing: -50 dBm0, quieter than the noise of a quiet room."""
CLIPPED: Final = 32000
"""Magnitude of the outermost code of both laws, 32124 and 32256, and of no other."""
ENOUGH: Final = 50
"""Frames, or packets, before a leg is said to be one-way: a second."""
ONLY_SILENCE: Final = 0.99
"""Share of silent frames from which on a leg is said to send nothing but silence."""
NEVER: Final = -1

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sounded:
    """What a row's sound was like."""

    seconds: float
    """Seconds of sound that were decoded."""
    silence_percent: float | None
    """Frames under -50 dBm0."""
    clipped_percent: float | None
    """Samples at the limit of the code."""
    talk_over_percent: float | None
    """Frames in which both speak, of those in which both of a room of two were decoded."""


class Measures:
    """Counts what the decoded rows say.

    Parameters
    ----------
    capacity : int
        Rows.
    """

    def __init__(self, capacity: int) -> None:
        self.voice = VoiceDetector(capacity)
        self.frames = np.zeros(capacity, np.int64)
        """Frames that were decoded."""
        self.silent = np.zeros(capacity, np.int64)
        self.clipped = np.zeros(capacity, np.int64)
        """Samples."""
        self.together = np.zeros(capacity, np.int64)
        """Frames in which the partner was decoded too."""
        self.both_speak = np.zeros(capacity, np.int64)
        self._heard_in = np.full(capacity, NEVER, np.int64)
        self._spoke_in = np.full(capacity, NEVER, np.int64)

    def open(self, row: int) -> None:
        """Begin a row for another leg."""
        for counter in (self.frames, self.silent, self.clipped, self.together, self.both_speak):
            counter[row] = 0
        self._heard_in[row] = self._spoke_in[row] = NEVER
        self.voice.reset(row)

    def listen(self, pcm: Samples, rows: Rows, present: Flags, partner: Rows, tick: int) -> None:
        """Count one frame of some rows.

        Parameters
        ----------
        pcm : int16[n, 160]
            What the rows say.
        rows : intp[n]
            Rows, each once; `NOBODY` may occur often, with nothing present.
        present : bool[n]
            Whether the frame came; one that was made up says nothing about the line.
        partner : intp[capacity]
            The other one of each row's room of two, `NOBODY` for none.
        tick : int
            Number of the tick.
        """
        if not present.all():
            pcm, rows = pcm[present], rows[present]
        if not len(rows):
            return
        power = mean_square(pcm)
        self.frames[rows] += 1
        self.silent[rows] += power < SILENT
        self._count_clipped(pcm, rows, power)
        speaks = self.voice.feed(power, rows)
        self._heard_in[rows] = tick
        self._spoke_in[rows[speaks]] = tick
        others = partner[rows]
        self.together[rows] += self._heard_in[others] == tick
        self.both_speak[rows] += speaks & (self._spoke_in[others] == tick)

    def speaks(self, rows: Rows, tick: int) -> Flags:
        """Whether somebody spoke in the frame of this tick: bool[n]."""
        return np.asarray(self._spoke_in[rows] == tick)

    def only_silence(self, rows: Rows) -> Flags:
        """Whether sound came, long enough to say so, and it was silence: bool[n]."""
        frames = self.frames[rows]
        return np.asarray((frames >= ENOUGH) & (self.silent[rows] >= ONLY_SILENCE * frames))

    def sounded(self, row: int) -> Sounded:
        """What is known of a row."""
        frames, together = int(self.frames[row]), int(self.together[row])
        return Sounded(
            seconds=round(frames * 0.02, 2),
            silence_percent=_percent(int(self.silent[row]), frames),
            clipped_percent=_percent(int(self.clipped[row]), frames * FRAME),
            talk_over_percent=_percent(int(self.both_speak[row]), together),
        )

    def _count_clipped(self, pcm: Samples, rows: Rows, power: NDArray[np.float32]) -> None:
        """Only frames loud enough to hold a sample at the limit are looked at."""
        loud = np.flatnonzero(power >= np.float32(CLIPPED**2 / FRAME))
        if len(loud):
            sound = pcm[loud]
            self.clipped[rows[loud]] += np.count_nonzero((sound >= CLIPPED) | (sound <= -CLIPPED), axis=1)


def one_way(sends: bool, receives: bool, sent: int, received: int, *, only_silence: bool) -> str | None:
    """How the sound of a leg goes one way only, None when it does not.

    `not_received`: we send, and nothing comes that should; `not_sent`: something comes, and we send nothing though we
    should; `silence`: what comes is only silence. What was negotiated is what should be.
    """
    if receives and not received:
        return "not_received" if sent >= ENOUGH else None
    if sends and not sent and received >= ENOUGH:
        return "not_sent"
    return "silence" if only_silence else None


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 3) if whole else None
