"""The built-in music on hold: composed and played by arithmetic, so that a switch without any sound file can hold a
call.

Eight bars of four beats at 80 beats per minute, 24 seconds: soft chords, a broken chord above them and a sparse
melody.  Notes are added into a circular buffer, so their tails run over the end into the beginning and the loop has
no seam.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 8000
_BEAT: Final = 6000
"""Samples of a beat: 0.75 s."""
_BEATS: Final = 32
_LEVEL: Final = 1400.0
"""Root mean square of the whole piece in int16 units: 27 dB below full scale, quieter than speech."""

# Chords, one to a bar, as MIDI note numbers (60 = middle C, 69 = A of 440 Hz), close to each other so that few voices
# move.
_CHORDS: Final = (
    (55, 59, 62, 66),
    (55, 59, 62, 64),
    (52, 55, 60, 64),
    (54, 57, 60, 62),
    (55, 59, 62, 66),
    (54, 59, 62, 66),
    (52, 57, 60, 64),
    (54, 57, 60, 62),
)
# The order in which the eight quavers of a bar take the notes of its chord, an octave higher.
_BROKEN: Final = (0, 2, 1, 3, 2, 3, 1, 2)
# Melody as (beat, note, beats held).
_MELODY: Final = (
    (0.0, 78, 2.0), (2.0, 74, 1.0), (3.0, 76, 1.0), (4.0, 74, 3.0),
    (8.0, 72, 1.5), (9.5, 71, 0.5), (10.0, 67, 2.0), (12.0, 69, 3.0),
    (16.0, 74, 1.0), (17.0, 76, 1.0), (18.0, 78, 2.0), (20.0, 79, 1.5), (21.5, 78, 0.5), (22.0, 74, 2.0),
    (24.0, 76, 1.5), (25.5, 74, 0.5), (26.0, 72, 2.0), (28.0, 69, 1.0), (29.0, 72, 1.0), (30.0, 74, 2.0),
)  # fmt: skip

Samples = NDArray[np.int16]
_Voice = tuple[float, ...]

# Strength of the harmonics of each instrument.
_PAD: Final[_Voice] = (1.0, 0.35, 0.12, 0.05)
_HARP: Final[_Voice] = (1.0, 0.4, 0.15)
_FLUTE: Final[_Voice] = (1.0, 0.18, 0.07)


@lru_cache(maxsize=1)
def builtin_music() -> Samples:
    """The whole loop at 8 kHz, int16[192000] (read only); its end joins its beginning."""
    loop = np.zeros(_BEATS * _BEAT)
    notes = {note for chord in _CHORDS for note in chord}
    pads = {note: _pad(note) for note in notes}
    plucked = {note: _plucked(note + 12) for note in notes}
    for bar, chord in enumerate(_CHORDS):
        for note in chord:
            _add(loop, bar * 4.0, pads[note], 0.5)
        for place, which in enumerate(_BROKEN):
            _add(loop, bar * 4 + place / 2, plucked[chord[which]], 0.45)
    for beat, note, held in _MELODY:
        _add(loop, beat, _sung(note, held), 0.8)
    loop *= _LEVEL / np.sqrt(np.mean(loop**2))
    samples = np.rint(loop).astype(np.int16)
    samples.flags.writeable = False
    return samples


def _add(loop: NDArray[np.float64], beat: float, sound: NDArray[np.float64], loudness: float) -> None:
    """Add a note at a beat, around the end of the loop when it is longer than what is left."""
    start = round(beat * _BEAT)
    before_end = min(len(sound), len(loop) - start)
    loop[start : start + before_end] += loudness * sound[:before_end]
    loop[: len(sound) - before_end] += loudness * sound[before_end:]


def _partials(note: int, voice: _Voice, count: int, detune: float = 0.0) -> NDArray[np.float64]:
    """A steady note of MIDI number `note` with the harmonics of a voice that fit below 3400 Hz."""
    hertz = 440 * 2 ** ((note - 69 + detune) / 12)
    turns = hertz * np.arange(count) / RATE
    parts = [part * np.sin(2 * np.pi * turns * order) for order, part in enumerate(voice, 1) if hertz * order < 3400]
    return np.asarray(np.sum(parts, axis=0), np.float64)


def _pad(note: int) -> NDArray[np.float64]:
    """A bar-long chord note, swelling and fading over the bar line, two strings slightly apart."""
    count = 5 * _BEAT
    together = _partials(note, _PAD, count, 0.03) + _partials(note, _PAD, count, -0.03)
    return together * np.sin(np.linspace(0, np.pi, count)) ** 1.2 / 2


def _plucked(note: int) -> NDArray[np.float64]:
    count = 3 * _BEAT
    seconds = np.arange(count) / RATE
    fade = np.minimum(1, (count - np.arange(count)) / 800)
    return _partials(note, _HARP, count) * np.minimum(1, seconds / 0.006) * np.exp(-seconds / 0.45) * fade


def _sung(note: int, held: float) -> NDArray[np.float64]:
    """A melody note: soft attack, long release."""
    count = round((held + 0.6) * _BEAT)
    seconds = np.arange(count) / RATE
    left = (count - np.arange(count)) / RATE
    envelope = np.minimum(1, seconds / 0.07) * np.minimum(1, left / 0.55) * np.exp(-seconds / 2.5)
    return np.asarray(_partials(note, _FLUTE, count) * envelope, np.float64)
