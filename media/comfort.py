"""Comfort noise (RFC 3389): what is heard of a leg that pauses and has said how loud its silence is.

A pause begins with a packet of comfort noise and ends with the first frame of speech that was sent after it. In between
every frame that does not come is one of noise and not a lost one. Only the level is followed; the spectrum, which
RFC 3389 leaves to the receiver, is that of the noise in a room: falling by 6 dB an octave above 500 Hz.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.rtp import FRAME
from media.serial import distance32

LOUDEST: Final = 30
"""-dBov: nobody is hissed at louder than this, whatever he is sent."""
UNHEARD: Final = 127
"""-dBov of silence (RFC 3389 section 3)."""
OVERLOAD: Final = 32768.0
"""0 dBov: the mean of the squares of a square wave at full scale."""
_LENGTH: Final = 1 << 14
_STRIDE: Final = 6007
"""Samples from where one frame is cut out of the noise to where the next one is; odd, so that they are all used."""

Rows = NDArray[np.intp]
Samples = NDArray[np.int16]
Flags = NDArray[np.bool_]


def _make_noise() -> NDArray[np.float32]:
    """Noise with an effective value of 1 that runs on into its beginning: float32[_LENGTH + FRAME]."""
    spectrum = np.fft.rfft(np.random.default_rng(3389).standard_normal(_LENGTH))
    spectrum /= 1 + np.fft.rfftfreq(_LENGTH, 1 / 8000) / 500
    wave = np.fft.irfft(spectrum)
    wave /= np.sqrt(np.mean(wave**2))
    return np.concatenate([wave, wave[:FRAME]]).astype(np.float32)


_NOISE: Final = _make_noise()


def read_level(payload: bytes) -> float:
    """Effective value of the noise that a packet speaks of, in steps of 16 bits; 0 for none.

    >>> round(read_level(bytes([40])), 1)
    327.7
    """
    level = payload[0] & 0x7F if payload else UNHEARD
    return 0.0 if level == UNHEARD else OVERLOAD * 10 ** (-max(level, LOUDEST) / 20)


class ComfortNoise:
    """The pauses of all legs, by row.

    Parameters
    ----------
    rows : int
        How many rows there are.
    """

    def __init__(self, rows: int) -> None:
        self._pauses = np.zeros(rows, bool)
        self._level = np.zeros(rows, np.float32)
        self._since = np.zeros(rows, np.int64)
        """RTP timestamp of the packet that began the pause, or changed its level."""
        self.count = 0
        """Rows that pause."""

    def begin(self, row: int, timestamp: int, payload: bytes) -> None:
        """A packet of comfort noise came."""
        self.count += int(not self._pauses[row])
        self._pauses[row], self._since[row] = True, timestamp
        self._level[row] = read_level(payload)

    def end(self, row: int) -> None:
        """The row pauses no more, or is another leg's."""
        self.count -= int(self._pauses[row])
        self._pauses[row] = False

    def fill(self, said: Samples, rows: Rows, present: Flags, timestamps: NDArray[np.int64], tick: int) -> Flags:
        """Put noise where a pause has no frame, in place.

        Parameters
        ----------
        said : int16[n, 160]
            The frames of this tick.
        rows : intp[n]
            Whose they are.
        present : bool[n]
            Which of them came.
        timestamps : int64[n]
            RTP timestamps of those that came.
        tick : int
            The number of this tick; no two frames of noise that follow each other are the same.

        Returns
        -------
        bool[n]
            Which rows pause: they have lost nothing.
        """
        pauses = self._pauses[rows]
        spoken = np.flatnonzero(pauses & present)
        if len(spoken):
            after = spoken[distance32(timestamps[spoken], self._since[rows[spoken]]) >= 0]
            self._pauses[rows[after]] = False
            self.count -= len(after)
            pauses[spoken] = False
        resting = np.flatnonzero(pauses)
        if len(resting):
            start = (rows[resting] * _STRIDE * 5 + tick * _STRIDE) % _LENGTH
            wave = _NOISE[start[:, None] + np.arange(FRAME)] * self._level[rows[resting], None]
            said[resting] = np.clip(np.rint(wave), -32768, 32767).astype(np.int16)
        return pauses
