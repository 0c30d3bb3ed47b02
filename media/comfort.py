"""Comfort noise (RFC 3389): what is heard of a leg that pauses and has said how loud its silence is.

A pause begins with a packet of comfort noise and ends with the first frame of speech that was sent after it. In between
every frame that does not come is one of noise and not a lost one. Only the level is followed; the spectrum, which
RFC 3389 leaves to the receiver, is that of the noise in a room: falling by 6 dB an octave above 500 Hz.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.jitter import DEPTH
from media.rtp import FRAME
from media.serial import distance32

LOUDEST: Final = 30
"""-dBov: nobody is hissed at louder than this, whatever he is sent."""
UNHEARD: Final = 127
"""-dBov of silence (RFC 3389 section 3)."""
OVERLOAD: Final = 32768.0
"""0 dBov: the mean of the squares of a square wave at full scale."""
_LENGTH: Final = 1 << 16
"""Samples after which the noise comes again: 8 s."""
_APART: Final = 6007
"""Samples by which the noises of two neighbouring rows are apart."""
_AHEAD: Final = DEPTH * FRAME
"""Samples by which a packet can be ahead of what is played; more is a clock of its own."""

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


def _make_levels() -> NDArray[np.float32]:
    """Effective value in steps of 16 bits of the noise that each first octet of a payload speaks of."""
    level = np.arange(256) & 0x7F
    return np.where(level == UNHEARD, 0.0, OVERLOAD * 10 ** (-np.maximum(level, LOUDEST) / 20)).astype(np.float32)


LEVELS: Final = _make_levels()


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
        self._heard = np.zeros(rows, bool)
        """Whether its noise was heard already."""
        self.count = 0
        """Rows that pause."""

    def begin(self, rows: Rows, timestamps: NDArray[np.int64], octets: NDArray[np.uint8]) -> None:
        """Packets of comfort noise came, one of each row: int64[n] RTP timestamps, uint8[n] first octets."""
        self.count += len(rows) - int(np.count_nonzero(self._pauses[rows]))
        self._pauses[rows], self._since[rows] = True, timestamps
        self._level[rows] = LEVELS[octets]

    def end(self, rows: Rows | int) -> None:
        """These rows, each once, pause no more, or are other legs'."""
        self.count -= int(np.count_nonzero(self._pauses[rows]))
        self._pauses[rows] = self._heard[rows] = False

    def make(self, rows: Rows, tick: int) -> Samples:
        """A frame of each row's noise, int16[n, 160]; each goes on where the one of the tick before ended."""
        start = (rows * _APART + tick * FRAME) % _LENGTH
        wave = _NOISE[start[:, None] + np.arange(FRAME)] * self._level[rows, None]
        return np.asarray(np.clip(np.rint(wave), -32768, 32767), np.int16)

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
            The number of this tick.

        Returns
        -------
        bool[n]
            Which rows pause: they have lost nothing.
        """
        pauses = self._pauses[rows]
        spoken = np.flatnonzero(pauses & present)
        if len(spoken):
            ahead = distance32(self._since[rows[spoken]], timestamps[spoken])
            self.end(rows[spoken[(ahead <= 0) | (ahead > _AHEAD) & self._heard[rows[spoken]]]])
            pauses[spoken] = False
        resting = np.flatnonzero(pauses)
        if len(resting):
            self._heard[rows[resting]] = True
            said[resting] = self.make(rows[resting], tick)
        return pauses
