"""Call progress in the voice path: busy, special information tone and fax, heard on many legs at once.

Every frame is projected onto a few narrow bands of frequencies; each band is spanned by the waves that fit into 20 ms.
A frame whose power lies in one band (all but a fiftieth) is a tone of that band; which frequency inside it, and whether
one or two, does not matter. What is a signal is then told by time alone:

    busy  400 to 630 Hz, sounding and pausing by turns, each time for as long as the time before, 0.1 to 0.8 s: in every
          country of E.180 supplement 2 (GB congestion: as long as the time before the last). Dial tone does not
          pause, ringing pauses longer, and no voice keeps time to 40 ms three times.
    sit   three tones, rising: about 950, 1400 and 1800 Hz (E.180/Q.35 section 7; the United States vary them a little).
    cng   a calling fax: 1100 Hz for 0.5 s, twice with 3 s between (T.30 section 4.1).
    ced   an answering fax or modem: 2100 Hz for half a second (T.30, V.25; phase reversals do not matter).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.rtp import FRAME
from media.tone import RATE, amplitude
from media.voice import mean_square

# Hertz that a tone of each band may have, and what E.180, T.30 and V.25 name plus their tolerances.
BANDS: Final[tuple[tuple[float, float], ...]] = (
    (390, 640), (895, 1005), (1355, 1450), (1750, 1830), (1062, 1138), (2080, 2120),
)  # fmt: skip
NOTHING, OTHER, BUSY, SIT1, SIT2, SIT3, CNG, CED = range(-2, 6)
"""What a frame holds: too little, none of the bands, or the number of its band."""

QUIETEST: Final = np.float32(amplitude(-40.0) ** 2 / 2)
"""Mean square under which a frame holds nothing."""
SHARE: Final = np.float32(0.98)
"""Of its power that a frame has inside a band when it is a tone of it."""
UNDER_TONE: Final = np.float32(10 ** (-14 / 10))
"""A frame so much weaker than the tone before it is a pause, whatever noise fills it."""
TOLERANCE: Final = 2
"""Frames by which two sounds, or two pauses, of a cadence may differ."""
SHORTEST: Final = 5
LONGEST: Final = 42
"""Frames of a sound or pause of a busy tone: 0.1 to 0.84 s."""
MOST_UNEVEN: Final = 2.3
"""Ratio of two sounds that take turns in one cadence; GB congestion has 1.8, the dial tone of Greece 3.5."""
REGULAR: Final = 3
"""Sounds with their pauses that are as the ones before."""
SIT_SOUND: Final = 9
"""Frames of each tone of the three."""
SIT_GAP: Final = 4
"""Frames between two of them, cut ones included."""
CNG_SOUND: Final = (21, 30)
"""Frames: 0.5 s +- 15 %, and cut frames."""
CNG_PAUSE: Final = (120, 180)
CED_SOUND: Final = 25
_PRODUCT: Final = 64
"""Frames of one matrix product, few enough for no library to start threads."""

Samples = NDArray[np.int16]
Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]
Bands = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Heard:
    """A signal on a row."""

    row: int
    kind: str
    """`busy`, `sit`, `cng` or `ced`."""
    seconds: float
    """For how long it has been there."""


def _span(low: float, high: float) -> NDArray[np.float32]:
    """Orthonormal waves that make up any sine of the band over 20 ms but for a thousandth: float32[w, 160]."""
    turns = 2 * np.pi * np.outer(np.linspace(low, high, 60), np.arange(FRAME)) / RATE
    waves = np.concatenate([np.cos(turns), np.sin(turns)])
    _, strength, vectors = np.linalg.svd(waves, full_matrices=False)
    return np.asarray(vectors[strength > 0.03 * strength[0]], np.float32)


_SPANS: Final = [_span(*band) for band in BANDS]
_WAVES: Final = np.concatenate(_SPANS)
_STARTS: Final = np.cumsum([0, *map(len, _SPANS[:-1])])


def bands_of(pcm: Samples) -> tuple[Bands, NDArray[np.float32]]:
    """Which band the power of each frame lies in.

    Sound int16[k, 160] -> int8[k], `NOTHING`, `OTHER` or a band's number, and float32[k] mean squares.
    """
    power = mean_square(pcm)
    band = np.where(power < QUIETEST, NOTHING, OTHER).astype(np.int8)
    loud = np.flatnonzero(band == OTHER)
    for start in range(0, len(loud), _PRODUCT):
        part = loud[start : start + _PRODUCT]
        seen = pcm[part].astype(np.float32) @ _WAVES.T
        share = np.add.reduceat(seen * seen, _STARTS, axis=1) / (power[part, None] * np.float32(FRAME))
        best = share.argmax(axis=1)
        band[part] = np.where(share[np.arange(len(part)), best] >= SHARE, best, OTHER)
    return band, power


class ProgressDetector:
    """Listens for the signals; each row has its own state.

    Parameters
    ----------
    rows : int
        How many rows there are.
    """

    def __init__(self, rows: int) -> None:
        self._cadence = Cadence(rows)
        self._sit = Sequence(rows)
        self._cng = Calling(rows)
        self._ced = np.zeros(rows, np.int16)
        self._ced_odd = np.zeros(rows, np.int8)

    def reset(self, row: int) -> None:
        """Another leg has this row now, or it is to be listened to anew."""
        for part in (self._cadence, self._sit, self._cng):
            part.reset(row)
        self._ced[row] = self._ced_odd[row] = 0

    def feed(self, pcm: Samples, rows: Rows) -> list[Heard]:
        """Listen to one frame of some rows.

        Parameters
        ----------
        pcm : int16[k, 160]
            The frames.
        rows : intp[k]
            Which row each of them belongs to, none twice.

        Returns
        -------
        list of Heard
            Signals recognised in this frame: busy again with every further cycle, the others once.
        """
        band, power = bands_of(pcm)
        found: list[Heard] = []
        busy, seconds = self._cadence.feed(band, power, rows)
        found += [Heard(int(rows[at]), "busy", round(float(seconds[at]), 2)) for at in np.flatnonzero(busy)]
        for kind, told, long in (
            ("sit", self._sit.feed(band, rows), 3 * 0.33),
            ("cng", self._cng.feed(band, rows), 4.0),
            ("ced", self._hear_answer(band, rows), CED_SOUND * 0.02),
        ):
            found += [Heard(int(rows[at]), kind, long) for at in np.flatnonzero(told)]
        return found

    def _hear_answer(self, band: Bands, rows: Rows) -> Flags:
        """CED: half a second of its frequency; one odd frame, a phase reversal, is let pass."""
        here = band == CED
        odd = np.where(here, 0, self._ced_odd[rows] + 1)
        count = np.where(odd > 1, 0, self._ced[rows] + here)
        self._ced_odd[rows] = np.minimum(odd, 2)
        self._ced[rows] = np.minimum(count, CED_SOUND + 1)
        return np.asarray(here & (count == CED_SOUND))


class Cadence:
    """Tones of 400 to 630 Hz that sound and pause in regular turns."""

    def __init__(self, rows: int) -> None:
        self._sounds = np.zeros(rows, np.bool_)
        self._level = np.zeros(rows, np.float32)
        self._run = np.zeros(rows, np.int16)
        """Frames since the tone began or ended."""
        self._odd = np.zeros(rows, np.int8)
        self._on = np.zeros((rows, 3), np.int16)
        """Lengths of the last sounds, the newest first; 0 is none."""
        self._off = np.zeros((rows, 3), np.int16)
        self._regular = np.zeros(rows, np.int16)
        self._total = np.zeros(rows, np.int32)
        """Frames since the first sound of the cadence began."""

    def reset(self, row: int) -> None:
        """Begin a row anew."""
        for name in vars(self):
            getattr(self, name)[row] = 0

    def feed(self, band: Bands, power: NDArray[np.float32], rows: Rows) -> tuple[Flags, NDArray[np.float64]]:
        """One frame of some rows: bool[k] whether a regular cycle was completed just now, and seconds[k] so far."""
        sounds, level, odd = self._sounds[rows], self._level[rows], self._odd[rows]
        tone = band == BUSY
        pause = ~tone & ((band == NOTHING) | (power < level * UNDER_TONE))
        odd = np.where(tone | pause, 0, odd + 1)
        begins, ends = tone & ~sounds, pause & sounds
        run = self._run[rows] + 1
        told = np.zeros(len(rows), np.bool_)
        self._total[rows] += 1
        if ends.any():
            self._push(self._on, rows[ends], run[ends])
        if begins.any():
            self._push(self._off, rows[begins], run[begins])
            told[begins] = self._compare(rows[begins])
        lost = (odd > 1) | (run > LONGEST + TOLERANCE)
        if lost.any():
            self._forget(rows[lost])
        self._run[rows] = np.where(begins | ends, 0, np.minimum(run, LONGEST + TOLERANCE + 1))
        self._sounds[rows] = np.where(lost & ~tone, False, (sounds & ~ends) | tone)
        self._level[rows] = np.where(tone, power, np.where(lost, 0, level))
        self._odd[rows] = np.minimum(odd, 2)
        return told & ~lost, np.asarray(self._total[rows] * 0.02, np.float64)

    def _push(self, lengths: NDArray[np.int16], rows: Rows, run: NDArray[np.int16]) -> None:
        lengths[rows, 1:] = lengths[rows, :-1]
        lengths[rows, 0] = run

    def _compare(self, rows: Rows) -> Flags:
        """Whether the sound and pause that are complete now are as those before, often enough."""
        on, off = self._on[rows], self._off[rows]
        fits = (on[:, 0] >= SHORTEST) & (on[:, 0] <= LONGEST) & (off[:, 0] >= SHORTEST) & (off[:, 0] <= LONGEST)
        first = ~(on[:, 1] > 0)
        near = (np.abs(on[:, 1:] - on[:, :1]) <= TOLERANCE) & (np.abs(off[:, 1:] - off[:, :1]) <= TOLERANCE)
        near &= on[:, 1:] > 0
        uneven = np.maximum(on[:, 0], on[:, 1]) > MOST_UNEVEN * np.minimum(on[:, 0], on[:, 1])
        regular = fits & (near[:, 0] | (near[:, 1] & ~uneven))
        count = np.where(regular, self._regular[rows] + 1, 0)
        self._regular[rows] = count
        fresh = (count == 0) & (first | (on[:, 2] > 0))
        anew = rows[fresh]
        self._total[anew] = on[fresh, 0].astype(np.int32) + off[fresh, 0]
        return np.asarray(count >= REGULAR)

    def _forget(self, rows: Rows) -> None:
        """Something else was heard, or it lasted too long: what comes next is no part of a cadence."""
        self._on[rows] = 0
        self._off[rows] = 0
        self._regular[rows] = 0


class Sequence:
    """Three rising tones, one after the other."""

    def __init__(self, rows: int) -> None:
        self._stage = np.zeros(rows, np.int8)
        """0 none, 1 to 3 the tone that sounds or sounded last."""
        self._run = np.zeros(rows, np.int16)
        self._gap = np.zeros(rows, np.int8)

    def reset(self, row: int) -> None:
        """Begin a row anew."""
        self._stage[row] = self._run[row] = self._gap[row] = 0

    def feed(self, band: Bands, rows: Rows) -> Flags:
        """One frame of some rows: bool[k] whether the third tone was heard long enough just now."""
        which = np.where((band >= SIT1) & (band <= SIT3), band - SIT1 + 1, 0)
        stage, run = self._stage[rows], self._run[rows]
        same = (which > 0) & (which == stage)
        rises = (which == stage + 1) & ((stage == 0) | (run >= SIT_SOUND)) & (which > 0)
        again = (which == 1) & ~same & ~rises
        gap = np.where(same | rises | again, 0, self._gap[rows] + 1)
        lost = gap > SIT_GAP
        stage = np.where(lost, 0, np.where(rises | again, which, stage))
        run = np.where(lost, 0, np.where(rises | again, 1, run + same))
        self._stage[rows], self._run[rows] = stage, np.minimum(run, 1000)
        self._gap[rows] = np.minimum(gap, SIT_GAP + 1)
        return np.asarray((stage == 3) & same & (run == SIT_SOUND))


class Calling:
    """The calling tone of a fax: half a second of 1100 Hz, three seconds of pause, and once more."""

    def __init__(self, rows: int) -> None:
        self._sound = np.zeros(rows, np.int16)
        """Frames of the tone that sounds."""
        self._since = np.zeros(rows, np.int16)
        """Frames since a tone of the right length ended; 0 for none."""

    def reset(self, row: int) -> None:
        """Begin a row anew."""
        self._sound[row] = self._since[row] = 0

    def feed(self, band: Bands, rows: Rows) -> Flags:
        """One frame of some rows: bool[k] whether the second tone ended just now."""
        here = band == CNG
        sound, since = self._sound[rows], self._since[rows]
        ended = ~here & (sound > 0)
        right = ended & (sound >= CNG_SOUND[0]) & (sound <= CNG_SOUND[1])
        pause = since - sound
        told = right & (pause >= CNG_PAUSE[0]) & (pause <= CNG_PAUSE[1])
        since = np.where(right, 1, np.where(ended, 0, np.where(since > 0, since + 1, 0)))
        self._sound[rows] = np.where(here, np.minimum(sound + 1, 1000), 0)
        self._since[rows] = np.where(since > CNG_PAUSE[1] + CNG_SOUND[1] + 2, 0, since)
        return np.asarray(told)
